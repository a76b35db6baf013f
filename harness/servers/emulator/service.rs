use subtle::ConstantTimeEq;

use super::errors::Refusal;
use super::protocol::{self, MEDIA_TYPE};
use super::workgroups::Workgroups;
use super::{InvalidOptions, Options, operations, random};
use crate::wire::sigv4::{self, Scope, SignatureError};
use crate::wire::{Headers, Request, Response};

/// The largest request body, in bytes: 1 MiB. The longest valid one has less than 1 KiB.
pub const MAX_REQUEST_BYTES: usize = 1024 * 1024;

/// The service in the credential scope of a signature. Source: the service model's `signingName`.
const SIGNING_NAME: &str = "redshift-serverless";

/// The emulator without its socket: requests in, answers out.
#[derive(Debug)]
pub struct Service {
    options: Options,
    workgroups: Workgroups,
}

impl Service {
    /// A service of these options.
    ///
    /// # Errors
    /// When no request could use the options; see [`Options::check`].
    pub fn new(options: Options) -> Result<Self, InvalidOptions> {
        options.check()?;
        let workgroups = Workgroups::new(&options);
        Ok(Self { options, workgroups })
    }

    /// What it was made of.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The workgroups that it has.
    pub(super) fn workgroups(&self) -> &Workgroups {
        &self.workgroups
    }

    /// Answers one request. The same request gets another password and request id each time; all
    /// else depends on the request, the options, the clock, and the ids that were given at the start.
    pub fn answer(&self, request: &Request) -> Response {
        match self.perform(request) {
            Ok(body) => self.respond(200, body),
            Err(refusal) => self.refuse(&refusal),
        }
    }

    /// The answer that is a refusal.
    pub(super) fn refuse(&self, refusal: &Refusal) -> Response {
        tracing::debug!(status = refusal.status, error = refusal.name, "refused");
        self.respond(refusal.status, refusal.body())
    }

    /// The body of the answer to a call that succeeds. The order of the checks is the order here; what is
    /// checked of the body is the operation's to say.
    fn perform(&self, request: &Request) -> Result<Vec<u8>, Refusal> {
        if request.body.len() > MAX_REQUEST_BYTES {
            return Err(Refusal::too_large(MAX_REQUEST_BYTES));
        }
        let call = operations::named(protocol::called(request)?)?;
        self.authenticate(request)?;
        call(self, &request.body)
    }

    /// Checks who signed the request. A session token that is not the caller's makes the caller unknown.
    fn authenticate(&self, request: &Request) -> Result<(), Refusal> {
        let known = &self.options.credentials;
        let token = request.headers.get("x-amz-security-token");
        let token_fits = match (&known.session_token, token) {
            (Some(known), Some(token)) => known.expose().as_bytes().ct_eq(token.as_bytes()).into(),
            (None, None) => true,
            _ => false,
        };
        let scope = Scope { region: self.options.region.as_str(), service: SIGNING_NAME };
        let verdict = sigv4::verify(request, scope, self.options.clock.now(), |id| {
            (id == known.access_key_id && token_fits).then(|| known.secret_access_key.clone())
        });
        match verdict {
            Ok(_) => Ok(()),
            Err(SignatureError::Missing) => Err(Refusal::missing_authentication_token()),
            Err(SignatureError::Malformed(why)) => Err(Refusal::incomplete_signature(why)),
            Err(SignatureError::UnknownKey) => Err(Refusal::unrecognized_client()),
            Err(why @ (SignatureError::Scope { .. } | SignatureError::Expired | SignatureError::Mismatch)) => {
                Err(Refusal::invalid_signature(why.to_string()))
            }
        }
    }

    /// An answer with the headers that every answer has. Source: Smithy, AWS JSON 1.1, for the media
    /// type and the length; every public record of an AWS answer has a request id and a date.
    fn respond(&self, status: u16, body: Vec<u8>) -> Response {
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&self.options.clock.now());
        let mut headers = Headers::new();
        headers.push("x-amzn-RequestId", random::uuid());
        headers.push("Content-Type", MEDIA_TYPE);
        headers.push("Content-Length", body.len().to_string());
        if let Ok(date) = date {
            headers.push("Date", date);
        }
        Response { status, headers, body }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::super::Clock;
    use super::*;
    use crate::wire::{Credentials, Secret};

    /// 2023-11-14T22:13:20.059Z
    const NOW: i64 = 1_700_000_000_059;

    fn now() -> Timestamp {
        Timestamp::from_millisecond(NOW).unwrap()
    }

    fn service() -> Service {
        Service::new(Options {
            workgroups: vec!["wg-1".into(), "wg-2".into()],
            custom_domains: BTreeMap::from([("db.Example.com".into(), "wg-1".into())]),
            credentials: caller(),
            user: "IAM:alice".into(),
            clock: Clock::new(now),
            ..Options::default()
        })
        .unwrap()
    }

    fn caller() -> Credentials {
        Credentials::new("AKIDEXAMPLE", "a-secret")
    }

    /// A request for an operation, without a signature.
    fn calling(operation: &str, body: &str) -> Request {
        let target = format!("RedshiftServerless.{operation}");
        let headers = [
            ("host", "127.0.0.1:4567"),
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target.as_str()),
        ];
        let headers = headers.into_iter().collect();
        Request { method: "POST".into(), target: "/".into(), headers, body: body.into() }
    }

    fn unsigned(body: &str) -> Request {
        calling("GetCredentials", body)
    }

    fn sign(mut request: Request, credentials: &Credentials, region: &str, at: Timestamp) -> Request {
        sigv4::sign(&mut request, credentials, Scope { region, service: "redshift-serverless" }, at).unwrap();
        request
    }

    fn signed(body: &Value) -> Request {
        sign(unsigned(&body.to_string()), &caller(), "us-east-1", now())
    }

    /// Status and error name of an answer.
    fn refusal(response: &Response) -> (u16, String) {
        let body = response.json().unwrap();
        assert!(!body["message"].as_str().unwrap().is_empty(), "{body}");
        (response.status, body["__type"].as_str().unwrap().to_owned())
    }

    #[rstest]
    #[case::success(json!({"workgroupName": "wg-1"}), 200)]
    #[case::refusal(json!({}), 400)]
    fn every_answer_has_the_headers_of_the_protocol(#[case] body: Value, #[case] status: u16) {
        let response = service().answer(&signed(&body));
        assert_eq!(response.status, status);
        assert_eq!(response.headers.get("content-type"), Some("application/x-amz-json-1.1"));
        assert_eq!(response.headers.get("content-length"), Some(response.body.len().to_string().as_str()));
        assert_eq!(response.headers.get("date"), Some("Tue, 14 Nov 2023 22:13:20 GMT"));
        assert_eq!(response.headers.get("x-amzn-requestid").unwrap().len(), 36);
    }

    #[test]
    fn an_unknown_workgroup_is_not_found() {
        let response = service().answer(&signed(&json!({"workgroupName": "nobody"})));
        assert_eq!(response.status, 400);
        assert_eq!(
            response.json().unwrap(),
            json!({
                "__type": "ResourceNotFoundException",
                "message": "Serverless workgroup nobody not found.",
                "resourceName": "nobody",
            })
        );
    }

    #[rstest]
    #[case::nothing_required("ListWorkgroups", 200)]
    #[case::a_name_required("GetWorkgroup", 400)]
    #[case::one_of_two_names_required("GetCredentials", 400)]
    fn an_empty_body_is_an_empty_input(#[case] operation: &str, #[case] status: u16) {
        let request = sign(calling(operation, ""), &caller(), "us-east-1", now());
        let response = service().answer(&request);
        assert_eq!(response.status, status);
        if status == 400 {
            assert_eq!(refusal(&response), (400, "ValidationException".into()));
        }
    }

    #[test]
    fn a_request_without_a_signature_is_refused() {
        let response = service().answer(&unsigned(r#"{"workgroupName":"wg-1"}"#));
        assert_eq!(refusal(&response), (400, "MissingAuthenticationTokenException".into()));
    }

    #[test]
    fn a_signature_that_cannot_be_read_is_incomplete() {
        let mut request = signed(&json!({"workgroupName": "wg-1"}));
        request.headers.set("authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE");
        assert_eq!(refusal(&service().answer(&request)), (400, "IncompleteSignatureException".into()));
    }

    #[test]
    fn an_unknown_key_is_not_recognised() {
        let request = unsigned(r#"{"workgroupName":"wg-1"}"#);
        let request = sign(request, &Credentials::new("AKIDOTHER", "a-secret"), "us-east-1", now());
        let response = service().answer(&request);
        assert_eq!(response.status, 400);
        assert_eq!(
            response.json().unwrap(),
            json!({
                "__type": "UnrecognizedClientException",
                "message": "The security token included in the request is invalid.",
            })
        );
    }

    #[rstest]
    #[case::secret("another-secret", "us-east-1", NOW)]
    #[case::region("a-secret", "eu-west-1", NOW)]
    #[case::yesterday("a-secret", "us-east-1", NOW - 86_400_000)]
    #[case::tomorrow("a-secret", "us-east-1", NOW + 86_400_000)]
    fn a_wrong_signature_is_invalid(#[case] secret: &str, #[case] region: &str, #[case] at: i64) {
        let request = unsigned(r#"{"workgroupName":"wg-1"}"#);
        let at = Timestamp::from_millisecond(at).unwrap();
        let request = sign(request, &Credentials::new("AKIDEXAMPLE", secret), region, at);
        assert_eq!(refusal(&service().answer(&request)), (400, "InvalidSignatureException".into()));
    }

    #[rstest]
    #[case::right(Some("a-token"), Some("a-token"), true)]
    #[case::wrong(Some("a-token"), Some("b-token"), false)]
    #[case::absent(Some("a-token"), None, false)]
    #[case::unasked(None, Some("a-token"), false)]
    fn a_session_token_must_be_the_callers(
        #[case] known: Option<&str>,
        #[case] sent: Option<&str>,
        #[case] accepted: bool,
    ) {
        let caller_with = |token: Option<&str>| Credentials { session_token: token.map(Secret::from), ..caller() };
        let options = Options { credentials: caller_with(known), ..service().options };
        let request = sign(unsigned(r#"{"workgroupName":"wg-1"}"#), &caller_with(sent), "us-east-1", now());
        let response = Service::new(options).unwrap().answer(&request);
        if accepted {
            assert_eq!(response.status, 200);
        } else {
            assert_eq!(refusal(&response), (400, "UnrecognizedClientException".into()));
        }
    }

    #[test]
    fn a_body_beyond_1_mib_is_too_large() {
        let response = service().answer(&unsigned(&" ".repeat(1024 * 1024 + 1)));
        assert_eq!(refusal(&response), (413, "RequestEntityTooLargeException".into()));
    }

    /// Each request breaks its rule and every later one.
    #[rstest]
    #[case::operation("Other", false, "{", "UnknownOperationException")]
    #[case::signature("GetCredentials", false, "{", "MissingAuthenticationTokenException")]
    #[case::signature_of_another("ListWorkgroups", false, "{", "MissingAuthenticationTokenException")]
    #[case::type_("GetCredentials", true, r#"{"workgroupName":"X","durationSeconds":"1"}"#, "SerializationException")]
    #[case::type_of_another("ListWorkgroups", true, r#"{"maxResults":0,"ownerAccount":1}"#, "SerializationException")]
    #[case::constraint(
        "GetCredentials",
        true,
        r#"{"workgroupName":"nobody","durationSeconds":1}"#,
        "ValidationException"
    )]
    fn what_is_checked_first_decides(
        #[case] operation: &str,
        #[case] with_signature: bool,
        #[case] body: &str,
        #[case] name: &str,
    ) {
        let mut request = calling(operation, body);
        if with_signature {
            request = sign(request, &caller(), "us-east-1", now());
        }
        assert_eq!(refusal(&service().answer(&request)), (400, name.into()));
    }
}
