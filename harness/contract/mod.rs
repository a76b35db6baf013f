//! What the documents say, as data: the documented shapes, the register of requirements, the JSON
//! Schemas generated from the shapes, and their compiled validators.
//!
//! Uses of ours only how [`crate::text`] shows what others wrote. Start with [`Shapes`], then [`schema`].

mod document;
mod register;
pub mod schema;
mod shapes;
mod validators;

pub use document::{Fixtures, LoadError, parse, read_text, unreadable};
pub use register::{
    Confirmation, ConfirmationStatus, Decision, Feature, Page, REGISTER_FILE, Register, Requirement, Side,
};
pub use shapes::{
    Difference, Document, ErrorShape, Fact, JsonType, Kind, Member, Operation, Prose, Reading, ReservedWords, Service,
    Shapes, Source, Structure, UnlistedError,
};
pub use validators::{Breach, ProseBreach, SchemaError, Validators, breaches_of, compile};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How binding a requirement is; only [`Level::Must`] decides conformance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Stated plainly in the documents, or a constraint of the service model.
    Must,
    /// A SHOULD of the protocol: breaking it is a warning.
    Should,
    /// Only observed, seen on a sibling service, or inferred: reported, never held against a target.
    May,
}

/// What a fact rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// Stated plainly in one of the two source documents.
    Documented,
    /// In AWS's machine-readable model of the service.
    Modelled,
    /// In Smithy's definition of the AWS JSON 1.1 protocol.
    Protocol,
    /// In a public record of real AWS.
    Observed,
    /// Seen on another AWS service that speaks the same protocol.
    Sibling,
    /// Concluded from the others.
    Inferred,
    /// The sources contradict each other, or are silent where an answer is needed.
    Conflict,
}

/// The whole contract: what the fixtures state, ready to be held against requests and answers.
#[derive(Debug)]
pub struct Contract {
    /// The documented shapes.
    pub shapes: Shapes,
    /// The register of requirements.
    pub register: Register,
    /// The compiled JSON Schemas of the shapes.
    pub validators: Validators,
}

impl Contract {
    /// Reads and checks shapes and register, and compiles the schemas.
    ///
    /// # Errors
    /// The first thing that is wrong, with its file and JSON pointer.
    pub fn load(fixtures: &Fixtures) -> Result<Self, LoadError> {
        let shapes = Shapes::load(fixtures)?;
        let register = Register::load(fixtures)?;
        let validators = Validators::new(&shapes)
            .map_err(|error| LoadError::new(&fixtures.name_of(Shapes::PATH), "", error.to_string()))?;
        Ok(Self { shapes, register, validators })
    }
}
