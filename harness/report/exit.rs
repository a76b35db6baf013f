use std::collections::BTreeMap;
use std::process::ExitCode;

use crate::verdict::Verdict;

/// The exit code of a run. The caller handles an interruption (130).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Nothing unexpected.
    Fine = 0,
    /// A case of a claimed feature failed, is blocked or not implemented, or a baseline entry is stale.
    Failed = 1,
    /// Wrong usage or configuration, or the target turns every call away.
    Usage = 2,
    /// The target is unreachable, or its silence leaves `must` requirements undecided.
    Undecided = 3,
    /// No case was selected.
    NothingSelected = 4,
    /// The harness went wrong, or a fixture is invalid.
    Harness = 5,
    /// A safety rule refused the run.
    Safety = 6,
    /// A teardown left resources behind.
    Leftovers = 7,
}

/// What is known of a run's end beyond its verdicts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ending {
    /// A teardown failed: the target may still have what a case created.
    pub leftovers: bool,
    /// The target is unreachable, or indeterminate cases leave a counted requirement undecided.
    pub silence: bool,
}

impl Exit {
    /// The order in which codes count: where several apply, the first one does.
    const PRECEDENCE: [Self; 7] = [
        Self::Safety,
        Self::Harness,
        Self::Leftovers,
        Self::Usage,
        Self::Failed,
        Self::Undecided,
        Self::NothingSelected,
    ];

    /// The exit code of a run, from the number of cases with each verdict and what else is known.
    pub fn of_run(verdicts: &BTreeMap<Verdict, usize>, ending: Ending) -> Self {
        let any = |wanted: &[Verdict]| wanted.iter().any(|verdict| verdicts.get(verdict).is_some_and(|n| *n > 0));
        let failed = [Verdict::Fail, Verdict::Fixed, Verdict::Blocked, Verdict::NotImplemented];
        Self::first_of([
            (Self::Harness, any(&[Verdict::HarnessError])),
            (Self::Leftovers, ending.leftovers),
            (Self::Failed, any(&failed)),
            (Self::Undecided, ending.silence),
            (Self::NothingSelected, !any(&Verdict::ALL)),
        ])
    }

    /// The code that counts among those that apply; [`Exit::Fine`] where none does.
    pub fn first_of(candidates: impl IntoIterator<Item = (Self, bool)>) -> Self {
        let applying: Vec<Self> =
            candidates.into_iter().filter(|(_, applies)| *applies).map(|(exit, _)| exit).collect();
        Self::PRECEDENCE.into_iter().find(|exit| applying.contains(exit)).unwrap_or(Self::Fine)
    }

    /// The number that the process ends with.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const QUIET: Ending = Ending { leftovers: false, silence: false };
    const LEFTOVERS: Ending = Ending { leftovers: true, ..QUIET };
    const SILENCE: Ending = Ending { silence: true, ..QUIET };

    #[rstest]
    #[case::all_pass(&[Verdict::Pass], QUIET, 0)]
    #[case::excused_or_not_claimed(&[Verdict::KnownFail, Verdict::NotApplicable], QUIET, 0)]
    #[case::silence_that_leaves_nothing_open(&[Verdict::Pass, Verdict::Indeterminate], QUIET, 0)]
    #[case::a_failure(&[Verdict::Pass, Verdict::Fail], QUIET, 1)]
    #[case::a_stale_entry(&[Verdict::Fixed], QUIET, 1)]
    #[case::blocked(&[Verdict::Blocked], QUIET, 1)]
    #[case::not_implemented(&[Verdict::NotImplemented], QUIET, 1)]
    #[case::silence(&[Verdict::Indeterminate], SILENCE, 3)]
    #[case::nothing_ran(&[], QUIET, 4)]
    #[case::harness_error(&[Verdict::Pass, Verdict::HarnessError], QUIET, 5)]
    #[case::left_behind(&[Verdict::Pass], LEFTOVERS, 7)]
    #[case::failure_before_silence(&[Verdict::Fail, Verdict::Indeterminate], SILENCE, 1)]
    #[case::silence_before_nothing(&[], SILENCE, 3)]
    #[case::leftovers_before_failure(&[Verdict::Fail], LEFTOVERS, 7)]
    #[case::harness_before_leftovers(&[Verdict::HarnessError, Verdict::Fail], LEFTOVERS, 5)]
    fn a_run_ends_with_the_first_code_that_applies(
        #[case] verdicts: &[Verdict],
        #[case] ending: Ending,
        #[case] code: u8,
    ) {
        let verdicts = verdicts.iter().map(|verdict| (*verdict, 1)).collect();
        assert_eq!(Exit::of_run(&verdicts, ending).code(), code);
    }

    #[test]
    fn a_verdict_that_no_case_has_does_not_count() {
        let verdicts = BTreeMap::from([(Verdict::Pass, 1), (Verdict::Fail, 0), (Verdict::HarnessError, 0)]);
        assert_eq!(Exit::of_run(&verdicts, QUIET), Exit::Fine);
    }

    #[test]
    fn a_safety_rule_comes_before_everything() {
        let all = [Exit::NothingSelected, Exit::Leftovers, Exit::Harness, Exit::Safety, Exit::Failed];
        assert_eq!(Exit::first_of(all.map(|exit| (exit, true))), Exit::Safety);
    }
}
