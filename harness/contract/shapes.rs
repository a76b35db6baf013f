//! The documented shapes of the operation: the format of `fixtures/shapes/redshift-serverless.json`.
//!
//! The doc comments here become the descriptions in `schemas/shapes.schema.json`.

mod check;

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Evidence;
use super::document::{Fixtures, LoadError, check_readable, parse};

/// The documented shapes of one operation of one service: what the documents, the service model and the
/// protocol state about it, each fact with what it rests on and where it stands, and where the sources differ.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shapes {
    /// The JSON Schema of this file, for editors.
    #[serde(rename = "$schema")]
    pub schema: String,
    /// The version of this format; 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// The sources, each with what it is. Every source that a fact names must be here.
    pub documents: BTreeMap<Document, String>,
    /// What holds for every operation of the service.
    pub service: Service,
    /// What holds for the operation as a whole.
    pub operation: Operation,
    /// The request.
    pub request: Structure,
    /// The response to a request that succeeds.
    pub response: Structure,
    /// The errors that the operation lists, by the name of their shape.
    pub errors: BTreeMap<String, ErrorShape>,
    /// Errors that the service model defines and this operation does not list, by the name of their shape.
    pub unlisted_errors: BTreeMap<String, UnlistedError>,
    /// The words that a database must not be called.
    pub reserved_words: ReservedWords,
    /// Where the sources differ, and what is made of it.
    pub differences: Vec<Difference>,
}

/// A source of facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Document {
    /// The page of the API reference that this project is made from.
    ApiReference,
    /// The page of the boto3 documentation that this project is made from.
    Boto3,
    /// The Redshift Database Developer Guide.
    DeveloperGuide,
    /// The same guide as archived in 2023.
    #[serde(rename = "developer-guide-2023")]
    DeveloperGuide2023,
    /// A newer rendering of the API reference page.
    NewerApiReference,
    /// An older copy of the API reference page.
    OlderApiReference,
    /// An older copy of the boto3 page.
    OlderBoto3,
    /// AWS's list of actions, resource types and condition keys.
    ServiceAuthorizationReference,
    /// AWS's machine-readable model of the service.
    ServiceModel,
    /// The definition of the protocol.
    Smithy,
}

impl Document {
    /// The word for it, as in the shapes file: `api-reference`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ApiReference => "api-reference",
            Self::Boto3 => "boto3",
            Self::DeveloperGuide => "developer-guide",
            Self::DeveloperGuide2023 => "developer-guide-2023",
            Self::NewerApiReference => "newer-api-reference",
            Self::OlderApiReference => "older-api-reference",
            Self::OlderBoto3 => "older-boto3",
            Self::ServiceAuthorizationReference => "service-authorization-reference",
            Self::ServiceModel => "service-model",
            Self::Smithy => "smithy",
        }
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Where something is stated: each source, and the place in it.
pub type Source = BTreeMap<Document, String>;

/// One stated fact.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "fact_{T}")]
pub struct Fact<T> {
    /// What is stated.
    pub is: T,
    /// What it rests on.
    pub evidence: Evidence,
    /// Every source that states it, and the place in it.
    pub source: Source,
}

/// A constraint or consequence that the sources state in running text only.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prose {
    /// The statement in our own words.
    pub text: String,
    /// A few words of the original, to find it again.
    pub quote: String,
    /// The statement in a form that a program can check, where it has one.
    #[serde(default)]
    pub reads_as: Option<Reading>,
    /// What it rests on.
    pub evidence: Evidence,
    /// Every source that states it, and the place in it.
    pub source: Source,
}

/// A prose constraint as a program can check it. Everything that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// At least one of these members must be there.
    #[serde(default)]
    pub any_of: Option<Vec<String>>,
    /// The fewest characters (Unicode scalar values).
    #[serde(default)]
    pub min_length: Option<u64>,
    /// The most characters (Unicode scalar values).
    #[serde(default)]
    pub max_length: Option<u64>,
    /// A regular expression that must match; anchored only where it says so.
    #[serde(default)]
    pub pattern: Option<String>,
    /// The smallest number.
    #[serde(default)]
    pub minimum: Option<i64>,
    /// The largest number.
    #[serde(default)]
    pub maximum: Option<i64>,
    /// Must not be one of the reserved words, in whatever letter case.
    #[serde(default)]
    pub not_reserved: bool,
}

/// What holds for every operation of the service.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The name by which SDKs know the service.
    pub service_id: Fact<String>,
    /// The service name in a signature's credential scope.
    pub signing_name: Fact<String>,
    /// The first label of the service's host names.
    pub endpoint_prefix: Fact<String>,
    /// What stands before the dot in the header `X-Amz-Target`.
    pub target_prefix: Fact<String>,
    /// The name of the protocol in the service model.
    pub protocol: Fact<String>,
    /// The version of AWS JSON.
    pub json_version: Fact<String>,
    /// The version of the API. It is never sent.
    pub api_version: Fact<String>,
    /// The version of the signature.
    pub signature_version: Fact<String>,
    /// The media type of requests and responses.
    pub content_type: Fact<String>,
    /// The member of an error's body that names the error.
    pub error_name_member: Fact<String>,
}

/// What holds for the operation as a whole.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Its name.
    pub name: Fact<String>,
    /// What it is for, in our own words.
    pub meaning: Fact<String>,
    /// The HTTP method.
    pub method: Fact<String>,
    /// The path of the request.
    pub path: Fact<String>,
    /// The value of the header `X-Amz-Target`.
    pub target: Fact<String>,
    /// The HTTP status of success.
    pub status: Fact<u16>,
    /// What is stated about the operation in running text.
    #[serde(default)]
    pub prose: BTreeMap<String, Prose>,
}

/// A JSON object with documented members.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Structure {
    /// The name of the shape; its JSON Schema is called the same.
    pub name: String,
    /// What it is, in our own words.
    pub meaning: Fact<String>,
    /// The members by name. Members that are not here are not forbidden.
    pub members: BTreeMap<String, Member>,
    /// What is stated in running text about the members together.
    #[serde(default)]
    pub prose: BTreeMap<String, Prose>,
}

/// One member of a structure. What is not stated is absent.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// What it is, in our own words.
    pub meaning: Fact<String>,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Fact<Kind>,
    /// How JSON writes it, where the type alone leaves that open.
    #[serde(default)]
    pub json_type: Option<Fact<JsonType>>,
    /// Whether it is always there.
    pub required: Fact<bool>,
    /// The fewest characters (Unicode scalar values).
    #[serde(default)]
    pub min_length: Option<Fact<u64>>,
    /// The most characters (Unicode scalar values).
    #[serde(default)]
    pub max_length: Option<Fact<u64>>,
    /// The regular expression, as stated.
    #[serde(default)]
    pub pattern: Option<Fact<String>>,
    /// What holds where the member is left out.
    #[serde(default)]
    pub default: Option<Fact<i64>>,
    /// Whether its value is a secret.
    #[serde(default)]
    pub sensitive: Option<Fact<bool>>,
    /// What is stated in running text only.
    #[serde(default)]
    pub prose: BTreeMap<String, Prose>,
}

/// The documented type of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// A point in time.
    Timestamp,
}

/// How JSON writes a point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JsonType {
    /// Seconds since 1970-01-01T00:00:00Z, possibly with a fraction.
    Number,
    /// Text.
    String,
}

/// An error that the operation lists.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorShape {
    /// What it tells the caller, in our own words.
    pub meaning: Fact<String>,
    /// That the operation lists it.
    pub listed: Fact<bool>,
    /// Its HTTP status, 400 to 599.
    pub status: Fact<u16>,
    /// Whether the service is at fault rather than the caller.
    #[serde(default)]
    pub fault: Option<Fact<bool>>,
    /// Whether trying again may help.
    #[serde(default)]
    pub retryable: Option<Fact<bool>>,
    /// The members of its body.
    pub members: BTreeMap<String, Member>,
}

/// An error that the service model defines and the operation does not list.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnlistedError {
    /// What it tells the caller, in our own words.
    pub meaning: Fact<String>,
    /// The names of its members, none of them required.
    pub members: Fact<Vec<String>>,
    /// Whether trying again may help.
    #[serde(default)]
    pub retryable: Option<Fact<bool>>,
}

/// The words that a database must not be called.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReservedWords {
    /// Those of the current list, in capitals.
    pub words: Fact<Vec<String>>,
    /// Those on which revisions of the list disagree: neither reserved nor free.
    pub undecided: Fact<Vec<String>>,
}

impl ReservedWords {
    /// Whether a name is one of the current list, in whatever letter case.
    ///
    /// The documents do not say whether case counts; in the database it does not.
    pub fn contains(&self, name: &str) -> bool {
        self.words.is.iter().any(|word| word.eq_ignore_ascii_case(name))
    }
}

/// A point on which the sources differ.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// A short name, unique in the file.
    pub id: String,
    /// The difference in one sentence.
    pub title: String,
    /// The facts concerned, each by its JSON pointer into this file, with what each source says; null where that
    /// source says nothing.
    pub places: BTreeMap<String, BTreeMap<Document, Value>>,
    /// How it came about, or what it means.
    pub explanation: String,
    /// What the generated JSON Schema does about it.
    pub schema: String,
}

impl Shapes {
    /// The path of the shapes below the fixtures folder.
    pub const PATH: &'static str = "shapes/redshift-serverless.json";

    /// Reads the shapes and checks that they make sense.
    ///
    /// # Errors
    /// The first place where the file is not strict JSON or not of this format, or where it contradicts itself: a
    /// status that is no error's, a pattern that does not compile, a minimum above its maximum, a name twice, a
    /// source that is not described, a difference that points nowhere or is none.
    pub fn load(fixtures: &Fixtures) -> Result<Self, LoadError> {
        let file = fixtures.name_of(Self::PATH);
        let text = fixtures.read(Self::PATH)?;
        let shapes: Self = parse(&file, &text)?;
        let document = parse(&file, &text)?;
        check_readable(&file, &document)?;
        check::check(&shapes, &document).map_err(|(pointer, message)| LoadError::new(&file, pointer, message))?;
        Ok(shapes)
    }

    /// Every prose statement with a checkable reading that concerns a structure, by the structure's name: the
    /// member it is about (none where it is about the structure as a whole), its id, the statement.
    pub fn prose_of<'a>(&'a self, structure: &str) -> Vec<(Option<&'a str>, &'a str, &'a Prose)> {
        [&self.request, &self.response]
            .into_iter()
            .filter(|candidate| candidate.name == structure)
            .flat_map(|structure| {
                let whole = structure.prose.iter().map(|(id, prose)| (None, id.as_str(), prose));
                let members = structure.members.iter().flat_map(|(name, member)| {
                    member.prose.iter().map(move |(id, prose)| (Some(name.as_str()), id.as_str(), prose))
                });
                whole.chain(members)
            })
            .filter(|(_, _, prose)| prose.reads_as.is_some())
            .collect()
    }
}
