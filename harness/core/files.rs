//! Opens files that others name: none is read without bounds, and none is waited for without end.
//!
//! Uses no other module of this crate. A path may lead to a pipe into which nobody writes, to a device that never ends,
//! or to a file of gigabytes. Every file that a user, a setting or a fixture names is read and written through here.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Cursor, ErrorKind, Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// The largest file that is read as a whole, in bytes: 16 MiB, about a hundred times the size of a file that people
/// write, and four times the certificates of a system.
pub const SIZE_LIMIT: u64 = 16 << 20;

/// How long a pipe or a device may give nothing, and how long a pipe may have no reader.
pub const SILENCE_LIMIT: Duration = Duration::from_secs(5);

/// Reads a file that people write, such as a fixture, a profile or a baseline.
///
/// # Errors
/// When it cannot be read, is not UTF-8, or has more than 16 MiB; when it is a pipe that stays silent.
pub fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read_bytes(path)?).map_err(|error| {
        let message = format!("expected UTF-8, found something else at byte {}", error.utf8_error().valid_up_to());
        io::Error::new(ErrorKind::InvalidData, message)
    })
}

/// Reads a whole file.
///
/// # Errors
/// When it cannot be read, or has more than 16 MiB; when it is a pipe that stays silent.
pub fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(SIZE_LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > SIZE_LIMIT {
        let message = format!("expected at most {} MiB, found more; is it the right file?", SIZE_LIMIT >> 20);
        return Err(io::Error::new(ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

/// Opens a file to read from it. A pipe or a device is read in a thread of its own, so that its silence ends the
/// reading.
///
/// # Errors
/// When it cannot be opened.
pub fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    open_within(path, SILENCE_LIMIT)
}

fn open_within(path: &Path, limit: Duration) -> io::Result<Box<dyn Read>> {
    let found = fs::metadata(path)?;
    if found.is_file() || found.is_dir() {
        return Ok(Box::new(File::open(path)?));
    }
    let (sender, parts) = sync_channel(1);
    let path = path.to_owned();
    thread::Builder::new().spawn(move || pass_on(&path, &sender))?;
    Ok(Box::new(Pipe { parts, part: Cursor::default(), limit }))
}

/// Reads a pipe part by part, until nobody wants more of it.
fn pass_on(path: &Path, parts: &SyncSender<io::Result<Vec<u8>>>) {
    const PART: usize = 64 << 10;
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return drop(parts.send(Err(error))),
    };
    loop {
        let mut part = vec![0; PART];
        let read = file.read(&mut part);
        let is_last = !matches!(read, Ok(1..));
        let read = read.map(|count| {
            part.truncate(count);
            part
        });
        if parts.send(read).is_err() || is_last {
            return;
        }
    }
}

/// What another thread reads from a pipe or a device.
#[derive(Debug)]
struct Pipe {
    parts: Receiver<io::Result<Vec<u8>>>,
    part: Cursor<Vec<u8>>,
    limit: Duration,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.part.read(buffer)? {
                0 if !buffer.is_empty() => {}
                count => return Ok(count),
            }
            match self.parts.recv_timeout(self.limit) {
                Ok(part) => self.part = Cursor::new(part?),
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
                Err(RecvTimeoutError::Timeout) => return Err(silent("nothing came from it", self.limit)),
            }
        }
    }
}

fn silent(what: &str, limit: Duration) -> io::Error {
    let message = format!("it is a pipe or a device, and {what} for {} seconds", limit.as_secs());
    io::Error::new(ErrorKind::TimedOut, message)
}

/// Opens a pipe or a device to write to it. A pipe that nobody reads cannot be opened.
///
/// # Errors
/// When it cannot be opened, or has no reader for five seconds.
pub fn open_stream(path: &Path, options: &OpenOptions) -> io::Result<File> {
    open_stream_within(path, options, SILENCE_LIMIT)
}

fn open_stream_within(path: &Path, options: &OpenOptions, limit: Duration) -> io::Result<File> {
    if fs::metadata(path).is_ok_and(|found| found.is_file()) {
        return options.open(path);
    }
    let (sender, opened) = sync_channel(1);
    let (path, options) = (path.to_owned(), options.clone());
    thread::Builder::new().spawn(move || drop(sender.send(options.open(path))))?;
    opened.recv_timeout(limit).unwrap_or_else(|_| Err(silent("nobody read from it", limit)))
}

/// Writes a whole file, as [`fs::write`] does.
///
/// # Errors
/// When it cannot be written; when it is a pipe that nobody reads.
pub fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    open_stream(path, OpenOptions::new().write(true).create(true).truncate(true))?.write_all(text)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_text_that_is_no_utf_8_or_too_large_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("a");
        fs::write(&file, b"{}\xff").expect("writable");
        let error = read_text(&file).expect_err("it is not UTF-8").to_string();
        assert_eq!(error, "expected UTF-8, found something else at byte 2");
        let large = File::create(&file).expect("writable");
        large.set_len(SIZE_LIMIT).expect("it can be that large");
        assert_eq!(read_text(&file).expect("it is just small enough").len() as u64, SIZE_LIMIT);
        large.set_len(5 << 30).expect("it can be that large");
        let error = read_text(&file).expect_err("it is too large").to_string();
        assert_eq!(error, "expected at most 16 MiB, found more; is it the right file?");
    }

    #[cfg(unix)]
    fn pipe(folder: &tempfile::TempDir) -> std::path::PathBuf {
        let path = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo runs");
        assert!(made.success());
        path
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_that_is_silent_is_given_up_and_one_that_speaks_is_read() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = pipe(&folder);
        let mut text = String::new();
        let limit = Duration::from_millis(100);
        let error = open_within(&path, limit).and_then(|mut pipe| pipe.read_to_string(&mut text));
        assert_eq!(error.expect_err("nobody writes").kind(), ErrorKind::TimedOut);
        let to = path.clone();
        let writer = thread::spawn(move || fs::write(to, "spoken").expect("somebody reads"));
        // The thread that was given up may get the text.
        let read = read_text(&path).unwrap_or_default();
        assert!(["", "spoken"].contains(&read.as_str()));
        writer.join().expect("it wrote");
    }

    #[cfg(target_os = "linux")]
    #[rstest]
    #[case("/dev/zero")]
    #[case("/dev/urandom")]
    fn a_device_without_end_is_given_up(#[case] path: &str) {
        let error = read_bytes(Path::new(path)).expect_err("it has no end");
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_that_nobody_reads_is_not_written() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = pipe(&folder);
        let opened = open_stream_within(&path, OpenOptions::new().write(true), Duration::from_millis(100));
        assert_eq!(opened.expect_err("nobody reads").kind(), ErrorKind::TimedOut);
    }
}
