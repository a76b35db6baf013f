//! What every case of a session shares: the target with the way to it, the judge, and what no report may repeat.

use super::sender::Sender;
use crate::contract::Contract;
use crate::judge::Judge;
use crate::targets::Target;
use crate::verdict::Reason;
use crate::wire::{Exchange, Masker, Request, SeenSecrets};

/// A target under test, and who judges it.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) judge: Judge,
    pub(super) target: Target,
    pub(super) sender: Sender,
    /// What the target's words must not repeat: our credentials, and what it has given in the place of secrets.
    pub(super) seen: SeenSecrets,
}

impl Bench {
    /// The contract that cases are judged by.
    pub(super) fn contract(&self) -> &Contract {
        self.judge.contract()
    }

    /// What the target's words must not repeat.
    pub(super) fn hidden(&self) -> Masker {
        self.seen.masker()
    }

    /// Sends a request; the reason where it cannot be made.
    pub(super) async fn send(&self, make: impl FnMut() -> Result<Request, Reason>) -> Result<Exchange, Reason> {
        self.sender.send(&self.seen, make).await
    }
}
