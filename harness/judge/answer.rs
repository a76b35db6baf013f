use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use crate::contract::Validators;
use crate::corpus::{Call, ExpandedCase};
use crate::wire::{Exchange, Response, bare_type, error_types, quote_without, secrets_in};

/// The errors that the documents list for the operation, with their statuses.
/// Source: API reference, GetCredentials, Errors.
pub(super) const DOCUMENTED_ERRORS: [(&str, u16); 3] =
    [("InternalServerException", 500), ("ResourceNotFoundException", 400), ("ValidationException", 400)];

/// Everything that the rules look at in one call and its answer.
pub(super) struct Observation<'a> {
    pub(super) case: &'a ExpandedCase,
    pub(super) call: &'a Call,
    pub(super) exchange: &'a Exchange,
    pub(super) response: &'a Response,
    pub(super) validators: &'a Validators,
    /// The body, where it is JSON.
    pub(super) body: Option<Value>,
    /// The error's name without namespace and URI, where the answer has one.
    pub(super) error: Option<String>,
    /// Values from the body that must not be quoted.
    secrets: Vec<String>,
}

impl<'a> Observation<'a> {
    pub(super) fn new(
        case: &'a ExpandedCase,
        call: &'a Call,
        exchange: &'a Exchange,
        response: &'a Response,
        validators: &'a Validators,
    ) -> Self {
        let body = response.json();
        let expected = |name: &&str| call.expect.answers().iter().any(|answer| answer.error.as_deref() == Some(*name));
        let names = || error_types(response, body.as_ref()).map(|(_, text)| bare_type(text));
        // Where an answer gives several names, the client that looks at the expected one is served.
        let name = if response.status >= 300 { names().find(expected).or_else(|| names().next()) } else { None };
        let error = name.map(str::to_owned);
        let secrets = secrets_in(body.as_ref());
        Self { case, call, exchange, response, validators, body, error, secrets }
    }

    pub(super) fn status(&self) -> u16 {
        self.response.status
    }

    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status())
    }

    /// Whether the answer is an error that the documents list for the operation.
    pub(super) fn is_documented_error(&self) -> bool {
        self.documented_error().is_some()
    }

    /// The name and the documented status of a documented error.
    pub(super) fn documented_error(&self) -> Option<(&'static str, u16)> {
        let name = self.error.as_deref()?;
        DOCUMENTED_ERRORS.into_iter().find(|(error, _)| *error == name)
    }

    /// The answer in a few words: `400 ValidationException`, with the error's message quoted.
    pub(super) fn summary(&self) -> String {
        let mut words = self.status().to_string();
        if let Some(error) = &self.error {
            words.push(' ');
            words.push_str(&self.quote(error));
        }
        if let Some(message) = self.message() {
            let _ = write!(words, " \"{}\"", self.quote(message));
        }
        words
    }

    /// The error's message, by any of the names that are seen.
    pub(super) fn message(&self) -> Option<&str> {
        if self.is_success() {
            return None;
        }
        let body = self.body.as_ref()?;
        ["message", "Message", "errorMessage"].into_iter().find_map(|name| body.get(name)?.as_str())
    }

    /// The target's own words, fit for a report, without any secret that the body holds.
    pub(super) fn quote(&self, text: &str) -> String {
        quote_without(text, &self.secrets)
    }
}

/// The shape of an answer's body (`body` where it is JSON) without its values:
/// `{dbPassword: string, expiration: number}`. Names that a target makes up are quoted; at most forty
/// of them.
pub fn shape(response: &Response, body: Option<&Value>) -> String {
    match body {
        Some(body) => shape_of(body, &secrets_in(Some(body)), &[]),
        None if response.body.is_empty() => "empty".to_owned(),
        None => "not JSON".to_owned(),
    }
}

/// The [`shape`] of an error's body with its own words: its name and its message are quoted, and so is
/// a body that is no JSON. Of a success it is the shape alone.
pub fn words_and_shape(response: &Response, body: Option<&Value>, secrets: &[String]) -> String {
    const WORDS: [&str; 7] = ["__type", "code", "Code", "Type", "message", "Message", "errorMessage"];
    match body {
        _ if response.status < 300 => shape(response, body),
        Some(body) => shape_of(body, secrets, &WORDS),
        None if response.body.is_empty() => "empty".to_owned(),
        // Twice as much as is quoted, with room for long characters; the end may be cut in one.
        None => quote_without(&String::from_utf8_lossy(&response.body[..response.body.len().min(2_000)]), secrets),
    }
}

/// The shape of a value; texts with these names are quoted instead, at the top.
fn shape_of(value: &Value, secrets: &[String], words: &[&str]) -> String {
    const MOST: usize = 40;
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "boolean".to_owned(),
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "string".to_owned(),
        Value::Array(items) => {
            let shapes: BTreeSet<_> = items.iter().take(MOST).map(|item| shape_of(item, secrets, &[])).collect();
            format!("[{}]", shapes.into_iter().collect::<Vec<_>>().join(", "))
        }
        Value::Object(members) => {
            let mut shapes: Vec<_> = members
                .iter()
                .take(MOST)
                .map(|(name, member)| {
                    let member = match member {
                        Value::String(text) if words.contains(&name.as_str()) => {
                            format!("\"{}\"", quote_without(text, secrets))
                        }
                        _ => shape_of(member, secrets, &[]),
                    };
                    format!("{}: {member}", quote_without(name, secrets))
                })
                .collect();
            if members.len() > MOST {
                shapes.push("…".to_owned());
            }
            format!("{{{}}}", shapes.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::wire::Headers;

    #[test]
    fn a_shape_has_names_and_types_and_no_values() {
        let body = r#"{"dbPassword":"CANARY","expiration":1.5,"x":[1,"CANARY",null],"y":{"z":true}}"#;
        let response = Response { status: 200, headers: Headers::new(), body: body.into() };
        assert_eq!(
            shape(&response, response.json().as_ref()),
            "{dbPassword: string, expiration: number, x: [null, number, string], y: {z: boolean}}"
        );
    }

    #[rstest]
    #[case::success(200, r#"{"message":"CANARY"}"#, "{message: string}")]
    #[case::error(
        400,
        r#"{"__type":"ValidationException","message":"no: CANARY","dbPassword":"CANARY","y":{"message":"CANARY"}}"#,
        r#"{__type: "ValidationException", dbPassword: string, message: "no: ***", y: {message: string}}"#
    )]
    #[case::page(500, "<h1>Oops</h1> password=CANARY", "<h1>Oops</h1> password=***")]
    #[case::empty(404, "", "empty")]
    fn an_error_is_shown_with_its_own_words(#[case] status: u16, #[case] body: &str, #[case] expected: &str) {
        let response = Response { status, headers: Headers::new(), body: body.into() };
        let body = response.json();
        assert_eq!(words_and_shape(&response, body.as_ref(), &secrets_in(body.as_ref())), expected);
    }
}
