//! Requests that the HTTP library refuses to send or would change: their bytes go out as they are.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper_util::rt::TokioIo;
use reqwest::Url;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::arriving::Arriving;
use super::client::headers_of;
use super::diagnosis::{Stage, fault_of};
use super::{Fault, Request, Response};

/// A connection of its own for each request.
#[derive(Clone, Debug)]
pub(super) struct Socket {
    host: String,
    /// The addresses that the host was found at; nothing where it could not be resolved.
    found: Vec<SocketAddr>,
    tls: Option<Arc<ClientConfig>>,
}

impl Socket {
    pub(super) fn new(base: &Url, found: &[SocketAddr], tls: Option<Arc<ClientConfig>>) -> Self {
        let host = base.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
        Self { host, found: found.to_vec(), tls }
    }

    /// Sends a request byte for byte; its answer arrives where it is waited for. Whoever calls has looked for flaws in
    /// the request.
    pub(super) async fn send(&self, request: &Request, arriving: &Arriving) -> Result<(), Fault> {
        let connecting = |error: io::Error| fault_of(&error, Stage::Connecting);
        if self.found.is_empty() {
            return Err(Fault::Resolve("the name has no address".to_owned()));
        }
        let stream = TcpStream::connect(self.found.as_slice()).await.map_err(connecting)?;
        match &self.tls {
            None => exchange(stream, request, arriving).await,
            Some(config) => {
                let name = ServerName::try_from(self.host.clone()).map_err(|error| Fault::Tls(error.to_string()))?;
                let stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await.map_err(connecting)?;
                exchange(stream, request, arriving).await
            }
        }
    }
}

/// The request's bytes: request line, header fields and body exactly as given.
fn bytes_of(request: &Request) -> Vec<u8> {
    let mut bytes = format!("{} {} HTTP/1.1\r\n", request.method, request.target).into_bytes();
    for (name, value) in request.headers.iter() {
        for part in [name, ": ", value, "\r\n"] {
            bytes.extend_from_slice(part.as_bytes());
        }
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&request.body);
    bytes
}

/// Writes the bytes and has the HTTP library read the answer.
async fn exchange<S>(stream: S, request: &Request, arriving: &Arriving) -> Result<(), Fault>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let lost = |error: hyper::Error| fault_of(&error, Stage::Head);
    let scripted = Scripted { stream, bytes: bytes_of(request), written: 0 };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(scripted)).await.map_err(lost)?;
    // The method decides how an answer is framed; the rest of this request never leaves.
    let stand_in = hyper::Request::builder().method(request.method.as_str()).uri("/").body(NoBody);
    let stand_in = stand_in.map_err(|error| Fault::Lost(error.to_string()))?;
    let read = async {
        let response = sender.send_request(stand_in).await.map_err(lost)?;
        let (head, body) = response.into_parts();
        let headers = headers_of(&head.headers);
        arriving.begin(Response { status: head.status.as_u16(), headers, body: Vec::new() });
        read_body(body, arriving).await
    };
    tokio::pin!(read, connection);
    let mut open = true;
    loop {
        tokio::select! {
            answer = &mut read => return answer,
            // Its result says less than the answer's own error does.
            _ = &mut connection, if open => open = false,
        }
    }
}

async fn read_body(mut body: Incoming, arriving: &Arriving) -> Result<(), Fault> {
    while let Some(frame) = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|error| fault_of(&error, Stage::Body(arriving.length())))?;
        if let Ok(chunk) = frame.into_data() {
            arriving.add(&chunk)?;
        }
    }
    Ok(())
}

/// A stream to which only the scripted bytes are written, whatever the HTTP library writes.
struct Scripted<S> {
    stream: S,
    bytes: Vec<u8>,
    written: usize,
}

impl<S: AsyncWrite + Unpin> Scripted<S> {
    fn write_script(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.bytes.len() {
            match Pin::new(&mut self.stream).poll_write(context, &self.bytes[self.written..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => self.written += count,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Scripted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Scripted<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, swallowed: &[u8]) -> Poll<io::Result<usize>> {
        match self.write_script(context) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(swallowed.len())),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The body of the stand-in request: none.
struct NoBody;

impl Body for NoBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }
}
