//! The fixtures, loaded: what every command but `serve emulator` starts with.

use std::path::PathBuf;
use std::sync::Arc;

use super::Failure;
use crate::contract::{Contract, Fixtures};
use crate::corpus::{Corpus, LoadErrors};
use crate::judge::Judge;

/// The contract, the corpus and the judge.
pub(super) struct Library {
    pub(super) contract: Arc<Contract>,
    pub(super) corpus: Arc<Corpus>,
    pub(super) judge: Judge,
}

impl Library {
    /// Loads the fixtures that were compiled in, or those of a folder.
    pub(super) fn load(folder: Option<PathBuf>) -> Result<Self, Failure> {
        let fixtures = folder.map_or(Fixtures::Embedded, Fixtures::Folder);
        Self::from_fixtures(&fixtures).map_err(|errors| {
            let count = errors.0.len();
            let noun = if count == 1 { "fault" } else { "faults" };
            Failure::harness(format!("the fixtures have {count} {noun}:\n{errors}"))
        })
    }

    fn from_fixtures(fixtures: &Fixtures) -> Result<Self, LoadErrors> {
        let contract = Arc::new(Contract::load(fixtures)?);
        let corpus = Arc::new(Corpus::load(fixtures, &contract)?);
        let judge = Judge::new(Arc::clone(&contract))?;
        Ok(Self { contract, corpus, judge })
    }
}
