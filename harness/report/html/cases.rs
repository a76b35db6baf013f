//! Every case with what was expected, what was observed, and how to see it again.

use std::collections::BTreeSet;

use serde::Serialize;

use super::exchange::{CommonHeaders, ExchangeView};
use super::parts::{Count, TextPiece, anchor, counts, reason};
use super::{Tone, matrix, words};
use crate::report::collected::{Collected, grouped};
use crate::verdict::{CaseResult, Verdict, Violation};

#[derive(Debug, Serialize)]
pub(super) struct SuiteView {
    name: String,
    /// How many cases have each verdict, the most important verdict first; only for one run.
    tally: Vec<Count>,
    differing: usize,
    pub(super) cases: Vec<CaseView>,
}

#[derive(Debug, Serialize)]
pub(super) struct CaseView {
    id: String,
    anchor: Option<String>,
    title: String,
    requirements: Vec<(String, Option<String>)>,
    expected: Vec<String>,
    /// Its verdicts, the most important first, each with how many runs have it.
    verdicts: Vec<Count>,
    differs: bool,
    /// Whether a run found it to depart from a requirement below `must`.
    pub(super) departs: bool,
    prints: bool,
    runs: Vec<ResultView>,
}

/// What one run, or several alike, found about a case; the exchange is that of the first run.
#[derive(Debug, Serialize)]
struct ResultView {
    labels: Vec<String>,
    /// Whether one of these targets could be judged.
    #[serde(skip)]
    judged: bool,
    verdict: &'static str,
    tone: Tone,
    reason: Option<Vec<TextPiece>>,
    violations: Vec<Violation>,
    warnings: Vec<Violation>,
    answer: Option<String>,
    exchange: Option<ExchangeView>,
    repro: Option<String>,
    runs: u32,
    duration: Option<String>,
}

impl CaseView {
    pub(super) fn has(&self, verdict: Verdict) -> bool {
        self.verdicts.iter().any(|count| count.verdict == verdict.word())
    }
}

impl ResultView {
    /// Whether two runs found the same; what was sent to them may differ.
    fn is_like(&self, other: &Self) -> bool {
        let found = |view: &Self| (view.verdict, view.reason.clone(), view.answer.clone());
        found(self) == found(other) && self.violations == other.violations && self.warnings == other.warnings
    }
}

/// Every case that some run has, by suite, in the order of the first run that has it.
pub(super) fn suites(collected: &[Collected], common_headers: &[CommonHeaders]) -> Vec<SuiteView> {
    let judged: Vec<bool> = collected.iter().map(matrix::is_judged).collect();
    let results =
        collected.iter().enumerate().flat_map(|(run, collected)| collected.cases.iter().map(move |case| (run, case)));
    let by_case = grouped(results, |(_, result)| &result.id);
    let suite = |alike: Vec<&Vec<(usize, &CaseResult)>>| {
        let view_of = |(run, result): &(usize, &CaseResult)| result_view(result, &common_headers[*run], judged[*run]);
        let case =
            |results: &&Vec<(usize, &CaseResult)>| case(results[0].1, results.iter().map(view_of), collected.len() > 1);
        let cases: Vec<CaseView> = alike.iter().map(case).collect();
        // For several targets, a sum of the verdicts would mean nothing.
        let verdicts = alike.iter().filter(|_| collected.len() == 1).map(|results| results[0].1.verdict);
        let mut tally = counts(verdicts);
        tally.sort_by_key(|count| count.tone);
        let differing = cases.iter().filter(|case| case.differs).count();
        SuiteView { name: alike[0][0].1.suite.clone(), tally, differing, cases }
    };
    grouped(&by_case, |results| &results[0].1.suite).into_iter().map(suite).collect()
}

fn result_view(result: &CaseResult, common_headers: &CommonHeaders, judged: bool) -> ResultView {
    let explained = result.reason.is_some() || (result.violations.is_empty() && result.verdict != Verdict::Pass);
    ResultView {
        labels: vec![common_headers.label.clone()],
        judged,
        verdict: result.verdict.word(),
        tone: result.verdict.into(),
        reason: explained.then(|| reason(result)),
        violations: result.violations.clone(),
        warnings: result.warnings.clone(),
        answer: words::answer(result),
        exchange: common_headers.show(result),
        repro: result.repro.clone(),
        runs: result.runs,
        duration: (result.duration_ms > 0.0).then(|| words::duration(result.duration_ms)),
    }
}

/// A case with what the runs found about it.
fn case(result: &CaseResult, all: impl Iterator<Item = ResultView>, several: bool) -> CaseView {
    let mut runs: Vec<ResultView> = Vec::new();
    for result in all {
        match runs.iter_mut().find(|other| other.is_like(&result)) {
            Some(other) => {
                other.labels.extend(result.labels);
                other.judged |= result.judged;
            }
            None => runs.push(result),
        }
    }
    let found: BTreeSet<(Tone, &str)> = runs.iter().map(|result| (result.tone, result.verdict)).collect();
    let count = |(tone, verdict)| {
        let alike = runs.iter().filter(|result| result.verdict == verdict);
        Count { verdict, tone, cases: alike.map(|result| result.labels.len()).sum() }
    };
    // A target that was not judged does not count as different, as in the table of requirements.
    let unjudged = [Verdict::NotImplemented, Verdict::NotApplicable].map(Verdict::word);
    let compared = runs.iter().filter(|result| result.judged && !unjudged.contains(&result.verdict));
    let differs = compared.map(|result| result.verdict).collect::<BTreeSet<_>>().len() > 1;
    // In print, a case that passed or was not judged needs no details.
    let open = found.iter().any(|(_, word)| !unjudged.contains(word) && *word != Verdict::Pass.word());
    CaseView {
        id: result.id.clone(),
        anchor: anchor(&result.id),
        title: result.title.clone(),
        requirements: result.requirements.iter().map(|id| (id.clone(), anchor(id))).collect(),
        expected: result.expected.clone(),
        verdicts: found.iter().copied().map(count).collect(),
        differs,
        departs: runs.iter().any(|result| !result.warnings.is_empty()),
        prints: if several { differs } else { open },
        runs,
    }
}
