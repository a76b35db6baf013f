//! Compares what SDKs say on standard error.

use super::show::{self, ABSENT};
use super::{ChangeClass, SdkChange};
use crate::sdk::record::Record;

/// The change of the lines that only one of two runs has; `None` if there are none.
pub(super) fn compare(old: &Record, new: &Record) -> Option<SdkChange> {
    let only = |one: &Record, other: &Record| -> Option<String> {
        let lines: Vec<_> =
            one.warnings.iter().filter(|line| !other.warnings.contains(line)).map(String::as_str).collect();
        (!lines.is_empty()).then(|| show::text(&lines.join("\n")))
    };
    let (was, is) = (only(old, new), only(new, old));
    let meaning = match (&was, &is) {
        (None, None) => return None,
        (None, Some(_)) => "The SDK writes this to standard error, which it did not: logs show it.",
        (Some(_), None) => "The SDK no longer writes this to standard error.",
        (Some(_), Some(_)) => "The SDK writes something else to standard error: logs show it.",
    };
    let shown = |text: Option<String>| text.unwrap_or_else(|| ABSENT.to_owned());
    Some(SdkChange::new(ChangeClass::Warnings, "warnings", shown(was), shown(is), meaning))
}
