//! What the diff says of two small runs that differ in one thing.

#[cfg(feature = "cli")]
use pulldown_cmark::{Event as Mark, Options, Parser};
use rstest::rstest;
use serde_json::{Value as Json, json};

use super::*;
use crate::report::Event;
use crate::sdk::record::{Gap, GapClass, Timing};
use crate::sdk::tests::samples::{error, failure, record, request, result, run, success, with};

/// Compares two runs of the same cases.
fn diff_of(old: &[(&str, Json)], new: &[(&str, Json)]) -> SdkDiff {
    SdkDiff::new(&run(old), &run(new)).expect("runs with a case in common")
}

fn diff(old: Json, new: Json) -> SdkDiff {
    diff_of(&[("suite/case", old)], &[("suite/case", new)])
}

/// The changes as `class what: old -> new`.
fn change_lines(diff: &SdkDiff) -> Vec<String> {
    diff.changes.iter().map(|c| format!("{} {}: {} -> {}", c.class, c.what, c.old, c.new)).collect()
}

#[test]
fn equal_runs_give_an_empty_diff() {
    let records = [("a/one", success()), ("a/two", failure(3)), ("a/three", Json::Null)];
    let diff = diff_of(&records, &records);
    let expected = json!({
        "changes": [], "groups": [], "causes": [], "cases": 2, "cases_changed": 0, "alarms": [],
        "counts": {"caller": 0, "attempts": 0, "wire": 0, "bytes": 0, "warnings": 0, "agent": 0, "timing": 0},
    });
    assert_eq!(serde_json::from_str::<Json>(&diff.json()).expect("JSON"), expected);
    assert!(ChangeClass::ALL.into_iter().all(|class| !diff.has(class)));
    assert_eq!(diff.text(), "boto3 1.44.5 -> 1.44.5\n\nNo changes in 2 cases.");
}

#[rstest]
#[case::new(json!([]), json!(["a", "b"]), r#"warnings warnings: absent -> "a\nb""#)]
#[case::gone(json!(["a"]), json!([]), r#"warnings warnings: "a" -> absent"#)]
#[case::other(json!(["a", "same"]), json!(["same", "b"]), r#"warnings warnings: "a" -> "b""#)]
fn what_an_sdk_warns_of_is_a_change_of_a_low_class(#[case] old: Json, #[case] new: Json, #[case] expected: &str) {
    let [old, new] = [old, new].map(|lines| with(success(), "/warnings", lines));
    let diff = diff(old, new);
    assert_eq!(change_lines(&diff), [expected]);
    assert!(!diff.has(ChangeClass::Bytes) && diff.has(ChangeClass::Warnings));
    assert_eq!(diff.cases_changed, 0);
}

#[rstest]
#[case::more(1, 2, "tries more often: the error comes later")]
#[case::fewer(5, 3, "tries less often: the error comes sooner")]
fn attempts_that_only_the_sdk_can_count_are_told_by_it(#[case] was: u32, #[case] is: u32, #[case] meaning: &str) {
    let unreached = |attempts: u32| record(&[with(error(), "/meta/sdk_attempts", json!(attempts))], &[]);
    let diff = diff(unreached(was), unreached(is));
    let [change] = diff.changes.as_slice() else { panic!("{:?}", diff.changes) };
    assert_eq!((change.class, change.what.as_str()), (ChangeClass::Attempts, "attempts that the SDK tells"));
    assert!(change.meaning.contains(meaning), "{}", change.meaning);
}

#[test]
fn a_call_may_have_any_number_in_a_file() {
    let lines = change_lines(&diff(success(), with(success(), "/requests/0/call", json!(u64::MAX))));
    assert!(lines.iter().any(|line| line.starts_with("attempts attempts: 1 -> 0, 1")), "{lines:?}");
}

#[test]
fn a_tunnel_that_is_no_longer_asked_for_is_a_change_of_the_wire() {
    let tunnel = with(success(), "/tunnels", json!(["CONNECT 127.0.0.1:<port> HTTP/1.1"]));
    let expected = r#"wire tunnels: "CONNECT 127.0.0.1:<port> HTTP/1.1" -> absent"#;
    assert_eq!(change_lines(&diff(tunnel, success())), [expected]);
}

#[rstest]
#[case::user_agent_versions(
    "/requests/0/headers/user-agent",
    "Boto3/1.44.6 md/Botocore#1.44.6 ua/2.1 m/Z,E cfg/retry-mode#standard"
)]
#[case::authorization("/requests/0/headers/authorization", "AWS4-HMAC-SHA256 Credential=***")]
fn what_says_nothing_about_the_sdk_is_no_change(#[case] pointer: &str, #[case] value: &str) {
    assert_eq!(diff(success(), with(success(), pointer, json!(value))).changes, []);
}

#[rstest]
#[case::value("/outcomes/0/result/dbUser", json!({"string": "alice"}), r#"caller result member dbUser: "IAM:alice" -> "alice""#)]
#[case::lost("/outcomes/0/result/dbUser", json!("(absent)"), r#"caller result member dbUser: "IAM:alice" -> absent"#)]
#[case::new("/outcomes/0/result/other", json!({"integer": "5"}), "caller result member other: absent -> 5")]
#[case::kind("/outcomes/0/result/dbUser", json!({"integer": "5", "native": "int"}),
    r#"caller result member dbUser type: string: "IAM:alice" -> integer, int: 5"#)]
#[case::naive("/outcomes/0/result/expiration/native", json!("datetime[naive]"),
    "caller result member expiration type: timestamp, datetime[+00:00]: 1700000000 -> timestamp, datetime[naive]: 1700000000")]
#[case::an_hour_off("/outcomes/0/result/expiration/timestamp", json!("1700003600"),
    "caller result member expiration: 1700000000 (timestamp, datetime[+00:00]) -> 1700003600 (timestamp, datetime[+00:00])")]
#[case::truncated("/outcomes/0/result/dbPassword", json!({"string": "***", "equals": "beginning", "characters": 8}),
    "caller result member dbPassword: as it was sent -> the beginning of what was sent, 8 characters")]
#[case::request_id("/outcomes/0/meta/request_id", json!(null), r#"caller request id: "rid-1" -> absent"#)]
#[case::status("/outcomes/0/meta/http_status", json!(201), "caller status: 200 -> 201")]
#[case::line("/requests/0/line", json!("POST /x HTTP/1.1"), "wire request line: POST / HTTP/1.1 -> POST /x HTTP/1.1")]
#[case::decoy("/requests/0/server", json!("decoy"), "wire server: the endpoint asked for -> another endpoint")]
#[case::region("/requests/0/scope", json!("eu-west-1/redshift-serverless"),
    r#"wire signed for: "us-east-1/redshift-serverless" -> "eu-west-1/redshift-serverless""#)]
#[case::wrong_signature("/requests/0/signature", json!({"wrong": "another key"}), "wire signature: valid -> wrong: another key")]
#[case::no_longer_signed("/requests/0/signed_headers", json!(["host", "x-amz-date", "x-amz-target"]),
    "wire signed headers: content-type -> nothing else")]
#[case::operation("/requests/0/headers/x-amz-target", json!("RedshiftServerless.Other"),
    r#"wire header x-amz-target: "RedshiftServerless.GetCredentials" -> "RedshiftServerless.Other""#)]
#[case::signed_header("/requests/0/headers/host", json!("localhost"), r#"wire header host: "127.0.0.1:<port>" -> "localhost""#)]
#[case::member_lost("/requests/0/body", json!({"text": "{}", "json": {}}), r#"wire body member workgroupName: "wg-1" -> absent"#)]
#[case::member_retyped("/requests/0/body", json!({"text": "{\"workgroupName\": 5}", "json": {"workgroupName": 5}}),
    r#"wire body member workgroupName: "wg-1" -> 5"#)]
#[case::null_member("/requests/0/body", json!({"text": "{\"workgroupName\": \"wg-1\", \"dbName\": null}", "json": {"workgroupName": "wg-1", "dbName": null}}),
    "wire body member dbName: absent -> null")]
#[case::no_json("/requests/0/body", json!({"text": "x"}), r#"wire body: "{\"workgroupName\": \"wg-1\"}" -> "x""#)]
#[case::agent("/requests/0/headers/user-agent", json!("Boto3/<version> md/Botocore#<version> ua/2.1 m/E,Z cfg/retry-mode#legacy"),
    "agent User-Agent: cfg/retry-mode#standard -> cfg/retry-mode#legacy")]
#[case::announced_maximum("/requests/0/headers/amz-sdk-request", json!("attempt=1"),
    r#"agent header amz-sdk-request: "attempt=<n>; max=3" -> "attempt=<n>""#)]
#[case::unsigned_header("/requests/0/headers/accept", json!("*/*"), r#"agent header accept: absent -> "*/*""#)]
fn one_difference_of_a_success_is_one_change(#[case] pointer: &str, #[case] value: Json, #[case] expected: &str) {
    let diff = diff(success(), with(success(), pointer, value));
    assert_eq!(change_lines(&diff), [expected]);
    let class = diff.changes[0].class;
    assert_eq!(
        (diff.cases_changed, diff.counts[&class], diff.has(class)),
        (usize::from(class != ChangeClass::Agent), 1, true)
    );
}

#[rstest]
#[case::class("class", json!("ClientError"), "error class: ValidationException -> ClientError")]
#[case::code("code", json!("Unknown"), r#"error code: "ValidationException" -> "Unknown""#)]
#[case::message("message", json!(""), r#"error message: "boom" -> """#)]
#[case::no_message("message", json!(null), r#"error message: "boom" -> absent"#)]
#[case::kind("phase", json!("parse"), "error kind: service -> parse")]
#[case::bases("bases", json!(["Exception"]), "error base classes: [ClientError, Exception] -> [Exception]")]
#[case::status("http_status", json!(null), "error status: 400 -> absent")]
#[case::request_id("request_id", json!("rid-2"), r#"error request id: "rid-1" -> "rid-2""#)]
#[case::fault("fault", json!(null), r#"error fault: "client" -> absent"#)]
#[case::member("members/other", json!({"string": "wg-1"}), r#"error member other: absent -> "wg-1""#)]
fn another_error_is_a_change_for_the_caller(#[case] name: &str, #[case] value: Json, #[case] expected: &str) {
    let diff = diff(failure(1), with(failure(1), &format!("/outcomes/0/error/{name}"), value));
    assert_eq!(change_lines(&diff), [format!("caller {expected}")]);
}

#[test]
fn when_a_reset_was_noticed_is_no_change() {
    let reset = |message: &str, phase: &str| {
        let record = with(failure(1), "/outcomes/0/error/phase", json!(phase));
        with(record, "/outcomes/0/error/message", json!(message))
    };
    assert_eq!(diff(reset("socket hang up", "transport"), reset("read ECONNRESET", "transport")).changes, []);
    assert_eq!(diff(reset("socket hang up", "service"), reset("read ECONNRESET", "service")).changes.len(), 1);
}

#[test]
fn what_becomes_of_a_connection_that_is_reset_unread_is_no_change() {
    let reset = |class: &str, phase: &str, requests: &[Json]| {
        let record = with(record(&[error()], requests), "/outcomes/0/error/phase", json!(phase));
        with(with(record, "/outcomes/0/error/class", json!(class)), "/attempts", json!(1))
    };
    let refused = |requests: &[Json]| reset("EndpointConnectionError", "connect", requests);
    let closed = |requests: &[Json]| reset("ConnectionClosedError", "transport", requests);
    assert_eq!(diff(refused(&[]), closed(&[])).changes, []);
    // If a request was read, the difference comes from the SDK.
    let read = change_lines(&diff(refused(&[request(1)]), closed(&[request(1)])));
    assert!(read.len() == 1 && read[0].starts_with("caller error: "), "{read:?}");
}

#[test]
fn another_kind_of_error_altogether_is_told_once() {
    let crash = json!({ "phase": "crash", "class": "TypeError", "bases": [], "message": "no", "members": {} });
    let diff = diff(failure(1), with(failure(1), "/outcomes/0/error", crash));
    assert_eq!(change_lines(&diff), [r#"caller error: error ValidationException: "boom" -> error TypeError: "no""#]);
    assert_eq!(diff.groups[0].what, "error ValidationException -> TypeError");
}

#[test]
fn a_result_that_is_empty_now_is_told_once() {
    let diff = diff(success(), with(success(), "/outcomes/0/result", json!({})));
    let [SdkChange { group, new, .. }] = diff.changes.as_slice() else { panic!("{:?}", diff.changes) };
    assert_eq!((group.as_str(), new.as_str()), ("result emptied", "empty"));
}

#[test]
fn a_member_without_value_that_is_no_key_any_more_still_reads_the_same() {
    let old = with(success(), "/outcomes/0/result/other", json!({"undefined": true}));
    let diff = diff(old, success());
    let expected = ["caller result members without a value: other: undefined -> other: absent"];
    assert_eq!(change_lines(&diff), expected);
    assert!(diff.changes[0].meaning.contains("gives undefined as before"), "{}", diff.changes[0].meaning);
}

#[rstest]
#[case::words_added("/outcomes/0/error/message", "boom: look inside", "error message with \": look inside\" added")]
#[case::status_code("/outcomes/0/error/code", "400", "error code \"ValidationException\" -> the status code")]
fn texts_that_differ_in_the_same_way_are_one_group(#[case] pointer: &str, #[case] text: &str, #[case] group: &str) {
    assert_eq!(diff(failure(1), with(failure(1), pointer, json!(text))).groups[0].what, group);
}

#[test]
fn a_host_without_port_is_told_once_and_without_alarm() {
    let diff = diff(success(), with(success(), "/requests/0/headers/host", json!("127.0.0.1")));
    assert_eq!(change_lines(&diff), [r#"wire header host: "127.0.0.1:<port>" -> "127.0.0.1""#]);
    assert_eq!((diff.changes[0].case.as_str(), diff.alarms.len(), diff.cases_changed), (EVERY_CASE, 0, 0));
}

#[test]
fn an_error_that_turns_into_an_empty_success_is_told_as_silent() {
    let empty = json!({"outcome": "result", "result": {}, "meta": {}});
    let diff = diff(failure(1), record(&[empty], &[request(1)]));
    assert_eq!(change_lines(&diff), [r#"caller outcome: error ValidationException: "boom" -> an empty result"#]);
    assert!(diff.changes[0].meaning.contains("silent success without a password"), "{}", diff.changes[0].meaning);
    assert_eq!(diff.groups[0].what, "outcome error ValidationException -> an empty result");
}

#[test]
fn a_call_that_no_longer_comes_back_is_a_change_for_the_caller() {
    let lost = record(&[json!({"outcome": "lost", "reason": "deadline"})], &[request(1)]);
    assert_eq!(diff(failure(1), lost).changes[0].new, "no answer in time");
}

#[rstest]
#[case::slow_in_the_other(5300.0, 100.0, 0, 1)]
#[case::quick_in_the_other(600.0, 100.0, 1, 0)]
#[case::sent_again_just_before(600.0, 7900.0, 0, 1)]
fn a_call_that_a_busy_machine_may_have_delayed_is_not_compared(
    #[case] other_ms: f64,
    #[case] waited_ms: f64,
    #[case] changes: usize,
    #[case] late: usize,
) {
    let timed = |record: Json, ms: f64, waited_ms: f64| {
        let gap = Gap { call: 1, attempt: 2, class: GapClass::Long, ms: waited_ms, told_ms: None };
        let mut events = run(&[("suite/case", record)]);
        if let Some(Event::Case(case)) = events.get_mut(1) {
            let (gaps, calls_ms) = (vec![gap], vec![ms]);
            case.timing = Some(Box::new(Timing { gaps, calls_ms, connections: 1 }));
        }
        events
    };
    let lost = timed(record(&[json!({"outcome": "lost", "reason": "deadline"})], &[request(1)]), 8050.0, waited_ms);
    let came = timed(success(), other_ms, 50.0);
    for (old, new) in [(&lost, &came), (&came, &lost)] {
        let diff = SdkDiff::new(old, new).expect("a diff");
        assert_eq!((diff.changes.len(), diff.late.len(), diff.not_compared.len()), (changes, late, 0));
    }
}

#[test]
fn fewer_attempts_are_one_change_of_that_class() {
    let diff = diff(failure(5), failure(3));
    assert_eq!(change_lines(&diff), ["attempts attempts: 5 -> 3"]);
    let [ChangeGroup { class: ChangeClass::Attempts, what, cases }] = diff.groups.as_slice() else {
        panic!("{:?}", diff.groups)
    };
    assert_eq!((what.as_str(), cases.join(" ")), ("attempts 5 -> 3", "suite/case".to_owned()));
    assert!(!diff.has(ChangeClass::Caller) && diff.has(ChangeClass::Attempts) && diff.has(ChangeClass::Timing));
    assert!(diff.changes[0].meaning.contains("gives up after 3 requests instead of 5"), "{}", diff.changes[0].meaning);
}

#[test]
fn attempts_are_compared_call_by_call() {
    let calls = |second: usize| {
        let mut requests = vec![request(1)];
        requests.extend((1..=second).map(|attempt| with(request(attempt), "/call", json!(2))));
        record(&[error(), error()], &requests)
    };
    assert_eq!(change_lines(&diff(calls(5), calls(1))), ["attempts attempts: 1, 5 -> 1, 1"]);
}

#[test]
fn a_request_that_was_refused_before_shows_with_its_members() {
    let body =
        json!({"text": "{\"customDomainName\":\"db.example.com\"}", "json": {"customDomainName": "db.example.com"}});
    let sent = record(&[result()], &[with(request(1), "/body", body)]);
    let diff = diff(record(&[error()], &[]), sent);
    let classes: Vec<_> = diff.changes.iter().map(|change| (change.class, change.what.as_str())).collect();
    assert_eq!(
        classes,
        [(ChangeClass::Caller, "outcome"), (ChangeClass::Attempts, "attempts"), (ChangeClass::Wire, "requests")]
    );
    assert_eq!(diff.groups[2].what, "the SDK no longer refuses a request with {customDomainName}");
    assert_eq!(diff.cases_changed, 1);
}

#[test]
fn a_request_without_signature_is_told_once() {
    let mut unsigned = success();
    let request = &mut unsigned["requests"][0];
    for name in ["authorization", "x-amz-date"] {
        request["headers"].as_object_mut().expect("an object").remove(name);
    }
    request["signature"] = json!("missing");
    request["signed_headers"] = json!([]);
    request["scope"] = json!(null);
    assert_eq!(change_lines(&diff(success(), unsigned)), ["wire signature: valid -> missing"]);
}

#[test]
fn a_lost_session_token_is_told_as_the_header_that_is_gone() {
    let with_token = with(success(), "/requests/0/headers/x-amz-security-token", json!("<session-token>"));
    let signed = json!(["content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"]);
    let with_token = with(with_token, "/requests/0/signed_headers", signed);
    let expected = r#"wire header x-amz-security-token: "<session-token>" -> absent"#;
    assert_eq!(change_lines(&diff(with_token, success())), [expected]);
}

#[rstest]
#[case::blanks(r#"{"workgroupName":"wg-1"}"#, "body bytes: blanks")]
#[case::escapes(r#"{"workgroupName": "wg\u002d1"}"#, "body bytes: letters and numbers written otherwise")]
fn the_same_json_in_other_bytes_is_a_class_of_its_own(#[case] text: &str, #[case] group: &str) {
    let diff = diff(success(), with(success(), "/requests/0/body/text", json!(text)));
    assert_eq!((diff.changes[0].class, diff.changes[0].new.as_str()), (ChangeClass::Bytes, text));
    assert_eq!((diff.groups[0].what.as_str(), diff.cases_changed), (group, 0));
}

#[test]
fn the_same_change_in_every_attempt_is_told_once() {
    let mut changed = failure(3);
    for request in changed["requests"].as_array_mut().expect("a list") {
        request["line"] = json!("POST /x HTTP/1.1");
        let attempt = request["attempt"].clone();
        request["headers"]["amz-sdk-request"] = json!(format!("attempt={attempt}"));
    }
    let classes: Vec<_> = diff(failure(3), changed).changes.iter().map(|change| change.class).collect();
    assert_eq!(classes, [ChangeClass::Wire, ChangeClass::Agent]);
}

#[rstest]
#[case::target("x-amz-target", "RedshiftArcadiaCoralService.GetCredentials", "RedshiftArcadiaCoralService")]
#[case::protocol("content-type", "application/cbor", "application/cbor")]
fn what_is_another_in_every_request_is_one_alarm(#[case] name: &str, #[case] value: &str, #[case] named: &str) {
    let ids: Vec<_> = (0..100).map(|index| format!("suite/{index}")).collect();
    let of_all = |record: &Json| ids.iter().map(|id| (id.as_str(), record.clone())).collect::<Vec<_>>();
    let old = of_all(&success());
    let new = of_all(&with(success(), &format!("/requests/0/headers/{name}"), json!(value)));
    let diff = diff_of(&old, &new);
    let [alarm] = diff.alarms.as_slice() else { panic!("{:?}", diff.alarms) };
    assert!(alarm.contains(named) && alarm.contains("in every request of 100 cases"), "{alarm}");
    let changes: Vec<_> = diff.changes.iter().map(|change| (change.class, change.case.as_str())).collect();
    assert_eq!(changes, [(ChangeClass::Wire, EVERY_CASE)]);
    assert_eq!(diff.cases_changed, 0);
    assert!(diff.has(ChangeClass::Wire) && !diff.has(ChangeClass::Attempts));
    assert!(diff.text().contains("\nALARM: "), "{}", diff.text());
}

#[test]
fn another_protocol_hides_no_other_fault() {
    let other = with(success(), "/requests/0/headers/content-type", json!("application/x-amz-json-1.0"));
    let other = with(other, "/requests/0/scope", json!("eu-west-1/redshift-serverless"));
    let other = with(other, "/requests/0/body", json!({"text": "{}", "json": {}}));
    let diff = diff(success(), other);
    let what: Vec<_> = diff.changes.iter().map(|change| change.what.as_str()).collect();
    assert_eq!(what, ["signed for", "body member workgroupName", "protocol"]);
}

#[test]
fn the_same_change_in_several_cases_is_one_group_the_largest_first() {
    let ids = ["a/1", "a/2", "a/3", "a/4"];
    let old: Vec<_> = ids.iter().map(|id| (*id, failure(5))).collect();
    let new: Vec<_> = ids.iter().zip([4, 3, 3, 5]).map(|(id, attempts)| (*id, failure(attempts))).collect();
    let diff = diff_of(&old, &new);
    let groups: Vec<_> = diff.groups.iter().map(|group| (group.what.as_str(), group.cases.join(" "))).collect();
    assert_eq!(groups, [("attempts 5 -> 3", "a/2 a/3".to_owned()), ("attempts 5 -> 4", "a/1".to_owned())]);
    assert_eq!((diff.cases, diff.cases_changed, diff.counts[&ChangeClass::Attempts]), (4, 3, 3));
    let text = diff.text();
    assert!(text.contains("\n2 cases: attempts 5 -> 3.\n3 of 4 cases changed: attempts in 3."), "{text}");
}

#[test]
fn cases_of_one_run_only_are_listed_apart() {
    let old = [("a/both", success()), ("a/old", success()), ("a/later", Json::Null)];
    let diff = diff_of(&old, &[("a/both", success()), ("a/new", success()), ("a/later", success())]);
    assert_eq!((diff.changes.as_slice(), diff.cases), ([].as_slice(), 1));
    assert_eq!((diff.new.join(" "), diff.gone.join(" ")), ("a/new a/later".to_owned(), "a/old".to_owned()));
}

#[test]
fn a_package_that_only_one_run_asks_for_is_no_other_version() {
    let with = |packages: &[(&str, &str)]| {
        let mut events = run(&[("suite/case", success())]);
        if let Some(Event::Run(run)) = events.first_mut()
            && let Some(driver) = run.driver.as_mut()
        {
            driver.deps = packages.iter().map(|(name, version)| ((*name).to_owned(), (*version).to_owned())).collect();
        }
        events
    };
    let old = with(&[("botocore", "1.43.127"), ("six", "1.17.0"), ("urllib3", "2.8.0")]);
    let new = with(&[("botocore", "1.44.5"), ("idna", "3.20"), ("urllib3", "2.8.0")]);
    let text = SdkDiff::new(&old, &new).expect("runs of the same case").text();
    let expected = "\
boto3 1.44.5 -> 1.44.5
resolved with it: botocore 1.43.127 -> 1.44.5
only the new one asks for: idna 3.20
only the old one asked for: six 1.17.0

No changes in 1 case.";
    assert_eq!(text, expected);
}

#[rstest]
#[case::nothing(success(), Some(ChangeClass::Timing), "passed: nothing changed")]
#[case::failed(failure(1), Some(ChangeClass::Caller), "failed: caller (1 case) changed; --update")]
#[case::worse(failure(1), Some(ChangeClass::Wire), "failed: caller (1 case) changed; --update")]
#[case::none(failure(1), None, "passed: caller (1 case) changed, and --fail-on is none")]
#[case::milder(
    with(success(), "/requests/0/headers/accept", json!("*/*")),
    Some(ChangeClass::Caller),
    "passed: agent (1 case) changed, which is milder than the class caller of --fail-on"
)]
#[case::broken(
    with(failure(1), "/outcomes/0/error/phase", json!("driver")),
    None,
    "failed: 1 case could not be compared, because a driver or the harness went wrong"
)]
fn the_conclusion_names_the_classes_that_failed(
    #[case] new: Json,
    #[case] fail_on: Option<ChangeClass>,
    #[case] conclusion: &str,
) {
    assert_eq!(diff(success(), new).conclusion(fail_on, "--update"), conclusion);
}

/// A result whose members are there and have no value, as JavaScript gives them.
fn nothing_given() -> Json {
    let names = ["dbPassword", "dbUser", "expiration", "nextRefreshTime"];
    let members: serde_json::Map<String, Json> =
        names.iter().map(|name| ((*name).to_owned(), json!({"undefined": true}))).collect();
    with(success(), "/outcomes/0/result", Json::Object(members))
}

#[test]
fn a_result_of_members_without_a_value_is_not_emptied_when_its_keys_go() {
    let diff = diff(nothing_given(), with(success(), "/outcomes/0/result", json!({})));
    let [SdkChange { group, meaning, .. }] = diff.changes.as_slice() else { panic!("{:?}", diff.changes) };
    assert_eq!(group, "result members without a value are no keys any more");
    assert!(meaning.contains("gives undefined as before"), "{meaning}");
}

#[test]
fn a_result_is_emptied_when_the_password_goes() {
    let empty = with(success(), "/outcomes/0/result", json!({}));
    assert!(diff(success(), empty.clone()).changes[0].meaning.ends_with("code goes on without a password."));
    let without = with(success(), "/outcomes/0/result/dbPassword", json!("(absent)"));
    assert!(diff(without, empty).changes[0].meaning.ends_with("code goes on without what it read."));
}

/// What becomes of a call, and after how many requests.
fn call(outcome: Json, attempts: usize) -> Json {
    record(&[outcome], &(1..=attempts).map(request).collect::<Vec<_>>())
}

#[rstest]
#[case::fails_sooner(call(error(), 5), call(error(), 3), "gives up after 3 requests instead of 5")]
#[case::fails_later(call(error(), 3), call(error(), 5), "a failing call takes longer")]
#[case::saved_by_trying_again(
    call(error(), 1),
    call(result(), 2),
    "comes to a result with 2 requests; it failed after 1 request"
)]
#[case::no_longer_saved(
    call(result(), 2),
    call(error(), 1),
    "gives up after 1 request; it came to a result with 2 requests"
)]
#[case::succeeds_later(
    call(result(), 1),
    call(result(), 2),
    "needs 2 requests instead of 1 to come to its result: it takes longer"
)]
#[case::succeeds_sooner(call(result(), 3), call(result(), 1), "needs 1 request instead of 3 to come to its result.")]
#[case::answer_taken(
    call(error(), 3),
    call(result(), 1),
    "comes to a result with 1 request; it failed after 3 requests"
)]
#[case::answer_not_taken(
    call(result(), 1),
    call(error(), 3),
    "3 requests of a call that fails; it came to a result with 1 request"
)]
fn what_a_number_of_requests_means_depends_on_what_the_call_comes_to(
    #[case] old: Json,
    #[case] new: Json,
    #[case] meaning: &str,
) {
    let diff = diff(old, new);
    let attempts = diff.changes.iter().find(|change| change.what == "attempts").expect("another number");
    assert!(attempts.meaning.contains(meaning), "{}", attempts.meaning);
}

#[rstest]
#[case::some_arrive(failure(1), "as many requests as before arrive")]
#[case::none_arrives(record(&[error()], &[]), "Where no request arrives, the SDK tries more often")]
fn requests_are_counted_only_where_some_can_arrive(#[case] old: Json, #[case] meaning: &str) {
    let diff = diff(old.clone(), with(old, "/outcomes/0/meta/sdk_attempts", json!(5)));
    let [change] = diff.changes.as_slice() else { panic!("{:?}", diff.changes) };
    assert_eq!((change.kind, change.meaning.contains(meaning)), (ChangeKind::CountedAttempts, true), "{change:?}");
}

/// A call that finds no connection to this host.
fn unconnected(host: &str) -> Json {
    let error = json!({ "phase": "connect", "class": "EndpointConnectionError", "bases": [], "members": {},
        "message": format!("Could not connect to the endpoint URL: \"https://{host}/\"") });
    with(record(&[self::error()], &[]), "/outcomes/0/error", error)
}

#[rstest]
#[case::aws("redshift-serverless.us-east-1.amazonaws.com", "requests go to AWS instead of your endpoint")]
#[case::dual_stack("redshift-serverless.us-east-1.api.aws", "requests go to AWS instead of your endpoint")]
#[case::anywhere("127.0.0.1:<port>", "requests no longer reach your endpoint")]
#[case::looks_like_it("amazonaws.com.example.org", "requests no longer reach your endpoint")]
fn a_lost_endpoint_is_one_cause_and_says_where_requests_go(#[case] host: &str, #[case] what: &str) {
    let ids = ["endpoints/a", "endpoints/b"];
    let old: Vec<_> = ids.iter().map(|id| (*id, success())).collect();
    let new: Vec<_> = ids.iter().map(|id| (*id, unconnected(host))).collect();
    let diff = diff_of(&old, &new);
    let [cause] = diff.causes.as_slice() else { panic!("{:?}", diff.causes) };
    assert_eq!((cause.what.as_str(), cause.kind, cause.class), (what, ChangeKind::Reach, ChangeClass::Caller));
    assert_eq!(cause.cases, ids);
    let follows: Vec<_> = cause.follows.iter().map(|group| group.class).collect();
    assert_eq!(follows, [ChangeClass::Caller, ChangeClass::Attempts]);
}

#[test]
fn an_endpoint_that_was_an_error_and_is_passed_over_has_the_same_cause_as_a_lost_one() {
    let refused = with(record(&[error()], &[]), "/outcomes/0/error/phase", json!("crash"));
    let aws = unconnected("redshift-serverless.us-east-1.amazonaws.com");
    let diff = diff_of(&[("a/x", success()), ("a/y", refused)], &[("a/x", aws.clone()), ("a/y", aws)]);
    let [cause] = diff.causes.as_slice() else { panic!("{:?}", diff.causes) };
    assert_eq!((cause.what.as_str(), cause.signs.len()), ("requests go to AWS instead of your endpoint", 2));
}

#[test]
fn another_mode_of_retries_is_the_cause_of_other_attempts_and_of_their_outcomes() {
    let agent = |record: Json, mode: &str| {
        let mut record = record;
        for request in record["requests"].as_array_mut().expect("a list") {
            request["headers"]["user-agent"] = json!(format!("Boto3/<version> cfg/retry-mode#{mode}"));
        }
        record
    };
    let old = [("r/a", failure(5)), ("r/b", failure(4)), ("r/c", call(result(), 4)), ("r/d", success())];
    let new = [("r/a", failure(3)), ("r/b", failure(2)), ("r/c", call(error(), 3)), ("r/d", success())];
    let diff = diff_of(&old.map(|(id, r)| (id, agent(r, "legacy"))), &new.map(|(id, r)| (id, agent(r, "standard"))));
    let [cause] = diff.causes.as_slice() else { panic!("{:?}", diff.causes) };
    assert_eq!((cause.what.as_str(), cause.class), ("retry mode legacy -> standard", ChangeClass::Caller));
    assert_eq!(cause.cases, ["r/a", "r/b", "r/c"]);
    let follows: Vec<_> = cause.follows.iter().map(|group| group.what.as_str()).collect();
    let expected =
        ["outcome a result -> error ValidationException", "attempts 5 -> 3", "attempts 4 -> 2", "attempts 4 -> 3"];
    assert_eq!(follows, expected);
}

#[test]
fn an_answer_that_is_taken_otherwise_is_the_cause_of_fewer_requests() {
    let diff = diff(call(error(), 3), call(result(), 1));
    let [cause] = diff.causes.as_slice() else { panic!("{:?}", diff.causes) };
    assert_eq!((cause.kind, cause.follows.len()), (ChangeKind::Outcome, 1));
    assert_eq!(cause.follows[0].what, "attempts 3 -> 1");
}

#[test]
fn what_an_error_carries_follows_from_its_class_and_classes_of_their_own_are_one_cause() {
    let own = |class: &str| {
        let record = with(failure(1), "/outcomes/0/error/class", json!(class));
        let record = with(record, "/outcomes/0/error/code", json!(class));
        with(record, "/outcomes/0/error/bases", json!(["ClientError", "Exception"]))
    };
    let shared = with(failure(1), "/outcomes/0/error/class", json!("ClientError"));
    let shared = with(shared, "/outcomes/0/error/code", json!("Unknown"));
    let old = [("e/1", shared.clone()), ("e/2", shared)];
    let diff = diff_of(&old, &[("e/1", own("ConflictException")), ("e/2", own("ThrottlingException"))]);
    let [cause] = diff.causes.as_slice() else { panic!("{:?}", diff.causes) };
    assert_eq!(cause.what, "error class ClientError -> a class of its own below it");
    assert_eq!((cause.signs.len(), cause.cases.len()), (2, 2));
    let [ChangeGroup { what, cases, .. }] = cause.follows.as_slice() else { panic!("{:?}", cause.follows) };
    assert_eq!((what.as_str(), cases.len()), ("another error code", 2));
}

#[test]
fn what_an_error_carries_follows_from_what_most_cases_show() {
    let more = |name: &str| with(failure(1), &format!("/outcomes/0/error/members/{name}"), json!({"string": "x"}));
    let both = with(more("__type"), "/outcomes/0/error/message", json!("bang"));
    let old = ["e/1", "e/2", "e/3"].map(|id| (id, failure(1)));
    let diff = diff_of(&old, &[("e/1", more("__type")), ("e/2", more("code")), ("e/3", both)]);
    let [cause] = diff.causes.as_slice() else { panic!("{:?}", diff.causes) };
    assert_eq!((cause.what.as_str(), cause.signs.len(), cause.cases.len()), ("error member given", 2, 3));
    assert_eq!(cause.follows[0].what, "another error message");
}

#[test]
fn what_breaks_off_and_is_no_error_of_the_connection_any_more_is_one_cause() {
    let closed = with(failure(1), "/outcomes/0/error/phase", json!("transport"));
    let closed = with(closed, "/outcomes/0/error/class", json!("ConnectionClosedError"));
    let old = ["r/1", "r/2"].map(|id| (id, closed.clone()));
    let diff = diff_of(&old, &[("r/1", success()), ("r/2", failure(1))]);
    let [cause] = diff.causes.as_slice() else { panic!("{:?}", diff.causes) };
    assert_eq!((cause.what.as_str(), cause.cases.len()), ("what breaks off is no longer ConnectionClosedError", 2));
}

#[test]
fn another_type_of_several_members_is_one_cause() {
    let text = json!({"string": "1700000000"});
    let times =
        with(success(), "/outcomes/0/result/nextRefreshTime", success()["outcomes"][0]["result"]["expiration"].clone());
    let texts = with(times.clone(), "/outcomes/0/result/expiration", text.clone());
    let diff = diff(times, with(texts, "/outcomes/0/result/nextRefreshTime", text));
    let [cause] = diff.causes.as_slice() else { panic!("{:?}", diff.causes) };
    assert_eq!(cause.what, "result member type timestamp, datetime[+00:00] -> string");
    assert_eq!(cause.signs.len(), 2);
}

#[test]
fn the_id_of_a_cause_depends_on_neither_its_cases_nor_the_rest() {
    let id = |diff: &SdkDiff| {
        diff.causes.iter().find(|cause| cause.kind == ChangeKind::Attempts).map(|cause| cause.id.clone())
    };
    let alone = diff_of(&[("a/x", failure(5))], &[("a/x", failure(3))]);
    let other = with(failure(5), "/outcomes/0/error/message", json!("bang"));
    let among = diff_of(&[("b/y", failure(5)), ("b/z", failure(5))], &[("b/y", failure(3)), ("b/z", other)]);
    assert_eq!((id(&alone).map(|id| id.len()), id(&alone)), (Some(8), id(&among)));
    assert_ne!(id(&alone), id(&diff_of(&[("a/x", failure(5))], &[("a/x", failure(4))])));
}

#[test]
fn the_package_that_alone_moved_brought_the_changes() {
    let of = |record: Json, packages: &[(&str, &str)]| {
        let mut events = run(&[("suite/case", record)]);
        if let Some(Event::Run(run)) = events.first_mut()
            && let Some(driver) = run.driver.as_mut()
        {
            driver.deps = packages.iter().map(|(name, version)| ((*name).to_owned(), (*version).to_owned())).collect();
        }
        events
    };
    let old = of(failure(5), &[("botocore", "1.39.6"), ("urllib3", "2.5.0")]);
    let one = SdkDiff::new(&old, &of(failure(3), &[("botocore", "1.39.9"), ("urllib3", "2.5.0")])).expect("a diff");
    let brought = "\nbrought by botocore 1.39.6 -> 1.39.9 (changelog: https://github.com/boto/botocore/blob/HEAD/CHANGELOG.rst)\n";
    assert!(one.text().contains(brought), "{}", one.text());
    let two = SdkDiff::new(&old, &of(failure(3), &[("botocore", "1.39.9"), ("urllib3", "2.6.0")])).expect("a diff");
    assert!(two.text().contains("\nmay be brought by botocore 1.39.6 -> 1.39.9 (changelog: "), "{}", two.text());
    let nothing = SdkDiff::new(&old, &of(failure(5), &[("botocore", "1.39.9")])).expect("a diff");
    assert!(!nothing.text().contains("brought"), "{}", nothing.text());
}

#[test]
fn a_text_names_a_few_cases_of_a_cause_and_the_whole_text_every_change() {
    let ids: Vec<_> = (0..9).map(|index| format!("r/{index}")).collect();
    let of = |attempts: usize| ids.iter().map(|id| (id.as_str(), failure(attempts))).collect::<Vec<_>>();
    let diff = diff_of(&of(5), &of(3));
    let text = diff.text();
    assert!(text.contains("r/0, r/1, r/2, and 6 more cases") && !text.contains("r/8"), "{text}");
    assert!(diff.text_with(DiffDetail::Full).contains("\n    r/8: attempts: 5 -> 3"));
}

#[test]
fn a_fault_of_the_driver_is_no_change_of_the_sdk() {
    let diff = diff(success(), with(failure(1), "/outcomes/0/error/phase", json!("driver")));
    assert_eq!(diff.changes, []);
    assert_eq!(diff.not_compared, ["suite/case: the driver went wrong in the new run"]);
}

#[test]
fn runs_that_cannot_be_compared_are_refused() {
    let (one, other) = (run(&[("a/x", success())]), run(&[("a/y", success())]));
    assert_eq!(SdkDiff::new(&one, &other), Err(SdkDiffError::NothingInCommon));
    let mut over_tls = one.clone();
    let Some(Event::Run(run)) = over_tls.first_mut() else { panic!("a run begins a stream") };
    run.driver.as_mut().expect("a driver").tls = true;
    assert_eq!(SdkDiff::new(&one, &over_tls), Err(SdkDiffError::OneOverTls("new")));
    assert!(SdkDiff::new(&over_tls, &over_tls).is_ok());
    let servers = crate::report::tests::sample::events();
    assert_eq!(SdkDiff::new(&servers, &one), Err(SdkDiffError::NotAnSdk("old")));
    assert_eq!(SdkDiff::new(&one, &servers), Err(SdkDiffError::NotAnSdk("new")));
}

/// A run in which every text that can come from outside is hostile.
fn hostile() -> SdkDiff {
    const TEXT: &str = "</td><script>alert(1)</script>\u{1b}[2J\u{202e}|`@octocat`\n::error::x\n##[error]y";
    let mut new = with(failure(1), "/outcomes/0/error/message", json!(TEXT));
    new["outcomes"][0]["error"]["class"] = json!(TEXT);
    new["outcomes"][0]["error"]["members"] = json!({ TEXT: {"string": TEXT} });
    new["requests"][0]["line"] = json!(TEXT);
    new["requests"][0]["headers"][TEXT] = json!(TEXT);
    new["requests"][0]["headers"]["x-amz-target"] = json!(format!("{TEXT}.GetCredentials"));
    new["requests"][0]["headers"]["user-agent"] = json!(TEXT);
    new["requests"][0]["body"] = json!({"text": TEXT});
    let (old, mut new) = (run(&[("a/<b>", failure(1))]), run(&[("a/<b>", new)]));
    if let Some(Event::Run(run)) = new.first_mut()
        && let Some(driver) = run.driver.as_mut()
    {
        driver.sdk_version = TEXT.to_owned();
        driver.deps = [(TEXT.to_owned(), TEXT.to_owned())].into();
    }
    SdkDiff::new(&old, &new).expect("runs of the same case")
}

#[test]
fn no_text_of_a_run_steers_a_terminal_or_a_log() {
    let diff = hostile();
    for text in [diff.text(), diff.markdown(), diff.json()] {
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
        assert!(text.lines().all(|line| !line.trim_start().starts_with("::") && !line.contains("##[")), "{text}");
    }
}

#[cfg(feature = "cli")]
#[test]
fn no_text_of_a_run_is_markup() {
    let diff = hostile();
    let html = diff.html();
    assert!(!html.contains("<script") && !html.contains("<b>") && !html.contains("##["), "{html}");
    assert!(html.contains("&lt;script&gt;"), "the texts are there");
    let options = Options::ENABLE_TABLES | Options::ENABLE_GFM;
    for event in Parser::new_ext(&diff.markdown(), options) {
        assert!(!matches!(event, Mark::Html(_) | Mark::InlineHtml(_)), "{event:?}");
        if let Mark::Text(text) = &event {
            assert!(!text.contains("@octocat"), "a mention outside of code: {text}");
        }
    }
}

#[cfg(feature = "cli")]
#[test]
fn the_page_has_no_script_and_loads_nothing() {
    let html = hostile().html();
    for forbidden in ["<script", "src=", "url(", "@import"] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    let (inside, outside) = links(&html);
    assert!(!inside.is_empty() && outside.is_empty(), "a mark leads to its changes, and nothing out of the page");
    for anchor in inside {
        assert!(html.contains(&format!(" id=\"{anchor}\"")), "{anchor}");
    }
    assert!(html.contains("default-src 'none'") && html.contains("prefers-color-scheme: dark"));
}

/// The anchors that a page links to, and the addresses that lead out of it.
#[cfg(feature = "cli")]
fn links(html: &str) -> (Vec<&str>, Vec<&str>) {
    let all = html.split("href=\"").skip(1).map(|link| link.split('"').next().expect("an end"));
    let (inside, outside): (Vec<&str>, Vec<&str>) = all.partition(|link| link.starts_with('#'));
    (inside.into_iter().map(|link| &link[1..]).collect(), outside)
}

#[cfg(feature = "cli")]
#[test]
fn the_page_tells_a_cause_once_and_folds_what_follows_and_each_case() {
    let ids: Vec<_> = (0..14).map(|index| format!("r/{index}")).collect();
    let all = |record: &dyn Fn(usize) -> Json| run_of(&ids, record);
    let outcome = |index: usize| if index == 13 { success() } else { failure(3) };
    let diff = SdkDiff::new(&all(&|_| failure(5)), &all(&outcome)).expect("a diff");
    let [fewer, result] = diff.causes.as_slice() else { panic!("{:?}", diff.causes) };
    let html = diff.html();
    // One article for each cause, with its id, its extent and its meaning.
    assert_eq!(html.matches("<article").count(), 2);
    for cause in [fewer, result] {
        let heading = format!("<code>{}</code> <small>id {}</small>", cause.what.replace('>', "&gt;"), cause.id);
        assert_eq!(html.matches(&heading).count(), 1, "{heading}: {html}");
        assert!(html.contains(&format!("<p>{}</p>", cause.meaning)), "{html}");
    }
    assert!(html.contains("<span class=\"extent\">13 cases</span>"), "{html}");
    // The case that gives a result now: what follows, and the old and the new value of each.
    for folded in ["<summary>with it: ", "<summary>old and new in each case</summary>"] {
        assert!(html.contains(folded), "{folded}: {html}");
    }
    // Every mark leads somewhere, also where all changes of its class follow from a cause of a worse one.
    let (marks, _) = links(&html);
    assert!(marks.len() >= 2 && marks.iter().all(|anchor| html.contains(&format!(" id=\"{anchor}\""))), "{marks:?}");
    assert!(ids.iter().all(|id| html.contains(&format!("<code>{id}</code>"))), "every case is named");
}

/// A run of these cases; each has the record of its number.
#[cfg(feature = "cli")]
fn run_of(ids: &[String], record: impl Fn(usize) -> Json) -> Vec<Event> {
    run(&ids.iter().enumerate().map(|(index, id)| (id.as_str(), record(index))).collect::<Vec<_>>())
}

#[cfg(feature = "cli")]
#[test]
fn the_page_links_to_the_changelog_of_the_package_that_brought_the_changes() {
    let of = |record: Json, deps: Json| {
        let mut events = run(&[("suite/case", record)]);
        if let Some(Event::Run(run)) = events.first_mut()
            && let Some(driver) = run.driver.as_mut()
        {
            driver.deps = serde_json::from_value(deps).expect("versions");
        }
        events
    };
    let page = |old: Json, new: Json| SdkDiff::new(&of(failure(5), old), &of(failure(3), new)).expect("a diff").html();
    let one = page(json!({"botocore": "1.39.6"}), json!({"botocore": "<1.39.9>"}));
    let log = "https://github.com/boto/botocore/blob/HEAD/CHANGELOG.rst";
    let sentence =
        format!("brought by <b>botocore</b> 1.39.6 -&gt; &lt;1.39.9&gt; (<a href=\"{log}\">changelog of botocore</a>)");
    assert!(one.contains(&sentence), "{one}");
    assert_eq!(links(&one).1, [log]);
    let names: Vec<String> = (0..6).map(|number| format!("@smithy/part-{number}")).collect();
    let deps = |version: &str| json!(names.iter().map(|name| (name, version)).collect::<BTreeMap<_, _>>());
    let many = page(deps("1.0.0"), deps("2.0.0"));
    assert!(many.contains("<summary>brought by one of 6 packages</summary>"), "{many}");
    assert_eq!(links(&many).1.len(), 6);
}

#[cfg(feature = "cli")]
#[test]
fn accepted_changes_are_folded_in_a_section_of_their_own() {
    let mut diff = diff(failure(3), failure(3));
    let accepted = |reason: &str, issue: &str| AcceptedChange {
        id: "01234567".to_owned(),
        change: "attempts 5 -> 3".to_owned(),
        cases: vec!["r/<1>".to_owned(), "r/2".to_owned()],
        reason: reason.to_owned(),
        issue: Some(issue.to_owned()),
        expires: Some("2027-01-31".to_owned()),
    };
    diff.accepted = vec![accepted("we <b>retry</b>", "https://example.org/7"), accepted("so", "javascript:alert(1)")];
    diff.unused = vec![UnusedEntry {
        id: "89abcdef".to_owned(),
        change: "<i>".to_owned(),
        cases: vec!["r/gone".to_owned()],
        reason: UnusedReason::Stale,
        expired: None,
    }];
    let html = diff.html();
    let reason = "we &lt;b&gt;retry&lt;/b&gt; (<a href=\"https://example.org/7\">https://example.org/7</a>), until 2027-01-31</p>";
    for text in [
        "<summary>2 accepted changes</summary>",
        "<span class=\"extent\">2 cases</span> <code>attempts 5 -&gt; 3</code> <small>id 01234567</small>",
        reason,
        "so (javascript:alert(1)), until 2027-01-31",
        "<code>r/&lt;1&gt;</code>",
        "Accepted, and not found",
        "<code>&lt;i&gt;</code> <small>id 89abcdef</small>",
        "take this out of the file",
        "<code>r/gone</code>",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
    assert_eq!(links(&html).1, ["https://example.org/7"]);
    assert!(diff.text().contains("so (javascript:alert(1)), until 2027-01-31"), "{}", diff.text());
}
