//! Secrets among the members of JSON.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::names::{LABELS, is_labelled, is_secret_name, is_time, is_time_name};
use super::{DEEPEST_TEXT, MOST_BYTES, SHORTEST, Secrets};
use crate::wire::masking::public_words::{is_public_name, squeezed};

/// Shorter numbers are probably counts, whatever their name.
const SHORTEST_NUMBER: usize = 3;

/// Reads a JSON value, keeps the secrets in it, and returns the value if it is a text.
pub(super) struct Reader<'a> {
    pub(super) secrets: &'a mut Secrets,
    /// The least length of a secret; `None` if no name above the value says that it is secret.
    pub(super) least: Option<usize>,
    /// How many texts this JSON is nested in.
    pub(super) depth: usize,
}

impl Reader<'_> {
    fn add(self, number: impl fmt::Display) -> Option<String> {
        if let Some(least) = self.least {
            self.secrets.add(&number.to_string(), least.max(SHORTEST_NUMBER), true);
        }
        None
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        // After too many secrets, no more need to be read.
        if self.secrets.is_full() { Err(D::Error::custom("enough")) } else { deserializer.deserialize_any(self) }
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(self.add(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(self.add(number))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(self.add(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        let Self { secrets, least, depth } = self;
        if let Some(least) = least {
            secrets.add_both(text, least);
        }
        if depth < DEEPEST_TEXT {
            if text.trim_start().starts_with(['{', '[']) {
                secrets.read_json(text, least, depth + 1);
            } else {
                secrets.read_codes(text, least, depth);
            }
        }
        Ok((text.len() <= MOST_BYTES).then(|| text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let Self { secrets, least, depth } = self;
        let (mut first, mut second, mut count) = (None, None, 0);
        let mut letters = String::new();
        let mut is_of_letters = least.is_some();
        while let Some(text) = items.next_element_seed(Reader { secrets, least, depth })? {
            if is_of_letters {
                let letter = text.as_deref().filter(|text| text.chars().count() == 1 && letters.len() < MOST_BYTES);
                is_of_letters = letter.is_some();
                letters.push_str(letter.unwrap_or_default());
            }
            match count {
                0 => first = text,
                1 => second = text,
                _ => {}
            }
            count += 1;
        }
        if let Some(least) = least.filter(|_| is_of_letters) {
            secrets.add_both(&letters, least);
        }
        // A name and its value, as in a list of header fields.
        if let (2, Some(name), Some(value)) = (count, first, second)
            && let Some(least) = is_secret_name(&name)
        {
            secrets.add_both(&value, least);
        }
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let Self { secrets, least, depth } = self;
        let (mut labelled, mut values) = (None, Vec::new());
        while let Some(name) = members.next_key::<String>()? {
            if least.is_some() && !is_public_name(&name) {
                secrets.add(&name, SHORTEST, true);
            }
            let own = secrets.secret_name(&name);
            let inner = match least {
                // The time when credentials end is not secret, and differs in each answer.
                Some(SHORTEST) if own.is_none() && is_time_name(&name) => None,
                Some(least) => Some(own.map_or(least, |own| own.min(least))),
                None => own,
            };
            let text = members.next_value_seed(Reader { secrets, least: inner, depth })?;
            if let Some(text) = text {
                if let (Some(least), None) = (least, inner)
                    && !is_time(&text)
                {
                    secrets.add_both(&text, least);
                }
                let squeezed_name = squeezed(&name);
                if LABELS.contains(&&*squeezed_name) {
                    labelled = labelled.or_else(|| is_secret_name(&text));
                } else if is_labelled(&squeezed_name) {
                    values.push(text);
                }
            }
        }
        if let Some(least) = labelled {
            for value in values {
                secrets.add_both(&value, least);
            }
        }
        Ok(None)
    }
}
