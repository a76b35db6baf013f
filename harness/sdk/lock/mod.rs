//! The versions of an SDK in a lock file, read as data: nothing of a project is run or resolved.
//!
//! `python` reads what pip, uv, poetry and pipenv write, `node` what npm, pnpm and yarn write; a `Cargo.lock` is kept as
//! it is.

mod indented;
mod node;
mod python;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::drivers::{Driver, InstallKind};
use super::install::{Choices, SdkVersion};
use crate::text::file_name;

/// What a lock file says of an SDK.
#[derive(Clone, Debug)]
pub struct Lock {
    driver: &'static Driver,
    /// The package that is named first: the SDK, or what decides in its place.
    package: String,
    version: String,
    /// Every package of the SDK, with its version or versions.
    packages: BTreeMap<String, String>,
    content: LockContent,
}

/// The versions, as the client of the registry takes them.
#[derive(Clone, Debug)]
pub enum LockContent {
    /// Lines of a requirements file.
    Requirements(Vec<String>),
    /// A `package-lock.json` that holds the SDK alone.
    Node(Value),
    /// The text of a `Cargo.lock`.
    Cargo(String),
}

/// Why a file is no lock of an SDK.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// It has nothing of the SDK.
    #[error("it does not name {0}")]
    WithoutSdk(String),
    /// It names the SDK, but no version of it.
    #[error("expected one version of {package}, such as {package}==1.2.3, found {found}")]
    NotPinned {
        /// The SDK.
        package: String,
        /// What the file says.
        found: String,
    },
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

/// The names of the lock files that are known, those that say most first; `requirements*.txt` and `lock.txt` come last.
pub const PYTHON_LOCKS: [&str; 4] = ["uv.lock", "poetry.lock", "pylock.toml", "Pipfile.lock"];

/// The same for Node.js.
pub const NODE_LOCKS: [&str; 4] = ["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock"];

impl Lock {
    /// Reads what a lock file says of a driver's SDK. The name of the file says its format.
    ///
    /// # Errors
    /// When it cannot be read, or does not say which version of the SDK there is.
    pub fn read(driver: &'static Driver, file: &Path, text: &str) -> Result<Self, LockError> {
        match driver.kind {
            InstallKind::Python => python::read(driver, file, text),
            InstallKind::Node => node::read(driver, file, text),
            InstallKind::Cargo => {
                let packages = cargo_packages(text).map_err(LockError::Unreadable)?;
                let version = packages.get(driver.package).cloned();
                let version = version.ok_or_else(|| LockError::WithoutSdk(driver.package.to_owned()))?;
                let content = LockContent::Cargo(text.to_owned());
                Ok(Self { driver, package: driver.package.to_owned(), version, packages, content })
            }
        }
    }

    /// Its driver.
    pub fn driver(&self) -> &'static Driver {
        self.driver
    }

    /// The package that it is named by.
    pub fn package(&self) -> &str {
        &self.package
    }

    /// Every package of the SDK, with its version; with several if it is there several times.
    pub fn packages(&self) -> &BTreeMap<String, String> {
        &self.packages
    }

    /// What its installation is called.
    pub fn spec(&self) -> SdkVersion {
        let name = if self.package == self.driver.package { self.driver.name } else { &self.package };
        let choices = Choices { lock: Some(self.digest()), ..Choices::default() };
        SdkVersion { name: name.to_owned(), version: Some(self.version.clone()), choices }
    }

    pub(super) fn content(&self) -> &LockContent {
        &self.content
    }

    /// 8 hexadecimal digits that are equal for equal versions.
    fn digest(&self) -> String {
        let text = match &self.content {
            LockContent::Requirements(lines) => lines.join("\n"),
            LockContent::Node(lock) => lock.to_string(),
            LockContent::Cargo(text) => text.clone(),
        };
        let hash = Sha256::digest(text.as_bytes());
        format!("{:08x}", hash.iter().take(4).fold(0_u32, |all, byte| all << 8 | u32::from(*byte)))
    }
}

/// The driver whose SDK a lock file may name, by the name of the file.
pub fn kind_of(file: &Path) -> Option<InstallKind> {
    let name = file.file_name()?.to_str()?;
    if NODE_LOCKS.contains(&name) {
        return Some(InstallKind::Node);
    }
    if name == "Cargo.lock" {
        return Some(InstallKind::Cargo);
    }
    let is_text = Path::new(name).extension().is_some_and(|extension| extension == "txt" || extension == "toml");
    (PYTHON_LOCKS.contains(&name) || is_text || is_conda(name)).then_some(InstallKind::Python)
}

fn is_conda(name: &str) -> bool {
    ["environment.yml", "environment.yaml"].contains(&name)
}

/// The packages of a `Cargo.lock`; a package that is there twice has both versions.
pub(super) fn cargo_packages(text: &str) -> Result<BTreeMap<String, String>, String> {
    #[derive(Deserialize)]
    struct CargoLock {
        package: Vec<CargoPackage>,
    }
    #[derive(Deserialize)]
    struct CargoPackage {
        name: String,
        version: String,
    }
    let lock: CargoLock =
        toml::from_str(text).map_err(|error| format!("expected a Cargo.lock: {}", error.message()))?;
    Ok(together(lock.package.into_iter().map(|package| (package.name, package.version))))
}

/// Versions by package; a package that is there several times has each.
fn together(packages: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, version) in packages {
        all.entry(name).or_default().push(version);
    }
    all.into_iter()
        .map(|(name, mut versions)| {
            versions.sort_unstable();
            versions.dedup();
            (name, versions.join(" "))
        })
        .collect()
}

/// The error for a file of whose format nothing is known.
fn unknown_format(file: &Path, known: &str) -> LockError {
    LockError::Unreadable(format!("{} is no lock file that is known here: expected {known}", file_name(file)))
}
