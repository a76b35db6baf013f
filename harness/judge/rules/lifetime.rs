//! Rules for lifetimes: how long the credentials of an answer are valid.

use jiff::Timestamp;
use serde_json::Value;

use super::{Finding, Findings, Observation, Subject, guess};
use crate::contract::Lifetime;
use crate::verdict::{Fault, MeasuredLifetime};

/// How far an expiration may be from the expected time, in seconds. The documents give no tolerance;
/// this leaves room for a slow answer and for rounding, and is far below the shortest lifetime.
pub(crate) const TOLERANCE_SECONDS: f64 = 60.0;

/// How far a server's clock may be from the harness's before a signature would be refused, in seconds.
/// Source: AWS General Reference, Signature Version 4: requests are valid for five minutes.
pub(crate) const CLOCK_SKEW_SECONDS: f64 = 300.0;

/// If the request asks for no lifetime, the default holds.
pub(super) fn default(observation: &Observation<'_>) -> Findings {
    GivenLifetime::of(observation).filter(|lifetime| !lifetime.is_chosen)?.expires_in_time()
}

/// If the request asks for a lifetime, that one holds.
pub(super) fn chosen(observation: &Observation<'_>) -> Findings {
    GivenLifetime::of(observation).filter(|lifetime| lifetime.is_chosen)?.expires_in_time()
}

/// The server's `Date` is about the time of its answer. A `Date` that is off by at most [`CLOCK_SKEW_SECONDS`] is a
/// fault only if the lifetime is wrong by this `Date` and right by the harness's clock.
pub(super) fn date_is_now(observation: &Observation<'_>) -> Findings {
    let date = observation.response.date().map(seconds)?;
    let off = (date - seconds(observation.exchange.received_at)).abs();
    let lifetime_is_right = GivenLifetime::of(observation)
        .is_some_and(|lifetime| !lifetime.agrees_with_date(lifetime.asked) && lifetime.agrees_with_us(lifetime.asked));
    let holds = off <= CLOCK_SKEW_SECONDS && !lifetime_is_right;
    Finding::one(Subject::default(), holds, || Fault::Date { off: whole(off.round()), lifetime_is_right })
}

/// The lifetime of credentials that should not have been given, in seconds; `None` if the answer does not tell it.
pub(in crate::judge) fn of_what_was_given(observation: &Observation<'_>) -> Option<i64> {
    /// More than any lifetime that a wrong unit explains.
    const MOST_SECONDS: f64 = 1e6;
    let lifetime = GivenLifetime::of(observation)?;
    let ours = lifetime.at - lifetime.sent;
    let by_date =
        lifetime.date.map(|date| lifetime.at - date).filter(|by_date| (by_date - ours).abs() <= TOLERANCE_SECONDS);
    // Date has whole seconds, so the fraction says nothing and differs from call to call.
    let lives = by_date.unwrap_or(ours).floor();
    (-MOST_SECONDS..=MOST_SECONDS).contains(&lives).then(|| whole(lives))
}

/// When the credentials of an answer expire, the lifetime that was asked for, and the time of the call by two clocks:
/// the server's and the harness's. No document defines `Date`, and the harness's clock may be wrong, so one of the two
/// is enough. All times are in seconds.
struct GivenLifetime<'a> {
    lifetime: Lifetime<'a>,
    /// When it expires, in epoch seconds.
    at: f64,
    asked: f64,
    is_chosen: bool,
    /// The server's `Date`; `None` if it sends none.
    date: Option<f64>,
    /// When the harness began to send.
    sent: f64,
    /// When the harness had the whole answer.
    received: f64,
}

impl<'a> GivenLifetime<'a> {
    fn of(observation: &Observation<'a>) -> Option<Self> {
        let lifetime = observation.operation.lifetime()?;
        let at = observation.body.as_ref().filter(|_| observation.is_success())?.get(lifetime.ends_at)?.as_f64()?;
        let chosen_lifetime = observation.requested_value(lifetime.asked_by);
        let requested = chosen_lifetime.as_ref().map_or(Some(lifetime.default), Value::as_f64)?;
        let (sent, received) = (seconds(observation.exchange.sent_at), seconds(observation.exchange.received_at));
        let date = observation.response.date().map(seconds);
        Some(Self { lifetime, at, asked: requested, is_chosen: chosen_lifetime.is_some(), date, sent, received })
    }

    /// Whether it expires `lifetime` seconds after the server's `Date`.
    fn agrees_with_date(&self, lifetime: f64) -> bool {
        self.date.is_some_and(|date| (self.at - date - lifetime).abs() <= TOLERANCE_SECONDS)
    }

    /// Whether it expires `lifetime` seconds after some time between sending and receiving.
    fn agrees_with_us(&self, lifetime: f64) -> bool {
        let (from, to) = (self.sent + lifetime - TOLERANCE_SECONDS, self.received + lifetime + TOLERANCE_SECONDS);
        (from..=to).contains(&self.at)
    }

    fn expires_in_time(&self) -> Findings {
        let holds = self.agrees_with_date(self.asked) || self.agrees_with_us(self.asked);
        Finding::one(Subject::default(), holds, || self.fault())
    }

    fn fault(&self) -> Fault {
        let guess = |after: f64| guess::of_lifetime(self.at, after, self.asked, self.lifetime.default);
        let ours = self.at - self.sent;
        let (found, looks_like) = match self.date.map(|date| self.at - date) {
            Some(by_date) if (by_date - ours).abs() > TOLERANCE_SECONDS => {
                let found = MeasuredLifetime::Apart { date: whole(by_date.floor()), ours: whole(ours.floor()) };
                (found, guess(by_date).or_else(|| guess(ours)))
            }
            Some(by_date) => (MeasuredLifetime::ByDate(whole(by_date.floor())), guess(by_date)),
            None => (MeasuredLifetime::ByUs(whole(ours.floor())), guess(ours)),
        };
        let (at, asked_by) = (format!("/{}", self.lifetime.ends_at), self.lifetime.asked_by.to_owned());
        Fault::Lifetime { at, asked: whole(self.asked), found, looks_like, asked_by }
    }
}

pub(crate) fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

/// A number of seconds without its fraction. A target may send any number, so one that does not fit becomes the nearest
/// that does.
#[expect(clippy::cast_possible_truncation, reason = "a cast takes the nearest number that there is")]
fn whole(seconds: f64) -> i64 {
    seconds as i64
}
