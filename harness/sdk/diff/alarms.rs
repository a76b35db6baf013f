//! What concerns every request of a run, and is told once: another protocol, another target prefix.

use super::finding::Finding;
use super::show::{self, ABSENT};
use super::{Class, words};
use crate::sdk::record::RequestRecord;

/// What was heard of the requests of all cases.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    heard: Vec<Heard>,
    /// How many cases have a request in both runs.
    cases: usize,
    /// Whether the case at hand has one.
    any: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Heard {
    what: What,
    old: String,
    new: String,
    cases: usize,
    /// Whether the case at hand is counted already.
    counted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Protocol,
    Target,
    /// Not worth an alarm: without a port in the endpoint, which is what AWS has, nothing differs.
    Host,
}

impl Alarms {
    /// Hears two requests of the same call and attempt; says whether they are of different protocols,
    /// so that most of what they differ in needs no words.
    pub(super) fn hear(&mut self, old: &RequestRecord, new: &RequestRecord) -> bool {
        self.any = true;
        if Self::hears_host(old, new) {
            let host = |request: &RequestRecord| show::optional(request.headers.get("host").map(String::as_str));
            self.add(What::Host, host(old), host(new));
        }
        let (was, is) = (protocol(old), protocol(new));
        if was != is {
            self.add(What::Protocol, was, is);
            return true;
        }
        if Self::hears_target(old, new) {
            let target = |request| prefix(request).map_or_else(|| ABSENT.to_owned(), |(prefix, _)| show::cut(prefix));
            self.add(What::Target, target(old), target(new));
        }
        false
    }

    /// Whether two requests ask for the same operation under another prefix.
    pub(super) fn hears_target(old: &RequestRecord, new: &RequestRecord) -> bool {
        match (prefix(old), prefix(new)) {
            (Some((was, operation)), Some((is, same))) => was != is && operation == same,
            _ => false,
        }
    }

    /// Whether only one of two requests names the endpoint's port in `Host`.
    pub(super) fn hears_host(old: &RequestRecord, new: &RequestRecord) -> bool {
        let host = |request: &RequestRecord| request.headers.get("host").cloned().unwrap_or_default();
        let (was, is) = (host(old), host(new));
        was != is && was.trim_end_matches(":<port>") == is.trim_end_matches(":<port>")
    }

    pub(super) fn end_of_case(&mut self) {
        self.cases += usize::from(self.any);
        self.any = false;
        self.heard.iter_mut().for_each(|heard| heard.counted = false);
    }

    fn add(&mut self, what: What, old: String, new: String) {
        let same = |heard: &&mut Heard| heard.what == what && heard.old == old && heard.new == new;
        match self.heard.iter_mut().find(same) {
            Some(heard) => {
                heard.cases += usize::from(!heard.counted);
                heard.counted = true;
            }
            None => self.heard.push(Heard { what, old, new, cases: 1, counted: true }),
        }
    }

    /// Every change that concerns all requests, with a sentence where it is an alarm.
    pub(super) fn told(&self) -> Vec<(Option<String>, Finding)> {
        let tell = |heard: &Heard| {
            let Heard { what, old, new, cases, .. } = heard;
            let (name, meaning) = match what {
                What::Protocol => (
                    "protocol",
                    "The SDK speaks another protocol: servers, mocks and recordings made for the old one do not understand it.",
                ),
                What::Target => (
                    "X-Amz-Target prefix",
                    "The SDK calls the service by another name: mocks and recordings that go by X-Amz-Target do not recognise the request.",
                ),
                What::Host => (
                    "header host",
                    "With a port in the endpoint, mocks and proxies that go by Host, or verify the signature, see another one; real endpoints have none.",
                ),
            };
            let count = if *cases == self.cases {
                format!("in every request of {}", words::count(*cases, "case"))
            } else {
                format!("in {cases} of {}", words::count(self.cases, "case"))
            };
            let sentence = format!("{name} changed from {old} to {new} {count}. {meaning}");
            ((*what != What::Host).then_some(sentence), Finding::new(Class::Wire, name, old, new, meaning))
        };
        self.heard.iter().map(tell).collect()
    }
}

/// `RedshiftServerless` and `GetCredentials` of `RedshiftServerless.GetCredentials`.
fn prefix(request: &RequestRecord) -> Option<(&str, &str)> {
    request.headers.get("x-amz-target")?.rsplit_once('.')
}

/// The protocol that a request is of: by its media type, by `smithy-protocol`, and by whether the path
/// names the operation.
fn protocol(request: &RequestRecord) -> String {
    let header = |name: &str| request.headers.get(name).map(String::as_str);
    let media_type = header("content-type").map(|value| value.split(';').next().unwrap_or(value).trim());
    let mut words =
        vec![media_type.map_or_else(|| "no media type".to_owned(), |kind| show::cut(&kind.to_ascii_lowercase()))];
    words.extend(header("smithy-protocol").map(|value| format!("smithy-protocol {}", show::cut(value))));
    if request.line.contains("/operation/") {
        words.push("the operation in the path".to_owned());
    }
    words.join(", ")
}
