//! What was found: warnings, excused cases, and cases that need attention.

use std::collections::BTreeMap;

use super::super::case_groups::{self, PROBLEMS, is_problem};
use super::super::event::SourceEvent;
use super::super::findings::{self, BrokenRequirement, Finding, KINDS_LIMIT};
use super::super::words::FaultText;
use super::{CaseResult, Collected, Detail, Register, TextPage, Tone, escape, words};
use crate::contract::Side;
use crate::verdict::Verdict;

/// How many names a list shows before it only counts the rest.
const LIST_LIMIT: usize = 6;

/// How many cases a finding names before it only counts the rest.
const CASES_LIMIT: usize = 3;

/// Broken requirements below `must`, each with where it was seen.
pub(super) fn warnings(page: &mut TextPage, collected: &Collected, register: &Register, detail: Detail) {
    let found = findings::warned(collected, register);
    if found.is_empty() {
        return;
    }
    page.title("Warnings (requirements below must; they never fail a run)");
    for broken in &found {
        let requirement = words::requirement(broken.findings[0].violation, register);
        page.line(&format!("  {}", page.paint(Tone::Doubt, &requirement)));
        let (findings, more) = broken.first(kinds_limit(detail));
        for finding in findings {
            page.line(&format!("    {}", found_in(finding, collected, detail)));
        }
        if let Some(more) = more {
            page.line(&format!("    and {more} (-v shows them)"));
        }
    }
}

const fn kinds_limit(detail: Detail) -> usize {
    match detail {
        Detail::Verbose => usize::MAX,
        Detail::Quiet | Detail::Normal => KINDS_LIMIT,
    }
}

/// What was expected and found, and in which cases: `header date: expected …, found …; in 2 cases: …`.
fn found_in(finding: &Finding<'_>, collected: &Collected, detail: Detail) -> String {
    let FaultText { at, expected, actual } = finding.text();
    let place = if finding.is_of_the_status() { String::new() } else { format!("{at}: ") };
    let cases = match finding.cases.len() {
        1 => String::new(),
        several => format!("{several} cases: "),
    };
    let names = case_names(&finding.cases, collected, detail, CASES_LIMIT);
    format!("{}; in {cases}{names}", escape(&format!("{place}expected {expected}, found {actual}")))
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
            let cases = if group.len() == 1 { String::new() } else { format!("{} cases: ", group.len()) };
            let names = case_names(&group, collected, detail, LIST_LIMIT);
            page.line(&format!("  {}", words::reason_of(group[0])));
            page.line(&format!("    {cases}{names}"));
        }
    }
}

/// The cases that need attention: first those without a verdict on the target, then each violated requirement.
pub(super) fn failures(page: &mut TextPage, collected: &Collected, register: &Register, detail: Detail) {
    if !collected.cases.iter().any(|case| is_problem(case.verdict)) {
        return;
    }
    page.title(case_groups::heading(collected));
    for verdict in PROBLEMS {
        for group in case_groups::unexplained(collected, verdict) {
            unexplained(page, &group, collected, detail);
        }
    }
    let mut shown = BTreeMap::new();
    for broken in findings::violated(collected, register) {
        violated(page, &broken, (collected, register, detail), &mut shown);
    }
}

/// Cases that have a verdict for the same reason.
fn unexplained(page: &mut TextPage, group: &[&CaseResult], collected: &Collected, detail: Detail) {
    let first = group[0];
    let verdict = page.paint(first.verdict.into(), first.verdict.word());
    let all = detail < Detail::Verbose && case_groups::is_all(group, collected, LIST_LIMIT);
    let title = match group.len() {
        1 => escape(&first.id),
        several if all => format!("all {several} cases"),
        several => format!("{several} cases"),
    };
    let title = page.bold(&title);
    let unnamed = group.len() == 1 || all;
    let members =
        if unnamed { String::new() } else { format!(": {}", case_names(group, collected, detail, LIST_LIMIT)) };
    page.line(&format!("{verdict} {title}{members}"));
    if group.len() == 1 {
        page.line(&format!("  {}", escape(&first.title)));
    }
    page.line(&format!("  {}", words::reason_of(first)));
    // A case that passes has nothing to show.
    if first.verdict != Verdict::Fixed {
        command(page, first, group.len());
    }
}

/// A violated requirement with its source, and below it each kind of fault with its cases and a command that shows it.
/// `shown` has the answers and commands of the requirements above, each with its requirement.
fn violated(
    page: &mut TextPage,
    broken: &BrokenRequirement<'_>,
    (collected, register, detail): (&Collected, &Register, Detail),
    shown: &mut BTreeMap<String, String>,
) {
    let verdict = page.paint(Verdict::Fail.into(), Verdict::Fail.word());
    let requirement = page.bold(&words::requirement(broken.findings[0].violation, register));
    page.labelled(&format!("{verdict} "), &requirement);
    if let Some(row) = register.get(broken.id()) {
        page.line(&format!("  source: {}", words::sources(&SourceEvent::all(row), page.links)));
    }
    let (findings, more) = broken.first(kinds_limit(detail));
    for finding in findings {
        page.line(&format!("  {}", found_in(finding, collected, detail)));
        if let Some(reason) = finding.reason {
            page.line(&format!("  {}", escape(&words::reason(reason))));
        }
        let example = finding.example();
        let tells_it = detail < Detail::Verbose && finding.tells_the_answer();
        let answer = words::answer(example).filter(|_| example.side == Side::Server && !tells_it);
        // What stands above already is not told again.
        if let Some(answer) = answer.filter(|answer| shown.insert(answer.clone(), broken.id().to_owned()).is_none()) {
            page.line(&format!("  the answer was: {answer}"));
        }
        match example.repro.as_ref().and_then(|repro| shown.get(repro)) {
            Some(above) if above == broken.id() => {}
            Some(above) => page.line(&format!("  to see it: as for {} above", escape(above))),
            None => command(page, example, finding.cases.len()),
        }
        if let Some(repro) = &example.repro {
            shown.entry(repro.clone()).or_insert_with(|| broken.id().to_owned());
        }
    }
    if let Some(more) = more {
        page.line(&format!("  and {more} (-v shows them)"));
    }
    if broken.blocked > 0 {
        let are = if broken.blocked == 1 { "is" } else { "are" };
        page.line(&format!("  {} {are} blocked by it", words::count(broken.blocked, "case")));
    }
}

/// The command that shows the answer of a case, which stands for this number of cases.
fn command(page: &mut TextPage, case: &CaseResult, cases: usize) {
    if let Some(repro) = &case.repro {
        let which = if cases == 1 { String::new() } else { format!(" ({})", escape(&case.id)) };
        page.command(&format!("  to see it{which}: {}", escape(repro)));
    }
}

/// The ids of cases, a whole family by its own id; those beyond the limit are only counted.
fn case_names(cases: &[&CaseResult], collected: &Collected, detail: Detail, limit: usize) -> String {
    let names = case_groups::case_names(cases, collected);
    let shown_count = if detail == Detail::Verbose { names.len() } else { names.len().min(limit) };
    let list = words::list_of_names(&names, shown_count, |name, count| match count {
        1 => escape(name),
        // The cases of a single family have just been counted.
        several if several == cases.len() => format!("all of {}", escape(name)),
        several => format!("{} ({several} cases)", escape(name)),
    });
    if shown_count < names.len() { format!("{list} (-v lists them)") } else { list }
}
