//! The summary of a job on GitHub Actions: a file to which each step adds Markdown.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use crate::files::open_stream;
use crate::report::{Collecting, MARKDOWN_LIMIT, Markdown};
use crate::text::file_name;

/// Appends the report of the collected runs in one piece, within what GitHub shows of the file.
pub(super) fn add(path: &Path, collecting: &Collecting) -> io::Result<()> {
    append(path, |limit| collecting.bytes_of(&Markdown { limit }))
}

/// Appends Markdown in one piece; `text` gets the number of bytes that GitHub still shows.
pub(super) fn append(path: &Path, text: impl FnOnce(usize) -> io::Result<Vec<u8>>) -> io::Result<()> {
    let with_file_name = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file_name(path)));
    let mut file = open_stream(path, OpenOptions::new().append(true).create(true)).map_err(with_file_name)?;
    let there = usize::try_from(file.metadata().map_err(with_file_name)?.len()).unwrap_or(usize::MAX);
    let mut text = text(MARKDOWN_LIMIT.saturating_sub(there))?;
    text.push(b'\n');
    file.write_all(&text).map_err(with_file_name)
}
