//! `countersign list`: what there is, without any network.

pub(super) mod entries;

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::Value;

use super::catalogue::Catalogue;
use super::library::Library;
use super::output::{Format, print, print_json, width};
use super::{Failure, FixtureArgs};
use crate::contract::Side;
use crate::corpus::{Pattern, SelectError, Selection};
use crate::report::{hang, prose_cell};
use crate::text::{escape, foreign};
use entries::{CaseEntry, ClientCaseEntry, DefectEntry, FeatureEntry, Listing, RequirementEntry};

/// The arguments of `list`.
#[derive(Debug, Args)]
pub(super) struct List {
    /// What to list
    #[arg(value_enum, default_value_t = What::Cases)]
    what: What,

    /// Of cases and requirements: those of endpoints, which `run` runs, or those of SDKs, which `sdk run` runs [default:
    /// the cases of servers, the requirements of both]
    #[arg(long, value_enum)]
    side: Option<Tested>,

    /// Only the cases that one of these patterns selects
    #[arg(value_name = "PATTERN")]
    patterns: Vec<String>,

    /// One line each, one JSON array, or a table in Markdown
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    fixtures: FixtureArgs,
}

/// Who is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Tested {
    Server,
    Client,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    Cases,
    Requirements,
    Features,
    Defects,
    Drivers,
}

pub(super) fn run(args: List) -> Result<ExitCode, Failure> {
    if args.what != What::Cases && !args.patterns.is_empty() {
        return Err(Failure::usage("patterns select cases; `countersign list cases PATTERN` takes them"));
    }
    if args.side.is_some() && !matches!(args.what, What::Cases | What::Requirements) {
        return Err(Failure::usage("--side selects cases or requirements; the others are of no side"));
    }
    listing(args.what, args.side, &args.patterns, args.fixtures)?.print(args.format)
}

fn listing(
    what: What,
    side: Option<Tested>,
    patterns: &[String],
    FixtureArgs { fixtures: folder }: FixtureArgs,
) -> Result<Listing, Failure> {
    let patterns = patterns.iter().map(|text| Pattern::new(text).map_err(Failure::usage)).collect::<Result<_, _>>()?;
    let selection = Selection { patterns, ..Selection::default() };
    let unselected = |error: SelectError| Failure::of_selection(&error);
    // The banks take longer to read than everything else; only what speaks of them reads them.
    Ok(match what {
        What::Cases if side == Some(Tested::Client) => {
            let (library, clients) = Library::load_with_clients(folder)?;
            let cases = clients.select(&library.contract, &selection).map_err(unselected)?;
            Listing::ClientCases(cases.iter().map(|case| ClientCaseEntry::of(case)).collect())
        }
        What::Cases => {
            let Library { contract, corpus, .. } = Library::load(folder)?;
            let plan = crate::corpus::Plan::select(&corpus, &contract.register, &selection).map_err(unselected)?;
            Listing::Cases(plan.cases.iter().map(|case| CaseEntry::of(case)).collect())
        }
        What::Requirements => {
            let side = side.map(|side| if side == Tested::Server { Side::Server } else { Side::Client });
            Listing::Requirements(RequirementEntry::all(&Catalogue::load(folder)?, side))
        }
        What::Features => Listing::Features(FeatureEntry::all(&Library::load(folder)?)),
        What::Defects => Listing::Defects(DefectEntry::all(&Library::load_with_defects(folder)?.1)),
        What::Drivers => Listing::Drivers(super::sdk::drivers()),
    })
}

/// One thing that is listed.
pub(super) trait Entry: Serialize {
    /// The columns of its table: all its members, in this order.
    const COLUMNS: &'static [&'static str];

    /// What it is called.
    fn name(&self) -> String;

    /// What stands beside that in the text.
    fn about(&self) -> String;

    /// What stands below it in the text: labels, and what they are of.
    fn below(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

impl Listing {
    fn print(&self, format: Format) -> Result<ExitCode, Failure> {
        match self {
            Self::Cases(entries) => print_all(entries, format),
            Self::ClientCases(entries) => print_all(entries, format),
            Self::Requirements(entries) => print_all(entries, format),
            Self::Features(entries) => print_all(entries, format),
            Self::Defects(entries) => print_all(entries, format),
            Self::Drivers(entries) => print_all(entries, format),
        }
    }
}

fn print_all<E: Entry>(entries: &[E], format: Format) -> Result<ExitCode, Failure> {
    match format {
        Format::Json => print_json(&entries),
        Format::Md => {
            let table = table(entries);
            print(&table.map_err(|error| Failure::harness(format!("cannot write a table: {error}")))?)
        }
        Format::Text => print(&text(entries)),
    }
}

fn text<E: Entry>(entries: &[E]) -> String {
    let name = |entry: &E| foreign(&entry.name());
    let names = entries.iter().map(|entry| name(entry).chars().count()).max().unwrap_or_default();
    let width = width();
    let mut lines = Vec::new();
    for entry in entries {
        lines.push(hang(&format!("{:names$}  ", name(entry)), &foreign(&entry.about()), width));
        // Ids that were checked, and as many as there are.
        let below = entry.below();
        lines.extend(below.iter().map(|(label, ids)| hang("    ", &format!("{label} {}", escape(ids)), width)));
    }
    lines.join("\n")
}

/// The entries as a table: each with everything that the JSON says of it. Nothing in a cell is markup.
fn table<E: Entry>(entries: &[E]) -> Result<String, serde_json::Error> {
    let cell = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => prose_cell(text),
        Value::Array(items) => prose_cell(&items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")),
        other => prose_cell(&other.to_string()),
    };
    let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let heads = E::COLUMNS.iter().map(|name| (*name).to_owned()).collect();
    let mut lines = vec![line(heads), line(vec!["---".to_owned(); E::COLUMNS.len()])];
    for entry in entries {
        let members = serde_json::to_value(entry)?;
        lines.push(line(E::COLUMNS.iter().map(|name| cell(&members[*name])).collect()));
    }
    Ok(lines.join("\n"))
}
