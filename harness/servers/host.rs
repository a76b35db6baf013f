//! Any function that answers requests, behind a socket of the loopback address.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http;
use futures_util::stream;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::wire::{Request, Response};

/// How long a client has to send its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long answers under way may take when the server is stopped.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// Why there is no request to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// Its body did not arrive in time.
    TimedOut,
    /// Its body is larger than what is read.
    TooLarge,
}

/// What answers: a function of the request, or of why there is none.
type Answer = dyn Fn(Result<&Request, Unread>) -> Response + Send + Sync;

/// A running server. Dropping it stops it at once; [`Host::shutdown`] lets it finish first.
#[derive(Debug)]
pub struct Host {
    address: SocketAddr,
    /// Dropped to stop the server.
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// What the handler of a request needs.
#[derive(Clone)]
struct Shared {
    answer: Arc<Answer>,
    most: usize,
}

impl Host {
    /// Starts a server on the current tokio runtime, which reads at most so many bytes of a body. It
    /// listens when this returns.
    ///
    /// # Errors
    /// When it cannot listen on the address.
    pub async fn start(
        listen: SocketAddr,
        most: usize,
        answer: impl Fn(Result<&Request, Unread>) -> Response + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let app = Router::new().fallback(handle).with_state(Shared { answer: Arc::new(answer), most });
        let server = axum::serve(listener, app).with_graceful_shutdown(async move {
            // Sent or dropped, both mean stop.
            let _ = stopped.await;
        });
        let task = tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "the server stopped");
            }
        });
        Ok(Self { address, stop: Some(stop), task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening and waits until the answers under way are sent, at most five seconds.
    pub async fn shutdown(mut self) {
        self.stop = None;
        if timeout(SHUTDOWN_TIMEOUT, &mut self.task).await.is_err() {
            tracing::warn!("a connection did not end in time");
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads a request to its end and answers it.
async fn handle(State(shared): State<Shared>, request: http::Request<Body>) -> http::Response<Body> {
    let (head, body) = request.into_parts();
    let response = match timeout(BODY_TIMEOUT, to_bytes(body, shared.most)).await {
        Err(_) => (shared.answer)(Err(Unread::TimedOut)),
        // Where the connection is lost nobody reads the answer.
        Ok(Err(_)) => (shared.answer)(Err(Unread::TooLarge)),
        Ok(Ok(body)) => (shared.answer)(Ok(&received(&head, body.to_vec()))),
    };
    sent(response)
}

/// A request as it is answered.
fn received(head: &http::request::Parts, body: Vec<u8>) -> Request {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Request {
        method: head.method.to_string(),
        target: head.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        headers: head.headers.iter().map(|(name, value)| (name.as_str(), text(value))).collect(),
        body,
    }
}

/// An answer as axum takes it: in chunks where its `Transfer-Encoding` says so.
fn sent(mut response: Response) -> http::Response<Body> {
    let chunked = response.headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked");
    if chunked {
        // The server adds the field itself to a body whose length it is not told.
        response.headers.remove("transfer-encoding");
        response.headers.remove("content-length");
    }
    let mut builder = http::Response::builder().status(response.status);
    for (name, value) in response.headers.iter() {
        builder = builder.header(name, value);
    }
    let body = if chunked {
        let behind = response.body.split_off(response.body.len() / 2);
        Body::from_stream(stream::iter([response.body, behind].map(Ok::<_, Infallible>)))
    } else {
        Body::from(response.body)
    };
    builder.body(body).expect("our servers answer with valid statuses and headers")
}
