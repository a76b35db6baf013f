use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use countersign_fixtures::FIXTURES;
use include_dir::{Dir, File};
use serde::Deserialize;
use serde::de::{self, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_path_to_error::{Path as ErrorPath, Segment};

use super::check::ContractFault;
use crate::files::read_text;
use crate::text::{FOREIGN_LIMIT, file_name, foreign, is_plain};

/// The fixtures that were compiled in, by their paths: `include_dir` compares paths one by one, part by part.
static EMBEDDED_FILES: LazyLock<BTreeMap<&str, &File<'_>>> = LazyLock::new(|| {
    fn collect(folder: &'static Dir<'static>, into: &mut BTreeMap<&str, &File<'static>>) {
        into.extend(folder.files().filter_map(|file| Some((file.path().to_str()?, file))));
        folder.dirs().for_each(|inner| collect(inner, into));
    }
    let mut files = BTreeMap::new();
    collect(&FIXTURES, &mut files);
    files
});

/// Where fixtures come from: the ones compiled in, or a folder laid out the same way.
#[derive(Clone, Debug, Default)]
pub enum Fixtures {
    /// The fixtures that this build was made with. They are not checked again: the tests of this build check them.
    #[default]
    Embedded,
    /// The fixtures that this build was made with, checked like those of a folder.
    EmbeddedToCheck,
    /// A folder with `services/`, `requirements.json`, `server/`, `replies/`.
    Folder(PathBuf),
    /// Fixtures that were loaded in another revision, so that each file by itself is right. What the files say together
    /// depends on the revision, and is checked again.
    ReadBefore(Box<Self>),
}

impl Fixtures {
    /// The text of one file, named by its path below the fixtures folder.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be read or is not UTF-8.
    pub fn read(&self, path: &str) -> Result<String, LoadError> {
        let file = self.name_of(path);
        match self {
            Self::Embedded | Self::EmbeddedToCheck => EMBEDDED_FILES
                .get(path)
                .and_then(|file| file.contents_utf8())
                .map(str::to_owned)
                .ok_or_else(|| LoadError::new(&file, "", "there is no such fixture in this build")),
            Self::ReadBefore(fixtures) => fixtures.read(path),
            Self::Folder(root) if !root.is_dir() => Err(no_fixtures(root)),
            Self::Folder(root) => read_text(&root.join(path))
                .map_err(|error| LoadError::new(&file, "", format!("cannot read the file: {error}"))),
        }
    }

    /// The paths of the JSON files directly in a folder, in the order of their names; empty where there is no such
    /// folder.
    ///
    /// # Errors
    /// When the folder is there and cannot be listed.
    pub fn list(&self, folder: &str) -> Result<Vec<String>, LoadError> {
        let mut paths = self.entries(folder)?;
        paths.retain(|path| Path::new(path).extension().is_some_and(|extension| extension == "json"));
        Ok(paths)
    }

    /// The paths of the folders directly in a folder, in the order of their names; empty where there is no such folder.
    ///
    /// # Errors
    /// When the folder is there and cannot be listed, or there are no fixtures at all.
    pub fn folders(&self, folder: &str) -> Result<Vec<String>, LoadError> {
        let mut paths = self.entries(folder)?;
        match self {
            Self::Embedded | Self::EmbeddedToCheck => paths.retain(|path| FIXTURES.get_dir(path).is_some()),
            Self::ReadBefore(fixtures) => return fixtures.folders(folder),
            Self::Folder(root) if !root.is_dir() => return Err(no_fixtures(root)),
            Self::Folder(root) => paths.retain(|path| root.join(path).is_dir()),
        }
        Ok(paths)
    }

    /// The entries of a folder as paths below the fixtures folder, sorted; empty where there is no such folder.
    fn entries(&self, folder: &str) -> Result<Vec<String>, LoadError> {
        let unreadable =
            |error: io::Error| LoadError::new(&self.name_of(folder), "", format!("cannot list the folder: {error}"));
        let mut paths: Vec<String> = match self {
            Self::Embedded | Self::EmbeddedToCheck => {
                let inside = FIXTURES.get_dir(folder).into_iter().flat_map(Dir::entries);
                inside.map(|entry| entry.path().to_string_lossy().into_owned()).collect()
            }
            Self::ReadBefore(fixtures) => return fixtures.entries(folder),
            Self::Folder(root) if !root.join(folder).exists() => Vec::new(),
            Self::Folder(root) => std::fs::read_dir(root.join(folder))
                .map_err(unreadable)?
                .map(|entry| Ok(format!("{folder}/{}", entry.map_err(unreadable)?.file_name().to_string_lossy())))
                .collect::<Result<_, _>>()?,
        };
        paths.sort();
        Ok(paths)
    }

    /// The name of a file in messages: `fixtures/server/success.json`.
    pub fn name_of(&self, path: &str) -> String {
        match self {
            Self::Embedded | Self::EmbeddedToCheck => format!("fixtures/{path}"),
            Self::ReadBefore(fixtures) => fixtures.name_of(path),
            Self::Folder(root) => file_name(&root.join(path)),
        }
    }

    /// Whether they must be checked when they are loaded.
    pub fn need_checks(&self) -> bool {
        !matches!(self, Self::Embedded)
    }

    /// Whether each file by itself must be checked too.
    fn need_checks_of_files(&self) -> bool {
        matches!(self, Self::EmbeddedToCheck | Self::Folder(_))
    }

    /// Reads one file as a strict JSON document.
    ///
    /// # Errors
    /// When the file cannot be read, or the errors of [`parse`].
    pub fn parse<T: DeserializeOwned>(&self, path: &str) -> Result<T, LoadError> {
        let (file, text) = (self.name_of(path), self.read(path)?);
        if self.need_checks_of_files() { parse(&file, &text) } else { read(&file, &text) }
    }
}

/// The error for a path that is not a folder.
fn no_fixtures(root: &Path) -> LoadError {
    let message = "expected a folder with requirements.json, services/, server/ and replies/, found none";
    LoadError::new(&file_name(root), "", message)
}

/// A fixture that cannot be used: the file, the place in it (a JSON pointer), and what is wrong. All three may hold
/// text of the fixture's author; [`fmt::Display`] escapes it, and shortens it if it is long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// The file.
    pub file: String,
    /// The JSON pointer of the place, empty for the whole file.
    pub pointer: String,
    /// What is wrong, and what is expected there.
    pub message: String,
}

impl LoadError {
    /// An error at a place in a file.
    pub fn new(file: &str, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), pointer: pointer.into(), message: message.into() }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [file, pointer, message] = [&self.file, &self.pointer, &self.message].map(|part| foreign(part));
        if pointer.is_empty() { write!(f, "{file}: {message}") } else { write!(f, "{file} at {pointer}: {message}") }
    }
}

impl std::error::Error for LoadError {}

/// Reads a strict JSON document: no duplicate keys anywhere, and only the members that `T` knows.
///
/// # Errors
/// The first place where the text is not JSON, repeats a key, or is not a `T`.
pub fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, LoadError> {
    Ok(parse_both(file, text)?.0)
}

/// The same, and the document as plain JSON.
fn parse_both<T: DeserializeOwned>(file: &str, text: &str) -> Result<(T, Value), LoadError> {
    // Duplicate keys need a pass of their own: values that are kept as raw JSON text would hide them.
    let UniqueKeys(document) = read(file, text)?;
    Ok((read(file, text)?, document))
}

/// Reads a file of the contract. Checks it, unless the fixtures need no checks. People read all of its texts, so
/// each must be readable. `check` gets the parsed value, and the same file as plain JSON.
pub(super) fn read_checked<T: DeserializeOwned>(
    fixtures: &Fixtures,
    path: &str,
    check: impl FnOnce(&T, &Value) -> Result<(), ContractFault>,
) -> Result<T, LoadError> {
    if !fixtures.need_checks_of_files() {
        return fixtures.parse(path);
    }
    let file = fixtures.name_of(path);
    let (value, raw) = parse_both(&file, &fixtures.read(path)?)?;
    check_readable(&file, &raw)?;
    check(&value, &raw).map_err(|(pointer, message)| LoadError::new(&file, pointer, message))?;
    Ok(value)
}

fn read<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, LoadError> {
    // Following the place costs as much again as reading. Only a faulty text is read a second time for it.
    serde_json::from_str(text).map_err(|error| {
        let mut json = serde_json::Deserializer::from_str(text);
        match serde_path_to_error::deserialize::<_, T>(&mut json) {
            Err(placed) => LoadError::new(file, pointer(placed.path()), placed.inner().to_string()),
            // The fault stands behind the value.
            Ok(_) => LoadError::new(file, "", error.to_string()),
        }
    })
}

/// Why a text of a fixture, such as a title, cannot be shown as it is in a list, on a terminal or in a report. It has
/// control or invisible characters, line breaks, text that a CI service takes for a command, or more than 1,000
/// characters. `None` if it can be shown. A text that must be able to hold anything, such as a body, is not checked.
pub fn unreadable(text: &str) -> Option<String> {
    if is_plain(text) && text.len() <= FOREIGN_LIMIT {
        return None;
    }
    let escaped = foreign(text);
    if escaped == text {
        return None;
    }
    Some(match text.chars().count() {
        many if many > FOREIGN_LIMIT => format!("expected at most {FOREIGN_LIMIT} characters, found {many}"),
        _ => format!(
            "expected one line without control and invisible characters, and no command to a CI service, found \"{escaped}\""
        ),
    })
}

/// Checks every text of a document with [`unreadable`], keys included.
///
/// # Errors
/// The first unreadable text, with its place.
fn check_readable(file: &str, document: &Value) -> Result<(), LoadError> {
    each_value(Place::Document, document, &mut |at, value| {
        let mut unreadable = [at.name()].into_iter().chain(value.as_str()).filter_map(unreadable);
        unreadable.next().map_or(Ok(()), |message| Err(LoadError::new(file, at.to_string(), message)))
    })
}

/// A place in a document: the way to it from the whole document. Shown as a JSON pointer (RFC 6901).
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    /// The whole document.
    Document,
    /// A member of the object at a place.
    Member(&'a Place<'a>, &'a str),
    /// An item of the array at a place.
    Item(&'a Place<'a>, usize),
}

impl Place<'_> {
    /// The name of the member; empty if it is none.
    pub(super) fn name(&self) -> &str {
        if let Self::Member(_, name) = self { name } else { "" }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document => Ok(()),
            Self::Member(within, name) => write!(f, "{}", pointer_below(&within.to_string(), name)),
            Self::Item(within, index) => write!(f, "{within}/{index}"),
        }
    }
}

/// Calls `look` for a value and for every value in it, with the place of each.
pub(super) fn each_value<E>(
    at: Place<'_>,
    value: &Value,
    look: &mut impl FnMut(Place<'_>, &Value) -> Result<(), E>,
) -> Result<(), E> {
    look(at, value)?;
    match value {
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.try_for_each(|(index, item)| each_value(Place::Item(&at, index), item, look))
        }
        Value::Object(members) => {
            members.iter().try_for_each(|(name, member)| each_value(Place::Member(&at, name), member, look))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

/// The JSON pointer (RFC 6901) of the member `name` of the value at `at`.
pub(super) fn pointer_below(at: &str, name: &str) -> String {
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// A path into a document as a JSON pointer.
fn pointer(path: &ErrorPath) -> String {
    path.iter().fold(String::new(), |at, segment| match segment {
        Segment::Seq { index } => format!("{at}/{index}"),
        Segment::Map { key } => pointer_below(&at, key),
        Segment::Enum { .. } | Segment::Unknown => at,
    })
}

/// A JSON value whose objects have no key twice.
struct UniqueKeys(Value);

impl<'de> Deserialize<'de> for UniqueKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueKeysVisitor)
    }
}

struct UniqueKeysVisitor;

/// The methods for values without keys: there is nothing to check in them.
macro_rules! scalars {
    ($($visit:ident: $value:ty),*) => {
        $(fn $visit<E>(self, value: $value) -> Result<UniqueKeys, E> { Ok(UniqueKeys(value.into())) })*
    };
}

impl<'de> Visitor<'de> for UniqueKeysVisitor {
    type Value = UniqueKeys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<UniqueKeys, A::Error> {
        let mut members = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if members.contains_key(&key) {
                return Err(de::Error::custom(format_args!("the key \"{key}\" stands here twice")));
            }
            let UniqueKeys(value) = map.next_value()?;
            members.insert(key, value);
        }
        Ok(UniqueKeys(members.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<UniqueKeys, A::Error> {
        let mut items = Vec::new();
        while let Some(UniqueKeys(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(UniqueKeys(items.into()))
    }

    scalars! { visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str, visit_string: String }

    fn visit_unit<E>(self) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys(Value::Null))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rstest::rstest;

    use super::*;
    use crate::contract::SourcePlace;

    #[rstest]
    #[case::not_json("{", "", "EOF")]
    #[case::trailing(r#"{"inner":[]} x"#, "", "trailing")]
    #[case::duplicate(
        r#"{"inner":[{"place":"a"},{"place":"a","place":"b"}]}"#,
        "/inner/1",
        "\"place\" stands here twice"
    )]
    #[case::unknown(r#"{"inner":[{"document":"a","width":2}]}"#, "/inner/0/width", "unknown field")]
    #[case::missing(r#"{"inner":[{}]}"#, "/inner/0", "missing field")]
    #[case::wrong_type(r#"{"inner":[{"document":1}]}"#, "/inner/0/document", "expected a string")]
    fn an_error_names_file_and_pointer(#[case] text: &str, #[case] pointer: &str, #[case] message: &str) {
        let error = parse::<BTreeMap<String, Vec<SourcePlace>>>("a.json", text).expect_err("the text is wrong");
        assert_eq!(error.file, "a.json");
        assert_eq!(error.pointer, pointer, "{error}");
        assert!(error.message.contains(message), "{error}");
    }

    #[rstest]
    #[case::plain("{\"a\":[\"b c\",{\"d\":1}]}", None)]
    #[case::codes("{\"a\":[\"b\",\"\\u001b[31m\"]}", Some("/a/1"))]
    #[case::a_key("{\"a\":{\"\\u202e\":1}}", Some("/a/\u{202e}"))]
    #[case::two_lines("{\"a\":\"b\\nc\"}", Some("/a"))]
    #[case::a_command("[\"::error::b\"]", Some("/0"))]
    fn a_text_that_nobody_can_read_is_refused_with_its_place(#[case] text: &str, #[case] pointer: Option<&str>) {
        let document = serde_json::from_str(text).expect("JSON");
        let found = check_readable("a.json", &document).err().map(|error| error.pointer);
        assert_eq!(found.as_deref(), pointer);
    }

    #[test]
    fn a_text_may_have_as_many_characters_as_are_shown() {
        assert_eq!(unreadable(&"é".repeat(FOREIGN_LIMIT)), None);
        let long = unreadable(&"é".repeat(FOREIGN_LIMIT + 1));
        assert_eq!(long.as_deref(), Some("expected at most 1000 characters, found 1001"));
    }

    #[test]
    fn what_was_read_before_is_not_read_strictly_again() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("a.json"), r#"{"a":1,"a":2}"#).expect("it can be written");
        let fixtures = Fixtures::Folder(folder.path().to_owned());
        let parsed = |fixtures: &Fixtures| fixtures.parse::<BTreeMap<String, Value>>("a.json");
        assert!(parsed(&fixtures).expect_err("a key stands twice").message.contains("twice"));
        let again = Fixtures::ReadBefore(fixtures.into());
        assert_eq!(parsed(&again).expect("JSON")["a"], 2);
        assert!(again.need_checks(), "what the files say together is checked in each revision");
    }

    #[test]
    fn a_missing_folder_lists_nothing_and_is_named_as_a_missing_file_is() {
        let fixtures = Fixtures::Folder("/nonexistent".into());
        assert_eq!(fixtures.list("server"), Ok(Vec::new()));
        let error = fixtures.read("requirements.json").expect_err("there is no such folder");
        assert_eq!(error.file, "/nonexistent");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let error = Fixtures::Folder(folder.path().to_owned()).read("requirements.json").expect_err("it is empty");
        assert_eq!(error.file, file_name(&folder.path().join("requirements.json")));
    }
}
