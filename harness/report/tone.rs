//! How good or bad something is, wherever a report has colours.

use serde::Serialize;

use super::conclusion::Conclusion;
use crate::verdict::Verdict;

/// What a colour says; what says most comes first.
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
            Conclusion::Violated(_) => Self::Bad,
            Conclusion::Absent
            | Conclusion::CutShort
            | Conclusion::Part(..)
            | Conclusion::Nothing(_)
            | Conclusion::Undecided(_) => Self::Doubt,
        }
    }
}
