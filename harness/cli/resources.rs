//! Resources of the contract on the command line: the flags that name them, and the check for names that the documents
//! exclude. Such a name is the user's mistake, and no server is blamed for it.

use std::collections::BTreeMap;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use serde_json::json;

use super::Failure;
use super::settings::{Settings, TargetChoice};
use super::variables::variable_of;
use crate::contract::{Contract, ErrorMeaning, Evidence, Operation, Resource, Service};
use crate::text::escape;
use crate::verdict::{ProbeOutcome, TargetAnswer, TargetClass};

/// How much of a wrong name is shown, in characters.
const SHOWN: usize = 80;

/// The names of resources, by their flags.
#[derive(Clone, Debug, Default)]
pub(super) struct ResourceArgs(pub(super) BTreeMap<&'static str, String>);

impl Args for ResourceArgs {
    fn augment_args(command: Command) -> Command {
        let argument = |resource: &'static Resource| {
            let variable: &str = variable_of(&resource.flag).leak();
            let argument = Arg::new(resource.flag.as_str()).long(resource.flag.as_str()).env(variable);
            argument.value_name("NAME").help(resource.help.as_str())
        };
        Service::embedded().resources.iter().fold(command, |command, resource| command.arg(argument(resource)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ResourceArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let flags = Service::embedded().resources.iter().map(|resource| resource.flag.as_str());
        Ok(Self(flags.filter_map(|flag| Some((flag, matches.get_one::<String>(flag)?.clone()))).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Refuses names that the documents plainly exclude, before anything is sent: otherwise the target would be blamed for
/// its answer. A name that the documents leave open, such as one with capitals, is left to the target. So is the name
/// that the probe asks for, except with our emulator. Refuses the same name for what the caller may use and for what it is
/// denied, too.
pub(super) fn check(settings: &Settings, contract: &Contract) -> Result<(), Failure> {
    let is_checked = |resource: &&Resource| {
        resource.of.is_some() || resource.denied_beside.is_some() || settings.choice == TargetChoice::Emulator
    };
    for resource in contract.service.resources.iter().filter(is_checked) {
        let Some(words) = slip(settings, contract, resource) else { continue };
        let noun = &resource.noun;
        let advice = match resource.of.as_deref().and_then(|of| contract.service.resource(of)) {
            Some(of) => format!("Name a {noun} of the {}", of.noun),
            None => format!("Leave it out, or name one that a {noun} can have"),
        };
        return Err(Failure::usage(format!("{words}. {advice}")));
    }
    for denied in &contract.service.resources {
        let allowed = denied.denied_beside.as_deref().and_then(|beside| contract.service.resource(beside));
        let Some((allowed, name)) = allowed.zip(settings.resources.get(&denied.id)) else { continue };
        if settings.resources.get(&allowed.id) == Some(name) {
            let noun = &allowed.noun;
            return Err(Failure::usage(format!(
                "{} and {} both name the {noun} {}; expected one that the caller may use, and another one that it is denied",
                settings.from.place(&allowed.flag),
                settings.from.place(&denied.flag),
                quoted_name(name)
            )));
        }
    }
    Ok(())
}

/// The resource that the probe named and what is wrong with its name, where a target refuses the plain call with that
/// name and no resource can have it. A target that accepts the name has such a resource, and can be judged.
pub(super) fn refused_name<'c>(
    settings: &Settings,
    contract: &'c Contract,
    operation: &Operation,
    probe: &ProbeOutcome,
) -> Option<(&'c Resource, String)> {
    let resource = operation.resources(&contract.service).next()?;
    let TargetAnswer::Answer { error: Some(error), .. } = &probe.answer else { return None };
    let refused =
        contract.service.meaning_of(error) == Some(ErrorMeaning::Invalid) && probe.class == TargetClass::Answers;
    Some((resource, slip(settings, contract, resource).filter(|_| refused)?))
}

/// A message about the name of a resource that the documents exclude: where it comes from, what was expected there, and
/// what it is.
fn slip(settings: &Settings, contract: &Contract, resource: &Resource) -> Option<String> {
    let name = settings.resources.get(&resource.id)?;
    let expected = excluded(name, resource, contract)?;
    let place = settings.from.place(&resource.flag);
    Some(format!("{}: expected {expected}, found {}", escape(&place), quoted_name(name)))
}

/// What is expected instead of a name that no such resource can have; `None` where the documents do not exclude the
/// name.
fn excluded(name: &str, resource: &Resource, contract: &Contract) -> Option<String> {
    let Resource { member, expected, noun, .. } = resource;
    let has_it = |operation: &&Operation| operation.request.members.contains_key(member);
    let default = Some(contract.default_operation()).filter(has_it);
    let request = &default.or_else(|| contract.operations.values().find(has_it))?.request.name;
    let body = json!({ member: name });
    let at = format!("/{member}");
    if contract.validators().breaches(request, &body).iter().any(|breach| breach.at == at) {
        return Some(expected.clone());
    }
    // The documents do not say whether letter case counts in a reserved word.
    let is_small = !name.contains(|c: char| c.is_ascii_uppercase());
    let mut breaches = contract.validators().prose_breaches(request, &body);
    breaches.retain(|breach| breach.at == at && breach.evidence != Evidence::Conflict);
    breaches.retain(|breach| is_small || !breach.of_a_reserved_word);
    let first = breaches.first()?;
    let reserved = first.of_a_reserved_word && breaches.len() == 1;
    Some(if reserved { format!("a name that is no reserved word of the {noun}") } else { expected.clone() })
}

/// A name in quotes, cut where it is long.
fn quoted_name(name: &str) -> String {
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
        let resource = contract.service.resource("database").expect("there are databases");
        assert_eq!(super::excluded(name, resource, &contract).is_some(), excluded);
    }

    #[test]
    fn a_long_name_is_cut_and_its_length_told() {
        assert_eq!(quoted_name(&"x".repeat(300)), format!("\"{}…\" of 300 characters", "x".repeat(80)));
        assert_eq!(quoted_name("a\u{1b}[31m"), r#""a\u{1b}[31m""#);
    }
}
