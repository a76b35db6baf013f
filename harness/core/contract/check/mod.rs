//! Checks of the contract's files that the types of facts and shapes cannot express.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde::Deserialize as _;
use serde_json::{Value, json};

use super::facts::{Difference, Document, Documents, Evidence, Fact, PlacesBySource, Prose, Reading};
use super::files::{Place, each_value, pointer_below};
use super::revision::Holds;
use super::shapes::{Member, MemberKind, Structure};
use super::validators::compile;

/// The JSON pointer of a place, and what is wrong there.
pub(super) type ContractFault = (String, String);

/// Checks a condition; where it does not hold, the fault is at `at` and says `wrong`.
pub(super) fn ensure(holds: bool, at: impl Into<String>, wrong: fmt::Arguments<'_>) -> Result<(), ContractFault> {
    if holds { Ok(()) } else { Err((at.into(), wrong.to_string())) }
}

pub(super) fn version(found: u32) -> Result<(), ContractFault> {
    ensure(found == 1, "/version", format_args!("expected version 1, found {found}"))
}

/// Checks that every fact and every prose statement names a described source of the kind that its evidence needs.
pub(super) fn every_fact(document: &Value, documents: &Documents) -> Result<(), ContractFault> {
    each_value(Place::Document, document, &mut |at, value| {
        let evidence = value.get("evidence").and_then(|value| Evidence::deserialize(value).ok());
        let source = value.get("source").and_then(|value| PlacesBySource::deserialize(value).ok());
        let Some((evidence, source)) = evidence.zip(source) else { return Ok(()) };
        let holds = value.get("holds").and_then(|value| Holds::deserialize(value).ok()).unwrap_or_default();
        rests_on_a_source(&at.to_string(), evidence, holds, &source, documents)
    })
}

fn rests_on_a_source(
    at: &str,
    evidence: Evidence,
    holds: Holds,
    source: &PlacesBySource,
    documents: &Documents,
) -> Result<(), ContractFault> {
    are_described(&format!("{at}/source"), source.keys(), documents)?;
    let is_of_its_time =
        |document: &Document| document.until.is_none_or(|last| holds.until.is_some_and(|until| until <= last));
    let supports = |document: &Document| document.supports == Some(evidence) && is_of_its_time(document);
    let supporting = documents.iter().filter(|(_, document)| supports(document));
    let needed: Vec<&str> = supporting.map(|(id, _)| id.as_str()).collect();
    let found: Vec<&str> = source.keys().map(String::as_str).collect();
    let supported = if needed.is_empty() { !found.is_empty() } else { needed.iter().any(|id| found.contains(id)) };
    let needed = if needed.is_empty() { "a source".into() } else { needed.join(" or ") };
    let found = if found.is_empty() { "none".into() } else { found.join(", ") };
    let wrong = format_args!("expected {needed}, as the evidence demands, found {found}");
    ensure(supported, format!("{at}/source"), wrong)
}

fn are_described<'a>(
    at: &str,
    mut ids: impl Iterator<Item = &'a String>,
    documents: &Documents,
) -> Result<(), ContractFault> {
    let described = |id: &String| documents.contains_key(id);
    ids.try_for_each(|id| {
        ensure(described(id), format!("{at}/{id}"), format_args!("expected a source that /documents describes"))
    })
}

/// Checks the members and the prose of a structure; `shapes` are the names of the shapes that members can refer to.
pub(super) fn structure(at: &str, structure: &Structure, shapes: &[&str]) -> Result<(), ContractFault> {
    members(at, &structure.members, shapes)?;
    prose(at, &structure.prose, &structure.members)
}

/// Checks that members make sense; `shapes` are the names of the shapes that they can refer to.
pub(super) fn members(at: &str, members: &BTreeMap<String, Member>, shapes: &[&str]) -> Result<(), ContractFault> {
    for (name, member) in members {
        let at = pointer_below(&format!("{at}/members"), name);
        let says_both = member.meaning.is_some() && member.required.is_some();
        ensure(says_both, &at, format_args!("expected a member to say its meaning, and whether it is required"))?;
        value(&at, member, shapes)?;
        prose(&at, &member.prose, &BTreeMap::new())?;
    }
    Ok(())
}

/// Checks that a value has what its type needs, and nothing that belongs to another type.
fn value(at: &str, member: &Member, shapes: &[&str]) -> Result<(), ContractFault> {
    let length = |fact: &Option<Fact<u64>>| fact.as_ref().map(|fact| fact.is);
    let number = |fact: &Option<Fact<i64>>| fact.as_ref().map(|fact| fact.is);
    ordered(&format!("{at}/min_length/is"), length(&member.min_length), length(&member.max_length))?;
    ordered(&format!("{at}/minimum/is"), number(&member.minimum), number(&member.maximum))?;
    if let Some(pattern) = &member.pattern {
        compiles(&format!("{at}/pattern/is"), &pattern.is)?;
    }
    let kind = member.kind.is;
    let is_text = matches!(kind, MemberKind::String | MemberKind::Enumeration);
    let bounds = [
        ("min_length", member.min_length.is_some(), is_text || kind == MemberKind::List),
        ("max_length", member.max_length.is_some(), is_text || kind == MemberKind::List),
        ("minimum", member.minimum.is_some(), kind == MemberKind::Integer),
        ("maximum", member.maximum.is_some(), kind == MemberKind::Integer),
        ("pattern", member.pattern.is_some(), is_text),
        ("default", member.default.is_some(), kind == MemberKind::Integer),
    ];
    for (name, found, fits) in bounds {
        ensure(!found || fits, format!("{at}/{name}"), format_args!("expected no {name} beside this type"))?;
    }
    let belongings = [
        ("json_type", member.json_type.is_some(), kind == MemberKind::Timestamp),
        ("shape", member.shape.is_some(), kind == MemberKind::Structure),
        ("items", member.items.is_some(), matches!(kind, MemberKind::List | MemberKind::Map)),
        ("values", member.values.is_some(), kind == MemberKind::Enumeration),
    ];
    for (name, found, needed) in belongings {
        let expected = if needed { "expected" } else { "expected no" };
        ensure(found == needed, at, format_args!("{expected} {name} beside this type"))?;
    }
    if let Some(shape) = member.shape.as_deref() {
        let wrong = format_args!("expected a shape of the service, found \"{shape}\"");
        ensure(shapes.contains(&shape), format!("{at}/shape"), wrong)?;
    }
    member.items.as_ref().map_or(Ok(()), |items| value(&format!("{at}/items"), items, shapes))
}

pub(super) fn prose(
    at: &str,
    prose: &BTreeMap<String, Prose>,
    members: &BTreeMap<String, Member>,
) -> Result<(), ContractFault> {
    for (id, prose) in prose {
        let Some(reading) = &prose.reads_as else { continue };
        let at = format!("{}/reads_as", pointer_below(&format!("{at}/prose"), id));
        let is_empty = *reading == Reading::default();
        ensure(!is_empty, &at, format_args!("expected at least one constraint, found none"))?;
        ordered(&format!("{at}/min_length"), reading.min_length, reading.max_length)?;
        ordered(&format!("{at}/minimum"), reading.minimum, reading.maximum)?;
        if let Some(pattern) = &reading.pattern {
            compiles(&format!("{at}/pattern"), pattern)?;
        }
        for (index, name) in reading.any_of.iter().flatten().enumerate() {
            let wrong = format_args!("expected a member, found \"{name}\"");
            ensure(members.contains_key(name), format!("{at}/any_of/{index}"), wrong)?;
        }
    }
    Ok(())
}

fn ordered<T: PartialOrd + fmt::Display>(at: &str, min: Option<T>, max: Option<T>) -> Result<(), ContractFault> {
    let Some((min, max)) = min.zip(max) else { return Ok(()) };
    ensure(min <= max, at, format_args!("expected at most the maximum, {max}, found {min}"))
}

/// The longest pattern, in characters: the engine takes memory for each of them.
const PATTERN_LIMIT: usize = 1_000;

fn compiles(at: &str, pattern: &str) -> Result<(), ContractFault> {
    let length = pattern.chars().count();
    ensure(length <= PATTERN_LIMIT, at, format_args!("expected at most {PATTERN_LIMIT} characters, found {length}"))?;
    compile("of a pattern", &json!({ "pattern": pattern }))
        .map(drop)
        .map_err(|error| (at.to_owned(), format!("expected a regular expression, found {pattern:?}: {error}")))
}

/// Checks that words are in capitals, and that no word occurs twice or is also among `elsewhere`.
pub(super) fn reserved_words(at: &str, words: &[String], elsewhere: &[String]) -> Result<(), ContractFault> {
    let mut seen: HashSet<&String> = elsewhere.iter().collect();
    for (index, word) in words.iter().enumerate() {
        let at = format!("{at}/{index}");
        let is_capitals = !word.is_empty() && word.to_ascii_uppercase() == *word;
        ensure(is_capitals, &at, format_args!("expected a word in capitals, found \"{word}\""))?;
        ensure(seen.insert(word), at, format_args!("expected a new word, found \"{word}\" again"))?;
    }
    Ok(())
}

pub(super) fn differences(differences: &[Difference], raw: &Value, documents: &Documents) -> Result<(), ContractFault> {
    let mut ids = HashSet::new();
    for (index, difference) in differences.iter().enumerate() {
        let at = format!("/differences/{index}");
        let Difference { id, places, .. } = difference;
        ensure(ids.insert(id), format!("{at}/id"), format_args!("expected a new id, found \"{id}\" again"))?;
        let at = format!("{at}/places");
        ensure(!places.is_empty(), &at, format_args!("expected at least one place, found none"))?;
        for (pointer, statements) in places {
            place(&pointer_below(&at, pointer), pointer, statements, raw, documents)?;
        }
    }
    Ok(())
}

/// Checks a place of a difference: it exists, the sources differ there, and the shapes state what one of them says.
fn place(
    at: &str,
    pointer: &str,
    statements: &BTreeMap<String, Value>,
    raw: &Value,
    documents: &Documents,
) -> Result<(), ContractFault> {
    are_described(at, statements.keys(), documents)?;
    let Some(found) = raw.pointer(pointer) else {
        return Err((at.to_owned(), format!("expected the JSON pointer of a fact in this file, found \"{pointer}\"")));
    };
    let differ = statements.values().any(|value| Some(value) != statements.values().next());
    ensure(differ, at, format_args!("expected sources that differ, found that they all say the same"))?;
    // A prose statement has no single value to compare.
    let stated_value = found.get("is").or((!found.is_object()).then_some(found));
    let is_said = stated_value.is_none_or(|stated_value| statements.values().any(|value| value == stated_value));
    ensure(is_said, at, format_args!("expected that some source says what the shapes state, found none"))
}

#[cfg(test)]
mod tests;
