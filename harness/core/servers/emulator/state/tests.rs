//! Calls that create, show, change and delete, under a clock that the test moves.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;

use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use serde_json::{Value, json};

use crate::servers::emulator::tests::{assert_refused, caller, options, refusal_parts, sign, unsigned};
use crate::servers::emulator::{Clock, EmulatedService, EmulatorOptions, InvalidOptions};
use crate::wire::{Region, Response};

/// 2023-11-14T22:13:20.059Z, in milliseconds.
const START: i64 = 1_700_000_000_059;

const CERTIFICATE: &str = "arn:aws:acm:us-east-1:123456789012:certificate/0b2d2b1c-1d4f-4a57-8b2d-4b2f9b6d5a11";

/// A service with the workgroups wg-1 and wg-2 and the custom domain db.Example.com of wg-1, in which a second passes
/// until something is settled.
struct Tested {
    service: EmulatedService,
    clock: Arc<AtomicI64>,
}

fn clocked(clock: &Arc<AtomicI64>) -> EmulatorOptions {
    let clock = Arc::clone(clock);
    let now = move || Timestamp::from_millisecond(clock.load(Ordering::SeqCst)).unwrap();
    EmulatorOptions { clock: Clock::new(now), regions: vec![region("eu-west-1")], ..options() }
}

fn region(name: &str) -> Region {
    name.parse().unwrap()
}

impl Tested {
    fn new() -> Self {
        Self::of(|_| ()).unwrap()
    }

    fn of(change: impl FnOnce(&mut EmulatorOptions)) -> Result<Self, InvalidOptions> {
        let clock = Arc::new(AtomicI64::new(START));
        let mut options = clocked(&clock);
        change(&mut options);
        Ok(Self { service: EmulatedService::new(options)?, clock })
    }

    fn saved(path: &Path) -> Result<Self, InvalidOptions> {
        Self::of(|options| options.state = Some(path.to_owned()))
    }

    fn wait(&self, milliseconds: i64) {
        self.clock.fetch_add(milliseconds, Ordering::SeqCst);
    }

    fn call_in(&self, region: &str, operation: &str, input: &Value) -> Response {
        let now = Timestamp::from_millisecond(self.clock.load(Ordering::SeqCst)).unwrap();
        self.service.answer(&sign(unsigned(operation, &input.to_string()), &caller(), region, now))
    }

    fn call(&self, operation: &str, input: &Value) -> Response {
        self.call_in("us-east-1", operation, input)
    }

    #[track_caller]
    fn ok(&self, operation: &str, input: &Value) -> Value {
        let response = self.call(operation, input);
        assert_eq!(response.status, 200, "{operation}: {:?}", response.json());
        response.json().unwrap()
    }

    #[track_caller]
    fn refused(&self, operation: &str, input: &Value, name: &str) -> String {
        let response = self.call(operation, input);
        assert_refused(&response, 400, name);
        refusal_parts(&response).2
    }

    fn namespace(&self, name: &str) -> Value {
        self.ok("GetNamespace", &json!({"namespaceName": name}))["namespace"].clone()
    }

    fn workgroup(&self, name: &str) -> Value {
        self.ok("GetWorkgroup", &json!({"workgroupName": name}))["workgroup"].clone()
    }

    /// Creates a namespace and a workgroup of this name, which is available.
    fn provide(&self, name: &str) {
        self.ok("CreateNamespace", &json!({"namespaceName": name}));
        self.ok("CreateWorkgroup", &json!({"namespaceName": name, "workgroupName": name}));
        self.wait(1000);
    }

    /// Everything that can be seen.
    fn everything(&self) -> [Value; 3] {
        ["ListNamespaces", "ListWorkgroups", "ListCustomDomainAssociations"].map(|list| self.ok(list, &json!({})))
    }
}

#[test]
fn a_workgroup_of_the_options_has_what_its_name_alone_gives_it() {
    let mut workgroup = Tested::new().workgroup("wg-2");
    let id = workgroup["workgroupId"].as_str().unwrap().to_owned();
    assert_eq!(id.len(), 36, "{id}");
    for (member, start, count) in [("securityGroupIds", "sg-", 1), ("subnetIds", "subnet-", 3)] {
        let ids: BTreeSet<String> = serde_json::from_value(workgroup[member].take()).unwrap();
        assert!(ids.len() == count && ids.iter().all(|id| id.starts_with(start)), "{ids:?}");
    }
    let parameters = workgroup["configParameters"].take();
    assert_eq!(parameters[1], json!({"parameterKey": "datestyle", "parameterValue": "ISO, MDY"}));
    let expected = json!({
        "baseCapacity": 32,
        "configParameters": null,
        "creationDate": "2023-11-14T22:13:20.059Z",
        "endpoint": {
            "address": "wg-2.123456789012.us-east-1.redshift-serverless.amazonaws.com",
            "port": 5439,
        },
        "enhancedVpcRouting": false,
        "extraComputeForAutomaticOptimization": false,
        "ipAddressType": "ipv4",
        "namespaceName": "wg-2",
        "port": 5439,
        "publiclyAccessible": false,
        "securityGroupIds": null,
        "status": "AVAILABLE",
        "subnetIds": null,
        "trackName": "current",
        "workgroupArn": format!("arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/{id}"),
        "workgroupId": id,
        "workgroupName": "wg-2",
    });
    assert_eq!(workgroup, expected);
}

#[test]
fn a_namespace_of_the_options_has_the_default_database() {
    let tested = Tested::new();
    let namespace = tested.namespace("wg-2");
    let id = namespace["namespaceId"].as_str().unwrap();
    let expected = json!({
        "creationDate": "2023-11-14T22:13:20.059Z",
        "dbName": "dev",
        "iamRoles": [],
        "logExports": [],
        "namespaceArn": format!("arn:aws:redshift-serverless:us-east-1:123456789012:namespace/{id}"),
        "namespaceId": id,
        "namespaceName": "wg-2",
        "status": "AVAILABLE",
    });
    assert_eq!(namespace, expected);
    assert_ne!(id, tested.workgroup("wg-2")["workgroupId"]);
}

#[test]
fn a_workgroup_with_a_custom_domain_has_its_certificate_too() {
    let tested = Tested::of(|options| {
        options.custom_domains = ["b.example.com", "a.example.com"].map(|name| (name.into(), "wg-1".into())).into();
    });
    let workgroup = tested.unwrap().workgroup("wg-1");
    assert_eq!(workgroup["customDomainName"], "a.example.com");
    assert_eq!(workgroup["customDomainCertificateExpiryTime"], "2024-11-13T22:13:20.059Z");
    let arn = workgroup["customDomainCertificateArn"].as_str().unwrap();
    assert!(arn.starts_with("arn:aws:acm:us-east-1:123456789012:certificate/"), "{arn}");
}

#[rstest]
#[case("eu-central-1", "arn:aws:", ".eu-central-1.redshift-serverless.amazonaws.com")]
#[case("cn-north-1", "arn:aws-cn:", ".cn-north-1.redshift-serverless.amazonaws.com.cn")]
#[case("us-gov-west-1", "arn:aws-us-gov:", ".us-gov-west-1.redshift-serverless.amazonaws.com")]
#[case("us-iso-east-1", "arn:aws-iso:", ".us-iso-east-1.redshift-serverless.c2s.ic.gov")]
#[case("us-isob-east-1", "arn:aws-iso-b:", ".us-isob-east-1.redshift-serverless.sc2s.sgov.gov")]
#[case::of_an_emulator("local", "arn:aws:", ".local.redshift-serverless.amazonaws.com")]
fn names_follow_the_partition_of_the_region(#[case] name: &str, #[case] arn: &str, #[case] host: &str) {
    let tested = Tested::of(|options| options.region = region(name)).unwrap();
    let response = tested.call_in(name, "GetWorkgroup", &json!({"workgroupName": "wg-1"}));
    let workgroup = response.json().unwrap()["workgroup"].clone();
    for member in ["workgroupArn", "customDomainCertificateArn"] {
        assert!(workgroup[member].as_str().unwrap().starts_with(arn), "{workgroup}");
    }
    assert!(workgroup["endpoint"]["address"].as_str().unwrap().ends_with(host), "{workgroup}");
}

#[test]
fn every_workgroup_has_another_id_and_one_from_the_start_the_same_in_every_emulator() {
    let id = |tested: &Tested, name| tested.workgroup(name)["workgroupId"].to_string();
    let (one, other) = (Tested::new(), Tested::new());
    assert_ne!(id(&one, "wg-1"), id(&one, "wg-2"));
    assert_eq!(id(&one, "wg-1"), id(&other, "wg-1"));
    let elsewhere = Tested::of(|options| options.region = region("eu-central-1")).unwrap();
    let response = elsewhere.call_in("eu-central-1", "GetWorkgroup", &json!({"workgroupName": "wg-1"}));
    assert_ne!(id(&one, "wg-1"), response.json().unwrap()["workgroup"]["workgroupId"].to_string());
}

#[test]
fn the_options_tell_the_arn_of_the_first_workgroup() {
    let options = EmulatorOptions::default();
    let expected = options.names()["resource"].clone();
    let tested = Tested::of(|of| {
        *of = EmulatorOptions { clock: of.clock.clone(), credentials: of.credentials.clone(), ..options.clone() }
    })
    .unwrap();
    assert_eq!(tested.workgroup(&options.workgroups[0])["workgroupArn"], expected.as_str());
}

#[test]
fn a_workgroup_that_was_named_twice_is_there_once() {
    let tested = Tested::of(|options| options.workgroups.push("wg-2".into())).unwrap();
    assert_eq!(tested.service.workgroups(), ["wg-2", "wg-1"]);
}

#[test]
fn a_workgroup_is_being_created_until_it_has_settled() {
    let tested = Tested::new();
    let created = tested.ok("CreateNamespace", &json!({"namespaceName": "ns-0"}))["namespace"].clone();
    assert_eq!(created, tested.namespace("ns-0"));
    assert_eq!(created["status"], "AVAILABLE");
    let input = json!({"namespaceName": "ns-0", "workgroupName": "wg-3"});
    let created = tested.ok("CreateWorkgroup", &input)["workgroup"].clone();
    assert_eq!(created, tested.workgroup("wg-3"));
    assert_eq!((&created["status"], &created["namespaceName"]), (&json!("CREATING"), &json!("ns-0")));
    tested.wait(999);
    assert_eq!(tested.workgroup("wg-3"), created);
    tested.wait(1);
    let mut available = created;
    available["status"] = "AVAILABLE".into();
    assert_eq!(tested.workgroup("wg-3"), available);
}

#[test]
fn what_needs_no_time_is_settled_at_once() {
    let tested = Tested::of(|options| options.settle = SignedDuration::ZERO).unwrap();
    tested.ok("CreateNamespace", &json!({"namespaceName": "ns-1"}));
    tested.ok("CreateWorkgroup", &json!({"namespaceName": "ns-1", "workgroupName": "wg-3"}));
    assert_eq!(tested.workgroup("wg-3")["status"], "AVAILABLE");
    tested.ok("DeleteWorkgroup", &json!({"workgroupName": "wg-3"}));
    tested.ok("DeleteNamespace", &json!({"namespaceName": "ns-1"}));
    tested.refused("GetNamespace", &json!({"namespaceName": "ns-1"}), "ResourceNotFoundException");
}

#[rstest]
#[case::none_named(json!({"namespaceName": "ns-1"}), None, "dev")]
#[case::one_named(json!({"namespaceName": "ns-1", "dbName": "sales"}), Some("sales"), "sales")]
fn a_namespace_has_a_database_once_it_has_a_workgroup(
    #[case] input: Value,
    #[case] before: Option<&str>,
    #[case] after: &str,
) {
    let tested = Tested::new();
    let created = tested.ok("CreateNamespace", &input);
    assert_eq!(created["namespace"].get("dbName").and_then(Value::as_str), before);
    tested.ok("CreateWorkgroup", &json!({"namespaceName": "ns-1", "workgroupName": "wg-3"}));
    assert_eq!(tested.namespace("ns-1")["dbName"], after);
    tested.wait(1000);
    tested.ok("DeleteWorkgroup", &json!({"workgroupName": "wg-3"}));
    tested.wait(1000);
    assert_eq!(tested.namespace("ns-1")["dbName"], after);
}

#[test]
fn what_is_deleted_is_being_deleted_and_then_gone() {
    let tested = Tested::new();
    tested.provide("both");
    let workgroup = tested.workgroup("both");
    let mut deleting = workgroup.clone();
    deleting["status"] = "DELETING".into();
    assert_eq!(tested.ok("DeleteWorkgroup", &json!({"workgroupName": "both"}))["workgroup"], deleting);
    assert_eq!(tested.workgroup("both"), deleting);
    tested.refused("DeleteNamespace", &json!({"namespaceName": "both"}), "ConflictException");
    tested.wait(1000);
    let missing = tested.call("GetWorkgroup", &json!({"workgroupName": "both"})).json().unwrap();
    let message = "Serverless workgroup both not found.";
    assert_eq!(missing, json!({"__type": "ResourceNotFoundException", "message": message, "resourceName": "both"}));
    let deleted = tested.ok("DeleteNamespace", &json!({"namespaceName": "both"}));
    assert_eq!(deleted["namespace"]["status"], "DELETING");
    assert_eq!(tested.namespace("both"), deleted["namespace"]);
    tested.wait(1000);
    let message = tested.refused("GetNamespace", &json!({"namespaceName": "both"}), "ResourceNotFoundException");
    assert_eq!(message, "Serverless namespace both not found.");
    tested.provide("both");
    assert_ne!(tested.workgroup("both")["workgroupId"], workgroup["workgroupId"]);
}

#[test]
fn credentials_are_given_while_there_is_a_workgroup_and_not_after() {
    let tested = Tested::new();
    let credentials = || tested.call("GetCredentials", &json!({"workgroupName": "wg-3"}));
    tested.ok("CreateNamespace", &json!({"namespaceName": "ns-3"}));
    assert_refused(&credentials(), 400, "ResourceNotFoundException");
    tested.ok("CreateWorkgroup", &json!({"namespaceName": "ns-3", "workgroupName": "wg-3"}));
    assert_eq!(credentials().status, 200);
    tested.wait(1000);
    tested.ok("UpdateWorkgroup", &json!({"workgroupName": "wg-3", "port": 5440}));
    assert_eq!(credentials().status, 200);
    tested.wait(1000);
    tested.ok("DeleteWorkgroup", &json!({"workgroupName": "wg-3"}));
    assert_eq!(credentials().status, 200);
    tested.wait(1000);
    assert_refused(&credentials(), 400, "ResourceNotFoundException");
}

/// There are the namespaces ns-free and ns-gone, which is being deleted, and the workgroup wg-new, which is being created in
/// ns-new.
#[rstest]
#[case::namespace_taken("CreateNamespace", json!({"namespaceName": "wg-1"}), "Serverless namespace wg-1 already exists.")]
#[case::namespace_going("CreateNamespace", json!({"namespaceName": "ns-gone"}), "Serverless namespace ns-gone already exists.")]
#[case::namespace_in_use(
    "DeleteNamespace",
    json!({"namespaceName": "wg-1"}),
    "Serverless namespace wg-1 has the workgroup wg-1. Delete that first."
)]
#[case::namespace_gone_twice(
    "DeleteNamespace",
    json!({"namespaceName": "ns-gone"}),
    "There is an operation running on the namespace. Try deleting the namespace again later."
)]
#[case::workgroup_taken(
    "CreateWorkgroup",
    json!({"namespaceName": "ns-free", "workgroupName": "wg-1"}),
    "Serverless workgroup wg-1 already exists."
)]
#[case::second_workgroup(
    "CreateWorkgroup",
    json!({"namespaceName": "wg-1", "workgroupName": "wg-4"}),
    "Serverless namespace wg-1 already has the workgroup wg-1."
)]
#[case::workgroup_in_a_namespace_going(
    "CreateWorkgroup",
    json!({"namespaceName": "ns-gone", "workgroupName": "wg-4"}),
    "There is an operation running on the namespace. Try creating the namespace again later."
)]
#[case::workgroup_not_ready_to_go(
    "DeleteWorkgroup",
    json!({"workgroupName": "wg-new"}),
    "There is an operation running on the workgroup. Try deleting the workgroup again later."
)]
#[case::workgroup_not_ready_to_change(
    "UpdateWorkgroup",
    json!({"workgroupName": "wg-new", "port": 5440}),
    "There is an operation running on the workgroup. Try updating the workgroup again later."
)]
#[case::workgroup_not_ready_for_a_domain(
    "CreateCustomDomainAssociation",
    json!({"customDomainCertificateArn": CERTIFICATE, "customDomainName": "new.example.com", "workgroupName": "wg-new"}),
    "There is an operation running on the workgroup. Try associating the workgroup again later."
)]
#[case::domain_taken(
    "CreateCustomDomainAssociation",
    json!({"customDomainCertificateArn": CERTIFICATE, "customDomainName": "DB.example.com", "workgroupName": "wg-2"}),
    "The custom domain DB.example.com is already associated with wg-1."
)]
#[case::second_domain(
    "CreateCustomDomainAssociation",
    json!({"customDomainCertificateArn": CERTIFICATE, "customDomainName": "new.example.com", "workgroupName": "wg-1"}),
    "The workgroup wg-1 already has the custom domain db.Example.com."
)]
fn what_is_in_the_way_is_a_conflict_and_changes_nothing(
    #[case] operation: &str,
    #[case] input: Value,
    #[case] message: &str,
) {
    let tested = Tested::new();
    for name in ["ns-free", "ns-gone", "ns-new"] {
        tested.ok("CreateNamespace", &json!({"namespaceName": name}));
    }
    tested.ok("CreateWorkgroup", &json!({"namespaceName": "ns-new", "workgroupName": "wg-new"}));
    tested.ok("DeleteNamespace", &json!({"namespaceName": "ns-gone"}));
    let before = tested.everything();
    assert_eq!(tested.refused(operation, &input, "ConflictException"), message);
    assert_eq!(tested.everything(), before);
}

#[rstest]
#[case("GetNamespace", json!({"namespaceName": "nobody"}), "nobody", "Serverless namespace nobody not found.")]
#[case("DeleteNamespace", json!({"namespaceName": "nobody"}), "nobody", "Serverless namespace nobody not found.")]
#[case("DeleteWorkgroup", json!({"workgroupName": "nobody"}), "nobody", "Serverless workgroup nobody not found.")]
#[case("UpdateWorkgroup", json!({"workgroupName": "nobody"}), "nobody", "Serverless workgroup nobody not found.")]
#[case(
    "CreateWorkgroup",
    json!({"namespaceName": "nobody", "workgroupName": "wg-1"}),
    "nobody",
    "Serverless namespace nobody not found."
)]
#[case::workgroup_of_a_domain(
    "CreateCustomDomainAssociation",
    json!({"customDomainCertificateArn": CERTIFICATE, "customDomainName": "db.example.com", "workgroupName": "nobody"}),
    "nobody",
    "Serverless workgroup nobody not found."
)]
#[case::domain(
    "GetCustomDomainAssociation",
    json!({"customDomainName": "no.example.com", "workgroupName": "wg-1"}),
    "no.example.com",
    "Custom domain no.example.com not found."
)]
#[case::domain_of_another_workgroup(
    "DeleteCustomDomainAssociation",
    json!({"customDomainName": "db.example.com", "workgroupName": "wg-2"}),
    "db.example.com",
    "Custom domain db.example.com is not associated with the workgroup wg-2."
)]
#[case("TagResource", json!({"resourceArn": "arn:x", "tags": []}), "arn:x", "Resource arn:x not found.")]
#[case("UntagResource", json!({"resourceArn": "arn:x", "tagKeys": []}), "arn:x", "Resource arn:x not found.")]
#[case("ListTagsForResource", json!({"resourceArn": "arn:x"}), "arn:x", "Resource arn:x not found.")]
fn what_is_not_there_is_not_found(
    #[case] operation: &str,
    #[case] input: Value,
    #[case] resource: &str,
    #[case] message: &str,
) {
    let response = Tested::new().call(operation, &input);
    assert_eq!(response.status, 400);
    let expected = json!({"__type": "ResourceNotFoundException", "message": message, "resourceName": resource});
    assert_eq!(response.json(), Some(expected));
}

const NAME: &str = "satisfy regular expression pattern: ^[a-z0-9-]+$";

#[rstest]
#[case("CreateNamespace", json!({"namespaceName": "ab"}), "namespaceName", "have length greater than or equal to 3")]
#[case("GetNamespace", json!({"namespaceName": "A_b"}), "namespaceName", NAME)]
#[case("DeleteNamespace", json!({"namespaceName": "A_b"}), "namespaceName", NAME)]
#[case("CreateWorkgroup", json!({"namespaceName": "A_b", "workgroupName": "wg-3"}), "namespaceName", NAME)]
#[case("CreateWorkgroup", json!({"namespaceName": "ns-1", "workgroupName": "A_b"}), "workgroupName", NAME)]
#[case("DeleteWorkgroup", json!({"workgroupName": "a".repeat(65)}), "workgroupName", "have length less than or equal to 64")]
#[case("UpdateWorkgroup", json!({"workgroupName": "A_b"}), "workgroupName", NAME)]
#[case("ListNamespaces", json!({"maxResults": 0}), "maxResults", "have value greater than or equal to 1")]
#[case("ListCustomDomainAssociations", json!({"maxResults": 101}), "maxResults", "have value less than or equal to 100")]
#[case("ListCustomDomainAssociations", json!({"nextToken": "1234567"}), "nextToken", "have length greater than or equal to 8")]
#[case(
    "ListCustomDomainAssociations",
    json!({"nextToken": "1".repeat(1025)}),
    "nextToken",
    "have length less than or equal to 1024"
)]
#[case("TagResource", json!({"resourceArn": "", "tags": []}), "resourceArn", "have length greater than or equal to 1")]
#[case(
    "ListTagsForResource",
    json!({"resourceArn": "a".repeat(1012)}),
    "resourceArn",
    "have length less than or equal to 1011"
)]
#[case(
    "UntagResource",
    json!({"resourceArn": "a", "tagKeys": ["a", ""]}),
    "tagKeys",
    "satisfy constraint: [Member must have length greater than or equal to 1]"
)]
fn a_value_that_breaks_a_modelled_constraint_is_refused_for_it(
    #[case] operation: &str,
    #[case] input: Value,
    #[case] member: &str,
    #[case] breach: &str,
) {
    let message = Tested::new().refused(operation, &input, "ValidationException");
    let expected = format!("Value at '{member}' failed to satisfy constraint: Member must {breach}");
    assert_eq!(message, format!("1 validation error detected: {expected}"));
}

#[rstest]
#[case("ipAddressType", json!("ipv6"), "ipAddressType", "satisfy regular expression pattern: ^(ipv4|dualstack)$")]
#[case("trackName", json!("a-b"), "trackName", "satisfy regular expression pattern: ^[a-zA-Z0-9_]+$")]
#[case("trackName", json!("a".repeat(257)), "trackName", "have length less than or equal to 256")]
#[case("port", json!(5430), "port", "have a value from 5431 to 5455 or from 8191 to 8215")]
#[case("port", json!(5456), "port", "have a value from 5431 to 5455 or from 8191 to 8215")]
#[case("port", json!(8190), "port", "have a value from 5431 to 5455 or from 8191 to 8215")]
#[case("port", json!(8216), "port", "have a value from 5431 to 5455 or from 8191 to 8215")]
#[case(
    "pricePerformanceTarget",
    json!({"level": 101}),
    "pricePerformanceTarget.level",
    "have value less than or equal to 100"
)]
#[case(
    "pricePerformanceTarget",
    json!({"status": "ON"}),
    "pricePerformanceTarget.status",
    "satisfy enum value set: [ENABLED, DISABLED]"
)]
fn a_setting_of_a_workgroup_that_breaks_a_constraint_is_refused_for_it(
    #[case] member: &str,
    #[case] value: Value,
    #[case] at: &str,
    #[case] breach: &str,
    #[values("CreateWorkgroup", "UpdateWorkgroup")] operation: &str,
) {
    let mut input = json!({"workgroupName": "wg-1", "namespaceName": "wg-1"});
    input[member] = value;
    let message = Tested::new().refused(operation, &input, "ValidationException");
    let expected = format!("Value at '{at}' failed to satisfy constraint: Member must {breach}");
    assert_eq!(message, format!("1 validation error detected: {expected}"));
}

#[rstest]
#[case(
    json!({"logExports": ["userlog", "syslog"]}),
    "logExports",
    "satisfy constraint: [Member must satisfy enum value set: [useractivitylog, userlog, connectionlog]]"
)]
#[case(json!({"logExports": vec!["userlog"; 17]}), "logExports", "have length less than or equal to 16")]
#[case(json!({"redshiftIdcApplicationArn": ""}), "redshiftIdcApplicationArn", "have length greater than or equal to 1")]
#[case(json!({"tags": [{"key": "a", "value": "b"}, {"key": "", "value": ""}]}), "tags.2.member.key", "have length greater than or equal to 1")]
#[case(json!({"tags": [{"key": "a", "value": "b".repeat(257)}]}), "tags.1.member.value", "have length less than or equal to 256")]
#[case(json!({"tags": vec![json!({"key": "a", "value": ""}); 201]}), "tags", "have length less than or equal to 200")]
fn a_setting_of_a_namespace_that_breaks_a_constraint_is_refused_for_it(
    #[case] mut input: Value,
    #[case] at: &str,
    #[case] breach: &str,
) {
    input["namespaceName"] = "ns-1".into();
    let message = Tested::new().refused("CreateNamespace", &input, "ValidationException");
    let expected = format!("Value at '{at}' failed to satisfy constraint: Member must {breach}");
    assert_eq!(message, format!("1 validation error detected: {expected}"));
}

#[rstest]
#[case("CreateNamespace", &["namespaceName"])]
#[case("GetNamespace", &["namespaceName"])]
#[case("DeleteNamespace", &["namespaceName"])]
#[case("CreateWorkgroup", &["namespaceName", "workgroupName"])]
#[case("GetWorkgroup", &["workgroupName"])]
#[case("UpdateWorkgroup", &["workgroupName"])]
#[case("DeleteWorkgroup", &["workgroupName"])]
#[case("CreateCustomDomainAssociation", &["customDomainCertificateArn", "customDomainName", "workgroupName"])]
#[case("GetCustomDomainAssociation", &["customDomainName", "workgroupName"])]
#[case("DeleteCustomDomainAssociation", &["customDomainName", "workgroupName"])]
#[case("TagResource", &["resourceArn", "tags"])]
#[case("UntagResource", &["resourceArn", "tagKeys"])]
#[case("ListTagsForResource", &["resourceArn"])]
fn every_required_member_must_be_there(#[case] operation: &str, #[case] members: &[&str]) {
    let message = Tested::new().refused(operation, &json!({}), "ValidationException");
    for member in members {
        let expected = format!("Value null at '{member}' failed to satisfy constraint: Member must not be null");
        assert!(message.contains(&expected), "{message}");
    }
    assert_eq!(message.matches("Value null at").count(), members.len(), "{message}");
}

#[rstest]
#[case("CreateNamespace", json!({"iamRoles": "a"}))]
#[case("CreateNamespace", json!({"iamRoles": [1]}))]
#[case("CreateNamespace", json!({"iamRoles": [null]}))]
#[case("CreateNamespace", json!({"manageAdminPassword": "true"}))]
#[case("CreateNamespace", json!({"adminUserPassword": 1}))]
#[case("CreateNamespace", json!({"tags": {"key": "value"}}))]
#[case("CreateNamespace", json!({"tags": ["a"]}))]
#[case("CreateNamespace", json!({"tags": [{"key": 1}]}))]
#[case("CreateWorkgroup", json!({"publiclyAccessible": 1}))]
#[case("CreateWorkgroup", json!({"baseCapacity": "32"}))]
#[case("CreateWorkgroup", json!({"configParameters": [{"parameterKey": 1}]}))]
#[case("CreateWorkgroup", json!({"pricePerformanceTarget": []}))]
#[case("DeleteNamespace", json!({"finalSnapshotRetentionPeriod": "1"}))]
fn another_type_is_a_serialization_error_before_any_constraint(#[case] operation: &str, #[case] input: Value) {
    Tested::new().refused(operation, &input, "SerializationException");
}

#[rstest]
#[case::user_alone(json!({"adminUsername": "admin"}), "Specify both the user name and password, or neither.")]
#[case::password_alone(json!({"adminUserPassword": "CANARY"}), "Specify both the user name and password, or neither.")]
#[case::managed_and_given(
    json!({"adminUsername": "admin", "adminUserPassword": "CANARY", "manageAdminPassword": true}),
    "You can't use adminUserPassword if manageAdminPassword is true."
)]
#[case::key_of_nothing(
    json!({"adminPasswordSecretKmsKeyId": "key"}),
    "You can only use adminPasswordSecretKmsKeyId if manageAdminPassword is true."
)]
fn an_administrator_has_a_name_and_one_kind_of_password(#[case] mut input: Value, #[case] message: &str) {
    input["namespaceName"] = "ns-1".into();
    assert_eq!(Tested::new().refused("CreateNamespace", &input, "ValidationException"), message);
}

#[test]
fn what_a_namespace_is_created_with_is_shown_but_for_the_password() {
    let tested = Tested::new();
    let settings = json!({
        "adminUsername": "admin",
        "dbName": "sales",
        "defaultIamRoleArn": "arn:aws:iam::123456789012:role/r",
        "iamRoles": ["arn:aws:iam::123456789012:role/r"],
        "kmsKeyId": "a-key",
        "logExports": ["userlog", "connectionlog"],
    });
    let mut input = settings.clone();
    input["namespaceName"] = "ns-1".into();
    input["adminUserPassword"] = "CANARY".into();
    let created = tested.ok("CreateNamespace", &input);
    for (member, value) in settings.as_object().unwrap() {
        assert_eq!(created["namespace"][member], *value, "{member}");
    }
    let printed = format!("{created}{}{:?}", tested.namespace("ns-1"), tested.service);
    assert!(!printed.contains("CANARY"), "{printed}");
    input["namespaceName"] = "ns-2".into();
    input["manageAdminPassword"] = true.into();
    input["adminUserPassword"] = Value::Null;
    input["adminPasswordSecretKmsKeyId"] = "another-key".into();
    let managed = tested.ok("CreateNamespace", &input)["namespace"].clone();
    let arn = managed["adminPasswordSecretArn"].as_str().unwrap();
    assert!(arn.starts_with("arn:aws:secretsmanager:us-east-1:123456789012:secret:redshift!ns-2-"), "{arn}");
    assert_eq!(managed["adminPasswordSecretKmsKeyId"], "another-key");
}

fn settings() -> Value {
    json!({
        "baseCapacity": 64,
        "enhancedVpcRouting": true,
        "extraComputeForAutomaticOptimization": true,
        "ipAddressType": "dualstack",
        "maxCapacity": 128,
        "port": 8191,
        "pricePerformanceTarget": {"level": 50, "status": "ENABLED"},
        "publiclyAccessible": true,
        "securityGroupIds": ["sg-1"],
        "subnetIds": ["subnet-1", "subnet-2"],
        "trackName": "trailing",
    })
}

#[test]
fn what_a_workgroup_is_created_with_is_shown() {
    let tested = Tested::new();
    tested.ok("CreateNamespace", &json!({"namespaceName": "ns-1"}));
    let mut input = settings();
    input["namespaceName"] = "ns-1".into();
    input["workgroupName"] = "wg-3".into();
    input["configParameters"] = json!([
        {"parameterKey": "datestyle", "parameterValue": "ISO, DMY"},
        {"parameterKey": "require_ssl", "parameterValue": "true"},
    ]);
    tested.ok("CreateWorkgroup", &input);
    let shown = tested.workgroup("wg-3");
    for (member, value) in settings().as_object().unwrap() {
        assert_eq!(shown[member], *value, "{member}");
    }
    assert_eq!(shown["endpoint"]["port"], 8191);
    let parameters = shown["configParameters"].as_array().unwrap();
    assert_eq!(parameters.len(), 6);
    assert_eq!(parameters[1]["parameterValue"], "ISO, DMY");
    assert_eq!(parameters[5]["parameterKey"], "require_ssl");
}

#[test]
fn an_update_sets_one_member_and_takes_its_time() {
    let tested = Tested::new();
    let before = tested.workgroup("wg-1");
    for (member, value) in settings().as_object().unwrap() {
        let updated =
            tested.ok("UpdateWorkgroup", &json!({"workgroupName": "wg-1", member: value}))["workgroup"].clone();
        assert_eq!(updated, tested.workgroup("wg-1"));
        assert_eq!((&updated["status"], &updated[member]), (&json!("MODIFYING"), value));
        tested.wait(1000);
        assert_eq!(tested.workgroup("wg-1")["status"], "AVAILABLE");
    }
    let after = tested.workgroup("wg-1");
    assert_eq!(after["endpoint"]["port"], 8191);
    for member in ["creationDate", "workgroupId", "customDomainName", "configParameters"] {
        assert_eq!(after[member], before[member], "{member}");
    }
}

#[test]
fn an_update_keeps_the_parameters_that_it_does_not_name() {
    let tested = Tested::new();
    for (key, value) in [("query_group", "a"), ("datestyle", "SQL, DMY"), ("query_group", "b")] {
        let parameters = json!([{"parameterKey": key, "parameterValue": value}]);
        tested.ok("UpdateWorkgroup", &json!({"workgroupName": "wg-1", "configParameters": parameters}));
        tested.wait(1000);
    }
    let shown = tested.workgroup("wg-1")["configParameters"].to_string();
    let has =
        |key: &str, value: &str| shown.contains(&format!(r#"{{"parameterKey":"{key}","parameterValue":"{value}"}}"#));
    assert!(has("query_group", "b") && has("datestyle", "SQL, DMY") && has("auto_mv", "true"), "{shown}");
}

#[test]
fn an_update_of_several_members_is_refused_and_one_of_none_changes_nothing() {
    let tested = Tested::new();
    let before = tested.workgroup("wg-1");
    let input = json!({"workgroupName": "wg-1", "port": 5440, "baseCapacity": 64});
    let message = tested.refused("UpdateWorkgroup", &input, "ValidationException");
    assert_eq!(message, "Can't update multiple configurations at the same time for workgroup wg-1.");
    assert_eq!(tested.ok("UpdateWorkgroup", &json!({"workgroupName": "wg-1"}))["workgroup"], before);
    assert_eq!(tested.workgroup("wg-1"), before);
}

#[test]
fn a_custom_domain_stands_for_its_workgroup_until_it_is_deleted() {
    let tested = Tested::new();
    let names = json!({"customDomainName": "New.example.com", "workgroupName": "wg-2"});
    let mut input = names.clone();
    input["customDomainCertificateArn"] = CERTIFICATE.into();
    let created = tested.ok("CreateCustomDomainAssociation", &input);
    let mut expected = input.clone();
    expected["customDomainCertificateExpiryTime"] = "2024-11-13T22:13:20.059Z".into();
    assert_eq!(created, expected);
    let asked = json!({"customDomainName": "new.EXAMPLE.com", "workgroupName": "wg-2"});
    assert_eq!(tested.ok("GetCustomDomainAssociation", &asked), expected);
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(tested.workgroup("wg-2")[member], *value, "{member}");
    }
    tested.ok("GetCredentials", &json!({"customDomainName": "new.example.com"}));
    assert_eq!(tested.ok("DeleteCustomDomainAssociation", &names), json!({}));
    tested.refused("GetCustomDomainAssociation", &names, "ResourceNotFoundException");
    tested.refused("GetCredentials", &json!({"customDomainName": "new.example.com"}), "ResourceNotFoundException");
    assert_eq!(tested.workgroup("wg-2").get("customDomainName"), None);
}

#[test]
fn a_custom_domain_goes_with_its_workgroup() {
    let tested = Tested::new();
    tested.ok("DeleteWorkgroup", &json!({"workgroupName": "wg-1"}));
    assert_eq!(
        tested.ok("GetCredentials", &json!({"customDomainName": "db.example.com"})).as_object().unwrap().len(),
        4
    );
    tested.wait(1000);
    tested.refused("GetCredentials", &json!({"customDomainName": "db.example.com"}), "ResourceNotFoundException");
    assert_eq!(tested.ok("ListCustomDomainAssociations", &json!({})), json!({"associations": []}));
}

#[rstest]
#[case::shorter_than_allowed("arn:a:acm::1:a", "have length greater than or equal to 20")]
#[case::longer_than_allowed(&format!("arn:aws:acm::1:{}", "a".repeat(2034)), "have length less than or equal to 2048")]
#[case::another_service(
    "arn:aws:iam::123456789012:certificate/a",
    "satisfy regular expression pattern: arn:[\\w+=/,.@-]+:acm:[\\w+=/,.@-]*:[0-9]+:[\\w+=,.@-]+(/[\\w+=,.@-]+)*"
)]
#[case::letters_beyond_ascii(
    "arn:aws:acm:us-east-1:1:é-certificate",
    "satisfy regular expression pattern: arn:[\\w+=/,.@-]+:acm:[\\w+=/,.@-]*:[0-9]+:[\\w+=,.@-]+(/[\\w+=,.@-]+)*"
)]
fn a_certificate_is_named_by_its_arn(#[case] arn: &str, #[case] breach: &str) {
    let input = json!({"customDomainCertificateArn": arn, "customDomainName": "a.bc", "workgroupName": "wg-2"});
    let message = Tested::new().refused("CreateCustomDomainAssociation", &input, "ValidationException");
    assert!(message.starts_with("1 validation error") && message.ends_with(breach), "{message}");
}

fn tag(key: &str, value: &str) -> Value {
    json!({"key": key, "value": value})
}

#[test]
fn tags_are_added_replaced_and_removed() {
    let tested = Tested::new();
    let input = json!({"namespaceName": "ns-1", "tags": [tag("b", "1"), tag("a", "1"), tag("b", "2")]});
    let namespace = tested.ok("CreateNamespace", &input)["namespace"]["namespaceArn"].clone();
    let workgroup = tested.workgroup("wg-1")["workgroupArn"].clone();
    let tags = |arn: &Value| tested.ok("ListTagsForResource", &json!({"resourceArn": arn}))["tags"].clone();
    assert_eq!(tags(&namespace), json!([tag("a", "1"), tag("b", "2")]));
    assert_eq!(tags(&workgroup), json!([]));
    for arn in [&namespace, &workgroup] {
        let input = json!({"resourceArn": arn, "tags": [tag("c", ""), tag("a", "3")]});
        assert_eq!(tested.ok("TagResource", &input), json!({}));
    }
    assert_eq!(tags(&namespace), json!([tag("a", "3"), tag("b", "2"), tag("c", "")]));
    assert_eq!(tags(&workgroup), json!([tag("a", "3"), tag("c", "")]));
    tested.ok("UntagResource", &json!({"resourceArn": namespace, "tagKeys": ["a", "nobody"]}));
    assert_eq!(tags(&namespace), json!([tag("b", "2"), tag("c", "")]));
}

#[test]
fn a_resource_has_at_most_200_tags() {
    let tested = Tested::new();
    let arn = tested.workgroup("wg-1")["workgroupArn"].clone();
    let tags = |from: usize, to: usize| (from..to).map(|n| tag(&n.to_string(), "")).collect::<Value>();
    tested.ok("TagResource", &json!({"resourceArn": arn, "tags": tags(0, 200)}));
    tested.ok("TagResource", &json!({"resourceArn": arn, "tags": tags(0, 10)}));
    let response = tested.call("TagResource", &json!({"resourceArn": arn, "tags": tags(200, 201)}));
    assert_refused(&response, 400, "TooManyTagsException");
    assert_eq!(response.json().unwrap()["resourceName"], arn);
    let listed = tested.ok("ListTagsForResource", &json!({"resourceArn": arn}));
    assert_eq!(listed["tags"].as_array().unwrap().len(), 200);
}

/// All items of a list, `most` a page, and the number of pages.
fn pages(tested: &Tested, list: &str, filter: &Value, most: usize) -> (Vec<Value>, usize) {
    let (mut items, mut count, mut input) = (Vec::new(), 0, filter.clone());
    input["maxResults"] = most.into();
    loop {
        let page = tested.ok(list, &input);
        let found = page.as_object().unwrap().values().find_map(Value::as_array).unwrap();
        assert!(found.len() <= most);
        items.extend(found.iter().cloned());
        count += 1;
        input["nextToken"] = page["nextToken"].clone();
        if input["nextToken"].is_null() {
            return (items, count);
        }
    }
}

#[rstest]
#[case("ListNamespaces", "namespaceName")]
#[case("ListWorkgroups", "workgroupName")]
#[case("ListCustomDomainAssociations", "customDomainName")]
fn every_list_has_pages_in_the_order_of_names(#[case] list: &str, #[case] member: &str) {
    let tested = Tested::new();
    for name in ["wg-0", "wg-3", "wg-4"] {
        tested.provide(name);
        let domain = format!("{name}.example.com");
        let input =
            json!({"customDomainCertificateArn": CERTIFICATE, "customDomainName": domain, "workgroupName": name});
        tested.ok("CreateCustomDomainAssociation", &input);
    }
    let (all, _) = pages(&tested, list, &json!({}), 100);
    let names: Vec<_> = all.iter().map(|item| item[member].as_str().unwrap()).collect();
    assert!(names.len() >= 4 && names.is_sorted(), "{names:?}");
    for most in [1, 2, 3] {
        let (items, count) = pages(&tested, list, &json!({}), most);
        assert_eq!((items, count), (all.clone(), all.len().div_ceil(most)), "{most} a page");
    }
}

#[test]
fn associations_are_listed_by_name_and_by_certificate() {
    let tested = Tested::new();
    let input = json!({"customDomainCertificateArn": CERTIFICATE, "customDomainName": "a.bc", "workgroupName": "wg-2"});
    tested.ok("CreateCustomDomainAssociation", &input);
    for (filter, expected) in [
        (json!({}), vec!["a.bc", "db.Example.com"]),
        (json!({"customDomainCertificateArn": CERTIFICATE}), vec!["a.bc"]),
        (json!({"customDomainName": "DB.example.com"}), vec!["db.Example.com"]),
        (json!({"customDomainCertificateArn": CERTIFICATE, "customDomainName": "db.example.com"}), vec![]),
    ] {
        let (items, _) = pages(&tested, "ListCustomDomainAssociations", &filter, 1);
        let names: Vec<_> = items.iter().map(|item| item["customDomainName"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "{filter}");
    }
}

#[test]
fn a_token_outlives_the_item_that_its_page_began_with() {
    let tested = Tested::new();
    for name in ["ns-1", "ns-2", "ns-3"] {
        tested.ok("CreateNamespace", &json!({"namespaceName": name}));
    }
    let first = tested.ok("ListNamespaces", &json!({"maxResults": 1}));
    tested.ok("DeleteNamespace", &json!({"namespaceName": "ns-2"}));
    tested.wait(1000);
    let next = tested.ok("ListNamespaces", &json!({"maxResults": 1, "nextToken": first["nextToken"]}));
    assert_eq!(next["namespaces"][0]["namespaceName"], "ns-3");
}

#[test]
fn a_token_is_good_for_its_own_list_only() {
    let tested = Tested::new();
    let token = tested.ok("ListNamespaces", &json!({"maxResults": 1}))["nextToken"].clone();
    let input = json!({"nextToken": token});
    tested.refused("ListWorkgroups", &input, "ValidationException");
    tested.refused("ListCustomDomainAssociations", &input, "InvalidPaginationException");
    assert_refused(&tested.call_in("eu-west-1", "ListNamespaces", &input), 400, "ValidationException");
    let others = Tested::new().call("ListNamespaces", &input);
    assert_refused(&others, 400, "ValidationException");
    assert_eq!(tested.ok("ListNamespaces", &input)["namespaces"][0]["namespaceName"], "wg-2");
}

#[test]
fn each_region_has_what_was_created_there() {
    let tested = Tested::new();
    let there = |operation: &str, input: &Value| tested.call_in("eu-west-1", operation, input);
    assert_refused(&there("GetWorkgroup", &json!({"workgroupName": "wg-1"})), 400, "ResourceNotFoundException");
    assert_eq!(there("CreateNamespace", &json!({"namespaceName": "wg-1"})).status, 200);
    let created = there("CreateWorkgroup", &json!({"namespaceName": "wg-1", "workgroupName": "wg-1"}));
    let arn = created.json().unwrap()["workgroup"]["workgroupArn"].clone();
    assert!(
        arn.as_str().unwrap().starts_with("arn:aws:redshift-serverless:eu-west-1:123456789012:workgroup/"),
        "{arn}"
    );
    assert_ne!(tested.workgroup("wg-1")["workgroupArn"], arn);
    tested.refused("ListTagsForResource", &json!({"resourceArn": arn}), "ResourceNotFoundException");
    assert_eq!(there("ListTagsForResource", &json!({"resourceArn": arn})).status, 200);
    let elsewhere = tested.call_in("ap-south-1", "ListWorkgroups", &json!({}));
    assert_refused(&elsewhere, 400, "InvalidSignatureException");
}

#[test]
fn a_caller_cannot_fill_the_memory() {
    let tested = Tested::new();
    let tags: Value = (0..200).map(|n| tag(&format!("{n:0128}"), &"v".repeat(256))).collect();
    let create = |n: usize| {
        let name = format!("ns-{n:04}");
        tested.call("CreateNamespace", &json!({"namespaceName": name, "tags": tags}))
    };
    let made = (0..1000).take_while(|n| create(*n).status == 200).count();
    assert!((40..80).contains(&made), "{made}");
    assert_refused(&create(made), 400, "ServiceQuotaExceededException");
    tested.ok("DeleteNamespace", &json!({"namespaceName": "ns-0000"}));
    tested.wait(1000);
    assert_eq!(create(made).status, 200);
}

#[test]
fn what_is_saved_is_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let tested = Tested::saved(&path).unwrap();
    let mut input = settings();
    input["namespaceName"] = "ns-1".into();
    input["workgroupName"] = "wg-3".into();
    let admin = json!({
        "namespaceName": "ns-1", "adminUsername": "admin", "adminUserPassword": "CANARY", "tags": [tag("a", "1")]
    });
    tested.ok("CreateNamespace", &admin);
    tested.ok("CreateWorkgroup", &input);
    tested.wait(1000);
    let input = json!({"customDomainCertificateArn": CERTIFICATE, "customDomainName": "a.bc", "workgroupName": "wg-3"});
    tested.ok("CreateCustomDomainAssociation", &input);
    let there = json!({"namespaceName": "elsewhere"});
    assert_eq!(tested.call_in("eu-west-1", "CreateNamespace", &there).status, 200);
    tested.ok("DeleteWorkgroup", &json!({"workgroupName": "wg-1"}));
    tested.wait(1000);
    let before = tested.everything();
    let arn = tested.namespace("ns-1")["namespaceArn"].clone();
    drop(tested);

    assert!(!fs::read_to_string(&path).unwrap().contains("CANARY"));
    let again = Tested::saved(&path).unwrap();
    again.wait(5000);
    assert_eq!(again.everything(), before);
    assert_eq!(again.ok("ListTagsForResource", &json!({"resourceArn": arn}))["tags"], json!([tag("a", "1")]));
    assert_eq!(again.call_in("eu-west-1", "GetNamespace", &there).status, 200);
    assert_eq!(again.service.workgroups(), ["wg-2", "wg-3"]);
    assert_eq!(again.service.custom_domains(), [("a.bc".to_owned(), "wg-3".to_owned())]);
}

#[test]
fn what_was_saved_under_a_clock_ahead_is_settled_as_soon_as_anything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let tested = Tested::saved(&path).unwrap();
    tested.wait(3_600_000);
    tested.ok("DeleteWorkgroup", &json!({"workgroupName": "wg-1"}));
    drop(tested);
    let again = Tested::saved(&path).unwrap();
    assert_eq!(again.workgroup("wg-1")["status"], "DELETING");
    again.wait(1000);
    again.refused("GetWorkgroup", &json!({"workgroupName": "wg-1"}), "ResourceNotFoundException");
}

#[test]
fn another_account_begins_anew_and_what_is_saved_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let of = |account: &str, name: &str| {
        let tested = Tested::of(|options| {
            options.state = Some(path.clone());
            options.account = account.to_owned();
        });
        let tested = tested.unwrap();
        tested.ok("CreateNamespace", &json!({"namespaceName": name}));
    };
    of("111111111111", "ns-1");
    of("222222222222", "ns-1");
    of("111111111111", "ns-2");
    let saved: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let counts: Vec<_> = saved["realms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|realm| realm["namespaces"].as_object().unwrap().len())
        .collect();
    assert_eq!(counts, [4, 3]);
}

/// A right file with a text in it replaced.
fn broken(from: &str, to: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    drop(Tested::saved(&path).unwrap());
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    text.replacen(from, to, 1)
}

#[rstest]
#[case::empty(String::new(), "expected JSON with a version")]
#[case::cut(broken("\n}", ""), "expected JSON with a version, found: EOF")]
#[case::something_else("{\"a\": 1}".to_owned(), "missing field `version`")]
#[case::another_version(
    broken("\"version\": 1", "\"version\": 2"),
    "expected version 1 of the state of an emulator, found version 2"
)]
#[case::member(broken("\"created\"", "\"made\""), "at realms[0].namespaces.wg-1.made: unknown field `made`")]
#[case::kind(broken("\"available\"", "\"ready\""), "at realms[0].namespaces.wg-1.phase")]
#[case::region(broken("\"us-east-1\"", "\"-\""), "at realms[0].region: expected the name of a region")]
#[case::account(
    broken("\"123456789012\"", "\"12\""),
    "at realms[0]: account 12, region us-east-1: an account id has 12 digits"
)]
#[case::name(broken("\"wg-1\": {", "\"WG 1\": {"), "namespace \"WG 1\": its name or its phase cannot be")]
#[case::namespace(
    broken("\"namespace\": \"wg-1\"", "\"namespace\": \"wg-2\""),
    "workgroup \"wg-2\": its name cannot be, or it needs a namespace of its own and has \"wg-2\""
)]
#[case::setting(broken("\"dbName\"", "\"dbNames\""), "namespace \"wg-1\": there is no setting \"dbNames\"")]
#[case::setting_of_another_kind(
    broken("\"dbName\": \"dev\"", "\"dbName\": 1"),
    "namespace \"wg-1\": NUMBER_VALUE can not be"
)]
#[case::tag(broken("\"tags\": {}", "\"tags\": {\"\": \"\"}"), "its tags must have length greater than or equal to 1")]
#[case::id(broken("\"id\": \"", "\"id\": \"x"), "its id is no UUID")]
#[case::domain(
    broken("\"name\": \"db.Example.com\"", "\"name\": \"other.example.com\""),
    "custom domain \"db.example.com\": its name"
)]
fn a_file_that_is_no_saved_state_is_refused_with_the_place(#[case] text: String, #[case] place: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    fs::write(&path, &text).unwrap();
    let error = Tested::saved(&path).err().expect("it cannot be used").to_string();
    assert!(error.starts_with("cannot use the state file ") && error.contains("state.json: "), "{error}");
    assert!(error.contains(place), "{error}");
    assert!(error.contains("name the file of an earlier `serve emulator --state`, or move this one away"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn a_file_is_of_one_emulator_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let first = Tested::saved(&path).unwrap();
    let error = Tested::saved(&path).err().expect("it is in use").to_string();
    assert!(error.ends_with("another emulator uses it; stop that one, or name another file"), "{error}");
    first.ok("CreateNamespace", &json!({"namespaceName": "ns-1"}));
    assert!(Tested::saved(&path).is_err());
    drop(first);
    assert_eq!(Tested::saved(&path).unwrap().namespace("ns-1")["status"], "AVAILABLE");
}

#[rstest]
#[case::a_folder(".", "it is no regular file; name another one")]
#[case::no_folder("nowhere/state.json", "make its folder writable, or name another file")]
fn a_file_that_cannot_be_written_is_found_at_the_start(#[case] path: &str, #[case] advice: &str) {
    let folder = tempfile::tempdir().unwrap();
    let error = Tested::saved(&folder.path().join(path)).err().expect("it cannot be used").to_string();
    assert!(error.ends_with(advice), "{error}");
}

#[test]
fn a_change_that_cannot_be_saved_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let tested = Tested::saved(&inner.join("state.json")).unwrap();
    let before = tested.everything();
    fs::rename(&inner, folder.path().join("away")).unwrap();
    let response = tested.call("CreateNamespace", &json!({"namespaceName": "ns-1"}));
    assert_refused(&response, 500, "InternalServerException");
    assert_eq!(tested.everything(), before);
    fs::rename(folder.path().join("away"), &inner).unwrap();
    tested.ok("CreateNamespace", &json!({"namespaceName": "ns-1"}));
    tested.namespace("ns-1");
}

#[cfg(unix)]
#[test]
fn a_link_to_the_file_stays_a_link_and_its_mode_stays_too() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("state.json"), folder.path().join("link"));
    drop(Tested::saved(&path).unwrap());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    symlink(&path, &link).unwrap();
    Tested::saved(&link).unwrap().ok("CreateNamespace", &json!({"namespaceName": "ns-1"}));
    assert!(link.is_symlink() && fs::read_to_string(&path).unwrap().contains("ns-1"));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn changes_at_the_same_time_are_all_made_and_all_saved() {
    const THREADS: usize = 8;
    const EACH: usize = 12;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let tested = Tested::saved(&path).unwrap();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let tested = &tested;
            scope.spawn(move || {
                for number in 0..EACH {
                    tested.ok("CreateNamespace", &json!({"namespaceName": format!("ns-{thread}-{number}")}));
                    tested.ok("GetCredentials", &json!({"workgroupName": "wg-1"}));
                }
            });
        }
    });
    drop(tested);
    let again = Tested::saved(&path).unwrap();
    let (namespaces, _) = pages(&again, "ListNamespaces", &json!({}), 100);
    assert_eq!(namespaces.len(), THREADS * EACH + 2);
}

/// Every operation with every member of any of them, each with values that nobody expects.
#[test]
fn no_input_is_a_fault_of_the_server() {
    const OPERATIONS: &str = "CreateNamespace CreateWorkgroup UpdateWorkgroup CreateCustomDomainAssociation \
         GetNamespace GetWorkgroup GetCustomDomainAssociation GetCredentials ListNamespaces ListWorkgroups \
         ListCustomDomainAssociations TagResource UntagResource ListTagsForResource DeleteCustomDomainAssociation \
         DeleteWorkgroup DeleteNamespace";
    const MEMBERS: &str = "namespaceName workgroupName customDomainName customDomainCertificateArn resourceArn tags \
         tagKeys maxResults nextToken ownerAccount dbName adminUsername adminUserPassword manageAdminPassword \
         adminPasswordSecretKmsKeyId defaultIamRoleArn iamRoles kmsKeyId logExports redshiftIdcApplicationArn \
         finalSnapshotName finalSnapshotRetentionPeriod baseCapacity configParameters enhancedVpcRouting \
         extraComputeForAutomaticOptimization ipAddressType maxCapacity port pricePerformanceTarget \
         publiclyAccessible securityGroupIds subnetIds trackName";
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(5440),
        json!(1e300),
        json!(""),
        json!("wg-1"),
        json!("\u{0}\u{202e}é"),
        json!("x".repeat(3000)),
        json!([]),
        json!([null]),
        json!(["a"]),
        json!([[]]),
        json!([{}]),
        json!({}),
        json!({"key": 1}),
        json!([{"key": "k", "value": "v"}]),
        json!([{"parameterKey": null}]),
        json!({"level": 5}),
        deep,
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let tested = Tested::of(|options| options.settle = SignedDuration::ZERO).unwrap();
    let domain = json!({"customDomainName": "db.example.com", "customDomainCertificateArn": CERTIFICATE});
    let arn = tested.workgroup("wg-2")["workgroupArn"].clone();
    for operation in OPERATIONS.split_whitespace() {
        for member in MEMBERS.split_whitespace() {
            for value in &values {
                let mut input = json!({"namespaceName": "ns-1", "workgroupName": "wg-1", "resourceArn": arn});
                input.as_object_mut().unwrap().extend(domain.as_object().unwrap().clone());
                input[member] = value.clone();
                let response = tested.call(operation, &input);
                let name = response.json().unwrap()["__type"].clone();
                assert!([200, 400].contains(&response.status), "{operation} {input}: {name}");
            }
        }
    }
    // What came of all this can be saved and loaded.
    let saved = Tested::saved(&path).unwrap();
    for (place, member) in MEMBERS.split_whitespace().enumerate() {
        // Each save waits for the disk, so each member gets some of the values.
        for (number, value) in values.iter().enumerate().filter(|(number, _)| (number + place) % 7 == 0) {
            let mut input = json!({"namespaceName": format!("ns-{place}-{number}"), member: value});
            saved.call("CreateNamespace", &input);
            input["workgroupName"] = "wg-2".into();
            saved.wait(1000);
            saved.call("UpdateWorkgroup", &input);
        }
    }
    drop(saved);
    assert!(Tested::saved(&path).unwrap().everything()[0]["namespaces"].as_array().unwrap().len() > 10);
}

#[cfg(feature = "login")]
#[tokio::test]
async fn the_door_of_a_workgroup_is_closed_when_it_is_deleted_and_not_opened_again() {
    use std::net::SocketAddr;
    use tokio::net::TcpStream;

    let door = |shown: &Value| -> Option<SocketAddr> {
        let (host, port) = (shown["endpoint"]["address"].as_str()?, shown["endpoint"]["port"].as_u64()?);
        Some(format!("{host}:{port}").parse().unwrap())
    };
    let change = |options: &mut EmulatorOptions| options.door = Some(crate::servers::emulator::DoorOptions::default());
    let mut tested = Tested::of(change).unwrap();
    tested.service.open_doors().await.unwrap();
    tested.provide("mine");
    let (mine, other) = (door(&tested.workgroup("mine")).unwrap(), door(&tested.workgroup("wg-1")).unwrap());
    TcpStream::connect(mine).await.unwrap();
    let deleted = tested.ok("DeleteWorkgroup", &json!({"workgroupName": "mine"}))["workgroup"].take();
    assert_eq!((&deleted["status"], door(&deleted)), (&"DELETING".into(), None), "{deleted}");
    tested.ok("GetCredentials", &json!({"workgroupName": "mine"}));
    assert_eq!(door(&tested.workgroup("mine")), None);
    let listed = tested.ok("ListWorkgroups", &json!({}))["workgroups"].take();
    let doors: Vec<_> = listed.as_array().unwrap().iter().map(|shown| door(shown).is_some()).collect();
    assert_eq!(doors, [false, true, true]);
    while TcpStream::connect(mine).await.is_ok() {
        tokio::task::yield_now().await;
    }
    TcpStream::connect(other).await.unwrap();
    tested.wait(1000);
    tested.ok("CreateWorkgroup", &json!({"namespaceName": "mine", "workgroupName": "mine"}));
    TcpStream::connect(door(&tested.workgroup("mine")).unwrap()).await.unwrap();
}

#[test]
fn what_is_saved_is_as_its_schema_says_in_every_phase() {
    let schema = schemars::schema_for!(crate::servers::emulator::SavedState).to_value();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let tested = Tested::saved(&path).unwrap();
    let tags = json!([{"key": "team", "value": "data"}]);
    tested.ok("CreateNamespace", &json!({"namespaceName": "mine", "manageAdminPassword": true, "tags": tags}));
    tested.ok("CreateWorkgroup", &json!({"namespaceName": "mine", "workgroupName": "mine", "baseCapacity": 8}));
    tested.ok("UpdateWorkgroup", &json!({"workgroupName": "wg-1", "publiclyAccessible": true}));
    tested.ok("DeleteWorkgroup", &json!({"workgroupName": "wg-2"}));
    let text = fs::read_to_string(&path).unwrap();
    for part in ["creating", "modifying", "deleting", "available", "secret_name", "team", "certificate", "baseCapacity"]
    {
        assert!(text.contains(&format!("\"{part}\"")), "{part}: {text}");
    }
    let saved: Value = serde_json::from_str(&text).unwrap();
    let errors: Vec<_> =
        validator.iter_errors(&saved).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert_eq!(errors, Vec::<String>::new());
    for (pointer, wrong) in [
        ("/version", json!(2)),
        ("/realms/0/account", json!("1")),
        ("/realms/0/workgroups/mine/phase", json!("gone")),
        ("/realms/0/workgroups/mine/id", Value::Null),
        ("/realms/0/network/subnets", json!(["subnet-1"])),
    ] {
        let mut saved = saved.clone();
        *saved.pointer_mut(pointer).unwrap() = wrong;
        assert!(!validator.is_valid(&saved), "{pointer}");
    }
}
