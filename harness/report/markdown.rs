//! The run as Markdown, for a job summary, a pull request or an issue.

mod inline;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

pub(super) use inline::{block, cell, code, prose};

use super::alike::{self, PROBLEMS};
use super::collected::Collected;
use super::conclusion::Conclusion;
use super::event::{Event, FeatureSummary, RunEvent};
use super::{Sink, words};
use crate::contract::Register;
use crate::verdict::{CaseResult, Verdict, Violation};

/// The most that GitHub shows of a step's summary, in bytes; where there is more, it shows none of it.
/// Source: GitHub Actions, workflow commands, step isolation and limits (1 MiB).
pub const MARKDOWN_LIMIT: usize = 1 << 20;

/// How many findings a list tells before it only counts the rest.
const FINDINGS_LIMIT: usize = 30;

/// How many names stand behind a finding.
const NAMES_LIMIT: usize = 6;

/// What is kept free for headings and counts, in bytes.
const RESERVE: usize = 2000;

/// Writes Markdown, in GitHub's flavour, when the run is over.
///
/// Whatever a target said stands in code spans, or as prose with every mark escaped: there is no
/// HTML, no link, no image, no mention and no form in it that is not ours.
#[derive(Debug)]
pub struct MarkdownSink<W> {
    out: W,
    register: Register,
    limit: usize,
    heard: Collected,
}

impl<W: Write> MarkdownSink<W> {
    /// A report that is written to `out`, with the words of a register's requirements.
    pub fn new(out: W, register: &Register) -> Self {
        Self { out, register: register.clone(), limit: MARKDOWN_LIMIT, heard: Collected::default() }
    }

    /// The same in at most so many bytes, but for a few lines of heading: findings that do not fit are counted.
    #[must_use]
    pub fn limited_to(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    fn text(&self) -> String {
        let mut text = self.head();
        text.push_str(&self.totals());
        let failures = PROBLEMS.into_iter().rev().flat_map(|verdict| alike::failures(&self.heard, verdict));
        self.list(&mut text, "Failures", failures.map(|group| self.failure(&group)).collect());
        self.list(&mut text, "Warnings", self.warnings());
        let excused = [Verdict::KnownFail, Verdict::NotApplicable].into_iter();
        let excused = excused.flat_map(|verdict| alike::excused(&self.heard, verdict));
        self.list(
            &mut text,
            "Known failures, and what does not apply",
            excused.map(|group| self.excused(&group)).collect(),
        );
        text
    }

    /// What was run against what, and what it comes to.
    fn head(&self) -> String {
        let conclusion = Conclusion::of(&self.heard).sentence();
        let Some(run) = &self.heard.run else { return format!("## Countersign\n\n**{}**\n", prose(&conclusion)) };
        let RunEvent { tool, suite, selected, shard, seed, target, .. } = run;
        let shard = shard.as_ref().map_or_else(String::new, |shard| format!(" (shard {})", code(shard)));
        let verdict = conclusion.split(':').next().unwrap_or_default();
        let mut head = format!(
            "## {} of {}: {}\n\n**{}**\n\n{}: {}{shard} at {} in {}, which claims {}; seed {seed}\n",
            prose(suite),
            code(&target.name),
            prose(verdict),
            prose(&conclusion),
            prose(tool),
            words::count(*selected, "case"),
            code(&target.endpoint),
            code(&target.region),
            prose(&target.features.join(", ")),
        );
        if let Some([meaning, said, advice]) = words::obstacle(run) {
            let said = said.strip_prefix("It said: ").unwrap_or(&said);
            let _ = write!(head, "\n> {}\n> It said: {}\n> {}\n", prose(&meaning), code(said), prose(&advice));
        }
        head
    }

    /// Divergence and coverage of each feature, verdicts of each suite.
    fn totals(&self) -> String {
        let mut text = String::new();
        if !self.heard.summary.as_ref().is_some_and(|summary| summary.complete) {
            let _ = write!(text, "\n**{}**\n", prose(&words::cut_short(&self.heard)));
        }
        if let Some(summary) = &self.heard.summary {
            text.push_str(
                "\n| feature | must-requirements | decided | violated | confirmed by recordings of real AWS |\n",
            );
            text.push_str("| --- | ---: | ---: | ---: | ---: |\n");
            for (name, FeatureSummary { must, violated, decided, confirmed }) in &summary.features {
                let _ = writeln!(text, "| {} | {must} | {decided} | {violated} | {confirmed} |", cell(name));
            }
        }
        let suites = self.heard.suites();
        if !suites.is_empty() {
            text.push_str("\n| suite | cases |\n| --- | --- |\n");
        }
        for suite in suites {
            let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
            for case in self.heard.cases.iter().filter(|case| case.suite == suite) {
                *counts.entry(case.verdict).or_default() += 1;
            }
            let _ = writeln!(text, "| {} | {} |", cell(suite), words::verdicts(&counts));
        }
        text
    }

    /// A list of findings below a heading, as long as there is room.
    fn list(&self, text: &mut String, title: &str, findings: Vec<String>) {
        if findings.is_empty() {
            return;
        }
        let _ = write!(text, "\n### {title}\n");
        let all = findings.len();
        let room = self.limit.saturating_sub(RESERVE);
        let mut told = 0;
        for finding in findings.into_iter().take(FINDINGS_LIMIT) {
            if text.len() + finding.len() > room {
                break;
            }
            text.push_str(&finding);
            told += 1;
        }
        if told < all {
            let more = words::count(all - told, "more finding");
            let _ = write!(text, "\nand {more}; the text, JSON and JUnit reports have them all\n");
        }
    }

    fn failure(&self, group: &[&CaseResult]) -> String {
        let first = group[0];
        let mut text = format!("\n#### {}: {}\n", first.verdict, self.names(group));
        if group.len() == 1 || first.verdict == Verdict::Fail {
            let _ = write!(text, "\n{}\n", prose(&first.title));
        }
        if first.violations.is_empty() || first.reason.is_some() {
            let _ = write!(text, "\n{}\n", prose(&words::reason(first)));
        }
        for alike in alike::violations(group).chunk_by(|one, other| one.requirement == other.requirement) {
            let _ = write!(text, "\n- {}\n", prose(&words::requirement(&alike[0], &self.register)));
            for Violation { at, expected, actual, .. } in alike {
                let _ = writeln!(text, "  - at {}: expected {}, found {}", code(at), code(expected), code(actual));
            }
            if let Some(row) = self.register.get(&alike[0].requirement) {
                let _ = writeln!(text, "  - source: {}", prose(&row.source));
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

    /// Broken requirements below `must`, each once, with where it was seen.
    fn warnings(&self) -> Vec<String> {
        let line = |(warning, cases): alike::Shared<'_>| {
            let Violation { at, expected, actual, .. } = &warning;
            format!(
                "\n- {}\n  - at {}: expected {}, found {}, in {}\n",
                prose(&words::requirement(&warning, &self.register)),
                code(at),
                code(expected),
                code(actual),
                self.names(&cases)
            )
        };
        alike::warnings(&self.heard).into_iter().map(line).collect()
    }

    fn excused(&self, group: &[&CaseResult]) -> String {
        format!("\n- {}: {}: {}\n", group[0].verdict, prose(&words::reason(group[0])), self.names(group))
    }

    fn names(&self, group: &[&CaseResult]) -> String {
        alike::told(group, &self.heard, NAMES_LIMIT, |name, count| match count {
            1 => code(name),
            several => format!("all {several} cases of {}", code(name)),
        })
    }
}

impl<W: Write> Sink for MarkdownSink<W> {
    fn hear(&mut self, event: &Event) -> io::Result<()> {
        self.heard.hear(event);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.write_all(self.text().as_bytes())?;
        self.out.flush()
    }
}
