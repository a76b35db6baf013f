//! `countersign sdk install`: an SDK version in the cache folder.

use std::process::ExitCode;

use clap::Args;

use crate::cli::Failure;
use crate::cli::output::{print, say};
use crate::sdk::install::{Cache, Wanted};
use crate::text::{file_name, foreign};

/// The arguments of `sdk install`.
#[derive(Debug, Args)]
pub(super) struct Install {
    /// What to install, such as boto3@1.40.76
    #[arg(value_name = "NAME@VERSION", required = true)]
    wanted: Vec<Wanted>,
}

pub(super) fn run(args: &Install) -> Result<ExitCode, Failure> {
    let cache = Cache::of_user().map_err(Failure::usage)?;
    let mut lines = Vec::new();
    for wanted in &args.wanted {
        let installed = cache.install(wanted, say).map_err(Failure::usage)?;
        let (name, version, packages) = (installed.driver.name, &installed.version, installed.deps.len());
        let version = foreign(version);
        lines.push(format!("{name}@{version}  {packages} packages in {}", file_name(&installed.folder)));
    }
    print(&lines.join("\n"))
}
