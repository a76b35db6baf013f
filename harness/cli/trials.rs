//! The trials of the target that the environment names, as `countersign run` would find it.

use super::library::Library;
use super::run::can_be_run;
use super::settings::{Choice, Settings};
use super::target::Prepared;
use crate::trials::{Trials, runtime};

/// The trials of the target that the environment names, for `cargo test`; nothing where it names
/// none, or one of our own servers.
///
/// # Errors
/// What is wrong with the settings, in words.
///
/// # Panics
/// In a trial, when the target cannot be made ready.
pub fn trials_of_environment() -> Result<Option<Trials>, String> {
    let settings = Settings::of_environment().map_err(|failure| failure.to_string())?;
    let Some(settings) = settings.filter(|settings| !matches!(settings.choice, Choice::Mock | Choice::Emulator)) else {
        return Ok(None);
    };
    let library = Library::load(None).map_err(|failure| failure.to_string())?;
    can_be_run(&settings, &library.contract).map_err(|failure| failure.to_string())?;
    let (name, features) = (settings.name().to_owned(), settings.features());
    Ok(Some(Trials::starting(name, features, move || {
        let prepared = runtime().block_on(Prepared::new(&settings, &library));
        prepared.unwrap_or_else(|failure| panic!("{failure}")).target
    })))
}
