//! The generated schemas, compiled. What they report about a value never repeats the value.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use jiff::ToSpan as _;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::facts::{Evidence, Reading};
use super::files::pointer_below;
use super::operation::Operation;
use super::schema::{id, of_shape, shape_names};
use super::service::Service;
use super::shapes::Structure;

/// How often the regex engine may step back before it gives up. Source: measured with the pattern of domain names;
/// names of 253 characters, hostile ones included, need fewer than 1000 steps.
const BACKTRACK_LIMIT: usize = 100_000;

/// Compiles a schema of draft 2020-12, with the limits that every schema here has. It never fetches anything. The error
/// says what is wrong: the value is not a schema, or it refers to something that is not in it.
pub(super) fn compile(name: &str, schema: &Value) -> Result<Validator, String> {
    compile_as(Draft::Draft202012, name, schema)
}

fn compile_as(draft: Draft, name: &str, schema: &Value) -> Result<Validator, String> {
    jsonschema::options()
        .with_draft(draft)
        .should_validate_formats(true)
        .with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(BACKTRACK_LIMIT))
        .build(schema)
        .map_err(|error| format!("the schema {name} cannot be compiled: {error}"))
}

/// One place where a value does not match a schema. Holds no part of the value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SchemaBreach {
    /// The JSON pointer of the offending value; of a missing member, where it should be.
    pub at: String,
    /// The keyword of JSON Schema that is breached: `type`, `required`, `pattern`.
    pub keyword: String,
    /// What is asked for.
    pub expected: Constraint,
    /// What is there.
    pub actual: JsonKind,
}

/// What a schema asks of a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Constraint {
    /// This JSON type.
    Type(String),
    /// The member itself: it must be present.
    Member,
    /// At least this number of characters (Unicode scalar values).
    MinLength(u64),
    /// At most this number of characters (Unicode scalar values).
    MaxLength(u64),
    /// At least this number of items.
    MinItems(u64),
    /// At most this number of items.
    MaxItems(u64),
    /// A match of this pattern.
    Pattern(String),
    /// A match of its pattern within this number of steps.
    PatternWithin(usize),
    /// At least this number.
    Minimum(String),
    /// At most this number.
    Maximum(String),
    /// A time between these two, both in epoch seconds and included.
    Time {
        /// The first.
        first: i64,
        /// The last.
        last: i64,
    },
    /// To be one of these texts.
    OneOf(Vec<String>),
    /// To have this format of JSON Schema, such as `date-time`.
    Format(String),
    /// One of these schemas: the one that is named does not exist.
    Schema(Vec<String>),
    /// What this keyword of JSON Schema asks for.
    Keyword(String),
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(kind) => f.write_str(&with_article(kind)),
            Self::Member => f.write_str("the member"),
            Self::MinLength(limit) => write!(f, "at least {}", characters(*limit)),
            Self::MaxLength(limit) => write!(f, "at most {}", characters(*limit)),
            Self::MinItems(limit) => write!(f, "at least {}", items(*limit)),
            Self::MaxItems(limit) => write!(f, "at most {}", items(*limit)),
            Self::Pattern(pattern) => write!(f, "a match of {pattern}"),
            Self::PatternWithin(steps) => write!(f, "a match of the pattern found within {steps} steps"),
            Self::Minimum(limit) => write!(f, "at least {limit}"),
            Self::Maximum(limit) => write!(f, "at most {limit}"),
            Self::Time { first, last } => write!(f, "a time from {} to {}", utc(*first), utc(*last)),
            Self::OneOf(values) => write!(f, "one of {}", values.join(", ")),
            Self::Format(format) => write!(f, "the format {format}"),
            Self::Schema(names) => write!(f, "one of the schemas {}", names.join(", ")),
            Self::Keyword(keyword) => write!(f, "what the keyword {keyword} asks for"),
        }
    }
}

/// A value by its JSON type, and a string by its length too: nothing of the value itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JsonKind {
    /// No value at all.
    Nothing,
    /// Null.
    Null,
    /// True or false.
    Boolean,
    /// A whole number.
    Integer,
    /// Any other number.
    Number,
    /// A string with this number of characters (Unicode scalar values).
    String(u64),
    /// An array.
    Array,
    /// An object.
    Object,
}

impl JsonKind {
    /// Makes strings of any length one kind.
    pub(crate) fn forget_length(&mut self) {
        if let Self::String(length) = self {
            *length = 0;
        }
    }

    /// The JSON type of a value.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) if number.is_f64() => Self::Number,
            Value::Number(_) => Self::Integer,
            Value::String(text) => Self::String(u64::try_from(text.chars().count()).unwrap_or(u64::MAX)),
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }
}

impl fmt::Display for JsonKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Null => f.write_str("null"),
            Self::Boolean => f.write_str("a boolean"),
            Self::Integer => f.write_str("an integer"),
            Self::Number => f.write_str("a number"),
            Self::String(length) => write!(f, "a string of {}", characters(*length)),
            Self::Array => f.write_str("an array"),
            Self::Object => f.write_str("an object"),
        }
    }
}

/// A statement in running text that a value breaks. Holds no part of the value.
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
    /// Whether the statement is that the value must not be a reserved word.
    pub of_a_reserved_word: bool,
}

/// The schemas of the operations' bodies. Each is compiled when the first value is held against it.
#[derive(Debug)]
pub struct Validators {
    schemas: BTreeMap<String, LazyValidator>,
    prose: BTreeMap<String, Vec<ProseRule>>,
}

/// A schema, written and compiled when it is first needed: a run needs few of them.
#[derive(Debug)]
struct LazyValidator {
    name: String,
    written: Written,
    compiled: OnceLock<Validator>,
}

/// Where the text of a schema comes from.
#[derive(Debug)]
enum Written {
    /// It is here.
    Here(Value),
    /// It is generated from the shape with the name of the validator.
    FromShape(Shapes),
}

/// The shapes of the contract.
#[derive(Clone, Debug)]
struct Shapes {
    service: Arc<Service>,
    operations: Arc<BTreeMap<String, Operation>>,
}

impl LazyValidator {
    fn new(name: String, written: Written) -> Self {
        Self { name, written, compiled: OnceLock::new() }
    }

    fn schema(&self) -> Result<Cow<'_, Value>, String> {
        match &self.written {
            Written::Here(schema) => Ok(Cow::Borrowed(schema)),
            Written::FromShape(Shapes { service, operations }) => {
                let schema = of_shape(service, operations, &self.name).map(Cow::Owned);
                schema.ok_or_else(|| format!("there is no shape {}", self.name))
            }
        }
    }

    fn compile(&self) -> Result<Validator, String> {
        compile(&self.name, &*self.schema()?)
    }

    fn get(&self) -> &Validator {
        // Compiling holds a schema against that of its draft, and compiles that one first. That of draft 7 is a tenth
        // of the work, which every process does again. What we generate means the same in both drafts.
        let compile = || compile_as(Draft::Draft7, &self.name, &*self.schema()?);
        self.compiled.get_or_init(|| compile().expect("the checks of the files compile it"))
    }
}

/// A prose statement, compiled.
#[derive(Debug)]
struct ProseRule {
    member: Option<String>,
    /// The breach to report where the statement is broken.
    breach: ProseBreach,
    validator: LazyValidator,
    /// The words, in capitals, that the member must not be.
    reserved: Vec<String>,
}

impl Validators {
    /// The validators of the schemas that are generated from the shapes.
    pub fn new(service: &Arc<Service>, operations: &Arc<BTreeMap<String, Operation>>) -> Self {
        let shapes = Shapes { service: Arc::clone(service), operations: Arc::clone(operations) };
        let validator = |name: &String| LazyValidator::new(name.clone(), Written::FromShape(shapes.clone()));
        let schemas = shape_names(service, operations).map(|name| (name.clone(), validator(name)));
        let structures = operations.values().flat_map(|operation| [&operation.request, &operation.response]);
        let prose = structures.map(|of| (of.name.clone(), rules(service, of)));
        Self { schemas: schemas.collect(), prose: prose.collect() }
    }

    /// Compiles all schemas, to find those that cannot be compiled.
    ///
    /// # Errors
    /// The name of the first one, and what is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        let of_prose = self.prose.values().flatten().map(|rule| &rule.validator);
        self.schemas.values().chain(of_prose).try_for_each(|validator| validator.compile().map(drop))
    }

    /// The validator of one body, by the name of its shape: `GetCredentialsResponse`.
    pub fn get(&self, schema: &str) -> Option<&Validator> {
        self.schemas.get(schema).map(LazyValidator::get)
    }

    /// The names of all schemas, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.schemas.keys().map(String::as_str)
    }

    /// The places where a value does not match a schema, sorted; empty when it matches. An unknown schema is reported
    /// as one breach, so that a misspelt name cannot pass.
    pub fn breaches(&self, schema: &str, value: &Value) -> Vec<SchemaBreach> {
        let Some(validator) = self.get(schema) else {
            let expected = Constraint::Schema(self.names().map(str::to_owned).collect());
            return vec![SchemaBreach {
                at: String::new(),
                keyword: "$ref".into(),
                expected,
                actual: JsonKind::Nothing,
            }];
        };
        breaches_of(validator, value)
    }

    /// The prose statements that a body breaks, sorted by place.
    ///
    /// Only statements that a program can check count, and only where the type is right: a number is neither a good
    /// nor a bad name. The documents leave open whether the service enforces any of them.
    pub fn prose_breaches(&self, schema: &str, value: &Value) -> Vec<ProseBreach> {
        let broken = self.prose.get(schema).into_iter().flatten().filter(|rule| !rule.holds(value));
        let mut found: Vec<ProseBreach> = broken.map(|rule| rule.breach.clone()).collect();
        found.sort();
        found
    }
}

impl ProseRule {
    fn holds(&self, value: &Value) -> bool {
        let word = self.member.as_ref().and_then(|member| value.get(member)?.as_str());
        let reserved = word.is_some_and(|word| self.reserved.contains(&word.to_ascii_uppercase()));
        !reserved && self.validator.get().is_valid(value)
    }
}

/// The places where a value does not match a compiled schema, sorted.
pub fn breaches_of(validator: &Validator, value: &Value) -> Vec<SchemaBreach> {
    let mut breaches: Vec<SchemaBreach> = validator.iter_errors(value).map(|error| breach(&error)).collect();
    breaches.sort();
    breaches
}

/// The prose statements about a structure, each compiled as a schema of the whole body.
fn rules(service: &Service, structure: &Structure) -> Vec<ProseRule> {
    let rules = structure.readings().filter_map(|(member, statement, prose)| {
        let reading = prose.reads_as.as_ref()?;
        let name = format!("{}#{statement}", id(&structure.name));
        let validator = LazyValidator::new(name, Written::Here(schema_of(member, reading)));
        let reserved = if reading.not_reserved { service.reserved_words.words.is.clone() } else { Vec::new() };
        let breach = ProseBreach {
            at: member.map(|member| pointer_below("", member)).unwrap_or_default(),
            id: statement.to_owned(),
            evidence: prose.evidence,
            text: prose.text.clone(),
            of_a_reserved_word: reading.not_reserved,
        };
        Some(ProseRule { member: member.map(str::to_owned), breach, validator, reserved })
    });
    rules.collect()
}

fn schema_of(member: Option<&str>, reading: &Reading) -> Value {
    let Reading { any_of, min_length, max_length, pattern, minimum, maximum, not_reserved: _ } = reading;
    let keywords = [
        ("minLength", min_length.map(Value::from)),
        ("maxLength", max_length.map(Value::from)),
        ("pattern", pattern.as_deref().map(Value::from)),
        ("minimum", minimum.map(Value::from)),
        ("maximum", maximum.map(Value::from)),
        ("anyOf", any_of.as_ref().map(|names| names.iter().map(|name| json!({ "required": [name] })).collect())),
    ];
    let schema: Value = keywords.into_iter().filter_map(|(keyword, value)| Some((keyword, value?))).collect();
    member.map_or_else(|| schema.clone(), |member| json!({ "properties": { member: schema } }))
}

/// Converts an error of the validator without its message, which would repeat the value.
fn breach(error: &ValidationError<'_>) -> SchemaBreach {
    let mut at = error.instance_path().as_str().to_owned();
    let mut actual = JsonKind::of(error.instance());
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let expected = match error.kind() {
        ValidationErrorKind::Type { kind: TypeKind::Single(kind) } => Constraint::Type(kind.to_string()),
        ValidationErrorKind::Required { property } => {
            at = pointer_below(&at, property.as_str().unwrap_or_default());
            actual = JsonKind::Nothing;
            Constraint::Member
        }
        ValidationErrorKind::MinLength { limit } => Constraint::MinLength(*limit),
        ValidationErrorKind::MaxLength { limit } => Constraint::MaxLength(*limit),
        ValidationErrorKind::MinItems { limit } => Constraint::MinItems(*limit),
        ValidationErrorKind::MaxItems { limit } => Constraint::MaxItems(*limit),
        ValidationErrorKind::Minimum { limit } => Constraint::Minimum(text(limit)),
        ValidationErrorKind::Maximum { limit } => Constraint::Maximum(text(limit)),
        ValidationErrorKind::Pattern { pattern } => Constraint::Pattern(pattern.clone()),
        ValidationErrorKind::BacktrackLimitExceeded { .. } => Constraint::PatternWithin(BACKTRACK_LIMIT),
        ValidationErrorKind::Enum { options } => {
            Constraint::OneOf(options.as_array().into_iter().flatten().map(text).collect())
        }
        ValidationErrorKind::Format { format } => Constraint::Format(format.clone()),
        other => Constraint::Keyword(other.keyword().to_owned()),
    };
    SchemaBreach { at, keyword: error.kind().keyword().to_owned(), expected, actual }
}

/// Epoch seconds as a date and a time in UTC: `2000-01-01T00:00:00Z`.
fn utc(seconds: i64) -> String {
    // A `Timestamp` ends a day before the year 9999 does, and a `DateTime` with it.
    let epoch = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
    epoch.checked_add(seconds.seconds()).map_or_else(|_| format!("{seconds} s"), |time| format!("{time}Z"))
}

fn with_article(kind: &str) -> String {
    match kind {
        "null" => "null".into(),
        _ if kind.starts_with(['a', 'e', 'i', 'o', 'u']) => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}

fn items(count: u64) -> String {
    if count == 1 { "1 item".to_owned() } else { format!("{count} items") }
}

fn characters(count: u64) -> String {
    if count == 1 { "1 character".into() } else { format!("{count} characters") }
}

#[cfg(test)]
mod tests;
