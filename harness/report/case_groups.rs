//! Groups of cases that reports show together: cases with the same verdict for the same reason.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::hash::Hash;

use super::collected::{Collected, count_each, grouped};
use super::words::{self, FaultText};
use crate::contract::Side;
use crate::verdict::{CaseResult, Fault, LifetimeLikeness, MeasuredLifetime, Verdict, Violation};

/// The verdicts that need attention; those that say most about the target come last.
pub(super) const PROBLEMS: [Verdict; 6] = [
    Verdict::HarnessError,
    Verdict::NotImplemented,
    Verdict::Indeterminate,
    Verdict::Blocked,
    Verdict::Fixed,
    Verdict::Fail,
];

pub(super) fn is_problem(verdict: Verdict) -> bool {
    PROBLEMS.contains(&verdict)
}

/// The heading above the cases that need attention: "Failures" where one of them failed, otherwise "Not judged".
pub(super) fn heading(collected: &Collected) -> &'static str {
    let failed = |case: &CaseResult| matches!(case.verdict, Verdict::Fail | Verdict::Fixed | Verdict::HarnessError);
    if collected.cases.iter().any(failed) { "Failures" } else { "Not judged" }
}

/// Each violated requirement once, with the cases that show it; the requirement with the most cases comes first. One
/// fault of a server shows in many cases, and a list of cases hides it. Empty where fewer than two cases failed. Known
/// failures are left out.
pub(super) fn violated<'a>(collected: &'a Collected) -> Vec<SharedViolation<'a>> {
    let failed: Vec<&CaseResult> = collected.cases.iter().filter(|case| case.verdict == Verdict::Fail).collect();
    if failed.len() < 2 {
        return Vec::new();
    }
    let pairs = failed.into_iter().flat_map(|case| case.violations.iter().map(move |violation| (case, violation)));
    let shared = |pairs: Vec<(&'a CaseResult, &'a Violation)>| {
        let mut cases: Vec<_> = pairs.iter().map(|(case, _)| *case).collect();
        cases.dedup_by_key(|case| &case.id);
        SharedViolation { cases, ..SharedViolation::alone(pairs[0].1) }
    };
    let by_requirement = grouped(pairs, |(_, violation)| &violation.requirement);
    let mut found: Vec<SharedViolation<'_>> = by_requirement.into_iter().map(shared).collect();
    found.sort_by_key(|shared| std::cmp::Reverse(shared.cases.len()));
    found
}

/// The words, behind a comma, that say that [`violated`] leaves out known failures.
pub(super) fn violated_elsewhere(collected: &Collected) -> &'static str {
    let has_known_failures = collected.cases.iter().any(|case| case.verdict == Verdict::KnownFail);
    if has_known_failures { ", known failures left out" } else { "" }
}

/// Whether these are all cases of a whole run, under more than `limit` names.
pub(super) fn is_all(cases: &[&CaseResult], collected: &Collected, limit: usize) -> bool {
    let selected = collected.run.as_ref().map(|run| run.selected);
    selected == Some(cases.len()) && case_names(cases, collected).len() > limit
}

/// The cases with a verdict that needs attention, those that went wrong alike in one group, in the order of the run.
pub(super) fn failures(collected: &Collected, verdict: Verdict) -> Vec<Vec<&CaseResult>> {
    let mut groups: Vec<Vec<&CaseResult>> = Vec::new();
    let mut first_groups = FirstOfKind(HashMap::new());
    for case in collected.cases.iter().filter(|case| case.verdict == verdict) {
        let (faults, numbers): (Vec<_>, Vec<_>) = case.violations.iter().map(fault_key).unzip();
        // Failures are alike only where they have the same title, as the members of a family do.
        let claim = (verdict == Verdict::Fail && case.side != Side::Client).then_some(case.title.as_str());
        match first_groups.find_or((claim, case.reason.as_ref(), faults), &numbers, groups.len()) {
            Some(group) => groups[group].push(case),
            None => groups.push(vec![case]),
        }
    }
    groups
}

/// The cases with a verdict, those with the same reason in one group, in the order of the run.
pub(super) fn excused_groups(collected: &Collected, verdict: Verdict) -> Vec<Vec<&CaseResult>> {
    grouped(collected.cases.iter().filter(|case| case.verdict == verdict), words::reason_of)
}

/// A violation that stands for several alike, and every case that has one of them.
#[derive(Clone, Debug)]
pub(crate) struct SharedViolation<'a> {
    pub(crate) violation: &'a Violation,
    /// How many of the violations that it stands for have other numbers.
    others: usize,
    pub(super) cases: Vec<&'a CaseResult>,
}

impl<'a> SharedViolation<'a> {
    pub(super) fn alone(violation: &'a Violation) -> Self {
        Self { violation, others: 0, cases: Vec::new() }
    }

    pub(super) fn is_of_the_same(&self, other: &Self) -> bool {
        self.violation.requirement == other.violation.requirement
    }

    /// Whether it is about the status of an answer.
    pub(super) fn is_of_the_status(&self) -> bool {
        let fault = &self.violation.fault;
        matches!(fault, Fault::Outcome { status_fits: false, .. } | Fault::Status { .. } | Fault::PassingFault { .. })
            || matches!(fault, Fault::Told { at, .. } if at == "status")
    }

    /// The violation in words, with how many more were found with other numbers.
    pub(crate) fn text(&self) -> FaultText {
        let mut text = FaultText::of(self.violation);
        if self.others > 0 {
            let _ = write!(text.actual, " (and {} more alike, with other numbers)", self.others);
        }
        text
    }
}

/// The violations of cases that are shown together: those of the first case, each with how many other cases have it
/// with other numbers.
pub(super) fn violations<'a>(group: &[&'a CaseResult]) -> Vec<SharedViolation<'a>> {
    let others = |place: usize, first: &Violation| {
        group.iter().filter(|case| case.violations.get(place).is_some_and(|other| other != first)).count()
    };
    let first = group[0].violations.iter().enumerate();
    first
        .map(|(place, violation)| SharedViolation {
            others: others(place, violation),
            cases: group.to_vec(),
            violation,
        })
        .collect()
}

/// Lifetimes that are at most 2 seconds apart may be one lifetime, measured by clocks that show whole seconds.
const LIFETIME_NOISE_SECONDS: i64 = 2;

/// The first of each kind so far, by its key and its numbers. A lookup takes about as long for any number of them.
struct FirstOfKind<K>(HashMap<K, ByNumber>);

/// The known entries by their first number, each with all of its numbers and its place.
type ByNumber = BTreeMap<i64, Vec<(Vec<i64>, usize)>>;

impl<K: Eq + Hash> FirstOfKind<K> {
    /// The place of the known entry with this key and nearly these numbers. Where there is none, adds one with the
    /// place `new` and returns `None`.
    fn find_or(&mut self, key: K, numbers: &[i64], new: usize) -> Option<usize> {
        let first = numbers.first().copied().unwrap_or_default();
        let near = |one: i64, other: i64| one.abs_diff(other) <= LIFETIME_NOISE_SECONDS.unsigned_abs();
        let alike =
            |numbers_of_first: &[i64]| numbers_of_first.iter().zip(numbers).all(|(one, other)| near(*one, *other));
        let by_number = self.0.entry(key).or_default();
        let range = first.saturating_sub(LIFETIME_NOISE_SECONDS)..=first.saturating_add(LIFETIME_NOISE_SECONDS);
        let found = by_number
            .range(range)
            .flat_map(|(_, numbers_of_first)| numbers_of_first)
            .find(|(numbers_of_first, _)| alike(numbers_of_first))
            .map(|(_, at)| *at);
        if found.is_none() {
            by_number.entry(first).or_default().push((numbers.to_vec(), new));
        }
        found
    }
}

/// The key that two violations must share to be one fault, and a number that must be nearly the same in both. The key
/// is the whole violation, but a lifetime that was measured twice lacks the values that depend on when. Every other
/// number was asked for or answered, such as a status, so another number is another fault.
fn fault_key(violation: &Violation) -> (Violation, i64) {
    let mut key = violation.clone();
    let Fault::Lifetime { asked, found, looks_like, asked_by, .. } = &mut key.fault else { return (key, 0) };
    asked_by.clear();
    let number = match found {
        MeasuredLifetime::ByUs(seconds) | MeasuredLifetime::ByDate(seconds) => std::mem::take(seconds),
        MeasuredLifetime::Apart { date, ours } => {
            *ours = 0;
            std::mem::take(date)
        }
    };
    // Where the number follows from what was asked for, another number is the same fault.
    if looks_like.is_some_and(LifetimeLikeness::fixes_the_number) {
        *asked = 0;
        return (key, 0);
    }
    (key, number)
}

/// Violations, each fault once with the cases that have it, in the order in which they were found.
pub(super) fn faults<'a>(
    cases: impl Iterator<Item = (&'a CaseResult, &'a Vec<Violation>)>,
) -> Vec<SharedViolation<'a>> {
    let mut found: Vec<SharedViolation<'a>> = Vec::new();
    let mut first_groups = FirstOfKind(HashMap::new());
    for (case, violations) in cases {
        for violation in violations {
            let (key, number) = fault_key(violation);
            let place = first_groups.find_or(key, &[number], found.len()).unwrap_or_else(|| {
                found.push(SharedViolation::alone(violation));
                found.len() - 1
            });
            let shared = &mut found[place];
            shared.cases.push(case);
            shared.others += usize::from(shared.violation != violation);
        }
    }
    found
}

/// Broken requirements below `must`, each finding once with the cases that have it, in the order of
/// the requirements' ids.
pub(super) fn warnings(collected: &Collected) -> Vec<SharedViolation<'_>> {
    let mut found = faults(collected.cases.iter().map(|case| (case, &case.warnings)));
    found.sort_by(|one, other| one.violation.requirement.cmp(&other.violation.requirement));
    found
}

/// The names of cases, each put into words by `word`: at most `limit` names, then the number of the rest. Where they
/// are all cases of a run, none is named.
pub(super) fn names_or_all(
    cases: &[&CaseResult],
    collected: &Collected,
    limit: usize,
    word: impl Fn(&str, usize) -> String,
) -> String {
    if is_all(cases, collected, limit) {
        return format!("all {} cases", cases.len());
    }
    words::list_of_names(&case_names(cases, collected), limit, word)
}

/// The ids of cases, each with how many cases it stands for; a whole family stands under its own id.
pub(super) fn case_names(cases: &[&CaseResult], collected: &Collected) -> Vec<(String, usize)> {
    let ids: Vec<&str> = cases.iter().map(|case| case.id.as_str()).collect();
    words::collapse(&ids, collected.families())
}

/// The reasons why cases that pass leave something undecided, each with its number of cases; at most three. No other
/// part of a report shows them.
pub(super) fn open_passes(collected: &Collected) -> Vec<(String, usize)> {
    const MOST: usize = 3;
    let passes = collected.cases.iter().filter(|case| case.verdict == Verdict::Pass);
    count_each(passes.filter_map(|case| case.reason.as_ref()).map(words::reason)).into_iter().take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::contract::Level;
    use crate::report::tests::sample;

    use LifetimeLikeness::{Milliseconds, Now, RightMilliseconds};

    /// A violation: a lifetime of `asked` seconds was asked for, and one of `found` measured by the server's Date.
    fn expired(asked: i64, found: i64, looks_like: Option<LifetimeLikeness>) -> Violation {
        let (at, asked_by) = ("/expiration".to_owned(), "durationSeconds".to_owned());
        let fault = Fault::Lifetime { at, asked, found: MeasuredLifetime::ByDate(found), looks_like, asked_by };
        Violation { requirement: "GC-DUR-01".to_owned(), level: Level::Must, fault }
    }

    fn told(at: &str, actual: &str) -> Violation {
        let fault = sample::fault(at, "400", actual);
        Violation { requirement: "GC-DUR-01".to_owned(), level: Level::Must, fault }
    }

    /// Whether two violations are told as one fault.
    fn are_one(violations: [Violation; 2]) -> bool {
        let cases = violations.map(|one| CaseResult { violations: vec![one], ..sample::case("a/b", Verdict::Fail) });
        faults(cases.iter().map(|case| (case, &case.violations))).len() == 1
    }

    const RIGHT: Option<LifetimeLikeness> = Some(RightMilliseconds);
    const WRONG: Option<LifetimeLikeness> = Some(Milliseconds);

    #[rstest]
    #[case::measured_twice((900, 1_793_540_952_152, RIGHT), (900, 1_793_540_952_164, RIGHT), true)]
    #[case::asked_for_other_lifetimes((900, 1_793_540_952_152, RIGHT), (1800, 1_793_541_852_157, RIGHT), true)]
    #[case::by_a_second((900, 1000, None), (900, 1001, None), true)]
    #[case::unlike_lifetimes((900, 1000, None), (900, 3600, None), false)]
    #[case::nothing_says_why((900, 1000, None), (1800, 1000, None), false)]
    #[case::milliseconds_of_any_time((900, 1_793_540_952_152, WRONG), (900, 99_793_540_952_152, WRONG), false)]
    #[case::another_guess((900, 0, Some(Now)), (900, 0, None), false)]
    fn a_lifetime_is_one_fault_however_often_it_is_measured(
        #[case] one: (i64, i64, Option<LifetimeLikeness>),
        #[case] other: (i64, i64, Option<LifetimeLikeness>),
        #[case] same: bool,
    ) {
        let of = |(asked, found, guess)| expired(asked, found, guess);
        assert_eq!(are_one([of(one), of(other)]), same);
    }

    #[rstest]
    #[case::status("status", "404", "500")]
    #[case::header("header date", "700 s from the harness's clock", "701 s from the harness's clock")]
    #[case::another_member("body /nextRefreshTime", "1000 s after the call", "1001 s after the call")]
    fn any_other_number_is_another_fault(#[case] at: &str, #[case] one: &str, #[case] other: &str) {
        assert!(!are_one([told(at, one), told(at, other)]));
    }
}
