use std::collections::{BTreeMap, BTreeSet};

use super::event::{FeatureSummary, RequirementEvent, RequirementStatus, RunEvent, SummaryEvent};
use crate::contract::{ConfirmationStatus, Feature, Level, Register, Requirement, Side};
use crate::verdict::{CaseResult, Reason, Verdict};

/// Counts a run while it goes on: verdicts, and what each requirement has come to. Its size depends
/// on the number of cases, not on how often they run.
#[derive(Clone, Debug)]
pub struct Tally {
    side: Side,
    /// The operation that the run is about.
    operation: String,
    claimed: BTreeSet<Feature>,
    /// Whether only a part of a run is counted.
    part: bool,
    verdicts: BTreeMap<Verdict, usize>,
    checks: u64,
    decided: BTreeMap<String, Vec<String>>,
    violated: BTreeMap<String, Vec<String>>,
    /// By cases without a usable answer.
    left_open: BTreeSet<String>,
    /// By cases that pass and cannot tell.
    hidden: BTreeSet<String>,
    /// By cases for which the target has nothing to try.
    moot: BTreeSet<String>,
}

impl Tally {
    /// An empty tally for a run: for a target by what it claims, or for an SDK. A feature that this build does
    /// not know has no requirement in it either.
    pub fn of_run(run: &RunEvent) -> Self {
        let tally = match run.side {
            Side::Server => Self::new(&run.suite, run.target.features.iter().filter_map(|word| word.parse().ok())),
            Side::Client => Self::of_sdk(&run.suite),
        };
        Self { part: run.is_part(), ..tally }
    }

    /// An empty tally for an operation of a target that claims these features.
    pub fn new(operation: &str, claimed: impl IntoIterator<Item = Feature>) -> Self {
        Self::of_side(Side::Server, operation, claimed)
    }

    /// An empty tally for an operation of an SDK: only requirements on clients count.
    pub fn of_sdk(operation: &str) -> Self {
        Self::of_side(Side::Client, operation, [Feature::CORE])
    }

    fn of_side(side: Side, operation: &str, claimed: impl IntoIterator<Item = Feature>) -> Self {
        Self {
            side,
            operation: operation.to_owned(),
            claimed: claimed.into_iter().collect(),
            part: false,
            verdicts: BTreeMap::new(),
            checks: 0,
            decided: BTreeMap::new(),
            violated: BTreeMap::new(),
            left_open: BTreeSet::new(),
            hidden: BTreeSet::new(),
            moot: BTreeSet::new(),
        }
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
        if matches!(case.reason, Some(Reason::NothingToGoOnFrom { .. })) {
            self.moot.extend(case.requirements.iter().cloned());
        }
    }

    /// What a feature is called in the report: an SDK has none but being a client.
    fn name_of(&self, feature: Feature) -> &'static str {
        match self.side {
            Side::Server => feature.word(),
            Side::Client => "client",
        }
    }

    /// How many cases have a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.verdicts.get(&verdict).copied().unwrap_or_default()
    }

    /// Every requirement with what it has come to.
    pub fn requirements(&self, register: &Register) -> Vec<RequirementEvent> {
        let event = |row: &Requirement| {
            let status = self.status(row);
            let cases = match status {
                RequirementStatus::Fail => self.violated.get(&row.id),
                RequirementStatus::Pass | RequirementStatus::Undecided | RequirementStatus::NotApplicable => {
                    self.decided.get(&row.id)
                }
            };
            RequirementEvent {
                id: row.id.clone(),
                level: row.level,
                evidence: row.evidence,
                confirmation: row.confirmation.status,
                feature: self.name_of(row.feature).to_owned(),
                status,
                cases: cases.cloned().unwrap_or_default(),
            }
        };
        register.of(self.side, &self.operation).map(event).collect()
    }

    fn status(&self, row: &Requirement) -> RequirementStatus {
        if self.violated.contains_key(&row.id) {
            RequirementStatus::Fail
        } else if !self.claimed.contains(&row.feature) || !row.is_tested() || self.is_moot(row) {
            RequirementStatus::NotApplicable
        } else if self.decided.contains_key(&row.id)
            && !self.left_open.contains(&row.id)
            && !self.hidden.contains(&row.id)
        {
            RequirementStatus::Pass
        } else {
            RequirementStatus::Undecided
        }
    }

    /// Whether the target has nothing to try a requirement on.
    fn is_moot(&self, row: &Requirement) -> bool {
        self.moot.contains(&row.id) && !self.decided.contains_key(&row.id) && !self.left_open.contains(&row.id)
    }

    /// Whether a counted requirement is undecided because the target gave no usable answer.
    pub fn is_undecided_by_silence(&self, register: &Register) -> bool {
        register.of(self.side, &self.operation).any(|row| {
            row.counts() && self.status(row) == RequirementStatus::Undecided && self.left_open.contains(&row.id)
        })
    }

    /// The run altogether.
    pub fn summary(&self, register: &Register, duration_ms: f64, complete: bool) -> SummaryEvent {
        let mut features: BTreeMap<String, FeatureSummary> = BTreeMap::new();
        let mut open = 0;
        let is_claimed = |row: &&Requirement| row.level == Level::Must && self.claimed.contains(&row.feature);
        for row in register.of(self.side, &self.operation).filter(is_claimed) {
            let feature = features.entry(self.name_of(row.feature).to_owned()).or_default();
            let status = self.status(row);
            feature.violated += usize::from(status == RequirementStatus::Fail);
            // What no case can decide is not in the count, but whoever is seen to violate it does not conform.
            if !row.counts() {
                continue;
            }
            feature.must += 1;
            open += usize::from(status == RequirementStatus::Undecided);
            feature.decided += usize::from(matches!(status, RequirementStatus::Pass | RequirementStatus::Fail));
            feature.confirmed += usize::from(row.confirmation.status == ConfirmationStatus::Confirmed);
        }
        // Whatever one shard decides, a case of another may violate.
        let conformant = complete && !self.part && open == 0 && features.values().all(|feature| feature.violated == 0);
        SummaryEvent {
            conformant,
            verdicts: self.verdicts.clone(),
            checks: self.checks,
            features,
            duration_ms,
            complete,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Event;
    use super::super::tests::sample;
    use super::*;

    #[test]
    fn a_requirement_that_one_case_leaves_open_is_not_decided_by_the_others() {
        let status = |verdict: Verdict| {
            let mut tally = Tally::new("GetCredentials", [Feature::CORE]);
            let cites = |id: &str, verdict: Verdict, decided: &[&str]| CaseResult {
                requirements: vec!["GC-RES-01".to_owned()],
                decided: decided.iter().map(|id| (*id).to_owned()).collect(),
                ..sample::case(id, verdict)
            };
            tally.add(&cites("a/b", Verdict::Pass, &["GC-RES-01"]));
            tally.add(&cites("a/c", verdict, &[]));
            let rows = tally.requirements(&sample::register());
            rows.iter().find(|row| row.id == "GC-RES-01").map(|row| row.status)
        };
        assert_eq!(status(Verdict::Pass), Some(RequirementStatus::Pass));
        assert_eq!(status(Verdict::NotApplicable), Some(RequirementStatus::Pass));
        assert_eq!(status(Verdict::Indeterminate), Some(RequirementStatus::Undecided));
        assert_eq!(status(Verdict::Blocked), Some(RequirementStatus::Undecided));
    }

    #[test]
    fn what_a_case_passes_without_telling_is_not_decided_by_the_others() {
        let mut tally = Tally::new("GetCredentials", [Feature::CORE]);
        let ids = || vec!["GC-RES-01".to_owned()];
        tally.add(&CaseResult { decided: ids(), ..sample::case("a/b", Verdict::Pass) });
        tally.add(&CaseResult { undecided: ids(), ..sample::case("a/c", Verdict::Pass) });
        let rows = tally.requirements(&sample::register());
        let row = rows.iter().find(|row| row.id == "GC-RES-01").map(|row| row.status);
        assert_eq!(row, Some(RequirementStatus::Undecided));
        assert!(!tally.is_undecided_by_silence(&sample::register()));
    }

    #[test]
    fn one_shard_of_several_claims_nothing_for_the_whole() {
        let conformant = |shard: Option<&str>| {
            let Some(Event::Run(mut run)) = sample::events().into_iter().next() else { panic!("a run comes first") };
            run.shard = shard.map(str::to_owned);
            let mut tally = Tally::of_run(&run);
            let decided = ["GC-RES-01", "GC-DUR-02", "GC-ERR-02", "GC-SIG-01"].map(str::to_owned).to_vec();
            tally.add(&CaseResult { decided, ..sample::case("a/b", Verdict::Pass) });
            tally.summary(&sample::register(), 1.0, true).conformant
        };
        assert!(!conformant(Some("1/2")) && !conformant(Some("2/2")));
        assert!(conformant(None) && conformant(Some("1/1")));
    }
}
