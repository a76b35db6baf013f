//! Rules for successful answers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Finding, Observation, Subject, guess};
use crate::contract::{Breach, JsonKind, Kind, Member, Structure};
use crate::verdict::{Body, Fault, Likeness};

/// The schema of a response, where the answer is a success that the case accepts.
pub(super) fn accepted_schema<'a>(seen: &Observation<'a>) -> Option<&'a str> {
    if !seen.is_success() {
        return None;
    }
    seen.call.expect.answers().iter().find(|answer| answer.is_success())?.schema.as_deref()
}

/// A success has the documented status.
pub(super) fn status(seen: &Observation<'_>) -> Vec<Finding> {
    if accepted_schema(seen).is_none() {
        return Vec::new();
    }
    let (expected, found) = (seen.operation.status.is, seen.status());
    Finding::one(Subject::default(), found == expected, || Fault::Status { expected, found, error: None })
}

/// A success has the media type of the protocol; parameters do not matter.
pub(super) fn media_type(seen: &Observation<'_>) -> Vec<Finding> {
    if accepted_schema(seen).is_none() {
        return Vec::new();
    }
    check_media_type(seen)
}

/// The media type of an answer is the protocol's.
pub(super) fn check_media_type(seen: &Observation<'_>) -> Vec<Finding> {
    let found = seen.response.media_type();
    let expected = &seen.contract.service.content_type.is;
    Finding::one(Subject::default(), found.as_ref() == Some(expected), || Fault::MediaType {
        expected: expected.clone(),
        found: found.map(|found| seen.quote(&found)),
    })
}

/// The body of a success is valid against the schema of the response.
pub(super) fn schema(seen: &Observation<'_>) -> Vec<Finding> {
    let Some(schema) = accepted_schema(seen) else { return Vec::new() };
    let Some(body) = seen.body.as_ref().filter(|body| body.is_object()) else {
        return vec![Finding::broken(Subject::at(""), Fault::NoObject { found: what_instead_of_an_object(seen) })];
    };
    // In the protocol a null member is an absent one.
    let body = &without_nulls(body);
    let breaches = seen.contract.validators.breaches(schema, body);
    let mut findings = vec![Finding::holds(Subject::at(""))];
    let held = Held { shapes: &seen.contract.service.shapes, breaches: &breaches };
    let mut places = BTreeSet::new();
    held.structure(&seen.operation.response, body, "", &mut places);
    findings.extend(
        places
            .into_iter()
            .map(|(at, keyword)| Finding::holds(Subject { keyword: Some(keyword.into()), ..Subject::at(at) })),
    );
    findings.extend(breaches.into_iter().map(|breach| {
        let looks_like = guess::of_member(seen, &breach);
        broken(breach, looks_like)
    }));
    findings
}

/// What a body keeps of its schema: the places of the documented members that are there, with the keywords that hold.
struct Held<'a> {
    shapes: &'a BTreeMap<String, Structure>,
    breaches: &'a [Breach],
}

impl Held<'_> {
    fn structure(&self, shape: &Structure, body: &Value, at: &str, places: &mut BTreeSet<(String, &'static str)>) {
        // A member that is not there has no type that could hold.
        for (name, member) in &shape.members {
            if let Some(value) = body.get(name) {
                self.value(member, value, &format!("{at}/{name}"), places);
            }
        }
    }

    fn value(&self, member: &Member, value: &Value, at: &str, places: &mut BTreeSet<(String, &'static str)>) {
        let place = general(at);
        for keyword in ["required", "type"] {
            let is_broken = |breach: &Breach| breach.keyword == keyword && general(&breach.at) == place;
            if !self.breaches.iter().any(is_broken) {
                places.insert((place.clone(), keyword));
            }
        }
        if let Some(shape) = member.shape.as_ref().and_then(|name| self.shapes.get(name)) {
            self.structure(shape, value, at, places);
        }
        let items = member.items.as_deref().zip(value.as_array());
        for (index, (items, item)) in
            items.into_iter().flat_map(|(of, all)| all.iter().map(move |item| (of, item))).enumerate()
        {
            self.value(items, item, &format!("{at}/{index}"), places);
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
pub(super) fn broken(breach: Breach, looks_like: Option<Likeness>) -> Finding {
    let Breach { at, keyword, expected, actual: found } = breach;
    let subject = Subject { keyword: Some(keyword.into()), ..Subject::at(general(&at)) };
    Finding::broken(subject, Fault::Member { at, expected, found, looks_like })
}

/// A JSON pointer without the numbers of items.
fn general(pointer: &str) -> String {
    let parts = pointer.split('/').filter(|part| part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()));
    parts.collect::<Vec<_>>().join("/")
}

fn what_instead_of_an_object(seen: &Observation<'_>) -> Body {
    match &seen.body {
        None if seen.response.body.is_empty() => Body::Empty,
        None => Body::NotJson { bytes: seen.response.body.len(), looks_like: guess::of_body(&seen.response.body) },
        Some(body) => Body::Json(JsonKind::of(body)),
    }
}

/// Texts that are always there are not empty.
pub(super) fn text(seen: &Observation<'_>) -> Vec<Finding> {
    let (Some(_), Some(body)) = (accepted_schema(seen), &seen.body) else { return Vec::new() };
    let texts = seen.operation.response.members.iter();
    texts
        .filter(|(_, member)| member.kind.is == Kind::String && member.is_required())
        .filter_map(|(name, _)| Some((format!("/{name}"), body.get(name)?.as_str()?)))
        .flat_map(|(at, text)| Finding::one(Subject::at(at.clone()), !text.is_empty(), || Fault::Empty { at }))
        .collect()
}

/// What the request names is what the answer describes: where the answer has the name of a resource that the request
/// has, it is the same.
pub(super) fn echo(seen: &Observation<'_>) -> Vec<Finding> {
    let (Some(_), Some(body)) = (accepted_schema(seen), &seen.body) else { return Vec::new() };
    let shapes = &seen.contract.service.shapes;
    let described = seen.operation.response.members.iter().filter_map(|(name, member)| {
        let shape = shapes.get(member.shape.as_ref()?)?;
        let asked = seen.contract.service.resources.iter().find(|resource| {
            shape.members.contains_key(&resource.member)
                && seen.operation.request.members.contains_key(&resource.member)
        })?;
        Some((name, &asked.member, seen.asked(&asked.member)?.as_str()?.to_owned()))
    });
    described
        .filter_map(|(name, member, expected)| {
            let at = format!("/{name}/{member}");
            let found = body.get(name)?.get(member)?.as_str()?;
            let holds = found == expected;
            Some(Finding::one(Subject::at(at.clone()), holds, || Fault::Unlike {
                at,
                expected: seen.quote(&expected),
                found: seen.quote(found),
            }))
        })
        .flatten()
        .collect()
}
