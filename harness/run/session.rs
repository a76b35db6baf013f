use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::sync::{OnceCell, watch};

use super::database::{self, Control};
use super::described::{describe, expected, shown};
use super::domain;
use super::names::Names;
use super::repro;
use super::request::{self, Missing};
use super::sender::Sender;
use crate::contract::{Contract, Side};
use crate::corpus::{Call, Corpus, ExpandedCase};
use crate::judge::{Judge, Judgement};
use crate::targets::probe::{self, Class, Probe};
use crate::targets::{Target, TargetError};
use crate::verdict::{CaseResult, Verdict, Violation};
use crate::wire::{Credentials, Exchange, Masker, SeenSecrets, Transcript};

/// A target under test with everything that its cases share: connections, controls, the seed.
#[derive(Debug)]
pub struct Session {
    corpus: Arc<Corpus>,
    pub(super) judge: Judge,
    target: Target,
    sender: Sender,
    pub(super) seed: u64,
    /// What the target must not make us print: the credentials that it was given.
    secrets: Masker,
    /// What its words must not repeat: these, and what it has given in the place of secrets.
    seen: SeenSecrets,
    probe: OnceCell<Probe>,
    controls: Mutex<HashMap<String, Arc<OnceCell<Option<CaseResult>>>>>,
    leftovers: AtomicU32,
}

impl Session {
    /// A session with a target, with at most `jobs` requests in flight together; nothing is sent yet.
    ///
    /// # Errors
    /// When the target is real AWS that was not allowed, or no client can be made for it.
    pub fn new(corpus: Arc<Corpus>, judge: Judge, target: Target, seed: u64, jobs: usize) -> Result<Self, TargetError> {
        let ours = target.credentials.as_ref().map(Credentials::secrets).unwrap_or_default();
        let secrets = Masker::new(ours.clone());
        let sender = Sender::new(target.connect(&target.client)?, jobs, target.recovery);
        Ok(Self {
            corpus,
            judge,
            target,
            sender,
            seed,
            secrets,
            seen: SeenSecrets::new(ours),
            probe: OnceCell::new(),
            controls: Mutex::default(),
            leftovers: AtomicU32::new(0),
        })
    }

    /// The contract that cases are judged by.
    pub fn contract(&self) -> &Contract {
        self.judge.contract()
    }

    /// The target.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// How many requests are in flight together at most.
    pub fn jobs(&self) -> usize {
        self.sender.jobs()
    }

    /// How many cases could not undo what they did.
    pub fn leftovers(&self) -> u32 {
        self.leftovers.load(Ordering::Relaxed)
    }

    /// Asks the target once, and says what kind of server answers.
    pub async fn probe(&self, interrupt: &watch::Receiver<bool>) -> &Probe {
        let silence =
            || Probe { class: Class::Unreachable, said: "no answer before the run was interrupted".to_owned() };
        self.probe.get_or_init(|| async { unless(interrupt, self.ask()).await.unwrap_or_else(silence) }).await
    }

    async fn ask(&self) -> Probe {
        if self.target.path_names_case {
            // The mock is ours, and knows cases only.
            return Probe { class: Class::Answers, said: "200".to_owned() };
        }
        let workgroup = if self.target.workgroup.is_some() { "${workgroup}" } else { "${random:20}" };
        let input = format!(r#"{{"input":{{"workgroupName":"{workgroup}"}}}}"#);
        let spec = serde_json::from_str(&input).expect("the probe's request is well formed");
        let make_request = || {
            let mut names = Names::new(self.seed, "probe", 0);
            request::build(&spec, "GetCredentials", &self.target, "", &mut names, Timestamp::now())
        };
        match self.sender.send(&self.seen, make_request).await {
            Ok(exchange) => probe::classify(&exchange, self.target.workgroup.is_some(), &self.seen.masker()),
            Err(Missing(words)) => Probe { class: Class::Unreachable, said: words },
        }
    }

    /// Runs a case: its control first, then its calls. Nothing where the run was interrupted.
    pub async fn run_case(
        &self,
        case: Arc<ExpandedCase>,
        run: u32,
        interrupt: watch::Receiver<bool>,
    ) -> Option<CaseResult> {
        if run > 0 {
            return self.run_uncached(&case, run, interrupt).await;
        }
        // A control runs once, for itself and for every case that rests on it.
        let cell = {
            let mut cells = self.controls.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(case.id.clone()).or_default())
        };
        let result = cell.get_or_init(|| self.run_uncached(&case, run, interrupt)).await.clone();
        if !self.corpus.is_control(&case.id) {
            // Nobody will ask for it again; a long run keeps no results.
            self.controls.lock().unwrap_or_else(PoisonError::into_inner).remove(&case.id);
        }
        result
    }

    async fn run_uncached(
        &self,
        case: &Arc<ExpandedCase>,
        run: u32,
        interrupt: watch::Receiver<bool>,
    ) -> Option<CaseResult> {
        let start = Instant::now();
        let mut result = Self::blank(case);
        if *interrupt.borrow() {
            return None;
        }
        if let Some(judgement) = self.obstacle(case, &interrupt).await {
            let (verdict, reason) = judgement?;
            result.verdict = verdict;
            result.reason = reason;
            result.runs = 0;
            result.expected = expected(case);
            return Some(result);
        }
        let mut names = Names::new(self.seed, &case.id, run);
        let outcome = self.perform(case, &mut names, &interrupt, &mut result).await;
        self.tear_down(case, &mut names).await;
        let (judgement, transcript) = outcome?;
        let hidden = describe(&mut result, judgement, &transcript, &self.seen.masker());
        // What a repeat says is heard only where it is not one more pass.
        if run == 0 || result.verdict != Verdict::Pass {
            result.expected = expected(case);
            result.exchange = transcript.last().map(|exchange| Box::new(shown(exchange, &self.secrets, &hidden)));
        }
        if transcript.is_empty() {
            result.runs = 0;
        }
        result.duration_ms = start.elapsed().as_secs_f64() * 1000.0;
        Some(result)
    }

    /// What keeps a case from being run; the inner nothing is an interruption.
    async fn obstacle(
        &self,
        case: &ExpandedCase,
        interrupt: &watch::Receiver<bool>,
    ) -> Option<Option<(Verdict, Option<String>)>> {
        let probe = self.probe(interrupt).await;
        match probe.class {
            Class::Unreachable => return Some(Some((Verdict::Indeterminate, Some(probe.said.clone())))),
            class if !class.is_judged() => return Some(Some((Verdict::NotImplemented, None))),
            _ => {}
        }
        if let Some(lacking) = case.case.needs.iter().find(|need| !self.target.features.contains(need)) {
            let reason = format!("the target does not claim {lacking}");
            return Some(Some((Verdict::NotApplicable, Some(reason))));
        }
        if let Some(reason) = self.sender.gives_up() {
            return Some(Some((Verdict::Indeterminate, Some(reason))));
        }
        let control = case.case.control.as_ref()?;
        let control = self.corpus.get(&control.case).expect("controls were checked when the corpus was loaded");
        let result = Box::pin(self.run_case(Arc::clone(control), 0, interrupt.clone())).await;
        match result {
            None => Some(None),
            Some(result) if result.verdict == Verdict::Pass => None,
            Some(result) => Some(Some(blocked_by(&result))),
        }
    }

    /// Makes the calls of a case and judges them.
    async fn perform(
        &self,
        case: &ExpandedCase,
        names: &mut Names,
        interrupt: &watch::Receiver<bool>,
        result: &mut CaseResult,
    ) -> Option<(Judgement, Transcript)> {
        let blocked = |reason: String| Judgement { verdict: Verdict::Blocked, ..Judgement::undecided(reason) };
        for (index, call) in case.case.setup.iter().enumerate() {
            let exchange = match self.make(case, call, &format!("~setup{index}"), names, interrupt, None).await? {
                Ok(exchange) => exchange,
                Err(Missing(words)) => return Some((blocked(words), Vec::new())),
            };
            if !self.is_as_expected(case, call, &exchange) {
                return Some((blocked(format!("its setup call {} failed", index + 1)), vec![exchange]));
            }
        }
        let (transcript, missing) = if case.case.together {
            self.make_together(case, names, interrupt, result).await?
        } else {
            self.make_in_order(case, names, interrupt, result).await?
        };
        if let Some(Missing(words)) = missing {
            return Some((blocked(words), transcript));
        }
        let mut judgement = self.judge.judge_hiding(case, &transcript, &self.seen.masker());
        if self.judge.is_about_lifetimes(&judgement) {
            judgement = self.ask_again(case, &transcript, judgement, names, interrupt).await?;
        }
        if judgement.verdict == Verdict::Fail
            && let Some(reason) = self.misnamed(case, &transcript, names, interrupt).await?
        {
            judgement = blocked(reason);
        }
        Some((judgement, transcript))
    }

    /// Why a failure may be due to the names that we were given or guessed, and not to the target. The outer nothing
    /// is an interruption.
    async fn misnamed(
        &self,
        case: &ExpandedCase,
        transcript: &[Exchange],
        names: &mut Names,
        interrupt: &watch::Receiver<bool>,
    ) -> Option<Option<String>> {
        if let Some(refused) = Control::of(case, transcript)
            && let Ok(control) = self.make(case, &refused.call, &part(refused.index), names, interrupt, None).await?
        {
            let (database, hidden) = (self.target.database.as_deref(), self.seen.masker());
            let excuse = || database::excuse(&refused, database, &control, self.contract(), &hidden);
            return Some(domain::missing(&refused.call, &control, &self.target).or_else(excuse));
        }
        let last = transcript.last().zip(transcript.len().checked_sub(1).and_then(|index| case.calls.get(index)));
        Some(last.and_then(|(exchange, call)| domain::missing(call, exchange, &self.target)))
    }

    /// Makes the calls of a case one after the other, up to the first that cannot be made.
    async fn make_in_order(
        &self,
        case: &ExpandedCase,
        names: &mut Names,
        interrupt: &watch::Receiver<bool>,
        result: &mut CaseResult,
    ) -> Option<(Transcript, Option<Missing>)> {
        let mut transcript = Vec::with_capacity(case.calls.len());
        for (index, call) in case.calls.iter().enumerate() {
            match self.make(case, call, &part(index), names, interrupt, Some(&mut *result)).await? {
                Ok(exchange) => transcript.push(exchange),
                Err(missing) => return Some((transcript, Some(missing))),
            }
        }
        Some((transcript, None))
    }

    /// Makes the calls of a case at the same time; those of which the target lacks something are left out.
    async fn make_together(
        &self,
        case: &ExpandedCase,
        names: &Names,
        interrupt: &watch::Receiver<bool>,
        result: &mut CaseResult,
    ) -> Option<(Transcript, Option<Missing>)> {
        let mut first = Some(result);
        let calls = case.calls.iter().enumerate().map(|(index, call)| {
            let (mut names, result) = (names.part(index), first.take());
            async move { self.make(case, call, &part(index), &mut names, interrupt, result).await }
        });
        let mut transcript = Vec::with_capacity(case.calls.len());
        let mut missing = None;
        for made in join_all(calls).await {
            match made? {
                Ok(exchange) => transcript.push(exchange),
                Err(lacking) => missing = Some(lacking),
            }
        }
        Some((transcript, missing))
    }

    pub(super) fn is_as_expected(&self, case: &ExpandedCase, call: &Call, exchange: &Exchange) -> bool {
        let alone = ExpandedCase { calls: vec![call.clone()], ..case.clone() };
        self.judge.judge(&alone, std::slice::from_ref(exchange)).verdict == Verdict::Pass
    }

    /// Undoes what a case did, interrupted or not.
    async fn tear_down(&self, case: &ExpandedCase, names: &mut Names) {
        let (_never, calm) = watch::channel(false);
        for (index, call) in case.case.teardown.iter().enumerate() {
            let exchange = self.make(case, call, &format!("~teardown{index}"), names, &calm, None).await;
            let done = matches!(exchange, Some(Ok(exchange)) if self.is_as_expected(case, call, &exchange));
            if !done {
                self.leftovers.fetch_add(1, Ordering::Relaxed);
                tracing::error!(case = case.id, "the teardown failed; the target may hold what this case made");
            }
        }
    }

    /// Makes one call. The outer nothing is an interruption.
    pub(super) async fn make(
        &self,
        case: &ExpandedCase,
        call: &Call,
        part: &str,
        names: &mut Names,
        interrupt: &watch::Receiver<bool>,
        result: Option<&mut CaseResult>,
    ) -> Option<Result<Exchange, Missing>> {
        let prefix = if self.target.path_names_case { format!("/{}{part}", case.id) } else { String::new() };
        let mut repro = result.map(|result| &mut result.repro);
        let names = names.of_next_call();
        let make_request = || {
            // The same names each time: what is sent again is the same request, signed anew.
            let mut names = names();
            let built =
                request::build(&call.request, &case.operation, &self.target, &prefix, &mut names, Timestamp::now())?;
            if let Some(repro) = repro.take() {
                *repro = Some(repro::line(case, &self.target, &built.request, &built.body));
            }
            Ok(built)
        };
        unless(interrupt, self.sender.send(&self.seen, make_request)).await
    }

    fn blank(case: &ExpandedCase) -> CaseResult {
        CaseResult::blank(&case.id, &case.suite, Side::Server, &case.case.title, &case.case.requirements)
    }
}

/// What stands behind a case's id in the path of one of its calls, for a server that is told by it.
pub(super) fn part(index: usize) -> String {
    if index == 0 { String::new() } else { format!("~{index}") }
}

/// Waits for something unless the run is interrupted first.
pub(super) async fn unless<T>(interrupt: &watch::Receiver<bool>, what: impl Future<Output = T>) -> Option<T> {
    let mut interrupt = interrupt.clone();
    tokio::select! {
        value = what => Some(value),
        Ok(_) = interrupt.wait_for(|interrupted| *interrupted) => None,
    }
}

/// What a case becomes when its control did not pass.
fn blocked_by(control: &CaseResult) -> (Verdict, Option<String>) {
    let verdict = match control.verdict {
        // A silence of the target is the same silence for what rests on it.
        Verdict::Indeterminate => Verdict::Indeterminate,
        _ => Verdict::Blocked,
    };
    let why = match (&control.reason, control.violations.first()) {
        (Some(reason), _) if control.verdict == Verdict::Blocked => return (verdict, Some(reason.clone())),
        (Some(reason), _) => format!(": {reason}"),
        (None, Some(Violation { requirement, at, expected, actual, .. })) => {
            format!(": {requirement}, {at}: expected {expected}, found {actual}")
        }
        (None, None) => String::new(),
    };
    (verdict, Some(format!("its control {} is {}{why}", control.id, control.verdict)))
}
