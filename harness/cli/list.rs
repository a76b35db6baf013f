//! `countersign list`: what there is, without any network.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::library::Library;
use super::output::{Format, print};
use super::{Failure, FixtureArgs};
use crate::contract::{Feature, Side};
use crate::corpus::client::{ClientCase, ClientCorpus};
use crate::corpus::{DefectKind, Defects, Pattern, Plan, SelectError, Selection};

/// The arguments of `list`.
#[derive(Debug, Args)]
pub(super) struct List {
    /// What to list
    #[arg(value_enum, default_value_t = What::Cases)]
    what: What,

    /// The cases of which side: what `run` runs on endpoints, or what `sdk run` runs on SDKs
    #[arg(long, value_enum, default_value_t = Tested::Server)]
    side: Tested,

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
    let folder = args.fixtures.fixtures;
    // The banks take longer to read than everything else; only what speaks of them reads them.
    let rows = match args.what {
        What::Cases if args.side == Tested::Client => {
            let (library, clients) = Library::load_with_clients(folder)?;
            client_cases(&library, &clients, &args.patterns)?
        }
        What::Cases => cases(&Library::load(folder)?, &args.patterns)?,
        What::Features => features(&Library::load(folder)?),
        What::Requirements => {
            let (library, banks) = Library::load_with_defects(folder.clone())?;
            requirements(&library, &banks, &Library::load_with_clients(folder)?.1)
        }
        What::Drivers => {
            super::sdk::drivers().into_iter().map(|(name, about, json)| Row { name, about, json }).collect()
        }
        What::Defects => defects(&Library::load_with_defects(folder)?.1),
    };
    let text = match args.format {
        Format::Json => {
            serde_json::to_string_pretty(&rows.iter().map(|row| &row.json).collect::<Vec<_>>()).unwrap_or_default()
        }
        Format::Md => markdown(&rows),
        Format::Text => {
            let width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or_default();
            let lines: Vec<_> = rows.iter().map(|row| format!("{:width$}  {}", row.name, row.about)).collect();
            lines.join("\n")
        }
    };
    print(&text)
}

/// The rows as a table: each with everything that the JSON says of it.
fn markdown(rows: &[Row]) -> String {
    let cell = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.replace('|', "\\|"),
        Value::Array(items) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ").replace('|', "\\|")
        }
        other => other.to_string(),
    };
    let Some(first) = rows.first() else { return String::new() };
    let columns: Vec<&String> = first.json.as_object().into_iter().flat_map(serde_json::Map::keys).collect();
    // The id first, whatever the order of the letters.
    let (id, others): (Vec<&String>, Vec<&String>) = columns.into_iter().partition(|column| *column == "id");
    let columns: Vec<&String> = id.into_iter().chain(others).collect();
    let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let mut lines = vec![
        line(columns.iter().map(|column| (*column).clone()).collect()),
        line(columns.iter().map(|_| "---".to_owned()).collect()),
    ];
    lines.extend(rows.iter().map(|row| line(columns.iter().map(|column| cell(&row.json[column.as_str()])).collect())));
    lines.join("\n")
}

/// One thing that is listed.
struct Row {
    name: String,
    about: String,
    json: Value,
}

fn cases(library: &Library, patterns: &[String]) -> Result<Vec<Row>, Failure> {
    let patterns = patterns.iter().map(|text| Pattern::new(text).map_err(Failure::usage)).collect::<Result<_, _>>()?;
    let selection = Selection { patterns, ..Selection::default() };
    let plan = Plan::select(&library.corpus, &library.contract.register, &selection).map_err(|error| match error {
        SelectError::Nothing(_) => Failure::nothing_selected(error.to_string()),
        _ => Failure::usage(error.to_string()),
    })?;
    let row = |case: &std::sync::Arc<crate::corpus::ExpandedCase>| Row {
        name: case.id.clone(),
        about: case.case.title.clone(),
        json: json!({
            "id": case.id,
            "case": case.case.id,
            "suite": case.suite,
            "title": case.case.title,
            "requirements": case.case.requirements,
            "needs": case.case.needs,
        }),
    };
    Ok(plan.cases.iter().map(row).collect())
}

fn client_cases(library: &Library, clients: &ClientCorpus, patterns: &[String]) -> Result<Vec<Row>, Failure> {
    let patterns = patterns.iter().map(|text| Pattern::new(text).map_err(Failure::usage)).collect::<Result<_, _>>()?;
    let selection = Selection { patterns, ..Selection::default() };
    let cases = clients.select(&library.contract, &selection).map_err(|error| match error {
        SelectError::Nothing(_) => Failure::nothing_selected(error.to_string()),
        _ => Failure::usage(error.to_string()),
    })?;
    let row = |case: &std::sync::Arc<ClientCase>| Row {
        name: case.id.clone(),
        about: case.title.clone(),
        json: json!({
            "id": case.id,
            "suite": case.suite(),
            "title": case.title,
            "requirements": case.requirements,
        }),
    };
    Ok(cases.iter().map(row).collect())
}

fn requirements(library: &Library, banks: &Defects, clients: &ClientCorpus) -> Vec<Row> {
    let breaking = |id: &String| {
        banks
            .entries()
            .iter()
            .filter(|entry| entry.requirements.contains(id))
            .map(|entry| &entry.id)
            .collect::<Vec<_>>()
    };
    let mut citing: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for case in library.corpus.cases() {
        for id in &case.case.requirements {
            let cases = citing.entry(id).or_default();
            if cases.last() != Some(&case.case.id.as_str()) {
                cases.push(&case.case.id);
            }
        }
    }
    for case in clients.cases() {
        for id in &case.requirements {
            citing.entry(id).or_default().push(&case.id);
        }
    }
    let row = |row: &crate::contract::Requirement| Row {
        name: row.id.clone(),
        about: format!("{:6} {}", format!("{:?}", row.level).to_lowercase(), row.text),
        json: json!({
            "id": row.id,
            "level": row.level,
            "evidence": row.evidence,
            "confirmation": row.confirmation.status,
            "side": row.side,
            "feature": row.feature,
            "text": row.text,
            "source": row.source,
            "accepts": row.accepts,
            "excluded": row.excluded,
            "pending": row.pending,
            "holds_in": row.holds_in,
            "cases": citing.get(row.id.as_str()).cloned().unwrap_or_default(),
            "defects": breaking(&row.id),
        }),
    };
    library.contract.register.requirements.iter().map(row).collect()
}

fn features(library: &Library) -> Vec<Row> {
    let must = |feature: Feature| {
        library.contract.register.of_side(Side::Server).filter(|row| row.feature == feature && row.counts()).count()
    };
    let row = |feature: Feature| Row {
        name: feature.word().to_owned(),
        about: format!("{:3} must-requirements: {}", must(feature), feature.meaning()),
        json: json!({ "id": feature.word(), "meaning": feature.meaning(), "must": must(feature) }),
    };
    Feature::ALL.into_iter().map(row).collect()
}

/// The defects, and behind them the legal variants.
fn defects(banks: &Defects) -> Vec<Row> {
    let row = |entry: &crate::corpus::Defect| Row {
        name: entry.id.clone(),
        about: format!("{:6} {}", entry.kind, entry.title),
        json: json!({
            "id": entry.id,
            "kind": entry.kind,
            "title": entry.title,
            "requirements": entry.requirements,
            "also": entry.also,
        }),
    };
    let mut entries: Vec<_> = banks.entries().iter().collect();
    entries.sort_by_key(|entry| entry.kind == DefectKind::Legal);
    entries.into_iter().map(row).collect()
}
