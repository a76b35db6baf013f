//! Installed SDK versions. The ordinary clients of the registries put each into a cache folder, with its dependencies.
//!
//! An installation is made beside the others and takes its place when it is whole and its SDK loads, so a folder with an
//! `installed.json` is complete. `spec` says what may be asked for, `clients` asks the registries, `staging` keeps what is
//! being made apart.

mod clients;
mod spec;
mod staging;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use clients::python_in;
pub use spec::{Choices, PackageVersion, SdkVersion, day_of};
pub(in crate::sdk) use spec::{is_package, is_version};

use super::drivers::{self, Driver, InstallKind, LOCK};
use super::loads;
use super::lock::Lock;
use crate::files::read_text;
use crate::text::{did_you_mean, file_name};
use clients::{Order, install_cargo, install_node, install_python, move_python};
use staging::Staging;

/// The file that marks a complete installation.
const MARKER: &str = "installed.json";

/// The format of the marker. Version 1 did not pin what is released with an SDK.
const MARKER_VERSION: u32 = 2;

/// The content of the marker file in an installation.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[serde(rename = "Marker")]
struct InstallMarker {
    version: u32,
    /// What was asked for.
    id: String,
    /// The version of what was named.
    sdk_version: String,
    /// Everything that was installed with it.
    deps: BTreeMap<String, String>,
}

/// An installed version.
#[derive(Clone, Debug)]
pub struct Installed {
    /// Its driver.
    pub driver: &'static Driver,
    /// What was asked for.
    pub spec: SdkVersion,
    /// The version of what was named.
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

    /// The file that names the versions of everything that was installed with it; `sdk install --lock` takes it.
    pub fn lock_file(&self) -> PathBuf {
        lock_file(self.driver.kind, &self.folder)
    }

    /// Why the SDK does not load; `None` if it does.
    pub fn fault(&self) -> Option<String> {
        loads::fault(self.driver, &self.sdk())
    }
}

fn lock_file(kind: InstallKind, folder: &Path) -> PathBuf {
    match kind {
        InstallKind::Python => folder.join("lock.txt"),
        InstallKind::Node => folder.join("node/package-lock.json"),
        InstallKind::Cargo => folder.join("driver").join(LOCK),
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
        found.sort_by_cached_key(|one| {
            let is_named_otherwise = one.spec.name != one.driver.name;
            (place(one.driver.name), is_named_otherwise, numbers(&one.version), one.spec.to_string())
        });
        found
    }

    /// An installed version; if none is named, the newest one with the packages that it has by default.
    ///
    /// # Errors
    /// When it is not installed; the message says how to install it.
    pub fn find(&self, wanted: &SdkVersion) -> Result<Installed, String> {
        let fits = |installed: &Installed| match &wanted.version {
            Some(_) => installed.spec == *wanted,
            None => installed.spec.name == wanted.name && installed.spec.choices == wanted.choices,
        };
        self.installed().into_iter().rfind(fits).ok_or_else(|| {
            let (name, folder) = (&wanted.name, file_name(&self.root));
            let of_name = self.installed().into_iter().filter(|one| one.spec.name == *name);
            let ids: Vec<String> = of_name.map(|one| one.spec.to_string()).collect();
            if wanted.version.is_some() {
                let near = did_you_mean(&wanted.to_string(), ids.iter().map(String::as_str));
                return format!("{wanted} is not installed in {folder}{near}; `{}` does it", wanted.command());
            }
            let others = if ids.is_empty() { String::new() } else { format!("; there is {}", ids.join(", ")) };
            format!(
                "no version of {wanted} is installed in {folder}{others}; `countersign sdk install {name}@VERSION` installs one"
            )
        })
    }

    /// Installs a version with the ordinary client of its registry, unless it is installed already. `say` gets messages
    /// about the progress.
    ///
    /// # Errors
    /// When the installation fails, or its SDK does not load; the message has the reason. Nothing of it is left.
    pub fn install(&self, wanted: &SdkVersion, say: impl FnMut(&str)) -> Result<Installed, String> {
        self.install_from(wanted, None, say)
    }

    /// Installs the versions that a lock file names, unless they are installed already.
    ///
    /// # Errors
    /// As for [`Cache::install`].
    pub fn install_locked(&self, lock: &Lock, say: impl FnMut(&str)) -> Result<Installed, String> {
        self.install_from(&lock.spec(), Some(lock), say)
    }

    fn install_from(
        &self,
        wanted: &SdkVersion,
        lock: Option<&Lock>,
        mut say: impl FnMut(&str),
    ) -> Result<Installed, String> {
        let driver = wanted.driver()?;
        let Some(version) = &wanted.version else {
            return Err(format!("say which version: {}@VERSION; {}", wanted.name, where_versions_are(driver, wanted)));
        };
        let folder = self.root.join(wanted.folder());
        let failed = |what: &str, error: std::io::Error| {
            format!("cannot {what} for {wanted} in {}: {error}", file_name(&self.root))
        };
        let already = format!("{wanted} is installed already in {}", file_name(&folder));
        // What is there is taken without a lock, since the folder may be read-only.
        if let Some(installed) = read(&folder) {
            say(&already);
            return Ok(installed);
        }
        if lock.is_none() && wanted.choices.lock.is_some() {
            return Err(format!("{wanted} is not installed; `{}` does it", wanted.command()));
        }
        if let Some(obstacle) = driver.obstacle() {
            return Err(format!("{wanted} cannot be installed here: {obstacle}"));
        }
        fs::create_dir_all(&self.root).map_err(|error| failed("make the folder", error))?;
        staging::sweep(&self.root);
        // If two processes install the same version, the second waits and finds it installed.
        let staging = Staging::enter(&self.root, &wanted.folder()).map_err(|error| failed("make the folder", error))?;
        if let Some(installed) = read(&folder) {
            say(&already);
            return Ok(installed);
        }
        let place = staging.folder();
        fs::create_dir_all(place).map_err(|error| failed("make the folder", error))?;
        say(&format!("installing {wanted} in {}", file_name(&folder)));
        let order = Order { driver, wanted, version, lock, folder: place };
        let deps = match driver.kind {
            InstallKind::Python => install_python(&order, &lock_file(driver.kind, place)),
            InstallKind::Node => install_node(&order, &mut say),
            InstallKind::Cargo => install_cargo(&order),
        }
        .map_err(|problem| {
            let advice = "nothing of it is kept; see whether its registry can be reached, and has this version";
            format!("cannot install {wanted}: {problem}\n{advice}: {}", where_versions_are(driver, wanted))
        })?;
        let id = wanted.to_string();
        let marker = InstallMarker { version: MARKER_VERSION, id, sdk_version: version.clone(), deps };
        let text = serde_json::to_string_pretty(&marker).map_err(|error| error.to_string())?;
        fs::write(place.join(MARKER), text).map_err(|error| failed("write the marker", error))?;
        let made = read(place).ok_or_else(|| format!("{wanted} was installed, but its marker cannot be read"))?;
        if let Some(fault) = made.fault() {
            return Err(format!("{wanted} can be installed, but not be used here, so nothing of it is kept: {fault}"));
        }
        if driver.kind == InstallKind::Python {
            move_python(place, &folder).map_err(|error| failed("move the environment", error))?;
        }
        if folder.exists() {
            say(&format!("removing what an older program, or one that was killed, left of {wanted}"));
            fs::remove_dir_all(&folder).map_err(|error| failed("remove what was left", error))?;
        }
        staging.publish(&folder).map_err(|error| failed("move the installation", error))?;
        let unread = || format!("{wanted} was installed, but {} cannot be read", file_name(&folder.join(MARKER)));
        read(&folder).ok_or_else(unread)
    }
}

impl SdkVersion {
    /// The command that installs it.
    fn command(&self) -> String {
        if self.choices.lock.is_some() {
            return format!("countersign sdk install {} --lock FILE", self.name);
        }
        format!("countersign sdk install {self}")
    }
}

/// The installation in a folder; `None` if there is no complete one.
fn read(folder: &Path) -> Option<Installed> {
    let marker: InstallMarker = serde_json::from_str(&read_text(&folder.join(MARKER)).ok()?).ok()?;
    let spec: SdkVersion = marker.id.parse().ok().filter(|_| marker.version == MARKER_VERSION)?;
    let driver = spec.driver().ok()?;
    Some(Installed { driver, spec, version: marker.sdk_version, deps: marker.deps, folder: folder.to_owned() })
}

/// The numbers in a version, to sort versions.
fn numbers(version: &str) -> Vec<u64> {
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

fn where_versions_are(driver: &Driver, wanted: &SdkVersion) -> String {
    let package = wanted.package(driver);
    match driver.kind {
        InstallKind::Python => format!("`pip index versions {package}` lists them"),
        InstallKind::Node => format!("`npm view {package} versions` lists them"),
        InstallKind::Cargo => format!("`cargo info {package}` shows the newest"),
    }
}
