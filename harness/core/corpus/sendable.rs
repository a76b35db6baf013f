//! What a server of ours can send: statuses and header fields of replies and defects.

use std::fmt;
use std::ops::RangeInclusive;

/// The statuses that an answer may have. Those below 200 are not the last answer to a request.
pub(crate) const STATUSES: RangeInclusive<u16> = 200..=999;

/// What is wrong with the name of a header field; `None` if it can be sent. Source: RFC 9110, section 5.6.2.
pub(crate) fn flaw_of_name(name: &str) -> Option<Flaw> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (name.is_empty() || !name.bytes().all(is_token)).then_some(Flaw::Name)
}

/// What is wrong with a header field; `None` if it can be sent. Source: RFC 9110, sections 5.5 and 5.6.2.
pub(crate) fn flaw_of_field(name: &str, value: &str) -> Option<Flaw> {
    let is_plain = |byte: u8| byte == b'\t' || (byte >= b' ' && byte != 0x7f);
    match flaw_of_name(name) {
        Some(flaw) => Some(flaw),
        None if !value.bytes().all(is_plain) => Some(Flaw::Value),
        None if name.eq_ignore_ascii_case("content-length") => Some(Flaw::Length),
        None if name.eq_ignore_ascii_case("transfer-encoding") && value != "chunked" => Some(Flaw::Coding),
        None => None,
    }
}

/// Why a header field cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    Name,
    Value,
    Length,
    Coding,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "expected the name of a header field: ASCII letters, digits, hyphens",
            Self::Value => "expected the value of a header field, without line breaks and control characters",
            Self::Length => "expected no Content-Length: the server adds the one of the body",
            Self::Coding => "expected the Transfer-Encoding chunked: the server can send no other",
        })
    }
}
