use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::MEDIA_TYPE;

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
/// hide text are escaped, and so is what a CI service would take for a command anywhere in a line, so
/// that nothing in it can steer a terminal or a log reader.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        if character.is_control() || is_invisible(character) || begins_log_command(&text[at..]) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out
}

/// Whether a text begins with what starts a command anywhere in a line of a CI log: `##[` (GitHub
/// Actions, Azure Pipelines), `##vso[`, `##teamcity[`.
pub fn begins_log_command(text: &str) -> bool {
    text.strip_prefix("##")
        .is_some_and(|rest| rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).starts_with('['))
}

/// Whether a character shows nothing itself but changes how others are shown or compared: Unicode's
/// line and paragraph separators, interlinear marks, and all that is `Default_Ignorable_Code_Point`
/// (bidirectional controls, zero-width characters, fillers, variation selectors, tags).
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// A password-like name, what separates it from its value, and the value: up to the closing quote
/// where it is quoted, else up to where a value in JSON, XML, a header or a form ends.
static NAMED_SECRET: LazyLock<Regex> = LazyLock::new(|| {
    let name = r"(?:passw|pwd|secret|token|signature|credential|dbuser|access_?key)[\w-]*";
    let separator = r#"\\*["']?\s*[:=>]\s*"#;
    let value = r#"\\+"[^"]*|"(?:[^"\\]|\\.)*|'[^']*|[^\s,<}&]+"#;
    Regex::new(&format!("(?i)({name}{separator})(?:{value})")).expect("the pattern is valid")
});

/// An ARN, a database user made from an identity, or the form of an account id: twelve digits, or
/// three groups of four.
static IDENTITY: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r#"arn:[^\s"',<]+|\bIAM[AR]?:[^\s"',<]+|\b[0-9]{12}\b|\b[0-9]{4}-[0-9]{4}-[0-9]{4}\b"#;
    Regex::new(pattern).expect("the pattern is valid")
});

/// A word long enough for a key or a password.
static LONG_WORD: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[A-Za-z0-9+/=_.~%-]{8,}").expect("the pattern is valid"));

/// Long words with digits that are no secrets: regions, media types, the name of the algorithm.
static PLAIN_WORD: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"^(?:[a-z]{2}(?:-[a-z]+)+-[0-9]|application/x-amz-json-1\.[01]|AWS4-HMAC-SHA256)\.?$";
    Regex::new(pattern).expect("the pattern is valid")
});

/// A text without ARNs, account ids and the database users of identities.
pub(super) fn mask_identities(text: &str) -> Cow<'_, str> {
    IDENTITY.replace_all(text, "***")
}

/// A word as it is, or masked where it looks like a key or a password: letters mixed with digits, or
/// a long word in capitals.
fn plain_or_masked(word: &regex::Captures<'_>) -> String {
    let word = &word[0];
    let mixed = word.bytes().any(|b| b.is_ascii_digit()) && word.bytes().any(|b| b.is_ascii_alphabetic());
    let shouted = word.len() >= 12 && word.bytes().all(|b| b.is_ascii_uppercase());
    if (mixed || shouted) && !PLAIN_WORD.is_match(word) { "***".to_owned() } else { word.to_owned() }
}

/// The values in a body that must not be quoted: those of members whose name says that they are
/// secret, at any depth.
pub fn secrets_in(body: Option<&Value>) -> Vec<String> {
    let mut secrets = Vec::new();
    collect_secrets(body, &mut secrets);
    secrets
}

fn collect_secrets(value: Option<&Value>, secrets: &mut Vec<String>) {
    /// Shorter texts are too likely to be part of an ordinary word.
    const SHORTEST: usize = 4;
    match value {
        Some(Value::Object(members)) => {
            for (name, member) in members {
                let name = name.to_ascii_lowercase();
                let parts = ["passw", "pwd", "secret", "token", "dbuser", "credential"];
                let secret = parts.iter().any(|part| name.contains(part))
                    || ["pass", "user", "username"].contains(&name.as_str());
                match member {
                    Value::String(text) if secret && text.len() >= SHORTEST => secrets.push(text.clone()),
                    Value::Number(number) if secret && number.to_string().len() >= SHORTEST => {
                        secrets.push(number.to_string());
                    }
                    _ => collect_secrets(Some(member), secrets),
                }
            }
        }
        Some(Value::Array(items)) => items.iter().for_each(|item| collect_secrets(Some(item), secrets)),
        _ => {}
    }
}

/// [`quote`], without these secrets either, in any letter case.
pub fn quote_without(text: &str, secrets: &[String]) -> String {
    quote(&mask_known(text, secrets))
}

/// A text with each of these secrets masked, in any letter case.
pub fn mask_known(text: &str, secrets: &[String]) -> String {
    let mut masked = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        // ASCII lower case keeps every byte offset.
        let (lower, wanted) = (masked.to_ascii_lowercase(), secret.to_ascii_lowercase());
        let places: Vec<usize> = lower.match_indices(&wanted).map(|(at, _)| at).collect();
        for at in places.into_iter().rev() {
            masked.replace_range(at..at + wanted.len(), "***");
        }
    }
    masked
}

/// Whether a text is a name such as `dbPassword` or `ValidationException`: letters only, and no
/// longer than names are. It saves most texts from being searched.
fn is_plain_name(text: &str) -> bool {
    text.len() <= 40
        && text.bytes().all(|byte| byte.is_ascii_alphabetic())
        && text.bytes().any(|byte| byte.is_ascii_lowercase())
}

/// A target's own words, fit for a report: escaped, cut at 200 characters, and without what looks
/// like a secret (the value behind a password-like name, a long word of letters and digits), an
/// account id or an ARN.
pub fn quote(text: &str) -> String {
    if text == MEDIA_TYPE || is_plain_name(text) {
        return text.to_owned();
    }
    let masked = NAMED_SECRET.replace_all(text, "$1***");
    let masked = mask_identities(&masked);
    let masked = LONG_WORD.replace_all(&masked, plain_or_masked);
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
    #[case::no_separator("the token CANARY-0f3a was not known")]
    #[case::capitals("no user has the password CANARYPASSWORD here")]
    #[case::user("cannot log in IAM:CANARY to the database")]
    #[case::dashed_account("in account 1234-5678-9012")]
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
    #[case("Credential should be scoped to a valid region, not us-east-1.")]
    #[case("expected application/x-amz-json-1.1, signed with AWS4-HMAC-SHA256")]
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
    fn a_secret_of_the_body_is_masked_wherever_it_stands() {
        let body = serde_json::json!({ "a": [{ "DbPassword": "CANARY" }], "message": "no: CANARY" });
        assert_eq!(quote_without("no: CANARY, Canary", &secrets_in(Some(&body))), "no: ***, ***");
    }

    #[test]
    fn control_and_bidirectional_characters_are_escaped() {
        assert_eq!(quote("a\u{1b}[31mb\u{202e}c"), "a\\u{1b}[31mb\\u{202e}c");
    }

    #[rstest]
    #[case::github("a ##[add-mask]b", "a \\u{23}#[add-mask]b")]
    #[case::azure("##vso[task.setvariable]b", "\\u{23}#vso[task.setvariable]b")]
    #[case::three("###[x]", "#\\u{23}#[x]")]
    #[case::hidden("#\u{ad}#[x]", "#\\u{ad}#[x]")]
    #[case::a_heading("## a [b]", "## a [b]")]
    fn a_command_to_a_ci_service_is_broken_up(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(escape(text), expected);
        assert_eq!(escape(expected), expected);
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(quote(&"é".repeat(1000)).chars().count(), QUOTE_LIMIT + 1);
    }
}
