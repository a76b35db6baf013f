//! The command line: arguments, a file for each command, exit codes.
//!
//! May use everything; nothing uses it. Start with [`main`].

mod accepted;
mod baseline;
mod cleanup;
mod config;
mod credentials;
mod diff;
mod doctor;
mod dry_run;
mod examples;
mod exit;
mod explain;
mod history;
mod hooks;
mod interrupt;
mod library;
mod list;
mod near_misses;
mod open;
mod origin;
mod output;
mod progress;
mod record;
mod report;
mod reports;
mod rerun;
mod resources;
mod restraint;
mod revision;
mod run;
pub mod schema;
mod sdk;
mod selftest;
mod serve;
mod settings;
mod shell;
mod summary;
mod target;
mod validate;
mod variables;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use exit::Failure;
use variables::{Read, read};

use crate::run::runtime::single_threaded;

pub use target::trials_of_environment;

#[derive(Debug, Parser)]
#[command(version, about, after_help = examples::fill_template(examples::MAIN))]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run cases against a target and judge them; what happens without any command
    #[command(after_help = examples::fill_template(examples::RUN))]
    Run(Box<run::RunArgs>),
    /// Examine a target before a run: reachable, TLS, signature, clock, operations; says what to fix
    ///
    /// It is done in less than two seconds, also where the target hangs, and asks nothing that could create or change
    /// anything.
    #[command(after_help = examples::fill_template(examples::DOCTOR))]
    Doctor(Box<doctor::DoctorArgs>),
    /// Delete what earlier runs left behind at their targets
    ///
    /// A run writes down what it makes before it makes it, and deletes it when the case has ended. What is still in such
    /// a journal is deleted now, and nothing else, unless a flag says how to find more. The teardown hook of a run that was killed is executed again.
    #[command(after_help = examples::fill_template(examples::CLEANUP))]
    Cleanup(Box<cleanup::CleanupArgs>),
    /// List cases, suites, operations, requirements, features, defects, drivers or replies of the mock
    #[command(after_help = examples::LIST)]
    List(list::ListArgs),
    /// Explain one requirement, operation, case, suite, feature or defect in full, with a command to try it
    #[command(after_help = examples::EXPLAIN)]
    Explain(explain::ExplainArgs),
    /// Make any report from the run streams of earlier runs; several stand side by side
    #[command(after_help = examples::REPORT)]
    Report(report::ReportFromArgs),
    /// Keep known failures in a file
    #[command(subcommand, after_help = examples::fill_template(examples::BASELINE))]
    Baseline(baseline::BaselineCommand),
    /// Record what a target answers, without its secrets
    ///
    /// One file for each case holds status, error, header names and the shape of the body, with the region and the day.
    /// A recording is evidence, no verdict: it says what was answered, whether that is right or wrong.
    #[command(after_help = examples::fill_template(examples::RECORD))]
    Record(Box<record::RecordArgs>),
    /// Compare two runs, of servers or of SDKs; exit code 1 where something broke or changed for callers
    #[command(after_help = examples::DIFF)]
    Diff(diff::DiffArgs),
    /// Write the JSON Schemas anew, or check that they are current
    #[command(after_help = examples::SCHEMA)]
    Schema(schema::SchemaArgs),
    /// Check every fixture
    #[command(after_help = examples::VALIDATE)]
    Validate(validate::ValidateArgs),
    /// Try the cases on the emulator behind every defect and every legal variant
    ///
    /// A defect must be found and blamed on the requirement that it breaks; a legal variant must not be accused.
    #[command(after_help = examples::SELFTEST)]
    Selftest(selftest::SelftestArgs),
    /// Try SDKs: install a version, run client cases on it, record what it does
    #[command(after_help = examples::SDK)]
    Sdk(sdk::SdkArgs),
    /// Serve the reference emulator or the replaying mock until interrupted
    #[command(subcommand, after_help = examples::SERVE)]
    Serve(serve::ServeCommand),
    /// Show the settings and where they come from
    #[command(subcommand, after_help = examples::CONFIG)]
    Config(config::ConfigCommand),
    /// Print the completions of a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions(shell::CompletionsArgs),
    /// Print the manual page, or write one for each command
    #[command(after_help = examples::MAN)]
    Man(shell::ManArgs),
}

#[derive(Clone, Debug, Default, Args)]
struct FixtureArgs {
    /// Take the fixtures of this folder instead of those that were compiled in
    #[arg(long, env = "COUNTERSIGN_FIXTURES", value_name = "DIR")]
    fixtures: Option<PathBuf>,
}

/// Runs the program: reads the arguments, runs the command, returns the exit code.
pub fn main() -> ExitCode {
    interrupt::stand();
    log_to_stderr();
    let words: Vec<_> = std::env::args_os().collect();
    let Read { args, variables } = read::<Cli>(&words).unwrap_or_else(|error| output::refuse(&error, &words));
    let (done, variables) = if let Some(command) = args.command {
        (command.run(), variables)
    } else {
        // Read again, so that its environment variables count here too.
        let Read { args, variables } =
            read::<RunWithoutCommand>(&words[..1]).unwrap_or_else(|error| output::refuse(&error, &words[..1]));
        (run::run(args.run), variables)
    };
    done.unwrap_or_else(|failure| failure.report(&variables))
}

impl Command {
    fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Run(args) => run::run(*args),
            Self::Doctor(args) => doctor::run(*args),
            Self::Cleanup(args) => cleanup::run(&args),
            Self::List(args) => list::run(&args),
            Self::Explain(args) => explain::run(args),
            Self::Report(args) => report::run(args),
            Self::Baseline(args) => baseline::run(args),
            Self::Record(args) => record::run(*args),
            Self::Diff(args) => diff::run(args),
            Self::Schema(args) => schema::run(args),
            Self::Validate(args) => validate::run(args),
            Self::Selftest(args) => selftest::run(&args),
            Self::Sdk(args) => sdk::run(args),
            Self::Serve(args) => serve::run(args),
            Self::Config(args) => config::run(args),
            Self::Completions(args) => shell::completions(&args),
            Self::Man(args) => shell::man(args),
        }
    }
}

/// The program without a command: `run` with nothing but defaults.
#[derive(Debug, Parser)]
struct RunWithoutCommand {
    #[command(flatten)]
    run: run::RunArgs,
}

/// Log lines go to standard error where `COUNTERSIGN_LOG` asks for them, such as `debug`.
fn log_to_stderr() {
    let Ok(level) = std::env::var("COUNTERSIGN_LOG") else { return };
    let Ok(filter) = level.parse::<tracing::level_filters::LevelFilter>() else {
        output::say(&format!(
            "warning: COUNTERSIGN_LOG is one of error, warn, info, debug and trace, found \"{}\"",
            crate::text::foreign(&level)
        ));
        return;
    };
    // Crates that log headers or bodies would log secrets: only our own lines pass. The name `countersign_core` begins
    // with this name, so its lines pass too.
    let ours = Targets::new().with_target(env!("CARGO_CRATE_NAME"), filter);
    tracing_subscriber::registry().with(fmt::layer().with_writer(std::io::stderr)).with(ours).init();
}

/// Runs a command that talks to servers.
fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = single_threaded().map_err(|error| Failure::harness(format!("cannot start: {error}")))?;
    let outcome = runtime.block_on(work);
    // A lookup of a host name that is still going on must not delay the end.
    runtime.shutdown_background();
    Ok(outcome)
}
