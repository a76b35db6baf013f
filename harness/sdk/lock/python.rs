//! What pip, uv, poetry, pipenv and conda write. A package that is there in several versions, each for other versions of
//! Python, has the condition of each, which pip judges.

use std::path::Path;

use serde_json::Value;

use super::{Lock, LockContent, LockError, PYTHON_LOCKS, is_conda, together, unknown_format};
use crate::sdk::drivers::Driver;
use crate::sdk::install::{is_package, is_version};
use crate::text::foreign;

/// A package of a lock file.
#[derive(Debug, PartialEq, Eq)]
struct Pinned {
    name: String,
    /// What stands behind its name: a version, or something that is none.
    version: Result<String, String>,
    /// For which Python it is.
    marker: Option<String>,
}

pub(super) fn read(driver: &'static Driver, file: &Path, text: &str) -> Result<Lock, LockError> {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let pinned = match name {
        "uv.lock" => of_toml(text, "package", uv_marker)?,
        "poetry.lock" => of_toml(text, "package", poetry_marker)?,
        "pylock.toml" => of_toml(text, "packages", |package| package["marker"].as_str().map(str::to_owned))?,
        "pyproject.toml" => of_project(text)?,
        "Pipfile.lock" => of_pipfile(text)?,
        name if is_conda(name) => of_conda(text),
        name if Path::new(name).extension().is_some_and(|extension| extension == "txt") => of_requirements(text),
        _ => return Err(unknown_format(file, &format!("{}, or requirements in a .txt", PYTHON_LOCKS.join(", ")))),
    };
    let is_there = |package: &str| pinned.iter().any(|one| one.name == package);
    let named = [Some(driver.package), driver.also].into_iter().flatten().find(|package| is_there(package));
    let package = named.ok_or_else(|| LockError::WithoutSdk(driver.package.to_owned()))?.to_owned();
    let mut taken: Vec<(String, String, Option<String>)> = Vec::new();
    for one in pinned {
        if !driver.tree.is_empty() && !driver.tree.contains(&one.name.as_str()) {
            continue;
        }
        match one.version {
            Ok(version) if is_package(&one.name) && is_version(&version) => taken.push((one.name, version, one.marker)),
            // The others are chosen by pip then.
            Ok(_) | Err(_) if one.name != package => {}
            Ok(found) | Err(found) => return Err(LockError::NotPinned { package, found: foreign(&found) }),
        }
    }
    taken.sort();
    taken.dedup();
    let versions: Vec<&String> =
        taken.iter().filter(|(name, ..)| *name == package).map(|(_, version, _)| version).collect();
    let [version] = versions[..] else {
        let found = versions.iter().map(|version| version.as_str()).collect::<Vec<_>>().join(" and ");
        return Err(LockError::NotPinned { package, found });
    };
    let version = version.clone();
    let lines = taken.iter().filter_map(|(name, version, marker)| {
        let is_there_again = taken.iter().filter(|(other, ..)| other == name).count() > 1;
        match marker {
            Some(marker) if is_there_again => Some(format!("{name}=={version} ; {marker}")),
            // Of versions without a condition, none can be told to be the right one.
            None if is_there_again => None,
            _ => Some(format!("{name}=={version}")),
        }
    });
    let content = LockContent::Requirements(lines.collect());
    let packages = together(taken.iter().map(|(name, version, _)| (name.clone(), version.clone())));
    Ok(Lock { driver, package, version, packages, content })
}

/// The name of a package in the one spelling that stands for all of its spellings.
fn spelled(name: &str) -> String {
    let words = name.split(['-', '_', '.']).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

/// A condition, if it can stand in a line of requirements.
fn safe_marker(text: &str) -> Option<String> {
    let is_harmless = |c: char| c.is_ascii_alphanumeric() || "_.-+<>=!~'\"() ,*".contains(c);
    (!text.is_empty() && text.chars().all(is_harmless)).then(|| text.to_owned())
}

fn of_toml(text: &str, list: &str, marker: impl Fn(&Value) -> Option<String>) -> Result<Vec<Pinned>, LockError> {
    let value: Value =
        toml::from_str(text).map_err(|error| LockError::Unreadable(format!("it is no TOML: {}", error.message())))?;
    let packages = value[list]
        .as_array()
        .ok_or_else(|| LockError::Unreadable(format!("expected the list {list} of a lock file, found none")))?;
    let pinned = packages.iter().filter_map(|package| {
        let name = spelled(package["name"].as_str()?);
        // A project that is locked itself has no version that a registry knows.
        let is_local = ["virtual", "editable", "directory"].iter().any(|kind| package["source"].get(kind).is_some());
        let version = package["version"].as_str().filter(|_| !is_local)?.to_owned();
        // What comes from elsewhere has a version that the registry may have too, with other contents.
        let version = elsewhere(package).map_or(Ok(version), |from| Err(from.to_owned()));
        Some(Pinned { name, version, marker: marker(package).as_deref().and_then(safe_marker) })
    });
    Ok(pinned.collect())
}

/// Where a package comes from, if it is no registry: uv names the kind as a member of `source`, Poetry as its `type`, and
/// a `pylock.toml` as a member of the package.
fn elsewhere(package: &Value) -> Option<&'static str> {
    const KINDS: [(&str, &str); 7] = [
        ("directory", "one from a folder"),
        ("git", "one from git"),
        ("url", "one from an address"),
        ("file", "one from a file"),
        ("path", "one from a file"),
        ("vcs", "one from git"),
        ("archive", "one from an address"),
    ];
    let source = &package["source"];
    // Beside the type stands an address, also where that is one of a registry.
    let is_of = |kind: &str| match &source["type"] {
        Value::Null => source.get(kind).is_some() || package[kind].is_object(),
        of_poetry => of_poetry == kind,
    };
    KINDS.into_iter().find(|(kind, _)| is_of(kind)).map(|(_, told)| told)
}

/// uv has a list of conditions, of which one must hold.
fn uv_marker(package: &Value) -> Option<String> {
    let markers = package["resolution-markers"].as_array()?.iter().filter_map(Value::as_str);
    Some(markers.map(|marker| format!("({marker})")).collect::<Vec<_>>().join(" or "))
        .filter(|marker| !marker.is_empty())
}

/// Poetry has a condition, or one for each group of dependencies.
fn poetry_marker(package: &Value) -> Option<String> {
    let markers = &package["markers"];
    markers.as_str().or_else(|| markers["main"].as_str()).map(str::to_owned)
}

fn of_pipfile(text: &str) -> Result<Vec<Pinned>, LockError> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| LockError::Unreadable(format!("it is no JSON: {error}")))?;
    let packages = ["default", "develop"].iter().filter_map(|group| value[group].as_object()).flatten();
    let pinned = packages.map(|(name, package)| {
        let version = package["version"].as_str().unwrap_or("no version");
        let version = version.strip_prefix("==").map(str::to_owned).ok_or_else(|| version.to_owned());
        Pinned { name: spelled(name), version, marker: package["markers"].as_str().and_then(safe_marker) }
    });
    Ok(pinned.collect())
}

/// The dependencies of a project that has no lock file.
fn of_project(text: &str) -> Result<Vec<Pinned>, LockError> {
    let value: Value =
        toml::from_str(text).map_err(|error| LockError::Unreadable(format!("it is no TOML: {}", error.message())))?;
    let lines = value["project"]["dependencies"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut pinned: Vec<Pinned> = lines.filter_map(of_requirement).collect();
    let poetry = value["tool"]["poetry"]["dependencies"].as_object().into_iter().flatten();
    pinned.extend(poetry.map(|(name, wanted)| {
        let wanted = wanted.as_str().or_else(|| wanted["version"].as_str()).unwrap_or_default();
        let version = Some(wanted.trim_start_matches('=').trim()).filter(|version| is_version(version));
        Pinned {
            name: spelled(name),
            version: version.map(str::to_owned).ok_or_else(|| wanted.to_owned()),
            marker: None,
        }
    }));
    Ok(pinned)
}

fn of_requirements(text: &str) -> Vec<Pinned> {
    text.replace("\\\r\n", " ").replace("\\\n", " ").lines().filter_map(of_requirement).collect()
}

/// A line of requirements; `None` for comments, options and what is taken from elsewhere.
fn of_requirement(line: &str) -> Option<Pinned> {
    let line = line.split(" #").next().unwrap_or_default().split(" --").next().unwrap_or_default().trim();
    if line.is_empty() || line.starts_with(['#', '-']) {
        return None;
    }
    let (wanted, marker) =
        line.split_once(';').map_or((line, None), |(wanted, marker)| (wanted, safe_marker(marker.trim())));
    let end = wanted.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c))).unwrap_or(wanted.len());
    let (name, rest) = wanted.split_at(end);
    let rest = rest.trim();
    // An extra adds packages, and changes no version.
    let rest = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(rest, |(_, rest)| rest.trim());
    let rest = rest.trim_start_matches('(').trim_end_matches(')').trim();
    let exact = rest.strip_prefix("===").or_else(|| rest.strip_prefix("==")).map(str::trim);
    let exact = exact.filter(|version| is_version(version)).map(str::to_owned);
    let found = match rest.chars().next() {
        None => "no version".to_owned(),
        // It may have a password in it.
        Some('@') => "one from an address".to_owned(),
        Some(_) => rest.to_owned(),
    };
    Some(Pinned { name: spelled(name), version: exact.ok_or(found), marker })
}

/// The dependencies of a conda environment: `- boto3=1.40.76`, and those of pip below.
fn of_conda(text: &str) -> Vec<Pinned> {
    let items = text.lines().filter_map(|line| line.trim().strip_prefix("- "));
    items
        .filter_map(|item| {
            let item = item.trim().trim_matches(['"', '\'']);
            let mut parts = item.splitn(3, '=');
            match (parts.next()?, parts.next()) {
                (name, Some(version)) if is_package(name) && is_version(version) => {
                    Some(Pinned { name: spelled(name), version: Ok(version.to_owned()), marker: None })
                }
                _ => of_requirement(item),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdk::drivers::driver_named;
    use rstest::rstest;

    fn read_as(name: &str, text: &str) -> Result<Lock, LockError> {
        read(driver_named("boto3").expect("it is one of ours"), Path::new(name), text)
    }

    fn lines(lock: &Lock) -> Vec<&str> {
        let LockContent::Requirements(lines) = lock.content() else { panic!("expected requirements") };
        lines.iter().map(String::as_str).collect()
    }

    // The samples were written by uv 0.9, Poetry 2.5 and Pipenv for one project; hashes and addresses are left out.
    #[rstest]
    #[case::uv("uv.lock", include_str!("samples/uv.lock"), &["urllib3==1.26.20 ; (python_full_version < '3.10')", "urllib3==2.8.0 ; (python_full_version >= '3.10')"])]
    #[case::poetry("poetry.lock", include_str!("samples/poetry.lock"), &["urllib3==1.26.20 ; python_version == \"3.9\"", "urllib3==2.8.0 ; python_version >= \"3.10\""])]
    #[case::pipenv("Pipfile.lock", include_str!("samples/Pipfile.lock"), &["urllib3==2.8.0"])]
    fn each_tool_names_the_same_versions(#[case] name: &str, #[case] text: &str, #[case] urllib3: &[&str]) {
        let lock = read_as(name, text).expect("it is a lock");
        let others = ["boto3==1.40.76", "botocore==1.40.76", "jmespath==1.1.0", "python-dateutil==2.9.0.post0"];
        let expected = [&others[..], &["s3transfer==0.14.0", "six==1.17.0"], urllib3].concat();
        assert_eq!(lines(&lock), expected);
        assert!(lock.spec().to_string().starts_with("boto3@1.40.76+lock="));
    }

    #[test]
    fn requirements_are_read_with_what_stands_around_them() {
        let text = "# made by hand\n-i https://example.org/simple\nBoto3 [crt] == 1.40.76 \\\n    --hash=sha256:00 \\\n    \
                    --hash=sha256:01\nbotocore==1.40.76  # via boto3\nrequests==2.0\nsix\n";
        let lock = read_as("requirements.txt", text).expect("it is a lock");
        assert_eq!(lines(&lock), ["boto3==1.40.76", "botocore==1.40.76"]);
    }

    #[test]
    fn a_project_without_boto3_is_known_by_its_botocore() {
        let lock = read_as("requirements.txt", "aiobotocore==2.25.0\nbotocore==1.40.61\n").expect("it is a lock");
        assert!(lock.spec().to_string().starts_with("botocore@1.40.61+lock="));
    }

    #[test]
    fn an_environment_of_conda_names_versions_with_one_sign() {
        let text =
            "name: sample\ndependencies:\n  - python=3.12\n  - boto3=1.40.76\n  - pip:\n    - botocore==1.40.76\n";
        assert_eq!(
            lines(&read_as("environment.yml", text).expect("it is a lock")),
            ["boto3==1.40.76", "botocore==1.40.76"]
        );
    }

    #[rstest]
    #[case::a_range(
        "requirements.txt",
        "boto3>=1.36\n",
        "expected one version of boto3, such as boto3==1.2.3, found >=1.36"
    )]
    #[case::any("requirements.txt", "boto3\n", "found no version")]
    #[case::a_range_of_a_project("pyproject.toml", "[project]\ndependencies = ['boto3~=1.36']\n", "found ~=1.36")]
    #[case::nothing("requirements.txt", "requests==2.0\n", "does not name boto3")]
    #[case::several("requirements.txt", "boto3==1.1.0\nboto3==1.2.0\n", "found 1.1.0 and 1.2.0")]
    #[case::broken("uv.lock", "[[package]\n", "it is no TOML")]
    #[case::of_uv_from_git(
        "uv.lock",
        "[[package]]\nname = 'boto3'\nversion = '1.2.3'\nsource = { git = 'https://x/y?rev=1#0' }\n",
        "found one from git"
    )]
    #[case::of_poetry_from_git(
        "poetry.lock",
        "[[package]]\nname = 'boto3'\nversion = '1.2.3'\n[package.source]\ntype = 'git'\nurl = 'https://x/y'\n",
        "found one from git"
    )]
    #[case::of_pylock_from_git(
        "pylock.toml",
        "[[packages]]\nname = 'boto3'\nversion = '1.2.3'\nvcs = { type = 'git' }\n",
        "found one from git"
    )]
    #[case::with_a_password(
        "requirements.txt",
        "boto3 @ https://me:pass@example.org/boto3.whl\n",
        "such as boto3==1.2.3, found one from an address"
    )]
    fn what_names_no_version_says_what_it_names(#[case] name: &str, #[case] text: &str, #[case] expected: &str) {
        let error = read_as(name, text).expect_err("it is no lock").to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn a_version_from_an_index_of_the_project_is_taken() {
        let text = "[[package]]\nname = 'boto3'\nversion = '1.2.3'\n[package.source]\ntype = 'legacy'\nurl = 'https://x/simple'\n";
        assert_eq!(lines(&read_as("poetry.lock", text).expect("it is a lock")), ["boto3==1.2.3"]);
    }

    #[test]
    fn no_line_of_a_lock_becomes_an_option_of_pip() {
        let text = "version = 1\n[[package]]\nname = \"boto3\"\nversion = \"1.2.3\"\n\
                    [[package]]\nname = \"urllib3\"\nversion = \"1.0\"\nresolution-markers = [\"x\\n--index-url=http://evil\"]\n\
                    [[package]]\nname = \"urllib3\"\nversion = \"2.0\"\n\
                    [[package]]\nname = \"six\"\nversion = \"1.0 --index-url=http://evil\"\n";
        assert_eq!(lines(&read_as("uv.lock", text).expect("it is a lock")), ["boto3==1.2.3"]);
    }
}
