//! An installation is made beside the others, and takes its place when it is whole. What fails leaves nothing; what is
//! killed leaves a folder that the next installation removes.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The folder of installations that are being made, in the cache folder.
const STAGING: &str = ".staging";

/// How the name of a lock in it ends.
const LOCK: &str = ".lock";

/// The place where one installation is made. Nobody else makes the same one meanwhile. Dropping it removes what is there.
#[derive(Debug)]
pub(super) struct Staging {
    folder: PathBuf,
    path: PathBuf,
    /// Held as long as the installation is made.
    _lock: File,
}

impl Staging {
    /// Waits until nobody else makes the installation of this name, and gives an empty folder for it.
    pub(super) fn enter(cache: &Path, name: &str) -> io::Result<Self> {
        let folder = cache.join(STAGING);
        let path = folder.join(format!("{name}{LOCK}"));
        let lock = loop {
            let lock = match fs::create_dir_all(&folder).and_then(|()| File::create(&path)) {
                // Who ended meanwhile removed the folder, since it was empty: before it was looked at, or after.
                Err(error) if error.kind() == io::ErrorKind::NotFound || was_gone(&error, &folder) => continue,
                lock => lock?,
            };
            lock.lock()?;
            // Who held the lock removed the file. Then somebody else may hold a newer one.
            if is_at(&lock, &path) {
                break lock;
            }
        };
        let staging = Self { folder: folder.join(name), path, _lock: lock };
        remove(&staging.folder)?;
        Ok(staging)
    }

    /// Where the installation is made.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Moves the whole installation to its place.
    pub(super) fn publish(self, place: &Path) -> io::Result<()> {
        fs::rename(&self.folder, place)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.folder).and_then(|()| fs::remove_file(&self.path)) {
            tracing::debug!(%error, "what was staged is left for the next installation");
        }
        // The folder goes if it is empty.
        drop(self.folder.parent().map(fs::remove_dir));
    }
}

/// Removes what installations left that were killed: those whose lock nobody holds.
pub(super) fn sweep(cache: &Path) {
    let folder = cache.join(STAGING);
    for entry in fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(name) = name.strip_suffix(LOCK) else { continue };
        let path = entry.path();
        let Ok(lock) = File::open(&path) else { continue };
        if lock.try_lock().is_ok() && is_at(&lock, &path) {
            drop(Staging { folder: folder.join(name), path, _lock: lock });
        }
    }
}

/// Whether the folder was there when it was to be made, and gone when it was looked at. It may be there again.
fn was_gone(error: &io::Error, folder: &Path) -> bool {
    let is_no_folder = fs::metadata(folder).is_ok_and(|found| !found.is_dir());
    error.kind() == io::ErrorKind::AlreadyExists && !is_no_folder
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Whether a file that is open is still the one at the path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let of = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    file.metadata().map(of).ok() == fs::metadata(path).map(of).ok()
}

/// A file that is open cannot be removed on this system.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn what_fails_leaves_nothing_and_what_is_whole_takes_its_place() {
        let cache = tempfile::tempdir().expect("a temporary folder");
        let staging = Staging::enter(cache.path(), "a@1").expect("a place");
        fs::create_dir(staging.folder()).expect("a folder");
        drop(staging);
        assert_eq!(names(cache.path()), Vec::<String>::new());
        let staging = Staging::enter(cache.path(), "a@1").expect("a place");
        fs::create_dir(staging.folder()).expect("a folder");
        staging.publish(&cache.path().join("a@1")).expect("it is moved");
        assert_eq!(names(cache.path()), ["a@1"]);
    }

    #[test]
    fn what_was_killed_is_swept_and_what_is_being_made_is_not() {
        let cache = tempfile::tempdir().expect("a temporary folder");
        let live = Staging::enter(cache.path(), "live@1").expect("a place");
        fs::create_dir(live.folder()).expect("a folder");
        let folder = cache.path().join(STAGING);
        fs::create_dir_all(folder.join("dead@1/venv")).expect("a folder");
        fs::write(folder.join("dead@1.lock"), "").expect("a file");
        sweep(cache.path());
        let mut left = names(&folder);
        left.sort();
        assert_eq!(left, ["live@1", "live@1.lock"]);
    }

    #[test]
    fn the_same_installation_is_made_by_one_at_a_time() {
        let cache = tempfile::tempdir().expect("a temporary folder");
        let at_work = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let staging = Staging::enter(cache.path(), "a@1").expect("a place");
                        assert_eq!(at_work.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                        fs::create_dir(staging.folder()).expect("it is empty");
                        at_work.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    }
                });
            }
        });
    }
}
