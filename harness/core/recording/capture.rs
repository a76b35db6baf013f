//! Makes a recording from what went over the wire.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde_json::{Number, Value};

use super::format::{NumberShape, RecordedAnswer, RecordedBody, Shape, TextForm, TextShape};
use crate::contract::{Contract, Member, MemberKind, Structure};
use crate::corpus::{Call, ExpandedCase, ShownValue};
use crate::wire::{
    Exchange, Masker, Response, Secret, bare_type, error_type, is_password_name, mask_identities, may_hold_secret,
};

/// The most values of a body that are recorded.
const MOST_VALUES: usize = 2_000;

/// How deep a body is recorded. Its shape is twice as deep, and readers of JSON go down 128 levels.
const DEEPEST: usize = 24;

/// The most header fields that are recorded.
const MOST_FIELDS: usize = 64;

/// The members of an error that hold its name or its message.
const WORDS: [&str; 7] = ["__type", "code", "Code", "Type", "message", "Message", "errorMessage"];

/// The header fields whose values are recorded: they say what the body is.
const SAID: [&str; 3] = ["content-type", "content-encoding", "x-amzn-errortype"];

/// A point in time is recorded by its distance from the call if it is not farther away, in seconds: about 30 years.
const NEAR: f64 = 1e9;

/// Texts that are not longer may be recorded by their form.
const LONGEST_FORM: usize = 300;

/// Longer texts of a request are fillers, no names.
const LONGEST_NAME: usize = 1_000;

/// Why the answers to a case are not recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unrecordable {
    /// A call has no answer.
    NoAnswer,
    /// An answer gives more secrets than can be searched for.
    TooManySecrets,
    /// The scanner finds a secret at this place.
    Secret(String),
}

impl fmt::Display for Unrecordable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer => f.write_str("a call has no answer"),
            Self::TooManySecrets => f.write_str("the answer gives more secrets than can be searched for"),
            Self::Secret(at) => write!(f, "a secret would survive at {at}"),
        }
    }
}

/// What the answers to a case are recorded with.
#[derive(Clone, Copy, Debug)]
pub struct Capture<'a> {
    /// The contract, which says what members mean.
    pub contract: &'a Contract,
    /// The case.
    pub case: &'a ExpandedCase,
    /// Masks our credentials and every secret that the target has given.
    pub hidden: &'a Masker,
    /// The names of what the target has.
    pub names: &'a BTreeMap<String, String>,
}

impl Capture<'_> {
    /// The recorded answers to the calls of the case.
    ///
    /// # Errors
    /// When a call has no answer, or something secret would be in the recording.
    pub fn answers(&self, transcript: &[Exchange]) -> Result<Vec<RecordedAnswer>, Unrecordable> {
        if transcript.len() != self.case.calls.len() {
            return Err(Unrecordable::NoAnswer);
        }
        // A later answer may repeat a name or a secret of an earlier one, and the other way round.
        let mut masker = self.hidden.with(&self.names_of(transcript));
        for exchange in transcript {
            masker = masker.with_answer(exchange.answer.as_ref().map_err(|_| Unrecordable::NoAnswer)?);
        }
        if masker.is_closed() {
            return Err(Unrecordable::TooManySecrets);
        }
        let calls = self.case.calls.iter().zip(transcript);
        let answers: Vec<_> = calls.filter_map(|(call, exchange)| self.answer(call, exchange, &masker)).collect();
        match super::scan::survivor(&answers, &masker) {
            Some(place) => Err(Unrecordable::Secret(place)),
            None => Ok(answers),
        }
    }

    /// The names in the requests and of what the target has: nobody else should learn them, and some are new each time.
    fn names_of(&self, transcript: &[Exchange]) -> Vec<Secret> {
        fn texts(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::String(text) => found.push(text.clone()),
                Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
                Value::Object(members) => members.values().for_each(|member| texts(member, found)),
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
            }
        }
        let mut found: Vec<String> = self.names.values().cloned().collect();
        for exchange in transcript {
            if let Ok(body) = serde_json::from_slice(&exchange.request.body) {
                texts(&body, &mut found);
            }
        }
        found.retain(|name| !name.trim().is_empty() && name.len() <= LONGEST_NAME);
        found.sort();
        found.dedup();
        found.into_iter().map(Secret::from).collect()
    }

    fn answer(&self, call: &Call, exchange: &Exchange, masker: &Masker) -> Option<RecordedAnswer> {
        let response = exchange.answer.as_ref().ok()?;
        let error = error_type(response).filter(|_| response.status >= 300);
        let body = self.body(call, exchange, response, masker);
        Some(RecordedAnswer {
            status: response.status,
            error: error.map(|error| masker.quote(bare_type(&error))),
            headers: fields(response, masker),
            clock: response.date().map(|date| tens(seconds(date) - seconds(exchange.received_at))),
            body,
        })
    }

    fn body(&self, call: &Call, exchange: &Exchange, response: &Response, masker: &Masker) -> RecordedBody {
        // No shape tells that a mark stands before the JSON.
        if response.has_byte_order_mark() {
            return RecordedBody::Unread;
        }
        let Some(body) = response.json() else {
            return match std::str::from_utf8(&response.body) {
                _ if response.body.is_empty() => RecordedBody::Empty,
                _ if response.is_json_beyond_reading() => RecordedBody::Unread,
                Ok(text) => RecordedBody::Text(masker.quote(text)),
                Err(_) => {
                    let first = response.body.iter().take(2).map(|byte| format!("{byte:02x}"));
                    RecordedBody::Bytes(first.collect())
                }
            };
        };
        let success = response.status < 300;
        let operation = self.case.operation_of(call, self.contract);
        let error = error_type(response).and_then(|name| self.contract.service.errors.get(bare_type(&name)));
        let members = match (operation, error) {
            (Some(operation), _) if success => Some(&operation.response.members),
            (_, Some(error)) => Some(&error.members),
            _ => None,
        };
        let sent = serde_json::from_slice(&exchange.request.body).unwrap_or_default();
        let sketch = Sketch { contract: self.contract, call, masker, sent: &sent, now: seconds(exchange.received_at) };
        let words: &[&str] = if success { &[] } else { &WORDS };
        let mut left = MOST_VALUES;
        sketch.object_or_other(&body, members, words, &mut left).map_or(RecordedBody::Unread, RecordedBody::Json)
    }
}

/// The header fields of an answer by name.
fn fields(response: &Response, masker: &Masker) -> BTreeMap<String, Option<String>> {
    let field = |(name, value): (&str, &str)| {
        let name = name.to_ascii_lowercase();
        let value = SAID.contains(&name.as_str()).then(|| masker.quote(value));
        (masker.quote_name(&name), value)
    };
    let mut fields = BTreeMap::new();
    // The first field of a name is the one that is read.
    for (name, value) in response.headers.iter().take(MOST_FIELDS).map(field) {
        fields.entry(name).or_insert(value);
    }
    fields
}

/// A shape in the making.
struct Sketch<'a> {
    contract: &'a Contract,
    call: &'a Call,
    masker: &'a Masker,
    /// The body of the request.
    sent: &'a Value,
    /// The end of the call, in epoch seconds.
    now: f64,
}

/// Where a value stands: its JSON pointer, how deep it is, what the contract says of it, and whether its name says that
/// it is a secret.
#[derive(Clone, Copy)]
struct Place<'a> {
    at: &'a str,
    depth: usize,
    member: Option<&'a Member>,
    secret: bool,
}

/// An object: where it stands, what the contract says of its members, which of them are quoted, and whether a name above
/// them says that they are secrets.
#[derive(Clone, Copy)]
struct Inside<'a> {
    at: &'a str,
    depth: usize,
    members: Option<&'a BTreeMap<String, Member>>,
    words: &'a [&'a str],
    secret: bool,
}

impl Sketch<'_> {
    /// The shape of a body; `None` if it is too large or too deep. Texts whose names are in `words` are quoted.
    fn object_or_other(
        &self,
        body: &Value,
        members: Option<&BTreeMap<String, Member>>,
        words: &[&str],
        left: &mut usize,
    ) -> Option<Shape> {
        match body {
            Value::Object(found) => {
                self.object(found, Inside { at: "", depth: 0, members, words, secret: false }, left)
            }
            _ => self.value(body, Place { at: "", depth: 0, member: None, secret: false }, left),
        }
    }

    fn object(&self, found: &serde_json::Map<String, Value>, inside: Inside<'_>, left: &mut usize) -> Option<Shape> {
        let Inside { at, depth, members, words, secret } = inside;
        let mut shapes = BTreeMap::new();
        for (name, value) in found {
            let shape = match value {
                Value::String(text) if words.contains(&name.as_str()) => {
                    Shape::Text(TextShape { value: Some(self.masker.quote(text)), ..TextShape::default() })
                }
                _ => {
                    let at = format!("{at}/{name}");
                    let secret = secret || may_hold_secret(name) || is_password_name(name);
                    let member = members.and_then(|members| members.get(name));
                    self.value(value, Place { at: &at, depth: depth + 1, member, secret }, left)?
                }
            };
            shapes.insert(self.masker.quote_name(name), shape);
        }
        Some(Shape::Object(shapes))
    }

    fn value(&self, value: &Value, place: Place<'_>, left: &mut usize) -> Option<Shape> {
        *left = left.checked_sub(1).filter(|_| place.depth <= DEEPEST)?;
        let secret = place.secret || place.member.is_some_and(Member::is_sensitive);
        Some(match value {
            Value::Null => Shape::Null,
            Value::Bool(value) => Shape::Boolean(*value),
            Value::Number(number) => Shape::Number(self.number(number, place.member.filter(|_| !secret))),
            Value::String(text) => Shape::Text(self.text(text, place, secret)),
            Value::Array(items) => {
                let member = place.member.and_then(|member| member.items.as_deref());
                let place = Place { depth: place.depth + 1, member, secret, ..place };
                let shapes = items.iter().map(|item| self.value(item, place, left));
                let mut shapes = shapes.collect::<Option<Vec<_>>>()?;
                // Many lists are in the order of names, and some names are new each time.
                shapes.sort_by_cached_key(|shape| serde_json::to_string(shape).unwrap_or_default());
                Shape::List(shapes)
            }
            Value::Object(found) => {
                let shapes = &self.contract.service.shapes;
                let shape = place.member.and_then(|member| shapes.get(member.shape.as_ref()?));
                let members = shape.map(|Structure { members, .. }| members);
                let (at, depth) = (place.at, place.depth);
                self.object(found, Inside { at, depth, members, words: &[], secret }, left)?
            }
        })
    }

    fn number(&self, number: &Number, member: Option<&Member>) -> NumberShape {
        let shape = NumberShape { fraction: number.is_f64(), ..NumberShape::default() };
        let Some(member) = member else { return shape };
        let text = number.to_string();
        let is_known_secret = self.masker.mask(&text) != text;
        let after = number.as_f64().map(|at| at - self.now).filter(|after| after.abs() <= NEAR);
        match member.kind.is {
            _ if is_known_secret => shape,
            MemberKind::Timestamp if after.is_some() => NumberShape { after: after.map(tens), ..shape },
            MemberKind::Timestamp | MemberKind::Integer => NumberShape { value: Some(number.clone()), ..shape },
            _ => shape,
        }
    }

    fn text(&self, text: &str, place: Place<'_>, secret: bool) -> TextShape {
        let shape = TextShape { length: Some(text.chars().count()), ..TextShape::default() };
        let is_unseen = |character: char| character.is_whitespace() || character.is_control();
        if text.chars().all(is_unseen) {
            return TextShape { form: (!text.is_empty()).then_some(TextForm::Blank), ..shape };
        }
        if let Some(begins) = self.beginning(text, place.at) {
            return TextShape { begins: Some(begins.to_owned()), ..shape };
        }
        if secret {
            return shape;
        }
        if let Some(value) = self.public_value(text, place) {
            return TextShape { value: Some(value.to_owned()), ..TextShape::default() };
        }
        if let Some(sent) = self.pointer_sent(text) {
            return TextShape { sent: Some(sent), ..shape };
        }
        // Of a member that nobody knows, nobody knows whether it is a secret.
        let form = place.member.filter(|_| text.len() <= LONGEST_FORM).and_then(|_| self.form(text));
        TextShape { form, ..shape }
    }

    /// What the case asks the text at a place to begin with, if it does.
    fn beginning(&self, text: &str, at: &str) -> Option<&str> {
        let asked = self.call.shows.iter().filter(|shown| shown.at == at);
        let texts =
            asked.filter_map(|shown| if let ShownValue::Begins(texts) = &shown.has { Some(texts) } else { None });
        texts.flatten().find(|beginning| text.starts_with(beginning.as_str())).map(String::as_str)
    }

    /// The text, if everybody knows it: one of the values that the contract lists, or what the case asks for.
    fn public_value<'t>(&self, text: &'t str, place: Place<'_>) -> Option<&'t str> {
        let is_listed = || place.member?.values.as_ref().map(|values| values.is.iter().any(|value| value == text));
        let is_asked = || {
            let is_it = |has: &ShownValue| matches!(has, ShownValue::Is(value) if value.as_str() == Some(text));
            self.call.shows.iter().any(|shown| shown.at == place.at && is_it(&shown.has))
        };
        (is_listed() == Some(true) || is_asked()).then_some(text).filter(|text| self.masker.mask(text) == *text)
    }

    /// The member of the request that has the same text.
    fn pointer_sent(&self, text: &str) -> Option<String> {
        let mut members = self.sent.as_object()?.iter();
        let name = members.find(|(_, value)| value.as_str() == Some(text)).map(|(name, _)| name)?;
        Some(format!("/{name}")).filter(|at| !at[1..].contains(['/', '~']))
    }

    fn form(&self, text: &str) -> Option<TextForm> {
        if text.len() >= 20 && text.parse::<Timestamp>().is_ok() {
            let zeros = |character: char| if character.is_ascii_digit() { '0' } else { character };
            return Some(TextForm::Time(text.chars().map(zeros).collect()));
        }
        if text.starts_with("arn:") {
            let masked = mask_identities(text).into_owned();
            let is_clean = masked.starts_with("arn:") && self.masker.mask_escaped(&masked) == masked;
            return is_clean.then_some(TextForm::Arn(masked));
        }
        let is_joint = |byte: u8| b".-:".contains(&byte);
        let is_name = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || is_joint(byte));
        let has_joints = text.bytes().any(is_joint);
        let crossed_out = |character: char| if character.is_ascii_alphanumeric() { 'x' } else { character };
        (is_name && has_joints).then(|| TextForm::Name(text.chars().map(crossed_out).collect()))
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

/// Seconds rounded to tens: no two calls take the same time.
#[expect(clippy::cast_possible_truncation, reason = "a cast takes the nearest number that there is")]
fn tens(seconds: f64) -> i64 {
    (seconds / 10.0).round() as i64 * 10
}
