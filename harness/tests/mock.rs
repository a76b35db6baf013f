//! The replaying mock over the wire.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use countersign::contract::{Contract, Feature, Fixtures};
use countersign::corpus::{Corpus, Plan, Selection};
use countersign::judge::Judge;
use countersign::run::{Interrupt, Session, run};
use countersign::servers::mock::Mock;
use countersign::targets::Target;
use countersign::verdict::Verdict;
use countersign::wire::{Client, ClientOptions, Credentials, Headers, Request, Response};
use jiff::Timestamp;
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn library() -> (Arc<Contract>, Arc<Corpus>) {
    let contract = Arc::new(Contract::load(&Fixtures::Embedded).unwrap());
    let corpus = Arc::new(Corpus::load(&Fixtures::Embedded, &contract).unwrap());
    (contract, corpus)
}

async fn mock() -> Mock {
    Mock::start(library().1, Timestamp::now, None).await.unwrap()
}

async fn ask(mock: &Mock, path: &str, body: &str) -> Response {
    let headers = Headers::from_iter([("host", mock.address().to_string())]);
    let request = Request { method: "POST".to_owned(), target: path.to_owned(), headers, body: body.into() };
    let client = Client::new(mock.endpoint().parse().unwrap(), &ClientOptions::default()).unwrap();
    client.send(request).await.answer.unwrap()
}

#[tokio::test]
async fn every_case_that_has_replies_passes_against_the_mock() {
    let (contract, corpus) = library();
    let mock = Mock::start(Arc::clone(&corpus), Timestamp::now, None).await.unwrap();
    let needed: BTreeSet<Feature> = corpus.cases().iter().flat_map(|case| case.case.needs.clone()).collect();
    let mut target = Target::at(mock.endpoint().parse().unwrap())
        .signed_by(Credentials::new("AKIAIOSFODNN7EXAMPLE", "any"))
        .claiming(needed);
    target.path_names_case = true;
    target.denied = Some(Credentials::new("AKIDDENIED", "any"));
    let resources = contract.service.resources.iter();
    target.resources = resources.map(|resource| (resource.id.clone(), resource.sample.clone())).collect();
    let mut plan = Plan::select(&corpus, &contract.register, &Selection::default()).unwrap();
    // The mock has no state, so it has no reply to what depends on it.
    plan.cases.retain(|case| case.is_replayed());
    let judge = Judge::new(Arc::clone(&contract)).unwrap();
    let session = Session::new(Arc::clone(&corpus), judge, target, 1, 8).unwrap();
    let mut results = Vec::new();
    assert!(run(&session, &plan, &Interrupt::never(), |_| false, |result| results.push(result)).await);
    for result in &results {
        let conclusions = (&result.reason, &result.violations, &result.warnings);
        assert_eq!(result.verdict, Verdict::Pass, "{}: {conclusions:?}", result.id);
        assert!(result.warnings.is_empty(), "{}: {conclusions:?}", result.id);
    }
    assert_eq!(results.len(), corpus.cases().iter().filter(|case| case.is_replayed()).count());
    assert_eq!((session.leftovers(), session.unfinished_teardowns()), (Vec::new(), 0));
}

#[tokio::test]
async fn every_reply_comes_over_the_wire_as_it_is_written() {
    let (_, corpus) = library();
    let now: Timestamp = "2026-11-22T01:02:03.5Z".parse().unwrap();
    let mock = Mock::start(Arc::clone(&corpus), move || now, None).await.unwrap();
    for (name, reply) in corpus.replies() {
        let response = ask(&mock, &format!("/replies/{name}"), r#"{"durationSeconds":1800}"#).await;
        assert_eq!(response.status, reply.status, "{name}");
        assert_eq!(response.body, reply.body_at(now.as_duration().as_secs_f64(), 1800.0), "{name}");
        let mut expected: BTreeMap<_, _> =
            reply.headers.iter().map(|(field, value)| (field.to_lowercase(), value.clone())).collect();
        expected.insert("content-length".to_owned(), response.body.len().to_string());
        expected.entry("date".to_owned()).or_insert_with(|| "Sun, 22 Nov 2026 01:02:03 GMT".to_owned());
        let headers: Vec<_> = response.headers.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        assert_eq!(headers.len(), expected.len(), "{name}: {headers:?}");
        assert_eq!(headers.into_iter().collect::<BTreeMap<_, _>>(), expected, "{name}");
    }
}

#[rstest]
#[case("/", "/replies/access-denied")]
#[case("/success", "/success/called-")]
#[case("/success/called-twice~2", "but for /success/called-twice, /success/called-twice~1.")]
#[case("/nothing/like-it", "/<case id>")]
#[tokio::test]
async fn a_path_without_a_reply_says_which_paths_there_are(#[case] path: &str, #[case] expected: &str) {
    let response = ask(&mock().await, path, "{}").await;
    assert_eq!((response.status, response.media_type().as_deref()), (404, Some("application/x-amz-json-1.1")));
    let body = response.json().unwrap();
    assert_eq!(body["__type"], "UnknownOperationException");
    assert!(body["message"].as_str().unwrap().contains(expected), "{body}");
}

#[tokio::test]
async fn only_a_loopback_address_is_listened_on() {
    let listen: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let error = Mock::start(library().1, Timestamp::now, Some(listen)).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("loopback"), "{error}");
}

#[tokio::test]
async fn an_address_in_use_is_an_error() {
    let mock = mock().await;
    let error = Mock::start(library().1, Timestamp::now, Some(mock.address())).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
}

#[tokio::test]
async fn a_dropped_mock_no_longer_listens() {
    let mock = mock().await;
    let address = mock.address();
    drop(mock);
    // It stops in a thread of its own.
    let gone = async { while TcpStream::connect(address).await.is_ok() {} };
    tokio::time::timeout(std::time::Duration::from_secs(5), gone).await.unwrap();
}

/// Sends bytes as they are, closes the sending half, and reads what comes back.
async fn answer_to_bytes(mock: &Mock, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(mock.address()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    // A server that refuses the bytes may reset the connection.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[rstest]
#[case::connect("CONNECT 1:2 HTTP/1.1\r\nhost: a\r\n\r\n")]
#[case::a_port_that_is_none("GET http://a:99999/ HTTP/1.1\r\nhost: a\r\n\r\n")]
#[case::no_http("\u{16}\u{3}\u{1}\u{2}")]
#[case::gone_within_the_body("POST /success/workgroup-only HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n{")]
#[case::gone_within_the_header("POST / HTTP/1.1\r\nho")]
#[tokio::test]
async fn a_broken_request_does_no_harm_to_the_next(#[case] bytes: &str) {
    let mock = mock().await;
    answer_to_bytes(&mock, bytes.as_bytes()).await;
    assert_eq!(ask(&mock, "/success/workgroup-only", "{}").await.status, 200);
}

#[tokio::test]
async fn a_body_without_bounds_is_refused_before_it_is_read() {
    let mock = mock().await;
    let head = "POST /success/workgroup-only HTTP/1.1\r\nhost: a\r\ncontent-length: 40000000\r\n\r\n";
    let answer = answer_to_bytes(&mock, &[head.as_bytes(), &vec![b' '; 2 << 20]].concat()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert_eq!(ask(&mock, "/success/workgroup-only", "{}").await.status, 200);
}

/// The message with which a closure panics.
fn panic_message(act: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(act)).expect_err("it panics");
    panic.downcast_ref::<String>().expect("it has a message").clone()
}

#[tokio::test]
async fn a_reply_and_a_case_are_found_by_their_names() {
    let mock = Mock::embedded().await.unwrap();
    assert_eq!(mock.reply("credentials"), format!("{}/replies/credentials", mock.endpoint()));
    assert_eq!(mock.case("success/workgroup-only"), format!("{}/success/workgroup-only", mock.endpoint()));
}

#[tokio::test]
async fn a_mistyped_reply_or_case_panics_with_the_near_names() {
    let mock = Mock::embedded().await.unwrap();
    let message = panic_message(|| drop(mock.reply("credentails")));
    assert!(message.contains("no reply \"credentails\" (did you mean credentials?)"), "{message}");
    assert!(message.contains("countersign list replies"), "{message}");
    let message = panic_message(|| drop(mock.case("success/workgruop-only")));
    assert!(message.contains("no case \"success/workgruop-only\" (did you mean success/workgroup-only?)"), "{message}");
}

#[tokio::test]
async fn a_client_that_asks_for_a_mistyped_reply_makes_the_test_fail() {
    let mock = Mock::embedded().await.unwrap();
    let answer = ask(&mock, "/replies/wrong-expiration-is", "{}").await;
    let said = String::from_utf8(answer.body).unwrap();
    assert!(answer.status == 404 && said.contains("did you mean wrong-expiration-iso"), "{said}");
    ask(&mock, "/parametres/duration-outside/899", "{}").await;
    let message = panic_message(move || drop(mock));
    for name in ["wrong-expiration-iso", "parameters/duration-outside/899"] {
        assert!(message.contains(&format!("did you mean {name}")), "{message}");
    }
}

#[tokio::test]
async fn a_path_that_is_no_reply_and_no_case_is_nobodys_mistake() {
    let mock = Mock::embedded().await.unwrap();
    for path in ["/", "/latest/api/token", "/favicon.ico"] {
        assert_eq!(ask(&mock, path, "").await.status, 404, "{path}");
    }
}
