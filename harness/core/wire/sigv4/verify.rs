use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use subtle::ConstantTimeEq;

use super::{ALGORITHM, Scope, sha256, signature};
use crate::wire::{Request, Secret};

/// How far a signature's date may be from the server's clock, in seconds.
/// Source: the AWS documentation speaks of five minutes. S3's error reference gives fifteen for `RequestTimeTooSkewed`,
/// and clients rely on these. The longer limit is taken.
const SIGNATURE_VALID_SECONDS: i64 = 15 * 60;

/// Why a signature is refused, in the order of the checks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no `Authorization` header.
    #[error("the request has no Authorization header")]
    Missing,
    /// The header cannot be read, or a header that it needs is missing or cannot be read.
    #[error("{0}")]
    Malformed(String),
    /// Nobody has this access key id.
    #[error("the access key id is not known")]
    UnknownKey,
    /// The credential scope names another region, another service or another day than this server and the signature's
    /// date.
    #[error("the credential scope is {found}, expected {expected}")]
    Scope {
        /// The scope of this server.
        expected: String,
        /// The scope in the header.
        found: String,
    },
    /// The date is too far from the server's clock.
    #[error("the signature's date is more than {} minutes from the server's clock", SIGNATURE_VALID_SECONDS / 60)]
    Expired,
    /// The signature is not the one that the secret gives for this request, or it does not cover the date or the body.
    #[error("the signature does not match the request")]
    Mismatch,
}

/// Checks the signature of a received request, and returns the access key id that signed it.
///
/// `secret_of` looks up the secret of an access key id; `now` is the server's clock.
///
/// # Errors
/// The first [`SignatureError`] that applies.
pub fn verify(
    request: &Request,
    scope: Scope<'_>,
    now: Timestamp,
    secret_of: impl FnOnce(&str) -> Option<Secret>,
) -> Result<String, SignatureError> {
    let header = request.headers.get("authorization").map(str::trim).filter(|value| !value.is_empty());
    let claim = AuthorizationParts::read(header.ok_or(SignatureError::Missing)?)?;
    let (at, stamp) = signing_time(request)?;
    let secret = secret_of(claim.access_key_id).ok_or(SignatureError::UnknownKey)?;

    let expected = scope.at(stamp);
    if claim.scope != expected {
        return Err(SignatureError::Scope { expected, found: claim.scope.to_owned() });
    }
    if (now.as_second() - at.as_second()).abs() > SIGNATURE_VALID_SECONDS {
        return Err(SignatureError::Expired);
    }
    // A sender that signs a hash of another body signed another body.
    let stated_hash = request.headers.get("x-amz-content-sha256").filter(|_| claim.signs("x-amz-content-sha256"));
    let signature = signature(request, &claim.signed_headers(request), &secret, scope, stamp);
    let fits = bool::from(signature.as_bytes().ct_eq(claim.signature.as_bytes()));
    if fits && claim.signs("x-amz-date") && stated_hash.is_none_or(|hash| hash == sha256(&request.body)) {
        Ok(claim.access_key_id.to_owned())
    } else {
        Err(SignatureError::Mismatch)
    }
}

/// The region in the credential scope of a signature, which the sender states and nobody has checked.
pub fn claimed_region(request: &Request) -> Option<&str> {
    let header = request.headers.get("authorization").map(str::trim)?;
    AuthorizationParts::read(header).ok()?.scope.split('/').nth(1)
}

/// The parts of an `Authorization` header.
struct AuthorizationParts<'a> {
    access_key_id: &'a str,
    /// `<date>/<region>/<service>/aws4_request`
    scope: &'a str,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

impl<'a> AuthorizationParts<'a> {
    fn read(header: &'a str) -> Result<Self, SignatureError> {
        let fields = header.strip_prefix(ALGORITHM).filter(|rest| rest.starts_with(' ')).ok_or_else(|| {
            SignatureError::Malformed(format!("the Authorization header does not begin with {ALGORITHM}"))
        })?;
        let field = |name: &str| {
            fields
                .split(',')
                .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
                .filter(|value| !value.is_empty())
                .ok_or_else(|| SignatureError::Malformed(format!("the Authorization header has no {name}")))
        };
        let credential = field("Credential")?;
        let malformed = || {
            SignatureError::Malformed("the Credential is not <key>/<date>/<region>/<service>/aws4_request".to_owned())
        };
        let (access_key_id, scope) = credential.split_once('/').ok_or_else(malformed)?;
        if access_key_id.is_empty() || scope.split('/').count() != 4 {
            return Err(malformed());
        }
        let signed_headers: Vec<_> = field("SignedHeaders")?.split(';').collect();
        if !signed_headers.contains(&"host") {
            return Err(SignatureError::Malformed("the SignedHeaders do not include host".to_owned()));
        }
        Ok(Self { access_key_id, scope, signed_headers, signature: field("Signature")? })
    }

    /// Whether the sender says that it signed this header, whose name is in lower case.
    fn signs(&self, name: &str) -> bool {
        self.signed_headers.contains(&name)
    }

    /// The headers of a request that the sender says it signed: names in lower case, sorted, each once.
    fn signed_headers(&self, request: &Request) -> Vec<String> {
        let names = request.headers.iter().map(|(name, _)| name.to_ascii_lowercase());
        let mut signed: Vec<String> = names.filter(|name| self.signs(name)).collect();
        signed.sort_unstable();
        signed.dedup();
        signed
    }
}

/// The time in `X-Amz-Date`, as an instant and as it was written (`20261122T010203Z`).
fn signing_time(request: &Request) -> Result<(Timestamp, &str), SignatureError> {
    let malformed =
        |what: &str| SignatureError::Malformed(format!("{what} X-Amz-Date header, such as 20150830T123600Z"));
    let stamp = request.headers.get("x-amz-date").ok_or_else(|| malformed("the request needs an"))?;
    let readable = stamp.len() == 16 && stamp.is_ascii() && stamp.ends_with('Z');
    let time = readable.then(|| DateTime::from_str(&stamp[..15]).ok()).flatten();
    let at = time
        .and_then(|time| TimeZone::UTC.to_timestamp(time).ok())
        .ok_or_else(|| malformed("the request needs a readable"))?;
    Ok((at, stamp))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::wire::Credentials;
    use crate::wire::sigv4::sign;

    const SCOPE: Scope<'static> = Scope { region: "us-east-1", service: "redshift-serverless" };

    fn now() -> Timestamp {
        "2026-11-22T01:02:03Z".parse().expect("a valid time")
    }

    fn signed() -> Request {
        signed_by(&Credentials::new("AKID", "secret"))
    }

    fn signed_by(credentials: &Credentials) -> Request {
        let headers =
            [("host", "127.0.0.1:4566"), ("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "A.B")];
        let mut request = Request {
            method: "POST".into(),
            target: "/".into(),
            headers: headers.into_iter().collect(),
            body: b"{}".to_vec(),
        };
        sign(&mut request, credentials, SCOPE, now());
        request
    }

    fn check(request: &Request) -> Result<String, SignatureError> {
        verify(request, SCOPE, now(), |id| (id == "AKID").then(|| "secret".into()))
    }

    #[test]
    fn what_was_signed_is_accepted() {
        assert_eq!(check(&signed()), Ok("AKID".to_owned()));
    }

    #[test]
    fn the_region_that_a_signature_claims_is_read_from_it() {
        assert_eq!(claimed_region(&signed()), Some("us-east-1"));
        for value in ["", "Basic YTpi", "AWS4-HMAC-SHA256 Credential=AKID/20261122, SignedHeaders=host, Signature=00"] {
            let mut request = signed();
            request.headers.set("authorization", value);
            assert_eq!(claimed_region(&request), None, "{value}");
        }
    }

    #[test]
    fn a_session_token_is_signed_and_accepted() {
        let credentials = Credentials::new("AKID", "secret").with_session_token(Some("token".into()));
        let request = signed_by(&credentials);
        assert_eq!(request.headers.get("x-amz-security-token"), Some("token"));
        assert_eq!(check(&request), Ok("AKID".to_owned()));
    }

    #[rstest]
    #[case::secret(signed_by(&Credentials::new("AKID", "other")), SignatureError::Mismatch)]
    #[case::key(signed_by(&Credentials::new("OTHER", "secret")), SignatureError::UnknownKey)]
    fn other_credentials_are_refused(#[case] request: Request, #[case] error: SignatureError) {
        assert_eq!(check(&request), Err(error));
    }

    type Tampering = fn(&mut Request);

    #[rstest]
    #[case::body(|r: &mut Request| r.body = b"[]".to_vec())]
    #[case::host(|r: &mut Request| r.headers.set("host", "127.0.0.1:1"))]
    #[case::target(|r: &mut Request| r.headers.set("x-amz-target", "A.C"))]
    #[case::path(|r: &mut Request| r.target = "/x".into())]
    #[case::method(|r: &mut Request| r.method = "GET".into())]
    fn anything_changed_after_signing_is_a_mismatch(#[case] change: Tampering) {
        let mut request = signed();
        change(&mut request);
        assert_eq!(check(&request), Err(SignatureError::Mismatch));
    }

    #[rstest]
    #[case::empty("")]
    #[case::blank("  ")]
    fn no_authorization_is_missing(#[case] value: &str) {
        let mut request = signed();
        request.headers.set("authorization", value);
        assert_eq!(check(&request), Err(SignatureError::Missing));
    }

    #[rstest]
    #[case::scheme("Basic YTpi")]
    #[case::no_fields("AWS4-HMAC-SHA256")]
    #[case::no_credential("AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00")]
    #[case::short_scope("AWS4-HMAC-SHA256 Credential=AKID/20261122, SignedHeaders=host, Signature=00")]
    #[case::no_signature(
        "AWS4-HMAC-SHA256 Credential=AKID/20261122/us-east-1/redshift-serverless/aws4_request, SignedHeaders=host"
    )]
    #[case::host_unsigned(
        "AWS4-HMAC-SHA256 Credential=AKID/20261122/us-east-1/redshift-serverless/aws4_request, SignedHeaders=date, Signature=00"
    )]
    fn a_header_that_cannot_be_read_is_malformed(#[case] value: &str) {
        let mut request = signed();
        request.headers.set("authorization", value);
        assert!(matches!(check(&request), Err(SignatureError::Malformed(_))));
    }

    #[rstest]
    #[case::absent(None)]
    #[case::garbage(Some("yesterday"))]
    #[case::not_ascii(Some("2026112é010203Z"))]
    fn a_date_that_cannot_be_read_is_malformed(#[case] date: Option<&str>) {
        let mut request = signed();
        request.headers.remove("x-amz-date");
        if let Some(date) = date {
            request.headers.set("x-amz-date", date);
        }
        assert!(matches!(check(&request), Err(SignatureError::Malformed(_))));
    }

    #[test]
    fn a_date_a_quarter_of_an_hour_off_is_expired() {
        let request = signed();
        let later = Timestamp::from_second(now().as_second() + SIGNATURE_VALID_SECONDS + 1).expect("in range");
        let verdict = verify(&request, SCOPE, later, |_| Some("secret".into()));
        assert_eq!(verdict, Err(SignatureError::Expired));
    }

    #[test]
    fn another_region_is_a_wrong_scope() {
        let request = signed();
        let scope = Scope { region: "eu-west-1", service: "redshift-serverless" };
        let verdict = verify(&request, scope, now(), |_| Some("secret".into()));
        assert!(matches!(verdict, Err(SignatureError::Scope { .. })), "{verdict:?}");
    }

    /// The example of the AWS General Reference, a GET on `iam`. The other tests use signatures of our own signer; this
    /// one uses a published signature.
    #[test]
    fn the_published_example_of_the_aws_documentation_is_accepted() {
        let request = Request {
            method: "GET".into(),
            target: "/?Action=ListUsers&Version=2010-05-08".into(),
            headers: [
                ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
                ("Host", "iam.amazonaws.com"),
                ("X-Amz-Date", "20150830T123600Z"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
                     SignedHeaders=content-type;host;x-amz-date, \
                     Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
                ),
            ]
            .into_iter()
            .collect(),
            body: Vec::new(),
        };
        let scope = Scope { region: "us-east-1", service: "iam" };
        let at = "2015-08-30T12:36:00Z".parse().expect("a valid time");
        let verdict = verify(&request, scope, at, |_| Some("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into()));
        assert_eq!(verdict, Ok("AKIDEXAMPLE".to_owned()));
    }
}
