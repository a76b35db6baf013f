use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::facts::{Documents, Evidence, Place};
use super::feature::Feature;
use super::files::{Fixtures, LoadError, check_readable, parse};
use super::operation::Operation;

/// Where the register stands, below the fixtures folder.
pub const REGISTER_FILE: &str = "requirements.json";

/// Who is under test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// An endpoint.
    #[default]
    Server,
    /// An SDK.
    Client,
}

/// How binding a requirement is; only [`Level::Must`] decides conformance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Stated plainly in the documents, or a constraint of the service model.
    Must,
    /// A SHOULD of the protocol: breaking it is a warning.
    Should,
    /// Only observed, seen on a sibling service, or inferred: reported, never held against a target.
    May,
}

/// The register of requirements: every sentence of the contract that is tested, bounded or left out.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// The JSON Schema of this file, for editors.
    #[serde(rename = "$schema", default)]
    pub schema: Option<String>,
    /// The version of this format: 1.
    pub version: u32,
    /// The requirements.
    pub requirements: Vec<Requirement>,
}

/// One sentence of the contract.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// `<PREFIX>-<AREA>-<nn>` with the prefix of its operation, such as `GC-DUR-02`; never given to another requirement.
    pub id: String,
    /// The operation that it belongs to, by what its id begins with.
    #[serde(skip)]
    pub operation: String,
    /// The requirement, in our words.
    pub text: String,
    /// How binding it is.
    pub level: Level,
    /// What it rests on.
    pub evidence: Evidence,
    /// Where that is said.
    pub source: Vec<Place>,
    /// Whether recordings of real AWS bear it out.
    #[serde(default)]
    pub confirmation: Confirmation,
    /// Whom it binds: an endpoint, or an SDK. A run of the one side never counts rows of the other.
    #[serde(default)]
    pub side: Side,
    /// The feature it belongs to.
    #[serde(default)]
    pub feature: Feature,
    /// Every accepted answer, where the sources contradict each other or are silent.
    #[serde(default)]
    pub accepts: Vec<String>,
    /// The rule of the judge that decides it; without one, the outcome of the cases that cite it does.
    #[serde(default)]
    pub decided_by: Option<Decision>,
    /// Why it is not counted, for a requirement that no case can decide.
    #[serde(default)]
    pub excluded: Option<String>,
    /// What is missing before a case can decide it.
    #[serde(default)]
    pub pending: Option<String>,
    /// The ids of the pages that say it, for a requirement that the pages of the operation make: pages are of
    /// different revisions.
    #[serde(default)]
    pub holds_in: Vec<String>,
}

impl Requirement {
    /// Whether it is decided by whether a request was accepted or refused, and not by a rule of its own.
    pub fn is_outcome(&self) -> bool {
        self.decided_by.is_none()
    }

    /// Whether it counts towards conformance.
    pub fn counts(&self) -> bool {
        self.level == Level::Must && self.is_tested()
    }

    /// Whether cases decide it: it is neither excluded nor pending.
    pub fn is_tested(&self) -> bool {
        self.excluded.is_none() && self.pending.is_none()
    }
}

/// Which findings of which rule decide a requirement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// The rule's name.
    pub rule: String,
    /// Only findings at this JSON pointer of the body.
    #[serde(default)]
    pub at: Option<String>,
    /// Only findings of this JSON Schema keyword.
    #[serde(default)]
    pub keyword: Option<String>,
    /// Only findings on this error.
    #[serde(default)]
    pub error: Option<String>,
}

/// What recordings of real AWS say of a requirement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// Whether there is a recording, and what it says.
    #[serde(default)]
    pub status: ConfirmationStatus,
    /// The region it was recorded in.
    #[serde(default)]
    pub region: Option<String>,
    /// The day it was recorded, `2026-11-22`.
    #[serde(default)]
    pub date: Option<String>,
}

/// Whether recordings of real AWS bear a requirement out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConfirmationStatus {
    /// Nobody has recorded it.
    #[default]
    None,
    /// A recording shows it.
    Confirmed,
    /// A recording shows something else.
    Contradicted,
}

impl Register {
    /// Reads and checks the register: ids begin with the prefix of one of the `operations`, sources are among the
    /// `documents`.
    ///
    /// # Errors
    /// The first row that cannot be used, with its JSON pointer.
    pub fn load(
        fixtures: &Fixtures,
        operations: &BTreeMap<String, Operation>,
        documents: &Documents,
    ) -> Result<Self, LoadError> {
        let file = fixtures.name_of(REGISTER_FILE);
        let text = fixtures.read(REGISTER_FILE)?;
        let mut register: Self = parse(&file, &text)?;
        check_readable(&file, &parse(&file, &text)?)?;
        let prefixes: Vec<&str> = operations.values().map(|operation| operation.requirements.as_str()).collect();
        register.check(&file, &prefixes, documents)?;
        for row in &mut register.requirements {
            let owner = operations.values().find(|operation| operation.owns(&row.id));
            row.operation = owner.map(|operation| operation.name.is.clone()).unwrap_or_default();
        }
        for place in register.requirements.iter_mut().flat_map(|row| &mut row.source) {
            place.resolve(documents);
        }
        Ok(register)
    }

    /// The requirements of an operation that bind one side, in the order of the register.
    pub fn of(&self, side: Side, operation: &str) -> impl Iterator<Item = &Requirement> {
        self.requirements.iter().filter(move |row| row.side == side && row.operation == operation)
    }

    /// The requirement with this id.
    pub fn get(&self, id: &str) -> Option<&Requirement> {
        self.requirements.iter().find(|requirement| requirement.id == id)
    }

    fn check(&self, file: &str, prefixes: &[&str], documents: &Documents) -> Result<(), LoadError> {
        if self.version != 1 {
            return Err(LoadError::new(file, "/version", format!("expected version 1, found {}", self.version)));
        }
        let mut seen = BTreeSet::new();
        for (index, row) in self.requirements.iter().enumerate() {
            let wrong = |member: &str, message: String| {
                Err(LoadError::new(file, format!("/requirements/{index}/{member}"), message))
            };
            if !is_requirement_id(&row.id, prefixes) {
                let message = format!("expected {}-<AREA>-<nn>, found \"{}\"", prefixes.join(" or "), row.id);
                return wrong("id", message);
            }
            if !seen.insert(&row.id) {
                return wrong("id", format!("the requirement {} stands here twice", row.id));
            }
            if row.text.trim().is_empty() {
                return wrong("text", format!("the requirement {} says nothing", row.id));
            }
            if row.source.is_empty() {
                return wrong("source", "expected where that is said, found nothing".to_owned());
            }
            let unknown = |id: &String| !documents.contains_key(id);
            let mut places = row.source.iter().map(|place| &place.document).enumerate();
            if let Some((at, id)) = places.find(|(_, id)| unknown(id)) {
                let message = format!("expected a document of the service, found \"{id}\"");
                return wrong(&format!("source/{at}/document"), message);
            }
            if let Some((at, id)) = row.holds_in.iter().enumerate().find(|(_, id)| unknown(id)) {
                return wrong(&format!("holds_in/{at}"), format!("expected a document of the service, found \"{id}\""));
            }
            if row.excluded.is_some() && row.pending.is_some() {
                return wrong("pending", format!("{} is excluded already; it is one or the other", row.id));
            }
            let bounded = row.evidence == Evidence::Conflict;
            if bounded && row.accepts.is_empty() {
                return wrong(
                    "accepts",
                    format!("{} rests on a conflict, so it must list every accepted answer", row.id),
                );
            }
            if !bounded && !row.accepts.is_empty() {
                return wrong("accepts", format!("{} is plain, so it has no list of accepted answers", row.id));
            }
            let binding = matches!(row.evidence, Evidence::Observed | Evidence::Sibling | Evidence::Inferred);
            if binding && row.level != Level::May {
                return wrong("level", format!("{} is not stated anywhere, so its level must be \"may\"", row.id));
            }
        }
        Ok(())
    }
}

/// Whether a text has the form `<PREFIX>-<AREA>-<nn>`, with one of these prefixes.
fn is_requirement_id(id: &str, prefixes: &[&str]) -> bool {
    let mut parts = id.split('-');
    let (prefix, area, number) = (parts.next(), parts.next(), parts.next());
    prefix.is_some_and(|prefix| prefixes.contains(&prefix))
        && area.is_some_and(|area| !area.is_empty() && area.bytes().all(|byte| byte.is_ascii_uppercase()))
        && number.is_some_and(|number| number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit()))
        && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn check(row: &str) -> Result<(), LoadError> {
        let text = format!(r#"{{"version":1,"requirements":[{row}]}}"#);
        let page = r#"{"s":{"title":"S","about":"a page"}}"#;
        let documents = serde_json::from_str(page).expect("documents");
        parse::<Register>("requirements.json", &text)?.check("requirements.json", &["GC"], &documents)
    }

    #[test]
    fn a_plain_row_is_taken() {
        let row = r#"{"id":"GC-DUR-01","text":"t","level":"must","evidence":"documented","source":[{"document":"s"}]}"#;
        assert_eq!(check(row), Ok(()));
    }

    #[rstest]
    #[case::id(
        r#"{"id":"GC-DUR-1","text":"t","level":"must","evidence":"documented","source":[{"document":"s"}]}"#,
        "/requirements/0/id"
    )]
    #[case::text(
        r#"{"id":"GC-DUR-01","text":" ","level":"must","evidence":"documented","source":[{"document":"s"}]}"#,
        "/requirements/0/text"
    )]
    #[case::inferred_must(
        r#"{"id":"GC-DUR-01","text":"t","level":"must","evidence":"inferred","source":[{"document":"s"}]}"#,
        "/requirements/0/level"
    )]
    #[case::unbounded(
        r#"{"id":"GC-DUR-01","text":"t","level":"must","evidence":"conflict","source":[{"document":"s"}]}"#,
        "/requirements/0/accepts"
    )]
    #[case::another_prefix(
        r#"{"id":"XY-DUR-01","text":"t","level":"must","evidence":"documented","source":[{"document":"s"}]}"#,
        "/requirements/0/id"
    )]
    #[case::unknown_document(
        r#"{"id":"GC-DUR-01","text":"t","level":"must","evidence":"documented","source":[{"document":"t"}]}"#,
        "/requirements/0/source/0/document"
    )]
    #[case::unknown_key(r#"{"id":"GC-DUR-01","txt":"t"}"#, "/requirements/0/txt")]
    fn a_wrong_row_is_refused_with_its_place(#[case] row: &str, #[case] pointer: &str) {
        assert_eq!(check(row).expect_err("the row is wrong").pointer, pointer);
    }
}
