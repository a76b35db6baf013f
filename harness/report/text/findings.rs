//! What was found: warnings, excused cases, and cases that need attention.

use std::collections::BTreeMap;

use super::super::case_groups::{self, PROBLEMS, is_problem};
use super::super::event::SourceEvent;
use super::super::findings::{self, BrokenRequirement, Finding, KINDS_LIMIT};
use super::super::words::FaultText;
use super::{Audience, CaseResult, Collected, Detail, Register, TextPage, Tone, escape, words};
use crate::contract::Side;
use crate::verdict::{ShownExchange, Verdict};

/// How many names a list shows before it only counts the rest.
const LIST_LIMIT: usize = 6;

/// How many members of its family a trial names before it only counts the rest.
const MEMBERS_LIMIT: usize = 20;

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
            page.line(&format!("    {}", found_in(page, finding, collected, detail)));
        }
        if let Some(more) = more {
            page.line(&format!("    and {more}{}", page.hint()));
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
fn found_in(page: &TextPage, finding: &Finding<'_>, collected: &Collected, detail: Detail) -> String {
    let FaultText { at, expected, actual } = finding.text();
    let place = if finding.is_of_the_status() { String::new() } else { format!("{at}: ") };
    let found = escape(&format!("{place}expected {expected}, found {actual}"));
    if page.audience == Audience::Trial {
        return match members(&finding.cases, collected) {
            Some(members) => format!("{found}; in {members}"),
            None => found,
        };
    }
    let cases = match finding.cases.len() {
        1 => String::new(),
        several => format!("{several} cases: "),
    };
    let names = case_names(&finding.cases, collected, detail, CASES_LIMIT);
    format!("{found}; in {cases}{names}")
}

/// Which members of its family a trial means: `2 of 6 cases: -1, 0`; `None` for a trial of one case, whose name says it.
fn members(cases: &[&CaseResult], collected: &Collected) -> Option<String> {
    let all = collected.cases.len();
    let (first, more) = cases.split_at(cases.len().min(MEMBERS_LIMIT));
    let names: Vec<_> = first.iter().map(|case| escape(member_name(case))).collect();
    let more = if more.is_empty() { String::new() } else { format!(", and {} more", more.len()) };
    let count = if cases.len() == all { format!("all {all} cases") } else { format!("{} of {all} cases", cases.len()) };
    (all > 1).then(|| format!("{count}: {}{more}", names.join(", ")))
}

/// The name of a member of a family, without the family.
fn member_name(case: &CaseResult) -> &str {
    words::family(&case.id).map_or(&case.id, |family| &case.id[family.len() + 1..])
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

/// The cases that need attention, under a heading.
pub(super) fn failures(page: &mut TextPage, collected: &Collected, register: &Register, detail: Detail) {
    if !collected.cases.iter().any(|case| is_problem(case.verdict)) {
        return;
    }
    page.title(case_groups::heading(collected));
    problems(page, collected, register, detail);
}

/// The cases that need attention: first those without a verdict on the target, then each violated requirement.
pub(super) fn problems(page: &mut TextPage, collected: &Collected, register: &Register, detail: Detail) {
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
    let names = match page.audience {
        Audience::Trial if group.len() > 1 => members(group, collected).unwrap_or_default(),
        _ if unnamed => title,
        _ => format!("{title}: {}", case_names(group, collected, detail, LIST_LIMIT)),
    };
    page.line(&format!("{verdict} {names}"));
    if group.len() == 1 {
        page.line(&format!("  {}", escape(&first.title)));
    }
    page.line(&format!("  {}", words::reason_of(first)));
    // A case that passes has nothing to show.
    if let Some(proof) = Proof::of(first, page.audience).filter(|_| first.verdict != Verdict::Fixed) {
        proof.line(page, first, group.len());
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
        page.line(&format!("  {}", found_in(page, finding, collected, detail)));
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
        let Some(proof) = Proof::of(example, page.audience) else { continue };
        match shown.get(&proof.text) {
            Some(above) if above == broken.id() => {}
            Some(above) => page.line(&format!("  {}: as for {} above", proof.label, escape(above))),
            None => proof.line(page, example, finding.cases.len()),
        }
        shown.entry(proof.text).or_insert_with(|| broken.id().to_owned());
    }
    if let Some(more) = more {
        page.line(&format!("  and {more}{}", page.hint()));
    }
    if broken.blocked > 0 {
        let are = if broken.blocked == 1 { "is" } else { "are" };
        page.line(&format!("  {} {are} blocked by it", words::count(broken.blocked, "case")));
    }
}

/// What shows how an answer came about: a command, or the request.
struct Proof {
    label: &'static str,
    /// Not escaped.
    text: String,
}

impl Proof {
    /// The proof of a case; `None` where there is no such command, or no request was made.
    fn of(case: &CaseResult, audience: Audience) -> Option<Self> {
        Some(match audience {
            Audience::Run => Self { label: "to see it", text: case.repro.clone()? },
            Audience::Trial => Self { label: "the request was", text: request_of(case.exchange.as_ref()?) },
        })
    }

    /// Writes it, for a case that stands for this number of cases.
    fn line(&self, page: &mut TextPage, case: &CaseResult, cases: usize) {
        let name = match page.audience {
            Audience::Run => &case.id,
            Audience::Trial => member_name(case),
        };
        let which = if cases == 1 { String::new() } else { format!(" ({})", escape(name)) };
        page.command(&format!("  {}{which}: {}", self.label, escape(&self.text)));
    }
}

/// The method, the path and the body of a request: `POST / {"workgroupName":"a"}`.
fn request_of(exchange: &ShownExchange) -> String {
    let body = if exchange.request_body.is_empty() { "without a body" } else { &exchange.request_body };
    format!("{} {body}", exchange.request)
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
