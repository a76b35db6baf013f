//! The history of a target for people: its runs in the order of time, and since when each violation stands.

use std::io::{self, Write};

use super::super::collected::Collected;
use super::super::conclusion::{Conclusion, Tone};
use super::super::history::{History, PastRun, TurnKind};
use super::super::{Event, Sink, words};
use super::{Detail, TextOptions, TextPage};
use crate::contract::{Level, Register};
use crate::text::escape;

/// Writes the history of a target for people, after the last event of its last run.
///
/// The text of a target is escaped, so that it cannot control a terminal.
#[derive(Debug)]
pub struct HistorySink<W> {
    out: W,
    options: TextOptions,
    register: Register,
    files: Vec<String>,
    runs: Vec<Collected>,
}

impl<W: Write> HistorySink<W> {
    /// A history that is written to `out`, of runs in the order of time, each with the name of its file; the register
    /// has the texts of the requirements.
    pub fn new(out: W, register: &Register, files: &[String], options: TextOptions) -> Self {
        Self { out, options, register: register.clone(), files: files.to_vec(), runs: Vec::new() }
    }
}

impl<W: Write> Sink for HistorySink<W> {
    fn hear(&mut self, event: &Event) -> io::Result<()> {
        if matches!(event, Event::Run(_)) {
            self.runs.push(Collected::default());
        }
        if let Some(run) = self.runs.last_mut() {
            run.hear(event);
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        let history = History::of(&self.runs, &self.files, &self.register);
        let mut page = TextPage::new(&self.options, true);
        if self.options.detail > Detail::Quiet {
            page.line(&page.bold(&escape(&words::history_title(&history))));
            runs(&mut page, &history, self.options.detail);
        }
        violations(&mut page, &history, &self.register);
        page.title("Totals");
        let [last, so_far] = words::history_lead(&history);
        let tone = history.runs.last().map_or(Tone::Calm, |run| (&Conclusion::of(run.collected)).into());
        page.line(&page.paint(tone, &last));
        page.line(&so_far);
        self.out.write_all(page.text.as_bytes())?;
        self.out.flush()
    }
}

/// A line for each run, and below it what it changed and what a reader has to know.
fn runs(page: &mut TextPage, history: &History<'_>, detail: Detail) {
    page.title("Runs");
    let width = history.runs.len().to_string().len();
    for (at, run) in history.runs.iter().enumerate() {
        page.line(&format!(
            "  {:>width$}  {}  {:>3} of {:>3} decided, {:>3} violated  {}",
            at + 1,
            escape(&run.began()),
            run.decided,
            run.must,
            run.violated,
            escape(run.file),
        ));
        let label = " ".repeat(width + 4);
        for note in words::run_notes(run) {
            page.labelled(&label, &page.paint(Tone::Doubt, &escape(&note)));
        }
        turns(page, &label, run, detail);
    }
}

fn turns(page: &mut TextPage, label: &str, run: &PastRun<'_>, detail: Detail) {
    for kind in TurnKind::ALL {
        let tone = match kind {
            TurnKind::Fixed => Tone::Good,
            TurnKind::Broken | TurnKind::Found => Tone::Bad,
            TurnKind::Dropped => Tone::Calm,
        };
        let ids: Vec<String> = run.turned(kind).into_iter().map(escape).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        if !ids.is_empty() {
            let named = if detail == Detail::Verbose { ids.join(", ") } else { words::ids(&ids) };
            page.labelled(label, &format!("{}: {named}", page.paint(tone, words::turn(kind))));
        }
    }
}

fn violations(page: &mut TextPage, history: &History<'_>, register: &Register) {
    for (must, title) in [(true, "Violated, and since when"), (false, "Departures below must, and since when")] {
        let open: Vec<_> = history.open().filter(|(track, _)| (track.level == Level::Must) == must).collect();
        if open.is_empty() {
            continue;
        }
        page.title(title);
        for (track, spell) in open {
            let about = register.get(track.id).map_or("not in this build's register", |row| row.text.as_str());
            page.labelled("  ", &format!("{}: {about}", escape(track.id)));
            let since = words::since(spell, history);
            page.labelled("    ", &page.paint(if must { Tone::Bad } else { Tone::Doubt }, &escape(&since)));
        }
    }
}
