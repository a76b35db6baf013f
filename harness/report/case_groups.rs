//! Groups of cases that reports show together: cases with the same verdict for the same reason.

use super::collected::{Collected, count_each, grouped};
use super::words;
use crate::verdict::{CaseResult, Verdict};

/// The verdicts that need attention; those that say most about the target come last.
pub(super) const PROBLEMS: [Verdict; 6] = [
    Verdict::HarnessError,
    Verdict::NotImplemented,
    Verdict::Indeterminate,
    Verdict::Blocked,
    Verdict::Fixed,
    Verdict::Fail,
];

pub(crate) fn is_problem(verdict: Verdict) -> bool {
    PROBLEMS.contains(&verdict)
}

/// The heading above the cases that need attention: "Failures" where one of them failed, otherwise "Not judged".
pub(super) fn heading(collected: &Collected) -> &'static str {
    let failed = |case: &CaseResult| matches!(case.verdict, Verdict::Fail | Verdict::Fixed | Verdict::HarnessError);
    if collected.cases.iter().any(failed) { "Failures" } else { "Not judged" }
}

/// Whether these are all cases of a whole run, under more than `limit` names.
pub(super) fn is_all(cases: &[&CaseResult], collected: &Collected, limit: usize) -> bool {
    let selected = collected.run.as_ref().map(|run| run.selected);
    selected == Some(cases.len()) && case_names(cases, collected).len() > limit
}

/// The cases with a verdict that needs attention, those with the same reason in one group, in the order of the run. A
/// case that violates requirements is none of them: its findings say more.
pub(super) fn unexplained(collected: &Collected, verdict: Verdict) -> Vec<Vec<&CaseResult>> {
    let cases = collected.cases.iter().filter(|case| case.verdict == verdict);
    grouped(cases.filter(|case| verdict != Verdict::Fail || case.violations.is_empty()), |case| case.reason.as_ref())
}

/// The cases with a verdict, those with the same reason in one group, in the order of the run.
pub(super) fn excused_groups(collected: &Collected, verdict: Verdict) -> Vec<Vec<&CaseResult>> {
    grouped(collected.cases.iter().filter(|case| case.verdict == verdict), words::reason_of)
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
