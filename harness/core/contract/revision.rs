//! Revisions of the documents: which there are, and from which to which one a part of the contract holds.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::check::{ContractFault, ensure};
use super::facts::{Fact, PlacesBySource, Prose};
use super::files::{Place, each_value, pointer_below};
use super::operation::Operation;
use super::service::Service;
use super::shapes::{Member, Structure};
use crate::text::foreign;

/// A revision of the documents, by the year in which it was the one to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Revision(u16);

impl Revision {
    /// The revision of a year.
    pub const fn of_year(year: u16) -> Self {
        Self(year)
    }

    /// The year.
    pub const fn year(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Revision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let year = text.parse().ok().filter(|_| text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit()));
        year.map(Self).ok_or_else(|| format!("expected a year such as 2022, found \"{}\"", foreign(text)))
    }
}

/// A revision of the documents that a contract has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevisionRow {
    /// The year by which it is called: throughout that year or most of it, the documents were these.
    pub year: Revision,
    /// From when to when the documents were these.
    pub pages: String,
    /// What changed since the revision before it, as a sentence.
    pub changes: String,
    /// Where that stands.
    pub source: PlacesBySource,
}

/// From which to which revision something holds; in all where it is not said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Holds {
    /// The first revision in which it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Revision>,
    /// The last revision in which it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Revision>,
}

impl Holds {
    /// Whether it holds in a revision.
    pub fn contains(self, revision: Revision) -> bool {
        self.from.is_none_or(|from| from <= revision) && self.until.is_none_or(|until| revision <= until)
    }

    /// Whether it holds in every revision.
    pub fn is_always(self) -> bool {
        self == Self::default()
    }

    /// Checks that it names revisions of the contract, and some revision in which it holds and some in which it does
    /// not.
    pub(super) fn check(self, at: &str, revisions: &[RevisionRow]) -> Result<(), ContractFault> {
        let Some(wrong) = self.flaw(revisions) else { return Ok(()) };
        Err((at.to_owned(), wrong))
    }

    /// What is wrong with it, given the revisions that there are.
    pub(crate) fn flaw(self, revisions: &[RevisionRow]) -> Option<String> {
        let is_there = |year: &Revision| revisions.iter().any(|row| row.year == *year);
        if let Some(year) = self.from.iter().chain(&self.until).find(|year| !is_there(year)) {
            return Some(no_such_revision(*year, revisions));
        }
        let count = revisions.iter().filter(|row| self.contains(row.year)).count();
        let differs = (1..revisions.len()).contains(&count) || self.is_always();
        (!differs).then(|| "expected some revisions in which it holds, and some in which it does not".to_owned())
    }
}

impl fmt::Display for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from, self.until) {
            (None, None) => f.write_str("all"),
            (Some(from), None) => write!(f, "from {from} on"),
            (None, Some(until)) => write!(f, "until {until}"),
            (Some(from), Some(until)) => write!(f, "from {from} until {until}"),
        }
    }
}

/// The words for a revision that a contract does not have.
pub fn no_such_revision(year: Revision, revisions: &[RevisionRow]) -> String {
    let years: Vec<_> = revisions.iter().map(|row| row.year.to_string()).collect();
    format!("there is no revision {year} of the documents here; there are {}", years.join(", "))
}

/// Checks the list of revisions: not empty, from the oldest to the newest.
pub(super) fn revisions(rows: &[RevisionRow]) -> Result<(), ContractFault> {
    ensure(!rows.is_empty(), "/revisions", format_args!("expected at least one revision, found none"))?;
    for (index, pair) in rows.windows(2).enumerate() {
        let (before, after) = (pair[0].year, pair[1].year);
        let wrong = format_args!("expected a year after {before}, found {after}");
        ensure(before < after, format!("/revisions/{}/year", index + 1), wrong)?;
    }
    Ok(())
}

/// Checks everything in a file of the contract that holds in some revisions only: that the revisions exist, and that a
/// fact that has an older value says since when it has the newer one.
pub(super) fn every_holds(document: &Value, rows: &[RevisionRow]) -> Result<(), ContractFault> {
    each_value(Place::Document, document, &mut |at, value| {
        if at.name() == "holds" {
            let holds = Holds::deserialize(value).unwrap_or_default();
            return holds.check(&at.to_string(), rows);
        }
        if value.get("was").is_none() {
            return Ok(());
        }
        let since = value.pointer("/holds/from").and_then(Value::as_u64);
        let until = value.pointer("/was/holds/until").and_then(Value::as_u64);
        let follows = since.zip(until).is_some_and(|(since, until)| {
            let year = |row: &RevisionRow| u64::from(row.year.year());
            rows.windows(2).any(|pair| year(&pair[0]) == until && year(&pair[1]) == since)
        });
        let wrong =
            format_args!("expected it to hold until the revision before the one from which the newer value holds");
        ensure(follows, pointer_below(&at.to_string(), "was"), wrong)
    })
}

/// What is made smaller until only what holds in one revision is left.
pub(super) trait InRevision {
    /// Leaves out what does not hold in this revision.
    fn keep(&mut self, revision: Revision);
}

/// A fact that need not be stated: its value in the revision, or nothing.
impl<T> InRevision for Option<Fact<T>> {
    fn keep(&mut self, revision: Revision) {
        while let Some(fact) = self.take() {
            if fact.holds.contains(revision) {
                *self = Some(fact);
                return;
            }
            *self = fact.was.map(|older| *older);
        }
    }
}

/// A fact that must be stated: its value in the revision, or else the oldest one.
impl<T> InRevision for Fact<T> {
    fn keep(&mut self, revision: Revision) {
        while !self.holds.contains(revision)
            && let Some(older) = self.was.take()
        {
            *self = *older;
        }
    }
}

impl InRevision for Member {
    fn keep(&mut self, revision: Revision) {
        let Self { required, values, min_length, max_length, minimum, maximum, pattern, default, items, prose, .. } =
            self;
        required.keep(revision);
        values.keep(revision);
        min_length.keep(revision);
        max_length.keep(revision);
        minimum.keep(revision);
        maximum.keep(revision);
        pattern.keep(revision);
        default.keep(revision);
        if let Some(items) = items {
            items.keep(revision);
        }
        prose.retain(|_, prose: &mut Prose| prose.holds.contains(revision));
    }
}

impl InRevision for Structure {
    fn keep(&mut self, revision: Revision) {
        self.meaning.keep(revision);
        self.members.retain(|_, member| member.holds.contains(revision));
        self.members.values_mut().for_each(|member| member.keep(revision));
        self.prose.retain(|_, prose| prose.holds.contains(revision));
    }
}

impl InRevision for Operation {
    fn keep(&mut self, revision: Revision) {
        self.request.keep(revision);
        self.response.keep(revision);
        self.prose.retain(|_, prose| prose.holds.contains(revision));
        self.errors.retain(|_, error| error.holds.contains(revision));
    }
}

impl InRevision for Service {
    fn keep(&mut self, revision: Revision) {
        let absent = |name: &String| self.features.iter().any(|row| row.name == *name && !row.holds.contains(revision));
        self.resources.retain(|resource| !resource.feature.as_ref().is_some_and(absent));
        self.shapes.values_mut().for_each(|shape| shape.keep(revision));
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn rows() -> Vec<RevisionRow> {
        let row = |year| json!({ "year": year, "pages": "p", "changes": "c", "source": {} });
        serde_json::from_value(json!([row(2021), row(2022), row(2024)])).expect("rows")
    }

    fn holds(value: Value) -> Holds {
        serde_json::from_value(value).expect("it can be read")
    }

    #[rstest]
    #[case::always(json!({}), [true, true, true])]
    #[case::from(json!({ "from": 2022 }), [false, true, true])]
    #[case::until(json!({ "until": 2022 }), [true, true, false])]
    #[case::between(json!({ "from": 2022, "until": 2022 }), [false, true, false])]
    fn both_bounds_are_included(#[case] value: Value, #[case] expected: [bool; 3]) {
        let holds = holds(value);
        assert_eq!([2021, 2022, 2024].map(|year| holds.contains(Revision::of_year(year))), expected);
    }

    #[rstest]
    #[case::a_gap(json!({ "from": 2023 }), "there is no revision 2023 of the documents here; there are 2021, 2022, 2024")]
    #[case::everywhere(json!({ "from": 2021 }), "expected some revisions in which it holds")]
    #[case::nowhere(json!({ "from": 2024, "until": 2021 }), "expected some revisions in which it holds")]
    fn revisions_that_say_nothing_are_refused(#[case] value: Value, #[case] message: &str) {
        let (at, found) = every_holds(&json!({ "a": { "holds": value } }), &rows()).expect_err("it is refused");
        assert!(at == "/a/holds" && found.starts_with(message), "{at}: {found}");
    }

    #[rstest]
    #[case::follows(json!({ "holds": { "from": 2022 }, "was": { "holds": { "until": 2021 } } }), true)]
    #[case::a_hole(json!({ "holds": { "from": 2024 }, "was": { "holds": { "until": 2021 } } }), false)]
    #[case::no_end(json!({ "holds": { "from": 2022 }, "was": {} }), false)]
    #[case::no_beginning(json!({ "was": { "holds": { "until": 2021 } } }), false)]
    fn an_older_value_ends_where_the_newer_one_begins(#[case] fact: Value, #[case] is_right: bool) {
        assert_eq!(every_holds(&fact, &rows()).is_ok(), is_right);
    }

    #[test]
    fn a_fact_has_the_value_of_its_revision() {
        let fact = json!({ "is": 3, "evidence": "documented", "source": {}, "holds": { "from": 2024 }, "was":
            { "is": 2, "evidence": "documented", "source": {}, "holds": { "from": 2022, "until": 2022 } } });
        let value = |year| {
            let mut fact: Option<Fact<u64>> = serde_json::from_value(fact.clone()).expect("a fact");
            fact.keep(Revision::of_year(year));
            fact.map(|fact| fact.is)
        };
        assert_eq!([2021, 2022, 2024].map(value), [None, Some(2), Some(3)]);
    }

    #[rstest]
    #[case("2022", true)]
    #[case("22", false)]
    #[case("02022", false)]
    #[case("+202", false)]
    #[case("latest", false)]
    fn a_revision_is_a_year(#[case] text: &str, #[case] is_one: bool) {
        assert_eq!(text.parse::<Revision>().is_ok(), is_one);
    }
}
