//! Values and outcomes as texts. Data is written as JSON and our own words without quotes, so that the text `"absent"`
//! differs from a missing value.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::sdk::record::{ErrorRecord, Loss, OutcomeRecord, SecretLikeness, ShownValue, Tagged, Value};

/// The word for a missing value.
pub(super) const ABSENT: &str = "absent";

/// The longest text that is shown of a value, in characters.
const LIMIT: usize = 300;

/// A text as JSON, cut if it is long.
pub(super) fn text(text: &str) -> String {
    serde_json::to_string(&cut(text)).expect("a text is JSON")
}

/// A text, cut if it is long.
pub(super) fn cut(text: &str) -> String {
    let mut characters = text.chars();
    let mut short: String = characters.by_ref().take(LIMIT).collect();
    let rest = characters.count();
    if rest > 0 {
        let _ = write!(short, "… and {rest} more characters");
    }
    short
}

pub(super) fn optional(value: Option<&str>) -> String {
    value.map_or_else(|| ABSENT.to_owned(), text)
}

pub(super) fn number<N: ToString>(value: Option<N>) -> String {
    value.map_or_else(|| ABSENT.to_owned(), |number| number.to_string())
}

/// A value, with its type if that is not obvious: `1700000000 (timestamp, datetime[+00:00])`.
pub(super) fn value_with_type(value: &ShownValue) -> String {
    match value.equals {
        Some(_) => format!("*** ({})", likeness(value)),
        None => match kind(&value.value) {
            kind if ["string", "integer", "boolean", "null", "undefined", "list", "map"].contains(&kind.as_str()) => {
                bare(&value.value)
            }
            kind => format!("{} ({kind})", bare(&value.value)),
        },
    }
}

/// A value without its type.
pub(super) fn bare(tagged: &Tagged) -> String {
    match &tagged.value {
        Value::String(value) => text(value),
        Value::Bytes(base64) => format!("bytes {}", cut(base64)),
        Value::Integer(number) | Value::Float(number) | Value::Timestamp(number) => cut(number),
        Value::Boolean(truth) => truth.to_string(),
        Value::Null => "null".to_owned(),
        Value::Undefined => "undefined".to_owned(),
        Value::List(items) => {
            let items: Vec<_> = items.iter().map(bare).collect();
            cut(&format!("[{}]", items.join(", ")))
        }
        Value::Map(members) => {
            let members: Vec<_> =
                members.iter().map(|(name, value)| format!("{}: {}", text(name), bare(value))).collect();
            cut(&format!("{{{}}}", members.join(", ")))
        }
    }
}

/// The type of a value: `timestamp, datetime[naive]`.
pub(super) fn kind(tagged: &Tagged) -> String {
    let kind = tagged.value.kind();
    tagged.native.as_ref().map_or_else(|| kind.to_owned(), |native| format!("{kind}, {}", cut(native)))
}

/// How a masked value relates to the one that was sent.
pub(super) fn likeness(value: &ShownValue) -> String {
    let words = match value.equals {
        Some(SecretLikeness::Sent) => "as it was sent",
        Some(SecretLikeness::Beginning) => "the beginning of what was sent",
        Some(SecretLikeness::End) => "the end of what was sent",
        Some(SecretLikeness::Longer) => "what was sent and something more",
        Some(SecretLikeness::Changed) => "what was sent, but for blanks or letter case",
        Some(SecretLikeness::Other) => "another than was sent",
        Some(SecretLikeness::NotSent) => "none was sent",
        None => "not masked",
    };
    match value.characters {
        Some(characters) => format!("{words}, {characters} characters"),
        None => words.to_owned(),
    }
}

/// The outcome of a call, without values: `result`, `error ValidationException`, `no answer`.
pub(super) fn outcome(outcome: &OutcomeRecord) -> String {
    match outcome {
        OutcomeRecord::Result { result, .. } if result.is_empty() => "an empty result".to_owned(),
        OutcomeRecord::Result { .. } => "a result".to_owned(),
        OutcomeRecord::Error { error, .. } => format!("error {}", name(error)),
        OutcomeRecord::Lost { reason: Loss::Deadline } => "no answer in time".to_owned(),
        OutcomeRecord::Lost { reason: Loss::Died } => "the end of the process".to_owned(),
        OutcomeRecord::Lost { reason: Loss::Garbled } => "no readable answer".to_owned(),
    }
}

/// The outcome of a call, with its values.
pub(super) fn outcome_in_full(outcome_record: &OutcomeRecord) -> String {
    match outcome_record {
        OutcomeRecord::Result { result, .. } if !result.is_empty() => cut(&format!("result {{{}}}", members(result))),
        OutcomeRecord::Error { error, .. } => match &error.message {
            Some(message) => format!("{}: {}", outcome(outcome_record), text(message)),
            None => outcome(outcome_record),
        },
        other @ (OutcomeRecord::Result { .. } | OutcomeRecord::Lost { .. }) => outcome(other),
    }
}

/// The members of a result with their values.
pub(super) fn members(members: &BTreeMap<String, ShownValue>) -> String {
    members.iter().map(|(name, value)| format!("{name}: {}", value_with_type(value))).collect::<Vec<_>>().join(", ")
}

/// An error by its class, and by its code if that differs.
pub(super) fn name(error: &ErrorRecord) -> String {
    match &error.code {
        Some(code) if *code != error.class => format!("{} with code {}", cut(&error.class), cut(code)),
        _ => cut(&error.class),
    }
}
