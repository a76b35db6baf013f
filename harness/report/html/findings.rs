//! What needs attention: broken requirements with the places where they were seen, and cases without a verdict.

use std::collections::HashMap;

use serde::Serialize;

use super::parts::{Link, TextPiece, anchor, links, plain_text, sentence, sources};
use super::{Register, Tone};
use crate::contract::Level;
use crate::report::case_groups::{self, PROBLEMS};
use crate::report::collected::{Collected, grouped};
use crate::report::findings::{self, BrokenRequirement};
use crate::report::words::{self, FaultText, Obstacle};
use crate::verdict::{CaseResult, Reason, Verdict, Violation};

const CASES_LIMIT: usize = 8;

/// How many places of a finding are in sight before anything is opened.
const PLACES_IN_SIGHT: usize = 2;

#[derive(Debug, Default, Serialize)]
pub(super) struct FindingView {
    tone: Tone,
    /// `violated`, `departs` or a verdict.
    word: &'static str,
    requirement: Option<FindingRequirement>,
    /// A sentence: how many cases were blocked by cases with this finding.
    blocks: Option<String>,
    /// How many cases it is about; empty where it is about a requirement.
    cases: String,
    control: Option<Link>,
    text: Vec<TextPiece>,
    pub(super) advice: Option<String>,
    /// The first places where it was seen, and those that are folded.
    places: Vec<PlaceView>,
    more_places: Vec<PlaceView>,
    further: Option<String>,
}

#[derive(Debug, Serialize)]
struct FindingRequirement {
    id: String,
    anchor: Option<String>,
    level: String,
    evidence: String,
    text: String,
    sources: Vec<TextPiece>,
}

#[derive(Debug, Serialize)]
struct PlaceView {
    at: String,
    expected: String,
    actual: String,
    cases: Vec<Link>,
    more: usize,
}

/// A run with its lookup tables.
struct IndexedRun<'a> {
    collected: &'a Collected,
    register: &'a Register,
    by_id: HashMap<&'a str, &'a CaseResult>,
}

/// Violations of `must` first, then cases without a verdict and known failures, then what is below `must`.
pub(super) fn findings(collected: &Collected, register: &Register) -> Vec<FindingView> {
    let by_id = collected.cases.iter().map(|case| (case.id.as_str(), case)).collect();
    let seen = IndexedRun { collected, register, by_id };
    let mut found: Vec<_> = findings::violated(collected, register).iter().map(|broken| seen.finding(broken)).collect();
    let groups = PROBLEMS.into_iter().rev().map(|verdict| (verdict, seen.groups(verdict)));
    // A known failure is still a failure.
    for (verdict, groups) in
        groups.chain([(Verdict::KnownFail, case_groups::excused_groups(collected, Verdict::KnownFail))])
    {
        found.extend(groups.iter().map(|group| seen.undecided(verdict, group)));
    }
    found.extend(findings::warned(collected, register).iter().map(|broken| seen.finding(broken)));
    found
}

/// What findings are about, each once: requirements by their ids, cases by their verdict.
pub(super) fn names(findings: &[FindingView]) -> Vec<String> {
    let name = |of: &FindingView| of.requirement.as_ref().map_or(of.word.to_owned(), |row| row.id.clone());
    grouped(&findings.iter().map(name).collect::<Vec<_>>(), |name| name)
        .into_iter()
        .map(|same| same[0].clone())
        .collect()
}

impl<'a> IndexedRun<'a> {
    fn groups(&self, verdict: Verdict) -> Vec<Vec<&'a CaseResult>> {
        let groups = case_groups::unexplained(self.collected, verdict);
        // Each reason names its own entry of the baseline, and all of them say the same.
        if verdict == Verdict::Fixed && groups.len() > 1 { vec![groups.concat()] } else { groups }
    }

    /// The case of this run that blocked another as its control.
    fn control_of(&self, case: &CaseResult) -> Option<&'a CaseResult> {
        let Some(Reason::BlockedBy { control, .. }) = &case.reason else { return None };
        self.by_id.get(control.as_str()).copied()
    }

    fn finding(&self, broken: &BrokenRequirement<'_>) -> FindingView {
        let Violation { requirement, level, .. } = broken.findings[0].violation;
        let row = self.register.get(requirement);
        let must = *level == Level::Must;
        let are = if broken.blocked == 1 { "is" } else { "are" };
        let mut places: Vec<_> =
            broken.findings.iter().map(|finding| self.place(Some(finding.text()), &finding.cases)).collect();
        let more_places = places.split_off(places.len().min(PLACES_IN_SIGHT));
        let blocks = || format!("{} {are} blocked by it.", words::count(broken.blocked, "case"));
        FindingView {
            tone: if must { Tone::Bad } else { Tone::Doubt },
            word: if must { "violated" } else { "departs" },
            requirement: Some(FindingRequirement {
                id: requirement.clone(),
                anchor: anchor(requirement),
                level: format!("{level:?}").to_lowercase(),
                evidence: row.map(|row| format!("{:?}", row.evidence).to_lowercase()).unwrap_or_default(),
                text: row.map_or("Not in this build's register.".to_owned(), |row| row.text.clone()),
                sources: row.map(sources).unwrap_or_default(),
            }),
            blocks: (broken.blocked > 0).then(blocks),
            places,
            more_places,
            further: row.map(|row| format!("countersign explain {}", row.id)),
            ..FindingView::default()
        }
    }

    /// The finding of cases without a verdict on the target, or with one that is excused or stale.
    fn undecided(&self, verdict: Verdict, group: &[&CaseResult]) -> FindingView {
        let control = self.control_of(group[0]);
        let obstacle = || self.collected.run.as_ref().and_then(words::obstacle);
        let text = match (control, verdict) {
            // The finding of the control itself says what is wrong with it.
            (Some(_), _) => {
                plain_text("Each of them differs from it in one place, and says nothing as long as it does not pass.")
            }
            (None, Verdict::Fixed) if group.len() > 1 => plain_text(
                "They pass, and the baseline still says that they fail: take their entries out, or run `countersign baseline write`.",
            ),
            (None, Verdict::NotImplemented) if group[0].reason.is_none() => obstacle().map_or_else(
                || sentence(group[0]),
                |Obstacle { meaning, met, said, .. }| plain_text(format!("{meaning} {met}: {said}")),
            ),
            (None, _) => sentence(group[0]),
        };
        let in_baseline = matches!(verdict, Verdict::Fixed | Verdict::KnownFail);
        let every = group.len() == self.collected.cases.len() && group.len() > 1 && !in_baseline;
        let met = verdict == Verdict::NotImplemented || (verdict == Verdict::Indeterminate && every);
        FindingView {
            tone: verdict.into(),
            word: verdict.word(),
            cases: match group.len() {
                2 if every => "both cases".to_owned(),
                some => format!("{}{}", if every { "all " } else { "" }, words::count(some, "case")),
            },
            control: control.map(|case| Link { text: case.id.clone(), to: anchor(&case.id) }),
            text,
            advice: obstacle().filter(|_| met).map(|obstacle| obstacle.advice),
            // Where all cases are affected, naming some of them would add nothing.
            places: if every { Vec::new() } else { vec![self.place(None, group)] },
            further: control.and_then(|case| anchor(&case.id)).map(|id| format!("countersign explain {id}")),
            ..FindingView::default()
        }
    }

    fn place(&self, text: Option<FaultText>, cases: &[&CaseResult]) -> PlaceView {
        let (cases, more) = links(&ids(cases), self.collected.families(), CASES_LIMIT);
        let (at, expected, actual) = text.map(|text| (text.at, text.expected, text.actual)).unwrap_or_default();
        PlaceView { at, expected, actual, cases, more }
    }
}

fn ids<'a>(cases: &[&'a CaseResult]) -> Vec<&'a str> {
    cases.iter().map(|case| case.id.as_str()).collect()
}
