//! One run: its conclusion, and what needs attention.

use std::fmt::Write as _;

use super::super::case_groups::{self, PROBLEMS, SharedViolation};
use super::super::collected::{Collected, count_each};
use super::super::conclusion::Conclusion;
use super::super::event::{FeatureSummary, RunEvent};
use super::super::words::{self, FaultText, Obstacle};
use super::inline::{block, cell, code, prose, prose_cell};
use super::{FINDINGS_LIMIT, NAMES_LIMIT, RESERVE, fill};
use crate::contract::Register;
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
        self.in_short(&mut text);
        text.push_str(&self.suites());
        let failures = PROBLEMS.into_iter().rev().flat_map(|verdict| case_groups::failures(self.collected, verdict));
        self.list(
            &mut text,
            case_groups::heading(self.collected),
            failures.map(|group| self.failure(&group)).collect(),
        );
        self.list(&mut text, "Warnings", self.warnings());
        for (verdict, title) in [(Verdict::KnownFail, "Known failures"), (Verdict::NotApplicable, "Not applicable")] {
            let groups = case_groups::excused_groups(self.collected, verdict);
            self.list(&mut text, title, groups.iter().map(|group| self.excused_group(group)).collect());
        }
        text
    }

    fn head(&self) -> String {
        let concluded = Conclusion::of(self.collected);
        let conclusion = concluded.sentence();
        let Some(run) = &self.collected.run else { return format!("## Countersign\n\n**{}**\n", prose(&conclusion)) };
        let RunEvent { tool, operation, selected, shard, seed, target, .. } = run;
        let shard = shard.as_ref().map_or_else(String::new, |shard| format!(" (shard {})", code(shard)));
        let conforms = matches!(concluded, Conclusion::Conformant(_));
        let verdict = if conforms { conclusion.as_str() } else { concluded.headline() };
        let mut head = format!("## {} of {}: {}\n", prose(operation), code(&target.name), prose(verdict));
        if conclusion != verdict {
            let _ = write!(head, "\n**{}**\n", prose(&conclusion));
        }
        if let Some(newer) = words::newer_than_baseline(self.collected) {
            let _ = write!(head, "\n{}\n", prose(&words::capitalised(&newer)));
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

    /// Each violated requirement once, as far as there is room, where several cases failed.
    fn in_short(&self, text: &mut String) {
        let found = case_groups::violated(self.collected);
        if found.is_empty() {
            return;
        }
        let beside = case_groups::violated_elsewhere(self.collected);
        let _ = write!(text, "\n| violated requirement{beside} | cases | such as |\n| --- | ---: | --- |\n");
        let row = |shared: &SharedViolation<'_>| {
            let FaultText { at, expected, actual } = shared.text();
            let place = if shared.is_of_the_status() { String::new() } else { format!(", at {}", cell(&at)) };
            format!(
                "| {} | {} | {}{place}: expected {}, found {} |\n",
                prose_cell(&words::requirement(shared.violation, self.register)),
                shared.cases.len(),
                cell(&shared.cases[0].id),
                cell(&expected),
                cell(&actual),
            )
        };
        let rows_written = fill(text, self.limit.saturating_sub(RESERVE), found.iter().map(row));
        if rows_written < found.len() {
            let _ = write!(text, "\nand {}\n", words::count(found.len() - rows_written, "more requirement"));
        }
    }

    /// A list of findings below a heading, as long as there is room.
    fn list(&self, text: &mut String, title: &str, findings: Vec<String>) {
        if findings.is_empty() {
            return;
        }
        let _ = write!(text, "\n### {title}\n");
        let all = findings.len();
        let rows_written = fill(text, self.limit.saturating_sub(RESERVE), findings.into_iter().take(FINDINGS_LIMIT));
        if rows_written < all {
            let more = words::count(all - rows_written, "more finding");
            let _ = write!(text, "\nand {more}; the text, JSON and JUnit reports have them all\n");
        }
    }

    fn failure(&self, group: &[&CaseResult]) -> String {
        let first = group[0];
        let mut text = format!("\n#### {}: {}\n", first.verdict, self.case_names(group));
        if group.len() == 1 || first.verdict == Verdict::Fail {
            let _ = write!(text, "\n{}\n", prose(&first.title));
        }
        if first.violations.is_empty() || first.reason.is_some() {
            let _ = write!(text, "\n{}\n", prose(&words::reason_of(first)));
        }
        for alike in case_groups::violations(group).chunk_by(SharedViolation::is_of_the_same) {
            let first = alike[0].violation;
            let _ = write!(text, "\n- {}\n", prose(&words::requirement(first, self.register)));
            for FaultText { at, expected, actual } in alike.iter().map(SharedViolation::text) {
                let _ = writeln!(text, "  - at {}: expected {}, found {}", code(&at), code(&expected), code(&actual));
            }
            if let Some(row) = self.register.get(&first.requirement) {
                let _ = writeln!(text, "  - source: {}", prose(&words::source(row)));
            }
        }
        if let Some(answer) = words::answer(first).filter(|_| !first.violations.is_empty()) {
            let _ = write!(text, "\nThe answer was: {}\n", code(&answer));
        }
        if let Some(repro) = first.repro.as_ref().filter(|_| first.verdict != Verdict::Fixed) {
            let _ = write!(text, "\nTo see it ({}):\n\n{}", code(&first.id), block("sh", repro));
        }
        text
    }

    fn warnings(&self) -> Vec<String> {
        let found = case_groups::warnings(self.collected);
        let findings = found.chunk_by(SharedViolation::is_of_the_same).map(|findings| {
            let mut text = format!("\n- {}\n", prose(&words::requirement(findings[0].violation, self.register)));
            for shared in findings {
                let FaultText { at, expected, actual } = shared.text();
                let [at, expected, actual] = [at, expected, actual].map(|text| code(&text));
                let cases = self.case_names(&shared.cases);
                let _ = writeln!(text, "  - at {at}: expected {expected}, found {actual}, in {cases}");
            }
            text
        });
        findings.collect()
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
