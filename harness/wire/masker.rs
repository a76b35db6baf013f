use std::borrow::Cow;
use std::fmt;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD, Engine as _};

use super::decode::decode;
use super::mask::{QUOTE_WINDOW, quote_start};
use super::secrets::Secrets;
use super::{Response, Secret};

/// What stands for a secret.
const MASK: &str = "***";

/// Shorter encoded secrets are too likely to be part of an ordinary word.
const SHORTEST_CODE: usize = 6;

/// Finds known secrets in texts: in any letter case (of ASCII), plain, in base64 and in hexadecimal.
/// One pass over a text finds all of them, however many there are.
#[derive(Clone, Default)]
pub struct Masker {
    known: Vec<Secret>,
    /// Nothing where no secret is known.
    searcher: Option<AhoCorasick>,
    /// The length of the longest text that is searched for, in bytes.
    longest: usize,
    /// Whether an answer holds more secrets than can be searched for: then none of its words is shown.
    closed: bool,
}

impl Masker {
    /// Finds these secrets.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        Self::of(secrets.into_iter().map(Secret::from).collect())
    }

    /// Finds what this one finds, and what an answer's body and header fields hold behind names that
    /// say that they are secret: members at any depth, also of JSON inside texts and of JSON that
    /// breaks off, elements of XML, fields of forms. Where those are more than a hundred, or have more
    /// than 8192 bytes, no word of the answer is shown at all.
    #[must_use]
    pub fn with_answer(&self, response: &Response) -> Self {
        match Secrets::of(response) {
            None => Self { closed: true, ..self.clone() },
            Some(secrets) if secrets.is_empty() => self.clone(),
            Some(secrets) => {
                Self::of(self.known.iter().cloned().chain(secrets.into_iter().map(Secret::from)).collect())
            }
        }
    }

    fn of(known: Vec<Secret>) -> Self {
        let patterns: Vec<Vec<u8>> = known.iter().flat_map(|secret| forms(secret.expose())).collect();
        let longest = patterns.iter().map(Vec::len).max().unwrap_or_default();
        if longest == 0 {
            return Self::default();
        }
        // The kind that is built in one pass: few texts are searched before the next answer comes.
        let mut builder = AhoCorasick::builder();
        builder.ascii_case_insensitive(true).prefilter(false).kind(Some(AhoCorasickKind::NoncontiguousNFA));
        let searcher = builder.build(patterns);
        // What cannot be searched for cannot be shown.
        Self { known, closed: searcher.is_err(), searcher: searcher.ok(), longest }
    }

    /// A text of ours without the secrets.
    pub fn mask(&self, text: &str) -> String {
        if self.closed { MASK.to_owned() } else { self.hide(text, text.len()).into_owned() }
    }

    /// [`quote`](super::quote), without the secrets either. A text in which they stand escaped, as in
    /// JSON, a URL or HTML, is not shown.
    pub fn quote(&self, text: &str) -> String {
        if self.closed && !text.is_empty() {
            return MASK.to_owned();
        }
        let end = text.floor_char_boundary(QUOTE_WINDOW);
        let hidden = self.hide(text, end);
        match decode(&hidden) {
            Cow::Owned(decoded) if self.finds(&decoded) => MASK.to_owned(),
            _ => quote_start(&hidden, end < text.len()),
        }
    }

    fn finds(&self, text: &str) -> bool {
        self.searcher.as_ref().is_some_and(|searcher| searcher.is_match(text))
    }

    /// A text up to a place (the end of a character) without the secrets that begin before it.
    fn hide<'t>(&self, text: &'t str, end: usize) -> Cow<'t, str> {
        let Some(searcher) = &self.searcher else { return Cow::Borrowed(&text[..end]) };
        let text = &text[..text.floor_char_boundary(end + self.longest)];
        // Matches come in the order of their ends; those that overlap or touch are one.
        let mut places: Vec<(usize, usize)> = Vec::new();
        for found in searcher.find_overlapping_iter(text) {
            let mut start = found.start();
            while let Some((earlier, _)) = places.pop_if(|(_, end)| *end >= start) {
                start = start.min(earlier);
            }
            places.push((start, found.end()));
        }
        places.retain(|(start, _)| *start < end);
        if places.is_empty() {
            return Cow::Borrowed(&text[..end]);
        }
        let mut hidden = String::with_capacity(text.len());
        let mut at = 0;
        for (start, end) in places {
            hidden.push_str(&text[at..start]);
            hidden.push_str(MASK);
            at = end;
        }
        hidden.push_str(text.get(at..end).unwrap_or_default());
        Cow::Owned(hidden)
    }
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Masker({} secrets)", self.known.len())
    }
}

/// What a secret looks like in a text: itself, and inside base64 and hexadecimal.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    if secret.is_empty() {
        return Vec::new();
    }
    let mut forms: Vec<Vec<u8>> = Vec::new();
    for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
        // So many bytes may stand in front of it in a group of three, as a user's name does in `user:password`.
        for before in 0..3 {
            let code = engine.encode([&[0; 2][..before], secret.as_bytes()].concat());
            // The characters at both ends hold bits of what stands beside the secret.
            let start = (before * 8).div_ceil(6);
            let end = (before + secret.len()) * 8 / 6;
            forms.push(code.as_bytes()[start..end.max(start)].to_vec());
        }
    }
    forms.push(secret.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect());
    forms.retain(|form| form.len() >= SHORTEST_CODE);
    forms.push(secret.as_bytes().to_vec());
    forms.sort();
    forms.dedup();
    forms
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// Letters only, so that no rule but the search for known secrets can mask it.
    const CANARY: &str = "correcthorse";

    fn masker(secrets: &[&str]) -> Masker {
        Masker::new(secrets.iter().map(|secret| (*secret).to_owned()))
    }

    #[rstest]
    #[case::plain("no: correcthorse, now", "no: ***, now")]
    #[case::letter_case("no: CorrectHorse", "no: ***")]
    #[case::twice("correcthorsecorrecthorse", "***")]
    #[case::hexadecimal("636f7272656374686f727365 and 636F7272656374686F727365", "*** and ***")]
    #[case::base64("Y29ycmVjdGhvcnNl", "***")]
    #[case::nothing("a correct horse", "a correct horse")]
    fn a_secret_is_masked_in_any_of_its_forms(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(masker(&[CANARY]).mask(text), expected);
    }

    // As `base64` of coreutils gives them.
    #[rstest]
    #[case::behind_a_user("dTpjb3JyZWN0aG9yc2U=")]
    #[case::behind_a_longer_user("dXM6Y29ycmVjdGhvcnNl")]
    #[case::behind_an_even_longer_user("dXNyOmNvcnJlY3Rob3JzZQ==")]
    #[case::before_more("Y29ycmVjdGhvcnNlOnU=")]
    #[case::between("dTpjb3JyZWN0aG9yc2U6dQ==")]
    fn a_secret_inside_base64_is_masked(#[case] text: &str) {
        let masked = masker(&[CANARY]).mask(text);
        assert!(masked.contains(MASK) && masked.len() <= 12, "{masked}");
    }

    #[test]
    fn secrets_that_overlap_or_hold_one_another_are_masked_whole() {
        let masker = masker(&["abcdefg", "efghijk", "fgh"]);
        assert_eq!(masker.mask("x abcdefghijk y fgh z"), "x *** y *** z");
    }

    #[rstest]
    #[case::json(r"no: \u0063orrecthorse")]
    #[case::url("no: %63orrect%68orse")]
    #[case::html("no: &#99;orrecthorse")]
    #[case::twice("no: %2563orrecthorse")]
    #[case::invisible("no: correct\u{200b}horse")]
    fn a_text_that_holds_an_escaped_secret_is_not_quoted(#[case] text: &str) {
        assert_eq!(masker(&[CANARY]).quote(text), "***");
    }

    #[test]
    fn escapes_beside_a_secret_do_not_hide_the_text() {
        assert_eq!(masker(&[CANARY]).quote("100%25 of correcthorse"), "100%25 of ***");
    }

    #[test]
    fn an_empty_secret_hides_nothing() {
        assert_eq!(masker(&["", CANARY]).mask("abc correcthorse"), "abc ***");
        assert_eq!(masker(&[""]).mask("abc"), "abc");
    }

    #[rstest]
    #[case::spaces(" ")]
    #[case::itself("correcthorse ")]
    #[case::masked_words("0123456789abcdefghij ")]
    fn no_part_of_a_secret_is_left_where_a_long_text_is_cut(#[case] filler: &str) {
        for shift in 0..CANARY.len() {
            let before = filler.repeat(2 * QUOTE_WINDOW / filler.len());
            let start = QUOTE_WINDOW - shift;
            let text = format!("{} {CANARY} and more", &before[..start]);
            let quoted = masker(&[CANARY]).quote(&text);
            assert!(!quoted.contains("cor") && !quoted.contains("horse") && quoted.ends_with('…'), "{quoted}");
            assert!(quoted.chars().count() <= 201, "{quoted}");
        }
    }

    #[test]
    fn printing_it_gives_nothing_away() {
        assert_eq!(format!("{:?}", masker(&[CANARY])), "Masker(1 secrets)");
    }
}
