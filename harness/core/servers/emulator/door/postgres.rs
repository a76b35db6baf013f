//! A PostgreSQL behind the door: each database user that gets a password is a role there.
//!
//! A role has one password, and the passwords that were given out are several. So the door checks them itself, and logs
//! in with the one that the role has: the newest that has not expired. Who connects to the PostgreSQL directly needs
//! the newest.

use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::io;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::AsyncWriteExt;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config, NoTls};

use super::login::Opened;
use super::messages::{Outgoing, SqlError, Startup};
use super::upstream::{self, NoSession};
use super::{Closing, UNREAD_TIMEOUT, WRITE_TIMEOUT};
use crate::servers::emulator::clock::Clock;
use crate::servers::emulator::logins::Login;
use crate::servers::emulator::{proof, random};
use crate::text::{foreign, foreign_os};
use crate::wire::Secret;

/// How the comment on a role begins that an emulator made.
const COMMENT: &str = "countersign-emulator";

/// The longest name of a role, in bytes. Source: PostgreSQL, `NAMEDATALEN`. It cuts longer ones, so that two would be one.
const LONGEST_NAME: usize = 63;

/// How long a PostgreSQL may take to make a role.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How often a change is tried that another one got in the way of, and how long to wait in between.
const TRIES: u32 = 5;
const TRY_PAUSE: Duration = Duration::from_millis(50);

/// How many changes are made together at most.
const MOST_TOGETHER: usize = 1024;

/// Errors that say that a change got in the way of another one: two transactions on one row (`40001`, `40P01`, and
/// `XX000` with "tuple concurrently updated"), or a role that was made in between.
const IN_THE_WAY: [&str; 5] = ["40001", "40P01", "XX000", "23505", "42710"];

/// A PostgreSQL, as a URL of libpq's kind names it.
#[derive(Clone)]
pub struct Database(Config);

impl FromStr for Database {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        // The parser's words hold no part of the text.
        let mut config = url.parse::<Config>().map_err(|error| {
            let why = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            format!("expected a URL such as postgres://admin@localhost/dev: {}", foreign(&why))
        })?;
        if config.get_ssl_mode() == SslMode::Require {
            return Err("the emulator speaks no TLS to a PostgreSQL: leave out sslmode=require".to_owned());
        }
        if config.get_hosts().is_empty() {
            return Err("expected a host, as in postgres://admin@localhost/dev".to_owned());
        }
        config.ssl_mode(SslMode::Disable).application_name(COMMENT).connect_timeout(upstream::TIMEOUT);
        Ok(Self(config))
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("hosts", &self.0.get_hosts()).finish_non_exhaustive()
    }
}

impl Database {
    /// Connects as the administrator.
    async fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = self.0.connect(NoTls).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "the connection to the PostgreSQL ended");
            }
        });
        // Texts are quoted as the standard says, whatever the server is set to.
        client.batch_execute("SET standard_conforming_strings = on; SET client_min_messages = error").await?;
        Ok(client)
    }

    /// Drops the roles that emulators made and did not drop. Returns their names.
    ///
    /// What such a role owns becomes the administrator's.
    ///
    /// # Errors
    /// When the PostgreSQL cannot be reached, or a role cannot be dropped.
    pub async fn drop_roles(&self) -> io::Result<Vec<String>> {
        self.drop_roles_like(&format!("{COMMENT} %")).await
    }

    async fn drop_roles_like(&self, comment: &str) -> io::Result<Vec<String>> {
        let client = self.connect().await.map_err(|error| failed(&error))?;
        let rows = client
            .query(
                "SELECT rolname::text FROM pg_catalog.pg_roles WHERE shobj_description(oid, 'pg_authid') LIKE $1 \
                 ORDER BY 1",
                &[&comment],
            )
            .await
            .map_err(|error| failed(&error))?;
        let names: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        for name in &names {
            self.drop_role(&client, name).await?;
        }
        Ok(names)
    }

    /// Drops a role, after what it owns and what it was granted in every database.
    async fn drop_role(&self, client: &Client, name: &str) -> io::Result<()> {
        let rows = client
            .query(
                "SELECT DISTINCT d.datname::text FROM pg_catalog.pg_shdepend s \
                 JOIN pg_catalog.pg_database d ON d.oid = s.dbid OR (s.dbid = 0 AND d.datname = current_database()) \
                 JOIN pg_catalog.pg_roles r ON r.oid = s.refobjid \
                 WHERE r.rolname = $1 AND s.refclassid = 'pg_catalog.pg_authid'::regclass",
                &[&name],
            )
            .await
            .map_err(|error| failed(&error))?;
        let role = quoted_name(name);
        for row in rows {
            let mut there = self.clone();
            there.0.dbname(row.get::<_, String>(0));
            let client = there.connect().await.map_err(|error| failed(&error))?;
            let give_up = format!("REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}");
            client.batch_execute(&give_up).await.map_err(|error| failed(&error))?;
        }
        client.batch_execute(&format!("DROP ROLE IF EXISTS {role}")).await.map_err(|error| failed(&error))
    }
}

/// A name as SQL has it, whatever characters it has.
fn quoted_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as SQL has it, where strings conform to the standard.
fn quoted_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// What went wrong, in the words of the PostgreSQL if it said something.
fn words(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => format!("{} (SQLSTATE {})", error.message(), error.code().code()),
        None => std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string),
    }
}

fn failed(error: &tokio_postgres::Error) -> io::Error {
    io::Error::other(format!("the PostgreSQL behind the door: {}", words(error)))
}

/// Something that the administrator does.
enum Job {
    /// Gives a role this password.
    Renew(Arc<Login>),
    /// Rewrites until when the roles' passwords hold.
    ClockMoved,
}

/// When it is done, or why it is not.
type Done = oneshot::Sender<Result<(), String>>;

/// The PostgreSQL behind the door.
pub(super) struct Postgres {
    database: Database,
    jobs: mpsc::UnboundedSender<(Job, Done)>,
    roles: Arc<Roles>,
}

/// The password that each role has.
#[derive(Default)]
struct Roles(Mutex<HashMap<String, Arc<Login>>>);

impl Roles {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Login>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes and changes roles, one after the other.
struct Administrator {
    database: Database,
    client: Option<Client>,
    clock: Clock,
    /// Names this emulator in the comments on roles. The account of the user comes behind it.
    comment: String,
    roles: Arc<Roles>,
    /// Whether the clock was moved, and not every role knows it.
    is_stale: bool,
}

/// Ends the roles of one emulator.
#[derive(Clone)]
pub(super) struct RolesOfOne {
    database: Database,
    comment: String,
}

impl RolesOfOne {
    pub(super) async fn drop_all(&self) -> io::Result<Vec<String>> {
        let dropped = timeout(TIMEOUT, self.database.drop_roles_like(&self.comment)).await;
        dropped.map_err(|_| io::Error::other("the PostgreSQL behind the door did not answer in time"))?
    }
}

impl Postgres {
    /// Checks that the PostgreSQL can be reached, and starts to administrate it.
    pub(super) async fn start(database: Database, clock: Clock) -> io::Result<(Self, RolesOfOne)> {
        let client = database.connect().await.map_err(|error| failed(&error))?;
        let (jobs, mut waiting) = mpsc::unbounded_channel();
        let roles = Arc::<Roles>::default();
        let comment = format!("{COMMENT} {}", random::uuid());
        let mut administrator = Administrator {
            database: database.clone(),
            client: Some(client),
            clock,
            comment: comment.clone(),
            roles: Arc::clone(&roles),
            is_stale: false,
        };
        tokio::spawn(async move {
            let mut jobs = Vec::new();
            while waiting.recv_many(&mut jobs, MOST_TOGETHER).await > 0 {
                administrator.perform(std::mem::take(&mut jobs)).await;
            }
        });
        let of_one = RolesOfOne { database: database.clone(), comment: format!("{comment} %") };
        Ok((Self { database, jobs, roles }, of_one))
    }

    /// Gives a role this password. The order is that of the calls; what is returned waits until it is done.
    pub(super) fn renew(&self, login: Arc<Login>) -> impl Future<Output = Result<(), String>> + use<> {
        self.enqueue(Job::Renew(login))
    }

    /// Rewrites until when the roles' passwords hold.
    pub(super) fn clock_moved(&self) -> impl Future<Output = Result<(), String>> + use<> {
        self.enqueue(Job::ClockMoved)
    }

    fn enqueue(&self, job: Job) -> impl Future<Output = Result<(), String>> + use<> {
        let (done, waiting) = oneshot::channel();
        // If the administrator is gone, the receiver says so.
        let _ = self.jobs.send((job, done));
        async move { waiting.await.unwrap_or_else(|_| Err("the emulator is stopping".to_owned())) }
    }

    /// The session of somebody who logged in at the door.
    pub(super) async fn converse(&self, opened: Opened, now: Timestamp, closing: Closing) -> io::Result<()> {
        let Opened { mut stream, startup, login } = opened;
        match self.log_in(&startup, &login, now).await {
            Ok((server, said)) => {
                timeout(WRITE_TIMEOUT, stream.write_all(&said)).await??;
                timeout(WRITE_TIMEOUT, stream.flush()).await??;
                upstream::relay(stream, server, closing, UNREAD_TIMEOUT).await
            }
            Err(refused) => timeout(WRITE_TIMEOUT, refuse(&mut *stream, refused)).await?,
        }
    }

    /// Logs in at the PostgreSQL with the password that the role has. If that has expired, or somebody changed it, the
    /// role gets the password that was shown at the door.
    async fn log_in(
        &self,
        startup: &Startup,
        login: &Arc<Login>,
        now: Timestamp,
    ) -> Result<(Box<dyn super::messages::Stream>, Vec<u8>), NoSession> {
        let mut known = self.roles.lock().get(&login.user).cloned();
        for _ in 0..TRIES {
            let password = if let Some(known) = known.filter(|known| known.expires > now) {
                known.password.clone()
            } else {
                let renewed = self.renew(Arc::clone(login)).await;
                renewed.map_err(|why| NoSession::Failed(io::Error::other(why)))?;
                login.password.clone()
            };
            match self.log_in_with(startup, &password).await {
                Err(NoSession::Password) => {
                    let newer = self.roles.lock().get(&login.user).cloned();
                    // Another call may have changed it in between. If not, it is renewed.
                    known = newer.filter(|newer| newer.password.expose() != password.expose());
                }
                other => return other,
            }
        }
        Err(NoSession::Password)
    }

    async fn log_in_with(
        &self,
        startup: &Startup,
        password: &Secret,
    ) -> Result<(Box<dyn super::messages::Stream>, Vec<u8>), NoSession> {
        let mut stream = self.connect().await?;
        let said = upstream::log_in(&mut *stream, startup, password).await?;
        Ok((stream, said))
    }

    /// Passes on a request to cancel what a session does.
    pub(super) async fn cancel(&self, request: &[u8]) -> io::Result<()> {
        let mut stream = self.connect().await?;
        let length = u32::try_from(request.len() + 4).unwrap_or(u32::MAX);
        stream.write_all(&[&length.to_be_bytes(), request].concat()).await?;
        stream.shutdown().await
    }

    /// Connects to the first host that answers.
    async fn connect(&self) -> io::Result<Box<dyn super::messages::Stream>> {
        let config = &self.database.0;
        let ports = config.get_ports();
        let mut failed = io::Error::other("no host is named");
        for (index, host) in config.get_hosts().iter().enumerate() {
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            match upstream::connect(host, port).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failed = io::Error::new(error.kind(), format!("{}: {error}", shown(host, port))),
            }
        }
        Err(failed)
    }
}

/// Says why there is no session, and ends the connection.
async fn refuse(stream: &mut (dyn super::messages::Stream + 'static), refused: NoSession) -> io::Result<()> {
    let error = match refused {
        NoSession::Refused(message) => {
            let mut out = Outgoing::default();
            out.message(message.kind, |body| body.extend_from_slice(&message.body));
            stream.write_all(&out.0).await?;
            return stream.shutdown().await;
        }
        NoSession::Password => {
            SqlError::fatal("57P03", "the PostgreSQL behind the door does not take the role's password")
        }
        NoSession::Failed(error) => {
            SqlError::fatal("57P03", format!("the PostgreSQL behind the door cannot be reached: {error}"))
        }
    };
    super::login::refuse(stream, &error).await;
    Ok(())
}

fn shown(host: &Host, port: u16) -> String {
    match host {
        Host::Tcp(name) => format!("{name}:{port}"),
        Host::Unix(folder) => format!("{}/.s.PGSQL.{port}", foreign_os(folder.as_os_str())),
    }
}

impl Administrator {
    /// Does several jobs. Of several passwords for one role, only the newest is written.
    async fn perform(&mut self, mut jobs: Vec<(Job, Done)>) {
        // Where the client is gone, nobody got the password.
        jobs.retain(|(job, done)| matches!(job, Job::ClockMoved) || !done.is_closed());
        let mut newest: HashMap<String, Arc<Login>> = HashMap::new();
        for (job, _) in &jobs {
            match job {
                Job::Renew(login) => drop(newest.insert(login.user.clone(), Arc::clone(login))),
                Job::ClockMoved => self.is_stale = true,
            }
        }
        let mut outcomes = HashMap::new();
        let mut away = None;
        for (user, login) in newest {
            let outcome = match &away {
                // Nobody waits for it once for each user.
                Some(why) => Err(String::clone(why)),
                None => self.within_limit(login).await,
            };
            if let Err(why) = &outcome
                && self.client.is_none()
            {
                away = Some(why.clone());
            }
            outcomes.insert(user, outcome);
        }
        let refreshed = match away {
            Some(why) if self.is_stale => Err(why),
            _ => self.refresh().await,
        };
        for (job, done) in jobs {
            let outcome = match job {
                Job::Renew(login) => outcomes.get(&login.user).cloned().unwrap_or(Ok(())),
                Job::ClockMoved => refreshed.clone(),
            };
            // Nobody waits where the client is gone.
            let _ = done.send(outcome);
        }
    }

    /// Rewrites until when passwords hold, if the clock was moved. What fails is tried again with the next job.
    async fn refresh(&mut self) -> Result<(), String> {
        if !self.is_stale {
            return Ok(());
        }
        let logins: Vec<_> = self.roles.lock().values().cloned().collect();
        for login in logins {
            self.within_limit(login).await?;
        }
        self.is_stale = false;
        Ok(())
    }

    async fn within_limit(&mut self, login: Arc<Login>) -> Result<(), String> {
        let renewed = timeout(TIMEOUT, self.renew(&login)).await;
        renewed.unwrap_or_else(|_| {
            // What the connection is in the middle of is unknown.
            self.client = None;
            Err("it did not answer in time".to_owned())
        })
    }

    /// Makes the role of a log-in, or changes it.
    async fn renew(&mut self, login: &Arc<Login>) -> Result<(), String> {
        if login.user.len() > LONGEST_NAME || login.user.contains('\0') {
            return Err(format!("it has no roles whose names are longer than {LONGEST_NAME} bytes"));
        }
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match self.change(login).await {
                Ok(()) => {
                    self.roles.lock().insert(login.user.clone(), Arc::clone(login));
                    return Ok(());
                }
                Err(Unchanged::Foreign) => {
                    return Err(format!("its role {} was not made by an emulator", foreign(&login.user)));
                }
                Err(Unchanged::OtherAccount(account)) => {
                    let (user, account, own) = (foreign(&login.user), foreign(&account), &login.account);
                    return Err(format!(
                        "its role {user} is that of the account {account}, and a user of account {own} cannot have it too"
                    ));
                }
                Err(Unchanged::Failed(error)) => error,
            };
            let is_in_the_way = error.code().is_some_and(|code| IN_THE_WAY.contains(&code.code()));
            // Without a code, the connection broke. One of class 57 ends it.
            if error.is_closed() || error.code().is_none_or(|code| code.code().starts_with("57P")) {
                self.client = None;
            }
            if tries >= TRIES || !(is_in_the_way || (self.client.is_none() && tries == 1)) {
                let why = words(&error);
                return Err(if self.client.is_none() { format!("it cannot be reached: {why}") } else { why });
            }
            sleep(TRY_PAUSE * tries).await;
        }
    }

    async fn change(&mut self, login: &Login) -> Result<(), Unchanged> {
        if self.client.as_ref().is_none_or(Client::is_closed) {
            self.client = Some(self.database.connect().await?);
        }
        let end = self.real_end(login);
        let Some(client) = &mut self.client else { return Ok(()) };
        let transaction = client.transaction().await?;
        // One emulator after the other.
        transaction.batch_execute("SELECT pg_advisory_xact_lock(7161927, 1)").await?;
        let found = transaction
            .query_opt(
                "SELECT coalesce(shobj_description(oid, 'pg_authid'), '') FROM pg_catalog.pg_roles WHERE rolname = $1",
                &[&login.user],
            )
            .await?;
        let verb = match found.map(|row| row.get::<_, String>(0)) {
            Some(comment) if !comment.starts_with(COMMENT) => return Err(Unchanged::Foreign),
            Some(comment) if account_in(&comment).is_some_and(|account| account != login.account) => {
                return Err(Unchanged::OtherAccount(account_in(&comment).unwrap_or_default().to_owned()));
            }
            Some(_) => "ALTER",
            None => "CREATE",
        };
        let salt = random::bytes::<16>();
        let verifier = proof::ScramKeys::of(&login.password, &salt).verifier(&salt);
        let role = quoted_name(&login.user);
        let mut text = format!(
            "{verb} ROLE {role} LOGIN PASSWORD {} VALID UNTIL {}; COMMENT ON ROLE {role} IS {};",
            quoted_text(&verifier),
            quoted_text(&end),
            quoted_text(&format!("{} {}", self.comment, login.account)),
        );
        // Source of the prefixes: the Redshift Management Guide.
        let plain = login.user.strip_prefix("IAM:").or_else(|| login.user.strip_prefix("IAMR:"));
        if let Some(plain) = plain.filter(|plain| *plain != login.user) {
            let known = "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1";
            if transaction.query_opt(known, &[&plain]).await?.is_some() {
                let _ = write!(text, " GRANT {} TO {role};", quoted_name(plain));
            }
        }
        transaction.batch_execute(&text).await?;
        Ok(transaction.commit().await?)
    }

    /// When a password expires by the clock of the PostgreSQL, which is never moved.
    fn real_end(&self, login: &Login) -> String {
        let left = login.expires.duration_since(self.clock.now());
        // Beyond its years, PostgreSQL has no times.
        let end = Timestamp::now().checked_add(left).unwrap_or(Timestamp::UNIX_EPOCH);
        format!("{:.3}", end.max(Timestamp::UNIX_EPOCH))
    }
}

/// The account in the comment on a role, whose user it is.
fn account_in(comment: &str) -> Option<&str> {
    comment.split(' ').nth(2)
}

/// Why a role was not changed.
enum Unchanged {
    /// It is not one of an emulator.
    Foreign,
    /// It is that of a user of this account.
    OtherAccount(String),
    Failed(tokio_postgres::Error),
}

impl From<tokio_postgres::Error> for Unchanged {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Failed(error)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// An administrator of a server that takes connections and ends each at once, and how many it took.
    async fn of_nobody() -> (Administrator, Arc<AtomicUsize>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("postgres://admin@{}/dev", listener.local_addr().unwrap());
        let taken = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&taken);
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        let administrator = Administrator {
            database: url.parse().unwrap(),
            client: None,
            clock: Clock::default(),
            comment: COMMENT.to_owned(),
            roles: Arc::default(),
            is_stale: false,
        };
        (administrator, taken)
    }

    fn renewal(user: &str) -> ((Job, Done), oneshot::Receiver<Result<(), String>>) {
        let (done, waiting) = oneshot::channel();
        let login = Login::new(user, "wg", None, "secret".into(), Timestamp::MAX);
        ((Job::Renew(Arc::new(login)), done), waiting)
    }

    #[tokio::test]
    async fn a_postgresql_that_is_away_is_asked_for_all_who_wait_and_not_for_each() {
        let (mut administrator, taken) = of_nobody().await;
        let (jobs, waiting): (Vec<_>, Vec<_>) = (0..20).map(|number| renewal(&format!("IAM:{number}"))).unzip();
        administrator.perform(jobs).await;
        for outcome in waiting {
            let why = outcome.await.unwrap().unwrap_err();
            assert!(why.starts_with("it cannot be reached: "), "{why}");
        }
        let asked = taken.load(Ordering::SeqCst);
        assert!((1..=2).contains(&asked), "{asked}");
    }

    #[tokio::test]
    async fn no_role_is_made_for_a_caller_who_is_gone() {
        let (mut administrator, taken) = of_nobody().await;
        let (job, waiting) = renewal("IAM:gone");
        drop(waiting);
        administrator.perform(vec![job]).await;
        assert_eq!(taken.load(Ordering::SeqCst), 0);
    }
}
