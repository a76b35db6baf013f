//! What a page tells of one comparison.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::sdk::diff::origin::Origin;
use crate::sdk::diff::text::{details, extent, extent_of, parts, unused};
use crate::sdk::diff::{
    AcceptedChange, Cause, ChangeClass, ChangeGroup, EVERY_CASE, MovedPackage, SdkChange, SdkDiff, UnusedEntry, words,
};

/// How many cases a row of a table names before they are folded.
const CASES_IN_SIGHT: usize = 12;

/// One comparison, as `told.html` shows it.
#[derive(Debug, Serialize)]
pub(super) struct DiffView<'a> {
    notes: Vec<String>,
    origin: Option<OriginView<'a>>,
    alarms: &'a [String],
    /// The cause that most cases show, then the counts; only the counts where no cause stands out.
    verdict: Vec<String>,
    classes: Vec<ClassView<'a>>,
    accepted: Vec<AcceptedView<'a>>,
    unused: Vec<UnusedView<'a>>,
    apart: Vec<(&'static str, &'a [String])>,
}

#[derive(Debug, Serialize)]
struct OriginView<'a> {
    /// `brought by`.
    words: String,
    packages: &'a [MovedPackage],
    has_many: bool,
}

/// The causes of a class.
#[derive(Debug, Serialize)]
struct ClassView<'a> {
    anchor: String,
    word: String,
    heading: &'static str,
    causes: Vec<CauseView<'a>>,
}

#[derive(Debug, Serialize)]
struct CauseView<'a> {
    anchor: String,
    extent: String,
    what: &'a str,
    id: &'a str,
    meaning: &'a str,
    /// The old and the new value in one case, each with a label; empty if `what` gives them.
    example: Vec<(String, &'a str)>,
    /// How it shows and what follows from it, each with its heading.
    parts: Vec<(String, Vec<GroupView<'a>>)>,
    /// What changed in which cases; empty if `what` tells all of it.
    rows: Vec<RowView<'a>>,
    /// How many rows are left out.
    more_rows: Option<String>,
    /// The cases, where there are no rows.
    cases: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct GroupView<'a> {
    what: &'a str,
    extent: String,
}

/// The same change of a value in some cases; no case where it concerns the whole run.
#[derive(Debug, Serialize)]
struct RowView<'a> {
    what: &'a str,
    old: &'a str,
    new: &'a str,
    cases: Vec<&'a str>,
    /// How many cases there are, where they are too many to be in sight.
    many: Option<String>,
}

#[derive(Debug, Serialize)]
struct AcceptedView<'a> {
    extent: String,
    change: &'a str,
    id: &'a str,
    reason: &'a str,
    issue: Option<&'a str>,
    /// Whether the issue is an address to follow.
    is_link: bool,
    expires: Option<&'a str>,
    cases: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct UnusedView<'a> {
    change: &'a str,
    id: &'a str,
    cases: &'a [String],
    /// Why it accepts nothing, and what to do about it.
    advice: String,
}

impl<'a> DiffView<'a> {
    /// What is told of a comparison. All its anchors begin with `prefix`; at most `rows` rows tell of the cases of a
    /// cause.
    pub(super) fn of(diff: &'a SdkDiff, prefix: &str, rows: usize) -> Self {
        let class = |class: ChangeClass| {
            let causes: Vec<_> = diff.causes_of(class).map(|cause| CauseView::of(diff, cause, prefix, rows)).collect();
            let anchor = section_anchor(prefix, class);
            let section = ClassView { anchor, word: class.word(), heading: class.heading(), causes };
            (!section.causes.is_empty()).then_some(section)
        };
        Self {
            notes: diff.notes(false),
            origin: diff.origin().map(OriginView::of),
            alarms: &diff.alarms,
            verdict: diff.verdict().lines().map(str::to_owned).collect(),
            classes: ChangeClass::ALL.into_iter().filter_map(class).collect(),
            accepted: diff.accepted.iter().map(AcceptedView::of).collect(),
            unused: diff.unused.iter().map(UnusedView::of).collect(),
            apart: diff.apart().map(|(what, cases)| (what, cases.as_slice())).collect(),
        }
    }
}

/// Where a page tells of the changes of a class: in a section of their own, or else with the first cause that they
/// follow from, which is of a worse class.
pub(super) fn anchor(diff: &SdkDiff, prefix: &str, class: ChangeClass) -> String {
    let shows =
        |cause: &&Cause| cause.signs.iter().chain(&cause.follows).any(|group: &ChangeGroup| group.class == class);
    let has_section = diff.causes_of(class).next().is_some();
    let cause = diff.causes.iter().find(shows).filter(|_| !has_section);
    cause.map_or_else(|| section_anchor(prefix, class), |cause| cause_anchor(prefix, cause))
}

fn section_anchor(prefix: &str, class: ChangeClass) -> String {
    format!("{prefix}{class}")
}

fn cause_anchor(prefix: &str, cause: &Cause) -> String {
    format!("{prefix}cause-{}", cause.id)
}

impl<'a> OriginView<'a> {
    fn of(origin: Origin<'a>) -> Self {
        Self { words: origin.words(), packages: origin.packages, has_many: origin.has_many() }
    }
}

impl<'a> CauseView<'a> {
    fn of(diff: &'a SdkDiff, cause: &'a Cause, prefix: &str, limit: usize) -> Self {
        let changes = diff.changes_of(cause);
        let is_told = changes.iter().all(|change| change.is_told_by_group() && change.group == cause.what);
        let mut rows = if is_told { Vec::new() } else { rows(&changes) };
        let left_out = rows.split_off(rows.len().min(limit)).len();
        let part = |(what, groups): (&str, &'a [ChangeGroup])| {
            let groups: Vec<_> = groups.iter().map(GroupView::of).collect();
            (format!("{what}: {}", words::count(groups.len(), "change")), groups)
        };
        Self {
            anchor: cause_anchor(prefix, cause),
            extent: extent(cause),
            what: &cause.what,
            id: &cause.id,
            meaning: &cause.meaning,
            example: diff.example(cause).map(|change| details(cause, change)).unwrap_or_default(),
            parts: parts(cause).map(part).collect(),
            cases: if rows.is_empty() { named(&cause.cases) } else { Vec::new() },
            more_rows: (left_out > 0).then(|| words::count(left_out, "more change")),
            rows,
        }
    }
}

/// Changes with the cases that show them, the worst class first, in it those with the most cases.
fn rows<'a>(changes: &[&'a SdkChange]) -> Vec<RowView<'a>> {
    let mut found: BTreeMap<(ChangeClass, [&'a str; 3]), Vec<&'a str>> = BTreeMap::new();
    for SdkChange { class, case, what, old, new, .. } in changes {
        let cases = found.entry((*class, [what, old, new])).or_default();
        if case != EVERY_CASE && cases.last() != Some(&case.as_str()) {
            cases.push(case);
        }
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|((class, _), cases)| (*class, usize::MAX - cases.len()));
    let row = |((_, [what, old, new]), cases): ((ChangeClass, [&'a str; 3]), Vec<&'a str>)| {
        let many = (cases.len() > CASES_IN_SIGHT).then(|| words::count(cases.len(), "case"));
        RowView { what, old, new, cases, many }
    };
    found.into_iter().map(row).collect()
}

fn named(cases: &[String]) -> Vec<&str> {
    cases.iter().map(String::as_str).filter(|case| *case != EVERY_CASE).collect()
}

impl<'a> GroupView<'a> {
    fn of(group: &'a ChangeGroup) -> Self {
        Self { what: &group.what, extent: extent_of(&group.cases) }
    }
}

impl<'a> AcceptedView<'a> {
    fn of(accepted: &'a AcceptedChange) -> Self {
        let AcceptedChange { id, change, cases, reason, issue, expires } = accepted;
        Self {
            extent: extent_of(cases),
            change,
            id,
            reason,
            issue: issue.as_deref(),
            is_link: issue.as_deref().is_some_and(is_address),
            expires: expires.as_deref(),
            cases: named(cases),
        }
    }
}

/// Whether a text is nothing but an address of the web that is safe to follow.
fn is_address(text: &str) -> bool {
    text.strip_prefix("https://").is_some_and(|rest| {
        rest.starts_with(|first: char| first.is_ascii_alphanumeric())
            && rest.bytes().all(|byte| byte.is_ascii_graphic())
    })
}

impl<'a> UnusedView<'a> {
    fn of(entry: &'a UnusedEntry) -> Self {
        Self { change: &entry.change, id: &entry.id, cases: &entry.cases, advice: unused(entry) }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://github.com/o/r/issues/7", true)]
    #[case("http://github.com/o/r/issues/7", false)]
    #[case("javascript:alert(1)//https://a", false)]
    #[case("https://a b", false)]
    #[case("https:///a", false)]
    #[case("#7", false)]
    fn only_an_address_over_tls_is_a_link(#[case] issue: &str, #[case] expected: bool) {
        assert_eq!(is_address(issue), expected);
    }
}
