//! Ctrl-C and SIGTERM. The first of them ends a run in order; the second ends the program at once.

use std::io;
use std::process::exit;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::output::say;

/// The exit code of a program that was interrupted.
pub(super) const INTERRUPTED: u8 = 130;

/// A value that becomes true at the first interruption. At the second interruption, the program ends.
pub(super) fn watch() -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        let Ok(mut interruptions) = Interruptions::listen() else { return std::future::pending().await };
        interruptions.next().await;
        say("interrupted: finishing what must be undone, then the report; interrupt again to stop at once");
        let _ = sender.send(true);
        interruptions.next().await;
        exit(INTERRUPTED.into());
    });
    receiver
}

/// Every Ctrl-C, and on Unix every SIGTERM, since [`Self::listen`].
pub(super) struct Interruptions {
    #[cfg(unix)]
    signals: [Signal; 2],
    #[cfg(windows)]
    signals: tokio::signal::windows::CtrlC,
}

impl Interruptions {
    #[cfg(unix)]
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self { signals: [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?] })
    }

    #[cfg(windows)]
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self { signals: tokio::signal::windows::ctrl_c()? })
    }

    pub(super) async fn next(&mut self) {
        #[cfg(unix)]
        let [interrupt, terminate] = &mut self.signals;
        #[cfg(unix)]
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        #[cfg(windows)]
        self.signals.recv().await;
    }
}
