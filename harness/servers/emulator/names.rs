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

pub(super) fn is_workgroup(name: &str) -> bool {
    workgroup(name).iter().all(Option::is_none)
}

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
    #[case::plain("a.bc 1.23 a.1b 10.0.0.10 DB.Example.COM a--b.com a.b--c a.b-c xn--bcher-kva.example")]
    #[case::long_label(&labels(&[63, 3]))]
    #[case::long_last_label(&labels(&[1, 63]))]
    #[case::longest(&labels(&[63, 63, 63, 61]))]
    fn these_custom_domains_are_accepted(#[case] names: &str) {
        for name in names.split(' ') {
            assert!(is_custom_domain(name), "{name}");
        }
    }

    #[rstest]
    #[case::too_few_labels("a|ab|localhost|a.b|10.0.0.1|")]
    #[case::hyphens("-a.com|a-.com|a.-com|a.com-|a.c-|a.--")]
    #[case::dots("a..com|.com|a.com.")]
    #[case::other_characters("bücher.example|ａ.com|a_b.com|*.example.com|a b.com|a.com:5439|\na.com")]
    #[case::long_label(&labels(&[64, 3]))]
    #[case::long_last_label(&labels(&[1, 64]))]
    fn these_custom_domains_break_the_pattern(#[case] names: &str) {
        for name in names.split('|') {
            let [_, broken] = custom_domain(name);
            assert!(
                broken.is_some_and(|told| told.starts_with("satisfy regular expression pattern: ^(((?!-)")),
                "{name}"
            );
        }
    }

    #[rstest]
    #[case(&labels(&[63, 63, 63, 62]))]
    #[case(&labels(&[63, 63, 63, 63]))]
    fn custom_domains_of_more_than_253_characters_break_only_the_length(#[case] name: &str) {
        assert_eq!(custom_domain(name), [Some("have length less than or equal to 253".to_owned()), None]);
    }

    #[rstest]
    #[case::plain("abc|---|-ab|ab-|123", true)]
    #[case::longest(&"a".repeat(64), true)]
    #[case::short("|ab", false)]
    #[case::too_long(&"a".repeat(65), false)]
    #[case::other_characters("Abc|a_b|a.b|a b|café|١٢٣", false)]
    fn workgroup_names_are_accepted_or_refused(#[case] names: &str, #[case] accepted: bool) {
        for name in names.split('|') {
            assert_eq!(is_workgroup(name), accepted, "{name}");
        }
    }
}
