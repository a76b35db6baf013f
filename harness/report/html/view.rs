//! What is on the page.

use serde::Serialize;

use super::cases::{Suite, suites};
use super::exchange::Usual;
use super::findings::{Finding, findings};
use super::requirements::{Row, rows};
use super::runs::{Run, runs};
use crate::contract::Register;
use crate::report::collected::Collected;
use crate::verdict::Verdict;

/// Everything that the page shows.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    title: String,
    tool: String,
    /// Whether several runs stand side by side.
    several: bool,
    runs: Vec<Run>,
    /// What somebody has to look at; of one run only.
    findings: Vec<Finding>,
    /// Requirements on which the targets differ; of several runs only.
    differing: Vec<Row>,
    /// All other requirements.
    rows: Vec<Row>,
    /// The header fields that most exchanges of each run have.
    usual: Vec<Usual>,
    suites: Vec<Suite>,
    /// How many cases there are.
    cases: usize,
    /// The verdicts that some case has, with what each means.
    verdicts: Vec<(&'static str, &'static str)>,
}

pub(super) fn page(heard: &[Collected], register: &Register) -> Page {
    let runs = runs(heard);
    let title = match runs.as_slice() {
        [one] => format!("{} of {}", one.suite, one.label),
        all => {
            let suite = all.first().map_or("Countersign", |run| run.suite.as_str());
            format!("{suite} of {} targets", all.len())
        }
    };
    let labels: Vec<&str> = runs.iter().map(|run| run.label.as_str()).collect();
    let (differing, rows) = rows(heard, register).into_iter().partition(|row| row.differs);
    let usual: Vec<Usual> = heard.iter().zip(&labels).map(|(run, label)| Usual::of(run, label)).collect();
    let suites = suites(heard, &usual);
    let has = |verdict: Verdict| heard.iter().any(|run| run.cases.iter().any(|case| case.verdict == verdict));
    Page {
        title,
        tool: runs.first().map(|run| run.tool.clone()).unwrap_or_default(),
        several: runs.len() > 1,
        findings: if let [one] = heard { findings(one, register) } else { Vec::new() },
        differing,
        rows,
        cases: suites.iter().map(|suite| suite.cases.len()).sum(),
        suites,
        usual,
        verdicts: Verdict::ALL.into_iter().filter(|v| has(*v)).map(|v| (v.word(), meaning(v))).collect(),
        runs,
    }
}

const fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "every must-requirement that the case decides holds",
        Verdict::Fail => "a must-requirement is violated",
        Verdict::KnownFail => "it fails, and the baseline says so",
        Verdict::Fixed => "it passes, and the baseline still says that it fails",
        Verdict::Blocked => "its control or its setup failed, or it needs something that was not given",
        Verdict::NotImplemented => "the target does not have the operation",
        Verdict::Indeterminate => "no usable answer: timeout, connection lost, throttled past patience",
        Verdict::NotApplicable => "the target does not claim the feature",
        Verdict::HarnessError => "Countersign itself went wrong",
    }
}

/// The class that colours a verdict.
pub(super) const fn tone(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "good",
        Verdict::Fail | Verdict::Fixed | Verdict::HarnessError => "bad",
        Verdict::Blocked | Verdict::NotImplemented | Verdict::Indeterminate => "doubt",
        Verdict::KnownFail | Verdict::NotApplicable => "calm",
    }
}

/// The place of something in the page, where its id is fit for one.
pub(super) fn anchor(id: &str) -> Option<String> {
    let fit = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
    (!id.is_empty() && id.bytes().all(fit)).then(|| id.to_owned())
}

/// A link to a case, or to the first of a family.
#[derive(Debug, Serialize)]
pub(super) struct Link {
    pub(super) text: String,
    pub(super) to: Option<String>,
}

/// Links to cases: families that are there as a whole as one, at most `most`, and how many cases are
/// left out.
pub(super) fn links(ids: &[&str], all: &[&str], most: usize) -> (Vec<Link>, usize) {
    let names = crate::report::words::collapse(ids, all);
    let shown = if names.len() <= most + 1 { names.len() } else { most };
    let rest = names[shown..].iter().map(|(_, count)| count).sum();
    let link = |(name, count): &(String, usize)| {
        let inside = |id: &&&str| **id == name.as_str() || id.strip_prefix(name).is_some_and(|r| r.starts_with('/'));
        let text = if *count > 1 { format!("{name} ({count} cases)") } else { name.clone() };
        Link { text, to: ids.iter().find(inside).and_then(|id| anchor(id)) }
    };
    (names[..shown].iter().map(link).collect(), rest)
}
