use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The largest body that a script can ask for: 64 MiB.
const LARGEST: usize = 64 << 20;

/// Bytes, written in the one way that suits them.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Body {
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

impl Body {
    /// The body with this text.
    pub fn of_text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    /// The bytes.
    ///
    /// # Errors
    /// When it is not written in exactly one way, is no hexadecimal, or is too large.
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
}

impl Repeated {
    fn bytes(&self) -> Result<Vec<u8>, String> {
        let Self { begin, unit, times, end } = self;
        match unit.len().checked_mul(*times) {
            Some(length) if length <= LARGEST => Ok([begin.as_str(), &unit.repeat(*times), end].concat().into_bytes()),
            _ => Err(format!("expected at most {LARGEST} bytes, found {times} times {}", unit.len())),
        }
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
    #[case::text(r#"{"text":"a\u0000"}"#, b"a\0")]
    #[case::json(r#"{"json":{ "b" : 1.50, "a":null }}"#, b"{ \"b\" : 1.50, \"a\":null }")]
    #[case::hex(r#"{"hex":"ef bb BF 00"}"#, b"\xef\xbb\xbf\0")]
    #[case::nothing(r#"{"text":""}"#, b"")]
    #[case::repeated(r#"{"repeated":{"begin":"[","unit":"ab","times":3,"end":"]"}}"#, b"[ababab]")]
    fn a_body_is_exactly_its_bytes(#[case] text: &str, #[case] bytes: &[u8]) {
        assert_eq!(parse::<Body>("a.json", text).expect("a body").bytes().expect("bytes"), bytes);
    }

    #[rstest]
    #[case::none("{}", "exactly one")]
    #[case::two(r#"{"text":"a","hex":"00"}"#, "exactly one")]
    #[case::odd(r#"{"hex":"0"}"#, "pairs")]
    #[case::no_digit(r#"{"hex":"0g"}"#, "pairs")]
    #[case::large(r#"{"repeated":{"unit":"ab","times":100000000}}"#, "at most")]
    fn a_body_that_cannot_be_made_is_refused(#[case] text: &str, #[case] message: &str) {
        let error = parse::<Body>("a.json", text).expect("a body").bytes().expect_err("it is wrong");
        assert!(error.contains(message), "{error}");
    }
}
