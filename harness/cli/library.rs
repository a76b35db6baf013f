//! The fixtures, loaded: what every command but `serve emulator` starts with.

use std::path::PathBuf;
use std::sync::Arc;

use super::Failure;
use crate::contract::{Contract, Fixtures};
use crate::corpus::{Corpus, Defects, LoadErrors};
use crate::judge::Judge;
use crate::sdk::cases::ClientCorpus;

/// The contract, the corpus and the judge.
pub(super) struct Library {
    pub(super) contract: Arc<Contract>,
    pub(super) corpus: Arc<Corpus>,
    pub(super) judge: Judge,
}

impl Library {
    /// Loads the fixtures that were compiled in, or those of a folder.
    pub(super) fn load(folder: Option<PathBuf>) -> Result<Self, Failure> {
        Self::from_fixtures(&folder.map_or(Fixtures::Embedded, Fixtures::Folder)).map_err(|errors| invalid(&errors))
    }

    /// The same with the banks of defects, which only some commands need.
    pub(super) fn load_with_defects(folder: Option<PathBuf>) -> Result<(Self, Defects), Failure> {
        let fixtures = folder.map_or(Fixtures::Embedded, Fixtures::Folder);
        let library = Self::from_fixtures(&fixtures).map_err(|errors| invalid(&errors))?;
        let defects = Defects::load(&fixtures, &library.contract).map_err(|errors| invalid(&errors))?;
        Ok((library, defects))
    }

    /// The contract, the cases of both sides, and the judge.
    pub(super) fn load_with_clients(folder: Option<PathBuf>) -> Result<(Self, ClientCorpus), Failure> {
        let fixtures = folder.map_or(Fixtures::Embedded, Fixtures::Folder);
        let library = Self::from_fixtures(&fixtures).map_err(|errors| invalid(&errors))?;
        let clients = ClientCorpus::load(&fixtures, &library.contract, &library.corpus);
        Ok((library, clients.map_err(|errors| invalid(&errors))?))
    }

    fn from_fixtures(fixtures: &Fixtures) -> Result<Self, LoadErrors> {
        let contract = Arc::new(Contract::load(fixtures)?);
        let corpus = Arc::new(Corpus::load(fixtures, &contract)?);
        let judge = Judge::new(Arc::clone(&contract))?;
        Ok(Self { contract, corpus, judge })
    }
}

/// The fixtures are not valid, and why.
pub(super) fn invalid(errors: &LoadErrors) -> Failure {
    let count = errors.0.len();
    let noun = if count == 1 { "fault" } else { "faults" };
    Failure::harness(format!("the fixtures have {count} {noun}:\n{errors}"))
}
