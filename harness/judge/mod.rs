//! Judging: a case and what went over the wire in, a verdict out.
//!
//! Pure and synchronous: no clock, no environment, no network. Uses contract, corpus (the types of a
//! case), wire (exchanges) and verdict. Start with [`Judge::judge`]; the rules are in `rules`, one
//! function each, listed in `rules::ALL`.

mod answer;
mod database;
mod outcome;
mod rules;
mod shown;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;

pub use answer::{SHAPE_LIMIT, shape, words_and_shape};
#[cfg(feature = "run")]
pub(crate) use rules::lifetime::{CLOCK_SKEW_SECONDS, seconds};

use answer::{JudgedCase, Observation};
use outcome::Outcome;
use rules::{Finding, Subject};

use crate::contract::{Contract, Decision, Level, LoadError, Member, REGISTER_FILE, Requirement, Side};
use crate::corpus::{AcceptedAnswer, Call, ExpandedCase};
use crate::text::did_you_mean;
use crate::verdict::{Fault, Reason, TargetAnswer, Verdict, Violation};
use crate::wire::{DatabaseExchange, Exchange, Masker, TransportFault, error_type};

/// What the judge concludes about a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// `pass`, `fail` or `indeterminate`; the runner sets verdicts such as `blocked` itself.
    pub verdict: Verdict,
    /// Why there is no verdict, or what a pass leaves open.
    pub reason: Option<Reason>,
    /// Every broken `must` requirement.
    pub violations: Vec<Violation>,
    /// Every broken requirement below `must`.
    pub warnings: Vec<Violation>,
    /// The requirements that this case decided, one way or the other.
    pub decided: BTreeSet<String>,
    /// The requirements that a pass leaves open; `reason` says why.
    pub undecided: BTreeSet<String>,
}

impl Judgement {
    /// A judgement without findings: this verdict, for this reason.
    pub fn of(verdict: Verdict, reason: Option<Reason>) -> Self {
        Self { verdict, reason, ..Self::default() }
    }

    /// An `indeterminate` judgement, and why.
    pub fn undecided(reason: Reason) -> Self {
        Self::of(Verdict::Indeterminate, Some(reason))
    }

    /// Records that a requirement is decided. It holds if `fault` is `None`.
    fn book(&mut self, row: &Requirement, fault: Option<Fault>, step: Option<&str>) {
        self.decided.insert(row.id.clone());
        let Some(fault) = fault else { return };
        let violation =
            Violation { requirement: row.id.clone(), level: row.level, step: step.map(str::to_owned), fault };
        let broken = if row.level == Level::Must { &mut self.violations } else { &mut self.warnings };
        if !broken.contains(&violation) {
            broken.push(violation);
        }
    }
}

/// What one answer alone can say of a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OneAnswer {
    /// Whether it holds.
    Decides,
    /// That it holds. That it does not hold, further calls tell, or what was not kept of the answer.
    Confirms,
    /// Nothing: it is about several answers.
    SaysNothing,
}

/// A fault that is accepted because real AWS has it: a recording shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedFault {
    /// The requirement that it breaks.
    pub requirement: String,
    /// The only case in which it is accepted; any case if `None`.
    pub case: Option<String>,
    /// What is accepted.
    pub fault: Fault,
}

/// Judges transcripts by the contract.
#[derive(Clone, Debug)]
pub struct Judge {
    contract: Arc<Contract>,
    /// What is accepted beside what the contract says.
    accepted: Arc<[AcceptedFault]>,
    /// By operation, for each rule of [`rules::ALL`]: the indexes in the register of the rows that it decides.
    rows: HashMap<String, Vec<Vec<usize>>>,
}

impl Judge {
    /// A judge for a contract.
    ///
    /// # Errors
    /// When a row of the register names a rule that does not exist, or when no row names a rule, which could then never
    /// find a fault.
    pub fn new(contract: Arc<Contract>) -> Result<Self, LoadError> {
        let error =
            |pointer: &str, message| Err(LoadError::new(&format!("fixtures/{REGISTER_FILE}"), pointer, message));
        let rows = contract.register.requirements.iter().enumerate().filter(|(_, row)| row.side == Side::Server);
        let decisions: Vec<(usize, &str)> =
            rows.filter_map(|(index, row)| Some((index, row.decided_by.as_ref()?.rule.as_str()))).collect();
        let unknown = |(_, name): &&(usize, &str)| !rules::ALL.iter().any(|rule| rule.name == *name);
        if let Some((index, name)) = decisions.iter().find(unknown) {
            let place = format!("/requirements/{index}/decided_by/rule");
            let near = did_you_mean(name, rules::ALL.iter().map(|rule| rule.name));
            return error(&place, format!("there is no rule \"{name}\"{near}"));
        }
        let is_idle = |rule: &&rules::Rule| !decisions.iter().any(|(_, name)| *name == rule.name);
        if let Some(rule) = rules::ALL.iter().find(is_idle) {
            return error("/requirements", format!("no requirement is decided by the rule \"{}\"", rule.name));
        }
        let none = || vec![Vec::new(); rules::ALL.len()];
        let mut rows: HashMap<_, _> = contract.operations.keys().map(|name| (name.clone(), none())).collect();
        for (index, name) in decisions {
            let of = rows.get_mut(&contract.register.requirements[index].operation);
            let rule = rules::ALL.iter().position(|rule| rule.name == name);
            if let (Some(of), Some(rule)) = (of, rule) {
                of[rule].push(index);
            }
        }
        Ok(Self { contract, accepted: Arc::default(), rows })
    }

    /// The same judge, which now accepts these faults too.
    #[must_use]
    pub fn accepting(mut self, faults: impl IntoIterator<Item = AcceptedFault>) -> Self {
        self.accepted = faults.into_iter().collect();
        self
    }

    /// What one answer alone can say of a requirement.
    pub fn one_answer(&self, requirement: &str) -> OneAnswer {
        let by = self.contract.register.get(requirement).and_then(|row| row.decided_by.as_ref());
        let rule = by.and_then(|by| rules::ALL.iter().find(|rule| rule.name == by.rule));
        rule.map_or(OneAnswer::Decides, |rule| rule.one_answer)
    }

    /// Leaves out of a judgement what is accepted.
    fn accept(&self, case: &ExpandedCase, judgement: &mut Judgement) {
        let is_accepted = |violation: &mut Violation| {
            self.accepted.iter().any(|accepted| {
                accepted.requirement == violation.requirement
                    && accepted.case.as_ref().is_none_or(|id| *id == case.id)
                    && violation.fault.is_same_answer(&accepted.fault)
            })
        };
        let Judgement { violations, warnings, reason, .. } = judgement;
        for broken in [violations, warnings] {
            for violation in broken.extract_if(.., is_accepted) {
                reason.get_or_insert_with(|| Reason::AsRecorded { violation: Box::new(violation) });
            }
        }
    }

    /// The same judge with one rule switched off.
    #[cfg(test)]
    pub(crate) fn without(mut self, name: &str) -> Self {
        let place = rules::ALL.iter().position(|rule| rule.name == name).expect("there is such a rule");
        self.rows.values_mut().for_each(|rows| rows[place].clear());
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

    /// Judges a case like [`Judge::judge`]. No finding repeats what `hidden` masks, or a secret of an answer.
    pub fn judge_hiding(&self, case: &ExpandedCase, transcript: &[Exchange], hidden: &Masker) -> Judgement {
        self.judge_with_database(case, transcript, &[], hidden)
    }

    /// Judges a case like [`Judge::judge_hiding`], with what was done at the database.
    pub fn judge_with_database(
        &self,
        case: &ExpandedCase,
        transcript: &[Exchange],
        database: &[DatabaseExchange],
        hidden: &Masker,
    ) -> Judgement {
        let mut judgement = Judgement::of(Verdict::Pass, None);
        let context = JudgedCase { case, contract: &self.contract, hidden };
        for index in 0..case.calls.len().min(transcript.len()) {
            if let Some(reason) = self.judge_call(context, index, transcript, &mut judgement) {
                return Judgement::undecided(reason);
            }
        }
        for exchange in database {
            if let Some(reason) = self.judge_database(case, exchange, hidden, &mut judgement) {
                return Judgement::undecided(reason);
            }
        }
        self.accept(case, &mut judgement);
        if !judgement.violations.is_empty() {
            judgement.verdict = Verdict::Fail;
        }
        judgement
    }

    /// Judges a step at the database. Returns the reason if it cannot be judged, else `None`.
    fn judge_database(
        &self,
        case: &ExpandedCase,
        exchange: &DatabaseExchange,
        hidden: &Masker,
        judgement: &mut Judgement,
    ) -> Option<Reason> {
        let (_, step) = case.others.get(exchange.step).filter(|(_, step)| step.is_judged())?;
        let concluded = database::concluded(step, exchange, hidden);
        let fault = match concluded {
            Ok(fault) => fault,
            Err(answer) => return Some(Reason::Database { step: step.name.clone(), answer }),
        };
        let is_decided = |id: &&String| step.decides.as_ref().is_none_or(|decides| decides.contains(id));
        let rows = case.case.requirements.iter().filter(is_decided).filter_map(|id| self.contract.register.get(id));
        for row in rows.filter(|row| row.is_outcome()) {
            judgement.book(row, fault.clone(), step.name.as_deref());
        }
        None
    }

    /// Why a case cannot go on after a step at the database that only leads to the next one; `None` if it can.
    pub fn dead_end(case: &ExpandedCase, exchange: &DatabaseExchange, hidden: &Masker) -> Option<Reason> {
        let (_, step) = case.others.get(exchange.step).filter(|(_, step)| !step.is_judged())?;
        match database::concluded(step, exchange, hidden) {
            Ok(None) => None,
            Ok(Some(_)) | Err(_) => {
                Some(Reason::Database { step: step.name.clone(), answer: database::shown(exchange, hidden) })
            }
        }
    }

    /// Whether a call was accepted, whatever else may be wrong with the answer: the answer has a success status, and
    /// its body is a JSON object with at least one documented member. An operation that requires none may answer with
    /// an empty object.
    pub fn is_accepted(&self, case: &ExpandedCase, call: &Call, exchange: &Exchange) -> bool {
        let operation = case.operation_of(call, &self.contract);
        let (Some(operation), Ok(response)) = (operation, &exchange.answer) else { return false };
        let members = &operation.response.members;
        let requires_none = !members.values().any(Member::is_required);
        let has_member = |body: &Value| members.keys().any(|member| body.get(member).is_some());
        let is_its = |body: Value| body.is_object() && (requires_none || has_member(&body));
        (200..300).contains(&response.status) && response.json().is_some_and(is_its)
    }

    /// Whether an answer is one that a call expects which only leads to the next one: nothing else is said of it.
    pub fn is_expected(&self, call: &Call, exchange: &Exchange) -> bool {
        let Ok(response) = &exchange.answer else { return false };
        let is_object = || response.json().is_some_and(|body| body.is_object());
        let has_name = |name: &str| name == "*" || error_type(response).is_some_and(|error| error == name);
        let fits = |answer: &AcceptedAnswer| {
            answer.status.includes(response.status)
                && answer.error.as_deref().is_none_or(has_name)
                && (response.status >= 300 || is_object())
        };
        call.expect.answers().iter().any(fits)
    }

    /// Whether a judgement fails a target for lifetimes alone, so that further calls can tell whether there is another
    /// reason.
    pub fn is_about_lifetimes(&self, judgement: &Judgement) -> bool {
        let of_lifetimes = |violation: &Violation| self.is_lifetime(&violation.requirement);
        judgement.verdict == Verdict::Fail && judgement.violations.iter().all(of_lifetimes)
    }

    /// The judgement with its requirements on lifetimes left open for `reason`: they are neither broken nor decided.
    pub fn without_lifetimes(&self, mut judgement: Judgement, reason: Reason) -> Judgement {
        judgement.verdict = Verdict::Pass;
        judgement.violations.retain(|violation| !self.is_lifetime(&violation.requirement));
        judgement.undecided = judgement.decided.extract_if(.., |id| self.is_lifetime(id)).collect();
        judgement.reason = Some(reason);
        judgement
    }

    fn is_lifetime(&self, requirement: &str) -> bool {
        let row = self.contract.register.get(requirement).and_then(|row| row.decided_by.as_ref());
        row.is_some_and(|by| rules::ALL.iter().any(|rule| rule.is_about_lifetimes && rule.name == by.rule))
    }

    /// Judges the call at `index`. Returns the reason if it cannot be judged, else `None`.
    fn judge_call(
        &self,
        context: JudgedCase<'_>,
        index: usize,
        transcript: &[Exchange],
        judgement: &mut Judgement,
    ) -> Option<Reason> {
        let (call, exchange, earlier) = (&context.case.calls[index], &transcript[index], &transcript[..index]);
        if !call.is_judged() && call.shows.is_empty() {
            return None;
        }
        let step = call.name.as_deref();
        let response = match &exchange.answer {
            Ok(response) => response,
            // Where no row is about the outcome, there is nothing to say without an answer.
            Err(TransportFault::HungUp(_)) if self.outcome_rows(context.case, call).next().is_some() => {
                let fault = outcome::of_hang_up(&context.case.case, call, &exchange.request);
                self.outcome_rows(context.case, call).for_each(|row| judgement.book(row, fault.clone(), step));
                return None;
            }
            Err(_) if !call.is_judged() => return None,
            Err(fault) => return Some(Reason::NoAnswer { answer: TargetAnswer::Nothing(context.hidden.fault(fault)) }),
        };
        let observation = Observation::new(context, call, exchange, response, earlier)?;
        for (row, fault) in shown::findings(&observation) {
            judgement.book(row, fault, step);
        }
        if !call.is_judged() {
            return None;
        }
        if response.is_throttled() {
            return Some(Reason::Throttled(observation.summary()));
        }
        if response.is_timeout() {
            return Some(Reason::NotInTime(observation.summary()));
        }
        if observation.body.is_none() && response.is_json_beyond_reading() {
            return Some(Reason::JsonBeyondReading(observation.summary()));
        }
        let outcome = outcome::of(&observation);
        if let (Outcome::Broken(_), Some(reason)) = (&outcome, outcome::excuse(&observation)) {
            return Some(reason);
        }
        // The name of an error is then unknown, and nothing else that is said of errors can be told.
        let hidden = rules::encoding::encoding(&observation).filter(|_| !observation.is_success());
        let mut binding = false;
        for row in self.outcome_rows(context.case, call) {
            binding |= row.level != Level::May;
            match &outcome {
                Outcome::Holds => judgement.book(row, None, step),
                Outcome::Broken(fault) => judgement.book(row, Some(fault.clone()), step),
                Outcome::Unclear => {
                    if let Some(looks_like) = hidden {
                        judgement.undecided.insert(row.id.clone());
                        let answer = observation.summary();
                        judgement.reason = Some(Reason::EncodedError { answer, looks_like });
                    }
                }
            }
        }
        // No document describes this request, so none says what the answer looks like. What the answers of another
        // operation look like, its own cases judge.
        if !binding || observation.operation.name.is != context.case.operation {
            return None;
        }
        // The rules apply to the expected kind of answer, and this is another kind.
        if matches!(outcome, Outcome::Broken(_)) && observation.documented_error().is_none() {
            return None;
        }
        let is_clock_moved = context.case.is_clock_moved(index);
        let rows_of_rules = self.rows.get(&observation.operation.name.is).into_iter().flatten();
        for (rule, rows) in rules::ALL.iter().zip(rows_of_rules) {
            if (hidden.is_some() && rule.reads_errors) || (is_clock_moved && rule.reads_clocks) {
                continue;
            }
            // Only further calls tell whether a lifetime is wrong, and what this case made may be deleted by then.
            if rule.is_about_lifetimes && context.case.is_staged() {
                continue;
            }
            for Finding { subject, fault } in (rule.judge)(&observation).unwrap_or_default() {
                if let Some(row) = self.row_for(rows, &subject) {
                    judgement.book(row, fault, step);
                }
            }
        }
        None
    }

    /// The rows about whether the request of a call is accepted or refused.
    fn outcome_rows<'a>(&'a self, case: &'a ExpandedCase, call: &'a Call) -> impl Iterator<Item = &'a Requirement> {
        let is_decided = |id: &&String| call.decides.as_ref().is_none_or(|decides| decides.contains(id));
        let ids = case.case.requirements.iter().filter(is_decided);
        ids.filter_map(|id| self.contract.register.get(id)).filter(|row| row.is_outcome())
    }

    /// The row that a finding belongs to: the most specific of those that fit.
    fn row_for(&self, rows: &[usize], subject: &Subject) -> Option<&Requirement> {
        rows.iter()
            .map(|index| &self.contract.register.requirements[*index])
            .filter_map(|row| Some((row, how_specific(row.decided_by.as_ref()?, subject)?)))
            .max_by_key(|(_, fit)| *fit)
            .map(|(row, _)| row)
    }
}

/// How specific a row is about a subject: whether it names the exact place, and how many conditions it has. `None` if
/// the row is about another subject. A place that ends in `/**` covers everything below it.
fn how_specific(by: &Decision, subject: &Subject) -> Option<(bool, usize)> {
    let same = |wanted: &Option<String>, found: Option<&str>| wanted.is_none() || wanted.as_deref() == found;
    let at = subject.at.as_deref();
    let below = by.at.as_deref().and_then(|wanted| wanted.strip_suffix("/**"));
    let is_below = |above: &str| at.and_then(|at| at.strip_prefix(above)).is_some_and(|rest| rest.starts_with('/'));
    let is_there = below.map_or_else(|| same(&by.at, at), is_below);
    let fits = is_there && same(&by.keyword, subject.keyword.as_deref()) && same(&by.error, subject.error.as_deref());
    let conditions = [&by.at, &by.keyword, &by.error].into_iter().flatten().count();
    fits.then_some((below.is_none() && by.at.is_some(), conditions))
}
