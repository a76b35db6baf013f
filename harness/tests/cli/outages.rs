//! Targets that are away for a moment, or until they have started, and targets that close the connection on a request.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::Value;

use crate::credential_lifetimes::{duration, given, now};
use crate::program::{Finished, Program, events};
use crate::stub_server::{Stub, answer, closed_port, read_request, refusal};

const PAGE: &str = "text/html";

/// The answer of a right server, as far as the cases of [`ran`] can tell.
fn right(request: &str) -> String {
    let seconds = duration(request);
    if (900.0..=3600.0).contains(&seconds) {
        given("p", now() + seconds)
    } else {
        refusal("400 Bad Request", "ValidationException", "durationSeconds is out of range")
    }
}

/// A server that gives this answer from the request with the number `from` to the one before `to`, and right ones
/// otherwise.
fn away(from: usize, to: usize, wrong: String) -> Stub {
    let requests = AtomicUsize::new(0);
    Stub::saying(move |request| {
        let number = requests.fetch_add(1, Ordering::Relaxed);
        if (from..to).contains(&number) { wrong.clone() } else { right(request) }
    })
}

fn ran(server: &Stub, more: &str) -> Finished {
    let line = format!("run --format jsonl success/workgroup-only parameters/duration-outside --jobs 1 {more}");
    Program::at(&server.endpoint, line.trim_end()).finish()
}

/// The ids of the cases with this verdict.
fn with_verdict(finished: &Finished, verdict: &str) -> Vec<String> {
    let cases = events(&finished.stdout).into_iter().filter(|event| event["event"] == "case");
    let fitting = cases.filter(|case| case["verdict"] == verdict);
    fitting.map(|case| case["id"].as_str().expect("an id").to_owned()).collect()
}

// The probe and the control come first, and then the six cases.
#[rstest]
#[case::bad_gateway(answer("502 Bad Gateway", PAGE, "<h1>502 Bad Gateway</h1>"))]
#[case::unavailable(answer("503 Service Unavailable", PAGE, "no server is available"))]
#[case::timeout(answer("504 Gateway Time-out", PAGE, "The server didn't respond in time."))]
#[case::no_route(answer("404 Not Found", "text/plain", "404 page not found"))]
#[case::no_entry(answer("403 Forbidden", PAGE, "<h1>403 Forbidden</h1>"))]
#[case::fault(refusal("500 Oops", "InternalServerException", "we restart"))]
#[case::closed(String::new())]
#[case::cut_off("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_owned())]
fn an_outage_in_mid_run_is_blamed_on_no_case(#[case] wrong: String, #[values(3, 5)] from: usize) {
    let finished = ran(&away(from, from + 12, wrong), "");
    finished.expect(0, &[]);
    assert_eq!(with_verdict(&finished, "pass").len(), 7, "{finished:#?}");
}

#[test]
fn a_target_that_stays_away_is_named_with_the_time_and_accused_of_nothing() {
    let gone = answer("404 Not Found", "text/plain", "404 page not found");
    let finished = ran(&away(4, usize::MAX, gone), "--patience 300ms");
    finished.expect(3, &["the target was away from 20", "--patience gives it more time"]);
    assert!(with_verdict(&finished, "fail").is_empty(), "{finished:#?}");
    assert!(with_verdict(&finished, "indeterminate").len() >= 4, "{finished:#?}");
}

#[rstest]
#[case::closed(String::new(), "The server seems to crash on this request: look at its log")]
#[case::fault(answer("500 Internal Server Error", PAGE, "<h1>500</h1>"), "500")]
#[case::no_route(answer("404 Not Found", "text/plain", "404 page not found"), "404")]
fn a_server_that_fails_on_one_input_fails(#[case] wrong: String, #[case] found: &str) {
    let server = Stub::saying(
        move |request| {
            if request.contains("\"durationSeconds\":899") { wrong.clone() } else { right(request) }
        },
    );
    let finished = ran(&server, "");
    finished.expect(1, &[found]);
    assert_eq!(with_verdict(&finished, "fail"), ["parameters/duration-outside/899"]);
}

#[rstest]
fn a_server_that_loses_connections_in_turn_is_accused_of_nothing(
    #[values(2, 3, 4)] lost: usize,
    #[values(0, 1, 2)] from: usize,
) {
    let requests = AtomicUsize::new(from);
    let server = Stub::saying(move |request| {
        let is_lost = requests.fetch_add(1, Ordering::Relaxed) % (lost + 1) < lost;
        if is_lost { String::new() } else { right(request) }
    });
    let finished = ran(&server, "--patience 1s");
    assert_eq!(with_verdict(&finished, "fail"), Vec::<String>::new(), "{finished:#?}");
    assert!(!finished.stdout.contains("seems to crash"), "{finished:#?}");
}

#[rstest]
fn a_server_that_loses_a_connection_now_and_then_is_not_said_to_crash_on_calls_at_the_same_time(
    #[values(9, 10, 12)] every: usize,
    #[values(0, 3, 6)] from: usize,
) {
    let requests = AtomicUsize::new(from);
    let server = Stub::saying(move |request| {
        let is_lost = requests.fetch_add(1, Ordering::Relaxed) % every == every - 1;
        if is_lost { String::new() } else { right(request) }
    });
    let cases = "success/workgroup-only success/called-at-the-same-time --repeat 4 --jobs 8";
    let finished = Program::at(&server.endpoint, &format!("run --format jsonl {cases}")).finish();
    assert_eq!(with_verdict(&finished, "fail"), Vec::<String>::new(), "{finished:#?}");
}

#[test]
fn what_a_server_crashes_on_can_be_a_known_failure() {
    let server = Stub::saying(
        |request| {
            if request.contains("\"durationSeconds\":899") { String::new() } else { right(request) }
        },
    );
    let cases = "parameters/duration-outside";
    let mut program = Program::at(&server.endpoint, &format!("baseline write known.json {cases} --reason later"));
    program.finish().expect(0, &[]);
    let known: Value = program.json("known.json");
    assert!(known.to_string().contains("parameters/duration-outside/899"), "{known}");
    let text = program.read("known.json");
    let again = Program::at(&server.endpoint, &format!("run {cases} --baseline known.json")).file("known.json", &text);
    { again }.finish().expect(0, &["known-fail"]);
}

#[rstest]
#[case::bad_gateway(answer("502 Bad Gateway", PAGE, "<h1>502 Bad Gateway</h1><hr>nginx"))]
#[case::unavailable(answer("503 Service Unavailable", PAGE, "no server is available"))]
#[case::timeout(answer("504 Gateway Time-out", "text/plain", "stream timeout"))]
fn a_gateway_without_a_backend_is_away_and_no_baseline_is_written(#[case] wrong: String) {
    let server = Stub::answering(wrong);
    let words = "The server behind the gateway at this endpoint does not answer";
    let finished = Program::at(&server.endpoint, "run success --report-json r.json").finish();
    finished.expect(3, &[words, "--wait"]);
    assert!(!finished.stdout.contains("not-implemented"), "{finished:#?}");
    let mut write = Program::at(&server.endpoint, "baseline write known.json success --reason later");
    write.finish().expect(3, &[]);
    assert!(!write.folder().join("known.json").exists());
}

#[rstest]
#[case::behind_a_gateway(answer("502 Bad Gateway", PAGE, "<h1>502</h1>"))]
#[case::that_closes(String::new())]
#[case::behind_a_gateway_without_a_route(answer("404 Not Found", "text/plain", "404 page not found"))]
fn a_server_that_starts_is_waited_for(#[case] wrong: String, #[values("run", "doctor")] command: &str) {
    let server = away(0, 20, wrong);
    let cases = if command == "run" { " success/workgroup-only" } else { "" };
    let finished = Program::at(&server.endpoint, &format!("{command}{cases} --wait 20s")).finish();
    assert!(![2, 3].contains(&finished.code), "{finished:#?}");
}

#[test]
fn a_target_without_the_operation_is_waited_for_once_and_then_named() {
    let server = Stub::answering(answer("404 Not Found", "text/plain", "404 page not found"));
    let start = Instant::now();
    let finished = Program::at(&server.endpoint, "run success/workgroup-only --wait 300ms").finish();
    finished.expect(1, &["404"]);
    assert!(start.elapsed() >= Duration::from_millis(300), "{:?}", start.elapsed());
}

#[test]
fn a_target_that_throttles_for_longer_than_a_request_is_repeated_is_waited_for() {
    let throttled = refusal("400 Bad Request", "ThrottlingException", "Rate exceeded");
    let throttled = throttled.replacen("\r\n", "\r\nretry-after: 0\r\n", 1);
    // Each request is sent five times.
    let finished = ran(&away(4, 20, throttled), "");
    finished.expect(0, &[]);
    assert_eq!(with_verdict(&finished, "pass").len(), 7, "{finished:#?}");
}

#[test]
fn a_target_that_throttles_one_request_for_ever_is_undecided_on_it_alone() {
    let throttled = refusal("400 Bad Request", "ThrottlingException", "Rate exceeded");
    let throttled = throttled.replacen("\r\n", "\r\nretry-after: 0\r\n", 1);
    let server =
        Stub::saying(
            move |request| {
                if request.contains("\"durationSeconds\":899") { throttled.clone() } else { right(request) }
            },
        );
    let finished = ran(&server, "");
    finished.expect(3, &["ThrottlingException"]);
    assert_eq!(with_verdict(&finished, "indeterminate"), ["parameters/duration-outside/899"]);
}

#[test]
fn a_target_that_stops_as_a_whole_is_not_blamed_for_the_request_that_was_under_way() {
    // The request with the number 4 is given up, and the next one is answered late.
    let stops = [2_000, 1_200];
    let requests = AtomicUsize::new(0);
    let server = Stub::saying(move |request| {
        let number = requests.fetch_add(1, Ordering::Relaxed);
        if let Some(stop) = number.checked_sub(4).and_then(|place| stops.get(place)) {
            std::thread::sleep(Duration::from_millis(*stop));
        }
        right(request)
    });
    let finished = ran(&server, "--timeout 1.5");
    finished.expect(0, &[]);
    assert_eq!(with_verdict(&finished, "pass").len(), 7, "{finished:#?}");
}

#[test]
fn a_server_that_takes_one_connection_at_a_time_is_told_the_flag_for_it() {
    let busy = AtomicUsize::new(0);
    let server = Stub::saying(move |request| {
        if busy.fetch_add(1, Ordering::SeqCst) > 0 {
            busy.fetch_sub(1, Ordering::SeqCst);
            return String::new();
        }
        std::thread::sleep(Duration::from_millis(20));
        busy.fetch_sub(1, Ordering::SeqCst);
        right(request)
    });
    let line = "run --format jsonl success/called-at-the-same-time --jobs 4";
    Program::at(&server.endpoint, line).finish().expect(1, &["needs --jobs 1", "calls at the same time"]);
}

#[test]
fn a_server_that_never_starts_is_waited_for_no_longer_than_was_said() {
    let start = Instant::now();
    let finished = Program::at(&closed_port(), "run success/workgroup-only --wait 400ms").finish();
    finished.expect(3, &["cannot connect"]);
    assert!(start.elapsed() >= Duration::from_millis(400), "{:?}", start.elapsed());
}

#[test]
fn a_run_ends_at_its_limit_and_says_which_cases_are_left() {
    let server = Stub::saying(|request| {
        if request.contains("durationSeconds") {
            // The request waits for longer than the run may take, and then for the end of the answer.
            std::thread::sleep(Duration::from_millis(400));
        }
        right(request)
    });
    let finished = ran(&server, "--max-time 0.2");
    finished.expect(3, &["the run ended at its limit of 0.2 s; --max-time gives it more"]);
    assert!(with_verdict(&finished, "indeterminate").len() >= 3, "{finished:#?}");
}

#[test]
fn one_lost_connection_at_the_probe_is_nobodys_fault() {
    let finished = ran(&away(0, 1, String::new()), "");
    finished.expect(0, &[]);
    assert_eq!(with_verdict(&finished, "pass").len(), 7, "{finished:#?}");
}

#[test]
fn an_answer_that_is_sent_twice_is_not_taken_for_the_answer_to_the_next_request() {
    // The second time comes late: when the next request is there already.
    let server = Stub::new(|stream, first| {
        let kept = |request: &str| right(request).replacen("connection: close\r\n", "", 1);
        let mut last = kept(first);
        while !last.is_empty() && stream.write_all(last.as_bytes()).is_ok() {
            let next = read_request(stream);
            if next.is_empty() || stream.write_all(last.as_bytes()).is_err() {
                return;
            }
            last = kept(&next);
        }
    });
    let finished = ran(&server, "");
    finished.expect(0, &[]);
    assert_eq!(with_verdict(&finished, "pass").len(), 7, "{finished:#?}");
}

#[rstest]
#[case::page_of_a_proxy(answer("200 OK", PAGE, "we will be right back"))]
#[case::not_implemented(answer("501 Not Implemented", PAGE, "<h1>501</h1>"))]
#[case::to_a_login("HTTP/1.1 302 Found\r\nlocation: /login\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned())]
#[case::nobody(answer("401 Unauthorized", PAGE, ""))]
#[case::unknown_operation(refusal("400 Bad Request", "UnknownOperationException", "none"))]
#[case::no_http("hello\r\n\r\n".to_owned())]
fn an_outage_of_any_kind_is_blamed_on_no_case(#[case] wrong: String) {
    let finished = ran(&away(3, 12, wrong), "");
    finished.expect(0, &[]);
    assert_eq!(with_verdict(&finished, "pass").len(), 7, "{finished:#?}");
}

#[test]
fn a_server_that_crashes_on_one_input_and_is_started_again_fails_on_it() {
    let gone = AtomicUsize::new(0);
    let server = Stub::saying(move |request| {
        if request.contains("\"durationSeconds\":899") {
            gone.store(3, Ordering::Relaxed);
        }
        let is_gone = gone.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
        if is_gone { String::new() } else { right(request) }
    });
    let finished = ran(&server, "");
    finished.expect(1, &["The server seems to crash on this request: look at its log"]);
    assert_eq!(with_verdict(&finished, "fail"), ["parameters/duration-outside/899"]);
}

#[test]
fn a_server_that_hangs_on_some_inputs_is_judged_on_the_others() {
    let server = Stub::saying(|request| {
        if request.contains("\"durationSeconds\":") && !request.contains("\"durationSeconds\":3601") {
            loop {
                std::thread::park();
            }
        }
        right(request)
    });
    let finished = ran(&server, "--timeout 0.3");
    finished.expect(3, &["no complete answer within 300 ms"]);
    assert_eq!(with_verdict(&finished, "indeterminate").len(), 5, "{finished:#?}");
    assert_eq!(with_verdict(&finished, "pass").len(), 2, "{finished:#?}");
}

#[test]
fn one_of_two_servers_behind_an_endpoint_that_lacks_the_operation_does_not_hide_it() {
    let unknown = refusal("400 Bad Request", "NoSuchThing", "none of that");
    let finished = ran(&away(0, 1, unknown), "");
    finished.expect(0, &[]);
    assert_eq!(with_verdict(&finished, "pass").len(), 7, "{finished:#?}");
}
