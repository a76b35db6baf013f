//! The rules that apply to every answer, whatever the case asks: one function each. Which
//! requirement a finding belongs to is said in the register, under `decided_by`.

mod error;
pub(super) mod guess;
pub(super) mod lifetime;
mod success;

use std::borrow::Cow;

use super::answer::Observation;

/// A rule of the judge.
pub(super) struct Rule {
    /// Its name, as in the register.
    pub(super) name: &'static str,
    /// What it finds in an answer; nothing where it does not apply.
    pub(super) judge: fn(&Observation<'_>) -> Vec<Finding>,
}

/// Every rule.
pub(super) const ALL: &[Rule] = &[
    Rule { name: "success-status", judge: success::status },
    Rule { name: "success-media-type", judge: success::media_type },
    Rule { name: "response-schema", judge: success::schema },
    Rule { name: "response-text", judge: success::text },
    Rule { name: "expiration-default", judge: lifetime::default },
    Rule { name: "expiration-chosen", judge: lifetime::chosen },
    Rule { name: "date-is-now", judge: lifetime::date_is_now },
    Rule { name: "fault-again", judge: error::fault_again },
    Rule { name: "error-type", judge: error::has_type },
    Rule { name: "error-type-place", judge: error::type_in_body },
    Rule { name: "error-type-form", judge: error::type_is_bare },
    Rule { name: "error-own-name", judge: error::own_name },
    Rule { name: "error-status", judge: error::status },
    Rule { name: "error-media-type", judge: error::media_type },
    Rule { name: "error-message", judge: error::message },
    Rule { name: "error-message-name", judge: error::message_name },
    Rule { name: "error-schema", judge: error::schema },
    Rule { name: "message-names-member", judge: error::message_names_member },
];

/// What a finding is about, so that the register can tell whose business it is.
#[derive(Clone, Debug, Default)]
pub(super) struct Subject {
    /// The JSON pointer of the place in the body.
    pub(super) at: Option<Cow<'static, str>>,
    /// The keyword of JSON Schema.
    pub(super) keyword: Option<Cow<'static, str>>,
    /// The error's name.
    pub(super) error: Option<Cow<'static, str>>,
}

/// What a rule finds about one subject.
pub(super) enum Finding {
    /// It is as it should be.
    Holds(Subject),
    /// It is not.
    Broken {
        /// What the finding is about.
        subject: Subject,
        /// The place, in words.
        at: String,
        /// What is expected there.
        expected: String,
        /// What was found, masked.
        actual: String,
    },
}

impl Finding {
    pub(super) fn subject(&self) -> &Subject {
        match self {
            Self::Holds(subject) | Self::Broken { subject, .. } => subject,
        }
    }

    /// One finding: broken with these words, or not.
    fn of(
        holds: bool,
        subject: Subject,
        at: &str,
        expected: impl Into<String>,
        actual: impl FnOnce() -> String,
    ) -> Vec<Self> {
        vec![if holds {
            Self::Holds(subject)
        } else {
            Self::Broken { subject, at: at.to_owned(), expected: expected.into(), actual: actual() }
        }]
    }
}
