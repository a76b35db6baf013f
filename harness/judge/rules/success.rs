//! Rules for successful answers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Finding, Findings, Observation, Subject, guess};
use crate::contract::{JsonKind, Member, MemberKind, SchemaBreach, Structure};
use crate::verdict::{Fault, ValueLikeness, WrongBody};

/// The schema of the response; `None` if the answer is not a success that the case accepts.
pub(super) fn accepted_schema<'a>(observation: &Observation<'a>) -> Option<&'a str> {
    observation.is_success().then_some(())?;
    observation.call.expect.answers().iter().find(|answer| answer.is_success())?.schema.as_deref()
}

/// A success has the documented status.
pub(super) fn status(observation: &Observation<'_>) -> Findings {
    accepted_schema(observation)?;
    let (expected, found) = (observation.operation.status.is, observation.status());
    Finding::one(Subject::default(), found == expected, || Fault::Status { expected, found, error: None })
}

/// A success has the media type of the protocol; parameters do not matter.
pub(super) fn media_type(observation: &Observation<'_>) -> Findings {
    accepted_schema(observation)?;
    check_media_type(observation)
}

/// The media type of an answer is the protocol's.
pub(super) fn check_media_type(observation: &Observation<'_>) -> Findings {
    let found = observation.response.media_type();
    let expected = &observation.contract.service.content_type.is;
    Finding::one(Subject::default(), found.as_ref() == Some(expected), || Fault::MediaType {
        expected: expected.clone(),
        found: found.map(|found| observation.quote(&found)),
    })
}

/// The body of a success is valid against the schema of the response.
pub(super) fn schema(observation: &Observation<'_>) -> Findings {
    let schema = accepted_schema(observation)?;
    let Some(body) = observation.body.as_ref().filter(|body| body.is_object()) else {
        return Finding::one(Subject::at(""), false, || Fault::NoObject {
            found: what_instead_of_an_object(observation),
        });
    };
    // In the protocol a null member is an absent one.
    let body = &without_nulls(body);
    let breaches = observation.contract.validators().breaches(schema, body);
    let mut findings = vec![Finding::holds(Subject::at(""))];
    let held = MatchedSchema { shapes: &observation.contract.service.shapes, breaches: &breaches };
    let mut places = BTreeSet::new();
    held.structure(&observation.operation.response, body, "", &mut places);
    let subject = |(at, keyword): (String, &'static str)| Subject { keyword: Some(keyword.into()), ..Subject::at(at) };
    findings.extend(places.into_iter().map(subject).map(Finding::holds));
    findings.extend(breaches.into_iter().map(|breach| {
        let looks_like = guess::of_member(observation, &breach);
        breach_finding(breach, looks_like)
    }));
    Some(findings)
}

/// Finds the parts of a schema that a body matches: the places of the documented members that are present, with the
/// keywords that hold.
struct MatchedSchema<'a> {
    shapes: &'a BTreeMap<String, Structure>,
    breaches: &'a [SchemaBreach],
}

impl MatchedSchema<'_> {
    fn structure(&self, shape: &Structure, body: &Value, at: &str, places: &mut BTreeSet<(String, &'static str)>) {
        // An absent member has no type that could hold.
        for (name, member) in &shape.members {
            if let Some(value) = body.get(name) {
                self.value(member, value, &format!("{at}/{name}"), places);
            }
        }
    }

    fn value(&self, member: &Member, value: &Value, at: &str, places: &mut BTreeSet<(String, &'static str)>) {
        let place = general(at);
        for keyword in ["required", "type"] {
            let is_broken = |breach: &SchemaBreach| breach.keyword == keyword && general(&breach.at) == place;
            if !self.breaches.iter().any(is_broken) {
                places.insert((place.clone(), keyword));
            }
        }
        if let Some(shape) = member.shape.as_ref().and_then(|name| self.shapes.get(name)) {
            self.structure(shape, value, at, places);
        }
        if let (Some(of), Some(items)) = (&member.items, value.as_array()) {
            for (index, item) in items.iter().enumerate() {
                self.value(of, item, &format!("{at}/{index}"), places);
            }
        }
    }
}

/// A body without its members that are null.
pub(super) fn without_nulls(body: &Value) -> Value {
    let mut body = body.clone();
    drop_nulls(&mut body);
    body
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A breach of a schema as a finding, with a guess at its cause.
pub(super) fn breach_finding(breach: SchemaBreach, looks_like: Option<ValueLikeness>) -> Finding {
    let SchemaBreach { at, keyword, expected, actual: found } = breach;
    let subject = Subject { keyword: Some(keyword.into()), ..Subject::at(general(&at)) };
    Finding::new(subject, false, || Fault::Member { at, expected, found, looks_like })
}

/// A JSON pointer without the indexes of list items.
fn general(pointer: &str) -> String {
    let parts = pointer.split('/').filter(|part| part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()));
    parts.collect::<Vec<_>>().join("/")
}

fn what_instead_of_an_object(observation: &Observation<'_>) -> WrongBody {
    match &observation.body {
        None if observation.response.body.is_empty() => WrongBody::Empty,
        None => WrongBody::NotJson {
            bytes: observation.response.body.len(),
            looks_like: guess::of_body(&observation.response.body),
        },
        Some(body) => WrongBody::Json(JsonKind::of(body)),
    }
}

/// Required strings are not empty.
pub(super) fn text(observation: &Observation<'_>) -> Findings {
    let (_, body) = accepted_schema(observation).zip(observation.body.as_ref())?;
    let members = observation.operation.response.members.iter();
    let texts = members.filter(|(_, member)| member.kind.is == MemberKind::String && member.is_required());
    let texts = texts.filter_map(|(name, _)| Some((format!("/{name}"), body.get(name)?.as_str()?)));
    let found =
        |(at, text): (String, &str)| Finding::new(Subject::at(at.clone()), !text.is_empty(), || Fault::Empty { at });
    Some(texts.map(found).collect())
}

/// The answer describes the resource that the request names: if both have the name of a resource, the two names are
/// equal.
pub(super) fn echo(observation: &Observation<'_>) -> Findings {
    let (_, body) = accepted_schema(observation).zip(observation.body.as_ref())?;
    let service = &observation.contract.service;
    let found = observation.operation.response.members.iter().filter_map(|(name, member)| {
        let shape = service.shapes.get(member.shape.as_ref()?)?;
        let mut resources = service.resources.iter().map(|resource| &resource.member);
        let is_in_both = |member: &&String| {
            shape.members.contains_key(*member) && observation.operation.request.members.contains_key(*member)
        };
        let member = resources.find(is_in_both)?;
        let (requested, at) = (observation.requested_value(member)?, format!("/{name}/{member}"));
        let (expected, found) = (requested.as_str()?, body.get(name)?.get(member)?.as_str()?);
        let subject = Subject::at(at.clone());
        let unlike = || Fault::Unlike { at, expected: observation.quote(expected), found: observation.quote(found) };
        Some(Finding::new(subject, found == expected, unlike))
    });
    Some(found.collect())
}
