//! `countersign sdk`: the other side, SDKs under test.

mod bisect;
mod cache;
mod check;
mod history;
mod protocol;
mod records;
mod run;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use tempfile::TempDir;

pub(super) use cache::{Sdks, drivers};
pub(super) use history::SdkHistory;

use super::library::Library;
use super::output::say;
use super::{Failure, examples};
use crate::corpus::{Pattern, Selection};
use crate::sdk::cases::{ClientCase, ClientCorpus};
use crate::sdk::drivers::Driver;
use crate::sdk::install::{Cache, SdkVersion};
use crate::sdk::{DriverCommand, isolation};

/// The arguments of `sdk`.
#[derive(Debug, Args)]
pub(super) struct SdkArgs {
    #[command(subcommand)]
    command: SdkCommand,
}

#[derive(Debug, Subcommand)]
enum SdkCommand {
    /// Put an SDK version, with all that it needs, into the cache folder
    ///
    /// With the ordinary clients: pip, npm, Cargo. The folder is `COUNTERSIGN_SDK_CACHE`, else countersign/sdk among
    /// the user's caches.
    #[command(after_help = examples::SDK_INSTALL)]
    Install(cache::SdkInstallArgs),
    /// Show which SDK versions are installed, and which SDKs cannot be
    #[command(after_help = examples::SDK_LIST)]
    List(cache::SdkListArgs),
    /// Run client cases on an SDK, judge them, and record what it sent and what it gave its caller
    #[command(after_help = examples::SDK_RUN)]
    Run(Box<run::SdkRunArgs>),
    /// Compare an SDK with a recorded run, for CI: exit code 1 where your code would notice the difference
    #[command(after_help = examples::SDK_CHECK)]
    Check(Box<check::SdkCheckArgs>),
    /// Find the version that brought a change
    ///
    /// Halves the range of released versions, installs and runs those that it needs, and keeps the runs in the cache
    /// folder.
    #[command(after_help = examples::SDK_BISECT)]
    Bisect(bisect::SdkBisectArgs),
    /// Show what changed from each installed version to the next
    #[command(after_help = examples::SDK_HISTORY)]
    History(history::SdkHistoryArgs),
    /// Check that a driver obeys the driver protocol
    #[command(after_help = examples::SDK_PROTOCOL)]
    Protocol(protocol::Protocol),
}

pub(super) fn run(args: SdkArgs) -> Result<ExitCode, Failure> {
    match args.command {
        SdkCommand::Install(args) => cache::install(&args),
        SdkCommand::List(args) => cache::list(&args),
        SdkCommand::Run(args) => run::run(*args),
        SdkCommand::Check(args) => check::run(&args),
        SdkCommand::Bisect(args) => bisect::run(&args),
        SdkCommand::History(args) => history::run(&args),
        SdkCommand::Protocol(args) => protocol::run(args),
    }
}

/// Which driver to start.
#[derive(Clone, Debug, Default, Args)]
struct DriverArgs {
    /// The driver, and which installed version of its SDK; without @VERSION: the newest that is installed
    #[arg(long, env = "COUNTERSIGN_DRIVER", value_name = "NAME[@VERSION]", conflicts_with = "command")]
    driver: Option<SdkVersion>,

    /// Any other driver: its command, behind --
    #[arg(last = true, value_name = "CMD")]
    command: Vec<OsString>,
}

impl DriverArgs {
    /// The driver that is asked for.
    fn chosen(&self) -> Result<ChosenDriver, Failure> {
        if let Some((program, arguments)) = self.command.split_first() {
            let command =
                DriverCommand { program: program.clone(), arguments: arguments.to_vec(), ..DriverCommand::default() };
            return Ok(ChosenDriver::Command(command));
        }
        let Some(wanted) = &self.driver else {
            return Err(Failure::usage(
                "name a driver with --driver NAME[@VERSION] (`countersign sdk list` shows them), or give its command behind --",
            ));
        };
        let installed = Cache::of_user().and_then(|cache| cache.find(wanted)).map_err(Failure::usage)?;
        Ok(ChosenDriver::Ours { driver: installed.driver, sdk: installed.sdk() })
    }
}

/// A driver that can be started.
enum ChosenDriver {
    /// One of ours, and where the SDK is that it runs.
    Ours { driver: &'static Driver, sdk: PathBuf },
    /// Any other, by its command.
    Command(DriverCommand),
}

impl ChosenDriver {
    /// The command that starts it, and the folder that it needs while it runs. A process that moves into another
    /// network does so first, since nothing would remove the folder then.
    fn ready(self) -> Result<(DriverCommand, TempDir), Failure> {
        let folder = TempDir::new();
        let folder = folder.map_err(|error| Failure::harness(format!("no temporary folder can be made: {error}")))?;
        let command = match self {
            Self::Command(command) => Ok(command),
            Self::Ours { driver, sdk } => driver.command(folder.path(), &sdk),
        };
        let command = command.map_err(|error| Failure::harness(format!("cannot write the driver: {error}")))?;
        Ok((command, folder))
    }
}

/// Whether this process has no network but loopback. Where it has more, it replaces itself by a process that has not,
/// and this returns only if that cannot be done.
fn isolate() -> bool {
    if isolation::is_isolated() {
        return true;
    }
    let why = isolation::command().map_or_else(|problem| problem, become_it);
    say(&format!("note: no network of its own can be made for the driver, so it shares this one: {why}"));
    false
}

/// Becomes a command; returns why, where that fails.
#[cfg(unix)]
fn become_it(mut command: std::process::Command) -> String {
    std::os::unix::process::CommandExt::exec(&mut command).to_string()
}

#[cfg(not(unix))]
fn become_it(_: std::process::Command) -> String {
    "this system has none".to_owned()
}

/// The cases that `patterns` select and `skip` does not.
fn select(
    library: &Library,
    clients: &ClientCorpus,
    patterns: &[String],
    skip: &[String],
) -> Result<Vec<Arc<ClientCase>>, Failure> {
    let [patterns, skip] = [patterns, skip].map(|texts| texts.iter().map(|text| Pattern::new(text)).collect());
    let selection = Selection {
        patterns: Result::map_err(patterns, Failure::usage)?,
        skip: Result::map_err(skip, Failure::usage)?,
        ..Selection::default()
    };
    clients.select(&library.contract, &selection).map_err(|error| Failure::of_selection(&error))
}
