//! What recordings say of requirements: which of them a real answer bears out, and which it contradicts.
//!
//! The mock replays the recorded answers, and the cases run against it: the rules that judge every target judge a
//! recording too. No single answer tells whether the same request gets the same answer again, how long a password
//! works, or who may log in. A recording says nothing about these.
//!
//! Start with [`Evidence::of`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::contract::{Contract, Feature, Register};
use crate::corpus::{Corpus, ExpandedCase, Plan};
use crate::judge::{AcceptedFault, Judge, OneAnswer};
use crate::recording::{RecordedBody, Recording, RecordingFolder};
use crate::report::{ContradictionEvent, RecordingsEvent};
use crate::run::{Described, Interrupt, Journal, Session, run};
use crate::servers::mock::Mock;
use crate::targets::Target;
use crate::text::file_name;
use crate::verdict::{CaseResult, RecordedTarget, Verdict, Violation};
use crate::wire::Credentials;

/// What one recording says of one requirement.
#[derive(Clone, Debug)]
pub struct RecordedFinding {
    /// The id of the requirement.
    pub requirement: String,
    /// The id of the case.
    pub case: String,
    /// What answered.
    pub of: RecordedTarget,
    /// The region.
    pub region: String,
    /// The day.
    pub date: Date,
    /// How the answer contradicts the requirement; `None` if it confirms it.
    pub violation: Option<Violation>,
}

/// Why a recording says nothing of the requirements of its case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Silence {
    /// The case makes something, logs in or moves a clock: what it shows is in no answer.
    NotInTheAnswers,
    /// There is no recording of its control.
    NoControl(String),
    /// A body is JSON that was not recorded.
    Unread,
    /// The recorded answer has this verdict.
    Verdict(Verdict),
}

/// What recordings say.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// What they say of requirements, in the order of the cases.
    pub findings: Vec<RecordedFinding>,
    /// The cases whose recordings say nothing, and why.
    pub silent: BTreeMap<String, Silence>,
}

impl Evidence {
    /// Judges every recording of a folder.
    ///
    /// # Errors
    /// When the mock cannot be started, or the judged cases cannot be run against it.
    pub async fn of(corpus: &Arc<Corpus>, judge: &Judge, folder: &RecordingFolder) -> Result<Self, String> {
        let mut evidence = Self::default();
        let recorded = corpus.cases().iter().filter(|case| folder.get(&case.id).is_some());
        let (mut cases, contract) = (Vec::new(), judge.contract());
        for case in recorded {
            match silence(case, corpus, folder) {
                Some(silence) => {
                    evidence.silent.insert(case.id.clone(), silence);
                }
                None => cases.push(Arc::clone(case)),
            }
        }
        let mock = Mock::start_recorded(Arc::clone(corpus), folder, Timestamp::now, None, |_| {}).await;
        let mock = mock.map_err(|error| format!("cannot start the mock: {error}"))?;
        let credentials = || Credentials::new("AKIAIOSFODNN7EXAMPLE", "the-mock-checks-no-signature");
        let mut target = target_of_mock(&mock, contract).signed_by(credentials()).claiming(Feature::all());
        target.denied = Some(Credentials::new("AKIAI44QH8DHBEXAMPLE", "the-mock-checks-no-signature"));
        let jobs = target.jobs;
        let session = Session::new(Arc::clone(corpus), judge.clone(), target, 0, jobs);
        let session = session.map_err(|error| error.to_string())?;
        let session = session.describing(Described::Nothing).with_journal(Journal::default());
        let plan = Plan { cases, repeat: 1, left_out: None };
        run(
            &session,
            &plan,
            &Interrupt::never(),
            |_| false,
            |result| {
                if let Some(recording) = folder.get(&result.id) {
                    evidence.add(judge, recording, result);
                }
            },
        )
        .await;
        Ok(evidence)
    }

    fn add(&mut self, judge: &Judge, recording: &Recording, result: CaseResult) {
        let CaseResult { id, verdict, violations, warnings, decided, .. } = result;
        if !matches!(verdict, Verdict::Pass | Verdict::Fail) {
            self.silent.insert(id, Silence::Verdict(verdict));
            return;
        }
        let broken: Vec<Violation> = violations.into_iter().chain(warnings).collect();
        for requirement in decided {
            let violation = broken.iter().find(|violation| violation.requirement == requirement).cloned();
            let tells = match judge.one_answer(&requirement) {
                OneAnswer::Decides => true,
                OneAnswer::Confirms => violation.is_none(),
                OneAnswer::SaysNothing => false,
            };
            if tells {
                let Recording { of, region, date, .. } = recording;
                let (case, region) = (id.clone(), region.clone());
                self.findings.push(RecordedFinding { requirement, case, of: *of, region, date: *date, violation });
            }
        }
    }

    /// What is said of each requirement. One contradiction outweighs everything that confirms.
    pub fn by_requirement(&self) -> BTreeMap<&str, Vec<&RecordedFinding>> {
        let mut found: BTreeMap<&str, Vec<&RecordedFinding>> = BTreeMap::new();
        for finding in &self.findings {
            found.entry(&finding.requirement).or_default().push(finding);
        }
        found
    }

    /// What a judge accepts because it was recorded.
    pub fn accepted(&self, register: &Register) -> Vec<AcceptedFault> {
        let accepted = |finding: &RecordedFinding| {
            let is_outcome = register.get(&finding.requirement)?.is_outcome();
            // What was answered to one request says nothing of another.
            let case = is_outcome.then(|| finding.case.clone());
            Some(AcceptedFault {
                requirement: finding.requirement.clone(),
                case,
                fault: finding.violation.as_ref()?.fault.clone(),
            })
        };
        self.findings.iter().filter_map(accepted).collect()
    }

    /// What a run says of the recordings that it accepts.
    pub fn event(&self, folder: &RecordingFolder, of: RecordedTarget) -> RecordingsEvent {
        let (mut confirmed, mut contradicted) = (Vec::new(), Vec::new());
        for (requirement, findings) in self.by_requirement() {
            let before = contradicted.len();
            contradicted.extend(findings.iter().filter_map(|finding| {
                Some(ContradictionEvent {
                    requirement: requirement.to_owned(),
                    case: finding.case.clone(),
                    recording: file_name(&folder.file_of(&finding.case)),
                    region: finding.region.clone(),
                    date: finding.date.to_string(),
                    fault: finding.violation.as_ref()?.fault.clone(),
                })
            }));
            if contradicted.len() == before {
                confirmed.push(requirement.to_owned());
            }
        }
        let recordings = folder.recordings().values();
        let regions: BTreeSet<String> = recordings.clone().map(|recording| recording.region.clone()).collect();
        let days: BTreeSet<Date> = recordings.map(|recording| recording.date).collect();
        let day = |day: Option<&Date>| day.map(Date::to_string).unwrap_or_default();
        RecordingsEvent {
            of,
            recordings: folder.recordings().len(),
            regions: regions.into_iter().collect(),
            from: day(days.first()),
            to: day(days.last()),
            confirmed,
            contradicted,
        }
    }
}

/// Why a recording of a case says nothing; `None` if it may say something.
fn silence(case: &ExpandedCase, corpus: &Corpus, folder: &RecordingFolder) -> Option<Silence> {
    if !case.others.is_empty() || case.is_staged() {
        return Some(Silence::NotInTheAnswers);
    }
    let is_unread = |recording: &Recording| recording.answers.iter().any(|of| of.body == RecordedBody::Unread);
    if folder.get(&case.id).is_some_and(is_unread) {
        return Some(Silence::Unread);
    }
    let control = &case.case.control.as_ref()?.case;
    if folder.get(control).is_none() {
        return Some(Silence::NoControl(control.clone()));
    }
    silence(corpus.get(control)?, corpus, folder)
}

/// A mock as a target, which gives the case that a path names its answer and takes any name.
///
/// # Panics
/// Never: the address of a mock is a URL's.
pub(crate) fn target_of_mock(mock: &Mock, contract: &Contract) -> Target {
    let endpoint = mock.endpoint().parse().expect("the address of a mock is a URL's");
    let mut target = Target::at(endpoint).with_name("mock");
    let resources = contract.service.resources.iter();
    target.resources = resources.map(|resource| (resource.id.clone(), resource.sample.clone())).collect();
    target.path_names_case = true;
    target
}
