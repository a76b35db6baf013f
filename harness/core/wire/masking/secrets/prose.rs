//! Secrets in running text, in forms, and in anything that looks like a name and a value.

use std::sync::LazyLock;

use regex::Regex;

use super::names::{is_no_value, is_secret_name, is_start_of_block};
use super::{MOST_BYTES, SHORTEST, SHORTEST_WORD, Secrets};
use crate::wire::masking::decode::decode;
use crate::wire::masking::mask::{passwords_in_sentences, secrets_behind_names};
use crate::wire::masking::public_words::{is_name_of_error, is_public_name};

impl Secrets {
    /// Reads lists and objects behind secret names, in a text that is not JSON.
    pub(super) fn read_lists(&mut self, text: &str) {
        let mut read = 0;
        for found in secrets_behind_names(&OPENED, text) {
            self.closed = true;
            let start = found.value.end;
            let end = text.floor_char_boundary(text.len().min(start + MOST_BYTES));
            let list = &text[read.max(start).min(end)..end];
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
            if self.is_full() {
                return;
            }
        }
    }

    /// Reads the lines below a secret name in YAML: a list, or a block of text.
    pub(super) fn read_blocks(&mut self, text: &str) {
        let mut below: Option<(usize, usize)> = None;
        for line in text.lines() {
            let words = line.trim();
            let indent = line.len() - line.trim_start().len();
            if words.is_empty() {
                continue;
            }
            if let Some((of, least)) = below {
                let item = words.strip_prefix("- ").map(str::trim);
                if indent > of || (indent == of && item.is_some()) {
                    let value = item.unwrap_or(words).trim_matches(['"', '\'']);
                    self.add_both(value.split_once(": ").map_or(value, |(_, value)| value), least);
                    continue;
                }
            }
            below = words.split_once(':').and_then(|(name, behind)| {
                let behind = behind.trim();
                let is_open = behind.is_empty() || is_start_of_block(behind);
                let name = name.trim_start_matches("- ").trim_matches(['"', '\'']);
                let is_name = is_open && !name.contains(char::is_whitespace) && !is_name_of_error(name);
                Some((indent, is_secret_name(name).filter(|_| is_name)?))
            });
        }
    }

    /// Reads running text, XML, forms, and JSON inside texts.
    pub(super) fn read_text(&mut self, text: &str, is_json: bool) {
        // Most header fields have nothing that could separate a name from a value.
        if !text.contains([':', '=', '>']) {
            return;
        }
        for found in secrets_behind_names(&VALUE, text) {
            let (before, value) = (&text[found.name.clone()], &text[found.value.clone()]);
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
                let line = if is_json { None } else { rest_of_line(text, found.name.start, found.value.start) };
                let shortest = if marked || line.is_some() { SHORTEST } else { SHORTEST_WORD };
                let bare = value.trim_matches(|c: char| c.is_ascii_punctuation());
                let certain = self.success || before.contains(['=', '>']) || line.is_some() || !is_word(bare);
                if value.len() >= shortest && !is_no_value(value) {
                    self.add(value, SHORTEST, certain);
                    self.add(bare, SHORTEST, certain);
                }
                // The value of a form's field, or of a line with one name and one value, may be short or have spaces.
                let field = field(text, found.name.start, before);
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
            if self.is_full() {
                return;
            }
        }
        for found in passwords_in_sentences(text) {
            let value = found["value"].trim_matches(['"', '\'', '`', '\\']);
            let is_statement = found[0].get(..10).is_some_and(|start| start.eq_ignore_ascii_case("identified"));
            let certain = self.success || is_statement || !is_word(value);
            self.add(value, SHORTEST, certain);
            self.add(&decode(value), SHORTEST, certain);
        }
        // Each pattern is compiled when it is first used: only where it can match.
        if text.contains("://") {
            for user_info in USER_INFO.captures_iter(text) {
                self.add_both(&user_info[1], SHORTEST);
            }
        }
        // An empty line is between the headers of a part and its value.
        if text.contains("\n\n") || text.contains("\n\r\n") {
            for part in PART_OF_FORM.captures_iter(text) {
                if let Some(least) = is_secret_name(&part["name"]) {
                    self.add_both(&part["value"], least);
                }
            }
        }
    }
}

fn is_word(text: &str) -> bool {
    text.chars().all(char::is_alphabetic)
}

/// The name and the value of a line that holds only a secret name, a colon or an equals sign, and a value. `at` is a
/// place inside the name; `value` is where the value begins.
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

/// The whole name of a field, in a form or in a URL's query, that ends with a secret name.
fn field<'t>(text: &'t str, at: usize, before: &str) -> Option<&'t str> {
    let name = before.strip_suffix('=')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.[]".contains(c);
    let start = text[..at].len() - text[..at].bytes().rev().take_while(|byte| is_name(char::from(*byte))).count();
    let starts = start == 0 || text[..start].ends_with(['&', '?', ';']);
    (starts && name.chars().all(is_name)).then(|| &text[start..at + name.len()])
}

static USER_INFO: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"://[^/\s:@"'<>]*:([^/\s@"'<>]+)@"#).expect("the pattern is valid"));

/// A part of a form of several parts, with its name and its value.
static PART_OF_FORM: LazyLock<Regex> = LazyLock::new(|| {
    let pattern =
        r#"(?i)form-data;[^\r\n]*\bname="?(?<name>[^"\r\n;]+)"?[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n(?<value>[^\r\n]+)"#;
    Regex::new(pattern).expect("the pattern is valid")
});

/// A text in quotes; the closing quote may be missing.
static QUOTED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#""((?:[^"\\]|\\.)*)|'([^']*)"#).expect("the pattern is valid"));

/// A value behind a secret name.
static VALUE: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r#"^(?:<!\[CDATA\[[^\]]*|\\+"[^"]*|"(?:[^"\\]|\\.)*|'[^']*|[^\s,<}&]+)"#;
    Regex::new(pattern).expect("the pattern is valid")
});

/// The start of a list or an object behind a secret name.
static OPENED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[\[{]").expect("the pattern is valid"));
