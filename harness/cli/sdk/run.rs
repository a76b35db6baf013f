//! `countersign sdk run`: client cases on an SDK, judged and reported.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::{Args, Command};
use jiff::Timestamp;

use super::DriverArgs;
use crate::cli::interrupt::{self, FINISHING, INTERRUPTED};
use crate::cli::library::Library;
use crate::cli::progress::Progress;
use crate::cli::reports::{ReportArgs, Reports};
use crate::cli::rerun::RerunCommands;
use crate::cli::{Failure, FixtureArgs};
use crate::contract::{Contract, Side};
use crate::report::{DriverEvent, Ending, Event, Exit, RunEvent, Tally, TargetEvent, VERSION};
use crate::run::Interrupt;
use crate::sdk::cases::{ClientCase, REGION};
use crate::sdk::judge::ClientJudge;
use crate::sdk::{DriverCommand, Runner, RunnerOptions};
use crate::verdict::{TargetAnswer, TargetClass};

/// How many cases run at a time by default: most of their time is waiting.
pub(super) const JOBS: u16 = 8;

/// The arguments of `sdk run`.
#[derive(Debug, Args)]
pub(super) struct SdkRunArgs {
    /// Run only the cases that a pattern selects: * is one part of an id, ** any; what it matches is
    /// selected with everything below it
    #[arg(value_name = "PATTERN")]
    patterns: Vec<String>,

    /// Leave out the cases that this pattern selects; repeat it for more
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    skip: Vec<String>,

    #[command(flatten)]
    driver: DriverArgs,

    /// Write the run stream to this file; the same as --report-jsonl
    #[arg(long, short, value_name = "RUN.jsonl", conflicts_with = "report-jsonl")]
    output: Option<PathBuf>,

    /// Run this number of cases at a time, each with a process of the driver
    #[arg(long, short, env = "COUNTERSIGN_JOBS", value_name = "N", default_value_t = JOBS, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,

    /// Allow this number of attempts in every case, whatever the case says; with 1, nothing waits for back-offs
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=20))]
    max_attempts: Option<u32>,

    /// Ask the scripted server over TLS, with a certificate of an authority that is made for the run, in the cases that
    /// ask it over HTTP
    #[arg(long, env = "COUNTERSIGN_TLS")]
    tls: bool,

    #[command(flatten)]
    reports: ReportArgs,

    #[command(flatten)]
    fixtures: FixtureArgs,
}

pub(super) fn run(mut args: SdkRunArgs) -> Result<ExitCode, Failure> {
    let driver = args.driver.chosen()?;
    let (library, clients) = Library::load_with_clients(args.fixtures.fixtures.clone())?;
    let cases = super::select(&library, &clients, &args.patterns, &args.skip)?;
    // From here on, where possible, the process has a network of its own; it starts again there and repeats the lines
    // above.
    let isolated = super::isolate();
    if let Some(file) = args.output.take() {
        args.reports.write_stream_to(file);
    }
    args.reports.check_files(&[])?;
    let again = RerunCommands::of_sdk_run(&SdkRunArgs::augment_args(Command::new("run")));
    let mut reports = Reports::open(&args.reports, &library.contract, &again)?;
    let options = RunnerOptions { jobs: args.jobs.into(), max_attempts: args.max_attempts, isolated, tls: args.tls };
    let (command, _folder) = driver.ready()?;
    let progress = Progress::new(cases.len());
    let hear = |event: &Event| {
        progress.hear(event);
        reports.hear(event);
    };
    let ended = crate::cli::block_on(execute(command, &library, &cases, options, hear))?;
    progress.clear();
    let ended = ended?;
    reports.finish()?;
    Ok(ended)
}

/// Runs the cases, passes every event to `hear`, and returns the exit code.
pub(super) async fn execute(
    command: DriverCommand,
    library: &Library,
    cases: &[Arc<ClientCase>],
    options: RunnerOptions,
    mut hear: impl FnMut(&Event),
) -> Result<ExitCode, Failure> {
    let judge = ClientJudge::new(Arc::clone(&library.contract)).map_err(|error| Failure::harness(error.to_string()))?;
    let interrupt = Interrupt::from(interrupt::watch(Some(FINISHING)));
    let start = Instant::now();
    let started_at = Timestamp::now();
    let runner = Runner::start(command, judge, options).await.map_err(|error| Failure::usage(error.to_string()))?;
    let run = event(runner.driver(), &library.contract, cases.len(), started_at);
    let mut tally = Tally::of_run(&run);
    hear(&Event::Run(run));
    let complete = runner
        .run(cases, &interrupt, |result| {
            tally.add(&result);
            hear(&Event::Case(result));
        })
        .await;
    let register = &library.contract.register;
    for requirement in tally.requirements(register) {
        hear(&Event::Requirement(requirement));
    }
    let summary = tally.summary(register, start.elapsed().as_secs_f64() * 1000.0, complete);
    let ending = Ending { silence: tally.is_undecided_by_silence(register), ..Ending::default() };
    let exit = Exit::of_run(&summary.verdicts, ending);
    hear(&Event::Summary(summary));
    Ok(if interrupt.is_set() { ExitCode::from(INTERRUPTED) } else { exit.into() })
}

fn event(driver: &DriverEvent, contract: &Contract, selected: usize, started_at: Timestamp) -> RunEvent {
    RunEvent {
        version: VERSION,
        tool: concat!("countersign ", env!("CARGO_PKG_VERSION")).to_owned(),
        operation: contract.service.default_operation.clone(),
        service: Some(contract.service.signing_name.is.clone()),
        selected,
        revision: None,
        suite_version: Some(contract.register.suite_version),
        baseline_suite_version: None,
        recordings: None,
        shard: None,
        left_out: None,
        seed: 0,
        side: Side::Client,
        target: TargetEvent {
            name: format!("{} {}", driver.sdk, driver.sdk_version),
            endpoint: "http://127.0.0.1/".to_owned(),
            region: REGION.to_owned(),
            features: Vec::new(),
            class: TargetClass::Answers,
            meaning: "is a script that answers each case as the case says".to_owned(),
            answer: TargetAnswer::Told(String::new()),
            cause: None,
        },
        driver: Some(Box::new(driver.clone())),
        started_at: started_at.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::tls("sdk run --driver boto3 --tls a/* -o run.jsonl", "sdk run --driver boto3 --tls", "")]
    #[case::own_driver("sdk run a -j 4 -- python3 d.py --tls", "sdk run -j 4", "-- python3 d.py --tls")]
    fn a_run_of_an_sdk_is_repeated_with_its_flags(#[case] typed: &str, #[case] part: &str, #[case] behind: &str) {
        let command = SdkRunArgs::augment_args(Command::new("run"));
        let commands = RerunCommands::from_sdk_words(typed.split_whitespace().map(str::to_owned).collect(), &command);
        assert_eq!(commands.whole, format!("countersign {}", typed.replace("a/*", "'a/*'")));
        assert_eq!((&*commands.part, &*commands.behind), (&*format!("countersign {part}"), behind));
    }
}
