use std::sync::{Mutex, PoisonError};

use super::{Fault, Response};

/// The largest answer that is read, in bytes. A right one has about two hundred.
pub const ANSWER_LIMIT: usize = 1024 * 1024;

/// An answer while it arrives. What is there stays there when the rest does not come, or comes too late.
#[derive(Default)]
pub(super) struct Arriving(Mutex<Option<Response>>);

impl Arriving {
    /// The header is there.
    pub(super) fn begin(&self, head: Response) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(head);
    }

    /// A further part of the body is there.
    ///
    /// # Errors
    /// When there is more than is taken.
    pub(super) fn add(&self, chunk: &[u8]) -> Result<(), Fault> {
        let mut response = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(response) = response.as_mut() else { return Ok(()) };
        if response.body.len() + chunk.len() > ANSWER_LIMIT {
            return Err(Fault::TooLarge(ANSWER_LIMIT));
        }
        response.body.extend_from_slice(chunk);
        Ok(())
    }

    /// How many bytes of the body are there.
    pub(super) fn length(&self) -> usize {
        let response = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        response.as_ref().map_or(0, |response| response.body.len())
    }

    /// What is there.
    pub(super) fn take(&self) -> Option<Response> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
