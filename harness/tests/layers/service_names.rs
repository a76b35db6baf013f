//! That the service is data: outside of the emulator and the drivers no code names it, an operation, a member or a
//! resource. What the code knows of them it reads from `fixtures/services`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{harness, in_its_library, is_test, read, sources};

/// What names the service because it is the service, or one of its clients; and the calls that get our own credentials,
/// in which AWS has members of the same names.
const OF_THE_SERVICE: [&str; 6] =
    ["servers/emulator/", "cli/serve/emulator.rs", "cli/credentials/", "drivers/", "sdk/drivers.rs", "benches/"];

/// Members and resources that are called by a word that everybody uses.
const ORDINARY: [&str; 13] = [
    "address",
    "database",
    "dbname",
    "endpoint",
    "key",
    "level",
    "message",
    "namespace",
    "port",
    "resource",
    "status",
    "tags",
    "value",
];

/// Errors that services of AWS have in common, in small letters: the code tells them apart for any service.
/// Source: Common Errors, and the same names in the models of other services.
const COMMON_ERRORS: [&str; 3] = ["accessdeniedexception", "conflictexception", "throttlingexception"];

/// Words of formats that were there before the service was data, each with the file that has it.
const OLD_WORDS: [(&str, &str); 1] = [("verdict/class.rs", "no-workgroup")];

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).expect("a file")).expect("JSON")
}

fn members(structure: &Value) -> impl Iterator<Item = String> {
    structure["members"].as_object().into_iter().flat_map(|members| members.keys().cloned())
}

/// A name in each way in which code may write it: as it is, and with its words apart.
fn spellings(name: &str) -> BTreeSet<String> {
    let mut words = vec![String::new()];
    for character in name.chars() {
        match character {
            ' ' | '-' | '_' => words.push(String::new()),
            upper if upper.is_ascii_uppercase() && words.last().is_some_and(|word| !word.is_empty()) => {
                words.push(upper.to_ascii_lowercase().to_string());
            }
            other => words.last_mut().expect("one word").push(other.to_ascii_lowercase()),
        }
    }
    ["", "-", "_", " "].map(|joint| words.join(joint)).into()
}

/// Every name of the service, of its operations, their members, its errors and its resources, in small letters.
fn names() -> BTreeSet<String> {
    let services = harness().join("../fixtures/services");
    let mut names = BTreeSet::new();
    for folder in fs::read_dir(services).expect("services").map(|entry| entry.expect("a folder").path()) {
        let service = json(&folder.join("service.json"));
        for fact in ["service_id", "signing_name", "target_prefix"] {
            names.extend(spellings(service[fact]["is"].as_str().expect("a fact")));
        }
        let shapes = service["shapes"].as_object().into_iter().flat_map(|shapes| shapes.values());
        let errors = service["errors"].as_object().into_iter().flat_map(|errors| errors.keys());
        names.extend(errors.flat_map(|error| spellings(error)));
        names.extend(shapes.flat_map(members).flat_map(|member| spellings(&member)));
        for resource in service["resources"].as_array().expect("a list") {
            names.extend(["id", "noun"].into_iter().flat_map(|key| spellings(resource[key].as_str().expect("a text"))));
        }
        for file in fs::read_dir(folder.join("operations")).expect("operations") {
            let operation = json(&file.expect("a file").path());
            names.extend(spellings(operation["name"]["is"].as_str().expect("a name")));
            let own = ["request", "response"].into_iter().flat_map(|part| members(&operation[part]));
            names.extend(own.flat_map(|member| spellings(&member)));
        }
    }
    names.retain(|name| !ORDINARY.contains(&name.as_str()) && !COMMON_ERRORS.contains(&name.as_str()));
    names
}

/// The names that a text has in it, as whole words.
fn found<'n>(text: &str, names: &'n BTreeSet<String>) -> Vec<&'n str> {
    let text = text.to_lowercase();
    let is_whole = |start: usize, end: usize| {
        let before = text[..start].chars().next_back();
        let behind = text[end..].chars().next();
        !before.is_some_and(|c| c.is_ascii_alphanumeric()) && !behind.is_some_and(|c| c.is_ascii_alphanumeric())
    };
    let has = |name: &&String| text.match_indices(name.as_str()).any(|(at, name)| is_whole(at, at + name.len()));
    names.iter().filter(has).map(String::as_str).collect()
}

#[test]
fn no_code_outside_of_the_emulator_and_the_drivers_names_what_is_data() {
    let names = names();
    assert!(names.len() > 60, "only {} names", names.len());
    let mut faults = Vec::new();
    for file in sources(&harness()).into_iter().filter(|file| !is_test(file)) {
        let path = in_its_library(&file).to_string_lossy().into_owned();
        if OF_THE_SERVICE.iter().any(|own| path.starts_with(own)) {
            continue;
        }
        let mut text = read(&file).text();
        for (_, word) in OLD_WORDS.iter().filter(|(of, _)| *of == path) {
            text = text.replace(word, "");
        }
        faults.extend(found(&text, &names).into_iter().map(|name| format!("{path} names {name}")));
    }
    let advice = "read it from the contract, or put a word that everybody uses into ORDINARY of this test";
    assert!(faults.is_empty(), "{}\n{advice}", faults.join("\n"));
}

#[test]
fn a_name_is_found_in_whatever_way_it_is_written() {
    let names = spellings("workgroupName");
    for text in ["\"workgroupName\"", "workgroup_name: &str", "--workgroup-name", "WORKGROUP_NAME", "a workgroup name"]
    {
        assert!(!found(text, &names).is_empty(), "{text}");
    }
    for text in ["workgroupNames", "a group's name"] {
        assert!(found(text, &names).is_empty(), "{text}");
    }
}
