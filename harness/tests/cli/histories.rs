//! `report --history`: the runs of one target in the order of time, from folders and files, good ones and bad ones.

use std::fs;

use serde_json::{Value, json};

use crate::program::{Finished, Program, events};

/// A run stream of two cases against the emulator, begun at this time.
fn stream(began: &str, change: impl Fn(&mut Value)) -> String {
    static STREAM: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        let finished =
            Program::line("run success/workgroup-only parameters/workgroup-too-short --seed 1 --format jsonl").finish();
        finished.expect(0, &["\"event\":\"summary\""]);
        finished.stdout
    });
    let changed = events(&STREAM).into_iter().map(|mut event| {
        if event["event"] == "run" {
            event["started_at"] = json!(began);
        }
        change(&mut event);
        event.to_string() + "\n"
    });
    changed.collect()
}

/// Changes a run so that it violates `GC-WG-02`.
fn violating(event: &mut Value) {
    if event["event"] == "requirement" && event["id"] == "GC-WG-02" {
        assert_eq!(event["status"], "pass", "{event}");
        event["status"] = json!("fail");
    }
    if event["event"] == "summary" {
        event["features"]["core"]["violated"] = json!(1);
    }
}

/// Runs the program in a folder with these files; the folder `runs` is there in any case.
fn program(arguments: &str, files: &[(&str, &str)]) -> (Program, Finished) {
    let mut program = Program::line(arguments);
    fs::create_dir(program.folder().join("runs")).expect("the folder is writable");
    for (name, text) in files {
        program = program.file(name, text);
    }
    let finished = program.finish();
    (program, finished)
}

#[test]
fn the_runs_of_a_folder_are_put_in_the_order_of_time() {
    let [first, second, third] = [
        stream("2026-11-01T06:00:00Z", |_| {}),
        stream("2026-11-02T06:00:00.5Z", violating),
        // 01:00 in UTC.
        stream("2026-11-03T02:00:00+01:00", violating),
    ];
    let killed = third.lines().take(2).map(|line| line.to_owned() + "\n").collect::<String>();
    let files = [
        ("runs/a.jsonl", third.as_str()),
        ("runs/b.jsonl", &first),
        ("runs/c.jsonl", &second),
        ("runs/copy.jsonl", &second),
        ("runs/cut.jsonl", &killed.replace("2026-11-03T02:00:00+01:00", "2026-11-04T00:00:00Z")),
        ("runs/badge.json", r#"{"schemaVersion": 1}"#),
        ("runs/notes.txt", "not read"),
        ("runs/.hidden.jsonl", "not read"),
    ];
    let (program, finished) = program("report --history runs --report-md h.md --report-html h.html", &files);
    finished.expect(
        0,
        &[
            "GetCredentials of emulator, 4 runs from 2026-11-01 to 2026-11-04",
            "1  2026-11-01 06:00:00",
            "2  2026-11-02 06:00:00",
            "3  2026-11-03 01:00:00",
            "c.jsonl\n     broken: GC-WG-02\n",
            "cut.jsonl\n     The run was cut short: 1 of ",
            "since 2026-11-02, run 2 of 4; last seen on 2026-11-03, run 3: what came later did not decide it",
            "left out runs/copy.jsonl: it holds the same run as runs/c.jsonl",
            "left out runs/badge.json: it is no run",
        ],
    );
    let page = program.read("h.html");
    assert!(
        page.contains("<a href=\"#run-4\"")
            && page.contains("id=\"run-4\"")
            && page.contains("since 2026-11-02, run 2 of 4")
            || page.contains("Since 2026-11-02, run 2 of 4"),
        "{page}"
    );
    assert!(program.read("h.md").contains("### What is violated, and since when"));
}

#[test]
fn files_and_runs_as_one_object_and_shards_are_runs_of_a_history_too() {
    let mut object = Program::line("run success/workgroup-only --seed 1 --report-json r.json");
    object.finish().expect(0, &[]);
    let shards = ["1/2", "2/2"]
        .map(|part| Program::line(&format!("run lifetimes --seed 7 --shard {part} --format jsonl")).finish().stdout);
    let files = [
        ("r.json", object.read("r.json")),
        ("1.jsonl", stream("2026-11-01T06:00:00Z", |_| {})),
        ("s1.jsonl", shards[0].clone()),
        ("s2.jsonl", shards[1].clone()),
    ];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    let (_, finished) = program("report --from 1.jsonl --from s2.jsonl --history r.json s1.jsonl", &files);
    finished.expect(0, &["of emulator, 3 runs", "  1.jsonl", "  r.json", "  s1.jsonl and 1 more"]);
}

#[test]
fn runs_of_another_target_or_operation_are_refused_with_their_files() {
    let mine = stream("2026-11-01T06:00:00Z", |_| {});
    let theirs = stream("2026-11-02T06:00:00Z", |event| {
        if event["event"] == "run" {
            event["target"]["name"] = json!("theirs");
        }
    });
    let files = [("runs/1.jsonl", mine.as_str()), ("runs/2.jsonl", &theirs)];
    let (_, finished) = program("report --history runs", &files);
    finished.expect(
        2,
        &[
            "expected the runs of one target, found:",
            "\n  emulator in runs/1.jsonl",
            "\n  theirs in runs/2.jsonl",
            "put the runs of each into a folder of their own",
        ],
    );
    assert_eq!(finished.stdout, "");
}

#[test]
fn what_is_no_history_says_what_to_do() {
    let good = stream("2026-11-01T06:00:00Z", |_| {});
    let late = stream("yesterday", |_| {});
    for (arguments, files, expected) in [
        ("report --history", &[][..], &["--history needs the runs: name a folder"][..]),
        ("report", &[], &["--from"]),
        ("report --history runs", &[], &["found none in runs", "--report-jsonl runs/1.jsonl"]),
        ("report --history --from -", &[], &["standard input: the run stream is empty"]),
        ("report --history missing", &[], &["cannot read the run stream missing"]),
        ("report --history runs", &[("runs/a.jsonl", "{}\n")], &["runs/a.jsonl: line 1 of the run stream"]),
        ("report --history runs", &[("runs/a.json", "{")], &["runs/a.json: expected a run as one JSON object"]),
        ("report --history runs/a.json", &[("runs/a.json", "{}")], &["runs/a.json: expected a run as one JSON object"]),
        (
            "report --history runs",
            &[("runs/a.jsonl", late.as_str())],
            &["a.jsonl: expected `started_at` as a time", "\"yesterday\""],
        ),
        (
            "report --history runs --report-junit j.xml",
            &[("runs/a.jsonl", good.as_str())],
            &["--report-junit has room for one run"],
        ),
        (
            "report --history --from runs/a.jsonl --report-md runs/a.jsonl",
            &[("runs/a.jsonl", good.as_str())],
            &["name the same file"],
        ),
    ] {
        let (_, finished) = program(arguments, files);
        finished.expect(2, expected);
    }
}
