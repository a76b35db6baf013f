//! Names of what a target has, as settings give them: one that the documents exclude is the user's slip, and is
//! held against no server.

use serde_json::json;

use super::Failure;
use super::settings::{Choice, Settings};
use crate::contract::{Contract, Evidence};
use crate::targets::probe::Class;
use crate::text::escape;

/// The shape whose members the names are.
const REQUEST: &str = "GetCredentialsRequest";

/// What the name of a workgroup is.
const WORKGROUP: &str = "3 to 64 lower-case letters, digits and hyphens";

/// How much of a wrong name is shown, in characters.
const SHOWN: usize = 80;

/// Refuses the name of a custom domain or a database that the documents exclude plainly, before anything is sent:
/// what a target makes of it would be put down to the target. What they leave open, such as capitals in the name of
/// a database, is the target's to know; so is a workgroup, which the probe asks for, but our emulator's.
pub(super) fn check(settings: &Settings, contract: &Contract) -> Result<(), Failure> {
    if settings.choice == Choice::Emulator
        && let Some(name) = settings.workgroup.as_deref().filter(|name| breaks(contract, "workgroupName", name))
    {
        let words = wrong(settings, "workgroup", WORKGROUP, name);
        return Err(Failure::usage(format!("{words}. Leave it out, or name one that a workgroup can have")));
    }
    let domain = settings.custom_domain.as_deref().filter(|name| breaks(contract, "customDomainName", name));
    if let Some(name) = domain {
        let expected = "a domain name such as db.example.com (labels of letters, digits and inner hyphens with dots \
                        between, at least two, 253 characters at most)";
        let words = wrong(settings, "custom-domain", expected, name);
        return Err(Failure::usage(format!("{words}. Name a custom domain of the workgroup")));
    }
    let database = settings.db_name.as_deref().and_then(|name| Some((name, database(name, contract)?)));
    if let Some((name, expected)) = database {
        let words = wrong(settings, "db-name", expected, name);
        return Err(Failure::usage(format!("{words}. Name a database of the workgroup")));
    }
    Ok(())
}

/// What is wrong with the name of the workgroup, where a target refuses the plain call that names it and no
/// workgroup can have it. A target that takes it has such a workgroup all the same, and can be judged.
pub(super) fn refused_workgroup(settings: &Settings, contract: &Contract, class: Class, said: &str) -> Option<String> {
    let refused = class == Class::Answers && said.contains(" ValidationException");
    let name = settings.workgroup.as_deref().filter(|name| refused && breaks(contract, "workgroupName", name))?;
    Some(wrong(settings, "workgroup", WORKGROUP, name))
}

fn breaks(contract: &Contract, member: &str, name: &str) -> bool {
    !contract.validators.breaches(REQUEST, &json!({ member: name })).is_empty()
}

/// Where a name comes from, what was expected there, and what it is.
fn wrong(settings: &Settings, setting: &str, expected: &str, name: &str) -> String {
    format!("{}: expected {expected}, found {}", escape(&settings.from.place(setting)), shown(name))
}

/// What is expected instead of a name that no database can have.
fn database(name: &str, contract: &Contract) -> Option<&'static str> {
    let breaches = contract.validators.prose_breaches(REQUEST, &json!({ "dbName": name }));
    // Not said is whether letter case counts in a reserved word.
    let small = !name.contains(|c: char| c.is_ascii_uppercase());
    let mut plain = breaches
        .iter()
        .filter(|breach| breach.at == "/dbName" && breach.evidence != Evidence::Conflict)
        .filter(|breach| small || breach.id != "not-reserved")
        .peekable();
    plain.peek()?;
    Some(if plain.all(|breach| breach.id == "not-reserved") {
        "a name that is no reserved word of the database"
    } else {
        "1 to 64 letters, digits and _ + . @ -, of which the first is a letter"
    })
}

/// A name in quotes, cut where it is long.
fn shown(name: &str) -> String {
    let length = name.chars().count();
    let start: String = name.chars().take(SHOWN).collect();
    if length > SHOWN {
        format!("\"{}…\" of {length} characters", escape(&start))
    } else {
        format!("\"{}\"", escape(name))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::contract::Fixtures;

    // The lists of the API reference, GetCredentials, Request Parameters, dbName: what one of them forbids and none
    // allows is excluded; where they disagree or are silent, nothing is.
    #[rstest]
    #[case::plain("dev", false)]
    #[case::one_letter("a", false)]
    #[case::sixty_four(&"a".repeat(64), false)]
    #[case::capitals("Dev", false)]
    #[case::the_second_list_allows_more("a_b+c.d@e-f", false)]
    #[case::a_reserved_word_in_capitals("SELECT", false)]
    #[case::a_reserved_word_within("select1", false)]
    #[case::empty("", true)]
    #[case::sixty_five(&"a".repeat(65), true)]
    #[case::digit_first("1dev", true)]
    #[case::hyphen_first("-dev", true)]
    #[case::colon("a:b", true)]
    #[case::slash("a/b", true)]
    #[case::blank("my db", true)]
    #[case::no_ascii("d\u{e9}v", true)]
    #[case::reserved_word("select", true)]
    fn a_database_name_is_refused_where_the_documents_exclude_it_plainly(#[case] name: &str, #[case] excluded: bool) {
        let contract = Contract::load(&Fixtures::Embedded).expect("the contract");
        assert_eq!(database(name, &contract).is_some(), excluded);
    }

    #[test]
    fn a_long_name_is_cut_and_its_length_told() {
        assert_eq!(shown(&"x".repeat(300)), format!("\"{}…\" of 300 characters", "x".repeat(80)));
        assert_eq!(shown("a\u{1b}[31m"), r#""a\u{1b}[31m""#);
    }
}
