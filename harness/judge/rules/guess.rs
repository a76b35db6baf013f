//! Guesses at the cause of a finding, for whoever has to repair it: added to what was found, never
//! part of what is held against a target. Nothing here gives away a value.

use serde_json::{Map, Value};

use super::super::answer::Observation;

/// The members whose values are no secrets.
const TIMESTAMPS: [&str; 2] = ["/expiration", "/nextRefreshTime"];

/// Where the wrong value of a member may come from; nothing where nobody can say.
pub(super) fn of_member(seen: &Observation<'_>, at: &str, keyword: &str) -> Option<String> {
    let members = seen.body.as_ref()?.as_object()?;
    match keyword {
        "required" => of_absence(seen, members, at.trim_start_matches('/')),
        "type" if TIMESTAMPS.contains(&at) => of_timestamp(members.get(at.trim_start_matches('/'))?),
        _ => None,
    }
}

/// Where a member that is not there may be instead.
fn of_absence(seen: &Observation<'_>, members: &Map<String, Value>, wanted: &str) -> Option<String> {
    let plain = |name: &str| name.replace(['_', '-'], "").to_ascii_lowercase();
    if members.get(wanted).is_some_and(Value::is_null) {
        return Some("it is null, which stands for no member".to_owned());
    }
    if let Some(alike) = members.keys().find(|name| plain(name) == plain(wanted)) {
        return Some(format!("there is {}, which looks like it under another name", seen.quote_name(alike)));
    }
    let inside = members.iter().find(|(_, value)| value.get(wanted).is_some());
    inside.map(|(name, _)| format!("there is one inside {}, where no client looks", seen.quote_name(name)))
}

/// What a timestamp is that is no number.
fn of_timestamp(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let digits =
        |range: std::ops::Range<usize>| text.get(range).is_some_and(|part| part.bytes().all(|b| b.is_ascii_digit()));
    if text.parse::<f64>().is_ok() {
        return Some("which looks like a number in quotes".to_owned());
    }
    let date =
        digits(0..4) && text.get(4..5) == Some("-") && digits(5..7) && text.get(7..8) == Some("-") && digits(8..10);
    date.then(|| "which looks like an ISO 8601 date instead of epoch seconds".to_owned())
}

/// What a body is that is no JSON.
pub(super) fn of_body(body: &[u8]) -> &'static str {
    let start = body.trim_ascii_start();
    let begins = |text: &str| start.get(..text.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(text.as_bytes()));
    if begins("<!doctype html") || begins("<html") {
        ", which look like HTML"
    } else if begins("<") {
        ", which look like XML"
    } else if serde_json::from_slice::<Value>(body).is_err_and(|error| error.is_eof()) {
        ", which look like JSON that ends too early"
    } else {
        ""
    }
}

/// What an expiration may be that is so many seconds after the call, where it should be others.
/// `epoch` is the expiration itself.
pub(super) fn of_lifetime(epoch: f64, after: f64, asked: f64, default: f64) -> &'static str {
    const NEAR: f64 = 5.0;
    const HOUR: f64 = 3600.0;
    let near = |one: f64, other: f64| (one - other).abs() <= NEAR;
    let issued = epoch - after;
    let hours = ((after - asked) / HOUR).round();
    if near(epoch / 1000.0 - issued, asked) {
        ", which looks like milliseconds: in seconds it would be right"
    } else if epoch > 1e11 {
        ", which looks like milliseconds"
    } else if near(after, 0.0) {
        ", which looks like the time of the call itself"
    } else if near(epoch, asked) {
        ", which looks like the lifetime instead of a point in time"
    } else if near(after, default) {
        ", which looks like the default, with durationSeconds ignored"
    } else if near(after, asked * 60.0) {
        ", which looks like minutes taken for seconds"
    } else if hours != 0.0 && hours.abs() <= 14.0 && near(after - asked, hours * HOUR) && !near(after, asked * 2.0) {
        ", which looks like local time taken for UTC"
    } else {
        ""
    }
}

/// How much of the text at which the request differs from its control is in an error's message, where
/// that is not all of it: a long text is masked there, and so nobody sees that it was cut.
pub(super) fn of_cut(message: &str, sent: &str) -> Option<usize> {
    /// Fewer characters may stand in any message.
    const FEWEST: usize = 8;
    if message.contains(sent) {
        return None;
    }
    let ends: Vec<usize> = sent.char_indices().map(|(end, _)| end).collect();
    (FEWEST..ends.len()).rev().find(|length| message.contains(&sent[..ends[*length]]))
}

/// The end of a sentence about a refusal whose message has only the beginning of what was sent.
pub(in crate::judge) fn of_cut_name(seen: &Observation<'_>) -> String {
    let sent: Option<Value> = serde_json::from_slice(&seen.exchange.request.body).ok();
    let member = seen.case.member_at_fault().unwrap_or_default();
    let text = sent.as_ref().and_then(|sent| sent.get(member)?.as_str());
    let cut = text.zip(seen.message()).and_then(|(text, message)| of_cut(message, text));
    cut.map_or_else(String::new, |length| {
        format!(", which names the first {length} characters of the {member} that was sent")
    })
}

/// Where the name of an error may be instead of where clients look.
pub(super) fn of_nameless(seen: &Observation<'_>) -> String {
    const ELSEWHERE: [&str; 8] = ["type", "Type", "errorType", "error", "Error", "Code", "errorCode", "name"];
    let Some(body) = &seen.body else {
        return match seen.response.body.len() {
            0 => "none of them: the body is empty".to_owned(),
            count => format!("none of them: {count} bytes that are not JSON{}", of_body(&seen.response.body)),
        };
    };
    if let Some(name) = ["__type", "code"].into_iter().find(|name| body.get(name).is_some_and(Value::is_number)) {
        return format!("none of them, but {name} is a number");
    }
    match ELSEWHERE.into_iter().find(|name| body.get(name).is_some_and(|member| !member.is_null())) {
        Some(name) => format!("none of them, but a member {name}, where no client looks"),
        None => "none of them".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const CALL: f64 = 1_795_323_491.0;

    #[rstest]
    #[case::milliseconds((CALL + 900.0) * 1000.0, 900.0, "in seconds it would be right")]
    #[case::other_milliseconds(CALL * 1000.0, 900.0, "milliseconds")]
    #[case::now(CALL, 900.0, "the call itself")]
    #[case::lifetime(900.0, 900.0, "instead of a point in time")]
    #[case::ignored(CALL + 900.0, 1800.0, "durationSeconds ignored")]
    #[case::minutes(CALL + 54_000.0, 900.0, "minutes")]
    #[case::zone(CALL + 900.0 - 5.0 * 3600.0, 900.0, "local time")]
    #[case::doubled(CALL + 7200.0, 3600.0, "")]
    #[case::an_hour(CALL + 3600.0, 900.0, "")]
    fn a_wrong_expiration_is_guessed_at_only_where_it_fits(#[case] epoch: f64, #[case] asked: f64, #[case] said: &str) {
        let guess = of_lifetime(epoch, epoch - CALL, asked, 900.0);
        assert!(guess.contains(said) && said.is_empty() == guess.is_empty(), "{guess}");
    }

    #[rstest]
    #[case("1795323491.5", Some("quotes"))]
    #[case("2026-11-22T05:00:00Z", Some("ISO 8601"))]
    #[case("soon", None)]
    #[case("é026-11-22", None)]
    fn a_timestamp_that_is_a_text_is_known_by_its_form(#[case] text: &str, #[case] said: Option<&str>) {
        let guess = of_timestamp(&Value::from(text));
        assert_eq!(guess.is_some(), said.is_some());
        assert!(guess.unwrap_or_default().contains(said.unwrap_or_default()));
    }

    #[rstest]
    #[case::cut("Workgroup abcdefghijklmnop not found.", "abcdefghijklmnopqrst", Some(16))]
    #[case::whole("Workgroup abcdefghijklmnopqrst not found.", "abcdefghijklmnopqrst", None)]
    #[case::another("Workgroup zyx not found.", "abcdefghijklmnopqrst", None)]
    #[case::too_little("Workgroup abcdefg not found.", "abcdefghijklmnopqrst", None)]
    #[case::short("ab", "abc", None)]
    #[case::wide_characters("ééééééééé", "éééééééééé", Some(9))]
    fn a_message_tells_how_much_of_a_name_it_has(
        #[case] message: &str,
        #[case] sent: &str,
        #[case] expected: Option<usize>,
    ) {
        assert_eq!(of_cut(message, sent), expected);
    }

    #[rstest]
    #[case(" <!DOCTYPE html><p>", "HTML")]
    #[case("<Error/>", "XML")]
    #[case("{\"dbUser\":", "too early")]
    #[case("no", "")]
    fn a_body_that_is_not_json_is_known_by_its_start(#[case] body: &str, #[case] said: &str) {
        assert!(of_body(body.as_bytes()).contains(said) && said.is_empty() == of_body(body.as_bytes()).is_empty());
    }
}
