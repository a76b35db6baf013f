//! What the diff says of two small runs that differ in one thing.

mod sample;

#[cfg(feature = "cli")]
use pulldown_cmark::{Event as Mark, Options, Parser};
use rstest::rstest;
use serde_json::{Value as Json, json};

use super::*;
use sample::{error, failure, record, request, result, run, success};

fn diff(old: &Json, new: &Json) -> SdkDiff {
    SdkDiff::new(&run(&[("suite/case", old.clone())]), &run(&[("suite/case", new.clone())]))
        .expect("two runs of one case")
}

/// A record in which something is put at a place.
fn with(mut record: Json, pointer: &str, value: Json) -> Json {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let parent = record.pointer_mut(parent).expect("the place is there");
    match parent.as_object_mut() {
        Some(members) if value == json!("(absent)") => drop(members.remove(name)),
        _ => parent[name] = value,
    }
    record
}

/// The changes as class, what, old and new.
fn told(diff: &SdkDiff) -> Vec<(Class, &str, &str, &str)> {
    diff.changes.iter().map(|c| (c.class, c.what.as_str(), c.old.as_str(), c.new.as_str())).collect()
}

#[test]
fn equal_runs_give_an_empty_diff() {
    let records = [("a/one", success()), ("a/two", failure(3)), ("a/three", Json::Null)];
    let diff = SdkDiff::new(&run(&records), &run(&records)).expect("the same runs");
    let expected = json!({
        "changes": [], "groups": [], "cases": 2, "cases_changed": 0, "alarms": [],
        "counts": {"caller": 0, "attempts": 0, "wire": 0, "bytes": 0, "agent": 0, "timing": 0},
    });
    assert_eq!(serde_json::from_str::<Json>(&diff.json()).expect("JSON"), expected);
    assert!(Class::ALL.into_iter().all(|class| !diff.has(class)));
    assert_eq!(diff.text(), "boto3 1.44.5 -> 1.44.5\n\nNo changes in 2 cases.");
}

#[rstest]
#[case::user_agent_versions(
    "/requests/0/headers/user-agent",
    "Boto3/1.44.6 md/Botocore#1.44.6 ua/2.1 m/Z,E cfg/retry-mode#standard"
)]
#[case::authorization("/requests/0/headers/authorization", "AWS4-HMAC-SHA256 Credential=***")]
fn what_says_nothing_about_the_sdk_is_no_change(#[case] pointer: &str, #[case] value: &str) {
    assert_eq!(told(&diff(&success(), &with(success(), pointer, json!(value)))), []);
}

#[rstest]
#[case::value("/outcomes/0/result/dbUser", json!({"string": "alice"}), "result member dbUser", "\"IAM:alice\"", "\"alice\"")]
#[case::lost("/outcomes/0/result/dbUser", json!("(absent)"), "result member dbUser", "\"IAM:alice\"", "absent")]
#[case::new("/outcomes/0/result/other", json!({"integer": "5"}), "result member other", "absent", "5")]
#[case::kind("/outcomes/0/result/dbUser", json!({"integer": "5", "native": "int"}), "result member dbUser type", "string: \"IAM:alice\"", "integer, int: 5")]
#[case::naive("/outcomes/0/result/expiration/native", json!("datetime[naive]"), "result member expiration type",
    "timestamp, datetime[+00:00]: 1700000000", "timestamp, datetime[naive]: 1700000000")]
#[case::an_hour_off("/outcomes/0/result/expiration/timestamp", json!("1700003600"), "result member expiration",
    "1700000000 (timestamp, datetime[+00:00])", "1700003600 (timestamp, datetime[+00:00])")]
#[case::truncated("/outcomes/0/result/dbPassword", json!({"string": "***", "equals": "beginning", "characters": 8}), "result member dbPassword",
    "as it was sent", "the beginning of what was sent, 8 characters")]
#[case::request_id("/outcomes/0/meta/request_id", json!(null), "request id", "\"rid-1\"", "absent")]
#[case::status("/outcomes/0/meta/http_status", json!(201), "status", "200", "201")]
fn another_result_is_a_change_for_the_caller(
    #[case] pointer: &str,
    #[case] value: Json,
    #[case] what: &str,
    #[case] old: &str,
    #[case] new: &str,
) {
    let diff = diff(&success(), &with(success(), pointer, value));
    assert_eq!(told(&diff), [(Class::Caller, what, old, new)]);
    assert_eq!((diff.cases_changed, diff.counts[&Class::Caller], diff.has(Class::Caller)), (1, 1, true));
}

#[rstest]
#[case::class("/outcomes/0/error/class", json!("ClientError"), "error class", "ValidationException", "ClientError")]
#[case::code("/outcomes/0/error/code", json!("Unknown"), "error code", "\"ValidationException\"", "\"Unknown\"")]
#[case::message("/outcomes/0/error/message", json!(""), "error message", "\"boom\"", "\"\"")]
#[case::no_message("/outcomes/0/error/message", json!(null), "error message", "\"boom\"", "absent")]
#[case::kind("/outcomes/0/error/phase", json!("parse"), "error kind", "service", "parse")]
#[case::bases("/outcomes/0/error/bases", json!(["Exception"]), "error base classes", "[ClientError, Exception]", "[Exception]")]
#[case::status("/outcomes/0/error/http_status", json!(null), "error status", "400", "absent")]
#[case::request_id("/outcomes/0/error/request_id", json!("rid-2"), "error request id", "\"rid-1\"", "\"rid-2\"")]
#[case::fault("/outcomes/0/error/fault", json!(null), "error fault", "\"client\"", "absent")]
#[case::member("/outcomes/0/error/members/resourceName", json!({"string": "wg-1"}), "error member resourceName", "absent", "\"wg-1\"")]
fn another_error_is_a_change_for_the_caller(
    #[case] pointer: &str,
    #[case] value: Json,
    #[case] what: &str,
    #[case] old: &str,
    #[case] new: &str,
) {
    assert_eq!(told(&diff(&failure(1), &with(failure(1), pointer, value))), [(Class::Caller, what, old, new)]);
}

#[test]
fn when_a_reset_was_noticed_is_no_change() {
    let reset = |message: &str, phase: &str| {
        let record = with(failure(1), "/outcomes/0/error/phase", json!(phase));
        with(record, "/outcomes/0/error/message", json!(message))
    };
    assert_eq!(told(&diff(&reset("socket hang up", "transport"), &reset("read ECONNRESET", "transport"))), []);
    assert_eq!(told(&diff(&reset("socket hang up", "service"), &reset("read ECONNRESET", "service"))).len(), 1);
}

#[test]
fn what_becomes_of_a_connection_that_is_reset_unread_is_no_change() {
    let reset = |class: &str, phase: &str, requests: &[Json]| {
        let record = with(record(&[error()], requests), "/outcomes/0/error/phase", json!(phase));
        with(with(record, "/outcomes/0/error/class", json!(class)), "/attempts", json!(1))
    };
    let (refused, closed) = (("EndpointConnectionError", "connect"), ("ConnectionClosedError", "transport"));
    assert_eq!(told(&diff(&reset(refused.0, refused.1, &[]), &reset(closed.0, closed.1, &[]))), []);
    // With a request read, it is the SDK that makes the difference; so it is where nothing arrived.
    let read = diff(&reset(refused.0, refused.1, &[request(1)]), &reset(closed.0, closed.1, &[request(1)]));
    assert_eq!((read.changes[0].class, read.changes[0].what.as_str(), read.changes.len()), (Class::Caller, "error", 1));
}

#[test]
fn another_kind_of_error_altogether_is_told_once() {
    let parsed = with(
        failure(1),
        "/outcomes/0/error",
        json!({
            "phase": "crash", "class": "TypeError", "bases": [], "code": null, "message": "no", "http_status": null,
            "request_id": null, "fault": null, "members": {},
        }),
    );
    let diff = diff(&failure(1), &parsed);
    assert_eq!(
        told(&diff),
        [(Class::Caller, "error", "error ValidationException: \"boom\"", "error TypeError: \"no\"")]
    );
    assert_eq!(diff.groups[0].what, "error ValidationException -> TypeError");
}

#[test]
fn a_result_that_is_empty_now_is_told_once() {
    let diff = diff(&success(), &with(success(), "/outcomes/0/result", json!({})));
    assert_eq!(
        (diff.groups[0].what.as_str(), diff.changes[0].new.as_str(), diff.changes.len()),
        ("result emptied", "empty", 1)
    );
}

#[test]
fn a_member_without_value_that_is_no_key_any_more_still_reads_the_same() {
    let old = with(success(), "/outcomes/0/result/other", json!({"undefined": true}));
    let diff = diff(&old, &success());
    assert_eq!(told(&diff), [(Class::Caller, "result member other", "undefined", "absent")]);
    assert!(diff.changes[0].meaning.contains("gives undefined as before"), "{}", diff.changes[0].meaning);
}

#[rstest]
#[case::words_added("/outcomes/0/error/message", "boom: look inside", "error message with \": look inside\" added")]
#[case::status_code("/outcomes/0/error/code", "400", "error code \"ValidationException\" -> the status code")]
fn texts_that_differ_in_the_same_way_are_one_group(#[case] pointer: &str, #[case] text: &str, #[case] group: &str) {
    assert_eq!(diff(&failure(1), &with(failure(1), pointer, json!(text))).groups[0].what, group);
}

#[test]
fn a_host_without_port_is_told_once_and_without_alarm() {
    let diff = diff(&success(), &with(success(), "/requests/0/headers/host", json!("127.0.0.1")));
    assert_eq!(told(&diff), [(Class::Wire, "header host", "\"127.0.0.1:<port>\"", "\"127.0.0.1\"")]);
    assert_eq!((diff.changes[0].case.as_str(), diff.alarms.len(), diff.cases_changed), (EVERY_CASE, 0, 0));
}

#[test]
fn an_error_that_turns_into_an_empty_success_is_told_as_silent() {
    let empty = json!({"outcome": "result", "result": {}, "meta": {}});
    let diff = diff(&failure(1), &record(&[empty], &[request(1)]));
    assert_eq!(told(&diff), [(Class::Caller, "outcome", "error ValidationException: \"boom\"", "an empty result")]);
    assert!(diff.changes[0].meaning.contains("silent success without a password"), "{}", diff.changes[0].meaning);
    assert_eq!(diff.groups[0].what, "outcome error ValidationException -> an empty result");
}

#[test]
fn a_call_that_no_longer_comes_back_is_a_change_for_the_caller() {
    let lost = record(&[json!({"outcome": "lost", "reason": "deadline"})], &[request(1)]);
    assert_eq!(told(&diff(&failure(1), &lost))[0].3, "no answer in time");
}

#[test]
fn fewer_attempts_are_one_change_of_that_class() {
    let diff = diff(&failure(5), &failure(3));
    assert_eq!(told(&diff), [(Class::Attempts, "attempts", "5", "3")]);
    assert_eq!(
        diff.groups,
        [Group { class: Class::Attempts, what: "attempts 5 -> 3".to_owned(), cases: vec!["suite/case".to_owned()] }]
    );
    assert!(!diff.has(Class::Caller) && diff.has(Class::Attempts) && diff.has(Class::Timing));
    assert!(diff.changes[0].meaning.contains("gives up after 3 requests instead of 5"), "{}", diff.changes[0].meaning);
}

#[test]
fn attempts_are_compared_call_by_call() {
    let calls = |second: usize| {
        let mut requests = vec![request(1)];
        requests.extend((1..=second).map(|attempt| with(request(attempt), "/call", json!(2))));
        record(&[error(), error()], &requests)
    };
    assert_eq!(told(&diff(&calls(5), &calls(1))), [(Class::Attempts, "attempts", "1, 5", "1, 1")]);
}

#[test]
fn a_request_that_was_refused_before_shows_with_its_members() {
    let body =
        json!({"text": "{\"customDomainName\":\"db.example.com\"}", "json": {"customDomainName": "db.example.com"}});
    let sent = record(&[result()], &[with(request(1), "/body", body)]);
    let refused = record(&[error()], &[]);
    let diff = diff(&refused, &sent);
    let classes: Vec<_> = diff.changes.iter().map(|change| (change.class, change.what.as_str())).collect();
    assert_eq!(classes, [(Class::Caller, "outcome"), (Class::Attempts, "attempts"), (Class::Wire, "request")]);
    assert_eq!(diff.groups[2].what, "request none -> {customDomainName}");
    assert_eq!(diff.cases_changed, 1);
}

#[rstest]
#[case::line("/requests/0/line", json!("POST /x HTTP/1.1"), "request line", "POST / HTTP/1.1", "POST /x HTTP/1.1")]
#[case::decoy("/requests/0/server", json!("decoy"), "server", "the endpoint asked for", "another endpoint")]
#[case::region("/requests/0/scope", json!("eu-west-1/redshift-serverless"), "signed for",
    "\"us-east-1/redshift-serverless\"", "\"eu-west-1/redshift-serverless\"")]
#[case::wrong_signature("/requests/0/signature", json!({"wrong": "another key"}), "signature", "valid", "wrong: another key")]
#[case::no_longer_signed("/requests/0/signed_headers", json!(["host", "x-amz-date", "x-amz-target"]), "signed headers",
    "content-type", "nothing else")]
#[case::operation("/requests/0/headers/x-amz-target", json!("RedshiftServerless.Other"), "header x-amz-target",
    "\"RedshiftServerless.GetCredentials\"", "\"RedshiftServerless.Other\"")]
#[case::signed_header("/requests/0/headers/host", json!("localhost"), "header host", "\"127.0.0.1:<port>\"", "\"localhost\"")]
#[case::member_lost("/requests/0/body", json!({"text": "{}", "json": {}}), "body member workgroupName", "\"wg-1\"", "absent")]
#[case::member_retyped("/requests/0/body", json!({"text": "{\"workgroupName\": 5}", "json": {"workgroupName": 5}}),
    "body member workgroupName", "\"wg-1\"", "5")]
#[case::null_member("/requests/0/body", json!({"text": "{\"workgroupName\": \"wg-1\", \"dbName\": null}", "json": {"workgroupName": "wg-1", "dbName": null}}),
    "body member dbName", "absent", "null")]
#[case::no_json("/requests/0/body", json!({"text": "x"}), "body", "\"{\\\"workgroupName\\\": \\\"wg-1\\\"}\"", "\"x\"")]
fn another_request_is_a_change_on_the_wire(
    #[case] pointer: &str,
    #[case] value: Json,
    #[case] what: &str,
    #[case] old: &str,
    #[case] new: &str,
) {
    let diff = diff(&success(), &with(success(), pointer, value));
    assert_eq!(told(&diff), [(Class::Wire, what, old, new)]);
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
    assert_eq!(told(&diff(&success(), &unsigned)), [(Class::Wire, "signature", "valid", "missing")]);
}

#[test]
fn a_lost_session_token_is_told_as_the_header_that_is_gone() {
    let with_token = with(success(), "/requests/0/headers/x-amz-security-token", json!("<session-token>"));
    let signed = json!(["content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"]);
    let with_token = with(with_token, "/requests/0/signed_headers", signed);
    let expected = (Class::Wire, "header x-amz-security-token", "\"<session-token>\"", "absent");
    assert_eq!(told(&diff(&with_token, &success())), [expected]);
}

#[rstest]
#[case::blanks(r#"{"workgroupName":"wg-1"}"#, "body bytes: blanks")]
#[case::escapes(r#"{"workgroupName": "wg\u002d1"}"#, "body bytes: letters and numbers written otherwise")]
fn the_same_json_in_other_bytes_is_a_class_of_its_own(#[case] text: &str, #[case] group: &str) {
    let diff = diff(&success(), &with(success(), "/requests/0/body/text", json!(text)));
    assert_eq!((diff.changes[0].class, diff.changes[0].new.as_str()), (Class::Bytes, text));
    assert_eq!((diff.groups[0].what.as_str(), diff.cases_changed), (group, 0));
}

#[rstest]
#[case::word("user-agent", json!("Boto3/<version> md/Botocore#<version> ua/2.1 m/E,Z cfg/retry-mode#legacy"), "User-Agent",
    "cfg/retry-mode#standard", "cfg/retry-mode#legacy")]
#[case::announced_maximum("amz-sdk-request", json!("attempt=1"), "header amz-sdk-request", "\"attempt=<n>; max=3\"", "\"attempt=<n>\"")]
#[case::unsigned_header("accept", json!("*/*"), "header accept", "absent", "\"*/*\"")]
fn what_the_sdk_tells_about_itself_is_a_class_of_its_own(
    #[case] name: &str,
    #[case] value: Json,
    #[case] what: &str,
    #[case] old: &str,
    #[case] new: &str,
) {
    let diff = diff(&success(), &with(success(), &format!("/requests/0/headers/{name}"), value));
    assert_eq!(told(&diff), [(Class::Agent, what, old, new)]);
    assert_eq!(diff.cases_changed, 0);
}

#[test]
fn the_same_change_in_every_attempt_is_told_once() {
    let mut changed = failure(3);
    for request in changed["requests"].as_array_mut().expect("a list") {
        request["line"] = json!("POST /x HTTP/1.1");
        let attempt = request["attempt"].clone();
        request["headers"]["amz-sdk-request"] = json!(format!("attempt={attempt}"));
    }
    let classes: Vec<_> = diff(&failure(3), &changed).changes.iter().map(|change| change.class).collect();
    assert_eq!(classes, [Class::Wire, Class::Agent]);
}

#[rstest]
#[case::target("x-amz-target", "RedshiftArcadiaCoralService.GetCredentials", "RedshiftArcadiaCoralService")]
#[case::protocol("content-type", "application/cbor", "application/cbor")]
fn what_is_another_in_every_request_is_one_alarm(#[case] name: &str, #[case] value: &str, #[case] named: &str) {
    let cases: Vec<_> = (0..100).map(|index| (format!("suite/{index}"), success())).collect();
    let old: Vec<_> = cases.iter().map(|(id, record)| (id.as_str(), record.clone())).collect();
    let changed = |record: &Json| with(record.clone(), &format!("/requests/0/headers/{name}"), json!(value));
    let new: Vec<_> = cases.iter().map(|(id, record)| (id.as_str(), changed(record))).collect();
    let diff = SdkDiff::new(&run(&old), &run(&new)).expect("runs of the same cases");
    assert_eq!(diff.alarms.len(), 1, "{:?}", diff.alarms);
    assert!(
        diff.alarms[0].contains(named) && diff.alarms[0].contains("in every request of 100 cases"),
        "{}",
        diff.alarms[0]
    );
    let changes: Vec<_> = diff.changes.iter().map(|change| (change.class, change.case.as_str())).collect();
    assert_eq!(changes, [(Class::Wire, EVERY_CASE)]);
    assert_eq!(diff.cases_changed, 0);
    assert!(diff.has(Class::Wire) && !diff.has(Class::Attempts));
    assert!(diff.text().contains("\nALARM: "), "{}", diff.text());
}

#[test]
fn another_protocol_hides_no_other_fault() {
    let other = with(success(), "/requests/0/headers/content-type", json!("application/x-amz-json-1.0"));
    let other = with(other, "/requests/0/scope", json!("eu-west-1/redshift-serverless"));
    let other = with(other, "/requests/0/body", json!({"text": "{}", "json": {}}));
    let diff = diff(&success(), &other);
    let what: Vec<_> = diff.changes.iter().map(|change| change.what.as_str()).collect();
    assert_eq!(what, ["signed for", "body member workgroupName", "protocol"]);
}

#[test]
fn the_same_change_in_several_cases_is_one_group_the_largest_first() {
    let ids = ["a/1", "a/2", "a/3", "a/4"];
    let old: Vec<_> = ids.iter().map(|id| (*id, failure(5))).collect();
    let new: Vec<_> = ids.iter().zip([4, 3, 3, 5]).map(|(id, attempts)| (*id, failure(attempts))).collect();
    let diff = SdkDiff::new(&run(&old), &run(&new)).expect("runs of the same cases");
    let groups: Vec<_> = diff.groups.iter().map(|group| (group.what.as_str(), group.cases.join(" "))).collect();
    assert_eq!(groups, [("attempts 5 -> 3", "a/2 a/3".to_owned()), ("attempts 5 -> 4", "a/1".to_owned())]);
    assert_eq!((diff.cases, diff.cases_changed, diff.counts[&Class::Attempts]), (4, 3, 3));
    assert!(
        diff.text().contains("\n2 cases: attempts 5 -> 3.\n3 of 4 cases changed: attempts in 3."),
        "{}",
        diff.text()
    );
}

#[test]
fn cases_of_one_run_only_are_listed_apart() {
    let old = run(&[("a/both", success()), ("a/old", success()), ("a/later", Json::Null)]);
    let new = run(&[("a/both", success()), ("a/new", success()), ("a/later", success())]);
    let diff = SdkDiff::new(&old, &new).expect("one case is in both");
    assert_eq!((diff.changes.as_slice(), diff.cases), ([].as_slice(), 1));
    assert_eq!((diff.new.join(" "), diff.gone.join(" ")), ("a/new a/later".to_owned(), "a/old".to_owned()));
}

#[test]
fn a_fault_of_the_driver_is_no_change_of_the_sdk() {
    let fault = with(failure(1), "/outcomes/0/error/phase", json!("driver"));
    let diff = diff(&success(), &fault);
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
    for forbidden in ["<script", "src=", "href=", "url(", "@import"] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    assert!(html.contains("default-src 'none'") && html.contains("prefers-color-scheme: dark"));
}
