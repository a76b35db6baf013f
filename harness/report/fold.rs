//! Folds prose for a terminal that is narrower than its lines.

/// A text behind a label. Its further lines begin where the first one does; where the label takes more than half of the
/// width, the whole text is below it. A width of [`usize::MAX`] folds nothing.
pub(crate) fn hang(label: &str, text: &str, width: usize) -> String {
    if width == usize::MAX {
        return format!("{label}{text}");
    }
    let column = textwrap::core::display_width(label);
    let beside = column * 2 <= width;
    let indent = " ".repeat(if beside { column } else { 4 });
    let first = if beside { label } else { &indent };
    let options = textwrap::Options::new(width).initial_indent(first).subsequent_indent(&indent).break_words(false);
    let filled = textwrap::fill(text, options.word_splitter(textwrap::WordSplitter::NoHyphenation));
    if beside { filled } else { format!("{}\n{filled}", label.trim_end()) }
}

/// Lines of prose, each folded behind the label that it begins with. A line with a `curl` command, or with a
/// `countersign` command alone, is not folded, so that it can be copied.
#[cfg(feature = "cli")]
pub(crate) fn fold(text: &str, width: usize) -> String {
    let is_command = |text: &str| text.contains("curl ") || text.starts_with("countersign ");
    let lines = text.lines().map(|line| match label(line) {
        (label, rest) if !is_command(rest) => hang(label, rest, width),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Splits a line into its label and its text: a label ends at the first two blanks behind a word.
#[cfg(feature = "cli")]
fn label(line: &str) -> (&str, &str) {
    let indent = line.len() - line.trim_start().len();
    let Some(gap) = line[indent..].find("  ") else { return line.split_at(indent) };
    let rest = line[indent + gap..].trim_start();
    line.split_at(line.len() - rest.len())
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nothing_to_fold("  one two", 20, "  one two")]
    #[case::indented("  one two three", 10, "  one two\n  three")]
    #[case::labelled("at  one two three", 12, "at  one two\n    three")]
    #[case::label_too_wide("expected  one two", 12, "expected\n    one two")]
    #[case::long_word("one longer-than-the-line two", 10, "one\nlonger-than-the-line\ntwo")]
    #[case::command("  curl -i http://a/ --data '{}'", 10, "  curl -i http://a/ --data '{}'")]
    #[case::own_command("  countersign run --seed 1", 10, "  countersign run --seed 1")]
    #[case::colour("  \u{1b}[1mone two\u{1b}[0m three", 10, "  \u{1b}[1mone two\u{1b}[0m\n  three")]
    #[case::several("a b\n\n  c d e", 5, "a b\n\n  c d\n  e")]
    fn prose_is_folded_behind_its_label(#[case] text: &str, #[case] width: usize, #[case] expected: &str) {
        assert_eq!(fold(text, width), expected);
        assert_eq!(fold(text, usize::MAX), text);
    }
}
