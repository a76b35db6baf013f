//! Removes what differs from run to run, and masks secrets.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value as Json;

use super::planted_secrets::{LONG, Planted, secrets_of, sent_by};
use super::protocol::{CallError, CallMeta};
use crate::sdk::cases::{ClientCase, Places};
use crate::sdk::record::{ErrorRecord, Meta, SecretLikeness, ShownValue, Tagged, Value};
use crate::wire::{Masker, is_password_name};

/// The longest text that is kept whole, in characters.
const TEXT_LIMIT: usize = 2_000;

/// How much of a longer text is kept.
const TEXT_KEPT: usize = 200;

/// The most values that are kept of one outcome, including those in its lists and maps.
const VALUES_LIMIT: usize = 1_000;

/// The largest body whose value is kept, in bytes.
const BODY_LIMIT: usize = 64 << 10;

/// An address in memory, as languages print objects.
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b0x[0-9a-fA-F]{5,16}\b"));

/// The line of its source that Python's `ssl` names in each error, which moves with every release.
static SSL_LINE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\(_ssl\.c:\d+\)"));

/// A port, as it stands in an address.
static PORT: LazyLock<Regex> = LazyLock::new(|| pattern(":([0-9]+)"));

/// A version behind a name in User-Agent: `Boto3/1.28.85`, `lang/python#3.11.7`.
static VERSION: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(.*[/#])v?\d+(?:\.\d+)+[\w.+-]*$"));

pub(super) fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is valid")
}

/// The secrets of a case, and where it ran.
pub(super) struct Normaliser {
    /// The ports of the case's servers, each with its word.
    ports: Vec<(String, &'static str)>,
    home: String,
    session_token: Option<String>,
    /// Every secret in the answers of the case, with the name of its member in lower case.
    sent: Vec<(String, Json)>,
    /// The secrets that are found by their first characters.
    secrets: Vec<String>,
    /// Finds all secrets, in every form.
    masker: Masker,
}

impl Normaliser {
    /// A normaliser for a case with these servers, whose driver has this home folder and may know all secrets of the run.
    pub(super) fn new(case: &ClientCase, places: &Places, home: &Path, planted: &Planted) -> Self {
        let own = secrets_of(case);
        let ports = [(Some(places.endpoint), "<port>"), (places.decoy, "<decoy-port>"), (places.proxy, "<proxy-port>")];
        // The case's own session token has its own placeholder.
        let is_token = |secret: &String| case.request.session_token.as_ref() == Some(secret);
        let long = |secret: &&String| secret.chars().count() >= LONG && !is_token(secret);
        Self {
            ports: ports.into_iter().filter_map(|(port, word)| Some((port?.to_string(), word))).collect(),
            home: home.to_string_lossy().into_owned(),
            session_token: case.request.session_token.clone().filter(|token| !token.is_empty()),
            secrets: own.iter().filter(long).cloned().collect(),
            masker: Masker::new(own.into_iter().chain(planted.long.iter().cloned())),
            sent: sent_by(case),
        }
    }

    /// A text of the SDK without what differs from run to run, with secrets masked.
    pub(super) fn text(&self, text: &str) -> String {
        let masked = self.masked_text(text);
        let mut text = PORT.replace_all(&masked, |found: &Captures<'_>| self.port(&found[1])).into_owned();
        if self.home.len() > 1 {
            text = text.replace(&self.home, "<home>");
        }
        let text = ADDRESS.replace_all(&text, "<address>");
        let text = SSL_LINE.replace_all(&text, "(_ssl.c:<line>)");
        shortened(&text)
    }

    /// A port with its colon; the ports of the case's servers as `:<port>`, `:<decoy-port>` and `:<proxy-port>`.
    fn port(&self, digits: &str) -> String {
        let known = self.ports.iter().find(|(port, _)| port == digits).map(|(_, word)| *word);
        format!(":{}", known.unwrap_or(digits))
    }

    /// A text with secrets masked, whatever their form.
    pub(super) fn masked_text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        if let Some(token) = &self.session_token {
            text = text.replace(token, "<session-token>");
        }
        // Whole secrets first, then the remains of secrets that were cut off.
        text = self.masker.mask_escaped(&text);
        for secret in &self.secrets {
            text = mask_remains(&text, secret);
        }
        text
    }

    /// The JSON value of a body, with secrets masked; `None` if it is larger than 64 KiB or not JSON.
    pub(super) fn body(&self, bytes: &[u8]) -> Option<Json> {
        if bytes.len() > BODY_LIMIT {
            return None;
        }
        serde_json::from_slice(bytes).ok().map(|value| self.json(value))
    }

    fn json(&self, value: Json) -> Json {
        match value {
            Json::String(ref text) => Json::String(shortened(&self.masked_text(text))),
            Json::Array(items) => items.into_iter().map(|item| self.json(item)).collect(),
            Json::Object(members) => {
                members.into_iter().map(|(name, member)| (self.masked_text(&name), self.json(member))).collect()
            }
            Json::Number(ref number) if self.masker.mask(&number.to_string()) != number.to_string() => {
                Json::from("***")
            }
            Json::Number(_) | Json::Bool(_) | Json::Null => value,
        }
    }

    /// The placeholder for the value of the session token's header.
    pub(super) fn token(&self, value: &str) -> &'static str {
        if self.session_token.as_deref() == Some(value) { "<session-token>" } else { "***" }
    }

    /// Members that an SDK gave its caller, as they may be shown.
    pub(super) fn members(&self, members: BTreeMap<String, Tagged>) -> BTreeMap<String, ShownValue> {
        let mut room = VALUES_LIMIT;
        fitting(members, &mut room)
            .into_iter()
            .map(|(name, value)| {
                let is_secret = is_password_name(&name) && !value.value.is_absent();
                let likeness = is_secret.then(|| self.likeness(&name, &value.value));
                let is_another = likeness.is_some_and(|likeness| likeness != SecretLikeness::Sent);
                let text = if let Value::String(text) = &value.value { Some(text) } else { None };
                let characters = text.filter(|_| is_another).map(|text| text.chars().count());
                let value = self.value(value, is_secret, &mut room);
                (self.text(&name), ShownValue { value, equals: likeness, characters })
            })
            .collect()
    }

    /// An error as it may be shown.
    pub(super) fn error(&self, error: CallError) -> ErrorRecord {
        let CallError { phase, class, bases, code, message, http_status, request_id, fault, members } = error;
        let text = |text: Option<String>| text.map(|text| self.text(&text));
        ErrorRecord {
            phase,
            class: self.text(&class),
            bases: bases.iter().take(VALUES_LIMIT).map(|base| self.text(base)).collect(),
            code: text(code),
            message: text(message),
            http_status,
            request_id: text(request_id),
            fault: text(fault),
            members: self.members(members),
        }
    }

    /// What an SDK tells about an answer.
    pub(super) fn meta(&self, meta: CallMeta) -> Meta {
        let CallMeta { request_id, http_status, sdk_attempts } = meta;
        Meta { request_id: request_id.map(|id| self.text(&id)), http_status, sdk_attempts }
    }

    /// A value as it may be kept: lists and maps as far as there is room, and only the types of a secret.
    fn value(&self, Tagged { value, native }: Tagged, secret: bool, room: &mut usize) -> Tagged {
        let number = |digits: String, make: fn(String) -> Value| {
            // A secret number stays a number, so that readers of the record need not know about masks.
            if secret { make("0".to_owned()) } else { self.number(digits, make) }
        };
        let value = match value {
            Value::String(_) if secret => Value::String("***".to_owned()),
            Value::Bytes(_) if secret => Value::Bytes("***".to_owned()),
            Value::String(text) => Value::String(self.text(&text)),
            Value::Bytes(base64) => Value::Bytes(shortened(&self.masked_text(&base64))),
            Value::Integer(text) => number(text, Value::Integer),
            Value::Float(text) => number(text, Value::Float),
            Value::Timestamp(text) => number(text, Value::Timestamp),
            Value::List(items) => {
                Value::List(fitting(items, room).into_iter().map(|item| self.value(item, secret, room)).collect())
            }
            Value::Map(members) => {
                let members = fitting(members, room);
                let member = |(name, item): (String, Tagged)| {
                    let item = self.value(item, secret || is_password_name(&name), room);
                    (self.text(&name), item)
                };
                Value::Map(members.into_iter().map(member).collect())
            }
            other @ (Value::Boolean(_) | Value::Null | Value::Undefined) => other,
        };
        Tagged { value, native: native.map(|native| self.text(&native)) }
    }

    /// A number by its digits. One that holds a secret, or has more than 2,000 characters, becomes a text.
    fn number(&self, digits: String, make: fn(String) -> Value) -> Value {
        let masked = self.masked_text(&digits);
        if masked == digits && digits.len() <= TEXT_LIMIT { make(digits) } else { Value::String(shortened(&masked)) }
    }

    /// How a secret member relates to the values that were sent.
    fn likeness(&self, name: &str, value: &Value) -> SecretLikeness {
        let name = name.to_ascii_lowercase();
        let sent: Vec<&Json> = self.sent.iter().filter(|(member, _)| *member == name).map(|(_, value)| value).collect();
        likeness(&json_value(value), &sent)
    }
}

/// The first values, as many as there is room for.
fn fitting<T>(values: impl IntoIterator<Item = T>, room: &mut usize) -> Vec<T> {
    let fitting: Vec<T> = values.into_iter().take(*room).collect();
    *room -= fitting.len();
    fitting
}

/// A value as JSON, to compare with what was sent.
fn json_value(value: &Value) -> Json {
    let number = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Json::from(text));
    match value {
        Value::String(text) | Value::Bytes(text) => Json::from(text.as_str()),
        Value::Integer(text) | Value::Float(text) | Value::Timestamp(text) => number(text),
        Value::Boolean(truth) => Json::from(*truth),
        Value::Null | Value::Undefined => Json::Null,
        Value::List(items) => items.iter().map(|item| json_value(&item.value)).collect(),
        Value::Map(members) => members.iter().map(|(name, item)| (name.clone(), json_value(&item.value))).collect(),
    }
}

/// How a secret that a caller was given relates to those that were sent.
fn likeness(given_value: &Json, sent: &[&Json]) -> SecretLikeness {
    let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let given_text = text(given_value);
    let any = |like: &dyn Fn(&str) -> bool| sent.iter().any(|value| like(&text(value)));
    if sent.is_empty() {
        SecretLikeness::NotSent
    } else if any(&|sent| sent == given_text) {
        SecretLikeness::Sent
    } else if any(&|sent| sent.trim().eq_ignore_ascii_case(given_text.trim())) {
        SecretLikeness::Changed
    } else if !given_text.is_empty() && any(&|sent| sent.starts_with(&given_text)) {
        SecretLikeness::Beginning
    } else if !given_text.is_empty() && any(&|sent| sent.ends_with(&given_text)) {
        SecretLikeness::End
    } else if any(&|sent| !sent.is_empty() && given_text.contains(sent)) {
        SecretLikeness::Longer
    } else {
        SecretLikeness::Other
    }
}

/// A text with the remains of a secret masked, which was cut off behind its first characters or broken into pieces.
fn mask_remains(text: &str, secret: &str) -> String {
    let start: String = secret.chars().take(LONG).collect();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(&start) {
        out.push_str(&rest[..at]);
        out.push_str("***");
        rest = &rest[at + beginning(&rest[at..], secret)..];
    }
    out.push_str(rest);
    out
}

/// How many bytes at the start of a text are the beginning of a secret, whatever separates its pieces.
fn beginning(text: &str, secret: &str) -> usize {
    let mut secret_characters = secret.chars().peekable();
    let mut end = 0;
    for (at, character) in text.char_indices() {
        if secret_characters.next_if_eq(&character).is_some() {
            end = at + character.len_utf8();
        } else if character.is_alphanumeric() || secret_characters.peek().is_none() {
            break;
        }
    }
    end
}

/// A text; a long one as its beginning, its length and its checksum.
fn shortened(text: &str) -> String {
    let characters = text.chars().count();
    if characters <= TEXT_LIMIT {
        return text.to_owned();
    }
    let beginning: String = text.chars().take(TEXT_KEPT).collect();
    let mut checksum = flate2::Crc::new();
    checksum.update(text.as_bytes());
    format!("{beginning}… ({characters} characters, CRC-32 {:08x})", checksum.sum())
}

/// A User-Agent without versions and releases, with its feature letters sorted.
pub(super) fn agent(value: &str) -> String {
    let word = |word: &str| {
        if word.starts_with("ua/") {
            word.to_owned()
        } else if let Some(letters) = word.strip_prefix("m/") {
            let mut letters: Vec<&str> = letters.split(',').collect();
            letters.sort_unstable();
            format!("m/{}", letters.join(","))
        } else if let Some(system) = word.strip_prefix("os/") {
            system.split_once(['#', '/']).map_or_else(|| word.to_owned(), |(name, _)| format!("os/{name}#<release>"))
        } else if let Some((system @ ("Linux" | "Darwin" | "Windows"), _)) = word.split_once('/') {
            format!("{system}/<release>")
        } else if word.starts_with("sid/") {
            "sid/<id>".to_owned()
        } else {
            VERSION.replace(word, |found: &Captures<'_>| format!("{}<version>", &found[1])).into_owned()
        }
    };
    value.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::contract::parse;
    use crate::sdk::cases::EndpointKind;

    #[rstest]
    #[case::cut("E abcdefghij", "E ***")]
    #[case::cut_and_more("E abcdefghijxyz", "E ***xyz")]
    #[case::lines("E abcdefghij\nklm/nop q", "E *** q")]
    #[case::dashes("E abcdefgh-ijklm/-nop q", "E *** q")]
    #[case::twice("abcdefgh abcdefghij", "*** ***")]
    #[case::less("abcdefg", "abcdefg")]
    #[case::in_other_texts("a abcdefghijklm/nop b abcdefgh c abcdef", "a *** b *** c abcdef")]
    fn what_is_left_of_a_secret_is_masked(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(mask_remains(text, "abcdefghijklm/nop"), expected);
    }

    #[rstest]
    // User agents as SDKs of several years send them.
    #[case(
        "Boto3/1.24.96 Python/3.11.7 Linux/6.1.0-18-amd64 Botocore/1.27.96",
        "Boto3/<version> Python/<version> Linux/<release> Botocore/<version>"
    )]
    #[case(
        "Boto3/1.40.76 md/Botocore#1.40.76 ua/2.1 os/linux#6.1.0 md/arch#x86_64 lang/python#3.11.7 md/pyimpl#CPython m/Z,D,b cfg/retry-mode#legacy Botocore/1.40.76",
        "Boto3/<version> md/Botocore#<version> ua/2.1 os/linux#<release> md/arch#x86_64 lang/python#<version> md/pyimpl#CPython m/D,Z,b cfg/retry-mode#legacy Botocore/<version>"
    )]
    #[case(
        "aws-sdk-js/3.107.0 os/linux/5.4.0 lang/js md/nodejs/20.20.2 api/redshift_serverless/3.107.0",
        "aws-sdk-js/<version> os/linux#<release> lang/js md/nodejs/<version> api/redshift_serverless/<version>"
    )]
    fn a_user_agent_loses_versions_and_random_order(#[case] value: &str, #[case] expected: &str) {
        assert_eq!(agent(value), expected);
    }

    #[rstest]
    #[case::same(json!("abcdefghij"), SecretLikeness::Sent)]
    #[case::cut(json!("abcde"), SecretLikeness::Beginning)]
    #[case::cut_in_front(json!("fghij"), SecretLikeness::End)]
    #[case::more(json!("abcdefghij\n!"), SecretLikeness::Longer)]
    #[case::case(json!("ABCDEFGHIJ"), SecretLikeness::Changed)]
    #[case::blank(json!(" abcdefghij"), SecretLikeness::Changed)]
    #[case::other(json!("zzz"), SecretLikeness::Other)]
    #[case::nothing_of_it(json!(""), SecretLikeness::Other)]
    fn a_secret_is_told_by_how_it_relates_to_the_one_sent(#[case] given_value: Json, #[case] expected: SecretLikeness) {
        assert_eq!(likeness(&given_value, &[&json!("abcdefghij")]), expected);
    }

    #[test]
    fn a_secret_that_nobody_sent_is_told_so() {
        assert_eq!(likeness(&json!("a"), &[]), SecretLikeness::NotSent);
    }

    #[test]
    fn a_port_is_replaced_only_as_a_whole() {
        let case = parse("a.json", r#"{"id":"a/b","title":"t"}"#).expect("a case");
        let places = Places { kind: EndpointKind::Http, endpoint: 4012, decoy: Some(4013), proxy: Some(4014) };
        let normaliser = Normaliser::new(&case, &places, Path::new("/"), &Planted::of([]));
        let text = normaliser.text("127.0.0.1:4012 127.0.0.1:40123 x:4012/:4013/:4014");
        assert_eq!(text, "127.0.0.1:<port> 127.0.0.1:40123 x:<port>/:<decoy-port>/:<proxy-port>");
    }

    #[test]
    fn a_long_text_is_told_by_its_beginning_its_length_and_its_checksum() {
        let long = shortened(&"é".repeat(3000));
        assert!(long.ends_with(')') && long.contains("3000 characters"), "{long}");
        assert_ne!(long, shortened(&format!("{}e", "é".repeat(2999))));
    }
}
