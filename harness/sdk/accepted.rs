//! Accepted changes: causes of changes between two runs of an SDK that somebody has looked at and accepts, each with a
//! reason. Like a baseline of known failures, the file can only shrink by itself: an entry that nothing needs any more
//! fails the check.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::diff::{AcceptedChange, Cause, EVERY_CASE, SdkDiff, UnusedEntry, UnusedReason};
use crate::contract::{LoadError, parse};
use crate::corpus::Pattern;
use crate::files::read_text;
use crate::report::{BaselineExcuse, FileError, ReportFile};
use crate::text::{file_name, foreign};

const VERSION: u32 = 1;

/// How many characters an id has.
const ID_LENGTH: usize = 8;

/// A file of accepted changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptedFile {
    /// The JSON Schema of this file, for editors.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The version of this format: 1.
    pub version: u32,
    /// The SDK whose changes are accepted, by its name in its registry.
    pub sdk: String,
    /// The accepted changes.
    pub entries: Vec<AcceptedEntry>,
}

/// A change that is accepted in some cases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptedEntry {
    /// The change, by the id that a comparison shows beside it.
    #[schemars(regex(pattern = r"^[0-9a-f]{8}$"))]
    pub id: String,
    /// What the change is, for those who read the file.
    pub change: String,
    /// The cases in which it is accepted: ids, or patterns with `*` (one part) and `**` (any).
    #[schemars(length(min = 1))]
    pub cases: Vec<String>,
    /// What follows from it in these cases and is accepted with it. What else follows in another run is not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<String>,
    /// Why it is accepted.
    pub reason: String,
    /// Where it is followed up: an address or a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<String>,
    /// The last day on which it is accepted, `2026-11-22`; for ever without one.
    #[serde(
        default,
        serialize_with = "crate::report::write_day",
        deserialize_with = "crate::report::read_day",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>", regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    pub expires: Option<Date>,
}

/// Accepted changes, read and checked.
#[derive(Clone, Debug)]
pub struct Accepted {
    name: String,
    content: AcceptedFile,
    patterns: Vec<Vec<Pattern>>,
}

impl Accepted {
    /// An empty file of this name, for an SDK.
    pub fn empty(path: &Path, sdk: &str) -> Self {
        let content = AcceptedFile { schema: None, version: VERSION, sdk: sdk.to_owned(), entries: Vec::new() };
        Self { name: file_name(path), content, patterns: Vec::new() }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When the file cannot be read, or the first thing in it that is wrong, with its JSON pointer.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let name = file_name(path);
        let text = read_text(path).map_err(|error| {
            let advice = "--accept ID with --reason TEXT writes one";
            LoadError::new(&name, "", format!("cannot read the accepted changes: {error}; {advice}"))
        })?;
        Self::new(&name, parse(&name, &text)?)
    }

    fn new(name: &str, content: AcceptedFile) -> Result<Self, LoadError> {
        if content.version != VERSION {
            let message = format!("expected version {VERSION}, found {}", content.version);
            return Err(LoadError::new(name, "/version", message));
        }
        let mut seen = BTreeSet::new();
        let mut patterns = Vec::new();
        for (index, entry) in content.entries.iter().enumerate() {
            let wrong = |member: &str, message| LoadError::new(name, format!("/entries/{index}/{member}"), message);
            let is_id = entry.id.len() == ID_LENGTH && entry.id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            if !is_id {
                let message =
                    format!("expected the eight digits that a comparison shows, found \"{}\"", foreign(&entry.id));
                return Err(wrong("id", message));
            }
            if entry.cases.is_empty() {
                return Err(wrong("cases", "expected at least one case, found none; \"**\" stands for all".to_owned()));
            }
            if entry.reason.trim().is_empty() {
                return Err(wrong("reason", "expected why the change is accepted, found an empty text".to_owned()));
            }
            let mut own = Vec::new();
            for (at, text) in entry.cases.iter().enumerate() {
                let place = format!("cases/{at}");
                own.push(Pattern::new(text).map_err(|message| wrong(&place, message))?);
                if !seen.insert((&entry.id, text.trim_end_matches('/'))) {
                    let message = format!("\"{}\" stands here twice for the same change", foreign(text));
                    return Err(wrong(&place, message));
                }
            }
            patterns.push(own);
        }
        Ok(Self { name: name.to_owned(), content, patterns })
    }

    /// The entries, in the order of the file.
    pub fn entries(&self) -> &[AcceptedEntry] {
        &self.content.entries
    }

    /// Checks that it is of this SDK.
    ///
    /// # Errors
    /// When it is of another one.
    pub fn check_sdk(&self, sdk: &str) -> Result<(), LoadError> {
        if self.content.sdk == sdk {
            return Ok(());
        }
        let (expected, found) = (foreign(sdk), foreign(&self.content.sdk));
        let message = format!("expected accepted changes of {expected}, found those of {found}; name another file");
        Err(LoadError::new(&self.name, "/sdk", message))
    }

    /// Takes the accepted changes out of a comparison. What is left is what nobody has accepted yet; the comparison
    /// says what was accepted, and which entries accept nothing.
    ///
    /// Each case counts by itself: a change that shows in further cases is left there. An entry that has expired by
    /// `today` accepts nothing. Each pattern of an entry must select a case that shows the change, or else it is stale;
    /// where none of its cases was compared, nothing is known of it.
    pub fn apply(&self, diff: &mut SdkDiff, today: Date) {
        let compared: Vec<String> = diff.compared().map(str::to_owned).collect();
        let expired = |index: usize| self.content.entries[index].expires.is_some_and(|last| today > last);
        let accepts = |id: &str, name: Option<&str>, case: &str| {
            let selects =
                |patterns: &[Pattern]| case == EVERY_CASE || patterns.iter().any(|pattern| pattern.selects(case));
            let entries = self.content.entries.iter().zip(&self.patterns).enumerate();
            let mut fitting = entries.filter(|(index, (entry, patterns))| {
                let goes_with = name.is_none_or(|name| entry.with.iter().any(|one| one == name));
                entry.id == id && goes_with && !expired(*index) && selects(patterns)
            });
            fitting.next().map(|(index, _)| index)
        };
        let taken: BTreeMap<usize, BTreeSet<String>> = diff.take_out(accepts);
        for (index, (entry, patterns)) in self.content.entries.iter().zip(&self.patterns).enumerate() {
            let of_entry = |cases: Vec<String>, why| UnusedEntry {
                id: entry.id.clone(),
                change: entry.change.clone(),
                cases,
                reason: why,
                expired: entry.expires.filter(|_| expired(index)).map(|last| last.to_string()),
            };
            let cases = taken.get(&index);
            if let Some(cases) = cases {
                diff.accepted.push(AcceptedChange {
                    id: entry.id.clone(),
                    change: entry.change.clone(),
                    cases: cases.iter().cloned().collect(),
                    reason: entry.reason.clone(),
                    issue: entry.issue.clone(),
                    expires: entry.expires.map(|last| last.to_string()),
                });
            }
            if expired(index) {
                diff.unused.push(of_entry(entry.cases.clone(), UnusedReason::Expired));
                continue;
            }
            let is_judged = |pattern: &&Pattern| compared.iter().any(|id| pattern.selects(id));
            let judged: Vec<_> = patterns.iter().filter(is_judged).collect();
            let needed = |pattern: &Pattern| {
                cases.is_some_and(|cases| cases.iter().any(|case| case == EVERY_CASE || pattern.selects(case)))
            };
            let stale: Vec<_> =
                judged.iter().filter(|pattern| !needed(pattern)).map(|pattern| pattern.text().to_owned()).collect();
            if judged.is_empty() {
                diff.unused.push(of_entry(entry.cases.clone(), UnusedReason::NotCompared));
            } else if !stale.is_empty() {
                diff.unused.push(of_entry(stale, UnusedReason::Stale));
            }
        }
    }

    /// Accepts a change in every case that shows it in a comparison. `known` has the ids of all cases that there are: a
    /// suite of which some were not compared is not accepted as a whole, since nobody has seen what they show.
    ///
    /// # Errors
    /// When the file accepts it in one of these cases already.
    pub fn add(
        &mut self,
        diff: &SdkDiff,
        cause: &Cause,
        excuse: &BaselineExcuse,
        known: &[&str],
    ) -> Result<(), LoadError> {
        let BaselineExcuse { reason, issue, expires } = excuse.clone();
        let all: Vec<&str> = diff.compared().chain(known.iter().copied()).collect();
        let cases = short(&diff.cases_of(cause), &all);
        let mut content = self.content.clone();
        let (id, change) = (cause.id.clone(), foreign(&cause.what));
        let with = diff.names_that_follow(cause);
        content.entries.push(AcceptedEntry { id, change, cases, with, reason, issue, expires });
        *self = Self::new(&self.name, content)?;
        Ok(())
    }

    /// Removes the entries that accepted something in a comparison, and returns their number: a run that becomes the
    /// baseline has their changes in it.
    pub fn remove_used(&mut self, diff: &SdkDiff) -> usize {
        let used = |entry: &AcceptedEntry| {
            diff.accepted.iter().any(|change| change.id == entry.id && change.reason == entry.reason)
        };
        let keep: Vec<bool> = self.content.entries.iter().map(|entry| !used(entry)).collect();
        let before = keep.len();
        let mut kept = keep.iter();
        self.content.entries.retain(|_| *kept.next().unwrap_or(&true));
        let mut kept = keep.iter();
        self.patterns.retain(|_| *kept.next().unwrap_or(&true));
        before - self.content.entries.len()
    }

    /// Writes the file in one step.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        let text = serde_json::to_string_pretty(&self.content).unwrap_or_default();
        ReportFile::open(path)?.write(&format!("{text}\n"))
    }
}

/// The cases in few words: the name of a suite where all of it are among them, `**` for all that there are.
fn short(cases: &[&str], all: &[&str]) -> Vec<String> {
    let chosen: BTreeSet<&str> = cases.iter().copied().collect();
    if chosen.contains(EVERY_CASE) || all.iter().all(|id| chosen.contains(id)) {
        return vec!["**".to_owned()];
    }
    let suite = |id: &str| id.split('/').next().unwrap_or(id).to_owned();
    let whole = |name: &str| all.iter().filter(|id| suite(id) == name).all(|id| chosen.contains(id));
    let mut words: Vec<String> =
        chosen.iter().map(|id| if whole(&suite(id)) { suite(id) } else { (*id).to_owned() }).collect();
    words.dedup();
    words
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::sdk::tests::samples::{failure, run, success, with};

    const TODAY: Date = jiff::civil::date(2026, 11, 27);

    /// Two runs in which these cases send this many requests, of four cases that all sent five.
    fn diff(attempts: [usize; 4]) -> SdkDiff {
        let ids = ["a/1", "a/2", "b/1", "b/2"];
        let old: Vec<_> = ids.iter().map(|id| (*id, failure(5))).collect();
        let new: Vec<_> = ids.iter().zip(attempts).map(|(id, attempts)| (*id, failure(attempts))).collect();
        SdkDiff::new(&run(&old), &run(&new)).expect("a diff")
    }

    fn excuse() -> BaselineExcuse {
        BaselineExcuse { reason: "we retry ourselves".to_owned(), issue: None, expires: None }
    }

    /// A file that accepts the first cause of a comparison.
    fn accepting(diff: &SdkDiff) -> Accepted {
        let mut accepted = Accepted::empty(Path::new("accepted.json"), "boto3");
        accepted.add(diff, &diff.causes[0], &excuse(), &["a/1"]).expect("an entry");
        accepted
    }

    #[test]
    fn a_change_in_the_one_case_that_was_compared_is_accepted_in_no_other() {
        let only = |attempts: usize| run(&[("a/1", failure(attempts))]);
        let part = SdkDiff::new(&only(5), &only(3)).expect("a diff");
        let mut accepted = Accepted::empty(Path::new("accepted.json"), "boto3");
        accepted.add(&part, &part.causes[0], &excuse(), &["a/1", "a/2", "b/1"]).expect("an entry");
        assert_eq!(accepted.entries()[0].cases, ["a/1"]);
        let mut whole = diff([3, 3, 5, 5]);
        accepted.apply(&mut whole, TODAY);
        assert_eq!(whole.causes[0].cases, ["a/2"]);
    }

    #[rstest]
    #[case::some([3, 5, 5, 3], &["a/1", "b/2"])]
    #[case::a_suite([3, 3, 5, 3], &["a", "b/2"])]
    #[case::all([3, 3, 3, 3], &["**"])]
    fn an_accepted_change_is_taken_out_with_the_cases_that_show_it(
        #[case] attempts: [usize; 4],
        #[case] cases: &[&str],
    ) {
        let mut diff = diff(attempts);
        let accepted = accepting(&diff);
        assert_eq!(accepted.entries()[0].cases, cases);
        accepted.apply(&mut diff, TODAY);
        assert_eq!(
            (diff.changes.as_slice(), diff.causes.as_slice(), diff.cases_changed),
            ([].as_slice(), [].as_slice(), 0)
        );
        assert_eq!((diff.accepted.len(), diff.unused.len()), (1, 0));
        assert_eq!(diff.accepted[0].reason, "we retry ourselves");
    }

    #[test]
    fn a_change_in_further_cases_is_not_accepted_with_those_that_were() {
        let accepted = accepting(&diff([3, 5, 5, 5]));
        let mut more = diff([3, 3, 5, 5]);
        accepted.apply(&mut more, TODAY);
        assert_eq!(more.causes[0].cases, ["a/2"]);
    }

    #[test]
    fn what_follows_from_an_accepted_change_is_accepted_only_if_it_did_then() {
        let old = run(&[("a/1", failure(5))]);
        let diff_with = |message: &str, attempts: usize| {
            let new = with(failure(attempts), "/outcomes/0/error/message", json!(message));
            SdkDiff::new(&old, &run(&[("a/1", new)])).expect("a diff")
        };
        let accepted = accepting(&diff_with("boom", 3));
        let mut with_message = diff_with("bang", 3);
        assert_eq!((with_message.causes.len(), with_message.causes[0].follows.len()), (1, 1));
        accepted.apply(&mut with_message, TODAY);
        let left: Vec<_> = with_message.causes.iter().map(|cause| cause.what.as_str()).collect();
        assert_eq!(left, [r#"error message "boom" -> "bang""#]);
        let accepted = accepting(&diff_with("bang", 3));
        let mut again = diff_with("bang", 3);
        accepted.apply(&mut again, TODAY);
        assert_eq!(again.changes, []);
    }

    #[test]
    fn another_number_is_another_change() {
        let accepted = accepting(&diff([3, 5, 5, 5]));
        let mut other = diff([2, 5, 5, 5]);
        accepted.apply(&mut other, TODAY);
        assert_eq!((other.causes.len(), other.accepted.len()), (1, 0));
        assert_eq!(other.unused[0].reason, UnusedReason::Stale);
    }

    #[test]
    fn each_pattern_that_accepts_nothing_is_stale() {
        let accepted = accepting(&diff([3, 5, 5, 3]));
        let mut fewer = diff([3, 5, 5, 5]);
        accepted.apply(&mut fewer, TODAY);
        let [unused] = fewer.unused.as_slice() else { panic!("{:?}", fewer.unused) };
        assert_eq!((unused.reason, unused.cases.join(" ")), (UnusedReason::Stale, "b/2".to_owned()));
        assert_eq!(fewer.changes, []);
    }

    #[test]
    fn an_entry_whose_cases_were_not_compared_is_not_stale() {
        let accepted = accepting(&diff([3, 5, 5, 5]));
        let other = run(&[("c/1", success())]);
        let mut part = SdkDiff::new(&other, &other).expect("a diff");
        accepted.apply(&mut part, TODAY);
        assert_eq!(part.unused[0].reason, UnusedReason::NotCompared);
        assert!(!part.has_stale());
    }

    #[test]
    fn an_expired_entry_accepts_nothing() {
        let mut changed = diff([3, 5, 5, 5]);
        let mut accepted = accepting(&changed);
        accepted.content.entries[0].expires = Some(jiff::civil::date(2026, 11, 26));
        accepted.apply(&mut changed, TODAY);
        assert_eq!((changed.causes.len(), changed.unused[0].reason), (1, UnusedReason::Expired));
    }

    #[test]
    fn a_run_that_becomes_the_baseline_takes_over_the_entries_that_it_used() {
        let mut changed = diff([3, 5, 5, 5]);
        let mut accepted = accepting(&changed);
        accepted.apply(&mut changed, TODAY);
        assert_eq!((accepted.remove_used(&changed), accepted.entries().len()), (1, 0));
    }

    #[rstest]
    #[case::version("/version", json!(2), "/version")]
    #[case::id("/entries/0/id", json!("XYZ"), "/entries/0/id")]
    #[case::no_cases("/entries/0/cases", json!([]), "/entries/0/cases")]
    #[case::twice("/entries/0/cases", json!(["a", "a/"]), "/entries/0/cases/1")]
    #[case::no_reason("/entries/0/reason", json!(" "), "/entries/0/reason")]
    fn a_file_that_is_wrong_is_refused_with_the_place(#[case] at: &str, #[case] value: Json, #[case] place: &str) {
        let mut file = json!({"version": 1, "sdk": "boto3", "entries": [
            {"id": "0123abcd", "change": "attempts 5 -> 3", "cases": ["a"], "reason": "known"},
        ]});
        *file.pointer_mut(at).expect("the place") = value;
        let error = Accepted::new("f.json", serde_json::from_value(file).expect("the form")).expect_err("it is wrong");
        assert!(error.to_string().contains(place), "{error}");
    }
}
