//! Which of the packages that decide what an SDK does have another version, and where their changelogs are.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A package that decides what an SDK does, with another version in the new run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MovedPackage {
    /// Its name in its registry.
    pub name: String,
    /// The old version.
    pub old: String,
    /// The new version.
    pub new: String,
    /// The address of its changelog.
    pub changelog: String,
}

#[derive(Debug, Deserialize)]
struct PackageTable {
    packages: Vec<PackageRow>,
}

#[derive(Debug, Deserialize)]
struct PackageRow {
    name: String,
    decides: bool,
    changelog: String,
}

/// What is known of packages. Source: the repositories that the registries name for them.
static TABLE: LazyLock<PackageTable> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../drivers/packages.json")).expect("the table of packages is valid")
});

impl PackageRow {
    fn fits(&self, package: &str) -> bool {
        self.rest(package).is_some()
    }

    /// What stands for the `*` in a name that fits; empty where there is none.
    fn rest<'a>(&self, package: &'a str) -> Option<&'a str> {
        match self.name.strip_suffix('*') {
            Some(begin) => package.strip_prefix(begin).filter(|rest| is_plain(rest)),
            None => (self.name == package).then_some(""),
        }
    }
}

/// Whether a part of a name can stand in an address and leads nowhere else: a run may name any package.
fn is_plain(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// The packages that decide what an SDK does and that are there in both runs with different versions.
pub(super) fn moved(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<MovedPackage> {
    let of = |(name, was): (&String, &String)| {
        let is = new.get(name).filter(|is| *is != was)?;
        let row = TABLE.packages.iter().find(|row| row.fits(name)).filter(|row| row.decides)?;
        let changelog = row.changelog.replace('*', row.rest(name).unwrap_or_default());
        Some(MovedPackage { name: name.clone(), old: was.clone(), new: is.clone(), changelog })
    };
    old.iter().filter_map(of).collect()
}

/// Whether a package that decides what an SDK does is there in one run only.
pub(super) fn decide_in_one(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> bool {
    let decides = |name: &str| TABLE.packages.iter().find(|row| row.fits(name)).is_some_and(|row| row.decides);
    let only_in = |one: &BTreeMap<String, String>, other: &BTreeMap<String, String>| {
        one.keys().any(|name| !other.contains_key(name) && decides(name))
    };
    only_in(old, new) || only_in(new, old)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deps(packages: &[(&str, &str)]) -> BTreeMap<String, String> {
        packages.iter().map(|(name, version)| ((*name).to_owned(), (*version).to_owned())).collect()
    }

    #[test]
    fn only_packages_that_decide_something_and_moved_are_named() {
        let old = deps(&[("boto3", "1.39.6"), ("botocore", "1.39.6"), ("six", "1.16.0"), ("urllib3", "2.5.0")]);
        let new = deps(&[("boto3", "1.39.9"), ("botocore", "1.39.9"), ("six", "1.17.0"), ("urllib3", "2.5.0")]);
        let [package] = moved(&old, &new).try_into().expect("one package");
        let MovedPackage { name, old, new, changelog } = package;
        assert_eq!((name.as_str(), old.as_str(), new.as_str()), ("botocore", "1.39.6", "1.39.9"));
        assert_eq!(changelog, "https://github.com/boto/botocore/blob/HEAD/CHANGELOG.rst");
    }

    #[test]
    fn a_package_of_a_family_has_its_own_changelog() {
        let name = "@smithy/middleware-endpoint";
        let [package] = moved(&deps(&[(name, "4.1.13")]), &deps(&[(name, "4.1.14")])).try_into().expect("one package");
        let own =
            "https://github.com/smithy-lang/smithy-typescript/blob/HEAD/packages/middleware-endpoint/CHANGELOG.md";
        assert_eq!(package.changelog, own);
    }

    #[test]
    fn every_changelog_has_an_address_that_a_page_may_link_to() {
        assert!(TABLE.packages.iter().all(|row| row.changelog.starts_with("https://github.com/")));
    }

    #[rstest::rstest]
    #[case("@smithy/../../../../evil/x/blob/HEAD")]
    #[case("@smithy/a?b")]
    #[case("@smithy/a\"b")]
    #[case("@smithy/")]
    fn no_name_leads_a_changelog_astray(#[case] name: &str) {
        assert_eq!(moved(&deps(&[(name, "1.0.0")]), &deps(&[(name, "2.0.0")])), []);
    }

    #[test]
    fn a_package_that_only_one_run_has_did_not_move() {
        assert_eq!(moved(&deps(&[("botocore", "1.39.6")]), &deps(&[("urllib3", "2.5.0")])), []);
    }
}
