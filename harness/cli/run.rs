//! `countersign run`: cases against a target, judged and reported.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use jiff::{Timestamp, Zoned};

use super::again::Again;
use super::interrupt::INTERRUPTED;
use super::library::Library;
use super::names;
use super::origin::Traced;
use super::output::say;
use super::progress::Progress;
use super::reports::{ReportArgs, Reports};
use super::settings::{Settings, TargetArgs};
use super::target::Prepared;
use super::{Failure, FixtureArgs};
use crate::contract::{Contract, Feature, Level, LoadError, Register, Side};
use crate::corpus::{Pattern, Plan, SelectError, Selection, Shard};
use crate::report::{Baseline, Ending, Event, Exit, RunEvent, Tally, TargetEvent, VERSION};
use crate::run::{Session, random_seed, run as run_plan};
use crate::targets::Target;
use crate::targets::probe::{Class, Probe};
use crate::text::foreign;
use crate::verdict::{CaseResult, Verdict};

/// The arguments of `run`.
#[derive(Debug, Args)]
pub(super) struct Run {
    #[command(flatten)]
    selection: SelectionArgs,

    #[command(flatten)]
    target: Traced<TargetArgs>,

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
    #[arg(value_name = "PATTERN", value_parser = Pattern::new)]
    patterns: Vec<Pattern>,

    /// Leave out the cases that this pattern selects; repeat it for more
    #[arg(long, env = "COUNTERSIGN_SKIP", value_name = "PATTERN", value_delimiter = ',', value_parser = Pattern::new)]
    skip: Vec<Pattern>,

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

    /// Stop at the first failure, also where a case has runs of --repeat left
    #[arg(long, env = "COUNTERSIGN_FAIL_FAST")]
    fail_fast: bool,

    /// Print the ids of the selected cases, and send nothing
    #[arg(long, env = "COUNTERSIGN_DRY_RUN")]
    dry_run: bool,
}

impl SelectionArgs {
    /// The cases to run.
    pub(super) fn plan(&self, library: &Library) -> Result<Plan, Failure> {
        let selection = Selection {
            patterns: self.patterns.clone(),
            skip: self.skip.clone(),
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

pub(super) fn run(args: Run) -> Result<ExitCode, Failure> {
    let settings = Settings::resolve(args.target)?;
    let library = Library::load(args.fixtures.fixtures)?;
    let plan = args.selection.plan(&library)?;
    can_be_run(&settings, &library.contract)?;
    if args.running.dry_run {
        if args.reports.writes_files() {
            say("no report is written: --dry-run runs nothing");
        }
        let ids: Vec<_> = plan.cases.iter().map(|case| case.id.as_str()).collect();
        return super::output::print(&ids.join("\n"));
    }
    args.reports.check_files(&[])?;
    let baseline = settings.baseline.as_deref().map(|file| load_baseline(file, &library)).transpose()?;
    let seed = args.running.seed.unwrap_or_else(random_seed);
    let mut reports = Reports::open(&args.reports, &library.contract, &Again::of_run(seed))?;
    let execution = Execution {
        settings: &settings,
        library: &library,
        plan: &plan,
        shard: args.selection.shard,
        seed,
        repeat: args.running.repeat,
        fail_fast: args.running.fail_fast,
        baseline,
    };
    let mut ended = super::block_on(execution.run(|event| reports.hear(event)))??;
    if let Err(failure) = reports.finish() {
        failure.report(&[]);
        ended.exit = Exit::first_of([(Exit::Usage, true), (ended.exit, true)]);
    }
    Ok(ended.into())
}

/// Refuses settings of which no run could come, whatever the target answers.
pub(super) fn can_be_run(settings: &Settings, contract: &Contract) -> Result<(), Failure> {
    claims_are_tested(settings, &contract.register)?;
    names::check(settings, contract)
}

/// Refuses a claim that no requirement would hold the target to.
fn claims_are_tested(settings: &Settings, register: &Register) -> Result<(), Failure> {
    let tested = |feature: &Feature| register.of_side(Side::Server).any(|row| row.feature == *feature && row.counts());
    match settings.features().iter().find(|feature| !tested(feature)) {
        None => Ok(()),
        Some(feature) => Err(Failure::usage(format!(
            "no requirement of the feature {feature} is judged yet, so claiming it would say nothing; leave it out of {}",
            settings.from.place("claim")
        ))),
    }
}

fn load_baseline(file: &Path, library: &Library) -> Result<Baseline, Failure> {
    let wrong = |error: LoadError| Failure::usage(error.to_string());
    let baseline = Baseline::load(file).map_err(wrong)?;
    baseline.check(&library.corpus).map_err(wrong)?;
    Ok(baseline)
}

/// A run with everything that it needs.
pub(super) struct Execution<'a> {
    pub(super) settings: &'a Settings,
    pub(super) library: &'a Library,
    pub(super) plan: &'a Plan,
    /// Which part of the selected cases the plan is.
    pub(super) shard: Option<Shard>,
    pub(super) seed: u64,
    /// How often each case runs.
    pub(super) repeat: u32,
    /// Whether the first failure ends the run.
    pub(super) fail_fast: bool,
    pub(super) baseline: Option<Baseline>,
}

impl Execution<'_> {
    /// Runs the plan and tells every event.
    pub(super) async fn run(&self, mut hear: impl FnMut(&Event)) -> Result<Ended, Failure> {
        let prepared = Prepared::new(self.settings, self.library).await?;
        let session = self.session(prepared.target.clone())?;
        let interrupt = super::interrupt::watch();
        let started_at = Timestamp::now();
        let start = Instant::now();
        let probe = session.probe(&interrupt).await;
        reject(session.target(), probe)?;
        let slip = names::refused_workgroup(self.settings, &self.library.contract, probe.class, &probe.said);
        if let Some(slip) = slip {
            return Err(Failure::usage(format!(
                "{slip}, which {} refuses: {}. Name a workgroup that it has",
                foreign(session.target().endpoint.as_str()),
                probe.said
            )));
        }
        let run = self.event(session.target(), probe, started_at);
        let mut tally = Tally::of_run(&run);
        hear(&Event::Run(run));

        let progress = Progress::new(self.plan.cases.len());
        let today = Zoned::now().date();
        let excused = |mut result: CaseResult| {
            if let Some(baseline) = &self.baseline {
                baseline.apply(&mut result, today);
            }
            result
        };
        // What the baseline excuses is no failure.
        let ends = |result: &CaseResult| {
            self.fail_fast && result.verdict == Verdict::Fail && excused(result.clone()).verdict == Verdict::Fail
        };
        let complete = run_plan(&session, self.plan, self.repeat, &interrupt, ends, |result| {
            let result = excused(result);
            tally.add(&result);
            progress.advance(&result.id);
            hear(&Event::Case(result));
        })
        .await;
        progress.clear();

        let register = &self.library.contract.register;
        for requirement in tally.requirements(register) {
            hear(&Event::Requirement(requirement));
        }
        let duration_ms = start.elapsed().as_secs_f64() * 1000.0;
        let summary = tally.summary(register, duration_ms, complete);
        let silence = tally.is_undecided_by_silence(register) || probe.class == Class::Unreachable;
        let ending = Ending { leftovers: session.leftovers() > 0, silence, refused_credentials: false };
        let exit = Exit::of_run(&summary.verdicts, ending);
        hear(&Event::Summary(summary));
        let unreachable = (probe.class == Class::Unreachable).then(|| probe.said.clone());
        Ok(Ended { exit, interrupted: *interrupt.borrow(), unreachable })
    }

    fn session(&self, target: Target) -> Result<Session, Failure> {
        let (corpus, judge) = (Arc::clone(&self.library.corpus), self.library.judge.clone());
        Session::new(corpus, judge, target, self.seed, self.settings.jobs).map_err(Failure::of_target)
    }

    fn event(&self, target: &Target, probe: &Probe, started_at: Timestamp) -> RunEvent {
        let class = serde_json::to_value(probe.class).ok().and_then(|class| class.as_str().map(str::to_owned));
        RunEvent {
            version: VERSION,
            tool: concat!("countersign ", env!("CARGO_PKG_VERSION")).to_owned(),
            suite: "GetCredentials".to_owned(),
            selected: self.plan.cases.len(),
            shard: self.shard.map(|shard| shard.to_string()),
            seed: self.seed,
            side: Side::Server,
            driver: None,
            target: TargetEvent {
                name: target.name.clone(),
                endpoint: target.endpoint.to_string(),
                region: target.region.to_string(),
                features: target.features.iter().map(|feature| feature.word().to_owned()).collect(),
                class: class.unwrap_or_default(),
                meaning: probe.class.meaning().to_owned(),
                said: probe.said.clone(),
            },
            started_at: started_at.to_string(),
        }
    }
}

/// How a run ended.
pub(super) struct Ended {
    /// What it came to, whether it was interrupted or not.
    pub(super) exit: Exit,
    pub(super) interrupted: bool,
    /// What the probe met, where the target cannot be reached.
    pub(super) unreachable: Option<String>,
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        if ended.interrupted { INTERRUPTED.into() } else { ended.exit.into() }
    }
}

/// Ends a run of which nothing could come: its credentials or its workgroup are not the target's.
fn reject(target: &Target, probe: &Probe) -> Result<(), Failure> {
    let (endpoint, said) = (foreign(target.endpoint.as_str()), &probe.said);
    match probe.class {
        Class::RefusedCredentials => Err(Failure::usage(format!(
            "{endpoint} refuses the credentials: {said}. Give it the ones that it knows in AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY or AWS_PROFILE, and its region with --region"
        ))),
        Class::NoWorkgroup => Err(Failure::usage(format!(
            "{endpoint} has no workgroup \"{}\": {said}. Create it there, or name one that it has with --workgroup",
            foreign(target.workgroup.as_deref().unwrap_or_default())
        ))),
        _ => Ok(()),
    }
}
