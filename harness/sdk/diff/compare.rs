//! Pairs the cases of two runs and compares them.

use std::collections::BTreeMap;

use super::alarms::Alarms;
use super::{EVERY_CASE, SdkDiff, SdkDiffError, SdkIdentity};
use super::{outcomes, requests, waits, warnings};
use crate::report::{DriverEvent, Event, reason};
use crate::sdk::record::{Loss, OutcomeRecord, Phase, Record, Timing};
use crate::verdict::{CaseResult, Verdict};

impl SdkDiff {
    /// Compares two runs, given as their streams.
    ///
    /// Runs of different SDKs are compared too; a run that was cut short is compared as far as it came.
    ///
    /// # Errors
    /// When a stream is not of an SDK, one run alone is over TLS, or the runs have no case in common.
    pub fn new(old: &[Event], new: &[Event]) -> Result<Self, SdkDiffError> {
        let identity = |events, which| identity(events).ok_or(SdkDiffError::NotAnSdk(which));
        let mut diff = Self { sides: [identity(old, "old")?, identity(new, "new")?], ..Self::default() };
        match [old, new].map(is_over_tls) {
            [true, false] => return Err(SdkDiffError::OneOverTls("old")),
            [false, true] => return Err(SdkDiffError::OneOverTls("new")),
            _ => {}
        }
        let [old_cases, new_cases] =
            [old, new].map(|events| cases(events).map(|case| (case.id.as_str(), case)).collect::<BTreeMap<_, _>>());
        if !new_cases.keys().any(|id| old_cases.contains_key(id)) {
            return Err(SdkDiffError::NothingInCommon);
        }
        let mut alarms = Alarms::default();
        let mut timings = Vec::new();
        // In the order of the new run; the cases of the old run alone come last.
        let only_old = cases(old).filter(|case| !new_cases.contains_key(case.id.as_str()));
        for id in cases(new).chain(only_old).map(|case| case.id.as_str()) {
            let (was, is) = (old_cases.get(id).copied(), new_cases.get(id).copied());
            match (record(was), record(is)) {
                (Ok(Some(old)), Ok(Some(new))) if may_be_late(old, new, [was, is]) => {
                    diff.late.push(id.to_owned());
                }
                (Ok(Some(old)), Ok(Some(new))) => {
                    diff.cases += 1;
                    diff.compared.insert(id.to_owned());
                    let found = outcomes::compare(old, new);
                    found
                        .into_iter()
                        .chain(requests::compare(id, old, new, &mut alarms))
                        .chain(warnings::compare(old, new))
                        .for_each(|it| diff.add(id, it));
                    let timing = |case: Option<&'_ CaseResult>| case?.timing.as_deref().cloned();
                    timings.extend(timing(was).zip(timing(is)).map(|(old, new)| (id, old, new)));
                }
                (Err(why), _) => diff.not_compared.push(format!("{id}: {why} in the old run")),
                (_, Err(why)) => diff.not_compared.push(format!("{id}: {why} in the new run")),
                (Ok(None), Ok(Some(_))) => diff.new.push(id.to_owned()),
                (Ok(Some(_)), Ok(None)) => diff.gone.push(id.to_owned()),
                (Ok(None), Ok(None)) => {}
            }
        }
        for change in alarms.changes() {
            diff.add(EVERY_CASE, change);
        }
        for (case, change) in waits::compare(&timings) {
            diff.add(case, change);
        }
        Ok(diff.summed_up())
    }
}

/// The part of the time until the deadline within which a busy machine may be why a call missed it.
const SLOW: f64 = 0.25;

/// Whether a call came back in one run, after a good part of the time for which the other run waited in vain, or while
/// that one had just sent it again. Then the machine may have been busy.
fn may_be_late(old: &Record, new: &Record, cases: [Option<&CaseResult>; 2]) -> bool {
    let [was, is] = cases.map(|case| case.and_then(|case| case.timing.as_deref()));
    let (Some(was), Some(is)) = (was, is) else { return false };
    let missed = |outcome: &OutcomeRecord| matches!(outcome, OutcomeRecord::Lost { reason: Loss::Deadline });
    let outcomes = old.outcomes.iter().zip(&new.outcomes);
    let times = was.calls_ms.iter().zip(&is.calls_ms).zip(1..);
    outcomes.zip(times).any(|((old, new), ((was_ms, is_ms), call))| match (missed(old), missed(new)) {
        (true, false) => *is_ms >= SLOW * was_ms || was_under_way(was, call, *was_ms),
        (false, true) => *was_ms >= SLOW * is_ms || was_under_way(is, call, *is_ms),
        (true, true) | (false, false) => false,
    })
}

/// Whether the last request of a call came so late that its answer had no time.
fn was_under_way(timing: &Timing, call: usize, ms: f64) -> bool {
    let waited: f64 = timing.gaps.iter().filter(|gap| gap.call == call).map(|gap| gap.ms).sum();
    waited >= (1.0 - SLOW) * ms
}

/// The SDK of a stream; `None` if it is not a run of an SDK.
fn is_over_tls(events: &[Event]) -> bool {
    let driver = events.first().and_then(Event::run).and_then(|run| run.driver.as_deref());
    driver.is_some_and(|driver| driver.tls)
}

fn identity(events: &[Event]) -> Option<SdkIdentity> {
    let driver = events.iter().find_map(|event| match event {
        Event::Run(run) => run.driver.clone(),
        Event::Case(_) | Event::Requirement(_) | Event::Summary(_) => None,
    })?;
    let DriverEvent { sdk, sdk_version: version, runtime, deps, .. } = *driver;
    let complete = events.iter().any(|event| matches!(event, Event::Summary(summary) if summary.complete));
    Some(SdkIdentity { sdk, version, runtime, deps, complete })
}

fn cases(events: &[Event]) -> impl Iterator<Item = &CaseResult> {
    events.iter().filter_map(|event| match event {
        Event::Case(case) => Some(case),
        Event::Run(_) | Event::Requirement(_) | Event::Summary(_) => None,
    })
}

/// The record of a case; `None` if it was not run. An error says what went wrong with the harness or the driver.
fn record(case: Option<&CaseResult>) -> Result<Option<&Record>, String> {
    let Some(case) = case else { return Ok(None) };
    if case.verdict == Verdict::HarnessError {
        return Err(case.reason.as_ref().map_or_else(|| "the harness went wrong".to_owned(), reason));
    }
    let record = case.record.as_deref().filter(|record| !record.outcomes.is_empty());
    if record.is_some_and(|record| record.outcomes.iter().any(is_driver_fault)) {
        return Err("the driver went wrong".to_owned());
    }
    Ok(record)
}

fn is_driver_fault(outcome: &OutcomeRecord) -> bool {
    matches!(outcome, OutcomeRecord::Error { error, .. } if error.phase == Phase::Driver)
}
