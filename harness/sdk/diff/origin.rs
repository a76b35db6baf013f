//! Which package brought the changes, as far as the versions tell.

use super::{MovedPackage, SdkDiff, packages};

/// How many packages are named in a sentence; of more, only the number tells.
const NAMED: usize = 4;

/// The packages of which one may have brought the changes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin<'a> {
    /// At least one.
    pub(super) packages: &'a [MovedPackage],
    /// Whether the one package brought them, since nothing else differs.
    is_certain: bool,
}

impl SdkDiff {
    /// Which package brought the changes; `None` where nothing changed, or the versions tell nothing.
    pub(super) fn origin(&self) -> Option<Origin<'_>> {
        if self.changes.is_empty() || self.packages.is_empty() {
            return None;
        }
        let [old, new] = &self.sides;
        // What only one run has, or another runtime, may have brought a change as well.
        let more = packages::decide_in_one(&old.deps, &new.deps) || old.runtime != new.runtime;
        Some(Origin { packages: &self.packages, is_certain: self.packages.len() == 1 && !more })
    }
}

impl Origin<'_> {
    /// Whether there are too many packages for a sentence.
    pub(super) fn has_many(&self) -> bool {
        self.packages.len() > NAMED
    }

    /// What is said of the packages: `brought by`.
    pub(super) fn words(&self) -> String {
        match self.packages.len() {
            many if self.has_many() => format!("brought by one of {many} packages"),
            1 if self.is_certain => "brought by".to_owned(),
            _ => "may be brought by".to_owned(),
        }
    }

    /// The packages in a sentence, each with the address of its changelog.
    pub(super) fn sentence(&self) -> String {
        let words = self.words();
        if self.has_many() {
            return format!("{words}; the JSON has their changelogs");
        }
        let named = self.packages.iter().map(|package| {
            format!("{} {} -> {} (changelog: {})", package.name, package.old, package.new, package.changelog)
        });
        format!("{words} {}", named.collect::<Vec<_>>().join(" or "))
    }
}
