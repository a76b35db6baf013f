use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::contract::{Feature, Holds, Operation, Side, Status};

/// A file of cases on one topic.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// The JSON Schema of this file, for editors.
    #[serde(rename = "$schema", default)]
    pub schema: Option<String>,
    /// The version of this format: 1.
    pub version: u32,
    /// The suite's name: the file's, which is also the first part of every case id, and need not be said.
    #[serde(default)]
    pub suite: Option<String>,
    /// The operation that the cases call.
    pub operation: String,
    /// Who is under test: the folder says it, and it need not be said.
    #[serde(default)]
    pub side: Option<Side>,
    /// The cases.
    pub cases: Vec<Case>,
}

/// One request and its expectation, citing the requirements that it decides.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// `<suite>/<name>`, in kebab-case.
    pub id: String,
    /// What is claimed, as a sentence.
    pub title: String,
    /// The requirements that the outcome decides; the judge's rules decide theirs on every answer.
    pub requirements: Vec<String>,
    /// The features that a target must claim, beside `core`.
    #[serde(default)]
    pub needs: Vec<Feature>,
    /// The accepted request from which this one differs in exactly one place.
    pub control: Option<Control>,
    /// What a request that may be refused breaks: a JSON Schema keyword of the request's schema,
    /// `prose` where only the documents' prose forbids it, `protocol` where the protocol does, `state`
    /// where it depends on what the target has.
    #[serde(default)]
    pub breaks: Option<String>,
    /// The request; not with `steps`.
    pub request: Option<RequestSpec>,
    /// One case for each of many values.
    pub family: Option<Family>,
    /// What is expected of the answer; a success where it is not said. Not with `steps`.
    pub expect: Option<Expect>,
    /// Named checks beyond the rules that apply to every answer.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// The name of the reply that the mock gives; not with `steps`.
    #[serde(default)]
    pub reply: Option<String>,
    /// Calls that must succeed before; if one does not, the case is `blocked`. What they make is deleted afterwards in
    /// any case, without a word in `teardown`.
    #[serde(default)]
    pub setup: Vec<Call>,
    /// Several steps, one after the other, each with its own expectation.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// Whether the steps are made at the same time instead, as far as `--jobs` allows.
    #[serde(default)]
    pub together: bool,
    /// Calls that are made afterwards in any case, before what was made is deleted.
    #[serde(default)]
    pub teardown: Vec<Call>,
    /// From which to which revision of the documents it holds, where its requirements and features do not say it.
    #[serde(default)]
    pub holds: Holds,
    /// Its index in the file.
    #[serde(skip)]
    pub place: usize,
}

/// One call of a case that makes several.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// A name, by which later requests take texts from the answer: `${steps.NAME/pointer}`.
    #[serde(default)]
    pub name: Option<String>,
    /// The request.
    pub request: RequestSpec,
    /// What is expected of the answer; a success where it is not said.
    #[serde(default)]
    pub expect: Expect,
    /// The requirements of the case that its outcome decides; all of them where it is not said. Where there are none,
    /// the call only leads to the next one: if it is not answered as expected, the case is `blocked`.
    #[serde(default)]
    pub decides: Option<Vec<String>>,
    /// Until when the call is repeated.
    #[serde(default)]
    pub until: Option<Until>,
    /// The name of the reply that the mock gives.
    #[serde(default)]
    pub reply: Option<String>,
    /// What a success shows, each item deciding its own requirement.
    #[serde(default)]
    pub shows: Vec<Shown>,
}

impl Call {
    /// A call of which nothing is said but its request and what is expected.
    pub fn of(request: RequestSpec, expect: Expect) -> Self {
        Self { request, expect, ..Self::default() }
    }

    /// Whether its answer is judged: it decides a requirement.
    pub fn is_judged(&self) -> bool {
        self.decides.as_ref().is_none_or(|decides| !decides.is_empty())
    }
}

/// What a success shows of what was sent or answered before. A member that is not there shows nothing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// The requirement of the case that this decides, and nothing else does.
    pub decides: String,
    /// The JSON pointer of the member. A part `*` stands for the items of a list, of which one has the value.
    pub at: String,
    /// The value that it has.
    pub has: ShownValue,
}

/// The value that an answer shows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ShownValue {
    /// This value.
    Is(Value),
    /// A text that begins with one of these.
    Begins(Vec<String>),
    /// What this request, or else the last one before it that has the member, has at this JSON pointer.
    Sent(String),
    /// The same of what no item of the list has.
    NotSent(String),
    /// What the answer to an earlier step has: `NAME/pointer`.
    Answered(String),
}

/// A call is repeated until a member of its answer has a value.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Until {
    /// The JSON pointer of the member in the answer.
    pub at: String,
    /// The text that it must have. A success without the member is waited for only if the call expects a refusal.
    pub is: String,
    /// For how long the call is repeated. If the member does not have the value by then, the case is `blocked`.
    pub within_seconds: u32,
}

impl Until {
    /// Whether the member of an answer's body has the value; `None` if the body has no such member.
    pub fn is_met(&self, body: Option<&Value>) -> Option<bool> {
        let member = body.and_then(|body| body.pointer(&self.at))?;
        Some(member.as_str() == Some(&self.is))
    }
}

/// One step of a case that takes several: a call, a log-in to the database, a statement on an open log-in, or a move of
/// the target's clock. Exactly one of `request`, `login`, `query` and `clock` says which.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "StepForm")]
pub enum Step {
    /// A call of an operation.
    Call(Box<Call>),
    /// What is done at the database or at the clock.
    Other(Box<OtherStep>),
}

/// A step that is no call of an operation.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
pub struct OtherStep {
    /// Its name: of a log-in, the one by which queries call it.
    pub name: Option<String>,
    /// The requirements of the case that its outcome decides, as for a call.
    pub decides: Option<Vec<String>>,
    /// What is done.
    pub act: Act,
}

impl OtherStep {
    /// Whether its outcome is judged: it decides a requirement.
    pub fn is_judged(&self) -> bool {
        !matches!(self.act, Act::Clock(_)) && self.decides.as_ref().is_none_or(|decides| !decides.is_empty())
    }
}

impl OtherStep {
    /// The texts that may have placeholders.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        let texts: Vec<&str> = match &self.act {
            Act::Login(Login { user, password, database, .. }) => vec![user, password, database],
            Act::Query(Query { sql, answers, .. }) => answers.iter().chain([sql]).map(String::as_str).collect(),
            Act::Clock(_) => Vec::new(),
        };
        texts.into_iter()
    }
}

/// What a step does that is no call of an operation.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
pub enum Act {
    /// A log-in to the database. It stays open until the case ends.
    Login(Login),
    /// A statement on an open log-in.
    Query(Query),
    /// A move of the target's clock.
    Clock(ClockMove),
}

/// A log-in to the target's database.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The user, such as `${steps.fresh/dbUser}`.
    pub user: String,
    /// The password, such as `${steps.fresh/dbPassword}`.
    pub password: String,
    /// What is done to the password before it is used.
    #[serde(default)]
    pub changed: Option<PasswordChange>,
    /// The database, such as `${database}`.
    pub database: String,
    /// Whether the log-in must be refused; it must be accepted unless this is true.
    #[serde(default)]
    pub refused: bool,
}

/// How a password is changed before it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PasswordChange {
    /// Its last character is left out.
    Truncated,
    /// Nothing of it is left.
    Empty,
    /// Its last character is another one.
    OtherEnd,
}

/// A statement on an open log-in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// The name of the step that logged in.
    pub on: String,
    /// The statement.
    pub sql: String,
    /// The text in the first column of the first row; nothing where any answer will do.
    #[serde(default)]
    pub answers: Option<String>,
    /// Whether letter case does not matter in that text: a database may fold names.
    #[serde(default)]
    pub folded: bool,
    /// Whether the statement must be refused; it must be accepted unless this is true.
    #[serde(default)]
    pub refused: bool,
}

/// A move of the target's clock.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClockMove {
    /// How far ahead it is moved.
    pub advance_seconds: u32,
}

/// How a step is written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Step")]
struct StepForm {
    /// A name, by which later steps take texts from the answer, `${steps.NAME/pointer}`, or call the log-in.
    name: Option<String>,
    /// The request of a call.
    request: Option<RequestSpec>,
    /// What is expected of the answer to a call; a success where it is not said.
    expect: Option<Expect>,
    /// The requirements of the case that the outcome decides; all of them where it is not said. Where there are none,
    /// the step only leads to the next one: if it does not go as expected, the case is `blocked`.
    decides: Option<Vec<String>>,
    /// Until when a call is repeated.
    until: Option<Until>,
    /// The name of the reply that the mock gives to a call.
    reply: Option<String>,
    /// What a success of a call shows, each item deciding its own requirement.
    shows: Vec<Shown>,
    /// A log-in to the database.
    login: Option<Login>,
    /// A statement on an open log-in.
    query: Option<Query>,
    /// A move of the target's clock.
    clock: Option<ClockMove>,
}

impl TryFrom<StepForm> for Step {
    type Error = &'static str;

    fn try_from(form: StepForm) -> Result<Self, Self::Error> {
        let StepForm { name, request, expect, decides, until, reply, shows, login, query, clock } = form;
        let is_call = request.is_some();
        let of_call = expect.is_some() || until.is_some() || reply.is_some() || !shows.is_empty();
        let acts = [login.map(Act::Login), query.map(Act::Query), clock.map(Act::Clock)];
        match (request, acts) {
            (Some(request), [None, None, None]) => {
                let expect = expect.unwrap_or_default();
                Ok(Self::Call(Box::new(Call { name, request, expect, decides, until, reply, shows })))
            }
            (None, [Some(act), None, None] | [None, Some(act), None] | [None, None, Some(act)]) if !of_call => {
                Ok(Self::Other(Box::new(OtherStep { name, decides, act })))
            }
            _ if of_call && !is_call => {
                Err("\"expect\", \"until\", \"reply\" and \"shows\" stand beside a \"request\" only")
            }
            _ => Err("expected one of \"request\", \"login\", \"query\" and \"clock\""),
        }
    }
}

/// The control of a case: the request that must be accepted for a refusal to mean anything.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// The id of the control.
    pub case: String,
    /// The one place that differs: a JSON pointer into `request.input`, or into `request.raw` for a
    /// case that has one.
    pub differs_at: String,
}

/// One case per value, each put at the same place of the request.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// The place: a JSON pointer into `request.input`, or into `request.raw` for a case that has one.
    pub at: String,
    /// Values that name themselves: numbers, words, short names.
    #[serde(default)]
    #[schemars(with = "Vec<serde_json::Value>")]
    pub values: Vec<Box<RawValue>>,
    /// Values with a name for each, which becomes the last part of the case's id.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub named: BTreeMap<String, Box<RawValue>>,
}

/// A request: the documented call with this input, and what is deliberately different about it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RequestSpec {
    /// The operation, where it is not the suite's.
    pub operation: Option<String>,
    /// Who calls, where it is not the caller of all other requests.
    pub caller: Option<Caller>,
    /// The members of the request body.
    pub input: Input,
    /// What goes over the wire instead of the documented form.
    pub raw: Option<RawRequest>,
}

/// Who makes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Caller {
    /// Somebody whom a policy denies it.
    Denied,
}

impl RequestSpec {
    /// A request with one member, a text.
    ///
    /// # Panics
    /// Never: a text is JSON.
    pub fn with(member: &str, text: &str) -> Self {
        let mut spec = Self::default();
        let value = serde_json::value::to_raw_value(text).expect("a text is JSON");
        spec.input.set(member, value);
        spec
    }

    /// The texts that may have placeholders.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        let raw = self.raw.iter();
        let raw = raw.flat_map(|raw| raw.body.iter().chain(&raw.path).chain(raw.headers.values().flatten()));
        raw.cloned().chain([self.input.to_json()])
    }

    /// The same request with this fault in its signature.
    #[must_use]
    pub fn signed_with(&self, defect: SigningDefect) -> Self {
        let raw = RawRequest { signing: Some(defect), ..self.raw.clone().unwrap_or_default() };
        Self { raw: Some(raw), ..self.clone() }
    }
}

/// Departures from the documented form of a request; what is not given stays as documented.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[serde(rename = "Raw")]
pub struct RawRequest {
    /// The method instead of `POST`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The path and query instead of `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Headers by name, in small letters; `null` leaves a header out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Option<String>>,
    /// The exact body text instead of the input as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// How the body becomes bytes, instead of UTF-8; of one place with the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// What is wrong with the signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing: Option<SigningDefect>,
}

/// An encoding of text that the protocol does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// ISO 8859-1: each character up to U+00FF as the byte of its number, so that any byte can be written.
    Latin1,
    /// UTF-16, the lower byte first, behind a byte order mark.
    Utf16,
}

impl Encoding {
    /// The bytes of a text; `None` where the encoding lacks one of its characters.
    pub fn bytes(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Latin1 => text.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect(),
            Self::Utf16 => {
                let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
                Some(units.flat_map(u16::to_le_bytes).collect())
            }
        }
    }
}

/// A deliberate fault in the signature of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SigningDefect {
    /// No `Authorization` header at all.
    Unsigned,
    /// An `Authorization` header with another scheme.
    WrongScheme,
    /// An `Authorization` header without its `Signature` field.
    NoSignature,
    /// An `Authorization` header without its `SignedHeaders` field.
    NoSignedHeaders,
    /// An `Authorization` header whose `Credential` lacks the region.
    ShortScope,
    /// An access key id that nobody has.
    UnknownKey,
    /// Signed with another secret.
    WrongSecret,
    /// The last character of the signature is another one.
    ChangedSignature,
    /// Signed for another region.
    WrongRegion,
    /// Signed for another service.
    WrongService,
    /// Signed with a date one hour ago.
    StaleDate,
    /// Signed with a date one hour ahead.
    FutureDate,
    /// The body has one blank more than what was signed.
    ChangedBody,
    /// The signed `X-Amz-Target` is another one than the one sent.
    ChangedTarget,
}

/// What is expected of an answer: one answer, or any of several.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "ExpectForm")]
pub struct Expect {
    answers: Vec<AcceptedAnswer>,
}

impl Expect {
    /// This expectation; where it has no answers, that the operation succeeds.
    pub(super) fn or_success_of(&self, operation: &Operation) -> Self {
        if !self.answers.is_empty() {
            return self.clone();
        }
        let (status, schema) = (Status::Code(operation.status.is), Some(operation.response.name.clone()));
        Self { answers: vec![AcceptedAnswer { status, error: None, schema }] }
    }

    /// This expectation; where it has no answers, any success.
    pub(super) fn or_any_success(&self) -> Self {
        if !self.answers.is_empty() {
            return self.clone();
        }
        Self { answers: vec![AcceptedAnswer { status: Status::Class(2), error: None, schema: None }] }
    }

    /// The accepted answers; at least one.
    pub fn answers(&self) -> &[AcceptedAnswer] {
        &self.answers
    }

    /// Whether every accepted answer is a success.
    pub fn is_positive(&self) -> bool {
        self.answers.iter().all(AcceptedAnswer::is_success)
    }
}

/// How an expectation is written: a single answer, or several under `one_of`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct ExpectForm {
    /// The status code, or a class such as `4xx`.
    status: Option<Status>,
    /// The error's name; `*` for any name, none where it may have no name.
    error: Option<String>,
    /// The shape that the body must have.
    schema: Option<String>,
    /// The accepted answers, where there are several; then nothing stands beside this.
    one_of: Vec<AcceptedAnswer>,
}

impl TryFrom<ExpectForm> for Expect {
    type Error = &'static str;

    fn try_from(form: ExpectForm) -> Result<Self, Self::Error> {
        let ExpectForm { status, error, schema, one_of } = form;
        match status {
            Some(status) if one_of.is_empty() => Ok(Self { answers: vec![AcceptedAnswer { status, error, schema }] }),
            None if !one_of.is_empty() && error.is_none() && schema.is_none() => Ok(Self { answers: one_of }),
            _ => Err("expected a status with what belongs to it, or several answers under \"one_of\" and nothing else"),
        }
    }
}

/// One accepted answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[serde(rename = "Answer")]
pub struct AcceptedAnswer {
    /// The status code, or a class such as `4xx`.
    pub status: Status,
    /// The error's name; `*` for any name, none where it may have no name.
    #[serde(default)]
    pub error: Option<String>,
    /// The shape that the body must have.
    #[serde(default)]
    pub schema: Option<String>,
}

impl AcceptedAnswer {
    /// Whether the request is accepted with this answer.
    pub fn is_success(&self) -> bool {
        self.status.includes(200)
    }
}

impl fmt::Display for AcceptedAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.error.as_deref() {
            None => write!(f, "{}", self.status),
            Some("*") => write!(f, "{} with an error type", self.status),
            Some(error) => write!(f, "{} {error}", self.status),
        }
    }
}

/// A check that a case asks for by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// The error message names the member at which the request differs from its control.
    MessageNamesMember,
}

/// The members of a request body, in order, each value as its original JSON text.
#[derive(Clone, Debug, Default)]
pub struct Input(Vec<(String, Box<RawValue>)>);

impl Input {
    /// The members in order, name and JSON text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.get()))
    }

    /// The JSON text of a member.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(member, _)| *member == name).map(|(_, value)| value)
    }

    /// Sets a member; a member that is there already keeps its place.
    pub fn set(&mut self, name: &str, value: Box<RawValue>) {
        match self.0.iter_mut().find(|(member, _)| member == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// The same input without a member.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        Self(self.0.iter().filter(|(member, _)| member != name).cloned().collect())
    }

    /// The body: one JSON object, every value as it was written.
    pub fn to_json(&self) -> String {
        let members: Vec<_> = self.iter().map(|(name, value)| format!("{}:{value}", Value::from(name))).collect();
        format!("{{{}}}", members.join(","))
    }
}

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InputVisitor;
        impl<'de> Visitor<'de> for InputVisitor {
            type Value = Input;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with the members of the request")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Input, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Input(members))
            }
        }
        deserializer.deserialize_map(InputVisitor)
    }
}

impl Serialize for Input {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl JsonSchema for Input {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Input".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "The members of a request body.", "type": "object" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_the_bytes_of_its_encoding() {
        assert_eq!(Encoding::Latin1.bytes("a\u{ff}"), Some(vec![0x61, 0xFF]));
        assert_eq!(Encoding::Latin1.bytes("\u{100}"), None);
        assert_eq!(Encoding::Utf16.bytes("{}"), Some(vec![0xFF, 0xFE, 0x7B, 0, 0x7D, 0]));
    }
}
