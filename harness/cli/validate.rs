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
    let catalogue = Catalogue::load_complete(args.fixtures.fixtures)?;
    let Catalogue { library, clients, banks } = &catalogue;
    print_prose(&format!(
        "all fixtures are valid: {} requirements, {} cases ({} with every member of a family), {} client cases, {} replies, {} defects and legal variants",
        library.contract.register.requirements.len(),
        catalogue.cases(|_| true).len(),
        library.corpus.cases().len(),
        clients.cases().len(),
        library.corpus.replies().len(),
        banks.entries().len(),
    ))
}
