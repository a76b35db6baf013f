//! Guesses at the cause of a finding, to help whoever repairs it. A guess is added to a finding and never decides it.
//! No guess gives away a value.

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::super::answer::Observation;
use super::success::TIMES;
use crate::contract::{Constraint, JsonType, MemberKind, SchemaBreach};
use crate::verdict::{LifetimeLikeness, Markup, NameSubstitute, StrikingDetail, ValueLikeness};
use crate::wire::Response;

/// Where the wrong value of a member of the body may come from; `None` if there is no guess.
pub(super) fn of_member(observation: &Observation<'_>, breach: &SchemaBreach) -> Option<ValueLikeness> {
    if matches!(breach.expected, Constraint::Time { .. }) {
        return of_time(observation.body.as_ref()?.pointer(&breach.at)?);
    }
    let members = observation.body.as_ref()?.as_object()?;
    let name = breach.at.strip_prefix('/')?;
    match breach.keyword.as_str() {
        "required" if !name.contains('/') => of_absence(observation, members, name),
        "type" => {
            let member = observation
                .operation
                .response
                .members
                .get(name)
                .filter(|member| member.kind.is == MemberKind::Timestamp)?;
            of_timestamp(members.get(name)?, member.json_type.as_ref()?.is)
        }
        _ => None,
    }
}

/// Where an absent member may be instead.
fn of_absence(observation: &Observation<'_>, members: &Map<String, Value>, wanted: &str) -> Option<ValueLikeness> {
    let squeezed = |name: &str| name.replace(['_', '-'], "").to_ascii_lowercase();
    if members.get(wanted).is_some_and(Value::is_null) {
        return Some(ValueLikeness::Null);
    }
    if let Some(alike) = members.keys().find(|name| squeezed(name) == squeezed(wanted)) {
        return Some(ValueLikeness::OtherName(observation.quote_name(alike)));
    }
    let inside = members.iter().find(|(_, value)| value.get(wanted).is_some());
    inside.map(|(name, _)| ValueLikeness::Inside(observation.quote_name(name)))
}

/// What a timestamp that should be of the type `expected` looks like.
fn of_timestamp(value: &Value, expected: JsonType) -> Option<ValueLikeness> {
    let Some(text) = value.as_str() else {
        return (expected == JsonType::String && value.is_number()).then_some(ValueLikeness::EpochSeconds);
    };
    if text.parse::<f64>().is_ok() {
        return Some(ValueLikeness::QuotedNumber);
    }
    let fits = |(at, byte): (usize, u8)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    text.get(..10).is_some_and(|date| date.bytes().enumerate().all(fits)).then_some(ValueLikeness::Iso8601)
}

/// What a time outside of the documented ones looks like.
#[expect(clippy::cast_precision_loss, reason = "these times are far below what a float holds exactly")]
fn of_time(value: &Value) -> Option<ValueLikeness> {
    /// The zeros of Unix, of a failed call and, in epoch seconds, of the year 1.
    const ZEROS: [f64; 3] = [0.0, -1.0, -62_135_596_800.0];
    const A_YEAR: f64 = 366.0 * 86_400.0;
    let Some(number) = value.as_f64() else {
        return value.as_str().is_some_and(|text| text.starts_with("0000-")).then_some(ValueLikeness::Unset);
    };
    let is_right_in = |unit: f64| (TIMES.0 as f64..=TIMES.1 as f64).contains(&(number / unit));
    let kinds = [
        (ZEROS.contains(&number), ValueLikeness::Unset),
        (number > 0.0 && number <= A_YEAR, ValueLikeness::Duration),
        (is_right_in(1e3), ValueLikeness::Milliseconds),
        (is_right_in(1e6), ValueLikeness::Microseconds),
        (is_right_in(1e9), ValueLikeness::Nanoseconds),
    ];
    kinds.into_iter().find(|(fits, _)| *fits).map(|(_, like)| like)
}

/// What a body that is not JSON looks like.
pub(in crate::judge) fn of_body(response: &Response) -> Option<Markup> {
    let body = response.body.as_slice();
    let coding = response.headers.get("content-encoding").unwrap_or_default().to_ascii_lowercase();
    let start = body.trim_ascii_start();
    let begins = |text: &str| start.get(..text.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(text.as_bytes()));
    let is_html = begins("<!doctype html") || begins("<html");
    let syntax = || serde_json::from_slice::<Value>(body).err();
    let is_utf8 = std::str::from_utf8(body).is_ok();
    // Text begins with a byte below 0x80 and goes on with a zero byte only in UTF-16 and UTF-32.
    let is_utf16 = matches!(body, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'{', 0, ..] | [0, b'{', ..]);
    let kinds = [
        (matches!(body, [0x1f, 0x8b, ..]), Markup::Gzip),
        (matches!(body, [0x28, 0xb5, 0x2f, 0xfd, ..]), Markup::Zstandard),
        (is_utf16, Markup::Utf16),
        (!is_utf8 && is_zlib(body), Markup::Deflate),
        (!is_utf8 && coding.contains("deflate"), Markup::Deflate),
        (!is_utf8 && coding.contains("br"), Markup::Brotli),
        (is_html, Markup::Html),
        (begins("<"), Markup::Xml),
        (syntax().is_some_and(|error| error.is_eof()), Markup::CutJson),
        (!is_utf8, Markup::NotUtf8),
    ];
    let kind = kinds.into_iter().find(|(fits, _)| *fits).map(|(_, markup)| markup);
    kind.or_else(|| (begins("{") && is_json_with_more(body)).then_some(Markup::JsonAndMore))
}

/// Whether bytes begin like the format of RFC 1950, which HTTP calls deflate.
fn is_zlib(body: &[u8]) -> bool {
    let &[method, flags, ..] = body else { return false };
    method & 0x0f == 8 && method >> 4 <= 7 && (u16::from(method) << 8 | u16::from(flags)).is_multiple_of(31)
}

fn is_json_with_more(body: &[u8]) -> bool {
    serde_json::Deserializer::from_slice(body).into_iter::<IgnoredAny>().next().is_some_and(|value| value.is_ok())
}

/// What a wrong lifetime may come from. `epoch` is its end in epoch seconds. The others are in seconds after the call:
/// where the end is (`after`), where it should be (`asked`), and where it is by default (`default`).
pub(super) fn of_lifetime(epoch: f64, after: f64, asked: f64, default: f64) -> Option<LifetimeLikeness> {
    const NEAR: f64 = 5.0;
    const HOUR: f64 = 3600.0;
    let near = |one: f64, other: f64| (one - other).abs() <= NEAR;
    let issued = epoch - after;
    let hours = ((after - asked) / HOUR).round();
    let is_zone = hours != 0.0 && hours.abs() <= 14.0 && near(after - asked, hours * HOUR) && !near(after, asked * 2.0);
    let causes = [
        (near(epoch / 1000.0 - issued, asked), LifetimeLikeness::RightMilliseconds),
        (epoch > 1e11, LifetimeLikeness::Milliseconds),
        (near(after, 0.0), LifetimeLikeness::Now),
        (near(epoch, asked), LifetimeLikeness::Duration),
        (near(after, default), LifetimeLikeness::Default),
        (near(after, asked * 60.0), LifetimeLikeness::Minutes),
        (is_zone, LifetimeLikeness::LocalTime),
    ];
    causes.into_iter().find(|(fits, _)| *fits).map(|(_, cause)| cause)
}

/// How many of the first characters of `sent` an error's message has, if it does not have all of them. A report masks a
/// long text, so a reader would not see that the message cut it.
pub(super) fn of_cut(message: &str, sent: &str) -> Option<usize> {
    /// Fewer characters may be in a message by chance.
    const FEWEST: usize = 8;
    if message.contains(sent) {
        return None;
    }
    let ends: Vec<usize> = sent.char_indices().map(|(end, _)| end).collect();
    (FEWEST..ends.len()).rev().find(|length| message.contains(&sent[..ends[*length]]))
}

/// [`StrikingDetail::CutName`] if the message of a refusal has only the beginning of the value that was sent.
pub(in crate::judge) fn of_cut_name(observation: &Observation<'_>) -> Option<StrikingDetail> {
    let member = observation.case.member_at_fault()?;
    let sent = observation.requested_value(member)?;
    let characters = of_cut(observation.message()?, sent.as_str()?)?;
    Some(StrikingDetail::CutName { member: member.to_owned(), characters })
}

/// What an answer has instead of an error's name in the places where clients look.
pub(super) fn of_nameless(observation: &Observation<'_>) -> NameSubstitute {
    const ELSEWHERE: [&str; 8] = ["type", "Type", "errorType", "error", "Error", "Code", "errorCode", "name"];
    let Some(body) = &observation.body else {
        return match observation.response.body.len() {
            0 => NameSubstitute::Empty,
            bytes => NameSubstitute::NotJson { bytes, looks_like: of_body(observation.response) },
        };
    };
    let there = |name: &&str| body.get(name).is_some_and(|member| !member.is_null());
    if let Some(name) = ["__type", "code"].into_iter().find(|name| body.get(name).is_some_and(Value::is_number)) {
        return NameSubstitute::Number(name.to_owned());
    }
    ELSEWHERE.into_iter().find(there).map_or(NameSubstitute::Nothing, |name| NameSubstitute::Elsewhere(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::wire::Headers;

    const CALL: f64 = 1_795_323_491.0;

    #[rstest]
    #[case::milliseconds((CALL + 900.0) * 1000.0, 900.0, Some(LifetimeLikeness::RightMilliseconds))]
    #[case::other_milliseconds(CALL * 1000.0, 900.0, Some(LifetimeLikeness::Milliseconds))]
    #[case::now(CALL, 900.0, Some(LifetimeLikeness::Now))]
    #[case::lifetime(900.0, 900.0, Some(LifetimeLikeness::Duration))]
    #[case::ignored(CALL + 900.0, 1800.0, Some(LifetimeLikeness::Default))]
    #[case::minutes(CALL + 54_000.0, 900.0, Some(LifetimeLikeness::Minutes))]
    #[case::zone(CALL + 900.0 - 5.0 * 3600.0, 900.0, Some(LifetimeLikeness::LocalTime))]
    #[case::doubled(CALL + 7200.0, 3600.0, None)]
    #[case::an_hour(CALL + 3600.0, 900.0, None)]
    fn a_wrong_expiration_is_guessed_at_only_where_it_fits(
        #[case] epoch: f64,
        #[case] asked: f64,
        #[case] expected: Option<LifetimeLikeness>,
    ) {
        assert_eq!(of_lifetime(epoch, epoch - CALL, asked, 900.0), expected);
    }

    #[rstest]
    #[case("1795323491.5", Some(ValueLikeness::QuotedNumber))]
    #[case("2026-11-22T05:00:00Z", Some(ValueLikeness::Iso8601))]
    #[case("soon", None)]
    #[case("é026-11-22", None)]
    fn a_timestamp_that_is_a_text_is_known_by_its_form(#[case] text: &str, #[case] expected: Option<ValueLikeness>) {
        assert_eq!(of_timestamp(&Value::from(text), JsonType::Number), expected);
    }

    #[test]
    fn a_number_instead_of_a_date_is_known_as_epoch_seconds() {
        assert_eq!(of_timestamp(&Value::from(1_795_323_491), JsonType::String), Some(ValueLikeness::EpochSeconds));
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
    #[case(b" <!DOCTYPE html><p>", "", Some(Markup::Html))]
    #[case(b"<Error/>", "", Some(Markup::Xml))]
    #[case(b"{\"dbUser\":", "", Some(Markup::CutJson))]
    #[case(b"{} {}", "", Some(Markup::JsonAndMore))]
    #[case(b"{'a': 1}", "gzip", None)]
    #[case(b"no", "", None)]
    #[case(b"\x1f\x8b\x08\x00", "", Some(Markup::Gzip))]
    #[case(b"\x28\xb5\x2f\xfd", "", Some(Markup::Zstandard))]
    #[case(b"\x78\x9c\xab", "", Some(Markup::Deflate))]
    #[case(b"\xabV", "deflate", Some(Markup::Deflate))]
    #[case(b"\x8b\x03", "br", Some(Markup::Brotli))]
    #[case(b"\xff\xfe{\0", "", Some(Markup::Utf16))]
    #[case(b"\0{\0}", "", Some(Markup::Utf16))]
    #[case(b"{\"a\": \"\xfc\"}", "", Some(Markup::NotUtf8))]
    fn a_body_that_is_not_json_is_known_by_its_bytes(
        #[case] body: &[u8],
        #[case] coding: &str,
        #[case] expected: Option<Markup>,
    ) {
        let headers = Headers::from_iter([("Content-Encoding", coding)]);
        assert_eq!(of_body(&Response { status: 200, headers, body: body.to_vec() }), expected);
    }

    #[rstest]
    #[case::seconds_in_milliseconds(1.8e12, Some(ValueLikeness::Milliseconds))]
    #[case::in_microseconds(1.8e15, Some(ValueLikeness::Microseconds))]
    #[case::in_nanoseconds(1.8e18, Some(ValueLikeness::Nanoseconds))]
    #[case::zero(0.0, Some(ValueLikeness::Unset))]
    #[case::failed(-1.0, Some(ValueLikeness::Unset))]
    #[case::zero_of_go(-62_135_596_800.0, Some(ValueLikeness::Unset))]
    #[case::lifetime(7200.0, Some(ValueLikeness::Duration))]
    #[case::year_10000(253_402_300_800.0, None)]
    #[case::long_ago(946_684_799.0, None)]
    fn a_time_that_is_none_is_guessed_at_only_where_it_fits(
        #[case] number: f64,
        #[case] expected: Option<ValueLikeness>,
    ) {
        assert_eq!(of_time(&Value::from(number)), expected);
    }
}
