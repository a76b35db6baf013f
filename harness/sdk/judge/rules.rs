//! The rules on every request, whatever the case asks: one function each. The register says, under `decided_by`, which
//! requirement a rule decides.

use super::{ClientBreach, ClientBreaches};
use crate::contract::{Operation, Service};
use crate::sdk::cases::{ClientCase, DECOY, ENDPOINT};
use crate::sdk::record::{ReachedServer, Record, RequestRecord, Signature, origin_form};

/// A rule on requests.
pub(super) struct ClientRule {
    /// Its name, as in the register.
    pub(super) name: &'static str,
    /// What it finds in the record of a case.
    pub(super) judge: fn(&ClientCase, CalledOperation<'_>, &Record) -> ClientBreaches,
}

/// What an SDK was asked to call.
#[derive(Clone, Copy)]
pub(super) struct CalledOperation<'a> {
    pub(super) service: &'a Service,
    pub(super) operation: &'a Operation,
}

/// Every rule.
pub(super) const ALL: &[ClientRule] = &[
    ClientRule { name: "request-line", judge: line },
    ClientRule { name: "request-target", judge: target },
    ClientRule { name: "request-media-type", judge: media_type },
    ClientRule { name: "request-body", judge: body },
    ClientRule { name: "request-signature", judge: signature },
];

pub(super) fn rule_named(name: &str) -> Option<&'static ClientRule> {
    ALL.iter().find(|rule| rule.name == name)
}

/// Checks each request against one claim; `None` if no request arrived. Equal breaches are reported once.
fn breaches_of_each(record: &Record, judge: impl Fn(&RequestRecord) -> Option<ClientBreach>) -> ClientBreaches {
    if record.requests.is_empty() {
        return None;
    }
    let mut breaches: Vec<ClientBreach> = Vec::new();
    for breach in record.requests.iter().filter_map(judge) {
        if !breaches.contains(&breach) {
            breaches.push(breach);
        }
    }
    Some(breaches)
}

/// A breach, if the claim does not hold.
fn breach_unless(
    holds: bool,
    at: &str,
    expected: impl Into<String>,
    actual: impl Into<String>,
) -> Option<ClientBreach> {
    (!holds).then(|| ClientBreach { at: at.to_owned(), expected: expected.into(), actual: actual.into() })
}

fn header<'a>(request: &'a RequestRecord, name: &str) -> &'a str {
    request.headers.get(name).map_or("none", String::as_str)
}

fn line(case: &ClientCase, called: CalledOperation<'_>, record: &Record) -> ClientBreaches {
    let path = expected_path(case);
    breaches_of_each(record, |request| {
        let (method, rest) = request.line.split_once(' ').unwrap_or((&request.line, ""));
        let target = rest.rsplit_once(' ').map_or(rest, |(target, _)| target);
        let target = if request.server == ReachedServer::Proxy { origin_form(target) } else { target };
        let found = target.split('?').next().unwrap_or_default();
        let fits = path.as_ref().is_none_or(|path| found == path || found.strip_suffix('/') == Some(path));
        let expected_method = called.operation.method.is.as_str();
        let expected = format!("{expected_method} {}", path.as_deref().unwrap_or("and any path"));
        breach_unless(method == expected_method && fits, "request line", expected, request.line.as_str())
    })
}

/// The path of the endpoint that the case gives in code; `None` if it leaves that to the environment.
fn expected_path(case: &ClientCase) -> Option<String> {
    let endpoint = case.request.endpoint.as_deref()?;
    let path = endpoint.strip_prefix(ENDPOINT).or_else(|| endpoint.strip_prefix(DECOY))?;
    let path = path.split('?').next().unwrap_or_default();
    Some(if path.is_empty() { "/".to_owned() } else { path.to_owned() })
}

fn target(_: &ClientCase, called: CalledOperation<'_>, record: &Record) -> ClientBreaches {
    let expected = &called.operation.target.is;
    breaches_of_each(record, |request| {
        let found = header(request, "x-amz-target");
        breach_unless(found == expected, "request header x-amz-target", expected.as_str(), found)
    })
}

fn media_type(_: &ClientCase, called: CalledOperation<'_>, record: &Record) -> ClientBreaches {
    let expected = called.service.content_type.is.as_str();
    breaches_of_each(record, |request| {
        let found = header(request, "content-type");
        let essence = found.split(';').next().unwrap_or_default().trim();
        breach_unless(essence.eq_ignore_ascii_case(expected), "request header content-type", expected, found)
    })
}

fn body(_: &ClientCase, _: CalledOperation<'_>, record: &Record) -> ClientBreaches {
    breaches_of_each(record, |request| {
        let found = match &request.body.json {
            Some(serde_json::Value::Object(_)) => return None,
            Some(_) => "JSON that is no object",
            None if request.body.text.as_deref() == Some("") => "an empty body",
            None => "no JSON",
        };
        breach_unless(false, "request body", "a JSON object", found)
    })
}

fn signature(case: &ClientCase, called: CalledOperation<'_>, record: &Record) -> ClientBreaches {
    let service = called.service.signing_name.is.as_str();
    breaches_of_each(record, |request| {
        let at = "request header authorization";
        let scope = request.scope.as_deref().unwrap_or("no scope");
        let fits = match &case.request.region {
            Some(region) => scope == format!("{region}/{service}"),
            None => scope.rsplit('/').next() == Some(service),
        };
        let region = case.request.region.as_deref().unwrap_or("<region>");
        let expected = format!("signed for {region}/{service}");
        match &request.signature {
            Signature::Missing => breach_unless(false, at, expected, "no signature"),
            _ if !fits => breach_unless(false, at, expected, format!("signed for {scope}")),
            Signature::Wrong(why) => {
                breach_unless(false, at, "the signature that the key gives for this request", why.as_str())
            }
            Signature::Valid => None,
        }
    })
}
