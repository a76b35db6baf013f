//! The table of requirements: a row for each requirement, a cell for each target.

use std::collections::BTreeMap;

use serde::Serialize;

use super::parts::{Link, TextPiece, anchor, links, sources};
use super::{Collected, Register, Tone};
use crate::report::event::RequirementEvent;
use crate::report::matrix::{self, Standing};

const CASES_LIMIT: usize = 4;

/// A requirement with its standing for each target.
#[derive(Debug, Serialize)]
pub(super) struct RequirementView {
    /// The event of the first run that has the requirement.
    #[serde(flatten)]
    event: RequirementEvent,
    anchor: Option<String>,
    text: String,
    sources: Vec<TextPiece>,
    /// Why it does not count; `None` where it counts.
    uncounted: Option<String>,
    /// Whether targets that could be judged have different results for it.
    pub(super) differs: bool,
    cells: Vec<Cell>,
}

#[derive(Debug, Serialize)]
struct Cell {
    #[serde(skip)]
    standing: Standing,
    tone: Tone,
    mark: &'static str,
    word: &'static str,
    cases: Vec<Link>,
    more: usize,
}

/// Requirements of one target with the same standing; for several targets, all requirements that are shown together.
#[derive(Debug, Serialize)]
pub(super) struct RequirementGroup {
    word: Option<&'static str>,
    tone: Tone,
    rows: Vec<RequirementView>,
}

/// The rows of one target grouped by standing; the rows of several targets as one group.
pub(super) fn groups(mut rows: Vec<RequirementView>) -> Vec<RequirementGroup> {
    if rows.iter().any(|row| row.cells.len() != 1) {
        return vec![RequirementGroup { word: None, tone: Tone::Calm, rows }];
    }
    let mut groups: Vec<RequirementGroup> = Vec::new();
    rows.sort_by_key(|row| row.cells[0].standing);
    for row in rows {
        let Cell { word, tone, .. } = row.cells[0];
        match groups.last_mut().filter(|group| group.word == Some(word)) {
            Some(group) => group.rows.push(row),
            None => groups.push(RequirementGroup { word: Some(word), tone, rows: vec![row] }),
        }
    }
    groups
}

/// Every requirement; those on which targets differ come first.
pub(super) fn rows(collected: &[Collected], register: &Register) -> Vec<RequirementView> {
    let view_of = |row: matrix::MatrixRow<'_>| {
        let registered = register.get(row.id);
        let uncounted = registered.and_then(|row| match (&row.excluded, &row.pending) {
            (Some(reason), _) => Some(format!("Not counted: {reason}")),
            (None, missing) => missing.as_ref().map(|missing| format!("Pending: {missing}")),
        });
        let cells = row.events.iter().zip(&row.standings).zip(collected);
        Some(RequirementView {
            event: (*row.events.iter().flatten().next()?).clone(),
            anchor: anchor(row.id),
            text: registered.map_or("Not in this build's register.".to_owned(), |row| row.text.clone()),
            sources: registered.map(sources).unwrap_or_default(),
            uncounted,
            differs: row.differs,
            cells: cells.map(|((event, standing), run)| cell(*event, *standing, run.families())).collect(),
        })
    };
    matrix::rows(collected, register).into_iter().filter_map(view_of).collect()
}

fn cell(event: Option<&RequirementEvent>, standing: Standing, families: &BTreeMap<String, usize>) -> Cell {
    let ids: Vec<&str> = event.iter().flat_map(|event| &event.cases).map(String::as_str).collect();
    let (cases, more) = links(&ids, families, CASES_LIMIT);
    let tone = match standing {
        Standing::Holds => Tone::Good,
        Standing::Violated => Tone::Bad,
        Standing::Departs | Standing::Undecided => Tone::Doubt,
        Standing::Unjudged | Standing::Absent | Standing::NotApplicable | Standing::Untold => Tone::Calm,
    };
    Cell { standing, tone, mark: standing.mark(), word: standing.word(), cases, more }
}
