//! Rules for errors.

use serde_json::Value;

use super::success::{breach_finding, check_media_type, without_nulls};
use super::{Finding, Findings, Observation, Subject, guess};
use crate::contract::JsonKind;
use crate::corpus::Check;
use crate::verdict::Fault;
use crate::wire::{NamePlace, bare_type, error_types};

/// An error says its type, in one of the places where clients look.
pub(super) fn has_type(seen: &Observation<'_>) -> Findings {
    // If the case expects a status alone, an answer that is not JSON needs no name.
    let asked = seen.call.expect.answers().iter().any(|answer| answer.error.is_some());
    (seen.status() >= 400 && (asked || seen.body.is_some())).then_some(())?;
    Finding::one(Subject::default(), seen.error.is_some(), || Fault::Nameless { found: guess::of_nameless(seen) })
}

/// The type stands in the body's `__type`, where new servers should put it.
pub(super) fn type_in_body(seen: &Observation<'_>) -> Findings {
    let error = seen.error.as_ref().filter(|_| seen.status() >= 400)?;
    let (found, _) = error_types(seen.response, seen.body.as_ref()).next()?;
    Finding::one(Subject::default(), found == NamePlace::Type, || Fault::NamePlace {
        expected: seen.quote(error),
        found,
    })
}

/// The type is the bare name of the error's shape.
pub(super) fn type_is_bare(seen: &Observation<'_>) -> Findings {
    let in_body = error_types(seen.response, seen.body.as_ref()).find(|(place, _)| *place == NamePlace::Type);
    let (_, text) = in_body.filter(|_| seen.status() >= 400)?;
    Finding::one(Subject::default(), bare_type(text) == text, || Fault::NameForm {
        expected: seen.quote(bare_type(text)),
        found: seen.quote(text),
    })
}

/// A fault of the service does not pass when the request is sent again.
pub(super) fn fault_again(seen: &Observation<'_>) -> Findings {
    let before = seen.exchange.fault_before;
    let fault = || Fault::PassingFault { first: before.unwrap_or_default(), then: seen.status() };
    Finding::one(Subject::default(), before.is_none(), fault)
}

/// A refusal of an invalid request has the operation's own name for that error.
pub(super) fn own_name(seen: &Observation<'_>) -> Findings {
    let own = seen.invalid()?;
    let asked = seen.call.expect.answers().iter().any(|answer| answer.error.as_deref() == Some(own));
    let name = seen.error.as_deref().filter(|_| asked)?;
    (name == own || seen.is_common_name_for(name, own)).then_some(())?;
    Finding::one(Subject::default(), name == own, || Fault::CommonName {
        expected: own.to_owned(),
        found: seen.quote(name),
    })
}

/// A documented error comes with its documented status.
pub(super) fn status(seen: &Observation<'_>) -> Findings {
    if let Some(name) = seen.error_meant() {
        return Some(vec![Finding::holds(Subject::error(name))]);
    }
    let (name, expected) = seen.documented_error()?;
    let (found, error) = (seen.status(), Some(name.to_owned()));
    Finding::one(Subject::error(name), found == expected, || Fault::Status { expected, found, error })
}

/// An error has the media type of the protocol.
pub(super) fn media_type(seen: &Observation<'_>) -> Findings {
    seen.documented_error()?;
    check_media_type(seen)
}

/// A documented error has a message that is a string. Another rule checks which of its two names it has.
pub(super) fn message(seen: &Observation<'_>) -> Findings {
    let (name, _) = seen.documented_error()?;
    let message = seen.member("message").or_else(|| seen.member("Message"));
    Finding::one(Subject::error(name), message.is_some_and(Value::is_string), || Fault::NoMessage {
        found: message.map_or(JsonKind::Nothing, JsonKind::of),
    })
}

/// The message is called `message`.
pub(super) fn message_name(seen: &Observation<'_>) -> Findings {
    let (name, _) = seen.documented_error()?;
    let is_lower = seen.member("message").is_some();
    (is_lower || seen.member("Message").is_some()).then_some(())?;
    Finding::one(Subject::error(name), is_lower, || Fault::MessageName)
}

/// The other members of a documented error are valid against its schema.
pub(super) fn schema(seen: &Observation<'_>) -> Findings {
    let (name, _) = seen.documented_error()?;
    let body = seen.body.as_ref().map(without_nulls).unwrap_or_default();
    let mut breaches = seen.contract.validators.breaches(name, &body);
    // The message and the type have rules of their own.
    let type_of = format!("/{}", seen.contract.service.error_name_member.is);
    breaches.retain(|breach| !["", "/message", &type_of].contains(&breach.at.as_str()));
    if breaches.is_empty() {
        return Some(vec![Finding::holds(Subject::default())]);
    }
    Some(breaches.into_iter().map(|breach| breach_finding(breach, None)).collect())
}

/// The message about an invalid request names the member at fault, if the case asks for this check.
pub(super) fn message_names_member(seen: &Observation<'_>) -> Findings {
    let asked = seen.case.case.checks.contains(&Check::MessageNamesMember);
    // Any other error is a fault by itself; its message need not name the member.
    (asked && seen.error.is_some() && seen.error.as_deref() == seen.invalid()).then_some(())?;
    let (member, message) = (seen.case.member_at_fault()?, seen.message()?);
    let named = message.to_ascii_lowercase().contains(&member.to_ascii_lowercase());
    Finding::one(Subject::default(), named, || Fault::MessageWithoutMember {
        member: member.to_owned(),
        found: seen.quote(message),
    })
}
