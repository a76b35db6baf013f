//! The interruption of a run.

use tokio::sync::watch;

/// What can interrupt a run; cheap to clone.
#[derive(Clone, Debug)]
pub struct Interrupt(Option<watch::Receiver<bool>>);

impl Interrupt {
    /// An interrupt that is never set.
    pub const fn never() -> Self {
        Self(None)
    }

    /// Whether the run is interrupted.
    pub fn is_set(&self) -> bool {
        self.0.as_ref().is_some_and(|interrupted| *interrupted.borrow())
    }

    /// Waits until the run is interrupted; for ever if it never is.
    pub async fn wait(&self) {
        let Some(mut interrupted) = self.0.clone() else { return std::future::pending().await };
        if interrupted.wait_for(|interrupted| *interrupted).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits for `what`, unless the run is interrupted first.
    ///
    /// # Errors
    /// [`Interrupted`] when the run is interrupted first.
    pub async fn unless<T>(&self, what: impl Future<Output = T>) -> Result<T, Interrupted> {
        tokio::select! {
            value = what => Ok(value),
            () = self.wait() => Err(Interrupted),
        }
    }
}

impl From<watch::Receiver<bool>> for Interrupt {
    fn from(interrupted: watch::Receiver<bool>) -> Self {
        Self(Some(interrupted))
    }
}

/// The run was interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the run was interrupted")]
pub struct Interrupted;
