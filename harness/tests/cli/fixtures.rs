use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A copy of the project's fixtures, to be changed with [`Self::change`] and [`Self::add`]. A file that was not changed is
/// the project's own, under a second name: a hundred tests make such a copy, and new files take time.
pub(crate) struct Fixtures(tempfile::TempDir);

impl Fixtures {
    pub(crate) fn copy() -> Self {
        fn copy(from: &Path, to: &Path) {
            fs::create_dir_all(to).expect("a writable folder");
            for entry in fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry")) {
                let target = to.join(entry.file_name());
                if entry.path().is_dir() {
                    copy(&entry.path(), &target);
                } else if fs::hard_link(entry.path(), &target).is_err() {
                    // The two folders may be on two disks.
                    fs::copy(entry.path(), target).expect("a file");
                }
            }
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"), folder.path());
        Self(folder)
    }

    /// A copy with one text of one file replaced.
    pub(crate) fn with(file: &str, old: &str, new: &str) -> Self {
        let fixtures = Self::copy();
        fixtures.change(file, |text| {
            assert!(text.contains(old), "{file} has no {old}");
            text.replacen(old, new, 1)
        });
        fixtures
    }

    /// The folder, as an argument.
    pub(crate) fn folder(&self) -> &str {
        self.0.path().to_str().expect("a text")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn change(&self, name: &str, change: impl FnOnce(&str) -> String) {
        let text = self.read(name);
        // The project's own file stays as it is.
        fs::remove_file(self.file(name)).expect("the folder can be written to");
        self.add(name, &change(&text));
    }

    /// Writes a file that is not there yet.
    pub(crate) fn add(&self, name: &str, text: &str) {
        let file = fs::File::create_new(self.file(name));
        file.and_then(|mut file| file.write_all(text.as_bytes())).unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    /// The text of a file.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).expect("the file is there")
    }

    pub(crate) fn change_json(&self, name: &str, change: impl FnOnce(&mut Value)) {
        self.change(name, |text| {
            let mut document = serde_json::from_str(text).expect("JSON");
            change(&mut document);
            document.to_string()
        });
    }
}
