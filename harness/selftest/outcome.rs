//! The outcome of one entry of the banks, and the report on all of them.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::{Contract, Level, Requirement, Side};
use crate::corpus::defect::IdGlob;
use crate::corpus::{Defect, DefectKind};
use crate::report::{FaultText, in_a_line, reason};
use crate::verdict::{CaseResult, Verdict};

/// What a self-test found about one defect or legal variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Outcome")]
pub struct DefectOutcome {
    /// The entry's id.
    pub id: String,
    /// What it is.
    pub kind: DefectKind,
    /// What became of it.
    pub fate: Fate,
    /// How many answers were not what the right server would have sent.
    pub rewrites: u64,
    /// Every requirement found broken, with the first case that shows it.
    pub broken: BTreeMap<String, String>,
    /// What is wrong with the outcome: an undeclared requirement that was found broken, a declared one that was not, or
    /// a case that ended otherwise than it may.
    pub faults: Vec<String>,
}

/// What became of a defect or of a legal variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// A defect that was found and blamed on what it breaks.
    Killed,
    /// A defect that was found, and blamed on something else.
    Misattributed,
    /// A defect that was not found.
    Survived,
    /// A legal variant that was not called wrong.
    Cleared,
    /// A legal variant that was called wrong.
    Accused,
}

impl DefectOutcome {
    /// The outcome of an entry by the results of all cases.
    ///
    /// A defect is found if a requirement is broken; if the defect is tagged with a `must` requirement, only a broken
    /// `must` requirement counts. A case that is blocked, unanswered or not implemented finds no defect. A defect is
    /// rightly blamed if every requirement that it is tagged with is broken, and no requirement that it does not
    /// declare.
    pub(super) fn of(entry: &Defect, contract: &Contract, results: &[CaseResult], rewrites: u64) -> Self {
        let mut broken = BTreeMap::new();
        let mut must_broken = false;
        for result in results {
            must_broken |= !result.violations.is_empty();
            for violation in result.violations.iter().chain(&result.warnings) {
                let show = || {
                    let FaultText { at, actual, .. } = FaultText::of(violation);
                    format!("{} at {at}: found {actual}", result.id)
                };
                broken.entry(violation.requirement.clone()).or_insert_with(show);
            }
        }
        let (fate, faults) = match entry.kind {
            DefectKind::Legal => of_legal(entry, results),
            DefectKind::Defect => {
                let must = |id: &String| contract.register.get(id).is_some_and(|row| row.level == Level::Must);
                let found = if entry.requirements.iter().any(must) { must_broken } else { !broken.is_empty() };
                let unbroken = entry.requirements.iter().filter(|id| found && !broken.contains_key(*id));
                let undeclared = broken.iter().filter(|(id, _)| !entry.declares(id));
                let mut faults: Vec<_> = undeclared.map(|(id, case)| format!("{id} is not declared: {case}")).collect();
                faults.extend(unbroken.map(|id| format!("{id} was not found broken")));
                // A case without a verdict may be why nothing was found.
                let unfinished = |result: &&CaseResult| !found && result.verdict != Verdict::Pass;
                faults.extend(results.iter().filter(unfinished).map(blame));
                let fate = match (found, faults.is_empty()) {
                    (false, _) => Fate::Survived,
                    (true, true) => Fate::Killed,
                    (true, false) => Fate::Misattributed,
                };
                (fate, faults)
            }
        };
        Self { id: entry.id.clone(), kind: entry.kind, fate, rewrites, broken, faults }
    }
}

/// How a case ended, and why.
fn blame(result: &CaseResult) -> String {
    let violation = result.violations.first().map(in_a_line);
    let why = violation.or_else(|| result.reason.as_ref().map(reason)).unwrap_or_default();
    format!("{} is {}: {why}", result.id, result.verdict)
}

/// The fate of a legal variant. It must pass every case; warnings do not count. It may declare requirements about which
/// its answers say nothing. A case may leave those undecided instead, and some case must for each of them.
fn of_legal(entry: &Defect, results: &[CaseResult]) -> (Fate, Vec<String>) {
    // What a case leaves open: every requirement that it cites if it is indeterminate, otherwise the undecided ones.
    let open = |result: &CaseResult| match result.verdict {
        Verdict::Indeterminate => result.requirements.clone(),
        Verdict::Pass
        | Verdict::Fail
        | Verdict::KnownFail
        | Verdict::Fixed
        | Verdict::Blocked
        | Verdict::NotImplemented
        | Verdict::NotApplicable
        | Verdict::HarnessError => result.undecided.clone(),
    };
    let is_open = |result: &CaseResult, glob: &IdGlob| open(result).iter().any(|id| glob.fits(id));
    let is_declared = |result: &CaseResult| match result.verdict {
        Verdict::Indeterminate => entry.undecided.iter().any(|glob| is_open(result, glob)),
        Verdict::Pass => result.undecided.iter().all(|id| entry.undecided.iter().any(|glob| glob.fits(id))),
        // A server whose answer gives nothing to go on from does nothing wrong.
        Verdict::NotApplicable => true,
        Verdict::Fail
        | Verdict::KnownFail
        | Verdict::Fixed
        | Verdict::Blocked
        | Verdict::NotImplemented
        | Verdict::HarnessError => false,
    };
    let mut faults: Vec<_> = results.iter().filter(|result| !is_declared(result)).map(blame).collect();
    let idle = entry.undecided.iter().filter(|glob| !results.iter().any(|case| is_open(case, glob)));
    faults.extend(idle.map(|glob| format!("{glob} is declared undecided, and no case leaves it so")));
    (if faults.is_empty() { Fate::Cleared } else { Fate::Accused }, faults)
}

/// The numbers of a self-test. Programs read them, so the keys must not change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SelftestReport {
    /// The version of this format: 1.
    pub version: u32,
    /// How many defects were tried.
    pub defects: usize,
    /// How many of them were found.
    pub killed: usize,
    /// How many of those were blamed on what they break, and on nothing undeclared.
    pub attributed: usize,
    /// How many legal variants were tried.
    pub legal: usize,
    /// How many of them were called wrong.
    pub accused: usize,
    /// The defects that were not found.
    pub survivors: Vec<String>,
    /// The legal variants that were called wrong.
    pub accusations: Vec<String>,
    /// The defects that were found and blamed on something else.
    pub misattributed: Vec<String>,
    /// The rules of the judge that no defect trips.
    pub idle_rules: Vec<String>,
    /// The `must` requirements that count and that no defect breaks. Those that an untried defect breaks are left out.
    pub unbroken: Vec<String>,
    /// The entries that were not tried, since this build was made without the Cargo feature `login`.
    pub untried: Vec<String>,
    /// Each entry.
    pub details: Vec<DefectOutcome>,
}

impl SelftestReport {
    pub(super) fn new(contracts: &[&Contract], details: Vec<DefectOutcome>, untried: &[&Defect]) -> Self {
        let ids = |fate: Fate| -> Vec<String> {
            details.iter().filter(|outcome| outcome.fate == fate).map(|outcome| outcome.id.clone()).collect()
        };
        let (survivors, accusations, misattributed) =
            (ids(Fate::Survived), ids(Fate::Accused), ids(Fate::Misattributed));
        let attributed = ids(Fate::Killed).len();
        let defects = details.iter().filter(|outcome| outcome.kind == DefectKind::Defect);
        let broken: BTreeSet<&String> = defects.clone().flat_map(|outcome| outcome.broken.keys()).collect();
        let mut seen = BTreeSet::new();
        let rows = contracts.iter().flat_map(|contract| &contract.register.requirements);
        let rows: Vec<_> = rows.filter(|row| row.side == Side::Server && seen.insert(&row.id)).collect();
        let rows = || rows.iter().copied();
        let rules = |tripped_only: bool| -> BTreeSet<&str> {
            rows()
                .filter(|row| !tripped_only || broken.contains(&row.id))
                .filter_map(|row| Some(row.decided_by.as_ref()?.rule.as_str()))
                .collect()
        };
        let idle_rules = rules(false).difference(&rules(true)).map(|rule| (*rule).to_owned()).collect();
        let is_untried = |id: &String| untried.iter().any(|entry| entry.requirements.contains(id));
        let is_unbroken = |row: &&Requirement| row.counts() && !broken.contains(&row.id) && !is_untried(&row.id);
        let unbroken = rows().filter(is_unbroken).map(|row| row.id.clone()).collect();
        let untried = untried.iter().map(|entry| entry.id.clone()).collect();
        let defects = defects.count();
        Self {
            version: 1,
            defects,
            killed: defects - survivors.len(),
            attributed,
            legal: details.len() - defects,
            accused: accusations.len(),
            survivors,
            accusations,
            misattributed,
            idle_rules,
            unbroken,
            untried,
            details,
        }
    }

    /// Whether every defect was found and rightly blamed, and no legal variant accused.
    pub fn holds(&self) -> bool {
        self.attributed == self.defects && self.accused == 0
    }
}
