//! Texts that stand for several: regular expressions, and globs over ids.

use std::fmt;

use globset::{Glob, GlobMatcher};
use regex::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};

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
        Regex::new(&text).map(Self).map_err(|error| de::Error::custom(format_args!("not a pattern: {error}")))
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
pub struct IdGlob(GlobMatcher);

impl IdGlob {
    /// Whether it stands for an id.
    pub fn fits(&self, id: &str) -> bool {
        self.0.is_match(id)
    }
}

impl fmt::Display for IdGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.glob().glob())
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
        let glob = Glob::new(&text).map_err(|error| de::Error::custom(format_args!("not a glob: {error}")))?;
        Ok(Self(glob.compile_matcher()))
    }
}

impl JsonSchema for IdGlob {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "IdGlob".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}
