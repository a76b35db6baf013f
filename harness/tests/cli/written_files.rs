//! What a run leaves behind: reports, badges, comparisons, baselines, and nothing half written.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use rstest::rstest;
use serde_json::Value;

use crate::program::{Program, events};
use crate::stub_server::{RIGHT, Stub, answer, aws};

const FILES: [&str; 6] = ["r.jsonl", "r.json", "r.xml", "r.md", "b.json", "b.svg"];

/// Checks that each report is not there at all, or there as a whole; says how many are there.
fn none_or_whole(folder: &Path) -> usize {
    let mut there = 0;
    for name in FILES {
        let Ok(text) = fs::read_to_string(folder.join(name)) else { continue };
        there += 1;
        let whole = match name {
            "r.jsonl" => {
                text.ends_with('\n') && text.lines().last().is_some_and(|line| line.contains(r#""event":"summary""#))
            }
            "r.json" | "b.json" => serde_json::from_str::<Value>(&text).is_ok(),
            "r.xml" => text.trim_end().ends_with("</testsuites>"),
            "r.md" => text.starts_with("## ") && text.ends_with('\n'),
            _ => text.ends_with("</svg>\n"),
        };
        assert!(whole, "half of {name} is there");
    }
    there
}

#[cfg(unix)]
#[rstest]
#[case::at_the_probe(0)]
#[case::at_the_first_case(1)]
#[case::between_two_cases(3)]
fn a_run_that_is_killed_leaves_no_report(#[case] answered: usize) {
    let (stub, wait) = Stub::stuck_after(answered);
    let reports = "--report-jsonl r.jsonl --report-json r.json --report-junit r.xml --report-md r.md --badge b.json";
    let mut program = Program::at(&stub.endpoint, &format!("run {reports}"));
    let mut child = program.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary runs");
    wait.recv().expect("the request comes");
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    assert_eq!(none_or_whole(program.folder()), 0);
}

#[cfg(unix)]
#[test]
fn a_run_that_is_killed_between_two_reports_leaves_whole_ones() {
    let stub = Stub::answering(aws("200 OK", RIGHT));
    let mut program = Program::at(
        &stub.endpoint,
        "run --report-jsonl r.jsonl --report-json r.json --report-junit pipe --report-md r.md --badge b.svg",
    );
    let pipe = program.folder().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo is there").success());
    let mut child = program.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary runs");
    // The third report goes to a pipe that takes less than the whole of it: the program is held in the middle.
    let mut reader = fs::File::open(&pipe).expect("the program opens the other end");
    let mut first = [0; 1];
    std::io::Read::read_exact(&mut reader, &mut first).expect("the third report begins");
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    assert_eq!(none_or_whole(program.folder()), 2, "the first two are done");
    for name in ["r.md", "b.svg"] {
        assert!(!program.folder().join(name).exists(), "{name} is not begun");
    }
}

/// What a hostile target says, in the words that end up in reports.
fn hostile() -> Stub {
    let message = "\\u001b[2J::error::PWNED\\n::add-mask::PWNED\\r\\n##[add-mask]PWNED <script>PWNED</script> ![PWNED](http://x) @octocat | ``` ]]> \\u202e";
    let body = format!(r#"{{"__type":"::error::<b>PWNED","message":"{message}"}}"#);
    Stub::answering(answer("400 Bad", "text/<img src=x>|`@octocat", &body))
}

#[rstest]
#[case::text("text")]
#[case::github("github")]
#[case::jsonl("jsonl")]
fn what_a_hostile_target_says_gives_a_ci_service_no_command(#[case] format: &str) {
    let stub = hostile();
    let line = format!("run --format {format} --report-md r.md --report-junit r.xml");
    let mut program =
        Program::at(&stub.endpoint, &line).env("GITHUB_STEP_SUMMARY", "summary.md").env("COUNTERSIGN_LOG", "trace");
    let finished = program.finish();
    finished.expect(1, &[]);
    let everything = [finished.stdout.clone(), finished.stderr.clone(), program.read("r.md"), program.read("r.xml")];
    assert!(everything[0].contains("PWNED") || everything[2].contains("PWNED"), "it was quoted: {finished:#?}");
    for text in &everything {
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text}");
        assert!(!text.contains("##["), "{text}");
        let ours = ["::group::", "::endgroup::", "::error title=", "::warning title=", "::notice title="];
        let foreign = |line: &&str| {
            line.trim_start().starts_with("::") && !(format == "github" && ours.iter().any(|own| line.starts_with(own)))
        };
        assert_eq!(text.lines().find(foreign), None);
    }
    assert!(!everything[3].contains("<script>"), "{}", everything[3]);
    assert_eq!(program.read("summary.md"), everything[2].clone() + "\n");
}

#[test]
fn a_job_summary_is_added_to_what_is_there() {
    let mut program =
        Program::new(&["run", "success"]).file("summary.md", "before\n").env("GITHUB_STEP_SUMMARY", "summary.md");
    program.finish().expect(0, &[]);
    assert!(program.read("summary.md").starts_with("before\n## GetCredentials of `emulator`"));
}

#[test]
fn a_job_summary_that_cannot_be_written_is_said_and_hides_no_failure() {
    let stub = Stub::answering(answer("404 Not Found", "text/plain", "nothing here"));
    let summary = "no-such-folder/summary.md";
    Program::new(&["run", "success"])
        .env("GITHUB_STEP_SUMMARY", summary)
        .finish()
        .expect(0, &["warning: the job summary"]);
    let mut program = Program::at(&stub.endpoint, "run").env("GITHUB_STEP_SUMMARY", summary);
    program.finish().expect(1, &["warning: the job summary", summary]);
}

#[test]
fn a_job_summary_stays_within_what_github_shows() {
    let there = "x".repeat((1 << 20) - 20_000);
    let mut program = Program::at(&hostile().endpoint, "run").file("summary.md", &there);
    program = program.env("GITHUB_STEP_SUMMARY", "summary.md");
    program.finish().expect(1, &[]);
    assert!((there.len() + 1..=1 << 20).contains(&program.read("summary.md").len()));
}

#[test]
fn a_badge_has_the_form_that_its_ending_asks_for_and_can_have_both() {
    let mut program = Program::line("run --badge b.json --badge b.svg");
    program.finish().expect(0, &[]);
    let badge = program.json("b.json");
    let expected = if cfg!(feature = "login") { "conformant + 7 features" } else { "conformant + 5 features" };
    assert_eq!((&badge["schemaVersion"], &badge["message"]), (&1.into(), &expected.into()));
    let image = program.read("b.svg");
    assert!(image.starts_with("<svg ") && image.ends_with("</svg>\n"), "{image}");
    for file in ["b.png", "json", "-"] {
        Program::new(&["run", "--badge", file]).finish().expect(2, &["--badge", ".json or .svg", file]);
    }
}

#[test]
fn a_comparison_says_what_broke_and_its_exit_code_too() {
    let good = Program::new(&["run", "success", "parameters/workgroup-boundary", "--format", "jsonl"]).finish().stdout;
    let stub = Stub::of_operations(aws("400 Bad", r#"{"__type":"ValidationException"}"#));
    let bad = Program::at(&stub.endpoint, "run success parameters/workgroup-boundary --format jsonl").finish().stdout;
    let diff = |old: &str, new: &str, format: &str| {
        let mut program = Program::new(&["diff", "old", "new", "--format", format]).file("old", old).file("new", new);
        program.finish()
    };
    diff(&good, &good, "text").expect(0, &["0 broken, 0 fixed"]);
    let broken = diff(&good, &bad, "json");
    let comparison = broken.expect(1, &[]).json();
    let broken = comparison["broken"].as_array().expect("a list");
    let change = broken.iter().find(|change| change["new"] == "fail").expect("what fails broke");
    let blocked = |change: &Value| change["new"] == "blocked" && change["reason"].is_string();
    assert!(broken.iter().any(blocked), "what cannot be judged any more broke too: {broken:#?}");
    assert!(broken.iter().all(|change| change["old"] == "pass"));
    assert!(change["violations"][0]["requirement"].is_string() && comparison["fixed"] == Value::Array(Vec::new()));
    diff(&bad, &good, "md").expect(0, &["## 0 broken", "### fixed"]);
    let cut: Vec<&str> = good.lines().take(3).collect();
    diff(&good, &(cut.join("\n") + "\n"), "text").expect(2, &["new", "killed before its end"]);
    diff(&good, "", "text").expect(2, &["new", "the run stream is empty"]);
}

#[test]
fn a_shard_says_so_in_its_stream() {
    let finished = Program::new(&["run", "success", "--shard", "2/3", "--format", "jsonl"]).finish();
    let run = &events(&finished.expect(0, &[]).stdout)[0];
    assert_eq!((&run["shard"], run["selected"].as_u64()), (&"2/3".into(), Some(3)));
}

#[test]
fn a_baseline_has_one_entry_for_a_suite_and_a_last_day_after_which_it_excuses_nothing() {
    let stub = Stub::answering(aws("200 OK", "{}"));
    let write = |more: &str| Program::at(&stub.endpoint, &format!("baseline write known.json errors{more}"));
    let mut over = write(" --reason later --expires 2020-01-31");
    over.finish().expect(2, &["expected a last day that is not over", "found 2020-01-31"]);
    assert!(!over.folder().join("known.json").exists() && stub.connections() == 0, "nothing is asked for nothing");
    let mut first = write(" --reason later --expires 9999-12-31");
    first.finish().expect(0, &["1 entry"]);
    let (alive, entry) = (first.read("known.json"), &first.json("known.json")["entries"][0]);
    assert_eq!((&entry["pattern"], &entry["expires"]), (&"errors".into(), &"9999-12-31".into()));
    let expired_baseline = alive.replace("9999-12-31", "2020-01-31");

    let run = |expired_baseline: &str| {
        let before = stub.connections();
        let mut program =
            Program::at(&stub.endpoint, "run errors --baseline known.json").file("known.json", expired_baseline);
        let finished = program.finish();
        assert!(stub.connections() > before, "known failures still run");
        finished
    };
    run(&expired_baseline).expect(1, &["expired on 2020-01-31"]);
    run(&alive).expect(0, &["known-fail", "later"]);
    let check = |expired_baseline: &str| {
        Program::new(&["baseline", "check", "known.json"]).file("known.json", expired_baseline).finish()
    };
    check(&expired_baseline).expect(1, &["expired", "errors"]);
    check(&alive).expect(0, &["known.json is in order: 1 entry\n"]);
    // Writing anew leaves the day of an old entry as it is, and says so.
    write("").file("known.json", &expired_baseline).finish().expect(0, &["warning", "expired", "1 entry"]);
}

#[test]
fn no_entry_hides_that_another_one_has_expired() {
    let baseline = r#"{"version":1,"entries":[
        {"pattern":"parameters/duration-below","reason":"later"},
        {"pattern":"parameters/duration-below/60","reason":"earlier","expires":"2020-01-31"}]}"#;
    let both = ["/entries/1/pattern", "\"parameters/duration-below\" and in \"parameters/duration-below/60\""];
    for arguments in [&["run", "--baseline", "known.json"][..], &["baseline", "check", "known.json"]] {
        Program::new(arguments).file("known.json", baseline).finish().expect(2, &both);
    }
}

#[test]
fn the_shards_of_a_run_make_the_report_of_the_whole() {
    let run =
        |shard: &[&str]| Program::new(&[&["run", "--seed", "7", "--format", "jsonl"], shard].concat()).finish().stdout;
    let mut report = Program::new(&["report", "--report-json", "merged.json"]);
    for index in 1..=3 {
        let (name, shard) = (format!("{index}.jsonl"), format!("{index}/3"));
        report = report.file(&name, &run(&["--shard", &shard]));
        report.command().args(["--from", &name]);
    }
    report.finish().expect(0, &["conformant for core"]);
    let (merged, events) = (report.json("merged.json"), events(&run(&[])));
    let id = |case: &Value| case["id"].to_string();
    let whole: BTreeSet<_> = events.iter().filter(|event| event["event"] == "case").map(id).collect();
    assert_eq!(merged["cases"].as_array().expect("cases").iter().map(id).collect::<BTreeSet<_>>(), whole);
    let summary = events.last().expect("a summary");
    for member in ["conformant", "verdicts", "features", "checks", "complete"] {
        assert_eq!(merged["summary"][member], summary[member], "{member}");
    }
    let requirements = events.iter().filter(|event| event["event"] == "requirement");
    let statuses: Vec<_> = requirements.map(|event| (&event["id"], &event["status"])).collect();
    let merged = merged["requirements"].as_array().expect("requirements").iter();
    assert_eq!(merged.map(|event| (&event["id"], &event["status"])).collect::<Vec<_>>(), statuses);
}

#[test]
fn what_is_newer_than_the_baseline_stands_apart() {
    let blank = aws("200 OK", r#"{"dbPassword":" ","dbUser":"u","expiration":4e9,"nextRefreshTime":4e9}"#);
    let stub = Stub::of_operations(blank);
    let words = "newer than the baseline, which was written with suite 1 (this is suite 2): GC-PWD-03";
    let baseline = |version: &str| format!(r#"{{"version":1{version},"entries":[]}}"#);
    let ran = |version: &str, format: &str| {
        let line = format!("run success/workgroup-only --baseline known.json {format}");
        Program::at(&stub.endpoint, &line).file("known.json", &baseline(version)).finish()
    };
    for (format, words) in [("--format text", words.to_owned()), ("--report-md -", words.replacen('n', "N", 1))] {
        ran("", format).expect(1, &[&words]);
        let new = ran(r#","suite_version":2"#, format);
        assert!(!new.expect(1, &[]).stdout.to_lowercase().contains("newer than"), "{new:#?}");
    }
    let mut write = Program::at(&stub.endpoint, "baseline write known.json success/workgroup-only --reason later");
    write.finish().expect(0, &[]);
    assert_eq!(write.json("known.json")["suite_version"], 2);
}
