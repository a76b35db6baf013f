use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::sdk::record::{Phase, Tagged};

/// What a requirement asks of an SDK in a case. Everything that is given here must hold; what is not
/// given does not matter.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The requirement, one of the case's.
    pub requirement: String,
    /// What every call must come to.
    pub outcome: Option<ExpectedOutcome>,
    /// What the error of every call must say; it must be an error.
    pub error: Option<ExpectedError>,
    /// Members that the result of every call must have, with these values.
    #[serde(default)]
    pub members: BTreeMap<String, Tagged>,
    /// Members that must be just as they were in the answer; for secrets, which are never written out.
    #[serde(default)]
    pub as_sent: Vec<String>,
    /// Members that the result must not have, or have as null.
    #[serde(default)]
    pub absent: Vec<String>,
    /// How many requests must arrive, over all calls.
    pub attempts: Option<Attempts>,
    /// The JSON that the body of every request must be, whatever the order of its members; at least one must arrive.
    #[serde(default)]
    pub body: Option<Value>,
    /// Members that the body of every request must have, with these values; at least one request must arrive.
    #[serde(default)]
    pub body_has: BTreeMap<String, Value>,
    /// Header fields that every request must have, by name in lower case, with these values; at least
    /// one must arrive.
    #[serde(default)]
    pub headers: BTreeMap<String, HeaderExpectation>,
    /// The path that every request must go to; at least one must arrive.
    #[serde(default)]
    pub path: Option<String>,
    /// The region that every request must be signed for; at least one must arrive.
    #[serde(default)]
    pub region: Option<String>,
    /// Which of the two servers the requests must reach.
    pub reached: Option<ExpectedServer>,
}

impl Expectation {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self { requirement: self.requirement.clone(), ..Self::default() }
    }
}

/// What a call comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[serde(rename = "Outcome")]
pub enum ExpectedOutcome {
    /// A result.
    Result,
    /// An error.
    Error,
}

/// What an error must say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectedError {
    /// Its name, as the SDK gives it.
    pub code: Option<String>,
    /// Whether it is thrown as a class of its own, called like the error.
    pub typed: Option<bool>,
    /// Its message.
    pub message: Option<String>,
    /// The status code that it carries.
    pub http_status: Option<u16>,
    /// The request id that it carries.
    pub request_id: Option<String>,
    /// The phases in which it may arise.
    pub phase: Vec<Phase>,
    /// Further members that it must have.
    pub members: BTreeMap<String, Tagged>,
}

/// How many requests must arrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Attempts {
    /// At least this number.
    pub least: Option<usize>,
    /// At most this number.
    pub most: Option<usize>,
}

/// What is found in a header field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[serde(rename = "Found")]
pub struct HeaderExpectation {
    /// Exactly this value; a session token is found as `<session-token>`.
    pub is: Option<String>,
    /// Whether the signature covers it.
    pub signed: Option<bool>,
    /// Whether it is there at all.
    pub there: Option<bool>,
}

/// Which server the requests of a case reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[serde(rename = "Reached")]
pub enum ExpectedServer {
    /// The one at `${endpoint}`, and at least once.
    Endpoint,
    /// None of the two.
    Nobody,
}
