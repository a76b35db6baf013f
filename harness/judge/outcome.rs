use super::answer::Observation;
use super::rules::encoding::encoding;
use super::rules::{guess, lifetime};
use crate::contract::Resource;
use crate::corpus::{AcceptedAnswer, Call, Case};
use crate::verdict::{Fault, Reason, RightAnswer, StrikingDetail};
use crate::wire::{Request, bare_type, error_types};

/// Every server should read a request with a body of this many bytes. No document says so; a right request has about a
/// hundred.
const READ_BY_EVERY_SERVER: usize = 64 * 1024;

/// Whether a request was accepted or refused as the case expects.
pub(super) enum Outcome {
    Holds,
    Broken(Fault),
    /// It was refused with an accepted status, but the error has no name, so its kind is unknown.
    Unclear,
}

/// Compares the answer with what the case expects.
///
/// The outcome ignores three faults: a success with another status than the documented one, a documented error with
/// another status, and an error without a name. The rules `success-status`, `error-status` and `error-type` find them.
pub(super) fn of(observation: &Observation<'_>) -> Outcome {
    let answers = observation.call.expect.answers();
    let (successes, refusals): (Vec<&AcceptedAnswer>, Vec<&AcceptedAnswer>) =
        answers.iter().partition(|answer| answer.is_success());
    let with_status = || refusals.iter().filter(|answer| answer.status.includes(observation.status()));
    let holds = if observation.is_success() {
        !successes.is_empty()
    } else if let Some(name) = observation.error.as_deref() {
        let same = |error: &str| error == "*" || error == name || observation.is_common_name_for(name, error);
        let has_this_name = |answer: &&AcceptedAnswer| answer.error.as_deref().is_none_or(same);
        let documented = observation.documented_error().is_some();
        with_status().any(has_this_name)
            || (documented && refusals.iter().any(|answer| answer.error.as_deref() == Some(name)))
    } else {
        let fits = with_status().next().is_some();
        // An encoding may hide a denial, or another answer that says nothing of the request.
        let is_hidden = !refusals.is_empty() && observation.status() < 500 && encoding(observation).is_some();
        let is_unnamed = with_status().any(|answer| answer.error.as_deref().is_some_and(|error| error != "*"));
        if is_unnamed || (is_hidden && !fits) {
            return Outcome::Unclear;
        }
        fits
    };
    if holds {
        return Outcome::Holds;
    }
    Outcome::Broken(Fault::Outcome {
        status_fits: with_status().next().is_some(),
        expected: right_answers(observation.call),
        found: observation.summary(),
        beside: striking_detail(observation),
    })
}

fn right_answers(call: &Call) -> Vec<RightAnswer> {
    let right = |answer: &AcceptedAnswer| RightAnswer { status: answer.status, error: answer.error.clone() };
    call.expect.answers().iter().map(right).collect()
}

/// The fault of a server that closes the connection instead of answering a request; `None` if that counts as a refusal,
/// and the request should be refused. A server may close the connection where a request is larger than it reads.
pub(super) fn of_hang_up(case: &Case, call: &Call, request: &Request) -> Option<Fault> {
    let is_refusal = request.body.len() > READ_BY_EVERY_SERVER && !call.expect.is_positive();
    (!is_refusal).then(|| Fault::HungUp { expected: right_answers(call), together: case.together })
}

/// What is striking about an answer of the wrong kind.
fn striking_detail(observation: &Observation<'_>) -> Option<StrikingDetail> {
    if !observation.is_success() {
        return guess::of_cut_name(observation);
    }
    Some(match error_types(observation.response, observation.body.as_ref()).next() {
        Some((place, name)) => StrikingDetail::ErrorInSuccess { error: observation.quote(bare_type(name)), place },
        None => StrikingDetail::Accepted { lives: lifetime::of_what_was_given(observation) },
    })
}

/// Whether a request names what the caller is denied: a denial is then what was asked for.
fn names_what_is_denied(observation: &Observation<'_>) -> bool {
    let input = &observation.call.request.input;
    let is_named = |of: &Resource| input.get(&of.member).is_some_and(|text| text == of.quoted_placeholder());
    observation.contract.service.resources.iter().any(|of| of.denied_beside.is_some() && is_named(of))
}

/// Why an unexpected refusal is still no violation: it is about the caller, and so says nothing about the request. The
/// documents allow errors that are common to all services in place of an operation's own, and leave open in which order
/// a service checks a request.
pub(super) fn excuse(observation: &Observation<'_>) -> Option<Reason> {
    let response = observation.response;
    if response.is_denial() && !names_what_is_denied(observation) {
        // The control shows that the caller may make the call, so only another resource can explain the denial. An
        // identity may be allowed some resources and not others (source: API reference, GetCredentials, description).
        // What a case makes is another resource too.
        let differs_at = observation.case.case.control.as_ref().map(|control| &control.differs_at);
        let makes_others =
            observation.case.changes_something(observation.contract) && observation.call.request.caller.is_none();
        let is_other = |of: &&Resource| {
            let own = of.quoted_placeholder();
            let is_named = || observation.call.request.input.get(&of.member).is_some_and(|text| text != own);
            differs_at.map_or_else(|| makes_others && is_named(), |at| at.strip_prefix('/') == Some(&of.member))
        };
        let member = &observation.contract.service.usable_resources().find(is_other)?.member;
        return Some(Reason::Denied { answer: observation.summary(), member: member.clone() });
    }
    // Only a session's token expires; long-term credentials do not.
    let mortal = observation.exchange.request.headers.get("x-amz-security-token").is_some();
    (response.is_expired() && mortal).then(|| Reason::Expired(observation.summary()))
}
