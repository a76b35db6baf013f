//! Reports are made of the data of a run stream: what the words of judge and target are makes no difference to what
//! stands where.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};

use regex::Regex;
use serde_json::Value;

use crate::program::Program;
use crate::stub_server::{RIGHT, Stub, answer, aws, refusal};

/// A server with many faults at once: milliseconds, another media type, refusals in several forms, pages, silence.
fn faulty() -> Stub {
    Stub::saying(|request| {
        let body = request.split("\r\n\r\n").nth(1).unwrap_or_default();
        if body.contains("durationSeconds") {
            let refusal = r#"{"__type":"a#ValidationException","Message":"<b>bad</b> duration"}"#;
            answer("400 No", "application/json", refusal)
        } else if body.contains("dbName") {
            aws("200 OK", r#"{"dbPassword":"p","dbUser":7,"expiration":"2026-01-15T09:30:00Z"}"#)
        } else if !body.contains("wg-1") {
            answer("404 No", "text/html", "<html>nothing here: expected a page, found none</html>")
        } else if request.contains("charset") {
            refusal("403 No", "AccessDeniedException", "its control is fail: no; 900 s after the call")
        } else {
            aws("200 OK", &RIGHT.replacen("4e9", "4102444800000", 1))
        }
    })
}

fn hashed(text: &mut String) {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    *text = format!("x{:016x}", hasher.finish());
}

/// Replaces the texts with these keys by hashes of themselves, wherever they stand.
fn hash_texts(value: &mut Value, keys: &[&str]) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                match member {
                    Value::String(text) if keys.contains(&key.as_str()) => hashed(text),
                    other => hash_texts(other, keys),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| hash_texts(item, keys)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A run stream with the texts with these keys hashed: in violations, reasons and answers to probes. What stands there
/// as data is left alone, or hashed too.
fn reworded(stream: &str, keys: &[&str], data_too: bool) -> String {
    let mut out = String::new();
    for line in stream.lines() {
        let mut event: Value = serde_json::from_str(line).expect("an event");
        let old = event.clone();
        let mut words = serde_json::json!({ "reason": event["reason"], "because": event["because"] });
        hash_texts(&mut words, keys);
        for part in ["reason", "because"].into_iter().filter(|part| old.get(*part).is_some()) {
            event[part] = words[part].clone();
        }
        for part in ["target", "violations", "warnings"].into_iter().filter(|part| old.get(*part).is_some()) {
            hash_texts(&mut event[part], keys);
        }
        if !data_too {
            restore(&mut event, &old);
        }
        let _ = writeln!(out, "{event}");
    }
    out
}

/// Puts the data of an event into one with other words.
fn restore(event: &mut Value, old: &Value) {
    for part in ["violations", "warnings"] {
        for (index, violation) in old[part].as_array().into_iter().flatten().enumerate() {
            event[part][index]["fault"] = violation["fault"].clone();
        }
    }
    for pointer in ["/because", "/target/heard"] {
        if let (Some(place), Some(data)) = (event.pointer_mut(pointer), old.pointer(pointer)) {
            *place = data.clone();
        }
    }
}

/// Every report of a run stream, each with its name.
fn reports(stream: &str) -> Vec<(&'static str, String)> {
    let report =
        |arguments: &str| Program::line(&format!("report --from run.jsonl {arguments}")).file("run.jsonl", stream);
    let files = "--report-junit r.xml --report-html r.html --report-md r.md --badge r.svg";
    let mut text = report(&format!("--format text --verbose {files}"));
    let printed = [("text", text.finish()), ("github", report("--format github").finish())];
    let printed = printed.map(|(format, finished)| (format, finished.expect(0, &[]).stdout.clone()));
    let report_files = ["r.xml", "r.html", "r.md", "r.svg"].map(|file| (file, text.read(file)));
    printed.into_iter().chain(report_files).collect()
}

fn stream() -> String {
    let stub = faulty();
    let mut program = Program::at(&stub.endpoint, "run --seed 7 --report-jsonl run.jsonl --jobs 1");
    program.finish().expect(1, &["GC-EXP-02"]);
    program.read("run.jsonl")
}

/// What of a report is no words: ids, links, anchors, counts, in their order.
fn skeleton(report: &str) -> Vec<&str> {
    let parts = r#"href="[^"]*"|id="[^"]*"|class="badge[^"]*"|G[CW]-[A-Z]+-\d+|[a-z]+/[a-z0-9-]+(?:/[a-z0-9.-]+)?|\b\d+ (?:cases?|fail|pass|blocked|more|must)\b"#;
    Regex::new(parts).expect("a pattern").find_iter(report).map(|found| found.as_str()).collect()
}

#[test]
fn no_report_is_made_of_the_words_of_a_run_stream() {
    let stream = stream();
    assert!(stream.matches("\"fault\"").count() > 40, "there is data");
    let reworded = reworded(&stream, &["at", "expected", "actual", "reason", "said", "meaning"], false);
    assert_ne!(reworded, stream);
    for ((name, report), (_, reworded_report)) in reports(&stream).into_iter().zip(reports(&reworded)) {
        assert_eq!(report, reworded_report, "{name}");
    }
}

#[test]
fn what_a_target_said_changes_no_group_no_link_no_order_and_no_count() {
    let stream = stream();
    let reworded = reworded(&stream, &["reason", "said", "meaning", "actual", "message", "words"], true);
    assert_ne!(reworded, stream);
    for ((name, report), (_, reworded_report)) in reports(&stream).into_iter().zip(reports(&reworded)) {
        assert_eq!(skeleton(&report), skeleton(&reworded_report), "{name}");
        assert_eq!(report.lines().count(), reworded_report.lines().count(), "{name}");
        assert!(skeleton(&report).len() > 3 || name == "r.svg", "{name}: {:?}", skeleton(&report));
    }
}

/// A run stream whose passes do not say what was sent and answered.
fn without_passes(stream: &str) -> String {
    let mut out = String::new();
    for line in stream.lines() {
        let mut event: Value = serde_json::from_str(line).expect("an event");
        let has_warnings = event["warnings"].as_array().is_some_and(|warnings| !warnings.is_empty());
        if event["verdict"] == "pass" && !has_warnings {
            let members = event.as_object_mut().expect("an object");
            for described in ["exchange", "repro", "status", "error", "media_type", "body", "expected"] {
                members.remove(described);
            }
        }
        let _ = writeln!(out, "{event}");
    }
    out
}

#[test]
fn only_some_formats_show_what_was_sent_and_answered_where_a_case_passes() {
    let stream = stream();
    let without = without_passes(&stream);
    assert!(without.len() < stream.len(), "some cases pass");
    for name in ["text", "github", "r.xml", "r.md"] {
        let of = |stream: &str| {
            let files = "--report-junit r.xml --report-md r.md";
            let format = if name == "github" { "github" } else { "text" };
            let line = format!("report --from run.jsonl --format {format} {files}");
            let mut program = Program::line(&line).file("run.jsonl", stream);
            let printed = program.finish().expect(0, &[]).stdout.clone();
            if name.starts_with("r.") { program.read(name) } else { printed }
        };
        assert_eq!(of(&stream), of(&without), "{name}");
    }
}

#[test]
fn a_run_describes_passes_where_a_report_shows_them() {
    let run = |format: &str| {
        let finished = Program::line(&format!("run success --format {format}")).finish();
        finished.expect(0, &[]).stdout.clone()
    };
    let described = run("jsonl");
    let cases = described.lines().filter(|line| line.contains(r#""event":"case""#));
    assert!(cases.clone().count() > 3 && cases.clone().all(|line| line.contains(r#""exchange":"#)), "{described}");
}
