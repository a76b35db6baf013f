//! Forms of words that are shown although they mix letters and digits: points in time, versions of products, technical
//! words.
//!
//! A form only says that a word is not masked for looking like a key. What a target gave as a secret is masked whatever
//! its form. So [`may_be_in_public_form`] must recognise every text that can be a part of a word in such a form.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;

use super::public_words::{is_public_name, words_of_name};

/// Letters that a number may follow without a joint, in lower case: `sha256`, `python3`.
const BEFORE_DIGITS: &str = "aarch amd arm aws base draft ec go http i iso java jdk jre log lua md oauth php py python rfc s sha sigv tls tlsv utf v x";

/// Letters that may follow a number without a joint, in lower case: `20ms`, `512mib`.
const BEHIND_DIGITS: &str = "b kb mb gb kib mib gib bytes ms s us ns min h d st nd rd th bit";

/// Technical words that have both, in lower case.
const MIXED: &str = "log4j log4j2 h2c http11processor el8 el9 p12 cp1252 k8s";

/// What may stand in a version beside its numbers, in lower case: `6.0.0-rc1`, `3.0.2-0ubuntu1.10`.
const IN_VERSIONS: &str = "v rc alpha beta build final ga post preview release snapshot dev deb ubuntu el fc jre b a r";

/// The letters in points in time and in lengths of time, in lower case.
const IN_TIMES: &str = "
    t z p pt y m w d h s ms us ns utc gmt
    jan feb mar apr may jun jul aug sep sept oct nov dec
    january february march april june july august september october november december
";

/// Words that a number may follow behind a joint, in lower case: `ISO-8601`, `HTTP/2`, `x86_64`.
const BEFORE_JOINT_AND_NUMBER: &str = "aes http ipv iso json rfc rsa sha ssl tls utf x86";

/// The last words of names whose values are counted: `status=404`, `maxAge=60`.
const COUNTED: &str = "
    age attempt attempts bytes column count duration expires length limit line lines max min ms offset page position
    retries seconds size status timeout
";

/// Words that servers write in capitals and without joints.
const IN_CAPITALS: &str = "
    AUTHENTICATION AUTHORIZATION BADGATEWAY BADREQUEST CONFIGURATION ECONNABORTED ECONNREFUSED EHOSTUNREACH
    INTERNALERROR INTERNALSERVERERROR INVALIDARGUMENT INVALIDREQUEST NOTIMPLEMENTED PERMISSIONDENIED UNAUTHENTICATED
    UNAUTHORIZED UNIMPLEMENTED UNPROCESSABLE
";

/// The most digits of a number beside letters.
const MOST_DIGITS: usize = 7;

/// The most digits of a number behind a word and a joint.
const MOST_DIGITS_BEHIND_JOINT: usize = 5;

/// The most digits in a row beside letters in any form: the fractions of a second.
const MOST_DIGITS_OF_ALL: usize = 9;

struct Letters {
    before_digits: HashSet<&'static str>,
    behind_digits: HashSet<&'static str>,
    mixed: HashSet<&'static str>,
    before_joint: HashSet<&'static str>,
    counted: HashSet<&'static str>,
    in_capitals: HashSet<&'static str>,
    /// All letters that stand beside digits in any form.
    beside_digits: HashSet<&'static str>,
}

static LETTERS: LazyLock<Letters> = LazyLock::new(|| {
    let set = |words: &'static str| words.split_ascii_whitespace().collect::<HashSet<_>>();
    let all = [BEFORE_DIGITS, BEHIND_DIGITS, MIXED, IN_VERSIONS, IN_TIMES, REGIONS];
    let pieces = |words: &'static str| words.split(|c: char| !c.is_ascii_alphabetic());
    Letters {
        before_digits: set(BEFORE_DIGITS),
        behind_digits: set(BEHIND_DIGITS),
        mixed: set(MIXED),
        before_joint: set(BEFORE_JOINT_AND_NUMBER),
        counted: set(COUNTED),
        in_capitals: set(IN_CAPITALS),
        beside_digits: all.into_iter().flat_map(pieces).filter(|piece| !piece.is_empty()).collect(),
    }
});

const REGIONS: &str = "af ap ca cn eu il me mx sa us";

fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is valid")
}

fn any_of(words: &str) -> String {
    let mut words: Vec<_> = words.split_ascii_whitespace().collect();
    words.sort_unstable_by_key(|word| std::cmp::Reverse(word.len()));
    words.join("|")
}

const MONTH: &str = "(?i:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?\
                     |oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)";

/// A day, or a day and a time of day.
static MOMENT: LazyLock<Regex> = LazyLock::new(|| {
    let numbers = "(?:19|20)[0-9]{2}(?:-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]))";
    let names = format!("[0-3]?[0-9][-/]{MONTH}[-/](?:19|20)?[0-9]{{2}}|{MONTH}-[0-3]?[0-9]-(?:19|20)[0-9]{{2}}");
    let clock = "[0-2][0-9]:?[0-5][0-9](?::?[0-6][0-9](?:[.,][0-9]{1,9})?)?";
    let zone = "(?:[zZ]|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)";
    pattern(&format!("^(?:{numbers}|{names})(?<clock>[Tt:_]{clock}{zone}?)?"))
});

/// A length of time: `1h30m`, `29.998s`, `PT15M`.
static LENGTH: LazyLock<Regex> = LazyLock::new(|| {
    let number = "[0-9]{1,6}(?:\\.[0-9]{1,9})?";
    pattern(&format!(
        "^(?:P(?:{number}[YMWD]){{0,3}}(?:T(?:{number}H)?(?:{number}M)?(?:{number}S)?)?\
         |(?:[0-9]{{1,4}}d)?(?:[0-9]{{1,4}}h)?(?:[0-9]{{1,4}}m)?{number}(?:ms|us|ns|[dhms]))"
    ))
});

/// A version: `1.22.1`, `9.4.51.v20230217`, `6.0.0-rc1`, `3.0.2-0ubuntu1.10`.
static VERSION: LazyLock<Regex> = LazyLock::new(|| {
    let suffix = format!("[.~+-]?[0-9]{{0,3}}(?i:{})(?:[.-]?[0-9]{{1,8}}){{0,3}}", any_of(IN_VERSIONS));
    pattern(&format!(
        r"^[vV]?[0-9]{{1,4}}(?:\.[0-9]{{1,6}}){{1,4}}(?:{suffix}|[+~-][0-9]{{1,4}}(?:\.[0-9]{{1,4}})*){{0,3}}"
    ))
});

/// A region of AWS.
static REGION: LazyLock<Regex> = LazyLock::new(|| {
    let side = "(?:north|south|east|west|central|northeast|northwest|southeast|southwest)";
    pattern(&format!("^(?:{})(?:-gov|-iso[a-f]?)?-{side}-[1-9]", any_of(REGIONS)))
});

/// Letters and digits without a joint.
static RUN: LazyLock<Regex> = LazyLock::new(|| pattern("^[A-Za-z0-9]+"));

/// The numbers of a version behind a technical word: `.11` of `python3.11`.
static MORE_NUMBERS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?:\.[0-9]{1,4}){1,3}"));

fn is_joint(byte: u8) -> bool {
    b"+/=_.~%-".contains(&byte)
}

/// The length of a form at the start of a text; `None` if letters or digits follow it.
fn length_of(form: &Regex, text: &str) -> Option<usize> {
    let end = form.find(text)?.end();
    let goes_on = text[end..].starts_with(|c: char| c.is_alphanumeric());
    (end > 0 && !goes_on).then_some(end)
}

/// The length of the word at the start of a text, if all its parts are public or letters. A point in time may hold
/// colons.
pub(super) fn public_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let end_of_word = bytes.iter().position(|byte| !byte.is_ascii_alphanumeric() && !is_joint(*byte));
    let word = &text[..end_of_word.unwrap_or(text.len())];
    let (mut at, mut before) = (0, "");
    while let Some(byte) = bytes.get(at).filter(|byte| byte.is_ascii_alphanumeric() || is_joint(**byte)) {
        if is_joint(*byte) {
            at += 1;
            continue;
        }
        let rest = &text[at..];
        let length = moment(rest, at, word)
            .or_else(|| [&*LENGTH, &*VERSION, &*REGION].into_iter().find_map(|form| length_of(form, rest)))
            .or_else(|| run(rest, before, bytes[..at].last().copied()))?;
        before = &text[at..at + length];
        at += length;
    }
    Some(at)
}

/// The length of a point in time at the start of a text. A day alone must be the whole word, or stand in the scope of a
/// signature: it is a likely part of a password.
fn moment(text: &str, at: usize, word: &str) -> Option<usize> {
    let clock = MOMENT.captures(text)?.name("clock");
    let length = length_of(&MOMENT, text)?;
    let is_alone = at == 0 && (length >= word.trim_end_matches('.').len() || word.ends_with("/aws4_request"));
    (clock.is_some() || is_alone).then_some(length)
}

/// The length of the letters and digits at the start of a text, if they are letters only or technical. `before` is the
/// part before them, `joint` what joins both.
fn run(text: &str, before: &str, joint: Option<u8>) -> Option<usize> {
    let letters = &*LETTERS;
    let run = RUN.find(text)?.as_str();
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if run.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Some(run.len());
    }
    if is_digits(run) {
        let last = || words_of_name(before).last().unwrap_or_default().to_ascii_lowercase();
        let follows = match joint {
            Some(b'=') => letters.counted.contains(&*last()),
            Some(_) => letters.before_joint.contains(&*before.to_ascii_lowercase()),
            None => false,
        };
        return (follows && run.len() <= MOST_DIGITS_BEHIND_JOINT).then_some(run.len());
    }
    let lower = run.to_ascii_lowercase();
    let (word, number) = lower.split_at(lower.find(|c: char| c.is_ascii_digit())?);
    let unit = lower.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_number = |number: &str| is_digits(number) && number.len() <= MOST_DIGITS;
    let behind_number = is_number(&lower[..lower.len() - unit.len()]) && letters.behind_digits.contains(unit);
    let before_number = is_number(number) && letters.before_digits.contains(word);
    if before_number {
        return Some(run.len() + length_of(&MORE_NUMBERS, &text[run.len()..]).unwrap_or_default());
    }
    (behind_number || letters.mixed.contains(&*lower)).then_some(run.len())
}

/// Whether a word of capitals is an ordinary or a public word.
pub(super) fn is_public_in_capitals(word: &str) -> bool {
    LETTERS.in_capitals.contains(word) || is_public_name(word)
}

/// Whether a text of letters, digits and joints can be a part of a word in a public form, in any letter case. If it
/// cannot, neither can a longer text that holds it.
pub(super) fn may_be_in_public_form(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let known = &LETTERS.beside_digits;
    lower.split(|c: char| !c.is_ascii_alphanumeric()).all(|run| {
        if !run.bytes().any(|byte| byte.is_ascii_digit()) {
            return true;
        }
        if run.split(|c: char| !c.is_ascii_digit()).any(|number| number.len() > MOST_DIGITS_OF_ALL) {
            return false;
        }
        let pieces: Vec<_> = run.split(|c: char| c.is_ascii_digit()).collect();
        // Letters at an end of the run may go on outside of the text.
        pieces.iter().enumerate().all(|(index, piece)| {
            let is_inner = index > 0 && index + 1 < pieces.len();
            piece.is_empty() || known.contains(piece) || (!is_inner && known.iter().any(|other| other.contains(piece)))
        })
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::basic_time("20261127T070000Z")]
    #[case::time("2026-11-27T07:00:00Z")]
    #[case::fractions("2026-11-27T07:00:00.123456789+00:00")]
    #[case::without_a_zone("2026-11-27T07:00:00")]
    #[case::day("27-Nov-2026")]
    #[case::day_in_a_log("27/Nov/2026:07:00:00")]
    #[case::short_year("27-Nov-26")]
    #[case::scope("20261127/us-east-1/redshift-serverless/aws4_request")]
    #[case::assigned("X-Amz-Date=20261127T070000Z")]
    #[case::length_of_time("1h30m29.998s")]
    #[case::iso_length("PT1H30M15S")]
    #[case::product("nginx/1.22.1")]
    #[case::with_a_suffix("OpenSSL/3.0.2-0ubuntu1.10")]
    #[case::candidate("spring-web-6.0.0-rc1.jar")]
    #[case::jetty("jetty-9.4.51.v20230217")]
    #[case::path("/usr/lib/python3.11/site-packages/flask/app.py")]
    #[case::host("redshift-serverless.us-east-1.amazonaws.com")]
    #[case::algorithm("X-Amz-Algorithm=AWS4-HMAC-SHA256")]
    #[case::standard("ISO-8601")]
    #[case::count("statusCode.maxAge=86400")]
    #[case::size("1048576bytes")]
    #[case::java("org.apache.coyote.http11.Http11Processor")]
    #[case::letters("correct-horse-battery")]
    fn a_word_in_a_public_form_is_known(#[case] word: &str) {
        assert_eq!(public_length(word), Some(word.len()));
        assert_eq!(public_length(&format!("{word}, x")), Some(word.len()));
        let runs: Vec<_> = word.split(|c: char| !(c.is_ascii_alphanumeric() || "+/=_".contains(c))).collect();
        for run in runs {
            for start in 0..run.len() {
                for end in start..=run.len() {
                    let part = &run[start..end];
                    assert!(may_be_in_public_form(part) && may_be_in_public_form(&part.to_uppercase()), "{part}");
                }
            }
        }
    }

    #[rstest]
    #[case::random("Xk7abcd9qLm2")]
    #[case::hexadecimal("0f3a77b191cc5d2e")]
    #[case::number_behind_a_word("correct-horse-7")]
    #[case::year("winter-2024")]
    #[case::day_in_a_word("anna-19850314")]
    #[case::joined_to_a_time("x20261127T070000Z")]
    #[case::joined_behind_a_time("20261127T070000Zx7")]
    #[case::no_month("20261327T070000Z")]
    #[case::version_and_more("nginx/1.22.1hunter2")]
    #[case::key("AKIAIOSFODNN7EXAMPLE")]
    #[case::code("code=4711")]
    #[case::long_number("sha12345678")]
    #[case::letters_and_numbers("a1b2c3d4")]
    fn any_other_word_has_none(#[case] word: &str) {
        assert_ne!(public_length(word), Some(word.len()));
    }
}
