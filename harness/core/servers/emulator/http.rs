//! The service behind a socket on a loopback address.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use super::control::{self, Controlled};
use super::errors::ServiceError;
use super::service::Owed;
use super::{ClockRange, EmulatedService, EmulatorOptions, MAX_REQUEST_BYTES};
use crate::servers::host::{Answer, BodyLimit, FieldNames, Host, Unread};
#[cfg(feature = "login")]
use crate::servers::postgres::GivenOut;
#[cfg(feature = "login")]
use crate::wire::Secret;
use crate::wire::{Request, Response};

/// How large a body may be, and how much of a larger one is read.
const BODY_LIMIT: BodyLimit = BodyLimit { kept: MAX_REQUEST_BYTES, read: 8 * MAX_REQUEST_BYTES };

/// A running emulator. Dropping it stops it at once; [`Emulator::shutdown`] lets it finish first.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # use countersign_core as countersign;
/// use countersign::servers::emulator::{Emulator, EmulatorOptions};
///
/// let emulator = Emulator::start(EmulatorOptions::default()).await?;
/// println!("call {} as {}", emulator.endpoint(), emulator.options().credentials.access_key_id);
/// emulator.shutdown().await;
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct Emulator {
    host: Host,
    service: Arc<EmulatedService>,
}

impl Emulator {
    /// Starts an emulator on the current tokio runtime. It listens when this returns.
    ///
    /// # Errors
    /// When the options are invalid ([`io::ErrorKind::InvalidInput`], with an
    /// [`InvalidOptions`](super::InvalidOptions) inside), or it cannot listen on the address.
    pub async fn start(options: EmulatorOptions) -> io::Result<Self> {
        Self::start_behind(options, |answer, request| answer(request)).await
    }

    /// The same with a layer between the socket and the service: `layer` answers every request, and may ask the
    /// service, which is a function to it. Where it gives `None`, the connection is closed without an answer.
    ///
    /// # Errors
    /// The same as for [`Emulator::start`].
    pub async fn start_behind<A: Into<Option<Response>>>(
        options: EmulatorOptions,
        layer: impl Fn(&dyn Fn(&Request) -> Response, &Request) -> A + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        let service = EmulatedService::new(options).map_err(invalid)?;
        #[cfg(feature = "login")]
        let service = {
            let mut service = service;
            service.open_doors().await?;
            service
        };
        let service = Arc::new(service);
        let answering = Arc::clone(&service);
        let host =
            Host::start(service.options().listen, BODY_LIMIT, FieldNames::Capitalised, move |request| match request {
                Ok(request) => match controlled(&answering, request) {
                    Some(Controlled::Unmoved(response)) => response.into(),
                    Some(Controlled::Moved(response)) => {
                        let service = Arc::clone(&answering);
                        Answer::Later(Box::pin(async move {
                            let failed = |error: io::Error| control::refused(500, &error.to_string());
                            moved(&service).await.map_or_else(failed, |()| response)
                        }))
                    }
                    None => answer(&answering, &layer, request),
                },
                Err(Unread::TimedOut) => answering.refuse(&ServiceError::timed_out()).into(),
                Err(Unread::TooLarge) => answering.refuse(&ServiceError::too_large(MAX_REQUEST_BYTES)).into(),
                Err(Unread::Busy) => answering.refuse(&ServiceError::busy()).into(),
            })
            .await?;
        Ok(Self { host, service })
    }

    /// Its URL, such as `http://127.0.0.1:4567`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address())
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.host.address()
    }

    /// Where the database of a workgroup is reached, by the workgroup's name; `None` if it has no door.
    #[cfg(feature = "login")]
    pub fn door(&self, workgroup: &str) -> Option<SocketAddr> {
        let id = self.service.open_workgroup(workgroup)?;
        self.service.doors()?.address_of(&id).ok()
    }

    /// Where the database of its first workgroup is reached; `None` if it has no door.
    #[cfg(feature = "login")]
    pub fn first_door(&self) -> Option<SocketAddr> {
        self.door(self.options().workgroups.first()?)
    }

    /// The log-ins that it gave out and remembers, the newest first, as they are at the door of its first workgroup.
    #[cfg(feature = "login")]
    pub fn given_out(&self) -> Vec<GivenOut> {
        let first = self.options().workgroups.first().and_then(|name| self.service.open_workgroup(name));
        let (Some(id), Some(doors)) = (first, self.service.doors()) else { return Vec::new() };
        let given_out = |login: Arc<super::logins::Login>| GivenOut {
            is_here: login.workgroup == id,
            user: login.user.clone(),
            database: login.database.clone(),
            password: login.password.clone(),
            expires: login.expires,
        };
        doors.given_out().into_iter().map(given_out).collect()
    }

    /// Gives out a password for any user of its first workgroup, without a call. It holds an hour, for any database.
    ///
    /// # Errors
    /// When there is no workgroup and no door to it, or when a PostgreSQL behind the door does not take the user.
    #[cfg(feature = "login")]
    pub async fn give_out(&self, user: &str) -> io::Result<Secret> {
        let none = || io::Error::other("there is no workgroup, or no door to it");
        let first = self.options().workgroups.first().and_then(|name| self.service.open_workgroup(name));
        let id = first.ok_or_else(none)?;
        let doors = self.service.doors().ok_or_else(none)?;
        let (password, now) = (super::random::password(), self.options().clock.now());
        let expires = now.checked_add(SignedDuration::from_hours(1)).unwrap_or(now);
        let login =
            super::logins::Login::new(user, &id, None, password.clone(), expires).of_account(&self.options().account);
        if let Some(work) = doors.issue(login) {
            work.await.map_err(|refusal| io::Error::other(refusal.message))?;
        }
        Ok(password)
    }

    /// The certificate of the authority that clients of the door must trust, as PEM.
    #[cfg(feature = "login")]
    pub fn authority(&self) -> Option<&str> {
        self.service.doors().map(super::door::Doors::authority)
    }

    /// The options that it was started with, including its credentials.
    pub fn options(&self) -> &EmulatorOptions {
        self.service.options()
    }

    /// The service itself.
    pub fn service(&self) -> &EmulatedService {
        &self.service
    }

    /// Moves its clock forward.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// use std::time::Duration;
    ///
    /// # use countersign_core as countersign;
    /// use countersign::servers::emulator::{Emulator, EmulatorOptions};
    ///
    /// let emulator = Emulator::start(EmulatorOptions::default()).await?;
    /// let before = emulator.options().clock.now();
    /// emulator.advance(Duration::from_secs(901)).await?;
    /// assert!((emulator.options().clock.now() - before).total(jiff::Unit::Second).unwrap() >= 901.0);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// When the clock would leave the years that it can show, or a PostgreSQL behind the door cannot be told.
    pub async fn advance(&self, by: Duration) -> io::Result<()> {
        let by = SignedDuration::try_from(by).map_err(|_| io::Error::other(ClockRange))?;
        self.clock_mover().advance(by).await
    }

    /// What moves its clock, forward and back, while the emulator itself is elsewhere.
    pub fn clock_mover(&self) -> ClockMover {
        ClockMover(Arc::clone(&self.service))
    }

    /// Stops listening and waits until the answers under way are sent, at most five seconds. Roles that were made at a
    /// PostgreSQL are dropped; what goes wrong there is logged.
    pub async fn shutdown(self) {
        if let Err(error) = self.close().await {
            tracing::warn!(%error, "the emulator leaves something behind");
        }
    }

    /// The same, and says what goes wrong.
    ///
    /// # Errors
    /// When the roles that were made at a PostgreSQL cannot be dropped.
    pub async fn close(self) -> io::Result<()> {
        self.host.shutdown().await;
        #[cfg(feature = "login")]
        if let Some(doors) = self.service.doors() {
            doors.close().await?;
        }
        Ok(())
    }
}

/// Moves the clock of an emulator.
#[derive(Clone, Debug)]
pub struct ClockMover(Arc<EmulatedService>);

impl ClockMover {
    /// Moves the clock forward, or back if the time is negative.
    ///
    /// # Errors
    /// When the clock would leave the years that it can show, or a PostgreSQL behind the door cannot be told.
    pub async fn advance(&self, by: SignedDuration) -> io::Result<()> {
        self.0.options().clock.advance(by).map_err(io::Error::other)?;
        moved(&self.0).await
    }
}

/// Does what must be done when the clock was moved.
async fn moved(service: &EmulatedService) -> io::Result<()> {
    #[cfg(feature = "login")]
    if let Some(doors) = service.doors() {
        doors.clock_moved().await?;
    }
    let _ = service;
    std::future::ready(Ok(())).await
}

/// The answer of a layer that may ask the service. It is sent when everything is done that the service promised.
fn answer<A: Into<Option<Response>>>(
    service: &Arc<EmulatedService>,
    layer: impl Fn(&dyn Fn(&Request) -> Response, &Request) -> A,
    request: &Request,
) -> Answer {
    let owed = Owed::default();
    let answer = layer(&|request| service.answer_owing(request, &owed), request);
    let Some(response) = answer.into() else { return Answer::Closed };
    let Some(work) = owed.take() else { return response.into() };
    let service = Arc::clone(service);
    Answer::Later(Box::pin(async move {
        match work.await {
            Ok(()) => response,
            Err(refusal) => service.refuse(&refusal),
        }
    }))
}

/// The answer to a request for the clock, if requests may move it.
fn controlled(service: &EmulatedService, request: &Request) -> Option<Controlled> {
    let EmulatorOptions { control, clock, .. } = service.options();
    control.then(|| control::answer(request, clock)).flatten()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::time::timeout;

    use super::*;

    /// What the emulator sends back for these bytes, up to the end of the connection.
    async fn exchange(emulator: &Emulator, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(emulator.address()).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    fn post(length: usize) -> Vec<u8> {
        let mut request =
            format!("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        request.push_str(&" ".repeat(length));
        request.into_bytes()
    }

    #[tokio::test]
    async fn a_request_is_answered_over_the_socket() {
        let emulator = Emulator::start(EmulatorOptions::default()).await.unwrap();
        let answer = exchange(&emulator, &post(0)).await;
        assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{answer}");
        assert!(answer.contains("\r\nContent-Type: application/x-amz-json-1.1\r\n"), "{answer}");
        assert_eq!(answer.matches("\r\nDate: ").count(), 1, "{answer}");
        assert!(answer.contains(r#""__type":"UnknownOperationException""#), "{answer}");
    }

    #[tokio::test]
    async fn a_layer_can_close_the_connection_without_an_answer() {
        let layer = |answer: &dyn Fn(&Request) -> Response, request: &Request| {
            (request.body.len() != 1).then(|| answer(request))
        };
        let emulator = Emulator::start_behind(EmulatorOptions::default(), layer).await.unwrap();
        assert_eq!(exchange(&emulator, &post(1)).await, "");
        assert!(exchange(&emulator, &post(2)).await.starts_with("HTTP/1.1 404 "));
    }

    #[tokio::test]
    async fn the_clock_answers_only_where_it_may_be_controlled() {
        for (control, status) in [(true, "200 OK"), (false, "404 Not Found")] {
            let emulator = Emulator::start(EmulatorOptions { control, ..EmulatorOptions::default() }).await.unwrap();
            let request = b"GET /_countersign/clock HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
            let answer = exchange(&emulator, request).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{answer}");
        }
    }

    #[tokio::test]
    async fn a_body_beyond_the_limit_gets_an_answer() {
        let emulator = Emulator::start(EmulatorOptions::default()).await.unwrap();
        let answer = exchange(&emulator, &post(MAX_REQUEST_BYTES + 1)).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    }

    #[tokio::test]
    async fn a_stopped_emulator_no_longer_listens() {
        let emulator = Emulator::start(EmulatorOptions::default()).await.unwrap();
        let address = emulator.address();
        emulator.shutdown().await;
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn an_idle_connection_does_not_hold_up_the_shutdown() {
        let emulator = Emulator::start(EmulatorOptions::default()).await.unwrap();
        let _idle = TcpStream::connect(emulator.address()).await.unwrap();
        timeout(Duration::from_secs(5), emulator.shutdown()).await.unwrap();
    }

    #[tokio::test]
    async fn an_address_that_others_can_reach_is_refused() {
        let options = EmulatorOptions { listen: "0.0.0.0:0".parse().unwrap(), ..EmulatorOptions::default() };
        let error = Emulator::start(options).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("loopback"), "{error}");
    }

    #[tokio::test]
    async fn an_address_in_use_is_an_error() {
        let emulator = Emulator::start(EmulatorOptions::default()).await.unwrap();
        let options = EmulatorOptions { listen: emulator.address(), ..EmulatorOptions::default() };
        assert_eq!(Emulator::start(options).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }
}
