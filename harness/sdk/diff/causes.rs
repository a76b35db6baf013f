//! Puts together what follows from one cause: the same cause in several cases, and in each case all that follows from
//! it.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ChangeClass, ChangeGroup, EVERY_CASE, SdkChange};
use crate::sdk::record::word;

/// What a change is of. In one case, changes of some kinds follow from changes of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// Where requests go, or whether the SDK sends any. All else in the case follows.
    Reach,
    /// How many requests are sent, because the SDK tries again otherwise. What the calls come to follows.
    Attempts,
    /// How many requests are sent, because the SDK takes an answer otherwise: this follows from the outcome.
    AttemptsByAnswer,
    /// How many attempts the SDK says that it made.
    CountedAttempts,
    /// A result for an error, or the reverse, or no outcome any more.
    Outcome,
    /// An error of another class, kind or code.
    Error,
    /// What else an error carries.
    ErrorDetail,
    /// What a result carries.
    Result,
    /// What a request says.
    Request,
    /// The bytes of the same JSON.
    Bytes,
    /// What the SDK warns of.
    Warnings,
    /// The mode of retries that the SDK names in its User-Agent: how often and when requests are repeated follows.
    RetryMode,
    /// What a request says of the attempts of its call.
    Announcement,
    /// What else the SDK tells about itself.
    Agent,
    /// How long the SDK waits.
    Waits,
}

impl ChangeKind {
    /// The kind of most changes of a class.
    pub(super) const fn of(class: ChangeClass) -> Self {
        match class {
            ChangeClass::Caller => Self::Result,
            ChangeClass::Attempts => Self::Attempts,
            ChangeClass::Wire => Self::Request,
            ChangeClass::Bytes => Self::Bytes,
            ChangeClass::Warnings => Self::Warnings,
            ChangeClass::Agent => Self::Agent,
            ChangeClass::Timing => Self::Waits,
        }
    }
}

/// What brought changes, in however many cases, with all that follows from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    /// Its name in a file of accepted changes: eight hexadecimal digits. The same cause has the same in every
    /// comparison, whatever the versions and the cases.
    pub id: String,
    /// What it is of.
    pub kind: ChangeKind,
    /// The worst class of what it brought.
    pub class: ChangeClass,
    /// What changed, in a few words.
    pub what: String,
    /// What that means for a caller, in a sentence.
    pub meaning: String,
    /// The cases that show it by a change of class `caller`, `attempts` or `wire`; if none does, all that show it.
    pub cases: Vec<String>,
    /// How it shows, the most frequent first.
    pub signs: Vec<ChangeGroup>,
    /// What follows from it in the same cases, the worst class first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub follows: Vec<ChangeGroup>,
}

/// The changes of one cause, by their places in the list of changes.
#[derive(Default)]
struct Found {
    signs: Vec<usize>,
    follows: Vec<usize>,
}

/// What a cause goes by: its kind and its name.
type Key<'a> = (ChangeKind, &'a str);

/// The causes of changes, the worst class first.
pub(super) fn of(changes: &[SdkChange]) -> Vec<Cause> {
    let mut found: BTreeMap<Key<'_>, Found> = BTreeMap::new();
    for (place, root) in roots(changes).into_iter().enumerate() {
        let cause = found.entry(key(&changes[root])).or_default();
        let is_sign = key(&changes[place]) == key(&changes[root]);
        if is_sign { &mut cause.signs } else { &mut cause.follows }.push(place);
    }
    let mut causes: Vec<Cause> = found.into_iter().map(|(key, found)| cause(key, &found, changes)).collect();
    causes.sort_by(|one, other| {
        (one.class, usize::MAX - one.cases.len(), &one.what).cmp(&(
            other.class,
            usize::MAX - other.cases.len(),
            &other.what,
        ))
    });
    causes
}

/// For each change, the id of its cause, and its own name if it is no sign of that cause but follows from it.
pub(super) fn ids(changes: &[SdkChange]) -> Vec<(String, Option<&str>)> {
    let of = |(place, root): (usize, usize)| {
        let name =
            (place != root && key(&changes[place]) != key(&changes[root])).then(|| changes[place].cause.as_str());
        (id(changes[root].kind, &changes[root].cause), name)
    };
    roots(changes).into_iter().enumerate().map(of).collect()
}

/// The names of what follows from a cause.
pub(super) fn names_that_follow(id: &str, changes: &[SdkChange]) -> Vec<String> {
    let mut names: Vec<String> =
        ids(changes).into_iter().filter(|(of, _)| of == id).filter_map(|(_, name)| name.map(str::to_owned)).collect();
    names.sort();
    names.dedup();
    names
}

fn key(change: &SdkChange) -> Key<'_> {
    (change.kind, &change.cause)
}

/// For each change, the place of the one that it follows from; its own place if it is a sign of its cause.
fn roots(changes: &[SdkChange]) -> Vec<usize> {
    let mut by_case: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, change) in changes.iter().enumerate() {
        by_case.entry(&change.case).or_default().push(place);
    }
    let mut roots: Vec<usize> = (0..changes.len()).collect();
    for (case, places) in by_case {
        if case == EVERY_CASE {
            continue;
        }
        let first = |kinds: &[ChangeKind]| places.iter().copied().find(|place| kinds.contains(&changes[*place].kind));
        for place in &places {
            roots[*place] = leader(changes[*place].kind, first).unwrap_or(*place);
        }
    }
    lead_details(&mut roots, changes);
    // How often and when requests are repeated is decided by the mode of retries, in every case.
    if let Some(mode) = changes.iter().position(|change| change.kind == ChangeKind::RetryMode) {
        for root in &mut roots {
            let kind = changes[*root].kind;
            if matches!(
                kind,
                ChangeKind::Attempts | ChangeKind::CountedAttempts | ChangeKind::Announcement | ChangeKind::Waits
            ) {
                *root = mode;
            }
        }
    }
    roots
}

/// Puts together what several changes tell of one error: what an error carries follows from the change of that kind that
/// most cases show.
fn lead_details(roots: &mut [usize], changes: &[SdkChange]) {
    let is_detail = |place: usize, root: usize| place == root && changes[root].kind == ChangeKind::ErrorDetail;
    let mut frequency: BTreeMap<&str, usize> = BTreeMap::new();
    let mut leaders: BTreeMap<&str, usize> = BTreeMap::new();
    let details: Vec<usize> =
        roots.iter().enumerate().filter(|(place, root)| is_detail(*place, **root)).map(|(place, _)| place).collect();
    for place in &details {
        *frequency.entry(&changes[*place].cause).or_default() += 1;
    }
    let frequency_of = |place: usize| frequency[changes[place].cause.as_str()];
    for &place in &details {
        let leader = leaders.entry(&changes[place].case).or_insert(place);
        if frequency_of(place) > frequency_of(*leader) {
            *leader = place;
        }
    }
    for place in details {
        let leader = leaders[changes[place].case.as_str()];
        // Another sign of the same cause stays a sign.
        if changes[leader].cause != changes[place].cause {
            roots[place] = leader;
        }
    }
}

/// The change of a case that one of a kind follows from; `None` if it stands for itself. `first` gives the first change
/// of the case that is of one of these kinds.
fn leader(kind: ChangeKind, first: impl Fn(&[ChangeKind]) -> Option<usize>) -> Option<usize> {
    use ChangeKind::{
        Agent, Announcement, Attempts, AttemptsByAnswer, Bytes, CountedAttempts, Error, ErrorDetail, Outcome, Reach,
        Request, Result, RetryMode, Waits, Warnings,
    };
    if matches!(kind, Agent | Announcement | Bytes | RetryMode | Warnings) {
        return None;
    }
    if let Some(reach) = first(&[Reach]) {
        return Some(reach);
    }
    match kind {
        Outcome | ErrorDetail | Result | CountedAttempts | Waits if first(&[Attempts]).is_some() => first(&[Attempts]),
        Outcome | Error | ErrorDetail | Result | CountedAttempts | AttemptsByAnswer | Waits => {
            first(&[Outcome]).or_else(|| first(&[Error]).filter(|_| kind != Result))
        }
        Reach | Attempts | Request | Agent | Announcement | Bytes | RetryMode | Warnings => None,
    }
}

fn cause((kind, name): Key<'_>, found: &Found, changes: &[SdkChange]) -> Cause {
    let signs = super::groups(found.signs.iter().map(|place| &changes[*place]), |change| &change.group);
    let all = || found.signs.iter().chain(&found.follows).map(|place| &changes[*place]);
    let class = all().map(|change| change.class).min().unwrap_or(ChangeClass::Timing);
    let cases = |counts: bool| {
        let mut seen = BTreeSet::new();
        let shown = all().filter(|change| !counts || change.class.counts()).map(|change| change.case.as_str());
        // A case is named rather than the whole run.
        let mut cases: Vec<_> = shown.filter(|case| seen.insert(*case)).map(str::to_owned).collect();
        if cases.len() > 1 {
            cases.retain(|case| case != EVERY_CASE);
        }
        cases.sort();
        cases
    };
    let mut weighty = cases(true);
    if weighty.is_empty() {
        weighty = cases(false);
    }
    let what = match signs.as_slice() {
        [sign] => sign.what.clone(),
        _ => name.to_owned(),
    };
    let example = signs.first().and_then(|sign| all().find(|change| change.group == sign.what));
    let meaning = example.map(|change| change.meaning.clone()).unwrap_or_default();
    let follows = super::groups(found.follows.iter().map(|place| &changes[*place]), |change| &change.cause);
    Cause { id: id(kind, name), kind, class, what, meaning, cases: weighty, signs, follows }
}

/// The name of a cause in a file: the digest of its kind and its name.
fn id(kind: ChangeKind, name: &str) -> String {
    digest(&format!("{} {name}", word(kind)))
}

/// Eight hexadecimal digits of a text: FNV-1a, whose 64 bits are folded into 32.
/// Source: the FNV hash of Fowler, Noll and Vo, with its 64-bit offset basis and prime.
pub fn digest(text: &str) -> String {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{:08x}", (hash >> 32) ^ (hash & 0xffff_ffff))
}
