//! The tag of a run, which it puts on what it makes, so that it is found again where the journal is lost.

use serde_json::value::to_raw_value;
use serde_json::{Value, json};

use crate::contract::TagForm;
use crate::corpus::Input;

/// The key of the tag. Its value is the seed of the run.
pub(crate) const KEY: &str = "countersign-run";

/// Puts the tag of the run with this seed into a request, beside the tags that are there.
pub(super) fn put(input: &mut Input, form: &TagForm, seed: u64) {
    let mut tags: Vec<Value> =
        input.get(&form.member).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    tags.push(json!({ (&form.key): KEY, (&form.value): seed.to_string() }));
    let tags = to_raw_value(&tags).expect("tags are JSON");
    input.set(&form.member, tags);
}

/// The seed of the run whose tag is among these; `None` if no run's is.
#[cfg(any(feature = "cli", test))]
pub(super) fn run_of(tags: &Value, form: &TagForm) -> Option<u64> {
    let of_run = |tag: &&Value| tag.get(&form.key).and_then(Value::as_str) == Some(KEY);
    tags.as_array()?.iter().find(of_run)?.get(&form.value)?.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> TagForm {
        TagForm { member: "labels".to_owned(), key: "k".to_owned(), value: "v".to_owned() }
    }

    #[test]
    fn a_tag_stands_beside_those_that_are_there_and_is_found_again() {
        let mut input = Input::default();
        put(&mut input, &form(), 7);
        let other = to_raw_value(&json!([{"k": "team", "v": "${name:team}"}])).expect("JSON");
        assert_eq!(input.to_json(), r#"{"labels":[{"k":"countersign-run","v":"7"}]}"#);
        input.set("labels", other);
        put(&mut input, &form(), 8);
        let tags: Value = serde_json::from_str(input.get("labels").expect("it is there")).expect("JSON");
        assert_eq!((tags.as_array().map(Vec::len), run_of(&tags, &form())), (Some(2), Some(8)));
        assert_eq!(tags[0]["v"], "${name:team}");
    }

    #[test]
    fn what_has_no_tag_of_a_run_is_of_no_run() {
        for tags in [json!([]), json!(null), json!([{"k": KEY, "v": "mine"}]), json!([{"k": "other", "v": "7"}])] {
            assert_eq!(run_of(&tags, &form()), None, "{tags}");
        }
    }
}
