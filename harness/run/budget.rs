//! How many calls a run may make, and how fast.
//!
//! The plan of a run is trimmed before its first call. This is the guard behind it: whatever a target answers, and
//! however often a request is sent again, no run makes more calls than it may.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::verdict::Reason;

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To find something out. It leaves the calls alone that are kept for undoing.
    Asking,
    /// To undo what the run has made.
    Undoing,
}

/// The calls that a run may make. They are counted also where there is no limit.
#[derive(Debug, Default)]
pub(super) struct Budget {
    limit: Option<u64>,
    count: Mutex<Count>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    made: u64,
    /// How many are kept for undoing what was made.
    kept: u64,
    /// How often a call was refused.
    refused: u64,
}

impl Budget {
    pub(super) fn of(limit: u64, made: u64) -> Self {
        Self { limit: Some(limit), count: Mutex::new(Count { made, ..Count::default() }) }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Count) -> T) -> T {
        work(&mut self.count.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts one more call.
    ///
    /// # Errors
    /// [`Reason::OutOfCalls`] if the run may make none. Then it must not be made.
    pub(super) fn take(&self, purpose: Purpose) -> Result<(), Reason> {
        self.with(|count| {
            let kept = if purpose == Purpose::Undoing { 0 } else { count.kept };
            let refusal = self.limit.filter(|limit| count.made + kept >= *limit);
            if let Some(limit) = refusal {
                count.refused += 1;
                return Err(Reason::OutOfCalls { limit });
            }
            count.made += 1;
            Ok(())
        })
    }

    /// Keeps calls for undoing what one more call is about to make.
    ///
    /// # Errors
    /// [`Reason::OutOfCalls`] if there are not enough for both. Then nothing must be made.
    pub(super) fn keep(&self, calls: u64) -> Result<(), Reason> {
        self.with(|count| match self.limit {
            Some(limit) if count.made + count.kept + 1 + calls > limit => {
                count.refused += 1;
                Err(Reason::OutOfCalls { limit })
            }
            _ => {
                count.kept += calls;
                Ok(())
            }
        })
    }

    /// Gives calls free that were kept and are not needed.
    pub(super) fn release(&self, calls: u64) {
        self.with(|count| count.kept = count.kept.saturating_sub(calls));
    }

    /// [`Reason::OutOfCalls`] if no case can make a call any more.
    pub(super) fn is_spent(&self) -> Option<Reason> {
        let limit = self.limit?;
        self.with(|count| count.made + count.kept >= limit).then_some(Reason::OutOfCalls { limit })
    }

    /// How many calls were made.
    pub(super) fn made(&self) -> u64 {
        self.with(|count| count.made)
    }

    /// How often a call was refused.
    pub(super) fn refused(&self) -> u64 {
        self.with(|count| count.refused)
    }

    /// [`Reason::OutOfCalls`] if a call was refused since there were so many refusals.
    pub(super) fn refused_since(&self, refused: u64) -> Option<Reason> {
        let limit = self.limit?;
        (self.refused() > refused).then_some(Reason::OutOfCalls { limit })
    }
}

/// The pace of a run: between the beginnings of two calls lies at least some time.
#[derive(Debug, Default)]
pub(super) struct Pace {
    between: Duration,
    /// When the next call may begin.
    next: Mutex<Option<Instant>>,
}

impl Pace {
    /// At most so many calls a second.
    pub(super) fn of(calls_a_second: f64) -> Self {
        let between = Duration::try_from_secs_f64(1.0 / calls_a_second).unwrap_or_default();
        Self { between, next: Mutex::default() }
    }

    /// Waits until the next call may begin. Returns whether it had to.
    pub(super) async fn turn(&self) -> bool {
        let now = Instant::now();
        let turn = self.turn_at(now);
        let waits = turn > now;
        if waits {
            tokio::time::sleep_until(turn.into()).await;
        }
        waits
    }

    /// When a call may begin that is asked for now. What a slow answer has cost is not made up for by faster calls.
    fn turn_at(&self, now: Instant) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = next.map_or(now, |next| next.max(now));
        *next = turn.checked_add(self.between);
        turn
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_call_beyond_the_limit_is_refused_and_told() {
        let budget = Budget::of(3, 1);
        assert_eq!(budget.is_spent(), None);
        assert!(budget.take(Purpose::Asking).is_ok() && budget.take(Purpose::Asking).is_ok());
        assert_eq!(budget.is_spent(), Some(Reason::OutOfCalls { limit: 3 }));
        assert_eq!(budget.take(Purpose::Asking), Err(Reason::OutOfCalls { limit: 3 }));
        assert_eq!((budget.made(), budget.refused_since(0)), (3, Some(Reason::OutOfCalls { limit: 3 })));
        assert_eq!(budget.refused_since(1), None);
    }

    #[test]
    fn what_is_kept_for_undoing_is_for_nothing_else() {
        let budget = Budget::of(4, 0);
        assert!(budget.keep(4).is_err(), "the call that makes it needs one too");
        assert!(budget.keep(2).is_ok() && budget.take(Purpose::Asking).is_ok());
        assert!(budget.keep(1).is_err());
        assert!(budget.take(Purpose::Asking).is_ok() && budget.take(Purpose::Asking).is_err());
        assert!(budget.take(Purpose::Undoing).is_ok());
        budget.release(2);
        assert!(budget.take(Purpose::Asking).is_ok() && budget.take(Purpose::Undoing).is_err());
        assert_eq!(budget.made(), 4);
    }

    #[test]
    fn without_a_limit_calls_are_counted_and_none_is_refused() {
        let budget = Budget::default();
        assert!((0..100).all(|_| budget.keep(1).is_ok() && budget.take(Purpose::Asking).is_ok()));
        assert_eq!((budget.made(), budget.is_spent(), budget.refused_since(0)), (100, None, None));
    }

    proptest! {
        #[test]
        fn no_run_makes_more_calls_than_it_may(limit in 0_u64..20, steps in prop::collection::vec((0_u8..4, 0_u64..6), 0..60)) {
            let budget = Budget::of(limit, 0);
            for (kind, calls) in steps {
                match kind {
                    0 => drop(budget.take(Purpose::Asking)),
                    1 => drop(budget.take(Purpose::Undoing)),
                    2 => drop(budget.keep(calls)),
                    _ => budget.release(calls),
                }
                prop_assert!(budget.made() <= limit);
            }
        }
    }

    #[test]
    fn calls_begin_no_faster_than_the_rate_allows() {
        let (pace, start) = (Pace::of(2.0), Instant::now());
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        // Four that are asked for at once begin one after the other.
        assert_eq!([0, 500, 1000, 1500].map(|_| pace.turn_at(start)), [0, 500, 1000, 1500].map(after));
        // A slow answer gives no claim to faster calls later.
        assert_eq!([10_000, 10_001].map(|asked| pace.turn_at(after(asked))), [10_000, 10_500].map(after));
    }

    #[test]
    fn without_a_rate_nothing_waits() {
        let (pace, now) = (Pace::default(), Instant::now());
        assert!((0..10).all(|_| pace.turn_at(now) == now));
    }
}
