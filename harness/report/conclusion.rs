//! The conclusion of a run in one sentence, and its tone for reports that have colours.

use serde::Serialize;

use super::collected::Collected;
use super::event::{FeatureSummary, RequirementStatus, RunEvent};
use super::words;
use crate::contract::{Feature, Level};
use crate::corpus::LeftOut;
use crate::text::escape;
use crate::verdict::Verdict;

/// How many undecided requirements are named. Those that are violated are all named.
const UNDECIDED_LIMIT: usize = 10;

/// Whether a target conforms, and what prevents it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Conclusion<'a> {
    Conformant(Vec<&'a str>),
    /// Nothing is violated in this shard of a run; the number of `must` requirements that it leaves undecided. The
    /// other shards decide the rest.
    Part(&'a str, usize),
    /// Every `must` requirement is decided and none is violated, by the cases that were run; this number of cases was
    /// left out.
    Trimmed(usize),
    Violated {
        /// The `must` requirements that are violated.
        ids: Vec<&'a str>,
        /// The features whose `must` requirements all hold; none unless `core` is one of them.
        holding: Vec<&'a str>,
        /// The other features that are claimed.
        broken: Vec<&'a str>,
    },
    Absent,
    CutShort,
    /// Nothing is violated, beside recordings that are not of AWS.
    Demonstration,
    /// None of the `must` requirements is decided; their number.
    Nothing(usize),
    Undecided {
        /// The `must` requirements that are left undecided.
        ids: Vec<&'a str>,
        /// The features whose `must` requirements all hold; none unless `core` is one of them.
        holding: Vec<&'a str>,
        /// The other features that are claimed.
        open: Vec<&'a str>,
    },
}

impl<'a> Conclusion<'a> {
    pub(super) fn of(collected: &'a Collected) -> Self {
        let musts = |status: RequirementStatus| {
            let found = collected.requirements.iter().filter(|row| row.level == Level::Must && row.status == status);
            found.map(|row| row.id.as_str()).collect::<Vec<_>>()
        };
        let Some(summary) = &collected.summary else { return Self::CutShort };
        let violated = musts(RequirementStatus::Fail);
        let undecided = musts(RequirementStatus::Undecided);
        let cases: usize = summary.verdicts.values().sum();
        let absent = summary.verdicts.get(&Verdict::NotImplemented).is_some_and(|count| *count == cases);
        // Older builds wrote that a shard is conformant.
        let part = collected.run.as_ref().filter(|run| run.is_part()).and_then(|run| run.shard.as_deref());
        let demonstration = collected.run.as_ref().is_some_and(RunEvent::is_demonstration);
        let left_out = collected.run.as_ref().and_then(|run| run.left_out.as_ref()).map_or(0, LeftOut::total);
        let whole = summary.complete && part.is_none() && !demonstration && left_out == 0;
        let holds = |of: &FeatureSummary| whole && of.violated == 0 && of.must > 0 && of.decided == of.must;
        let (holding, others): (Vec<_>, Vec<_>) = summary.features.iter().partition(|(_, feature)| holds(feature));
        let [mut holding, others]: [Vec<&str>; 2] =
            [holding, others].map(|features| features.into_iter().map(|(name, _)| name.as_str()).collect());
        // The other features stand on this one.
        if !holding.contains(&Feature::CORE.word()) {
            holding.clear();
        }
        if summary.conformant && part.is_none() && !demonstration && left_out == 0 {
            Self::Conformant(summary.features.keys().map(String::as_str).collect())
        } else if !violated.is_empty() {
            Self::Violated { ids: violated, holding, broken: others }
        } else if collected.run.is_some() && absent {
            Self::Absent
        } else if let (Some(shard), true) = (part, summary.complete) {
            Self::Part(shard, undecided.len())
        } else if undecided.len() > 1 && summary.complete && musts(RequirementStatus::Pass).is_empty() {
            Self::Nothing(undecided.len())
        } else if undecided.is_empty() && summary.complete && left_out > 0 {
            Self::Trimmed(left_out)
        } else if !undecided.is_empty() {
            Self::Undecided { ids: undecided, holding, open: others }
        } else if demonstration && summary.complete {
            Self::Demonstration
        } else {
            Self::CutShort
        }
    }

    /// Whether the target conforms, in at most two words.
    pub(super) const fn headline(&self) -> &'static str {
        match self {
            Self::Conformant(_) => "conformant",
            Self::Violated { .. } => "not conformant",
            Self::Absent => "not implemented",
            Self::Part(..) | Self::Trimmed(_) | Self::Nothing(_) | Self::Undecided { .. } | Self::CutShort => {
                "not decided"
            }
            Self::Demonstration => "a demonstration",
        }
    }

    /// The conclusion as a sentence, escaped.
    pub(super) fn sentence(&self) -> String {
        let (ids, more) = self.named_ids();
        let ids_shown: Vec<_> = ids.iter().map(|id| escape(id)).collect();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let before = if ids_shown.is_empty() { "" } else { ": " };
        format!("{}{before}{}{more}", self.claim(), ids_shown.join(", "))
    }

    /// The sentence without the ids of the requirements, escaped.
    pub(super) fn claim(&self) -> String {
        let musts = |number: usize| words::count(number, "must-requirement");
        match self {
            Self::Conformant(features) => format!("conformant for {}", listed(features)),
            Self::Part(shard, 0) => format!("not decided: this is shard {} of a run", escape(shard)),
            Self::Part(shard, open) => {
                let are = if *open == 1 { "is" } else { "are" };
                format!(
                    "not decided: this is shard {} of a run, and {} {are} undecided in it",
                    escape(shard),
                    musts(*open)
                )
            }
            Self::Trimmed(left_out) => format!(
                "not decided: the cases that were run decide every must-requirement and violate none, and {} left out",
                match left_out {
                    1 => "1 case was".to_owned(),
                    cases => format!("{cases} cases were"),
                }
            ),
            Self::Violated { ids, holding, .. } if holding.is_empty() => {
                format!("not conformant: {} violated", musts(ids.len()))
            }
            Self::Violated { ids, holding, broken } => {
                format!("conformant for {}; not for {}: {} violated", listed(holding), listed(broken), musts(ids.len()))
            }
            Self::Absent => "not implemented: without the operation, no requirement could be tested".to_owned(),
            Self::Nothing(must) => format!("not decided: none of {} could be decided", musts(*must)),
            Self::Undecided { ids, holding, .. } if holding.is_empty() => {
                format!("not decided: {} left undecided", musts(ids.len()))
            }
            Self::Undecided { ids, holding, open } => {
                let (holding, open) = (listed(holding), listed(open));
                format!("conformant for {holding}; not decided for {open}: {} left undecided", musts(ids.len()))
            }
            Self::CutShort => "not decided: the run was cut short".to_owned(),
            Self::Demonstration => {
                "a demonstration: nothing is violated beside recordings that are not of AWS, which makes no target conformant".to_owned()
            }
        }
    }

    /// The ids of the requirements that are violated or undecided, as many as are named, and how many more there are.
    pub(super) fn named_ids(&self) -> (&[&'a str], usize) {
        let ids = self.ids();
        let limit = if matches!(self, Self::Violated { .. }) { ids.len() } else { ids.len().min(UNDECIDED_LIMIT) };
        (&ids[..limit], ids.len() - limit)
    }

    /// The ids of the requirements that are violated or undecided.
    fn ids(&self) -> &[&'a str] {
        match self {
            Self::Violated { ids, .. } | Self::Undecided { ids, .. } => ids,
            Self::Conformant(_)
            | Self::Part(..)
            | Self::Trimmed(_)
            | Self::Absent
            | Self::CutShort
            | Self::Demonstration
            | Self::Nothing(_) => &[],
        }
    }
}

fn listed(features: &[&str]) -> String {
    features.iter().map(|feature| escape(feature)).collect::<Vec<_>>().join(", ")
}

/// The meaning of a colour, the most important first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Tone {
    Bad,
    Doubt,
    #[default]
    Calm,
    Good,
}

impl From<Verdict> for Tone {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Good,
            Verdict::Fail | Verdict::Fixed | Verdict::HarnessError => Self::Bad,
            Verdict::Blocked | Verdict::NotImplemented | Verdict::Indeterminate => Self::Doubt,
            Verdict::KnownFail | Verdict::NotApplicable => Self::Calm,
        }
    }
}

impl From<&Conclusion<'_>> for Tone {
    fn from(conclusion: &Conclusion<'_>) -> Self {
        match conclusion {
            Conclusion::Conformant(_) => Self::Good,
            Conclusion::Violated { .. } => Self::Bad,
            Conclusion::Absent
            | Conclusion::CutShort
            | Conclusion::Demonstration
            | Conclusion::Part(..)
            | Conclusion::Trimmed(_)
            | Conclusion::Nothing(_)
            | Conclusion::Undecided { .. } => Self::Doubt,
        }
    }
}
