//! The diff for people at a terminal.

use std::fmt::Write as _;

use super::{
    AcceptedChange, Cause, ChangeClass, ChangeGroup, EVERY_CASE, SdkChange, SdkDiff, SdkIdentity, UnusedEntry,
    UnusedReason, words,
};
use crate::text::{cut, escape};

/// How many cases of a cause are named before the rest is counted.
pub(super) const CASES_LIMIT: usize = 3;

/// How many signs of a cause, and how many changes that follow from it, are named before the rest is counted.
pub(super) const GROUPS_LIMIT: usize = 4;

/// How much is shown of the name of a sign, in characters.
const NAME_SHOWN: usize = 120;

/// How much a report tells of each cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DiffDetail {
    /// What changed, an example, and how many cases show it.
    #[default]
    Short,
    /// Every change in every case too.
    Full,
}

impl SdkDiff {
    /// The diff as text: alarms first, then what changed most, then every cause, the worst first.
    pub fn text(&self) -> String {
        self.text_with(DiffDetail::Short)
    }

    /// The same, with as much of each cause as is asked for.
    pub fn text_with(&self, detail: DiffDetail) -> String {
        let mut text = format!("{}\n", self.title());
        for line in self.notes(true) {
            let _ = writeln!(text, "{line}");
        }
        for alarm in &self.alarms {
            let _ = write!(text, "\nALARM: {}\n", escape(alarm));
        }
        let _ = write!(text, "\n{}\n", self.verdict());
        for class in ChangeClass::ALL {
            let causes: Vec<_> = self.causes_of(class).collect();
            if causes.is_empty() {
                continue;
            }
            let _ = write!(text, "\n{} ({class})\n", class.heading());
            for cause in causes {
                self.cause(&mut text, cause, detail);
            }
        }
        self.accepted_text(&mut text);
        for (what, cases) in self.apart() {
            let _ = write!(text, "\n{what}\n");
            for case in cases {
                let _ = writeln!(text, "  {}", escape(case));
            }
        }
        text.trim_end().lines().map(words::no_command).collect::<Vec<_>>().join("\n")
    }

    fn accepted_text(&self, text: &mut String) {
        if !self.accepted.is_empty() {
            let _ = write!(text, "\nAccepted\n");
        }
        for AcceptedChange { id, change, cases, reason, issue, expires } in &self.accepted {
            let issue = issue.as_ref().map(|issue| format!(" ({})", escape(issue))).unwrap_or_default();
            let until = expires.as_ref().map(|last| format!(", until {}", escape(last))).unwrap_or_default();
            let _ = writeln!(text, "  {}: {} (id {id})", extent_of(cases), escape(change));
            let _ = writeln!(text, "    {}{issue}{until}", escape(reason));
        }
        if !self.unused.is_empty() {
            let _ = write!(text, "\nAccepted, and not found\n");
        }
        for entry in &self.unused {
            let _ =
                writeln!(text, "  {}: {} (id {})", escape(&entry.cases.join(", ")), escape(&entry.change), entry.id);
            let _ = writeln!(text, "    {}", unused(entry));
        }
    }

    fn cause(&self, text: &mut String, cause: &Cause, detail: DiffDetail) {
        let _ = writeln!(text, "  {}: {} (id {})", extent(cause), escape(&cause.what), cause.id);
        let _ = writeln!(text, "    {}", escape(&cause.meaning));
        if let Some(change) = self.example(cause) {
            for (label, value) in details(cause, change) {
                let _ = writeln!(text, "    {}: {}", escape(&label), escape(value));
            }
        }
        let full = detail == DiffDetail::Full;
        for (what, groups) in parts(cause) {
            let limit = if full { usize::MAX } else { GROUPS_LIMIT };
            let _ = writeln!(text, "    {what}: {}", name_groups(groups, limit, escape));
        }
        if full {
            for SdkChange { case, what, old, new, .. } in self.changes_of(cause) {
                let _ = writeln!(text, "    {}: {}: {} -> {}", escape(case), escape(what), escape(old), escape(new));
            }
        } else if cause.cases != [EVERY_CASE] {
            let _ = writeln!(text, "    {}", name_cases(&cause.cases, CASES_LIMIT, escape));
        }
    }

    /// `boto3 1.43.127 -> 1.44.5`.
    pub(super) fn title(&self) -> String {
        let [old, new] = &self.sides;
        if old.sdk == new.sdk {
            escape(&format!("{} {} -> {}", old.sdk, old.version, new.version))
        } else {
            escape(&format!("{} {} -> {} {}", old.sdk, old.version, new.sdk, new.version))
        }
    }

    /// Notes on the runs, escaped: another runtime, other dependencies, a run that was cut short; among them which
    /// package brought the changes, unless that is told otherwise.
    pub(super) fn notes(&self, with_origin: bool) -> Vec<String> {
        let [old, new] = &self.sides;
        let mut notes = Vec::new();
        if old.runtime != new.runtime {
            notes.push(format!("runtime: {} -> {}", old.runtime, new.runtime));
        }
        let moved = old.deps.iter().filter_map(|(name, was)| {
            let is = new.deps.get(name).filter(|is| *is != was)?;
            Some(format!("{name} {was} -> {is}"))
        });
        // A driver lists what the SDK asks for. What only one of two lists names may be installed in both places.
        let only_in = |one: &SdkIdentity, other: &SdkIdentity| -> Vec<String> {
            let unknown = one.deps.iter().filter(|(name, _)| !other.deps.contains_key(*name));
            unknown.map(|(name, version)| format!("{name} {version}")).collect()
        };
        for (what, packages) in [
            ("resolved with it", moved.collect()),
            ("only the new one asks for", only_in(new, old)),
            ("only the old one asked for", only_in(old, new)),
        ] {
            if !packages.is_empty() {
                notes.push(format!("{what}: {}", packages.join(", ")));
            }
        }
        notes.extend(self.origin().filter(|_| with_origin).map(|origin| origin.sentence()));
        notes.extend(super::same_packages::note(old, new));
        for (which, SdkIdentity { complete, .. }) in [("old", old), ("new", new)] {
            if !complete {
                notes.push(format!("the {which} run was cut short; it is compared as far as it came"));
            }
        }
        notes.iter().map(|note| escape(note)).collect()
    }

    /// The result of the comparison in a sentence or two, escaped.
    pub(super) fn verdict(&self) -> String {
        let compared = words::count(self.cases, "case");
        if self.changes.is_empty() {
            return format!("No changes in {compared}.");
        }
        let mut verdict = match self.headline() {
            Some(cause) => format!("{}: {}.\n", extent(cause), escape(&cause.what)),
            None => String::new(),
        };
        let counts: Vec<_> = ChangeClass::ALL
            .into_iter()
            .map(|class| (class, self.cases_with(|of| of == class).len()))
            .filter(|(_, cases)| *cases > 0)
            .map(|(class, cases)| format!("{class} in {cases}"))
            .collect();
        let _ = write!(verdict, "{} of {compared} changed", self.cases_changed);
        if !counts.is_empty() {
            let _ = write!(verdict, ": {}", counts.join(", "));
        }
        verdict.push('.');
        verdict
    }

    /// Whether a check passes that fails on changes of the class `fail_on` and on worse ones, and why; in one line.
    /// `accept` says how to accept what failed.
    pub fn conclusion(&self, fail_on: Option<ChangeClass>, accept: &str) -> String {
        if !self.not_compared.is_empty() {
            let cases = words::count(self.not_compared.len(), "case");
            return format!("failed: {cases} could not be compared, because a driver or the harness went wrong");
        }
        let (failed, rest): (Vec<_>, Vec<_>) = ChangeClass::ALL
            .into_iter()
            .filter(|class| self.changes.iter().any(|change| change.class == *class))
            .partition(|class| fail_on.is_some_and(|fail_on| *class <= fail_on));
        if !failed.is_empty() {
            return format!("failed: {} changed; {accept}", self.name_classes(&failed));
        }
        if self.has_stale() {
            let stale = self.unused.iter().filter(|entry| entry.reason == UnusedReason::Stale);
            let ids: Vec<_> = stale.map(|entry| entry.id.as_str()).collect();
            return format!("failed: accepted, and not found: {}; take it out of the file", ids.join(", "));
        }
        match (rest.is_empty(), fail_on) {
            (true, _) if !self.accepted.is_empty() => {
                format!("passed: nothing changed but what is accepted: {}", words::count(self.accepted.len(), "change"))
            }
            (true, _) => "passed: nothing changed".to_owned(),
            (false, Some(class)) => {
                format!(
                    "passed: {} changed, which is milder than the class {class} of --fail-on",
                    self.name_classes(&rest)
                )
            }
            (false, None) => format!("passed: {} changed, and --fail-on is none", self.name_classes(&rest)),
        }
    }

    /// What was accepted when this run became the baseline; `None` where nothing changed.
    pub fn accepted(&self) -> Option<String> {
        let changed = |class: &ChangeClass| self.changes.iter().any(|change| change.class == *class);
        let classes: Vec<_> = ChangeClass::ALL.into_iter().filter(changed).collect();
        (!classes.is_empty()).then(|| format!("accepted is that {} changed", self.name_classes(&classes)))
    }

    /// `caller (1 case), agent (339 cases)`.
    fn name_classes(&self, classes: &[ChangeClass]) -> String {
        let named = classes.iter().map(|class| {
            let cases = self.cases_with(|of| of == *class).len();
            let extent = if cases == 0 { "the whole run".to_owned() } else { words::count(cases, "case") };
            format!("{class} ({extent})")
        });
        named.collect::<Vec<_>>().join(", ")
    }

    /// The cause to show first: the one with the most cases, of those that need attention.
    fn headline(&self) -> Option<&Cause> {
        let named = self.causes.iter().filter(|cause| cause.class.counts() && cause.cases != [EVERY_CASE]);
        // Of equally many, the worst.
        named.rev().max_by_key(|cause| cause.cases.len())
    }

    pub(super) fn causes_of(&self, class: ChangeClass) -> impl Iterator<Item = &Cause> {
        self.causes.iter().filter(move |cause| cause.class == class)
    }

    /// Every change of a cause, and every one that follows from it, in the order of the cases.
    pub(super) fn changes_of(&self, cause: &Cause) -> Vec<&SdkChange> {
        let is_in = |group: &ChangeGroup, change: &SdkChange, name: &str| {
            group.class == change.class && group.what == name && group.cases.contains(&change.case)
        };
        let is_of = |change: &&SdkChange| {
            cause.signs.iter().any(|group| is_in(group, change, &change.group))
                || cause.follows.iter().any(|group| is_in(group, change, &change.cause))
        };
        let mut changes: Vec<_> = self.changes.iter().filter(is_of).collect();
        changes.sort_by_key(|change| &change.case);
        changes
    }

    /// The first change of a cause.
    pub(super) fn example(&self, cause: &Cause) -> Option<&SdkChange> {
        let sign = cause.signs.first()?;
        self.changes.iter().find(|change| change.class == sign.class && change.group == sign.what)
    }

    /// Cases that were not compared, each list with its heading.
    pub(super) fn apart(&self) -> impl Iterator<Item = (&'static str, &Vec<String>)> {
        let late = "Too late in one run, and slow in the other: a busy machine may be why, so they are not compared";
        let lists = [
            ("Only in the new run", &self.new),
            ("Only in the old run", &self.gone),
            (late, &self.late),
            ("Not compared", &self.not_compared),
        ];
        lists.into_iter().filter(|(_, cases)| !cases.is_empty())
    }
}

/// Why an entry accepts nothing, and what to do about it.
pub(super) fn unused(entry: &UnusedEntry) -> String {
    match entry.reason {
        UnusedReason::Stale => "It does not show there any more: take this out of the file.".to_owned(),
        UnusedReason::Expired => format!(
            "Its last day, {}, is over: look at the change again, then give the entry a later day or take it out.",
            escape(entry.expired.as_deref().unwrap_or("which it has"))
        ),
        UnusedReason::NotCompared => "None of these cases was compared, so nothing is known.".to_owned(),
    }
}

/// `37 cases` or `the whole run`.
pub(super) fn extent(cause: &Cause) -> String {
    extent_of(&cause.cases)
}

pub(super) fn extent_of(cases: &[String]) -> String {
    if cases == [EVERY_CASE] { "the whole run".to_owned() } else { words::count(cases.len(), "case") }
}

/// The old and the new value, each with a label; empty if the name of the cause gives them.
pub(super) fn details<'a>(cause: &Cause, change: &'a SdkChange) -> Vec<(String, &'a str)> {
    if cause.signs.len() == 1 && change.is_told_by_group() {
        return Vec::new();
    }
    let example = if cause.cases.len() > 1 { format!(" ({})", change.case) } else { String::new() };
    vec![(format!("old{example}"), &change.old), (format!("new{example}"), &change.new)]
}

/// How a cause shows, if in several ways, and what follows from it, each with its heading.
pub(super) fn parts(cause: &Cause) -> impl Iterator<Item = (&'static str, &[ChangeGroup])> {
    let signs = if cause.signs.len() > 1 { cause.signs.as_slice() } else { &[] };
    [("shows as", signs), ("with it", cause.follows.as_slice())].into_iter().filter(|(_, groups)| !groups.is_empty())
}

/// The first `limit` groups with the number of their cases, and the number of the others.
pub(super) fn name_groups(groups: &[ChangeGroup], limit: usize, name: impl Fn(&str) -> String) -> String {
    let (shown, hidden) = groups.split_at(groups.len().min(limit));
    let mut names: Vec<_> = shown
        .iter()
        .map(|group| format!("{} ({})", name(&cut(&group.what, NAME_SHOWN)), extent_of(&group.cases)))
        .collect();
    if !hidden.is_empty() {
        names.push(format!("and {} more", hidden.len()));
    }
    names.join("; ")
}

/// The first `limit` cases by name, and the number of the others.
pub(super) fn name_cases(cases: &[String], limit: usize, name: impl Fn(&str) -> String) -> String {
    let (cases_shown, hidden) = cases.split_at(cases.len().min(limit));
    let mut names: Vec<_> = cases_shown.iter().map(|case| name(case)).collect();
    if !hidden.is_empty() {
        names.push(format!("and {}", words::count(hidden.len(), "more case")));
    }
    names.join(", ")
}
