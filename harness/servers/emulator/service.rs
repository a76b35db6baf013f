use serde::Serialize;
use subtle::ConstantTimeEq;

use super::errors::Refusal;
use super::protocol::{self, Input};
use super::{InvalidOptions, Options, random, validation};
use crate::wire::sigv4::{self, Scope, SignatureError};
use crate::wire::{Headers, MEDIA_TYPE, Request, Response, SIGNING_NAME};

/// The largest request body, in bytes: 1 MiB. The longest valid one has less than 1 KiB.
pub const MAX_REQUEST_BYTES: usize = 1024 * 1024;

/// How long a password holds when the caller does not say, in seconds. Source: the API reference.
const DEFAULT_DURATION_SECONDS: i32 = 900;

/// From a call to its `nextRefreshTime`, in seconds. Source: the one public record of a real answer,
/// in the readme of mashiike/redshift-credentials.
const REFRESH_SECONDS: i32 = 7200;

/// The emulator without its socket: requests in, answers out.
#[derive(Debug)]
pub struct Service {
    options: Options,
}

/// The answer to a call that succeeds; members and their order as in the API reference.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Output<'a> {
    db_password: &'a str,
    db_user: &'a str,
    /// Seconds since 1970, with milliseconds: the protocol's form of a timestamp.
    expiration: f64,
    next_refresh_time: f64,
}

impl Service {
    /// A service of these options.
    ///
    /// # Errors
    /// When no request could use the options; see [`Options::check`].
    pub fn new(options: Options) -> Result<Self, InvalidOptions> {
        options.check()?;
        Ok(Self { options })
    }

    /// What it was made of.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Answers one request. The same request gets another password and request id each time; all
    /// else depends on the request, the options and the clock.
    pub fn answer(&self, request: &Request) -> Response {
        match self.credentials(request) {
            Ok(body) => self.respond(200, body),
            Err(refusal) => self.refuse(&refusal),
        }
    }

    /// The answer that is a refusal.
    pub(super) fn refuse(&self, refusal: &Refusal) -> Response {
        tracing::debug!(status = refusal.status, error = refusal.name, "refused");
        self.respond(refusal.status, refusal.body())
    }

    /// The body of the answer to a call that succeeds. The order of the checks is the order here.
    fn credentials(&self, request: &Request) -> Result<Vec<u8>, Refusal> {
        if request.body.len() > MAX_REQUEST_BYTES {
            return Err(Refusal::too_large(MAX_REQUEST_BYTES));
        }
        protocol::route(request)?;
        self.authenticate(request)?;
        let input = protocol::read(&request.body)?;
        validation::check(&input)?;
        self.look_up(&input)?;
        Ok(self.issue(input.duration_seconds.unwrap_or(DEFAULT_DURATION_SECONDS)))
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

    /// Finds the workgroup that is meant. Where both names are given they must mean the same one.
    fn look_up(&self, input: &Input) -> Result<(), Refusal> {
        let Options { workgroups, custom_domains, .. } = &self.options;
        if let Some(name) = &input.workgroup_name
            && !workgroups.contains(name)
        {
            // Source of the wording: a real answer of this operation, amazon-redshift-jdbc-driver #137.
            return Err(Refusal::not_found(name, format!("Serverless workgroup {name} not found.")));
        }
        let Some(domain) = &input.custom_domain_name else { return Ok(()) };
        let workgroup = custom_domains
            .iter()
            .find_map(|(name, workgroup)| name.eq_ignore_ascii_case(domain).then_some(workgroup))
            .ok_or_else(|| Refusal::not_found(domain, format!("Custom domain {domain} not found.")))?;
        match &input.workgroup_name {
            Some(name) if name != workgroup => Err(Refusal::validation(format!(
                "The custom domain {domain} is not associated with the workgroup {name}."
            ))),
            _ => Ok(()),
        }
    }

    /// New credentials that hold for so many seconds, as JSON.
    fn issue(&self, seconds: i32) -> Vec<u8> {
        let now = self.options.clock.now().as_millisecond();
        let after = |seconds: i32| jiff::SignedDuration::from_millis(now + i64::from(seconds) * 1000).as_secs_f64();
        let password = random::password();
        let output = Output {
            db_password: password.expose(),
            db_user: &self.options.user,
            expiration: after(seconds),
            next_refresh_time: after(REFRESH_SECONDS),
        };
        serde_json::to_vec(&output).expect("two texts and two finite numbers are JSON")
    }

    /// An answer with the headers that every answer has. Source: Smithy, AWS JSON 1.1, for the media
    /// type and the length; every public record of an AWS answer has a request id and a date.
    fn respond(&self, status: u16, body: Vec<u8>) -> Response {
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&self.options.clock.now());
        let mut headers = Headers::new();
        headers.push("x-amzn-RequestId", random::request_id());
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
            credentials: Credentials::new("AKIDEXAMPLE", "a-secret"),
            user: "IAM:alice".into(),
            clock: Clock::new(now),
            ..Options::default()
        })
        .unwrap()
    }

    fn unsigned(body: &str) -> Request {
        let headers = [
            ("host", "127.0.0.1:4567"),
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", "RedshiftServerless.GetCredentials"),
        ];
        let headers = headers.into_iter().collect();
        Request { method: "POST".into(), target: "/".into(), headers, body: body.into() }
    }

    fn sign(mut request: Request, credentials: &Credentials, region: &str, at: Timestamp) -> Request {
        sigv4::sign(&mut request, credentials, Scope { region, service: "redshift-serverless" }, at).unwrap();
        request
    }

    fn signed(body: &Value) -> Request {
        sign(unsigned(&body.to_string()), &Credentials::new("AKIDEXAMPLE", "a-secret"), "us-east-1", now())
    }

    fn call(body: &Value) -> (u16, Value) {
        let response = service().answer(&signed(body));
        (response.status, response.json().unwrap())
    }

    /// Status and error name of an answer.
    fn refusal(response: &Response) -> (u16, String) {
        let body = response.json().unwrap();
        assert!(!body["message"].as_str().unwrap().is_empty(), "{body}");
        (response.status, body["__type"].as_str().unwrap().to_owned())
    }

    #[rstest]
    #[case::default(json!({"workgroupName": "wg-1"}), 1_700_000_900.059)]
    #[case::least(json!({"workgroupName": "wg-1", "durationSeconds": 900}), 1_700_000_900.059)]
    #[case::most(json!({"workgroupName": "wg-1", "durationSeconds": 3600}), 1_700_003_600.059)]
    #[case::by_domain(json!({"customDomainName": "db.example.com"}), 1_700_000_900.059)]
    #[case::domain_in_capitals(json!({"customDomainName": "DB.EXAMPLE.COM"}), 1_700_000_900.059)]
    #[case::both_names(json!({"customDomainName": "db.example.com", "workgroupName": "wg-1"}), 1_700_000_900.059)]
    #[case::database(json!({"workgroupName": "wg-2", "dbName": "dev"}), 1_700_000_900.059)]
    fn a_call_gets_credentials_for_as_long_as_it_asks(#[case] body: Value, #[case] expiration: f64) {
        let (status, answer) = call(&body);
        assert_eq!(status, 200);
        assert_eq!(answer["dbUser"], "IAM:alice");
        assert_eq!(answer["expiration"], expiration);
        assert_eq!(answer["nextRefreshTime"], 1_700_007_200.059);
        assert!(answer["dbPassword"].as_str().unwrap().len() >= 64);
        assert_eq!(answer.as_object().unwrap().len(), 4);
    }

    #[test]
    fn a_timestamp_is_a_number_of_seconds_with_milliseconds() {
        let response = service().answer(&signed(&json!({"workgroupName": "wg-1"})));
        let text = String::from_utf8(response.body).unwrap();
        assert!(text.contains(r#""expiration":1700000900.059"#), "{text}");
    }

    #[test]
    fn every_call_gets_another_password() {
        let body = json!({"workgroupName": "wg-1"});
        assert_ne!(call(&body).1["dbPassword"], call(&body).1["dbPassword"]);
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
    fn a_duration_of_899_is_refused() {
        let response = service().answer(&signed(&json!({"workgroupName": "wg-1", "durationSeconds": 899})));
        assert_eq!(refusal(&response), (400, "ValidationException".into()));
    }

    #[test]
    fn an_unknown_workgroup_is_not_found() {
        let (status, answer) = call(&json!({"workgroupName": "nobody"}));
        assert_eq!(status, 400);
        assert_eq!(
            answer,
            json!({
                "__type": "ResourceNotFoundException",
                "message": "Serverless workgroup nobody not found.",
                "resourceName": "nobody",
            })
        );
    }

    #[rstest]
    #[case::alone(json!({"customDomainName": "other.example.com"}))]
    #[case::with_a_workgroup(json!({"customDomainName": "other.example.com", "workgroupName": "wg-1"}))]
    fn an_unknown_custom_domain_is_not_found(#[case] body: Value) {
        let (status, answer) = call(&body);
        assert_eq!((status, &answer["__type"]), (400, &json!("ResourceNotFoundException")));
        assert_eq!(answer["resourceName"], "other.example.com");
    }

    #[test]
    fn two_names_that_disagree_are_refused() {
        let (status, answer) = call(&json!({"customDomainName": "db.example.com", "workgroupName": "wg-2"}));
        assert_eq!((status, &answer["__type"]), (400, &json!("ValidationException")));
    }

    #[test]
    fn an_empty_body_is_an_empty_input() {
        let request = sign(unsigned(""), &Credentials::new("AKIDEXAMPLE", "a-secret"), "us-east-1", now());
        assert_eq!(refusal(&service().answer(&request)), (400, "ValidationException".into()));
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
        let caller = |token: Option<&str>| Credentials {
            session_token: token.map(Secret::from),
            ..Credentials::new("AKIDEXAMPLE", "a-secret")
        };
        let options = Options { credentials: caller(known), ..service().options };
        let request = sign(unsigned(r#"{"workgroupName":"wg-1"}"#), &caller(sent), "us-east-1", now());
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
    #[case::operation("RedshiftServerless.Other", false, "{", "UnknownOperationException")]
    #[case::signature("RedshiftServerless.GetCredentials", false, "{", "MissingAuthenticationTokenException")]
    #[case::type_(
        "RedshiftServerless.GetCredentials",
        true,
        r#"{"workgroupName":"X","durationSeconds":"1"}"#,
        "SerializationException"
    )]
    #[case::constraint(
        "RedshiftServerless.GetCredentials",
        true,
        r#"{"workgroupName":"nobody","durationSeconds":1}"#,
        "ValidationException"
    )]
    fn what_is_checked_first_decides(
        #[case] target: &str,
        #[case] with_signature: bool,
        #[case] body: &str,
        #[case] name: &str,
    ) {
        let mut request = unsigned(body);
        request.headers.set("x-amz-target", target);
        if with_signature {
            request = sign(request, &Credentials::new("AKIDEXAMPLE", "a-secret"), "us-east-1", now());
        }
        assert_eq!(refusal(&service().answer(&request)), (400, name.into()));
    }
}
