//! `countersign validate`: checks every fixture.

use std::process::ExitCode;

use clap::Args;

use super::library::Catalogue;
use super::output::print_prose;
use super::{Failure, FixtureArgs};

#[derive(Debug, Args)]
pub(super) struct ValidateArgs {
    #[command(flatten)]
    fixtures: FixtureArgs,
}

pub(super) fn run(args: ValidateArgs) -> Result<ExitCode, Failure> {
    let catalogues = Catalogue::load_complete(args.fixtures.fixtures)?;
    let Some((catalogue, older)) = catalogues.split_first() else { return Ok(ExitCode::SUCCESS) };
    let Catalogue { library, clients, banks } = catalogue;
    let years: Vec<_> = older.iter().map(|of| of.library.contract.revision.to_string()).collect();
    let older = match years.as_slice() {
        [] => String::new(),
        [year] => format!("; so are those of the older revision {year}"),
        years => format!("; so are those of the older revisions {}", years.join(", ")),
    };
    print_prose(&format!(
        "all fixtures are valid: {} requirements, {} cases ({} with every member of a family), {} client cases, {} replies, {} defects and legal variants{older}",
        library.contract.register.requirements.len(),
        catalogue.cases(|_| true).len(),
        library.corpus.cases().len(),
        clients.cases().len(),
        library.corpus.replies().len(),
        banks.entries().len(),
    ))
}
