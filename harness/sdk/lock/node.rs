//! What npm, pnpm and yarn write. Of the whole graph the SDK and what it needs is taken, and laid out anew as a
//! `package-lock.json` of its own, which `npm ci` takes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use serde_json::{Value, json};

use super::indented::lines;
use super::{Lock, LockContent, LockError, NODE_LOCKS, together, unknown_format};
use crate::sdk::drivers::Driver;
use crate::sdk::install::{is_package, is_version};
use crate::text::foreign;

/// A package in a version.
type Id = (String, String);

/// Every package of a lock file, and what each needs, by name.
type Graph = BTreeMap<Id, BTreeMap<String, Id>>;

pub(super) fn read(driver: &'static Driver, file: &Path, text: &str) -> Result<Lock, LockError> {
    let graph = match file.file_name().and_then(|name| name.to_str()).unwrap_or_default() {
        "package-lock.json" | "npm-shrinkwrap.json" => of_npm(text)?,
        "pnpm-lock.yaml" => of_pnpm(text)?,
        "yarn.lock" => of_yarn(text),
        _ => return Err(unknown_format(file, &NODE_LOCKS.join(", "))),
    };
    let package = driver.package.to_owned();
    let versions: Vec<&Id> = graph.keys().filter(|(name, _)| *name == package).collect();
    let root = match versions[..] {
        [] => return Err(LockError::WithoutSdk(package)),
        [one] => one.clone(),
        ref several => {
            let found = several.iter().map(|(_, version)| version.as_str()).collect::<Vec<_>>().join(" and ");
            return Err(LockError::NotPinned { package, found });
        }
    };
    let needed = closure(&graph, &root)?;
    for (name, version) in &needed {
        if !is_package(name) || !is_version(version) {
            let found = foreign(&format!("{name}@{version}"));
            return Err(LockError::Unreadable(format!(
                "expected a package of npm's registry and its version, found {found}"
            )));
        }
    }
    let packages = together(needed);
    let content = LockContent::Node(layout(&graph, &root)?);
    Ok(Lock { driver, package, version: root.1, packages, content })
}

/// The most folders of packages that a lock file may come to; the largest SDK has a few hundred.
const PLACES_LIMIT: usize = 10_000;

/// The most folders of packages inside of each other. Packages that need each other in turn, in two versions each, would
/// go on without an end.
const DEPTH_LIMIT: usize = 40;

/// The SDK and everything that it needs.
fn closure(graph: &Graph, root: &Id) -> Result<BTreeSet<Id>, LockError> {
    let (mut found, mut waiting) = (BTreeSet::new(), vec![root.clone()]);
    while let Some(id) = waiting.pop() {
        let needs = graph.get(&id).ok_or_else(|| {
            let id = foreign(&format!("{}@{}", id.0, id.1));
            LockError::Unreadable(format!(
                "{id} is needed, and is not in the file; install once again, so that it is whole"
            ))
        })?;
        if found.insert(id) {
            waiting.extend(needs.values().cloned());
        }
    }
    Ok(found)
}

/// The packages in folders: each as far up as no other version of it stands in the way.
fn layout(graph: &Graph, root: &Id) -> Result<Value, LockError> {
    const MODULES: &str = "node_modules";
    let mut places: BTreeMap<String, Id> = BTreeMap::new();
    let mut waiting = VecDeque::from([format!("{MODULES}/{}", root.0)]);
    places.insert(waiting[0].clone(), root.clone());
    while let Some(place) = waiting.pop_front() {
        let needs = graph.get(&places[&place]).cloned().unwrap_or_default();
        for (name, id) in needs {
            let seen = folders_above(&place).into_iter().find_map(|folder| places.get(&join(&folder, &name)).cloned());
            let at = match seen {
                Some(seen) if seen == id => continue,
                Some(_) => format!("{place}/{MODULES}/{name}"),
                None => format!("{MODULES}/{name}"),
            };
            if places.len() >= PLACES_LIMIT || at.matches(MODULES).count() > DEPTH_LIMIT {
                return Err(LockError::Unreadable(format!(
                    "expected packages that fit into {PLACES_LIMIT} folders, {DEPTH_LIMIT} inside of each other, found more: \
                     those that {} needs have no end, or are not of one SDK",
                    foreign(&root.0)
                )));
            }
            places.insert(at.clone(), id);
            waiting.push_back(at);
        }
    }
    let mut packages = serde_json::Map::new();
    packages.insert(String::new(), json!({ "dependencies": { &root.0: &root.1 } }));
    for (place, id) in &places {
        let needs: BTreeMap<&String, &String> =
            graph.get(id).into_iter().flatten().map(|(name, (_, version))| (name, version)).collect();
        packages.insert(place.clone(), json!({ "version": id.1, "dependencies": needs }));
    }
    Ok(json!({ "lockfileVersion": 3, "requires": true, "packages": packages }))
}

/// The folders in which Node.js looks for what a package at a place needs, the nearest first; the last is the root.
fn folders_above(place: &str) -> Vec<String> {
    let parts: Vec<&str> = place.split('/').collect();
    let of = |count: usize| parts[..count].join("/");
    (0..=parts.len()).rev().filter(|count| parts.get(count.wrapping_sub(1)) != Some(&"node_modules")).map(of).collect()
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { format!("node_modules/{name}") } else { format!("{folder}/node_modules/{name}") }
}

fn of_npm(text: &str) -> Result<Graph, LockError> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| LockError::Unreadable(format!("it is no JSON: {error}")))?;
    let packages = value["packages"].as_object().ok_or_else(|| {
        let found = &value["lockfileVersion"];
        LockError::Unreadable(format!("expected a lockfileVersion of 2 or 3, found {found}; npm 7 and newer write it"))
    })?;
    let id_at = |place: &str| -> Option<Id> {
        let package = packages.get(place)?;
        let name = package["name"].as_str().or_else(|| place.rsplit_once("node_modules/").map(|(_, name)| name))?;
        // What comes from a repository or a file has a version that the registry may have too, with other contents.
        let from = package["resolved"].as_str().unwrap_or_default();
        let elsewhere = ["git", "file"]
            .into_iter()
            .find(|kind| from.strip_prefix(kind).is_some_and(|rest| rest.starts_with(['+', ':'])));
        Some((name.to_owned(), elsewhere.or_else(|| package["version"].as_str())?.to_owned()))
    };
    let mut graph = Graph::new();
    for (place, package) in packages {
        let Some(id) = id_at(place).filter(|_| place.contains("node_modules/")) else { continue };
        let needs = package["dependencies"].as_object().into_iter().flatten();
        let needs = needs.filter_map(|(name, _)| {
            let found = folders_above(place).into_iter().find_map(|folder| id_at(&join(&folder, name)))?;
            Some((name.clone(), found))
        });
        graph.insert(id, needs.collect());
    }
    Ok(graph)
}

/// The versions 6 and 9 of its format. What stands in parentheses behind a version says for which peers it is.
fn of_pnpm(text: &str) -> Result<Graph, LockError> {
    let id_of = |text: &str| -> Option<Id> {
        let text = text.strip_prefix('/').unwrap_or(text);
        let text = text.split('(').next().unwrap_or_default();
        let at = text.rfind('@').filter(|at| *at > 0)?;
        Some((text[..at].to_owned(), text[at + 1..].to_owned()))
    };
    let version = lines(text).find(|line| line.key == "lockfileVersion").map_or("none", |line| line.value);
    let section = match version.split('.').next().unwrap_or_default() {
        "9" => "snapshots",
        "6" => "packages",
        _ => {
            let found = foreign(version);
            return Err(LockError::Unreadable(format!(
                "expected a lockfileVersion of 6 or 9, found {found}; pnpm 8 and newer write it"
            )));
        }
    };
    let mut graph = Graph::new();
    let (mut is_in_section, mut of, mut is_in_needs) = (false, None, false);
    for line in lines(text) {
        match line.indent {
            0 => is_in_section = line.key == section,
            _ if !is_in_section => {}
            2 => {
                of = id_of(line.key);
                if let Some(id) = &of {
                    graph.entry(id.clone()).or_default();
                }
            }
            4 => is_in_needs = line.key == "dependencies",
            6 if is_in_needs => {
                if let Some(needs) = of.as_ref().and_then(|id| graph.get_mut(id)) {
                    let version = line.value.split('(').next().unwrap_or_default();
                    // An alias has the package in its version.
                    let id = id_of(version).unwrap_or_else(|| (line.key.to_owned(), version.to_owned()));
                    needs.insert(line.key.to_owned(), id);
                }
            }
            _ => {}
        }
    }
    Ok(graph)
}

/// Both formats of yarn: a package with the ranges that it was asked for by.
fn of_yarn(text: &str) -> Graph {
    /// A range without the protocol that newer versions write.
    fn plain(range: &str) -> &str {
        range.strip_prefix("npm:").unwrap_or(range)
    }
    struct Entry {
        asked: Vec<(String, String)>,
        version: String,
        needs: Vec<(String, String)>,
    }
    let mut entries: Vec<Entry> = Vec::new();
    let mut is_in_needs = false;
    for line in lines(text) {
        match (line.indent, line.key) {
            (0, key) => {
                let key = key.replace('"', "");
                let asked = key.split(", ").filter_map(|one| {
                    let at = one.get(1..)?.find('@')? + 1;
                    Some((one[..at].to_owned(), plain(&one[at + 1..]).to_owned()))
                });
                entries.push(Entry { asked: asked.collect(), version: String::new(), needs: Vec::new() });
            }
            (2, "version") => {
                if let Some(entry) = entries.last_mut() {
                    line.value.clone_into(&mut entry.version);
                }
                is_in_needs = false;
            }
            (2, key) => is_in_needs = key == "dependencies",
            (4, name) if is_in_needs => {
                if let Some(entry) = entries.last_mut() {
                    entry.needs.push((name.to_owned(), plain(line.value).to_owned()));
                }
            }
            _ => {}
        }
    }
    let mut resolved: BTreeMap<(String, String), Id> = BTreeMap::new();
    for entry in &entries {
        for (name, range) in &entry.asked {
            resolved.insert((name.clone(), range.clone()), (name.clone(), entry.version.clone()));
        }
    }
    let mut graph = Graph::new();
    for entry in &entries {
        let Some((name, _)) = entry.asked.first() else { continue };
        let needs = entry.needs.iter().filter_map(|(name, range)| {
            let id = resolved.get(&(name.clone(), range.clone()))?;
            Some((name.clone(), id.clone()))
        });
        graph.insert((name.clone(), entry.version.clone()), needs.collect());
    }
    graph
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    // The samples were written by npm 11, pnpm 10, yarn 1.22 and yarn 4 for one project, which asks for @aws-crypto/util
    // 5.2.0 and @smithy/util-utf8 4.0.0; hashes and addresses are left out.
    #[rstest]
    #[case::npm(of_npm(include_str!("samples/package-lock.json")))]
    #[case::pnpm(of_pnpm(include_str!("samples/pnpm-lock.yaml")))]
    #[case::yarn_1(Ok(of_yarn(include_str!("samples/yarn-1.lock"))))]
    #[case::yarn_4(Ok(of_yarn(include_str!("samples/yarn-4.lock"))))]
    fn each_tool_names_the_same_packages(#[case] graph: Result<Graph, LockError>) {
        let graph = graph.expect("it is a lock");
        let root = ("@aws-crypto/util".to_owned(), "5.2.0".to_owned());
        let found = together(closure(&graph, &root).expect("it is whole"));
        let names: Vec<&str> = found.keys().map(String::as_str).collect();
        let expected = ["@aws-crypto/util", "@aws-sdk/types", "@smithy/is-array-buffer", "@smithy/types"];
        assert_eq!(names, [&expected[..], &["@smithy/util-buffer-from", "@smithy/util-utf8", "tslib"]].concat());
        // The project's own @smithy/util-utf8 is another one.
        assert_eq!(found["@smithy/util-utf8"], "2.3.0");
        assert_eq!(
            layout(&graph, &root).expect("it ends")["packages"]["node_modules/@smithy/util-utf8"]["version"],
            "2.3.0"
        );
    }

    fn graph(edges: &[(&str, &[&str])]) -> Graph {
        let id = |text: &str| {
            let (name, version) = text.split_once('@').expect("a name and a version");
            (name.to_owned(), version.to_owned())
        };
        let needs = |needs: &[&str]| needs.iter().map(|text| (id(text).0, id(text))).collect();
        edges.iter().map(|(of, all)| (id(of), needs(all))).collect()
    }

    #[test]
    fn every_package_finds_the_version_that_it_needs() {
        let graph = graph(&[
            ("sdk@1", &["a@1", "b@1", "c@1"]),
            ("a@1", &["c@2", "d@1"]),
            ("b@1", &["c@1"]),
            ("c@1", &[]),
            ("c@2", &["d@2"]),
            ("d@1", &["c@2"]),
            ("d@2", &["a@1"]),
        ]);
        let lock = layout(&graph, &("sdk".to_owned(), "1".to_owned())).expect("it ends");
        let packages = lock["packages"].as_object().expect("packages");
        for (place, package) in packages.iter().filter(|(place, _)| !place.is_empty()) {
            for (name, version) in package["dependencies"].as_object().expect("an object") {
                let found = folders_above(place).into_iter().find_map(|folder| packages.get(&join(&folder, name)));
                assert_eq!(found.map(|found| &found["version"]), Some(version), "{place} needs {name}");
            }
        }
    }

    #[rstest]
    #[case::npm(of_npm(r#"{"lockfileVersion":1,"dependencies":{}}"#), "expected a lockfileVersion of 2 or 3, found 1")]
    #[case::pnpm(of_pnpm("lockfileVersion: 5.4\n"), "expected a lockfileVersion of 6 or 9, found 5.4")]
    fn an_old_format_is_told(#[case] graph: Result<Graph, LockError>, #[case] expected: &str) {
        let error = graph.expect_err("it is too old").to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn packages_that_need_each_other_without_an_end_are_refused() {
        let graph = graph(&[
            ("sdk@1", &["a@1", "b@2"]),
            ("a@1", &["b@2"]),
            ("b@2", &["a@2"]),
            ("a@2", &["b@1"]),
            ("b@1", &["a@1"]),
        ]);
        let error = layout(&graph, &("sdk".to_owned(), "1".to_owned())).expect_err("it has no end").to_string();
        assert!(error.contains("those that sdk needs have no end"), "{error}");
    }

    #[rstest]
    #[case::a_repository("git+ssh://git@example.org/x.git#0123", true)]
    #[case::a_file("file:x.tgz", true)]
    #[case::the_registry("https://registry.npmjs.org/x/-/x-1.0.0.tgz", false)]
    #[case::a_folder_of_the_project("files", false)]
    fn what_is_of_no_registry_is_not_taken_for_the_version_there(#[case] resolved: &str, #[case] refused: bool) {
        let sdk = "@aws-sdk/client-redshift-serverless";
        let package = json!({ "version": "1.0.0", "resolved": resolved });
        let text = json!({ "lockfileVersion": 3, "packages": { format!("node_modules/{sdk}"): package } }).to_string();
        let driver = crate::sdk::drivers::driver_named("js-v3").expect("it is one of ours");
        assert_eq!(read(driver, Path::new("package-lock.json"), &text).is_err(), refused);
    }

    #[test]
    fn what_is_missing_is_told() {
        let error =
            closure(&graph(&[("sdk@1", &["a@1"])]), &("sdk".to_owned(), "1".to_owned())).expect_err("it is not whole");
        assert!(error.to_string().contains("a@1 is needed, and is not in the file"), "{error}");
    }
}
