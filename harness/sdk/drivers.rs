//! The drivers that come with the harness: what each runs, what its installation needs, how it is started.
//!
//! Their sources are compiled in, and written to a folder of the run that needs them. Only the driver that Cargo builds
//! is written beside its SDK, for it holds the SDK.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::process::DriverCommand;
use crate::files;
use crate::text::{did_you_mean, file_name, foreign};

/// A driver that comes with the harness.
#[derive(Debug)]
pub struct Driver {
    /// Its name, as in `--driver`.
    pub name: &'static str,
    /// What it runs, in words.
    pub about: &'static str,
    /// The SDK's name in its registry.
    pub package: &'static str,
    /// A package that may be named in its place, since its version decides what the SDK does.
    pub also: Option<&'static str>,
    /// The packages that are released with it, of which it asks for the version of its day or a newer one.
    pub released_with: &'static [&'static str],
    /// The packages that decide what it sends and what it gives its caller; with a `/` at the end, those of a scope.
    pub decides: &'static [&'static str],
    /// What is taken from the lock file of a project; everything where it is empty.
    pub tree: &'static [&'static str],
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
        also: Some("botocore"),
        released_with: &["botocore"],
        decides: &["botocore"],
        tree: BOTO3_TREE,
        kind: InstallKind::Python,
        sources: &[("boto3_driver.py", include_str!("../drivers/python/boto3_driver.py"))],
    },
    Driver {
        name: "aiobotocore",
        about: "botocore for asyncio",
        package: "aiobotocore",
        also: None,
        // Its range of botocore is narrow, and it has not the least version as its own.
        released_with: &[],
        decides: &["botocore"],
        tree: &[],
        kind: InstallKind::Python,
        sources: &[
            ("aiobotocore_driver.py", include_str!("../drivers/python/aiobotocore_driver.py")),
            ("boto3_driver.py", include_str!("../drivers/python/boto3_driver.py")),
        ],
    },
    Driver {
        name: "js-v3",
        about: "AWS SDK for JavaScript v3",
        package: "@aws-sdk/client-redshift-serverless",
        also: None,
        released_with: &[],
        decides: &["@smithy/", "@aws-sdk/core"],
        tree: &[],
        kind: InstallKind::Node,
        sources: &[("js_v3.mjs", include_str!("../drivers/node/js_v3.mjs"))],
    },
    Driver {
        name: "rust",
        about: "AWS SDK for Rust",
        package: "aws-sdk-redshiftserverless",
        also: None,
        released_with: &[],
        decides: &["aws-smithy-runtime", "aws-smithy-json", "aws-runtime"],
        tree: &[],
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
        also: None,
        released_with: &[],
        decides: &["botocore"],
        tree: &[],
        kind: InstallKind::Python,
        sources: &[("aws_cli_driver.py", include_str!("../drivers/aws-cli/aws_cli_driver.py"))],
    },
    Driver {
        name: "redshift-connector",
        about: "Amazon's Python driver for Redshift, which calls the operation through boto3",
        package: "redshift_connector",
        also: None,
        released_with: &[],
        decides: &["boto3", "botocore"],
        tree: &[],
        kind: InstallKind::Python,
        sources: &[
            ("redshift_connector_driver.py", include_str!("../drivers/python/redshift_connector_driver.py")),
            ("boto3_driver.py", include_str!("../drivers/python/boto3_driver.py")),
        ],
    },
];

/// boto3 and all that it needs, with what replaces or extends a part of it.
const BOTO3_TREE: &[&str] =
    &["boto3", "botocore", "s3transfer", "jmespath", "urllib3", "python-dateutil", "six", "awscrt"];

/// The manifest of a driver that Cargo builds.
pub(super) const MANIFEST: &str = "Cargo.toml";

/// The lock file beside it.
pub(super) const LOCK: &str = "Cargo.lock";

/// The driver with this name, or of the package of this name.
///
/// # Errors
/// When there is none; the message names those that there are.
pub fn driver_named(name: &str) -> Result<&'static Driver, String> {
    ALL.iter().find(|driver| driver.name == name || driver.also == Some(name)).ok_or_else(|| {
        let known_names: Vec<_> = ALL.iter().map(|driver| driver.name).collect();
        let near = did_you_mean(name, known_names.iter().copied());
        format!("there is no driver \"{}\"{near}; the drivers are {}", foreign(name), known_names.join(", "))
    })
}

impl Driver {
    /// Writes the driver's sources into a folder, which is created if it is missing.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn write_sources(&self, folder: &Path) -> io::Result<()> {
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

    /// The command that starts the driver on an installed SDK. `sdk` is the Python that has the SDK, the folder that has
    /// it under `node_modules`, or the program that was built with it. The sources are written into `folder`, which must
    /// stay while the driver runs; where the SDK is, nothing is written, since that place may be read-only.
    ///
    /// # Errors
    /// When the sources cannot be written.
    pub fn command(&self, folder: &Path, sdk: &Path) -> io::Result<DriverCommand> {
        if self.kind != InstallKind::Cargo {
            self.write_sources(folder)?;
        }
        let main = folder.join(self.sources[0].0).into_os_string();
        let (program, arguments): (OsString, Vec<OsString>) = match self.kind {
            InstallKind::Python => (sdk.into(), vec![main]),
            InstallKind::Node => ("node".into(), vec![main, sdk.into()]),
            InstallKind::Cargo => (sdk.into(), Vec::new()),
        };
        let sdk = Some(format!("{} in {}", self.package, file_name(sdk)));
        Ok(DriverCommand { program, arguments, sdk })
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
    find_on_path(program).is_some()
}

/// Where a program is that is called by its name alone.
pub fn find_on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let endings = if cfg!(windows) { &["", ".exe", ".cmd"][..] } else { &[""] };
    let places = |folder: PathBuf| endings.iter().map(move |ending| folder.join(format!("{program}{ending}")));
    std::env::split_paths(&path).flat_map(places).find(|place| place.is_file())
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
    fn a_driver_is_written_for_the_run_and_one_that_is_built_needs_no_sources() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let of = |name: &str| {
            let place = folder.path().join(name);
            let command = driver_named(name)
                .and_then(|driver| driver.command(&place, Path::new("/sdk")).map_err(|error| error.to_string()));
            (place, command.expect("it can be written"))
        };
        let (place, command) = of("redshift-connector");
        let main = place.join("redshift_connector_driver.py");
        assert_eq!((command.program, command.arguments), ("/sdk".into(), vec![main.clone().into()]));
        assert!(main.is_file() && place.join("boto3_driver.py").is_file());
        let (place, command) = of("rust");
        assert_eq!((command.program, command.arguments), ("/sdk".into(), Vec::new()));
        assert!(!place.exists());
    }
}
