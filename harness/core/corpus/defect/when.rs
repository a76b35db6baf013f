//! Which exchanges an entry of a bank rewrites.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{RequestChange, TextPattern};

/// Conditions on an exchange; all must hold. Those on the answer hold back only changes of the answer.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// Only every nth exchange whose request meets the conditions; this is n.
    pub every: Option<NonZeroU64>,
    /// Only the exchanges with these numbers, of those whose request meets the conditions.
    pub numbers: Option<Numbers>,
    /// Only if a request with the same body met the conditions before.
    pub repeated: bool,
    /// The status that the right server answers with.
    pub status: Option<u16>,
    /// The error's name in the right server's answer.
    pub error: Option<String>,
    /// Conditions on members of the request's body, each by its name.
    pub members: BTreeMap<String, Condition>,
    /// What the request's method matches.
    pub method: Option<TextPattern>,
    /// What the request's path and query match.
    pub path: Option<TextPattern>,
    /// Header fields of the request and what they match; one that is not there is an empty text.
    pub headers: BTreeMap<String, TextPattern>,
    /// What the text of the request's body matches.
    pub body: Option<TextPattern>,
    /// What the request's body is.
    pub json: Option<BodyKind>,
    /// What is to be said of the request's signature.
    pub signature: Option<SignatureState>,
    /// Only if the right server accepts the same request with these changes.
    pub accepted_with: Vec<RequestChange>,
}

/// The numbers of exchanges, counted from 1.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Numbers {
    /// The first.
    pub from: u64,
    /// The last.
    pub to: u64,
}

/// What a member of a request must be like. `null` is a value here: it is there, and of type `null`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Condition {
    /// Whether it is there. Any other condition needs it to be there.
    pub present: Option<bool>,
    /// Its JSON type is one of these.
    #[serde(rename = "type")]
    pub types: Vec<ValueKind>,
    /// It is a number, and this or more.
    pub from: Option<f64>,
    /// It is a number, and this or less.
    pub to: Option<f64>,
    /// It is a number with a fraction, or it has none.
    pub fraction: Option<bool>,
    /// It is a text with at least this number of characters.
    pub min_length: Option<usize>,
    /// It is a text with at most this number of characters.
    pub max_length: Option<usize>,
    /// It is a text that matches.
    pub matches: Option<TextPattern>,
    /// It is a text that does not match.
    pub lacks: Option<TextPattern>,
}

/// A type of JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ValueKind {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// A number.
    Number,
    /// A text.
    String,
    /// A list.
    List,
    /// An object.
    Object,
}

impl ValueKind {
    /// The type of a value.
    pub const fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::String,
            Value::Array(_) => Self::List,
            Value::Object(_) => Self::Object,
        }
    }
}

/// What a request's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BodyKind {
    /// No bytes.
    Empty,
    /// Bytes that are not JSON.
    Malformed,
    /// JSON that is no object.
    Other,
    /// A JSON object.
    Object,
}

/// What is to be said of a request's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureState {
    /// It is right.
    Valid,
    /// There is none.
    Missing,
    /// It cannot be read.
    Malformed,
    /// Nobody has its access key id.
    UnknownKey,
    /// It is for another region, service or day.
    Scope,
    /// Its date is too far away.
    Expired,
    /// It is not the one that the secret gives.
    Mismatch,
}
