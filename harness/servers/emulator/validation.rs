//! The documented constraints of the input, each in a function of its own.
//!
//! All of them are checked, and a refusal lists every breach, in the framework's words as seen on
//! other services of this protocol: without the value, so that nothing a caller sent by mistake is
//! repeated.

use super::errors::Refusal;
use super::protocol::Input;
use super::reserved_words::is_reserved;

/// The pattern of `customDomainName`. Source: the API reference.
const CUSTOM_DOMAIN_PATTERN: &str = "^(((?!-)[A-Za-z0-9-]{0,62}[A-Za-z0-9])\\.)+((?!-)[A-Za-z0-9-]{1,62}[A-Za-z0-9])$";

/// The pattern of `workgroupName`. Source: the API reference.
const WORKGROUP_PATTERN: &str = "^[a-z0-9-]+$";

/// Lengths of `customDomainName`, in characters. Source: the API reference.
const CUSTOM_DOMAIN_LENGTH: (usize, usize) = (1, 253);

/// Lengths of `workgroupName`, in characters. Source: the API reference.
const WORKGROUP_LENGTH: (usize, usize) = (3, 64);

/// Lengths of `dbName`, in characters. Source: first bullet of its constraints in the API reference.
const DB_NAME_LENGTH: (usize, usize) = (1, 64);

/// Values of `durationSeconds`. Source: the API reference, "minimum is 900 seconds, and the maximum
/// is 3600 seconds".
const DURATION_SECONDS: (i32, i32) = (900, 3600);

/// What a member must be and is not, in the framework's words.
type Breach = String;

/// Checks an input against every documented constraint.
pub(super) fn check(input: &Input) -> Result<(), Refusal> {
    let mut breaches = Vec::new();
    let mut at = |member: &str, constraints: &mut dyn Iterator<Item = Breach>| {
        breaches.extend(
            constraints.map(|breach| format!("Value at '{member}' failed to satisfy constraint: Member must {breach}")),
        );
    };
    if let Some(name) = &input.custom_domain_name {
        at("customDomainName", &mut [custom_domain_length(name), custom_domain_pattern(name)].into_iter().flatten());
    }
    if let Some(name) = &input.db_name {
        let constraints = [
            db_name_length(name),
            db_name_characters(name),
            db_name_first_character(name),
            db_name_without_colon_and_slash(name),
            db_name_not_reserved(name),
        ];
        at("dbName", &mut constraints.into_iter().flatten());
    }
    if let Some(seconds) = input.duration_seconds {
        at("durationSeconds", &mut duration_range(seconds).into_iter());
    }
    if let Some(name) = &input.workgroup_name {
        at("workgroupName", &mut [workgroup_length(name), workgroup_pattern(name)].into_iter().flatten());
    }
    breaches.extend(some_name(input));
    match breaches.len() {
        0 => Ok(()),
        1 => Err(Refusal::validation(format!("1 validation error detected: {}", breaches[0]))),
        n => Err(Refusal::validation(format!("{n} validation errors detected: {}", breaches.join("; ")))),
    }
}

/// Whether a workgroup can have this name.
pub(super) fn is_workgroup_name(name: &str) -> bool {
    workgroup_length(name).or_else(|| workgroup_pattern(name)).is_none()
}

/// Whether a custom domain can have this name.
pub(super) fn is_custom_domain_name(name: &str) -> bool {
    custom_domain_length(name).or_else(|| custom_domain_pattern(name)).is_none()
}

/// "The custom domain name or the workgroup name must be included in the request."
/// Source: the API reference, `customDomainName`.
fn some_name(input: &Input) -> Option<Breach> {
    let none = input.custom_domain_name.is_none() && input.workgroup_name.is_none();
    none.then(|| "The custom domain name or the workgroup name must be included in the request".to_owned())
}

/// 1 to 253 characters. Source: the API reference, `customDomainName`, length constraints.
fn custom_domain_length(name: &str) -> Option<Breach> {
    length(name, CUSTOM_DOMAIN_LENGTH)
}

/// Two labels or more, of letters, digits and inner hyphens, 1 to 63 characters each, the last at
/// least 2. Source: the API reference, `customDomainName`, the pattern, taken apart at its dots.
fn custom_domain_pattern(name: &str) -> Option<Breach> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let matches =
        name.rsplit_once('.').is_some_and(|(rest, last)| rest.split('.').all(label) && label(last) && last.len() > 1);
    (!matches).then(|| satisfy(CUSTOM_DOMAIN_PATTERN))
}

/// 3 to 64 characters. Source: the API reference, `workgroupName`, length constraints.
fn workgroup_length(name: &str) -> Option<Breach> {
    length(name, WORKGROUP_LENGTH)
}

/// Lower-case letters, digits and hyphens, at least one. Source: the API reference, `workgroupName`,
/// pattern.
fn workgroup_pattern(name: &str) -> Option<Breach> {
    let matches =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    (!matches).then(|| satisfy(WORKGROUP_PATTERN))
}

/// 900 to 3600 seconds. Source: the API reference, `durationSeconds`.
fn duration_range(seconds: i32) -> Option<Breach> {
    let (least, most) = DURATION_SECONDS;
    if seconds < least {
        Some(format!("have value greater than or equal to {least}"))
    } else if seconds > most {
        Some(format!("have value less than or equal to {most}"))
    } else {
        None
    }
}

/// "Must be 1 to 64 alphanumeric characters or hyphens": the length. Which characters is the next
/// bullet's to say, which lists more of them. Source: the API reference, `dbName`, first bullet.
fn db_name_length(name: &str) -> Option<Breach> {
    length(name, DB_NAME_LENGTH)
}

/// "Must contain only uppercase or lowercase letters, numbers, underscore, plus sign, period (dot),
/// at symbol (@), or hyphen." Source: the API reference, `dbName`, second bullet; colon and slash are
/// left to the fourth.
fn db_name_characters(name: &str) -> Option<Breach> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+.@-".contains(c) || ":/".contains(c);
    (!name.chars().all(allowed)).then(|| {
        "contain only uppercase or lowercase letters, numbers, underscore, plus sign, period (dot), at symbol (@), or hyphen"
            .to_owned()
    })
}

/// "The first character must be a letter." Source: the API reference, `dbName`, third bullet.
fn db_name_first_character(name: &str) -> Option<Breach> {
    let wrong = name.chars().next().is_some_and(|first| !first.is_ascii_alphabetic());
    wrong.then(|| "begin with a letter".to_owned())
}

/// "Must not contain a colon ( : ) or slash ( / )." Source: the API reference, `dbName`, fourth bullet.
fn db_name_without_colon_and_slash(name: &str) -> Option<Breach> {
    name.contains([':', '/']).then(|| "not contain a colon or slash".to_owned())
}

/// "Cannot be a reserved word." Source: the API reference, `dbName`, fifth bullet; the list is the
/// Developer Guide's.
fn db_name_not_reserved(name: &str) -> Option<Breach> {
    is_reserved(name).then(|| "not be a reserved word".to_owned())
}

/// A length in characters (Unicode scalar values), from the first number to the second.
fn length(text: &str, (least, most): (usize, usize)) -> Option<Breach> {
    let length = text.chars().count();
    if length < least {
        Some(format!("have length greater than or equal to {least}"))
    } else if length > most {
        Some(format!("have length less than or equal to {most}"))
    } else {
        None
    }
}

fn satisfy(pattern: &str) -> Breach {
    format!("satisfy regular expression pattern: {pattern}")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn input() -> Input {
        Input { workgroup_name: Some("wg-1".into()), ..Input::default() }
    }

    fn domain(name: &str) -> Result<(), Refusal> {
        check(&Input { custom_domain_name: Some(name.into()), ..Input::default() })
    }

    fn database(name: &str) -> Result<(), Refusal> {
        check(&Input { db_name: Some(name.into()), ..input() })
    }

    fn message(refusal: &Refusal) -> String {
        let body: serde_json::Value = serde_json::from_slice(&refusal.body()).unwrap();
        body["message"].as_str().unwrap().to_owned()
    }

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
        assert_eq!(domain(name), Ok(()));
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
        let refusal = domain(name).unwrap_err();
        assert_eq!((refusal.status, refusal.name), (400, "ValidationException"));
        assert!(message(&refusal).contains("regular expression pattern: ^(((?!-)"), "{}", message(&refusal));
    }

    #[rstest]
    #[case(&labels(&[63, 63, 63, 62]))]
    #[case(&labels(&[63, 63, 63, 63]))]
    fn custom_domains_of_more_than_253_characters_break_only_the_length(#[case] name: &str) {
        assert_eq!(
            message(&domain(name).unwrap_err()),
            "1 validation error detected: Value at 'customDomainName' failed to satisfy constraint: \
             Member must have length less than or equal to 253"
        );
    }

    #[rstest]
    #[case("abc")]
    #[case("---")]
    #[case("-ab")]
    #[case("ab-")]
    #[case("123")]
    #[case::longest(&"a".repeat(64))]
    fn these_workgroup_names_are_accepted(#[case] name: &str) {
        assert!(is_workgroup_name(name));
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
        let refusal = check(&Input { workgroup_name: Some(name.into()), ..Input::default() }).unwrap_err();
        assert_eq!((refusal.status, refusal.name), (400, "ValidationException"));
    }

    #[rstest]
    #[case(900)]
    #[case(901)]
    #[case(3599)]
    #[case(3600)]
    fn durations_from_900_to_3600_are_accepted(#[case] seconds: i32) {
        assert_eq!(check(&Input { duration_seconds: Some(seconds), ..input() }), Ok(()));
    }

    #[rstest]
    #[case(i32::MIN, "greater than or equal to 900")]
    #[case(-1, "greater than or equal to 900")]
    #[case(0, "greater than or equal to 900")]
    #[case(899, "greater than or equal to 900")]
    #[case(3601, "less than or equal to 3600")]
    #[case(i32::MAX, "less than or equal to 3600")]
    fn other_durations_are_refused(#[case] seconds: i32, #[case] bound: &str) {
        let refusal = check(&Input { duration_seconds: Some(seconds), ..input() }).unwrap_err();
        assert_eq!(
            message(&refusal),
            format!(
                "1 validation error detected: Value at 'durationSeconds' failed to satisfy constraint: \
                 Member must have value {bound}"
            )
        );
    }

    #[rstest]
    #[case("dev")]
    #[case("D")]
    #[case("dev-2")]
    #[case("a_b+c.d@e-f")]
    #[case("selected")]
    #[case::longest(&"d".repeat(64))]
    fn these_database_names_are_accepted(#[case] name: &str) {
        assert_eq!(database(name), Ok(()));
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
    fn a_database_name_that_breaks_one_bullet_is_refused_for_it(#[case] name: &str, #[case] breach: &str) {
        let message = message(&database(name).unwrap_err());
        let expected = format!(
            "1 validation error detected: Value at 'dbName' failed to satisfy constraint: Member must {breach}"
        );
        assert!(message.starts_with(&expected), "{message}");
    }

    #[test]
    fn an_input_without_any_name_is_refused() {
        assert_eq!(
            message(&check(&Input::default()).unwrap_err()),
            "1 validation error detected: \
             The custom domain name or the workgroup name must be included in the request"
        );
    }

    #[test]
    fn every_breach_is_listed() {
        let input = Input {
            workgroup_name: Some("A".into()),
            duration_seconds: Some(1),
            db_name: Some("1 ".into()),
            ..Input::default()
        };
        let message = message(&check(&input).unwrap_err());
        assert!(message.starts_with("5 validation errors detected: Value at 'dbName'"), "{message}");
        assert_eq!(message.matches("; Value at '").count(), 4, "{message}");
    }

    #[test]
    fn no_value_is_repeated() {
        let canary = "CANARY: CANARY";
        let input = Input {
            workgroup_name: Some(canary.into()),
            custom_domain_name: Some(canary.into()),
            db_name: Some(canary.into()),
            ..Input::default()
        };
        assert!(!message(&check(&input).unwrap_err()).contains("CANARY"));
    }
}
