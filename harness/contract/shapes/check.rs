//! What the types of the shapes cannot say: that they make sense.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::{Difference, Document, Fact, Member, Prose, Reading, Shapes, Source};
use crate::contract::Evidence;
use crate::contract::document::push;
use crate::contract::validators::compile_pattern;

/// Where, as a JSON pointer, and what is wrong.
type Fault = (String, String);

/// Checks the shapes against themselves; `raw` is the same file as plain JSON.
pub(super) fn check(shapes: &Shapes, raw: &Value) -> Result<(), Fault> {
    if shapes.version != 1 {
        return Err(("/version".into(), format!("expected version 1, found {}", shapes.version)));
    }
    every_fact(raw, &mut String::new(), &shapes.documents)?;
    success_status("/operation/status", &shapes.operation.status)?;
    prose("/operation", &shapes.operation.prose, &BTreeMap::new())?;
    for (at, structure) in [("/request", &shapes.request), ("/response", &shapes.response)] {
        members(at, &structure.members)?;
        prose(at, &structure.prose, &structure.members)?;
    }
    for (name, error) in &shapes.errors {
        let at = below("/errors", name);
        error_status(&format!("{at}/status"), &error.status)?;
        members(&at, &error.members)?;
    }
    for name in shapes.unlisted_errors.keys() {
        if shapes.errors.contains_key(name) {
            return Err((below("/unlisted_errors", name), "expected an error that is not also under /errors".into()));
        }
    }
    let undecided = &shapes.reserved_words.undecided.is;
    reserved_words("/reserved_words/undecided/is", undecided, &[])?;
    reserved_words("/reserved_words/words/is", &shapes.reserved_words.words.is, undecided)?;
    differences(&shapes.differences, raw, &shapes.documents)
}

/// A pointer to a member of what `at` points to.
fn below(at: &str, name: &str) -> String {
    let mut pointer = at.to_owned();
    push(&mut pointer, name);
    pointer
}

/// Every fact and every prose statement, wherever it stands, has a described source that its evidence needs.
fn every_fact(value: &Value, at: &mut String, documents: &Source) -> Result<(), Fault> {
    let fact = |value: &Value| -> Option<(Evidence, Source)> {
        let evidence = serde_json::from_value(value.get("evidence")?.clone()).ok()?;
        Some((evidence, serde_json::from_value(value.get("source")?.clone()).ok()?))
    };
    if let Some((evidence, source)) = fact(value) {
        rests_on_a_source(at, evidence, &source, documents)?;
    }
    let children: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (name, child) in children {
        let length = at.len();
        push(at, &name);
        every_fact(child, at, documents)?;
        at.truncate(length);
    }
    Ok(())
}

fn rests_on_a_source(at: &str, evidence: Evidence, source: &Source, documents: &Source) -> Result<(), Fault> {
    if let Some(unknown) = source.keys().find(|document| !documents.contains_key(document)) {
        return Err((format!("{at}/source/{unknown}"), "expected a source that /documents describes".into()));
    }
    let needed: &[Document] = match evidence {
        Evidence::Documented => &[Document::ApiReference, Document::Boto3],
        Evidence::Modelled => &[Document::ServiceModel],
        Evidence::Protocol => &[Document::Smithy],
        Evidence::Observed | Evidence::Sibling | Evidence::Inferred | Evidence::Conflict => &[],
    };
    let supported = if needed.is_empty() {
        !source.is_empty()
    } else {
        needed.iter().any(|document| source.contains_key(document))
    };
    if supported {
        return Ok(());
    }
    let needed: Vec<_> = needed.iter().map(|document| document.word()).collect();
    let needed = if needed.is_empty() { "a source".into() } else { needed.join(" or ") };
    let found: Vec<_> = source.keys().map(|document| document.word()).collect();
    let found = if found.is_empty() { "none".into() } else { found.join(", ") };
    Err((format!("{at}/source"), format!("expected {needed}, as the evidence demands, found {found}")))
}

fn success_status(at: &str, status: &Fact<u16>) -> Result<(), Fault> {
    in_range(at, status.is, 200..=299, "a status of success, 200 to 299")
}

fn error_status(at: &str, status: &Fact<u16>) -> Result<(), Fault> {
    in_range(at, status.is, 400..=599, "a status of an error, 400 to 599")
}

fn in_range(at: &str, status: u16, range: std::ops::RangeInclusive<u16>, expected: &str) -> Result<(), Fault> {
    if range.contains(&status) {
        return Ok(());
    }
    Err((format!("{at}/is"), format!("expected {expected}, found {status}")))
}

fn members(at: &str, members: &BTreeMap<String, Member>) -> Result<(), Fault> {
    for (name, member) in members {
        let at = below(&format!("{at}/members"), name);
        let is = |fact: &Option<Fact<u64>>| fact.as_ref().map(|fact| fact.is);
        ordered(&format!("{at}/min_length/is"), is(&member.min_length), is(&member.max_length))?;
        if let Some(pattern) = &member.pattern {
            compiles(&format!("{at}/pattern/is"), &pattern.is)?;
        }
        let timestamp = member.kind.is == super::Kind::Timestamp;
        if timestamp != member.json_type.is_some() {
            let expected = if timestamp { "json_type, since" } else { "no json_type, unless" };
            return Err((at, format!("expected {expected} the type is timestamp")));
        }
        prose(&at, &member.prose, &BTreeMap::new())?;
    }
    Ok(())
}

fn prose(at: &str, prose: &BTreeMap<String, Prose>, members: &BTreeMap<String, Member>) -> Result<(), Fault> {
    for (id, prose) in prose {
        let Some(reading) = &prose.reads_as else { continue };
        let at = format!("{}/reads_as", below(&format!("{at}/prose"), id));
        if *reading == Reading::default() {
            return Err((at, "expected at least one constraint, found none".into()));
        }
        ordered(&format!("{at}/min_length"), reading.min_length, reading.max_length)?;
        ordered(&format!("{at}/minimum"), reading.minimum, reading.maximum)?;
        if let Some(pattern) = &reading.pattern {
            compiles(&format!("{at}/pattern"), pattern)?;
        }
        for (index, name) in reading.any_of.iter().flatten().enumerate() {
            if !members.contains_key(name) {
                return Err((format!("{at}/any_of/{index}"), format!("expected a member, found \"{name}\"")));
            }
        }
    }
    Ok(())
}

fn ordered<T: Copy + PartialOrd + std::fmt::Display>(at: &str, min: Option<T>, max: Option<T>) -> Result<(), Fault> {
    match (min, max) {
        (Some(min), Some(max)) if min > max => {
            Err((at.to_owned(), format!("expected at most the maximum, {max}, found {min}")))
        }
        _ => Ok(()),
    }
}

fn compiles(at: &str, pattern: &str) -> Result<(), Fault> {
    compile_pattern(pattern)
        .map_err(|error| (at.to_owned(), format!("expected a regular expression, found {pattern:?}: {error}")))
}

/// Words are in capitals, none stands twice, and none also among `elsewhere`.
fn reserved_words(at: &str, words: &[String], elsewhere: &[String]) -> Result<(), Fault> {
    let mut seen: HashSet<&String> = elsewhere.iter().collect();
    for (index, word) in words.iter().enumerate() {
        if word.is_empty() || word.to_ascii_uppercase() != *word {
            return Err((format!("{at}/{index}"), format!("expected a word in capitals, found \"{word}\"")));
        }
        if !seen.insert(word) {
            return Err((format!("{at}/{index}"), format!("expected a new word, found \"{word}\" again")));
        }
    }
    Ok(())
}

fn differences(differences: &[Difference], raw: &Value, documents: &Source) -> Result<(), Fault> {
    let mut ids = HashSet::new();
    for (index, difference) in differences.iter().enumerate() {
        let at = format!("/differences/{index}");
        if !ids.insert(&difference.id) {
            return Err((format!("{at}/id"), format!("expected a new id, found \"{}\" again", difference.id)));
        }
        if difference.places.is_empty() {
            return Err((format!("{at}/places"), "expected at least one place, found none".into()));
        }
        for (pointer, said) in &difference.places {
            place(&below(&format!("{at}/places"), pointer), pointer, said, raw, documents)?;
        }
    }
    Ok(())
}

/// A place of a difference exists, the sources do differ there, and the shapes side with one of them.
fn place(
    at: &str,
    pointer: &str,
    said: &BTreeMap<Document, Value>,
    raw: &Value,
    documents: &Source,
) -> Result<(), Fault> {
    if let Some(unknown) = said.keys().find(|document| !documents.contains_key(document)) {
        return Err((format!("{at}/{unknown}"), "expected a source that /documents describes".into()));
    }
    let Some(found) = raw.pointer(pointer) else {
        return Err((at.to_owned(), format!("expected the JSON pointer of a fact in this file, found \"{pointer}\"")));
    };
    let mut values = said.values();
    let first = values.next();
    if values.all(|value| Some(value) == first) {
        return Err((at.to_owned(), "expected sources that differ, found that they all say the same".into()));
    }
    // A prose statement has no single value to compare.
    let stated = found.get("is").or((!found.is_object()).then_some(found));
    if stated.is_some_and(|stated| !said.values().any(|value| value == stated)) {
        return Err((at.to_owned(), "expected that some source says what the shapes state, found none".into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::contract::Fixtures;

    /// Loads the shapes with one place changed; a null takes the place away.
    fn load_with(pointer: &str, value: Value) -> Result<Shapes, crate::contract::LoadError> {
        let text = Fixtures::Embedded.read(Shapes::PATH).expect("the shapes are compiled in");
        let mut raw: Value = serde_json::from_str(&text).expect("the shapes are JSON");
        let (parent, name) = pointer.rsplit_once('/').expect("the pointer is not empty");
        let name = name.replace("~1", "/");
        match raw.pointer_mut(parent).expect("the parent is there") {
            Value::Object(members) if value.is_null() => drop(members.remove(&name)),
            Value::Object(members) => drop(members.insert(name, value)),
            Value::Array(items) => items[name.parse::<usize>().expect("an index")] = value,
            _ => panic!("{parent} has no members"),
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join("shapes")).expect("a folder in it");
        std::fs::write(folder.path().join(Shapes::PATH), raw.to_string()).expect("a file in it");
        Shapes::load(&Fixtures::Folder(folder.path().to_owned()))
    }

    const DOMAIN: &str = "/request/members/customDomainName";

    #[rstest]
    #[case::version("/version", json!(2), "/version", "expected version 1, found 2")]
    #[case::unknown_member("/operation/colour", json!("red"), "/operation/colour", "unknown field")]
    #[case::success_status("/operation/status/is", json!(404), "/operation/status/is", "200 to 299, found 404")]
    #[case::error_status(
        "/errors/ValidationException/status/is", json!(200),
        "/errors/ValidationException/status/is", "400 to 599, found 200",
    )]
    #[case::pattern(
        "/request/members/workgroupName/pattern/is", json!("["),
        "/request/members/workgroupName/pattern/is", "expected a regular expression, found \"[\"",
    )]
    #[case::prose_pattern(
        "/request/members/dbName/prose/characters/reads_as/pattern", json!("("),
        "/request/members/dbName/prose/characters/reads_as/pattern", "expected a regular expression",
    )]
    #[case::lengths(
        "/request/members/customDomainName/min_length/is", json!(254),
        "/request/members/customDomainName/min_length/is", "at most the maximum, 253, found 254",
    )]
    #[case::prose_range(
        "/request/members/durationSeconds/prose/range/reads_as/minimum", json!(3601),
        "/request/members/durationSeconds/prose/range/reads_as/minimum", "at most the maximum, 3600, found 3601",
    )]
    #[case::empty_reading(
        "/request/members/durationSeconds/prose/range/reads_as", json!({}),
        "/request/members/durationSeconds/prose/range/reads_as", "at least one constraint",
    )]
    #[case::unknown_name(
        "/request/prose/one-name/reads_as/any_of/0", json!("domain"),
        "/request/prose/one-name/reads_as/any_of/0", "expected a member, found \"domain\"",
    )]
    #[case::timestamp_form(
        "/response/members/expiration/json_type",
        Value::Null,
        "/response/members/expiration",
        "expected json_type"
    )]
    #[case::twice("/reserved_words/words/is/1", json!("AES128"), "/reserved_words/words/is/1", "\"AES128\" again")]
    #[case::small("/reserved_words/words/is/1", json!("all"), "/reserved_words/words/is/1", "a word in capitals")]
    #[case::undecided_and_reserved(
        "/reserved_words/words/is/1", json!("CONNECT"), "/reserved_words/words/is/1", "\"CONNECT\" again",
    )]
    #[case::source_not_described(
        "/documents/smithy",
        Value::Null,
        "/operation/method/source/smithy",
        "a source that /documents describes"
    )]
    #[case::source_missing(
        "/operation/method/source/service-model",
        Value::Null,
        "/operation/method/source",
        "expected service-model, as the evidence demands, found smithy"
    )]
    #[case::listed_and_unlisted(
        "/unlisted_errors/ValidationException",
        json!({
            "meaning": { "is": "x", "evidence": "inferred", "source": { "service-model": "x" } },
            "members": { "is": [], "evidence": "modelled", "source": { "service-model": "x" } }
        }),
        "/unlisted_errors/ValidationException", "not also under /errors",
    )]
    #[case::same_difference("/differences/1/id", json!("common-errors-outside-the-list"), "/differences/1/id", "again")]
    #[case::no_place("/differences/1/places", json!({}), "/differences/1/places", "expected at least one place")]
    #[case::points_nowhere(
        "/differences/1/places/~1request~1nowhere", json!({ "boto3": 1, "smithy": 2 }),
        "/differences/1/places/~1request~1nowhere", "expected the JSON pointer of a fact",
    )]
    #[case::no_difference(
        "/differences/1/places/~1operation~1status", json!({ "boto3": 200, "api-reference": 200 }),
        "/differences/1/places/~1operation~1status", "they all say the same",
    )]
    #[case::nobody_says_so(
        "/differences/1/places/~1operation~1status", json!({ "boto3": 201, "api-reference": 202 }),
        "/differences/1/places/~1operation~1status", "some source says what the shapes state",
    )]
    fn shapes_that_contradict_themselves_are_refused_with_the_place(
        #[case] change: &str,
        #[case] value: Value,
        #[case] pointer: &str,
        #[case] message: &str,
    ) {
        let error = load_with(change, value).expect_err("the change breaks the shapes");
        assert!(error.file.ends_with(Shapes::PATH), "{error}");
        assert_eq!(error.pointer, pointer, "{error}");
        assert!(error.message.contains(message), "{error}");
    }

    #[test]
    fn the_shapes_of_this_build_load() {
        let shapes = Shapes::load(&Fixtures::Embedded).expect("they load");
        let unchanged = load_with(&format!("{DOMAIN}/max_length/is"), json!(253)).expect("they load");
        assert_eq!(shapes, unchanged);
    }

    #[test]
    fn there_are_156_reserved_words_and_3_undecided_ones() {
        // The count of the developer guide's current table, and of what its 2023 revision had besides.
        let words = Shapes::load(&Fixtures::Embedded).expect("they load").reserved_words;
        assert_eq!((words.words.is.len(), words.undecided.is.len()), (156, 3));
        assert!(words.contains("select") && words.contains("SELECT"));
        assert!(!words.contains("CONNECT") && !words.contains("dev"));
    }
}
