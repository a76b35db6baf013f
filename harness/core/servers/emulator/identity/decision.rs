//! What the policies of a principal come to for one request.

use std::borrow::Cow;

use super::Holds;
use super::policy::{Effect, Policy};

/// What is known of a condition key in a request.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Known<'a> {
    /// The request does not have it.
    Absent,
    /// It belongs to a resource that is not looked up yet.
    Unknown,
    Values(Vec<Cow<'a, str>>),
}

impl<'a> Known<'a> {
    pub(super) fn one(value: impl Into<Cow<'a, str>>) -> Self {
        Self::Values(vec![value.into()])
    }
}

/// The condition keys of a request.
pub(super) trait Context {
    /// What is known of a key, whose name is in lower case: names of condition keys have no letter case.
    fn value(&self, key: &str) -> Known<'_>;
}

/// What a principal wants to do.
pub(super) struct AccessRequest<'a> {
    /// Such as `redshift-serverless:GetCredentials`.
    pub(super) action: &'a str,
    /// The ARN of the resource; `*` for an action that has none.
    pub(super) resource: &'a str,
    /// Whether the ARN is only the beginning of one: the resource is not looked up yet.
    pub(super) goes_on: bool,
    pub(super) context: &'a dyn Context,
}

/// The policies that apply to a principal.
#[derive(Clone, Debug, Default)]
pub(super) struct Policies {
    /// Those of the user or the role.
    pub(super) identity: Vec<Policy>,
    /// The permissions boundary of the user or the role.
    pub(super) boundary: Option<Policy>,
    /// Those of the session; none is no limit.
    pub(super) session: Vec<Policy>,
}

/// A kind of policies. A denial names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::servers::emulator) enum PolicyKind {
    Identity,
    Boundary,
    Session,
}

/// Why a request is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::servers::emulator) struct Denial {
    pub(in crate::servers::emulator) by: PolicyKind,
    /// Whether a statement denies it. Else no statement of this kind allows it.
    pub(in crate::servers::emulator) is_explicit: bool,
}

/// Decides on a request. Source: the IAM User Guide, "Determining whether a request is allowed or denied within an
/// account": an explicit deny of any policy counts first; then each kind of policies that there is must allow, in the
/// order of the guide. Identity-based policies are always there: without any, nothing is allowed.
///
/// If the resource is not looked up yet, the request is denied only if it would be denied on every resource that its
/// ARN can become.
pub(super) fn decide(policies: &Policies, request: &AccessRequest<'_>) -> Result<(), Denial> {
    let boundary = policies.boundary.as_slice();
    let kinds = [
        (PolicyKind::Identity, policies.identity.as_slice(), true),
        (PolicyKind::Boundary, boundary, !boundary.is_empty()),
        (PolicyKind::Session, policies.session.as_slice(), !policies.session.is_empty()),
    ];
    for (by, policies, _) in kinds {
        if applies(policies, Effect::Deny, request) == Holds::Yes {
            return Err(Denial { by, is_explicit: true });
        }
    }
    for (by, policies, limits) in kinds {
        if limits && applies(policies, Effect::Allow, request) == Holds::No {
            return Err(Denial { by, is_explicit: false });
        }
    }
    Ok(())
}

/// Whether a statement of this effect applies.
fn applies(policies: &[Policy], effect: Effect, request: &AccessRequest<'_>) -> Holds {
    let statements = policies.iter().flat_map(|policy| &policy.statements);
    Holds::any(statements.filter(|statement| statement.effect == effect).map(|statement| statement.applies(request)))
}
