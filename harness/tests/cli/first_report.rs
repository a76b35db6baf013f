//! The first report on a server of somebody who has read the page of the operation once: it says all that is wrong, and
//! is short enough to be read whole.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::program::Program;
use crate::stub_server::{Stub, answer};

/// How many lines somebody reads to the end.
const READABLE_LINES: usize = 160;

/// An answer with a media type that is a usual guess.
fn plain_json(status: &str, body: &Value) -> String {
    answer(status, "application/json", &body.to_string())
}

/// An error with its name and its message where they are usually put.
fn error(status: &str, name: &str, message: &str) -> String {
    plain_json(status, &json!({ "code": name, "Message": message }))
}

/// What a first attempt answers: it checks little, and has times as text. `None` where it crashes: it takes for granted
/// that a body is a JSON object, a name a text, and a duration a number.
fn first_attempt(request: &str) -> Option<String> {
    if !request.starts_with("POST ") {
        return Some(answer("501 Not Implemented", "text/html", "<p>Unsupported method</p>"));
    }
    let (_, body) = request.split_once("\r\n\r\n")?;
    let Value::Object(input) = serde_json::from_str(body).ok()? else { return None };
    let name = match input.get("workgroupName").unwrap_or(&Value::Null) {
        Value::String(name) => name.as_str(),
        Value::Null => "",
        _ => return None,
    };
    if name.is_empty() && !input.contains_key("customDomainName") {
        return Some(error("400 Bad Request", "ValidationException", "a workgroup or a custom domain is required"));
    }
    // Only the first character is looked at.
    if name.starts_with(|first: char| !(first.is_ascii_lowercase() || first.is_ascii_digit() || first == '-')) {
        return Some(error("400 Bad Request", "ValidationException", "bad workgroup"));
    }
    if !matches!(name, "wg-1" | "") {
        return Some(error("404 Not Found", "ResourceNotFoundException", "no such workgroup"));
    }
    let seconds = match input.get("durationSeconds") {
        None => 3600.0,
        Some(Value::Bool(value)) => f64::from(u8::from(*value)),
        Some(duration) => duration.as_f64()?,
    };
    let lifetime = SignedDuration::try_from_secs_f64(seconds).ok()?;
    let expiration = Timestamp::now().checked_add(lifetime).ok()?;
    let refresh = expiration.checked_sub(SignedDuration::from_mins(5)).ok()?;
    let credentials = json!({
        "dbUser": "IAM:test", "dbPassword": "always-the-same",
        "expiration": expiration.to_string(), "nextRefreshTime": refresh.to_string(),
    });
    Some(plain_json("200 OK", &credentials))
}

fn served() -> Stub {
    Stub::saying(|request| first_attempt(request).unwrap_or_default())
}

/// The ids of the violated requirements, as the report for programs has them.
fn violated(report: &Value) -> BTreeSet<String> {
    let rows = report["requirements"].as_array().expect("a list").iter();
    let violated = rows.filter(|row| row["status"] == "fail" && row["level"] == "must");
    violated.map(|row| row["id"].as_str().expect("a text").to_owned()).collect()
}

#[test]
fn the_first_report_on_a_first_attempt_is_short_and_tells_every_violated_requirement_once() {
    let stub = served();
    let mut program = Program::at(&stub.endpoint, "run --report-json r.json");
    let finished = program.finish();
    finished.expect(1, &["not conformant: "]);
    let report = program.json("r.json");
    let violated = violated(&report);
    assert!(violated.len() >= 24, "the attempt is not as bad as it should be: {violated:?}");

    let lines: Vec<&str> = finished.stdout.lines().collect();
    assert!(lines.len() <= READABLE_LINES, "{} lines: {}", lines.len(), finished.stdout);
    let conclusion = lines.iter().find(|line| line.starts_with("not conformant: ")).expect("a conclusion");
    let again = lines.iter().rposition(|line| line.starts_with("Totals")).expect("totals");
    for id in &violated {
        assert!(conclusion.contains(id.as_str()), "{id} is not in the list: {conclusion}");
        let heading = format!("fail {id} (must, ");
        let starts: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].starts_with(&heading)).collect();
        let [start] = starts[..] else { panic!("{id} is told {} times: {}", starts.len(), finished.stdout) };
        let block = lines[start + 1..again].iter().take_while(|line| line.starts_with("  ")).copied();
        let block = block.collect::<Vec<_>>().join("\n");
        for part in ["  source: ", "expected ", ", found ", "; in ", "  to see it"] {
            assert!(block.contains(part), "{id} has no \"{part}\": {block}");
        }
    }
}

#[test]
fn ten_annotations_of_a_first_attempt_show_ten_requirements() {
    let stub = served();
    let finished = Program::at(&stub.endpoint, "run --format github").finish();
    let errors = finished.stdout.lines().filter_map(|line| line.strip_prefix("::error title=fail "));
    let ids: Vec<&str> = errors.filter_map(|rest| rest.split("%3A").next()).collect();
    assert_eq!(ids.len(), 10, "{ids:?}");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 10, "{ids:?}");
    assert_eq!(finished.stdout.matches("::error ").count(), 10, "GitHub would drop what comes after ten");
}

#[test]
fn every_violated_requirement_of_a_first_attempt_has_a_link_to_its_source_in_markdown_and_json() {
    let stub = served();
    let mut program = Program::at(&stub.endpoint, "run --report-md r.md --report-json r.json");
    program.finish().expect(1, &[]);
    let (markdown, report) = (program.read("r.md"), program.json("r.json"));
    let headings: Vec<&str> = markdown.lines().filter(|line| line.starts_with("#### fail: ")).collect();
    for id in violated(&report) {
        let heading = format!("#### fail: {id} (must, ");
        assert_eq!(headings.iter().filter(|line| line.starts_with(&heading)).count(), 1, "{id}: {headings:#?}");
        let block = markdown.split(&heading).nth(1).and_then(|rest| rest.split("####").next()).expect("a block");
        let rows = report["requirements"].as_array().expect("a list");
        let row = rows.iter().find(|row| row["id"] == *id).expect("a row");
        let sources = row["source"].as_array().expect("sources");
        assert!(!sources.is_empty(), "{id}");
        for address in sources.iter().filter_map(|source| source["address"].as_str()) {
            assert!(address.starts_with("https://") && block.contains(&format!("]({address})")), "{id}: {block}");
        }
    }
}
