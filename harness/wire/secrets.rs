//! What in an answer must not be quoted: the values behind names that say that they are secret,
//! wherever they stand.

mod markup;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use regex::Regex;
use serde::de::{self, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::Response;
use super::decode::decode;
use super::mask::{PASSWORD_IN_SENTENCE, behind_secret_name, is_seen_by_form};
use super::public_words::{is_public_name, plain};
use super::shown::{carries_credential, may_hold_secret};
use super::veil::decoded_codes;

/// So many different secrets of an answer are looked for in its own words, and so many bytes of them. A
/// right answer has two, of at most 191 characters; a session token has some thousand.
const MOST: usize = 100;
const MOST_BYTES: usize = 8 << 10;

/// So many are read, to be looked for in later answers.
const MOST_READ: usize = 5_000;
const MOST_BYTES_READ: usize = 64 << 10;

/// Shorter texts are too likely to be part of an ordinary word, unless they are a password or a user.
const SHORTEST: usize = 4;

/// Shorter words in running text are too likely to be ordinary ones.
const SHORTEST_WORD: usize = 8;

/// JSON inside the texts of JSON is read so deep.
const DEEPEST_TEXT: usize = 3;

/// The secrets of one answer.
#[derive(Default)]
pub(super) struct Secrets {
    /// Each once, and whether it is certain enough to be looked for in later answers.
    texts: BTreeMap<String, bool>,
    bytes: usize,
    /// Whether all that an answer says of secrets is taken at its word, as of a success.
    success: bool,
    /// Whether there is more than can be read.
    too_many: bool,
    /// Whether a list of secrets stands in what is no JSON, where nobody can tell where it ends.
    unbounded: bool,
    /// Whether one is too long to be looked for, and whether that one would be seen in a later answer.
    too_long: bool,
    lost: bool,
}

impl Secrets {
    /// What an answer's body and its header fields give away.
    pub(super) fn of(response: &Response) -> Self {
        let mut secrets = Self { success: (200..300).contains(&response.status), ..Self::default() };
        let body = String::from_utf8_lossy(&response.body);
        let decoded = decode(&body);
        let is_json = secrets.read_json(body.trim_start_matches('\u{feff}'), None, 0);
        for text in [Some(&*body), matches!(decoded, Cow::Owned(_)).then_some(&*decoded)].into_iter().flatten() {
            if !is_json {
                secrets.read_lists(text);
            }
            if text.contains("</") || text.contains("/>") {
                markup::read(text, |text, least| secrets.add_both(text, least));
            }
            secrets.read_text(text, is_json);
        }
        for (name, value) in response.headers.iter() {
            secrets.read_field(name, value);
        }
        secrets
    }

    /// What must not be shown of the answer itself; nothing where it is more than can be looked for.
    pub(super) fn to_hide(self) -> Option<Vec<String>> {
        let closed = self.unbounded || self.too_long || self.texts.len() > MOST || self.bytes > MOST_BYTES;
        (!closed).then(|| self.texts.into_keys().collect())
    }

    /// What must not be shown of later answers, and whether that is all of it.
    pub(super) fn to_remember(self) -> (Vec<String>, bool) {
        let complete = !self.too_many && !self.lost;
        (self.texts.into_iter().filter(|(_, certain)| *certain).map(|(text, _)| text).collect(), complete)
    }

    fn add(&mut self, text: &str, least: usize, certain: bool) {
        let text = text.trim();
        if self.too_many || text.is_empty() || text.len() < least {
            return;
        }
        if text.len() > MOST_BYTES {
            self.too_long = true;
            self.lost |= certain && is_seen_by_form(text);
        } else if let Some(before) = self.texts.get_mut(text) {
            *before |= certain;
        } else {
            self.texts.insert(text.to_owned(), certain);
            self.bytes += text.len();
            self.too_many = self.texts.len() > MOST_READ || self.bytes > MOST_BYTES_READ;
        }
    }

    /// Adds a text as it stands and as a reader would see it, who decodes it where it is encoded.
    fn add_both(&mut self, text: &str, least: usize) {
        self.add(text, least, true);
        if let decoded @ Cow::Owned(_) = decode(text) {
            self.add(&decoded, least, true);
        }
        // Shorter ones are words that are no code.
        if text.len() >= SHORTEST_WORD {
            for decoded in decoded_codes(text.trim()) {
                // As in the header field of basic authentication.
                let (_, password) = decoded.split_once(':').unwrap_or_default();
                self.add(password, SHORTEST, true);
                self.add(&decoded, SHORTEST, true);
            }
        }
    }

    /// Reads JSON as far as it is JSON, and says whether it is to its end. It is read once more than
    /// for judging, since there one of two members with the same name is lost.
    fn read_json(&mut self, text: &str, least: Option<usize>, depth: usize) -> bool {
        let mut reader = serde_json::Deserializer::from_str(text);
        let whole = Reader { secrets: self, least, depth }.deserialize(&mut reader).is_ok();
        whole && reader.end().is_ok()
    }

    /// Reads what stands in lists and objects behind secret names, in what is no JSON.
    fn read_lists(&mut self, text: &str) {
        let mut read = 0;
        for found in OPENED.find_iter(text) {
            self.unbounded = true;
            let end = text.floor_char_boundary(text.len().min(found.end() + MOST_BYTES));
            let list = &text[read.max(found.end()).min(end)..end];
            read = end;
            let first = list.split([']', '}']).next().unwrap_or_default();
            if !first.contains(['"', '\'']) {
                let words = first.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !is_public_name(word));
                words.for_each(|word| self.add(word, SHORTEST, true));
            }
            for item in QUOTED.captures_iter(list) {
                let quoted = item.get(1).or_else(|| item.get(2)).map_or("", |quoted| quoted.as_str());
                if !is_public_name(quoted) {
                    self.add_both(quoted, SHORTEST);
                }
            }
            if self.too_many {
                return;
            }
        }
    }

    /// Reads running text, XML, forms, and JSON inside texts.
    fn read_text(&mut self, text: &str, is_json: bool) {
        // Most header fields have nothing that could separate a name from a value.
        if !text.contains([':', '=', '>']) {
            return;
        }
        for found in NAMED.captures_iter(text) {
            let (whole, value) = (found.get(0).expect("the whole is there"), &found["value"]);
            let before = &whole.as_str()[..whole.len() - value.len()];
            let opening = |c: char| c == '\\' || c == '"' || c == '\'';
            let quoted = value.strip_prefix("<![CDATA[").or_else(|| {
                value.starts_with(opening).then(|| value.trim_start_matches('\\').get(1..).unwrap_or_default())
            });
            if let Some(quoted) = quoted {
                let quoted = quoted.trim_end_matches('\\');
                let is_member = before.contains(['"', '\'']) || before.contains(['=', '>']);
                let certain = self.success || is_member || !is_json || !is_word(quoted);
                self.add(quoted, SHORTEST, certain);
                self.add(&decode(quoted), SHORTEST, certain);
            } else {
                let marked = before.contains(['=', '>']) || value.contains(|c: char| c.is_ascii_digit());
                let line = if is_json { None } else { rest_of_line(text, whole.start(), whole.end() - value.len()) };
                let shortest = if marked || line.is_some() { SHORTEST } else { SHORTEST_WORD };
                let bare = value.trim_matches(|c: char| c.is_ascii_punctuation());
                let certain = self.success || before.contains(['=', '>']) || line.is_some() || !is_word(bare);
                if value.len() >= shortest && !is_no_value(value) {
                    self.add(value, SHORTEST, certain);
                    self.add(bare, SHORTEST, certain);
                }
                // A field of a form, or of a page of lines, has a name of its own and may be short or have spaces.
                let field = field(text, whole.start(), before);
                if let Some((name, value)) = field.map(|name| (name, value)).or(line)
                    && let Some(least) = is_secret_name(name)
                    && !is_no_value(value)
                {
                    self.add_both(value, least);
                    if before.contains('=') && value.contains('+') {
                        self.add_both(&value.replace('+', " "), least);
                    }
                }
            }
            if self.too_many {
                return;
            }
        }
        for found in PASSWORD_IN_SENTENCE.captures_iter(text) {
            let value = found["value"].trim_matches(['"', '\'', '`', '\\']);
            let certain = self.success || !is_word(value);
            self.add(value, SHORTEST, certain);
            self.add(&decode(value), SHORTEST, certain);
        }
        for user_info in USER_INFO.captures_iter(text) {
            self.add_both(&user_info[1], SHORTEST);
        }
        for part in PART_OF_FORM.captures_iter(text) {
            if let Some(least) = is_secret_name(&part["name"]) {
                self.add_both(&part["value"], least);
            }
        }
    }

    fn read_field(&mut self, name: &str, value: &str) {
        let is_about_others = ["www-authenticate", "user-agent"].iter().any(|other| name.eq_ignore_ascii_case(other))
            || name.get(..15).is_some_and(|start| start.eq_ignore_ascii_case("access-control-"));
        if may_hold_secret(name) && !is_about_others && !is_no_value(value) {
            let is_cookie = name.eq_ignore_ascii_case("set-cookie");
            if is_cookie {
                // The other parts of it say how long and where it is good.
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

/// Whether a text has nothing but letters, as an ordinary word.
fn is_word(text: &str) -> bool {
    text.chars().all(char::is_alphabetic)
}

/// Whether a text says that there is no value, or only whether there is one.
fn is_no_value(text: &str) -> bool {
    ["true", "false", "null", "none", "yes", "no"].iter().any(|word| word.eq_ignore_ascii_case(text.trim()))
}

/// Name and value of a line that is a secret name, a colon or an equals sign, and a value, and nothing else; `at` is
/// where the name begins, or is about to end, and `value` where the value does.
fn rest_of_line(text: &str, at: usize, value: usize) -> Option<(&str, &str)> {
    const LONGEST_NAME: usize = 40;
    const LONGEST_VALUE: usize = 1_000;
    let before = &text[text.ceil_char_boundary(at.saturating_sub(LONGEST_NAME))..at];
    let start = match before.rfind('\n') {
        Some(end) => at - before.len() + end + 1,
        None if before.len() == at => 0,
        None => return None,
    };
    let behind = &text[value..text.floor_char_boundary(text.len().min(value + LONGEST_VALUE))];
    let end = match behind.find('\n') {
        Some(end) => value + end,
        None if value + behind.len() == text.len() => text.len(),
        None => return None,
    };
    let name = text[start..value].trim_end().trim_end_matches([':', '=']).trim();
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_-. ".contains(c);
    let separator = &text[at..value];
    let is_line = name.chars().all(is_name) && separator.contains([':', '=']) && !separator.contains('\n');
    is_line.then(|| (name, text[value..end].trim()))
}

/// The name of a field of a form or of a URL's query, of which a secret name is the end.
fn field<'t>(text: &'t str, at: usize, before: &str) -> Option<&'t str> {
    let name = before.strip_suffix('=')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.[]".contains(c);
    let start = text[..at].len() - text[..at].bytes().rev().take_while(|byte| is_name(char::from(*byte))).count();
    let starts = start == 0 || text[..start].ends_with(['&', '?', ';']);
    (starts && name.chars().all(is_name)).then(|| &text[start..at + name.len()])
}

/// The password in a URL.
static USER_INFO: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"://[^/\s:@"'<>]*:([^/\s@"'<>]+)@"#).expect("the pattern is valid"));

/// A part of a form of several parts, with its name and its value.
static PART_OF_FORM: LazyLock<Regex> = LazyLock::new(|| {
    let pattern =
        r#"(?i)form-data;[^\r\n]*\bname="?(?<name>[^"\r\n;]+)"?[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n(?<value>[^\r\n]+)"#;
    Regex::new(pattern).expect("the pattern is valid")
});

/// A text in quotes, or one whose end is missing.
static QUOTED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#""((?:[^"\\]|\\.)*)|'([^']*)"#).expect("the pattern is valid"));

/// A password-like name, what separates it from its value, and the value.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    let value = r#"<!\[CDATA\[[^\]]*|\\+"[^"]*|"(?:[^"\\]|\\.)*|'[^']*|[^\s,<}&]+"#;
    behind_secret_name(&format!("(?<value>{value})"))
});

/// A password-like name with a list or an object behind it.
static OPENED: LazyLock<Regex> = LazyLock::new(|| behind_secret_name(r"[\[{]"));

/// The least length of a secret behind this name, where it says that its value is one, all that is in it
/// included: passwords and users may have any.
fn is_secret_name(name: &str) -> Option<usize> {
    const OF_PASSWORDS: [&str; 10] =
        ["passw", "passphrase", "pwd", "secret", "dbuser", "kennwort", "motdepasse", "contrase", "senha", "пароль"];
    const OF_OTHERS: [&str; 6] = ["token", "signature", "credential", "accesskey", "apikey", "privatekey"];
    // Longer texts are sentences.
    if name.len() > 100 {
        return None;
    }
    let plain = plain(name);
    let holds = |parts: &[&str]| parts.iter().any(|part| plain.contains(part));
    if holds(&OF_PASSWORDS) || ["pass", "user", "username"].contains(&&*plain) {
        Some(1)
    } else {
        (holds(&OF_OTHERS) || plain == "authorization").then_some(SHORTEST)
    }
}

/// Whether a text is the name of a password or a user and nothing else, so that what stands beside it is its value.
fn is_password_label(text: &str) -> bool {
    const LABELS: [&str; 9] =
        ["dbpassword", "dbuser", "password", "passwd", "pwd", "secret", "secretaccesskey", "sessiontoken", "user"];
    text.len() <= 20 && LABELS.contains(&plain(text).trim_end_matches(':'))
}

/// Whether a member says when something is to end.
fn is_time_name(name: &str) -> bool {
    ["expiration", "nextrefreshtime", "expires", "expiresin", "expiresat"].contains(&&*plain(name))
}

/// Whether a text is a point in time: seconds or milliseconds since the epoch, or a date.
fn is_time(text: &str) -> bool {
    let is_date = text.len() <= 40 && text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
    is_date || text.parse::<f64>().is_ok_and(|number| number >= 1e9)
}

/// Names of members that hold the name of something else, and of those that hold its value.
const LABELS: [&str; 5] = ["key", "name", "field", "k", "parametername"];
const LABELLED: [&str; 8] = ["value", "val", "v", "content", "text", "data", "stringvalue", "parametervalue"];

/// Reads a JSON value, keeps what is a secret in it, and gives back what is a text.
struct Reader<'a> {
    secrets: &'a mut Secrets,
    /// The least length of a secret, where the value stands somewhere behind a name that says that it is one.
    least: Option<usize>,
    /// How many texts this JSON stands in.
    depth: usize,
}

impl Reader<'_> {
    fn add(self, number: impl fmt::Display) -> Option<String> {
        if self.least.is_some() {
            self.secrets.add(&number.to_string(), SHORTEST, true);
        }
        None
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        // What is known to hold too many secrets need not be read further.
        if self.secrets.too_many { Err(D::Error::custom("enough")) } else { deserializer.deserialize_any(self) }
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
            } else if text.starts_with("ey") || text.starts_with("W") {
                // How base64 of an object or a list begins.
                let decoded = BASE64_STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                decoded.into_iter().for_each(|text| _ = secrets.read_json(&text, least, depth + 1));
            }
        }
        Ok((text.len() <= MOST_BYTES).then(|| text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let Self { secrets, least, depth } = self;
        let (mut first, mut second, mut count) = (None, None, 0);
        while let Some(text) = items.next_element_seed(Reader { secrets, least, depth })? {
            match count {
                0 => first = text,
                1 => second = text,
                _ => {}
            }
            count += 1;
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
            let own = is_secret_name(&name);
            let inner = match least {
                // When credentials end is no secret, and another time in each answer.
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
                let plain = plain(&name);
                if LABELS.contains(&&*plain) {
                    labelled = labelled.or_else(|| is_secret_name(&text));
                } else if LABELLED.contains(&&*plain) {
                    values.push(text);
                }
            }
        }
        if let Some(least) = labelled {
            values.iter().for_each(|value| secrets.add_both(value, least));
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
