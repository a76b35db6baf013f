//! `countersign diff`: two runs side by side.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::library::Library;
use super::output::{Format, print};
use super::{Failure, FixtureArgs};
use crate::report::{Comparison, CutShort, Event, Exit, read};

/// The arguments of `diff`.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The run stream of the old run, which run --report-jsonl writes
    #[arg(value_name = "OLD")]
    old: PathBuf,

    /// The run stream of the new run
    #[arg(value_name = "NEW")]
    new: PathBuf,

    #[arg(long, value_enum, default_value = "text")]
    format: Format,

    #[command(flatten)]
    fixtures: FixtureArgs,
}

pub(super) fn run(args: Diff) -> Result<ExitCode, Failure> {
    let library = Library::load(args.fixtures.fixtures)?;
    let register = &library.contract.register;
    let (old, new) = (stream(&args.old)?, stream(&args.new)?);
    let comparison = Comparison::new(&old, &new).map_err(|error| Failure::usage(error.to_string()))?;
    print(&match args.format {
        Format::Text => comparison.text(register),
        Format::Json => comparison.json(),
        Format::Md => comparison.markdown(register),
    })?;
    Ok(if comparison.broken.is_empty() { ExitCode::SUCCESS } else { Exit::Failed.into() })
}

/// Reads a run stream that came to its end.
fn stream(path: &Path) -> Result<Vec<Event>, Failure> {
    let name = path.display();
    let file = File::open(path).map_err(|error| {
        Failure::usage(format!(
            "cannot read the run stream {name}: {error}; `countersign run --report-jsonl` writes one"
        ))
    })?;
    read(BufReader::new(file), CutShort::Refuse).map_err(|error| Failure::usage(format!("{name}: {error}")))
}
