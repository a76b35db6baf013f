//! Whatever others wrote is shown as data: file names, arguments, variables, baselines, fixtures, profiles, run streams
//! and what a driver says. Nothing of it steers a terminal or a CI service, and nothing of it is shown without end.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use rstest::rstest;
use serde_json::{Value, json};

use crate::fixtures::Fixtures;
use crate::program::{Finished, Program, events};

/// Texts that do something where they are shown as they are.
fn hostile() -> Vec<(&'static str, String)> {
    let command = " ::error file=a::PWNED";
    let codes = "a\u{1b}[31mb\u{1b}]52;c;cHduZWQ=\u{7}\u{9b}31m\u{9d}0;t\u{9c}";
    let azure = "##[error]PWNED ##vso[task.setvariable variable=a]b";
    let lines = "\r\nb\n::error::PWNED\n  ::add-mask::b\n##[error]PWNED\u{85}\u{2028}::error::b";
    let order = "\u{202e}b\u{2066}c\u{200b}d\u{e0041}";
    let noncharacters = "a\u{fffe}b\u{ffff}c\u{fdd0}d\u{1fffe}";
    vec![
        ("codes", format!("{command}{codes}{noncharacters}{lines}{azure}{order}")),
        ("markup", "<img src=x onerror=alert(1)>|b![c](http://d) @octocat".to_owned()),
        ("long", "\u{1b}[31m".repeat(20_000)),
    ]
}

/// The same as what can stand in a file: null characters too.
fn hostile_inside() -> Vec<(&'static str, String)> {
    hostile().into_iter().map(|(kind, text)| (kind, if kind == "codes" { text + "\0" } else { text })).collect()
}

/// The same as what can be one name of a file.
fn hostile_names() -> Vec<(&'static str, String)> {
    let short = |text: String| text[..text.floor_char_boundary(200)].replace('/', "_");
    hostile().into_iter().map(|(kind, text)| (kind, short(text))).collect()
}

/// More than any of these commands has to say about what is wrong, in bytes.
const MOST: usize = 40 << 10;

/// The characters of [`hostile`] that nobody sees, or that no file may have.
const UNSEEN: &str = "\u{202e}\u{2066}\u{200b}\u{2028}\u{e0041}\u{fffe}\u{ffff}\u{fdd0}\u{1fffe}";

/// Checks that what was shown does nothing, and is not without end.
#[track_caller]
fn expect_harmless(what: &str, finished: &Finished, codes: &[i32], most: usize) {
    let Finished { code, stdout, stderr } = finished;
    let start = |text: &str| text.chars().take(2_000).collect::<String>();
    assert!(codes.contains(code), "{what}: exit code {code}\n{}\n{}", start(stdout), start(stderr));
    for text in [stdout, stderr] {
        let raw = text.chars().find(|c| (c.is_control() && *c != '\n') || UNSEEN.contains(*c));
        assert!(raw.is_none(), "{what}: {raw:?} in {}", start(text));
        let command = text.lines().find(|line| {
            let line = line.trim_start_matches(|c: char| !c.is_ascii_graphic());
            line.starts_with("::") || line.contains("##[") || line.contains("##vso[")
        });
        assert_eq!(command, None, "{what}");
        assert!(!text.contains("panicked"), "{what}: {}", start(text));
        assert!(text.len() < most, "{what}: {} bytes: {}", text.len(), start(text));
    }
}

/// Runs a command with an argument for each hostile text; null characters can be in none.
fn with_each(codes: &[i32], words: &[&str], place: impl Fn(&str) -> Vec<String>) {
    for (kind, text) in hostile() {
        let more = place(&text);
        let all: Vec<&str> = words.iter().copied().chain(more.iter().map(String::as_str)).collect();
        expect_harmless(&format!("{kind} behind {words:?}"), &Program::new(&all).finish(), codes, MOST);
    }
}

#[rstest]
#[case::run(&["run"], &[2, 4])]
#[case::run_but_one(&["run", "success"], &[2])]
#[case::dry_run(&["run", "--dry-run"], &[2, 4])]
#[case::list(&["list", "cases"], &[2, 4])]
#[case::list_what(&["list"], &[2])]
#[case::explain(&["explain"], &[2])]
#[case::selftest(&["selftest"], &[2, 4])]
#[case::command(&[], &[2])]
#[case::install(&["sdk", "install"], &[2])]
#[case::sdk_run(&["sdk", "run", "--driver", "boto3"], &[2, 4])]
#[case::completions(&["completions"], &[2])]
fn what_is_typed_wrongly_is_repeated_as_data(#[case] words: &[&str], #[case] codes: &[i32]) {
    with_each(codes, words, |text| vec![text.to_owned()]);
}

#[rstest]
#[case::target("run", "target", &[2])]
#[case::endpoint("run", "endpoint", &[2])]
#[case::requirement("run", "requirement", &[2])]
#[case::skip("run", "skip", &[2])]
#[case::shard("run", "shard", &[2])]
#[case::claim("run", "claim", &[2])]
#[case::level("run", "level", &[2])]
#[case::timeout("run", "timeout", &[2])]
#[case::jobs("run", "jobs", &[2])]
#[case::seed("run", "seed", &[2])]
#[case::format("run", "format", &[2])]
#[case::workgroup("run", "workgroup", &[2])]
#[case::region("run", "region", &[2])]
#[case::custom_domain("run", "custom-domain", &[2])]
#[case::db_name("run", "db-name", &[2])]
#[case::allow_aws("run", "allow-aws", &[2])]
#[case::baseline("run", "baseline", &[2])]
#[case::config("run", "config", &[2])]
#[case::ca_file("run", "ca-file", &[0, 2])]
#[case::badge("run", "badge", &[2])]
#[case::report("run", "report-json", &[0, 2])]
#[case::fixtures("run", "fixtures", &[5])]
#[case::unknown("run", "\u{1b}[31m::error::b", &[2])]
#[case::stream("report", "from", &[2])]
#[case::schemas("schema", "dir", &[1, 2])]
fn a_value_of_a_flag_or_a_variable_is_repeated_as_data(
    #[case] command: &str,
    #[case] flag: &str,
    #[case] codes: &[i32],
) {
    let words = |text: &str| match flag {
        "dir" => vec!["--check".to_owned(), format!("--{flag}={text}")],
        _ => vec![format!("--{flag}={text}")],
    };
    let nothing_to_do: &[&str] = if command == "run" { &["run", "success/workgroup-only"] } else { &[command] };
    with_each(codes, nothing_to_do, words);
    if command != "run" || flag.contains('\u{1b}') {
        return;
    }
    for (kind, text) in hostile().into_iter().filter(|(kind, _)| *kind == "codes") {
        let variable = format!("COUNTERSIGN_{}", flag.replace('-', "_").to_uppercase());
        let finished = Program::new(nothing_to_do).env(&variable, &text).finish();
        expect_harmless(&format!("{kind} in {variable}"), &finished, codes, MOST);
    }
}

#[test]
fn what_a_target_is_called_is_shown_as_data_by_doctor() {
    for (kind, text) in hostile() {
        let at = ["doctor", "--endpoint", "http://127.0.0.1:1", "--no-sign", "--workgroup", &text, "--region", &text];
        expect_harmless(kind, &Program::new(&at).finish(), &[2, 3], MOST);
    }
}

#[test]
fn variables_of_others_are_repeated_as_data() {
    for (kind, text) in hostile() {
        for (variable, words, codes) in [
            ("COUNTERSIGN_LOG", &["list", "features"][..], &[0][..]),
            ("AWS_ENDPOINT_URL", &["run"], &[2]),
            ("AWS_REGION", &["run", "success/workgroup-only"], &[2]),
            ("AWS_PROFILE", &["config", "show", "--target", "mock"], &[0]),
            ("AWS_PROFILE", &["config", "show", "--endpoint", "http://127.0.0.1:1"], &[0]),
            ("AWS_PROFILE", &["run", "--endpoint", "http://127.0.0.1:1"], &[2]),
            ("AWS_CONFIG_FILE", &["run", "--endpoint", "http://127.0.0.1:1"], &[2]),
            ("GITHUB_STEP_SUMMARY", &["run", "success/workgroup-only"], &[0]),
            ("COUNTERSIGN_SDK_CACHE", &["sdk", "list"], &[0]),
        ] {
            let finished = Program::new(words).env(variable, &text).finish();
            expect_harmless(&format!("{kind} in {variable}"), &finished, codes, MOST);
        }
    }
}

#[rstest]
#[case::baseline_check(&["baseline", "check"], &[2])]
#[case::run(&["run", "--baseline"], &[2])]
#[case::config(&["run", "success/workgroup-only", "--config"], &[0, 2])]
#[case::diff(&["diff", "NAME"], &[2])]
#[case::report(&["report", "--from"], &[2])]
#[case::ca_file(&["run", "--endpoint", "https://127.0.0.1:1", "--no-sign", "--ca-file"], &[2])]
fn the_name_of_a_file_is_shown_as_data(#[case] words: &[&str], #[case] codes: &[i32]) {
    for (kind, name) in hostile_names() {
        for text in ["", "{", "{\"version\":1,\"entries\":[{\"pattern\":\"nothing/here\",\"reason\":\"r\"}]}"] {
            let words: Vec<&str> =
                words.iter().map(|word| if *word == "NAME" { name.as_str() } else { word }).collect();
            let words = [&words[..], &[name.as_str()]].concat();
            // A name with a slash at its start, or none at all, is no name of a file here.
            let finished = Program::new(&words).file(&name, text).finish();
            expect_harmless(&format!("{kind} as a file of {words:?}"), &finished, codes, MOST);
        }
        let folder =
            Program::new(&["run", "success/workgroup-only", "--report-json", &format!("{name}/r.json")]).finish();
        expect_harmless(&format!("{kind} as a folder"), &folder, &[2], MOST);
    }
}

#[cfg(unix)]
#[test]
fn a_name_that_is_no_unicode_is_shown() {
    use std::os::unix::ffi::OsStrExt;
    let name = OsStr::from_bytes(b"a\xff\x1b[31m\xfe.json");
    for words in
        [&["baseline", "check"][..], &["run", "--baseline"], &["report", "--from"], &["validate", "--fixtures"]]
    {
        let mut program = Program::new(words);
        program.command().arg(name);
        expect_harmless(&format!("{words:?}"), &program.finish(), &[2, 5], MOST);
    }
    let mut program = Program::new(&["run"]);
    program.command().arg(name).stdin(Stdio::null());
    expect_harmless("a pattern", &program.finish(), &[2, 4], MOST);
}

#[rstest]
#[case::pattern("pattern", &[2])]
#[case::reason("reason", &[0, 2])]
#[case::issue("issue", &[0, 2])]
#[case::expires("expires", &[2])]
#[case::unknown("", &[2])]
fn an_entry_of_a_baseline_is_shown_as_data(#[case] member: &str, #[case] codes: &[i32]) {
    for (kind, text) in hostile_inside() {
        let mut entry = json!({ "pattern": "success/workgroup-only", "reason": "r" });
        entry[if member.is_empty() { text.as_str() } else { member }] = json!(text);
        let baseline = json!({ "version": 1, "entries": [entry] }).to_string();
        let finished = Program::new(&["baseline", "check", "k.json"]).file("k.json", &baseline).finish();
        expect_harmless(&format!("{kind} as {member}, checked"), &finished, codes, MOST);
        let run = ["run", "success/workgroup-only", "--baseline", "k.json", "--verbose"];
        let finished = Program::new(&run).file("k.json", &baseline).finish();
        expect_harmless(&format!("{kind} as {member}, used"), &finished, &[1, 2], MOST);
    }
    // Patterns that have expired are listed.
    let over = |text: &str| json!({ "pattern": format!("{{success/workgroup-only,{text}}}"), "reason": "r", "expires": "2020-01-31" });
    for (kind, text) in hostile_inside() {
        let baseline = json!({ "version": 1, "entries": [over(&text)] }).to_string();
        let finished = Program::new(&["baseline", "check", "k.json"]).file("k.json", &baseline).finish();
        expect_harmless(&format!("{kind} in a pattern that has expired"), &finished, &[1, 2], MOST);
    }
}

#[rstest]
#[case::target("target = TEXT\n")]
#[case::endpoint("target = \"a\"\n[targets.a]\nendpoint = TEXT\n")]
#[case::region("target = \"a\"\n[targets.a]\nendpoint = \"http://127.0.0.1:1\"\nregion = TEXT\n")]
#[case::unknown_key("target = \"a\"\n[targets.a]\nendpoint = \"http://127.0.0.1:1\"\nno-sign = TEXT\n")]
#[case::key("TEXT = 1\n")]
#[case::name("target = TEXT\n[targets.TEXT]\nregion = \"a\"\n")]
#[case::claim("[targets.a]\nclaim = [TEXT]\n")]
#[case::jobs("target = TEXT\n[targets.TEXT]\nendpoint = \"http://127.0.0.1:1\"\njobs = 0\n")]
#[case::domain("target = \"a\"\n[targets.a]\nendpoint = \"http://127.0.0.1:1\"\nsign = false\ncustom-domain = TEXT\n")]
#[case::no_toml("target = TEXT TEXT\n")]
fn a_profile_is_shown_as_data(#[case] config: &str) {
    for (kind, text) in hostile_inside() {
        let config = config.replace("TEXT", &Value::from(text).to_string());
        for words in [&["run"][..], &["doctor"], &["config", "show"]] {
            let finished = Program::new(words).file("countersign.toml", &config).finish();
            expect_harmless(&format!("{kind} in {config:.60} of {words:?}"), &finished, &[0, 2, 3], MOST);
        }
    }
}

/// Puts a text at a JSON pointer of a fixture; a last part that is a bar stands for the text as a new key.
fn fixtures_at(file: &str, pointer: &str, text: &str) -> Fixtures {
    let fixtures = Fixtures::copy();
    fixtures.change_json(file, |document| match (pointer.rsplit_once('/'), document.pointer(pointer)) {
        (Some((at, "|")), _) => document.pointer_mut(at).expect("the place is there")[text] = json!(text),
        (_, Some(_)) => *document.pointer_mut(pointer).expect("the place is there") = json!(text),
        // A key that need not be there.
        (Some((at, name)), None) => document.pointer_mut(at).expect("the place is there")[name] = json!(text),
        (None, None) => panic!("{pointer} is no pointer"),
    });
    fixtures
}

#[rstest]
#[case::requirement("requirements.json", "/requirements/0/text")]
#[case::source("requirements.json", "/requirements/0/source/0/place")]
#[case::requirement_id("requirements.json", "/requirements/0/id")]
#[case::level("requirements.json", "/requirements/0/level")]
#[case::unknown_key("requirements.json", "/requirements/0/|")]
#[case::suite("server/success.json", "/suite")]
#[case::operation("server/success.json", "/operation")]
#[case::case_id("server/success.json", "/cases/0/id")]
#[case::title("server/success.json", "/cases/0/title")]
#[case::cites("server/success.json", "/cases/0/requirements/0")]
#[case::control("server/errors.json", "/cases/0/control/case")]
#[case::differs_at("server/errors.json", "/cases/0/control/differs_at")]
#[case::breaks("server/errors.json", "/cases/0/breaks")]
#[case::unknown_key_of_a_case("server/errors.json", "/cases/0/|")]
#[case::client_title("client/errors.json", "/cases/0/title")]
#[case::client_id("client/errors.json", "/cases/0/id")]
#[case::defect_id("defects/success.json", "/defects/0/id")]
#[case::defect_title("defects/success.json", "/defects/0/title")]
#[case::defect_breaks("defects/success.json", "/defects/0/requirements/0")]
#[case::reply_title("replies/credentials.json", "/title")]
#[case::shape("services/redshift-serverless/service.json", "/|")]
fn a_fixture_that_nobody_can_read_is_refused_with_its_place(#[case] file: &str, #[case] pointer: &str) {
    for (kind, text) in hostile_inside() {
        let fixtures = fixtures_at(file, pointer, &text);
        let finished = Program::new(&["validate", "--fixtures", fixtures.folder()]).finish();
        let free = kind == "markup" && !pointer.ends_with("id");
        let codes: &[i32] = if free { &[0, 5] } else { &[5] };
        expect_harmless(&format!("{kind} at {pointer} of {file}"), &finished, codes, MOST);
        if finished.code == 5 {
            assert!(finished.stderr.contains(".json at /"), "no place in {finished:#?}");
        }
    }
}

/// Checks that nothing in Markdown is more than text in tables.
#[track_caller]
fn expect_no_markup(text: &str, format: &str) {
    use pulldown_cmark::{Event, Options, Parser, Tag};
    let marks = |event: &Event<'_>| {
        matches!(event, Event::Html(_) | Event::InlineHtml(_) | Event::Start(Tag::Link { .. } | Tag::Image { .. }))
    };
    let options = Options::ENABLE_TABLES | Options::ENABLE_GFM;
    assert_eq!(Parser::new_ext(text, options).find(marks).filter(|_| format == "md"), None);
}

#[test]
fn markup_in_a_fixture_does_nothing_in_a_table() {
    let markup = "<img src=x>|`<b>` ![a](http://b) @octocat";
    let fixtures = fixtures_at("server/success.json", "/cases/0/title", markup);
    let folder = fixtures.folder();
    let finished = Program::new(&["list", "cases", "--format", "md", "--fixtures", folder]).finish();
    finished.expect(0, &["img src=x"]);
    expect_no_markup(&finished.stdout, "md");
    let listing = Program::new(&["list", "cases", "--fixtures", folder]).finish();
    assert!(listing.expect(0, &[]).stdout.contains(markup), "{listing:#?}");
}

#[test]
fn what_may_hold_anything_is_explained_as_data() {
    for (kind, text) in hostile_inside().into_iter().filter(|(kind, _)| !kind.starts_with("long")) {
        let fixtures = Fixtures::copy();
        let endpoint = format!("${{endpoint}}/{text}");
        let mut id = String::new();
        fixtures.change_json("client/errors.json", |suite| {
            let case = &mut suite["cases"][0];
            case["request"] = json!({ "endpoint": endpoint, "input": { &text: { "string": &text } } });
            id = case["id"].as_str().expect("an id").to_owned();
        });
        for format in ["text", "json"] {
            let words = ["explain", &id, "--format", format, "--fixtures", fixtures.folder()];
            let finished = Program::new(&words).finish();
            expect_harmless(&format!("{kind} as {format}"), &finished, &[0], MOST);
        }
    }
}

#[test]
fn a_folder_of_fixtures_may_be_called_anything() {
    for (kind, name) in hostile_names() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let named = folder.path().join(&name);
        fs::create_dir(&named).expect("a folder");
        fs::write(named.join("requirements.json"), "{").expect("a file");
        let mut program = Program::new(&["validate", "--fixtures"]);
        program.command().arg(Path::new(&named));
        expect_harmless(kind, &program.finish(), &[5], MOST);
    }
}

/// The run stream of a run with a text at a JSON pointer of one of its events.
fn stream_with(stream: &str, line: usize, pointer: &str, text: &str) -> String {
    let mut lines = events(stream);
    let (at, member) = pointer.rsplit_once('/').expect("a pointer");
    lines[line].pointer_mut(at).expect("the place is there")[member] = json!(text);
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    lines.join("\n") + "\n"
}

#[rstest]
#[case::event(0, "/event", &[2])]
#[case::target(0, "/target/name", &[0, 1])]
#[case::region(0, "/target/region", &[0, 1])]
#[case::said(0, "/target/said", &[0, 1])]
#[case::started(0, "/started_at", &[0, 1])]
#[case::case_id(1, "/id", &[0, 1, 2])]
#[case::title(1, "/title", &[0, 1])]
#[case::reason(1, "/reason", &[0, 1])]
#[case::verdict(1, "/verdict", &[2])]
#[case::shard(0, "/shard", &[0, 1, 2])]
fn a_run_stream_of_others_is_reported_as_data(#[case] line: usize, #[case] pointer: &str, #[case] codes: &[i32]) {
    let run = ["run", "success/workgroup-only", "--format", "jsonl"];
    let stream = Program::new(&run).finish().stdout;
    for (kind, text) in hostile_inside() {
        let changed = stream_with(&stream, line, pointer, &text);
        for words in [
            &["report", "--from", "new", "--verbose"][..],
            &["report", "--from", "old", "--from", "new"],
            &["diff", "old", "new"],
            &["diff", "old", "new", "--format", "json"],
            &["diff", "old", "new", "--format", "md"],
        ] {
            let finished = Program::new(words).file("old", &stream).file("new", &changed).finish();
            let codes = [codes, &[2]].concat();
            // As JSON the text stays as it is.
            let most = if words.contains(&"json") { usize::MAX } else { MOST };
            expect_harmless(&format!("{kind} at {pointer} of {words:?}"), &finished, &codes, most);
        }
    }
}

#[test]
fn what_an_installation_says_of_itself_is_shown_as_data() {
    for (kind, text) in hostile_inside() {
        let cache = tempfile::tempdir().expect("a temporary folder");
        let folder = cache.path().join("boto3@1.2.3");
        fs::create_dir(&folder).expect("a folder");
        let marker = json!({ "version": 1, "driver": "boto3", "sdk_version": text, "deps": { &text: &text } });
        fs::write(folder.join("installed.json"), marker.to_string()).expect("a file");
        for format in ["text", "md"] {
            let program = Program::new(&["sdk", "list", "--format", format]);
            let finished = program.env("COUNTERSIGN_SDK_CACHE", cache.path().to_str().expect("a text")).finish();
            expect_harmless(&format!("{kind} as {format}"), &finished, &[0], MOST);
            expect_no_markup(&finished.stdout, format);
        }
    }
}

/// What a command makes of a driver that says one thing in place of its hello, and ends with it as its log.
#[cfg(unix)]
fn told_by_driver(words: &[&str], driver_text: &str) -> Finished {
    let script = "head -n 1 > /dev/null; cat said; cat said >&2; exit 1";
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("said"), driver_text).expect("a file");
    let script = format!("cd '{}'; {script}", folder.path().to_str().expect("a text"));
    Program::new(&[words, &["--", "sh", "-c", &script]].concat()).env("COUNTERSIGN_LOG", "trace").finish()
}

#[cfg(unix)]
#[test]
fn what_a_driver_says_is_shown_as_data() {
    let hello = |text: &str| {
        json!({ "type": "hello", "protocol": 1, "driver": text, "language": text, "runtime": text, "sdk": text,
            "sdkVersion": text, "deps": { text: text }, "operations": [text], "config": [text], "inputs": { text: "pass" },
            "reports": [text] })
    };
    for (kind, text) in hostile_inside() {
        let mut unknown = hello("a");
        unknown[&text] = json!(1);
        let texts = [
            text.clone() + "\n",
            text.clone(),
            hello(&text).to_string() + "\n",
            unknown.to_string() + "\n",
            json!({ "type": text }).to_string() + "\n",
            json!({ "type": "hello", "protocol": text }).to_string() + "\n",
        ];
        for (number, driver_text) in texts.iter().enumerate() {
            for words in [&["sdk", "protocol"][..], &["sdk", "run", "requests/minimal", "--verbose"]] {
                let finished = told_by_driver(words, driver_text);
                expect_harmless(&format!("{kind} as text {number} of {words:?}"), &finished, &[0, 1, 2, 3], MOST);
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn a_line_of_ten_megabytes_is_not_shown() {
    let finished = told_by_driver(&["sdk", "protocol"], &("::error::\u{1b}[31m ".repeat(800_000) + "\n"));
    expect_harmless("ten megabytes", &finished, &[1], 2_000);
}

#[cfg(unix)]
#[test]
fn the_command_of_a_driver_is_shown_as_data() {
    for (kind, text) in hostile() {
        let finished =
            Program::new(&["sdk", "run", "requests/minimal", "--", &format!("/nonexistent/{text}"), &text]).finish();
        expect_harmless(kind, &finished, &[2], MOST);
    }
}
