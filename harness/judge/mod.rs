//! Judging: a case and what went over the wire in, a verdict out.
//!
//! Pure and synchronous: no clock, no environment, no network. Uses contract, corpus (the types of a
//! case), wire (exchanges) and verdict. Start with [`Judge::judge`]; the rules are in `rules`, one
//! function each, listed in `rules::ALL`. [`again`] is for lifetimes that look wrong.

pub mod again;
mod answer;
mod excuse;
mod outcome;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use answer::{SHAPE_LIMIT, shape, words_and_shape};

use answer::Observation;
use outcome::Outcome;
use rules::{Finding, Subject};

use crate::contract::{Contract, Level, LoadError, REGISTER_FILE, Requirement, Side};
use crate::corpus::{Call, ExpandedCase};
use crate::verdict::{Verdict, Violation};
use crate::wire::{Exchange, Masker};

/// What the judge concludes about a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// `pass`, `fail` or `indeterminate`; a run says `blocked` itself.
    pub verdict: Verdict,
    /// Why there is no verdict, or what a pass leaves open, in a sentence.
    pub reason: Option<String>,
    /// Every broken `must` requirement.
    pub violations: Vec<Violation>,
    /// Every broken requirement below `must`.
    pub warnings: Vec<Violation>,
    /// The requirements that this case decided, one way or the other.
    pub decided: BTreeSet<String>,
    /// The requirements that a pass leaves open, for its reason.
    pub undecided: BTreeSet<String>,
}

impl Judgement {
    /// No verdict, and why.
    pub fn undecided(reason: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Indeterminate,
            reason: Some(reason.into()),
            violations: Vec::new(),
            warnings: Vec::new(),
            decided: BTreeSet::new(),
            undecided: BTreeSet::new(),
        }
    }
}

/// Judges transcripts by the contract.
#[derive(Clone, Debug)]
pub struct Judge {
    contract: Arc<Contract>,
    /// For each rule of [`rules::ALL`], the places in the register of the rows that it decides.
    rows: Vec<Vec<usize>>,
}

impl Judge {
    /// A judge for a contract.
    ///
    /// # Errors
    /// When a row of the register names a rule that does not exist, or a rule has no row, and so
    /// could never accuse anybody.
    pub fn new(contract: Arc<Contract>) -> Result<Self, LoadError> {
        let error =
            |pointer: String, message| Err(LoadError::new(&format!("fixtures/{REGISTER_FILE}"), pointer, message));
        let rows = &contract.register.requirements;
        for (index, row) in rows.iter().enumerate() {
            if let Some(decision) = row.decided_by.as_ref().filter(|_| row.side == Side::Server)
                && !rules::ALL.iter().any(|rule| rule.name == decision.rule)
            {
                let message = format!("there is no rule \"{}\"", decision.rule);
                return error(format!("/requirements/{index}/decided_by/rule"), message);
            }
        }
        let mut rows_of_rules = Vec::with_capacity(rules::ALL.len());
        for rule in rules::ALL {
            let decides = |row: &Requirement| {
                row.side == Side::Server && row.decided_by.as_ref().is_some_and(|by| by.rule == rule.name)
            };
            let places: Vec<usize> =
                rows.iter().enumerate().filter(|(_, row)| decides(row)).map(|(index, _)| index).collect();
            if places.is_empty() {
                return error(
                    "/requirements".to_owned(),
                    format!("no requirement is decided by the rule \"{}\"", rule.name),
                );
            }
            rows_of_rules.push(places);
        }
        Ok(Self { contract, rows: rows_of_rules })
    }

    /// The same judge with one rule switched off.
    #[cfg(test)]
    pub(crate) fn without(mut self, name: &str) -> Self {
        let place = rules::ALL.iter().position(|rule| rule.name == name).expect("there is such a rule");
        self.rows[place].clear();
        self
    }

    /// The contract that it judges by.
    pub fn contract(&self) -> &Contract {
        &self.contract
    }

    /// Judges a case: one exchange for each of its calls, in order.
    pub fn judge(&self, case: &ExpandedCase, transcript: &[Exchange]) -> Judgement {
        self.judge_hiding(case, transcript, &Masker::default())
    }

    /// [`Judge::judge`], whose findings repeat nothing that is `hidden`, beside the secrets of each answer.
    pub fn judge_hiding(&self, case: &ExpandedCase, transcript: &[Exchange], hidden: &Masker) -> Judgement {
        let mut docket = Docket::default();
        for (call, exchange) in case.calls.iter().zip(transcript) {
            if let Some(reason) = self.judge_call(case, call, exchange, hidden, &mut docket) {
                return Judgement::undecided(reason);
            }
        }
        let (violations, warnings): (Vec<_>, Vec<_>) = docket.broken.into_iter().partition(|v| v.level == Level::Must);
        Judgement {
            verdict: if violations.is_empty() { Verdict::Pass } else { Verdict::Fail },
            reason: None,
            violations,
            warnings,
            decided: docket.decided,
            undecided: BTreeSet::new(),
        }
    }

    /// Judges one call; the reason where it cannot be judged.
    fn judge_call(
        &self,
        case: &ExpandedCase,
        call: &Call,
        exchange: &Exchange,
        hidden: &Masker,
        docket: &mut Docket,
    ) -> Option<String> {
        let response = match &exchange.answer {
            Ok(response) => response,
            Err(fault) => return Some(hidden.fault(fault)),
        };
        let seen = Observation::new(case, call, exchange, response, &self.contract, hidden);
        if seen.response.is_throttled() {
            return Some(format!("the target throttled the request ({})", seen.summary()));
        }
        if seen.response.is_timeout() {
            return Some(format!("the target did not get the request in time ({})", seen.summary()));
        }
        let outcome = outcome::of(&seen);
        if matches!(outcome, Outcome::Broken { .. })
            && let Some(reason) = excuse::of(&seen)
        {
            return Some(reason);
        }
        let rows = case.case.requirements.iter().filter_map(|id| self.contract.register.get(id));
        let mut binding = false;
        for row in rows.filter(|row| row.is_outcome()) {
            binding |= row.level != Level::May;
            match &outcome {
                Outcome::Holds => docket.decide(row),
                Outcome::Broken { at, expected, actual } => {
                    docket.decide(row);
                    docket.break_row(row, at, expected, actual);
                }
                Outcome::Unclear => {}
            }
        }
        // Nothing says what the answer to a request looks like that no document speaks of.
        if !binding {
            return None;
        }
        // What an answer of another kind looks like says nothing about the rules for the expected kind.
        if matches!(outcome, Outcome::Broken { .. }) && !seen.is_documented_error() {
            return None;
        }
        for (rule, rows) in rules::ALL.iter().zip(&self.rows) {
            for finding in (rule.judge)(&seen) {
                self.record(rows, finding, docket);
            }
        }
        None
    }

    /// Books a finding under the requirement that it decides, one of the rule's rows.
    fn record(&self, rows: &[usize], finding: Finding, docket: &mut Docket) {
        let Some(row) = self.row_for(rows, finding.subject()) else { return };
        docket.decide(row);
        if let Finding::Broken { at, expected, actual, .. } = finding {
            docket.break_row(row, &at, &expected, &actual);
        }
    }

    /// The row that a finding belongs to: the one that says most about it.
    fn row_for(&self, rows: &[usize], subject: &Subject) -> Option<&Requirement> {
        let fits = |wanted: &Option<String>, found: Option<&str>| wanted.is_none() || wanted.as_deref() == found;
        rows.iter()
            .map(|index| &self.contract.register.requirements[*index])
            .filter_map(|row| Some((row, row.decided_by.as_ref()?)))
            .filter(|(_, by)| {
                fits(&by.at, subject.at.as_deref())
                    && fits(&by.keyword, subject.keyword.as_deref())
                    && fits(&by.error, subject.error.as_deref())
            })
            .max_by_key(|(_, by)| [&by.at, &by.keyword, &by.error].into_iter().flatten().count())
            .map(|(row, _)| row)
    }
}

/// What has been found about a case so far.
#[derive(Default)]
struct Docket {
    broken: Vec<Violation>,
    decided: BTreeSet<String>,
}

impl Docket {
    fn decide(&mut self, row: &Requirement) {
        self.decided.insert(row.id.clone());
    }

    fn break_row(&mut self, row: &Requirement, at: &str, expected: &str, actual: &str) {
        let violation = Violation {
            requirement: row.id.clone(),
            level: row.level,
            at: at.to_owned(),
            expected: expected.to_owned(),
            actual: actual.to_owned(),
        };
        if !self.broken.contains(&violation) {
            self.broken.push(violation);
        }
    }
}
