//! The words that the judge speaks and the reports hear.
//!
//! Uses the contract's [`Level`] and nothing else of ours.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::Level;

/// What is concluded about one case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every `must` requirement that the case decides holds.
    Pass,
    /// A `must` requirement is violated.
    Fail,
    /// It fails, and the baseline says so.
    KnownFail,
    /// It passes, and the baseline still says that it fails: the entry is stale.
    Fixed,
    /// Its control or its setup failed, or it needs something that was not given.
    Blocked,
    /// The target does not have the operation.
    NotImplemented,
    /// No usable answer: timeout, connection lost, throttled past patience.
    Indeterminate,
    /// The target does not claim a feature that the case needs.
    NotApplicable,
    /// The harness itself went wrong.
    HarnessError,
}

impl Verdict {
    /// Every verdict, in the order in which totals are printed.
    pub const ALL: [Self; 9] = [
        Self::Pass,
        Self::Fail,
        Self::KnownFail,
        Self::Fixed,
        Self::Blocked,
        Self::NotImplemented,
        Self::Indeterminate,
        Self::NotApplicable,
        Self::HarnessError,
    ];

    /// The word for it, as in reports: `known-fail`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::KnownFail => "known-fail",
            Self::Fixed => "fixed",
            Self::Blocked => "blocked",
            Self::NotImplemented => "not-implemented",
            Self::Indeterminate => "indeterminate",
            Self::NotApplicable => "not-applicable",
            Self::HarnessError => "harness-error",
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

/// One broken requirement: where, what was expected and what was found. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Violation {
    /// The requirement's id.
    pub requirement: String,
    /// How binding it is.
    pub level: Level,
    /// The place in the answer: `status`, `header content-type`, or `body` and a JSON pointer.
    pub at: String,
    /// What the requirement asks for.
    pub expected: String,
    /// What was found, masked where it could be a secret.
    pub actual: String,
}
