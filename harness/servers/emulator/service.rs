use subtle::ConstantTimeEq;

use super::errors::ServiceError;
use super::protocol::{self, MEDIA_TYPE, Members};
use super::workgroups::Workgroups;
use super::{EmulatorOptions, InvalidOptions, operations, random};
use crate::wire::sigv4::{self, Scope, SignatureError};
use crate::wire::{Headers, Request, Response};

/// The largest request body, in bytes: 1 MiB. The longest valid one has less than 1 KiB.
pub const MAX_REQUEST_BYTES: usize = 1024 * 1024;

/// The service in the credential scope of a signature. Source: the service model's `signingName`.
const SIGNING_NAME: &str = "redshift-serverless";

/// Who signed a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller<'a> {
    /// The id of the account, 12 digits.
    pub(super) account: &'a str,
    /// The database user that stands for the caller: `IAM:<user>` or `IAMR:<role>`.
    pub(super) database_user: &'a str,
}

/// One call of an operation, signed by a known caller.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) service: &'a EmulatedService,
    pub(super) caller: Caller<'a>,
}

/// The emulator without its socket: requests in, answers out.
#[derive(Debug)]
pub struct EmulatedService {
    options: EmulatorOptions,
    workgroups: Workgroups,
}

impl EmulatedService {
    /// A service of these options.
    ///
    /// # Errors
    /// When no request could use the options; see [`EmulatorOptions::check`].
    pub fn new(options: EmulatorOptions) -> Result<Self, InvalidOptions> {
        options.check()?;
        let workgroups = Workgroups::new(&options);
        Ok(Self { options, workgroups })
    }

    /// The options that it was made with.
    pub fn options(&self) -> &EmulatorOptions {
        &self.options
    }

    /// The caller that the options name, whom the service knows by its credentials.
    fn caller(&self) -> Caller<'_> {
        Caller { account: &self.options.account, database_user: &self.options.user }
    }

    pub(super) fn workgroups(&self) -> &Workgroups {
        &self.workgroups
    }

    /// Answers one request. The same request gets another password and request id each time; everything else depends on
    /// the request, the options, the clock, and the ids that were given at the start.
    pub fn answer(&self, request: &Request) -> Response {
        match self.perform(request) {
            Ok(body) => self.respond(200, body),
            Err(refusal) => self.refuse(&refusal),
        }
    }

    pub(super) fn refuse(&self, refusal: &ServiceError) -> Response {
        tracing::debug!(status = refusal.status, error = refusal.name, "refused");
        self.respond(refusal.status, refusal.body())
    }

    /// The body of the answer to a successful call. This function defines the order of the checks; each operation
    /// checks its own input.
    fn perform(&self, request: &Request) -> Result<Vec<u8>, ServiceError> {
        if request.body.len() > MAX_REQUEST_BYTES {
            return Err(ServiceError::too_large(MAX_REQUEST_BYTES));
        }
        let perform = operations::operation_named(protocol::called(request)?)?;
        let call = Call { service: self, caller: self.authenticate(request)? };
        Ok(perform(&call, &Members::of(&request.body)?)?.to_string().into_bytes())
    }

    /// Checks who signed the request. A wrong session token makes the caller unknown.
    fn authenticate(&self, request: &Request) -> Result<Caller<'_>, ServiceError> {
        let known_token = &self.options.credentials;
        let token = request.headers.get("x-amz-security-token");
        let token_fits = match (&known_token.session_token, token) {
            (Some(known_token), Some(token)) => known_token.expose().as_bytes().ct_eq(token.as_bytes()).into(),
            (None, None) => true,
            _ => false,
        };
        let scope = Scope { region: self.options.region.as_str(), service: SIGNING_NAME };
        let verdict = sigv4::verify(request, scope, self.options.clock.unmoved(), |id| {
            (id == known_token.access_key_id && token_fits).then(|| known_token.secret_access_key.clone())
        });
        match verdict {
            Ok(_) => Ok(self.caller()),
            Err(SignatureError::Missing) => Err(ServiceError::missing_authentication_token()),
            Err(SignatureError::Malformed(why)) => Err(ServiceError::incomplete_signature(why)),
            Err(SignatureError::UnknownKey) => Err(ServiceError::unrecognized_client()),
            Err(why @ (SignatureError::Scope { .. } | SignatureError::Expired | SignatureError::Mismatch)) => {
                Err(ServiceError::invalid_signature(why.to_string()))
            }
        }
    }

    /// An answer with the headers that every answer has. Source: Smithy, AWS JSON 1.1, for the media
    /// type and the length; every public record of an AWS answer has a request id and a date.
    fn respond(&self, status: u16, body: Vec<u8>) -> Response {
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&self.options.clock.unmoved());
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
