use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use super::case::Suite;
use super::check::Checker;
use super::expand::{ExpandedCase, Expander};
use super::reply::Reply;
use crate::contract::{Contract, Fixtures, LoadError, Operation, parse};

/// The folder of the suites for endpoints, below the fixtures folder.
const SERVER_SUITES: &str = "server";

/// The folder of the mock's replies, below the fixtures folder.
const REPLIES: &str = "replies";

/// Every case and every reply, checked against the contract and against each other.
#[derive(Clone, Debug)]
pub struct Corpus {
    cases: Vec<Arc<ExpandedCase>>,
    by_id: HashMap<String, usize>,
    controls: HashSet<String>,
    replies: BTreeMap<String, Reply>,
    /// The members of requests that ask for a lifetime, each with the default in seconds.
    lifetimes: Vec<(String, i64)>,
}

impl Corpus {
    /// Reads, expands and checks all suites and replies.
    ///
    /// # Errors
    /// Everything that is wrong, each with its file and JSON pointer.
    pub fn load(fixtures: &Fixtures, contract: &Contract) -> Result<Self, LoadErrors> {
        let mut errors = Vec::new();
        let replies = take(&mut errors, load_replies(fixtures));
        let suites = take(&mut errors, load_suites(fixtures));
        let lifetimes = contract.operations.values().filter_map(Operation::lifetime);
        let lifetimes = lifetimes.map(|lifetime| (lifetime.asked_by.to_owned(), lifetime.default)).collect();
        let (cases, by_id, controls) = (Vec::new(), HashMap::new(), HashSet::new());
        let mut corpus = Self { cases, by_id, controls, replies, lifetimes };
        let mut places = HashMap::new();
        for (file, suite) in &suites {
            let Some(operation) = contract.operation(&suite.operation) else {
                errors.push(unknown_operation(file, "/operation", &suite.operation, contract));
                continue;
            };
            for (index, case) in suite.cases.iter().enumerate() {
                let at = format!("/cases/{index}");
                let expander = Expander { suite: file_stem(file), operation, contract, file, at: &at };
                match expander.expand(case) {
                    Ok(members) => {
                        let added = members.into_iter().map(|case| corpus.add(case, (file, &at), &mut places));
                        errors.extend(added.filter_map(Result::err));
                    }
                    Err(error) => errors.push(error),
                }
            }
        }
        let checker = Checker { contract, corpus: &corpus, fixtures };
        errors.extend(checker.check(&suites));
        if errors.is_empty() { Ok(corpus) } else { Err(LoadErrors(errors)) }
    }

    /// The cases as they are run, in the order of the files and of the cases in them.
    pub fn cases(&self) -> &[Arc<ExpandedCase>] {
        &self.cases
    }

    /// The case with this id.
    pub fn get(&self, id: &str) -> Option<&Arc<ExpandedCase>> {
        self.by_id.get(id).map(|index| &self.cases[*index])
    }

    /// The cases that were written as one: a family's members, or the one case itself.
    pub fn family(&self, id: &str) -> impl Iterator<Item = &Arc<ExpandedCase>> {
        self.cases.iter().filter(move |case| case.case.id == id)
    }

    /// Whether another case rests on the one with this id.
    pub fn is_control(&self, id: &str) -> bool {
        self.controls.contains(id)
    }

    /// The mock's replies by name.
    pub fn replies(&self) -> &BTreeMap<String, Reply> {
        &self.replies
    }

    /// The lifetime that a request with this body asks for, or the default, in seconds; 0 where no operation has one.
    #[expect(clippy::cast_precision_loss, reason = "lifetimes are far below what a float holds exactly")]
    pub fn lifetime_asked_for(&self, body: &[u8]) -> f64 {
        let body: Option<serde_json::Value> = serde_json::from_slice(body).ok();
        let asked = |member: &str| body.as_ref()?.get(member)?.as_f64();
        let default = self.lifetimes.first().map_or(0.0, |(_, default)| *default as f64);
        self.lifetimes.iter().find_map(|(member, _)| asked(member)).unwrap_or(default)
    }

    /// Adds a case that stands at a place of a file; `places` are those of all before it, by their ids.
    fn add(
        &mut self,
        case: ExpandedCase,
        (file, at): (&str, &str),
        places: &mut HashMap<String, String>,
    ) -> Result<(), LoadError> {
        if let Some(first) = places.insert(case.id.clone(), format!("{file} at {at}")) {
            let message = format!("the id {} stands twice, first in {first}", case.id);
            return Err(LoadError::new(file, format!("{at}/id"), message));
        }
        self.controls.extend(case.case.control.as_ref().map(|control| control.case.clone()));
        self.by_id.insert(case.id.clone(), self.cases.len());
        self.cases.push(Arc::new(case));
        Ok(())
    }
}

fn take<T: Default>(errors: &mut Vec<LoadError>, (value, mut found): (T, Vec<LoadError>)) -> T {
    errors.append(&mut found);
    value
}

fn load_suites(fixtures: &Fixtures) -> (Vec<(String, Suite)>, Vec<LoadError>) {
    let (files, errors) = load_folder::<Suite>(fixtures, SERVER_SUITES);
    let suites = files.into_iter().map(|(path, suite)| (fixtures.name_of(&path), suite)).collect();
    (suites, errors)
}

fn load_replies(fixtures: &Fixtures) -> (BTreeMap<String, Reply>, Vec<LoadError>) {
    let (files, errors) = load_folder::<Reply>(fixtures, REPLIES);
    let replies = files.into_iter().map(|(path, reply)| (file_stem(&path).to_owned(), reply)).collect();
    (replies, errors)
}

/// Reads every file of a folder; the path of each with what it holds, and what is wrong with the others.
pub(crate) fn load_folder<T: serde::de::DeserializeOwned>(
    fixtures: &Fixtures,
    folder: &str,
) -> (Vec<(String, T)>, Vec<LoadError>) {
    let mut errors = Vec::new();
    let mut files = Vec::new();
    let paths = fixtures.list(folder).unwrap_or_else(|error| {
        errors.push(error);
        Vec::new()
    });
    for path in paths {
        let name = fixtures.name_of(&path);
        match fixtures.read(&path).and_then(|text| parse(&name, &text)) {
            Ok(value) => files.push((path, value)),
            Err(error) => errors.push(error),
        }
    }
    (files, errors)
}

/// The name of a fixture file without folder and extension.
pub(crate) fn file_stem(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    name.strip_suffix(".json").unwrap_or(name)
}

/// That there is no operation of this name.
pub(crate) fn unknown_operation(file: &str, pointer: &str, name: &str, contract: &Contract) -> LoadError {
    let known: Vec<_> = contract.operation_names().collect();
    LoadError::new(file, pointer, format!("expected an operation, {}, found \"{name}\"", known.join(" or ")))
}

/// Everything that is wrong with the fixtures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadErrors(pub Vec<LoadError>);

impl fmt::Display for LoadErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// So many are told: who has more has made one mistake everywhere.
        const TOLD: usize = 100;
        for (index, error) in self.0.iter().take(TOLD).enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{error}")?;
        }
        match self.0.len().saturating_sub(TOLD) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl std::error::Error for LoadErrors {}

impl From<LoadError> for LoadErrors {
    fn from(error: LoadError) -> Self {
        Self(vec![error])
    }
}
