//! A custom domain that the target does not have: like a workgroup that it does not have, that is a matter of what
//! was named, and not of what the target does.

use crate::corpus::Call;
use crate::targets::Target;
use crate::wire::{Exchange, error_type, quote};

/// Why a refusal says nothing of the target: a call by the custom domain that was named, and by nothing else, should
/// be accepted and did not find it.
pub(super) fn missing(call: &Call, exchange: &Exchange, target: &Target) -> Option<String> {
    let input = &call.request.input;
    let named = input.get("customDomainName").is_some_and(|value| value.contains("${custom_domain}"));
    let alone = ["workgroupName", "dbName"].iter().all(|member| input.get(member).is_none());
    let error = error_type(exchange.answer.as_ref().ok()?)?;
    let not_found = error == "ResourceNotFoundException" && call.expect.is_positive();
    let name = target.custom_domain.as_deref().filter(|_| named && alone && not_found)?;
    Some(format!(
        "the target does not have the custom domain {} ({error}); give it to the workgroup there, or name one that it has with --custom-domain",
        quote(name)
    ))
}
