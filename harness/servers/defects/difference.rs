//! Whether two answers to one request differ.

use serde_json::Value;

use crate::wire::Response;

/// Header fields that differ from answer to answer.
const VOLATILE: [&str; 3] = ["x-amzn-requestid", "date", "content-length"];

/// How far two timestamps of the same kind may be apart, in seconds: both answers are made at once.
const SAME_TIME_SECONDS: f64 = 5.0;

/// Whether they differ in more than what time and chance do: request ids, dates, and texts that differ from `again`,
/// the same answer once more, such as passwords.
pub(super) fn of(one: &Response, again: &Response, other: &Response) -> bool {
    let bodies = || bodies_differ(&one.body, &again.body, &other.body);
    one.status != other.status || fields(one) != fields(other) || bodies()
}

fn fields(response: &Response) -> Vec<(String, &str)> {
    let kept = response.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
    kept.filter(|(name, _)| !VOLATILE.contains(&name.as_str())).collect()
}

fn bodies_differ(one: &[u8], again: &[u8], other: &[u8]) -> bool {
    let object = |bytes| serde_json::from_slice::<serde_json::Map<String, Value>>(bytes).ok();
    let (Some(one_members), Some(other_members)) = (object(one), object(other)) else { return one != other };
    let again = object(again).unwrap_or_default();
    one_members.len() != other_members.len()
        || one_members.iter().any(|(name, value)| match (value, other_members.get(name)) {
            (_, None) => true,
            (Value::String(text), Some(Value::String(_))) if again.get(name).and_then(Value::as_str) != Some(text) => {
                false
            }
            (Value::Number(value), Some(Value::Number(found))) => match (value.as_f64(), found.as_f64()) {
                (Some(value), Some(found)) => (value - found).abs() > SAME_TIME_SECONDS,
                _ => value != found,
            },
            (value, Some(found)) => value != found,
        })
}
