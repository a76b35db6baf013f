use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use secrecy::{ExposeSecret, SecretString};

/// A text that must never be printed: it is wiped when dropped, and its `Debug` is `***`.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// The text itself, for signing and for comparing; never for printing.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl<T: Into<String>> From<T> for Secret {
    fn from(text: T) -> Self {
        Self(SecretString::from(text.into()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// At most this many characters of a target's own words are quoted.
const QUOTE_LIMIT: usize = 200;

/// A target's text on one line, as data: control characters and the invisible ones that reorder or
/// hide text are escaped, so that nothing in it can steer a terminal or a log reader.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || is_invisible(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out
}

/// Whether a character shows nothing itself but changes how others are shown (Unicode's
/// bidirectional controls, zero-width characters, line and paragraph separators, tags).
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// A password-like name, what separates it from its value, and the value: up to the closing quote
/// where it is quoted, else up to where a value in JSON, XML, a header or a form ends.
static NAMED_SECRET: LazyLock<Regex> = LazyLock::new(|| {
    let name = r"(?:passw|pwd|secret|token|signature|credential|dbuser|access_?key)[\w-]*";
    let separator = r#"\\*["']?\s*[:=>]\s*"#;
    let value = r#"\\+"[^"]*|"(?:[^"\\]|\\.)*|'[^']*|[^\s,<}&]+"#;
    Regex::new(&format!("(?i)({name}{separator})(?:{value})")).expect("the pattern is valid")
});

/// An ARN, or a run of exactly twelve digits: the form of an account id.
static IDENTITY: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"arn:[^\s"',<]+|\b[0-9]{12}\b"#).expect("the pattern is valid"));

/// A target's own words, fit for a report: escaped, cut at 200 characters, and without what looks
/// like a secret (the value behind a password-like name), an account id or an ARN.
pub fn quote(text: &str) -> String {
    let masked = NAMED_SECRET.replace_all(text, "$1***");
    let masked = IDENTITY.replace_all(&masked, "***");
    let mut short: String = masked.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = short.char_indices().nth(QUOTE_LIMIT) {
        short.truncate(end);
        short.push('…');
    }
    escape(&short)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::json(r#"{"dbPassword":"CANARY","dbUser":"CANARY"}"#)]
    #[case::cut_json(r#"{"dbPassword": "CANARY"#)]
    #[case::number(r#"{"dbPassword":0CANARY}"#)]
    #[case::pascal(r#"{"DbPassword" : "CANARY"}"#)]
    #[case::xml("<DbPassword>CANARY</DbPassword>")]
    #[case::header("X-Amz-Security-Token: CANARY")]
    #[case::authorization("Credential=CANARY/20261122, Signature=CANARY")]
    #[case::sentence("password=CANARY is wrong")]
    #[case::escaped(r#""{\"dbPassword\":\"CANARY\"}""#)]
    #[case::value_with_separators(r#"{"dbPassword":"a,&<}' \"CANARY","x":1}"#)]
    #[case::name_in_front_of_another(r#"{"passwordToken":"CANARY"}"#)]
    fn what_follows_a_password_like_name_is_masked(#[case] text: &str) {
        let quoted = quote(text);
        assert!(!quoted.contains("CANARY"), "{quoted}");
        assert!(quoted.contains("***"), "{quoted}");
    }

    #[rstest]
    #[case("The security token included in the request is invalid.")]
    #[case("Unsupported service: redshift-serverless")]
    #[case("Value at 'durationSeconds' failed to satisfy constraint")]
    fn plain_sentences_stay_whole(#[case] text: &str) {
        assert_eq!(quote(text), text);
    }

    #[test]
    fn account_ids_and_arns_are_masked() {
        assert_eq!(
            quote("User: arn:aws:iam::123456789012:user/a is not 123456789012 but 1234567890123"),
            "User: *** is not *** but 1234567890123"
        );
    }

    #[test]
    fn control_and_bidirectional_characters_are_escaped() {
        assert_eq!(quote("a\u{1b}[31mb\u{202e}c"), "a\\u{1b}[31mb\\u{202e}c");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(quote(&"é".repeat(1000)).chars().count(), QUOTE_LIMIT + 1);
    }
}
