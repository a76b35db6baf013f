//! Servers that give no answer, or none that can be used.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use countersign::wire::{ANSWER_LIMIT, TransportFault};
use rstest::rstest;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::script_server::{SHORT, Server, Then, client, fault, hang, impatient_client, read_request, request};

#[tokio::test]
async fn a_closed_port_is_said_to_refuse_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let fault = fault(client(url).send(request()).await);
    assert_eq!(fault, TransportFault::Connect("connection refused".to_owned()));
    assert_eq!(fault.to_string(), "cannot connect: connection refused");
}

#[tokio::test]
async fn a_host_name_without_an_address_is_said_to_have_none() {
    // No resolver asks the network for a label of more than 63 characters.
    let url = format!("http://{}.invalid/", "a".repeat(64)).parse().unwrap();
    let fault = fault(client(url).send(request()).await);
    assert!(
        matches!(&fault, TransportFault::Resolve(words) if !words.contains("aaa") && !words.contains("os error")),
        "{fault}"
    );
}

#[rstest]
#[case::after_the_request("")]
#[case::within_the_header("HTTP/1.1 200 OK\r\ncontent-le")]
#[case::within_the_body("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n0123456789")]
#[case::within_a_chunk("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n0123456789")]
#[tokio::test]
async fn a_server_that_hangs_costs_no_more_than_the_time_limit(#[case] answer: &str) {
    let server = Server::answering(answer, Then::Hang).await;
    let exchange = impatient_client(server.url("http")).send(request()).await;
    assert!(exchange.elapsed >= SHORT && exchange.elapsed < 10 * SHORT, "{:?}", exchange.elapsed);
    let fault = fault(exchange);
    assert_eq!(fault, TransportFault::Timeout(SHORT));
    assert_eq!(fault.to_string(), "no complete answer within 200 ms");
}

#[rstest]
#[case::header("HTTP/1.1 200 OK\r\nx: ")]
#[case::body("HTTP/1.1 200 OK\r\n\r\n")]
#[tokio::test]
async fn an_answer_that_drips_for_ever_costs_no_more_than_the_time_limit(#[case] start: &'static str) {
    let server = Server::start(move |mut stream| async move {
        read_request(&mut stream).await;
        let mut pace = tokio::time::interval(Duration::from_millis(5));
        let _ = stream.write_all(start.as_bytes()).await;
        while stream.write_all(b"a").await.is_ok() {
            pace.tick().await;
        }
    })
    .await;
    let fault = fault(impatient_client(server.url("http")).send(request()).await);
    assert_eq!(fault, TransportFault::Timeout(SHORT));
}

#[rstest]
#[case::before_any_answer("", TransportFault::Lost("closed before the end of the header; if the port speaks TLS, try https://".to_owned()))]
#[case::within_the_header("HTTP/1.1 200 OK\r\ncont", TransportFault::Lost("closed before the end of the header; if the port speaks TLS, try https://".to_owned()))]
#[case::without_a_body("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n", TransportFault::Lost("closed after 0 bytes of the body".to_owned()))]
#[case::within_the_body("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n0123456789", TransportFault::Lost("closed after 10 bytes of the body".to_owned()))]
#[case::within_a_chunk("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n0", TransportFault::Lost("closed after 1 byte of the body".to_owned()))]
#[case::between_chunks("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n", TransportFault::Lost("closed after 2 bytes of the body".to_owned()))]
#[tokio::test]
async fn an_answer_that_is_cut_off_is_lost(#[case] answer: &str, #[case] expected: TransportFault) {
    let server = Server::answering(answer, Then::Close).await;
    assert_eq!(fault(client(server.url("http")).send(request()).await), expected);
}

#[tokio::test]
async fn a_reset_connection_is_lost() {
    let server = Server::start(|mut stream| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n").await;
        stream.set_zero_linger().unwrap();
    })
    .await;
    let fault = fault(client(server.url("http")).send(request()).await);
    // The header may be lost with the connection.
    assert!(
        matches!(&fault, TransportFault::Lost(words) if words.starts_with("reset ") || words.starts_with("closed ")),
        "{fault}"
    );
}

#[rstest]
#[case::garbage("\u{0}\u{1}garbage\r\n\r\n")]
#[case::another_protocol("+OK ready\r\n")]
#[case::markup("<html><body>Welcome</body></html>")]
#[case::header_line("HTTP/1.1 200 OK\r\nno colon here\r\n\r\n")]
#[case::two_lengths("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}")]
#[case::length_of_letters("HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\n{}")]
#[case::chunk_of_letters("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n")]
#[case::chunk_beyond_64_bits("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}")]
#[tokio::test]
async fn what_is_not_http_is_said_to_be_none(#[case] answer: &str) {
    let server = Server::answering(answer, Then::Close).await;
    let fault = fault(client(server.url("http")).send(request()).await);
    assert!(matches!(fault, TransportFault::NotHttp(_)), "{fault:?}");
}

#[tokio::test]
async fn a_server_that_speaks_first_is_no_http_server() {
    let server = Server::start(|mut stream| async move {
        let _ = stream.write_all(b"220 mail.example ESMTP\r\n").await;
        hang(&mut stream).await;
    })
    .await;
    let fault = fault(client(server.url("http")).send(request()).await);
    assert!(matches!(&fault, TransportFault::NotHttp(words) if words.contains("another protocol")), "{fault:?}");
}

/// A server that writes a start and then the same bytes for ever; with how many bytes it got rid of.
async fn flood(start: &'static str, repeated_bytes: String) -> (Server, Arc<AtomicUsize>) {
    let bytes_written = Arc::new(AtomicUsize::new(0));
    let (count, repeated_bytes) = (Arc::clone(&bytes_written), Arc::new(repeated_bytes));
    let server = Server::start(move |mut stream| {
        let (count, repeated_bytes) = (Arc::clone(&count), Arc::clone(&repeated_bytes));
        async move {
            read_request(&mut stream).await;
            let _ = stream.write_all(start.as_bytes()).await;
            while stream.write_all(repeated_bytes.as_bytes()).await.is_ok() {
                count.fetch_add(repeated_bytes.len(), Ordering::SeqCst);
            }
        }
    })
    .await;
    (server, bytes_written)
}

/// More than the limit and what the buffers of two sockets take, and far less than a flood.
const MOST_READ: usize = 16 * ANSWER_LIMIT;

#[rstest]
#[case::with_a_length("HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n", "a".repeat(16 * 1024))]
#[case::chunked("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", format!("4000\r\n{}\r\n", "a".repeat(16 * 1024)))]
#[case::small_chunks("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", format!("40\r\n{}\r\n", "a".repeat(64)).repeat(100))]
#[case::to_the_end_of_the_connection("HTTP/1.0 200 OK\r\n\r\n", "a".repeat(16 * 1024))]
#[tokio::test]
async fn an_endless_body_is_read_up_to_the_limit(#[case] start: &'static str, #[case] repeated_bytes: String) {
    let (server, written) = flood(start, repeated_bytes).await;
    let fault = fault(client(server.url("http")).send(request()).await);
    assert_eq!(fault, TransportFault::TooLarge(ANSWER_LIMIT));
    assert!(written.load(Ordering::SeqCst) < MOST_READ, "{written:?}");
}

#[rstest]
#[case::fields("HTTP/1.1 200 OK\r\n", "x-flood: a\r\n".repeat(1000))]
#[case::one_field("HTTP/1.1 200 OK\r\nx-flood: ", "a".repeat(16 * 1024))]
#[case::one_name("HTTP/1.1 200 OK\r\nx-", "a".repeat(16 * 1024))]
#[case::reason("HTTP/1.1 200 ", "a".repeat(16 * 1024))]
#[tokio::test]
async fn an_endless_header_is_read_up_to_a_limit(#[case] start: &'static str, #[case] repeated_bytes: String) {
    let (server, written) = flood(start, repeated_bytes).await;
    let fault = fault(client(server.url("http")).send(request()).await);
    assert_eq!(fault, TransportFault::HeadTooLarge);
    assert!(written.load(Ordering::SeqCst) < MOST_READ, "{written:?}");
}

#[rstest]
#[case::ten_thousand_fields("x-flood: a\r\n".repeat(10_000))]
#[case::one_field_of_10_mb(format!("x-flood: {}\r\n", "a".repeat(10_000_000)))]
#[tokio::test]
async fn a_header_that_ends_too_late_is_refused(#[case] fields: String) {
    let server = Server::answering(format!("HTTP/1.1 200 OK\r\n{fields}content-length: 0\r\n\r\n"), Then::Hang).await;
    assert_eq!(fault(client(server.url("http")).send(request()).await), TransportFault::HeadTooLarge);
}

#[tokio::test]
async fn interim_answers_without_an_end_cost_no_more_than_the_time_limit() {
    let (server, _) = flood("", "HTTP/1.1 100 Continue\r\n\r\n".repeat(10)).await;
    assert_eq!(fault(impatient_client(server.url("http")).send(request()).await), TransportFault::Timeout(SHORT));
}

#[tokio::test]
async fn a_chunked_trailer_without_an_end_is_bounded() {
    let start = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n";
    let (server, written) = flood(start, "x-flood: a\r\n".repeat(1000)).await;
    let exchange = client(server.url("http")).send(request()).await;
    assert!(exchange.answer.is_err(), "{exchange:?}");
    assert!(written.load(Ordering::SeqCst) < MOST_READ, "{written:?}");
}
