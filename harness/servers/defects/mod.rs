//! The defect layer: it stands before any function that answers requests rightly, and rewrites requests and answers as
//! an entry of `fixtures/defects/` says.
//!
//! May use [`crate::contract`], [`crate::corpus`] (the format) and [`crate::wire`]. No defect is named in this code.
//! Start with [`Layer::answer`], which handles one exchange.
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

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use serde_json::{Map, Value};

#[cfg(feature = "login")]
pub use door::{DoorLayer, KnownLogin, Later, RightDoor};

use crate::contract::Service;
use crate::corpus::Defect;
use crate::corpus::defect::When;
use crate::wire::sigv4::{self, Scope};
use crate::wire::{Credentials, Region, Request, Response};

/// What the layer must know of the right server behind it.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// The credentials that it accepts.
    pub credentials: Credentials,
    /// The region that signatures must be for.
    pub region: Region,
    /// The names of the resources that it has, by the resources' ids.
    pub resources: BTreeMap<String, String>,
}

impl Upstream {
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
    /// The first answer, if the defect replays it.
    earlier: Mutex<Option<Response>>,
}

impl Layer {
    /// A layer that gives the server behind it this defect.
    pub fn new(defect: Arc<Defect>, upstream: Upstream) -> Self {
        let (rewrites, met) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { defect, upstream, rewrites, met, earlier: Mutex::new(None) }
    }

    /// How many answers so far differed from those of the right server.
    pub fn rewrites(&self) -> u64 {
        self.rewrites.load(Ordering::Relaxed)
    }

    /// Answers a request as the right server with this defect would, at this time. `None` if it closes the connection
    /// without an answer.
    pub fn answer(&self, request: &Request, now: Timestamp, right: impl Fn(&Request) -> Response) -> Option<Response> {
        let Self { defect, upstream, .. } = self;
        let seen = when::ExaminedRequest::new(request, upstream, now);
        if !seen.fits(&defect.when) || !self.is_turn() {
            return Some(right(request));
        }
        let clean = right(request);
        if !when::answer_fits(&defect.when, &clean) {
            return Some(clean);
        }
        let change = || change::changed_request(request, &defect.request, upstream, seen.is_signed(), now);
        let forwarded = if defect.request.is_empty() { None } else { change() };
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

    /// Whether the defect applies to this fitting request: to every nth, or to those with some numbers, if it says so;
    /// else to each.
    fn is_turn(&self) -> bool {
        let number = self.met.fetch_add(1, Ordering::Relaxed) + 1;
        let When { every, numbers, .. } = &self.defect.when;
        every.is_none_or(|every| number.is_multiple_of(every.get()))
            && numbers.is_none_or(|numbers| (numbers.from..=numbers.to).contains(&number))
    }
}

fn sign_anew(request: &mut Request, upstream: &Upstream, now: Timestamp) {
    for field in ["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"] {
        request.headers.remove(field);
    }
    sigv4::sign(request, &upstream.credentials, upstream.scope(), now);
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
