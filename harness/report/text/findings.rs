//! What was found: warnings, what is excused, and what somebody has to look at.

use std::collections::BTreeMap;

use super::super::collected::Collected;
use super::super::words::Line;
use super::page::{Page, Tone};
use super::{Detail, is_problem, words};
use crate::contract::{Register, Side};
use crate::verdict::{CaseResult, Verdict, Violation};
use crate::wire::escape;

/// How many names or findings a list shows before it only counts the rest.
const LIST_LIMIT: usize = 6;

/// The verdicts that somebody has to look at, those that say most about the target last.
const PROBLEMS: [Verdict; 6] = [
    Verdict::HarnessError,
    Verdict::NotImplemented,
    Verdict::Indeterminate,
    Verdict::Blocked,
    Verdict::Fixed,
    Verdict::Fail,
];

/// Broken requirements below `must`, each with where it was seen.
pub(super) fn warnings(page: &mut Page, heard: &Collected, register: &Register, detail: Detail) {
    let mut found: BTreeMap<&str, Vec<(&Violation, Vec<&CaseResult>)>> = BTreeMap::new();
    for case in &heard.cases {
        for warning in &case.warnings {
            let alike = found.entry(&warning.requirement).or_default();
            match alike.iter_mut().find(|(other, _)| *other == warning) {
                Some((_, cases)) => cases.push(case),
                None => alike.push((warning, vec![case])),
            }
        }
    }
    if found.is_empty() {
        return;
    }
    page.title("Warnings (requirements below must; they never fail a run)");
    for findings in found.values() {
        page.line(&format!("  {}", page.paint(Tone::Doubtful, &words::requirement(findings[0].0, register))));
        let shown = limit(detail, findings.len());
        for (warning, cases) in &findings[..shown] {
            let Violation { at, expected, actual, .. } = warning;
            page.line(&escape(&format!("    at {at}: expected {expected}, found {actual}")));
            page.line(&format!("      in {}", names(cases, heard, detail)));
        }
        if shown < findings.len() {
            page.line(&format!("    and {} (-v shows them)", words::count(findings.len() - shown, "other finding")));
        }
    }
}

/// What did not run or is in the baseline, each reason once.
pub(super) fn excused(page: &mut Page, heard: &Collected, detail: Detail) {
    for (verdict, title) in [
        (Verdict::NotApplicable, "Not applicable (the target does not claim it)"),
        (Verdict::KnownFail, "Known failures (in the baseline)"),
    ] {
        let groups = groups(heard, verdict, |one, other| words::reason(one) == words::reason(other));
        if groups.is_empty() {
            continue;
        }
        let by_driver = verdict == Verdict::NotApplicable && groups.iter().all(|group| group[0].side == Side::Client);
        page.title(if by_driver { "Not applicable (the driver cannot do it)" } else { title });
        for group in groups {
            page.line(&format!("  {}", words::reason(group[0])));
            let cases = if group.len() == 1 { String::new() } else { format!("{} cases: ", group.len()) };
            page.line(&format!("    {cases}{}", names(&group, heard, detail)));
        }
    }
}

/// Everything that somebody has to look at.
pub(super) fn failures(page: &mut Page, heard: &Collected, register: &Register, detail: Detail) {
    if !heard.cases.iter().any(|case| is_problem(case.verdict)) {
        return;
    }
    page.title("Failures");
    for verdict in PROBLEMS {
        let alike = |one: &CaseResult, other: &CaseResult| {
            // A failure is the same where the members of a family fail alike.
            let same_claim = verdict != Verdict::Fail || one.title == other.title || one.side == Side::Client;
            same_claim && one.reason == other.reason && one.violations == other.violations
        };
        for group in groups(heard, verdict, alike) {
            page.gap();
            failure(page, &group, heard, register, detail);
        }
    }
}

fn failure(page: &mut Page, group: &[&CaseResult], heard: &Collected, register: &Register, detail: Detail) {
    let first = group[0];
    let verdict = page.paint(Tone::of(first.verdict), first.verdict.word());
    let title = match (group.len(), first.verdict) {
        (1, _) => escape(&first.id),
        (several, Verdict::Fail) => format!("{several} cases alike"),
        (several, _) => format!("{several} cases"),
    };
    let title = page.paint(Tone::Title, &title);
    let members = if group.len() == 1 { String::new() } else { format!(": {}", names(group, heard, detail)) };
    page.line(&format!("{verdict} {title}{members}"));
    if group.len() == 1 || (first.verdict == Verdict::Fail && first.side == Side::Server) {
        page.line(&format!("  {}", escape(&first.title)));
    }
    if first.violations.is_empty() || first.reason.is_some() {
        page.line(&format!("  {}", words::reason(first)));
    }
    for line in words::violations(&first.violations, register) {
        match line {
            Line::Heading(text) => page.line(&format!("  {text}")),
            Line::Particular(label, text) => {
                let label = page.paint(Tone::Faint, &format!("{label:<8}"));
                page.line(&format!("    {label}  {text}"));
            }
        }
    }
    // What was answered and how to ask again differ from case to case; the first stands for all.
    if let Some(answer) = words::answer(first).filter(|_| !first.violations.is_empty() && first.side == Side::Server) {
        page.line(&format!("  the answer was: {answer}"));
    }
    // Where it passes, there is nothing to see.
    if let Some(repro) = first.repro.as_ref().filter(|_| first.verdict != Verdict::Fixed) {
        let which = if group.len() == 1 { String::new() } else { format!(" ({})", escape(&first.id)) };
        page.line(&format!("  to see it{which}: {}", escape(repro)));
    }
}

/// The cases with a verdict, those that are alike together, in the order of the run.
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

/// The ids of cases, families that are there as a whole by their own, the rest only counted.
fn names(cases: &[&CaseResult], heard: &Collected, detail: Detail) -> String {
    let ids: Vec<&str> = cases.iter().map(|case| case.id.as_str()).collect();
    let all: Vec<&str> = heard.cases.iter().map(|case| case.id.as_str()).collect();
    let names = words::collapse(&ids, &all);
    let shown = limit(detail, names.len());
    let mut texts: Vec<String> = names[..shown]
        .iter()
        .map(|(name, count)| match count {
            1 => escape(name),
            // One family alone has just been counted.
            several if *several == cases.len() => format!("all of {}", escape(name)),
            several => format!("{} ({several} cases)", escape(name)),
        })
        .collect();
    let rest: usize = names[shown..].iter().map(|(_, count)| count).sum();
    if rest > 0 {
        texts.push(format!("and {} (-v lists them)", words::count(rest, "more case")));
    }
    texts.join(", ")
}

/// How many of a list to show.
fn limit(detail: Detail, length: usize) -> usize {
    if detail == Detail::Verbose { length } else { length.min(LIST_LIMIT) }
}
