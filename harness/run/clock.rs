//! Moves of a target's clock. Whatever becomes of a case, the clock is moved back behind it, before any other case goes on:
//! how long credentials live is judged by clocks that nobody moves.

use std::sync::atomic::{AtomicI64, Ordering};

use super::case::CaseRun;
use crate::targets::ClockFault;
use crate::verdict::Reason;

/// How far a case has moved its target's clock, in seconds.
#[derive(Debug, Default)]
pub(super) struct Moved(AtomicI64);

impl CaseRun<'_> {
    /// Moves the clock ahead.
    pub(super) async fn advance_clock(&self, seconds: u32, moved: &Moved) -> Result<(), Reason> {
        self.move_clock(seconds.into()).await?;
        moved.0.fetch_add(seconds.into(), Ordering::Relaxed);
        Ok(())
    }

    /// Moves the clock back to where it was before the case. Returns why it could not be; then no further case is judged.
    pub(super) async fn move_clock_back(&self, moved: &Moved) -> Option<Reason> {
        let seconds = moved.0.load(Ordering::Relaxed);
        if seconds == 0 {
            return None;
        }
        let reason = self.move_clock(-seconds).await.err()?;
        Some(self.context.lost_clock.get_or_init(|| reason).clone())
    }

    async fn move_clock(&self, seconds: i64) -> Result<(), Reason> {
        let Some(clock) = &self.context.target.clock else { return Err(Reason::NoClock) };
        clock.advance(seconds).await.map_err(|ClockFault { words, in_doubt }| {
            let masker = self.context.seen.masker();
            let (by, because) = (masker.quote_origin(clock.name()), masker.quote(&words));
            let reason = Reason::Clock { by, seconds, because };
            if in_doubt {
                self.context.lost_clock.get_or_init(|| reason.clone());
            }
            reason
        })
    }
}
