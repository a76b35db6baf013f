//! Makes an answer of a recorded shape again.
//!
//! What was not recorded is made up: a text of the recorded length, a time as far from now as it was from the call. No
//! two texts of an answer are the same, so that nothing repeats what did not.

use serde_json::{Map, Number, Value};

use super::format::{NumberShape, RecordedAnswer, RecordedBody, Shape, TextForm, TextShape};
use crate::corpus::sendable::flaw_of_field;
use crate::wire::{Headers, Response};

/// What stands where a recording has a mask.
const MASK: &str = "***";

/// A time that a made-up text has.
const SOME_TIME: &str = "2026-01-02T03:04:05";

/// An id of a request that nobody has given.
const SOME_ID: &str = "00000000-0000-0000-0000-000000000000";

/// The largest text that is made up, in characters.
const LONGEST: usize = 1 << 20;

/// An answer as it was recorded, to a request with this body. `now` is in epoch seconds; `distinct` makes the texts of
/// this answer differ from those of others. The caller adds the `Date`.
pub fn replay(answer: &RecordedAnswer, request: &[u8], now: f64, distinct: u64) -> Response {
    let sent = serde_json::from_slice(request).unwrap_or_default();
    let body = match &answer.body {
        RecordedBody::Empty | RecordedBody::Unread => Vec::new(),
        RecordedBody::Json(shape) => {
            let mut made = Made { sent: &sent, now, number: distinct.wrapping_mul(1 << 20), room: LONGEST };
            made.value(shape).to_string().into_bytes()
        }
        RecordedBody::Text(text) => text.clone().into_bytes(),
        // These bytes are no text, and neither is what follows.
        RecordedBody::Bytes(first) => {
            let pairs = first.as_bytes().chunks_exact(2).filter_map(|pair| std::str::from_utf8(pair).ok());
            pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).chain([0xff; 16]).collect()
        }
    };
    Response { status: answer.status, headers: fields(answer), body }
}

/// The recorded header fields. Those that say how the bytes go over the wire are the server's own.
fn fields(answer: &RecordedAnswer) -> Headers {
    const OWN: [&str; 6] = ["content-length", "transfer-encoding", "connection", "keep-alive", "date", "trailer"];
    let recorded = answer.headers.iter().filter(|(name, _)| !OWN.contains(&name.as_str()));
    let field = |(name, value): (&String, &Option<String>)| {
        let is_id = || name.ends_with("requestid") || name.ends_with("request-id");
        let value = value.clone().or_else(|| is_id().then(|| SOME_ID.to_owned()))?;
        flaw_of_field(name, &value).is_none().then(|| (name.clone(), value))
    };
    recorded.filter_map(field).collect()
}

struct Made<'a> {
    /// The body of the request.
    sent: &'a Value,
    now: f64,
    /// How many texts were made up before.
    number: u64,
    /// How many more characters are made up.
    room: usize,
}

impl Made<'_> {
    fn value(&mut self, shape: &Shape) -> Value {
        match shape {
            Shape::Null => Value::Null,
            Shape::Boolean(value) => Value::Bool(*value),
            Shape::Number(number) => Value::Number(self.number(number)),
            Shape::Text(text) => Value::String(self.text(text)),
            Shape::List(items) => items.iter().map(|item| self.value(item)).collect(),
            Shape::Object(members) => {
                let members = members.iter().map(|(name, member)| (name.clone(), self.value(member)));
                Value::Object(members.collect::<Map<_, _>>())
            }
        }
    }

    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "times are far below the limits")]
    fn number(&self, number: &NumberShape) -> Number {
        let fraction = |value: f64| Number::from_f64(value).unwrap_or_else(|| 1.into());
        match (&number.value, number.after) {
            (Some(value), _) => value.clone(),
            (None, Some(after)) if number.fraction => fraction(self.now + after as f64),
            (None, Some(after)) => (self.now as i64).saturating_add(after).into(),
            (None, None) if number.fraction => fraction(1.5),
            (None, None) => 1.into(),
        }
    }

    fn text(&mut self, text: &TextShape) -> String {
        if let Some(value) = &text.value {
            return value.clone();
        }
        let sent = text.sent.as_ref().and_then(|at| self.sent.pointer(at)).and_then(Value::as_str);
        if let Some(sent) = sent {
            return sent.to_owned();
        }
        let length = text.length.unwrap_or_default();
        match &text.form {
            Some(TextForm::Blank) => " ".repeat(length.min(LONGEST)),
            Some(TextForm::Time(form)) => time(form),
            Some(TextForm::Arn(form)) => self.arn(form, length),
            Some(TextForm::Name(form)) => {
                let word = self.word(form.chars().count());
                let mut letters = word.chars();
                form.chars().map(|c| if c == 'x' { letters.next().unwrap_or('x') } else { c }).collect()
            }
            None => {
                let begins = text.begins.clone().unwrap_or_default();
                let rest = length.saturating_sub(begins.chars().count());
                begins + &self.word(rest)
            }
        }
    }

    /// A word of small letters that no other text of this answer has, if it is long enough for that.
    fn word(&mut self, length: usize) -> String {
        let length = length.min(self.room);
        self.room -= length;
        self.number += 1;
        let mut rest = self.number;
        let letter = |_| {
            let letter = char::from(b'a' + u8::try_from(rest % 26).unwrap_or_default());
            rest /= 26;
            letter
        };
        (0..length).map(letter).collect()
    }

    /// An ARN with an account of zeros, as long as the recorded one.
    fn arn(&mut self, form: &str, length: usize) -> String {
        let mut parts: Vec<String> = form.splitn(6, ':').map(str::to_owned).collect();
        if let Some(account) = parts.get_mut(4).filter(|account| *account == MASK) {
            "000000000000".clone_into(account);
        }
        let arn = parts.join(":");
        let known = arn.replace(MASK, "").chars().count();
        let name = self.word(length.saturating_sub(known).max(1));
        arn.replacen(MASK, &name, 1).replace(MASK, "x")
    }
}

/// A time in a form such as `0000-00-00T00:00:00.000Z`.
fn time(form: &str) -> String {
    match form.get(SOME_TIME.len()..) {
        Some(rest) => format!("{SOME_TIME}{rest}"),
        None => SOME_TIME.to_owned(),
    }
}
