//! AWS Signature Version 4: signing what is sent, and checking what was received.
//! Source: the IAM User Guide, "Create a signed AWS API request"; where it is silent, botocore's signer.
//!
//! To check a request, it is signed again with exactly the headers that the sender says it signed. The two signatures
//! are compared in constant time.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{Credentials, Request, Secret};

mod verify;

pub use verify::{SignatureError, claimed_region, verify};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Headers that a proxy may change on the way, and the signature itself. Source: botocore, `SIGNED_HEADERS_BLACKLIST`.
const NEVER_SIGNED: [&str; 3] = ["authorization", "user-agent", "x-amzn-trace-id"];

/// The region and the service that a signature is valid for: `<date>/<region>/<service>/aws4_request`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope<'a> {
    /// The region, such as `us-east-1`.
    pub region: &'a str,
    /// The service's signing name.
    pub service: &'a str,
}

impl Scope<'_> {
    /// The scope of a signature made at this time, such as `20150830T123600Z`.
    fn at(self, stamp: &str) -> String {
        format!("{}/{}/{}/aws4_request", &stamp[..8], self.region, self.service)
    }
}

/// Signs a request in place: sets `X-Amz-Date`, `X-Amz-Security-Token` if there is a session token, and
/// `Authorization`. The signature covers all headers of the request, including the first two, except those that a proxy
/// may change.
pub fn sign(request: &mut Request, credentials: &Credentials, scope: Scope<'_>, at: Timestamp) {
    let stamp = at.strftime("%Y%m%dT%H%M%SZ").to_string();
    request.headers.set("x-amz-date", stamp.as_str());
    if let Some(token) = &credentials.session_token {
        request.headers.set("x-amz-security-token", token.expose());
    }
    let names = request.headers.iter().map(|(name, _)| name.to_ascii_lowercase());
    let mut signed: Vec<String> = names.filter(|name| !NEVER_SIGNED.contains(&name.as_str())).collect();
    signed.sort_unstable();
    signed.dedup();
    let signature = signature(request, &signed, &credentials.secret_access_key, scope, &stamp);
    let value = format!(
        "{ALGORITHM} Credential={}/{}, SignedHeaders={}, Signature={signature}",
        credentials.access_key_id,
        scope.at(&stamp),
        signed.join(";"),
    );
    request.headers.set("authorization", value);
}

/// The signature of a request, made with this secret at this time. `signed` has the names of the signed headers: in
/// lower case, sorted, each once.
fn signature(request: &Request, signed: &[String], secret: &Secret, scope: Scope<'_>, stamp: &str) -> String {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let mut canonical = format!("{}\n{}\n{}\n", request.method, canonical_path(path), canonical_query(query));
    for name in signed {
        let same = request.headers.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name));
        let values: Vec<String> = same.map(|(_, value)| words(value)).collect();
        let _ = writeln!(canonical, "{name}:{}", values.join(","));
    }
    let _ = write!(canonical, "\n{}\n{}", signed.join(";"), sha256(&request.body));
    let scoped = scope.at(stamp);
    let text = format!("{ALGORITHM}\n{stamp}\n{scoped}\n{}", sha256(canonical.as_bytes()));
    let key = scoped.split('/').fold(format!("AWS4{}", secret.expose()).into_bytes(), |key, part| hmac(&key, part));
    hexadecimal(&hmac(&key, &text))
}

/// A path without `.`, `..` and empty parts, escaped once more.
fn canonical_path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let end = if path.ends_with('/') && !parts.is_empty() { "/" } else { "" };
    format!("/{}{end}", escaped(&parts.join("/"), "/"))
}

/// The parts of a query, sorted, each with an equals sign.
fn canonical_query(query: &str) -> String {
    let parts = query.split('&').filter(|part| !part.is_empty());
    let mut pairs: Vec<(String, String)> = parts
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (escaped(name, "%"), escaped(value, "%"))
        })
        .collect();
    pairs.sort_unstable();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// A text with every byte escaped except letters, digits, `-_.~` and the bytes in `besides`.
fn escaped(text: &str, besides: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let needs_no_escape =
            byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || besides.as_bytes().contains(&byte);
        if needs_no_escape {
            out.push(byte.into());
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The value of a header without blanks around it, and with one blank between its words.
fn words(value: &str) -> String {
    value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("a key may have any length");
    hmac.update(text.as_bytes());
    hmac.finalize().into_bytes().to_vec()
}

fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Bytes as two digits each, in lower case.
pub fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const NONE: &[(&str, &str)] = &[];

    // Each signature is what `SigV4Auth` of botocore 1.44.5 gives for the request, at a fixed time.
    #[rstest]
    #[case::root("POST", "/", NONE, "71dc268559359282b4a10121a9688651bd9ed7a4f907d6e9429000c47f3262d3")]
    #[case::path("POST", "/a/b", NONE, "c9e80dc516693c2632fdb326a002ff344e66521f4ac4de5b50dbf3e03c748c6e")]
    #[case::escapes("POST", "/a%20b/%41", NONE, "857969fb02d119d7a2960f8ed88c07018e6497e937f712ac142528c4e0f81d81")]
    #[case::dots("POST", "/a/./b//../c/", NONE, "1f3ab8bd0680469b1063458a7e10b4f73db027d3d057d63940820f80fc293e14")]
    #[case::beyond_ascii("POST", "/é", NONE, "608c47d6b683c88055911e75b703929fd989f83243d9b50323918690731ca966")]
    #[case::query("GET", "/?b=2&a=1&a=0", NONE, "8f892d86844f1976fa979eadd9d87a89b5371bd6beb1f55242badea3343d3632")]
    #[case::no_values("GET", "/?b&a=", NONE, "e4dc7d146c250c9396932b3a7deb8fd94441e1f3d9595a11cbf28ab454d1c5b1")]
    #[case::escapes_in_a_query(
        "GET",
        "/?a%20b=c%2Fd",
        NONE,
        "0179b61d2792b37e93b17d6f162bbd79216917b6f0d2dc0a9192d2ff50fcb66b"
    )]
    #[case::blanks_in_a_value(
        "POST", "/", &[("x-odd", "  a   b  ")], "14ddb67eaee5ef9f7fe220c187d793e6c11a6745295a42e84a8ea298c4c96232"
    )]
    #[case::never_signed(
        "POST", "/", &[("User-Agent", "x"), ("x-amzn-trace-id", "y")],
        "71dc268559359282b4a10121a9688651bd9ed7a4f907d6e9429000c47f3262d3"
    )]
    #[case::session_token("POST", "/", NONE, "d1b9f184b97a94e89484531a926666143b697920d89813fd6c354b3481d6a418")]
    fn a_signature_is_the_one_that_botocore_gives(
        #[case] method: &str,
        #[case] target: &str,
        #[case] more: &[(&str, &str)],
        #[case] expected: &str,
    ) {
        let headers =
            [("content-type", "application/x-amz-json-1.1"), ("host", "127.0.0.1:4566"), ("x-amz-target", "A.B")];
        let body = if method == "GET" { Vec::new() } else { b"{}".to_vec() };
        let (method, target) = (method.to_owned(), target.to_owned());
        let headers = headers.iter().chain(more).copied().collect();
        let mut request = Request { method, target, headers, body };
        let mut credentials = Credentials::new("AKID", "secret");
        credentials.session_token = (expected.starts_with("d1b9")).then(|| "token".into());
        let scope = Scope { region: "us-east-1", service: "redshift-serverless" };
        sign(&mut request, &credentials, scope, "2026-11-22T01:02:03Z".parse().unwrap());
        let value = request.headers.get("authorization").unwrap();
        assert!(value.ends_with(&format!("Signature={expected}")), "{value}");
    }
}
