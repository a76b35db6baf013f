//! Servers that misbehave: the run ends in bounded time, says what happened, and has its exit code.

use std::io::Write;
use std::time::{Duration, Instant};

use rstest::rstest;

use crate::program::Program;
use crate::stub_server::Stub;

/// Longer than any of these runs may take on a busy machine, and far shorter than giving up case by case.
const LONGEST_RUN: Duration = Duration::from_secs(30);

#[track_caller]
fn expect(endpoint: &str, code: i32, texts: &[&str]) {
    let start = Instant::now();
    Program::at(endpoint, "run --timeout 0.3").finish().expect(code, texts);
    assert!(start.elapsed() < LONGEST_RUN, "it took {:?}", start.elapsed());
}

#[test]
fn a_server_that_hangs_is_given_up() {
    let stub = Stub::hanging();
    expect(&stub.endpoint, 3, &["no complete answer within 300 ms"]);
    assert!(stub.connections() < 10, "it was asked {} times", stub.connections());
}

#[test]
fn tls_at_a_plain_port_is_said() {
    let stub = Stub::greeting("HTTP/1.1 400 Bad Request\r\n\r\n");
    expect(&stub.endpoint.replace("http://", "https://"), 3, &["TLS"]);
}

#[test]
fn an_endless_answer_is_cut_off() {
    let stub = Stub::new(|stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10737418240\r\n\r\n");
        while stream.write_all(&[b' '; 4096]).is_ok() {}
    });
    expect(&stub.endpoint, 3, &["larger than 1048576 bytes"]);
}

#[rstest]
#[case::half_a_body("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", "ended before the answer was complete")]
#[case::nothing("", "ended before the answer was complete")]
#[case::no_http("SSH-2.0-OpenSSH_9.2\r\n", "not HTTP")]
fn an_odd_answer_is_said(#[case] bytes: &'static str, #[case] expected: &str) {
    let stub = Stub::answering(bytes);
    expect(&stub.endpoint, 3, &[expected]);
}

#[test]
fn invalid_utf8_is_a_failure_of_the_target_and_no_panic() {
    let mut bytes = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: 4\r\nconnection: close\r\n\r\n".to_vec();
    bytes.extend([0xff, 0xfe, 0x00, 0x80]);
    expect(&Stub::of_operations(bytes).endpoint, 1, &["not JSON"]);
}

#[test]
fn a_flood_of_headers_is_cut_off() {
    let stub = Stub::new(|stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream.write_all(b"x-flood: 1\r\n").is_ok() {}
    });
    expect(&stub.endpoint, 3, &["too many fields"]);
}
