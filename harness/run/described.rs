//! What a result tells of what was judged and seen.

use crate::corpus::{Answer, ExpandedCase};
use crate::judge::{Judgement, shape, words_and_shape};
use crate::verdict::{CaseResult, ShownExchange};
use crate::wire::{
    Exchange, body_sent, error_type, fields_received, fields_sent, mask_known, quote_without, secrets_in,
};

/// Fills in what was judged and seen, without our own secrets, which a target may have sent back.
pub(super) fn describe(result: &mut CaseResult, judgement: Judgement, transcript: &[Exchange], ours: &[String]) {
    result.verdict = judgement.verdict;
    result.reason = judgement.reason;
    result.violations = judgement.violations;
    result.warnings = judgement.warnings;
    for violation in result.violations.iter_mut().chain(&mut result.warnings) {
        violation.expected = mask_known(&violation.expected, ours);
        violation.actual = mask_known(&violation.actual, ours);
    }
    result.reason = result.reason.take().map(|reason| mask_known(&reason, ours));
    result.decided = judgement.decided.into_iter().collect();
    if let Some(Ok(response)) = transcript.last().map(|exchange| &exchange.answer) {
        result.status = Some(response.status);
        let body = response.json();
        let mut secrets = secrets_in(body.as_ref());
        secrets.extend_from_slice(ours);
        let quote = |text: String| quote_without(&text, &secrets);
        result.error = (response.status >= 300).then(|| error_type(response)).flatten().map(quote);
        result.media_type = response.media_type().map(quote);
        result.body = Some(mask_known(&shape(response, body.as_ref()), ours));
    }
}

/// What each call of a case accepts, in words.
pub(super) fn expected(case: &ExpandedCase) -> Vec<String> {
    let words = |answers: &[Answer]| answers.iter().map(Answer::to_string).collect::<Vec<_>>().join(", or ");
    case.calls.iter().map(|call| words(call.expect.answers())).collect()
}

/// An exchange as a report may show it.
pub(super) fn shown(exchange: &Exchange, ours: &[String]) -> ShownExchange {
    let Exchange { request, answer, .. } = exchange;
    let (answer_headers, answer_body, fault) = match answer {
        Ok(response) => {
            let body = response.json();
            let mut secrets = secrets_in(body.as_ref());
            secrets.extend_from_slice(ours);
            let text = mask_known(&words_and_shape(response, body.as_ref(), &secrets), ours);
            (fields_received(&response.headers, &secrets), Some(text), None)
        }
        Err(fault) => (Vec::new(), None, Some(mask_known(&fault.to_string(), ours))),
    };
    ShownExchange {
        request: mask_known(&format!("{} {}", request.method, request.target), ours),
        request_headers: fields_sent(&request.headers, ours),
        request_body: body_sent(request, ours),
        answer_headers,
        answer_body,
        fault,
    }
}
