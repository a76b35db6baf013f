//! Tells an outage of the target from its answer to a request.
//!
//! An answer that looks wrong can come from the request, or from a target that is away for a moment: it restarts, or a
//! gateway before it has lost it. So before a failure, a fault (5xx), a lost connection, or a sudden 403 or 404 counts,
//! the target is asked again for what it has answered before: the control of the case, or the call of the probe. Where
//! that is not answered either, the harness waits until it is, and makes the calls of the case anew. Where it is
//! answered, the calls are made once more, and only an answer of these kinds that comes again counts.
//!
//! A server may also send an answer late or twice, which is then taken for the answer to the next request on the same
//! connection. So where a case fails, its calls are made again on new connections, on which nothing can come that was
//! not asked for, and the answers there count. This does not hold for lifetimes, which have a check of their own.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::future::Either;
use jiff::{Timestamp, Unit};

use super::case::CaseRun;
use super::interrupt::Interrupted;
use super::probe_input;
use super::random_names::RandomNames;
use crate::corpus::{Call, ExpandedCase};
use crate::judge::Judgement;
use crate::verdict::{Reason, TargetAnswer, Verdict, Violation};
use crate::wire::{Exchange, Response, Transcript, TransportFault, error_type, quote};

/// If the target takes longer than this to answer again, it had stopped as a whole, not for one request alone.
const STOPPED: Duration = Duration::from_secs(1);

/// The pause before a target that is away is asked again.
const PAUSE: Duration = Duration::from_millis(100);

/// How often the calls of a case are made, at most, at a target that is away now and then.
pub(super) const MOST_TRIES: u32 = 8;

/// How often a doubtful answer must come again, while the target is there, before it counts.
const REPEATS: u32 = 1;

/// The same number for a target at which one did not come again: it gives such answers by chance.
const REPEATS_OF_CHANCE: u32 = 5;

/// With this number of outages that each begin with the requests of one case, the target crashes on them. At the first,
/// other requests are under way too.
const CRASHES: u32 = 3;

/// How often in a row the target must answer what it answered before, for each call of the case, so that a lost
/// connection is the fault of the request on it: a target that loses connections by chance loses others too. Of many
/// calls, it is more likely to lose one.
const STEADY: usize = 4;

/// How many calls the target answers, as before, between one loss of the connection of a case and the next, before it
/// hangs up on this case. The numbers differ, so that a target that loses every so many-th connection does not lose
/// those of the case each time.
const BETWEEN_LOSSES: [usize; 2] = [1, 2];

/// What the target answered before a case, and answers again if it is there.
#[derive(Clone, Debug)]
pub(super) enum Reference {
    /// The control of the case was accepted.
    Control(Arc<ExpandedCase>),
    /// The call of the probe had this answer; `None` if nothing was asked.
    Probe(Option<TargetAnswer>),
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
    let mut attempt = *case_run;
    let (mut repeats, mut outages, mut failure_before) = (0, 0, None);
    for attempt_number in 0..MOST_TRIES {
        if attempt_number > 0 && case_run.case.is_staged() {
            Box::pin(case_run.undo_made()).await;
            random_names.of_attempt(attempt_number);
        }
        // Again it is made alone, so that an outage is not blamed on a request that was under way beside the one at
        // fault. While the target's clock is moved, no other lifetime can be judged.
        let turn = if outages == 0 && repeats == 0 && !case_run.case.needs_clock() {
            Either::Left(context.turns.read().await)
        } else {
            Either::Right(context.turns.write().await)
        };
        let (judgement, transcript) = attempt.perform(&mut names_of_calls().sharing(random_names)).await?;
        drop(turn);
        let doubt = doubt(case_run, &judgement, &transcript);
        if repeats > 0 && doubt != Doubt::Outage {
            context.doubts_pass.store(true, Ordering::Relaxed);
        }
        if doubt == Doubt::None || context.target.path_names_case {
            return Ok((passed_after(judgement, failure_before), transcript));
        }
        if doubt == Doubt::Failure {
            if attempt.new_connections || context.judge.is_about_lifetimes(&judgement) {
                return Ok((judgement, transcript));
            }
            attempt.new_connections = true;
            failure_before = judgement.violations.into_iter().next();
            continue;
        }
        let asked = Instant::now();
        match Box::pin(presence(case_run, random_names)).await? {
            Presence::There if doubt == Doubt::Slow && asked.elapsed() < STOPPED => {
                context.sender.is_answered();
                return Ok((judgement, transcript));
            }
            Presence::There if doubt == Doubt::Throttled && repeats > 0 => return Ok((judgement, transcript)),
            Presence::There if judgement.verdict == Verdict::Pass || repeats >= repeats_needed(case_run) => {
                let lost = Lost { judgement, transcript, between: &BETWEEN_LOSSES };
                return Box::pin(hung_up(&attempt, &names_of_calls, random_names, lost)).await;
            }
            Presence::There => repeats += 1,
            Presence::Back => {
                outages += 1;
                // A server that is gone after each such request crashes on it, and is started again.
                if outages == CRASHES && is_any_lost(&transcript) {
                    let lost = Lost { judgement, transcript, between: &[] };
                    return Box::pin(hung_up(&attempt, &names_of_calls, random_names, lost)).await;
                }
                repeats = 0;
            }
            Presence::Away(_) if doubt == Doubt::Throttled => return Ok((judgement, transcript)),
            Presence::Away(reason) => {
                context.sender.give_up(reason.clone());
                return Ok((Judgement::undecided(reason), transcript));
            }
        }
        if let Some(reason) = context.sender.is_over() {
            return Ok((Judgement::undecided(reason), transcript));
        }
    }
    let now = moment(Timestamp::now());
    Ok((Judgement::undecided(Reason::Away { from: now.clone(), to: now }), Vec::new()))
}

fn repeats_needed(case_run: &CaseRun<'_>) -> u32 {
    if case_run.context.doubts_pass.load(Ordering::Relaxed) { REPEATS_OF_CHANCE } else { REPEATS }
}

/// Why the answers of a case may say nothing about its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doubt {
    None,
    /// The case fails.
    Failure,
    /// The target gave no answer in time.
    Slow,
    /// The target asked for fewer requests, and did so as long as the sender waits.
    Throttled,
    /// An answer is of a kind that outages give.
    Outage,
}

fn doubt(case_run: &CaseRun<'_>, judgement: &Judgement, transcript: &[Exchange]) -> Doubt {
    if transcript.iter().any(|exchange| may_be_outage(case_run, exchange, judgement.verdict)) {
        Doubt::Outage
    } else if transcript.iter().any(|exchange| matches!(exchange.answer, Err(TransportFault::Timeout(_)))) {
        Doubt::Slow
    } else if judgement.verdict == Verdict::Indeterminate && transcript.iter().any(is_throttled) {
        Doubt::Throttled
    } else if judgement.verdict == Verdict::Fail {
        Doubt::Failure
    } else {
        Doubt::None
    }
}

/// Whether an answer may come from an outage of the target. Where the case passes, an answer with the name of an error
/// is the service's own. Where it fails, an answer of the operation is.
fn may_be_outage(case_run: &CaseRun<'_>, exchange: &Exchange, verdict: Verdict) -> bool {
    let response = match &exchange.answer {
        Ok(response) => response,
        Err(fault) => {
            return matches!(fault, TransportFault::Lost(_) | TransportFault::Connect(_) | TransportFault::NotHttp(_));
        }
    };
    // To find the name of an error, the body is parsed: only where it decides.
    let error = || error_type(response);
    match (response.status, verdict) {
        (500.., Verdict::Fail) => true,
        (500.., _) => !response.is_throttled() || error().is_none(),
        (403 | 404, Verdict::Pass | Verdict::Blocked) => error().is_none(),
        (200..300, Verdict::Fail) => !case_run.is_accepted(exchange),
        // An error that the service documents is its own.
        (_, Verdict::Fail) => !error().is_some_and(|error| case_run.contract().service.errors.contains_key(&error)),
        _ => false,
    }
}

fn is_throttled(exchange: &Exchange) -> bool {
    exchange.answer.as_ref().is_ok_and(Response::is_throttled)
}

/// Whether the connection of a request was lost, or could not be made any more.
fn is_any_lost(transcript: &[Exchange]) -> bool {
    let is_lost = |fault: &TransportFault| matches!(fault, TransportFault::Lost(_) | TransportFault::Connect(_));
    transcript.iter().any(|exchange| exchange.answer.as_ref().is_err_and(is_lost))
}

/// What became of the calls of a case whose connections were lost each time.
struct Lost<'a> {
    judgement: Judgement,
    transcript: Transcript,
    /// How many calls of the control are answered before each further loss that is needed.
    between: &'a [usize],
}

/// The judgement of calls whose connections were lost each time, while the target was there. Without a lost connection,
/// or where the target loses others too, the judgement stays as it is.
async fn hung_up(
    attempt: &CaseRun<'_>,
    names_of_calls: &impl Fn() -> RandomNames,
    random_names: &mut RandomNames,
    lost: Lost<'_>,
) -> Result<(Judgement, Transcript), Interrupted> {
    let Lost { judgement, mut transcript, between } = lost;
    if !is_any_lost(&transcript) || judgement.verdict == Verdict::Blocked {
        return Ok((judgement, transcript));
    }
    // Alone, so that no other request can stop the target meanwhile.
    let _turn = attempt.context.turns.write().await;
    if !answers(attempt, random_names, STEADY * transcript.len()).await? {
        return Ok((judgement, transcript));
    }
    for calls in between {
        let (judgement, again) = attempt.perform(&mut names_of_calls()).await?;
        if !is_any_lost(&again) {
            attempt.context.doubts_pass.store(true, Ordering::Relaxed);
            return Ok((judgement, again));
        }
        transcript = again;
        if !answers(attempt, random_names, *calls).await? {
            return Ok((judgement, transcript));
        }
    }
    transcript.iter_mut().for_each(mark_hung_up);
    Ok((attempt.judge(&transcript), transcript))
}

/// Whether the target answers a number of calls in a row as it did before.
async fn answers(case_run: &CaseRun<'_>, random_names: &mut RandomNames, calls: usize) -> Result<bool, Interrupted> {
    for _ in 0..calls {
        if !Box::pin(is_there(case_run, random_names)).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The judgement of a case that failed at first: where it passes on new connections, its reason says so.
fn passed_after(mut judgement: Judgement, failure: Option<Violation>) -> Judgement {
    if let (Verdict::Pass, Some(violation)) = (judgement.verdict, failure) {
        judgement.reason = Some(Reason::RightOnNewConnection { violation: Box::new(violation) });
    }
    judgement
}

/// Asks the target again for what it answered before, until it answers or its patience is at an end.
async fn presence(case_run: &CaseRun<'_>, random_names: &mut RandomNames) -> Result<Presence, Interrupted> {
    let (start, from) = (Instant::now(), Timestamp::now());
    if is_there(case_run, random_names).await? {
        return Ok(Presence::There);
    }
    // A call that was not made has no answer either.
    if let Some(reason) = case_run.context.sender.budget.is_spent() {
        return Ok(Presence::Away(reason));
    }
    tracing::info!(case = case_run.case.id, "the target is away");
    while start.elapsed() < case_run.context.target.patience {
        case_run.interrupt.unless(tokio::time::sleep(PAUSE)).await?;
        if is_there(case_run, random_names).await? {
            return Ok(Presence::Back);
        }
        if let Some(reason) = case_run.context.sender.budget.is_spent() {
            return Ok(Presence::Away(reason));
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
            if control.is_staged() {
                control_run.undo_made().await;
            }
            Ok(transcript.len() == control.calls.len() && last.is_some_and(is_accepted))
        }
        Reference::Probe(answer) => {
            let operation = case_run.operation();
            let (request, _) = probe_input(operation, case_run.contract(), &case_run.context.target);
            let call = Call::of(request, case_run.case.calls[0].expect.clone());
            let made = case_run.make(&call, 0, random_names).await?.ok();
            Ok(made.is_some_and(|exchange| is_answered_as(answer.as_ref(), &exchange)))
        }
    }
}

/// Whether an exchange has the status, the media type and the error of an earlier answer to the same request.
fn is_answered_as(earlier: Option<&TargetAnswer>, exchange: &Exchange) -> bool {
    let Ok(response) = &exchange.answer else { return false };
    let Some(TargetAnswer::Answer { status, media_type, error, .. }) = earlier else { return true };
    // Both texts of the earlier answer are quoted.
    let is_same = |earlier: &Option<String>, now: Option<String>| *earlier == now.map(|text| quote(&text));
    *status == response.status && is_same(media_type, response.media_type()) && is_same(error, error_type(response))
}

/// Marks an exchange whose connection was lost: it was lost again, while the target was there.
fn mark_hung_up(exchange: &mut Exchange) {
    if let Err(TransportFault::Lost(how) | TransportFault::Connect(how)) = &exchange.answer {
        exchange.answer = Err(TransportFault::HungUp(how.clone()));
    }
}

/// A time in whole seconds: `2026-11-27T04:05:06Z`.
fn moment(at: Timestamp) -> String {
    at.round(Unit::Second).unwrap_or(at).to_string()
}
