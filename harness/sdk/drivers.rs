//! The drivers that come with the harness: what each runs, what its installation needs, how it is started.
//!
//! Their sources are compiled in and written beside each installed SDK, so that a driver and its SDK stay together.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use super::process::DriverCommand;
use crate::files;
use crate::text::foreign;

/// A driver that comes with the harness.
#[derive(Debug)]
pub struct Driver {
    /// Its name, as in `--driver`.
    pub name: &'static str,
    /// What it runs, in words.
    pub about: &'static str,
    /// The SDK's name in its registry.
    pub package: &'static str,
    /// How it is installed and started.
    pub kind: InstallKind,
    /// Its sources: the path of each in the driver's folder, and its text.
    sources: &'static [(&'static str, &'static str)],
}

/// How an SDK is installed and its driver started. The first of a driver's sources is the one that is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstallKind {
    /// With pip, in a virtual environment.
    Python,
    /// With npm, in a folder of Node.js.
    Node,
    /// With Cargo, as a program that is built with the SDK in it.
    Cargo,
}

/// The SDKs that cannot be installed, with the reason, as `sdk list` shows them.
pub const NOT_HERE: &[(&str, &str)] = &[
    (
        "AWS SDK for Java, Kotlin, .NET, PHP, C++, Swift",
        "there is no driver: their registries are none of PyPI, npm and crates.io",
    ),
    (
        "AWS SDK for Go, Ruby",
        "there is no driver: one can be written, see harness/drivers/GUIDE.md, and run with `sdk run -- COMMAND`",
    ),
    (
        "AWS CLI v2",
        "it is in no registry; `sdk run -- python3 harness/drivers/aws-cli/aws_cli_driver.py /path/to/aws`, in a clone, runs one that is installed",
    ),
];

/// Every driver.
pub const ALL: &[Driver] = &[
    Driver {
        name: "boto3",
        about: "AWS SDK for Python",
        package: "boto3",
        kind: InstallKind::Python,
        sources: &[("boto3_driver.py", include_str!("../drivers/python/boto3_driver.py"))],
    },
    Driver {
        name: "js-v3",
        about: "AWS SDK for JavaScript v3",
        package: "@aws-sdk/client-redshift-serverless",
        kind: InstallKind::Node,
        sources: &[("js_v3.mjs", include_str!("../drivers/node/js_v3.mjs"))],
    },
    Driver {
        name: "rust",
        about: "AWS SDK for Rust",
        package: "aws-sdk-redshiftserverless",
        kind: InstallKind::Cargo,
        sources: &[
            ("src/main.rs", include_str!("../drivers/rust/src/main.rs")),
            (MANIFEST, include_str!("../drivers/rust/manifest.toml")),
            (LOCK, include_str!("../drivers/rust/Cargo.lock")),
        ],
    },
    Driver {
        name: "aws-cli",
        about: "AWS CLI v1",
        package: "awscli",
        kind: InstallKind::Python,
        sources: &[("aws_cli_driver.py", include_str!("../drivers/aws-cli/aws_cli_driver.py"))],
    },
    Driver {
        name: "redshift-connector",
        about: "Amazon's Python driver for Redshift, which calls the operation through boto3",
        package: "redshift_connector",
        kind: InstallKind::Python,
        sources: &[
            ("redshift_connector_driver.py", include_str!("../drivers/python/redshift_connector_driver.py")),
            ("boto3_driver.py", include_str!("../drivers/python/boto3_driver.py")),
        ],
    },
];

/// The manifest of a driver that Cargo builds.
pub(super) const MANIFEST: &str = "Cargo.toml";

/// The lock file beside it.
pub(super) const LOCK: &str = "Cargo.lock";

/// The driver with this name.
///
/// # Errors
/// When there is none; the message names those that there are.
pub fn driver_named(name: &str) -> Result<&'static Driver, String> {
    ALL.iter().find(|driver| driver.name == name).ok_or_else(|| {
        let known_names: Vec<_> = ALL.iter().map(|driver| driver.name).collect();
        format!("there is no driver \"{}\"; the drivers are {}", foreign(name), known_names.join(", "))
    })
}

impl Driver {
    /// Writes the driver's sources into a folder, which is created if it is missing. A file with the right text is not
    /// touched: another run may be reading it, and the folder may be read-only.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_sources(&self, folder: &Path) -> io::Result<()> {
        for (name, text) in self.sources {
            let path = folder.join(name);
            if files::read_bytes(&path).is_ok_and(|found| found == text.as_bytes()) {
                continue;
            }
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            files::write(&path, text.as_bytes())?;
        }
        Ok(())
    }

    /// The text of one of its sources.
    pub(super) fn source(&self, name: &str) -> Option<&'static str> {
        self.sources.iter().find(|(file, _)| *file == name).map(|(_, text)| *text)
    }

    /// The command that starts a driver, whose sources are in `folder`, on an installed SDK. `sdk` is the Python that
    /// has the SDK, the folder that has it under `node_modules`, or the program that was built with it.
    pub fn command(&self, folder: &Path, sdk: &Path) -> DriverCommand {
        let main = folder.join(self.sources[0].0).into_os_string();
        let (program, arguments): (OsString, Vec<OsString>) = match self.kind {
            InstallKind::Python => (sdk.into(), vec![main]),
            InstallKind::Node => ("node".into(), vec![main, sdk.into()]),
            InstallKind::Cargo => (sdk.into(), Vec::new()),
        };
        DriverCommand { program, arguments }
    }

    /// Why it cannot be installed here; `None` if it can.
    pub fn obstacle(&self) -> Option<String> {
        let tools = match self.kind {
            InstallKind::Python => &["python3"][..],
            InstallKind::Node => &["node", "npm"],
            InstallKind::Cargo => &["cargo"],
        };
        let missing: Vec<_> = tools.iter().filter(|tool| !is_on_path(tool)).copied().collect();
        (!missing.is_empty()).then(|| format!("{} is not on the path", missing.join(" and ")))
    }
}

fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let endings = if cfg!(windows) { &["", ".exe", ".cmd"][..] } else { &[""] };
    std::env::split_paths(&path)
        .any(|folder| endings.iter().any(|ending| folder.join(format!("{program}{ending}")).is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_driver_has_a_source_that_reads_lines() {
        for driver in ALL {
            assert!(driver.sources.iter().any(|(_, text)| text.contains("stdin")), "{}", driver.name);
        }
    }

    #[test]
    fn the_drivers_files_are_written_side_by_side_and_only_where_they_are_others() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let driver = driver_named("redshift-connector").expect("a driver");
        let write = || driver.write_sources(folder.path()).expect("it can be written");
        write();
        let [untouched, older] = [driver.sources[0], driver.sources[1]].map(|(name, _)| folder.path().join(name));
        let long_ago = std::time::SystemTime::UNIX_EPOCH;
        let file = std::fs::File::options().append(true).open(&untouched).expect("it is there");
        file.set_modified(long_ago).expect("its time can be set");
        std::fs::write(&older, "an older driver").expect("it can be written");
        write();
        assert_eq!(std::fs::metadata(&untouched).and_then(|file| file.modified()).expect("it has a time"), long_ago);
        assert_eq!(std::fs::read_to_string(&older).expect("it is there"), driver.sources[1].1);
    }
}
