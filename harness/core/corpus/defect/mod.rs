//! The format of the banks: deliberate faults and legal variants, as rewritings of request and answer.
//!
//! Start with [`Defect`]; [`Defects::load`] is the way in.

mod change;
mod door;
mod load;
mod when;

use std::fmt;

use regex::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};

use super::pattern::{Glob, compile_regex};
use crate::contract::Revision;

pub use change::{
    Affix, Arithmetic, Assignment, BodyEncoding, Cast, CastTo, HeaderChange, HeaderCopy, Range, Renaming, Replacement,
    RequestChange, ResponseChange, Truncation,
};
pub use door::{
    Asked, DoorChange, DoorTls, LoginChange, LoginCondition, NameChange, PasswordKind, Refusal, Seconds,
    StatementChange, StatementOutcome,
};
pub use load::Defects;
pub use when::{BodyKind, Condition, Numbers, SignatureState, ValueKind, When};

/// A file of faults and legal variants on one topic.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[serde(rename = "Bank")]
pub struct DefectFile {
    /// The JSON Schema of this file, for editors.
    #[serde(rename = "$schema", default)]
    pub schema: Option<String>,
    /// The version of this format: 1.
    pub version: u32,
    /// The entries.
    pub defects: Vec<Defect>,
}

/// A deliberate fault of a server, or a legal variant of a right one, as a rewriting of what goes in
/// and of what comes out of a right server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Defect {
    /// Its name, in kebab-case.
    pub id: String,
    /// A fault, which must be found, or a legal variant, which must not be accused.
    pub kind: DefectKind,
    /// What such a server does, as a sentence.
    pub title: String,
    /// The requirements that it breaks; none for a legal variant.
    #[serde(default)]
    pub requirements: Vec<String>,
    /// Requirements that fall with those, as ids or globs such as `GC-ERR-*`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub also: Vec<IdGlob>,
    /// Requirements that a legal variant leaves undecided, as ids or globs: those of which its answers
    /// say nothing.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub undecided: Vec<IdGlob>,
    /// The revision of the documents by which such a server is judged; the newest where it is not said. The server
    /// behind it is of that revision too.
    #[serde(default)]
    pub revision: Option<Revision>,
    /// Whether a self-test that does not find it is void; one defect has it.
    #[serde(default)]
    pub canary: bool,
    /// Which exchanges are rewritten; all where it is left out.
    #[serde(default)]
    pub when: When,
    /// What is changed about the request before the server sees it, in order.
    #[serde(default)]
    pub request: Vec<RequestChange>,
    /// What is changed about the answer, in order.
    #[serde(default)]
    pub response: Vec<ResponseChange>,
    /// What is changed about log-ins with the credentials, in place of requests and answers.
    #[serde(default)]
    pub door: Option<Box<DoorChange>>,
}

/// What an entry of a bank is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DefectKind {
    /// A fault: some requirement is broken.
    Defect,
    /// A right server that makes another use of what the documents leave open.
    Legal,
}

impl fmt::Display for DefectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Defect => "defect",
            Self::Legal => "legal",
        })
    }
}

impl Defect {
    /// Whether the entry declares a violation of a requirement, under `requirements` or `also`.
    pub fn declares(&self, requirement: &str) -> bool {
        self.requirements.iter().any(|id| id == requirement) || self.also.iter().any(|also| also.fits(requirement))
    }
}

/// A regular expression; it matches anywhere in a text unless it is anchored.
#[derive(Clone, Debug)]
pub struct TextPattern(Regex);

impl TextPattern {
    /// The expression.
    pub fn regex(&self) -> &Regex {
        &self.0
    }
}

impl<'de> Deserialize<'de> for TextPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        compile_regex(&text).map(Self).map_err(|error| de::Error::custom(format_args!("not a pattern: {error}")))
    }
}

impl JsonSchema for TextPattern {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TextPattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "regex" })
    }
}

/// An id of a requirement, or a glob for several, such as `GC-ERR-*`.
#[derive(Clone, Debug)]
pub struct IdGlob {
    text: String,
    glob: Glob,
}

impl IdGlob {
    /// Whether an id matches.
    pub fn fits(&self, id: &str) -> bool {
        self.glob.matches(id)
    }
}

impl fmt::Display for IdGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl Serialize for IdGlob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for IdGlob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let glob = Glob::new(&text, false).map_err(|error| de::Error::custom(format_args!("not a glob: {error}")))?;
        Ok(Self { text, glob })
    }
}
