//! Compares bodies: as JSON, member by member; if that is equal, as bytes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::show::{self, ABSENT};
use super::{ChangeClass, SdkChange};
use crate::sdk::cases::InOrder;
use crate::sdk::record::BodyRecord;

pub(super) fn compare(old: &BodyRecord, new: &BodyRecord) -> Vec<SdkChange> {
    match (&old.json, &new.json) {
        _ if old == new => Vec::new(),
        (Some(Value::Object(was)), Some(Value::Object(is))) if was != is => {
            let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
            names.into_iter().filter_map(|name| member(name, was.get(name), is.get(name))).collect()
        }
        (Some(was), Some(is)) if was == is => {
            let how = spelling_difference(raw(old), raw(new));
            let meaning = "The service reads the same; only what compares or hashes raw bodies, such as a recording, sees a difference.";
            let change =
                SdkChange::new(ChangeClass::Bytes, "body bytes", show::cut(raw(old)), show::cut(raw(new)), meaning);
            vec![change.grouped(format!("body bytes: {how}"))]
        }
        _ => {
            let meaning = "The service is sent another body.";
            vec![SdkChange::new(ChangeClass::Wire, "body", text(old), text(new), meaning)]
        }
    }
}

pub(super) fn raw(body: &BodyRecord) -> &str {
    body.text.as_deref().or(body.base64.as_deref()).unwrap_or_default()
}

fn text(body: &BodyRecord) -> String {
    match (&body.text, &body.base64) {
        (Some(text), _) => show::text(text),
        (None, Some(base64)) => format!("bytes {}", show::cut(base64)),
        (None, None) => "nothing".to_owned(),
    }
}

fn member(name: &str, old: Option<&Value>, new: Option<&Value>) -> Option<SdkChange> {
    if old == new {
        return None;
    }
    let what = format!("body member {}", show::cut(name));
    let value_text =
        |value: Option<&Value>| value.map_or_else(|| ABSENT.to_owned(), |value| show::cut(&value.to_string()));
    let of_any = |sign: &str| format!("body members {sign}");
    let (group, cause, meaning) = match (old, new) {
        (Some(_), None) => (
            format!("{what} no longer sent"),
            of_any("no longer sent"),
            format!("What the caller gives as {name} no longer reaches the service."),
        ),
        (None, Some(Value::Null)) => (
            format!("{what} sent as null"),
            of_any("sent as null"),
            format!("The service is sent null for {name}, which nobody gave; strict servers refuse it."),
        ),
        (None, Some(_)) => (
            format!("{what} sent"),
            of_any("sent that were not"),
            format!("The service is sent {name}, which it was not."),
        ),
        (Some(was), Some(is)) if kind(was) != kind(is) => (
            format!("{what} type {} -> {}", kind(was), kind(is)),
            of_any(&format!("of type {} -> {}", kind(was), kind(is))),
            format!("The service is sent {name} as another type, which it may refuse."),
        ),
        (was, is) => {
            let group = format!("{what} {} -> {}", value_text(was), value_text(is));
            let cause = format!("another value of {what}");
            (group, cause, format!("The service is sent another {name} for the same input."))
        }
    };
    let change = SdkChange::new(ChangeClass::Wire, what, value_text(old), value_text(new), meaning);
    Some(change.grouped(group).caused_by(cause))
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

/// How two spellings of the same JSON differ.
fn spelling_difference(old: &str, new: &str) -> &'static str {
    if tight(old) == tight(new) {
        "blanks"
    } else if order(old) != order(new) {
        "order of members"
    } else {
        "letters and numbers written otherwise"
    }
}

/// JSON without the blanks outside of its texts.
fn tight(json: &str) -> String {
    let (mut inside, mut escaped) = (false, false);
    let is_kept = |character: &char| {
        let keep = inside || !character.is_ascii_whitespace();
        match character {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => inside = !inside,
            _ => {}
        }
        keep
    };
    json.chars().filter(is_kept).collect()
}

/// The names of the members of an object, in the order of the text.
fn order(json: &str) -> Vec<String> {
    let members = serde_json::from_str::<InOrder<serde::de::IgnoredAny>>(json);
    members.map(|members| members.iter().map(|(name, _)| name.to_owned()).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::blanks(r#"{"a": 1, "b": "x y"}"#, r#"{"a":1,"b":"x y"}"#, "blanks")]
    #[case::order(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#, "order of members")]
    #[case::escapes(r#"{"a":"é"}"#, r#"{"a":"\u00e9"}"#, "letters and numbers written otherwise")]
    #[case::blanks_in_a_text_count(r#"{"a":" \" "}"#, r#"{"a":"\u0020\" "}"#, "letters and numbers written otherwise")]
    fn how_the_same_json_is_written_otherwise_is_told(#[case] old: &str, #[case] new: &str, #[case] expected: &str) {
        assert_eq!(spelling_difference(old, new), expected);
    }
}
