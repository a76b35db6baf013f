//! `countersign explain`: one requirement, case or defect in full, without any network.

mod json;

use std::process::ExitCode;

use clap::Args;
use reqwest::Url;

use super::library::Library;
use super::output::{Plain, print, print_prose};
use super::{Failure, FixtureArgs};
use crate::contract::{Evidence, Requirement, Side};
use crate::corpus::client::{ClientCase, ClientCorpus};
use crate::corpus::{Answer, Defect, DefectKind, Defects, ExpandedCase};
use crate::run::example_line;
use crate::targets::Target;
use crate::wire::Credentials;

/// The arguments of `explain`.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// A requirement, such as GC-DUR-02, a case, such as parameters/duration-outside, or a defect,
    /// such as duration-clamped
    #[arg(value_name = "ID")]
    id: String,

    /// Lines for people, or one JSON object
    #[arg(long, value_enum, default_value_t = Plain::Text)]
    format: Plain,

    #[command(flatten)]
    fixtures: FixtureArgs,
}

pub(super) fn run(args: Explain) -> Result<ExitCode, Failure> {
    let (library, banks) = Library::load_with_defects(args.fixtures.fixtures.clone())?;
    let (_, clients) = Library::load_with_clients(args.fixtures.fixtures)?;
    let id = args.id.trim_end_matches('/');
    let format = args.format;
    if let Some(row) = library.contract.register.get(&id.to_ascii_uppercase()) {
        let text = || requirement(row, &library, &banks, &clients);
        return show(format, text, || json::requirement(row, &library, &banks, &clients));
    }
    if let Some(case) = clients.get(id) {
        return show(format, || client_case(case, &library), || json::client_case(case));
    }
    if let Some(entry) = banks.get(id) {
        return show(format, || defect(entry, &library), || json::defect(entry));
    }
    let members: Vec<_> = match library.corpus.get(id) {
        Some(case) => vec![case],
        None => library.corpus.family(id).collect(),
    };
    let Some(first) = members.first() else {
        return Err(Failure::usage(format!(
            "there is no requirement, no case and no defect \"{id}\"; `countersign list requirements`, `list cases` and `list defects` show them all"
        )));
    };
    let ids: Vec<_> = members.iter().map(|case| case.id.as_str()).collect();
    show(format, || case(first, &ids, &library), || json::case(first, &ids))
}

fn show(
    format: Plain,
    text: impl FnOnce() -> String,
    json: impl FnOnce() -> serde_json::Value,
) -> Result<ExitCode, Failure> {
    match format {
        Plain::Text => print_prose(&text()),
        Plain::Json => print(&serde_json::to_string_pretty(&json()).unwrap_or_default()),
    }
}

fn requirement(row: &Requirement, library: &Library, banks: &Defects, clients: &ClientCorpus) -> String {
    let mut lines = vec![
        format!("{}  {}", row.id, row.text),
        String::new(),
        format!("level         {}", word(row.level)),
        format!("evidence      {} ({})", word(row.evidence), meaning(row.evidence)),
        format!("source        {}", row.source),
        format!("confirmation  {} by recordings of real AWS", word(row.confirmation.status)),
        match row.side {
            Side::Server => format!("feature       {}", row.feature),
            Side::Client => "binds         SDKs, not endpoints".to_owned(),
        },
    ];
    if !row.accepts.is_empty() {
        lines.push(format!("accepts       {}", row.accepts.join(", or ")));
    }
    if let Some(reason) = &row.excluded {
        lines.push(format!("not counted   {reason}"));
    }
    if let Some(missing) = &row.pending {
        lines.push(format!("pending       {missing}"));
    }
    if !row.holds_in.is_empty() {
        let pages: Vec<_> = row.holds_in.iter().map(word).collect();
        lines.push(format!("holds in      {}", pages.join(", ")));
    }
    match &row.decided_by {
        Some(by) => {
            let what = if row.side == Side::Client { "request" } else { "answer that it applies to" };
            lines.push(format!("decided by    the rule {} on every {what}", by.rule));
        }
        None if !row.is_tested() => {}
        None if row.side == Side::Client => lines.push("decided by    what the cases below expect".to_owned()),
        None => lines.push("decided by    whether the cases below are accepted or refused".to_owned()),
    }
    let cases = citing(row, library);
    if !cases.is_empty() {
        lines.push(String::new());
        lines.push("cases".to_owned());
        lines.extend(cases.iter().map(|case| format!("  {}  {}", case.case.id, case.case.title)));
    }
    let on_clients: Vec<_> = clients.cases().iter().filter(|case| case.requirements.contains(&row.id)).collect();
    if !on_clients.is_empty() {
        lines.push(String::new());
        lines.push("client cases".to_owned());
        lines.extend(on_clients.iter().map(|case| format!("  {}  {}", case.id, case.title)));
    }
    let breaking = banks.entries().iter().filter(|entry| entry.requirements.contains(&row.id));
    let breaking: Vec<_> = breaking.map(|entry| format!("  {}  {}", entry.id, entry.title)).collect();
    if !breaking.is_empty() {
        lines.push(String::new());
        lines.push("defects".to_owned());
        lines.extend(breaking);
    }
    if let Some(first) = cases.first() {
        lines.extend(example(first));
    }
    lines.join("\n")
}

/// The cases that cite a requirement, one for each family.
fn citing<'a>(row: &Requirement, library: &'a Library) -> Vec<&'a ExpandedCase> {
    let mut cases: Vec<&ExpandedCase> = Vec::new();
    for case in library.corpus.cases().iter().filter(|case| case.case.requirements.contains(&row.id)) {
        if cases.last().is_none_or(|last| last.case.id != case.case.id) {
            cases.push(case);
        }
    }
    cases
}

fn case(case: &ExpandedCase, members: &[&str], library: &Library) -> String {
    let mut lines = vec![format!("{}  {}", case.case.id, case.case.title), String::new()];
    for alike in case.calls.chunk_by(|one, other| one.expect == other.expect) {
        let answers: Vec<_> = alike[0].expect.answers().iter().map(Answer::to_string).collect();
        let how_often = match (alike.len(), case.case.together) {
            (1, _) => String::new(),
            (count, false) => format!(", for each of {count} calls in a row"),
            (count, true) => format!(", for each of {count} calls at the same time"),
        };
        lines.push(format!("expects       {}{how_often}", answers.join(", or ")));
    }
    if let Some(control) = &case.case.control {
        lines.push(format!("control       {}, from which it differs at {}", control.case, control.differs_at));
    }
    if let Some(breaks) = &case.case.breaks {
        lines.push(format!("breaks        {breaks}"));
    }
    if !case.case.needs.is_empty() {
        let needs: Vec<_> = case.case.needs.iter().map(|need| need.word()).collect();
        lines.push(format!("needs         {}", needs.join(", ")));
    }
    lines.push(String::new());
    lines.push("requirements".to_owned());
    for id in &case.case.requirements {
        let text = library.contract.register.get(id).map_or("", |row| row.text.as_str());
        lines.push(format!("  {id}  {text}"));
    }
    if members.len() > 1 {
        lines.push(String::new());
        lines.push("runs as".to_owned());
        lines.extend(members.iter().map(|id| format!("  {id}")));
    }
    lines.extend(example(case));
    lines.join("\n")
}

fn client_case(case: &ClientCase, library: &Library) -> String {
    let request = &case.request;
    let mut lines = vec![
        format!("{}  {}", case.id, case.title),
        String::new(),
        format!("input         {}", json(&request.input)),
        format!("config        {}", json(&request.config)),
        format!("endpoint      {}", request.endpoint.as_deref().unwrap_or("not given in code")),
        format!("calls         {}", request.calls),
        format!("script        {} steps, the last one for every further request", case.script.len()),
    ];
    if case.requirements.is_empty() {
        lines.push("expects       nothing: it is observed, and compared between versions".to_owned());
    } else {
        lines.push(String::new());
        lines.push("requirements".to_owned());
    }
    for id in &case.requirements {
        let text = library.contract.register.get(id).map_or("", |row| row.text.as_str());
        lines.push(format!("  {id}  {text}"));
    }
    lines.push(String::new());
    lines.push("try it".to_owned());
    lines.push(format!("  countersign sdk run --driver boto3 {}", case.id));
    lines.join("\n")
}

fn defect(entry: &Defect, library: &Library) -> String {
    let what = match entry.kind {
        DefectKind::Defect => "a fault, which the suite must find",
        DefectKind::Legal => "a legal variant of a right server, which the suite must not accuse",
    };
    let mut lines = vec![format!("{}  {}", entry.id, entry.title), String::new(), format!("kind          {what}")];
    if !entry.also.is_empty() {
        let also: Vec<_> = entry.also.iter().map(ToString::to_string).collect();
        lines.push(format!("also          {} may fall with what it breaks", also.join(", ")));
    }
    if !entry.requirements.is_empty() {
        lines.push(String::new());
        lines.push("breaks".to_owned());
        for id in &entry.requirements {
            let text = library.contract.register.get(id).map_or("", |row| row.text.as_str());
            lines.push(format!("  {id}  {text}"));
        }
    }
    lines.push(String::new());
    lines.push("try it".to_owned());
    lines.push(format!("  countersign serve emulator --defect {}", entry.id));
    lines.push(format!("  countersign selftest {}", entry.id));
    lines.join("\n")
}

/// The request of a case as a command, below a title.
fn example(case: &ExpandedCase) -> Vec<String> {
    match example_command(case) {
        Some(line) => vec![String::new(), format!("try {}", case.id), format!("  {line}")],
        None => Vec::new(),
    }
}

/// The request of a case as a command, for an emulator at its usual port.
fn example_command(case: &ExpandedCase) -> Option<String> {
    let endpoint = Url::parse("http://localhost:4566").expect("the example's URL is valid");
    let target = Target::at(endpoint)
        .with_workgroup("my-workgroup")
        .with_custom_domain("db.example.com")
        .signed_by(Credentials::new("AKIDEXAMPLE", "never printed"));
    example_line(case, &target)
}

/// A value as JSON.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// A serialised enum's word: `documented`.
fn word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn meaning(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Documented => "stated plainly in the documents",
        Evidence::Modelled => "in AWS's model of the service",
        Evidence::Protocol => "in the definition of the protocol",
        Evidence::Observed => "seen in a public record of real AWS",
        Evidence::Sibling => "seen on another service with the same protocol",
        Evidence::Inferred => "concluded, not stated",
        Evidence::Conflict => "the sources disagree or are silent",
    }
}
