//! Conclusions as data: what the judge and the run conclude, and the reports put into words.
//!
//! Has the parts of a conclusion from `countersign-core`. Uses the types of the contract and of an SDK's record. Start
//! with [`CaseResult`].

mod reason;

pub use countersign_core::verdict::*;
pub use reason::{Excuse, Reason};

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::{Level, Side};
#[cfg(feature = "sdk")]
use crate::sdk::record::{Record, Timing};

/// What is concluded about one case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
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
    /// There is no usable answer: a timeout, a lost connection, throttling that does not end, a denial of something
    /// that only this case names, or a target that turns every call away.
    #[default]
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

/// One broken requirement, and what is wrong. Holds no secret. The report module defines its form in a run stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Violation {
    /// The requirement's id.
    pub requirement: String,
    /// How binding it is.
    pub level: Level,
    /// The name of the step that it was found at; nothing where the case has one call, or the step has no name.
    pub step: Option<String>,
    /// What is wrong, and where.
    pub fault: Fault,
}

/// Something that a case made and that could not be deleted. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Leftover {
    /// What people call it.
    pub noun: String,
    /// Its name.
    pub name: String,
    /// The case that made it; empty if it was a hook.
    pub case: String,
    /// The operation that deletes it, or the hook that undoes it.
    pub undone_by: String,
    /// What the request of that operation has.
    pub input: BTreeMap<String, String>,
    /// The URL of the target.
    pub endpoint: String,
    /// The region that requests are signed for.
    pub region: String,
    /// The set-up of a run, if a hook made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<HookRun>,
}

/// The set-up of a run that a hook made.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct HookRun {
    /// The file with the hooks.
    pub file: PathBuf,
    /// The target in it.
    pub target: String,
    /// The names that the set-up printed.
    pub names: BTreeMap<String, String>,
}

/// What a report shows of one case after it ran. Holds no secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// The requirements that it leaves open though it passes; its reason says why.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub undecided: Vec<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// Why it has this verdict, if neither the violations nor the verdict itself say it: in words, and as data under
    /// `because`.
    #[serde(flatten, with = "crate::report::because")]
    #[schemars(flatten, with = "crate::report::ReasonForm")]
    pub reason: Option<Reason>,
    /// Every broken `must` requirement.
    pub violations: Vec<Violation>,
    /// Every broken requirement below `must`.
    pub warnings: Vec<Violation>,
    /// What each call accepts, in words: `400 ValidationException, or 403 with an error type`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub expected: Vec<String>,
    /// The status code of the last answer; null if there was none.
    pub status: Option<u16>,
    /// The error's name in the last answer.
    pub error: Option<String>,
    /// The media type of the last answer.
    pub media_type: Option<String>,
    /// The names and types in the body of the last answer, without values.
    pub body: Option<String>,
    /// How often it ran; 0 if none of its calls was made.
    pub runs: u32,
    /// From the first request to the verdict, in milliseconds, over all runs.
    pub duration_ms: f64,
    #[cfg(feature = "sdk")]
    /// For an SDK: what it gave its caller and what it sent, the same in every run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub record: Option<Box<Record>>,
    #[cfg(feature = "sdk")]
    /// For an SDK: what depends on the clock.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub timing: Option<Box<Timing>>,
    /// A command that shows the same answer; it reads credentials from the environment.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub repro: Option<String>,
    /// The last call as it went over the wire, masked; absent if none was made.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub exchange: Option<Box<ShownExchange>>,
}

/// A request and its answer as a report may show them: without credentials, account ids and database users, and bounded
/// in size. The line, each header field and the body of a request have at most 1000 characters each. The name and the
/// value of an answer's header field have at most 200 each, the body of an answer at most 4000, and a fault at most
/// 500. Each side has at most 32 header fields. A `…` marks a cut; an escaped character counts as one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct ShownExchange {
    /// The method and the path: `POST /`.
    pub request: String,
    /// The header fields of the request, name and value, in order.
    pub request_headers: Vec<(String, String)>,
    /// The body of the request.
    pub request_body: String,
    /// The header fields of the answer, name and value, in order.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub answer_headers: Vec<(String, String)>,
    /// The body of the answer: names and types, and for an error its own words; absent if there was no answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub answer_body: Option<String>,
    /// Why there was no answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fault: Option<String>,
}

impl CaseResult {
    /// The result of a case before it runs.
    pub fn blank(id: &str, suite: &str, side: Side, title: &str, requirements: &[String]) -> Self {
        Self {
            id: id.to_owned(),
            suite: suite.to_owned(),
            side,
            title: title.to_owned(),
            requirements: requirements.to_vec(),
            runs: 1,
            ..Self::default()
        }
    }
}
