use super::event::{Event, RequirementEvent, RunEvent, SummaryEvent};
use crate::verdict::CaseResult;

/// The events of a run, for the reports that cannot be written before the last of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Collected {
    pub(super) run: Option<RunEvent>,
    pub(super) cases: Vec<CaseResult>,
    pub(super) requirements: Vec<RequirementEvent>,
    /// Nothing where the run was cut short.
    pub(super) summary: Option<SummaryEvent>,
}

impl Collected {
    pub(super) fn hear(&mut self, event: &Event) {
        match event.clone() {
            Event::Run(run) => self.run = Some(run),
            Event::Case(case) => self.cases.push(case),
            Event::Requirement(requirement) => self.requirements.push(requirement),
            Event::Summary(summary) => self.summary = Some(summary),
        }
    }

    /// The suites, in the order in which they were first heard of.
    pub(super) fn suites(&self) -> Vec<&str> {
        let mut suites: Vec<&str> = Vec::new();
        for case in &self.cases {
            if !suites.contains(&case.suite.as_str()) {
                suites.push(&case.suite);
            }
        }
        suites
    }
}
