//! Each run: its cases, its target and its conclusion.

use serde::Serialize;

use super::parts::{Count, Link, anchor, counts};
use super::{Collected, Tone, matrix, words};
use crate::contract::{Feature, Side};
use crate::report::conclusion::Conclusion;
use crate::report::event::{FeatureSummary, RunEvent};

#[derive(Debug, Serialize)]
pub(super) struct RunView {
    /// The target's name, made unique among the runs.
    pub(super) label: String,
    pub(super) operation: String,
    pub(super) tool: String,
    /// The SDK and what ran it, where an SDK was under test; endpoint, claims and the probe mean nothing then.
    sdk: Option<String>,
    endpoint: String,
    region: String,
    claims: String,
    /// The target's class, where the probe met an obstacle.
    class: Option<String>,
    meaning: String,
    said: String,
    /// Whether `said` is an answer; otherwise the call got none.
    answered: bool,
    /// What to do, where the target does not answer the operation and no finding says so.
    pub(super) advice: Option<String>,
    started: String,
    seed: String,
    /// How many cases were selected, and which shard of a run they are, if any.
    part: String,
    tone: Tone,
    /// The conclusion in a few words, and as a sentence without the ids that follow it.
    pub(super) headline: String,
    conclusion: String,
    ids: Vec<Link>,
    more_ids: usize,
    cut_short: Option<String>,
    /// The violated requirements that are newer than the baseline, as a sentence.
    newer: Option<String>,
    /// Whose recordings are accepted, as a sentence.
    recordings: Option<String>,
    counts: Vec<Count>,
    pub(super) cases: usize,
    duration: String,
    features: Vec<FeatureView>,
    /// How many must-requirements the features have, and how many of them recordings of real AWS confirm.
    musts: usize,
    confirmed: usize,
}

#[derive(Debug, Serialize)]
struct FeatureView {
    name: String,
    meaning: &'static str,
    #[serde(flatten)]
    counts: FeatureSummary,
    holding: usize,
    undecided: usize,
    /// Where the parts of the bar end, of 100: what holds, what is violated.
    holds_to: usize,
    violated_to: usize,
}

pub(super) fn runs(collected: &[Collected]) -> Vec<RunView> {
    matrix::labels(collected).into_iter().zip(collected).map(|(label, collected)| run(label, collected)).collect()
}

fn run(label: String, collected: &Collected) -> RunView {
    let conclusion = Conclusion::of(collected);
    let summary = collected.summary.as_ref();
    let event = collected.run.as_ref();
    let obstacle = event.and_then(words::obstacle);
    let features = || summary.iter().flat_map(|summary| &summary.features);
    let (ids_named, more_ids) = conclusion.named_ids();
    let text = |of: fn(&RunEvent) -> &str| event.map_or(String::new(), |run| of(run).to_owned());
    let started = text(|run| &run.started_at);
    RunView {
        label,
        operation: event.map(RunEvent::judged_operation).unwrap_or_default(),
        tool: text(|run| &run.tool),
        sdk: event.and_then(|run| run.driver.as_deref()).map(words::sdk),
        endpoint: text(|run| &run.target.endpoint),
        region: text(|run| &run.target.region),
        claims: event.map(|run| run.target.features.join(", ")).unwrap_or_default(),
        class: obstacle.is_some().then(|| text(|run| run.target.class.word())),
        meaning: event.map(RunEvent::meaning).unwrap_or_default(),
        said: event.map(|run| words::answer_text(&run.target.answer)).unwrap_or_default(),
        answered: event.is_some_and(words::has_answered),
        advice: obstacle.map(|obstacle| obstacle.advice),
        started: started.split('.').next().unwrap_or_default().trim_end_matches('Z').replace('T', " "),
        seed: event.map(|run| run.seed.to_string()).unwrap_or_default(),
        part: event.map(part).unwrap_or_default(),
        tone: (&conclusion).into(),
        headline: headline(&conclusion),
        conclusion: words::capitalised(&conclusion.claim()),
        ids: ids_named.iter().map(|id| Link { text: (*id).to_owned(), to: anchor(id) }).collect(),
        more_ids,
        cut_short: words::cut_short(collected).map(|sentence| words::capitalised(&sentence)),
        newer: words::newer_than_baseline(collected).map(|sentence| words::capitalised(&sentence)),
        recordings: words::recordings(collected).map(|sentence| words::capitalised(&sentence)),
        counts: counts(collected.cases.iter().map(|case| case.verdict)),
        cases: collected.cases.len(),
        duration: summary.map(|summary| words::duration(summary.duration_ms)).unwrap_or_default(),
        features: features().map(feature).collect(),
        musts: features().map(|(_, feature)| feature.must).sum(),
        confirmed: features().map(|(_, feature)| feature.confirmed).sum(),
    }
}

pub(super) fn headline(conclusion: &Conclusion<'_>) -> String {
    match conclusion {
        Conclusion::Conformant(_) => "✓ conformant".to_owned(),
        Conclusion::Violated { ids, .. } => format!("✗ {} violated", ids.len()),
        Conclusion::Absent => "not implemented".to_owned(),
        Conclusion::Nothing(_) => "? nothing decided".to_owned(),
        Conclusion::Undecided { ids, .. } => format!("? {} undecided", ids.len()),
        Conclusion::Part(shard, _) => format!("? shard {shard} only"),
        Conclusion::Trimmed(left_out) => format!("? {} left out", words::count(*left_out, "case")),
        Conclusion::CutShort => "? cut short".to_owned(),
        Conclusion::Demonstration => "? demonstration".to_owned(),
    }
}

/// `360 cases selected`, `90 cases selected, shard 2/4 of the run`.
fn part(run: &RunEvent) -> String {
    let selected = format!("{} selected", words::count(run.selected, "case"));
    match &run.shard {
        Some(shard) => format!("{selected}, shard {shard} of the run"),
        None => selected,
    }
}

/// The first words of the page's title: what was run against what.
pub(super) fn subject(run: &RunView, collected: &Collected) -> String {
    // An SDK is known by its name; the address of the scripted server says nothing.
    let server = collected.run.as_ref().is_some_and(|run| run.side == Side::Server);
    let address = run.endpoint.split_once("://").map_or(run.endpoint.as_str(), |(_, rest)| rest).trim_end_matches('/');
    // The headline before it names the shard, if any.
    let name = collected.run.as_ref().map_or(run.label.as_str(), |run| run.target.name.as_str());
    if server && !address.is_empty() && !name.contains(address) {
        format!("{} of {name} at {address}", run.operation)
    } else {
        format!("{} of {name}", run.operation)
    }
}

/// For several targets: which of them conform, and which do not.
pub(super) fn who_conforms(runs: &[RunView], collected: &[Collected]) -> String {
    let mut conform: Vec<&str> = Vec::new();
    let (mut not, mut absent, mut open) = (0, 0, 0);
    for (run, collected) in runs.iter().zip(collected) {
        match Conclusion::of(collected) {
            Conclusion::Conformant(_) => conform.push(&run.label),
            Conclusion::Violated { .. } => not += 1,
            Conclusion::Absent => absent += 1,
            Conclusion::CutShort
            | Conclusion::Demonstration
            | Conclusion::Part(..)
            | Conclusion::Trimmed(_)
            | Conclusion::Nothing(_)
            | Conclusion::Undecided { .. } => open += 1,
        }
    }
    let verb = |count: usize, one: &str, more: &str| format!("{count} {}", if count == 1 { one } else { more });
    let (first, violate) = match conform.as_slice() {
        [] => (format!("None of {} conforms", runs.len()), ["violates must-requirements", "violate must-requirements"]),
        [one] => (format!("1 of {} conforms ({one})", runs.len()), ["does not", "do not"]),
        some => (format!("{} of {} conform ({})", some.len(), runs.len(), some.join(", ")), ["does not", "do not"]),
    };
    let others = [
        (not, violate),
        (absent, ["does not have the operation", "do not have the operation"]),
        (open, ["is not decided", "are not decided"]),
    ];
    let phrases = others.into_iter().filter(|(count, _)| *count > 0).map(|(count, [one, more])| verb(count, one, more));
    let others: Vec<String> = phrases.collect();
    let mark = if conform.is_empty() { ": " } else { ", " };
    if others.is_empty() { format!("{first}.") } else { format!("{first}{mark}{}.", others.join(", ")) }
}

fn feature((name, counts): (&String, &FeatureSummary)) -> FeatureView {
    let FeatureSummary { must, violated, decided, .. } = *counts;
    let holding = decided.saturating_sub(violated);
    let share = |part: usize| (part * 100).checked_div(must).unwrap_or_default().min(100);
    let violated_to = share(decided.max(violated));
    // Even one violated requirement of many stays visible.
    let most = if violated > 0 { violated_to.saturating_sub(2) } else { 100 };
    FeatureView {
        name: name.clone(),
        meaning: Feature::all().into_iter().find(|feature| feature.word() == name).map_or("", Feature::meaning),
        counts: counts.clone(),
        holding,
        undecided: must.saturating_sub(decided),
        holds_to: share(holding).min(most),
        violated_to,
    }
}
