//! Reads and writes the files of recordings.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::format::{RecordedAnswer, RecordedBody, Recording, Shape, VERSION};
use crate::contract::{LoadError, parse};
use crate::corpus::Corpus;
use crate::files::read_text;
use crate::text::{did_you_mean, file_name, foreign};

/// The largest recording, in bytes; a right answer has less than a thousand.
const LARGEST: usize = 2 << 20;

/// The most files that are read. The suite has about a thousand cases.
const MOST_FILES: usize = 20_000;

/// How deep folders are read: a suite, a case, the member of a family.
const DEEPEST: usize = 4;

/// The most characters of all texts of an answer.
const MOST_CHARACTERS: usize = 1 << 20;

/// Why recordings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FolderError {
    /// A file is no recording of this suite.
    #[error("{0}")]
    File(#[from] LoadError),
    /// The folder cannot be read.
    #[error("cannot read the recordings in {folder}: {why}")]
    Unreadable {
        /// The folder.
        folder: String,
        /// Why not.
        why: String,
    },
}

/// The recordings in a folder, by the id of their case.
#[derive(Clone, Debug, Default)]
pub struct RecordingFolder {
    /// The folder.
    pub root: PathBuf,
    recordings: BTreeMap<String, Recording>,
    /// Those of cases that hold in other revisions of the documents only.
    elsewhere: BTreeMap<String, Recording>,
}

/// The path of the file of a case below the folder: `parameters/duration-outside/899.json`. Capitals and signs stand as
/// `%41`, since some file systems do not tell letter case.
pub fn path_of(case: &str) -> PathBuf {
    let part = |part: &str| {
        let mut name = String::new();
        for (index, byte) in part.bytes().enumerate() {
            let is_plain = byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
            if is_plain || (byte == b'.' && index > 0) {
                name.push(char::from(byte));
            } else {
                let _ = write!(name, "%{byte:02X}");
            }
        }
        name
    };
    let parts: Vec<String> = case.split('/').map(part).collect();
    PathBuf::from(format!("{}.json", parts.join("/")))
}

impl RecordingFolder {
    /// Reads and checks every recording in a folder. Those of cases that hold in other revisions of the documents only are
    /// put aside: a folder may have recordings by several revisions.
    ///
    /// # Errors
    /// When the folder cannot be read, or a file is not strict JSON, not a recording, or not of a case of this suite.
    pub fn load(root: &Path, corpus: &Corpus) -> Result<Self, FolderError> {
        let unreadable = |error: &dyn std::fmt::Display| FolderError::Unreadable {
            folder: file_name(root),
            why: foreign(&error.to_string()),
        };
        let mut files = Vec::new();
        find(root, DEEPEST, &mut files).map_err(|error| unreadable(&error))?;
        files.sort();
        let mut found = Self { root: root.to_owned(), ..Self::default() };
        for file in files {
            let recording = read(root, &file, corpus)?;
            let is_elsewhere = corpus.get(&recording.case).is_none();
            let kind = if is_elsewhere { &mut found.elsewhere } else { &mut found.recordings };
            kind.insert(recording.case.clone(), recording);
        }
        Ok(found)
    }

    /// The same for a folder that need not be there yet.
    ///
    /// # Errors
    /// Those of [`RecordingFolder::load`].
    pub fn load_or_new(root: &Path, corpus: &Corpus) -> Result<Self, FolderError> {
        if root.exists() { Self::load(root, corpus) } else { Ok(Self { root: root.to_owned(), ..Self::default() }) }
    }

    /// The recordings, by the id of their case.
    pub fn recordings(&self) -> &BTreeMap<String, Recording> {
        &self.recordings
    }

    /// The recordings of cases that hold in other revisions of the documents only, by the id of their case.
    pub fn elsewhere(&self) -> &BTreeMap<String, Recording> {
        &self.elsewhere
    }

    /// The recording of a case.
    pub fn get(&self, case: &str) -> Option<&Recording> {
        self.recordings.get(case)
    }

    /// The same folder with those recordings alone that are `wanted`.
    #[must_use]
    pub fn only(mut self, wanted: impl Fn(&Recording) -> bool) -> Self {
        self.recordings.retain(|_, recording| wanted(recording));
        self
    }

    /// The file of a case.
    pub fn file_of(&self, case: &str) -> PathBuf {
        self.root.join(path_of(case))
    }

    /// Writes a recording: its file is whole at any time.
    ///
    /// # Errors
    /// When the file cannot be written.
    ///
    /// # Panics
    /// Never: a recording is JSON.
    pub fn write(&self, recording: &Recording) -> io::Result<()> {
        let file = self.file_of(&recording.case);
        let mut text = serde_json::to_string_pretty(recording).expect("a recording is JSON");
        text.push('\n');
        fs::create_dir_all(file.parent().unwrap_or(&self.root))?;
        // No recording ends like this, so what a killed program leaves is never read.
        let temporary = file.with_extension(format!("json-{}", std::process::id()));
        let written = OpenOptions::new().write(true).create(true).truncate(true).open(&temporary);
        let written = written.and_then(|mut open| open.write_all(text.as_bytes()));
        let replaced = written.and_then(|()| fs::rename(&temporary, &file));
        if replaced.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        replaced
    }
}

/// Finds the JSON files below a folder. A link to a folder is not followed: it may lead back.
fn find(folder: &Path, deepest: usize, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if deepest > 0 {
                find(&path, deepest - 1, found)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
        if found.len() > MOST_FILES {
            let message = format!("expected at most {MOST_FILES} files, found more; is it the right folder?");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
    }
    Ok(())
}

fn read(root: &Path, file: &Path, corpus: &Corpus) -> Result<Recording, LoadError> {
    let name = file_name(file);
    let error = |pointer: &str, message: String| LoadError::new(&name, pointer, message);
    let text = read_text(file).map_err(|why| error("", format!("cannot read the file: {why}")))?;
    if text.len() > LARGEST {
        return Err(error("", format!("expected at most {} MiB, found more", LARGEST >> 20)));
    }
    let recording: Recording = parse(&name, &text)?;
    if recording.version != VERSION {
        let message = format!("expected {VERSION}, found {}; record it anew", recording.version);
        return Err(error("/version", message));
    }
    let case = corpus.get(&recording.case);
    if case.is_none() && !corpus.holds_elsewhere(&recording.case) {
        let near = did_you_mean(&recording.case, corpus.cases().iter().map(|case| case.id.as_str()));
        let message = format!("there is no case \"{}\"{near}; delete the file if the case is gone", recording.case);
        return Err(error("/case", message));
    }
    let place = path_of(&recording.case);
    if file.strip_prefix(root).ok() != Some(&place) {
        let message = format!("expected the recording of {} in {}", recording.case, file_name(&place));
        return Err(error("/case", message));
    }
    if let Some(expected) = case.map(|case| case.calls.len()).filter(|calls| *calls != recording.answers.len()) {
        let found = recording.answers.len();
        let message = format!("expected {expected}, one for each call of the case, found {found}; record it anew");
        return Err(error("/answers", message));
    }
    for (index, answer) in recording.answers.iter().enumerate() {
        check(answer).map_err(|(at, message)| error(&format!("/answers/{index}{at}"), message))?;
    }
    Ok(recording)
}

/// Refuses what no server can send.
fn check(answer: &RecordedAnswer) -> Result<(), (&'static str, String)> {
    if !(200..600).contains(&answer.status) {
        return Err(("/status", format!("expected a status from 200 to 599, found {}", answer.status)));
    }
    let characters = match &answer.body {
        RecordedBody::Json(shape) => characters(shape),
        RecordedBody::Empty | RecordedBody::Text(_) | RecordedBody::Bytes(_) | RecordedBody::Unread => 0,
    };
    if characters > MOST_CHARACTERS {
        let message = format!("expected texts of at most {MOST_CHARACTERS} characters together, found {characters}");
        return Err(("/body", message));
    }
    Ok(())
}

/// How many characters the texts of a shape have.
fn characters(shape: &Shape) -> usize {
    match shape {
        Shape::Null | Shape::Boolean(_) | Shape::Number(_) => 0,
        Shape::Text(text) => text.length.unwrap_or_default(),
        Shape::List(items) => items.iter().map(characters).fold(0, usize::saturating_add),
        Shape::Object(members) => members.values().map(characters).fold(0, usize::saturating_add),
    }
}
