//! Whether the resources that are named are there.

use super::ask::{Answers, Patient};
use super::neighbours::alike;
use super::signature::{Stance, is_success};
use super::{Finding, Status, Topic};
use crate::contract::{ErrorMeaning, Feature, Resource};
use crate::report::heard;
use crate::targets::probe;
use crate::verdict::{Class, Probe};
use crate::wire::{Response, error_type, quote};

/// At most so many names of a resource are told.
const NAMES_LIMIT: usize = 5;

/// Whether the resource that a plain call names is there.
pub(super) fn named(patient: Patient<'_>, answers: &Answers, probe: &Probe) -> Option<Finding> {
    let resource = patient.resource()?;
    let Resource { flag, .. } = resource;
    let topic = || Topic::Resource(resource.id.clone());
    let names = names(resource, answers);
    let has = if names.is_empty() { String::new() } else { format!(" (it has {})", names.join(", ")) };
    let Some(name) = patient.name_of(resource).map(quote) else {
        let finding = Finding::new(topic(), Status::Problem, "none is named, so the cases that need one are blocked");
        return Some(finding.fix(format!("name one that the server has: --{flag} NAME{has}")));
    };
    let answered = answers.probe.answer.as_ref().is_ok_and(|response| response.status == patient.operation.status.is);
    Some(match probe.class {
        Class::NoResource => {
            let found = format!("the target does not have {name}: {}", heard(&probe.heard));
            Finding::new(topic(), Status::Problem, found)
                .fix(format!("create it there, or name one that it has with --{flag}{has}"))
        }
        Class::Answers if answered => Finding::new(topic(), Status::Ok, format!("{name} is known")),
        Class::Answers
        | Class::UnknownOperation
        | Class::UnknownService
        | Class::DeclaredNotImplemented
        | Class::OwnJson
        | Class::NotAws
        | Class::WrongService
        | Class::Redirect
        | Class::ServerFault
        | Class::RefusedCredentials
        | Class::Unreachable => {
            Finding::new(topic(), Status::Unknown, format!("whether {name} is known cannot be told"))
        }
    })
}

/// The names of a resource that the target lists.
fn names(resource: &Resource, answers: &Answers) -> Vec<String> {
    let listed = || {
        let listing = resource.listed_by.as_ref()?;
        let (_, exchange) = answers.neighbours.iter().find(|(operation, _)| *operation == listing.operation)?;
        let body = exchange.answer.as_ref().ok().filter(|response| is_success(response))?.json()?;
        let rows = body.pointer(&listing.at)?.as_array()?.iter();
        let names = rows.filter_map(|row| row.get(&listing.member)?.as_str());
        Some(names.take(NAMES_LIMIT).map(|name| answers.hidden.quote(name)).collect())
    };
    listed().unwrap_or_default()
}

/// Whether each further resource leads to an answer by itself, where it is named or claimed.
pub(super) fn further(patient: Patient<'_>, answers: &Answers) -> Vec<Finding> {
    let resources = patient.contract.service.resources.iter();
    resources.filter(|of| of.of.is_some() && of.default.is_none()).filter_map(|of| one(patient, of, answers)).collect()
}

fn one(patient: Patient<'_>, resource: &Resource, answers: &Answers) -> Option<Finding> {
    let Resource { id, noun, flag, feature, .. } = resource;
    let topic = || Topic::Resource(id.clone());
    let of = patient.contract.service.resource(resource.of.as_deref()?)?.noun.as_str();
    let Some(name) = patient.name_of(resource).map(quote) else {
        let feature = feature.as_deref()?;
        let claimed = feature.parse().is_ok_and(|feature: Feature| patient.target.features.contains(&feature));
        let found = "none is named though the feature is claimed, so its cases are blocked";
        let fix = format!("name one of the {of}: --{flag} NAME, or leave {feature} out of --claim");
        return claimed.then(|| Finding::new(topic(), Status::Problem, found).fix(fix));
    };
    let (_, exchange) = answers.by_resource.iter().find(|(asked, _)| asked == id)?;
    let probe = probe::classify(exchange, patient.asked(false), &answers.hidden);
    let said = heard(&probe.heard);
    let untold = |why: &str| {
        let found = format!("whether {name} is known cannot be told, because {why}");
        Some(Finding::new(topic(), Status::Unknown, found))
    };
    let response = match &exchange.answer {
        Ok(response) if probe.class != Class::Unreachable => response,
        _ => return untold(&format!("asking for it gave no usable answer: {said}")),
    };
    if is_success(response) {
        return if has_what_is_promised(patient, response) {
            Some(Finding::new(topic(), Status::Ok, format!("{name} is answered with credentials")))
        } else {
            untold(&format!("the answer holds no credentials: {said}"))
        };
    }
    // The same grounds as for everything else: the call without it has to come through.
    if !Stance::of(patient, &answers.probe, &answers.hidden).is_accepted() {
        return untold(&format!("the call by {of} is not accepted either"));
    }
    if answers.unknown.answer.as_ref().is_ok_and(|unknown| alike(response, unknown)) {
        return untold(&format!("an operation that nobody has is answered alike: {said}"));
    }
    let meaning = error_type(response).and_then(|error| patient.contract.service.meaning_of(&error));
    let missing = probe.class == Class::Answers && meaning == Some(ErrorMeaning::NotFound);
    Some(if missing {
        Finding::new(topic(), Status::Problem, format!("the target does not have {name}: {said}"))
            .fix(format!("give it to the {of} there, or name one that it has with --{flag}"))
    } else {
        let feature = feature.as_deref().unwrap_or(noun);
        let found = format!("a call by {name} alone is not answered with credentials: {said}");
        Finding::new(topic(), Status::Problem, found).fix(format!(
            "see the server's own log, or leave out --{flag}; while it is so, the cases of {feature} fail"
        ))
    })
}

/// Whether an answer has the secrets that the operation gives.
fn has_what_is_promised(patient: Patient<'_>, response: &Response) -> bool {
    let body = response.json();
    patient.operation.secrets().all(|name| body.as_ref().is_some_and(|body| body.get(name).is_some()))
}
