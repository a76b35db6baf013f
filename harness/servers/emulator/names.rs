//! The documented constraints of names that several operations take: workgroups and custom domains.

use super::validation::{Breach, length, pattern};

/// The pattern of `customDomainName`. Source: the API reference.
const CUSTOM_DOMAIN_PATTERN: &str = "^(((?!-)[A-Za-z0-9-]{0,62}[A-Za-z0-9])\\.)+((?!-)[A-Za-z0-9-]{1,62}[A-Za-z0-9])$";

/// The pattern of `workgroupName`. Source: the API reference.
const WORKGROUP_PATTERN: &str = "^[a-z0-9-]+$";

/// Lengths of `customDomainName`, in characters. Source: the API reference.
const CUSTOM_DOMAIN_LENGTH: (usize, usize) = (1, 253);

/// Lengths of `workgroupName`, in characters. Source: the API reference.
const WORKGROUP_LENGTH: (usize, usize) = (3, 64);

/// Whether a workgroup can have this name.
pub(super) fn is_workgroup(name: &str) -> bool {
    workgroup(name).iter().all(Option::is_none)
}

/// Whether a custom domain can have this name.
pub(super) fn is_custom_domain(name: &str) -> bool {
    custom_domain(name).iter().all(Option::is_none)
}

/// What a workgroup's name breaks. The pattern is lower-case letters, digits and hyphens, at least one.
pub(super) fn workgroup(name: &str) -> [Option<Breach>; 2] {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let matches = !name.is_empty() && name.bytes().all(allowed);
    [length(name, WORKGROUP_LENGTH), pattern(WORKGROUP_PATTERN, matches)]
}

/// What a custom domain's name breaks. The pattern, taken apart at its dots, is two labels or more, of letters, digits
/// and inner hyphens, 1 to 63 characters each, the last at least 2.
pub(super) fn custom_domain(name: &str) -> [Option<Breach>; 2] {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let matches =
        name.rsplit_once('.').is_some_and(|(rest, last)| rest.split('.').all(label) && label(last) && last.len() > 1);
    [length(name, CUSTOM_DOMAIN_LENGTH), pattern(CUSTOM_DOMAIN_PATTERN, matches)]
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// A name of labels of these lengths.
    fn labels(lengths: &[usize]) -> String {
        lengths.iter().map(|length| "a".repeat(*length)).collect::<Vec<_>>().join(".")
    }

    #[rstest]
    #[case("a.bc")]
    #[case("1.23")]
    #[case("a.1b")]
    #[case("10.0.0.10")]
    #[case("DB.Example.COM")]
    #[case("a--b.com")]
    #[case("a.b--c")]
    #[case("a.b-c")]
    #[case("xn--bcher-kva.example")]
    #[case::long_label(&labels(&[63, 3]))]
    #[case::long_last_label(&labels(&[1, 63]))]
    #[case::longest(&labels(&[63, 63, 63, 61]))]
    fn these_custom_domains_are_accepted(#[case] name: &str) {
        assert!(is_custom_domain(name));
    }

    #[rstest]
    #[case("")]
    #[case("a")]
    #[case("ab")]
    #[case("localhost")]
    #[case("a.b")]
    #[case("10.0.0.1")]
    #[case("-a.com")]
    #[case("a-.com")]
    #[case("a.-com")]
    #[case("a.com-")]
    #[case("a.c-")]
    #[case("a.--")]
    #[case("bücher.example")]
    #[case("ａ.com")]
    #[case("a..com")]
    #[case(".com")]
    #[case("a.com.")]
    #[case("a_b.com")]
    #[case("*.example.com")]
    #[case("a b.com")]
    #[case("a.com:5439")]
    #[case("\na.com")]
    #[case::long_label(&labels(&[64, 3]))]
    #[case::long_last_label(&labels(&[1, 64]))]
    fn these_custom_domains_break_the_pattern(#[case] name: &str) {
        let [_, broken] = custom_domain(name);
        assert!(broken.unwrap().starts_with("satisfy regular expression pattern: ^(((?!-)"));
    }

    #[rstest]
    #[case(&labels(&[63, 63, 63, 62]))]
    #[case(&labels(&[63, 63, 63, 63]))]
    fn custom_domains_of_more_than_253_characters_break_only_the_length(#[case] name: &str) {
        assert_eq!(custom_domain(name), [Some("have length less than or equal to 253".to_owned()), None]);
    }

    #[rstest]
    #[case("abc")]
    #[case("---")]
    #[case("-ab")]
    #[case("ab-")]
    #[case("123")]
    #[case::longest(&"a".repeat(64))]
    fn these_workgroup_names_are_accepted(#[case] name: &str) {
        assert!(is_workgroup(name));
    }

    #[rstest]
    #[case("")]
    #[case("ab")]
    #[case::too_long(&"a".repeat(65))]
    #[case("Abc")]
    #[case("a_b")]
    #[case("a.b")]
    #[case("a b")]
    #[case("café")]
    #[case("١٢٣")]
    fn these_workgroup_names_are_refused(#[case] name: &str) {
        assert!(!is_workgroup(name));
    }
}
