//! What the newest SDKs sent and gave their callers, as reviewed: `snapshots/sdk/<driver>__<case>.snap`.
//!
//! A version that is not installed in the cache folder is skipped, and the test says so.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use countersign::report::{CutShort, Event, read};
use countersign::sdk::install::{Cache, SdkVersion};
use rstest::rstest;
use serde_json::Value;

/// The longest text of which a snapshot has every character.
const LIMIT: usize = 400;

#[rstest]
#[case::boto3("boto3@1.44.5", "CPython 3.11")]
#[case::js_v3("js-v3@3.1169.0", "Node.js 20")]
#[case::rust("rust@1.129.0", "native")]
fn what_an_sdk_sends_and_gives_is_as_reviewed(#[case] name: &str, #[case] runtime: &str) {
    let wanted_version: SdkVersion = name.parse().expect("a driver and a version");
    if let Err(missing) = Cache::of_user().and_then(|cache| cache.find(&wanted_version)) {
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
    let driver = match events.first() {
        Some(Event::Run(run)) => run.driver.as_deref().expect("a run of an SDK names its driver"),
        _ => panic!("no run event in {events:?}"),
    };
    // What a language's own library says of broken JSON is not the SDK's doing, and differs between its versions.
    if !driver.runtime.starts_with(runtime) {
        eprintln!("skipped: the snapshots were reviewed on {runtime}, found {}", driver.runtime);
        return;
    }
    nothing_is_stale(&wanted_version.name, &events);
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/sdk"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let cases: Vec<Lines> = events.iter().filter_map(Lines::of).collect();
    assert!(cases.len() > 100, "only {} cases left a record", cases.len());
    let common_lines = common_lines(&cases);
    let snapshot = |case: &str, lines: &[String]| {
        let case = format!("{}__{}", wanted_version.name, case.replace('/', "__"));
        settings.bind(|| insta::assert_snapshot!(case, lines.join("\n")));
    };
    snapshot("usual", &common_lines);
    for case in &cases {
        let mut lines = case.outcome.clone();
        for (index, request) in case.requests.iter().enumerate() {
            let number = index + 1;
            let own = request.iter().filter(|line| !common_lines.contains(line));
            lines.extend(own.map(|line| format!("request {number}: {line}")));
            let missing = common_lines.iter().filter(|line| !request.contains(line));
            lines.extend(missing.map(|line| format!("request {number}, unlike others, not: {line}")));
        }
        snapshot(&case.id, &lines);
    }
}

/// Every snapshot of a driver is of a case that there is.
fn nothing_is_stale(driver: &str, events: &[Event]) {
    let ids =
        events.iter().filter_map(|event| if let Event::Case(case) = event { Some(case.id.as_str()) } else { None });
    let file = |id: &str| format!("{driver}__{}.snap", id.replace('/', "__"));
    let expected_files: BTreeSet<String> = ids.chain(["usual"]).map(file).collect();
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/sdk")).expect("the snapshots");
    let names = folder.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let prefix = format!("{driver}__");
    let stale: Vec<_> = names.filter(|name| name.starts_with(&prefix) && !expected_files.contains(name)).collect();
    assert_eq!(stale, Vec::<String>::new(), "no case leaves these");
}

/// One case as lines.
struct Lines {
    id: String,
    outcome: Vec<String>,
    requests: Vec<Vec<String>>,
}

impl Lines {
    fn of(event: &Event) -> Option<Self> {
        let Event::Case(case) = event else { return None };
        let mut record = serde_json::to_value(case.record.as_deref()?).expect("a record is JSON");
        let requests = record["requests"].take();
        // What becomes of a connection that is reset before any request is read is up to chance, and so are the words for
        // one that broke off later.
        if record["attempts"] != 0 && requests.as_array().is_some_and(Vec::is_empty) {
            return None;
        }
        for outcome in record["outcomes"].as_array_mut().into_iter().flatten() {
            if outcome["error"]["phase"] == "transport" {
                outcome["error"]["message"].take();
            }
            // How a name fails to resolve is up to the machine's resolver.
            if outcome["error"]["phase"] == "connect" {
                outcome["error"]["message"].take();
                outcome["error"]["code"].take();
            }
        }
        let lines = |value: &Value| {
            let mut lines = Vec::new();
            write("", value, &mut lines);
            lines
        };
        let mut outcome = vec![case.title.clone()];
        outcome.extend(lines(&record));
        let requests = requests.as_array().map(|requests| requests.iter().map(lines).collect());
        Some(Self { id: case.id.clone(), outcome, requests: requests.unwrap_or_default() })
    }
}

/// The lines that nine of ten cases have in their first request: they are told once.
fn common_lines(cases: &[Lines]) -> Vec<String> {
    let requests: Vec<_> = cases.iter().filter_map(|case| case.requests.first()).collect();
    let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
    for line in requests.iter().copied().flatten() {
        *counts.entry(line).or_default() += 1;
    }
    let often = counts.into_iter().filter(|(_, count)| count * 10 >= requests.len() * 9);
    often.map(|(line, _)| line.clone()).collect()
}

/// A value as lines: each with its place and one value; what is null is left out.
fn write(place: &str, value: &Value, lines: &mut Vec<String>) {
    let is_plain = |item: &Value| !item.is_object() && !item.is_array();
    match value {
        Value::Null => {}
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                let name = countersign::text::escape(name);
                write(&if place.is_empty() { name } else { format!("{place}.{name}") }, member, lines);
            }
        }
        Value::Array(items) if !items.iter().all(is_plain) => {
            for (index, item) in items.iter().enumerate() {
                write(&format!("{place}[{}]", index + 1), item, lines);
            }
        }
        value => {
            // What tells of the machine rather than of the SDK.
            let (system, machine) = (std::env::consts::OS, std::env::consts::ARCH);
            let text = value.to_string().replace(&format!("os/{system}"), "os/<os>").replace(machine, "<machine>");
            let text = countersign::text::escape(&text);
            let short: String = text.chars().take(LIMIT).collect();
            let rest = text.chars().count().saturating_sub(LIMIT);
            let rest = if rest > 0 { format!(" … and {rest} more characters") } else { String::new() };
            lines.push(format!("{place} = {short}{rest}"));
        }
    }
}
