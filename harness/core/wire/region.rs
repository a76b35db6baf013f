use std::fmt;
use std::str::FromStr;

/// The longest name of a region, in characters: the limit for a label of a host name.
const LONGEST: usize = 63;

/// The name of a region, such as `us-east-1`: at most 63 letters, digits and inner hyphens, and not digits alone. It
/// comes from outside and becomes part of host names, header fields and reports, so it is checked here, once.
///
/// Source: botocore, `validate_region_name`, which refuses everything else. An emulator may have regions that AWS does
/// not have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Region(String);

impl Region {
    /// The default region: `us-east-1`.
    pub fn us_east_1() -> Self {
        Self("us-east-1".to_owned())
    }

    /// The name of the region.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is not the name of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected the name of a region, such as us-east-1 (letters, digits and inner hyphens, at most 63, not digits alone)"
)]
pub struct InvalidRegion;

impl FromStr for Region {
    type Err = InvalidRegion;

    fn from_str(text: &str) -> Result<Self, InvalidRegion> {
        let label = (1..=LONGEST).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        if label && !digits { Ok(Self(text.to_owned())) } else { Err(InvalidRegion) }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::of_aws("us-east-1", true)]
    #[case::of_the_sovereign_cloud("eusc-de-east-1", true)]
    #[case::of_an_emulator("local", true)]
    #[case::capitals("US-East-1", true)]
    #[case::begins_with_a_digit("1a", true)]
    #[case::longest(&"a".repeat(63), true)]
    #[case::empty("", false)]
    #[case::header_field("us-east-1\r\nx-evil: 1", false)]
    #[case::line_feed("us-east-1\n", false)]
    #[case::host("host:1/", false)]
    #[case::dot("us.east", false)]
    #[case::slash("us/east", false)]
    #[case::blank("us east", false)]
    #[case::at("a@b", false)]
    #[case::underscore("us_east_1", false)]
    #[case::percent("us%2deast", false)]
    #[case::letter_outside_ascii("us-e\u{430}st-1", false)]
    #[case::hyphen_in_front("-us", false)]
    #[case::hyphen_at_the_end("us-", false)]
    #[case::digits_alone("12345", false)]
    #[case::too_long(&"a".repeat(64), false)]
    #[case::nul("us\0", false)]
    fn a_label_of_a_host_name_is_a_region_and_nothing_else(#[case] text: &str, #[case] is_one: bool) {
        let expected = if is_one { Ok(text.to_owned()) } else { Err(InvalidRegion) };
        assert_eq!(text.parse::<Region>().map(|region| region.to_string()), expected);
    }
}
