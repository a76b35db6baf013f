//! The database door: where a password that `GetCredentials` gave out logs in, by the PostgreSQL protocol.
//!
//! | file | holds |
//! |---|---|
//! | `mod.rs` | the ports, one for each workgroup, and the bounds of what connections take |
//! | `certificate.rs` | the certificate for TLS |
//! | `login.rs` | from a connection to a session: TLS, the start-up message, the proof of a password |
//! | `session.rs`, `sql.rs` | the embedded door: it answers what drivers ask at log-in |
//! | `postgres.rs` | a PostgreSQL behind the door, in which each user is a role |
//! | `upstream.rs` | a session there, which the door passes on |
//!
//! # What was decided
//!
//! | question | answer here | because |
//! |---|---|---|
//! | how workgroups are told apart | each has its own port; a password is good at the port of its workgroup | on loopback, the address is all that a client shows |
//! | which proof | MD5 where the start-up message has `driver_version`, else SCRAM-SHA-256 | `redshift_connector` cannot speak SCRAM with current releases of what it is built on |
//! | several passwords of a user | each is tried, the newest first | a client does not say which it means |
//! | a user who has thousands of them | they are tried for five seconds, then SQLSTATE 53400; the next log-in goes on | the first check of each takes a millisecond, and is kept |
//! | wrong, expired, unknown | SQLSTATE 28P01, a tenth of a second after the proof | how long it took to find out says nothing |
//! | a password for one database | at another one: SQLSTATE 28000, once the password is proved | `dbName` is what the password was asked for |
//! | a database | any name exists | it is undocumented whether `GetCredentials` looks it up |
//! | an open session | goes on after its password expired | seen on real AWS |
//! | a workgroup that is deleted | its port is closed by the call that deletes it, and its answers show no `endpoint` any more; open sessions end with SQLSTATE 57P01 | undocumented; its compute is taken down, and a PostgreSQL that goes down says so |
//!
//! With a PostgreSQL behind it:
//!
//! | question | answer here | because |
//! |---|---|---|
//! | the password of a role | the newest that was given out, as a SCRAM verifier | a role has one; the log of the server never has it in the clear |
//! | an older password that is still good | logs in at the door, which goes on with the role's own | both of two fresh passwords must hold |
//! | the newest has expired, an older one has not | the role gets the older one when it logs in at the door | the same |
//! | a role of the same name that no emulator made | is left alone; the call is answered with `InternalServerException` | it is somebody's |
//! | users of two accounts with one name | the role is that of the first one, until it is dropped; the other call is answered with `InternalServerException` | they are two people, and `current_user` must be the `dbUser` for each |
//! | one user in two workgroups, or in two regions of an account | one role | it is one identity, and there is one PostgreSQL |
//! | a user whose name is longer than 63 bytes | the same | PostgreSQL cuts such names, so that two users would be one |
//! | privileges | those of PUBLIC, and of the role of the plain name: `alice` for `IAM:alice` | the issue of who may do what is the database's |
//! | `server_version` | 8.0.2 for drivers of Redshift, else the PostgreSQL's own | the drivers parse it, and psql chooses its queries by it |
//! | a client that does not read | loses its session after five minutes in which it took nothing; nothing more is read of the PostgreSQL meanwhile | a session that says nothing may stay for ever, and nobody else may be held up |
//! | the end of a password | `VALID UNTIL`, less how far the emulator's clock was moved | the PostgreSQL has a clock of its own |
//!
//! The protocol is written here rather than taken from a library: those that there are know one password for a user,
//! and bound neither the time nor the memory that a connection takes before it has logged in.

mod certificate;
mod login;
mod postgres;
mod session;
mod sql;
mod upstream;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use self::certificate::Certificate;
use self::login::{Opened, Outcome};
pub use self::postgres::Database;
use self::postgres::{Postgres, RolesOfOne};
use self::session::Session;
use super::clock::Clock;
use super::errors::ServiceError;
use super::logins::{Login, Logins};
use super::random;
use super::service::Work;
use crate::servers::postgres::{self as messages, Outgoing, Stream};
use crate::text::foreign;

/// How many connections there are at most that have not logged in. Further ones wait.
const MOST_OPENING: usize = 256;

/// How many sessions there are at most. Who logs in beyond that is refused.
const MOST_SESSIONS: usize = 1024;

/// How long a connection has to log in.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(10);

/// The same for one that came when more than half of [`MOST_OPENING`] were there, so that idle ones do not keep others
/// out.
const CROWDED_LOGIN_TIMEOUT: Duration = Duration::from_secs(1);

/// How long to wait after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long a client may take to read the first messages of a session.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the client of a relayed session may take nothing of what is there for it.
const UNREAD_TIMEOUT: Duration = Duration::from_mins(5);

/// How long the sessions of a port that is closed have to say so to their clients.
const CLOSING_TIMEOUT: Duration = Duration::from_secs(1);

/// How many ports there are at most. Each takes a descriptor, and clients can create workgroups by the thousand.
const MOST_PORTS: usize = 256;

/// Where an emulator lets its passwords log in.
#[derive(Clone, Debug)]
pub struct DoorOptions {
    /// Where the first workgroup is reached; a loopback address. Port 0 is any free port. Each further workgroup gets a
    /// free port of the same address.
    pub listen: SocketAddr,
    /// The PostgreSQL behind the door. Without one, the door answers what drivers ask at log-in.
    pub database: Option<Database>,
}

impl Default for DoorOptions {
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), database: None }
    }
}

/// The port of a workgroup. It is closed when this is dropped.
struct Port {
    address: SocketAddr,
    _open: watch::Sender<()>,
    task: JoinHandle<()>,
}

/// Says when a port is closed.
#[derive(Clone)]
struct Closing(watch::Receiver<()>);

impl Closing {
    async fn closed(&mut self) {
        // Nothing is ever sent: this waits for the end of the sender.
        let _ = self.0.changed().await;
    }
}

/// What logs people in.
pub(super) struct Door {
    certificate: Certificate,
    logins: Arc<Logins>,
    clock: Clock,
    /// From which the salts of users are made.
    salt_key: [u8; 32],
    postgres: Option<Postgres>,
    opening: Semaphore,
    sessions: Semaphore,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Door")
    }
}

/// The doors of all workgroups. Dropping it ends every connection.
pub(super) struct Doors {
    door: Arc<Door>,
    listen: SocketAddr,
    /// The ports that are open, by the id of the workgroup.
    ports: Mutex<BTreeMap<String, Port>>,
    /// Whether the port that the options name was taken.
    is_first_open: AtomicBool,
    roles: Option<RolesOfOne>,
}

impl fmt::Debug for Doors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Doors")
    }
}

impl Doors {
    /// Doors that show a certificate for loopback and for these names. Nothing listens yet.
    pub(super) async fn new(options: &DoorOptions, clock: Clock, names: Vec<String>) -> io::Result<Self> {
        let mut all = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        all.push(options.listen.ip().to_string());
        all.extend(names);
        all.dedup();
        let (postgres, roles) = match &options.database {
            Some(database) => {
                let (postgres, roles) = Postgres::start(database.clone(), clock.clone()).await?;
                (Some(postgres), Some(roles))
            }
            None => (None, None),
        };
        let door = Door {
            certificate: Certificate::new(all)?,
            logins: Arc::default(),
            clock,
            salt_key: random::bytes(),
            postgres,
            opening: Semaphore::new(MOST_OPENING),
            sessions: Semaphore::new(MOST_SESSIONS),
        };
        Ok(Self {
            door: Arc::new(door),
            listen: options.listen,
            ports: Mutex::default(),
            is_first_open: AtomicBool::new(false),
            roles,
        })
    }

    /// The certificate of the authority that clients must trust, as PEM.
    pub(super) fn authority(&self) -> &str {
        &self.door.certificate.authority
    }

    /// Where a workgroup is reached. Its port is opened when it is first asked for.
    pub(super) fn address_of(&self, workgroup: &str) -> io::Result<SocketAddr> {
        let mut ports = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(port) = ports.get(workgroup) {
            return Ok(port.address);
        }
        if ports.len() >= MOST_PORTS {
            return Err(io::Error::other(format!("there are {MOST_PORTS} doors, and there is room for no more")));
        }
        let mut listen = self.listen;
        if self.is_first_open.swap(true, Ordering::Relaxed) {
            listen.set_port(0);
        }
        let listener = std::net::TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let listener = TcpListener::from_std(listener)?;
        let (open, closing) = watch::channel(());
        let task = tokio::spawn(Arc::clone(&self.door).serve(listener, workgroup.to_owned(), Closing(closing)));
        ports.insert(workgroup.to_owned(), Port { address, _open: open, task });
        Ok(address)
    }

    /// Closes the port of a workgroup, if it has one, and ends its connections.
    pub(super) fn close_port(&self, workgroup: &str) {
        drop(self.ports.lock().unwrap_or_else(PoisonError::into_inner).remove(workgroup));
    }

    /// The log-ins that were given out and are remembered, the newest first.
    pub(super) fn given_out(&self) -> Vec<Arc<Login>> {
        self.door.logins.all()
    }

    /// Remembers a log-in that is given out. Returns what must be done before it holds.
    pub(super) fn issue(&self, login: Login) -> Option<Work> {
        let login = self.door.logins.issue(login, self.door.clock.now());
        let renewed = self.door.postgres.as_ref()?.renew(Arc::clone(&login));
        Some(Box::pin(async move {
            renewed.await.map_err(|why| {
                let user = foreign(&login.user);
                ServiceError::internal(format!("The PostgreSQL behind the door has no role for {user}: {why}."))
            })
        }))
    }

    /// Lets a PostgreSQL behind the door know that the clock was moved.
    pub(super) async fn clock_moved(&self) -> io::Result<()> {
        let Some(postgres) = &self.door.postgres else { return Ok(()) };
        let moved = postgres.clock_moved().await;
        moved.map_err(|why| {
            io::Error::other(format!("the clock is moved, but roles of the PostgreSQL behind the door are not: {why}"))
        })
    }

    /// Ends every connection and drops the roles that were made.
    pub(super) async fn close(&self) -> io::Result<()> {
        let ports = std::mem::take(&mut *self.ports.lock().unwrap_or_else(PoisonError::into_inner));
        // All are closed before the first is waited for.
        let tasks: Vec<_> = ports.into_values().map(|port| port.task).collect();
        for task in tasks {
            let _ = task.await;
        }
        let Some(roles) = &self.roles else { return Ok(()) };
        let dropped = roles.drop_all().await?;
        tracing::debug!(?dropped, "roles were dropped");
        Ok(())
    }
}

impl Door {
    /// Takes the connections to a workgroup until its port is closed.
    async fn serve(self: Arc<Self>, listener: TcpListener, workgroup: String, mut closing: Closing) {
        let workgroup: Arc<str> = workgroup.into();
        // Dropped with this function: no connection outlives it.
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        // The place is taken in turn; until then, further connections wait in the queue of the system.
                        tokio::select! {
                            place = self.opening.acquire() => drop(place.map(SemaphorePermit::forget)),
                            () = closing.closed() => break,
                        }
                        let _ = stream.set_nodelay(true);
                        let (door, workgroup, closing) = (Arc::clone(&self), Arc::clone(&workgroup), closing.clone());
                        connections.spawn(async move { door.converse(stream, &workgroup, closing).await });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection to the door could not be taken");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
                () = closing.closed() => break,
            }
        }
        drop(listener);
        let ended = async { while connections.join_next().await.is_some() {} };
        let _ = timeout(CLOSING_TIMEOUT, ended).await;
    }

    /// One connection, whose place among those that log in was taken.
    async fn converse(self: Arc<Self>, stream: impl Stream + 'static, workgroup: &str, mut closing: Closing) {
        let place = Place(&self.opening);
        let is_crowded = self.opening.available_permits() < MOST_OPENING / 2;
        let patience = if is_crowded { CROWDED_LOGIN_TIMEOUT } else { LOGIN_TIMEOUT };
        let opened = tokio::select! {
            opened = timeout(patience, self.open(stream, workgroup)) => opened,
            () = closing.closed() => return,
        };
        let mut opened = match opened {
            Ok(Outcome::Opened(opened)) => opened,
            Ok(Outcome::Cancel(request)) => {
                if let Some(postgres) = &self.postgres {
                    let _ = timeout(patience, postgres.cancel(&request)).await;
                }
                return;
            }
            Ok(Outcome::Ended) | Err(_) => return,
        };
        drop(place);
        let Ok(_session) = self.sessions.try_acquire() else {
            let error = messages::SqlError::fatal("53300", "sorry, too many clients already");
            let _ = timeout(WRITE_TIMEOUT, login::refuse(&mut *opened.stream, &error)).await;
            return;
        };
        let ended = match &self.postgres {
            Some(postgres) => postgres.converse(opened, self.clock.now(), closing).await,
            None => embedded(opened, closing).await,
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a session ended early");
        }
    }
}

/// A session that the door answers itself.
async fn embedded(opened: Opened, closing: Closing) -> io::Result<()> {
    let Opened { mut stream, startup, .. } = opened;
    let mut out = Outgoing::default();
    for (name, value) in session::reported(&startup) {
        out.parameter(name, &value);
    }
    // Nothing can be cancelled, so the key of a request to cancel is of no use.
    out.message(b'K', |body| body.extend_from_slice(&[0; 8])).ready(b'I');
    timeout(WRITE_TIMEOUT, stream.write_all(&out.0)).await??;
    timeout(WRITE_TIMEOUT, stream.flush()).await??;
    Session::new(&startup).run(stream, closing).await
}

/// A place among those that log in, which is free again when this is dropped.
struct Place<'a>(&'a Semaphore);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

#[cfg(test)]
mod cluster;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod postgres_tests;
#[cfg(test)]
mod tests;
