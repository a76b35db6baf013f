//! A comparison for people, as text and as Markdown; cases that changed alike are shown once.

use std::fmt::Write as _;

use super::super::collected::grouped;
use super::super::words::{self, FaultText};
use super::super::{RunEvent, markdown};
use super::{CaseChange, Comparison};
use crate::contract::Register;
use crate::text::escape;
use crate::verdict::Verdict;

const NAMES_LIMIT: usize = 12;

impl Comparison {
    /// The comparison as text: the two runs, then what changed, the most important first, and last the counts.
    pub fn text(&self, register: &Register) -> String {
        let mut text = String::new();
        for (name, run) in self.runs() {
            let _ = writeln!(text, "{}: {}", escape(&name), escape(&run_text(run)));
        }
        for (word, changes) in self.lists() {
            for group in groups(changes) {
                let first = group[0];
                let names = self.case_names(&group, escape, |_| "all of".to_owned());
                let _ =
                    write!(text, "\n{word} {}: {names}\n  {}\n", words::count(group.len(), "case"), verdicts(first));
                if let Some(reason) = first.reason.as_ref().map(words::reason) {
                    let _ = writeln!(text, "  {}", words::no_command(&escape(&reason)));
                }
                for line in words::each_violation(&first.violations, register) {
                    let _ = writeln!(text, "  {line}");
                }
            }
        }
        let _ = write!(text, "\n{}", self.counts());
        text
    }

    /// The two runs, each with what it is called: `old (monday.jsonl)`.
    fn runs(&self) -> [(String, &RunEvent); 2] {
        let name = |word: &str, file: &Option<String>| match file {
            Some(file) => format!("{word} ({file})"),
            None => word.to_owned(),
        };
        let [old, new] = &self.files;
        [(name("old", old), &self.from), (name("new", new), &self.to)]
    }

    /// The comparison as Markdown, in the same order.
    pub fn markdown(&self, register: &Register) -> String {
        let mut text = format!("## {}\n\n", self.counts());
        for (name, run) in self.runs() {
            let _ = writeln!(text, "- {}: {}", markdown::prose(&name), markdown::code(&run_text(run)));
        }
        for (word, changes) in self.lists() {
            if !changes.is_empty() {
                let _ = write!(text, "\n### {word}\n");
            }
            for group in groups(changes) {
                let first = group[0];
                let _ = write!(
                    text,
                    "\n- {}: {}\n",
                    self.case_names(&group, markdown::code, |all| format!("all {all} cases of")),
                    verdicts(first)
                );
                if let Some(reason) = first.reason.as_ref().map(words::reason) {
                    let _ = writeln!(text, "  - {}", markdown::prose(&reason));
                }
                for alike in first.violations.chunk_by(|one, other| one.requirement == other.requirement) {
                    let _ = writeln!(text, "  - {}", markdown::prose(&words::requirement(&alike[0], register)));
                    for FaultText { at, expected, actual } in alike.iter().map(FaultText::of) {
                        let [at, expected, actual] = [at, expected, actual].map(|text| markdown::code(&text));
                        let _ = writeln!(text, "    - at {at}: expected {expected}, found {actual}");
                    }
                }
            }
        }
        text.trim_end().to_owned()
    }

    /// `1 broken, 2 fixed, 0 new, 0 gone, 1 changed, 348 unchanged`.
    fn counts(&self) -> String {
        let counts = self.lists().map(|(word, changes)| format!("{} {word}", changes.len()));
        format!("{}, {} unchanged", counts.join(", "), self.unchanged)
    }

    /// The lists, the most important first.
    fn lists(&self) -> [(&'static str, &[CaseChange]); 5] {
        [
            ("broken", &self.broken),
            ("fixed", &self.fixed),
            ("changed", &self.changed),
            ("new", &self.new),
            ("gone", &self.gone),
        ]
    }

    /// The names of the cases of a group; a family is named once where all of its cases that changed are in the group.
    fn case_names(
        &self,
        group: &[&CaseChange],
        quoted: impl Fn(&str) -> String,
        all_of: impl Fn(usize) -> String,
    ) -> String {
        let ids: Vec<&str> = group.iter().map(|change| change.id.as_str()).collect();
        let changed = self.lists().into_iter().flat_map(|(_, list)| list).map(|change| change.id.as_str());
        let names = words::collapse(&ids, &words::family_sizes(changed));
        words::list_of_names(&names, NAMES_LIMIT, |name, count| match self.sizes.get(name) {
            Some(size) if count > 1 && count < *size => format!("{count} of the {size} cases of {}", quoted(name)),
            Some(size) if count > 1 => format!("{} {}", all_of(*size), quoted(name)),
            Some(_) | None => quoted(name),
        })
    }
}

fn groups(changes: &[CaseChange]) -> Vec<Vec<&CaseChange>> {
    grouped(changes, |change| (change.old, change.new, &change.reason, &change.violations))
}

fn verdicts(change: &CaseChange) -> String {
    let word = |verdict: Option<Verdict>| verdict.map_or("not there", Verdict::word);
    format!("{} -> {}", word(change.old), word(change.new))
}

/// A run in one line.
fn run_text(run: &RunEvent) -> String {
    let RunEvent { tool, selected, target, .. } = run;
    let operation = run.judged_operation();
    let features = target.features.join(", ");
    let cases = words::count(*selected, "case");
    let started = run.started();
    format!(
        "{operation} of {} at {}, which claims {features}; {cases}, {started}, {tool}",
        target.name, target.endpoint
    )
}
