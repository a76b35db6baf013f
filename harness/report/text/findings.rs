//! What was found: warnings, excused cases, and cases that need attention.

use super::super::case_groups::{self, PROBLEMS, SharedViolation, is_problem};
use super::super::words::{FaultText, ReportLine};
use super::{CaseResult, Collected, Detail, Register, TextPage, Tone, escape, words};
use crate::contract::Side;
use crate::verdict::Verdict;

/// How many names or findings a list shows before it only counts the rest.
const LIST_LIMIT: usize = 6;

/// Broken requirements below `must`, each with where it was seen.
pub(super) fn warnings(page: &mut TextPage, collected: &Collected, register: &Register, detail: Detail) {
    let found = case_groups::warnings(collected);
    if found.is_empty() {
        return;
    }
    page.title("Warnings (requirements below must; they never fail a run)");
    for findings in found.chunk_by(SharedViolation::is_of_the_same) {
        page.line(&format!("  {}", page.paint(Tone::Doubt, &words::requirement(findings[0].violation, register))));
        let shown_count = limit(detail, findings.len());
        for warning in &findings[..shown_count] {
            let FaultText { at, expected, actual } = warning.text();
            page.line(&escape(&format!("    at {at}: expected {expected}, found {actual}")));
            page.line(&format!("      in {}", case_names(&warning.cases, collected, detail)));
        }
        if shown_count < findings.len() {
            page.line(&format!(
                "    and {} (-v shows them)",
                words::count(findings.len() - shown_count, "other finding")
            ));
        }
    }
}

/// Cases that did not run or are in the baseline, each reason once.
pub(super) fn excused_cases(page: &mut TextPage, collected: &Collected, detail: Detail) {
    for (verdict, title) in
        [(Verdict::NotApplicable, "Not applicable"), (Verdict::KnownFail, "Known failures (in the baseline)")]
    {
        let groups = case_groups::excused_groups(collected, verdict);
        if groups.is_empty() {
            continue;
        }
        let by_driver = verdict == Verdict::NotApplicable && groups.iter().all(|group| group[0].side == Side::Client);
        page.title(if by_driver { "Not applicable (the driver cannot do it)" } else { title });
        for group in groups {
            page.line(&format!("  {}", words::reason_of(group[0])));
            let cases = if group.len() == 1 { String::new() } else { format!("{} cases: ", group.len()) };
            page.line(&format!("    {cases}{}", case_names(&group, collected, detail)));
        }
    }
}

pub(super) fn failures(page: &mut TextPage, collected: &Collected, register: &Register, detail: Detail) {
    if !collected.cases.iter().any(|case| is_problem(case.verdict)) {
        return;
    }
    page.title(case_groups::heading(collected));
    for verdict in PROBLEMS {
        for group in case_groups::failures(collected, verdict) {
            page.gap();
            failure(page, &group, collected, register, detail);
        }
    }
}

fn failure(page: &mut TextPage, group: &[&CaseResult], collected: &Collected, register: &Register, detail: Detail) {
    let first = group[0];
    let verdict = page.paint(first.verdict.into(), first.verdict.word());
    let all = detail < Detail::Verbose && case_groups::is_all(group, collected, LIST_LIMIT);
    let title = match (group.len(), first.verdict) {
        (1, _) => escape(&first.id),
        (several, Verdict::Fail) => format!("{several} cases alike"),
        (several, _) if all => format!("all {several} cases"),
        (several, _) => format!("{several} cases"),
    };
    let title = page.bold(&title);
    let unnamed = group.len() == 1 || (all && first.verdict != Verdict::Fail);
    let members = if unnamed { String::new() } else { format!(": {}", case_names(group, collected, detail)) };
    page.line(&format!("{verdict} {title}{members}"));
    if group.len() == 1 || (first.verdict == Verdict::Fail && first.side == Side::Server) {
        page.line(&format!("  {}", escape(&first.title)));
    }
    if first.violations.is_empty() || first.reason.is_some() {
        page.line(&format!("  {}", words::reason_of(first)));
    }
    for line in words::violations(&case_groups::violations(group), register) {
        match line {
            ReportLine::Heading(text) => page.line(&format!("  {text}")),
            ReportLine::Particular(label, text) => {
                let label = page.paint(Tone::Calm, &format!("{label:<8}"));
                page.labelled(&format!("    {label}  "), &text);
            }
        }
    }
    // The answer and the command differ from case to case; those of the first case stand for all.
    if let Some(answer) = words::answer(first).filter(|_| !first.violations.is_empty() && first.side == Side::Server) {
        page.line(&format!("  the answer was: {answer}"));
    }
    // A case that passes has nothing to show.
    if let Some(repro) = first.repro.as_ref().filter(|_| first.verdict != Verdict::Fixed) {
        let which = if group.len() == 1 { String::new() } else { format!(" ({})", escape(&first.id)) };
        page.command(&format!("  to see it{which}: {}", escape(repro)));
    }
}

/// Each violated requirement once, where several cases failed.
pub(super) fn in_short(page: &mut TextPage, collected: &Collected, register: &Register, detail: Detail) {
    let found = case_groups::violated(collected);
    if found.is_empty() {
        return;
    }
    page.title(&format!("In short: each violated requirement once{}", case_groups::violated_elsewhere(collected)));
    let shown_count = limit(detail, found.len());
    for shared in &found[..shown_count] {
        let FaultText { at, expected, actual } = shared.text();
        page.line(&format!("  {}", page.paint(Tone::Bad, &words::requirement(shared.violation, register))));
        let place = if shared.is_of_the_status() { String::new() } else { format!("{at}: ") };
        let cases = match shared.cases.as_slice() {
            [case] => case.id.clone(),
            several => format!("{}, such as {}", words::count(several.len(), "case"), several[0].id),
        };
        page.line(&escape(&format!("    in {cases}: {place}expected {expected}, found {actual}")));
    }
    if shown_count < found.len() {
        let more = words::count(found.len() - shown_count, "other requirement");
        page.line(&format!("  and {more} (-v shows them)"));
    }
    let blocked = collected.cases.iter().filter(|case| case.verdict == Verdict::Blocked).count();
    if blocked > 0 {
        page.line(&format!("  beside them, {} blocked, for the reasons above", words::count(blocked, "case")));
    }
}

/// The ids of cases, a whole family by its own id; those beyond the limit are only counted.
fn case_names(cases: &[&CaseResult], collected: &Collected, detail: Detail) -> String {
    let names = case_groups::case_names(cases, collected);
    let shown_count = limit(detail, names.len());
    let list = words::list_of_names(&names, shown_count, |name, count| match count {
        1 => escape(name),
        // The cases of a single family have just been counted.
        several if several == cases.len() => format!("all of {}", escape(name)),
        several => format!("{} ({several} cases)", escape(name)),
    });
    if shown_count < names.len() { format!("{list} (-v lists them)") } else { list }
}

fn limit(detail: Detail, length: usize) -> usize {
    if detail == Detail::Verbose { length } else { length.min(LIST_LIMIT) }
}
