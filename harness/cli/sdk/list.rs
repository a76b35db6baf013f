//! `countersign sdk list`: what is installed here, and what cannot be.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::Failure;
use crate::cli::list::Fields;
use crate::cli::output::{Format, print, print_prose};
use crate::sdk::drivers;
use crate::sdk::install::{Cache, Installed};

/// The arguments of `sdk list`.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Lines for people, one JSON object, or a table in Markdown
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn run(args: &List) -> Result<ExitCode, Failure> {
    let cache = Cache::of_user().map_err(Failure::usage)?;
    let installed = cache.installed();
    match args.format {
        Format::Json => print(&serde_json::to_string_pretty(&as_json(&cache, &installed)).unwrap_or_default()),
        Format::Md => print(&table(&installed)),
        Format::Text => print_prose(&text(&cache, &installed)),
    }
}

/// The drivers, each with what it runs and whether its SDK can be installed here: for `list drivers`.
pub(in crate::cli) fn drivers() -> Vec<(String, String, Fields)> {
    let row = |driver: &drivers::Driver| {
        let obstacle = driver.obstacle();
        let about = match &obstacle {
            None => format!("{} ({})", driver.about, driver.package),
            Some(obstacle) => format!("{} ({}); cannot be installed here: {obstacle}", driver.about, driver.package),
        };
        let fields = vec![
            ("id", json!(driver.name)),
            ("about", json!(driver.about)),
            ("package", json!(driver.package)),
            ("obstacle", json!(obstacle)),
        ];
        (driver.name.to_owned(), about, fields)
    };
    drivers::ALL.iter().map(row).collect()
}

/// What stands where a driver has no installed version.
fn nothing(driver: &drivers::Driver) -> String {
    match driver.obstacle() {
        None => format!("none; `countersign sdk install {}@VERSION` installs one", driver.name),
        Some(obstacle) => format!("cannot be installed here: {obstacle}"),
    }
}

fn text(cache: &Cache, installed: &[Installed]) -> String {
    let width = drivers::ALL.iter().map(|driver| driver.name.len()).max().unwrap_or_default();
    let mut lines = vec![format!("Installed in {}", cache.root().display())];
    for driver in drivers::ALL {
        let mut name = driver.name;
        for version in installed.iter().filter(|installed| installed.driver.name == driver.name) {
            lines.push(format!("  {name:width$}  {}  {} packages", version.version, version.deps.len()));
            name = "";
        }
        if !name.is_empty() {
            lines.push(format!("  {name:width$}  {}", nothing(driver)));
        }
    }
    lines.push(String::new());
    lines.push("Not to be had here".to_owned());
    lines.extend(drivers::NOT_HERE.iter().map(|(what, why)| format!("  {what}: {why}")));
    lines.join("\n")
}

fn table(installed: &[Installed]) -> String {
    let mut lines = vec!["| driver | version | packages |".to_owned(), "| --- | --- | --- |".to_owned()];
    for driver in drivers::ALL {
        let versions: Vec<_> = installed.iter().filter(|installed| installed.driver.name == driver.name).collect();
        if versions.is_empty() {
            lines.push(format!("| {} | {} | |", driver.name, nothing(driver)));
        }
        lines.extend(versions.iter().map(|one| format!("| {} | {} | {} |", driver.name, one.version, one.deps.len())));
    }
    lines.extend(drivers::NOT_HERE.iter().map(|(what, why)| format!("| {what} | {why} | |")));
    lines.join("\n")
}

fn as_json(cache: &Cache, installed: &[Installed]) -> Value {
    let versions: Vec<_> = installed
        .iter()
        .map(|one| {
            json!({
                "driver": one.driver.name,
                "package": one.driver.package,
                "version": one.version,
                "deps": one.deps,
                "folder": one.folder,
            })
        })
        .collect();
    let drivers: Vec<_> = drivers().into_iter().map(|(_, _, json)| json).collect();
    let not_here: Vec<_> = drivers::NOT_HERE.iter().map(|(what, why)| json!({ "what": what, "why": why })).collect();
    json!({ "cache": cache.root(), "installed": versions, "drivers": drivers, "not_here": not_here })
}
