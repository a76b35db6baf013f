//! The diff for people at a terminal.

use std::fmt::Write as _;

use super::{ChangeClass, ChangeGroup, EVERY_CASE, SdkChange, SdkDiff, SdkIdentity, words};
use crate::text::escape;

/// How many cases are named behind a group before the rest is counted.
pub(super) const CASES_LIMIT: usize = 8;

impl SdkDiff {
    /// The diff as text: alarms first, then what changed most, then every group, the worst first.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", self.title());
        for line in self.notes() {
            let _ = writeln!(text, "{line}");
        }
        for alarm in &self.alarms {
            let _ = write!(text, "\nALARM: {}\n", escape(alarm));
        }
        let _ = write!(text, "\n{}\n", self.verdict());
        for class in ChangeClass::ALL {
            let groups: Vec<_> = self.groups_of(class).collect();
            if groups.is_empty() {
                continue;
            }
            let _ = write!(text, "\n{} ({class})\n", class.heading());
            for group in groups {
                let _ = writeln!(text, "  {}: {}", extent(group), escape(&group.what));
                if let Some(change) = self.example(group) {
                    for (label, value) in details(group, change) {
                        let _ = writeln!(text, "    {}: {}", escape(&label), escape(value));
                    }
                    let _ = writeln!(text, "    {}", escape(&change.meaning));
                }
                if group.cases != [EVERY_CASE] {
                    let _ = writeln!(text, "    {}", name_cases(&group.cases, CASES_LIMIT, escape));
                }
            }
        }
        for (what, cases) in self.apart() {
            let _ = write!(text, "\n{what}\n");
            for case in cases {
                let _ = writeln!(text, "  {}", escape(case));
            }
        }
        text.trim_end().lines().map(words::no_command).collect::<Vec<_>>().join("\n")
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

    /// Notes on the runs, escaped: another runtime, other dependencies, a run that was cut short.
    pub(super) fn notes(&self) -> Vec<String> {
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
            Some(group) => format!("{}: {}.\n", extent(group), escape(&group.what)),
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
        match (rest.is_empty(), fail_on) {
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

    /// The group to show first: the largest of the class that most cases changed in.
    fn headline(&self) -> Option<&ChangeGroup> {
        let cases = |class: ChangeClass| self.cases_with(|of| of == class).len();
        let weighty = ChangeClass::ALL.into_iter().filter(|class| class.counts() && cases(*class) > 0);
        // Of classes with equally many cases, the worst.
        let class = weighty.rev().max_by_key(|class| cases(*class))?;
        self.groups_of(class).find(|group| group.cases != [EVERY_CASE])
    }

    pub(super) fn groups_of(&self, class: ChangeClass) -> impl Iterator<Item = &ChangeGroup> {
        self.groups.iter().filter(move |group| group.class == class)
    }

    /// The first change of a group.
    pub(super) fn example(&self, group: &ChangeGroup) -> Option<&SdkChange> {
        self.changes.iter().find(|change| change.class == group.class && change.group == group.what)
    }

    /// Cases that were not compared, each list with its heading.
    pub(super) fn apart(&self) -> impl Iterator<Item = (&'static str, &Vec<String>)> {
        [("Only in the new run", &self.new), ("Only in the old run", &self.gone), ("Not compared", &self.not_compared)]
            .into_iter()
            .filter(|(_, cases)| !cases.is_empty())
    }
}

/// `37 cases` or `the whole run`.
pub(super) fn extent(group: &ChangeGroup) -> String {
    if group.cases == [EVERY_CASE] { "the whole run".to_owned() } else { words::count(group.cases.len(), "case") }
}

/// The old and the new value, each with a label; empty if the group's name gives them.
pub(super) fn details<'a>(group: &ChangeGroup, change: &'a SdkChange) -> Vec<(String, &'a str)> {
    if change.is_told_by_group() {
        return Vec::new();
    }
    let example = if group.cases.len() > 1 { format!(" ({})", change.case) } else { String::new() };
    vec![(format!("old{example}"), &change.old), (format!("new{example}"), &change.new)]
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
