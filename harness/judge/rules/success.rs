//! Rules for successful answers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::{Finding, Findings, Observation, Subject, guess};
use crate::contract::{Constraint, JsonKind, Member, MemberKind, SchemaBreach, Structure};
use crate::verdict::{Fault, Markup, ValueLikeness, WrongBody};

/// The first and the last second of a time in epoch seconds that every SDK can give its caller and that is one.
/// Source: the boto3 page documents a `datetime`, which ends with the year 9999. A time before 2000 was never set, or is
/// no point in time: the service is from 2021.
pub(super) const TIMES: (i64, i64) = (946_684_800, 253_402_300_799);

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

/// The media type of an answer is the protocol's. It may be written several times, as behind a proxy that joins header
/// fields; another rule finds that.
pub(super) fn check_media_type(observation: &Observation<'_>) -> Findings {
    let found = observation.response.media_type();
    let expected = &observation.contract.service.content_type.is;
    let is_right = |types: &String| types.split(',').all(|part| part.trim() == expected);
    Finding::one(Subject::default(), found.as_ref().is_some_and(is_right), || Fault::MediaType {
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
    let (response, shapes) = (&observation.operation.response, &observation.contract.service.shapes);
    let mut breaches = observation.contract.validators().breaches(schema, body);
    let mut places = BTreeSet::new();
    Members { shapes }.visit(response, body, "", &mut |member, value, at| {
        breaches.extend(of_time(member, value, at));
        places.insert(general(at));
    });
    let broken: Vec<_> = breaches.iter().map(|breach| (general(&breach.at), breach.keyword.clone())).collect();
    let is_broken = |place: &str, keyword: &str| broken.iter().any(|(at, broken)| at == place && broken == keyword);
    // JSON has no byte order mark, and an SDK that reads it strictly cannot give its caller the answer.
    let marked = observation.response.has_byte_order_mark();
    let mut findings = vec![Finding::new(Subject::at(""), !marked, || Fault::NoObject {
        found: not_json(observation, Some(Markup::ByteOrderMark)),
    })];
    for place in places {
        for keyword in ["required", "type"].into_iter().filter(|keyword| !is_broken(&place, keyword)) {
            findings.push(Finding::holds(Subject { keyword: Some(keyword.into()), ..Subject::at(place.clone()) }));
        }
    }
    findings.extend(breaches.into_iter().map(|breach| {
        let looks_like = guess::of_member(observation, &breach);
        breach_finding(breach, looks_like)
    }));
    Some(findings)
}

/// The documented members of a body that are present, those inside others too.
#[derive(Clone, Copy)]
struct Members<'a> {
    shapes: &'a BTreeMap<String, Structure>,
}

impl Members<'_> {
    /// Shows each member with its value and its JSON pointer. An absent member has no value to show.
    fn visit(self, shape: &Structure, body: &Value, at: &str, show: &mut impl FnMut(&Member, &Value, &str)) {
        for (name, member) in &shape.members {
            if let Some(value) = body.get(name) {
                self.visit_value(member, value, &format!("{at}/{name}"), show);
            }
        }
    }

    fn visit_value(self, member: &Member, value: &Value, at: &str, show: &mut impl FnMut(&Member, &Value, &str)) {
        show(member, value, at);
        if let Some(shape) = member.shape.as_ref().and_then(|name| self.shapes.get(name)) {
            self.visit(shape, value, at, show);
        }
        if let (Some(of), Some(items)) = (&member.items, value.as_array()) {
            for (index, item) in items.iter().enumerate() {
                self.visit_value(of, item, &format!("{at}/{index}"), show);
            }
        }
    }
}

/// A time outside of [`TIMES`], as a value that is not of its type.
fn of_time(member: &Member, value: &Value, at: &str) -> Option<SchemaBreach> {
    /// The year 1, with which a `datetime` begins. Nothing says more of a time that is a text.
    const YEAR_ONE: i64 = -62_135_596_800;
    if member.kind.is != MemberKind::Timestamp {
        return None;
    }
    let (mut first, last) = TIMES;
    let is_inside = match value {
        // The last second has fractions too.
        Value::Number(number) => number.as_f64().is_some_and(|at| (seconds(first)..seconds(last + 1)).contains(&at)),
        Value::String(text) => {
            first = YEAR_ONE;
            // A text that is no time breaks the format that the schema asks for.
            text.parse::<Timestamp>().map_or(true, |at| at.as_second() >= first)
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => true,
    };
    (!is_inside).then(|| SchemaBreach {
        at: at.to_owned(),
        keyword: "type".to_owned(),
        expected: Constraint::Time { first, last },
        actual: JsonKind::of(value),
    })
}

#[expect(clippy::cast_precision_loss, reason = "these times are far below what a float holds exactly")]
fn seconds(whole: i64) -> f64 {
    whole as f64
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
        None => not_json(observation, guess::of_body(observation.response)),
        Some(body) => WrongBody::Json(JsonKind::of(body)),
    }
}

fn not_json(observation: &Observation<'_>, looks_like: Option<Markup>) -> WrongBody {
    WrongBody::NotJson { bytes: observation.response.body.len(), looks_like }
}

/// Required strings have a character that can be seen, so that a user can type them.
pub(super) fn text(observation: &Observation<'_>) -> Findings {
    let (_, body) = accepted_schema(observation).zip(observation.body.as_ref())?;
    let members = observation.operation.response.members.iter();
    let texts = members.filter(|(_, member)| member.kind.is == MemberKind::String && member.is_required());
    let texts = texts.filter_map(|(name, _)| Some((format!("/{name}"), body.get(name)?.as_str()?)));
    let found = |(at, text): (String, &str)| {
        let is_unseen = |character: char| character.is_whitespace() || character.is_control();
        let blanks = text.chars().count();
        Finding::new(Subject::at(at.clone()), !text.chars().all(is_unseen), || Fault::Empty { at, blanks })
    };
    Some(texts.map(found).collect())
}

/// The answer describes the resource that the request names: if both have the name of a resource, the two names are
/// equal.
pub(super) fn echo(observation: &Observation<'_>) -> Findings {
    let (_, body) = accepted_schema(observation).zip(observation.body.as_ref())?;
    let service = &observation.contract.service;
    let found = observation.operation.response.members.iter().filter_map(|(name, member)| {
        let shape = service.shapes.get(member.shape.as_ref()?)?;
        let mut resources = service.usable_resources().map(|resource| &resource.member);
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
