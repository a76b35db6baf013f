//! What is to be installed, in a word: `boto3@1.44.5`, `boto3@1.44.5+urllib3==1.26.20`, `js-v3@3.1169.0+before=2026-10-01`.
//!
//! The word is the identity of an installation: its folder is called so, and `--driver` names it so.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;

use crate::sdk::drivers::{self, Driver};
use crate::text::foreign;

/// A version of an SDK, and what was chosen for the packages beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SdkVersion {
    /// The name of a driver, or of a package that decides what its SDK does, such as `botocore`.
    pub name: String,
    /// The version of what is named; `None` for any version.
    pub version: Option<String>,
    /// What was chosen for the other packages.
    pub choices: Choices,
}

/// Which versions the other packages have, where the user says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// The versions of packages, by name.
    pub with: BTreeMap<String, String>,
    /// The first day of which no package is taken any more, in UTC.
    pub before: Option<Date>,
    /// The digest of the lock file that names all versions.
    pub lock: Option<String>,
}

impl SdkVersion {
    /// A version of an SDK with the packages that it has by default.
    ///
    /// # Errors
    /// When there is no driver of that name, or the text can be no version.
    pub fn new(name: &str, version: &str) -> Result<Self, String> {
        drivers::driver_named(name)?;
        let spec = Self { name: name.to_owned(), version: Some(version.to_owned()), choices: Choices::default() };
        if is_version(version) { Ok(spec) } else { Err(no_version(&format!("{name}@{version}"), name)) }
    }

    /// The driver that runs it.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn driver(&self) -> Result<&'static Driver, String> {
        drivers::driver_named(&self.name)
    }

    /// The package whose version is given.
    pub fn package(&self, driver: &Driver) -> String {
        if self.name == driver.name { driver.package.to_owned() } else { self.name.clone() }
    }

    /// The name of its folder: itself, with no `/` in it.
    pub(super) fn folder(&self) -> String {
        self.to_string().replace('/', "%")
    }
}

impl fmt::Display for SdkVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(version) = &self.version {
            write!(f, "@{version}")?;
        }
        write!(f, "{}", self.choices)
    }
}

impl fmt::Display for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, version) in &self.with {
            write!(f, "+{name}=={version}")?;
        }
        if let Some(day) = &self.before {
            write!(f, "+before={day}")?;
        }
        if let Some(digest) = &self.lock {
            write!(f, "+lock={digest}")?;
        }
        Ok(())
    }
}

impl std::str::FromStr for SdkVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, rest) = text.split_once('@').map_or((text, None), |(name, rest)| (name, Some(rest)));
        let (name, mut choices) = name.split_once('+').map_or((name, None), |(name, more)| (name, Some(more)));
        let mut version = None;
        if let Some(rest) = rest {
            // A version may have a + itself; a choice has a =.
            let behind = rest
                .match_indices('+')
                .find(|(at, _)| rest[at + 1..].split('+').next().is_some_and(|part| part.contains('=')));
            let (own, more) = behind.map_or((rest, None), |(at, _)| (&rest[..at], Some(&rest[at + 1..])));
            version = Some(own.to_owned());
            choices = more;
        }
        drivers::driver_named(name)?;
        if version.as_deref().is_some_and(|version| !is_version(version)) {
            return Err(no_version(text, name));
        }
        let mut spec = Self { name: name.to_owned(), version, choices: Choices::default() };
        for part in choices.into_iter().flat_map(|choices| choices.split('+')) {
            spec.choices.add(part)?;
        }
        Ok(spec)
    }
}

impl Choices {
    /// Adds one choice, as it stands behind a `+`.
    fn add(&mut self, text: &str) -> Result<(), String> {
        if let Some(day) = text.strip_prefix("before=") {
            self.before = Some(day_of(day)?);
        } else if let Some(digest) = text.strip_prefix("lock=") {
            let is_digest = digest.len() == 8 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
            if !is_digest {
                return Err(format!("expected the 8 hexadecimal digits of a lock, found \"{}\"", foreign(digest)));
            }
            self.lock = Some(digest.to_owned());
        } else {
            let PackageVersion { name, version } = text.parse()?;
            self.with.insert(name, version);
        }
        Ok(())
    }
}

/// A package in one version: `urllib3==1.26.20`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageVersion {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl std::str::FromStr for PackageVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once("==").filter(|(name, version)| is_package(name) && is_version(version));
        let (name, version) = parts.ok_or_else(|| {
            format!("expected a package and its version such as urllib3==1.26.20, found \"{}\"", foreign(text))
        })?;
        Ok(Self { name: name.to_owned(), version: version.to_owned() })
    }
}

/// A day such as 2026-10-01.
///
/// # Errors
/// When it is none.
pub fn day_of(text: &str) -> Result<Date, String> {
    // Times are refused, since days are what installations are named by.
    let day = Some(text).filter(|text| text.len() == 10).and_then(|text| text.parse().ok());
    day.ok_or_else(|| format!("expected a day such as 2026-10-01, found \"{}\"", foreign(text)))
}

fn no_version(text: &str, name: &str) -> String {
    format!("expected a version such as {name}@1.2.3, found \"{}\"", foreign(text))
}

/// Whether a text can be a version. It goes to pip, npm and Cargo, and into a path.
pub(in crate::sdk) fn is_version(text: &str) -> bool {
    let is_version_character = |c: char| c.is_ascii_alphanumeric() || ".+-_".contains(c);
    text.len() <= 64 && text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(is_version_character)
}

/// Whether a text can be the name of a package of `PyPI`, npm or crates.io.
pub(in crate::sdk) fn is_package(text: &str) -> bool {
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphanumeric())
            && word.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    let scoped = text.strip_prefix('@').and_then(|text| text.split_once('/'));
    text.len() <= 100 && scoped.map_or_else(|| is_word(text), |(scope, name)| is_word(scope) && is_word(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain("boto3@1.44.5")]
    #[case::any("boto3")]
    #[case::what_decides("botocore@1.44.8")]
    #[case::with("boto3@1.44.5+urllib3==1.26.20")]
    #[case::scoped("js-v3@3.1169.0+@smithy/core==3.11.0+before=2026-10-01")]
    #[case::lock("boto3@1.44.5+lock=0123abcd")]
    #[case::build("rust@1.129.0+build.1+hyper==1.8.0")]
    fn a_word_is_read_as_it_is_written(#[case] text: &str) {
        let spec: SdkVersion = text.parse().expect("it is one");
        assert_eq!(spec.to_string(), text);
        assert!(!spec.folder().contains('/'));
    }

    #[rstest]
    #[case::path("boto3@../x", "expected a version")]
    #[case::flag("boto3@--upgrade", "expected a version")]
    #[case::flag_behind("boto3@1.2.3+--index-url==1", "expected a package and its version")]
    #[case::path_behind("boto3@1.2.3+../x==1", "expected a package and its version")]
    #[case::no_day("boto3@1.2.3+before=yesterday", "expected a day such as 2026-10-01")]
    #[case::no_digest("boto3@1.2.3+lock=../../x", "hexadecimal")]
    #[case::unknown("boto@1.2.3", "the drivers are boto3")]
    fn what_a_client_or_a_path_could_take_otherwise_is_refused(#[case] text: &str, #[case] expected: &str) {
        let error = text.parse::<SdkVersion>().expect_err("it is refused");
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn a_build_in_a_version_is_no_choice() {
        let spec: SdkVersion = "rust@1.129.0+build.1".parse().expect("it is one");
        assert_eq!((spec.version.as_deref(), spec.choices), (Some("1.129.0+build.1"), Choices::default()));
    }
}
