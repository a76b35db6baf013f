//! What happens between a connection and a session: TLS, the start-up message, and the proof of a password.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

use super::Door;
use super::messages::{
    Fields, Opening, Outgoing, SqlError, Startup, Stream, Unopened, put_text, read_message, read_opening,
};
use crate::servers::emulator::logins::{Attempt, Login, Refused};
use crate::servers::emulator::proof::{self, ScramStart};
use crate::servers::emulator::random;

/// The longest message of a log-in, in bytes.
const PASSWORD_LIMIT: usize = 2048;

/// A log-in is refused so long after its proof came, or twice or more times so long: how long it took to find out says
/// nothing.
const REFUSAL_PAUSE: Duration = Duration::from_millis(100);

/// How long the passwords of a user are tried at once. Each takes about a millisecond for the first time.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// The kinds of `AuthenticationRequest`.
const OK: u32 = 0;
const MD5: u32 = 5;
const SASL: u32 = 10;
const SASL_CONTINUE: u32 = 11;
const SASL_FINAL: u32 = 12;

/// Somebody who logged in.
pub(super) struct Opened {
    pub(super) stream: Box<dyn Stream>,
    pub(super) startup: Startup,
    pub(super) login: Arc<Login>,
}

/// What a connection came to.
pub(super) enum Outcome {
    Opened(Opened),
    /// The bytes of a request to cancel what another connection does.
    Cancel(Vec<u8>),
    /// It was refused, or ended by itself.
    Ended,
}

impl Door {
    /// Takes a connection to a workgroup up to its session. The caller bounds its time.
    pub(super) async fn open(&self, stream: impl Stream + 'static, workgroup: &str) -> Outcome {
        let (mut stream, startup) = match self.start(stream).await {
            Ok(Started::Startup(stream, startup)) => (stream, startup),
            Ok(Started::Cancel(bytes)) => return Outcome::Cancel(bytes),
            Err(_) => return Outcome::Ended,
        };
        match self.authenticate(&mut stream, &startup, workgroup).await {
            Ok(login) => Outcome::Opened(Opened { stream, startup, login }),
            Err(Unproved::Lost) => Outcome::Ended,
            Err(Unproved::Refused(error)) => {
                refuse(&mut stream, &error).await;
                Outcome::Ended
            }
        }
    }

    /// Reads what comes before the proof of a password. GSSAPI is declined, TLS is spoken; each is asked for once at most.
    async fn start(&self, mut stream: impl Stream + 'static) -> Result<Started, Unopened> {
        let mut opening = read_opening(&mut stream).await;
        if matches!(opening, Ok(Opening::Gss)) {
            stream.write_all(b"N").await?;
            opening = read_opening(&mut stream).await;
        }
        let mut stream: Box<dyn Stream> = if matches!(opening, Ok(Opening::Tls)) {
            stream.write_all(b"S").await?;
            let mut stream = Box::new(self.certificate.acceptor.accept(stream).await?);
            opening = read_opening(&mut stream).await;
            stream
        } else {
            Box::new(stream)
        };
        let what = match opening {
            Ok(Opening::Startup(startup)) => return Ok(Started::Startup(stream, startup)),
            Ok(Opening::Cancel(bytes)) => return Ok(Started::Cancel(bytes)),
            Ok(Opening::Tls | Opening::Gss) => "encryption was asked for twice",
            Err(Unopened::Malformed(what)) => what,
            Err(Unopened::Lost) => return Err(Unopened::Lost),
        };
        refuse(&mut *stream, &SqlError::malformed(what)).await;
        Err(Unopened::Lost)
    }

    /// Lets a client prove that it knows a password of the user that it names.
    async fn authenticate(
        &self,
        stream: &mut (dyn Stream + 'static),
        startup: &Startup,
        workgroup: &str,
    ) -> Result<Arc<Login>, Unproved> {
        if startup.user().is_empty() {
            let message = "no PostgreSQL user name specified in startup packet";
            return Err(SqlError::fatal("28000", message).into());
        }
        let options = startup.parameters.iter().map(|(name, _)| name).filter(|name| name.starts_with("_pq_."));
        let options: Vec<&String> = options.collect();
        if startup.minor > 0 || !options.is_empty() {
            let mut out = Outgoing::default();
            out.message(b'v', |body| {
                body.extend_from_slice(&0_u32.to_be_bytes());
                body.extend_from_slice(&u32::try_from(options.len()).unwrap_or(0).to_be_bytes());
                for name in options {
                    put_text(body, name);
                }
            });
            stream.write_all(&out.0).await?;
        }
        let proof = if startup.is_of_redshift() {
            self.ask_md5(stream).await?
        } else {
            self.ask_scram(stream, startup).await?
        };
        let proved = Instant::now();
        let checked = self.check(proof, startup, workgroup).await;
        let (login, last) = match checked {
            Ok(proved) => proved,
            Err(refused) => {
                let spent = proved.elapsed().as_millis() / REFUSAL_PAUSE.as_millis();
                let pauses = u32::try_from(spent).unwrap_or(u32::MAX - 1) + 1;
                sleep_until(proved + REFUSAL_PAUSE.saturating_mul(pauses)).await;
                return Err(refusal(refused, startup).into());
            }
        };
        let mut out = Outgoing::default();
        if let Some(last) = last {
            out.authentication(SASL_FINAL, last.as_bytes());
        }
        stream.write_all(&out.authentication(OK, b"").0).await?;
        Ok(login)
    }

    async fn ask_md5(&self, stream: &mut (dyn Stream + 'static)) -> Result<Proof, Unproved> {
        let salt = random::bytes();
        let mut out = Outgoing::default();
        stream.write_all(&out.authentication(MD5, &salt).0).await?;
        stream.flush().await?;
        let answer = read_proof(stream).await?;
        // A text that ends with a zero byte.
        Ok(Proof::Md5 { salt, answer: answer.strip_suffix(&[0]).map(<[u8]>::to_vec).unwrap_or_default() })
    }

    async fn ask_scram(&self, stream: &mut (dyn Stream + 'static), startup: &Startup) -> Result<Proof, Unproved> {
        let malformed = || Unproved::from(SqlError::malformed("malformed SCRAM message"));
        let mut out = Outgoing::default();
        stream.write_all(&out.authentication(SASL, b"SCRAM-SHA-256\0\0").0).await?;
        stream.flush().await?;
        let first = read_proof(stream).await?;
        let mut fields = Fields(&first);
        if fields.text() != Some("SCRAM-SHA-256") {
            return Err(SqlError::malformed("client selected an invalid SASL authentication mechanism").into());
        }
        let first = fields.u32().map(|_| fields.0).ok_or_else(malformed)?;
        let salt = proof::salt_of(startup.user(), &self.salt_key);
        let start = ScramStart::read(first, &salt, &random::nonce()).map_err(|_| malformed())?;
        let mut out = Outgoing::default();
        stream.write_all(&out.authentication(SASL_CONTINUE, start.answer.as_bytes()).0).await?;
        stream.flush().await?;
        let last = read_proof(stream).await?;
        Ok(Proof::Scram { salt, exchange: start.finish(&last).map_err(|_| malformed())? })
    }

    /// Finds the log-in that a proof is of, and what the server proves in turn.
    async fn check(
        &self,
        proof: Proof,
        startup: &Startup,
        workgroup: &str,
    ) -> Result<(Arc<Login>, Option<String>), Refused> {
        let attempt = Attempt {
            workgroup: workgroup.to_owned(),
            user: startup.user().to_owned(),
            database: startup.database().to_owned(),
        };
        let (logins, clock) = (Arc::clone(&self.logins), self.clock.clone());
        let now = move || clock.now();
        let begun = Instant::now();
        let has_time = move || begun.elapsed() < CHECK_TIMEOUT;
        // A user may have thousands of passwords, and the first check of each takes time, which others do not wait for.
        let checking = spawn_blocking(move || match proof {
            Proof::Md5 { salt, answer } => {
                let is_proved = |login: &Login| proof::is_md5_of(login, salt, &answer);
                Ok((logins.check(&attempt, now, has_time, is_proved)?, None))
            }
            Proof::Scram { salt, exchange } => {
                let is_proved = |login: &Login| exchange.is_proof_of(login, &salt);
                match logins.check(&attempt, now, has_time, is_proved) {
                    Ok(login) => {
                        let last = exchange.answer(&login, &salt);
                        Ok((login, Some(last)))
                    }
                    Err(refused) => {
                        exchange.check_nothing(&salt);
                        Err(refused)
                    }
                }
            }
        });
        checking.await.unwrap_or(Err(Refused::Wrong))
    }
}

enum Started {
    Startup(Box<dyn Stream>, Startup),
    Cancel(Vec<u8>),
}

/// What a client sent to prove that it knows a password.
enum Proof {
    Md5 { salt: [u8; 4], answer: Vec<u8> },
    Scram { salt: [u8; 16], exchange: proof::ScramExchange },
}

/// Why nobody logged in.
enum Unproved {
    Lost,
    Refused(SqlError),
}

impl From<std::io::Error> for Unproved {
    fn from(_: std::io::Error) -> Self {
        Self::Lost
    }
}

impl From<SqlError> for Unproved {
    fn from(error: SqlError) -> Self {
        Self::Refused(error)
    }
}

/// Reads one message that carries a proof.
async fn read_proof(stream: &mut (dyn Stream + 'static)) -> Result<Vec<u8>, Unproved> {
    let kind = stream.read_u8().await?;
    if kind != b'p' {
        return Err(SqlError::malformed("expected password response").into());
    }
    match read_message(stream, kind, PASSWORD_LIMIT).await {
        Ok(message) => Ok(message.body),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Err(SqlError::malformed("invalid password message").into())
        }
        Err(_) => Err(Unproved::Lost),
    }
}

/// The words of a refusal. Source of those about expiry: seen on real AWS, OpenMetadata PR #30668.
fn refusal(refused: Refused, startup: &Startup) -> SqlError {
    match refused {
        Refused::Wrong => {
            SqlError::fatal("28P01", format!("password authentication failed for user \"{}\"", startup.user()))
        }
        Refused::Expired => SqlError::fatal("28P01", "IAM Authentication token has expired"),
        Refused::OtherDatabase => {
            let message = format!("the password is not for the database \"{}\"", startup.database());
            SqlError::fatal("28000", message)
        }
        Refused::Unfinished => {
            let message = format!("the user \"{}\" has too many passwords to try them all at once", startup.user());
            SqlError::fatal("53400", message)
                .with_hint("Log in again, or with a password that GetCredentials just gave.")
        }
    }
}

/// Sends an error and ends the connection. If it is lost, nobody reads the error.
pub(super) async fn refuse(stream: &mut (impl Stream + ?Sized), error: &SqlError) {
    tracing::debug!(code = error.code, message = error.message, "a log-in is refused");
    let mut out = Outgoing::default();
    let _ = stream.write_all(&out.error(error).0).await;
    let _ = stream.shutdown().await;
}
