//! One server for each way in which real emulators were seen to answer `GetCredentials`, each with
//! the bytes of the emulator that its case is named after: what it is called, what is quoted, what
//! becomes of every case, how the run ends.
//!
//! Bytes: moto 5.2.5, ministack 1.5.33, aws-local-run 1.1.0, `MockMesh` 0.2.0, fakecloud 0.51.0, laws 1.2.0,
//! `LocalEmu` 1.3.2, localstack-core 2026.3.0 as they answered on loopback; floci and winterbaume as
//! their sources say. Dates and request ids are left out; the answers close the connection.

use std::collections::BTreeMap;
use std::fs;

use rstest::rstest;
use serde_json::Value;

use crate::program::{Finished, Program};
use crate::stub_server::{Stub, closed_port};

const MOTO_PAGE: &str = "<!doctype html>\n<html lang=en>\n<title>500 Internal Server Error</title>\n\
    <h1>Internal Server Error</h1>\n<p>The server encountered an internal error and was unable to complete your \
    request. Either the server is overloaded or there is an error in the application.</p>\n";

/// What a run left behind.
struct Judged {
    finished: Finished,
    report: Value,
}

impl Judged {
    fn at(endpoint: &str) -> Self {
        let mut program = Program::at(endpoint, "run --timeout 0.3 --report-json report.json");
        Self { finished: program.finish(), report: program.json("report.json") }
    }

    fn target(&self, field: &str) -> &str {
        self.report["run"]["target"][field].as_str().expect("a text")
    }

    fn verdicts(&self) -> BTreeMap<&str, &str> {
        let cases = self.report["cases"].as_array().expect("a list");
        cases
            .iter()
            .map(|case| (case["id"].as_str().expect("an id"), case["verdict"].as_str().expect("a word")))
            .collect()
    }

    /// Checks the exit code, the class, and that the report's text says once what it means and quotes.
    #[track_caller]
    fn expect(&self, code: i32, class: &str, meaning: &str, answer: &str) {
        self.finished.expect(code, &[]);
        assert_eq!((self.target("class"), self.target("meaning"), self.target("said")), (class, meaning, answer));
        let text = &self.finished.stdout;
        assert_eq!(text.matches(&format!("The target {meaning}.")).count(), 1, "{text}");
        // Only an answer is something that it said.
        let met =
            if answer.starts_with(|first: char| first.is_ascii_digit()) { "It said" } else { "The call ended with" };
        assert_eq!(text.matches(&format!("{met}: {answer}\n")).count(), 1, "{text}");
    }
}

/// The cases as the fixtures have them, each with whether it has a control and whether it needs a
/// feature that an endpoint does not claim by itself.
fn cases() -> BTreeMap<String, (bool, bool)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/server");
    let mut cases = BTreeMap::new();
    for file in fs::read_dir(folder).expect("the fixtures are there").flatten() {
        let suite: Value =
            serde_json::from_str(&fs::read_to_string(file.path()).expect("a suite")).expect("a suite is JSON");
        for case in suite["cases"].as_array().expect("a suite has cases") {
            let id = case["id"].as_str().expect("a case has an id").to_owned();
            cases.insert(id, (case["control"].is_object(), case["needs"].is_array()));
        }
    }
    cases
}

/// The case of an expanded id: itself, or what stands before the value of a family.
fn of<'a>(cases: &'a BTreeMap<String, (bool, bool)>, id: &str) -> &'a (bool, bool) {
    let mut parts = id.splitn(3, '/');
    let case = format!("{}/{}", parts.next().expect("a suite"), parts.next().expect("a name"));
    &cases[&case]
}

const AWS: &str = "content-type: application/x-amz-json-1.1\r\n";
const JSON: &str = "content-type: application/json\r\n";
const XML: &str = "content-type: application/xml\r\n";

fn bytes(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

#[rstest]
#[case::fakecloud(
    bytes("400 Bad Request", AWS, r#"{"__type":"UnknownOperationException","message":"The operation RedshiftServerless.GetCredentials is not recognized."}"#),
    "unknown-operation",
    "does not know the operation GetCredentials",
    r#"400 application/x-amz-json-1.1 UnknownOperationException: "The operation RedshiftServerless.GetCredentials is not recognized.""#
)]
#[case::floci(
    bytes("404 Not Found", &format!("{AWS}X-Amzn-Errortype: UnknownOperationException\r\n"), r#"{"__type":"UnknownOperationException","message":"Unknown operation: RedshiftServerless.GetCredentials"}"#),
    "unknown-operation",
    "does not know the operation GetCredentials",
    r#"404 application/x-amz-json-1.1 UnknownOperationException: "Unknown operation: RedshiftServerless.GetCredentials""#
)]
#[case::winterbaume(
    bytes(
        "404 Not Found",
        AWS,
        r#"{"__type":"UnknownService","message":"No service registered for: https://127.0.0.1/"}"#
    ),
    "unknown-service",
    "does not know the service redshift-serverless",
    r#"404 application/x-amz-json-1.1 UnknownService: "No service registered for: https://127.0.0.1/""#
)]
#[case::localemu(
    bytes("501 ", &format!("{JSON}X-Amzn-Errortype: InternalFailure\r\n"), r#"{"__type": "InternalFailure", "message": "API for operation 'GetCredentials' of service 'redshift-serverless' has not yet been implemented in LocalEmu. Please open an issue at https://github.com/localemu/localemu/issues."}"#),
    "declared-not-implemented",
    "says that GetCredentials is not implemented",
    r#"501 application/json InternalFailure: "API for operation 'GetCredentials' of service 'redshift-serverless' has not yet been implemented in LocalEmu. Please open an issue at https://github.com/localemu/localemu/issues.""#
)]
#[case::localstack(
    bytes("501 ", &format!("{JSON}X-Amzn-Errortype: InternalFailure\r\n"), r#"{"__type": "InternalFailure", "message": "The API for service redshift-serverless is either not included in your current license plan or has not yet been emulated by LocalStack."}"#),
    "declared-not-implemented",
    "says that GetCredentials is not implemented",
    r#"501 application/json InternalFailure: "The API for service redshift-serverless is either not included in your current license plan or has not yet been emulated by LocalStack.""#
)]
#[case::ministack(
    bytes("400 Bad Request", JSON, r#"{"error": "Unsupported service: redshift-serverless"}"#),
    "own-json",
    "answers with an error of its own instead of one of AWS, so it does not have GetCredentials",
    r#"400 application/json: "Unsupported service: redshift-serverless""#
)]
#[case::aws_local_run(
    bytes("400 BAD REQUEST", JSON, r#"{"error": "Cannot detect target service"}"#),
    "own-json",
    "answers with an error of its own instead of one of AWS, so it does not have GetCredentials",
    r#"400 application/json: "Cannot detect target service""#
)]
#[case::mockmesh_server(
    "HTTP/1.0 404 Not Found\r\nServer: BaseHTTP/0.6 Python/3.11.7\r\n\r\n".to_owned(),
    "not-aws",
    "gives no answer of AWS, so it does not have GetCredentials",
    "404"
)]
#[case::laws(
    bytes("404 Not Found", "content-type: text/plain; charset=utf-8\r\n", "Unknown service or action"),
    "not-aws",
    "gives no answer of AWS, so it does not have GetCredentials",
    r#"404 text/plain: "Unknown service or action""#
)]
#[case::moto(
    bytes("500 INTERNAL SERVER ERROR", "Content-Type: text/html; charset=utf-8\r\n", MOTO_PAGE),
    "not-aws",
    "gives no answer of AWS, so it does not have GetCredentials",
    concat!(
        r#"500 text/html: "500 Internal Server Error Internal Server Error The server encountered an internal error and was"#,
        r#" unable to complete your request. Either the server is overloaded or there is an error in the applicatio…""#
    )
)]
#[case::moto_as_s3(
    bytes(
        "200 OK",
        XML,
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<ListAllMyBucketsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Buckets/></ListAllMyBucketsResult>"
    ),
    "wrong-service",
    "answers as another service, so it does not have GetCredentials",
    "200 application/xml"
)]
#[case::ministack_as_s3(
    bytes(
        "405 Method Not Allowed",
        XML,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>MethodNotAllowed</Code><Message>The specified method is not allowed against this resource.</Message><Resource /></Error>"
    ),
    "wrong-service",
    "answers as another service, so it does not have GetCredentials",
    r#"405 application/xml: "MethodNotAllowed The specified method is not allowed against this resource.""#
)]
#[case::fakecloud_as_api_gateway(
    bytes("404 Not Found", JSON, r#"{"__type":"NotFoundException","message":"Stage not specified"}"#),
    "wrong-service",
    "answers as another service, so it does not have GetCredentials",
    r#"404 application/json NotFoundException: "Stage not specified""#
)]
#[case::aws_local_run_as_open_search(
    bytes("200 OK", JSON, r#"{"name": "localrun-node", "cluster_name": "localrun", "cluster_uuid": "localrun-uuid", "version": {"number": "2.11.0", "distribution": "opensearch", "build_type": "tar", "lucene_version": "9.7.0"}, "tagline": "The OpenSearch Project: https://opensearch.org/"}"#),
    "wrong-service",
    "answers as another service, so it does not have GetCredentials",
    "200 application/json"
)]
#[case::localemu_fault(
    bytes("500 ", &format!("{JSON}X-Amzn-Errortype: InternalError\r\n"), r#"{"__type": "InternalError", "message": "exception while calling redshift-serverless with unknown operation: An unknown error occurred when trying to parse the request."}"#),
    "answers-all-alike",
    "answers GetCredentials as it answers an operation that does not exist, so it does not have GetCredentials",
    r#"500 application/json InternalError: "exception while calling redshift-serverless with unknown operation: An unknown error occurred when trying to parse the request.""#
)]
fn a_server_without_the_operation_is_named_once_and_accused_of_nothing(
    #[case] bytes: String,
    #[case] class: &str,
    #[case] meaning: &str,
    #[case] answer: &str,
) {
    // A fault may pass, so a request that is answered with one is sent again.
    let is_fault = bytes.starts_with("HTTP/1.1 500");
    let stub = Stub::answering(bytes);
    let judged = Judged::at(&stub.endpoint);
    judged.expect(1, class, meaning, answer);
    // One call and another are enough where the name of the error says it. Else two requests are compared with the same
    // ones for an operation that nobody has, each made twice.
    let calls = stub.connections();
    assert!([2, 8].contains(&calls) || (is_fault && calls <= 50), "{calls} calls");
    let cases = cases();
    let verdicts = judged.verdicts();
    assert!(verdicts.len() >= cases.len(), "{} of {}", verdicts.len(), cases.len());
    for (id, verdict) in verdicts {
        assert_eq!(verdict, "not-implemented", "{id} {:?}", of(&cases, id));
    }
    assert_eq!(judged.report["summary"]["features"]["core"]["violated"], 0);
    assert_eq!(judged.report["summary"]["conformant"], false);
}

// In process MockMesh fills the shape of the answer, whatever the request.
#[rstest]
#[case::mockmesh(
    bytes("200 OK", AWS, r#"{"dbPassword":"mock-DbPassword","dbUser":"mock-DbUser","expiration":"2026-11-22T04:33:54.896064+00:00","nextRefreshTime":"2026-11-22T04:33:54.896098+00:00"}"#),
    "answers",
    "answers GetCredentials",
    "200 application/x-amz-json-1.1",
    "expected a number, found a string of 32 characters"
)]
fn a_server_with_the_operation_broken_fails_what_must_succeed_and_proves_nothing_by_refusing(
    #[case] bytes: String,
    #[case] class: &str,
    #[case] meaning: &str,
    #[case] answer: &str,
    #[case] found: &str,
) {
    let judged = Judged::at(&Stub::answering(bytes).endpoint);
    if class == "answers" {
        judged.finished.expect(1, &[]);
        assert_eq!((judged.target("class"), judged.target("meaning"), judged.target("said")), (class, meaning, answer));
    } else {
        judged.expect(1, class, meaning, answer);
    }
    judged.finished.expect(1, &[found]);
    assert!(!judged.finished.stdout.contains("mock-DbPassword"), "{:#?}", judged.finished);
    let cases = cases();
    for (id, verdict) in judged.verdicts() {
        let expected = match of(&cases, id) {
            (_, true) => "not-applicable",
            // What takes every request takes those that it must refuse, and those that it may.
            (true, false) if id.starts_with("parameters/duration-outside/") && class == "answers" => "fail",
            (true, false) if class == "answers" => ["fail", "pass"][usize::from(verdict == "pass")],
            (true, false) => "blocked",
            (false, false) => "fail",
        };
        assert_eq!(verdict, expected, "{id}");
    }
}

#[rstest]
#[case::hangs(Stub::hanging().endpoint, "no complete answer within 300 ms")]
#[case::refuses_to_connect(closed_port(), "cannot connect")]
fn a_server_that_gives_no_answer_leaves_every_case_indeterminate(#[case] endpoint: String, #[case] expected: &str) {
    let judged = Judged::at(&endpoint);
    judged.finished.expect(3, &[expected]);
    assert_eq!(judged.target("class"), "unreachable");
    assert!(judged.target("said").contains(expected), "{}", judged.target("said"));
    for (id, verdict) in judged.verdicts() {
        assert_eq!(verdict, "indeterminate", "{id}");
    }
}
