//! From an answer to its recording and back.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use jiff::Timestamp;
use rstest::rstest;
use serde_json::{Value, json};

use super::capture::{Capture, Unrecordable};
use super::drift::{Drift, drifts};
use super::folder::path_of;
use super::format::{RecordedAnswer, RecordedBody, Recording};
use super::{replay, scan};
use crate::contract::{Contract, Fixtures};
use crate::corpus::Corpus;
use crate::verdict::RecordedTarget;
use crate::wire::{Exchange, Headers, Masker, Request, Response};

static LIBRARY: LazyLock<(Contract, Corpus)> = LazyLock::new(|| {
    let contract = Contract::load(&Fixtures::Embedded).expect("the contract");
    let corpus = Corpus::load(&Fixtures::Embedded, &contract).expect("the corpus");
    (contract, corpus)
});

const SENT: &str = r#"{"workgroupName":"my-workgroup"}"#;

/// What is recorded of an answer to a case, whose request names a workgroup.
fn recorded(case: &str, status: u16, body: impl Into<Vec<u8>>, ours: &[&str]) -> Result<RecordedAnswer, Unrecordable> {
    let (contract, corpus) = &*LIBRARY;
    let request = Request { method: "POST".into(), target: "/".into(), headers: Headers::new(), body: SENT.into() };
    let headers = Headers::from_iter([
        ("Content-Type", "application/x-amz-json-1.1"),
        ("X-Amzn-RequestId", "0f3a77b1-91cc-5d2e-0000-111122223333"),
        ("Date", "Sun, 06 Nov 1994 08:49:57 GMT"),
    ]);
    let at = Timestamp::from_second(784_111_777).expect("a time");
    let answer = Ok(Response { status, headers, body: body.into() });
    let (elapsed, fault_before, cut_off) = (Duration::ZERO, None, None);
    let exchange = Exchange { request, answer, sent_at: at, received_at: at, elapsed, fault_before, cut_off };
    let hidden = Masker::new(ours.iter().map(|secret| (*secret).to_owned()));
    let (case, names) = (corpus.get(case).expect("the case"), BTreeMap::new());
    let capture = Capture { contract, case, hidden: &hidden, names: &names };
    capture.answers(&[exchange]).map(|mut answers| answers.remove(0))
}

fn json_of(answer: &RecordedAnswer) -> Value {
    serde_json::to_value(answer).expect("JSON")
}

#[test]
fn a_success_is_recorded_by_its_shape() {
    let body = json!({
        "dbPassword": "Xk7abcd9qLm2", "dbUser": "IAM:alice", "expiration": 784_112_676.5, "nextRefreshTime": 784_112_677,
        "more": ["my-workgroup", true, 4711, null]
    });
    let answer = recorded("success/workgroup-only", 200, body.to_string(), &[]).expect("it is recorded");
    assert_eq!(
        json_of(&answer),
        json!({
            "status": 200,
            "headers": {"content-type": "application/x-amz-json-1.1", "date": null, "x-amzn-requestid": null},
            "clock": 20,
            "body": {"json": {"object": {
                "dbPassword": {"text": {"length": 12}},
                "dbUser": {"text": {"length": 9}},
                "expiration": {"number": {"after": 900, "fraction": true}},
                "more": {"list": [
                    "null", {"boolean": true}, {"number": {}}, {"text": {"length": 12, "sent": "/workgroupName"}}
                ]},
                "nextRefreshTime": {"number": {"after": 900}},
            }}}
        })
    );
}

#[rstest]
#[case::name("no workgroup my-workgroup here", "no workgroup *** here")]
#[case::our_key("signed by canary-otter", "signed by ***")]
#[case::encoded("signed by Y2FuYXJ5LW90dGVy and %63anary-otter", "signed by *** and ***")]
#[case::arn("arn:aws:iam::123456789012:user/alice", "arn:aws:iam::***:user/***")]
#[case::account("of 123456789012", "of ***")]
fn a_message_is_recorded_without_names_and_secrets(#[case] message: &str, #[case] expected: &str) {
    let body = json!({"__type": "a#ValidationException", "message": message}).to_string();
    let answer = recorded("errors/unknown-workgroup", 400, body, &["canary-otter"]).expect("it is recorded");
    assert_eq!(answer.error.as_deref(), Some("ValidationException"));
    let body = json_of(&answer)["body"]["json"]["object"].clone();
    assert_eq!(body["message"]["text"]["value"], expected);
    assert_eq!(body["__type"]["text"]["value"], "a#ValidationException");
}

#[rstest]
#[case::empty("", json!("empty"))]
#[case::text("<h1>Oops</h1>", json!({"text": "<h1>Oops</h1>"}))]
#[case::compressed(b"\x1f\x8b\x08\xff", json!({"bytes": "1f8b"}))]
#[case::beyond_reading(r#"{"a":1e400}"#, json!("unread"))]
#[case::behind_a_mark("\u{feff}{}", json!("unread"))]
#[case::deep("[".repeat(60) + &"]".repeat(60), json!("unread"))]
#[case::large(format!("[{}0]", "0,".repeat(3_000)), json!("unread"))]
fn a_body_that_is_no_small_json_is_recorded_by_what_it_is(#[case] body: impl AsRef<[u8]>, #[case] expected: Value) {
    let answer = recorded("errors/unknown-workgroup", 500, body.as_ref(), &[]).expect("it is recorded");
    assert_eq!(json_of(&answer)["body"], expected);
}

#[test]
fn an_answer_that_is_replayed_and_recorded_again_is_the_same() {
    let body = json!({
        "dbPassword": "Xk7abcd9qLm2", "dbUser": " \t", "expiration": 784_112_677.5, "nextRefreshTime": 784_112_677,
        "more": {"name": "my-workgroup", "list": [1, 2.5, "", "x"]}
    });
    let first = recorded("success/workgroup-only", 200, body.to_string(), &[]).expect("it is recorded");
    let response = replay(&first, SENT.as_bytes(), 784_111_777.0, 3);
    assert_eq!(response.headers.get("x-amzn-requestid"), Some("00000000-0000-0000-0000-000000000000"));
    let made = response.json().expect("JSON");
    assert_eq!(made["more"]["name"], "my-workgroup");
    assert_eq!(made["expiration"], json!(784_112_677.0));
    let again = recorded("success/workgroup-only", 200, response.body, &[]).expect("it is recorded");
    assert_eq!(again.body, first.body);
}

#[test]
fn a_scanner_finds_what_was_not_masked() {
    let masker = Masker::new(["canary-otter".to_owned()]);
    let answer = |text: &str| RecordedAnswer {
        status: 400,
        error: None,
        headers: BTreeMap::new(),
        clock: None,
        body: RecordedBody::Text(text.to_owned()),
    };
    for text in ["a canary-otter", "a Y2FuYXJ5LW90dGVy", "%63anary-otter", "of 123456789012", "arn:aws:iam::1:user/bob"]
    {
        assert_eq!(scan::survivor(&[answer(text)], &masker).as_deref(), Some("/answers/0/body"), "{text}");
    }
    assert_eq!(scan::survivor(&[answer("a *** of arn:aws:iam::***:user/***")], &masker), None);
}

#[rstest]
#[case("success/workgroup-only", "success/workgroup-only.json")]
#[case("parameters/duration-outside/-1", "parameters/duration-outside/-1.json")]
#[case("a/b/Upper+x@", "a/b/%55pper%2Bx%40.json")]
#[case("a/b/..", "a/b/%2E..json")]
fn a_case_has_a_file_that_every_system_can_hold(#[case] case: &str, #[case] expected: &str) {
    assert_eq!(path_of(case), PathBuf::from(expected));
}

#[test]
fn a_drift_is_told_with_its_place_and_rounded_times_do_not_drift() {
    let recording = |body: Value| -> Recording {
        let answers = json!([{"status": 200, "headers": {}, "clock": 0, "body": {"json": {"object": body}}}]);
        serde_json::from_value(json!({
            "version": 1, "case": "a/b", "of": "aws", "region": "us-east-1", "date": "2026-11-22", "suite_version": 1,
            "answers": answers
        }))
        .expect("a recording")
    };
    let first = recording(json!({"x": {"number": {"after": 900}}, "y": "null"}));
    let mut later = recording(json!({"x": {"number": {"after": 910}}, "y": {"boolean": true}}));
    later.of = RecordedTarget::Endpoint;
    let expected = [
        ("/of", json!("aws"), json!("endpoint")),
        ("/answers/0/body/json/object/y", json!("null"), json!({"boolean": true})),
    ];
    let expected =
        expected.map(|(at, recorded, found)| Drift { at: at.to_owned(), recorded: Some(recorded), found: Some(found) });
    assert_eq!(drifts(&first, &later), expected);
}
