//! Examines a target before a run: what kind of server answers, whether it accepts our signature, and what it has.
//!
//! All calls are made at once, and no answer is waited for past a deadline, so that a target that hangs takes no longer
//! than that. No call could create, change or delete anything. Start with [`examine`]. `findings` and `resources` say
//! what the answers mean; they make no calls.

mod ask;
mod findings;
mod resources;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::time::{Duration, Instant};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use ask::ExaminedTarget;
use findings::ProbedTarget;

use crate::contract::{Contract, Resource, Service};
use crate::report::answer_text;
use crate::targets::{Target, TargetError};
use crate::verdict::{Cause, TargetAnswer, TargetClass};

/// The version of the format of an [`Examination`].
const VERSION: u32 = 1;

/// What was found out about a target without judging it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Examination {
    /// The version of this format: 1.
    pub version: u32,
    /// The target's name.
    pub target: String,
    /// Where it listens.
    pub endpoint: String,
    /// The region that requests are signed for.
    pub region: String,
    /// What it is, by its answer to the probe.
    pub class: TargetClass,
    /// What it answered to the probe, quoted.
    pub said: String,
    /// The same as data.
    #[serde(rename = "heard", default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<TargetAnswer>,
    /// Why it cannot be judged, as far as the answer tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// What was found, in the order in which it matters.
    pub findings: Vec<Diagnosis>,
    /// How long it took, in milliseconds.
    pub duration_ms: f64,
}

/// One thing that was found out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename = "Finding")]
pub struct Diagnosis {
    /// What it is about.
    pub topic: Topic,
    /// Whether there is something to do about it.
    pub status: DiagnosisStatus,
    /// What was found, in a sentence without its full stop.
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fix: Option<String>,
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// The host name and its address.
    Name,
    /// The way to the target, and whether it answers.
    Connection,
    /// Encryption and certificates.
    Tls,
    /// What signs our requests.
    Credentials,
    /// Whether signatures are checked.
    Signature,
    /// The target's clock compared with ours.
    Clock,
    /// The operation that is tested.
    Operation,
    /// Other operations, which a run does not need.
    Neighbours,
    /// What the user's own file does at the target.
    Hooks,
    /// The resource with this id, which is named or claimed.
    #[serde(untagged)]
    Resource(String),
}

impl Topic {
    /// The word for it, as in the report.
    pub fn word(&self) -> &str {
        match self {
            Self::Name => "name",
            Self::Connection => "connection",
            Self::Tls => "tls",
            Self::Credentials => "credentials",
            Self::Signature => "signature",
            Self::Clock => "clock",
            Self::Operation => "operation",
            Self::Resource(id) => id,
            Self::Neighbours => "neighbours",
            Self::Hooks => "hooks",
        }
    }

    /// Every topic that is not a resource.
    const PLAIN: [Self; 9] = [
        Self::Name,
        Self::Connection,
        Self::Tls,
        Self::Credentials,
        Self::Signature,
        Self::Clock,
        Self::Operation,
        Self::Neighbours,
        Self::Hooks,
    ];
}

impl JsonSchema for Topic {
    fn schema_name() -> Cow<'static, str> {
        "Topic".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let resources = Service::embedded().resources.iter().map(|resource| resource.id.clone());
        let words: Vec<_> = Self::PLAIN.iter().map(|topic| topic.word().to_owned()).chain(resources).collect();
        json_schema!({ "description": "What a finding is about.", "enum": words })
    }
}

/// Whether there is something to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[serde(rename = "Status")]
pub enum DiagnosisStatus {
    /// It is as it should be, or it does not matter.
    Ok,
    /// A run is possible, and something about it is worth knowing.
    Warning,
    /// A run would end early, fail or leave cases blocked.
    Problem,
    /// It was not tried, or the answers do not tell.
    Unknown,
}

impl Examination {
    /// Reports that the name that was given for this resource is not valid; `slip` says what was expected instead. The
    /// operation is then not blamed for refusing the name.
    pub fn blame_name(&mut self, resource: &Resource, slip: &str) {
        for finding in &mut self.findings {
            if finding.topic == Topic::Operation {
                let why = format!("the name of the {} is refused: {}", resource.noun, self.said);
                *finding = Diagnosis::unknown(Topic::Operation, format!("not decided, because {why}"));
            } else if finding.topic == Topic::Resource(resource.id.clone()) {
                let fix = format!("name a {} that the target has", resource.noun);
                *finding = Diagnosis::problem(finding.topic.clone(), slip).fix(fix);
            }
        }
    }
}

impl Diagnosis {
    fn ok(topic: Topic, found: impl Into<String>) -> Self {
        Self { topic, status: DiagnosisStatus::Ok, found: found.into(), fix: None }
    }

    fn warning(topic: Topic, found: impl Into<String>) -> Self {
        Self { status: DiagnosisStatus::Warning, ..Self::ok(topic, found) }
    }

    fn problem(topic: Topic, found: impl Into<String>) -> Self {
        Self { status: DiagnosisStatus::Problem, ..Self::ok(topic, found) }
    }

    fn unknown(topic: Topic, found: impl Into<String>) -> Self {
        Self { status: DiagnosisStatus::Unknown, ..Self::ok(topic, found) }
    }

    fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// What a run would do at the target beside its calls. It was not tried: it changes something.
    pub fn of_hooks(what: &[String]) -> Self {
        Self::unknown(Topic::Hooks, format!("not tried, since it changes something: {}", what.join("; ")))
    }

    /// A problem: requests should be signed, but there are no credentials. `why` says why.
    pub fn no_credentials(why: &str) -> Self {
        let found = format!("none to sign with: {why}; asked without a signature instead");
        Self::problem(Topic::Credentials, found).fix(
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (most emulators take any), choose a profile with \
             AWS_PROFILE, or send unsigned requests with --no-sign",
        )
    }
}

/// Examines whether a target can be asked for an operation. Returns after about `within` at the latest.
///
/// # Errors
/// When the target is real AWS that was not allowed, or no client can be made for it, for example because a file of
/// certificates cannot be used.
///
/// # Panics
/// When the contract does not have the operation.
pub async fn examine(
    target: &Target,
    contract: &Contract,
    operation: &str,
    within: Duration,
) -> Result<Examination, TargetError> {
    let start = Instant::now();
    let operation = contract.operation(operation).expect("the operation is one of the contract");
    let examined = ExaminedTarget { target, contract, operation };
    let answers = Box::pin(ask::all(examined, within)).await?;
    let probed = ProbedTarget::new(examined, &answers);
    let findings = probed.findings();
    let probe = probed.probe;
    let duration_ms = (start.elapsed().as_secs_f64() * 1e6).round() / 1e3;
    Ok(Examination {
        version: VERSION,
        target: target.name.clone(),
        endpoint: target.endpoint.to_string(),
        region: target.region.to_string(),
        class: probe.class,
        said: answer_text(&probe.answer),
        answer: Some(probe.answer),
        cause: probe.cause,
        findings,
        duration_ms,
    })
}
