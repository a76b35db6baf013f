//! Where the reports of a run go.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Args, ValueEnum};

use super::Failure;
use super::again::Again;
use super::output::{Stdout, say, wants_colour, width};
use super::summary::StepSummary;
use crate::contract::Contract;
use crate::report::{
    BadgeForm, BadgeSink, Detail, Event, FiledReport, GithubSink, HtmlSink, JsonSink, JunitSink, MarkdownSink,
    ReportFile, Sink, StreamSink, TextOptions, TextSink,
};
use crate::text::file_name;

/// The flags that say what is reported where.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Reports")]
pub(super) struct ReportArgs {
    /// What goes to standard output [default: auto]
    #[arg(long, env = "COUNTERSIGN_FORMAT", value_enum, value_name = "FORMAT")]
    format: Option<Format>,

    /// Print a line for every case
    #[arg(long, short, env = "COUNTERSIGN_VERBOSE")]
    verbose: bool,

    /// Write the run stream, one JSON object a line (- is standard output)
    #[arg(long, env = "COUNTERSIGN_REPORT_JSONL", value_name = "FILE")]
    report_jsonl: Option<PathBuf>,

    /// Write the run as one JSON object
    #[arg(long, env = "COUNTERSIGN_REPORT_JSON", value_name = "FILE")]
    report_json: Option<PathBuf>,

    /// Write a JUnit report
    #[arg(long, env = "COUNTERSIGN_REPORT_JUNIT", value_name = "FILE")]
    report_junit: Option<PathBuf>,

    /// Write one HTML file that opens without a network
    #[arg(long, env = "COUNTERSIGN_REPORT_HTML", value_name = "FILE")]
    report_html: Option<PathBuf>,

    /// Write the run as Markdown; the job summary of GitHub Actions gets it in any case
    #[arg(long, env = "COUNTERSIGN_REPORT_MD", value_name = "FILE")]
    report_md: Option<PathBuf>,

    /// Write a badge: FILE.json for an endpoint badge of shields.io, FILE.svg for an image; repeat it for both
    #[arg(long, env = "COUNTERSIGN_BADGE", value_name = "FILE", value_delimiter = ',', value_parser = PathBufValueParser::new().try_map(badge))]
    badge: Vec<Badge>,
}

impl ReportArgs {
    /// Writes the run stream to this file.
    pub(super) fn write_stream_to(&mut self, file: PathBuf) {
        self.report_jsonl = Some(file);
    }
}

/// A badge that is asked for.
#[derive(Clone, Debug)]
struct Badge {
    file: PathBuf,
    form: BadgeForm,
}

fn badge(file: PathBuf) -> Result<Badge, &'static str> {
    let form = BadgeForm::of(&file).ok_or("expected a file that ends in .json or .svg")?;
    Ok(Badge { file, form })
}

/// What goes to standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text, unless a report is written to standard output
    Auto,
    /// Text for people
    Text,
    /// Failures and totals only
    Quiet,
    /// The run stream, one JSON object a line
    Jsonl,
    /// Text as a log of GitHub Actions, with annotations
    Github,
}

impl ReportArgs {
    /// Whether a report is to be written into a file.
    pub(super) fn writes_files(&self) -> bool {
        self.files().next().is_some()
    }

    /// The files that reports are written into, each with its flag.
    fn files(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let files = [
            ("--report-jsonl", &self.report_jsonl),
            ("--report-json", &self.report_json),
            ("--report-junit", &self.report_junit),
            ("--report-html", &self.report_html),
            ("--report-md", &self.report_md),
        ];
        let files = files.into_iter().filter_map(|(flag, file)| Some((flag, file.as_deref()?)));
        files
            .chain(self.badge.iter().map(|badge| ("--badge", badge.file.as_path())))
            .filter(|(_, file)| *file != Path::new("-"))
    }

    /// Refuses two reports in one file, and a report in one of the files that are `read`.
    pub(super) fn check_files(&self, read: &[PathBuf]) -> Result<(), Failure> {
        let mut taken: BTreeMap<PathBuf, &str> = read.iter().map(|file| (place(file), "--from")).collect();
        for (flag, file) in self.files() {
            if let Some(other) = taken.insert(place(file), flag) {
                return Err(Failure::usage(format!(
                    "{flag} and {other} name the same file, {}; give each its own",
                    file_name(file)
                )));
            }
        }
        Ok(())
    }

    /// The first of the reports asked for that has room for one run only.
    pub(super) fn for_one_run(&self) -> Option<&'static str> {
        [
            (self.report_jsonl.is_some(), "--report-jsonl"),
            (self.report_json.is_some(), "--report-json"),
            (self.report_junit.is_some(), "--report-junit"),
            (!self.badge.is_empty(), "--badge"),
            (self.format == Some(Format::Jsonl), "--format jsonl"),
            (self.format == Some(Format::Github), "--format github"),
        ]
        .into_iter()
        .find_map(|(asked, flag)| asked.then_some(flag))
    }
}

/// Every report of a run. The first error is kept and told at the end; the run goes on for the others.
pub(super) struct Reports {
    sinks: Vec<Box<dyn Sink>>,
    /// Nobody asked for it by name: whether it can be written changes no exit code.
    summary: Option<StepSummary>,
    error: Option<io::Error>,
}

impl Reports {
    /// Opens every report, so that a path that cannot be written is found before anything is sent.
    pub(super) fn open(args: &ReportArgs, contract: &Contract, again: &Again) -> Result<Self, Failure> {
        Self::open_for(args, contract, again, 1)
    }

    /// The same for so many runs.
    pub(super) fn open_for(
        args: &ReportArgs,
        contract: &Contract,
        again: &Again,
        runs: usize,
    ) -> Result<Self, Failure> {
        let files = [&args.report_jsonl, &args.report_json, &args.report_junit, &args.report_html, &args.report_md];
        let to_stdout = files.iter().filter(|file| file.as_deref() == Some(Path::new("-"))).count();
        let format = match args.format.unwrap_or(Format::Auto) {
            Format::Auto if to_stdout > 0 => None,
            Format::Auto => Some(Format::Text),
            format => Some(format),
        };
        if to_stdout + usize::from(format.is_some()) > 1 {
            return Err(Failure::usage("only one report can go to standard output; give the others a file"));
        }
        let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
        let register = &contract.register;
        if let Some(file) = &args.report_jsonl {
            sinks.push(filed(file, StreamSink::new)?);
        }
        if let Some(file) = &args.report_json {
            sinks.push(filed(file, JsonSink::new)?);
        }
        if let Some(file) = &args.report_junit {
            sinks.push(filed(file, |out| JunitSink::new(out, register))?);
        }
        if let Some(file) = &args.report_html {
            sinks.push(filed(file, |out| HtmlSink::new(out, register))?);
        }
        if let Some(file) = &args.report_md {
            sinks.push(filed(file, |out| MarkdownSink::new(out, register))?);
        }
        for Badge { file, form } in &args.badge {
            sinks.push(filed(file, |out| BadgeSink::new(out, *form))?);
        }
        let stdout = || io::BufWriter::new(Stdout);
        match format {
            Some(Format::Jsonl) => sinks.push(Box::new(StreamSink::new(stdout()))),
            Some(format) => {
                let detail = match format {
                    Format::Quiet => Detail::Quiet,
                    _ if args.verbose => Detail::Verbose,
                    _ => Detail::Normal,
                };
                let options = TextOptions {
                    detail,
                    several: runs > 1,
                    colour: wants_colour(),
                    width: Some(width()),
                    again: again.whole.clone(),
                    again_for: again.part.clone(),
                };
                if format == Format::Github {
                    sinks.push(Box::new(GithubSink::new(stdout(), register, options)));
                } else {
                    sinks.push(Box::new(TextSink::new(stdout(), register, options)));
                }
            }
            None => {}
        }
        let summary = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty());
        let summary = summary.map(|path| StepSummary::new(path.into(), register));
        Ok(Self { sinks, summary, error: None })
    }

    /// Tells every report.
    pub(super) fn hear(&mut self, event: &Event) {
        for sink in &mut self.sinks {
            if let Err(error) = sink.hear(event) {
                self.error.get_or_insert(error);
            }
        }
        if let Some(summary) = &mut self.summary {
            summary.hear(event);
        }
    }

    /// Finishes every report.
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        for sink in &mut self.sinks {
            if let Err(error) = sink.finish() {
                self.error.get_or_insert(error);
            }
        }
        if let Some(summary) = self.summary.take()
            && let Err(error) = summary.finish()
        {
            say(&format!("warning: the job summary is not written: {error}"));
        }
        match self.error.take() {
            // A reader that has read enough, such as `head`, is no failure.
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::usage(error.to_string())),
            _ => Ok(()),
        }
    }
}

/// Where a file is or will be, by whatever path it is named.
pub(super) fn place(file: &Path) -> PathBuf {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let in_folder = || Some(folder.canonicalize().ok()?.join(file.file_name()?));
    file.canonicalize().ok().or_else(in_folder).unwrap_or_else(|| file.to_owned())
}

fn filed<S: Sink + 'static>(
    file: &Path,
    make: impl FnOnce(crate::report::Writer) -> S,
) -> Result<Box<dyn Sink>, Failure> {
    let opened = ReportFile::open(file).and_then(|opened| opened.report(make));
    let report: FiledReport<S> = opened.map_err(|error| Failure::usage(error.to_string()))?;
    Ok(Box::new(report))
}
