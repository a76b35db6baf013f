//! `diff` and `sdk check` on hand-written runs of SDKs.

use rstest::rstest;
use serde_json::json;

use crate::program::{Finished, Program};

/// A run stream of one SDK version in which one case took this number of attempts, under this target prefix.
fn stream(version: &str, attempts: usize, prefix: &str, agent: &str) -> String {
    let request = |attempt: usize| {
        json!({
            "call": 1, "attempt": attempt, "server": "endpoint", "line": "POST / HTTP/1.1",
            "headers": {"content-type": "application/x-amz-json-1.1", "user-agent": agent, "x-amz-target": format!("{prefix}.GetCredentials")},
            "signed_headers": ["x-amz-target"], "scope": "us-east-1/redshift-serverless", "signature": "valid",
            "body": {"text": "{}", "json": {}},
        })
    };
    let lines = [
        json!({
            "event": "run", "version": 1, "tool": "countersign 0.1.0", "suite": "GetCredentials", "selected": 1, "seed": 0,
            "side": "client", "started_at": "2026-01-01T00:00:00Z",
            "target": {"name": "boto3", "endpoint": "http://127.0.0.1/", "region": "us-east-1", "features": [], "class": "answers", "meaning": "", "said": ""},
            "driver": {"driver": "boto3", "language": "python", "runtime": "CPython 3.11.7", "sdk": "boto3", "sdk_version": version,
                "deps": {"botocore": version}, "config": [], "inputs": {}, "reports": [], "typed": true, "isolated": true},
        }),
        json!({
            "event": "case", "id": "retries/internal-always", "suite": "retries", "side": "client", "title": "Always at fault",
            "requirements": [], "decided": [], "verdict": "pass", "violations": [], "warnings": [], "status": null, "error": null,
            "media_type": null, "body": null, "runs": 1, "duration_ms": 1.0,
            "record": {
                "attempts": attempts, "invocation_ids": "none", "requests": (1..=attempts).map(request).collect::<Vec<_>>(),
                "outcomes": [{"outcome": "error", "meta": {}, "error": {"phase": "service", "class": "InternalServerException", "bases": [],
                    "code": "InternalServerException", "message": "boom", "http_status": 500, "request_id": null, "fault": null, "members": {}}}],
            },
        }),
        json!({"event": "summary", "conformant": true, "verdicts": {"pass": 1}, "checks": 1, "features": {}, "duration_ms": 1.0, "complete": true}),
    ];
    lines.map(|line| line.to_string()).join("\n") + "\n"
}

pub(crate) fn old() -> String {
    stream("1.43.127", 5, "RedshiftServerless", "Boto3/<version>")
}

fn diff(new: &str, arguments: &[&str]) -> Finished {
    let all = [&["diff", "old.jsonl", "new.jsonl"], arguments].concat();
    Program::new(&all).file("old.jsonl", &old()).file("new.jsonl", new).finish()
}

#[test]
fn runs_that_differ_in_versions_only_are_an_empty_diff() {
    let new = stream("1.44.5", 5, "RedshiftServerless", "Boto3/1.44.5");
    diff(&new, &["--fail-on", "timing"]).expect(0, &["boto3 1.43.127 -> 1.44.5", "No changes in 1 case."]);
    let json_diff = diff(&new, &["--format", "json"]);
    let changelog = "https://github.com/boto/botocore/blob/HEAD/CHANGELOG.rst";
    let expected = json!({
        "packages": [{"name": "botocore", "old": "1.43.127", "new": "1.44.5", "changelog": changelog}],
        "changes": [], "groups": [], "causes": [], "cases": 1, "cases_changed": 0, "alarms": [],
        "counts": {"caller": 0, "attempts": 0, "wire": 0, "bytes": 0, "warnings": 0, "agent": 0, "timing": 0},
    });
    assert_eq!(json_diff.json(), expected);
}

#[rstest]
#[case::default(&[], 0)]
#[case::worse_class(&["--fail-on", "caller"], 0)]
#[case::same_class(&["--fail-on", "attempts"], 1)]
#[case::lesser_class(&["--fail-on", "agent"], 1)]
#[case::none(&["--fail-on", "none"], 0)]
fn the_exit_code_follows_the_class_to_fail_on(#[case] arguments: &[&str], #[case] code: i32) {
    let new = stream("1.44.5", 3, "RedshiftServerless", "Boto3/<version>");
    diff(&new, arguments).expect(code, &["1 case: attempts 5 -> 3", "gives up after 3 requests instead of 5"]);
}

#[test]
fn every_format_tells_of_a_renamed_target_once() {
    let new = stream("1.44.5", 5, "RedshiftArcadiaCoralService", "Boto3/<version>");
    for format in ["text", "md", "html", "json"] {
        let finished = diff(&new, &["--format", format, "--fail-on", "wire"]);
        finished.expect(1, &["RedshiftArcadiaCoralService"]);
        if format == "json" {
            let json = finished.json();
            let of = |name: &str| json[name].as_array().map_or(0, Vec::len);
            assert_eq!((of("alarms"), of("changes"), json["cases_changed"].as_u64()), (1, 1, Some(0)), "{json}");
        }
    }
}

#[test]
fn the_page_tells_the_cause_with_its_id_and_the_changelog_of_the_package() {
    let new = stream("1.44.5", 3, "RedshiftServerless", "Boto3/<version>");
    let changelog = "(<a href=\"https://github.com/boto/botocore/blob/HEAD/CHANGELOG.rst\">changelog of botocore</a>)";
    let id = diff(&new, &["--format", "json"]).json()["causes"][0]["id"].as_str().expect("an id").to_owned();
    let cause = format!("<code>attempts 5 -&gt; 3</code> <small>id {id}</small>");
    diff(&new, &["--format", "html"]).expect(0, &[changelog, &cause, "href=\"#attempts\"", "id=\"attempts\""]);
}

#[rstest]
#[case::class(&["--fail-on", "panic"], "expected caller, attempts, wire, bytes, warnings, agent, timing or none, found \"panic\"")]
#[case::format(&["--format", "xml"], "invalid value 'xml'")]
fn a_wrong_choice_is_refused(#[case] arguments: &[&str], #[case] message: &str) {
    diff(&old(), arguments).expect(2, &[message]);
}

#[test]
fn runs_without_a_common_case_are_refused() {
    diff(&old().replace("retries/", "others/"), &[]).expect(2, &["the runs have no case in common"]);
}

#[rstest]
#[case::no_sdk(&[], "no SDK is found in ")]
#[case::neither(&["--from", "main"], "cannot be used with")]
#[case::two_sdks(&["--python", "python3", "--node-dir", "."], "cannot be used with")]
#[case::no_interpreter(&["--python", "missing/venv"], "found nothing to run at")]
#[case::no_modules(&["--node-dir", "."], "run `npm ci` there first")]
#[case::another_sdk(&["--node-dir", "node_modules"], "is of the driver boto3, and this is js-v3")]
fn a_check_that_cannot_say_anything_is_refused_before_it_runs(#[case] arguments: &[&str], #[case] message: &str) {
    let all = [&["sdk", "check", "--baseline", "old.jsonl"], arguments].concat();
    let mut program = Program::new(&all).file("old.jsonl", &old());
    if arguments.contains(&"node_modules") {
        std::fs::create_dir(program.folder().join("node_modules")).expect("a folder");
    }
    program.finish().expect(2, &[message]);
}

#[test]
fn a_check_without_a_baseline_says_how_to_record_one() {
    let mut program = Program::line("sdk check --baseline none.jsonl --python python3");
    program.finish().expect(2, &["there is no baseline none.jsonl", "--update"]);
}

/// A project in Python and in JavaScript, of which nothing is installed.
fn project(words: &str) -> Program {
    let npm = r#"{"lockfileVersion":3,"packages":{"":{},
        "node_modules/@aws-sdk/client-redshift-serverless":{"version":"3.888.0"}}}"#;
    Program::line(words).file("requirements.txt", "boto3==1.40.76\nbotocore==1.40.76\n").file("package-lock.json", npm)
}

#[test]
fn a_project_with_two_sdks_asks_which() {
    let said =
        ["two SDKs are found in ", "boto3 in requirements.txt, and ", " in package-lock.json; name it with --python"];
    project("sdk check --baseline b.jsonl --update").finish().expect(2, &said);
}

#[test]
fn equal_lock_files_pass_a_check_without_a_run() {
    let mut program = project("sdk check --from main --lock requirements.txt");
    let git = |words: &[&str]| {
        let mut git = std::process::Command::new("git");
        git.args(["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "init.defaultBranch=main"]).args(words);
        assert!(git.current_dir(program.folder()).output().expect("git runs").status.success(), "{words:?}");
    };
    git(&["init"]);
    git(&["add", "requirements.txt"]);
    git(&["commit", "--message", "a"]);
    // A package that is none of the SDK's may differ.
    std::fs::write(program.folder().join("requirements.txt"), "requests==2.0\nbotocore==1.40.76\nboto3==1.40.76\n")
        .expect("a file");
    let same =
        "passed: requirements.txt names boto3 1.40.76 here and at main, with the same 1 other package; nothing was run";
    program.finish().expect(0, &[same]);
}

#[rstest]
#[case::no_revision("none", "there is no revision none here; fetch it first: `git fetch origin main`")]
#[case::an_option("--output=x", "expected a revision such as origin/main, found")]
fn a_revision_that_is_not_there_says_what_to_do(#[case] revision: &str, #[case] message: &str) {
    let words = ["sdk", "check", "--lock", "requirements.txt", &format!("--from={revision}")];
    let mut program = Program::new(&words).file("requirements.txt", "boto3==1.40.76\n");
    let init = std::process::Command::new("git").arg("init").current_dir(program.folder()).output();
    assert!(init.expect("git runs").status.success());
    program.finish().expect(2, &[message]);
}

#[test]
fn a_run_of_an_sdk_is_not_compared_with_one_against_a_server() {
    let server = Program::new(&["run", "lifetimes", "--seed", "1", "--format", "jsonl"]).finish().stdout;
    let expected = "found that old.jsonl is a run of an SDK, and new.jsonl is a run against a server";
    diff(&server, &[]).expect(2, &[expected, "compare runs of SDKs with each other"]);
}

#[test]
fn an_accepted_change_fails_nothing_until_nothing_shows_it() {
    let new = stream("1.44.5", 3, "RedshiftServerless", "Boto3/<version>");
    let changed = diff(&new, &["--format", "json", "--fail-on", "attempts"]);
    changed.expect(1, &[]);
    let id = changed.json()["causes"][0]["id"].as_str().expect("an id").to_owned();

    let words = ["diff", "old.jsonl", "new.jsonl", "--fail-on", "attempts", "--accepted", "accepted.json"];
    let accept = [&words[..], &["--accept", &id, "--reason", "we retry ourselves", "--issue", "#7"]].concat();
    let mut program = Program::new(&accept).file("old.jsonl", &old()).file("new.jsonl", &new);
    let expected = ["1 accepted change added to accepted.json", "Accepted", "we retry ourselves (#7)"];
    program.finish().expect(0, &expected);
    let file = program.read("accepted.json");
    assert_eq!(program.json("accepted.json")["entries"][0]["cases"], json!(["retries/internal-always"]));

    let run = |old: &str, new: &str, file: &str| {
        Program::new(&words).file("old.jsonl", old).file("new.jsonl", new).file("accepted.json", file).finish()
    };
    run(&old(), &new, &file).expect(0, &["No changes in 1 case.", "attempts 5 -> 3", "we retry ourselves"]);
    let page = [&words[..], &["--format", "html"]].concat();
    let mut program =
        Program::new(&page).file("old.jsonl", &old()).file("new.jsonl", &new).file("accepted.json", &file);
    program
        .finish()
        .expect(0, &["<summary>1 accepted change</summary>", "we retry ourselves (#7)", &format!("id {id}")]);
    run(&old(), &old(), &file).expect(1, &["Accepted, and not found", "take this out of the file"]);
    let of_another = file.replace("\"boto3\"", "\"other\"");
    run(&old(), &new, &of_another).expect(2, &["/sdk", "expected accepted changes of boto3, found those of other"]);
    let expired = file.replace("\"reason\"", "\"expires\": \"2020-01-31\", \"reason\"");
    run(&old(), &new, &expired).expect(1, &["Its last day, 2020-01-31, is over"]);
}

#[rstest]
#[case::no_reason(&["--accepted", "a.json", "--accept", "01234567"], "--reason <TEXT>")]
#[case::no_file(&["--accept", "01234567", "--reason", "why"], "--accepted <FILE>")]
#[case::no_such_change(&["--accepted", "a.json", "--accept", "01234567", "--reason", "why"], "no change has the id \"01234567\"")]
#[case::missing_file(&["--accepted", "a.json"], "--accept ID with --reason TEXT writes one")]
fn what_cannot_be_accepted_is_refused(#[case] arguments: &[&str], #[case] message: &str) {
    diff(&stream("1.44.5", 3, "RedshiftServerless", "Boto3/<version>"), arguments).expect(2, &[message]);
}
