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
//! | wrong, expired, unknown | SQLSTATE 28P01, a tenth of a second after the proof | how long it took to find out says nothing |
//! | a password for one database | at another one: SQLSTATE 28000, once the password is proved | `dbName` is what the password was asked for |
//! | a database | any name exists | it is undocumented whether `GetCredentials` looks it up |
//! | an open session | goes on after its password expired | seen on real AWS |
//!
//! With a PostgreSQL behind it:
//!
//! | question | answer here | because |
//! |---|---|---|
//! | the password of a role | the newest that was given out, as a SCRAM verifier | a role has one; the log of the server never has it in the clear |
//! | an older password that is still good | logs in at the door, which goes on with the role's own | both of two fresh passwords must hold |
//! | the newest has expired, an older one has not | the role gets the older one when it logs in at the door | the same |
//! | a role of the same name that no emulator made | is left alone; the call is answered with `InternalServerException` | it is somebody's |
//! | a user whose name is longer than 63 bytes | the same | PostgreSQL cuts such names, so that two users would be one |
//! | privileges | those of PUBLIC, and of the role of the plain name: `alice` for `IAM:alice` | the issue of who may do what is the database's |
//! | `server_version` | 8.0.2 for drivers of Redshift, else the PostgreSQL's own | the drivers parse it, and psql chooses its queries by it |
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
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
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
use crate::servers::postgres::{self as messages, Outgoing};
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

/// The port of a workgroup.
struct Port {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Port {
    fn drop(&mut self) {
        self.task.abort();
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
        Ok(Self { door: Arc::new(door), listen: options.listen, ports: Mutex::default(), roles })
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
        let mut listen = self.listen;
        if !ports.is_empty() {
            listen.set_port(0);
        }
        let listener = std::net::TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let listener = TcpListener::from_std(listener)?;
        let task = tokio::spawn(Arc::clone(&self.door).serve(listener, workgroup.to_owned()));
        ports.insert(workgroup.to_owned(), Port { address, task });
        Ok(address)
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
        self.ports.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let Some(roles) = &self.roles else { return Ok(()) };
        let dropped = roles.drop_all().await?;
        tracing::debug!(?dropped, "roles were dropped");
        Ok(())
    }
}

impl Door {
    /// Takes the connections to a workgroup for ever.
    async fn serve(self: Arc<Self>, listener: TcpListener, workgroup: String) {
        let workgroup: Arc<str> = workgroup.into();
        // Dropped with this function, so that closing the port ends its connections too.
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        // The place is taken in turn; until then, the connection waits in the queue of the system.
                        let Ok(place) = self.opening.acquire().await else { return };
                        place.forget();
                        let (door, workgroup) = (Arc::clone(&self), Arc::clone(&workgroup));
                        connections.spawn(async move { door.converse(stream, &workgroup).await });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection to the door could not be taken");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    /// One connection, whose place among those that log in was taken.
    async fn converse(self: Arc<Self>, stream: TcpStream, workgroup: &str) {
        let place = Place(&self.opening);
        let is_crowded = self.opening.available_permits() < MOST_OPENING / 2;
        let patience = if is_crowded { CROWDED_LOGIN_TIMEOUT } else { LOGIN_TIMEOUT };
        let _ = stream.set_nodelay(true);
        let mut opened = match timeout(patience, self.open(stream, workgroup)).await {
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
            Some(postgres) => postgres.converse(opened, self.clock.now()).await,
            None => embedded(opened).await,
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a session ended early");
        }
    }
}

/// A session that the door answers itself.
async fn embedded(opened: Opened) -> io::Result<()> {
    let Opened { mut stream, startup, .. } = opened;
    let mut out = Outgoing::default();
    for (name, value) in session::reported(&startup) {
        out.parameter(name, &value);
    }
    // Nothing can be cancelled, so the key of a request to cancel is of no use.
    out.message(b'K', |body| body.extend_from_slice(&[0; 8])).ready(b'I');
    timeout(WRITE_TIMEOUT, stream.write_all(&out.0)).await??;
    timeout(WRITE_TIMEOUT, stream.flush()).await??;
    Session::new(&startup).run(stream).await
}

/// A place among those that log in, which is free again when this is dropped.
struct Place<'a>(&'a Semaphore);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

#[cfg(test)]
pub(in crate::servers::emulator) mod postgres_tests;
#[cfg(test)]
mod tests;
