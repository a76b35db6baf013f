//! The self-test: runs the cases against the emulator behind every defect and every legal variant. A defect must be
//! found and blamed on what it breaks. A legal variant must not be accused.
//!
//! May use everything but the examination of targets, the SDK side and the command line. Start with [`run`]. An *entry*
//! is a defect or a legal variant; `outcome.rs` decides the fate of each entry and sums up all of them.

mod emulated;
mod outcome;
#[cfg(feature = "login")]
mod wrong_door;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::io;
use std::iter;
use std::mem;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

pub use emulated::{emulated_revision, target_of, upstream};
pub use outcome::{DefectOutcome, Fate, SelftestReport};

use crate::contract::Operation;
use crate::corpus::{Corpus, Defect, ExpandedCase, Plan};
use crate::judge::Judge;
use crate::report::{in_a_line, reason};
use crate::run::runtime::single_threaded;
use crate::run::{Described, Interrupt, Journal, Session, run as run_plan};
#[cfg(feature = "login")]
use crate::servers::defects::DoorLayer;
use crate::servers::defects::{ExaminedExchange, Exchange, Layer, Upstream};
use crate::servers::emulator::{Emulator, EmulatorOptions, Revision};
use crate::targets::{Target, TargetError};
use crate::verdict::{CaseResult, Verdict};
use crate::wire::{Request, Response};
#[cfg(feature = "login")]
pub use wrong_door::DoorOf;

/// How long a case waits for something: the emulator makes and deletes things at once, and no entry delays that longer.
const LONGEST_WAIT: Duration = Duration::from_millis(400);

/// How many requests one session has in flight, at most. Several sessions run at the same time.
const JOBS: usize = 2;

/// How many entries that [wait](EntryTrial::waits) are tried at a time, for each core.
const WAITING: usize = 6;

/// How long one answer may take. Only an overloaded machine is that slow.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The same where the door gives no answer to some. The answers that come in time all the same are those of a machine
/// that is not overloaded; where one does not, the entry is a defect, and more cases are undecided.
#[cfg(feature = "login")]
const TIMEOUT_OF_HANGING: Duration = Duration::from_secs(1);

/// Why a self-test is void.
#[derive(Debug, thiserror::Error)]
pub enum SelftestError {
    /// A server could not be started.
    #[error("cannot start a server: {0}")]
    Start(#[from] io::Error),
    /// No client could be made for a server.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The emulator does not know a revision of the documents.
    #[error("void: the emulator cannot follow the documents of {0}")]
    Revision(String),
    /// The server without a defect does not pass.
    #[error("void: the emulator without any defect does not pass {case}: {why}")]
    Unclean {
        /// The first case that it does not pass.
        case: String,
        /// What became of it.
        why: String,
    },
    /// The canary, the defect that must always be found, was not found.
    #[error("void: the canary {0} was not found, so nothing else that is not found means anything")]
    Canary(String),
    /// An entry never changed an answer.
    #[error("void: {0} never changed an answer, so its survival or its death means nothing")]
    Unchanged(String),
}

/// Whether this build can try an entry: only with the Cargo feature `login` is there a door that a layer can stand before.
pub fn can_try(entry: &Defect) -> bool {
    cfg!(feature = "login") || entry.door.is_none()
}

/// What is tried by one revision of the documents.
pub struct Round<'a> {
    /// The cases of the revision.
    pub corpus: &'a Arc<Corpus>,
    /// Their judge, with the contract of the revision.
    pub judge: &'a Judge,
    /// The cases to run.
    pub plan: &'a Plan,
    /// The entries to try.
    pub entries: Vec<&'a Defect>,
}

/// Runs the plan of each round against every entry of it that this build [can try](can_try). Passes each outcome to
/// `report_outcome` as soon as it is known, in no fixed order.
///
/// # Errors
/// When the run is void.
pub fn run(
    rounds: &[Round<'_>],
    report_outcome: impl Fn(&DefectOutcome) + Send + Sync,
) -> Result<SelftestReport, SelftestError> {
    let prepared = side_by_side(rounds.iter().map(|round| || PreparedRound::new(round)))?;
    let (mut trials, mut untried) = (Vec::new(), Vec::new());
    for (round, prepared) in rounds.iter().zip(prepared) {
        let (entries, others): (Vec<&Defect>, Vec<&Defect>) = round.entries.iter().partition(|entry| can_try(entry));
        untried.extend(others);
        trials.extend(prepared.trials(&entries));
    }
    let outcomes = try_all(&trials, &report_outcome)?;
    for (EntryTrial { entry, .. }, outcome) in trials.iter().zip(&outcomes) {
        if outcome.rewrites == 0 {
            return Err(SelftestError::Unchanged(outcome.id.clone()));
        }
        if entry.canary && outcome.fate == Fate::Survived {
            return Err(SelftestError::Canary(outcome.id.clone()));
        }
    }
    let contracts: Vec<_> = rounds.iter().map(|round| round.judge.contract()).collect();
    Ok(SelftestReport::new(&contracts, outcomes, &untried))
}

/// Tries every entry, as many at a time as there are cores. More of those that wait are tried beside the others.
/// Returns the outcomes in the order of the trials.
fn try_all(
    trials: &[EntryTrial<'_>],
    report_outcome: &(impl Fn(&DefectOutcome) + Send + Sync),
) -> Result<Vec<DefectOutcome>, SelftestError> {
    let numbered = trials.iter().enumerate();
    let (waiting, mut busy): (Vec<_>, Vec<_>) = numbered.partition(|(_, trial)| trial.waits());
    // The longest first, so that none runs alone at the end.
    busy.sort_by_key(|(_, trial)| Reverse(trial.cases.len()));
    let (next_waiting, next_busy) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = |queue: &[(usize, &EntryTrial<'_>)], next: &AtomicUsize| {
        let mut outcomes = Vec::new();
        while let Some((index, trial)) = queue.get(next.fetch_add(1, Ordering::Relaxed)) {
            // After an error, the self-test is void: no more trials are begun.
            let outcome = trial.outcome().inspect_err(|_| next.store(queue.len(), Ordering::Relaxed))?;
            report_outcome(&outcome);
            outcomes.push((*index, outcome));
        }
        Ok::<_, SelftestError>(outcomes)
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let queues = iter::repeat_n((&busy, &next_busy), workers);
    let queues = queues.chain(iter::repeat_n((&waiting, &next_waiting), WAITING * workers));
    let mut outcomes = side_by_side(queues.map(|(queue, next)| move || work(queue, next)))?.concat();
    outcomes.sort_by_key(|(index, _)| *index);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

/// Does each piece of work in a thread of its own. Returns the results in their order, or the first error among them.
fn side_by_side<T: Send>(
    work: impl Iterator<Item = impl FnOnce() -> Result<T, SelftestError> + Send>,
) -> Result<Vec<T>, SelftestError> {
    thread::scope(|scope| {
        let threads: Vec<_> = work.map(|work| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

/// A case that the emulator without a defect passes, and what was said in it.
type CaseWithExchanges = (Arc<ExpandedCase>, Vec<Exchange>);

/// The same, prepared for the questions of every entry.
struct ExaminedCase<'a> {
    case: &'a Arc<ExpandedCase>,
    exchanges: Vec<ExaminedExchange<'a>>,
}

/// A round, and what the emulator without a defect said in its cases.
struct PreparedRound<'a> {
    context: SelftestContext<'a>,
    upstream: Upstream,
    cases: Vec<CaseWithExchanges>,
}

impl<'a> PreparedRound<'a> {
    fn new(round: &Round<'a>) -> Result<Self, SelftestError> {
        let Round { corpus, judge, plan, .. } = round;
        let year = judge.contract().revision;
        let revision = emulated_revision(year).ok_or_else(|| SelftestError::Revision(year.to_string()))?;
        let context = SelftestContext { corpus, judge, revision };
        let (upstream, cases) = context.try_without_defect(plan)?;
        Ok(Self { context, upstream, cases })
    }

    /// The trials of entries, in their order.
    fn trials<'e>(self, entries: &[&'e Defect]) -> Vec<EntryTrial<'e>>
    where
        'a: 'e,
    {
        let Self { context, upstream, cases } = self;
        let examined = cases.iter().map(|(case, exchanges)| ExaminedCase {
            case,
            exchanges: exchanges.iter().map(|exchange| ExaminedExchange::new(exchange, &upstream)).collect(),
        });
        let examined: Vec<_> = examined.collect();
        entries.iter().map(|entry| EntryTrial { context, entry, cases: context.cases_for(entry, &examined) }).collect()
    }
}

/// An entry, and the cases that it is tried on.
struct EntryTrial<'a> {
    context: SelftestContext<'a>,
    entry: &'a Defect,
    cases: Vec<Arc<ExpandedCase>>,
}

impl EntryTrial<'_> {
    fn outcome(&self) -> Result<DefectOutcome, SelftestError> {
        let Self { context, entry, cases } = self;
        let (results, rewrites) = context.try_on(entry, cases.clone())?;
        Ok(DefectOutcome::of(entry, context.judge.contract(), &results, rewrites))
    }

    /// Whether the trial waits most of the time: for a log-in, or for what a case makes.
    fn waits(&self) -> bool {
        self.entry.door.is_some() || self.cases.iter().any(|case| case.is_staged())
    }
}

#[derive(Clone, Copy)]
struct SelftestContext<'a> {
    corpus: &'a Arc<Corpus>,
    judge: &'a Judge,
    /// The documents that the emulator follows.
    revision: Revision,
}

impl SelftestContext<'_> {
    /// Runs every case against the emulator alone, which must pass. Returns what a layer must know of that emulator, and
    /// every case with what was said in it.
    fn try_without_defect(self, plan: &Plan) -> Result<(Upstream, Vec<CaseWithExchanges>), SelftestError> {
        single_threaded()?.block_on(async {
            let said = Arc::new(Mutex::new(Vec::new()));
            let log = Arc::clone(&said);
            let recorded = move || mem::take(&mut *log.lock().unwrap_or_else(PoisonError::into_inner));
            let emulator = Emulator::start_behind(self.options(), move |answer, request| {
                let exchange = Exchange { request: request.clone(), time: Timestamp::now(), answer: answer(request) };
                let answer = exchange.answer.clone();
                said.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
                answer
            })
            .await?;
            let upstream = upstream(emulator.options());
            let session = self.session(target_of(&emulator), TIMEOUT)?;
            let mut cases = Vec::new();
            for case in self.with_controls(plan) {
                // One case after the other: whatever was said since the last one belongs to this one.
                for result in results(&session, vec![Arc::clone(&case)]).await {
                    must_be_clean(result)?;
                }
                cases.push((case, recorded()));
            }
            Ok((upstream, cases))
        })
    }

    /// The cases of a plan that need nothing that the emulator of this build lacks, each behind its control. A session
    /// runs a control once; so a control must run in its own name before a case needs it.
    fn with_controls(self, plan: &Plan) -> Vec<Arc<ExpandedCase>> {
        let features = emulated::features(self.revision).collect::<Vec<_>>();
        let mut ids = BTreeSet::new();
        let mut cases = Vec::new();
        for case in plan.cases.iter().filter(|case| case.case.needs.iter().all(|need| features.contains(need))) {
            let control = |case: &Arc<ExpandedCase>| self.corpus.get(&case.case.control.as_ref()?.case).cloned();
            let mut chain: Vec<_> = iter::successors(Some(Arc::clone(case)), control).collect();
            chain.reverse();
            cases.extend(chain.into_iter().filter(|case| ids.insert(case.id.clone())));
        }
        cases
    }

    /// The options of an emulator for the cases of the revision.
    fn options(self) -> EmulatorOptions {
        EmulatorOptions::for_cases().in_revision(self.revision)
    }

    fn session(self, mut target: Target, timeout: Duration) -> Result<Session, TargetError> {
        target.client.timeout = timeout;
        // Here a fault passes only if an entry lets it pass. That does not depend on time, so there is no pause.
        target.recovery = Duration::ZERO;
        target.longest_wait = LONGEST_WAIT;
        let session = Session::new(Arc::clone(self.corpus), self.judge.clone(), target, 1, JOBS)?;
        // The emulator and all that is made there end with this process: no clean-up has to know of it.
        Ok(session.describing(Described::Nothing).quoting_nothing().with_journal(Journal::in_memory()))
    }

    /// The cases that an entry is tried on. An entry that changes log-ins is tried on all cases that log in. One that
    /// changes requests and answers is tried on those of the others in which it may change an answer: in the rest, all
    /// is said as it was said without a defect, and they pass again.
    ///
    /// For a defect, they are also cases of the operations whose requirements it breaks.
    fn cases_for(self, entry: &Defect, cases: &[ExaminedCase<'_>]) -> Vec<Arc<ExpandedCase>> {
        let contract = self.judge.contract();
        let is_meant = |case: &ExpandedCase| {
            let operation = contract.operation(&case.operation);
            let breaks = |operation: &Operation| entry.requirements.iter().any(|id| operation.owns(id));
            (entry.requirements.is_empty() || operation.is_some_and(breaks))
                && entry.door.is_some() == case.needs_database()
        };
        let is_touched = |case: &&ExaminedCase<'_>| {
            let may_change = || case.exchanges.iter().any(|exchange| exchange.may_change(entry));
            is_meant(case.case) && (entry.door.is_some() || may_change())
        };
        cases.iter().filter(is_touched).map(|case| Arc::clone(case.case)).collect()
    }

    /// Runs cases against the emulator behind an entry. Returns every result, and how many answers the entry changed.
    fn try_on(self, entry: &Defect, cases: Vec<Arc<ExpandedCase>>) -> Result<(Vec<CaseResult>, u64), SelftestError> {
        single_threaded()?.block_on(async {
            #[cfg(feature = "login")]
            if entry.door.is_some() {
                return self.try_on_door(entry, cases).await;
            }
            self.try_on_answers(entry, cases).await
        })
    }

    async fn try_on_answers(
        self,
        entry: &Defect,
        cases: Vec<Arc<ExpandedCase>>,
    ) -> Result<(Vec<CaseResult>, u64), SelftestError> {
        let options = self.options();
        #[cfg(feature = "login")]
        let options = EmulatorOptions { door: None, ..options };
        let layer = Arc::new(Layer::new(Arc::new(entry.clone()), upstream(&options)));
        let answering = Arc::clone(&layer);
        let layered = move |answer: &dyn Fn(&Request) -> Response, request: &Request| {
            answering.answer(request, Timestamp::now(), answer)
        };
        let emulator = Emulator::start_behind(options, layered).await?;
        let session = self.session(target_of(&emulator), TIMEOUT)?;
        Ok((results(&session, cases).await, layer.rewrites()))
    }

    /// The same for an entry that changes log-ins.
    #[cfg(feature = "login")]
    async fn try_on_door(
        self,
        entry: &Defect,
        cases: Vec<Arc<ExpandedCase>>,
    ) -> Result<(Vec<CaseResult>, u64), SelftestError> {
        let emulator = Arc::new(Emulator::start(self.options()).await?);
        let layer = DoorLayer::start(entry, DoorOf::new(Arc::clone(&emulator))).await?;
        let target = emulated::logging_in_at(target_of(&emulator), layer.address());
        let hangs = entry.door.as_ref().is_some_and(|door| door.hangs());
        let session = self.session(target, if hangs { TIMEOUT_OF_HANGING } else { TIMEOUT })?;
        Ok((results(&session, cases).await, layer.rewrites()))
    }
}

/// The results of cases.
async fn results(session: &Session, cases: Vec<Arc<ExpandedCase>>) -> Vec<CaseResult> {
    let mut results = Vec::with_capacity(cases.len());
    let plan = Plan { cases, repeat: 1, left_out: None };
    run_plan(session, &plan, &Interrupt::never(), |_| false, |result| results.push(result)).await;
    results
}

fn must_be_clean(result: CaseResult) -> Result<(), SelftestError> {
    if result.verdict == Verdict::Pass && result.warnings.is_empty() && result.undecided.is_empty() {
        return Ok(());
    }
    let found = result.violations.iter().chain(&result.warnings).next();
    let why =
        found.map_or_else(|| result.reason.as_ref().map_or_else(|| result.verdict.to_string(), reason), in_a_line);
    Err(SelftestError::Unclean { case: result.id, why })
}

#[cfg(test)]
mod tests;
