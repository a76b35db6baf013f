use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// The emulator's only source of time, so that a test can stop it or move it. Clones of a clock move together.
#[derive(Clone)]
pub struct Clock {
    source: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// How far it was moved, in milliseconds: the wire has no finer times.
    offset: Arc<AtomicI64>,
}

/// A move to before year -9999 or beyond year 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the clock cannot show that time: it shows the years -9999 to 9999")]
pub struct ClockRange;

impl Clock {
    /// A clock that takes the time from a function.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { source: Arc::new(now), offset: Arc::default() }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        let offset = SignedDuration::from_millis(self.offset.load(Ordering::SeqCst));
        // Only a source that leaves the range by itself is held at its end.
        let end = if offset.is_negative() { Timestamp::MIN } else { Timestamp::MAX };
        (self.source)().checked_add(offset).unwrap_or(end)
    }

    /// The time that it would show had it never been moved. Signatures and the dates of answers go by it: clients do not
    /// move their own clocks.
    pub fn unmoved(&self) -> Timestamp {
        (self.source)()
    }

    /// How far the clock was moved from its source.
    pub fn offset(&self) -> SignedDuration {
        SignedDuration::from_millis(self.offset.load(Ordering::SeqCst))
    }

    /// Moves the clock, forward or back.
    ///
    /// # Errors
    /// [`ClockRange`]; the clock is then as it was.
    pub fn advance(&self, by: SignedDuration) -> Result<(), ClockRange> {
        let source = (self.source)();
        let moved = |offset| {
            let moved = SignedDuration::from_millis(offset).checked_add(by)?;
            source.checked_add(moved).ok()?;
            i64::try_from(moved.as_millis()).ok()
        };
        self.offset.fetch_update(Ordering::SeqCst, Ordering::SeqCst, moved).map_or(Err(ClockRange), |_| Ok(()))
    }

    /// Sets the clock. It goes on from there.
    pub fn set(&self, to: Timestamp) {
        self.offset.store(to.as_millisecond() - (self.source)().as_millisecond(), Ordering::SeqCst);
    }
}

/// The clock of the machine.
impl Default for Clock {
    fn default() -> Self {
        Self::new(Timestamp::now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stopped_at(second: i64) -> Clock {
        Clock::new(move || Timestamp::from_second(second).unwrap())
    }

    #[test]
    fn a_clock_that_is_moved_moves_its_clones() {
        let clock = stopped_at(1_700_000_000);
        let clone = clock.clone();
        clock.advance(SignedDuration::from_secs(901)).unwrap();
        clock.advance(SignedDuration::from_millis(-500)).unwrap();
        assert_eq!(clone.now(), Timestamp::from_millisecond(1_700_000_900_500).unwrap());
        assert_eq!(clone.offset(), SignedDuration::from_millis(900_500));
        assert_eq!(clone.unmoved(), Timestamp::from_second(1_700_000_000).unwrap());
    }

    #[test]
    fn a_clock_that_is_set_goes_on_with_its_source() {
        let seconds = Arc::new(AtomicI64::new(1_700_000_000));
        let source = Arc::clone(&seconds);
        let clock = Clock::new(move || Timestamp::from_second(source.load(Ordering::SeqCst)).unwrap());
        clock.set("2030-01-01T00:00:00Z".parse().unwrap());
        seconds.fetch_add(7, Ordering::SeqCst);
        assert_eq!(clock.now(), "2030-01-01T00:00:07Z".parse().unwrap());
    }

    #[test]
    fn a_clock_that_cannot_show_a_time_stays_as_it_is() {
        let clock = stopped_at(1_700_000_000);
        for by in [SignedDuration::MAX, SignedDuration::MIN, SignedDuration::from_hours(24 * 366 * 10_000)] {
            assert_eq!(clock.advance(by), Err(ClockRange));
        }
        assert_eq!(clock.now(), Timestamp::from_second(1_700_000_000).unwrap());
    }
}
