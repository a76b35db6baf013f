//! Small records and runs for tests, made by hand.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::report::Event;

/// A run of boto3 with these cases; each is its id and its record.
pub(in crate::sdk) fn run(cases: &[(&str, Json)]) -> Vec<Event> {
    let mut lines = vec![json!({
        "event": "run", "version": 1, "tool": "countersign 0.1.0", "suite": "GetCredentials", "selected": cases.len(), "seed": 1,
        "side": "client", "started_at": "2026-01-01T00:00:00Z",
        "target": {"name": "boto3", "endpoint": "http://127.0.0.1:1/", "region": "us-east-1", "features": [], "class": "answers", "meaning": "", "said": ""},
        "driver": driver(),
    })];
    lines.extend(cases.iter().map(|(id, record)| {
        json!({
            "event": "case", "id": id, "suite": id.split('/').next(), "side": "client", "title": "A case", "requirements": [], "decided": [],
            "verdict": "pass", "violations": [], "warnings": [], "status": null, "error": null, "media_type": null, "body": null,
            "runs": 1, "duration_ms": 1.0, "record": record,
        })
    }));
    lines.push(json!({"event": "summary", "conformant": true, "verdicts": {}, "checks": 1, "features": {}, "duration_ms": 1.0, "complete": true}));
    lines.into_iter().map(|line| serde_json::from_value(line).expect("an event")).collect()
}

pub(in crate::sdk) fn driver() -> Json {
    json!({"driver": "boto3", "language": "python", "runtime": "CPython 3.11.7", "sdk": "boto3", "sdk_version": "1.44.5",
        "deps": {"botocore": "1.44.5"}, "config": [], "inputs": {}, "reports": [], "typed": true, "isolated": true})
}

/// The record of a call that succeeds at the first attempt.
pub(in crate::sdk) fn success() -> Json {
    record(&[result()], &[request(1)])
}

/// The record of a call that fails after this number of attempts.
pub(in crate::sdk) fn failure(attempts: usize) -> Json {
    record(&[error()], &(1..=attempts).map(request).collect::<Vec<_>>())
}

pub(in crate::sdk) fn record(outcomes: &[Json], requests: &[Json]) -> Json {
    let ids = if requests.is_empty() { "none" } else { "per-call" };
    json!({ "outcomes": outcomes, "attempts": requests.len(), "invocation_ids": ids, "requests": requests })
}

pub(in crate::sdk) fn result() -> Json {
    json!({ "outcome": "result", "meta": {"request_id": "rid-1", "http_status": 200, "sdk_attempts": 1}, "result": {
        "dbPassword": {"string": "***", "equals": "sent"},
        "dbUser": {"string": "IAM:alice"},
        "expiration": {"timestamp": "1700000000", "native": "datetime[+00:00]"},
        "nextRefreshTime": {"null": true},
    } })
}

pub(in crate::sdk) fn error() -> Json {
    json!({ "outcome": "error", "meta": {"sdk_attempts": 1}, "error": {
        "phase": "service", "class": "ValidationException", "bases": ["ClientError", "Exception"], "code": "ValidationException",
        "message": "boom", "http_status": 400, "request_id": "rid-1", "fault": "client", "members": {"resourceName": {"string": "wg-1"}},
    } })
}

/// The request that every SDK should send.
pub(in crate::sdk) fn request(attempt: usize) -> Json {
    let number = format!("attempt={attempt}; max=3");
    let headers = BTreeMap::from([
        ("amz-sdk-invocation-id", "<id>"),
        ("amz-sdk-request", &number),
        ("authorization", "AWS4-HMAC-SHA256 ***"),
        ("content-length", "24"),
        ("content-type", "application/x-amz-json-1.1"),
        ("host", "127.0.0.1:<port>"),
        ("user-agent", "Boto3/<version> md/Botocore#<version> ua/2.1 m/E,Z cfg/retry-mode#standard"),
        ("x-amz-date", "<date>"),
        ("x-amz-target", "RedshiftServerless.GetCredentials"),
    ]);
    json!({
        "call": 1, "attempt": attempt, "server": "endpoint", "line": "POST / HTTP/1.1", "headers": headers,
        "signed_headers": ["content-type", "host", "x-amz-date", "x-amz-target"], "scope": "us-east-1/redshift-serverless",
        "signature": "valid", "body": {"text": "{\"workgroupName\": \"wg-1\"}", "json": {"workgroupName": "wg-1"}},
    })
}

/// A record with this value at a place; the value `(absent)` removes the member there.
pub(in crate::sdk) fn with(mut record: Json, pointer: &str, value: Json) -> Json {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let parent = record.pointer_mut(parent).expect("the place is there");
    match parent.as_object_mut() {
        Some(members) if value == "(absent)" => drop(members.remove(name)),
        _ => parent[name] = value,
    }
    record
}
