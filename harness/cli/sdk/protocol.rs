//! `countersign sdk protocol`: whether a driver obeys the protocol.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::DriverArgs;
use crate::cli::library::Library;
use crate::cli::output::print_prose;
use crate::cli::{Failure, FixtureArgs};
use crate::report::Exit;
use crate::sdk::check;
use crate::sdk::judge::ClientJudge;

/// The arguments of `sdk protocol`.
#[derive(Debug, Args)]
pub(super) struct Protocol {
    #[command(flatten)]
    driver: DriverArgs,

    #[command(flatten)]
    fixtures: FixtureArgs,
}

pub(super) fn run(args: Protocol) -> Result<ExitCode, Failure> {
    let driver = args.driver.chosen()?;
    let isolated = super::isolate();
    let (command, _folder) = driver.ready()?;
    let library = Library::load(args.fixtures.fixtures)?;
    let judge = ClientJudge::new(Arc::clone(&library.contract)).map_err(|error| Failure::harness(error.to_string()))?;
    let findings = crate::cli::block_on(check::check(command, judge, isolated))?;
    let faults = findings.iter().filter(|finding| finding.fault.is_some()).count();
    let lines: Vec<_> = findings
        .iter()
        .map(|finding| match &finding.fault {
            None => format!("ok      {}", finding.claim),
            Some(fault) => format!("FAILED  {}\n        {fault}", finding.claim),
        })
        .collect();
    print_prose(&format!("{}\n{} of {} claims hold", lines.join("\n"), findings.len() - faults, findings.len()))?;
    Ok(if faults == 0 { Exit::Fine } else { Exit::Failed }.into())
}
