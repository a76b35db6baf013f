//! The rules that apply to every answer, whatever the case asks: one function each. The register says under
//! `decided_by` which requirement a finding belongs to.

pub(super) mod encoding;
mod error;
pub(super) mod guess;
pub(super) mod lifetime;
mod page;
mod success;

use std::borrow::Cow;

use super::OneAnswer;
use super::answer::Observation;
use crate::verdict::Fault;

pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) judge: fn(&Observation<'_>) -> Findings,
    /// Whether the rule is about lifetimes, which old credentials or a wrong clock can distort.
    pub(super) is_about_lifetimes: bool,
    /// Whether it compares the target's clock with others. It says nothing while that clock is moved.
    pub(super) reads_clocks: bool,
    /// Whether it reads the body of an error.
    pub(super) reads_errors: bool,
    /// What it can tell of one answer alone, of which the values are not known.
    pub(super) one_answer: OneAnswer,
}

/// What a rule finds in an answer; `None` if it does not apply.
pub(super) type Findings = Option<Vec<Finding>>;

impl Rule {
    const fn new(name: &'static str, judge: fn(&Observation<'_>) -> Findings) -> Self {
        Self {
            name,
            judge,
            is_about_lifetimes: false,
            reads_clocks: false,
            reads_errors: false,
            one_answer: OneAnswer::Decides,
        }
    }

    /// The same rule, of which one answer tells less.
    const fn telling(self, one_answer: OneAnswer) -> Self {
        Self { one_answer, ..self }
    }

    const fn of_errors(name: &'static str, judge: fn(&Observation<'_>) -> Findings) -> Self {
        Self { reads_errors: true, ..Self::new(name, judge) }
    }

    const fn of_lifetimes(name: &'static str, judge: fn(&Observation<'_>) -> Findings) -> Self {
        let rule = Self::of_clocks(name, judge).telling(OneAnswer::Confirms);
        Self { is_about_lifetimes: true, ..rule }
    }

    const fn of_clocks(name: &'static str, judge: fn(&Observation<'_>) -> Findings) -> Self {
        Self { reads_clocks: true, ..Self::new(name, judge) }
    }
}

pub(super) const ALL: &[Rule] = &[
    Rule::new("success-status", success::status),
    Rule::new("success-media-type", success::media_type),
    Rule::new("response-schema", success::schema),
    Rule::new("response-text", success::text),
    Rule::new("response-echo", success::echo),
    Rule::new("page-size", page::size),
    Rule::new("page-follows", page::follows).telling(OneAnswer::SaysNothing),
    Rule::of_lifetimes("lifetime-default", lifetime::default),
    Rule::of_lifetimes("lifetime-chosen", lifetime::chosen),
    Rule::of_clocks("date-is-now", lifetime::date_is_now),
    Rule::new("answer-encoding", encoding::plain),
    Rule::new("fault-again", error::fault_again).telling(OneAnswer::SaysNothing),
    Rule::of_errors("error-type", error::has_type),
    Rule::of_errors("error-type-place", error::type_in_body),
    Rule::of_errors("error-type-form", error::type_is_bare),
    Rule::of_errors("error-own-name", error::own_name),
    Rule::new("error-status", error::status),
    Rule::new("error-media-type", error::media_type),
    Rule::of_errors("error-message", error::message),
    Rule::of_errors("error-message-name", error::message_name),
    Rule::of_errors("error-schema", error::schema),
    Rule::of_errors("message-names-member", error::message_names_member).telling(OneAnswer::Confirms),
];

/// What a finding is about. It decides which requirement of the register the finding belongs to.
#[derive(Clone, Debug, Default)]
pub(super) struct Subject {
    /// The JSON pointer of the place in the body, without the indexes of list items.
    pub(super) at: Option<Cow<'static, str>>,
    pub(super) keyword: Option<Cow<'static, str>>,
    pub(super) error: Option<Cow<'static, str>>,
}

impl Subject {
    fn at(pointer: impl Into<Cow<'static, str>>) -> Self {
        Self { at: Some(pointer.into()), ..Self::default() }
    }

    fn error(name: &str) -> Self {
        Self { error: Some(name.to_owned().into()), ..Self::default() }
    }
}

pub(super) struct Finding {
    pub(super) subject: Subject,
    /// What is wrong; `None` if the subject is as it should be.
    pub(super) fault: Option<Fault>,
}

impl Finding {
    fn holds(subject: Subject) -> Self {
        Self { subject, fault: None }
    }

    /// A finding with a fault, unless the subject `holds`.
    fn new(subject: Subject, holds: bool, fault: impl FnOnce() -> Fault) -> Self {
        Self { subject, fault: (!holds).then(fault) }
    }

    /// [`Finding::new`] as the only finding of a rule.
    #[expect(clippy::unnecessary_wraps, reason = "it is what a rule finds")]
    fn one(subject: Subject, holds: bool, fault: impl FnOnce() -> Fault) -> Findings {
        Some(vec![Self::new(subject, holds, fault)])
    }
}
