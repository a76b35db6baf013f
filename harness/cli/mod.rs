//! The command line: arguments, one file a command, exit codes.
//!
//! May use everything; nothing uses it. Start with [`main`].

mod exit;
mod explain;
mod library;
mod list;
mod output;
mod serve;
mod validate;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use exit::Failure;

/// The command line of the `countersign` binary.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List cases, requirements or features
    List(list::List),
    /// Explain one requirement or one case in full, with a curl line
    Explain(explain::Explain),
    /// Check every fixture
    Validate(validate::Validate),
    /// Serve the reference emulator or the replaying mock until interrupted
    Serve(serve::Serve),
}

/// Where fixtures come from.
#[derive(Clone, Debug, Default, Args)]
struct FixtureArgs {
    /// Take the fixtures of this folder instead of those that were compiled in
    #[arg(long, env = "COUNTERSIGN_FIXTURES", value_name = "DIR")]
    fixtures: Option<PathBuf>,
}

/// Runs the program: reads the arguments, does the command, gives the exit code.
pub fn main() -> ExitCode {
    let done = match Cli::parse().command {
        None => Ok(ExitCode::SUCCESS),
        Some(Command::List(args)) => list::run(args),
        Some(Command::Explain(args)) => explain::run(args),
        Some(Command::Validate(args)) => validate::run(args),
        Some(Command::Serve(args)) => Ok(serve::run(args)),
    };
    done.unwrap_or_else(|failure| failure.report())
}
