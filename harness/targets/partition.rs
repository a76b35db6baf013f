//! The partitions of AWS: which regions are theirs, and under which domains their services answer.

use std::sync::LazyLock;

use regex::Regex;

use crate::wire::Region;

/// A partition of AWS.
#[derive(Debug)]
pub struct Partition {
    /// What every region of it begins with and ends with: a pattern.
    regions: &'static str,
    /// The domain of its services.
    pub suffix: &'static str,
    /// The domain of the same services over IPv6 too.
    pub dual_stack_suffix: &'static str,
}

/// Source: botocore 1.44.8, `partitions.json`: `regionRegex`, `dnsSuffix` and `dualStackDnsSuffix` of every partition.
static PARTITIONS: [Partition; 8] = [
    Partition {
        regions: r"^(us|eu|ap|sa|ca|me|af|il|mx)-\w+-\d+$",
        suffix: "amazonaws.com",
        dual_stack_suffix: "api.aws",
    },
    Partition {
        regions: r"^cn-\w+-\d+$",
        suffix: "amazonaws.com.cn",
        dual_stack_suffix: "api.amazonwebservices.com.cn",
    },
    Partition {
        regions: r"^eusc-(de)-\w+-\d+$",
        suffix: "amazonaws.eu",
        dual_stack_suffix: "api.amazonwebservices.eu",
    },
    Partition { regions: r"^us-iso-\w+-\d+$", suffix: "c2s.ic.gov", dual_stack_suffix: "api.aws.ic.gov" },
    Partition { regions: r"^us-isob-\w+-\d+$", suffix: "sc2s.sgov.gov", dual_stack_suffix: "api.aws.scloud" },
    Partition { regions: r"^eu-isoe-\w+-\d+$", suffix: "cloud.adc-e.uk", dual_stack_suffix: "api.cloud-aws.adc-e.uk" },
    Partition { regions: r"^us-isof-\w+-\d+$", suffix: "csp.hci.ic.gov", dual_stack_suffix: "api.aws.hci.ic.gov" },
    Partition { regions: r"^us-gov-\w+-\d+$", suffix: "amazonaws.com", dual_stack_suffix: "api.aws" },
];

static REGIONS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    PARTITIONS.iter().map(|partition| Regex::new(partition.regions).expect("the pattern is valid")).collect()
});

impl Partition {
    /// The partition that a region belongs to; nothing where AWS has no such regions.
    pub fn of(region: &Region) -> Option<&'static Self> {
        let found = REGIONS.iter().position(|regions| regions.is_match(region.as_str()))?;
        PARTITIONS.get(found)
    }

    /// Every partition.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        PARTITIONS.iter()
    }

    /// The hosts of a service in a region of this partition: plain, FIPS, dual-stack, and both.
    /// Source: botocore's endpoint rule sets.
    pub fn hosts(&self, service: &str, region: &Region) -> [String; 4] {
        let host = |service: &str, suffix: &str| format!("{service}.{region}.{suffix}").to_ascii_lowercase();
        let fips = format!("{service}-fips");
        [
            host(service, self.suffix),
            host(&fips, self.suffix),
            host(service, self.dual_stack_suffix),
            host(&fips, self.dual_stack_suffix),
        ]
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // The regions that `partitions.json` lists, one or two of each partition.
    #[rstest]
    #[case("us-east-1", Some(("amazonaws.com", "api.aws")))]
    #[case("mx-central-1", Some(("amazonaws.com", "api.aws")))]
    #[case("cn-northwest-1", Some(("amazonaws.com.cn", "api.amazonwebservices.com.cn")))]
    #[case("eusc-de-east-1", Some(("amazonaws.eu", "api.amazonwebservices.eu")))]
    #[case("us-gov-west-1", Some(("amazonaws.com", "api.aws")))]
    #[case("us-iso-east-1", Some(("c2s.ic.gov", "api.aws.ic.gov")))]
    #[case("us-isob-west-1", Some(("sc2s.sgov.gov", "api.aws.scloud")))]
    #[case("eu-isoe-west-1", Some(("cloud.adc-e.uk", "api.cloud-aws.adc-e.uk")))]
    #[case("us-isof-south-1", Some(("csp.hci.ic.gov", "api.aws.hci.ic.gov")))]
    #[case::of_an_emulator("local", None)]
    #[case::a_zone("us-east-1a", None)]
    #[case::pseudo("aws-global", None)]
    #[case::capitals("US-EAST-1", None)]
    fn a_region_belongs_to_one_partition_or_to_none(#[case] region: &str, #[case] suffixes: Option<(&str, &str)>) {
        let found = Partition::of(&region.parse().expect("a region"));
        assert_eq!(found.map(|partition| (partition.suffix, partition.dual_stack_suffix)), suffixes);
    }
}
