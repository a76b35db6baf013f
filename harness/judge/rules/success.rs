//! Rules for successful answers.

use serde_json::Value;

use super::{Finding, Observation, Subject, guess};
use crate::contract::Breach;
use crate::wire::MEDIA_TYPE;

/// The members of a response, each as a JSON pointer.
/// Source: API reference, GetCredentials, Response Elements.
const MEMBERS: [&str; 4] = ["/dbPassword", "/dbUser", "/expiration", "/nextRefreshTime"];

/// The members of a response that are texts.
const TEXTS: [&str; 2] = ["/dbPassword", "/dbUser"];

/// The schema of a response, where the answer is a success that the case accepts.
fn accepted_schema<'a>(seen: &Observation<'a>) -> Option<&'a str> {
    if !seen.is_success() {
        return None;
    }
    seen.call.expect.answers().iter().find(|answer| answer.is_success())?.schema.as_deref()
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
    let whole = Subject { at: Some("".into()), ..Subject::default() };
    let Some(body) = seen.body.as_ref().filter(|body| body.is_object()) else {
        return Finding::of(false, whole, "body", "a JSON object", || what_instead_of_an_object(seen));
    };
    // In the protocol a null member is an absent one.
    let body = &without_nulls(body);
    let breaches = seen.contract.validators.breaches(schema, body);
    let mut findings = vec![Finding::Holds(whole)];
    // A member that is not there has no type that could hold.
    for at in MEMBERS.into_iter().filter(|at| body.pointer(at).is_some()) {
        for keyword in ["required", "type"] {
            if !breaches.iter().any(|breach| breach.at == at && breach.keyword == keyword) {
                findings.push(Finding::Holds(Subject {
                    at: Some(at.into()),
                    keyword: Some(keyword.into()),
                    error: None,
                }));
            }
        }
    }
    findings.extend(breaches.into_iter().map(|breach| {
        let guess = guess::of_member(seen, &breach.at, &breach.keyword);
        broken(breach, guess)
    }));
    findings
}

/// A body without its members that are null.
pub(super) fn without_nulls(body: &Value) -> Value {
    let mut body = body.clone();
    if let Some(members) = body.as_object_mut() {
        members.retain(|_, member| !member.is_null());
    }
    body
}

/// A breach of a schema as a finding, with a guess at its cause.
pub(super) fn broken(breach: Breach, guess: Option<String>) -> Finding {
    let (mut expected, mut actual) = (breach.expected, breach.actual);
    if breach.keyword == "required" {
        let name = breach.at.rsplit('/').next().unwrap_or_default();
        (expected, actual) = (format!("the member {name}"), "no such member".to_owned());
    }
    if let Some(guess) = guess {
        actual = format!("{actual}, {guess}");
    }
    Finding::Broken {
        subject: Subject { at: Some(breach.at.clone().into()), keyword: Some(breach.keyword.into()), error: None },
        at: format!("body {}", breach.at),
        expected,
        actual,
    }
}

fn what_instead_of_an_object(seen: &Observation<'_>) -> String {
    match &seen.body {
        None if seen.response.body.is_empty() => "an empty body".to_owned(),
        None => {
            let body = &seen.response.body;
            format!("{} bytes that are not JSON{}", body.len(), guess::of_body(body))
        }
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
    TEXTS
        .into_iter()
        .filter_map(|at| Some((at, body.pointer(at)?.as_str()?)))
        .flat_map(|(at, text)| {
            let subject = Subject { at: Some(at.into()), ..Subject::default() };
            Finding::of(!text.is_empty(), subject, &format!("body {at}"), "at least one character", || {
                "an empty string".to_owned()
            })
        })
        .collect()
}
