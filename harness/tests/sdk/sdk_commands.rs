//! The built binary's `sdk` commands, with the driver of this program.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use countersign::report::{CutShort, Event, read};
use countersign::verdict::Verdict;
use serde_json::Value;

/// The binary, with an SDK cache of its own.
pub(crate) fn command(cache: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.stdin(Stdio::null()).env("COUNTERSIGN_SDK_CACHE", cache).env("CI", "true");
    command
}

/// Runs the binary with a driver of this program behind the words, or with none.
fn countersign(cache: &Path, words: &[&str], driver: &[String]) -> Output {
    let mut command = command(cache);
    command.args(words).args(driver);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(name);
    }
    // What a user may have set must not reach the driver.
    command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1").env("AWS_PROFILE", "none").output().expect("the binary runs")
}

/// A copy of the project's fixtures with one file more.
pub(crate) fn fixtures_with(file: &str, text: &str) -> tempfile::TempDir {
    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).expect("a writable folder");
        for entry in std::fs::read_dir(from).expect("the fixtures can be listed") {
            let path = entry.expect("the fixtures can be listed").path();
            let target = to.join(path.file_name().expect("a name"));
            if path.is_dir() {
                copy(&path, &target);
            } else {
                std::fs::copy(&path, &target).expect("a writable folder");
            }
        }
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"), folder.path());
    std::fs::write(folder.path().join(file), text).expect("a writable folder");
    folder
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// The words that run this program's driver.
pub(crate) fn driver(manner: &str) -> [String; 4] {
    let program = std::env::current_exe().expect("this program has a path").to_string_lossy().into_owned();
    ["--".to_owned(), program, "driver".to_owned(), manner.to_owned()]
}

pub(crate) fn a_run_is_written_as_a_stream_with_its_records() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("run.jsonl").to_string_lossy().into_owned();
    let words = ["sdk", "run", "-o", &file, "requests/minimal", "results/cut-body", "--jobs", "2"];
    let output = countersign(folder.path(), &words, &driver("honest"));
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{stdout}{}", text(&output.stderr));
    // The driver signs nothing, which every case shows: one finding, not one for each case.
    assert_eq!(stdout.matches("fail GC-CSIG-01 ").count(), 1, "{stdout}");
    assert!(stdout.contains("; in 2 cases: requests/minimal, results/cut-body\n"), "{stdout}");

    let stream = std::fs::read(&file).expect("the stream");
    assert!(!text(&stream).contains("Example+Pass"), "a password is in the stream");
    let events = read(stream.as_slice(), CutShort::Refuse).expect("a whole stream");
    let Event::Run(run) = &events[0] else { panic!("expected a run first") };
    let ran = run.driver.as_ref().expect("the driver is told");
    assert_eq!((ran.driver.as_str(), ran.sdk_version.as_str()), ("none", "0.0.1"));
    for event in &events {
        match event {
            Event::Case(case) => assert_eq!(case.record.as_ref().map(|record| record.attempts), Some(1)),
            Event::Requirement(row) => assert_eq!(row.feature, "client", "a row of the server side in a run of an SDK"),
            Event::Run(_) | Event::Summary(_) => {}
        }
    }
    let Some(Event::Summary(summary)) = events.last() else { panic!("expected a summary last") };
    assert_eq!(summary.features.keys().collect::<Vec<_>>(), ["client"]);
    assert_eq!(summary.verdicts.get(&Verdict::Fail), Some(&2));
}

pub(crate) fn the_protocol_check_says_each_claim() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (manner, code, failed, count) in [("honest", 0, false, "6 of 6"), ("wrong-phase", 1, true, "5 of 6")] {
        let output = countersign(folder.path(), &["sdk", "protocol"], &driver(manner));
        let stdout = text(&output.stdout);
        assert_eq!((output.status.code(), stdout.contains("FAILED")), (Some(code), failed), "{stdout}");
        assert!(stdout.contains(&format!("{count} claims hold")), "{stdout}");
    }
}

pub(crate) fn what_is_installed_is_listed_and_what_was_cut_is_not() {
    let cache = tempfile::tempdir().expect("a temporary folder");
    let whole = cache.path().join("boto3@1.2.3");
    let marker =
        r#"{"version":2,"id":"boto3@1.2.3","sdk_version":"1.2.3","deps":{"boto3":"1.2.3","botocore":"1.5.6"}}"#;
    std::fs::create_dir_all(&whole).expect("a folder");
    std::fs::write(whole.join("installed.json"), marker).expect("a file");
    // An installation that was killed leaves everything but the marker.
    std::fs::create_dir_all(cache.path().join(".staging/boto3@1.10.0/venv/bin")).expect("a folder");
    let stdout = text(&countersign(cache.path(), &["sdk", "list"], &[]).stdout);
    // Its interpreter is gone, and so it is there and of no use.
    assert!(stdout.contains("1.2.3  2 packages; boto3 in "), "{stdout}");
    assert!(stdout.contains(" is installed, but does not load: cannot start the driver"), "{stdout}");
    assert!(!stdout.contains("1.10.0"), "{stdout}");
    assert!(stdout.contains("AWS SDK for Java"), "{stdout}");
    let listing = countersign(cache.path(), &["sdk", "list", "--format", "json"], &[]);
    let json: Value = serde_json::from_slice(&listing.stdout).expect("JSON");
    assert_eq!(json["installed"][0]["deps"]["botocore"], "1.5.6");
    assert_eq!(json["installed"].as_array().map(Vec::len), Some(1));
}

/// A program that is this program's driver in a manner, and takes whatever else it is told.
#[cfg(unix)]
fn interpreter(path: &Path, manner: &str) {
    use std::os::unix::fs::PermissionsExt;
    let program = std::env::current_exe().expect("this program has a path");
    let program = program.to_str().expect("a path in Unicode");
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, format!("#!/bin/sh\nexec '{program}' driver '{manner}'\n")).expect("a file");
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("it is ours");
}

#[cfg(unix)]
pub(crate) fn what_is_installed_is_read_where_nothing_can_be_written() {
    let cache = tempfile::tempdir().expect("a temporary folder");
    let folder = cache.path().join("boto3@1.2.3");
    interpreter(&folder.join("venv/bin/python"), "boto3=honest");
    let marker = r#"{"version":2,"id":"boto3@1.2.3","sdk_version":"1.2.3","deps":{}}"#;
    std::fs::write(folder.join("installed.json"), marker).expect("a file");
    // Neither the driver nor the lock can be written there, not even by root.
    std::fs::write(folder.join("driver"), "no folder").expect("a file");
    std::fs::write(cache.path().join(".staging"), "no folder").expect("a file");
    let words = ["sdk", "run", "--driver", "boto3@1.2.3", "requests/minimal"];
    let output = countersign(cache.path(), &words, &[]);
    // The driver signs nothing.
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("GC-CSIG-01"), "{}", text(&output.stdout));
    let output = countersign(cache.path(), &["sdk", "install", "boto3@1.2.3"], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("installed already"), "{}", text(&output.stderr));
}

/// A `python3` whose pip writes down what it is asked for, and whose boto3 is this program's driver in a manner.
#[cfg(unix)]
fn python_with_pip(path: &Path, log: &Path, manner: &str) {
    use std::os::unix::fs::PermissionsExt;
    let program = std::env::current_exe().expect("this program has a path");
    let script = format!(
        r#"#!/bin/sh
case "$*" in
  "-I -m venv "*) mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
  *"boto3==9.9.9"*) echo "No matching distribution found for boto3==9.9.9" >&2; exit 1 ;;
  *" install "*) echo "$*" >> '{}' ;;
  *" freeze "*) echo "boto3==1.44.5"; echo "pip==26.0" ;;
  "-I -c "*) echo "botocore<1.45.0,>=1.44.5"; echo "botocore[crt]<2.0,>=1.21.0; extra == 'crt'" ;;
  *) exec '{}' driver '{manner}' ;;
esac
"#,
        log.to_str().expect("a path in Unicode"),
        program.to_str().expect("a path in Unicode")
    );
    std::fs::write(path, script).expect("a file");
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("it is ours");
}

#[cfg(unix)]
pub(crate) fn an_installation_pins_what_decides_and_one_that_fails_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (cache, log) = (folder.path().join("cache"), folder.path().join("log"));
    let install = |manner: &str, words: &[&str]| {
        python_with_pip(&folder.path().join("python3"), &log, manner);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = [folder.path().to_owned()].into_iter().chain(std::env::split_paths(&path));
        let mut command = command(&cache);
        command.args(["sdk", "install"]).args(words).env("PATH", std::env::join_paths(folders).expect("folders"));
        let output = command.output().expect("the binary runs");
        (output.status.code(), text(&output.stderr))
    };
    let names = || {
        let entries = std::fs::read_dir(&cache).expect("the cache");
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect::<Vec<_>>()
    };
    let (code, stderr) = install("honest", &["boto3@9.9.9"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("No matching distribution") && stderr.contains("nothing of it is kept"), "{stderr}");
    assert_eq!(names(), Vec::<String>::new());

    let (code, stderr) = install("mute", &["boto3@1.44.5"]);
    assert_eq!(code, Some(2), "{stderr}");
    let reason =
        "is installed, but does not load: the driver ended before its hello: exit status: 3; its log ends with:";
    assert!(stderr.contains(reason) && stderr.contains("no SDK here"), "{stderr}");
    assert_eq!(names(), Vec::<String>::new());

    // What a killed installation left is removed.
    std::fs::create_dir_all(cache.join(".staging/boto3@1.0.0/venv")).expect("a folder");
    std::fs::write(cache.join(".staging/boto3@1.0.0.lock"), "").expect("a file");
    let (code, stderr) = install("honest", &["boto3@1.44.5", "--with", "urllib3==1.26.20"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(names(), ["boto3@1.44.5+urllib3==1.26.20"]);
    let asked = std::fs::read_to_string(&log).expect("what pip was asked for");
    assert!(
        asked.lines().all(|line| line.starts_with("-I -m pip ")),
        "no module of the caller's folder is run: {asked}"
    );
    let last = asked.lines().last().unwrap_or_default();
    assert!(last.ends_with("boto3==1.44.5 botocore==1.44.5 urllib3==1.26.20"), "{asked}");
    let lock = std::fs::read_to_string(cache.join("boto3@1.44.5+urllib3==1.26.20/lock.txt"));
    assert_eq!(lock.expect("the lock file"), "boto3==1.44.5\n");
}

#[cfg(unix)]
pub(crate) fn a_check_ends_with_its_verdict_and_says_how_to_accept_a_change() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let interpreter = |manner: &str| interpreter(&folder.path().join("bin/python-of-a-project"), manner);
    let check = |more: &[&str]| {
        let case = "errors/type-in-body";
        let words = ["sdk", "check", case, "--python", "python-of-a-project", "--baseline", "b.jsonl"];
        let mut command = command(folder.path());
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = [folder.path().join("bin")].into_iter().chain(std::env::split_paths(&path));
        command.args(words).args(more).current_dir(folder.path());
        command.env("PATH", std::env::join_paths(folders).expect("folders"));
        command.env("GITHUB_STEP_SUMMARY", folder.path().join("summary.md"));
        let output = command.output().expect("the binary runs");
        let stdout = text(&output.stdout);
        let last = |text: &str| text.lines().last().unwrap_or_default().to_owned();
        (output.status.code(), last(&stdout), last(&text(&output.stderr)), stdout)
    };
    interpreter("boto3=honest");
    let (code, verdict, ..) = check(&["--update"]);
    assert_eq!((code, verdict.as_str()), (Some(0), "passed: 1 case recorded in b.jsonl as the baseline"));
    let (code, verdict, ..) = check(&[]);
    assert_eq!((code, verdict.as_str()), (Some(0), "passed: nothing changed"));

    interpreter("boto3=wrong-phase");
    let failed = "failed: caller (1 case) changed; the same command with --update accepts that, and records this run \
                  as the baseline";
    let (code, verdict, ..) = check(&[]);
    assert_eq!((code, verdict.as_str()), (Some(1), failed));
    let summary = std::fs::read_to_string(folder.path().join("summary.md")).expect("it is written");
    assert!(summary.contains("**failed: caller"), "{summary}");
    // Where standard output is for a program, the verdict stands beside it.
    let (code, _, beside, stdout) = check(&["--format", "json"]);
    assert_eq!((code, beside.as_str()), (Some(1), failed));
    assert!(serde_json::from_str::<Value>(&stdout).is_ok(), "{stdout}");
    let (code, verdict, ..) = check(&["--fail-on", "none"]);
    assert_eq!((code, verdict.as_str()), (Some(0), "passed: caller (1 case) changed, and --fail-on is none"));
    let (code, verdict, ..) = check(&["--update"]);
    let accepted = "passed: 1 case recorded in b.jsonl as the baseline; accepted is that caller (1 case) changed";
    assert_eq!((code, verdict.as_str()), (Some(0), accepted));
    assert_eq!(check(&[]).1, "passed: nothing changed");
}

pub(crate) fn a_driver_that_is_not_there_is_named_with_what_to_do() {
    let cache = tempfile::tempdir().expect("a temporary folder");
    for (words, expected) in [
        (&["sdk", "run"][..], "name a driver with --driver"),
        (
            &["sdk", "run", "--driver", "boto"],
            "the drivers are boto3, aiobotocore, js-v3, rust, aws-cli, redshift-connector",
        ),
        (&["sdk", "run", "--driver", "boto3@1.2.3"], "countersign sdk install boto3@1.2.3"),
        (&["sdk", "run", "--driver", "boto3@../x"], "expected a version such as boto3@1.2.3"),
        (&["sdk", "install", "boto3"], "pip index versions boto3"),
        (&["sdk", "install", "boto3@--upgrade"], "expected a version such as boto3@1.2.3"),
        (&["sdk", "run", "--", "/nonexistent/driver"], "cannot start the driver `/nonexistent/driver`"),
    ] {
        let output = countersign(cache.path(), words, &[]);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {stderr}");
        assert!(stderr.contains(expected), "{words:?}: {stderr}");
    }
    let output = countersign(cache.path(), &["sdk", "run", "nothing/like-this"], &driver("honest"));
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
}

pub(crate) fn client_cases_are_listed_and_explained() {
    let cache = tempfile::tempdir().expect("a temporary folder");
    let stdout_of = |words: &[&str]| text(&countersign(cache.path(), words, &[]).stdout);
    let listing = stdout_of(&["list", "cases", "--side", "client"]);
    assert!(listing.contains("errors/type-in-body") && !listing.contains("parameters/"), "{listing}");
    assert!(!stdout_of(&["list", "cases"]).contains("errors/type-in-body"));
    assert!(stdout_of(&["list", "drivers"]).contains("js-v3"));
    let case = stdout_of(&["explain", "errors/type-in-body"]);
    assert!(case.contains("countersign sdk run --driver boto3 errors/type-in-body"), "{case}");
    let row = stdout_of(&["explain", "GC-CERR-01"]);
    assert!(row.contains("SDKs, not endpoints") && row.contains("errors/type-in-body"), "{row}");
}
