//! Rules for successful answers.

use serde_json::Value;

use super::{Finding, Observation, Subject};
use crate::contract::Breach;
use crate::corpus::Answer;
use crate::wire::MEDIA_TYPE;

/// The members of a response and the keywords that say something about each.
/// Source: API reference, GetCredentials, Response Elements.
const MEMBERS: [&str; 4] = ["dbPassword", "dbUser", "expiration", "nextRefreshTime"];

/// The schema of a response, where the answer is a success that the case accepts.
fn accepted_schema(seen: &Observation<'_>) -> Option<String> {
    if !seen.is_success() {
        return None;
    }
    seen.call.expect.answers().into_iter().find(Answer::is_success)?.schema
}

/// A success has status 200.
pub(super) fn status(seen: &Observation<'_>) -> Vec<Finding> {
    if accepted_schema(seen).is_none() {
        return Vec::new();
    }
    Finding::of(seen.status() == 200, Subject::default(), "status", "200", || seen.status().to_string())
}

/// A success has the media type of the protocol; parameters do not matter.
pub(super) fn media_type(seen: &Observation<'_>) -> Vec<Finding> {
    if accepted_schema(seen).is_none() {
        return Vec::new();
    }
    check_media_type(seen)
}

/// The media type of an answer is the protocol's.
pub(super) fn check_media_type(seen: &Observation<'_>) -> Vec<Finding> {
    let found = seen.response.media_type();
    Finding::of(found.as_deref() == Some(MEDIA_TYPE), Subject::default(), "header content-type", MEDIA_TYPE, || {
        found.map_or_else(|| "no such header".to_owned(), |found| seen.quote(&found))
    })
}

/// The body of a success is valid against the schema of the response.
pub(super) fn schema(seen: &Observation<'_>) -> Vec<Finding> {
    let Some(schema) = accepted_schema(seen) else { return Vec::new() };
    let whole = Subject { at: Some(String::new()), ..Subject::default() };
    let Some(body) = seen.body.as_ref().filter(|body| body.is_object()) else {
        return Finding::of(false, whole, "body", "a JSON object", || what_instead_of_an_object(seen));
    };
    let breaches = seen.validators.breaches(&schema, body);
    let mut findings = vec![Finding::Holds(whole)];
    for member in MEMBERS {
        let at = format!("/{member}");
        let keywords: &[&str] = if body.get(member).is_some() { &["required", "type"] } else { &[] };
        let subject = |keyword: &str| Subject { at: Some(at.clone()), keyword: Some(keyword.to_owned()), error: None };
        findings.extend(
            keywords
                .iter()
                .filter(|keyword| !breaches.iter().any(|breach| breach.at == at && breach.keyword == **keyword))
                .map(|keyword| Finding::Holds(subject(keyword))),
        );
    }
    findings.extend(breaches.into_iter().map(broken));
    findings
}

/// A breach of a schema as a finding.
pub(super) fn broken(breach: Breach) -> Finding {
    Finding::Broken {
        subject: Subject { at: Some(breach.at.clone()), keyword: Some(breach.keyword), error: None },
        at: format!("body {}", breach.at),
        expected: breach.expected,
        actual: breach.actual,
    }
}

fn what_instead_of_an_object(seen: &Observation<'_>) -> String {
    match &seen.body {
        None if seen.response.body.is_empty() => "an empty body".to_owned(),
        None => format!("{} bytes that are not JSON", seen.response.body.len()),
        Some(body) => format!("JSON that is {}", kind(body)),
    }
}

/// The type of a JSON value, with its article.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// User and password are not empty.
pub(super) fn text(seen: &Observation<'_>) -> Vec<Finding> {
    let (Some(_), Some(body)) = (accepted_schema(seen), &seen.body) else { return Vec::new() };
    ["dbPassword", "dbUser"]
        .into_iter()
        .filter_map(|member| Some((member, body.get(member)?.as_str()?)))
        .flat_map(|(member, text)| {
            let subject = Subject { at: Some(format!("/{member}")), ..Subject::default() };
            Finding::of(!text.is_empty(), subject, &format!("body /{member}"), "at least one character", || {
                "an empty string".to_owned()
            })
        })
        .collect()
}
