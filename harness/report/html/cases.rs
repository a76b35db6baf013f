//! Every case with what was expected, what was observed, and how to see it again.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::exchange::{Exchange, Usual};
use super::view::{anchor, tone};
use crate::report::collected::Collected;
use crate::report::words;
use crate::verdict::{CaseResult, Verdict, Violation};

/// The cases of a suite.
#[derive(Debug, Serialize)]
pub(super) struct Suite {
    name: String,
    pub(super) cases: Vec<Case>,
}

/// A case with what each run found.
#[derive(Debug, Serialize)]
pub(super) struct Case {
    id: String,
    anchor: Option<String>,
    title: String,
    requirements: Vec<(String, Option<String>)>,
    expected: Vec<String>,
    /// Its verdicts, the one that says most first, each with how many runs have it.
    verdicts: Vec<(&'static str, &'static str, usize)>,
    differs: bool,
    runs: Vec<Told>,
}

/// What one run found about a case, and every other run alike; the exchange is that of the first.
#[derive(Debug, Serialize)]
struct Told {
    labels: Vec<String>,
    verdict: &'static str,
    tone: &'static str,
    reason: Option<String>,
    violations: Vec<Violation>,
    warnings: Vec<Violation>,
    answer: Option<String>,
    exchange: Option<Exchange>,
    repro: Option<String>,
    runs: u32,
    duration: String,
}

impl Told {
    /// Whether two runs found the same, whatever was sent to them.
    fn is_like(&self, other: &Self) -> bool {
        let found = |told: &Self| (told.verdict, told.reason.clone(), told.answer.clone());
        found(self) == found(other) && self.violations == other.violations && self.warnings == other.warnings
    }
}

/// Every case that some run has, by suite, in the order of the first run that has it.
pub(super) fn suites(heard: &[Collected], usual: &[Usual]) -> Vec<Suite> {
    let mut suites: Vec<Suite> = Vec::new();
    let mut places: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (run, collected) in heard.iter().enumerate() {
        for result in &collected.cases {
            let (suite, place) = *places.entry(&result.id).or_insert_with(|| {
                let suite = suites.iter().position(|suite| suite.name == result.suite).unwrap_or_else(|| {
                    suites.push(Suite { name: result.suite.clone(), cases: Vec::new() });
                    suites.len() - 1
                });
                suites[suite].cases.push(case(result));
                (suite, suites[suite].cases.len() - 1)
            });
            let runs = &mut suites[suite].cases[place].runs;
            let told = told(result, &usual[run]);
            match runs.iter_mut().find(|other| other.is_like(&told)) {
                Some(other) => other.labels.extend(told.labels),
                None => runs.push(told),
            }
        }
    }
    for case in suites.iter_mut().flat_map(|suite| &mut suite.cases) {
        sum_up(case);
    }
    suites
}

fn case(result: &CaseResult) -> Case {
    Case {
        id: result.id.clone(),
        anchor: anchor(&result.id),
        title: result.title.clone(),
        requirements: result.requirements.iter().map(|id| (id.clone(), anchor(id))).collect(),
        expected: result.expected.clone(),
        verdicts: Vec::new(),
        differs: false,
        runs: Vec::new(),
    }
}

fn told(result: &CaseResult, usual: &Usual) -> Told {
    let explained = result.reason.is_some() || (result.violations.is_empty() && result.verdict != Verdict::Pass);
    Told {
        labels: vec![usual.label.clone()],
        verdict: result.verdict.word(),
        tone: tone(result.verdict),
        reason: explained.then(|| words::reason(result)),
        violations: result.violations.clone(),
        warnings: result.warnings.clone(),
        answer: words::answer(result),
        exchange: usual.show(result),
        repro: result.repro.clone(),
        runs: result.runs,
        duration: words::duration(result.duration_ms),
    }
}

/// Counts the verdicts of a case.
fn sum_up(case: &mut Case) {
    let found: BTreeSet<&str> = case.runs.iter().map(|told| told.verdict).collect();
    // A target that was not judged differs from nobody, as in the table of requirements.
    let unjudged = [Verdict::NotImplemented.word(), Verdict::NotApplicable.word()];
    case.differs = found.iter().filter(|word| !unjudged.contains(word)).count() > 1;
    let weight = |tone: &str| ["bad", "doubt", "calm", "good"].iter().position(|other| *other == tone);
    let mut verdicts: Vec<_> = found
        .into_iter()
        .map(|word| {
            let alike = || case.runs.iter().filter(|told| told.verdict == word);
            (word, alike().next().map_or("calm", |told| told.tone), alike().map(|told| told.labels.len()).sum())
        })
        .collect();
    verdicts.sort_by_key(|(_, tone, _)| weight(tone));
    case.verdicts = verdicts;
}
