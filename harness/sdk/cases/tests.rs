use rstest::rstest;

use super::*;
use crate::contract::{Contract, Fixtures};
use crate::corpus::{Corpus, LoadErrors};

/// Loads one client suite with these cases, beside the embedded cases of the server side.
fn load(cases: &str) -> Result<ClientCorpus, LoadErrors> {
    let contract = Contract::load(&Fixtures::Embedded).expect("the contract is valid");
    let server = Corpus::load(&Fixtures::Embedded, &contract).expect("the corpus is valid");
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir(folder.path().join("client")).expect("a folder");
    let text =
        format!(r#"{{"version":1,"suite":"errors","operation":"GetCredentials","side":"client","cases":[{cases}]}}"#);
    std::fs::write(folder.path().join("client/errors.json"), text).expect("a file");
    ClientCorpus::load(&Fixtures::Folder(folder.path().into()), &contract, &server)
}

/// What is wrong with a suite of these cases: places and messages.
fn faults(cases: &str) -> Vec<(String, String)> {
    let LoadErrors(errors) = load(cases).expect_err("it is wrong");
    errors.into_iter().map(|error| (error.pointer, error.message)).collect()
}

#[test]
fn the_embedded_client_suites_load_and_cite_every_requirement_on_clients() {
    let contract = Contract::load(&Fixtures::Embedded).expect("the contract is valid");
    let server = Corpus::load(&Fixtures::Embedded, &contract).expect("the corpus is valid");
    let clients = ClientCorpus::load(&Fixtures::Embedded, &contract, &server).expect("the client suites are valid");
    assert!(clients.cases().len() >= 30);
}

#[rstest]
#[case::unknown_key(r#"{"id":"errors/x","title":"t","scipt":[]}"#, "/cases/0/scipt", "unknown field")]
#[case::id(r#"{"id":"errors/X","title":"t"}"#, "/cases/0/id", "kebab-case")]
#[case::other_suite(r#"{"id":"requests/x","title":"t"}"#, "/cases/0/id", "expected errors/")]
#[case::twice(r#"{"id":"errors/x","title":"t"},{"id":"errors/x","title":"t"}"#, "/cases/1/id", "stands twice")]
#[case::of_the_server_side(r#"{"id":"errors/unknown-workgroup","title":"t"}"#, "/cases/0/id", "server side has a case")]
#[case::no_such_requirement(
    r#"{"id":"errors/x","title":"t","requirements":["GC-NONE-01"]}"#,
    "/cases/0/requirements/0",
    "there is no requirement"
)]
#[case::server_requirement(
    r#"{"id":"errors/x","title":"t","requirements":["GC-DUR-02"]}"#,
    "/cases/0/requirements/0",
    "binds endpoints"
)]
#[case::excluded(
    r#"{"id":"errors/x","title":"t","requirements":["GC-SDK-01"]}"#,
    "/cases/0/requirements/0",
    "excluded"
)]
#[case::nothing_expected(
    r#"{"id":"errors/x","title":"t","requirements":["GC-CERR-03"]}"#,
    "/cases/0/requirements/0",
    "nothing under"
)]
#[case::expected_of_a_rule(
    r#"{"id":"errors/x","title":"t","requirements":["GC-CSIG-01"],"expect":[{"requirement":"GC-CSIG-01","outcome":"result"}]}"#,
    "/cases/0/requirements/0",
    "decided by a rule"
)]
#[case::not_cited(
    r#"{"id":"errors/x","title":"t","expect":[{"requirement":"GC-CERR-03","outcome":"error"}]}"#,
    "/cases/0/expect/0/requirement",
    "does not cite"
)]
#[case::empty_expectation(
    r#"{"id":"errors/x","title":"t","requirements":["GC-CERR-03"],"expect":[{"requirement":"GC-CERR-03"}]}"#,
    "/cases/0/expect/0",
    "asks for nothing"
)]
#[case::secret_written_out(
    r#"{"id":"errors/x","title":"t","requirements":["GC-SDK-04"],"expect":[{"requirement":"GC-SDK-04","members":{"dbPassword":{"string":"a"}}}]}"#,
    "/cases/0/expect/0/members/dbPassword",
    "as_sent"
)]
#[case::no_secret(
    r#"{"id":"errors/x","title":"t","requirements":["GC-SDK-04"],"expect":[{"requirement":"GC-SDK-04","as_sent":["dbUser"]}]}"#,
    "/cases/0/expect/0/as_sent/0",
    "expected a secret member"
)]
#[case::tag(
    r#"{"id":"errors/x","title":"t","request":{"input":{"workgroupName":"wg-1"}}}"#,
    "/cases/0/request/input/workgroupName",
    "invalid type"
)]
#[case::calls(r#"{"id":"errors/x","title":"t","request":{"calls":0}}"#, "/cases/0/request/calls", "expected 1 to 50")]
#[case::deadline(
    r#"{"id":"errors/x","title":"t","request":{"deadline_ms":1}}"#,
    "/cases/0/request/deadline_ms",
    "expected 100 to"
)]
#[case::endpoint(
    r#"{"id":"errors/x","title":"t","request":{"endpoint":"http://example.com"}}"#,
    "/cases/0/request/endpoint",
    "expected ${endpoint}"
)]
#[case::placeholder(
    r#"{"id":"errors/x","title":"t","request":{"environment":{"AWS_X":"${nothing}"}}}"#,
    "/cases/0/request/environment/AWS_X",
    "no placeholder but"
)]
#[case::key(
    r#"{"id":"errors/x","title":"t","request":{"environment":{"AWS_SECRET_ACCESS_KEY":"x"}}}"#,
    "/cases/0/request/environment/AWS_SECRET_ACCESS_KEY",
    "is no key"
)]
#[case::no_script(r#"{"id":"errors/x","title":"t","script":[]}"#, "/cases/0/script", "at least one step")]
#[case::no_body(r#"{"id":"errors/x","title":"t","script":[{"status":500}]}"#, "/cases/0/script/0", "say the body")]
#[case::two_bodies(
    r#"{"id":"errors/x","title":"t","script":[{"body":{"text":"","hex":""}}]}"#,
    "/cases/0/script/0/body",
    "exactly one"
)]
#[case::raw_and_more(
    r#"{"id":"errors/x","title":"t","script":[{"raw":{"text":""},"status":400}]}"#,
    "/cases/0/script/0/raw",
    "whole answer"
)]
#[case::line_break(
    r#"{"id":"errors/x","title":"t","script":[{"headers":[["a","b\r\nc"]]}]}"#,
    "/cases/0/script/0/headers/0",
    "no line break"
)]
#[case::length(
    r#"{"id":"errors/x","title":"t","script":[{"framing":"chunked","content_length":1}]}"#,
    "/cases/0/script/0/content_length",
    "framing"
)]
#[case::cut(
    r#"{"id":"errors/x","title":"t","script":[{"fault":{"at":"before","how":"close","body_bytes":1}}]}"#,
    "/cases/0/script/0/fault/body_bytes",
    "in-body"
)]
#[case::wait(r#"{"id":"errors/x","title":"t","script":[{"delay_ms":999999}]}"#, "/cases/0/script/0", "no wait above")]
fn a_wrong_case_is_refused_with_its_place(#[case] cases: &str, #[case] pointer: &str, #[case] message: &str) {
    let found = faults(cases);
    let hit = found.iter().any(|(place, text)| place == pointer && text.contains(message));
    assert!(hit, "expected \"{message}\" at {pointer}, found {found:?}");
}

#[test]
fn a_requirement_on_clients_that_no_case_cites_is_an_orphan() {
    let found = faults(r#"{"id":"errors/x","title":"t"}"#);
    assert!(found.iter().any(|(_, message)| message.contains("no client case cites GC-CERR-01")), "{found:?}");
    assert!(!found.iter().any(|(_, message)| message.contains("GC-DUR")), "{found:?}");
}

#[test]
fn one_attempt_is_what_a_case_means_that_says_nothing() {
    let config = |text: &str| serde_json::from_str::<Config>(text).expect("settings");
    let json = |config: &Config| serde_json::to_string(config).expect("JSON");
    assert_eq!(json(&config("{}")), r#"{"maxAttempts":1}"#);
    assert_eq!(json(&config(r#"{"maxAttempts":3}"#)), r#"{"maxAttempts":3}"#);
    // What is left to the SDK is not said at all.
    assert_eq!(json(&config(r#"{"maxAttempts":"default"}"#)), "{}");
}
