//! Names that hold an account and a region: ARNs and hosts.

use sha2::{Digest, Sha256};

use crate::servers::emulator::random;
use crate::wire::Region;

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
pub(in crate::servers::emulator) fn partition(region: &Region) -> (&'static str, &'static str) {
    let other = OTHER_PARTITIONS.iter().find(|(start, ..)| region.as_str().starts_with(start));
    other.map_or(("aws", "amazonaws.com"), |(_, name, suffix)| (*name, *suffix))
}

/// An account in a region.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) account: &'a str,
    pub(super) region: &'a Region,
}

impl Place<'_> {
    /// The ARN of a resource of a service. Source: the Service Authorization Reference; the last part is the id and not
    /// the name.
    pub(super) fn arn(self, service: &str, resource: &str) -> String {
        let Self { account, region } = self;
        format!("arn:{}:{service}:{region}:{account}:{resource}", partition(region).0)
    }

    /// The id of a workgroup that is there from the start of an emulator. It is the same at each start, so that its ARN
    /// can be told from the options. A UUID of version 8 (RFC 9562), made from a hash.
    pub(super) fn id_at_the_start(self, workgroup: &str) -> String {
        let hash = Sha256::digest(self.arn("redshift-serverless", workgroup));
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        random::uuid_of(bytes, 8)
    }

    /// The host on which a workgroup's database listens. Source: the readme of mashiike/redshift-credentials and the
    /// Redshift Management Guide.
    pub(super) fn host(self, workgroup: &str) -> String {
        let Self { account, region } = self;
        format!("{workgroup}.{account}.{region}.redshift-serverless.{}", partition(region).1)
    }
}
