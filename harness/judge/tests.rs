//! The judge against the hand-written replies, without a network. A right reply breaks no requirement, and a wrong
//! reply breaks exactly those that it declares.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::Timestamp;
use rstest::rstest;

use super::*;
use crate::contract::{Fixtures, Service, Side};
use crate::corpus::{Corpus, Encoding, Reply, fill};
use crate::report::{FaultText, reason};
use crate::wire::{Headers, Request, Response, TransportFault};

struct Library {
    corpus: Corpus,
    judge: Judge,
}

static LIBRARY: LazyLock<Library> = LazyLock::new(|| {
    let contract = Arc::new(Contract::load(&Fixtures::Embedded).unwrap());
    let corpus = Corpus::load(&Fixtures::Embedded, &contract).unwrap();
    Library { corpus, judge: Judge::new(contract).unwrap() }
});

/// The exchange of a call that was answered with a reply after 0.1 s.
fn answered(call: &Call, reply: &Reply) -> Exchange {
    let body = call.request.input.to_json();
    let body = fill(&body, &Service::embedded().resources, |of| Ok::<_, Infallible>(of.sample())).unwrap().into_owned();
    let input: Value = serde_json::from_str(&body).unwrap();
    let duration = input["durationSeconds"].as_f64().unwrap_or(900.0);
    let sent_at: Timestamp = "2026-11-22T01:02:03Z".parse().unwrap();
    let answer = Response {
        status: reply.status,
        headers: reply.headers.iter().collect(),
        body: reply.body_at(sent_at.as_duration().as_secs_f64(), duration),
    };
    let elapsed = Duration::from_millis(100);
    let (method, target, received_at) = ("POST".to_owned(), "/".to_owned(), sent_at + elapsed);
    let request = Request { method, target, headers: Headers::new(), body: body.into() };
    Exchange { request, answer: Ok(answer), sent_at, received_at, elapsed, fault_before: None, cut_off: None }
}

/// The case with this id, and the exchange of its first call with a right answer.
fn credentials(case: &str) -> (&'static ExpandedCase, Exchange) {
    let corpus = &LIBRARY.corpus;
    let case = corpus.get(case).unwrap();
    (case, answered(&case.calls[0], &corpus.replies()["credentials"]))
}

/// The requirements that a judgement says are broken, warnings included.
fn violated_ids(judgement: &Judgement) -> BTreeSet<&str> {
    judgement.violations.iter().chain(&judgement.warnings).map(|broken| broken.requirement.as_str()).collect()
}

#[test]
fn a_right_reply_passes_for_every_case_that_names_it() {
    let Library { corpus, judge } = &*LIBRARY;
    for case in corpus.cases().iter().filter(|case| case.is_replayed()) {
        let reply = |call: &Call| answered(call, &corpus.replies()[call.reply.as_ref().unwrap()]);
        let judgement = judge.judge(case, &case.calls.iter().map(reply).collect::<Vec<_>>());
        assert_eq!((judgement.verdict, violated_ids(&judgement)), (Verdict::Pass, BTreeSet::new()), "{}", case.id);
        let cited = |id: &&String| judge.contract.register.get(id).is_some_and(Requirement::is_outcome);
        let undecided: Vec<_> =
            case.case.requirements.iter().filter(cited).filter(|id| !judgement.decided.contains(*id)).collect();
        assert!(undecided.is_empty(), "{} leaves {undecided:?} undecided", case.id);
    }
}

#[test]
fn a_wrong_reply_is_said_to_break_exactly_what_it_breaks() {
    let Library { corpus, judge } = &*LIBRARY;
    for (name, reply) in corpus.replies() {
        let Some(wrong) = &reply.wrong else { continue };
        let case = corpus.get(&wrong.case).unwrap();
        let judgement = judge.judge(case, &[answered(&case.calls[0], reply)]);
        let declared: BTreeSet<_> = wrong.violates.iter().map(String::as_str).collect();
        assert_eq!(violated_ids(&judgement), declared, "{name}: {:?} {:?}", judgement.violations, judgement.warnings);
        let must = |id: &&str| judge.contract.register.get(id).is_some_and(|row| row.level == Level::Must);
        let expected = if declared.iter().any(must) { Verdict::Fail } else { Verdict::Pass };
        assert_eq!(judgement.verdict, expected, "{name}");
    }
}

#[test]
fn every_requirement_that_a_rule_decides_is_broken_by_a_wrong_reply() {
    let Library { corpus, judge } = &*LIBRARY;
    let wrong = corpus.replies().values().filter_map(|reply| reply.wrong.as_ref());
    let breakable: BTreeSet<_> = wrong.flat_map(|wrong| &wrong.violates).collect();
    let rows = judge.contract.register.requirements.iter().filter(|row| row.side == Side::Server);
    let of = |row: &Requirement| row.decided_by.as_ref().map(|by| by.rule.clone());
    let shown = judge.contract.register.requirements.iter().filter(|row| breakable.contains(&row.id));
    let rules: BTreeSet<_> = shown.filter_map(of).collect();
    // A rule works alike for every operation, so one wrong reply is enough. A row with a place of its own needs one for
    // each operation.
    let is_shown = |row: &&Requirement| {
        let by = row.decided_by.as_ref();
        by.is_some_and(|by| row.operation == "GetCredentials" || !rules.contains(&by.rule) || by.at.is_some())
    };
    // One reply cannot show that a fault passes, or which page follows another.
    let alone = ["fault-again", "page-follows"];
    let rows = rows.filter(is_shown).filter(|row| of(row).is_some_and(|rule| !alone.contains(&rule.as_str())));
    // A resource has the same shape in a page as by itself.
    let is_in_a_page = |id: &str| ["LW-RES-0", "LN-RES-0"].iter().any(|prefix| id.starts_with(prefix));
    let rows = rows.filter(|row| !is_in_a_page(&row.id) || row.id.ends_with("-RES-09"));
    let never: Vec<_> = rows.map(|row| &row.id).filter(|id| !breakable.contains(id)).collect();
    assert!(
        never.is_empty(),
        "no wrong reply shows that these can be found broken: {never:?}; add fixtures/replies/wrong-….json"
    );
}

/// The judgement of a case with this answer.
fn judgement_of(case: &str, status: u16, headers: &[(&str, &str)], body: &str) -> Judgement {
    judged_with(&[], case, status, headers, body)
}

/// The same, with these header fields in the request.
fn judged_with(sent: &[(&str, &str)], case: &str, status: u16, headers: &[(&str, &str)], body: &str) -> Judgement {
    let (case, mut exchange) = credentials(case);
    let media = ("content-type", "application/x-amz-json-1.1");
    let headers = headers.iter().copied().chain([media]).collect();
    exchange.request.headers = sent.iter().copied().collect();
    exchange.answer = Ok(Response { status, headers, body: body.into() });
    LIBRARY.judge.judge(case, &[exchange])
}

const UNKNOWN: &str = "errors/unknown-workgroup";

// What the documents and the protocol allow a server to answer.
#[rstest]
#[case::namespace(UNKNOWN, 400, &[], r#"{"__type":"a.b#ResourceNotFoundException","message":"m"}"#)]
#[case::header_only(UNKNOWN, 400, &[("x-amzn-errortype", "ResourceNotFoundException:http://a/")], r#"{"message":"m"}"#)]
#[case::header_and_number(UNKNOWN, 400, &[("x-amzn-errortype", "ResourceNotFoundException")], r#"{"code":"400","message":"m"}"#)]
#[case::code_only(UNKNOWN, 400, &[], r#"{"code":"ResourceNotFoundException","message":"m"}"#)]
#[case::capital_message(UNKNOWN, 400, &[], r#"{"__type":"ResourceNotFoundException","Message":"m"}"#)]
#[case::null_member(UNKNOWN, 400, &[], r#"{"__type":"ResourceNotFoundException","message":"m","resourceName":null}"#)]
#[case::more_members(UNKNOWN, 400, &[], r#"{"__type":"ResourceNotFoundException","message":"m","x":[1]}"#)]
#[case::unknown_operation_404("protocol/unknown-operation", 404, &[], "<UnknownOperationException/>")]
#[case::empty_body_invalid("protocol/empty-body", 400, &[], r#"{"__type":"ValidationException","message":"m"}"#)]
#[case::empty_body_unread("protocol/empty-body", 400, &[], r#"{"__type":"SerializationException"}"#)]
#[case::empty_body_malformed("protocol/empty-body", 400, &[], r#"{"__type":"MalformedHttpRequestException"}"#)]
#[case::empty_body_lacks_a_parameter("protocol/empty-body", 400, &[], r#"{"__type":"MissingParameter"}"#)]
#[case::unknown_operation_denied("protocol/unknown-operation", 403, &[], r#"{"__type":"AccessDeniedException"}"#)]
#[case::common_name("parameters/duration-outside/899", 400, &[], r#"{"__type":"ValidationError","message":"m"}"#)]
#[case::common_name_for_a_value("parameters/database-empty", 400, &[], r#"{"__type":"InvalidParameterValue"}"#)]
#[case::forbidden_signature("signature/unsigned", 403, &[], r#"{"__type":"MissingAuthenticationTokenException"}"#)]
#[case::both_refused("parameters/both-names", 400, &[], r#"{"__type":"ValidationException","message":"m"}"#)]
#[case::upper_case_refused("parameters/database-upper-case/DEV", 400, &[], r#"{"__type":"ValidationException","message":"m"}"#)]
#[case::other_path_in_other_words("protocol/path/below", 404, &[], r#"{"message":"Not Found"}"#)]
#[case::other_method_redirected("protocol/method/GET", 302, &[], "")]
#[case::other_media_type_answered("protocol/media-type/json", 200, &[], r#"{"Output":{},"Version":"1.0"}"#)]
#[case::fraction_refused("lifetimes/fraction/half", 422, &[], r#"{"__type":"SerializationException"}"#)]
fn a_legal_answer_is_not_accused(
    #[case] case: &str,
    #[case] status: u16,
    #[case] headers: &[(&str, &str)],
    #[case] body: &str,
) {
    let judgement = judgement_of(case, status, headers, body);
    assert_eq!(judgement.verdict, Verdict::Pass, "{:?}", judgement.violations);
}

#[rstest]
#[case::another_error("parameters/duration-outside/899", 400, r#"{"__type":"Oops","message":"m"}"#, "GC-DUR-02")]
#[case::fault_instead_of_refusal(
    "parameters/duration-type/text",
    500,
    r#"{"__type":"InternalServerException"}"#,
    "GC-DUR-05"
)]
#[case::named_under_another_status("protocol/empty-body", 500, r#"{"__type":"SerializationException"}"#, "GC-PROTO-06")]
#[case::accepted("parameters/workgroup-type/list", 200, "{}", "GC-WG-07")]
#[case::redirect("success/workgroup-only", 302, "", "GC-WG-01")]
fn an_illegal_answer_is_accused_of_the_right_thing(
    #[case] case: &str,
    #[case] status: u16,
    #[case] body: &str,
    #[case] id: &str,
) {
    let judgement = judgement_of(case, status, &[], body);
    assert!(judgement.violations.iter().any(|violation| violation.requirement == id), "{judgement:?}");
}

// The documents let errors that are common to all actions come instead of the operation's own, and
// policies allow workgroups and databases one by one.
#[rstest]
#[case::another_workgroup(UNKNOWN, 403, "AccessDeniedException")]
#[case::another_workgroup_before_it_is_valid("parameters/workgroup-too-short/a", 400, "AccessDeniedException")]
#[case::another_database("parameters/database-upper-case/DEV", 401, "NotAuthorized")]
#[case::another_domain("parameters/domain-unknown/random", 400, "AccessDenied")]
#[case::no_name("parameters/no-name", 403, "AccessDeniedException")]
#[case::session_over("lifetimes/default", 403, "ExpiredTokenException")]
#[case::late("parameters/duration-outside/899", 408, "RequestTimeoutException")]
fn a_refusal_that_is_about_the_caller_decides_nothing(#[case] case: &str, #[case] status: u16, #[case] name: &str) {
    let body = format!(r#"{{"__type":"{name}","message":"m"}}"#);
    let judgement = judged_with(&[("x-amz-security-token", "t")], case, status, &[], &body);
    assert_eq!((judgement.verdict, judgement.decided.len()), (Verdict::Indeterminate, 0), "{judgement:?}");
    let why = reason(&judgement.reason.unwrap());
    assert!(why.contains(&format!("({status} {name} \"m\")")), "{why}");
}

#[test]
fn credentials_without_a_session_cannot_have_expired() {
    let judgement = judgement_of("lifetimes/default", 403, &[], r#"{"__type":"ExpiredTokenException","message":"m"}"#);
    assert_eq!(judgement.verdict, Verdict::Fail, "{judgement:?}");
}

#[test]
fn a_common_name_decides_the_status_of_the_error_that_it_stands_for() {
    let judgement = judgement_of("parameters/duration-outside/899", 400, &[], r#"{"__type":"ValidationError"}"#);
    assert_eq!(judgement.verdict, Verdict::Pass, "{judgement:?}");
    assert!(judgement.decided.contains("GC-ERR-03"), "{judgement:?}");
}

#[rstest]
#[case::the_same_workgroup("parameters/duration-outside/899", "GC-DUR-02")]
#[case::the_workgroup_itself("success/workgroup-only", "GC-WG-01")]
#[case::a_database_that_the_target_has("parameters/database-name", "GC-DB-01")]
#[case::a_media_type("protocol/content-type-parameter", "GC-PROTO-01")]
fn what_the_control_shows_to_be_allowed_must_not_be_denied(#[case] case: &str, #[case] id: &str) {
    let judgement = judgement_of(case, 403, &[], r#"{"__type":"AccessDeniedException","message":"m"}"#);
    assert!(judgement.violations.iter().any(|violation| violation.requirement == id), "{judgement:?}");
}

#[test]
fn a_fault_in_passing_is_a_warning() {
    let (case, mut exchange) = credentials("success/workgroup-only");
    exchange.fault_before = Some(502);
    let judgement = LIBRARY.judge.judge(case, &[exchange]);
    assert_eq!((judgement.verdict, violated_ids(&judgement)), (Verdict::Pass, BTreeSet::from(["GC-ERR-15"])));
    assert_eq!(FaultText::of(&judgement.warnings[0]).actual, "502 at first, and 200 to the same request again");
}

// The harness's clock, the server's Date and the expiration: any two that agree are enough. The two numbers are seconds
// after the call by the harness's clock.
#[rstest]
#[case::all_agree(Some(0), 900, &[], "")]
#[case::no_date(None, 900, &[], "")]
#[case::another_clock_in_all(Some(200), 1100, &[], "")]
#[case::another_clock_hours_away(Some(7200), 8100, &["GC-PROTO-08"], "the Date of its answers is 7200 s off the harness's clock")]
#[case::date_of_a_proxy(Some(90), 900, &["GC-PROTO-08"], "90 s off the harness's clock, by which the lifetime is right")]
#[case::date_an_hour_ago(Some(-3600), 900, &["GC-PROTO-08"], "3600 s off")]
#[case::date_a_little_off(Some(-50), 900, &[], "")]
#[case::neither(Some(90), 2000, &["GC-DUR-01"], "1910 s after the call by the server's Date, and 2000 s after the call by the harness's clock")]
#[case::an_hour_off(Some(0), 4500, &["GC-DUR-01"], "4500 s after the call")]
#[case::between_the_clocks(Some(200), 1000, &["GC-DUR-01"], "800 s after the call by the server's Date")]
#[case::expired(Some(0), -3100, &["GC-DUR-01"], "already expired 3100 s before the call")]
#[case::expired_without_date(None, -3100, &["GC-DUR-01"], "already expired 3100 s before the call")]
fn either_clock_may_show_the_lifetime(
    #[case] date: Option<i64>,
    #[case] expire: i64,
    #[case] expected: &[&str],
    #[case] expected_text: &str,
) {
    let (case, mut exchange) = credentials_of("success/workgroup-only", expire);
    if let Some(off) = date {
        let date = jiff::fmt::rfc2822::DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&(exchange.sent_at + jiff::SignedDuration::from_secs(off)));
        exchange.answer.as_mut().unwrap().headers.set("date", date.unwrap());
    }
    let judgement = LIBRARY.judge.judge(case, &[exchange]);
    assert_eq!(violated_ids(&judgement), expected.iter().copied().collect(), "{judgement:?}");
    let found: String =
        judgement.violations.iter().chain(&judgement.warnings).map(|one| FaultText::of(one).actual).collect();
    assert!(found.contains(expected_text) && expected_text.is_empty() == found.is_empty(), "{found}");
}

#[rstest]
#[case::clamped(900, "200: the request was accepted, with credentials that live 900 s")]
#[case::expired(-5, "200: the request was accepted, with credentials that expired 5 s before")]
fn what_should_have_been_refused_is_told_with_its_lifetime(#[case] expire: i64, #[case] expected: &str) {
    let (case, exchange) = credentials_of("parameters/duration-outside/0", expire);
    let judgement = LIBRARY.judge.judge(case, &[exchange]);
    assert_eq!(FaultText::of(&judgement.violations[0]).actual, expected);
}

#[test]
fn a_name_that_was_cut_is_told_by_its_length() {
    let Library { corpus, judge } = &*LIBRARY;
    let case = corpus.get("parameters/workgroup-too-long/sixty-five").unwrap();
    let mut exchange = answered(&case.calls[0], &corpus.replies()["not-found"]);
    let name = "q2".repeat(32) + "q";
    exchange.request.body = format!(r#"{{"workgroupName":"{name}"}}"#).into_bytes();
    let body = format!(r#"{{"__type":"ResourceNotFoundException","message":"No {} found."}}"#, &name[..64]);
    exchange.answer.as_mut().unwrap().body = body.into_bytes();
    let found = FaultText::of(&judge.judge(case, &[exchange]).violations[0]).actual;
    let expected = "400 ResourceNotFoundException \"No *** found.\", which names the first 64 characters of the workgroupName that was sent";
    assert_eq!(found, expected);
}

/// The judgement of a case with this answer, whose body is this text in UTF-16.
fn answered_in_utf_16(case: &str, status: u16, headers: &[(&str, &str)], text: &str) -> Judgement {
    let (case, mut exchange) = credentials(case);
    let headers = headers.iter().copied().chain([("content-type", "application/x-amz-json-1.1")]).collect();
    exchange.answer = Ok(Response { status, headers, body: Encoding::Utf16.bytes(text).expect("UTF-16 has them all") });
    LIBRARY.judge.judge(case, &[exchange])
}

#[rstest]
#[case::refused("parameters/duration-outside/899", 400, &[])]
#[case::perhaps_denied(UNKNOWN, 403, &[])]
fn an_error_in_another_encoding_is_a_warning_and_decides_nothing(
    #[case] case: &str,
    #[case] status: u16,
    #[case] headers: &[(&str, &str)],
) {
    let judgement = answered_in_utf_16(case, status, headers, r#"{"__type":"ValidationException"}"#);
    assert_eq!((judgement.verdict, violated_ids(&judgement)), (Verdict::Pass, BTreeSet::from(["GC-PROTO-17"])));
    assert_eq!(judgement.decided, ["GC-ERR-15", "GC-PROTO-17"].map(str::to_owned).into());
    assert!(!judgement.undecided.is_empty(), "{judgement:?}");
    let why = reason(&judgement.reason.unwrap());
    assert!(why.contains("cannot be read: its body looks like JSON in UTF-16 instead of UTF-8"), "{why}");
}

#[test]
fn a_name_in_a_header_decides_what_an_error_in_another_encoding_is() {
    let named = [("x-amzn-errortype", "ValidationException")];
    let judgement = answered_in_utf_16("parameters/duration-outside/899", 400, &named, "{}");
    assert_eq!((judgement.verdict, violated_ids(&judgement)), (Verdict::Pass, BTreeSet::from(["GC-PROTO-17"])));
    assert!(judgement.decided.contains("GC-DUR-02") && judgement.undecided.is_empty(), "{judgement:?}");
}

#[test]
fn a_fault_or_a_refusal_of_the_right_request_is_broken_in_any_encoding() {
    for (case, status, id) in [("success/workgroup-only", 400, "GC-WG-01"), (UNKNOWN, 500, "GC-ERR-01")] {
        let judgement = answered_in_utf_16(case, status, &[], "{}");
        assert!(judgement.violations.iter().any(|violation| violation.requirement == id), "{judgement:?}");
    }
}

#[rstest]
#[case::number_beyond_a_float(r#"{"x":1e400}"#.to_owned())]
#[case::number_of_a_million_digits(format!(r#"{{"x":{}}}"#, "9".repeat(1_000_000)))]
#[case::deep(format!(r#"{{"x":{}{}}}"#, "[".repeat(200_000), "]".repeat(200_000)))]
#[case::half_of_a_surrogate_pair(r#"{"x":"\ud800"}"#.to_owned())]
fn json_that_cannot_be_read_here_is_not_judged(#[case] body: String, #[values(200, 400)] status: u16) {
    let judgement = judgement_of("success/workgroup-only", status, &[], &body);
    assert_eq!((judgement.verdict, judgement.decided.len()), (Verdict::Indeterminate, 0), "{judgement:?}");
    let why = reason(&judgement.reason.unwrap());
    assert!(why.starts_with(&format!("its answer ({status}) is JSON beyond what is read here: ")), "{why}");
}

#[test]
fn a_refusal_without_a_name_decides_nothing_about_what_was_refused() {
    let judgement = judgement_of("parameters/duration-outside/899", 400, &[], r#"{"message":"durationSeconds"}"#);
    assert_eq!(violated_ids(&judgement), BTreeSet::from(["GC-ERR-05"]));
    assert!(!judgement.decided.contains("GC-DUR-02"));
}

#[rstest]
#[case(429, "{}")]
#[case(400, r#"{"__type":"ThrottlingException"}"#)]
#[case(503, "")]
#[case(408, "")]
#[case(400, r#"{"__type":"RequestTimeoutException"}"#)]
fn a_refusal_of_the_moment_is_no_refusal(#[case] status: u16, #[case] body: &str) {
    assert_eq!(judgement_of("parameters/duration-type/text", status, &[], body).verdict, Verdict::Indeterminate);
}

#[rstest]
#[case::as_documented(400, Verdict::Pass)]
#[case::as_in_newer_documents(403, Verdict::Pass)]
#[case::another_status(401, Verdict::Fail)]
fn a_denial_that_was_asked_for_is_no_excuse(#[case] status: u16, #[case] expected: Verdict) {
    let judgement =
        judgement_of("iam/denied-workgroup", status, &[], r#"{"__type":"AccessDeniedException","message":"a"}"#);
    assert_eq!((judgement.verdict, judgement.decided.contains("GC-IAM-05")), (expected, true), "{judgement:?}");
}

/// [`credentials`] that expire `expire` seconds after the call.
fn credentials_of(case: &str, expire: i64) -> (&'static ExpandedCase, Exchange) {
    let (case, mut exchange) = credentials(case);
    let at = exchange.sent_at.as_second() + expire;
    let body = format!(r#"{{"dbPassword":"a","dbUser":"IAM:a","expiration":{at},"nextRefreshTime":{at}}}"#);
    let headers = [("content-type", "application/x-amz-json-1.1")].into_iter().collect();
    exchange.answer = Ok(Response { status: 200, headers, body: body.into() });
    (case, exchange)
}

#[test]
fn a_lifetime_that_cannot_be_told_is_neither_broken_nor_decided() {
    let judge = &LIBRARY.judge;
    let (case, exchange) = credentials_of("lifetimes/chosen/3600", 1200);
    let judgement = judge.judge(case, &[exchange]);
    assert!(judge.is_about_lifetimes(&judgement) && judgement.decided.contains("GC-DUR-03"), "{judgement:?}");
    let judgement = judge.without_lifetimes(judgement, Reason::Aged);
    assert_eq!((judgement.verdict, &judgement.reason), (Verdict::Pass, &Some(Reason::Aged)));
    assert!(judgement.violations.is_empty() && !judgement.decided.contains("GC-DUR-03"), "{judgement:?}");
    assert!(judgement.decided.contains("GC-DUR-04"), "{judgement:?}");
}

#[rstest]
#[case::small("parameters/duration-outside/899", 100, Verdict::Fail)]
#[case::as_large_as_every_server_reads("parameters/duration-outside/899", 64 << 10, Verdict::Fail)]
#[case::larger("parameters/duration-outside/899", (64 << 10) + 1, Verdict::Pass)]
#[case::larger_and_to_be_accepted("success/workgroup-only", (64 << 10) + 1, Verdict::Fail)]
fn a_closed_connection_is_a_refusal_only_of_what_is_too_large(
    #[case] case: &str,
    #[case] bytes: usize,
    #[case] expected: Verdict,
) {
    let (case, mut exchange) = credentials(case);
    exchange.request.body = vec![b' '; bytes];
    exchange.answer = Err(TransportFault::HungUp("closed before the end of the header".to_owned()));
    let judgement = LIBRARY.judge.judge(case, &[exchange]);
    assert_eq!(judgement.verdict, expected, "{judgement:#?}");
    assert!(!judgement.decided.is_empty(), "{judgement:#?}");
}
