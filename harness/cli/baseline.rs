//! `countersign baseline`: known failures.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::Zoned;
use jiff::civil::Date;

use super::library::Library;
use super::origin::{Origin, TracedArgs};
use super::output::{print, say};
use super::reports::place;
use super::restraint::restrained;
use super::revision::AskedRevision;
use super::run::{Execution, SelectionArgs, can_be_run, load_baseline};
use super::settings::{Settings, TargetArgs};
use super::{Failure, FixtureArgs};
use crate::report::{self, BaselineExcuse, BaselineOrigin, Event, Exit};
use crate::text::{escape, file_name, foreign};

#[derive(Debug, Subcommand)]
pub(super) enum BaselineCommand {
    /// Run the cases, and write those that fail into a file
    #[command(after_help = super::examples::fill_template(super::examples::BASELINE_WRITE))]
    Write(Box<BaselineWriteArgs>),
    /// Check a file without any network: its form, its patterns, its dates
    #[command(after_help = super::examples::BASELINE_CHECK)]
    Check(BaselineCheckArgs),
}

#[derive(Debug, Args)]
#[command(mut_arg("baseline", |argument| argument.hide(true)))]
pub(super) struct BaselineWriteArgs {
    /// The file to write; entries that are in it keep their reason, issue and expiry. A baseline that `run` would
    /// read plays no part
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Why these failures are accepted for now
    #[arg(long, value_name = "TEXT", default_value = "known failure")]
    reason: String,

    /// Where their repair is followed
    #[arg(long, value_name = "URL")]
    issue: Option<String>,

    /// The last day on which they are accepted, such as 2027-01-31 [default: for ever]
    #[arg(long, value_name = "DAY", value_parser = day)]
    expires: Option<Date>,

    #[command(flatten)]
    selection: SelectionArgs,

    #[command(flatten)]
    target: TracedArgs<TargetArgs>,

    #[command(flatten)]
    fixtures: FixtureArgs,
}

#[derive(Debug, Args)]
pub(super) struct BaselineCheckArgs {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    fixtures: FixtureArgs,
}

pub(super) fn run(command: BaselineCommand) -> Result<ExitCode, Failure> {
    match command {
        BaselineCommand::Write(args) => write(*args),
        BaselineCommand::Check(args) => check(args),
    }
}

fn write(args: BaselineWriteArgs) -> Result<ExitCode, Failure> {
    let excuse = BaselineExcuse { reason: args.reason, issue: args.issue, expires: args.expires };
    excuse.check(Zoned::now().date()).map_err(Failure::usage)?;
    let settings = Settings::resolve(args.target.at_urls(args.selection.urls())?)?;
    if let (Origin::Flag { .. }, Some(other)) = (settings.from.get("baseline"), &settings.baseline)
        && place(other) != place(&args.file)
    {
        let (file, other) = (file_name(&args.file), file_name(other));
        return Err(Failure::usage(format!(
            "--baseline {other}: `baseline write` keeps the entries of the file that it writes, {file}, and reads no other; \
             leave --baseline out, or name {other} as the file"
        )));
    }
    let library = Library::load_in(args.fixtures.fixtures, settings.revision.as_ref())?;
    let (operation, plan) = args.selection.plan(&library)?;
    can_be_run(&settings, &library.contract)?;
    let plan = restrained(&settings, &library, plan, args.selection.names_cases())?;
    let execution = Execution::unreported(&settings, &library, operation, &plan);
    let claimed = settings.features();
    let mut results = Vec::new();
    let ended = super::block_on(execution.run(|event| {
        // A case that needs an unclaimed feature is no failure, even where the target lacks the whole operation.
        if let Event::Case(case) = event
            && library
                .corpus
                .get(&case.id)
                .is_none_or(|known_case| known_case.case.needs.iter().all(|need| claimed.contains(need)))
        {
            results.push(case.clone());
        }
    }))??;
    if ended.interrupted {
        say("nothing was written: what was not run would be missing");
        return Ok(ended.into());
    }
    if let Some(rejection) = ended.rejection {
        say("nothing was written: no case could be run");
        return Err(rejection);
    }
    if let Some(answer) = &ended.unreachable {
        say(&format!("error: nothing was written, since no case could be run: {}", escape(answer)));
        return Ok(ended.into());
    }
    let (suite_version, revision) = (library.contract.register.suite_version, library.contract.older_revision());
    let origin = BaselineOrigin { suite_version, revision };
    let writing = report::Baseline::write(&args.file, &library.corpus, origin, &results, &excuse);
    let baseline = writing.map_err(|error| Failure::usage(error.to_string()))?;
    let file = file_name(&args.file);
    let expired = expired(&baseline);
    if !expired.is_empty() {
        say(&format!("warning: {file} has entries that have expired and excuse nothing: {}", expired.join(", ")));
    }
    print(&match baseline.entries().len() {
        0 => format!("wrote {file}: nothing fails, so it is empty"),
        count => format!("wrote {file}: {}; `countersign run --baseline {file}` takes them as known", entries(count)),
    })?;
    if ended.exit == Exit::Undecided {
        say("warning: some cases got no answer; whether they fail is not known, and the file says nothing of them");
    }
    // The command's purpose is to record failures, so they are no error here.
    Ok(if ended.exit == Exit::Failed { ExitCode::SUCCESS } else { ended.exit.into() })
}

fn check(args: BaselineCheckArgs) -> Result<ExitCode, Failure> {
    let revision = report::Baseline::load(&args.file).ok().and_then(|baseline| baseline.revision());
    let asked = revision.map(|year| AskedRevision { year, place: file_name(&args.file) });
    let library = Library::load_in(args.fixtures.fixtures, asked.as_ref())?;
    let baseline = load_baseline(&args.file, &library)?;
    let expired = expired(&baseline);
    if expired.is_empty() {
        return print(&format!("{} is in order: {}", file_name(&args.file), entries(baseline.entries().len())));
    }
    say(&format!(
        "error: {} has entries that have expired: {}; mend what they excuse, or give them a later day",
        file_name(&args.file),
        expired.join(", ")
    ));
    Ok(Exit::Failed.into())
}

/// Reads a day of the command line.
pub(super) fn day(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| format!("expected a day such as 2027-01-31, found \"{}\"", foreign(text)))
}

/// `1 entry`, `2 entries`.
fn entries(count: usize) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

/// The patterns of the entries that have expired: at most 100, then how many more there are.
fn expired(baseline: &report::Baseline) -> Vec<String> {
    const SHOWN: usize = 100;
    let today = Zoned::now().date();
    let over: Vec<_> = baseline.entries().iter().filter(|entry| entry.has_expired(today)).collect();
    let mut names: Vec<_> = over.iter().take(SHOWN).map(|entry| foreign(&entry.pattern)).collect();
    if over.len() > SHOWN {
        names.push(format!("and {} more", over.len() - SHOWN));
    }
    names
}
