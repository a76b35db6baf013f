//! `countersign list`: what there is, without any network.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::library::Library;
use super::output::{Format, print, width};
use super::{Failure, FixtureArgs};
use crate::contract::{Feature, Side};
use crate::corpus::client::{ClientCase, ClientCorpus};
use crate::corpus::{DefectKind, Defects, Pattern, Plan, SelectError, Selection};
use crate::report::hang;

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
            let row = |(name, about, fields)| Row { name, about, below: Vec::new(), fields };
            super::sdk::drivers().into_iter().map(row).collect()
        }
        What::Defects => defects(&Library::load_with_defects(folder)?.1),
    };
    let text = match args.format {
        Format::Json => {
            let objects: Vec<Map<String, Value>> = rows.into_iter().map(Row::into_object).collect();
            serde_json::to_string_pretty(&objects).unwrap_or_default()
        }
        Format::Md => markdown(&rows),
        Format::Text => {
            let names = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or_default();
            let width = width();
            let mut lines = Vec::new();
            for row in &rows {
                lines.push(hang(&format!("{:names$}  ", row.name), &row.about, width));
                lines.extend(row.below.iter().map(|(label, ids)| hang("    ", &format!("{label} {ids}"), width)));
            }
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
    let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let mut lines = vec![
        line(first.fields.iter().map(|(name, _)| (*name).to_owned()).collect()),
        line(first.fields.iter().map(|_| "---".to_owned()).collect()),
    ];
    lines.extend(rows.iter().map(|row| line(row.fields.iter().map(|(_, value)| cell(value)).collect())));
    lines.join("\n")
}

/// Everything about a thing that is listed, in the order of a table's columns.
pub(super) type Fields = Vec<(&'static str, Value)>;

/// One thing that is listed.
struct Row {
    name: String,
    about: String,
    /// What stands below it in the text: a label, and ids.
    below: Vec<(&'static str, String)>,
    /// Everything about it.
    fields: Fields,
}

impl Row {
    fn into_object(self) -> Map<String, Value> {
        self.fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
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
        below: Vec::new(),
        fields: vec![
            ("id", json!(case.id)),
            ("case", json!(case.case.id)),
            ("suite", json!(case.suite)),
            ("title", json!(case.case.title)),
            ("requirements", json!(case.case.requirements)),
            ("needs", json!(case.case.needs)),
        ],
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
        below: Vec::new(),
        fields: vec![
            ("id", json!(case.id)),
            ("suite", json!(case.suite())),
            ("title", json!(case.title)),
            ("requirements", json!(case.requirements)),
        ],
    };
    Ok(cases.iter().map(row).collect())
}

fn requirements(library: &Library, banks: &Defects, clients: &ClientCorpus) -> Vec<Row> {
    let breaking = |id: &String| {
        banks
            .entries()
            .iter()
            .filter(|entry| entry.requirements.contains(id))
            .map(|entry| entry.id.as_str())
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
    let row = |row: &crate::contract::Requirement| {
        let cases = citing.get(row.id.as_str()).cloned().unwrap_or_default();
        let defects = breaking(&row.id);
        let state = match (&row.excluded, &row.pending) {
            (Some(reason), _) => Some(("excluded:", reason.clone())),
            (None, Some(missing)) => Some(("pending:", missing.clone())),
            (None, None) => None,
        };
        let mut below: Vec<_> = state.into_iter().collect();
        below.extend((!cases.is_empty()).then(|| ("cases:", cases.join(", "))));
        below.extend((!defects.is_empty()).then(|| ("defects:", defects.join(", "))));
        Row {
            name: row.id.clone(),
            about: format!("{:6} {}", format!("{:?}", row.level).to_lowercase(), row.text),
            below,
            fields: vec![
                ("id", json!(row.id)),
                ("level", json!(row.level)),
                ("evidence", json!(row.evidence)),
                ("text", json!(row.text)),
                ("cases", json!(cases)),
                ("defects", json!(defects)),
                ("accepts", json!(row.accepts)),
                ("excluded", json!(row.excluded)),
                ("pending", json!(row.pending)),
                ("side", json!(row.side)),
                ("feature", json!(row.feature)),
                ("confirmation", json!(row.confirmation.status)),
                ("holds_in", json!(row.holds_in)),
                ("source", json!(row.source)),
            ],
        }
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
        below: Vec::new(),
        fields: vec![
            ("id", json!(feature.word())),
            ("meaning", json!(feature.meaning())),
            ("must", json!(must(feature))),
        ],
    };
    Feature::ALL.into_iter().map(row).collect()
}

/// The defects, and behind them the legal variants.
fn defects(banks: &Defects) -> Vec<Row> {
    let row = |entry: &crate::corpus::Defect| Row {
        name: entry.id.clone(),
        about: format!("{:6} {}", entry.kind, entry.title),
        below: Vec::new(),
        fields: vec![
            ("id", json!(entry.id)),
            ("kind", json!(entry.kind)),
            ("title", json!(entry.title)),
            ("requirements", json!(entry.requirements)),
            ("also", json!(entry.also)),
        ],
    };
    let mut entries: Vec<_> = banks.entries().iter().collect();
    entries.sort_by_key(|entry| entry.kind == DefectKind::Legal);
    entries.into_iter().map(row).collect()
}
