//! Whatever a user gets wrong is said, with the place and what to do, and has its exit code.

use std::fs;
use std::path::{Path, PathBuf};

use rstest::rstest;

use crate::program::Program;
use crate::stub::Stub;

/// A copy of the project's fixtures with one text of one file replaced.
pub(crate) fn fixtures_with(file: &str, old: &str, new: &str) -> tempfile::TempDir {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).expect("a writable folder");
        for entry in fs::read_dir(from).expect("the fixtures can be listed") {
            let path: PathBuf = entry.expect("the fixtures can be listed").path();
            let target = to.join(path.file_name().expect("a name"));
            if path.is_dir() {
                copy(&path, &target);
            } else {
                fs::copy(&path, &target).expect("a writable folder");
            }
        }
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"), folder.path());
    let path = folder.path().join(file);
    let text = fs::read_to_string(&path).expect("the fixture is there");
    assert!(text.contains(old), "{file} has no {old}");
    fs::write(&path, text.replacen(old, new, 1)).expect("a writable folder");
    folder
}

#[rstest]
#[case::broken_json("server/success.json", "\"version\": 1,", "\"version\": 1", "line")]
#[case::unknown_key("server/success.json", "\"title\"", "\"titel\"", "titel")]
#[case::duplicate_key("server/success.json", "\"version\": 1,", "\"version\": 1, \"version\": 1,", "twice")]
#[case::duplicate_id("server/success.json", "success/all-members", "success/workgroup-only", "stands twice")]
#[case::dangling_control(
    "server/errors.json",
    "\"case\": \"success/workgroup-only\"",
    "\"case\": \"success/nothing\"",
    "no case success/nothing"
)]
#[case::dangling_requirement("server/errors.json", "GC-ERR-01", "GC-ERR-99", "no requirement GC-ERR-99")]
#[case::orphan_requirement("server/parameters.json", "GC-DB-12", "GC-DB-01", "no case cites GC-DB-12")]
#[case::unknown_rule("requirements.json", "success-status", "success-stats", "success-stats")]
#[case::dangling_reply("server/errors.json", "\"reply\": \"not-found\"", "\"reply\": \"not-there\"", "not-there")]
#[case::second_difference(
    "server/errors.json",
    "\"durationSeconds\": 899}",
    "\"durationSeconds\": 899, \"dbName\": \"dev\"}",
    "differ"
)]
#[case::valid_negative("server/errors.json", "\"durationSeconds\": 899", "\"durationSeconds\": 900", "prose")]
#[case::wrong_keyword("server/errors.json", "\"breaks\": \"pattern\"", "\"breaks\": \"maxLength\"", "pattern")]
#[case::invalid_positive("server/success.json", "\"durationSeconds\": 1800", "\"durationSeconds\": \"1800\"", "type")]
#[case::invalid_reply("replies/credentials.json", "\"dbUser\": \"IAMR:example-role\"", "\"dbUser\": 7", "a string")]
fn an_invalid_fixture_is_exit_5_with_its_file(
    #[case] file: &str,
    #[case] old: &str,
    #[case] new: &str,
    #[case] said: &str,
) {
    let fixtures = fixtures_with(file, old, new);
    let folder = fixtures.path().to_str().expect("a text");
    let name = file.rsplit('/').next().expect("a name");
    let finished = Program::new(&["validate", "--fixtures", folder]).finish();
    finished.expect(5, &[if said.contains("cites") { "requirements.json" } else { name }, said]);
    if name != "success.json" || said != "line" {
        assert!(finished.stderr.contains(" at /"), "no JSON pointer in {finished:#?}");
    }
    Program::new(&["run", "--fixtures", folder]).finish().expect(5, &[said]);
}

/// A call of the emulator that fails, though it is expected to succeed.
const FAILING_CALL: &str = r#"[{"request": {"input": {"workgroupName": "${random:20}"}}, "expect": {"status": 200, "schema": "GetCredentialsResponse"}, "reply": "credentials"}], "#;

#[rstest]
#[case::setup("setup", 1, "its setup call 1 failed")]
#[case::teardown("teardown", 7, "1 pass")]
fn a_failing_setup_blocks_the_case_and_a_failing_teardown_is_exit_7(
    #[case] part: &str,
    #[case] code: i32,
    #[case] said: &str,
) {
    let with = format!("\"{part}\": {FAILING_CALL}\"steps\": [");
    let fixtures = fixtures_with("server/success.json", "\"steps\": [", &with);
    let folder = fixtures.path().to_str().expect("a text");
    Program::new(&["run", "success/called-twice", "--fixtures", folder]).finish().expect(code, &[said]);
}

#[rstest]
#[case::unknown_target(&["run", "--target", "nowhere"], 2, "nowhere")]
#[case::two_targets(&["run", "--target", "mock", "--endpoint", "http://localhost:1"], 2, "cannot be used with")]
#[case::no_url(&["run", "--endpoint", "localhost:4566"], 2, "http://localhost:4566")]
#[case::password_in_url(&["run", "--endpoint", "http://a:b@localhost:4566"], 2, "user and password")]
#[case::bad_pattern(&["run", "success/["], 2, "success/[")]
#[case::one_pattern_matches_nothing(&["run", "success/**", "sucess/**"], 2, "sucess/**")]
#[case::no_pattern_matches(&["run", "sucess/**"], 4, "countersign list")]
#[case::nothing_left(&["run", "success/**", "--skip", "**"], 4, "no case is selected")]
#[case::shard(&["run", "--shard", "5/4"], 2, "5/4")]
#[case::shard_zero(&["run", "--shard", "0/4"], 2, "0/4")]
#[case::unknown_requirement(&["run", "--requirement", "GC-XXX-01"], 2, "GC-XXX-01")]
#[case::unknown_feature(&["run", "--claim", "speed"], 2, "custom-domain")]
#[case::untested_feature(&["run", "--claim", "iam"], 2, "no requirement belongs to the feature iam")]
#[case::unknown_flag(&["run", "--endpiont", "x"], 2, "--endpoint")]
#[case::zero_jobs(&["run", "--jobs", "0"], 2, "--jobs")]
#[case::no_time(&["run", "--timeout", "0"], 2, "0.001 to 3600")]
#[case::two_reports_to_stdout(&["run", "--report-json", "-", "--report-jsonl", "-"], 2, "standard output")]
#[case::unwritable_report(&["run", "--report-json", "/nonexistent/report.json"], 2, "/nonexistent/report.json")]
#[case::missing_baseline(&["run", "--baseline", "none.json"], 2, "none.json")]
#[case::missing_config(&["run", "--config", "none.toml"], 2, "none.toml")]
#[case::missing_ca_file(&["run", "--endpoint", "https://localhost:1", "--no-sign", "--ca-file", "none.pem"], 2, "none.pem")]
#[case::missing_credentials(&["run", "--endpoint", "http://127.0.0.1:1"], 2, "AWS_ACCESS_KEY_ID")]
#[case::aws(&["run", "--target", "aws"], 6, "--allow-aws")]
#[case::aws_by_endpoint(&["run", "--endpoint", "https://REDSHIFT-SERVERLESS.us-east-1.AmazonAWS.com./"], 6, "--allow-aws")]
#[case::aws_other_region(&["run", "--target", "aws", "--region", "eu-west-1", "--workgroup", "wg", "--allow-aws", "123456789012/us-east-1/wg"], 6, "region")]
#[case::aws_other_workgroup(&["run", "--target", "aws", "--workgroup", "other", "--allow-aws", "123456789012/us-east-1/wg"], 6, "workgroup")]
#[case::explain_nothing(&["explain", "GC-XXX-01"], 2, "countersign list requirements")]
#[case::list_nothing(&["list", "cases", "sucess/**"], 4, "sucess/**")]
#[case::schemas_elsewhere(&["schema", "--check", "--dir", "nowhere"], 1, "nowhere")]
fn wrong_usage_is_said_and_has_its_exit_code(#[case] arguments: &[&str], #[case] code: i32, #[case] said: &str) {
    Program::new(arguments).finish().expect(code, &[said]);
}

#[test]
fn a_wrong_config_file_is_named_with_its_line() {
    let mut program =
        Program::new(&["run"]).file("countersign.toml", "[targets.a]\nendpiont = \"http://localhost:1\"\n");
    program.finish().expect(2, &["countersign.toml", "line 2", "endpiont"]);
}

#[test]
fn a_target_of_the_config_file_is_asked_under_its_name() {
    let stub = Stub::answering(crate::stub::answer("400 Bad", "application/json", r#"{"error":"no"}"#));
    let config = format!(
        "target = \"mine\"\n[targets.mine]\nendpoint = \"{}\"\nworkgroup = \"wg\"\nsign = false\n",
        stub.endpoint
    );
    Program::new(&["run"]).file("countersign.toml", &config).finish().expect(1, &["mine"]);
    assert!(stub.connections() > 0);
}

#[test]
fn a_baseline_entry_that_matches_nothing_is_named() {
    let text = r#"{"version":1,"entries":[{"pattern":"sucess/x","reason":"none"}]}"#;
    let mut program = Program::new(&["run", "--baseline", "known.json"]).file("known.json", text);
    program.finish().expect(2, &["known.json", "sucess/x"]);
}

#[test]
fn a_stale_baseline_entry_fails_the_run() {
    let text = r#"{"version":1,"entries":[{"pattern":"success/workgroup-only","reason":"was broken once"}]}"#;
    let mut program = Program::new(&["run", "success/**", "--baseline", "known.json"]).file("known.json", text);
    program.finish().expect(1, &["success/workgroup-only", "fixed"]);
}

#[test]
fn a_known_failure_is_excused_and_written_by_baseline_write() {
    // A server that answers the probe rightly, and everything else too: every refusal is missing.
    let body = r#"{"dbPassword":"p","dbUser":"IAM:a","expiration":1,"nextRefreshTime":1}"#;
    let stub = Stub::answering(crate::stub::answer("200 OK", "application/x-amz-json-1.1", body));
    let mut write = Program::new(&[
        "baseline",
        "write",
        "known.json",
        "success/workgroup-only",
        "--no-sign",
        "--workgroup",
        "wg",
        "--endpoint",
        &stub.endpoint,
    ]);
    write.finish().expect(0, &["1 entry"]);
    let written = fs::read_to_string(write.folder().join("known.json")).expect("the file is there");
    let arguments = [
        "run",
        "success/workgroup-only",
        "--no-sign",
        "--workgroup",
        "wg",
        "--baseline",
        "known.json",
        "--endpoint",
        &stub.endpoint,
    ];
    Program::new(&arguments).file("known.json", &written).finish().expect(0, &["known-fail"]);
    Program::new(&["baseline", "check", "known.json"]).file("known.json", &written).finish().expect(0, &["in order"]);
}

#[test]
fn a_workgroup_that_the_target_does_not_have_ends_the_run_with_exit_2() {
    let body = r#"{"__type":"ResourceNotFoundException","message":"Serverless workgroup wg-1 not found."}"#;
    let stub = Stub::answering(crate::stub::answer("400 Bad", "application/x-amz-json-1.1", body));
    Program::run_at(&stub.endpoint, &[]).finish().expect(2, &["no workgroup \"wg-1\"", "--workgroup"]);
}

#[test]
fn a_database_that_is_only_our_guess_blocks_its_cases() {
    let right = r#"{"dbPassword":"p","dbUser":"u","expiration":4e9,"nextRefreshTime":4e9}"#;
    let refused = r#"{"__type":"ResourceNotFoundException","message":"no such database"}"#;
    let stub = Stub::new(move |stream, request| {
        use std::io::Write;
        let body = if request.contains("dbName") { ("400 Bad", refused) } else { ("200 OK", right) };
        let _ = stream.write_all(crate::stub::answer(body.0, "application/x-amz-json-1.1", body.1).as_bytes());
    });
    let run = |arguments: &[&str]| Program::run_at(&stub.endpoint, arguments).finish();
    run(&["parameters/database-name"]).expect(1, &["blocked", "--db-name"]);
    run(&["parameters/database-name", "--db-name", "dev"]).expect(1, &["GC-DB-01"]);
}

#[rstest]
#[case::a_guessed_database(&[])]
#[case::a_named_database(&["--db-name", "mine"])]
fn a_custom_domain_that_is_not_there_is_not_put_down_to_the_database(#[case] named: &[&str]) {
    let right = r#"{"dbPassword":"p","dbUser":"u","expiration":4e9,"nextRefreshTime":4e9}"#;
    let refused = r#"{"__type":"ResourceNotFoundException","message":"no such domain"}"#;
    let stub = Stub::new(move |stream, request| {
        use std::io::Write;
        let body = if request.contains("customDomainName") { ("400 Bad", refused) } else { ("200 OK", right) };
        let _ = stream.write_all(crate::stub::answer(body.0, "application/x-amz-json-1.1", body.1).as_bytes());
    });
    let cases = ["success/custom-domain-all-members", "--custom-domain", "wrong.example.com", "--format", "jsonl"];
    let finished = Program::run_at(&stub.endpoint, &[&cases, named].concat()).finish();
    let said = "the same call without its database is not accepted either (400 ResourceNotFoundException)";
    finished.expect(1, &["\"verdict\":\"blocked\"", said]);
    assert!(
        !finished.stdout.contains("--db-name dev") && !finished.stdout.contains("may have no database"),
        "{finished:#?}"
    );
}

#[test]
fn credentials_that_the_target_refuses_end_the_run_with_exit_2() {
    let body = r#"{"__type":"UnrecognizedClientException","message":"The security token included in the request is invalid."}"#;
    let stub = Stub::answering(crate::stub::answer("400 Bad", "application/x-amz-json-1.1", body));
    let finished = Program::run_at(&stub.endpoint, &[]).finish();
    finished.expect(2, &["refuses the credentials", "security token", "AWS_ACCESS_KEY_ID"]);
}
