//! What a recording holds. The doc comments here become the descriptions in `schemas/recording.schema.json`.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Number;

use crate::verdict::RecordedTarget;

/// The version of the format.
pub const VERSION: u32 = 1;

/// What a target answered to the calls of one case, without its values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// The JSON Schema of this file, for editors.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The version of this format: 1.
    pub version: u32,
    /// The id of the case; of a family, with the name of the member.
    pub case: String,
    /// What answered. Only `aws` is ever counted as AWS.
    pub of: RecordedTarget,
    /// The region that the requests were signed for.
    pub region: String,
    /// The day in UTC on which it was recorded: `2026-11-22`.
    #[serde(serialize_with = "write_day", deserialize_with = "read_day")]
    #[schemars(with = "String", regex(pattern = r"^\d{4}-\d{2}-\d{2}$"))]
    pub date: Date,
    /// The version of the suite that it was recorded with.
    pub suite_version: u32,
    /// The answers to the calls of the case, in order. Calls that set something up or undo it are not recorded.
    pub answers: Vec<RecordedAnswer>,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RecordedAnswer")]
pub struct RecordedAnswer {
    /// The status code.
    #[schemars(range(min = 200, max = 999))]
    pub status: u16,
    /// The bare name of the error; absent for a success and for an error without a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The header fields by name, in small letters. Only the media type, the encoding and the name of an error have their
    /// value here; the others have null.
    pub headers: BTreeMap<String, Option<String>>,
    /// How many seconds its `Date` was ahead of the clock of this machine, rounded to tens; absent without a `Date`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<i64>,
    /// The body.
    pub body: RecordedBody,
}

/// The body of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RecordedBody {
    /// Nothing.
    Empty,
    /// JSON, by its shape.
    Json(Shape),
    /// Text that is not JSON: its first words, masked.
    Text(String),
    /// Bytes that are not UTF-8: the first two in hexadecimal, which tell an encoding.
    Bytes(String),
    /// JSON that is too large or too deep to be recorded.
    Unread,
}

/// The shape of a JSON value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// `null`.
    Null,
    /// A boolean. It gives nothing away, so its value is here.
    Boolean(bool),
    /// A number.
    Number(NumberShape),
    /// A text.
    Text(TextShape),
    /// A list, item by item. The items are sorted by their shapes.
    List(Vec<Shape>),
    /// An object. Names that may be a secret are masked.
    Object(BTreeMap<String, Shape>),
}

/// The shape of a number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NumberShape {
    /// The number, if it belongs to a documented member that is no secret and no point in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>")]
    pub value: Option<Number>,
    /// Of a documented point in time: how many seconds it is behind the end of the call, rounded to tens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<i64>,
    /// Whether it is written with a fraction or an exponent.
    #[serde(skip_serializing_if = "is_false")]
    pub fraction: bool,
}

/// The shape of a text. At most one of `value`, `sent`, `begins` and `form` stands beside its length.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TextShape {
    /// How many characters it has; absent beside a value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1_048_576))]
    pub length: Option<usize>,
    /// The text, masked: the name or the message of an error, or one of the values that the contract lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The JSON pointer of the member of the request that had the same text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<String>,
    /// What it begins with, if the case asks for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub begins: Option<String>,
    /// What it looks like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<TextForm>,
}

/// What a text looks like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TextForm {
    /// White space and control characters only.
    Blank,
    /// A point in time, with each digit as 0: `0000-00-00T00:00:00Z`.
    Time(String),
    /// An ARN without its account and its name.
    Arn(String),
    /// A documented name or id, with each letter and digit as x: `xxx.xxxxxxx.xxx`.
    Name(String),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn write_day<S: Serializer>(day: &Date, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(day)
}

fn read_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let text = String::deserialize(deserializer)?;
    let day = text.parse::<Date>().ok().filter(|day| day.to_string() == text);
    day.ok_or_else(|| de::Error::custom("expected a day such as 2026-11-22"))
}
