//! Describes the judgement and the exchange of a case in its result.

use crate::corpus::{AcceptedAnswer, ExpandedCase};
use crate::judge::{Judgement, shape, words_and_shape};
use crate::verdict::{CaseResult, ShownExchange};
use crate::wire::{Exchange, Masker, body_sent, error_type, fields_received, fields_sent, line_sent};

/// Adds the judgement to a result. Quotes of the target in it are masked already.
pub(super) fn conclude(result: &mut CaseResult, judgement: Judgement) {
    result.verdict = judgement.verdict;
    result.reason = judgement.reason;
    result.violations = judgement.violations;
    result.warnings = judgement.warnings;
    result.decided = judgement.decided.into_iter().collect();
    result.undecided = judgement.undecided.into_iter().collect();
}

/// Adds the answer to a result, without what `hidden` masks and without the answer's own secrets. Returns a masker of
/// both.
pub(super) fn describe(result: &mut CaseResult, exchange: &Exchange, hidden: &Masker) -> Masker {
    let Ok(response) = &exchange.answer else { return hidden.clone() };
    result.status = Some(response.status);
    let body = response.json();
    let masker = hidden.with_answer(response);
    let quote = |text: String| masker.quote(&text);
    result.error = (response.status >= 300).then(|| error_type(response)).flatten().map(quote);
    result.media_type = response.media_type().map(quote);
    result.body = Some(shape(response, body.as_ref(), &masker));
    masker
}

/// What each call of a case accepts, in words.
pub(super) fn expected(case: &ExpandedCase) -> Vec<String> {
    let words =
        |answers: &[AcceptedAnswer]| answers.iter().map(AcceptedAnswer::to_string).collect::<Vec<_>>().join(", or ");
    case.calls.iter().map(|call| words(call.expect.answers())).collect()
}

/// An exchange as a report may show it: `ours` masks the request, `hidden` masks the answer.
pub(super) fn shown_exchange(exchange: &Exchange, ours: &Masker, hidden: &Masker) -> ShownExchange {
    let Exchange { request, answer, .. } = exchange;
    let (answer_headers, answer_body, fault) = match answer {
        Ok(response) => {
            let body = response.json();
            let text = words_and_shape(response, body.as_ref(), hidden);
            (fields_received(&response.headers, hidden), Some(text), None)
        }
        Err(fault) => (Vec::new(), None, Some(hidden.fault(fault))),
    };
    ShownExchange {
        request: line_sent(request, ours),
        request_headers: fields_sent(&request.headers, ours),
        request_body: body_sent(request, ours),
        answer_headers,
        answer_body,
        fault,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use rstest::rstest;

    use super::*;
    use crate::wire::{Headers, Request, Response};

    fn exchange(headers: Headers, body: Vec<u8>) -> Exchange {
        let long = "p ".repeat(10_000);
        let sent = (0..100).map(|number| (format!("x-{number}"), long.clone())).collect();
        let request = Request { method: "POST".into(), target: long, headers: sent, body: vec![b'b'; 1 << 20] };
        let (at, elapsed) = (Timestamp::UNIX_EPOCH, Duration::ZERO);
        let answer = Ok(Response { status: 400, headers, body });
        Exchange { request, answer, sent_at: at, received_at: at, elapsed, fault_before: None, cut_off: None }
    }

    #[rstest]
    #[case::long_fields((0..100).map(|n| (format!("x-{n}"), "v ".repeat(5_000))).collect(), vec![b'a'; 1 << 20])]
    #[case::long_names((0..100).map(|n| (format!("{n}{}", "x-".repeat(5_000)), "v")).collect(), b"[".repeat(1 << 20))]
    #[case::one_field([("x-a", "\u{e0001}".repeat(1 << 18))].into_iter().collect(), "\u{e0001}".repeat(1 << 18).into_bytes())]
    fn what_is_kept_of_an_exchange_is_bounded(#[case] headers: Headers, #[case] body: Vec<u8>) {
        let exchange = exchange(headers, body);
        let hidden = Masker::default().with_answer(exchange.answer.as_ref().expect("there is one"));
        let shown_part = shown_exchange(&exchange, &Masker::default(), &hidden);
        assert!(shown_part.request.chars().count() <= 1_001);
        assert_eq!((shown_part.request_headers.len(), shown_part.request_body.len()), (33, 1_003));
        assert!(shown_part.request_headers.iter().all(|(_, value)| value.chars().count() <= 1_001));
        let answer = serde_json::to_string(&(shown_part.answer_headers, shown_part.answer_body)).expect("it is JSON");
        assert!(answer.len() <= 16 << 10, "{} bytes", answer.len());
    }
}
