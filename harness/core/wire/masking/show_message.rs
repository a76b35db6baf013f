//! Shows a message: header fields without credentials, texts bounded in size.

use jiff::fmt::rfc2822;

use super::Masker;
use super::mask::{mask_identities, quote};
use super::public_words::is_public_word;
use super::secrets::is_secret_name;
use crate::text::cut;
use crate::wire::{Headers, Request};

const FIELDS_LIMIT: usize = 32;

/// The most characters that are shown of a request's line, of each of its fields and of its body.
const BODY_LIMIT: usize = 1_000;

pub(super) fn carries_credential(name: &str) -> bool {
    const SECRET: [&str; 6] =
        ["authorization", "proxy-authorization", "x-amz-security-token", "cookie", "set-cookie", "www-authenticate"];
    SECRET.iter().any(|field| field.eq_ignore_ascii_case(name))
}

/// Whether the name of an answer's header field says that it may hold a secret. A target may choose any name.
pub(crate) fn may_hold_secret(name: &str) -> bool {
    const PARTS: [&str; 3] = ["user", "auth", "session"];
    let lower = name.to_ascii_lowercase();
    let by_name = || !is_public_word(&lower) && is_secret_name(name).is_some();
    carries_credential(name) || PARTS.iter().any(|part| lower.contains(part)) || by_name()
}

/// Whether a text is a date as HTTP writes it.
/// Source: RFC 9110, section 5.6.7: 29 characters.
fn is_date(text: &str) -> bool {
    text.len() == 29 && !text.contains('(') && rfc2822::parse(text).is_ok()
}

/// Whether a text is a number of at most seven digits: the length of a body has no more.
fn is_short_number(text: &str) -> bool {
    (1..=7).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The header fields of one of our requests. Of a signature, only the scope and the names of the signed fields are
/// shown: they say what was signed.
pub fn fields_sent(headers: &Headers, masker: &Masker) -> Vec<(String, String)> {
    show_fields(headers, |name, value| {
        let value = match name {
            _ if name.eq_ignore_ascii_case("authorization") => authorization(value),
            _ if carries_credential(name) => "***".to_owned(),
            _ => shortened(&masker.mask(&mask_identities(value))),
        };
        (name.to_owned(), value)
    })
}

/// The header fields of an answer: as [`Masker::quote`] quotes them.
pub fn fields_received(headers: &Headers, masker: &Masker) -> Vec<(String, String)> {
    show_fields(headers, |name, value| {
        let value = match name {
            _ if may_hold_secret(name) => "***".to_owned(),
            _ if name.eq_ignore_ascii_case("date") && is_date(value) => value.to_owned(),
            // Anybody can count the bytes, so the length is no secret.
            _ if name.eq_ignore_ascii_case("content-length") && is_short_number(value) => value.to_owned(),
            _ => masker.quote(value),
        };
        (masker.quote_name(name), value)
    })
}

/// The method and path of one of our requests.
pub fn line_sent(request: &Request, masker: &Masker) -> String {
    shortened(&masker.mask(&format!("{} {}", request.method, request.target)))
}

/// The body of one of our requests, with secrets masked: a request holds names and numbers.
pub fn body_sent(request: &Request, masker: &Masker) -> String {
    shortened(&masker.mask(&mask_identities(&String::from_utf8_lossy(&request.body))))
}

fn show_fields(headers: &Headers, show: impl Fn(&str, &str) -> (String, String)) -> Vec<(String, String)> {
    let mut fields: Vec<_> = headers.iter().take(FIELDS_LIMIT).map(|(name, value)| show(name, value)).collect();
    let more = headers.iter().count() - fields.len();
    if more > 0 {
        fields.push(("…".to_owned(), format!("{more} more")));
    }
    fields
}

/// An `Authorization` header without key id and signature.
fn authorization(value: &str) -> String {
    let part = |part: &str| match part.split_once('=') {
        Some((name, scope)) if name.ends_with("Credential") => {
            let scope = scope.split_once('/').map_or(String::new(), |(_, scope)| format!("/{scope}"));
            format!("{name}=***{scope}")
        }
        Some((name, _)) if name.ends_with("Signature") => format!("{name}=***"),
        Some(("SignedHeaders", _)) => part.to_owned(),
        _ => quote(part),
    };
    shortened(&value.split(", ").map(part).collect::<Vec<_>>().join(", "))
}

fn shortened(text: &str) -> String {
    cut(text, BODY_LIMIT).into_owned()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::whole(
        "AWS4-HMAC-SHA256 Credential=CANARY/20261122/us-east-1/redshift-serverless/aws4_request, SignedHeaders=host;x-amz-date, Signature=CANARY",
        "AWS4-HMAC-SHA256 Credential=***/20261122/us-east-1/redshift-serverless/aws4_request, SignedHeaders=host;x-amz-date, Signature=***"
    )]
    #[case::no_scope("AWS4-HMAC-SHA256 Credential=CANARY", "AWS4-HMAC-SHA256 Credential=***")]
    #[case::another_scheme(
        "Bearer Credential=CANARY/20261122, Signature=CANARY",
        "Bearer Credential=***/20261122, Signature=***"
    )]
    #[case::unknown_field("AWS4-HMAC-SHA256 Token=CANARY7f", "AWS4-HMAC-SHA256 Token=***")]
    fn a_signature_keeps_its_scope_and_loses_key_and_value(#[case] sent: &str, #[case] expected: &str) {
        let fields = fields_sent(&Headers::from_iter([("Authorization", sent)]), &Masker::default());
        assert_eq!(fields, [("Authorization".to_owned(), expected.to_owned())]);
    }

    #[rstest]
    #[case("set-cookie", "CANARY")]
    #[case("X-Amz-Security-Token", "CANARY")]
    #[case("x-db-user", "CANARY")]
    #[case("x-password", "CANARY")]
    #[case("x-note", "password=CANARY")]
    #[case("x-identity", "arn:aws:iam::123456789012:user/CANARY")]
    #[case("x-echo", "CANARY")]
    fn no_field_of_an_answer_gives_a_secret_away(#[case] name: &str, #[case] value: &str) {
        let fields = fields_received(&Headers::from_iter([(name, value)]), &Masker::new(["canary".to_owned()]));
        assert_eq!(fields[0].0, name);
        assert!(!fields[0].1.contains("CANARY") && fields[0].1.contains("***"), "{fields:?}");
    }

    #[rstest]
    #[case("date", "Sun, 22 Nov 2026 05:02:41 GMT")]
    #[case("content-length", "141")]
    #[case("content-type", "application/x-amz-json-1.1")]
    #[case("x-amzn-errortype", "ValidationException")]
    fn plain_fields_of_an_answer_stay_whole(#[case] name: &str, #[case] value: &str) {
        let fields = fields_received(&Headers::from_iter([(name, value)]), &Masker::default());
        assert_eq!(fields, [(name.to_owned(), value.to_owned())]);
    }

    #[test]
    fn a_flood_of_fields_is_counted_and_a_long_body_is_cut() {
        let headers: Headers = (0..40).map(|number| (format!("x-{number}"), "1")).collect();
        let fields = fields_received(&headers, &Masker::default());
        assert_eq!((fields.len(), fields[32].1.as_str()), (33, "8 more"));
        let request =
            Request { method: "POST".into(), target: "/".into(), headers, body: "é".repeat(5_000).into_bytes() };
        assert_eq!(body_sent(&request, &Masker::default()).chars().count(), BODY_LIMIT + 1);
    }

    #[test]
    fn a_body_is_shown_with_its_names_and_numbers_and_without_accounts() {
        let body = br#"{"workgroupName":"wg-0a1b2c3d4e","dbName":"arn:aws:iam::123456789012:user/a","x":"CANARY"}"#;
        let request =
            Request { method: "POST".into(), target: "/".into(), headers: Headers::new(), body: body.to_vec() };
        let expected = r#"{"workgroupName":"wg-0a1b2c3d4e","dbName":"arn:aws:iam::***:user/***","x":"***"}"#;
        assert_eq!(body_sent(&request, &Masker::new(["CANARY".to_owned()])), expected);
    }
}
