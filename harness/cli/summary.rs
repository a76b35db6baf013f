//! The summary of a job on GitHub Actions: a file to which each step adds Markdown.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::contract::Register;
use crate::report::{Event, MARKDOWN_LIMIT, MarkdownSink, Sink};
use crate::text::file_name;

/// What is added to the file that `GITHUB_STEP_SUMMARY` names.
pub(super) struct StepSummary {
    path: PathBuf,
    /// All that was heard, until the room that is left in the file is known.
    events: Vec<Event>,
    register: Register,
}

impl StepSummary {
    pub(super) fn new(path: PathBuf, register: &Register) -> Self {
        Self { path, events: Vec::new(), register: register.clone() }
    }

    pub(super) fn hear(&mut self, event: &Event) {
        self.events.push(event.clone());
    }

    /// Adds the report in one piece behind what is there, within what GitHub shows of the file.
    pub(super) fn finish(self) -> io::Result<()> {
        append(&self.path, |room| {
            let mut text = Vec::new();
            let mut sink = MarkdownSink::new(&mut text, &self.register).limited_to(room);
            self.events.iter().try_for_each(|event| sink.hear(event))?;
            sink.finish()?;
            drop(sink);
            Ok(text)
        })
    }
}

/// Adds Markdown in one piece behind what is there; `text` is told how many bytes GitHub still shows.
pub(super) fn append(path: &Path, text: impl FnOnce(usize) -> io::Result<Vec<u8>>) -> io::Result<()> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file_name(path)));
    let mut file = OpenOptions::new().append(true).create(true).open(path).map_err(named)?;
    let there = usize::try_from(file.metadata().map_err(named)?.len()).unwrap_or(usize::MAX);
    let mut text = text(MARKDOWN_LIMIT.saturating_sub(there))?;
    text.push(b'\n');
    file.write_all(&text).map_err(named)
}
