//! `serve emulator --identities`, over the network.

use countersign::servers::emulator::EmulatorOptions;
use countersign::wire::sigv4::{Scope, sign};
use countersign::wire::{Client, ClientOptions, Credentials, Request, Response};
use jiff::Timestamp;
use rstest::rstest;
use serde_json::{Value, json};

use crate::fixtures::Fixtures;
use crate::program::{Finished, Program, events};
use crate::runs::Served;

/// Two callers: one may get credentials, and one may not.
const FILE: &str = r#"{
  "version": 1,
  "principals": [
    { "user": "alice", "access_key_id": "AKIDALICE", "secret_access_key": "secret-of-alice", "policies": ["get.json"] },
    { "role": "visitor", "access_key_id": "ASIAVISITOR", "secret_access_key": { "environment": "VISITOR_SECRET" },
      "session_token": "token-of-visitor", "policies": [
        { "Version": "2012-10-17", "Statement": [
          { "Effect": "Allow", "Action": "redshift-serverless:*", "Resource": "*" },
          { "Effect": "Deny", "Action": "redshift-serverless:GetCredentials", "Resource": "*" } ] } ] }
  ]
}"#;

const GET: &str = r#"{ "Version": "2012-10-17", "Statement":
  { "Effect": "Allow", "Action": "redshift-serverless:GetCredentials", "Resource": "*" } }"#;

fn call(served: &Served, credentials: &Credentials, operation: &str, input: &Value) -> Response {
    let url = served.value_of("endpoint").parse().expect("an address");
    let target = format!("RedshiftServerless.{operation}");
    let headers = [
        ("host", served.value_of("endpoint").trim_start_matches("http://")),
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-target", &target),
    ];
    let headers = headers.into_iter().collect();
    let mut request =
        Request { method: "POST".into(), target: "/".into(), headers, body: input.to_string().into_bytes() };
    let scope = Scope { region: served.value_of("region"), service: "redshift-serverless" };
    sign(&mut request, credentials, scope, Timestamp::now());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let client = Client::new(url, &ClientOptions::default()).expect("a client");
    runtime.block_on(client.send(request)).answer.expect("an answer")
}

#[test]
fn each_caller_may_do_what_its_policies_allow() {
    let files = tempfile::tempdir().expect("a temporary folder");
    let path = files.path().join("identities.json");
    std::fs::write(&path, FILE).expect("writable");
    std::fs::write(files.path().join("get.json"), GET).expect("writable");
    let served = Served::emulator_with(
        &["--identities", path.to_str().expect("a name of text"), "--workgroup", "wg-1"],
        &[("VISITOR_SECRET", "secret-of-visitor")],
    );
    let alice = Credentials::new("AKIDALICE", "secret-of-alice");
    let visitor =
        Credentials::new("ASIAVISITOR", "secret-of-visitor").with_session_token(Some("token-of-visitor".into()));
    let named = json!({ "workgroupName": "wg-1" });

    let given: Value = call(&served, &alice, "GetCredentials", &named).json().expect("JSON");
    assert_eq!(given["dbUser"], "IAM:alice");
    let denied = call(&served, &alice, "ListWorkgroups", &json!({}));
    assert_eq!(denied.status, 400);
    assert_eq!(denied.json().expect("JSON")["__type"], "AccessDeniedException");

    let denied: Value = call(&served, &visitor, "GetCredentials", &named).json().expect("JSON");
    assert_eq!(denied["__type"], "AccessDeniedException");
    let message = denied["message"].as_str().expect("a text");
    assert!(message.ends_with("with an explicit deny in an identity-based policy"), "{message}");
    assert_eq!(call(&served, &visitor, "GetWorkgroup", &named).status, 200);

    // The keys that it printed still may do everything: the suite runs with them.
    served.run(&["success/*"]).finish().expect(0, &["pass"]);
}

#[rstest]
#[case::no_file(None, &["cannot use the identities", "identities.json"])]
#[case::no_json(Some("{"), &["identities.json", "EOF"])]
#[case::unknown_member(Some(r#"{"version": 1, "principals": [{"usr": "a"}]}"#), &["json at /principals/0", "usr"])]
#[case::twice(Some(r#"{"version": 1, "version": 1, "principals": []}"#), &["identities.json: the key \"version\" stands here twice"])]
#[case::policy(
    Some(r#"{"version": 1, "principals": [{"user": "a", "access_key_id": "A", "secret_access_key": "hidden-secret",
        "policies": [{"Statement": [{"Effect": "Allow", "Action": "GetObject", "Resource": "*"}]}]}]}"#),
    &["identities.json at /principals/0/policies/0/Statement/0/Action", "expected", "found \"GetObject\""]
)]
#[case::faulty_policy_file(
    Some(r#"{"version": 1, "principals": [{"user": "a", "access_key_id": "A", "secret_access_key": "hidden-secret",
        "policies": ["policy.json"]}]}"#),
    &["identities.json at /principals/0/policies/0", "policy.json at /Statement/Effect", "allow"]
)]
#[case::variable(
    Some(r#"{"version": 1, "principals": [{"user": "a", "access_key_id": "A",
        "secret_access_key": {"environment": "NONE"}}]}"#),
    &["at /principals/0/secret_access_key", "environment variable NONE", "set it"]
)]
fn a_faulty_file_of_identities_is_an_error_that_names_the_place(#[case] text: Option<&str>, #[case] words: &[&str]) {
    let mut program = Program::line("serve emulator --listen 127.0.0.1:0 --identities identities.json");
    program = program.file("policy.json", r#"{"Statement": {"Effect": "allow", "Action": "*", "Resource": "*"}}"#);
    if let Some(text) = text {
        program = program.file("identities.json", text);
    }
    let finished = program.finish();
    finished.expect(2, words);
    assert!(!finished.stderr.contains("hidden-secret"), "{finished:#?}");
}

/// The fixtures of the project with a case for a caller who is denied the operation, between two for one who is not.
fn fixtures_with_a_denied_caller() -> Fixtures {
    let fixtures = Fixtures::copy();
    fixtures.change_json("requirements.json", |register| {
        for row in register["requirements"].as_array_mut().expect("a list") {
            if row["id"] == "GC-IAM-01" {
                row.as_object_mut().expect("an object").remove("pending");
            }
        }
    });
    let reply = json!({ "version": 1, "title": "A denial", "status": 400, "headers": { "content-type": "application/x-amz-json-1.1" },
                        "body": { "__type": "AccessDeniedException", "message": "You may not." } });
    fixtures.add("replies/callers-denied.json", &reply.to_string());
    let allowed = json!({ "request": { "input": { "workgroupName": "${workgroup}" } }, "decides": [],
                          "reply": "credentials" });
    let denied = json!({ "name": "denied", "expect": { "status": 400, "error": "AccessDeniedException" },
                         "reply": "callers-denied",
                         "request": { "input": { "workgroupName": "${workgroup}" }, "caller": "denied" } });
    let suite = json!({ "version": 1, "operation": "GetCredentials", "cases": [
        { "id": "callers/denied", "title": "A caller whom no policy allows the operation is refused",
          "requirements": ["GC-IAM-01"], "needs": ["iam"], "breaks": "state", "steps": [allowed, denied, allowed] }
    ] });
    fixtures.add("server/callers.json", &suite.to_string());
    fixtures
}

/// An AWS configuration whose profile `visitor` has a session token, and whose others have no keys of their own.
const CONFIG: &str = "[default]\nregion = us-east-1\n[profile visitor]\naws_access_key_id = ASIAVISITOR\n\
                      aws_secret_access_key = secret-of-visitor\naws_session_token = token-of-visitor\n\
                      [profile alice]\naws_access_key_id = AKIDALICE\naws_secret_access_key = secret-of-alice\n\
                      [profile empty]\nregion = eu-west-1\n\
                      [profile half]\naws_access_key_id = AKIDHALF\n\
                      [profile assumed]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = alice\n";

/// A run as alice, with the profile of somebody who is denied the operation.
fn run_with_denied(served: &Served, fixtures: &Fixtures, arguments: &str) -> Program {
    let line = format!(
        "run callers --claim iam --workgroup wg-1 --format jsonl --endpoint {} --fixtures {} {arguments}",
        served.value_of("endpoint"),
        fixtures.folder()
    );
    let program = Program::line(line.trim()).file("config", CONFIG);
    let config = program.folder().join("config").to_str().expect("a text").to_owned();
    let program = program.env("AWS_CONFIG_FILE", &config).env("AWS_REGION", served.value_of("region"));
    program.env("AWS_ACCESS_KEY_ID", "AKIDALICE").env("AWS_SECRET_ACCESS_KEY", "secret-of-alice")
}

/// The emulator with the two callers, and the folder of their file.
fn served() -> (Served, tempfile::TempDir) {
    let files = tempfile::tempdir().expect("a temporary folder");
    let path = files.path().join("identities.json");
    std::fs::write(&path, FILE).expect("writable");
    std::fs::write(files.path().join("get.json"), GET).expect("writable");
    let arguments = ["--identities", path.to_str().expect("a name of text"), "--workgroup", "wg-1"];
    (Served::emulator_with(&arguments, &[("VISITOR_SECRET", "secret-of-visitor")]), files)
}

#[track_caller]
fn shows_no_secret(finished: &Finished) {
    for secret in ["secret-of", "token-of", "AKIDALICE", "ASIAVISITOR"] {
        assert!(!format!("{finished:?}").contains(secret), "{finished:#?}");
    }
}

#[rstest]
#[case::flag("--denied-profile visitor", None)]
#[case::variable("", Some("visitor"))]
fn the_identity_of_the_denied_profile_is_refused_and_another_is_not(
    #[case] arguments: &str,
    #[case] variable: Option<&str>,
) {
    let ((served, _files), fixtures) = (served(), fixtures_with_a_denied_caller());
    let mut program = run_with_denied(&served, &fixtures, arguments);
    if let Some(name) = variable {
        program = program.env("COUNTERSIGN_DENIED_PROFILE", name);
    }
    let finished = program.finish();
    finished.expect(0, &[]);
    let cases: Vec<_> = events(&finished.stdout).into_iter().filter(|event| event["event"] == "case").collect();
    assert_eq!((cases.len(), &cases[0]["verdict"], &cases[0]["runs"]), (1, &"pass".into(), &1.into()));
    shows_no_secret(&finished);
}

#[test]
fn a_server_that_lets_the_denied_identity_in_is_blamed_at_that_step() {
    let ((served, _files), fixtures) = (served(), fixtures_with_a_denied_caller());
    // Both callers may do it: alice by her policy, and the emulator's first caller by default.
    let mut program = run_with_denied(&served, &fixtures, "--denied-profile first");
    let keys = ["access_key_id", "secret_access_key"].map(|name| served.value_of(name).to_owned());
    let config = format!("[profile first]\naws_access_key_id = {}\naws_secret_access_key = {}\n", keys[0], keys[1]);
    program = program.file("config", &config);
    let finished = program.finish();
    finished.expect(1, &[]);
    let cases: Vec<_> = events(&finished.stdout).into_iter().filter(|event| event["event"] == "case").collect();
    let violation = &cases[0]["violations"][0];
    assert_eq!((&violation["requirement"], &violation["step"]), (&"GC-IAM-01".into(), &"denied".into()));
    shows_no_secret(&finished);
}

#[test]
fn without_a_denied_profile_its_cases_are_blocked() {
    let ((served, _files), fixtures) = (served(), fixtures_with_a_denied_caller());
    let words =
        "it needs a profile whose identity is denied the operation that the target has; name one with --denied-profile";
    run_with_denied(&served, &fixtures, "").finish().expect(1, &[words]);
}

#[rstest]
#[case::missing("vistor", 2, &["--denied-profile: no credentials: there is no profile \"vistor\"", "did you mean visitor?"])]
#[case::no_keys("empty", 2, &["--denied-profile: no credentials: none are in the profile \"empty\""])]
#[case::half("half", 2, &["--denied-profile: ", "half"])]
#[case::callers_own("alice", 2, &["--denied-profile: the profile has the access key of the caller"])]
#[case::asks_aws("assumed", 6, &["--denied-profile: the profile \"assumed\" has to ask AWS", "name a profile with keys of its own"])]
fn a_denied_profile_that_cannot_be_used_ends_the_run_before_it_begins(
    #[case] profile: &str,
    #[case] code: i32,
    #[case] words: &[&str],
) {
    let ((served, _files), fixtures) = (served(), fixtures_with_a_denied_caller());
    let finished = run_with_denied(&served, &fixtures, &format!("--denied-profile {profile}")).finish();
    finished.expect(code, words);
    assert!(!finished.stderr.contains("environment") && finished.stdout.is_empty(), "{finished:#?}");
    shows_no_secret(&finished);
}

#[test]
fn a_denied_profile_signs_so_a_run_without_signatures_has_none() {
    let ((served, _files), fixtures) = (served(), fixtures_with_a_denied_caller());
    let finished = run_with_denied(&served, &fixtures, "--denied-profile visitor --no-sign").finish();
    finished.expect(2, &["--denied-profile names who signs, and --no-sign signs nothing; leave one out"]);
}

/// The emulator with alice, whom a policy denies credentials for wg-2 alone, by its ARN.
fn served_with_a_denied_workgroup() -> (Served, tempfile::TempDir) {
    let arn =
        EmulatorOptions { workgroups: vec!["wg-2".into()], ..EmulatorOptions::default() }.names()["resource"].clone();
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "*", "Resource": "*" },
        { "Effect": "Deny", "Action": "redshift-serverless:GetCredentials", "Resource": arn } ] });
    let file = json!({ "version": 1, "principals": [
        { "user": "alice", "access_key_id": "AKIDALICE", "secret_access_key": "secret-of-alice", "policies": [policy] } ] });
    let files = tempfile::tempdir().expect("a temporary folder");
    let path = files.path().join("identities.json");
    std::fs::write(&path, file.to_string()).expect("writable");
    let path = path.to_str().expect("a name of text");
    let named = ["wg-1", "wg-2", "wg-3"].map(|name| ["--workgroup", name]).concat();
    (Served::emulator_with(&[&["--identities", path], &named[..]].concat(), &[]), files)
}

#[test]
fn a_workgroup_that_the_policy_denies_is_tried_where_it_is_named() {
    let (served, _files) = served_with_a_denied_workgroup();
    let line = |line: &str| {
        let line = format!("{} --endpoint {}", line.trim(), served.value_of("endpoint"));
        let program = Program::line(&line).env("AWS_REGION", served.value_of("region"));
        program.env("AWS_ACCESS_KEY_ID", "AKIDALICE").env("AWS_SECRET_ACCESS_KEY", "secret-of-alice")
    };
    let run = |denied: &str| line(&format!("run iam/denied-workgroup --workgroup wg-1 {denied}"));
    let doctor = |denied: &str| line(&format!("doctor --workgroup wg-1 --denied-workgroup {denied}"));

    run("").finish().expect(0, &["1 not-applicable"]);
    run("--claim denied-workgroup")
        .finish()
        .expect(1, &["needs a denied workgroup", "name one with --denied-workgroup"]);
    let mut by_variable = run("").env("COUNTERSIGN_DENIED_WORKGROUP", "wg-2");
    by_variable.finish().expect(0, &["1 pass", "denied-workgroup: 1 of 1 must-requirements decided, 0 violated"]);
    doctor("wg-2").finish().expect(0, &["wg-2 is denied, as it should be"]);

    run("--denied-workgroup wg-3").finish().expect(1, &["GC-IAM-05", "denied-workgroup: 1 of 1", "1 violated"]);
    doctor("wg-3").finish().expect(1, &["the caller is not denied wg-3", "by the ARN of the workgroup"]);

    let finished = run("--denied-workgroup nobody-s").finish();
    finished.expect(3, &["the target finds no workgroup", "correct --denied-workgroup", "not decided"]);
    doctor("nobody-s").finish().expect(1, &["the target finds no workgroup nobody-s, or hides it"]);

    for command in [run("--denied-workgroup wg-1"), doctor("wg-1")] {
        let mut command = command;
        command.finish().expect(2, &["--workgroup and --denied-workgroup both name the workgroup \"wg-1\""]);
    }
    run("--denied-workgroup my_wg").finish().expect(2, &["--denied-workgroup: expected 3 to 64", "my_wg"]);
    // Only what the default operation is denied is asked for.
    let finished = line("doctor --operation GetWorkgroup --workgroup wg-1 --denied-workgroup wg-2").finish();
    assert!(!finished.expect(0, &[]).stdout.contains("wg-2"), "{finished:#?}");
}

#[test]
fn a_denied_workgroup_of_real_aws_is_not_asked_for_unless_it_is_the_allowed_one() {
    let line = "run --target aws --allow-aws 123456789012/us-east-1/mine --workgroup mine --denied-workgroup other";
    Program::line(line).finish().expect(6, &["--allow-aws allows the workgroup mine, but this run would use other"]);
}
