use super::answer::Observation;
use crate::corpus::Answer;

/// Whether a request was accepted or refused as the case expects.
pub(super) enum Outcome {
    /// It was.
    Holds,
    /// It was not.
    Broken {
        /// The accepted answers, in words.
        expected: String,
        /// The answer, in words.
        actual: String,
    },
}

/// Compares what was answered with what the case expects.
///
/// A success of another code than 200, an expected error under another status, and an error without
/// a name are not the outcome's business: the request was accepted or refused as expected, and the
/// rules `success-status`, `error-status` and `error-type` say what is wrong with the answer.
pub(super) fn of(seen: &Observation<'_>) -> Outcome {
    let answers = seen.call.expect.answers();
    let (errors, successes): (Vec<&Answer>, Vec<&Answer>) = answers.iter().partition(|answer| !answer.is_success());
    let holds = if seen.is_success() {
        !successes.is_empty()
    } else {
        match &seen.error {
            Some(name) => errors.iter().any(|answer| match answer.error.as_deref() {
                None | Some("*") => answer.status.includes(seen.status()),
                expected => expected == Some(name.as_str()) && seen.status() >= 400,
            }),
            None => errors.iter().any(|answer| answer.status.includes(seen.status())),
        }
    };
    if holds {
        return Outcome::Holds;
    }
    let expected: Vec<_> = answers.iter().map(ToString::to_string).collect();
    Outcome::Broken { expected: expected.join(", or "), actual: seen.summary() }
}
