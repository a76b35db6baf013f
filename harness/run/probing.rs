//! Finds out what kind of server a target is, before anything is judged: asks it for the operation, and compares the
//! answer with that to an operation that nobody has.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::budget::Purpose;
use super::case::RunContext;
use super::probe_input;
use super::random_names::RandomNames;
use super::request::{Earlier, RequestMaker};
use crate::contract::Operation;
use crate::corpus::RequestSpec;
use crate::targets::probe::{self, ProbedOperation};
use crate::verdict::{ProbeOutcome, Reason, TargetAnswer, TargetClass};
use crate::wire::{Exchange, TransportFault};

/// The pause before a target that gives no usable answer is asked again.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a request is repeated whose connection was lost: a server may close one at any time.
const LOST: Duration = Duration::from_secs(1);

/// How long a fault may take to pass, in pauses of the target's recovery.
const FAULT_PAUSES: u32 = 10;

/// Asks the target for an operation, and says what kind of server answers. A gateway without a route has the time that
/// a server has to start, counted from the start of the session.
pub(super) async fn probe(context: &RunContext, seed: u64, operation: &Operation) -> ProbeOutcome {
    loop {
        let outcome = probe_once(context, seed, operation).await;
        let may_start = !outcome.class.is_judged() && outcome.answer.is_no_route();
        if !may_start || context.sender.is_over().is_some() || context.start.elapsed() >= context.target.wait {
            return outcome;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn probe_once(context: &RunContext, seed: u64, operation: &Operation) -> ProbeOutcome {
    let contract = context.judge.contract();
    let (plain, named) = probe_input(operation, contract, &context.target);
    let prober = Prober { context, seed };
    let exchange = match prober.ask_until_usable(operation, &plain).await {
        Ok(exchange) => exchange,
        Err(reason) => {
            let answer = TargetAnswer::Nothing(format!("{reason:?}"));
            return ProbeOutcome { class: TargetClass::Unreachable, answer, cause: None };
        }
    };
    let asked = ProbedOperation { service: &contract.service, operation, named };
    let mut outcome = probe::classify(&exchange, asked, &context.seen.masker());
    // Real AWS has its operations, and is asked nothing that is not needed.
    let may_be_absent = probe::may_be_absent(&exchange, asked, outcome.class);
    if context.target.allowed.is_some() || !(may_be_absent || outcome.class.is_absent()) {
        return outcome;
    }
    let Ok(again) = prober.ask(operation, &plain).await else { return outcome };
    let second = probe::classify(&again, asked, &context.seen.masker());
    // One of several servers behind this endpoint may have the operation.
    if second.class == TargetClass::Answers && !probe::may_be_absent(&again, asked, second.class) {
        return second;
    }
    if !may_be_absent {
        return outcome;
    }
    let is_absent = prober.answers_all_alike(operation, &plain, [&exchange, &again]).await;
    outcome.class = probe::class_beside(outcome.class, is_absent);
    outcome
}

struct Prober<'a> {
    context: &'a RunContext,
    seed: u64,
}

impl Prober<'_> {
    async fn ask(&self, operation: &Operation, spec: &RequestSpec) -> Result<Exchange, Reason> {
        let contract = self.context.judge.contract();
        let maker = RequestMaker { contract, target: &self.context.target, prefix: "", earlier: Earlier::default() };
        let make = || {
            maker.make(
                spec,
                operation.address(&contract.service),
                &mut RandomNames::new(self.seed, "probe", 0),
                Timestamp::now(),
            )
        };
        self.context.sender.send(&self.context.seen, (false, Purpose::Asking), make).await
    }

    /// Makes a call until its answer says something about the target, or the time is over that an answer of its kind
    /// has to become another one.
    async fn ask_until_usable(&self, operation: &Operation, spec: &RequestSpec) -> Result<Exchange, Reason> {
        let start = Instant::now();
        loop {
            let exchange = self.ask(operation, spec).await?;
            let is_over = self.context.sender.is_over().is_some();
            if is_over || start.elapsed() >= self.time_for_another(&exchange) {
                return Ok(exchange);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// How long the target has for another answer than this one.
    fn time_for_another(&self, exchange: &Exchange) -> Duration {
        let target = &self.context.target;
        match &exchange.answer {
            Err(TransportFault::Lost(_)) => target.wait.max(LOST),
            Err(TransportFault::Connect(_) | TransportFault::Resolve(_) | TransportFault::Timeout(_)) => target.wait,
            // A gateway, or a server that is about to start.
            Ok(response) if matches!(response.status, 502..=504) => target.wait,
            Ok(response) if response.is_fault() => target.wait.max(target.recovery * FAULT_PAUSES),
            _ => Duration::ZERO,
        }
    }

    /// Whether two requests for the operation, the plain one and another one, are each answered as the same request for
    /// an operation that nobody has. The plain one was `answered` twice.
    async fn answers_all_alike(&self, operation: &Operation, plain: &RequestSpec, answered: [&Exchange; 2]) -> bool {
        let mut nobodys = operation.clone();
        let mut names = RandomNames::new(self.seed, "nobody's", 0);
        nobodys.name.is = format!("Describe{}", capitalised(&names.letters(12)));
        nobodys.target.is = operation.target.is.replace(&operation.name.is, &nobodys.name.is);
        let names_of_both = [operation.name.is.as_str(), nobodys.name.is.as_str()];
        let is_alike = |own: [&Exchange; 2], others: [&Exchange; 2]| probe::are_alike(&own, &others, names_of_both);
        let Some([one, two]) = self.ask_twice(&nobodys, plain).await else { return false };
        if !is_alike(answered, [&one, &two]) {
            return false;
        }
        let other = RequestSpec::with(&names.letters(8), &names.letters(8));
        match (self.ask_twice(operation, &other).await, self.ask_twice(&nobodys, &other).await) {
            (Some([own, again]), Some([one, two])) => is_alike([&own, &again], [&one, &two]),
            _ => false,
        }
    }

    async fn ask_twice(&self, operation: &Operation, spec: &RequestSpec) -> Option<[Exchange; 2]> {
        Some([self.ask(operation, spec).await.ok()?, self.ask(operation, spec).await.ok()?])
    }
}

/// A word with a capital letter at its beginning.
fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
