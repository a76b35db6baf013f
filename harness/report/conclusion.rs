//! What a run comes to, in one sentence.

use super::collected::Collected;
use super::event::RequirementStatus;
use super::words;
use crate::contract::Level;
use crate::text::escape;
use crate::verdict::Verdict;

pub(super) const IDS_LIMIT: usize = 10;

/// Whether a target conforms, and what stands in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Conclusion<'a> {
    Conformant(Vec<&'a str>),
    /// Nothing is violated in this shard of a run, which leaves so many `must` requirements undecided; the others say
    /// the rest.
    Part(&'a str, usize),
    /// These `must` requirements are violated.
    Violated(Vec<&'a str>),
    Absent,
    CutShort,
    /// None of so many `must` requirements is decided.
    Nothing(usize),
    /// These `must` requirements are undecided.
    Undecided(Vec<&'a str>),
}

impl<'a> Conclusion<'a> {
    pub(super) fn of(heard: &'a Collected) -> Self {
        let musts = |status: RequirementStatus| {
            let found = heard.requirements.iter().filter(|row| row.level == Level::Must && row.status == status);
            found.map(|row| row.id.as_str()).collect::<Vec<_>>()
        };
        let Some(summary) = &heard.summary else { return Self::CutShort };
        let violated = musts(RequirementStatus::Fail);
        let undecided = musts(RequirementStatus::Undecided);
        let cases: usize = summary.verdicts.values().sum();
        let absent = summary.verdicts.get(&Verdict::NotImplemented).is_some_and(|count| *count == cases);
        // Older builds wrote that a shard is conformant.
        let part = heard.run.as_ref().filter(|run| run.is_part()).and_then(|run| run.shard.as_deref());
        if summary.conformant && part.is_none() {
            Self::Conformant(summary.features.keys().map(String::as_str).collect())
        } else if !violated.is_empty() {
            Self::Violated(violated)
        } else if heard.run.is_some() && absent {
            Self::Absent
        } else if let (Some(shard), true) = (part, summary.complete) {
            Self::Part(shard, undecided.len())
        } else if undecided.len() > 1 && summary.complete && musts(RequirementStatus::Pass).is_empty() {
            Self::Nothing(undecided.len())
        } else if !undecided.is_empty() {
            Self::Undecided(undecided)
        } else {
            Self::CutShort
        }
    }

    /// It in two words at most: whether the target conforms.
    pub(super) const fn headline(&self) -> &'static str {
        match self {
            Self::Conformant(_) => "conformant",
            Self::Violated(_) => "not conformant",
            Self::Absent => "not implemented",
            Self::Part(..) | Self::Nothing(_) | Self::Undecided(_) | Self::CutShort => "not decided",
        }
    }

    /// It as a sentence, escaped.
    pub(super) fn sentence(&self) -> String {
        match self.ids() {
            [] => self.claim(),
            ids => format!("{}: {}", self.claim(), list(ids)),
        }
    }

    /// The sentence without the ids of what stands in the way, escaped.
    pub(super) fn claim(&self) -> String {
        let counted = |ids: &[&str]| words::count(ids.len(), "must-requirement");
        match self {
            Self::Conformant(features) => {
                let features: Vec<_> = features.iter().map(|feature| escape(feature)).collect();
                format!("conformant for {}", features.join(", "))
            }
            Self::Part(shard, undecided) => {
                let are = if *undecided == 1 { "is" } else { "are" };
                let open = match undecided {
                    0 => String::new(),
                    some => format!(", and {} {are} undecided in it", words::count(*some, "must-requirement")),
                };
                format!("not decided: this is shard {} of a run{open}", escape(shard))
            }
            Self::Violated(ids) => format!("not conformant: {} violated", counted(ids)),
            Self::Absent => "not implemented: without the operation, no requirement could be tested".to_owned(),
            Self::Nothing(must) => {
                format!("not decided: none of {} could be decided", words::count(*must, "must-requirement"))
            }
            Self::Undecided(ids) => format!("not decided: {} left undecided", counted(ids)),
            Self::CutShort => "not decided: the run was cut short".to_owned(),
        }
    }

    /// The requirements that stand in the way.
    pub(super) fn ids(&self) -> &[&'a str] {
        match self {
            Self::Violated(ids) | Self::Undecided(ids) => ids,
            Self::Conformant(_) | Self::Part(..) | Self::Absent | Self::CutShort | Self::Nothing(_) => &[],
        }
    }
}

fn list(ids: &[&str]) -> String {
    let shown: Vec<_> = ids.iter().take(IDS_LIMIT).map(|id| escape(id)).collect();
    let more = match ids.len().saturating_sub(IDS_LIMIT) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", shown.join(", "))
}
