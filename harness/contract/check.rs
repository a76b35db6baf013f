//! What the types of facts and shapes cannot say: that they make sense.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::compile::compile_pattern;
use super::facts::{Difference, Documents, Evidence, Fact, Prose, Reading, Source};
use super::files::push;
use super::shapes::{Kind, Member, Structure};

/// Where, as a JSON pointer, and what is wrong.
pub(super) type Fault = (String, String);

/// A format has version 1.
pub(super) fn version(found: u32) -> Result<(), Fault> {
    if found == 1 { Ok(()) } else { Err(("/version".into(), format!("expected version 1, found {found}"))) }
}

/// A pointer to a member of what `at` points to.
pub(super) fn below(at: &str, name: &str) -> String {
    let mut pointer = at.to_owned();
    push(&mut pointer, name);
    pointer
}

/// Every fact and every prose statement, wherever it stands, has a described source that its evidence needs.
pub(super) fn every_fact(value: &Value, at: &mut String, documents: &Documents) -> Result<(), Fault> {
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

fn rests_on_a_source(at: &str, evidence: Evidence, source: &Source, documents: &Documents) -> Result<(), Fault> {
    if let Some(unknown) = source.keys().find(|document| !documents.contains_key(*document)) {
        return Err((format!("{at}/source/{unknown}"), "expected a source that /documents describes".into()));
    }
    let needed: Vec<&str> = documents
        .iter()
        .filter(|(_, document)| document.supports == Some(evidence))
        .map(|(id, _)| id.as_str())
        .collect();
    let supported = if needed.is_empty() {
        !source.is_empty()
    } else {
        needed.iter().any(|document| source.contains_key(*document))
    };
    if supported {
        return Ok(());
    }
    let needed = if needed.is_empty() { "a source".into() } else { needed.join(" or ") };
    let found: Vec<_> = source.keys().map(String::as_str).collect();
    let found = if found.is_empty() { "none".into() } else { found.join(", ") };
    Err((format!("{at}/source"), format!("expected {needed}, as the evidence demands, found {found}")))
}

pub(super) fn success_status(at: &str, status: &Fact<u16>) -> Result<(), Fault> {
    in_range(at, status.is, 200..=299, "a status of success, 200 to 299")
}

pub(super) fn error_status(at: &str, status: &Fact<u16>) -> Result<(), Fault> {
    in_range(at, status.is, 400..=599, "a status of an error, 400 to 599")
}

fn in_range(at: &str, status: u16, range: std::ops::RangeInclusive<u16>, expected: &str) -> Result<(), Fault> {
    if range.contains(&status) {
        return Ok(());
    }
    Err((format!("{at}/is"), format!("expected {expected}, found {status}")))
}

/// The members of a structure, whose own members have shapes of these names.
pub(super) fn structure(at: &str, structure: &Structure, shapes: &[&str]) -> Result<(), Fault> {
    members(at, &structure.members, shapes)?;
    prose(at, &structure.prose, &structure.members)
}

/// Members make sense, and those that are structures have shapes of these names.
pub(super) fn members(at: &str, members: &BTreeMap<String, Member>, shapes: &[&str]) -> Result<(), Fault> {
    for (name, member) in members {
        let at = below(&format!("{at}/members"), name);
        if member.meaning.is_none() || member.required.is_none() {
            return Err((at, "expected a member to say its meaning, and whether it is required".into()));
        }
        value(&at, member, shapes)?;
        prose(&at, &member.prose, &BTreeMap::new())?;
    }
    Ok(())
}

/// A value has what its type asks for, and nothing that belongs to another.
fn value(at: &str, member: &Member, shapes: &[&str]) -> Result<(), Fault> {
    let length = |fact: &Option<Fact<u64>>| fact.as_ref().map(|fact| fact.is);
    let number = |fact: &Option<Fact<i64>>| fact.as_ref().map(|fact| fact.is);
    ordered(&format!("{at}/min_length/is"), length(&member.min_length), length(&member.max_length))?;
    ordered(&format!("{at}/minimum/is"), number(&member.minimum), number(&member.maximum))?;
    if let Some(pattern) = &member.pattern {
        compiles(&format!("{at}/pattern/is"), &pattern.is)?;
    }
    let kind = member.kind.is;
    let belongings = [
        ("json_type", member.json_type.is_some(), kind == Kind::Timestamp),
        ("shape", member.shape.is_some(), kind == Kind::Structure),
        ("items", member.items.is_some(), matches!(kind, Kind::List | Kind::Map)),
        ("values", member.values.is_some(), kind == Kind::Enumeration),
    ];
    if let Some((name, _, needed)) = belongings.into_iter().find(|(_, found, needed)| found != needed) {
        let expected = if needed { "expected" } else { "expected no" };
        return Err((at.to_owned(), format!("{expected} {name} beside this type")));
    }
    if let Some(shape) = member.shape.as_deref().filter(|shape| !shapes.contains(shape)) {
        return Err((format!("{at}/shape"), format!("expected a shape of the service, found \"{shape}\"")));
    }
    member.items.as_ref().map_or(Ok(()), |items| value(&format!("{at}/items"), items, shapes))
}

pub(super) fn prose(
    at: &str,
    prose: &BTreeMap<String, Prose>,
    members: &BTreeMap<String, Member>,
) -> Result<(), Fault> {
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
pub(super) fn reserved_words(at: &str, words: &[String], elsewhere: &[String]) -> Result<(), Fault> {
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

pub(super) fn differences(differences: &[Difference], raw: &Value, documents: &Documents) -> Result<(), Fault> {
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
    said: &BTreeMap<String, Value>,
    raw: &Value,
    documents: &Documents,
) -> Result<(), Fault> {
    if let Some(unknown) = said.keys().find(|document| !documents.contains_key(*document)) {
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
mod tests;
