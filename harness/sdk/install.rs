//! Installed SDK versions. The ordinary clients of the registries put each into a cache folder, with its dependencies.
//!
//! A version is installed if its `installed.json` exists, which is written last. An installation that was cut short
//! does not count, and is repeated.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use super::drivers::{self, Driver, InstallKind, LOCK, MANIFEST};
use crate::files::read_text;
use crate::text::{did_you_mean, escape, file_name, foreign};

/// The file that marks a complete installation.
const MARKER: &str = "installed.json";

/// How much of a failed client's log is shown, in characters.
const LOG_SHOWN: usize = 2_000;

/// A version of an SDK: `boto3@1.44.5`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdkVersion {
    /// The driver's name.
    pub name: String,
    /// The SDK's version; `None` for any version.
    pub version: Option<String>,
}

impl std::str::FromStr for SdkVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, version) = text.split_once('@').map_or((text, None), |(name, version)| (name, Some(version)));
        drivers::driver_named(name)?;
        // It goes to pip, npm and Cargo, and into a path, so it must be a version.
        let is_version_character = |c: char| c.is_ascii_alphanumeric() || ".+-_".contains(c);
        let is_version = |version: &str| {
            version.len() <= 64
                && version.starts_with(|c: char| c.is_ascii_digit())
                && version.chars().all(is_version_character)
        };
        if version.is_some_and(|version| !is_version(version)) {
            return Err(format!("expected a version such as {name}@1.2.3, found \"{}\"", foreign(text)));
        }
        Ok(Self { name: name.to_owned(), version: version.map(str::to_owned) })
    }
}

/// The content of the marker file in an installation.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[serde(rename = "Marker")]
struct InstallMarker {
    version: u32,
    driver: String,
    sdk_version: String,
    /// Everything that was installed with it.
    deps: BTreeMap<String, String>,
}

/// An installed version.
#[derive(Clone, Debug)]
pub struct Installed {
    /// Its driver.
    pub driver: &'static Driver,
    /// The SDK's version.
    pub version: String,
    /// The versions of everything that was installed with it.
    pub deps: BTreeMap<String, String>,
    /// Its path.
    pub folder: PathBuf,
}

impl Installed {
    /// Where the SDK itself is, as [`Driver::command`] takes it.
    pub fn sdk(&self) -> PathBuf {
        let program = format!("target/debug/countersign-rust-driver{}", std::env::consts::EXE_SUFFIX);
        match self.driver.kind {
            InstallKind::Python => python_in(&self.folder.join("venv")),
            InstallKind::Node => self.folder.join("node"),
            InstallKind::Cargo => self.folder.join(program),
        }
    }
}

/// The cache folder.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The user's cache folder: `COUNTERSIGN_SDK_CACHE`, else `countersign/sdk` in the system's folder for caches.
    ///
    /// # Errors
    /// When no environment variable names such a folder.
    pub fn of_user() -> Result<Self, String> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        // Source: XDG Base Directory Specification; Windows' known folders.
        let root = variable("COUNTERSIGN_SDK_CACHE")
            .or_else(|| Some(variable("XDG_CACHE_HOME").filter(|path| path.is_absolute())?.join("countersign/sdk")))
            .or_else(|| Some(variable("LOCALAPPDATA")?.join("countersign/sdk")))
            .or_else(|| Some(variable("HOME")?.join(".cache/countersign/sdk")));
        let root = root.ok_or("there is no place for installed SDKs: set COUNTERSIGN_SDK_CACHE to a folder")?;
        let root = std::path::absolute(&root).map_err(|error| format!("{} is no path: {error}", file_name(&root)))?;
        Ok(Self { root })
    }

    /// Its path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Every installed version, by driver and version, the newest version of each driver last.
    pub fn installed(&self) -> Vec<Installed> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().filter_map(Result::ok);
        let mut found: Vec<Installed> = entries.filter_map(|entry| read(&entry.path())).collect();
        let place = |name: &str| drivers::ALL.iter().position(|driver| driver.name == name);
        found.sort_by_cached_key(|one| (place(one.driver.name), numbers(&one.version), one.version.clone()));
        found
    }

    /// An installed version; the newest one if none is named.
    ///
    /// # Errors
    /// When it is not installed; the message says how to install it.
    pub fn find(&self, wanted: &SdkVersion) -> Result<Installed, String> {
        let fits = |installed: &Installed| {
            installed.driver.name == wanted.name
                && wanted.version.as_ref().is_none_or(|version| *version == installed.version)
        };
        self.installed().into_iter().rfind(fits).ok_or_else(|| {
            let (name, folder) = (&wanted.name, file_name(&self.root));
            match &wanted.version {
                Some(version) => {
                    let id = format!("{name}@{version}");
                    let installed = self.installed().into_iter().filter(|one| one.driver.name == *name);
                    let versions: Vec<String> = installed.map(|one| one.version).collect();
                    let near = did_you_mean(version, versions.iter().map(String::as_str));
                    format!("{id} is not installed in {folder}{near}; `countersign sdk install {id}` does it")
                }
                None => format!(
                    "no version of {name} is installed in {folder}; `countersign sdk install {name}@VERSION` installs one"
                ),
            }
        })
    }

    /// Installs a version with the ordinary client of its registry, unless it is installed already. `say` gets messages
    /// about the progress.
    ///
    /// # Errors
    /// When the installation fails; the message has the end of the client's log.
    pub fn install(&self, wanted: &SdkVersion, mut say: impl FnMut(&str)) -> Result<Installed, String> {
        let driver = drivers::driver_named(&wanted.name)?;
        let Some(version) = &wanted.version else {
            return Err(format!("say which version: {}@VERSION; {}", driver.name, where_versions_are(driver)));
        };
        let id = format!("{}@{version}", driver.name);
        let folder = self.root.join(&id);
        let failed =
            |what: &str, error: std::io::Error| format!("cannot {what} for {id} in {}: {error}", file_name(&self.root));
        let already = format!("{id} is installed already in {}", file_name(&folder));
        // What is there is taken without a lock, since the folder may be read-only.
        if let Some(installed) = read(&folder) {
            say(&already);
            return Ok(installed);
        }
        fs::create_dir_all(&self.root).map_err(|error| failed("make the folder", error))?;
        // If two processes install the same version, the second waits and finds it installed.
        let lock = File::create(self.root.join(format!(".{id}.lock")));
        let lock = lock.map_err(|error| failed("make the lock", error))?;
        lock.lock().map_err(|error| failed("wait for the lock", error))?;
        if let Some(installed) = read(&folder) {
            say(&already);
            return Ok(installed);
        }
        if let Some(obstacle) = driver.obstacle() {
            return Err(format!("{id} cannot be installed here: {obstacle}"));
        }
        if folder.exists() {
            say(&format!("removing what an installation that was cut short left of {id}"));
            fs::remove_dir_all(&folder).map_err(|error| failed("remove what was left", error))?;
        }
        fs::create_dir_all(&folder).map_err(|error| failed("make the folder", error))?;
        say(&format!("installing {} {version} in {}", driver.package, file_name(&folder)));
        let deps = match driver.kind {
            InstallKind::Python => install_python(driver, version, &folder),
            InstallKind::Node => install_node(driver, version, &folder),
            InstallKind::Cargo => install_cargo(driver, version, &folder),
        }
        .map_err(|problem| {
            let advice = "see whether its registry can be reached, and has this version";
            format!("cannot install {id}: {problem}\n{advice}: {}", where_versions_are(driver))
        })?;
        let marker = InstallMarker { version: 1, driver: driver.name.to_owned(), sdk_version: version.clone(), deps };
        let text = serde_json::to_string_pretty(&marker).map_err(|error| error.to_string())?;
        let draft = folder.join(".installed.json");
        fs::write(&draft, text).map_err(|error| failed("write the marker", error))?;
        fs::rename(&draft, folder.join(MARKER)).map_err(|error| failed("write the marker", error))?;
        let unread = || format!("{id} was installed, but {} cannot be read", file_name(&folder.join(MARKER)));
        read(&folder).ok_or_else(unread)
    }
}

/// The installation in a folder; `None` if there is no complete one.
fn read(folder: &Path) -> Option<Installed> {
    let marker: InstallMarker = serde_json::from_str(&read_text(&folder.join(MARKER)).ok()?).ok()?;
    let driver = drivers::driver_named(&marker.driver).ok().filter(|_| marker.version == 1)?;
    Some(Installed { driver, version: marker.sdk_version, deps: marker.deps, folder: folder.to_owned() })
}

/// The numbers in a version, to sort versions.
fn numbers(version: &str) -> Vec<u64> {
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

fn where_versions_are(driver: &Driver) -> String {
    match driver.kind {
        InstallKind::Python => format!("`pip index versions {}` lists them", driver.package),
        InstallKind::Node => format!("`npm view {} versions` lists them", driver.package),
        InstallKind::Cargo => format!("`cargo info {}` shows the newest", driver.package),
    }
}

/// The interpreter of a virtual environment.
pub fn python_in(venv: &Path) -> PathBuf {
    venv.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
}

/// Makes a virtual environment with the package. Returns the packages that pip lists, with their versions.
fn install_python(driver: &Driver, version: &str, folder: &Path) -> Result<BTreeMap<String, String>, String> {
    let venv = folder.join("venv");
    run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    let python = python_in(&venv);
    let pip = || {
        let mut command = Command::new(&python);
        command.args(["-m", "pip", "--disable-pip-version-check", "--no-input"]);
        command
    };
    run(pip().args(["install", "--quiet"]).arg(format!("{}=={version}", driver.package)))?;
    let frozen = run(pip().args(["freeze", "--all"]))?;
    let lines = frozen.lines().filter_map(|line| line.trim().split_once("=="));
    Ok(lines.map(|(name, version)| (name.to_owned(), version.to_owned())).collect())
}

/// Makes a folder for Node.js with the package. Returns the packages that npm lists, with their versions.
fn install_node(driver: &Driver, version: &str, folder: &Path) -> Result<BTreeMap<String, String>, String> {
    let node = folder.join("node");
    fs::create_dir_all(&node).map_err(|error| error.to_string())?;
    fs::write(node.join("package.json"), "{\"private\":true}\n").map_err(|error| error.to_string())?;
    let npm = || {
        let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
        command.current_dir(&node);
        command
    };
    let flags = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--save-exact", "--loglevel=error"];
    run(npm().args(flags).arg(format!("{}@{version}", driver.package)))?;
    let listing = run(npm().args(["ls", "--all", "--json"]))?;
    let tree = serde_json::from_str(&listing).map_err(|error| format!("npm ls gave no JSON: {error}"))?;
    let mut deps = BTreeMap::new();
    collect(&tree, &mut deps);
    Ok(deps)
}

/// Collects the packages of `npm ls` at any depth; a package that is there twice has both versions.
fn collect(tree: &serde_json::Value, deps: &mut BTreeMap<String, String>) {
    for (name, package) in tree["dependencies"].as_object().into_iter().flatten() {
        if let Some(version) = package["version"].as_str() {
            let versions = deps.entry(name.clone()).or_default();
            if !versions.split(' ').any(|known_version| known_version == version) {
                let mut all: Vec<&str> = versions.split_whitespace().chain([version]).collect();
                all.sort_unstable();
                *versions = all.join(" ");
            }
        }
        collect(package, deps);
    }
}

/// Builds the driver with the SDK. Returns the packages in its lock file, with their versions.
fn install_cargo(driver: &Driver, version: &str, folder: &Path) -> Result<BTreeMap<String, String>, String> {
    let sources = folder.join("driver");
    driver.write_sources(&sources).map_err(|error| format!("cannot write the driver: {error}"))?;
    let manifest = driver.source(MANIFEST).unwrap_or_default();
    let pin = |version: &str| format!("{} = {{ version = \"={version}\"", driver.package);
    let locked = manifest.split_once(&format!("{} = {{ version = \"=", driver.package));
    let locked = locked.and_then(|(_, rest)| rest.split('"').next()).unwrap_or_default();
    if version != locked {
        // The lock file is for another version, so Cargo resolves the dependencies anew.
        let manifest = manifest.replace(&pin(locked), &pin(version));
        fs::write(sources.join(MANIFEST), manifest).map_err(|error| error.to_string())?;
        fs::remove_file(sources.join(LOCK)).map_err(|error| error.to_string())?;
    }
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--target-dir"]).arg(folder.join("target")).current_dir(&sources);
    run(&mut cargo)?;
    let lock = read_text(&sources.join(LOCK)).map_err(|error| error.to_string())?;
    let mut deps = BTreeMap::new();
    let mut name = "";
    for line in lock.lines() {
        match line.split_once(" = ") {
            Some(("name", quoted)) => name = quoted.trim_matches('"'),
            Some(("version", quoted)) if !name.is_empty() => {
                let versions: &mut String = deps.entry(name.to_owned()).or_default();
                if !versions.is_empty() {
                    versions.push(' ');
                }
                versions.push_str(quoted.trim_matches('"'));
            }
            _ => {}
        }
    }
    Ok(deps)
}

/// Runs a client to its end and returns what it printed.
fn run(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let arguments: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
    let words = foreign(&format!("{name} {}", arguments.join(" ")));
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("`{words}` cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let log = String::from_utf8_lossy(if output.stderr.is_empty() { &output.stdout } else { &output.stderr });
    let skip = log.chars().count().saturating_sub(LOG_SHOWN);
    let lines: Vec<String> = log.chars().skip(skip).collect::<String>().lines().map(escape).collect();
    Err(format!("`{words}` failed with {}:\n{}", output.status, lines.join("\n")))
}
