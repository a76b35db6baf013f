//! One run: its conclusion, and what needs attention.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::super::case_groups::{self, PROBLEMS};
use super::super::collected::{Collected, count_each};
use super::super::conclusion::Conclusion;
use super::super::event::{FeatureSummary, RunEvent, SourceEvent};
use super::super::findings::{self, BrokenRequirement, Finding, KINDS_LIMIT};
use super::super::words::{self, FaultText, Obstacle};
use super::inline::{block, cell, code, prose};
use super::{FINDINGS_LIMIT, NAMES_LIMIT, RESERVE, fill};
use crate::contract::{Register, Requirement};
use crate::verdict::{CaseResult, Verdict};

pub(super) struct MarkdownPage<'a> {
    pub(super) collected: &'a Collected,
    pub(super) register: &'a Register,
    pub(super) limit: usize,
}

impl MarkdownPage<'_> {
    pub(super) fn text(&self) -> String {
        let mut text = self.head();
        text.push_str(&self.features());
        text.push_str(&self.suites());
        let violated = findings::violated(self.collected, self.register);
        let mut failures: Vec<_> = violated.iter().map(|broken| self.violated(broken)).collect();
        // No violated requirement is left out as long as there is room.
        let most = failures.len() + FINDINGS_LIMIT;
        let others = PROBLEMS.into_iter().rev().flat_map(|verdict| case_groups::unexplained(self.collected, verdict));
        failures.extend(others.map(|group| self.unexplained(&group)));
        self.list(&mut text, case_groups::heading(self.collected), failures, most);
        self.list(&mut text, "Warnings", self.warnings(), FINDINGS_LIMIT);
        for (verdict, title) in [(Verdict::KnownFail, "Known failures"), (Verdict::NotApplicable, "Not applicable")] {
            let groups = case_groups::excused_groups(self.collected, verdict);
            let groups = groups.iter().map(|group| self.excused_group(group)).collect();
            self.list(&mut text, title, groups, FINDINGS_LIMIT);
        }
        text
    }

    fn head(&self) -> String {
        let concluded = Conclusion::of(self.collected);
        let conclusion = concluded.sentence();
        let Some(run) = &self.collected.run else { return format!("## Countersign\n\n**{}**\n", prose(&conclusion)) };
        let RunEvent { tool, selected, shard, seed, target, .. } = run;
        let operation = run.judged_operation();
        let shard = shard.as_ref().map_or_else(String::new, |shard| format!(" (shard {})", code(shard)));
        let conforms = matches!(concluded, Conclusion::Conformant(_));
        let verdict = if conforms { conclusion.as_str() } else { concluded.headline() };
        let mut head = format!("## {} of {}: {}\n", prose(&operation), code(&target.name), prose(verdict));
        if conclusion != verdict {
            let _ = write!(head, "\n**{}**\n", prose(&conclusion));
        }
        if let Some(newer) = words::newer_than_baseline(self.collected) {
            let _ = write!(head, "\n{}\n", prose(&words::capitalised(&newer)));
        }
        if let Some(recordings) = words::recordings(self.collected) {
            let _ = write!(head, "\n{}\n", prose(&words::capitalised(&recordings)));
        }
        if let Some(left_out) = &run.left_out {
            for line in words::left_out(left_out, self.collected.cases.len()) {
                let _ = write!(head, "\n{}\n", prose(&words::capitalised(&line)));
            }
        }
        if matches!(concluded, Conclusion::Undecided { .. }) {
            for (reason, count) in case_groups::open_passes(self.collected) {
                let _ = write!(head, "\n{}: {}\n", words::count(count, "case"), prose(&reason));
            }
        }
        if let Some(driver) = &run.driver {
            let cases = words::count(*selected, "case");
            let _ = writeln!(head, "\n{}: {cases}{shard} by {}", prose(tool), prose(&words::sdk(driver)));
            return head;
        }
        let _ = writeln!(
            head,
            "\n{}: {}{shard} at {} in {}, which claims {}; seed {seed}",
            prose(tool),
            words::count(*selected, "case"),
            code(&target.endpoint),
            code(&target.region),
            prose(&target.features.join(", ")),
        );
        if let Some(Obstacle { meaning, met, said, advice }) = words::obstacle(run) {
            let _ = write!(head, "\n> {}\n> {met}: {}\n> {}\n", prose(&meaning), code(&said), prose(&advice));
        }
        head
    }

    fn features(&self) -> String {
        let mut text = String::new();
        if let Some(cut_short) = words::cut_short(self.collected) {
            let _ = write!(text, "\n**{}**\n", prose(&cut_short));
        }
        if let Some(summary) = &self.collected.summary {
            text.push_str(
                "\n| feature | must-requirements | decided | violated | confirmed by recordings of real AWS |\n",
            );
            text.push_str("| --- | ---: | ---: | ---: | ---: |\n");
            for (name, FeatureSummary { must, violated, decided, confirmed }) in &summary.features {
                let _ = writeln!(text, "| {} | {must} | {decided} | {violated} | {confirmed} |", cell(name));
            }
        }
        text
    }

    fn suites(&self) -> String {
        let mut text = String::new();
        let suites = self.collected.suites();
        if !suites.is_empty() {
            text.push_str("\n| suite | cases |\n| --- | --- |\n");
        }
        for suite in suites {
            let cases = self.collected.cases.iter().filter(|case| case.suite == suite);
            let counts = words::verdicts(&count_each(cases.map(|case| case.verdict))).unwrap_or_default();
            let _ = writeln!(text, "| {} | {counts} |", cell(suite));
        }
        text
    }

    /// A list of at most `most` findings below a heading, as long as there is room.
    fn list(&self, text: &mut String, title: &str, findings: Vec<String>, most: usize) {
        if findings.is_empty() {
            return;
        }
        let _ = write!(text, "\n### {title}\n");
        let all = findings.len();
        let rows_written = fill(text, self.limit.saturating_sub(RESERVE), findings.into_iter().take(most));
        if rows_written < all {
            let more = words::count(all - rows_written, "more finding");
            let _ = write!(text, "\nand {more}; the text, JSON and JUnit reports have them all\n");
        }
    }

    /// A violated requirement with its source, and each kind of fault with its cases and a command that shows it.
    fn violated(&self, broken: &BrokenRequirement<'_>) -> String {
        let (standing, asks_for) = words::requirement_parts(broken.findings[0].violation, self.register);
        let mut text = format!("\n#### {}: {}\n\n{}\n\n", Verdict::Fail, prose(&standing), prose(&asks_for));
        if let Some(row) = self.register.get(broken.id()) {
            let _ = writeln!(text, "- source: {}", sources(row));
        }
        let (findings, more) = broken.first(KINDS_LIMIT);
        for finding in findings {
            let _ = writeln!(text, "- {}", self.found_in(finding));
            if let Some(reason) = finding.reason {
                let _ = writeln!(text, "  {}", prose(&words::reason(reason)));
            }
        }
        let answers = findings.iter().filter(|finding| !finding.tells_the_answer());
        let answers: BTreeSet<_> = answers.filter_map(|finding| words::answer(finding.example())).collect();
        for answer in answers {
            let _ = writeln!(text, "- the answer was: {}", code(&answer));
        }
        if let Some(more) = more {
            let _ = writeln!(text, "- and {more}");
        }
        let mut shown = BTreeSet::new();
        for example in findings.iter().map(Finding::example).filter(|example| shown.insert(&example.id)) {
            text.push_str(&to_see(example));
        }
        if broken.blocked > 0 {
            let are = if broken.blocked == 1 { "is" } else { "are" };
            let _ = write!(text, "\n{} {are} blocked by it.\n", words::count(broken.blocked, "case"));
        }
        text
    }

    /// What was expected and found, and in which cases.
    fn found_in(&self, finding: &Finding<'_>) -> String {
        let FaultText { at, expected, actual } = finding.text();
        let [at, expected, actual] = [at, expected, actual].map(|text| code(&text));
        format!("at {at}: expected {expected}, found {actual}, in {}", self.case_names(&finding.cases))
    }

    /// Cases that have a verdict for the same reason.
    fn unexplained(&self, group: &[&CaseResult]) -> String {
        let first = group[0];
        let mut text = format!("\n#### {}: {}\n", first.verdict, self.case_names(group));
        if group.len() == 1 {
            let _ = write!(text, "\n{}\n", prose(&first.title));
        }
        let _ = write!(text, "\n{}\n", prose(&words::reason_of(first)));
        // A case that passes has nothing to show.
        if first.verdict != Verdict::Fixed {
            text.push_str(&to_see(first));
        }
        text
    }

    fn warnings(&self) -> Vec<String> {
        let warning = |broken: &BrokenRequirement<'_>| {
            let (standing, asks_for) = words::requirement_parts(broken.findings[0].violation, self.register);
            let requirement = format!("{}: {}", prose(&standing), prose(&asks_for));
            let (findings, more) = broken.first(KINDS_LIMIT);
            let findings = findings.iter().map(|finding| format!("  - {}\n", self.found_in(finding)));
            let more = more.map(|more| format!("  - and {more}\n"));
            let source = self.register.get(broken.id()).map(|row| format!("  - source: {}\n", sources(row)));
            format!("\n- {requirement}\n{}", findings.chain(more).chain(source).collect::<String>())
        };
        findings::warned(self.collected, self.register).iter().map(warning).collect()
    }

    fn excused_group(&self, group: &[&CaseResult]) -> String {
        format!("\n- {}: {}\n", prose(&words::reason_of(group[0])), self.case_names(group))
    }

    fn case_names(&self, group: &[&CaseResult]) -> String {
        case_groups::names_or_all(group, self.collected, NAMES_LIMIT, |name, count| match count {
            1 => code(name),
            2 => format!("both cases of {}", code(name)),
            several => format!("all {several} cases of {}", code(name)),
        })
    }
}

/// The command that shows the answer of a case.
fn to_see(case: &CaseResult) -> String {
    let command = case.repro.as_ref();
    command.map_or_else(String::new, |repro| format!("\nTo see it ({}):\n\n{}", code(&case.id), block("sh", repro)))
}

/// The sources of a requirement, each a link where it has an address.
fn sources(row: &Requirement) -> String {
    let source = |SourceEvent { text, address }: &SourceEvent| match address {
        Some(address) => format!("[{}]({address})", prose(text)),
        None => prose(text),
    };
    SourceEvent::all(row).iter().map(source).collect::<Vec<_>>().join("; ")
}
