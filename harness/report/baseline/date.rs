//! A day in a file: `2026-11-22` and no other form.

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serializer, de};

#[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
pub(super) fn serialize<S: Serializer>(date: &Option<Date>, serializer: S) -> Result<S::Ok, S::Error> {
    match date {
        Some(date) => serializer.collect_str(date),
        None => serializer.serialize_none(),
    }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let date = text.parse::<Date>().ok().filter(|date| date.to_string() == text);
    date.map(Some).ok_or_else(|| de::Error::custom(format!("expected a day such as 2026-11-22, found \"{text}\"")))
}
