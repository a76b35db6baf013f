//! `countersign sdk install` and `countersign sdk list`: what is in the cache folder, and what cannot be.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::Failure;
use crate::cli::list::entries::DriverEntry;
use crate::cli::output::{ListingFormat, print, print_json, print_prose, say};
use crate::files::read_text;
use crate::report::prose_cell;
use crate::sdk::drivers::{self, Driver};
use crate::sdk::install::{Cache, Installed, PackageVersion, SdkVersion, day_of};
use crate::sdk::lock::Lock;
use crate::text::{file_name, foreign};

/// The arguments of `sdk install`.
#[derive(Debug, Args)]
pub(super) struct SdkInstallArgs {
    /// What to install, such as boto3@1.40.76, or botocore@1.40.76 with a boto3 that fits; with --lock the name alone
    #[arg(value_name = "NAME@VERSION", required = true)]
    wanted: Vec<SdkVersion>,

    /// Take this version of another package; repeat it for more
    ///
    /// By default, boto3 gets the botocore that it was released with, and the SDK for JavaScript the packages of the day
    /// of its release; of the others, the newest that fit.
    #[arg(
        long,
        env = "COUNTERSIGN_WITH",
        value_name = "NAME==VERSION",
        value_delimiter = ',',
        conflicts_with = "lock"
    )]
    with: Vec<PackageVersion>,

    /// Take no package that was published on this day or later, in UTC
    #[arg(long, env = "COUNTERSIGN_BEFORE", value_name = "DAY", value_parser = day_of, conflicts_with = "lock")]
    before: Option<Date>,

    /// Take every version from this lock file: of a project, or of an earlier installation
    ///
    /// uv.lock, poetry.lock, pylock.toml, Pipfile.lock, requirements in a .txt; package-lock.json, pnpm-lock.yaml,
    /// yarn.lock; Cargo.lock of an installation.
    #[arg(long, env = "COUNTERSIGN_LOCK", value_name = "FILE")]
    lock: Option<PathBuf>,
}

pub(super) fn install(args: &SdkInstallArgs) -> Result<ExitCode, Failure> {
    let cache = Cache::of_user().map_err(Failure::usage)?;
    let mut lines = Vec::new();
    for wanted in &args.wanted {
        let installed = match &args.lock {
            Some(file) => cache.install_locked(&lock(file, wanted)?, say),
            None => cache.install(&args.chosen(wanted), say),
        };
        let installed = installed.map_err(Failure::usage)?;
        let (id, packages, folder) = (&installed.spec, installed.deps.len(), file_name(&installed.folder));
        lines.push(format!("{id}  {packages} packages in {folder}"));
        lines.push(format!("  the versions: {}", file_name(&installed.lock_file())));
    }
    print(&lines.join("\n"))
}

impl SdkInstallArgs {
    /// What is wanted, with the choices that flags add.
    fn chosen(&self, wanted: &SdkVersion) -> SdkVersion {
        let mut chosen = wanted.clone();
        let with = self.with.iter().map(|one| (one.name.clone(), one.version.clone()));
        chosen.choices.with.extend(with);
        chosen.choices.before = self.before.or(chosen.choices.before);
        chosen
    }
}

/// The versions that a lock file has for an SDK.
fn lock(file: &Path, wanted: &SdkVersion) -> Result<Lock, Failure> {
    let driver = wanted.driver().map_err(Failure::usage)?;
    let text = read_text(file).map_err(|error| Failure::usage(format!("cannot read {}: {error}", file_name(file))))?;
    let lock = Lock::read(driver, file, &text)
        .map_err(|error| Failure::usage(format!("{} is no lock of {}: {error}", file_name(file), driver.name)))?;
    let found = lock.spec();
    match &wanted.version {
        Some(version) if found.version.as_ref() != Some(version) => Err(Failure::usage(format!(
            "--lock: expected {}@{version} in {}, found {}; leave the version away to take that",
            wanted.name,
            file_name(file),
            found.version.unwrap_or_default(),
        ))),
        _ => Ok(lock),
    }
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
    let installed = tried(&cache.installed());
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
    /// What it is named by, as `--driver` takes it.
    id: String,
    /// Its driver.
    driver: &'static str,
    /// The package that was named, by its name in its registry.
    package: String,
    /// Its version.
    version: String,
    /// The versions of everything that was installed with it.
    deps: BTreeMap<String, String>,
    /// Where it is.
    folder: PathBuf,
    /// The lock file with all versions.
    lock: PathBuf,
    /// Why it does not load; missing if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

/// What is installed, and why it does not load, if it does not.
type Tried = (Installed, Option<String>);

/// Loads every installed version, as many at a time as the machine has processors.
fn tried(installed: &[Installed]) -> Vec<Tried> {
    let at_a_time = std::thread::available_parallelism().map_or(1, usize::from);
    let mut found = Vec::new();
    for some in installed.chunks(at_a_time) {
        found.extend(std::thread::scope(|scope| {
            let threads: Vec<_> = some.iter().map(|one| scope.spawn(|| one.fault())).collect();
            let faults = threads.into_iter().map(|thread| thread.join().unwrap_or(None));
            some.iter().cloned().zip(faults).collect::<Vec<_>>()
        }));
    }
    found
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
    fn new(cache: &Cache, installed: &[Tried]) -> Self {
        let one = |(one, fault): &Tried| InstalledSdk {
            id: one.spec.to_string(),
            driver: one.driver.name,
            package: one.spec.package(one.driver),
            version: one.version.clone(),
            deps: one.deps.clone(),
            folder: one.folder.clone(),
            lock: one.lock_file(),
            fault: fault.clone(),
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
fn rows(installed: &[Tried]) -> Vec<(&'static Driver, Option<&Tried>)> {
    let of = |driver: &'static Driver| {
        let mut versions: Vec<_> =
            installed.iter().filter(|(one, _)| one.driver.name == driver.name).map(Some).collect();
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

/// What it is named by, without the name of its driver, which stands beside it.
fn version_of(one: &Installed) -> String {
    let id = foreign(&one.spec.to_string());
    id.strip_prefix(&format!("{}@", one.driver.name)).map_or(id.clone(), str::to_owned)
}

fn text(cache: &Cache, installed: &[Tried]) -> String {
    let width = drivers::ALL.iter().map(|driver| driver.name.len()).max().unwrap_or_default();
    let mut lines = vec![format!("Installed in {}", file_name(cache.root()))];
    let mut before = "";
    for (driver, version) in rows(installed) {
        let name = if driver.name == before { "" } else { driver.name };
        before = driver.name;
        lines.push(match version {
            Some((one, fault)) => {
                let fault =
                    fault.as_ref().map(|fault| format!("; {fault}").replace('\n', "\n    ")).unwrap_or_default();
                format!("  {name:width$}  {}  {} packages{fault}", version_of(one), one.deps.len())
            }
            None => format!("  {name:width$}  {}", nothing(driver)),
        });
    }
    lines.extend([String::new(), "Not to be had here".to_owned()]);
    lines.extend(drivers::NOT_HERE.iter().map(|(what, why)| format!("  {what}: {why}")));
    lines.join("\n")
}

fn table(installed: &[Tried]) -> String {
    let mut lines = vec!["| driver | version | packages |".to_owned(), "| --- | --- | --- |".to_owned()];
    lines.extend(rows(installed).into_iter().map(|(driver, version)| match version {
        Some((one, fault)) => {
            let fault = if fault.is_some() { ", does not load" } else { "" };
            format!("| {} | {} | {}{fault} |", driver.name, prose_cell(&version_of(one)), one.deps.len())
        }
        None => format!("| {} | {} | |", driver.name, nothing(driver)),
    }));
    lines.extend(drivers::NOT_HERE.iter().map(|(what, why)| format!("| {what} | {why} | |")));
    lines.join("\n")
}
