//! Rules for how long the credentials live.

use jiff::Timestamp;

use super::{Finding, Observation, Subject, guess};

/// The lifetime where none is asked for, in seconds.
/// Source: API reference, GetCredentials, description: 900 seconds by default.
pub(in crate::judge) const DEFAULT_SECONDS: f64 = 900.0;

/// How far `expiration` may be from the expected time, in seconds. The documents give no tolerance;
/// this leaves room for a slow answer and for rounding, and is far below the shortest lifetime.
const TOLERANCE_SECONDS: f64 = 60.0;

/// How far a server's clock may be from the harness's before a signature would be refused, in seconds.
/// Source: AWS General Reference, Signature Version 4: requests are valid for five minutes.
pub(in crate::judge) const CLOCK_SKEW_SECONDS: f64 = 300.0;

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

/// The server's `Date` is about the time at which it answered. Where it is a little off, that is told
/// only of a server whose own `expiration` is by another clock.
pub(super) fn date_is_now(seen: &Observation<'_>) -> Vec<Finding> {
    let Some(date) = seen.response.date().map(seconds) else { return Vec::new() };
    let off = (date - seconds(seen.exchange.received_at)).abs();
    let other_clock = asked(seen).map_or(Some(DEFAULT_SECONDS), |text| text.parse().ok()).is_some_and(|asked| {
        expiration(seen).is_some_and(|at| {
            let clocks = Clocks::of(seen);
            !clocks.date_agrees(at, asked) && clocks.ours_agree(at, asked)
        })
    });
    let (expected, behind) = if other_clock {
        ("the time of the answer, as the lifetime shows it".to_owned(), ", by which the expiration is right")
    } else {
        (format!("the time of the answer, give or take {CLOCK_SKEW_SECONDS} s"), "")
    };
    let holds = off <= CLOCK_SKEW_SECONDS && !other_clock;
    Finding::of(holds, Subject::default(), "header date", expected, || {
        format!("the Date of its answers is {off:.0} s off the harness's clock{behind}")
    })
}

fn expires_after(seen: &Observation<'_>, asked: f64) -> Vec<Finding> {
    let Some(at) = expiration(seen) else { return Vec::new() };
    let clocks = Clocks::of(seen);
    let holds = clocks.date_agrees(at, asked) || clocks.ours_agree(at, asked);
    let by = if clocks.date.is_some() { "the server's Date or the harness's clock" } else { "the harness's clock" };
    let expected = format!("{asked} s after the call by {by}, give or take {TOLERANCE_SECONDS} s");
    Finding::of(holds, Subject::default(), "body /expiration", expected, || {
        let guess = |after: f64| guess::of_lifetime(at, after, asked, DEFAULT_SECONDS);
        let ours = at - clocks.sent;
        match clocks.date.map(|date| at - date) {
            Some(by_date) if (by_date - ours).abs() > TOLERANCE_SECONDS => {
                let guess = [guess(by_date), guess(ours)].into_iter().find(|guess| !guess.is_empty());
                let (by_date, ours) = (after_the_call(by_date), after_the_call(ours));
                let guess = guess.unwrap_or_default();
                format!("{by_date} by the server's Date, and {ours} by the harness's clock{guess}")
            }
            by_date => {
                let after = by_date.unwrap_or(ours);
                format!("{}{}", after_the_call(after), guess(after))
            }
        }
    })
}

/// How long credentials live that should not have been given, as the end of a sentence; nothing where
/// the answer does not say it.
pub(in crate::judge) fn of_credentials(seen: &Observation<'_>) -> String {
    /// Beyond every lifetime that a slip of units makes.
    const MOST_SECONDS: f64 = 1e6;
    let Some(at) = expiration(seen) else { return String::new() };
    let clocks = Clocks::of(seen);
    let ours = at - clocks.sent;
    let by_date = clocks.date.map(|date| at - date).filter(|by_date| (by_date - ours).abs() <= TOLERANCE_SECONDS);
    // Date has whole seconds, so the fraction says nothing and differs from call to call.
    match by_date.unwrap_or(ours).floor() {
        after if !(-MOST_SECONDS..=MOST_SECONDS).contains(&after) => String::new(),
        after if after < 0.0 => format!(", with credentials that expired {:.0} s before", -after),
        after => format!(", with credentials that live {after:.0} s"),
    }
}

/// So many seconds after the call, in words, without their fraction.
fn after_the_call(after: f64) -> String {
    let after = after.floor();
    if after < 0.0 {
        format!("already expired {:.0} s before the call", -after)
    } else {
        format!("{after:.0} s after the call")
    }
}

/// The expiration of a success, in epoch seconds.
fn expiration(seen: &Observation<'_>) -> Option<f64> {
    seen.body.as_ref().filter(|_| seen.is_success())?.get("expiration")?.as_f64()
}

/// When an answer was made, in epoch seconds, by both clocks that can tell. No document says what
/// `Date` is, and the harness's own clock may be wrong, so either one is enough.
struct Clocks {
    /// The server's `Date`, where it sends one.
    date: Option<f64>,
    /// When the harness began to send.
    sent: f64,
    /// When the harness had the whole answer.
    received: f64,
}

impl Clocks {
    fn of(seen: &Observation<'_>) -> Self {
        let exchange = seen.exchange;
        let date = seen.response.date().map(seconds);
        Self { date, sent: seconds(exchange.sent_at), received: seconds(exchange.received_at) }
    }

    /// Whether an expiration is so many seconds after the server's `Date`.
    fn date_agrees(&self, expiration: f64, lifetime: f64) -> bool {
        self.date.is_some_and(|date| (expiration - date - lifetime).abs() <= TOLERANCE_SECONDS)
    }

    /// Whether an expiration is so many seconds after a time between sending and receiving.
    fn ours_agree(&self, expiration: f64, lifetime: f64) -> bool {
        let (from, to) = (self.sent + lifetime - TOLERANCE_SECONDS, self.received + lifetime + TOLERANCE_SECONDS);
        (from..=to).contains(&expiration)
    }
}

pub(in crate::judge) fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}
