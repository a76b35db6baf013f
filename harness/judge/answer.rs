use std::cell::OnceCell;
use std::collections::BTreeSet;

use serde_json::Value;

use super::rules::guess;
use crate::contract::{Contract, ErrorMeaning, Operation};
use crate::corpus::{Call, ExpandedCase};
use crate::text::cut;
use crate::verdict::{AnswerSummary, Markup};
use crate::wire::{Exchange, Masker, Response, bare_type, error_types};

/// Everything that the rules look at in one call and its answer.
pub(super) struct Observation<'a> {
    pub(super) case: &'a ExpandedCase,
    pub(super) call: &'a Call,
    pub(super) operation: &'a Operation,
    pub(super) exchange: &'a Exchange,
    pub(super) response: &'a Response,
    pub(super) contract: &'a Contract,
    /// The answers to the calls of the case before this one.
    pub(super) earlier: &'a [Exchange],
    /// The body; `None` if it is not JSON, or cannot be read here.
    pub(super) body: Option<Value>,
    /// The error's name without namespace and URI; `None` if the answer has none.
    pub(super) error: Option<String>,
    /// Masks our own secrets. `masker` masks those of the answer too; it is made when something is first quoted.
    hidden: &'a Masker,
    masker: OnceCell<Masker>,
}

/// A case, the contract that it is judged by, and the masker of our own secrets.
#[derive(Clone, Copy)]
pub(super) struct JudgedCase<'a> {
    pub(super) case: &'a ExpandedCase,
    pub(super) contract: &'a Contract,
    pub(super) hidden: &'a Masker,
}

impl<'a> Observation<'a> {
    /// The observation of one call of a case and its answer; `earlier` are the exchanges before it. `None` if the
    /// contract does not have the call's operation.
    pub(super) fn new(
        context: JudgedCase<'a>,
        call: &'a Call,
        exchange: &'a Exchange,
        response: &'a Response,
        earlier: &'a [Exchange],
    ) -> Option<Self> {
        let JudgedCase { case, contract, hidden } = context;
        let operation = case.operation_of(call, contract)?;
        let body = response.json();
        let expected = |name: &&str| call.expect.answers().iter().any(|answer| answer.error.as_deref() == Some(*name));
        let names = || error_types(response, body.as_ref()).map(|(_, text)| bare_type(text));
        // An answer may give several names; it is enough that one of them is expected.
        let name = if response.status >= 300 { names().find(expected).or_else(|| names().next()) } else { None };
        let error = name.map(str::to_owned);
        let masker = OnceCell::new();
        Some(Self { case, call, operation, exchange, response, contract, earlier, body, error, hidden, masker })
    }

    pub(super) fn status(&self) -> u16 {
        self.response.status
    }

    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status())
    }

    /// The error's name and documented status; `None` if the operation does not list the error.
    pub(super) fn documented_error(&self) -> Option<(&'a str, u16)> {
        let (name, _) = self.operation.errors.get_key_value(self.error.as_deref()?)?;
        Some((name, self.contract.service.errors.get(name)?.status.is))
    }

    /// The documented error that the answer gives under a name common to all services; `None` unless it has the
    /// documented status. Nothing else is documented about an error with such a name.
    pub(super) fn error_with_common_name(&self) -> Option<&'a str> {
        let (name, shape) = self.contract.service.error_with_common_name(self.error.as_deref()?)?;
        (shape.status.is == self.status() && self.operation.errors.contains_key(name)).then_some(name)
    }

    /// Whether a name that is common to all services means the same as one of the operation's own.
    pub(super) fn is_common_name_for(&self, name: &str, own: &str) -> bool {
        self.contract.service.error_with_common_name(name).is_some_and(|(meant, _)| meant == own)
    }

    /// The operation's own error for an invalid request; `None` if it lists none.
    pub(super) fn invalid(&self) -> Option<&'a str> {
        let (name, _) = self.contract.service.error_that_means(ErrorMeaning::Invalid)?;
        self.operation.errors.contains_key(name).then_some(name)
    }

    /// The answer in short, with the error's message quoted.
    pub(super) fn summary(&self) -> AnswerSummary {
        AnswerSummary {
            status: self.status(),
            error: self.error.as_ref().map(|error| self.quote(error)),
            message: self.message().map(|message| self.quote(message)),
        }
    }

    pub(super) fn member(&self, name: &str) -> Option<&Value> {
        self.body.as_ref()?.get(name)
    }

    /// The error's message, under any of the names that servers give it.
    pub(super) fn message(&self) -> Option<&str> {
        let mut names = ["message", "Message", "errorMessage"].into_iter().filter(|_| !self.is_success());
        names.find_map(|name| self.member(name)?.as_str())
    }

    /// The value that the request has for a member. As the service reads it, `null` is the same as an absent member.
    pub(super) fn requested_value(&self, member: &str) -> Option<Value> {
        let sent: Value = serde_json::from_slice(&self.exchange.request.body).ok()?;
        sent.get(member).filter(|value| !value.is_null()).cloned()
    }

    /// The target's own words, ready for a report: every secret that the answer holds is masked.
    pub(super) fn quote(&self, text: &str) -> String {
        self.masker().quote(text)
    }

    pub(super) fn quote_name(&self, name: &str) -> String {
        self.masker().quote_name(name)
    }

    fn masker(&self) -> &Masker {
        self.masker.get_or_init(|| self.hidden.with_answer(self.response))
    }
}

/// The most characters of a shape, with the words quoted in it; a `…` marks a cut.
pub const SHAPE_LIMIT: usize = 4_000;

/// The shape of an answer's body without its values: `{name: string, count: number}`. `body` is the body as JSON,
/// `None` if it is not JSON. Names that a target makes up are quoted. An object shows at most 40 members, and the shape
/// has at most [`SHAPE_LIMIT`] characters.
pub fn shape(response: &Response, body: Option<&Value>, masker: &Masker) -> String {
    match body {
        Some(body) => shape_of(body, masker, &[]),
        None if response.body.is_empty() => "empty".to_owned(),
        None if response.is_json_beyond_reading() => "JSON beyond what is read here".to_owned(),
        None => "not JSON".to_owned(),
    }
}

/// The [`shape`] of an answer's body. For an error, its name and message are quoted, and so is a body that is not JSON.
/// For a success it is the shape alone.
pub fn words_and_shape(response: &Response, body: Option<&Value>, masker: &Masker) -> String {
    const WORDS: [&str; 7] = ["__type", "code", "Code", "Type", "message", "Message", "errorMessage"];
    match body {
        _ if response.status < 300 => shape(response, body, masker),
        Some(body) => shape_of(body, masker, &WORDS),
        None if response.body.is_empty() => "empty".to_owned(),
        None if response.is_json_beyond_reading() => "JSON beyond what is read here".to_owned(),
        // What is compressed has no words, and its secrets cannot be masked.
        None if guess::of_body(response).is_some_and(Markup::is_compressed) => "not JSON".to_owned(),
        None => masker.quote(&String::from_utf8_lossy(&response.body)),
    }
}

/// The shape of a body. Strings at its top level whose names are in `words` are quoted.
fn shape_of(body: &Value, masker: &Masker, words: &[&str]) -> String {
    let shape = Sketch { masker, values: Sketch::VALUES, room: SHAPE_LIMIT }.of(body, words);
    cut(&shape, SHAPE_LIMIT).into_owned()
}

/// A shape in the making, and what is left of its bounds. Nested lists may hold more values than a report can show.
struct Sketch<'a> {
    masker: &'a Masker,
    /// How many more values are looked at.
    values: usize,
    /// About how many more bytes fit.
    room: usize,
}

impl Sketch<'_> {
    /// The most values of a body that are looked at.
    const VALUES: usize = 1_000;

    /// The most members of an object that are shown, and the most items of a list that are looked at.
    const MOST: usize = 40;

    /// About how many bytes stand around a name: the type of its value, and the separators.
    const AROUND: usize = 10;

    fn is_full(&self) -> bool {
        self.values == 0 || self.room == 0
    }

    fn quoted(&mut self, text: String) -> String {
        self.room = self.room.saturating_sub(text.len() + Self::AROUND);
        text
    }

    fn of(&mut self, value: &Value, words: &[&str]) -> String {
        if self.is_full() {
            return "…".to_owned();
        }
        self.values -= 1;
        match value {
            Value::Null => "null".to_owned(),
            Value::Bool(_) => "boolean".to_owned(),
            Value::Number(_) => "number".to_owned(),
            Value::String(_) => "string".to_owned(),
            Value::Array(items) => {
                let shapes: BTreeSet<_> = items.iter().take(Self::MOST).map(|item| self.of(item, &[])).collect();
                format!("[{}]", shapes.into_iter().collect::<Vec<_>>().join(", "))
            }
            Value::Object(members) => {
                let mut shapes = Vec::new();
                for (name, member) in members {
                    if shapes.len() == Self::MOST || self.is_full() {
                        shapes.push("…".to_owned());
                        break;
                    }
                    let quoted_name = self.quoted(self.masker.quote_name(name));
                    let member = match member {
                        Value::String(text) if words.contains(&name.as_str()) => {
                            format!("\"{}\"", self.quoted(self.masker.quote(text)))
                        }
                        _ => self.of(member, &[]),
                    };
                    shapes.push(format!("{quoted_name}: {member}"));
                }
                format!("{{{}}}", shapes.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::contract::Fixtures;
    use crate::wire::Headers;

    fn response(status: u16, body: impl Into<Vec<u8>>) -> Response {
        Response { status, headers: Headers::new(), body: body.into() }
    }

    #[test]
    fn a_shape_has_names_and_types_and_no_values() {
        let body = r#"{"dbPassword":"CANARY","expiration":1.5,"x":[1,"CANARY",null],"y":{"z":true}}"#;
        let response = response(200, body);
        assert_eq!(
            shape(&response, response.json().as_ref(), &Masker::default()),
            "{dbPassword: string, expiration: number, x: [null, number, string], y: {z: boolean}}"
        );
    }

    #[test]
    fn every_name_of_the_contract_is_shown_whatever_the_password_is() {
        let contract = Contract::load(&Fixtures::Embedded).expect("the contract loads");
        let errors = &contract.service.errors;
        let structures = contract.operations.values().flat_map(|operation| [&operation.request, &operation.response]);
        let members = structures.flat_map(|shape| shape.members.keys());
        let of_errors = errors.values().flat_map(|shape| shape.members.keys());
        for name in members.chain(of_errors).chain(errors.keys()) {
            let masker = Masker::new([name.clone(), name.to_lowercase(), name[1..].to_owned()]);
            assert_eq!(masker.quote_name(name), *name);
            // In a sentence, one short word may be a password.
            let is_short_word = name.len() <= 7 && name.bytes().all(|byte| byte.is_ascii_lowercase());
            assert!(masker.quote(name) == *name || is_short_word, "{name}");
        }
    }

    fn nested(levels: usize, width: usize) -> String {
        (0..levels).fold("0".to_owned(), |inner, level| {
            let members: Vec<_> = (0..width).map(|number| format!(r#""n{level}x{number}":{inner}"#)).collect();
            format!("{{{}}}", members.join(","))
        })
    }

    #[rstest]
    #[case::members_in_members(nested(3, 24))]
    #[case::lists_in_lists((0..3).fold("0".to_owned(), |inner, _| format!("[{}]", vec![inner; 40].join(","))))]
    #[case::deep(format!("{}0{}", r#"{"a":["#.repeat(60), "]}".repeat(60)))]
    #[case::long_names(format!("{{{}}}", (0..40).map(|n| format!(r#""{n} {}":0"#, "é ".repeat(9_000))).collect::<Vec<_>>().join(",")))]
    #[case::names_to_escape(format!("{{{}}}", (0..40).map(|n| format!(r#""{n}{}":0"#, "\u{e0001}".repeat(5_000))).collect::<Vec<_>>().join(",")))]
    #[case::one_letter(format!(r#"{{"message":"{}"}}"#, "a".repeat(1 << 20)))]
    fn a_shape_is_bounded_whatever_the_body(#[case] body: String, #[values(200, 400)] status: u16) {
        let response = response(status, body);
        let body = response.json();
        let shape = words_and_shape(&response, body.as_ref(), &Masker::default().with_answer(&response));
        assert!(body.is_some() && shape.chars().count() <= SHAPE_LIMIT + 1, "{} characters", shape.chars().count());
    }

    #[test]
    fn what_is_left_out_of_a_shape_is_marked() {
        let body = nested(2, 41);
        let response = response(200, body);
        let shape = shape(&response, response.json().as_ref(), &Masker::default());
        assert!(shape.starts_with("{n1x0: {n0x0: number, ") && shape.ends_with("…}"), "{shape}");
        assert!(shape.contains("n0x8: number, …}, n1x1: {"), "{shape}");
    }

    #[rstest]
    #[case::members(nested(3, 38))]
    #[case::items((0..3).fold("0".to_owned(), |inner, _| format!("[{}]", vec![inner; 60].join(","))))]
    fn no_more_values_are_looked_at_than_there_is_room_for(#[case] body: String) {
        let body: Value = serde_json::from_str(&body).expect("it is JSON");
        let masker = Masker::default();
        let mut sketch = Sketch { masker: &masker, values: Sketch::VALUES, room: SHAPE_LIMIT };
        sketch.of(&body, &[]);
        assert!(sketch.is_full(), "{} values and {} bytes left", sketch.values, sketch.room);
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
    #[case::compressed(400, b"\x1f\x8bCANARY", "not JSON")]
    #[case::beyond_reading(400, r#"{"message":"CANARY","code":1e400}"#, "JSON beyond what is read here")]
    fn an_error_is_shown_with_its_own_words(
        #[case] status: u16,
        #[case] body: impl AsRef<[u8]>,
        #[case] expected: &str,
    ) {
        let response = response(status, body.as_ref());
        let body = response.json();
        assert_eq!(words_and_shape(&response, body.as_ref(), &Masker::default().with_answer(&response)), expected);
    }
}
