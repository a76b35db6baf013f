use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use serde::de::IgnoredAny;

use super::json_weight::is_heavy;
use super::masking::may_hold_secret;

/// Header fields in the order and letter case in which they went over the wire.
///
/// Printing masks the value of every field whose name says that it may hold a secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// No header fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// The first value of a header, whatever the letter case of its name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Adds a field at the end.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// Sets a field to one value. A field that is already there keeps its place and takes the new spelling of the name.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        match self.0.iter_mut().find(|(field, _)| field.eq_ignore_ascii_case(name)) {
            Some((field, old)) => {
                name.clone_into(field);
                *old = value;
            }
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Removes every field of this name.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(field, _)| !field.eq_ignore_ascii_case(name));
    }

    /// The fields as name and value, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        Self(fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(name, value)| (name, if may_hold_secret(name) { "***" } else { value })))
            .finish()
    }
}

/// An HTTP request as it is sent: signed, with its exact body bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The method, `POST` for every documented call.
    pub method: String,
    /// The request target: path and query, `/` for every documented call.
    pub target: String,
    /// The header fields, `Host` among them.
    pub headers: Headers,
    /// The body bytes.
    pub body: Vec<u8>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {:?} ({} body bytes)", self.method, self.target, self.headers, self.body.len())
    }
}

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// An HTTP response as it arrived, its body read to the end.
///
/// The body is a secret: printing a response gives its length only.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The header fields; bytes outside UTF-8 are replaced.
    pub headers: Headers,
    /// The body bytes. The client reads at most 1 MiB.
    pub body: Vec<u8>,
}

impl Response {
    /// The media type without its parameters, in lower case: `application/x-amz-json-1.1`.
    pub fn media_type(&self) -> Option<String> {
        let value = self.headers.get("content-type")?;
        let essence = value.split(';').next().unwrap_or_default().trim();
        (!essence.is_empty()).then(|| essence.to_ascii_lowercase())
    }

    /// The time of the answer by the server's clock, in whole seconds: its `Date` field. `None` without a `Date` that
    /// can be read. It has the form of RFC 9110, such as `Sun, 22 Nov 2026 01:02:03 GMT`, or one of the two older forms
    /// that every recipient must accept.
    pub fn date(&self) -> Option<Timestamp> {
        const OLDER: [&str; 2] = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
        let text = self.headers.get("date")?;
        let older = |form| strtime::parse(form, text).ok()?.to_datetime().ok()?.to_zoned(TimeZone::UTC).ok();
        let newest = DateTimeParser::new().parse_timestamp(text).ok();
        newest.or_else(|| Some(OLDER.into_iter().find_map(older)?.timestamp()))
    }

    /// The body as JSON; `None` if it is not JSON, or JSON that cannot be read here. A byte order mark before it is
    /// overlooked; see [`Response::has_byte_order_mark`].
    pub fn json(&self) -> Option<serde_json::Value> {
        let body = self.body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.body);
        if is_heavy(body) { None } else { serde_json::from_slice(body).ok() }
    }

    /// Whether the body begins with a byte order mark, which JSON does not have.
    /// Source: RFC 8259, section 8.1.
    pub fn has_byte_order_mark(&self) -> bool {
        self.body.starts_with(BYTE_ORDER_MARK)
    }

    /// Whether the body is whole JSON that cannot be read here: it has a number beyond what a float holds, more levels
    /// than the reader goes down, half of a surrogate pair, or more values than there is memory for. JSON allows each of
    /// them, and sets no bounds.
    pub fn is_json_beyond_reading(&self) -> bool {
        let body = self.body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.body);
        // To ignore a value, the reader looks at its syntax alone, and goes down no levels.
        let is_whole = || serde_json::from_slice::<IgnoredAny>(body).is_ok();
        self.json().is_none() && std::str::from_utf8(body).is_ok() && is_whole()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} ({} body bytes)", self.status, self.headers, self.body.len())
    }
}

/// One request and what came back, exactly as they were, with timing.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What was sent.
    pub request: Request,
    /// The answer, or why there is none.
    pub answer: Result<Response, TransportFault>,
    /// The part of an incomplete answer that had arrived. It is not an answer and is never shown, but the secrets in it
    /// were given away.
    pub cut_off: Option<Response>,
    /// The harness's clock when sending began.
    pub sent_at: Timestamp,
    /// The harness's clock when the answer was complete or the wait for it ended.
    pub received_at: Timestamp,
    /// From sending to the complete answer.
    pub elapsed: Duration,
    /// The status of the fault that answered the request first, if it was sent again after a fault.
    pub fault_before: Option<u16>,
}

impl Exchange {
    /// The answer, complete or cut off.
    pub fn received(&self) -> Option<&Response> {
        self.answer.as_ref().ok().or(self.cut_off.as_ref())
    }
}

/// Every exchange of a case, in the order in which they were sent.
pub type Transcript = Vec<Exchange>;

/// Why a request has no answer. Never a verdict on a target's conformance.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportFault {
    /// Nothing listens there, or it cannot be reached.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The request must not be sent: HTTP would change it, or it would give a secret away.
    #[error("the request was not sent: {0}")]
    Unsendable(&'static str),
    /// The host name has no address.
    #[error("cannot resolve the host name: {0}")]
    Resolve(String),
    /// The TLS handshake failed.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// No complete answer within the time limit.
    #[error("no complete answer within {}", limit_text(*.0))]
    Timeout(Duration),
    /// The connection ended before the answer was complete.
    #[error("the connection ended before the answer was complete: {0}")]
    Lost(String),
    /// The connection ended without a complete answer each time the request was sent, while the target answered other
    /// requests before and after.
    #[error("the connection ended without a complete answer each time: {0}")]
    HungUp(String),
    /// What came back is not an HTTP answer.
    #[error("what came back is not HTTP: {0}")]
    NotHttp(String),
    /// The answer's header is larger than the client accepts.
    #[error("the answer's header has too many fields or is too large")]
    HeadTooLarge,
    /// The answer is larger than the client accepts, in bytes.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
}

/// A time limit in words: `10 s`, `1.5 s`, `250 ms`.
fn limit_text(limit: Duration) -> String {
    let seconds = limit.as_secs_f64();
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1000.0) } else { format!("{} s", (seconds * 10.0).round() / 10.0) }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn printing_headers_masks_what_carries_a_credential() {
        let headers =
            Headers::from_iter([("Authorization", "CANARY-1"), ("X-AMZ-Security-Token", "CANARY-2"), ("host", "h")]);
        let printed = format!("{headers:?}");
        assert!(!printed.contains("CANARY"), "{printed}");
        assert!(printed.contains("\"host\": \"h\""), "{printed}");
    }

    // The examples of RFC 9110, section 5.6.7: one time in three forms, 784111777 seconds after the epoch.
    #[rstest]
    #[case::preferred("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777))]
    #[case::of_rfc_850("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777))]
    #[case::of_asctime("Sun Nov  6 08:49:37 1994", Some(784_111_777))]
    #[case::words("yesterday", None)]
    #[case::iso_8601("1994-11-06T08:49:37Z", None)]
    fn a_date_is_read_in_each_form_of_http(#[case] text: &str, #[case] expected: Option<i64>) {
        let headers = Headers::from_iter([("Date", text)]);
        let response = Response { status: 200, headers, body: Vec::new() };
        assert_eq!(response.date().map(Timestamp::as_second), expected);
    }

    #[test]
    fn a_media_type_loses_its_parameters_and_its_letter_case() {
        let headers = Headers::from_iter([("Content-Type", "Application/X-Amz-JSON-1.1; charset=utf-8")]);
        let response = Response { status: 200, headers, body: Vec::new() };
        assert_eq!(response.media_type().as_deref(), Some("application/x-amz-json-1.1"));
    }

    #[test]
    fn setting_a_header_keeps_its_place_and_takes_the_new_spelling() {
        let mut headers = Headers::from_iter([("host", "a"), ("x-amz-target", "b")]);
        headers.set("HOST", "c");
        assert_eq!(headers.iter().collect::<Vec<_>>(), [("HOST", "c"), ("x-amz-target", "b")]);
    }
}
