//! The README's worked examples, done as it says: a requirement, a case and a defect, by data alone.

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::Program;

/// A copy of this project's fixtures, to be changed.
struct Fixtures(tempfile::TempDir);

impl Fixtures {
    fn copy() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"), folder.path());
        Self(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Puts an object behind the last one of the list that a file holds.
    fn add(&self, name: &str, object: &str) {
        let text = fs::read_to_string(self.file(name)).expect("the file is there");
        let end = text.rfind(']').expect("it holds a list");
        fs::write(self.file(name), format!("{},\n{object}\n{}", text[..end].trim_end(), &text[end..]))
            .expect("writable");
    }

    fn replace(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.file(name)).expect("the file is there");
        assert!(text.contains(from), "no {from} in {name}");
        fs::write(self.file(name), text.replacen(from, to, 1)).expect("writable");
    }

    fn run(&self, arguments: &[&str]) -> Program {
        let mut all = arguments.to_vec();
        all.extend(["--fixtures", self.0.path().to_str().expect("a UTF-8 path")]);
        Program::new(&all)
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry")) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir(&target).expect("a folder");
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file");
        }
    }
}

/// The JSON blocks of the README's section on adding: requirement, case, defect.
fn blocks() -> [String; 3] {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("the README");
    let section = readme.split("## Adding a requirement, a case, a defect").nth(1).expect("the section");
    let section = section.split("\n## ").next().expect("its end");
    let blocks: Vec<_> = section
        .split("```json\n")
        .skip(1)
        .map(|block| block.split("```").next().unwrap_or_default().to_owned())
        .collect();
    blocks.try_into().expect("three blocks")
}

#[test]
fn the_worked_examples_add_a_requirement_a_case_and_a_defect_by_data_alone() {
    let fixtures = Fixtures::copy();
    let [requirement, case, defect] = blocks();
    fixtures.add("requirements.json", &requirement);
    fixtures.run(&["validate"]).finish().expect(5, &["requirements.json at /requirements/", "no case cites GC-WG-09"]);
    fixtures.add("server/parameters.json", &case);
    fixtures.run(&["validate"]).finish().expect(5, &["no defect breaks GC-WG-09"]);
    fixtures.add("defects/names.json", &defect);
    fixtures.run(&["validate"]).finish().expect(0, &["all fixtures are valid"]);
    fixtures
        .run(&["selftest", "underscore-not-found"])
        .finish()
        .expect(0, &["1 of 1 defects found", "1 of 1 blamed on what they break"]);
}

#[test]
fn a_reply_that_no_case_gives_is_an_orphan() {
    let fixtures = Fixtures::copy();
    fs::copy(fixtures.file("replies/not-found.json"), fixtures.file("replies/unused.json")).expect("a file");
    fixtures.run(&["validate"]).finish().expect(5, &["replies/unused.json", "no case is answered with it"]);
}

#[test]
fn a_body_that_its_encoding_cannot_write_is_refused_with_its_place() {
    let fixtures = Fixtures::copy();
    fixtures.replace("server/protocol.json", r#"\"x\":\"\u00ff\"}"#, r#"\"x\":\"\u0100\"}"#);
    fixtures
        .run(&["validate"])
        .finish()
        .expect(5, &["server/protocol.json at /cases/", "a character that its encoding lacks"]);
}

#[test]
fn steps_at_the_same_time_are_more_than_one() {
    let fixtures = Fixtures::copy();
    fixtures.replace(
        "server/success.json",
        r#""requirements": ["GC-DB-01"],"#,
        r#""requirements": ["GC-DB-01"], "together": true,"#,
    );
    let done = fixtures.run(&["validate"]).finish();
    done.expect(5, &["server/success.json at /cases/2/together", "expected several steps"]);
}
