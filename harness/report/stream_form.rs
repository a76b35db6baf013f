//! The form of conclusions in a run stream: the words that every version has, and beside them the data that they are
//! made of. Where the data are missing, the words are used.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::words::{self, FaultText};
use crate::contract::Level;
use crate::verdict::{Fault, Reason, TargetAnswer, Violation};

/// One broken requirement: where, what was expected and what was found. Holds no secret.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Violation")]
struct ViolationForm<'a> {
    /// The requirement's id.
    requirement: Cow<'a, str>,
    /// How binding it is.
    level: Level,
    /// The name of the step that it was found at, where the case has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<Cow<'a, str>>,
    /// The place in the answer: `status`, `header content-type`, or `body` and a JSON pointer.
    at: String,
    /// What the requirement asks for.
    expected: String,
    /// What was found, masked where it could be a secret.
    actual: String,
    /// The same as data; since version 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fault: Option<Cow<'a, Fault>>,
}

impl Serialize for Violation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let FaultText { at, expected, actual } = FaultText::of(self);
        let fault = (!matches!(self.fault, Fault::Told { .. })).then_some(Cow::Borrowed(&self.fault));
        let requirement = Cow::Borrowed(self.requirement.as_str());
        let step = self.step.as_deref().map(Cow::Borrowed);
        ViolationForm { requirement, level: self.level, step, at, expected, actual, fault }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Violation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ViolationForm { requirement, level, step, at, expected, actual, fault } =
            Deserialize::deserialize(deserializer)?;
        // The words of the place name the step already.
        let step = step.filter(|_| fault.is_some()).map(Cow::into_owned);
        let fault = fault.map_or(Fault::Told { at, expected, actual }, Cow::into_owned);
        Ok(Self { requirement: requirement.into_owned(), level, step, fault })
    }
}

impl JsonSchema for Violation {
    fn schema_name() -> Cow<'static, str> {
        ViolationForm::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        ViolationForm::json_schema(generator)
    }
}

/// Why a case has no better verdict.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename = "Because")]
pub(crate) struct ReasonForm<'a> {
    /// Why, in words, where neither violations nor the verdict itself say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The same as data; since version 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    because: Option<Cow<'a, Reason>>,
}

/// How the reason of a case is written and read, for serde.
pub(crate) mod because {
    use super::{Cow, Deserialize, Deserializer, Reason, ReasonForm, Serialize, Serializer, words};

    #[expect(clippy::ref_option, reason = "serde asks for a reference to the member")]
    pub(crate) fn serialize<S: Serializer>(reason: &Option<Reason>, serializer: S) -> Result<S::Ok, S::Error> {
        let words = reason.as_ref().map(words::reason);
        let because = reason.as_ref().filter(|reason| !matches!(reason, Reason::Told { .. })).map(Cow::Borrowed);
        ReasonForm { reason: words, because }.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Reason>, D::Error> {
        let ReasonForm { reason, because } = Deserialize::deserialize(deserializer)?;
        Ok(because.map(Cow::into_owned).or_else(|| reason.map(|words| Reason::Told { words })))
    }
}

/// What a target answered to the probe.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename = "Said")]
pub(super) struct ProbeForm<'a> {
    /// What it answered to the probe, quoted.
    said: String,
    /// The same as data; since version 2.
    #[serde(rename = "heard", default, skip_serializing_if = "Option::is_none")]
    answer: Option<Cow<'a, TargetAnswer>>,
}

/// How the answer to the probe is written and read, for serde.
pub(super) mod probe_answer {
    use super::{Cow, Deserialize, Deserializer, ProbeForm, Serialize, Serializer, TargetAnswer, words};

    pub(in super::super) fn serialize<S: Serializer>(answer: &TargetAnswer, serializer: S) -> Result<S::Ok, S::Error> {
        let data = (!matches!(answer, TargetAnswer::Told(_))).then_some(Cow::Borrowed(answer));
        ProbeForm { said: words::answer_text(answer), answer: data }.serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TargetAnswer, D::Error> {
        let ProbeForm { said, answer } = Deserialize::deserialize(deserializer)?;
        Ok(answer.map_or(TargetAnswer::Told(said), Cow::into_owned))
    }
}
