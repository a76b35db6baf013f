//! Several runs side by side: the standing of each requirement for each target, and on which requirements they differ.

use std::collections::BTreeSet;

use super::collected::Collected;
use super::conclusion::Conclusion;
use super::event::{RequirementEvent, RequirementStatus, RunEvent};
use crate::contract::{Level, Register};

/// The standing of a requirement for one target; those that need attention come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    Violated,
    /// It is below `must`, and broken.
    Departs,
    /// The run left it undecided, and decided others.
    Undecided,
    /// The run decided no requirement.
    Unjudged,
    /// The target does not have the operation.
    Absent,
    Holds,
    NotApplicable,
    /// The run does not mention it.
    Untold,
}

impl Standing {
    /// The standing of a requirement that a run leaves undecided.
    fn open(run: &Collected) -> Self {
        let decided = |row: &RequirementEvent| matches!(row.status, RequirementStatus::Pass | RequirementStatus::Fail);
        if Conclusion::of(run) == Conclusion::Absent {
            Self::Absent
        } else if run.requirements.iter().any(decided) {
            Self::Undecided
        } else {
            Self::Unjudged
        }
    }

    fn of(event: Option<&RequirementEvent>, open: Self) -> Self {
        let Some(event) = event else { return Self::Untold };
        match (event.status, event.level) {
            (RequirementStatus::Pass, _) => Self::Holds,
            (RequirementStatus::Fail, Level::Must) => Self::Violated,
            (RequirementStatus::Fail, _) => Self::Departs,
            (RequirementStatus::Undecided, _) => open,
            (RequirementStatus::NotApplicable, _) => Self::NotApplicable,
        }
    }

    pub(super) const fn mark(self) -> &'static str {
        match self {
            Self::Holds => "✓",
            Self::Violated => "✗",
            Self::Departs => "!",
            Self::Undecided | Self::Unjudged => "?",
            Self::Absent | Self::NotApplicable | Self::Untold => "–",
        }
    }

    /// The letter that stands for it where there is little room.
    #[cfg(feature = "cli")]
    pub(super) const fn letter(self) -> &'static str {
        match self {
            Self::Holds => "P",
            Self::Violated => "F",
            Self::Departs => "D",
            Self::Undecided | Self::Unjudged => "?",
            Self::Absent | Self::NotApplicable | Self::Untold => "–",
        }
    }

    /// The class of its colour in a page.
    #[cfg(feature = "cli")]
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Holds => "v-pass",
            Self::Violated => "v-fail",
            Self::Departs => "v-departs",
            Self::Undecided | Self::Unjudged => "v-undecided",
            Self::Absent | Self::NotApplicable | Self::Untold => "v-na",
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Violated => "violated",
            Self::Departs => "departs",
            Self::Undecided | Self::Unjudged => "undecided",
            Self::Absent => "not implemented",
            Self::NotApplicable => "not applicable",
            Self::Untold => "not told",
        }
    }
}

#[derive(Debug)]
pub(super) struct MatrixRow<'a> {
    pub(super) id: &'a str,
    pub(super) events: Vec<Option<&'a RequirementEvent>>,
    pub(super) standings: Vec<Standing>,
    /// Whether targets that could be judged have different results for it.
    pub(super) differs: bool,
}

/// Every requirement of the runs, in the order of the register, then those that only a stream knows.
pub(super) fn registered_rows<'a>(
    collected: &'a [Collected],
    register: &'a Register,
) -> impl Iterator<Item = MatrixRow<'a>> {
    let registered = register.requirements.iter().map(|row| row.id.as_str());
    let reported = collected.iter().flat_map(|run| &run.requirements).map(|event| event.id.as_str());
    let mut seen = BTreeSet::new();
    let ids = registered.chain(reported).filter(move |id| seen.insert(*id));
    let open: Vec<Standing> = collected.iter().map(Standing::open).collect();
    ids.filter_map(move |id| {
        let events: Vec<Option<&RequirementEvent>> =
            collected.iter().map(|run| run.requirements.iter().find(|event| event.id == id)).collect();
        if events.iter().all(Option::is_none) {
            return None;
        }
        let statuses: BTreeSet<RequirementStatus> = events
            .iter()
            .zip(&open)
            .filter(|(_, open)| **open == Standing::Undecided)
            .filter_map(|(event, _)| Some((*event)?.status))
            .filter(|status| *status != RequirementStatus::NotApplicable)
            .collect();
        let standings = events.iter().zip(&open).map(|(event, open)| Standing::of(*event, *open)).collect();
        Some(MatrixRow { id, events, standings, differs: statuses.len() > 1 })
    })
}

/// Every requirement of the runs. Those on which targets differ come first: those that some targets break, then those
/// that only some targets decided; of both, those that divide the targets most.
pub(super) fn rows<'a>(collected: &'a [Collected], register: &'a Register) -> Vec<MatrixRow<'a>> {
    let mut rows: Vec<MatrixRow<'a>> = registered_rows(collected, register).collect();
    rows.sort_by_key(|row| {
        let count = |wanted: &[Standing]| row.standings.iter().filter(|standing| wanted.contains(standing)).count();
        let (broken, holds) = (count(&[Standing::Violated, Standing::Departs]), count(&[Standing::Holds]));
        let rank = if row.differs { usize::from(broken == 0) } else { 2 };
        // Where nobody differs, the order of the register is the best.
        (rank, if row.differs { usize::MAX - broken.min(holds) } else { 0 })
    });
    rows
}

pub(super) fn judged_count(collected: &[Collected]) -> usize {
    collected.iter().filter(|run| is_judged(run)).count()
}

/// Whether a target could be judged. One that decides nothing does not count as different.
pub(super) fn is_judged(run: &Collected) -> bool {
    Standing::open(run) == Standing::Undecided
}

/// A sentence: the targets differ on no requirement, or there was nothing to compare.
pub(super) fn nothing_differs(collected: &[Collected], labels: &[String]) -> String {
    let mut judged = collected.iter().zip(labels).filter(|(run, _)| is_judged(run));
    match (judged.next(), judged.next()) {
        (None, _) => "None of them could be judged, so that there is nothing to compare.".to_owned(),
        (Some((_, only)), None) => format!("Only {only} could be judged, so that there is nothing to compare."),
        (Some(_), Some(_)) if judged_count(collected) == collected.len() => "They differ on no requirement.".to_owned(),
        (Some(_), Some(_)) => "Those that could be judged differ on no requirement.".to_owned(),
    }
}

/// A label for each target: its name where that is unique, else with its endpoint, else with a number; and its shard,
/// if any.
pub(super) fn labels(collected: &[Collected]) -> Vec<String> {
    let is_twice = |labels: &[String], at: usize| labels.iter().filter(|other| **other == labels[at]).count() > 1;
    let runs = || collected.iter().map(|run| run.run.as_ref()).enumerate();
    let name = |run: &RunEvent| run.target.name.clone();
    let names: Vec<String> = runs().map(|(_, run)| run.map(name).unwrap_or_default()).collect();
    let with_endpoint = |(at, run): (usize, Option<&RunEvent>)| match run {
        Some(RunEvent { target, .. }) if is_twice(&names, at) => format!("{} at {}", target.name, target.endpoint),
        Some(_) | None => names[at].clone(),
    };
    let labels: Vec<String> = runs().map(with_endpoint).collect();
    let whole = |(at, run): (usize, Option<&RunEvent>)| {
        let number = if is_twice(&labels, at) { format!(" (run {})", at + 1) } else { String::new() };
        let shard = run.and_then(|run| run.shard.as_ref()).map(|shard| format!(" (shard {shard})"));
        format!("{}{number}{}", labels[at], shard.unwrap_or_default())
    };
    runs().map(whole).collect()
}
