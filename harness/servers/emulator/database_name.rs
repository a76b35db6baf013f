//! The documented constraints of `dbName`, bullet by bullet of the API reference.

use super::validation::{Breach, length};

/// Lengths, in characters. Source: the first bullet.
const LENGTH: (usize, usize) = (1, 64);

/// The 156 reserved words of the Amazon Redshift Database Developer Guide.
///
/// `CONNECT`, `LANGUAGE` and `START` stood in its 2023 edition and no longer do: they are not refused.
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

/// What a database's name breaks, in the order of the bullets. Which characters the first one allows is the second's to
/// say, which lists more of them; colon and slash are left to the fourth.
pub(super) fn database(name: &str) -> [Option<Breach>; 5] {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+.@-".contains(c) || ":/".contains(c);
    let is_reserved = RESERVED_WORDS.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case(name));
    let unless = |holds: bool, rule: &str| (!holds).then(|| rule.to_owned());
    [
        length(name, LENGTH),
        unless(
            name.chars().all(allowed),
            "contain only uppercase or lowercase letters, numbers, underscore, plus sign, period (dot), at symbol (@), or hyphen",
        ),
        unless(name.chars().next().is_none_or(|first| first.is_ascii_alphabetic()), "begin with a letter"),
        unless(!name.contains([':', '/']), "not contain a colon or slash"),
        unless(!is_reserved, "not be a reserved word"),
    ]
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

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
        assert_eq!(database(name), [const { None }; 5]);
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
        let broken: Vec<_> = database(name).into_iter().flatten().collect();
        assert!(broken.len() == 1 && broken[0].starts_with(breach), "{broken:?}");
    }
}
