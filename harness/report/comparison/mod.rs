//! Two runs side by side: which cases were fixed, broke, were added or are gone.

mod show;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Event, RunEvent, words};
use crate::contract::Side;
use crate::text::foreign;
use crate::verdict::{CaseResult, Reason, Verdict, Violation};

/// The version of this format. The runs in it have the versions of their streams.
const VERSION: u32 = 1;

/// What differs between two runs of the same side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// The version of this format: 1.
    pub version: u32,
    /// Who is under test in both runs.
    pub side: Side,
    /// The old run.
    pub from: RunEvent,
    /// The new run.
    pub to: RunEvent,
    /// Cases that failed or were not implemented, and pass now.
    pub fixed: Vec<CaseChange>,
    /// Cases that passed, and do not hold any more: they fail, are not implemented or blocked, or gave no answer
    /// that could be judged.
    pub broken: Vec<CaseChange>,
    /// Cases that only the new run has.
    pub new: Vec<CaseChange>,
    /// Cases that only the old run has.
    pub gone: Vec<CaseChange>,
    /// Cases that changed in any other way: another verdict, or other requirements violated.
    pub changed: Vec<CaseChange>,
    /// How many cases are as they were.
    pub unchanged: usize,
    /// How many cases each family has, in either run.
    #[serde(skip)]
    sizes: BTreeMap<String, usize>,
    /// The files of the old and the new run, if they are known.
    #[serde(skip)]
    files: [Option<String>; 2],
}

/// A case in which two runs differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename = "Change")]
pub struct CaseChange {
    /// The case's id.
    pub id: String,
    /// What it claims.
    pub title: String,
    /// The old verdict; null where the old run does not have it.
    pub old: Option<Verdict>,
    /// The new verdict; null where the new run does not have it.
    pub new: Option<Verdict>,
    /// What was violated, of any level: in the new run, but for what is fixed or gone in the old one.
    pub violations: Vec<Violation>,
    /// Why, where the violations do not say it: in words, and as data under `because`.
    #[serde(flatten, with = "super::stream_form::because")]
    #[schemars(flatten, with = "super::ReasonForm")]
    pub reason: Option<Reason>,
}

/// Why two runs cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    /// A stream without a run or without any case.
    #[error("the {0} run has no case with a verdict; there is nothing to compare")]
    Empty(&'static str),
    /// A stream with cases of both sides.
    #[error("the {0} run has cases of servers and of clients; expected one side")]
    Mixed(&'static str),
    /// A run was cut short: how many cases have a verdict, of how many.
    #[error(
        "the {0} run was cut short: {1} of {2} cases have a verdict; what broke may be among the others. Run it again to its end"
    )]
    CutShort(&'static str, usize, usize),
    /// The runs are of different kinds: what differs, its old value and its new value.
    #[error("expected two runs of the same {0}, found {1} and {2}")]
    Differs(&'static str, String, String),
    /// No case is in both.
    #[error("the runs have no case in common; expected runs of the same cases, not two shards or two selections")]
    NothingInCommon,
}

impl Comparison {
    /// Compares two runs.
    ///
    /// A case holds where it is `pass` or `fixed`. A case that held and has any other verdict now is broken, even where
    /// nothing is known about it any more: a server that has stopped answering is no better than one that answers
    /// wrongly. Only `not-applicable` does not count as broken, since the target no longer claims the feature. Only a
    /// case that was seen to fail can be fixed. The targets may differ, which is the point of some comparisons; side,
    /// operation and revision of the documents may not.
    ///
    /// # Errors
    /// When the comparison would say nothing: a run was cut short or is empty, their sides, operations or
    /// revisions differ, or
    /// they have no case in common.
    pub fn new(old: &[Event], new: &[Event]) -> Result<Self, CompareError> {
        let (old, new) = (ComparedRun::new("old", old)?, ComparedRun::new("new", new)?);
        let differs = |what, old: &str, new: &str| CompareError::Differs(what, foreign(old), foreign(new));
        if old.side != new.side {
            let word = |side| if side == Side::Server { "server" } else { "client" };
            return Err(differs("side", word(old.side), word(new.side)));
        }
        if old.event.operation != new.event.operation {
            return Err(differs("operation", &old.event.operation, &new.event.operation));
        }
        if old.event.revision != new.event.revision {
            let word = |run: &RunEvent| run.revision.map_or_else(|| "the newest".to_owned(), |year| year.to_string());
            return Err(differs("revision of the documents", &word(old.event), &word(new.event)));
        }
        if !old.cases.keys().any(|id| new.cases.contains_key(id)) {
            return Err(CompareError::NothingInCommon);
        }
        let ids: BTreeSet<&str> = old.cases.keys().chain(new.cases.keys()).copied().collect();
        let mut comparison = Self {
            version: VERSION,
            side: new.side,
            from: old.event.clone(),
            to: new.event.clone(),
            fixed: Vec::new(),
            broken: Vec::new(),
            new: Vec::new(),
            gone: Vec::new(),
            changed: Vec::new(),
            unchanged: 0,
            sizes: words::family_sizes(ids.into_iter()),
            files: [None, None],
        };
        for id in &new.order {
            comparison.place(old.cases.get(id).copied(), new.cases[id]);
        }
        let gone = old.order.iter().filter(|id| !new.cases.contains_key(*id));
        comparison.gone = gone.map(|id| change(old.cases[id], Some(old.cases[id].verdict), None)).collect();
        Ok(comparison)
    }

    /// The same comparison, which names the files of the old and the new run.
    #[must_use]
    pub fn of_files(mut self, files: [String; 2]) -> Self {
        self.files = files.map(Some);
        self
    }

    /// The comparison as JSON, indented.
    ///
    /// # Panics
    /// Never: every member can be written.
    pub fn json(&self) -> String {
        words::visible_json(&serde_json::to_string_pretty(self).expect("texts and numbers can be written"))
    }

    fn place(&mut self, old: Option<&CaseResult>, new: &CaseResult) {
        let Some(old) = old else { return self.new.push(change(new, None, Some(new.verdict))) };
        let verdict_change = |case| change(case, Some(old.verdict), Some(new.verdict));
        let unclaimed = new.verdict == Verdict::NotApplicable;
        let failed = matches!(old.verdict, Verdict::Fail | Verdict::KnownFail | Verdict::NotImplemented);
        match (holds(old.verdict), holds(new.verdict)) {
            (false, true) if failed => self.fixed.push(verdict_change(old)),
            (true, false) if !unclaimed => self.broken.push(verdict_change(new)),
            _ if old.verdict != new.verdict || violated(old) != violated(new) => self.changed.push(verdict_change(new)),
            _ => self.unchanged += 1,
        }
    }
}

struct ComparedRun<'a> {
    event: &'a RunEvent,
    side: Side,
    order: Vec<&'a str>,
    cases: BTreeMap<&'a str, &'a CaseResult>,
}

impl<'a> ComparedRun<'a> {
    fn new(which: &'static str, stream: &'a [Event]) -> Result<Self, CompareError> {
        let Some(Event::Run(event)) = stream.first() else { return Err(CompareError::Empty(which)) };
        let cases: Vec<_> = stream.iter().filter_map(Event::case).collect();
        let side = cases.first().ok_or(CompareError::Empty(which))?.side;
        if cases.iter().any(|case| case.side != side) {
            return Err(CompareError::Mixed(which));
        }
        if !matches!(stream.last(), Some(Event::Summary(summary)) if summary.complete) {
            return Err(CompareError::CutShort(which, cases.len(), event.selected));
        }
        let order = cases.iter().map(|case| case.id.as_str()).collect();
        Ok(Self { event, side, order, cases: cases.into_iter().map(|case| (case.id.as_str(), case)).collect() })
    }
}

/// Whether a case is known to hold.
const fn holds(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Pass | Verdict::Fixed)
}

/// The requirements of any level that a case violates.
fn violated(case: &CaseResult) -> BTreeSet<&str> {
    case.violations.iter().chain(&case.warnings).map(|violation| violation.requirement.as_str()).collect()
}

fn change(case: &CaseResult, old: Option<Verdict>, new: Option<Verdict>) -> CaseChange {
    let violations: Vec<_> = case.violations.iter().chain(&case.warnings).cloned().collect();
    let unexplained = violations.is_empty() && !holds(case.verdict);
    let words_of_case = || unexplained.then(|| Reason::Told { words: words::reason_of(case) });
    let reason = case.reason.clone().or_else(words_of_case);
    CaseChange { id: case.id.clone(), title: case.title.clone(), old, new, violations, reason }
}

#[cfg(test)]
mod tests;
