//! Runs as Markdown, for a job summary, a pull request or an issue: one in full, several side by side.

mod inline;
mod one;
mod several;

use std::io::{self, Write};

#[cfg(feature = "cli")]
pub(crate) use inline::prose_cell;
pub(crate) use inline::{code, prose};

use super::Sink;
use super::collected::Collected;
use super::event::Event;
use crate::contract::Register;

/// The most that GitHub shows of a step's summary, in bytes; where there is more, it shows none of it.
/// Source: GitHub Actions, workflow commands, step isolation and limits (1 MiB).
pub const MARKDOWN_LIMIT: usize = 1 << 20;

/// How many findings a list tells before it only counts the rest.
const FINDINGS_LIMIT: usize = 30;

/// How many names stand behind a finding.
const NAMES_LIMIT: usize = 6;

/// What is kept free for headings and counts, in bytes.
const RESERVE: usize = 2000;

/// Writes Markdown, in GitHub's flavour, when all runs are over: of one run all findings, of several a matrix.
///
/// Whatever a target said stands in code spans, or as prose with every mark escaped: there is no
/// HTML, no link, no image, no mention and no form in it that is not ours.
#[derive(Debug)]
pub struct MarkdownSink<W> {
    out: W,
    register: Register,
    limit: usize,
    runs: Vec<Collected>,
}

impl<W: Write> MarkdownSink<W> {
    /// A report that is written to `out`, with the words of a register's requirements.
    pub fn new(out: W, register: &Register) -> Self {
        Self { out, register: register.clone(), limit: MARKDOWN_LIMIT, runs: Vec::new() }
    }

    /// The same in at most so many bytes, but for a few lines of heading: findings that do not fit are counted.
    #[must_use]
    pub fn limited_to(self, limit: usize) -> Self {
        Self { limit, ..self }
    }
}

impl<W: Write> Sink for MarkdownSink<W> {
    fn hear(&mut self, event: &Event) -> io::Result<()> {
        if self.runs.is_empty() || matches!(event, Event::Run(_)) {
            self.runs.push(Collected::default());
        }
        if let Some(run) = self.runs.last_mut() {
            run.hear(event);
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        let Self { register, limit, runs, .. } = &*self;
        let text = match runs.as_slice() {
            [] => one::Page { heard: &Collected::default(), register, limit: *limit }.text(),
            [heard] => one::Page { heard, register, limit: *limit }.text(),
            several => several::text(several, register, *limit),
        };
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}
