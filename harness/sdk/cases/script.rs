use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::contract::ContractNames;

/// The media type of the protocol, AWS JSON 1.1.
const MEDIA_TYPE: &str = "application/x-amz-json-1.1";

/// The body of a right answer, which a step sends by default. Its secrets are examples that grant no access.
pub fn standard_body() -> &'static str {
    &ContractNames::embedded().example
}

/// The request id of an answer with the standard headers.
pub const STANDARD_REQUEST_ID: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

/// What the server does with one request: an answer, a fault, or an answer that ends in a fault.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    /// The status code of the answer.
    pub status: u16,
    /// The reason phrase behind it; the usual one where it is not given.
    pub reason: Option<String>,
    /// Every header field, in this order and letter case, instead of the standard ones, which are
    /// `x-amzn-RequestId`, `Date` and `Content-Type`. `${date}` stands for the time of the answer, and
    /// `${date+3600}` or `${date-3600}` for that time plus or minus this number of seconds. The field that frames the body is added by `framing`.
    pub headers: Option<Vec<(String, String)>>,
    /// Further header fields, behind those.
    pub more_headers: Vec<(String, String)>,
    /// The body; the right answer where it is not given and the status is 200.
    pub body: Option<ScriptedBody>,
    /// How the end of the body is told.
    pub framing: Framing,
    /// The `Content-Length`, where it is not the body's length.
    pub content_length: Option<u64>,
    /// Whether the body is compressed with gzip, and `Content-Encoding: gzip` says so.
    pub gzip: bool,
    /// The exact bytes of the whole answer, instead of everything above.
    pub raw: Option<ScriptedBody>,
    /// How long the server waits before the first byte, in milliseconds.
    pub delay_ms: u64,
    /// Sends the answer a little at a time.
    pub drip: Option<Drip>,
    /// How the answer breaks off.
    pub fault: Option<ScriptedFault>,
}

impl Default for Step {
    fn default() -> Self {
        Self {
            status: 200,
            reason: None,
            headers: None,
            more_headers: Vec::new(),
            body: None,
            framing: Framing::Length,
            content_length: None,
            gzip: false,
            raw: None,
            delay_ms: 0,
            drip: None,
            fault: None,
        }
    }
}

impl Step {
    /// The bytes of the body, before they are compressed or cut.
    ///
    /// # Errors
    /// As [`ScriptedBody::bytes`].
    pub fn body_bytes(&self) -> Result<Vec<u8>, String> {
        match &self.body {
            Some(body) => body.bytes(),
            None if self.status == 200 => Ok(standard_body().into()),
            None => Ok(Vec::new()),
        }
    }

    /// The header fields with their placeholders filled in, without the field that frames the body; `now` is the time
    /// of the answer in seconds since 1970.
    ///
    /// # Errors
    /// When a placeholder does not exist.
    pub fn header_fields(&self, now: i64) -> Result<Vec<(String, String)>, String> {
        let standard = || {
            let fields = [("x-amzn-RequestId", STANDARD_REQUEST_ID), ("Date", "${date}"), ("Content-Type", MEDIA_TYPE)];
            fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
        };
        let mut fields = self.headers.clone().unwrap_or_else(standard);
        fields.extend(self.more_headers.iter().cloned());
        fields.into_iter().map(|(name, value)| Ok((name, fill_dates(&value, now)?))).collect()
    }

    /// Whether the step sets nothing beside `raw` except how it is sent.
    pub(super) fn is_plain_but_raw(&self) -> bool {
        self.status == 200
            && self.reason.is_none()
            && self.headers.is_none()
            && self.more_headers.is_empty()
            && self.body.is_none()
            && self.framing == Framing::Length
            && self.content_length.is_none()
            && !self.gzip
    }
}

/// A header's value with `${date}` and `${date+SECONDS}` as HTTP dates (RFC 9110, IMF-fixdate).
pub(super) fn fill_dates(value: &str, now: i64) -> Result<String, String> {
    let Some((before, rest)) = value.split_once("${") else { return Ok(value.to_owned()) };
    let wrong = || format!("expected ${{date}}, or ${{date+3600}} with seconds, found \"{value}\"");
    let (name, after) = rest.split_once('}').ok_or_else(wrong)?;
    let shift = name.strip_prefix("date").ok_or_else(wrong)?;
    let seconds = if shift.is_empty() { 0 } else { shift.parse::<i64>().map_err(|_| wrong())? };
    let time = now.checked_add(seconds).and_then(|at| Timestamp::from_second(at).ok()).ok_or_else(wrong)?;
    let date = time.strftime("%a, %d %b %Y %H:%M:%S GMT");
    Ok(format!("{before}{date}{}", fill_dates(after, now)?))
}

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Framing {
    /// By `Content-Length`.
    #[default]
    Length,
    /// In chunks: one for each piece of `drip`, else one.
    Chunked,
    /// By closing the connection: no field says it.
    Close,
    /// By whatever `headers` says: nothing is added, and the connection stays open.
    None,
}

/// An answer that is sent a little at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Drip {
    /// How many bytes of the body at a time; the head is sent at once.
    pub bytes: usize,
    /// How long the server waits after each piece, in milliseconds.
    pub every_ms: u64,
}

/// How an answer breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[serde(rename = "Fault")]
pub struct ScriptedFault {
    /// After how much of it.
    pub at: FaultAt,
    /// In which way.
    pub how: FaultHow,
    /// With `in-body`: after this number of bytes of the body; after half of it where it is not given.
    #[serde(default)]
    pub body_bytes: Option<usize>,
}

/// After how much of an answer a fault comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultAt {
    /// As soon as there is a connection, before any request is read. It uses the step up all the same.
    Connect,
    /// When the request is read, before the first byte of the answer.
    Before,
    /// In the middle of the head.
    InHead,
    /// In the body.
    InBody,
    /// After the whole answer.
    After,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultHow {
    /// It is closed in order.
    Close,
    /// It is reset.
    Reset,
    /// It stays open, and nothing more comes.
    Hang,
}

/// The largest body that a script can ask for: 64 MiB.
const LARGEST: usize = 64 << 20;

/// Bytes, written in the one way that suits them.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[serde(rename = "Body")]
pub struct ScriptedBody {
    /// This text.
    pub text: Option<String>,
    /// This JSON, exactly as it stands in the file: white space, order, repeated digits and all.
    #[schemars(with = "Option<serde_json::Value>")]
    pub json: Option<Box<RawValue>>,
    /// These bytes, two hexadecimal digits each; blanks do not count.
    pub hex: Option<String>,
    /// A long text.
    pub repeated: Option<Repeated>,
}

/// A long text: a beginning, something many times, an end.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Repeated {
    /// How it begins.
    #[serde(default)]
    pub begin: String,
    /// What is repeated.
    pub unit: String,
    /// How often: at most as often as fits in 64 MiB.
    pub times: usize,
    /// How it ends.
    #[serde(default)]
    pub end: String,
}

impl ScriptedBody {
    /// The body with this text.
    pub fn of_text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    /// The bytes.
    ///
    /// # Errors
    /// When the body is not written in exactly one way, is not hexadecimal, or is too large.
    pub fn bytes(&self) -> Result<Vec<u8>, String> {
        let Self { text, json, hex, repeated } = self;
        match (text, json, hex, repeated) {
            (Some(text), None, None, None) => Ok(text.clone().into_bytes()),
            (None, Some(json), None, None) => Ok(json.get().as_bytes().to_vec()),
            (None, None, Some(hex), None) => from_hex(hex),
            (None, None, None, Some(repeated)) => repeated.bytes(),
            _ => Err("expected exactly one of text, json, hex and repeated".to_owned()),
        }
    }

    /// Checks that there are such bytes; a long text is not made for it.
    ///
    /// # Errors
    /// The same.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Self { text: None, json: None, hex: None, repeated: Some(repeated) } => repeated.check(),
            _ => self.bytes().map(drop),
        }
    }
}

impl Repeated {
    fn check(&self) -> Result<(), String> {
        let Self { unit, times, .. } = self;
        match unit.len().checked_mul(*times) {
            Some(length) if length <= LARGEST => Ok(()),
            _ => Err(format!("expected at most {LARGEST} bytes, found {times} times {}", unit.len())),
        }
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        self.check()?;
        let Self { begin, unit, times, end } = self;
        Ok([begin.as_str(), &unit.repeat(*times), end].concat().into_bytes())
    }
}

fn from_hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let byte = |pair: &[char]| match pair {
        [high, low] => u8::try_from(high.to_digit(16)? << 4 | low.to_digit(16)?).ok(),
        _ => None,
    };
    let bytes: Option<_> = digits.chunks(2).map(byte).collect();
    bytes.ok_or_else(|| format!("expected pairs of hexadecimal digits, found \"{text}\""))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::contract::parse;

    #[rstest]
    #[case("${date}", "Sun, 06 Nov 1994 08:49:37 GMT")]
    #[case("a ${date+1} b ${date-60}", "a Sun, 06 Nov 1994 08:49:38 GMT b Sun, 06 Nov 1994 08:48:37 GMT")]
    #[case("plain", "plain")]
    fn a_date_is_written_as_http_writes_it(#[case] value: &str, #[case] expected: &str) {
        // The example of RFC 9110, section 5.6.7.
        assert_eq!(fill_dates(value, 784_111_777).as_deref(), Ok(expected));
    }

    #[rstest]
    #[case("${time}")]
    #[case("${date")]
    #[case("${date+x}")]
    fn an_unknown_placeholder_is_refused(#[case] value: &str) {
        assert!(fill_dates(value, 0).is_err());
    }

    #[rstest]
    #[case::text(r#"{"text":"a\u0000"}"#, b"a\0")]
    #[case::json(r#"{"json":{ "b" : 1.50, "a":null }}"#, b"{ \"b\" : 1.50, \"a\":null }")]
    #[case::hex(r#"{"hex":"ef bb BF 00"}"#, b"\xef\xbb\xbf\0")]
    #[case::nothing(r#"{"text":""}"#, b"")]
    #[case::repeated(r#"{"repeated":{"begin":"[","unit":"ab","times":3,"end":"]"}}"#, b"[ababab]")]
    fn a_body_is_exactly_its_bytes(#[case] text: &str, #[case] bytes: &[u8]) {
        assert_eq!(parse::<ScriptedBody>("a.json", text).expect("a body").bytes().expect("bytes"), bytes);
    }

    #[rstest]
    #[case::none("{}", "exactly one")]
    #[case::two(r#"{"text":"a","hex":"00"}"#, "exactly one")]
    #[case::odd(r#"{"hex":"0"}"#, "pairs")]
    #[case::no_digit(r#"{"hex":"0g"}"#, "pairs")]
    #[case::large(r#"{"repeated":{"unit":"ab","times":100000000}}"#, "at most")]
    fn a_body_that_cannot_be_made_is_refused(#[case] text: &str, #[case] message: &str) {
        let body = parse::<ScriptedBody>("a.json", text).expect("a body");
        let error = body.bytes().expect_err("it is wrong");
        assert!(error.contains(message), "{error}");
        assert_eq!(body.check(), Err(error));
    }
}
