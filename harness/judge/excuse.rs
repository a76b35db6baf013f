//! Refusals that are about the caller, and so say nothing about the request.
//!
//! The documents let errors that are common to all actions come instead of the operation's own, and
//! leave open in which order a service checks a request.

use super::answer::Observation;

/// The members that an identity may be allowed some values of and not others.
/// Source: API reference, `GetCredentials`, description: policies allow resources, and databases by name.
const NAMES: [&str; 3] = ["/workgroupName", "/customDomainName", "/dbName"];

/// Why a refusal that is none of the expected answers is no violation either, in a sentence.
pub(super) fn of(seen: &Observation<'_>) -> Option<String> {
    let (response, said) = (seen.response, seen.summary());
    if response.is_denial() {
        // What the control shows to be allowed, nobody may deny.
        let control = seen.case.case.control.as_ref()?;
        let name = NAMES.iter().find(|name| **name == control.differs_at)?.trim_start_matches('/');
        return Some(format!(
            "access was denied ({said}): this identity may be allowed no other {name} than the case's control has, so nothing is said of the requirement; a wider policy lets the case be judged"
        ));
    }
    // Only a session's token expires; long-term credentials do not.
    let mortal = seen.exchange.request.headers.get("x-amz-security-token").is_some();
    let expired =
        || format!("the credentials or the signature expired meanwhile ({said}), which says nothing about the request");
    (response.is_expired() && mortal).then(expired)
}
