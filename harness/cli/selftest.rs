//! `countersign selftest`: whether the suite finds what it should.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;

use super::library::Library;
use super::output::print_prose;
use super::revision::AskedRevision;
use super::{Failure, FixtureArgs};
use crate::corpus::{Defect, Defects, Pattern, Plan, Selection};
use crate::report::{Exit, ReportFile};
use crate::selftest::{Fate, Round, SelftestReport, run as run_selftest};
use crate::text::did_you_mean;

#[derive(Debug, Args)]
pub(super) struct SelftestArgs {
    /// Try only the defects and legal variants that a pattern selects
    #[arg(value_name = "PATTERN")]
    patterns: Vec<String>,

    /// Write the numbers and every detail as JSON into this file; - is standard output
    #[arg(long, env = "COUNTERSIGN_REPORT_JSON", value_name = "FILE")]
    report_json: Option<PathBuf>,

    #[command(flatten)]
    fixtures: FixtureArgs,
}

pub(super) fn run(args: &SelftestArgs) -> Result<ExitCode, Failure> {
    let (newest, defects) = Library::load_with_defects(args.fixtures.fixtures.clone(), None)?;
    let entries = select(&defects, &args.patterns)?;
    let years: BTreeSet<_> = entries.iter().filter_map(|entry| entry.revision).collect();
    let newest_year = newest.contract.revision;
    let mut libraries = vec![newest];
    for year in years.into_iter().rev().filter(|year| *year != newest_year) {
        let asked = AskedRevision { year, place: "fixtures/defects".to_owned() };
        libraries.push(Library::load_in(args.fixtures.fixtures.clone(), Some(&asked))?);
    }
    let select_all =
        |library: &Library| Plan::select(&library.corpus, &library.contract.register, &Selection::default());
    let plans: Vec<_> =
        libraries.iter().map(select_all).collect::<Result<_, _>>().map_err(|error| Failure::of_selection(&error))?;
    let mut rounds = Vec::new();
    for (Library { contract, corpus, judge }, plan) in libraries.iter().zip(&plans) {
        let mut of_round = entries.clone();
        of_round.retain(|entry| entry.revision.unwrap_or(newest_year) == contract.revision);
        if !of_round.is_empty() {
            rounds.push(Round { corpus, judge, plan, entries: of_round });
        }
    }
    let open = |path| ReportFile::open(path).map_err(|error| Failure::usage(error.to_string()));
    let file = args.report_json.as_deref().map(open).transpose()?;
    let start = Instant::now();
    let report = run_selftest(&rounds, |_| {}).map_err(|void| Failure::harness(void.to_string()))?;
    let text = text(&report, start.elapsed().as_secs_f64(), entries.len() == defects.entries().len());
    let on_stdout = args.report_json.as_deref() == Some(Path::new("-"));
    if let Some(file) = file {
        let json = serde_json::to_string_pretty(&report).map_err(|error| Failure::harness(error.to_string()))?;
        file.write(&(json + "\n")).map_err(|error| Failure::usage(error.to_string()))?;
    }
    if !on_stdout {
        print_prose(&text)?;
    }
    Ok(if report.holds() { Exit::Fine } else { Exit::Failed }.into())
}

/// The entries that the patterns select; all entries where there are no patterns.
fn select<'a>(defects: &'a Defects, patterns: &[String]) -> Result<Vec<&'a Defect>, Failure> {
    let mut patterns_of_ids = Vec::new();
    for text in patterns {
        let pattern = Pattern::new(text).map_err(Failure::usage)?;
        if !defects.entries().iter().any(|entry| pattern.selects(&entry.id)) {
            let near = did_you_mean(text, defects.entries().iter().map(|entry| entry.id.as_str()));
            return Err(Failure::nothing_selected(format!(
                "the pattern \"{pattern}\" matches no defect{near}; `countersign list defects` shows them all"
            )));
        }
        patterns_of_ids.push(pattern);
    }
    let selected = |entry: &&Defect| patterns.is_empty() || patterns_of_ids.iter().any(|p| p.selects(&entry.id));
    Ok(defects.entries().iter().filter(selected).collect())
}

/// The result as text. Idle rules and unbroken requirements are listed only for a whole bank.
fn text(report: &SelftestReport, seconds: f64, whole: bool) -> String {
    let mut text = String::new();
    for outcome in report.details.iter().filter(|outcome| !matches!(outcome.fate, Fate::Killed | Fate::Cleared)) {
        let fate = match outcome.fate {
            Fate::Survived => "SURVIVED",
            Fate::Accused => "ACCUSED",
            Fate::Killed | Fate::Misattributed | Fate::Cleared => "MISATTRIBUTED",
        };
        let _ = writeln!(text, "{fate} {}", outcome.id);
        for fault in outcome.faults.iter().take(5) {
            let _ = writeln!(text, "  {fault}");
        }
    }
    let SelftestReport { defects, killed, attributed, legal, accused, .. } = report;
    let _ = writeln!(text, "kill rate    {killed} of {defects} defects found ({})", percent(*killed, *defects));
    let _ = writeln!(
        text,
        "attribution  {attributed} of {killed} blamed on what they break and nothing undeclared ({})",
        percent(*attributed, *killed)
    );
    let _ = writeln!(text, "legal        {accused} of {legal} legal variants accused");
    if !report.untried.is_empty() {
        let untried = report.untried.len();
        let _ = writeln!(
            text,
            "not tried    {untried} that change log-ins: this build was made without the Cargo feature login"
        );
    }
    if whole {
        let list = |ids: &[String]| if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
        let _ = writeln!(text, "idle rules   {}", list(&report.idle_rules));
        let _ = writeln!(text, "unbroken     {}", list(&report.unbroken));
    }
    let _ = write!(text, "{seconds:.1} s");
    text
}

fn percent(part: usize, whole: usize) -> String {
    if part == whole { "100 %".to_owned() } else { format!("{} %", part * 100 / whole.max(1)) }
}
