//! The features that a target may lack.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};

use super::revision::Revision;
use super::service::{FeatureRow, Service};
use crate::text::{did_you_mean, foreign};

/// A feature of the service that a target may lack: its index in the service's list of features. [`Feature::CORE`] is
/// always claimed. A target is held to another feature only if it claims it.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Feature(usize);

impl Feature {
    /// The operation itself; always claimed.
    pub const CORE: Self = Self(0);
    /// Signatures are checked.
    pub const SIGNATURE: Self = Self(1);
    /// The credentials log in to a database.
    pub const LOGIN: Self = Self(5);
    /// The clock can be moved.
    pub const CLOCK: Self = Self(6);

    /// Every feature, in the order in which reports list them.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::table().len()).map(Self)
    }

    /// The word for it, as in fixtures and on the command line.
    pub fn word(self) -> &'static str {
        &Self::table()[self.0].name
    }

    /// What claiming it says about a target.
    pub fn meaning(self) -> &'static str {
        &Self::table()[self.0].meaning
    }

    /// Whether the documents of a revision know it.
    pub fn holds_in(self, revision: Revision) -> bool {
        Self::table()[self.0].holds.contains(revision)
    }

    fn table() -> &'static [FeatureRow] {
        &Service::embedded().features
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl fmt::Debug for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Feature {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let known_words: Vec<_> = Self::all().map(Self::word).collect();
        Self::all().find(|feature| feature.word() == word).ok_or_else(|| {
            let near = did_you_mean(word, known_words.iter().copied());
            format!("there is no feature \"{}\"{near}; the features are {}", foreign(word), known_words.join(", "))
        })
    }
}

impl Serialize for Feature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl<'de> Deserialize<'de> for Feature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Feature {
    fn schema_name() -> Cow<'static, str> {
        "Feature".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<_> = Self::all().map(Self::word).collect();
        json_schema!({ "description": "What a target may lack. Everything but `core` has to be claimed.", "enum": words })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_is_read_by_its_word_and_compared_by_its_place() {
        assert_eq!("signature".parse(), Ok(Feature::SIGNATURE));
        assert_eq!("login".parse(), Ok(Feature::LOGIN));
        assert_eq!("clock".parse(), Ok(Feature::CLOCK));
        assert!(
            Feature::CORE < Feature::SIGNATURE && Feature::all().all(|feature| feature.word().parse() == Ok(feature))
        );
        assert!("moon".parse::<Feature>().is_err_and(|error| error.contains("the features are core, signature,")));
    }
}
