//! What the target has: the resources that are named, and operations other than the one that is tested.

use std::collections::BTreeSet;

use super::ask::ComparedCall;
use super::findings::{ProbedTarget, is_success};
use super::{Diagnosis, Topic};
use crate::contract::{ErrorMeaning, Feature, Resource};
use crate::report::answer_text;
use crate::targets::probe::{self, ProbedOperation};
use crate::verdict::TargetClass;
use crate::wire::{Exchange, Response, error_type, quote};

/// The most names of a resource that are shown.
const NAMES_LIMIT: usize = 5;

impl ProbedTarget<'_> {
    /// Whether the target has the resource that a plain call names.
    pub(super) fn named_resource(&self) -> Option<Diagnosis> {
        let resource = self.examined.resource()?;
        let topic = Topic::Resource(resource.id.clone());
        let flag = &resource.flag;
        let names = self.listed_names(resource).unwrap_or_default();
        let has = if names.is_empty() { String::new() } else { format!(" (it has {})", names.join(", ")) };
        let Some(name) = self.examined.name_of(resource).map(quote) else {
            let finding = Diagnosis::problem(topic, "none is named, so the cases that need one are blocked");
            return Some(finding.fix(format!("name one that the server has: --{flag} NAME{has}")));
        };
        let status = self.examined.operation.status.is;
        let answered = self.answers.probe.answer.as_ref().is_ok_and(|response| response.status == status);
        Some(if self.probe.class == TargetClass::NoResource {
            let found = format!("the target does not have {name}: {}", answer_text(&self.probe.answer));
            Diagnosis::problem(topic, found).fix(format!("create it there, or name one that it has with --{flag}{has}"))
        } else if self.probe.class == TargetClass::Answers && answered {
            Diagnosis::ok(topic, format!("{name} is known"))
        } else {
            Diagnosis::unknown(topic, format!("whether {name} is known cannot be told"))
        })
    }

    /// The names of a resource that the target lists; `None` if it gives no list.
    fn listed_names(&self, resource: &Resource) -> Option<Vec<String>> {
        let listing = resource.listed_by.as_ref()?;
        let (_, call) = self.answers.neighbours.iter().find(|(operation, _)| *operation == listing.operation)?;
        let body = call.own.answer.as_ref().ok().filter(|response| is_success(response))?.json()?;
        let rows = body.pointer(&listing.at)?.as_array()?.iter();
        let names = rows.filter_map(|row| row.get(&listing.member)?.as_str());
        Some(names.take(NAMES_LIMIT).map(|name| self.answers.hidden.quote(name)).collect())
    }

    /// For each further resource that is named or claimed, whether a call that names it alone is answered.
    pub(super) fn further_resources(&self) -> impl Iterator<Item = Diagnosis> {
        let resources = self.examined.contract.service.resources.iter();
        resources.filter(|of| of.of.is_some() && of.default.is_none()).filter_map(|of| self.further_resource(of))
    }

    fn further_resource(&self, resource: &Resource) -> Option<Diagnosis> {
        let Resource { id, noun, flag, feature, .. } = resource;
        let topic = Topic::Resource(id.clone());
        let of = self.examined.contract.service.resource(resource.of.as_deref()?)?.noun.as_str();
        let Some(name) = self.examined.name_of(resource).map(quote) else {
            return self.unnamed(resource, &format!("one of the {of}"));
        };
        let (_, exchange) = self.answers.by_resource.iter().find(|(resource_asked, _)| resource_asked == id)?;
        let probe = probe::classify(exchange, self.examined.probed(false), &self.answers.hidden);
        let answer = answer_text(&probe.answer);
        let why = match &exchange.answer {
            Ok(response) if probe.class != TargetClass::Unreachable => {
                if is_success(response) && self.has_what_is_promised(response) {
                    return Some(Diagnosis::ok(topic, format!("{name} is answered with credentials")));
                } else if is_success(response) {
                    format!("the answer holds no credentials: {answer}")
                } else if !self.is_accepted() {
                    // As for every other finding, the plain call must be accepted first.
                    format!("the call by {of} is not accepted either")
                } else if self.answers.unknown.as_ref().is_some_and(|unknown| is_like(response, unknown)) {
                    format!("an operation that nobody has is answered alike: {answer}")
                } else if probe.class == TargetClass::Answers && self.meaning(response) == Some(ErrorMeaning::NotFound)
                {
                    let fix = format!("give it to the {of} there, or name one that it has with --{flag}");
                    return Some(
                        Diagnosis::problem(topic, format!("the target does not have {name}: {answer}")).fix(fix),
                    );
                } else {
                    let feature = feature.as_deref().unwrap_or(noun);
                    let found = format!("a call by {name} alone is not answered with credentials: {answer}");
                    return Some(Diagnosis::problem(topic, found).fix(format!(
                        "see the server's own log, or leave out --{flag}; while it is so, the cases of {feature} fail"
                    )));
                }
            }
            _ => format!("asking for it gave no usable answer: {answer}"),
        };
        Some(Diagnosis::unknown(topic, format!("whether {name} is known cannot be told, because {why}")))
    }

    /// The finding about a resource that nobody names although its feature is claimed. `one` says what to name.
    fn unnamed(&self, resource: &Resource, one: &str) -> Option<Diagnosis> {
        let Resource { id, flag, feature, .. } = resource;
        let feature = feature.as_deref()?;
        let claimed = feature.parse().is_ok_and(|feature: Feature| self.examined.target.features.contains(&feature));
        let found = "none is named though the feature is claimed, so its cases are blocked";
        let fix = format!("name {one}: --{flag} NAME, or leave {feature} out of --claim");
        claimed.then(|| Diagnosis::problem(Topic::Resource(id.clone()), found).fix(fix))
    }

    /// For each resource that the caller is denied, if it is named or claimed: whether the target refuses it.
    pub(super) fn denied_resources(&self) -> impl Iterator<Item = Diagnosis> {
        let service = &self.examined.contract.service;
        let denied = service.resources.iter().filter(|of| self.examined.is_denied(of));
        denied.filter_map(|of| self.denied_resource(of, service.resource(of.denied_beside.as_deref()?)?))
    }

    fn denied_resource(&self, denied: &Resource, allowed: &Resource) -> Option<Diagnosis> {
        let Resource { id, flag, .. } = denied;
        let (topic, noun) = (Topic::Resource(id.clone()), &allowed.noun);
        let Some(name) = self.examined.name_of(denied).map(quote) else {
            return self.unnamed(denied, &format!("a {noun} that the caller is denied"));
        };
        let (_, exchange) = self.answers.by_resource.iter().find(|(resource_asked, _)| resource_asked == id)?;
        let probe = probe::classify(exchange, self.examined.probed(false), &self.answers.hidden);
        let answer = answer_text(&probe.answer);
        let why = match &exchange.answer {
            Ok(_) if !self.is_accepted() => format!("the call by another {noun} is not accepted either"),
            Ok(response) if response.is_denial() => {
                return Some(Diagnosis::ok(topic, format!("{name} is denied, as it should be")));
            }
            Ok(response) if is_success(response) => {
                let found = format!("the caller is not denied {name}: {answer}");
                let fix = format!(
                    "deny it in the caller's policy, by the ARN of the {noun}; if the policy does, the server ignores it"
                );
                return Some(Diagnosis::problem(topic, found).fix(fix));
            }
            Ok(response) if self.meaning(response) == Some(ErrorMeaning::NotFound) => {
                let found = format!("the target finds no {noun} {name}, or hides it: {answer}");
                let fix = format!("correct --{flag}, or leave it out: while it is so, its cases are indeterminate");
                return Some(Diagnosis::problem(topic, found).fix(fix));
            }
            _ => format!("asking for it gave no usable answer: {answer}"),
        };
        Some(Diagnosis::unknown(topic, format!("whether {name} is denied cannot be told, because {why}")))
    }

    fn has_what_is_promised(&self, response: &Response) -> bool {
        let body = response.json();
        self.examined.operation.secrets().all(|name| body.as_ref().is_some_and(|body| body.get(name).is_some()))
    }

    /// The findings about operations that a run does not need; they tell what kind of server this is. Operations with
    /// the same answer share a finding.
    pub(super) fn neighbours(&self) -> impl Iterator<Item = Diagnosis> {
        let mut groups: Vec<(Neighbour, String, Vec<&str>)> = Vec::new();
        for (name, call) in &self.answers.neighbours {
            let (neighbour, answer) = self.neighbour(name, call);
            match groups.iter_mut().find(|(other, words, _)| (*other, words) == (neighbour, &answer)) {
                Some((.., names)) => names.push(name),
                None => groups.push((neighbour, answer, vec![name])),
            }
        }
        let operations = self.examined.contract.operations.values();
        let not_tried: Vec<_> = operations.filter(|of| !of.changes_nothing.is).map(|of| of.name.is.as_str()).collect();
        let not_tried = (!not_tried.is_empty()).then(|| {
            let found = format!("{}: not tried, since they could change something", not_tried.join(", "));
            Diagnosis::unknown(Topic::Neighbours, found)
        });
        groups.into_iter().map(|(neighbour, answer, names)| neighbour.finding(&answer, &names)).chain(not_tried)
    }

    /// Whether the target has an operation, and what it answered. It has the operation if the answer is a success with
    /// a member of the operation or one of the service's own errors, and the same request for an operation that no
    /// server has is not answered alike.
    fn neighbour(&self, name: &str, call: &ComparedCall) -> (Neighbour, String) {
        let response = match &call.own.answer {
            Ok(response) => response,
            Err(fault) => return (Neighbour::Untold, self.answers.hidden.fault(fault)),
        };
        let service = &self.examined.contract.service;
        let operation = self.examined.contract.operation(name).unwrap_or(self.examined.operation);
        let probe =
            probe::classify(&call.own, ProbedOperation { service, operation, named: false }, &self.answers.hidden);
        let is_compared = call.unknown.answer.is_ok();
        let is_own = if is_success(response) {
            probe::has_own_member(response, operation)
        } else {
            matches!(self.meaning(response), Some(ErrorMeaning::NotFound | ErrorMeaning::Invalid))
        };
        let neighbour = match probe.class {
            TargetClass::RefusedCredentials => Neighbour::Refused,
            TargetClass::UnknownOperation | TargetClass::UnknownService | TargetClass::DeclaredNotImplemented => {
                Neighbour::Absent
            }
            _ if is_like(response, &call.unknown) => Neighbour::LikeUnknown,
            _ if is_own && is_compared => return (Neighbour::There, String::new()),
            TargetClass::Answers
            | TargetClass::AnswersAllAlike
            | TargetClass::OwnJson
            | TargetClass::NotAws
            | TargetClass::WrongService
            | TargetClass::Redirect
            | TargetClass::ServerFault
            | TargetClass::NoResource
            | TargetClass::Unreachable => Neighbour::Untold,
        };
        (neighbour, answer_text(&probe.answer))
    }
}

/// Whether the answer to an operation that no server has is like this one. The comparison leaves out what depends on
/// names: it covers status, error type, and the members of a success. It is coarser than that of a run, since nothing
/// is held against a target for its neighbours.
fn is_like(response: &Response, unknown: &Exchange) -> bool {
    let members = |response: &Response| -> Option<BTreeSet<String>> {
        Some(response.json()?.as_object()?.keys().cloned().collect())
    };
    unknown.answer.as_ref().is_ok_and(|unknown| {
        response.status == unknown.status
            && error_type(response) == error_type(unknown)
            && (!is_success(response) || members(response) == members(unknown))
    })
}

/// Whether the target has an operation other than the one that is tested.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Neighbour {
    There,
    Absent,
    Refused,
    /// An operation that no server has gets the same answer.
    LikeUnknown,
    Untold,
}

impl Neighbour {
    /// The finding about these operations, which got the same answer.
    fn finding(self, answer: &str, names: &[&str]) -> Diagnosis {
        let (topic, are) = (Topic::Neighbours, if names.len() == 1 { "is" } else { "are" });
        let alike = if names.len() == 1 { "" } else { "; answered alike" };
        let names = names.join(", ");
        match self {
            Self::There => Diagnosis::ok(topic, format!("{names} {are} there")),
            Self::Absent => Diagnosis::ok(topic, format!("{names} {are} not there ({answer}{alike})")),
            Self::Refused => Diagnosis::unknown(topic, format!("{names}: refused ({answer}{alike})")),
            Self::LikeUnknown => {
                let them = if alike.is_empty() { "it" } else { "them" };
                let words = format!("the target answers {them} as it answers any operation");
                Diagnosis::unknown(topic, format!("{names}: {words} ({answer})"))
            }
            Self::Untold => Diagnosis::unknown(topic, format!("{names}: no telling by the answer ({answer}{alike})")),
        }
    }
}
