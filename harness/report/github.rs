//! The run as a log of GitHub Actions: the text report, the cases in a fold, and annotations.

use std::io::{self, Write};

use super::case_groups::{self, PROBLEMS};
use super::conclusion::Conclusion;
use super::event::Event;
use super::findings::{self, BrokenRequirement};
use super::text::{TextOptions, TextSink, case_line};
use super::words::FaultText;
use super::{Sink, words};
use crate::contract::Register;
use crate::text::{cut, escape, foreign_within};
use crate::verdict::CaseResult;

/// GitHub shows at most 10 annotations of a kind for a step. Source: GitHub Actions, workflow commands, limits of
/// annotations.
const ANNOTATIONS_LIMIT: usize = 10;

/// The longest title and the longest message, in characters; the text report has the rest.
const TITLE_LIMIT: usize = 200;
const MESSAGE_LIMIT: usize = 3000;

const NAMES_LIMIT: usize = 3;

/// Writes the text report with workflow commands: the cases are folded, and each broken requirement is an annotation.
/// Where there are more than GitHub shows, the notice with the conclusion names the rest.
#[derive(Debug)]
pub struct GithubSink<W: Write> {
    text: TextSink<W>,
}

impl<W: Write> GithubSink<W> {
    /// A log that is written to `out`; the register has the texts of the requirements.
    pub fn new(out: W, register: &Register, options: TextOptions) -> Self {
        // The log's colours come from its commands.
        Self { text: TextSink::new(out, register, TextOptions { colour: false, links: false, ..options }) }
    }

    fn annotations(&self) -> Vec<WorkflowCommand> {
        let Self { text: TextSink { collected, register, .. } } = self;
        let violated = findings::violated(collected, register);
        let mut errors: Vec<_> = violated.iter().map(|broken| self.broken("error", "fail ", broken)).collect();
        for verdict in PROBLEMS.into_iter().rev() {
            errors.extend(case_groups::unexplained(collected, verdict).iter().map(|group| self.unexplained(group)));
        }
        let warned = findings::warned(collected, register);
        let warnings: Vec<_> = warned.iter().map(|broken| self.broken("warning", "", broken)).collect();

        let run = collected.run.as_ref();
        let title = run.map_or_else(String::new, |run| format!("{} of {}", run.judged_operation(), run.target.name));
        let mut message: Vec<_> = words::cut_short(collected).into_iter().collect();
        message.push(Conclusion::of(collected).sentence());
        let mut commands = Vec::new();
        for (mut of_a_kind, noun) in [(errors, "finding"), (warnings, "warning")] {
            let rest = of_a_kind.split_off(of_a_kind.len().min(ANNOTATIONS_LIMIT));
            if !rest.is_empty() {
                message.push(format!("{} without an annotation:", words::count(rest.len(), noun)));
                message.extend(rest.into_iter().map(|command| command.title));
            }
            commands.extend(of_a_kind);
        }
        commands.push(WorkflowCommand { kind: "notice", title, message: message.join("\n") });
        commands
    }

    /// A broken requirement: each kind of fault with its cases, and the source.
    fn broken(&self, kind: &'static str, verdict: &str, broken: &BrokenRequirement<'_>) -> WorkflowCommand {
        let title = format!("{verdict}{}: {}", broken.id(), self.case_names(&broken.cases()));
        let mut lines = vec![words::requirement(broken.findings[0].violation, &self.text.register)];
        for finding in &broken.findings {
            let FaultText { at, expected, actual } = finding.text();
            // The title names the cases of a single kind.
            let cases = if broken.findings.len() == 1 {
                String::new()
            } else {
                format!("; in {}", self.case_names(&finding.cases))
            };
            lines.push(format!("at {at}: expected {expected}, found {actual}{cases}"));
            lines.extend(finding.reason.map(words::reason));
        }
        lines.extend(self.text.register.get(broken.id()).map(|row| format!("source: {}", words::source(row))));
        WorkflowCommand { kind, title, message: lines.join("\n") }
    }

    /// Cases that have a verdict for the same reason.
    fn unexplained(&self, group: &[&CaseResult]) -> WorkflowCommand {
        let first = group[0];
        let title = format!("{} {}", first.verdict, self.case_names(group));
        let claim = (group.len() == 1).then(|| first.title.clone());
        let lines: Vec<_> = claim.into_iter().chain([words::reason_of(first)]).collect();
        WorkflowCommand { kind: "error", title, message: lines.join("\n") }
    }

    fn case_names(&self, group: &[&CaseResult]) -> String {
        case_groups::names_or_all(group, &self.text.collected, NAMES_LIMIT, |name, count| match count {
            1 => name.to_owned(),
            several => format!("{name} ({several} cases)"),
        })
    }
}

#[derive(Clone, Debug)]
struct WorkflowCommand {
    kind: &'static str,
    title: String,
    message: String,
}

impl WorkflowCommand {
    /// The command on one line, its texts escaped as the runner reads them.
    fn line(&self) -> String {
        let Self { kind, title, message } = self;
        let title = foreign_within(title, TITLE_LIMIT);
        let message: Vec<String> = message.split('\n').map(escape).collect();
        let message = message.join("\n");
        let message = cut(&message, MESSAGE_LIMIT);
        format!("::{kind} title={}::{}\n", property(&title), data(&message))
    }
}

/// A message as the runner decodes it. Source: actions/toolkit, packages/core, command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a command as the runner decodes it. Source: actions/toolkit, packages/core, command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

impl<W: Write> Sink for GithubSink<W> {
    fn hear(&mut self, event: &Event) -> io::Result<()> {
        self.text.hear(event)?;
        match event {
            Event::Run(run) => {
                let title = data(&escape(&format!("{}, one a line", words::count(run.selected, "case"))));
                writeln!(self.text.out, "::group::{title}")
            }
            Event::Case(case) => writeln!(self.text.out, "{}", case_line(case)),
            Event::Requirement(_) | Event::Summary(_) => Ok(()),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.text.collected.run.is_some() {
            writeln!(self.text.out, "::endgroup::")?;
        }
        self.text.finish()?;
        for command in self.annotations() {
            self.text.out.write_all(command.line().as_bytes())?;
        }
        self.text.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{github, sample};
    use super::*;
    use crate::contract::Level;
    use crate::verdict::{Verdict, Violation};

    /// A command as the runner reads it: its kind, its title and its message.
    fn read(line: &str) -> Option<(String, String, String)> {
        let (head, message) = line.strip_prefix("::")?.split_once("::")?;
        let (kind, properties) = head.split_once(' ').unwrap_or((head, ""));
        assert!(!properties.contains(','), "one property: {line}");
        let decode = |text: &str| {
            let text = text.replace("%2C", ",").replace("%3A", ":").replace("%0A", "\n").replace("%0D", "\r");
            text.replace("%25", "%")
        };
        let title = properties.strip_prefix("title=").unwrap_or_default();
        Some((kind.to_owned(), decode(title), decode(message)))
    }

    #[test]
    fn a_requirement_is_one_annotation_and_the_violated_ones_come_first() {
        let log = github(&sample::events());
        let commands: Vec<_> = log.lines().filter_map(read).collect();
        let kinds: Vec<_> = commands.iter().map(|(kind, ..)| kind.as_str()).collect();
        let expected = ["group", "endgroup", "error", "error", "error", "error", "error", "warning", "notice"];
        assert_eq!(kinds, expected);
        assert_eq!(commands[2].1, "fail GC-DUR-02: parameters/duration-outside (2 cases)");
        assert!(commands[2].2.contains(
            "\nat status: expected 400 ValidationException, found 200 application/x-amz-json-1.1\nsource: API reference"
        ));
        assert_eq!(commands[3].1, "fail GC-ERR-02: errors/not-found");
    }

    #[test]
    fn ten_annotations_show_ten_requirements_and_the_notice_names_the_rest() {
        let failing = |index: usize| {
            let violation = |at: &str| Violation {
                requirement: format!("GC-NEW-{index:02}"),
                level: Level::Must,
                step: None,
                fault: sample::fault(at, "400", "200"),
            };
            let violations = vec![violation("status"), violation("body /a"), violation("body /b")];
            CaseResult { violations, ..sample::case(&format!("a/c{index}"), Verdict::Fail) }
        };
        let log = github(&sample::events_of((0..25).map(failing).collect(), true));
        let commands: Vec<_> = log.lines().filter_map(read).collect();
        let errors: Vec<_> = commands.iter().filter(|(kind, ..)| kind == "error").collect();
        assert_eq!(errors.len(), ANNOTATIONS_LIMIT);
        for (index, (_, title, message)) in errors.iter().enumerate() {
            assert_eq!(*title, format!("fail GC-NEW-{index:02}: a/c{index}"));
            assert_eq!(message.matches("expected 400, found 200").count(), 3, "{message}");
        }
        let (_, _, notice) = commands.last().expect("a notice");
        assert!(notice.contains("\n15 findings without an annotation:\nfail GC-NEW-10: a/c10\n"), "{notice}");
        assert!(notice.ends_with("\nfail GC-NEW-24: a/c24"), "{notice}");
    }

    proptest! {
        #[test]
        fn no_target_can_give_the_runner_a_command(text in "([:,%#\\[\\]\r\n\u{ad}a-z ]|::error::|%0A::|##\\[x\\]){0,12}") {
            let mut cases = sample::cases();
            for case in &mut cases {
                (case.title, case.reason) = (text.clone(), sample::reason(&text));
                case.repro = Some(text.clone());
                case.error = Some(text.clone());
                for broken in case.violations.iter_mut().chain(&mut case.warnings) {
                    broken.fault = sample::fault(&text, &text, &text);
                }
            }
            let mut events = sample::events_of(cases, true);
            let target = &mut sample::run_mut(&mut events).target;
            (target.name, target.answer) = (text.clone(), crate::verdict::TargetAnswer::Told(text.clone()));
            let log = github(&events);
            let begins = |line: &&str| line.trim_start_matches(|c: char| !c.is_ascii_graphic()).starts_with("::");
            let kinds: Vec<_> = log.lines().filter(begins).map(|line| read(line).expect("a command").0).collect();
            prop_assert!(kinds.iter().all(|kind| ["group", "endgroup", "error", "warning", "notice"].contains(&kind.as_str())));
            prop_assert_eq!(kinds.iter().filter(|kind| *kind == "group").count(), 1);
            prop_assert!(kinds.iter().filter(|kind| *kind == "error").count() <= ANNOTATIONS_LIMIT);
            prop_assert!(!log.contains("##["), "{}", log);
        }
    }
}
