//! What became of one entry of the banks.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::{Contract, Level};
use crate::corpus::defect::IdGlob;
use crate::corpus::{Defect, DefectKind};
use crate::report::{Told, in_a_line, reason};
use crate::verdict::{CaseResult, Verdict};

/// What a self-test found about one defect or legal variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Outcome {
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
    /// What is held against the self-test: the undeclared among them, or what became of a case.
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
    /// A legal variant that was let pass.
    Cleared,
    /// A legal variant that was called wrong.
    Accused,
}

impl Outcome {
    /// What the results of all cases say of an entry.
    ///
    /// A defect is found where a requirement at the level of those that it is tagged with is broken;
    /// that a case is blocked, unanswered or not implemented finds nothing. It is rightly blamed where
    /// every requirement that it is tagged with is broken, and nothing that it does not declare.
    pub(super) fn of(entry: &Defect, contract: &Contract, results: &[CaseResult], rewrites: u64) -> Self {
        let mut broken = BTreeMap::new();
        let mut must_broken = false;
        for result in results {
            must_broken |= !result.violations.is_empty();
            for violation in result.violations.iter().chain(&result.warnings) {
                let show = || {
                    let Told { at, actual, .. } = Told::of(violation);
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

/// A legal variant passes every case; warnings are no accusation. Where its answers say nothing about
/// a requirement that it declares, a case is undecided instead, and there is such a case for each.
fn of_legal(entry: &Defect, results: &[CaseResult]) -> (Fate, Vec<String>) {
    // What a case leaves open: all that it cites where it says nothing, or what it passes without telling.
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
        // Nothing is held against a server that gives nothing to go on from.
        Verdict::NotApplicable => true,
        Verdict::Fail
        | Verdict::KnownFail
        | Verdict::Fixed
        | Verdict::Blocked
        | Verdict::NotImplemented
        | Verdict::HarnessError => false,
    };
    let blame = |result: &CaseResult| {
        let violation = result.violations.first().map(in_a_line);
        let why = violation.or_else(|| result.reason.as_ref().map(reason)).unwrap_or_default();
        format!("{} is {}: {why}", result.id, result.verdict)
    };
    let mut faults: Vec<_> = results.iter().filter(|result| !is_declared(result)).map(blame).collect();
    let idle = entry.undecided.iter().filter(|glob| !results.iter().any(|case| is_open(case, glob)));
    faults.extend(idle.map(|glob| format!("{glob} is declared undecided, and no case leaves it so")));
    (if faults.is_empty() { Fate::Cleared } else { Fate::Accused }, faults)
}
