//! Leaves out the cases and replies that do not hold in the revision of the documents that a contract is of.

use std::collections::{BTreeMap, BTreeSet};

use super::case::{Call, Case, OtherStep, Step, Suite};
use super::reply::Reply;
use crate::contract::{Contract, Register, Requirement, Revision};

/// Leaves out the cases that do not hold in the contract's revision, and of the others the requirements that do not.
/// Returns the ids of the cases that are left out.
///
/// A case follows from what it names. It holds where its own `holds` says so, the documents know its operations and the
/// features that it needs, and a requirement is left that its outcome decides.
pub(super) fn keep_cases(suites: &mut [(String, Suite)], contract: &Contract) -> BTreeSet<String> {
    let mut left_out = BTreeSet::new();
    for (_, suite) in suites.iter_mut() {
        let is_known = !contract.knows_elsewhere(&suite.operation);
        suite.cases.retain_mut(|case| {
            let holds = is_known && case.holds.contains(contract.revision) && keep_requirements(case, contract);
            if !holds {
                left_out.insert(case.id.clone());
            }
            holds
        });
    }
    left_out
}

/// Leaves out the requirements of a case that do not hold. Returns whether the case still decides what it was made for.
fn keep_requirements(case: &mut Case, contract: &Contract) -> bool {
    let register = &contract.register;
    let knows_features = case.needs.iter().all(|need| need.holds_in(contract.revision));
    let names_unknown = calls(case)
        .filter_map(|call| call.request.operation.as_deref())
        .chain(case.request.iter().filter_map(|request| request.operation.as_deref()))
        .any(|name| contract.knows_elsewhere(name));
    let count = case.requirements.len();
    keep_held(&mut case.requirements, register);
    let decides = |id: &String| register.get(id).is_none_or(Requirement::is_outcome);
    let is_decisive = case.requirements.len() == count || case.requirements.iter().any(decides);
    for call in case.setup.iter_mut().chain(&mut case.teardown) {
        keep_decided(call, register);
    }
    for step in &mut case.steps {
        match step {
            Step::Call(call) => keep_decided(call, register),
            Step::Other(step) => {
                let OtherStep { decides, .. } = &mut **step;
                if let Some(ids) = decides {
                    keep_held(ids, register);
                }
            }
        }
    }
    knows_features && !names_unknown && is_decisive
}

fn keep_decided(call: &mut Call, register: &Register) {
    if let Some(ids) = &mut call.decides {
        keep_held(ids, register);
    }
    call.shows.retain(|shown| !register.holds_elsewhere(&shown.decides));
}

fn keep_held(ids: &mut Vec<String>, register: &Register) {
    ids.retain(|id| !register.holds_elsewhere(id));
}

fn calls(case: &Case) -> impl Iterator<Item = &Call> {
    let steps = case.steps.iter().filter_map(|step| match step {
        Step::Call(call) => Some(&**call),
        Step::Other(_) => None,
    });
    case.setup.iter().chain(steps).chain(&case.teardown)
}

/// Leaves out the right replies that only cases of other revisions are answered with, and the wrong ones that are about
/// such a case or such requirements. `used` and `used_by_all` are the right replies that the cases of the revision and
/// those of all revisions name.
pub(super) fn keep_replies(
    replies: &mut BTreeMap<String, Reply>,
    [used_by_all, used]: [&BTreeSet<String>; 2],
    left_out: &BTreeSet<String>,
    register: &Register,
) {
    replies.retain(|name, reply| match &mut reply.wrong {
        None => used.contains(name) || !used_by_all.contains(name),
        Some(wrong) => {
            let had_some = !wrong.violates.is_empty();
            keep_held(&mut wrong.violates, register);
            let is_of_a_case = !left_out.iter().any(|id| is_of(&wrong.case, id));
            is_of_a_case && (!had_some || !wrong.violates.is_empty())
        }
    });
}

/// Whether an expanded case belongs to a written one.
fn is_of(expanded: &str, case: &str) -> bool {
    expanded.strip_prefix(case).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The names of the right replies that cases are answered with.
pub(super) fn replies_used(suites: &[(String, Suite)]) -> BTreeSet<String> {
    let cases = suites.iter().flat_map(|(_, suite)| &suite.cases);
    cases
        .flat_map(|case| case.reply.iter().chain(calls(case).filter_map(|call| call.reply.as_ref())).cloned())
        .collect()
}

/// The revision in which an entry of the banks is tried: the one it names, or else the newest.
pub(super) fn is_of_revision(named: Option<Revision>, contract: &Contract) -> bool {
    named.map_or(contract.is_newest(), |revision| revision == contract.revision)
}
