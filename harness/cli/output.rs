//! Results on standard output.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::ValueEnum;
use clap::builder::styling::{AnsiColor, Style};

use super::Failure;
use crate::report::fold;

/// How a listing is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
    /// A table in Markdown
    Md,
}

/// How a result is printed that no table would show better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Plain {
    Text,
    Json,
}

/// Whether text on standard output is coloured: for a person at a terminal that can show it, who has
/// not asked for none (<https://no-color.org>).
pub(super) fn wants_colour() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    io::stdout().is_terminal() && !refused && !dumb
}

/// A text in a colour, where there is colour.
pub(super) fn paint(text: &str, colour: AnsiColor, wanted: bool) -> String {
    let style = if wanted { Style::new().fg_color(Some(colour.into())) } else { Style::new() };
    format!("{style}{text}{style:#}")
}

/// How many characters fit on a line of the terminal that standard output is; no limit where it is none.
pub(super) fn width() -> usize {
    const NARROWEST: usize = 20;
    if !io::stdout().is_terminal() {
        return usize::MAX;
    }
    let asked = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let found = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    asked.or_else(found).map_or(usize::MAX, |width: usize| width.max(NARROWEST))
}

/// Standard output, whose errors say that it is the one that cannot be written.
#[derive(Debug)]
pub(super) struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stdout().write(bytes).map_err(|error| unwritable(&error))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush().map_err(|error| unwritable(&error))
    }
}

fn unwritable(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot write to standard output: {error}"))
}

/// Prints a result and a line end. A reader that has gone away, such as `head`, is no failure.
pub(super) fn print(text: &str) -> Result<ExitCode, Failure> {
    print_bytes(format!("{text}\n").as_bytes())
}

/// Prints prose, folded where standard output is a terminal that is narrower.
pub(super) fn print_prose(text: &str) -> Result<ExitCode, Failure> {
    print(&fold(text, width()))
}

/// Prints a result that has its own line ends.
pub(super) fn print_bytes(bytes: &[u8]) -> Result<ExitCode, Failure> {
    match Stdout.write_all(bytes).and_then(|()| Stdout.flush()) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(Failure::usage(error.to_string())),
    }
}

/// Says something on standard error, if anybody is there to hear it.
pub(super) fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
