//! How connections are shared, and where they go.

use std::ops::Range;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use countersign::wire::TransportFault;
use futures_util::StreamExt;
use rstest::rstest;
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;

use crate::script_server::{Server, Then, client, fault, hang, read_request, request};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

#[tokio::test]
async fn two_requests_share_a_connection() {
    let server = Server::start(|mut stream| async move {
        while !read_request(&mut stream).await.is_empty() {
            let _ = stream.write_all(ANSWER).await;
        }
    })
    .await;
    let client = client(server.url("http"));
    for _ in 0..2 {
        assert!(client.send(request()).await.answer.is_ok());
    }
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn a_connection_that_was_closed_in_between_does_not_cost_the_next_request() {
    let closed = Arc::new(Notify::new());
    let notify = Arc::clone(&closed);
    let server = Server::start(move |mut stream| {
        let notify = Arc::clone(&notify);
        async move {
            read_request(&mut stream).await;
            let _ = stream.write_all(ANSWER).await;
            drop(stream);
            notify.notify_one();
        }
    })
    .await;
    let client = client(server.url("http"));
    for _ in 0..2 {
        assert!(client.send(request()).await.answer.is_ok());
        closed.notified().await;
    }
    assert_eq!(server.accepted(), 2);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_closes_after_every_answer_without_a_word_loses_no_request(#[values(1, 4)] at_once: usize) {
    let server = Server::answering(ANSWER, Then::Close).await;
    let client = client(server.url("http"));
    let many = (0..300).map(|_| client.send(request()));
    for exchange in futures_util::stream::iter(many).buffered(at_once).collect::<Vec<_>>().await {
        assert_eq!(exchange.answer.expect("an answer").status, 200);
    }
}

/// A server that answers the first request on its first connection, and then closes each connection
/// as soon as a request has come; but the connections in `answering` are answered.
async fn closing_on_requests(answering: Range<usize>) -> Server {
    let connections = Arc::new(AtomicUsize::new(0));
    Server::start(move |mut stream| {
        let (connection, answering) = (connections.fetch_add(1, Ordering::SeqCst), answering.clone());
        async move {
            if connection == 0 {
                read_request(&mut stream).await;
                let _ = stream.write_all(ANSWER).await;
            }
            read_request(&mut stream).await;
            if answering.contains(&connection) {
                let _ = stream.write_all(ANSWER).await;
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_request_that_a_used_connection_loses_is_sent_once_more() {
    let server = closing_on_requests(1..2).await;
    let client = client(server.url("http"));
    for _ in 0..2 {
        assert!(client.send(request()).await.answer.is_ok());
    }
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn a_request_that_is_never_answered_is_not_sent_for_ever() {
    let server = closing_on_requests(0..0).await;
    let client = client(server.url("http"));
    assert!(client.send(request()).await.answer.is_ok());
    assert!(matches!(fault(client.send(request()).await), TransportFault::Lost(_)));
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn the_first_request_is_never_sent_twice() {
    let server = Server::answering("", Then::Close).await;
    assert!(matches!(fault(client(server.url("http")).send(request()).await), TransportFault::Lost(_)));
    assert_eq!(server.accepted(), 1);
}

/// Set for the child process of the test below: the target's URL.
const CHILD: &str = "COUNTERSIGN_TEST_TARGET";

#[tokio::test]
async fn a_loopback_target_is_reached_past_a_proxy() {
    if let Ok(target) = std::env::var(CHILD) {
        assert!(client(target.parse().unwrap()).send(request()).await.answer.is_ok());
        // The control: the proxy is there, and is used for another host.
        let elsewhere = client("http://target.invalid/".parse().unwrap());
        assert_eq!(elsewhere.send(request()).await.answer.unwrap().status, 299);
        // With TLS it is asked for a tunnel, which it refuses.
        let elsewhere = fault(client("https://target.invalid/".parse().unwrap()).send(request()).await);
        assert!(matches!(&elsewhere, TransportFault::Connect(words) if words.contains("tunnel")), "{elsewhere:?}");
        return;
    }
    let target = Server::answering(ANSWER, Then::Hang).await;
    let proxy = Server::start(|mut stream| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 299 Proxied\r\ncontent-length: 0\r\n\r\n").await;
        hang(&mut stream).await;
    })
    .await;
    let proxy_url = proxy.url("http").to_string();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "connections::a_loopback_target_is_reached_past_a_proxy"]);
    child.env(CHILD, target.url("http").as_str()).env_remove("NO_PROXY").env_remove("no_proxy");
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, &proxy_url);
    }
    let output = tokio::task::spawn_blocking(move || child.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!((target.accepted(), proxy.accepted()), (1, 2));
}

#[tokio::test]
async fn a_dropped_exchange_closes_its_connection() {
    let (asked, closed) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let state = (Arc::clone(&asked), Arc::clone(&closed));
    let server = Server::start(move |mut stream| {
        let (asked, closed) = state.clone();
        async move {
            read_request(&mut stream).await;
            asked.notify_one();
            hang(&mut stream).await;
            closed.notify_one();
        }
    })
    .await;
    let client = client(server.url("http"));
    tokio::select! {
        exchange = client.send(request()) => panic!("{exchange:?}"),
        () = asked.notified() => {}
    }
    tokio::time::timeout(std::time::Duration::from_secs(5), closed.notified()).await.unwrap();
}
