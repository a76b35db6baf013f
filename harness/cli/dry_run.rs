//! What `run --dry-run` prints: every call that would be made, in order, their number, and what they may cost.

use std::collections::{BTreeMap, HashSet};
use std::process::ExitCode;
use std::sync::Arc;

use super::Failure;
use super::library::Library;
use super::settings::Settings;
use crate::contract::Operation;
use crate::corpus::{ExpandedCase, Plan};
use crate::report::reason;
use crate::run::forecast::{Forecast, ForeseenCall, Signing};
use crate::targets::Target;
use crate::text::foreign;

/// What stands in the place of a case's id for the call of the probe.
const PROBE: &str = "(probe)";

pub(super) fn print(
    settings: &Settings,
    library: &Library,
    operation: &Operation,
    plan: &Plan,
) -> Result<ExitCode, Failure> {
    let target = settings.foreseen_target();
    let forecast = Forecast { corpus: &library.corpus, judge: &library.judge, target: &target };
    let mut listing = Listing {
        forecast,
        target: &target,
        plan,
        listed: HashSet::new(),
        lines: Vec::new(),
        calls: 0,
        operations: BTreeMap::new(),
    };
    if !target.path_names_case {
        listing.call(PROBE, &listing.forecast.probe(&operation.name.is), 1);
    }
    for case in &plan.cases {
        listing.with_control(case);
    }
    let totals = listing.totals(&operation.name.is);
    let lines: Vec<_> = listing.lines.into_iter().chain([String::new()]).chain(totals).collect();
    super::output::print(&lines.join("\n"))
}

struct Listing<'a> {
    forecast: Forecast<'a>,
    target: &'a Target,
    plan: &'a Plan,
    /// The cases that are listed by now.
    listed: HashSet<String>,
    lines: Vec<String>,
    calls: u64,
    /// How often each operation is called.
    operations: BTreeMap<String, u64>,
}

impl Listing<'_> {
    /// Lists a case behind its control, which is asked first, also where it is not among the cases.
    fn with_control(&mut self, case: &Arc<ExpandedCase>) {
        if !self.listed.insert(case.id.clone()) {
            return;
        }
        let obstacle = self.forecast.obstacle(case);
        let control = case.case.control.as_ref().filter(|_| obstacle.is_none());
        if let Some(control) = control.and_then(|control| self.forecast.corpus.get(&control.case)) {
            self.with_control(control);
        }
        let is_planned = self.plan.cases.iter().any(|planned| planned.id == case.id);
        let runs = if is_planned { self.plan.repeat } else { 1 };
        match obstacle {
            Some(obstacle) => self.lines.push(format!("{}  no call: {}", case.id, foreign(&reason(&obstacle)))),
            None => {
                for call in self.forecast.calls(case) {
                    self.call(&case.id, &call, runs.into());
                }
            }
        }
    }

    fn call(&mut self, id: &str, call: &ForeseenCall, runs: u64) {
        let ForeseenCall { operation, method, path, signing, makes, times } = call;
        let signed = match signing {
            Signing::Right => "signed".to_owned(),
            Signing::Denied => "signed by --denied-profile".to_owned(),
            Signing::None => "not signed".to_owned(),
            Signing::Wrong(defect) => {
                let word = serde_json::to_value(defect).ok();
                format!("signed wrongly ({})", word.as_ref().and_then(|word| word.as_str()).unwrap_or_default())
            }
        };
        let makes = makes.as_ref().map_or_else(String::new, |noun| format!(", creates a {noun}"));
        let often = match times * runs {
            1 => String::new(),
            often if *times == 1 => format!(", {often} times"),
            often => format!(", at most {often} times"),
        };
        self.lines.push(format!("{id}  {} {} {operation}, {signed}{makes}{often}", foreign(method), foreign(path)));
        self.calls += times * runs;
        *self.operations.entry(operation.clone()).or_default() += times * runs;
    }

    fn totals(&self, operation: &str) -> Vec<String> {
        let before = match self.target.calls_before() {
            0 => "",
            _ => ", and one to AWS STS, which says whose the credentials are",
        };
        let most = self.target.max_calls.map_or_else(String::new, |most| {
            format!("; whatever the answers are, no more than {most} are made (--max-calls)")
        });
        let rate = self.target.calls_a_second.map_or_else(String::new, |rate| format!(", {rate} a second (--rate)"));
        let cases = self.plan.cases.len();
        let (decided, musts) = self.forecast.musts(operation, &self.plan.cases);
        let mut totals = vec![
            format!(
                "at most {} for {cases} {}{before}{rate}, if no answer is in doubt and none is throttled{most}",
                times(self.calls),
                if cases == 1 { "case" } else { "cases" }
            ),
            format!("they decide {decided} of {musts} must-requirements, if every answer is as documented"),
            "nothing was sent".to_owned(),
        ];
        let costs = self.operations.iter().filter_map(|(name, calls)| {
            let contract = self.forecast.judge.contract();
            let costs = contract.operation(name)?.costs.as_ref()?;
            let documents = &contract.service.documents;
            let source = costs.source.keys().filter_map(|id| documents.get(id)?.url.as_deref()).collect::<Vec<_>>();
            let source = if source.is_empty() { String::new() } else { format!(" ({})", source.join(", ")) };
            Some(format!("at AWS, {name}, {}: {}{source}", times(*calls), costs.is))
        });
        totals.extend(costs);
        totals
    }
}

/// `1 call`, `2 calls`.
fn times(calls: u64) -> String {
    format!("{calls} {}", if calls == 1 { "call" } else { "calls" })
}
