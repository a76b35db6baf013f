//! One difference, before it is known in which cases it is found.

use super::Class;

/// One difference between two records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) class: Class,
    pub(super) what: String,
    pub(super) old: String,
    pub(super) new: String,
    /// What differences that are the same are called together.
    pub(super) group: String,
    pub(super) meaning: String,
}

impl Finding {
    /// A difference whose group is told by the same words: `what old -> new`.
    pub(super) fn new(
        class: Class,
        what: impl Into<String>,
        old: impl Into<String>,
        new: impl Into<String>,
        meaning: impl Into<String>,
    ) -> Self {
        let (what, old, new) = (what.into(), old.into(), new.into());
        let group = format!("{what} {old} -> {new}");
        Self { class, what, old, new, group, meaning: meaning.into() }
    }

    /// The same with a name of its group that leaves out what differs from case to case.
    pub(super) fn grouped(self, group: impl Into<String>) -> Self {
        Self { group: group.into(), ..self }
    }
}
