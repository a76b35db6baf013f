//! A server that plays a script on every connection, and requests to send to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use countersign::wire::{Client, ClientOptions, Exchange, Headers, Request, TransportFault};
use reqwest::Url;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A listener on a free port of 127.0.0.1; it stops when dropped.
pub(crate) struct Server {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start<F, S>(script: F) -> Self
    where
        F: Fn(TcpStream) -> S + Send + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(script(stream));
            }
        });
        Self { address, accepted, task }
    }

    /// Reads a request, writes these bytes, and then closes or hangs.
    pub(crate) async fn answering(bytes: impl Into<Vec<u8>>, then: Then) -> Self {
        let bytes: Arc<[u8]> = bytes.into().into();
        Self::start(move |mut stream| {
            let bytes = Arc::clone(&bytes);
            async move {
                read_request(&mut stream).await;
                // A client that has seen enough closes before the end.
                let _ = stream.write_all(&bytes).await;
                if then == Then::Hang {
                    hang(&mut stream).await;
                }
            }
        })
        .await
    }

    pub(crate) fn url(&self, scheme: &str) -> Url {
        format!("{scheme}://{}", self.address).parse().unwrap()
    }

    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Close,
    Hang,
}

/// Says nothing more until the client closes.
pub(crate) async fn hang(stream: &mut TcpStream) {
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

/// One request to its end: its bytes; fewer where the client closes before.
pub(crate) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return bytes;
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return bytes;
        }
    }
}

pub(crate) fn request() -> Request {
    let headers = Headers::from_iter([("host", "localhost")]);
    Request { method: "POST".to_owned(), target: "/".to_owned(), headers, body: b"{}".to_vec() }
}

/// A client whose time limit is long beside what an answer takes on a loopback socket.
pub(crate) fn client(url: Url) -> Client {
    Client::new(url, &ClientOptions::default()).unwrap()
}

/// The time limit of a client that is meant to reach it.
pub(crate) const SHORT: Duration = Duration::from_millis(200);

pub(crate) fn impatient_client(url: Url) -> Client {
    Client::new(url, &ClientOptions { timeout: SHORT, ..ClientOptions::default() }).unwrap()
}

#[track_caller]
pub(crate) fn fault(exchange: Exchange) -> TransportFault {
    exchange.answer.expect_err("no answer")
}
