//! Which module may use which: reads the `use crate::` lines and every other `crate::` path.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rstest::rstest;

/// The modules of the library and what each may use of ours, tests aside.
const MAY_USE: [(&str, &[&str]); 18] = [
    ("contract", &[]),
    ("wire", &[]),
    ("record", &[]),
    ("verdict", &["contract", "record"]),
    ("corpus", &["contract", "record"]),
    ("judge", &["contract", "corpus", "record", "verdict", "wire"]),
    ("targets", &["contract", "wire"]),
    ("servers/emulator", &["wire"]),
    ("servers/defects", &["contract", "corpus", "wire"]),
    ("servers/mock", &["contract", "corpus", "wire"]),
    ("servers/script", &["corpus", "record", "wire"]),
    ("servers", &["wire"]),
    ("run", &["contract", "corpus", "judge", "targets", "verdict", "wire"]),
    ("sdk", &["contract", "corpus", "judge", "record", "servers", "verdict", "wire"]),
    ("report", &["contract", "corpus", "record", "verdict", "wire"]),
    ("selftest", &["contract", "corpus", "judge", "run", "servers", "targets", "verdict", "wire"]),
    ("trials", &["contract", "corpus", "judge", "run", "targets", "verdict", "wire"]),
    (
        "cli",
        &[
            "contract", "corpus", "judge", "record", "report", "run", "sdk", "selftest", "servers", "targets",
            "trials", "verdict", "wire",
        ],
    ),
];

fn harness() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("harness")
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be listed") {
        let path = entry.expect("the folder can be listed").path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The module of a file: the longest name of the table that its path begins with.
fn module_of(file: &Path) -> Option<&'static str> {
    let path = file.strip_prefix(harness()).expect("a file of the library").with_extension("");
    MAY_USE
        .iter()
        .map(|(module, _)| *module)
        .filter(|module| path.starts_with(module))
        .max_by_key(|module| module.len())
}

/// A file's text without comments and without its tests.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("a source file is text");
    let production = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    production.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The modules that a text names behind `crate::`.
fn used(text: &str) -> BTreeSet<String> {
    text.split("crate::")
        .skip(1)
        .map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect())
        .collect()
}

fn is_test(file: &Path) -> bool {
    file.components().any(|part| part.as_os_str() == "tests") || file.ends_with("tests.rs")
}

#[test]
fn every_module_uses_only_what_its_layer_may() {
    let mut faults = Vec::new();
    let mut read = 0;
    for file in sources(&harness()).into_iter().filter(|file| !is_test(file)) {
        let Some(module) = module_of(&file) else { continue };
        read += 1;
        let (_, allowed) = MAY_USE.iter().find(|(name, _)| *name == module).expect("the module is in the table");
        let own = module.split('/').next().unwrap_or(module);
        for name in used(&code(&file)) {
            if name != own && !allowed.contains(&name.as_str()) {
                faults.push(format!("{} uses {name}; {module} may use {allowed:?}", file.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(read > 40, "only {read} files were read");
}

#[test]
fn the_emulator_never_sees_fixtures_or_schemas() {
    for file in sources(&harness().join("servers/emulator")) {
        let text = code(&file);
        for forbidden in ["fixtures", "schemas", "jsonschema", "include_str", "include_dir"] {
            assert!(!text.contains(forbidden), "{} mentions {forbidden}", file.display());
        }
    }
}

#[test]
fn the_judge_has_no_clock_no_environment_and_no_network() {
    for file in sources(&harness().join("judge")).into_iter().filter(|file| !is_test(file)) {
        let text = code(&file);
        for forbidden in
            ["async ", "Timestamp::now", "SystemTime", "Instant", "std::env", "std::net", "tokio", "reqwest"]
        {
            assert!(!text.contains(forbidden), "{} mentions {forbidden}", file.display());
        }
    }
}

#[rstest]
#[case("use crate::wire::Secret;", &["wire"])]
#[case("let x = crate::judge::Judge::new();", &["judge"])]
#[case("use super::wire;", &[])]
fn a_use_of_a_module_is_seen(#[case] text: &str, #[case] expected: &[&str]) {
    assert_eq!(used(text).iter().map(String::as_str).collect::<Vec<_>>(), expected);
}
