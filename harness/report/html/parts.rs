//! What several parts of the page are made of: links, sources, counts, colours.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::contract::Requirement;
use crate::report::tone::Tone;
use crate::report::words;
use crate::verdict::Verdict;

/// A part of where a requirement is said, with its page where there is one to link to.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Source {
    text: String,
    href: Option<String>,
}

/// Where a requirement is said.
pub(super) fn sources(row: &Requirement) -> Vec<Source> {
    row.source.iter().map(|place| Source { text: place.to_string(), href: place.address.clone() }).collect()
}

/// How many cases have a verdict.
#[derive(Debug, Serialize)]
pub(super) struct Count {
    pub(super) verdict: &'static str,
    pub(super) tone: Tone,
    pub(super) cases: usize,
}

/// Verdicts, each that is there once with how often it is.
pub(super) fn counts(verdicts: impl Iterator<Item = Verdict>) -> Vec<Count> {
    let mut counted: BTreeMap<Verdict, usize> = BTreeMap::new();
    for verdict in verdicts {
        *counted.entry(verdict).or_default() += 1;
    }
    let count = |verdict: Verdict| {
        counted.get(&verdict).map(|cases| Count { verdict: verdict.word(), tone: verdict.into(), cases: *cases })
    };
    Verdict::ALL.into_iter().filter_map(count).collect()
}

/// The place of something in the page, where its id is fit for one.
pub(super) fn anchor(id: &str) -> Option<String> {
    let fit = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
    (!id.is_empty() && id.bytes().all(fit)).then(|| id.to_owned())
}

/// A link to a case, or to the first of a family.
#[derive(Debug, Serialize)]
pub(super) struct Link {
    pub(super) text: String,
    pub(super) to: Option<String>,
}

/// Links to cases: families that are there as a whole as one, at most `most`, and how many cases are
/// left out.
pub(super) fn links(ids: &[&str], families: &HashMap<String, usize>, most: usize) -> (Vec<Link>, usize) {
    let names = words::collapse(ids, families);
    let shown = if names.len() <= most + 1 { names.len() } else { most };
    let rest = names[shown..].iter().map(|(_, count)| count).sum();
    let link = |(name, count): &(String, usize)| {
        let inside = |id: &&&str| **id == name.as_str() || id.strip_prefix(name).is_some_and(|r| r.starts_with('/'));
        let text = if *count > 1 { format!("{name} ({count} cases)") } else { name.clone() };
        Link { text, to: ids.iter().find(inside).and_then(|id| anchor(id)) }
    };
    (names[..shown].iter().map(link).collect(), rest)
}
