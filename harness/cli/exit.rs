//! Failures that end a command early.

use std::fmt;
use std::process::ExitCode;

use crate::corpus::SelectError;
use crate::report::Exit;
use crate::targets::TargetError;

/// Why a command ends before it did its work.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    /// The exit code that it ends with.
    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    pub(super) fn nothing_selected(message: impl Into<String>) -> Self {
        Self { exit: Exit::NothingSelected, message: message.into() }
    }

    pub(super) fn harness(message: impl Into<String>) -> Self {
        Self { exit: Exit::Harness, message: message.into() }
    }

    pub(super) fn unreachable(message: impl Into<String>) -> Self {
        Self { exit: Exit::Undecided, message: message.into() }
    }

    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self { exit: Exit::Safety, message: message.into() }
    }

    pub(super) fn of_target(error: TargetError) -> Self {
        match error {
            TargetError::Refused(refusal) => Self::refused(refusal.to_string()),
            TargetError::Client(error) => Self::usage(error.to_string()),
        }
    }

    pub(super) fn of_selection(error: &SelectError) -> Self {
        match error {
            SelectError::Nothing(_) => Self::nothing_selected(error.to_string()),
            SelectError::PatternMatchesNothing(..)
            | SelectError::UnknownRequirement(..)
            | SelectError::OtherOperation { .. }
            | SelectError::OtherRevision(..) => Self::usage(error.to_string()),
        }
    }

    /// Prints the message on standard error and returns the exit code. Where the message names none of the environment
    /// variables that options took their values from, a note lists them.
    pub(super) fn report(&self, variables: &[String]) -> ExitCode {
        super::output::say(&format!("error: {}", self.message));
        if !variables.is_empty() && !variables.iter().any(|name| self.message.contains(name.as_str())) {
            super::output::say(&format!("note: settings come from the environment: {}", variables.join(", ")));
        }
        self.exit.into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
