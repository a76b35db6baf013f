use std::time::Duration;

use rstest::rstest;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::*;
use crate::contract::parse;
use crate::sdk::cases::{EndpointKind, FaultHow, ScriptedFault};

const REQUEST: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}";

/// A server that plays a script, written as in a fixture.
async fn playing(script: &str) -> ScriptServer {
    let script = parse::<Vec<Step>>("script.json", script).expect("a script");
    ScriptServer::start(script, ScriptSetup::default()).await.expect("it listens")
}

/// What a client reads until the connection ends, and how it ends.
async fn read_all(stream: &mut TcpStream) -> (Vec<u8>, Result<(), io::ErrorKind>) {
    let mut bytes = Vec::new();
    let read = timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes)).await.expect("the connection ends");
    (bytes, read.map(|_| ()).map_err(|error| error.kind()))
}

/// What a client reads that sends one request on a new connection, and how the connection ends.
async fn answer(server: &ScriptServer) -> (Vec<u8>, Result<(), io::ErrorKind>) {
    let mut stream = TcpStream::connect(server.endpoint).await.expect("a connection");
    stream.write_all(REQUEST).await.expect("the request is sent");
    read_all(&mut stream).await
}

#[rstest]
#[case::exact_headers(
    r#""status":418,"reason":"I am","headers":[["x-B","2"],["A"," 1 "],["x-B","3"]],"body":{"text":"é"},"framing":"close""#,
    "HTTP/1.1 418 I am\r\nx-B: 2\r\nA:  1 \r\nx-B: 3\r\nConnection: close\r\n\r\né"
)]
#[case::more_headers(
    r#""headers":[["A","1"]],"more_headers":[["B","2"]],"body":{"json":{"a" : 1.0}}"#,
    "HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\nContent-Length: 11\r\n\r\n{\"a\" : 1.0}"
)]
#[case::chunks(
    r#""body":{"text":"abcdefghijk"},"framing":"chunked","drip":{"bytes":5,"every_ms":1}"#,
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n5\r\nfghij\r\n1\r\nk\r\n0\r\n\r\n"
)]
#[case::wrong_length(r#""body":{"text":"a"},"content_length":99"#, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\na")]
#[case::no_framing(
    r#""headers":[["Content-Length","1"]],"body":{"text":"abc"},"framing":"none""#,
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc"
)]
#[case::raw(r#""raw":{"text":"HTTP/0.9 whatever\nno end"}"#, "HTTP/0.9 whatever\nno end")]
#[case::cut_body(
    r#""body":{"text":"abcdef"},"fault":{"at":"in-body","how":"close","body_bytes":2}"#,
    "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nab"
)]
#[case::cut_chunk(
    r#""body":{"text":"abcdef"},"framing":"chunked","fault":{"at":"in-body","how":"close"}"#,
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabc"
)]
#[case::cut_head(r#""body":{"text":""},"fault":{"at":"in-head","how":"close"}"#, "HTTP/1.1 200 OK\r\nCo")]
#[case::nothing(r#""fault":{"at":"before","how":"close"}"#, "")]
#[tokio::test]
async fn what_a_step_says_is_what_is_sent(#[case] members: &str, #[case] expected: &str) {
    let mut step: Step = parse("script.json", &format!("{{{members}}}")).expect("a step");
    // By default, without the standard fields, and with the connection closed at the end.
    step.headers.get_or_insert_default();
    step.fault.get_or_insert(ScriptedFault { at: FaultAt::After, how: FaultHow::Close, body_bytes: None });
    let (bytes, end) =
        answer(&ScriptServer::start(vec![step], ScriptSetup::default()).await.expect("it listens")).await;
    assert_eq!(String::from_utf8_lossy(&bytes), expected);
    assert_eq!(end, Ok(()));
}

#[rstest]
#[case::before(r#"[{"fault":{"at":"before","how":"reset"}}]"#, 0)]
#[case::in_head(r#"[{"headers":[],"body":{"text":""},"fault":{"at":"in-head","how":"reset"}}]"#, 19)]
#[case::in_body(r#"[{"headers":[],"body":{"text":"abcd"},"fault":{"at":"in-body","how":"reset"}}]"#, 40)]
#[case::after(r#"[{"headers":[],"body":{"text":"abcd"},"fault":{"at":"after","how":"reset"}}]"#, 42)]
#[tokio::test]
async fn a_reset_is_a_reset_wherever_it_comes(#[case] script: &str, #[case] most: usize) {
    let (bytes, end) = answer(&playing(script).await).await;
    assert_eq!(end, Err(io::ErrorKind::ConnectionReset));
    assert!(bytes.len() <= most, "{}", String::from_utf8_lossy(&bytes));
}

#[tokio::test]
async fn a_connection_is_reset_before_a_request_is_read_and_uses_the_step_up() {
    let server =
        playing(r#"[{"fault":{"at":"connect","how":"reset"}},{"headers":[],"body":{"text":""},"framing":"close"}]"#)
            .await;
    let mut stream = TcpStream::connect(server.endpoint).await.expect("a connection");
    let (bytes, end) = read_all(&mut stream).await;
    assert_eq!((bytes.len(), end), (0, Err(io::ErrorKind::ConnectionReset)));
    assert!(answer(&server).await.0.starts_with(b"HTTP/1.1 200 OK"));
    let arrivals = server.arrivals();
    assert_eq!(arrivals.iter().map(|arrival| arrival.bytes.len()).collect::<Vec<_>>(), [0, REQUEST.len()]);
}

#[tokio::test]
async fn a_server_that_hangs_keeps_the_connection_open_and_says_nothing() {
    let server = playing(r#"[{"fault":{"at":"before","how":"hang"}}]"#).await;
    let mut stream = TcpStream::connect(server.endpoint).await.expect("a connection");
    stream.write_all(REQUEST).await.expect("the request is sent");
    let read = timeout(Duration::from_millis(300), stream.read_u8()).await;
    assert!(read.is_err(), "{read:?}");
    drop(server);
    assert!(timeout(Duration::from_secs(20), stream.read_u8()).await.expect("the connection ends").is_err());
}

#[tokio::test]
async fn the_last_step_serves_every_further_request_of_any_connection() {
    let step = |text: &str| format!(r#"{{"headers":[],"body":{{"text":"{text}"}}}}"#);
    let server = playing(&format!("[{},{}]", step("1"), step("2"))).await;
    let mut stream = TcpStream::connect(server.endpoint).await.expect("a connection");
    let mut bodies = String::new();
    for _ in 0..3 {
        stream.write_all(REQUEST).await.expect("the request is sent");
        let mut answer = vec![0; "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1".len()];
        stream.read_exact(&mut answer).await.expect("an answer");
        bodies.push(char::from(*answer.last().expect("a byte")));
    }
    assert_eq!(bodies, "122");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_request_is_kept_byte_for_byte_with_its_call_and_its_time() {
    let server = playing(r#"[{"framing":"close","delay_ms":50,"more_headers":[["Retry-After","2"]]}]"#).await;
    let odd = b"post /\xc3\xa9?q HTTP/1.1\r\nhOsT:  a \r\nX: \xff\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\n\r\n";
    for (call, parts) in [(1, vec![&odd[..]]), (2, odd.chunks(7).collect())] {
        server.begin_call(call);
        let mut stream = TcpStream::connect(server.endpoint).await.expect("a connection");
        for part in parts {
            stream.write_all(part).await.expect("a part is sent");
            stream.flush().await.expect("it is on its way");
        }
        assert!(read_all(&mut stream).await.0.starts_with(b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: "));
    }
    let arrivals = server.arrivals();
    assert_eq!(arrivals.iter().map(|arrival| (arrival.call, arrival.connection)).collect::<Vec<_>>(), [(1, 1), (2, 2)]);
    for arrival in arrivals {
        assert_eq!(arrival.bytes, odd);
        let took = arrival.answered.expect("it was answered").duration_since(arrival.at);
        assert!(took >= Duration::from_millis(50), "{took:?}");
        assert_eq!(arrival.told_ms, Some(2000.0));
    }
}

#[tokio::test]
async fn a_compressed_body_says_so_and_is_what_was_meant() {
    let server = playing(r#"[{"gzip":true,"framing":"close"}]"#).await;
    let (bytes, _) = answer(&server).await;
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
    assert!(String::from_utf8_lossy(&bytes[..head]).contains("\r\nContent-Encoding: gzip\r\n"));
    let mut body = String::new();
    io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&bytes[head..]), &mut body).expect("gzip");
    assert_eq!(body, crate::sdk::cases::standard_body());
}

#[tokio::test]
async fn a_drip_takes_its_time() {
    let server =
        playing(r#"[{"headers":[],"body":{"text":"abcd"},"framing":"close","drip":{"bytes":1,"every_ms":40}}]"#).await;
    let start = Instant::now();
    let (bytes, _) = answer(&server).await;
    assert!(bytes.ends_with(b"\r\n\r\nabcd"));
    assert!(start.elapsed() >= Duration::from_millis(120), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_decoy_plays_the_same_script_and_is_told_apart() {
    let script = parse::<Vec<Step>>("a.json", r#"[{"framing":"close"}]"#).expect("a script");
    let server =
        ScriptServer::start(script, ScriptSetup { decoy: true, ..ScriptSetup::default() }).await.expect("it listens");
    let decoy = server.decoy.expect("there is a decoy");
    let mut stream = TcpStream::connect(decoy).await.expect("a connection");
    stream.write_all(REQUEST).await.expect("the request is sent");
    assert!(read_all(&mut stream).await.1.is_ok());
    assert!(answer(&server).await.1.is_ok());
    let servers: Vec<_> = server.arrivals().iter().map(|arrival| arrival.server).collect();
    assert_eq!(servers, [ReachedServer::Decoy, ReachedServer::Endpoint]);
}

#[rstest]
#[case::endless_head(b"POST / HTTP/1.1\r\nX: ", b'a')]
#[case::endless_body(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n", b'a')]
#[tokio::test]
async fn a_request_without_end_is_not_kept(#[case] start: &[u8], #[case] filling: u8) {
    let server = playing("[{}]").await;
    let mut stream = TcpStream::connect(server.endpoint).await.expect("a connection");
    stream.write_all(start).await.expect("the start is sent");
    let filling = vec![filling; 64 * 1024];
    let mut refused = false;
    for _ in 0..(4 * REQUEST_LIMIT / filling.len()) {
        if timeout(Duration::from_secs(20), stream.write_all(&filling)).await.expect("it is read or refused").is_err() {
            refused = true;
            break;
        }
    }
    assert!(refused, "the server went on reading");
    assert_eq!(server.arrivals().len(), 0);
}

/// What a client that trusts the authority of a run reads over TLS, at an endpoint of this kind.
async fn answer_over_tls(kind: EndpointKind) -> io::Result<String> {
    let certificates = Certificates::new().expect("certificates");
    let script = parse::<Vec<Step>>("a.json", r#"[{"framing":"close","body":{"text":"abc"}}]"#).expect("a script");
    let setup = ScriptSetup { tls: certificates.acceptor(kind), ..ScriptSetup::default() };
    let server = ScriptServer::start(script, setup).await.expect("it listens");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificates.authority.as_bytes()).expect("PEM")).expect("an authority");
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(server.endpoint).await.expect("a connection");
    let name = ServerName::IpAddress(server.endpoint.ip().into());
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    stream.write_all(REQUEST).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    assert_eq!(server.arrivals()[0].bytes, REQUEST);
    Ok(text)
}

#[tokio::test]
async fn a_script_is_played_over_tls() {
    let text = answer_over_tls(EndpointKind::Https).await.expect("the certificate is right");
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("\r\n\r\nabc"), "{text}");
}

#[rstest]
#[case::authority(EndpointKind::HttpsOtherAuthority, "UnknownIssuer")]
#[case::name(EndpointKind::HttpsOtherName, "not valid for name")]
#[case::expired(EndpointKind::HttpsExpired, "expired")]
#[tokio::test]
async fn a_wrong_certificate_is_wrong_in_one_way(#[case] kind: EndpointKind, #[case] words: &str) {
    let error = answer_over_tls(kind).await.expect_err("the certificate is wrong");
    assert!(error.to_string().contains(words), "{error}");
}

#[tokio::test]
async fn a_closed_endpoint_refuses_connections() {
    let setup = ScriptSetup { closed: true, ..ScriptSetup::default() };
    let server = ScriptServer::start(vec![Step::default()], setup).await.expect("a port");
    let refused = TcpStream::connect(server.endpoint).await.expect_err("nobody listens");
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_proxy_answers_whole_urls_and_opens_tunnels_to_the_endpoint_alone() {
    let script = parse::<Vec<Step>>("a.json", r#"[{"framing":"close","body":{"text":"abc"}}]"#).expect("a script");
    let setup = ScriptSetup { proxy: true, ..ScriptSetup::default() };
    let server = ScriptServer::start(script, setup).await.expect("it listens");
    let (endpoint, proxy) = (server.endpoint, server.proxy.expect("there is a proxy"));
    let ask = async |text: String| {
        let mut stream = TcpStream::connect(proxy).await.expect("a connection");
        stream.write_all(text.as_bytes()).await.expect("the request is sent");
        String::from_utf8(read_all(&mut stream).await.0).expect("a text")
    };
    let url = format!("POST http://{endpoint}/ HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    assert!(ask(url).await.ends_with("\r\n\r\nabc"));
    let through = format!("CONNECT {endpoint} HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    let answer = ask(through).await;
    assert!(answer.starts_with("HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK"), "{answer}");
    // An address for documentation (RFC 5737), and this machine's own proxy.
    for elsewhere in ["192.0.2.1:443".to_owned(), proxy.to_string()] {
        let answer = ask(format!("CONNECT {elsewhere} HTTP/1.1\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    }
    let servers: Vec<_> = server.arrivals().iter().map(|arrival| arrival.server).collect();
    assert_eq!(servers, [ReachedServer::Proxy, ReachedServer::Endpoint]);
    assert_eq!(server.tunnels()[0], format!("CONNECT {endpoint} HTTP/1.1"));
    assert_eq!(server.tunnels().len(), 3);
}
