//! Results on standard output.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::ValueEnum;

use super::Failure;

/// How a listing is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
    /// A table in Markdown
    Md,
}

/// Prints a result. A reader that has gone away, such as `head`, is no failure.
pub(super) fn print(text: &str) -> Result<ExitCode, Failure> {
    match writeln!(io::stdout().lock(), "{text}") {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(Failure::usage(format!("cannot write to standard output: {error}"))),
    }
}
