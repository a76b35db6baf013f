//! `countersign validate`: checks every fixture.

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::Args;

use super::library::{self, Library};
use super::output::print_prose;
use super::{Failure, FixtureArgs};
use crate::contract::Fixtures;

/// The arguments of `validate`.
#[derive(Debug, Args)]
pub(super) struct Validate {
    #[command(flatten)]
    fixtures: FixtureArgs,
}

pub(super) fn run(args: Validate) -> Result<ExitCode, Failure> {
    let fixtures = args.fixtures.fixtures.clone().map_or(Fixtures::Embedded, Fixtures::Folder);
    let (library, defects) = Library::load_with_defects(args.fixtures.fixtures.clone())?;
    defects.check_complete(&fixtures, &library.contract.register).map_err(|errors| library::invalid(&errors))?;
    let (_, clients) = Library::load_with_clients(args.fixtures.fixtures)?;
    let expanded = library.corpus.cases();
    let cases: BTreeSet<_> = expanded.iter().map(|case| &case.case.id).collect();
    print_prose(&format!(
        "all fixtures are valid: {} requirements, {} cases ({} with every member of a family), {} client cases, {} replies, {} defects and legal variants",
        library.contract.register.requirements.len(),
        cases.len(),
        expanded.len(),
        clients.cases().len(),
        library.corpus.replies().len(),
        defects.entries().len(),
    ))
}
