use std::collections::{BTreeMap, BTreeSet};

use super::event::{
    Event, FeatureSummary, RecordingsEvent, RequirementEvent, RequirementStatus, RunEvent, SourceEvent, SummaryEvent,
};
use crate::contract::{ConfirmationStatus, Evidence, Feature, Level, Register, Requirement, Side};
use crate::verdict::{CaseResult, Reason, Verdict};

/// Counts verdicts, and what decides each requirement, while a run goes on. Its size depends on the number of cases,
/// not on how often they run.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    side: Side,
    operation: String,
    claimed: BTreeSet<Feature>,
    /// Whether only a part of a run is counted: one shard, or what few calls leave of it.
    part: bool,
    /// What recordings say of requirements.
    recordings: Option<Box<RecordingsEvent>>,
    verdicts: BTreeMap<Verdict, usize>,
    checks: u64,
    decided: BTreeMap<String, Vec<String>>,
    violated: BTreeMap<String, Vec<String>>,
    /// The requirements of cases without a usable answer.
    left_open: BTreeSet<String>,
    /// The requirements that a case passes without deciding them.
    hidden: BTreeSet<String>,
    /// The requirements of cases for which the target has nothing to try.
    moot: BTreeSet<String>,
}

impl Tally {
    /// An empty tally for a run. For a target, requirements of the features that it claims count; for an SDK, only
    /// requirements on clients. A feature that this build does not know is left out: no requirement belongs to it.
    pub fn of_run(run: &RunEvent) -> Self {
        let claimed = match run.side {
            Side::Server => run.target.features.iter().filter_map(|word| word.parse().ok()).collect(),
            Side::Client => BTreeSet::from([Feature::CORE]),
        };
        let (operation, recordings) = (run.operation.clone(), run.recordings.clone());
        Self { side: run.side, operation, claimed, part: run.is_incomplete(), recordings, ..Self::default() }
    }

    /// Counts a case.
    pub fn add(&mut self, case: &CaseResult) {
        *self.verdicts.entry(case.verdict).or_default() += 1;
        self.checks += u64::from(case.runs);
        for id in &case.decided {
            self.decided.entry(id.clone()).or_default().push(case.id.clone());
        }
        for violation in case.violations.iter().chain(&case.warnings) {
            let cases = self.violated.entry(violation.requirement.clone()).or_default();
            if cases.last() != Some(&case.id) {
                cases.push(case.id.clone());
            }
        }
        if matches!(case.verdict, Verdict::Indeterminate | Verdict::Blocked) {
            self.left_open.extend(case.requirements.iter().cloned());
        }
        self.hidden.extend(case.undecided.iter().cloned());
        if case.reason.as_ref().is_some_and(Reason::is_moot) {
            self.moot.extend(case.requirements.iter().cloned());
        }
    }

    /// The name of a feature in the report; for an SDK there is only `client`.
    fn name_of(&self, feature: Feature) -> &'static str {
        match self.side {
            Side::Server => feature.word(),
            Side::Client => "client",
        }
    }

    /// Every requirement with its status.
    pub fn requirements(&self, register: &Register) -> Vec<RequirementEvent> {
        let event = |row: &Requirement| {
            let status = self.status(row);
            let cases = if status == RequirementStatus::Fail { &self.violated } else { &self.decided };
            RequirementEvent {
                id: row.id.clone(),
                level: row.level,
                evidence: if self.is_contradicted(row) { Evidence::Conflict } else { row.evidence },
                confirmation: self.confirmation(row),
                feature: self.name_of(row.feature).to_owned(),
                status,
                since: (row.since > 1).then_some(row.since),
                source: SourceEvent::all(row),
                cases: cases.get(&row.id).cloned().unwrap_or_default(),
            }
        };
        register.of(self.side, &self.operation).map(event).collect()
    }

    /// Whether a recording contradicts a requirement, so that it has more than one right answer.
    fn is_contradicted(&self, row: &Requirement) -> bool {
        self.recordings.as_ref().is_some_and(|recordings| recordings.contradicted_ids().contains(row.id.as_str()))
    }

    /// What recordings of real AWS say of a requirement.
    fn confirmation(&self, row: &Requirement) -> ConfirmationStatus {
        match self.recordings.as_ref().filter(|recordings| !recordings.is_demonstration()) {
            Some(_) if self.is_contradicted(row) => ConfirmationStatus::Contradicted,
            Some(recordings) if recordings.confirmed.contains(&row.id) => ConfirmationStatus::Confirmed,
            _ => row.confirmation.status,
        }
    }

    fn status(&self, row: &Requirement) -> RequirementStatus {
        let (decided, open) = (self.decided.contains_key(&row.id), self.left_open.contains(&row.id));
        // The target has nothing to try it on.
        let is_moot = self.moot.contains(&row.id) && !decided && !open;
        if self.violated.contains_key(&row.id) {
            RequirementStatus::Fail
        } else if !self.claimed.contains(&row.feature) || !row.is_tested() || is_moot {
            RequirementStatus::NotApplicable
        } else if decided && !open && !self.hidden.contains(&row.id) {
            RequirementStatus::Pass
        } else {
            RequirementStatus::Undecided
        }
    }

    /// Whether a counted requirement is undecided because the target gave no usable answer.
    pub fn is_undecided_by_silence(&self, register: &Register) -> bool {
        register.of(self.side, &self.operation).any(|row| {
            row.counts() && self.status(row) == RequirementStatus::Undecided && self.left_open.contains(&row.id)
        })
    }

    /// The summary of the run.
    pub fn summary(&self, register: &Register, duration_ms: f64, complete: bool) -> SummaryEvent {
        let mut features: BTreeMap<String, FeatureSummary> = BTreeMap::new();
        let mut open = 0;
        let is_claimed = |row: &&Requirement| row.level == Level::Must && self.claimed.contains(&row.feature);
        for row in register.of(self.side, &self.operation).filter(is_claimed) {
            let feature = features.entry(self.name_of(row.feature).to_owned()).or_default();
            let status = self.status(row);
            feature.violated += usize::from(status == RequirementStatus::Fail);
            // A requirement that no case can decide, or that there is nothing to try on, is not in the count, but a
            // target that violates it does not conform.
            if !row.counts() || status == RequirementStatus::NotApplicable {
                continue;
            }
            feature.must += 1;
            open += usize::from(status == RequirementStatus::Undecided);
            feature.decided += usize::from(matches!(status, RequirementStatus::Pass | RequirementStatus::Fail));
            feature.confirmed += usize::from(self.confirmation(row) == ConfirmationStatus::Confirmed);
        }
        // A case of another shard, or one that was left out, may violate a requirement that this run decides.
        let demonstration = self.recordings.as_ref().is_some_and(|recordings| recordings.is_demonstration());
        let whole = complete && !self.part && !demonstration;
        let conformant = whole && open == 0 && features.values().all(|feature| feature.violated == 0);
        let (verdicts, checks) = (self.verdicts.clone(), self.checks);
        let (leftovers, calls) = (Vec::new(), None);
        SummaryEvent { conformant, verdicts, checks, features, duration_ms, complete, calls, leftovers }
    }

    /// The events that follow the cases.
    pub(super) fn closing(&self, register: &Register, duration_ms: f64, complete: bool) -> Vec<Event> {
        let summary = Event::Summary(self.summary(register, duration_ms, complete));
        self.requirements(register).into_iter().map(Event::Requirement).chain([summary]).collect()
    }
}

/// The events of a run. Where the run was killed before its summary, requirements and summary are counted from its
/// cases, and the run is incomplete. A whole run stays as it is.
pub fn conclude(mut events: Vec<Event>, register: &Register) -> Vec<Event> {
    let run = events.iter().find_map(|event| if let Event::Run(run) = event { Some(run) } else { None });
    let Some(mut tally) = run.filter(|_| !matches!(events.last(), Some(Event::Summary(_)))).map(Tally::of_run) else {
        return events;
    };
    events.retain(|event| !matches!(event, Event::Requirement(_)));
    let mut duration_ms = 0.0;
    for case in events.iter().filter_map(Event::case) {
        tally.add(case);
        duration_ms += case.duration_ms;
    }
    events.extend(tally.closing(register, duration_ms, false));
    events
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::tests::sample;
    use super::*;

    /// The tally of these cases, and the status of GC-RES-01.
    fn tallied(cases: &[CaseResult]) -> (Tally, Option<RequirementStatus>) {
        let mut tally = Tally::of_run(sample::run_mut(&mut sample::events()));
        for case in cases {
            tally.add(case);
        }
        let rows = tally.requirements(&sample::register());
        let status = rows.iter().find(|row| row.id == "GC-RES-01").map(|row| row.status);
        (tally, status)
    }

    #[rstest]
    #[case(Verdict::Pass, RequirementStatus::Pass)]
    #[case(Verdict::NotApplicable, RequirementStatus::Pass)]
    #[case(Verdict::Indeterminate, RequirementStatus::Undecided)]
    #[case(Verdict::Blocked, RequirementStatus::Undecided)]
    fn a_requirement_that_one_case_leaves_open_is_not_decided_by_the_others(
        #[case] verdict: Verdict,
        #[case] expected: RequirementStatus,
    ) {
        let other = CaseResult { requirements: vec!["GC-RES-01".to_owned()], ..sample::case("a/c", verdict) };
        let decided = sample::deciding("a/b", Verdict::Pass, &["GC-RES-01"]);
        assert_eq!(tallied(&[decided, other]).1, Some(expected));
    }

    #[test]
    fn what_a_case_passes_without_telling_is_not_decided_by_the_others() {
        let other = CaseResult { undecided: vec!["GC-RES-01".to_owned()], ..sample::case("a/c", Verdict::Pass) };
        let (tally, status) = tallied(&[sample::deciding("a/b", Verdict::Pass, &["GC-RES-01"]), other]);
        assert_eq!(status, Some(RequirementStatus::Undecided));
        assert!(!tally.is_undecided_by_silence(&sample::register()));
    }

    #[test]
    fn what_there_is_nothing_to_try_on_is_not_in_the_count() {
        let reason = Some(Reason::NothingToGoOnFrom { step: 1, at: "/next".to_owned() });
        let requirements = vec!["GC-RES-01".to_owned()];
        let moot = CaseResult { requirements, reason, ..sample::case("a/c", Verdict::NotApplicable) };
        let (tally, status) = tallied(&[moot]);
        assert_eq!(status, Some(RequirementStatus::NotApplicable));
        let musts = |tally: Tally| -> usize {
            tally.summary(&sample::register(), 1.0, true).features.values().map(|feature| feature.must).sum()
        };
        assert_eq!(musts(tally) + 1, musts(tallied(&[]).0));
    }

    #[rstest]
    #[case("1/2", false)]
    #[case("2/2", false)]
    #[case("1/1", true)]
    fn one_shard_of_several_claims_nothing_for_the_whole(#[case] shard: &str, #[case] conformant: bool) {
        let mut tally = Tally::of_run(sample::run_mut(&mut sample::as_shard(sample::events(), shard)));
        tally.add(&sample::deciding("a/b", Verdict::Pass, &sample::MUSTS));
        assert_eq!(tally.summary(&sample::register(), 1.0, true).conformant, conformant);
    }

    #[test]
    fn a_killed_run_is_counted_as_far_as_it_came_and_is_never_conformant() {
        let whole = sample::events();
        let cut = whole[..3].to_vec();
        let events = conclude(cut, &sample::register());
        let Some(Event::Summary(summary)) = events.last() else { panic!("no summary: {events:#?}") };
        assert!(!summary.complete && !summary.conformant);
        assert_eq!(summary.verdicts.values().sum::<usize>(), 2);
        assert_eq!((summary.features["core"].violated, summary.features["core"].decided), (1, 2));
        assert_eq!(events.iter().filter(|event| matches!(event, Event::Requirement(_))).count(), 6);
    }

    #[test]
    fn a_killed_run_of_an_sdk_is_counted_by_what_binds_sdks() {
        let mut cut = sample::events()[..3].to_vec();
        sample::run_mut(&mut cut).side = Side::Client;
        let events = conclude(cut, &sample::register());
        let Some(Event::Summary(summary)) = events.last() else { panic!("no summary: {events:#?}") };
        assert!(!summary.conformant);
        assert!(!events.iter().any(|event| matches!(event, Event::Requirement(_))), "all of them bind servers");
    }

    #[test]
    fn a_whole_run_stays_as_it_is() {
        assert_eq!(conclude(sample::events(), &sample::register()), sample::events());
    }
}
