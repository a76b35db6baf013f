//! Whole calls of principals.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rstest::rstest;
use serde_json::{Value, json};

use super::faults::{identities, statement};
use crate::servers::emulator::identity::access::Tags;
use crate::servers::emulator::identity::{Access, Principals};
use crate::servers::emulator::{Clock, EmulatedService, EmulatorOptions};
use crate::wire::sigv4::{self, Scope};
use crate::wire::{Credentials, Request, Response, Secret};

const ACCOUNT: &str = "123456789012";

/// The time of the stopped clock.
fn now() -> Timestamp {
    "2026-11-27T12:00:00Z".parse().unwrap()
}

fn options() -> EmulatorOptions {
    EmulatorOptions {
        workgroups: vec!["wg-1".into(), "wg-2".into()],
        custom_domains: BTreeMap::from([("db.example.com".into(), "wg-1".into())]),
        credentials: Credentials::new("AKIDADMIN", "secret"),
        clock: Clock::new(now),
        ..EmulatorOptions::default()
    }
}

/// A service that knows the user alice with these policies.
fn service_for(policies: &[Value]) -> EmulatedService {
    service_of(&json!({ "user": "alice", "policies": policies }))
}

/// A service that knows a principal with these members.
fn service_of(members: &Value) -> EmulatedService {
    let mut principal = json!({ "access_key_id": "AKIDALICE", "secret_access_key": {"environment": "ALICE_SECRET"} });
    for (name, value) in members.as_object().unwrap() {
        principal[name] = value.clone();
    }
    let file = json!({ "version": 1, "principals": [principal] });
    EmulatedService::new(EmulatorOptions { identities: Some(identities(&file).unwrap()), ..options() }).unwrap()
}

fn alice() -> Credentials {
    Credentials::new("AKIDALICE", "secret of alice")
}

fn call(service: &EmulatedService, credentials: &Credentials, operation: &str, input: &Value) -> Response {
    let target = format!("RedshiftServerless.{operation}");
    let headers = [("host", "a"), ("content-type", "application/x-amz-json-1.1"), ("x-amz-target", &target)];
    let headers = headers.into_iter().collect();
    let mut request =
        Request { method: "POST".into(), target: "/".into(), headers, body: input.to_string().into_bytes() };
    sigv4::sign(&mut request, credentials, Scope { region: "us-east-1", service: "redshift-serverless" }, now());
    service.answer(&request)
}

fn named(name: &str) -> Value {
    json!({ "workgroupName": name })
}

/// The name of a refusal, or nothing for a success.
fn refusal(response: &Response) -> Option<String> {
    let body: Value = response.json().unwrap();
    assert_eq!(response.status, if body["__type"].is_null() { 200 } else { 400 }, "{body}");
    body["__type"].as_str().map(str::to_owned)
}

/// What a workgroup is called in a policy.
fn arn_of(service: &EmulatedService, name: &str) -> String {
    let admin = Credentials::new("AKIDADMIN", "secret");
    let body: Value = call(service, &admin, "GetWorkgroup", &named(name)).json().unwrap();
    body["workgroup"]["workgroupArn"].as_str().unwrap().to_owned()
}

#[rstest]
#[case::user(json!({"user": "alice"}), "IAM:alice")]
#[case::role(json!({"role": "analyst", "session_name": "s", "session_token": "t"}), "IAMR:analyst")]
fn the_database_user_is_the_name_of_the_user_or_of_the_role(#[case] mut members: Value, #[case] expected: &str) {
    members["policies"] = json!(["all.json"]);
    let service = service_of(&members);
    let token = members["session_token"].as_str().map(Secret::from);
    let response = call(&service, &alice().with_session_token(token), "GetCredentials", &named("wg-1"));
    let body: Value = response.json().unwrap();
    assert_eq!(body["dbUser"], expected, "{body}");
}

#[test]
fn the_caller_of_the_emulator_itself_may_do_everything() {
    let service = service_for(&[]);
    let admin = Credentials::new("AKIDADMIN", "secret");
    for (operation, input) in
        [("GetCredentials", named("wg-1")), ("GetWorkgroup", named("wg-1")), ("ListWorkgroups", json!({}))]
    {
        assert_eq!(refusal(&call(&service, &admin, operation, &input)), None, "{operation}");
    }
}

#[rstest]
#[case::credentials("GetCredentials", named("wg-1"), "workgroup/*")]
#[case::of_nothing("GetCredentials", named("nobody"), "workgroup/*")]
#[case::of_a_domain("GetCredentials", json!({"customDomainName": "nobody.example.com"}), "workgroup/*")]
#[case::workgroup("GetWorkgroup", named("wg-1"), "workgroup/*")]
#[case::workgroup_that_is_not_there("GetWorkgroup", named("nobody"), "workgroup/*")]
#[case::deleted("DeleteWorkgroup", named("wg-1"), "workgroup/*")]
#[case::updated("UpdateWorkgroup", json!({"workgroupName": "wg-1", "port": 5440}), "workgroup/*")]
#[case::created("CreateWorkgroup", json!({"workgroupName": "wg-9", "namespaceName": "wg-1"}), "namespace/*")]
#[case::namespace("GetNamespace", json!({"namespaceName": "wg-1"}), "namespace/*")]
#[case::namespace_created("CreateNamespace", json!({"namespaceName": "ns-9"}), "namespace/*")]
#[case::namespace_deleted("DeleteNamespace", json!({"namespaceName": "nobody"}), "namespace/*")]
#[case::domain_created(
    "CreateCustomDomainAssociation",
    json!({
        "workgroupName": "wg-1", "customDomainName": "b.example.com",
        "customDomainCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/a",
    }),
    "workgroup/*"
)]
#[case::domain(
    "GetCustomDomainAssociation", json!({"workgroupName": "wg-1", "customDomainName": "db.example.com"}), "workgroup/*"
)]
#[case::tags(
    "ListTagsForResource",
    json!({"resourceArn": "arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/a"}),
    "*"
)]
fn who_may_do_nothing_does_not_learn_what_there_is(
    #[case] operation: &str,
    #[case] input: Value,
    #[case] resource: &str,
) {
    let response = call(&service_for(&[]), &alice(), operation, &input);
    assert_eq!(response.status, 400);
    let body: Value = response.json().unwrap();
    let message = format!(
        "User: arn:aws:iam::{ACCOUNT}:user/alice is not authorized to perform: redshift-serverless:{operation} on \
         resource: arn:aws:redshift-serverless:us-east-1:{ACCOUNT}:{resource} because no identity-based policy allows \
         the redshift-serverless:{operation} action"
    );
    assert_eq!(body, json!({ "__type": "AccessDeniedException", "message": message }));
}

#[rstest]
fn an_action_without_a_resource_is_denied_on_everything(
    #[values("ListWorkgroups", "ListNamespaces", "ListCustomDomainAssociations")] operation: &str,
) {
    let input = match operation {
        "ListCustomDomainAssociations" => json!({
            "customDomainName": "db.example.com",
            "customDomainCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/a",
        }),
        _ => json!({}),
    };
    let response = call(&service_for(&[]), &alice(), operation, &input);
    let body: Value = response.json().unwrap();
    let message = body["message"].as_str().unwrap();
    assert!(message.contains(" on resource: * because no identity-based policy allows the "), "{message}");
}

/// Source: the IAM User Guide, "Controlling access during AWS requests": `aws:RequestTag` and `aws:TagKeys`.
#[rstest]
#[case::allowed(json!([{"key": "team", "value": "data"}]), None)]
#[case::another_value(json!([{"key": "team", "value": "sales"}]), Some("AccessDeniedException"))]
#[case::without(json!([]), Some("AccessDeniedException"))]
fn the_tags_that_a_call_gives_are_condition_keys(#[case] tags: Value, #[case] expected: Option<&str>) {
    let condition = json!({"StringEquals": {"aws:RequestTag/team": "data"}});
    let service = service_for(&[statement(&json!({"Condition": condition}))]);
    let namespace = json!({"namespaceName": "ns-9", "tags": tags});
    assert_eq!(refusal(&call(&service, &alice(), "CreateNamespace", &namespace)).as_deref(), expected);
    let tagging = json!({"resourceArn": arn_of(&service, "wg-1"), "tags": tags});
    assert_eq!(refusal(&call(&service, &alice(), "TagResource", &tagging)).as_deref(), expected);
}

#[test]
fn tags_of_a_workgroup_decide_on_it() {
    let service = service_for(&[
        statement(&json!({"Action": "redshift-serverless:TagResource"})),
        statement(&json!({
            "Action": "redshift-serverless:GetCredentials",
            "Condition": {"StringEquals": {"aws:ResourceTag/team": "data"}},
        })),
    ]);
    let credentials = || refusal(&call(&service, &alice(), "GetCredentials", &named("wg-1")));
    assert_eq!(credentials().as_deref(), Some("AccessDeniedException"));
    let tagging = json!({"resourceArn": arn_of(&service, "wg-1"), "tags": [{"key": "team", "value": "data"}]});
    assert_eq!(refusal(&call(&service, &alice(), "TagResource", &tagging)), None);
    assert_eq!(credentials(), None);
}

#[rstest]
#[case::identity(json!({"policies": [statement(&json!({"Effect": "Deny"}))]}), "an identity-based policy")]
#[case::boundary(
    json!({"policies": ["all.json"], "boundary": statement(&json!({"Effect": "Deny"}))}), "a permissions boundary"
)]
#[case::session(
    json!({"policies": ["all.json"], "session_policies": [statement(&json!({"Effect": "Deny"}))]}), "a session policy"
)]
fn an_explicit_deny_names_its_policy(#[case] mut members: Value, #[case] policy: &str) {
    members["role"] = "analyst".into();
    members["session_token"] = "t".into();
    let credentials = alice().with_session_token(Some("t".into()));
    let response = call(&service_of(&members), &credentials, "GetCredentials", &named("wg-1"));
    let body: Value = response.json().unwrap();
    let message = body["message"].as_str().unwrap();
    let user = format!("User: arn:aws:sts::{ACCOUNT}:assumed-role/analyst/session is not authorized to perform: ");
    assert!(message.starts_with(&user), "{message}");
    assert!(message.ends_with(&format!(" with an explicit deny in {policy}")), "{message}");
}

#[rstest]
#[case::boundary(json!({"boundary": statement(&json!({"Action": "s3:*"}))}), "no permissions boundary allows the ")]
#[case::session(json!({"session_policies": [statement(&json!({"Action": "s3:*"}))]}), "no session policy allows the ")]
fn an_allow_that_is_missing_names_its_policy(#[case] mut members: Value, #[case] words: &str) {
    members["role"] = "analyst".into();
    members["session_token"] = "t".into();
    members["policies"] = json!(["all.json"]);
    let credentials = alice().with_session_token(Some("t".into()));
    let response = call(&service_of(&members), &credentials, "GetCredentials", &named("wg-1"));
    let body: Value = response.json().unwrap();
    assert!(body["message"].as_str().unwrap().contains(words), "{body}");
}

/// The ids of workgroups are new for each emulator, so the policy names the one that it allows by a key of the request.
#[test]
fn a_workgroup_that_is_denied_is_named_by_its_arn() {
    let one_only = statement(&json!({"Condition": {"StringEquals": {"aws:ResourceTag/team": "data"}}}));
    let service = service_for(&[one_only]);
    let response = call(&service, &alice(), "GetCredentials", &named("wg-1"));
    assert_eq!(refusal(&response).as_deref(), Some("AccessDeniedException"));
    let body: Value = response.json().unwrap();
    let arn = arn_of(&service, "wg-1");
    assert!(body["message"].as_str().unwrap().contains(&format!(" on resource: {arn} because ")), "{body}");
    let response = call(&service, &alice(), "GetCredentials", &named("nobody"));
    assert_eq!(refusal(&response).as_deref(), Some("ResourceNotFoundException"));
}

/// The ids of workgroups are new for each emulator: the policy names one by its form.
#[test]
fn an_allow_by_arn_allows_the_workgroup_of_this_arn() {
    let arn = format!("arn:aws:redshift-serverless:us-east-1:{ACCOUNT}:workgroup/????????-????-????-*");
    let service = service_for(&[statement(&json!({ "Resource": arn }))]);
    assert_eq!(refusal(&call(&service, &alice(), "GetCredentials", &named("wg-1"))), None);
    let other = format!("arn:aws:redshift-serverless:us-east-1:{ACCOUNT}:workgroup/????");
    let service = service_for(&[statement(&json!({ "Resource": other }))]);
    let denied = call(&service, &alice(), "GetCredentials", &named("wg-1"));
    assert_eq!(refusal(&denied).as_deref(), Some("AccessDeniedException"));
}

#[test]
fn a_deny_of_some_workgroups_denies_no_other_one() {
    let deny = json!({ "Effect": "Deny", "Condition": { "StringEquals": { "aws:ResourceTag/team": "data" } } });
    let service = service_for(&[statement(&json!({})), statement(&deny)]);
    assert_eq!(refusal(&call(&service, &alice(), "GetCredentials", &named("wg-1"))), None);
    let missing = call(&service, &alice(), "GetCredentials", &named("nobody"));
    assert_eq!(refusal(&missing).as_deref(), Some("ResourceNotFoundException"));
}

#[rstest]
#[case::resource(json!({"StringEquals": {"aws:ResourceTag/Team": "data"}}), true)]
#[case::another_resource(json!({"StringEquals": {"aws:ResourceTag/team": "sales"}}), false)]
#[case::no_such_tag(json!({"Null": {"aws:ResourceTag/cost": "true"}}), true)]
#[case::request(json!({"StringEquals": {"aws:RequestTag/Cost": "7"}}), true)]
#[case::another_request(json!({"StringEquals": {"aws:RequestTag/team": "data"}}), false)]
#[case::keys(json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["cost"]}, "Null": {"aws:TagKeys": "false"}}), true)]
#[case::other_keys(json!({"ForAnyValue:StringEquals": {"aws:TagKeys": ["team"]}}), false)]
#[case::account(json!({"StringEquals": {"aws:ResourceAccount": ACCOUNT}}), true)]
fn tags_of_resources_and_requests_are_condition_keys(#[case] condition: Value, #[case] allowed: bool) {
    let policies = [statement(&json!({ "Condition": condition }))];
    let file = json!({ "version": 1, "principals": [{
        "user": "alice", "access_key_id": "AKIDALICE", "secret_access_key": "s", "policies": policies,
    }] });
    let options =
        EmulatorOptions { identities: Some(identities(&file).unwrap()), account: ACCOUNT.into(), ..options() };
    let principals = Principals::new(&options, "aws");
    let tags = |key: &str, value: &str| Tags::from([(key.to_owned(), value.to_owned())]);
    let access = Access {
        principal: principals.with_key("AKIDALICE").unwrap(),
        region: "us-east-1",
        now: now(),
        source: options.listen.ip(),
        action: "redshift-serverless:TagResource",
        resource: "arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/a",
        resource_tags: Some(&tags("Team", "data")),
        request_tags: Some(&tags("cost", "7")),
    };
    assert_eq!(access.decide().is_ok(), allowed);
}

#[test]
fn an_allow_of_another_operation_allows_only_that_one() {
    let service = service_for(&[statement(&json!({"Action": "redshift-serverless:GetWork*"}))]);
    assert_eq!(refusal(&call(&service, &alice(), "GetWorkgroup", &named("wg-1"))), None);
    let denied = call(&service, &alice(), "GetCredentials", &named("wg-1"));
    assert_eq!(refusal(&denied).as_deref(), Some("AccessDeniedException"));
}

#[rstest]
#[case::its_own_user(json!({"StringEquals": {"aws:username": "alice"}}), true)]
#[case::its_arn(json!({"ArnEquals": {"aws:PrincipalArn": format!("arn:aws:iam::{ACCOUNT}:user/alice")}}), true)]
#[case::its_account(json!({"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}), true)]
#[case::its_kind(json!({"StringEquals": {"aws:PrincipalType": "User"}}), true)]
#[case::its_tag(json!({"StringEquals": {"aws:PrincipalTag/Team": "data"}}), true)]
#[case::no_tag_of_it(json!({"StringEquals": {"aws:PrincipalTag/other": "data"}}), false)]
#[case::region(json!({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}), true)]
#[case::another_region(json!({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}), false)]
#[case::loopback(json!({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}), true)]
#[case::before_now(json!({"DateGreaterThan": {"aws:CurrentTime": "2026-11-27T12:00:00Z"}}), false)]
#[case::now(json!({"DateEquals": {"aws:CurrentTime": "2026-11-27T12:00:00Z"}}), true)]
#[case::epoch(json!({"NumericEquals": {"aws:EpochTime": 1_795_780_800}}), true)]
#[case::no_tls(json!({"Bool": {"aws:SecureTransport": "true"}}), false)]
#[case::given(json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}), true)]
#[case::given_list(json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-1/r-2/*"}}), true)]
#[case::no_service_key(json!({"Null": {"redshift-serverless:workgroupId": "true"}}), true)]
fn a_request_has_the_condition_keys_of_the_guide(#[case] condition: Value, #[case] allowed: bool) {
    let service = service_of(&json!({
        "user": "alice",
        "tags": { "team": "data" },
        "context": { "aws:PrincipalOrgID": "o-1", "aws:PrincipalOrgPaths": ["o-1/r-1/", "o-1/r-2/ou-3/"] },
        "policies": [statement(&json!({ "Condition": condition }))],
    }));
    let refusal = refusal(&call(&service, &alice(), "GetCredentials", &named("wg-1")));
    assert_eq!(refusal.is_none(), allowed, "{refusal:?}");
}

#[test]
fn a_key_that_is_given_takes_the_place_of_the_known_one() {
    let service = service_of(&json!({
        "user": "alice",
        "context": { "AWS:SourceIp": "203.0.113.7", "aws:SecureTransport": true },
        "policies": [statement(&json!({ "Condition": {
            "IpAddress": { "aws:SourceIp": "203.0.113.0/24" }, "Bool": { "aws:SecureTransport": true },
        } }))],
    }));
    assert_eq!(refusal(&call(&service, &alice(), "GetCredentials", &named("wg-1"))), None);
}

#[rstest]
#[case::right(Some("token"), "2026-11-27T12:00:01Z", None)]
#[case::wrong(Some("another"), "2026-11-27T12:00:01Z", Some("UnrecognizedClientException"))]
#[case::missing(None, "2026-11-27T12:00:01Z", Some("UnrecognizedClientException"))]
#[case::expired(Some("token"), "2026-11-27T12:00:00Z", Some("ExpiredTokenException"))]
#[case::expired_and_wrong(Some("another"), "2026-11-27T12:00:00Z", Some("UnrecognizedClientException"))]
fn a_session_token_must_be_right_and_fresh(
    #[case] token: Option<&str>,
    #[case] expires: &str,
    #[case] expected: Option<&str>,
) {
    let service = service_of(&json!({
        "role": "analyst", "session_token": "token", "expires": expires, "policies": ["all.json"],
    }));
    let credentials = alice().with_session_token(token.map(Secret::from));
    let response = call(&service, &credentials, "GetCredentials", &named("wg-1"));
    assert_eq!(refusal(&response).as_deref(), expected);
}

#[test]
fn only_who_can_sign_learns_that_a_token_has_expired() {
    let service = service_of(&json!({
        "role": "analyst", "session_token": "token", "expires": "2026-11-27T11:00:00Z", "policies": ["all.json"],
    }));
    let thief = Credentials::new("AKIDALICE", "guessed").with_session_token(Some("token".into()));
    let response = call(&service, &thief, "GetCredentials", &named("wg-1"));
    assert_eq!(refusal(&response).as_deref(), Some("InvalidSignatureException"));
}

#[test]
fn a_principal_of_another_account_sees_nothing_of_this_one() {
    let service = service_of(&json!({ "user": "alice", "account": "210987654321", "policies": ["all.json"] }));
    let response = call(&service, &alice(), "GetCredentials", &named("wg-1"));
    assert_eq!(refusal(&response).as_deref(), Some("ResourceNotFoundException"));
    let list: Value = call(&service, &alice(), "ListWorkgroups", &json!({})).json().unwrap();
    assert_eq!(list["workgroups"], json!([]));
}

#[rstest]
#[case::body_before_policies("GetCredentials", json!({"workgroupName": 5}), "SerializationException")]
#[case::input_before_policies("GetCredentials", json!({"workgroupName": "WG"}), "ValidationException")]
fn what_is_wrong_with_a_request_is_told_before_it_is_denied(
    #[case] operation: &str,
    #[case] input: Value,
    #[case] expected: &str,
) {
    assert_eq!(refusal(&call(&service_for(&[]), &alice(), operation, &input)).as_deref(), Some(expected));
}

type OptionsChange = fn(&mut EmulatorOptions) -> bool;

// Whatever its name, its account and its region, it is the ARN of the workgroup that the policy denies.
#[rstest]
#[case::default(|_: &mut EmulatorOptions| true, "countersign-emulator-2")]
#[case::another_name(|o: &mut EmulatorOptions| o.rename("denied-workgroup", "no-way"), "no-way")]
#[case::another_first_name(|o: &mut EmulatorOptions| o.rename("workgroup", "first"), "countersign-emulator-2")]
#[case::its_name_for_the_first(
    |o: &mut EmulatorOptions| o.rename("workgroup", "countersign-emulator-2"), "countersign-emulator-3"
)]
#[case::name_of_the_third(
    |o: &mut EmulatorOptions| o.rename("denied-workgroup", "countersign-emulator-3"), "countersign-emulator-3"
)]
#[case::account(|o: &mut EmulatorOptions| { o.account = "210987654321".into(); true }, "countersign-emulator-2")]
fn the_caller_of_cases_gets_no_credentials_for_one_workgroup_and_all_else(
    #[case] change: OptionsChange,
    #[case] expected: &str,
) {
    let mut options = EmulatorOptions { clock: Clock::new(now), ..EmulatorOptions::for_cases() };
    assert!(change(&mut options));
    let names = options.names();
    assert_eq!(names["denied-workgroup"], expected);
    let callers = options.case_callers.clone().expect("there are callers");
    let root = options.credentials.clone();
    let service = EmulatedService::new(options).expect("the options are valid");
    let status = |caller: &Credentials, operation: &str, workgroup: &str| {
        call(&service, caller, operation, &json!({ "workgroupName": workgroup })).status
    };
    let [allowed, denied] = [&names["workgroup"], &names["denied-workgroup"]];
    assert_eq!(status(&callers.allowed, "GetCredentials", allowed), 200);
    assert_eq!(status(&callers.allowed, "GetWorkgroup", denied), 200);
    assert_eq!(status(&root, "GetCredentials", denied), 200);
    assert_eq!(status(&callers.denied, "GetWorkgroup", allowed), 400);
    let refused = call(&service, &callers.allowed, "GetCredentials", &json!({ "workgroupName": denied }));
    let body = refused.json().expect("JSON");
    let message = body["message"].as_str().expect("a text");
    assert_eq!((refused.status, &body["__type"]), (400, &"AccessDeniedException".into()));
    assert!(message.starts_with("User: arn:aws:iam::") && message.contains(":user/countersign is not"), "{message}");
    assert!(message.ends_with("with an explicit deny in an identity-based policy"), "{message}");
}

#[test]
fn without_the_callers_of_cases_no_workgroup_is_denied() {
    let mut options = EmulatorOptions::for_cases();
    assert!(!options.rename("denied-workgroup", "countersign-emulator"), "the caller needs that one");
    options.case_callers = None;
    assert!(!options.names().contains_key("denied-workgroup") && !options.rename("denied-workgroup", "wg-3"));
}
