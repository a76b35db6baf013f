//! What `doctor` makes of certificates.

use std::time::Duration;

use countersign::contract::{Contract, Fixtures};
use countersign::doctor::{Examination, Status, Topic, examine};
use countersign::targets::Target;
use rstest::rstest;

use crate::tls::{Certificate, tls_server};

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
    assert_eq!((tls.status, tls.found.as_str()), (Status::Ok, "the certificate is trusted"));
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
    assert_eq!(problem.status, Status::Problem);
    assert!(problem.fix.as_deref().is_some_and(|words| words.contains(fix)), "{problem:?}");
}
