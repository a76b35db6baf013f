//! The grid of several targets: a row for each requirement, a letter for each target, and filters that stand in the
//! address.

use std::collections::BTreeSet;

use serde::Serialize;

use super::parts::anchor;
use super::{Collected, Register};
use crate::contract::Level;
use crate::report::collected::grouped;
use crate::report::matrix::{self, MatrixRow, Standing};

/// For how many targets the style sheet has a filter of what they break.
const FILTERED_TARGETS: usize = 12;

#[derive(Debug, Serialize)]
pub(super) struct Grid {
    targets: Vec<GridTarget>,
    rows: Vec<GridRow>,
    /// What can be shown alone.
    picks: Vec<Pick>,
    /// The words behind `only=` in the address, each with a place in the page.
    filters: Vec<String>,
    letters: Vec<GridCell>,
}

/// A target with the counts of its must-requirements.
#[derive(Debug, Serialize)]
struct GridTarget {
    label: String,
    holds: usize,
    /// How many there are that count for it.
    must: usize,
    /// How many it breaks.
    broken: usize,
    filter: Option<String>,
}

#[derive(Debug, Serialize)]
struct GridRow {
    id: String,
    anchor: Option<String>,
    text: String,
    level: String,
    differs: bool,
    /// Whether it is the first on which the targets agree, behind some on which they differ.
    begins_rest: bool,
    /// The targets that break it, numbered from 1.
    broken_by: String,
    undecided: bool,
    cells: Vec<GridCell>,
}

#[derive(Debug, Serialize)]
struct GridCell {
    class: &'static str,
    letter: &'static str,
    word: &'static str,
}

/// A filter, and what it shows.
#[derive(Debug, Serialize)]
struct Pick {
    filter: &'static str,
    text: String,
}

const fn is_broken(standing: Standing) -> bool {
    matches!(standing, Standing::Violated | Standing::Departs)
}

const fn is_open(standing: Standing) -> bool {
    matches!(standing, Standing::Undecided | Standing::Unjudged)
}

impl From<Standing> for GridCell {
    fn from(standing: Standing) -> Self {
        Self { class: standing.class(), letter: standing.letter(), word: standing.word() }
    }
}

/// The grid of these runs; `None` for a single one.
pub(super) fn grid(collected: &[Collected], labels: &[String], register: &Register) -> Option<Grid> {
    if collected.len() < 2 {
        return None;
    }
    let rows = matrix::rows(collected, register);
    let standings = || rows.iter().flat_map(|row| row.standings.iter().copied());
    let letters = grouped(standings().collect::<BTreeSet<_>>(), Standing::letter);
    let target = |(at, label): (usize, &String)| {
        let musts = || rows.iter().filter(|row| level(row) == Level::Must).map(move |row| row.standings[at]);
        let count = |of: fn(Standing) -> bool| musts().filter(|standing| of(*standing)).count();
        let broken = count(|standing| standing == Standing::Violated);
        let holds = count(|standing| standing == Standing::Holds);
        GridTarget {
            label: label.clone(),
            holds,
            must: holds + broken + count(is_open) + count(|standing| standing == Standing::Absent),
            broken,
            filter: (at < FILTERED_TARGETS).then(|| broken_by(at)),
        }
    };
    let differing = rows.iter().filter(|row| row.differs).count();
    let any = |of: fn(Standing) -> bool| rows.iter().filter(|row| row.standings.iter().any(|it| of(*it))).count();
    let must = rows.iter().filter(|row| level(row) == Level::Must).count();
    let picks: Vec<Pick> = [
        ("differing", differing, "on which they differ"),
        ("broken", any(is_broken), "that some break"),
        ("undecided", any(is_open), "that some leave undecided"),
        ("must", must, "that are a must"),
    ]
    .into_iter()
    .filter(|(_, count, _)| *count > 0)
    .map(|(filter, count, what)| Pick { filter, text: format!("{count} {what}") })
    .collect();
    let filters = picks.iter().map(|pick| pick.filter.to_owned());
    let of_targets = (0..collected.len().min(FILTERED_TARGETS)).map(broken_by);
    Some(Grid {
        targets: labels.iter().enumerate().map(target).collect(),
        filters: filters.chain(of_targets).collect(),
        picks,
        letters: letters.iter().map(|alike| legend(alike)).collect(),
        rows: rows.iter().enumerate().map(|(at, row)| grid_row(row, at == differing && at > 0, register)).collect(),
    })
}

/// A letter with the words that it stands for.
fn legend(alike: &[Standing]) -> GridCell {
    // Undecided and unjudged are one word; what does not count for a target has several.
    let word = if alike[0].letter() == Standing::NotApplicable.letter() { "does not count" } else { alike[0].word() };
    GridCell { word, ..GridCell::from(alike[0]) }
}

fn broken_by(at: usize) -> String {
    format!("broken-by-{}", at + 1)
}

/// The level by the first run that has the requirement.
fn level(row: &MatrixRow<'_>) -> Level {
    row.events.iter().flatten().next().map_or(Level::May, |event| event.level)
}

fn grid_row(row: &MatrixRow<'_>, begins_rest: bool, register: &Register) -> GridRow {
    let numbers = row.standings.iter().enumerate().filter(|(_, standing)| is_broken(**standing));
    GridRow {
        id: row.id.to_owned(),
        anchor: anchor(row.id),
        text: register.get(row.id).map_or_else(String::new, |row| row.text.clone()),
        level: format!("{:?}", level(row)).to_lowercase(),
        differs: row.differs,
        begins_rest,
        broken_by: numbers.map(|(at, _)| (at + 1).to_string()).collect::<Vec<_>>().join(" "),
        undecided: row.standings.iter().any(|standing| is_open(*standing)),
        cells: row.standings.iter().copied().map(GridCell::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::html;
    use crate::report::tests::sample;

    /// The rows of the grid in a page: the id, the marks for filters, and the letters.
    fn rows_of(page: &str) -> Vec<(String, String, String)> {
        let row =
            regex::Regex::new("<tr class=\"row\"([^>]*)><th[^>]*><a href=\"#([^\"]+)\">(.*?)</tr>").expect("a pattern");
        let letter = regex::Regex::new("<span aria-hidden=\"true\">(.)</span>").expect("a pattern");
        row.captures_iter(page)
            .map(|found| {
                let letters = letter.captures_iter(&found[3]).map(|letter| letter[1].to_owned()).collect();
                (found[2].to_owned(), found[1].trim().to_owned(), letters)
            })
            .collect()
    }

    #[test]
    fn requirements_on_which_targets_differ_stand_first_with_a_letter_for_each_target() {
        let page = html(&sample::matrix());
        let rows = rows_of(&page);
        let row = |id: &str, marks: &str, letters: &str| (id.to_owned(), marks.to_owned(), letters.to_owned());
        assert_eq!(
            rows,
            [
                row("GC-DUR-02", "data-d data-b=\"1\" data-m", "FP–"),
                row("GC-ERR-02", "data-d data-b=\"1\" data-m", "FP–"),
                row("GC-RES-01", "data-m", "PP–"),
                row("GC-ERR-06", "data-b=\"1 2\"", "DD–"),
                row("GC-SIG-01", "data-b=\"1 2\" data-m", "FF–"),
                row("GC-DOM-01", "data-m", "–––"),
            ]
        );
        assert_eq!(page.matches("<tr class=\"end\">").count(), 1, "a gap before those on which they agree");
    }

    #[test]
    fn the_totals_count_the_must_requirements_of_each_target() {
        let page = html(&sample::matrix());
        let (_, totals) = page.split_once("<tr class=\"totals\">").expect("totals");
        let (totals, _) = totals.split_once("</tr>").expect("a row");
        let counts =
            regex::Regex::new("<b>(\\d+)</b> <span>of (\\d+)</span>(?:<a href=\"#only=([a-z0-9-]+)\">F (\\d+))?")
                .expect("a pattern");
        let counts: Vec<[&str; 4]> = counts
            .captures_iter(totals)
            .map(|found| [1, 2, 3, 4].map(|at| found.get(at).map_or("", |it| it.as_str())))
            .collect();
        assert_eq!(counts, [["1", "4", "broken-by-1", "3"], ["3", "4", "broken-by-2", "1"], ["0", "4", "", ""]]);
    }

    #[test]
    fn every_filter_of_the_grid_has_a_place_in_the_page_and_a_rule_in_the_style() {
        const STYLE: &str = include_str!("grid.css");
        let links = regex::Regex::new("href=\"#(only=[a-z0-9-]+)\"").expect("a pattern");
        let page = html(&sample::matrix());
        let (_, page) = page.split_once("</style>").expect("a style");
        let found: BTreeSet<&str> = links.captures_iter(page).filter_map(|link| Some(link.get(1)?.as_str())).collect();
        assert!(found.contains("only=differing") && found.len() > 3, "{found:?}");
        for filter in found {
            assert!(page.contains(&format!("<span class=\"only\" id=\"{filter}\">")), "{filter}");
        }
        for filter in ["differing", "broken", "undecided", "must"]
            .map(str::to_owned)
            .into_iter()
            .chain((0..FILTERED_TARGETS).map(broken_by))
        {
            assert!(STYLE.contains(&format!("[id=\"only={filter}\"]:target ~ .scroll .row:not(")), "{filter}");
        }
        assert!(!STYLE.contains(&broken_by(FILTERED_TARGETS)));
    }

    #[test]
    fn one_run_has_no_grid() {
        assert!(!html(&sample::events()).contains("id=\"grid\""));
    }
}
