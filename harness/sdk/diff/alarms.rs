//! Changes that concern every request of a run and are reported once: another protocol, another target prefix.

use std::collections::BTreeSet;

use super::show::{self, ABSENT};
use super::{ChangeClass, SdkChange, words};
use crate::sdk::record::RequestRecord;

/// The changes that were found in the requests of all cases.
#[derive(Default)]
pub(super) struct Alarms<'a> {
    alarms: Vec<Alarm<'a>>,
    /// The cases that have a request in both runs.
    cases: BTreeSet<&'a str>,
}

struct Alarm<'a> {
    what: AlarmKind,
    old: String,
    new: String,
    cases: BTreeSet<&'a str>,
}

/// What changed, and what that means.
type AlarmKind = [&'static str; 2];

const PROTOCOL: AlarmKind = [
    "protocol",
    "The SDK speaks another protocol: servers, mocks and recordings made for the old one do not understand it.",
];
const TARGET: AlarmKind = [
    "X-Amz-Target prefix",
    "The SDK calls the service by another name: mocks and recordings that go by X-Amz-Target do not recognise the request.",
];
/// Not worth an alarm: the endpoints of AWS have no port, so nothing differs there.
const HOST: AlarmKind = [
    "header host",
    "With a port in the endpoint, mocks and proxies that go by Host, or verify the signature, see another one; real endpoints have none.",
];

impl<'a> Alarms<'a> {
    /// Compares two requests of the same call and attempt of a case. Returns whether their protocols differ: if so,
    /// most of their other differences are not reported.
    pub(super) fn hear(&mut self, case: &'a str, old: &RequestRecord, new: &RequestRecord) -> bool {
        self.cases.insert(case);
        if hears_host(old, new) {
            let host = |request: &RequestRecord| show::optional(request.headers.get("host").map(String::as_str));
            self.add(case, HOST, [host(old), host(new)]);
        }
        let protocols = [protocol(old), protocol(new)];
        let another_protocol = protocols[0] != protocols[1];
        if another_protocol {
            self.add(case, PROTOCOL, protocols);
        } else if hears_target(old, new) {
            let target = |request| prefix(request).map_or_else(|| ABSENT.to_owned(), |(prefix, _)| show::cut(prefix));
            self.add(case, TARGET, [target(old), target(new)]);
        }
        another_protocol
    }

    fn add(&mut self, case: &'a str, what: AlarmKind, [old, new]: [String; 2]) {
        let same = |alarm: &&mut Alarm<'_>| alarm.what == what && alarm.old == old && alarm.new == new;
        match self.alarms.iter_mut().find(same) {
            Some(alarm) => _ = alarm.cases.insert(case),
            None => self.alarms.push(Alarm { what, old, new, cases: [case].into() }),
        }
    }

    /// Every change that concerns all requests, with a sentence if it is an alarm.
    pub(super) fn changes(&self) -> impl Iterator<Item = SdkChange> {
        self.alarms.iter().map(|Alarm { what, old, new, cases }| {
            let [name, meaning] = *what;
            let all = words::count(self.cases.len(), "case");
            let count = match cases.len() {
                changed if changed == self.cases.len() => format!("in every request of {all}"),
                changed => format!("in {changed} of {all}"),
            };
            let sentence = format!("{name} changed from {old} to {new} {count}. {meaning}");
            let alarm = (*what != HOST).then_some(sentence);
            SdkChange { alarm, ..SdkChange::new(ChangeClass::Wire, name, old, new, meaning) }
        })
    }
}

/// Whether two requests ask for the same operation under another prefix.
pub(super) fn hears_target(old: &RequestRecord, new: &RequestRecord) -> bool {
    prefix(old).zip(prefix(new)).is_some_and(|((was, operation), (is, same))| was != is && operation == same)
}

/// Whether only one of two requests names the endpoint's port in `Host`.
pub(super) fn hears_host(old: &RequestRecord, new: &RequestRecord) -> bool {
    let [was, is] = [old, new].map(|request| request.headers.get("host").map_or("", String::as_str));
    was != is && was.trim_end_matches(":<port>") == is.trim_end_matches(":<port>")
}

/// `RedshiftServerless` and `GetCredentials` of `RedshiftServerless.GetCredentials`.
fn prefix(request: &RequestRecord) -> Option<(&str, &str)> {
    request.headers.get("x-amz-target")?.rsplit_once('.')
}

/// The protocol of a request, in words: its media type, its `smithy-protocol`, and whether the path names the
/// operation.
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
