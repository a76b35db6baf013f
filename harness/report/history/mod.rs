//! Runs of one target in the order of time: what each of them decided, what was fixed and broken between them, and
//! since when each violation stands.
//!
//! A run may be cut short, or may be a selection of cases. So a requirement that a run calls held does not end a
//! violation by itself: the cases that showed the violation have to pass. And a violation counts as broken only if
//! a case that shows it now decided the requirement before; otherwise it was only found.

mod shifts;

use std::collections::BTreeSet;

use super::collected::Collected;
use super::event::{RequirementEvent, RunEvent};
use super::matrix::{self, MatrixRow, Standing};
use crate::contract::{Level, Register};

pub(super) use shifts::Shift;
pub use shifts::{Misfit, misfit};

/// Runs of one target, the oldest first. Runs are numbered from 1; here, each is meant by its place from 0.
#[derive(Debug)]
pub(super) struct History<'a> {
    pub(super) runs: Vec<PastRun<'a>>,
    /// Every requirement that some run found broken: those that are broken still come first, and in each part those
    /// that are `must`, in the order of the register.
    pub(super) tracks: Vec<Track<'a>>,
}

/// A run among others of its target.
#[derive(Debug)]
pub(super) struct PastRun<'a> {
    pub(super) collected: &'a Collected,
    /// The file that it was read from, in words.
    pub(super) file: &'a str,
    /// The must-requirements of all claimed features.
    pub(super) must: usize,
    pub(super) decided: usize,
    pub(super) violated: usize,
    /// What is not as in the run before.
    pub(super) shifts: Vec<Shift>,
    /// What is known of requirements now, and was not in the runs before.
    pub(super) turns: Vec<Turn<'a>>,
}

impl PastRun<'_> {
    /// Whether the run speaks for the whole suite of its target: it came to its end, and no case was left out.
    pub(super) fn is_whole(&self) -> bool {
        is_whole(self.collected)
    }

    /// The ids of the must-requirements that took such a turn in this run.
    pub(super) fn turned(&self, kind: TurnKind) -> Vec<&str> {
        let turns = self.turns.iter().filter(|turn| turn.kind == kind && turn.level == Level::Must);
        turns.map(|turn| turn.id).collect()
    }

    /// The day on which it began.
    pub(super) fn day(&self) -> String {
        self.began().split(' ').next().unwrap_or_default().to_owned()
    }

    /// When it began, to the second, in UTC.
    pub(super) fn began(&self) -> String {
        let started = self.collected.run.as_ref().map(RunEvent::started).unwrap_or_default();
        started.trim_end_matches('Z').replace('T', " ")
    }
}

/// What a run changed in what is known of a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn<'a> {
    pub(super) id: &'a str,
    pub(super) level: Level,
    pub(super) kind: TurnKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TurnKind {
    /// It was broken, and the cases that showed it pass now.
    Fixed,
    /// A case that decided it, and did not break it, breaks it now.
    Broken,
    /// It is broken, and nothing says that it held before: it was not decided, or not by these cases, or it asks for
    /// more now.
    Found,
    /// It was broken, and does not count for the target any more.
    Dropped,
}

impl TurnKind {
    pub(super) const ALL: [Self; 4] = [Self::Fixed, Self::Broken, Self::Found, Self::Dropped];
}

/// A requirement over time.
#[derive(Debug)]
pub(super) struct Track<'a> {
    pub(super) id: &'a str,
    /// Its level in the last run that has it.
    pub(super) level: Level,
    /// Its standing in each run; undecided also where it holds in all cases but those that showed it to be broken.
    #[cfg_attr(not(any(feature = "cli", test)), expect(dead_code, reason = "only a page shows it"))]
    pub(super) standings: Vec<Standing>,
    /// When it was broken, in the order of time; at least once.
    pub(super) spells: Vec<Spell>,
}

impl Track<'_> {
    /// The violation that is not known to have ended.
    pub(super) fn open(&self) -> Option<&Spell> {
        self.spells.last().filter(|spell| spell.ended.is_none())
    }
}

/// A violation over several runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spell {
    /// The first run that found it.
    pub(super) from: usize,
    pub(super) began: TurnKind,
    /// The last run that found it.
    pub(super) last: usize,
    /// The run in which it had ended, and how.
    pub(super) ended: Option<(usize, TurnKind)>,
}

impl<'a> History<'a> {
    /// The history of these runs, which are in the order of time, each with the name of its file.
    pub(super) fn of(collected: &'a [Collected], files: &'a [String], register: &'a Register) -> Self {
        let mut runs: Vec<PastRun<'a>> = Vec::with_capacity(collected.len());
        for (at, run) in collected.iter().enumerate() {
            let features = run.summary.iter().flat_map(|summary| summary.features.values());
            let sum = |of: fn(&super::FeatureSummary) -> usize| features.clone().map(of).sum();
            let before = at.checked_sub(1).map(|before| &collected[before]);
            runs.push(PastRun {
                collected: run,
                file: files.get(at).map_or("", String::as_str),
                must: sum(|feature| feature.must),
                decided: sum(|feature| feature.decided),
                violated: sum(|feature| feature.violated),
                shifts: before.map_or_else(Vec::new, |before| shifts::between(before, run)),
                turns: Vec::new(),
            });
        }
        let mut tracks = Vec::new();
        for row in matrix::registered_rows(collected, register) {
            let (track, turns) = follow(row, collected);
            for (at, turn) in turns {
                runs[at].turns.push(turn);
            }
            tracks.extend(track);
        }
        tracks.sort_by_key(|track| (track.open().is_none(), track.level != Level::Must));
        Self { runs, tracks }
    }

    /// What is broken still: violations of must-requirements, then departures.
    pub(super) fn open(&self) -> impl Iterator<Item = (&Track<'a>, &Spell)> {
        self.tracks.iter().filter_map(|track| Some((track, track.open()?)))
    }

    /// How many must-requirements took such a turn in all runs together.
    pub(super) fn turned(&self, kind: TurnKind) -> usize {
        self.runs.iter().map(|run| run.turned(kind).len()).sum()
    }
}

fn is_whole(run: &Collected) -> bool {
    let complete = run.summary.as_ref().is_some_and(|summary| summary.complete);
    complete && !run.run.as_ref().is_some_and(RunEvent::is_incomplete)
}

fn suite_version(run: &Collected) -> u32 {
    run.run.as_ref().and_then(|run| run.suite_version).unwrap_or(1)
}

/// Follows a requirement through the runs. Gives its track, if it was ever broken, and its turns with their runs.
fn follow<'a>(row: MatrixRow<'a>, runs: &[Collected]) -> (Option<Track<'a>>, Vec<(usize, Turn<'a>)>) {
    let MatrixRow { id, events, mut standings, .. } = row;
    let mut spells: Vec<Spell> = Vec::new();
    let mut turns = Vec::new();
    let mut held: Option<usize> = None;
    let mut level = Level::May;
    for (at, event) in events.iter().enumerate() {
        level = event.map_or(level, |event| event.level);
        let open = spells.last_mut().filter(|spell| spell.ended.is_none());
        let kind = match (standings[at], open) {
            (Standing::Violated | Standing::Departs, Some(spell)) => {
                spell.last = at;
                None
            }
            (Standing::Violated | Standing::Departs, None) => {
                let began =
                    held.filter(|held| broke(&events, *held, at, runs)).map_or(TurnKind::Found, |_| TurnKind::Broken);
                spells.push(Spell { from: at, began, last: at, ended: None });
                Some(began)
            }
            (Standing::Holds, Some(spell)) if !settles(&events, spell.last, at, runs) => {
                standings[at] = Standing::Undecided;
                None
            }
            (Standing::Holds, open) => {
                held = Some(at);
                open.map(|spell| spell.ended.insert((at, TurnKind::Fixed)).1)
            }
            (Standing::NotApplicable | Standing::Untold, Some(spell)) => {
                Some(spell.ended.insert((at, TurnKind::Dropped)).1)
            }
            _ => None,
        };
        turns.extend(kind.map(|kind| (at, Turn { id, level, kind })));
    }
    ((!spells.is_empty()).then_some(Track { id, level, standings, spells }), turns)
}

fn cases_of(event: Option<&RequirementEvent>) -> BTreeSet<&str> {
    event.iter().flat_map(|event| &event.cases).map(String::as_str).collect()
}

/// Whether a case that breaks a requirement in the run `now` decided it in the run `held`, and it asked for no less then.
fn broke(events: &[Option<&RequirementEvent>], held: usize, now: usize, runs: &[Collected]) -> bool {
    let asks_for_more =
        events[now].and_then(|event| event.since).is_some_and(|since| since > suite_version(&runs[held]));
    !asks_for_more && !cases_of(events[now]).is_disjoint(&cases_of(events[held]))
}

/// Whether the cases that broke a requirement in the run `last` decided it in the run `now`, where it holds. Of another
/// suite they may be gone; then a whole run will do.
fn settles(events: &[Option<&RequirementEvent>], last: usize, now: usize, runs: &[Collected]) -> bool {
    let (broke, decided) = (cases_of(events[last]), cases_of(events[now]));
    let ran: BTreeSet<&str> = runs[now].cases.iter().map(|case| case.id.as_str()).collect();
    let other_suite = suite_version(&runs[last]) != suite_version(&runs[now]) && is_whole(&runs[now]);
    broke.iter().all(|case| decided.contains(case) || (other_suite && !ran.contains(case)))
}

#[cfg(test)]
mod tests;
