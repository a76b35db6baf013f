//! Makes text from outside safe to show: escapes it and limits its length; and finds the names that are near to a
//! mistyped one ([`did_you_mean`]).
//!
//! Uses no other module of this crate. File names, arguments, environment variables, fixtures from outside, the words
//! of an SDK's driver, and errors that quote any of these pass through here before they are shown.

mod near;

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::Path;

pub use near::with_parents;
pub use near::{did_you_mean, meant, similar};

/// Escapes a text, so that it is shown on one line and as data. It escapes control characters, invisible characters
/// that reorder or hide text, and everything that a CI service would take for a command, at the start of a line or
/// inside it. The result cannot steer a terminal or a log reader.
pub fn escape(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let command = line_command(text);
    for (at, character) in text.char_indices() {
        let begins = command == Some(at) || begins_log_command(&text[at..]);
        if character.is_control() || is_invisible(character) || begins {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out
}

/// Whether a text is printable ASCII that no CI service could take for a command, as almost every text is.
pub(crate) fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'#') && !text.contains("::")
}

/// The position of the `::` that begins a workflow command of GitHub Actions; `None` if the line has no such command.
/// The command must be at the start of the line. Blanks before it do not count, and in a culture-sensitive string
/// comparison many more characters do not, so every character that is not visible ASCII is skipped.
pub fn line_command(line: &str) -> Option<usize> {
    let start = line.len() - line.trim_start_matches(|c: char| !c.is_ascii_graphic()).len();
    line[start..].starts_with("::").then_some(start)
}

/// Whether a text begins with a marker that starts a command anywhere in a line of a CI log: `##[` (GitHub Actions,
/// Azure Pipelines), `##vso[`, `##teamcity[`.
pub fn begins_log_command(text: &str) -> bool {
    text.strip_prefix("##")
        .is_some_and(|rest| rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).starts_with('['))
}

/// Whether a character is invisible itself but changes how others are shown or compared. These are Unicode's line and
/// paragraph separators, interlinear marks, and every `Default_Ignorable_Code_Point` (bidirectional controls,
/// zero-width characters, fillers, variation selectors, tags). A noncharacter counts too.
pub fn is_invisible(character: char) -> bool {
    is_noncharacter(character)
        || matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether Unicode reserves a code point for internal use for ever: the last two of each plane, and 32 others. XML has
/// no room for U+FFFE and U+FFFF, and HTML calls each of them an error.
fn is_noncharacter(character: char) -> bool {
    matches!(character, '\u{fdd0}'..='\u{fdef}') || u32::from(character) & 0xfffe == 0xfffe
}

/// The most characters that are shown of one text from outside.
pub const FOREIGN_LIMIT: usize = 1_000;

/// A text from outside, ready for a message: [escaped](escape), and cut at 1,000 characters, with `…` at the cut.
/// Applied to its own result, this function changes nothing.
pub fn foreign(text: &str) -> String {
    foreign_within(text, FOREIGN_LIMIT)
}

/// [`foreign`] with another limit, in characters.
pub fn foreign_within(text: &str, limit: usize) -> String {
    let more = text.char_indices().nth(limit).map(|(end, _)| end);
    let mut escaped = escape(&text[..more.unwrap_or(text.len())]);
    if more.is_none() && escaped.chars().count() <= limit {
        return escaped;
    }
    if let Some((end, _)) = escaped.char_indices().nth(limit - 1) {
        escaped.truncate(end);
    }
    // The cut must not leave half an escape.
    if let Some(at) =
        escaped.rfind('\\').filter(|at| escaped.len() - at < ESCAPE_LENGTH && !escaped[*at..].contains('}'))
    {
        escaped.truncate(at);
    }
    escaped.push('…');
    escaped
}

/// The most characters that are shown of one line of a report. A line may hold several texts from outside.
pub const LINE_SHOWN: usize = 4 * FOREIGN_LIMIT;

/// Cuts our own text after `limit` characters, with `…` at the cut. Text from outside in it may have made it long.
pub fn cut(text: &str, limit: usize) -> Cow<'_, str> {
    match text.char_indices().nth(limit) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// The length of the longest escape, `\u{10ffff}`, in characters.
const ESCAPE_LENGTH: usize = 10;

/// A string of the operating system, such as an argument, ready for a message. `\u{fffd}` replaces what is not Unicode.
pub fn foreign_os(text: &OsStr) -> String {
    foreign(&text.to_string_lossy())
}

/// The name of a file, ready for a message.
pub fn file_name(path: &Path) -> String {
    foreign_os(path.as_os_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

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
            let escaped = foreign(&text.repeat(times));
            prop_assert_eq!(foreign(&escaped), escaped);
        }
    }

    #[rstest]
    #[case::plain("a/b c", "a/b c")]
    #[case::codes("a\u{1b}[31m\u{7}\r\n", "a\\u{1b}[31m\\u{7}\\u{d}\\u{a}")]
    #[case::github("a ##[add-mask]b", "a \\u{23}#[add-mask]b")]
    #[case::azure("##vso[task.setvariable]b", "\\u{23}#vso[task.setvariable]b")]
    #[case::three("###[x]", "#\\u{23}#[x]")]
    #[case::hidden("#\u{ad}#[x]", "#\\u{ad}#[x]")]
    #[case::noncharacters(
        "a\u{fffe}\u{ffff}\u{fdd0}\u{10ffff}\u{fffd}",
        "a\\u{fffe}\\u{ffff}\\u{fdd0}\\u{10ffff}\u{fffd}"
    )]
    #[case::a_heading("## a [b]", "## a [b]")]
    #[case::at_the_start("::error::x", "\\u{3a}:error::x")]
    #[case::behind_blanks(" \t::error::x", " \\u{9}\\u{3a}:error::x")]
    #[case::behind_what_does_not_count(" \u{e9} ::x", " \u{e9} \\u{3a}:x")]
    #[case::a_path("a::b", "a::b")]
    #[case::an_address("[::1]:80", "[::1]:80")]
    fn what_others_wrote_is_shown_as_data_and_no_command_to_a_ci_service(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(foreign(text), expected);
        assert_eq!(escape(expected), expected);
    }
}
