use subtle::ConstantTimeEq;

use super::errors::ServiceError;
use super::pages::Pages;
use super::protocol::{self, MEDIA_TYPE, Members};
use super::state::{CustomDomain, Moment, Realm, Resource, State};
use super::{EmulatorOptions, InvalidOptions, operations, random};
use crate::wire::sigv4::{self, Scope, SignatureError};
use crate::wire::{Headers, Region, Request, Response};

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
    /// The region that the signature is for.
    pub(super) region: &'a Region,
    /// When the call is made.
    pub(super) at: Moment,
}

impl Call<'_> {
    /// Looks at what the caller's account has in the region. `look` must be quick: other calls wait for it.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Realm) -> T) -> T {
        self.service.state.look(self.caller.account, self.region, self.at, look)
    }

    /// The resource that the call is about. Each operation that is about one finds it here, before it does anything.
    pub(super) fn resource(
        &self,
        find: impl FnOnce(&Realm) -> Result<Resource, ServiceError>,
    ) -> Result<Resource, ServiceError> {
        self.look(find)
    }

    /// Changes what the caller's account has in the region. A `change` that is refused must have changed nothing.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&mut Realm) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        self.service.state.change(self.caller.account, self.region, self.at, change)
    }

    /// The tokens of the pages of lists.
    pub(super) fn pages(&self) -> &Pages {
        &self.service.pages
    }
}

/// The emulator without its socket: requests in, answers out.
#[derive(Debug)]
pub struct EmulatedService {
    options: EmulatorOptions,
    state: State,
    pages: Pages,
}

impl EmulatedService {
    /// A service of these options.
    ///
    /// # Errors
    /// When no request could use the options; see [`EmulatorOptions::check`].
    pub fn new(options: EmulatorOptions) -> Result<Self, InvalidOptions> {
        options.check()?;
        let state = State::new(&options, Moment::new(options.clock.now(), options.settle))?;
        Ok(Self { options, state, pages: Pages::new() })
    }

    /// The options that it was made with.
    pub fn options(&self) -> &EmulatorOptions {
        &self.options
    }

    /// The names of the workgroups that its account has in its first region: first those of the options, in their
    /// order.
    pub fn workgroups(&self) -> Vec<String> {
        let mut names: Vec<String> = self.look_at_the_first(|realm| realm.workgroups().map(str::to_owned).collect());
        let of_options = &self.options.workgroups;
        names.sort_by_key(|name| of_options.iter().position(|of| of == name).unwrap_or(of_options.len()));
        names
    }

    /// The custom domains there, each with the workgroup that it stands for.
    pub fn custom_domains(&self) -> Vec<(String, String)> {
        let names = |domain: &CustomDomain| (domain.name.clone(), domain.workgroup.clone());
        self.look_at_the_first(|realm| realm.custom_domains().map(|(_, domain)| names(domain)).collect())
    }

    fn look_at_the_first<T>(&self, look: impl FnOnce(&Realm) -> T) -> T {
        let EmulatorOptions { account, region, clock, settle, .. } = &self.options;
        self.state.look(account, region, Moment::new(clock.now(), *settle), look)
    }

    /// The caller that the options name, whom the service knows by its credentials.
    fn caller(&self) -> Caller<'_> {
        Caller { account: &self.options.account, database_user: &self.options.user }
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
        let region = self.region_called(request);
        let at = Moment::new(self.options.clock.now(), self.options.settle);
        let call = Call { service: self, caller: self.authenticate(request, region)?, region, at };
        Ok(perform(&call, &Members::of(&request.body)?)?.to_string().into_bytes())
    }

    /// The region that the signature says it is for, if that is served, else the first one.
    fn region_called(&self, request: &Request) -> &Region {
        let EmulatorOptions { region: first, regions, .. } = &self.options;
        let claimed = if regions.is_empty() { None } else { sigv4::claimed_region(request) };
        let found = claimed.and_then(|claimed| regions.iter().find(|region| region.as_str() == claimed));
        found.unwrap_or(first)
    }

    /// Checks who signed the request. A wrong session token makes the caller unknown.
    fn authenticate(&self, request: &Request, region: &Region) -> Result<Caller<'_>, ServiceError> {
        let known_token = &self.options.credentials;
        let token = request.headers.get("x-amz-security-token");
        let token_fits = match (&known_token.session_token, token) {
            (Some(known_token), Some(token)) => known_token.expose().as_bytes().ct_eq(token.as_bytes()).into(),
            (None, None) => true,
            _ => false,
        };
        let scope = Scope { region: region.as_str(), service: SIGNING_NAME };
        let verdict = sigv4::verify(request, scope, self.options.clock.now(), |id| {
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
