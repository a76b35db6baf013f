//! How the clock of a target is moved: by an HTTP call, or by whatever else its owner does.

use std::fmt;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;

use reqwest::Url;

use super::gate::HostOwner;
use crate::text::foreign;
use crate::wire::{Client, ClientError, ClientOptions, Headers, Request, TransportFault};

/// What stands for the number of seconds in a call.
const SECONDS: &str = "{seconds}";

/// The body of a call that has no other.
const BODY: &str = r#"{"advance_seconds": {seconds}}"#;

/// The methods that a call can have.
const METHODS: [&str; 3] = ["POST", "PUT", "PATCH"];

/// At most this many bytes of an answer are quoted.
const QUOTED: usize = 4096;

type Moving = Pin<Box<dyn Future<Output = Result<(), ClockFault>> + Send>>;

/// Moves the clock of a target: the one by which its credentials expire.
#[derive(Clone)]
pub struct TargetClock {
    name: String,
    advance: Arc<dyn Fn(i64) -> Moving + Send + Sync>,
}

/// A clock that was not moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockFault {
    /// Why, in words. They may hold what somebody else wrote.
    pub words: String,
    /// Whether it may have been moved all the same: nobody answered.
    pub in_doubt: bool,
}

impl TargetClock {
    /// A clock that `advance` moves by a number of seconds: ahead, or back if the number is negative. `name` says in
    /// reports how that is done.
    pub fn new<F>(name: impl Into<String>, advance: impl Fn(i64) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), ClockFault>> + Send + 'static,
    {
        Self { name: name.into(), advance: Arc::new(move |seconds| Box::pin(advance(seconds))) }
    }

    /// A clock that an HTTP call moves.
    ///
    /// # Errors
    /// When no client can be made for it.
    pub fn by_call(call: &ClockCall, options: &ClientOptions) -> Result<Self, ClientError> {
        let client = Client::new(call.url(0), options)?;
        let (name, call) = (call.to_string(), call.clone());
        let advance = move |seconds| {
            let (client, request) = (client.clone(), call.request(seconds));
            async move { outcome(client.send(request).await.answer) }
        };
        Ok(Self::new(name, advance))
    }

    /// How it is moved, as reports say it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Moves it by a number of seconds: ahead, or back if the number is negative.
    ///
    /// # Errors
    /// When it was not moved.
    pub async fn advance(&self, seconds: i64) -> Result<(), ClockFault> {
        (self.advance)(seconds).await
    }
}

impl fmt::Debug for TargetClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TargetClock").field(&self.name).finish()
    }
}

fn outcome(answer: Result<crate::wire::Response, TransportFault>) -> Result<(), ClockFault> {
    match answer {
        Ok(response) if (200..300).contains(&response.status) => Ok(()),
        Ok(response) => {
            let words = String::from_utf8_lossy(&response.body[..response.body.len().min(QUOTED)]);
            Err(ClockFault { words: format!("{} {words}", response.status).trim().to_owned(), in_doubt: false })
        }
        Err(fault) => {
            let in_doubt =
                !matches!(fault, TransportFault::Connect(_) | TransportFault::Tls(_) | TransportFault::Unsendable(_));
            Err(ClockFault { words: fault.to_string(), in_doubt })
        }
    }
}

/// An HTTP call that moves a clock, such as `POST http://127.0.0.1:4566/_countersign/clock`. `{seconds}` in its path, its
/// query or its body stands for the number of seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockCall {
    method: &'static str,
    /// With `{seconds}` in it.
    url: String,
    body: String,
}

/// A text that is no such call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClockCall {
    /// It has another form.
    #[error("expected a call such as POST http://127.0.0.1:4566/_countersign/clock, {0}")]
    Form(&'static str),
    /// It would leave the number of seconds out.
    #[error(
        "expected {SECONDS} in the body, or in the path or the query of the URL: it stands for the number of seconds"
    )]
    NoSeconds,
    /// It leads to real AWS, or to what looks like it.
    #[error("the call goes to {}, a host of AWS or one that looks like it; nobody moves a clock there", foreign(.host))]
    Aws {
        /// The host.
        host: String,
    },
}

impl ClockCall {
    /// The same call with another body.
    ///
    /// # Errors
    /// When the number of seconds would be left out.
    pub fn with_body(self, body: String) -> Result<Self, InvalidClockCall> {
        let has_seconds = self.url.contains(SECONDS) || body.contains(SECONDS);
        if has_seconds { Ok(Self { body, ..self }) } else { Err(InvalidClockCall::NoSeconds) }
    }

    fn url(&self, seconds: i64) -> Url {
        let url = self.url.replace(SECONDS, &seconds.to_string());
        url.parse().expect("the URL was parsed with other numbers before")
    }

    fn request(&self, seconds: i64) -> Request {
        let url = self.url(seconds);
        let host = url.host_str().unwrap_or_default();
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let headers = Headers::from_iter([("host", host.as_str()), ("content-type", "application/json")]);
        let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let body = self.body.replace(SECONDS, &seconds.to_string()).into_bytes();
        Request { method: self.method.to_owned(), target, headers, body }
    }
}

impl FromStr for ClockCall {
    type Err = InvalidClockCall;

    fn from_str(text: &str) -> Result<Self, InvalidClockCall> {
        let wrong = InvalidClockCall::Form;
        let (method, url) = text.trim().split_once(char::is_whitespace).ok_or(wrong("a method and a URL"))?;
        let method = METHODS.into_iter().find(|known| *known == method);
        let method = method.ok_or(wrong("with the method POST, PUT or PATCH"))?;
        let url = url.trim().to_owned();
        // Whatever the number is, the call goes to the same place.
        let [one, other] = ["0", "-1"].map(|seconds| url.replace(SECONDS, seconds).parse::<Url>());
        let (Ok(one), Ok(other)) = (one, other) else { return Err(wrong("with a whole URL behind the method")) };
        if !matches!(one.scheme(), "http" | "https") || one.host_str().is_none() || one.fragment().is_some() {
            return Err(wrong("with an http:// or https:// URL, without a fragment"));
        }
        if !one.username().is_empty() || one.password().is_some() {
            return Err(wrong("without user and password in the URL"));
        }
        if one.origin() != other.origin() {
            return Err(wrong("with {seconds} behind the host and the port only"));
        }
        if HostOwner::of(&one) != HostOwner::Other {
            return Err(InvalidClockCall::Aws { host: one.host_str().unwrap_or_default().to_owned() });
        }
        Ok(Self { method, url, body: BODY.to_owned() })
    }
}

impl fmt::Display for ClockCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn call(text: &str) -> Result<ClockCall, InvalidClockCall> {
        text.parse()
    }

    #[rstest]
    #[case::plain(
        "POST http://127.0.0.1:4566/_countersign/clock",
        None,
        "/_countersign/clock",
        r#"{"advance_seconds": 901}"#
    )]
    #[case::own_body("PUT http://localhost/time", Some(r#"{"by": "{seconds}s"}"#), "/time", r#"{"by": "901s"}"#)]
    #[case::in_the_path(" PATCH  http://[::1]:80/ahead/{seconds} ", Some(""), "/ahead/901", "")]
    #[case::in_the_query("POST https://clock.test:8443/?s={seconds}", Some(""), "/?s=901", "")]
    fn a_call_has_the_number_of_seconds_filled_in(
        #[case] text: &str,
        #[case] own_body: Option<&str>,
        #[case] target: &str,
        #[case] body: &str,
    ) {
        let call = call(text).expect("a call");
        let call = own_body.map_or(Ok(call.clone()), |body| call.with_body(body.to_owned())).expect("it has seconds");
        let request = call.request(901);
        assert_eq!((request.target.as_str(), String::from_utf8(request.body).as_deref()), (target, Ok(body)));
        assert_eq!(call.request(-901).body, body.replace("901", "-901").into_bytes());
    }

    #[rstest]
    #[case::no_method("http://127.0.0.1/clock")]
    #[case::other_method("GET http://127.0.0.1/clock")]
    #[case::small_letters("post http://127.0.0.1/clock")]
    #[case::no_url("POST clock")]
    #[case::other_scheme("POST file:///clock")]
    #[case::password("POST http://me:CANARY@127.0.0.1/clock")]
    #[case::host_of_seconds("POST http://h{seconds}/clock")]
    #[case::port_of_seconds("POST http://127.0.0.1:1{seconds}/clock")]
    #[case::fragment("POST http://127.0.0.1/clock#{seconds}")]
    fn anything_else_is_refused_and_not_repeated(#[case] text: &str) {
        let error = call(text).expect_err("it is wrong").to_string();
        assert!(error.starts_with("expected a call such as POST http://") && !error.contains("CANARY"), "{error}");
    }

    #[rstest]
    #[case("POST https://redshift-serverless.us-east-1.amazonaws.com/clock")]
    #[case("POST http://169.254.169.254/latest")]
    #[case("POST https://amaz0naws.com/clock")]
    fn no_call_goes_to_aws(#[case] text: &str) {
        assert!(matches!(call(text), Err(InvalidClockCall::Aws { .. })), "{text}");
    }

    #[test]
    fn a_body_without_the_seconds_moves_nothing() {
        let call = call("POST http://127.0.0.1/clock").expect("a call");
        assert_eq!(call.with_body("{}".to_owned()), Err(InvalidClockCall::NoSeconds));
    }
}
