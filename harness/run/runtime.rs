//! Starts tokio's runtimes.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// How many pairs of sockets are tried: a runtime opens up to five files, and a connection needs some more.
#[cfg(unix)]
const PAIRS: usize = 4;

/// A runtime that works in the thread of its caller.
///
/// # Errors
/// When the system does not allow the files that it needs.
pub fn single_threaded() -> io::Result<Runtime> {
    check_files()?;
    Builder::new_current_thread().enable_all().build()
}

/// A runtime with threads of its own.
///
/// # Errors
/// When the system does not allow the files or the threads that it needs.
pub fn multi_threaded() -> io::Result<Runtime> {
    check_files()?;
    Runtime::new()
}

/// Finds out whether the files of a runtime can be opened, for tokio panics where its own for signals cannot.
fn check_files() -> io::Result<()> {
    #[cfg(unix)]
    {
        let tried: io::Result<Vec<_>> = (0..PAIRS).map(|_| std::os::unix::net::UnixStream::pair()).collect();
        tried.map_err(|error| {
            let advice = "allow more open files, such as with `ulimit -n 256`";
            io::Error::new(error.kind(), format!("files or sockets cannot be opened: {error}; {advice}"))
        })?;
    }
    Ok(())
}
