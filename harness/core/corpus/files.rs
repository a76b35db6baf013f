//! Reads the files of cases and replies, and collects everything that is wrong with them.

use std::fmt;

use crate::contract::{Contract, Fixtures, LoadError, unreadable};

/// Reads every file of a folder: the path and the content of each, and the errors of those that cannot be used.
pub fn load_folder<T: serde::de::DeserializeOwned>(
    fixtures: &Fixtures,
    folder: &str,
) -> (Vec<(String, T)>, Vec<LoadError>) {
    let paths = match fixtures.list(folder) {
        Ok(paths) => paths,
        Err(error) => return (Vec::new(), vec![error]),
    };
    let (mut files, mut errors) = (Vec::new(), Vec::new());
    for path in paths {
        match fixtures.parse(&path) {
            Ok(value) => files.push((path, value)),
            Err(error) => errors.push(error),
        }
    }
    (files, errors)
}

/// The name of a fixture file without folder and extension.
pub fn file_stem(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    name.strip_suffix(".json").unwrap_or(name)
}

/// The error for an operation that does not exist.
pub(crate) fn unknown_operation(file: &str, pointer: &str, name: &str, contract: &Contract) -> LoadError {
    let known_names: Vec<_> = contract.operation_names().collect();
    LoadError::new(file, pointer, format!("expected an operation, {}, found \"{name}\"", known_names.join(" or ")))
}

/// Collects the errors of one file, or of one case in it; their pointers begin with `at`.
pub(crate) struct FileErrors<'a> {
    pub(crate) file: &'a str,
    pub(crate) at: String,
    pub(crate) found: &'a mut Vec<LoadError>,
}

impl FileErrors<'_> {
    pub(crate) fn add(&mut self, member: &str, message: impl Into<String>) {
        self.found.push(LoadError::new(self.file, format!("{}{member}", self.at), message));
    }

    /// Adds an error where people cannot read a text.
    pub(crate) fn check_readable(&mut self, member: &str, text: &str) {
        if let Some(message) = unreadable(text) {
            self.add(member, message);
        }
    }

    /// Adds an error where a condition does not hold.
    pub(crate) fn check(&mut self, holds: bool, member: &str, wrong: fmt::Arguments<'_>) {
        if !holds {
            self.add(member, wrong.to_string());
        }
    }
}

/// Everything that is wrong with the fixtures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadErrors(pub Vec<LoadError>);

impl fmt::Display for LoadErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// At most 100 errors are shown: more of them usually come from one mistake that is everywhere.
        const TOLD: usize = 100;
        let messages: Vec<_> = self.0.iter().take(TOLD).map(LoadError::to_string).collect();
        f.write_str(&messages.join("\n"))?;
        match self.0.len().saturating_sub(TOLD) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl std::error::Error for LoadErrors {}

impl From<LoadError> for LoadErrors {
    fn from(error: LoadError) -> Self {
        Self(vec![error])
    }
}
