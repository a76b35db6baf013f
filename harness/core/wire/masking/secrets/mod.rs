//! Finds the secrets in an answer, which must not be quoted: the values behind names that say that they are secret.

mod json;
mod markup;
mod names;
mod prose;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::de::DeserializeSeed as _;

use self::json::Reader;
use self::names::is_no_value;
pub use self::names::is_password_name;
pub(super) use self::names::{is_secret_name, names_password};
use super::decode::{decode, decoded_codes};
use super::mask::is_known_by_form;
use super::show_message::{carries_credential, may_hold_secret};
use crate::wire::Response;

/// The most different secrets of an answer, and the most bytes of them, that are searched for in the answer itself. A
/// right answer has two, of at most 191 characters; a session token has about a thousand.
const MOST: usize = 100;
const MOST_BYTES: usize = 8 << 10;

/// The most secrets, and the most bytes of them, that are read from one answer and that are remembered from all
/// answers, to be searched for in later ones.
pub(super) const MOST_READ: usize = 5_000;
pub(super) const MOST_BYTES_READ: usize = 64 << 10;

/// Shorter texts are too likely to be part of an ordinary word, unless they are a password or a user.
const SHORTEST: usize = 4;

/// Shorter words in running text are too likely to be ordinary ones.
const SHORTEST_WORD: usize = 8;

/// How deep texts inside texts are read.
const DEEPEST_TEXT: usize = 3;

#[derive(Default)]
pub(super) struct Secrets {
    /// Each secret, and whether it is certain enough to be searched for in later answers.
    texts: BTreeMap<String, bool>,
    bytes: usize,
    /// Whether every value behind a secret name is certain to be a secret, as in a successful answer.
    success: bool,
    /// Whether no word of the answer itself may be shown: a secret is too long to search for, or a list of secrets is
    /// outside JSON, where its end is not certain.
    closed: bool,
    /// Whether a secret is too long to search for, and would not be masked in a later answer.
    lost: bool,
    /// What [`is_secret_name`] said of the first names of members: the items of a list have the same ones.
    names: HashMap<String, Option<usize>>,
}

impl Secrets {
    /// The secrets in an answer's body and header fields.
    pub(super) fn of(response: &Response) -> Self {
        let mut secrets = Self::of_fields(response);
        let body = text_of(&response.body);
        secrets.read_page(&body, None, 0);
        secrets.read_codes(&body, None, 0);
        secrets
    }

    /// The secrets in an answer's header fields.
    pub(super) fn of_fields(response: &Response) -> Self {
        let mut secrets = Self { success: (200..300).contains(&response.status), ..Self::default() };
        for (name, value) in response.headers.iter() {
            secrets.read_field(name, value);
        }
        secrets
    }

    /// The secrets to mask in the answer itself; `None` if they are more than can be searched for.
    pub(super) fn into_hidden(self) -> Option<Vec<String>> {
        let closed = self.closed || self.texts.len() > MOST || self.bytes > MOST_BYTES;
        (!closed).then(|| self.texts.into_keys().collect())
    }

    /// The secrets to mask in later answers, and whether these are all.
    pub(super) fn into_remembered(self) -> (Vec<String>, bool) {
        let complete = !self.is_full() && !self.lost;
        (self.texts.into_iter().filter(|(_, certain)| *certain).map(|(text, _)| text).collect(), complete)
    }

    /// [`is_secret_name`] of the name of a member.
    fn secret_name(&mut self, name: &str) -> Option<usize> {
        /// More different names are no list.
        const REMEMBERED: usize = 64;
        if let Some(known) = self.names.get(name) {
            return *known;
        }
        let least = is_secret_name(name);
        if self.names.len() < REMEMBERED {
            self.names.insert(name.to_owned(), least);
        }
        least
    }

    fn is_full(&self) -> bool {
        self.texts.len() > MOST_READ || self.bytes > MOST_BYTES_READ
    }

    fn add(&mut self, text: &str, least: usize, certain: bool) {
        let text = text.trim();
        if self.is_full() || text.is_empty() || text.len() < least {
            return;
        }
        if text.len() > MOST_BYTES {
            self.closed = true;
            self.lost |= certain && !is_known_by_form(text);
        } else if let Some(before) = self.texts.get_mut(text) {
            *before |= certain;
        } else {
            self.texts.insert(text.to_owned(), certain);
            self.bytes += text.len();
        }
    }

    /// Adds a text as it is, and the texts that it decodes to.
    fn add_both(&mut self, text: &str, least: usize) {
        self.add(text, least, true);
        if text.len() > MOST_BYTES {
            // It is too long to search for, and would take long to decode.
            return;
        }
        if let decoded @ Cow::Owned(_) = decode(text) {
            self.add(&decoded, least, true);
        }
        // Shorter texts are ordinary words, not codes.
        if text.len() >= SHORTEST_WORD {
            for decoded in decoded_codes(text.trim()) {
                // A user and a password, as in basic authentication.
                let (_, password) = decoded.split_once(':').unwrap_or_default();
                self.add(password, SHORTEST, true);
                self.add(&decoded, SHORTEST, true);
            }
        }
    }

    /// Reads a text of unknown format: JSON, XML, a form, lines, prose.
    fn read_page(&mut self, page: &str, least: Option<usize>, depth: usize) {
        let decoded = decode(page);
        let is_json = self.read_json(page, least, depth);
        for text in [Some(page), matches!(decoded, Cow::Owned(_)).then_some(&*decoded)].into_iter().flatten() {
            if !is_json {
                self.read_lists(text);
                self.read_blocks(text);
            }
            if text.contains('<') && text.contains('>') {
                markup::read(text, |text, least| self.add_both(text, least));
            }
            self.read_text(text, is_json);
        }
    }

    /// Decodes a text from base64 or hexadecimal and reads the result. The text may have lines, or parts like a JSON
    /// Web Token.
    fn read_codes(&mut self, text: &str, least: Option<usize>, depth: usize) {
        /// Shorter codes have no room for a name and a value.
        const SHORTEST_CODE: usize = 12;
        let text = text.trim().trim_matches('"');
        let is_code = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_=.\r\n".contains(&byte);
        if depth >= DEEPEST_TEXT || text.len() < SHORTEST_CODE || !text.bytes().all(is_code) {
            return;
        }
        for part in text.split('.').filter(|part| part.len() >= SHORTEST_CODE) {
            let code: String = part.split_ascii_whitespace().collect();
            for page in decoded_codes(&code).collect::<BTreeSet<_>>() {
                self.read_page(&page, least, depth + 1);
                self.read_codes(&page, least, depth + 1);
            }
        }
    }

    /// Reads JSON as far as it is valid, and returns whether all of it is. The value that is judged is not used here,
    /// because it has lost one of two members with the same name.
    fn read_json(&mut self, text: &str, least: Option<usize>, depth: usize) -> bool {
        let mut reader = serde_json::Deserializer::from_str(text);
        let whole = Reader { secrets: self, least, depth }.deserialize(&mut reader).is_ok();
        whole && reader.end().is_ok()
    }

    fn read_field(&mut self, name: &str, value: &str) {
        let is_about_others = ["www-authenticate", "user-agent"].iter().any(|other| name.eq_ignore_ascii_case(other))
            || name.get(..15).is_some_and(|start| start.eq_ignore_ascii_case("access-control-"));
        if (may_hold_secret(name) || is_secret_name(name).is_some()) && !is_about_others && !is_no_value(value) {
            let is_cookie = name.eq_ignore_ascii_case("set-cookie");
            if is_cookie {
                // The other parts of a cookie say how long and where it is valid.
                let pair = value.split(';').next().unwrap_or_default();
                self.add_both(pair.split_once('=').map_or(pair, |(_, value)| value).trim_matches('"'), SHORTEST);
            } else {
                self.add_both(
                    value,
                    if carries_credential(name) { SHORTEST } else { is_secret_name(name).unwrap_or(SHORTEST) },
                );
            }
            let words = value.split(|c: char| c.is_whitespace() || ";,=\"".contains(c));
            let words = words.filter(|word| word.len() >= SHORTEST_WORD);
            for word in words {
                if is_cookie {
                    self.add(word, SHORTEST_WORD, false);
                } else {
                    self.add_both(word, SHORTEST_WORD);
                }
            }
        }
        if value.starts_with(['{', '[']) {
            self.read_json(value, None, 1);
        }
        self.read_text(value, false);
        if let decoded @ Cow::Owned(_) = decode(value) {
            self.read_text(&decoded, false);
        }
    }
}

/// A body as text, without its byte order mark.
fn text_of(body: &[u8]) -> Cow<'_, str> {
    let units = |of: fn([u8; 2]) -> u16| {
        let units = body[2..].chunks_exact(2).map(move |pair| of([pair[0], pair[1]]));
        Cow::Owned(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
    };
    match body {
        [0xff, 0xfe, ..] => units(u16::from_le_bytes),
        [0xfe, 0xff, ..] => units(u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, text @ ..] | text => String::from_utf8_lossy(text),
    }
}

#[cfg(test)]
mod tests;
