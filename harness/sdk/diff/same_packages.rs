//! Whether the packages that decide what an SDK does are the same on both sides: then two versions of it compare as equal,
//! and that says nothing about the versions.

use super::SdkIdentity;
use crate::sdk::drivers;

/// How many packages are named before the rest is counted.
const NAMED: usize = 3;

/// The sentence that says so; `None` where something that decides differs, or the versions are the same.
pub(super) fn note(old: &SdkIdentity, new: &SdkIdentity) -> Option<String> {
    if old.sdk != new.sdk || old.version == new.version {
        return None;
    }
    let decides = drivers::ALL.iter().find(|driver| driver.package == old.sdk)?.decides;
    let of = |side: &SdkIdentity| -> Vec<(String, String)> {
        let is_one = |name: &str| {
            decides
                .iter()
                .any(|pattern| if pattern.ends_with('/') { name.starts_with(pattern) } else { name == *pattern })
        };
        let deps = side.deps.iter().filter(|(name, _)| is_one(name));
        deps.map(|(name, version)| (name.clone(), version.clone())).collect()
    };
    let packages = of(old);
    if packages.is_empty() || packages != of(new) {
        return None;
    }
    let mut names: Vec<String> =
        packages.iter().take(NAMED).map(|(name, version)| format!("{name} {version}")).collect();
    if packages.len() > NAMED {
        names.push(format!("{} more", packages.len() - NAMED));
    }
    let (list, verb) = match names.split_last() {
        Some((one, [])) => (one.clone(), "is the same on both sides, and decides"),
        Some((last, rest)) => (format!("{} and {last}", rest.join(", ")), "are the same on both sides, and decide"),
        None => return None,
    };
    Some(format!("{list} {verb} what {} does: this compares little more than its own code", old.sdk))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn side(sdk: &str, version: &str, deps: &[(&str, &str)]) -> SdkIdentity {
        let deps = deps.iter().map(|(name, version)| ((*name).to_owned(), (*version).to_owned())).collect();
        SdkIdentity { sdk: sdk.to_owned(), version: version.to_owned(), deps, ..SdkIdentity::default() }
    }

    #[test]
    fn two_versions_with_the_same_botocore_are_told() {
        let deps = [("botocore", "1.44.8"), ("urllib3", "2.8.0")];
        let said = note(&side("boto3", "1.44.5", &deps), &side("boto3", "1.44.8", &deps)).expect("it is told");
        assert!(said.starts_with("botocore 1.44.8 is the same on both sides, and decides what boto3 does"), "{said}");
    }

    #[test]
    fn many_packages_are_counted() {
        let package = "@aws-sdk/client-redshift-serverless";
        let deps = [("@smithy/a", "1"), ("@smithy/b", "1"), ("@smithy/c", "1"), ("@smithy/d", "1"), ("tslib", "2")];
        let said = note(&side(package, "3.1.0", &deps), &side(package, "3.2.0", &deps)).expect("it is told");
        assert!(said.starts_with("@smithy/a 1, @smithy/b 1, @smithy/c 1 and 1 more are the same"), "{said}");
    }

    #[rstest]
    #[case::another_botocore(("boto3", "1.44.8", "1.44.8"))]
    #[case::the_same_version(("boto3", "1.44.5", "1.44.5"))]
    #[case::another_sdk(("awscli", "1.44.8", "1.44.5"))]
    fn nothing_is_told_where_something_differs(#[case] new: (&str, &str, &str)) {
        let old = side("boto3", "1.44.5", &[("botocore", "1.44.5")]);
        assert_eq!(note(&old, &side(new.0, new.1, &[("botocore", new.2)])), None);
    }
}
