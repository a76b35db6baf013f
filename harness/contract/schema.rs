//! JSON Schemas (draft 2020-12): those of the operation's bodies, generated from the shapes, and those of our own
//! file formats, generated from the Rust types that read them.
//!
//! What the documents state in a formal line (type, length, pattern, required) becomes a keyword that validates.
//! What they state in running text only becomes a sentence under `x-prose`, and validates nothing: whether AWS
//! enforces it is open. Each member carries `x-evidence` (what each keyword rests on), `x-source` (where that
//! stands) and `x-differences` (the ids, in the shapes, of the points on which the sources differ).

mod files;

pub use files::{Schemas, differences, format_schema, render, write};

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::Evidence;
use super::shapes::{ErrorShape, Fact, JsonType, Kind, Member, Prose, Shapes, Source, Structure};

/// The dialect of every schema here.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The name of a schema's file: `GetCredentialsRequest.schema.json`.
pub fn file_name(schema: &str) -> String {
    format!("{schema}.schema.json")
}

/// The `$id` of a schema. A URN, so that nothing can be tempted to fetch it.
pub fn id(schema: &str) -> String {
    format!("urn:countersign:schema:{schema}")
}

/// The schemas of the operation's request, response and listed errors, by file name.
///
/// Lengths count Unicode scalar values. Members that the documents do not name are allowed, since the documents do
/// not forbid them. A null member does not match, though the protocol counts it as absent in a request: leave
/// such members out before validating one.
pub fn generate(shapes: &Shapes) -> Schemas {
    let mut schemas = Schemas::new();
    for (at, structure) in [("/request", &shapes.request), ("/response", &shapes.response)] {
        schemas.insert(file_name(&structure.name), of_structure(at, structure, shapes));
    }
    for (name, error) in &shapes.errors {
        schemas.insert(file_name(name), of_error(name, error, shapes));
    }
    schemas
}

/// The schemas that this module knows: [`generate`]'s, and the format of the shapes file itself.
pub fn of_contract(shapes: &Shapes) -> Schemas {
    let mut schemas = generate(shapes);
    schemas.extend([format_schema::<Shapes>("shapes.schema.json", "Documented shapes")]);
    schemas
}

fn of_structure(at: &str, structure: &Structure, shapes: &Shapes) -> Value {
    let mut schema = object(&structure.name, &structure.meaning, at, &structure.members, shapes);
    insert_prose(&mut schema, &structure.prose);
    Value::Object(schema)
}

fn of_error(name: &str, error: &ErrorShape, shapes: &Shapes) -> Value {
    let mut schema = object(name, &error.meaning, &format!("/errors/{name}"), &error.members, shapes);
    let discriminator = &shapes.service.error_name_member;
    let mut named = Map::new();
    named.insert("description".into(), "The name of the error, possibly with a namespace before it.".into());
    named.insert("type".into(), "string".into());
    annotate(&mut named, &[("type", discriminator.evidence, &discriminator.source)]);
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert(discriminator.is.clone(), Value::Object(named));
    }
    schema.insert("x-status".into(), error.status.is.into());
    Value::Object(schema)
}

/// What all bodies have in common.
fn object(
    name: &str,
    meaning: &Fact<String>,
    at: &str,
    members: &BTreeMap<String, Member>,
    shapes: &Shapes,
) -> Map<String, Value> {
    let properties: Map<String, Value> = members
        .iter()
        .map(|(name, member)| (name.clone(), of_member(member, &format!("{at}/members/{name}"), shapes)))
        .collect();
    let required: Vec<&String> =
        members.iter().filter(|(_, member)| member.required.is).map(|(name, _)| name).collect();
    let mut schema = Map::new();
    schema.insert("$schema".into(), DIALECT.into());
    schema.insert("$id".into(), id(name).into());
    schema.insert("title".into(), name.into());
    schema.insert("description".into(), meaning.is.clone().into());
    schema.insert("type".into(), "object".into());
    schema.insert("properties".into(), Value::Object(properties));
    if !required.is_empty() {
        schema.insert("required".into(), json!(required));
    }
    schema
}

fn of_member(member: &Member, at: &str, shapes: &Shapes) -> Value {
    let Member { meaning, kind, json_type, required, min_length, max_length, pattern, default, sensitive, prose } =
        member;
    let mut keywords = Keywords::default();
    keywords.schema.insert("description".into(), meaning.is.clone().into());
    keywords.state("type", kind, json_name(member));
    if let Some(fact) = json_type {
        keywords.state("type", fact, json_name(member));
    }
    keywords.rests_on.push(("required", required.evidence, &required.source));
    if let Some(fact) = min_length {
        keywords.state("minLength", fact, fact.is);
    }
    if let Some(fact) = max_length {
        keywords.state("maxLength", fact, fact.is);
    }
    if let Some(fact) = pattern {
        keywords.state("pattern", fact, fact.is.as_str());
    }
    if let Some(fact) = default {
        keywords.state("default", fact, fact.is);
    }
    if let Some(fact) = sensitive {
        keywords.state("x-sensitive", fact, fact.is);
    }
    let Keywords { mut schema, rests_on } = keywords;
    annotate(&mut schema, &rests_on);
    insert_prose(&mut schema, prose);
    let inside = format!("{at}/");
    let differences: Vec<&str> = shapes
        .differences
        .iter()
        .filter(|difference| difference.places.keys().any(|place| place.starts_with(&inside)))
        .map(|difference| difference.id.as_str())
        .collect();
    if !differences.is_empty() {
        schema.insert("x-differences".into(), json!(differences));
    }
    Value::Object(schema)
}

/// The keywords of one member, and what each rests on.
#[derive(Default)]
struct Keywords<'a> {
    schema: Map<String, Value>,
    rests_on: Vec<(&'static str, Evidence, &'a Source)>,
}

impl<'a> Keywords<'a> {
    fn state<T>(&mut self, keyword: &'static str, fact: &'a Fact<T>, value: impl Into<Value>) {
        self.schema.insert(keyword.into(), value.into());
        self.rests_on.push((keyword, fact.evidence, &fact.source));
    }
}

/// What JSON calls the type of a member.
fn json_name(member: &Member) -> &'static str {
    match (member.kind.is, member.json_type.as_ref().map(|fact| fact.is)) {
        (Kind::Integer, _) => "integer",
        (Kind::Timestamp, Some(JsonType::Number)) => "number",
        (Kind::String | Kind::Timestamp, _) => "string",
    }
}

/// Adds what each keyword rests on and where that stands. Where two facts make one keyword, the
/// first decides its evidence.
fn annotate(schema: &mut Map<String, Value>, rests_on: &[(&str, Evidence, &Source)]) {
    let mut evidence: BTreeMap<&str, Evidence> = BTreeMap::new();
    let mut places = BTreeSet::new();
    for (keyword, found, source) in rests_on {
        evidence.entry(keyword).or_insert(*found);
        places.extend(source.iter().map(|(document, place)| format!("{document}: {place}")));
    }
    schema.insert("x-evidence".into(), json!(evidence));
    schema.insert("x-source".into(), json!(places));
}

fn insert_prose(schema: &mut Map<String, Value>, prose: &BTreeMap<String, Prose>) {
    if !prose.is_empty() {
        let texts: Vec<&str> = prose.values().map(|prose| prose.text.as_str()).collect();
        schema.insert("x-prose".into(), json!(texts));
    }
}

#[cfg(test)]
mod tests;
