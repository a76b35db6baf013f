//! Servers that are odd before anything is encrypted, or that show odd certificates.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::behaviour::wait;
use super::{Server, server};
use crate::stub_server::Stub;

/// A server that is asked by TLS, and does this once the client has begun.
fn after_hello(serve: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> Stub {
    let mut stub = Stub::with(move |stream| {
        let _ = stream.read(&mut [0; 4096]);
        serve(stream);
    });
    stub.endpoint = stub.endpoint.replacen("http://", "https://", 1);
    stub
}

fn flood(start: &'static [u8], repeated: &'static [u8]) -> Stub {
    after_hello(move |stream| {
        let _ = stream.write_all(start);
        while stream.write_all(&repeated.repeat(1000)).is_ok() {}
    })
}

pub(super) fn servers() -> Vec<Server> {
    let lost = (3, "indeterminate");
    vec![
        server("tls-silence", lost, after_hello(wait)),
        server("tls-closed", lost, after_hello(|_| {})),
        server("tls-garbage", lost, after_hello(|stream| drop(stream.write_all(&[0xa5; 5000])))),
        server("tls-alerts-without-end", lost, flood(b"", b"\x15\x03\x03\x00\x02\x01\x00")),
        server("tls-empty-records-without-end", lost, flood(b"", b"\x16\x03\x03\x00\x00")),
        server("tls-a-record-too-large", lost, flood(b"\x16\x03\x03\xff\xff", &[2; 64])),
        server("tls-a-handshake-of-16-megabytes", lost, flood(b"\x16\x03\x03\x40\x00\x02\xff\xff\xff", &[2; 64])),
        server(
            "tls-answered-in-plain",
            lost,
            after_hello(|stream| {
                let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}");
            }),
        ),
    ]
}
