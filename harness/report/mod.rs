//! Reporting: what a run found, as a stream of events, and every report made from that stream;
//! baselines, and the exit code of a run.
//!
//! Uses contract, corpus, verdict, a name of wire, and [`crate::text`]. Start with [`Event`]. A report that is written
//! during a run is a [`Sink`] that hears events; one that is made after the run is a [`Report`] of what one sink
//! collected for all of them. [`FORMATS`] lists the reports that are files; none is ever left half written.

mod badge;
mod baseline;
mod case_groups;
mod collected;
mod comparison;
mod conclusion;
mod event;
mod exit;
mod file;
mod findings;
mod fold;
mod formats;
mod github;
mod history;
#[cfg(feature = "cli")]
pub(crate) mod html;
mod json;
#[cfg(feature = "cli")]
mod junit;
pub(crate) mod markdown;
mod matrix;
mod merge;
mod stream;
mod stream_form;
mod tally;
#[cfg(test)]
pub(crate) mod tests;
mod text;
pub(crate) mod words;

pub use badge::{Badge, BadgeForm};
pub use baseline::{
    Baseline, BaselineEntry, BaselineError, BaselineExcuse, BaselineFile, BaselineOrigin, REVISION_ADVICE,
};
#[cfg(feature = "sdk")]
pub(crate) use baseline::{read_day, write_day};
#[cfg(feature = "run")]
pub(crate) use case_groups::is_problem;
pub use comparison::{CaseChange, CompareError, Comparison};
pub use event::{
    ContradictionEvent, DriverEvent, Event, FeatureSummary, RecordingsEvent, RequirementEvent, RequirementStatus,
    RunEvent, SourceEvent, SummaryEvent, TargetEvent, VERSION,
};
pub use exit::{Ending, Exit};
pub use file::{FileError, FiledReport, ReportFile, ReportWriter};
pub use formats::{Collecting, FORMATS, Layout, Report, ReportFormat, ReportMaker, Runs, report_of};
pub use github::GithubSink;
pub use history::{Misfit, misfit};
pub use json::{Json, RunReport};
pub use markdown::{MARKDOWN_LIMIT, Markdown};
pub use merge::{MergeError, merge, merge_shards};
pub use stream::{CutShort, LINE_LIMIT, StreamError, StreamSink, read};
pub(crate) use stream_form::{ReasonForm, because};
pub use tally::{Tally, conclude};
#[cfg(feature = "run")]
pub(crate) use text::trial_failure;
pub use text::{Detail, HistorySink, TextOptions, TextSink};
#[cfg(any(test, all(feature = "run", feature = "emulator")))]
pub(crate) use words::FaultText;
pub use words::reason;
#[cfg(feature = "run")]
pub(crate) use words::{AskedCall, CauseText, answer_text, meaning};
#[cfg(feature = "cli")]
pub(crate) use words::{left_out as left_out_text, leftover_text};

#[cfg(all(feature = "run", feature = "emulator"))]
pub(crate) use self::words::in_a_line;
#[cfg(feature = "cli")]
pub(crate) use self::{
    fold::{fold, hang},
    markdown::prose_cell,
    words::{CODE_END, LINK, source, sources, visible_json},
};
#[cfg(feature = "cli")]
pub use self::{html::Html, junit::Junit};

use std::io;

use crate::contract::schema::{Schemas, format_schema};

/// Something that hears the events of a run, in order, and makes a report of them.
pub trait Sink {
    /// Hears one event.
    ///
    /// # Errors
    /// When the report cannot be written.
    fn hear(&mut self, event: &Event) -> io::Result<()>;

    /// Finishes the report after the last event, or after an interruption.
    ///
    /// # Errors
    /// When the report cannot be written.
    fn finish(&mut self) -> io::Result<()>;
}

/// Makes a report of a run that is over.
///
/// # Errors
/// When the report cannot be written.
pub fn replay(events: &[Event], sink: &mut dyn Sink) -> io::Result<()> {
    events.iter().try_for_each(|event| sink.hear(event))?;
    sink.finish()
}

/// The JSON Schemas of the formats of this module, by file name.
pub fn formats() -> Schemas {
    [
        format_schema::<Event>("run-stream.schema.json", "One line of a run stream"),
        format_schema::<RunReport>("run-report.schema.json", "A run as one object"),
        format_schema::<Comparison>("diff.schema.json", "What differs between two runs"),
        format_schema::<BaselineFile>("baseline.schema.json", "A baseline: known failures"),
    ]
    .into()
}
