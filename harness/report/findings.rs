//! What is wrong with a target: each broken requirement once, with each kind of fault that shows it once, and the cases
//! that have the fault. Every report that tells findings groups them here.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;

use super::collected::{Collected, count_each};
use super::words::{self, FaultText};
use crate::contract::Register;
use crate::verdict::{CaseResult, Fault, Reason, StrikingDetail, Verdict, Violation};

/// How many kinds of fault of one requirement are told before the rest is only counted. A server can make up as many as
/// it is asked.
pub(super) const KINDS_LIMIT: usize = 6;

/// A requirement that is broken.
#[derive(Clone, Debug)]
pub(super) struct BrokenRequirement<'a> {
    /// At least one.
    pub(super) findings: Vec<Finding<'a>>,
    /// How many cases are blocked by the cases that break it.
    pub(super) blocked: usize,
}

impl<'a> BrokenRequirement<'a> {
    pub(super) fn id(&self) -> &'a str {
        &self.findings[0].violation.requirement
    }

    /// Its first findings, at most `limit`, and the number of the others in words.
    pub(super) fn first(&self, limit: usize) -> (&[Finding<'a>], Option<String>) {
        let (first, others) = self.findings.split_at(self.findings.len().min(limit));
        (first, (!others.is_empty()).then(|| words::count(others.len(), "other finding")))
    }

    /// The cases that break it, each once, in the order of the run.
    pub(super) fn cases(&self) -> Vec<&'a CaseResult> {
        let mut seen = BTreeSet::new();
        let cases = self.findings.iter().flat_map(|finding| &finding.cases).copied();
        cases.filter(|case| seen.insert(case.id.as_str())).collect()
    }
}

/// A kind of fault that breaks one requirement, and every case that has it.
#[derive(Clone, Debug)]
pub(super) struct Finding<'a> {
    /// The first violation of this kind.
    pub(super) violation: &'a Violation,
    /// Why the cases have their verdict, if the violation alone does not say it.
    pub(super) reason: Option<&'a Reason>,
    /// The cases, each once, in the order of the run. The first one is the one of the violation.
    pub(super) cases: Vec<&'a CaseResult>,
    /// Where else in the answer it was found: the first places, in the order of the run.
    other_places: Vec<String>,
    /// All of them. An answer can have thousands.
    all_other_places: HashSet<String>,
    /// How many of the violations have other values at the same place.
    others: usize,
}

/// How many places a finding names before it only counts the rest.
const PLACES_LIMIT: usize = 6;

impl<'a> Finding<'a> {
    fn of(case: &'a CaseResult, violation: &'a Violation, reason: Option<&'a Reason>) -> Self {
        let (other_places, all_other_places) = (Vec::new(), HashSet::new());
        Self { violation, reason, cases: vec![case], other_places, all_other_places, others: 0 }
    }

    fn add(&mut self, case: &'a CaseResult, violation: &'a Violation) {
        if self.cases.last().is_none_or(|last| last.id != case.id) {
            self.cases.push(case);
        }
        if violation.fault == self.violation.fault {
            return;
        }
        let (first, other) = (FaultText::of(self.violation), FaultText::of(violation));
        if first.at == other.at {
            self.others += usize::from(first != other);
        } else if self.all_other_places.insert(other.at.clone()) && self.other_places.len() < PLACES_LIMIT {
            self.other_places.push(other.at);
        }
    }

    /// The finding in words: the first violation, where else it was found, and how many more have other values.
    pub(super) fn text(&self) -> FaultText {
        let mut text = FaultText::of(self.violation);
        for place in &self.other_places {
            let _ = write!(text.at, ", {place}");
        }
        let more = self.all_other_places.len() - self.other_places.len();
        if more > 0 {
            let _ = write!(text.at, " and {}", words::count(more, "more place"));
        }
        if self.others > 0 {
            let _ = write!(text.actual, " (and {} more alike, with other values)", self.others);
        }
        text
    }

    /// The case that is shown for all.
    pub(super) fn example(&self) -> &'a CaseResult {
        self.cases[0]
    }

    /// Whether it is about the status of an answer.
    pub(super) fn is_of_the_status(&self) -> bool {
        let fault = &self.violation.fault;
        matches!(fault, Fault::Outcome { status_fits: false, .. } | Fault::Status { .. } | Fault::PassingFault { .. })
            || matches!(fault, Fault::HungUp { .. })
            || matches!(fault, Fault::Told { at, .. } if at == "status")
    }

    /// Whether the finding itself says what a reader needs of the answer: its status, and the name of its error.
    pub(super) fn tells_the_answer(&self) -> bool {
        match &self.violation.fault {
            Fault::Outcome { found, beside, .. } => {
                found.error.is_some() || matches!(beside, Some(StrikingDetail::Accepted { .. }))
            }
            Fault::Status { .. } | Fault::HungUp { .. } => true,
            _ => false,
        }
    }
}

/// The broken `must` requirements, by the cases that fail; known failures are left out. Those that block most cases
/// come first, the others in the order of the register.
pub(super) fn violated<'a>(collected: &'a Collected, register: &Register) -> Vec<BrokenRequirement<'a>> {
    let failed = collected.cases.iter().filter(|case| case.verdict == Verdict::Fail);
    let mut found = by_requirement(failed.map(|case| (case, &case.violations, case.reason.as_ref())), register);
    let blocked = blocked_by(collected);
    if !blocked.is_empty() {
        for broken in &mut found {
            broken.blocked = broken.cases().iter().filter_map(|case| blocked.get(case.id.as_str())).sum();
        }
        found.sort_by_key(|broken| std::cmp::Reverse(broken.blocked));
    }
    found
}

/// The broken requirements below `must`, in the order of the register.
pub(super) fn warned<'a>(collected: &'a Collected, register: &Register) -> Vec<BrokenRequirement<'a>> {
    by_requirement(collected.cases.iter().map(|case| (case, &case.warnings, None)), register)
}

fn by_requirement<'a>(
    cases: impl Iterator<Item = (&'a CaseResult, &'a Vec<Violation>, Option<&'a Reason>)>,
    register: &Register,
) -> Vec<BrokenRequirement<'a>> {
    let mut found: Vec<BrokenRequirement<'a>> = Vec::new();
    let mut place_of: HashMap<&str, usize> = HashMap::new();
    let mut place_of_kind = HashMap::new();
    for (case, violations, reason) in cases {
        for violation in violations {
            let place = *place_of.entry(violation.requirement.as_str()).or_insert(found.len());
            if place == found.len() {
                found.push(BrokenRequirement { findings: Vec::new(), blocked: 0 });
            }
            let findings = &mut found[place].findings;
            let place_in_it = *place_of_kind.entry((place, violation.fault.kind(), reason)).or_insert(findings.len());
            match findings.get_mut(place_in_it) {
                Some(finding) => finding.add(case, violation),
                None => findings.push(Finding::of(case, violation, reason)),
            }
        }
    }
    let ranks = register.requirements.iter().enumerate();
    let ranks: HashMap<&str, usize> = ranks.map(|(rank, row)| (row.id.as_str(), rank)).collect();
    found.sort_by_key(|broken| (ranks.get(broken.id()).copied().unwrap_or(usize::MAX), broken.id()));
    found
}

/// How many cases each case blocks, as their control.
fn blocked_by(collected: &Collected) -> BTreeMap<&str, usize> {
    let blocked = collected.cases.iter().filter(|case| case.verdict == Verdict::Blocked);
    count_each(blocked.filter_map(|case| match &case.reason {
        Some(Reason::BlockedBy { control, .. }) => Some(control.as_str()),
        _ => None,
    }))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::contract::{Constraint, JsonKind, Level};
    use crate::report::tests::sample;
    use crate::verdict::{AnswerSummary, LifetimeLikeness, MeasuredLifetime, RightAnswer, ValueLikeness};

    use LifetimeLikeness::{Default, RightMilliseconds};

    fn expired(asked: i64, found: i64, looks_like: Option<LifetimeLikeness>) -> Fault {
        let (at, asked_by) = ("/expiration".to_owned(), "durationSeconds".to_owned());
        Fault::Lifetime { at, asked, found: MeasuredLifetime::ByDate(found), looks_like, asked_by }
    }

    fn member(at: &str, found: JsonKind, looks_like: Option<ValueLikeness>) -> Fault {
        Fault::Member { at: at.to_owned(), expected: Constraint::Member, found, looks_like }
    }

    fn refused(status: u16, error: &str, message: &str) -> Fault {
        let expected = vec![RightAnswer { status: serde_json::from_str("200").expect("a status"), error: None }];
        let (error, message) = (Some(error.to_owned()), Some(message.to_owned()));
        Fault::Outcome { status_fits: false, expected, found: AnswerSummary { status, error, message }, beside: None }
    }

    /// Failed cases, each with one of these faults.
    fn run_with(faults: Vec<(&str, Fault)>) -> Collected {
        let case = |(place, (requirement, fault)): (usize, (&str, Fault))| {
            let violation = Violation { requirement: requirement.to_owned(), level: Level::Must, step: None, fault };
            CaseResult { violations: vec![violation], ..sample::case(&format!("a/c{place}"), Verdict::Fail) }
        };
        let mut collected = Collected::default();
        collected.cases = faults.into_iter().enumerate().map(case).collect();
        collected
    }

    #[rstest]
    #[case::measured_twice(expired(900, 1000, None), expired(900, 1001, None), true)]
    #[case::other_lifetimes(expired(900, 1000, None), expired(1800, 3600, None), true)]
    #[case::another_guess(expired(900, 0, Some(Default)), expired(900, 0, None), false)]
    #[case::other_guesses(expired(900, 0, Some(Default)), expired(900, 0, Some(RightMilliseconds)), false)]
    #[case::members(member("/a", JsonKind::Nothing, None), member("/b", JsonKind::Nothing, None), true)]
    #[case::lengths(member("/a", JsonKind::String(2), None), member("/a", JsonKind::String(9), None), true)]
    #[case::types(member("/a", JsonKind::String(2), None), member("/a", JsonKind::Null, None), false)]
    #[case::messages(refused(400, "E", "no x"), refused(400, "E", "no y"), true)]
    #[case::names(refused(400, "E", "no x"), refused(400, "F", "no x"), false)]
    #[case::statuses(refused(400, "E", "no x"), refused(500, "E", "no x"), false)]
    #[case::told(sample::fault("status", "404", "1"), sample::fault("status", "404", "2"), false)]
    fn faults_that_differ_only_in_values_are_one_finding(#[case] one: Fault, #[case] other: Fault, #[case] same: bool) {
        let collected = run_with(vec![("GC-DUR-02", one), ("GC-DUR-02", other)]);
        let found = violated(&collected, &sample::register());
        assert_eq!(found.len(), 1, "one requirement");
        assert_eq!(found[0].findings.len(), if same { 1 } else { 2 });
        assert_eq!(found[0].cases().len(), 2, "no case is lost");
    }

    #[test]
    fn one_fault_of_two_requirements_is_two_findings_in_the_order_of_the_register() {
        let fault = || sample::fault("status", "400", "200");
        let collected = run_with(vec![("GC-NEW-01", fault()), ("GC-ERR-02", fault()), ("GC-DUR-02", fault())]);
        let found = violated(&collected, &sample::register());
        let ids: Vec<_> = found.iter().map(BrokenRequirement::id).collect();
        assert_eq!(ids, ["GC-DUR-02", "GC-ERR-02", "GC-NEW-01"]);
    }

    #[test]
    fn a_finding_names_the_places_and_counts_the_other_values() {
        let names = ["/a", "/b", "/b", "/c", "/d", "/e", "/f", "/g", "/h", "/i"];
        let faults = names.map(|name| ("GC-RES-01", member(name, JsonKind::Nothing, None))).to_vec();
        let collected = run_with(faults);
        let text = violated(&collected, &sample::register())[0].findings[0].text();
        let places = "body /a, body /b, body /c, body /d, body /e, body /f, body /g and 2 more places";
        assert_eq!((text.at.as_str(), text.actual.as_str()), (places, "no such member"));

        let collected =
            run_with([1000, 1000, 1001, 3600].map(|found| ("GC-RES-01", expired(900, found, None))).to_vec());
        let text = violated(&collected, &sample::register())[0].findings[0].text();
        assert_eq!(text.actual, "1000 s after the call (and 2 more alike, with other values)");
    }
}
