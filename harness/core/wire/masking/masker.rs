use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, LazyLock};

use regex::Regex;

use super::Secret;
use super::decode::{decode, without_veiled};
use super::fixed_secrets::{FixedSecrets, Unsearchable, without_joints};
use super::mask::{QUOTE_WINDOW, quote_start};
use super::public_words::{is_public_name, is_public_word};
use super::secrets::Secrets;
use crate::text::foreign_within;
use crate::wire::{Response, TransportFault};

/// The most characters that are shown of scheme, host and port. A host name has at most 253.
const ORIGIN_LIMIT: usize = 300;

/// The text that replaces a secret.
pub(super) const MASK: &str = "***";

/// Finds known secrets in texts: in any letter case, plain, in base64 and in hexadecimal.
///
/// A short secret (fewer than four characters), and an ordinary one (fewer than eight, all of them letters or all of
/// them digits), is found as a whole word only. No secret is found in a public word, such as `dbPassword` or
/// `application/json`: such a word gives nothing away, and a target that hands out the password *user* must not make
/// its report useless.
///
/// Copies are cheap: they share the shelves that hold the secrets.
#[derive(Clone, Default)]
pub struct Masker {
    secret_sets: Vec<Arc<FixedSecrets>>,
    /// Whether there are more secrets than can be searched for. If so, no word of a target is shown.
    closed: bool,
}

impl Masker {
    /// A masker for these secrets.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut masker = Self::default();
        masker.add(secrets);
        masker
    }

    /// A masker that also finds the secrets of an answer: the values in its body and header fields whose names say that
    /// they are secret. These are members of JSON at any depth, also of JSON inside texts and of JSON that is cut off,
    /// elements of XML, and fields of forms. If they are more than 100, or have more than 8192 bytes, no word of the
    /// answer is shown.
    #[must_use]
    pub fn with_answer(&self, response: &Response) -> Self {
        let mut masker = self.clone();
        match Secrets::of(response).into_hidden() {
            Some(secrets) => masker.put(secrets),
            None => masker.closed = true,
        }
        masker
    }

    /// A masker that also finds these secrets.
    #[must_use]
    pub fn with<'s>(&self, secrets: impl IntoIterator<Item = &'s Secret>) -> Self {
        let mut masker = self.clone();
        masker.put(secrets.into_iter().map(|secret| secret.expose().to_owned()));
        masker
    }

    fn put(&mut self, secrets: impl IntoIterator<Item = String>) {
        let new = FixedSecrets::of(secrets.into_iter().map(Secret::from));
        if new.len() > 0 {
            self.secret_sets.push(Arc::new(new));
        }
    }

    /// Adds secrets. Shelves of about the same size are merged, so that many secrets that come one at a time make few
    /// shelves, and few shelves are rebuilt.
    pub(super) fn add(&mut self, secrets: impl IntoIterator<Item = String>) {
        self.put(secrets);
        while let [.., first, second] = self.secret_sets.as_slice()
            && first.len() <= second.len()
        {
            let merged = Arc::new(first.merged(second));
            self.secret_sets.truncate(self.secret_sets.len() - 2);
            self.secret_sets.push(merged);
        }
    }

    /// Whether it masks every word of a target.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Masks every word of a target from now on.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// One of our own texts, with the secrets masked.
    pub fn mask(&self, text: &str) -> String {
        if self.closed {
            return MASK.to_owned();
        }
        self.hide(text, text.len()).map_or_else(|Unsearchable| MASK.to_owned(), Cow::into_owned)
    }

    /// A text as [`Masker::mask`] shows it. Words that hold a secret in escaped or encoded form, as in JSON, a URL,
    /// HTML or base64, are masked too.
    pub fn mask_escaped(&self, text: &str) -> String {
        let hidden = self.mask(text);
        let masked = without_veiled(&hidden, &|text| self.finds(text));
        match decode(&masked) {
            // A secret with blanks is never inside one word.
            Cow::Owned(decoded) if self.finds(&decoded) => MASK.to_owned(),
            _ => masked.into_owned(),
        }
    }

    /// A text as [`quote`](super::quote) shows it, with the known secrets masked too. A word that holds one in escaped
    /// or encoded form, as in JSON, a URL or HTML, is not shown.
    pub fn quote(&self, text: &str) -> String {
        if text.is_empty() || is_public_word(text) {
            return text.to_owned();
        }
        let end = text.floor_char_boundary(QUOTE_WINDOW);
        match self.hide(text, end) {
            Ok(hidden) if !self.closed && !self.holds_pieces(&hidden) => {
                quote_start(&hidden, end < text.len(), &|text| self.finds(text))
            }
            _ => MASK.to_owned(),
        }
    }

    /// [`Masker::quote`] for a name, such as that of a member. A public name is shown whatever the secrets are.
    pub fn quote_name(&self, name: &str) -> String {
        if is_public_name(name) { name.to_owned() } else { self.quote(name) }
    }

    /// Scheme, host and port of a URL that a target gives, with the known secrets masked. A host name can look like a
    /// secret, and says nothing if it is masked for that.
    pub fn quote_origin(&self, origin: &str) -> String {
        if self.closed || self.holds_pieces(origin) {
            return MASK.to_owned();
        }
        foreign_within(&self.mask_escaped(origin), ORIGIN_LIMIT)
    }

    /// Why a request has no answer, with the secrets masked. Only quoted parts are searched: they come from the target,
    /// such as the names in its certificate. The rest are our words and those of the libraries.
    pub fn fault(&self, fault: &TransportFault) -> String {
        static QUOTED: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r#""(?:[^"\\]|\\.)*"?"#).expect("the pattern is valid"));
        let words = fault.to_string();
        QUOTED.replace_all(&words, |quoted: &regex::Captures<'_>| self.mask(&quoted[0])).into_owned()
    }

    /// Whether a text holds a whole long secret in pieces: on several lines, or with its letters apart.
    fn holds_pieces(&self, text: &str) -> bool {
        let letters = without_joints(text);
        self.secret_sets.iter().any(|secret_set| secret_set.holds_key(&letters).unwrap_or(true))
    }

    fn finds(&self, text: &str) -> bool {
        self.secret_sets.iter().any(|secret_set| secret_set.places(text).map_or(true, |places| !places.is_empty()))
    }

    /// A text up to `end` (a character boundary), with the secrets masked that begin before it.
    fn hide<'t>(&self, text: &'t str, end: usize) -> Result<Cow<'t, str>, Unsearchable> {
        let mut places: Vec<(usize, usize)> = Vec::new();
        for secret_set in &self.secret_sets {
            // Up to one character behind the longest secret, to tell whether it is a whole word.
            let seen = &text[..text.ceil_char_boundary(text.len().min(end + secret_set.longest()? + 1))];
            places.extend(secret_set.places(seen)?.into_iter().filter(|(start, _)| *start < end));
        }
        if places.is_empty() {
            return Ok(Cow::Borrowed(&text[..end]));
        }
        places.sort_unstable();
        let mut hidden = String::with_capacity(end);
        let mut at = 0;
        for (index, (start, place_end)) in places.into_iter().enumerate() {
            // Places that overlap or touch get one mask.
            if index == 0 || start > at {
                hidden.push_str(&text[at..start]);
                hidden.push_str(MASK);
            }
            at = at.max(place_end);
        }
        hidden.push_str(text.get(at..end).unwrap_or_default());
        Ok(Cow::Owned(hidden))
    }
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Masker({} secrets)", self.secret_sets.iter().map(|secret_set| secret_set.len()).sum::<usize>())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// Letters only, so that no rule but the search for known secrets can mask it.
    const CANARY: &str = "correcthorse";
    const KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfi";

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
        let masker = masker(&["abcd-efg", "efghijk-", "fgh"]);
        assert_eq!(masker.mask("x abcd-efghijk- y fgh z"), "x *** y *** z");
    }

    #[rstest]
    #[case::escaped_space(r"a correct\u0020horse b")]
    #[case::two_spaces("a correct  horse b")]
    #[case::lines("a correct\nhorse b")]
    #[case::some_escaped(r"a \u0063orrect horse b")]
    fn a_secret_of_several_words_is_found_however_they_are_spaced(#[case] text: &str) {
        let quoted = masker(&["correct horse"]).quote(text);
        assert!(!quoted.contains("orrect") && !quoted.contains("horse"), "{quoted}");
    }

    #[rstest]
    #[case::one_letter("e", "expected one e, e: here", "expected one ***, ***: here")]
    #[case::word("user", "the user of users and super_user", "the *** of users and super_***")]
    #[case::digits("900", "900 or 1900 or -900s", "*** or 1900 or -900s")]
    #[case::longer("password1", "xpassword1x", "x***x")]
    #[case::public_word("expiration", "the expiration of Expirations", "the expiration of ***s")]
    #[case::error("ValidationException", "a#ValidationException", "a#ValidationException")]
    #[case::name("password", "dbPassword and the password", "dbPassword and the ***")]
    #[case::media_type("json", "no application/x-amz-json-1.1 but json", "no application/x-amz-json-1.1 but ***")]
    #[case::other_alphabets("p", "pé p é", "pé *** é")]
    #[case::base64_of_a_word("tiger", "no dGlnZXI and dTp0aWdlcg==", "no *** and dTp***g==")]
    #[case::base64_of_a_short_one("pw1", "no cHcx", "no ***")]
    #[case::key_in_lines(KEY, "no wJalrXU\ntnFEMI/\nK7MDENG/b\nPxRfi", "***")]
    #[case::key_in_letters(KEY, "no w J a l r X U t n F E M I / K 7 M D E N G / b P x R f i", "***")]
    #[case::key_with_dashes(KEY, "no wJalrX-UtnFEMI-K7MDENG-bPxRfi, no", "***")]
    #[case::beside_an_escape(CANARY, "100%25 of correcthorse", "100%25 of ***")]
    #[case::encoded_json(CANARY, r"no: \u0063orrecthorse", "no: ***")]
    #[case::encoded_url(CANARY, "no: %63orrect%68orse", "no: ***")]
    #[case::encoded_html(CANARY, "no: &#99;orrecthorse", "no: ***")]
    #[case::encoded_twice(CANARY, "no: %2563orrecthorse", "no: ***")]
    #[case::encoded_invisible(CANARY, "no: correct\u{200b}horse", "no: ***")]
    #[case::encoded_base64_of_another_letter_case(CANARY, "no: Q09SUkVDVEhPUlNF", "no: ***")]
    #[case::encoded_base64_twice(CANARY, "no: WTI5eWNtVmpkR2h2Y25ObA==", "no: ***")]
    #[case::encoded_json_and_hexadecimal(
        CANARY,
        r"no: \u0036\u0033\u0036f\u003727265637\u00346\u00386f727365",
        "no: ***"
    )]
    fn a_short_secret_is_masked_as_a_whole_word_and_a_long_one_in_pieces_and_codes_too(
        #[case] secret: &str,
        #[case] text: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(masker(&[secret]).quote(text), expected);
    }

    #[test]
    fn names_that_everybody_knows_are_shown_whatever_the_secret_is() {
        let masker = masker(&["password", "db_user", "content-type", "correcthorse"]);
        for name in ["password", "db_user", "DbPassword", "Content-Type"] {
            assert_eq!(masker.quote_name(name), name);
        }
        assert_eq!(masker.quote_name("correcthorse"), "***");
    }

    #[test]
    fn secrets_that_come_one_by_one_stand_on_few_shelves() {
        let mut masker = Masker::default();
        for number in 0..1000 {
            masker.add([format!("correct horse {number}")]);
        }
        assert!(masker.secret_sets.len() <= 10, "{}", masker.secret_sets.len());
        assert_eq!(masker.quote("a correct horse 0 and correct horse 999"), "a *** and ***");
    }

    #[test]
    fn only_what_a_fault_quotes_is_a_targets() {
        let fault = TransportFault::Tls(
            "certificate is only valid for DnsName(\"a.correcthorse\") or \"certificate".to_owned(),
        );
        assert_eq!(
            masker(&[CANARY, "certificate", "failed"]).fault(&fault),
            "TLS failed: certificate is only valid for DnsName(\"a.***\") or \"***"
        );
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

    #[rstest]
    #[case::plain("it is s3cret here")]
    #[case::json(r"it is \u00733cret here")]
    #[case::url("user=a&password=%733cret")]
    #[case::html("<p>s3c&#114;et</p>")]
    #[case::base64("czNjcmV0")]
    #[case::hexadecimal("7333637265743A")]
    fn a_secret_is_found_in_every_form(#[case] text: &str) {
        let masker = Masker::new(["s3cret".to_owned()]);
        let masked = masker.mask_escaped(text);
        assert!(masked.contains("***"), "{masked}");
        assert_eq!(masker.mask(&decode(&masked)), *decode(&masked));
    }

    #[test]
    fn what_stands_beside_an_escaped_secret_is_kept() {
        let masker = Masker::new(["s3cret".to_owned()]);
        assert_eq!(masker.mask_escaped("not %733cret but 100 %41"), "not *** but 100 %41");
    }
}
