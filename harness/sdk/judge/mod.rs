//! Judging an SDK: a client case and the record of its run in, a verdict out.
//!
//! [`ClientJudge::judge`] is the way in. The rules on every request are in `rules`; the expectations of single cases
//! are in `expectations`.

mod expectations;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::contract::{Contract, Level, LoadError, REGISTER_FILE, Requirement, Side};
use crate::judge::Judgement;
use crate::report::DriverEvent;
use crate::sdk::cases::ClientCase;
use crate::sdk::record::{OutcomeRecord, Phase, Record};
use crate::text::{cut, did_you_mean, escape};
use crate::verdict::{Fault, Reason, Verdict, Violation};

/// The longest text of a finding, in characters.
const TEXT_LIMIT: usize = 300;

/// Judges records of client cases by the contract.
#[derive(Clone, Debug)]
pub struct ClientJudge {
    contract: Arc<Contract>,
}

/// One thing that a requirement asks for and that was not found.
#[derive(Debug, PartialEq, Eq)]
struct ClientBreach {
    at: String,
    expected: String,
    actual: String,
}

/// Every breach of a requirement that a record shows; `None` if the record does not tell.
type ClientBreaches = Option<Vec<ClientBreach>>;

impl ClientJudge {
    /// A judge for a contract.
    ///
    /// # Errors
    /// When a row of the register names a rule on clients that does not exist, or no row names a rule, which then would
    /// never be used.
    pub fn new(contract: Arc<Contract>) -> Result<Self, LoadError> {
        let file = format!("fixtures/{REGISTER_FILE}");
        let mut used = BTreeSet::new();
        for (index, row) in contract.register.requirements.iter().enumerate() {
            let Some(decision) = row.decided_by.as_ref().filter(|_| row.side == Side::Client) else { continue };
            if rules::rule_named(&decision.rule).is_none() {
                let near = did_you_mean(&decision.rule, rules::ALL.iter().map(|rule| rule.name));
                let message = format!("there is no rule on clients \"{}\"{near}", decision.rule);
                return Err(LoadError::new(&file, format!("/requirements/{index}/decided_by/rule"), message));
            }
            used.insert(decision.rule.as_str());
        }
        if let Some(idle) = rules::ALL.iter().find(|rule| !used.contains(rule.name)) {
            let message = format!("no requirement is decided by the rule \"{}\"", idle.name);
            return Err(LoadError::new(&file, "/requirements", message));
        }
        Ok(Self { contract })
    }

    /// The contract that it judges by.
    pub fn contract(&self) -> &Contract {
        &self.contract
    }

    /// Judges the record of a case.
    pub fn judge(&self, case: &ClientCase, record: &Record, driver: &DriverEvent) -> Judgement {
        if let Some(reason) = fault_of_driver(record) {
            return Judgement::of(Verdict::HarnessError, Some(Reason::Told { words: reason }));
        }
        if record.outcomes.iter().any(|outcome| matches!(outcome, OutcomeRecord::Lost { .. })) {
            return Judgement::undecided(Reason::Told { words: "the driver was lost".to_owned() });
        }
        let mut judgement = Judgement::of(Verdict::Pass, None);
        let operation = self.contract.default_operation();
        let called_operation = rules::CalledOperation { service: &self.contract.service, operation };
        for row in self.contract.register.of(Side::Client, &operation.name.is).filter(|row| row.is_tested()) {
            let found = match &row.decided_by {
                Some(decision) => {
                    rules::rule_named(&decision.rule).and_then(|rule| (rule.judge)(case, called_operation, record))
                }
                None => expectations::of(&row.id, case, record, driver),
            };
            let Some(breaches) = found else { continue };
            judgement.decided.insert(row.id.clone());
            add(&mut judgement, row, breaches);
        }
        if !judgement.violations.is_empty() {
            judgement.verdict = Verdict::Fail;
        }
        judgement
    }
}

/// What the driver itself did wrong, so that the SDK cannot be judged; `None` if nothing.
fn fault_of_driver(record: &Record) -> Option<String> {
    for (index, outcome) in record.outcomes.iter().enumerate() {
        let OutcomeRecord::Error { error, .. } = outcome else { continue };
        let sent = record.requests.iter().filter(|request| request.call == index + 1).count();
        if error.phase == Phase::Driver {
            let message = error.message.as_deref().unwrap_or("without saying why");
            return Some(text(&format!("the driver failed by itself: {}: {message}", error.class)));
        }
        if error.phase == Phase::Client && sent > 0 {
            return Some(format!(
                "the driver says that the SDK refused before it sent anything ({}), but {sent} requests arrived",
                text(&error.class)
            ));
        }
    }
    None
}

fn add(judgement: &mut Judgement, row: &Requirement, breaches: Vec<ClientBreach>) {
    let violations = breaches.into_iter().map(|ClientBreach { at, expected, actual }| Violation {
        requirement: row.id.clone(),
        level: row.level,
        step: None,
        fault: Fault::Value { at, expected: text(&expected), found: text(&actual) },
    });
    if row.level == Level::Must {
        judgement.violations.extend(violations);
    } else {
        judgement.warnings.extend(violations);
    }
}

/// The words of an SDK or a driver, fit for a report: escaped and cut.
fn text(text: &str) -> String {
    escape(&cut(text, TEXT_LIMIT))
}
