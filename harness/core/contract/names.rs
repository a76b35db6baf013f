//! The names in the contract of this build: which names may be shown, and which members have values that may not.

use std::collections::{BTreeMap, BTreeSet};

use super::Embedded;
use super::operation::Operation;
use super::service::Service;
use super::shapes::{Member, MemberKind};

/// The names in the contract of this build. The code that hides secrets uses them.
#[derive(Debug)]
pub struct ContractNames {
    /// The members of all shapes.
    pub members: BTreeSet<String>,
    /// The members whose values are secrets.
    pub sensitive: BTreeSet<String>,
    /// The members that are points in time.
    pub times: BTreeSet<String>,
    /// The members whose values are page tokens. A page token leads to the next page; nobody can log in with it.
    pub page_tokens: BTreeSet<String>,
    /// The ids of the resources of the service.
    pub resources: BTreeSet<String>,
    /// The errors of the service.
    pub errors: BTreeSet<String>,
    /// A right answer of the default operation, as JSON text.
    pub example: String,
    /// The other names of the service, and the names of its operations.
    pub service: BTreeSet<String>,
}

impl ContractNames {
    /// The names in the fixtures of this build.
    ///
    /// # Panics
    /// Never: the tests load them.
    pub fn embedded() -> &'static Self {
        &Embedded::get().names
    }

    pub(super) fn of(service: &Service, operations: &BTreeMap<String, Operation>) -> Self {
        let structures = operations.values().flat_map(|operation| [&operation.request, &operation.response]);
        let members: Vec<_> = structures.chain(service.shapes.values()).flat_map(|shape| &shape.members).collect();
        let named = |fits: fn(&Member) -> bool| {
            members.iter().filter(|(_, member)| fits(member)).map(|(name, _)| String::clone(name)).collect()
        };
        let mut all: BTreeSet<String> = named(|_| true);
        all.extend(service.errors.values().flat_map(|error| error.members.keys().cloned()));
        let other_names = [&service.signing_name.is, &service.target_prefix.is].into_iter();
        let example = operations.get(&service.default_operation).and_then(|operation| operation.example.as_ref());
        let pages = operations.values().filter_map(|operation| operation.pages.as_ref());
        Self {
            members: all,
            sensitive: named(Member::is_sensitive),
            times: named(|member| member.kind.is == MemberKind::Timestamp),
            page_tokens: pages.map(|fact| fact.is.token.clone()).collect(),
            resources: service.resources.iter().map(|resource| resource.id.clone()).collect(),
            errors: service.errors.keys().cloned().collect(),
            example: example.map(ToString::to_string).unwrap_or_default(),
            service: other_names.chain(operations.keys()).cloned().collect(),
        }
    }
}
