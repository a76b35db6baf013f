//! Partitions: the separate parts of AWS, each with regions of its own.

use crate::wire::Region;

/// A part of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Partition {
    /// Its name, the second part of an ARN.
    pub(super) name: &'static str,
    /// What its host names end in.
    pub(super) dns_suffix: &'static str,
}

/// The partition of every region that no other one claims.
const AWS: Partition = Partition { name: "aws", dns_suffix: "amazonaws.com" };

/// How the names of the regions of the other partitions begin. Source: botocore, `partitions.json`.
const OTHERS: [(&str, Partition); 7] = [
    ("cn-", Partition { name: "aws-cn", dns_suffix: "amazonaws.com.cn" }),
    ("us-gov-", Partition { name: "aws-us-gov", dns_suffix: "amazonaws.com" }),
    ("eusc-", Partition { name: "aws-eusc", dns_suffix: "amazonaws.eu" }),
    ("us-iso-", Partition { name: "aws-iso", dns_suffix: "c2s.ic.gov" }),
    ("us-isob-", Partition { name: "aws-iso-b", dns_suffix: "sc2s.sgov.gov" }),
    ("eu-isoe-", Partition { name: "aws-iso-e", dns_suffix: "cloud.adc-e.uk" }),
    ("us-isof-", Partition { name: "aws-iso-f", dns_suffix: "csp.hci.ic.gov" }),
];

impl Partition {
    /// The partition that a region belongs to.
    pub(super) fn of(region: &Region) -> Self {
        let other = OTHERS.iter().find(|(start, _)| region.as_str().starts_with(start));
        other.map_or(AWS, |(_, partition)| *partition)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("us-east-1", "aws", "amazonaws.com")]
    #[case("eu-central-1", "aws", "amazonaws.com")]
    #[case("cn-north-1", "aws-cn", "amazonaws.com.cn")]
    #[case("us-gov-west-1", "aws-us-gov", "amazonaws.com")]
    #[case("us-iso-east-1", "aws-iso", "c2s.ic.gov")]
    #[case("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov")]
    #[case::of_an_emulator("local", "aws", "amazonaws.com")]
    fn a_region_belongs_to_its_partition(
        #[case] region: &str,
        #[case] name: &'static str,
        #[case] dns_suffix: &'static str,
    ) {
        assert_eq!(Partition::of(&region.parse().unwrap()), Partition { name, dns_suffix });
    }
}
