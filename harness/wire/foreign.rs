//! Text that others wrote, as it may be shown: escaped, and not too long.
//!
//! File names, arguments, environment variables, fixtures of others, what an SDK's driver says, and the
//! words of errors that quote any of these pass here before a message holds them.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::Path;

use super::Masker;
use super::decode::decode;
use super::mask::escape;

/// At most so many characters are shown of one text that is not ours.
pub const FOREIGN_LIMIT: usize = 1_000;

/// A text that is not ours, fit for a message: [escaped](escape), and cut at 1,000 characters, with `…` where there
/// was more. What it gives stays as it is when it passes here again.
pub fn foreign(text: &str) -> String {
    foreign_within(text, FOREIGN_LIMIT)
}

/// The same with another limit.
pub fn foreign_within(text: &str, limit: usize) -> String {
    let more = text.char_indices().nth(limit).map(|(end, _)| end);
    let mut shown = escape(&text[..more.unwrap_or(text.len())]);
    if more.is_none() && shown.chars().count() <= limit {
        return shown;
    }
    if let Some((end, _)) = shown.char_indices().nth(limit - 1) {
        shown.truncate(end);
    }
    // No half of an escape is left.
    if let Some(at) = shown.rfind('\\').filter(|at| shown.len() - at < ESCAPE_LENGTH && !shown[*at..].contains('}')) {
        shown.truncate(at);
    }
    shown.push('…');
    shown
}

/// At most so many characters are shown of one line of a report, and of one text in it: some say several things.
pub const LINE_SHOWN: usize = 4 * FOREIGN_LIMIT;

/// A line of ours that others may have made long, cut where it is longer than any that says something.
pub fn bounded(line: &str) -> Cow<'_, str> {
    match line.char_indices().nth(LINE_SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", &line[..end])),
        None => Cow::Borrowed(line),
    }
}

/// How long an escape is at most: `\u{10ffff}`.
const ESCAPE_LENGTH: usize = 10;

/// A text of the system's, such as an argument, fit for a message; `\u{fffd}` stands for what is no Unicode.
pub fn foreign_os(text: &OsStr) -> String {
    foreign(&text.to_string_lossy())
}

/// The name of a file, fit for a message.
pub fn file_name(path: &Path) -> String {
    foreign_os(path.as_os_str())
}

/// A text without secrets, as [`Masker::mask`] has it; where they stand in it escaped, as in JSON, a URL or HTML, the
/// words that hold them are not shown.
pub fn mask_escaped(masker: &Masker, text: &str) -> String {
    let hidden = masker.mask(text);
    if !holds_escaped(masker, &hidden) {
        return hidden;
    }
    let mut words = Vec::new();
    for word in hidden.split(' ') {
        words.push(if holds_escaped(masker, word) { "***" } else { word });
    }
    let words = words.join(" ");
    // A secret with blanks in it stands in no single word.
    if holds_escaped(masker, &words) { "***".to_owned() } else { words }
}

fn holds_escaped(masker: &Masker, text: &str) -> bool {
    match decode(text) {
        Cow::Borrowed(_) => false,
        Cow::Owned(decoded) => masker.mask(&decoded) != decoded,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("a/b c", "a/b c")]
    #[case::codes("a\u{1b}[31m\u{7}\r\n", "a\\u{1b}[31m\\u{7}\\u{d}\\u{a}")]
    #[case::a_command("::error::x", "\\u{3a}:error::x")]
    fn what_others_wrote_is_shown_as_data(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(foreign(text), shown);
    }

    #[test]
    fn a_long_text_is_cut_and_no_escape_in_it() {
        assert_eq!(foreign(&"é".repeat(FOREIGN_LIMIT)), "é".repeat(FOREIGN_LIMIT));
        assert_eq!(foreign(&"é".repeat(FOREIGN_LIMIT + 1)), "é".repeat(FOREIGN_LIMIT - 1) + "…");
        let cut = foreign(&"\u{1b}".repeat(100_000));
        assert!(cut.chars().count() <= FOREIGN_LIMIT && cut.ends_with("\\u{1b}…"), "{cut}");
    }

    proptest! {
        #[test]
        fn what_was_shown_once_stays_as_it_is(text in any::<String>(), times in 1_usize..600) {
            let shown = foreign(&text.repeat(times));
            prop_assert_eq!(foreign(&shown), shown);
        }
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
        let shown = mask_escaped(&masker, text);
        assert!(shown.contains("***"), "{shown}");
        assert_eq!(masker.mask(&decode(&shown)), *decode(&shown));
    }

    #[test]
    fn what_stands_beside_an_escaped_secret_is_kept() {
        let masker = Masker::new(["s3cret".to_owned()]);
        assert_eq!(mask_escaped(&masker, "not %733cret but 100 %41"), "not *** but 100 %41");
    }
}
