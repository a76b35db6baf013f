//! `serve emulator --identities`, over the network.

use countersign::wire::sigv4::{Scope, sign};
use countersign::wire::{Client, ClientOptions, Credentials, Request, Response};
use jiff::Timestamp;
use rstest::rstest;
use serde_json::{Value, json};

use crate::program::Program;
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
