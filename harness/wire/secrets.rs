//! What in an answer must not be quoted: the values behind names that say that they are secret,
//! wherever they stand.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use serde::de::{self, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::Response;
use super::decode::decode;
use super::mask::behind_secret_name;
use super::shown::{carries_credential, may_hold_secret};

/// So many different secrets of an answer are looked for, and so many bytes of them. A right answer
/// has two, of at most 191 characters; a session token has some thousand.
const MOST: usize = 100;
const MOST_BYTES: usize = 8 << 10;

/// Shorter texts are too likely to be part of an ordinary word.
const SHORTEST: usize = 4;

/// Shorter words in running text are too likely to be ordinary ones.
const SHORTEST_WORD: usize = 8;

/// JSON inside the texts of JSON is read so deep.
const DEEPEST_TEXT: usize = 3;

/// The secrets of one answer.
#[derive(Default)]
pub(super) struct Secrets {
    /// Each once.
    texts: BTreeSet<String>,
    bytes: usize,
    /// Whether there is more than can be looked for, so that no word of the answer is safe.
    too_many: bool,
}

impl Secrets {
    /// What an answer's body and its header fields give away. Nothing where it is more than can be
    /// looked for.
    pub(super) fn of(response: &Response) -> Option<Vec<String>> {
        let mut secrets = Self::default();
        let body = String::from_utf8_lossy(&response.body);
        let decoded = decode(&body);
        if !secrets.read_json(&body, 0) && [&body, &decoded].into_iter().any(|text| OPENED.is_match(text)) {
            // Nobody can tell where a list of secrets ends in what is no JSON.
            secrets.too_many = true;
        }
        secrets.read_text(&body);
        if matches!(decoded, Cow::Owned(_)) {
            secrets.read_text(&decoded);
        }
        for (name, value) in response.headers.iter() {
            secrets.read_field(name, value);
        }
        (!secrets.too_many).then(|| secrets.texts.into_iter().collect())
    }

    fn add(&mut self, text: &str) {
        let text = text.trim();
        if self.too_many || text.len() < SHORTEST {
            return;
        }
        if text.len() > MOST_BYTES {
            self.too_many = true;
        } else if self.texts.insert(text.to_owned()) {
            self.bytes += text.len();
            self.too_many = self.texts.len() > MOST || self.bytes > MOST_BYTES;
        }
    }

    /// Reads JSON as far as it is JSON, and says whether it is to its end. It is read once more than
    /// for judging, since there one of two members with the same name is lost.
    fn read_json(&mut self, text: &str, depth: usize) -> bool {
        let mut reader = serde_json::Deserializer::from_str(text);
        let whole = Reader { secrets: self, secret: false, depth }.deserialize(&mut reader).is_ok();
        whole && reader.end().is_ok()
    }

    /// Reads running text, XML, forms, and JSON inside texts.
    fn read_text(&mut self, text: &str) {
        // Most header fields have nothing that could separate a name from a value.
        if !text.contains([':', '=', '>']) {
            return;
        }
        for found in NAMED.captures_iter(text) {
            let (whole, value) = (&found[0], &found["value"]);
            let before = &whole[..whole.len() - value.len()];
            let opening = |c: char| c == '\\' || c == '"' || c == '\'';
            let quoted = value.strip_prefix("<![CDATA[").or_else(|| {
                value.starts_with(opening).then(|| value.trim_start_matches('\\').get(1..).unwrap_or_default())
            });
            if let Some(quoted) = quoted {
                self.add(quoted.trim_end_matches('\\'));
                self.add(&decode(quoted));
            } else {
                let marked = before.contains(['=', '>']) || value.contains(|c: char| c.is_ascii_digit());
                let shortest = if marked { SHORTEST } else { SHORTEST_WORD };
                if value.len() >= shortest && !["true", "false", "null", "none"].contains(&value) {
                    self.add(value);
                    self.add(value.trim_matches(|c: char| c.is_ascii_punctuation()));
                }
            }
            if self.too_many {
                return;
            }
        }
    }

    fn read_field(&mut self, name: &str, value: &str) {
        if may_hold_secret(name) && !name.eq_ignore_ascii_case("www-authenticate") {
            if carries_credential(name) {
                self.add(value);
            }
            let words = value.split(|c: char| c.is_whitespace() || ";,=\"".contains(c));
            words.filter(|word| word.len() >= SHORTEST_WORD).for_each(|word| self.add(word));
        }
        self.read_text(value);
        if let decoded @ Cow::Owned(_) = decode(value) {
            self.read_text(&decoded);
        }
    }
}

/// A password-like name, what separates it from its value, and the value.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    let value = r#"<!\[CDATA\[[^\]]*|\\+"[^"]*|"(?:[^"\\]|\\.)*|'[^']*|[^\s,<}&]+"#;
    behind_secret_name(&format!("(?<value>{value})"))
});

/// A password-like name with a list or an object behind it.
static OPENED: LazyLock<Regex> = LazyLock::new(|| behind_secret_name(r"[\[{]"));

/// Whether the name of a member says that its value is a secret, all that is in it included.
fn is_secret_name(name: &str) -> bool {
    const PARTS: [&str; 11] = [
        "passw",
        "passphrase",
        "pwd",
        "secret",
        "token",
        "signature",
        "credential",
        "dbuser",
        "accesskey",
        "apikey",
        "privatekey",
    ];
    let plain = plain(name);
    PARTS.iter().any(|part| plain.contains(part)) || ["pass", "user", "username", "authorization"].contains(&&*plain)
}

/// Whether a name below a secret one is one that many answers have, and so no secret itself.
fn is_known_name(name: &str) -> bool {
    const KNOWN: [&str; 14] = [
        "accesskeyid",
        "dbpassword",
        "dbuser",
        "expiration",
        "message",
        "name",
        "nextrefreshtime",
        "password",
        "secretaccesskey",
        "sessiontoken",
        "type",
        "user",
        "username",
        "value",
    ];
    KNOWN.contains(&&*plain(name))
}

/// A name without what joins its words, in lower case.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !"_- .".contains(*c)).map(|c| c.to_ascii_lowercase()).collect()
}

/// Reads a JSON value, and keeps what is a secret in it.
struct Reader<'a> {
    secrets: &'a mut Secrets,
    /// Whether the value stands somewhere behind a name that says so.
    secret: bool,
    /// How many texts this JSON stands in.
    depth: usize,
}

impl Reader<'_> {
    fn add(self, number: impl fmt::Display) {
        if self.secret {
            self.secrets.add(&number.to_string());
        }
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        // What is known to hold too many secrets need not be read further.
        if self.secrets.too_many { Err(D::Error::custom("enough")) } else { deserializer.deserialize_any(self) }
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<(), E> {
        self.add(number);
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<(), E> {
        self.add(number);
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<(), E> {
        self.add(number);
        Ok(())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        if self.secret {
            self.secrets.add(text);
        }
        if self.depth < DEEPEST_TEXT && text.trim_start().starts_with(['{', '[']) {
            self.secrets.read_json(text, self.depth + 1);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { secrets, secret, depth } = self;
        while items.next_element_seed(Reader { secrets, secret, depth })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self { secrets, secret, depth } = self;
        while let Some(name) = members.next_key::<String>()? {
            if secret && !is_known_name(&name) {
                secrets.add(&name);
            }
            members.next_value_seed(Reader { secrets, secret: secret || is_secret_name(&name), depth })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
