use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::{ContractFault, ensure, version};
use super::facts::{Documents, Evidence, SourcePlace};
use super::feature::Feature;
use super::files::{Fixtures, LoadError, read_checked};
use super::operation::Operation;
use super::revision::{Holds, Revision, RevisionRow};
use super::service::Service;
use crate::text::meant;

/// The path of the register, below the fixtures folder.
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
    /// The version of the suite: it grows when requirements are added or ask for more.
    pub suite_version: u32,
    /// The requirements.
    pub requirements: Vec<Requirement>,
    /// The revision of the documents that the requirements are of; none before they are chosen.
    #[serde(skip)]
    revision: Option<Revision>,
    /// The requirements of other revisions than the one that the contract is of, by their ids.
    #[serde(skip)]
    elsewhere: BTreeSet<String>,
    /// The index of each requirement in the list, by its id.
    #[serde(skip)]
    places: OnceLock<HashMap<String, usize>>,
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
    /// The version of the suite in which it was added, or last began to ask for more.
    #[serde(default = "first_version")]
    pub since: u32,
    /// How binding it is.
    pub level: Level,
    /// What it rests on.
    pub evidence: Evidence,
    /// Where that is said.
    pub source: Vec<SourcePlace>,
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
    /// From which to which revision of the documents it holds. It holds in none that does not know its operation or its
    /// feature.
    #[serde(default)]
    pub holds: Holds,
    /// Its index in the file.
    #[serde(skip)]
    pub place: usize,
}

const fn first_version() -> u32 {
    1
}

impl Requirement {
    /// Whether the outcome of its cases decides it: whether a request was accepted or refused. Otherwise a rule
    /// decides.
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
#[serde(default, deny_unknown_fields)]
pub struct Confirmation {
    /// Whether there is a recording, and what it says.
    pub status: ConfirmationStatus,
    /// The region it was recorded in.
    pub region: Option<String>,
    /// The day it was recorded, `2026-11-22`.
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
    /// Reads and checks the register of all revisions. Each id must begin with the prefix of one of the `operations`.
    /// Each source must be one of the `documents`, and each revision one of the `revisions`.
    ///
    /// # Errors
    /// The first row that cannot be used, with its JSON pointer.
    pub fn load(
        fixtures: &Fixtures,
        operations: &BTreeMap<String, Operation>,
        documents: &Documents,
        revisions: &[RevisionRow],
    ) -> Result<Self, LoadError> {
        let prefixes: Vec<&str> = operations.values().map(|operation| operation.requirements.as_str()).collect();
        let mut register = read_checked(fixtures, REGISTER_FILE, |register: &Self, _| {
            register.check(&prefixes, documents, revisions)
        })?;
        for (place, row) in register.requirements.iter_mut().enumerate() {
            row.place = place;
            let owner = operations.values().find(|operation| operation.owns(&row.id));
            row.operation = owner.map(|operation| operation.name.is.clone()).unwrap_or_default();
            row.source.iter_mut().for_each(|place| place.resolve(documents));
        }
        Ok(register)
    }

    /// Leaves out the requirements that do not hold in a revision, which knows `operations` only.
    pub(super) fn keep(&mut self, revision: Revision, operations: &BTreeMap<String, Operation>) {
        let Self { requirements, elsewhere, revision: own, .. } = self;
        *own = Some(revision);
        requirements.retain(|row| {
            let is_known = operations.contains_key(&row.operation) && row.feature.holds_in(revision);
            let holds = row.holds.contains(revision) && is_known;
            if !holds {
                elsewhere.insert(row.id.clone());
            }
            holds
        });
    }

    /// The revision of the documents that they are of.
    pub fn revision(&self) -> Revision {
        self.revision.unwrap_or_else(|| Service::embedded().newest_revision())
    }

    /// Whether a requirement with this id holds in other revisions, and not in this one.
    pub fn holds_elsewhere(&self, id: &str) -> bool {
        self.elsewhere.contains(id)
    }

    /// The ids of the requirements that hold in other revisions only.
    pub fn ids_elsewhere(&self) -> impl Iterator<Item = &str> {
        self.elsewhere.iter().map(String::as_str)
    }

    /// The requirements of an operation that bind one side, in the order of the register.
    pub fn of(&self, side: Side, operation: &str) -> impl Iterator<Item = &Requirement> {
        self.requirements.iter().filter(move |row| row.side == side && row.operation == operation)
    }

    /// For each operation, how many of its requirements on endpoints count for a feature.
    pub fn counts(&self, feature: Feature) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        let is_of = |row: &&Requirement| row.side == Side::Server && row.feature == feature && row.counts();
        for row in self.requirements.iter().filter(is_of) {
            *counts.entry(row.operation.clone()).or_default() += 1;
        }
        counts
    }

    /// The requirement with this id.
    pub fn get(&self, id: &str) -> Option<&Requirement> {
        let place_of = |(place, row): (usize, &Requirement)| (row.id.clone(), place);
        let places = self.places.get_or_init(|| self.requirements.iter().enumerate().map(place_of).collect());
        self.requirements.get(*places.get(id)?)
    }

    /// The requirement that a user's text means: the one with this id, however its letters and zeros are typed.
    pub fn meant(&self, id: &str) -> Option<&Requirement> {
        self.get(id).or_else(|| self.get(meant(id, self.ids())?))
    }

    /// The ids of all requirements.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.requirements.iter().map(|row| row.id.as_str())
    }

    fn check(&self, prefixes: &[&str], documents: &Documents, revisions: &[RevisionRow]) -> Result<(), ContractFault> {
        version(self.version)?;
        let mut seen = BTreeSet::new();
        for (index, row) in self.requirements.iter().enumerate() {
            let ensure = |holds, member: &str, wrong: fmt::Arguments<'_>| {
                ensure(holds, format!("/requirements/{index}/{member}"), wrong)
            };
            let id = &row.id;
            let wrong = format_args!("expected {}-<AREA>-<nn>, found \"{id}\"", prefixes.join(" or "));
            ensure(is_requirement_id(id, prefixes), "id", wrong)?;
            row.holds.check(&format!("/requirements/{index}/holds"), revisions)?;
            ensure(seen.insert(id), "id", format_args!("the requirement {id} stands here twice"))?;
            ensure(!row.text.trim().is_empty(), "text", format_args!("the requirement {id} says nothing"))?;
            ensure(!row.source.is_empty(), "source", format_args!("expected where that is said, found nothing"))?;
            let is_described = |member: &str, document: &String| {
                let wrong = format_args!("expected a document of the service, found \"{document}\"");
                ensure(documents.contains_key(document), member, wrong)
            };
            for (at, place) in row.source.iter().enumerate() {
                is_described(&format!("source/{at}/document"), &place.document)?;
            }
            for (at, document) in row.holds_in.iter().enumerate() {
                is_described(&format!("holds_in/{at}"), document)?;
            }
            let wrong = format_args!("{id} is excluded already; it is one or the other");
            ensure(row.excluded.is_none() || row.pending.is_none(), "pending", wrong)?;
            let (bounded, lists) = (row.evidence == Evidence::Conflict, !row.accepts.is_empty());
            let wrong = format_args!("{id} rests on a conflict, so it must list every accepted answer");
            ensure(!bounded || lists, "accepts", wrong)?;
            let wrong = format_args!("{id} is plain, so it has no list of accepted answers");
            ensure(bounded || !lists, "accepts", wrong)?;
            let unstated = matches!(row.evidence, Evidence::Observed | Evidence::Sibling | Evidence::Inferred);
            let wrong = format_args!("{id} is not stated anywhere, so its level must be \"may\"");
            ensure(!unstated || row.level == Level::May, "level", wrong)?;
        }
        Ok(())
    }
}

/// Whether a text has the form `<PREFIX>-<AREA>-<nn>`, with one of these prefixes.
fn is_requirement_id(id: &str, prefixes: &[&str]) -> bool {
    let [prefix, area, number] = id.split('-').collect::<Vec<_>>()[..] else { return false };
    let is_area = !area.is_empty() && area.bytes().all(|byte| byte.is_ascii_uppercase());
    let is_number = number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit());
    prefixes.contains(&prefix) && is_area && is_number
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    /// Checks a plain row with one member changed.
    fn check(member: &str, value: Value) -> Result<(), ContractFault> {
        let mut row = json!({
            "id": "GC-DUR-01", "text": "t", "level": "must", "evidence": "documented", "source": [{ "document": "s" }]
        });
        row[member] = value;
        let register = json!({ "version": 1, "suite_version": 1, "requirements": [row] });
        let documents = json!({ "s": { "title": "S", "about": "a page" } });
        let documents = serde_json::from_value(documents).expect("documents");
        serde_json::from_value::<Register>(register).expect("a register").check(&["GC"], &documents, &[])
    }

    #[test]
    fn a_plain_row_is_taken() {
        assert_eq!(check("id", "GC-DUR-01".into()), Ok(()));
    }

    #[rstest]
    #[case::id("id", json!("GC-DUR-1"), "id")]
    #[case::another_prefix("id", json!("XY-DUR-01"), "id")]
    #[case::text("text", json!(" "), "text")]
    #[case::inferred_must("evidence", json!("inferred"), "level")]
    #[case::unbounded("evidence", json!("conflict"), "accepts")]
    #[case::unknown_document("source", json!([{ "document": "t" }]), "source/0/document")]
    fn a_wrong_row_is_refused_with_its_place(#[case] member: &str, #[case] value: Value, #[case] place: &str) {
        let (pointer, _) = check(member, value).expect_err("the row is wrong");
        assert_eq!(pointer, format!("/requirements/0/{place}"));
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let row = json!({ "id": "GC-DUR-01", "txt": "t" });
        let error = serde_json::from_value::<Requirement>(row).expect_err("the key is unknown");
        assert!(error.to_string().contains("unknown field `txt`"), "{error}");
    }
}
