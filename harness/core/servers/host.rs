//! Serves any function that answers requests on a socket.
//!
//! Its memory and its time are bounded, whatever clients do: there are at most 1,024 connections, their buffers are
//! small, all bodies together hold at most 8 MiB beyond a small part of each, and a client that neither sends nor reads
//! loses its connection.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::stalling::StallingStream;
use crate::wire::{Request, Response};

/// How many connections there are at most. Further ones wait until one of these ends.
const MOST_CONNECTIONS: usize = 1024;

/// How long a client has to send the header of its next request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// The same for a connection that was taken when more than half of [`MOST_CONNECTIONS`] were there, so that idle ones
/// do not keep others out.
const CROWDED_HEADER_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a client has to send its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection stays whose client does not read its answer.
const UNREAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest header, and the most that is read at once, in bytes for each connection.
const BUFFER_LIMIT: usize = 32 << 10;

/// How much of a body needs no share of [`BODIES_LIMIT`], in bytes. Almost every request is smaller, and is read
/// whatever others send.
const BODY_WITHOUT_SHARE: usize = 8 << 10;

/// How many bytes all bodies hold together, beyond the part of each that needs no share.
const BODIES_LIMIT: usize = 8 << 20;

/// How long a body waits for its share of [`BODIES_LIMIT`].
const SHARE_TIMEOUT: Duration = Duration::from_secs(3);

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
    /// The bodies of others take all the room that there is.
    Busy,
}

/// How large a body may be, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimit {
    /// A larger one is refused.
    pub kept: usize,
    /// This much of a refused body is read all the same and thrown away, so that a client that writes it all before it
    /// reads gets the refusal. Then the connection is closed.
    pub read: usize,
}

/// How the names of header fields are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldNames {
    /// `content-type`.
    Small,
    /// `Content-Type`, as AWS sends them.
    Capitalised,
}

/// What becomes of a request.
pub enum Answer {
    /// The response is there.
    Ready(Response),
    /// The response comes when something else is done.
    Later(BoxFuture<'static, Response>),
    /// There is no response: the connection is closed.
    Closed,
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Self::Ready(response)
    }
}

impl From<Option<Response>> for Answer {
    fn from(response: Option<Response>) -> Self {
        response.map_or(Self::Closed, Self::Ready)
    }
}

/// The function that makes an answer, from a request or from the reason why there is none.
type AnswerFunction = dyn Fn(Result<&Request, Unread>) -> Answer + Send + Sync;

/// There is no answer to a request. hyper then closes the connection, and sends nothing.
#[derive(Debug, thiserror::Error)]
#[error("a connection is closed without an answer")]
struct NoAnswer;

/// A running server. Dropping it stops it at once; [`Host::shutdown`] lets it finish first.
#[derive(Debug)]
pub struct Host {
    address: SocketAddr,
    /// Dropped to stop the server.
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Host {
    /// Starts a server on the current tokio runtime. It listens when this returns. Where `answer` gives
    /// [`Answer::Closed`] or `None`, the connection is closed without an answer.
    ///
    /// # Errors
    /// When it cannot listen on the address.
    pub async fn start<A: Into<Answer>>(
        listen: SocketAddr,
        limit: BodyLimit,
        names: FieldNames,
        answer: impl Fn(Result<&Request, Unread>) -> A + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let bodies = Arc::new(Semaphore::new(BODIES_LIMIT));
        let answer = Arc::new(move |request: Result<&Request, Unread>| answer(request).into());
        let server = Server { answer, limit, names, bodies };
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
    limit: BodyLimit,
    names: FieldNames,
    /// The bytes that bodies may still hold, of [`BODIES_LIMIT`].
    bodies: Arc<Semaphore>,
}

impl Server {
    /// Takes connections until `stopped` is sent or dropped, then lets the answers under way be sent.
    async fn serve(self, listener: TcpListener, stopped: oneshot::Receiver<()>) {
        let graceful = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        // Dropped with this function, so that stopping it at once stops every connection too.
        let mut connections = JoinSet::new();
        let mut stopped = stopped.fuse();
        loop {
            let (place, stream) = tokio::select! {
                _ = &mut stopped => break,
                accepted = accept(&listener, &places) => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be taken");
                        // The usual cause is too many open files, some of which may be closed soon.
                        sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                },
                Some(_) = connections.join_next() => continue,
            };
            let is_crowded = places.available_permits() < MOST_CONNECTIONS / 2;
            let patience = if is_crowded { CROWDED_HEADER_TIMEOUT } else { HEADER_TIMEOUT };
            let conversation = self.clone().converse(stream, patience, graceful.watcher());
            connections.spawn(async move {
                conversation.await;
                drop(place);
            });
        }
        drop(listener);
        graceful.shutdown().await;
    }

    /// Answers the requests of one connection. Every header field comes from the answer, even `Date`.
    async fn converse(self, stream: TcpStream, patience: Duration, watcher: Watcher) {
        let capitalised = self.names == FieldNames::Capitalised;
        let service = service_fn(move |request| {
            let server = self.clone();
            async move { server.handle(request).await }
        });
        let mut builder = http1::Builder::new();
        builder.auto_date_header(false).title_case_headers(capitalised).max_buf_size(BUFFER_LIMIT);
        builder.timer(TokioTimer::new()).header_read_timeout(patience);
        let stream = StallingStream::new(stream, UNREAD_TIMEOUT);
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "a connection ended early");
        }
    }

    async fn handle(&self, request: hyper::Request<Incoming>) -> Result<hyper::Response<ResponseBody>, NoAnswer> {
        let (head, body) = request.into_parts();
        let answer = match timeout(BODY_TIMEOUT, self.read(body)).await {
            Err(_) => (self.answer)(Err(Unread::TimedOut)),
            Ok(Err(why)) => (self.answer)(Err(why)),
            // The share of the body is held until the answer is made.
            Ok(Ok((body, _share))) => (self.answer)(Ok(&received(&head, body))),
        };
        match answer {
            Answer::Ready(response) => Ok(sent(response)),
            Answer::Later(response) => Ok(sent(response.await)),
            Answer::Closed => Err(NoAnswer),
        }
    }

    /// Reads a body, and gives it with its share of what all bodies may hold. One that is refused is read on within the
    /// limit. If the connection is lost, nobody reads the answer.
    async fn read(&self, mut body: Incoming) -> Result<(Vec<u8>, Option<OwnedSemaphorePermit>), Unread> {
        // A body in chunks does not say how long it is.
        let announced = usize::try_from(body.size_hint().upper().unwrap_or(self.limit.kept as u64));
        let announced = announced.unwrap_or(usize::MAX);
        let (mut kept, mut share, mut seen) = (Vec::new(), None, 0);
        let mut refused = (announced > self.limit.kept).then_some(Unread::TooLarge);
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return Err(refused.unwrap_or(Unread::TooLarge)) };
            let Some(data) = frame.data_ref() else { continue };
            seen += data.len();
            if refused.is_none() {
                refused = self.keep(data, &mut kept, announced, &mut share).await.err();
            }
            if refused.is_some() {
                (kept, share) = (Vec::new(), None);
            }
            if seen > self.limit.read {
                break;
            }
        }
        refused.map_or(Ok((kept, share)), Err)
    }

    /// Adds a part of a body to what is kept of it. A body that outgrows the part without a share gets its whole share
    /// at once: if each had a part of its share, all would wait for each other.
    async fn keep(
        &self,
        data: &Bytes,
        kept: &mut Vec<u8>,
        announced: usize,
        share: &mut Option<OwnedSemaphorePermit>,
    ) -> Result<(), Unread> {
        let length = kept.len() + data.len();
        if length > self.limit.kept {
            return Err(Unread::TooLarge);
        }
        if length > BODY_WITHOUT_SHARE && share.is_none() {
            let size = u32::try_from(announced).map_err(|_| Unread::TooLarge)?;
            let room = Arc::clone(&self.bodies).acquire_many_owned(size);
            *share = Some(timeout(SHARE_TIMEOUT, room).await.ok().and_then(Result::ok).ok_or(Unread::Busy)?);
            kept.reserve_exact(announced.saturating_sub(kept.len()));
        }
        kept.extend_from_slice(data);
        Ok(())
    }
}

/// Takes the next connection as soon as there is a place for it.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> io::Result<(OwnedSemaphorePermit, TcpStream)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    Ok((place, listener.accept().await?.0))
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

/// An answer for hyper: in chunks if its `Transfer-Encoding` says so. Text from a fixture may be in the status and in the
/// header fields; instead of what cannot be sent, the client gets 500 and a sentence.
fn sent(response: Response) -> hyper::Response<ResponseBody> {
    let status = response.status;
    try_sent(response).unwrap_or_else(|| {
        tracing::warn!(status, "an answer has a status or a header field that cannot be sent");
        let body = "The answer has a status or a header field that cannot be sent.\n";
        let mut replacement = hyper::Response::new(Full::new(Bytes::from(body)).boxed_unsync());
        *replacement.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
        replacement
    })
}

/// `None` if hyper cannot send the answer as it is.
fn try_sent(mut response: Response) -> Option<hyper::Response<ResponseBody>> {
    let chunked = response.headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked");
    if chunked {
        // hyper adds the field itself to a body of unknown length.
        response.headers.remove("transfer-encoding");
        response.headers.remove("content-length");
    }
    let length = response.body.len().to_string();
    let is_framed_otherwise = response.headers.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("transfer-encoding")
            || (name.eq_ignore_ascii_case("content-length") && value != length)
    });
    // hyper sends no status below 200 as the last answer.
    if is_framed_otherwise || response.status < 200 {
        return None;
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
    builder.body(body).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use rstest::rstest;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::wire::Headers;

    const KEPT: usize = 1 << 20;

    /// A server that answers with the number of bytes of the body.
    async fn counting() -> Host {
        let limit = BodyLimit { kept: KEPT, read: 2 * KEPT };
        let answer = |request: Result<&Request, Unread>| {
            let (status, body) = match request {
                Ok(request) => (200, request.body.len().to_string()),
                Err(why) => (if why == Unread::Busy { 503 } else { 400 }, format!("{why:?}")),
            };
            Response { status, headers: Headers::new(), body: body.into_bytes() }
        };
        Host::start("127.0.0.1:0".parse().unwrap(), limit, FieldNames::Small, answer).await.unwrap()
    }

    /// A connection that announces a body of this length, and sends this much of it.
    async fn sending(host: &Host, length: usize, sent: usize) -> TcpStream {
        let mut stream = TcpStream::connect(host.address()).await.unwrap();
        let head = format!("POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&vec![b'a'; sent]).await.unwrap();
        stream
    }

    async fn answer(mut stream: TcpStream) -> String {
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    #[tokio::test]
    async fn bodies_hold_a_bounded_number_of_bytes_and_small_ones_are_read_all_the_same() {
        let host = counting().await;
        let mut slow = Vec::new();
        for _ in 0..BODIES_LIMIT / KEPT {
            slow.push(sending(&host, KEPT, 2 * BODY_WITHOUT_SHARE).await);
        }
        // Until the server has read what the slow ones sent.
        sleep(Duration::from_millis(300)).await;
        let late = sending(&host, KEPT, KEPT).await;
        let started = Instant::now();
        let small = answer(sending(&host, BODY_WITHOUT_SHARE, BODY_WITHOUT_SHARE).await).await;
        assert!(small.ends_with("\r\n8192") && started.elapsed() < SHARE_TIMEOUT, "{small}");
        let refused = answer(late).await;
        assert!(refused.starts_with("HTTP/1.1 503 ") && refused.ends_with("Busy"), "{refused}");
        drop(slow);
        sleep(Duration::from_millis(300)).await;
        assert!(answer(sending(&host, KEPT, KEPT).await).await.ends_with("\r\n1048576"));
    }

    #[tokio::test]
    async fn many_large_bodies_at_once_are_all_read_one_after_the_other() {
        let host = counting().await;
        let bodies = (0..40).map(|_| async { answer(sending(&host, KEPT, KEPT).await).await });
        let answers = futures_util::future::join_all(bodies).await;
        assert!(answers.iter().all(|answer| answer.ends_with("\r\n1048576")), "{answers:?}");
    }

    #[rstest]
    #[case::without_a_body("GET / HTTP/1.1\r\nhost: a\r\n\r\n", "")]
    #[case::small("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\n", "x")]
    #[case::large("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 70000\r\n\r\n", &"x".repeat(70_000))]
    #[case::in_chunks("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\nx\r\n0\r\n\r\n")]
    #[case::the_last("POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 1\r\n\r\n", "x")]
    #[case::too_large("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1048577\r\n\r\n", &"x".repeat(KEPT + 1))]
    #[tokio::test]
    async fn without_an_answer_the_connection_is_closed_and_others_are_taken(#[case] head: &str, #[case] body: &str) {
        let limit = BodyLimit { kept: KEPT, read: 2 * KEPT };
        let answering = |request: Result<&Request, Unread>| {
            let body = request.ok()?.body.clone();
            body.starts_with(b"a").then(|| Response { status: 200, headers: Headers::new(), body })
        };
        let listen = "127.0.0.1:0".parse().unwrap();
        let host = Host::start(listen, limit, FieldNames::Small, answering).await.unwrap();
        let mut stream = TcpStream::connect(host.address()).await.unwrap();
        let answered = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\naaa";
        stream.write_all(answered.as_bytes()).await.unwrap();
        let mut text = vec![0; 4096];
        let length = stream.read(&mut text).await.unwrap();
        assert!(text[..length].ends_with(b"\r\naaa"), "{text:?}");

        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        assert_eq!(answer(stream).await, "");
        assert!(answer(sending(&host, 3, 3).await).await.ends_with("\r\naaa"));
    }

    #[tokio::test]
    async fn a_body_beyond_the_limit_is_refused_and_a_client_that_writes_all_of_it_first_reads_that() {
        let host = counting().await;
        let refused = answer(sending(&host, KEPT + 1, KEPT + 1).await).await;
        assert!(refused.ends_with("TooLarge"), "{refused}");
    }

    #[rstest]
    #[case::no_status(Response { status: 99, headers: Headers::new(), body: Vec::new() })]
    #[case::not_the_last(Response { status: 101, headers: Headers::new(), body: Vec::new() })]
    #[case::too_high(Response { status: 1000, headers: Headers::new(), body: Vec::new() })]
    #[case::no_name(with_field("é", "a"))]
    #[case::no_value(with_field("x", "a\r\nb"))]
    #[case::another_length(with_field("content-length", "5"))]
    #[case::another_coding(with_field("transfer-encoding", "gzip, chunked"))]
    fn an_answer_that_cannot_be_sent_becomes_500(#[case] response: Response) {
        assert_eq!(sent(response).status(), 500);
    }

    fn with_field(name: &str, value: &str) -> Response {
        Response { status: 200, headers: [(name, value)].into_iter().collect(), body: b"{}".to_vec() }
    }
}
