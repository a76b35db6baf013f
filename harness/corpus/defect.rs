//! The format of the banks: deliberate faults and legal variants, as rewritings of request and answer.
//!
//! Start with [`Defect`]; [`Defects::load`] is the way in.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::num::NonZeroU64;

use globset::{Glob, GlobMatcher};
use regex::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::load::LoadErrors;
use crate::contract::{Contract, Fixtures, LoadError, REGISTER_FILE, Register, Side, parse};

/// The folder of the banks, below the fixtures folder.
const FOLDER: &str = "defects";

/// A file of faults and legal variants on one topic.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bank {
    /// The JSON Schema of this file, for editors.
    #[serde(rename = "$schema", default)]
    pub schema: Option<String>,
    /// The version of this format: 1.
    pub version: u32,
    /// The entries.
    pub defects: Vec<Defect>,
}

/// A deliberate fault of a server, or a legal variant of a right one, as a rewriting of what goes in
/// and of what comes out of a right server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Defect {
    /// Its name, in kebab-case.
    pub id: String,
    /// A fault, which must be found, or a legal variant, which must not be accused.
    pub kind: DefectKind,
    /// What such a server does, as a sentence.
    pub title: String,
    /// The requirements that it breaks; none for a legal variant.
    #[serde(default)]
    pub requirements: Vec<String>,
    /// Requirements that fall with those, as ids or globs such as `GC-ERR-*`.
    #[serde(default)]
    pub also: Vec<IdGlob>,
    /// Requirements that a legal variant leaves undecided, as ids or globs: those of which its answers
    /// say nothing.
    #[serde(default)]
    pub undecided: Vec<IdGlob>,
    /// Whether a self-test that does not find it is void; one defect has it.
    #[serde(default)]
    pub canary: bool,
    /// Which exchanges are rewritten; all where it is left out.
    #[serde(default)]
    pub when: When,
    /// What is changed about the request before the server sees it, in order.
    #[serde(default)]
    pub request: Vec<RequestChange>,
    /// What is changed about the answer, in order.
    #[serde(default)]
    pub response: Vec<ResponseChange>,
}

/// What an entry of a bank is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DefectKind {
    /// A fault: some requirement is broken.
    Defect,
    /// A right server that makes another use of what the documents leave open.
    Legal,
}

/// Conditions on an exchange; all must hold. Those on the answer hold back only changes of the answer.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// Only every so many-th of the exchanges that the request's conditions mean.
    #[serde(default)]
    pub every: Option<NonZeroU64>,
    /// The status that the right server answers with.
    #[serde(default)]
    pub status: Option<u16>,
    /// The error's name in the right server's answer.
    #[serde(default)]
    pub error: Option<String>,
    /// Conditions on members of the request's body, each by its name.
    #[serde(default)]
    pub members: BTreeMap<String, Condition>,
    /// What the request's method matches.
    #[serde(default)]
    pub method: Option<TextPattern>,
    /// What the request's path and query match.
    #[serde(default)]
    pub path: Option<TextPattern>,
    /// Header fields of the request and what they match; one that is not there is an empty text.
    #[serde(default)]
    pub headers: BTreeMap<String, TextPattern>,
    /// What the text of the request's body matches.
    #[serde(default)]
    pub body: Option<TextPattern>,
    /// What the request's body is.
    #[serde(default)]
    pub json: Option<BodyKind>,
    /// What is to be said of the request's signature.
    #[serde(default)]
    pub signature: Option<SignatureState>,
}

/// What a member of a request must be like. `null` is a value here: it is there, and of type `null`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Whether it is there. Any other condition needs it to be there.
    #[serde(default)]
    pub present: Option<bool>,
    /// Its JSON type is one of these.
    #[serde(default, rename = "type")]
    pub types: Vec<ValueKind>,
    /// It is a number, and this or more.
    #[serde(default)]
    pub from: Option<f64>,
    /// It is a number, and this or less.
    #[serde(default)]
    pub to: Option<f64>,
    /// It is a number with a fraction, or it has none.
    #[serde(default)]
    pub fraction: Option<bool>,
    /// It is a text of so many characters or more.
    #[serde(default)]
    pub min_length: Option<usize>,
    /// It is a text of so many characters or fewer.
    #[serde(default)]
    pub max_length: Option<usize>,
    /// It is a text that matches.
    #[serde(default)]
    pub matches: Option<TextPattern>,
    /// It is a text that does not match.
    #[serde(default)]
    pub lacks: Option<TextPattern>,
}

/// A type of JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ValueKind {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// A number.
    Number,
    /// A text.
    String,
    /// A list.
    List,
    /// An object.
    Object,
}

impl ValueKind {
    /// The type of a value.
    pub const fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::String,
            Value::Array(_) => Self::List,
            Value::Object(_) => Self::Object,
        }
    }
}

/// What a request's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BodyKind {
    /// No bytes.
    Empty,
    /// Bytes that are not JSON.
    Malformed,
    /// JSON that is no object.
    Other,
    /// A JSON object.
    Object,
}

/// What is to be said of a request's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureState {
    /// It is right.
    Valid,
    /// There is none.
    Missing,
    /// It cannot be read.
    Malformed,
    /// Nobody has its access key id.
    UnknownKey,
    /// It is for another region, service or day.
    Scope,
    /// Its date is too far away.
    Expired,
    /// It is not the one that the secret gives.
    Mismatch,
}

/// One change of a request. The text `${workgroup}` or `${custom_domain}` in a value is a name that
/// the right server has. A request that was rightly signed is signed anew; a wrongly signed one stays
/// as it is, unless its signature is taken.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RequestChange {
    /// Gives a member of the body a value.
    Set(Assignment),
    /// Takes a member from the body.
    Remove(String),
    /// Brings a number into a range.
    Clamp(Range),
    /// Drops the fraction of a number.
    Round(String),
    /// Cuts a text off behind so many characters.
    Truncate(Truncation),
    /// Replaces what matches in a text.
    Replace(Replacement),
    /// Gives it another method.
    Method(String),
    /// Gives it another path and query.
    Path(String),
    /// Sets or removes a header field.
    Header(HeaderChange),
    /// Gives it another body.
    Body(String),
    /// Signs it with the server's own credentials, whatever its signature is.
    TakeAnySignature,
}

/// One change of an answer; those of a member do nothing where it is not there.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ResponseChange {
    /// Gives a member of the body a value, whether it is there or not.
    Set(Assignment),
    /// Takes a member from the body.
    Remove(String),
    /// Gives a member another name.
    Rename(Renaming),
    /// Multiplies a number.
    Scale(Arithmetic),
    /// Adds to a number.
    Add(Arithmetic),
    /// Gives a value another JSON type.
    Cast(Cast),
    /// Puts text before and behind a text.
    Affix(Affix),
    /// Copies a text into a header field.
    CopyToHeader(HeaderCopy),
    /// Makes the body an object with one member, which holds what was the body.
    Wrap(String),
    /// Gives it another status.
    Status(u16),
    /// Sets or removes a header field; `transfer-encoding: chunked` sends the body in chunks.
    Header(HeaderChange),
    /// Gives it another body.
    Body(String),
    /// Answers with what the first such exchange was answered with.
    Replay,
}

/// A member and its new value.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// The member.
    pub member: String,
    /// The value.
    pub to: Value,
}

/// A member and the range that it is brought into.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The member.
    pub member: String,
    /// The least value.
    pub from: i64,
    /// The greatest value.
    pub to: i64,
}

/// A member and the length that it is cut to.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Truncation {
    /// The member.
    pub member: String,
    /// How many characters stay.
    pub length: usize,
}

/// A member and what is replaced in it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replacement {
    /// The member.
    pub member: String,
    /// What is replaced, everywhere.
    pub pattern: TextPattern,
    /// What stands there then.
    pub with: String,
}

/// A header field and its new value.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderChange {
    /// Its name.
    pub name: String,
    /// Its value; the field is removed where there is none.
    #[serde(default)]
    pub value: Option<String>,
}

/// A member and its new name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Renaming {
    /// The member.
    pub member: String,
    /// The new name.
    pub to: String,
}

/// A member and a number.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arithmetic {
    /// The member.
    pub member: String,
    /// The factor or the summand.
    pub by: f64,
}

/// A member and its new type.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cast {
    /// The member.
    pub member: String,
    /// What it becomes.
    pub to: CastTo,
}

/// What a value becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CastTo {
    /// A text: the JSON of what it was.
    Text,
    /// A number of epoch seconds as ISO 8601 text.
    IsoText,
    /// A number without its fraction.
    Integer,
    /// A list with one item.
    List,
}

/// A member and what is put around its text.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Affix {
    /// The member.
    pub member: String,
    /// What comes before it.
    #[serde(default)]
    pub before: String,
    /// What comes behind it.
    #[serde(default)]
    pub behind: String,
}

/// A member and the header field that its text goes to.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderCopy {
    /// The member.
    pub member: String,
    /// The header field.
    pub name: String,
}

/// A regular expression; it matches anywhere in a text unless it is anchored.
#[derive(Clone, Debug)]
pub struct TextPattern(Regex);

impl TextPattern {
    /// The expression.
    pub fn regex(&self) -> &Regex {
        &self.0
    }
}

impl<'de> Deserialize<'de> for TextPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Regex::new(&text).map(Self).map_err(|error| de::Error::custom(format_args!("not a pattern: {error}")))
    }
}

impl JsonSchema for TextPattern {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TextPattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "regex" })
    }
}

/// An id of a requirement, or a glob for several, such as `GC-ERR-*`.
#[derive(Clone, Debug)]
pub struct IdGlob(GlobMatcher);

impl IdGlob {
    /// Whether it stands for an id.
    pub fn fits(&self, id: &str) -> bool {
        self.0.is_match(id)
    }
}

impl fmt::Display for IdGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.glob().glob())
    }
}

impl Serialize for IdGlob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for IdGlob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let glob = Glob::new(&text).map_err(|error| de::Error::custom(format_args!("not a glob: {error}")))?;
        Ok(Self(glob.compile_matcher()))
    }
}

impl JsonSchema for IdGlob {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "IdGlob".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

impl fmt::Display for DefectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Defect => "defect",
            Self::Legal => "legal",
        })
    }
}

impl Defect {
    /// Whether a violation of a requirement is declared: tagged, or among those that fall with it.
    pub fn declares(&self, requirement: &str) -> bool {
        self.requirements.iter().any(|id| id == requirement) || self.also.iter().any(|also| also.fits(requirement))
    }
}

/// Every defect and legal variant, checked against the register. A run never needs them.
#[derive(Clone, Debug)]
pub struct Defects {
    entries: Vec<Defect>,
}

impl Defects {
    /// Reads and checks the banks.
    ///
    /// # Errors
    /// Everything that is wrong, each with its file and JSON pointer.
    pub fn load(fixtures: &Fixtures, contract: &Contract) -> Result<Self, LoadErrors> {
        let mut errors = Vec::new();
        let mut entries = Vec::new();
        let mut places: HashMap<String, String> = HashMap::new();
        for path in fixtures.list(FOLDER)? {
            let file = fixtures.name_of(&path);
            let bank = match fixtures.read(&path).and_then(|text| parse::<Bank>(&file, &text)) {
                Ok(bank) => bank,
                Err(error) => {
                    errors.push(error);
                    continue;
                }
            };
            if bank.version != 1 {
                errors.push(LoadError::new(&file, "/version", format!("expected version 1, found {}", bank.version)));
            }
            for (index, defect) in bank.defects.into_iter().enumerate() {
                let at = format!("/defects/{index}");
                let wrong = |(member, message)| LoadError::new(&file, format!("{at}/{member}"), message);
                errors.extend(check(&defect, &contract.register).into_iter().map(wrong));
                if let Some(first) = places.insert(defect.id.clone(), format!("{file} at {at}")) {
                    errors
                        .push(wrong(("id".to_owned(), format!("the id {} stands twice, first in {first}", defect.id))));
                }
                entries.push(defect);
            }
        }
        if errors.is_empty() { Ok(Self { entries }) } else { Err(LoadErrors(errors)) }
    }

    /// The entries, in the order of the files and of the entries in them.
    pub fn entries(&self) -> &[Defect] {
        &self.entries
    }

    /// What the banks leave unproven: counted `must` requirements that no defect is tagged with.
    ///
    /// # Errors
    /// Each such requirement, with its place in the register.
    pub fn check_complete(&self, fixtures: &Fixtures, register: &Register) -> Result<(), LoadErrors> {
        let broken: HashSet<&str> =
            self.entries.iter().flat_map(|entry| &entry.requirements).map(String::as_str).collect();
        let file = fixtures.name_of(REGISTER_FILE);
        let rows = register.requirements.iter().enumerate().filter(|(_, row)| row.side == Side::Server);
        let orphans = rows.filter(|(_, row)| row.counts() && !broken.contains(row.id.as_str()));
        let errors: Vec<_> = orphans
            .map(|(index, row)| {
                let message = format!(
                    "no defect breaks {}, so nothing shows that a server that breaks it is found; tag one in fixtures/defects",
                    row.id
                );
                LoadError::new(&file, format!("/requirements/{index}"), message)
            })
            .collect();
        if errors.is_empty() { Ok(()) } else { Err(LoadErrors(errors)) }
    }

    /// The entry with this id.
    pub fn get(&self, id: &str) -> Option<&Defect> {
        self.entries.iter().find(|defect| defect.id == id)
    }
}

/// What is wrong with an entry, each with the member at fault.
fn check(defect: &Defect, register: &Register) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    let mut fault = |at: String, message: String| faults.push((at, message));
    let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if defect.id.is_empty() || !defect.id.chars().all(kebab) {
        fault("id".to_owned(), format!("expected kebab-case, found \"{}\"", defect.id));
    }
    if defect.title.trim().is_empty() {
        fault("title".to_owned(), "it says nothing".to_owned());
    }
    if defect.request.is_empty() && defect.response.is_empty() {
        fault("response".to_owned(), "it changes neither request nor response".to_owned());
    }
    for (index, id) in defect.requirements.iter().enumerate() {
        if register.get(id).is_none_or(|row| row.side != Side::Server) {
            fault(format!("requirements/{index}"), format!("there is no requirement {id} on servers"));
        }
    }
    for (member, globs) in [("also", &defect.also), ("undecided", &defect.undecided)] {
        for (index, glob) in globs.iter().enumerate() {
            if !register.of_side(Side::Server).any(|row| glob.fits(&row.id)) {
                fault(format!("{member}/{index}"), format!("no requirement is meant by \"{glob}\""));
            }
        }
    }
    let accused = !defect.requirements.is_empty();
    match defect.kind {
        DefectKind::Defect if !accused => {
            fault(
                "requirements".to_owned(),
                "a defect breaks a requirement; a variant that breaks none is legal".into(),
            );
        }
        DefectKind::Defect if !defect.undecided.is_empty() => {
            let message = "a defect is found or not; only a legal variant leaves something undecided";
            fault("undecided".to_owned(), message.to_owned());
        }
        DefectKind::Legal if accused || !defect.also.is_empty() || defect.canary => {
            fault("kind".to_owned(), "a legal variant breaks no requirement and is no canary".to_owned());
        }
        _ => {}
    }
    faults
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn load(entries: &str) -> Result<Defects, LoadErrors> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join(FOLDER)).expect("a folder");
        let text = format!(r#"{{"version":1,"defects":[{entries}]}}"#);
        std::fs::write(folder.path().join("defects/a.json"), text).expect("a file");
        let contract = Contract::load(&Fixtures::Embedded).expect("the contract is valid");
        Defects::load(&Fixtures::Folder(folder.path().into()), &contract)
    }

    #[test]
    fn the_embedded_banks_load_and_break_every_counted_requirement() {
        let contract = Contract::load(&Fixtures::Embedded).expect("the contract is valid");
        let loaded = Defects::load(&Fixtures::Embedded, &contract);
        let complete = loaded.and_then(|banks| banks.check_complete(&Fixtures::Embedded, &contract.register));
        if let Err(errors) = complete {
            panic!("{errors}");
        }
    }

    #[rstest]
    #[case::id(r#"{"id":"A b","kind":"legal","title":"t","response":["replay"]}"#, "/defects/0/id")]
    #[case::no_change(r#"{"id":"a","kind":"legal","title":"t"}"#, "/defects/0/response")]
    #[case::untagged(r#"{"id":"a","kind":"defect","title":"t","response":["replay"]}"#, "/defects/0/requirements")]
    #[case::dangling(
        r#"{"id":"a","kind":"defect","title":"t","requirements":["GC-X-99"],"response":["replay"]}"#,
        "/defects/0/requirements/0"
    )]
    #[case::empty_glob(
        r#"{"id":"a","kind":"defect","title":"t","requirements":["GC-DUR-01"],"also":["GC-X-*"],"response":["replay"]}"#,
        "/defects/0/also/0"
    )]
    #[case::undecided_defect(
        r#"{"id":"a","kind":"defect","title":"t","requirements":["GC-DUR-01"],"undecided":["GC-DUR-02"],"response":["replay"]}"#,
        "/defects/0/undecided"
    )]
    #[case::empty_undecided(
        r#"{"id":"a","kind":"legal","title":"t","undecided":["GC-X-*"],"response":["replay"]}"#,
        "/defects/0/undecided/0"
    )]
    #[case::accusing_legal(
        r#"{"id":"a","kind":"legal","title":"t","requirements":["GC-DUR-01"],"response":["replay"]}"#,
        "/defects/0/kind"
    )]
    #[case::pattern(
        r#"{"id":"a","kind":"legal","title":"t","when":{"body":"("},"response":["replay"]}"#,
        "/defects/0/when/body"
    )]
    #[case::unknown_key(r#"{"id":"a","kind":"legal","title":"t","respond":["replay"]}"#, "/defects/0/respond")]
    fn a_wrong_entry_is_refused_with_its_place(#[case] entry: &str, #[case] pointer: &str) {
        let errors = load(entry).expect_err("the entry is wrong");
        assert_eq!(errors.0[0].pointer, pointer, "{errors}");
    }

    #[test]
    fn a_counted_requirement_that_no_defect_breaks_is_an_orphan() {
        let contract = Contract::load(&Fixtures::Embedded).expect("the contract is valid");
        let one = r#"{"id":"a","kind":"defect","title":"t","requirements":["GC-DUR-02"],"response":["replay"]}"#;
        let banks = load(one).expect("the entry is valid");
        let errors = banks.check_complete(&Fixtures::Embedded, &contract.register).expect_err("others are unbroken");
        let told: Vec<_> = errors.0.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|error| error.contains("no defect breaks GC-DUR-01,")), "{told:?}");
        assert!(!told.iter().any(|error| error.contains("no defect breaks GC-DUR-02,")), "{told:?}");
        // Neither what is below must, nor what waits for a feature, nor what is excluded.
        let uncounted = ["GC-PROTO-12", "GC-IAM-01", "GC-ERR-04"];
        assert!(!told.iter().any(|error| uncounted.iter().any(|id| error.contains(id))), "{told:?}");
    }

    #[test]
    fn an_id_that_stands_twice_is_refused() {
        let entry = r#"{"id":"a","kind":"legal","title":"t","response":["replay"]}"#;
        let errors = load(&format!("{entry},{entry}")).expect_err("the id stands twice");
        assert_eq!(errors.0[0].pointer, "/defects/1/id");
    }

    #[test]
    fn a_glob_declares_the_requirements_that_it_stands_for() {
        let defects = load(
            r#"{"id":"a","kind":"defect","title":"t","requirements":["GC-DUR-01"],"also":["GC-ERR-*"],"response":["replay"]}"#,
        );
        let defect = &defects.expect("the entry is valid").entries[0];
        assert!(defect.declares("GC-DUR-01") && defect.declares("GC-ERR-07"));
        assert!(!defect.declares("GC-DUR-02"));
    }
}
