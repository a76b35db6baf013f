//! What kind of server answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Cause;

/// What a target is, by its answer to the probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[serde(rename = "Class")]
pub enum TargetClass {
    /// It answers the operation, rightly or wrongly.
    Answers,
    /// It speaks the protocol and says that it does not know the operation.
    UnknownOperation,
    /// It speaks the protocol and says that it does not know the service.
    UnknownService,
    /// It says that it knows the operation and has not implemented it.
    DeclaredNotImplemented,
    /// It answers the operation as it answers an operation that nobody has.
    AnswersAllAlike,
    /// It answers with JSON of its own that no AWS client understands.
    OwnJson,
    /// It answers with something that is not an answer of AWS at all.
    NotAws,
    /// Another service of AWS answers.
    WrongService,
    /// It redirects the caller.
    Redirect,
    /// It fails with a 5xx error that the operation does not list.
    ServerFault,
    /// It refuses the credentials.
    RefusedCredentials,
    /// It answers the operation, and does not have the resource that was named.
    #[serde(rename = "no-workgroup")]
    NoResource,
    /// It gives no usable answer.
    Unreachable,
}

impl TargetClass {
    /// Whether the answer says by itself that the operation is not there.
    pub fn is_absent(self) -> bool {
        matches!(
            self,
            Self::UnknownOperation | Self::UnknownService | Self::DeclaredNotImplemented | Self::WrongService
        )
    }

    /// Whether the operation is there, so that its answers can be judged.
    pub fn is_judged(self) -> bool {
        matches!(self, Self::Answers | Self::ServerFault)
    }

    /// Whether it turns every call away, so that nothing can be judged before the user has corrected a setting.
    pub fn is_rejection(self) -> bool {
        matches!(self, Self::RefusedCredentials | Self::Redirect | Self::NoResource)
    }

    /// The word for it, as in a run stream: `unknown-operation`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Answers => "answers",
            Self::UnknownOperation => "unknown-operation",
            Self::UnknownService => "unknown-service",
            Self::DeclaredNotImplemented => "declared-not-implemented",
            Self::AnswersAllAlike => "answers-all-alike",
            Self::OwnJson => "own-json",
            Self::NotAws => "not-aws",
            Self::WrongService => "wrong-service",
            Self::Redirect => "redirect",
            Self::ServerFault => "server-fault",
            Self::RefusedCredentials => "refused-credentials",
            Self::NoResource => "no-workgroup",
            Self::Unreachable => "unreachable",
        }
    }
}

/// The outcome of the probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeOutcome {
    /// What the target is.
    pub class: TargetClass,
    /// The answer that shows it.
    pub answer: TargetAnswer,
    /// Why it cannot be judged, as far as the answer tells.
    pub cause: Option<Cause>,
}

/// What came back from a target, quoted: an answer in short, or why there was none.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[serde(rename = "Heard")]
pub enum TargetAnswer {
    /// An answer.
    Answer {
        /// Its status.
        status: u16,
        /// Its media type.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        media_type: Option<String>,
        /// The name of its error.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
        /// Its first words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        words: Option<String>,
    },
    /// No answer, for this reason.
    Nothing(String),
    /// Something that an older build wrote down in its own words.
    Told(String),
}

impl TargetAnswer {
    /// Whether this is a 404 that names no error: what a gateway answers that has no route to a server yet.
    pub fn is_no_route(&self) -> bool {
        matches!(self, Self::Answer { status: 404, error: None, .. })
    }
}
