//! `countersign run`: cases against a target, judged and reported.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::{Args, Command};
use jiff::{Timestamp, Zoned};

use super::hooks::HooksOfRun;
use super::interrupt::{FINISHING, INTERRUPTED};
use super::library::Library;
use super::near_misses::is_url;
use super::origin::TracedArgs;
use super::output::say;
use super::progress::Progress;
use super::record::load_recordings;
use super::reports::{ReportArgs, Reports};
use super::rerun::RerunCommands;
use super::resources;
use super::restraint::restrained;
use super::revision::knows_all;
use super::settings::{Settings, TargetArgs};
use super::target::Prepared;
use super::validate::evidence;
use super::{Failure, FixtureArgs, dry_run};
use crate::contract::{Contract, Feature, Level, Operation, Service, Side};
use crate::corpus::{Pattern, Plan, Selection, Shard};
use crate::report::{
    AskedCall, Baseline, CauseText, Ending, Event, Exit, REVISION_ADVICE, RecordingsEvent, RunEvent, Tally,
    TargetEvent, VERSION, answer_text, leftover_text, meaning, reason,
};
use crate::run::{Described, Interrupt, Journal, Observer, Session, random_seed, run as run_plan};
use crate::targets::Target;
use crate::text::{did_you_mean, file_name, foreign, meant};
use crate::verdict::{CaseResult, Cause, ProbeOutcome, Reason, RecordedTarget, TargetClass, Verdict};

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) selection: SelectionArgs,

    #[command(flatten)]
    pub(super) target: TracedArgs<TargetArgs>,

    #[command(flatten)]
    running: RunningArgs,

    #[command(flatten)]
    recordings: RecordingsArgs,

    #[command(flatten)]
    reports: ReportArgs,

    #[command(flatten)]
    fixtures: FixtureArgs,
}

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Cases")]
pub(super) struct SelectionArgs {
    /// Run only the cases that a pattern selects: * is one part of an id, ** any; what it matches is
    /// selected with everything below it
    #[arg(value_name = "PATTERN", value_parser = PatternOrUrl::new)]
    patterns: Vec<PatternOrUrl>,

    #[command(flatten)]
    operation: OperationArg,

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

/// A word that stands by itself: a pattern, or a URL, which can only mean the server to test.
#[derive(Clone, Debug)]
enum PatternOrUrl {
    Pattern(Pattern),
    Url(String),
}

impl PatternOrUrl {
    fn new(word: &str) -> Result<Self, String> {
        if is_url(word) {
            return Ok(Self::Url(word.to_owned()));
        }
        // No id has a colon before a number.
        if word.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
            return Err(format!("for the server there, give its URL: countersign run http://{}", foreign(word)));
        }
        Pattern::new(word).map(Self::Pattern)
    }
}

#[derive(Clone, Debug, Default, Args)]
pub(super) struct OperationArg {
    #[arg(long, env = "COUNTERSIGN_OPERATION", value_name = "NAME", help = operation_help())]
    operation: Option<String>,
}

fn operation_help() -> String {
    let default = &Service::embedded().default_operation;
    format!("The operation that the cases are about; `countersign list operations` shows them all [default: {default}]")
}

impl OperationArg {
    pub(super) fn of<'c>(&self, contract: &'c Contract) -> Result<&'c Operation, Failure> {
        self.operation.as_ref().map_or_else(|| Ok(contract.default_operation()), |name| operation_named(name, contract))
    }
}

/// The operation that `--operation` names.
pub(super) fn operation_named<'c>(name: &str, contract: &'c Contract) -> Result<&'c Operation, Failure> {
    meant(name, contract.operation_names()).and_then(|name| contract.operation(name)).ok_or_else(|| {
        let near = did_you_mean(name, contract.operation_names());
        let known_names = contract.operation_names().collect::<Vec<_>>().join(", ");
        let name = foreign(name);
        if contract.knows_elsewhere(&name) {
            let revision = contract.revision;
            return Failure::usage(format!(
                "--operation: the documents of the revision {revision} do not know {name}; choose another with --revision"
            ));
        }
        Failure::usage(format!("--operation: there is no operation \"{name}\" here{near}; there are {known_names}"))
    })
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Running")]
struct RunningArgs {
    /// Seed of the random names, to repeat a run exactly [default: a new one, which is printed]
    #[arg(long, env = "COUNTERSIGN_SEED", value_name = "N")]
    seed: Option<u64>,

    /// Run each case this number of times
    #[arg(long, env = "COUNTERSIGN_REPEAT", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,

    /// Stop at the first failure, also where a case has runs of --repeat left
    #[arg(long, env = "COUNTERSIGN_FAIL_FAST")]
    fail_fast: bool,

    #[command(flatten)]
    leftovers: LeftoversArg,

    /// Print every call that would be made, their number, and what they may cost; with --quiet, the ids of the cases
    /// alone. Send nothing
    #[arg(long, env = "COUNTERSIGN_DRY_RUN")]
    dry_run: bool,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Recordings")]
struct RecordingsArgs {
    /// Count the requirements that these recordings of real AWS confirm, and accept what they show where they
    /// contradict one
    #[arg(long, env = "COUNTERSIGN_RECORDINGS", value_name = "DIR")]
    recordings: Option<PathBuf>,

    /// Take recordings of another target than aws: emulator, mock or endpoint. The run is then a demonstration, in which
    /// nothing counts as AWS and no target conforms
    #[arg(long, env = "COUNTERSIGN_RECORDINGS_OF", value_name = "TARGET", default_value = "aws", value_parser = recorded)]
    recordings_of: RecordedTarget,
}

fn recorded(text: &str) -> Result<RecordedTarget, String> {
    serde_json::from_value(text.into()).map_err(|_| "expected aws, emulator, mock or endpoint".to_owned())
}

impl RecordingsArgs {
    /// What the recordings say, and a judge that accepts what they show; nothing where there are none.
    fn load(&self, library: &mut Library) -> Result<Option<Box<RecordingsEvent>>, Failure> {
        let Some(root) = &self.recordings else { return Ok(None) };
        let of = self.recordings_of;
        let all = load_recordings(root, &library.corpus)?;
        let others: BTreeSet<_> = all.recordings().values().map(|recording| recording.of).collect();
        let folder = all.only(|recording| recording.of == of);
        if folder.recordings().is_empty() {
            let words: Vec<_> = others.into_iter().map(RecordedTarget::word).collect();
            return Err(Failure::usage(format!(
                "{} has no recordings of {}, only of {}; --recordings-of takes those, for a demonstration that counts \
                 nothing as AWS",
                file_name(root),
                of.meaning(),
                words.join(" and ")
            )));
        }
        let evidence = evidence(&folder, library)?;
        let accepted = evidence.accepted(&library.contract.register);
        library.judge = library.judge.clone().accepting(accepted);
        Ok(Some(Box::new(evidence.event(&folder, of))))
    }
}

#[derive(Clone, Debug, Default, Args)]
pub(super) struct LeftoversArg {
    /// The journal of what cases make at the target, until it is deleted there [default: a file in the state folder of
    /// the user]
    #[arg(long, env = "COUNTERSIGN_LEFTOVERS", value_name = "FILE")]
    pub(super) leftovers: Option<PathBuf>,
}

impl LeftoversArg {
    fn journal(&self) -> Journal {
        self.leftovers.clone().map_or_else(Journal::default, Journal::at)
    }
}

impl SelectionArgs {
    /// The URLs that stand among the patterns.
    pub(super) fn urls(&self) -> Vec<String> {
        let url = |word: &PatternOrUrl| match word {
            PatternOrUrl::Pattern(_) => None,
            PatternOrUrl::Url(url) => Some(url.clone()),
        };
        self.patterns.iter().filter_map(url).collect()
    }

    /// Whether some cases are asked for by name.
    pub(super) fn names_cases(&self) -> bool {
        !self.patterns().is_empty() || !self.requirement.is_empty()
    }

    fn patterns(&self) -> Vec<Pattern> {
        let pattern = |word: &PatternOrUrl| match word {
            PatternOrUrl::Pattern(pattern) => Some(pattern.clone()),
            PatternOrUrl::Url(_) => None,
        };
        self.patterns.iter().filter_map(pattern).collect()
    }

    /// The operation that the cases are about, and the cases to run.
    pub(super) fn plan<'l>(&self, library: &'l Library) -> Result<(&'l Operation, Plan), Failure> {
        let operation = self.operation.of(&library.contract)?;
        let selection = Selection {
            operation: Some(operation.name.is.clone()),
            patterns: self.patterns(),
            skip: self.skip.clone(),
            level: self.level,
            requirements: self.requirement.iter().cloned().collect(),
            shard: self.shard,
        };
        let plan = Plan::select(&library.corpus, &library.contract.register, &selection);
        let plan = plan.map_err(|error| Failure::of_selection(&error))?;
        Ok((operation, plan))
    }
}

fn level(text: &str) -> Result<Level, String> {
    serde_json::from_value(text.into()).map_err(|_| "expected must, should or may".to_owned())
}

pub(super) fn run(args: RunArgs) -> Result<ExitCode, Failure> {
    let settings = Settings::resolve(args.target.at_urls(args.selection.urls())?)?;
    let library = Library::load_in(args.fixtures.fixtures, settings.revision.as_ref())?;
    let (operation, mut plan) = args.selection.plan(&library)?;
    let operation = operation.name.is.clone();
    plan.repeat = args.running.repeat;
    can_be_run(&settings, &library.contract)?;
    let plan = restrained(&settings, &library, plan, args.selection.names_cases())?;
    if args.running.dry_run {
        if args.reports.writes_files() {
            say("no report is written: --dry-run runs nothing");
        }
        if args.reports.is_quiet() {
            let ids: Vec<_> = plan.cases.iter().map(|case| case.id.as_str()).collect();
            return super::output::print(&ids.join("\n"));
        }
        return dry_run::print(&settings, &library, &library.contract.operations[&operation], &plan);
    }
    args.reports.check_files(&[])?;
    let mut library = library;
    let recordings = args.recordings.load(&mut library)?;
    let operation = &library.contract.operations[&operation];
    let baseline = settings.baseline.as_deref().map(|file| load_baseline(file, &library)).transpose()?;
    let seed = args.running.seed.unwrap_or_else(random_seed);
    let mut reports = Reports::open(
        &args.reports,
        &library.contract,
        &RerunCommands::of_run(seed, &RunArgs::augment_args(Command::new("run")), settings.target_words()),
    )?;
    let execution = Execution {
        settings: &settings,
        library: &library,
        operation,
        plan: &plan,
        shard: args.selection.shard,
        seed,
        fail_fast: args.running.fail_fast,
        baseline,
        described: args.reports.described(),
        leftovers: args.running.leftovers.clone(),
        observer: None,
        recordings,
    };
    let mut ended = super::block_on(execution.run(|event| reports.hear(event)))??;
    if let Err(failure) = reports.finish() {
        failure.report(&[]);
        ended.exit = Exit::first_of([(Exit::Usage, true), (ended.exit, true)]);
    }
    match ended.rejection.take() {
        Some(rejection)
            if !ended.interrupted
                && Exit::first_of([(rejection.exit(), true), (ended.exit, true)]) == Exit::Leftovers =>
        {
            rejection.report(&[]);
            Ok(ended.into())
        }
        Some(rejection) if !ended.interrupted => Err(rejection),
        _ => Ok(ended.into()),
    }
}

/// Refuses settings that no run could use, whatever the target answers: a claim of a feature that has no counted
/// requirement in any operation, and a name that no resource can have.
pub(super) fn can_be_run(settings: &Settings, contract: &Contract) -> Result<(), Failure> {
    knows_all(settings, contract)?;
    let is_claimed = settings.claim.as_ref().is_some_and(|claim| claim.contains(&Feature::CLOCK));
    let moves_clock = settings.clock.is_some() || !is_claimed;
    let tested = |feature: &Feature| {
        let mut rows = contract.operation_names().flat_map(|name| contract.register.of(Side::Server, name));
        // What moves a clock claims it, so that other features can be tried.
        (*feature == Feature::CLOCK && moves_clock) || rows.any(|row| row.feature == *feature && row.counts())
    };
    match settings.features().iter().find(|feature| !tested(feature)) {
        None => resources::check(settings, contract),
        Some(feature) => Err(Failure::usage(format!(
            "no requirement of the feature {feature} is judged yet, so claiming it would say nothing; leave it out of {}",
            settings.from.place("claim")
        ))),
    }
}

/// Reads a baseline and checks that its patterns select something.
pub(super) fn load_baseline(file: &Path, library: &Library) -> Result<Baseline, Failure> {
    let revision = library.contract.older_revision();
    let baseline = Baseline::load(file).and_then(|baseline| {
        baseline.check_revision(revision, REVISION_ADVICE)?;
        baseline.check(&library.corpus).map(|()| baseline)
    });
    baseline.map_err(|error| Failure::usage(error.to_string()))
}

#[derive(Clone)]
pub(super) struct Execution<'a> {
    pub(super) settings: &'a Settings,
    pub(super) library: &'a Library,
    pub(super) operation: &'a Operation,
    pub(super) plan: &'a Plan,
    pub(super) shard: Option<Shard>,
    pub(super) seed: u64,
    pub(super) fail_fast: bool,
    pub(super) baseline: Option<Baseline>,
    pub(super) described: Described,
    pub(super) leftovers: LeftoversArg,
    pub(super) observer: Option<Observer>,
    pub(super) recordings: Option<Box<RecordingsEvent>>,
}

impl<'a> Execution<'a> {
    /// The execution of a whole plan of which nothing is reported: no baseline, no details of answers, a random seed.
    pub(super) fn unreported(
        settings: &'a Settings,
        library: &'a Library,
        operation: &'a Operation,
        plan: &'a Plan,
    ) -> Self {
        Self {
            settings,
            library,
            operation,
            plan,
            shard: None,
            seed: random_seed(),
            fail_fast: false,
            baseline: None,
            described: Described::Nothing,
            leftovers: LeftoversArg::default(),
            observer: None,
            recordings: None,
        }
    }
}

impl Execution<'_> {
    pub(super) async fn run(&self, mut hear: impl FnMut(&Event)) -> Result<FinishedRun, Failure> {
        let mut prepared = Prepared::new(self.settings, self.library).await?;
        let interrupt = Interrupt::from(super::interrupt::watch(Some(FINISHING)));
        let (journal, start) = (Arc::new(self.leftovers.journal()), Instant::now());
        let mut hooks = HooksOfRun::of(self.settings, &prepared.target, &journal);
        let mut renamed = None;
        let mut failed_set_up = None;
        if let Some(hooks) = &mut hooks {
            match hooks.set_up().await {
                Ok(names) => match self.named_by(&names) {
                    Ok(settings) => {
                        prepared.renamed(&settings);
                        renamed = Some(settings);
                    }
                    Err(words) => failed_set_up = Some(hooks.failed(&words)),
                },
                Err(reason) => failed_set_up = Some(reason),
            }
        }
        let execution = Execution { settings: renamed.as_ref().unwrap_or(self.settings), ..self.clone() };
        let session = execution.session(&prepared, Arc::clone(&journal), failed_set_up);
        let ran = match &session {
            Ok(session) => execution.run_cases(session, &interrupt, &mut hear).await,
            Err(failure) => Err(failure.clone()),
        };
        // Whatever happened.
        let left_by_hook = match hooks {
            Some(hooks) => hooks.tear_down().await,
            None => None,
        };
        let leftovers: Vec<_> = session.iter().flat_map(Session::leftovers).chain(left_by_hook).collect();
        for leftover in &leftovers {
            say(&format!("left behind: {}", leftover_text(leftover)));
        }
        if !leftovers.is_empty() {
            say("`countersign cleanup` deletes what runs left behind");
        }
        let RanCases { tally, complete, silent, rejection } = ran?;
        let register = &self.library.contract.register;
        for requirement in tally.requirements(register) {
            hear(&Event::Requirement(requirement));
        }
        let duration_ms = start.elapsed().as_secs_f64() * 1000.0;
        let mut summary = tally.summary(register, duration_ms, complete);
        summary.leftovers = leftovers;
        let is_bounded = self.settings.restraint.max_calls.is_some();
        summary.calls = session.as_ref().ok().filter(|_| is_bounded).map(Session::calls_made);
        let unfinished = session.iter().any(|session| session.unfinished_teardowns() > 0);
        let silence = tally.is_undecided_by_silence(register) || silent.is_some();
        let ending = Ending { leftovers: !summary.leftovers.is_empty() || unfinished, silence };
        let exit = Exit::of_run(&summary.verdicts, ending);
        hear(&Event::Summary(summary));
        Ok(FinishedRun { exit, interrupted: interrupt.is_set(), unreachable: silent, rejection })
    }

    /// The settings with the names that the set-up hook printed.
    fn named_by(&self, names: &BTreeMap<String, String>) -> Result<Settings, String> {
        let settings = self.settings.with_names(names)?;
        can_be_run(&settings, &self.library.contract).map_err(|failure| failure.to_string())?;
        Ok(settings)
    }

    fn session(&self, prepared: &Prepared, journal: Arc<Journal>, blocked: Option<Reason>) -> Result<Session, Failure> {
        let (corpus, judge) = (Arc::clone(&self.library.corpus), self.library.judge.clone());
        let session = Session::new(corpus, judge, prepared.target.clone(), self.seed, self.settings.jobs);
        let session = session.map_err(Failure::of_target)?.describing(self.described).with_journal(journal);
        let session = session.observed_by(self.observer.clone());
        let session = match self.settings.max_time {
            Some(limit) => session.ending_after(limit),
            None => session,
        };
        Ok(match blocked {
            Some(reason) => session.blocking_all(reason),
            None => session,
        })
    }

    async fn run_cases(
        &self,
        session: &Session,
        interrupt: &Interrupt,
        mut hear: impl FnMut(&Event),
    ) -> Result<RanCases, Failure> {
        let started_at = Timestamp::now();
        let probe = session.probe(self.operation, interrupt).await;
        let answer = answer_text(&probe.answer);
        let failed_set_up = session.blocks_all();
        let rejection = match failed_set_up {
            Some(failed) => Some(Failure::usage(reason(failed))),
            None => self.rejection(session.target(), &probe),
        };
        let contract = &self.library.contract;
        let refused_name = resources::refused_name(self.settings, contract, self.operation, &probe);
        if let (None, Some((resource, slip))) = (failed_set_up, refused_name) {
            return Err(Failure::usage(format!(
                "{slip}, which {} refuses: {answer}. Name a {} that it has",
                foreign(session.target().endpoint.as_str()),
                resource.noun
            )));
        }
        let is_silent = probe.class == TargetClass::Unreachable;
        let run = self.event(session.target(), probe, started_at);
        let mut tally = Tally::of_run(&run);
        hear(&Event::Run(run));

        let progress = Progress::new(self.plan.cases.len());
        // Which day it is depends on the machine's time zone, which takes a while to find.
        let baseline = self.baseline.as_ref().map(|baseline| (baseline, Zoned::now().date()));
        let excused = |mut result: CaseResult| {
            if let Some((baseline, today)) = baseline {
                baseline.apply(&mut result, today);
            }
            result
        };
        // A case that the baseline excuses does not end the run.
        let ends = |result: &CaseResult| {
            self.fail_fast && result.verdict == Verdict::Fail && excused(result.clone()).verdict == Verdict::Fail
        };
        let complete = run_plan(session, self.plan, interrupt, ends, |result| {
            let result = excused(result);
            tally.add(&result);
            progress.advance(&result.id);
            hear(&Event::Case(result));
        })
        .await;
        progress.clear();
        Ok(RanCases { tally, complete, silent: is_silent.then_some(answer), rejection })
    }

    /// Why the target turns every call away, in words, with what to do about it; `None` if it does not. If it
    /// does, the run ends with reports in which no case is judged.
    fn rejection(&self, target: &Target, probe: &ProbeOutcome) -> Option<Failure> {
        let (endpoint, answer) = (foreign(target.endpoint.as_str()), answer_text(&probe.answer));
        let message = match (probe.class, &probe.cause) {
            (TargetClass::NoResource, _) => {
                let named_resource = self.operation.resources(&self.library.contract.service).next();
                let (noun, flag) = named_resource.map_or(("resource", ""), |of| (of.noun.as_str(), of.flag.as_str()));
                let name = named_resource.and_then(|of| target.resources.get(&of.id)).map_or("", String::as_str);
                let name = foreign(name);
                let fix = format!("Create it there, or name one that it has with --{flag}");
                format!("{endpoint} has no {noun} \"{name}\": {answer}. {fix}")
            }
            (_, Some(Cause::NotSigned)) => {
                let place = self.settings.from.place("no-sign");
                format!("{endpoint} refuses a request without a signature: {answer}. Leave out {place}")
            }
            (class, Some(cause)) if class.is_rejection() => {
                let (operation, service) = (&self.operation.name.is, &self.library.contract.service.signing_name.is);
                let (region, url) = (target.region.as_str(), target.endpoint.as_str());
                let asked = AskedCall { service, operation, region, endpoint: url };
                let is = meaning(class, operation, service);
                format!("{endpoint} {is}: {answer}. {}", CauseText::of(cause, asked).sentences())
            }
            (_, _) => return None,
        };
        Some(match probe.cause {
            Some(Cause::RedirectedToAws { .. }) => Failure::refused(message),
            _ => Failure::usage(message),
        })
    }

    fn event(&self, target: &Target, probe: ProbeOutcome, started_at: Timestamp) -> RunEvent {
        let (operation, service) = (&self.operation.name.is, &self.library.contract.service.signing_name.is);
        RunEvent {
            version: VERSION,
            tool: concat!("countersign ", env!("CARGO_PKG_VERSION")).to_owned(),
            operation: operation.clone(),
            service: Some(service.clone()),
            selected: self.plan.cases.len(),
            revision: self.library.contract.older_revision(),
            suite_version: Some(self.library.contract.register.suite_version),
            baseline_suite_version: self.baseline.as_ref().map(Baseline::suite_version),
            recordings: self.recordings.clone(),
            shard: self.shard.map(|shard| shard.to_string()),
            left_out: self.plan.left_out.clone(),
            seed: self.seed,
            side: Side::Server,
            driver: None,
            target: TargetEvent {
                name: target.name.clone(),
                endpoint: target.endpoint.to_string(),
                region: target.region.to_string(),
                features: target.features.iter().map(|feature| feature.word().to_owned()).collect(),
                class: probe.class,
                meaning: meaning(probe.class, operation, service),
                answer: probe.answer,
                cause: probe.cause,
            },
            started_at: started_at.to_string(),
        }
    }
}

/// What the cases of a run came to.
struct RanCases {
    tally: Tally,
    complete: bool,
    /// What the probe met, where the target cannot be reached.
    silent: Option<String>,
    rejection: Option<Failure>,
}

pub(super) struct FinishedRun {
    pub(super) exit: Exit,
    pub(super) interrupted: bool,
    /// What the probe met, where the target cannot be reached.
    pub(super) unreachable: Option<String>,
    /// Why the target turns every call away, so that the run judged nothing.
    pub(super) rejection: Option<Failure>,
}

impl From<FinishedRun> for ExitCode {
    fn from(ended: FinishedRun) -> Self {
        if ended.interrupted { INTERRUPTED.into() } else { ended.exit.into() }
    }
}
