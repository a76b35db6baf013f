//! Who may call what: principals, and the IAM policies that say what each of them may do.
//!
//! Written from the IAM User Guide ("Policy evaluation logic", the reference of the policy elements, "Troubleshooting
//! access denied error messages") and the Service Authorization Reference. Everything here but [`principals`] is pure:
//! documents and a request in, a decision out. Start reading at [`decision::decide`].
//!
//! | file | holds |
//! |---|---|
//! | `file.rs` | the format of a file of identities, and of a policy document |
//! | `principals.rs` | the principals that an emulator knows, made from such a file |
//! | `access.rs` | one call of a principal: the condition keys that it has, and whether it is allowed |
//! | `decision.rs` | what the policies of a principal come to |
//! | `policy.rs` | a policy that was read: statements, actions, resources |
//! | `condition.rs` | the condition operators |
//! | `pattern.rs` | texts with wildcards and variables |
//! | `tests/policy_examples.json` | examples from the guide, and what each comes to |
//!
//! No crate does this job: `iam-rs` 0.8.0, the only maintained one with a licence that fits, gives another answer to one
//! in eight of the examples. It allows a resource whose variable has no value, and knows no variables in conditions.

mod access;
mod condition;
mod decision;
mod file;
mod pattern;
mod policy;
mod principals;

pub(super) use access::Access;
pub(super) use decision::{Denial, PolicyKind};
pub use file::{IdentitiesFile, PolicyDocument};
pub use principals::{Identities, InvalidIdentities};
pub(super) use principals::{Principal, Principals};

#[cfg(test)]
mod tests;

/// Whether something holds. `Maybe` depends on a resource that is not looked up yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Holds {
    No,
    Maybe,
    Yes,
}

impl Holds {
    /// Whether all of them hold; none is all.
    fn all(each: impl IntoIterator<Item = Self>) -> Self {
        each.into_iter().min().unwrap_or(Self::Yes)
    }

    /// Whether one of them holds; none is none.
    fn any(each: impl IntoIterator<Item = Self>) -> Self {
        each.into_iter().max().unwrap_or(Self::No)
    }
}

impl From<bool> for Holds {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

impl std::ops::Not for Holds {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Maybe => Self::Maybe,
            Self::Yes => Self::No,
        }
    }
}
