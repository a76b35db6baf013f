//! Which cases are compared, and what with what.

use std::collections::BTreeMap;

use super::alarms::Alarms;
use super::{EVERY_CASE, Identity, SdkDiff, SdkDiffError, Sides};
use super::{outcomes, requests, waits};
use crate::report::{DriverEvent, Event, reason};
use crate::sdk::record::{OutcomeRecord, Phase, Record, Timing};
use crate::verdict::{CaseResult, Verdict};

/// One run, as far as it is compared.
struct Run<'a> {
    identity: Identity,
    /// The cases by id, in the order of the run.
    cases: Vec<&'a CaseResult>,
}

/// What a case left, or why it says nothing.
enum Left<'a> {
    Record(&'a Record, Option<&'a Timing>),
    /// It was not run: the driver cannot do what it asks for.
    Nothing,
    /// The harness or the driver went wrong.
    Fault(String),
}

pub(super) fn runs(old: &[Event], new: &[Event]) -> Result<SdkDiff, SdkDiffError> {
    let old = Run::of(old).ok_or(SdkDiffError::NotAnSdk("old"))?;
    let new = Run::of(new).ok_or(SdkDiffError::NotAnSdk("new"))?;
    let old_cases: BTreeMap<&str, &CaseResult> = old.cases.iter().map(|case| (case.id.as_str(), *case)).collect();
    let new_cases: BTreeMap<&str, &CaseResult> = new.cases.iter().map(|case| (case.id.as_str(), *case)).collect();
    if !new_cases.keys().any(|id| old_cases.contains_key(id)) {
        return Err(SdkDiffError::NothingInCommon);
    }
    let mut diff = SdkDiff::default();
    let mut alarms = Alarms::default();
    let mut timings = Vec::new();
    // In the order of the new run, what only the old one has last.
    let only_old = old.cases.iter().filter(|case| !new_cases.contains_key(case.id.as_str()));
    for case in new.cases.iter().chain(only_old) {
        let id = case.id.as_str();
        match (left_by(old_cases.get(id).copied()), left_by(new_cases.get(id).copied())) {
            (Left::Record(old, old_timing), Left::Record(new, new_timing)) => {
                diff.cases += 1;
                let found = outcomes::compare(old, new).into_iter().chain(requests::compare(old, new, &mut alarms));
                found.for_each(|finding| diff.add(id, finding));
                if let (Some(old), Some(new)) = (old_timing, new_timing) {
                    timings.push((id, old, new));
                }
            }
            (Left::Fault(why), _) => diff.not_compared.push(format!("{id}: {why} in the old run")),
            (_, Left::Fault(why)) => diff.not_compared.push(format!("{id}: {why} in the new run")),
            (Left::Nothing, Left::Record(..)) => diff.new.push(id.to_owned()),
            (Left::Record(..), Left::Nothing) => diff.gone.push(id.to_owned()),
            (Left::Nothing, Left::Nothing) => {}
        }
    }
    for (sentence, finding) in alarms.told() {
        diff.alarms.extend(sentence);
        diff.add(EVERY_CASE, finding);
    }
    for (case, finding) in waits::compare(&timings) {
        diff.add(case, finding);
    }
    diff.sides = Sides { old: old.identity, new: new.identity };
    Ok(diff.summed_up())
}

impl<'a> Run<'a> {
    /// The run that a stream tells of, where it is one of an SDK.
    fn of(events: &'a [Event]) -> Option<Self> {
        let driver = events.iter().find_map(|event| match event {
            Event::Run(run) => run.driver.as_deref(),
            Event::Case(_) | Event::Requirement(_) | Event::Summary(_) => None,
        })?;
        let DriverEvent { sdk, sdk_version, runtime, deps, .. } = driver;
        let cases = events.iter().filter_map(|event| match event {
            Event::Case(case) => Some(case),
            Event::Run(_) | Event::Requirement(_) | Event::Summary(_) => None,
        });
        let complete = events.iter().any(|event| matches!(event, Event::Summary(summary) if summary.complete));
        let identity = Identity {
            sdk: sdk.clone(),
            version: sdk_version.clone(),
            runtime: runtime.clone(),
            deps: deps.clone(),
            complete,
        };
        Some(Self { identity, cases: cases.collect() })
    }
}

fn left_by(case: Option<&CaseResult>) -> Left<'_> {
    let Some(case) = case else { return Left::Nothing };
    if case.verdict == Verdict::HarnessError {
        return Left::Fault(case.reason.as_ref().map_or_else(|| "the harness went wrong".to_owned(), reason));
    }
    match case.record.as_deref() {
        Some(record) if record.outcomes.iter().any(is_driver_fault) => Left::Fault("the driver went wrong".to_owned()),
        Some(record) if !record.outcomes.is_empty() => Left::Record(record, case.timing.as_deref()),
        Some(_) | None => Left::Nothing,
    }
}

fn is_driver_fault(outcome: &OutcomeRecord) -> bool {
    matches!(outcome, OutcomeRecord::Error { error, .. } if error.phase == Phase::Driver)
}
