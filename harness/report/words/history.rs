//! The words for the history of a target.

use super::super::conclusion::Conclusion;
use super::super::history::{History, PastRun, Shift, Spell, TurnKind};
use super::{capitalised, count, cut_short};

/// How many ids a list names before it counts the rest.
const IDS_LIMIT: usize = 12;

/// How many earlier violations of a requirement are named.
#[cfg(feature = "cli")]
const EARLIER_LIMIT: usize = 5;

/// `GetCredentials of mine, 12 runs from 2026-10-01 to 2026-11-27`.
pub(in crate::report) fn history_title(history: &History<'_>) -> String {
    let Some((first, last)) = history.runs.first().zip(history.runs.last()) else { return "No runs".to_owned() };
    let Some(run) = &last.collected.run else { return "No runs".to_owned() };
    let name = run.driver.as_ref().map_or(&run.target.name, |driver| &driver.sdk);
    let runs = count(history.runs.len(), "run");
    let days = match (first.day(), last.day()) {
        (from, to) if from == to => format!("on {from}"),
        (from, to) => format!("from {from} to {to}"),
    };
    format!("{} of {name}, {runs} {days}", run.judged_operation())
}

/// What the last run comes to, and how it went so far: two sentences. Escaped.
pub(in crate::report) fn history_lead(history: &History<'_>) -> [String; 2] {
    let last = history.runs.last().map(|run| Conclusion::of(run.collected).claim()).unwrap_or_default();
    let turns: Vec<String> = TurnKind::ALL
        .into_iter()
        .filter_map(|kind| match history.turned(kind) {
            0 => None,
            1 => Some(format!("{} once", turn(kind))),
            some => Some(format!("{} {some} times", turn(kind))),
        })
        .collect();
    let so_far = match turns.split_last() {
        None => "No must-requirement was ever violated.".to_owned(),
        Some((last, [])) => format!("Over all runs, a must-requirement was {last}."),
        Some((last, others)) => format!("Over all runs, a must-requirement was {} and {last}.", others.join(", ")),
    };
    [format!("The last run: {last}."), so_far]
}

/// What is not as in the run before: `the suite has version 4, before 3`. Not escaped.
pub(in crate::report) fn shift(shift: &Shift) -> String {
    let from_to = |what: &str, (was, is): (&String, &String)| format!("{what} {is}, before {was}");
    match shift {
        Shift::Suite(was, is) => format!("the suite has version {is}, before {was}"),
        Shift::Features(more, fewer) => {
            let claims = (!more.is_empty()).then(|| format!("it also claims {}", more.join(", ")));
            let drops = (!fewer.is_empty()).then(|| format!("it no longer claims {}", fewer.join(", ")));
            claims.into_iter().chain(drops).collect::<Vec<_>>().join("; ")
        }
        Shift::Musts(was, is) => format!("{} count, before {was}", count(*is, "must-requirement")),
        Shift::Selected(was, is) => format!("{} were selected, before {was}", count(*is, "case")),
        Shift::Endpoint(was, is) => from_to("its endpoint is", (was, is)),
        Shift::Region(was, is) => from_to("its region is", (was, is)),
        Shift::Sdk(was, is) => from_to("the SDK has version", (was, is)),
        Shift::Recordings => "other recordings are accepted".to_owned(),
        Shift::Tool(was, is) => from_to("the run was made by", (was, is)),
    }
}

/// Why a run does not speak for the whole suite; `None` where it does. Not escaped.
pub(in crate::report) fn not_whole(run: &PastRun<'_>) -> Option<String> {
    cut_short(run.collected).or_else(|| (!run.is_whole()).then(|| "cases were left out of the run".to_owned()))
}

/// What a reader has to know of a run before its numbers are compared: that it is not whole, and what is not as in the
/// run before. Sentences, not escaped.
pub(in crate::report) fn run_notes(run: &PastRun<'_>) -> Vec<String> {
    not_whole(run).into_iter().chain(run.shifts.iter().map(shift)).map(|note| capitalised(&note)).collect()
}

pub(in crate::report) const fn turn(kind: TurnKind) -> &'static str {
    match kind {
        TurnKind::Fixed => "fixed",
        TurnKind::Broken => "broken",
        TurnKind::Found => "found violated",
        TurnKind::Dropped => "dropped",
    }
}

/// What a turn means.
#[cfg(feature = "cli")]
pub(in crate::report) const fn turn_meaning(kind: TurnKind) -> &'static str {
    match kind {
        TurnKind::Fixed => "it was violated, and the cases that showed it pass now",
        TurnKind::Broken => "a case decided that it holds, and the same case violates it now",
        TurnKind::Found => {
            "it is violated, and nothing says that it held before: these cases did not decide it, or it asks for more now"
        }
        TurnKind::Dropped => "it was violated, and does not count for the target any more",
    }
}

/// Since when a violation stands, or from when it stood, as a reader counts runs: `since 2026-11-03, run 7 of 12`.
pub(in crate::report) fn since(spell: &Spell, history: &History<'_>) -> String {
    let all = history.runs.len();
    let day = |at: usize| history.runs[at].day();
    let (from, last) = (spell.from + 1, spell.last + 1);
    let word = if spell.ended.is_some() { "from" } else { "since" };
    let since = format!("{word} {}, run {from} of {all}", day(spell.from));
    let since = if from == 1 && all > 1 { format!("{since}, or before it") } else { since };
    match spell.ended {
        Some((at, kind)) => format!("{since}; {} on {}, run {}", turn(kind), day(at), at + 1),
        None if last == all => since,
        None => format!("{since}; last seen on {}, run {last}: what came later did not decide it", day(spell.last)),
    }
}

/// The runs of earlier violations, the newest first: `runs 9 to 10, run 3`.
#[cfg(feature = "cli")]
pub(in crate::report) fn earlier(spells: &[Spell]) -> String {
    let runs = |spell: &Spell| match (spell.from + 1, spell.last + 1) {
        (from, last) if from == last => format!("run {from}"),
        (from, last) => format!("runs {from} to {last}"),
    };
    let mut texts: Vec<String> = spells.iter().rev().take(EARLIER_LIMIT).map(runs).collect();
    let more = spells.len() - texts.len();
    texts.extend((more > 0).then(|| format!("and {} before", count(more, "time"))));
    texts.join(", ")
}

/// `GC-DUR-02, GC-WG-01 and 3 more`.
pub(in crate::report) fn ids(ids: &[&str]) -> String {
    let (named, more) = ids.split_at(ids.len().min(IDS_LIMIT));
    let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    format!("{}{more}", named.join(", "))
}
