//! The partitions of AWS: which regions they have, and under which domains their services answer.

use std::sync::LazyLock;

use regex::Regex;

use crate::wire::Region;

/// A partition of AWS.
#[derive(Debug)]
pub struct Partition {
    /// A pattern for the beginning of its region names, up to a hyphen.
    regions: &'static str,
    /// The domain of its services.
    pub suffix: &'static str,
    /// The domain of the same services over IPv4 and IPv6.
    pub dual_stack_suffix: &'static str,
}

/// Source: botocore 1.44.8, `partitions.json`: `regionRegex`, `dnsSuffix` and `dualStackDnsSuffix` of every partition.
static PARTITIONS: [Partition; 8] = [
    partition("us|eu|ap|sa|ca|me|af|il|mx", "amazonaws.com", "api.aws"),
    partition("cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    partition("eusc-(de)", "amazonaws.eu", "api.amazonwebservices.eu"),
    partition("us-iso", "c2s.ic.gov", "api.aws.ic.gov"),
    partition("us-isob", "sc2s.sgov.gov", "api.aws.scloud"),
    partition("eu-isoe", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    partition("us-isof", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    partition("us-gov", "amazonaws.com", "api.aws"),
];

const fn partition(regions: &'static str, suffix: &'static str, dual_stack_suffix: &'static str) -> Partition {
    Partition { regions, suffix, dual_stack_suffix }
}

static REGIONS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let patterns = PARTITIONS.iter().map(|partition| format!(r"^(?:{})-\w+-\d+$", partition.regions));
    patterns.map(|pattern| Regex::new(&pattern).expect("the pattern is valid")).collect()
});

impl Partition {
    /// The partition that a region belongs to; `None` if AWS has no such region.
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
