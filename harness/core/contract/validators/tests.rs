use std::sync::LazyLock;

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::contract::{Contract, Fixtures};

static CONTRACT: LazyLock<Contract> =
    LazyLock::new(|| Contract::load(&Fixtures::Embedded).expect("the contract loads"));

fn validators() -> &'static Validators {
    CONTRACT.validators()
}

/// The keywords that a request with one member breaches.
fn keywords(member: &str, value: impl Into<Value>) -> Vec<String> {
    let value: Value = value.into();
    let breaches = validators().breaches("GetCredentialsRequest", &json!({ member: value }));
    breaches.into_iter().map(|breach| breach.keyword).collect()
}

/// Labels of these lengths, joined by dots.
fn labels(lengths: &[usize]) -> String {
    lengths.iter().map(|length| "a".repeat(*length)).collect::<Vec<_>>().join(".")
}

/// Each of these values of a member breaches just these keywords.
fn breach<S: AsRef<str>>(member: &str, values: &[S], expected: &[&str]) {
    for value in values.iter().map(AsRef::as_ref) {
        assert_eq!(keywords(member, value), expected, "{value:?}");
    }
}

// The tables of names: wire-facts section 8, worked out with Python's `re` on the pattern of the service model.
#[test]
fn a_documented_domain_name_matches() {
    let names =
        ["a.bc", "1.23", "a.1b", "10.0.0.10", "DB.Example.COM", "a--b.com", "a.b--c", "a.b-c", "xn--bcher-kva.example"];
    breach("customDomainName", &names, &[]);
    breach("customDomainName", &[labels(&[63, 3]), labels(&[1, 63]), labels(&[63, 63, 63, 61])], &[]);
}

#[test]
fn a_domain_name_outside_the_documents_breaches_just_these_keywords() {
    let names = [
        "a",
        "ab",
        "localhost",
        "a.b",
        "10.0.0.1",
        "-a.com",
        "a-.com",
        "a.-com",
        "a.com-",
        "a.c-",
        "a.--",
        "bücher.example",
        "ａ.com",
        "a..com",
        ".com",
        "a.com.",
        "a_b.com",
        "*.example.com",
        "a b.com",
        "a.com:5439",
        "\na.com",
        // Engines differ here, so no requirement rests on it; ours takes `$` for the true end.
        "a.com\n",
    ];
    breach("customDomainName", &names, &["pattern"]);
    breach("customDomainName", &[labels(&[64, 3]), labels(&[1, 64])], &["pattern"]);
    breach("customDomainName", &[""], &["minLength", "pattern"]);
    breach("customDomainName", &[labels(&[63, 63, 63, 62]), labels(&[63, 63, 63, 63])], &["maxLength"]);
}

#[test]
fn a_documented_workgroup_name_matches() {
    breach("workgroupName", &["abc", "---", "-ab", "ab-", "123", &"a".repeat(64)], &[]);
}

#[test]
fn a_workgroup_name_outside_the_documents_breaches_just_these_keywords() {
    breach("workgroupName", &["Abc", "a_b", "a.b", "a b", "café", "١٢٣", "abc\n"], &["pattern"]);
    breach("workgroupName", &["ab"], &["minLength"]);
    breach("workgroupName", &["a".repeat(65)], &["maxLength"]);
    // Two scalar values in eight bytes: short. 64 scalar values in 256 bytes: not long.
    breach("workgroupName", &["😀😀"], &["minLength", "pattern"]);
    breach("workgroupName", &["😀".repeat(64)], &["pattern"]);
    breach("workgroupName", &["😀".repeat(65)], &["maxLength", "pattern"]);
}

#[rstest]
#[case::domain("customDomainName", json!(7))]
#[case::database("dbName", json!(true))]
#[case::duration_text("durationSeconds", json!("900"))]
#[case::duration_fraction("durationSeconds", json!(900.5))]
#[case::duration_boolean("durationSeconds", json!(true))]
#[case::workgroup_list("workgroupName", json!([]))]
#[case::null("workgroupName", Value::Null)]
fn a_wrong_type_breaches_the_type_alone(#[case] member: &str, #[case] value: Value) {
    assert_eq!(keywords(member, value), ["type"]);
}

#[rstest]
#[case::duration_below("durationSeconds", json!(899))]
#[case::duration_above("durationSeconds", json!(3601))]
#[case::empty_database("dbName", json!(""))]
#[case::reserved_word("dbName", json!("select"))]
#[case::unknown_member("colour", json!("red"))]
fn what_only_prose_forbids_or_nothing_forbids_matches_the_schema(#[case] member: &str, #[case] value: Value) {
    assert_eq!(keywords(member, value), [""; 0]);
}

/// A breach in words: place, keyword, what is asked for, what is there.
fn breach_words(breach: &SchemaBreach) -> [String; 4] {
    [breach.at.clone(), breach.keyword.clone(), breach.expected.to_string(), breach.actual.to_string()]
}

#[test]
fn a_missing_member_is_reported_where_it_should_be() {
    let response = json!({ "dbPassword": "p", "expiration": 1.5 });
    let breaches = validators().breaches("GetCredentialsResponse", &response);
    assert_eq!(
        breaches.iter().map(breach_words).collect::<Vec<_>>(),
        [["/dbUser", "required", "the member", "nothing"], ["/nextRefreshTime", "required", "the member", "nothing"]]
    );
}

#[rstest]
#[case::not_an_object("GetCredentialsResponse", json!("text"), ["", "type", "an object", "a string of 4 characters"])]
#[case::text_for_number("GetCredentialsRequest", json!({ "durationSeconds": "é" }), ["/durationSeconds", "type", "an integer", "a string of 1 character"])]
#[case::fraction("GetCredentialsRequest", json!({ "durationSeconds": 1.5 }), ["/durationSeconds", "type", "an integer", "a number"])]
#[case::long("GetCredentialsRequest", json!({ "workgroupName": "a".repeat(65) }), ["/workgroupName", "maxLength", "at most 64 characters", "a string of 65 characters"])]
#[case::pattern("GetCredentialsRequest", json!({ "workgroupName": "A_B" }), ["/workgroupName", "pattern", "a match of ^[a-z0-9-]+$", "a string of 3 characters"])]
#[case::short("ResourceNotFoundException", json!({ "message": "", "resourceName": "" }), ["/resourceName", "minLength", "at least 1 character", "a string of 0 characters"])]
#[case::too_long("ResourceNotFoundException", json!({ "message": "", "resourceName": "a".repeat(1012) }), ["/resourceName", "maxLength", "at most 1011 characters", "a string of 1012 characters"])]
#[case::capital_message("ValidationException", json!({ "Message": "", "__type": "ValidationException" }), ["/message", "required", "the member", "nothing"])]
#[case::error_name("InternalServerException", json!({ "message": "", "__type": 5 }), ["/__type", "type", "a string", "an integer"])]
#[case::misspelt_schema("GetCredentialResponse", json!({}), ["", "$ref", "one of the schemas \
     AccessDeniedException, ConflictException, CreateCustomDomainAssociationRequest, \
     CreateCustomDomainAssociationResponse, CreateNamespaceRequest, CreateNamespaceResponse, \
     CreateWorkgroupRequest, CreateWorkgroupResponse, DeleteCustomDomainAssociationRequest, \
     DeleteCustomDomainAssociationResponse, DeleteNamespaceRequest, DeleteNamespaceResponse, \
     DeleteWorkgroupRequest, DeleteWorkgroupResponse, GetCredentialsRequest, GetCredentialsResponse, \
     GetCustomDomainAssociationRequest, GetCustomDomainAssociationResponse, GetNamespaceRequest, \
     GetNamespaceResponse, GetWorkgroupRequest, GetWorkgroupResponse, InsufficientCapacityException, \
     InternalServerException, InvalidPaginationException, Ipv6CidrBlockNotFoundException, \
     ListCustomDomainAssociationsRequest, ListCustomDomainAssociationsResponse, ListNamespacesRequest, \
     ListNamespacesResponse, ListTagsForResourceRequest, ListTagsForResourceResponse, ListWorkgroupsRequest, \
     ListWorkgroupsResponse, ResourceNotFoundException, TagResourceRequest, TagResourceResponse, \
     ThrottlingException, TooManyTagsException, UpdateWorkgroupRequest, UpdateWorkgroupResponse, \
     ValidationException", "nothing"])]
fn a_breach_says_where_what_and_what_instead(#[case] schema: &str, #[case] value: Value, #[case] expected: [&str; 4]) {
    let breaches = validators().breaches(schema, &value);
    assert_eq!(breaches.iter().map(breach_words).collect::<Vec<_>>(), [expected]);
}

#[test]
fn a_response_may_hold_more_than_is_documented() {
    let response = json!({ "dbPassword": "", "dbUser": "", "expiration": 1, "nextRefreshTime": 1.5e9, "more": null });
    assert_eq!(validators().breaches("GetCredentialsResponse", &response), []);
}

#[rstest]
#[case::times("GetCredentialsResponse", |canary: Value| json!({
    "dbPassword": [canary], "dbUser": { "x": canary }, "expiration": canary, "nextRefreshTime": canary
}))]
#[case::in_unknown_names("GetCredentialsResponse", |canary: Value| json!({ canary.as_str().unwrap_or_default(): 1 }))]
#[case::bare("GetCredentialsResponse", |canary: Value| canary)]
#[case::error("ResourceNotFoundException", |canary: Value| json!({ "message": [canary], "resourceName": { "x": canary } }))]
#[case::request("GetCredentialsRequest", |canary: Value| json!({
    "customDomainName": canary, "durationSeconds": canary, "workgroupName": canary, "dbName": canary
}))]
fn a_breach_never_repeats_the_value(#[case] schema: &str, #[case] body: fn(Value) -> Value) {
    let value = body("CANARY/s3cr3t+Pa55word==".into());
    let breaches = validators().breaches(schema, &value);
    assert!(!breaches.is_empty());
    let prose = validators().prose_breaches(schema, &value);
    let breach_text = format!("{breaches:?} {prose:?}");
    assert!(!breach_text.contains("CANARY") && !breach_text.contains("s3cr3t"), "{breach_text}");
}

#[rstest]
#[case::plain(json!({ "workgroupName": "abc", "dbName": "dev", "durationSeconds": 900 }), &[])]
#[case::upper_bounds(json!({ "customDomainName": "a.bc", "dbName": "d".repeat(64), "durationSeconds": 3600 }), &[])]
#[case::both_names(json!({ "customDomainName": "a.bc", "workgroupName": "abc" }), &[])]
#[case::no_name(json!({}), &[("", "one-name")])]
#[case::short(json!({ "workgroupName": "abc", "durationSeconds": 899 }), &[("/durationSeconds", "range")])]
#[case::long(json!({ "workgroupName": "abc", "durationSeconds": 3601 }), &[("/durationSeconds", "range")])]
#[case::wrong_type(json!({ "workgroupName": "abc", "durationSeconds": "1" }), &[])]
#[case::empty(json!({ "workgroupName": "abc", "dbName": "" }), &[("/dbName", "first-letter"), ("/dbName", "length")])]
#[case::of_65(json!({ "workgroupName": "abc", "dbName": "d".repeat(65) }), &[("/dbName", "length")])]
#[case::digit_first(json!({ "workgroupName": "abc", "dbName": "1db" }), &[("/dbName", "first-letter")])]
#[case::reserved(json!({ "workgroupName": "abc", "dbName": "SELECT" }), &[("/dbName", "not-reserved")])]
#[case::reserved_in_small_letters(json!({ "workgroupName": "abc", "dbName": "select" }), &[("/dbName", "not-reserved")])]
#[case::undecided_word(json!({ "workgroupName": "abc", "dbName": "connect" }), &[])]
// Constraint 1 against constraint 2.
#[case::underscore(json!({ "workgroupName": "abc", "dbName": "my_db" }), &[("/dbName", "alphanumeric")])]
#[case::colon(
    json!({ "workgroupName": "abc", "dbName": "a:b" }),
    &[("/dbName", "alphanumeric"), ("/dbName", "characters"), ("/dbName", "no-colon-or-slash")],
)]
fn prose_is_checkable_apart_from_the_schema(#[case] request: Value, #[case] expected: &[(&str, &str)]) {
    let breaches = validators().prose_breaches("GetCredentialsRequest", &request);
    let found: Vec<_> = breaches.iter().map(|breach| (breach.at.as_str(), breach.id.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn only_the_statement_that_another_contradicts_is_marked_as_a_conflict() {
    let request = json!({ "workgroupName": "abc", "dbName": "a:b" });
    let breaches = validators().prose_breaches("GetCredentialsRequest", &request);
    let evidence: Vec<_> = breaches.iter().map(|breach| breach.evidence).collect();
    assert_eq!(evidence, [Evidence::Conflict, Evidence::Documented, Evidence::Documented]);
}

/// The pattern of `customDomainName` said without a pattern (wire-facts section 8).
fn domain_rule(name: &str) -> bool {
    let labels: Vec<&str> = name.split('.').collect();
    let label = |label: &&str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    labels.len() >= 2
        && labels.iter().all(label)
        && labels.last().is_some_and(|last| last.len() >= 2)
        && name.chars().count() <= 253
}

/// Strings near the edge: labels of plausible and implausible lengths, and now and then a wrong character.
fn name_strategy() -> impl Strategy<Value = String> {
    let label = prop_oneof![
        4 => "[A-Za-z0-9-]{1,8}",
        2 => "[a-z0-9][a-z0-9-]{60,62}[a-z0-9]",
        1 => "[A-Za-z0-9-]{0,2}",
        1 => "[a-z_ :*é\n-]{1,4}",
    ];
    prop_oneof![
        4 => prop::collection::vec(label, 1..6).prop_map(|labels| labels.join(".")),
        1 => "[a-z.]{0,260}",
        1 => "[a.-]{0,12}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_domain_pattern_agrees_with_the_rule_of_labels(names in prop::collection::vec(name_strategy(), 8)) {
        for name in names {
            prop_assert_eq!(keywords("customDomainName", name.as_str()).is_empty(), domain_rule(&name), "{:?}", name);
        }
    }
}

#[rstest]
#[case::letters(&"a".repeat(253))]
#[case::one_letter_labels(&"a.".repeat(126))]
#[case::hyphens(&format!("a{}", "-".repeat(252)))]
#[case::almost(&format!("{}_", labels(&[63, 63, 63, 60])))]
#[case::longest(&labels(&[63, 63, 63, 61]))]
fn no_name_of_253_characters_comes_near_the_backtrack_limit(#[case] name: &str) {
    let member = &CONTRACT.default_operation().request.members["customDomainName"];
    let pattern = member.pattern.as_ref().expect("it has a pattern");
    let strict = jsonschema::options()
        .with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(BACKTRACK_LIMIT / 10))
        .build(&json!({ "pattern": pattern.is }))
        .expect("it compiles");
    let gave_up = strict
        .iter_errors(&Value::from(name))
        .any(|error| matches!(error.kind(), ValidationErrorKind::BacktrackLimitExceeded { .. }));
    assert!(!gave_up);
}

/// The keywords of the generated schemas that say something about a value. In drafts 7 and 2020-12 they say the same.
/// Source: JSON Schema, release notes of drafts 2019-09 and 2020-12.
const SAME_IN_BOTH_DRAFTS: [&str; 15] = [
    "$defs",
    "additionalProperties",
    "$ref",
    "anyOf",
    "enum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "pattern",
    "properties",
];

/// What says nothing about a value, or stands in both drafts as it is.
const OTHERS: [&str; 7] = ["$id", "$schema", "default", "description", "required", "title", "type"];

fn check_schema(name: &str, schema: &Value, root: &Value) {
    let Some(members) = schema.as_object() else { return };
    for (keyword, value) in members {
        let is_same = SAME_IN_BOTH_DRAFTS.contains(&keyword.as_str()) || OTHERS.contains(&keyword.as_str());
        assert!(is_same || keyword.starts_with("x-"), "{name} has {keyword}");
        match keyword.as_str() {
            "properties" | "$defs" => {
                value.as_object().into_iter().flatten().for_each(|(_, inner)| check_schema(name, inner, root));
            }
            // A list of schemas, one for each item, means something else in draft 2020-12.
            "items" | "additionalProperties" => {
                assert!(value.is_object(), "{name} has {keyword} that is no schema");
                check_schema(name, value, root);
            }
            "anyOf" => value.as_array().into_iter().flatten().for_each(|inner| check_schema(name, inner, root)),
            // Draft 7 leaves out what stands beside a reference.
            "$ref" => {
                let place = value.as_str().and_then(|place| place.strip_prefix('#')).expect("a reference inside");
                let target = root.pointer(place).expect("it leads somewhere");
                let beside = members.iter().filter(|(name, _)| !matches!(name.as_str(), "$ref" | "description"));
                for (name, value) in beside.filter(|(name, _)| !name.starts_with("x-")) {
                    assert_eq!(Some(value), target.get(name), "{name} beside a reference");
                }
            }
            _ => {}
        }
    }
}

#[test]
fn what_is_generated_means_the_same_in_the_draft_that_compiles_faster() {
    for (name, validator) in &validators().schemas {
        let schema = validator.schema().expect("it has one");
        check_schema(name, &schema, &schema);
    }
    for rule in validators().prose.values().flatten() {
        let schema = rule.validator.schema().expect("it has one");
        check_schema(&rule.validator.name, &schema, &schema);
    }
}
