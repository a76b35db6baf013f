//! Options can take their values from environment variables. An error in such a value names its variable.

use std::collections::BTreeSet;
use std::ffi::OsString;

use super::{Failure, near_misses};
use clap::builder::{OsStr, Resettable};
use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, CommandFactory, FromArgMatches};

use crate::text::foreign;

/// The environment variable that stands for a flag.
pub(super) fn variable_of(flag: &str) -> String {
    format!("COUNTERSIGN_{}", flag.replace('-', "_").to_uppercase())
}

/// The value of an environment variable; `None` if it is unset or empty. A value that is not UTF-8 is refused, because
/// nobody would notice if it were ignored.
pub(super) fn variable_set(name: &str) -> Result<Option<String>, Failure> {
    match std::env::var_os(name).filter(|value| !value.is_empty()).map(OsString::into_string) {
        None => Ok(None),
        Some(Ok(value)) => Ok(Some(value)),
        Some(Err(_)) => Err(Failure::usage(format!("{name}: expected text in UTF-8, found something else"))),
    }
}

#[derive(Debug)]
pub(super) struct Read<T> {
    pub(super) args: T,
    /// The environment variables that options took their values from.
    pub(super) variables: Vec<String>,
}

/// Reads a command line, the name of the program first.
///
/// # Errors
/// The error of clap. If the wrong value comes from an environment variable, the error names the variable.
pub(super) fn read<T: CommandFactory + FromArgMatches>(words: &[OsString]) -> Result<Read<T>, clap::Error> {
    let mut command = T::command();
    let read = command.try_get_matches_from_mut(words).and_then(|mut matches| {
        let mut variables = BTreeSet::new();
        add_variables_used(&command, &matches, &mut variables);
        let args = T::from_arg_matches_mut(&mut matches)?;
        Ok(Read { args, variables: variables.into_iter().collect() })
    });
    read.map_err(|error| {
        let error = with_tip(error.format(&mut command), words, &T::command());
        escaped_error(error_with_variable(error, words, &T::command()))
    })
}

/// The same error, with what to type instead, where that is known.
fn with_tip(mut error: clap::Error, words: &[OsString], command: &Command) -> clap::Error {
    if let Some(tip) = near_misses::tip(&error, words, command) {
        // What is meant is known, so no similar argument is suggested.
        error.remove(ContextKind::SuggestedArg);
        error.remove(ContextKind::SuggestedValue);
        error.remove(ContextKind::SuggestedSubcommand);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// The same error, with the arguments that it quotes escaped.
fn escaped_error(mut error: clap::Error) -> clap::Error {
    let context: Vec<_> = error.context().map(|(kind, value)| (kind, value.clone())).collect();
    for (kind, value) in context {
        let shown_value = match value {
            ContextValue::String(text) => ContextValue::String(foreign(&text)),
            ContextValue::Strings(texts) => ContextValue::Strings(texts.iter().map(|text| foreign(text)).collect()),
            _ => continue,
        };
        error.insert(kind, shown_value);
    }
    error
}

fn error_with_variable(mut error: clap::Error, words: &[OsString], command: &Command) -> clap::Error {
    if let Some(name) = error.use_stderr().then(|| variable_at_fault(&error, words, command)).flatten() {
        let tip = format!("it comes from the environment variable {name}: correct it there, or unset it");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// The environment variable that causes this error: without the variable, this error does not occur.
fn variable_at_fault(error: &clap::Error, words: &[OsString], command: &Command) -> Option<String> {
    let place = |error: &clap::Error| {
        let context = [ContextKind::InvalidArg, ContextKind::InvalidValue, ContextKind::PriorArg];
        (error.kind(), context.map(|kind| error.get(kind).cloned()))
    };
    let mut names = BTreeSet::new();
    all(command, &mut names);
    names.into_iter().filter(|name| std::env::var_os(name).is_some()).find(|name| {
        let read = command_without(command.clone(), name).try_get_matches_from(words);
        read.err().is_none_or(|other| place(&other) != place(error))
    })
}

fn all(command: &Command, names: &mut BTreeSet<String>) {
    names.extend(command.get_arguments().filter_map(variable));
    command.get_subcommands().for_each(|part| all(part, names));
}

/// Adds the variables from which the options of the given command took their values.
fn add_variables_used(command: &Command, matches: &ArgMatches, names: &mut BTreeSet<String>) {
    let from_one =
        |argument: &&clap::Arg| matches.value_source(argument.get_id().as_str()) == Some(ValueSource::EnvVariable);
    names.extend(command.get_arguments().filter(from_one).filter_map(variable));
    if let Some((name, matches)) = matches.subcommand()
        && let Some(command) = command.find_subcommand(name)
    {
        add_variables_used(command, matches, names);
    }
}

fn variable(argument: &clap::Arg) -> Option<String> {
    argument.get_env().map(|name| name.to_string_lossy().into_owned())
}

/// The same command, which reads its arguments as if this variable were not set.
fn command_without(command: Command, name: &str) -> Command {
    let blind = |argument: clap::Arg| match variable(&argument) {
        Some(own) if own == name => argument.env(Resettable::<OsStr>::Reset),
        _ => argument,
    };
    command.mut_args(blind).mut_subcommands(|part| command_without(part, name))
}
