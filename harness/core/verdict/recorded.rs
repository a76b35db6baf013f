//! What a recording is of.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RecordedTarget {
    /// Real AWS, behind the gate that names account, region and resource.
    Aws,
    /// The reference emulator.
    Emulator,
    /// The embedded mock.
    Mock,
    /// Any other server, whatever it says that it is.
    Endpoint,
}

impl RecordedTarget {
    /// Its word on the command line and in a file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Emulator => "emulator",
            Self::Mock => "mock",
            Self::Endpoint => "endpoint",
        }
    }
}

impl RecordedTarget {
    /// What it is, in words; where it is not AWS, they say so.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Aws => "real AWS",
            Self::Emulator => "the emulator (not AWS)",
            Self::Mock => "the mock (not AWS)",
            Self::Endpoint => "an endpoint (not AWS)",
        }
    }
}

impl fmt::Display for RecordedTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
