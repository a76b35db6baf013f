//! `countersign run`: cases against a target, judged and reported.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use jiff::{Timestamp, Zoned};
use tokio::sync::watch;

use super::library::Library;
use super::progress::Progress;
use super::reports::{ReportArgs, Reports};
use super::settings::{Settings, TargetArgs};
use super::target::Prepared;
use super::{Failure, FixtureArgs};
use crate::contract::Level;
use crate::corpus::{Pattern, Plan, SelectError, Selection, Shard};
use crate::report::{Baseline, Event, RunEvent, Tally, TargetEvent, VERSION};
use crate::run::{RunOptions, Session, random_seed, run as run_plan};
use crate::targets::Target;
use crate::targets::probe::{Class, Probe};
use crate::verdict::{CaseResult, Verdict};

/// The arguments of `run`.
#[derive(Debug, Args)]
pub(super) struct Run {
    #[command(flatten)]
    selection: SelectionArgs,

    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    running: RunningArgs,

    #[command(flatten)]
    reports: ReportArgs,

    #[command(flatten)]
    fixtures: FixtureArgs,
}

/// Which cases to run.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Cases")]
pub(super) struct SelectionArgs {
    /// Run only the cases that a pattern selects: * is one part of an id, ** any; what it matches is
    /// selected with everything below it
    #[arg(value_name = "PATTERN")]
    patterns: Vec<String>,

    /// Leave out the cases that this pattern selects; repeat it for more
    #[arg(long, env = "COUNTERSIGN_SKIP", value_name = "PATTERN", value_delimiter = ',')]
    skip: Vec<String>,

    /// Run only cases that cite a requirement of this level
    #[arg(long, env = "COUNTERSIGN_LEVEL", value_name = "LEVEL", value_parser = level)]
    level: Option<Level>,

    /// Run only cases that cite this requirement; repeat it for more
    #[arg(long, env = "COUNTERSIGN_REQUIREMENT", value_name = "ID", value_delimiter = ',')]
    requirement: Vec<String>,

    /// Run only one part of the selected cases, such as 1/4
    #[arg(long, env = "COUNTERSIGN_SHARD", value_name = "I/N")]
    shard: Option<Shard>,
}

/// How to run them.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Running")]
struct RunningArgs {
    /// Seed of the random names, to repeat a run exactly [default: a new one, which is printed]
    #[arg(long, env = "COUNTERSIGN_SEED", value_name = "N")]
    seed: Option<u64>,

    /// Run each case so many times
    #[arg(long, env = "COUNTERSIGN_REPEAT", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,

    /// Stop at the first failure
    #[arg(long, env = "COUNTERSIGN_FAIL_FAST")]
    fail_fast: bool,

    /// Print the ids of the selected cases, and send nothing
    #[arg(long, env = "COUNTERSIGN_DRY_RUN")]
    dry_run: bool,
}

impl SelectionArgs {
    /// The cases to run.
    pub(super) fn plan(&self, library: &Library) -> Result<Plan, Failure> {
        let patterns = |texts: &[String]| texts.iter().map(|text| Pattern::new(text).map_err(Failure::usage)).collect::<Result<Vec<_>, _>>();
        let selection = Selection {
            patterns: patterns(&self.patterns)?,
            skip: patterns(&self.skip)?,
            level: self.level,
            requirements: self.requirement.iter().cloned().collect(),
            shard: self.shard,
        };
        Plan::select(&library.corpus, &library.contract.register, &selection).map_err(|error| match error {
            SelectError::Nothing(_) => Failure::nothing_selected(error.to_string()),
            _ => Failure::usage(error.to_string()),
        })
    }
}

fn level(text: &str) -> Result<Level, String> {
    match text {
        "must" => Ok(Level::Must),
        "should" => Ok(Level::Should),
        "may" => Ok(Level::May),
        _ => Err("expected must, should or may".to_owned()),
    }
}
