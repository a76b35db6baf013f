//! Secrets in everything that a driver says: none of them comes out anywhere.

use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use crate::sdk_commands::{command, driver, fixtures_with, text};
use crate::test_driver::{FORMS, SECRET_ACCESS_KEY, in_form};

/// Passwords and tokens of each kind: random, like a word, short, in capitals.
const KINDS: [[&str; 2]; 4] = [
    ["kJ8-x2Qw_v7RtZ.04pLm", "tN5*y9Bv~c3XsW+81qHd"],
    ["correcthorse", "batterystaple"],
    ["q7z~w", "j4k~v"],
    ["CANARYPASSWORD", "CANARYTOKEN"],
];

/// Where a driver puts them while it goes on: in outcomes, and in what its SDK sends.
const OUTCOMES: &str =
    "string member secret-member native list map bytes class message error-member meta header body path warning";

/// Where it puts them when it is ended for it: in lines that are not the protocol, and in its log.
const ENDS: &str =
    "garbled type unknown-field unknown-variant wrong-value wrong-secret id reason log long-log long-line";

/// A case in which the driver says its secrets at a place, in one form, or with each call in another.
fn case(place: &str, form: &str, kind: usize) -> Value {
    let [password, token] = KINDS[kind];
    let calls = if form == "each" { FORMS.len() } else { 1 };
    let body = json!({ "dbPassword": password, "dbUser": "IAM:alice", "expiration": 1_700_000_000, "nextRefreshTime": 1_700_003_600 });
    json!({ "id": format!("canaries/{place}-{form}-{kind}"), "title": "A driver says what it was told",
        "request": { "session_token": token, "calls": calls, "own_process": place == "warning",
            "input": { "workgroupName": { "string": format!("canary/{place}/{form}") } } },
        "script": [{ "body": { "text": body.to_string() } }] })
}

fn suite() -> Value {
    let outcomes = OUTCOMES.split(' ').flat_map(|place| (0..KINDS.len()).map(move |kind| case(place, "each", kind)));
    let ends = ENDS.split(' ').enumerate().flat_map(|(index, place)| {
        FORMS.iter().enumerate().map(move |(number, form)| case(place, form, (index + number) % KINDS.len()))
    });
    json!({ "version": 1, "suite": "canaries", "operation": "GetCredentials", "side": "client",
        "cases": outcomes.chain(ends).collect::<Vec<_>>() })
}

/// Every secret, in every form, as it must not be found.
fn traces() -> Vec<String> {
    let mut traces = Vec::new();
    for secret in KINDS.iter().flatten().copied().chain([SECRET_ACCESS_KEY]) {
        traces.extend(FORMS.iter().map(|form| in_form(secret, form).to_lowercase()));
        // Inside base64 of something longer, the characters at the ends are others.
        for before in 0..3 {
            let code = BASE64_STANDARD.encode(format!("{}{secret}", &"::"[..before]));
            let inner = code.trim_end_matches('=');
            // Six bits a character: the first ones that hold nothing of what stands before.
            traces.push(inner[(before * 8).div_ceil(6)..inner.len() - 1].to_lowercase());
        }
    }
    traces
}

#[track_caller]
fn expect_no_trace(name: &str, text: &str) {
    let lower = text.to_lowercase();
    for trace in traces() {
        if let Some(at) = lower.find(&trace) {
            let around = &lower[lower.floor_char_boundary(at.saturating_sub(300))..lower.ceil_char_boundary(at + 100)];
            panic!("{trace} is in {name}: {around}");
        }
    }
    assert!(!text.contains("panicked"), "{name}: {text}");
}

fn run(folder: &Path, words: &str, driver: &[String]) -> (Option<i32>, String, String) {
    let mut command = command(folder);
    command.args(words.split(' ')).args(driver).current_dir(folder).env("COUNTERSIGN_LOG", "trace");
    let output = command.env("GITHUB_STEP_SUMMARY", folder.join("summary.md")).output().expect("the binary runs");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

pub(crate) fn no_secret_that_a_driver_was_told_comes_out_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fixtures = fixtures_with("client/canaries.json", &suite().to_string());
    let words = "sdk run canaries --verbose --jobs 4 -o run.jsonl --report-md run.md --report-junit run.xml \
                 --report-html run.html --report-json run.json --fixtures";
    let mut behind = vec![fixtures.path().to_str().expect("a text").to_owned()];
    behind.extend(driver("honest"));
    let (code, stdout, stderr) = run(folder.path(), words, &behind);
    assert_eq!(code, Some(1), "{stdout}{stderr}");
    expect_no_trace("standard output", &stdout);
    expect_no_trace("standard error", &stderr);
    for name in ["run.jsonl", "run.md", "run.xml", "run.html", "run.json", "summary.md"] {
        let text = std::fs::read_to_string(folder.path().join(name)).expect("the report is there");
        expect_no_trace(name, &text);
        let longest = text.lines().map(str::len).max().unwrap_or_default();
        assert!(name == "run.html" || name == "run.json" || longest < 100_000, "a line of {name} has {longest} bytes");
        assert!(text.len() < 8 << 20, "{name} has {} bytes", text.len());
    }
    // What was masked was there: every case ran, and none was left out.
    let stream = std::fs::read_to_string(folder.path().join("run.jsonl")).expect("the stream is there");
    let cases: Vec<Value> = stream.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let ran = |place: &str| {
        let id = format!("canaries/{place}-");
        let is_here = |case: &&Value| case["id"].as_str().is_some_and(|own| own.starts_with(&id));
        assert!(cases.iter().any(|case| is_here(&case)), "no case of {place} ran");
        for case in cases.iter().filter(is_here) {
            assert!(case.to_string().contains("***") || place == "long-log", "nothing of {place} is shown: {case}");
        }
    };
    OUTCOMES.split(' ').chain(ENDS.split(' ')).for_each(ran);
    let (code, stdout, stderr) = run(folder.path(), "diff run.jsonl run.jsonl --format html", &[]);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    expect_no_trace("the comparison", &(stdout + &stderr));
}

pub(crate) fn no_key_comes_out_of_a_hello() {
    let places = ["names", "type", "protocol", "unknown", "input", "log"];
    for (number, form) in FORMS.iter().enumerate() {
        for (index, place) in places.iter().enumerate() {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let run_it = "sdk run requests/minimal -o run.jsonl --verbose";
            let words = if (number + index) % 2 == 0 { run_it } else { "sdk protocol" };
            let manner = format!("hello-canary/{place}/{form}");
            let (code, stdout, stderr) = run(folder.path(), words, &driver(&manner));
            let stream = std::fs::read_to_string(folder.path().join("run.jsonl")).unwrap_or_default();
            let all_output = format!("{stdout}{stderr}{stream}");
            assert!(code.is_some_and(|code| (0..=3).contains(&code)), "{manner}: {code:?} {all_output}");
            expect_no_trace(&manner, &all_output);
            assert!(all_output.contains("***"), "{manner}: {all_output}");
        }
    }
}
