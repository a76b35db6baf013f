//! `doctor` says what stands between a target and a run, and what to do about it.

use std::sync::{Arc, Mutex};

use rstest::rstest;

use crate::program::{Finished, Program};
use crate::stub_server::{AWS, Stub, answer, aws, closed_port, refusal};

const RIGHT: &str = r#"{"dbPassword":"CANARY-pw-1","dbUser":"IAM:CANARY","expiration":4e9,"nextRefreshTime":4e9}"#;

fn doctor(endpoint: &str, arguments: &[&str]) -> Program {
    Program::new(&[&["doctor", "--endpoint", endpoint, "--workgroup", "wg-1"], arguments].concat()).signing()
}

/// The status and the words of the finding about a topic.
fn finding(finished: &Finished, topic: &str) -> (String, String) {
    let report = finished.json();
    let findings = report["findings"].as_array().expect("a list");
    let finding = findings.iter().find(|finding| finding["topic"] == topic).unwrap_or_else(|| panic!("{report:#}"));
    let text = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    (text("status"), format!("{}; {}", text("found"), text("fix")))
}

#[test]
fn the_emulator_is_well() {
    let finished = Program::new(&["doctor"]).finish();
    finished.expect(
        0,
        &[
            "checked: a wrong one is refused",
            "agrees with ours",
            "countersign-emulator is known",
            "TagResource, UpdateWorkgroup: not tried, since they could change something",
            "nothing stands in the way",
        ],
    );
    assert!(!finished.stdout.contains("problem"), "{finished:#?}");
}

#[rstest]
#[case::not_there(["404 Not Found", "text/html", "<h1>nothing</h1>"], 1, "operation", "404 text/html: \"nothing\"")]
#[case::not_implemented(["501 No", AWS, r#"{"__type":"InternalFailure"}"#], 1, "operation", "not implemented")]
#[case::refused(["403 No", AWS, r#"{"__type":"UnrecognizedClientException"}"#], 2, "credentials", "AWS_PROFILE")]
#[case::no_workgroup(["400 No", AWS, r#"{"__type":"ResourceNotFoundException"}"#], 2, "workgroup", "--workgroup")]
#[case::redirect(["302 Found", AWS, ""], 2, "operation", "redirects the call")]
#[case::denied(["400 No", AWS, r#"{"__type":"AccessDeniedException"}"#], 2, "credentials", "redshift-serverless:GetCredentials")]
#[case::no_route(["403 No", "text/html", "<h1>Forbidden</h1>"], 2, "credentials", "no such route")]
#[case::tls(["400 No", "text/plain", "This port requires TLS."], 3, "operation", "try https://")]
#[case::error(["500 No", AWS, r#"{"__type":"InternalServerException"}"#], 1, "operation", "an operation that does not exist")]
#[case::busy(["503 Busy", AWS, ""], 3, "operation", "try again")]
fn each_problem_has_its_exit_code_and_says_what_to_do(
    #[case] answered: [&str; 3],
    #[case] code: i32,
    #[case] topic: &str,
    #[case] expected: &str,
) {
    let [status, media, body] = answered;
    let stub = Stub::answering(answer(status, media, body));
    let finished = doctor(&stub.endpoint, &["--format", "json"]).finish();
    finished.expect(code, &[]);
    let (status, words) = finding(&finished, topic);
    assert_eq!(status, "problem", "{finished:#?}");
    assert!(words.contains(expected), "{words}");
}

#[test]
fn a_target_that_hangs_is_given_up_before_the_time_of_one_request() {
    let stub = Stub::hanging();
    let finished = doctor(&stub.endpoint, &["--timeout", "60", "--format", "json"]).finish();
    finished.expect(3, &["takes connections, but no complete answer within"]);
    assert_eq!(finished.json()["findings"].as_array().map(Vec::len), Some(1), "nothing else is guessed: {finished:#?}");
    let took = finished.json()["duration_ms"].as_f64().expect("a number");
    // Less than two seconds on a machine with nothing else to do.
    assert!(took < 20_000.0, "{took} ms");
}

#[test]
fn nothing_that_listens_is_exit_3() {
    let finished = doctor(&closed_port(), &[]).finish();
    finished.expect(3, &["cannot connect", "connection refused", "start the server"]);
}

#[test]
fn a_name_without_an_address_is_exit_3() {
    // No name has a part of more than 63 characters (RFC 1035, 2.3.4), so no resolver asks anybody for it.
    let host = format!("{}.invalid", "n".repeat(64));
    let found = format!("{host} cannot be resolved");
    doctor(&format!("http://{host}:1"), &[]).finish().expect(3, &[&found, "--endpoint"]);
}

/// The URL of a server that answers everything with this.
fn constant(bytes: impl Into<Vec<u8>>) -> String {
    Stub::answering(bytes).endpoint
}

/// An error of the service.
fn error(status: &str, name: &str) -> String {
    refusal(status, name, "the workgroup and all")
}

const NAMED: [&str; 2] = ["--workgroup", "wg-1"];

#[rstest]
#[case::closed_port(closed_port(), &NAMED, 3)]
#[case::closed_port_without_a_workgroup(closed_port(), &[], 3)]
#[case::hangs(Stub::hanging().endpoint, &["--workgroup", "wg-1", "--timeout", "0.3"], 3)]
#[case::throttles(constant("HTTP/1.1 503 Busy\r\nretry-after: 0\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"), &NAMED, 3)]
#[case::refuses_the_credentials(constant(error("403 No", "InvalidSignatureException")), &NAMED, 2)]
#[case::refuses_the_credentials_without_a_workgroup(constant(error("403 No", "AccessDeniedException")), &[], 2)]
#[case::has_no_such_workgroup(constant(error("400 No", "ResourceNotFoundException")), &NAMED, 2)]
#[case::no_workgroup_is_named(constant(error("400 No", "ResourceNotFoundException")), &[], 1)]
#[case::unknown_operation(constant(error("400 No", "UnknownOperationException")), &NAMED, 1)]
#[case::not_implemented(constant(error("501 No", "InternalFailure")), &[], 1)]
#[case::not_aws(constant(answer("404 No", "text/html", "<h1>nothing</h1>")), &NAMED, 1)]
#[case::redirects(constant(aws("302 Found", "")), &NAMED, 2)]
#[case::refuses_without_a_reason(constant(answer("401 No", "text/html", "")), &NAMED, 2)]
#[case::wants_tls(constant(answer("400 No", "text/plain", "Client sent an HTTP request to an HTTPS server.")), &NAMED, 3)]
#[case::fails_inside(constant(error("500 No", "InternalError")), &NAMED, 1)]
#[case::documented_fault(constant(error("500 No", "InternalServerException")), &["--workgroup", "wg-1", "--claim", "signature"], 1)]
#[case::refuses_every_call(constant(error("400 No", "ValidationException")), &NAMED, 1)]
#[case::a_claim_without_any_requirement(constant(aws("200 OK", RIGHT)), &["--workgroup", "wg-1", "--claim", "clock"], 2)]
fn doctor_ends_with_the_exit_code_of_a_run(#[case] endpoint: String, #[case] arguments: &[&str], #[case] code: i32) {
    for command in ["doctor", "run"] {
        let all = [&[command, "--endpoint", &endpoint], arguments].concat();
        Program::new(&all).signing().finish().expect(code, &[]);
    }
}

#[rstest]
#[case::success_without_members(constant(aws("200 OK", "{}")), "answers-all-alike")]
#[case::success_of_the_operation(constant(aws("200 OK", RIGHT)), "answers")]
#[case::documented_fault(constant(error("500 No", "InternalServerException")), "answers-all-alike")]
#[case::fault_of_what_is_there(
    Stub::of_operations(error("500 No", "InternalServerException")).endpoint,
    "answers"
)]
#[case::own_words(constant(answer("404 No", "application/json", r#"{"error":"no"}"#)), "own-json")]
#[case::own_words_of_what_is_there(
    Stub::of_operations(answer("404 No", "application/json", r#"{"error":"no"}"#)).endpoint,
    "answers"
)]
#[case::json_beyond_reading(constant(aws("404 No", r#"{"error":1e400}"#)), "answers")]
fn doctor_and_run_say_the_same_of_the_operation(#[case] endpoint: String, #[case] class: &str) {
    let examined = doctor(&endpoint, &["--format", "json"]).finish();
    assert_eq!(examined.json()["class"], class, "{examined:#?}");
    let arguments = ["run", "success/workgroup-only", "--workgroup", "wg-1", "--report-json", "-", "--endpoint"];
    let judged = Program::new(&[arguments.as_slice(), &[&endpoint]].concat()).signing().finish();
    assert_eq!(judged.json()["run"]["target"]["class"], class, "{judged:#?}");
}

/// The URL of a server that has every workgroup, and answers a call by custom domain with this.
fn with_domain(bytes: impl Into<Vec<u8>>) -> String {
    let bytes = bytes.into();
    let stub = Stub::saying(move |request| match request {
        _ if request.contains("GetNothing") => error("400 No", "UnknownOperationException").into_bytes(),
        _ if request.contains("customDomainName") => bytes.clone(),
        _ => aws("200 OK", RIGHT).into_bytes(),
    });
    stub.endpoint
}

const DOMAIN: [&str; 4] = ["--workgroup", "wg-1", "--custom-domain", "db.example.com"];

#[rstest]
#[case::not_there(with_domain(error("400 No", "ResourceNotFoundException")), &DOMAIN)]
#[case::refused_as_invalid(with_domain(error("400 No", "ValidationException")), &DOMAIN)]
#[case::fault(with_domain(error("500 No", "InternalServerException")), &DOMAIN)]
#[case::redirected(with_domain(aws("302 Found", "")), &DOMAIN)]
#[case::none_is_named(constant(aws("200 OK", RIGHT)), &["--workgroup", "wg-1", "--claim", "custom-domain"])]
fn doctor_ends_with_the_exit_code_of_a_run_by_custom_domain(#[case] endpoint: String, #[case] arguments: &[&str]) {
    let finished = doctor(&endpoint, &[&arguments[2..], &["--format", "json"]].concat()).finish();
    assert_eq!(finding(finished.expect(1, &[]), "custom-domain").0, "problem", "{finished:#?}");
    let problems = finished.stdout.matches("\"problem\"").count();
    assert_eq!(problems, 1, "{finished:#?}");
    let all = [&["run", "success/custom-domain-only", "--endpoint", &endpoint], arguments].concat();
    Program::new(&all).signing().finish().expect(1, &[]);
}

#[rstest]
#[case::well(with_domain(aws("200 OK", RIGHT)), "ok", "db.example.com is answered with credentials; ")]
#[case::not_there(
    with_domain(error("400 No", "ResourceNotFoundException")),
    "problem",
    "does not have db.example.com: 400 application/x-amz-json-1.1 ResourceNotFoundException"
)]
#[case::denied(
    with_domain(error("403 No", "AccessDeniedException")),
    "problem",
    "is not answered with credentials: 403"
)]
#[case::empty(with_domain(aws("200 OK", "{}")), "unknown", "the answer holds no credentials: 200")]
#[case::busy(with_domain(aws("503 Busy", "")), "unknown", "no usable answer: 503")]
#[case::closes(with_domain(""), "unknown", "no usable answer")]
#[case::everything_alike(
    constant(error("400 No", "ResourceNotFoundException")),
    "unknown",
    "an operation that nobody has is answered alike"
)]
#[case::refuses_everything(
    constant(error("400 No", "ValidationException")),
    "unknown",
    "the call by workgroup is not accepted either"
)]
fn a_custom_domain_is_praised_and_accused_with_grounds_only(
    #[case] endpoint: String,
    #[case] status: &str,
    #[case] expected: &str,
) {
    let finished = doctor(&endpoint, &["--custom-domain", "db.example.com", "--format", "json"]).finish();
    let (found, words) = finding(&finished, "custom-domain");
    assert_eq!(found, status, "{finished:#?}");
    assert!(words.contains(expected), "{words}");
    assert!(!finished.stdout.contains("CANARY"), "{finished:#?}");
}

#[test]
fn no_custom_domain_is_asked_for_where_none_is_named_and_one_call_is_made_where_one_is() {
    let bodies_asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&bodies_asked);
    let stub = Stub::saying(move |request| {
        seen.lock().expect("one at a time").push(request.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned());
        aws("200 OK", RIGHT)
    });
    let finished = doctor(&stub.endpoint, &["--format", "json"]).finish();
    assert!(!finished.expect(0, &[]).stdout.contains("custom-domain"), "{finished:#?}");
    let by_domain =
        || bodies_asked.lock().expect("all were asked").iter().filter(|body| body.contains("Domain")).count();
    assert_eq!(by_domain(), 0);
    doctor(&stub.endpoint, &["--custom-domain", "db.example.com"]).finish().expect(0, &["ok       custom-domain  "]);
    assert_eq!(by_domain(), 1);
}

#[test]
fn a_name_that_no_workgroup_can_have_is_not_held_against_the_server_by_doctor_either() {
    let stub = Stub::of_operations(error("400 No", "ValidationException"));
    let endpoint = stub.endpoint;
    for command in ["doctor", "run"] {
        let all = [command, "--endpoint", &endpoint, "--no-sign", "--workgroup", "my_workgroup"];
        let expected = "--workgroup: expected 3 to 64 lower-case letters, digits and hyphens, found \"my_workgroup\"";
        Program::new(&all).finish().expect(2, &[expected]);
    }
    let finished = doctor(&endpoint, &["--format", "json"]).env("COUNTERSIGN_WORKGROUP", "not_used").finish();
    assert_eq!(finding(finished.expect(1, &[]), "operation").0, "problem", "the flag's own name is a right one");
}

#[rstest]
#[case::well(&[], 0)]
#[case::unsigned(&["--no-sign"], 2)]
#[case::another_workgroup(&["--workgroup", "another"], 0)]
fn doctor_ends_with_the_exit_code_of_a_run_of_the_emulator(#[case] arguments: &[&str], #[case] code: i32) {
    for command in ["doctor", "run"] {
        let all = [&[command, "--target", "emulator"], arguments].concat();
        Program::new(&all).finish().expect(code, &[]);
    }
}

#[test]
fn doctor_ends_with_the_exit_code_of_a_run_where_there_is_nothing_to_sign_with() {
    for command in ["doctor", "run"] {
        let mut program = Program::new(&[command, "--endpoint", &closed_port(), "--workgroup", "wg-1"]);
        program.finish().expect(2, &["--no-sign"]);
    }
}

#[test]
fn without_a_workgroup_it_names_those_that_there_are() {
    let stub = Stub::saying(|request| {
        let listing = aws("200 OK", r#"{"workgroups":[{"workgroupName":"theirs"}]}"#);
        let is_listing = request.contains("RedshiftServerless.ListWorkgroups");
        if is_listing { listing } else { error("400 No", "ResourceNotFoundException") }
    });
    let finished = Program::new(&["doctor", "--endpoint", &stub.endpoint, "--format", "json"]).signing().finish();
    finished.expect(1, &[]);
    let (status, words) = finding(&finished, "workgroup");
    assert_eq!(status, "problem", "{finished:#?}");
    assert!(words.ends_with("name one that the server has: --workgroup NAME (it has theirs)"), "{words}");
    assert!(finished.stdout.contains("ListWorkgroups is there"), "{finished:#?}");
}

#[test]
fn a_plain_server_asked_for_tls_is_exit_3_with_the_scheme_to_write() {
    let stub = Stub::greeting("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    let endpoint = stub.endpoint.replace("http:", "https:");
    doctor(&endpoint, &[]).finish().expect(3, &["handshake failed", "write http:// in --endpoint"]);
}

#[test]
fn only_operations_that_change_nothing_are_asked() {
    let operations_asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&operations_asked);
    let stub = Stub::saying(move |request| {
        let target = request.lines().find_map(|line| line.strip_prefix("x-amz-target: RedshiftServerless."));
        seen.lock().expect("one at a time").push(target.unwrap_or_default().to_owned());
        aws("200 OK", RIGHT)
    });
    let finished = doctor(&stub.endpoint, &["--format", "json"]).finish();
    finished.expect(0, &["not checked: a wrong one is accepted"]);
    let mut operations_asked = operations_asked.lock().expect("all were asked").clone();
    // A connection without any request tells whether there is a way.
    operations_asked.retain(|operation| !operation.is_empty());
    operations_asked.sort();
    // The one that nobody has shows what an answer of the others is worth: it gets each of their requests.
    let neighbours = [
        "GetCustomDomainAssociation",
        "GetNamespace",
        "GetWorkgroup",
        "ListCustomDomainAssociations",
        "ListNamespaces",
        "ListTagsForResource",
        "ListWorkgroups",
    ];
    let mut changing_nothing = [["GetCredentials"; 4].as_slice(), &["GetNothing"; 9], &neighbours].concat();
    changing_nothing.sort_unstable();
    assert_eq!(operations_asked, changing_nothing);
    assert!(!finished.stdout.contains("CANARY"), "{finished:#?}");
    assert_eq!(finding(&finished, "clock").0, "unknown");
}

#[test]
fn without_credentials_it_goes_on_and_says_what_to_set() {
    let stub = Stub::answering(aws("200 OK", RIGHT));
    let finished = Program::new(&["doctor", "--endpoint", &stub.endpoint, "--workgroup", "wg-1"]).finish();
    finished.expect(2, &["none to sign with", "AWS_ACCESS_KEY_ID", "wg-1 is known"]);
}

#[test]
fn real_aws_is_refused_before_any_name_is_resolved() {
    Program::new(&["doctor", "--target", "aws"]).finish().expect(6, &["--allow-aws"]);
}

#[test]
fn a_hostile_answer_cannot_steer_the_terminal() {
    let stub = Stub::answering(refusal("500 No", "Nope", r"\u001b[31mred\u202e"));
    let finished = doctor(&stub.endpoint, &[]).finish();
    finished.expect(1, &["\\u{1b}[31mred"]);
    assert!(!finished.stdout.contains(['\u{1b}', '\u{202e}']), "{finished:#?}");
}
