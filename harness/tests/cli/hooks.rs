//! Hooks of `countersign.toml`: what a run does at a target before its cases and behind them.

#![cfg(unix)]

use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::Value;

use crate::program::{Finished, Program, events};
use crate::stub_server::{Stub, aws, refusal};

/// A server that has one workgroup, `made-1`.
fn server() -> Stub {
    Stub::saying(|request| {
        if request.contains("{\"workgroupName\":\"made-1\"}") {
            let then = jiff::Timestamp::now().as_second() + 900;
            let members = r#""dbPassword":"canary-5aZ9-correct-horse","dbUser":"IAM:somebody""#;
            return aws("200 OK", &format!(r#"{{{members},"expiration":{then},"nextRefreshTime":{then}}}"#));
        }
        refusal("400 Bad Request", "ResourceNotFoundException", "it is not there")
    })
}

/// A program at that server, with hooks and a folder for journals.
struct Hooked {
    server: Stub,
    folder: tempfile::TempDir,
}

/// Writes down the word, the run and the standard input.
const NOTE: &str = "note() { echo \"$1 $COUNTERSIGN_RUN_ID $COUNTERSIGN_REGION $(cat)\" >> notes; }; ";

impl Hooked {
    fn new(setup: &str, teardown: &str) -> Self {
        let hooked = Self { server: server(), folder: tempfile::tempdir().expect("a folder") };
        std::fs::write(hooked.folder.path().join("notes"), "").expect("writable");
        hooked.rewrite(setup, teardown);
        hooked
    }

    fn rewrite(&self, setup: &str, teardown: &str) {
        let hook = |name: &str, text: &str| {
            if text.is_empty() { String::new() } else { format!("{name} = '''{NOTE}{text}'''\n") }
        };
        let hooks = format!("{}{}timeout = 5\n", hook("setup", setup), hook("teardown", teardown));
        let file = format!("[targets.mine]\nendpoint = \"{}\"\n[targets.mine.hooks]\n{hooks}", self.server.endpoint);
        std::fs::write(self.folder.path().join("countersign.toml"), file).expect("writable");
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("a text").to_owned()
    }

    /// The file is named with `--config`, so the program stands in another folder.
    fn program(&self, line: &str) -> Program {
        let config = self.path("countersign.toml");
        let arguments: Vec<_> = line.split(' ').chain(["--config", &config]).collect();
        Program::new(&arguments).signing().env("XDG_STATE_HOME", &self.path("state"))
    }

    fn run(&self, more: &str) -> Finished {
        self.program(&format!("run success/workgroup-only --target mine --format jsonl{more}")).finish()
    }

    /// What the hooks wrote down, line by line, in words.
    fn notes(&self) -> Vec<Vec<String>> {
        let notes = std::fs::read_to_string(self.path("notes")).expect("readable");
        notes.lines().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
    }

    /// The words of the hooks that ran.
    fn words(&self) -> Vec<String> {
        self.notes().into_iter().map(|line| line[0].clone()).collect()
    }

    fn journals(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.path("state/countersign/leftovers")).into_iter().flatten().flatten();
        files.map(|file| std::fs::read_to_string(file.path()).expect("readable")).collect()
    }
}

const SETUP: &str = "note setup; echo '{\"workgroup\": \"made-1\"}'";
const TEARDOWN: &str = "note teardown";

fn case(finished: &Finished) -> Value {
    let of = |event: &Value| event["event"] == "case";
    events(&finished.stdout).into_iter().find(of).unwrap_or_else(|| panic!("no case in {finished:#?}"))
}

#[test]
fn a_set_up_names_what_it_made_and_the_teardown_gets_the_names() {
    let hooked = Hooked::new(SETUP, TEARDOWN);
    let finished = hooked.run(" --region eu-west-1");
    finished.expect(0, &[]);
    assert_eq!(case(&finished)["verdict"], "pass", "{finished:#?}");
    let notes = hooked.notes();
    let [setup, teardown] = &notes[..] else { panic!("two notes in {notes:?}") };
    assert_eq!((setup[0].as_str(), setup[2].as_str(), setup[3].as_str()), ("setup", "eu-west-1", "{}"));
    assert_eq!((teardown[0].as_str(), teardown[3].as_str()), ("teardown", "{\"workgroup\":\"made-1\"}"));
    assert!(setup[1].starts_with("cs") && setup[1].len() == 18 && setup[1] == teardown[1], "{notes:?}");
    assert!(hooked.journals().is_empty(), "{:?}", hooked.journals());
    hooked.run("").expect(0, &[]);
    assert_ne!(hooked.notes()[2][1], setup[1], "each run has an id of its own");
}

#[test]
fn a_name_of_a_flag_counts_more_than_that_of_the_set_up() {
    let hooked = Hooked::new("echo '{\"workgroup\": \"made-2\"}'", "");
    hooked.run(" --workgroup made-1").expect(0, &[]);
    hooked.run("").expect(2, &["has no workgroup \"made-2\""]);
}

#[rstest]
#[case::fails(
    "note setup; echo \"no room for $AWS_SECRET_ACCESS_KEY\" >&2; exit 9",
    "it ended with exit code 9: no room for ***"
)]
#[case::late("note setup; sleep 60", "it took longer than 5 s")]
#[case::other_words("note setup; echo made it", "expected a JSON object on its standard output")]
#[case::unknown_key(
    "note setup; echo '{\"workgruop\": \"x\"}'",
    "it printed the key \\\"workgruop\\\" (did you mean workgroup?)"
)]
#[case::impossible_name(
    "note setup; echo '{\"workgroup\": \"made-1\", \"db-name\": \"\"}'",
    "Name a database of the workgroup"
)]
#[case::database_of_aws(
    "note setup; echo '{\"database\": \"postgres://{user}:{password}@x.redshift.amazonaws.com\"}'",
    "its database leads to real AWS"
)]
fn a_set_up_that_fails_blocks_every_case_and_is_named_and_the_teardown_runs(#[case] setup: &str, #[case] words: &str) {
    let hooked = Hooked::new(setup, TEARDOWN);
    let line = "run success --target mine --format jsonl";
    let finished = hooked.program(line).env("AWS_SECRET_ACCESS_KEY", "canary-secret-of-ours/+x").finish();
    finished.expect(2, &["the set-up hook `note() {", words]);
    let cases: Vec<_> = events(&finished.stdout).into_iter().filter(|event| event["event"] == "case").collect();
    assert!(cases.len() > 5 && cases.iter().all(|case| case["verdict"] == "blocked"), "{finished:#?}");
    assert_eq!(hooked.words(), ["setup", "teardown"]);
    assert!(hooked.journals().is_empty() && !format!("{finished:?}").contains("canary-secret"), "{finished:#?}");
}

#[test]
fn no_baseline_is_written_where_the_set_up_failed() {
    let hooked = Hooked::new("exit 1", TEARDOWN);
    let file = hooked.path("known.json");
    let line = format!("baseline write {file} --reason x --target mine");
    hooked.program(&line).finish().expect(2, &["nothing was written", "the set-up hook"]);
    assert!(!std::path::Path::new(&file).exists());
    assert_eq!(hooked.words(), ["teardown"]);
}

#[test]
fn a_teardown_that_fails_is_left_behind_and_repeated_by_a_clean_up() {
    let hooked = Hooked::new(SETUP, "echo it is in use >&2; exit 1");
    let finished = hooked.run("");
    finished
        .expect(7, &["the teardown hook failed: it ended with exit code 1: it is in use", "left behind: set-up cs"]);
    assert_eq!(case(&finished)["verdict"], "pass");
    let summary = events(&finished.stdout).pop().expect("a summary");
    let left = &summary["leftovers"][0];
    assert_eq!((&left["noun"], &left["undone_by"]), (&"set-up".into(), &"hooks.teardown".into()));
    assert_eq!((&left["hook"]["target"], &left["hook"]["names"]["workgroup"]), (&"mine".into(), &"made-1".into()));
    assert_eq!(hooked.journals().len(), 1);
    let cleanup = |line: &str| Program::line(line).env("XDG_STATE_HOME", &hooked.path("state")).finish();
    cleanup("cleanup").expect(7, &["still there: set-up cs", "it is in use"]);
    // One of another server is left alone.
    cleanup("cleanup --endpoint http://127.0.0.1:1 --no-sign").expect(0, &["nothing is left behind"]);
    hooked.rewrite(SETUP, "");
    cleanup("cleanup").expect(7, &["still there: set-up cs", "has no teardown any more"]);
    hooked.rewrite(SETUP, TEARDOWN);
    cleanup("cleanup").expect(0, &["deleted: set-up cs", "by the hook of mine at http://127.0.0.1:"]);
    let notes = hooked.notes();
    assert_eq!(
        (&notes[1][0], &notes[1][1], &notes[1][3]),
        (&"teardown".into(), &notes[0][1], &"{\"workgroup\":\"made-1\"}".into())
    );
    assert!(hooked.journals().is_empty());
}

fn wait_for(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(20), "it does not come");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_set_up_of_a_run_that_was_killed_is_undone_by_a_clean_up() {
    let hooked = Hooked::new("note setup; sleep 4", TEARDOWN);
    let mut program = hooked.program("run success/workgroup-only --target mine");
    let mut child = program.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    wait_for(|| !hooked.notes().is_empty());
    child.kill().expect("it runs");
    child.wait().expect("it ended");
    assert_eq!((hooked.words(), hooked.journals().len()), (vec!["setup".to_owned()], 1));
    Program::line("cleanup").env("XDG_STATE_HOME", &hooked.path("state")).finish().expect(0, &["deleted: set-up cs"]);
    let notes = hooked.notes();
    assert_eq!((notes[1][0].as_str(), &notes[1][1]), ("teardown", &notes[0][1]), "the same run");
    assert!(hooked.journals().is_empty());
}

#[test]
fn an_interrupted_set_up_is_finished_and_torn_down() {
    let hooked = Hooked::new("note setup; sleep 1; echo made >> done; echo '{\"workgroup\": \"made-1\"}'", TEARDOWN);
    let mut program = hooked.program("run --target mine");
    let mut child = program.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    wait_for(|| !hooked.notes().is_empty());
    let signalled = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(signalled.success());
    assert_eq!(child.wait().expect("it ended").code(), Some(130));
    assert!(std::fs::read_to_string(hooked.path("done")).is_ok_and(|text| text == "made\n"));
    assert_eq!(hooked.words(), ["setup", "teardown"]);
    assert!(hooked.journals().is_empty());
}

#[rstest]
#[case::dry_run("run --target mine --dry-run")]
#[case::settings("config show --target mine")]
#[case::examination("doctor --target mine")]
#[case::no_case("run --target mine --skip **")]
fn what_runs_no_case_runs_no_hook(#[case] line: &str) {
    let hooked = Hooked::new(SETUP, TEARDOWN);
    let finished = hooked.program(line).finish();
    assert!(hooked.notes().is_empty(), "{finished:#?}");
}

#[test]
fn doctor_says_which_hooks_a_run_would_run() {
    let hooked = Hooked::new(SETUP, TEARDOWN);
    let finished = hooked.program("doctor --target mine --format json").finish();
    let findings = finished.json()["findings"].clone();
    let of_hooks = findings.as_array().expect("a list").iter().find(|finding| finding["topic"] == "hooks");
    let found = of_hooks.and_then(|finding| finding["found"].as_str()).unwrap_or_else(|| panic!("none in {findings}"));
    assert!(found.starts_with("not tried, since it changes something: the set-up runs note() {"), "{found}");
    assert!(found.contains("; the teardown runs note() {"), "{found}");
}

#[test]
fn nothing_is_set_up_for_a_run_that_cannot_begin() {
    let hooked = Hooked::new(SETUP, TEARDOWN);
    let mut program = hooked.program("run --target mine").env("AWS_SECRET_ACCESS_KEY", "");
    program.finish().expect(2, &["AWS_SECRET_ACCESS_KEY"]);
    assert!(hooked.notes().is_empty());
    // Where it cannot be written down, nothing is made either.
    let file = hooked.path("none/left.jsonl");
    let line = format!("run success --target mine --leftovers {file}");
    hooked.program(&line).finish().expect(2, &["cannot be written down first"]);
    assert!(hooked.notes().is_empty());
}

#[test]
fn nothing_is_set_up_at_real_aws() {
    let file = "[targets.mine]\nendpoint = \"https://redshift-serverless.us-east-1.amazonaws.com\"\nworkgroup = \"wg-1\"\n\
                [targets.mine.hooks]\nsetup = \"touch ran\"\n";
    let line = "run --target mine --allow-aws 123456789012/us-east-1/wg-1";
    let mut program = Program::line(line).signing().file("countersign.toml", file);
    program.finish().expect(6, &["sets something up, which real AWS is asked only with --allow-create"]);
    assert!(!program.folder().join("ran").exists());
}
