//! `countersign schema`: the JSON Schemas, generated from the shapes and from the formats.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::config::ShownSettings;
use super::explain::explanation::Explained;
use super::library::Library;
use super::list::entries::Listing;
use super::output::{print, say};
use super::revision::RevisionArg;
use super::sdk::{SdkHistory, Sdks};
use super::serve::Ready;
use super::{Failure, FixtureArgs};
use crate::contract::schema::{self, Schemas, format_schema};
use crate::contract::{Contract, Register};
use crate::corpus::defect::DefectFile;
use crate::corpus::{Reply, Suite};
use crate::doctor::Examination;
use crate::recording::Recording;
use crate::report::{self, Exit};
use crate::sdk::accepted::AcceptedFile;
use crate::sdk::cases::ClientSuite;
use crate::sdk::diff::SdkDiff;
use crate::sdk::protocol::ProtocolLine;
use crate::selftest::SelftestReport;
use crate::servers::emulator::{IdentitiesFile, SavedState};
use crate::targets::profile::Profiles;
use crate::text::file_name;

#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// Change nothing; fail where a file is not what would be generated
    #[arg(long)]
    check: bool,

    /// The folder of the schemas [default: schemas, and for an older revision one with the year behind it: schemas-2022]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    #[command(flatten)]
    revision: RevisionArg,

    #[command(flatten)]
    fixtures: FixtureArgs,
}

/// Every schema: of the documented shapes, and of each format.
pub fn all(contract: &Contract) -> Schemas {
    let mut schemas = schema::of_contract(&contract.service, &contract.operations);
    schemas.extend([
        format_schema::<Register>("requirements.schema.json", "The register of requirements"),
        format_schema::<Suite>("suite.schema.json", "A suite of cases"),
        format_schema::<ClientSuite>("client-suite.schema.json", "A suite of client cases"),
        format_schema::<ProtocolLine>("driver-protocol.schema.json", "A line of the driver protocol"),
        format_schema::<Reply>("reply.schema.json", "A reply of the mock"),
        format_schema::<Recording>("recording.schema.json", "A recording: what a target answered to one case"),
        format_schema::<DefectFile>("defects.schema.json", "A bank of defects and legal variants"),
        format_schema::<Profiles>("config.schema.json", "Target profiles: countersign.toml"),
        format_schema::<Examination>("examination.schema.json", "What doctor found out about a target"),
        format_schema::<Listing>("list.schema.json", "What list writes: an array of things of one kind"),
        format_schema::<Explained>("explanation.schema.json", "What explain says of one thing"),
        format_schema::<Sdks>("sdk-list.schema.json", "The SDKs that are installed, and the drivers"),
        format_schema::<SelftestReport>("selftest.schema.json", "What a self-test came to"),
        format_schema::<IdentitiesFile>("identities.schema.json", "A file of identities for the emulator"),
        format_schema::<SavedState>("state.schema.json", "The state of an emulator: serve emulator --state"),
        format_schema::<Ready>("emulator-ready.schema.json", "The line with which the emulator says that it is ready"),
        format_schema::<ShownSettings>("settings.schema.json", "The settings of a run, each with where it came from"),
    ]);
    schemas.extend(report::formats());
    schemas.extend([
        format_schema::<SdkDiff>("sdk-diff.schema.json", "What changed between two runs of an SDK"),
        format_schema::<SdkHistory>("sdk-history.schema.json", "What changed from each version of an SDK to the next"),
        format_schema::<AcceptedFile>("sdk-accepted.schema.json", "Accepted changes of an SDK, each with a reason"),
    ]);
    schemas
}

pub(super) fn run(args: SchemaArgs) -> Result<ExitCode, Failure> {
    let asked = args.revision.asked();
    let library = Library::load_in(args.fixtures.fixtures, asked.as_ref())?;
    let schemas = all(&library.contract);
    let older = library.contract.older_revision();
    let dir = args.dir.unwrap_or_else(|| older.map_or("schemas".into(), |year| format!("schemas-{year}").into()));
    let folder = file_name(&dir);
    if args.check {
        let differences = schema::differences(&dir, &schemas);
        if differences.is_empty() {
            return print(&format!("{} schemas in {folder} are what the shapes and formats give", schemas.len()));
        }
        let list = differences.join("\n");
        say(&format!(
            "error: {folder} is not what the shapes and formats give; `countersign schema` writes it anew\n{list}"
        ));
        return Ok(Exit::Failed.into());
    }
    schema::write(&dir, &schemas)
        .map_err(|error| Failure::usage(format!("cannot write the schemas to {folder}: {error}")))?;
    print(&format!("wrote {} schemas to {folder}", schemas.len()))
}
