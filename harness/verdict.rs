//! The words that the judge speaks and the reports hear.
//!
//! Uses the contract's [`Level`] and [`Side`], and what a run of an SDK leaves; nothing else of ours.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::{Level, Side};
use crate::record::{Record, Timing};

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

/// What is known of one case after it ran: what a report shows of it. Holds no secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseResult {
    /// The case's id.
    pub id: String,
    /// Its suite.
    pub suite: String,
    /// Who is under test.
    pub side: Side,
    /// What the case claims.
    pub title: String,
    /// The requirements that it cites.
    pub requirements: Vec<String>,
    /// The requirements that it decided, one way or the other.
    pub decided: Vec<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, where neither violations nor the verdict itself say it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// Every broken `must` requirement.
    pub violations: Vec<Violation>,
    /// Every broken requirement below `must`.
    pub warnings: Vec<Violation>,
    /// The status code of the last answer; null where there was none.
    pub status: Option<u16>,
    /// The error's name in the last answer.
    pub error: Option<String>,
    /// The media type of the last answer.
    pub media_type: Option<String>,
    /// The names and types in the body of the last answer, without values.
    pub body: Option<String>,
    /// How often it ran; 0 where nothing was sent.
    pub runs: u32,
    /// From the first request to the verdict, in milliseconds, over all runs.
    pub duration_ms: f64,
    /// For an SDK: what it gave its caller and what it sent, the same in every run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub record: Option<Box<Record>>,
    /// For an SDK: what depends on the clock.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub timing: Option<Box<Timing>>,
    /// A command that shows the same answer; it reads credentials from the environment.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub repro: Option<String>,
}
