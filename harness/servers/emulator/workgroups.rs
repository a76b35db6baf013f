//! The workgroups that an emulator has, as its answers show them.
//!
//! The options name them, and say which of them has a custom domain. The rest is what a workgroup has
//! that was made with nothing but a name: documented defaults, and ids that are new for each emulator
//! and stay as long as it lives. What a workgroup has only once it was set, such as `maxCapacity`, is
//! left out, and so are versions and network interfaces, of which nothing is documented.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::errors::Refusal;
use super::partition::Partition;
use super::{Options, random};

/// Where a workgroup listens. Source: the service model, `port`, "The default is 5439".
const PORT: u16 = 5439;

/// Processing units of a workgroup. Source: the samples of the API reference, `GetWorkgroup`.
const BASE_CAPACITY: u32 = 32;

/// Subnets of a workgroup. Source: the Redshift Management Guide, "You must have at least three subnets".
const SUBNETS: usize = 3;

/// How long the certificate of a custom domain holds: a year.
const CERTIFICATE: SignedDuration = SignedDuration::from_hours(365 * 24);

/// Parameters that a database begins with. Source: the service model names them; the Redshift Management
/// Guide has their default values.
const CONFIG_PARAMETERS: [ConfigParameter; 5] = [
    ConfigParameter { key: "auto_mv", value: "true" },
    ConfigParameter { key: "datestyle", value: "ISO, MDY" },
    ConfigParameter { key: "enable_case_sensitive_identifier", value: "false" },
    ConfigParameter { key: "query_group", value: "default" },
    ConfigParameter { key: "search_path", value: "$user, public" },
];

/// The workgroups of an emulator, in the order of their names.
#[derive(Debug)]
pub(super) struct Workgroups(Vec<Workgroup>);

/// The structure `Workgroup`; members and their order as in the API reference.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Workgroup {
    base_capacity: u32,
    config_parameters: [ConfigParameter; 5],
    creation_date: String,
    #[serde(flatten)]
    custom_domain: Option<CustomDomain>,
    endpoint: Endpoint,
    enhanced_vpc_routing: bool,
    extra_compute_for_automatic_optimization: bool,
    ip_address_type: &'static str,
    namespace_name: String,
    port: u16,
    publicly_accessible: bool,
    security_group_ids: [String; 1],
    status: &'static str,
    subnet_ids: [String; SUBNETS],
    track_name: &'static str,
    #[serde(rename = "workgroupArn")]
    arn: String,
    #[serde(rename = "workgroupId")]
    id: String,
    #[serde(rename = "workgroupName")]
    name: String,
    /// Stands for the page of a list that begins here. Whoever has it learns nothing from it, and nobody
    /// can guess it.
    #[serde(skip)]
    page_token: String,
}

#[derive(Debug, Serialize)]
struct ConfigParameter {
    #[serde(rename = "parameterKey")]
    key: &'static str,
    #[serde(rename = "parameterValue")]
    value: &'static str,
}

/// What a workgroup with a custom domain has besides. Source: the service model, where
/// `CreateCustomDomainAssociation` requires a certificate.
#[derive(Debug, Serialize)]
struct CustomDomain {
    #[serde(rename = "customDomainCertificateArn")]
    certificate_arn: String,
    #[serde(rename = "customDomainCertificateExpiryTime")]
    certificate_expiry_time: String,
    #[serde(rename = "customDomainName")]
    name: String,
}

#[derive(Debug, Serialize)]
struct Endpoint {
    address: String,
    port: u16,
}

impl Workgroups {
    /// The workgroups that the options name, each of them once.
    pub(super) fn new(options: &Options) -> Self {
        let mut names = options.workgroups.clone();
        names.sort();
        names.dedup();
        let account = Account::of(options);
        Self(names.iter().map(|name| account.workgroup(name)).collect())
    }

    /// All of them.
    pub(super) fn all(&self) -> &[Workgroup] {
        &self.0
    }

    /// The workgroup of this name. Source of the wording: real answers of `GetCredentials`
    /// (amazon-redshift-jdbc-driver #137) and `GetWorkgroup` (pulumi-aws-native #614).
    pub(super) fn named(&self, name: &str) -> Result<&Workgroup, Refusal> {
        let found = self.0.iter().find(|workgroup| workgroup.name == name);
        found.ok_or_else(|| Refusal::not_found(name, format!("Serverless workgroup {name} not found.")))
    }
}

impl Workgroup {
    /// The token of the page that begins here.
    pub(super) fn page_token(&self) -> &str {
        &self.page_token
    }
}

/// What all workgroups of an account have in common.
struct Account<'a> {
    options: &'a Options,
    partition: Partition,
    /// When they were made: when the emulator was.
    created: Timestamp,
    security_group: String,
    subnets: [String; SUBNETS],
}

impl<'a> Account<'a> {
    fn of(options: &'a Options) -> Self {
        Self {
            options,
            partition: Partition::of(&options.region),
            created: options.clock.now(),
            security_group: random::resource_id("sg"),
            subnets: [(); SUBNETS].map(|()| random::resource_id("subnet")),
        }
    }

    /// A workgroup of this name.
    ///
    /// Its namespace has the same name and no other workgroup. Source: the Redshift Management Guide, "Each
    /// namespace can have only one workgroup associated with it". Source of the other defaults: the service
    /// model for the track and the extra compute, the samples of the API reference for the address type and
    /// the routing. That it is not public is the cautious guess.
    fn workgroup(&self, name: &str) -> Workgroup {
        let id = random::uuid();
        Workgroup {
            base_capacity: BASE_CAPACITY,
            config_parameters: CONFIG_PARAMETERS,
            creation_date: date_time(self.created),
            custom_domain: self.custom_domain(name),
            endpoint: Endpoint { address: self.host(name), port: PORT },
            enhanced_vpc_routing: false,
            extra_compute_for_automatic_optimization: false,
            ip_address_type: "ipv4",
            namespace_name: name.to_owned(),
            port: PORT,
            publicly_accessible: false,
            security_group_ids: [self.security_group.clone()],
            status: "AVAILABLE",
            subnet_ids: self.subnets.clone(),
            track_name: "current",
            arn: self.arn("redshift-serverless", "workgroup", &id),
            id,
            name: name.to_owned(),
            page_token: random::page_token(),
        }
    }

    /// The custom domain that stands for a workgroup: the first one, where the options have more than the
    /// model has room for.
    fn custom_domain(&self, workgroup: &str) -> Option<CustomDomain> {
        let (domain, _) = self.options.custom_domains.iter().find(|(_, of)| *of == workgroup)?;
        let expiry = self.created.checked_add(CERTIFICATE).unwrap_or(Timestamp::MAX);
        Some(CustomDomain {
            certificate_arn: self.arn("acm", "certificate", &random::uuid()),
            certificate_expiry_time: date_time(expiry),
            name: domain.clone(),
        })
    }

    /// The host of a workgroup's endpoint. Source: the readme of mashiike/redshift-credentials and the
    /// Redshift Management Guide.
    fn host(&self, workgroup: &str) -> String {
        let Options { account, region, .. } = self.options;
        format!("{workgroup}.{account}.{region}.redshift-serverless.{}", self.partition.dns_suffix)
    }

    /// The ARN of a resource. Source: the Service Authorization Reference; the last part is the id and not
    /// the name.
    fn arn(&self, service: &str, kind: &str, id: &str) -> String {
        let Options { account, region, .. } = self.options;
        format!("arn:{}:{service}:{region}:{account}:{kind}/{id}", self.partition.name)
    }
}

/// A time as a text with milliseconds. Source: the service model, `timestampFormat: iso8601`, unlike the
/// numbers of `GetCredentials`.
fn date_time(time: Timestamp) -> String {
    format!("{time:.3}")
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use rstest::rstest;
    use serde_json::{Value, json};

    use super::super::Clock;
    use super::*;

    fn options() -> Options {
        Options {
            workgroups: vec!["wg-2".into(), "wg-1".into(), "wg-2".into()],
            custom_domains: BTreeMap::from([
                ("b.example.com".into(), "wg-1".into()),
                ("a.example.com".into(), "wg-1".into()),
            ]),
            clock: Clock::new(|| Timestamp::from_nanosecond(1_700_000_000_059_999_999).unwrap()),
            ..Options::default()
        }
    }

    fn shown(options: &Options, name: &str) -> Value {
        serde_json::to_value(Workgroups::new(options).named(name).unwrap()).unwrap()
    }

    #[test]
    fn a_workgroup_has_what_its_name_alone_gives_it() {
        let mut workgroup = shown(&options(), "wg-2");
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
    fn a_workgroup_with_a_custom_domain_has_its_certificate_too() {
        let workgroup = shown(&options(), "wg-1");
        assert_eq!(workgroup["customDomainName"], "a.example.com");
        assert_eq!(workgroup["customDomainCertificateExpiryTime"], "2024-11-13T22:13:20.059Z");
        let arn = workgroup["customDomainCertificateArn"].as_str().unwrap();
        assert!(arn.starts_with("arn:aws:acm:us-east-1:123456789012:certificate/"), "{arn}");
    }

    #[rstest]
    #[case("cn-north-1", "arn:aws-cn:", ".cn-north-1.redshift-serverless.amazonaws.com.cn")]
    #[case("us-gov-west-1", "arn:aws-us-gov:", ".us-gov-west-1.redshift-serverless.amazonaws.com")]
    fn names_follow_the_partition_of_the_region(#[case] region: &str, #[case] arn: &str, #[case] host: &str) {
        let options = Options { region: region.parse().unwrap(), ..options() };
        let workgroup = shown(&options, "wg-1");
        for member in ["workgroupArn", "customDomainCertificateArn"] {
            assert!(workgroup[member].as_str().unwrap().starts_with(arn), "{workgroup}");
        }
        assert!(workgroup["endpoint"]["address"].as_str().unwrap().ends_with(host), "{workgroup}");
    }

    #[test]
    fn every_workgroup_has_another_id_and_every_emulator_too() {
        let options = options();
        let ids: BTreeSet<_> =
            ["wg-1", "wg-2", "wg-1"].map(|name| shown(&options, name)["workgroupId"].to_string()).into();
        assert_eq!(ids.len(), 3);
    }

    #[test]
    fn a_workgroup_that_was_named_twice_is_there_once() {
        let workgroups = Workgroups::new(&options());
        assert_eq!(workgroups.all().iter().map(|workgroup| &workgroup.name).collect::<Vec<_>>(), ["wg-1", "wg-2"]);
    }

    #[test]
    fn a_workgroup_that_nobody_named_is_not_found() {
        let refusal = Workgroups::new(&options()).named("wg-3").unwrap_err();
        assert_eq!(refusal, Refusal::not_found("wg-3", "Serverless workgroup wg-3 not found."));
    }
}
