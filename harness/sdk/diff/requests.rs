//! Compares what goes over the wire: how many requests, and what each of them says.

use std::collections::{BTreeMap, BTreeSet};

use super::alarms::{Alarms, hears_host, hears_target};
use super::reach::{self, Reach};
use super::show::{self, ABSENT};
use super::{ChangeClass, ChangeKind, SdkChange, bodies, user_agent};
use crate::sdk::record::{InvocationIds, ReachedServer, Record, RequestRecord, Signature};

/// Fields that only tell about the SDK and its attempts: nothing else depends on them.
const TELEMETRY: [&str; 4] = ["amz-sdk-invocation-id", "amz-sdk-request", "user-agent", "x-amz-user-agent"];

/// Fields that say what the request is, whether they are signed or not.
const MEANINGFUL: [&str; 5] =
    ["content-encoding", "content-type", "transfer-encoding", "x-amz-security-token", "x-amz-target"];

/// Compares the requests of a case, each with the one of the same call and attempt. The same difference in several
/// requests is reported once; differences that concern every request are left to the alarms.
pub(super) fn compare<'a>(case: &'a str, old: &Record, new: &Record, alarms: &mut Alarms<'a>) -> Vec<SdkChange> {
    let mut found: Vec<_> = attempts(old, new).into_iter().chain(reach::compare(old, new)).collect();
    let meaning = "The setting that names a proxy counts otherwise: requests take another way to the endpoint.";
    let lines = |tunnels: &Vec<String>| {
        if tunnels.is_empty() { ABSENT.to_owned() } else { show::text(&tunnels.join(", ")) }
    };
    found.extend(wire_change("tunnels", [old, new].map(|record| &record.tunnels), lines, meaning));
    let place = |request: &RequestRecord| (request.call, request.attempt);
    let there: BTreeMap<_, _> = new.requests.iter().map(|request| (place(request), request)).collect();
    let mut both = false;
    for request in &old.requests {
        let Some(same) = there.get(&place(request)) else { continue };
        both = true;
        let another_protocol = alarms.hear(case, request, same);
        for change in requests([request, same], another_protocol) {
            if !found.contains(&change) {
                found.push(change);
            }
        }
    }
    if both {
        let word = |ids| match ids {
            InvocationIds::None => "none".to_owned(),
            InvocationIds::PerCall => "one a call".to_owned(),
            InvocationIds::Mixed => "differing within a call".to_owned(),
        };
        let ids = [old.invocation_ids, new.invocation_ids];
        let meaning =
            "Whoever looks for the attempts of one call by amz-sdk-invocation-id in logs finds them otherwise.";
        found.extend(SdkChange::between(ChangeClass::Agent, "invocation ids", ids, word, meaning));
    }
    found
}

fn wire_change<T: PartialEq>(
    what: &str,
    values: [T; 2],
    show: impl Fn(T) -> String,
    meaning: &str,
) -> Option<SdkChange> {
    SdkChange::between(ChangeClass::Wire, what, values, show, meaning)
}

/// Compares how many requests arrive. What a number means depends on what becomes of the calls.
fn attempts(old: &Record, new: &Record) -> Option<SdkChange> {
    let (was, is) = (per_call(old), per_call(new));
    if was == is {
        return None;
    }
    let succeeds = |record: &Record| record.outcomes.iter().all(|outcome| outcome.word() == "result");
    let requests = |record: &Record| super::words::count(record.attempts, "request");
    let (before, now) = (requests(old), requests(new));
    let meaning = match (old.attempts, new.attempts) {
        (0, _) if Reach::of(old) == Reach::Refused => {
            "The request is sent, where the SDK refused it before.".to_owned()
        }
        (_, 0) if Reach::of(new) == Reach::Refused => {
            "Nothing is sent any more: the SDK refuses the request by itself.".to_owned()
        }
        (0, _) => "Requests reach your endpoint, where none arrived.".to_owned(),
        (_, 0) => "No request reaches your endpoint any more.".to_owned(),
        (from, to) if from == to => "The calls of the case are repeated otherwise.".to_owned(),
        (from, to) => match (succeeds(old), succeeds(new), from > to) {
            (false, false, true) => {
                format!("The call gives up after {now} instead of {from}: errors come sooner, and more of them.")
            }
            (false, false, false) => {
                format!("The service gets {now} instead of {from}: a failing call takes longer.")
            }
            (true, true, true) => format!("The call needs {now} instead of {from} to come to its result."),
            (true, true, false) => {
                format!("The call needs {now} instead of {from} to come to its result: it takes longer.")
            }
            (false, true, true) => format!("The call comes to a result with {now}; it failed after {before}."),
            (false, true, false) => {
                format!("The call is tried again and comes to a result with {now}; it failed after {before}.")
            }
            (true, false, true) => {
                format!("The call gives up after {now}; it came to a result with {before}.")
            }
            (true, false, false) => {
                format!("The service gets {now} of a call that fails; it came to a result with {before}.")
            }
        },
    };
    let fewer = old.attempts > new.attempts;
    // A call that comes to its result with fewer requests takes an answer that it did not take, and the reverse.
    let by_answer = (succeeds(old), succeeds(new)) == (!fewer, fewer) && old.attempts.min(new.attempts) > 0;
    let kind = if by_answer { ChangeKind::AttemptsByAnswer } else { ChangeKind::Attempts };
    Some(SdkChange::new(ChangeClass::Attempts, "attempts", was, is, meaning).of(kind))
}

/// How many requests each call sent: `3`, or `1, 5` for two calls.
fn per_call(record: &Record) -> String {
    // Calls are counted by what is there of them, since a file may give a call any number.
    let mut sent: BTreeMap<usize, usize> = (1..=record.outcomes.len()).map(|call| (call, 0)).collect();
    for request in &record.requests {
        *sent.entry(request.call).or_default() += 1;
    }
    if sent.len() <= 1 {
        return record.attempts.to_string();
    }
    sent.values().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

fn requests(both: [&RequestRecord; 2], another_protocol: bool) -> Vec<SdkChange> {
    let [old, new] = both;
    let mut found = Vec::new();
    let word = |server| match server {
        ReachedServer::Endpoint => "the endpoint asked for".to_owned(),
        ReachedServer::Decoy => "another endpoint".to_owned(),
        ReachedServer::Proxy => "the proxy".to_owned(),
    };
    let meaning = "The setting that names the endpoint counts otherwise: requests go to another server.";
    let server = wire_change("server", both.map(|request| request.server), word, meaning);
    found.extend(server.map(|change| change.of(ChangeKind::Reach)));
    if !another_protocol {
        let meaning = "Servers, proxies and mocks that go by method or path see another one.";
        found.extend(wire_change("request line", both.map(|request| &*request.line), show::cut, meaning));
    }
    found.extend(signature(both));
    found.extend(headers(old, new, another_protocol));
    found.extend(user_agent::compare(old, new));
    if !another_protocol || (old.body.json.is_some() && new.body.json.is_some()) {
        found.extend(bodies::compare(&old.body, &new.body));
    }
    found
}

fn is_signed(request: &RequestRecord) -> bool {
    request.signature != Signature::Missing
}

fn signature(both: [&RequestRecord; 2]) -> Vec<SdkChange> {
    let mut found = Vec::new();
    let word = |signature: &Signature| match signature {
        Signature::Valid => "valid".to_owned(),
        Signature::Missing => "missing".to_owned(),
        Signature::Wrong(why) => format!("wrong: {}", show::cut(why)),
    };
    let meaning = if both[1].signature == Signature::Valid {
        "The service accepts the signature, which it did not."
    } else {
        "The service refuses the request: it cannot tell who sent it."
    };
    found.extend(wire_change("signature", both.map(|request| &request.signature), word, meaning));
    if !both.into_iter().all(is_signed) {
        return found;
    }
    let meaning = "The signature is for another region or service, which refuses it unless it is the right one.";
    found.extend(wire_change("signed for", both.map(|request| request.scope.as_deref()), show::optional, meaning));
    // A field that only one of them sends is reported as a header.
    let in_both = |name: &&String| both.into_iter().all(|request| request.headers.contains_key(*name));
    let [was, is] = both.map(|request| request.signed_headers.iter().filter(in_both).collect::<BTreeSet<_>>());
    if was != is {
        let only = |one: &BTreeSet<&String>, other: &BTreeSet<&String>| {
            let names: Vec<_> = one.difference(other).map(|name| show::cut(name)).collect();
            if names.is_empty() { "nothing else".to_owned() } else { names.join(", ") }
        };
        let meaning =
            "A proxy may now change other fields without breaking the signature, or breaks it by changing one.";
        found.push(SdkChange::new(ChangeClass::Wire, "signed headers", only(&was, &is), only(&is, &was), meaning));
    }
    found
}

fn headers(old: &RequestRecord, new: &RequestRecord, another_protocol: bool) -> Vec<SdkChange> {
    let names: BTreeSet<&String> = old.headers.keys().chain(new.headers.keys()).collect();
    let same_body = old.body == new.body;
    let both_signed = is_signed(old) && is_signed(new);
    let is_compared_elsewhere = |name: &str| match name {
        // Region, service, signed headers and validity are compared separately.
        "authorization" => true,
        "x-amz-date" | "x-amz-content-sha256" => !both_signed,
        "content-length" => !same_body,
        "user-agent" | "x-amz-user-agent" => old.headers.contains_key(name) && new.headers.contains_key(name),
        "host" => hears_host(old, new),
        "x-amz-target" => hears_target(old, new) || another_protocol,
        "content-type" | "accept" | "smithy-protocol" => another_protocol,
        _ => false,
    };
    names.into_iter().filter(|name| !is_compared_elsewhere(name)).filter_map(|name| header(name, old, new)).collect()
}

fn header(name: &str, old: &RequestRecord, new: &RequestRecord) -> Option<SdkChange> {
    let [was, is] = [old, new].map(|request| value(name, request));
    if was == is {
        return None;
    }
    let signed = |request: &RequestRecord| request.signed_headers.iter().any(|signed| signed == name);
    let telemetry = TELEMETRY.contains(&name);
    let one_sided = was.is_none() || is.is_none();
    let weighty = MEANINGFUL.contains(&name) || ((signed(old) || signed(new)) && (one_sided || !telemetry));
    // If nothing else depends on the field, only how invocation ids are shared is reported.
    if name == "amz-sdk-invocation-id" && !weighty {
        return None;
    }
    let meaning = match name {
        "x-amz-security-token" => {
            "Temporary credentials work only with their token: without it the service refuses the request."
        }
        "content-type" => {
            "A server that goes by the media type may take the request for another protocol, or refuse it."
        }
        "x-amz-target" => "The request asks for another operation.",
        _ if telemetry => "What the service logs about the SDK and its attempts is another; nothing else hangs on it.",
        _ if weighty => "A mock or proxy that compares or signs this field sees another request.",
        _ => "A field that is not signed; the service may answer in another form, but not with something else.",
    };
    let class = if weighty { ChangeClass::Wire } else { ChangeClass::Agent };
    let value_text = |value: Option<String>| value.as_deref().map_or_else(|| ABSENT.to_owned(), show::text);
    let what = format!("header {}", show::cut(name));
    let cause = match (&was, &is) {
        (None, _) => format!("{what} sent"),
        (_, None) => format!("{what} no longer sent"),
        (Some(_), Some(_)) => format!("another {what}"),
    };
    let change = SdkChange::new(class, what, value_text(was), value_text(is), meaning).caused_by(cause);
    Some(if name == "amz-sdk-request" { change.of(ChangeKind::Announcement) } else { change })
}

/// A field's value. The number of the attempt is replaced in it if it is the right one.
fn value(name: &str, request: &RequestRecord) -> Option<String> {
    let value = request.headers.get(name)?;
    if name != "amz-sdk-request" {
        return Some(value.clone());
    }
    let own = format!("attempt={}", request.attempt);
    let parts = value
        .split(';')
        .map(|part| if part.trim() == own { part.replace(&own, "attempt=<n>") } else { part.to_owned() });
    Some(parts.collect::<Vec<_>>().join(";"))
}
