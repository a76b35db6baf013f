//! Reading the suites and the replies.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::case::Suite;
use super::cases::Corpus;
use super::check::Checker;
use super::expand::Expander;
use super::files::{LoadErrors, file_stem, load_folder, unknown_operation};
use super::reply::Reply;
use crate::contract::{Contract, Fixtures, LoadError, Operation};

/// The folder of the suites for endpoints, below the fixtures folder.
const SERVER_SUITES: &str = "server";

/// The folder of the mock's replies, below the fixtures folder.
const REPLIES: &str = "replies";

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
