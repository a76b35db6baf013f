//! Answers that are odd but right, and are delivered as they are.

use countersign::wire::{Client, ClientOptions, Response};
use rstest::rstest;

use crate::script_server::{Server, Then, client, request};

async fn answer(bytes: &[u8], then: Then) -> Response {
    let server = Server::answering(bytes, then).await;
    client(server.url("http")).send(request()).await.answer.unwrap()
}

#[rstest]
#[case::length("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", Then::Hang)]
#[case::connection_close("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}", Then::Close)]
#[case::to_the_end_of_the_connection("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}", Then::Close)]
#[case::http_1_0("HTTP/1.0 200 OK\r\n\r\n{}", Then::Close)]
#[case::http_1_0_with_a_length("HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}", Then::Hang)]
#[case::chunked("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", Then::Hang)]
#[case::chunk_extension("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\n\r\n", Then::Hang)]
#[case::trailer("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nx: y\r\n\r\n", Then::Hang)]
#[case::odd_letter_case("HTTP/1.1 200 OK\r\nCONTENT-length: 2\r\n\r\n{}", Then::Hang)]
#[case::no_reason("HTTP/1.1 200\r\ncontent-length: 2\r\n\r\n{}", Then::Hang)]
#[case::continue_first("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", Then::Hang)]
#[case::hints_first(
    "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
    Then::Hang
)]
#[case::more_than_its_length("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}{}", Then::Hang)]
#[tokio::test]
async fn every_way_of_framing_a_body_is_read(#[case] bytes: &str, #[case] then: Then) {
    let response = answer(bytes.as_bytes(), then).await;
    assert_eq!((response.status, response.body.as_slice()), (200, &b"{}"[..]));
}

#[tokio::test]
async fn a_body_outside_utf_8_is_delivered_as_its_bytes() {
    let response = answer(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n\xff\xfe\x00", Then::Hang).await;
    assert_eq!(response.body, b"\xff\xfe\x00");
}

#[tokio::test]
async fn a_header_outside_utf_8_does_not_cost_the_answer() {
    let response = answer(b"HTTP/1.1 200 OK\r\nX-Odd: a\xff\r\ncontent-length: 0\r\n\r\n", Then::Hang).await;
    assert_eq!(response.headers.get("x-odd"), Some("a\u{fffd}"));
}

#[tokio::test]
async fn a_compressed_body_stays_compressed() {
    const GZIP: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xab\xae\x05\x00\x43\xbf\xa6\xa3\x02\x00\x00\x00";
    let mut bytes =
        format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", GZIP.len()).into_bytes();
    bytes.extend_from_slice(GZIP);
    let response = answer(&bytes, Then::Hang).await;
    assert_eq!(response.body, GZIP);
    assert_eq!(response.headers.get("content-encoding"), Some("gzip"));
}

#[rstest]
#[case::found(302)]
#[case::permanent(308)]
#[tokio::test]
async fn a_redirect_is_delivered_and_not_followed(#[case] status: u16) {
    let bytes = format!("HTTP/1.1 {status} Elsewhere\r\nlocation: /\r\ncontent-length: 0\r\n\r\n");
    let server = Server::answering(bytes, Then::Close).await;
    let response = client(server.url("http")).send(request()).await.answer.unwrap();
    assert_eq!((response.status, response.headers.get("location")), (status, Some("/")));
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn printing_an_exchange_shows_no_secret() {
    let server = Server::answering(
        "HTTP/1.1 200 OK\r\nset-cookie: CANARY-1\r\ncontent-length: 27\r\n\r\n{\"dbPassword\":\"CANARY-2\"}\r\n",
        Then::Hang,
    )
    .await;
    let mut request = request();
    request.headers.push("authorization", "AWS4-HMAC-SHA256 Credential=CANARY-3, Signature=CANARY-4");
    request.headers.push("x-amz-security-token", "CANARY-5");
    request.body = b"\"CANARY-6\"".to_vec();
    let exchange = Client::new(server.url("http"), &ClientOptions::default()).unwrap().send(request).await;
    assert!(exchange.answer.as_ref().is_ok_and(|response| response.body.starts_with(b"{\"dbPassword\"")));
    for printed in [format!("{exchange:?}"), format!("{exchange:#?}")] {
        assert!(!printed.contains("CANARY"), "{printed}");
        assert!(printed.contains("27 body bytes"), "{printed}");
    }
}
