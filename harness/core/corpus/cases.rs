//! Every case and every reply, and how they are read.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use serde_json::value::RawValue;

use super::case::Suite;
use super::check::Checker;
use super::expand::{ExpandedCase, Expander};
use super::files::{LoadErrors, file_stem, load_folder, unknown_operation};
use super::reply::Reply;
use super::revision::{keep_cases, keep_replies, replies_used};
use crate::contract::{Contract, Fixtures, LoadError, Operation};

/// Every case and every reply, checked against the contract and against each other.
#[derive(Clone, Debug, Default)]
pub struct Corpus {
    cases: Vec<Arc<ExpandedCase>>,
    by_id: HashMap<String, usize>,
    controls: HashSet<String>,
    /// The ids of the cases, as they are written, that hold in other revisions only.
    elsewhere: BTreeSet<String>,
    replies: BTreeMap<String, Reply>,
    /// The members of requests that ask for a lifetime, each with the default in seconds.
    lifetimes: Vec<(String, f64)>,
}

impl Corpus {
    /// Reads, expands and checks the suites and replies that hold in the revision of the contract; those of this build
    /// were checked before.
    ///
    /// # Errors
    /// Everything that is wrong, each with its file and JSON pointer.
    pub fn load(fixtures: &Fixtures, contract: &Contract) -> Result<Self, LoadErrors> {
        let (replies, mut errors) = load_folder(fixtures, "replies");
        let (suites, wrong) = load_folder::<Suite>(fixtures, "server");
        errors.extend(wrong);
        let mut suites: Vec<_> = suites.into_iter().map(|(path, suite)| (fixtures.name_of(&path), suite)).collect();
        for (_, suite) in &mut suites {
            suite.cases.iter_mut().enumerate().for_each(|(place, case)| case.place = place);
        }
        let mut replies: BTreeMap<String, Reply> =
            replies.into_iter().map(|(path, reply)| (file_stem(&path).to_owned(), reply)).collect();
        let used_by_all = replies_used(&suites);
        let elsewhere = keep_cases(&mut suites, contract);
        keep_replies(&mut replies, [&used_by_all, &replies_used(&suites)], &elsewhere, &contract.register);
        suites.retain(|(_, suite)| !contract.knows_elsewhere(&suite.operation));
        let mut corpus = Self { elsewhere, replies, ..Self::empty(contract) };
        let mut places = HashMap::new();
        for (file, suite) in &suites {
            corpus.add_suite((file, suite), contract, &mut places, &mut errors);
        }
        if fixtures.need_checks() {
            errors.extend(Checker { contract, corpus: &corpus, fixtures }.check(&suites));
        }
        if errors.is_empty() { Ok(corpus) } else { Err(LoadErrors(errors)) }
    }

    /// Only the case with this id, as it is written, and the controls that it leads to. No other suite is read, nothing
    /// else is expanded, and there are no replies. `None` if no such case holds in the revision of the contract.
    ///
    /// # Errors
    /// What is wrong with the suites that are read.
    pub fn with_case(fixtures: &Fixtures, contract: &Contract, id: &str) -> Result<Option<Self>, LoadErrors> {
        let files = fixtures.list("server")?;
        let (mut corpus, mut places, mut errors) = (Self::empty(contract), HashMap::new(), Vec::new());
        let mut next = Some(id.to_owned());
        while let Some(id) = next.take().filter(|id| corpus.family(id).next().is_none()) {
            let path = id.split_once('/').map(|(suite, _)| format!("server/{suite}.json"));
            let Some(path) = path.filter(|path| files.contains(path)) else { break };
            let mut suite: Suite = fixtures.parse(&path)?;
            suite.cases.iter_mut().enumerate().for_each(|(place, case)| case.place = place);
            suite.cases.retain(|case| case.id == id);
            let mut suites = [(fixtures.name_of(&path), suite)];
            corpus.elsewhere.append(&mut keep_cases(&mut suites, contract));
            let [(file, suite)] = &suites;
            let Some(case) = suite.cases.first() else { break };
            next = case.control.as_ref().map(|control| written_id(&control.case).to_owned());
            corpus.add_suite((file, suite), contract, &mut places, &mut errors);
        }
        let is_there = corpus.family(id).next().is_some();
        if errors.is_empty() { Ok(is_there.then_some(corpus)) } else { Err(LoadErrors(errors)) }
    }

    fn empty(contract: &Contract) -> Self {
        let lifetimes = contract.operations.values().filter_map(Operation::lifetime);
        let lifetimes = lifetimes.map(|lifetime| (lifetime.asked_by.to_owned(), lifetime.default)).collect();
        Self { lifetimes, ..Self::default() }
    }

    /// Expands the cases of a suite, and adds them.
    fn add_suite(
        &mut self,
        (file, suite): (&str, &Suite),
        contract: &Contract,
        places: &mut HashMap<String, String>,
        errors: &mut Vec<LoadError>,
    ) {
        let Some(operation) = contract.operation(&suite.operation) else {
            errors.push(unknown_operation(file, "/operation", &suite.operation, contract));
            return;
        };
        for case in &suite.cases {
            let at = format!("/cases/{}", case.place);
            let expander = Expander { suite: file_stem(file), operation, contract, file, at: &at };
            match expander.expand(case) {
                Ok(members) => {
                    let added = members.into_iter().map(|case| self.add(case, (file, &at), places));
                    errors.extend(added.filter_map(Result::err));
                }
                Err(error) => errors.push(error),
            }
        }
    }

    /// The cases as they are run, in the order of the files and of the cases in them.
    pub fn cases(&self) -> &[Arc<ExpandedCase>] {
        &self.cases
    }

    /// The case with this id.
    pub fn get(&self, id: &str) -> Option<&Arc<ExpandedCase>> {
        self.by_id.get(id).map(|index| &self.cases[*index])
    }

    /// The ids of all cases, and of their families.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.cases.iter().flat_map(|case| [case.id.as_str(), case.case.id.as_str()])
    }

    /// The ids of the cases, as they are written, that hold in other revisions only.
    pub fn ids_elsewhere(&self) -> impl Iterator<Item = &str> {
        self.elsewhere.iter().map(String::as_str)
    }

    /// Whether a case with this id holds in other revisions, and not in this one.
    pub fn holds_elsewhere(&self, id: &str) -> bool {
        crate::text::with_parents(id).any(|id| self.elsewhere.contains(id))
    }

    /// The cases that one written case expands to: the members of a family, or the case itself.
    pub fn family(&self, id: &str) -> impl Iterator<Item = &Arc<ExpandedCase>> {
        self.cases.iter().filter(move |case| case.case.id == id)
    }

    /// Whether the case with this id is the control of another case.
    pub fn is_control(&self, id: &str) -> bool {
        self.controls.contains(id)
    }

    /// The mock's replies by name.
    pub fn replies(&self) -> &BTreeMap<String, Reply> {
        &self.replies
    }

    /// The lifetime that a request with this body asks for, or the default, in seconds; 0 where no operation has one.
    pub fn lifetime_asked_for(&self, body: &[u8]) -> f64 {
        // Only the texts of the members, which take little memory also if the body is large.
        let body: Option<BTreeMap<String, &RawValue>> = serde_json::from_slice(body).ok();
        let requested_number = |member: &str| body.as_ref()?.get(member)?.get().parse::<f64>().ok();
        let default = self.lifetimes.first().map_or(0.0, |(_, default)| *default);
        self.lifetimes.iter().find_map(|(member, _)| requested_number(member)).unwrap_or(default)
    }

    /// Adds a case and its place in a file; `places` holds the places of all earlier cases by id.
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

/// The id of a case as it is written: that of a member of a family without the member's name.
pub fn written_id(id: &str) -> &str {
    id.match_indices('/').nth(1).map_or(id, |(end, _)| &id[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_alone_is_what_it_is_among_all_others() {
        let contract = Contract::load(&Fixtures::Embedded).expect("the contract is valid");
        let corpus = Corpus::load(&Fixtures::Embedded, &contract).expect("the corpus is valid");
        let ids: BTreeSet<_> = corpus.cases().iter().map(|case| case.case.id.as_str()).collect();
        for id in ids {
            let alone = Corpus::with_case(&Fixtures::Embedded, &contract, id).expect("it is valid");
            let alone = alone.expect("it is there");
            let of = |corpus: &Corpus| format!("{:?}", corpus.family(id).collect::<Vec<_>>());
            assert_eq!(of(&alone), of(&corpus));
            // What a session asks of a corpus.
            for case in alone.cases() {
                assert_eq!(written_id(&case.id), case.case.id);
                if let Some(control) = &case.case.control {
                    assert!(alone.get(&control.case).is_some() && alone.is_control(&control.case), "{}", case.id);
                }
            }
        }
        for id in ["success/none", "none/none", "none", "../requirements"] {
            assert!(Corpus::with_case(&Fixtures::Embedded, &contract, id).expect("no error").is_none(), "{id}");
        }
    }
}
