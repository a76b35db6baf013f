//! The replaying mock: a server that gives each case the reply that is written for it.
//!
//! Uses corpus and wire. It looks at nothing of a request but its path, which names the case, and the
//! lifetime that it asks for: it proves that cases and judge agree with the hand-written replies, and it lets
//! an SDK meet any answer, right or wrong. It is no emulator; for one see the `emulator` beside it.
//!
//! Start reading at [`Mock`]; `paths.rs` says which path gives which reply.

mod paths;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{MockServer, Request, Respond, ResponseTemplate};

use crate::contract::{Contract, Fixtures, Service};
use crate::corpus::{Corpus, Reply};
use paths::Paths;

/// A running mock. Dropping it stops it.
///
/// A request's path chooses the reply: `/<case id>` (`/parameters/duration-outside/899`), with `~1`,
/// `~2`, … for the further calls of a case with steps, `~setup0`, `~teardown0`, … for the calls
/// around them; `/replies/<name>` is a reply by its name, wrong ones among them. More path behind
/// any of these does not matter, nor does the method. Signatures are not looked at.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use countersign::servers::mock::Mock;
///
/// let mock = Mock::embedded().await?;
/// println!("point a client at {}/success/workgroup-only", mock.endpoint());
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct Mock {
    server: MockServer,
}

impl Mock {
    /// Starts a mock of the replies that were compiled in, on a free port of 127.0.0.1, by the clock of this machine.
    ///
    /// # Errors
    /// When there is no free port, or the fixtures of this build are not valid ([`io::ErrorKind::InvalidData`]).
    pub async fn embedded() -> io::Result<Self> {
        let contract = Contract::load(&Fixtures::Embedded).map_err(|error| invalid(&error))?;
        let corpus = Corpus::load(&Fixtures::Embedded, &contract).map_err(|error| invalid(&error))?;
        Self::start(Arc::new(corpus), Timestamp::now, None).await
    }

    /// Starts a mock of every reply of a corpus. It listens when this returns.
    ///
    /// `clock` says what time it is: times in answers, their `Date` among them, count from there.
    /// `listen` is a loopback address; without it, a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When it cannot listen on the address ([`io::ErrorKind::InvalidInput`] where that is not a
    /// loopback address), or a reply has a status or header that cannot be sent
    /// ([`io::ErrorKind::InvalidData`]).
    pub async fn start(
        corpus: Arc<Corpus>,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
        listen: Option<SocketAddr>,
    ) -> io::Result<Self> {
        let listen = listen.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        if !listen.ip().is_loopback() {
            let why = format!(
                "{listen} is not a loopback address; the mock listens on loopback only, such as 127.0.0.1:{}",
                listen.port()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let replayer = Replayer::new(corpus, Box::new(clock))?;
        let listener = TcpListener::bind(listen)?;
        // Recording keeps every request for ever.
        let server = MockServer::builder().listener(listener).disable_request_recording().start().await;
        wiremock::Mock::given(any()).respond_with(replayer).mount(&server).await;
        Ok(Self { server })
    }

    /// Its base URL without a slash at the end, such as `http://127.0.0.1:4568`.
    pub fn endpoint(&self) -> String {
        self.server.uri()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        *self.server.address()
    }
}

fn invalid(error: &dyn Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

struct Replayer {
    corpus: Arc<Corpus>,
    paths: Paths,
    /// Status and header fields of each reply, by its name.
    heads: BTreeMap<String, ResponseTemplate>,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Replayer {
    fn new(corpus: Arc<Corpus>, clock: Box<dyn Fn() -> Timestamp + Send + Sync>) -> io::Result<Self> {
        let heads = corpus.replies().iter().map(|(name, reply)| Ok((name.clone(), head(name, reply)?)));
        let heads = heads.collect::<io::Result<_>>()?;
        Ok(Self { paths: Paths::of(&corpus), corpus, heads, clock })
    }

    fn replay(&self, path: &str, body: &[u8]) -> Result<ResponseTemplate, String> {
        let name = self.paths.reply(path)?;
        let unknown = || format!("there is no reply called {name}");
        let (head, reply) = (self.heads.get(name).ok_or_else(unknown)?, &self.corpus.replies()[name]);
        let now = (self.clock)();
        let bytes = reply.body_at(now.as_duration().as_secs_f64(), self.corpus.lifetime_asked_for(body));
        // The server's Date is what a judge measures lifetimes by, so it comes from the same clock.
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&now).ok().filter(|_| !has_date(reply));
        let template = head.clone().set_body_bytes(bytes);
        Ok(match date {
            Some(date) => template.insert_header("date", date.as_str()),
            None => template,
        })
    }
}

impl Respond for Replayer {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        self.replay(request.url.path(), &request.body).unwrap_or_else(|why| {
            let body = json!({"__type": "UnknownOperationException", "message": why}).to_string();
            ResponseTemplate::new(404)
                .insert_header("content-type", Service::embedded().content_type.is.as_str())
                .set_body_bytes(body)
        })
    }
}

/// Status and header fields of a reply, checked once instead of at every request.
fn head(name: &str, reply: &Reply) -> io::Result<ResponseTemplate> {
    let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidData, format!("the reply {name} has {what}"));
    // Answers of other statuses have no body, or are not the last.
    if !(200..600).contains(&reply.status) || matches!(reply.status, 204 | 304) {
        return Err(wrong(format!("the status {}, which cannot be replayed", reply.status)));
    }
    let mut template = ResponseTemplate::new(reply.status);
    for (field, value) in &reply.headers {
        let invalid = || wrong(format!("the header {field}: {value}, which cannot be sent"));
        let field = HeaderName::from_bytes(field.as_bytes()).map_err(|_| invalid())?;
        let value = HeaderValue::from_str(value).map_err(|_| invalid())?;
        template = template.append_header(field, value);
    }
    Ok(template)
}

fn has_date(reply: &Reply) -> bool {
    reply.headers.keys().any(|field| field.eq_ignore_ascii_case("date"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"{"durationSeconds":1800}"#, 1800.0)]
    #[case(r#"{"durationSeconds":9e2}"#, 900.0)]
    #[case(r#"{"duration\u0053econds":3600}"#, 3600.0)]
    #[case(r#"{"durationSeconds":"1800"}"#, 900.0)]
    #[case(r#"{"durationSeconds":null}"#, 900.0)]
    #[case("{}", 900.0)]
    #[case("[1]", 900.0)]
    #[case("", 900.0)]
    fn the_duration_is_the_request_s_where_it_is_a_number(#[case] body: &str, #[case] expected: f64) {
        let contract = Contract::load(&Fixtures::Embedded).expect("the contract");
        let corpus = Corpus::load(&Fixtures::Embedded, &contract).expect("the corpus");
        assert!((corpus.lifetime_asked_for(body.as_bytes()) - expected).abs() < f64::EPSILON);
    }

    #[rstest]
    #[case::informational(r#"{"version":1,"title":"t","status":100}"#)]
    #[case::no_content(r#"{"version":1,"title":"t","status":204}"#)]
    #[case::header_name(r#"{"version":1,"title":"t","status":200,"headers":{"a b":"c"}}"#)]
    #[case::header_value(r#"{"version":1,"title":"t","status":200,"headers":{"a":"b\r\nc: d"}}"#)]
    fn a_reply_that_cannot_be_sent_is_named_at_the_start(#[case] reply: &str) {
        let error = head("odd", &serde_json::from_str(reply).unwrap()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().starts_with("the reply odd has "), "{error}");
    }
}
