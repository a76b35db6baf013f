//! Whole calls: a request in, an answer out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rstest::rstest;
use serde_json::{Value, json};

use super::{Clock, EmulatedService, EmulatorOptions};
use crate::wire::sigv4::{self, Scope};
use crate::wire::{Credentials, Request, Response, Secret};

/// 2023-11-14T22:13:20.059Z, the time of the stopped clock.
const NOW: i64 = 1_700_000_000_059;

fn now() -> Timestamp {
    Timestamp::from_millisecond(NOW).unwrap()
}

pub(super) fn caller() -> Credentials {
    Credentials::new("AKIDEXAMPLE", "a-secret")
}

pub(super) fn options() -> EmulatorOptions {
    EmulatorOptions {
        workgroups: vec!["wg-2".into(), "wg-1".into()],
        custom_domains: BTreeMap::from([("db.Example.com".into(), "wg-1".into())]),
        credentials: caller(),
        user: "IAM:alice".into(),
        clock: Clock::new(now),
        ..EmulatorOptions::default()
    }
}

fn service() -> EmulatedService {
    EmulatedService::new(options()).unwrap()
}

pub(super) fn unsigned(operation: &str, body: &str) -> Request {
    let target = format!("RedshiftServerless.{operation}");
    let headers =
        [("host", "127.0.0.1:4567"), ("content-type", "application/x-amz-json-1.1"), ("x-amz-target", &target)];
    Request { method: "POST".into(), target: "/".into(), headers: headers.into_iter().collect(), body: body.into() }
}

pub(super) fn sign(mut request: Request, credentials: &Credentials, region: &str, at: Timestamp) -> Request {
    sigv4::sign(&mut request, credentials, Scope { region, service: "redshift-serverless" }, at);
    request
}

fn signed_request(operation: &str, body: &str) -> Request {
    sign(unsigned(operation, body), &caller(), "us-east-1", now())
}

/// The answer of a service to a call, which must succeed.
#[track_caller]
fn answer(service: &EmulatedService, operation: &str, input: &Value) -> Value {
    let response = service.answer(&signed_request(operation, &input.to_string()));
    assert_eq!(response.status, 200, "{:?}", response.json());
    response.json().unwrap()
}

/// Status, name and message of an answer that is a refusal.
pub(super) fn refusal_parts(response: &Response) -> (u16, String, String) {
    let text = |member: &str| response.json().unwrap()[member].as_str().unwrap().to_owned();
    assert!(!text("message").is_empty());
    (response.status, text("__type"), text("message"))
}

#[track_caller]
pub(super) fn assert_refused(response: &Response, status: u16, name: &str) {
    let (found, found_name, message) = refusal_parts(response);
    assert_eq!((found, found_name.as_str()), (status, name), "{message}");
}

fn refusal(operation: &str, input: &Value) -> (u16, String, String) {
    refusal_parts(&service().answer(&signed_request(operation, &input.to_string())))
}

#[rstest]
#[case::success(json!({"workgroupName": "wg-1"}), 200)]
#[case::refusal(json!({}), 400)]
fn every_answer_has_the_headers_of_the_protocol(#[case] body: Value, #[case] status: u16) {
    let response = service().answer(&signed_request("GetCredentials", &body.to_string()));
    assert_eq!(response.status, status);
    assert_eq!(response.headers.get("content-type"), Some("application/x-amz-json-1.1"));
    assert_eq!(response.headers.get("content-length"), Some(response.body.len().to_string().as_str()));
    assert_eq!(response.headers.get("date"), Some("Tue, 14 Nov 2023 22:13:20 GMT"));
    assert_eq!(response.headers.get("x-amzn-requestid").unwrap().len(), 36);
}

#[rstest]
fn an_unknown_workgroup_is_not_found(#[values("GetCredentials", "GetWorkgroup")] operation: &str) {
    let response = service().answer(&signed_request(operation, r#"{"workgroupName":"nobody"}"#));
    assert_eq!(response.status, 400);
    assert_eq!(
        response.json().unwrap(),
        json!({
            "__type": "ResourceNotFoundException",
            "message": "Serverless workgroup nobody not found.",
            "resourceName": "nobody",
        })
    );
}

#[rstest]
#[case::nothing_required("ListWorkgroups", 200)]
#[case::a_name_required("GetWorkgroup", 400)]
#[case::one_of_two_names_required("GetCredentials", 400)]
fn an_empty_body_is_an_empty_input(#[case] operation: &str, #[case] status: u16) {
    let response = service().answer(&signed_request(operation, ""));
    assert_eq!(response.status, status);
    if status == 400 {
        assert_refused(&response, 400, "ValidationException");
    }
}

#[test]
fn a_signature_that_cannot_be_read_is_incomplete() {
    let mut request = signed_request("GetCredentials", r#"{"workgroupName":"wg-1"}"#);
    request.headers.set("authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE");
    assert_refused(&service().answer(&request), 400, "IncompleteSignatureException");
}

#[test]
fn an_unknown_key_is_not_recognised() {
    let request = unsigned("GetCredentials", r#"{"workgroupName":"wg-1"}"#);
    let request = sign(request, &Credentials::new("AKIDOTHER", "a-secret"), "us-east-1", now());
    let expected = json!({
        "__type": "UnrecognizedClientException",
        "message": "The security token included in the request is invalid.",
    });
    assert_eq!(service().answer(&request).json(), Some(expected));
}

#[rstest]
#[case::secret("another-secret", "us-east-1", NOW)]
#[case::region("a-secret", "eu-west-1", NOW)]
#[case::yesterday("a-secret", "us-east-1", NOW - 86_400_000)]
#[case::tomorrow("a-secret", "us-east-1", NOW + 86_400_000)]
fn a_wrong_signature_is_invalid(#[case] secret: &str, #[case] region: &str, #[case] at: i64) {
    let request = unsigned("GetCredentials", r#"{"workgroupName":"wg-1"}"#);
    let at = Timestamp::from_millisecond(at).unwrap();
    let request = sign(request, &Credentials::new("AKIDEXAMPLE", secret), region, at);
    assert_refused(&service().answer(&request), 400, "InvalidSignatureException");
}

#[rstest]
#[case::right(Some("a-token"), Some("a-token"), true)]
#[case::wrong(Some("a-token"), Some("b-token"), false)]
#[case::absent(Some("a-token"), None, false)]
#[case::unasked(None, Some("a-token"), false)]
fn a_session_token_must_be_the_callers(
    #[case] known: Option<&str>,
    #[case] sent: Option<&str>,
    #[case] accepted: bool,
) {
    let caller_with = |token: Option<&str>| Credentials { session_token: token.map(Secret::from), ..caller() };
    let service = EmulatedService::new(EmulatorOptions { credentials: caller_with(known), ..options() }).unwrap();
    let request = unsigned("GetCredentials", r#"{"workgroupName":"wg-1"}"#);
    let response = service.answer(&sign(request, &caller_with(sent), "us-east-1", now()));
    if accepted {
        assert_eq!(response.status, 200);
    } else {
        assert_refused(&response, 400, "UnrecognizedClientException");
    }
}

#[test]
fn a_body_beyond_1_mib_is_too_large() {
    let response = service().answer(&unsigned("GetCredentials", &" ".repeat(1024 * 1024 + 1)));
    assert_refused(&response, 413, "RequestEntityTooLargeException");
}

#[rstest]
fn another_operation_is_unknown_with_400(
    #[values("", "getcredentials", "DropEverything", "GetCredentialsX", "Get")] name: &str,
) {
    assert_refused(&service().answer(&signed_request(name, "{}")), 400, "UnknownOperationException");
}

/// Each request breaks its rule and every later one.
#[rstest]
#[case::operation(unsigned("Other", "{"), "UnknownOperationException")]
#[case::signature(unsigned("GetCredentials", "{"), "MissingAuthenticationTokenException")]
#[case::signature_of_another(unsigned("ListWorkgroups", "{"), "MissingAuthenticationTokenException")]
#[case::type_(
    signed_request("GetCredentials", r#"{"workgroupName":"X","durationSeconds":"1"}"#),
    "SerializationException"
)]
#[case::type_of_another(
    signed_request("ListWorkgroups", r#"{"maxResults":0,"ownerAccount":1}"#),
    "SerializationException"
)]
#[case::constraint(
    signed_request("GetCredentials", r#"{"workgroupName":"nobody","durationSeconds":1}"#),
    "ValidationException"
)]
fn what_is_checked_first_decides(#[case] request: Request, #[case] name: &str) {
    assert_refused(&service().answer(&request), 400, name);
}

#[rstest]
#[case("GetCredentials", "workgroupName", json!([]))]
#[case("GetCredentials", "dbName", json!([]))]
#[case("GetCredentials", "customDomainName", json!([]))]
#[case("GetCredentials", "durationSeconds", json!([]))]
#[case("GetWorkgroup", "workgroupName", json!(5))]
#[case("ListWorkgroups", "maxResults", json!("1"))]
#[case("ListWorkgroups", "maxResults", json!(1.5))]
#[case("ListWorkgroups", "nextToken", json!(1))]
#[case("ListWorkgroups", "ownerAccount", json!(123_456_789_012_u64))]
fn another_type_is_a_serialization_error(#[case] operation: &str, #[case] member: &str, #[case] value: Value) {
    let (status, name, _) = refusal(operation, &json!({ member: value }));
    assert_eq!((status, name.as_str()), (400, "SerializationException"));
}

#[rstest]
#[case("GetCredentials", "durationSeconds", json!(899), "have value greater than or equal to 900")]
#[case("GetCredentials", "durationSeconds", json!(3601), "have value less than or equal to 3600")]
#[case("GetCredentials", "customDomainName", json!("a..b"), "satisfy regular expression pattern: ^(((?!-)[A-Za-z0-9-]{0,62}[A-Za-z0-9])\\.)+((?!-)[A-Za-z0-9-]{1,62}[A-Za-z0-9])$")]
#[case("GetCredentials", "workgroupName", json!("wg"), "have length greater than or equal to 3")]
#[case("GetWorkgroup", "workgroupName", json!("wg"), "have length greater than or equal to 3")]
#[case("GetWorkgroup", "workgroupName", json!("a".repeat(65)), "have length less than or equal to 64")]
#[case("GetWorkgroup", "workgroupName", json!("Wg-1"), "satisfy regular expression pattern: ^[a-z0-9-]+$")]
#[case("ListWorkgroups", "maxResults", json!(0), "have value greater than or equal to 1")]
#[case("ListWorkgroups", "maxResults", json!(-1), "have value greater than or equal to 1")]
#[case("ListWorkgroups", "maxResults", json!(101), "have value less than or equal to 100")]
#[case("ListWorkgroups", "ownerAccount", json!("12345678901"), "satisfy regular expression pattern: (\\d{12})")]
#[case("ListWorkgroups", "ownerAccount", json!("12345678901a"), "satisfy regular expression pattern: (\\d{12})")]
#[case("ListWorkgroups", "ownerAccount", json!("١٢٣٤٥٦٧٨٩٠١٢"), "satisfy regular expression pattern: (\\d{12})")]
#[case("ListWorkgroups", "ownerAccount", json!("1234567890123"), "have length less than or equal to 12")]
#[case("ListWorkgroups", "ownerAccount", json!("a123456789012"), "have length less than or equal to 12")]
fn a_value_that_breaks_one_constraint_is_refused_for_it(
    #[case] operation: &str,
    #[case] member: &str,
    #[case] value: Value,
    #[case] breach: &str,
) {
    let mut input = if operation == "GetCredentials" { json!({"workgroupName": "wg-1"}) } else { json!({}) };
    input[member] = value;
    let message =
        format!("1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must {breach}");
    assert_eq!(refusal(operation, &input), (400, "ValidationException".to_owned(), message));
}

#[rstest]
#[case::none_of_two(
    "GetCredentials",
    json!({}),
    "1 validation error detected: The custom domain name or the workgroup name must be included in the request"
)]
#[case::absent("GetWorkgroup", json!({}), NULL)]
#[case::null("GetWorkgroup", json!({"workgroupName": null}), NULL)]
#[case::another_letter_case("GetWorkgroup", json!({"WorkgroupName": "wg-1"}), NULL)]
#[case::two_that_disagree(
    "GetCredentials",
    json!({"customDomainName": "db.example.com", "workgroupName": "wg-2"}),
    "The custom domain db.example.com is not associated with the workgroup wg-2."
)]
#[case::invented_token("ListWorkgroups", json!({"nextToken": "anything"}), NO_TOKEN)]
#[case::empty_token("ListWorkgroups", json!({"nextToken": ""}), NO_TOKEN)]
#[case::a_name_for_a_token("ListWorkgroups", json!({"nextToken": "wg-2"}), NO_TOKEN)]
#[case::a_number_for_a_token("ListWorkgroups", json!({"nextToken": "1"}), NO_TOKEN)]
fn an_input_without_what_it_needs_is_refused(#[case] operation: &str, #[case] input: Value, #[case] message: &str) {
    assert_eq!(refusal(operation, &input), (400, "ValidationException".to_owned(), message.to_owned()));
}

const NULL: &str =
    "1 validation error detected: Value null at 'workgroupName' failed to satisfy constraint: Member must not be null";
const NO_TOKEN: &str = "The nextToken was not given out for this list.";

#[rstest]
#[case::of_several_members(
    "GetCredentials",
    json!({"workgroupName": "A", "durationSeconds": 1, "dbName": "1 "}),
    "5 validation errors detected: Value at 'dbName'"
)]
#[case::of_one_member("ListWorkgroups", json!({"ownerAccount": ""}), "2 validation errors detected: Value at 'owner")]
fn every_breach_is_listed(#[case] operation: &str, #[case] input: Value, #[case] start: &str) {
    let (_, _, message) = refusal(operation, &input);
    assert!(message.starts_with(start), "{message}");
    assert_eq!(message.matches("; Value at '").count() + 1, start[..1].parse::<usize>().unwrap(), "{message}");
}

#[rstest]
#[case::default(json!({"workgroupName": "wg-1"}), 1_700_000_900.059)]
#[case::least(json!({"workgroupName": "wg-1", "durationSeconds": 900}), 1_700_000_900.059)]
#[case::most(json!({"workgroupName": "wg-1", "durationSeconds": 3600}), 1_700_003_600.059)]
#[case::by_domain(json!({"customDomainName": "db.example.com"}), 1_700_000_900.059)]
#[case::domain_in_capitals(json!({"customDomainName": "DB.EXAMPLE.COM"}), 1_700_000_900.059)]
#[case::both_names(json!({"customDomainName": "db.example.com", "workgroupName": "wg-1"}), 1_700_000_900.059)]
#[case::database(json!({"workgroupName": "wg-2", "dbName": "dev"}), 1_700_000_900.059)]
fn a_call_gets_credentials_for_as_long_as_it_asks(#[case] input: Value, #[case] expiration: f64) {
    let answer = answer(&service(), "GetCredentials", &input);
    assert_eq!(answer["dbUser"], "IAM:alice");
    assert_eq!(answer["expiration"], expiration);
    assert_eq!(answer["nextRefreshTime"], 1_700_007_200.059);
    assert!(answer["dbPassword"].as_str().unwrap().len() >= 64);
    assert_eq!(answer.as_object().unwrap().len(), 4);
}

#[test]
fn a_timestamp_is_a_number_of_seconds_with_milliseconds() {
    let response = service().answer(&signed_request("GetCredentials", r#"{"workgroupName":"wg-1"}"#));
    let text = String::from_utf8(response.body).unwrap();
    assert!(text.contains(r#""expiration":1700000900.059"#), "{text}");
}

#[test]
fn a_moved_clock_gives_later_credentials_to_the_signatures_of_before() {
    let service = service();
    service.options().clock.advance(jiff::SignedDuration::from_secs(901)).unwrap();
    let answer = answer(&service, "GetCredentials", &json!({ "workgroupName": "wg-1" }));
    assert_eq!(answer["expiration"], 1_700_001_801.059);
}

#[test]
fn every_call_gets_another_password() {
    let (service, input) = (service(), json!({"workgroupName": "wg-1"}));
    let password = || answer(&service, "GetCredentials", &input)["dbPassword"].clone();
    assert_ne!(password(), password());
}

#[test]
fn no_value_is_repeated() {
    let canary = "CANARY: CANARY";
    let input = json!({"workgroupName": canary, "customDomainName": canary, "dbName": canary});
    let (_, _, message) = refusal("GetCredentials", &input);
    assert!(!message.contains("CANARY"), "{message}");
}

#[rstest]
#[case::alone(json!({"customDomainName": "other.example.com"}))]
#[case::with_a_workgroup(json!({"customDomainName": "other.example.com", "workgroupName": "wg-1"}))]
fn an_unknown_custom_domain_is_not_found(#[case] input: Value) {
    let expected = json!({
        "__type": "ResourceNotFoundException",
        "message": "Custom domain other.example.com not found.",
        "resourceName": "other.example.com",
    });
    assert_eq!(service().answer(&signed_request("GetCredentials", &input.to_string())).json(), Some(expected));
}

#[rstest]
#[case::plain(json!({"workgroupName": "wg-2"}))]
#[case::unknown_members(json!({"workgroupName": "wg-2", "WorkgroupName": 5, "verbose": true}))]
fn the_workgroup_of_the_name_is_shown(#[case] input: Value) {
    let answer = answer(&service(), "GetWorkgroup", &input);
    assert_eq!(answer["workgroup"]["workgroupName"], "wg-2");
    assert_eq!(answer.as_object().unwrap().len(), 1);
}

#[test]
fn a_workgroup_stays_as_it_is_and_is_listed_as_it_is_shown() {
    let service = service();
    let workgroup = || answer(&service, "GetWorkgroup", &json!({"workgroupName": "wg-1"}))["workgroup"].clone();
    assert_eq!(workgroup(), workgroup());
    assert_eq!(answer(&service, "ListWorkgroups", &json!({}))["workgroups"][0], workgroup());
}

fn workgroup_names(answer: &Value) -> Vec<&str> {
    let workgroups = answer["workgroups"].as_array().unwrap();
    workgroups.iter().map(|workgroup| workgroup["workgroupName"].as_str().unwrap()).collect()
}

/// A service with `count` workgroups, from `wg-000` on.
fn service_of(count: usize) -> EmulatedService {
    let workgroups = (0..count).rev().map(|number| format!("wg-{number:03}")).collect();
    EmulatedService::new(EmulatorOptions { workgroups, custom_domains: BTreeMap::new(), ..options() }).unwrap()
}

#[rstest]
#[case::nothing_asked(json!({}))]
#[case::nulls(json!({"maxResults": null, "nextToken": null, "ownerAccount": null}))]
#[case::own_account(json!({"ownerAccount": "123456789012"}))]
#[case::just_enough(json!({"maxResults": 2}))]
#[case::most(json!({"maxResults": 100}))]
#[case::unknown_members(json!({"MaxResults": 1, "filter": {}}))]
fn all_workgroups_are_listed_by_name_without_a_token(#[case] input: Value) {
    let answer = answer(&service(), "ListWorkgroups", &input);
    assert_eq!(workgroup_names(&answer), ["wg-1", "wg-2"]);
    assert_eq!(answer.as_object().unwrap().len(), 1, "{answer}");
}

#[rstest]
#[case::none(0, Some(1), &[0])]
#[case::one_each(3, Some(1), &[1, 1, 1])]
#[case::rest(3, Some(2), &[2, 1])]
#[case::exactly(4, Some(2), &[2, 2])]
#[case::default(100, None, &[100])]
#[case::more_than_the_default(101, None, &[100, 1])]
fn pages_have_every_workgroup_once(#[case] count: usize, #[case] most: Option<usize>, #[case] sizes: &[usize]) {
    let service = service_of(count);
    let (mut found, mut token, mut seen) = (Vec::new(), Value::Null, Vec::new());
    loop {
        let page = answer(&service, "ListWorkgroups", &json!({"maxResults": most, "nextToken": token}));
        found.push(workgroup_names(&page).len());
        seen.extend(workgroup_names(&page).into_iter().map(str::to_owned));
        token = page["nextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(found, sizes);
    assert!(seen.len() == count && seen.is_sorted_by(|one, next| one < next), "{seen:?}");
}

#[test]
fn a_token_is_good_for_a_page_of_any_size_and_more_than_once() {
    let service = service_of(4);
    let token = answer(&service, "ListWorkgroups", &json!({"maxResults": 1}))["nextToken"].clone();
    for most in [1, 2, 1] {
        let page = answer(&service, "ListWorkgroups", &json!({"maxResults": most, "nextToken": token}));
        assert_eq!((workgroup_names(&page)[0], workgroup_names(&page).len()), ("wg-001", most));
    }
}

#[test]
fn another_account_has_no_workgroups_here() {
    let answer = answer(&service(), "ListWorkgroups", &json!({"ownerAccount": "210987654321"}));
    assert_eq!(answer, json!({"workgroups": []}));
}

#[test]
fn a_token_of_another_list_is_refused() {
    let (service, other) = (service(), service());
    let first = |service| answer(service, "ListWorkgroups", &json!({"maxResults": 1}))["nextToken"].clone();
    let of_another_emulator = json!({"nextToken": first(&other)});
    let for_another_account = json!({"nextToken": first(&service), "ownerAccount": "210987654321"});
    for input in [of_another_emulator, for_another_account] {
        let response = service.answer(&signed_request("ListWorkgroups", &input.to_string()));
        assert_refused(&response, 400, "ValidationException");
    }
}
