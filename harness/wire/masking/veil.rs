//! Words that show something only to whoever decodes them.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use regex::{Captures, Regex};

use super::decode::readings;
use super::masker::MASK;

/// So many encodings in each other are undone.
const DEEPEST: usize = 3;

/// What base64 and hexadecimal are written with.
static CODE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[A-Za-z0-9+/_-]{4,}={0,2}|[A-Za-z0-9+/_-]{2,3}={1,2}").expect("the pattern is valid")
});

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
static BASE64: [GeneralPurpose; 2] = [GeneralPurpose::new(&STANDARD, LENIENT), GeneralPurpose::new(&URL_SAFE, LENIENT)];

/// So many codes are read in a text, and one more for each of so many bytes. Few ordinary words are the code of
/// anything that can be read.
const MOST_CODES: usize = 300;
const BYTES_FOR_ONE_MORE: usize = 8;

/// A text without the words that show something once they are decoded: the escapes of JSON, URLs and HTML, base64,
/// hexadecimal, several of them in each other. A word that would take too long to decode is not shown either.
pub(super) fn without_veiled<'t>(text: &'t str, shows: &dyn Fn(&str) -> bool) -> Cow<'t, str> {
    let veil = Veil { shows, left: Cell::new(MOST_CODES + text.len() / BYTES_FOR_ONE_MORE) };
    let mut rest = text;
    let mut out = String::new();
    while !rest.is_empty() {
        let start = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
        let (space, from_word) = rest.split_at(start);
        let (word, behind) = from_word.split_at(from_word.find(char::is_whitespace).unwrap_or(from_word.len()));
        out.push_str(space);
        if readings(word).any(|text| shows(&text) || veil.is_in(&text, DEEPEST)) {
            out.push_str(MASK);
        } else {
            let unveil = |code: &Captures<'_>| {
                if veil.covers(&code[0], DEEPEST) { MASK.to_owned() } else { code[0].to_owned() }
            };
            out.push_str(&CODE.replace_all(word, unveil));
        }
        rest = behind;
    }
    if out == text { Cow::Borrowed(text) } else { Cow::Owned(out) }
}

/// What is looked for behind the codes of a text.
struct Veil<'a> {
    shows: &'a dyn Fn(&str) -> bool,
    /// So many codes are still decoded.
    left: Cell<usize>,
}

impl Veil<'_> {
    /// Whether a word in a text is the code of one that shows something.
    fn is_in(&self, text: &str, depth: usize) -> bool {
        depth > 0 && CODE.find_iter(text).any(|code| self.covers(code.as_str(), depth))
    }

    /// Whether a word is the code of one that shows something, or nobody has the time to tell.
    fn covers(&self, code: &str, depth: usize) -> bool {
        // In a path, what separates words is a part of the alphabet.
        let parts = code.split(['/', '+', '-', '_']).filter(|part| part.len() >= 4 && part.len() < code.len());
        [code].into_iter().chain(parts).flat_map(decoded_codes).any(|text| {
            if self.left.get() == 0 {
                return true;
            }
            self.left.set(self.left.get() - 1);
            (self.shows)(&text)
                || self.is_in(&text, depth - 1)
                || readings(&text).any(|text| (self.shows)(&text) || self.is_in(&text, depth - 1))
        })
    }
}

/// The texts that a word is the code of, in base64 or hexadecimal.
pub(super) fn decoded_codes(code: &str) -> impl Iterator<Item = String> {
    // Without the characters in which they differ, both alphabets give the same.
    let alphabets = if code.contains(['+', '/', '-', '_']) { 2 } else { 1 };
    let engines = BASE64.iter().take(alphabets);
    engines.filter_map(move |engine| engine.decode(code).ok()).chain(hex(code)).filter_map(readable)
}

fn hex(code: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = code.chars().map(|c| u8::try_from(c.to_digit(16)?).ok()).collect();
    let digits = digits.filter(|digits| digits.len() >= 4 && digits.len().is_multiple_of(2))?;
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// The bytes as a text, where they are one that can be read.
fn readable(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?;
    let odd = |c: char| c.is_control() && !c.is_whitespace();
    (!text.contains(odd)).then_some(text)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("no tiger here", "no tiger here")]
    #[case::json(r"no \u0074iger, here", "no *** here")]
    #[case::url("no %74iger here", "no *** here")]
    #[case::base64("no (dGlnZXI=) here", "no (***) here")]
    #[case::base64_without_padding("no dGlnZXI", "no ***")]
    #[case::base64_behind_a_user("no dTp0aWdlcg==", "no ***")]
    #[case::base64_of_json(r"no eyJhIjoiXHUwMDc0aWdlciJ9", "no ***")]
    #[case::hexadecimal("no 7469676572", "no ***")]
    #[case::hexadecimal_in_capitals("no 74696765 0A", "no 74696765 0A")]
    #[case::all_in_each_other("no NjQ0NzZjNmU1YTU4NDkzZA==", "no ***")]
    #[case::base64_in_a_path("no /a/dGlnZXI=/b", "no ***/b")]
    #[case::an_escape_that_is_meant(r"no \u0074iger\u005c", "no ***")]
    #[case::code_in_a_url("no %64GlnZXI%3D", "no ***")]
    #[case::spaces("  a \n b ", "  a \n b ")]
    fn a_word_that_shows_a_secret_when_it_is_decoded_is_masked(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(without_veiled(text, &|text| text.contains("tiger")), expected);
    }

    #[test]
    fn what_takes_too_long_to_decode_is_not_shown() {
        let code = "YWJj ".repeat(10_000);
        let shown = without_veiled(&code, &|_| false);
        assert!(shown.ends_with("*** "), "{}", shown.len());
        assert_eq!(without_veiled("words ".repeat(10_000).as_str(), &|_| false), "words ".repeat(10_000));
    }

    #[test]
    fn ordinary_words_are_nobodys_code() {
        let text = "The ResourceNotFoundException of workgroup deadbeef at 1795323491, signed with AWS4-HMAC-SHA256";
        assert_eq!(without_veiled(text, &|_| false), text);
        let veil = Veil { shows: &|_| true, left: Cell::new(MOST_CODES) };
        assert!(!veil.is_in(text, DEEPEST), "nothing in it can be decoded to a text");
    }
}
