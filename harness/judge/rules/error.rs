//! Rules for errors.

use serde_json::Value;

use super::success::{breach_finding, check_media_type, without_nulls};
use super::{Finding, Findings, Observation, Subject, guess};
use crate::contract::JsonKind;
use crate::corpus::Check;
use crate::verdict::Fault;
use crate::wire::{NamePlace, bare_type, error_types};

/// An error says its type, in one of the places where clients look.
pub(super) fn has_type(observation: &Observation<'_>) -> Findings {
    // If the case expects a status alone, an answer that is not JSON needs no name.
    let has_named_error = observation.call.expect.answers().iter().any(|answer| answer.error.is_some());
    (observation.status() >= 400 && (has_named_error || observation.body.is_some())).then_some(())?;
    Finding::one(Subject::default(), observation.error.is_some(), || Fault::Nameless {
        found: guess::of_nameless(observation),
    })
}

/// The type stands in the body's `__type`, where new servers should put it.
pub(super) fn type_in_body(observation: &Observation<'_>) -> Findings {
    let error = observation.error.as_ref().filter(|_| observation.status() >= 400)?;
    let (found, _) = error_types(observation.response, observation.body.as_ref()).next()?;
    Finding::one(Subject::default(), found == NamePlace::Type, || Fault::NamePlace {
        expected: observation.quote(error),
        found,
    })
}

/// The type is the bare name of the error's shape.
pub(super) fn type_is_bare(observation: &Observation<'_>) -> Findings {
    let in_body =
        error_types(observation.response, observation.body.as_ref()).find(|(place, _)| *place == NamePlace::Type);
    let (_, text) = in_body.filter(|_| observation.status() >= 400)?;
    Finding::one(Subject::default(), bare_type(text) == text, || Fault::NameForm {
        expected: observation.quote(bare_type(text)),
        found: observation.quote(text),
    })
}

/// A fault of the service does not pass when the request is sent again.
pub(super) fn fault_again(observation: &Observation<'_>) -> Findings {
    let before = observation.exchange.fault_before;
    let fault = || Fault::PassingFault { first: before.unwrap_or_default(), then: observation.status() };
    Finding::one(Subject::default(), before.is_none(), fault)
}

/// A refusal of an invalid request has the operation's own name for that error.
pub(super) fn own_name(observation: &Observation<'_>) -> Findings {
    let own = observation.invalid()?;
    let is_expected = observation.call.expect.answers().iter().any(|answer| answer.error.as_deref() == Some(own));
    let name = observation.error.as_deref().filter(|_| is_expected)?;
    (name == own || observation.is_common_name_for(name, own)).then_some(())?;
    Finding::one(Subject::default(), name == own, || Fault::CommonName {
        expected: own.to_owned(),
        found: observation.quote(name),
    })
}

/// A documented error comes with its documented status.
pub(super) fn status(observation: &Observation<'_>) -> Findings {
    if let Some(name) = observation.error_with_common_name() {
        return Some(vec![Finding::holds(Subject::error(name))]);
    }
    let (name, expected) = observation.documented_error()?;
    let (found, error) = (observation.status(), Some(name.to_owned()));
    Finding::one(Subject::error(name), found == expected, || Fault::Status { expected, found, error })
}

/// An error has the media type of the protocol.
pub(super) fn media_type(observation: &Observation<'_>) -> Findings {
    observation.documented_error()?;
    check_media_type(observation)
}

/// A documented error has a message that is a string. Another rule checks which of its two names it has.
pub(super) fn message(observation: &Observation<'_>) -> Findings {
    let (name, _) = observation.documented_error()?;
    let message = observation.member("message").or_else(|| observation.member("Message"));
    Finding::one(Subject::error(name), message.is_some_and(Value::is_string), || Fault::NoMessage {
        found: message.map_or(JsonKind::Nothing, JsonKind::of),
    })
}

/// The message is called `message`.
pub(super) fn message_name(observation: &Observation<'_>) -> Findings {
    let (name, _) = observation.documented_error()?;
    let is_lower = observation.member("message").is_some();
    (is_lower || observation.member("Message").is_some()).then_some(())?;
    Finding::one(Subject::error(name), is_lower, || Fault::MessageName)
}

/// The other members of a documented error are valid against its schema.
pub(super) fn schema(observation: &Observation<'_>) -> Findings {
    let (name, _) = observation.documented_error()?;
    let body = observation.body.as_ref().map(without_nulls).unwrap_or_default();
    let mut breaches = observation.contract.validators().breaches(name, &body);
    // The message and the type have rules of their own.
    let type_of = format!("/{}", observation.contract.service.error_name_member.is);
    breaches.retain(|breach| !["", "/message", &type_of].contains(&breach.at.as_str()));
    if breaches.is_empty() {
        return Some(vec![Finding::holds(Subject::default())]);
    }
    Some(breaches.into_iter().map(|breach| breach_finding(breach, None)).collect())
}

/// The message about an invalid request names the member at fault, if the case asks for this check.
pub(super) fn message_names_member(observation: &Observation<'_>) -> Findings {
    let is_checked = observation.case.case.checks.contains(&Check::MessageNamesMember);
    // Any other error is a fault by itself; its message need not name the member.
    (is_checked && observation.error.is_some() && observation.error.as_deref() == observation.invalid())
        .then_some(())?;
    let (member, message) = (observation.case.member_at_fault()?, observation.message()?);
    let names_member = message.to_ascii_lowercase().contains(&member.to_ascii_lowercase());
    Finding::one(Subject::default(), names_member, || Fault::MessageWithoutMember {
        member: member.to_owned(),
        found: observation.quote(message),
    })
}
