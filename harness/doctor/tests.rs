use std::net::SocketAddr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rstest::rstest;

use super::ask::{Answers, ComparedCall, ConnectOutcome, ExaminedTarget};
use super::findings::ProbedTarget;
use super::{Diagnosis, DiagnosisStatus, Topic};
use crate::contract::{Contract, Feature, Fixtures};
use crate::targets::Target;
use crate::wire::{Credentials, Exchange, Headers, Masker, Request, Response, TransportFault};

const LIST: &str = "ListWorkgroups";
const DOMAIN: &str = "custom-domain";
const AWS: &str = "application/x-amz-json-1.1";
const SUCCESS: &str = r#"{"dbUser":"IAM:a","dbPassword":"CANARY-password"}"#;
const REFUSAL: &str = r#"{"__type":"InvalidSignatureException","message":"no"}"#;
const NO_WORKGROUP: &str = r#"{"__type":"ResourceNotFoundException","message":"no workgroup of this name"}"#;
const NO_ROUTE: &str = r#"{"__type":"ResourceNotFoundException","message":"no route"}"#;

fn exchange(answer: Result<Response, TransportFault>) -> Exchange {
    let request = Request {
        method: "POST".into(),
        target: "/".into(),
        headers: Headers::new(),
        body: br#"{"workgroupName":"wg-1"}"#.into(),
    };
    let now = Timestamp::now();
    Exchange {
        request,
        answer,
        sent_at: now,
        received_at: now,
        elapsed: Duration::ZERO,
        fault_before: None,
        cut_off: None,
    }
}

fn exchange_with(status: u16, body: &str) -> Exchange {
    let headers = [("content-type", AWS)].into_iter().collect();
    exchange(Ok(Response { status, headers, body: body.into() }))
}

fn address() -> SocketAddr {
    "127.0.0.1:4566".parse().expect("an address")
}

/// A server that answers every request alike.
fn answers_alike(answer: &Exchange) -> Answers {
    let call = ComparedCall { own: answer.clone(), unknown: answer.clone() };
    let mut answers = Answers {
        way: ConnectOutcome::Connected(address(), Duration::from_millis(1)),
        probe: answer.clone(),
        wrong: Some(answer.clone()),
        unsigned: Some(answer.clone()),
        by_resource: vec![(DOMAIN.to_owned(), answer.clone())],
        neighbours: [LIST, "GetWorkgroup"].map(|name| (name.to_owned(), call.clone())).to_vec(),
        unknown: Some(answer.clone()),
        senseless: Some(call),
        hidden: Masker::default(),
    };
    answers.hide(target().credentials.iter().flat_map(Credentials::secrets).collect());
    answers
}

fn target() -> Target {
    let url = "http://127.0.0.1:4566".parse().expect("a URL");
    Target::at(url).signed_by(Credentials::new("AKIDCANARYKEY", "CANARY-secret")).with_workgroup("wg-1")
}

fn findings_of(target: &Target, answers: &Answers) -> Vec<Diagnosis> {
    let contract = Contract::load(&Fixtures::Embedded).expect("the contract");
    let examined = ExaminedTarget { target, contract: &contract, operation: contract.default_operation() };
    ProbedTarget::new(examined, answers).findings()
}

/// Sets the answer to the operation that lists resources.
fn listing(answers: &mut Answers, answer: Exchange) {
    let (_, listed) = answers.neighbours.iter_mut().find(|(name, _)| name == LIST).expect("it was asked for");
    listed.own = answer;
}

/// Sets the answer to every request for an operation that nobody has.
fn unknown(answers: &mut Answers, answer: &Exchange) {
    answers.unknown = Some(answer.clone());
    let calls = answers.neighbours.iter_mut().map(|(_, call)| call).chain(&mut answers.senseless);
    calls.for_each(|call| call.unknown = answer.clone());
}

fn workgroup() -> Topic {
    Topic::Resource("workgroup".to_owned())
}

/// The finding about a topic.
fn about(findings: &[Diagnosis], topic: &Topic) -> Diagnosis {
    findings.iter().find(|finding| finding.topic == *topic).unwrap_or_else(|| panic!("{topic:?} is told")).clone()
}

#[rstest]
#[case::takes_everything((200, SUCCESS), (200, SUCCESS), false, DiagnosisStatus::Ok, "not checked")]
#[case::takes_everything_and_claims((200, SUCCESS), (200, SUCCESS), true, DiagnosisStatus::Problem, "not checked")]
#[case::checks((403, REFUSAL), (403, REFUSAL), true, DiagnosisStatus::Ok, "checked: a wrong one is refused")]
#[case::checks_if_there((403, REFUSAL), (200, SUCCESS), true, DiagnosisStatus::Problem, "without any is accepted")]
#[case::other((500, "{}"), (500, "{}"), true, DiagnosisStatus::Unknown, "not decided, because a request with a wrong one")]
#[case::breaks_without((403, REFUSAL), (500, "{}"), true, DiagnosisStatus::Unknown, "not decided, because a request with none")]
#[case::breaks_with_a_wrong_one((500, "{}"), (200, SUCCESS), true, DiagnosisStatus::Problem, "one with a wrong one is answered with 500")]
#[case::takes_a_wrong_one((200, SUCCESS), (403, REFUSAL), true, DiagnosisStatus::Problem, "a request without any is refused")]
#[case::looks_for_the_workgroup((400, NO_WORKGROUP), (400, NO_WORKGROUP), true, DiagnosisStatus::Problem, "not checked")]
#[case::another_thing_is_missing((400, NO_ROUTE), (400, NO_ROUTE), true, DiagnosisStatus::Unknown, "not decided")]
fn a_server_that_checks_no_signature_is_a_problem_only_where_it_claims_to(
    #[case] wrong: (u16, &str),
    #[case] unsigned: (u16, &str),
    #[case] claimed: bool,
    #[case] status: DiagnosisStatus,
    #[case] expected: &str,
) {
    let mut answers = answers_alike(&exchange_with(200, SUCCESS));
    answers.wrong = Some(exchange_with(wrong.0, wrong.1));
    answers.unsigned = Some(exchange_with(unsigned.0, unsigned.1));
    let target = if claimed { target().claiming([Feature::SIGNATURE]) } else { target() };
    let finding = about(&findings_of(&target, &answers), &Topic::Signature);
    assert_eq!(finding.status, status, "{finding:?}");
    assert!(finding.found.contains(expected), "{finding:?}");
}

// None of these answers tells whether credentials or signatures are checked, or which operations there are.
#[rstest]
#[case::not_implemented(501, r#"{"__type":"InternalFailure","message":"CANARY-secret"}"#)]
#[case::fault(500, r#"{"__type":"InternalServerException","message":"CANARY-secret"}"#)]
#[case::refusal(400, r#"{"__type":"ValidationException","message":"no"}"#)]
#[case::conflict(409, r#"{"__type":"ConflictException"}"#)]
#[case::no_name(400, r#"{"message":"no"}"#)]
#[case::another_thing_is_missing(400, NO_ROUTE)]
fn a_server_that_answers_everything_with_one_error_is_neither_praised_nor_accused(
    #[case] status: u16,
    #[case] body: &str,
    #[values(true, false)] named: bool,
) {
    let mut target = target().claiming([Feature::SIGNATURE]);
    if !named {
        target.resources.clear();
    }
    let findings = findings_of(&target, &answers_alike(&exchange_with(status, body)));
    for topic in [Topic::Credentials, Topic::Signature] {
        let finding = about(&findings, &topic);
        assert_eq!(finding.status, DiagnosisStatus::Unknown, "{finding:?}");
        assert!(finding.found.starts_with("not decided, because "), "{finding:?}");
    }
    assert_ne!(about(&findings, &Topic::Operation).status, DiagnosisStatus::Ok, "{findings:?}");
    for finding in findings.iter().filter(|finding| finding.topic == Topic::Neighbours) {
        // A server may say itself that it does not have an operation.
        let is_declared = status == 501 && finding.found.contains("are not there");
        assert!(is_declared || finding.status == DiagnosisStatus::Unknown, "{finding:?}");
    }
    assert!(!format!("{findings:?}").contains("CANARY"), "{findings:?}");
}

#[rstest]
#[case::success(200, SUCCESS)]
#[case::no_workgroup(400, NO_WORKGROUP)]
#[case::named_only(404, r#"{"__type":"ResourceNotFoundException","message":"wg-1?"}"#)]
fn credentials_are_accepted_where_the_call_comes_as_far_as_the_workgroup(#[case] status: u16, #[case] body: &str) {
    let findings = findings_of(&target(), &answers_alike(&exchange_with(status, body)));
    assert_eq!(about(&findings, &Topic::Credentials).status, DiagnosisStatus::Ok, "{findings:?}");
    assert_eq!(about(&findings, &Topic::Operation).status, DiagnosisStatus::Ok, "{findings:?}");
}

#[rstest]
#[case::success(200, r#"{"workgroups":[]}"#, 400, r#"{"__type":"UnknownOperationException"}"#, DiagnosisStatus::Ok)]
#[case::own_error(400, NO_WORKGROUP, 400, r#"{"__type":"UnknownOperationException"}"#, DiagnosisStatus::Ok)]
#[case::other_members(200, r#"{"workgroups":[]}"#, 200, "{}", DiagnosisStatus::Ok)]
#[case::same_members(200, r#"{"a":1}"#, 200, r#"{"a":2}"#, DiagnosisStatus::Unknown)]
#[case::same_own_members(200, r#"{"workgroups":[]}"#, 200, r#"{"workgroups":[1]}"#, DiagnosisStatus::Unknown)]
#[case::members_of_another(200, SUCCESS, 400, r#"{"__type":"UnknownOperationException"}"#, DiagnosisStatus::Unknown)]
#[case::nothing_in_it(200, "{}", 400, r#"{"__type":"UnknownOperationException"}"#, DiagnosisStatus::Unknown)]
#[case::same_error(
    400,
    r#"{"__type":"ValidationException","message":"ListWorkgroups?"}"#,
    400,
    r#"{"__type":"ValidationException","message":"GetNothing?"}"#,
    DiagnosisStatus::Unknown
)]
#[case::other_error(
    400,
    r#"{"__type":"ConflictException"}"#,
    400,
    r#"{"__type":"ValidationException"}"#,
    DiagnosisStatus::Unknown
)]
fn an_operation_is_there_where_it_is_answered_unlike_one_that_nobody_has(
    #[case] status: u16,
    #[case] body: &str,
    #[case] unknown_status: u16,
    #[case] unknown_body: &str,
    #[case] expected: DiagnosisStatus,
) {
    let mut answers = answers_alike(&exchange_with(200, SUCCESS));
    listing(&mut answers, exchange_with(status, body));
    unknown(&mut answers, &exchange_with(unknown_status, unknown_body));
    let finding = about(&findings_of(&target(), &answers), &Topic::Neighbours);
    assert_eq!(
        (finding.found.ends_with(" there"), finding.status),
        (expected == DiagnosisStatus::Ok, expected),
        "{finding:?}"
    );
}

#[rstest]
#[case::right(200, SUCCESS, Some(0), DiagnosisStatus::Ok, "agrees")]
#[case::slow(200, SUCCESS, Some(-60), DiagnosisStatus::Warning, "60 s behind ours")]
#[case::fast(200, SUCCESS, Some(60), DiagnosisStatus::Warning, "60 s ahead of ours")]
#[case::far_off_and_taken(200, SUCCESS, Some(-3600), DiagnosisStatus::Warning, "3600 s behind ours")]
#[case::far_off_and_refused(403, REFUSAL, Some(-3600), DiagnosisStatus::Problem, "3600 s behind ours")]
#[case::none(200, SUCCESS, None, DiagnosisStatus::Unknown, "no Date")]
fn a_clock_is_a_problem_only_where_it_may_be_why_we_are_refused(
    #[case] code: u16,
    #[case] body: &str,
    #[case] off: Option<i64>,
    #[case] status: DiagnosisStatus,
    #[case] expected: &str,
) {
    let mut answer = exchange_with(code, body);
    if let (Some(off), Ok(response)) = (off, &mut answer.answer) {
        let date = answer.received_at.saturating_add(SignedDuration::from_secs(off)).expect("in range");
        response.headers.push("date", date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
    }
    let finding = about(&findings_of(&target(), &answers_alike(&answer)), &Topic::Clock);
    assert_eq!(finding.status, status, "{finding:?}");
    assert!(finding.found.contains(expected), "{finding:?}");
}

#[test]
fn a_workgroup_that_is_not_there_is_told_with_those_that_are() {
    let mut answers =
        answers_alike(&exchange_with(400, r#"{"__type":"ResourceNotFoundException","message":"no wg-1"}"#));
    listing(
        &mut answers,
        exchange_with(200, r#"{"workgroups":[{"workgroupName":"wg-2"},{"workgroupName":"wg\u001b[31m-3"}]}"#),
    );
    let findings = findings_of(&target(), &answers);
    let finding = about(&findings, &workgroup());
    assert_eq!(finding.status, DiagnosisStatus::Problem);
    assert!(finding.fix.as_deref().is_some_and(|fix| fix.contains("(it has wg-2, wg\\u{1b}[31m-3)")), "{finding:?}");
    assert_eq!(about(&findings, &Topic::Operation).status, DiagnosisStatus::Ok);
}

#[rstest]
#[case::there(
    200,
    r#"{"workgroups":[],"workgroup":{}}"#,
    DiagnosisStatus::Ok,
    "ListWorkgroups, GetWorkgroup are there"
)]
#[case::absent(
    400,
    r#"{"__type":"UnknownOperationException"}"#,
    DiagnosisStatus::Ok,
    "ListWorkgroups, GetWorkgroup are not there (400 "
)]
#[case::no_telling(
    400,
    r#"{"__type":"ConflictException"}"#,
    DiagnosisStatus::Unknown,
    "ListWorkgroups, GetWorkgroup: no telling by"
)]
fn what_several_neighbours_answer_alike_is_said_once(
    #[case] code: u16,
    #[case] body: &str,
    #[case] status: DiagnosisStatus,
    #[case] expected: &str,
) {
    let mut answers = answers_alike(&exchange_with(code, body));
    unknown(&mut answers, &exchange_with(400, r#"{"__type":"ValidationException"}"#));
    let mut findings = findings_of(&target(), &answers);
    findings.retain(|finding| finding.topic == Topic::Neighbours && !finding.found.contains("not tried"));
    let [finding] = findings.as_slice() else { panic!("one finding: {findings:?}") };
    assert_eq!(finding.status, status, "{finding:?}");
    assert!(finding.found.starts_with(expected), "{finding:?}");
    assert_eq!(finding.found.ends_with("; answered alike)"), !expected.contains("are there"), "{finding:?}");
}

// A server that ignores the header that names the operation looks for what the request names.
#[test]
fn an_operation_that_is_answered_as_any_other_is_not_said_to_be_there() {
    let mut answers = answers_alike(&exchange_with(200, SUCCESS));
    let refusal = exchange_with(400, r#"{"__type":"ValidationException","message":"workgroupName is missing"}"#);
    let (_, listed) = answers.neighbours.iter_mut().find(|(name, _)| name == LIST).expect("it was asked for");
    *listed = ComparedCall { own: refusal.clone(), unknown: refusal };
    let findings = findings_of(&target(), &answers);
    let neighbours: Vec<_> = findings.iter().filter(|finding| finding.topic == Topic::Neighbours).collect();
    let [listing, reading, _] = neighbours.as_slice() else { panic!("one for each answer: {neighbours:?}") };
    for (finding, name) in [(listing, LIST), (reading, "GetWorkgroup")] {
        let expected = format!("{name}: the target answers it as it answers any operation (");
        assert!(finding.found.starts_with(&expected), "{finding:?}");
        assert_eq!(finding.status, DiagnosisStatus::Unknown, "{finding:?}");
    }
}

const ALL_ALIKE: &str = "as it answers an operation that does not exist";
const DOES_NOT_SUCCEED: &str = "a plain call of GetCredentials does not succeed";
const NO_ROUTES: &str = r#"{"error":"no"}"#;
const NO_ROUTE_NAME: &str = r#"{"__type":"NotHere","message":"no"}"#;
const BEYOND: &str = r#"{"error":"no","n":1e400}"#;

#[rstest]
#[case::catch_all((200, "{}"), (200, "{}"), (200, "{}"), ALL_ALIKE)]
#[case::refuses_all((400, NO_ROUTE_NAME), (400, NO_ROUTE_NAME), (400, NO_ROUTE_NAME), ALL_ALIKE)]
#[case::knows_it((400, NO_ROUTE_NAME), (400, r#"{"__type":"A"}"#), (400, NO_ROUTE_NAME), DOES_NOT_SUCCEED)]
#[case::reads_it((400, NO_ROUTE_NAME), (400, NO_ROUTE_NAME), (404, "{}"), DOES_NOT_SUCCEED)]
#[case::own_words((404, NO_ROUTES), (400, r#"{"__type":"A"}"#), (404, NO_ROUTES), DOES_NOT_SUCCEED)]
#[case::beyond_reading((404, BEYOND), (404, BEYOND), (404, BEYOND), DOES_NOT_SUCCEED)]
fn the_operation_is_compared_as_in_a_run(
    #[case] own: (u16, &str),
    #[case] nobodys: (u16, &str),
    #[case] senseless: (u16, &str),
    #[case] expected: &str,
) {
    let mut answers = answers_alike(&exchange_with(own.0, own.1));
    unknown(&mut answers, &exchange_with(nobodys.0, nobodys.1));
    answers.senseless.as_mut().expect("it was asked for").own = exchange_with(senseless.0, senseless.1);
    let findings = findings_of(&target(), &answers);
    let finding = about(&findings, &Topic::Operation);
    assert_eq!(finding.status, DiagnosisStatus::Problem, "{finding:?}");
    assert!(finding.found.contains(expected), "{finding:?}");
    assert_eq!(about(&findings, &Topic::Credentials).status, DiagnosisStatus::Unknown, "{findings:?}");
}

#[test]
fn nothing_is_compared_where_an_answer_is_missing() {
    let mut answers = answers_alike(&exchange_with(200, "{}"));
    answers.unknown = Some(exchange(Err(TransportFault::Lost("closed".to_owned()))));
    assert_eq!(about(&findings_of(&target(), &answers), &Topic::Operation).status, DiagnosisStatus::Ok);
}

#[rstest]
#[case::denied((400, r#"{"__type":"AccessDeniedException"}"#), DiagnosisStatus::Ok, "wg-2 is denied, as it should be")]
#[case::given((200, SUCCESS), DiagnosisStatus::Problem, "the caller is not denied wg-2: 200")]
#[case::hidden((400, NO_WORKGROUP), DiagnosisStatus::Problem, "the target finds no workgroup wg-2, or hides it: 400")]
#[case::broken((500, "{}"), DiagnosisStatus::Unknown, "because asking for it gave no usable answer: 500")]
fn a_workgroup_that_is_said_to_be_denied_is_asked_for(
    #[case] (status, body): (u16, &str),
    #[case] expected: DiagnosisStatus,
    #[case] words: &str,
) {
    let mut answers = answers_alike(&exchange_with(200, SUCCESS));
    unknown(&mut answers, &exchange_with(404, r#"{"__type":"UnknownOperationException"}"#));
    answers.by_resource = vec![("denied-workgroup".to_owned(), exchange_with(status, body))];
    let topic = Topic::Resource("denied-workgroup".to_owned());
    let diagnosis = about(&findings_of(&target().with_denied_workgroup("wg-2"), &answers), &topic);
    assert_eq!(diagnosis.status, expected, "{diagnosis:?}");
    assert!(diagnosis.found.contains(words), "{diagnosis:?}");
    let claimed = target().claiming(["denied-workgroup".parse().expect("a feature")]);
    let diagnosis = about(&findings_of(&claimed, &answers), &topic);
    assert_eq!(diagnosis.status, DiagnosisStatus::Problem, "{diagnosis:?}");
    assert!(
        diagnosis.fix.expect("a fix").contains("name a workgroup that the caller is denied: --denied-workgroup NAME")
    );
}
