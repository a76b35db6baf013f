//! Each run: what was run against what, and what it came to.

use serde::Serialize;

use crate::contract::Feature;
use crate::report::collected::Collected;
use crate::report::conclusion::Conclusion;
use crate::report::event::FeatureSummary;
use crate::report::words;
use crate::verdict::Verdict;

/// A run as the page tells of it.
#[derive(Debug, Serialize)]
pub(super) struct Run {
    /// The target's name, told apart from the others'.
    pub(super) label: String,
    pub(super) suite: String,
    pub(super) tool: String,
    endpoint: String,
    region: String,
    claims: String,
    class: String,
    meaning: String,
    said: String,
    /// What to do, where the target does not answer the operation.
    advice: Option<String>,
    started: String,
    seed: String,
    /// Which part of a run it is, where it is a part of one.
    shard: Option<String>,
    tone: &'static str,
    conclusion: String,
    /// That it came to no end, where it did not.
    cut_short: Option<String>,
    counts: Vec<Count>,
    cases: usize,
    duration: String,
    features: Vec<FeatureRow>,
}

/// How many cases have a verdict.
#[derive(Debug, Serialize)]
struct Count {
    verdict: &'static str,
    tone: &'static str,
    cases: usize,
}

/// The requirements of a feature that count.
#[derive(Debug, Serialize)]
struct FeatureRow {
    name: String,
    meaning: &'static str,
    must: usize,
    decided: usize,
    violated: usize,
    confirmed: usize,
    /// Where the parts of the bar end, of 100: what holds, what is violated.
    holds_to: usize,
    violated_to: usize,
}

pub(super) fn runs(heard: &[Collected]) -> Vec<Run> {
    labels(heard).into_iter().zip(heard).map(|(label, heard)| run(label, heard)).collect()
}

fn run(label: String, heard: &Collected) -> Run {
    let conclusion = Conclusion::of(heard);
    let counted = |verdict: Verdict| heard.cases.iter().filter(|case| case.verdict == verdict).count();
    let count =
        |verdict: Verdict| Count { verdict: verdict.word(), tone: super::view::tone(verdict), cases: counted(verdict) };
    let summary = heard.summary.as_ref();
    let complete = summary.is_some_and(|summary| summary.complete);
    let event = heard.run.as_ref();
    let text = |of: fn(&crate::report::RunEvent) -> &str| event.map_or(String::new(), |run| of(run).to_owned());
    Run {
        label,
        suite: text(|run| &run.suite),
        tool: text(|run| &run.tool),
        endpoint: text(|run| &run.target.endpoint),
        region: text(|run| &run.target.region),
        claims: event.map(|run| run.target.features.join(", ")).unwrap_or_default(),
        class: text(|run| &run.target.class),
        meaning: text(|run| &run.target.meaning),
        said: text(|run| &run.target.said),
        advice: event.and_then(words::obstacle).map(|[_, _, advice]| advice),
        started: text(|run| &run.started_at)
            .split('.')
            .next()
            .unwrap_or_default()
            .trim_end_matches('Z')
            .replace('T', " "),
        seed: event.map(|run| run.seed.to_string()).unwrap_or_default(),
        shard: event.and_then(|run| run.shard.clone()),
        tone: match conclusion {
            Conclusion::Conformant(_) => "good",
            Conclusion::Violated(_) => "bad",
            Conclusion::Absent | Conclusion::CutShort | Conclusion::Part(_) | Conclusion::Undecided(_) => "doubt",
        },
        conclusion: capitalised(&conclusion.sentence()),
        cut_short: (!complete).then(|| capitalised(&words::cut_short(heard))),
        counts: Verdict::ALL.into_iter().filter(|verdict| counted(*verdict) > 0).map(count).collect(),
        cases: heard.cases.len(),
        duration: summary.map(|summary| words::duration(summary.duration_ms)).unwrap_or_default(),
        features: summary.map(|summary| summary.features.iter().map(feature).collect()).unwrap_or_default(),
    }
}

fn feature((name, summary): (&String, &FeatureSummary)) -> FeatureRow {
    let FeatureSummary { must, violated, decided, confirmed } = *summary;
    let share = |part: usize| (part * 100).checked_div(must).unwrap_or_default().min(100);
    let violated_to = share(decided.max(violated));
    FeatureRow {
        name: name.clone(),
        meaning: Feature::ALL.into_iter().find(|feature| feature.word() == name).map_or("", Feature::meaning),
        must,
        decided,
        violated,
        confirmed,
        // One violated requirement of many is still seen.
        holds_to: share(decided.saturating_sub(violated)).min(if violated > 0 {
            violated_to.saturating_sub(2)
        } else {
            100
        }),
        violated_to,
    }
}

/// A name for each target: its own where that tells it apart, else with its endpoint, else with a number.
fn labels(heard: &[Collected]) -> Vec<String> {
    let target = |run: &Collected| run.run.as_ref().map(|run| run.target.clone());
    let mut labels: Vec<String> = heard.iter().map(|run| target(run).map(|t| t.name).unwrap_or_default()).collect();
    let twice = |labels: &[String]| -> Vec<bool> {
        labels.iter().map(|label| labels.iter().filter(|other| *other == label).count() > 1).collect()
    };
    for (place, again) in twice(&labels).into_iter().enumerate() {
        if again && let Some(target) = target(&heard[place]) {
            labels[place] = format!("{} at {}", target.name, target.endpoint);
        }
    }
    for (place, again) in twice(&labels).into_iter().enumerate() {
        if again {
            labels[place] = format!("{} (run {})", labels[place], place + 1);
        }
    }
    labels
}

fn capitalised(sentence: &str) -> String {
    let mut characters = sentence.chars();
    characters.next().map_or(String::new(), |first| first.to_uppercase().chain(characters).collect())
}
