use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OnceCell, RwLock};

use super::budget::Purpose;
use super::case::{CaseRun, RunContext, without_verdict};
use super::case_result::{conclude, describe, expected, shown_exchange};
use super::interrupt::{Interrupt, Interrupted};
#[cfg(feature = "cli")]
use super::journal::Entry;
use super::journal::Journal;
use super::lifetimes::recheck_lifetimes;
use super::outages::{self, Reference};
use super::random_names::RandomNames;
use super::resources::misnamed;
use super::sender::Sender;
use super::staging::{Deletion, Made};
use super::{database, probing, repro};
use crate::contract::{Contract, Operation, Side};
use crate::corpus::{Corpus, ExpandedCase, Plan};
use crate::judge::{Judge, Judgement};
use crate::targets::{Target, TargetError};
use crate::verdict::{CaseResult, Leftover, ProbeOutcome, Reason, Restrained, TargetAnswer, TargetClass, Verdict};
use crate::wire::{Credentials, Masker, SeenSecrets, Transcript};

/// Which results of a session describe what was sent and answered. To describe takes longer than to judge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Described {
    /// The first run of every case, and every repeat that does not pass. No report shows a repeat that passes.
    #[default]
    All,
    /// Those that do not pass, or have warnings.
    Findings,
    /// None of them.
    Nothing,
}

/// Hears of every case that was judged, with what went over the wire: of its first run, once it passes or fails.
#[derive(Clone)]
pub struct Observer(Arc<dyn Fn(&JudgedCase<'_>) + Send + Sync>);

/// A case that was judged, and what it was judged by.
#[derive(Debug)]
pub struct JudgedCase<'a> {
    /// The case.
    pub case: &'a ExpandedCase,
    /// The exchanges of its calls, without those that set something up or undo it.
    pub transcript: &'a Transcript,
    /// The target.
    pub target: &'a Target,
    /// Masks our credentials, and every secret that the target has given.
    pub hidden: Masker,
}

impl Observer {
    /// An observer that calls this.
    pub fn new(hear: impl Fn(&JudgedCase<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hear))
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// A target under test with everything that its cases share: connections, controls, the seed.
#[derive(Debug)]
pub struct Session {
    corpus: Arc<Corpus>,
    context: RunContext,
    described: Described,
    /// Masks the credentials that requests are signed with.
    secrets: Masker,
    /// What kind of server answers, by operation.
    probes: Cells<Arc<ProbeOutcome>>,
    /// The first runs of cases, by case id. Only those of controls are kept.
    controls: Cells<Result<CompletedCase, Interrupted>>,
    unfinished_teardowns: AtomicU32,
    leftovers: Mutex<Vec<Leftover>>,
    /// Why every case is blocked; `None` if they are run.
    blocked: Option<Reason>,
    observer: Option<Observer>,
}

impl Session {
    /// A session with a target. At most `jobs` requests are in flight together. Nothing is sent yet.
    ///
    /// # Errors
    /// When the target is real AWS that was not allowed, or no client can be made for it.
    pub fn new(corpus: Arc<Corpus>, judge: Judge, target: Target, seed: u64, jobs: usize) -> Result<Self, TargetError> {
        let ours: Vec<_> = target.credentials.iter().chain(&target.denied).flat_map(Credentials::secrets).collect();
        let secrets = Masker::new(ours.clone());
        let errors = judge.contract().service.errors.iter();
        let retryable = errors.filter(|(_, error)| error.retryable.as_ref().is_some_and(|fact| fact.is));
        let retryable = retryable.map(|(name, _)| name.clone()).collect();
        let mut sender = Sender::new(target.connect(&target.client)?, jobs, target.recovery).retrying_after(retryable);
        if let Some(calls) = target.max_calls {
            sender.call_at_most(calls, target.calls_before());
        }
        if let Some(calls) = target.calls_a_second {
            sender.call_at_rate(calls);
        }
        Ok(Self {
            corpus,
            context: RunContext {
                start: Instant::now(),
                seed,
                judge,
                target,
                sender,
                turns: RwLock::default(),
                doubts_pass: AtomicBool::default(),
                seen: SeenSecrets::new(ours),
                lost_clock: OnceLock::new(),
                journal: Arc::default(),
            },
            described: Described::All,
            secrets,
            probes: Mutex::default(),
            controls: Mutex::default(),
            unfinished_teardowns: AtomicU32::default(),
            leftovers: Mutex::default(),
            blocked: None,
            observer: None,
        })
    }

    /// The same session, which now describes these results.
    #[must_use]
    pub fn describing(mut self, described: Described) -> Self {
        self.described = described;
        self
    }

    /// The same session, which quotes nothing of what the target says, and so looks for no secrets in it.
    #[must_use]
    pub fn quoting_nothing(mut self) -> Self {
        self.context.seen = SeenSecrets::silent();
        self
    }

    /// The same session, which now runs for at most this long. Cases that are left then are `indeterminate`.
    #[must_use]
    pub fn ending_after(mut self, limit: Duration) -> Self {
        self.context.sender.end_after(limit);
        self
    }

    /// The same session, which now writes down here what its cases make.
    #[must_use]
    pub fn with_journal(mut self, journal: impl Into<Arc<Journal>>) -> Self {
        self.context.journal = journal.into();
        self
    }

    /// The same session, in which every case is now blocked for this reason.
    #[must_use]
    pub fn blocking_all(mut self, reason: Reason) -> Self {
        self.blocked = Some(reason);
        self
    }

    /// The same session, which now tells this observer of each case that it judges.
    #[must_use]
    pub fn observed_by(mut self, observer: impl Into<Option<Observer>>) -> Self {
        self.observer = observer.into();
        self
    }

    /// Why every case is blocked; `None` if they are run.
    pub fn blocks_all(&self) -> Option<&Reason> {
        self.blocked.as_ref()
    }

    #[cfg(feature = "cli")]
    pub(super) fn context(&self) -> &RunContext {
        &self.context
    }

    #[cfg(feature = "cli")]
    pub(super) fn corpus(&self) -> &Corpus {
        &self.corpus
    }

    /// The contract that cases are judged by.
    pub fn contract(&self) -> &Contract {
        self.context.judge.contract()
    }

    /// The target.
    pub fn target(&self) -> &Target {
        &self.context.target
    }

    /// How many requests are in flight together at most.
    pub fn jobs(&self) -> usize {
        self.context.sender.jobs
    }

    /// How many calls were made, with those that were repeated and those before the session.
    pub fn calls_made(&self) -> u64 {
        self.context.sender.budget.made()
    }

    /// How many cases could not undo what they did.
    pub fn unfinished_teardowns(&self) -> u32 {
        self.unfinished_teardowns.load(Ordering::Relaxed)
    }

    /// What cases made and could not delete.
    pub fn leftovers(&self) -> Vec<Leftover> {
        self.leftovers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Deletes something that an earlier run left behind.
    pub async fn delete(&self, leftover: &Leftover) -> Deletion {
        self.context.delete(leftover, false).await
    }

    /// Deletes what an earlier run left behind, in this order. What is not there though it may have been made is looked
    /// for again for a moment, before the next thing: the call that makes it may still be carried out, and then the next
    /// thing cannot be deleted as long as this one is there.
    #[cfg(feature = "cli")]
    pub(crate) async fn delete_all(&self, entries: &[Entry]) -> Vec<Deletion> {
        let mut deletions = Vec::with_capacity(entries.len());
        for entry in entries {
            deletions.push(self.context.delete(&entry.thing, entry.in_doubt).await);
        }
        deletions
    }

    /// What the cases of a plan make with the names of this session's seed, the last thing first.
    pub fn made_by_seed(&self, plan: &Plan) -> Vec<Leftover> {
        let (made, interrupt) = (Made::default(), Interrupt::never());
        let reference = || Reference::Probe(None);
        let mut all: Vec<Leftover> = Vec::new();
        for (case, run) in plan.cases.iter().flat_map(|case| (0..plan.repeat).map(move |run| (case, run))) {
            let (context, interrupt, reference) = (&self.context, &interrupt, &reference);
            let purpose = Purpose::Asking;
            let case_run =
                CaseRun { context, case, interrupt, reference, new_connections: false, made: &made, purpose };
            let mut random_names = RandomNames::new(self.context.seed, &case.id, run);
            for attempt in 0..outages::MOST_TRIES {
                if attempt > 0 {
                    random_names.of_attempt(attempt);
                }
                all.extend(case_run.things(&random_names));
            }
        }
        all.reverse();
        all
    }

    /// Asks the target for an operation once, and says what kind of server answers.
    pub async fn probe(&self, operation: &Operation, interrupt: &Interrupt) -> ProbeOutcome {
        ProbeOutcome::clone(&*self.probed(operation, interrupt).await)
    }

    async fn probed(&self, operation: &Operation, interrupt: &Interrupt) -> Arc<ProbeOutcome> {
        let cell = cell_of(&self.probes, &operation.name.is);
        let silence = || ProbeOutcome {
            class: TargetClass::Unreachable,
            answer: TargetAnswer::Nothing("no answer before the run was interrupted".to_owned()),
            cause: None,
        };
        let ask = || async {
            let asked = interrupt.unless(Box::pin(self.ask(operation))).await;
            Arc::new(asked.unwrap_or_else(|Interrupted| silence()))
        };
        Arc::clone(cell.get_or_init(ask).await)
    }

    async fn ask(&self, operation: &Operation) -> ProbeOutcome {
        if self.context.target.path_names_case {
            // The mock is our own server and knows only cases, so there is nothing to find out.
            let status = operation.status.is;
            let answer = TargetAnswer::Answer { status, media_type: None, error: None, words: None };
            return ProbeOutcome { class: TargetClass::Answers, answer, cause: None };
        }
        probing::probe(&self.context, self.context.seed, operation).await
    }

    /// Runs a case: its control first, then its calls.
    ///
    /// # Errors
    /// When the run was interrupted.
    pub async fn run_case(
        &self,
        case: Arc<ExpandedCase>,
        run: u32,
        interrupt: &Interrupt,
    ) -> Result<CaseResult, Interrupted> {
        self.run_once(&case, run, interrupt).await.map(|ran| ran.result)
    }

    /// Runs a case. The first run of a control is made only once: the control itself and its cases share the result.
    async fn run_once(
        &self,
        case: &Arc<ExpandedCase>,
        run: u32,
        interrupt: &Interrupt,
    ) -> Result<CompletedCase, Interrupted> {
        if run > 0 {
            // Futures are moved until they are awaited, and this one is large.
            return Box::pin(self.run_uncached(case, run, interrupt)).await;
        }
        let cell = cell_of(&self.controls, &case.id);
        let ran = cell.get_or_init(|| Box::pin(self.run_uncached(case, run, interrupt))).await.clone();
        if !self.corpus.is_control(&case.id) {
            // No other case needs the result, and a long run must not pile up results.
            self.controls.lock().unwrap_or_else(PoisonError::into_inner).remove(&case.id);
        }
        ran
    }

    async fn run_uncached(
        &self,
        case: &ExpandedCase,
        run: u32,
        interrupt: &Interrupt,
    ) -> Result<CompletedCase, Interrupted> {
        let start = Instant::now();
        let mut result =
            CaseResult::blank(&case.id, &case.suite, Side::Server, &case.case.title, &case.case.requirements);
        if interrupt.is_set() {
            return Err(Interrupted);
        }
        if let Some((verdict, reason)) = self.obstacle(case, interrupt).await? {
            (result.verdict, result.reason, result.runs) = (verdict, reason, 0);
            result.expected = expected(case);
            return Ok(CompletedCase { result, accepted: false });
        }
        let mut random_names = RandomNames::new(self.context.seed, &case.id, run);
        let (reference, made) = (|| self.reference(case), Made::default());
        let (context, reference) = (&self.context, &reference);
        let purpose = Purpose::Asking;
        let case_run = CaseRun { context, case, interrupt, reference, new_connections: false, made: &made, purpose };
        let outcome = perform_and_judge(&case_run, &mut random_names).await;
        if case.is_staged() {
            // An interrupted run has a teardown too.
            let patient = CaseRun { interrupt: &Interrupt::never(), purpose: Purpose::Undoing, ..case_run };
            Box::pin(self.tear_down(&patient, &mut random_names)).await;
        }
        let (judgement, transcript) = outcome?;
        if let (Some(observer), 0, Verdict::Pass | Verdict::Fail) = (&self.observer, run, judgement.verdict) {
            let (target, hidden) = (&self.context.target, self.context.seen.masker());
            (observer.0)(&JudgedCase { case, transcript: &transcript, target, hidden });
        }
        conclude(&mut result, judgement);
        let last = transcript.iter().zip(&case.calls).next_back();
        let is_control = run == 0 && self.corpus.is_control(&case.id);
        let accepts = |(exchange, call)| self.context.judge.is_accepted(case, call, exchange);
        let accepted = is_control && last.is_some_and(accepts);
        let is_described = match self.described {
            Described::All => run == 0 || result.verdict != Verdict::Pass,
            Described::Findings => result.verdict != Verdict::Pass || !result.warnings.is_empty(),
            Described::Nothing => false,
        };
        let last_call = last.filter(|_| is_described);
        if let Some((exchange, call)) = last_call {
            let hidden = describe(&mut result, exchange, &self.context.seen.masker());
            result.exchange = Some(Box::new(shown_exchange(exchange, &self.secrets, &hidden)));
            let whom = (&self.context.target, self.contract());
            result.repro = Some(repro::line(case, call, &exchange.request, whom));
        }
        if is_described {
            result.expected = expected(case);
        }
        if transcript.is_empty() {
            result.runs = 0;
        }
        result.duration_ms = start.elapsed().as_secs_f64() * 1000.0;
        Ok(CompletedCase { result, accepted })
    }

    /// Undoes what a run of a case did, and remembers what is left.
    async fn tear_down(&self, case_run: &CaseRun<'_>, random_names: &mut RandomNames) {
        if !case_run.tear_down(random_names).await {
            self.unfinished_teardowns.fetch_add(1, Ordering::Relaxed);
            tracing::error!(case = case_run.case.id, "the teardown failed; the target may hold what this case made");
        }
        case_run.undo_made().await;
        self.leftovers.lock().unwrap_or_else(PoisonError::into_inner).extend(case_run.made.left());
    }

    /// What the target has answered before a case is run.
    fn reference(&self, case: &ExpandedCase) -> Reference {
        if let Some(control) = &case.case.control {
            return Reference::Control(self.control(&control.case));
        }
        let probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = probes.get(&case.operation).and_then(|cell| cell.get());
        Reference::Probe(outcome.map(|outcome| outcome.answer.clone()))
    }

    /// The control with this id.
    fn control(&self, id: &str) -> Arc<ExpandedCase> {
        Arc::clone(self.corpus.get(id).expect("controls were checked when the corpus was loaded"))
    }

    async fn obstacle(&self, case: &ExpandedCase, interrupt: &Interrupt) -> Result<Option<UnrunVerdict>, Interrupted> {
        if let Some(reason) = &self.blocked {
            return Ok(Some((Verdict::Blocked, Some(reason.clone()))));
        }
        let operation = self.contract().operation(&case.operation).unwrap_or(self.contract().default_operation());
        let probed = self.probed(operation, interrupt).await;
        let (class, answer) = (probed.class, || probed.answer.clone());
        let unclaimed_feature = case.case.needs.iter().find(|need| !self.context.target.features.contains(need));
        let obstacle = if class == TargetClass::Unreachable {
            Some((Verdict::Indeterminate, Some(Reason::NoAnswer { answer: answer() })))
        } else if class.is_rejection() {
            Some((Verdict::Indeterminate, Some(Reason::TurnedAway { class, answer: answer() })))
        } else if !class.is_judged() {
            Some((Verdict::NotImplemented, None))
        } else if let Some(unclaimed_feature) = unclaimed_feature {
            Some((Verdict::NotApplicable, Some(Reason::NotClaimed { feature: unclaimed_feature.word().to_owned() })))
        } else if let Some(does) = not_allowed(case, &self.context.target, self.contract()) {
            Some((Verdict::Blocked, Some(Reason::NotAllowed { does })))
        } else if let Some(reason) = self.context.lost_clock.get() {
            Some((Verdict::Blocked, Some(reason.clone())))
        } else if let Some((verdict, reason)) = database::obstacle(case, &self.context.target) {
            Some((verdict, Some(reason)))
        } else {
            self.context.sender.gives_up().map(|reason| (Verdict::Indeterminate, Some(reason)))
        };
        let (None, Some(control)) = (&obstacle, &case.case.control) else { return Ok(obstacle) };
        let ran = Box::pin(self.run_once(&self.control(&control.case), 0, interrupt)).await?;
        // An accepted control is enough: anything else that is wrong with its answer is a finding about the control.
        Ok((!ran.accepted).then(|| blocked_by(ran.result)))
    }
}

/// Makes the calls of a case and judges them. After a failure, further calls find out whether there is a reason other
/// than a fault of the target.
async fn perform_and_judge(
    case_run: &CaseRun<'_>,
    random_names: &mut RandomNames,
) -> Result<(Judgement, Transcript), Interrupted> {
    let budget = &case_run.context.sender.budget;
    let refused = budget.refused();
    let (mut judgement, transcript) = outages::perform(case_run, random_names).await?;
    if case_run.context.judge.is_about_lifetimes(&judgement) {
        // No other case moves the clock meanwhile.
        let _turn = case_run.context.turns.read().await;
        judgement = Box::pin(recheck_lifetimes(case_run, &transcript, judgement, random_names)).await?;
    }
    if judgement.verdict == Verdict::Fail
        && let Some(reason) = Box::pin(misnamed(case_run, &transcript, random_names)).await?
    {
        judgement = without_verdict(reason);
    }
    if judgement.verdict == Verdict::Fail
        && let Some(reason) = budget.refused_since(refused)
    {
        // A call was not made that might have told another reason.
        judgement = without_verdict(reason);
    }
    Ok((judgement, transcript))
}

/// What a case does that is not allowed at the target; `None` if all of it is.
pub(crate) fn not_allowed(case: &ExpandedCase, target: &Target, contract: &Contract) -> Option<Restrained> {
    let does = |what| match what {
        Restrained::Create => case.changes_something(contract),
        Restrained::Raw => case.is_raw(),
    };
    [Restrained::Create, Restrained::Raw].into_iter().find(|what| !target.allows(*what) && does(*what))
}

/// A case that ran.
#[derive(Clone, Debug)]
struct CompletedCase {
    result: CaseResult,
    /// Whether the last call of a control was accepted, even if its answer is wrong otherwise; always false if the case
    /// is no control.
    accepted: bool,
}

/// The verdict of a case that is not run, and the reason.
type UnrunVerdict = (Verdict, Option<Reason>);

/// Values that are computed once for each name.
type Cells<T> = Mutex<HashMap<String, Arc<OnceCell<T>>>>;

fn cell_of<T>(cells: &Cells<T>, name: &str) -> Arc<OnceCell<T>> {
    let mut cells = cells.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(cell) = cells.get(name) {
        return Arc::clone(cell);
    }
    Arc::clone(cells.entry(name.to_owned()).or_default())
}

/// The verdict of a case whose control was not accepted, and the reason.
fn blocked_by(control: CaseResult) -> UnrunVerdict {
    let CaseResult { id, verdict, reason, violations, .. } = control;
    let violation = violations.into_iter().next().map(Box::new);
    match (verdict, reason) {
        // If the control is blocked or not applicable, so is the case, for the same reason.
        (Verdict::Blocked | Verdict::NotApplicable, Some(reason)) => (verdict, Some(reason)),
        // If the control has no usable answer, the case is indeterminate too.
        (verdict, reason) => {
            let becomes = if verdict == Verdict::Indeterminate { verdict } else { Verdict::Blocked };
            let reason = reason.map(Box::new);
            (becomes, Some(Reason::BlockedBy { control: id, verdict, violation, reason }))
        }
    }
}
