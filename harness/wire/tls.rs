//! The HTTP client for TLS, and the certificates that it trusts. reqwest sends everything else and could do this too,
//! but enabling its TLS would enable it for every user of this library who also uses reqwest.

use std::error::Error;
use std::fs::File;
use std::future::Future;
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig};
use rustls_platform_verifier::Verifier;
use tokio::net::{TcpStream, lookup_host};
use tower_service::Service;

use super::client::ClientError;
use super::diagnosis::ExchangeStage;
use super::message::TransportFault;

/// The largest file of certificates that is read, in bytes: 16 MiB. The file of a system has about a quarter of 1 MiB.
const CA_LIMIT: u64 = 16 << 20;

/// One pool of connections over TLS.
pub(super) type TlsClient = legacy::Client<HttpsConnector<Tcp>, Full<Bytes>>;

/// A client for a host with these addresses, which is not resolved again. Without addresses, the host is resolved for
/// each connection. Connections go through the proxy of the environment unless `direct`.
pub(super) fn client(tls: ClientConfig, host: &str, found: &[SocketAddr], direct: bool, idle: usize) -> TlsClient {
    let found = KnownAddresses { host: host.to_owned(), addresses: found.into() };
    let mut tcp = HttpConnector::new_with_resolver(found);
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let proxies = (!direct).then(|| Arc::new(Matcher::from_env()));
    legacy::Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(idle)
        // The library cannot know whether the server had received the request.
        .retry_canceled_requests(false)
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .build(HttpsConnector::from((Tcp { tcp, proxies }, tls)))
}

/// Connects to a host, directly or through the proxy that the environment names for it.
#[derive(Clone)]
pub(super) struct Tcp {
    tcp: HttpConnector<KnownAddresses>,
    proxies: Option<Arc<Matcher>>,
}

type BoxError = Box<dyn Error + Send + Sync>;
type Connecting<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

impl Service<hyper::Uri> for Tcp {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Connecting<Self::Response, BoxError>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, to: hyper::Uri) -> Self::Future {
        let Some(proxy) = self.proxies.as_ref().and_then(|proxies| proxies.intercept(&to)) else {
            let connecting = self.tcp.call(to);
            return Box::pin(async { connecting.await.map_err(Into::into) });
        };
        let tunnel = Tunnel::new(proxy.uri().clone(), self.tcp.clone());
        let mut tunnel = match proxy.basic_auth() {
            Some(credentials) => tunnel.with_auth(credentials.clone()),
            None => tunnel,
        };
        Box::pin(async move { tunnel.call(to).await.map_err(Into::into) })
    }
}

/// Resolves one host to its known addresses. Any other name, such as that of a proxy, is looked up.
#[derive(Clone)]
pub(super) struct KnownAddresses {
    host: String,
    addresses: Arc<[SocketAddr]>,
}

impl Service<Name> for KnownAddresses {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::io::Error;
    type Future = Connecting<Self::Response, std::io::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), std::io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let known_addresses = if name.as_str() == self.host { self.addresses.to_vec() } else { Vec::new() };
        Box::pin(async move {
            if !known_addresses.is_empty() {
                return Ok(known_addresses.into_iter());
            }
            // The connector sets the port.
            Ok(lookup_host((name.as_str(), 0)).await?.collect::<Vec<_>>().into_iter())
        })
    }
}

/// TLS that trusts the system's certificates and those in a file.
///
/// # Errors
/// When the file cannot be used, or the TLS library refuses.
pub(super) fn config(ca_file: Option<&Path>) -> Result<ClientConfig, ClientError> {
    let refuse = |error: rustls::Error| ClientError::Tls(error.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(refuse)?;
    let extra = ca_file.map_or_else(|| Ok(Vec::new()), certificates)?;
    let verifier = Verifier::new_with_extra_roots(extra, provider).map_err(refuse)?;
    // Dangerous is only the name of the method: the verifier is the system's.
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    Ok(builder.with_no_client_auth())
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, ClientError> {
    let wrong = |reason: String| ClientError::CaFile { file: file.to_owned(), reason };
    let mut text = Vec::new();
    let read = File::open(file).and_then(|file| file.take(CA_LIMIT + 1).read_to_end(&mut text));
    read.map_err(|error| wrong(error.to_string()))?;
    if text.len() as u64 > CA_LIMIT {
        return Err(wrong(format!("expected at most {} MiB, found more; is it the right file?", CA_LIMIT >> 20)));
    }
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match found.map_err(|error| wrong(error.to_string()))? {
        found if found.is_empty() => Err(wrong("it holds no PEM certificate".to_owned())),
        found => Ok(found),
    }
}

/// The fault for an error of the TLS library that ended an exchange at this stage; `None` for any other error.
pub(super) fn fault(error: &(dyn Error + 'static), stage: ExchangeStage) -> Option<TransportFault> {
    let error = error.downcast_ref::<rustls::Error>()?;
    Some(match (stage, error) {
        (ExchangeStage::Connecting, rustls::Error::InvalidMessage(_)) => {
            TransportFault::Tls(format!("{error}; the port may speak plain http (try http://)"))
        }
        (ExchangeStage::Connecting, rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            TransportFault::Tls(format!("{error}; a private certificate authority can be named with --ca-file"))
        }
        // `openssl req -x509` makes such a certificate by default.
        (ExchangeStage::Connecting, rustls::Error::InvalidCertificate(_))
            if error.to_string().contains("CaUsedAsEndEntity") =>
        {
            TransportFault::Tls(format!(
                "{error}; the server shows the certificate of an authority: make it one of its own, with basicConstraints=CA:FALSE"
            ))
        }
        (ExchangeStage::Connecting, _) => TransportFault::Tls(error.to_string()),
        (ExchangeStage::Head | ExchangeStage::Body(_), _) => TransportFault::Lost(format!("TLS failed: {error}")),
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use rustls::OtherError;

    use super::*;

    /// Named as in the library that checks certificates.
    #[derive(Debug, thiserror::Error)]
    #[error("CaUsedAsEndEntity")]
    struct CaUsedAsEndEntity;

    #[rstest]
    #[case::a_stranger(CertificateError::UnknownIssuer, Some("--ca-file"))]
    #[case::an_authority(
        CertificateError::Other(OtherError(Arc::new(CaUsedAsEndEntity))),
        Some("basicConstraints=CA:FALSE")
    )]
    #[case::a_bad_signature(CertificateError::BadSignature, None)]
    fn a_certificate_that_is_refused_has_its_own_advice(#[case] error: CertificateError, #[case] advice: Option<&str>) {
        let Some(TransportFault::Tls(words)) =
            fault(&rustls::Error::InvalidCertificate(error), ExchangeStage::Connecting)
        else {
            panic!("a fault of TLS");
        };
        for hint in ["--ca-file", "basicConstraints=CA:FALSE"] {
            assert_eq!(words.contains(hint), advice == Some(hint), "{words}");
        }
    }
}
