//! Ctrl-C and SIGTERM, from the first moment on. If a command watches for them, the first of them ends it in order, and
//! the second ends the program at once. Otherwise the first one ends it at once.

use std::io;
use std::process::exit;
use std::sync::mpsc::sync_channel;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::output::say;
use crate::run::runtime::single_threaded;

/// The exit code of a program that was interrupted.
pub(super) const INTERRUPTED: u8 = 130;

/// What a run says at the first interruption.
pub(super) const FINISHING: &str =
    "interrupted: finishing what must be undone, then the report; interrupt again to stop at once";

/// Becomes true at the first interruption.
static FIRST: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::Sender::new(false));

/// What the next interruption does.
static NEXT: Mutex<Next> = Mutex::new(Next::Exit("interrupted"));

#[derive(Clone, Copy)]
enum Next {
    /// It ends the program with these words.
    Exit(&'static str),
    /// It is passed on to who watches, with these words; the one after that ends the program.
    PassOn(Option<&'static str>),
}

/// Takes the signals from now on, in a thread of its own. Where the system does not allow that, a signal ends the
/// program as it does by default.
pub(super) fn stand() {
    let Ok(runtime) = single_threaded() else { return };
    let entered = runtime.enter();
    let Ok(mut interruptions) = Interruptions::listen() else { return };
    drop(entered);
    let listen = move || {
        runtime.block_on(async {
            loop {
                interruptions.next().await;
                take();
            }
        });
    };
    // Without the thread, the signals would be taken and nothing would follow.
    if let Err(error) = thread::Builder::new().spawn(listen) {
        say(&format!("error: cannot start: {error}"));
        exit(crate::report::Exit::Harness.code().into());
    }
}

/// Does what the next interruption does.
fn take() {
    let mut next = NEXT.lock().unwrap_or_else(PoisonError::into_inner);
    match *next {
        Next::Exit(words) => {
            end(words);
        }
        Next::PassOn(words) => {
            *next = Next::Exit("");
            if let Some(words) = words {
                say(words);
            }
            FIRST.send_replace(true);
        }
    }
}

/// Ends the program with these words. Whoever does not read standard error does not hold it up.
fn end(words: &'static str) -> ! {
    const PATIENCE: Duration = Duration::from_millis(500);
    let (said, heard) = sync_channel(1);
    let spoken = thread::Builder::new().spawn(move || {
        if !words.is_empty() {
            say(words);
        }
        said.send(())
    });
    if spoken.is_ok() {
        let _ = heard.recv_timeout(PATIENCE);
    }
    exit(INTERRUPTED.into());
}

/// A value that becomes true at the first interruption, which is answered with these words. At the second one, the
/// program ends.
pub(super) fn watch(words: Option<&'static str>) -> watch::Receiver<bool> {
    *NEXT.lock().unwrap_or_else(PoisonError::into_inner) = Next::PassOn(words);
    FIRST.subscribe()
}

/// Every Ctrl-C, and on Unix every SIGTERM, since [`Self::listen`].
struct Interruptions {
    #[cfg(unix)]
    signals: [Signal; 2],
    #[cfg(windows)]
    signals: tokio::signal::windows::CtrlC,
}

impl Interruptions {
    #[cfg(unix)]
    fn listen() -> io::Result<Self> {
        Ok(Self { signals: [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?] })
    }

    #[cfg(windows)]
    fn listen() -> io::Result<Self> {
        Ok(Self { signals: tokio::signal::windows::ctrl_c()? })
    }

    async fn next(&mut self) {
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
