//! The history of a target: since when each violation stands, and what each run changed.

use std::fmt::Write as _;

use super::super::history::{History, PastRun, TurnKind};
use super::super::words;
use super::RESERVE;
use super::inline::{cell, prose, prose_cell};
use super::several_runs::table;
use crate::contract::Register;

/// The history in at most `limit` bytes, without a few lines of heading.
pub(super) fn text(history: &History<'_>, register: &Register, limit: usize) -> String {
    let room = limit.saturating_sub(RESERVE);
    let mut text = format!("## {}\n", prose(&words::history_title(history)));
    for sentence in words::history_lead(history) {
        let _ = write!(text, "\n{}\n", prose(&sentence));
    }
    let open: Vec<Vec<String>> = history
        .open()
        .map(|(track, spell)| {
            let about = register.get(track.id).map_or("not in this build's register", |row| row.text.as_str());
            let level = format!("{:?}", track.level).to_lowercase();
            vec![prose_cell(&format!("{} ({level}): {about}", track.id)), prose_cell(&words::since(spell, history))]
        })
        .collect();
    if !open.is_empty() {
        text.push_str("\n### What is violated, and since when\n");
        table(&mut text, &["requirement", "violated"].map(str::to_owned), &open, room, "requirement");
    }
    text.push_str("\n### The runs\n");
    let heads = ["run", "began (UTC)", "decided", "violated", "fixed", "broken or found violated", "to know"];
    let rows: Vec<Vec<String>> = history.runs.iter().enumerate().map(|(at, run)| row(at, run)).collect();
    table(&mut text, &heads.map(str::to_owned), &rows, room, "run");
    text
}

fn row(at: usize, run: &PastRun<'_>) -> Vec<String> {
    let ids = |ids: Vec<&str>| if ids.is_empty() { String::new() } else { prose_cell(&words::ids(&ids)) };
    let notes = words::run_notes(run).iter().map(|note| prose_cell(note)).collect::<Vec<_>>().join("; ");
    let file = if run.file.is_empty() { String::new() } else { cell(run.file) };
    let notes = [file, notes].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ");
    vec![
        (at + 1).to_string(),
        prose_cell(&run.began()),
        format!("{} of {}", run.decided, run.must),
        run.violated.to_string(),
        ids(run.turned(TurnKind::Fixed)),
        ids([run.turned(TurnKind::Broken), run.turned(TurnKind::Found)].concat()),
        notes,
    ]
}
