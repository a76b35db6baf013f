//! Tells an outage of the target from its answer to a request.
//!
//! A fault (5xx), a lost connection, or a sudden 403 or 404 can come from the request, or from a target that is away for
//! a moment: it restarts, or a gateway before it has lost it. So before such an answer counts, the target is asked
//! again for what it has answered before: the control of the case, or the call of the probe. Where that is not answered
//! either, the harness waits until it is, and makes the calls of the case anew. Where it is answered, the calls are made
//! once more, and only an answer of these kinds that comes again counts.
//!
//! A server may also send an answer late or twice, which is then taken for the answer to the next request on the same
//! connection. So where a case fails, its calls are made again on new connections, on which nothing can come that was
//! not asked for, and the answers there count. This does not hold for lifetimes, which have a check of their own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{Timestamp, Unit};

use super::case::CaseRun;
use super::interrupt::Interrupted;
use super::probe_input;
use super::random_names::RandomNames;
use crate::corpus::{Call, ExpandedCase};
use crate::judge::Judgement;
use crate::verdict::{Reason, Verdict};
use crate::wire::{Exchange, Transcript, TransportFault, error_type};

/// The pause before a target that is away is asked again.
const PAUSE: Duration = Duration::from_millis(100);

/// How often the calls of a case are made, at most, at a target that is away now and then.
const MOST_TRIES: u32 = 6;

/// What the target answered before a case, and answers again if it is there.
#[derive(Clone, Debug)]
pub(super) enum Reference {
    /// The control of the case was accepted.
    Control(Arc<ExpandedCase>),
    /// The call of the probe had an answer with this status; `None` if nothing was asked.
    Probe(Option<u16>),
}

/// Whether the target is there.
enum Presence {
    /// It answers what it answered before.
    There,
    /// It did not at first, and does again.
    Back,
    /// It does not.
    Away(Reason),
}

/// Makes the calls of a case and judges them. An answer that may come from an outage counts only as the module says.
pub(super) async fn perform(
    case_run: &CaseRun<'_>,
    random_names: &mut RandomNames,
) -> Result<(Judgement, Transcript), Interrupted> {
    let context = case_run.context;
    let names_of_calls = random_names.of_next_calls();
    let (mut attempt, mut came_before) = (*case_run, false);
    let mut failure_before = None;
    for _ in 0..MOST_TRIES {
        let (mut judgement, mut transcript) = attempt.perform(&mut names_of_calls()).await?;
        if context.target.path_names_case {
            return Ok((judgement, transcript));
        }
        let is_doubtful = |exchange: &Exchange| may_be_outage(case_run, exchange, judgement.verdict);
        if !transcript.iter().any(is_doubtful) {
            let has_own_check = context.judge.is_about_lifetimes(&judgement);
            if judgement.verdict == Verdict::Fail && !attempt.new_connections && !has_own_check {
                attempt.new_connections = true;
                failure_before = judgement.violations.into_iter().next();
                continue;
            }
            if let (Verdict::Pass, Some(violation)) = (judgement.verdict, failure_before) {
                judgement.reason = Some(Reason::RightOnNewConnection { violation: Box::new(violation) });
            }
            return Ok((judgement, transcript));
        }
        match Box::pin(presence(case_run, random_names)).await? {
            Presence::There if came_before || judgement.verdict == Verdict::Pass => {
                let is_lost = |exchange: &&mut Exchange| matches!(exchange.answer, Err(TransportFault::Lost(_)));
                let lost: Vec<_> = transcript.iter_mut().filter(is_lost).collect();
                if lost.is_empty() {
                    return Ok((judgement, transcript));
                }
                lost.into_iter().for_each(mark_hung_up);
                return Ok((case_run.judge(&transcript), transcript));
            }
            Presence::There => came_before = true,
            Presence::Back => came_before = false,
            Presence::Away(reason) => {
                context.sender.give_up(reason.clone());
                return Ok((Judgement::undecided(reason), transcript));
            }
        }
        if let Some(reason) = context.sender.out_of_time() {
            return Ok((Judgement::undecided(reason), transcript));
        }
    }
    let now = moment(Timestamp::now());
    Ok((Judgement::undecided(Reason::Away { from: now.clone(), to: now }), Vec::new()))
}

/// Whether an answer may come from an outage of the target. Where the case passes, an answer with the name of an error
/// is the service's own.
fn may_be_outage(case_run: &CaseRun<'_>, exchange: &Exchange, verdict: Verdict) -> bool {
    let response = match &exchange.answer {
        Ok(response) => response,
        Err(fault) => return matches!(fault, TransportFault::Lost(_) | TransportFault::Connect(_)),
    };
    let error = error_type(response);
    match response.status {
        501 => false,
        500.. => !response.is_throttled() || error.is_none(),
        403 | 404 if verdict == Verdict::Pass => error.is_none(),
        403 | 404 => !error.is_some_and(|error| case_run.contract().service.errors.contains_key(&error)),
        _ => false,
    }
}

/// Asks the target again for what it answered before, until it answers or its patience is at an end.
async fn presence(case_run: &CaseRun<'_>, random_names: &mut RandomNames) -> Result<Presence, Interrupted> {
    let (start, from) = (Instant::now(), Timestamp::now());
    if is_there(case_run, random_names).await? {
        return Ok(Presence::There);
    }
    tracing::info!(case = case_run.case.id, "the target is away");
    while start.elapsed() < case_run.context.target.patience {
        case_run.interrupt.unless(tokio::time::sleep(PAUSE)).await?;
        if is_there(case_run, random_names).await? {
            return Ok(Presence::Back);
        }
    }
    Ok(Presence::Away(Reason::Away { from: moment(from), to: moment(Timestamp::now()) }))
}

async fn is_there(case_run: &CaseRun<'_>, random_names: &mut RandomNames) -> Result<bool, Interrupted> {
    match (case_run.reference)() {
        Reference::Control(control) => {
            let control_run = CaseRun { case: &control, ..*case_run };
            let (_, transcript) = Box::pin(control_run.perform(random_names)).await?;
            let last = transcript.iter().zip(&control.calls).next_back();
            let is_accepted = |(exchange, call)| case_run.context.judge.is_accepted(&control, call, exchange);
            Ok(transcript.len() == control.calls.len() && last.is_some_and(is_accepted))
        }
        Reference::Probe(status) => {
            let operation = case_run.operation();
            let (request, _) = probe_input(operation, case_run.contract(), &case_run.context.target);
            let call = Call { request, expect: case_run.case.calls[0].expect.clone(), reply: None };
            let made = case_run.make(&call, 0, random_names, &[]).await?;
            let answered = made.ok().and_then(|exchange| exchange.answer.ok()).map(|response| response.status);
            Ok(answered == status)
        }
    }
}

/// Marks an exchange whose connection was lost: it was lost again, while the target was there.
fn mark_hung_up(exchange: &mut Exchange) {
    if let Err(TransportFault::Lost(how)) = &exchange.answer {
        exchange.answer = Err(TransportFault::HungUp(how.clone()));
    }
}

/// A time in whole seconds: `2026-11-27T04:05:06Z`.
fn moment(at: Timestamp) -> String {
    at.round(Unit::Second).unwrap_or(at).to_string()
}
