//! What is done at real AWS only where it is allowed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is done at real AWS only where it is allowed in so many words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Restrained {
    /// Something is created, changed or deleted.
    Create,
    /// A request is sent that is malformed, wrongly signed or not signed.
    Raw,
}

impl Restrained {
    /// The flag that allows it, without its hyphens.
    pub const fn flag(self) -> &'static str {
        match self {
            Self::Create => "allow-create",
            Self::Raw => "allow-raw",
        }
    }
}
