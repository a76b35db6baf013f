//! What goes out: the request as it was given, or nothing.

use std::sync::Arc;

use countersign::wire::{Exchange, Headers, Request, TransportFault};
use rstest::rstest;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use crate::script_server::{Server, client, read_request};

/// Sends a request, and gives the exchange with the bytes that the server got.
async fn sent(request: Request) -> (Exchange, String) {
    let (sender, mut received) = mpsc::unbounded_channel();
    let sender = Arc::new(sender);
    let server = Server::start(move |mut stream| {
        let sender = Arc::clone(&sender);
        async move {
            let _ = sender.send(read_request(&mut stream).await);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        }
    })
    .await;
    let exchange = client(server.url("http")).send(request).await;
    assert!(exchange.answer.is_ok(), "{exchange:?}");
    (exchange, String::from_utf8(received.recv().await.unwrap()).unwrap())
}

fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Request {
    Request {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: headers.iter().copied().collect::<Headers>(),
        body: body.into(),
    }
}

#[rstest]
#[case::documented_form(request("POST", "/", &[("host", "h"), ("content-type", "a/b"), ("x-amz-target", "T.O")], "{}"))]
#[case::empty_body(request("POST", "/", &[("host", "h")], ""))]
#[case::path_and_query(request("POST", "/a/b~1/?c=d&e", &[("host", "h")], "{}"))]
#[case::another_method(request("GET", "/", &[("host", "h")], ""))]
#[case::body_with_get(request("GET", "/", &[("host", "h")], "{}"))]
#[case::unknown_method(request("BREW", "/", &[("host", "h")], "{}"))]
#[case::accept_given(request("POST", "/", &[("accept", "a/b"), ("host", "h")], "{}"))]
#[case::value_outside_ascii(request("POST", "/", &[("host", "h"), ("a", "é b\tc")], "{}"))]
#[case::two_slashes(request("POST", "//", &[("host", "h")], "{}"))]
#[case::blank_escaped_in_the_path(request("POST", "/a%20b", &[("host", "h")], "{}"))]
#[tokio::test]
async fn what_the_exchange_holds_is_what_went_over_the_wire(#[case] request: Request) {
    let (exchange, received) = sent(request.clone()).await;
    let Request { method, target, headers, body } = &exchange.request;
    assert_eq!((method, target, body), (&request.method, &request.target, &request.body));
    let leading_headers: Headers = headers.iter().take(request.headers.iter().count()).collect();
    assert_eq!(leading_headers, request.headers, "nothing that was given is changed");
    for (added, _) in headers.iter().skip(request.headers.iter().count()) {
        assert!(["accept", "content-length"].contains(&added), "{added}");
    }
    let fields: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let (fields, body) = (fields.concat(), String::from_utf8_lossy(body));
    let whole = format!("{method} {target} HTTP/1.1\r\n{fields}\r\n{body}");
    assert_eq!(received, whole);
}

// The HTTP library would leave these out, change them or frame them anew.
#[rstest]
#[case::no_host(request("POST", "/", &[("content-type", "a/b")], "{}"), "HTTP")]
#[case::letter_case_of_names(request("POST", "/", &[("Host", "h"), ("X-AMZ-Target", "T.O")], "{}"), "HTTP")]
#[case::one_name_twice(request("POST", "/", &[("host", "h"), ("a", "1"), ("b", "2"), ("a", "3")], "{}"), "HTTP")]
#[case::dots_in_the_path(request("POST", "/a/../b", &[("host", "h")], "{}"), "HTTP")]
#[case::quote_in_the_query(request("POST", "/?a='b'", &[("host", "h")], "{}"), "HTTP")]
#[case::absolute_form(request("POST", "http://h/", &[("host", "h")], "{}"), "HTTP")]
#[case::asterisk(request("OPTIONS", "*", &[("host", "h")], ""), "HTTP")]
#[case::length_given(request("POST", "/", &[("host", "h"), ("content-length", "2")], "{}"), "HTTP")]
#[case::wrong_length_given(request("POST", "/", &[("host", "h"), ("content-length", "1")], "{}"), "HTTP")]
#[case::connection_given(request("POST", "/", &[("host", "h"), ("connection", "close")], "{}"), "HTTP")]
#[case::chunked(request("POST", "/", &[("host", "h"), ("transfer-encoding", "chunked")], "0\r\n\r\n"), "HTTP")]
#[case::line_in_a_method(request("POST / HTTP/1.1\r\nx:", "/", &[("host", "h")], "{}"), "method")]
#[case::line_in_a_path(request("POST", "/ HTTP/1.1\r\nx: y", &[("host", "h")], "{}"), "path")]
#[case::no_path(request("POST", "", &[("host", "h")], "{}"), "path")]
#[case::line_in_a_name(request("POST", "/", &[("host", "h"), ("x\r\ny", "a")], "{}"), "name")]
#[case::colon_in_a_name(request("POST", "/", &[("host", "h"), ("x: y", "a")], "{}"), "name")]
#[case::line_in_a_value(request("POST", "/", &[("host", "h"), ("x-a", "a\r\nx-b: c")], "{}"), "line break")]
#[case::line_feed_in_a_value(request("POST", "/", &[("host", "h"), ("x-a", "a\nx-b: c")], "{}"), "line break")]
#[case::nul_in_a_value(request("POST", "/", &[("host", "h"), ("x-a", "a\0")], "{}"), "control")]
#[tokio::test]
async fn a_request_that_would_be_another_one_on_the_wire_is_not_sent(#[case] request: Request, #[case] expected: &str) {
    let server = Server::start(|_| async {}).await;
    let exchange = client(server.url("http")).send(request).await;
    assert!(matches!(exchange.answer, Err(TransportFault::Unsendable(why)) if why.contains(expected)), "{exchange:?}");
    assert_eq!(server.accepted(), 0);
}
