//! One run of one case: its setup, its calls, its judgement and its teardown.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::sync::RwLock;

use super::budget::Purpose;
use super::interrupt::{Interrupt, Interrupted};
use super::journal::Journal;
use super::outages::Reference;
use super::random_names::RandomNames;
use super::request::{Earlier, RequestMaker};
use super::sender::Sender;
use super::staging::Made;
use crate::contract::{Address, Contract, Operation};
use crate::corpus::{Call, ExpandedCase};
use crate::judge::{Judge, Judgement};
use crate::targets::Target;
use crate::verdict::{DatabaseAnswer, Reason, Verdict};
use crate::wire::{Exchange, SeenSecrets, Transcript};

/// What every case of a session shares: the target, its judge and its sender.
#[derive(Debug)]
pub(super) struct RunContext {
    /// When the session began.
    pub(super) start: Instant,
    /// The seed of all random names.
    pub(super) seed: u64,
    pub(super) judge: Judge,
    pub(super) target: Target,
    pub(super) sender: Sender,
    /// Held while the calls of a case are made: by many cases at once, or by one alone.
    pub(super) turns: RwLock<()>,
    /// Whether a doubtful answer did not come again when its request was repeated.
    pub(super) doubts_pass: AtomicBool,
    /// The secrets that no quotation of the target may show: our credentials, and every secret that the target has
    /// given.
    pub(super) seen: SeenSecrets,
    /// Why nobody knows how far the target's clock is ahead, once that is so. Then no further case is judged.
    pub(super) lost_clock: OnceLock<Reason>,
    /// Where it is written down what cases make.
    pub(super) journal: Arc<Journal>,
}

#[derive(Clone, Copy)]
pub(super) struct CaseRun<'a> {
    pub(super) context: &'a RunContext,
    pub(super) case: &'a ExpandedCase,
    pub(super) interrupt: &'a Interrupt,
    /// What the target answered before this case.
    pub(super) reference: &'a (dyn Fn() -> Reference + Send + Sync),
    /// Whether each request goes over a new connection.
    pub(super) new_connections: bool,
    /// What this run of the case has made and not deleted.
    pub(super) made: &'a Made,
    /// What its calls are for.
    pub(super) purpose: Purpose,
}

/// The exchange of a call, or the reason why its request cannot be made: the request needs something that the target or
/// an earlier answer lacks.
pub(super) type MadeExchange = Result<Result<Exchange, Reason>, Interrupted>;

impl<'a> CaseRun<'a> {
    pub(super) async fn perform(&self, random_names: &mut RandomNames) -> Result<(Judgement, Transcript), Interrupted> {
        let set_up = if self.case.setup.is_empty() {
            Vec::new()
        } else {
            // Few cases have a setup, and the futures of all cases would have room for it.
            match Box::pin(self.set_up(random_names)).await? {
                Ok(exchanges) => exchanges,
                Err((reason, exchanges)) => return Ok((without_verdict(reason), exchanges)),
            }
        };
        if !self.case.others.is_empty() {
            let (transcript, database, missing_part) = Box::pin(self.make_with_others(random_names, &set_up)).await?;
            let hidden = self.context.seen.masker();
            let judgement = self.context.judge.judge_with_database(self.case, &transcript, &database, &hidden);
            return Ok(match missing_part {
                Some(reason) if judgement.verdict != Verdict::Fail => (without_verdict(reason), transcript),
                _ => (judgement, transcript),
            });
        }
        let (transcript, missing_part) = if self.case.case.together {
            Box::pin(self.make_together(random_names)).await?
        } else {
            self.make_in_order(random_names, &set_up).await?
        };
        let Some(reason) = missing_part else { return Ok((self.judge(&transcript), transcript)) };
        // What was answered may be wrong already.
        let judgement = self.judge(&transcript);
        if judgement.verdict == Verdict::Fail {
            return Ok((judgement, transcript));
        }
        Ok((Judgement { warnings: judgement.warnings, ..without_verdict(reason) }, transcript))
    }

    /// Judges what went over the wire.
    pub(super) fn judge(&self, transcript: &[Exchange]) -> Judgement {
        self.context.judge.judge_hiding(self.case, transcript, &self.context.seen.masker())
    }

    /// Whether an answer accepts its request: it is a success with a member of the operation.
    pub(super) fn is_accepted(&self, exchange: &Exchange) -> bool {
        self.case.calls.iter().any(|call| self.context.judge.is_accepted(self.case, call, exchange))
    }

    pub(super) fn contract(&self) -> &'a Contract {
        self.context.judge.contract()
    }

    /// The operation that the case is about.
    ///
    /// # Panics
    /// Never: the operations of all suites were checked when the corpus was loaded.
    pub(super) fn operation(&self) -> &'a Operation {
        let operation = self.contract().operation(&self.case.operation);
        operation.expect("operations were checked when the corpus was loaded")
    }

    /// Makes the calls one after the other, up to the first that cannot be made, or that does not lead to the next one.
    async fn make_in_order(
        &self,
        random_names: &mut RandomNames,
        set_up: &[Exchange],
    ) -> Result<(Transcript, Option<Reason>), Interrupted> {
        let calls = self.case.calls.as_slice();
        let mut transcript = Vec::with_capacity(calls.len());
        for index in 0..calls.len() {
            if let Some(reason) = self.make_next(index, random_names, set_up, &mut transcript).await? {
                return Ok((transcript, Some(reason)));
            }
        }
        Ok((transcript, None))
    }

    /// Makes the call at `index`. Returns why the case cannot go on behind it; `None` if it can.
    pub(super) async fn make_next(
        &self,
        index: usize,
        random_names: &mut RandomNames,
        set_up: &[Exchange],
        transcript: &mut Transcript,
    ) -> Result<Option<Reason>, Interrupted> {
        let (calls, call) = (self.case.calls.as_slice(), &self.case.calls[index]);
        let earlier = Earlier { setup: (&self.case.setup, set_up), steps: (calls, transcript) };
        let made = if self.is_staged(call) {
            Box::pin(self.make_staged(call, &part_name(index), random_names, earlier)).await?
        } else {
            self.make_part(call, &part_name(index), random_names, earlier).await?
        };
        match made {
            Ok(exchange) => transcript.push(exchange),
            Err(reason) => return Ok(Some(reason)),
        }
        Ok(self.dead_end(call, index, transcript.last()))
    }

    /// Makes the calls at the same time; calls whose requests cannot be made are left out.
    async fn make_together(&self, random_names: &RandomNames) -> Result<(Transcript, Option<Reason>), Interrupted> {
        let calls = self.case.calls.iter().enumerate().map(|(index, call)| {
            let mut random_names = random_names.part(index);
            async move { self.make(call, index, &mut random_names).await }
        });
        let (mut transcript, mut missing_part) = (Vec::with_capacity(self.case.calls.len()), None);
        for made in join_all(calls).await {
            match made? {
                Ok(exchange) => transcript.push(exchange),
                Err(reason) => missing_part = Some(reason),
            }
        }
        Ok((transcript, missing_part))
    }

    /// Makes the call at `index` of the case, or another call in its place, which needs no earlier answer.
    pub(super) async fn make(&self, call: &Call, index: usize, random_names: &mut RandomNames) -> MadeExchange {
        self.make_part(call, &part_name(index), random_names, Earlier::default()).await
    }

    /// Makes a call of the case. If the path of a request tells the target which case it belongs to, the path also
    /// names the `part`: the setup, a call or the teardown.
    pub(super) async fn make_part(
        &self,
        call: &Call,
        part: &str,
        random_names: &mut RandomNames,
        earlier: Earlier<'_>,
    ) -> MadeExchange {
        let prefix = self.prefix(part);
        let maker = self.maker(&prefix, earlier);
        let address = self.address_of(call);
        let random_names = random_names.of_next_calls();
        // A request that is sent again has the same random names, and a new signature.
        let make = || maker.make(&call.request, address, &mut random_names(), Timestamp::now());
        let how = (self.new_connections, self.purpose);
        self.interrupt.unless(self.context.sender.send(&self.context.seen, how, make)).await
    }

    /// What a path begins with that tells the target which case and which part of it a request belongs to.
    fn prefix(&self, part: &str) -> String {
        if self.context.target.path_names_case { format!("/{}{part}", self.case.id) } else { String::new() }
    }

    pub(super) fn maker<'m>(&'m self, prefix: &'m str, earlier: Earlier<'m>) -> RequestMaker<'m> {
        RequestMaker { contract: self.context.judge.contract(), target: &self.context.target, prefix, earlier }
    }

    /// Where a call goes.
    ///
    /// # Panics
    /// Never: the operations of all calls were checked when the corpus was loaded.
    pub(super) fn address_of<'c>(&'c self, call: &'c Call) -> Address<'c> {
        let address = self.case.address_of(call, self.context.judge.contract());
        address.expect("operations were checked when the corpus was loaded")
    }

    /// The operation that a call is of.
    ///
    /// # Panics
    /// Never: the operations of all calls were checked when the corpus was loaded.
    pub(super) fn operation_of(&self, call: &Call) -> &'a Operation {
        let operation = self.case.operation_of(call, self.context.judge.contract());
        operation.expect("operations were checked when the corpus was loaded")
    }

    /// Whether the case would pass if this call with this answer were its only one.
    pub(super) fn is_as_expected(&self, call: &Call, exchange: &Exchange) -> bool {
        let alone = ExpandedCase { calls: vec![call.clone()], ..self.case.clone() };
        self.context.judge.judge(&alone, std::slice::from_ref(exchange)).verdict == Verdict::Pass
    }

    /// Undoes what the case did, and returns whether all of it is undone. The caller must give this run the purpose to
    /// undo, and an interrupt that is never set.
    pub(super) async fn tear_down(&self, random_names: &mut RandomNames) -> bool {
        let mut undone = true;
        for (index, call) in self.case.teardown.iter().enumerate() {
            let part = format!("~teardown{index}");
            let outcome = Box::pin(self.make_part(call, &part, random_names, Earlier::default())).await;
            let is_expected = |exchange: Exchange| self.context.judge.is_expected(call, &exchange);
            undone &= outcome.is_ok_and(|outcome| outcome.is_ok_and(is_expected));
        }
        undone
    }
}

/// What stands behind the id of a case in a path, for the call at `index`.
fn part_name(index: usize) -> String {
    if index == 0 { String::new() } else { format!("~{index}") }
}

/// The judgement of a case that has no verdict of its own: not all calls could be made, or they decide nothing.
pub(super) fn without_verdict(reason: Reason) -> Judgement {
    let verdict = match &reason {
        Reason::OutOfTime { .. }
        | Reason::OutOfCalls { .. }
        | Reason::PerhapsHidden { .. }
        | Reason::Database { answer: DatabaseAnswer::NoConnection(_) | DatabaseAnswer::NotPostgres(_), .. } => {
            Verdict::Indeterminate
        }
        reason if reason.is_moot() => Verdict::NotApplicable,
        _ => Verdict::Blocked,
    };
    Judgement::of(verdict, Some(reason))
}
