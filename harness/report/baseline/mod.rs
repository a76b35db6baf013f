//! Baselines: known failures, each with a reason. A case that is in the baseline and passes is `fixed`, which fails the
//! run until its entry is removed; so a baseline can only shrink by itself.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::file::{AtomicFile, FileError};
use crate::contract::{LoadError, Revision, parse};
use crate::corpus::{Corpus, Pattern};
use crate::files::read_text;
use crate::text::{did_you_mean, file_name, foreign};
use crate::verdict::{self, CaseResult, Reason, Verdict};

const VERSION: u32 = 1;

/// How one chooses another baseline or revision on the command line.
pub const REVISION_ADVICE: &str = "name another with --baseline, or choose the revision with --revision";

/// A file of known failures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineFile {
    /// The JSON Schema of this file, for editors.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The version of this format: 1.
    pub version: u32,
    /// The version of the suite that it was written with; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suite_version: Option<u32>,
    /// The revision of the documents by which the cases were judged; absent for the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
    /// The known failures.
    pub entries: Vec<BaselineEntry>,
}

/// Cases that are known to fail, be blocked or not be implemented.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[serde(rename = "Entry")]
pub struct BaselineEntry {
    /// The cases: an id, a family's id, or a pattern with `*` (one part) and `**` (any).
    pub pattern: String,
    /// Why they fail.
    pub reason: String,
    /// Where that is followed up: an address or a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<String>,
    /// The last day on which it excuses anything, `2026-11-22`; for ever without one.
    #[serde(
        default,
        serialize_with = "write_day",
        deserialize_with = "read_day",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>", regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    pub expires: Option<Date>,
}

impl BaselineEntry {
    /// Whether its last day is over.
    pub fn has_expired(&self, today: Date) -> bool {
        self.expires.is_some_and(|last| today > last)
    }
}

/// An entry without its pattern.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BaselineExcuse {
    /// Why the cases fail.
    pub reason: String,
    /// Where the failures are followed up: an address or a number.
    pub issue: Option<String>,
    /// The last day on which it excuses anything; `None` for no end.
    pub expires: Option<Date>,
}

/// What a baseline is written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BaselineOrigin {
    /// The version of the suite.
    pub suite_version: u32,
    /// The revision of the documents by which the cases were judged; `None` for the newest.
    pub revision: Option<Revision>,
}

impl BaselineExcuse {
    /// Checks that it can excuse a failure.
    ///
    /// # Errors
    /// An empty reason, or a last day that is over, in words.
    pub fn check(&self, today: Date) -> Result<(), String> {
        if self.reason.trim().is_empty() {
            return Err("expected the reason of the failures, found an empty text".to_owned());
        }
        let over = self.expires.filter(|last| *last < today);
        let wrong = |last| {
            format!("expected a last day that is not over, such as {today}, found {last}; it would excuse nothing")
        };
        over.map_or(Ok(()), |last| Err(wrong(last)))
    }
}

#[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
pub(crate) fn write_day<S: Serializer>(day: &Option<Date>, serializer: S) -> Result<S::Ok, S::Error> {
    day.map(|day| day.to_string()).serialize(serializer)
}

/// A day in a file: `2026-11-22` and no other form.
pub(crate) fn read_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let date = text.parse::<Date>().ok().filter(|date| date.to_string() == text);
    date.map(Some).ok_or_else(|| de::Error::custom(format!("expected a day such as 2026-11-22, found \"{text}\"")))
}

/// Known failures, read and checked.
#[derive(Clone, Debug)]
pub struct Baseline {
    name: String,
    content: BaselineFile,
    patterns: Vec<Pattern>,
}

/// Why a baseline cannot be rewritten.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// The existing baseline cannot be read, so its reasons would be lost.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Baseline {
    /// Reads a baseline.
    ///
    /// # Errors
    /// When the file cannot be read, or the first thing in it that is wrong, with its JSON pointer.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let name = file_name(path);
        let text = read_text(path).map_err(|error| {
            LoadError::new(
                &name,
                "",
                format!("cannot read the baseline: {error}; `countersign baseline write` makes one"),
            )
        })?;
        if !text.trim_start().starts_with('{') {
            let message = "expected a baseline, which is a JSON object, found something else; `countersign baseline write` makes one";
            return Err(LoadError::new(&name, "", message));
        }
        Self::new(&name, parse(&name, &text)?)
    }

    fn new(name: &str, content: BaselineFile) -> Result<Self, LoadError> {
        if content.version != VERSION {
            let message = format!("expected version {VERSION}, found {}", content.version);
            return Err(LoadError::new(name, "/version", message));
        }
        let mut seen = HashSet::new();
        let mut patterns = Vec::with_capacity(content.entries.len());
        for (index, entry) in content.entries.iter().enumerate() {
            let wrong = |member: &str, message| LoadError::new(name, format!("/entries/{index}/{member}"), message);
            patterns.push(Pattern::new(&entry.pattern).map_err(|message| wrong("pattern", message))?);
            if !seen.insert(entry.pattern.trim_end_matches('/')) {
                return Err(wrong("pattern", format!("the pattern \"{}\" stands here twice", foreign(&entry.pattern))));
            }
            if entry.reason.trim().is_empty() {
                return Err(wrong("reason", "expected the reason of the failure, found an empty text".to_owned()));
            }
        }
        Ok(Self { name: name.to_owned(), content, patterns })
    }

    /// The version of the suite that it was written with.
    pub fn suite_version(&self) -> u32 {
        self.content.suite_version.unwrap_or(1)
    }

    /// The revision of the documents by which its cases were judged; `None` for the newest.
    pub fn revision(&self) -> Option<Revision> {
        self.content.revision
    }

    /// Checks that it was written for a revision of the documents, `None` for the newest. Another one has other cases,
    /// and a case that is known to fail by one may be right by the other. `advice` says how one chooses another baseline
    /// or revision.
    ///
    /// # Errors
    /// When it was written for another one.
    pub fn check_revision(&self, revision: Option<Revision>, advice: &str) -> Result<(), LoadError> {
        if self.content.revision == revision {
            return Ok(());
        }
        let word = |of: Option<Revision>| {
            of.map_or_else(|| "the newest revision".to_owned(), |of| format!("the revision {of}"))
        };
        let (expected, found) = (word(revision), word(self.content.revision));
        let message = format!(
            "expected a baseline for {expected} of the documents, by which this run judges, found one for {found}; {advice}"
        );
        Err(LoadError::new(&self.name, "/revision", message))
    }

    /// The entries, in the order of the file.
    pub fn entries(&self) -> &[BaselineEntry] {
        &self.content.entries
    }

    /// Checks that every pattern selects a case, since one that selects none would excuse nothing, unnoticed; and that
    /// no two patterns select the same case. A known failure has one reason, one issue and one last day: with two
    /// entries, one would hide that the other has expired, and removing the fixed one would leave the other behind.
    ///
    /// # Errors
    /// The first pattern that selects no case, or a case that an earlier pattern selects too, with its place.
    pub fn check(&self, corpus: &Corpus) -> Result<(), LoadError> {
        self.check_ids(&ids_of(corpus))
    }

    fn check_ids(&self, ids: &[&str]) -> Result<(), LoadError> {
        let wrong =
            |index: usize, message| Err(LoadError::new(&self.name, format!("/entries/{index}/pattern"), message));
        let mut excused: HashMap<&str, &Pattern> = HashMap::new();
        for (index, pattern) in self.patterns.iter().enumerate() {
            let mut selected = ids.iter().filter(|id| pattern.selects(id)).peekable();
            if selected.peek().is_none() {
                let near = did_you_mean(pattern.text(), ids.iter().copied());
                let message = format!(
                    "the pattern \"{pattern}\" matches no case{near}; remove the entry, or see `countersign list` for the \
                     ids"
                );
                return wrong(index, message);
            }
            for id in selected {
                if let Some(other) = excused.insert(id, pattern) {
                    let message = format!(
                        "expected each case in one entry, found {id} in \"{other}\" and in \"{pattern}\"; leave it to one of \
                         them, or run `countersign baseline write`, which does"
                    );
                    return wrong(index, message);
                }
            }
        }
        Ok(())
    }

    /// Applies the baseline to a case.
    ///
    /// An entry that selects the case turns `fail`, `blocked` and `not-implemented` into `known-fail`, and `pass` into
    /// `fixed`. Each case counts by itself, so that an entry for many cases cannot hide that some of them pass.
    /// `indeterminate` stays as it is, since nothing is known. An expired entry excuses nothing, and the reason says
    /// so. Where several entries select a case, which [`Baseline::check`] refuses, the first expired entry counts, or
    /// else the first.
    pub fn apply(&self, case: &mut CaseResult, today: Date) {
        let Some(entry) = self.entry_for(&case.id, Some(today)) else { return };
        let own = || case.reason.clone().map(Box::new);
        let (verdict, reason) = match case.verdict {
            Verdict::Pass => {
                (Verdict::Fixed, Reason::Stale { pattern: entry.pattern.clone(), file: self.name.clone() })
            }
            was @ (Verdict::Fail | Verdict::Blocked | Verdict::NotImplemented) => {
                let excuse = verdict::Excuse { reason: entry.reason.clone(), issue: entry.issue.clone() };
                match entry.expires.filter(|_| entry.has_expired(today)) {
                    Some(last) => (was, Reason::ExpiredExcuse { excuse, last: last.to_string(), own: own() }),
                    None => (Verdict::KnownFail, Reason::Known { excuse, was, own: own() }),
                }
            }
            Verdict::KnownFail
            | Verdict::Fixed
            | Verdict::Indeterminate
            | Verdict::NotApplicable
            | Verdict::HarnessError => return,
        };
        (case.verdict, case.reason) = (verdict, Some(reason));
    }

    /// The entry that counts for a case: the first that has expired by `today`, or else the first.
    fn entry_for(&self, id: &str, today: Option<Date>) -> Option<&BaselineEntry> {
        let selecting =
            || self.entries_with_patterns().filter(|(_, pattern)| pattern.selects(id)).map(|(entry, _)| entry);
        let expired = |entry: &&BaselineEntry| today.is_some_and(|today| entry.has_expired(today));
        selecting().find(expired).or_else(|| selecting().next())
    }

    fn entries_with_patterns(&self) -> impl Iterator<Item = (&BaselineEntry, &Pattern)> {
        self.content.entries.iter().zip(&self.patterns)
    }

    /// Replaces the baseline at this path by the one that a run needs: it excuses the cases that fail, are blocked or
    /// are not implemented, and no others.
    ///
    /// An entry stays as it is where all of its cases still fail; what is left of the others keeps their reason, issue
    /// and last day. A failure without an entry gets this excuse. A family or a suite that fails as a whole is one
    /// entry, and no entry selects a case that passes. Cases that did not run, or gave no verdict, stay excused where
    /// they were. The file is replaced in one step, and has the version of the suite.
    ///
    /// # Errors
    /// When the baseline that is there cannot be read, the reason is empty, or the file cannot be written.
    pub fn write(
        path: &Path,
        corpus: &Corpus,
        made_by: BaselineOrigin,
        results: &[CaseResult],
        excuse: &BaselineExcuse,
    ) -> Result<Self, BaselineError> {
        let name = file_name(path);
        let old = if path.exists() {
            Self::load(path)?
        } else {
            let entries = Vec::new();
            let revision = made_by.revision;
            Self::new(&name, BaselineFile { schema: None, version: VERSION, suite_version: None, revision, entries })?
        };
        old.check_revision(made_by.revision, REVISION_ADVICE)?;
        let mut content = old.rewritten(&ids_of(corpus), results, excuse);
        content.suite_version = Some(made_by.suite_version);
        let new = Self::new(&name, content)?;
        let text = serde_json::to_string_pretty(&new.content)
            .map_err(|error| FileError::new(path, &error, "the file is as it was before"))?;
        AtomicFile::create(path)?.write(&format!("{text}\n"))?;
        Ok(new)
    }

    /// The baseline that a run needs, from the ids of all cases and the results of those that ran.
    fn rewritten(&self, ids: &[&str], results: &[CaseResult], excuse: &BaselineExcuse) -> BaselineFile {
        let verdicts: BTreeMap<&str, Verdict> = results.iter().map(|case| (case.id.as_str(), case.verdict)).collect();
        let all: BTreeSet<&str> = ids.iter().copied().chain(verdicts.keys().copied()).collect();
        let fails = |id: &str| match verdicts.get(id) {
            Some(Verdict::Fail | Verdict::KnownFail | Verdict::Blocked | Verdict::NotImplemented) => true,
            Some(Verdict::Pass | Verdict::Fixed) => false,
            // The run says nothing new about it.
            Some(Verdict::NotApplicable | Verdict::Indeterminate | Verdict::HarnessError) | None => {
                self.entry_for(id, None).is_some()
            }
        };
        let mut ids_left: BTreeSet<&str> = all.iter().copied().filter(|id| fails(id)).collect();

        let mut entries = Vec::new();
        for (entry, pattern) in self.entries_with_patterns() {
            let selected: Vec<&str> = all.iter().copied().filter(|id| pattern.selects(id)).collect();
            // An entry for one member may merge into an entry for its family; every other entry keeps its cases.
            let is_member = all.contains(entry.pattern.as_str());
            if !is_member && !selected.is_empty() && selected.iter().all(|id| ids_left.contains(id)) {
                ids_left.retain(|id| !pattern.selects(id));
                entries.push(entry.clone());
            }
        }

        let mut by_excuse: BTreeMap<BaselineExcuse, Vec<&str>> = BTreeMap::new();
        for id in ids_left {
            let excuse = self.entry_for(id, None).map_or_else(
                || excuse.clone(),
                |entry| BaselineExcuse {
                    reason: entry.reason.clone(),
                    issue: entry.issue.clone(),
                    expires: entry.expires,
                },
            );
            by_excuse.entry(excuse).or_default().push(id);
        }
        let all: Vec<&str> = all.into_iter().collect();
        for (BaselineExcuse { reason, issue, expires }, ids) in by_excuse {
            let entry = |pattern| BaselineEntry { pattern, reason: reason.clone(), issue: issue.clone(), expires };
            entries.extend(minimal(&ids, &all).into_iter().map(entry));
        }
        entries.sort_by(|a, b| a.pattern.cmp(&b.pattern));
        BaselineFile { entries, ..self.content.clone() }
    }
}

/// The fewest patterns that select these ids and no other known id. A whole suite or family is one pattern; where it
/// has one member, that member is named, since others may be added to it.
fn minimal(ids: &[&str], all: &[&str]) -> BTreeSet<String> {
    let wanted_ids: BTreeSet<&str> = ids.iter().copied().collect();
    let below = |prefix: &str, id: &str| id.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'));
    let whole = |prefix: &&str| {
        let mut members = all.iter().filter(|id| below(prefix, id));
        members.clone().count() > 1 && members.all(|id| wanted_ids.contains(id))
    };
    // The widest first: all prefixes of an id, from its suite to the id itself.
    let widest = |id: &&str| -> String {
        let ends = id.char_indices().filter(|(_, c)| *c == '/').map(|(at, _)| at);
        ends.map(|end| &id[..end]).find(whole).unwrap_or(id).to_owned()
    };
    ids.iter().map(widest).collect()
}

fn ids_of(corpus: &Corpus) -> Vec<&str> {
    corpus.cases().iter().map(|case| case.id.as_str()).collect()
}

#[cfg(test)]
mod tests;
