use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::words;
use crate::contract::{ConfirmationStatus, Evidence, Level, Requirement, Revision, Side, SourcePlace};
use crate::corpus::LeftOut;
use crate::verdict::{CaseResult, Cause, Fault, Leftover, RecordedTarget, TargetAnswer, TargetClass, Verdict};

/// The version of the run stream. Version 2 adds data beside the words of version 1, so a reader of version 1 can read
/// it. This build still reads version 1.
pub const VERSION: u32 = 2;

/// The oldest version that is read.
pub(super) const OLDEST_VERSION: u32 = 1;

/// The shard that is the whole run.
const WHOLE: &str = "1/1";

/// One line of the run stream: first `run`, then a `case` for each case, a `requirement` for each
/// requirement, and last `summary`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// What is run against what.
    Run(RunEvent),
    /// What was found out about one case.
    Case(CaseResult),
    /// What was found out about one requirement.
    Requirement(RequirementEvent),
    /// What was found out altogether.
    Summary(SummaryEvent),
}

impl Event {
    /// The run, where this is a `run` event.
    pub const fn run(&self) -> Option<&RunEvent> {
        match self {
            Self::Run(run) => Some(run),
            Self::Case(_) | Self::Requirement(_) | Self::Summary(_) => None,
        }
    }
}

/// What is run against what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunEvent {
    /// The version of this format: 2. Version 1 had no data beside the words of conclusions.
    pub version: u32,
    /// The program and its version.
    pub tool: String,
    /// The operation that the cases are about.
    #[serde(rename = "suite")]
    pub operation: String,
    /// The service, by its name in signatures; since version 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// How many cases are selected.
    pub selected: usize,
    /// The version of the suite; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suite_version: Option<u32>,
    /// The revision of the documents by which it is judged, by its year; absent for the newest that the program has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
    /// The version of the suite that the baseline was written with, where one is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_suite_version: Option<u32>,
    /// Which part of the selected cases this is, such as `1/4`; without it, the run is whole. Streams that
    /// have it and agree on tool, operation, target, features, seed and number of parts are one run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[1-9][0-9]*/[1-9][0-9]*$"))]
    pub shard: Option<String>,
    /// What was left out of the selected cases; absent where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOut>,
    /// The seed of all random names.
    pub seed: u64,
    /// Who is under test: an endpoint, or an SDK.
    #[serde(default, skip_serializing_if = "is_server")]
    pub side: Side,
    /// The recordings whose answers are accepted beside what the documents say, where some are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recordings: Option<Box<RecordingsEvent>>,
    /// The target; for an SDK the scripted server.
    pub target: TargetEvent,
    /// The SDK, where one is under test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<Box<DriverEvent>>,
    /// When the run began (RFC 3339).
    pub started_at: String,
}

/// Whether a run is of the server side, which is the default and is not written.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_server(side: &Side) -> bool {
    matches!(side, Side::Server)
}

impl RunEvent {
    /// Whether it accepts recordings that are not of real AWS.
    pub fn is_demonstration(&self) -> bool {
        self.recordings.as_ref().is_some_and(|recordings| recordings.is_demonstration())
    }

    /// Whether it is one shard of several, or cases were left out of it: its results do not speak for the whole.
    pub fn is_incomplete(&self) -> bool {
        self.is_part() || self.left_out.as_ref().is_some_and(|left_out| left_out.total() > 0)
    }

    /// Whether it is one shard of several, whose results do not speak for the whole.
    pub fn is_part(&self) -> bool {
        self.shard.as_deref().is_some_and(|shard| shard != WHOLE)
    }

    /// The operation, and an older revision of the documents by which it is judged: `GetCredentials as documented in 2022`.
    pub(crate) fn judged_operation(&self) -> String {
        let revision = self.revision.map(|revision| format!(" as documented in {revision}"));
        format!("{}{}", self.operation, revision.unwrap_or_default())
    }

    /// What the target is, as the end of a sentence that begins with "the target".
    pub(crate) fn meaning(&self) -> String {
        words::meaning(self.target.class, &self.operation, self.service())
    }

    /// The service, by its name in signatures.
    pub(crate) fn service(&self) -> &str {
        self.service.as_deref().unwrap_or("of the operation")
    }

    /// When the run began, to the second; anything finer tells a reader nothing.
    pub(super) fn started(&self) -> String {
        let second = self.started_at.parse().and_then(|began: Timestamp| Timestamp::from_second(began.as_second()));
        second.map_or_else(|_| self.started_at.clone(), |second| second.to_string())
    }
}

/// What recordings say of requirements, and whose they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename = "Recordings")]
pub struct RecordingsEvent {
    /// What was recorded. Where it is not `aws`, the run is a demonstration: nothing in it counts as confirmed, and no
    /// target conforms.
    pub of: RecordedTarget,
    /// How many recordings there are.
    pub recordings: usize,
    /// The regions in which they were recorded.
    pub regions: Vec<String>,
    /// The first day on which one was recorded.
    pub from: String,
    /// The last day.
    pub to: String,
    /// The ids of the requirements that they confirm.
    pub confirmed: Vec<String>,
    /// What contradicts a requirement, which is a conflict therefore: the same answer is accepted.
    pub contradicted: Vec<ContradictionEvent>,
}

/// A recorded answer that contradicts a requirement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename = "Contradiction")]
pub struct ContradictionEvent {
    /// The id of the requirement.
    pub requirement: String,
    /// The id of the case.
    pub case: String,
    /// The file of the recording.
    pub recording: String,
    /// The region in which it was recorded.
    pub region: String,
    /// The day on which it was recorded.
    pub date: String,
    /// How it contradicts the requirement.
    pub fault: Fault,
}

impl RecordingsEvent {
    /// Whether they are not of real AWS.
    pub fn is_demonstration(&self) -> bool {
        self.of != RecordedTarget::Aws
    }

    /// The ids of the requirements that they contradict.
    pub fn contradicted_ids(&self) -> BTreeSet<&str> {
        self.contradicted.iter().map(|contradiction| contradiction.requirement.as_str()).collect()
    }
}

/// The target of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TargetEvent {
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub endpoint: String,
    /// The region that requests are signed for.
    pub region: String,
    /// What it claims.
    pub features: Vec<String>,
    /// What it is, by its answer to the probe.
    pub class: TargetClass,
    /// What that means, as the end of a sentence that begins with "the target".
    pub meaning: String,
    /// What it answered to the probe, quoted: in words, and as data under `heard`.
    #[serde(flatten, with = "super::stream_form::probe_answer")]
    #[schemars(flatten, with = "super::stream_form::ProbeForm")]
    pub answer: TargetAnswer,
    /// Why it cannot be judged, as far as its answer tells; since version 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

/// Which SDK was run, and by which driver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DriverEvent {
    /// The driver's name: `boto3`.
    pub driver: String,
    /// Its language: `python`.
    pub language: String,
    /// What runs it: `CPython 3.11.7`.
    pub runtime: String,
    /// The SDK's name.
    pub sdk: String,
    /// The SDK's version.
    pub sdk_version: String,
    /// The versions of what the SDK rests on, as installed.
    pub deps: BTreeMap<String, String>,
    /// The settings that the driver can make.
    pub config: Vec<String>,
    /// The inputs that it can express, each with its type; `*` stands for all others.
    pub inputs: BTreeMap<String, String>,
    /// What it tells about answers.
    pub reports: Vec<String>,
    /// The members of a result that it can hand over; nothing where it hands over all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Vec<String>>,
    /// Whether the errors of the SDK have classes of their own.
    pub typed: bool,
    /// Whether it ran where nothing but loopback exists.
    pub isolated: bool,
    /// Whether all cases were run over TLS, as with `--tls`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tls: bool,
}

/// Whether a requirement holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RequirementStatus {
    /// It was decided, and no case violates it.
    Pass,
    /// A case violates it.
    Fail,
    /// No case decided it.
    Undecided,
    /// The target does not claim its feature, or it is excluded from the count.
    NotApplicable,
}

/// What was found out about one requirement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RequirementEvent {
    /// Its id.
    pub id: String,
    /// How binding it is.
    pub level: Level,
    /// What it rests on.
    pub evidence: Evidence,
    /// Whether recordings of real AWS bear it out.
    pub confirmation: ConfirmationStatus,
    /// The feature it belongs to.
    pub feature: String,
    /// Whether it holds.
    pub status: RequirementStatus,
    /// The version of the suite in which it was added or last began to ask for more; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u32>,
    /// Where it is stated; missing in the streams of older builds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub source: Vec<SourceEvent>,
    /// The cases that decided it; those that violate it where some do.
    pub cases: Vec<String>,
}

/// A place where a requirement is stated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename = "Source")]
pub struct SourceEvent {
    /// The document and the place in it: `API reference, GetCredentials, Errors`.
    pub text: String,
    /// The address of the place, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

impl SourceEvent {
    /// The sources of a requirement.
    pub(crate) fn all(row: &Requirement) -> Vec<Self> {
        let event = |place: &SourcePlace| Self { text: place.to_string(), address: place.link().map(str::to_owned) };
        row.source.iter().map(event).collect()
    }
}

/// The requirements of one feature that count: `must`, not excluded, and with something to be tried on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FeatureSummary {
    /// How many there are, whatever was run.
    pub must: usize,
    /// How many are violated: the divergence.
    pub violated: usize,
    /// How many are decided, one way or the other: the coverage.
    pub decided: usize,
    /// How many are confirmed by recordings of real AWS.
    pub confirmed: usize,
}

/// What was found out altogether.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SummaryEvent {
    /// Whether every counted requirement of the claimed features is decided and none is violated; never in one shard
    /// of several, since a case of another may violate what this one decides, and never in a demonstration.
    pub conformant: bool,
    /// How many cases have each verdict.
    pub verdicts: BTreeMap<Verdict, usize>,
    /// How many checks were made: cases, each as often as it ran.
    pub checks: u64,
    /// Divergence and coverage of each claimed feature.
    pub features: BTreeMap<String, FeatureSummary>,
    /// How long the run took, in milliseconds.
    pub duration_ms: f64,
    /// Whether the run came to its end.
    pub complete: bool,
    /// How many calls were made, with those that were repeated; absent where their number has no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    /// What the run made at the target and could not delete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leftovers: Vec<Leftover>,
}

impl Event {
    /// The case, where this is a `case` event.
    pub(super) fn case(&self) -> Option<&CaseResult> {
        if let Self::Case(case) = self { Some(case) } else { None }
    }

    /// The event with its durations rounded to microseconds; anything finer is noise.
    #[must_use]
    pub fn rounded(mut self) -> Self {
        if let Self::Case(CaseResult { duration_ms, .. }) | Self::Summary(SummaryEvent { duration_ms, .. }) = &mut self
        {
            *duration_ms = (*duration_ms * 1000.0).round() / 1000.0;
        }
        self
    }
}
