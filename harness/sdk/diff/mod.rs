//! What changed between two runs of an SDK: in what its caller is given, and in what it sends.
//!
//! Pure: two run streams in, an [`SdkDiff`] out. `compare` walks over the cases, `outcomes` compares what a caller was
//! given, `reach` where requests arrive, `requests` what they say, `waits` the times between attempts. `causes` puts
//! together what follows from one cause, `packages` and `origin` say which package brought it; `text`, `markdown` and
//! `html` show it. Differences that say nothing about the SDK itself are left out: versions, ids, dates, ports, random
//! orders. Waits are random too, so they are compared over the whole run, and only a difference beyond chance is reported.

mod alarms;
mod bodies;
mod causes;
mod compare;
#[cfg(feature = "cli")]
mod html;
mod markdown;
mod origin;
mod outcomes;
mod packages;
mod reach;
mod requests;
mod same_packages;
mod show;
#[cfg(test)]
mod tests;
mod text;
mod user_agent;
mod waits;
mod warnings;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::words;
use crate::sdk::record::word;

pub use causes::{Cause, ChangeKind, digest};
#[cfg(feature = "cli")]
pub use html::history_page;
pub use packages::MovedPackage;
pub use text::DiffDetail;

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
    /// The SDK says something else on standard error.
    Warnings,
    /// The SDK tells something else about itself: User-Agent, and fields that nothing hangs on.
    Agent,
    /// The SDK waits for other times before it tries again.
    Timing,
}

impl ChangeClass {
    /// Every class, the worst first.
    pub const ALL: [Self; 7] =
        [Self::Caller, Self::Attempts, Self::Wire, Self::Bytes, Self::Warnings, Self::Agent, Self::Timing];

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
            Self::Warnings => "What the SDK warns of",
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
    /// What brought the changes: each stands here once, with all that follows from it, the worst class first, in it
    /// those with the most cases.
    pub causes: Vec<Cause>,
    /// The packages that decide what an SDK does and have another version in the new run. Where it is one alone, it
    /// brought the changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<MovedPackage>,
    /// How many changes there are of each class.
    pub counts: BTreeMap<ChangeClass, usize>,
    /// How many cases were compared.
    pub cases: usize,
    /// How many of them have a change of class `caller`, `attempts` or `wire`.
    pub cases_changed: usize,
    /// What concerns every request, in a sentence each: another protocol, another target prefix. Each
    /// stands in `changes` once, with `*` as its case.
    pub alarms: Vec<String>,
    /// The changes that a file of accepted changes accepts. They are in no other list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<AcceptedChange>,
    /// The entries of that file that accept nothing, or not in all of their cases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unused: Vec<UnusedEntry>,
    /// Cases that only the new run has a record of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub new: Vec<String>,
    /// Cases that only the old run has a record of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<String>,
    /// Cases in which one run waited in vain for a call that took long in the other: a busy machine may explain it, so
    /// they are not compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<String>,
    /// Cases that say nothing because the harness or a driver went wrong, with `: ` and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_compared: Vec<String>,
    /// The ids of the cases that were compared.
    #[serde(skip)]
    #[schemars(skip)]
    compared: BTreeSet<String>,
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
    /// What it is of, which decides what follows from what.
    pub kind: ChangeKind,
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
    /// What the cause is called that it is a sign of: less than its group says, since one cause shows in several
    /// members, values or numbers.
    #[serde(skip)]
    #[schemars(skip)]
    cause: String,
    /// The sentence that tells of it before all else, where it concerns every request.
    #[serde(skip)]
    #[schemars(skip)]
    alarm: Option<String>,
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
        let (kind, cause, meaning) = (ChangeKind::of(class), group.clone(), meaning.into());
        Self { class, kind, case: String::new(), what, old, new, group, cause, meaning, alarm: None }
    }

    /// The same with another name of its group, which leaves out what differs from case to case. Its cause gets the
    /// same name.
    fn grouped(self, group: impl Into<String>) -> Self {
        let group = group.into();
        Self { cause: group.clone(), group, ..self }
    }

    /// The same as a change of another kind.
    fn of(self, kind: ChangeKind) -> Self {
        Self { kind, ..self }
    }

    /// The same as a sign of a cause that shows in other groups too.
    fn caused_by(self, cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), ..self }
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

/// A change that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AcceptedChange {
    /// The id of its cause.
    pub id: String,
    /// What changed.
    pub change: String,
    /// The cases in which it was accepted.
    pub cases: Vec<String>,
    /// Why it is accepted.
    pub reason: String,
    /// Where it is followed up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<String>,
    /// The last day on which it is accepted; for ever without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// An entry of a file of accepted changes that accepts nothing in some of its cases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnusedEntry {
    /// The id of the change that it accepts.
    pub id: String,
    /// The change.
    pub change: String,
    /// Its patterns that accept nothing.
    pub cases: Vec<String>,
    /// Why they do not.
    pub reason: UnusedReason,
    /// Its last day, where that is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expired: Option<String>,
}

/// Why an entry accepts nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnusedReason {
    /// The cases do not show the change.
    Stale,
    /// Its last day is over.
    Expired,
    /// None of its cases was compared.
    NotCompared,
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

impl SdkIdentity {
    /// The versions of the SDK and of what it rests on.
    fn packages(&self) -> BTreeMap<String, String> {
        let mut packages = self.deps.clone();
        packages.insert(self.sdk.clone(), self.version.clone());
        packages
    }
}

/// Why two runs cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdkDiffError {
    /// A stream that is not of an SDK.
    #[error("the {0} run is not of an SDK: expected a stream that `countersign sdk run -o` wrote")]
    NotAnSdk(&'static str),
    /// One run is over TLS, and the other is not.
    #[error("the {0} run alone is over TLS; expected two runs with `--tls`, or two without")]
    OneOverTls(&'static str),
    /// No case is in both runs.
    #[error("the runs have no case in common; expected two runs of the same suites")]
    NothingInCommon,
}

impl SdkDiff {
    /// Whether there is a change of this class or of a worse one.
    pub fn has(&self, class: ChangeClass) -> bool {
        self.changes.iter().any(|change| change.class <= class)
    }

    /// Whether an entry of the accepted changes is not needed any more.
    pub fn has_stale(&self) -> bool {
        self.unused.iter().any(|entry| entry.reason == UnusedReason::Stale)
    }

    /// The name of the new run's SDK in its registry.
    pub fn sdk(&self) -> &str {
        &self.sides[1].sdk
    }

    /// The ids of the cases that were compared.
    pub fn compared(&self) -> impl Iterator<Item = &str> {
        self.compared.iter().map(String::as_str)
    }

    /// Every case that shows a cause or what follows from it, `*` among them where the whole run does.
    pub fn cases_of<'a>(&self, cause: &'a Cause) -> Vec<&'a str> {
        let cases: BTreeSet<&str> =
            cause.signs.iter().chain(&cause.follows).flat_map(|group| &group.cases).map(String::as_str).collect();
        let only_the_run = cases.len() == 1;
        cases.into_iter().filter(|case| only_the_run || *case != EVERY_CASE).collect()
    }

    /// The names of what follows from a cause, as a file of accepted changes has them.
    pub fn names_that_follow(&self, cause: &Cause) -> Vec<String> {
        causes::names_that_follow(&cause.id, &self.changes)
    }

    /// Takes out the changes that are accepted. `accepts` is asked for each change: it is given the id of the cause, the
    /// change's own name if it follows from that cause, and the case; it gives the number of the entry that accepts the
    /// change there. Returns the cases of each entry.
    pub fn take_out(
        &mut self,
        accepts: impl Fn(&str, Option<&str>, &str) -> Option<usize>,
    ) -> BTreeMap<usize, BTreeSet<String>> {
        let ids = causes::ids(&self.changes).into_iter().zip(&self.changes);
        let entries: Vec<_> = ids.map(|((id, name), change)| accepts(&id, name, &change.case)).collect();
        let mut taken: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        let mut left = Vec::new();
        for (change, entry) in std::mem::take(&mut self.changes).into_iter().zip(entries) {
            match entry {
                Some(entry) => _ = taken.entry(entry).or_default().insert(change.case),
                None => left.push(change),
            }
        }
        self.changes = left;
        *self = std::mem::take(self).summed_up();
        taken
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
        self.alarms = self.changes.iter().filter_map(|change| change.alarm.clone()).collect();
        self.groups = groups(&self.changes, |change| &change.group);
        self.counts = ChangeClass::ALL.into_iter().map(|class| (class, 0)).collect();
        for change in &self.changes {
            *self.counts.entry(change.class).or_default() += 1;
        }
        self.cases_changed = self.cases_with(ChangeClass::counts).len();
        self.causes = causes::of(&self.changes);
        self.packages = packages::moved(&self.sides[0].packages(), &self.sides[1].packages());
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

/// Changes with the same name together, the worst class first, in it those with the most cases.
fn groups<'a>(
    changes: impl IntoIterator<Item = &'a SdkChange>,
    name: impl Fn(&'a SdkChange) -> &'a str,
) -> Vec<ChangeGroup> {
    let mut groups: Vec<ChangeGroup> = Vec::new();
    for change in changes {
        let (class, what, case) = (change.class, name(change), &change.case);
        match groups.iter_mut().find(|group| group.class == class && group.what == what) {
            Some(group) if group.cases.contains(case) => {}
            Some(group) => group.cases.push(case.clone()),
            None => groups.push(ChangeGroup { class, what: what.to_owned(), cases: vec![case.clone()] }),
        }
    }
    groups.sort_by_key(|group| (group.class, usize::MAX - group.cases.len()));
    groups
}
