//! `countersign list`: what there is, without any network.

pub(super) mod entries;

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::library::{Catalogue, Library};
use super::output::{ListingFormat, print, print_json, width};
use super::revision::RevisionArg;
use super::run::operation_named;
use super::{Failure, FixtureArgs};
use crate::contract::Side;
use crate::corpus::{Pattern, SelectError, Selection};
use crate::report::{hang, prose_cell};
use crate::text::{escape, foreign};
use entries::{
    CaseEntry, ClientCaseEntry, DefectEntry, FeatureEntry, Listing, OperationEntry, ReplyEntry, RequirementEntry,
    RevisionEntry, SuiteEntry, TextEntry,
};

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// What to list
    #[arg(value_enum, default_value_t = ListSubject::Cases)]
    what: ListSubject,

    /// Of cases and requirements: those of endpoints, which `run` runs, or those of SDKs, which `sdk run` runs [default:
    /// the cases of servers, the requirements of both]
    #[arg(long, value_enum)]
    side: Option<TestedSide>,

    /// Of cases: only those about this operation
    #[arg(long, value_name = "NAME")]
    operation: Option<String>,

    /// Only the cases that one of these patterns selects
    #[arg(value_name = "PATTERN")]
    patterns: Vec<String>,

    /// One line each, one JSON array, or a table in Markdown
    #[arg(long, value_enum, default_value_t = ListingFormat::Text)]
    format: ListingFormat,

    #[command(flatten)]
    revision: RevisionArg,

    #[command(flatten)]
    fixtures: FixtureArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TestedSide {
    Server,
    Client,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ListSubject {
    Cases,
    Suites,
    Operations,
    Requirements,
    Features,
    Revisions,
    Defects,
    Drivers,
    Replies,
}

pub(super) fn run(args: &ListArgs) -> Result<ExitCode, Failure> {
    if args.what != ListSubject::Cases && !args.patterns.is_empty() {
        return Err(Failure::usage("patterns select cases; `countersign list cases PATTERN` takes them"));
    }
    if args.side.is_some() && !matches!(args.what, ListSubject::Cases | ListSubject::Requirements) {
        return Err(Failure::usage("--side selects cases or requirements; the others are of no side"));
    }
    if args.operation.is_some() && (args.what != ListSubject::Cases || args.side == Some(TestedSide::Client)) {
        return Err(Failure::usage(
            "--operation selects cases of servers; `countersign list cases --operation NAME` takes it",
        ));
    }
    listing(args)?.print(args.format)
}

fn listing(args: &ListArgs) -> Result<Listing, Failure> {
    let ListArgs { what, side, operation, patterns, fixtures, .. } = args;
    let (side, folder) = (*side, fixtures.fixtures.clone());
    let asked = args.revision.asked();
    let asked = asked.as_ref();
    let patterns = patterns.iter().map(|text| Pattern::new(text).map_err(Failure::usage)).collect::<Result<_, _>>()?;
    let mut selection = Selection { operation: operation.clone(), patterns, ..Selection::default() };
    let unselected = |error: SelectError| Failure::of_selection(&error);
    // The banks take longer to read than everything else, so only the lists that need them read them.
    Ok(match what {
        ListSubject::Cases if side == Some(TestedSide::Client) => {
            let (library, clients) = Library::load_with_clients(folder)?;
            let cases = clients.select(&library.contract, &selection).map_err(unselected)?;
            Listing::ClientCases(cases.iter().map(|case| ClientCaseEntry::of(case)).collect())
        }
        ListSubject::Cases => {
            let Library { contract, corpus, .. } = Library::load_in(folder, asked)?;
            let operation = operation.as_ref().map(|name| operation_named(name, &contract)).transpose()?;
            selection.operation = operation.map(|operation| operation.name.is.clone());
            let plan = crate::corpus::Plan::select(&corpus, &contract.register, &selection).map_err(unselected)?;
            Listing::Cases(plan.cases.iter().map(|case| CaseEntry::of(case)).collect())
        }
        ListSubject::Suites => Listing::Suites(SuiteEntry::all(&Library::load_in(folder, asked)?)),
        ListSubject::Operations => Listing::Operations(OperationEntry::all(&Library::load_in(folder, asked)?)),
        ListSubject::Requirements => {
            let side = side.map(|side| if side == TestedSide::Server { Side::Server } else { Side::Client });
            Listing::Requirements(RequirementEntry::all(&Catalogue::load(folder, asked)?, side))
        }
        ListSubject::Features => Listing::Features(FeatureEntry::all(&Library::load_in(folder, asked)?)),
        ListSubject::Revisions => Listing::Revisions(RevisionEntry::all(&Library::load_in(folder, asked)?)),
        ListSubject::Defects => Listing::Defects(DefectEntry::all(&Library::load_with_defects(folder, asked)?.1)),
        ListSubject::Drivers => Listing::Drivers(super::sdk::drivers()),
        ListSubject::Replies => Listing::Replies(ReplyEntry::all(&Library::load_in(folder, asked)?)),
    })
}

impl Listing {
    fn print(&self, format: ListingFormat) -> Result<ExitCode, Failure> {
        match format {
            ListingFormat::Json => print_json(self),
            ListingFormat::Md => {
                let rows = serde_json::to_value(self);
                let rows = rows.map_err(|error| Failure::harness(format!("cannot write a table: {error}")))?;
                print(&self.table(&rows))
            }
            ListingFormat::Text => print(&self.text()),
        }
    }

    fn text(&self) -> String {
        let width = width();
        let entries = self.entries();
        let names = entries.iter().map(|entry| foreign(&entry.name).chars().count()).max().unwrap_or_default();
        let mut lines = Vec::new();
        for TextEntry { name, about, below } in entries {
            lines.push(hang(&format!("{:names$}  ", foreign(&name)), &foreign(&about), width));
            // These ids were checked, so all of them are shown in full.
            lines.extend(below.iter().map(|(label, ids)| hang("    ", &format!("{label} {}", escape(ids)), width)));
        }
        lines.join("\n")
    }

    /// The entries as a table, with everything that the JSON says of each. No cell holds markup.
    fn table(&self, things: &Value) -> String {
        let cell = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => prose_cell(text),
            Value::Array(items) => prose_cell(&items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")),
            Value::Object(counts) => {
                prose_cell(&counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", "))
            }
            other => prose_cell(&other.to_string()),
        };
        let columns: Vec<_> = self.columns().collect();
        let mut lines = vec![columns.join(" | "), vec!["---"; columns.len()].join(" | ")];
        lines.extend(
            things
                .as_array()
                .into_iter()
                .flatten()
                .map(|thing| columns.iter().map(|name| cell(&thing[*name])).collect::<Vec<_>>().join(" | ")),
        );
        lines.iter().map(|cells| format!("| {cells} |")).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_column_for_every_member() {
        for what in ListSubject::value_variants() {
            for side in [None, Some(TestedSide::Client)] {
                let format = ListingFormat::Text;
                let args = ListArgs {
                    what: *what,
                    side,
                    operation: None,
                    patterns: Vec::new(),
                    format,
                    revision: RevisionArg::default(),
                    fixtures: FixtureArgs::default(),
                };
                let listing = listing(&args).expect("the fixtures");
                let things = serde_json::to_value(&listing).expect("JSON");
                let mut columns: Vec<_> = listing.columns().collect();
                columns.sort_unstable();
                let members = things[0].as_object().expect("an object").keys();
                assert_eq!(members.collect::<Vec<_>>(), columns, "{what:?}");
            }
        }
    }
}
