//! What cases make at a target: set-up, calls that are repeated until something is there, and how all of it is deleted
//! again.
//!
//! What a call makes is written to the journal before the call is sent, and is deleted when the case has ended, however
//! it ends. Something that was there already under the same name is never deleted.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;

use super::budget::Purpose;
use super::case::{CaseRun, MadeExchange, RunContext};
use super::interrupt::{Interrupt, Interrupted};
use super::journal::EntryId;
use super::random_names::RandomNames;
use super::request::Earlier;
use super::resources::answer_in_short;
use crate::contract::{Address, ErrorMeaning, MadeKind};
use crate::corpus::{Call, Input, RequestSpec};
use crate::targets::Target;
use crate::verdict::{Leftover, Reason, TargetAnswer};
use crate::wire::{Exchange, Response, Transcript, error_type};

/// The first pause before a call is repeated that waits for something; each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The same at real AWS, where a workgroup takes minutes, and each call counts.
const LONGEST_PAUSE_AT_AWS: Duration = Duration::from_secs(10);

/// How long something that was made may be unknown to a target that carries out changes late.
const LATE_TO_KNOW: Duration = Duration::from_secs(30);

/// How long a deletion is repeated that the target refuses because something still depends on what is deleted, or
/// because it is still being made.
const DELETION: Duration = Duration::from_secs(30);

/// The same at real AWS, where what depends on it takes minutes to go.
const DELETION_AT_AWS: Duration = Duration::from_mins(10);

/// How long a deletion is repeated that finds nothing, where nobody knows whether the call that should make it will
/// still be carried out.
const LATE: Duration = Duration::from_secs(1);

/// What a run of a case has made and not deleted.
#[derive(Debug, Default)]
pub(super) struct Made(Mutex<Vec<MadeThing>>);

#[derive(Clone, Debug)]
struct MadeThing {
    thing: Leftover,
    entry: EntryId,
    /// Whether nobody knows if it was made: the call had no clear answer.
    in_doubt: bool,
    /// How many calls of the budget are kept for its deletion.
    calls_kept: u64,
}

/// How long changes at a target may take, and how often it is asked about them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waits {
    longest_pause: Duration,
    deletion: Duration,
    longest: Duration,
}

impl Waits {
    pub(super) fn at(target: &Target) -> Self {
        let (longest_pause, deletion) = match target.allowed {
            Some(_) => (LONGEST_PAUSE_AT_AWS, DELETION_AT_AWS),
            None => (LONGEST_PAUSE, DELETION),
        };
        Self { longest_pause, deletion, longest: target.longest_wait }
    }

    fn after(self, pause: Duration) -> Duration {
        (pause * 2).min(self.longest_pause)
    }

    /// How often a call is made at most that is repeated for this time.
    pub(super) fn most_calls(self, within: Duration) -> u64 {
        let limit = within.min(self.longest);
        let (mut elapsed, mut pause, mut calls) = (Duration::ZERO, FIRST_PAUSE, 1);
        while elapsed + pause <= limit {
            elapsed += pause;
            pause = self.after(pause);
            calls += 1;
        }
        calls
    }

    /// How many calls a deletion takes at most, where the target does not fail.
    pub(super) fn calls_of_deletion(self) -> u64 {
        self.most_calls(self.deletion)
    }
}

impl Made {
    fn with<T>(&self, work: impl FnOnce(&mut Vec<MadeThing>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is still there.
    pub(super) fn left(&self) -> Vec<Leftover> {
        self.with(|made| made.iter().map(|made| made.thing.clone()).collect())
    }
}

/// What became of a deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// It was deleted.
    Done,
    /// It was not there.
    NotThere,
    /// It may still be there: the target gave this answer.
    Failed(TargetAnswer),
}

impl CaseRun<'_> {
    /// Makes the calls of the set-up. Returns their exchanges, or the reason why the case is blocked.
    pub(super) async fn set_up(
        &self,
        random_names: &mut RandomNames,
    ) -> Result<Result<Transcript, (Reason, Transcript)>, Interrupted> {
        let calls = self.case.setup.as_slice();
        let mut exchanges = Vec::with_capacity(calls.len());
        for (index, call) in calls.iter().enumerate() {
            if let Some(reason) = self.context.sender.is_over() {
                return Ok(Err((reason, Vec::new())));
            }
            let earlier = Earlier { setup: (calls, &exchanges), ..Earlier::default() };
            let made = self.make_staged(call, &format!("~setup{index}"), random_names, earlier).await?;
            let exchange = match made {
                Ok(exchange) => exchange,
                Err(reason) => return Ok(Err((reason, Vec::new()))),
            };
            let reason = if self.is_done(call, &exchange) {
                self.waited_in_vain(call, &exchange)
            } else {
                let operation = Some(self.address_of(call).name.to_owned());
                let answer = Some(answer_in_short(self.context, &exchange));
                Some(Reason::Setup { call: index + 1, operation, answer })
            };
            if let Some(reason) = reason {
                return Ok(Err((reason, vec![exchange])));
            }
            exchanges.push(exchange);
        }
        Ok(Ok(exchanges))
    }

    /// Whether a call makes or deletes something, or is repeated.
    pub(super) fn is_staged(&self, call: &Call) -> bool {
        let is_for_setup = |name: &str| self.contract().is_for_setup(name);
        call.until.is_some() || call.request.operation.as_deref().is_some_and(is_for_setup)
    }

    /// Why the case cannot go on after this answer to the call at `index`; `None` if it can.
    pub(super) fn dead_end(&self, call: &Call, index: usize, exchange: Option<&Exchange>) -> Option<Reason> {
        let exchange = exchange?;
        if !call.is_judged() && !self.is_done(call, exchange) {
            let operation = self.address_of(call).name.to_owned();
            let answer = answer_in_short(self.context, exchange);
            return Some(Reason::Step { call: index + 1, operation, answer });
        }
        self.waited_in_vain(call, exchange)
    }

    /// [`Reason::Waited`] if the member that a call waits for does not have its value, though the call is answered.
    fn waited_in_vain(&self, call: &Call, exchange: &Exchange) -> Option<Reason> {
        let until = call.until.as_ref()?;
        let response = exchange.answer.as_ref().ok().filter(|response| response.status < 300)?;
        // A target need not say in which state something is. Then there is nothing to wait for.
        if until.is_met(response.json().as_ref()).unwrap_or_else(|| call.expect.is_positive()) {
            return None;
        }
        self.context.sender.is_over().or_else(|| {
            let operation = self.address_of(call).name.to_owned();
            Some(Reason::Waited {
                operation,
                at: until.at.clone(),
                is: until.is.clone(),
                seconds: until.within_seconds,
            })
        })
    }

    /// Makes a call that makes or deletes something, or that is repeated until a member of its answer has a value.
    pub(super) async fn make_staged(
        &self,
        call: &Call,
        part: &str,
        random_names: &mut RandomNames,
        earlier: Earlier<'_>,
    ) -> MadeExchange {
        let address = self.address_of(call);
        let Some(kind) = self.case.made_by(call, self.contract()) else {
            let made = self.make_until(call, part, random_names, earlier).await?;
            if let Ok(exchange) = &made {
                self.forget_deleted(address, exchange);
            }
            return Ok(made);
        };
        let thing = match self.thing_of(call, kind, &mut random_names.upcoming(), earlier) {
            Ok(thing) => thing,
            Err(reason) => return Ok(Err(reason)),
        };
        let calls_kept = Waits::at(&self.context.target).calls_of_deletion();
        if let Err(reason) = self.context.sender.budget.keep(calls_kept) {
            return Ok(Err(reason));
        }
        let entry = match self.context.journal.add(&thing) {
            Ok(entry) => entry,
            Err(error) => {
                self.context.sender.budget.release(calls_kept);
                return Ok(Err(Reason::NoJournal { because: error.to_string() }));
            }
        };
        self.made.with(|made| made.push(MadeThing { thing, entry, in_doubt: true, calls_kept }));
        let call = &self.tagged(call, kind);
        // An interruption does not cut the call off: nobody would know what it made.
        let patient = CaseRun { interrupt: &Interrupt::never(), ..*self };
        let made = patient.make_part(call, part, random_names, earlier).await?;
        self.settle(entry, kind, &made);
        if self.interrupt.is_set() { Err(Interrupted) } else { Ok(made) }
    }

    /// The call that makes something, with the tag of the run, if what the target's cases make gets one.
    fn tagged(&self, call: &Call, kind: &MadeKind) -> Call {
        let mut call = call.clone();
        if let Some(tags) = kind.tagged_by.as_ref().filter(|_| self.context.target.tags_what_is_made) {
            super::tags::put(&mut call.request.input, tags, self.context.seed);
        }
        call
    }

    /// Makes a call, and repeats it until the member of its answer has the value.
    async fn make_until(
        &self,
        call: &Call,
        part: &str,
        random_names: &mut RandomNames,
        earlier: Earlier<'_>,
    ) -> MadeExchange {
        let (start, mut pause) = (Instant::now(), FIRST_PAUSE);
        loop {
            let made = self.make_part(call, part, random_names, earlier).await?;
            let Some(until) = &call.until else { return Ok(made) };
            let waits = made.as_ref().is_ok_and(|exchange| self.waited_in_vain(call, exchange).is_some());
            let is_late = made.as_ref().is_ok_and(|exchange| self.is_unexpectedly_absent(call, exchange));
            let (waits, patience) = (waits || is_late, if is_late { LATE_TO_KNOW } else { Duration::MAX });
            let limit = Duration::from_secs(until.within_seconds.into()).min(patience);
            let limit = limit.min(self.context.target.longest_wait);
            if !waits || start.elapsed() + pause > limit || self.context.sender.is_over().is_some() {
                return Ok(made);
            }
            self.interrupt.unless(tokio::time::sleep(pause)).await?;
            pause = Waits::at(&self.context.target).after(pause);
        }
    }

    /// Whether a call that leads to the next one has done its work. One that failed and was sent again may have done it
    /// the first time: then what it makes is taken, or what it deletes is not there.
    fn is_done(&self, call: &Call, exchange: &Exchange) -> bool {
        if self.context.judge.is_expected(call, exchange) {
            return true;
        }
        let again = exchange.answer.as_ref().ok().filter(|_| exchange.fault_before.is_some());
        let Some(error) = again.and_then(error_type) else { return false };
        let (contract, name) = (self.contract(), self.address_of(call).name);
        if let Some(kind) = self.case.made_by(call, contract) {
            return error == kind.taken;
        }
        let mut kinds = contract.operations.values().filter_map(|operation| operation.makes.as_ref());
        kinds.any(|kind| kind.is.undone_by == name)
            && contract.service.meaning_of(&error) == Some(ErrorMeaning::NotFound)
    }

    /// Whether something is not found that a call expects to be there.
    fn is_unexpectedly_absent(&self, call: &Call, exchange: &Exchange) -> bool {
        let meaning = |error: &str| self.contract().service.meaning_of(error);
        let is_absence = |response: &Response| {
            error_type(response).and_then(|error| meaning(&error)) == Some(ErrorMeaning::NotFound)
        };
        exchange.answer.as_ref().is_ok_and(is_absence) && !self.context.judge.is_expected(call, exchange)
    }

    /// What the calls of the case make with these names, as far as that is known before anything is answered.
    pub(super) fn things(&self, random_names: &RandomNames) -> Vec<Leftover> {
        let calls = self.case.setup.iter().chain(&self.case.calls);
        let thing = |call: &Call| {
            let kind = self.case.made_by(call, self.contract())?;
            self.thing_of(call, kind, &mut random_names.upcoming(), Earlier::default()).ok()
        };
        calls.filter_map(thing).collect()
    }

    /// What a call makes.
    fn thing_of(
        &self,
        call: &Call,
        kind: &MadeKind,
        random_names: &mut RandomNames,
        earlier: Earlier<'_>,
    ) -> Result<Leftover, Reason> {
        let (endpoint, region) = (self.context.target.endpoint.to_string(), self.context.target.region.to_string());
        let body = self.maker("", earlier).filled(&call.request.input.to_json(), random_names)?;
        let body: Value = serde_json::from_str(&body).unwrap_or_default();
        let text = |member: &str| body.get(member).and_then(Value::as_str);
        let input: BTreeMap<_, _> =
            kind.with.iter().filter_map(|member| Some((member.clone(), text(member)?.to_owned()))).collect();
        let Some(name) = text(&kind.named_by).filter(|_| input.len() == kind.with.len()) else {
            let because = format!("its call of {} does not name what it makes", self.address_of(call).name);
            return Err(Reason::CannotBeMade { because });
        };
        let (noun, name, undone_by) = (kind.noun.clone(), name.to_owned(), kind.undone_by.clone());
        Ok(Leftover { noun, name, case: self.case.id.clone(), undone_by, input, endpoint, region, hook: None })
    }

    /// Learns from the answer whether something was made.
    fn settle(&self, entry: EntryId, kind: &MadeKind, made: &Result<Exchange, Reason>) {
        let is_made = match made {
            // Nothing was sent.
            Err(_) => Some(false),
            Ok(exchange) => match &exchange.answer {
                Err(_) => None,
                Ok(response) if (200..300).contains(&response.status) => Some(true),
                // An attempt before this one may have made it.
                Ok(_) if exchange.fault_before.is_some() => None,
                Ok(response) if error_type(response).as_deref() == Some(kind.taken.as_str()) => Some(false),
                Ok(response) => (400..500).contains(&response.status).then_some(false),
            },
        };
        match is_made {
            Some(false) => self.forget(|made| made.entry == entry),
            Some(true) => {
                self.made.with(|made| {
                    made.iter_mut().filter(|made| made.entry == entry).for_each(|made| made.in_doubt = false);
                });
                self.context.journal.confirm(entry);
            }
            None => {}
        }
    }

    /// Forgets what a call of the case itself has deleted.
    fn forget_deleted(&self, address: Address<'_>, exchange: &Exchange) {
        let Ok(response) = &exchange.answer else { return };
        if !(200..300).contains(&response.status) {
            return;
        }
        let body: Value = serde_json::from_slice(&exchange.request.body).unwrap_or_default();
        self.forget(|made| {
            let is_same = |(member, name): (&String, &String)| body.get(member).and_then(Value::as_str) == Some(name);
            made.thing.undone_by == address.name && made.thing.input.iter().all(is_same)
        });
    }

    fn forget(&self, is_gone: impl Fn(&MadeThing) -> bool) {
        let gone = self.made.with(|made| made.extract_if(.., |made| is_gone(made)).collect::<Vec<_>>());
        for made in gone {
            self.context.journal.remove(made.entry);
            self.context.sender.budget.release(made.calls_kept);
        }
    }

    /// Deletes what the case has made, the last thing first. What cannot be deleted stays in `made`.
    pub(super) async fn undo_made(&self) {
        let things = self.made.with(|made| made.clone());
        for made in things.into_iter().rev() {
            match self.context.delete(&made.thing, made.in_doubt).await {
                Deletion::Done | Deletion::NotThere => self.forget(|other| other.entry == made.entry),
                Deletion::Failed(answer) => {
                    let Leftover { noun, name, .. } = &made.thing;
                    tracing::error!(case = self.case.id, noun, name, ?answer, "cannot be deleted");
                }
            }
        }
    }
}

impl RunContext {
    /// Deletes a thing. Repeats that for a while if the target refuses it because of a conflict; if it is `in_doubt`
    /// whether the thing was made, also for a moment if it is not there.
    pub(super) async fn delete(&self, thing: &Leftover, in_doubt: bool) -> Deletion {
        let contract = self.judge.contract();
        let Some(address) = contract.address(&thing.undone_by) else {
            return Deletion::Failed(TargetAnswer::Nothing(format!("there is no operation {}", thing.undone_by)));
        };
        let kinds = contract.operations.values().filter_map(|operation| operation.makes.as_ref());
        let taken: Vec<&str> = kinds.map(|fact| fact.is.taken.as_str()).collect();
        let mut input = Input::default();
        for (member, text) in &thing.input {
            let value = serde_json::value::to_raw_value(text).expect("a text is JSON");
            input.set(member, value);
        }
        let spec = RequestSpec { input, ..RequestSpec::default() };
        let maker =
            super::request::RequestMaker { contract, target: &self.target, prefix: "", earlier: Earlier::default() };
        let (waits, start, mut pause) = (Waits::at(&self.target), Instant::now(), FIRST_PAUSE);
        loop {
            let make = || maker.make(&spec, address, &mut RandomNames::new(0, "", 0), Timestamp::now());
            let exchange = match Box::pin(self.sender.send(&self.seen, (false, Purpose::Undoing), make)).await {
                Ok(exchange) => exchange,
                Err(Reason::OutOfCalls { limit }) => {
                    return Deletion::Failed(TargetAnswer::Nothing(format!("the run has made its {limit} calls")));
                }
                Err(reason) => return Deletion::Failed(TargetAnswer::Nothing(format!("{reason:?}"))),
            };
            let response = match &exchange.answer {
                Ok(response) if (200..300).contains(&response.status) => return Deletion::Done,
                answer => answer.as_ref().ok(),
            };
            let error = response.and_then(error_type);
            let is_absent =
                error.as_deref().and_then(|error| contract.service.meaning_of(error)) == Some(ErrorMeaning::NotFound);
            let is_taken = error.as_deref().is_some_and(|error| taken.contains(&error));
            let patience = match (is_absent, response) {
                (true, _) if in_doubt => LATE,
                (true, _) => return Deletion::NotThere,
                // A target that is away for a moment comes back.
                (false, None) => self.target.patience.min(waits.deletion),
                (false, Some(response)) if response.status >= 500 => self.target.patience.min(waits.deletion),
                (false, Some(_)) if is_taken => waits.deletion,
                (false, Some(_)) => Duration::ZERO,
            };
            if start.elapsed() + pause > patience.min(self.target.longest_wait) {
                return if is_absent { Deletion::NotThere } else { Deletion::Failed(answer_in_short(self, &exchange)) };
            }
            tokio::time::sleep(pause).await;
            pause = waits.after(pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // Pauses of 0.05, 0.1, 0.2, 0.4, 0.8, 1.6 and then 2 seconds: the seventh is over after 5.15 seconds.
    #[rstest]
    #[case::at_once(0, 1)]
    #[case::short(5, 7)]
    #[case::longer(6, 8)]
    #[case::long(600, 305)]
    fn a_call_is_repeated_so_often_at_most(#[case] seconds: u64, #[case] calls: u64) {
        let target = Target::at("http://localhost/".parse().expect("a URL"));
        assert_eq!(Waits::at(&target).most_calls(Duration::from_secs(seconds)), calls);
        let impatient = Target { longest_wait: Duration::ZERO, ..target };
        assert_eq!(Waits::at(&impatient).most_calls(Duration::from_secs(seconds)), 1);
    }
}
