use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Response;

/// Names of errors, without namespace and URI.
#[derive(Clone, Copy, Debug)]
pub struct ErrorNames(&'static str);

impl ErrorNames {
    /// Every name.
    pub fn iter(self) -> impl Iterator<Item = &'static str> {
        self.0.split(' ')
    }

    /// Whether a name is one of them.
    pub fn has(self, name: &str) -> bool {
        self.iter().any(|known_name| known_name == name)
    }
}

/// The names by which services of AWS say that a caller sends too many requests.
/// Source: the throttling list that botocore and the Rust SDK share.
pub(super) const THROTTLING: ErrorNames = ErrorNames(
    "Throttling ThrottlingException ThrottledException RequestThrottledException TooManyRequestsException \
     ProvisionedThroughputExceededException TransactionInProgressException RequestLimitExceeded \
     BandwidthLimitExceeded LimitExceededException RequestThrottled SlowDown PriorRequestNotComplete \
     EC2ThrottledException",
);

/// The names by which services of AWS say that a request did not arrive in time.
/// Source: botocore's list of transient errors.
pub(super) const TIMEOUT: ErrorNames = ErrorNames("RequestTimeout RequestTimeoutException");

/// The names by which services of AWS deny access to an identity that they know.
/// Source: Common Errors, `AccessDeniedException` and `NotAuthorized`, with and without the ending.
pub(super) const DENIAL: ErrorNames =
    ErrorNames("AccessDeniedException AccessDenied NotAuthorized NotAuthorizedException");

/// The names by which services of AWS say that credentials or a signature have expired.
/// Source: Common Errors, `ExpiredTokenException` and `RequestExpired`, with and without the ending.
pub(super) const EXPIRED: ErrorNames = ErrorNames("ExpiredTokenException ExpiredToken RequestExpired");

/// Names by which servers say that they do not know an operation.
pub const UNKNOWN_OPERATION: ErrorNames = ErrorNames(
    "UnknownOperationException UnknownOperation UnknownAction InvalidAction InvalidActionException \
     UnsupportedOperationException UnsupportedOperation",
);

/// Names by which servers say that they have not implemented an operation.
pub const NOT_IMPLEMENTED: ErrorNames = ErrorNames("NotImplemented NotImplementedException NotImplementedError");

/// Names by which servers say that they do not know a service.
pub const UNKNOWN_SERVICE: ErrorNames = ErrorNames("UnknownService UnknownServiceException ServiceNotFound");

/// Names by which servers refuse credentials or a signature. A denial belongs here: with an identity
/// that may not call the operation, nothing can be judged.
pub const REFUSED_CREDENTIALS: ErrorNames = ErrorNames(
    "UnrecognizedClientException InvalidClientTokenId InvalidSignatureException SignatureDoesNotMatch \
     IncompleteSignature IncompleteSignatureException MissingAuthenticationToken \
     MissingAuthenticationTokenException ExpiredTokenException ExpiredToken AccessDeniedException AccessDenied \
     NotAuthorized NotAuthorizedException RequestExpired OptInRequired",
);

/// The error's name in an answer, without namespace and URI: from the body's `__type`, from the
/// header `x-amzn-errortype`, or from the body's `code`.
/// Source: Smithy, AWS JSON 1.1, operation error serialization.
pub fn error_type(response: &Response) -> Option<String> {
    let body = response.json();
    error_types(response, body.as_ref()).map(|(_, text)| bare_type(text).to_owned()).next()
}

/// A place where an error's name may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NamePlace {
    /// The body's `__type`.
    Type,
    /// The header `x-amzn-errortype`.
    Header,
    /// The body's `code`.
    Code,
}

/// Every place that gives the error's type, with its text as sent. Clients disagree on the order of the last two.
/// Services also use `code` for numbers and words of their own, so it counts only if it has the form of a shape's name.
pub fn error_types<'a>(response: &'a Response, body: Option<&'a Value>) -> impl Iterator<Item = (NamePlace, &'a str)> {
    let member = move |name: &str| body.and_then(|body| body.get(name)).and_then(Value::as_str);
    [
        (NamePlace::Type, member("__type")),
        (NamePlace::Header, response.headers.get("x-amzn-errortype")),
        (NamePlace::Code, member("code").filter(|text| is_shape_name(bare_type(text)))),
    ]
    .into_iter()
    .filter_map(|(place, text)| Some((place, text?)))
    .filter(|(_, text)| !bare_type(text).is_empty())
}

/// Whether a text has the form of a shape's name: `ValidationException`, not `400` or `NOT_FOUND`.
fn is_shape_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
        && text.bytes().any(|byte| byte.is_ascii_lowercase())
}

/// An error type without its namespace (up to `#`) and its URI (from `:`).
/// Source: Smithy, AWS JSON 1.1, operation error serialization.
pub fn bare_type(text: &str) -> &str {
    let text = text.split(':').next().unwrap_or_default();
    text.split_once('#').map_or(text, |(_, name)| name).trim()
}

impl Response {
    /// Whether the answer says that the caller should slow down and try again.
    pub fn is_throttled(&self) -> bool {
        matches!(self.status, 429 | 503) || self.is_refused_as(THROTTLING)
    }

    /// Whether the service failed, or did not get the request in time: the same request may succeed when it is sent
    /// again. An operation that is not implemented (501) never succeeds.
    pub fn is_fault(&self) -> bool {
        (self.status >= 500 && self.status != 501) || self.is_timeout()
    }

    /// Whether the answer says that the request did not arrive in time.
    pub fn is_timeout(&self) -> bool {
        self.status == 408 || self.is_refused_as(TIMEOUT)
    }

    /// Whether the answer denies access to an identity that the service knows.
    pub fn is_denial(&self) -> bool {
        self.status < 500 && self.is_refused_as(DENIAL)
    }

    /// Whether the answer says that the credentials or the signature have expired.
    pub fn is_expired(&self) -> bool {
        self.status < 500 && self.is_refused_as(EXPIRED)
    }

    fn is_refused_as(&self, names: ErrorNames) -> bool {
        self.status >= 400 && error_type(self).is_some_and(|error| names.has(&error))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::wire::Headers;

    // The forms that Smithy's protocol tests give for one error.
    #[rstest]
    #[case("FooError", "FooError")]
    #[case("aws.protocoltests.json#FooError", "FooError")]
    #[case("FooError:http://internal.amazon.com/coral/com.amazon.coral.validate/", "FooError")]
    #[case("aws.protocoltests.json#FooError:http://internal.amazon.com/coral/", "FooError")]
    fn a_type_loses_namespace_and_uri(#[case] text: &str, #[case] name: &str) {
        assert_eq!(bare_type(text), name);
    }

    fn response(headers: &[(&str, &str)], body: &str) -> Response {
        Response { status: 400, headers: headers.iter().copied().collect::<Headers>(), body: body.into() }
    }

    #[rstest]
    #[case::body(&[], r#"{"__type":"a#B"}"#, Some("B"))]
    #[case::code(&[], r#"{"code":"Bad"}"#, Some("Bad"))]
    #[case::code_that_is_no_name(&[], r#"{"code":"NOT_FOUND"}"#, None)]
    #[case::number_in_code_beside_a_header(&[("x-amzn-errortype", "Bad")], r#"{"code":"400"}"#, Some("Bad"))]
    #[case::header_before_code(&[("x-amzn-errortype", "Bad")], r#"{"code":"Worse"}"#, Some("Bad"))]
    #[case::header(&[("X-Amzn-ErrorType", "B:http://x")], "", Some("B"))]
    #[case::body_first(&[("x-amzn-errortype", "C")], r#"{"__type":"B"}"#, Some("B"))]
    #[case::number(&[], r#"{"__type":1}"#, None)]
    #[case::blank(&[], r#"{"__type":""}"#, None)]
    #[case::nested(&[], r#"{"a":{"__type":"B"}}"#, None)]
    #[case::text(&[], "<html>", None)]
    fn an_error_type_is_found_where_the_protocol_allows_it(
        #[case] headers: &[(&str, &str)],
        #[case] body: &str,
        #[case] expected: Option<&str>,
    ) {
        assert_eq!(error_type(&response(headers, body)).as_deref(), expected);
    }

    #[rstest]
    #[case::throttled(400, "SlowDown", [true, false, false, false])]
    #[case::busy(503, "ServiceUnavailable", [true, true, false, false])]
    #[case::failed(500, "InternalServerException", [false, true, false, false])]
    #[case::not_implemented(501, "NotImplemented", [false, false, false, false])]
    #[case::late(400, "RequestTimeoutException", [false, true, false, false])]
    #[case::late_without_a_name(408, "", [false, true, false, false])]
    #[case::denied(400, "AccessDeniedException", [false, false, true, false])]
    #[case::not_authorized(401, "NotAuthorized", [false, false, true, false])]
    #[case::denied_by_a_fault(500, "AccessDeniedException", [false, true, false, false])]
    #[case::expired(403, "ExpiredTokenException", [false, false, false, true])]
    #[case::invalid(400, "ValidationException", [false, false, false, false])]
    #[case::success(200, "AccessDeniedException", [false, false, false, false])]
    fn what_a_refusal_is_about_is_told_by_status_and_name(
        #[case] status: u16,
        #[case] name: &str,
        #[case] expected: [bool; 4],
    ) {
        let response = Response { status, ..response(&[], &format!(r#"{{"__type":"{name}"}}"#)) };
        let found = [response.is_throttled(), response.is_fault(), response.is_denial(), response.is_expired()];
        assert_eq!(found, expected);
    }
}
