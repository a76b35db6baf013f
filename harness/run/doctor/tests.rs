use std::net::SocketAddr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rstest::rstest;

use super::ask::{Answers, Way};
use super::{Finding, Status, Topic, findings};
use crate::contract::Feature;
use crate::targets::Target;
use crate::wire::{Credentials, Exchange, Fault, Headers, Request, Response};

const AWS: &str = "application/x-amz-json-1.1";
const SUCCESS: &str = r#"{"dbUser":"IAM:a","dbPassword":"CANARY-password"}"#;
const REFUSAL: &str = r#"{"__type":"InvalidSignatureException","message":"no"}"#;

fn exchange(answer: Result<Response, Fault>) -> Exchange {
    let request = Request { method: "POST".into(), target: "/".into(), headers: Headers::new(), body: Vec::new() };
    let now = Timestamp::now();
    Exchange { request, answer, sent_at: now, received_at: now, elapsed: Duration::ZERO, fault_before: None }
}

fn answered(status: u16, body: &str) -> Exchange {
    let headers = [("content-type", AWS)].into_iter().collect();
    exchange(Ok(Response { status, headers, body: body.into() }))
}

fn address() -> SocketAddr {
    "127.0.0.1:4566".parse().expect("an address")
}

/// A server that answers every request alike.
fn alike(answer: &Exchange) -> Answers {
    Answers {
        way: Way::Connected(address(), Duration::from_millis(1)),
        probe: answer.clone(),
        wrong: Some(answer.clone()),
        unsigned: Some(answer.clone()),
        list: answer.clone(),
        get: answer.clone(),
    }
}

fn target() -> Target {
    let url = "http://127.0.0.1:4566".parse().expect("a URL");
    Target::at(url).signed_by(Credentials::new("AKIDCANARYKEY", "CANARY-secret")).with_workgroup("wg-1")
}

fn found(target: &Target, answers: &Answers) -> Vec<Finding> {
    findings::of(target, answers, &findings::probe(target, answers))
}

/// The finding about a topic.
fn about(findings: &[Finding], topic: Topic) -> Finding {
    findings.iter().find(|finding| finding.topic == topic).unwrap_or_else(|| panic!("{topic:?} is told")).clone()
}

#[rstest]
#[case::takes_everything(200, SUCCESS, 200, SUCCESS, false, Status::Ok, "not checked")]
#[case::takes_everything_and_claims(200, SUCCESS, 200, SUCCESS, true, Status::Problem, "not checked")]
#[case::checks(403, REFUSAL, 403, REFUSAL, true, Status::Ok, "checked: a wrong one is refused")]
#[case::checks_if_there(403, REFUSAL, 200, SUCCESS, true, Status::Problem, "without any is accepted")]
#[case::other(500, "{}", 500, "{}", true, Status::Unknown, "not decided")]
fn a_server_that_checks_no_signature_is_a_problem_only_where_it_claims_to(
    #[case] wrong: u16,
    #[case] wrong_body: &str,
    #[case] unsigned: u16,
    #[case] unsigned_body: &str,
    #[case] claimed: bool,
    #[case] status: Status,
    #[case] said: &str,
) {
    let mut answers = alike(&answered(200, SUCCESS));
    answers.wrong = Some(answered(wrong, wrong_body));
    answers.unsigned = Some(answered(unsigned, unsigned_body));
    let target = if claimed { target().claiming([Feature::Signature]) } else { target() };
    let finding = about(&found(&target, &answers), Topic::Signature);
    assert_eq!(finding.status, status, "{finding:?}");
    assert!(finding.found.contains(said), "{finding:?}");
}

#[rstest]
#[case::right(Some(0), Status::Ok, "agrees")]
#[case::slow(Some(-60), Status::Warning, "60 s behind ours")]
#[case::fast(Some(60), Status::Warning, "60 s ahead of ours")]
#[case::refused(Some(-3600), Status::Problem, "3600 s behind ours")]
#[case::none(None, Status::Unknown, "no Date")]
fn a_clock_is_wrong_only_where_a_date_says_so(#[case] off: Option<i64>, #[case] status: Status, #[case] said: &str) {
    let mut answer = answered(200, SUCCESS);
    if let (Some(off), Ok(response)) = (off, &mut answer.answer) {
        let date = answer.received_at.saturating_add(SignedDuration::from_secs(off)).expect("in range");
        response.headers.push("date", date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
    }
    let finding = about(&found(&target(), &alike(&answer)), Topic::Clock);
    assert_eq!(finding.status, status, "{finding:?}");
    assert!(finding.found.contains(said), "{finding:?}");
}

#[test]
fn a_workgroup_that_is_not_there_is_told_with_those_that_are() {
    let mut answers = alike(&answered(400, r#"{"__type":"ResourceNotFoundException","message":"no wg-1"}"#));
    answers.list = answered(200, r#"{"workgroups":[{"workgroupName":"wg-2"},{"workgroupName":"wg\u001b[31m-3"}]}"#);
    let findings = found(&target(), &answers);
    let finding = about(&findings, Topic::Workgroup);
    assert_eq!(finding.status, Status::Problem);
    assert!(finding.fix.as_deref().is_some_and(|fix| fix.contains("(it has wg-2, wg\\u{1b}[31m-3)")), "{finding:?}");
    assert_eq!(about(&findings, Topic::Operation).status, Status::Ok);
}

#[test]
fn a_server_without_the_operation_is_told_by_its_own_words() {
    let answers =
        alike(&answered(501, r#"{"__type":"InternalFailure","message":"not yet implemented, CANARY-secret"}"#));
    let findings = found(&target(), &answers);
    let finding = about(&findings, Topic::Operation);
    assert_eq!(finding.status, Status::Problem);
    assert!(finding.found.contains("not implemented (501 "), "{finding:?}");
    assert_eq!(about(&findings, Topic::Signature).status, Status::Unknown);
    assert!(!format!("{findings:?}").contains("CANARY"), "{findings:?}");
}

#[test]
fn a_target_that_hangs_is_told_to_take_connections_and_nothing_else_is_guessed() {
    let answers = alike(&exchange(Err(Fault::Timeout(Duration::from_secs(1)))));
    let findings = found(&target(), &answers);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].found.contains("takes connections, but no complete answer within 1 s"), "{findings:?}");
}

#[test]
fn nothing_that_could_create_something_is_asked() {
    let findings = found(&target(), &alike(&answered(200, SUCCESS)));
    let told: Vec<_> = findings.iter().filter(|finding| finding.found.contains("Create")).collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].found.contains("not tried"), "{told:?}");
}
