//! Runs as Markdown, for a job summary, a pull request or an issue: one in full, several side by side or over time.

mod history;
mod inline;
mod one_run;
mod several_runs;

use std::io::{self, Write};

#[cfg(feature = "cli")]
pub(crate) use inline::prose_cell;
pub(crate) use inline::{code, prose};

use super::formats::{Report, Runs};

/// The most that GitHub shows of a step's summary, in bytes; it shows nothing of a longer one.
/// Source: GitHub Actions, workflow commands, step isolation and limits (1 MiB).
pub const MARKDOWN_LIMIT: usize = 1 << 20;

/// How many findings a list tells before it only counts the rest.
const FINDINGS_LIMIT: usize = 30;

const NAMES_LIMIT: usize = 6;

/// The bytes that are kept free for headings and counts.
const RESERVE: usize = 2000;

/// Adds parts to a text while they fit into `room` bytes, and returns how many fitted.
fn fill(text: &mut String, room: usize, parts: impl IntoIterator<Item = String>) -> usize {
    let mut rows_written = 0;
    for part in parts {
        if text.len() + part.len() > room {
            break;
        }
        text.push_str(&part);
        rows_written += 1;
    }
    rows_written
}

/// Markdown, in GitHub's flavour: of one run all findings, of several a matrix or a history.
///
/// The text of a target stands in code spans, or as prose with every mark escaped, so that it adds no HTML, link,
/// image, mention or formatting.
#[derive(Clone, Copy, Debug)]
pub struct Markdown {
    /// The most bytes, without a few lines of heading; findings that do not fit are counted.
    pub limit: usize,
}

impl Default for Markdown {
    fn default() -> Self {
        Self { limit: MARKDOWN_LIMIT }
    }
}

impl Report for Markdown {
    fn write(&self, collected: Runs<'_>, out: &mut dyn Write) -> io::Result<()> {
        let (Runs { runs, register, .. }, limit) = (collected, self.limit);
        let text = match (runs, collected.history()) {
            (_, Some(history)) => history::text(&history, register, limit),
            ([collected], None) => one_run::MarkdownPage { collected, register, limit }.text(),
            (several, None) => several_runs::text(several, register, limit),
        };
        out.write_all(text.as_bytes())
    }
}
