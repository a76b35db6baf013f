//! Every case with what was expected, what was observed, and how to see it again.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::exchange::{Exchange, Usual};
use super::parts::{Count, Piece, anchor, counts, reason};
use crate::report::collected::Collected;
use crate::report::tone::Tone;
use crate::report::{matrix, words};
use crate::verdict::{CaseResult, Verdict, Violation};

#[derive(Debug, Default, Serialize)]
pub(super) struct Suite {
    name: String,
    /// How many cases have each verdict, those that say most first; of one run only.
    tally: Vec<Count>,
    differing: usize,
    pub(super) cases: Vec<Case>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Case {
    id: String,
    anchor: Option<String>,
    title: String,
    requirements: Vec<(String, Option<String>)>,
    expected: Vec<String>,
    /// Its verdicts, the one that says most first, each with how many runs have it.
    verdicts: Vec<Count>,
    differs: bool,
    /// Whether a run found it to depart from a requirement below `must`.
    pub(super) departs: bool,
    prints: bool,
    runs: Vec<Told>,
}

/// What one run found about a case, and every other run alike; the exchange is that of the first.
#[derive(Debug, Serialize)]
struct Told {
    labels: Vec<String>,
    /// Whether one of these targets could be judged.
    #[serde(skip)]
    judged: bool,
    verdict: &'static str,
    tone: Tone,
    reason: Option<Vec<Piece>>,
    violations: Vec<Violation>,
    warnings: Vec<Violation>,
    answer: Option<String>,
    exchange: Option<Exchange>,
    repro: Option<String>,
    runs: u32,
    duration: Option<String>,
}

impl Case {
    pub(super) fn has(&self, verdict: Verdict) -> bool {
        self.verdicts.iter().any(|count| count.verdict == verdict.word())
    }
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
        let judged = matrix::is_judged(collected);
        for result in &collected.cases {
            let (suite, place) = *places.entry(&result.id).or_insert_with(|| {
                let suite = suites.iter().position(|suite| suite.name == result.suite).unwrap_or_else(|| {
                    suites.push(Suite { name: result.suite.clone(), ..Suite::default() });
                    suites.len() - 1
                });
                suites[suite].cases.push(case(result));
                (suite, suites[suite].cases.len() - 1)
            });
            let runs = &mut suites[suite].cases[place].runs;
            let told = told(result, &usual[run], judged);
            match runs.iter_mut().find(|other| other.is_like(&told)) {
                Some(other) => {
                    other.labels.extend(told.labels);
                    other.judged |= judged;
                }
                None => runs.push(told),
            }
        }
    }
    for suite in &mut suites {
        suite.cases.iter_mut().for_each(|case| sum_up(case, heard.len() > 1));
        suite.differing = suite.cases.iter().filter(|case| case.differs).count();
        // Of several targets, the verdicts of the suite's cases are no sum of anything.
        if heard.len() == 1 {
            let having = |verdict| suite.cases.iter().filter(move |case| case.has(verdict)).map(move |_| verdict);
            suite.tally = counts(Verdict::ALL.into_iter().flat_map(having));
            suite.tally.sort_by_key(|count| count.tone);
        }
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
        ..Case::default()
    }
}

fn told(result: &CaseResult, usual: &Usual, judged: bool) -> Told {
    let explained = result.reason.is_some() || (result.violations.is_empty() && result.verdict != Verdict::Pass);
    Told {
        labels: vec![usual.label.clone()],
        judged,
        verdict: result.verdict.word(),
        tone: result.verdict.into(),
        reason: explained.then(|| reason(result)),
        violations: result.violations.clone(),
        warnings: result.warnings.clone(),
        answer: words::answer(result),
        exchange: usual.show(result),
        repro: result.repro.clone(),
        runs: result.runs,
        duration: (result.duration_ms > 0.0).then(|| words::duration(result.duration_ms)),
    }
}

fn sum_up(case: &mut Case, several: bool) {
    let found: BTreeSet<&str> = case.runs.iter().map(|told| told.verdict).collect();
    let mut verdicts: Vec<Count> = found
        .into_iter()
        .map(|verdict| {
            let alike = || case.runs.iter().filter(|told| told.verdict == verdict);
            Count {
                verdict,
                tone: alike().next().map_or(Tone::Calm, |told| told.tone),
                cases: alike().map(|told| told.labels.len()).sum(),
            }
        })
        .collect();
    verdicts.sort_by_key(|count| count.tone);
    case.verdicts = verdicts;
    // A target that was not judged differs from nobody, as in the table of requirements.
    let unjudged = [Verdict::NotImplemented, Verdict::NotApplicable];
    let judged = |verdict: &str| unjudged.iter().all(|other| other.word() != verdict);
    let compared: BTreeSet<&str> =
        case.runs.iter().filter(|told| told.judged && judged(told.verdict)).map(|told| told.verdict).collect();
    case.differs = compared.len() > 1;
    case.departs = case.runs.iter().any(|told| !told.warnings.is_empty());
    // What was not judged has nothing to say but that.
    let open = case.verdicts.iter().any(|count| judged(count.verdict) && count.verdict != Verdict::Pass.word());
    case.prints = if several { case.differs } else { open };
}
