//! The requests that move the clock. They are no part of the service, and need no signature.
//!
//! A web page that is open on this machine can send requests to loopback. A browser asks first before it sends JSON to
//! another site, and the emulator gives no permission. A page whose name was pointed at loopback sends that name in
//! `Host`, where only loopback is accepted.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;

use super::clock::Clock;
use crate::text::foreign;
use crate::wire::{Headers, Request, Response};

/// The path of the clock. No request of the service has it.
pub const CLOCK_PATH: &str = "/_countersign/clock";

/// What a request makes of the clock.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Controlled {
    /// It was only read, or the request was refused.
    Unmoved(Response),
    /// It shows another time now.
    Moved(Response),
}

/// The body of a request that moves the clock.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    advance_seconds: Option<f64>,
    set: Option<Timestamp>,
}

/// Answers a request for the clock; `None` for any other request.
pub(super) fn answer(request: &Request, clock: &Clock) -> Option<Controlled> {
    if request.target.split('?').next() != Some(CLOCK_PATH) {
        return None;
    }
    let host = request.headers.get("host").unwrap_or_default();
    if !is_loopback(host) {
        let why = format!("the host \"{}\" is not a loopback address", foreign(host));
        return Some(Controlled::Unmoved(refused(403, &why)));
    }
    Some(match request.method.as_str() {
        "GET" => Controlled::Unmoved(shown(clock)),
        "POST" => match moved(request, clock) {
            Ok(()) => Controlled::Moved(shown(clock)),
            Err((status, why)) => Controlled::Unmoved(refused(status, &why)),
        },
        _ => Controlled::Unmoved(refused(405, "the clock is read with GET and moved with POST")),
    })
}

fn moved(request: &Request, clock: &Clock) -> Result<(), (u16, String)> {
    let media_type = request.headers.get("content-type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err((415, format!("Content-Type is \"{}\", expected application/json", foreign(media_type))));
    }
    let expected = r#"expected {"advance_seconds": 901} or {"set": "2030-01-01T00:00:00Z"}"#;
    let asked: Move = serde_json::from_slice(&request.body)
        .map_err(|error| (400, format!("{expected}: {}", foreign(&error.to_string()))))?;
    match (asked.advance_seconds, asked.set) {
        (Some(seconds), None) => {
            let by = SignedDuration::try_from_secs_f64(seconds).map_err(|error| (400, error.to_string()))?;
            clock.advance(by).map_err(|error| (400, error.to_string()))
        }
        (None, Some(time)) => {
            clock.set(time);
            Ok(())
        }
        _ => Err((400, expected.to_owned())),
    }
}

/// What the clock shows, and how far it was moved.
fn shown(clock: &Clock) -> Response {
    let now = format!("{:.3}", clock.now());
    response(200, &json!({ "now": now, "moved_seconds": clock.offset().as_secs_f64() }))
}

pub(super) fn refused(status: u16, why: &str) -> Response {
    response(status, &json!({ "error": why }))
}

fn response(status: u16, body: &serde_json::Value) -> Response {
    let body = body.to_string().into_bytes();
    let mut headers = Headers::new();
    headers.push("Content-Type", "application/json");
    headers.push("Content-Length", body.len().to_string());
    Response { status, headers, body }
}

/// Whether the value of `Host` is a loopback address or `localhost`, with or without a port.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => host.split(':').next(),
    };
    let name = name.unwrap_or_default();
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn clock() -> Clock {
        Clock::new(|| "2026-01-01T00:00:00Z".parse().unwrap())
    }

    fn request(method: &str, body: &str) -> Request {
        Request {
            method: method.to_owned(),
            target: CLOCK_PATH.to_owned(),
            headers: [("host", "127.0.0.1:4567"), ("content-type", "application/json")].into_iter().collect(),
            body: body.as_bytes().to_vec(),
        }
    }

    /// The status and the body of an answer, and whether the clock was moved.
    fn answered(request: &Request, clock: &Clock) -> (u16, serde_json::Value, bool) {
        let (response, moved) = match answer(request, clock).unwrap() {
            Controlled::Unmoved(response) => (response, false),
            Controlled::Moved(response) => (response, true),
        };
        (response.status, serde_json::from_slice(&response.body).unwrap(), moved)
    }

    #[rstest]
    #[case::read("GET", "", "2026-01-01T00:00:00.000Z", 0.0, false)]
    #[case::advanced("POST", r#"{"advance_seconds": 901}"#, "2026-01-01T00:15:01.000Z", 901.0, true)]
    #[case::by_half("POST", r#"{"advance_seconds": 0.5}"#, "2026-01-01T00:00:00.500Z", 0.5, true)]
    #[case::back("POST", r#"{"advance_seconds": -60}"#, "2025-12-31T23:59:00.000Z", -60.0, true)]
    #[case::set("POST", r#"{"set": "2026-01-01T01:00:00+00:00"}"#, "2026-01-01T01:00:00.000Z", 3600.0, true)]
    fn the_clock_is_read_and_moved(
        #[case] method: &str,
        #[case] body: &str,
        #[case] now: &str,
        #[case] moved_seconds: f64,
        #[case] moved: bool,
    ) {
        let expected = json!({ "now": now, "moved_seconds": moved_seconds });
        assert_eq!(answered(&request(method, body), &clock()), (200, expected, moved));
    }

    #[rstest]
    #[case::method("PUT", "{}", "", 405)]
    #[case::no_json("POST", "advance", "", 400)]
    #[case::nothing("POST", "{}", "", 400)]
    #[case::both("POST", r#"{"advance_seconds": 1, "set": "2026-01-01T00:00:00Z"}"#, "", 400)]
    #[case::unknown("POST", r#"{"advance_seconds": 1, "by": 1}"#, "", 400)]
    #[case::no_time("POST", r#"{"set": "tomorrow"}"#, "", 400)]
    #[case::too_far("POST", r#"{"advance_seconds": 1e12}"#, "", 400)]
    #[case::beyond_any_duration("POST", r#"{"advance_seconds": 1e300}"#, "", 400)]
    #[case::what_a_form_sends("POST", r#"{"advance_seconds": 1}"#, "content-type: text/plain", 415)]
    #[case::another_host("POST", r#"{"advance_seconds": 1}"#, "host: rebound.example:4567", 403)]
    #[case::like_an_address("GET", "", "host: 127.0.0.1.example", 403)]
    #[case::not_loopback("GET", "", "host: 192.168.0.1", 403)]
    fn what_may_not_move_the_clock_is_told_why(
        #[case] method: &str,
        #[case] body: &str,
        #[case] header: &str,
        #[case] status: u16,
    ) {
        let (clock, mut request) = (clock(), request(method, body));
        if let Some((name, value)) = header.split_once(": ") {
            request.headers.set(name, value);
        }
        let (got, body, moved) = answered(&request, &clock);
        assert_eq!((got, moved, clock.offset()), (status, false, SignedDuration::ZERO), "{body}");
        assert!(body["error"].as_str().is_some_and(|why| !why.is_empty()), "{body}");
    }

    #[rstest]
    #[case("localhost")]
    #[case("LOCALHOST:1")]
    #[case("[::1]:4567")]
    #[case("127.9.9.9")]
    fn loopback_has_several_names(#[case] host: &str) {
        let mut request = request("GET", "");
        request.headers.set("host", host);
        assert_eq!(answered(&request, &clock()).0, 200);
    }

    #[test]
    fn other_paths_are_the_services() {
        let mut request = request("GET", "");
        request.target = "/".to_owned();
        assert_eq!(answer(&request, &clock()), None);
    }
}
