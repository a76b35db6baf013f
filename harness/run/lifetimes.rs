//! Lifetimes that look wrong. They may be right if the credentials are old or a clock is off. No document says whether
//! a repeated call gives fresh credentials or earlier ones, or how exact a server's clock is. Further calls find out
//! whether that is the reason, or the server counts wrongly.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use serde_json::value::to_raw_value;

use super::case::CaseRun;
use super::interrupt::Interrupted;
use super::random_names::RandomNames;
use crate::contract::Lifetime;
use crate::corpus::Call;
use crate::judge::{CLOCK_SKEW_SECONDS, Judgement, seconds};
use crate::verdict::Reason;
use crate::wire::Exchange;

/// In seconds: enough time for two calls, and less than any age that needs an excuse.
const FRESH_SECONDS: f64 = 5.0;

/// Makes further calls to find out, for each lifetime that looks wrong, whether the target counts wrongly or there is
/// another reason. Returns the new judgement.
pub(super) async fn recheck_lifetimes(
    case_run: &CaseRun<'_>,
    transcript: &[Exchange],
    judgement: Judgement,
    random_names: &mut RandomNames,
) -> Result<Judgement, Interrupted> {
    let mut excused: Vec<(GivenCredentials, Reason)> = Vec::new();
    for (index, (call, wrong)) in case_run.case.calls.iter().zip(transcript).enumerate() {
        if !call.is_judged() || case_run.is_as_expected(call, wrong) {
            continue;
        }
        let Some(lifetime) = case_run.operation_of(call).lifetime() else { return Ok(judgement) };
        let doubt = LifetimeDoubt { case_run, call: sent_before(call, wrong), index, lifetime };
        let Some(credentials) = doubt.given_credentials(wrong) else { return Ok(judgement) };
        if excused.iter().any(|(earlier, _)| earlier.is_same(&credentials)) {
            continue;
        }
        match doubt.excuse(&credentials, random_names).await? {
            Some(Reason::AgedToDefault) => return Ok(Judgement::undecided(Reason::AgedToDefault)),
            Some(reason) => excused.push((credentials, reason)),
            None => return Ok(judgement),
        }
    }
    Ok(match excused.into_iter().next() {
        Some((_, reason)) => case_run.context.judge.without_lifetimes(judgement, reason),
        None => judgement,
    })
}

/// The call with the same input that was sent, random names included: for other names, a target has other credentials.
fn sent_before(call: &Call, exchange: &Exchange) -> Call {
    let mut call = call.clone();
    if call.request.raw.is_none()
        && let Ok(input) = serde_json::from_slice(&exchange.request.body)
    {
        call.request.input = input;
    }
    call
}

/// The secrets that an answer gave, and the times that tell their lifetime. All times are in seconds.
struct GivenCredentials {
    secrets: Vec<Value>,
    /// When they expire, in epoch seconds.
    expires: f64,
    /// The lifetime that was asked for, or the default.
    asked: f64,
    sent: f64,
    received: f64,
    date: Option<f64>,
}

/// Whether credentials that a target gives again may expire early because of their age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CredentialsAge {
    /// They may not: they have expired, or live at least as long as was asked.
    None,
    /// They may.
    Old,
    /// They have the whole default lifetime left, though another lifetime was asked for: they are old, or the target
    /// ignored the request. A call with a third lifetime tells which.
    OldOrDefault,
}

impl GivenCredentials {
    fn is_same(&self, other: &Self) -> bool {
        self.secrets == other.secrets && self.expires.to_bits() == other.expires.to_bits()
    }

    /// Whether their age can explain the lifetime, by the harness's clock or by the server's.
    fn age(&self, default: f64) -> CredentialsAge {
        let remaining = [Some(self.received), self.date].into_iter().flatten().map(|now| self.expires - now);
        let ages: Vec<CredentialsAge> = remaining
            .filter(|remaining| *remaining > 0.0 && *remaining < self.asked)
            .map(|remaining| {
                if (remaining - default).abs() > FRESH_SECONDS {
                    CredentialsAge::Old
                } else {
                    CredentialsAge::OldOrDefault
                }
            })
            .collect();
        *ages.iter().find(|age| **age == CredentialsAge::Old).or(ages.first()).unwrap_or(&CredentialsAge::None)
    }

    /// How far the end of the lifetime is from where the harness's clock expects it, in whole seconds. `None` if the
    /// difference cannot come from the clocks. That is so if the answer has a `Date`, or if the clocks would differ so
    /// much that the server refuses signatures.
    fn clock_offset(&self) -> Option<f64> {
        let off = (self.expires - self.sent - self.asked).round();
        (self.date.is_none() && off.abs() <= CLOCK_SKEW_SECONDS).then_some(off)
    }
}

/// A call whose answer has a wrong lifetime, and how to make it again.
struct LifetimeDoubt<'a> {
    case_run: &'a CaseRun<'a>,
    call: Call,
    index: usize,
    lifetime: Lifetime<'a>,
}

/// Why a lifetime that looks wrong may be right; `None` if there is no reason.
type LifetimeExcuse = Result<Option<Reason>, Interrupted>;

impl LifetimeDoubt<'_> {
    /// What an answer gave; `None` if nothing that it gave expires.
    fn given_credentials(&self, exchange: &Exchange) -> Option<GivenCredentials> {
        let response = exchange.answer.as_ref().ok()?;
        let operation = self.case_run.operation_of(&self.call);
        let body = (response.status == operation.status.is).then(|| response.json())??;
        let request_body: Value = serde_json::from_slice(&exchange.request.body).ok()?;
        let asked_lifetime = request_body.get(self.lifetime.asked_by).filter(|asked| !asked.is_null());
        Some(GivenCredentials {
            secrets: operation.secrets().map(|name| body.get(name).cloned()).collect::<Option<_>>()?,
            expires: body.get(self.lifetime.ends_at)?.as_f64()?,
            asked: asked_lifetime.map_or(Some(self.lifetime.default), Value::as_f64)?,
            sent: seconds(exchange.sent_at),
            received: seconds(exchange.received_at),
            date: response.date().map(seconds),
        })
    }

    async fn excuse(&self, wrong: &GivenCredentials, random_names: &mut RandomNames) -> LifetimeExcuse {
        // If neither age nor a clock can explain the lifetime, no further call could excuse it, and none is made.
        if wrong.age(self.lifetime.default) == CredentialsAge::None && wrong.clock_offset().is_none() {
            return Ok(None);
        }
        let repeated = self.repeated_credentials(wrong, random_names).await?;
        if let Some(repeated) = &repeated
            && let Some(excuse) = self.excuse_of_age(wrong, repeated, random_names).await?
        {
            return Ok(Some(excuse));
        }
        let is_kept = repeated.is_some_and(|repeated| wrong.is_same(&repeated));
        self.clock_is_off(wrong, is_kept, random_names).await
    }

    /// [`Reason::ClockOff`] if three answers are off alike: the wrong one, the answer to a plain call, and the answer
    /// to a call with a lifetime that was never asked for, whose credentials cannot be old.
    async fn clock_is_off(
        &self,
        wrong: &GivenCredentials,
        is_kept: bool,
        random_names: &mut RandomNames,
    ) -> LifetimeExcuse {
        let Some(off) = wrong.clock_offset() else { return Ok(None) };
        let plain_call = self.plain_call();
        let fresh = self.with_fresh_lifetime(&plain_call, random_names);
        let Some(clock) = self.offset(&fresh, random_names).await? else { return Ok(None) };
        // A clock shifts every lifetime alike; age only shortens one.
        let fits = |off: f64| (off - clock).abs() <= FRESH_SECONDS || (is_kept && off < clock);
        let is_plain = plain_call.request.input.iter().count() == self.call.request.input.iter().count();
        if !fits(off) || (!is_plain && !self.offset(&plain_call, random_names).await?.is_some_and(fits)) {
            return Ok(None);
        }
        #[expect(clippy::cast_possible_truncation, reason = "an offset is at most 300")]
        let seconds = clock.round() as i64;
        Ok(Some(Reason::ClockOff { seconds }))
    }

    async fn offset(&self, call: &Call, random_names: &mut RandomNames) -> Result<Option<f64>, Interrupted> {
        Ok(self.ask(call, random_names).await?.and_then(|(_, credentials)| credentials?.clock_offset()))
    }

    /// Credentials that the target gives twice, at different times: the wrong ones, or right ones that followed them.
    /// `None` if it gives none twice.
    async fn repeated_credentials(
        &self,
        wrong: &GivenCredentials,
        random_names: &mut RandomNames,
    ) -> Result<Option<GivenCredentials>, Interrupted> {
        let Some((mut answer, Some(mut latest))) = self.ask(&self.call, random_names).await? else { return Ok(None) };
        // Credentials may be renewed between two calls, but not twice within a few seconds.
        for _ in 0..2 {
            if !wrong.is_same(&latest) && !self.case_run.is_as_expected(&self.call, &answer) {
                break;
            }
            self.until_a_clock_moves(&answer).await?;
            let Some((next_answer, Some(next))) = self.ask(&self.call, random_names).await? else { break };
            if latest.is_same(&next) {
                return Ok(Some(latest));
            }
            (answer, latest) = (next_answer, next);
        }
        Ok(None)
    }

    /// The excuse, if the credentials expire early because they are old. `repeated` are the credentials that the target
    /// gives again: the wrong ones or later ones.
    async fn excuse_of_age(
        &self,
        wrong: &GivenCredentials,
        repeated: &GivenCredentials,
        random_names: &mut RandomNames,
    ) -> LifetimeExcuse {
        let age = wrong.age(self.lifetime.default);
        match (age, wrong.is_same(repeated)) {
            (CredentialsAge::Old, true) => return Ok(Some(Reason::Aged)),
            (CredentialsAge::None, _) | (CredentialsAge::OldOrDefault, false) => return Ok(None),
            (CredentialsAge::Old, false) | (CredentialsAge::OldOrDefault, true) => {}
        }
        // For a lifetime that was never asked for, a target has old credentials only if it keeps the same ones for
        // every lifetime.
        let fresh = self.with_fresh_lifetime(&self.call, random_names);
        let Some((answer, credentials)) = self.ask(&fresh, random_names).await? else { return Ok(None) };
        let is_right = self.case_run.is_as_expected(&fresh, &answer);
        Ok(match age {
            CredentialsAge::OldOrDefault => is_right.then_some(Reason::AgedToDefault),
            CredentialsAge::None | CredentialsAge::Old => (is_right
                || credentials.is_some_and(|credentials| credentials.is_same(repeated)))
            .then_some(Reason::Aged),
        })
    }

    /// The call with only what it must have: the first of the resources that it names, and no lifetime.
    fn plain_call(&self) -> Call {
        let mut call = self.call.clone();
        call.request.raw = None;
        let resources = self.case_run.context.judge.contract().service.usable_resources();
        let named_resources = resources.filter(|resource| call.request.input.get(&resource.member).is_some());
        let members: Vec<&str> = named_resources.skip(1).map(|resource| resource.member.as_str()).collect();
        let input = call.request.input.without(self.lifetime.asked_by);
        call.request.input = members.into_iter().fold(input, |input, member| input.without(member));
        call
    }

    /// The call with a new random lifetime. No case asks for it, the target was hardly ever asked for it, and it is far
    /// from the call's own lifetime and from the default.
    fn with_fresh_lifetime(&self, call: &Call, random_names: &mut RandomNames) -> Call {
        let mut call = call.clone();
        let asked_lifetime = call.request.input.get(self.lifetime.asked_by).and_then(|text| text.parse::<f64>().ok());
        let from = if asked_lifetime.is_some_and(|asked_lifetime| asked_lifetime > 2_000.0) { 1_000 } else { 2_500 };
        let seconds = from + random_names.number(400);
        call.request.raw = None;
        call.request.input.set(self.lifetime.asked_by, to_raw_value(&seconds).expect("a number is JSON"));
        call
    }

    /// Makes a call. Returns the exchange and what its answer gave; `None` if the request cannot be made.
    async fn ask(
        &self,
        call: &Call,
        random_names: &mut RandomNames,
    ) -> Result<Option<(Exchange, Option<GivenCredentials>)>, Interrupted> {
        let exchange = self.case_run.make(call, self.index, random_names).await?.ok();
        Ok(exchange.map(|exchange| {
            let credentials = self.given_credentials(&exchange);
            (exchange, credentials)
        }))
    }

    /// Waits until new credentials would expire in another second than those of `answered`. The end of a lifetime may
    /// be in whole seconds, so that two calls within one second could seem to give the same credentials twice.
    async fn until_a_clock_moves(&self, answered: &Exchange) -> Result<(), Interrupted> {
        const LONGER_THAN_A_SECOND: Duration = Duration::from_millis(1100);
        let gone = Timestamp::now().duration_since(answered.received_at).unsigned_abs();
        self.case_run.interrupt.unless(tokio::time::sleep(LONGER_THAN_A_SECOND.saturating_sub(gone))).await
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const CALL: f64 = 1_700_000_000.0;

    /// Credentials with this password that expire `expire` seconds after the call; the answer came 0.1 s after the
    /// call.
    fn given(password: &str, asked: f64, expire: f64) -> GivenCredentials {
        let secrets = vec![password.into()];
        GivenCredentials { secrets, expires: CALL + expire, asked, sent: CALL, received: CALL + 0.1, date: None }
    }

    /// The same with a `Date` that is `hours` hours ahead.
    fn credentials_with_date(given: GivenCredentials, hours: f64) -> GivenCredentials {
        GivenCredentials { date: Some(CALL + hours * 3600.0), ..given }
    }

    #[rstest]
    #[case::old(given("a", 3600.0, 1200.0), CredentialsAge::Old)]
    #[case::just_old(given("a", 3600.0, 894.0), CredentialsAge::Old)]
    #[case::old_or_ignored(given("a", 3600.0, 900.0), CredentialsAge::OldOrDefault)]
    #[case::expired(given("a", 3600.0, -5.0), CredentialsAge::None)]
    #[case::too_long(given("a", 3600.0, 4000.0), CredentialsAge::None)]
    #[case::the_default_is_not_old(given("a", 900.0, 960.0), CredentialsAge::None)]
    #[case::old_by_the_clock_of_the_server(credentials_with_date(given("a", 3600.0, 7200.0 + 1200.0), 2.0), CredentialsAge::Old)]
    fn only_living_credentials_may_expire_early_for_their_age(
        #[case] credentials: GivenCredentials,
        #[case] expected: CredentialsAge,
    ) {
        assert_eq!(credentials.age(900.0), expected);
    }

    #[rstest]
    #[case::given_again(given("a", 900.0, 1200.0), true)]
    #[case::fresh(given("b", 900.0, 1200.0), false)]
    #[case::moving(given("a", 900.0, 1201.0), false)]
    fn credentials_are_the_same_by_password_and_expiration(#[case] second: GivenCredentials, #[case] same: bool) {
        assert_eq!(given("a", 900.0, 1200.0).is_same(&second), same);
    }

    #[rstest]
    #[case::slow(given("a", 3600.0, 3360.0), Some(-240.0))]
    #[case::fast(given("a", 3600.0, 3900.0), Some(300.0))]
    #[case::no_clock_is_so_far_off(given("a", 3600.0, 3901.0), None)]
    #[case::its_date_tells(credentials_with_date(given("a", 3600.0, 3360.0), 0.0), None)]
    fn without_a_date_a_clock_may_be_off_by_five_minutes(
        #[case] credentials: GivenCredentials,
        #[case] expected: Option<f64>,
    ) {
        assert_eq!(credentials.clock_offset(), expected);
    }
}
