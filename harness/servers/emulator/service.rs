use subtle::ConstantTimeEq;

use super::errors::ServiceError;
use super::identity::{Access, Principal, Principals, Tags};
use super::protocol::{self, MEDIA_TYPE, Members};
use super::workgroups::{Workgroups, partition};
use super::{EmulatorOptions, InvalidOptions, operations, random};
use crate::wire::sigv4::{self, Scope, SignatureError};
use crate::wire::{Credentials, Headers, Request, Response};

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
    /// The principal whose policies apply; `None` is the caller of the emulator's own credentials, who may do all.
    pub(super) principal: Option<&'a Principal>,
}

/// One call of an operation, signed by a known caller.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) service: &'a EmulatedService,
    pub(super) caller: Caller<'a>,
}

impl<'a> Call<'a> {
    /// The workgroups of the caller's account.
    pub(super) fn workgroups(&self) -> &'a Workgroups {
        let is_own = self.caller.account == self.service.options.account;
        if is_own { &self.service.workgroups } else { &self.service.of_others }
    }

    /// Refuses the call unless the caller may perform an action on some resource of a kind, such as `workgroup`. It is
    /// asked before the resource is looked up: who may call the operation on none does not learn which ones there are.
    pub(super) fn authorise_any(&self, action: &str, kind: &str) -> Result<(), ServiceError> {
        let Some(principal) = self.caller.principal else { return Ok(()) };
        let region = &self.service.options.region;
        let start = format!("arn:{}:{SIGNING_NAME}:{region}:{}:{kind}/", partition(region).0, principal.account);
        let access = Access { resource_tags: None, ..self.access(principal, action, &start) };
        allow(&access, &format!("{start}*"))
    }

    /// Refuses the call unless the caller may perform an action on the resource of this ARN, which has these tags. An
    /// action without a resource is performed on `*`.
    pub(super) fn authorise(&self, action: &str, resource: &str, tags: &Tags) -> Result<(), ServiceError> {
        let Some(principal) = self.caller.principal else { return Ok(()) };
        let access = Access { resource_tags: Some(tags), ..self.access(principal, action, resource) };
        allow(&access, resource)
    }

    fn access<'b>(&'b self, principal: &'b Principal, action: &'b str, resource: &'b str) -> Access<'b> {
        let options = &self.service.options;
        let (region, now, source) = (options.region.as_str(), options.clock.now(), options.listen.ip());
        Access { principal, region, now, source, action, resource, resource_tags: None, request_tags: None }
    }
}

/// Refuses what the policies of a principal do not allow on a resource, which the refusal names so.
fn allow(access: &Access<'_>, resource: &str) -> Result<(), ServiceError> {
    let refuse = |denial| ServiceError::access_denied(&access.principal.arn, access.action, resource, denial);
    access.decide().map_err(refuse)
}

/// The emulator without its socket: requests in, answers out.
#[derive(Debug)]
pub struct EmulatedService {
    options: EmulatorOptions,
    workgroups: Workgroups,
    /// The workgroups of every other account: none.
    of_others: Workgroups,
    principals: Principals,
}

impl EmulatedService {
    /// A service of these options.
    ///
    /// # Errors
    /// When no request could use the options; see [`EmulatorOptions::check`].
    pub fn new(options: EmulatorOptions) -> Result<Self, InvalidOptions> {
        options.check()?;
        let workgroups = Workgroups::new(&options);
        let principals = Principals::new(&options, partition(&options.region).0);
        Ok(Self { options, workgroups, of_others: Workgroups::default(), principals })
    }

    /// The options that it was made with.
    pub fn options(&self) -> &EmulatorOptions {
        &self.options
    }

    /// The caller who has this access key id, and the credentials that go with it.
    fn caller_with_key(&self, access_key_id: &str) -> Option<(Caller<'_>, &Credentials)> {
        let options = &self.options;
        if access_key_id == options.credentials.access_key_id {
            let caller = Caller { account: &options.account, database_user: &options.user, principal: None };
            return Some((caller, &options.credentials));
        }
        let principal = self.principals.with_key(access_key_id)?;
        let Principal { account, database_user, credentials, .. } = principal;
        Some((Caller { account, database_user, principal: Some(principal) }, credentials))
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

    /// Checks who signed the request. A wrong session token makes the caller unknown. One that has expired is told so
    /// only to who can sign with its key.
    fn authenticate(&self, request: &Request) -> Result<Caller<'_>, ServiceError> {
        let token = request.headers.get("x-amz-security-token");
        let token_fits = |known: &Credentials| match (&known.session_token, token) {
            (Some(known), Some(token)) => known.expose().as_bytes().ct_eq(token.as_bytes()).into(),
            (None, None) => true,
            _ => false,
        };
        let now = self.options.clock.now();
        let scope = Scope { region: self.options.region.as_str(), service: SIGNING_NAME };
        let mut found = None;
        let verdict = sigv4::verify(request, scope, now, |id| {
            let (caller, credentials) = self.caller_with_key(id).filter(|(_, known)| token_fits(known))?;
            found = Some(caller);
            Some(credentials.secret_access_key.clone())
        });
        let caller = found.ok_or_else(ServiceError::unrecognized_client);
        match verdict {
            Ok(_) => caller.and_then(|caller| match caller.principal {
                Some(principal) if principal.has_expired(now) => Err(ServiceError::expired_token()),
                _ => Ok(caller),
            }),
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
