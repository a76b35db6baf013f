//! Operations beside the one that is tested.

use std::collections::BTreeSet;

use serde_json::Value;

use super::ask::{Answers, Patient};
use super::signature::is_success;
use super::{Finding, Status, Topic};
use crate::contract::ErrorMeaning;
use crate::report::heard;
use crate::targets::probe::{self, Asked};
use crate::verdict::Class;
use crate::wire::{Exchange, Masker, Response, error_type};

/// Operations that a run does not need, and that tell what kind of server this is.
pub(super) fn neighbours(patient: Patient<'_>, answers: &Answers) -> Vec<Finding> {
    let unknown = answers.unknown.answer.as_ref().ok();
    let told = |(name, exchange): &(String, Exchange)| {
        let (status, found) = match &exchange.answer {
            Ok(response) => is_there(patient, name, (response, unknown), exchange, &answers.hidden),
            Err(fault) => (Status::Unknown, answers.hidden.fault(fault)),
        };
        Finding::new(Topic::Neighbours, status, format!("{name}: {found}"))
    };
    let mut findings: Vec<Finding> = answers.neighbours.iter().map(told).collect();
    if let Some(not_tried) = &patient.contract.service.not_tried {
        let found = format!("{}: not tried, since they could create something", not_tried.is.join(", "));
        findings.push(Finding::new(Topic::Neighbours, Status::Unknown, found));
    }
    findings
}

/// Whether an operation is there: it answers with a success in JSON or with one of the service's own
/// errors, and not with what the target answers to an operation that nobody has.
fn is_there(
    patient: Patient<'_>,
    name: &str,
    (response, unknown): (&Response, Option<&Response>),
    exchange: &Exchange,
    hidden: &Masker,
) -> (Status, String) {
    let service = &patient.contract.service;
    let operation = patient.contract.operation(name).unwrap_or(patient.operation);
    let probe = probe::classify(exchange, Asked { service, operation, named: false }, hidden);
    let said = heard(&probe.heard);
    let meaning = error_type(response).and_then(|error| service.meaning_of(&error));
    let own = matches!(meaning, Some(ErrorMeaning::NotFound | ErrorMeaning::Invalid));
    let object = response.json().as_ref().is_some_and(Value::is_object);
    let words = match probe.class {
        Class::RefusedCredentials => "refused",
        Class::UnknownOperation | Class::UnknownService | Class::DeclaredNotImplemented => "it is not there",
        _ if unknown.is_some_and(|unknown| alike(response, unknown)) => {
            "no telling, since an operation that nobody has is answered alike"
        }
        _ if is_success(response) && object => return (Status::Ok, "it is there".to_owned()),
        _ if own && unknown.is_some() => return (Status::Ok, "it is there".to_owned()),
        Class::Answers
        | Class::OwnJson
        | Class::NotAws
        | Class::WrongService
        | Class::Redirect
        | Class::ServerFault
        | Class::NoResource
        | Class::Unreachable => "no telling by the answer",
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
