//! Files of cases and of what belongs to them, and all that is wrong with them.

use std::fmt;

use crate::contract::{Contract, Fixtures, LoadError, parse, unreadable};

/// Reads every file of a folder; the path of each with what it holds, and what is wrong with the others.
pub(crate) fn load_folder<T: serde::de::DeserializeOwned>(
    fixtures: &Fixtures,
    folder: &str,
) -> (Vec<(String, T)>, Vec<LoadError>) {
    let paths = match fixtures.list(folder) {
        Ok(paths) => paths,
        Err(error) => return (Vec::new(), vec![error]),
    };
    let (mut files, mut errors) = (Vec::new(), Vec::new());
    for path in paths {
        let name = fixtures.name_of(&path);
        match fixtures.read(&path).and_then(|text| parse(&name, &text)) {
            Ok(value) => files.push((path, value)),
            Err(error) => errors.push(error),
        }
    }
    (files, errors)
}

/// The name of a fixture file without folder and extension.
pub(crate) fn file_stem(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    name.strip_suffix(".json").unwrap_or(name)
}

/// That there is no operation of this name.
pub(crate) fn unknown_operation(file: &str, pointer: &str, name: &str, contract: &Contract) -> LoadError {
    let known: Vec<_> = contract.operation_names().collect();
    LoadError::new(file, pointer, format!("expected an operation, {}, found \"{name}\"", known.join(" or ")))
}

/// Errors of one case or of one file, each at a place below it.
pub(crate) struct Errors<'a> {
    pub(crate) file: &'a str,
    pub(crate) at: String,
    pub(crate) found: &'a mut Vec<LoadError>,
}

impl Errors<'_> {
    pub(crate) fn add(&mut self, member: &str, message: impl Into<String>) {
        self.found.push(LoadError::new(self.file, format!("{}{member}", self.at), message));
    }

    /// Says what keeps people from reading a text.
    pub(crate) fn check_readable(&mut self, member: &str, text: &str) {
        if let Some(message) = unreadable(text) {
            self.add(member, message);
        }
    }

    /// Says what is wrong at a place where a condition does not hold.
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
        /// So many are told: who has more has made one mistake everywhere.
        const TOLD: usize = 100;
        let told: Vec<_> = self.0.iter().take(TOLD).map(LoadError::to_string).collect();
        f.write_str(&told.join("\n"))?;
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
