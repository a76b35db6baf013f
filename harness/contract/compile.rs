//! Schemas and patterns, compiled with the limits that every one of them has here.

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::{Value, json};

/// How often a pattern may step back before it is given up. Names of 253 characters, hostile ones too, were measured
/// to need fewer than 1000 steps with the pattern of domain names.
pub(super) const BACKTRACK_LIMIT: usize = 100_000;

/// A schema that cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the schema {name} cannot be compiled: {message}")]
pub struct SchemaError {
    /// The schema.
    pub name: String,
    /// Why.
    pub message: String,
}

/// Compiles a schema of draft 2020-12, with the limits that every schema here has. Nothing is ever fetched.
///
/// # Errors
/// When it is not a schema, or refers to what is not in it.
pub fn compile(name: &str, schema: &Value) -> Result<Validator, SchemaError> {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(BACKTRACK_LIMIT))
        .build(schema)
        .map_err(|error| SchemaError { name: name.to_owned(), message: error.to_string() })
}

/// Whether a pattern is one that the validators can use.
pub(super) fn compile_pattern(pattern: &str) -> Result<(), SchemaError> {
    compile("of a pattern", &json!({ "pattern": pattern })).map(drop)
}
