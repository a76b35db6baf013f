//! The facts of which every file of the contract is made, each with its evidence and its sources.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::revision::{Holds, Revision};

/// What a fact rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// Stated plainly in one of the two source documents, or in an older copy of one.
    Documented,
    /// In AWS's machine-readable model of the service.
    Modelled,
    /// In Smithy's definition of the AWS JSON 1.1 protocol.
    Protocol,
    /// In a public record of real AWS.
    Observed,
    /// Seen on another AWS service that speaks the same protocol.
    Sibling,
    /// Concluded from the others.
    Inferred,
    /// The sources contradict each other, or are silent where an answer is needed.
    Conflict,
}

/// A source of facts: a page, a model, a standard.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// What reports call it.
    pub title: String,
    /// What it is, in our own words.
    pub about: String,
    /// The evidence that a fact has which stands in it: a fact with this evidence needs such a document.
    #[serde(default)]
    pub supports: Option<Evidence>,
    /// The last revision of the documents that it is of, if it is an older one: only what ended with that revision or
    /// before it can rest on it.
    #[serde(default)]
    pub until: Option<Revision>,
    /// Where it can be read.
    #[serde(default)]
    pub url: Option<String>,
    /// The page's own names of places in it: what a place begins with, and the fragment of the address.
    #[serde(default)]
    pub anchors: BTreeMap<String, String>,
}

impl Document {
    /// The address of a place in it, with the fragment of the longest anchor that fits; `None` where it has no address.
    pub fn address(&self, place: &str) -> Option<String> {
        let url = self.url.as_ref()?;
        let begins = |anchor: &str| {
            place.strip_prefix(anchor).is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric()))
        };
        let anchor = self.anchors.iter().filter(|(anchor, _)| begins(anchor)).max_by_key(|(anchor, _)| anchor.len());
        Some(anchor.map_or_else(|| url.clone(), |(_, fragment)| format!("{url}#{fragment}")))
    }
}

/// The sources of a contract by their ids.
pub type Documents = BTreeMap<String, Document>;

/// Where something is stated: the id of each source, and the place in it.
pub type PlacesBySource = BTreeMap<String, String>;

/// A place in a source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[serde(rename = "Place")]
pub struct SourcePlace {
    /// The id of the source.
    pub document: String,
    /// The place in it, in words; empty for all of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// What reports call the source.
    #[serde(skip)]
    pub title: String,
    /// Where the place can be read.
    #[serde(skip)]
    pub address: Option<String>,
}

impl SourcePlace {
    /// Looks up the title of its source and the address of the place.
    pub fn resolve(&mut self, documents: &Documents) {
        if let Some(document) = documents.get(&self.document) {
            self.title.clone_from(&document.title);
            self.address = document.address(&self.place);
        }
    }
}

impl SourcePlace {
    /// The address of the place, where it can stand in a link of any format as it is.
    pub fn link(&self) -> Option<&str> {
        let is_safe = |address: &&str| {
            let mut bytes = address.bytes();
            ["http://", "https://"].iter().any(|scheme| address.starts_with(scheme))
                && bytes.all(|byte| byte.is_ascii_graphic() && !b"\"'`<>()\\|".contains(&byte))
        };
        self.address.as_deref().filter(is_safe)
    }
}

impl fmt::Display for SourcePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = if self.title.is_empty() { &self.document } else { &self.title };
        f.write_str(title)?;
        if self.place.is_empty() { Ok(()) } else { write!(f, ", {}", self.place) }
    }
}

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
    pub source: PlacesBySource,
    /// From which to which revision it holds. Only the constraints of members, the meanings of structures and the
    /// errors of operations change.
    #[serde(default)]
    pub holds: Holds,
    /// What was stated before it began to hold.
    pub was: Option<Box<Fact<T>>>,
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
    pub reads_as: Option<Reading>,
    /// What it rests on.
    pub evidence: Evidence,
    /// Every source that states it, and the place in it.
    pub source: PlacesBySource,
    /// From which to which revision it is stated.
    #[serde(default)]
    pub holds: Holds,
}

/// A prose constraint as a program can check it. Everything that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Reading {
    /// At least one of these members must be there.
    pub any_of: Option<Vec<String>>,
    /// The fewest characters (Unicode scalar values).
    pub min_length: Option<u64>,
    /// The most characters (Unicode scalar values).
    pub max_length: Option<u64>,
    /// A regular expression that must match; anchored only where it says so.
    pub pattern: Option<String>,
    /// The smallest number.
    pub minimum: Option<i64>,
    /// The largest number.
    pub maximum: Option<i64>,
    /// Must not be one of the reserved words, in whatever letter case.
    pub not_reserved: bool,
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
    pub places: BTreeMap<String, BTreeMap<String, Value>>,
    /// How it came about, or what it means.
    pub explanation: String,
    /// What the generated JSON Schema does about it.
    pub schema: String,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const PAGE: &str = "https://example.com/page";

    #[rstest]
    #[case::all_of_it("", "")]
    #[case::nowhere_in_particular("the last table", "")]
    #[case::whole("section 8.1", "#section-8.1")]
    #[case::with_more_words("section 8.1, the second paragraph", "#section-8.1")]
    #[case::another_section("section 8.10", "")]
    #[case::the_longest_name("Errors, ValidationException", "#validation")]
    #[case::the_shorter_name("Errors, all of them", "#errors")]
    fn a_place_leads_as_far_as_its_page_has_names(#[case] place: &str, #[case] fragment: &str) {
        let anchors =
            [("section 8.1", "section-8.1"), ("Errors", "errors"), ("Errors, ValidationException", "validation")];
        let mut document = Document {
            title: String::new(),
            about: String::new(),
            supports: None,
            until: None,
            url: Some(PAGE.to_owned()),
            anchors: anchors.map(|(place, fragment)| (place.to_owned(), fragment.to_owned())).into(),
        };
        assert_eq!(document.address(place), Some(format!("{PAGE}{fragment}")));
        document.url = None;
        assert_eq!(document.address(place), None, "what can be read nowhere has no address");
    }
}
