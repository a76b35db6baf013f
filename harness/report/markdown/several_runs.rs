//! Several runs side by side: the targets, and the requirements on which they differ.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::super::collected::{Collected, grouped};
use super::super::conclusion::Conclusion;
use super::super::event::RunEvent;
use super::super::matrix::{self, MatrixRow, Standing};
use super::super::words;
use super::inline::{cell, prose, prose_cell};
use super::{RESERVE, fill};
use crate::contract::Register;

/// The matrix in at most `limit` bytes, without a few lines of heading.
pub(super) fn text(runs: &[Collected], register: &Register, limit: usize) -> String {
    let labels = matrix::labels(runs);
    let operation = runs.iter().find_map(|run| run.run.as_ref().map(RunEvent::judged_operation));
    let operation = operation.unwrap_or_else(|| "Countersign".to_owned());
    let room = limit.saturating_sub(RESERVE);
    let mut text = format!("## {} of {}\n", prose(&operation), words::subjects(runs));
    targets(&mut text, runs, &labels, room);
    let differing: Vec<MatrixRow<'_>> = matrix::rows(runs, register).into_iter().filter(|row| row.differs).collect();
    if differing.is_empty() {
        let _ = write!(text, "\n{}\n", prose(&matrix::nothing_differs(runs, &labels)));
    } else {
        differences(&mut text, &differing, &labels, register, room);
    }
    text
}

/// A row for each target: its conclusion, divergence and coverage of each feature, and what the probe met.
fn targets(text: &mut String, runs: &[Collected], labels: &[String], room: usize) {
    let features: BTreeSet<&str> = runs
        .iter()
        .filter_map(|run| run.summary.as_ref())
        .flat_map(|one| one.features.keys().map(String::as_str))
        .collect();
    let obstacle = |run: &Collected| {
        let event = run.run.as_ref()?;
        words::obstacle(event)?;
        Some(format!("{}: {}", cell(event.target.class.word()), cell(&words::answer_text(&event.target.answer))))
    };
    let probed = runs.iter().any(|run| obstacle(run).is_some());
    let mut heads = vec!["target".to_owned(), "comes to".to_owned()];
    heads.extend(features.iter().map(|feature| cell(feature)));
    heads.extend(probed.then(|| "the probe met".to_owned()));
    let row = |(run, label): (&Collected, &String)| {
        let mut comes_to = Conclusion::of(run).sentence();
        if let Some(cut_short) = words::cut_short(run) {
            comes_to = format!("{comes_to}; {cut_short}");
        }
        let mut cells = vec![cell(label), prose_cell(&comes_to)];
        let counts = |feature: &&str| run.summary.as_ref().and_then(|summary| summary.features.get(*feature));
        cells.extend(features.iter().map(|feature| match counts(feature) {
            Some(counts) => format!("{} of {} decided, {} violated", counts.decided, counts.must, counts.violated),
            None => "–".to_owned(),
        }));
        cells.extend(probed.then(|| obstacle(run).unwrap_or_else(|| "–".to_owned())));
        cells
    };
    let rows: Vec<_> = runs.iter().zip(labels).map(row).collect();
    table(text, &heads, &rows, room, "target");
}

fn differences(text: &mut String, rows: &[MatrixRow<'_>], labels: &[String], register: &Register, room: usize) {
    text.push_str("\n### Requirements on which they differ\n");
    let standings: BTreeSet<Standing> = rows.iter().flat_map(|row| &row.standings).copied().collect();
    let meaning = |alike: Vec<Standing>| {
        let mut words: Vec<_> = alike.iter().map(|standing| standing.word()).collect();
        words.dedup();
        format!("{} {}", alike[0].mark(), words.join(" or "))
    };
    let meanings: Vec<String> = grouped(standings, Standing::mark).into_iter().map(meaning).collect();
    let _ = writeln!(text, "\n{}", meanings.join(", "));
    let mut heads = vec!["requirement".to_owned()];
    heads.extend(labels.iter().map(|label| cell(label)));
    let row = |row: &MatrixRow<'_>| {
        let level = row.events.iter().flatten().next().map(|event| format!("{:?}", event.level).to_lowercase());
        let level = level.unwrap_or_default();
        let about = register.get(row.id).map_or("not in this build's register", |row| row.text.as_str());
        let mut cells = vec![prose_cell(&format!("{} ({level}): {about}", row.id))];
        cells.extend(row.standings.iter().map(|standing| standing.mark().to_owned()));
        cells
    };
    table(text, &heads, &rows.iter().map(row).collect::<Vec<_>>(), room, "requirement");
}

/// A table with the rows that fit; the others are counted.
pub(super) fn table(text: &mut String, heads: &[String], rows: &[Vec<String>], room: usize, noun: &str) {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let all = rows.len();
    let heading = format!("\n{}{}", line(heads), line(&vec!["---".to_owned(); heads.len()]));
    let has_heading = fill(text, room, [heading]) == 1;
    let rows_written = if has_heading { fill(text, room, rows.iter().map(|row| line(row))) } else { 0 };
    if rows_written < all {
        let more = words::count(all - rows_written, &format!("more {noun}"));
        let _ = write!(text, "\nand {more}; the HTML report has them all\n");
    }
}
