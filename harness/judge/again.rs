//! What further answers tell of a lifetime that looks wrong, beside a server that counts wrongly: nothing says
//! whether a repeated call gives fresh credentials or earlier ones, nor how exact a server's clock is.

use super::rules::lifetime::{CLOCK_SKEW_SECONDS, DEFAULT_SECONDS, seconds};
use super::{Judge, Judgement};
use crate::corpus::Call;
use crate::verdict::{Verdict, Violation};
use crate::wire::{Exchange, Response};

/// Time enough for two calls, and less than any age that needs an excuse, in seconds.
const FRESH_SECONDS: f64 = 5.0;

/// Whether credentials that a target gives again may expire early for their age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// They may not: they have expired, or live as long as was asked or longer.
    None,
    /// They may.
    Old,
    /// They have the whole default lifetime left where another was asked for: old, or the duration was ignored.
    /// The answer to another duration tells.
    OldOrDefault,
}

/// Whether two answers give the same credentials.
pub fn is_same(first: &Exchange, second: &Exchange) -> bool {
    credentials(first).is_some_and(|first| Some(first) == credentials(second))
}

/// What the age of an answer's credentials can be, by either clock.
pub fn age(call: &Call, exchange: &Exchange) -> Age {
    let Some((_, expiration)) = credentials(exchange) else { return Age::None };
    let asked = asked(call);
    let date = exchange.answer.as_ref().ok().and_then(Response::date);
    let remaining = [Some(exchange.received_at), date].into_iter().flatten().map(|now| expiration - seconds(now));
    let ages: Vec<Age> = remaining
        .filter(|remaining| *remaining > 0.0 && *remaining < asked)
        .map(|remaining| if (remaining - DEFAULT_SECONDS).abs() > FRESH_SECONDS { Age::Old } else { Age::OldOrDefault })
        .collect();
    *ages.iter().find(|age| **age == Age::Old).or(ages.first()).unwrap_or(&Age::None)
}

/// How far an expiration is from where the harness's clock expects it, in whole seconds, where that may be the
/// difference of two clocks: the answer has no `Date`, and a signature would still be accepted.
pub fn clock_offset(call: &Call, exchange: &Exchange) -> Option<f64> {
    let (_, expiration) = credentials(exchange)?;
    if exchange.answer.as_ref().is_ok_and(|response| response.date().is_some()) {
        return None;
    }
    let off = (expiration - seconds(exchange.sent_at) - asked(call)).round();
    (off.abs() <= CLOCK_SKEW_SECONDS).then_some(off)
}

/// Whether two offsets of one clock agree: what adds to every lifetime alike is a clock.
pub fn is_one_clock(first: f64, second: f64) -> bool {
    (first - second).abs() <= FRESH_SECONDS
}

impl Judge {
    /// Whether all that a judgement holds against a target is how long its credentials live, so that further calls
    /// can tell whether something else is the reason.
    pub fn is_about_lifetimes(&self, judgement: &Judgement) -> bool {
        let of_lifetimes = |violation: &Violation| self.is_lifetime(&violation.requirement);
        judgement.verdict == Verdict::Fail && judgement.violations.iter().all(of_lifetimes)
    }

    /// The judgement where lifetimes cannot be told, for this reason: they are neither broken nor decided, but open.
    pub fn without_lifetimes(&self, mut judgement: Judgement, reason: String) -> Judgement {
        judgement.verdict = Verdict::Pass;
        judgement.violations.retain(|violation| !self.is_lifetime(&violation.requirement));
        judgement.undecided = judgement.decided.extract_if(.., |id| self.is_lifetime(id)).collect();
        judgement.reason = Some(reason);
        judgement
    }

    fn is_lifetime(&self, requirement: &str) -> bool {
        let row = self.contract.register.get(requirement).and_then(|row| row.decided_by.as_ref());
        row.is_some_and(|by| by.rule.starts_with("expiration-"))
    }
}

/// The password and the expiration of a success.
fn credentials(exchange: &Exchange) -> Option<(String, f64)> {
    let body = exchange.answer.as_ref().ok().filter(|response| response.status == 200)?.json()?;
    Some((body.get("dbPassword")?.as_str()?.to_owned(), body.get("expiration")?.as_f64()?))
}

/// The lifetime that a call asks for, in seconds.
fn asked(call: &Call) -> f64 {
    call.request.input.get("durationSeconds").and_then(|text| text.parse().ok()).unwrap_or(DEFAULT_SECONDS)
}
