//! The formats of reports that are files, each with its flag and what makes it. A new format is one file with a
//! [`Report`] in it, and one row of [`FORMATS`].

use std::io::{self, Write};
use std::path::Path;

use super::badge::{Badge, BadgeForm};
use super::collected::Collected;
use super::history::History;
#[cfg(feature = "cli")]
use super::html::Html;
use super::json::Json;
#[cfg(feature = "cli")]
use super::junit::Junit;
use super::markdown::Markdown;
use super::stream::StreamSink;
use super::{Event, FileError, ReportFile, ReportWriter, Sink};
use crate::contract::Register;

/// A report that is made after the last event.
pub trait Report {
    /// Writes the report.
    ///
    /// # Errors
    /// When it cannot be written.
    fn write(&self, collected: Runs<'_>, out: &mut dyn Write) -> io::Result<()>;
}

/// How the runs of a report stand to each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// There is one run.
    #[default]
    Alone,
    /// There are several runs, whose targets are compared.
    SideBySide,
    /// The runs are those of one target, in the order of time; each with the name of its file.
    OverTime(Vec<String>),
}

/// The runs of a report, and the register with the texts of the requirements.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_field_names, reason = "the runs of a report are its runs")]
pub struct Runs<'a> {
    /// At least one.
    pub(super) runs: &'a [Collected],
    pub(super) register: &'a Register,
    pub(super) layout: &'a Layout,
}

impl<'a> Runs<'a> {
    /// The first run, for a format that shows only one.
    pub(super) fn first(&self) -> &'a Collected {
        &self.runs[0]
    }

    /// The history of the runs, where they are to be shown over time.
    pub(super) fn history(&self) -> Option<History<'a>> {
        let Layout::OverTime(files) = self.layout else { return None };
        Some(History::of(self.runs, files, self.register))
    }
}

/// A format of reports that are files.
#[derive(Clone, Copy, Debug)]
pub struct ReportFormat {
    /// The flag that asks for it, without its hyphens.
    pub flag: &'static str,
    /// What the flag is for.
    pub help: &'static str,
    /// The endings that its files can have, without the dot; empty where any ending will do.
    pub endings: &'static [&'static str],
    /// Whether it can show several runs side by side.
    pub several: bool,
    /// Whether it shows what was sent and answered where a case passes.
    pub shows_passes: bool,
    /// When it is made, and by what.
    pub made: ReportMaker,
}

/// When a report is made, and by what.
#[derive(Clone, Copy, Debug)]
pub enum ReportMaker {
    /// Event by event: nothing is kept.
    AsHeard(fn(ReportWriter) -> Box<dyn Sink>),
    /// After the last event, for a file with this path.
    AtTheEnd(fn(&Path) -> Box<dyn Report>),
}

/// Every format of reports that are files, in the order in which help lists them.
pub const FORMATS: &[ReportFormat] = &[
    ReportFormat {
        flag: "report-jsonl",
        help: "Write the run stream, one JSON object a line (- is standard output)",
        endings: &[],
        several: false,
        shows_passes: true,
        made: ReportMaker::AsHeard(|out| Box::new(StreamSink::new(out))),
    },
    ReportFormat {
        flag: "report-json",
        help: "Write the run as one JSON object",
        endings: &[],
        several: false,
        shows_passes: true,
        made: ReportMaker::AtTheEnd(|_| Box::new(Json)),
    },
    #[cfg(feature = "cli")]
    ReportFormat {
        flag: "report-junit",
        help: "Write a JUnit report",
        endings: &[],
        several: false,
        shows_passes: false,
        made: ReportMaker::AtTheEnd(|_| Box::new(Junit)),
    },
    #[cfg(feature = "cli")]
    ReportFormat {
        flag: "report-html",
        help: "Write one HTML file that opens without a network",
        endings: &[],
        several: true,
        shows_passes: true,
        made: ReportMaker::AtTheEnd(|_| Box::new(Html)),
    },
    ReportFormat {
        flag: "report-md",
        help: "Write the run as Markdown; the job summary of GitHub Actions gets it in any case",
        endings: &[],
        several: true,
        shows_passes: false,
        made: ReportMaker::AtTheEnd(|_| Box::new(Markdown::default())),
    },
    ReportFormat {
        flag: "badge",
        help: "Write a badge: FILE.json for an endpoint badge of shields.io, FILE.svg for an image; repeat it for both",
        endings: &["json", "svg"],
        several: false,
        shows_passes: false,
        made: ReportMaker::AtTheEnd(|path| Box::new(Badge(BadgeForm::of(path)))),
    },
];

/// Collects the events of runs once for any number of reports, and makes the reports after the last event.
pub struct Collecting {
    register: Register,
    layout: Layout,
    runs: Vec<Collected>,
    reports: Vec<(Box<dyn Report>, ReportFile)>,
}

impl Collecting {
    /// A collector without runs and reports; the register has the texts of the requirements.
    pub fn new(register: &Register) -> Self {
        Self::laid_out(register, Layout::default())
    }

    /// The same for runs that stand to each other in this way.
    pub fn laid_out(register: &Register, layout: Layout) -> Self {
        Self { register: register.clone(), layout, runs: Vec::new(), reports: Vec::new() }
    }

    /// Adds a report, and the file to write it to.
    pub fn add(&mut self, report: Box<dyn Report>, file: ReportFile) {
        self.reports.push((report, file));
    }

    /// Makes a report of the events so far.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn bytes_of(&self, report: &dyn Report) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.write(report, &mut bytes)?;
        Ok(bytes)
    }

    fn write(&self, report: &dyn Report, out: &mut dyn Write) -> io::Result<()> {
        let nothing = [Collected::default()];
        let runs = if self.runs.is_empty() { &nothing[..] } else { &self.runs };
        report.write(Runs { runs, register: &self.register, layout: &self.layout }, out)?;
        out.flush()
    }
}

impl Sink for Collecting {
    fn hear(&mut self, event: &Event) -> io::Result<()> {
        if self.runs.is_empty() || matches!(event, Event::Run(_)) {
            self.runs.push(Collected::default());
        }
        if let Some(run) = self.runs.last_mut() {
            run.hear(event);
        }
        Ok(())
    }

    /// Makes every report; returns the first error after all were tried.
    fn finish(&mut self) -> io::Result<()> {
        let mut result = Ok(());
        for (report, file) in std::mem::take(&mut self.reports) {
            let writing = file.writer().map_err(io::Error::other);
            let write = |mut out| self.write(&*report, &mut out).map_err(|error| file.failed(&error));
            let writing = writing.and_then(write);
            let writing = writing.and_then(|()| file.commit().map_err(FileError::into));
            result = result.and(writing);
        }
        result
    }
}

/// Makes one report of the events of finished runs.
///
/// # Errors
/// When it cannot be made.
pub fn report_of(events: &[Event], report: &dyn Report, register: &Register) -> io::Result<Vec<u8>> {
    let mut collecting = Collecting::new(register);
    events.iter().try_for_each(|event| collecting.hear(event))?;
    collecting.bytes_of(report)
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use std::collections::BTreeSet;

    use super::super::tests::sample;
    use super::*;

    #[test]
    fn every_format_has_a_flag_of_its_own_and_makes_a_report() {
        let flags: BTreeSet<_> = FORMATS.iter().map(|format| format.flag).collect();
        assert_eq!((flags.len(), FORMATS.len()), (6, 6));
        for format in FORMATS {
            let path = format!("a.{}", format.endings.first().unwrap_or(&"txt"));
            let ReportMaker::AtTheEnd(make) = format.made else { continue };
            let report = |events: &[Event]| report_of(events, &*make(Path::new(&path)), &sample::register());
            assert!(!report(&sample::events()).expect("memory takes everything").is_empty(), "{}", format.flag);
            // The report of a run that never began is made or refused, and does not panic.
            drop(report(&[]));
        }
    }
}
