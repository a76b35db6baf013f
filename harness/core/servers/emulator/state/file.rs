//! The file in which the state is saved: `serve emulator --state F`.
//!
//! It is JSON with a `version` and holds no secret. It is replaced as a whole: the new text is written beside it, synced,
//! and renamed. So a process that is killed at any moment leaves the old text or the new one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::phase::Moment;
use super::realm::Realm;
use crate::files;
use crate::servers::emulator::InvalidOptions;
use crate::servers::emulator::errors::ServiceError;
use crate::text::{file_name, foreign};

/// The version of the format that is written, and the only one that is read.
const VERSION: u32 = 1;

/// The file of one emulator. Nobody else may write it meanwhile.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    /// The file that stands at the path, locked as long as the emulator lives.
    locked: Option<File>,
}

impl Drop for StateFile {
    /// A process that begins in this moment has the file open too, until it runs its own program. The lock ends now.
    fn drop(&mut self) {
        drop(self.locked.as_ref().map(File::unlock));
    }
}

/// Why a state is not saved.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsaved {
    #[error("the state has more than {} MiB, which is more than can be loaded again", files::SIZE_LIMIT >> 20)]
    TooLarge,
    #[error("cannot save the state in {}: {error}; make its folder writable, or name another file", file_name(.path))]
    Failed { path: PathBuf, error: io::Error },
}

impl Unsaved {
    /// The answer to the call whose change is not saved, and so not made.
    pub(super) fn refusal(&self) -> ServiceError {
        match self {
            Self::TooLarge => {
                ServiceError::quota_exceeded("This emulator has no room for more. Delete what nobody needs.")
            }
            Self::Failed { .. } => ServiceError::internal("The change is not made, since it cannot be saved."),
        }
    }
}

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    realms: Vec<&'a Realm>,
}

/// What an emulator has, as `serve emulator --state` saves it. It has no secret.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SavedState {
    /// The version of the format: 1.
    #[serde(rename = "version")]
    #[schemars(range(min = 1, max = 1))]
    _version: u32,
    /// What each account has in each region.
    realms: Vec<Realm>,
}

/// The part of the format that every version has.
#[derive(Deserialize)]
struct AnyVersion {
    version: u32,
}

impl StateFile {
    /// Opens the file and reads what is saved in it. If there is none, nothing is saved yet.
    pub(super) fn open(path: &Path, at: Moment) -> Result<(Self, Vec<Realm>), InvalidOptions> {
        // A link stays a link: the file that it points to is replaced.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let mut file = Self { path, locked: None };
        if file.path.is_symlink() {
            return Err(file.invalid("it is a link to a file that is not there; make that file, or name it".to_owned()));
        }
        let found = match fs::metadata(&file.path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((file, Vec::new())),
            Err(error) => return Err(file.invalid(format!("it cannot be read: {error}"))),
        };
        if !found.is_file() {
            return Err(file.invalid("it is no regular file; name another one".to_owned()));
        }
        let opened = OpenOptions::new().read(true).write(true).open(&file.path);
        let opened = opened.map_err(|error| file.invalid(format!("it cannot be opened to write to it: {error}")))?;
        if matches!(opened.try_lock(), Err(TryLockError::WouldBlock)) {
            return Err(file.invalid("another emulator uses it; stop that one, or name another file".to_owned()));
        }
        file.locked = Some(opened);
        let text = files::read_text(&file.path).map_err(|error| file.invalid(format!("it cannot be read: {error}")))?;
        let realms = read(&text, at).map_err(|fault| {
            let advice = "name the file of an earlier `serve emulator --state`, or move this one away to begin anew";
            file.invalid(format!("{fault}; {advice}"))
        })?;
        Ok((file, realms))
    }

    pub(super) fn invalid(&self, problem: String) -> InvalidOptions {
        InvalidOptions::State { path: self.path.clone(), problem }
    }

    /// Saves these realms in place of what is saved.
    pub(super) fn save<'a>(&mut self, realms: impl Iterator<Item = &'a Realm>) -> Result<(), Unsaved> {
        let failed = |error: io::Error| Unsaved::Failed { path: self.path.clone(), error };
        let written = Written { version: VERSION, realms: realms.collect() };
        let mut text = serde_json::to_vec_pretty(&written).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        if text.len() as u64 > files::SIZE_LIMIT {
            return Err(Unsaved::TooLarge);
        }
        self.locked = Some(replace(&self.path, &text).map_err(failed)?);
        Ok(())
    }
}

/// Puts a new file in the place of another one, in one step. Returns the new file, locked.
fn replace(path: &Path, text: &[u8]) -> io::Result<File> {
    let name = path.file_name().ok_or_else(|| io::Error::other("it has no file name"))?;
    let mut temporary = name.to_owned();
    // Whoever was killed here left this file behind. The lock says that nobody writes it now.
    temporary.push(".tmp");
    let temporary = path.with_file_name(temporary);
    if let Err(error) = fs::remove_file(&temporary)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
    // Where files cannot be locked, two emulators are not told apart.
    drop(file.try_lock());
    let written = file.write_all(text).and_then(|()| file.sync_all()).and_then(|()| {
        if let Ok(old) = fs::metadata(path) {
            fs::set_permissions(&temporary, old.permissions())?;
        }
        fs::rename(&temporary, path)
    });
    if let Err(error) = written {
        drop(fs::remove_file(&temporary));
        return Err(error);
    }
    Ok(file)
}

/// The realms in the text of a state file, or what is wrong with it and where.
fn read(text: &str, at: Moment) -> Result<Vec<Realm>, String> {
    let found: AnyVersion = serde_json::from_str(text)
        .map_err(|error| format!("it is no state of an emulator: expected JSON with a version, found: {error}"))?;
    if found.version != VERSION {
        return Err(format!("expected version {VERSION} of the state of an emulator, found version {}", found.version));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let SavedState { mut realms, .. } = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let place = error.path().to_string();
        format!("at {}: {}", foreign(&place), foreign(&error.inner().to_string()))
    })?;
    for (index, realm) in realms.iter_mut().enumerate() {
        realm.revive(at).map_err(|fault| format!("at realms[{index}]: {}", foreign(&fault)))?;
    }
    let is_twice = |(index, realm): (usize, &Realm)| realms[..index].iter().any(|other| other.is_same_place(realm));
    if let Some(index) = realms.iter().enumerate().position(is_twice) {
        return Err(format!("at realms[{index}]: this account and region are there twice"));
    }
    Ok(realms)
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::*;

    #[test]
    fn a_file_is_free_as_soon_as_its_emulator_is_gone_whoever_has_it_open() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("state.json");
        let at = Moment { now: jiff::Timestamp::UNIX_EPOCH, settled: jiff::Timestamp::UNIX_EPOCH };
        let (mut first, _) = StateFile::open(&path, at).expect("there is no file yet");
        first.save(iter::empty()).expect("the folder can be written to");
        let in_a_child = first.locked.as_ref().expect("it is locked").try_clone().expect("it can be opened twice");
        assert!(StateFile::open(&path, at).is_err(), "another emulator uses it");
        drop(first);
        StateFile::open(&path, at).expect("nobody has it any more");
        drop(in_a_child);
    }
}
