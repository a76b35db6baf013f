use super::answer::{Observation, is_common_name_for};
use super::rules::{guess, lifetime};
use crate::corpus::Answer;
use crate::wire::{bare_type, error_types};

/// Whether a request was accepted or refused as the case expects.
pub(super) enum Outcome {
    /// It was.
    Holds,
    /// It was not.
    Broken {
        /// What differs: the status or the error's name.
        at: &'static str,
        /// The accepted answers, in words.
        expected: String,
        /// The answer, in words.
        actual: String,
    },
    /// It was refused with an accepted status, but without a name nobody can say as what.
    Unclear,
}

/// Compares what was answered with what the case expects.
///
/// A success of another code than 200, a documented error under another status, and an error
/// without a name are not the outcome's business: the rules `success-status`, `error-status` and
/// `error-type` say what is wrong with such an answer.
pub(super) fn of(seen: &Observation<'_>) -> Outcome {
    let answers = seen.call.expect.answers();
    let (successes, refusals): (Vec<&Answer>, Vec<&Answer>) = answers.iter().partition(|answer| answer.is_success());
    let with_status = || refusals.iter().filter(|answer| answer.status.includes(seen.status()));
    let holds = if seen.is_success() {
        !successes.is_empty()
    } else if let Some(name) = seen.error.as_deref() {
        let same = |error: &str| error == "*" || error == name || is_common_name_for(name, error);
        let named = |answer: &&Answer| answer.error.as_deref().is_none_or(same);
        let documented = seen.is_documented_error();
        with_status().any(named) || (documented && refusals.iter().any(|answer| answer.error.as_deref() == Some(name)))
    } else {
        if with_status().any(|answer| answer.error.as_deref().is_some_and(|error| error != "*")) {
            return Outcome::Unclear;
        }
        with_status().next().is_some()
    };
    if holds {
        return Outcome::Holds;
    }
    let expected: Vec<_> = answers.iter().map(ToString::to_string).collect();
    let at = if with_status().next().is_some() { "error type" } else { "status" };
    let error = || error_types(seen.response, seen.body.as_ref()).next();
    let actual = match error() {
        Some((place, name)) if seen.is_success() => {
            format!("{} with {} in {place}", seen.summary(), seen.quote(bare_type(name)))
        }
        None if seen.is_success() => {
            format!("{}: the request was accepted{}", seen.summary(), lifetime::of_credentials(seen))
        }
        _ => format!("{}{}", seen.summary(), guess::of_cut_name(seen)),
    };
    Outcome::Broken { at, expected: expected.join(", or "), actual }
}
