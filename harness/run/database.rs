//! What the refusal of a database says: nothing of it where the same call without one is refused too, and nothing of
//! the target where it is a matter of the name that was given.

use serde_json::json;

use super::request::DEFAULT_DATABASE;
use crate::contract::Contract;
use crate::corpus::{Call, ExpandedCase, RequestSpec};
use crate::wire::{Exchange, Masker, error_type, quote};

/// The shape that the name of a database is a member of.
const REQUEST: &str = "GetCredentialsRequest";

const NOT_FOUND: &str = "ResourceNotFoundException";
const INVALID: &str = "ValidationException";

/// Errors that may be about the database of a request.
const MAY_BE_ABOUT_IT: [&str; 3] = [NOT_FOUND, INVALID, "AccessDeniedException"];

/// A call that names the target's database, should be accepted and was refused, without that database.
pub(super) struct Control {
    /// The number of the call in its case.
    pub(super) index: usize,
    pub(super) call: Call,
    /// The name of the error that it was refused with.
    refusal: String,
}

impl Control {
    /// Of the last call that was made of a case; nothing where it was not refused for what may be the database.
    pub(super) fn of(case: &ExpandedCase, transcript: &[Exchange]) -> Option<Self> {
        let index = transcript.len().checked_sub(1)?;
        let call = case.calls.get(index)?;
        let named = call.request.input.get("dbName").is_some_and(|value| value.contains("${database}"));
        let positive = case.calls.iter().all(|call| call.expect.is_positive());
        let refusal = error_type(transcript[index].answer.as_ref().ok()?)?;
        let request = RequestSpec { input: call.request.input.without("dbName"), ..call.request.clone() };
        (named && positive && MAY_BE_ABOUT_IT.contains(&refusal.as_str())).then(|| Self {
            index,
            call: Call { request, ..call.clone() },
            refusal,
        })
    }
}

/// Why the refusal of the target's database says nothing of the target, where that is so. `named` is the database, or
/// nothing where it is only our guess, and `control` what became of the call without it.
pub(super) fn excuse(
    refused: &Control,
    named: Option<&str>,
    control: &Exchange,
    contract: &Contract,
    hidden: &Masker,
) -> Option<String> {
    let said = match &control.answer {
        Ok(response) if (200..300).contains(&response.status) => {
            return match named {
                Some(name) => misnamed(name, &refused.refusal, contract),
                None => Some(format!(
                    "the target may have no database {DEFAULT_DATABASE}, which nothing says it must; name one of the workgroup's with --db-name"
                )),
            };
        }
        Ok(response) => {
            let masker = hidden.with_answer(response);
            let error = error_type(response).map_or_else(String::new, |error| format!(" {}", masker.quote(&error)));
            format!("{}{error}", response.status)
        }
        Err(fault) => hidden.fault(fault),
    };
    named.is_none().then(|| {
        format!(
            "the same call without its database is not accepted either ({said}), so nothing is said of the database"
        )
    })
}

/// Why a refusal may be due to the name that was given: there may be no such database, or the documents leave open
/// whether it is a name at all.
fn misnamed(name: &str, refusal: &str, contract: &Contract) -> Option<String> {
    let shown = quote(name);
    match refusal {
        NOT_FOUND => Some(format!(
            "the target does not have the database {shown} ({NOT_FOUND}); create it there, or name one that it has with --db-name"
        )),
        INVALID if is_doubtful(name, contract) => Some(format!(
            "the documents leave open whether {shown} can be the name of a database, so that it may be refused ({INVALID}); name one of small letters, digits and hyphens with --db-name"
        )),
        _ => None,
    }
}

/// Whether some sentence on names of databases forbids this one; older texts of the documents forbid capitals
/// (GC-DB-09).
fn is_doubtful(name: &str, contract: &Contract) -> bool {
    let breaches = contract.validators.prose_breaches(REQUEST, &json!({ "dbName": name }));
    breaches.iter().any(|breach| breach.at == "/dbName") || name.contains(|c: char| c.is_ascii_uppercase())
}
