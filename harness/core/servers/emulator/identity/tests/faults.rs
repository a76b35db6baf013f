//! Files of identities that no emulator can have.

use rstest::rstest;
use serde_json::{Value, json};

use crate::servers::emulator::{EmulatorOptions, Identities, IdentitiesFile, InvalidIdentities, InvalidOptions};

pub(super) fn identities(file: &Value) -> Result<Identities, InvalidIdentities> {
    let file: IdentitiesFile = serde_json::from_value(file.clone()).unwrap();
    let environment = |name: &str| (name == "ALICE_SECRET").then(|| "secret of alice".to_owned());
    Identities::new(file, environment, |name| match name {
        "all.json" => Ok(serde_json::from_value(statement(&json!({}))).unwrap()),
        "bad.json" => Ok(serde_json::from_value(statement(&json!({"Action": "GetObject"}))).unwrap()),
        _ => Err(format!("{name}: there is no such file")),
    })
}

/// An object with other members; `null` takes a member away.
fn with(object: Value, members: &Value) -> Value {
    let Value::Object(mut object) = object else { panic!("an object") };
    object.extend(members.as_object().unwrap().clone());
    object.into_iter().filter(|(_, value)| !value.is_null()).collect()
}

/// A policy of one statement that allows everything, with other members.
pub(super) fn statement(members: &Value) -> Value {
    let statement = with(json!({ "Effect": "Allow", "Action": "*", "Resource": "*" }), members);
    json!({ "Version": "2012-10-17", "Statement": [statement] })
}

/// A file with one user, which has other members.
fn user(members: &Value) -> Value {
    let alice = json!({ "user": "alice", "access_key_id": "AKIDALICE", "secret_access_key": "secret" });
    json!({ "version": 1, "principals": [with(alice, members)] })
}

#[rstest]
#[case::version(json!({"version": 2, "principals": []}), "/version", "expected 1, found 2")]
#[case::nobody(user(&json!({"user": null})), "/principals/0", "found neither")]
#[case::both(user(&json!({"role": "r"})), "/principals/0", "found both")]
#[case::name(user(&json!({"user": "x\"; drop table t; --"})), "/principals/0/user", "letters, digits")]
#[case::long_name(user(&json!({"user": "x".repeat(65)})), "/principals/0/user", "1 to 64")]
#[case::account(user(&json!({"account": "1234"})), "/principals/0/account", "12 digits")]
#[case::key(user(&json!({"access_key_id": "AK/ID"})), "/principals/0/access_key_id", "letters and digits")]
#[case::no_secret(user(&json!({"secret_access_key": ""})), "/principals/0/secret_access_key", "an empty text")]
#[case::variable(
    user(&json!({"secret_access_key": {"environment": "NOBODY"}})), "/principals/0/secret_access_key", "NOBODY"
)]
#[case::expiry(user(&json!({"session_token": "t", "expires": "soon"})), "/principals/0/expires", "expected a time")]
#[case::expiry_of_nothing(user(&json!({"expires": "2026-11-27T12:00:00Z"})), "/principals/0/expires", "session_token")]
#[case::session_of_a_user(user(&json!({"session_name": "s"})), "/principals/0/session_name", "only a role")]
#[case::session_policy_of_a_user(
    user(&json!({"session_policies": ["all.json"]})), "/principals/0/session_policies", "only a role"
)]
#[case::role_without_token(user(&json!({"user": null, "role": "r"})), "/principals/0", "session_token")]
#[case::missing_file(user(&json!({"policies": ["all.json", "none.json"]})), "/principals/0/policies/1", "no such file")]
#[case::faulty_file(user(&json!({"policies": ["bad.json"]})), "/principals/0/policies/0", "bad.json at /Statement/0")]
#[case::many_policies(user(&json!({"policies": vec!["all.json"; 21]})), "/principals/0/policies", "at most 20")]
#[case::action(
    user(&json!({"policies": [statement(&json!({"Action": ["s3:*", "GetObject"]}))]})),
    "/principals/0/policies/0/Statement/0/Action/1",
    "s3:GetObject"
)]
#[case::resource(
    user(&json!({"boundary": statement(&json!({"Resource": "arn:aws:s3"}))})),
    "/principals/0/boundary/Statement/0/Resource",
    "six parts of an ARN"
)]
#[case::no_action(
    user(&json!({"policies": [statement(&json!({"Action": null}))]})),
    "/principals/0/policies/0/Statement/0",
    "expected Action or NotAction, found neither"
)]
#[case::two_resources(
    user(&json!({"policies": [statement(&json!({"NotResource": "*"}))]})),
    "/principals/0/policies/0/Statement/0",
    "found both"
)]
#[case::operator(
    user(&json!({"policies": [statement(&json!({"Condition": {"StringEqual": {"aws:username": "a"}}}))]})),
    "/principals/0/policies/0/Statement/0/Condition/StringEqual",
    "did you mean StringEquals or"
)]
#[case::null_if_exists(
    user(&json!({"policies": [statement(&json!({"Condition": {"NullIfExists": {"aws:username": "true"}}}))]})),
    "/principals/0/policies/0/Statement/0/Condition/NullIfExists",
    "a condition operator"
)]
fn a_faulty_file_is_refused_with_its_place(#[case] file: Value, #[case] pointer: &str, #[case] words: &str) {
    let error = identities(&file).unwrap_err();
    assert_eq!(error.pointer, pointer, "{error}");
    assert!(error.message.contains(words), "{error}");
}

#[test]
fn two_principals_have_two_access_key_ids() {
    let mut file = user(&json!({}));
    let again = file["principals"][0].clone();
    file["principals"].as_array_mut().unwrap().push(again);
    let error = identities(&file).unwrap_err();
    assert_eq!(error.pointer, "/principals/1/access_key_id");
}

#[test]
fn at_most_a_thousand_principals_are_read() {
    let user = |index: usize| json!({ "user": "u", "access_key_id": format!("AKID{index}"), "secret_access_key": "s" });
    let file = |count: usize| json!({ "version": 1, "principals": (0..count).map(user).collect::<Vec<_>>() });
    assert_eq!(identities(&file(1000)).unwrap().len(), 1000);
    assert_eq!(identities(&file(1001)).unwrap_err().pointer, "/principals");
}

#[test]
fn a_principal_may_not_have_the_access_key_id_of_the_emulator() {
    let options = EmulatorOptions::default();
    let id = options.credentials.access_key_id.clone();
    let identities = Some(identities(&user(&json!({ "access_key_id": id }))).unwrap());
    assert_eq!(EmulatorOptions { identities, ..options }.check(), Err(InvalidOptions::SharedKey));
}

#[test]
fn printing_identities_masks_their_secrets() {
    let file = user(&json!({ "secret_access_key": "CANARY", "session_token": "CANARY" }));
    let entry: IdentitiesFile = serde_json::from_value(file.clone()).unwrap();
    let printed = format!("{entry:?} {:?}", identities(&file).unwrap());
    assert!(!printed.contains("CANARY"), "{printed}");
}

#[rstest]
#[case::number(json!(1_234_567))]
#[case::negative(json!(-1_234_567))]
#[case::fraction(json!(1_234_567.5))]
fn a_secret_that_is_no_text_is_not_shown(#[case] secret: Value) {
    let error = serde_json::from_value::<IdentitiesFile>(user(&json!({ "secret_access_key": secret }))).unwrap_err();
    assert!(!error.to_string().contains("1234567"), "{error}");
}

#[rstest]
#[case::principal(json!({"Principal": "*"}), "Principal")]
#[case::effect(json!({"Effect": "allow"}), "allow")]
#[case::element(json!({"Actions": "s3:*"}), "Actions")]
fn an_element_that_an_identity_based_policy_does_not_have_is_refused(#[case] members: Value, #[case] words: &str) {
    let policy = serde_json::from_value::<crate::servers::emulator::PolicyDocument>(statement(&members));
    let error = policy.unwrap_err().to_string();
    assert!(error.contains(words), "{error}");
}
