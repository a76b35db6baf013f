//! The journal of what cases make: written before a call is sent that makes something, so that a run which is killed
//! leaves a list of what it left behind.
//!
//! Each run has a file of its own in the user's state folder, or the file that `--leftovers` names. The file is locked
//! as long as the run goes on, and removed when nothing is left. It holds names, and no secrets.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::text::{file_name, foreign};
use crate::verdict::Leftover;

/// The largest journal that is read, in bytes.
const LARGEST: u64 = 16 << 20;

/// The ending of the files in the state folder.
const ENDING: &str = "jsonl";

/// The number of an entry in the journal of one run.
pub(crate) type EntryId = u64;

/// One line of a journal.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Line {
    /// This is about to be made.
    Made { id: EntryId, version: u32, thing: Box<Leftover> },
    /// It is there: the target said so.
    Confirmed { id: EntryId },
    /// It is gone.
    Gone { id: EntryId },
}

/// A journal that cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// There is no folder for it.
    #[error("there is no folder for what runs leave behind: set XDG_STATE_HOME or HOME to a folder")]
    NoFolder,
    /// The file cannot be opened, written or read.
    #[error("{file}: {error}")]
    File {
        /// The file.
        file: String,
        /// Why.
        error: std::io::Error,
    },
    /// Another run has it open.
    #[error("{0}: another run writes it now")]
    Taken(String),
    /// A line is not of this format.
    #[error("{file}, line {line}: {error}")]
    Line {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        error: String,
    },
}

/// Where it is written down what a run makes. Nothing is opened before something is made.
#[derive(Debug)]
pub struct Journal {
    place: Place,
    open: Mutex<Option<Open>>,
}

#[derive(Clone, Debug)]
enum Place {
    /// A new file in the state folder.
    StateFolder,
    /// This file.
    File(PathBuf),
    /// No file.
    Memory,
}

#[derive(Debug)]
struct Open {
    path: PathBuf,
    /// `None` for a journal in memory.
    file: Option<File>,
    next: EntryId,
    /// The entries that are not gone.
    left: BTreeMap<EntryId, Entry>,
}

impl Drop for Open {
    /// A process that begins in this moment has the file open too, until it runs its own program. The lock ends now.
    fn drop(&mut self) {
        drop(self.file.as_ref().map(File::unlock));
    }
}

/// Something that is not gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) thing: Leftover,
    /// Whether nobody knows if it was made: the run ended before the answer came.
    pub(crate) in_doubt: bool,
}

impl Default for Journal {
    fn default() -> Self {
        Self { place: Place::StateFolder, open: Mutex::default() }
    }
}

impl Journal {
    /// A journal in this file. What it holds already stays.
    pub fn at(file: PathBuf) -> Self {
        Self { place: Place::File(file), open: Mutex::default() }
    }

    /// A journal in no file, for a target that ends with this process: what is made there ends with it.
    pub fn in_memory() -> Self {
        Self { place: Place::Memory, open: Mutex::default() }
    }

    /// Writes down that this is about to be made.
    pub(crate) fn add(&self, thing: &Leftover) -> Result<EntryId, JournalError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let open = match &mut *open {
            Some(open) => open,
            none => none.insert(self.place.open()?),
        };
        let id = open.next;
        open.next += 1;
        open.write(&Line::Made { id, version: 1, thing: Box::new(thing.clone()) })?;
        open.left.insert(id, Entry { thing: thing.clone(), in_doubt: true });
        Ok(id)
    }

    /// Writes down that an entry is there: the target said so.
    pub(crate) fn confirm(&self, id: EntryId) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = &mut *open else { return };
        if let Some(entry) = open.left.get_mut(&id) {
            entry.in_doubt = false;
        }
        if let Err(error) = open.write(&Line::Confirmed { id }) {
            // A clean-up then takes a moment longer.
            tracing::warn!(%error, "the journal is not current");
        }
    }

    /// Writes down what is known of an entry by now.
    #[cfg(feature = "cli")]
    pub(crate) fn update(&self, id: EntryId, thing: &Leftover) -> Result<(), JournalError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = &mut *open else { return Ok(()) };
        open.left.insert(id, Entry { thing: thing.clone(), in_doubt: true });
        open.write(&Line::Made { id, version: 1, thing: Box::new(thing.clone()) })
    }

    /// Writes down that an entry is gone. Removes the file where nothing is left.
    pub(crate) fn remove(&self, entry: EntryId) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(journal) = &mut *open else { return };
        journal.left.remove(&entry);
        let written = if journal.left.is_empty() {
            let removed = journal.remove_file();
            *open = None;
            removed
        } else {
            journal.write(&Line::Gone { id: entry })
        };
        if let Err(error) = written {
            // The entry is then deleted once more by a clean-up, which finds nothing.
            tracing::warn!(%error, "the journal is not current");
        }
    }
}

impl Place {
    fn open(&self) -> Result<Open, JournalError> {
        match self {
            Self::StateFolder => {
                let folder = state_folder().ok_or(JournalError::NoFolder)?;
                create_private(&folder).map_err(|error| file_error(&folder, error))?;
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
                Open::new(folder.join(format!("{now}-{}.{ENDING}", std::process::id())))
            }
            Self::File(path) => Open::new(path.clone()),
            Self::Memory => Ok(Open { path: PathBuf::new(), file: None, next: 1, left: BTreeMap::new() }),
        }
    }
}

impl Open {
    /// Opens a journal, and locks it.
    fn new(path: PathBuf) -> Result<Self, JournalError> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|error| file_error(&path, error))?;
        lock(&path, &file)?;
        let (left, whole) = read(&path, &file)?;
        file.set_len(whole).map_err(|error| file_error(&path, error))?;
        let next = left.keys().next_back().map_or(1, |last| last + 1);
        Ok(Self { path, file: Some(file), next, left })
    }

    fn write(&mut self, line: &Line) -> Result<(), JournalError> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let text = serde_json::to_string(line).unwrap_or_default();
        let written = file.write_all(format!("{text}\n").as_bytes()).and_then(|()| file.sync_data());
        written.map_err(|error| file_error(&self.path, error))
    }

    fn remove_file(&self) -> Result<(), JournalError> {
        if self.file.is_none() {
            return Ok(());
        }
        std::fs::remove_file(&self.path).map_err(|error| file_error(&self.path, error))
    }
}

/// What an earlier run left behind, in one journal. Nobody else can open the journal meanwhile.
#[cfg(feature = "cli")]
#[derive(Debug)]
pub(crate) struct Entries(Open);

/// A journal that was found.
#[cfg(feature = "cli")]
#[derive(Debug)]
pub(crate) enum Found {
    /// It can be worked off.
    Entries(Entries),
    /// The run that writes it goes on.
    Taken(PathBuf),
}

#[cfg(feature = "cli")]
impl Entries {
    /// All journals of the state folder, or the one of this file.
    pub(crate) fn find(file: Option<&Path>) -> Result<Vec<Found>, JournalError> {
        if let Some(path) = file {
            // A file that is not there is a journal of nothing; one must not be made.
            return if path.exists() { Ok(vec![Self::open(path)?]) } else { Ok(Vec::new()) };
        }
        let Some(folder) = state_folder() else { return Ok(Vec::new()) };
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(file_error(&folder, error)),
        };
        let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.retain(|path| path.extension().is_some_and(|ending| ending == ENDING));
        paths.sort();
        paths.iter().map(|path| Self::open(path)).collect()
    }

    fn open(path: &Path) -> Result<Found, JournalError> {
        match Open::new(path.to_owned()) {
            Ok(open) => Ok(Found::Entries(Self(open))),
            Err(JournalError::Taken(_)) => Ok(Found::Taken(path.to_owned())),
            Err(error) => Err(error),
        }
    }

    /// What is left, the last thing first.
    pub(crate) fn left(&self) -> Vec<(EntryId, Entry)> {
        self.0.left.iter().rev().map(|(id, entry)| (*id, entry.clone())).collect()
    }

    /// Writes down that an entry is gone.
    pub(crate) fn remove(&mut self, entry: EntryId) -> Result<(), JournalError> {
        self.0.left.remove(&entry);
        self.0.write(&Line::Gone { id: entry })
    }

    /// Removes the file if nothing is left.
    pub(crate) fn close(self) -> Result<(), JournalError> {
        if !self.0.left.is_empty() {
            return Ok(());
        }
        self.0.remove_file()
    }
}

fn lock(path: &Path, file: &File) -> Result<(), JournalError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(JournalError::Taken(file_name(path))),
        // Some file systems have no locks.
        Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(error)) => Err(file_error(path, error)),
    }
}

/// The entries of a journal that are not gone, and the length of its whole lines. A last line without an end was cut off
/// while it was written: what it is about was not sent.
fn read(path: &Path, file: &File) -> Result<(BTreeMap<EntryId, Entry>, u64), JournalError> {
    let (mut left, mut text, mut whole) = (BTreeMap::new(), String::new(), 0);
    let mut from_start = file;
    let readable = from_start.rewind().and_then(|()| from_start.take(LARGEST).read_to_string(&mut text));
    readable.map_err(|error| file_error(path, error))?;
    for (index, line) in text.split_inclusive('\n').enumerate().filter(|(_, line)| line.ends_with('\n')) {
        whole += line.len() as u64;
        match serde_json::from_str(line) {
            Ok(Line::Made { id, version: 1, thing }) => drop(left.insert(id, Entry { thing: *thing, in_doubt: true })),
            Ok(Line::Confirmed { id }) => left.get_mut(&id).into_iter().for_each(|entry| entry.in_doubt = false),
            Ok(Line::Gone { id }) => drop(left.remove(&id)),
            Ok(Line::Made { version, .. }) => {
                let error = format!("expected version 1, found {version}");
                return Err(JournalError::Line { file: file_name(path), line: index + 1, error });
            }
            Err(error) => {
                let error = foreign(&error.to_string());
                return Err(JournalError::Line { file: file_name(path), line: index + 1, error });
            }
        }
    }
    Ok((left, whole))
}

fn file_error(path: &Path, error: std::io::Error) -> JournalError {
    JournalError::File { file: file_name(path), error }
}

/// The folder of the journals.
/// Source: XDG Base Directory Specification; Windows' known folders.
fn state_folder() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("XDG_STATE_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| variable("LOCALAPPDATA"))
        .or_else(|| Some(variable("HOME")?.join(".local/state")))
        .map(|folder| folder.join("countersign/leftovers"))
}

fn create_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thing(name: &str) -> Leftover {
        let text = str::to_owned;
        Leftover {
            noun: text("thing"),
            name: text(name),
            case: text("a/b"),
            undone_by: text("DeleteThing"),
            input: BTreeMap::from([(text("name"), text(name))]),
            endpoint: text("http://localhost/"),
            region: text("us-east-1"),
            hook: None,
        }
    }

    #[test]
    fn a_journal_is_free_as_soon_as_it_is_dropped_whoever_has_the_file_open() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("journal");
        let first = Open::new(path.clone()).expect("nobody has it");
        let in_a_child = first.file.as_ref().map(|file| file.try_clone().expect("it can be opened twice"));
        assert!(matches!(Open::new(path.clone()), Err(JournalError::Taken(_))));
        drop(first);
        Open::new(path).expect("nobody has it any more");
        drop(in_a_child);
    }

    fn names(path: &Path) -> Vec<String> {
        let (left, _) = read(path, &File::open(path).expect("it is there")).expect("it is readable");
        left.into_values().map(|entry| entry.thing.name).collect()
    }

    #[test]
    fn a_journal_holds_what_is_not_gone_and_is_removed_with_the_last_of_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("left.jsonl");
        let journal = Journal::at(path.clone());
        assert!(!path.exists());
        let first = journal.add(&thing("one")).expect("it is written");
        let second = journal.add(&thing("two")).expect("it is written");
        assert_eq!(names(&path), ["one", "two"]);
        assert!(matches!(Journal::at(path.clone()).add(&thing("three")), Err(JournalError::Taken(_))));
        journal.remove(first);
        assert_eq!(names(&path), ["two"]);
        journal.remove(second);
        assert!(!path.exists());
        journal.add(&thing("four")).expect("it is written anew");
        assert_eq!(names(&path), ["four"]);
    }

    #[test]
    fn a_journal_in_memory_numbers_its_entries_and_has_no_file() {
        let journal = Journal::in_memory();
        let ids = [journal.add(&thing("one")), journal.add(&thing("two"))].map(|id| id.expect("it is noted"));
        assert_ne!(ids[0], ids[1]);
        for id in ids {
            journal.remove(id);
        }
        assert!(journal.open.lock().expect("nobody has it").is_none());
    }

    #[test]
    fn what_an_earlier_run_left_stays_and_a_line_that_was_cut_off_counts_for_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("left.jsonl");
        let killed = Journal::at(path.clone());
        killed.add(&thing("one")).expect("it is written");
        drop(killed);
        let text = std::fs::read_to_string(&path).expect("it is there");
        std::fs::write(&path, format!("{text}{}", &text[..text.len() / 2])).expect("writable");
        assert_eq!(names(&path), ["one"]);
        std::fs::write(&path, format!("{text}no JSON\n")).expect("writable");
        let error = Journal::at(path).add(&thing("two")).expect_err("a line is wrong").to_string();
        assert!(error.contains("line 2"), "{error}");
    }

    #[test]
    fn what_the_target_said_is_there_is_in_no_doubt() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("left.jsonl");
        let journal = Journal::at(path.clone());
        let first = journal.add(&thing("one")).expect("it is written");
        journal.add(&thing("two")).expect("it is written");
        journal.confirm(first);
        let (left, _) = read(&path, &File::open(&path).expect("it is there")).expect("it is readable");
        let doubts: Vec<_> = left.into_values().map(|entry| (entry.thing.name, entry.in_doubt)).collect();
        assert_eq!(doubts, [("one".to_owned(), false), ("two".to_owned(), true)]);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_a_journal() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("left.jsonl");
        Journal::at(path.clone()).add(&thing("one")).expect("it is written");
        assert_eq!(std::fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
    }
}
