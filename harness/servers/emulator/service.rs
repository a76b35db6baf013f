use std::cell::RefCell;
use std::fmt;

use futures_util::future::{BoxFuture, try_join_all};
use futures_util::{FutureExt, TryFutureExt};
#[cfg(feature = "login")]
use jiff::Timestamp;
use subtle::ConstantTimeEq;

use super::errors::ServiceError;
#[cfg(feature = "login")]
use super::logins::Login;
use super::protocol::{self, MEDIA_TYPE, Members};
use super::workgroups::Workgroups;
use super::{EmulatorOptions, InvalidOptions, operations, random};
use crate::wire::sigv4::{self, Scope, SignatureError};
use crate::wire::{Headers, Request, Response, Secret};

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
    /// What the call leaves to be done.
    owed: &'a Owed,
}

impl Call<'_> {
    /// Lets the caller's database user log in with a password that this call gives out, until a time in milliseconds
    /// since 1970: at the door of a workgroup, and for one database if one is named.
    pub(super) fn issue(&self, workgroup_id: &str, database: Option<String>, password: &Secret, until: i64) {
        #[cfg(feature = "login")]
        if let Some(doors) = &self.service.doors {
            let until = Timestamp::from_millisecond(until).unwrap_or(Timestamp::MAX);
            let login = Login::new(self.caller.database_user, workgroup_id, database, password.clone(), until);
            if let Some(work) = doors.issue(login) {
                self.owed.add(work);
            }
            return;
        }
        let _ = (self.owed, workgroup_id, database, password, until);
    }
}

/// What must be done before an answer is sent.
#[derive(Default)]
pub(super) struct Owed(RefCell<Vec<Work>>);

/// Something that takes time. If it fails, its error is the answer.
pub(super) type Work = BoxFuture<'static, Result<(), ServiceError>>;

impl Owed {
    #[cfg(feature = "login")]
    fn add(&self, work: Work) {
        self.0.borrow_mut().push(work);
    }

    /// What is to be done; `None` if there is nothing.
    pub(super) fn take(self) -> Option<Work> {
        let works = self.0.into_inner();
        (!works.is_empty()).then(|| try_join_all(works).map_ok(drop).boxed())
    }
}

impl fmt::Debug for Owed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Owed")
    }
}

/// The emulator without its socket: requests in, answers out.
#[derive(Debug)]
pub struct EmulatedService {
    options: EmulatorOptions,
    workgroups: Workgroups,
    #[cfg(feature = "login")]
    doors: Option<super::door::Doors>,
}

impl EmulatedService {
    /// A service of these options.
    ///
    /// # Errors
    /// When no request could use the options; see [`EmulatorOptions::check`].
    pub fn new(options: EmulatorOptions) -> Result<Self, InvalidOptions> {
        options.check()?;
        let workgroups = Workgroups::new(&options);
        Ok(Self {
            options,
            workgroups,
            #[cfg(feature = "login")]
            doors: None,
        })
    }

    /// Opens the database door, if the options have one. The first workgroup gets the port that they name.
    #[cfg(feature = "login")]
    pub(super) async fn open_doors(&mut self) -> std::io::Result<()> {
        let Some(door) = &self.options.door else { return Ok(()) };
        let names = vec![Workgroups::any_host(&self.options)];
        let doors = super::door::Doors::new(door, self.options.clock.clone(), names).await?;
        for name in &self.options.workgroups {
            if let Ok(workgroup) = self.workgroups.by_name(name) {
                doors.address_of(workgroup.id())?;
            }
        }
        self.doors = Some(doors);
        Ok(())
    }

    #[cfg(feature = "login")]
    pub(super) fn doors(&self) -> Option<&super::door::Doors> {
        self.doors.as_ref()
    }

    /// Host and port at which the database of a workgroup is reached, if there is a door to it.
    pub(super) fn endpoint_of(&self, workgroup_id: &str) -> Option<(String, u16)> {
        #[cfg(feature = "login")]
        if let Some(doors) = &self.doors {
            let address = doors.address_of(workgroup_id);
            let address = address.inspect_err(|error| tracing::warn!(%error, workgroup_id, "no door can be opened"));
            return address.ok().map(|address| (address.ip().to_string(), address.port()));
        }
        let _ = workgroup_id;
        None
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
    ///
    /// Whatever the answer promises holds at once, but for log-ins at a PostgreSQL: only an [`Emulator`](super::Emulator)
    /// waits for these.
    pub fn answer(&self, request: &Request) -> Response {
        self.answer_owing(request, &Owed::default())
    }

    /// The same, and notes what must be done before the answer is sent.
    pub(super) fn answer_owing(&self, request: &Request, owed: &Owed) -> Response {
        match self.perform(request, owed) {
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
    fn perform(&self, request: &Request, owed: &Owed) -> Result<Vec<u8>, ServiceError> {
        if request.body.len() > MAX_REQUEST_BYTES {
            return Err(ServiceError::too_large(MAX_REQUEST_BYTES));
        }
        let perform = operations::operation_named(protocol::called(request)?)?;
        let call = Call { service: self, caller: self.authenticate(request)?, owed };
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
        let date =
            jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&self.options.clock.unmoved());
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
