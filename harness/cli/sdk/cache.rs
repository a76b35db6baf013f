//! `countersign sdk install` and `countersign sdk list`: what is in the cache folder, and what cannot be.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::Failure;
use crate::cli::list::entries::DriverEntry;
use crate::cli::output::{ListingFormat, print, print_json, print_prose, say};
use crate::report::prose_cell;
use crate::sdk::drivers::{self, Driver};
use crate::sdk::install::{Cache, Installed, SdkVersion};
use crate::text::{file_name, foreign};

/// The arguments of `sdk install`.
#[derive(Debug, Args)]
pub(super) struct SdkInstallArgs {
    /// What to install, such as boto3@1.40.76
    #[arg(value_name = "NAME@VERSION", required = true)]
    wanted: Vec<SdkVersion>,
}

pub(super) fn install(args: &SdkInstallArgs) -> Result<ExitCode, Failure> {
    let cache = Cache::of_user().map_err(Failure::usage)?;
    let mut lines = Vec::new();
    for wanted in &args.wanted {
        let installed = cache.install(wanted, say).map_err(Failure::usage)?;
        let (name, version, packages) = (installed.driver.name, &installed.version, installed.deps.len());
        let version = foreign(version);
        lines.push(format!("{name}@{version}  {packages} packages in {}", file_name(&installed.folder)));
    }
    print(&lines.join("\n"))
}

/// The arguments of `sdk list`.
#[derive(Debug, Args)]
pub(super) struct SdkListArgs {
    /// Lines for people, one JSON object, or a table in Markdown
    #[arg(long, value_enum, default_value_t = ListingFormat::Text)]
    format: ListingFormat,
}

pub(super) fn list(args: &SdkListArgs) -> Result<ExitCode, Failure> {
    let cache = Cache::of_user().map_err(Failure::usage)?;
    let installed = cache.installed();
    match args.format {
        ListingFormat::Json => print_json(&Sdks::new(&cache, &installed)),
        ListingFormat::Md => print(&table(&installed)),
        ListingFormat::Text => print_prose(&text(&cache, &installed)),
    }
}

/// What `sdk list --format json` writes.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::cli) struct Sdks {
    /// The version of this format: 1.
    version: u32,
    /// The folder that holds what is installed.
    cache: PathBuf,
    /// What is installed.
    installed: Vec<InstalledSdk>,
    /// The drivers, each with what it runs and whether its SDK can be installed here.
    drivers: Vec<DriverEntry>,
    /// SDKs for which there is no driver.
    not_here: Vec<AbsentSdk>,
}

/// An installed version of an SDK.
#[derive(Debug, Serialize, JsonSchema)]
struct InstalledSdk {
    /// Its driver.
    driver: &'static str,
    /// Its name in its registry.
    package: &'static str,
    /// Its version.
    version: String,
    /// The versions of everything that was installed with it.
    deps: BTreeMap<String, String>,
    /// Where it is.
    folder: PathBuf,
}

/// An SDK that cannot be had.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Absent")]
struct AbsentSdk {
    /// What it is.
    what: &'static str,
    /// Why there is no driver for it.
    why: &'static str,
}

impl Sdks {
    fn new(cache: &Cache, installed: &[Installed]) -> Self {
        let one = |one: &Installed| InstalledSdk {
            driver: one.driver.name,
            package: one.driver.package,
            version: one.version.clone(),
            deps: one.deps.clone(),
            folder: one.folder.clone(),
        };
        Self {
            version: 1,
            cache: cache.root().to_owned(),
            installed: installed.iter().map(one).collect(),
            drivers: drivers(),
            not_here: drivers::NOT_HERE.iter().map(|(what, why)| AbsentSdk { what, why }).collect(),
        }
    }
}

/// The drivers, each with what it runs and whether its SDK can be installed here: for `list drivers`.
pub(in crate::cli) fn drivers() -> Vec<DriverEntry> {
    let entry = |driver: &Driver| DriverEntry {
        id: driver.name.to_owned(),
        about: driver.about.to_owned(),
        package: driver.package.to_owned(),
        obstacle: driver.obstacle(),
    };
    drivers::ALL.iter().map(entry).collect()
}

/// Each driver with each of its installed versions, or with none.
fn rows(installed: &[Installed]) -> Vec<(&'static Driver, Option<&Installed>)> {
    let of = |driver: &'static Driver| {
        let mut versions: Vec<_> = installed.iter().filter(|one| one.driver.name == driver.name).map(Some).collect();
        if versions.is_empty() {
            versions.push(None);
        }
        versions.into_iter().map(move |version| (driver, version))
    };
    drivers::ALL.iter().flat_map(of).collect()
}

/// The text for a driver that has no installed version.
fn nothing(driver: &Driver) -> String {
    match driver.obstacle() {
        None => format!("none; `countersign sdk install {}@VERSION` installs one", driver.name),
        Some(obstacle) => format!("cannot be installed here: {obstacle}"),
    }
}

fn text(cache: &Cache, installed: &[Installed]) -> String {
    let width = drivers::ALL.iter().map(|driver| driver.name.len()).max().unwrap_or_default();
    let mut lines = vec![format!("Installed in {}", file_name(cache.root()))];
    let mut before = "";
    for (driver, version) in rows(installed) {
        let name = if driver.name == before { "" } else { driver.name };
        before = driver.name;
        lines.push(match version {
            Some(one) => format!("  {name:width$}  {}  {} packages", foreign(&one.version), one.deps.len()),
            None => format!("  {name:width$}  {}", nothing(driver)),
        });
    }
    lines.extend([String::new(), "Not to be had here".to_owned()]);
    lines.extend(drivers::NOT_HERE.iter().map(|(what, why)| format!("  {what}: {why}")));
    lines.join("\n")
}

fn table(installed: &[Installed]) -> String {
    let mut lines = vec!["| driver | version | packages |".to_owned(), "| --- | --- | --- |".to_owned()];
    lines.extend(rows(installed).into_iter().map(|(driver, version)| match version {
        Some(one) => format!("| {} | {} | {} |", driver.name, prose_cell(&foreign(&one.version)), one.deps.len()),
        None => format!("| {} | {} | |", driver.name, nothing(driver)),
    }));
    lines.extend(drivers::NOT_HERE.iter().map(|(what, why)| format!("| {what} | {why} | |")));
    lines.join("\n")
}
