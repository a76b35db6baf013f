//! One call of a principal, as its policies see it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;

use super::decision::{AccessRequest, Context, Denial, Known, decide};
use super::principals::Principal;

/// The tags of a resource or of a request.
pub(in crate::servers::emulator) type Tags = BTreeMap<String, String>;

/// What a principal wants to do, and where from.
#[derive(Clone, Copy, Debug)]
pub(in crate::servers::emulator) struct Access<'a> {
    pub(in crate::servers::emulator) principal: &'a Principal,
    pub(in crate::servers::emulator) region: &'a str,
    pub(in crate::servers::emulator) now: Timestamp,
    /// The address that the call comes from.
    pub(in crate::servers::emulator) source: IpAddr,
    /// Such as `redshift-serverless:GetCredentials`.
    pub(in crate::servers::emulator) action: &'a str,
    /// The ARN of the resource; `*` for an action that has none. Without `resource_tags`, it is the beginning of one.
    pub(in crate::servers::emulator) resource: &'a str,
    /// The tags that the resource has; `None` if it is not looked up yet.
    pub(in crate::servers::emulator) resource_tags: Option<&'a Tags>,
    /// The tags that the call gives to a resource.
    pub(in crate::servers::emulator) request_tags: Option<&'a Tags>,
}

impl Access<'_> {
    /// Whether the policies allow it. Before the resource is looked up: whether they may allow it for some resource
    /// whose ARN begins so.
    pub(in crate::servers::emulator) fn decide(&self) -> Result<(), Denial> {
        let Self { principal, action, resource, resource_tags, .. } = *self;
        let request = AccessRequest { action, resource, goes_on: resource_tags.is_none(), context: self };
        decide(&principal.policies, &request)
    }
}

/// Source: the IAM User Guide, "AWS global condition context keys"; and the Service Authorization Reference, where none
/// of the actions served here has a key of the service, such as `redshift-serverless:workgroupId`.
impl Context for Access<'_> {
    fn value(&self, key: &str) -> Known<'_> {
        if let Some(values) = self.principal.keys.get(key) {
            return Known::Values(values.iter().map(Cow::from).collect());
        }
        let tag = |tags: Option<&'_ Tags>, name: &str| {
            let mut tags = tags.into_iter().flatten();
            let found = tags.find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map_or(Known::Absent, |(_, value)| Known::one(value.clone()))
        };
        if let Some(name) = key.strip_prefix("aws:resourcetag/") {
            return if self.resource_tags.is_none() { Known::Unknown } else { tag(self.resource_tags, name) };
        }
        if let Some(name) = key.strip_prefix("aws:requesttag/") {
            return tag(self.request_tags, name);
        }
        match key {
            "aws:currenttime" => Known::one(format!("{:.0}", self.now)),
            "aws:epochtime" => Known::one(self.now.as_second().to_string()),
            "aws:requestedregion" => Known::one(self.region),
            "aws:resourceaccount" => Known::one(self.principal.account.as_str()),
            // It listens without TLS.
            "aws:securetransport" => Known::one("false"),
            "aws:sourceip" => Known::one(self.source.to_string()),
            "aws:tagkeys" => match self.request_tags {
                Some(tags) if !tags.is_empty() => Known::Values(tags.keys().map(Cow::from).collect()),
                _ => Known::Absent,
            },
            _ => Known::Absent,
        }
    }
}
