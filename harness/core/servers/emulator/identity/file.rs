//! The format of a file of identities, and of the policy documents in it.
//!
//! The documents are ordinary identity-based IAM policies. Source: the IAM User Guide, "Grammar of the IAM JSON policy
//! language".

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor};

use super::policy;
use crate::wire::Secret;

/// A file of identities: who may call the emulator, besides the caller of its own credentials, and what they may do.
#[derive(Clone, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentitiesFile {
    /// Where the schema is, for editors.
    #[serde(default, rename = "$schema")]
    #[expect(dead_code, reason = "editors read it")]
    schema: Option<String>,
    /// The version of the format: 1.
    #[schemars(range(min = 1, max = 1))]
    pub(super) version: u32,
    /// The principals, each with its own access key id.
    pub(super) principals: Vec<PrincipalEntry>,
}

/// A user, or a session of a role.
#[derive(Clone, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PrincipalEntry {
    /// The name of the IAM user. An entry has this or `role`.
    #[serde(default)]
    pub(super) user: Option<String>,
    /// The name of the IAM role that was assumed. An entry has this or `user`.
    #[serde(default)]
    pub(super) role: Option<String>,
    /// The name of the role's session. Without it, it is `session`.
    #[serde(default)]
    pub(super) session_name: Option<String>,
    /// The account, 12 digits. Without it, it is the emulator's own.
    #[serde(default)]
    pub(super) account: Option<String>,
    /// The access key id that it signs with.
    pub(super) access_key_id: String,
    /// The secret access key that it signs with.
    pub(super) secret_access_key: SecretEntry,
    /// The session token that it must send. A role needs one.
    #[serde(default)]
    pub(super) session_token: Option<SecretEntry>,
    /// When the session token expires, such as `2026-11-27T12:00:00Z`. Without it, never.
    #[serde(default)]
    pub(super) expires: Option<String>,
    /// The tags of the principal: `aws:PrincipalTag/...` in conditions.
    #[serde(default)]
    pub(super) tags: BTreeMap<String, String>,
    /// Condition keys that its requests have besides those that the emulator knows, or instead of them.
    #[serde(default)]
    pub(super) context: BTreeMap<String, OneOrMany<Scalar>>,
    /// Its identity-based policies. Without any, everything is denied.
    #[serde(default)]
    pub(super) policies: Vec<PolicyEntry>,
    /// The permissions boundary.
    #[serde(default)]
    pub(super) boundary: Option<PolicyEntry>,
    /// The session policies of a role's session.
    #[serde(default)]
    pub(super) session_policies: Vec<PolicyEntry>,
}

/// A secret: the text itself, or the name of the environment variable that holds it. Printing it masks the text.
#[derive(Clone, Debug)]
pub(super) enum SecretEntry {
    /// The text.
    Literal(Secret),
    /// The name of an environment variable.
    Environment(String),
}

/// A policy: the document itself, or the name of a file that holds it. A relative name begins at the folder of the file
/// of identities.
#[derive(Clone, Debug)]
pub(super) enum PolicyEntry {
    /// The document.
    Document(PolicyDocument),
    /// The name of a file.
    File(String),
}

/// An identity-based IAM policy.
#[derive(Clone, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyDocument {
    /// The version of the policy language. Without it, it is 2008-10-17, which has no variables.
    #[serde(default, rename = "Version")]
    pub(super) version: Option<Version>,
    /// A name for the policy.
    #[serde(default, rename = "Id")]
    #[expect(dead_code, reason = "a policy may have one, and it means nothing here")]
    id: Option<String>,
    /// One statement, or a list of them.
    #[serde(rename = "Statement")]
    pub(super) statement: OneOrMany<StatementDocument>,
}

/// A version of the policy language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
pub(super) enum Version {
    /// Without variables.
    #[serde(rename = "2008-10-17")]
    V2008,
    /// With variables.
    #[serde(rename = "2012-10-17")]
    V2012,
}

/// A statement of a policy.
#[derive(Clone, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementDocument {
    /// A name for the statement.
    #[serde(default, rename = "Sid")]
    #[expect(dead_code, reason = "a statement may have one, and it means nothing here")]
    sid: Option<String>,
    /// Whether it allows or denies.
    #[serde(rename = "Effect")]
    pub(super) effect: EffectName,
    /// The actions that it is about. A statement has this or `NotAction`.
    #[serde(default, rename = "Action")]
    pub(super) action: Option<OneOrMany<String>>,
    /// The actions that it is not about.
    #[serde(default, rename = "NotAction")]
    pub(super) not_action: Option<OneOrMany<String>>,
    /// The resources that it is about. A statement has this or `NotResource`.
    #[serde(default, rename = "Resource")]
    pub(super) resource: Option<OneOrMany<String>>,
    /// The resources that it is not about.
    #[serde(default, rename = "NotResource")]
    pub(super) not_resource: Option<OneOrMany<String>>,
    /// By operator and condition key: the values.
    #[serde(default, rename = "Condition")]
    pub(super) condition: BTreeMap<String, BTreeMap<String, OneOrMany<Scalar>>>,
}

/// Whether a statement allows or denies.
#[derive(Clone, Copy, Debug, serde::Deserialize, JsonSchema)]
pub(super) enum EffectName {
    /// It allows.
    Allow,
    /// It denies, whatever else allows.
    Deny,
}

impl From<EffectName> for policy::Effect {
    fn from(name: EffectName) -> Self {
        match name {
            EffectName::Allow => Self::Allow,
            EffectName::Deny => Self::Deny,
        }
    }
}

/// One value, or a list of values.
#[derive(Clone, Debug)]
pub(super) struct OneOrMany<T> {
    /// The values.
    pub(super) each: Vec<T>,
    /// Whether they are written as a list.
    pub(super) is_list: bool,
}

/// A text, a number or a truth value, as a text. Source: the IAM User Guide, "Quotation marks are optional for numeric
/// and Boolean values".
#[derive(Clone, Debug)]
pub(super) struct Scalar(pub(super) String);

impl<T> OneOrMany<T> {
    fn one(value: T) -> Self {
        Self { each: vec![value], is_list: false }
    }
}

/// Reads `OneOrMany`. The place of a fault stays known, which it would not in an untagged enum.
struct OneOrManyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<T> {
    type Value = OneOrMany<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one value or a list of values")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        T::deserialize(value.into_deserializer()).map(OneOrMany::one)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        T::deserialize(value.into_deserializer()).map(OneOrMany::one)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        T::deserialize(value.into_deserializer()).map(OneOrMany::one)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        T::deserialize(value.into_deserializer()).map(OneOrMany::one)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        T::deserialize(text.into_deserializer()).map(OneOrMany::one)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members)).map(OneOrMany::one)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut each = Vec::new();
        while let Some(item) = items.next_element()? {
            each.push(item);
        }
        Ok(OneOrMany { each, is_list: true })
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(OneOrManyVisitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "description": "One value or a list of values.",
            "anyOf": [one, { "type": "array", "items": one }] })
    }
}

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number or a truth value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Scalar(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Scalar(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Scalar(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Scalar(value.to_string()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ScalarVisitor)
    }
}

impl JsonSchema for Scalar {
    fn schema_name() -> Cow<'static, str> {
        "Scalar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "A text, a number or a truth value.", "type": ["string", "number", "boolean"] })
    }
}

/// The name of an environment variable.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EnvironmentVariable {
    /// Its name.
    environment: String,
}

struct SecretVisitor;

impl<'de> Visitor<'de> for SecretVisitor {
    type Value = SecretEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or an object such as {\"environment\": \"NAME\"}")
    }

    // The message of serde would show the number, which may be meant as a secret.
    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Err(E::invalid_type(Unexpected::Other("a number"), &self))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        self.visit_u64(0)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        self.visit_u64(0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(SecretEntry::Literal(text.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        let variable = EnvironmentVariable::deserialize(MapAccessDeserializer::new(members))?;
        Ok(SecretEntry::Environment(variable.environment))
    }
}

impl<'de> Deserialize<'de> for SecretEntry {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(SecretVisitor)
    }
}

impl JsonSchema for SecretEntry {
    fn schema_name() -> Cow<'static, str> {
        "SecretEntry".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let variable = generator.subschema_for::<EnvironmentVariable>();
        json_schema!({ "description": "A secret: the text itself, or the environment variable that holds it.",
            "anyOf": [{ "type": "string", "minLength": 1 }, variable] })
    }
}

struct PolicyVisitor;

impl<'de> Visitor<'de> for PolicyVisitor {
    type Value = PolicyEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a policy document, or the name of a file that holds one")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(PolicyEntry::File(name.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        PolicyDocument::deserialize(MapAccessDeserializer::new(members)).map(PolicyEntry::Document)
    }
}

impl<'de> Deserialize<'de> for PolicyEntry {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(PolicyVisitor)
    }
}

impl JsonSchema for PolicyEntry {
    fn schema_name() -> Cow<'static, str> {
        "PolicyEntry".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let document = generator.subschema_for::<PolicyDocument>();
        json_schema!({ "description": "A policy document, or the name of a file that holds one.",
            "anyOf": [document, { "type": "string", "minLength": 1 }] })
    }
}
