//! The table of requirements: one row each, one cell a target.

use std::collections::BTreeSet;

use serde::Serialize;

use super::sources::{Source, sources};
use super::view::{Link, anchor, links};
use crate::contract::{ConfirmationStatus, Level, Register, Requirement};
use crate::report::collected::Collected;
use crate::report::conclusion::Conclusion;
use crate::report::event::{RequirementEvent, RequirementStatus};
use crate::report::words;
use crate::verdict::{CaseResult, Verdict};

/// At most so many cases are named in a cell.
const CASES_LIMIT: usize = 4;

/// A requirement with what it came to for each target.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    id: String,
    anchor: Option<String>,
    text: String,
    sources: Vec<Source>,
    level: String,
    evidence: String,
    /// What recordings of AWS say of it, where there are some.
    confirmation: Option<String>,
    feature: String,
    /// Why it does not count, where it does not.
    uncounted: Option<String>,
    /// Whether targets that could be judged came to different things.
    pub(super) differs: bool,
    cells: Vec<Cell>,
}

/// What a requirement came to for one target.
#[derive(Debug, Serialize)]
struct Cell {
    tone: &'static str,
    mark: &'static str,
    word: &'static str,
    /// How many cases could not tell, where others could.
    note: Option<String>,
    cases: Vec<Link>,
    /// How many cases are not named.
    more: usize,
}

/// Requirements that came to the same; of several targets, all that are shown together.
#[derive(Debug, Serialize)]
pub(super) struct Group {
    /// What they came to, for one target.
    word: Option<&'static str>,
    tone: &'static str,
    rows: Vec<Row>,
}

/// What the result of a requirement can be, what somebody has to look at first.
const WORDS: [&str; 7] = ["violated", "departs", "undecided", "not implemented", "holds", "not applicable", "not told"];

/// The rows of one target by what they came to, each group in its order; those of several as one group.
pub(super) fn groups(rows: Vec<Row>) -> Vec<Group> {
    let single = rows.iter().all(|row| row.cells.len() == 1);
    if !single {
        return vec![Group { word: None, tone: "calm", rows }];
    }
    let mut groups: Vec<Group> = Vec::new();
    let mut rows = rows;
    rows.sort_by_key(|row| WORDS.iter().position(|word| *word == row.cells[0].word));
    for row in rows {
        let Cell { word, tone, .. } = row.cells[0];
        match groups.last_mut().filter(|group| group.word == Some(word)) {
            Some(group) => group.rows.push(row),
            None => groups.push(Group { word: Some(word), tone, rows: vec![row] }),
        }
    }
    groups
}

/// Whether a target could be judged. One that decides nothing differs from nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judged {
    Yes,
    /// It has the operation, or may have it, and nothing could be decided.
    No,
    /// It does not have the operation.
    Absent,
}

impl Judged {
    fn of(run: &Collected) -> Self {
        let decided = |row: &RequirementEvent| matches!(row.status, RequirementStatus::Pass | RequirementStatus::Fail);
        match Conclusion::of(run) {
            Conclusion::Absent => Self::Absent,
            _ if run.requirements.iter().any(decided) => Self::Yes,
            _ => Self::No,
        }
    }
}

/// Every requirement: of the register, then those that only a stream knows. Where several targets
/// are shown, those come first on which they differ most.
pub(super) fn rows(heard: &[Collected], register: &Register) -> Vec<Row> {
    let known = register.requirements.iter().map(|row| row.id.as_str());
    let told = heard.iter().flat_map(|run| &run.requirements).map(|event| event.id.as_str());
    let mut seen = BTreeSet::new();
    let ids: Vec<&str> = known.chain(told).filter(|id| seen.insert(*id)).collect();
    let judged: Vec<Judged> = heard.iter().map(Judged::of).collect();
    let ids_of: Vec<Vec<&str>> =
        heard.iter().map(|run| run.cases.iter().map(|case| case.id.as_str()).collect()).collect();
    let mut rows: Vec<(usize, Row)> = Vec::new();
    for id in ids {
        let events: Vec<Option<&RequirementEvent>> =
            heard.iter().map(|run| run.requirements.iter().find(|event| event.id == id)).collect();
        if events.iter().all(Option::is_none) {
            continue;
        }
        let statuses: BTreeSet<RequirementStatus> = events
            .iter()
            .zip(&judged)
            .filter(|(_, judged)| **judged == Judged::Yes)
            .filter_map(|(event, _)| Some((*event)?.status))
            .filter(|status| *status != RequirementStatus::NotApplicable)
            .collect();
        let cells = events.iter().enumerate().map(|(run, event)| {
            let mut cell = cell(*event, &ids_of[run], judged[run]);
            cell.note =
                event.filter(|event| event.status == RequirementStatus::Pass).and_then(|_| open(id, &heard[run]));
            cell
        });
        let cells = cells.collect();
        // A difference in what is violated says more than one in what was decided.
        let rank = match statuses.len() {
            0 | 1 => 2,
            _ => usize::from(!statuses.contains(&RequirementStatus::Fail)),
        };
        rows.push((rank, row(id, register.get(id), events.iter().flatten().next(), statuses.len() > 1, cells)));
    }
    rows.sort_by_key(|(rank, _)| *rank);
    rows.into_iter().map(|(_, row)| row).collect()
}

fn row(
    id: &str,
    known: Option<&Requirement>,
    event: Option<&&RequirementEvent>,
    differs: bool,
    cells: Vec<Cell>,
) -> Row {
    let lower = |word: &dyn std::fmt::Debug| format!("{word:?}").to_lowercase();
    let said = |confirmation: &ConfirmationStatus| *confirmation != ConfirmationStatus::None;
    let uncounted = known.and_then(|row| match (&row.excluded, &row.pending) {
        (Some(reason), _) => Some(format!("Not counted: {reason}")),
        (None, Some(missing)) => Some(format!("Pending: {missing}")),
        (None, None) => None,
    });
    Row {
        id: id.to_owned(),
        anchor: anchor(id),
        text: known.map_or("Not in this build's register.".to_owned(), |row| row.text.clone()),
        sources: known.map(|row| sources(&row.source)).unwrap_or_default(),
        level: event.map(|event| lower(&event.level)).unwrap_or_default(),
        evidence: event.map(|event| lower(&event.evidence)).unwrap_or_default(),
        confirmation: event.map(|event| event.confirmation).filter(said).map(|said| lower(&said)),
        feature: event.map(|event| event.feature.clone()).unwrap_or_default(),
        uncounted,
        differs,
        cells,
    }
}

fn cell(event: Option<&RequirementEvent>, all: &[&str], judged: Judged) -> Cell {
    let Some(event) = event else {
        return Cell { tone: "calm", mark: "–", word: "not told", note: None, cases: Vec::new(), more: 0 };
    };
    let (tone, mark, word) = match (event.status, event.level) {
        (RequirementStatus::Pass, _) => ("good", "✓", "holds"),
        (RequirementStatus::Fail, Level::Must) => ("bad", "✗", "violated"),
        (RequirementStatus::Fail, _) => ("doubt", "!", "departs"),
        (RequirementStatus::Undecided, _) => match judged {
            Judged::Yes => ("doubt", "?", "undecided"),
            Judged::No => ("calm", "?", "undecided"),
            Judged::Absent => ("calm", "–", "not implemented"),
        },
        (RequirementStatus::NotApplicable, _) => ("calm", "–", "not applicable"),
    };
    let ids: Vec<&str> = event.cases.iter().map(String::as_str).collect();
    let (cases, more) = links(&ids, all, CASES_LIMIT);
    Cell { tone, mark, word, note: None, cases, more }
}

/// `3 of 4 cases undecided`: how many of the cases on a requirement could not tell whether it holds.
fn open(id: &str, heard: &Collected) -> Option<String> {
    let cites = |case: &&CaseResult| case.requirements.iter().any(|cited| cited == id);
    let undecided = |case: &&CaseResult| {
        matches!(case.verdict, Verdict::Blocked | Verdict::Indeterminate)
            && case.decided.iter().all(|other| other != id)
    };
    let cases: Vec<&CaseResult> = heard.cases.iter().filter(cites).collect();
    let open = cases.iter().copied().filter(undecided).count();
    (open > 0).then(|| format!("{open} of {} undecided", words::count(cases.len(), "case")))
}
