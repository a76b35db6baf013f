//! The workgroups that an emulator has, as its answers show them.
//!
//! The options name them, and say which of them has a custom domain. The other members are those of a workgroup that
//! was created with only a name: documented defaults, and ids that are new for each emulator and stay the same while it
//! runs. Members that exist only after they were set, such as `maxCapacity`, are left out, and so are versions and
//! network interfaces, which are not documented.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::errors::ServiceError;
use super::{EmulatedService, EmulatorOptions, random};
use crate::wire::Region;

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
const CONFIG_PARAMETERS: [(&str, &str); 5] = [
    ("auto_mv", "true"),
    ("datestyle", "ISO, MDY"),
    ("enable_case_sensitive_identifier", "false"),
    ("query_group", "default"),
    ("search_path", "$user, public"),
];

/// Partitions other than `aws`: the prefix of their regions' names, their own name, and the suffix of their host names.
/// Source: botocore, `partitions.json`.
const OTHER_PARTITIONS: [(&str, &str, &str); 7] = [
    ("cn-", "aws-cn", "amazonaws.com.cn"),
    ("us-gov-", "aws-us-gov", "amazonaws.com"),
    ("eusc-", "aws-eusc", "amazonaws.eu"),
    ("us-iso-", "aws-iso", "c2s.ic.gov"),
    ("us-isob-", "aws-iso-b", "sc2s.sgov.gov"),
    ("eu-isoe-", "aws-iso-e", "cloud.adc-e.uk"),
    ("us-isof-", "aws-iso-f", "csp.hci.ic.gov"),
];

/// Name and host suffix of the partition that a region belongs to.
fn partition(region: &Region) -> (&'static str, &'static str) {
    let other = OTHER_PARTITIONS.iter().find(|(start, ..)| region.as_str().starts_with(start));
    other.map_or(("aws", "amazonaws.com"), |(_, name, suffix)| (*name, *suffix))
}

/// The workgroups of an emulator, in the order of their names.
#[derive(Debug)]
pub(super) struct Workgroups(Vec<Workgroup>);

#[derive(Debug)]
pub(super) struct Workgroup {
    name: String,
    /// The structure `Workgroup` of the API reference.
    pub(super) shown: Value,
    /// The token of the page of a list that begins here. It is random: it says nothing and cannot be guessed.
    pub(super) page_token: String,
}

impl Workgroup {
    /// Its id, which no other workgroup ever had.
    pub(super) fn id(&self) -> &str {
        self.shown["workgroupId"].as_str().unwrap_or_default()
    }

    /// How an answer of a service shows it: with the door to its database, if there is one.
    pub(super) fn shown_by(&self, service: &EmulatedService) -> Value {
        let mut shown = self.shown.clone();
        if let Some((host, port)) = service.endpoint_of(self.id()) {
            shown["endpoint"] = json!({ "address": host, "port": port });
        }
        shown
    }
}

impl Workgroups {
    /// The workgroups that the options name, each of them once.
    pub(super) fn new(options: &EmulatorOptions) -> Self {
        let account = Account {
            options,
            partition: partition(&options.region),
            created: options.clock.now(),
            security_group: random::resource_id("sg"),
            subnets: [(); SUBNETS].map(|()| random::resource_id("subnet")),
        };
        let names: BTreeSet<&String> = options.workgroups.iter().collect();
        let workgroup = |name: &String| Workgroup {
            name: name.clone(),
            shown: account.workgroup(name),
            page_token: random::page_token(),
        };
        Self(names.into_iter().map(workgroup).collect())
    }

    /// The pattern that the host names of all workgroups match, as a certificate has it.
    #[cfg(feature = "login")]
    pub(super) fn any_host(options: &EmulatorOptions) -> String {
        host("*", options)
    }

    pub(super) fn all(&self) -> &[Workgroup] {
        &self.0
    }

    /// The workgroup of this name. Source of the wording: real answers of `GetCredentials`
    /// (amazon-redshift-jdbc-driver #137) and `GetWorkgroup` (pulumi-aws-native #614).
    pub(super) fn by_name(&self, name: &str) -> Result<&Workgroup, ServiceError> {
        let found = self.0.iter().find(|workgroup| workgroup.name == name);
        found.ok_or_else(|| ServiceError::not_found(name, format!("Serverless workgroup {name} not found.")))
    }
}

/// The host name of a workgroup's database.
fn host(workgroup: &str, options: &EmulatorOptions) -> String {
    let EmulatorOptions { account, region, .. } = options;
    format!("{workgroup}.{account}.{region}.redshift-serverless.{}", partition(region).1)
}

struct Account<'a> {
    options: &'a EmulatorOptions,
    /// The partition's name, which is the second part of an ARN, and the suffix of its host names.
    partition: (&'static str, &'static str),
    /// When the workgroups were created: at the start of the emulator.
    created: Timestamp,
    security_group: String,
    subnets: [String; SUBNETS],
}

impl Account<'_> {
    /// A workgroup of this name.
    ///
    /// Its namespace has the same name and no other workgroup. Source: the Redshift Management Guide, "Each namespace
    /// can have only one workgroup associated with it". Source of the host: the readme of mashiike/redshift-credentials
    /// and the Redshift Management Guide. Source of the other defaults: the service model for the track and the extra
    /// compute, the samples of the API reference for the address type and the routing. That it is not public is a
    /// cautious guess.
    fn workgroup(&self, name: &str) -> Value {
        let EmulatorOptions { custom_domains, .. } = self.options;
        let id = random::uuid();
        let parameters = CONFIG_PARAMETERS.map(|(key, value)| json!({ "parameterKey": key, "parameterValue": value }));
        let host = host(name, self.options);
        let mut workgroup = json!({
            "baseCapacity": BASE_CAPACITY,
            "configParameters": parameters,
            "creationDate": date_time(self.created),
            "endpoint": { "address": host, "port": PORT },
            "enhancedVpcRouting": false,
            "extraComputeForAutomaticOptimization": false,
            "ipAddressType": "ipv4",
            "namespaceName": name,
            "port": PORT,
            "publiclyAccessible": false,
            "securityGroupIds": [self.security_group],
            "status": "AVAILABLE",
            "subnetIds": self.subnets,
            "trackName": "current",
            "workgroupArn": self.arn("redshift-serverless", "workgroup", &id),
            "workgroupId": id,
            "workgroupName": name,
        });
        // The first one, if the options have several: the model has room for one. Source: the service model, where
        // `CreateCustomDomainAssociation` requires a certificate.
        if let Some((domain, _)) = custom_domains.iter().find(|(_, of)| *of == name) {
            let expiry = self.created.checked_add(CERTIFICATE).unwrap_or(Timestamp::MAX);
            workgroup["customDomainCertificateArn"] = self.arn("acm", "certificate", &random::uuid()).into();
            workgroup["customDomainCertificateExpiryTime"] = date_time(expiry).into();
            workgroup["customDomainName"] = domain.as_str().into();
        }
        workgroup
    }

    /// The ARN of a resource. Source: the Service Authorization Reference; the last part is the id and not
    /// the name.
    fn arn(&self, service: &str, kind: &str, id: &str) -> String {
        let EmulatorOptions { account, region, .. } = self.options;
        format!("arn:{}:{service}:{region}:{account}:{kind}/{id}", self.partition.0)
    }
}

/// A time as a text with milliseconds. Source: the service model, `timestampFormat: iso8601`, unlike the
/// numbers of `GetCredentials`.
fn date_time(time: Timestamp) -> String {
    format!("{time:.3}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rstest::rstest;

    use super::super::Clock;
    use super::*;

    fn options() -> EmulatorOptions {
        EmulatorOptions {
            workgroups: vec!["wg-2".into(), "wg-1".into(), "wg-2".into()],
            custom_domains: BTreeMap::from([
                ("b.example.com".into(), "wg-1".into()),
                ("a.example.com".into(), "wg-1".into()),
            ]),
            clock: Clock::new(|| Timestamp::from_nanosecond(1_700_000_000_059_999_999).unwrap()),
            ..EmulatorOptions::default()
        }
    }

    fn shown_workgroup(options: &EmulatorOptions, name: &str) -> Value {
        Workgroups::new(options).by_name(name).unwrap().shown.clone()
    }

    #[test]
    fn a_workgroup_has_what_its_name_alone_gives_it() {
        let mut workgroup = shown_workgroup(&options(), "wg-2");
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
        let workgroup = shown_workgroup(&options(), "wg-1");
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
    fn names_follow_the_partition_of_the_region(#[case] region: &str, #[case] arn: &str, #[case] host: &str) {
        let options = EmulatorOptions { region: region.parse().unwrap(), ..options() };
        let workgroup = shown_workgroup(&options, "wg-1");
        for member in ["workgroupArn", "customDomainCertificateArn"] {
            assert!(workgroup[member].as_str().unwrap().starts_with(arn), "{workgroup}");
        }
        assert!(workgroup["endpoint"]["address"].as_str().unwrap().ends_with(host), "{workgroup}");
    }

    #[test]
    fn every_workgroup_has_another_id_and_every_emulator_too() {
        let options = options();
        let ids: BTreeSet<_> =
            ["wg-1", "wg-2", "wg-1"].map(|name| shown_workgroup(&options, name)["workgroupId"].to_string()).into();
        assert_eq!(ids.len(), 3);
    }

    #[test]
    fn a_workgroup_that_was_named_twice_is_there_once() {
        let workgroups = Workgroups::new(&options());
        assert_eq!(workgroups.all().iter().map(|workgroup| &workgroup.name).collect::<Vec<_>>(), ["wg-1", "wg-2"]);
    }
}
