//! What a baseline becomes after a run.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::super::words;
use super::{Baseline, BaselineFile, Entry};
use crate::verdict::{CaseResult, Verdict};

/// Everything of an entry but its pattern.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Excuse {
    reason: String,
    issue: Option<String>,
    expires: Option<Date>,
}

impl Excuse {
    fn for_pattern(self, pattern: impl Into<String>) -> Entry {
        let Self { reason, issue, expires } = self;
        Entry { pattern: pattern.into(), reason, issue, expires }
    }
}

impl Baseline {
    /// The baseline that a run calls for, by the ids of all cases and the results of those that ran.
    pub(super) fn renewed(
        &self,
        ids: &[&str],
        results: &[CaseResult],
        reason: &str,
        issue: Option<&str>,
    ) -> BaselineFile {
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
            // An entry for one member may become part of one for its family.
            let is_member = all.contains(entry.pattern.as_str());
            if !is_member && selected.iter().all(|id| fails(id)) && selected.iter().any(|id| left.contains(id)) {
                left.retain(|id| !pattern.selects(id));
                entries.push(entry.clone());
            }
        }

        let mut by_excuse: BTreeMap<Excuse, Vec<&str>> = BTreeMap::new();
        for id in left {
            let excuse = self.entry_for(id, None).map_or_else(
                || Excuse { reason: reason.to_owned(), issue: issue.map(str::to_owned), expires: None },
                |entry| Excuse { reason: entry.reason.clone(), issue: entry.issue.clone(), expires: entry.expires },
            );
            by_excuse.entry(excuse).or_default().push(id);
        }
        let all: Vec<&str> = all.into_iter().collect();
        for (excuse, ids) in by_excuse {
            let patterns = words::collapse(&ids, &all).into_iter();
            entries.extend(patterns.map(|(pattern, _)| excuse.clone().for_pattern(pattern)));
        }
        entries.sort_by(|a, b| a.pattern.cmp(&b.pattern));
        BaselineFile { entries, ..self.content.clone() }
    }
}
