//! The self-test: runs the cases against the emulator behind every defect and every legal variant. A defect must be
//! found and blamed on what it breaks. A legal variant must not be accused.
//!
//! May use everything but the examination of targets, the SDK side and the command line. Start with [`run`]. An *entry*
//! is a defect or a legal variant; `outcome.rs` decides the fate of each entry and sums up all of them.

mod outcome;

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

pub use outcome::{DefectOutcome, Fate, SelftestReport};

use crate::contract::Feature;
use crate::corpus::{Corpus, Defect, ExpandedCase, Plan};
use crate::judge::Judge;
use crate::report::{in_a_line, reason};
use crate::run::runtime::single_threaded;
use crate::run::{Described, Interrupt, Session, run as run_plan};
use crate::servers::defects::{ExaminedExchange, Exchange, Layer, Upstream};
use crate::servers::emulator::{Emulator, EmulatorOptions};
use crate::targets::{Target, TargetError};
use crate::verdict::{CaseResult, Verdict};
use crate::wire::Credentials;

/// How many requests one session has in flight, at most. Several sessions run at the same time.
const JOBS: usize = 2;

/// How long one answer may take. Only an overloaded machine is that slow.
const TIMEOUT: Duration = Duration::from_mins(1);

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

/// Runs the plan against every entry. Passes each outcome to `report_outcome` as soon as it is known, in no fixed
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
    let context = SelftestContext { corpus, judge };
    let (upstream, cases) = context.try_without_defect(plan)?;
    let cases = cases.iter().map(|(case, exchanges)| ExaminedCase {
        case,
        exchanges: exchanges.iter().map(|exchange| ExaminedExchange::new(exchange, &upstream)).collect(),
    });
    let outcomes = context.try_all(&cases.collect::<Vec<_>>(), entries, &report_outcome)?;
    for (entry, outcome) in entries.iter().zip(&outcomes) {
        if outcome.rewrites == 0 {
            return Err(SelftestError::Unchanged(outcome.id.clone()));
        }
        if entry.canary && outcome.fate == Fate::Survived {
            return Err(SelftestError::Canary(outcome.id.clone()));
        }
    }
    Ok(SelftestReport::new(judge.contract(), outcomes))
}

/// A case that the emulator without a defect passes, and what was said in it.
type CaseWithExchanges = (Arc<ExpandedCase>, Vec<Exchange>);

/// The same, prepared for the questions of every entry.
struct ExaminedCase<'a> {
    case: &'a Arc<ExpandedCase>,
    exchanges: Vec<ExaminedExchange<'a>>,
}

#[derive(Clone, Copy)]
struct SelftestContext<'a> {
    corpus: &'a Arc<Corpus>,
    judge: &'a Judge,
}

impl SelftestContext<'_> {
    /// Runs every case against the emulator alone, which must pass. Returns what a layer must know of that emulator, and
    /// every case with what was said in it.
    fn try_without_defect(self, plan: &Plan) -> Result<(Upstream, Vec<CaseWithExchanges>), SelftestError> {
        let runtime = single_threaded()?;
        runtime.block_on(async {
            let said = Arc::new(Mutex::new(Vec::new()));
            let log = Arc::clone(&said);
            let recorded = move || mem::take(&mut *log.lock().unwrap_or_else(PoisonError::into_inner));
            let (options, denied) = EmulatorOptions::for_cases();
            let emulator = Emulator::start_behind(options, move |answer, request| {
                let exchange = Exchange { request: request.clone(), time: Timestamp::now(), answer: answer(request) };
                let answer = exchange.answer.clone();
                said.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
                answer
            })
            .await?;
            let session = self.session(target(&emulator, denied)?)?;
            let mut cases = Vec::new();
            for case in self.with_controls(plan) {
                // One case after the other: whatever was said since the last one belongs to this one.
                for result in results(&session, vec![Arc::clone(&case)]).await {
                    must_be_clean(result)?;
                }
                cases.push((case, recorded()));
            }
            Ok((upstream(emulator.options()), cases))
        })
    }

    /// The cases of a plan, each behind its control. A session runs a control once; so a control must run in its own
    /// name before a case needs it.
    fn with_controls(self, plan: &Plan) -> Vec<Arc<ExpandedCase>> {
        let mut ids = BTreeSet::new();
        let mut cases = Vec::new();
        for case in &plan.cases {
            let control = |case: &Arc<ExpandedCase>| self.corpus.get(&case.case.control.as_ref()?.case).cloned();
            let mut chain: Vec<_> = iter::successors(Some(Arc::clone(case)), control).collect();
            chain.reverse();
            cases.extend(chain.into_iter().filter(|case| ids.insert(case.id.clone())));
        }
        cases
    }

    fn session(self, target: Target) -> Result<Session, TargetError> {
        let session = Session::new(Arc::clone(self.corpus), self.judge.clone(), target, 1, JOBS)?;
        Ok(session.describing(Described::Nothing).quoting_nothing())
    }

    /// Tries every entry, as many at a time as there are cores.
    fn try_all(
        self,
        cases: &[ExaminedCase<'_>],
        entries: &[&Defect],
        report_outcome: &(impl Fn(&DefectOutcome) + Send + Sync),
    ) -> Result<Vec<DefectOutcome>, SelftestError> {
        let next = AtomicUsize::new(0);
        let work = || -> Result<Vec<(usize, DefectOutcome)>, SelftestError> {
            let mut outcomes = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(entry) = entries.get(index) else { return Ok(outcomes) };
                let (results, rewrites) = self.try_on(entry, self.cases_for(entry, cases))?;
                let outcome = DefectOutcome::of(entry, self.judge.contract(), &results, rewrites);
                report_outcome(&outcome);
                outcomes.push((index, outcome));
            }
        };
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let mut outcomes = thread::scope(|scope| {
            let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            let per_thread =
                threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
            per_thread.collect::<Result<Vec<_>, SelftestError>>()
        })?
        .concat();
        outcomes.sort_by_key(|(index, _)| *index);
        Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
    }

    /// The cases that an entry is tried on: those in which it may change an answer. In the others, all is said as it was
    /// said without a defect, and they pass again.
    ///
    /// For a defect, they are also cases of the operations whose requirements it breaks.
    fn cases_for(self, entry: &Defect, cases: &[ExaminedCase<'_>]) -> Vec<Arc<ExpandedCase>> {
        let contract = self.judge.contract();
        let is_meant = |case: &ExpandedCase| {
            let operation = contract.operation(&case.operation);
            entry.requirements.is_empty()
                || operation.is_some_and(|operation| entry.requirements.iter().any(|id| operation.owns(id)))
        };
        let is_touched = |case: &&ExaminedCase<'_>| {
            is_meant(case.case) && case.exchanges.iter().any(|exchange| exchange.may_change(entry))
        };
        cases.iter().filter(is_touched).map(|case| Arc::clone(case.case)).collect()
    }

    /// Runs cases against the emulator behind an entry. Returns every result, and how many answers the entry changed.
    fn try_on(self, entry: &Defect, cases: Vec<Arc<ExpandedCase>>) -> Result<(Vec<CaseResult>, u64), SelftestError> {
        let runtime = single_threaded()?;
        runtime.block_on(async {
            let (options, denied) = EmulatorOptions::for_cases();
            let layer = Arc::new(Layer::new(Arc::new(entry.clone()), upstream(&options)));
            let answering = Arc::clone(&layer);
            let emulator = Emulator::start_behind(options, move |answer, request| {
                answering.answer(request, Timestamp::now(), answer)
            })
            .await?;
            let session = self.session(target(&emulator, denied)?)?;
            Ok((results(&session, cases).await, layer.rewrites()))
        })
    }
}

/// The results of cases.
async fn results(session: &Session, cases: Vec<Arc<ExpandedCase>>) -> Vec<CaseResult> {
    let mut results = Vec::with_capacity(cases.len());
    let plan = Plan { cases, repeat: 1 };
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

/// What the layer of a defect must know about an emulator with these options.
pub fn upstream(options: &EmulatorOptions) -> Upstream {
    Upstream {
        credentials: options.credentials.clone(),
        region: options.region.clone(),
        resources: options.names().into_iter().map(|(id, name)| (id.to_owned(), name)).collect(),
    }
}

/// An emulator as a target that claims all it has. No policy allows `denied` anything.
fn target(emulator: &Emulator, denied: Credentials) -> io::Result<Target> {
    let upstream = upstream(emulator.options());
    let endpoint = emulator.endpoint().parse().map_err(io::Error::other)?;
    let mut target = Target::at(endpoint).with_name("emulator").signed_by(upstream.credentials).with_timeout(TIMEOUT);
    target = upstream.resources.iter().fold(target, |target, (id, name)| target.having(id, name));
    target = target.claiming(EmulatorOptions::FEATURES.iter().filter_map(|feature| feature.parse::<Feature>().ok()));
    target.denied = Some(denied);
    target.region = upstream.region;
    // Here a fault passes only if an entry lets it pass. That does not depend on time, so there is no pause.
    target.recovery = Duration::ZERO;
    Ok(target)
}

#[cfg(test)]
mod tests;
