use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::sendable::flaw_of_field;

/// A response written by hand, which the mock gives: a right one, or a wrong one with what is wrong.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// The JSON Schema of this file, for editors.
    #[serde(rename = "$schema", default)]
    pub schema: Option<String>,
    /// The version of this format: 1.
    pub version: u32,
    /// What it is, as a sentence.
    pub title: String,
    /// The status code.
    #[schemars(range(min = 100, max = 599))]
    pub status: u16,
    /// The header fields; `Content-Length` is added.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body as JSON. A text of the form `${now+900}` or `${now+duration}` becomes the number of
    /// epoch seconds, that many (or as many as the request asked for) from now.
    #[serde(default)]
    pub body: Option<Value>,
    /// The body as exact text, instead of `body`.
    #[serde(default)]
    pub body_text: Option<String>,
    /// What is wrong about it, for a reply that a judge must not let pass.
    #[serde(default)]
    pub wrong: Option<WrongReply>,
}

/// What the judge must say of a wrong reply.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[serde(rename = "Wrong")]
pub struct WrongReply {
    /// The case that it is given to.
    pub case: String,
    /// Exactly the requirements that it violates, warnings included.
    pub violates: Vec<String>,
}

impl Reply {
    /// Why the mock cannot send it: the place, and what is wrong; `None` if it can.
    pub fn flaw(&self) -> Option<(String, String)> {
        // Answers of other statuses have no body, or are not the last.
        if !(200..600).contains(&self.status) || matches!(self.status, 204 | 304) {
            let message = format!("expected a status that can be replayed, from 200 to 599, found {}", self.status);
            return Some(("/status".to_owned(), message));
        }
        let flaw = |(name, value): (&String, &String)| {
            let flaw = flaw_of_field(name, value)?;
            Some(("/headers".to_owned(), format!("{flaw}, found \"{name}: {value}\"")))
        };
        self.headers.iter().find_map(flaw)
    }

    /// The body bytes at a moment: `now` in epoch seconds, `duration` in seconds as the request asked.
    pub fn body_at(&self, now: f64, duration: f64) -> Vec<u8> {
        match (&self.body, &self.body_text) {
            (_, Some(text)) => text.clone().into_bytes(),
            (Some(body), None) => {
                let mut body = body.clone();
                set_times(&mut body, now, duration);
                body.to_string().into_bytes()
            }
            (None, None) => Vec::new(),
        }
    }
}

/// Replaces every `${now…}` text by its number.
fn set_times(value: &mut Value, now: f64, duration: f64) {
    match value {
        Value::String(text) => {
            if let Some(time) = time_of(text, now, duration) {
                *value = Value::from(time);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| set_times(item, now, duration)),
        Value::Object(members) => members.values_mut().for_each(|member| set_times(member, now, duration)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn time_of(text: &str, now: f64, duration: f64) -> Option<f64> {
    let offset = text.strip_prefix("${now")?.strip_suffix('}')?;
    match offset {
        "" => Some(now),
        "+duration" => Some(now + duration),
        _ => offset.parse::<f64>().ok().map(|offset| now + offset),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("${now}", Some(1000.5))]
    #[case("${now+900}", Some(1900.5))]
    #[case("${now-60}", Some(940.5))]
    #[case("${now+duration}", Some(4600.5))]
    #[case("${now+x}", None)]
    #[case("now", None)]
    fn a_time_is_an_offset_from_now(#[case] text: &str, #[case] expected: Option<f64>) {
        assert_eq!(time_of(text, 1000.5, 3600.0), expected);
    }
}
