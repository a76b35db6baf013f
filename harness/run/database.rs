//! What the refusal of a database says: nothing of it where the same call without one is refused too.

use super::request::DEFAULT_DATABASE;
use crate::corpus::{Call, ExpandedCase, RequestSpec};
use crate::wire::{Exchange, Masker, error_type};

/// Errors that may be about the database of a request.
const MAY_BE_ABOUT_IT: [&str; 3] = ["ResourceNotFoundException", "ValidationException", "AccessDeniedException"];

/// A call that names the target's database, should be accepted and was refused, without that database.
pub(super) struct Control {
    /// The number of the call in its case.
    pub(super) index: usize,
    pub(super) call: Call,
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
        (named && positive && MAY_BE_ABOUT_IT.contains(&refusal.as_str()))
            .then(|| Self { index, call: Call { request, ..call.clone() } })
    }
}

/// Why the refusal of a database that is only our guess says nothing; `control` is what became of the call without it.
pub(super) fn guessed(control: &Exchange, hidden: &Masker) -> String {
    let said = match &control.answer {
        Ok(response) if (200..300).contains(&response.status) => {
            return format!(
                "the target may have no database {DEFAULT_DATABASE}, which nothing says it must; name one of the workgroup's with --db-name"
            );
        }
        Ok(response) => {
            let masker = hidden.with_answer(response);
            let error = error_type(response).map_or_else(String::new, |error| format!(" {}", masker.quote(&error)));
            format!("{}{error}", response.status)
        }
        Err(fault) => hidden.mask(&fault.to_string()),
    };
    format!("the same call without its database is not accepted either ({said}), so nothing is said of the database")
}
