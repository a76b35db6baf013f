use super::{TextOptions, words};
use crate::report::fold::hang;
use crate::text::{LINE_SHOWN, cut};
use crate::verdict::Verdict;

/// What a colour says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Bad,
    Doubtful,
    Title,
    Faint,
}

impl Tone {
    pub(super) fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Good,
            Verdict::Fail | Verdict::HarnessError | Verdict::Fixed => Self::Bad,
            Verdict::Blocked | Verdict::NotImplemented | Verdict::Indeterminate => Self::Doubtful,
            Verdict::KnownFail | Verdict::NotApplicable => Self::Faint,
        }
    }

    /// The parameter of the terminal code "select graphic rendition" (ECMA-48, 8.3.117).
    const fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Bad => "1;31",
            Self::Doubtful => "33",
            Self::Title => "1",
            Self::Faint => "2",
        }
    }
}

/// Text that grows line by line.
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
        self.line(&self.paint(Tone::Title, title));
    }

    /// A text in a tone, where there is colour.
    pub(super) fn paint(&self, tone: Tone, text: &str) -> String {
        if self.colour { format!("\u{1b}[{}m{text}\u{1b}[0m", tone.code()) } else { text.to_owned() }
    }
}
