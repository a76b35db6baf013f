//! The rules on every request, whatever the case asks: one function each. Which requirement a finding
//! belongs to is said in the register, under `decided_by`.

use super::{Breach, Finding};
use crate::sdk::cases::{ClientCase, DECOY, ENDPOINT};
use crate::sdk::record::{Record, RequestRecord, Signature};
use crate::wire::{MEDIA_TYPE, SIGNING_NAME, TARGET_PREFIX};

/// A rule on requests.
pub(super) struct Rule {
    /// Its name, as in the register.
    pub(super) name: &'static str,
    /// What it finds; the text is the operation.
    pub(super) judge: fn(&ClientCase, &str, &Record) -> Finding,
}

/// Every rule.
pub(super) const ALL: &[Rule] = &[
    Rule { name: "request-line", judge: line },
    Rule { name: "request-target", judge: target },
    Rule { name: "request-media-type", judge: media_type },
    Rule { name: "request-body", judge: body },
    Rule { name: "request-signature", judge: signature },
];

/// Holds each request against one claim; nothing where no request arrived. What is the same in every
/// attempt of a call is told once.
fn each(record: &Record, judge: impl Fn(&RequestRecord) -> Option<Breach>) -> Finding {
    if record.requests.is_empty() {
        return None;
    }
    let mut breaches: Vec<Breach> = Vec::new();
    for breach in record.requests.iter().filter_map(judge) {
        if !breaches.contains(&breach) {
            breaches.push(breach);
        }
    }
    Some(breaches)
}

/// One breach, where a claim does not hold.
fn unless(holds: bool, at: &str, expected: impl Into<String>, actual: impl Into<String>) -> Option<Breach> {
    (!holds).then(|| Breach { at: at.to_owned(), expected: expected.into(), actual: actual.into() })
}

fn header<'a>(request: &'a RequestRecord, name: &str) -> &'a str {
    request.headers.get(name).map_or("none", String::as_str)
}

fn line(case: &ClientCase, _: &str, record: &Record) -> Finding {
    let path = expected_path(case);
    each(record, |request| {
        let (method, rest) = request.line.split_once(' ').unwrap_or((&request.line, ""));
        let target = rest.rsplit_once(' ').map_or(rest, |(target, _)| target);
        let found = target.split('?').next().unwrap_or_default();
        let fits = path.as_ref().is_none_or(|path| found == path || found.strip_suffix('/') == Some(path));
        let expected = format!("POST {}", path.as_deref().unwrap_or("and any path"));
        unless(method == "POST" && fits, "request line", expected, request.line.as_str())
    })
}

/// The path of the endpoint that the case gives in code; nothing where it leaves that to the environment.
fn expected_path(case: &ClientCase) -> Option<String> {
    let endpoint = case.request.endpoint.as_deref()?;
    let path = endpoint.strip_prefix(ENDPOINT).or_else(|| endpoint.strip_prefix(DECOY))?;
    let path = path.split('?').next().unwrap_or_default();
    Some(if path.is_empty() { "/".to_owned() } else { path.to_owned() })
}

fn target(_: &ClientCase, operation: &str, record: &Record) -> Finding {
    let expected = format!("{TARGET_PREFIX}.{operation}");
    each(record, |request| {
        let found = header(request, "x-amz-target");
        unless(found == expected, "request header x-amz-target", expected.as_str(), found)
    })
}

fn media_type(_: &ClientCase, _: &str, record: &Record) -> Finding {
    each(record, |request| {
        let found = header(request, "content-type");
        let essence = found.split(';').next().unwrap_or_default().trim();
        unless(essence.eq_ignore_ascii_case(MEDIA_TYPE), "request header content-type", MEDIA_TYPE, found)
    })
}

fn body(_: &ClientCase, _: &str, record: &Record) -> Finding {
    each(record, |request| {
        let found = match &request.body.json {
            Some(serde_json::Value::Object(_)) => return None,
            Some(_) => "JSON that is no object",
            None if request.body.text.as_deref() == Some("") => "an empty body",
            None => "no JSON",
        };
        unless(false, "request body", "a JSON object", found)
    })
}

fn signature(case: &ClientCase, _: &str, record: &Record) -> Finding {
    each(record, |request| {
        let at = "request header authorization";
        let scope = request.scope.as_deref().unwrap_or("no scope");
        let fits = match &case.request.region {
            Some(region) => scope == format!("{region}/{SIGNING_NAME}"),
            None => scope.rsplit('/').next() == Some(SIGNING_NAME),
        };
        let region = case.request.region.as_deref().unwrap_or("<region>");
        let expected = format!("signed for {region}/{SIGNING_NAME}");
        match &request.signature {
            Signature::Missing => unless(false, at, expected, "no signature"),
            _ if !fits => unless(false, at, expected, format!("signed for {scope}")),
            Signature::Wrong(why) => {
                unless(false, at, "the signature that the key gives for this request", why.as_str())
            }
            Signature::Valid => None,
        }
    })
}
