//! A target that turns every call away: what `run` and `doctor` say of it, the reports that are written all the same.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use rstest::rstest;
use serde_json::Value;

use crate::program::Program;
use crate::stub_server::{AWS, Stub, answer, refusal};

const JSON: &str = "application/json";

/// An answer with one more header field.
fn with_field(bytes: &str, field: &str) -> String {
    bytes.replacen("\r\n", &format!("\r\n{field}\r\n"), 1)
}

/// The `Date` of a server whose clock is this many seconds ahead.
fn date(ahead: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let time = Timestamp::from_second(i64::try_from(now).expect("a time") + ahead).expect("a time");
    format!("date: {}", DateTimePrinter::new().timestamp_to_rfc9110_string(&time).expect("a date"))
}

fn refused(name: &str, message: &str) -> String {
    refusal("403 Forbidden", name, message)
}

#[rstest]
#[case::wrong_signature(
    refused("InvalidSignatureException", "The request signature we calculated does not match"),
    &["secret key", "--region", "rewrites the header Host"]
)]
#[case::taken_away(
    refused("MissingAuthenticationTokenException", "Missing Authentication Token"),
    &["Authorization was taken away", "gateway answered that has no route"]
)]
#[case::route_of_a_gateway(
    with_field(
        &answer("403 Forbidden", JSON, r#"{"message":"Missing Authentication Token"}"#),
        "x-amzn-errortype: MissingAuthenticationTokenException"
    ),
    &["Authorization was taken away", "gateway answered that has no route"]
)]
#[case::denied(
    refusal("400 Bad Request", "AccessDeniedException", "User: a is not authorized"),
    &["The keys are right, but the policy of their identity lacks redshift-serverless:GetCredentials"]
)]
#[case::expired_token(
    refused("ExpiredTokenException", "The security token included in the request is expired"),
    &["The session token has expired", "AWS_SESSION_TOKEN"]
)]
#[case::clock_behind(
    with_field(&refused("InvalidSignatureException", "Signature not yet current"), &date(-605)),
    &["Its clock is 60", " s behind this machine's", "set the clock"]
)]
#[case::clock_ahead(
    with_field(&refused("InvalidSignatureException", "Signature expired"), &date(7205)),
    &["Its clock is 720", " s ahead of this machine's"]
)]
#[case::out_of_date(refused("InvalidSignatureException", "Signature expired: a is now earlier than b"), &["of another time"])]
#[case::scope(
    refused("InvalidSignatureException", "Credential should be scoped to a valid region."),
    &["the region us-east-1", "--region"]
)]
#[case::unknown_key(refused("InvalidClientTokenId", "invalid"), &["does not know the access key id", "AWS_PROFILE"])]
#[case::a_page(answer("401 Unauthorized", "text/html", "<h1>Log in</h1>"), &["no such route", "AWS_PROFILE"])]
#[case::nothing(answer("403 Forbidden", "text/plain", ""), &["no such route"])]
fn a_refusal_has_the_advice_that_fits_in_run_and_doctor_and_every_report(
    #[case] bytes: String,
    #[case] texts: &[&str],
) {
    let stub = Stub::answering(bytes);
    let files =
        "--report-json r.json --report-html r.html --report-junit r.xml --report-jsonl r.jsonl --report-md r.md";
    let mut program = Program::at(&stub.endpoint, &format!("run {files}"));
    program.finish().expect(2, texts).expect(2, &["error: ", "refuses the credentials"]);
    let report = program.json("r.json");
    assert_eq!(report["run"]["target"]["class"], "refused-credentials");
    assert_nothing_is_judged(&report);
    assert!(report["run"]["target"]["cause"]["why"].is_string(), "{:#}", report["run"]);
    for file in ["r.html", "r.md"] {
        // HTML escapes the apostrophe, and Markdown the underscore.
        let text = program.read(file).replace("&#x27;", "'").replace("&#39;", "'").replace('\\', "");
        assert!(texts.iter().all(|words| text.contains(words)), "{file}: {text}");
    }
    assert!(program.read("r.xml").contains("the target refuses the credentials"), "{}", program.read("r.xml"));
    // Made from its stream alone, a report says the same.
    let stream = program.folder().join("r.jsonl").to_string_lossy().into_owned();
    Program::new(&["report", "--from", &stream]).finish().expect(0, texts);
    // A finding of doctor begins with a small letter.
    let finished = Program::at(&stub.endpoint, "doctor --format json").finish();
    finished.expect(2, &[]);
    let found = finished.stdout.to_lowercase();
    assert!(texts.iter().all(|words| found.contains(&words.to_lowercase())), "{finished:#?}");
}

/// Checks that every case is indeterminate because it was not asked, and nothing is held against the target.
#[track_caller]
fn assert_nothing_is_judged(report: &Value) {
    let cases = report["cases"].as_array().expect("a list");
    assert!(cases.len() > 300, "{}", cases.len());
    for case in cases {
        let because = (&case["verdict"], &case["because"]["why"], &case["runs"]);
        assert_eq!(because, (&"indeterminate".into(), &"turned-away".into(), &0.into()), "{case:#}");
        assert_eq!(case["violations"], Value::Array(Vec::new()), "{case:#}");
    }
    assert_eq!((&report["summary"]["conformant"], &report["summary"]["complete"]), (&false.into(), &true.into()));
}

#[test]
fn a_refusal_of_unsigned_requests_says_to_sign_them() {
    let stub = Stub::answering(refused("MissingAuthenticationTokenException", "Missing Authentication Token"));
    let mut program = Program::at(&stub.endpoint, "run --no-sign --report-json r.json");
    program.finish().expect(2, &["refuses a request without a signature", "Leave out --no-sign"]);
    assert_nothing_is_judged(&program.json("r.json"));
    let finished = Program::at(&stub.endpoint, "doctor --no-sign").finish();
    finished.expect(2, &["it refuses a request without a signature", "leave out --no-sign"]);
}

#[rstest]
#[case("301 Moved Permanently")]
#[case("302 Found")]
#[case("307 Temporary Redirect")]
#[case("308 Permanent Redirect")]
fn a_redirect_is_a_wrong_endpoint_and_is_not_followed(#[case] status: &str) {
    let other = Stub::answering(answer("200 OK", AWS, "{}"));
    let location = format!("location: {}/{}\u{202e}", other.endpoint, "x".repeat(3_000));
    let stub = Stub::answering(with_field(&answer(status, "text/html", ""), &location));
    let mut program = Program::at(&stub.endpoint, "run --report-json r.json");
    let finished = program.finish();
    finished.expect(2, &["redirects the call to http://127.0.0.1:", "are not followed"]);
    assert!(!finished.stdout.contains(&"x".repeat(1_000)) && !finished.stdout.contains('\u{202e}'), "{finished:#?}");
    let report = program.json("r.json");
    assert_eq!(report["run"]["target"]["class"], "redirect");
    assert_nothing_is_judged(&report);
    Program::at(&stub.endpoint, "doctor").finish().expect(2, &["redirects the call to http://127.0.0.1:"]);
    assert_eq!(other.connections(), 0, "nothing is followed");
}

#[test]
fn a_redirect_to_aws_ends_with_the_exit_code_of_the_safety_rules() {
    let location = "location: https://redshift-serverless.us-east-1.amazonaws.com/";
    let stub = Stub::answering(with_field(&answer("307 Temporary Redirect", "text/html", ""), location));
    let mut program = Program::at(&stub.endpoint, "run --report-json r.json");
    program.finish().expect(6, &["which is real AWS or looks like it", "are not followed", "--allow-aws"]);
    let report = program.json("r.json");
    assert_eq!(report["run"]["target"]["cause"]["why"], "redirected-to-aws");
    assert_nothing_is_judged(&report);
    let finished = Program::at(&stub.endpoint, "doctor --format json").finish();
    finished.expect(6, &["redirected-to-aws"]);
}

#[test]
fn a_target_without_the_workgroup_leaves_a_report_too() {
    let stub = Stub::answering(refusal("400 Bad Request", "ResourceNotFoundException", "none"));
    let mut program = Program::at(&stub.endpoint, "run --report-json r.json");
    program.finish().expect(2, &["has no workgroup \"wg-1\"", "--workgroup"]);
    assert_nothing_is_judged(&program.json("r.json"));
}

#[rstest]
#[case::refused(refused("AccessDeniedException", "no"))]
#[case::redirected(answer("302 Found", "text/html", ""))]
fn no_baseline_is_written_of_a_target_that_turns_every_call_away(#[case] bytes: String) {
    let stub = Stub::answering(bytes);
    let mut program = Program::at(&stub.endpoint, "baseline write known.json");
    program.finish().expect(2, &["nothing was written"]);
    assert!(!program.folder().join("known.json").exists());
}

/// What servers answer to a plain request on a port that speaks TLS.
#[rstest]
#[case::go("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n".into())]
#[case::nginx(answer("400 Bad Request", "text/html", "<title>400 The plain HTTP request was sent to HTTPS port</title>").into())]
#[case::apache(answer("400 Bad Request", "text/html", "You're speaking plain HTTP to an SSL-enabled server port.").into())]
#[case::jetty(answer("400 Bad Request", "text/plain", "This combination of host and port requires TLS.").into())]
#[case::alert(b"\x15\x03\x01\x00\x02\x02\x46".to_vec())]
#[case::closes(Vec::new())]
fn a_port_that_speaks_tls_is_said_to_want_https(#[case] bytes: Vec<u8>) {
    let stub = Stub::answering(bytes);
    for command in ["run --report-json r.json", "doctor"] {
        let mut program = Program::at(&stub.endpoint, command);
        let finished = program.finish();
        finished.expect(3, &["ry https://"]);
        assert!(!finished.stdout.contains("not-implemented"), "{finished:#?}");
    }
}

#[test]
fn a_port_that_speaks_plain_http_is_said_to_want_http() {
    let stub = Stub::greeting("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    let endpoint = stub.endpoint.replace("http:", "https:");
    Program::at(&endpoint, "run").finish().expect(3, &["try http://"]);
}
