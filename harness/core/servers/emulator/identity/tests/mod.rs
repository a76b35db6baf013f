//! The table of examples, and what holds for every document.

mod calls;
mod faults;

use std::borrow::Cow;
use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::decision::{AccessRequest, Context, Denial, Known, Policies, PolicyKind, decide};
use super::file::{OneOrMany, PolicyDocument, Scalar};
use super::policy::Policy;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    version: u32,
    request: RequestExample,
    examples: Vec<Example>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestExample {
    action: Option<String>,
    resource: Option<String>,
    #[serde(default)]
    context: BTreeMap<String, OneOrMany<Scalar>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    name: String,
    /// The section of the guide that it is from.
    guide: String,
    policies: Vec<PolicyDocument>,
    boundary: Option<PolicyDocument>,
    #[serde(default)]
    session: Vec<PolicyDocument>,
    #[serde(default)]
    request: RequestExample,
    comes_to: String,
}

fn table() -> Table {
    serde_json::from_str(include_str!("policy_examples.json")).unwrap()
}

/// A request with the condition keys that it names, and no others.
#[derive(Debug)]
struct Keys(BTreeMap<String, Vec<String>>);

impl Context for Keys {
    fn value(&self, key: &str) -> Known<'_> {
        self.0.get(key).map_or(Known::Absent, |values| Known::Values(values.iter().map(Cow::from).collect()))
    }
}

fn policies(example: &Example) -> Policies {
    let read = |document: &PolicyDocument| Policy::read(document).unwrap();
    Policies {
        identity: example.policies.iter().map(read).collect(),
        boundary: example.boundary.as_ref().map(read),
        session: example.session.iter().map(read).collect(),
    }
}

fn word(decision: Result<(), Denial>) -> &'static str {
    match decision.map_err(|denial| (denial.by, denial.is_explicit)) {
        Ok(()) => "allowed",
        Err((PolicyKind::Identity, false)) => "no-identity-policy",
        Err((PolicyKind::Boundary, false)) => "no-boundary",
        Err((PolicyKind::Session, false)) => "no-session-policy",
        Err((PolicyKind::Identity, true)) => "deny-in-identity-policy",
        Err((PolicyKind::Boundary, true)) => "deny-in-boundary",
        Err((PolicyKind::Session, true)) => "deny-in-session-policy",
    }
}

#[test]
fn every_example_comes_to_what_the_guide_says() {
    let Table { version, request, examples } = table();
    assert_eq!(version, 1);
    assert!(examples.len() > 150, "only {} examples", examples.len());
    let mut wrong = Vec::new();
    for example in &examples {
        let own = example.request.clone();
        let mut keys = BTreeMap::new();
        for (key, values) in request.context.iter().chain(&own.context) {
            keys.insert(key.to_ascii_lowercase(), values.each.iter().map(|value| value.0.clone()).collect());
        }
        let (action, resource) = (own.action.or(request.action.clone()), own.resource.or(request.resource.clone()));
        let context = Keys(keys);
        let (action, resource) = (action.unwrap(), resource.unwrap());
        let request = AccessRequest { action: &action, resource: &resource, goes_on: false, context: &context };
        let found = word(decide(&policies(example), &request));
        if found != example.comes_to {
            let Example { name, guide, comes_to, .. } = example;
            wrong.push(format!("{name} ({guide}): expected {comes_to}, found {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn policy(document: &Value) -> Option<Policy> {
    let document = serde_json::from_value(document.clone()).ok()?;
    Policy::read(&document).ok()
}

/// A text that a policy or a request may have, often one that fits another.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => proptest::sample::select(vec![
            "*", "?", "s3:*", "s3:Get*", "S3:getobject", "s3:GetObject", "arn:aws:s3:::b/*", "arn:aws:s3:::b/k",
            "arn:aws:s3:::b/${aws:username}", "arn:*:*:*:*:*", "${aws:ResourceTag/a}", "${aws:nobody, 'k'}", "${",
            "${}",
            "k", "b/k", "true", "false", "10", "9.5", "1e999", "2026-11-27T12:00:00Z", "2026-11", "203.0.113.0/24",
            "203.0.113.7", "::1/129", "é", "",
        ]).prop_map(str::to_owned),
        1 => "\\PC{0,8}",
    ]
}

/// A value where the grammar has a text or a list of texts, and now and then something else.
fn texts() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => text().prop_map(Value::from),
        4 => proptest::collection::vec(text(), 0..3).prop_map(Value::from),
        1 => proptest::sample::select(vec![json!(1), json!(null), json!(true), json!({"a": []}), json!([[]])]),
    ]
}

fn operator() -> impl Strategy<Value = String> {
    let set = proptest::sample::select(vec!["", "", "", "ForAnyValue:", "ForAllValues:", "ForNone:"]);
    let name = proptest::sample::select(vec![
        "StringEquals",
        "StringNotLike",
        "StringLike",
        "StringEqualsIgnoreCase",
        "NumericLessThan",
        "DateGreaterThan",
        "Bool",
        "BinaryEquals",
        "IpAddress",
        "NotIpAddress",
        "ArnLike",
        "ArnNotEquals",
        "Null",
        "Nothing",
    ]);
    let exists = proptest::sample::select(vec!["", "", "IfExists"]);
    (set, name, exists).prop_map(|(set, name, exists)| format!("{set}{name}{exists}"))
}

fn key() -> impl Strategy<Value = String> {
    let keys =
        vec!["aws:username", "AWS:UserName", "aws:ResourceTag/a", "aws:TagKeys", "aws:CurrentTime", "aws:SourceIp"];
    proptest::sample::select(keys).prop_map(str::to_owned)
}

fn statement() -> impl Strategy<Value = Value> {
    let name = |names: &[&'static str]| proptest::sample::select(names.to_vec());
    let effect = name(&["Allow", "Allow", "Deny", "Neither"]);
    let action = (name(&["Action", "Action", "Action", "NotAction"]), texts());
    let resource = (name(&["Resource", "Resource", "Resource", "NotResource"]), texts());
    let condition = proptest::collection::vec((operator(), key(), texts()), 0..2);
    (effect, action, resource, condition).prop_map(|(effect, action, resource, conditions)| {
        let mut statement = json!({ "Effect": effect, action.0: action.1, resource.0: resource.1 });
        for (operator, key, values) in conditions {
            statement["Condition"] = json!({ operator: { key: values } });
        }
        statement
    })
}

fn document() -> impl Strategy<Value = Value> {
    let version = proptest::sample::select(vec!["2012-10-17", "2012-10-17", "2008-10-17", "2099-01-01"]);
    let statements = proptest::collection::vec(statement(), 1..4);
    (version, statements).prop_map(|(version, statements)| json!({ "Version": version, "Statement": statements }))
}

fn any_json() -> impl Strategy<Value = Value> {
    let word = || {
        let names =
            vec!["Version", "Statement", "Effect", "Action", "NotResource", "Resource", "Condition", "Bool", "x"];
        proptest::sample::select(names).prop_map(str::to_owned)
    };
    let leaf = prop_oneof![texts(), word().prop_map(Value::from), any::<f64>().prop_map(Value::from)];
    leaf.prop_recursive(6, 40, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(word(), inner, 0..5).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

fn keys() -> impl Strategy<Value = Keys> {
    let values = proptest::collection::vec(text(), 0..3);
    let keys = proptest::collection::btree_map(key().prop_map(|key| key.to_ascii_lowercase()), values, 0..5);
    keys.prop_map(Keys)
}

/// Policies of which at least one can be read, each kind now and then absent.
fn some_policies() -> impl Strategy<Value = Policies> {
    let read = |documents: Vec<Value>| documents.iter().filter_map(policy).collect::<Vec<_>>();
    let list = move || proptest::collection::vec(document(), 0..4).prop_map(read);
    (list(), list(), list()).prop_map(|(identity, boundary, session)| Policies {
        identity,
        boundary: boundary.into_iter().next(),
        session,
    })
}

/// Policies that are all about one action: what differs is the resource.
fn policies_about_resources() -> impl Strategy<Value = Policies> {
    let choice = |words: &[&'static str]| proptest::sample::select(words.to_vec());
    let effect = choice(&["Allow", "Deny"]);
    let element = choice(&["Resource", "Resource", "NotResource"]);
    let resource = choice(&["*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/k", "arn:aws:s3:::b/?", "arn:aws:s3:::b*k*"]);
    let tag = proptest::option::of(choice(&["k", "b/k"]));
    let statement = (effect, element, resource, tag).prop_map(|(effect, element, resource, tag)| {
        let mut statement = json!({ "Effect": effect, "Action": ACTION, element: resource });
        if let Some(tag) = tag {
            statement["Condition"] = json!({ "StringEquals": { "aws:ResourceTag/a": tag } });
        }
        statement
    });
    proptest::collection::vec(statement, 1..4).prop_map(|statements| {
        let document = json!({ "Version": "2012-10-17", "Statement": statements });
        Policies { identity: policy(&document).into_iter().collect(), ..Policies::default() }
    })
}

const ACTION: &str = "s3:GetObject";

/// The keys of a request whose resource is not looked up.
struct Unlooked<'a>(&'a Keys);

impl Context for Unlooked<'_> {
    fn value(&self, key: &str) -> Known<'_> {
        if key.starts_with("aws:resourcetag/") { Known::Unknown } else { self.0.value(key) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_document_makes_the_evaluator_panic(
        document in prop_oneof![document(), any_json()],
        resource in text(),
        action in text(),
        context in keys(),
    ) {
        if let Some(policy) = policy(&document) {
            let policies = Policies { identity: vec![policy], ..Policies::default() };
            for goes_on in [false, true] {
                let request = AccessRequest { action: &action, resource: &resource, goes_on, context: &context };
                let _ = decide(&policies, &request);
            }
        }
    }

    #[test]
    fn one_more_deny_never_turns_a_denial_into_an_allowance(
        policies in some_policies(),
        more in statement(),
        place in 0..3,
        resource in text(),
        context in keys(),
    ) {
        let request = AccessRequest { action: ACTION, resource: &resource, goes_on: false, context: &context };
        let mut deny = more;
        deny["Effect"] = "Deny".into();
        let Some(deny) = policy(&json!({ "Version": "2012-10-17", "Statement": deny })) else { return Ok(()) };
        let before = decide(&policies, &request);
        let mut after = policies;
        match (place, &mut after.boundary) {
            (1, Some(boundary)) => boundary.statements.extend(deny.statements),
            (2, _) if !after.session.is_empty() => after.session.push(deny),
            _ => after.identity.push(deny),
        }
        prop_assert!(before.is_ok() || decide(&after, &request).is_err());
    }

    /// What is denied before the resource is looked up would be denied whichever resource it is.
    #[test]
    fn a_denial_without_the_resource_is_one_with_any_resource(
        policies in prop_oneof![some_policies(), policies_about_resources()],
        name in "[bk/é]{0,3}",
        context in keys(),
    ) {
        let beginning = "arn:aws:s3:::b/";
        let unlooked = Unlooked(&context);
        let before = AccessRequest { action: ACTION, resource: beginning, goes_on: true, context: &unlooked };
        let resource = format!("{beginning}{name}");
        let after = AccessRequest { action: ACTION, resource: &resource, goes_on: false, context: &context };
        prop_assert!(decide(&policies, &before).is_ok() || decide(&policies, &after).is_err());
    }
}

/// Whether a policy of one statement with this condition allows a request with these keys.
fn condition_holds(condition: &Value, keys: &[(&str, &[&str])]) -> bool {
    let document = json!({ "Version": "2012-10-17",
        "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition } });
    let policies = Policies { identity: vec![policy(&document).unwrap()], ..Policies::default() };
    let keys = keys
        .iter()
        .map(|(key, values)| (key.to_ascii_lowercase(), values.iter().map(|value| (*value).to_owned()).collect()));
    let context = Keys(keys.collect());
    let request = AccessRequest { action: ACTION, resource: "arn:aws:s3:::b/k", goes_on: false, context: &context };
    decide(&policies, &request).is_ok()
}

/// The guide wants a set operator there, and does not say what happens without one.
#[test]
fn without_a_set_operator_a_negated_operator_must_hold_for_each_value() {
    let keys: &[(&str, &[&str])] = &[("aws:TagKeys", &["a", "b"])];
    assert!(!condition_holds(&json!({ "StringNotEquals": { "aws:TagKeys": "a" } }), keys));
    assert!(condition_holds(&json!({ "StringNotEquals": { "aws:TagKeys": "c" } }), keys));
    assert!(condition_holds(&json!({ "StringEquals": { "aws:TagKeys": "a" } }), keys));
}

#[test]
fn a_wildcard_in_the_value_of_a_variable_is_no_wildcard() {
    let condition = json!({ "StringLike": { "aws:ResourceTag/a": "${aws:PrincipalTag/a}" } });
    assert!(!condition_holds(&condition, &[("aws:ResourceTag/a", &["secret"]), ("aws:PrincipalTag/a", &["*"])]));
    assert!(condition_holds(&condition, &[("aws:ResourceTag/a", &["*"]), ("aws:PrincipalTag/a", &["*"])]));
}

/// The time is bounded by the product of the lengths: wildcards that overlap do not multiply.
#[test]
fn many_wildcards_are_decided_at_once() {
    let pattern = format!("arn:aws:s3:::{}b", "*a".repeat(500));
    let document = json!({ "Statement": { "Effect": "Allow", "Action": "*", "Resource": pattern } });
    let policies = Policies { identity: vec![policy(&document).unwrap()], ..Policies::default() };
    let resource = format!("arn:aws:s3:::{}", "a".repeat(2_000));
    let context = Keys(BTreeMap::new());
    let request = AccessRequest { action: ACTION, resource: &resource, goes_on: false, context: &context };
    let start = std::time::Instant::now();
    assert_eq!(word(decide(&policies, &request)), "no-identity-policy");
    assert!(start.elapsed() < std::time::Duration::from_secs(5), "{:?}", start.elapsed());
}
