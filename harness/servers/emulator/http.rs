//! The service behind a socket of the loopback address.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::errors::Refusal;
use super::{MAX_REQUEST_BYTES, Options, Service};
use crate::wire::{Request, Response};

/// How long a client has to send its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long answers under way may take when the emulator is stopped.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// How much of a body is taken before the connection is closed: enough that a client that sends too
/// much still reads the refusal instead of losing its connection while it writes.
const MAX_READ_BYTES: usize = 8 * MAX_REQUEST_BYTES;

/// A running emulator. Dropping it stops it at once; [`Emulator::shutdown`] lets it finish first.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use countersign::servers::emulator::{Emulator, Options};
///
/// let emulator = Emulator::start(Options::default()).await?;
/// println!("call {} as {}", emulator.endpoint(), emulator.options().credentials.access_key_id);
/// emulator.shutdown().await;
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct Emulator {
    address: SocketAddr,
    service: Arc<Service>,
    /// Dropped to stop the server.
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Emulator {
    /// Starts an emulator on the current tokio runtime. It listens when this returns.
    ///
    /// # Errors
    /// When the options are invalid ([`io::ErrorKind::InvalidInput`], with an
    /// [`InvalidOptions`](super::InvalidOptions) inside), or it cannot listen on the address.
    pub async fn start(options: Options) -> io::Result<Self> {
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        let service = Arc::new(Service::new(options).map_err(invalid)?);
        let listener = TcpListener::bind(service.options().listen).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let app = Router::new().fallback(handle).with_state(Arc::clone(&service));
        let server = axum::serve(listener, app).with_graceful_shutdown(async move {
            // Sent or dropped, both mean stop.
            let _ = stopped.await;
        });
        let task = tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "the emulator stopped");
            }
        });
        Ok(Self { address, service, stop: Some(stop), task })
    }

    /// Its URL, such as `http://127.0.0.1:4567`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it was started with, its credentials among them.
    pub fn options(&self) -> &Options {
        self.service.options()
    }

    /// Stops listening and waits until the answers under way are sent, at most five seconds.
    pub async fn shutdown(mut self) {
        self.stop = None;
        if timeout(SHUTDOWN_TIMEOUT, &mut self.task).await.is_err() {
            tracing::warn!("a connection did not end in time");
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads a request to its end and answers it.
async fn handle(State(service): State<Arc<Service>>, request: http::Request<Body>) -> http::Response<Body> {
    let (head, body) = request.into_parts();
    let response = match timeout(BODY_TIMEOUT, to_bytes(body, MAX_READ_BYTES)).await {
        Err(_) => service.refuse(&Refusal::timed_out()),
        // Where the connection is lost nobody reads the answer.
        Ok(Err(_)) => service.refuse(&Refusal::too_large(MAX_REQUEST_BYTES)),
        Ok(Ok(body)) => service.answer(&received(&head, body.to_vec())),
    };
    sent(response)
}

/// A request as the service takes it.
fn received(head: &http::request::Parts, body: Vec<u8>) -> Request {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Request {
        method: head.method.to_string(),
        target: head.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        headers: head.headers.iter().map(|(name, value)| (name.as_str(), text(value))).collect(),
        body,
    }
}

/// An answer as axum takes it.
fn sent(response: Response) -> http::Response<Body> {
    let mut builder = http::Response::builder().status(response.status);
    for (name, value) in response.headers.iter() {
        builder = builder.header(name, value);
    }
    builder.body(Body::from(response.body)).expect("the service writes valid statuses and headers")
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    /// What the emulator sends back for these bytes, up to the end of the connection.
    async fn exchange(emulator: &Emulator, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(emulator.address()).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    fn post(length: usize) -> Vec<u8> {
        let mut request =
            format!("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        request.push_str(&" ".repeat(length));
        request.into_bytes()
    }

    #[tokio::test]
    async fn a_request_is_answered_over_the_socket() {
        let emulator = Emulator::start(Options::default()).await.unwrap();
        let answer = exchange(&emulator, &post(0)).await;
        assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{answer}");
        assert!(answer.contains("\r\ncontent-type: application/x-amz-json-1.1\r\n"), "{answer}");
        assert_eq!(answer.matches("\r\ndate: ").count(), 1, "{answer}");
        assert!(answer.contains(r#""__type":"UnknownOperationException""#), "{answer}");
    }

    #[tokio::test]
    async fn a_body_beyond_the_limit_gets_an_answer() {
        let emulator = Emulator::start(Options::default()).await.unwrap();
        let answer = exchange(&emulator, &post(MAX_REQUEST_BYTES + 1)).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    }

    #[tokio::test]
    async fn a_stopped_emulator_no_longer_listens() {
        let emulator = Emulator::start(Options::default()).await.unwrap();
        let address = emulator.address();
        emulator.shutdown().await;
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn an_idle_connection_does_not_hold_up_the_shutdown() {
        let emulator = Emulator::start(Options::default()).await.unwrap();
        let _idle = TcpStream::connect(emulator.address()).await.unwrap();
        timeout(SHUTDOWN_TIMEOUT, emulator.shutdown()).await.unwrap();
    }

    #[tokio::test]
    async fn an_address_that_others_can_reach_is_refused() {
        let options = Options { listen: "0.0.0.0:0".parse().unwrap(), ..Options::default() };
        let error = Emulator::start(options).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("loopback"), "{error}");
    }

    #[tokio::test]
    async fn an_address_in_use_is_an_error() {
        let emulator = Emulator::start(Options::default()).await.unwrap();
        let options = Options { listen: emulator.address(), ..Options::default() };
        assert_eq!(Emulator::start(options).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }
}
