//! What is on the page.

use serde::Serialize;

use super::cases::{Suite, suites};
use super::exchange::Usual;
use super::findings::{Finding, findings};
use super::requirements::{Group, Row, groups, rows};
use super::runs::{self, Run, runs};
use crate::contract::Register;
use crate::report::collected::Collected;
use crate::report::{matrix, words};
use crate::verdict::Verdict;

/// More targets than this do not fit beside each other in a window of the usual width.
const TARGETS_ACROSS: usize = 5;

/// Everything that the page shows.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    /// What it comes to, and of whom it tells.
    title: String,
    /// Of whom it tells.
    subject: String,
    /// Who conforms; of several runs only.
    lead: String,
    /// On how many requirements they differ, and of how many of them that can be said; of several runs only.
    difference: String,
    /// Whether several runs stand side by side.
    several: bool,
    /// Whether they are too many to fit.
    many: bool,
    runs: Vec<Run>,
    /// What somebody has to look at; of one run only.
    findings: Vec<Finding>,
    /// Requirements on which the targets differ; of several runs only.
    differing: Vec<Row>,
    /// All other requirements.
    groups: Vec<Group>,
    /// The header fields that most exchanges of each run have.
    usual: Vec<Usual>,
    suites: Vec<Suite>,
    /// The verdicts that some case has.
    verdicts: Vec<Choice>,
    /// How many cases depart from a requirement below `must`.
    departing: usize,
    /// The filter for the cases that did not pass, where some did.
    not_passed: Option<String>,
}

/// A verdict, what it means, and how many cases have it with some target.
#[derive(Debug, Serialize)]
struct Choice {
    word: &'static str,
    meaning: &'static str,
    cases: usize,
}

impl Page {
    /// The program that made the runs.
    pub(super) fn tool(&self) -> &str {
        self.runs.first().map_or("", |run| run.tool.as_str())
    }
}

pub(super) fn page(heard: &[Collected], register: &Register) -> Page {
    let mut runs = runs(heard);
    let findings = if let [one] = heard { findings(one, register) } else { Vec::new() };
    if findings.iter().any(|finding| finding.advice.is_some()) {
        for run in &mut runs {
            run.advice = None;
        }
    }
    let (title, subject) = match (runs.as_slice(), heard) {
        ([one], [heard]) => {
            let subject = runs::subject(one, heard);
            (format!("{} – {subject}", one.headline), subject)
        }
        (all, _) => {
            let suite = all.first().map_or("Countersign", |run| run.suite.as_str());
            let subject = format!("{suite} of {}", words::subjects(heard));
            (subject.clone(), subject)
        }
    };
    let labels: Vec<String> = runs.iter().map(|run| run.label.clone()).collect();
    let (differing, rows): (Vec<Row>, Vec<Row>) = rows(heard, register).into_iter().partition(|row| row.differs);
    let usual: Vec<Usual> = heard.iter().zip(&labels).map(|(run, label)| Usual::of(run, label)).collect();
    let suites = suites(heard, &usual);
    let cases = || suites.iter().flat_map(|suite| &suite.cases);
    let verdicts: Vec<Choice> = Verdict::ALL
        .into_iter()
        .map(|verdict| Choice {
            word: verdict.word(),
            meaning: meaning(verdict),
            cases: cases().filter(|case| case.has(verdict)).count(),
        })
        .filter(|word| word.cases > 0)
        .collect();
    let difference = match (runs.len(), differing.len()) {
        (0 | 1, _) => String::new(),
        (_, 0) => matrix::nothing_differs(heard, &labels),
        (all, some) => {
            let who = match matrix::judged(heard) {
                judged if judged == all => "They".to_owned(),
                judged => format!("The {judged} that could be judged"),
            };
            format!("{who} differ on {some} of {} requirements.", some + rows.len())
        }
    };
    Page {
        title,
        subject,
        lead: if runs.len() > 1 { runs::who_conforms(&runs, heard) } else { String::new() },
        difference,
        several: runs.len() > 1,
        many: runs.len() > TARGETS_ACROSS,
        findings,
        differing,
        groups: groups(rows),
        departing: cases().filter(|case| case.departs).count(),
        not_passed: not_passed(&verdicts, runs.len() > 1),
        suites,
        usual,
        verdicts,
        runs,
    }
}

/// The filter for everything that did not pass though it was asked for, as in the page's address.
fn not_passed(verdicts: &[Choice], several: bool) -> Option<String> {
    let mut passed = vec![Verdict::Pass.word(), Verdict::NotApplicable.word()];
    if several {
        // One target without the operation would make it every case.
        passed.push(Verdict::NotImplemented.word());
    }
    let (fine, others): (Vec<&Choice>, Vec<&Choice>) = verdicts.iter().partition(|word| passed.contains(&word.word));
    let others: Vec<String> = others.iter().map(|word| format!("verdict={}", word.word)).collect();
    (!fine.is_empty() && !others.is_empty()).then(|| others.join("&"))
}

const fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "every must-requirement that the case decides holds",
        Verdict::Fail => "a must-requirement is violated",
        Verdict::KnownFail => "it fails, and the baseline says so",
        Verdict::Fixed => "it passes, and the baseline still says that it fails",
        Verdict::Blocked => "its control or its setup failed, or it needs something that was not given",
        Verdict::NotImplemented => "the target does not have the operation",
        Verdict::Indeterminate => {
            "no usable answer: timeout, connection lost, throttled past patience, a denial of what only this case names"
        }
        Verdict::NotApplicable => "the target does not claim the feature",
        Verdict::HarnessError => "Countersign itself went wrong",
    }
}
