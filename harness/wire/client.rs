use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url, redirect};
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;

use super::socket::Socket;
use super::{Exchange, Fault, Headers, Request, Response};

/// The largest answer that is read, in bytes. A right one has about two hundred.
pub const ANSWER_LIMIT: usize = 1024 * 1024;

/// How a target is reached.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// The time for one request, from connecting to the last byte of the answer.
    pub timeout: Duration,
    /// A file with PEM certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(10), ca_file: None }
    }
}

/// A client that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The file with certificates cannot be used.
    #[error("cannot use the certificates in {}: {reason}", .file.display())]
    CaFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The TLS library refuses.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
}

/// Sends requests to one target over one pool of connections. Follows no redirect, decompresses
/// nothing, and gives up at a time and a size.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    socket: Socket,
    base: Url,
    timeout: Duration,
}

impl Client {
    /// A client for the target at this URL.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(base: Url, options: &ClientOptions) -> Result<Self, ClientError> {
        let mut builder = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .http1_only()
            .tcp_nodelay(true)
            .timeout(options.timeout);
        if is_loopback(&base) {
            builder = builder.no_proxy();
        }
        let tls = if base.scheme() == "https" { tls_config(options.ca_file.as_deref())? } else { no_tls()? };
        let http =
            builder.tls_backend_preconfigured(tls.clone()).build().map_err(|error| ClientError::Tls(chain(&error)))?;
        let tls = (base.scheme() == "https").then(|| Arc::new(tls));
        Ok(Self { http, socket: Socket::new(&base, tls), base, timeout: options.timeout })
    }

    /// The target's URL.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Sends a request and reads the answer to its end.
    pub async fn send(&self, request: Request) -> Exchange {
        let sent_at = Timestamp::now();
        let start = Instant::now();
        let answer = match self.prepare(&request) {
            Some(prepared) => self.send_prepared(prepared).await,
            // What the HTTP library would refuse or change goes out as it is.
            None => tokio::time::timeout(self.timeout, self.socket.send(&request))
                .await
                .unwrap_or(Err(Fault::Timeout(self.timeout))),
        };
        let elapsed = start.elapsed();
        Exchange { request, answer, sent_at, received_at: Timestamp::now(), elapsed }
    }

    /// The request as the HTTP library sends it; nothing where it would change or refuse it.
    fn prepare(&self, request: &Request) -> Option<reqwest::Request> {
        const FRAMING: [&str; 4] = ["content-length", "transfer-encoding", "connection", "expect"];
        request.headers.get("host")?;
        if FRAMING.iter().any(|name| request.headers.get(name).is_some()) {
            return None;
        }
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
            headers.append(HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?);
        }
        let mut prepared = reqwest::Request::new(Method::from_bytes(request.method.as_bytes()).ok()?, url);
        *prepared.headers_mut() = headers;
        *prepared.body_mut() = Some(request.body.clone().into());
        Some(prepared)
    }

    async fn send_prepared(&self, request: reqwest::Request) -> Result<Response, Fault> {
        let fault = |error: reqwest::Error| fault_of(&error, self.timeout);
        let mut response = self.http.execute(request).await.map_err(fault)?;
        let status = response.status().as_u16();
        let headers = headers_of(response.headers());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(fault)? {
            if body.len() + chunk.len() > ANSWER_LIMIT {
                return Err(Fault::TooLarge(ANSWER_LIMIT));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { status, headers, body })
    }
}

/// Header fields as they arrived; bytes outside UTF-8 are replaced.
pub(super) fn headers_of(headers: &HeaderMap) -> Headers {
    headers.iter().map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes()))).collect()
}

/// Whether a URL points at this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(reqwest_host) => {
            let host = reqwest_host.to_string();
            let host = host.trim_start_matches('[').trim_end_matches(']');
            host.eq_ignore_ascii_case("localhost") || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
        None => false,
    }
}

/// TLS that trusts nobody, for a target without TLS: reading the system's certificates takes longer
/// than the rest of the start.
fn no_tls() -> Result<ClientConfig, ClientError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = versions.map_err(|error| ClientError::Tls(error.to_string()))?;
    Ok(builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
}

/// TLS with the system's certificates and those of a file.
fn tls_config(ca_file: Option<&Path>) -> Result<ClientConfig, ClientError> {
    let mut extra = Vec::new();
    if let Some(file) = ca_file {
        let wrong = |reason: String| ClientError::CaFile { file: file.to_owned(), reason };
        for certificate in CertificateDer::pem_file_iter(file).map_err(|error| wrong(error.to_string()))? {
            extra.push(certificate.map_err(|error| wrong(error.to_string()))?);
        }
        if extra.is_empty() {
            return Err(wrong("it holds no PEM certificate".to_owned()));
        }
    }
    let refuse = |error: rustls::Error| ClientError::Tls(error.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider)).map_err(refuse)?;
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(refuse)?
        .dangerous() // The name of the method; the verifier is the system's.
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// What went wrong, from the chain of causes.
fn fault_of(error: &reqwest::Error, timeout: Duration) -> Fault {
    if error.is_timeout() {
        return Fault::Timeout(timeout);
    }
    let text = chain(error);
    for cause in causes(error) {
        if let Some(hyper) = cause.downcast_ref::<hyper::Error>()
            && let Some(fault) = hyper_fault(hyper)
        {
            return fault;
        }
        if let Some(io) = cause.downcast_ref::<std::io::Error>()
            && let Some(tls) = io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>())
        {
            return Fault::Tls(tls_hint(tls));
        }
    }
    if text.contains("dns error") {
        Fault::Resolve(text)
    } else if error.is_connect() {
        Fault::Connect(text)
    } else {
        Fault::Lost(text)
    }
}

/// What an error of the HTTP library means, where it means one thing.
pub(super) fn hyper_fault(error: &hyper::Error) -> Option<Fault> {
    if error.is_parse() {
        Some(Fault::NotHttp(chain(error)))
    } else if error.is_incomplete_message() || error.is_closed() {
        Some(Fault::Lost(chain(error)))
    } else {
        None
    }
}

/// A TLS error, with what to do about the most common ones.
pub(super) fn tls_hint(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidMessage(_) => format!("{error}; the port may speak plain http, not https"),
        rustls::Error::InvalidCertificate(_) => {
            format!("{error}; a private certificate authority can be named with --ca-file")
        }
        _ => error.to_string(),
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (**error).source())
}

/// An error with its causes in one line, each said once, without the URL that it is about.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut words: Vec<String> = Vec::new();
    for cause in causes(error) {
        let text = cause.to_string();
        if !cause.is::<reqwest::Error>() && !words.iter().any(|said| said.contains(&text)) {
            words.push(text);
        }
    }
    words.join(": ")
}
