//! The HTTP client for TLS, and the certificates that it trusts. reqwest sends everything else and could do this too,
//! but enabling its TLS would enable it for every user of this library who also uses reqwest.

use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
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
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as Refused, OtherError, RootCertStore, SignatureScheme,
};
use rustls_platform_verifier::Verifier;
use tokio::net::{TcpStream, lookup_host};
use tower_service::Service;

use super::client::{ClientError, ClientOptions, behind_file};
use super::diagnosis::ExchangeStage;
use super::message::TransportFault;
use crate::files::read_bytes;
use crate::text::file_name;

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

/// TLS that trusts the system's certificates, those in the file that the options name, and those in the file that
/// `SSL_CERT_FILE` names. Or TLS that checks no certificate.
///
/// # Errors
/// When a file cannot be used, or the TLS library refuses.
pub(super) fn config(options: &ClientOptions) -> Result<ClientConfig, ClientError> {
    config_checking(options, if options.insecure { CertificateChecks::None } else { CertificateChecks::All })
}

/// What is checked of a server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CertificateChecks {
    /// Nothing.
    None,
    /// That somebody who is trusted has signed it.
    #[cfg_attr(not(feature = "login"), expect(dead_code, reason = "only databases are trusted under any name"))]
    Issuer,
    /// The same, and that it is for the name of the host.
    All,
}

/// TLS as [`config`] makes it, with these checks.
pub(super) fn config_checking(options: &ClientOptions, checks: CertificateChecks) -> Result<ClientConfig, ClientError> {
    config_trusting(checks, |provider| NamedCertificates::new(options, provider))
}

/// TLS with these checks, which trusts the certificates in a file and no others. `named_by` says what names the file.
#[cfg(feature = "login")]
pub(super) fn config_pinned(
    file: &Path,
    named_by: &str,
    checks: CertificateChecks,
) -> Result<ClientConfig, ClientError> {
    config_trusting(checks, |provider| NamedCertificates::pinned(file, named_by, provider))
}

fn config_trusting(
    checks: CertificateChecks,
    named: impl FnOnce(Arc<CryptoProvider>) -> Result<NamedCertificates, ClientError>,
) -> Result<ClientConfig, ClientError> {
    let refuse = |error: rustls::Error| ClientError::Tls(error.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(refuse)?;
    let verifier: Arc<dyn ServerCertVerifier> = match checks {
        CertificateChecks::None => Arc::new(Unchecked(provider)),
        CertificateChecks::Issuer => Arc::new(NamedCertificates { any_name: true, ..named(provider)? }),
        CertificateChecks::All => Arc::new(named(provider)?),
    };
    // Dangerous is only the name of the method, unless the user asked for it.
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    Ok(builder.with_no_client_auth())
}

/// The certificates in a file of PEM. Those that cannot be authorities are left out if there are others, as in the
/// files of some systems.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = read_bytes(file).map_err(|error| error.to_string())?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let found = found.map_err(|error| error.to_string())?;
    let (mut usable, mut wrong) = (Vec::new(), None);
    for certificate in found {
        match RootCertStore::empty().add(certificate.clone()) {
            Ok(()) => usable.push(certificate),
            Err(error) => wrong = Some(error.to_string()),
        }
    }
    match wrong {
        _ if !usable.is_empty() => Ok(usable),
        Some(error) => Err(error),
        None => Err("it holds no PEM certificate".to_owned()),
    }
}

/// The environment variable that names a file of certificates to trust for OpenSSL, curl and many others.
const CERTIFICATES_VARIABLE: &str = "SSL_CERT_FILE";

/// Checks certificates as the system does, and trusts those in files that are named too. A server may show such a
/// certificate itself, also if it is one of an authority, as `openssl req -x509` makes it by default. Its name and its
/// dates are checked all the same. curl, Python and Node accept it too.
#[derive(Debug)]
struct NamedCertificates {
    /// What checks at first: the system, unless the named certificates are the only ones.
    system: Arc<dyn ServerCertVerifier>,
    certificates: Vec<CertificateDer<'static>>,
    /// The same certificates as authorities; `None` if there are none.
    as_authorities: Option<Arc<WebPkiServerVerifier>>,
    /// The files and what names them, for messages.
    files: Vec<String>,
    /// Whether a certificate may be for another name than that of the host.
    any_name: bool,
}

impl NamedCertificates {
    fn new(options: &ClientOptions, provider: Arc<CryptoProvider>) -> Result<Self, ClientError> {
        let refuse = |error: rustls::Error| ClientError::Tls(error.to_string());
        let variable = std::env::var_os(CERTIFICATES_VARIABLE).filter(|file| !file.is_empty()).map(PathBuf::from);
        let of_options = options.ca_file.clone().map(|file| (file, options.ca_file_named_by.clone()));
        let of_variable = variable.map(|file| (file, Some(CERTIFICATES_VARIABLE.to_owned())));
        let (mut named, mut files) = (Vec::new(), Vec::new());
        for (file, named_by) in of_options.into_iter().chain(of_variable) {
            files.push(format!("{}{}", file_name(&file), behind_file(named_by.as_ref())));
            named.extend(certificates(&file).map_err(|reason| ClientError::CaFile { file, named_by, reason })?);
        }
        let system = Verifier::new_with_extra_roots(named.clone(), Arc::clone(&provider)).map_err(refuse)?;
        let mut roots = RootCertStore::empty();
        for certificate in &named {
            roots.add(certificate.clone()).map_err(refuse)?;
        }
        let as_authorities = WebPkiServerVerifier::builder_with_provider(roots.into(), provider);
        let as_authorities = (!named.is_empty()).then(|| as_authorities.build()).transpose();
        let as_authorities = as_authorities.map_err(|error| ClientError::Tls(error.to_string()))?;
        Ok(Self { system: Arc::new(system), certificates: named, as_authorities, files, any_name: false })
    }

    /// The certificates of one file alone.
    #[cfg(feature = "login")]
    fn pinned(file: &Path, named_by: &str, provider: Arc<CryptoProvider>) -> Result<Self, ClientError> {
        let refuse = |reason: String| {
            let (file, named_by) = (file.to_owned(), Some(named_by.to_owned()));
            ClientError::CaFile { file, named_by, reason }
        };
        let named = certificates(file).map_err(refuse)?;
        let mut roots = RootCertStore::empty();
        for certificate in &named {
            roots.add(certificate.clone()).map_err(|error| refuse(error.to_string()))?;
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build();
        let verifier = verifier.map_err(|error| refuse(error.to_string()))?;
        let files = vec![format!("{}{}", file_name(file), behind_file(Some(&named_by.to_owned())))];
        let system: Arc<dyn ServerCertVerifier> = Arc::<WebPkiServerVerifier>::clone(&verifier);
        Ok(Self { system, certificates: named, as_authorities: Some(verifier), files, any_name: false })
    }

    /// Whether the server shows one of the certificates that are named, at a time and under a name that it is for.
    fn is_named(
        &self,
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<bool, Refused> {
        let Some(verifier) = self.as_authorities.as_ref().filter(|_| self.certificates.contains(certificate)) else {
            return Ok(false);
        };
        match verifier.verify_server_cert(certificate, &[], name, &[], now) {
            Ok(_) => Ok(true),
            // The library checks the dates before this.
            Err(Refused::InvalidCertificate(error))
                if error == CertificateError::UnknownIssuer || is_of_authority(&error) =>
            {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether a certificate is refused because it is one of an authority, and not one of a server.
fn is_of_authority(error: &CertificateError) -> bool {
    matches!(error, CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity"))
}

/// Whether a certificate is refused for its name alone, which the library checks last.
fn is_about_name(refused: &Refused) -> bool {
    let Refused::InvalidCertificate(error) = refused else { return false };
    matches!(error, CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. })
}

/// The words for a certificate that nobody who is trusted has signed; `None` for any other fault.
fn words_of_stranger(error: &CertificateError) -> Option<String> {
    match error {
        CertificateError::UnknownIssuer => Some("UnknownIssuer".to_owned()),
        CertificateError::Other(other) => other.0.downcast_ref::<UnknownDespiteFiles>().map(ToString::to_string),
        _ => None,
    }
}

/// Nobody who is trusted has signed a certificate, although files name certificates.
#[derive(Debug, thiserror::Error)]
enum UnknownDespiteFiles {
    #[error("UnknownIssuer: neither the system nor {} has its issuer", .0.join(" or "))]
    Unknown(Vec<String>),
    /// A new certificate often has the name of the one before.
    #[error("BadSignature: its issuer has the name of a certificate in {}, but another key; is the file an older one?", .0.join(" or "))]
    AnotherKey(Vec<String>),
}

impl ServerCertVerifier for NamedCertificates {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Refused> {
        let checked = self.system.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let Err(error) = checked else { return checked };
        let error = match self.is_named(end_entity, server_name, now) {
            Ok(true) => return Ok(ServerCertVerified::assertion()),
            Ok(false) => error,
            Err(of_named) => of_named,
        };
        if self.any_name && is_about_name(&error) {
            return Ok(ServerCertVerified::assertion());
        }
        let despite_files = match error {
            Refused::InvalidCertificate(CertificateError::UnknownIssuer) => UnknownDespiteFiles::Unknown,
            Refused::InvalidCertificate(CertificateError::BadSignature) => UnknownDespiteFiles::AnotherKey,
            _ => return Err(error),
        };
        if self.files.is_empty() {
            return Err(error);
        }
        let despite_files = OtherError(Arc::new(despite_files(self.files.clone())));
        Err(Refused::InvalidCertificate(CertificateError::Other(despite_files)))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Refused> {
        self.system.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Refused> {
        self.system.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.system.supported_verify_schemes()
    }
}

/// Takes every certificate. The client sends nothing to another machine with it.
#[derive(Debug)]
struct Unchecked(Arc<CryptoProvider>);

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Refused> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Refused> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Refused> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// The fault for an error of the TLS library that ended an exchange at this stage; `None` for any other error.
pub(super) fn fault(error: &(dyn Error + 'static), stage: ExchangeStage) -> Option<TransportFault> {
    let error = error.downcast_ref::<rustls::Error>()?;
    if let (ExchangeStage::Connecting, rustls::Error::InvalidCertificate(certificate)) = (stage, error)
        && let Some(words) = words_of_stranger(certificate)
    {
        return Some(TransportFault::Tls(format!(
            "invalid peer certificate: {words}; a private certificate authority can be named with --ca-file"
        )));
    }
    Some(match (stage, error) {
        (ExchangeStage::Connecting, rustls::Error::InvalidMessage(_)) => {
            TransportFault::Tls(format!("{error}; the port may speak plain http (try http://)"))
        }
        (ExchangeStage::Connecting, rustls::Error::InvalidCertificate(certificate)) if is_of_authority(certificate) => {
            TransportFault::Tls(format!(
                "{error}; the server shows the certificate of an authority: if it is the server's own, name it with --ca-file"
            ))
        }
        (ExchangeStage::Connecting, _) => TransportFault::Tls(error.to_string()),
        (ExchangeStage::Head | ExchangeStage::Body(_), _) => TransportFault::Lost(format!("TLS failed: {error}")),
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// Named as in the library that checks certificates.
    #[derive(Debug, thiserror::Error)]
    #[error("CaUsedAsEndEntity")]
    struct CaUsedAsEndEntity;

    #[rstest]
    #[case::a_stranger(
        CertificateError::UnknownIssuer,
        Some("private certificate authority can be named with --ca-file")
    )]
    #[case::an_authority(CertificateError::Other(OtherError(Arc::new(CaUsedAsEndEntity))), Some("the server's own"))]
    #[case::a_bad_signature(CertificateError::BadSignature, None)]
    fn a_certificate_that_is_refused_has_its_own_advice(#[case] error: CertificateError, #[case] advice: Option<&str>) {
        let Some(TransportFault::Tls(words)) =
            fault(&rustls::Error::InvalidCertificate(error), ExchangeStage::Connecting)
        else {
            panic!("a fault of TLS");
        };
        for hint in ["private certificate authority can be named with --ca-file", "the server's own"] {
            assert_eq!(words.contains(hint), advice == Some(hint), "{words}");
        }
    }
}
