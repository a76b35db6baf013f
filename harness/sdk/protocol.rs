//! The messages between harness and driver: one JSON object a line, in order, until the driver's standard input is
//! closed.
//!
//! The harness sends [`ToDriver`], the driver [`FromDriver`]: first a hello each, then an outcome for every call.
//! Standard output is for the protocol only; standard error is kept as a log.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::{LoadError, parse};
use crate::sdk::cases::{ClientInput, SdkClientConfig};
use crate::sdk::record::{Phase, Tagged, word};
use crate::wire::is_password_name;

/// The version of the protocol.
pub const PROTOCOL: u32 = 1;

/// What the harness says.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum ToDriver {
    /// The first line.
    Hello {
        /// The version of the protocol: 1.
        protocol: u32,
    },
    /// One call.
    Call(Box<DriverCall>),
}

/// One call that a driver makes through its SDK.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(rename = "Call")]
pub struct DriverCall {
    /// What the outcome is to be called.
    pub id: String,
    /// The operation.
    pub operation: String,
    /// The endpoint that the caller gives in code; null where the SDK has to find it by itself.
    pub endpoint: Option<String>,
    /// The region that the caller gives in code; null where the SDK has to find it by itself.
    pub region: Option<String>,
    /// Who calls.
    pub credentials: CallCredentials,
    /// The members of the input, in the caller's order; a member that is not there is not set.
    pub input: ClientInput,
    /// Settings of the client, in code; what is not there is left to the SDK.
    pub config: SdkClientConfig,
    /// How long the call may take, in milliseconds; the harness watches it.
    pub deadline_ms: u64,
    /// Make the call with the client that a call with the same word was made with; without it each
    /// call is made with a new client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reuse: Option<String>,
}

/// The credentials of a call: always an example key.
// Without `Debug`, so that no log has them.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CallCredentials {
    /// The access key id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: String,
    /// The session token, where there is one.
    pub session_token: Option<String>,
}

/// What a driver says.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum FromDriver {
    /// The first line.
    Hello(Hello),
    /// What a call came to.
    Outcome(CallOutcome),
}

/// What a driver says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hello {
    /// The version of the protocol: 1.
    pub protocol: u32,
    /// The driver's name.
    pub driver: String,
    /// The language that it is for.
    pub language: String,
    /// What runs it, with its version.
    pub runtime: String,
    /// The SDK's name, as its registry knows it.
    pub sdk: String,
    /// The SDK's version.
    pub sdk_version: String,
    /// The versions of what the SDK rests on, as installed.
    pub deps: BTreeMap<String, String>,
    /// The operations that it can call.
    pub operations: Vec<String>,
    /// The settings that it can make: names of `config`.
    pub config: Vec<String>,
    /// The inputs that its language can express, each with its type: `dynamic`, `string`, `int32`, `int64`; or
    /// what becomes of it: `pass`, `drop`, `reject`, `inexpressible`. `*` stands for all other names.
    pub inputs: BTreeMap<String, InputKind>,
    /// What it tells about answers: `requestId`, `httpStatus`, `sdkAttempts`.
    pub reports: Vec<String>,
    /// The members of a result that it can hand over; all where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Vec<String>>,
    /// Whether the errors of the SDK have classes of their own; they have where it is not given.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub typed: bool,
    /// Whether the SDK can speak TLS, as the driver runs it; it can where it is not given.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub tls: bool,
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_true(truth: &bool) -> bool {
    *truth
}

/// What a driver can do with a member of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InputKind {
    /// Any value can be given.
    Dynamic,
    /// Texts only.
    String,
    /// Whole numbers of 32 bits only.
    Int32,
    /// Whole numbers of 64 bits only.
    Int64,
    /// Any value can be given, and the SDK is known to send it on.
    Pass,
    /// Any value can be given, and the SDK is known to leave it out.
    Drop,
    /// Any value can be given, and the SDK is known to refuse it.
    Reject,
    /// The language has no way to give it.
    Inexpressible,
}

impl InputKind {
    /// The word for it.
    pub fn word(self) -> String {
        word(self)
    }
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum CallOutcome {
    /// A result.
    Result {
        /// The id of the call.
        id: String,
        /// How long the call took, in milliseconds, by the driver's clock.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        elapsed_ms: Option<f64>,
        /// The members of the result.
        result: BTreeMap<String, Tagged>,
        /// What the SDK tells about the answer.
        #[serde(default)]
        meta: CallMeta,
    },
    /// An error.
    Error {
        /// The id of the call.
        id: String,
        /// How long the call took, in milliseconds, by the driver's clock.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        elapsed_ms: Option<f64>,
        /// The error.
        error: CallError,
        /// What the SDK tells about the answer.
        #[serde(default)]
        meta: CallMeta,
    },
    /// The driver cannot make this call.
    Unsupported {
        /// The id of the call.
        id: String,
        /// Why not.
        reason: String,
    },
}

impl CallOutcome {
    /// The id of the call.
    pub fn id(&self) -> &str {
        match self {
            Self::Result { id, .. } | Self::Error { id, .. } | Self::Unsupported { id, .. } => id,
        }
    }
}

/// What an SDK tells about an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CallMeta {
    /// The request id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The status code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// How many attempts the SDK says it made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sdk_attempts: Option<u32>,
}

/// An error as a caller sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CallError {
    /// Where in the call it arose, by the SDK's own classes.
    pub phase: Phase,
    /// The class that is thrown, by its bare name.
    pub class: String,
    /// The SDK's own classes above it, nearest first.
    #[serde(default)]
    pub bases: Vec<String>,
    /// The error's name, as the SDK gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The status code that it carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// The request id that it carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Whose fault the SDK says it is: `client` or `server`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Further members.
    #[serde(default)]
    pub members: BTreeMap<String, Tagged>,
}

/// A line of the protocol, either way: what its schema describes.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[serde(rename = "Line")]
pub enum ProtocolLine {
    /// From the harness.
    ToDriver(ToDriver),
    /// From the driver.
    FromDriver(Box<FromDriver>),
}

/// Reads a line of a driver.
///
/// # Errors
/// When the line breaks the protocol: what is wrong, and its JSON pointer, which is empty for the whole line. Both may
/// hold words of the driver, but not the value of a member whose name says that it is secret.
pub fn read(line: &[u8]) -> Result<FromDriver, LoadError> {
    let wrong = |message: String| LoadError::new("", "", message);
    let text = std::str::from_utf8(line).map_err(|_| wrong("it is not UTF-8".to_owned()))?;
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|error| wrong(format!("it is no JSON: {error}")))?;
    // A missing or unknown tag has its own message. The type that the tag names gives all others.
    match value.get("type").and_then(serde_json::Value::as_str) {
        Some("hello" | "outcome") => {}
        Some(other) => return Err(wrong(format!("expected the type hello or outcome, found {other}"))),
        None => return Err(wrong("expected a JSON object with a type, hello or outcome".to_owned())),
    }
    parse("", text).map_err(|mut error: LoadError| {
        if is_password_name(&error.pointer) {
            "expected another value there, by the protocol".clone_into(&mut error.message);
        }
        error
    })
}
