//! What the diff says of two small runs that differ in one thing.

#[cfg(feature = "cli")]
use pulldown_cmark::{Event as Mark, Options, Parser};
use rstest::rstest;
use serde_json::{Value as Json, json};

use super::*;
use crate::report::Event;
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
        "changes": [], "groups": [], "cases": 2, "cases_changed": 0, "alarms": [],
        "counts": {"caller": 0, "attempts": 0, "wire": 0, "bytes": 0, "agent": 0, "timing": 0},
    });
    assert_eq!(serde_json::from_str::<Json>(&diff.json()).expect("JSON"), expected);
    assert!(ChangeClass::ALL.into_iter().all(|class| !diff.has(class)));
    assert_eq!(diff.text(), "boto3 1.44.5 -> 1.44.5\n\nNo changes in 2 cases.");
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
    assert_eq!(change_lines(&diff), ["caller result member other: undefined -> absent"]);
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
        [(ChangeClass::Caller, "outcome"), (ChangeClass::Attempts, "attempts"), (ChangeClass::Wire, "request")]
    );
    assert_eq!(diff.groups[2].what, "request none -> {customDomainName}");
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
    let (inside, outside): (Vec<&str>, Vec<&str>) =
        html.split("href=").skip(1).partition(|link| link.starts_with("\"#"));
    assert!(!inside.is_empty() && outside.is_empty(), "a mark leads to its changes, and nothing out of the page");
    for link in inside {
        let anchor = link[2..].split('"').next().expect("an end");
        assert!(html.contains(&format!(" id=\"{anchor}\"")), "{anchor}");
    }
    assert!(html.contains("default-src 'none'") && html.contains("prefers-color-scheme: dark"));
}
