//! Running: a plan and a target in, a result for each case out.
//!
//! Uses contract, corpus, judge, targets, verdict and wire. Start with [`Session`], which runs one case with all that
//! it needs (its control, its setup and its teardown). [`run`] runs a whole plan with it.

mod budget;
mod case;
mod case_result;
mod clock;
mod database;
pub mod forecast;
mod interrupt;
mod journal;
mod lifetimes;
#[cfg(feature = "cli")]
mod lost;
mod outages;
mod probing;
mod random_names;
mod repro;
mod request;
mod resources;
pub mod runtime;
mod sender;
mod session;
mod staging;
mod tags;

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use tokio::sync::watch;

pub use interrupt::{Interrupt, Interrupted};
#[cfg(feature = "cli")]
pub(crate) use journal::{Entries, Entry, EntryId, Found};
pub use journal::{Journal, JournalError};
#[cfg(feature = "cli")]
pub(crate) use lost::{Found as FoundThing, NoList};
pub use random_names::random_seed;
#[cfg(feature = "cli")]
pub(crate) use repro::word as shell_word;
#[cfg(feature = "cli")]
pub(crate) use session::not_allowed;
pub use session::{Described, JudgedCase, Observer, Session};
pub use staging::Deletion;

use crate::contract::{Contract, Operation};
use crate::corpus::{ExpandedCase, Plan, RequestSpec};
use crate::targets::Target;
use crate::verdict::{CaseResult, Verdict, Violation};
use crate::wire::Request;

/// The request of a case's first call as a command. The target need not run. `None` if the target lacks something that
/// the request needs.
pub fn example_line(case: &ExpandedCase, target: &Target, contract: &Contract) -> Option<String> {
    let call = case.calls.first()?;
    let address = case.address_of(call, contract)?;
    let maker = request::RequestMaker { contract, target, prefix: "", earlier: request::Earlier::default() };
    let mut random_names = random_names::RandomNames::new(0, &case.id, 0);
    let request = maker.make(&call.request, address, &mut random_names, Timestamp::now()).ok()?;
    Some(repro::line(case, call, &request, (target, contract)))
}

/// The request that a run would send for a call of an operation, with names drawn from `seed`. `None` if the target
/// lacks something that the request needs.
pub(crate) fn plain_request(
    contract: &Contract,
    target: &Target,
    operation: &Operation,
    spec: &RequestSpec,
    seed: u64,
) -> Option<Request> {
    let maker = request::RequestMaker { contract, target, prefix: "", earlier: request::Earlier::default() };
    maker
        .make(
            spec,
            operation.address(&contract.service),
            &mut random_names::RandomNames::new(seed, "plain", 0),
            Timestamp::now(),
        )
        .ok()
}

/// The plain call of an operation, and whether a target that has the resource that it names must accept it. The call
/// names only the first resource that the request has a member for. If the target has no name for that resource, the
/// call names a random one. An operation that gives a list is asked for all of it, and names none.
///
/// The plain call of an operation that changes something has no members: without those that it requires, no target
/// changes anything.
pub(crate) fn probe_input(operation: &Operation, contract: &Contract, target: &Target) -> (RequestSpec, bool) {
    let names_one = operation.changes_nothing.is && operation.pages.is_none();
    let resource = operation.resources(&contract.service).next().filter(|_| names_one);
    let Some(resource) = resource else { return (RequestSpec::default(), false) };
    let mut members = operation.request.members.iter();
    let is_enough = !members.any(|(name, member)| *name != resource.member && member.is_required());
    let is_named = target.resources.contains_key(&resource.id);
    let name = if is_named { format!("${{{}}}", resource.placeholder) } else { "${random:20}".to_owned() };
    (RequestSpec::with(&resource.member, &name), is_named && is_enough)
}

/// Runs each case of a plan as often as the plan says. Passes each case's result to `report` in the order of the plan,
/// as soon as it and all results before it are known. Returns whether the plan ran to its end.
///
/// An interruption stops the run, and so does the first result for which `ends` is true. Then no further case is
/// started, and the requests in flight are dropped, but teardowns are finished. After an interruption, the results that
/// are known by then are still reported. After a result that ends the run, no other result is.
pub async fn run(
    session: &Session,
    plan: &Plan,
    interrupt: &Interrupt,
    ends: impl Fn(&CaseResult) -> bool,
    mut report: impl FnMut(CaseResult),
) -> bool {
    let (stop, stopped) = watch::channel(false);
    let stopped = Interrupt::from(stopped);
    let is_stopped = || stopped.is_set();
    let total = plan.cases.len() * usize::try_from(plan.repeat).unwrap_or(usize::MAX);
    let work = plan.cases.iter().flat_map(|case| (0..plan.repeat).map(move |run| (case, run)));
    let mut results = stream::iter(work.take_while(|_| !is_stopped()))
        .map(|(case, run)| session.run_case(Arc::clone(case), run, &stopped))
        // One case more than may be in flight: its request is made in the meantime.
        .buffered(session.jobs() + 1);
    let mut ended = false;
    let mut received = 0;
    let mut pending: Option<CaseResult> = None;
    loop {
        let result = tokio::select! {
            result = results.next() => result,
            () = interrupt.wait(), if !is_stopped() => {
                stop.send_replace(true);
                continue;
            }
        };
        let Some(result) = result else { break };
        // A case that was stopped before its verdict has no result.
        let Some(result) = result.ok().filter(|_| !ended) else { continue };
        received += 1;
        if ends(&result) {
            ended = true;
            stop.send_replace(true);
        }
        match &mut pending {
            Some(earlier) if earlier.id == result.id => merge(earlier, result),
            _ => pending.replace(result).into_iter().for_each(&mut report),
        }
    }
    pending.into_iter().for_each(&mut report);
    received == total
}

/// Merges a later run of the same case. The result with the weightier verdict stays, the earlier one if both weigh the
/// same. The warnings and the decided requirements of both stay.
fn merge(earlier: &mut CaseResult, mut later: CaseResult) {
    if weight(later.verdict) > weight(earlier.verdict) {
        std::mem::swap(earlier, &mut later);
    }
    earlier.runs += later.runs;
    earlier.duration_ms += later.duration_ms;
    for warning in later.warnings {
        // One warning for each requirement and place, since numbers differ from run to run.
        let is_same = |known_warning: &Violation| {
            known_warning.requirement == warning.requirement && known_warning.fault.is_at_the_place_of(&warning.fault)
        };
        if !earlier.warnings.iter().any(is_same) {
            earlier.warnings.push(warning);
        }
    }
    // Most runs of a case decide the same.
    if later.decided != earlier.decided {
        later.decided.retain(|id| !earlier.decided.contains(id));
        earlier.decided.append(&mut later.decided);
    }
    earlier.undecided.append(&mut later.undecided);
    earlier.undecided.retain(|id| !earlier.decided.contains(id));
    earlier.undecided.sort();
    earlier.undecided.dedup();
}

/// The weight of a verdict among those of several runs of a case: one failure outweighs every pass.
const fn weight(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Pass | Verdict::KnownFail | Verdict::Fixed | Verdict::NotApplicable => 0,
        Verdict::NotImplemented | Verdict::Indeterminate => 1,
        Verdict::Blocked => 2,
        Verdict::Fail => 3,
        Verdict::HarnessError => 4,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::verdict::Reason;

    fn result_with_reason(verdict: Verdict, reason: &str) -> CaseResult {
        let reason = Some(Reason::Told { words: reason.to_owned() });
        CaseResult { verdict, reason, runs: 1, duration_ms: 2.0, ..CaseResult::default() }
    }

    #[rstest]
    #[case::a_failure_after_a_silence(Verdict::Indeterminate, Verdict::Fail, "second")]
    #[case::a_failure_before_a_silence(Verdict::Fail, Verdict::Indeterminate, "first")]
    #[case::a_failure_after_a_pass(Verdict::Pass, Verdict::Fail, "second")]
    #[case::a_pass_after_a_failure(Verdict::Fail, Verdict::Pass, "first")]
    #[case::the_first_of_two_alike(Verdict::Fail, Verdict::Fail, "first")]
    fn of_a_case_that_ran_twice_the_result_that_says_more_is_told(
        #[case] first: Verdict,
        #[case] second: Verdict,
        #[case] expected: &str,
    ) {
        let mut result = result_with_reason(first, "first");
        merge(&mut result, result_with_reason(second, "second"));
        assert_eq!(result.reason, Some(Reason::Told { words: expected.to_owned() }));
        assert_eq!((result.runs, result.duration_ms.to_bits()), (2, 4.0_f64.to_bits()));
    }
}
