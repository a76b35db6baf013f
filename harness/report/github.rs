//! The run as a log of GitHub Actions: the text report, the cases in a fold, and annotations.

use std::io::{self, Write};

use super::case_groups::{self, PROBLEMS, SharedViolation};
use super::conclusion::Conclusion;
use super::event::Event;
use super::text::{TextOptions, TextSink, case_line};
use super::words::FaultText;
use super::{Sink, words};
use crate::contract::Register;
use crate::text::{cut, escape, foreign_within};
use crate::verdict::{CaseResult, Verdict};

/// GitHub shows at most 10 annotations of a kind for a step. Source: GitHub Actions, workflow commands, limits of
/// annotations.
const ANNOTATIONS_LIMIT: usize = 10;

/// The longest title and the longest message, in characters; the text report has the rest.
const TITLE_LIMIT: usize = 200;
const MESSAGE_LIMIT: usize = 3000;

const NAMES_LIMIT: usize = 3;

/// Writes the text report with workflow commands: the cases are folded, and cases that went wrong alike share an
/// annotation. Where there are more annotations than GitHub shows, the last one counts the rest.
#[derive(Debug)]
pub struct GithubSink<W: Write> {
    text: TextSink<W>,
}

impl<W: Write> GithubSink<W> {
    /// A log that is written to `out`; the register has the texts of the requirements.
    pub fn new(out: W, register: &Register, options: TextOptions) -> Self {
        // The log's colours come from its commands.
        Self { text: TextSink::new(out, register, TextOptions { colour: false, ..options }) }
    }

    fn annotations(&self) -> Vec<WorkflowCommand> {
        let mut errors = Vec::new();
        for verdict in PROBLEMS.into_iter().rev() {
            errors.extend(
                case_groups::failures(&self.text.collected, verdict).into_iter().map(|group| self.failure(&group)),
            );
        }
        let mut commands = limited("error", errors, "failure");
        commands.extend(limited("warning", self.warnings(), "warning"));
        let run = self.text.collected.run.as_ref();
        let title = run.map_or_else(String::new, |run| format!("{} of {}", run.operation, run.target.name));
        let mut message = Conclusion::of(&self.text.collected).sentence();
        if let Some(cut_short) = words::cut_short(&self.text.collected) {
            message = format!("{cut_short}\n{message}");
        }
        commands.push(WorkflowCommand { kind: "notice", title, message });
        commands
    }

    fn failure(&self, group: &[&CaseResult]) -> WorkflowCommand {
        let first = group[0];
        let mut requirements: Vec<&str> = first.violations.iter().map(|broken| broken.requirement.as_str()).collect();
        requirements.dedup();
        let blamed = if requirements.is_empty() { String::new() } else { format!("{}: ", requirements.join(", ")) };
        let title = format!("{} {blamed}{}", first.verdict, self.case_names(group));
        let mut lines = Vec::new();
        if group.len() == 1 || first.verdict == Verdict::Fail {
            lines.push(first.title.clone());
        }
        if first.violations.is_empty() || first.reason.is_some() {
            lines.push(words::reason_of(first));
        }
        for alike in case_groups::violations(group).chunk_by(SharedViolation::is_of_the_same) {
            lines.push(words::requirement(alike[0].violation, &self.text.register));
            lines.extend(alike.iter().map(particulars));
        }
        WorkflowCommand { kind: "error", title, message: lines.join("\n") }
    }

    fn warnings(&self) -> Vec<WorkflowCommand> {
        let command = |shared: SharedViolation<'_>| {
            let title = format!("{}: {}", shared.violation.requirement, self.case_names(&shared.cases));
            let requirement = words::requirement(shared.violation, &self.text.register);
            let message = format!("{requirement}\n{}", particulars(&shared));
            WorkflowCommand { kind: "warning", title, message }
        };
        case_groups::warnings(&self.text.collected).into_iter().map(command).collect()
    }

    fn case_names(&self, group: &[&CaseResult]) -> String {
        case_groups::names_or_all(group, &self.text.collected, NAMES_LIMIT, |name, count| match count {
            1 => name.to_owned(),
            several => format!("{name} ({several} cases)"),
        })
    }
}

fn particulars(shared: &SharedViolation<'_>) -> String {
    let FaultText { at, expected, actual } = shared.text();
    format!("at {at}: expected {expected}, found {actual}")
}

/// At most 10 commands; where there are more, the last one counts the rest.
fn limited(kind: &'static str, mut commands: Vec<WorkflowCommand>, noun: &str) -> Vec<WorkflowCommand> {
    if commands.len() > ANNOTATIONS_LIMIT {
        let rest = commands.split_off(ANNOTATIONS_LIMIT - 1);
        let titles: Vec<String> = rest.into_iter().map(|command| command.title).collect();
        let title = words::count(titles.len(), &format!("more {noun}"));
        commands.push(WorkflowCommand { kind, title, message: titles.join("\n") });
    }
    commands
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
    fn what_failed_alike_is_one_annotation_and_the_most_telling_come_first() {
        let log = github(&sample::events());
        let commands: Vec<_> = log.lines().filter_map(read).collect();
        let kinds: Vec<_> = commands.iter().map(|(kind, ..)| kind.as_str()).collect();
        let expected = ["group", "endgroup", "error", "error", "error", "error", "error", "warning", "notice"];
        assert_eq!(kinds, expected);
        assert_eq!(commands[2].1, "fail GC-ERR-02: errors/not-found");
        assert_eq!(commands[3].1, "fail GC-DUR-02: parameters/duration-outside (2 cases)");
        assert!(
            commands[3]
                .2
                .ends_with("at status: expected 400 ValidationException, found 200 application/x-amz-json-1.1")
        );
    }

    #[test]
    fn no_more_annotations_are_written_than_are_shown_and_the_last_counts_the_rest() {
        let failing = |index| CaseResult {
            title: format!("case {index}"),
            ..sample::case(&format!("a/c{index}"), Verdict::Fail)
        };
        let log = github(&sample::events_of((0..25).map(failing).collect(), true));
        let errors: Vec<_> = log.lines().filter_map(read).filter(|(kind, ..)| kind == "error").collect();
        assert_eq!(errors.len(), ANNOTATIONS_LIMIT);
        assert_eq!(errors[9].1, "16 more failures");
        assert_eq!(errors[9].2.lines().count(), 16);
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
