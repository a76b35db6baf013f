//! Cases that are told together: those with the same verdict, for the same reason.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::collected::Collected;
use super::words;
use crate::contract::Side;
use crate::verdict::{CaseResult, Verdict, Violation};

/// The verdicts that somebody has to look at, those that say most about the target last.
pub(super) const PROBLEMS: [Verdict; 6] = [
    Verdict::HarnessError,
    Verdict::NotImplemented,
    Verdict::Indeterminate,
    Verdict::Blocked,
    Verdict::Fixed,
    Verdict::Fail,
];

/// Whether a verdict is one that somebody has to look at.
pub(super) fn is_problem(verdict: Verdict) -> bool {
    PROBLEMS.contains(&verdict)
}

/// What stands above the cases that somebody has to look at: where none of them failed, nothing is held against
/// anybody.
pub(super) fn heading(heard: &Collected) -> &'static str {
    let failed = |case: &CaseResult| matches!(case.verdict, Verdict::Fail | Verdict::Fixed | Verdict::HarnessError);
    if heard.cases.iter().any(failed) { "Failures" } else { "Not judged" }
}

/// Each violated requirement once with the cases that show it, those that most show first: one fault of a server
/// shows in many cases, and the list of them hides it. Nothing where a single case failed; what the baseline knows is
/// told elsewhere.
pub(super) fn violated(heard: &Collected) -> Vec<(&Violation, Vec<&str>)> {
    let failed: Vec<&CaseResult> = heard.cases.iter().filter(|case| case.verdict == Verdict::Fail).collect();
    let mut found: Vec<(&Violation, Vec<&str>)> = Vec::new();
    if failed.len() < 2 {
        return found;
    }
    for case in &failed {
        for violation in &case.violations {
            match found.iter_mut().find(|(known, _)| known.requirement == violation.requirement) {
                Some((_, cases)) if cases.last() == Some(&case.id.as_str()) => {}
                Some((_, cases)) => cases.push(&case.id),
                None => found.push((violation, vec![&case.id])),
            }
        }
    }
    found.sort_by_key(|(_, cases)| std::cmp::Reverse(cases.len()));
    found
}

/// What is left out of [`violated`], behind a comma.
pub(super) fn violated_elsewhere(heard: &Collected) -> &'static str {
    let known = heard.cases.iter().any(|case| case.verdict == Verdict::KnownFail);
    if known { ", known failures left out" } else { "" }
}

/// Whether these are all cases of a whole run, and too many to name.
pub(super) fn is_all(cases: &[&CaseResult], heard: &Collected, limit: usize) -> bool {
    let selected = heard.run.as_ref().map(|run| run.selected);
    selected == Some(cases.len()) && names(cases, heard).len() > limit
}

/// The cases with a verdict that somebody has to look at, those that went wrong alike together, in
/// the order of the run.
pub(super) fn failures(heard: &Collected, verdict: Verdict) -> Vec<Vec<&CaseResult>> {
    groups(heard, verdict, |one, other| {
        // A failure is the same where the members of a family fail alike.
        let same_claim = verdict != Verdict::Fail || one.title == other.title || one.side == Side::Client;
        let same_faults = one.violations.len() == other.violations.len()
            && one.violations.iter().zip(&other.violations).all(|(one, other)| is_same_fault(one, other));
        same_claim && one.reason == other.reason && same_faults
    })
}

/// The violations of cases that are told together: those of the first, each with how many more were
/// found with other numbers.
pub(super) fn violations(group: &[&CaseResult]) -> Vec<Violation> {
    let others = |place: usize, first: &Violation| {
        group.iter().filter(|case| case.violations.get(place).is_some_and(|other| other != first)).count()
    };
    let first = group[0].violations.iter().enumerate();
    first.map(|(place, violation)| with_others(violation, others(place, violation))).collect()
}

/// A violation that stands for more with other numbers.
fn with_others(violation: &Violation, others: usize) -> Violation {
    let mut violation = violation.clone();
    if others > 0 {
        let _ = write!(violation.actual, " (and {others} more alike, with other numbers)");
    }
    violation
}

/// What an expiration looks like where its number follows from what was asked and when: with one of
/// these, another number is the same fault. The words are those of the judge.
const FIXED_BY_THE_GUESS: [&str; 5] = [
    ", which looks like milliseconds: in seconds it would be right",
    ", which looks like the time of the call itself",
    ", which looks like the lifetime instead of a point in time",
    ", which looks like the default, with durationSeconds ignored",
    ", which looks like minutes taken for seconds",
];

/// Lifetimes that are so many seconds apart may be one, measured by clocks that show whole seconds.
const LIFETIME_NOISE_SECONDS: f64 = 2.0;

/// Whether two violations are one fault: they are the same, or they are a lifetime that was measured
/// twice. Everywhere else a number is what was asked or answered, such as a status, and another number
/// is another fault.
fn is_same_fault(one: &Violation, other: &Violation) -> bool {
    let place = |violation: &Violation| (violation.requirement.clone(), violation.level, violation.at.clone());
    one == other || (place(one) == place(other) && one.at == "body /expiration" && is_same_lifetime(one, other))
}

fn is_same_lifetime(one: &Violation, other: &Violation) -> bool {
    let (Some((_, clock)), Some((_, other_clock))) = (lifetime(&one.expected), lifetime(&other.expected)) else {
        return false;
    };
    let (Some((found, guess)), Some((other_found, other_guess))) = (lifetime(&one.actual), lifetime(&other.actual))
    else {
        return false;
    };
    let same_numbers = one.expected == other.expected && (found - other_found).abs() <= LIFETIME_NOISE_SECONDS;
    clock == other_clock && guess == other_guess && (same_numbers || FIXED_BY_THE_GUESS.contains(&guess))
}

/// `900 s after the call, and so on`: the number and what follows.
fn lifetime(text: &str) -> Option<(f64, &str)> {
    let (number, rest) = text.split_once(" s after the call")?;
    Some((number.parse().ok()?, rest))
}

/// The cases with a verdict, those with the same reason together, in the order of the run.
pub(super) fn excused(heard: &Collected, verdict: Verdict) -> Vec<Vec<&CaseResult>> {
    groups(heard, verdict, |one, other| words::reason(one) == words::reason(other))
}

fn groups(
    heard: &Collected,
    verdict: Verdict,
    alike: impl Fn(&CaseResult, &CaseResult) -> bool,
) -> Vec<Vec<&CaseResult>> {
    let mut groups: Vec<Vec<&CaseResult>> = Vec::new();
    for case in heard.cases.iter().filter(|case| case.verdict == verdict) {
        match groups.iter_mut().find(|group| alike(group[0], case)) {
            Some(group) => group.push(case),
            None => groups.push(vec![case]),
        }
    }
    groups
}

/// A violation, and every case that has it.
pub(super) type Shared<'a> = (Violation, Vec<&'a CaseResult>);

/// Violations, each fault once with the cases that have it, in the order in which they were found.
pub(super) fn faults<'a>(cases: impl Iterator<Item = (&'a CaseResult, &'a Vec<Violation>)>) -> Vec<Shared<'a>> {
    let mut found: Vec<(&Violation, Vec<&CaseResult>, usize)> = Vec::new();
    for (case, violations) in cases {
        for violation in violations {
            match found.iter_mut().find(|(first, ..)| is_same_fault(first, violation)) {
                Some((first, cases, others)) => {
                    cases.push(case);
                    *others += usize::from(*first != violation);
                }
                None => found.push((violation, vec![case], 0)),
            }
        }
    }
    found.into_iter().map(|(violation, cases, others)| (with_others(violation, others), cases)).collect()
}

/// Broken requirements below `must`, each finding once with the cases that have it, in the order of
/// the requirements' ids.
pub(super) fn warnings(heard: &Collected) -> Vec<Shared<'_>> {
    let mut found = faults(heard.cases.iter().map(|case| (case, &case.warnings)));
    found.sort_by(|(one, _), (other, _)| one.requirement.cmp(&other.requirement));
    found
}

/// Cases by name, each name told in some words; at most so many, the rest counted. All of a run need no names.
pub(super) fn told(
    cases: &[&CaseResult],
    heard: &Collected,
    limit: usize,
    word: impl Fn(&str, usize) -> String,
) -> String {
    if is_all(cases, heard, limit) {
        return format!("all {} cases", cases.len());
    }
    let names = names(cases, heard);
    let (shown, hidden) = names.split_at(names.len().min(limit));
    let mut texts: Vec<String> = shown.iter().map(|(name, count)| word(name, *count)).collect();
    let rest: usize = hidden.iter().map(|(_, count)| count).sum();
    if rest > 0 {
        texts.push(format!("and {}", words::count(rest, "more case")));
    }
    texts.join(", ")
}

/// The ids of cases, a family that is there as a whole by its own id, each with how many it stands for.
pub(super) fn names(cases: &[&CaseResult], heard: &Collected) -> Vec<(String, usize)> {
    let ids: Vec<&str> = cases.iter().map(|case| case.id.as_str()).collect();
    let all: Vec<&str> = heard.cases.iter().map(|case| case.id.as_str()).collect();
    words::collapse(&ids, &all)
}

/// Why cases that pass leave something undecided, and how many cases say so: nothing else tells it. At most three.
pub(super) fn open_passes(heard: &Collected) -> Vec<(&str, usize)> {
    const MOST: usize = 3;
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for case in heard.cases.iter().filter(|case| case.verdict == Verdict::Pass) {
        if let Some(reason) = &case.reason {
            *reasons.entry(reason).or_default() += 1;
        }
    }
    reasons.into_iter().take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::contract::Level;
    use crate::report::tests::sample;

    const MILLISECONDS: &str = " s after the call, which looks like milliseconds: in seconds it would be right";
    const PLAIN: &str = " s after the call";

    fn violation(at: &str, expected: &str, actual: &str) -> Violation {
        Violation {
            requirement: "GC-DUR-01".to_owned(),
            level: Level::Must,
            at: at.to_owned(),
            expected: expected.to_owned(),
            actual: actual.to_owned(),
        }
    }

    fn expired(asked: u32, found: &str, guess: &str) -> Violation {
        let expected = format!("{asked} s after the call by the server's Date, give or take 60 s");
        violation("body /expiration", &expected, &format!("{found}{guess}"))
    }

    #[rstest]
    #[case::measured_twice((900, "1793540952152", MILLISECONDS), (900, "1793540952164", MILLISECONDS), true)]
    #[case::asked_for_other_lifetimes((900, "1793540952152", MILLISECONDS), (1800, "1793541852157", MILLISECONDS), true)]
    #[case::by_a_second((900, "1000", PLAIN), (900, "1001", PLAIN), true)]
    #[case::unlike_lifetimes((900, "1000", PLAIN), (900, "3600", PLAIN), false)]
    #[case::nothing_says_why((900, "1000", PLAIN), (1800, "1000", PLAIN), false)]
    #[case::milliseconds_of_any_time((900, "1793540952152", " s after the call, which looks like milliseconds"), (900, "99793540952152", " s after the call, which looks like milliseconds"), false)]
    #[case::another_guess((900, "0", " s after the call, which looks like the time of the call itself"), (900, "0", PLAIN), false)]
    fn a_lifetime_is_one_fault_however_often_it_is_measured(
        #[case] one: (u32, &str, &str),
        #[case] other: (u32, &str, &str),
        #[case] same: bool,
    ) {
        let of = |(asked, found, guess)| expired(asked, found, guess);
        assert_eq!(is_same_fault(&of(one), &of(other)), same);
    }

    #[rstest]
    #[case::status("status", "404", "500")]
    #[case::header("header date", "700 s from the harness's clock", "701 s from the harness's clock")]
    #[case::another_member("body /nextRefreshTime", "1000 s after the call", "1001 s after the call")]
    fn any_other_number_is_another_fault(#[case] at: &str, #[case] one: &str, #[case] other: &str) {
        assert!(!is_same_fault(&violation(at, "400", one), &violation(at, "400", other)));
    }

    #[test]
    fn what_is_told_together_says_how_many_had_other_numbers() {
        let case = |found: &str| CaseResult {
            violations: vec![expired(900, found, MILLISECONDS)],
            ..sample::case("a/b", Verdict::Fail)
        };
        let heard = Collected {
            cases: ["1793540952152", "1793540952152", "1793540952164"].map(case).to_vec(),
            ..Collected::default()
        };
        let groups = failures(&heard, Verdict::Fail);
        assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [3]);
        let told = &violations(&groups[0])[0].actual;
        assert!(
            told.starts_with("1793540952152 s") && told.ends_with("(and 1 more alike, with other numbers)"),
            "{told}"
        );
        assert_eq!(&faults(heard.cases.iter().map(|case| (case, &case.violations)))[0].0.actual, told);
    }
}
