//! Exit codes, and the failures that end a command early.

use std::process::ExitCode;

/// How a command ends. Source of the numbers: the table in README.md, which scripts rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// Usage, configuration, or refused credentials.
    Usage = 2,
    /// No case is selected.
    NothingSelected = 4,
    /// The harness itself, or an invalid fixture.
    Harness = 5,
    /// Refused by a safety rule.
    Refused = 6,
}

/// Why a command ends before it did its work.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    pub(super) fn nothing_selected(message: impl Into<String>) -> Self {
        Self { exit: Exit::NothingSelected, message: message.into() }
    }

    /// An invalid fixture.
    pub(super) fn fixture(message: impl Into<String>) -> Self {
        Self { exit: Exit::Harness, message: message.into() }
    }

    pub(super) fn harness(message: impl Into<String>) -> Self {
        Self { exit: Exit::Harness, message: message.into() }
    }

    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self { exit: Exit::Refused, message: message.into() }
    }

    /// Says why on standard error, and gives the exit code.
    pub(super) fn report(&self) -> ExitCode {
        eprintln!("error: {}", self.message);
        ExitCode::from(self.exit as u8)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}
