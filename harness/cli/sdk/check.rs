//! `countersign sdk check`: an SDK against a recorded run of it, for CI.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgGroup, Args};

use super::ChosenDriver;
use super::run::{JOBS, execute};
use crate::cli::accepted::AcceptedArgs;
use crate::cli::diff::{DiffFormat, FailOn, detail, stream};
use crate::cli::library::Library;
use crate::cli::output::say;
use crate::cli::{Failure, FixtureArgs, summary};
use crate::report::markdown::prose;
use crate::report::words::count;
use crate::report::{DriverEvent, Event, Exit, MARKDOWN_LIMIT, ReportFile, StreamSink, replay};
use crate::sdk::diff::SdkDiff;
use crate::sdk::drivers::Driver;
use crate::sdk::install::{Cache, SdkVersion, python_in};
use crate::sdk::{RunnerOptions, drivers};
use crate::text::{file_name, foreign};

/// The arguments of `sdk check`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("sdk").required(true).args(["python", "node_dir", "driver"]))]
pub(super) struct SdkCheckArgs {
    /// Run only the cases that a pattern selects, as in `sdk run`; the same as when the baseline was recorded
    #[arg(value_name = "PATTERN")]
    patterns: Vec<String>,

    /// Check the boto3 of this interpreter or virtual environment; a name alone is looked up in PATH
    #[arg(long, env = "COUNTERSIGN_PYTHON", value_name = "PATH")]
    python: Option<PathBuf>,

    /// Check the AWS SDK for JavaScript v3 among the modules of this Node.js folder
    #[arg(long, env = "COUNTERSIGN_NODE_DIR", value_name = "PATH")]
    node_dir: Option<PathBuf>,

    /// Check this SDK of the cache folder; a version that is not there yet is installed
    #[arg(long, env = "COUNTERSIGN_DRIVER", value_name = "NAME[@VERSION]")]
    driver: Option<SdkVersion>,

    /// The recorded run to compare with
    #[arg(long, env = "COUNTERSIGN_SDK_BASELINE", value_name = "FILE")]
    baseline: PathBuf,

    /// Record this run as the baseline; it is still compared with the one before, but nothing fails
    #[arg(long)]
    update: bool,

    /// Exit code 1 where something of this class or a worse one changed: caller, attempts, wire, bytes, warnings, agent, timing, or none
    #[arg(long, env = "COUNTERSIGN_FAIL_ON", value_name = "CLASS", default_value = "caller")]
    fail_on: FailOn,

    #[command(flatten)]
    accepted: AcceptedArgs,

    /// What goes to standard output
    #[arg(long, value_enum, default_value = "text")]
    format: DiffFormat,

    /// Name every case and every change in it
    #[arg(long, short)]
    verbose: bool,

    /// Write the comparison as Markdown too; the job summary of GitHub Actions gets it in any case
    #[arg(long, env = "COUNTERSIGN_REPORT_MD", value_name = "FILE")]
    report_md: Option<PathBuf>,

    /// Run this number of cases at a time, each with a process of the driver
    #[arg(long, short, env = "COUNTERSIGN_JOBS", value_name = "N", default_value_t = JOBS, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,

    /// Ask the scripted server over TLS, as in `sdk run`; the same as when the baseline was recorded
    #[arg(long, env = "COUNTERSIGN_TLS")]
    tls: bool,

    #[command(flatten)]
    fixtures: FixtureArgs,
}

pub(super) fn run(args: &SdkCheckArgs) -> Result<ExitCode, Failure> {
    let recorded = args.baseline.exists().then(|| stream(&args.baseline)).transpose()?;
    if recorded.is_none() && !args.update {
        return Err(Failure::usage(format!(
            "there is no baseline {}; record one from the SDK that you have now with --update, and keep it with your sources",
            file_name(&args.baseline)
        )));
    }
    let (driver, sdk) = args.sdk()?;
    if let Some(old) = recorded.as_deref().and_then(driver_of)
        && old.driver != driver.name
    {
        return Err(Failure::usage(format!(
            "the baseline {} is of the driver {}, and this is {}; name another file with --baseline",
            file_name(&args.baseline),
            foreign(&old.driver),
            driver.name
        )));
    }
    let (library, clients) = Library::load_with_clients(args.fixtures.fixtures.clone())?;
    let cases = super::select(&library, &clients, &args.patterns, &[])?;
    // All downloads are done: from here on, the process has a network of its own, where that is possible.
    let isolated = super::isolate();
    let file = |path: &Path| ReportFile::open(path).map_err(usage);
    let recording = args.update.then(|| file(&args.baseline)).transpose()?;
    let markdown = args.report_md.as_deref().map(file).transpose()?;

    let (command, _folder) = ChosenDriver::Ours { driver, sdk }.ready()?;
    let options = RunnerOptions { jobs: args.jobs.into(), max_attempts: None, isolated, tls: args.tls };
    let mut events = Vec::new();
    let hear = |event: &Event| events.push(event.clone());
    let ended = crate::cli::block_on(execute(command, &library, &cases, options, hear))??;
    if !matches!(events.last(), Some(Event::Summary(summary)) if summary.complete) {
        say("the run was cut short: nothing is compared and nothing is written");
        return Ok(ended);
    }
    // Cases end in no fixed order; a file that is kept has one.
    events.sort_by(|one, other| place(one).cmp(&place(other)));

    let diff = recorded.map(|recorded| SdkDiff::new(&recorded, &events)).transpose();
    let (diff, verdict) = if let Some(recording) = recording {
        let mut report = recording.report(|out| Box::new(StreamSink::new(out))).map_err(usage)?;
        replay(&events, &mut report).map_err(usage)?;
        // What cannot be compared with the run before may still take its place.
        let mut diff = diff.unwrap_or_default();
        let accepted = diff.as_ref().and_then(SdkDiff::accepted).map(|text| format!("; {text}")).unwrap_or_default();
        let removed = diff.as_mut().map(|diff| args.accepted.take_over(diff)).transpose()?.flatten();
        let accepted = removed.map_or_else(|| accepted.clone(), |removed| format!("{accepted}; {removed}"));
        let (cases, file) = (count(cases.len(), "case"), file_name(&args.baseline));
        (diff, format!("passed: {cases} recorded in {file} as the baseline{accepted}"))
    } else {
        let mut diff =
            diff.map_err(|error| usage(format!("{}: {error}; --update records it anew", file_name(&args.baseline))))?;
        diff.as_mut().map(|diff| args.accepted.apply(diff)).transpose()?;
        let accept = "the same command with --update accepts that, and records this run as the baseline";
        let verdict = diff.as_ref().map(|diff| args.fail_on.conclusion(diff, accept));
        (diff, verdict.unwrap_or_default())
    };
    args.show(diff.as_ref(), &verdict, markdown)?;
    Ok(match diff {
        Some(diff) if !args.update => args.exit(&diff).into(),
        _ => ExitCode::SUCCESS,
    })
}

fn usage(error: impl std::fmt::Display) -> Failure {
    Failure::usage(error.to_string())
}

impl SdkCheckArgs {
    /// Which driver runs the SDK, and where the SDK is.
    fn sdk(&self) -> Result<(&'static Driver, PathBuf), Failure> {
        if let Some(path) = &self.python {
            let path = absolute(&found(path))?;
            let python = if path.is_dir() { python_in(&path) } else { path };
            return driver_and_path(
                python,
                "boto3",
                "--python",
                "the path or the name of an interpreter, or a virtual environment",
            );
        }
        if let Some(path) = &self.node_dir {
            let path = absolute(path)?;
            let folder = if path.ends_with("node_modules") { path.parent().unwrap_or(&path).to_owned() } else { path };
            if !folder.join("node_modules").is_dir() {
                return Err(Failure::usage(format!(
                    "--node-dir: expected a folder with node_modules, found none in {}; run `npm ci` there first",
                    file_name(&folder)
                )));
            }
            return driver_and_path(folder, "js-v3", "--node-dir", "a folder with node_modules");
        }
        let Some(wanted) = &self.driver else {
            return Err(Failure::usage("name the SDK with --python, --node-dir or --driver"));
        };
        let cache = Cache::of_user().map_err(Failure::usage)?;
        let installed = match (cache.find(wanted), &wanted.version) {
            (Ok(installed), _) => installed,
            (Err(_), Some(_)) => cache.install(wanted, say).map_err(Failure::usage)?,
            (Err(error), None) => return Err(Failure::usage(error)),
        };
        Ok((installed.driver, installed.sdk()))
    }

    /// Writes the comparison and the verdict wherever they were asked for. Standard output and Markdown end with the
    /// verdict; where standard output is a format that has no place for it, it is said beside it.
    fn show(&self, diff: Option<&SdkDiff>, verdict: &str, markdown: Option<ReportFile>) -> Result<(), Failure> {
        let text = |limit: usize| {
            let comparison = diff.map(|diff| diff.markdown_within(limit) + "\n").unwrap_or_default();
            format!("{comparison}**{}**\n", prose(verdict))
        };
        if let Some(file) = markdown {
            file.write(&text(MARKDOWN_LIMIT)).map_err(usage)?;
        }
        if let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) {
            let added: io::Result<()> = summary::append(Path::new(&path), |room| Ok(text(room).into_bytes()));
            added.map_err(|error| usage(format!("GITHUB_STEP_SUMMARY: {error}")))?;
        }
        if self.report_md.as_deref() == Some(Path::new("-")) {
            say(verdict);
            return Ok(());
        }
        let comparison = diff.map(|diff| self.format.of(diff, detail(self.verbose)));
        match self.format {
            DiffFormat::Text => {
                let parts: Vec<_> = comparison.iter().map(String::as_str).chain([verdict]).collect();
                self.format.print(&parts.join("\n\n"))?;
            }
            DiffFormat::Md => {
                self.format.print(text(MARKDOWN_LIMIT).trim_end())?;
            }
            DiffFormat::Html | DiffFormat::Json => {
                comparison.map(|comparison| self.format.print(&comparison)).transpose()?;
                say(verdict);
            }
        }
        Ok(())
    }

    fn exit(&self, diff: &SdkDiff) -> Exit {
        if diff.not_compared.is_empty() { self.fail_on.exit(diff) } else { Exit::Harness }
    }
}

/// What a shell would run by a path: a name alone that is no file here is looked up in PATH.
fn found(path: &Path) -> PathBuf {
    let is_name = path.file_name() == Some(path.as_os_str()) && !path.exists();
    let on_path = path.to_str().filter(|_| is_name).and_then(drivers::find_on_path);
    on_path.unwrap_or_else(|| path.to_owned())
}

/// The driver and the path of a project's SDK; an error where there is nothing at the path.
fn driver_and_path(
    path: PathBuf,
    driver: &str,
    flag: &str,
    expected: &str,
) -> Result<(&'static Driver, PathBuf), Failure> {
    if !path.exists() {
        let place = file_name(&path);
        return Err(Failure::usage(format!("{flag}: expected {expected}, found nothing to run at {place}")));
    }
    Ok((drivers::driver_named(driver).map_err(Failure::harness)?, path))
}

/// The absolute path with its links kept: a virtual environment is known by the path that it is called by.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::usage(format!("{} is no path: {error}", file_name(path))))
}

fn driver_of(events: &[Event]) -> Option<&DriverEvent> {
    events.first()?.run()?.driver.as_deref()
}

/// The sort key of an event in a file that is kept; cases are sorted by their ids.
fn place(event: &Event) -> (u8, &str) {
    match event {
        Event::Run(_) => (0, ""),
        Event::Case(case) => (1, &case.id),
        Event::Requirement(requirement) => (2, &requirement.id),
        Event::Summary(_) => (3, ""),
    }
}
