//! The worked examples of `harness/docs/contributing.md`, done as it says: a requirement, a case and a defect, by data alone.

use std::fs;
use std::path::Path;

use crate::fixtures::Fixtures;
use crate::program::Program;

/// Puts an object behind the last one of the list that a file holds.
fn add(fixtures: &Fixtures, name: &str, object: &str) {
    fixtures.change(name, |text| {
        let end = text.rfind(']').expect("it holds a list");
        format!("{},\n{object}\n{}", text[..end].trim_end(), &text[end..])
    });
}

/// Checks that `validate` refuses the fixtures, and that it says all this.
#[track_caller]
fn refused(fixtures: &Fixtures, texts: &[&str]) {
    Program::new(&["validate", "--fixtures", fixtures.folder()]).finish().expect(5, texts);
}

/// The JSON blocks of its section on adding: requirement, case, defect.
fn blocks() -> [String; 3] {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("harness/docs/contributing.md");
    let page = fs::read_to_string(page).expect("the page");
    let section = page.split("## Adding a requirement, a case, a defect").nth(1).expect("the section");
    let section = section.split("\n## ").next().expect("its end");
    let blocks: Vec<_> = section
        .split("```json\n")
        .skip(1)
        .map(|block| block.split("```").next().unwrap_or_default().to_owned())
        .collect();
    blocks.try_into().expect("three blocks")
}

#[test]
fn the_worked_examples_add_a_requirement_a_case_and_a_defect_by_data_alone() {
    let fixtures = Fixtures::copy();
    let [requirement, case, defect] = blocks();
    add(&fixtures, "requirements.json", &requirement);
    refused(&fixtures, &["requirements.json at /requirements/", "no case cites GC-WG-09"]);
    add(&fixtures, "server/parameters.json", &case);
    refused(&fixtures, &["no defect breaks GC-WG-09"]);
    add(&fixtures, "defects/names.json", &defect);
    let run = |words: &[&str]| Program::new(&[words, &["--fixtures", fixtures.folder()]].concat()).finish();
    run(&["validate"]).expect(0, &["all fixtures are valid"]);
    let expected = ["1 of 1 defects found", "1 of 1 blamed on what they break"];
    run(&["selftest", "underscore-not-found"]).expect(0, &expected);
}

#[test]
fn a_reply_that_no_case_gives_is_an_orphan() {
    let fixtures = Fixtures::copy();
    fixtures.add("replies/unused.json", &fixtures.read("replies/not-found.json"));
    refused(&fixtures, &["replies/unused.json", "no case is answered with it"]);
}

#[test]
fn a_body_that_its_encoding_cannot_write_is_refused_with_its_place() {
    let fixtures = Fixtures::with("server/protocol.json", r#"\"x\":\"\u00ff\"}"#, r#"\"x\":\"\u0100\"}"#);
    refused(&fixtures, &["server/protocol.json at /cases/", "a character that its encoding lacks"]);
}

#[test]
fn steps_at_the_same_time_are_more_than_one() {
    let cites = r#""requirements": ["GC-DB-01"],"#;
    let fixtures = Fixtures::with("server/success.json", cites, &format!("{cites} \"together\": true,"));
    refused(&fixtures, &["server/success.json at /cases/2/together", "expected several steps"]);
}

#[test]
fn validate_leads_through_the_steps_of_an_operation() {
    let fixtures = Fixtures::copy();
    let operations = "services/redshift-serverless/operations";
    let file = format!("{operations}/GetNothing.json");
    fixtures.add(&file, &fixtures.read(&format!("{operations}/GetWorkgroup.json")));
    fixtures.change(&file, |text| {
        text.replace("GetWorkgroup", "GetNothing").replace("\"requirements\": \"GW\"", "\"requirements\": \"GX\"")
    });
    refused(&fixtures, &["GetNothing.json: it has no requirement; add rows whose ids begin with GX-"]);
    let row = r#"{ "id": "GX-WG-01", "level": "must", "evidence": "modelled", "text": "A name is needed.",
        "source": [{ "document": "service-model", "place": "shape GetNothingRequest" }] }"#;
    add(&fixtures, "requirements.json", row);
    refused(&fixtures, &["GetNothing.json: it has no suite", r#"begins with "operation": "GetNothing""#]);
    fixtures.add("server/nothing.json", r#"{ "version": 1, "operation": "GetNothing", "cases": [] }"#);
    refused(&fixtures, &["nothing.json at /cases: the suite of GetNothing has no case", "no case cites GX-WG-01"]);
}
