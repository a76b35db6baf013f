//! `doctor` says what stands between a target and a run, and what to do about it.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use rstest::rstest;
use serde_json::Value;

use crate::program::{Finished, Program};
use crate::stub::{Stub, answer};

const AWS: &str = "application/x-amz-json-1.1";
const RIGHT: &str = r#"{"dbPassword":"CANARY-pw-1","dbUser":"IAM:CANARY","expiration":1,"nextRefreshTime":1}"#;

fn doctor(endpoint: &str, arguments: &[&str]) -> Program {
    let mut all = vec!["doctor", "--endpoint", endpoint, "--workgroup", "wg-1"];
    all.extend(arguments);
    Program::new(&all).env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test")
}

/// The status and the words of the finding about a topic.
fn finding(finished: &Finished, topic: &str) -> (String, String) {
    let report: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    let findings = report["findings"].as_array().expect("a list");
    let finding = findings.iter().find(|finding| finding["topic"] == topic).unwrap_or_else(|| panic!("{report:#}"));
    let text = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    (text("status"), format!("{}; {}", text("found"), text("fix")))
}

#[test]
fn the_emulator_is_well() {
    let finished = Program::new(&["doctor"]).finish();
    finished.expect(
        0,
        &[
            "checked: a wrong one is refused",
            "agrees with ours",
            "countersign-emulator is known",
            "CreateNamespace, CreateWorkgroup: not tried",
            "nothing stands in the way",
        ],
    );
    assert!(!finished.stdout.contains("problem"), "{finished:#?}");
}

#[rstest]
#[case::not_there("404 Not Found", "text/html", "<h1>nothing</h1>", 1, "operation", "404 text/html: \"nothing\"")]
#[case::not_implemented("501 No", AWS, r#"{"__type":"InternalFailure"}"#, 1, "operation", "not implemented")]
#[case::refused("403 No", AWS, r#"{"__type":"UnrecognizedClientException"}"#, 2, "credentials", "AWS_PROFILE")]
#[case::no_workgroup("400 No", AWS, r#"{"__type":"ResourceNotFoundException"}"#, 2, "workgroup", "--workgroup")]
#[case::redirect("302 Found", AWS, "", 1, "operation", "redirects to")]
#[case::busy("503 Busy", AWS, "", 3, "operation", "try again")]
fn each_problem_has_its_exit_code_and_says_what_to_do(
    #[case] status: &str,
    #[case] media: &str,
    #[case] body: &str,
    #[case] code: i32,
    #[case] topic: &str,
    #[case] said: &str,
) {
    let stub = Stub::answering(answer(status, media, body));
    let finished = doctor(&stub.endpoint, &["--format", "json"]).finish();
    finished.expect(code, &[]);
    let (status, words) = finding(&finished, topic);
    assert_eq!(status, "problem", "{finished:#?}");
    assert!(words.contains(said), "{words}");
}

#[test]
fn a_target_that_hangs_is_given_up_within_two_seconds() {
    let stub = Stub::new(|_, _| {
        loop {
            std::thread::park();
        }
    });
    let finished = doctor(&stub.endpoint, &["--format", "json"]).finish();
    finished.expect(3, &["takes connections, but no complete answer within"]);
    let report: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    let took = report["duration_ms"].as_f64().expect("a number");
    assert!((1000.0..2000.0).contains(&took), "{took} ms");
}

#[test]
fn nothing_that_listens_is_exit_3() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound");
    let finished = doctor(&format!("http://{free}"), &[]).finish();
    finished.expect(3, &["cannot connect", "connection refused", "start the server"]);
}

#[test]
fn a_name_without_an_address_is_exit_3() {
    doctor("http://nowhere.invalid:1", &[]).finish().expect(3, &["nowhere.invalid cannot be resolved", "--endpoint"]);
}

#[test]
fn a_plain_server_asked_for_tls_is_exit_3_with_the_scheme_to_write() {
    let stub = Stub::greeting("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    let endpoint = stub.endpoint.replace("http:", "https:");
    doctor(&endpoint, &[]).finish().expect(3, &["handshake failed", "write http:// in --endpoint"]);
}

#[test]
fn only_operations_that_change_nothing_are_asked() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let stub = Stub::new(move |stream, request| {
        use std::io::Write;
        let target = request.lines().find_map(|line| line.strip_prefix("x-amz-target: RedshiftServerless."));
        seen.lock().expect("one at a time").push(target.unwrap_or_default().to_owned());
        let _ = stream.write_all(answer("200 OK", AWS, RIGHT).as_bytes());
    });
    let finished = doctor(&stub.endpoint, &["--format", "json"]).finish();
    finished.expect(0, &["not checked: a wrong one is accepted"]);
    let mut asked = asked.lock().expect("all were asked").clone();
    // A connection without any request tells whether there is a way.
    asked.retain(|operation| !operation.is_empty());
    asked.sort();
    assert_eq!(asked, ["GetCredentials", "GetCredentials", "GetCredentials", "GetWorkgroup", "ListWorkgroups"]);
    assert!(!finished.stdout.contains("CANARY"), "{finished:#?}");
    assert_eq!(finding(&finished, "clock").0, "unknown");
}

#[test]
fn without_credentials_it_goes_on_and_says_what_to_set() {
    let stub = Stub::answering(answer("200 OK", AWS, RIGHT));
    let finished = Program::new(&["doctor", "--endpoint", &stub.endpoint, "--workgroup", "wg-1"]).finish();
    finished.expect(2, &["none to sign with", "AWS_ACCESS_KEY_ID", "wg-1 is known"]);
}

#[test]
fn real_aws_is_refused_before_any_name_is_resolved() {
    Program::new(&["doctor", "--target", "aws"]).finish().expect(6, &["--allow-aws"]);
}

#[test]
fn a_hostile_answer_cannot_steer_the_terminal() {
    let body = "{\"__type\":\"Nope\",\"message\":\"\\u001b[31mred\\u202e\"}";
    let stub = Stub::answering(answer("500 No", AWS, body));
    let finished = doctor(&stub.endpoint, &[]).finish();
    finished.expect(1, &["\\u{1b}[31mred"]);
    assert!(!finished.stdout.contains(['\u{1b}', '\u{202e}']), "{finished:#?}");
}
