//! The record of one run of one client case: what the caller was given and what went over the wire, without anything
//! that differs from run to run.
//!
//! Uses nothing else of ours. Start with [`Record`]. Two runs of one SDK version give equal records, byte for byte;
//! what depends on the clock is kept apart, in [`Timing`]. No record holds a secret: instead of a password, it says how
//! that relates to the one that was sent.

mod tagged;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use tagged::{Tagged, Value};

/// What one run of one case leaves, the same in every run of the same SDK.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// What the caller was given, one for each call of the case.
    pub outcomes: Vec<OutcomeRecord>,
    /// How many requests arrived.
    pub attempts: usize,
    /// Whether the attempts of a call share an `amz-sdk-invocation-id`.
    pub invocation_ids: InvocationIds,
    /// Every request, in the order of arrival.
    pub requests: Vec<RequestRecord>,
    /// The request lines of the tunnels that the SDK asked the proxy for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tunnels: Vec<String>,
    /// The lines that the driver wrote to standard error, each once: what the SDK says beside the outcomes, such as
    /// that the language's version is no longer supported. Only a case with a process of its own has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What a caller was given for one call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case", deny_unknown_fields)]
pub enum OutcomeRecord {
    /// A result.
    Result {
        /// Its members.
        result: BTreeMap<String, ShownValue>,
        /// What the SDK tells about the answer.
        meta: Meta,
    },
    /// An error.
    Error {
        /// The error.
        error: ErrorRecord,
        /// What the SDK tells about the answer.
        meta: Meta,
    },
    /// Nothing: the driver missed its deadline or ended.
    Lost {
        /// Which of the two.
        reason: Loss,
    },
}

impl OutcomeRecord {
    /// The word for it: `result`, `error` or `lost`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Result { .. } => "result",
            Self::Error { .. } => "error",
            Self::Lost { .. } => "lost",
        }
    }
}

/// Why a call has no outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// The driver did not answer in time, and was ended.
    Deadline,
    /// The driver ended by itself.
    Died,
    /// The driver wrote something that is not its protocol, and was ended.
    Garbled,
}

/// What an SDK tells about the answer that a call came to; nothing where it does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Meta {
    /// The request id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The status code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// How many attempts it says it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk_attempts: Option<u32>,
}

/// An error as a caller sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorRecord {
    /// What went wrong, by the SDK's own classes.
    pub phase: Phase,
    /// The class that is thrown, by its bare name.
    pub class: String,
    /// The SDK's own classes above it, nearest first.
    pub bases: Vec<String>,
    /// The error's name as the SDK gives it.
    pub code: Option<String>,
    /// The message, without ports, addresses, times and secrets.
    pub message: Option<String>,
    /// The status code that it carries.
    pub http_status: Option<u16>,
    /// The request id that it carries.
    pub request_id: Option<String>,
    /// Whose fault the SDK says it is: `client` or `server`.
    pub fault: Option<String>,
    /// Further members.
    pub members: BTreeMap<String, ShownValue>,
}

/// Where in a call an error arose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The SDK refused before it sent anything.
    Client,
    /// No connection.
    Connect,
    /// The connection or the answer broke off.
    Transport,
    /// The SDK's own patience ended.
    Timeout,
    /// The answer cannot be read.
    Parse,
    /// The service answered with an error.
    Service,
    /// An exception that is not the SDK's own, such as a `TypeError`.
    Crash,
    /// The driver's own fault.
    Driver,
}

impl Phase {
    /// The word for it.
    pub fn word(self) -> String {
        word(self)
    }
}

/// The word that a variant is written as.
pub(super) fn word(variant: impl Serialize) -> String {
    serde_json::to_value(variant).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A value as it may be shown. Texts that are secret are `***`, and `equals` says how they relate to
/// what the server sent: `{"string":"***","equals":"sent"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename = "Shown")]
pub struct ShownValue {
    /// The value, masked where it is secret.
    #[serde(flatten)]
    pub value: Tagged,
    /// How a masked value relates to the one that was sent; nothing where it is not masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<SecretLikeness>,
    /// How many characters a masked text has, where it is not the one that was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub characters: Option<usize>,
}

/// How a secret that a caller was given relates to the one in the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[serde(rename = "Likeness")]
pub enum SecretLikeness {
    /// It is the same.
    Sent,
    /// It is the beginning of it: the rest was lost.
    Beginning,
    /// It is the end of it.
    End,
    /// It holds what was sent, and something more.
    Longer,
    /// It is the same but for blanks around it or its letter case.
    Changed,
    /// It is another.
    Other,
    /// The answer has no such member.
    NotSent,
}

/// Whether the attempts of a call share an invocation id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InvocationIds {
    /// No request has one.
    #[default]
    None,
    /// Each call has one, the same in each attempt.
    PerCall,
    /// Attempts of one call differ, or calls share one, or some have none.
    Mixed,
}

/// A request as it arrived, without what differs from run to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestRecord {
    /// The call that it belongs to, from 1.
    pub call: usize,
    /// Which attempt of the call it is, from 1.
    pub attempt: usize,
    /// Which of the case's servers it reached.
    pub server: ReachedServer,
    /// The request line, with the port as `<port>`.
    pub line: String,
    /// The header fields by name in lower case, repeated ones joined with `, `.
    ///
    /// What differs from run to run is a word in angle brackets: `<date>`, `<id>`, `<port>`, `<sha256>`, `<version>`,
    /// `<release>`. Signatures and keys are `***`.
    pub headers: BTreeMap<String, String>,
    /// The names of the signed headers, in the order in which the signature lists them.
    pub signed_headers: Vec<String>,
    /// Whom the signature is for: `<region>/<service>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Whether the signature is the one that the example key gives.
    pub signature: Signature,
    /// The body.
    pub body: BodyRecord,
}

/// Which of a case's servers a request reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[serde(rename = "Server")]
pub enum ReachedServer {
    /// The one at `${endpoint}`.
    #[default]
    Endpoint,
    /// The one at `${decoy}`.
    Decoy,
    /// The one at `${proxy}`: the request line has the whole URL.
    Proxy,
}

/// A request target without the address of the server, which is there in a request to a proxy (RFC 9112, section
/// 3.2.2).
pub fn origin_form(target: &str) -> &str {
    let Some((_, rest)) = target.split_once("://").filter(|_| !target.starts_with('/')) else { return target };
    rest.find('/').map_or("/", |at| &rest[at..])
}

/// What is found about a signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Signature {
    /// It is the one that the example key gives for this request.
    Valid,
    /// The request has none.
    Missing,
    /// It is another: why, in words.
    Wrong(String),
}

/// The body of a request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BodyRecord {
    /// Its text, where it is UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Its bytes in base64, where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// Its value, where it is JSON of at most 64 KiB: members in the order of their names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<serde_json::Value>,
}

/// What depends on the clock and on the connections: told beside the record, never part of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timing {
    /// The waits before each further attempt.
    pub gaps: Vec<Gap>,
    /// How many connections the requests came over.
    pub connections: usize,
    /// How long each call took, in milliseconds.
    pub calls_ms: Vec<f64>,
}

/// The wait before an attempt: from the end of the answer before it to its own arrival.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// The call, from 1.
    pub call: usize,
    /// The attempt that the wait came before, from 2.
    pub attempt: usize,
    /// How long it was, in words.
    pub class: GapClass,
    /// How long it was, in milliseconds.
    pub ms: f64,
    /// How long the answer before it asked to wait, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_ms: Option<f64>,
}

/// How long a wait was, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GapClass {
    /// Less than 20 ms.
    None,
    /// Less than 300 ms.
    Short,
    /// Longer.
    Long,
    /// What the answer before asked for, within a tenth.
    Told,
}
