//! Recordings: what is written, what is compared, what a client gets again, and what it all decides.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use rstest::rstest;
use serde_json::{Value, json};

use crate::program::{Program, events};
use crate::runs::Served;
use crate::stub_server::{Stub, aws, closed_port};

/// The files below a folder with their text, by name.
pub(crate) fn files_in(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("it is below").to_string_lossy().into_owned();
                found.insert(name, fs::read_to_string(&path).expect("text"));
            }
        }
    }
    found
}

/// A folder, and its name as an argument.
fn folder() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let name = folder.path().to_str().expect("a text").to_owned();
    (folder, name)
}

/// Records cases of the emulator behind a defect or a legal variant, as of an endpoint.
fn recorded(defect: &str, patterns: &[&str]) -> (tempfile::TempDir, String, Served) {
    let (files, name) = folder();
    let served = Served::emulator(&["--defect", defect]);
    served.program(&[&["record", &name], patterns].concat()).finish().expect(0, &["an endpoint (not AWS)"]);
    (files, name, served)
}

fn recording(folder: &Path, case: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join(format!("{case}.json"))).expect("the file")).expect("JSON")
}

#[test]
fn recording_the_emulator_again_changes_no_file_and_finds_no_drift() {
    let (files, name) = folder();
    Program::new(&["record", &name]).finish().expect(0, &["the emulator (not AWS)", " new, 0 as before, 0 changed"]);
    let first = files_in(files.path());
    assert!(first.len() > 400, "{} files", first.len());
    Program::new(&["record", &name]).finish().expect(0, &["0 new, ", " as before, 0 changed"]);
    let again = files_in(files.path());
    for (file, text) in &first {
        assert_eq!(again.get(file), Some(text), "{file}");
    }
    Program::new(&["record", &name, "--check"]).finish().expect(0, &["0 drifted, 0 are missing"]);
    let stale = ["record", &name, "--stale", "180d"];
    Program::new(&stale).finish().expect(0, &["recorded 0 cases"]);
    let one = [&stale[..], &["errors/unknown-workgroup"]].concat();
    Program::new(&one).finish().expect(0, &["nothing to record", "is older than 180 days or missing"]);
    Program::new(&["validate", "--recordings", &name])
        .finish()
        .expect(0, &[" 0 contradicted", "recordings of the emulator (not AWS) are never counted as AWS"]);
}

#[test]
fn a_recording_has_lengths_and_times_in_the_place_of_values() {
    let (files, name) = folder();
    Program::new(&["record", &name, "errors/unknown-workgroup"]).finish().expect(0, &["recorded 2 cases"]);
    let found = recording(files.path(), "success/workgroup-only");
    let head: Vec<_> = ["version", "case", "of", "region"].map(|name| found[name].clone()).into();
    assert_eq!(head, [json!(1), json!("success/workgroup-only"), json!("emulator"), json!("us-east-1")]);
    let answer = &found["answers"][0];
    assert_eq!(answer["headers"]["content-type"], "application/x-amz-json-1.1");
    assert_eq!(answer["headers"]["x-amzn-requestid"], Value::Null);
    let members = &answer["body"]["json"]["object"];
    let keys = |shape: &Value| shape["text"].as_object().expect("a text").keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        (keys(&members["dbPassword"]), keys(&members["dbUser"])),
        (vec!["length".into()], vec!["length".into()])
    );
    assert_eq!(members["expiration"]["number"]["after"], 900);
}

#[test]
fn only_what_is_old_or_missing_is_recorded_again() {
    let (files, name) = folder();
    Program::new(&["record", &name, "errors/**"]).finish().expect(0, &[]);
    let old = files.path().join("errors/unknown-workgroup.json");
    let text = fs::read_to_string(&old).expect("the file");
    let day = text.split("\"date\": \"").nth(1).expect("a day")[..10].to_owned();
    fs::write(&old, text.replace(&day, "2020-01-01")).expect("writable");
    fs::remove_file(files.path().join("errors/invalid-duration.json")).expect("it is there");
    let mut program = Program::new(&["record", &name, "errors/**", "--stale", "180d"]);
    program.finish().expect(0, &["recorded 2 cases", "1 new, 1 as before, 0 changed"]);
    assert_eq!(fs::read_to_string(&old).expect("the file"), text);
}

#[test]
fn recording_again_with_few_calls_reaches_every_case() {
    let (files, name) = folder();
    let few = ["record", &name, "errors/**", "success/**", "--max-calls", "12"];
    let finished = Program::new(&few).finish();
    finished.expect(0, &["still missing: ", "; the same command with --stale 180d goes on with them"]);
    let stale = [&few[..], &["--stale", "180d"]].concat();
    let mut goes_on = Program::new(&stale).finish();
    goes_on.expect(0, &["the same command again records more of them"]);
    for _ in 0..8 {
        if !goes_on.stdout.contains("still missing") {
            break;
        }
        goes_on = Program::new(&stale).finish();
    }
    goes_on.expect(0, &["recorded "]);
    assert!(!goes_on.stdout.contains("still missing"), "{}", goes_on.stdout);
    let (all, whole) = folder();
    Program::new(&["record", &whole, "errors/**", "success/**"]).finish().expect(0, &[]);
    assert_eq!(files_in(files.path()).keys().collect::<Vec<_>>(), files_in(all.path()).keys().collect::<Vec<_>>());
    let check = [&few[..], &["--check"]].concat();
    Program::new(&check).finish().expect(0, &["not looked at: ", "a higher --max-calls looks at all"]);
}

#[test]
fn a_case_that_was_begun_and_had_no_call_left_is_missing_too() {
    let (_files, name) = folder();
    // The answer is wrong, and no second call is left to make sure.
    let stub = Stub::of_operations(aws("200 OK", r#"{"dbUser":1}"#));
    let line = format!("record {name} success/workgroup-only --max-calls 2");
    Program::at(&stub.endpoint, &line).finish().expect(
        1,
        &["recorded 0 cases", "still missing: 1 case; the same command with --stale 180d goes on with them"],
    );
}

#[test]
fn a_case_that_needs_more_calls_than_allowed_is_told_with_how_many() {
    let (_files, name) = folder();
    let line = format!("record {name} success/called-at-the-same-time --max-calls 4 --stale 180d --target emulator");
    Program::line(&line).finish().expect(4, &["none can be run with 4 calls"]);
}

#[test]
fn a_folder_may_have_recordings_by_several_revisions() {
    let (files, name) = folder();
    let cases = ["success/workgroup-only", "parameters/workgroup-missing"];
    let older = [&["record", &name, "--target", "emulator", "--revision", "2022"], &cases[..]].concat();
    Program::new(&older).finish().expect(0, &["2 new"]);
    Program::new(&["record", &name, "success"]).finish().expect(0, &["1 as before"]);
    assert!(files_in(files.path()).contains_key("parameters/workgroup-missing.json"));
    let validate = ["validate", "--recordings", &name];
    Program::new(&validate).finish().expect(0, &["1 more are of cases that hold in other revisions of the documents"]);
    let demonstration = ["run", "--target", "emulator", "--recordings", &name, "--recordings-of", "emulator"];
    let older = [&demonstration[..], &["--revision", "2022"], &cases[..]].concat();
    Program::new(&older).finish().expect(0, &["recordings of the emulator (not AWS)", "2 cases: 2 pass"]);
    fs::remove_dir_all(files.path().join("success")).expect("it is there");
    Program::new(&validate).finish().expect(2, &["only recordings of cases that hold in other revisions"]);
}

#[test]
fn what_a_server_answers_otherwise_is_told_and_not_written() {
    let (files, name) = folder();
    let right = Served::emulator(&[]);
    right.program(&["record", &name, "errors/**"]).finish().expect(0, &[]);
    let before = files_in(files.path());
    let wrong = Served::emulator(&["--defect", "message-in-capitals"]);
    let mut program = wrong.program(&["record", &name, "errors/**", "--check"]);
    program.finish().expect(
        1,
        &[
            "errors/unknown-workgroup in ",
            "/answers/0/body/json/object/Message: recorded nothing, found {\"text\":{\"value\":",
            " drifted",
        ],
    );
    assert_eq!(files_in(files.path()), before);
}

/// What a server answers to a call, head and body.
fn asked(endpoint: &str, path: &str, body: &str) -> String {
    let address = endpoint.strip_prefix("http://").expect("it has no TLS");
    let mut stream = TcpStream::connect(address).expect("it listens");
    let head = format!("POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    answer
}

#[test]
fn a_client_gets_again_what_was_recorded() {
    let (_files, name, _served) = recorded("type-with-namespace", &["success/workgroup-only", "errors/**"]);
    let mock = Served::server(&["mock", "--recordings", &name], &[]);
    let endpoint = mock.value_of("endpoint");
    let refused = asked(endpoint, "/errors/unknown-workgroup", r#"{"workgroupName":"nobodys"}"#);
    assert!(refused.starts_with("HTTP/1.1 400 "), "{refused}");
    assert!(refused.contains(r#""__type":"com.amazonaws.redshiftserverless#ResourceNotFoundException""#), "{refused}");
    let accepted = asked(endpoint, "/success/workgroup-only", r#"{"workgroupName":"wg-1"}"#);
    let body: Value = serde_json::from_str(accepted.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON");
    assert!(body["dbPassword"].as_str().is_some_and(|password| password.len() > 8), "{accepted}");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is later").as_secs_f64();
    let lives = body["expiration"].as_f64().expect("a number") - now;
    assert!((890.0..=910.0).contains(&lives), "{lives}");
    let unknown = asked(endpoint, "/success/all-members", "{}");
    assert!(unknown.starts_with("HTTP/1.1 404 "), "{unknown}");
}

#[test]
fn a_legal_variant_that_differs_contradicts_what_is_only_a_may() {
    let (_files, name, served) = recorded("message-in-capitals", &["errors/**"]);
    let said = Program::new(&["validate", "--recordings", &name]).finish();
    said.expect(
        0,
        &[
            "expected the message under this name, found under the name Message",
            "recordings of an endpoint (not AWS) are never counted as AWS",
        ],
    );
    let row = said.stdout.lines().find(|line| line.starts_with("GC-ERR-09 ")).expect("the row");
    assert!(row.contains("contradicted") && row.contains("us-east-1"), "{row}");
    // Recordings of another target are taken for a demonstration only.
    let refused = ["errors/**", "--recordings", &name];
    served.run(&refused).finish().expect(2, &["has no recordings of real AWS, only of endpoint", "--recordings-of"]);
    let demonstrated = [&refused[..], &["--recordings-of", "endpoint", "--format", "jsonl"]].concat();
    let finished = served.run(&demonstrated).finish();
    finished.expect(0, &[]);
    let events = events(&finished.stdout);
    let of_kind = |kind: &str| events.iter().filter(|event| event["event"] == kind).collect::<Vec<_>>();
    assert!(of_kind("case").iter().all(|case| case["warnings"] == json!([])), "{}", finished.stdout);
    let requirements = of_kind("requirement");
    let row = requirements.iter().find(|row| row["id"] == "GC-ERR-09").expect("the row");
    assert_eq!(
        (&row["evidence"], &row["confirmation"], &row["status"]),
        (&json!("conflict"), &json!("none"), &json!("pass"))
    );
    assert_eq!(of_kind("summary")[0]["features"]["core"]["confirmed"], 0);
    assert_eq!(of_kind("run")[0]["recordings"]["of"], "endpoint");
}

#[test]
fn a_demonstration_says_so_and_calls_nothing_conformant() {
    let (_files, name, served) = recorded("duration-clamped", &[]);
    served.run(&[]).finish().expect(1, &["GC-DUR-02"]);
    let finished =
        served.run(&["--recordings", &name, "--recordings-of", "endpoint", "--report-json", "r.json"]).finish();
    finished.expect(
        0,
        &["a demonstration: nothing is violated", "0 confirmed by recordings of real AWS", "never counted as AWS"],
    );
    assert!(!finished.stdout.contains("conformant for core"), "{}", finished.stdout);
    // Nothing but the recorded answer is accepted.
    let other = Served::emulator(&["--defect", "duration-not-found"]);
    let mut program = other.run(&["parameters/duration-outside", "--recordings", &name, "--recordings-of", "endpoint"]);
    program.finish().expect(1, &["GC-DUR-02"]);
}

/// Recordings of the emulator, called recordings of AWS.
#[test]
fn reports_count_what_recordings_of_aws_confirm() {
    let (files, name) = folder();
    Program::new(&["record", &name]).finish().expect(0, &[]);
    for (file, text) in files_in(files.path()) {
        fs::write(files.path().join(file), text.replace("\"of\": \"emulator\"", "\"of\": \"aws\"")).expect("writable");
    }
    let mut program = Program::new(&["run", "--recordings", &name, "--report-jsonl", "r.jsonl", "--report-md", "r.md"]);
    program
        .finish()
        .expect(0, &["conformant for core", "58 confirmed by recordings of real AWS", "recordings of real AWS"]);
    assert!(program.read("r.md").contains("recordings of real AWS, in us"), "{}", program.read("r.md"));
    // Another kind of target never writes over what AWS said.
    Program::new(&["record", &name]).finish().expect(2, &["has recordings of aws", "a folder of its own"]);
}

#[rstest]
#[case::no_json("{", "errors/unknown-workgroup.json", "EOF")]
#[case::another_version(r#"{"version":2,"case":"errors/unknown-workgroup","of":"aws","region":"r","date":"2026-11-22","suite_version":1,"answers":[]}"#, "at /version", "record it anew")]
#[case::unknown_member(r#"{"version":1,"cse":1}"#, "at /cse", "unknown field")]
#[case::unknown_case(r#"{"version":1,"case":"errors/unknown-workgrup","of":"aws","region":"r","date":"2026-11-22","suite_version":1,"answers":[]}"#, "at /case", "did you mean errors/unknown-workgroup?")]
#[case::another_place(r#"{"version":1,"case":"success/workgroup-only","of":"aws","region":"r","date":"2026-11-22","suite_version":1,"answers":[]}"#, "at /case", "success/workgroup-only.json")]
#[case::no_day(r#"{"version":1,"case":"errors/unknown-workgroup","of":"aws","region":"r","date":"today","suite_version":1,"answers":[]}"#, "at /date", "such as 2026-11-22")]
#[case::too_long(r#"{"version":1,"case":"errors/unknown-workgroup","of":"aws","region":"r","date":"2026-11-22","suite_version":1,"answers":[{"status":400,"headers":{},"body":{"json":{"list":[{"text":{"length":1000000}},{"text":{"length":1000000}}]}}}]}"#, "at /answers/0/body", "at most 1048576 characters")]
#[case::no_status(r#"{"version":1,"case":"errors/unknown-workgroup","of":"aws","region":"r","date":"2026-11-22","suite_version":1,"answers":[{"status":100,"headers":{},"body":"empty"}]}"#, "at /answers/0/status", "from 200 to 599")]
fn a_file_that_is_no_recording_is_refused_with_its_place(#[case] text: &str, #[case] at: &str, #[case] says: &str) {
    let (files, name) = folder();
    fs::create_dir(files.path().join("errors")).expect("writable");
    fs::write(files.path().join("errors/unknown-workgroup.json"), text).expect("writable");
    Program::new(&["validate", "--recordings", &name]).finish().expect(2, &[at, says]);
}

#[rstest]
#[case::of_validate(&["validate", "--recordings", "nowhere"], "cannot read the recordings in nowhere")]
#[case::of_check(&["record", "nowhere", "--check"], "cannot read the recordings in nowhere")]
#[case::of_the_mock(&["serve", "mock", "--recordings", "."], "has no recordings; `countersign record` writes them")]
#[case::days(&["record", "a", "--stale", "180"], "expected a number of days such as 180d")]
#[case::nobody(&["run", "--recordings-of", "azure"], "expected aws, emulator, mock or endpoint")]
fn what_is_not_there_is_said_with_what_to_do(#[case] words: &[&str], #[case] says: &str) {
    Program::new(words).finish().expect(2, &[says]);
}

#[test]
fn a_server_that_is_away_leaves_what_is_recorded() {
    let (files, name) = folder();
    Program::at(&closed_port(), &format!("record {name}")).finish().expect(3, &["nothing was recorded"]);
    assert_eq!(files_in(files.path()), BTreeMap::new());
}

#[test]
fn our_credentials_the_names_and_identities_are_in_no_recording() {
    let (files, name) = folder();
    let (key, secret, token) = ("AKIDCANARYKEYONLYLETTERS", "CANARYsecret!letters", "CANARYtoken1234!letters");
    let said = format!(
        "no {secret} {token} {key} wg-canary-1 of arn:aws:iam::210987654321:user/CANARYuser and 210987654321, IAM:CANARYbob"
    );
    let body = json!({"__type": "ValidationException", "message": said, "arn": "arn:aws:sts::210987654321:assumed-role/CANARY/x"});
    let stub = Stub::of_operations(aws("400 Bad", &body.to_string()));
    let words = ["record", &name, "success/**", "--endpoint", &stub.endpoint, "--workgroup", "wg-canary-1"];
    let program = Program::new(&words).env("AWS_ACCESS_KEY_ID", key).env("AWS_SECRET_ACCESS_KEY", secret);
    let finished = program.env("AWS_SESSION_TOKEN", token).env("COUNTERSIGN_LOG", "trace").finish();
    finished.expect(0, &["recorded "]);
    let files = files_in(files.path());
    assert!(!files.is_empty());
    for (file, text) in files {
        for planted in ["canary", "!letters", "210987654321"] {
            assert!(!text.to_lowercase().contains(planted), "{planted} in {file}: {text}");
        }
    }
}

#[rstest]
fn an_ordinary_word_for_a_password_hinders_no_recording(
    #[values("text", "length", "json", "object", "aws", "p", "200", "null", "answers")] password: &'static str,
) {
    let (files, name) = folder();
    let body = json!({"dbPassword": password, "dbUser": "IAM:alice", "expiration": 4e9, "nextRefreshTime": 4e9});
    let stub = Stub::of_operations(aws("200 OK", &body.to_string()));
    Program::at(&stub.endpoint, &format!("record {name} success/workgroup-only")).finish().expect(0, &["1 new"]);
    let found = recording(files.path(), "success/workgroup-only");
    let shape = &found["answers"][0]["body"]["json"]["object"]["dbPassword"];
    assert_eq!(*shape, json!({"text": {"length": password.len()}}));
}
