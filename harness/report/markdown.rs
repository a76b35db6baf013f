//! Runs as Markdown, for a job summary, a pull request or an issue: one in full, several side by side.

mod inline;
mod one;
mod several;

use std::io::{self, Write};

#[cfg(feature = "cli")]
pub(crate) use inline::prose_cell;
pub(crate) use inline::{code, prose};

use super::formats::{Report, Runs};

/// The most that GitHub shows of a step's summary, in bytes; where there is more, it shows none of it.
/// Source: GitHub Actions, workflow commands, step isolation and limits (1 MiB).
pub const MARKDOWN_LIMIT: usize = 1 << 20;

/// How many findings a list tells before it only counts the rest.
const FINDINGS_LIMIT: usize = 30;

const NAMES_LIMIT: usize = 6;

/// What is kept free for headings and counts, in bytes.
const RESERVE: usize = 2000;

/// Adds parts to a text as long as they stay within the room, and says how many did.
fn fill(text: &mut String, room: usize, parts: impl IntoIterator<Item = String>) -> usize {
    let mut told = 0;
    for part in parts {
        if text.len() + part.len() > room {
            break;
        }
        text.push_str(&part);
        told += 1;
    }
    told
}

/// Markdown, in GitHub's flavour: of one run all findings, of several a matrix.
///
/// Whatever a target said stands in code spans, or as prose with every mark escaped: there is no
/// HTML, no link, no image, no mention and no form in it that is not ours.
#[derive(Clone, Copy, Debug)]
pub struct Markdown {
    /// How many bytes it has at most, but for a few lines of heading: findings that do not fit are counted.
    pub limit: usize,
}

impl Default for Markdown {
    fn default() -> Self {
        Self { limit: MARKDOWN_LIMIT }
    }
}

impl Report for Markdown {
    fn write(&self, heard: Runs<'_>, out: &mut dyn Write) -> io::Result<()> {
        let (Runs { runs, register }, limit) = (heard, self.limit);
        let text = match runs {
            [heard] => one::Page { heard, register, limit }.text(),
            several => several::text(several, register, limit),
        };
        out.write_all(text.as_bytes())
    }
}
