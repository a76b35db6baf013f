use rstest::rstest;

use super::*;
use crate::contract::{Contract, Fixtures};
use crate::corpus::{Corpus, LoadErrors};

/// Loads client suites beside the embedded cases of the server side.
fn load(clients: &Fixtures) -> Result<ClientCorpus, LoadErrors> {
    let contract = Contract::load(&Fixtures::Embedded).expect("the contract is valid");
    let server = Corpus::load(&Fixtures::Embedded, &contract).expect("the corpus is valid");
    ClientCorpus::load(clients, &contract, &server)
}

/// What is wrong with a suite of these cases: places and messages.
fn faults(cases: &str) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir(folder.path().join("client")).expect("a folder");
    let text =
        format!(r#"{{"version":1,"suite":"errors","operation":"GetCredentials","side":"client","cases":[{cases}]}}"#);
    std::fs::write(folder.path().join("client/errors.json"), text).expect("a file");
    let LoadErrors(errors) = load(&Fixtures::Folder(folder.path().into())).expect_err("it is wrong");
    errors.into_iter().map(|error| (error.pointer, error.message)).collect()
}

#[track_caller]
fn expect_fault(cases: &str, pointer: &str, message: &str) {
    let found = faults(cases);
    let hit = found.iter().any(|(place, text)| place == pointer && text.contains(message));
    assert!(hit, "expected \"{message}\" at {pointer}, found {found:?}");
}

#[test]
fn the_embedded_client_suites_load_and_cite_every_requirement_on_clients() {
    assert!(load(&Fixtures::EmbeddedToCheck).expect("the client suites are valid").cases().len() >= 30);
}

#[rstest]
#[case::no_kebab_case(&["errors/X"], "kebab-case")]
#[case::other_suite(&["requests/x"], "expected errors/")]
#[case::twice(&["errors/x", "errors/x"], "stands twice")]
#[case::of_the_server_side(&["errors/unknown-workgroup"], "server side has a case")]
fn a_wrong_id_is_refused_with_its_place(#[case] ids: &[&str], #[case] message: &str) {
    let cases: Vec<_> = ids.iter().map(|id| format!(r#"{{"id":"{id}","title":"t"}}"#)).collect();
    expect_fault(&cases.join(","), &format!("/cases/{}/id", ids.len() - 1), message);
}

#[rstest]
#[case::unknown_key(r#""scipt":[]"#, "/scipt", "unknown field")]
#[case::no_such_requirement(r#""requirements":["GC-NONE-01"]"#, "/requirements/0", "there is no requirement")]
#[case::server_requirement(r#""requirements":["GC-DUR-02"]"#, "/requirements/0", "binds endpoints")]
#[case::excluded(r#""requirements":["GC-SDK-01"]"#, "/requirements/0", "excluded")]
#[case::nothing_expected(r#""requirements":["GC-CERR-03"]"#, "/requirements/0", "nothing under")]
#[case::expected_of_a_rule(
    r#""requirements":["GC-CSIG-01"],"expect":[{"requirement":"GC-CSIG-01","outcome":"result"}]"#,
    "/requirements/0",
    "decided by a rule"
)]
#[case::not_cited(
    r#""expect":[{"requirement":"GC-CERR-03","outcome":"error"}]"#,
    "/expect/0/requirement",
    "does not cite"
)]
#[case::empty_expectation(r#""expect":[{"requirement":"GC-CERR-03"}]"#, "/expect/0", "asks for nothing")]
#[case::secret_written_out(
    r#""expect":[{"requirement":"GC-SDK-04","members":{"dbPassword":{"string":"a"}}}]"#,
    "/expect/0/members/dbPassword",
    "as_sent"
)]
#[case::no_secret(
    r#""expect":[{"requirement":"GC-SDK-04","as_sent":["dbUser"]}]"#,
    "/expect/0/as_sent/0",
    "expected a secret member"
)]
#[case::tag(r#""request":{"input":{"workgroupName":"wg-1"}}"#, "/request/input/workgroupName", "invalid type")]
#[case::calls(r#""request":{"calls":0}"#, "/request/calls", "expected 1 to 50")]
#[case::deadline(r#""request":{"deadline_ms":1}"#, "/request/deadline_ms", "expected 100 to")]
#[case::endpoint(r#""request":{"endpoint":"http://example.com"}"#, "/request/endpoint", "expected ${endpoint}")]
#[case::placeholder(
    r#""request":{"environment":{"AWS_X":"${nothing}"}}"#,
    "/request/environment/AWS_X",
    "no placeholder but"
)]
#[case::key(
    r#""request":{"environment":{"AWS_SECRET_ACCESS_KEY":"x"}}"#,
    "/request/environment/AWS_SECRET_ACCESS_KEY",
    "is no key"
)]
#[case::program(
    r#""request":{"environment":{"LD_PRELOAD":"x"}}"#,
    "/request/environment/LD_PRELOAD",
    "or one of _X_AMZN_TRACE_ID"
)]
#[case::server(r#""server":"open""#, "/server", "unknown variant")]
#[case::no_script(r#""script":[]"#, "/script", "at least one step")]
#[case::no_body(r#""script":[{"status":500}]"#, "/script/0", "say the body")]
#[case::two_bodies(r#""script":[{"body":{"text":"","hex":""}}]"#, "/script/0/body", "exactly one")]
#[case::raw_and_more(r#""script":[{"raw":{"text":""},"status":400}]"#, "/script/0/raw", "whole answer")]
#[case::line_break(r#""script":[{"headers":[["a","b\r\nc"]]}]"#, "/script/0/headers/0", "no line break")]
#[case::length(r#""script":[{"framing":"chunked","content_length":1}]"#, "/script/0/content_length", "framing")]
#[case::cut(
    r#""script":[{"fault":{"at":"before","how":"close","body_bytes":1}}]"#,
    "/script/0/fault/body_bytes",
    "in-body"
)]
#[case::wait(r#""script":[{"delay_ms":999999}]"#, "/script/0", "no wait above")]
fn a_wrong_case_is_refused_with_its_place(#[case] members: &str, #[case] pointer: &str, #[case] message: &str) {
    let case = format!(r#"{{"id":"errors/x","title":"t",{members}}}"#);
    expect_fault(&case, &format!("/cases/0{pointer}"), message);
}

#[test]
fn a_requirement_on_clients_that_no_case_cites_is_an_orphan() {
    let found = faults(r#"{"id":"errors/x","title":"t"}"#);
    assert!(found.iter().any(|(_, message)| message.contains("no client case cites GC-CERR-01")), "{found:?}");
    assert!(!found.iter().any(|(_, message)| message.contains("GC-DUR")), "{found:?}");
}

#[test]
fn one_attempt_is_what_a_case_means_that_says_nothing() {
    let config = |text: &str| serde_json::from_str::<SdkClientConfig>(text).expect("settings");
    let json = |config: &SdkClientConfig| serde_json::to_string(config).expect("JSON");
    assert_eq!(json(&config("{}")), r#"{"maxAttempts":1}"#);
    assert_eq!(json(&config(r#"{"maxAttempts":3}"#)), r#"{"maxAttempts":3}"#);
    // A setting that is left to the SDK is not written.
    assert_eq!(json(&config(r#"{"maxAttempts":"default"}"#)), "{}");
}
