//! The judge against the hand-written replies, without a network: a right one is never accused, and
//! of a wrong one exactly that is said which is wrong with it.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::Timestamp;
use rstest::rstest;

use super::*;
use crate::contract::{Fixtures, Side};
use crate::corpus::{Corpus, Reply};
use crate::wire::{Headers, Request, Response};

struct Library {
    corpus: Corpus,
    judge: Judge,
}

static LIBRARY: LazyLock<Library> = LazyLock::new(|| {
    let contract = Arc::new(Contract::load(&Fixtures::Embedded).unwrap());
    let corpus = Corpus::load(&Fixtures::Embedded, &contract).unwrap();
    Library { corpus, judge: Judge::new(contract).unwrap() }
});

/// A call that was answered with a reply, within a tenth of a second.
fn answered(call: &Call, reply: &Reply) -> Exchange {
    let body = call.request.input.to_json();
    let input: serde_json::Value = serde_json::from_str(&body).unwrap();
    let duration = input["durationSeconds"].as_f64().unwrap_or(900.0);
    let sent_at: Timestamp = "2026-11-22T01:02:03Z".parse().unwrap();
    let answer = Response {
        status: reply.status,
        headers: reply.headers.iter().collect(),
        body: reply.body_at(sent_at.as_duration().as_secs_f64(), duration),
    };
    let elapsed = Duration::from_millis(100);
    let request =
        Request { method: "POST".to_owned(), target: "/".to_owned(), headers: Headers::new(), body: body.into() };
    Exchange { request, answer: Ok(answer), sent_at, received_at: sent_at + elapsed, elapsed }
}

/// The requirements that a judgement says are broken, warnings included.
fn broken(judgement: &Judgement) -> BTreeSet<&str> {
    judgement.violations.iter().chain(&judgement.warnings).map(|broken| broken.requirement.as_str()).collect()
}

#[test]
fn a_right_reply_passes_for_every_case_that_names_it() {
    let Library { corpus, judge } = &*LIBRARY;
    for case in corpus.cases() {
        let reply = |call: &Call| answered(call, &corpus.replies()[call.reply.as_ref().unwrap()]);
        let judgement = judge.judge(case, &case.calls.iter().map(reply).collect::<Vec<_>>());
        assert_eq!((judgement.verdict, broken(&judgement)), (Verdict::Pass, BTreeSet::new()), "{}", case.id);
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
        assert_eq!(broken(&judgement), declared, "{name}: {:?} {:?}", judgement.violations, judgement.warnings);
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
    let rows = judge.contract.register.of_side(Side::Server).filter(|row| row.decided_by.is_some());
    let never: Vec<_> = rows.map(|row| &row.id).filter(|id| !breakable.contains(id)).collect();
    assert!(never.is_empty(), "no wrong reply shows that these can be found broken: {never:?}");
}

/// A case that was answered like this.
fn judged(case: &str, status: u16, headers: &[(&str, &str)], body: &str) -> Judgement {
    let Library { corpus, judge } = &*LIBRARY;
    let case = corpus.get(case).unwrap();
    let mut exchange = answered(&case.calls[0], &corpus.replies()["credentials"]);
    let media = ("content-type", "application/x-amz-json-1.1");
    let headers = headers.iter().copied().chain([media]).collect();
    exchange.answer = Ok(Response { status, headers, body: body.into() });
    judge.judge(case, &[exchange])
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
    let judgement = judged(case, status, headers, body);
    assert_eq!(judgement.verdict, Verdict::Pass, "{:?}", judgement.violations);
}

#[rstest]
#[case::another_error("parameters/duration-outside/899", 400, r#"{"__type":"Oops","message":"m"}"#, "GC-DUR-02")]
#[case::fault_instead_of_refusal(
    "parameters/duration-type/text",
    500,
    r#"{"__type":"InternalServerException","message":"m"}"#,
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
    let judgement = judged(case, status, &[], body);
    assert!(judgement.violations.iter().any(|violation| violation.requirement == id), "{judgement:?}");
}

#[test]
fn a_refusal_without_a_name_decides_nothing_about_what_was_refused() {
    let judgement = judged("parameters/duration-outside/899", 400, &[], r#"{"message":"durationSeconds"}"#);
    assert_eq!(broken(&judgement), BTreeSet::from(["GC-ERR-05"]));
    assert!(!judgement.decided.contains("GC-DUR-02"));
}

#[rstest]
#[case(429, "{}")]
#[case(400, r#"{"__type":"ThrottlingException"}"#)]
#[case(503, "")]
fn a_throttled_refusal_is_no_refusal(#[case] status: u16, #[case] body: &str) {
    assert_eq!(judged("parameters/duration-type/text", status, &[], body).verdict, Verdict::Indeterminate);
}

/// Credentials with this password that expire so many seconds after the call.
fn credentials(password: &str, expire: i64) -> Exchange {
    let Library { corpus, .. } = &*LIBRARY;
    let mut exchange =
        answered(&corpus.get("lifetimes/chosen/3600").unwrap().calls[0], &corpus.replies()["credentials"]);
    let at = exchange.sent_at.as_second() + expire;
    let body = format!(r#"{{"dbPassword":"{password}","dbUser":"IAM:a","expiration":{at},"nextRefreshTime":{at}}}"#);
    let headers = [("content-type", "application/x-amz-json-1.1")].into_iter().collect();
    exchange.answer = Ok(Response { status: 200, headers, body: body.into() });
    exchange
}

#[rstest]
#[case::given_again(credentials("a", 1200), credentials("a", 1200), Verdict::Pass)]
#[case::fresh(credentials("a", 1200), credentials("b", 1200), Verdict::Fail)]
#[case::moving(credentials("a", 1200), credentials("a", 1201), Verdict::Fail)]
#[case::duration_ignored(credentials("a", 900), credentials("a", 900), Verdict::Fail)]
#[case::expired(credentials("a", -5), credentials("a", -5), Verdict::Fail)]
#[case::too_long(credentials("a", 4000), credentials("a", 4000), Verdict::Fail)]
fn only_living_credentials_that_are_given_again_may_expire_early(
    #[case] first: Exchange,
    #[case] second: Exchange,
    #[case] verdict: Verdict,
) {
    let Library { corpus, judge } = &*LIBRARY;
    let case = corpus.get("lifetimes/chosen/3600").unwrap();
    let judgement = judge.judge(case, std::slice::from_ref(&first));
    assert!(judge.may_be_replay(&judgement), "{judgement:?}");
    let judgement = judge.reconsider(judgement, &case.calls[0], &first, &second);
    assert_eq!(judgement.verdict, verdict);
    assert_eq!(judgement.decided.contains("GC-DUR-03"), verdict == Verdict::Fail);
}
