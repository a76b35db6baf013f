use super::{TextOptions, words};
use crate::report::fold::hang;
use crate::report::tone::Tone;
use crate::text::{LINE_SHOWN, cut};

#[derive(Debug)]
pub(super) struct Page {
    text: String,
    colour: bool,
    width: usize,
    /// Whether nothing stands before this text.
    first: bool,
}

impl Page {
    pub(super) fn new(options: &TextOptions, first: bool) -> Self {
        Self { text: String::new(), colour: options.colour, width: options.width.unwrap_or(usize::MAX), first }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// A line of prose. Where it is folded, it goes on below where it began.
    pub(super) fn line(&mut self, line: &str) {
        let (indent, text) = line.split_at(line.len() - line.trim_start().len());
        self.labelled(indent, text);
    }

    /// A line of prose behind a label. Where it is folded, it goes on below its text.
    pub(super) fn labelled(&mut self, label: &str, text: &str) {
        for line in hang(&cut(label, LINE_SHOWN), &cut(text, LINE_SHOWN), self.width).split('\n') {
            self.command(line);
        }
    }

    /// A line that stays one, however long: it is there to be copied.
    pub(super) fn command(&mut self, line: &str) {
        self.text.push_str(&words::no_command(line));
        self.text.push('\n');
    }

    /// An empty line, but not as the very first.
    pub(super) fn gap(&mut self) {
        if !(self.first && self.text.is_empty()) {
            self.text.push('\n');
        }
    }

    pub(super) fn title(&mut self, title: &str) {
        self.gap();
        self.line(&self.bold(title));
    }

    pub(super) fn bold(&self, text: &str) -> String {
        self.coded("1", text)
    }

    pub(super) fn paint(&self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Bad => "1;31",
            Tone::Doubt => "33",
            Tone::Calm => "2",
            Tone::Good => "32",
        };
        self.coded(code, text)
    }

    /// A text behind a parameter of the terminal code "select graphic rendition" (ECMA-48, 8.3.117).
    fn coded(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
