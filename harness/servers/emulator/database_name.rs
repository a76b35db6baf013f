//! The documented constraints of `dbName`, one function a bullet of the API reference.

use super::reserved_words::is_reserved;
use super::validation::{Breach, length};

/// Lengths, in characters. Source: the first bullet.
const LENGTH: (usize, usize) = (1, 64);

/// What a database's name breaks.
pub(super) fn database(name: &str) -> [Option<Breach>; 5] {
    [right_length(name), right_characters(name), letter_first(name), without_colon_and_slash(name), not_reserved(name)]
}

/// "Must be 1 to 64 alphanumeric characters or hyphens": the length. Which characters is the next
/// bullet's to say, which lists more of them. Source: the first bullet.
fn right_length(name: &str) -> Option<Breach> {
    length(name, LENGTH)
}

/// "Must contain only uppercase or lowercase letters, numbers, underscore, plus sign, period (dot),
/// at symbol (@), or hyphen." Source: the second bullet; colon and slash are left to the fourth.
fn right_characters(name: &str) -> Option<Breach> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+.@-".contains(c) || ":/".contains(c);
    (!name.chars().all(allowed)).then(|| {
        "contain only uppercase or lowercase letters, numbers, underscore, plus sign, period (dot), at symbol (@), or hyphen"
            .to_owned()
    })
}

/// "The first character must be a letter." Source: the third bullet.
fn letter_first(name: &str) -> Option<Breach> {
    let wrong = name.chars().next().is_some_and(|first| !first.is_ascii_alphabetic());
    wrong.then(|| "begin with a letter".to_owned())
}

/// "Must not contain a colon ( : ) or slash ( / )." Source: the fourth bullet.
fn without_colon_and_slash(name: &str) -> Option<Breach> {
    name.contains([':', '/']).then(|| "not contain a colon or slash".to_owned())
}

/// "Cannot be a reserved word." Source: the fifth bullet; the list is the Developer Guide's.
fn not_reserved(name: &str) -> Option<Breach> {
    is_reserved(name).then(|| "not be a reserved word".to_owned())
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
    fn a_database_name_that_breaks_one_bullet_is_told_so(#[case] name: &str, #[case] breach: &str) {
        let broken: Vec<_> = database(name).into_iter().flatten().collect();
        assert!(broken.len() == 1 && broken[0].starts_with(breach), "{broken:?}");
    }
}
