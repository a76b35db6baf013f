//! Planted secrets are found nowhere: not in what is printed, logged or written.

use std::fs;

use rstest::rstest;

use crate::program::Program;
use crate::stub::{Stub, answer};

const PASSWORD: &str = "CANARY-password-0f3a";
const USER: &str = "CANARY-user-77b1";
const SECRET: &str = "CANARY/secret+key/5d2e";
const TOKEN: &str = "CANARY-token-91cc";

#[rstest]
#[case::right(
    "200 OK",
    "application/x-amz-json-1.1",
    r#"{"dbPassword":"P","dbUser":"U","expiration":1,"nextRefreshTime":1}"#
)]
#[case::pascal("200 OK", "application/x-amz-json-1.1", r#"{"DbPassword":"P","DbUser":"U"}"#)]
#[case::nested("200 OK", "application/x-amz-json-1.1", r#"{"result":{"dbPassword":"P","dbUser":"U"},"dbUser":["P"]}"#)]
#[case::cut("200 OK", "application/x-amz-json-1.1", r#"{"dbUser":"U","dbPassword":"P"#)]
#[case::as_type(
    "400 Bad",
    "application/x-amz-json-1.1",
    r#"{"__type":"dbPassword=P","message":"dbPassword is P","dbPassword":"P"}"#
)]
#[case::in_message(
    "400 Bad",
    "application/x-amz-json-1.1",
    r#"{"__type":"ValidationException","message":"no: P","dbPassword":"P","dbUser":"U"}"#
)]
#[case::page("500 Oops", "text/html", "<p>password: P</p><p>dbUser=U</p>")]
#[case::own_json("400 Bad", "application/json", r#"{"error":"token P is wrong; secret=P"}"#)]
fn a_planted_secret_is_found_nowhere(#[case] status: &'static str, #[case] media: &'static str, #[case] body: &str) {
    let body = body
        .replace("\"P", &format!("\"{PASSWORD}"))
        .replace("=P", &format!("={PASSWORD}"))
        .replace(" P", &format!(" {PASSWORD}"));
    let body = body.replace("\"U", &format!("\"{USER}")).replace("=U", &format!("={USER}"));
    let stub = Stub::answering(answer(status, media, &body));
    let reports = [
        "--report-json",
        "r.json",
        "--report-jsonl",
        "r.jsonl",
        "--report-junit",
        "r.xml",
        "--report-html",
        "r.html",
        "--report-md",
        "r.md",
        "--verbose",
    ];
    let mut program = Program::run_at(&stub.endpoint, &reports)
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("AWS_SESSION_TOKEN", TOKEN)
        .env("COUNTERSIGN_LOG", "trace")
        .env("RUST_LOG", "trace");
    let finished = program.finish();
    finished.expect(1, &[]);
    let mut everything = format!("{}{}", finished.stdout, finished.stderr);
    for name in ["r.json", "r.jsonl", "r.xml", "r.html", "r.md"] {
        everything.push_str(&fs::read_to_string(program.folder().join(name)).expect("the report is there"));
    }
    assert!(everything.len() > 1000, "the reports say something");
    assert!(!everything.contains("CANARY"), "{}", around(&everything));
}

/// The text around a canary, to see where it got out.
fn around(text: &str) -> &str {
    let at = text.find("CANARY").unwrap_or_default();
    let start = (0..=at.saturating_sub(200)).rev().find(|start| text.is_char_boundary(*start)).unwrap_or_default();
    let end = (at + 100..text.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(text.len());
    &text[start..end]
}

#[rstest]
#[case::flag(&["run", "--endpoint", "http://alice:CANARY-pw@127.0.0.1:1/"], "")]
#[case::variable(&["run"], "http://alice:CANARY-pw@127.0.0.1:1/")]
#[case::query(&["run", "--endpoint", "http://127.0.0.1:1/?token=CANARY"], "")]
fn a_secret_in_a_url_is_not_repeated(#[case] arguments: &[&str], #[case] variable: &str) {
    let finished = Program::new(arguments).env("COUNTERSIGN_ENDPOINT", variable).finish();
    finished.expect(2, &["http://localhost:4566"]);
    assert!(!finished.stderr.contains("CANARY"), "{finished:#?}");
}

#[test]
fn our_own_credentials_are_masked_when_a_target_sends_them_back() {
    let (key, secret, token) = ("AKIDCANARYKEYONLYLETTERS", "CANARYsecretletters", "CANARYtokenletters");
    let echo = format!(r#"{{"__type":"ValidationException","message":"{key} and {secret} and {token}"}}"#);
    let stub = Stub::answering(answer("400 Bad", "application/x-amz-json-1.1", &echo));
    let reports = ["success/workgroup-only", "--report-json", "r.json", "--verbose"];
    let mut program = Program::run_at(&stub.endpoint, &reports).env("COUNTERSIGN_LOG", "trace");
    program =
        program.env("AWS_ACCESS_KEY_ID", key).env("AWS_SECRET_ACCESS_KEY", secret).env("AWS_SESSION_TOKEN", token);
    let finished = program.finish();
    let report = fs::read_to_string(program.folder().join("r.json")).expect("the report is there");
    for text in [&finished.stdout, &finished.stderr, &report] {
        assert!(!text.contains("CANARY"), "{text}");
    }
    assert!(finished.stderr.contains("header fields sent"), "the log says something: {finished:#?}");
}

#[test]
fn the_lines_that_repeat_a_request_read_secrets_from_the_environment() {
    let stub = Stub::answering(answer("200 OK", "application/x-amz-json-1.1", "{}"));
    let finished =
        Program::run_at(&stub.endpoint, &["success/workgroup-only"]).env("AWS_SESSION_TOKEN", TOKEN).finish();
    finished.expect(1, &["curl ", "$AWS_SECRET_ACCESS_KEY", "$AWS_SESSION_TOKEN"]);
}
