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
    /// Wrong usage or configuration.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    /// No case is left to run.
    pub(super) fn nothing_selected(message: impl Into<String>) -> Self {
        Self { exit: Exit::NothingSelected, message: message.into() }
    }

    /// The harness itself, or an invalid fixture.
    pub(super) fn harness(message: impl Into<String>) -> Self {
        Self { exit: Exit::Harness, message: message.into() }
    }

    /// A safety rule.
    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self { exit: Exit::Safety, message: message.into() }
    }

    /// A target that cannot be asked: refused where it is real AWS, else wrong configuration.
    pub(super) fn of_target(error: TargetError) -> Self {
        match error {
            TargetError::Refused(refusal) => Self::refused(refusal.to_string()),
            TargetError::Client(error) => Self::usage(error.to_string()),
        }
    }

    /// A selection that cannot be made: nothing is left, or wrong usage.
    pub(super) fn of_selection(error: &SelectError) -> Self {
        match error {
            SelectError::Nothing(_) => Self::nothing_selected(error.to_string()),
            SelectError::PatternMatchesNothing(..)
            | SelectError::UnknownRequirement(..)
            | SelectError::OtherOperation { .. } => Self::usage(error.to_string()),
        }
    }

    /// Says why on standard error, with the environment variables that options took their values from where it
    /// names none of them, and gives the exit code.
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
