//! JSON Schemas (draft 2020-12): those of the operations' bodies, generated from the shapes, and those of our own
//! file formats, generated from the Rust types that read them.
//!
//! What the documents state in a formal line (type, length, pattern, required) becomes a keyword that validates.
//! What they state in running text only becomes a sentence under `x-prose`, and validates nothing: whether AWS
//! enforces it is open. Each member carries `x-evidence` (what each keyword rests on), `x-source` (where that
//! stands) and `x-differences` (the ids, in the shapes, of the points on which the sources differ).

mod files;

pub use files::{Schemas, differences, file_name, format_schema, id, render, write};

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::facts::{Difference, Evidence, Fact, PlacesBySource, Prose};
use super::operation::Operation;
use super::service::{ErrorShape, Service};
use super::shapes::{JsonType, Member, MemberKind, Structure};

/// The dialect of every schema here.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schemas of every operation's request and response and of the service's errors, by file name.
///
/// Lengths count Unicode scalar values. Members that the documents do not name are allowed, since the documents do
/// not forbid them. A null member does not match, though the protocol counts it as absent in a request: leave
/// such members out before validating one.
pub fn generate(service: &Service, operations: &BTreeMap<String, Operation>) -> Schemas {
    let schema = |name: &String| Some((file_name(name), of_shape(service, operations, name)?));
    shape_names(service, operations).filter_map(schema).collect()
}

/// The names of the shapes that have a schema: requests, responses and errors.
pub(super) fn shape_names<'a>(
    service: &'a Service,
    operations: &'a BTreeMap<String, Operation>,
) -> impl Iterator<Item = &'a String> {
    let bodies = operations.values().flat_map(|operation| [&operation.request.name, &operation.response.name]);
    bodies.chain(service.errors.keys())
}

/// The schema of one shape; `None` where no operation has a body of this name, and the service no such error.
pub(super) fn of_shape(service: &Service, operations: &BTreeMap<String, Operation>, name: &str) -> Option<Value> {
    let of_body = operations.values().find_map(|operation| {
        let bodies = [("/request", &operation.request), ("/response", &operation.response)];
        let (at, structure) = bodies.into_iter().find(|(_, structure)| structure.name == name)?;
        Some(SchemaWriter { service, differences: &operation.differences }.root(at, structure))
    });
    of_body.or_else(|| {
        let writer = SchemaWriter { service, differences: &service.differences };
        Some(writer.of_error(name, service.errors.get(name)?))
    })
}

/// All schemas of this module: those of [`generate`], and those of the formats of the contract's files.
pub fn of_contract(service: &Service, operations: &BTreeMap<String, Operation>) -> Schemas {
    let mut schemas = generate(service, operations);
    schemas.extend([
        format_schema::<Service>("service.schema.json", "A service"),
        format_schema::<Operation>("operation.schema.json", "An operation of a service"),
    ]);
    schemas
}

/// Writes the schemas of the shapes in one file of the contract.
struct SchemaWriter<'a> {
    service: &'a Service,
    /// The points of this file on which the sources differ.
    differences: &'a [Difference],
}

impl SchemaWriter<'_> {
    /// The schema of a body, with the shapes that it refers to.
    fn root(&self, at: &str, structure: &Structure) -> Value {
        let mut schema = schema_head(&structure.name);
        schema.extend(self.of_structure(at, structure));
        let mut shapes = BTreeSet::new();
        self.shapes_of(structure, &mut shapes);
        if !shapes.is_empty() {
            let shared = Self { service: self.service, differences: &self.service.differences };
            let definition = |name| shared.of_structure(&format!("/shapes/{name}"), &self.service.shapes[name]);
            let definitions = shapes.into_iter().map(|name| (name.to_owned(), definition(name)));
            schema.insert("$defs".into(), definitions.collect());
        }
        Value::Object(schema)
    }

    /// The names of the shapes that a structure refers to, directly or through other shapes.
    fn shapes_of<'s>(&'s self, structure: &'s Structure, found: &mut BTreeSet<&'s str>) {
        for mut member in structure.members.values() {
            while let Some(items) = &member.items {
                member = items;
            }
            if let Some((name, shape)) = member.shape.as_ref().and_then(|name| self.service.shapes.get_key_value(name))
                && found.insert(name)
            {
                self.shapes_of(shape, found);
            }
        }
    }

    fn of_structure(&self, at: &str, structure: &Structure) -> Map<String, Value> {
        let mut schema = self.object(&structure.meaning, at, &structure.members);
        insert_prose(&mut schema, &structure.prose);
        schema
    }

    fn of_error(&self, name: &str, error: &ErrorShape) -> Value {
        let mut schema = schema_head(name);
        schema.extend(self.object(&error.meaning, &format!("/errors/{name}"), &error.members));
        let discriminator = &self.service.error_name_member;
        let description = "The name of the error, possibly with a namespace before it.";
        let mut type_of = object([("description", description.into()), ("type", "string".into())]);
        annotate(&mut type_of, &[("type", discriminator.evidence, &discriminator.source)]);
        if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert(discriminator.is.clone(), Value::Object(type_of));
        }
        schema.insert("x-status".into(), error.status.is.into());
        Value::Object(schema)
    }

    fn object(&self, meaning: &Fact<String>, at: &str, members: &BTreeMap<String, Member>) -> Map<String, Value> {
        let property = |(name, member)| (String::clone(name), self.of_member(member, &format!("{at}/members/{name}")));
        let properties: Value = members.iter().map(property).collect();
        let required: Vec<&String> =
            members.iter().filter(|(_, member)| member.is_required()).map(|(name, _)| name).collect();
        let description = meaning.is.as_str();
        let mut schema =
            object([("description", description.into()), ("type", "object".into()), ("properties", properties)]);
        if !required.is_empty() {
            schema.insert("required".into(), json!(required));
        }
        schema
    }

    fn of_member(&self, member: &Member, at: &str) -> Value {
        let mut keywords = Keywords::default();
        if let Some(meaning) = &member.meaning {
            keywords.schema.insert("description".into(), meaning.is.clone().into());
        }
        keywords.state("type", &member.kind, json_name(member));
        if let Some(fact) = &member.json_type {
            keywords.state("type", fact, json_name(member));
            if fact.is == JsonType::String {
                keywords.state("format", fact, "date-time");
            }
        }
        if let Some(fact) = &member.required {
            keywords.rests_on.push(("required", fact.evidence, &fact.source));
        }
        keywords.state_some("enum", member.values.as_ref());
        let is_list = member.kind.is == MemberKind::List;
        keywords.state_some(if is_list { "minItems" } else { "minLength" }, member.min_length.as_ref());
        keywords.state_some(if is_list { "maxItems" } else { "maxLength" }, member.max_length.as_ref());
        keywords.state_some("minimum", member.minimum.as_ref());
        keywords.state_some("maximum", member.maximum.as_ref());
        keywords.state_some("pattern", member.pattern.as_ref());
        keywords.state_some("default", member.default.as_ref());
        keywords.state_some("x-sensitive", member.sensitive.as_ref());
        let Keywords { mut schema, rests_on } = keywords;
        annotate(&mut schema, &rests_on);
        if let Some(shape) = &member.shape {
            schema.insert("$ref".into(), format!("#/$defs/{shape}").into());
        }
        if let Some(items) = &member.items {
            let keyword = if member.kind.is == MemberKind::Map { "additionalProperties" } else { "items" };
            schema.insert(keyword.into(), self.of_member(items, &format!("{at}/items")));
        }
        insert_prose(&mut schema, &member.prose);
        let inside = format!("{at}/");
        let touches = |difference: &&Difference| difference.places.keys().any(|place| place.starts_with(&inside));
        let differences: Vec<&str> =
            self.differences.iter().filter(touches).map(|difference| difference.id.as_str()).collect();
        if !differences.is_empty() {
            schema.insert("x-differences".into(), json!(differences));
        }
        Value::Object(schema)
    }
}

/// The beginning of a schema that is a file of its own.
fn schema_head(name: &str) -> Map<String, Value> {
    object([("$schema", DIALECT.into()), ("$id", id(name).into()), ("title", name.into())])
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The keywords of one member, and the evidence of each.
#[derive(Default)]
struct Keywords<'a> {
    schema: Map<String, Value>,
    rests_on: Vec<(&'static str, Evidence, &'a PlacesBySource)>,
}

impl<'a> Keywords<'a> {
    fn state<T>(&mut self, keyword: &'static str, fact: &'a Fact<T>, value: impl Into<Value>) {
        self.schema.insert(keyword.into(), value.into());
        self.rests_on.push((keyword, fact.evidence, &fact.source));
    }

    fn state_some<T: Serialize>(&mut self, keyword: &'static str, fact: Option<&'a Fact<T>>) {
        if let Some(fact) = fact {
            self.state(keyword, fact, json!(fact.is));
        }
    }
}

/// What JSON calls the type of a member.
fn json_name(member: &Member) -> &'static str {
    let json_type = member.json_type.as_ref().map(|fact| fact.is);
    match member.kind.is {
        MemberKind::Integer => "integer",
        MemberKind::Boolean => "boolean",
        MemberKind::Structure | MemberKind::Map => "object",
        MemberKind::List => "array",
        MemberKind::Timestamp if json_type == Some(JsonType::Number) => "number",
        MemberKind::String | MemberKind::Enumeration | MemberKind::Timestamp => "string",
    }
}

/// Adds the evidence and the sources of each keyword. Where one keyword comes from two facts, the first fact decides
/// its evidence.
fn annotate(schema: &mut Map<String, Value>, rests_on: &[(&str, Evidence, &PlacesBySource)]) {
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
