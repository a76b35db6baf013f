use std::cell::RefCell;
use std::fmt;

use futures_util::future::{BoxFuture, try_join_all};
use futures_util::{FutureExt, TryFutureExt};
#[cfg(feature = "login")]
use jiff::Timestamp;
use serde_json::Value;
#[cfg(feature = "login")]
use serde_json::json;
use subtle::ConstantTimeEq;

use super::errors::ServiceError;
use super::identity::{Access, Principal, Principals};
#[cfg(feature = "login")]
use super::logins::Login;
use super::pages::Pages;
use super::protocol::{self, MEDIA_TYPE, Members};
use super::revision::Revision;
use super::state::{CustomDomain, Moment, Realm, Resource, State, Tags, partition};
use super::{EmulatorOptions, InvalidOptions, operations, random};
use crate::wire::sigv4::{self, Scope, SignatureError};
use crate::wire::{Credentials, Headers, Region, Request, Response, Secret};

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
    /// The name of the operation.
    pub(super) operation: &'static str,
    /// The region that the signature is for.
    pub(super) region: &'a Region,
    /// When the call is made.
    pub(super) at: Moment,
    /// The tags that the call gives to a resource.
    pub(super) tags: Option<&'a Tags>,
    /// What the call leaves to be done.
    owed: &'a Owed,
}

impl<'a> Call<'a> {
    /// The documents that the service follows.
    pub(super) fn revision(&self) -> Revision {
        self.service.options.revision
    }

    /// The same call, which gives these tags to a resource.
    pub(super) fn giving(self, tags: &'a Tags) -> Self {
        Self { tags: Some(tags), ..self }
    }

    /// Looks at what the caller's account has in the region. `look` must be quick: other calls wait for it.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Realm) -> T) -> T {
        self.service.state.look(self.caller.account, self.region, self.at, look)
    }

    /// The resource that the call is about. The last part of its ARN begins with the kind, such as `workgroup/`. Each
    /// operation that is about a resource finds it here, before it does anything. A caller who may not do this to any
    /// resource of the kind does not learn which there are.
    pub(super) fn resource(
        &self,
        kind: &str,
        find: impl FnOnce(&Realm) -> Result<Resource, ServiceError>,
    ) -> Result<Resource, ServiceError> {
        self.authorise_any(kind)?;
        let resource = self.look(find)?;
        if let Some(principal) = self.caller.principal {
            self.allow(principal, &resource.arn, &resource.arn, Some(&resource))?;
        }
        Ok(resource)
    }

    /// Refuses the call unless the caller may do this to some resource of a kind, such as `workgroup/`.
    pub(super) fn authorise_any(&self, kind: &str) -> Result<(), ServiceError> {
        let Some(principal) = self.caller.principal else { return Ok(()) };
        let (region, account) = (self.region, &principal.account);
        let start = format!("arn:{}:{SIGNING_NAME}:{region}:{account}:{kind}", partition(region).0);
        self.allow(principal, &start, &format!("{start}*"), None)
    }

    /// Refuses a call that is about no resource unless the caller may make it.
    pub(super) fn authorise(&self) -> Result<(), ServiceError> {
        let Some(principal) = self.caller.principal else { return Ok(()) };
        self.allow(principal, "*", "*", None)
    }

    /// Refuses what the policies of a principal do not allow on the resource with this ARN, which the refusal calls
    /// `shown`.
    fn allow(
        &self,
        principal: &Principal,
        arn: &str,
        shown: &str,
        resource: Option<&Resource>,
    ) -> Result<(), ServiceError> {
        let action = format!("{SIGNING_NAME}:{}", self.operation);
        let access = Access {
            principal,
            region: self.region.as_str(),
            now: self.at.now,
            source: self.service.options.listen.ip(),
            action: &action,
            resource: arn,
            resource_tags: resource.map(|resource| resource.tags.by_key()),
            request_tags: self.tags.map(Tags::by_key),
        };
        access.decide().map_err(|denial| ServiceError::access_denied(&principal.arn, &action, shown, denial))
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

    /// A workgroup as an answer shows it, with the door to its database if there is one. The door of one that is being
    /// deleted is closed.
    #[cfg(feature = "login")]
    pub(super) fn with_door(&self, mut shown: Value) -> Value {
        if let Some(doors) = &self.service.doors
            && let (Some(id), Some(name)) = (shown["workgroupId"].as_str(), shown["workgroupName"].as_str())
        {
            let address = self.door_of(doors, id, name);
            match address {
                Some(address) => {
                    shown["endpoint"] = json!({ "address": address.ip().to_string(), "port": address.port() });
                }
                None => drop(shown.as_object_mut().and_then(|shown| shown.remove("endpoint"))),
            }
        }
        shown
    }

    #[cfg(not(feature = "login"))]
    pub(super) fn with_door(&self, shown: Value) -> Value {
        let _ = self;
        shown
    }

    /// Where the database of a workgroup is reached; nowhere if it is being deleted, or there is no room for a door.
    #[cfg(feature = "login")]
    fn door_of(&self, doors: &super::door::Doors, id: &str, name: &str) -> Option<std::net::SocketAddr> {
        let is_open = || self.look(|realm| realm.open_workgroup(name).is_some_and(|open| open == id));
        let address = is_open().then(|| doors.address_of(id));
        // It may have been deleted in between by another call, which found no port to close.
        let Some(address) = address.filter(|_| is_open()) else {
            doors.close_port(id);
            return None;
        };
        address.inspect_err(|error| tracing::warn!(%error, id, "no door can be opened")).ok()
    }

    /// Lets the caller's database user log in with a password that this call gives out, until a time in milliseconds
    /// since 1970: at the door of a workgroup, and for one database if one is named.
    pub(super) fn issue(&self, workgroup_id: &str, database: Option<String>, password: &Secret, until: i64) {
        #[cfg(feature = "login")]
        if let Some(doors) = &self.service.doors {
            let until = Timestamp::from_millisecond(until).unwrap_or(Timestamp::MAX);
            let login = Login::new(self.caller.database_user, workgroup_id, database, password.clone(), until)
                .of_account(self.caller.account);
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
    state: State,
    pages: Pages,
    principals: Principals,
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
        let state = State::new(&options, Moment::new(options.clock.now(), options.settle))?;
        let principals = Principals::new(&options, partition(&options.region).0);
        Ok(Self {
            options,
            state,
            pages: Pages::new(),
            principals,
            #[cfg(feature = "login")]
            doors: None,
        })
    }

    /// Opens the database door, if the options have one. The first workgroup gets the port that they name.
    #[cfg(feature = "login")]
    pub(super) async fn open_doors(&mut self) -> std::io::Result<()> {
        let Some(door) = &self.options.door else { return Ok(()) };
        let names = vec![self.look_at_the_first(Realm::any_host)];
        let doors = super::door::Doors::new(door, self.options.clock.clone(), names).await?;
        for (index, id) in self.workgroups().iter().filter_map(|name| self.open_workgroup(name)).enumerate() {
            match doors.address_of(&id) {
                Err(error) if index == 0 => return Err(error),
                Err(error) => tracing::warn!(%error, id, "no door can be opened"),
                Ok(_) => {}
            }
        }
        self.doors = Some(doors);
        Ok(())
    }

    #[cfg(feature = "login")]
    pub(super) fn doors(&self) -> Option<&super::door::Doors> {
        self.doors.as_ref()
    }

    /// The id of a workgroup that its account has in its first region, unless it is being deleted.
    #[cfg(feature = "login")]
    pub(super) fn open_workgroup(&self, name: &str) -> Option<String> {
        self.look_at_the_first(|realm| realm.open_workgroup(name).map(str::to_owned))
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
        let (operation, perform) = operations::operation_named(protocol::called(request)?, self.options.revision)?;
        let region = self.region_called(request);
        let at = Moment::new(self.options.clock.now(), self.options.settle);
        let caller = self.authenticate(request, region)?;
        let call = Call { service: self, caller, operation, region, at, tags: None, owed };
        let members = Members::of(&request.body)?.only(|member| self.options.revision.has_member(operation, member));
        Ok(perform(&call, &members)?.to_string().into_bytes())
    }

    /// The region that the signature says it is for, if that is served, else the first one.
    fn region_called(&self, request: &Request) -> &Region {
        let EmulatorOptions { region: first, regions, .. } = &self.options;
        let claimed = if regions.is_empty() { None } else { sigv4::claimed_region(request) };
        let found = claimed.and_then(|claimed| regions.iter().find(|region| region.as_str() == claimed));
        found.unwrap_or(first)
    }

    /// Checks who signed the request. A wrong session token makes the caller unknown. One that has expired is told so
    /// only to who can sign with its key.
    fn authenticate(&self, request: &Request, region: &Region) -> Result<Caller<'_>, ServiceError> {
        let token = request.headers.get("x-amz-security-token");
        let token_fits = |known: &Credentials| match (&known.session_token, token) {
            (Some(known), Some(token)) => known.expose().as_bytes().ct_eq(token.as_bytes()).into(),
            (None, None) => true,
            _ => false,
        };
        let now = self.options.clock.unmoved();
        let scope = Scope { region: region.as_str(), service: SIGNING_NAME };
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
