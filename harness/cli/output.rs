//! Results on standard output.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::ValueEnum;
use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;

use super::Failure;
use crate::report::{CODE_END, LINK, fold, visible_json};
use crate::text::{LINE_SHOWN, cut, escape, foreign_os};

/// How a listing is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ListingFormat {
    Text,
    Json,
    /// A table in Markdown
    Md,
}

/// How a result is printed that no table would show better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum TextOrJson {
    Text,
    Json,
}

/// Whether text on standard output is coloured: for a person at a terminal that can show it, who has
/// not asked for none (<https://no-color.org>).
pub(super) fn wants_colour() -> bool {
    may_be_coloured(&io::stdout())
}

fn may_be_coloured(stream: &impl IsTerminal) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    stream.is_terminal() && !refused && !dumb
}

pub(super) fn paint(text: &str, colour: AnsiColor, wanted: bool) -> String {
    let style = if wanted { Style::new().fg_color(Some(colour.into())) } else { Style::new() };
    format!("{style}{text}{style:#}")
}

/// How many characters fit on a line of standard output; [`usize::MAX`] where it is no terminal.
pub(super) fn width() -> usize {
    const NARROWEST: usize = 20;
    if !io::stdout().is_terminal() {
        return usize::MAX;
    }
    let columns_asked = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let found = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    columns_asked.or_else(found).map_or(usize::MAX, |width: usize| width.max(NARROWEST))
}

/// Standard output; its errors say that standard output cannot be written.
#[derive(Debug)]
pub(super) struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stdout().write(bytes).map_err(|error| unwritable(&error))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush().map_err(|error| unwritable(&error))
    }
}

fn unwritable(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot write to standard output: {error}"))
}

/// Makes text for people safe for a terminal or a log: every line is [escaped](escape), except for our own colours and
/// links where there are any. Foreign text is escaped before it becomes part of a sentence; this is the last guard.
pub(super) fn harmless(text: &str, coloured: bool) -> String {
    let line = |line: &str| {
        if !coloured {
            return escape(line);
        }
        let mut escaped = String::with_capacity(line.len());
        let mut rest = line;
        while let Some((before, code)) = next_code(rest) {
            escaped.push_str(&escape(before));
            escaped.push_str(code);
            rest = &rest[before.len() + code.len()..];
        }
        escaped + &escape(rest)
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// The text before the next code that sets a colour, or begins or ends a link, and that code.
fn next_code(text: &str) -> Option<(&str, &str)> {
    let codes = text.match_indices('\u{1b}');
    let lengths = codes.filter_map(|(at, _)| Some((at, colour(&text[at..]).or_else(|| link(&text[at..]))?)));
    lengths.map(|(at, length)| (&text[..at], &text[at..at + length])).next()
}

/// The length of the code that sets a colour, with which a text begins.
/// Source: ECMA-48, 8.3.117, Select Graphic Rendition.
fn colour(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let length = parameters.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    parameters[length..].starts_with('m').then_some(length + 3)
}

/// The length of the code that begins or ends a link, with which a text begins. A link leads to the web, or nowhere.
fn link(text: &str) -> Option<usize> {
    let (address, _) = text.strip_prefix(LINK)?.split_once(CODE_END)?;
    let is_of_the_web = address.starts_with("https://") || address.starts_with("http://");
    let is_plain = address.bytes().all(|byte| byte.is_ascii_graphic());
    (address.is_empty() || (is_of_the_web && is_plain)).then_some(LINK.len() + address.len() + CODE_END.len())
}

/// Prints a result for people and a line end. A reader that has gone away, such as `head`, is no failure.
pub(super) fn print(text: &str) -> Result<ExitCode, Failure> {
    print_bytes(format!("{}\n", harmless(text, wants_colour())).as_bytes())
}

/// Prints prose, folded where standard output is a terminal that is narrower.
pub(super) fn print_prose(text: &str) -> Result<ExitCode, Failure> {
    print(&fold(text, width()))
}

/// Prints a result for programs as JSON, its invisible characters as escapes.
pub(super) fn print_json(value: &impl Serialize) -> Result<ExitCode, Failure> {
    let json = serde_json::to_string_pretty(value);
    let json = json.map_err(|error| Failure::harness(format!("cannot write JSON: {error}")))?;
    print_bytes(format!("{}\n", visible_json(&json)).as_bytes())
}

/// Prints a result that has its own line ends and is no text for people.
pub(super) fn print_bytes(bytes: &[u8]) -> Result<ExitCode, Failure> {
    match Stdout.write_all(bytes).and_then(|()| Stdout.flush()) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(Failure::usage(error.to_string())),
    }
}

/// Prints a message on standard error; where that fails, it is ignored.
pub(super) fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", harmless(text, false));
}

/// Ends the program with the error in its arguments, or with the help that they ask for. The arguments are foreign
/// text.
pub(super) fn refuse(error: &clap::Error, words: &[OsString]) -> ! {
    if !error.use_stderr() {
        error.exit();
    }
    // A tip repeats an argument unchanged; then our colours could not be told from codes in the argument.
    let is_plain = words.iter().all(|word| **word == *foreign_os(word));
    let coloured = is_plain && may_be_coloured(&io::stderr());
    let text = error.render();
    let text = if coloured { text.ansi().to_string() } else { text.to_string() };
    let text = harmless(&text, coloured);
    let lines: Vec<_> = text.split('\n').map(|line| cut(line, LINE_SHOWN)).collect();
    let _ = io::stderr().write_all(lines.join("\n").as_bytes());
    std::process::exit(error.exit_code())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("a\n  b\n", "a\n  b\n")]
    #[case::codes("a\u{1b}]52;c;x\u{7}\rb\u{9b}31m", "a\\u{1b}]52;c;x\\u{7}\\u{d}b\\u{9b}31m")]
    #[case::commands("a\n  ::error::b\n##[error]c", "a\n  \\u{3a}:error::b\n\\u{23}#[error]c")]
    #[case::no_colour("\u{1b}[31ma\u{1b}[0m", "\\u{1b}[31ma\\u{1b}[0m")]
    fn nothing_but_lines_reaches_a_terminal(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(harmless(text, false), expected);
    }

    #[rstest]
    #[case::ours("\u{1b}[1;31ma\u{1b}[0m b", "\u{1b}[1;31ma\u{1b}[0m b")]
    #[case::others("\u{1b}[2J\u{1b}[32ma\u{1b}[", "\\u{1b}[2J\u{1b}[32ma\\u{1b}[")]
    #[case::links(
        "\u{1b}]8;;https://a/#b\u{1b}\\a\u{1b}]8;;\u{1b}\\",
        "\u{1b}]8;;https://a/#b\u{1b}\\a\u{1b}]8;;\u{1b}\\"
    )]
    #[case::no_link("\u{1b}]8;;file:///a\u{1b}\\a", "\\u{1b}]8;;file:///a\\u{1b}\\a")]
    #[case::half_a_link("\u{1b}]8;;https://a b\u{1b}\\", "\\u{1b}]8;;https://a b\\u{1b}\\")]
    fn where_there_is_colour_only_colours_and_links_are_kept(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(harmless(text, true), expected);
    }
}
