//! A session at a PostgreSQL behind the door: the door logs in there, and passes on what both sides say.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_postgres::config::Host;

use super::Closing;
use super::messages::{Fields, Message, Outgoing, SqlError, Startup, Stream, put_text, read_message};
use super::session::SERVER_VERSION;
use crate::wire::Secret;

/// How long a PostgreSQL may take to let the door in.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// The longest message before a session, in bytes.
const MESSAGE_LIMIT: usize = 64 << 10;

/// How much is passed on at once, in bytes.
const BUFFER: usize = 16 << 10;

/// Start-up parameters that only Redshift and its drivers know. Source: `redshift_connector` 2.2.0, `core.py`.
const OF_REDSHIFT: [&str; 8] = [
    "client_protocol_version",
    "driver_version",
    "os_version",
    "driver_discovery_version",
    "plugin_name",
    "provider_name",
    "idp_type",
    "token_type",
];

/// Connects to a PostgreSQL.
pub(super) async fn connect(host: &Host, port: u16) -> io::Result<Box<dyn Stream>> {
    let connected = timeout(TIMEOUT, async {
        Ok::<Box<dyn Stream>, io::Error>(match host {
            Host::Tcp(name) => {
                let stream = TcpStream::connect((name.as_str(), port)).await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            Host::Unix(folder) => Box::new(UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).await?),
        })
    });
    connected.await?
}

/// Why there is no session at the PostgreSQL.
#[derive(Debug)]
pub(super) enum NoSession {
    /// It did not take the password.
    Password,
    /// It refused for another reason: its own message, for the client.
    Refused(Message),
    Failed(io::Error),
}

impl From<io::Error> for NoSession {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// Logs in at a PostgreSQL, with what a client began its session with. Returns what it says up to the first
/// `ReadyForQuery`, for the client.
pub(super) async fn log_in(
    stream: &mut (dyn Stream + 'static),
    startup: &Startup,
    password: &Secret,
) -> Result<Vec<u8>, NoSession> {
    timeout(TIMEOUT, prove(stream, startup, password)).await.map_err(io::Error::from)?
}

async fn prove(
    stream: &mut (dyn Stream + 'static),
    startup: &Startup,
    password: &Secret,
) -> Result<Vec<u8>, NoSession> {
    let mut begin = 0x0003_0000_u32.to_be_bytes().to_vec();
    for (name, value) in &startup.parameters {
        if !OF_REDSHIFT.contains(&name.as_str()) && !name.starts_with("_pq_.") {
            put_text(&mut begin, name);
            put_text(&mut begin, value);
        }
    }
    begin.push(0);
    let length = u32::try_from(begin.len() + 4).unwrap_or(u32::MAX);
    stream.write_all(&[&length.to_be_bytes(), &begin[..]].concat()).await?;

    let mut scram = ScramSha256::new(password.expose().as_bytes(), ChannelBinding::unsupported());
    let mut said = Outgoing::default();
    loop {
        let kind = stream.read_u8().await?;
        let message = read_message(stream, kind, MESSAGE_LIMIT).await?;
        match kind {
            b'R' => {
                let answer = answer(&message.body, startup, password, &mut scram)?;
                stream.write_all(&answer).await?;
            }
            b'E' if has_code(&message, "28P01") => return Err(NoSession::Password),
            b'E' => return Err(NoSession::Refused(message)),
            b'S' if startup.is_of_redshift() && message.body.starts_with(b"server_version\0") => {
                said.parameter("server_version", SERVER_VERSION);
            }
            _ => drop(said.message(kind, |body| body.extend_from_slice(&message.body))),
        }
        if kind == b'Z' {
            return Ok(said.0);
        }
    }
}

/// What the door answers to a request of authentication.
fn answer(request: &[u8], startup: &Startup, password: &Secret, scram: &mut ScramSha256) -> io::Result<Vec<u8>> {
    let mut fields = Fields(request);
    let kind = fields.u32();
    let mut out = Outgoing::default();
    match kind {
        Some(0) => {}
        Some(3) => drop(out.message(b'p', |body| put_text(body, password.expose()))),
        Some(5) => {
            let salt = fields.0.try_into().map_err(io::Error::other)?;
            let hash = md5_hash(startup.user().as_bytes(), password.expose().as_bytes(), salt);
            out.message(b'p', |body| put_text(body, &hash));
        }
        Some(10) => {
            let first = scram.message();
            let length = u32::try_from(first.len()).unwrap_or(u32::MAX);
            out.message(b'p', |body| {
                put_text(body, SCRAM_SHA_256);
                body.extend_from_slice(&length.to_be_bytes());
                body.extend_from_slice(first);
            });
        }
        Some(11) => {
            scram.update(fields.0)?;
            out.message(b'p', |body| body.extend_from_slice(scram.message()));
        }
        Some(12) => scram.finish(fields.0)?,
        _ => return Err(io::Error::other("the PostgreSQL asks for a log-in that the door does not know")),
    }
    Ok(out.0)
}

/// Whether an error has this SQLSTATE.
fn has_code(message: &Message, code: &str) -> bool {
    message.body.split(|byte| *byte == 0).any(|field| field.strip_prefix(b"C") == Some(code.as_bytes()))
}

/// Passes on what both sides say until one of them ends the session or the port is closed. The client is told where the
/// PostgreSQL did not say it.
///
/// Nothing is read of one side before the other one took what came before. Who is silent may stay for ever. A client
/// that takes nothing of what is there for it for as long as `patience` loses its session, and so does one that has
/// closed its side, once the PostgreSQL was silent for so long.
pub(super) async fn relay(
    client: Box<dyn Stream>,
    server: Box<dyn Stream>,
    closing: Closing,
    patience: Duration,
) -> io::Result<()> {
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let has_left = AtomicBool::new(false);
    let upward = pass_up(&mut from_client, &mut to_server, &has_left);
    let downward = async {
        let passed = pass_on(&mut from_server, &mut to_client, closing, patience, &has_left).await?;
        let mut out = Outgoing::default();
        match passed {
            End::Known => {}
            End::Unknown => {
                let error = SqlError::fatal("08006", "the PostgreSQL behind the door ended the connection");
                out.error(&error);
            }
            End::Closing => drop(out.error(&SqlError::shutdown())),
        }
        write_steadily(&mut to_client, &out.0, patience).await?;
        timeout(patience, to_client.shutdown()).await?
    };
    tokio::pin!(upward, downward);
    tokio::select! {
        done = &mut downward => done,
        // The client has said all, or the PostgreSQL takes no more of it because it has ended. What the PostgreSQL still
        // says is for the client, and so is that it ended.
        _ = &mut upward => downward.await,
    }
}

/// How what a server says came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The client knows: after an error that says so, in the middle of a message, or because it left.
    Known,
    Unknown,
    /// The port is closed, between two messages.
    Closing,
}

/// Passes on the messages of a client, and notes when it has left or ended its session: it expects no answer then.
async fn pass_up(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    has_left: &AtomicBool,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    let mut position = Position::default();
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else {
            has_left.store(true, Ordering::Relaxed);
            return to.shutdown().await;
        };
        position.pass(&buffer[..count]);
        if position.terminate && position.is_between() {
            // Before the server has the message and ends the connection.
            has_left.store(true, Ordering::Relaxed);
        }
        to.write_all(&buffer[..count]).await?;
        to.flush().await?;
    }
}

/// Passes on the messages of a server.
async fn pass_on(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    mut closing: Closing,
    patience: Duration,
    has_left: &AtomicBool,
) -> io::Result<End> {
    let mut buffer = vec![0; BUFFER];
    let mut position = Position::default();
    loop {
        let read = tokio::select! {
            read = timeout(patience, from.read(&mut buffer)) => read,
            () = closing.closed() => return Ok(if position.is_between() { End::Closing } else { End::Known }),
        };
        match read {
            Ok(Ok(count @ 1..)) => {
                position.pass(&buffer[..count]);
                write_steadily(to, &buffer[..count], patience).await?;
            }
            Ok(_) => {
                let is_untold = position.is_between() && !position.error && !has_left.load(Ordering::Relaxed);
                return Ok(if is_untold { End::Unknown } else { End::Known });
            }
            Err(_) if has_left.load(Ordering::Relaxed) => return Ok(End::Known),
            Err(_) => {}
        }
    }
}

/// Writes all, as long as a part of it is taken within each `patience`.
async fn write_steadily(to: &mut (impl AsyncWrite + Unpin), mut bytes: &[u8], patience: Duration) -> io::Result<()> {
    while !bytes.is_empty() {
        let taken = timeout(patience, to.write(bytes)).await??;
        if taken == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[taken..];
    }
    timeout(patience, to.flush()).await?
}

/// Where in the messages of a server or a client a stream is.
#[derive(Debug, Default)]
struct Position {
    /// The part of a header that was seen: the kind and the length.
    header: Vec<u8>,
    /// How much of the body is to come.
    rest: usize,
    /// Whether the last message is an error of a server.
    error: bool,
    /// Whether the last message is the one by which a client ends its session.
    terminate: bool,
}

impl Position {
    fn is_between(&self) -> bool {
        self.header.is_empty() && self.rest == 0
    }

    fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.rest > 0 {
                let passed = self.rest.min(bytes.len());
                self.rest -= passed;
                bytes = &bytes[passed..];
                continue;
            }
            let passed = bytes.len().min(5 - self.header.len());
            self.header.extend_from_slice(&bytes[..passed]);
            bytes = &bytes[passed..];
            if let [kind, length @ ..] = &self.header[..]
                && let Ok(length) = <[u8; 4]>::try_from(length)
            {
                self.error = *kind == b'E';
                self.terminate = *kind == b'X';
                self.rest = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX).saturating_sub(4);
                self.header.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};
    use tokio::sync::watch;
    use tokio::task::JoinHandle;
    use tokio::time::sleep;

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(200);

    /// A relay with a client, a server, and what keeps its port open.
    fn relayed() -> (DuplexStream, DuplexStream, watch::Sender<()>, JoinHandle<io::Result<()>>) {
        let ((client, to_client), (server, to_server)) = (duplex(1024), duplex(1024));
        let (open, closing) = watch::channel(());
        let relay = relay(Box::new(to_client), Box::new(to_server), Closing(closing), PATIENCE);
        (client, server, open, tokio::spawn(relay))
    }

    /// How the relay ended, once it has.
    async fn ended(relay: JoinHandle<io::Result<()>>) -> io::Result<()> {
        timeout(10 * PATIENCE, relay).await.expect("the relay ends").unwrap()
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_loses_its_session_and_holds_back_the_server() {
        let (_client, mut server, _open, relay) = relayed();
        let mut written = 0;
        while timeout(PATIENCE / 2, server.write_all(&[b'x'; 512])).await.is_ok_and(|done| done.is_ok()) {
            written += 512;
        }
        assert!(written <= 2048 + BUFFER, "{written}");
        assert_eq!(ended(relay).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_client_that_takes_a_little_at_a_time_and_one_that_says_nothing_keep_their_sessions() {
        let (mut client, mut server, _open, relay) = relayed();
        let rows: Vec<u8> = [b"D\0\0\x13\x88", &[b'x'; 4996][..]].concat();
        let writing = tokio::spawn(async move { server.write_all(&rows).await.map(|()| server) });
        for _ in 0..5 {
            sleep(PATIENCE / 2).await;
            client.read_exact(&mut [0; 1000]).await.unwrap();
        }
        let mut server = writing.await.unwrap().unwrap();
        client.read_exact(&mut [0; 1]).await.unwrap();
        sleep(3 * PATIENCE).await;
        client.write_all(b"Q\0\0\0\x05\0").await.unwrap();
        server.read_exact(&mut [0; 6]).await.unwrap();
        server.write_all(b"Z\0\0\0\x05I").await.unwrap();
        client.read_exact(&mut [0; 6]).await.unwrap();
        assert!(!relay.is_finished());
    }

    #[tokio::test]
    async fn a_client_that_left_is_waited_for_only_as_long_as_the_server_says_something() {
        let (client, mut server, _open, relay) = relayed();
        drop(client);
        assert_eq!(timeout(PATIENCE, server.read(&mut [0; 1])).await.unwrap().unwrap(), 0);
        ended(relay).await.unwrap();
    }

    #[tokio::test]
    async fn the_end_of_the_server_and_of_the_port_are_told_between_two_messages() {
        for (is_port, code) in [(true, "57P01"), (false, "08006")] {
            for (said, is_between) in [(&b"Z\0\0\0\x05I"[..], true), (b"Z\0\0\0\x05", false)] {
                let (mut client, mut server, open, relay) = relayed();
                server.write_all(said).await.unwrap();
                client.read_exact(&mut vec![0; said.len()]).await.unwrap();
                if is_port {
                    drop(open);
                } else {
                    drop(server);
                }
                let mut rest = String::new();
                client.read_to_string(&mut rest).await.unwrap();
                assert_eq!(rest.contains(code), is_between, "{code}: {rest:?}");
                assert!(is_between || rest.is_empty(), "{rest:?}");
                ended(relay).await.unwrap();
            }
        }
    }

    #[tokio::test]
    async fn a_client_in_the_middle_of_a_message_is_told_that_the_server_ended() {
        for _ in 0..20 {
            let (mut client, server, _open, relay) = relayed();
            // More than the server has room for, so that the relay still has some of it.
            client.write_all(&[&b"Q\0\0\x10\0"[..], &[b'x'; 1500]].concat()).await.unwrap();
            drop(server);
            let mut rest = String::new();
            client.read_to_string(&mut rest).await.unwrap();
            assert!(rest.contains("08006"), "{rest:?}");
            ended(relay).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_client_that_ended_its_session_is_told_nothing_more() {
        let (mut client, mut server, _open, relay) = relayed();
        client.write_all(b"X\0\0\0\x04").await.unwrap();
        server.read_exact(&mut [0; 5]).await.unwrap();
        drop(server);
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"");
        ended(relay).await.unwrap();
    }

    #[test]
    fn the_end_of_a_message_is_seen_however_it_is_cut() {
        let mut out = Outgoing::default();
        out.complete("SELECT 1").ready(b'I').error(&SqlError::fatal("57P01", "bye"));
        let errors_at = out.0.len();
        for size in 1..errors_at {
            let mut position = Position::default();
            for part in out.0.chunks(size) {
                assert!(!position.error || position.header.is_empty());
                position.pass(part);
            }
            assert!(position.is_between() && position.error, "{size}: {position:?}");
            position.pass(b"Z\0\0\0\x05");
            assert!(!position.is_between() && !position.error, "{size}");
        }
    }
}
