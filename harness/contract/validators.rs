//! The generated schemas, compiled, and what they say about a value without repeating it.

use std::collections::BTreeMap;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::{Map, Value, json};

use super::Evidence;
use super::document::push;
use super::schema::{file_name, generate, id};
use super::shapes::{Reading, Shapes};

/// How often a pattern may step back before it is given up. Names of 253 characters, hostile ones too, were measured
/// to need fewer than 1000 steps with the pattern of `customDomainName`.
const BACKTRACK_LIMIT: usize = 100_000;

/// One place where a value does not match a schema. Holds no part of the value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Breach {
    /// The JSON pointer of the offending value; of a missing member, where it should be.
    pub at: String,
    /// The keyword of JSON Schema that is breached: `type`, `required`, `pattern`.
    pub keyword: String,
    /// What is asked for, in words.
    pub expected: String,
    /// What is there: only its JSON type, and the length of a string in Unicode scalar values.
    pub actual: String,
}

/// A statement in running text that a value does not keep. Holds no part of the value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProseBreach {
    /// The JSON pointer of the member that the statement is about; empty for the whole body.
    pub at: String,
    /// The id of the statement in the shapes.
    pub id: String,
    /// What the statement rests on; [`Evidence::Conflict`] where another statement allows what this one forbids.
    pub evidence: Evidence,
    /// The statement, in our words.
    pub text: String,
}

/// A schema that cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the schema {name} cannot be compiled: {message}")]
pub struct SchemaError {
    /// The schema.
    pub name: String,
    /// Why.
    pub message: String,
}

/// The schemas of the operation's bodies, compiled once.
#[derive(Debug)]
pub struct Validators {
    schemas: BTreeMap<String, Validator>,
    prose: BTreeMap<String, Vec<Rule>>,
}

/// A prose statement, compiled.
#[derive(Debug)]
struct Rule {
    member: Option<String>,
    id: String,
    evidence: Evidence,
    text: String,
    validator: Validator,
    /// The words, in capitals, that the member must not be.
    reserved: Vec<String>,
}

impl Validators {
    /// Compiles the schemas that the shapes give; about 50 µs each.
    ///
    /// # Errors
    /// When one does not compile, which [`Shapes::load`] rules out.
    pub fn new(shapes: &Shapes) -> Result<Self, SchemaError> {
        let mut schemas = BTreeMap::new();
        let names = [&shapes.request.name, &shapes.response.name].into_iter().chain(shapes.errors.keys());
        let mut generated = generate(shapes);
        for name in names {
            if let Some(schema) = generated.remove(&file_name(name)) {
                schemas.insert(name.clone(), compile(name, &schema)?);
            }
        }
        let mut prose = BTreeMap::new();
        for name in [&shapes.request.name, &shapes.response.name] {
            prose.insert(name.clone(), rules(shapes, name)?);
        }
        Ok(Self { schemas, prose })
    }

    /// The validator of one body, by the name of its shape: `GetCredentialsResponse`.
    pub fn get(&self, schema: &str) -> Option<&Validator> {
        self.schemas.get(schema)
    }

    /// The names of all schemas, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.schemas.keys().map(String::as_str)
    }

    /// Where a value does not match a schema, sorted by place; nothing when it matches. Where there is no such
    /// schema, that is the one breach, so that a misspelt name cannot pass.
    pub fn breaches(&self, schema: &str, value: &Value) -> Vec<Breach> {
        let Some(validator) = self.get(schema) else {
            let names: Vec<_> = self.names().collect();
            return vec![Breach {
                at: String::new(),
                keyword: "$ref".into(),
                expected: format!("one of the schemas {}", names.join(", ")),
                actual: format!("the name {schema}"),
            }];
        };
        breaches_of(validator, value)
    }

    /// Which prose statements a body does not keep, sorted by place.
    ///
    /// Only statements that a program can check count, and only where the type is right: a number is neither a good
    /// nor a bad name. The documents leave open whether the service enforces any of them.
    pub fn prose_breaches(&self, schema: &str, value: &Value) -> Vec<ProseBreach> {
        let mut found: Vec<ProseBreach> = self
            .prose
            .get(schema)
            .into_iter()
            .flatten()
            .filter(|rule| !rule.holds(value))
            .map(|rule| ProseBreach {
                at: rule.member.as_deref().map(pointer_to).unwrap_or_default(),
                id: rule.id.clone(),
                evidence: rule.evidence,
                text: rule.text.clone(),
            })
            .collect();
        found.sort();
        found
    }
}

impl Rule {
    fn holds(&self, value: &Value) -> bool {
        let word = self.member.as_ref().and_then(|member| value.get(member)?.as_str());
        let reserved = word.is_some_and(|word| self.reserved.contains(&word.to_ascii_uppercase()));
        !reserved && self.validator.is_valid(value)
    }
}

/// Compiles a schema of draft 2020-12, with the limits that every schema here has. Nothing is ever fetched.
///
/// # Errors
/// When it is not a schema, or refers to what is not in it.
pub fn compile(name: &str, schema: &Value) -> Result<Validator, SchemaError> {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(BACKTRACK_LIMIT))
        .build(schema)
        .map_err(|error| SchemaError { name: name.to_owned(), message: error.to_string() })
}

/// Where a value does not match a compiled schema, sorted by place.
pub fn breaches_of(validator: &Validator, value: &Value) -> Vec<Breach> {
    let mut breaches: Vec<Breach> = validator.iter_errors(value).map(|error| breach(&error)).collect();
    breaches.sort();
    breaches
}

/// Whether a pattern is one that the validators can use.
pub(super) fn compile_pattern(pattern: &str) -> Result<(), SchemaError> {
    compile("of a pattern", &json!({ "pattern": pattern })).map(drop)
}

/// The prose statements about a structure, each compiled as a schema of the whole body.
fn rules(shapes: &Shapes, structure: &str) -> Result<Vec<Rule>, SchemaError> {
    let compiled = shapes.prose_of(structure).into_iter().filter_map(|(member, statement, prose)| {
        let reading = prose.reads_as.as_ref()?;
        let validator = compile(&format!("{}#{statement}", id(structure)), &schema_of(member, reading));
        let reserved = if reading.not_reserved { shapes.reserved_words.words.is.clone() } else { Vec::new() };
        Some(validator.map(|validator| Rule {
            member: member.map(str::to_owned),
            id: statement.to_owned(),
            evidence: prose.evidence,
            text: prose.text.clone(),
            validator,
            reserved,
        }))
    });
    compiled.collect()
}

fn schema_of(member: Option<&str>, reading: &Reading) -> Value {
    let Reading { any_of, min_length, max_length, pattern, minimum, maximum, not_reserved: _ } = reading;
    let mut schema = Map::new();
    let mut state = |keyword: &str, value: Option<Value>| {
        if let Some(value) = value {
            schema.insert(keyword.to_owned(), value);
        }
    };
    state("minLength", min_length.map(Value::from));
    state("maxLength", max_length.map(Value::from));
    state("pattern", pattern.as_deref().map(Value::from));
    state("minimum", minimum.map(Value::from));
    state("maximum", maximum.map(Value::from));
    state("anyOf", any_of.as_ref().map(|names| names.iter().map(|name| json!({ "required": [name] })).collect()));
    match member {
        Some(member) => json!({ "properties": { member: schema } }),
        None => Value::Object(schema),
    }
}

fn pointer_to(member: &str) -> String {
    let mut pointer = String::new();
    push(&mut pointer, member);
    pointer
}

/// Takes from an error of the validator what does not repeat the value. Its own message would.
fn breach(error: &ValidationError<'_>) -> Breach {
    let mut at = error.instance_path().as_str().to_owned();
    let mut actual = describe(error.instance());
    let expected = match error.kind() {
        ValidationErrorKind::Type { kind: TypeKind::Single(kind) } => with_article(&kind.to_string()),
        ValidationErrorKind::Required { property } => {
            push(&mut at, property.as_str().unwrap_or_default());
            "nothing".clone_into(&mut actual);
            "the member".to_owned()
        }
        ValidationErrorKind::MinLength { limit } => format!("at least {}", characters(*limit)),
        ValidationErrorKind::MaxLength { limit } => format!("at most {}", characters(*limit)),
        ValidationErrorKind::Pattern { pattern } => format!("a match of {pattern}"),
        ValidationErrorKind::BacktrackLimitExceeded { .. } => {
            format!("a match of the pattern found within {BACKTRACK_LIMIT} steps")
        }
        other => format!("what the keyword {} asks for", other.keyword()),
    };
    Breach { at, keyword: error.kind().keyword().to_owned(), expected, actual }
}

/// A value by its JSON type, and a string by its length too.
fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "a boolean".into(),
        Value::Number(number) if number.is_f64() => "a number".into(),
        Value::Number(_) => "an integer".into(),
        Value::String(text) => {
            let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
            format!("a string of {}", characters(length))
        }
        Value::Array(_) => "an array".into(),
        Value::Object(_) => "an object".into(),
    }
}

fn with_article(kind: &str) -> String {
    match kind {
        "null" => "null".into(),
        _ if kind.starts_with(['a', 'e', 'i', 'o', 'u']) => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}

fn characters(count: u64) -> String {
    if count == 1 { "1 character".into() } else { format!("{count} characters") }
}

#[cfg(test)]
mod tests;
