//! Operations beside the one that is tested.

use std::collections::BTreeSet;

use serde_json::Value;

use super::ask::Answers;
use super::signature::is_success;
use super::{Finding, Status, Topic};
use crate::targets::probe::{self, Class, Probe};
use crate::wire::{Exchange, Response, error_type};

/// Operations that a run does not need, and that tell what kind of server this is.
pub(super) fn neighbours(answers: &Answers) -> Vec<Finding> {
    let topic = Topic::Neighbours;
    let unknown = answers.unknown.answer.as_ref().ok();
    let told = |name: &str, exchange: &Exchange| {
        let (status, found) = match &exchange.answer {
            Ok(response) => is_there(response, unknown, &probe::classify(exchange, false, &answers.hidden)),
            Err(fault) => (Status::Unknown, answers.hidden.fault(fault)),
        };
        Finding::new(topic, status, format!("{name}: {found}"))
    };
    vec![
        told("ListWorkgroups", &answers.list),
        told("GetWorkgroup", &answers.get),
        Finding::new(
            topic,
            Status::Unknown,
            "CreateNamespace, CreateWorkgroup: not tried, since they could create something",
        ),
    ]
}

/// Whether an operation is there: it answers with a success in JSON or with one of the service's own
/// errors, and not with what the target answers to an operation that nobody has.
fn is_there(response: &Response, unknown: Option<&Response>, probe: &Probe) -> (Status, String) {
    let said = &probe.said;
    let own = error_type(response)
        .is_some_and(|error| ["ResourceNotFoundException", "ValidationException"].contains(&error.as_str()));
    let object = response.json().as_ref().is_some_and(Value::is_object);
    let words = match probe.class {
        Class::RefusedCredentials => "refused",
        Class::UnknownOperation | Class::UnknownService | Class::DeclaredNotImplemented => "it is not there",
        _ if unknown.is_some_and(|unknown| alike(response, unknown)) => {
            "no telling, since an operation that nobody has is answered alike"
        }
        _ if is_success(response) && object => return (Status::Ok, "it is there".to_owned()),
        _ if own && unknown.is_some() => return (Status::Ok, "it is there".to_owned()),
        _ => "no telling by the answer",
    };
    (Status::Unknown, format!("{words} ({said})"))
}

/// Whether two answers are alike in all that does not depend on names: status, error type, and the
/// members of a success.
pub(super) fn alike(one: &Response, other: &Response) -> bool {
    let members = |response: &Response| -> Option<BTreeSet<String>> {
        Some(response.json()?.as_object()?.keys().cloned().collect())
    };
    one.status == other.status
        && error_type(one) == error_type(other)
        && (!is_success(one) || members(one) == members(other))
}
