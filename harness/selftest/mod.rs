//! The self-test: runs the cases against the emulator behind every defect and every legal variant. A defect must be
//! found and blamed on what it breaks. A legal variant must not be accused.
//!
//! May use everything but the examination of targets, the SDK side and the command line. Start with [`run`]. An *entry*
//! is a defect or a legal variant; `outcome.rs` decides the fate of each entry and sums up all of them.

mod emulated;
mod outcome;
#[cfg(feature = "login")]
mod wrong_door;

use std::io;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

pub use emulated::{target_of, upstream};
pub use outcome::{DefectOutcome, Fate, SelftestReport};

use crate::corpus::{Corpus, Defect, ExpandedCase, Plan};
use crate::judge::Judge;
use crate::report::{in_a_line, reason};
use crate::run::runtime::single_threaded;
use crate::run::{Described, Interrupt, Session, run as run_plan};
#[cfg(feature = "login")]
use crate::servers::defects::DoorLayer;
use crate::servers::defects::Layer;
use crate::servers::emulator::{Emulator, EmulatorOptions};
use crate::targets::{Target, TargetError};
use crate::verdict::{CaseResult, Verdict};
use crate::wire::{Request, Response};
#[cfg(feature = "login")]
pub use wrong_door::DoorOf;

/// How many requests one session has in flight, at most. Several sessions run at the same time.
const JOBS: usize = 2;

/// How many entries that change log-ins are tried at a time, for each core.
const WAITING: usize = 6;

/// How long one answer may take. Only an overloaded machine is that slow.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The same where the door gives no answer to some. The answers that come in time all the same are those of a machine
/// that is not overloaded; where one does not, the entry is a defect, and more cases are undecided.
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

/// Runs the plan against every entry that this build [can try](can_try). Passes each outcome to `report_outcome` as soon as it is known, in no fixed
/// order.
///
/// # Errors
/// When the run is void.
pub fn run(
    corpus: &Arc<Corpus>,
    judge: &Judge,
    plan: &Plan,
    entries: &[&Defect],
    report_outcome: impl Fn(&DefectOutcome) + Send + Sync,
) -> Result<SelftestReport, SelftestError> {
    let context = SelftestContext { corpus, judge, plan };
    let (entries, untried): (Vec<&Defect>, Vec<&Defect>) = entries.iter().partition(|entry| can_try(entry));
    for result in context.try_on(None)?.0 {
        if result.verdict != Verdict::Pass || !result.warnings.is_empty() {
            let found = result.violations.iter().chain(&result.warnings).next();
            let why = found
                .map_or_else(|| result.reason.as_ref().map_or_else(|| result.verdict.to_string(), reason), in_a_line);
            return Err(SelftestError::Unclean { case: result.id, why });
        }
    }
    let outcomes = context.try_all(&entries, &report_outcome)?;
    for (entry, outcome) in entries.iter().zip(&outcomes) {
        if outcome.rewrites == 0 {
            return Err(SelftestError::Unchanged(outcome.id.clone()));
        }
        if entry.canary && outcome.fate == Fate::Survived {
            return Err(SelftestError::Canary(outcome.id.clone()));
        }
    }
    Ok(SelftestReport::new(judge.contract(), outcomes, &untried))
}

#[derive(Clone, Copy)]
struct SelftestContext<'a> {
    corpus: &'a Arc<Corpus>,
    judge: &'a Judge,
    plan: &'a Plan,
}

impl SelftestContext<'_> {
    /// Tries every entry, as many at a time as there are cores. Entries that change log-ins wait most of the time, so
    /// that more of them are tried beside the others.
    fn try_all(
        self,
        entries: &[&Defect],
        report_outcome: &(impl Fn(&DefectOutcome) + Send + Sync),
    ) -> Result<Vec<DefectOutcome>, SelftestError> {
        let numbered = entries.iter().copied().enumerate();
        let (of_doors, of_answers): (Vec<_>, Vec<_>) = numbered.partition(|(_, entry)| entry.door.is_some());
        let (next_of_doors, next_of_answers) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work =
            |queue: &[(usize, &Defect)], next: &AtomicUsize| -> Result<Vec<(usize, DefectOutcome)>, SelftestError> {
                let mut outcomes = Vec::new();
                loop {
                    let taken = next.fetch_add(1, Ordering::Relaxed);
                    let Some((index, entry)) = queue.get(taken) else { return Ok(outcomes) };
                    let (results, rewrites) = self.try_on(Some(entry))?;
                    let outcome = DefectOutcome::of(entry, self.judge.contract(), &results, rewrites);
                    report_outcome(&outcome);
                    outcomes.push((*index, outcome));
                }
            };
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let mut outcomes = thread::scope(|scope| {
            let of_answers = (0..workers).map(|_| scope.spawn(|| work(&of_answers, &next_of_answers)));
            let of_doors = (0..WAITING * workers).map(|_| scope.spawn(|| work(&of_doors, &next_of_doors)));
            let threads: Vec<_> = of_answers.chain(of_doors).collect();
            let per_thread =
                threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
            per_thread.collect::<Result<Vec<_>, SelftestError>>()
        })?
        .concat();
        outcomes.sort_by_key(|(index, _)| *index);
        Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
    }

    /// The cases that an entry is tried on. For a defect, they are the cases of the operations whose requirements it
    /// breaks. For a legal variant, or for the emulator alone, they are all cases. An entry that changes log-ins is tried
    /// on the cases that log in; one that changes requests and answers, on the others. Cases that need something that the
    /// emulator of this build lacks are left out.
    fn plan_for(self, entry: Option<&Defect>) -> Plan {
        let broken: Vec<&String> = entry.iter().flat_map(|entry| &entry.requirements).collect();
        let (contract, features) = (self.judge.contract(), emulated::features().collect::<Vec<_>>());
        let is_meant = |case: &&Arc<ExpandedCase>| {
            let operation = contract.operation(&case.operation);
            (broken.is_empty() || operation.is_some_and(|operation| broken.iter().any(|id| operation.owns(id))))
                && entry.is_none_or(|entry| entry.door.is_some() == case.needs_database())
                && case.case.needs.iter().all(|need| features.contains(need))
        };
        Plan { cases: self.plan.cases.iter().filter(is_meant).cloned().collect(), repeat: 1 }
    }

    /// Runs the plan against the emulator behind an entry, or against the emulator alone if there is no entry. Returns
    /// every result, and how many answers the entry changed.
    fn try_on(self, entry: Option<&Defect>) -> Result<(Vec<CaseResult>, u64), SelftestError> {
        single_threaded()?.block_on(async {
            match entry {
                #[cfg(feature = "login")]
                Some(entry) if entry.door.is_some() => self.try_on_door(entry).await,
                _ => self.try_on_answers(entry).await,
            }
        })
    }

    async fn try_on_answers(self, entry: Option<&Defect>) -> Result<(Vec<CaseResult>, u64), SelftestError> {
        let (options, denied) = EmulatorOptions::for_cases();
        let Some(entry) = entry else {
            let emulator = Emulator::start(options).await?;
            return Ok((self.results(target_of(&emulator, denied), None).await?, 0));
        };
        #[cfg(feature = "login")]
        let options = EmulatorOptions { door: None, ..options };
        let layer = Arc::new(Layer::new(Arc::new(entry.clone()), upstream(&options)));
        let answering = Arc::clone(&layer);
        let layered = move |answer: &dyn Fn(&Request) -> Response, request: &Request| {
            answering.answer(request, Timestamp::now(), answer)
        };
        let emulator = Emulator::start_behind(options, layered).await?;
        Ok((self.results(target_of(&emulator, denied), Some(entry)).await?, layer.rewrites()))
    }

    /// The same for an entry that changes log-ins.
    #[cfg(feature = "login")]
    async fn try_on_door(self, entry: &Defect) -> Result<(Vec<CaseResult>, u64), SelftestError> {
        let (options, denied) = EmulatorOptions::for_cases();
        let emulator = Arc::new(Emulator::start(options).await?);
        let layer = DoorLayer::start(entry, DoorOf::new(Arc::clone(&emulator))).await?;
        let target = emulated::logging_in_at(target_of(&emulator, denied), layer.address());
        let results = self.results(target, Some(entry)).await?;
        Ok((results, layer.rewrites()))
    }

    async fn results(self, mut target: Target, entry: Option<&Defect>) -> Result<Vec<CaseResult>, SelftestError> {
        let hangs = entry.and_then(|entry| entry.door.as_ref()).is_some_and(|door| door.hangs());
        target.client.timeout = if hangs { TIMEOUT_OF_HANGING } else { TIMEOUT };
        // Here a fault passes only if an entry lets it pass. That does not depend on time, so there is no pause.
        target.recovery = Duration::ZERO;
        let session = Session::new(Arc::clone(self.corpus), self.judge.clone(), target, 1, JOBS)?;
        let session = session.describing(Described::Nothing).quoting_nothing();
        let plan = self.plan_for(entry);
        let mut results = Vec::with_capacity(plan.cases.len());
        run_plan(&session, &plan, &Interrupt::never(), |_| false, |result| results.push(result)).await;
        Ok(results)
    }
}

#[cfg(test)]
mod tests;
