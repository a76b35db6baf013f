//! Decodes texts: undoes the escapes of JSON, URLs and HTML, and finds words that show something only when they are
//! decoded.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use regex::{Captures, Regex};

use super::masker::MASK;
use crate::text::is_invisible;

/// How many times a text is decoded: nobody can read a text that is escaped more often.
const ROUNDS: usize = 5;

/// A text without the escapes of JSON (`\u0061`), of programs (`\x61`, `\u{61}`), URLs (`%61`) and HTML (`&#97;`), and
/// without invisible characters, such as the zeros of UTF-16; borrowed if it has none of them.
pub(super) fn decode(text: &str) -> Cow<'_, str> {
    readings(text).last().map_or(Cow::Borrowed(text), Cow::Owned)
}

/// The result of each round of [`decode`]: an apparent escape may be meant literally.
pub(super) fn readings(text: &str) -> impl Iterator<Item = String> {
    std::iter::successors(decode_once(text), |text| decode_once(text)).take(ROUNDS)
}

fn decode_once(text: &str) -> Option<String> {
    // Most texts have nothing that could be an escape.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r') && !b"%\\&".contains(&byte)) {
        return None;
    }
    if text.contains('\0') {
        // Zeros of UTF-16 stand inside escapes too.
        return Some(text.replace('\0', ""));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut found = false;
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let escape = match character {
            '%' => hex(rest.get(1..3)).and_then(|byte| u8::try_from(byte).ok()).map(|byte| (3, vec![byte])),
            '\\' => backslash(rest),
            '&' => entity(rest),
            _ if is_invisible(character) || (character.is_control() && !character.is_whitespace()) => {
                Some((character.len_utf8(), Vec::new()))
            }
            _ => None,
        };
        found |= escape.is_some();
        let length = character.len_utf8();
        let (bytes_taken, decoded) = escape.unwrap_or_else(|| (length, rest.as_bytes()[..length].to_vec()));
        bytes.extend_from_slice(&decoded);
        rest = &rest[bytes_taken..];
    }
    found.then(|| String::from_utf8_lossy(&bytes).into_owned())
}

fn hex(digits: Option<&str>) -> Option<u32> {
    let digits = digits.filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

fn utf8(code: u32) -> Vec<u8> {
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER).to_string().into_bytes()
}

/// The escape at the start of a text: how many bytes it takes, and what it stands for.
type Escape = (usize, Vec<u8>);

fn backslash(rest: &str) -> Option<Escape> {
    let unit = |at: usize| (rest.get(at..at + 2) == Some("\\u")).then(|| hex(rest.get(at + 2..at + 6))).flatten();
    match *rest.as_bytes().get(1)? {
        b'u' => {
            if let Some(braced) = braced(rest) {
                return Some(braced);
            }
            let Some(first) = unit(0) else { return Some((1, Vec::new())) };
            // A character beyond the first 65536 is a pair.
            match unit(6).filter(|second| (0xd800..0xdc00).contains(&first) && (0xdc00..0xe000).contains(second)) {
                Some(second) => Some((12, utf8(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)))),
                None => Some((6, utf8(first))),
            }
        }
        b'x' => Some(bytes_of_character(rest).unwrap_or_else(|| {
            // The number of one of the first 256 characters, not a byte of UTF-8.
            hex(rest.get(2..4)).map_or((1, Vec::new()), |code| (4, utf8(code)))
        })),
        b'n' | b'r' | b't' => Some((2, b" ".to_vec())),
        // Any other character behind a backslash stands for itself, a second backslash too.
        b'\\' => Some((2, b"\\".to_vec())),
        _ => Some((1, Vec::new())),
    }
}

/// A character's number in braces, as in Rust and JavaScript: `\u{61}`.
fn braced(rest: &str) -> Option<Escape> {
    const DIGITS: usize = 6;
    let number = rest.strip_prefix("\\u{")?;
    let end = number.bytes().take(DIGITS + 1).position(|byte| byte == b'}')?;
    Some((3 + end + 1, utf8(hex(Some(&number[..end]))?)))
}

/// A character with each byte of its UTF-8 escaped, as in Python: `\xc3\xa9`.
fn bytes_of_character(rest: &str) -> Option<Escape> {
    const ESCAPE: usize = 4;
    let byte_at = |at: usize| {
        let digits = rest.get(at..at + ESCAPE)?.strip_prefix("\\x")?;
        u8::try_from(hex(Some(digits))?).ok()
    };
    let bytes: Vec<u8> = (0..4).map_while(|index| byte_at(index * ESCAPE)).collect();
    let length = (2..=bytes.len()).find(|length| std::str::from_utf8(&bytes[..*length]).is_ok())?;
    Some((length * ESCAPE, bytes[..length].to_vec()))
}

fn entity(rest: &str) -> Option<Escape> {
    const NAMED: [(&str, &[u8]); 6] =
        [("&amp;", b"&"), ("&lt;", b"<"), ("&gt;", b">"), ("&quot;", b"\""), ("&apos;", b"'"), ("&nbsp;", b" ")];
    /// The most digits that a reference to a character has, with room for leading zeros.
    const DIGITS: usize = 10;
    if let Some((name, decoded)) = NAMED.iter().find(|(name, _)| rest.starts_with(name)) {
        return Some((name.len(), decoded.to_vec()));
    }
    let number = rest.strip_prefix("&#")?;
    let digits = number.strip_prefix(['x', 'X']);
    let is_digit = |byte: u8| if digits.is_some() { byte.is_ascii_hexdigit() } else { byte.is_ascii_digit() };
    let (sign, digits) = (number.len() - digits.unwrap_or(number).len(), digits.unwrap_or(number));
    // A browser also reads a reference without its semicolon.
    let count = digits.bytes().take(DIGITS).take_while(|byte| is_digit(*byte)).count();
    let code = u32::from_str_radix(&digits[..count], if sign > 0 { 16 } else { 10 }).ok()?;
    let semicolon = usize::from(digits[count..].starts_with(';'));
    Some((2 + sign + count + semicolon, utf8(code)))
}

/// How many nested encodings are undone.
const DEEPEST: usize = 3;

/// A word that may be base64 or hexadecimal.
static CODE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[A-Za-z0-9+/_-]{4,}={0,2}|[A-Za-z0-9+/_-]{2,3}={1,2}").expect("the pattern is valid")
});

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
static BASE64: [GeneralPurpose; 2] = [GeneralPurpose::new(&STANDARD, LENIENT), GeneralPurpose::new(&URL_SAFE, LENIENT)];

/// The most codes that are decoded in a short text. Few ordinary words decode to readable text.
const MOST_CODES: usize = 300;

/// A longer text may have one more code for each of these bytes.
const BYTES_FOR_ONE_MORE: usize = 8;

/// A text with every word masked that `shows` something when it is decoded from the escapes of JSON, URLs and HTML,
/// from base64 or hexadecimal, or from several of them nested. A word that would take too long to decode is masked too.
pub(super) fn without_veiled<'t>(text: &'t str, shows: &dyn Fn(&str) -> bool) -> Cow<'t, str> {
    let search = DecodedSearch { shows, left: Cell::new(MOST_CODES + text.len() / BYTES_FOR_ONE_MORE) };
    let mut rest = text;
    let mut out = String::new();
    while !rest.is_empty() {
        let start = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
        let (space, from_word) = rest.split_at(start);
        let (word, behind) = from_word.split_at(from_word.find(char::is_whitespace).unwrap_or(from_word.len()));
        out.push_str(space);
        if readings(word).any(|text| shows(&text) || search.is_in(&text, DEEPEST)) {
            out.push_str(MASK);
        } else {
            let unveil = |code: &Captures<'_>| {
                if search.covers(&code[0], DEEPEST) { MASK.to_owned() } else { code[0].to_owned() }
            };
            out.push_str(&CODE.replace_all(word, unveil));
        }
        rest = behind;
    }
    if out == text { Cow::Borrowed(text) } else { Cow::Owned(out) }
}

/// The search in the decoded codes of a text.
struct DecodedSearch<'a> {
    shows: &'a dyn Fn(&str) -> bool,
    /// How many more codes may be decoded.
    left: Cell<usize>,
}

impl DecodedSearch<'_> {
    /// Whether a text holds a code that shows something when it is decoded.
    fn is_in(&self, text: &str, depth: usize) -> bool {
        depth > 0 && CODE.find_iter(text).any(|code| self.covers(code.as_str(), depth))
    }

    /// Whether a word shows something when it is decoded, or too many codes were decoded to tell.
    fn covers(&self, code: &str, depth: usize) -> bool {
        // The characters that separate words in a path belong to the alphabets of base64.
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

/// The texts that a word decodes to, from base64 or hexadecimal.
pub(super) fn decoded_codes(code: &str) -> impl Iterator<Item = String> {
    // Without the characters in which they differ, both alphabets give the same.
    let alphabets = if code.contains(['+', '/', '-', '_']) { 2 } else { 1 };
    let engines = BASE64.iter().take(alphabets);
    engines.filter_map(move |engine| engine.decode(code).ok()).chain(hexadecimal(code)).filter_map(readable)
}

fn hexadecimal(code: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = code.chars().map(|c| u8::try_from(c.to_digit(16)?).ok()).collect();
    let digits = digits.filter(|digits| digits.len() >= 4 && digits.len().is_multiple_of(2))?;
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// The bytes as text; `None` if they are not UTF-8, or hold control characters other than white space.
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
    #[case::plain("no escapes: 100 % & more", "no escapes: 100 % & more")]
    #[case::json(r"\u0063orr\u0065ct", "correct")]
    #[case::pair(r"\ud83d\ude00", "😀")]
    #[case::half_a_pair(r"\ud83dx", "\u{fffd}x")]
    #[case::python(r"\x63orrect", "correct")]
    #[case::url("%63orrect%20horse", "correct horse")]
    #[case::bytes("%c3%a9", "é")]
    #[case::decimal("&#99;orrect", "correct")]
    #[case::hexadecimal("&#x63;orrect &quot;a&quot;", "correct \"a\"")]
    #[case::no_semicolon("&#99&#111rrect &#x63&#X6f;", "correct co")]
    #[case::braces(r"\u{63}orrect \u{1f600}", "correct 😀")]
    #[case::broken_braces(r"\u{zz} \u{63", "u{zz} u{63")]
    #[case::bytes_of_a_program(r"caf\xc3\xa9 \xf0\x9f\x98\x80", "café 😀")]
    #[case::number_of_a_program(r"caf\xe9", "café")]
    #[case::twice("%2563orrect &amp;#99;", "correct c")]
    #[case::invisible("cor\u{200b}rect", "correct")]
    #[case::utf_16("c\x00o\x00\\\x00u\x000\x000\x007\x002\x00", "cor")]
    #[case::broken(r"%zz &#; &#x; \u12", "%zz &#; &#x; u12")]
    #[case::at_the_end("%6", "%6")]
    #[case::backslash_at_the_end("a\\", "a\\")]
    fn escapes_are_undone(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(decode(text), expected);
    }

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
        let masked = without_veiled(&code, &|_| false);
        assert!(masked.ends_with("*** "), "{}", masked.len());
        assert_eq!(without_veiled("words ".repeat(10_000).as_str(), &|_| false), "words ".repeat(10_000));
    }

    #[test]
    fn ordinary_words_are_nobodys_code() {
        let text = "The ResourceNotFoundException of workgroup deadbeef at 1795323491, signed with AWS4-HMAC-SHA256";
        assert_eq!(without_veiled(text, &|_| false), text);
        let search = DecodedSearch { shows: &|_| true, left: Cell::new(MOST_CODES) };
        assert!(!search.is_in(text, DEEPEST), "nothing in it can be decoded to a text");
    }
}
