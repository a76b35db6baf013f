//! Which SDK is checked: the one that a flag names, else that of the project in this folder.

use std::path::{Path, PathBuf};

use super::SdkCheckArgs;
use crate::cli::Failure;
use crate::cli::output::say;
use crate::files::read_text;
use crate::sdk::drivers::{self, Driver};
use crate::sdk::install::{Cache, Installed, python_in};
use crate::sdk::lock::Lock;
use crate::sdk::project::{self, Place, Presence, ProjectSdk, Search};
use crate::text::file_name;

/// The SDK to check, and where it is.
pub(super) struct ChosenSdk {
    pub(super) driver: &'static Driver,
    pub(super) path: PathBuf,
    /// What was taken, where no flag names it.
    pub(super) taken: Option<String>,
    /// Whether nobody has looked yet whether the SDK is there.
    is_unseen: bool,
}

impl ChosenSdk {
    pub(super) fn of_cache(installed: &Installed, taken: Option<String>) -> Self {
        Self { driver: installed.driver, path: installed.sdk(), taken, is_unseen: false }
    }

    /// The same, after a look whether the SDK is there at all. Whether it loads is seen when it runs.
    pub(super) fn present(self) -> Result<Self, Failure> {
        if self.is_unseen && project::presence(self.driver, &self.path) == Presence::Absent {
            let (package, place) = (self.driver.package, file_name(&self.path));
            return Err(Failure::usage(format!(
                "{package} is not installed in {place}; install it there, or name another place"
            )));
        }
        Ok(self)
    }
}

/// The SDK that the arguments name, or that of the project in this folder.
pub(super) fn choose(args: &SdkCheckArgs) -> Result<ChosenSdk, Failure> {
    if let Some(path) = &args.python {
        let path = absolute(&found(path))?;
        let python = if path.is_dir() { python_in(&path) } else { path };
        let expected = "the path or the name of an interpreter, or a virtual environment";
        return driver_and_path(python, "boto3", "--python", expected);
    }
    if let Some(path) = &args.node_dir {
        let path = absolute(path)?;
        let folder = if path.ends_with("node_modules") { path.parent().unwrap_or(&path).to_owned() } else { path };
        if folder.join(PLUG_AND_PLAY).is_file() && !folder.join("node_modules").is_dir() {
            return Err(Failure::usage(format!("--node-dir: {}", plug_and_play(&folder))));
        }
        if !folder.join("node_modules").is_dir() {
            return Err(Failure::usage(format!(
                "--node-dir: expected a folder with node_modules, found none in {}; run `npm ci` there first",
                file_name(&folder)
            )));
        }
        return driver_and_path(folder, "js-v3", "--node-dir", "a folder with node_modules");
    }
    if let Some(file) = &args.lock {
        let lock = read_lock(file)?;
        return Ok(ChosenSdk::of_cache(&installed(&lock)?, Some(taken_from(&lock, file))));
    }
    if let Some(wanted) = &args.driver {
        let cache = Cache::of_user().map_err(Failure::usage)?;
        let installed = match (cache.find(wanted), &wanted.version) {
            (Ok(installed), _) => installed,
            (Err(_), Some(_)) => cache.install(wanted, say).map_err(Failure::usage)?,
            (Err(error), None) => return Err(Failure::usage(error)),
        };
        return Ok(ChosenSdk::of_cache(&installed, None));
    }
    let folder = here()?;
    match only(project::search(&folder, |name| std::env::var_os(name)), &folder)? {
        ProjectSdk::Installed { driver, sdk, place } => {
            let taken = Some(format!("checking {}, which is installed in {}", driver.package, name_of(&place)));
            Ok(ChosenSdk { driver, path: sdk, taken, is_unseen: false })
        }
        ProjectSdk::Locked { lock, file } => {
            Ok(ChosenSdk::of_cache(&installed(&lock)?, Some(taken_from(&lock, &file))))
        }
    }
}

/// The lock file that an argument names, or that of the project in this folder, with what it says.
pub(super) fn choose_lock(args: &SdkCheckArgs) -> Result<(PathBuf, Lock), Failure> {
    if let Some(file) = &args.lock {
        return Ok((absolute(file)?, read_lock(file)?));
    }
    let folder = here()?;
    match only(project::search_locks(&folder), &folder)? {
        ProjectSdk::Locked { lock, file } => Ok((file, lock)),
        ProjectSdk::Installed { .. } => Err(Failure::harness("a search for lock files found an environment")),
    }
}

/// The versions of a lock file, installed in the cache folder.
pub(super) fn installed(lock: &Lock) -> Result<Installed, Failure> {
    let cache = Cache::of_user().map_err(Failure::usage)?;
    cache.find(&lock.spec()).or_else(|_| cache.install_locked(lock, say)).map_err(Failure::usage)
}

fn read_lock(file: &Path) -> Result<Lock, Failure> {
    let text = read_text(file).map_err(|error| Failure::usage(format!("cannot read {}: {error}", file_name(file))))?;
    project::lock_of(file, &text).map_err(|error| Failure::usage(format!("--lock: {}: {error}", file_name(file))))
}

/// A path as it is called from this folder.
pub(super) fn in_folder(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let below = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    file_name(below.as_deref().filter(|below| !below.as_os_str().is_empty()).unwrap_or(path))
}

fn taken_from(lock: &Lock, file: &Path) -> String {
    let (name, version) = (lock.package(), lock.spec().version.unwrap_or_default());
    format!("checking {name} {version}, which {} names", in_folder(file))
}

/// The one SDK of a project; an error where there is none, or one of each language.
fn only(search: Search, folder: &Path) -> Result<ProjectSdk, Failure> {
    let flags = "name it with --python, --node-dir, --driver or --lock";
    let mut found = search.found;
    match (found.pop(), found.pop()) {
        (Some(one), None) => Ok(one),
        (Some(second), Some(first)) => Err(Failure::usage(format!(
            "two SDKs are found in {}: {}, and {}; {flags}",
            file_name(folder),
            describe(&first),
            describe(&second)
        ))),
        (None, _) => {
            let mut lines = vec![format!("no SDK is found in {}; {flags}", file_name(folder))];
            lines.extend(search.passed.iter().map(|passed| format!("  {}: {}", in_folder(&passed.place), passed.why)));
            if folder.join(PLUG_AND_PLAY).is_file() {
                lines.push(format!("  {}", plug_and_play(folder)));
            }
            if search.passed.is_empty() {
                lines.push(
                    "  there is no environment of Python, no package.json with modules, and no lock file".to_owned(),
                );
            }
            Err(Failure::usage(lines.join("\n")))
        }
    }
}

fn describe(found: &ProjectSdk) -> String {
    match found {
        ProjectSdk::Installed { driver, place, .. } => format!("{} in {}", driver.package, name_of(place)),
        ProjectSdk::Locked { lock, file } => format!("{} in {}", lock.package(), in_folder(file)),
    }
}

fn name_of(place: &Place) -> String {
    let folder = in_folder(&place.folder);
    place.named_by.map_or(folder.clone(), |by| format!("{folder}, as {by} says"))
}

/// The file by which yarn finds packages without `node_modules`.
const PLUG_AND_PLAY: &str = ".pnp.cjs";

fn plug_and_play(folder: &Path) -> String {
    format!(
        "{} has the packages in archives that only yarn's own loader opens; `--lock yarn.lock` installs the same versions \
         in the cache folder and checks those",
        file_name(folder)
    )
}

fn here() -> Result<PathBuf, Failure> {
    std::env::current_dir().map_err(|error| Failure::usage(format!("this folder cannot be read: {error}")))
}

/// What a shell would run by a path: a name alone that is no file here is looked up in PATH.
fn found(path: &Path) -> PathBuf {
    let is_name = path.file_name() == Some(path.as_os_str()) && !path.exists();
    let on_path = path.to_str().filter(|_| is_name).and_then(drivers::find_on_path);
    on_path.unwrap_or_else(|| path.to_owned())
}

/// The driver and the path of a project's SDK; an error where there is nothing at the path.
fn driver_and_path(path: PathBuf, driver: &str, flag: &str, expected: &str) -> Result<ChosenSdk, Failure> {
    if !path.exists() {
        let place = file_name(&path);
        return Err(Failure::usage(format!("{flag}: expected {expected}, found nothing to run at {place}")));
    }
    let driver = drivers::driver_named(driver).map_err(Failure::harness)?;
    Ok(ChosenSdk { driver, path, taken: None, is_unseen: true })
}

/// The absolute path with its links kept: a virtual environment is known by the path that it is called by.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::usage(format!("{} is no path: {error}", file_name(path))))
}
