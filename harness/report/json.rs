use std::io::{self, Write};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::collected::Collected;
use super::event::{RequirementEvent, RunEvent, SummaryEvent};
use super::formats::{Report, Runs};
use super::{Event, StreamSink, replay, words};
use crate::verdict::CaseResult;

/// A whole run as one object: what the run stream says line by line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunReport {
    /// The version of this format: 1.
    pub version: u32,
    /// What was run against what.
    pub run: RunEvent,
    /// What was found out about each case, in the order of the run.
    pub cases: Vec<CaseResult>,
    /// What was found out about each requirement, in the order of the register.
    pub requirements: Vec<RequirementEvent>,
    /// What was found out altogether; null where the run was cut short before it could be told.
    pub summary: Option<SummaryEvent>,
}

impl RunReport {
    /// The same as a run stream.
    ///
    /// # Errors
    /// When the version of the format is not one that this build knows.
    pub fn stream(self) -> io::Result<Vec<u8>> {
        if self.version != VERSION {
            let message = format!("expected version {VERSION} of a run as one object, found {}", self.version);
            return Err(io::Error::other(message));
        }
        let mut lines = Vec::new();
        let mut sink = StreamSink::new(&mut lines);
        let requirements = self.requirements.into_iter().map(Event::Requirement);
        let events = [Event::Run(self.run)].into_iter().chain(self.cases.into_iter().map(Event::Case));
        let events = events.chain(requirements).chain(self.summary.map(Event::Summary));
        replay(&events.collect::<Vec<_>>(), &mut sink)?;
        Ok(lines)
    }
}

/// The version of this format. The run in it has the version of its stream.
const VERSION: u32 = 1;

/// A [`RunReport`], indented.
#[derive(Clone, Copy, Debug)]
pub struct Json;

impl Report for Json {
    fn write(&self, collected: Runs<'_>, out: &mut dyn Write) -> io::Result<()> {
        let Collected { run, cases, requirements, summary, .. } = collected.first();
        let run = run.as_ref().ok_or_else(|| io::Error::other("there is nothing to report: the run did not begin"))?;
        let (run, cases, requirements) = (run.clone(), cases.clone(), requirements.clone());
        let report = RunReport { version: VERSION, run, cases, requirements, summary: summary.clone() };
        let text = words::visible_json(&serde_json::to_string_pretty(&report)?);
        out.write_all(text.as_bytes())?;
        out.write_all(b"\n")
    }
}
