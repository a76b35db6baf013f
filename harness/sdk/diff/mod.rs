//! What changed between two runs of an SDK: in what its caller is given, and in what it sends.
//!
//! Pure: two run streams in, an [`SdkDiff`] out. `compare` walks over the cases, `outcomes` compares what a caller was
//! given, `requests` what went over the wire, `waits` the times between attempts; `text`, `markdown` and `html` show
//! it. Differences that say nothing about the SDK itself are left out: versions, ids, dates, ports, random orders.
//! Waits are random too, so they are compared over the whole run, and only a difference beyond chance is reported.

mod alarms;
mod bodies;
mod compare;
#[cfg(feature = "cli")]
mod html;
#[cfg(feature = "cli")]
mod line;
mod markdown;
mod outcomes;
mod requests;
mod show;
#[cfg(test)]
mod tests;
mod text;
mod user_agent;
mod waits;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::words;
use crate::sdk::record::word;

/// The case id of a change that concerns the run as a whole.
pub const EVERY_CASE: &str = "*";

/// What kind of change it is, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[serde(rename = "Class")]
pub enum ChangeClass {
    /// A caller is given something else: outcome, class, code, message, value or type.
    Caller,
    /// Another number of requests is sent.
    Attempts,
    /// Requests say something else: line, body as JSON, signature, what is signed.
    Wire,
    /// The same JSON is written in other bytes.
    Bytes,
    /// The SDK tells something else about itself: User-Agent, and fields that nothing hangs on.
    Agent,
    /// The SDK waits for other times before it tries again.
    Timing,
}

impl ChangeClass {
    /// Every class, the worst first.
    pub const ALL: [Self; 6] = [Self::Caller, Self::Attempts, Self::Wire, Self::Bytes, Self::Agent, Self::Timing];

    /// The word for it.
    pub fn word(self) -> String {
        word(self)
    }

    /// What a change of this class is, for a heading.
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Caller => "What your code is given",
            Self::Attempts => "How often a request is sent",
            Self::Wire => "What the requests say",
            Self::Bytes => "How the same JSON is written",
            Self::Agent => "What the SDK tells about itself",
            Self::Timing => "How long it waits before it tries again",
        }
    }

    /// Whether a case with a change of this class counts as changed. The other classes need no attention.
    pub const fn counts(self) -> bool {
        matches!(self, Self::Caller | Self::Attempts | Self::Wire)
    }
}

impl fmt::Display for ChangeClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.word())
    }
}

/// What changed between two runs of an SDK.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SdkDiff {
    /// Every change, the worst class first.
    pub changes: Vec<SdkChange>,
    /// Changes that are the same in several cases, together: the worst class first, in it those with
    /// the most cases.
    pub groups: Vec<ChangeGroup>,
    /// How many changes there are of each class.
    pub counts: BTreeMap<ChangeClass, usize>,
    /// How many cases were compared.
    pub cases: usize,
    /// How many of them have a change of class `caller`, `attempts` or `wire`.
    pub cases_changed: usize,
    /// What concerns every request, in a sentence each: another protocol, another target prefix. Each
    /// stands in `changes` once, with `*` as its case.
    pub alarms: Vec<String>,
    /// Cases that only the new run has a record of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub new: Vec<String>,
    /// Cases that only the old run has a record of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<String>,
    /// Cases that say nothing because the harness or a driver went wrong, with `: ` and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_compared: Vec<String>,
    /// The old run and the new one, as a heading tells of them.
    #[serde(skip)]
    #[schemars(skip)]
    sides: [SdkIdentity; 2],
}

/// One change in one case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename = "Change")]
pub struct SdkChange {
    /// What kind of change it is.
    pub class: ChangeClass,
    /// The case's id; `*` where it concerns the run as a whole.
    pub case: String,
    /// What changed: `attempts`, `error class`, `body member durationSeconds`.
    pub what: String,
    /// What it was.
    pub old: String,
    /// What it is.
    pub new: String,
    /// What that means for a caller, in a sentence.
    pub meaning: String,
    /// What the group of the same changes is called.
    #[serde(skip)]
    #[schemars(skip)]
    group: String,
}

impl SdkChange {
    /// A change that has no case yet. Its group is called `what old -> new`.
    fn new(
        class: ChangeClass,
        what: impl Into<String>,
        old: impl Into<String>,
        new: impl Into<String>,
        meaning: impl Into<String>,
    ) -> Self {
        let (what, old, new) = (what.into(), old.into(), new.into());
        let group = format!("{what} {old} -> {new}");
        Self { class, case: String::new(), what, old, new, group, meaning: meaning.into() }
    }

    /// The same with another name of its group, which leaves out what differs from case to case.
    fn grouped(self, group: impl Into<String>) -> Self {
        Self { group: group.into(), ..self }
    }

    /// The change between two values; `None` if they are equal.
    fn between<T: PartialEq>(
        class: ChangeClass,
        what: &str,
        [old, new]: [T; 2],
        show: impl Fn(T) -> String,
        meaning: &str,
    ) -> Option<Self> {
        (old != new).then(|| Self::new(class, what, show(old), show(new), meaning))
    }

    /// Whether the name of its group gives the old and the new value.
    fn is_told_by_group(&self) -> bool {
        self.group == format!("{} {} -> {}", self.what, self.old, self.new)
    }
}

/// The same change in several cases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename = "Group")]
pub struct ChangeGroup {
    /// What kind of change it is.
    pub class: ChangeClass,
    /// What changed, from what to what: `attempts 5 -> 3`.
    pub what: String,
    /// The cases.
    pub cases: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct SdkIdentity {
    sdk: String,
    version: String,
    runtime: String,
    deps: BTreeMap<String, String>,
    complete: bool,
}

/// Why two runs cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdkDiffError {
    /// A stream that is not of an SDK.
    #[error("the {0} run is not of an SDK: expected a stream that `countersign sdk run -o` wrote")]
    NotAnSdk(&'static str),
    /// No case is in both runs.
    #[error("the runs have no case in common; expected two runs of the same suites")]
    NothingInCommon,
}

impl SdkDiff {
    /// Whether there is a change of this class or of a worse one.
    pub fn has(&self, class: ChangeClass) -> bool {
        self.changes.iter().any(|change| change.class <= class)
    }

    /// The diff as JSON, indented, with every invisible character written as an escape.
    ///
    /// # Panics
    /// Never: names and texts are JSON.
    pub fn json(&self) -> String {
        words::visible_json(&serde_json::to_string_pretty(self).expect("names and texts are JSON"))
    }

    fn summed_up(mut self) -> Self {
        self.changes.sort_by_key(|change| change.class);
        for change in &self.changes {
            let same = |group: &&mut ChangeGroup| group.class == change.class && group.what == change.group;
            match self.groups.iter_mut().find(same) {
                Some(group) if group.cases.contains(&change.case) => {}
                Some(group) => group.cases.push(change.case.clone()),
                None => {
                    let SdkChange { class, case, group, .. } = change.clone();
                    self.groups.push(ChangeGroup { class, what: group, cases: vec![case] });
                }
            }
        }
        self.groups.sort_by_key(|group| (group.class, usize::MAX - group.cases.len()));
        self.counts = ChangeClass::ALL.into_iter().map(|class| (class, 0)).collect();
        for change in &self.changes {
            *self.counts.entry(change.class).or_default() += 1;
        }
        self.cases_changed = self.cases_with(ChangeClass::counts).len();
        self
    }

    fn cases_with(&self, wanted: impl Fn(ChangeClass) -> bool) -> BTreeSet<&str> {
        let found = self.changes.iter().filter(|change| wanted(change.class) && change.case != EVERY_CASE);
        found.map(|change| change.case.as_str()).collect()
    }

    fn add(&mut self, case: &str, change: SdkChange) {
        self.changes.push(SdkChange { case: case.to_owned(), ..change });
    }
}
