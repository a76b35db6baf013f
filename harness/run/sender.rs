//! Sends requests. Limits how many are in flight, repeats a request if the target throttles or fails, and gives up a
//! target that does not answer. Ends a run at its time limit, and makes no call beyond its budget.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::budget::{Budget, Pace, Purpose};
use crate::verdict::Reason;
use crate::wire::{Client, Exchange, Request, Response, SeenSecrets, TransportFault, error_type};

/// A target is given up after this number of requests in a row without a usable answer.
const HOPELESS_AFTER: u32 = 3;

/// After this number of requests without an answer, it does not count any more that the target answers others.
const MOST_PARDONS: u32 = 12;

/// How often a throttled request is sent again, at most.
const THROTTLED_RETRIES: u32 = 4;

/// The pause before a throttled request is first sent again; each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The longest pause, even if the target asks for a longer one with `Retry-After`.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How often a request is sent again after a pause, at most, if the target answers it with a fault. A fault that passes
/// says nothing about the request.
const REPEATS: u32 = 2;

/// The same number for a target at which a fault has passed before: the next fault may pass too.
const REPEATS_WHERE_FAULTS_PASS: u32 = 6;

/// If a fault takes longer than this, the request is not sent again: the target has run into its own time limit.
const SLOW: Duration = Duration::from_secs(2);

/// The way to a target, for all cases of a session.
#[derive(Debug)]
pub(super) struct Sender {
    client: Client,
    /// How many requests are in flight together at most.
    pub(super) jobs: usize,
    /// The pause before a request is sent again that the target answered with a fault.
    recovery: Duration,
    /// A permit for each request in flight.
    in_flight: Semaphore,
    /// How many calls the run may make.
    pub(super) budget: Budget,
    pace: Pace,
    /// The names of errors after which trying again may help, by the contract.
    retryable: Vec<String>,
    /// The number of requests in a row that were throttled to the end or timed out.
    unanswered: AtomicU32,
    /// How often it was said that the target answers other requests.
    pardons: AtomicU32,
    /// Why the target was given up.
    given_up: OnceLock<Reason>,
    /// When the run ends, and how long it may take in whole.
    limit: Option<(Instant, Duration)>,
    /// Whether a fault has passed: a request got another answer when it was sent again.
    faults_pass: AtomicBool,
}

impl Sender {
    pub(super) fn new(client: Client, jobs: usize, recovery: Duration) -> Self {
        let jobs = jobs.max(1);
        let (in_flight, unanswered) = (Semaphore::new(jobs), AtomicU32::new(0));
        let (pardons, given_up, faults_pass) = (AtomicU32::new(0), OnceLock::new(), AtomicBool::new(false));
        let (budget, pace, retryable) = (Budget::default(), Pace::default(), Vec::new());
        Self {
            client,
            jobs,
            recovery,
            in_flight,
            budget,
            pace,
            retryable,
            unanswered,
            pardons,
            given_up,
            limit: None,
            faults_pass,
        }
    }

    /// From now on, requests are sent again also after these errors.
    pub(super) fn retrying_after(mut self, errors: Vec<String>) -> Self {
        self.retryable = errors;
        self
    }

    /// From now on, the run may make this number of calls, of which some were `made` already.
    pub(super) fn call_at_most(&mut self, calls: u64, made: u64) {
        self.budget = Budget::of(calls, made);
    }

    /// From now on, calls begin at this rate at most, in calls a second.
    pub(super) fn call_at_rate(&mut self, calls: f64) {
        self.pace = Pace::of(calls);
    }

    /// From now on, the run may take this long.
    pub(super) fn end_after(&mut self, limit: Duration) {
        self.limit = Instant::now().checked_add(limit).map(|end| (end, limit));
    }

    /// Why no more cases are run; `None` unless the target was given up, or the run has reached its limit of time or of
    /// calls.
    pub(super) fn gives_up(&self) -> Option<Reason> {
        let (requests, together) = (HOPELESS_AFTER, self.jobs > 1);
        let hopeless = self.unanswered.load(Ordering::Relaxed) >= HOPELESS_AFTER;
        self.given_up
            .get()
            .cloned()
            .or_else(|| self.is_over())
            .or_else(|| hopeless.then_some(Reason::GivenUp { requests, together }))
    }

    /// Says that the target answers other requests than the last ones. It is given up all the same where it often
    /// leaves requests without an answer: each costs the whole time limit.
    pub(super) fn is_answered(&self) {
        if self.pardons.fetch_add(1, Ordering::Relaxed) < MOST_PARDONS {
            self.unanswered.store(0, Ordering::Relaxed);
        }
    }

    /// Gives the target up for this reason. The first reason stays.
    pub(super) fn give_up(&self, reason: Reason) {
        self.given_up.get_or_init(|| reason);
    }

    /// Why the run is over: it has reached its limit of time or of calls; `None` if it is not.
    pub(super) fn is_over(&self) -> Option<Reason> {
        self.out_of_time().or_else(|| self.budget.is_spent())
    }

    /// [`Reason::OutOfTime`] if the run has reached its time limit.
    pub(super) fn out_of_time(&self) -> Option<Reason> {
        let (end, limit) = self.limit?;
        let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        (Instant::now() >= end).then_some(Reason::OutOfTime { limit_ms })
    }

    /// Sends a request. If the target throttles or fails, makes the request anew and sends it again, as long as the
    /// budget has calls for `purpose`. `seen` learns the secrets of every answer, also of those that are not returned.
    ///
    /// # Errors
    /// Why nothing was sent: the request cannot be made, or the budget is spent.
    pub(super) async fn send(
        &self,
        seen: &SeenSecrets,
        (new_connection, purpose): (bool, Purpose),
        mut make_request: impl FnMut() -> Result<Request, Reason>,
    ) -> Result<Exchange, Reason> {
        let (mut attempt, mut repeats, mut fault) = (0, 0, None);
        // The last answer, where the request is sent again.
        let mut last: Option<Box<Exchange>> = None;
        loop {
            // The request is made and signed while others are in flight. Its answer is judged while the next one is in
            // flight.
            let mut request = make_request()?;
            let permit = self.in_flight.acquire().await;
            if self.pace.turn().await {
                // Its signature must be of the moment.
                request = make_request()?;
            }
            if let Err(refusal) = self.budget.take(purpose) {
                return last.map(|last| *last).ok_or(refusal);
            }
            // Every future that may send a request holds this one, and futures are moved: the box keeps them small.
            let mut exchange = if new_connection {
                Box::pin(self.client.send_over_new_connection(request)).await
            } else {
                Box::pin(self.client.send(request)).await
            };
            drop(permit);
            if let Some(received) = exchange.received() {
                seen.learn(received);
            }
            log(&exchange, seen);
            tokio::task::yield_now().await;
            let throttled = exchange.answer.as_ref().is_ok_and(Response::is_throttled);
            let silent = matches!(&exchange.answer, Err(TransportFault::Timeout(_)));
            let backs_off = throttled || self.is_retryable(&exchange);
            if backs_off && attempt < THROTTLED_RETRIES && self.may_send_again(purpose) {
                tokio::time::sleep(pause(&exchange, attempt, rand::random())).await;
                attempt += 1;
                last = Some(Box::new(exchange));
                continue;
            }
            let failed = exchange.answer.as_ref().ok().filter(|answer| answer.is_fault()).map(|answer| answer.status);
            let slow = exchange.elapsed > SLOW;
            let may_repeat = failed.is_some() && !throttled && !slow && repeats < self.repeats();
            if may_repeat && self.may_send_again(purpose) {
                tokio::time::sleep(self.recovery * (1 + repeats.min(1))).await;
                repeats += 1;
                fault = failed;
                last = Some(Box::new(exchange));
                continue;
            }
            if exchange.answer.is_ok() && failed.is_none() {
                exchange.fault_before = fault;
                self.faults_pass.fetch_or(fault.is_some(), Ordering::Relaxed);
            }
            if throttled || silent {
                self.unanswered.fetch_add(1, Ordering::Relaxed);
            } else {
                self.unanswered.store(0, Ordering::Relaxed);
            }
            return Ok(exchange);
        }
    }

    /// Whether there is time and budget to send a request again.
    fn may_send_again(&self, purpose: Purpose) -> bool {
        self.out_of_time().is_none() && (purpose == Purpose::Undoing || self.budget.is_spent().is_none())
    }

    /// Whether the contract says of an error that trying again may help. A fault of the service has repeats of its own.
    fn is_retryable(&self, exchange: &Exchange) -> bool {
        let is_refusal = |response: &&Response| (400..500).contains(&response.status) && !self.retryable.is_empty();
        let error = exchange.answer.as_ref().ok().filter(is_refusal).and_then(error_type);
        error.is_some_and(|error| self.retryable.contains(&error))
    }

    fn repeats(&self) -> u32 {
        if self.faults_pass.load(Ordering::Relaxed) { REPEATS_WHERE_FAULTS_PASS } else { REPEATS }
    }
}

/// Logs what went over the wire. Of an answer, only the status and the size are logged.
fn log(exchange: &Exchange, seen: &SeenSecrets) {
    let Exchange { request, elapsed, .. } = exchange;
    let asked = request.headers.get("x-amz-target").unwrap_or("no target");
    match &exchange.answer {
        Ok(response) => {
            let (status, bytes) = (response.status, response.body.len());
            tracing::debug!(method = request.method, path = request.target, asked, status, bytes, ?elapsed, "answered");
        }
        Err(fault) => {
            let fault = seen.masker().fault(fault);
            tracing::debug!(method = request.method, path = request.target, asked, fault, ?elapsed, "no answer");
        }
    }
    tracing::trace!(request = ?request.headers, "header fields sent");
}

/// How long to wait before a throttled request is sent again: as long as the target asks for. If it does not ask, twice
/// as long as the last time. At most [`LONGEST_PAUSE`]. `random`, from 0 to 1, spreads the requests of several callers,
/// who would all come back together otherwise: half of a pause that nobody asked for is left to it, and what was asked
/// for grows by up to half of the first pause.
fn pause(exchange: &Exchange, attempt: u32, random: f64) -> Duration {
    let asked_seconds =
        exchange.answer.as_ref().ok().and_then(|response| response.headers.get("retry-after")?.parse().ok());
    match asked_seconds {
        Some(seconds) => Duration::from_secs(seconds).min(LONGEST_PAUSE) + (FIRST_PAUSE / 2).mul_f64(random),
        None => (FIRST_PAUSE * 2_u32.pow(attempt)).min(LONGEST_PAUSE).mul_f64(f64::midpoint(1.0, random)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rstest::rstest;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::wire::{ClientOptions, Headers};

    /// Starts a server that answers each request with the next of these statuses, and repeats the last one. Returns a
    /// sender to it, and how many requests it got.
    async fn server(statuses: &'static [u16]) -> (Sender, Arc<AtomicU32>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let request_count = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&request_count);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let index = counter.fetch_add(1, Ordering::Relaxed) as usize;
                let status = statuses[index.min(statuses.len() - 1)];
                let retry = if status == 429 { "retry-after: 0\r\n" } else { "" };
                let answer = format!("HTTP/1.1 {status} \r\n{retry}content-length: 0\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        let client = Client::new(endpoint.parse().expect("a URL"), &ClientOptions::default()).expect("a client");
        (Sender::new(client, 1, Duration::ZERO), request_count)
    }

    async fn send(sender: &Sender) -> Exchange {
        let (method, target) = ("GET".to_owned(), "/".to_owned());
        let request = Request { method, target, headers: Headers::from_iter([("host", "h")]), body: Vec::new() };
        let how = (false, Purpose::Asking);
        sender.send(&SeenSecrets::new([]), how, || Ok(request.clone())).await.expect("nothing is missing")
    }

    #[rstest]
    #[case::at_first(None, 0, 0.0, 100)]
    #[case::at_first_with_luck(None, 0, 1.0, 200)]
    #[case::later(None, 3, 0.5, 1200)]
    #[case::as_asked(Some("2"), 0, 0.0, 2000)]
    #[case::as_asked_and_spread(Some("2"), 3, 1.0, 2100)]
    #[case::at_most_so_long(Some("3600"), 0, 0.0, 5000)]
    #[case::no_number(Some("Sun, 06 Nov 1994 08:49:37 GMT"), 0, 1.0, 200)]
    fn a_throttled_request_waits_as_asked_or_ever_longer(
        #[case] asked: Option<&str>,
        #[case] attempt: u32,
        #[case] random: f64,
        #[case] milliseconds: u64,
    ) {
        let headers = asked.map(|asked| ("Retry-After", asked)).into_iter().collect();
        let request =
            Request { method: String::new(), target: String::new(), headers: Headers::new(), body: Vec::new() };
        let exchange = Exchange {
            request,
            answer: Ok(Response { status: 429, headers, body: Vec::new() }),
            cut_off: None,
            sent_at: jiff::Timestamp::UNIX_EPOCH,
            received_at: jiff::Timestamp::UNIX_EPOCH,
            elapsed: Duration::ZERO,
            fault_before: None,
        };
        assert_eq!(pause(&exchange, attempt, random), Duration::from_millis(milliseconds));
    }

    #[rstest]
    #[case::of_calls(&[200], 2, &[200, 200])]
    #[case::retries_count(&[500, 200, 200], 2, &[200])]
    #[case::the_last_answer_stands(&[429], 2, &[429])]
    #[tokio::test]
    async fn no_call_is_made_beyond_the_budget(
        #[case] statuses: &'static [u16],
        #[case] limit: u64,
        #[case] answers: &[u16],
    ) {
        let (mut sender, request_count) = server(statuses).await;
        sender.call_at_most(limit, 0);
        for status in answers {
            assert_eq!(send(&sender).await.answer.map(|answer| answer.status), Ok(*status));
        }
        let request =
            || Ok(Request { method: "GET".into(), target: "/".into(), headers: Headers::new(), body: Vec::new() });
        let refused = sender.send(&SeenSecrets::new([]), (false, Purpose::Asking), request).await;
        let refusal = Reason::OutOfCalls { limit };
        assert_eq!(refused.map(|exchange| exchange.answer), Err(refusal.clone()));
        assert_eq!((sender.gives_up(), u64::from(request_count.load(Ordering::Relaxed))), (Some(refusal), limit));
    }

    #[rstest]
    #[case::success(&[200], 200, None, 1)]
    #[case::refusal(&[400], 400, None, 1)]
    #[case::one_fault(&[500, 400], 400, Some(500), 2)]
    #[case::two_faults(&[502, 504, 200], 200, Some(504), 3)]
    #[case::always(&[500], 500, None, 3)]
    #[case::not_implemented(&[501], 501, None, 1)]
    #[case::throttled_behind_a_fault(&[500, 429, 200], 200, Some(500), 3)]
    #[tokio::test]
    async fn a_fault_is_given_the_chance_to_pass(
        #[case] statuses: &'static [u16],
        #[case] status: u16,
        #[case] before: Option<u16>,
        #[case] requests: u32,
    ) {
        let (sender, request_count) = server(statuses).await;
        let exchange = send(&sender).await;
        assert_eq!(exchange.answer.map(|answer| answer.status), Ok(status));
        assert_eq!((exchange.fault_before, request_count.load(Ordering::Relaxed)), (before, requests));
    }

    #[tokio::test]
    async fn where_a_fault_has_passed_the_next_one_has_more_time_to() {
        let (sender, request_count) = server(&[500, 200, 500, 500, 500, 500, 200]).await;
        for fault in [500, 500] {
            assert_eq!(send(&sender).await.fault_before, Some(fault));
        }
        assert_eq!(request_count.load(Ordering::Relaxed), 7);
    }
}
