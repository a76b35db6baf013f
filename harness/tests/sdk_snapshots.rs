//! What the newest SDKs sent and gave their callers, as reviewed: `snapshots/sdk/<driver>__<case>.snap`.
//!
//! A version that is not installed in the cache folder is skipped, and the test says so.

use std::process::Command;

use countersign::report::{CutShort, Event, read};
use countersign::sdk::install::{Cache, Wanted};
use rstest::rstest;
use serde_json::Value;

/// The longest text of which a snapshot has every character.
const LIMIT: usize = 400;

#[rstest]
#[case::boto3("boto3@1.44.5")]
#[case::js_v3("js-v3@3.1169.0")]
fn what_an_sdk_sends_and_gives_is_as_reviewed(#[case] name: &str) {
    let wanted: Wanted = name.parse().expect("a driver and a version");
    if let Err(missing) = Cache::of_user().and_then(|cache| cache.find(&wanted)) {
        eprintln!("skipped: {missing}");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let stream = folder.path().join("run.jsonl");
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(["sdk", "run", "--format", "quiet", "--driver", name, "-o"]).arg(&stream);
    command.env_remove("GITHUB_STEP_SUMMARY");
    let output = command.output().expect("the binary runs");
    let file = std::fs::File::open(&stream).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let events = read(std::io::BufReader::new(file), CutShort::Refuse).expect("a run stream");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/sdk"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mut compared = 0;
    for event in &events {
        let Event::Case(case) = event else { continue };
        let Some(record) = &case.record else { continue };
        let mut lines = vec![case.title.clone()];
        write("", &serde_json::to_value(record).expect("a record is JSON"), &mut lines);
        let snapshot = format!("{}__{}", wanted.name, case.id.replace('/', "__"));
        settings.bind(|| insta::assert_snapshot!(snapshot, lines.join("\n")));
        compared += 1;
    }
    assert!(compared > 100, "only {compared} cases left a record");
}

/// A value as lines: each with its place and one value; what is null is left out.
fn write(place: &str, value: &Value, lines: &mut Vec<String>) {
    let is_plain = |item: &Value| !item.is_object() && !item.is_array();
    match value {
        Value::Null => {}
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                let name = countersign::wire::escape(name);
                write(&if place.is_empty() { name } else { format!("{place}.{name}") }, member, lines);
            }
        }
        Value::Array(items) if !items.iter().all(is_plain) => {
            for (index, item) in items.iter().enumerate() {
                write(&format!("{place}[{}]", index + 1), item, lines);
            }
        }
        plain => {
            let text = countersign::wire::escape(&plain.to_string());
            let short: String = text.chars().take(LIMIT).collect();
            let rest = text.chars().count().saturating_sub(LIMIT);
            let rest = if rest > 0 { format!(" … and {rest} more characters") } else { String::new() };
            lines.push(format!("{place} = {short}{rest}"));
        }
    }
}
