//! Where the SDK of a project is: in one of the places where the tools of Python and Node.js put it, else in a lock file.
//!
//! Nothing of the project is run but the interpreter of its environment, which is asked whether the SDK is there.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::drivers::{self, Driver, InstallKind};
use super::install::python_in;
use super::lock::{Lock, LockError, NODE_LOCKS, PYTHON_LOCKS, kind_of};
use crate::files::read_text;
use crate::text::{file_name, foreign_within};

/// The driver for the SDK of a project in Python, and in JavaScript.
const DRIVERS: [&str; 2] = ["boto3", "js-v3"];

/// The SDK of a project.
#[derive(Clone, Debug)]
pub enum ProjectSdk {
    /// It is installed.
    Installed {
        /// Its driver.
        driver: &'static Driver,
        /// Where it is, as [`Driver::command`] takes it.
        sdk: PathBuf,
        /// The environment, and who named it.
        place: Place,
    },
    /// A file says which version it has.
    Locked {
        /// The versions.
        lock: Lock,
        /// The file.
        file: PathBuf,
    },
}

/// Where an environment was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its folder.
    pub folder: PathBuf,
    /// Who named it, where its folder is not a usual one of the project: a variable, or a tool.
    pub named_by: Option<&'static str>,
}

/// A place that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// The folder or the file.
    pub place: PathBuf,
    /// Why.
    pub why: String,
}

/// What was found in a project.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// The first of each language.
    pub found: Vec<ProjectSdk>,
    /// What was looked at before, and why it was passed over.
    pub passed: Vec<Passed>,
}

/// Whether an SDK is in an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is there; whether it loads is another question.
    There,
    /// It is not.
    Absent,
    /// The environment cannot be asked, with the reason.
    Unknown(String),
}

/// Looks for the SDKs of a project in its environments, then in its lock files. `variable` reads the environment.
pub fn search(folder: &Path, variable: impl Fn(&str) -> Option<OsString>) -> Search {
    let mut search = Search::default();
    for name in DRIVERS {
        let Ok(driver) = drivers::driver_named(name) else { continue };
        let environments = match driver.kind {
            InstallKind::Python => python_environments(folder, &variable),
            _ => node_environments(folder, driver),
        };
        if !search.environment(driver, environments) {
            search.lock(driver, folder);
        }
    }
    search
}

/// Looks for the lock files of a project alone.
pub fn search_locks(folder: &Path) -> Search {
    let mut search = Search::default();
    for driver in DRIVERS.into_iter().filter_map(|name| drivers::driver_named(name).ok()) {
        search.lock(driver, folder);
    }
    search
}

/// Reads a lock file that somebody named.
///
/// # Errors
/// When it is none, or names no SDK that a driver of ours runs.
pub fn lock_of(file: &Path, text: &str) -> Result<Lock, LockError> {
    let kind = kind_of(file);
    let driver = DRIVERS
        .into_iter()
        .filter_map(|name| drivers::driver_named(name).ok())
        .find(|driver| Some(driver.kind) == kind);
    let driver = driver.ok_or_else(|| {
        let known: Vec<&str> = PYTHON_LOCKS.into_iter().chain(NODE_LOCKS).collect();
        LockError::Unreadable(format!("expected {}, or requirements in a .txt", known.join(", ")))
    })?;
    Lock::read(driver, file, text)
}

impl Search {
    /// Takes the first environment that has the SDK.
    fn environment(&mut self, driver: &'static Driver, environments: Vec<(PathBuf, Place)>) -> bool {
        for (sdk, place) in environments {
            match presence(driver, &sdk) {
                Presence::There => {
                    self.found.push(ProjectSdk::Installed { driver, sdk, place });
                    return true;
                }
                Presence::Absent => self.pass(place.folder, format!("{} is not installed there", driver.package)),
                Presence::Unknown(why) => self.pass(place.folder, why),
            }
        }
        false
    }

    /// Takes the first lock file that names a version of the SDK.
    fn lock(&mut self, driver: &'static Driver, folder: &Path) {
        for file in lock_files(folder, driver.kind) {
            let lock = match read_text(&file) {
                Ok(text) => Lock::read(driver, &file, &text).map_err(|error| error.to_string()),
                Err(error) => Err(format!("it cannot be read: {error}")),
            };
            match lock {
                Ok(lock) => return self.found.push(ProjectSdk::Locked { lock, file }),
                Err(why) => self.pass(file, why),
            }
        }
    }

    fn pass(&mut self, place: PathBuf, why: String) {
        self.passed.push(Passed { place, why });
    }
}

/// Whether an SDK is where [`Driver::command`] would look for it; nothing of it is loaded.
pub fn presence(driver: &Driver, sdk: &Path) -> Presence {
    /// What Python prints: + or -.
    const ASK: &str = "import importlib.metadata as m, importlib.util as u, sys\ntry: m.version(sys.argv[1]); print('+')\n\
                       except m.PackageNotFoundError: print('+' if u.find_spec(sys.argv[1]) else '-')";
    match driver.kind {
        InstallKind::Python => {
            let mut python = Command::new(sdk);
            match python.args(["-I", "-c", ASK, driver.package]).stdin(Stdio::null()).output() {
                Ok(output) if !output.status.success() => {
                    let log = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                    let reason = log.lines().last().unwrap_or("it says nothing");
                    Presence::Unknown(format!("its Python does not run: {}", foreign_within(reason, 300)))
                }
                Ok(output) if output.stdout.trim_ascii() == b"-" => Presence::Absent,
                Ok(_) => Presence::There,
                Err(error) => Presence::Unknown(format!("its Python does not run: {error}")),
            }
        }
        InstallKind::Node if modules(sdk, driver).is_some() => Presence::There,
        InstallKind::Cargo if sdk.exists() => Presence::There,
        InstallKind::Node | InstallKind::Cargo => Presence::Absent,
    }
}

/// The environments of a project in Python: the interpreter of each, and where it was found.
fn python_environments(folder: &Path, variable: &impl Fn(&str) -> Option<OsString>) -> Vec<(PathBuf, Place)> {
    let named = |name: &'static str| {
        let path = variable(name).filter(|value| !value.is_empty())?;
        Some(Place { folder: folder.join(path), named_by: Some(name) })
    };
    let usual = |name: &str| Some(Place { folder: folder.join(name), named_by: None });
    // The tools keep environments elsewhere, and only they know where.
    let of_tool = |marker: &str, tool: &'static str, words: &[&str]| {
        let is_used = folder.join(marker).is_file() && drivers::find_on_path(tool).is_some();
        let output =
            is_used.then(|| Command::new(tool).args(words).current_dir(folder).stdin(Stdio::null()).output())?.ok()?;
        let path = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
        let folder = PathBuf::from(path.trim());
        folder.is_absolute().then_some(Place { folder, named_by: Some(tool) })
    };
    let places = [
        named("VIRTUAL_ENV"),
        named("UV_PROJECT_ENVIRONMENT"),
        usual(".venv"),
        usual("venv"),
        // Poetry would run plug-ins that lie in the project.
        of_tool("poetry.lock", "poetry", &["--no-plugins", "env", "info", "--path"]),
        of_tool("Pipfile", "pipenv", &["--venv"]),
        named("CONDA_PREFIX"),
    ];
    let environments = places.into_iter().flatten().filter_map(|place| {
        // conda has it at the top on Windows.
        let pythons = [python_in(&place.folder), place.folder.join("python.exe")];
        let python = pythons.into_iter().find(|python| python.symlink_metadata().is_ok())?;
        Some((python, place))
    });
    environments.collect()
}

/// The folder of a project in JavaScript, if modules are where it may take the SDK from.
fn node_environments(folder: &Path, driver: &Driver) -> Vec<(PathBuf, Place)> {
    let found = folder.join("package.json").is_file().then(|| modules(folder, driver)).flatten();
    found.map(|modules| (folder.to_owned(), Place { folder: modules, named_by: None })).into_iter().collect()
}

/// The modules from which Node.js takes the SDK for code in a folder: those there, or those of a folder above.
fn modules(folder: &Path, driver: &Driver) -> Option<PathBuf> {
    let all = folder.ancestors().map(|folder| folder.join("node_modules"));
    all.into_iter().find(|modules| modules.join(driver.package).join("package.json").is_file())
}

/// The files that may name the versions of a project, those that say most first.
fn lock_files(folder: &Path, kind: InstallKind) -> Vec<PathBuf> {
    if kind == InstallKind::Node {
        // A project may be one of several, whose lock file is above.
        let top = folder.ancestors().position(|folder| folder.join(".git").exists()).unwrap_or(0);
        let folders = folder.ancestors().take(top + 1);
        return folders
            .flat_map(|folder| NODE_LOCKS.map(|name| folder.join(name)))
            .filter(|file| file.is_file())
            .collect();
    }
    let mut requirements: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|file| file.extension() == Some(OsStr::new("txt")) && file_name(file).contains("requirements"))
        .collect();
    // The shortest name is that of what runs: requirements.txt, not requirements-dev.txt.
    requirements.sort_by_key(|file| (file.as_os_str().len(), file.clone()));
    let named = |names: &[&str]| names.iter().map(|name| folder.join(name)).collect::<Vec<_>>();
    let files = [named(&PYTHON_LOCKS), requirements, named(&["environment.yml", "environment.yaml", "pyproject.toml"])];
    files.concat().into_iter().filter(|file| file.is_file()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of a project with files, and what is found there without any variable.
    fn found(files: &[(&str, &str)]) -> (tempfile::TempDir, Search) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(&path, text).expect("a file");
            #[cfg(unix)]
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it is ours");
        }
        let search = search(folder.path(), |_| None);
        (folder, search)
    }

    /// An interpreter that says whether the SDK is there.
    fn python(says: &str) -> String {
        format!("#!/bin/sh\necho '{says}'\n")
    }

    #[cfg(unix)]
    #[test]
    fn an_environment_is_taken_before_a_lock_file_and_one_without_the_sdk_is_passed() {
        let lock = ("requirements.txt", "boto3==1.40.76\n");
        let (_folder, search) = found(&[(".venv/bin/python", &python("-")), ("venv/bin/python", &python("+")), lock]);
        let [ProjectSdk::Installed { driver, place, .. }] = &search.found[..] else { panic!("{search:?}") };
        assert_eq!((driver.name, place.folder.ends_with("venv"), place.named_by), ("boto3", true, None));
        assert_eq!(search.passed[0].why, "boto3 is not installed there");
        let (_folder, search) = found(&[(".venv/bin/python", "#!/bin/sh\necho broken >&2; exit 1\n"), lock]);
        let [ProjectSdk::Locked { lock, .. }] = &search.found[..] else { panic!("{search:?}") };
        assert!(lock.spec().to_string().starts_with("boto3@1.40.76+lock="));
        assert_eq!(search.passed[0].why, "its Python does not run: broken");
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_names_an_environment_anywhere() {
        for name in ["VIRTUAL_ENV", "CONDA_PREFIX", "UV_PROJECT_ENVIRONMENT"] {
            let (folder, _) = found(&[("elsewhere/bin/python", &python("+"))]);
            let path = folder.path().join("elsewhere");
            let search = search(folder.path(), |asked| (asked == name).then(|| path.clone().into_os_string()));
            let [ProjectSdk::Installed { place, .. }] = &search.found[..] else { panic!("{search:?}") };
            assert_eq!(place.named_by, Some(name));
        }
    }

    #[test]
    fn the_modules_of_a_folder_above_are_those_of_the_project() {
        let sdk = "node_modules/@aws-sdk/client-redshift-serverless/package.json";
        let (folder, _) = found(&[(sdk, "{}"), ("packages/app/package.json", "{}")]);
        let search = search(&folder.path().join("packages/app"), |_| None);
        let [ProjectSdk::Installed { driver, place, .. }] = &search.found[..] else { panic!("{search:?}") };
        assert_eq!((driver.name, place.folder.as_path()), ("js-v3", folder.path().join("node_modules").as_path()));
    }

    #[test]
    fn a_file_that_pins_nothing_says_so_and_the_next_is_read() {
        let ranges = ("pyproject.toml", "[project]\ndependencies = ['boto3>=1.36']\n");
        let (_folder, search) = found(&[ranges]);
        assert!(search.found.is_empty() && search.passed[0].why.contains("found >=1.36"), "{search:?}");
        let (_folder, search) =
            found(&[ranges, ("requirements-dev.txt", "x==1\n"), ("requirements.txt", "boto3==1.40.76\n")]);
        let [ProjectSdk::Locked { file, .. }] = &search.found[..] else { panic!("{search:?}") };
        assert!(file.ends_with("requirements.txt"));
    }
}
