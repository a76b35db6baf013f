//! `countersign sdk history`: what changed from each installed version of an SDK to the next.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use schemars::JsonSchema;
use serde::Serialize;

use super::records::{RunRecords, RunWords};
use super::run::JOBS;
use crate::cli::library::Library;
use crate::cli::output::{print, print_bytes, print_json, print_prose, say};
use crate::cli::{Failure, FixtureArgs};
use crate::report::words::count;
use crate::report::{Event, prose_cell};
use crate::sdk::diff::{Cause, MovedPackage, SdkDiff, history_page};
use crate::sdk::drivers::driver_named;
use crate::sdk::install::{Cache, Installed};
use crate::sdk::versions::numbers;
use crate::text::{escape, foreign};

/// The arguments of `sdk history`.
#[derive(Debug, Args)]
pub(super) struct SdkHistoryArgs {
    /// The driver, such as boto3
    #[arg(value_name = "NAME")]
    name: String,

    /// The oldest version [default: the oldest that is installed]
    #[arg(long, value_name = "VERSION")]
    from: Option<String>,

    /// The newest version [default: the newest that is installed]
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,

    /// Run only the cases that this pattern selects, as in `sdk run`; repeat it for more
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    case: Vec<String>,

    /// Lines for people, one JSON object, a table in Markdown, or one HTML file
    #[arg(long, value_enum, default_value = "text")]
    format: HistoryFormat,

    /// Run this number of cases at a time, each with a process of the driver
    #[arg(long, short, env = "COUNTERSIGN_JOBS", value_name = "N", default_value_t = JOBS, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,

    #[command(flatten)]
    fixtures: FixtureArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum HistoryFormat {
    Text,
    Json,
    Md,
    Html,
}

/// What changed from each version of an SDK to the next: what `sdk history --format json` writes.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::cli) struct SdkHistory {
    /// The version of this format: 1.
    version: u32,
    /// The driver.
    driver: &'static str,
    /// How many cases every version was run with.
    cases: usize,
    /// The versions, the oldest first.
    versions: Vec<HistoryVersion>,
}

/// A version, and what it changed.
#[derive(Debug, Serialize, JsonSchema)]
struct HistoryVersion {
    /// The version of the SDK.
    version: String,
    /// What changed from the version before it; nothing for the first.
    causes: Vec<Cause>,
    /// The packages that decide what the SDK does and have another version than before.
    packages: Vec<MovedPackage>,
}

pub(super) fn run(args: &SdkHistoryArgs) -> Result<ExitCode, Failure> {
    let driver = driver_named(&args.name).map_err(Failure::usage)?;
    let (library, clients) = Library::load_with_clients(args.fixtures.fixtures.clone())?;
    let cases = super::select(&library, &clients, &args.case, &[])?;
    let cache = Cache::of_user().map_err(Failure::usage)?;
    let bound = |flag: &str, version: &Option<String>| {
        let text = version.as_deref()?;
        let wrong = || Failure::usage(format!("{flag}: expected a version such as 1.2.3, found \"{}\"", foreign(text)));
        Some(numbers(text).ok_or_else(wrong))
    };
    let from = bound("--from", &args.from).transpose()?;
    let to = bound("--to", &args.to).transpose()?;
    let is_asked_for = |version: &str| {
        let Some(numbers) = numbers(version) else { return from.is_none() && to.is_none() };
        from.as_ref().is_none_or(|from| numbers >= *from) && to.as_ref().is_none_or(|to| numbers <= *to)
    };
    let mut installed = cache.installed();
    installed.retain(|one| one.driver.name == driver.name && is_asked_for(&one.version));
    if installed.len() < 2 {
        let name = driver.name;
        return Err(Failure::usage(format!(
            "a history needs two installed versions of {name}, found {}; `countersign sdk install {name}@VERSION` installs \
             one, and `countersign sdk bisect {name} OLD NEW` installs those that it needs",
            installed.len()
        )));
    }
    let words = RunWords { patterns: &args.case, fixtures: args.fixtures.fixtures.as_deref(), jobs: args.jobs };
    let records = RunRecords::new(&cache, &library, &cases, words);
    let mut before: Option<Vec<Event>> = None;
    let mut diffs = Vec::new();
    for one in &installed {
        let events = records.of(one)?;
        if let Some(before) = &before {
            diffs.push(SdkDiff::new(before, &events).map_err(|error| Failure::usage(error.to_string()))?);
        }
        before = Some(events);
    }
    let versions: Vec<String> = installed.iter().map(label).collect();
    let history = |diffs| SdkHistory::new(driver.name, cases.len(), &versions, diffs);
    match args.format {
        HistoryFormat::Json => print_json(&history(diffs)),
        HistoryFormat::Md => print(&history(diffs).table()),
        HistoryFormat::Html => {
            let page = history_page(driver.name, cases.len(), &versions, &diffs);
            print_bytes(format!("{page}\n").as_bytes())
        }
        HistoryFormat::Text => {
            say("only versions that are installed are compared");
            print_prose(&history(diffs).text())
        }
    }
}

/// What an installation is called behind the `@` of its folder: its version, and what was chosen beside it.
fn label(installed: &Installed) -> String {
    let folder = installed.folder.file_name().unwrap_or_default().to_string_lossy();
    folder.split_once('@').map_or_else(|| installed.version.clone(), |(_, label)| label.to_owned())
}

impl SdkHistory {
    /// The history of these versions, with the comparisons of each two that stand beside each other.
    fn new(driver: &'static str, cases: usize, versions: &[String], diffs: Vec<SdkDiff>) -> Self {
        // Nothing comes before the first version.
        let diffs = std::iter::once(SdkDiff::default()).chain(diffs);
        let of = |(version, SdkDiff { causes, packages, .. }): (&String, SdkDiff)| HistoryVersion {
            version: version.clone(),
            causes,
            packages,
        };
        Self { version: 1, driver, cases, versions: versions.iter().zip(diffs).map(of).collect() }
    }

    fn text(&self) -> String {
        let mut lines = vec![format!("{}, {}", self.driver, count(self.cases, "case"))];
        let width = self.versions.iter().map(|one| one.version.chars().count()).max().unwrap_or_default();
        for (place, one) in self.versions.iter().enumerate() {
            let version = format!("  {:width$}", escape(&one.version));
            if place == 0 || one.causes.is_empty() {
                let what = if place == 0 { "the first" } else { "nothing changed" };
                lines.push(format!("{version}  {what}"));
                continue;
            }
            for (at, cause) in one.causes.iter().enumerate() {
                let begin = if at == 0 { version.clone() } else { " ".repeat(width + 2) };
                let extent = format!("{} in {}", cause.class, cases_of(cause));
                lines.push(format!("{begin}  {}: {extent} (id {})", escape(&cause.what), cause.id));
            }
            if let [package] = one.packages.as_slice() {
                let (name, old, new) = (escape(&package.name), escape(&package.old), escape(&package.new));
                lines.push(format!("{}  by {name} {old} -> {new}: {}", " ".repeat(width + 2), package.changelog));
            }
        }
        lines.join("\n")
    }

    fn table(&self) -> String {
        let mut lines = vec![
            "| version | what changed | class | cases | brought by |".to_owned(),
            "| --- | --- | --- | ---: | --- |".to_owned(),
        ];
        for (place, one) in self.versions.iter().enumerate() {
            let version = prose_cell(&foreign(&one.version));
            if place == 0 || one.causes.is_empty() {
                lines.push(format!("| {version} | {} | | | |", if place == 0 { "the first" } else { "nothing" }));
            }
            let by = match one.packages.as_slice() {
                [package] => prose_cell(&format!("{} {}", foreign(&package.name), foreign(&package.new))),
                _ => String::new(),
            };
            for cause in &one.causes {
                let what = prose_cell(&foreign(&cause.what));
                lines.push(format!("| {version} | {what} | {} | {} | {by} |", cause.class, cause.cases.len()));
            }
        }
        lines.join("\n")
    }
}

fn cases_of(cause: &Cause) -> String {
    if cause.cases == [crate::sdk::diff::EVERY_CASE] {
        "the whole run".to_owned()
    } else {
        count(cause.cases.len(), "case")
    }
}
