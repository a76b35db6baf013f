//! The same as one JSON object, for programs: `version`, `kind`, `id`, and what the text says.

use serde_json::{Value, json};

use super::super::library::Library;
use super::{citing, example_command, meaning};
use crate::contract::Requirement;
use crate::corpus::client::{ClientCase, ClientCorpus};
use crate::corpus::{Answer, Defect, Defects, ExpandedCase};

/// The version of these objects.
const VERSION: u32 = 1;

pub(super) fn requirement(row: &Requirement, library: &Library, banks: &Defects, clients: &ClientCorpus) -> Value {
    let cases = citing(row, library);
    let defects: Vec<_> = banks
        .entries()
        .iter()
        .filter(|entry| entry.requirements.contains(&row.id))
        .map(|entry| json!({ "id": entry.id, "title": entry.title }))
        .collect();
    let on_clients: Vec<_> = clients
        .cases()
        .iter()
        .filter(|case| case.requirements.contains(&row.id))
        .map(|case| json!({ "id": case.id, "title": case.title }))
        .collect();
    json!({
        "version": VERSION,
        "kind": "requirement",
        "id": row.id,
        "text": row.text,
        "level": row.level,
        "evidence": row.evidence,
        "evidence_meaning": meaning(row.evidence),
        "source": row.source,
        "confirmation": row.confirmation.status,
        "side": row.side,
        "feature": row.feature,
        "accepts": row.accepts,
        "excluded": row.excluded,
        "pending": row.pending,
        "holds_in": row.holds_in,
        "rule": row.decided_by.as_ref().map(|by| &by.rule),
        "cases": cases.iter().map(|case| json!({ "id": case.case.id, "title": case.case.title })).collect::<Vec<_>>(),
        "client_cases": on_clients,
        "defects": defects,
        "example": cases.first().and_then(|case| example_command(case)),
    })
}

pub(super) fn case(case: &ExpandedCase, members: &[&str]) -> Value {
    let expects: Vec<Vec<String>> =
        case.calls.iter().map(|call| call.expect.answers().iter().map(Answer::to_string).collect()).collect();
    let control = case.case.control.as_ref();
    json!({
        "version": VERSION,
        "kind": "case",
        "id": case.case.id,
        "suite": case.suite,
        "title": case.case.title,
        "requirements": case.case.requirements,
        "needs": case.case.needs,
        "expects": expects,
        "control": control.map(|control| json!({ "case": control.case, "differs_at": control.differs_at })),
        "breaks": case.case.breaks.as_ref().map(ToString::to_string),
        "members": members,
        "example": example_command(case),
    })
}

pub(super) fn defect(entry: &Defect) -> Value {
    json!({
        "version": VERSION,
        "kind": entry.kind,
        "id": entry.id,
        "title": entry.title,
        "requirements": entry.requirements,
        "also": entry.also,
    })
}

pub(super) fn client_case(case: &ClientCase) -> Value {
    json!({
        "version": VERSION,
        "kind": "client-case",
        "id": case.id,
        "suite": case.suite(),
        "title": case.title,
        "requirements": case.requirements,
        "input": case.request.input,
        "config": case.request.config,
        "endpoint": case.request.endpoint,
        "calls": case.request.calls,
        "steps": case.script.len(),
        "example": format!("countersign sdk run --driver boto3 {}", case.id),
    })
}
