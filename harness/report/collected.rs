use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use super::event::{Event, RequirementEvent, RunEvent, SummaryEvent};
use super::words;
use crate::verdict::CaseResult;

/// The events of a run, collected for the reports that are made after the last of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Collected {
    pub(super) run: Option<RunEvent>,
    pub(super) cases: Vec<CaseResult>,
    pub(super) requirements: Vec<RequirementEvent>,
    /// `None` where the run was cut short.
    pub(super) summary: Option<SummaryEvent>,
    /// The number of cases of each family; counted on first use, after the last case.
    families: OnceCell<BTreeMap<String, usize>>,
}

impl Collected {
    pub(super) fn hear(&mut self, event: &Event) {
        // Rounded as in the run stream, so that a report that is made from the stream is the same.
        match event.clone().rounded() {
            Event::Run(run) => self.run = Some(run),
            Event::Case(case) => self.cases.push(case),
            Event::Requirement(requirement) => self.requirements.push(requirement),
            Event::Summary(summary) => self.summary = Some(summary),
        }
    }

    /// The suites, in the order in which they were first heard of.
    pub(super) fn suites(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        self.cases.iter().map(|case| case.suite.as_str()).filter(|suite| seen.insert(*suite)).collect()
    }

    pub(super) fn families(&self) -> &BTreeMap<String, usize> {
        self.families.get_or_init(|| words::family_sizes(self.cases.iter().map(|case| case.id.as_str())))
    }
}

/// How often each item occurs.
pub(super) fn count_each<T: Ord>(things: impl IntoIterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    for thing in things {
        *counts.entry(thing).or_default() += 1;
    }
    counts
}

/// Items grouped by a key; the groups are in the order of their first items.
pub(super) fn grouped<T: Copy, K: Eq + Hash>(things: impl IntoIterator<Item = T>, key: impl Fn(T) -> K) -> Vec<Vec<T>> {
    let mut groups: Vec<Vec<T>> = Vec::new();
    let mut places = HashMap::new();
    for thing in things {
        let place = *places.entry(key(thing)).or_insert(groups.len());
        if place == groups.len() {
            groups.push(Vec::new());
        }
        groups[place].push(thing);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::*;
    use crate::verdict::Verdict;

    #[test]
    fn a_duration_is_that_of_the_run_stream_and_is_not_rounded_twice() {
        let mut collected = Collected::default();
        collected.hear(&Event::Case(CaseResult { duration_ms: 5.499_7, ..sample::case("a/b", Verdict::Pass) }));
        assert_eq!(collected.cases[0].duration_ms.to_bits(), 5.5_f64.to_bits());
    }
}
