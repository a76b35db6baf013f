//! A server with TLS for the whole program, and its certificates as files.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What kind of certificate a server shows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OwnCertificate {
    /// One that it signed itself, which says that it is an authority: `openssl req -x509` makes it by default.
    Authority,
    /// One that it signed itself, which says that it is none.
    Leaf,
    /// Of an authority, and long expired.
    Expired,
    /// Of an authority, and for another name.
    OtherName,
}

/// A server on loopback that shows a certificate of its own and answers every request with the same bytes.
pub(crate) struct TlsStub {
    pub(crate) endpoint: String,
    /// The certificate, as PEM.
    pub(crate) certificate: String,
}

impl TlsStub {
    pub(crate) fn answering(kind: OwnCertificate, bytes: impl Into<Vec<u8>>) -> Self {
        Self::called("the stub", kind, bytes)
    }

    /// The same with another name as the subject of its certificate.
    pub(crate) fn called(common_name: &str, kind: OwnCertificate, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes: Vec<u8> = bytes.into();
        let name = if matches!(kind, OwnCertificate::OtherName) { "192.0.2.1" } else { "127.0.0.1" };
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.distinguished_name.push(DnType::CommonName, common_name);
        if matches!(kind, OwnCertificate::Expired) {
            (params.not_before, params.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
        }
        params.is_ca = match kind {
            OwnCertificate::Leaf => IsCa::ExplicitNoCa,
            OwnCertificate::Authority | OwnCertificate::Expired | OwnCertificate::OtherName => {
                IsCa::Ca(BasicConstraints::Unconstrained)
            }
        };
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        let pem = certificate.pem();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.into()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
            .expect("the key is that of the certificate");
        let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").expect("a free port"));
        let endpoint = format!("https://{}", listener.local_addr().expect("it is bound"));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
                let (mut stream, bytes) = (StreamOwned::new(connection, stream), bytes.clone());
                thread::spawn(move || {
                    // A request of these tests comes in one piece.
                    if stream.read(&mut [0; 16_384]).is_ok_and(|count| count > 0) {
                        let _ = stream.write_all(&bytes);
                        stream.conn.send_close_notify();
                        let _ = stream.flush();
                    }
                });
            }
        });
        Self { endpoint, certificate: pem }
    }
}
