//! Rules for errors.

use serde_json::Value;

use super::success::{broken, check_media_type, kind, without_nulls};
use super::{Finding, Observation, Subject, guess};
use crate::corpus::Check;
use crate::judge::answer::is_common_name_for;
use crate::wire::{bare_type, error_types};

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

fn about(error: &str) -> Subject {
    Subject { error: Some(error.to_owned().into()), ..Subject::default() }
}

/// An error says its type, in one of the places where clients look.
pub(super) fn has_type(seen: &Observation<'_>) -> Vec<Finding> {
    // Where only the status is asked for, an answer that is not JSON need not have a name.
    let asked = seen.call.expect.answers().iter().any(|answer| answer.error.is_some());
    if seen.status() < 400 || !(asked || seen.body.is_some()) {
        return Vec::new();
    }
    Finding::of(
        seen.error.is_some(),
        Subject::default(),
        "body /__type",
        "the error's name in __type, in code or in the header x-amzn-errortype",
        || guess::of_nameless(seen),
    )
}

/// The type stands in the body's `__type`, where new servers should put it.
pub(super) fn type_in_body(seen: &Observation<'_>) -> Vec<Finding> {
    let Some(error) = seen.error.as_ref().filter(|_| seen.status() >= 400) else { return Vec::new() };
    let place = error_types(seen.response, seen.body.as_ref()).next().map_or("", |(place, _)| place);
    Finding::of(
        place == "body /__type",
        Subject::default(),
        "body /__type",
        format!("\"{}\"", seen.quote(error)),
        || format!("no such text, only {place}"),
    )
}

/// The type is the bare name of the error's shape.
pub(super) fn type_is_bare(seen: &Observation<'_>) -> Vec<Finding> {
    let in_body = error_types(seen.response, seen.body.as_ref()).find(|(place, _)| *place == "body /__type");
    let Some((place, text)) = in_body.filter(|_| seen.status() >= 400) else { return Vec::new() };
    Finding::of(
        bare_type(text) == text,
        Subject::default(),
        place,
        format!("\"{}\"", seen.quote(bare_type(text))),
        || format!("\"{}\"", seen.quote(text)),
    )
}

/// A fault of the service is there again when the request is sent again.
pub(super) fn fault_again(seen: &Observation<'_>) -> Vec<Finding> {
    let before = seen.exchange.fault_before;
    Finding::of(before.is_none(), Subject::default(), "status", "the same answer whenever it is asked", || {
        format!("{} at first, and {} to the same request again", before.unwrap_or_default(), seen.status())
    })
}

/// A refusal as invalid has the operation's own name for it.
pub(super) fn own_name(seen: &Observation<'_>) -> Vec<Finding> {
    const OWN: &str = "ValidationException";
    let asked = seen.call.expect.answers().iter().any(|answer| answer.error.as_deref() == Some(OWN));
    let Some(name) = seen.error.as_deref().filter(|_| asked) else { return Vec::new() };
    if name != OWN && !is_common_name_for(name, OWN) {
        return Vec::new();
    }
    Finding::of(name == OWN, Subject::default(), "error type", OWN, || {
        format!("{}, a name that is common to all actions", seen.quote(name))
    })
}

/// A documented error comes with its documented status.
pub(super) fn status(seen: &Observation<'_>) -> Vec<Finding> {
    if let Some(name) = seen.error_meant() {
        return vec![Finding::Holds(about(name))];
    }
    on_documented_error(seen, |name, status, _| {
        Finding::of(seen.status() == status, about(name), "status", format!("{status} with {name}"), || {
            format!("{} with {name}", seen.status())
        })
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
        Finding::of(message.is_some_and(Value::is_string), about(name), "body /message", "a string", || {
            message.map_or("no such member", kind).to_owned()
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
        Finding::of(lower, about(name), "body /message", "the message under this name", || {
            "under the name Message".to_owned()
        })
    })
}

/// The other members of a documented error are valid against its schema.
pub(super) fn schema(seen: &Observation<'_>) -> Vec<Finding> {
    on_documented_error(seen, |name, _, body| {
        let mut breaches = seen.contract.validators.breaches(name, &without_nulls(body));
        // The message has rules of its own, and so has the type.
        breaches.retain(|breach| !matches!(breach.at.as_str(), "" | "/message" | "/__type"));
        if breaches.is_empty() {
            vec![Finding::Holds(Subject::default())]
        } else {
            breaches.into_iter().map(|breach| broken(breach, None)).collect()
        }
    })
}

/// The message of a `ValidationException` names the member at fault, for a case that asks for this check.
pub(super) fn message_names_member(seen: &Observation<'_>) -> Vec<Finding> {
    let asked = seen.case.case.checks.contains(&Check::MessageNamesMember);
    // Another error is wrong for being another one; its message need not name anything.
    let asked = asked && seen.error.as_deref() == Some("ValidationException");
    let (true, Some(member), Some(message)) = (asked, seen.case.member_at_fault(), seen.message()) else {
        return Vec::new();
    };
    let named = message.to_ascii_lowercase().contains(&member.to_ascii_lowercase());
    Finding::of(named, Subject::default(), "body /message", format!("a message that names {member}"), || {
        format!("\"{}\"", seen.quote(message))
    })
}
