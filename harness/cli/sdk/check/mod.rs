//! `countersign sdk check`: an SDK against a recorded run of it, or against the one that another revision has, for CI.

mod from;
mod project;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{ArgGroup, Args};

use super::ChosenDriver;
use super::run::{JOBS, execute};
use crate::cli::accepted::AcceptedArgs;
use crate::cli::diff::{DiffFormat, FailOn, detail, stream};
use crate::cli::library::Library;
use crate::cli::output::say;
use crate::cli::progress::Progress;
use crate::cli::{Failure, FixtureArgs, summary};
use crate::report::markdown::prose;
use crate::report::words::count;
use crate::report::{DriverEvent, Event, Exit, MARKDOWN_LIMIT, ReportFile, StreamSink, replay};
use crate::sdk::RunnerOptions;
use crate::sdk::cases::ClientCase;
use crate::sdk::diff::SdkDiff;
use crate::sdk::install::SdkVersion;
use crate::text::{file_name, foreign};
use project::ChosenSdk;

/// The arguments of `sdk check`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("sdk").args(["python", "node_dir", "driver", "lock"]))]
pub(super) struct SdkCheckArgs {
    /// Run only the cases that a pattern selects, as in `sdk run`; the same as when the baseline was recorded
    #[arg(value_name = "PATTERN")]
    patterns: Vec<String>,

    /// Check the boto3 of this interpreter or virtual environment; a name alone is looked up in PATH
    ///
    /// Without --python, --node-dir, --driver and --lock, the SDK of the project in this folder is checked: that of its
    /// environment (`VIRTUAL_ENV`, .venv, venv, uv, poetry, pipenv, conda, `node_modules`), else that of its lock file.
    #[arg(long, env = "COUNTERSIGN_PYTHON", value_name = "PATH")]
    python: Option<PathBuf>,

    /// Check the AWS SDK for JavaScript v3 among the modules of this Node.js folder
    #[arg(long, env = "COUNTERSIGN_NODE_DIR", value_name = "PATH")]
    node_dir: Option<PathBuf>,

    /// Check this SDK of the cache folder; a version that is not there yet is installed
    #[arg(long, env = "COUNTERSIGN_DRIVER", value_name = "NAME[@VERSION]")]
    driver: Option<SdkVersion>,

    /// Check the SDK in the version that this lock file of a project names; it is installed in the cache folder
    #[arg(long, env = "COUNTERSIGN_LOCK", value_name = "FILE")]
    lock: Option<PathBuf>,

    /// The recorded run to compare with
    #[arg(long, env = "COUNTERSIGN_SDK_BASELINE", value_name = "FILE", conflicts_with = "from")]
    baseline: Option<PathBuf>,

    /// Compare with the lock file of this revision of git instead, such as origin/main; nothing is checked out
    #[arg(long, env = "COUNTERSIGN_FROM", value_name = "REV", conflicts_with_all = ["python", "node_dir", "driver", "update"])]
    from: Option<String>,

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
    if let Some(revision) = &args.from {
        return from::run(args, revision);
    }
    let Some(baseline) = &args.baseline else {
        return Err(Failure::usage("name the recorded run with --baseline, or a revision of git with --from"));
    };
    let recorded = baseline.exists().then(|| stream(baseline)).transpose()?;
    if recorded.is_none() && !args.update {
        return Err(Failure::usage(format!(
            "there is no baseline {}; record one from the SDK that you have now with --update, and keep it with your \
             sources, or compare with a revision of git with --from",
            file_name(baseline)
        )));
    }
    let chosen = project::choose(args)?;
    if let Some(old) = recorded.as_deref().and_then(driver_of)
        && old.driver != chosen.driver.name
    {
        return Err(Failure::usage(format!(
            "the baseline {} is of the driver {}, and this is {}; name another file with --baseline",
            file_name(baseline),
            foreign(&old.driver),
            chosen.driver.name
        )));
    }
    let sdk = chosen.present()?;
    let (library, clients) = Library::load_with_clients(args.fixtures.fixtures.clone())?;
    let cases = super::select(&library, &clients, &args.patterns, &[])?;
    // All downloads are done: from here on, the process has a network of its own, where that is possible.
    let isolated = super::isolate();
    if let Some(taken) = &sdk.taken {
        say(taken);
    }
    let file = |path: &Path| ReportFile::open(path).map_err(usage);
    let recording = args.update.then(|| file(baseline)).transpose()?;
    let markdown = args.report_md.as_deref().map(file).transpose()?;

    let progress = Progress::new(cases.len());
    let run = CheckRun { args, library: &library, cases: &cases, isolated, progress: &progress };
    let recorded_now = crate::cli::block_on(run.record(sdk))?;
    progress.clear();
    let (events, ended) = recorded_now?;
    let Some(mut events) = events else {
        say("the run was cut short: nothing is compared and nothing is written");
        return Ok(ended);
    };
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
        let (cases, file) = (count(cases.len(), "case"), file_name(baseline));
        (diff, format!("passed: {cases} recorded in {file} as the baseline{accepted}"))
    } else {
        let mut diff =
            diff.map_err(|error| usage(format!("{}: {error}; --update records it anew", file_name(baseline))))?;
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

/// What a run on an SDK needs, whichever SDK it is.
struct CheckRun<'a> {
    args: &'a SdkCheckArgs,
    library: &'a Library,
    cases: &'a [Arc<ClientCase>],
    isolated: bool,
    progress: &'a Progress,
}

impl CheckRun<'_> {
    /// Runs the cases on an SDK. Returns what was recorded, if the run was not cut short, and the exit code.
    async fn record(&self, sdk: ChosenSdk) -> Result<(Option<Vec<Event>>, ExitCode), Failure> {
        let (command, _folder) = ChosenDriver::Ours { driver: sdk.driver, sdk: sdk.path }.ready()?;
        let SdkCheckArgs { jobs, tls, .. } = *self.args;
        let options = RunnerOptions { jobs: jobs.into(), max_attempts: None, isolated: self.isolated, tls };
        let mut events = Vec::new();
        let hear = |event: &Event| {
            self.progress.hear(event);
            events.push(event.clone());
        };
        let ended = execute(command, self.library, self.cases, options, hear).await?;
        let is_whole = matches!(events.last(), Some(Event::Summary(summary)) if summary.complete);
        Ok((is_whole.then_some(events), ended))
    }
}

impl SdkCheckArgs {
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
