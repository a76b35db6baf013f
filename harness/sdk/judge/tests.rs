use std::sync::LazyLock;

use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::contract::{Fixtures, parse};
use crate::report::FaultText;
use crate::sdk::tests::samples::{self, error, result, with};

static JUDGE: LazyLock<ClientJudge> = LazyLock::new(|| {
    let contract = Contract::load(&Fixtures::Embedded).expect("the contract is valid");
    ClientJudge::new(Arc::new(contract)).expect("the judge is valid")
});

fn request() -> Value {
    samples::request(1)
}

/// A case with these expectations.
fn case(requirements: &[&str], expect: &Value) -> ClientCase {
    let text = json!({ "id": "a/b", "title": "t", "requirements": requirements, "expect": expect,
        "request": { "input": { "workgroupName": { "string": "wg-1" } } } });
    parse("a.json", &text.to_string()).expect("a case")
}

fn driver() -> DriverEvent {
    serde_json::from_value(samples::driver()).expect("a driver")
}

fn record(outcomes: &[Value], requests: &[Value]) -> Record {
    serde_json::from_value(samples::record(outcomes, requests)).expect("a record")
}

/// The requirements that a record violates or is warned for.
fn breach_texts(case: &ClientCase, record: &Record) -> Vec<String> {
    let judgement = JUDGE.judge(case, record, &driver());
    judgement.violations.into_iter().chain(judgement.warnings).map(|violation| violation.requirement).collect()
}

#[test]
fn a_right_request_and_a_right_result_break_nothing_and_decide_every_rule() {
    let judgement = JUDGE.judge(&case(&[], &json!([])), &record(&[result()], &[request()]), &driver());
    assert_eq!((judgement.verdict, judgement.violations), (Verdict::Pass, Vec::new()));
    let decided: Vec<&str> = judgement.decided.iter().map(String::as_str).collect();
    assert_eq!(decided, ["GC-CREQ-01", "GC-CREQ-02", "GC-CREQ-03", "GC-CREQ-04", "GC-CSIG-01"]);
}

#[rstest]
#[case::method("/line", json!("GET / HTTP/1.1"), "GC-CREQ-01")]
#[case::path("/line", json!("POST /x HTTP/1.1"), "GC-CREQ-01")]
#[case::target("/headers/x-amz-target", json!("RedshiftArcadiaCoralService.GetCredentials"), "GC-CREQ-02")]
#[case::media_type("/headers/content-type", json!("application/json"), "GC-CREQ-03")]
#[case::body("/body", json!({ "text": "[]", "json": [] }), "GC-CREQ-04")]
#[case::no_body("/body", json!({ "text": "" }), "GC-CREQ-04")]
#[case::region("/scope", json!("eu-west-1/redshift-serverless"), "GC-CSIG-01")]
#[case::service("/scope", json!("us-east-1/redshift"), "GC-CSIG-01")]
#[case::unsigned("/signature", json!("missing"), "GC-CSIG-01")]
#[case::wrong_signature("/signature", json!({ "wrong": "why" }), "GC-CSIG-01")]
fn each_rule_finds_what_it_is_for_and_nothing_else(
    #[case] place: &str,
    #[case] value: Value,
    #[case] requirement: &str,
) {
    let record = record(&[result()], &[request(), with(request(), place, value)]);
    assert_eq!(breach_texts(&case(&[], &json!([])), &record), [requirement]);
}

#[test]
fn a_proxy_is_asked_for_the_whole_url() {
    let line = json!("POST http://127.0.0.1:<port>/ HTTP/1.1");
    let asked = with(with(request(), "/server", json!("proxy")), "/line", line.clone());
    assert_eq!(breach_texts(&case(&[], &json!([])), &record(&[result()], &[asked])), Vec::<String>::new());
    let endpoint = with(request(), "/line", line);
    assert_eq!(breach_texts(&case(&[], &json!([])), &record(&[result()], &[endpoint])), ["GC-CREQ-01"]);
}

#[test]
fn a_media_type_may_have_parameters() {
    let request = with(request(), "/headers/content-type", json!("application/x-amz-json-1.1; charset=utf-8"));
    assert_eq!(breach_texts(&case(&[], &json!([])), &record(&[result()], &[request])), Vec::<String>::new());
}

#[rstest]
#[case::outcome(json!({ "outcome": "result" }), result(), error())]
#[case::no_error(json!({ "outcome": "error" }), error(), result())]
#[case::code(json!({ "error": { "code": "ValidationException" } }), error(), result())]
#[case::user(json!({ "members": { "dbUser": { "string": "IAM:alice" } } }), result(), error())]
#[case::time_by_its_value(json!({ "members": { "expiration": { "timestamp": "1700000000" } } }), result(), error())]
#[case::null_is_absent(json!({ "absent": ["nextRefreshTime", "bogus"] }), result(), error())]
#[case::password(json!({ "as_sent": ["dbPassword"] }), result(), error())]
fn an_expectation_holds_for_the_right_outcome_only(
    #[case] mut expect: Value,
    #[case] right: Value,
    #[case] wrong: Value,
) {
    expect["requirement"] = json!("GC-SDK-04");
    let case = case(&["GC-SDK-04"], &json!([expect]));
    assert_eq!(breach_texts(&case, &record(std::slice::from_ref(&right), &[request()])), Vec::<String>::new());
    assert_eq!(breach_texts(&case, &record(std::slice::from_ref(&wrong), &[request()])), ["GC-SDK-04"]);
    // Every call must meet the expectation.
    assert_eq!(breach_texts(&case, &record(&[right, wrong], &[request()])), ["GC-SDK-04"]);
}

#[rstest]
#[case::code("/error/code", json!("400"), json!({ "code": "ValidationException" }))]
#[case::untyped("/error/class", json!("ClientError"), json!({ "typed": true }))]
#[case::message("/error/message", json!("Boom"), json!({ "message": "boom" }))]
#[case::status("/error/http_status", json!(500), json!({ "http_status": 400 }))]
#[case::request_id("/error/request_id", Value::Null, json!({ "request_id": "rid-1" }))]
#[case::phase("/error/phase", json!("parse"), json!({ "phase": ["service"] }))]
#[case::member("/error/members/resourceName", json!({ "integer": "1" }), json!({ "members": { "resourceName": { "string": "wg-1" } } }))]
fn each_part_of_an_error_is_looked_at(#[case] place: &str, #[case] value: Value, #[case] expected: Value) {
    let case = case(&["GC-CERR-01"], &json!([{ "requirement": "GC-CERR-01", "error": expected }]));
    assert_eq!(breach_texts(&case, &record(&[error()], &[request()])), Vec::<String>::new());
    assert_eq!(breach_texts(&case, &record(&[with(error(), place, value)], &[request()])), ["GC-CERR-01"]);
}

#[rstest]
#[case::password_cut("/result/dbPassword/equals", json!("beginning"), json!({ "as_sent": ["dbPassword"] }))]
#[case::user_number("/result/dbUser", json!({ "integer": "5" }), json!({ "members": { "dbUser": { "string": "5" } } }))]
#[case::time_as_text("/result/expiration", json!({ "string": "1700000000" }), json!({ "members": { "expiration": { "timestamp": "1700000000" } } }))]
#[case::not_absent("/result/nextRefreshTime", json!({ "integer": "0" }), json!({ "absent": ["nextRefreshTime"] }))]
fn each_member_of_a_result_is_looked_at(#[case] place: &str, #[case] value: Value, #[case] mut expected: Value) {
    expected["requirement"] = json!("GC-SDK-04");
    let case = case(&["GC-SDK-04"], &json!([expected]));
    assert_eq!(breach_texts(&case, &record(&[with(result(), place, value)], &[request()])), ["GC-SDK-04"]);
}

#[rstest]
#[case::body("/body", json!({ "text": "{}", "json": {} }), json!({ "body": { "workgroupName": "wg-1" } }))]
#[case::body_has("/body", json!({ "text": "{}", "json": { "a": 1 } }), json!({ "body_has": { "workgroupName": "wg-1" } }))]
#[case::header("/headers", json!({ "x-amz-target": "RedshiftServerless.GetCredentials", "content-type": "application/x-amz-json-1.1", "a": "2" }), json!({ "headers": { "a": { "there": false } } }))]
#[case::signed("/signed_headers", json!(["x-amz-date"]), json!({ "headers": { "host": { "signed": true } } }))]
#[case::decoy("/server", json!("decoy"), json!({ "reached": "endpoint" }))]
fn each_part_of_a_request_is_looked_at(#[case] place: &str, #[case] value: Value, #[case] mut expected: Value) {
    expected["requirement"] = json!("GC-SDK-05");
    let case = case(&["GC-SDK-05"], &json!([expected]));
    assert_eq!(breach_texts(&case, &record(&[result()], &[request()])), Vec::<String>::new());
    assert_eq!(breach_texts(&case, &record(&[result()], &[with(request(), place, value)])), ["GC-SDK-05"]);
    // The expectation fails if no request was sent.
    assert_eq!(breach_texts(&case, &record(&[error()], &[])), ["GC-SDK-05"]);
}

#[rstest]
#[case(0, true)]
#[case(1, false)]
#[case(2, false)]
#[case(3, true)]
fn attempts_are_counted(#[case] count: usize, #[case] wrong: bool) {
    let case = case(&["GC-CRTY-01"], &json!([{ "requirement": "GC-CRTY-01", "attempts": { "least": 1, "most": 2 } }]));
    assert_eq!(breach_texts(&case, &record(&[result()], &vec![request(); count])).is_empty(), !wrong);
}

#[test]
fn what_a_driver_cannot_show_is_not_decided() {
    let member = json!({ "members": { "expiration": { "timestamp": "1" } } });
    let error_in_full = json!({ "error": { "typed": true, "http_status": 500, "request_id": "other",
        "members": { "resourceName": { "string": "other" } } } });
    let blind = DriverEvent { outputs: Some(vec!["dbUser".to_owned()]), typed: false, ..driver() };
    for (outcome, decides) in [(result(), [false, true]), (error(), [true, false])] {
        let record = record(&[outcome], &[request()]);
        let decided = [&member, &error_in_full].map(|expect| {
            let case = case(&["GC-SDK-02"], &json!([with(expect.clone(), "/requirement", json!("GC-SDK-02"))]));
            JUDGE.judge(&case, &record, &blind).decided.contains("GC-SDK-02")
        });
        assert_eq!(decided, decides, "only the wrong kind of outcome is told");
    }
}

#[test]
fn a_lost_driver_decides_nothing() {
    let lost = json!({ "outcome": "lost", "reason": "deadline" });
    let judgement = JUDGE.judge(&case(&[], &json!([])), &record(&[lost], &[]), &driver());
    assert_eq!(judgement.verdict, Verdict::Indeterminate);
    assert!(judgement.decided.is_empty());
}

#[rstest]
#[case::own_fault("driver", 0, true)]
#[case::refused_and_sent("client", 1, true)]
#[case::refused("client", 0, false)]
fn a_fault_of_the_driver_is_never_held_against_the_sdk(#[case] phase: &str, #[case] sent: usize, #[case] fault: bool) {
    let record = record(&[with(error(), "/error/phase", json!(phase))], &vec![request(); sent]);
    let judgement = JUDGE.judge(&case(&[], &json!([])), &record, &driver());
    assert_eq!(judgement.verdict == Verdict::HarnessError, fault, "{:?}", judgement.reason);
}

#[test]
fn what_an_sdk_says_cannot_steer_a_terminal() {
    let outcome = with(error(), "/error/message", json!("\u{1b}[31m\u{202e}"));
    let case = case(&["GC-CERR-04"], &json!([{ "requirement": "GC-CERR-04", "error": { "message": "boom" } }]));
    let judgement = JUDGE.judge(&case, &record(&[outcome], &[request()]), &driver());
    assert_eq!(FaultText::of(&judgement.violations[0]).actual, "\\u{1b}[31m\\u{202e}");
}
