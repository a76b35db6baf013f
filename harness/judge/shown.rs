//! What successes show of what was sent or answered before.

use std::borrow::Cow;

use serde_json::Value;

use super::answer::Observation;
use crate::contract::Requirement;
use crate::corpus::{Shown, ShownValue};
use crate::verdict::{ExpectedValue, Fault};
use crate::wire::Exchange;

/// What the answer shows, each with the requirement that it decides, and with a fault if it contradicts what came
/// before. A member that is not there says nothing, nor does a list that goes on and lacks an item so far.
pub(super) fn findings<'a>(observation: &Observation<'a>) -> Vec<(&'a Requirement, Option<Fault>)> {
    let finding = |shown: &'a Shown| {
        let row = observation.contract.register.get(&shown.decides)?;
        Some((row, fault(observation, shown)?))
    };
    if observation.is_success() { observation.call.shows.iter().filter_map(finding).collect() } else { Vec::new() }
}

/// `None` if the answer says nothing, `Some(None)` if it is right.
#[expect(clippy::option_option, reason = "a judgement has three outcomes here, and one is no fault")]
fn fault(observation: &Observation<'_>, shown: &Shown) -> Option<Option<Fault>> {
    let body = observation.body.as_ref()?;
    let expected = expected(observation, &shown.has)?;
    let at = shown.at.clone();
    let quote = |value: &Value| observation.quote(&text_of(value));
    if let Some((list, item)) = shown.at.split_once("/*") {
        let items = body.pointer(list)?.as_array()?;
        let is_there = items.iter().filter_map(|of| of.pointer(item)).any(|found| expected.fits(found));
        let Expected::Value(value) = &expected else { return None };
        let expected = match shown.has {
            ShownValue::NotSent(_) if is_there => ExpectedValue::Unlisted(quote(value)),
            _ if is_there => return Some(None),
            _ if goes_on(observation, body) => return None,
            ShownValue::NotSent(_) => return Some(None),
            _ => ExpectedValue::Listed(quote(value)),
        };
        return Some(Some(Fault::Shown { at, expected, found: None }));
    }
    let found = body.pointer(&shown.at).filter(|found| !found.is_null())?;
    if expected.fits(found) {
        return Some(None);
    }
    // Others say that a text is missing.
    if matches!(expected, Expected::Begins(_)) && found.as_str().is_none_or(|found| found.trim().is_empty()) {
        return None;
    }
    let expected = match expected {
        Expected::Value(value) => ExpectedValue::Value(quote(&value)),
        Expected::Begins(texts) => ExpectedValue::Begins(texts.to_vec()),
    };
    Some(Some(Fault::Shown { at, expected, found: Some(quote(found)) }))
}

/// The value that a member should have.
enum Expected<'a> {
    Value(Cow<'a, Value>),
    Begins(&'a [String]),
}

impl Expected<'_> {
    fn fits(&self, found: &Value) -> bool {
        match self {
            Self::Value(value) => **value == *found,
            Self::Begins(texts) => found.as_str().is_some_and(|found| texts.iter().any(|text| found.starts_with(text))),
        }
    }
}

fn expected<'a>(observation: &Observation<'a>, value: &'a ShownValue) -> Option<Expected<'a>> {
    Some(match value {
        ShownValue::Is(value) => Expected::Value(Cow::Borrowed(value)),
        ShownValue::Begins(texts) => Expected::Begins(texts),
        ShownValue::Sent(at) | ShownValue::NotSent(at) => {
            let mut exchanges = [observation.exchange].into_iter().chain(observation.earlier.iter().rev());
            let sent = |exchange: &Exchange| {
                let body: Value = serde_json::from_slice(&exchange.request.body).ok()?;
                body.pointer(at).cloned()
            };
            Expected::Value(Cow::Owned(exchanges.find_map(sent)?))
        }
        ShownValue::Answered(text) => {
            let (name, at) = text.split_at(text.find('/')?);
            let place = observation.case.calls.iter().position(|call| call.name.as_deref() == Some(name))?;
            let body = observation.earlier.get(place)?.answer.as_ref().ok()?.json()?;
            Expected::Value(Cow::Owned(body.pointer(at)?.clone()))
        }
    })
}

/// Whether the list of an answer goes on in another page.
fn goes_on(observation: &Observation<'_>, body: &Value) -> bool {
    let pages = observation.operation.pages.as_ref();
    pages.is_some_and(|pages| body.get(&pages.is.token).is_some_and(|token| !token.is_null()))
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, LazyLock};
    use std::time::Duration;

    use jiff::Timestamp;
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::contract::{Contract, Fixtures};
    use crate::corpus::Corpus;
    use crate::judge::answer::JudgedCase;
    use crate::wire::{Headers, Masker, Request, Response};

    static LIBRARY: LazyLock<(Arc<Contract>, Corpus)> = LazyLock::new(|| {
        let contract = Arc::new(Contract::load(&Fixtures::Embedded).expect("the contract"));
        let corpus = Corpus::load(&Fixtures::Embedded, &contract).expect("the corpus");
        (contract, corpus)
    });

    fn exchange(sent: &Value, status: u16, answered: &Value) -> Exchange {
        let (method, target, headers) = ("POST".to_owned(), "/".to_owned(), Headers::new());
        Exchange {
            request: Request { method, target, headers: headers.clone(), body: sent.to_string().into_bytes() },
            answer: Ok(Response { status, headers, body: answered.to_string().into_bytes() }),
            sent_at: Timestamp::UNIX_EPOCH,
            received_at: Timestamp::UNIX_EPOCH,
            elapsed: Duration::ZERO,
            fault_before: None,
            cut_off: None,
        }
    }

    /// The findings on what the answer of a step of `lifecycle/workgroup` shows. Its request has the name `own`. Before
    /// it was a red `creation`, whose answer has an ARN, and then a blue call.
    fn found(step: &str, shown: &Value, status: u16, body: &Value) -> Vec<Option<Fault>> {
        let (contract, corpus) = &*LIBRARY;
        let case = corpus.get("lifecycle/workgroup").expect("the case");
        let position = |name: &str| case.calls.iter().position(|call| call.name.as_deref() == Some(name));
        let mut call = case.calls[position(step).expect("the step")].clone();
        call.shows = vec![serde_json::from_value(shown.clone()).expect("the form of what is shown")];
        let earlier = [
            exchange(&json!({ "name": "first", "colour": "red" }), 200, &json!({ "arn": "of the creation" })),
            exchange(&json!({ "name": "last", "colour": "blue" }), 200, &json!({ "arn": "of the last" })),
        ];
        assert_eq!(position("creation"), Some(0), "the case begins with the creation");
        let own = exchange(&json!({ "name": "own" }), status, body);
        let hidden = Masker::default();
        let judged = JudgedCase { case, contract, hidden: &hidden };
        let response = own.answer.as_ref().expect("an answer");
        let observation = Observation::new(judged, &call, &own, response, &earlier).expect("the operation");
        findings(&observation).into_iter().map(|(_, fault)| fault).collect()
    }

    /// What an answer says of what it should show.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Says {
        Nothing,
        Right,
        Wrong,
    }
    use Says::{Nothing, Right, Wrong};

    #[rstest]
    #[case::value("/a", json!({ "is": 7 }), json!({ "a": 7 }), Right)]
    #[case::another_value("/a", json!({ "is": 7 }), json!({ "a": 8 }), Wrong)]
    #[case::another_type("/a", json!({ "is": 7 }), json!({ "a": "7" }), Wrong)]
    #[case::absent("/a", json!({ "is": 7 }), json!({}), Nothing)]
    #[case::null("/a", json!({ "is": 7 }), json!({ "a": null }), Nothing)]
    #[case::no_object("/a", json!({ "is": 7 }), json!([7]), Nothing)]
    #[case::begins("/a", json!({ "begins": ["IAM:", "IAMR:"] }), json!({ "a": "IAMR:x" }), Right)]
    #[case::begins_otherwise("/a", json!({ "begins": ["IAM:", "IAMR:"] }), json!({ "a": "iam:x" }), Wrong)]
    #[case::begins_and_empty("/a", json!({ "begins": ["IAM:"] }), json!({ "a": "" }), Nothing)]
    #[case::begins_and_blank("/a", json!({ "begins": ["IAM:"] }), json!({ "a": " " }), Nothing)]
    #[case::begins_and_no_text("/a", json!({ "begins": ["IAM:"] }), json!({ "a": 7 }), Nothing)]
    #[case::sent("/a", json!({ "sent": "/name" }), json!({ "a": "own" }), Right)]
    #[case::sent_before("/a", json!({ "sent": "/name" }), json!({ "a": "last" }), Wrong)]
    #[case::sent_only_before("/a", json!({ "sent": "/colour" }), json!({ "a": "blue" }), Right)]
    #[case::sent_long_before("/a", json!({ "sent": "/colour" }), json!({ "a": "red" }), Wrong)]
    #[case::sent_by_nobody("/a", json!({ "sent": "/size" }), json!({ "a": "red" }), Nothing)]
    #[case::answered("/a", json!({ "answered": "creation/arn" }), json!({ "a": "of the creation" }), Right)]
    #[case::answered_by_another("/a", json!({ "answered": "creation/arn" }), json!({ "a": "of the last" }), Wrong)]
    #[case::answered_without_it("/a", json!({ "answered": "creation/id" }), json!({ "a": "x" }), Nothing)]
    #[case::answered_by_nobody("/a", json!({ "answered": "listed/arn" }), json!({ "a": "x" }), Nothing)]
    #[case::listed("/l/*/n", json!({ "sent": "/name" }), json!({ "l": [{ "n": "x" }, { "n": "own" }] }), Right)]
    #[case::not_listed("/l/*/n", json!({ "sent": "/name" }), json!({ "l": [{ "n": "x" }, {}] }), Wrong)]
    #[case::empty_list("/l/*/n", json!({ "sent": "/name" }), json!({ "l": [] }), Wrong)]
    #[case::no_list("/l/*/n", json!({ "sent": "/name" }), json!({ "l": "own" }), Nothing)]
    #[case::not_so_far("/l/*/n", json!({ "sent": "/name" }), json!({ "l": [], "nextToken": "t" }), Nothing)]
    #[case::so_far("/l/*/n", json!({ "sent": "/name" }), json!({ "l": [{ "n": "own" }], "nextToken": "t" }), Right)]
    #[case::token_of_null("/l/*/n", json!({ "sent": "/name" }), json!({ "l": [], "nextToken": null }), Wrong)]
    #[case::item("/l/*", json!({ "is": "own" }), json!({ "l": ["own"] }), Right)]
    #[case::gone("/l/*/n", json!({ "not-sent": "/name" }), json!({ "l": [{ "n": "x" }] }), Right)]
    #[case::not_gone("/l/*/n", json!({ "not-sent": "/name" }), json!({ "l": [{ "n": "own" }] }), Wrong)]
    #[case::gone_so_far("/l/*/n", json!({ "not-sent": "/name" }), json!({ "l": [], "nextToken": "t" }), Nothing)]
    #[case::not_gone_so_far("/l/*/n", json!({ "not-sent": "/name" }), json!({ "l": [{ "n": "own" }], "nextToken": "t" }), Wrong)]
    fn an_answer_is_held_against_what_came_before(
        #[case] at: &str,
        #[case] has: Value,
        #[case] body: Value,
        #[case] expected: Says,
    ) {
        let shown = json!({ "decides": "GC-LIFE-07", "at": at, "has": has });
        let says = match &found("listed", &shown, 200, &body)[..] {
            [] => Nothing,
            [None] => Right,
            [Some(Fault::Shown { at: place, .. })] if place == at => Wrong,
            others => panic!("{others:?}"),
        };
        assert_eq!(says, expected);
    }

    #[test]
    fn a_refusal_shows_nothing() {
        let shown = json!({ "decides": "GC-LIFE-06", "at": "/a", "has": { "is": 7 } });
        assert_eq!(found("available", &shown, 200, &json!({ "a": 8 })).len(), 1);
        assert_eq!(found("available", &shown, 400, &json!({ "a": 8 })), []);
    }

    #[test]
    fn the_list_of_an_operation_without_pages_ends_with_its_answer() {
        let shown = json!({ "decides": "GC-LIFE-06", "at": "/l/*", "has": { "is": 7 } });
        let found = found("available", &shown, 200, &json!({ "l": [], "nextToken": "t" }));
        assert!(matches!(&found[..], [Some(Fault::Shown { expected: ExpectedValue::Listed(_), .. })]), "{found:?}");
    }
}
