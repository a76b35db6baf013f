//! Servers that send without end, or much that is small on its way.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use super::behaviour::{bytes, flooding, granting, refusing};
use super::{Server, server};
use crate::stub_server::{AWS, Stub};

/// The size of what is decoded, in bytes.
const BOMB: usize = 8 << 20;

fn gzip_bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&vec![b'a'; BOMB]).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn zlib_bomb() -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&vec![b'a'; BOMB]).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

pub(super) fn servers() -> Vec<Server> {
    let lost = (3, "indeterminate");
    let failed = (1, "fail");
    let encoded = |encoding: &str, body: &[u8]| {
        Stub::of_operations(bytes("400 Bad", AWS, &format!("content-encoding: {encoding}\r\n"), body))
    };
    let message = |text: &str, count: usize| {
        refusing(format!(r#"{{"__type":"ValidationException","message":"{}"}}"#, text.repeat(count)))
    };
    let fields = |field: &str, count: usize| {
        Stub::of_operations(bytes("400 Bad", AWS, &field.repeat(count), br#"{"__type":"ValidationException"}"#))
    };
    vec![
        server("endless-body-until-the-end", lost, flooding("HTTP/1.1 200 OK\r\n\r\n", " ")),
        server(
            "endless-chunks",
            lost,
            flooding("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "4\r\n    \r\n"),
        ),
        server(
            "endless-chunks-of-a-byte",
            lost,
            flooding("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\n \r\n"),
        ),
        server(
            "endless-extension-of-a-chunk",
            lost,
            flooding("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;", "a=b;"),
        ),
        server(
            "endless-trailers",
            lost,
            flooding("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", "x-t: 1\r\n"),
        ),
        server("endless-field", lost, flooding("HTTP/1.1 200 OK\r\nx-a: ", "a")),
        server("endless-status", lost, flooding("HTTP/1.1 200 ", "a")),
        server("endless-garbage", lost, flooding("", "\u{1}\u{2}\u{3}")),
        server("endless-blank-lines", lost, flooding("", "\r\n")),
        server("ninety-large-fields", failed, fields(&format!("x-large: {}\r\n", "v".repeat(3000)), 90)),
        server("a-hundred-thousand-fields", lost, fields("x-many: v\r\n", 100_000)),
        server("a-field-of-a-megabyte", lost, fields(&format!("x-large: {}\r\n", "v".repeat(1 << 20)), 1)),
        server("bomb-of-gzip", failed, encoded("gzip", &gzip_bomb())),
        server("bomb-of-deflate", failed, encoded("deflate", &zlib_bomb())),
        server("encoding-that-it-is-not", failed, encoded("gzip", b"{\"__type\":\"ValidationException\"}")),
        server("encodings-that-nobody-has", failed, encoded("x-snappy, gzip, gzip", b"{}")),
        server("one-byte-too-much", lost, refusing(" ".repeat((1 << 20) + 1))),
        server("a-message-of-a-megabyte", failed, message("A sentence of words, ", 49_000)),
        server("a-word-of-a-megabyte", failed, message("x", 1_000_000)),
        server("many-passwords", failed, message("password=a ", 30_000)),
        server("many-quotation-marks", failed, message("password=\\\"", 30_000)),
        server("many-backslashes", failed, message("\\\\", 120_000)),
        server("many-percents", failed, message("%25", 100_000)),
        server("many-entities", failed, message("&amp;#99;", 35_000)),
        server("many-line-ends", failed, message("\\n", 150_000)),
        server("many-members", failed, {
            let members: Vec<_> = (0..25_000).map(|number| format!(r#""k{number}":{number}"#)).collect();
            refusing(format!(r#"{{{},"__type":"ValidationException"}}"#, members.join(",")))
        }),
        server("many-objects", lost, granting(format!(r#"{{"dbUser":[{}{{}}]}}"#, r#"{"a":{}},"#.repeat(30_000)))),
        server("many-numbers", lost, granting(format!("[{}0]", "0,".repeat(150_000)))),
        server(
            "many-tags",
            failed,
            Stub::of_operations(bytes("400 Bad", "text/html", "", "<pwned ".repeat(45_000).as_bytes())),
        ),
        server(
            "many-angles",
            failed,
            Stub::of_operations(bytes("400 Bad", "text/html", "", "<".repeat(300_000).as_bytes())),
        ),
    ]
}
