//! Rules for errors.

use serde_json::Value;

use super::success::{broken, check_media_type, without_nulls};
use super::{Finding, Observation, Subject, guess};
use crate::contract::JsonKind;
use crate::corpus::Check;
use crate::verdict::Fault;
use crate::wire::{NamePlace, bare_type, error_types};

/// A finding about a documented error; nothing for any other answer.
fn on_documented_error<'a>(
    seen: &Observation<'a>,
    judge: impl FnOnce(&'a str, u16, &Value) -> Vec<Finding>,
) -> Vec<Finding> {
    let empty = Value::Null;
    match seen.documented_error() {
        Some((name, status)) => judge(name, status, seen.body.as_ref().unwrap_or(&empty)),
        None => Vec::new(),
    }
}

/// An error says its type, in one of the places where clients look.
pub(super) fn has_type(seen: &Observation<'_>) -> Vec<Finding> {
    // Where only the status is asked for, an answer that is not JSON need not have a name.
    let asked = seen.call.expect.answers().iter().any(|answer| answer.error.is_some());
    if seen.status() < 400 || !(asked || seen.body.is_some()) {
        return Vec::new();
    }
    Finding::one(Subject::default(), seen.error.is_some(), || Fault::Nameless { found: guess::of_nameless(seen) })
}

/// The type stands in the body's `__type`, where new servers should put it.
pub(super) fn type_in_body(seen: &Observation<'_>) -> Vec<Finding> {
    let Some(error) = seen.error.as_ref().filter(|_| seen.status() >= 400) else { return Vec::new() };
    let Some((found, _)) = error_types(seen.response, seen.body.as_ref()).next() else { return Vec::new() };
    Finding::one(Subject::default(), found == NamePlace::Type, || Fault::NamePlace {
        expected: seen.quote(error),
        found,
    })
}

/// The type is the bare name of the error's shape.
pub(super) fn type_is_bare(seen: &Observation<'_>) -> Vec<Finding> {
    let in_body = error_types(seen.response, seen.body.as_ref()).find(|(place, _)| *place == NamePlace::Type);
    let Some((_, text)) = in_body.filter(|_| seen.status() >= 400) else { return Vec::new() };
    Finding::one(Subject::default(), bare_type(text) == text, || Fault::NameForm {
        expected: seen.quote(bare_type(text)),
        found: seen.quote(text),
    })
}

/// A fault of the service is there again when the request is sent again.
pub(super) fn fault_again(seen: &Observation<'_>) -> Vec<Finding> {
    let before = seen.exchange.fault_before;
    let fault = || Fault::PassingFault { first: before.unwrap_or_default(), then: seen.status() };
    Finding::one(Subject::default(), before.is_none(), fault)
}

/// A refusal as invalid has the operation's own name for it.
pub(super) fn own_name(seen: &Observation<'_>) -> Vec<Finding> {
    let Some(own) = seen.invalid() else { return Vec::new() };
    let asked = seen.call.expect.answers().iter().any(|answer| answer.error.as_deref() == Some(own));
    let Some(name) = seen.error.as_deref().filter(|_| asked) else { return Vec::new() };
    if name != own && !seen.is_common_name_for(name, own) {
        return Vec::new();
    }
    Finding::one(Subject::default(), name == own, || Fault::CommonName {
        expected: own.to_owned(),
        found: seen.quote(name),
    })
}

/// A documented error comes with its documented status.
pub(super) fn status(seen: &Observation<'_>) -> Vec<Finding> {
    if let Some(name) = seen.error_meant() {
        return vec![Finding::holds(Subject::error(name))];
    }
    on_documented_error(seen, |name, expected, _| {
        let (found, error) = (seen.status(), Some(name.to_owned()));
        Finding::one(Subject::error(name), found == expected, || Fault::Status { expected, found, error })
    })
}

/// An error has the media type of the protocol.
pub(super) fn media_type(seen: &Observation<'_>) -> Vec<Finding> {
    on_documented_error(seen, |_, _, _| check_media_type(seen))
}

/// A documented error has a message that is a text; which of its two names it has is another rule's business.
pub(super) fn message(seen: &Observation<'_>) -> Vec<Finding> {
    on_documented_error(seen, |name, _, body| {
        let message = body.get("message").or_else(|| body.get("Message"));
        Finding::one(Subject::error(name), message.is_some_and(Value::is_string), || Fault::NoMessage {
            found: message.map_or(JsonKind::Nothing, JsonKind::of),
        })
    })
}

/// The message is called `message`.
pub(super) fn message_name(seen: &Observation<'_>) -> Vec<Finding> {
    on_documented_error(seen, |name, _, body| {
        let (lower, upper) = (body.get("message").is_some(), body.get("Message").is_some());
        if !lower && !upper {
            return Vec::new();
        }
        Finding::one(Subject::error(name), lower, || Fault::MessageName)
    })
}

/// The other members of a documented error are valid against its schema.
pub(super) fn schema(seen: &Observation<'_>) -> Vec<Finding> {
    on_documented_error(seen, |name, _, body| {
        let mut breaches = seen.contract.validators.breaches(name, &without_nulls(body));
        // The message has rules of its own, and so has the type.
        let type_of = format!("/{}", seen.contract.service.error_name_member.is);
        breaches.retain(|breach| !["", "/message", &type_of].contains(&breach.at.as_str()));
        if breaches.is_empty() {
            vec![Finding::holds(Subject::default())]
        } else {
            breaches.into_iter().map(|breach| broken(breach, None)).collect()
        }
    })
}

/// The message of a refusal as invalid names the member at fault, for a case that asks for this check.
pub(super) fn message_names_member(seen: &Observation<'_>) -> Vec<Finding> {
    let asked = seen.case.case.checks.contains(&Check::MessageNamesMember);
    // Another error is wrong for being another one; its message need not name anything.
    let asked = asked && seen.error.is_some() && seen.error.as_deref() == seen.invalid();
    let (true, Some(member), Some(message)) = (asked, seen.case.member_at_fault(), seen.message()) else {
        return Vec::new();
    };
    let named = message.to_ascii_lowercase().contains(&member.to_ascii_lowercase());
    Finding::one(Subject::default(), named, || Fault::MessageWithoutMember {
        member: member.to_owned(),
        found: seen.quote(message),
    })
}
