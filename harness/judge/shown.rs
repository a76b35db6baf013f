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
            ShownValue::NotSent(_) => return Some(None),
            _ if is_there => return Some(None),
            _ if goes_on(observation, body) => return None,
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
