//! Rules for how long the credentials live.

use jiff::Timestamp;

use super::{Finding, Observation, Subject, guess};
use crate::corpus::Call;
use crate::wire::Exchange;

/// The lifetime where none is asked for, in seconds.
/// Source: API reference, GetCredentials, description: 900 seconds by default.
const DEFAULT_SECONDS: f64 = 900.0;

/// How far `expiration` may be from the expected time, in seconds. The documents give no tolerance;
/// this leaves room for a slow answer and for rounding, and is far below the shortest lifetime.
const TOLERANCE_SECONDS: f64 = 60.0;

/// How far a server's clock may be from the harness's before a signature would be refused, in seconds.
/// Source: AWS General Reference, Signature Version 4: requests are valid for five minutes.
const CLOCK_SKEW_SECONDS: f64 = 300.0;

/// Without a duration, credentials expire 900 seconds after the call.
pub(super) fn default(seen: &Observation<'_>) -> Vec<Finding> {
    if asked(seen).is_some() { Vec::new() } else { expires_after(seen, DEFAULT_SECONDS) }
}

/// With a duration, credentials expire that many seconds after the call.
pub(super) fn chosen(seen: &Observation<'_>) -> Vec<Finding> {
    match asked(seen).map(str::parse) {
        Some(Ok(seconds)) => expires_after(seen, seconds),
        Some(Err(_)) | None => Vec::new(),
    }
}

/// The duration that was asked for, as JSON text; an explicit null is the same as none.
fn asked<'a>(seen: &'a Observation<'_>) -> Option<&'a str> {
    seen.call.request.input.get("durationSeconds").filter(|text| *text != "null")
}

/// Whether a second answer to the same call gives the first one's credentials again, still alive: then
/// their age may be why they expire soon. Nothing says whether a repeated call gives fresh
/// credentials or earlier ones. What has the whole default lifetime left is not old, but a duration
/// that was ignored.
pub(in crate::judge) fn is_replay(call: &Call, first: &Exchange, second: &Exchange) -> bool {
    /// Time enough for two calls, and less than any age that needs an excuse.
    const FRESH_SECONDS: f64 = 5.0;
    let members = |exchange: &Exchange| -> Option<(String, f64)> {
        let body = exchange.answer.as_ref().ok().filter(|response| response.status == 200)?.json()?;
        Some((body.get("dbPassword")?.as_str()?.to_owned(), body.get("expiration")?.as_f64()?))
    };
    let asked = call.request.input.get("durationSeconds").and_then(|text| text.parse().ok()).unwrap_or(DEFAULT_SECONDS);
    let (Some(earlier), Some(later)) = (members(first), members(second)) else { return false };
    let remaining = later.1 - seconds(second.received_at);
    earlier == later && remaining > 0.0 && remaining < asked && (remaining - DEFAULT_SECONDS).abs() > FRESH_SECONDS
}

/// The server's `Date` is about the time at which it answered.
pub(super) fn date_is_now(seen: &Observation<'_>) -> Vec<Finding> {
    let Some(date) = seen.response.date().map(seconds) else { return Vec::new() };
    let off = (date - seconds(seen.exchange.received_at)).abs();
    let expected = format!("the time of the answer, give or take {CLOCK_SKEW_SECONDS} s");
    Finding::of(off <= CLOCK_SKEW_SECONDS, Subject::default(), "header date", expected, || {
        format!("{off:.0} s from the harness's clock")
    })
}

fn expires_after(seen: &Observation<'_>, seconds: f64) -> Vec<Finding> {
    if !seen.is_success() {
        return Vec::new();
    }
    let Some(expiration) = seen.body.as_ref().and_then(|body| body.get("expiration")?.as_f64()) else {
        return Vec::new();
    };
    let (earliest, latest, clock) = issued(seen);
    let from = earliest + seconds - TOLERANCE_SECONDS;
    let to = latest + seconds + TOLERANCE_SECONDS;
    let expected = format!("{seconds} s after the call by {clock}, give or take {TOLERANCE_SECONDS} s");
    Finding::of((from..=to).contains(&expiration), Subject::default(), "body /expiration", expected, || {
        let after = expiration - earliest;
        let guess = guess::of_lifetime(expiration, after, seconds, DEFAULT_SECONDS);
        // Date has whole seconds, so the fraction says nothing and differs from call to call.
        format!("{:.0} s after the call{guess}", after.floor())
    })
}

/// When the answer was made, in epoch seconds: by the server's own `Date` where it sends one, else
/// between the harness's sending and receiving.
fn issued(seen: &Observation<'_>) -> (f64, f64, &'static str) {
    let date = seen.response.date().map(seconds);
    match date {
        Some(date) => (date, date, "the server's Date"),
        None => (seconds(seen.exchange.sent_at), seconds(seen.exchange.received_at), "the harness's clock"),
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}
