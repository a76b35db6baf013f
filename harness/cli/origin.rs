//! Where a setting comes from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use schemars::JsonSchema;
use serde::Serialize;

use super::credentials::FromFile;
use super::variables::variable_of;
use crate::text::{file_name, foreign};

/// Where a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum Origin {
    /// A flag of the command line.
    Flag {
        /// The flag: `--region`.
        name: String,
    },
    /// An environment variable.
    Environment {
        /// Its name.
        name: String,
    },
    /// A file with targets, or a shared file of AWS tools.
    File {
        /// The file.
        file: PathBuf,
        /// The key in it: `targets.mine.region`, or `region of the profile mine`.
        key: String,
    },
    /// Nothing says anything, so this holds.
    Default,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag { name } => write!(f, "flag {name}"),
            Self::Environment { name } => write!(f, "environment variable {name}"),
            Self::File { file, key } => write!(f, "{} in {}", foreign(key), file_name(file)),
            Self::Default => f.write_str("default"),
        }
    }
}

/// The origin of each setting, by its name.
#[derive(Clone, Debug, Default)]
pub(super) struct Origins {
    /// The flags that stand on the command line.
    flags: BTreeSet<String>,
    /// The file with profiles, and the profile in it that counts.
    pub(super) file: Option<PathBuf>,
    pub(super) profile: Option<String>,
    of: BTreeMap<&'static str, Origin>,
}

impl Origins {
    pub(super) fn of_flags(flags: BTreeSet<String>) -> Self {
        Self { flags, ..Self::default() }
    }

    /// The first value that is there: of the argument, of further variables, of the profile. Its origin is kept under
    /// the name of the setting.
    pub(super) fn pick<T>(
        &mut self,
        name: &'static str,
        argument: Option<T>,
        variables: impl IntoIterator<Item = (&'static str, Option<T>)>,
        profile: Option<T>,
    ) -> Option<T> {
        let of_variable = variables.into_iter().find(|(_, value)| value.is_some());
        let (origin, value) = match of_variable {
            _ if argument.is_some() => (self.argument(name), argument),
            Some((variable, value)) => (Origin::Environment { name: variable.to_owned() }, value),
            None if profile.is_some() => (self.key(name), profile),
            None => return None,
        };
        self.set(name, origin);
        value
    }

    /// The value of a setting of the AWS tools' shared files. Its origin is kept under the name of the setting.
    pub(super) fn of_file(&mut self, name: &'static str, setting: Option<FromFile>) -> Option<String> {
        let FromFile { value, file, key } = setting?;
        self.set(name, Origin::File { file, key });
        Some(value)
    }

    pub(super) fn set(&mut self, name: &'static str, origin: Origin) {
        self.of.insert(name, origin);
    }

    /// The origin of a setting; [`Origin::Default`] where nothing sets it.
    pub(super) fn get(&self, name: &str) -> Origin {
        self.of.get(name).cloned().unwrap_or(Origin::Default)
    }

    /// The place where a user sets this: its flag, its variable, or its key in the file.
    pub(super) fn place(&self, name: &str) -> String {
        match self.get(name) {
            Origin::Flag { name } | Origin::Environment { name } => name,
            file @ Origin::File { .. } => file.to_string(),
            Origin::Default => format!("--{name}"),
        }
    }

    /// The origin of an argument's value: its flag, or else its variable.
    pub(super) fn argument(&self, name: &str) -> Origin {
        if self.flags.contains(name) {
            Origin::Flag { name: format!("--{name}") }
        } else {
            Origin::Environment { name: variable_of(name) }
        }
    }

    /// The origin of a key of the profile that counts.
    pub(super) fn key(&self, name: &str) -> Origin {
        let profile = self.profile.as_deref().unwrap_or_default();
        Origin::File { file: self.file.clone().unwrap_or_default(), key: format!("targets.{profile}.{name}") }
    }
}

/// Arguments, and which of them were given on the command line and not by the environment.
#[derive(Clone, Debug)]
pub(super) struct TracedArgs<T> {
    pub(super) args: T,
    pub(super) flags: BTreeSet<String>,
}

impl<T: FromArgMatches> FromArgMatches for TracedArgs<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Self::from_arg_matches_mut(&mut matches.clone())
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, clap::Error> {
        let ids = matches.ids().map(clap::Id::as_str);
        let given_ids = ids.filter(|id| matches.value_source(id) == Some(ValueSource::CommandLine));
        let flags = given_ids.map(|id| id.replace('_', "-")).collect();
        Ok(Self { args: T::from_arg_matches_mut(matches)?, flags })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<T: Args> Args for TracedArgs<T> {
    fn augment_args(command: Command) -> Command {
        T::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        T::augment_args_for_update(command)
    }
}
