use std::time::Duration;

use jiff::Timestamp;

use super::{Request, Response};

/// One request and what came back, exactly as they were, with timing.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What was sent.
    pub request: Request,
    /// What came back, or why nothing did.
    pub answer: Result<Response, Fault>,
    /// What had arrived of an answer that did not come to its end. It is no answer, and shown to nobody; but what it
    /// gave in the place of a secret was given.
    pub cut_off: Option<Response>,
    /// The harness's clock when sending began.
    pub sent_at: Timestamp,
    /// The harness's clock when the answer was complete or given up.
    pub received_at: Timestamp,
    /// From sending to the complete answer.
    pub elapsed: Duration,
    /// The status of the fault that the same request was answered with before it was sent again.
    pub fault_before: Option<u16>,
}

impl Exchange {
    /// What came back, be it whole or cut off.
    pub fn received(&self) -> Option<&Response> {
        self.answer.as_ref().ok().or(self.cut_off.as_ref())
    }
}

/// Every exchange of a case, in the order in which they were sent.
pub type Transcript = Vec<Exchange>;

/// Why a request has no answer. Never a verdict on a target's conformance.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing listens there, or it cannot be reached.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// It is not a request that may leave: it would not be the one that was meant, or would give a secret away.
    #[error("the request was not sent: {0}")]
    Unsendable(&'static str),
    /// The host name has no address.
    #[error("cannot resolve the host name: {0}")]
    Resolve(String),
    /// The TLS handshake failed.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// No complete answer within the time limit.
    #[error("no complete answer within {}", told(*.0))]
    Timeout(Duration),
    /// The connection ended before the answer was complete.
    #[error("the connection ended before the answer was complete: {0}")]
    Lost(String),
    /// What came back is not an HTTP answer.
    #[error("what came back is not HTTP: {0}")]
    NotHttp(String),
    /// The answer's header is larger than the client takes.
    #[error("the answer's header has too many fields or is too large")]
    HeadTooLarge,
    /// The answer is larger than the client takes, in bytes.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
}

/// A time limit for people: `10 s`, `1.5 s`, `250 ms`.
fn told(limit: Duration) -> String {
    let seconds = limit.as_secs_f64();
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1000.0) } else { format!("{} s", (seconds * 10.0).round() / 10.0) }
}
