use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::Method;
use hyper::body::{Body, Bytes};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use reqwest::{Url, redirect};
use tokio::sync::OnceCell;

use super::diagnosis::{ExchangeStage, chain, fault_of};
use super::route::{address, addresses, are_loopback, leads_to_metadata};
use super::{Exchange, Request, Response, TransportFault};
use crate::text::file_name;

/// The largest answer that is read, in bytes. A right one has about two hundred.
pub const ANSWER_LIMIT: usize = 1024 * 1024;

/// Fields that say how a message is framed; the HTTP library sets them itself.
const FRAMING: [&str; 4] = ["content-length", "transfer-encoding", "connection", "expect"];

/// How a target is reached.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// The time for one request, from connecting to the last byte of the answer.
    pub timeout: Duration,
    /// A file with PEM certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// The setting that names this file, for messages.
    pub ca_file_named_by: Option<String>,
    /// Whether the server's certificate is not checked. Such a client sends nothing to another machine.
    pub insecure: bool,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(10), ca_file: None, ca_file_named_by: None, insecure: false }
    }
}

/// A client that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The file with certificates cannot be used.
    #[error("cannot use the certificates in {}{}: {reason}", file_name(.file), behind_file(.named_by.as_ref()))]
    CaFile {
        /// The file.
        file: PathBuf,
        /// The setting that names it, if that is known.
        named_by: Option<String>,
        /// What is wrong with it.
        reason: String,
    },
    /// The TLS library refuses.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
}

/// The setting that names a file, behind the name of the file.
pub(super) fn behind_file(named_by: Option<&String>) -> String {
    named_by.map_or_else(String::new, |setting| format!(" ({setting})"))
}

const TOKEN_FIELD: &str = "x-amz-security-token";

/// Sends requests to one target over one pool of connections. It follows no redirect, decompresses nothing, and limits
/// the time and the size of an answer.
///
/// A request to this machine or to its metadata never goes through a proxy, however the host is spelled. A session token leaves this
/// machine only over TLS.
///
/// A request that the HTTP library would refuse or change is not sent.
#[derive(Clone, Debug)]
pub struct Client {
    base: Url,
    /// The certificates to trust; `None` if the target does not speak TLS.
    #[cfg(feature = "tls")]
    tls: Option<rustls::ClientConfig>,
    /// Whether the server's certificate is not checked.
    insecure: bool,
    timeout: Duration,
    /// The connections to the host's addresses, once they are known.
    way: Arc<OnceCell<ConnectionPools>>,
    /// The connections for a host name that cannot be resolved here: a proxy may be able to resolve it.
    unresolved: Arc<OnceCell<ConnectionPools>>,
    /// Whether the pool can hold a connection that was used before.
    has_answered: Arc<AtomicBool>,
    /// Whether the target once closed a connection without announcing it, so that its reuse failed.
    closes_silently: Arc<AtomicBool>,
}

#[derive(Debug)]
struct ConnectionPools {
    http: Http,
    /// The same with a new connection for every request.
    anew: Http,
    /// Whether it leads to this machine.
    is_loopback: bool,
}

/// One pool of connections.
#[derive(Debug)]
enum Http {
    Plain(reqwest::Client),
    #[cfg(feature = "tls")]
    Tls(Box<super::tls::TlsClient>),
}

impl Http {
    /// Sends a request and reads the answer's header. Bytes outside UTF-8 are replaced in the header.
    async fn send(&self, prepared: PreparedRequest) -> Result<UnreadResponse, TransportFault> {
        let PreparedRequest { method, url, headers, body } = prepared;
        match self {
            Self::Plain(http) => {
                let mut request = reqwest::Request::new(method, url);
                *request.headers_mut() = headers;
                *request.body_mut() = Some(body.into());
                let response = http.execute(request).await.map_err(|error| unsent(&error, error.is_connect()))?;
                Ok(UnreadResponse::of(hyper::Response::<reqwest::Body>::from(response)))
            }
            #[cfg(feature = "tls")]
            Self::Tls(http) => {
                let request = hyper::Request::builder().method(method).uri(url.as_str());
                let request = request.body(http_body_util::Full::new(body));
                let mut request = request.map_err(|error| unsent(&error, false))?;
                *request.headers_mut() = headers;
                let response = http.request(request).await;
                Ok(UnreadResponse::of(response.map_err(|error| unsent(&error, error.is_connect()))?))
            }
        }
    }
}

/// A request in the types of the HTTP library.
#[derive(Clone, Debug)]
struct PreparedRequest {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
}

/// An answer whose body is not read yet.
struct UnreadResponse {
    response: Response,
    body: BoxBody,
}

type BoxBody = std::pin::Pin<Box<dyn Body<Data = Bytes, Error = Box<dyn std::error::Error + Send + Sync>> + Send>>;

impl UnreadResponse {
    fn of<B>(response: hyper::Response<B>) -> Self
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
    {
        let fields = response.headers().iter();
        let headers = fields.map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes()))).collect();
        let status = response.status().as_u16();
        let body = Box::pin(response.into_body().map_err(Into::into));
        Self { response: Response { status, headers, body: Vec::new() }, body }
    }

    /// Reads the answer to its end into `arriving`, which keeps the part that has arrived if this fails or is dropped.
    async fn read(mut self, arriving: &mut Option<Response>) -> Result<(), TransportFault> {
        let body = &mut arriving.insert(self.response).body;
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|error| fault_of(&*error, ExchangeStage::Body(body.len())))?;
            // Anything else is a trailer.
            let Ok(chunk) = frame.into_data() else { continue };
            if body.len() + chunk.len() > ANSWER_LIMIT {
                return Err(TransportFault::TooLarge(ANSWER_LIMIT));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(())
    }
}

impl Client {
    /// A client for the target at this URL.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(base: Url, options: &ClientOptions) -> Result<Self, ClientError> {
        // Reading the system's certificates takes longer than the rest of the start.
        let speaks_tls = base.scheme() == "https";
        #[cfg(not(feature = "tls"))]
        if speaks_tls {
            return Err(ClientError::Tls("this build cannot; build it with the feature `tls`".to_owned()));
        }
        Ok(Self {
            #[cfg(feature = "tls")]
            tls: speaks_tls.then(|| super::tls::config(options)).transpose()?,
            insecure: options.insecure,
            base,
            timeout: options.timeout,
            way: Arc::default(),
            unresolved: Arc::default(),
            has_answered: Arc::default(),
            closes_silently: Arc::default(),
        })
    }

    /// The target's URL.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Sends a request and reads the answer to its end.
    ///
    /// The exchange holds the request with the two fields that are added to it, `content-length` and `accept`.
    pub async fn send(&self, request: Request) -> Exchange {
        self.send_over(request, false).await
    }

    /// Sends a request like [`Client::send`], over a new connection.
    pub async fn send_over_new_connection(&self, request: Request) -> Exchange {
        self.send_over(request, true).await
    }

    async fn send_over(&self, mut request: Request, new_connection: bool) -> Exchange {
        let is_framed = FRAMING.iter().any(|name| request.headers.get(name).is_some());
        let prepared = if is_framed { None } else { self.prepare(&mut request) };
        let sent_at = Timestamp::now();
        let start = Instant::now();
        // Keeps the part that has arrived if the rest fails or is late.
        let mut arriving = None;
        let arrived = self.answer(&request, prepared, new_connection, &mut arriving);
        let arrived = tokio::time::timeout(self.timeout, arrived).await;
        let arrived = arrived.unwrap_or(Err(TransportFault::Timeout(self.timeout)));
        let (answer, cut_off) = match (arrived, arriving) {
            (Ok(()), Some(whole)) => (Ok(whole), None),
            (Ok(()), None) => (Err(TransportFault::Lost("nothing arrived".to_owned())), None),
            (Err(fault), None) => (Err(self.with_hint(fault)), None),
            (Err(fault), cut_off) => (Err(fault), cut_off),
        };
        let elapsed = start.elapsed();
        Exchange { request, answer, cut_off, sent_at, received_at: Timestamp::now(), elapsed, fault_before: None }
    }

    /// The fault of a request without any answer. A port that speaks TLS often just ends a plain connection; one that
    /// has answered before speaks HTTP.
    fn with_hint(&self, fault: TransportFault) -> TransportFault {
        match fault {
            TransportFault::Lost(words)
                if self.base.scheme() == "http" && !self.has_answered.load(Ordering::Relaxed) =>
            {
                TransportFault::Lost(format!("{words}; if the port speaks TLS, try https://"))
            }
            fault => fault,
        }
    }

    /// Adds the missing fields to a request and converts it for the HTTP library. `None` if the library would change or
    /// refuse the request.
    fn prepare(&self, request: &mut Request) -> Option<PreparedRequest> {
        // A server needs it to find the end of the body, and the library omits it for an empty body.
        request.headers.push("content-length", request.body.len().to_string());
        // reqwest always adds it.
        if request.headers.get("accept").is_none() {
            request.headers.push("accept", "*/*");
        }
        request.headers.get("host")?;
        let mut url = self.base.clone();
        let (path, query) =
            request.target.split_once('?').map_or((request.target.as_str(), None), |(p, q)| (p, Some(q)));
        url.set_path(path);
        url.set_query(query);
        if url.path() != path || url.query() != query {
            return None;
        }
        let mut headers = HeaderMap::with_capacity(8);
        for (name, value) in request.headers.iter() {
            let field = HeaderName::from_bytes(name.as_bytes()).ok()?;
            // The library writes names in lower case, and fields of one name side by side.
            if field.as_str() != name || headers.contains_key(&field) {
                return None;
            }
            headers.insert(field, HeaderValue::from_str(value).ok()?);
        }
        let method = Method::from_bytes(request.method.as_bytes()).ok()?;
        Some(PreparedRequest { method, url, headers, body: Bytes::copy_from_slice(&request.body) })
    }

    /// Sends a request and reads the answer into `arriving`.
    async fn answer(
        &self,
        request: &Request,
        prepared: Option<PreparedRequest>,
        new_connection: bool,
        arriving: &mut Option<Response>,
    ) -> Result<(), TransportFault> {
        if let Some(flaw) = flaw(request) {
            return Err(TransportFault::Unsendable(flaw));
        }
        let Some(prepared) = prepared else {
            return Err(TransportFault::Unsendable(
                "HTTP would change it on its way: its path, the spelling or the order of its fields",
            ));
        };
        let way = self.way().await?;
        if request.headers.get(TOKEN_FIELD).is_some() && self.base.scheme() != "https" && !way.is_loopback {
            return Err(TransportFault::Unsendable("a session token goes to no other machine without TLS"));
        }
        if self.insecure && !way.is_loopback {
            return Err(TransportFault::Unsendable(
                "without a check of the certificate, nothing goes to another machine",
            ));
        }
        self.execute(way, prepared, new_connection).await?.read(arriving).await
    }

    /// The connections to the target. Its host name is resolved once, so that every request goes to the addresses that
    /// were checked. If it cannot be resolved, the next request tries again.
    async fn way(&self) -> Result<&ConnectionPools, TransportFault> {
        let connections_to =
            |found: &[SocketAddr]| self.way_to(found).map_err(|error| TransportFault::Connect(chain(&error)));
        let connections = self.way.get_or_try_init(|| async {
            let found = addresses(&self.base).await.map_err(|_| None)?;
            // The metadata server of AWS is at this address on every machine of AWS. No emulator is. A caller that means
            // it gives the address itself.
            let is_name = address(&self.base).is_none();
            if is_name && found.iter().any(|address| leads_to_metadata(address.ip())) {
                return Err(Some(TransportFault::Unsendable("its host name leads to the metadata of this machine")));
            }
            connections_to(&found).map_err(Some)
        });
        match connections.await {
            Ok(way) => Ok(way),
            Err(Some(fault)) => Err(fault),
            Err(None) => self.unresolved.get_or_try_init(|| async { connections_to(&[]) }).await,
        }
    }

    /// The connections to the target at these addresses of its host, which is not resolved again. Without addresses,
    /// the host is resolved for each connection, here or by a proxy.
    fn way_to(&self, found: &[SocketAddr]) -> Result<ConnectionPools, reqwest::Error> {
        const ANY: usize = usize::MAX;
        let is_loopback = are_loopback(found);
        // No proxy has the metadata of this machine.
        let is_direct = is_loopback || found.iter().any(|address| leads_to_metadata(address.ip()));
        let host = self.base.host_str().unwrap_or_default();
        let pool = |idle| {
            #[cfg(feature = "tls")]
            if let Some(tls) = &self.tls {
                let client = super::tls::client(tls.clone(), host, found, is_direct, idle);
                return Ok(Http::Tls(Box::new(client)));
            }
            let builder = reqwest::Client::builder()
                .redirect(redirect::Policy::none())
                .referer(false)
                .retry(reqwest::retry::never())
                // A user agent must read such a line break as blanks: RFC 9112, section 5.2.
                .http1_allow_obsolete_multiline_headers_in_responses(true)
                .tcp_nodelay(true)
                .pool_max_idle_per_host(idle);
            let builder = if found.is_empty() { builder } else { builder.resolve_to_addrs(host, found) };
            let builder = if is_direct { builder.no_proxy() } else { builder };
            builder.build().map(Http::Plain)
        };
        Ok(ConnectionPools { http: pool(ANY)?, anew: pool(0)?, is_loopback })
    }

    /// Sends a request up to the end of the answer's header.
    ///
    /// A server may close a connection while the next request is on its way; many do so after every answer, without
    /// announcing it. Such a loss says nothing about the answer. So a request that may have used an old connection is
    /// sent once more on a new one. If that succeeds, every later request gets a new connection.
    async fn execute(
        &self,
        way: &ConnectionPools,
        request: PreparedRequest,
        new_connection: bool,
    ) -> Result<UnreadResponse, TransportFault> {
        if new_connection || self.closes_silently.load(Ordering::Relaxed) {
            return way.anew.send(request).await;
        }
        let second_request = self.has_answered.load(Ordering::Relaxed).then(|| request.clone());
        let mut answer = way.http.send(request).await;
        let is_lost = matches!(answer, Err(TransportFault::Lost(_)));
        if let Some(second_request) = second_request.filter(|_| is_lost) {
            answer = way.anew.send(second_request).await;
            self.closes_silently.fetch_or(answer.is_ok(), Ordering::Relaxed);
        }
        if answer.is_ok() {
            self.has_answered.store(true, Ordering::Relaxed);
        }
        answer
    }
}

/// Why a request would be a different one on the wire, such as a line break in the value of a header field, which would
/// start another field. `None` if it would be the same.
fn flaw(request: &Request) -> Option<&'static str> {
    let is_plain = |byte: u8| byte == b'\t' || (byte >= b' ' && byte != 0x7f);
    if !is_token(&request.method) {
        Some("its method is no word")
    } else if request.target.is_empty() || !request.target.bytes().all(|byte| byte > b' ' && byte != 0x7f) {
        Some("its path is empty, or holds a blank or a control character")
    } else if !request.headers.iter().all(|(name, _)| is_token(name)) {
        Some("the name of a header field is no word")
    } else if !request.headers.iter().all(|(_, value)| value.bytes().all(is_plain)) {
        Some("the value of a header field holds a line break or another control character")
    } else {
        None
    }
}

/// Whether a text is a token of HTTP: one or more characters that are not separators.
/// Source: RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// The fault of a request whose answer did not begin.
fn unsent(error: &(dyn std::error::Error + 'static), connecting: bool) -> TransportFault {
    fault_of(error, if connecting { ExchangeStage::Connecting } else { ExchangeStage::Head })
}
