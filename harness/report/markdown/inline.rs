//! Puts foreign text into Markdown so that it has no effect there.
//!
//! GitHub's flavour has two stages. The first is `CommonMark` with tables and bare links; a backslash before a mark
//! switches it off. The second looks for mentions, references and emoji in the result, where the backslash is already
//! gone. Only a code span is safe from both.

use crate::text::{LINE_SHOWN, escape, foreign_within};

/// A text as a code span, in which no mark has an effect.
pub(crate) fn code(text: &str) -> String {
    let text = foreign_within(text, LINE_SHOWN);
    if text.trim().is_empty() {
        return "(empty)".to_owned();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    // A backtick at an end would belong to the fence, and a blank at both ends is taken off.
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// The same for a cell of a table, which a bar would end even inside a code span.
pub(in crate::report) fn cell(text: &str) -> String {
    code(text).replace('|', "\\u{7c}")
}

/// A text as a block of code, on lines of its own.
pub(in crate::report) fn block(language: &str, text: &str) -> String {
    let text = escape(text);
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    format!("{fence}{language}\n{text}\n{fence}\n")
}

/// A sentence as plain text with every mark escaped; as a code span where the second stage would change it.
pub(crate) fn prose(text: &str) -> String {
    let text = foreign_within(text, LINE_SHOWN);
    let text = text.trim();
    if has_reference(text) {
        return code(text);
    }
    let mut out = String::with_capacity(text.len());
    // At the start of a line, a number with a dot is a list, and so is a dash.
    let mut only_digits = true;
    for (at, character) in text.char_indices() {
        let marks = match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '!' | '|' | '~' | '&' | '=' | '+' => true,
            '-' => at == 0,
            '.' | ')' => only_digits,
            _ => false,
        };
        only_digits &= character.is_ascii_digit();
        if marks {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

/// The same for a cell of a table.
pub(crate) fn prose_cell(text: &str) -> String {
    if has_reference(&escape(text)) { cell(text.trim()) } else { prose(text) }
}

/// Whether a text has what may become a mention, a reference to an issue, a link, an emoji or a formula.
fn has_reference(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let emoji = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+-".contains(&b));
    let between_colons = text.split(':').skip(1);
    text.contains(['@', '#', '$'])
        || lower.contains("://")
        || lower.contains("www.")
        || between_colons.take(text.matches(':').count().saturating_sub(1)).any(emoji)
}

/// The length of the longest run of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
    use rstest::rstest;

    use super::*;

    /// GitHub's flavour.
    fn gfm() -> Options {
        Options::ENABLE_TABLES
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_MATH
            | Options::ENABLE_GFM
    }

    /// What a reader sees of Markdown: the text, and whether it is one paragraph of text and code only.
    fn seen(markdown: &str) -> (String, bool) {
        let mut text = String::new();
        let mut is_plain = true;
        for event in Parser::new_ext(markdown, gfm()) {
            match event {
                Event::Text(part) | Event::Code(part) => text.push_str(&part),
                Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph) => {}
                _ => is_plain = false,
            }
        }
        (text, is_plain)
    }

    fn hostile() -> impl Strategy<Value = String> {
        let pieces =
            "`,\\,|,<script>,![a](http://x),@octocat,\n# ,  \n,- ,1. ,&lt;,~~,**,__, ".split(',').collect::<Vec<_>>();
        let piece = prop_oneof![
            15 => proptest::sample::select(pieces).prop_map(String::from),
            1 => "[ -~]",
            1 => any::<char>().prop_map(String::from),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn prose_and_code_say_what_they_were_given_and_nothing_else(text in hostile()) {
            let expected = escape(&text);
            prop_assume!(!expected.trim().is_empty());
            let (rendered, is_plain) = seen(&prose(&text));
            prop_assert!(is_plain, "{}", prose(&text));
            prop_assert_eq!(rendered.trim(), expected.trim());
            let (rendered, is_plain) = seen(&code(&text));
            prop_assert!(is_plain, "{}", code(&text));
            prop_assert_eq!(rendered, expected);
        }

        #[test]
        fn a_cell_stays_one_cell(text in hostile()) {
            for cell in [cell(&text), prose_cell(&text)] {
                let table = format!("| a | b |\n| --- | --- |\n| {cell} | end |\n");
                let cells = Parser::new_ext(&table, gfm()).filter(|event| matches!(event, Event::Start(Tag::TableCell)));
                prop_assert_eq!(cells.count(), 4, "{}", table);
                prop_assert!(Parser::new_ext(&table, gfm()).any(|event| matches!(event, Event::Text(text) if &*text == "end")));
                let marks = |event: &Event| matches!(event, Event::Html(_) | Event::InlineHtml(_) | Event::Start(
                    Tag::Link { .. } | Tag::Image { .. } | Tag::Emphasis | Tag::Strong | Tag::Strikethrough));
                prop_assert!(!Parser::new_ext(&table, gfm()).any(|event| marks(&event)), "{}", table);
            }
        }

        #[test]
        fn a_block_holds_what_it_was_given_and_nothing_else(text in hostile()) {
            let markdown = format!("{}\nend\n", block("sh", &text));
            let mut blocks = Parser::new_ext(&markdown, gfm());
            prop_assert!(matches!(blocks.next(), Some(Event::Start(Tag::CodeBlock(_)))));
            let mut inside = String::new();
            for event in blocks.by_ref() {
                match event {
                    Event::Text(text) => inside.push_str(&text),
                    event => { prop_assert!(matches!(event, Event::End(TagEnd::CodeBlock)), "{event:?}"); break; }
                }
            }
            prop_assert_eq!(inside, escape(&text) + "\n");
            prop_assert_eq!(blocks.next(), Some(Event::Start(Tag::Paragraph)));
        }
    }

    #[rstest]
    #[case::mention("ask @octocat", "`ask @octocat`")]
    #[case::issue("see #1", "`see #1`")]
    #[case::link("at http://a", "`at http://a`")]
    #[case::bare_link("at www.a.b", "`at www.a.b`")]
    #[case::emoji("all :rocket: well", "`all :rocket: well`")]
    #[case::formula("$x$", "`$x$`")]
    #[case::sentence("at status: expected 400 (must), found: 200", "at status: expected 400 (must), found: 200")]
    #[case::marks("a *b* <c>", "a \\*b\\* \\<c\\>")]
    fn what_the_second_stage_would_make_something_of_is_code(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(prose(text), expected);
    }
}
