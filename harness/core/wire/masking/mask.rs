use std::borrow::Cow;
use std::fmt;
use std::iter;
use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex::{Captures, Regex, bytes};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

use super::decode::{readings, without_veiled};
use super::masker::MASK;
use super::public_forms::{is_public_in_capitals, may_be_in_public_form, public_length};
use super::public_words::{is_name_of_error, is_never_secret, is_public_word, is_resource};
use crate::text::escape;

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

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(Self::from)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// At most this many characters of a target's own words are quoted.
const QUOTE_LIMIT: usize = 200;

/// How much of a longer text is read for a quotation, in bytes: it leaves room for spaces and masked words.
pub(super) const QUOTE_WINDOW: usize = 4 << 10;

/// What [`SECRET_NAME`] needs to match a text of ASCII.
static PARTS_OF_SECRET_NAMES: LazyLock<AhoCorasick> = LazyLock::new(|| {
    in_any_case(&[
        "pass",
        "pw",
        "secret",
        "token",
        "signature",
        "credential",
        "user",
        "key",
        "kennwort",
        "contrase",
        "senha",
        "wachtwoord",
        "otp",
        "jwt",
        "creds",
        "clave",
    ])
});

/// What [`PASSWORD_IN_SENTENCE`] begins with.
static WORDS_OF_SENTENCES: LazyLock<AhoCorasick> =
    LazyLock::new(|| in_any_case(&["pass", "pwd", "kennwort", "identified"]));

/// Finds ASCII words in any letter case. Most texts hold none, and are read once for all words.
fn in_any_case(words: &[&str]) -> AhoCorasick {
    AhoCorasick::builder().ascii_case_insensitive(true).build(words).expect("there are few words")
}

/// A password-like name and its separator: in JSON, XML, a header, a form or a sentence.
static SECRET_NAME: LazyLock<Regex> = LazyLock::new(|| {
    // Every character beyond ASCII counts as a letter: the tables of Unicode are large, and every process reads them.
    let letter = r"0-9A-Za-z_\x{80}-\x{10FFFF}";
    let abroad = "|contraseña|hasło|lösenord|пароль|密码|パスワード";
    Regex::new(&secret_name(letter, abroad)).expect("the pattern is valid")
});

/// The same for texts of ASCII: it is compiled in a fraction of the time, and most texts are such.
static SECRET_NAME_IN_ASCII: LazyLock<bytes::Regex> = LazyLock::new(|| in_ascii(&secret_name("0-9A-Za-z_", "")));

/// The same for texts of ASCII without markup: half of the other pattern is about elements.
static SECRET_NAME_IN_PLAIN_ASCII: LazyLock<bytes::Regex> =
    LazyLock::new(|| in_ascii(&format!("(?i){}", name_outside_markup("0-9A-Za-z_", &part_of_secret_name("")))));

fn in_ascii(pattern: &str) -> bytes::Regex {
    bytes::RegexBuilder::new(pattern).unicode(false).build().expect("the pattern is valid")
}

/// The pattern of a password-like name; `letter` says which characters it may have besides, `abroad` lists names with
/// letters beyond ASCII.
fn secret_name(letter: &str, abroad: &str) -> String {
    let part = part_of_secret_name(abroad);
    let element = format!(r"<(?-i:[{letter}:.-]*){part}(?-i:[{letter}:.-]*)\s[^<>]*>\s*");
    format!("(?i){element}|{}", name_outside_markup(letter, &part))
}

fn name_outside_markup(letter: &str, part: &str) -> String {
    // Other words end like these. Here and in the other patterns a letter beyond ASCII ends a word: such ends are found in
    // one pass, and more is masked.
    let word =
        r"(?:(?:(?-u:\b)|_)(?:(?:db|user|admin)[_-]?pass|(?:db|user|admin)?pw|otp|jwt|creds|clave)|(?-i:Pass|Pw))";
    let rest = format!("(?-i:[{letter}-]*)");
    let name = format!(r#"(?:{part}{rest}|{word})\\*["']?\s*(?:=>|[:=>])\s*"#);
    let member = r#""(?:pass|user|user_?name)\\*"\s*:\s*"#;
    format!("{member}|{name}")
}

fn part_of_secret_name(abroad: &str) -> String {
    format!(
        "(?:passw|passphrase|passcode|pwd|secret|token|signature|credential|db_?user|\
         (?:access|api|private|session|signing)[_-]?key|kennwort|mot de passe|contrasena|senha|wachtwoord{abroad})"
    )
}

/// Finds password-like names with their separators in a text.
enum NameFinder {
    Everywhere(&'static Regex),
    InAscii(&'static bytes::Regex),
}

impl NameFinder {
    /// The one whose pattern takes least time to compile. All of them find the same.
    fn of(text: &str) -> Self {
        match text.is_ascii() {
            true if text.contains('<') => Self::InAscii(&SECRET_NAME_IN_ASCII),
            true => Self::InAscii(&SECRET_NAME_IN_PLAIN_ASCII),
            false => Self::Everywhere(&SECRET_NAME),
        }
    }

    fn find_at(&self, text: &str, at: usize) -> Option<Range<usize>> {
        match self {
            Self::Everywhere(pattern) => pattern.find_at(text, at).map(|found| found.range()),
            Self::InAscii(pattern) => pattern.find_at(text.as_bytes(), at).map(|found| found.range()),
        }
    }
}

/// The value behind a secret name: up to the closing quote if it is quoted, to the end of the text if it is a list or an
/// object, else to the end of a value in JSON, XML, a header or a form.
static SECRET_VALUE: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r#"^(?:<!\[CDATA\[[^\]]*|\\+"[^"]*|"(?:[^"\\]|\\.)*|'[^']*|[\[{](?s:.*)|[^\s,<}&]+)"#;
    Regex::new(pattern).expect("the pattern is valid")
});

/// A word that follows the word for a password and is not an ordinary word: it is quoted, or holds other characters
/// than letters.
static PASSWORD_IN_SENTENCE: LazyLock<Regex> = LazyLock::new(|| {
    // The blocks of Unicode that hold letters: the exact tables are large, and every process reads them.
    let letter = concat!(
        r"A-Za-z\x{AA}\x{B5}\x{BA}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1FFF}",
        r"\x{2C00}-\x{2DFF}\x{3005}-\x{3007}\x{3040}-\x{D7FF}\x{F900}-\x{FDFF}"
    );
    let odd = format!(r#"(?:[0-9_]|[^\s{letter}"'`.,;:()<>])"#);
    let value =
        format!(r#""[^"]*"?|'[^']*'?|`[^`]*`?|[^\s"'`<>]*(?-i:{odd})[^\s"'`<>]*(?-i:[0-9_{letter}!?$%&*+=@#^~-])"#);
    let pattern = format!(
        r"(?i)((?-u:\b)(?:pass(?:word|wd|phrase|code)?|pwd|kennwort|passwort|identified\s+by)\s+(?:(?:is|was|of)\s+)?)(?<value>{value})"
    );
    Regex::new(&pattern).expect("the pattern is valid")
});

static USER_INFO: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"://[^/\s@]+@").expect("the pattern is valid"));

/// An ARN, a database user made from an identity, or the form of an account id: twelve digits, or
/// three groups of four.
static IDENTITY: LazyLock<Regex> = LazyLock::new(|| {
    let pattern =
        r#"(?<arn>arn:[^\s"',<]+)|(?-u:\b)(?:IAM[AR]?:[^\s"',<]+|(?:[0-9]{12}|[0-9]{4}-[0-9]{4}-[0-9]{4})(?-u:\b))"#;
    Regex::new(pattern).expect("the pattern is valid")
});

/// Kinds of resources that an ARN may name, besides those of the contract.
/// Source: Service Authorization Reference, resource types of IAM, STS, Organizations and others.
const KINDS: &str = "
    account assumed-role cluster federated-user function group instance-profile key mfa namespace
    oidc-provider organization ou policy role root saml-provider secret snapshot user
";

static REGION: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("^[a-z]{2}(?:-[a-z]+)+-[0-9]$").expect("the pattern is valid"));

/// Words for a caller without an identity.
const NOBODY: [&str; 5] = ["anonymous", "null", "none", "unknown", MASK];

/// Who was denied something, and a user in quotes.
static PERSON: LazyLock<Regex> = LazyLock::new(|| {
    let denied = r"(?-u:\b)(?:user|principal|role|identity):\s+(?<denied>\S+)\s+is\s+not\s+authorized(?-u:\b)";
    let quoted = r#"(?-u:\b)(?:user|user ?name|role)\s+(?:"(?<double>[^"]+)"|'(?<single>[^']+)')"#;
    Regex::new(&format!("(?i){denied}|{quoted}")).expect("the pattern is valid")
});

/// A word long enough for a key or a password.
static LONG_WORD: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[A-Za-z0-9+/=_.~%-]{8,}").expect("the pattern is valid"));

/// Long words with digits that are not secrets: regions, media types, the name of the algorithm.
static PLAIN_WORD: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"^(?:[a-z]{2}(?:-[a-z]+)+-[0-9]|application/x-amz-json-1\.[01]|AWS4-HMAC-SHA256)\.?$";
    Regex::new(pattern).expect("the pattern is valid")
});

/// A text with ARNs, account ids and the database users of identities masked.
pub(crate) fn mask_identities(text: &str) -> Cow<'_, str> {
    /// Something that every identity has, and few texts have.
    static HINT: LazyLock<Regex> = LazyLock::new(|| Regex::new("arn:|IAM|[0-9]{4}").expect("the pattern is valid"));
    if HINT.is_match(text) {
        IDENTITY.replace_all(text, |found: &Captures<'_>| match found.name("arn") {
            Some(arn) => without_names(arn.as_str()).unwrap_or_else(|| MASK.to_owned()),
            None => MASK.to_owned(),
        })
    } else {
        Cow::Borrowed(text)
    }
}

/// An ARN with its service, region and kind of resource, and without account and name; `None` if it is none.
fn without_names(arn: &str) -> Option<String> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [_, partition, service, region, account, resource] = parts[..] else { return None };
    let of_letters = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let is_plain = ["aws", "aws-cn", "aws-us-gov"].contains(&partition)
        && !service.is_empty()
        // Shorter words are not masked anywhere: `ec2`.
        && (of_letters(service) || service.len() < 8 && service.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        && (region.is_empty() || REGION.is_match(region));
    if !is_plain {
        return None;
    }
    let account = if account.is_empty() || account == "aws" { account } else { MASK };
    let kind = resource.split(['/', ':']).next().unwrap_or_default();
    let is_kind = kind == "*" || KINDS.split_ascii_whitespace().any(|known| known == kind) || is_resource(kind);
    let resource = match resource.as_bytes().get(kind.len()) {
        _ if !is_kind => MASK.to_owned(),
        Some(joint) => format!("{kind}{}{MASK}", char::from(*joint)),
        None => kind.to_owned(),
    };
    Some(format!("arn:{partition}:{service}:{region}:{account}:{resource}"))
}

/// Where a word ends that begins at a place and looks like no key and no password; `None` if it looks like one: letters
/// mixed with digits in no public form, or a long word in capitals. `word` is the part of the text that has the
/// characters of keys; a point in time may be longer.
fn end_of_plain_word(text: &str, word: Range<usize>) -> Option<usize> {
    let plain = &text[word.clone()];
    let has = |kind: fn(&u8) -> bool| plain.bytes().any(|byte| kind(&byte));
    if has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) && !PLAIN_WORD.is_match(plain) {
        return public_length(&text[word.start..]).map(|length| word.end.max(word.start + length));
    }
    let shouted = plain.len() >= 12 && plain.bytes().all(|byte| byte.is_ascii_uppercase());
    (!shouted || is_public_in_capitals(plain)).then_some(word.end)
}

/// Whether a text is a name such as `dbPassword` or `content-type`, or a short number: letters and the characters that
/// join words, at most 40 bytes. Such texts need no search, and most texts are such.
fn is_plain_name(text: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphabetic() || b"-_./".contains(&byte);
    let name = text.len() <= 40 && text.bytes().all(letters) && text.bytes().any(|byte| byte.is_ascii_lowercase());
    name || (text.len() < 12 && text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a text is a single word of letters and digits, such as the id of a request.
fn is_one_word(text: &str) -> bool {
    let part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (8..=QUOTE_LIMIT).contains(&text.len())
        && text.bytes().all(part)
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
        && text.bytes().any(|byte| byte.is_ascii_digit())
}

/// A target's own words, fit for a report: escaped and cut at 200 characters. Everything is masked that looks like a
/// secret (the value behind a password-like name, a long word of letters and digits), an account id or an ARN, even if
/// it shows only when a word is decoded.
pub fn quote(text: &str) -> String {
    if is_public_word(text) { text.to_owned() } else { quote_start(text, false, &|_| false) }
}

/// [`quote`] for a text that is the start of a longer one if `cut`. A word is masked too if it is `known` as a secret
/// when it is decoded.
pub(super) fn quote_start(text: &str, cut: bool, known: &dyn Fn(&str) -> bool) -> String {
    let cut = cut || text.len() > QUOTE_WINDOW;
    let text = if cut { without_cut_word(&text[..text.floor_char_boundary(QUOTE_WINDOW)]) } else { text };
    let unveiled = without_veiled(text, known);
    let mut read = readings(&unveiled);
    let line = on_one_line(&unveiled);
    if (line != unveiled && known(&line)) || read.any(|text| known(&on_one_line(&text))) {
        return MASK.to_owned();
    }
    let masked = without_veiled(&without_forms(&unveiled, cut), &has_secret_form).into_owned();
    let mut short = if cut || masked.contains(char::is_whitespace) { on_one_line(&masked) } else { masked };
    let end = short.char_indices().nth(QUOTE_LIMIT).map(|(end, _)| end);
    if end.is_some() || cut {
        short.truncate(end.unwrap_or(short.len()));
        short.push('…');
    }
    escape(&short)
}

fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text with everything masked that has the form of a secret.
fn without_forms(text: &str, cut: bool) -> Cow<'_, str> {
    if !cut && (is_public_word(text) || is_plain_name(text)) {
        return Cow::Borrowed(text);
    }
    if !cut && is_one_word(text) {
        return Cow::Borrowed(end_of_plain_word(text, 0..text.len()).map_or(MASK, |_| text));
    }
    let masked = without_named_secrets(text);
    let has_sentence = may_hold_sentence(&masked);
    let masked =
        if has_sentence { PASSWORD_IN_SENTENCE.replace_all(&masked, "$1***") } else { Cow::Borrowed(&*masked) };
    let masked = USER_INFO.replace_all(&masked, "://***@");
    let masked = PERSON.replace_all(&masked, without_person);
    let masked = mask_identities(&masked);
    Cow::Owned(without_long_words(&masked).into_owned())
}

/// A password-like name, and the value behind it: where they are in a text.
pub(super) struct NamedSecret {
    /// The name with its separator.
    pub(super) name: Range<usize>,
    pub(super) value: Range<usize>,
}

/// The secrets that stand behind password-like names in a text, without those whose name only looks like one. `value` is
/// a pattern for the start of what follows a name.
pub(super) fn secrets_behind_names(value: &'static LazyLock<Regex>, text: &str) -> impl Iterator<Item = NamedSecret> {
    let mut at = 0;
    let finder = may_hold_secret_name(text).then(|| NameFinder::of(text));
    iter::from_fn(move || {
        let finder = finder.as_ref()?;
        loop {
            let name = finder.find_at(text, at)?;
            let Some(value) = value.find(&text[name.end..]) else {
                // Another name may begin within this one.
                at = text.ceil_char_boundary(name.start + 1);
                continue;
            };
            let value = name.end..name.end + value.end();
            if is_heading(text, name.clone(), &text[value.clone()]) {
                // There may be a secret in what follows.
                at = name.end;
            } else {
                at = value.end;
                return Some(NamedSecret { name, value });
            }
        }
    })
}

/// Whether [`SECRET_NAME`] may match a text. Patterns are compiled when they are first used, which takes longer than a
/// call, and each process of a test runner does it again.
fn may_hold_secret_name(text: &str) -> bool {
    // Some letters beyond ASCII are a form of one in ASCII, and some names have such letters.
    !text.is_ascii() || PARTS_OF_SECRET_NAMES.is_match(text)
}

/// The matches of [`PASSWORD_IN_SENTENCE`] in a text.
pub(super) fn passwords_in_sentences(text: &str) -> impl Iterator<Item = Captures<'_>> {
    let pattern = may_hold_sentence(text).then(|| &*PASSWORD_IN_SENTENCE);
    pattern.into_iter().flat_map(move |pattern| pattern.captures_iter(text))
}

/// Whether [`PASSWORD_IN_SENTENCE`] may match: one of its words begins somewhere, and there is a blank.
fn may_hold_sentence(text: &str) -> bool {
    let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let begins_word = |place: usize| place == 0 || !is_inside(text.as_bytes()[place - 1]);
    let has_word = || WORDS_OF_SENTENCES.find_iter(text).any(|found| begins_word(found.start()));
    text.contains(char::is_whitespace) && (!text.is_ascii() || has_word())
}

/// Whether the text at `name` is no name of a secret, but says what the words behind it are about: an error
/// (`ExpiredTokenException: The ...`), or an operation or a page token that an ordinary word or a status follows.
fn is_heading(text: &str, name: Range<usize>, value: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let before = text.as_bytes()[..name.start].iter().rev().take_while(|byte| is_part(**byte)).count();
    let Some((word, blank)) = text[name.start - before..name.end].split_once(':') else { return false };
    let is_ordinary = |value: &str| {
        let word = value.trim_end_matches(|c: char| c.is_ascii_punctuation());
        let is_status = word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit());
        is_status || (!word.is_empty() && word.chars().all(char::is_alphabetic))
    };
    blank.trim().is_empty()
        && (is_name_of_error(word) || (!blank.is_empty() && is_never_secret(word) && is_ordinary(value)))
}

/// A match of `PERSON` with the name masked, unless it is an ARN, which keeps its kind, or nobody's.
fn without_person(found: &Captures<'_>) -> String {
    let names = ["denied", "double", "single"].into_iter().find_map(|group| found.name(group));
    match (found.get(0), names) {
        (Some(whole), Some(name)) if !is_nobody(name.as_str()) => {
            let (start, end) = (name.start() - whole.start(), name.end() - whole.start());
            format!("{}{MASK}{}", &whole.as_str()[..start], &whole.as_str()[end..])
        }
        _ => found[0].to_owned(),
    }
}

fn is_nobody(name: &str) -> bool {
    name.starts_with("arn:") || NOBODY.iter().any(|nobody| nobody.eq_ignore_ascii_case(name))
}

fn without_named_secrets(text: &str) -> Cow<'_, str> {
    let (mut out, mut copied) = (String::new(), 0);
    for found in secrets_behind_names(&SECRET_VALUE, text) {
        out.push_str(&text[copied..found.name.end]);
        out.push_str(MASK);
        copied = found.value.end;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// A text with every long word masked that looks like a key or a password.
fn without_long_words(text: &str) -> Cow<'_, str> {
    let (mut out, mut copied, mut at) = (String::new(), 0, 0);
    while let Some(word) = LONG_WORD.find_at(text, at) {
        let end = end_of_plain_word(text, word.range());
        if end.is_none() {
            out.push_str(&text[copied..word.start()]);
            out.push_str(MASK);
            copied = word.end();
        }
        at = end.unwrap_or(word.end());
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// Whether something in a text has the form of a secret.
fn has_secret_form(text: &str) -> bool {
    without_forms(text, true) != text
}

/// Whether a text is always masked for its form alone, whatever is beside it and in any letter case. It is one word of
/// letters mixed with digits, like a random password or a key, and unlike one that a person makes up or a part of a word
/// in a public form. A short one must not contain an ordinary word, at which it could be split in two.
pub(super) fn is_known_by_form(text: &str) -> bool {
    const LONG: usize = 16;
    const SHORT: usize = 12;
    /// This many small letters in a row may be a word.
    const WORD: usize = 5;
    let has = |kind: fn(&u8) -> bool| text.bytes().any(|byte| kind(&byte));
    let is_mixed = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=_".contains(&byte))
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_alphabetic);
    let has_word = || text.as_bytes().windows(WORD).any(|part| part.iter().all(u8::is_ascii_lowercase));
    let is_random = || has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && !has_word();
    is_mixed && !may_be_in_public_form(text) && (text.len() >= LONG || (text.len() >= SHORT && is_random()))
}

/// The start of a text without its last word, which was cut in two: the whole word is unknown.
fn without_cut_word(start: &str) -> &str {
    let whole = start.trim_end_matches(|c: char| !c.is_whitespace());
    if whole.is_empty() { start } else { whole }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
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
    #[case::german("Kennwort: CANARY")]
    #[case::french("le mot de passe : CANARY")]
    #[case::russian("Пароль: CANARY")]
    #[case::in_a_sentence("Password correct-CANARY-horse is wrong")]
    #[case::with_a_digit("login with pass 7CANARY as bob")]
    #[case::in_quotes("the password 'CANARY' is wrong")]
    #[case::statement("CREATE USER bob IDENTIFIED BY 'CANARY'")]
    #[case::ruby(r#":db_password => "CANARY""#)]
    #[case::short_name("db_pw=CANARY&a=b")]
    #[case::name_in_front_of_another(r#"{"passwordToken":"CANARY"}"#)]
    #[case::an_old_letter("dbpa\u{17f}\u{17f}=CANARY")]
    fn what_follows_a_password_like_name_is_masked(#[case] text: &str) {
        let quoted = quote(text);
        assert!(!quoted.contains("CANARY"), "{quoted}");
        assert!(quoted.contains("***"), "{quoted}");
    }

    proptest! {
        /// Texts made of what the patterns are made of.
        #[test]
        fn no_pattern_is_left_out_that_would_match_and_every_finder_finds_the_same(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "passw", "passphrase", "passcode", "pwd", "secret", "token", "signature", "credential", "dbuser",
                    "db_user", "access_key", "api-key", "private", "session", "signing", "key", "kennwort", "mot de passe",
                    "contraseña", "contrasena", "senha", "wachtwoord", "hasło", "пароль", "pass", "pw", "otp", "jwt",
                    "creds", "clave", "user", "user_name", "identified", "by", "is", "ord", "paſſword", "\u{212a}ey",
                    "=", ":", ">", "=>", " ", "\t", "\"", "'", "<a ", "_", "7", "x", "é", "x-9!",
                ]),
                0..12,
            ),
            in_capitals in any::<bool>(),
        ) {
            let text = parts.concat();
            let text = if in_capitals { text.to_uppercase() } else { text };
            let everywhere = SECRET_NAME.find(&text).map(|found| found.range());
            prop_assert_eq!(NameFinder::of(&text).find_at(&text, 0), everywhere, "{:?}", text);
            prop_assert!(!SECRET_NAME.is_match(&text) || may_hold_secret_name(&text), "{:?}", text);
            prop_assert!(!PASSWORD_IN_SENTENCE.is_match(&text) || may_hold_sentence(&text), "{:?}", text);
        }
    }

    #[rstest]
    #[case::json(r"no \u0043\u006e\u0072\u0079\u002d\u0039\u0078\u004b\u0032 here", "no *** here")]
    #[case::html("no &#67;&#110;&#114;&#121;&#45;&#57;&#120;&#75;&#50; here", "no *** here")]
    #[case::base64_without_digits("no bGlrZWFiaXJkaW5mbGlnaHQxZWFzdA here", "no *** here")]
    #[case::hexadecimal_without_letters("no 61626331646566323334 here", "no *** here")]
    #[case::account_ids_and_arns(
        "User: arn:aws:iam::123456789012:user/a is not 123456789012 but 1234567890123",
        "User: arn:aws:iam::***:user/*** is not *** but 1234567890123"
    )]
    #[case::arn_of_nothing_known(
        "arn:aws:redshift-serverless:us-east-1:123456789012:pet/rex and arn:aws:s3cretpw7word:::x and arn:rex:a:::x",
        "arn:aws:redshift-serverless:us-east-1:***:*** and *** and ***"
    )]
    #[case::behind_an_error("TokenException: token=CANARY7 was given", "TokenException: token=*** was given")]
    #[case::behind_an_error_of_passwords("BadPasswordException: hunter is short", "BadPasswordException: *** is short")]
    #[case::behind_an_operation(
        "GetCredentials: hunter2 and GetCredentials=hunter",
        "GetCredentials: *** and GetCredentials=***"
    )]
    #[case::control_and_bidirectional_characters("a\u{1b}[31mb\u{202e}c", "a\\u{1b}[31mb\\u{202e}c")]
    fn what_looks_like_a_secret_is_masked_and_what_is_invisible_escaped(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(quote(text), expected);
    }

    #[rstest]
    #[case("The security token included in the request is invalid.")]
    #[case("Unsupported service: redshift-serverless")]
    #[case("The password must have 8-64 characters. The password is wrong, and so is the pass.")]
    #[case("Passwort für alle")]
    #[case("Value at 'durationSeconds' failed to satisfy constraint")]
    #[case("Credential should be scoped to a valid region, not us-east-1.")]
    #[case("expected application/x-amz-json-1.1, signed with AWS4-HMAC-SHA256")]
    fn plain_sentences_stay_whole(#[case] text: &str) {
        assert_eq!(quote(text), text);
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(quote(&"é".repeat(1000)).chars().count(), QUOTE_LIMIT + 1);
    }
}
