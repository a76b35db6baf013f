//! Reports and baselines as files: one that cannot be written is found before the run, and none is left half written.

use std::fmt::Display;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Event, Sink};
use crate::files::open_stream;
use crate::text::file_name;

/// The writer of a report.
pub type ReportWriter = BufWriter<Box<dyn Write + Send>>;

/// A file that cannot be written: which one, why, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {problem}; {advice}", name_of(path))]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub advice: &'static str,
}

fn name_of(path: &Path) -> String {
    if path == Path::new("-") { "to standard output".to_owned() } else { file_name(path) }
}

impl From<FileError> for io::Error {
    fn from(error: FileError) -> Self {
        Self::other(error)
    }
}

impl FileError {
    pub(super) fn new(path: &Path, problem: &dyn Display, advice: &'static str) -> Self {
        Self { path: path.to_owned(), problem: problem.to_string(), advice }
    }
}

/// Where a report goes: a file, or stdout.
#[derive(Debug)]
pub struct ReportFile {
    path: PathBuf,
    place: Destination,
}

#[derive(Debug)]
enum Destination {
    Stdout,
    /// A path that is not a plain file, such as `/dev/stderr` or a named pipe; it cannot be replaced, so it is written
    /// directly.
    Stream(File),
    File(AtomicFile),
}

impl ReportFile {
    /// Opens the destination of a report before the run; `-` is stdout.
    ///
    /// The file at the path stays as it is until the report is finished.
    ///
    /// # Errors
    /// When the path cannot be written: it is a folder, its folder is missing, or it is protected.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let place = if path == Path::new("-") {
            Destination::Stdout
        } else {
            match fs::metadata(path) {
                Ok(found) if found.is_dir() => {
                    return Err(FileError::new(path, &"it is a folder", "name a file in it"));
                }
                Ok(found) if !found.is_file() => {
                    let stream = open_stream(path, OpenOptions::new().write(true));
                    Destination::Stream(stream.map_err(|error| FileError::new(path, &error, "name another file"))?)
                }
                _ => Destination::File(AtomicFile::create(path)?),
            }
        };
        Ok(Self { path: path.to_owned(), place })
    }

    /// Writes a whole report.
    ///
    /// # Errors
    /// When it cannot be written; the old file stays.
    pub fn write(self, text: &str) -> Result<(), FileError> {
        let flushed = match self.place {
            Destination::Stdout => io::stdout().write_all(text.as_bytes()),
            Destination::Stream(mut file) => file.write_all(text.as_bytes()),
            Destination::File(file) => return file.write(text),
        };
        flushed.map_err(|error| FileError::new(&self.path, &error, "name another file"))
    }

    /// A writer into it; what it writes is not at the path before [`ReportFile::commit`].
    ///
    /// # Errors
    /// When the system gives no second handle to the file.
    pub fn writer(&self) -> Result<ReportWriter, FileError> {
        let handle = |file: &File| -> Result<Box<dyn Write + Send>, FileError> {
            let copy = file.try_clone().map_err(|error| FileError::new(&self.path, &error, "try again"))?;
            Ok(Box::new(copy))
        };
        Ok(BufWriter::new(match &self.place {
            Destination::Stdout => Box::new(io::stdout()),
            Destination::Stream(file) => handle(file)?,
            Destination::File(file) => handle(&file.file)?,
        }))
    }

    /// Replaces the old file by what was written.
    ///
    /// # Errors
    /// When the old file cannot be replaced.
    pub fn commit(self) -> Result<(), FileError> {
        match self.place {
            Destination::File(file) => file.commit(),
            Destination::Stdout | Destination::Stream(_) => Ok(()),
        }
    }

    /// The error that this file cannot be written, with its name and the cause.
    pub(super) fn failed(&self, error: &io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("cannot write {}: {error}", name_of(&self.path)))
    }

    /// A report that a sink writes to this file event by event; the file appears when the report is finished.
    ///
    /// # Errors
    /// When the system gives no second handle to the file.
    pub fn report(self, make: impl FnOnce(ReportWriter) -> Box<dyn Sink>) -> Result<FiledReport, FileError> {
        Ok(FiledReport { sink: make(self.writer()?), file: Some(self) })
    }
}

/// A report on its way to a file.
pub struct FiledReport {
    sink: Box<dyn Sink>,
    file: Option<ReportFile>,
}

impl FiledReport {
    /// Names the file in an error.
    fn with_file_name(&self, error: io::Error) -> io::Error {
        match &self.file {
            Some(file) => file.failed(&error),
            None => error,
        }
    }
}

impl Sink for FiledReport {
    fn hear(&mut self, event: &Event) -> io::Result<()> {
        self.sink.hear(event).map_err(|error| self.with_file_name(error))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.sink.finish().map_err(|error| self.with_file_name(error))?;
        self.file.take().map_or(Ok(()), |file| file.commit().map_err(FileError::into))
    }
}

/// A file that is created or replaced in one step: it is written under another name in the same folder, renamed when it
/// is committed, and removed where it is not.
#[derive(Debug)]
pub(super) struct AtomicFile {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
}

impl AtomicFile {
    pub(super) fn create(path: &Path) -> Result<Self, FileError> {
        if path.exists() {
            // A rename needs only the folder's permission, but a protected file must not be replaced.
            let open = OpenOptions::new().append(true).open(path);
            open.map_err(|error| FileError::new(path, &error, "name another file, or make this one writable"))?;
        }
        // A link stays a link: the file that it points to is replaced, or made if it is not there.
        let path = match path.canonicalize() {
            Ok(path) => path,
            Err(_) => end_of_links(path).map_err(|error| FileError::new(path, &error, "name another file"))?,
        };
        let Some(name) = path.file_name() else {
            return Err(FileError::new(&path, &"it has no file name", "name a file"));
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            let problem = format!("there is no folder {}", file_name(folder));
            return Err(FileError::new(&path, &problem, "make that folder first, or name a file in another one"));
        }
        let prefix = format!(".{}.", name.to_string_lossy());
        sweep(folder, &prefix);
        let suffix = RandomState::new().build_hasher().finish();
        let temporary = folder.join(format!("{prefix}{suffix:016x}.tmp"));
        let opened = OpenOptions::new().write(true).create_new(true).open(&temporary);
        let file = opened.map_err(|error| {
            let problem = format!("no file can be made in {}: {error}", file_name(folder));
            FileError::new(&path, &problem, "name a file in a folder that is writable")
        })?;
        // The lock is held until this process ends, however it ends, so that no other process removes the file as a
        // leftover.
        drop(file.try_lock());
        Ok(Self { file, temporary, path })
    }

    pub(super) fn write(mut self, text: &str) -> Result<(), FileError> {
        let writing = self.file.write_all(text.as_bytes());
        writing.map_err(|error| FileError::new(&self.path, &error, "the file is as it was before"))?;
        self.commit()
    }

    fn commit(self) -> Result<(), FileError> {
        let whole = self.file.sync_all();
        whole.map_err(|error| FileError::new(&self.path, &error, "the file is as it was before"))?;
        let replaced = fs::rename(&self.temporary, &self.path).or_else(|error| match error.kind() {
            // A file that is mounted into a container cannot be replaced, only written.
            io::ErrorKind::ResourceBusy | io::ErrorKind::CrossesDevices => {
                fs::copy(&self.temporary, &self.path).map(drop)
            }
            _ => Err(error),
        });
        replaced.map_err(|error| FileError::new(&self.path, &error, "name another file"))
    }
}

/// The path at which a new file is made: where a link leads that has no file at its end, as a shell's `>` does it.
/// Otherwise the rename would put a file in the place of the link.
fn end_of_links(path: &Path) -> io::Result<PathBuf> {
    /// The most links that Linux follows.
    const LINKS: usize = 40;
    let mut end = path.to_owned();
    for _ in 0..=LINKS {
        if !end.is_symlink() {
            return Ok(end);
        }
        let target = end.read_link()?;
        end = end.parent().unwrap_or(Path::new("")).join(target);
    }
    Err(io::Error::other("its links lead in a circle"))
}

/// Removes the temporary files that killed processes left of this file. One that is younger than a minute stays: its
/// process may be about to lock it.
fn sweep(folder: &Path, prefix: &str) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let middle = name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(".tmp"));
        if !middle.is_some_and(|middle| middle.len() == 16 && middle.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            continue;
        }
        let age = entry.metadata().and_then(|found| found.modified()).ok().and_then(|time| time.elapsed().ok());
        let is_dead = || File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok());
        if age.is_some_and(|age| age > Duration::from_mins(1)) && is_dead() {
            drop(fs::remove_file(entry.path()));
        }
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        // After a rename there is nothing to remove, and no caller could handle a failure.
        drop(fs::remove_file(&self.temporary));
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::StreamSink;
    use super::super::tests::sample;
    use super::*;

    fn report(path: &Path) -> FiledReport {
        let file = ReportFile::open(path).expect("writable");
        file.report(|out| Box::new(StreamSink::new(out))).expect("a report")
    }

    fn names_in(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
        names.map(|name| name.to_string_lossy().into_owned()).collect()
    }

    #[rstest]
    #[case::a_folder(".", "it is a folder; name a file in it")]
    #[case::missing_folder("missing/run.json", "make that folder first")]
    #[case::file_as_folder("file/run.json", "make that folder first")]
    fn a_path_that_cannot_be_written_is_found_before_the_run(#[case] path: &str, #[case] advice: &str) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("file"), "").expect("a file");
        let path = folder.path().join(path);
        let error = ReportFile::open(&path).expect_err("it cannot be written").to_string();
        assert!(error.contains(&file_name(&path)) && error.contains(advice), "{error}");
    }

    #[test]
    fn a_report_replaces_the_old_one_only_when_it_is_finished() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("run.jsonl");
        fs::write(&path, "old").expect("an old report");
        let mut report = report(&path);
        report.hear(&sample::events()[0]).expect("heard");
        assert_eq!(fs::read_to_string(&path).expect("still there"), "old");
        report.finish().expect("finished");
        assert!(fs::read_to_string(&path).expect("replaced").starts_with(r#"{"event":"run""#));
        assert_eq!(names_in(folder.path()), ["run.jsonl"]);
    }

    #[test]
    fn a_report_that_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("run.jsonl");
        drop(report(&path));
        assert_eq!(names_in(folder.path()), Vec::<String>::new());
    }

    #[test]
    fn what_killed_processes_left_of_a_report_is_removed_by_the_next_one() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let long_ago = std::time::SystemTime::now() - Duration::from_hours(1);
        let leave = |name: &str, time: Option<std::time::SystemTime>| {
            let file = File::create(folder.path().join(name)).expect("a file");
            time.map(|time| file.set_modified(time)).transpose().expect("a time");
            file
        };
        leave(".run.json.0123456789abcdef.tmp", Some(long_ago));
        let files_kept = [
            ".run.json.1123456789abcdef.tmp",
            ".run.json.2123456789abcdef.tmp",
            ".run.json.notes.tmp",
            ".other.json.0123456789abcdef.tmp",
        ];
        leave(files_kept[0], None);
        let locked = leave(files_kept[1], Some(long_ago));
        locked.lock().expect("a lock");
        leave(files_kept[2], Some(long_ago));
        leave(files_kept[3], Some(long_ago));
        let file = AtomicFile::create(&folder.path().join("run.json")).expect("writable");
        file.write("a report").expect("written");
        let mut names = names_in(folder.path());
        names.sort();
        let mut expected: Vec<_> = files_kept.into_iter().chain(["run.json"]).collect();
        expected.sort_unstable();
        assert_eq!(names, expected);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_a_device_a_device() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (path, link) = (folder.path().join("run.jsonl"), folder.path().join("link"));
        fs::write(&path, "old").expect("an old report");
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        for path in [link.as_path(), Path::new("/dev/null")] {
            report(path).finish().expect("finished");
        }
        assert!(link.is_symlink() && !Path::new("/dev/null").is_file());
        assert_eq!(fs::read_to_string(&path).expect("replaced"), "");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_file_that_is_missing_stays_and_the_file_is_made_where_it_leads() {
        use std::os::unix::fs::symlink;

        let folder = tempfile::tempdir().expect("a temporary folder");
        let [first, second, missing] = ["first", "second", "missing.jsonl"].map(|name| folder.path().join(name));
        symlink("second", &first).expect("a link");
        symlink(&missing, &second).expect("a link");
        report(&first).finish().expect("finished");
        assert!(first.is_symlink() && second.is_symlink() && missing.is_file());
    }

    #[cfg(unix)]
    #[rstest]
    #[case::circle("link", "in a circle")]
    #[case::missing_folder("missing/run.jsonl", "make that folder first")]
    fn a_link_that_leads_nowhere_is_refused(#[case] target: &str, #[case] expected: &str) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(target, &link).expect("a link");
        let error = ReportFile::open(&link).expect_err("it leads nowhere").to_string();
        assert!(error.contains(expected) && link.is_symlink(), "{error}");
    }
}
