//! Which module may use which: reads every path of ours in every file, in `use` lines and elsewhere.

mod document_links;
mod service_names;
mod source;

use std::fs;
use std::path::{Path, PathBuf};

use rstest::rstest;

use source::Source;

/// The modules of both libraries and what each may use of ours, tests aside; besides `text`, which shows what others
/// wrote, and `files`, which opens what others name.
const MAY_USE: [(&str, &[&str]); 26] = [
    ("text", &[]),
    ("files", &[]),
    ("contract", &[]),
    ("wire", &["contract"]),
    ("sdk/record", &[]),
    ("verdict", &["contract", "sdk/record", "wire"]),
    ("corpus", &["contract"]),
    ("recording", &["contract", "corpus", "verdict", "wire"]),
    ("judge", &["contract", "corpus", "verdict", "wire"]),
    ("targets", &["contract", "verdict", "wire"]),
    ("servers/emulator", &["servers/host", "servers/postgres", "wire"]),
    ("servers/defects", &["contract", "corpus", "servers/postgres", "wire"]),
    ("servers/mock", &["contract", "corpus", "recording", "servers/host", "wire"]),
    ("servers", &["wire"]),
    ("run", &["contract", "corpus", "judge", "targets", "verdict", "wire"]),
    ("report", &["contract", "corpus", "verdict", "wire"]),
    (
        "evidence",
        &["contract", "corpus", "judge", "recording", "report", "run", "servers", "targets", "verdict", "wire"],
    ),
    ("doctor", &["contract", "corpus", "report", "run", "targets", "verdict", "wire"]),
    ("sdk/cases", &["contract", "corpus", "sdk/record", "wire"]),
    ("sdk/script", &["contract", "sdk/cases", "sdk/record", "wire"]),
    ("sdk/judge", &["contract", "judge", "report", "sdk/cases", "sdk/record", "verdict"]),
    ("sdk/diff", &["report", "sdk/cases", "sdk/drivers", "sdk/record", "verdict", "wire"]),
    ("sdk", &["contract", "corpus", "judge", "report", "run", "sdk", "verdict", "wire"]),
    ("selftest", &["contract", "corpus", "judge", "report", "run", "servers", "targets", "verdict", "wire"]),
    ("trials", &["contract", "corpus", "judge", "report", "run", "targets", "verdict", "wire"]),
    (
        "cli",
        &[
            "contract",
            "corpus",
            "doctor",
            "evidence",
            "judge",
            "recording",
            "report",
            "run",
            "sdk",
            "selftest",
            "servers",
            "targets",
            "trials",
            "verdict",
            "wire",
        ],
    ),
];

fn harness() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("harness")
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    files(folder, "rs")
}

/// The files in a folder, at any depth, whose names end so.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be listed") {
        let path = entry.expect("the folder can be listed").path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Where `countersign-core` is. `countersign` has its modules under the same names.
fn core() -> PathBuf {
    harness().join("core")
}

/// A file of a library, from the library's root.
fn in_its_library(file: &Path) -> &Path {
    file.strip_prefix(core()).or_else(|_| file.strip_prefix(harness())).expect("a file of a library")
}

/// The path of a file's module, from the crate's root.
fn path_of(file: &Path) -> Vec<String> {
    let path = in_its_library(file).with_extension("");
    let mut parts: Vec<String> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    parts.pop_if(|part| part == "mod");
    parts
}

/// The row of the table for a path: the one with the longest name that the path begins with.
fn row_of(path: &[impl AsRef<str>]) -> Option<&'static (&'static str, &'static [&'static str])> {
    MAY_USE.iter().filter(|(module, _)| is_in(path, module)).max_by_key(|(module, _)| module.len())
}

/// Whether a path begins with a module such as `servers/emulator`.
fn is_in(path: &[impl AsRef<str>], module: &str) -> bool {
    let mut parts = path.iter().map(AsRef::as_ref);
    module.split('/').all(|name| parts.next() == Some(name))
}

/// What a source names that its module may not use; nothing for a module that is not in the table.
fn faults(module: &[&str], source: &Source) -> Vec<String> {
    let Some((own, allowed)) = row_of(module) else { return Vec::new() };
    let may_use = |path: &[String]| {
        row_of(path).is_some_and(|(name, _)| name == own)
            || ["files", "text"].iter().any(|name| is_in(path, name))
            || allowed.iter().any(|name| is_in(path, name))
    };
    let fault = |path: Vec<String>| format!("uses {}; {own} may use {allowed:?}", path.join("::"));
    source.paths(module).into_iter().filter(|path| !may_use(path)).map(fault).collect()
}

fn read(file: &Path) -> Source {
    Source::of(&fs::read_to_string(file).expect("a source file is text"))
}

fn is_test(file: &Path) -> bool {
    file.components().any(|part| part.as_os_str() == "tests") || file.ends_with("tests.rs")
}

#[test]
fn every_module_uses_only_what_its_layer_may() {
    let mut found = Vec::new();
    let mut seen = 0;
    for file in sources(&harness()).into_iter().filter(|file| !is_test(file)) {
        let path = path_of(&file);
        let module: Vec<&str> = path.iter().map(String::as_str).collect();
        seen += usize::from(row_of(&module).is_some());
        found.extend(
            faults(&module, &read(&file)).into_iter().map(|fault| format!("{} {fault}", file.to_string_lossy())),
        );
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(seen > 40, "only {seen} files were read");
}

#[rstest]
#[case::the_emulator_never_sees_fixtures_or_schemas(
    &["core/servers/emulator"],
    &["fixtures", "schemas", "jsonschema", "include_str", "include_dir"]
)]
#[case::the_judge_has_no_clock_no_environment_and_no_network(
    &["judge", "sdk/judge"],
    &["async ", "Timestamp::now", "SystemTime", "Instant", "std::env", "std::net", "tokio", "reqwest"]
)]
fn some_code_names_nothing_of_this(#[case] folders: &[&str], #[case] forbidden: &[&str]) {
    let files = folders.iter().flat_map(|folder| sources(&harness().join(folder)));
    for file in files.filter(|file| !is_test(file)) {
        let text = read(&file).text();
        for word in forbidden {
            assert!(!text.contains(word), "{} mentions {word}", file.to_string_lossy());
        }
    }
}

#[rstest]
#[case::from_the_root("use crate::wire::Secret;", &["wire::Secret"])]
#[case::in_the_code("fn f() { let x = crate::judge::Judge::new(); }", &["judge::Judge::new"])]
#[case::in_a_macro("fn f() { println!(\"{}\", crate::judge::NAME); }", &["judge::NAME"])]
#[case::in_braces("use crate::{run, wire::{self, Secret}};", &["run", "wire", "wire::Secret"])]
#[case::everything("use crate::judge::*;", &["judge"])]
#[case::the_library_below("use countersign_core::{corpus, wire::Secret};", &["corpus", "wire::Secret"])]
#[case::above("use super::mock::Mock;", &["servers::mock::Mock"])]
#[case::above_that("use super::super::judge::Judge;", &["judge::Judge"])]
#[case::above_in_braces("use super::{super::run, host::Host};", &["run", "servers::host::Host"])]
#[case::above_in_the_code("fn f() -> super::script::Script { todo() }", &["servers::script::Script"])]
#[case::below("use self::sigv4::Key;", &["servers::emulator::sigv4::Key"])]
#[case::above_a_module_inside("mod inner { use super::super::mock::Mock; }", &["servers::mock::Mock"])]
#[case::type_arguments("fn f() { crate::wire::take::<u8>(); }", &["wire::take"])]
#[case::a_literal("fn f() { crate::wire::Secret { of: crate::run::NAME } }", &["run::NAME", "wire::Secret"])]
#[case::under_tests_of_a_file("#[cfg(test)]\nmod tests;\n\nuse crate::judge::Judge;", &["judge::Judge"])]
#[case::under_a_function_for_tests("#[cfg(test)]\nfn f() {}\nuse crate::judge::Judge;", &["judge::Judge"])]
#[case::under_a_use_for_tests("#[cfg(test)]\nuse crate::{corpus};\nuse crate::judge::Judge;", &["judge::Judge"])]
#[case::in_tests("#[cfg(test)]\nmod tests { use crate::judge::Judge; }", &[])]
#[case::in_comments("//! `crate::judge`\n/// See [`crate::judge`].\n// crate::judge\nfn f() {}", &[])]
#[case::in_a_string("const NAME: &str = \"crate::judge\";", &[])]
#[case::visibility("pub(crate) mod a; pub(super) mod b;", &[])]
#[case::a_receiver("fn f(&self) { self.run(); }", &[])]
fn a_path_of_ours_is_seen_wherever_it_stands(#[case] text: &str, #[case] expected: &[&str]) {
    let paths = Source::of(text).paths(&["servers", "emulator"]);
    assert_eq!(paths.iter().map(|path| path.join("::")).collect::<Vec<_>>(), expected);
}

#[rstest]
#[case::allowed(&["judge", "rules"], "use crate::wire::Exchange; use super::Judge;", 0)]
#[case::own(&["servers", "emulator", "login"], "use crate::servers::emulator::Options; use super::Options;", 0)]
#[case::not_allowed(&["judge"], "use crate::run::Session;", 1)]
#[case::a_sibling(&["servers", "emulator"], "use crate::servers::{defects::Layer, mock::Mock, script::Script};", 3)]
#[case::a_sibling_by_its_parent(&["servers", "emulator", "login"], "use super::super::mock::Mock;", 1)]
#[case::the_parent(&["servers", "emulator"], "use crate::servers;", 1)]
#[case::everything_of_the_parent(&["servers", "emulator"], "use super::*;", 1)]
#[case::above_the_root(&["wire"], "fn f() { super::judge::judge(); }", 1)]
#[case::everything(&["wire"], "use crate::*;", 1)]
#[case::the_root_renamed(&["wire"], "use crate as all; fn f() { all::judge::judge(); }", 1)]
#[case::what_a_parent_shares(&["servers", "emulator", "http"], "use crate::servers::host::Host;", 0)]
#[case::unknown(&["wire"], "use crate::nowhere::Thing;", 1)]
fn a_path_that_leaves_its_layer_is_a_fault(#[case] module: &[&str], #[case] text: &str, #[case] count: usize) {
    let faults = faults(module, &Source::of(text));
    assert_eq!(faults.len(), count, "{faults:?}");
}
