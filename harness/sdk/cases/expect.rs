use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::sdk::record::{Phase, Tagged};

/// What a requirement asks of an SDK in a case. Everything that is given here must hold; what is not
/// given does not matter.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The requirement, one of the case's.
    pub requirement: String,
    /// What every call must come to.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// What the error of every call must say; it must be an error.
    #[serde(default)]
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
    #[serde(default)]
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
    pub headers: BTreeMap<String, Found>,
    /// The path that every request must go to; at least one must arrive.
    #[serde(default)]
    pub path: Option<String>,
    /// The region that every request must be signed for; at least one must arrive.
    #[serde(default)]
    pub region: Option<String>,
    /// Which of the two servers the requests must reach.
    #[serde(default)]
    pub reached: Option<Reached>,
}

impl Expectation {
    /// Whether it asks for nothing at all.
    pub(super) fn is_empty(&self) -> bool {
        let Self {
            requirement: _,
            outcome,
            error,
            members,
            as_sent,
            absent,
            attempts,
            body,
            body_has,
            headers,
            path,
            region,
            reached,
        } = self;
        outcome.is_none()
            && error.is_none()
            && members.is_empty()
            && as_sent.is_empty()
            && absent.is_empty()
            && attempts.is_none()
            && body.is_none()
            && body_has.is_empty()
            && headers.is_empty()
            && path.is_none()
            && region.is_none()
            && reached.is_none()
    }
}

/// What a call comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A result.
    Result,
    /// An error.
    Error,
}

/// What an error must say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectedError {
    /// Its name, as the SDK gives it.
    #[serde(default)]
    pub code: Option<String>,
    /// Whether it is thrown as a class of its own, called like the error.
    #[serde(default)]
    pub typed: Option<bool>,
    /// Its message.
    #[serde(default)]
    pub message: Option<String>,
    /// The status code that it carries.
    #[serde(default)]
    pub http_status: Option<u16>,
    /// The request id that it carries.
    #[serde(default)]
    pub request_id: Option<String>,
    /// The phases in which it may arise.
    #[serde(default)]
    pub phase: Vec<Phase>,
    /// Further members that it must have.
    #[serde(default)]
    pub members: BTreeMap<String, Tagged>,
}

/// How many requests must arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attempts {
    /// At least so many.
    #[serde(default)]
    pub least: Option<usize>,
    /// At most so many.
    #[serde(default)]
    pub most: Option<usize>,
}

/// What is found in a header field.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// Exactly this value; a session token is found as `<session-token>`.
    #[serde(default)]
    pub is: Option<String>,
    /// Whether the signature covers it.
    #[serde(default)]
    pub signed: Option<bool>,
    /// Whether it is there at all.
    #[serde(default)]
    pub there: Option<bool>,
}

/// Which server the requests of a case reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reached {
    /// The one at `${endpoint}`, and at least once.
    Endpoint,
    /// None of the two.
    Nobody,
}
