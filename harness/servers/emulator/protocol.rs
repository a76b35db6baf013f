//! AWS JSON 1.1: which operation a request calls.

use super::errors::Refusal;
use crate::wire::Request;

/// The media type of the protocol. Source: Smithy, AWS JSON 1.1; the service model says `jsonVersion: 1.1`.
pub(super) const MEDIA_TYPE: &str = "application/x-amz-json-1.1";

/// What `X-Amz-Target` begins with, before a dot and the operation. Source: the service model's `targetPrefix`.
const TARGET_PREFIX: &str = "RedshiftServerless";

/// The name of the operation that a request calls, whether or not there is one of this name. Refuses
/// what is no call of this service.
///
/// Source: Smithy, AWS JSON 1.1: a server claims a request with method `POST`, path `/`, the
/// protocol's media type, whose parameters do not count, and `X-Amz-Target: <service>.<operation>`.
pub(super) fn called(request: &Request) -> Result<&str, Refusal> {
    let path = request.target.split('?').next().unwrap_or_default();
    if request.method != "POST" || path != "/" {
        return Err(Refusal::unclaimed("Every operation is a POST of the path /."));
    }
    let content_type = request.headers.get("content-type").unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(MEDIA_TYPE) {
        return Err(Refusal::unclaimed(format!("The Content-Type must be {MEDIA_TYPE}.")));
    }
    request
        .headers
        .get("x-amz-target")
        .and_then(|target| target.strip_prefix(TARGET_PREFIX)?.strip_prefix('.'))
        .ok_or_else(|| Refusal::unknown_operation(format!("The X-Amz-Target must be {TARGET_PREFIX}.<operation>.")))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::wire::Headers;

    fn call(method: &str, target: &str, content_type: Option<&str>, operation: Option<&str>) -> Request {
        let mut headers = Headers::new();
        if let Some(value) = content_type {
            headers.push("Content-Type", value);
        }
        if let Some(value) = operation {
            headers.push("x-amz-target", value);
        }
        Request { method: method.into(), target: target.into(), headers, body: b"{}".to_vec() }
    }

    const JSON: Option<&str> = Some("application/x-amz-json-1.1");
    const CALL: Option<&str> = Some("RedshiftServerless.GetCredentials");

    #[rstest]
    #[case::plain(JSON)]
    #[case::parameters(Some("application/x-amz-json-1.1; charset=utf-8"))]
    #[case::letter_case(Some("Application/X-AMZ-JSON-1.1"))]
    fn a_call_is_claimed(#[case] content_type: Option<&str>) {
        assert_eq!(called(&call("POST", "/", content_type, CALL)), Ok("GetCredentials"));
    }

    #[rstest]
    #[case::get(call("GET", "/", JSON, CALL))]
    #[case::path(call("POST", "/x", JSON, CALL))]
    #[case::no_media_type(call("POST", "/", None, CALL))]
    #[case::older_protocol(call("POST", "/", Some("application/x-amz-json-1.0"), CALL))]
    #[case::plain_json(call("POST", "/", Some("application/json"), CALL))]
    fn what_is_not_of_this_protocol_is_unknown_with_404(#[case] request: Request) {
        let refusal = called(&request).unwrap_err();
        assert_eq!((refusal.status, refusal.name), (404, "UnknownOperationException"));
    }

    #[rstest]
    #[case::no_target(None)]
    #[case::no_prefix(Some("GetCredentials"))]
    #[case::other_service(Some("Redshift.GetCredentials"))]
    #[case::longer_prefix(Some("RedshiftServerlessX.GetCredentials"))]
    #[case::letter_case(Some("redshiftserverless.GetCredentials"))]
    fn another_service_is_unknown_with_400(#[case] target: Option<&str>) {
        let refusal = called(&call("POST", "/", JSON, target)).unwrap_err();
        assert_eq!((refusal.status, refusal.name), (400, "UnknownOperationException"));
    }
}
