use std::path::Path;

use rstest::rstest;

use super::*;
use crate::contract::{Contract, Fixtures};

fn everything() -> Schemas {
    let contract = Contract::load(&Fixtures::Embedded).expect("the contract loads");
    of_contract(&contract.service, &contract.operations)
}

fn schema(name: &str) -> Value {
    everything().remove(&file_name(name)).expect("the schema is generated")
}

#[test]
fn every_schema_is_valid_against_the_meta_schema_and_names_itself() {
    for (file, schema) in everything() {
        jsonschema::draft202012::meta::validate(&schema).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{file}");
        assert_eq!(schema["$id"], format!("urn:countersign:schema:{}", file.trim_end_matches(".schema.json")));
    }
}

#[test]
fn the_files_in_the_repository_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas");
    // The formats of other modules are in the same folder; this test ignores them.
    let mut stale = differences(&folder, &everything());
    stale.retain(|difference| !difference.contains(": unexpected"));
    assert_eq!(stale, [""; 0], "run `countersign schema`");
}

#[rstest]
#[case::service("service.json", format_schema::<Service>("service.schema.json", "A service"))]
#[case::operation("operations/GetCredentials.json", format_schema::<Operation>("operation.schema.json", "An operation"))]
fn a_file_of_the_contract_matches_the_schema_of_its_format(#[case] file: &str, #[case] (_, schema): (String, Value)) {
    let validator = crate::contract::validators::compile(file, &schema).expect("it compiles");
    let folder = Service::folder(&Fixtures::Embedded).expect("there is a service");
    let text = Fixtures::Embedded.read(&format!("{folder}/{file}")).expect("it is compiled in");
    let mut document: Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(crate::contract::breaches_of(&validator, &document), []);
    document["colour"] = "red".into();
    assert_eq!(crate::contract::breaches_of(&validator, &document).len(), 1, "unknown members are refused");
}

#[rstest]
// The formal lines of the API reference page, under Request Parameters.
#[case::domain_length("/properties/customDomainName/minLength", json!(1))]
#[case::domain_length("/properties/customDomainName/maxLength", json!(253))]
#[case::domain_pattern(
    "/properties/customDomainName/pattern",
    json!(r"^(((?!-)[A-Za-z0-9-]{0,62}[A-Za-z0-9])\.)+((?!-)[A-Za-z0-9-]{1,62}[A-Za-z0-9])$"),
)]
#[case::workgroup_length("/properties/workgroupName/minLength", json!(3))]
#[case::workgroup_length("/properties/workgroupName/maxLength", json!(64))]
#[case::workgroup_pattern("/properties/workgroupName/pattern", json!("^[a-z0-9-]+$"))]
#[case::duration_type("/properties/durationSeconds/type", json!("integer"))]
#[case::duration_default("/properties/durationSeconds/default", json!(900))]
#[case::evidence("/properties/workgroupName/x-evidence/pattern", json!("documented"))]
fn what_the_documents_state_formally_is_a_keyword(#[case] pointer: &str, #[case] expected: Value) {
    assert_eq!(schema("GetCredentialsRequest").pointer(pointer), Some(&expected));
}

#[rstest]
#[case::range("durationSeconds", &["minimum", "maximum"], 1)]
#[case::bullets("dbName", &["minLength", "maxLength", "pattern", "not"], 6)]
fn what_is_only_prose_is_an_annotation(#[case] member: &str, #[case] absent: &[&str], #[case] sentences: usize) {
    // The number of sentences: one range, and five bullets, of which the first says two things.
    let member = &schema("GetCredentialsRequest")["properties"][member];
    for keyword in absent {
        assert_eq!(member.get(keyword), None, "{keyword}");
    }
    assert_eq!(member["x-prose"].as_array().map(Vec::len), Some(sentences));
}

#[test]
fn no_request_member_is_required_and_every_response_member_is() {
    let request = schema("GetCredentialsRequest");
    assert_eq!(request.get("required"), None);
    assert_eq!(request["x-prose"].as_array().map(Vec::len), Some(1), "one of the two names");
    let response = schema("GetCredentialsResponse");
    assert_eq!(response["required"], json!(["dbPassword", "dbUser", "expiration", "nextRefreshTime"]));
    assert_eq!(response["properties"]["expiration"]["type"], "number");
    assert_eq!(response["properties"]["dbUser"]["x-evidence"]["required"], "documented");
    assert_eq!(response["properties"]["dbUser"]["x-sensitive"], true);
}

#[rstest]
#[case::internal("InternalServerException", 500)]
#[case::not_found("ResourceNotFoundException", 400)]
#[case::validation("ValidationException", 400)]
fn an_error_needs_its_message_as_the_model_says_and_carries_its_status(#[case] name: &str, #[case] status: u16) {
    let schema = schema(name);
    assert_eq!(schema["x-status"], status);
    assert_eq!(schema["required"], json!(["message"]));
    assert_eq!(schema["properties"]["message"]["x-evidence"]["required"], "modelled");
    assert_eq!(schema["properties"]["__type"]["x-evidence"]["type"], "protocol");
}

#[test]
fn a_member_names_the_differences_that_touch_it() {
    let request = schema("GetCredentialsRequest");
    assert_eq!(
        request["properties"]["durationSeconds"]["x-differences"],
        json!(["duration-default-only-in-prose", "duration-range-only-in-prose"])
    );
}
