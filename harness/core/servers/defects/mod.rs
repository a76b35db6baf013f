//! The defect layer: it stands before any function that answers requests rightly, and rewrites requests and answers as
//! an entry of `fixtures/defects/` says.
//!
//! May use [`crate::contract`], [`crate::corpus`] (the format) and [`crate::wire`]. No defect is named in this code.
//! Start with [`Layer::answer`], which handles one exchange. [`ExaminedExchange::may_change`] tells beforehand whether an
//! entry can change anything about one.
//!
//! | file | holds |
//! |---|---|
//! | `when.rs` | which exchanges a defect applies to |
//! | `change.rs` | the changes |
//! | `encode.rs` | bodies in other encodings |
//! | `door.rs` | the same before the door at which passwords log in |

mod change;
#[cfg(feature = "login")]
mod door;
mod encode;
mod when;

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use change::ChangedRequest;
use jiff::Timestamp;
use serde_json::{Map, Value};
use when::ExaminedRequest;

#[cfg(feature = "login")]
pub use door::{DoorLayer, Later, RightDoor};

use crate::contract::Service;
use crate::corpus::Defect;
use crate::corpus::defect::{RequestChange, ResponseChange, When};
use crate::wire::sigv4::{self, Scope};
use crate::wire::{Credentials, Region, Request, Response};

/// What the layer must know of the right server behind it.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// The credentials of a caller whom it allows everything.
    pub credentials: Credentials,
    /// Those of the other callers whom it knows: it denies them some things, or everything.
    pub callers: Vec<Credentials>,
    /// The region that signatures must be for.
    pub region: Region,
    /// The names of the resources that it has, by the resources' ids.
    pub resources: BTreeMap<String, String>,
}

impl Upstream {
    /// The credentials that have this access key id.
    fn caller(&self, access_key_id: &str) -> Option<&Credentials> {
        let callers = [&self.credentials].into_iter().chain(&self.callers);
        callers.into_iter().find(|caller| caller.access_key_id == access_key_id)
    }

    fn scope(&self) -> Scope<'_> {
        Scope { region: self.region.as_str(), service: &Service::embedded().signing_name.is }
    }

    /// A text with its placeholders replaced by the names of the server's resources.
    fn fill(&self, text: &str) -> String {
        let resources = Service::embedded().resources.iter();
        let named_resources =
            resources.filter_map(|resource| Some((&resource.placeholder, self.resources.get(&resource.id)?)));
        named_resources
            .fold(text.to_owned(), |text, (placeholder, name)| text.replace(&format!("${{{placeholder}}}"), name))
    }

    /// The same for a value, if it is a text.
    fn fill_value(&self, value: &Value) -> Value {
        value.as_str().map_or_else(|| value.clone(), |text| self.fill(text).into())
    }
}

/// A defect before a right server.
#[derive(Debug)]
pub struct Layer {
    defect: Arc<Defect>,
    upstream: Upstream,
    rewrites: AtomicU64,
    /// How many requests fitted so far.
    met: AtomicU64,
    /// Hashes of the bodies that fitted so far, if the defect asks whether one is repeated.
    met_bodies: Mutex<HashSet<u64>>,
    /// The first answer, if the defect replays it.
    earlier: Mutex<Option<Response>>,
}

impl Layer {
    /// A layer that gives the server behind it this defect.
    pub fn new(defect: Arc<Defect>, upstream: Upstream) -> Self {
        let (rewrites, met) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { defect, upstream, rewrites, met, met_bodies: Mutex::default(), earlier: Mutex::default() }
    }

    /// How many answers so far differed from those of the right server.
    pub fn rewrites(&self) -> u64 {
        self.rewrites.load(Ordering::Relaxed)
    }

    /// Answers a request as the right server with this defect would, at this time. `None` if it closes the connection
    /// without an answer.
    pub fn answer(&self, request: &Request, now: Timestamp, right: impl Fn(&Request) -> Response) -> Option<Response> {
        let Self { defect, upstream, .. } = self;
        let seen = ExaminedRequest::new(request, upstream, now);
        if !seen.fits(&defect.when) || !self.is_turn(request) {
            return Some(right(request));
        }
        let clean = right(request);
        let with = |changes: &[RequestChange]| Some(changed_request(changes, &seen)?.sign(upstream, now));
        let is_accepted = |changes: &[RequestChange]| with(changes).is_some_and(|request| is_success(&right(&request)));
        let other = defect.when.accepted_with.as_slice();
        if !when::answer_fits(&defect.when, &clean) || !(other.is_empty() || is_accepted(other)) {
            return Some(clean);
        }
        let forwarded = with(&defect.request);
        let unchanged = forwarded.as_ref().map_or_else(|| clean.clone(), &right);
        let changes = defect.response.as_slice();
        let change = |answer, change| change::changed_answer(answer, change, upstream, &self.earlier);
        let answer = changes.iter().try_fold(unchanged, change);
        let differs = answer.as_ref().is_none_or(|answer| match forwarded {
            Some(_) => differ(&clean, &right(request), answer),
            None => clean != *answer,
        });
        if differs {
            self.rewrites.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }

    /// Whether the defect applies to this fitting request: to every nth, to those with some numbers, or to repeated
    /// ones, if it says so; else to each.
    fn is_turn(&self, request: &Request) -> bool {
        let number = self.met.fetch_add(1, Ordering::Relaxed) + 1;
        let When { every, numbers, repeated, .. } = &self.defect.when;
        let is_repeated = || {
            let mut hasher = DefaultHasher::new();
            request.body.hash(&mut hasher);
            !self.met_bodies.lock().unwrap_or_else(PoisonError::into_inner).insert(hasher.finish())
        };
        (!repeated || is_repeated())
            && every.is_none_or(|every| number.is_multiple_of(every.get()))
            && numbers.is_none_or(|numbers| (numbers.from..=numbers.to).contains(&number))
    }
}

/// The request that the right server gets instead; `None` if it gets the same.
fn changed_request(changes: &[RequestChange], seen: &ExaminedRequest<'_>) -> Option<ChangedRequest> {
    let ExaminedRequest { request, upstream, .. } = seen;
    if changes.is_empty() {
        return None;
    }
    change::changed_request(request, changes, upstream, seen.signer())
}

fn is_success(response: &Response) -> bool {
    (200..300).contains(&response.status)
}

/// One exchange with the right server.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What it was asked.
    pub request: Request,
    /// When.
    pub time: Timestamp,
    /// What it answered.
    pub answer: Response,
}

/// An exchange, with the facts that entries ask for.
pub struct ExaminedExchange<'a> {
    seen: ExaminedRequest<'a>,
    answer: &'a Response,
}

impl<'a> ExaminedExchange<'a> {
    /// Prepares an exchange for the questions of many entries.
    pub fn new(exchange: &'a Exchange, upstream: &'a Upstream) -> Self {
        let seen = ExaminedRequest::new(&exchange.request, upstream, exchange.time);
        Self { seen, answer: &exchange.answer }
    }

    /// Whether this exchange may end otherwise behind a defect. If not, the right server and the defective one answer
    /// this request alike, whatever was asked before.
    pub fn may_change(&self, defect: &Defect) -> bool {
        let Self { seen, answer } = self;
        let is_changed = || {
            let earlier = Mutex::new(None);
            let change = |answer, change| change::changed_answer(answer, change, seen.upstream, &earlier);
            defect.response.iter().any(|change| matches!(change, ResponseChange::Replay))
                || changed_request(&defect.request, seen).is_some()
                || defect.response.iter().try_fold(Response::clone(answer), change).as_ref() != Some(*answer)
        };
        seen.fits(&defect.when) && when::answer_fits(&defect.when, answer) && is_changed()
    }
}

fn sign_anew(request: &mut Request, credentials: &Credentials, upstream: &Upstream, now: Timestamp) {
    for field in ["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"] {
        request.headers.remove(field);
    }
    sigv4::sign(request, credentials, upstream.scope(), now);
}

/// Header fields that differ from answer to answer.
const VOLATILE: [&str; 3] = ["x-amzn-requestid", "date", "content-length"];

/// How far two timestamps of the same kind may be apart, in seconds: both answers are made at once.
const SAME_TIME_SECONDS: f64 = 5.0;

/// Whether two answers differ in more than time and chance. `same_again` is the answer `one` given once more: a text
/// that differs between these two, such as a password, does not count. Nor do request ids and dates.
fn differ(one: &Response, same_again: &Response, other: &Response) -> bool {
    let bodies = || bodies_differ(&one.body, &same_again.body, &other.body);
    one.status != other.status || fields(one) != fields(other) || bodies()
}

fn fields(response: &Response) -> Vec<(String, &str)> {
    let fields = response.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
    fields.filter(|(name, _)| !VOLATILE.contains(&name.as_str())).collect()
}

fn bodies_differ(one: &[u8], same_again: &[u8], other: &[u8]) -> bool {
    let object = |bytes| serde_json::from_slice::<Map<String, Value>>(bytes).ok();
    let (Some(one_members), Some(other_members)) = (object(one), object(other)) else { return one != other };
    let same_again = object(same_again).unwrap_or_default();
    one_members.len() != other_members.len()
        || one_members.iter().any(|(name, value)| match (value, other_members.get(name)) {
            (_, None) => true,
            (Value::String(text), Some(Value::String(_)))
                if same_again.get(name).and_then(Value::as_str) != Some(text) =>
            {
                false
            }
            (Value::Number(value), Some(Value::Number(found))) => match (value.as_f64(), found.as_f64()) {
                (Some(value), Some(found)) => (value - found).abs() > SAME_TIME_SECONDS,
                _ => value != found,
            },
            (value, Some(found)) => value != found,
        })
}

#[cfg(test)]
mod tests;
