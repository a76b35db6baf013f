//! Versions of an SDK along a line, the oldest first, with the changes between each two as marks.
//!
//! It takes any number of versions, so that a diff of two and a history of many look alike: `line.html` shows it, and
//! `line.css` makes it a line across, or down where there is little room or many versions.

use serde::Serialize;

use crate::sdk::diff::{ChangeClass, SdkDiff, SdkIdentity, words};

/// Above so many versions, the line goes down in every window.
const VERSIONS_ACROSS: usize = 6;

/// Versions of an SDK with what changed between them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct VersionLine {
    versions: Vec<VersionStop>,
    down: bool,
}

/// A version, and what changed from it to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct VersionStop {
    label: String,
    /// `None` for the last version.
    step: Option<VersionStep>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct VersionStep {
    /// One for each class of which something changed, the worst first.
    marks: Vec<ChangeMark>,
    /// How many cases were compared: `339 cases`.
    compared: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct ChangeMark {
    class: String,
    heading: &'static str,
    /// In how many cases something changed; `None` where it concerns the whole run.
    cases: Option<usize>,
    /// The anchor that it is a link to.
    to: String,
}

impl VersionLine {
    /// The line of these diffs, each of which begins where the one before ends; `anchor` says where the page tells of the
    /// changes of a class between two versions, counted from 0.
    pub(super) fn of(diffs: &[&SdkDiff], anchor: impl Fn(usize, ChangeClass) -> String) -> Self {
        let sides = diffs.iter().map(|diff| &diff.sides[0]).chain(diffs.last().map(|diff| &diff.sides[1]));
        Self::named(diffs, &sides.map(|side| side.version.clone()).collect::<Vec<_>>(), anchor)
    }

    /// The same with names of the versions; there is one more than diffs.
    pub(super) fn named(diffs: &[&SdkDiff], names: &[String], anchor: impl Fn(usize, ChangeClass) -> String) -> Self {
        let name = diffs.first().map_or("", |diff| diff.sides[0].sdk.as_str());
        let one_sdk = diffs.iter().flat_map(|diff| &diff.sides).all(|side| side.sdk == name);
        let label = |at: usize, of: &SdkIdentity| {
            // The name of the SDK stands at the first version, unless another one follows.
            if one_sdk && at > 0 { names[at].clone() } else { format!("{} {}", of.sdk, names[at]) }
        };
        let mut versions: Vec<VersionStop> = Vec::with_capacity(diffs.len() + 1);
        for (at, diff) in diffs.iter().enumerate() {
            let mark = |class: ChangeClass| {
                let is_changed = diff.changes.iter().any(|change| change.class == class);
                let cases = diff.cases_with(|of| of == class).len();
                is_changed.then(|| ChangeMark {
                    class: class.word(),
                    heading: class.heading(),
                    cases: (cases > 0).then_some(cases),
                    to: anchor(at, class),
                })
            };
            let marks = ChangeClass::ALL.into_iter().filter_map(mark).collect();
            let step = VersionStep { marks, compared: words::count(diff.cases, "case") };
            versions.push(VersionStop { label: label(at, &diff.sides[0]), step: Some(step) });
        }
        if let Some(diff) = diffs.last() {
            versions.push(VersionStop { label: label(diffs.len(), &diff.sides[1]), step: None });
        }
        Self { down: versions.len() > VERSIONS_ACROSS, versions }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdk::diff::{EVERY_CASE, SdkChange};

    fn side(sdk: &str, version: &str) -> SdkIdentity {
        SdkIdentity { sdk: sdk.to_owned(), version: version.to_owned(), ..SdkIdentity::default() }
    }

    /// A diff of two versions with changes in these cases.
    fn diff(sides: [SdkIdentity; 2], changes: &[(ChangeClass, &str)]) -> SdkDiff {
        let mut diff = SdkDiff { sides, cases: 4, ..SdkDiff::default() };
        for (class, case) in changes {
            diff.add(case, SdkChange::new(*class, "what", "old", "new", "It means something."));
        }
        diff
    }

    /// A mark: its class, in how many cases, and the anchor.
    type Told<'a> = (&'a str, Option<usize>, &'a str);

    fn words_of(line: &VersionLine) -> Vec<(&str, Vec<Told<'_>>)> {
        line.versions
            .iter()
            .map(|stop| {
                let marks = stop.step.iter().flat_map(|step| &step.marks);
                (stop.label.as_str(), marks.map(|mark| (mark.class.as_str(), mark.cases, mark.to.as_str())).collect())
            })
            .collect()
    }

    #[test]
    fn each_class_that_changed_is_a_mark_between_two_versions() {
        let first = diff(
            [side("boto3", "1.1"), side("boto3", "1.2")],
            &[
                (ChangeClass::Agent, EVERY_CASE),
                (ChangeClass::Caller, "errors/a"),
                (ChangeClass::Caller, "errors/b"),
                (ChangeClass::Caller, "errors/b"),
            ],
        );
        let second = diff([side("boto3", "1.2"), side("boto3", "1.3")], &[]);
        let line = VersionLine::of(&[&first, &second], |step, class| format!("{step}-{class}"));
        assert_eq!(
            words_of(&line),
            [
                ("boto3 1.1", vec![("caller", Some(2), "0-caller"), ("agent", None, "0-agent")]),
                ("1.2", vec![]),
                ("1.3", vec![]),
            ]
        );
        assert!(!line.down && line.versions[1].step.is_some() && line.versions[2].step.is_none());
    }

    #[test]
    fn versions_of_two_sdks_are_told_with_their_names() {
        let diff = diff([side("boto3", "1.1"), side("js-v3", "3.0")], &[]);
        let line = VersionLine::of(&[&diff], |_, class| class.word());
        assert_eq!(words_of(&line), [("boto3 1.1", vec![]), ("js-v3 3.0", vec![])]);
    }

    #[test]
    fn many_versions_go_down_the_page() {
        let diffs: Vec<SdkDiff> = (0..9)
            .map(|at| diff([side("boto3", &format!("1.{at}")), side("boto3", &format!("1.{}", at + 1))], &[]))
            .collect();
        let line = VersionLine::of(&diffs.iter().collect::<Vec<_>>(), |_, class| class.word());
        assert!(line.down && line.versions.len() == 10, "{line:?}");
    }
}
