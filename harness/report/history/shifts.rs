//! What is not the same in two runs of one target, and what has to be the same for them to be runs of one target.

use std::collections::BTreeSet;

use crate::contract::{Revision, Side};
use crate::report::collected::Collected;
use crate::report::event::RunEvent;

/// What is not as in the run before; mostly from what to what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::report) enum Shift {
    Suite(u32, u32),
    /// The features that are claimed now, and those that are not any more.
    Features(Vec<String>, Vec<String>),
    /// How many must-requirements count.
    Musts(usize, usize),
    /// How many cases were selected.
    Selected(usize, usize),
    Endpoint(String, String),
    Region(String, String),
    /// The version of the SDK.
    Sdk(String, String),
    /// The recordings that are accepted changed.
    Recordings,
    Tool(String, String),
}

impl Shift {
    /// Whether the numbers of two runs are not of the same requirements.
    #[cfg(feature = "cli")]
    pub(in crate::report) const fn changes_counts(&self) -> bool {
        matches!(self, Self::Suite(..) | Self::Features(..) | Self::Musts(..))
    }
}

/// What is not the same in a run as in the run before.
pub(super) fn between(before: &Collected, now: &Collected) -> Vec<Shift> {
    let (Some(was), Some(is)) = (&before.run, &now.run) else { return Vec::new() };
    let changed = |was: &str, is: &str, shift: fn(String, String) -> Shift| {
        (was != is).then(|| shift(was.to_owned(), is.to_owned()))
    };
    let number = |was: usize, is: usize, shift: fn(usize, usize) -> Shift| (was != is).then(|| shift(was, is));
    let musts = |run: &Collected| run.summary.iter().flat_map(|of| of.features.values()).map(|of| of.must).sum();
    let suites = (was.suite_version.unwrap_or(1), is.suite_version.unwrap_or(1));
    let sdk = |run: &RunEvent| run.driver.as_ref().map(|driver| driver.sdk_version.clone()).unwrap_or_default();
    [
        (suites.0 != suites.1).then_some(Shift::Suite(suites.0, suites.1)),
        features(&was.target.features, &is.target.features),
        number(musts(before), musts(now), Shift::Musts),
        number(was.selected, is.selected, Shift::Selected),
        changed(&was.target.endpoint, &is.target.endpoint, Shift::Endpoint).filter(|_| is.driver.is_none()),
        changed(&was.target.region, &is.target.region, Shift::Region),
        changed(&sdk(was), &sdk(is), Shift::Sdk),
        (was.recordings != is.recordings).then_some(Shift::Recordings),
        changed(&was.tool, &is.tool, Shift::Tool),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn features(was: &[String], is: &[String]) -> Option<Shift> {
    let [was, is]: [BTreeSet<&String>; 2] = [was, is].map(|features| features.iter().collect());
    let only = |one: &BTreeSet<&String>, other| one.difference(other).map(|name| (*name).clone()).collect::<Vec<_>>();
    (was != is).then(|| Shift::Features(only(&is, &was), only(&was, &is)))
}

/// Why runs are no history of one target: what differs, and each value of it with the places of the runs that have it,
/// in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// What should be the same: `target`.
    pub what: &'static str,
    /// Its values.
    pub values: Vec<(String, Vec<usize>)>,
}

/// What keeps runs from being a history of one target, if anything. Versions of tool, suite and SDK may change over
/// time, and so may endpoint, region and claimed features; a report says where they did.
pub fn misfit(runs: &[&RunEvent]) -> Option<Misfit> {
    type Property = (&'static str, fn(&RunEvent) -> String);
    let properties: [Property; 5] = [
        ("side", |run| if run.side == Side::Server { "a server" } else { "an SDK" }.to_owned()),
        ("service", |run| run.service.clone().unwrap_or_default()),
        ("operation", |run| run.operation.clone()),
        ("revision of the documents", |run| {
            run.revision.map_or_else(|| "the newest".to_owned(), |year: Revision| year.to_string())
        }),
        ("target", |run| run.driver.as_ref().map_or(&run.target.name, |driver| &driver.sdk).clone()),
    ];
    properties.into_iter().find_map(|(what, value)| {
        let mut values: Vec<(String, Vec<usize>)> = Vec::new();
        for (at, run) in runs.iter().enumerate() {
            let value = value(run);
            // The streams of older builds do not tell the service.
            if value.is_empty() {
                continue;
            }
            match values.iter_mut().find(|(other, _)| *other == value) {
                Some((_, places)) => places.push(at),
                None => values.push((value, vec![at])),
            }
        }
        (values.len() > 1).then_some(Misfit { what, values })
    })
}
