//! Loads the fixtures, which every command but `serve emulator` starts with.

use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::Failure;
use super::revision::AskedRevision;
use crate::contract::{Contract, Feature, Fixtures, Level, Revision, Service};
use crate::corpus::{Corpus, Defects, ExpandedCase, LoadErrors};
use crate::judge::Judge;
use crate::sdk::cases::ClientCorpus;

pub(super) struct Library {
    pub(super) contract: Arc<Contract>,
    pub(super) corpus: Arc<Corpus>,
    pub(super) judge: Judge,
}

impl Library {
    /// Loads the fixtures that were compiled in, or those of a folder, of the newest revision of the documents.
    pub(super) fn load(folder: Option<PathBuf>) -> Result<Self, Failure> {
        Self::load_in(folder, None)
    }

    /// The same of the revision that was asked for.
    pub(super) fn load_in(folder: Option<PathBuf>, asked: Option<&AskedRevision>) -> Result<Self, Failure> {
        Ok(Self::load_with(folder, asked, |_, _| Ok(()))?.0)
    }

    /// The same with the banks of defects, which only some commands need.
    pub(super) fn load_with_defects(
        folder: Option<PathBuf>,
        asked: Option<&AskedRevision>,
    ) -> Result<(Self, Defects), Failure> {
        Self::load_with(folder, asked, |fixtures, library| Defects::load(fixtures, &library.contract))
    }

    /// The contract, the cases of both sides, and the judge.
    pub(super) fn load_with_clients(folder: Option<PathBuf>) -> Result<(Self, ClientCorpus), Failure> {
        Self::load_with(folder, None, |fixtures, library| {
            ClientCorpus::load(fixtures, &library.contract, &library.corpus)
        })
    }

    /// The same with something more that is made from the fixtures and the library.
    fn load_with<T>(
        folder: Option<PathBuf>,
        asked: Option<&AskedRevision>,
        more: impl FnOnce(&Fixtures, &Self) -> Result<T, LoadErrors>,
    ) -> Result<(Self, T), Failure> {
        let fixtures = folder.map_or(Fixtures::Embedded, Fixtures::Folder);
        if let Some(asked) = asked {
            asked.check(&fixtures)?;
        }
        Self::load_from(&fixtures, asked.map(|asked| asked.year), more)
    }

    fn load_from<T>(
        fixtures: &Fixtures,
        revision: Option<Revision>,
        more: impl FnOnce(&Fixtures, &Self) -> Result<T, LoadErrors>,
    ) -> Result<(Self, T), Failure> {
        let load = || {
            let contract = Arc::new(Contract::load_in(fixtures, revision)?);
            let corpus = Arc::new(Corpus::load(fixtures, &contract)?);
            let library = Self { judge: Judge::new(Arc::clone(&contract))?, contract, corpus };
            let more = more(fixtures, &library)?;
            Ok((library, more))
        };
        load().map_err(|errors: LoadErrors| {
            let count = errors.0.len();
            let noun = if count == 1 { "fault" } else { "faults" };
            Failure::harness(format!("the fixtures have {count} {noun}:\n{errors}"))
        })
    }
}

/// All fixtures: requirements, cases of both sides, defects, and which of them cite a requirement.
pub(super) struct Catalogue {
    pub(super) library: Library,
    pub(super) clients: ClientCorpus,
    pub(super) banks: Defects,
}

/// Something by its id, and what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Named")]
pub(super) struct NamedItem {
    /// Its id.
    pub(super) id: String,
    /// What it says, as a sentence.
    pub(super) title: String,
}

impl NamedItem {
    pub(super) fn new(id: &str, title: &str) -> Self {
        Self { id: id.to_owned(), title: title.to_owned() }
    }
}

/// A requirement that something cites.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Cited")]
pub(super) struct CitedRequirement {
    /// Its id.
    id: String,
    /// How binding it is.
    level: Level,
    /// What it says, as a sentence.
    title: String,
}

impl CitedRequirement {
    /// The requirement as a line of a list.
    pub(super) fn as_item(&self) -> NamedItem {
        NamedItem::new(&self.id, &format!("{:6}  {}", format!("{:?}", self.level).to_lowercase(), self.title))
    }
}

pub(super) struct CitationIndex {
    /// The cases on endpoints, a family as one.
    pub(super) cases: Vec<NamedItem>,
    pub(super) client_cases: Vec<NamedItem>,
    pub(super) defects: Vec<NamedItem>,
}

impl Catalogue {
    pub(super) fn load(folder: Option<PathBuf>, asked: Option<&AskedRevision>) -> Result<Self, Failure> {
        let fixtures = folder.map_or(Fixtures::Embedded, Fixtures::Folder);
        if let Some(asked) = asked {
            asked.check(&fixtures)?;
        }
        Self::load_and(&fixtures, asked.map(|asked| asked.year), |_, _, _| Ok(()))
    }

    /// The same of every revision of the documents, the newest first; those of this build are checked again. It fails
    /// where some counted requirement has no defect that breaks it.
    pub(super) fn load_complete(folder: Option<PathBuf>) -> Result<Vec<Self>, Failure> {
        let fixtures = folder.map_or(Fixtures::EmbeddedToCheck, Fixtures::Folder);
        let load = |fixtures: &Fixtures, revision: Option<Revision>| {
            Self::load_and(fixtures, revision, |banks, fixtures, library| {
                banks.check_complete(fixtures, &library.contract.register)
            })
        };
        let newest = load(&fixtures, None)?;
        let fixtures = Fixtures::ReadBefore(fixtures.into());
        let Service { revisions, .. } = &*newest.library.contract.service;
        let older: Vec<_> = revisions.iter().rev().skip(1).map(|row| row.year).collect();
        let older = older.into_iter().map(|year| load(&fixtures, Some(year)));
        std::iter::once(Ok(newest)).chain(older).collect()
    }

    fn load_and(
        fixtures: &Fixtures,
        revision: Option<Revision>,
        check: impl FnOnce(&Defects, &Fixtures, &Library) -> Result<(), LoadErrors>,
    ) -> Result<Self, Failure> {
        let (library, (banks, clients)) = Library::load_from(fixtures, revision, |fixtures, library| {
            let banks = Defects::load(fixtures, &library.contract)?;
            check(&banks, fixtures, library)?;
            Ok((banks, ClientCorpus::load(fixtures, &library.contract, &library.corpus)?))
        })?;
        Ok(Self { library, clients, banks })
    }

    /// Every id: of requirements, operations, cases of both sides, defects and features.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        let requirements = self.library.contract.register.requirements.iter().map(|row| row.id.as_str());
        let cases = self.library.corpus.cases().iter().map(|case| case.id.as_str());
        let client_cases = self.clients.cases().iter().map(|case| case.id.as_str());
        let defects = self.banks.entries().iter().map(|entry| entry.id.as_str());
        let features = Feature::all().map(|feature| -> &str { feature.word() });
        let all = requirements.chain(self.library.contract.operation_names()).chain(cases).chain(client_cases);
        all.chain(defects).chain(features)
    }

    /// The cases on endpoints that are selected, a family as one.
    pub(super) fn cases(&self, selected: impl Fn(&ExpandedCase) -> bool) -> Vec<NamedItem> {
        let cases = self.library.corpus.cases().iter().filter(|case| selected(case));
        let mut items: Vec<_> = cases.map(|case| NamedItem::new(&case.case.id, &case.case.title)).collect();
        items.dedup();
        items
    }

    pub(super) fn citing(&self, requirement: &str) -> CitationIndex {
        let cites = |ids: &[String]| ids.iter().any(|id| id == requirement);
        let clients = self.clients.cases().iter().filter(|case| cites(&case.requirements));
        let defects = self.banks.entries().iter().filter(|entry| cites(&entry.requirements));
        CitationIndex {
            cases: self.cases(|case| cites(&case.case.requirements)),
            client_cases: clients.map(|case| NamedItem::new(&case.id, &case.title)).collect(),
            defects: defects.map(|entry| NamedItem::new(&entry.id, &entry.title)).collect(),
        }
    }

    /// Requirements by their ids, each with its text.
    pub(super) fn requirements(&self, ids: &[String]) -> Vec<CitedRequirement> {
        let rows = ids.iter().filter_map(|id| self.library.contract.register.get(id));
        rows.map(|row| CitedRequirement { id: row.id.clone(), level: row.level, title: row.text.clone() }).collect()
    }

    /// The first case on endpoints that cites a requirement.
    pub(super) fn first_case(&self, requirement: &str) -> Option<&ExpandedCase> {
        let cites = |case: &ExpandedCase| case.case.requirements.iter().any(|id| id == requirement);
        self.library.corpus.cases().iter().map(AsRef::as_ref).find(|case| cites(case))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixtures_of_this_build_are_valid() {
        if let Err(failure) = Catalogue::load_complete(None) {
            panic!("{failure}");
        }
    }
}
