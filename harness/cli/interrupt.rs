//! Ctrl-C and SIGTERM: the first ends a run in order, the second at once.

use std::process::exit;

use tokio::sync::watch;

use super::output::say;

/// The exit code of a program that was interrupted.
pub(super) const INTERRUPTED: u8 = 130;

/// Becomes true at the first interruption. At the second the program ends.
pub(super) fn watch() -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        signal().await;
        say("interrupted: finishing what must be undone, then the report; interrupt again to stop at once");
        let _ = sender.send(true);
        signal().await;
        exit(INTERRUPTED.into());
    });
    receiver
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
