//! Servers that are silent, slow, or gone at a bad moment, and servers that answer what nobody asked.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::behaviour::{START, dripping, flooding, keeping, right, stalling, wait};
use super::{Server, server};
use crate::stub_server::{Stub, refusal};

/// An answer that belongs to no request.
const SMUGGLED: &str = "HTTP/1.1 418 Teapot\r\ncontent-length: 21\r\n\r\n{\"__type\":\"SMUGGLED\"}";

/// A server that is right once, and then does this.
fn right_once(then: impl Fn(&mut std::net::TcpStream, &str) + Send + Sync + 'static) -> Stub {
    let count = AtomicUsize::new(0);
    Stub::new(move |stream, request| {
        if count.fetch_add(1, Ordering::Relaxed) == 0 {
            let _ = stream.write_all(right(request).as_bytes());
        } else {
            then(stream, request);
        }
    })
}

pub(super) fn servers() -> Vec<Server> {
    let lost = (3, "indeterminate");
    vec![
        // Silence, and answers that never come to an end.
        server("no-word", lost, Stub::with(wait)),
        server("no-word-after-the-request", lost, stalling("")),
        server("stall-in-the-status", lost, stalling("HTTP/1.1 4")),
        server("stall-in-the-header", lost, stalling(START)),
        server("stall-in-the-body", lost, stalling(format!("{START}content-length: 50\r\n\r\n{{"))),
        server("drip-status", lost, dripping("HTTP/1.1 200 ", "x")),
        server("drip-header", lost, dripping("HTTP/1.1 200 OK\r\n", "x-a: b\r\n")),
        server("drip-body", lost, dripping("HTTP/1.1 200 OK\r\ncontent-length: 500000\r\n\r\n{", " ")),
        server("drip-chunks", lost, dripping("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\n \r\n")),
        server("drip-continue", lost, dripping("", "HTTP/1.1 100 Continue\r\n\r\n")),
        server("flood-of-continue", lost, flooding("", "HTTP/1.1 100 Continue\r\n\r\n")),
        server("flood-of-hints", lost, flooding("", "HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n")),
        // Connections that end too early.
        server("close-at-once", lost, Stub::with(|_| {})),
        server("close-after-one-byte", lost, Stub::with(|stream| drop(stream.read(&mut [0])))),
        server("close-in-the-status", lost, Stub::answering("HTTP/1.1 4")),
        server("close-in-the-header", lost, Stub::answering("HTTP/1.1 400 Bad\r\ncontent-le")),
        server(
            "close-unread-in-the-body",
            lost,
            Stub::with(|stream| {
                let _ = stream.read(&mut [0]);
                let _ = stream.write_all(format!("{START}content-length: 50\r\n\r\n{{").as_bytes());
                thread::sleep(Duration::from_millis(20));
            }),
        ),
        server("answer-before-the-request", lost, Stub::greeting("HTTP/1.1 408 Timeout\r\ncontent-length: 0\r\n\r\n")),
        server(
            "mail-greeting",
            lost,
            Stub::with(|stream| {
                let _ = stream.write_all(b"220 mail.example ESMTP\r\n");
                wait(stream);
            }),
        ),
        // Servers that are well now and then.
        server("right-once-then-silent", lost, right_once(|stream, _| wait(stream))),
        server("right-once-then-closed", lost, right_once(|_, _| {})),
    ]
}

/// Servers that are right, and say more or less than that on the same connection.
pub(super) fn reused() -> Vec<Server> {
    // A plain call is answered rightly, and others are refused wrongly.
    let well = (1, "pass");
    let failed = (1, "fail");
    vec![
        server("two-answers-to-one", well, keeping(|request, _| (right(request) + SMUGGLED).into_bytes())),
        server(
            "half-an-answer-more",
            well,
            keeping(|request, _| (right(request) + "HTTP/1.1 418 SMUGGLED").into_bytes()),
        ),
        server("blank-lines-more", well, keeping(|request, _| (right(request) + "\r\n\r\n\r\n").into_bytes())),
        server(
            "body-behind-its-length",
            failed,
            keeping(|request, _| {
                let answer = right(request);
                let (head, body) = answer.split_once("\r\n\r\n").expect("it has a body");
                let length = format!("content-length: {}", body.len());
                format!("{}\r\n\r\n{body}", head.replace(&length, "content-length: 0")).into_bytes()
            }),
        ),
    ]
}

/// Servers that ask for times that nobody waits for.
pub(super) fn throttling() -> Vec<Server> {
    let lost = (3, "indeterminate");
    let throttled = |wait: &str| {
        let answer = refusal("429 Slow", "ThrottlingException", "slow");
        Stub::answering(answer.replacen("content-type:", &format!("retry-after: {wait}\r\ncontent-type:"), 1))
    };
    vec![
        server(
            "right-once-then-throttled",
            lost,
            right_once(|stream, _| {
                let _ = stream.write_all(b"HTTP/1.1 429 Slow\r\nretry-after: 99999999\r\ncontent-length: 0\r\n\r\n");
            }),
        ),
        server("throttled-for-years", lost, throttled("99999999")),
        server("throttled-until-2999", lost, throttled("Fri, 31 Dec 2999 23:59:59 GMT")),
        server("throttled-for-less-than-nothing", lost, throttled("-5")),
        server("throttled-beyond-numbers", lost, throttled("1e999\r\nretry-after: 18446744073709551616")),
    ]
}
