//! Servers that say wrongly where an answer ends, or in words that are almost HTTP.

use super::behaviour::{REFUSAL, START, chunk, chunked, stalling};
use super::{Server, server};
use crate::stub_server::Stub;

pub(super) fn servers() -> Vec<Server> {
    let lost = (3, "indeterminate");
    let length = REFUSAL.len();
    let with_fields = |fields: &str| Stub::answering(format!("{START}{fields}\r\n{REFUSAL}"));
    let status = |line: &str| Stub::answering(format!("{line}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}"));
    let whole = chunk(REFUSAL) + "0\r\n\r\n";
    vec![
        server("chunk-of-all-bytes-there-are", lost, Stub::answering(chunked("ffffffffffffffff\r\n{}"))),
        server("chunk-beyond-numbers", lost, Stub::answering(chunked("fffffffffffffffff\r\n{}"))),
        server("chunk-below-nothing", lost, Stub::answering(chunked("-1\r\n{}\r\n0\r\n\r\n"))),
        server("chunk-of-no-number", lost, Stub::answering(chunked("zz\r\n{}"))),
        server("chunk-with-a-prefix", lost, Stub::answering(chunked(&format!("0x{whole}")))),
        server("chunk-that-ends-elsewhere", lost, Stub::answering(chunked("2\r\n{}XX0\r\n\r\n"))),
        server("chunks-without-the-last", lost, stalling(chunked(&chunk(REFUSAL)))),
        server("length-too-large", lost, with_fields("content-length: 500\r\n")),
        server("length-below-nothing", lost, with_fields("content-length: -1\r\n")),
        server("length-of-no-number", lost, with_fields("content-length: many\r\n")),
        server("length-beyond-numbers", lost, with_fields("content-length: 99999999999999999999999\r\n")),
        server("length-of-all-bytes-there-are", lost, with_fields("content-length: 18446744073709551615\r\n")),
        server("two-lengths", lost, with_fields(&format!("content-length: {length}\r\ncontent-length: 10\r\n"))),
        server("null-in-a-field", lost, with_fields("x-a: a\0b\r\n")),
        server("codes-in-a-field", lost, with_fields("x-a: \u{1b}[31m\u{1b}]52;c;aGk=\u{7}\u{9b}2J\r\n")),
        server("field-without-a-name", lost, with_fields(": a\r\n")),
        server("field-with-a-space", lost, with_fields("x-a : b\r\n")),
        server("carriage-returns-alone", lost, Stub::answering(format!("{START}\r\n{REFUSAL}").replace('\n', ""))),
        server("status-of-nothing", lost, status("HTTP/1.1 000 X")),
        server("status-of-four-digits", lost, status("HTTP/1.1 1000 X")),
        server("status-of-two-digits", lost, status("HTTP/1.1 20 X")),
        server("status-below-nothing", lost, status("HTTP/1.1 -1 X")),
        server("status-of-letters", lost, status("HTTP/1.1 4OO X")),
        server("version-seven", lost, status("HTTP/1.7 400 Bad")),
        server("version-two-as-text", lost, status("HTTP/2.0 400 Bad")),
        server("version-in-small-letters", lost, status("http/1.1 400 Bad")),
        server("version-none", lost, Stub::answering("<html><pwned>hi</html>")),
        server("preface-of-version-two", lost, Stub::answering("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")),
        server("frame-of-version-two", lost, Stub::answering(*b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64")),
    ]
}

/// Servers whose answers are odd, and answers all the same.
pub(super) fn read_all_the_same() -> Vec<Server> {
    // What is read as an answer is the same for every operation.
    let absent = (1, "not-implemented");
    let redirected = (2, "indeterminate");
    let length = REFUSAL.len();
    let with_fields = |fields: &str| Stub::answering(format!("{START}{fields}\r\n{REFUSAL}"));
    let status = |line: &str| Stub::answering(format!("{line}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}"));
    let whole = chunk(REFUSAL) + "0\r\n\r\n";
    vec![
        server(
            "chunks-and-a-length",
            absent,
            Stub::answering(format!("{START}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n{whole}")),
        ),
        server(
            "chunked-twice",
            absent,
            Stub::answering(format!("{START}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n{whole}")),
        ),
        server(
            "chunked-behind-gzip",
            absent,
            Stub::answering(format!("{START}transfer-encoding: gzip, chunked\r\n\r\n{whole}")),
        ),
        server("chunked-by-another-name", absent, with_fields("transfer-encoding: xchunked\r\n")),
        server("length-too-small", absent, with_fields("content-length: 10\r\n")),
        server(
            "the-same-length-twice",
            absent,
            with_fields(&format!("content-length: {length}\r\ncontent-length: {length}\r\n")),
        ),
        server("a-list-of-lengths", absent, with_fields(&format!("content-length: {length}, {length}\r\n"))),
        server("direction-marks-in-a-field", absent, with_fields("x-a: \u{202e}abc\u{2066}\r\n")),
        server("field-over-two-lines", absent, with_fields("x-a: one\r\n two CANARYfolded\r\n")),
        server("line-feeds-alone", absent, Stub::answering(format!("{START}\r\n{REFUSAL}").replace('\r', ""))),
        server("status-beyond-the-classes", absent, status("HTTP/1.1 999 X")),
        server("status-of-another-protocol", absent, status("HTTP/1.1 101 Switching Protocols")),
        server("status-without-a-body-and-a-body", absent, status("HTTP/1.1 204 No Content")),
        server("status-unmodified-and-a-body", redirected, status("HTTP/1.1 304 Not Modified")),
    ]
}
