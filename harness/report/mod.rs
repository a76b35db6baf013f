//! Reporting: what a run found, as a stream of events, and every report made from that stream.
//!
//! Uses contract, corpus and verdict. Start with [`Event`]; a report format is one file that hears
//! events through [`Sink`].

mod event;
mod exit;
mod tally;

pub use event::{
    Event, FeatureSummary, RequirementEvent, RequirementStatus, RunEvent, SummaryEvent, TargetEvent, VERSION,
};
pub use exit::{Ending, Exit};
pub use tally::Tally;

use std::io;

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
