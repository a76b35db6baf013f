//! Compares two recordings of one case.

use serde::Serialize;
use serde_json::Value;

use super::format::Recording;

/// How far two rounded times may be apart, in seconds: what is rounded may be just above a half or just below.
const ROUNDING: i64 = 10;

/// One place at which a new recording differs from the earlier one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drift {
    /// The JSON pointer in the file.
    pub at: String,
    /// What the earlier recording has there; `None` if it has nothing.
    pub recorded: Option<Value>,
    /// What the new one has there; `None` if it has nothing.
    pub found: Option<Value>,
}

/// Every place at which two recordings differ. The day and the version of the suite are not compared.
pub fn drifts(earlier: &Recording, later: &Recording) -> Vec<Drift> {
    let mut found = Vec::new();
    let parts = |recording: &Recording| {
        let value = serde_json::to_value(recording).unwrap_or_default();
        ["of", "region", "answers"].map(|part| value.get(part).cloned())
    };
    for ((name, earlier), later) in ["/of", "/region", "/answers"].iter().zip(parts(earlier)).zip(parts(later)) {
        compare(name, earlier.as_ref(), later.as_ref(), &mut found);
    }
    found
}

fn compare(at: &str, earlier: Option<&Value>, later: Option<&Value>, found: &mut Vec<Drift>) {
    match (earlier, later) {
        (Some(one), Some(other)) if one == other || is_rounded_alike(at, one, other) => {}
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let mut names: Vec<_> = one.keys().chain(other.keys()).collect();
            names.sort();
            names.dedup();
            for name in names {
                let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                compare(&at, one.get(name), other.get(name), found);
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
            for index in 0..one.len().max(other.len()) {
                compare(&format!("{at}/{index}"), one.get(index), other.get(index), found);
            }
        }
        (recorded, later) => {
            found.push(Drift { at: at.to_owned(), recorded: recorded.cloned(), found: later.cloned() });
        }
    }
}

fn is_rounded_alike(at: &str, one: &Value, other: &Value) -> bool {
    let is_rounded = at.ends_with("/number/after") || at.ends_with("/clock");
    let apart = |(one, other): (i64, i64)| one.abs_diff(other) <= ROUNDING.unsigned_abs();
    is_rounded && one.as_i64().zip(other.as_i64()).is_some_and(apart)
}
