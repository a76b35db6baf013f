//! Cases that are told together: those with the same verdict, for the same reason.

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

/// The cases with a verdict that somebody has to look at, those that went wrong alike together, in
/// the order of the run.
pub(super) fn failures(heard: &Collected, verdict: Verdict) -> Vec<Vec<&CaseResult>> {
    groups(heard, verdict, |one, other| {
        // A failure is the same where the members of a family fail alike.
        let same_claim = verdict != Verdict::Fail || one.title == other.title || one.side == Side::Client;
        same_claim && one.reason == other.reason && one.violations == other.violations
    })
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

/// Broken requirements below `must`, each finding once with the cases that have it, in the order of
/// the requirements' ids.
pub(super) fn warnings(heard: &Collected) -> Vec<(&Violation, Vec<&CaseResult>)> {
    let mut found: Vec<(&Violation, Vec<&CaseResult>)> = Vec::new();
    for case in &heard.cases {
        for warning in &case.warnings {
            match found.iter_mut().find(|(other, _)| *other == warning) {
                Some((_, cases)) => cases.push(case),
                None => found.push((warning, vec![case])),
            }
        }
    }
    found.sort_by_key(|(warning, _)| &warning.requirement);
    found
}

/// Cases by name, each name told in some words; at most so many, the rest counted.
pub(super) fn told(
    cases: &[&CaseResult],
    heard: &Collected,
    limit: usize,
    word: impl Fn(&str, usize) -> String,
) -> String {
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
