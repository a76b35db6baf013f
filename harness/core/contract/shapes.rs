//! Documented shapes: JSON objects with members, each member with its type and its constraints.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::facts::{Fact, Prose};
use super::revision::Holds;

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

/// One member of a structure, or what each item of a list and each value of a map is. What is not stated is absent.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// What it is, in our own words. A member has it; items do not.
    pub meaning: Option<Fact<String>>,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Fact<MemberKind>,
    /// Whether it is always there. A member has it; items do not.
    pub required: Option<Fact<bool>>,
    /// How JSON writes a point in time.
    pub json_type: Option<Fact<JsonType>>,
    /// The name of the shape that a structure has.
    #[serde(default)]
    pub shape: Option<String>,
    /// What each item of a list, or each value of a map, is.
    pub items: Option<Box<Member>>,
    /// The values that an enumeration has.
    pub values: Option<Fact<Vec<String>>>,
    /// The fewest characters (Unicode scalar values) of a text, or items of a list.
    pub min_length: Option<Fact<u64>>,
    /// The most characters (Unicode scalar values) of a text, or items of a list.
    pub max_length: Option<Fact<u64>>,
    /// The smallest number.
    pub minimum: Option<Fact<i64>>,
    /// The largest number.
    pub maximum: Option<Fact<i64>>,
    /// The regular expression, as stated.
    pub pattern: Option<Fact<String>>,
    /// What holds where the member is left out.
    pub default: Option<Fact<i64>>,
    /// Whether its value is a secret.
    pub sensitive: Option<Fact<bool>>,
    /// Of a point in time in a response: the member of the request that says how many seconds after the call it is.
    pub expires_after: Option<Fact<String>>,
    /// What is stated in running text only.
    #[serde(default)]
    pub prose: BTreeMap<String, Prose>,
    /// From which to which revision there is such a member.
    #[serde(default)]
    pub holds: Holds,
}

impl Member {
    /// Whether it is always there.
    pub fn is_required(&self) -> bool {
        self.required.as_ref().is_some_and(|fact| fact.is)
    }

    /// Whether its value is a secret, or a list or map of secrets.
    pub fn is_sensitive(&self) -> bool {
        self.sensitive.as_ref().is_some_and(|fact| fact.is)
            || self.items.as_ref().is_some_and(|items| items.is_sensitive())
    }
}

/// The documented type of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[serde(rename = "Kind")]
pub enum MemberKind {
    /// Text.
    String,
    /// One of several texts.
    Enumeration,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// A point in time.
    Timestamp,
    /// An object with documented members.
    Structure,
    /// A list.
    List,
    /// An object with any members of one kind.
    Map,
}

/// How JSON writes a point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JsonType {
    /// Seconds since 1970-01-01T00:00:00Z, possibly with a fraction.
    Number,
    /// Text: a date and a time as in RFC 3339.
    String,
}

impl Structure {
    /// Every prose statement with a checkable reading: the member it is about (`None` where it is about the structure
    /// as a whole), its id, the statement.
    pub fn readings(&self) -> impl Iterator<Item = (Option<&str>, &str, &Prose)> {
        let whole = self.prose.iter().map(|(id, prose)| (None, id.as_str(), prose));
        let members = self.members.iter().flat_map(|(name, member)| {
            member.prose.iter().map(move |(id, prose)| (Some(name.as_str()), id.as_str(), prose))
        });
        whole.chain(members).filter(|(_, _, prose)| prose.reads_as.is_some())
    }
}
