//! `sdk bisect` and `sdk history`, with a registry of five versions of which one brings a change.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use crate::sdk_commands::{command, text};

/// A `python3` that makes environments, lists and installs versions, and runs the driver of this program, in a way of
/// its own from version 1.2.0 on.
fn write_python(folder: &Path) {
    let program = std::env::current_exe().expect("this program has a path");
    let program = program.to_str().expect("a path in Unicode");
    let script = format!(
        r#"#!/bin/sh
here=${{0%/*}}
case "$*" in
  *"index versions"*) echo "Available versions: 1.3.0, 1.3.0rc1, 1.2.1, 1.2.0, 1.1.0, 1.0.0";;
  "-I -m venv "*) mkdir -p "$4/bin"; cp "$0" "$4/bin/python";;
  *" install "*) for last; do :; done; echo "$last" > "$here/version";;
  *" freeze "*) cat "$here/version";;
  *) read -r version < "$here/version"
    case "$version" in *==1.0.0|*==1.1.0) manner=honest;; *) manner=wrong-phase;; esac
    exec '{program}' driver "boto3=$manner";;
esac
"#
    );
    std::fs::create_dir_all(folder).expect("a folder");
    let path = folder.join("python3");
    std::fs::write(&path, script).expect("a file");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("it is ours");
}

pub(crate) fn the_version_that_brought_a_change_is_found_and_the_history_has_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_python(&folder.path().join("bin"));
    let countersign = |words: &str| -> Output {
        let mut command = command(&folder.path().join("cache"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = [folder.path().join("bin")].into_iter().chain(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(folders).expect("folders"));
        // It is for `sdk run` alone: a run that is kept is the same whatever is set when it is made.
        command.env("COUNTERSIGN_TLS", "true");
        command.args(words.split(' ')).output().expect("the binary runs")
    };
    let expect = |words: &str, code: i32, texts: &[&str]| {
        let output = countersign(words);
        let all = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{words}: {all}");
        for expected in texts {
            assert!(all.contains(expected), "{words}: expected {expected}, found {all}");
        }
        text(&output.stderr)
    };
    let plan = "boto3 1.0.0 -> 1.3.0: 5 released versions; the two ends are run, and at most 2 more for each change, 1 case each";
    expect("sdk bisect boto3 1.0.0 1.3.0 --case errors/type-in-body --dry-run", 0, &[plan]);
    assert!(!folder.path().join("cache").exists(), "nothing was installed");

    let found = [
        "boto3 1.0.0 -> 1.3.0: 1 change, found with 4 of 5 versions",
        "first seen in boto3 1.2.0; 1.1.0 does not show it",
        "1.2.0: 1 change since 1.0.0",
    ];
    let said = expect("sdk bisect boto3 1.0.0 1.3.0 --case errors/type-in-body", 0, &found);
    assert!(!said.contains("1.2.1"), "it is not needed: {said}");
    let again = expect("sdk bisect boto3 1.0.0 1.3.0 --case errors/type-in-body", 0, &found[..2]);
    assert!(!again.contains("running") && !again.contains("installing"), "the runs are kept: {again}");

    let table = [
        r"| 1\.0.0 | the first | | | |",
        r"| 1\.1.0 | nothing | | | |",
        r"| 1\.2.0 | error kind service -\> parse | caller | 1 |",
        r"| 1\.3.0 | nothing | | | |",
    ];
    expect("sdk history boto3 --case errors/type-in-body --format md", 0, &table);
    let page = [
        "<h1>boto3 1.0.0 -&gt; 1.3.0</h1>",
        "1 of 3 later versions changed something.",
        "href=\"#step-2-caller\"",
        "<h2 id=\"step-2\">1.1.0 -&gt; 1.2.0</h2>",
        "<h3 id=\"step-2-caller\">",
        "<code>error kind service -&gt; parse</code> <small>id ",
    ];
    expect("sdk history boto3 --case errors/type-in-body --format html", 0, &page);
    expect(
        "sdk history boto3 --case errors/type-in-body --from 1.2.0",
        0,
        &["1.2.0  the first", "1.3.0  nothing changed"],
    );
    expect("sdk history boto3 --to 1.0.0", 2, &["a history needs two installed versions of boto3, found 1"]);
    expect("sdk history boto3 --from new", 2, &["--from: expected a version such as 1.2.3, found \"new\""]);
    expect("sdk bisect boto3 1.3.0 1.0.0", 2, &["expected an older version and a newer one"]);
    expect("sdk bisect boto3 1.0.0 1.2.5", 2, &["1.2.5 is no released version"]);
    expect("sdk bisect rust 1.0.0 1.2.5", 2, &["Cargo lists no versions"]);
}
