//! The certificates that scripted servers show over TLS: made once for a run, by authorities made for it alone. Their
//! keys are in memory only.

use std::io;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::TlsAcceptor;

use crate::sdk::cases::EndpointKind;

/// The address that right certificates are for.
const ADDRESS: &str = "127.0.0.1";

/// An address for documentation (RFC 5737), where no server is.
const OTHER_ADDRESS: &str = "192.0.2.1";

/// What speaks TLS at the endpoints of a run.
#[derive(Clone)]
pub struct Certificates {
    /// The certificate of the authority that SDKs are told to trust, as PEM.
    pub authority: String,
    right: TlsAcceptor,
    other_authority: TlsAcceptor,
    other_name: TlsAcceptor,
    expired: TlsAcceptor,
}

impl Certificates {
    /// Makes them anew.
    ///
    /// # Errors
    /// When the system gives no random numbers for the keys.
    pub fn new() -> io::Result<Self> {
        let trusted = Authority::new("Countersign, trusted in a test")?;
        let other = Authority::new("Countersign, not trusted in a test")?;
        Ok(Self {
            right: trusted.acceptor(ADDRESS, false)?,
            other_authority: other.acceptor(ADDRESS, false)?,
            other_name: trusted.acceptor(OTHER_ADDRESS, false)?,
            expired: trusted.acceptor(ADDRESS, true)?,
            authority: trusted.pem,
        })
    }

    /// What speaks TLS at such an endpoint; `None` if nothing does.
    pub fn acceptor(&self, kind: EndpointKind) -> Option<TlsAcceptor> {
        let acceptor = match kind {
            EndpointKind::Https => &self.right,
            EndpointKind::HttpsOtherAuthority => &self.other_authority,
            EndpointKind::HttpsOtherName => &self.other_name,
            EndpointKind::HttpsExpired => &self.expired,
            EndpointKind::Http | EndpointKind::Closed | EndpointKind::Unresolvable => return None,
        };
        Some(acceptor.clone())
    }
}

/// Who signs certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> io::Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let pem = params.self_signed(&key).map_err(io::Error::other)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem })
    }

    /// What shows a certificate for this address.
    fn acceptor(&self, address: &str, expired: bool) -> io::Result<TlsAcceptor> {
        let mut params = CertificateParams::new(vec![address.to_owned()]).map_err(io::Error::other)?;
        params.distinguished_name.push(DnType::CommonName, "Countersign, a server of a test");
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        if expired {
            (params.not_before, params.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
        }
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(io::Error::other)?;
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                let key = PrivatePkcs8KeyDer::from(key.serialize_der());
                builder.with_no_client_auth().with_single_cert(vec![certificate.into()], key.into())
            })
            .map_err(io::Error::other)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}
