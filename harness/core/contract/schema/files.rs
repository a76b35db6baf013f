//! Schemas as files: making them, writing them, finding out whether the files are current.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use crate::files;
use crate::text::{self, foreign};

/// Schemas by file name, in the order in which the files are listed.
pub type Schemas = BTreeMap<String, Value>;

/// How the name of every schema's file ends.
const ENDING: &str = ".schema.json";

/// The name of a schema's file: `GetCredentialsRequest.schema.json`.
pub fn file_name(schema: &str) -> String {
    format!("{schema}.schema.json")
}

/// The `$id` of a schema. A URN, so that no tool tries to fetch it.
pub fn id(schema: &str) -> String {
    format!("urn:countersign:schema:{schema}")
}

/// The schema of one of our own formats, from the Rust type that reads it, with its file name.
///
/// Doc comments become descriptions; `deny_unknown_fields` becomes `additionalProperties: false`. The schema describes
/// what the type deserializes, not what it serializes.
pub fn format_schema<T: JsonSchema>(file_name: &str, title: &str) -> (String, Value) {
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(unwrap_lines));
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    let name = file_name.strip_suffix(ENDING).unwrap_or(file_name);
    schema.insert("$id".into(), id(name).into());
    schema.insert("title".into(), title.into());
    (file_name.to_owned(), schema.to_value())
}

/// Joins the lines into which source code breaks a description; an empty line stays.
fn unwrap_lines(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        let paragraphs: Vec<String> = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect();
        *text = paragraphs.join("\n\n");
    }
}

/// A schema as the text of its file: indented, keys in alphabetical order, with a newline at the end.
pub fn render(schema: &Value) -> String {
    // The alternate form of a JSON value is its indented text, the same on every machine.
    format!("{schema:#}\n")
}

/// Writes every schema into a folder, creates the folder where it is missing, and removes every other `*.schema.json`
/// file from it.
///
/// # Errors
/// When the folder or a file cannot be made, listed, written or removed.
pub fn write(folder: &Path, schemas: &Schemas) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for name in files(folder)? {
        if name.ends_with(ENDING) && !schemas.contains_key(&name) {
            std::fs::remove_file(folder.join(name))?;
        }
    }
    for (name, schema) in schemas {
        files::write(&folder.join(name), render(schema).as_bytes())?;
    }
    Ok(())
}

/// The differences between a folder and these schemas, one sentence each that begins with the file: changed, missing,
/// unexpected or unreadable. Empty when the folder is current; one sentence about the folder if it cannot be listed.
pub fn differences(folder: &Path, schemas: &Schemas) -> Vec<String> {
    let mut names = match files(folder) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return vec![format!("{}: missing, and all {} schemas with it", text::file_name(folder), schemas.len())];
        }
        Err(error) => return vec![format!("{}: cannot be listed: {error}", text::file_name(folder))],
    };
    let mut found = Vec::new();
    for (name, schema) in schemas {
        let path = folder.join(name);
        match files::read_text(&path) {
            Ok(text) if text == render(schema) => {}
            Ok(text) => found.push(change_text(&path, &text, &render(schema))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                found.push(format!("{}: missing", text::file_name(&path)));
            }
            Err(error) => found.push(format!("{}: cannot be read: {error}", text::file_name(&path))),
        }
    }
    names.retain(|name| !schemas.contains_key(name));
    let paths = names.into_iter().map(|name| text::file_name(&folder.join(name)));
    found.extend(paths.map(|path| format!("{path}: unexpected, nothing generates it")));
    found
}

/// Names the first line that is not as expected.
fn change_text(path: &Path, found: &str, expected: &str) -> String {
    let lines = || expected.lines().map(Some).chain(std::iter::repeat(None)).zip(found.lines().map(Some).chain([None]));
    let quoted_line = |line: Option<&str>| {
        line.map_or("the end of the file".to_owned(), |line| format!("`{}`", foreign(line.trim())))
    };
    let path = text::file_name(path);
    match lines().zip(1..).find(|((expected, found), _)| expected != found) {
        Some(((expected, found), number)) => {
            format!("{path}: changed, line {number}: expected {}, found {}", quoted_line(expected), quoted_line(found))
        }
        None => format!("{path}: changed, in its line ends only"),
    }
}

/// The names of the files in a folder, sorted, without hidden files.
fn files(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    #[derive(JsonSchema, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        /// How many,
        /// in all.
        ///
        /// At least none.
        #[expect(dead_code, reason = "only its schema is of interest")]
        count: u32,
    }

    #[test]
    fn a_format_schema_is_closed_and_its_descriptions_are_whole_lines() {
        let (_, schema) = format_schema::<Sample>("sample.schema.json", "A sample");
        assert_eq!((&schema["title"], &schema["additionalProperties"]), (&"A sample".into(), &false.into()));
        assert_eq!(schema["properties"]["count"]["description"], "How many, in all.\n\nAt least none.");
    }

    #[test]
    fn what_is_written_is_current_and_every_kind_of_difference_is_found() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = folder.path().join("schemas");
        let schemas: Schemas =
            ["a", "b", "c"].map(|name| (format!("{name}.schema.json"), json!({ "title": name }))).into();
        let all = format!("{}: missing, and all 3 schemas with it", text::file_name(&folder));
        assert_eq!(differences(&folder, &schemas), [all]);

        write(&folder, &schemas).expect("it can be written");
        assert_eq!(differences(&folder, &schemas), Vec::<String>::new());

        fs::write(folder.join("a.schema.json"), "{\n  \"title\": \"z\"\n}\n").expect("a change");
        fs::remove_file(folder.join("b.schema.json")).expect("a removal");
        fs::write(folder.join("d.schema.json"), "{}").expect("an extra file");
        let found = differences(&folder, &schemas);
        let path = |name: &str| text::file_name(&folder.join(name));
        let changed = r#"changed, line 2: expected `"title": "a"`, found `"title": "z"`"#;
        let expected = [("a", changed), ("b", "missing"), ("d", "unexpected, nothing generates it")];
        assert_eq!(found, expected.map(|(name, what)| format!("{}: {what}", path(&format!("{name}.schema.json")))));

        write(&folder, &schemas).expect("it can be written again");
        assert_eq!(differences(&folder, &schemas), Vec::<String>::new());
    }

    #[test]
    fn a_file_cut_short_or_with_other_line_ends_is_changed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let schemas: Schemas = [("a.schema.json".to_owned(), json!({ "title": "a" }))].into();
        for (text, message) in [
            ("{\n", "changed, line 2: expected `\"title\": \"a\"`, found the end of the file"),
            ("{\n  \"title\": \"a\"\n}\nmore\n", "changed, line 4: expected the end of the file, found `more`"),
            ("{\n  \"title\": \"a\"\n}", "changed, in its line ends only"),
            ("{\r\n  \"title\": \"a\"\r\n}\r\n", "changed, in its line ends only"),
        ] {
            fs::write(folder.path().join("a.schema.json"), text).expect("a file");
            let found = differences(folder.path(), &schemas);
            assert_eq!(found.len(), 1);
            assert!(found[0].ends_with(message), "{found:?}");
        }
    }
}
