use rstest::rstest;
use serde_json::{Value, json};

use crate::contract::{Contract, Fixtures, LoadError, REGISTER_FILE, Service};

/// Loads the contract with one place of one of its files changed; `null` removes the place.
fn load_with(file: &str, pointer: &str, value: &Value) -> Result<Contract, LoadError> {
    let folder = Service::folder(&Fixtures::Embedded).expect("there is a service");
    let path = format!("{folder}/{file}");
    let copy = tempfile::tempdir().expect("a temporary folder");
    let operations = Fixtures::Embedded.list(&format!("{folder}/operations")).expect("there are operations");
    std::fs::create_dir_all(copy.path().join(&folder).join("operations")).expect("a folder in it");
    for of in operations.iter().map(String::as_str).chain([&*format!("{folder}/service.json"), REGISTER_FILE]) {
        let text = Fixtures::Embedded.read(of).expect("it is compiled in");
        let text = if of == path { file_with(&text, pointer, value) } else { text };
        std::fs::write(copy.path().join(of), text).expect("a file in it");
    }
    Contract::load(&Fixtures::Folder(copy.path().to_owned()))
}

fn file_with(text: &str, pointer: &str, value: &Value) -> String {
    let mut raw: Value = serde_json::from_str(text).expect("the file is JSON");
    let (parent, name) = pointer.rsplit_once('/').expect("the pointer is not empty");
    let name = name.replace("~1", "/");
    match raw.pointer_mut(parent).expect("the parent is there") {
        Value::Object(members) if value.is_null() => drop(members.remove(&name)),
        Value::Object(members) => drop(members.insert(name, value.clone())),
        Value::Array(items) => items[name.parse::<usize>().expect("an index")] = value.clone(),
        _ => panic!("{parent} has no members"),
    }
    raw.to_string()
}

const SERVICE: &str = "service.json";
const OPERATION: &str = "operations/GetCredentials.json";

#[rstest]
#[case::version(OPERATION, "/version", json!(2), "/version", "expected version 1, found 2")]
#[case::unknown_member(OPERATION, "/colour", json!("red"), "/colour", "unknown field")]
#[case::success_status(OPERATION, "/status/is", json!(404), "/status/is", "200 to 299, found 404")]
#[case::error_status(SERVICE, "/errors/ValidationException/status/is", json!(200),
    "/errors/ValidationException/status/is", "400 to 599, found 200",
)]
#[case::pattern(OPERATION, "/request/members/workgroupName/pattern/is", json!("["),
    "/request/members/workgroupName/pattern/is", "expected a regular expression, found \"[\"",
)]
#[case::prose_pattern(OPERATION, "/request/members/dbName/prose/characters/reads_as/pattern", json!("("),
    "/request/members/dbName/prose/characters/reads_as/pattern", "expected a regular expression",
)]
#[case::lengths(OPERATION, "/request/members/customDomainName/min_length/is", json!(254),
    "/request/members/customDomainName/min_length/is", "at most the maximum, 253, found 254",
)]
#[case::length_of_a_number(OPERATION, "/request/members/durationSeconds/min_length",
    json!({ "is": 1, "evidence": "modelled", "source": { "service-model": "" } }),
    "/request/members/durationSeconds/min_length", "expected no min_length beside this type")]
#[case::prose_range(OPERATION, "/request/members/durationSeconds/prose/range/reads_as/minimum", json!(3601),
    "/request/members/durationSeconds/prose/range/reads_as/minimum", "at most the maximum, 3600, found 3601",
)]
#[case::empty_reading(OPERATION, "/request/members/durationSeconds/prose/range/reads_as", json!({}),
    "/request/members/durationSeconds/prose/range/reads_as", "at least one constraint",
)]
#[case::unknown_name(OPERATION, "/request/prose/one-name/reads_as/any_of/0", json!("domain"),
    "/request/prose/one-name/reads_as/any_of/0", "expected a member, found \"domain\"",
)]
#[case::timestamp_form(OPERATION, "/response/members/expiration/json_type", json!(null),
    "/response/members/expiration", "expected json_type",
)]
#[case::denied_beside_nothing(SERVICE, "/resources/5/denied_beside", json!("moon"),
    "/resources/5/denied_beside", "a resource before this one with the member workgroupName, found \"moon\"",
)]
#[case::denied_beside_another(SERVICE, "/resources/5/denied_beside", json!("database"),
    "/resources/5/denied_beside", "a resource before this one with the member workgroupName, found \"database\"",
)]
#[case::member_twice(SERVICE, "/resources/5/denied_beside", json!(null), "/resources/5/member", "\"workgroupName\" again")]
#[case::twice(SERVICE, "/reserved_words/words/is/1", json!("AES128"), "/reserved_words/words/is/1", "\"AES128\" again")]
#[case::small(SERVICE, "/reserved_words/words/is/1", json!("all"), "/reserved_words/words/is/1", "a word in capitals")]
#[case::undecided_and_reserved(SERVICE, "/reserved_words/words/is/1", json!("CONNECT"), "/reserved_words/words/is/1", "\"CONNECT\" again",
)]
#[case::source_not_described(SERVICE, "/documents/smithy", json!(null),
    "/content_type/source/smithy", "a source that /documents describes",
)]
#[case::source_missing(OPERATION, "/method/source/service-model", json!(null),
    "/method/source", "expected service-model, as the evidence demands, found smithy",
)]
#[case::source_of_another_time(OPERATION, "/request/members/workgroupName/required/source",
    json!({ "older-api-reference": "Required" }),
    "/request/members/workgroupName/required/source", "expected api-reference or boto3, as the evidence demands",
)]
#[case::same_difference(OPERATION, "/differences/1/id", json!("common-errors-outside-the-list"), "/differences/1/id", "again")]
#[case::no_place(OPERATION, "/differences/1/places", json!({}), "/differences/1/places", "expected at least one place")]
#[case::points_nowhere(OPERATION, "/differences/1/places/~1request~1nowhere", json!({ "boto3": 1, "smithy": 2 }),
    "/differences/1/places/~1request~1nowhere", "expected the JSON pointer of a fact",
)]
#[case::no_difference(OPERATION, "/differences/1/places/~1status", json!({ "boto3": 200, "api-reference": 200 }),
    "/differences/1/places/~1status", "they all say the same",
)]
#[case::nobody_says_so(OPERATION, "/differences/1/places/~1status", json!({ "boto3": 201, "api-reference": 202 }),
    "/differences/1/places/~1status", "some source says what the shapes state",
)]
fn a_contract_that_contradicts_itself_is_refused_with_the_place(
    #[case] file: &str,
    #[case] change: &str,
    #[case] value: Value,
    #[case] pointer: &str,
    #[case] message: &str,
) {
    let error = load_with(file, change, &value).expect_err("the change breaks the contract");
    assert!(error.file.ends_with(file), "{error}");
    assert_eq!(error.pointer, pointer, "{error}");
    assert!(error.message.contains(message), "{error}");
}

#[test]
fn the_contract_of_this_build_loads() {
    let domain = "/request/members/customDomainName/max_length/is";
    let unchanged = load_with(OPERATION, domain, &json!(253)).expect("it loads");
    let contract = Contract::load(&Fixtures::Embedded).expect("it loads");
    assert_eq!((contract.service, contract.operations), (unchanged.service, unchanged.operations));
}

#[test]
fn a_list_is_bounded_by_its_items_and_hides_what_they_are() {
    let fact = |is: Value| json!({ "is": is, "evidence": "modelled", "source": { "service-model": "" } });
    let items = json!({ "type": fact(json!("string")), "sensitive": fact(json!(true)) });
    let (meaning, required) = (fact(json!("Words.")), fact(json!(false)));
    let list = json!({
        "meaning": meaning, "type": fact(json!("list")), "required": required,
        "min_length": fact(json!(1)), "max_length": fact(json!(2)), "items": items,
    });
    let contract = load_with(OPERATION, "/request/members/words", &list).expect("it loads");
    let request = &contract.default_operation().request;
    assert!(request.members["words"].is_sensitive());
    let with_words = |words: &[&str]| {
        let breaches =
            contract.validators().breaches(&request.name, &json!({ "workgroupName": "wg-1", "words": words }));
        breaches.iter().map(|breach| breach.expected.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(
        [with_words(&[]), with_words(&["a"]), with_words(&["a"; 3])],
        [vec!["at least 1 item".to_owned()], vec![], vec!["at most 2 items".to_owned()]]
    );
}

#[test]
fn there_are_156_reserved_words_and_3_undecided_ones() {
    // Source: the developer guide's current table has 156 words, and its 2023 revision has 3 more.
    let words = &Service::embedded().reserved_words;
    assert_eq!((words.words.is.len(), words.undecided.is.len()), (156, 3));
    assert!(words.contains("select") && words.contains("SELECT"));
    assert!(!words.contains("CONNECT") && !words.contains("dev"));
}
