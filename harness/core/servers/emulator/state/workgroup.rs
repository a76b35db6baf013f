use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::custom_domain::CustomDomain;
use super::phase::{Moment, Phase};
use super::place::Place;
use super::settings::{self, Kind, Setting, Settings};
use super::tags::Tags;
use crate::servers::emulator::random;
use crate::servers::emulator::validation::{BrokenConstraint, length, pattern};

/// Where a workgroup listens. Source: the service model, `port`, "The default is 5439".
const PORT: i32 = 5439;

/// Processing units of a workgroup. Source: the samples of the API reference, `GetWorkgroup`.
const BASE_CAPACITY: u32 = 32;

/// Subnets of a workgroup. Source: the Redshift Management Guide, "You must have at least three subnets".
const SUBNETS: usize = 3;

/// Parameters that a database begins with. Source: the service model names them; the Redshift Management
/// Guide has their default values.
const CONFIG_PARAMETERS: [(&str, &str); 5] = [
    ("auto_mv", "true"),
    ("datestyle", "ISO, MDY"),
    ("enable_case_sensitive_identifier", "false"),
    ("query_group", "default"),
    ("search_path", "$user, public"),
];

/// What a caller may set of a workgroup and is shown again. Source: the service model, `CreateWorkgroupRequest` and
/// `UpdateWorkgroupRequest`.
pub(in crate::servers::emulator) const WORKGROUP_SETTINGS: &[Setting] = &[
    Setting { member: "baseCapacity", kind: Kind::Integer(|_| None) },
    Setting { member: settings::PARAMETERS, kind: Kind::Parameters },
    Setting { member: "enhancedVpcRouting", kind: Kind::Boolean },
    Setting { member: "extraComputeForAutomaticOptimization", kind: Kind::Boolean },
    Setting { member: "ipAddressType", kind: Kind::Text(broken_by_address_type) },
    Setting { member: "maxCapacity", kind: Kind::Integer(|_| None) },
    Setting { member: "port", kind: Kind::Integer(broken_by_port) },
    Setting { member: "pricePerformanceTarget", kind: Kind::PerformanceTarget },
    Setting { member: "publiclyAccessible", kind: Kind::Boolean },
    Setting { member: "securityGroupIds", kind: Kind::Texts },
    Setting { member: "subnetIds", kind: Kind::Texts },
    Setting { member: "trackName", kind: Kind::Text(broken_by_track) },
];

/// Source: the service model, `IpAddressType`.
fn broken_by_address_type(kind: &str) -> Vec<Option<BrokenConstraint>> {
    vec![pattern("^(ipv4|dualstack)$", ["ipv4", "dualstack"].contains(&kind))]
}

/// Source: the service model, `TrackName`.
fn broken_by_track(track: &str) -> Vec<Option<BrokenConstraint>> {
    let matches = !track.is_empty() && track.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    vec![length(track, (1, 256)), pattern("^[a-zA-Z0-9_]+$", matches)]
}

/// Source: the service model, `port`, "Valid port ranges are 5431-5455 and 8191-8215".
fn broken_by_port(port: i32) -> Option<BrokenConstraint> {
    let is_valid = (5431..=5455).contains(&port) || (8191..=8215).contains(&port);
    (!is_valid).then(|| "have a value from 5431 to 5455 or from 8191 to 8215".to_owned())
}

/// The network of an account in a region: its workgroups share it, unless they were given another one.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Network {
    /// The id of the security group.
    security_group: String,
    /// The ids of the subnets.
    subnets: [String; SUBNETS],
}

impl Network {
    pub(super) fn new() -> Self {
        let subnets = [(); SUBNETS].map(|()| random::resource_id("subnet"));
        Self { security_group: random::resource_id("sg"), subnets }
    }
}

/// A workgroup.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::servers::emulator) struct Workgroup {
    /// Its id, a UUID.
    pub(super) id: String,
    #[serde(skip)]
    pub(super) arn: Arc<str>,
    /// The name of its namespace, which has no other workgroup.
    pub(super) namespace: String,
    /// When it was created.
    #[schemars(with = "String", extend("format" = "date-time"))]
    created: Timestamp,
    pub(super) phase: Phase,
    pub(super) settings: Settings,
    pub(super) tags: Tags,
}

impl Workgroup {
    /// A new one, which is being created.
    pub(in crate::servers::emulator) fn new(namespace: String, settings: Settings, tags: Tags, at: Moment) -> Self {
        let phase = Phase::Creating(at.settled);
        Self { id: random::uuid(), arn: Arc::default(), namespace, created: at.now, phase, settings, tags }
    }

    /// One that is there from the start of the emulator.
    pub(super) fn at_the_start(id: String, namespace: String, at: Moment) -> Self {
        let new = Self::new(namespace, Settings::default(), Tags::default(), at);
        Self { id, phase: Phase::Available, ..new }
    }

    /// Gives it its ARN, which says where it is.
    pub(super) fn set_place(&mut self, place: Place<'_>) {
        self.arn = place.arn("redshift-serverless", &format!("workgroup/{}", self.id)).into();
    }

    /// The structure `Workgroup` of the API reference.
    ///
    /// What was not set has its documented default. Members that exist only after they were set, such as `maxCapacity`,
    /// are left out, and so are versions and network interfaces, which are not documented.
    ///
    /// Source of the other defaults: the service model for the track and the extra compute, the samples of the API
    /// reference for the address type and the routing. That it is not public is a cautious guess.
    pub(super) fn shown(
        &self,
        name: &str,
        place: Place<'_>,
        network: &Network,
        domain: Option<&CustomDomain>,
    ) -> Value {
        let parameters = CONFIG_PARAMETERS.map(|(key, value)| json!({ "parameterKey": key, "parameterValue": value }));
        let port = self.settings.get("port").cloned().unwrap_or_else(|| PORT.into());
        let mut shown = json!({
            "baseCapacity": BASE_CAPACITY,
            "configParameters": parameters,
            "creationDate": date_time(self.created),
            "endpoint": { "address": place.host(name), "port": port },
            "enhancedVpcRouting": false,
            "extraComputeForAutomaticOptimization": false,
            "ipAddressType": "ipv4",
            "namespaceName": self.namespace,
            "port": port,
            "publiclyAccessible": false,
            "securityGroupIds": [network.security_group],
            "status": self.phase.status(),
            "subnetIds": network.subnets,
            "trackName": "current",
            "workgroupArn": &*self.arn,
            "workgroupId": self.id,
            "workgroupName": name,
        });
        self.settings.show_in(&mut shown);
        if let (Some(Value::Object(of_domain)), Some(shown)) = (domain.map(CustomDomain::shown), shown.as_object_mut())
        {
            shown.extend(of_domain);
        }
        shown
    }

    pub(super) fn weight(&self) -> usize {
        self.namespace.len() + self.settings.weight() + self.tags.weight()
    }
}

/// A time as a text with milliseconds. Source: the service model, `timestampFormat: iso8601`, unlike the
/// numbers of `GetCredentials`.
pub(super) fn date_time(time: Timestamp) -> String {
    format!("{time:.3}")
}
