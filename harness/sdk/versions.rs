//! The released versions of a package, as the ordinary client of its registry lists them.

use std::process::{Command, Stdio};

use super::drivers::InstallKind;
use crate::text::{escape, foreign};

/// How much of a failed client's log is shown, in characters.
const LOG_SHOWN: usize = 1_000;

/// The released versions of a package, the oldest first. Pre-releases are left out.
///
/// # Errors
/// When the client cannot be run, fails, or has no way to list versions.
pub fn released(kind: InstallKind, package: &str) -> Result<Vec<String>, String> {
    let listed = match kind {
        InstallKind::Python => {
            // -I: a pip.py in the folder of the caller, which may be somebody else's project, is not run.
            let words = ["-I", "-m", "pip", "--disable-pip-version-check", "--no-input", "index", "versions", package];
            of_pip(&run("python3", &words)?)
        }
        InstallKind::Node => {
            let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
            // --global: nor says a .npmrc there whom to ask, and which secrets to send.
            of_npm(&run(npm, &["view", "--global", package, "versions", "--json"])?)?
        }
        InstallKind::Cargo => {
            return Err(format!("Cargo lists no versions of {package}; compare two of them with `countersign diff`"));
        }
    };
    let mut versions: Vec<_> = listed.into_iter().filter_map(|text| Some((numbers(&text)?, text))).collect();
    versions.sort();
    versions.dedup();
    if versions.is_empty() {
        return Err(format!("the registry lists no released version of {package}"));
    }
    Ok(versions.into_iter().map(|(_, text)| text).collect())
}

/// The versions from one to another, both among them.
///
/// # Errors
/// When one of them is not released, or the second is not newer than the first.
pub fn between(versions: &[String], old: &str, new: &str) -> Result<Vec<String>, String> {
    let place = |version: &str| {
        let missing = || {
            let near = crate::text::did_you_mean(version, versions.iter().map(String::as_str));
            format!("{} is no released version{near}", foreign(version))
        };
        versions.iter().position(|one| one == version).ok_or_else(missing)
    };
    let (from, to) = (place(old)?, place(new)?);
    if from >= to {
        return Err(format!("expected an older version and a newer one, found {} and {}", foreign(old), foreign(new)));
    }
    Ok(versions[from..=to].to_vec())
}

/// The numbers of a released version; `None` for a pre-release, and for whatever else is not numbers and dots.
pub fn numbers(version: &str) -> Option<Vec<u64>> {
    version
        .split('.')
        .map(|part| part.parse().ok().filter(|_| part.bytes().all(|byte| byte.is_ascii_digit())))
        .collect()
}

/// The versions in the line of `pip index versions` that begins with `Available versions:`.
fn of_pip(text: &str) -> Vec<String> {
    let line = text.lines().find_map(|line| line.trim().strip_prefix("Available versions:"));
    line.unwrap_or_default().split(',').map(|version| version.trim().to_owned()).collect()
}

/// The versions in the array of `npm view PACKAGE versions --json`; a package with one version has a text.
fn of_npm(text: &str) -> Result<Vec<String>, String> {
    let unread = |error: &dyn std::fmt::Display| format!("npm view gave no list of versions: {error}");
    match serde_json::from_str(text).map_err(|error| unread(&error))? {
        serde_json::Value::String(version) => Ok(vec![version]),
        value => serde_json::from_value(value).map_err(|error| unread(&error)),
    }
}

/// Runs a client to its end and returns what it printed.
fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let words = foreign(&format!("{program} {}", arguments.join(" ")));
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("`{words}` cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let log = String::from_utf8_lossy(if output.stderr.is_empty() { &output.stdout } else { &output.stderr });
    let skip = log.chars().count().saturating_sub(LOG_SHOWN);
    let lines: Vec<String> = log.chars().skip(skip).collect::<String>().lines().map(escape).collect();
    Err(format!("`{words}` failed with {}:\n{}", output.status, lines.join("\n")))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn what_pip_lists_is_read() {
        let text = "boto3 (1.40.0)\nAvailable versions: 1.40.0, 1.39.10, 1.39.9rc1\n  INSTALLED: 1.39.9\n";
        assert_eq!(of_pip(text), ["1.40.0", "1.39.10", "1.39.9rc1"]);
        assert_eq!(of_pip("no such line"), [""]);
    }

    #[rstest]
    #[case::several(r#"["3.1.0", "3.2.0"]"#, &["3.1.0", "3.2.0"])]
    #[case::one(r#""3.1.0""#, &["3.1.0"])]
    fn what_npm_lists_is_read(#[case] text: &str, #[case] versions: &[&str]) {
        assert_eq!(of_npm(text).expect("versions"), versions);
    }

    #[rstest]
    #[case::release("1.39.10", Some(vec![1, 39, 10]))]
    #[case::pre_release("1.40.0rc1", None)]
    #[case::npm_pre_release("4.0.0-beta.1", None)]
    #[case::nothing("", None)]
    #[case::signed("1.+2", None)]
    fn a_pre_release_is_no_release(#[case] version: &str, #[case] expected: Option<Vec<u64>>) {
        assert_eq!(numbers(version), expected);
    }

    #[test]
    fn versions_between_two_are_in_the_order_of_their_numbers() {
        let versions: Vec<String> = ["1.9.0", "1.10.0", "1.11.0"].map(str::to_owned).into();
        assert_eq!(between(&versions, "1.9.0", "1.10.0").expect("a range"), ["1.9.0", "1.10.0"]);
        assert!(between(&versions, "1.10.0", "1.9.0").expect_err("reversed").contains("an older version and a newer"));
        assert!(between(&versions, "1.9.0", "1.9.5").expect_err("unknown").contains("1.9.5 is no released version"));
    }
}
