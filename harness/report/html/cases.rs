//! Every case with what was expected, what was observed, and how to see it again.

use std::collections::BTreeSet;

use serde::Serialize;

use super::exchange::{CommonHeaders, ExchangeView, OwnLines};
use super::parts::{Count, Link, TextPiece, anchor, reason};
use super::{Tone, matrix, words};
use crate::report::collected::{Collected, grouped};
use crate::verdict::{CaseResult, Verdict, Violation};

#[derive(Debug, Serialize)]
pub(super) struct CaseView {
    pub(super) id: String,
    anchor: Option<String>,
    pub(super) title: String,
    requirements: Vec<(String, Option<String>)>,
    expected: Vec<String>,
    /// Its verdicts, the most important first, each with how many runs have it.
    verdicts: Vec<Count>,
    /// The verdict of the only run; `None` for several.
    #[serde(skip)]
    pub(super) verdict: Option<Verdict>,
    pub(super) differs: bool,
    /// Whether a run found it to depart from a requirement below `must`.
    pub(super) departs: bool,
    pub(super) prints: bool,
    /// An earlier case of its family about which every run found the same. What that one shows is left out here.
    like: Option<Link>,
    runs: Vec<ResultView>,
}

/// What one run, or several alike, found about a case; the exchange is that of the first run.
#[derive(Debug, Serialize)]
struct ResultView {
    labels: Vec<String>,
    /// Whether one of these targets could be judged.
    #[serde(skip)]
    judged: bool,
    verdict: Verdict,
    tone: Tone,
    reason: Option<Vec<TextPiece>>,
    violations: Vec<Violation>,
    warnings: Vec<Violation>,
    answer: Option<String>,
    exchange: Option<ExchangeView>,
    /// What is other in its exchange than in that of the case that it is like.
    own: Option<OwnLines>,
    repro: Option<String>,
    runs: u32,
    duration: Option<String>,
}

impl CaseView {
    pub(super) fn has(&self, verdict: Verdict) -> bool {
        self.verdicts.iter().any(|count| count.verdict == verdict.word())
    }

    /// Whether another case can stand for it: the same was expected of both, and every run found the same.
    fn is_like(&self, other: &Self) -> bool {
        let asked = |view: &Self| (view.title.clone(), view.requirements.clone(), view.expected.clone());
        let same = |(one, other): (&ResultView, &ResultView)| one.labels == other.labels && one.is_like(other);
        let is_told = self.runs.iter().any(|result| result.exchange.is_some());
        is_told
            && asked(self) == asked(other)
            && self.runs.len() == other.runs.len()
            && self.runs.iter().zip(&other.runs).all(same)
    }

    /// Leaves out what another case shows.
    fn leave_out(&mut self, shown: &Self) {
        // Both are members of one family.
        let name = shown.id.rsplit('/').next().unwrap_or_default();
        self.like = Some(Link { text: name.to_owned(), to: shown.anchor.clone() });
        self.requirements.clear();
        self.expected.clear();
        for (result, shown) in self.runs.iter_mut().zip(&shown.runs) {
            (result.reason, result.answer, result.repro) = (None, None, None);
            result.violations.clear();
            result.warnings.clear();
            if let (Some(exchange), Some(shown)) = (result.exchange.take(), &shown.exchange) {
                result.own = Some(exchange.own(shown));
            }
        }
    }
}

impl ResultView {
    /// Whether two runs found the same; what was sent to them may differ.
    fn is_like(&self, other: &Self) -> bool {
        let found = |view: &Self| (view.verdict, view.reason.clone(), view.answer.clone());
        found(self) == found(other) && self.violations == other.violations && self.warnings == other.warnings
    }
}

/// Every case that some run has, below its suite, in the order of the first run that has it.
pub(super) fn cases<'c>(collected: &'c [Collected], common_headers: &[CommonHeaders]) -> Vec<(&'c str, Vec<CaseView>)> {
    let judged: Vec<bool> = collected.iter().map(matrix::is_judged).collect();
    let results =
        collected.iter().enumerate().flat_map(|(run, collected)| collected.cases.iter().map(move |case| (run, case)));
    let by_case = grouped(results, |(_, result)| &result.id);
    let view_of = |(run, result): &(usize, &CaseResult)| result_view(result, &common_headers[*run], judged[*run]);
    let case =
        |results: &&Vec<(usize, &CaseResult)>| case(results[0].1, results.iter().map(view_of), collected.len() > 1);
    let suites = grouped(&by_case, |results| &results[0].1.suite).into_iter();
    suites.map(|alike| (alike[0][0].1.suite.as_str(), alike.iter().map(case).collect())).collect()
}

/// Leaves out of each member of a family what an earlier one shows.
pub(super) fn tell_once(family: &mut [CaseView]) {
    let mut shown: Vec<usize> = Vec::new();
    for at in 0..family.len() {
        let (before, rest) = family.split_at_mut(at);
        let is_shown_by = |place: &&usize| before[**place].anchor.is_some() && before[**place].is_like(&rest[0]);
        match shown.iter().find(is_shown_by) {
            Some(place) => rest[0].leave_out(&before[*place]),
            None => shown.push(at),
        }
    }
}

fn result_view(result: &CaseResult, common_headers: &CommonHeaders, judged: bool) -> ResultView {
    let explained = result.reason.is_some() || (result.violations.is_empty() && result.verdict != Verdict::Pass);
    ResultView {
        labels: vec![common_headers.label.clone()],
        judged,
        verdict: result.verdict,
        tone: result.verdict.into(),
        reason: explained.then(|| reason(result)),
        violations: result.violations.clone(),
        warnings: result.warnings.clone(),
        answer: words::answer(result),
        exchange: common_headers.show(result),
        own: None,
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
    let found: BTreeSet<(Tone, Verdict)> = runs.iter().map(|result| (result.tone, result.verdict)).collect();
    let count = |(_, verdict)| {
        let alike = runs.iter().filter(|result| result.verdict == verdict);
        Count::new(verdict, alike.map(|result| result.labels.len()).sum())
    };
    // A target that was not judged does not count as different, as in the table of requirements.
    let unjudged = [Verdict::NotImplemented, Verdict::NotApplicable];
    let compared = runs.iter().filter(|result| result.judged && !unjudged.contains(&result.verdict));
    let differs = compared.map(|result| result.verdict).collect::<BTreeSet<_>>().len() > 1;
    // In print, a case that passed or was not judged needs no details.
    let open = found.iter().any(|(_, verdict)| !unjudged.contains(verdict) && *verdict != Verdict::Pass);
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
        verdict: (!several).then_some(result.verdict),
        like: None,
        runs,
    }
}
