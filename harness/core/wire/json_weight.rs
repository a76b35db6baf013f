//! How much memory a JSON text takes once it is read.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The most memory that the values of one text may take, in bytes: 6 MiB, about four times that of a hundred workgroups
/// with all their members. A text of a mebibyte can hold a hundred thousand objects, and take a hundred times as much.
const LIMIT: usize = 6 << 20;

/// The longest text that takes less memory, whatever is in it.
const LIGHT: usize = 64 << 10;

/// A value by itself, twice because lists grow by doubling.
const VALUE: usize = 64;

/// The room of an object for its first eleven members.
const OBJECT: usize = 640;

/// One more member of an object, without its name.
const MEMBER: usize = 96;

/// Whether a text takes more memory than it may. Of a text that is no JSON, the part before the fault counts.
pub(super) fn is_heavy(text: &[u8]) -> bool {
    if text.len() <= LIGHT {
        return false;
    }
    let mut left = Some(LIMIT);
    let mut json = serde_json::Deserializer::from_slice(text);
    let _ = Scale(&mut left).deserialize(&mut json);
    left.is_none()
}

/// What is left of the limit; `None` once it is used up.
struct Scale<'a>(&'a mut Option<usize>);

impl Scale<'_> {
    fn take<E: Error>(&mut self, weight: usize) -> Result<(), E> {
        *self.0 = self.0.and_then(|left| left.checked_sub(weight));
        self.0.map(drop).ok_or_else(|| E::custom("too heavy"))
    }
}

impl<'de> DeserializeSeed<'de> for Scale<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scale<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(mut self, text: &str) -> Result<(), E> {
        self.take(text.len())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Scale(self.0))?.is_some() {
            self.take(VALUE)?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        let mut first = true;
        while let Some(name) = members.next_key::<std::borrow::Cow<'de, str>>()? {
            self.take(name.len() + if first { OBJECT } else { MEMBER })?;
            first = false;
            members.next_value_seed(Scale(self.0))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const MEBIBYTE: usize = 1 << 20;

    fn list(item: &str) -> String {
        format!("[{}{item}]", format!("{item},").repeat(MEBIBYTE / (item.len() + 1)))
    }

    #[rstest]
    #[case::objects(list(r#"{"a":0}"#), true)]
    #[case::numbers(list("0"), true)]
    #[case::one_text(format!("\"{}\"", "a".repeat(MEBIBYTE)), false)]
    #[case::what_is_no_json(format!("{}}}", list("\"ab\"")), true)]
    #[case::depth("[".repeat(MEBIBYTE), false)]
    #[case::a_hundred_workgroups(format!("[{}0]", format!("{{{}\"z\":0}},", r#""member":{"key":"value","list":[1,2]},"#.repeat(30)).repeat(100)), false)]
    fn a_text_with_very_many_values_is_heavy(#[case] text: String, #[case] expected: bool) {
        assert_eq!(is_heavy(text.as_bytes()), expected);
    }
}
