//! `report --from`: the same report again from a run stream, several runs side by side, and bad streams.

use std::fs::{self, File};

use rstest::rstest;
use serde_json::Value;

use crate::program::{Finished, Program, events};
use crate::stub_server::{Stub, answer};

/// A run stream of a few cases against the emulator.
fn stream() -> String {
    let finished = Program::line("run lifetimes --seed 1 --format jsonl").finish();
    finished.expect(0, &["\"event\":\"summary\""]);
    finished.stdout
}

/// The run stream of one shard of these cases.
fn shard(shard: &str, cases: &str) -> String {
    Program::line(&format!("run {cases} --shard {shard} --format jsonl")).finish().stdout
}

/// A run stream in which each event was changed.
fn changed(stream: &str, change: impl Fn(&mut Value)) -> String {
    let changed = events(stream).into_iter().map(|mut event| {
        change(&mut event);
        event.to_string() + "\n"
    });
    changed.collect()
}

fn report(streams: &[(&str, &str)], arguments: &[&str]) -> (Program, Finished) {
    let mut words = vec!["report"];
    for (name, _) in streams {
        words.extend(["--from", name]);
    }
    words.extend(arguments);
    let mut program = streams.iter().fold(Program::new(&words), |program, (name, text)| program.file(name, text));
    let finished = program.finish();
    (program, finished)
}

#[test]
fn a_report_from_the_stream_is_the_report_of_the_run() {
    const REPORTS: [&str; 6] = ["--report-html", "r.html", "--report-json", "r.json", "--report-junit", "r.xml"];
    let mut run = Program::new(&[&["run", "lifetimes", "--report-jsonl", "run.jsonl"], &REPORTS[..]].concat());
    run.finish().expect(0, &[]);
    let stream = run.read("run.jsonl");
    let (program, finished) = report(&[("run.jsonl", &stream)], &REPORTS);
    finished.expect(0, &["12 pass", "Totals"]);
    assert!(!finished.stdout.contains("To run this again"), "{finished:#?}");
    for name in ["r.html", "r.json", "r.xml"] {
        assert_eq!(program.read(name), run.read(name), "{name}");
    }
}

#[test]
fn a_stream_of_an_older_build_is_read() {
    let older = changed(&stream(), |event| {
        let members = event.as_object_mut().expect("an object");
        members.remove("expected");
        members.remove("exchange");
    });
    let (program, finished) = report(&[("old.jsonl", &older)], &["--report-html", "r.html"]);
    finished.expect(0, &[]);
    assert!(program.read("r.html").contains("lifetimes/default"));
}

#[test]
fn several_runs_stand_side_by_side_under_the_names_of_their_files() {
    let stream = stream();
    let (program, finished) = report(&[("one.jsonl", &stream), ("two.jsonl", &stream)], &["--report-html", "r.html"]);
    finished.expect(0, &[]);
    assert_eq!(finished.stdout.matches("Totals\n").count(), 2, "the text tells one after the other: {finished:#?}");
    let page = program.read("r.html");
    for text in ["GetCredentials of 2 targets", "class=\"target\">one</th>", "class=\"target\">two</th>"] {
        assert!(page.contains(text), "no {text}");
    }
}

#[test]
fn several_runs_are_one_matrix_in_markdown_and_in_the_summary_of_a_job() {
    let stub = Stub::answering(answer("404 Not Found", "text/html", "<html>no such page</html>"));
    let absent = Program::at(&stub.endpoint, "run lifetimes --format jsonl").finish().stdout;
    let mut program = Program::line("report --from one.jsonl --from two.jsonl --report-md r.md")
        .env("GITHUB_STEP_SUMMARY", "summary.md")
        .file("one.jsonl", &stream())
        .file("two.jsonl", &absent);
    program.finish().expect(0, &[]);
    let report = program.read("r.md");
    assert!(report.starts_with("## GetCredentials of 2 targets\n"), "{report}");
    let rows: Vec<&str> = report.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(rows.len(), 2, "a row for each target: {report}");
    assert!(rows[0].starts_with("| `emulator` | not decided"), "{report}");
    assert!(rows[1].starts_with("| `endpoint` | not implemented") && rows[1].contains("`404 text/html"), "{report}");
    assert!(
        report.contains("Only emulator could be judged, so that there is nothing to compare."),
        "a target without the operation differs from nobody: {report}"
    );
    assert_eq!(program.read("summary.md").trim_end(), report.trim_end());
}

#[rstest]
#[case("--report-junit")]
#[case("--report-json")]
#[case("--report-jsonl")]
#[case("--badge")]
fn a_format_with_room_for_one_run_says_so(#[case] flag: &str) {
    let stream = stream();
    let (_, finished) = report(&[("one.jsonl", &stream), ("two.jsonl", &stream)], &[flag, "r.svg"]);
    finished.expect(2, &[flag, "room for one run, found 2", "--report-html"]);
}

#[test]
fn a_shard_of_another_seed_is_named_with_what_differs() {
    let [one, two, three] =
        [("1/3", 1), ("2/3", 2), ("3/3", 1)].map(|(part, seed)| shard(part, &format!("lifetimes --seed {seed}")));
    let (_, finished) = report(&[("1.jsonl", &one), ("2.jsonl", &two), ("3.jsonl", &three)], &[]);
    finished.expect(2, &["run stream 2, shard 2/3: expected the seed 1, as in run stream 1, found 2"]);
    finished.expect(2, &["run stream 1: 1.jsonl", "run stream 2: 2.jsonl", "run stream 3: 3.jsonl"]);
}

#[test]
fn a_number_of_shards_that_nobody_has_is_told_and_not_counted_up() {
    let one = shard("1/2", "lifetimes --seed 1");
    let many = one.replacen("\"1/2\"", "\"1/18446744073709551615\"", 1);
    assert_ne!(one, many);
    let two = many.replacen("\"1/18", "\"2/18", 1);
    let (_, finished) = report(&[("1.jsonl", &many), ("2.jsonl", &two)], &[]);
    finished.expect(2, &["found"]);
}

#[test]
fn a_shard_alone_has_a_badge_that_says_so() {
    let one = shard("1/2", "--seed 1");
    let (program, finished) = report(&[("1.jsonl", &one)], &["--badge", "b.json"]);
    finished.expect(0, &["(shard 1/2)"]);
    let badge = program.read("b.json");
    assert!(badge.contains("\"shard 1/2: ") && !badge.contains("green"), "{badge}");
}

#[test]
fn shards_claim_nothing_by_themselves_and_are_conformant_together() {
    let conformant = |stream: &str| {
        let last = events(stream).pop().expect("a summary");
        last["conformant"].as_bool().expect("the format says true or false")
    };
    let shards = ["1/2", "2/2"].map(|part| shard(part, "--seed 1"));
    assert!(!conformant(&shards[0]) && !conformant(&shards[1]));
    let streams = [("1.jsonl", shards[0].as_str()), ("2.jsonl", shards[1].as_str())];
    let (program, finished) =
        report(&streams, &["--report-jsonl", "r.jsonl", "--badge", "b.json", "--report-html", "r.html"]);
    finished.expect(0, &["\nconformant for core"]);
    assert!(program.read("r.html").contains("<body class=\"one\" "), "they are one run");
    assert!(conformant(&program.read("r.jsonl")));
    assert!(program.read("b.json").contains("\"message\":\"conformant"));
    assert!(conformant(&shard("1/1", "--seed 1")), "the one shard of a run is the run");
}

#[test]
fn a_run_of_an_sdk_is_not_put_beside_runs_against_servers() {
    let sdk = crate::sdk_diff::old();
    let (_, alone) = report(&[("sdk.jsonl", &sdk)], &[]);
    alone.expect(0, &["GetCredentials by boto3 1.43.127"]);
    let (program, finished) = report(&[("server.jsonl", &stream()), ("sdk.jsonl", &sdk)], &["--report-html", "r.html"]);
    let expected = [
        "runs against servers: server.jsonl (of emulator)",
        "runs of SDKs: sdk.jsonl (of boto3 1.43.127)",
        "Give `countersign report` those against servers, and compare those of SDKs with `countersign diff OLD NEW`",
    ];
    finished.expect(2, &expected);
    assert!(finished.stdout.is_empty() && !program.folder().join("r.html").exists(), "{finished:#?}");
}

#[test]
fn an_sdk_is_told_with_what_ran_it_and_has_no_endpoint_and_no_claims() {
    const SDK: &str = "boto3 1.43.127 on CPython 3.11.7, driver boto3, with nothing but loopback";
    let sdk = crate::sdk_diff::old();
    let reports = ["--report-html", "r.html", "--report-md", "r.md"];
    let (program, finished) = report(&[("sdk.jsonl", &sdk)], &reports);
    finished.expect(0, &[&format!("GetCredentials by {SDK}; 1 case")]);
    let (page, markdown) = (program.read("r.html"), program.read("r.md"));
    assert!(markdown.contains(&format!("\ncountersign 0.1.0: 1 case by {SDK}\n")), "{markdown}");
    assert!(page.contains(&format!("<dt>The SDK</dt><dd>{SDK}; ")), "{page}");
    for untold in ["claims", "Claims", "probe", "http://127.0.0.1/", "seed"] {
        let facts = page
            .split("<dl class=\"facts\" id=\"after-map\" tabindex=\"-1\">")
            .nth(1)
            .and_then(|rest| rest.split("</dl>").next())
            .expect("facts");
        assert!(!facts.contains(untold) && !markdown.contains(untold), "{untold}: {facts} {markdown}");
    }
    let (program, finished) = report(&[("a.jsonl", &sdk), ("b.jsonl", &sdk)], &reports);
    finished.expect(0, &[]);
    assert!(program.read("r.md").starts_with("## GetCredentials of 2 SDKs\n"));
    assert!(program.read("r.html").contains("<h1>GetCredentials of 2 SDKs</h1>"));
}

#[test]
fn each_result_of_several_runs_says_of_which_file_it_is() {
    let stream = stream();
    let mut program = Program::new(&["report", "--from", "run.jsonl", "--from", "old/run.jsonl", "--format", "quiet"]);
    fs::create_dir(program.folder().join("old")).expect("the folder is writable");
    program = program.file("run.jsonl", &stream).file("old/run.jsonl", &stream);
    let finished = program.finish();
    finished.expect(0, &["run.jsonl: 12 cases: 12 pass", "old/run.jsonl: 12 cases: 12 pass"]);
    let results = finished.stdout.lines().filter(|line| !line.is_empty() && *line != "Totals");
    for line in results {
        assert!(
            line.contains("run.jsonl at http")
                || line.split(": ").next().is_some_and(|name| name.ends_with("run.jsonl")),
            "{line}"
        );
    }
    let (_, alone) = report(&[("run.jsonl", &stream)], &["--format", "quiet"]);
    assert!(alone.stdout.starts_with("Totals\n12 cases: 12 pass"), "{alone:#?}");
}

#[test]
fn a_server_that_stopped_answering_broke_everything() {
    let old = stream();
    let new = changed(&old, |event| match event["event"].as_str() {
        Some("case") => {
            event["verdict"] = "indeterminate".into();
            event["reason"] = "no answer within 10 s".into();
        }
        Some("summary") => event["verdicts"] = serde_json::json!({ "indeterminate": 12 }),
        _ => {}
    });
    let mut diff = Program::new(&["diff", "old.jsonl", "new.jsonl"]).file("old.jsonl", &old).file("new.jsonl", &new);
    diff.finish().expect(1, &["12 broken, 0 fixed", "pass -> indeterminate", "no answer within 10 s"]);
    let mut back = Program::new(&["diff", "new.jsonl", "old.jsonl"]).file("old.jsonl", &old).file("new.jsonl", &new);
    back.finish().expect(0, &["0 broken, 0 fixed, 12 changed"]);
}

#[test]
fn a_missing_file_is_named_with_what_writes_one() {
    for arguments in [&["report", "--from", "gone.jsonl"][..], &["diff", "gone.jsonl", "gone.jsonl"]] {
        Program::new(arguments).finish().expect(2, &["run stream gone.jsonl", "--report-jsonl", "sdk run -o"]);
    }
}

#[test]
fn a_folder_is_no_run_stream_and_no_baseline_and_a_file_no_folder_of_fixtures() {
    let folder = &["expected a run stream, found a folder at ."];
    Program::new(&["report", "--from", "."]).finish().expect(2, folder);
    Program::new(&["diff", ".", "."]).finish().expect(2, folder);
    Program::new(&["baseline", "check", "."]).finish().expect(2, &["cannot read the baseline: Is a directory"]);
    let mut validate = Program::new(&["validate", "--fixtures", "mine"]).file("mine", "{}");
    validate.finish().expect(5, &["mine: expected a folder with requirements.json"]);
}

#[test]
fn what_is_no_baseline_says_what_one_is() {
    for text in ["", "<html>", "\0", "[]"] {
        let mut check = Program::new(&["baseline", "check", "known.json"]).file("known.json", text);
        check.finish().expect(2, &["known.json: expected a baseline", "`countersign baseline write` makes one"]);
    }
}

#[test]
fn a_wrong_line_is_named_with_its_file() {
    let mut lines: Vec<_> = stream().lines().map(str::to_owned).collect();
    lines[2] = "{}".to_owned();
    let (_, finished) = report(&[("run.jsonl", &lines.join("\n"))], &["--report-html", "r.html"]);
    finished.expect(2, &["run.jsonl: line 3 of the run stream", "expected an event"]);
}

#[test]
fn a_stream_that_was_cut_is_refused_until_it_is_accepted() {
    let stream = stream();
    let lines: Vec<_> = stream.lines().collect();
    let cut = format!("{}\n{}", lines[..4].join("\n"), &lines[4][..20]);
    let (program, finished) = report(&[("run.jsonl", &cut)], &["--report-html", "r.html"]);
    finished.expect(2, &["run.jsonl: line 5"]);
    assert!(!program.folder().join("r.html").exists());
    let whole_lines = lines[..4].join("\n") + "\n";
    let (_, finished) = report(&[("run.jsonl", &whole_lines)], &[]);
    finished.expect(2, &["run.jsonl: line 4", "--accept-incomplete"]);
    let (program, finished) = report(&[("run.jsonl", &cut)], &["--accept-incomplete", "--report-html", "r.html"]);
    finished.expect(0, &["the run was cut short: 3 of "]);
    assert!(program.read("r.html").contains("The run was cut short: 3 of "));
}

#[test]
fn a_stream_comes_from_standard_input_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("run.jsonl");
    fs::write(&path, stream()).expect("writable");
    let mut program = Program::new(&["report", "--from", "-", "--format", "quiet"]);
    program.command().stdin(File::open(&path).expect("it is there"));
    program.finish().expect(0, &["12 pass"]);
    Program::new(&["report", "--from", "-", "--from", "-"]).finish().expect(2, &["only once"]);
}

#[test]
fn markup_and_terminal_codes_of_a_target_do_nothing_in_html() {
    const NASTY: &str = "<script>alert(1)</script></script>]]>\u{1b}[31m\u{202e}x\u{200b}<img src=x onerror=alert(1)>";
    let body = serde_json::json!({ "__type": NASTY, "message": NASTY, NASTY: NASTY }).to_string();
    // HTTP has no way to send an escape in a status line or a header field.
    let nasty_text = NASTY.replace('\u{1b}', "");
    // What a cookie has is a secret, and would be masked everywhere.
    let cookie = nasty_text.replace("alert(1)", "alert(2)");
    let fields = format!("\r\nx-note: {nasty_text}\r\nset-cookie: {cookie}\r\n");
    let reply = answer(&format!("400 {nasty_text}"), "text/<script>", &body).replacen("\r\n", &fields, 1);
    let stub = Stub::answering(reply);
    let mut program = Program::at(&stub.endpoint, "run --report-html r.html --format quiet");
    program.finish().expect(1, &[]);
    let page = program.read("r.html");
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "its words are shown");
    assert_eq!(page.matches("<script").count(), 1, "only our own");
    assert!(!page.contains("<img"), "no element of the target's");
    assert!(!page.contains(['\u{1b}', '\u{202e}', '\u{200b}', '\r']), "no control and no invisible character");
}

#[rstest]
#[case::named(&[], &["wrote a.html (--report-html)", "wrote b.md (--report-md)"])]
#[case::quiet(&["-q"], &[])]
fn a_line_names_each_file_that_is_written(#[case] more: &[&str], #[case] lines: &[&str]) {
    let mut run = Program::line("run success/workgroup-only --report-jsonl run.jsonl");
    run.finish().expect(0, &[]);
    let arguments = ["report", "--from", "run.jsonl", "--report-html", "a.html", "--report-md", "b.md"];
    let arguments: Vec<_> = arguments.iter().chain(more).copied().collect();
    let finished = Program::new(&arguments).file("run.jsonl", &run.read("run.jsonl")).finish();
    assert_eq!((finished.code, finished.stderr.lines().collect::<Vec<_>>()), (0, lines.to_vec()));
}

#[rstest]
#[case::variable_of_the_format("-q", &[("COUNTERSIGN_FORMAT", "jsonl")])]
#[case::variable_of_verbose("-q", &[("COUNTERSIGN_VERBOSE", "true")])]
#[case::other_flags("-q --format jsonl -v", &[])]
fn quiet_counts_more_than_what_other_flags_and_variables_say(#[case] flags: &str, #[case] set: &[(&str, &str)]) {
    let program = Program::line(&format!("run success/workgroup-only {flags}"));
    let finished = { set.iter().fold(program, |program, (name, value)| program.env(name, value)) }.finish();
    finished.expect(0, &["Totals"]);
    assert!(!finished.stdout.contains("\"event\"") && !finished.stdout.contains("pass success"), "{finished:#?}");
}

#[test]
fn diff_names_the_files_of_both_runs_and_begins_with_what_broke() {
    let old = stream();
    let new = changed(&old, |event| {
        if event["id"] == "lifetimes/default" {
            event["verdict"] = "not-implemented".into();
        }
        if event["event"] == "summary" {
            event["verdicts"]["pass"] = (event["verdicts"]["pass"].as_u64().expect("a number") - 1).into();
            event["verdicts"]["not-implemented"] = 1.into();
        }
    });
    let diff = Program::line("diff monday.jsonl today.jsonl").file("monday.jsonl", &old).file("today.jsonl", &new);
    let finished = { diff }.finish();
    let lines: Vec<_> = finished.stdout.lines().collect();
    assert!(lines.len() > 3, "{finished:#?}");
    assert!(lines[0].starts_with("old (monday.jsonl): ") && lines[1].starts_with("new (today.jsonl): "), "{lines:#?}");
    assert_eq!((finished.code, lines[3]), (1, "broken 1 case: lifetimes/default"), "{lines:#?}");
}

#[test]
fn the_one_object_of_a_json_report_is_told_from_a_run_stream() {
    let (_, finished) = report(&[("run.json", "{\n  \"run\": {}\n}\n")], &["--report-html", "r.html"]);
    finished.expect(2, &["run.json: line 1", "and not the one object of --report-json"]);
}
