//! Serves any function that answers requests on a socket.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::wire::{Request, Response};

/// How long a client has to send its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long answers under way may take when the server is stopped.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why there is no request to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// Its body did not arrive in time.
    TimedOut,
    /// Its body is larger than the limit.
    TooLarge,
}

/// How the names of header fields are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldNames {
    /// `content-type`.
    Small,
    /// `Content-Type`, as AWS sends them.
    Capitalised,
}

/// The function that makes an answer, from a request or from the reason why there is none.
type AnswerFunction = dyn Fn(Result<&Request, Unread>) -> Response + Send + Sync;

/// A running server. Dropping it stops it at once; [`Host::shutdown`] lets it finish first.
#[derive(Debug)]
pub struct Host {
    address: SocketAddr,
    /// Dropped to stop the server.
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Host {
    /// Starts a server on the current tokio runtime. It reads at most `most` bytes of a body, and listens when this
    /// returns.
    ///
    /// # Errors
    /// When it cannot listen on the address.
    pub async fn start(
        listen: SocketAddr,
        most: usize,
        names: FieldNames,
        answer: impl Fn(Result<&Request, Unread>) -> Response + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let server = Server { answer: Arc::new(answer), most, names };
        let task = tokio::spawn(server.serve(listener, stopped));
        Ok(Self { address, stop: Some(stop), task })
    }

    /// The address that it listens on.
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

#[derive(Clone)]
struct Server {
    answer: Arc<AnswerFunction>,
    most: usize,
    names: FieldNames,
}

impl Server {
    /// Takes connections until `stopped` is sent or dropped, then lets the answers under way be sent.
    async fn serve(self, listener: TcpListener, stopped: oneshot::Receiver<()>) {
        let graceful = GracefulShutdown::new();
        // Dropped with this function, so that stopping it at once stops every connection too.
        let mut connections = JoinSet::new();
        let mut stopped = stopped.fuse();
        loop {
            let stream = tokio::select! {
                _ = &mut stopped => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be taken");
                        // The usual cause is too many open files, some of which may be closed soon.
                        sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                },
                Some(_) = connections.join_next() => continue,
            };
            connections.spawn(self.clone().converse(stream, graceful.watcher()));
        }
        drop(listener);
        graceful.shutdown().await;
    }

    /// Answers the requests of one connection. Every header field comes from the answer, even `Date`.
    async fn converse(self, stream: TcpStream, watcher: hyper_util::server::graceful::Watcher) {
        let capitalised = self.names == FieldNames::Capitalised;
        let service = service_fn(move |request| {
            let server = self.clone();
            async move { Ok::<_, Infallible>(server.handle(request).await) }
        });
        let mut builder = http1::Builder::new();
        builder.auto_date_header(false).title_case_headers(capitalised).timer(TokioTimer::new());
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "a connection ended early");
        }
    }

    async fn handle(&self, request: hyper::Request<Incoming>) -> hyper::Response<ResponseBody> {
        let (head, body) = request.into_parts();
        let response = match timeout(BODY_TIMEOUT, Limited::new(body, self.most).collect()).await {
            Err(_) => (self.answer)(Err(Unread::TimedOut)),
            // If the connection is lost, nobody reads the answer.
            Ok(Err(_)) => (self.answer)(Err(Unread::TooLarge)),
            Ok(Ok(body)) => (self.answer)(Ok(&received(&head, body.to_bytes().to_vec()))),
        };
        sent(response)
    }
}

type ResponseBody = UnsyncBoxBody<Bytes, Infallible>;

fn received(head: &hyper::http::request::Parts, body: Vec<u8>) -> Request {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Request {
        method: head.method.to_string(),
        target: head.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        headers: head.headers.iter().map(|(name, value)| (name.as_str(), text(value))).collect(),
        body,
    }
}

/// An answer for hyper: in chunks if its `Transfer-Encoding` says so.
fn sent(mut response: Response) -> hyper::Response<ResponseBody> {
    let chunked = response.headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked");
    if chunked {
        // hyper adds the field itself to a body of unknown length.
        response.headers.remove("transfer-encoding");
        response.headers.remove("content-length");
    }
    let mut builder = hyper::Response::builder().status(response.status);
    for (name, value) in response.headers.iter() {
        builder = builder.header(name, value);
    }
    let body = if chunked {
        let behind = response.body.split_off(response.body.len() / 2);
        let frames = [response.body, behind].map(|part| Ok(Frame::data(Bytes::from(part))));
        StreamBody::new(stream::iter(frames)).boxed_unsync()
    } else {
        Full::new(Bytes::from(response.body)).boxed_unsync()
    };
    builder.body(body).expect("our servers answer with valid statuses and headers")
}
