use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A value with its type beside it, so that 900, 900.0 and 2147483648 survive every JSON reader:
/// `{"string":"a"}`, `{"integer":"900"}`, `{"timestamp":"1700000000","native":"datetime"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Form", into = "Form")]
#[schemars(with = "Form")]
pub struct Tagged {
    /// The value.
    pub value: Value,
    /// The type that it has in the SDK's language, where that is not the modelled one.
    pub native: Option<String>,
}

/// A value by its type. Numbers are texts, so that no digit is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text.
    String(String),
    /// A text that is not valid Unicode, in base64.
    Bytes(String),
    /// A whole number.
    Integer(String),
    /// Another number, or `NaN`, `Infinity`, `-Infinity`.
    Float(String),
    /// True or false.
    Boolean(bool),
    /// A point in time: seconds since 1970 in UTC, with a fraction where there is one.
    Timestamp(String),
    /// Null.
    Null,
    /// There, but undefined: a member of JavaScript.
    Undefined,
    /// Values in order.
    List(Vec<Tagged>),
    /// Values by name.
    Map(BTreeMap<String, Tagged>),
}

/// How a tagged value is written: exactly one tag, and `native` where it matters.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Form {
    /// A text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    string: Option<String>,
    /// A text that is not valid Unicode, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<String>,
    /// A whole number, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    integer: Option<String>,
    /// Another number, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    float: Option<String>,
    /// `"true"` or `"false"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    boolean: Option<Truth>,
    /// Seconds since 1970 in UTC, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
    /// Null: always true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    null: Option<bool>,
    /// There, but undefined: always true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    undefined: Option<bool>,
    /// Values in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    list: Option<Vec<Tagged>>,
    /// Values by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    map: Option<BTreeMap<String, Tagged>>,
    /// The type that it has in the SDK's language, where that is not the modelled one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    native: Option<String>,
}

/// True or false as text; JSON's own words are read too.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Truth {
    Text(TruthText),
    Plain(bool),
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum TruthText {
    True,
    False,
}

impl From<Value> for Tagged {
    fn from(value: Value) -> Self {
        Self { value, native: None }
    }
}

impl From<Tagged> for Form {
    fn from(Tagged { value, native }: Tagged) -> Self {
        let form = Self { native, ..Self::default() };
        match value {
            Value::String(text) => Self { string: Some(text), ..form },
            Value::Bytes(base64) => Self { bytes: Some(base64), ..form },
            Value::Integer(text) => Self { integer: Some(text), ..form },
            Value::Float(text) => Self { float: Some(text), ..form },
            Value::Boolean(truth) => {
                let text = if truth { TruthText::True } else { TruthText::False };
                Self { boolean: Some(Truth::Text(text)), ..form }
            }
            Value::Timestamp(text) => Self { timestamp: Some(text), ..form },
            Value::Null => Self { null: Some(true), ..form },
            Value::Undefined => Self { undefined: Some(true), ..form },
            Value::List(items) => Self { list: Some(items), ..form },
            Value::Map(members) => Self { map: Some(members), ..form },
        }
    }
}

impl TryFrom<Form> for Tagged {
    type Error = String;

    fn try_from(form: Form) -> Result<Self, String> {
        const TAGS: &str = "string, bytes, integer, float, boolean, timestamp, null, undefined, list or map";
        let Form { string, bytes, integer, float, boolean, timestamp, null, undefined, list, map, native } = form;
        if null == Some(false) || undefined == Some(false) {
            return Err("expected true for null and for undefined, found false".to_owned());
        }
        let truth = |truth| matches!(truth, Truth::Text(TruthText::True) | Truth::Plain(true));
        let mut values = [
            string.map(Value::String),
            bytes.map(Value::Bytes),
            integer.map(Value::Integer),
            float.map(Value::Float),
            boolean.map(|boolean| Value::Boolean(truth(boolean))),
            timestamp.map(Value::Timestamp),
            null.map(|_| Value::Null),
            undefined.map(|_| Value::Undefined),
            list.map(Value::List),
            map.map(Value::Map),
        ]
        .into_iter()
        .flatten();
        let Some(value) = values.next() else {
            return Err(format!("expected a value with a tag: {TAGS}; found none"));
        };
        if values.next().is_some() {
            return Err(format!("expected a value with one tag of {TAGS}; found several"));
        }
        if let Value::Integer(text) = &value
            && !is_whole(text)
        {
            return Err(format!("expected a whole number as text, found \"{text}\""));
        }
        if let Value::Float(text) | Value::Timestamp(text) = &value
            && text.parse::<f64>().is_err()
        {
            return Err(format!("expected a number as text, found \"{text}\""));
        }
        Ok(Self { value, native })
    }
}

/// Whether a text is a whole number of any size.
fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

impl Value {
    /// The word for its type, as in the tag.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::Integer(_) => "integer",
            Self::Float(_) => "float",
            Self::Boolean(_) => "boolean",
            Self::Timestamp(_) => "timestamp",
            Self::Null => "null",
            Self::Undefined => "undefined",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }

    /// Whether the value is null or undefined.
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Null | Self::Undefined)
    }

    /// Whether both mean the same: times, and numbers that are not whole, are compared by value, not by digits.
    pub fn means_same(&self, other: &Self) -> bool {
        let number = |text: &str| text.parse::<f64>().ok();
        self == other
            || if let (Self::Timestamp(one), Self::Timestamp(two)) | (Self::Float(one), Self::Float(two)) =
                (self, other)
            {
                number(one).is_some_and(|one| number(two) == Some(one))
            } else {
                false
            }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"{"string":"a"}"#)]
    #[case(r#"{"integer":"2147483648"}"#)]
    #[case(r#"{"float":"900.0"}"#)]
    #[case(r#"{"boolean":"false"}"#)]
    #[case(r#"{"null":true}"#)]
    #[case(r#"{"timestamp":"1700000000","native":"datetime[+00:00]"}"#)]
    #[case(r#"{"list":[{"string":"a"},{"map":{"b":{"undefined":true}}}]}"#)]
    fn a_value_is_written_as_it_was_read(#[case] text: &str) {
        let value: Tagged = serde_json::from_str(text).expect("a value");
        assert_eq!(serde_json::to_string(&value).expect("JSON"), text);
    }

    #[rstest]
    #[case::no_tag(r#"{"native":"int"}"#, "found none")]
    #[case::two_tags(r#"{"string":"a","integer":"1"}"#, "found several")]
    #[case::fraction(r#"{"integer":"1.5"}"#, "whole number")]
    #[case::no_number(r#"{"float":"many"}"#, "number as text")]
    #[case::not_null(r#"{"null":false}"#, "found false")]
    #[case::unknown(r#"{"text":"a"}"#, "unknown field")]
    fn a_wrong_value_is_refused(#[case] text: &str, #[case] message: &str) {
        let error = serde_json::from_str::<Tagged>(text).expect_err("it is wrong");
        assert!(error.to_string().contains(message), "{error}");
    }

    #[test]
    fn a_time_means_the_same_however_its_digits_are_written() {
        let time = |text: &str| Value::Timestamp(text.to_owned());
        assert!(time("1700000000").means_same(&time("1700000000.000")));
        assert!(!time("1700000000").means_same(&time("1700000001")));
        assert!(!time("1700000000").means_same(&Value::Integer("1700000000".to_owned())));
    }
}
