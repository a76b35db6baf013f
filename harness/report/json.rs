use std::io::{self, Write};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::collected::Collected;
use super::event::{Event, RequirementEvent, RunEvent, SummaryEvent};
use super::{Sink, words};
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

/// The version of this format. The run in it has the version of its stream.
const VERSION: u32 = 1;

/// Writes a [`RunReport`], indented, when the run is over.
#[derive(Debug)]
pub struct JsonSink<W> {
    out: W,
    heard: Collected,
}

impl<W: Write> JsonSink<W> {
    /// A report that is written to `out`.
    pub fn new(out: W) -> Self {
        Self { out, heard: Collected::default() }
    }
}

impl<W: Write> Sink for JsonSink<W> {
    fn hear(&mut self, event: &Event) -> io::Result<()> {
        self.heard.hear(event);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        let Collected { run, cases, requirements, summary, .. } = std::mem::take(&mut self.heard);
        let run = run.ok_or_else(|| io::Error::other("there is nothing to report: the run did not begin"))?;
        let report = RunReport { version: VERSION, run, cases, requirements, summary };
        let text = words::visible_json(&serde_json::to_string_pretty(&report)?);
        self.out.write_all(text.as_bytes())?;
        self.out.write_all(b"\n")?;
        self.out.flush()
    }
}
