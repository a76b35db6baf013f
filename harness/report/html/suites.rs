//! The cases by suite and family: what needs attention is in sight, the rest is folded.

use serde::Serialize;

use super::cases::{CaseView, cases, tell_once};
use super::exchange::CommonHeaders;
use super::parts::{Count, counts};
use super::{in_sight, words};
use crate::report::collected::Collected;

#[derive(Debug, Serialize)]
pub(super) struct SuiteView {
    name: String,
    size: usize,
    /// How many cases have each verdict, the most important verdict first; only for one run.
    tally: Vec<Count>,
    differing: usize,
    /// What did not pass, or differs; as far as there is room.
    in_sight: Vec<Entry>,
    folded: Vec<Entry>,
    /// What is folded, counted.
    folded_size: usize,
    folded_tally: Vec<Count>,
}

/// A case, or a family of several cases.
#[derive(Debug, Serialize)]
struct Entry {
    family: Option<FamilyView>,
    cases: Vec<CaseView>,
}

#[derive(Debug, Serialize)]
struct FamilyView {
    /// What selects the whole family.
    pattern: String,
    /// The title that all of its cases have; empty where they have different ones.
    title: String,
    size: usize,
    tally: Vec<Count>,
    differing: usize,
}

impl Entry {
    /// Whether a case of it did not pass, or targets differ on one.
    fn is_urgent(&self) -> bool {
        self.cases.iter().any(|case| case.prints)
    }
}

impl SuiteView {
    pub(super) fn cases(&self) -> impl Iterator<Item = &CaseView> {
        self.in_sight.iter().chain(&self.folded).flat_map(|entry| &entry.cases)
    }
}

/// Every case that some run has, by suite, in the order of the first run that has it.
pub(super) fn suites(collected: &[Collected], common_headers: &[CommonHeaders]) -> Vec<SuiteView> {
    let suites = cases(collected, common_headers).into_iter();
    let suites: Vec<(&str, Vec<Entry>)> = suites.map(|(name, cases)| (name, entries(cases))).collect();
    let urgent = suites.iter().flat_map(|(_, entries)| entries).filter(|entry| entry.is_urgent()).count();
    let mut room = in_sight(urgent);
    let suite = |(name, entries): (&str, Vec<Entry>)| {
        let (size, tally, differing) = count(entries.iter().flat_map(|entry| &entry.cases));
        let fits = |entry: &Entry| {
            let fits = room > 0 && entry.is_urgent();
            room -= usize::from(fits);
            fits
        };
        let (in_sight, folded): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(fits);
        let (folded_size, folded_tally, _) = count(folded.iter().flat_map(|entry| &entry.cases));
        SuiteView { name: name.to_owned(), size, tally, differing, in_sight, folded, folded_size, folded_tally }
    };
    suites.into_iter().map(suite).collect()
}

/// The cases of a suite, those of one family together at the place of its first.
fn entries(cases: Vec<CaseView>) -> Vec<Entry> {
    let mut entries: Vec<(Option<String>, Vec<CaseView>)> = Vec::new();
    for case in cases {
        let family = words::family(&case.id).map(str::to_owned);
        match entries.iter_mut().find(|(other, _)| family.is_some() && *other == family) {
            Some((_, members)) => members.push(case),
            None => entries.push((family, vec![case])),
        }
    }
    let entry = |(family, mut cases): (Option<String>, Vec<CaseView>)| {
        tell_once(&mut cases);
        let family = family.filter(|_| cases.len() > 1).map(|family| {
            let (size, tally, differing) = count(cases.iter());
            let title = &cases[0].title;
            let title = if cases.iter().all(|case| case.title == *title) { title.clone() } else { String::new() };
            FamilyView { pattern: format!("{family}/*"), title, size, tally, differing }
        });
        Entry { family, cases }
    };
    entries.into_iter().map(entry).collect()
}

/// How many cases there are, how many have each verdict, and on how many targets differ. For several targets, a sum of
/// the verdicts would mean nothing.
fn count<'a>(cases: impl Iterator<Item = &'a CaseView> + Clone) -> (usize, Vec<Count>, usize) {
    let mut tally = counts(cases.clone().filter_map(|case| case.verdict));
    tally.sort_by_key(|count| count.tone);
    (cases.clone().count(), tally, cases.filter(|case| case.differs).count())
}
