//! What somebody has to look at: broken requirements with where they were seen, and cases without a verdict.

use std::collections::BTreeMap;

use serde::Serialize;

use super::sources::{Source, sources};
use super::view::{Link, anchor, links, tone};
use crate::contract::{Level, Register};
use crate::report::alike::{self, PROBLEMS};
use crate::report::collected::Collected;
use crate::report::words;
use crate::verdict::{CaseResult, Verdict, Violation};

/// At most so many cases are named for one finding.
const CASES_LIMIT: usize = 8;

/// One thing to look at.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    tone: &'static str,
    /// `violated`, `departs` or a verdict.
    word: &'static str,
    /// The requirement, where it is about one.
    requirement: Option<Broken>,
    /// What it says, where it is about none.
    reason: String,
    places: Vec<Place>,
}

/// A broken requirement.
#[derive(Debug, Serialize)]
struct Broken {
    id: String,
    anchor: Option<String>,
    level: String,
    evidence: String,
    text: String,
    sources: Vec<Source>,
}

/// Where it was seen, and in which cases.
#[derive(Debug, Serialize)]
struct Place {
    at: String,
    expected: String,
    actual: String,
    cases: Vec<Link>,
    more: usize,
}

/// Violations of `must` first, then cases without a verdict and known failures, then what is below `must`.
pub(super) fn findings(heard: &Collected, register: &Register) -> Vec<Finding> {
    let all: Vec<&str> = heard.cases.iter().map(|case| case.id.as_str()).collect();
    let failing = heard.cases.iter().filter(|case| case.verdict == Verdict::Fail);
    let mut found = broken(failing.clone().map(|case| (case, &case.violations)), &all, register);
    let others = PROBLEMS.into_iter().rev().filter(|verdict| *verdict != Verdict::Fail);
    let groups = others.map(|verdict| (verdict, alike::failures(heard, verdict)));
    // A known failure is still one.
    for (verdict, groups) in groups.chain([(Verdict::KnownFail, alike::excused(heard, Verdict::KnownFail))]) {
        for group in groups {
            let (cases, more) = links(&ids(&group), &all, CASES_LIMIT);
            let place = Place { at: String::new(), expected: String::new(), actual: String::new(), cases, more };
            found.push(Finding {
                tone: tone(verdict),
                word: verdict.word(),
                requirement: None,
                reason: words::reason(group[0]),
                places: vec![place],
            });
        }
    }
    found.extend(broken(heard.cases.iter().map(|case| (case, &case.warnings)), &all, register));
    found
}

/// Violations, those of one requirement together, in the order of the register.
fn broken<'a>(
    cases: impl Iterator<Item = (&'a CaseResult, &'a Vec<Violation>)>,
    all: &[&str],
    register: &Register,
) -> Vec<Finding> {
    let mut by_requirement: BTreeMap<(usize, &str), Vec<(&Violation, Vec<&CaseResult>)>> = BTreeMap::new();
    for (case, violations) in cases {
        for violation in violations {
            let place = register.requirements.iter().position(|row| row.id == violation.requirement);
            let key = (place.unwrap_or(usize::MAX), violation.requirement.as_str());
            let alike = by_requirement.entry(key).or_default();
            match alike.iter_mut().find(|(other, _)| *other == violation) {
                Some((_, cases)) => cases.push(case),
                None => alike.push((violation, vec![case])),
            }
        }
    }
    by_requirement.into_values().map(|places| finding(&places, all, register)).collect()
}

fn finding(places: &[(&Violation, Vec<&CaseResult>)], all: &[&str], register: &Register) -> Finding {
    let Violation { requirement, level, .. } = places[0].0;
    let row = register.get(requirement);
    let place = |(violation, cases): &(&Violation, Vec<&CaseResult>)| {
        let (cases, more) = links(&ids(cases), all, CASES_LIMIT);
        Place {
            at: violation.at.clone(),
            expected: violation.expected.clone(),
            actual: violation.actual.clone(),
            cases,
            more,
        }
    };
    let must = *level == Level::Must;
    Finding {
        tone: if must { "bad" } else { "doubt" },
        word: if must { "violated" } else { "departs" },
        requirement: Some(Broken {
            id: requirement.clone(),
            anchor: anchor(requirement),
            level: format!("{level:?}").to_lowercase(),
            evidence: row.map(|row| format!("{:?}", row.evidence).to_lowercase()).unwrap_or_default(),
            text: row.map_or("Not in this build's register.".to_owned(), |row| row.text.clone()),
            sources: row.map(|row| sources(&row.source)).unwrap_or_default(),
        }),
        reason: String::new(),
        places: places.iter().map(place).collect(),
    }
}

fn ids<'a>(cases: &[&'a CaseResult]) -> Vec<&'a str> {
    cases.iter().map(|case| case.id.as_str()).collect()
}
