//! What `list` and `explain` know: requirements, cases of both sides, defects, and who speaks of whom.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::Failure;
use super::library::Library;
use crate::corpus::{Defects, ExpandedCase};
use crate::sdk::cases::ClientCorpus;

/// All fixtures.
pub(super) struct Catalogue {
    pub(super) library: Library,
    pub(super) clients: ClientCorpus,
    pub(super) banks: Defects,
}

/// Something by its id, and what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Named {
    /// Its id.
    pub(super) id: String,
    /// What it says, as a sentence.
    pub(super) title: String,
}

impl Named {
    pub(super) fn new(id: &str, title: &str) -> Self {
        Self { id: id.to_owned(), title: title.to_owned() }
    }
}

/// What speaks of a requirement.
#[derive(Clone, Debug, Default)]
pub(super) struct Citing {
    /// The cases on endpoints, a family as one.
    pub(super) cases: Vec<Named>,
    /// The cases on SDKs.
    pub(super) client_cases: Vec<Named>,
    /// The defects that break it.
    pub(super) defects: Vec<Named>,
}

impl Catalogue {
    /// Loads the fixtures that were compiled in, or those of a folder.
    pub(super) fn load(folder: Option<PathBuf>) -> Result<Self, Failure> {
        let (library, banks) = Library::load_with_defects(folder.clone())?;
        let (_, clients) = Library::load_with_clients(folder)?;
        Ok(Self { library, clients, banks })
    }

    /// Every id: of requirements, cases of both sides and defects.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        let requirements = self.library.contract.register.requirements.iter().map(|row| row.id.as_str());
        let cases = self.library.corpus.cases().iter().map(|case| case.id.as_str());
        let client_cases = self.clients.cases().iter().map(|case| case.id.as_str());
        let defects = self.banks.entries().iter().map(|entry| entry.id.as_str());
        requirements.chain(cases).chain(client_cases).chain(defects)
    }

    /// What speaks of each requirement that anything speaks of.
    pub(super) fn citing(&self) -> BTreeMap<&str, Citing> {
        let mut citing: BTreeMap<&str, Citing> = BTreeMap::new();
        for case in self.library.corpus.cases() {
            for id in &case.case.requirements {
                let cases = &mut citing.entry(id).or_default().cases;
                if cases.last().is_none_or(|last| last.id != case.case.id) {
                    cases.push(Named::new(&case.case.id, &case.case.title));
                }
            }
        }
        for case in self.clients.cases() {
            for id in &case.requirements {
                citing.entry(id).or_default().client_cases.push(Named::new(&case.id, &case.title));
            }
        }
        for entry in self.banks.entries() {
            for id in &entry.requirements {
                citing.entry(id).or_default().defects.push(Named::new(&entry.id, &entry.title));
            }
        }
        citing
    }

    /// Requirements by their ids, each with its text.
    pub(super) fn requirements(&self, ids: &[String]) -> Vec<Named> {
        let text = |id: &String| self.library.contract.register.get(id).map_or("", |row| row.text.as_str());
        ids.iter().map(|id| Named::new(id, text(id))).collect()
    }

    /// The first case on endpoints that cites a requirement.
    pub(super) fn first_case(&self, requirement: &str) -> Option<&ExpandedCase> {
        let cites = |case: &ExpandedCase| case.case.requirements.iter().any(|id| id == requirement);
        self.library.corpus.cases().iter().map(AsRef::as_ref).find(|case| cites(case))
    }
}
