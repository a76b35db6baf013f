//! The documented constraints of names: workgroups, custom domains and databases.

use std::sync::LazyLock;

use regex::Regex;

use super::revision::Revision;
use super::validation::{BrokenConstraint, length, pattern};

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

/// Whether a text is the id of an account: 12 digits.
pub(super) fn is_account(id: &str) -> bool {
    id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) fn is_custom_domain(name: &str) -> bool {
    custom_domain(name).iter().all(Option::is_none)
}

/// The constraints that a workgroup's name breaks. The pattern is lower-case letters, digits and hyphens, at least one.
pub(super) fn workgroup(name: &str) -> [Option<BrokenConstraint>; 2] {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let matches = !name.is_empty() && name.bytes().all(allowed);
    [length(name, WORKGROUP_LENGTH), pattern(WORKGROUP_PATTERN, matches)]
}

/// The constraints that a custom domain's name breaks. The pattern is two or more labels with dots between them. Each
/// label has 1 to 63 letters, digits and inner hyphens, the last one at least 2.
pub(super) fn custom_domain(name: &str) -> [Option<BrokenConstraint>; 2] {
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

/// No constraint at all.
pub(super) fn any(_: &str) -> Vec<Option<BrokenConstraint>> {
    Vec::new()
}

/// The pattern of `customDomainCertificateArn`, which has no anchors. Source: the service model.
const CERTIFICATE_PATTERN: &str = r"arn:[\w+=/,.@-]+:acm:[\w+=/,.@-]*:[0-9]+:[\w+=,.@-]+(/[\w+=,.@-]+)*";

/// The constraints that the ARN of a certificate breaks. The letters of the pattern are those of ASCII, as in Java.
pub(super) fn certificate(arn: &str) -> [Option<BrokenConstraint>; 2] {
    static PATTERN: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(&format!("(?-u){CERTIFICATE_PATTERN}")).expect("the pattern is valid"));
    [length(arn, (20, 2048)), pattern(CERTIFICATE_PATTERN, PATTERN.is_match(arn))]
}

/// The constraint that the ARN of an application breaks. Source: the service model, `RedshiftIdcApplicationArn`.
pub(super) fn application(arn: &str) -> [Option<BrokenConstraint>; 1] {
    [length(arn, (1, 1024))]
}

/// The constraint that the ARN of a resource breaks. Source: the service model, `AmazonResourceName`.
pub(super) fn resource(arn: &str) -> [Option<BrokenConstraint>; 1] {
    [length(arn, (1, 1011))]
}

/// Lengths of `dbName`, in characters. Source: the API reference, the first bullet.
const DATABASE_LENGTH: (usize, usize) = (1, 64);

/// The 156 reserved words of the Amazon Redshift Database Developer Guide.
///
/// `CONNECT`, `LANGUAGE` and `START` were in its 2023 edition but no longer are, so they are not refused.
const RESERVED_WORDS: &str = "
    AES128 AES256 ALL ALLOWOVERWRITE ANALYSE ANALYZE AND ANY ARRAY AS ASC AUTHORIZATION AZ64 BACKUP BETWEEN BINARY
    BLANKSASNULL BOTH BYTEDICT BZIP2 CASE CAST CHECK COLLATE COLUMN CONSTRAINT CREATE CREDENTIALS CROSS
    CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER CURRENT_USER_ID DEFAULT DEFERRABLE DEFLATE DEFRAG
    DELTA DELTA32K DESC DISABLE DISTINCT DO ELSE EMPTYASNULL ENABLE ENCODE ENCRYPT ENCRYPTION END EXCEPT EXPLICIT
    FALSE FOR FOREIGN FREEZE FROM FULL GLOBALDICT256 GLOBALDICT64K GRANT GROUP GZIP HAVING IDENTITY IGNORE ILIKE
    IN INITIALLY INNER INTERSECT INTERVAL INTO IS ISNULL JOIN LEADING LEFT LIKE LIMIT LOCALTIME LOCALTIMESTAMP LUN
    LUNS LZO LZOP MINUS MOSTLY16 MOSTLY32 MOSTLY8 NATURAL NEW NOT NOTNULL NULL NULLS OFF OFFLINE OFFSET OID OLD ON
    ONLY OPEN OR ORDER OUTER OVERLAPS PARALLEL PARTITION PERCENT PERMISSIONS PIVOT PLACING PRIMARY RAW READRATIO
    RECOVER REFERENCES REJECTLOG RESORT RESPECT RESTORE RIGHT SELECT SESSION_USER SIMILAR SNAPSHOT SOME SYSDATE
    SYSTEM TABLE TAG TDES TEXT255 TEXT32K THEN TIMESTAMP TO TOP TRAILING TRUE TRUNCATECOLUMNS UNION UNIQUE UNNEST
    UNPIVOT USER USING VERBOSE WALLET WHEN WHERE WITH WITHOUT
";

/// The constraints that a database's name breaks, in the order of the API reference's bullets. The second bullet lists
/// more characters than the first and decides which are allowed; colon and slash are left to the fourth. The oldest
/// documents allow lower-case letters only.
pub(super) fn database(name: &str, revision: Revision) -> [Option<BrokenConstraint>; 5] {
    let is_letter = |c: char| c.is_ascii_lowercase() || (revision.allows_upper_case() && c.is_ascii_uppercase());
    let allowed = |c: char| is_letter(c) || c.is_ascii_digit() || "_+.@-".contains(c) || ":/".contains(c);
    let letters = if revision.allows_upper_case() { "uppercase or lowercase letters" } else { "lowercase letters" };
    let is_reserved = RESERVED_WORDS.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case(name));
    let unless = |holds: bool, rule: &str| (!holds).then(|| rule.to_owned());
    let characters =
        format!("contain only {letters}, numbers, underscore, plus sign, period (dot), at symbol (@), or hyphen");
    [
        length(name, DATABASE_LENGTH),
        unless(name.chars().all(allowed), &characters),
        unless(name.chars().next().is_none_or(|first| first.is_ascii_alphabetic()), "begin with a letter"),
        unless(!name.contains([':', '/']), "not contain a colon or slash"),
        unless(!is_reserved, "not be a reserved word"),
    ]
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
                broken.is_some_and(|breach| breach.starts_with("satisfy regular expression pattern: ^(((?!-)")),
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

    #[rstest]
    #[case("dev")]
    #[case("D")]
    #[case("dev-2")]
    #[case("a_b+c.d@e-f")]
    #[case("selected")]
    #[case::no_longer_reserved("connect")]
    #[case::no_longer_reserved("language")]
    #[case::no_longer_reserved("start")]
    #[case::longest(&"d".repeat(64))]
    fn these_database_names_are_accepted(#[case] name: &str) {
        assert_eq!(database(name, Revision::default()), [const { None }; 5]);
    }

    #[rstest]
    #[case::empty("", "have length greater than or equal to 1")]
    #[case::long(&"d".repeat(65), "have length less than or equal to 64")]
    #[case::space("d d", "contain only")]
    #[case::accent("dév", "contain only")]
    #[case::line_feed("dev\n", "contain only")]
    #[case::digit("1dev", "begin with a letter")]
    #[case::hyphen("-dev", "begin with a letter")]
    #[case::underscore("_dev", "begin with a letter")]
    #[case::colon("d:v", "not contain a colon or slash")]
    #[case::slash("d/v", "not contain a colon or slash")]
    #[case::reserved("USER", "not be a reserved word")]
    #[case::reserved_lower("user", "not be a reserved word")]
    #[case::reserved_mixed("SeLeCt", "not be a reserved word")]
    #[case::first_reserved("aes128", "not be a reserved word")]
    #[case::last_reserved("without", "not be a reserved word")]
    fn a_database_name_that_breaks_one_bullet_is_told_so(#[case] name: &str, #[case] breach: &str) {
        let broken: Vec<_> = database(name, Revision::default()).into_iter().flatten().collect();
        assert!(broken.len() == 1 && broken[0].starts_with(breach), "{broken:?}");
    }

    #[rstest]
    #[case::small("dev-2_a", Revision::Of2022, true)]
    #[case::a_capital("deV", Revision::Of2022, false)]
    #[case::a_capital_later("deV", Revision::Of2023, true)]
    fn capitals_in_a_database_name_are_allowed_from_the_second_revision_on(
        #[case] name: &str,
        #[case] revision: Revision,
        #[case] accepted: bool,
    ) {
        let [_, characters, ..] = database(name, revision);
        let breach = characters.filter(|breach| breach.starts_with("contain only lowercase letters, numbers"));
        assert_eq!(breach.is_none(), accepted);
    }
}
