//! What a baseline becomes after a run.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{Baseline, BaselineFile, Entry};
use crate::verdict::{CaseResult, Verdict};

/// Everything of an entry but its pattern.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Excuse {
    /// Why the cases fail.
    pub reason: String,
    /// Where that is followed up.
    pub issue: Option<String>,
    /// The last day on which it excuses anything.
    pub expires: Option<Date>,
}

impl Excuse {
    /// Checks that it would excuse anything.
    ///
    /// # Errors
    /// An empty reason, or a last day that is over, in words.
    pub fn check(&self, today: Date) -> Result<(), String> {
        if self.reason.trim().is_empty() {
            return Err("expected the reason of the failures, found an empty text".to_owned());
        }
        match self.expires {
            Some(last) if last < today => Err(format!(
                "expected a last day that is not over, such as {today}, found {last}; it would excuse nothing"
            )),
            _ => Ok(()),
        }
    }

    fn for_pattern(self, pattern: impl Into<String>) -> Entry {
        let Self { reason, issue, expires } = self;
        Entry { pattern: pattern.into(), reason, issue, expires }
    }
}

impl Baseline {
    /// The baseline that a run calls for, by the ids of all cases and the results of those that ran.
    pub(super) fn renewed(&self, ids: &[&str], results: &[CaseResult], excuse: &Excuse) -> BaselineFile {
        let verdicts: BTreeMap<&str, Verdict> = results.iter().map(|case| (case.id.as_str(), case.verdict)).collect();
        let all: BTreeSet<&str> = ids.iter().copied().chain(verdicts.keys().copied()).collect();
        let fails = |id: &str| match verdicts.get(id) {
            Some(Verdict::Fail | Verdict::KnownFail | Verdict::Blocked | Verdict::NotImplemented) => true,
            Some(Verdict::Pass | Verdict::Fixed) => false,
            // Nothing new is known of it.
            _ => self.entry_for(id, None).is_some(),
        };
        let mut left: BTreeSet<&str> = all.iter().copied().filter(|id| fails(id)).collect();

        let mut entries = Vec::new();
        for (entry, pattern) in self.entries_with_patterns() {
            let selected: Vec<&str> = all.iter().copied().filter(|id| pattern.selects(id)).collect();
            // An entry for one member may become part of one for its family; what another entry has is its own.
            let is_member = all.contains(entry.pattern.as_str());
            if !is_member && !selected.is_empty() && selected.iter().all(|id| left.contains(id)) {
                left.retain(|id| !pattern.selects(id));
                entries.push(entry.clone());
            }
        }

        let mut by_excuse: BTreeMap<Excuse, Vec<&str>> = BTreeMap::new();
        for id in left {
            let excuse = self.entry_for(id, None).map_or_else(
                || excuse.clone(),
                |entry| Excuse { reason: entry.reason.clone(), issue: entry.issue.clone(), expires: entry.expires },
            );
            by_excuse.entry(excuse).or_default().push(id);
        }
        let all: Vec<&str> = all.into_iter().collect();
        for (excuse, ids) in by_excuse {
            entries.extend(minimal(&ids, &all).into_iter().map(|pattern| excuse.clone().for_pattern(pattern)));
        }
        entries.sort_by(|a, b| a.pattern.cmp(&b.pattern));
        BaselineFile { entries, ..self.content.clone() }
    }
}

/// The fewest patterns that select these ids and no others of all: a suite or a family that is there as a
/// whole is one pattern. What has one member is named by that member, since others may be added to it.
fn minimal(ids: &[&str], all: &[&str]) -> BTreeSet<String> {
    let wanted: BTreeSet<&str> = ids.iter().copied().collect();
    let below = |prefix: &str, id: &str| id.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'));
    let whole = |prefix: &&str| {
        let mut members = all.iter().filter(|id| below(prefix, id));
        members.clone().count() > 1 && members.all(|id| wanted.contains(id))
    };
    // The widest first: all prefixes of an id, from its suite to the id itself.
    let widest = |id: &&str| -> String {
        let ends = id.char_indices().filter(|(_, c)| *c == '/').map(|(at, _)| at);
        ends.map(|end| &id[..end]).find(whole).unwrap_or(id).to_owned()
    };
    ids.iter().map(widest).collect()
}
