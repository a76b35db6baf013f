//! The report for people: what happened, failures last, and one command to see it again.

mod findings;
mod page;
mod totals;

use std::io::{self, Write};

use page::{Page, Tone};

use super::collected::Collected;
use super::event::{Event, RunEvent};
use super::{Sink, words};
use crate::contract::Register;
use crate::record::DriverRecord;
use crate::verdict::{CaseResult, Verdict};
use crate::wire::escape;

/// How much of a run is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Failures and totals.
    Quiet,
    /// Also each suite's counts, warnings, and what was not run.
    #[default]
    Normal,
    /// Also each case on a line of its own as soon as it is done, and lists in full.
    Verbose,
}

/// How a [`TextSink`] writes.
#[derive(Clone, Debug, Default)]
pub struct TextOptions {
    /// Whether to colour the text with terminal codes.
    pub colour: bool,
    /// How much to tell.
    pub detail: Detail,
    /// The command that repeats the whole run, with its seed, ready for a shell.
    pub again: String,
    /// The same command without its patterns and its shard: the ids of failed cases are put behind it.
    pub again_for: String,
}

/// Writes the report for people: the header when the run begins, the rest when it is over.
///
/// Whatever a target said is escaped; nothing in it can steer a terminal.
#[derive(Debug)]
pub struct TextSink<W> {
    out: W,
    options: TextOptions,
    register: Register,
    heard: Collected,
    /// Whether nothing has been written yet.
    first: bool,
}

impl<W: Write> TextSink<W> {
    /// A report that is written to `out`, with the words of a register's requirements.
    pub fn new(out: W, register: &Register, options: TextOptions) -> Self {
        Self { out, options, register: register.clone(), heard: Collected::default(), first: true }
    }

    fn page(&self) -> Page {
        Page::new(self.options.colour, self.first)
    }

    fn print(&mut self, page: &Page) -> io::Result<()> {
        self.first &= page.text().is_empty();
        self.out.write_all(page.text().as_bytes())?;
        self.out.flush()
    }

    fn begin(&mut self, run: &RunEvent) -> io::Result<()> {
        let mut page = self.page();
        if self.options.detail > Detail::Quiet {
            page.line(&header(run));
        }
        if let Some(lines) = obstacle(run) {
            page.gap();
            for line in lines {
                page.line(&page.paint(Tone::Bad, &line));
            }
        }
        if self.options.detail == Detail::Verbose {
            page.gap();
        }
        self.print(&page)
    }

    fn tell(&mut self, case: &CaseResult) -> io::Result<()> {
        if self.options.detail < Detail::Verbose {
            return Ok(());
        }
        let mut page = self.page();
        let verdict = page.paint(Tone::of(case.verdict), &format!("{:<15}", case.verdict.word()));
        let warnings = match case.warnings.len() {
            0 => String::new(),
            some => format!(", {}", words::count(some, "warning")),
        };
        page.line(&format!("{verdict} {} {}{warnings}", escape(&case.id), words::duration(case.duration_ms)));
        self.print(&page)
    }
}

impl<W: Write> Sink for TextSink<W> {
    fn hear(&mut self, event: &Event) -> io::Result<()> {
        self.heard.hear(event);
        match event {
            Event::Run(run) => self.begin(run),
            Event::Case(case) => self.tell(case),
            Event::Requirement(_) | Event::Summary(_) => Ok(()),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        let mut page = self.page();
        let TextSink { options, register, heard, .. } = self;
        if options.detail > Detail::Quiet {
            totals::suites(&mut page, heard);
            findings::warnings(&mut page, heard, register, options.detail);
            findings::excused(&mut page, heard, options.detail);
        }
        findings::failures(&mut page, heard, register, options.detail);
        totals::totals(&mut page, heard);
        totals::again(&mut page, heard, options);
        self.print(&page)
    }
}

fn header(run: &RunEvent) -> String {
    let RunEvent { tool, suite, selected, seed, target, .. } = run;
    if let Some(driver) = &run.driver {
        let DriverRecord { sdk, sdk_version, driver, runtime, isolated, .. } = driver.as_ref();
        let network = if *isolated { "with nothing but loopback" } else { "in this machine's network" };
        let cases = words::count(*selected, "case");
        return escape(&format!(
            "{tool}: {suite} by {sdk} {sdk_version} on {runtime}, driver {driver}, {network}; {cases}"
        ));
    }
    escape(&format!(
        "{tool}: {suite} of {} at {} in {}, which claims {}; {}, seed {seed}",
        target.name,
        target.endpoint,
        target.region,
        target.features.join(", "),
        words::count(*selected, "case"),
    ))
}

/// What the probe found to stand between the cases and the operation, and what to do about it.
fn obstacle(run: &RunEvent) -> Option<[String; 3]> {
    let advice = match run.target.class.as_str() {
        "answers" => return None,
        "refused-credentials" => {
            "Give it credentials that it accepts (AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), or send \
             unsigned requests with --no-sign."
        }
        "unreachable" => {
            "Check that it runs, that the endpoint is right, and that nothing between here and there stops the call."
        }
        "redirect" => "Give the address that it redirects to as the endpoint.",
        "server-fault" => "Its own log should tell why; the cases below are judged all the same.",
        _ => {
            "Nothing is held against it: every case is not-implemented. If it should have the operation, check the \
             endpoint, and that its service redshift-serverless is switched on."
        }
    };
    let meaning = format!("The target {}.", escape(&run.target.meaning));
    Some([meaning, format!("It said: {}", escape(&run.target.said)), advice.to_owned()])
}

/// Whether a verdict is one that somebody has to look at.
fn is_problem(verdict: Verdict) -> bool {
    !matches!(verdict, Verdict::Pass | Verdict::KnownFail | Verdict::NotApplicable)
}
