//! The layer before the door: it takes log-ins in the place of a right door, and makes of them and of the statements
//! that follow what an entry of `fixtures/defects/` says.
//!
//! By default it asks for the password in the clear, so that it sees what somebody tries to log in with, and then logs in
//! at the right door itself.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use postgres_protocol::authentication::md5_hash;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, copy_bidirectional, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use crate::corpus::Defect;
use crate::corpus::defect::{
    Asked, DoorChange, DoorTls, LoginChange, NameChange, PasswordKind, Refusal, StatementOutcome,
};
use crate::servers::postgres::{
    Fields, GivenOut, Message, Opening, Outgoing, Startup, put_text, read_message, read_opening,
};
use crate::wire::Secret;

/// The longest message that is passed on, in bytes.
const MESSAGE_LIMIT: usize = 64 << 10;

/// The bytes that ask for TLS. Source: the PostgreSQL documentation, `SSLRequest`.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// The kinds of `AuthenticationRequest` to which the client answers nothing.
const AUTHENTICATED: u32 = 0;
const SASL_FINAL: u32 = 12;

/// Those that ask for a password in the clear and by MD5.
const CLEAR: u32 = 3;
const MD5: u32 = 5;

/// What a task gives that takes a while.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What the layer must know of the right door behind it.
pub trait RightDoor: Send + Sync + 'static {
    /// Where it listens.
    fn address(&self) -> SocketAddr;

    /// The log-ins that were given out, the newest first.
    fn given_out(&self) -> Vec<GivenOut>;

    /// Gives out a password of any user, for any database.
    fn give_out<'a>(&'a self, user: &'a str) -> Later<'a, io::Result<Secret>>;

    /// The time by which passwords expire.
    fn now(&self) -> Timestamp;
}

/// A defect before a right door. Dropping it ends every connection.
#[derive(Debug)]
pub struct DoorLayer {
    address: SocketAddr,
    door: Arc<WrongDoor>,
    task: JoinHandle<()>,
}

impl Drop for DoorLayer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl DoorLayer {
    /// Gives the right door this defect, at a free port of the loopback address. A defect that says nothing of log-ins
    /// changes nothing.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(defect: &Defect, right: impl RightDoor) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let change = defect.door.as_deref().cloned().unwrap_or_default();
        let (rewrites, met) = (AtomicU64::new(0), AtomicU64::new(0));
        let door = Arc::new(WrongDoor { change, right: Box::new(right), rewrites, met });
        let serving = Arc::clone(&door);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let door = Arc::clone(&serving);
                connections.spawn(async move { drop(door.converse(stream).await) });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, door, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many log-ins and statements did not go as at the right door.
    pub fn rewrites(&self) -> u64 {
        self.door.rewrites.load(Ordering::Relaxed)
    }
}

struct WrongDoor {
    change: DoorChange,
    right: Box<dyn RightDoor>,
    rewrites: AtomicU64,
    /// How many log-ins met the conditions so far.
    met: AtomicU64,
}

impl std::fmt::Debug for WrongDoor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WrongDoor").field("change", &self.change).finish_non_exhaustive()
    }
}

/// What somebody tries to log in with.
struct Attempt {
    password: PasswordKind,
    /// When the password expires, where it is one of the user's.
    expires: Option<Timestamp>,
}

/// As whom a session at the right door is opened.
struct Opened {
    server: TcpStream,
    /// When the session ends that ends with its password.
    ends: Option<Timestamp>,
}

impl WrongDoor {
    fn count(&self) {
        self.rewrites.fetch_add(1, Ordering::Relaxed);
    }

    async fn converse(&self, mut client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        let must_be_encrypted = self.change.tls == DoorTls::Always;
        let startup = loop {
            match read_opening(&mut client).await {
                Ok(Opening::Tls) if must_be_encrypted => {
                    self.count();
                    let mut server = self.connect().await?;
                    server.write_all(&SSL_REQUEST).await?;
                    return copy_bidirectional(&mut client, &mut server).await.map(drop);
                }
                Ok(Opening::Tls | Opening::Gss) => client.write_all(b"N").await?,
                Ok(Opening::Startup(startup)) => break startup,
                Ok(Opening::Cancel(_)) | Err(_) => return Ok(()),
            }
        };
        if must_be_encrypted {
            self.count();
            let (sqlstate, message) = ("28000".to_owned(), "connections must be encrypted".to_owned());
            return refuse(&mut client, &Refusal { sqlstate, message, severity: "FATAL".to_owned() }).await;
        }
        if self.change.asks.is_some() {
            self.count();
        }
        let opened = match self.change.asks {
            None | Some(Asked::Clear) => self.ask_clear(&mut client, startup).await?,
            Some(Asked::Md5 | Asked::Scram) => self.log_in(&mut client, &startup, None).await?,
        };
        match opened {
            Some(opened) => self.pass_on(client, opened).await,
            None => Ok(()),
        }
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let server = TcpStream::connect(self.right.address()).await?;
        server.set_nodelay(true)?;
        Ok(server)
    }

    /// Asks for the password, and opens the session that the entry gives for it.
    async fn ask_clear(&self, client: &mut TcpStream, mut startup: Startup) -> io::Result<Option<Opened>> {
        let mut out = Outgoing::default();
        client.write_all(&out.authentication(CLEAR, b"").0).await?;
        let answer = read(client).await?;
        let Some(password) = Fields(&answer.body).text().filter(|_| answer.kind == b'p') else { return Ok(None) };
        let password = Secret::from(password);
        let attempt = self.attempt(&startup, &password);
        let is_right = matches!(attempt.password, PasswordKind::Right | PasswordKind::Earlier);
        let is_meant = self.is_meant(&attempt, startup.database()) && self.is_turn();
        if is_meant && self.change.delay_ms > 0 {
            self.count();
            sleep(Duration::from_millis(self.change.delay_ms.into())).await;
        }
        let change = self.change.login.as_ref().filter(|_| is_meant);
        if let Some(change) = change.filter(|change| !matches!(change, LoginChange::Accept)) {
            self.count();
            deny(client, change).await?;
            return Ok(None);
        }
        let is_let_in = is_right || change.is_some();
        if is_meant && is_let_in {
            let (user, database) = (startup.user().to_owned(), startup.database().to_owned());
            let named = (changed(self.change.user.as_ref(), &user), changed(self.change.database.as_ref(), &database));
            if !is_right || named != (user, database) {
                self.count();
                let (user, database) = named;
                let password = self.right.give_out(&user).await?;
                startup.parameters.retain(|(name, _)| name != "user" && name != "database");
                startup.parameters.extend([("user".to_owned(), user), ("database".to_owned(), database)]);
                return self.log_in(client, &startup, Some((password, None))).await;
            }
        }
        let ends = attempt.expires.filter(|_| self.change.ends_at_expiry);
        self.log_in(client, &startup, Some((password, ends))).await
    }

    /// What a password is that somebody tries to log in with.
    fn attempt(&self, startup: &Startup, password: &Secret) -> Attempt {
        let (given_out, now, text) = (self.right.given_out(), self.right.now(), password.expose());
        let is_same = |login: &&GivenOut| login.password.expose() == text;
        let mut of_user = given_out.iter().filter(|login| login.user == startup.user());
        let Some(login) = given_out.iter().find(is_same) else {
            let begins = |login: &GivenOut| login.is_here && login.password.expose().starts_with(text);
            let kind = if text.is_empty() {
                PasswordKind::Empty
            } else if of_user.any(begins) {
                PasswordKind::Truncated
            } else {
                PasswordKind::Unknown
            };
            return Attempt { password: kind, expires: None };
        };
        let kind = if login.user != startup.user() {
            PasswordKind::OfAnotherUser
        } else if !login.is_here {
            PasswordKind::OfAnotherWorkgroup
        } else if login.expires <= now {
            PasswordKind::Expired
        } else if login.database.as_deref().is_some_and(|named| named != startup.database()) {
            PasswordKind::OfAnotherDatabase
        } else if of_user.find(|login| login.is_here).is_some_and(|newest| !is_same(&newest)) {
            PasswordKind::Earlier
        } else {
            PasswordKind::Right
        };
        Attempt { password: kind, expires: Some(login.expires) }
    }

    fn is_meant(&self, attempt: &Attempt, database: &str) -> bool {
        let when = &self.change.when;
        let left = || attempt.expires.map(|expires| (expires.as_second()) - self.right.now().as_second());
        (when.password.is_empty() || when.password.contains(&attempt.password))
            && when.left.is_none_or(|range| left().is_some_and(|left| (range.from..=range.to).contains(&left)))
            && when.database.as_ref().is_none_or(|pattern| pattern.regex().is_match(database))
    }

    /// Whether the entry applies to this log-in, which meets its conditions: to every nth, or to those with some numbers,
    /// if it says so; else to each.
    fn is_turn(&self) -> bool {
        let number = self.met.fetch_add(1, Ordering::Relaxed) + 1;
        let when = &self.change.when;
        when.every.is_none_or(|every| number.is_multiple_of(every.get()))
            && when.numbers.is_none_or(|numbers| (numbers.from..=numbers.to).contains(&number))
    }

    /// Logs in at the right door, with a password and the end of the session, or with the proof of the client itself.
    /// Passes on what it answers. Returns the session if there is one.
    async fn log_in(
        &self,
        client: &mut TcpStream,
        startup: &Startup,
        known: Option<(Secret, Option<Timestamp>)>,
    ) -> io::Result<Option<Opened>> {
        let mut server = self.connect().await?;
        server.write_all(&startup_message(startup, self.change.asks != Some(Asked::Scram))).await?;
        loop {
            let message = read(&mut server).await?;
            let kind = Fields(&message.body).u32().filter(|_| message.kind == b'R');
            match (kind, &known) {
                (Some(MD5), Some((password, _))) => {
                    let salt = message.body.get(4..8).and_then(|salt| salt.try_into().ok()).unwrap_or_default();
                    let proof = md5_hash(startup.user().as_bytes(), password.expose().as_bytes(), salt);
                    let mut out = Outgoing::default();
                    server.write_all(&out.message(b'p', |body| put_text(body, &proof)).0).await?;
                }
                (Some(AUTHENTICATED), _) => {
                    write(client, &message).await?;
                    self.notify(client).await?;
                }
                (Some(SASL_FINAL), _) => write(client, &message).await?,
                (Some(_), _) => {
                    write(client, &message).await?;
                    let proof = read(client).await?;
                    write(&mut server, &proof).await?;
                }
                _ if message.kind == b'E' => {
                    let Some(worded) = &self.change.refusals else {
                        write(client, &message).await?;
                        return Ok(None);
                    };
                    self.count();
                    refuse(client, worded).await?;
                    return Ok(None);
                }
                _ if message.kind == b'Z' => {
                    let mut out = Outgoing::default();
                    for (name, value) in &self.change.parameters {
                        self.count();
                        out.parameter(name, value);
                    }
                    client.write_all(&out.0).await?;
                    write(client, &message).await?;
                    return Ok(Some(Opened { server, ends: known.and_then(|(_, ends)| ends) }));
                }
                _ => write(client, &message).await?,
            }
        }
    }

    /// Passes on the statements of a session and their answers.
    async fn pass_on(&self, mut client: TcpStream, opened: Opened) -> io::Result<()> {
        let Opened { mut server, ends } = opened;
        loop {
            let message = read(&mut client).await?;
            if ends.is_some_and(|ends| ends <= self.right.now()) {
                self.count();
                return Ok(());
            }
            let text = Fields(&message.body).text().filter(|_| message.kind == b'Q').unwrap_or_default();
            let change = self.change.statements.iter().find(|change| change.matches.regex().is_match(text));
            let mut rewritten: Option<Option<&str>> = None;
            if let Some(change) = change {
                self.count();
                match &change.becomes {
                    StatementOutcome::Answer(text) => rewritten = Some(Some(text)),
                    StatementOutcome::Fold => rewritten = Some(None),
                    StatementOutcome::Refuse(refusal) => {
                        let mut out = error(refusal);
                        client.write_all(&out.ready(b'I').0).await?;
                        continue;
                    }
                    StatementOutcome::Close => return Ok(()),
                    StatementOutcome::Hang => return copy(&mut client, &mut sink()).await.map(drop),
                }
            }
            write(&mut server, &message).await?;
            if message.kind == b'X' {
                return Ok(());
            }
            self.notify(&mut client).await?;
            loop {
                let mut answer = read(&mut server).await?;
                if let Some(text) = rewritten.filter(|_| answer.kind == b'D') {
                    answer.body = row(&answer.body, text).unwrap_or(answer.body);
                }
                write(&mut client, &answer).await?;
                if answer.kind == b'Z' {
                    break;
                }
            }
        }
    }

    async fn notify(&self, client: &mut TcpStream) -> io::Result<()> {
        let mut out = Outgoing::default();
        for number in 1..=self.change.notices {
            self.count();
            out.message(b'N', |body| {
                for (kind, text) in [(b'S', "NOTICE"), (b'C', "00000"), (b'M', &format!("notice {number}"))] {
                    body.push(kind);
                    put_text(body, text);
                }
                body.push(0);
            });
        }
        client.write_all(&out.0).await
    }
}

/// Answers somebody who is not let in.
async fn deny(client: &mut TcpStream, change: &LoginChange) -> io::Result<()> {
    match change {
        LoginChange::Accept | LoginChange::Close => Ok(()),
        LoginChange::Refuse(refusal) => refuse(client, refusal).await,
        LoginChange::Hang => copy(client, &mut sink()).await.map(drop),
        LoginChange::Garbage(text) => client.write_all(text.as_bytes()).await,
    }
}

/// Sends an error and ends the connection.
async fn refuse(client: &mut TcpStream, refusal: &Refusal) -> io::Result<()> {
    client.write_all(&error(refusal).0).await?;
    client.shutdown().await
}

fn error(Refusal { sqlstate, message, severity }: &Refusal) -> Outgoing {
    let mut out = Outgoing::default();
    out.message(b'E', |body| {
        for (kind, text) in [(b'S', severity), (b'C', sqlstate), (b'M', message)] {
            body.push(kind);
            put_text(body, text);
        }
        body.push(0);
    });
    out
}

/// A name, as an entry changes it.
fn changed(change: Option<&NameChange>, name: &str) -> String {
    match change {
        None => name.to_owned(),
        Some(NameChange { pattern: None, with }) => with.clone(),
        Some(NameChange { pattern: Some(pattern), with }) => {
            pattern.regex().replace_all(name, with.as_str()).into_owned()
        }
    }
}

/// The start-up message of a client, which the right door asks for a proof by MD5 if it comes from a driver of Redshift.
fn startup_message(startup: &Startup, by_md5: bool) -> Vec<u8> {
    let driver = ("driver_version".to_owned(), "1".to_owned());
    let is_other = |(name, _): &&(String, String)| *name != driver.0;
    let mut body = (3_u32 << 16).to_be_bytes().to_vec();
    for (name, value) in startup.parameters.iter().filter(is_other).chain(by_md5.then_some(&driver)) {
        put_text(&mut body, name);
        put_text(&mut body, value);
    }
    body.push(0);
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), &body[..]].concat()
}

/// A `DataRow` whose texts are this one, or in small letters.
fn row(body: &[u8], text: Option<&str>) -> Option<Vec<u8>> {
    let mut fields = Fields(body);
    let count = fields.u16()?;
    let mut row = count.to_be_bytes().to_vec();
    for _ in 0..count {
        let length = fields.u32()?;
        let old = if length == u32::MAX { &[] } else { fields.bytes(usize::try_from(length).ok()?)? };
        let new = text.map_or_else(|| String::from_utf8_lossy(old).to_lowercase(), str::to_owned);
        row.extend_from_slice(&u32::try_from(new.len()).ok()?.to_be_bytes());
        row.extend_from_slice(new.as_bytes());
    }
    Some(row)
}

async fn read(stream: &mut TcpStream) -> io::Result<Message> {
    let kind = stream.read_u8().await?;
    read_message(stream, kind, MESSAGE_LIMIT).await
}

async fn write(stream: &mut TcpStream, message: &Message) -> io::Result<()> {
    let mut out = Outgoing::default();
    stream.write_all(&out.message(message.kind, |body| body.extend_from_slice(&message.body)).0).await
}
