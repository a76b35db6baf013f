//! Turns what arrived at the scripted server into a record.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use regex::{Captures, Regex};

use super::normalise::{Normaliser, agent, pattern};
use super::planted_secrets::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
use crate::sdk::record::{
    BodyRecord, Gap, GapClass, InvocationIds, ReachedServer, RequestRecord, Signature, Timing, origin_form,
};
use crate::sdk::script::{Arrival, FIELDS_LIMIT};
use crate::wire::sigv4::{Scope, SignatureError, verify};
use crate::wire::{Headers, Request};

/// How far a date may be from the clock to count as now, in seconds.
const NOW_SECONDS: i64 = 150;

static UUID: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"));
static SHA256: LazyLock<Regex> = LazyLock::new(|| pattern("^[0-9a-f]{64}$"));
static DATE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b\d{8}T\d{6}Z\b"));
static CREDENTIAL: LazyLock<Regex> = LazyLock::new(|| pattern(r"Credential=([^/,\s]*)/(\d{8})/"));
static SIGNATURE: LazyLock<Regex> = LazyLock::new(|| pattern(r"Signature=[^,\s]*"));

/// The requests of a case, as a record keeps them.
pub(super) fn requests(arrivals: &[Arrival], normaliser: &Normaliser) -> Vec<RequestRecord> {
    // If the connection was reset at once, there is no request.
    let record = |arrival: &Arrival| {
        let mut request = parse(&arrival.bytes)?;
        if arrival.server == ReachedServer::Proxy {
            // What is signed is the request that the proxy passes on.
            request.target = origin_form(&request.target).to_owned();
        }
        Some(record(arrival, &request, normaliser))
    };
    arrivals.iter().filter_map(record).collect()
}

/// Whether the attempts of each call share an invocation id.
pub(super) fn invocation_ids(arrivals: &[Arrival]) -> InvocationIds {
    let mut of_calls: BTreeMap<usize, BTreeSet<Option<String>>> = BTreeMap::new();
    for arrival in arrivals {
        let Some(request) = parse(&arrival.bytes) else { continue };
        let id = request.headers.get("amz-sdk-invocation-id").map(str::to_owned);
        of_calls.entry(arrival.call).or_default().insert(id);
    }
    if of_calls.values().flatten().all(Option::is_none) {
        return InvocationIds::None;
    }
    let mut seen = BTreeSet::new();
    let one_each = of_calls.values().all(|ids| ids.len() == 1 && !ids.contains(&None) && seen.insert(ids));
    if one_each { InvocationIds::PerCall } else { InvocationIds::Mixed }
}

/// The part of a case's run that depends on the clock.
pub(super) fn timing(arrivals: &[Arrival], connections: usize, calls_ms: Vec<f64>) -> Timing {
    let pairs = arrivals.iter().zip(arrivals.iter().skip(1)).filter(|(before, arrival)| before.call == arrival.call);
    let gap = |(before, arrival): (&Arrival, &Arrival)| {
        // A client that did not wait for the end of the answer did not wait at all.
        let waited = before.answered.map(|answered| arrival.at.saturating_duration_since(answered));
        let ms = waited.unwrap_or_default().as_secs_f64() * 1000.0;
        let (class, told_ms) = (class(ms, before.told_ms), before.told_ms);
        Gap { call: arrival.call, attempt: arrival.attempt, class, ms: (ms * 1000.0).round() / 1000.0, told_ms }
    };
    Timing { gaps: pairs.map(gap).collect(), connections, calls_ms }
}

/// How long a wait was, in words. It counts as told if it is within a tenth of what the server asked for, or at most 50
/// ms longer for a busy machine.
pub(super) fn class(ms: f64, told_ms: Option<f64>) -> GapClass {
    const SCHEDULING_MS: f64 = 50.0;
    match told_ms {
        Some(requested) if requested > 0.0 && ms >= requested * 0.9 && ms <= requested.mul_add(1.1, SCHEDULING_MS) => {
            GapClass::Told
        }
        _ if ms < 20.0 => GapClass::None,
        _ if ms < 300.0 => GapClass::Short,
        _ => GapClass::Long,
    }
}

/// Parses the bytes of a request; `None` if they are not a complete request.
fn parse(bytes: &[u8]) -> Option<Request> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_LIMIT];
    let mut request = httparse::Request::new(&mut fields);
    let Ok(httparse::Status::Complete(head)) = request.parse(bytes) else { return None };
    let headers: Headers =
        request.headers.iter().map(|field| (field.name, String::from_utf8_lossy(field.value).into_owned())).collect();
    Some(Request {
        method: request.method?.to_owned(),
        target: request.path?.to_owned(),
        headers,
        body: bytes[head..].to_vec(),
    })
}

fn record(arrival: &Arrival, request: &Request, normaliser: &Normaliser) -> RequestRecord {
    let line = arrival.bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in request.headers.iter() {
        let name = name.to_ascii_lowercase();
        let value = header(&name, value, arrival.date, normaliser);
        headers.entry(normaliser.text(&name)).and_modify(|old| *old = format!("{old}, {value}")).or_insert(value);
    }
    let authorization = request.headers.get("authorization").unwrap_or_default();
    let scope = scope(authorization);
    let signed = authorization.split("SignedHeaders=").nth(1).and_then(|rest| rest.split([',', ' ']).next());
    let signed = signed.into_iter().flat_map(|names| names.split(';')).take(FIELDS_LIMIT);
    RequestRecord {
        call: arrival.call,
        attempt: arrival.attempt,
        server: arrival.server,
        line: normaliser.text(&String::from_utf8_lossy(line)),
        headers,
        signed_headers: signed.map(|name| normaliser.text(name)).collect(),
        signature: signature(request, scope, normaliser),
        scope: scope.map(|Scope { region, service }| normaliser.text(&format!("{region}/{service}"))),
        body: body(&request.body, normaliser),
    }
}

/// The value of a header field without what differs from run to run.
fn header(name: &str, value: &str, now: Timestamp, normaliser: &Normaliser) -> String {
    match name {
        "authorization" => {
            let value = CREDENTIAL.replace(value, |found: &Captures<'_>| {
                let key = if &found[1] == ACCESS_KEY_ID { "<key>" } else { "***" };
                format!("Credential={key}/<date>/")
            });
            normaliser.text(&SIGNATURE.replace(&value, "Signature=***"))
        }
        "x-amz-security-token" => normaliser.token(value).to_owned(),
        "x-amz-date" | "amz-sdk-request" => {
            normaliser.text(&DATE.replace_all(value, |found: &Captures<'_>| date_mark(&found[0], now, name)))
        }
        "amz-sdk-invocation-id" if UUID.is_match(value) => "<id>".to_owned(),
        "x-amz-content-sha256" if SHA256.is_match(value) => "<sha256>".to_owned(),
        "user-agent" | "x-amz-user-agent" => normaliser.text(&agent(&normaliser.masked_text(value))),
        _ => normaliser.text(value),
    }
}

/// A date as `<date>`, or as `<date+60min>` if the SDK has adjusted its clock to the server's.
fn date_mark(stamp: &str, now: Timestamp, name: &str) -> String {
    let Some(time) = time(stamp) else { return stamp.to_owned() };
    let off = time.as_second() - now.as_second();
    // A time to live lies ahead of the clock by the client's timeout.
    if off.abs() <= NOW_SECONDS || name != "x-amz-date" {
        return "<date>".to_owned();
    }
    let minutes = (off + 30 * off.signum()) / 60;
    format!("<date{minutes:+}min>")
}

/// The time that `20260101T000000Z` stands for.
fn time(stamp: &str) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(stamp.get(..15)?.parse::<DateTime>().ok()?).ok()
}

/// The credential scope of an `Authorization` header.
fn scope(authorization: &str) -> Option<Scope<'_>> {
    let credential = authorization.split("Credential=").nth(1)?.split([',', ' ']).next()?;
    let mut parts = credential.split('/').skip(2);
    Some(Scope { region: parts.next()?, service: parts.next()? })
}

/// Whether the signature is the one that the example key gives, whatever the date and the scope.
fn signature(request: &Request, scope: Option<Scope<'_>>, normaliser: &Normaliser) -> Signature {
    let own_date = request.headers.get("x-amz-date").and_then(time).unwrap_or_else(Timestamp::now);
    let scope = scope.unwrap_or(Scope { region: "", service: "" });
    let secret_of = |id: &str| (id == ACCESS_KEY_ID).then(|| SECRET_ACCESS_KEY.into());
    match verify(request, scope, own_date, secret_of) {
        Ok(_) => Signature::Valid,
        Err(SignatureError::Missing) => Signature::Missing,
        Err(SignatureError::UnknownKey) => Signature::Wrong("it is of another key".to_owned()),
        Err(SignatureError::Scope { .. }) => Signature::Wrong("its scope is of another day than its date".to_owned()),
        Err(error) => Signature::Wrong(normaliser.text(&error.to_string())),
    }
}

fn body(bytes: &[u8], normaliser: &Normaliser) -> BodyRecord {
    let json = normaliser.body(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => BodyRecord { text: Some(normaliser.text(text)), base64: None, json },
        Err(_) => BodyRecord { text: None, base64: Some(normaliser.text(&BASE64_STANDARD.encode(bytes))), json },
    }
}
