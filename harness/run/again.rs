//! Asking again where lifetimes look wrong: they may be right, and the credentials old or a clock off.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::value::to_raw_value;
use tokio::sync::watch;

use super::names::Names;
use super::session::{Session, part, unless};
use crate::corpus::{Call, ExpandedCase};
use crate::judge::Judgement;
use crate::judge::again::{Age, age, clock_offset, is_one_clock, is_same};
use crate::wire::Exchange;

const AGE: &str = "it gives earlier credentials again, whose age hides how long they live";

/// Why a lifetime that looks wrong may be right.
enum Excuse {
    /// Lifetimes cannot be told; all else can.
    Hidden(String),
    /// They cannot now, and another run can.
    NotNow(String),
}

/// A call whose answer has a wrong lifetime, and how to make it again.
struct Doubt<'a> {
    session: &'a Session,
    case: &'a ExpandedCase,
    call: Call,
    part: String,
    interrupt: &'a watch::Receiver<bool>,
}

impl Session {
    /// The judgement once it is known whether each lifetime that looks wrong has another reason than the target's
    /// counting.
    pub(super) async fn ask_again(
        &self,
        case: &ExpandedCase,
        transcript: &[Exchange],
        judgement: Judgement,
        names: &mut Names,
        interrupt: &watch::Receiver<bool>,
    ) -> Option<Judgement> {
        let mut excused: Vec<(&Exchange, String)> = Vec::new();
        for (index, (call, wrong)) in case.calls.iter().zip(transcript).enumerate() {
            let known = excused.iter().any(|(earlier, _)| is_same(earlier, wrong));
            if known || self.is_as_expected(case, call, wrong) {
                continue;
            }
            let call = sent_before(call, wrong);
            let doubt = Doubt { session: self, case, call, part: part(index), interrupt };
            match doubt.excuse(wrong, names).await? {
                Some(Excuse::Hidden(reason)) => excused.push((wrong, reason)),
                Some(Excuse::NotNow(reason)) => return Some(Judgement::undecided(reason)),
                None => return Some(judgement),
            }
        }
        let reason = excused.into_iter().next().map(|(_, reason)| reason);
        Some(reason.map_or(judgement.clone(), |reason| self.judge.without_lifetimes(judgement, reason)))
    }
}

/// The call with the names that it was made with: for others, a target has other credentials.
fn sent_before(call: &Call, exchange: &Exchange) -> Call {
    let mut call = call.clone();
    if call.request.raw.is_none()
        && let Ok(input) = serde_json::from_slice(&exchange.request.body)
    {
        call.request.input = input;
    }
    call
}

impl Doubt<'_> {
    /// Why a lifetime that looks wrong may be right, where there is a reason. The outer nothing is an interruption,
    /// here and below.
    async fn excuse(&self, wrong: &Exchange, names: &mut Names) -> Option<Option<Excuse>> {
        let kept = self.kept_credentials(wrong, names).await?;
        if let Some(kept) = &kept
            && let Some(excuse) = self.excuse_of_age(wrong, kept, names).await?
        {
            return Some(Some(excuse));
        }
        let is_kept = kept.is_some_and(|kept| is_same(wrong, &kept));
        let off = self.clock_is_off(wrong, is_kept, names).await?;
        Some(off.map(|off| {
            Excuse::Hidden(format!(
                "its answers have no Date, and expire about {:.0} s {} by the harness's clock whatever is asked for: one of the clocks is off, which hides how long credentials live",
                off.abs(),
                if off < 0.0 { "early" } else { "late" }
            ))
        }))
    }

    /// By how many seconds one of the clocks is off, where every answer shows the same: the wrong one, one to a
    /// plain call, and one to a duration that nobody has asked for, whose credentials cannot be old.
    async fn clock_is_off(&self, wrong: &Exchange, is_kept: bool, names: &mut Names) -> Option<Option<f64>> {
        let Some(off) = clock_offset(&self.call, wrong) else { return Some(None) };
        let plain = self.plain();
        let Some(clock) = self.offset(&with_another_duration(&plain), names).await? else { return Some(None) };
        // Age only takes from a lifetime.
        let fits = |off: f64| is_one_clock(off, clock) || (is_kept && off < clock);
        let is_plain = ["dbName", "durationSeconds"].iter().all(|member| self.call.request.input.get(member).is_none());
        if !fits(off) || (!is_plain && !self.offset(&plain, names).await?.is_some_and(fits)) {
            return Some(None);
        }
        Some(Some(clock))
    }

    async fn offset(&self, call: &Call, names: &mut Names) -> Option<Option<f64>> {
        let answer = self.make(call, names).await?;
        Some(answer.and_then(|answer| clock_offset(call, &answer)))
    }

    /// An answer whose credentials the target gives twice, at different times: the wrong one, or a right one that came
    /// behind it.
    async fn kept_credentials(&self, wrong: &Exchange, names: &mut Names) -> Option<Option<Exchange>> {
        let is_right = |exchange: &Exchange| self.session.is_as_expected(self.case, &self.call, exchange);
        let Some(mut latest) = self.make(&self.call, names).await? else { return Some(None) };
        // Credentials may be renewed between two calls, but not twice within a few seconds.
        for _ in 0..2 {
            if !is_same(wrong, &latest) && !is_right(&latest) {
                break;
            }
            self.until_a_clock_moves(&latest).await?;
            let Some(next) = self.make(&self.call, names).await? else { break };
            if is_same(&latest, &next) {
                return Some(Some(latest));
            }
            latest = next;
        }
        Some(None)
    }

    /// Whether credentials that expire early may do so for their age; the target keeps these or later ones.
    async fn excuse_of_age(&self, wrong: &Exchange, kept: &Exchange, names: &mut Names) -> Option<Option<Excuse>> {
        let hidden = || Some(Excuse::Hidden(AGE.to_owned()));
        let age = age(&self.call, wrong);
        let is_same_kept = is_same(wrong, kept);
        if age == Age::Old && is_same_kept {
            return Some(hidden());
        }
        if age == Age::None || (age == Age::OldOrDefault && !is_same_kept) {
            return Some(None);
        }
        // For a duration that nobody has asked for, there is nothing old but what is kept whatever is asked.
        let other = with_another_duration(&self.call);
        let Some(answer) = self.make(&other, names).await? else { return Some(None) };
        let is_right = self.session.is_as_expected(self.case, &other, &answer);
        Some(match age {
            Age::OldOrDefault => is_right.then(|| {
                Excuse::NotNow(format!(
                    "{AGE}: they have just the default left, as if the duration were ignored; run this again in a minute"
                ))
            }),
            _ if is_right || is_same(&answer, kept) => hidden(),
            _ => None,
        })
    }

    /// The call without what it need not have.
    fn plain(&self) -> Call {
        let mut call = self.call.clone();
        call.request.raw = None;
        call.request.input = call.request.input.without("dbName").without("durationSeconds");
        call
    }

    /// Makes a call; the inner nothing is a target that lacks something.
    async fn make(&self, call: &Call, names: &mut Names) -> Option<Option<Exchange>> {
        Some(self.session.make(self.case, call, &self.part, names, self.interrupt, None).await?.ok())
    }

    /// Waits until credentials that are made anew expire at another second than those of an answer: an expiration
    /// can have whole seconds, and two calls within one would look like the same credentials given twice.
    async fn until_a_clock_moves(&self, answered: &Exchange) -> Option<()> {
        const LONGER_THAN_A_SECOND: Duration = Duration::from_millis(1100);
        let gone = Timestamp::now().duration_since(answered.received_at).unsigned_abs();
        unless(self.interrupt, tokio::time::sleep(LONGER_THAN_A_SECOND.saturating_sub(gone))).await
    }
}

/// The call with a duration that no case has and hardly anybody has asked for before, far from its own and from the
/// default.
fn with_another_duration(call: &Call) -> Call {
    let mut call = call.clone();
    let asked = call.request.input.get("durationSeconds").and_then(|text| text.parse::<f64>().ok());
    let from = if asked.is_some_and(|asked| asked > 2_000.0) { 1_000 } else { 2_500 };
    let seconds = from + Timestamp::now().as_millisecond().rem_euclid(400);
    call.request.raw = None;
    call.request.input.set("durationSeconds", to_raw_value(&seconds).expect("a number is JSON"));
    call
}
