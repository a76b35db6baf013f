//! What all entries of the banks came to.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::outcome::{Fate, Outcome};
use crate::contract::{Contract, Side};
use crate::corpus::DefectKind;

/// The numbers of a self-test. Programs read them: the keys stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Report {
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
    /// The `must` requirements that count and that no defect breaks.
    pub unbroken: Vec<String>,
    /// Each entry.
    pub details: Vec<Outcome>,
}

impl Report {
    pub(super) fn new(contract: &Contract, details: Vec<Outcome>) -> Self {
        let ids = |fate: Fate| -> Vec<String> {
            details.iter().filter(|outcome| outcome.fate == fate).map(|outcome| outcome.id.clone()).collect()
        };
        let (survivors, accusations, misattributed) =
            (ids(Fate::Survived), ids(Fate::Accused), ids(Fate::Misattributed));
        let attributed = ids(Fate::Killed).len();
        let defects = details.iter().filter(|outcome| outcome.kind == DefectKind::Defect);
        let broken: BTreeSet<&String> = defects.clone().flat_map(|outcome| outcome.broken.keys()).collect();
        let rows = || contract.register.requirements.iter().filter(|row| row.side == Side::Server);
        let rules = |tripped_only: bool| -> BTreeSet<&str> {
            rows()
                .filter(|row| !tripped_only || broken.contains(&row.id))
                .filter_map(|row| Some(row.decided_by.as_ref()?.rule.as_str()))
                .collect()
        };
        let idle_rules = rules(false).difference(&rules(true)).map(|rule| (*rule).to_owned()).collect();
        let unbroken =
            rows().filter(|row| row.counts() && !broken.contains(&row.id)).map(|row| row.id.clone()).collect();
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
            details,
        }
    }

    /// Whether every defect was found and rightly blamed, and no legal variant accused.
    pub fn holds(&self) -> bool {
        self.attributed == self.defects && self.accused == 0
    }
}
