use std::collections::HashMap;
use std::sync::Arc;

use super::check::{Errors, check_case, check_suite};
use super::{ClientCase, ClientSuite};
use crate::contract::{Contract, Fixtures, LoadError, REGISTER_FILE, Requirement, Side};
use crate::corpus::files::{file_stem, load_folder};
use crate::corpus::{Corpus, LoadErrors, SelectError, Selectable, Selection};

/// The folder of the suites for SDKs, below the fixtures folder.
const CLIENT_SUITES: &str = "client";

/// Every client case, checked against the register and against the cases of the server side.
#[derive(Clone, Debug, Default)]
pub struct ClientCorpus {
    cases: Vec<Arc<ClientCase>>,
}

impl Selectable for ClientCase {
    fn id(&self) -> &str {
        &self.id
    }

    fn requirements(&self) -> &[String] {
        &self.requirements
    }
}

impl ClientCase {
    /// The suite that it stands in: the first part of its id.
    pub fn suite(&self) -> &str {
        self.id.split('/').next().unwrap_or_default()
    }
}

impl ClientCorpus {
    /// Reads and checks all client suites.
    ///
    /// # Errors
    /// Everything that is wrong, each with its file and JSON pointer.
    pub fn load(fixtures: &Fixtures, contract: &Contract, server: &Corpus) -> Result<Self, LoadErrors> {
        let (suites, mut errors) = load_folder::<ClientSuite>(fixtures, CLIENT_SUITES);
        let mut corpus = Self::default();
        let mut places: HashMap<String, String> = HashMap::new();
        for (path, suite) in suites {
            let file = fixtures.name_of(&path);
            check_suite(&file, &suite, contract, &mut errors);
            for (index, case) in suite.cases.into_iter().enumerate() {
                let at = format!("/cases/{index}");
                let mut found = Errors { file: &file, at: &at, found: &mut errors };
                check_case(file_stem(&file), &case, &contract.register, &mut found);
                if server.get(&case.id).is_some() || server.family(&case.id).next().is_some() {
                    let message = format!("the server side has a case {} already; give this one another name", case.id);
                    found.add("/id", message);
                }
                if let Some(first) = places.insert(case.id.clone(), format!("{file} at {at}")) {
                    found.add("/id", format!("the id {} stands twice, first in {first}", case.id));
                }
                corpus.cases.push(Arc::new(case));
            }
        }
        // With suites missing or broken, an uncited requirement would be a second report of the same fault.
        if errors.is_empty() {
            errors.extend(corpus.orphans(fixtures, contract));
        }
        if errors.is_empty() { Ok(corpus) } else { Err(LoadErrors(errors)) }
    }

    /// The cases, in the order of the files and of the cases in them.
    pub fn cases(&self) -> &[Arc<ClientCase>] {
        &self.cases
    }

    /// The case with this id.
    pub fn get(&self, id: &str) -> Option<&Arc<ClientCase>> {
        self.cases.iter().find(|case| case.id == id)
    }

    /// The selected cases, in order.
    ///
    /// # Errors
    /// When a pattern or a requirement matches nothing, or no case is left.
    pub fn select(&self, contract: &Contract, selection: &Selection) -> Result<Vec<Arc<ClientCase>>, SelectError> {
        selection.choose(&self.cases, &contract.register, "countersign list cases --side client")
    }

    /// The requirements on clients that no case cites.
    fn orphans(&self, fixtures: &Fixtures, contract: &Contract) -> Vec<LoadError> {
        let file = fixtures.name_of(REGISTER_FILE);
        let cited = |id: &String| self.cases.iter().any(|case| case.requirements.contains(id));
        let rows = contract.register.requirements.iter().enumerate();
        let orphans = rows.filter(|(_, row)| row.side == Side::Client && row.is_tested() && !cited(&row.id));
        let error = |(index, row): (usize, &Requirement)| {
            let advice = "cite it, or say under \"excluded\" or \"pending\" why none can";
            let message = format!("no client case cites {}; {advice}", row.id);
            LoadError::new(&file, format!("/requirements/{index}"), message)
        };
        orphans.map(error).collect()
    }
}
