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
                Some(reason) => excused.push((wrong, reason)),
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
    /// Why a lifetime that looks wrong may be right, where there is a reason.
    async fn excuse(&self, wrong: &Exchange, names: &mut Names) -> Option<Option<String>> {
        if let Some(kept) = self.kept_credentials(wrong, names).await?
            && self.may_be_old(wrong, &kept, names).await?
        {
            return Some(Some(AGE.to_owned()));
        }
        let Some(off) = clock_offset(&self.call, wrong) else { return Some(None) };
        let other = self.with_another_duration();
        let Some(answer) = self.make(&other, names).await? else { return Some(None) };
        let same = clock_offset(&other, &answer).is_some_and(|other| is_one_clock(off, other));
        Some(same.then(|| {
            format!(
                "its answers have no Date, and expire about {:.0} s {} by the harness's clock whatever the duration: one of the clocks is off, which hides how long credentials live",
                off.abs(),
                if off < 0.0 { "early" } else { "late" }
            )
        }))
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

    /// Whether the age of credentials that expire early may be why, where the target keeps these.
    async fn may_be_old(&self, wrong: &Exchange, kept: &Exchange, names: &mut Names) -> Option<bool> {
        Some(match age(&self.call, wrong) {
            Age::Old => true,
            Age::OldOrDefault if is_same(wrong, kept) => {
                let other = self.with_another_duration();
                let answer = self.make(&other, names).await?;
                answer.is_some_and(|answer| self.session.is_as_expected(self.case, &other, &answer))
            }
            Age::None | Age::OldOrDefault => false,
        })
    }

    /// The call with a duration that no case has, far from its own and from the default.
    fn with_another_duration(&self) -> Call {
        let mut call = self.call.clone();
        let asked = call.request.input.get("durationSeconds").and_then(|text| text.parse::<f64>().ok());
        let from = if asked.is_some_and(|asked| asked > 2_000.0) { 1_000 } else { 2_500 };
        let seconds = to_raw_value(&(from + self.session.seed % 400)).expect("a number is JSON");
        call.request.raw = None;
        call.request.input.set("durationSeconds", seconds);
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
