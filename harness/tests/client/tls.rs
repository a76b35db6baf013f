//! TLS, what happens where one side speaks it and the other does not, and what `doctor` makes of certificates.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use countersign::contract::{Contract, Fixtures};
use countersign::doctor::{DiagnosisStatus, Examination, Topic, examine};
use countersign::targets::Target;
use countersign::wire::{Client, ClientError, ClientOptions, TransportFault};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rstest::rstest;
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

use crate::script_server::{Server, client, fault, read_request, request};

#[derive(Clone, Copy, Debug)]
enum Certificate {
    /// Now.
    Right,
    /// Until long ago.
    Expired,
    /// From some far day on.
    Future,
}

/// A TLS server for `127.0.0.1` with a certificate of its own authority, and that authority's PEM.
async fn tls_server(certificate: Certificate) -> (Server, NamedTempFile) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_certificate = authority.self_signed(&authority_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    match certificate {
        Certificate::Right => {}
        Certificate::Expired => {
            (params.not_before, params.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
        }
        Certificate::Future => {
            (params.not_before, params.not_after) = (date_time_ymd(4000, 1, 1), date_time_ymd(4001, 1, 1));
        }
    }
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.into()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let server = Server::start(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            while !read_request(&mut stream).await.is_empty() {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
            }
        }
    })
    .await;
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(authority_certificate.pem().as_bytes()).unwrap();
    (server, file)
}

#[tokio::test]
async fn a_private_authority_is_accepted_when_it_is_named() {
    let (server, file) = tls_server(Certificate::Right).await;
    let options = ClientOptions { ca_file: Some(file.path().to_owned()), ..ClientOptions::default() };
    let client = Client::new(server.url("https"), &options).unwrap();
    assert_eq!(client.send(request()).await.answer.unwrap().body, b"{}");
}

#[tokio::test]
async fn a_private_authority_is_refused_when_it_is_not_named() {
    let (server, _file) = tls_server(Certificate::Right).await;
    let fault = fault(client(server.url("https")).send(request()).await);
    assert!(matches!(&fault, TransportFault::Tls(words) if words.ends_with("can be named with --ca-file")), "{fault}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let (server, file) = tls_server(Certificate::Right).await;
    let options = ClientOptions { ca_file: Some(file.path().to_owned()), ..ClientOptions::default() };
    let mut url = server.url("https");
    url.set_host(Some("localhost")).unwrap();
    let fault = fault(Client::new(url, &options).unwrap().send(request()).await);
    assert!(matches!(&fault, TransportFault::Tls(words) if words.contains("not valid for name")), "{fault}");
}

#[tokio::test]
async fn without_a_check_of_the_certificate_nothing_goes_to_another_machine() {
    let options = ClientOptions { insecure: true, ..ClientOptions::default() };
    for scheme in ["http", "https"] {
        let url = format!("{scheme}://192.0.2.1/").parse().unwrap();
        let fault = fault(Client::new(url, &options).unwrap().send(request()).await);
        assert!(matches!(fault, TransportFault::Unsendable(words) if words.contains("another machine")), "{fault}");
    }
    let (server, _file) = tls_server(Certificate::Expired).await;
    let client = Client::new(server.url("https"), &options).unwrap();
    assert_eq!(client.send(request()).await.answer.unwrap().body, b"{}");
}

#[rstest]
#[case::that_answers("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")]
#[case::that_closes("")]
#[tokio::test]
async fn a_plain_server_is_said_to_be_one_where_tls_was_asked_for(#[case] answer: &'static str) {
    let server = Server::start(move |mut stream| async move {
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(answer.as_bytes()).await;
    })
    .await;
    let fault = fault(client(server.url("https")).send(request()).await);
    let hint = "the port may speak plain http (try http://)";
    assert!(matches!(&fault, TransportFault::Tls(words) if words.ends_with(hint)), "{fault:?}");
}

#[tokio::test]
async fn a_tls_server_is_said_to_be_one_where_plain_http_was_sent() {
    let (server, _file) = tls_server(Certificate::Right).await;
    let fault = fault(client(server.url("http")).send(request()).await);
    assert!(matches!(&fault, TransportFault::NotHttp(words) if words.contains("TLS (try https://)")), "{fault:?}");
}

#[rstest]
#[case::empty("", "it holds no PEM certificate")]
#[case::no_certificate("certificates, perhaps", "it holds no PEM certificate")]
#[case::cut("-----BEGIN CERTIFICATE-----\nAAAA\n", "section end")]
#[tokio::test]
async fn a_file_without_certificates_is_refused_at_the_start(#[case] text: &str, #[case] reason: &str) {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let options = ClientOptions { ca_file: Some(file.path().to_owned()), ..ClientOptions::default() };
    let error = Client::new("https://127.0.0.1:1/".parse().unwrap(), &options).unwrap_err();
    assert!(matches!(error, ClientError::CaFile { .. }), "{error}");
    assert!(error.to_string().contains(reason), "{error}");
}

async fn examined(certificate: Certificate, host: &str, trusted: bool) -> Examination {
    let (server, file) = tls_server(certificate).await;
    let mut url = server.url("https");
    url.set_host(Some(host)).expect("a host");
    let mut target = Target::at(url);
    target.client.ca_file = trusted.then(|| file.path().to_owned());
    let contract = Contract::load(&Fixtures::Embedded).expect("the contract");
    let operation = &contract.service.default_operation;
    examine(&target, &contract, operation, Duration::from_secs(5)).await.expect("there is a client")
}

#[tokio::test]
async fn a_trusted_certificate_is_well() {
    let examination = examined(Certificate::Right, "127.0.0.1", true).await;
    let tls = examination.findings.iter().find(|finding| finding.topic == Topic::Tls).expect("TLS is told");
    assert_eq!((tls.status, tls.found.as_str()), (DiagnosisStatus::Ok, "the certificate is trusted"));
}

#[rstest]
#[case::unknown_authority(Certificate::Right, "127.0.0.1", false, "--ca-file FILE")]
#[case::other_name(Certificate::Right, "localhost", true, "a name in --endpoint that the certificate is for")]
#[case::expired(Certificate::Expired, "127.0.0.1", true, "renew the server's certificate")]
#[case::not_yet(Certificate::Future, "127.0.0.1", true, "check this machine's clock")]
#[tokio::test]
async fn each_fault_of_a_certificate_says_what_to_do(
    #[case] certificate: Certificate,
    #[case] host: &str,
    #[case] trusted: bool,
    #[case] fix: &str,
) {
    let examination = examined(certificate, host, trusted).await;
    let problem = examination.findings.iter().find(|finding| finding.topic == Topic::Tls).expect("TLS is told");
    assert_eq!(problem.status, DiagnosisStatus::Problem);
    assert!(problem.fix.as_deref().is_some_and(|words| words.contains(fix)), "{problem:?}");
}
