//! Suites for SDKs: what a caller asks an SDK for, what the scripted server answers, and what must
//! come of it.
//!
//! Uses [`crate::contract`] and [`crate::sdk::record`]. Start with [`ClientCase`], the format of a fixture;
//! [`ClientCorpus::load`] is the way in. `harness/sdk/FORMAT.md` explains both to authors of cases.

mod expect;
mod load;
mod script;
mod server;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use expect::{Attempts, Expectation, ExpectedError, ExpectedOutcome, ExpectedServer, HeaderExpectation};
pub use load::ClientCorpus;
pub use script::{
    Drip, FaultAt, FaultHow, Framing, STANDARD_REQUEST_ID, ScriptedBody, ScriptedFault, Step, standard_body,
};
pub use server::{CA, DECOY, ENDPOINT, EndpointKind, PROXY, Places};

use crate::contract::Side;
use crate::sdk::record::Tagged;

/// A file of client cases on one topic.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientSuite {
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
    pub cases: Vec<ClientCase>,
}

/// One call of an SDK, what it is answered, and what must come of it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCase {
    /// `<suite>/<name>`, in kebab-case; no case of the server side has the same.
    pub id: String,
    /// What is claimed or looked at, as a sentence.
    pub title: String,
    /// The requirements that the case decides; none where it is only observed.
    #[serde(default)]
    pub requirements: Vec<String>,
    /// What the caller asks for.
    #[serde(default)]
    pub request: ClientRequest,
    /// What stands at the endpoint: the scripted server, over HTTP or TLS, or nobody.
    #[serde(default)]
    pub server: EndpointKind,
    /// What the server does, one step for each request that arrives, the last one for all further
    /// ones; without a script each request gets the right answer.
    #[serde(default = "right_answer")]
    pub script: Vec<Step>,
    /// What must come of it, each with the requirement that says so.
    #[serde(default)]
    pub expect: Vec<Expectation>,
}

/// The script of a case that has none: one step with nothing but defaults.
fn right_answer() -> Vec<Step> {
    vec![Step::default()]
}

/// What a caller asks an SDK for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientRequest {
    /// The members of the input, in the order in which the caller gives them; a member that is not
    /// here is not set.
    pub input: ClientInput,
    /// Settings of the client, in code.
    pub config: SdkClientConfig,
    /// The endpoint that the caller gives in code: `${endpoint}`, or with a path behind it; null where
    /// the SDK has to find it in `environment` or `profile`.
    pub endpoint: Option<String>,
    /// The region that the caller gives in code; null where the SDK has to find it in `environment` or `profile`.
    pub region: Option<String>,
    /// The session token that the credentials have beside the example key.
    pub session_token: Option<String>,
    /// Environment variables that the driver is started with, beside the cleaned ones; `${endpoint}`,
    /// `${decoy}` and `${proxy}` stand for addresses, `${ca}` for the file with the certificate of the
    /// authority that the server's is of. A case that has some gets a process of its own.
    pub environment: BTreeMap<String, String>,
    /// The text of the shared configuration file (`AWS_CONFIG_FILE`), with the same placeholders.
    pub profile: Option<String>,
    /// Whether the driver is started for this case alone, as it is for settings of the environment. The record then
    /// has what it wrote to standard error.
    pub own_process: bool,
    /// How often the call is made, one after the other: 1 to 50.
    pub calls: u32,
    /// Whether all calls are made with the same client; else each has a new one.
    pub same_client: bool,
    /// How long each call may take before the driver is ended, in milliseconds.
    pub deadline_ms: u64,
}

/// The region of a call if the case does not give one.
pub const REGION: &str = "us-east-1";

impl Default for ClientRequest {
    fn default() -> Self {
        Self {
            input: InOrder(Vec::new()),
            config: SdkClientConfig::default(),
            endpoint: Some(ENDPOINT.to_owned()),
            region: Some(REGION.to_owned()),
            session_token: None,
            environment: BTreeMap::new(),
            profile: None,
            own_process: false,
            calls: 1,
            same_client: false,
            deadline_ms: 30_000,
        }
    }
}

impl ClientRequest {
    /// Whether the driver has to be started for this case alone, because the case says so or because it reads its
    /// settings from the environment.
    pub fn needs_own_process(&self) -> bool {
        self.own_process
            || !self.environment.is_empty()
            || self.profile.is_some()
            || self.endpoint.is_none()
            || self.region.is_none()
    }

    /// Whether a setting of the case has this placeholder.
    pub fn mentions(&self, placeholder: &str) -> bool {
        let texts = self.environment.values().chain(&self.profile).chain(&self.endpoint);
        texts.into_iter().any(|text| text.contains(placeholder))
    }
}

/// The settings of a client that a case makes, in code. What is not given is the SDK's default, but
/// for the number of attempts, which is one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
#[serde(rename = "Config")]
pub struct SdkClientConfig {
    /// How many attempts a call may take.
    #[serde(skip_serializing_if = "MaxAttempts::is_default")]
    pub max_attempts: MaxAttempts,
    /// `standard`, `adaptive` or `legacy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_mode: Option<String>,
    /// How long the SDK waits for an answer, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_timeout_ms: Option<u64>,
    /// How long the SDK waits for a connection, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_timeout_ms: Option<u64>,
    /// How long the SDK waits for the whole answer, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_timeout_ms: Option<u64>,
    /// Whether a whole answer that is late is an error; else the SDK does with it what it does by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throw_on_request_timeout: Option<bool>,
    /// Whether the SDK checks the input before it sends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validate: Option<bool>,
}

/// How many attempts a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum MaxAttempts {
    /// So many.
    Count(u32),
    /// As many as the SDK makes where nobody says: `"default"`.
    Default(DefaultWord),
}

/// The word `default`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DefaultWord {
    /// The SDK's own default.
    Default,
}

impl Default for MaxAttempts {
    fn default() -> Self {
        Self::Count(1)
    }
}

impl MaxAttempts {
    /// The number to give to the SDK; `None` if it is left to the SDK.
    pub const fn count(self) -> Option<u32> {
        match self {
            Self::Count(count) => Some(count),
            Self::Default(_) => None,
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    const fn is_default(&self) -> bool {
        self.count().is_none()
    }
}

/// The members of an input with their types, in the caller's order.
pub type ClientInput = InOrder<Tagged>;

/// The members of an object in the order in which they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InOrder<T>(Vec<(String, T)>);

impl<T> InOrder<T> {
    /// The members in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl Serialize for ClientInput {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for InOrder<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> serde::de::Visitor<'de> for MembersVisitor<T> {
            type Value = InOrder<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of tagged values, such as {\"aName\":{\"string\":\"a-value\"}}")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<InOrder<T>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(InOrder(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor(PhantomData))
    }
}

impl JsonSchema for ClientInput {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ClientInput".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let value = generator.subschema_for::<Tagged>();
        schemars::json_schema!({
            "description": "The members of an input with their types, in the caller's order.",
            "type": "object",
            "additionalProperties": value,
        })
    }
}
