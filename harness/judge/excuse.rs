//! Refusals that are about the caller, and so say nothing about the request.
//!
//! The documents let errors that are common to all services come instead of an operation's own, and
//! leave open in which order a service checks a request.

use super::answer::Observation;
use crate::verdict::Reason;

/// Why a refusal that is none of the expected answers is no violation either.
pub(super) fn of(seen: &Observation<'_>) -> Option<Reason> {
    let response = seen.response;
    if response.is_denial() {
        // What the control shows to be allowed, nobody may deny. An identity may be allowed some resources and not
        // others (source: API reference, GetCredentials, description).
        let differs_at = &seen.case.case.control.as_ref()?.differs_at;
        let resources = &seen.contract.service.resources;
        let member =
            resources.iter().map(|of| &of.member).find(|member| differs_at.strip_prefix('/') == Some(*member))?;
        return Some(Reason::Denied { answer: seen.summary(), member: member.clone() });
    }
    // Only a session's token expires; long-term credentials do not.
    let mortal = seen.exchange.request.headers.get("x-amz-security-token").is_some();
    (response.is_expired() && mortal).then(|| Reason::Expired(seen.summary()))
}
