//! The report for people: what happened, failures last, and one command to see it again.

mod findings;
mod history;
mod totals;
#[cfg(feature = "run")]
mod trial;

pub use history::HistorySink;

use std::io::{self, Write};

use super::case_groups::is_problem;
use super::collected::Collected;
use super::conclusion::Tone;
use super::event::{Event, RunEvent};
use super::fold::hang;
use super::words::Obstacle;
use super::{Sink, words};
#[cfg(feature = "run")]
pub(crate) use trial::trial_failure;

use crate::contract::Register;
use crate::text::{LINE_SHOWN, cut, escape};
use crate::verdict::CaseResult;

const VERDICT_WIDTH: usize = 15;

/// How much of a run the text report shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Failures and totals.
    Quiet,
    /// Also warnings and what was not run; each suite's counts where nothing went wrong.
    #[default]
    Normal,
    /// Also each case on a line of its own as soon as it is done, each suite's counts, and lists in full.
    Verbose,
}

/// How a [`TextSink`] writes.
#[derive(Clone, Debug, Default)]
pub struct TextOptions {
    /// Whether to colour the text with terminal codes.
    pub colour: bool,
    /// Whether sources are links, with terminal codes.
    pub links: bool,
    /// How much to tell.
    pub detail: Detail,
    /// Whether the report has several runs, so that each names its target at every level of detail.
    pub several: bool,
    /// How many columns a line may take; prose is folded, commands are not. `None` for no limit.
    pub width: Option<usize>,
    /// The command that repeats the whole run, with its seed, ready for a shell.
    pub again: String,
    /// The same command without its patterns and its shard: the ids of failed cases are put behind it.
    pub again_for: String,
    /// What follows those ids; empty if nothing does.
    pub again_behind: String,
}

/// Writes the report for people: the header when the run begins, the rest when it is over.
///
/// The text of a target is escaped, so that it cannot control a terminal.
#[derive(Debug)]
pub struct TextSink<W> {
    pub(super) out: W,
    options: TextOptions,
    pub(super) register: Register,
    pub(super) collected: Collected,
    /// Whether nothing has been written yet.
    first: bool,
}

impl<W: Write> TextSink<W> {
    /// A report that is written to `out`; the register has the texts of the requirements.
    pub fn new(out: W, register: &Register, options: TextOptions) -> Self {
        Self { out, options, register: register.clone(), collected: Collected::default(), first: true }
    }

    fn page(&self) -> TextPage {
        TextPage::new(&self.options, self.first)
    }

    fn print(&mut self, page: &TextPage) -> io::Result<()> {
        self.first &= page.text.is_empty();
        self.out.write_all(page.text.as_bytes())?;
        self.out.flush()
    }

    fn begin(&mut self, run: &RunEvent) -> io::Result<()> {
        let mut page = self.page();
        if self.options.detail > Detail::Quiet || self.options.several {
            page.line(&header(run));
        }
        if let Some(Obstacle { meaning, met, said, advice }) = words::obstacle(run) {
            page.gap();
            for line in [meaning, format!("{met}: {said}"), advice] {
                page.line(&page.paint(Tone::Bad, &line));
            }
        }
        if self.options.detail == Detail::Verbose {
            page.gap();
        }
        self.print(&page)
    }

    fn print_case(&mut self, case: &CaseResult) -> io::Result<()> {
        if self.options.detail < Detail::Verbose {
            return Ok(());
        }
        let mut page = self.page();
        let line = case_line(case);
        let (verdict, rest) = line.split_at(VERDICT_WIDTH);
        page.line(&format!("{}{rest}", page.paint(case.verdict.into(), verdict)));
        self.print(&page)
    }
}

impl<W: Write> Sink for TextSink<W> {
    fn hear(&mut self, event: &Event) -> io::Result<()> {
        if matches!(event, Event::Run(_)) && self.collected.run.is_some() {
            // Another run: the one before is over.
            self.finish()?;
            self.collected = Collected::default();
            let mut page = self.page();
            page.gap();
            self.print(&page)?;
        }
        self.collected.hear(event);
        match event {
            Event::Run(run) => self.begin(run),
            Event::Case(case) => self.print_case(case),
            Event::Requirement(_) | Event::Summary(_) => Ok(()),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        let mut page = self.page();
        let TextSink { options, register, collected, .. } = self;
        if options.detail > Detail::Quiet {
            // Where something went wrong, the failures say where; a table would only push them off the screen.
            if options.detail == Detail::Verbose || !collected.cases.iter().any(|case| is_problem(case.verdict)) {
                totals::suites(&mut page, collected);
            }
            findings::warnings(&mut page, collected, register, options.detail);
            findings::excused_cases(&mut page, collected, options.detail);
        }
        findings::failures(&mut page, collected, register, options.detail);
        totals::totals(&mut page, collected, options);
        totals::rerun_command(&mut page, collected, options);
        self.print(&page)
    }
}

/// A case on one line: verdict, id, duration, and how many warnings.
pub(super) fn case_line(case: &CaseResult) -> String {
    let warnings = match case.warnings.len() {
        0 => String::new(),
        some => format!(", {}", words::count(some, "warning")),
    };
    let (verdict, id) = (case.verdict.word(), escape(&case.id));
    format!("{verdict:<VERDICT_WIDTH$} {id} {}{warnings}", words::duration(case.duration_ms))
}

fn header(run: &RunEvent) -> String {
    let RunEvent { tool, selected, shard, seed, target, .. } = run;
    let operation = run.judged_operation();
    if let Some(driver) = &run.driver {
        return escape(&format!("{tool}: {operation} by {}; {}", words::sdk(driver), words::count(*selected, "case")));
    }
    let shard = shard.as_ref().map_or_else(String::new, |shard| format!(" (shard {shard})"));
    escape(&format!(
        "{tool}: {operation} of {} at {} in {}, which claims {}; {}{shard}, seed {seed}",
        target.name,
        target.endpoint,
        target.region,
        target.features.join(", "),
        words::count(*selected, "case"),
    ))
}

/// Text that grows line by line.
#[derive(Debug)]
struct TextPage {
    text: String,
    colour: bool,
    links: bool,
    width: usize,
    /// Whether this text comes first.
    first: bool,
    audience: Audience,
}

/// Who reads of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Audience {
    /// Who ran the program: a command asks the target again, and a flag shows more.
    Run,
    /// Who ran a trial: the request stands for a command, since the target need not be there any more, and the name of
    /// the trial for those of its cases.
    Trial,
}

impl TextPage {
    fn new(options: &TextOptions, first: bool) -> Self {
        let TextOptions { colour, links, width, .. } = *options;
        let width = width.unwrap_or(usize::MAX);
        Self { text: String::new(), colour, links, width, first, audience: Audience::Run }
    }

    /// A line of prose. Where it is folded, its further lines begin where the first one does.
    fn line(&mut self, line: &str) {
        let (indent, text) = line.split_at(line.len() - line.trim_start().len());
        self.labelled(indent, text);
    }

    /// A line of prose behind a label. Where it is folded, its further lines begin below its text.
    fn labelled(&mut self, label: &str, text: &str) {
        for line in hang(&cut(label, LINE_SHOWN), &cut(text, LINE_SHOWN), self.width).split('\n') {
            self.command(line);
        }
    }

    /// A line that is never folded, so that it can be copied.
    fn command(&mut self, line: &str) {
        self.text.push_str(&words::no_command(line));
        self.text.push('\n');
    }

    /// What shows the rest of a list: ` (-v shows them)`; empty where there is no such flag.
    const fn hint(&self) -> &'static str {
        match self.audience {
            Audience::Run => " (-v shows them)",
            Audience::Trial => "",
        }
    }

    /// An empty line, but not as the very first.
    fn gap(&mut self) {
        if !(self.first && self.text.is_empty()) {
            self.text.push('\n');
        }
    }

    fn title(&mut self, title: &str) {
        self.gap();
        self.line(&self.bold(title));
    }

    fn bold(&self, text: &str) -> String {
        self.coded("1", text)
    }

    fn paint(&self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Bad => "1;31",
            Tone::Doubt => "33",
            Tone::Calm => "2",
            Tone::Good => "32",
        };
        self.coded(code, text)
    }

    /// A text behind a parameter of the terminal code "select graphic rendition" (ECMA-48, 8.3.117).
    fn coded(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
