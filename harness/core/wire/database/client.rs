//! The client: one log-in at a time, within a time limit.

use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};
use tokio_postgres::{Config, SimpleQueryMessage};
use tokio_rustls::{TlsConnector, client};

use super::{DatabaseOutcome, DatabaseUrl, TlsMode};
use crate::wire::client::{ClientError, ClientOptions};
use crate::wire::masking::Secret;
use crate::wire::tls::{self, CertificateChecks};

/// Logs in to one database server.
pub struct DatabaseClient {
    url: DatabaseUrl,
    tls: Arc<ClientConfig>,
    limit: Duration,
}

/// A log-in that is open. It is closed when this is dropped.
pub struct OpenLogin {
    client: tokio_postgres::Client,
    connection: JoinHandle<()>,
    limit: Duration,
}

impl Drop for OpenLogin {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl DatabaseClient {
    /// A client for a server. It trusts the certificates of `options`, and waits as long as they say.
    ///
    /// # Errors
    /// When the certificates cannot be used.
    pub fn new(url: &DatabaseUrl, options: &ClientOptions) -> Result<Self, ClientError> {
        let checks = match url.tls {
            _ if options.insecure => CertificateChecks::None,
            TlsMode::VerifyFull => CertificateChecks::All,
            TlsMode::VerifyCa => CertificateChecks::Issuer,
            // Source: `PostgreSQL` documentation, libpq, sslmode: with a root file, `require` is `verify-ca`.
            TlsMode::Allow | TlsMode::Prefer | TlsMode::Require if url.root_file.is_some() => CertificateChecks::Issuer,
            TlsMode::Disable | TlsMode::Allow | TlsMode::Prefer | TlsMode::Require => CertificateChecks::None,
        };
        let tls = match &url.root_file {
            Some(file) if checks != CertificateChecks::None => tls::config_pinned(file, "sslrootcert", checks)?,
            _ => tls::config_checking(options, checks)?,
        };
        Ok(Self { url: url.clone(), tls: Arc::new(tls), limit: options.timeout })
    }

    /// Logs in. Returns the open log-in where it was accepted.
    ///
    /// # Errors
    /// What became of the log-in where it was not accepted.
    pub async fn log_in(&self, user: &str, password: &Secret, database: &str) -> Result<OpenLogin, DatabaseOutcome> {
        let mut config = Config::new();
        config.user(user).password(password.expose()).dbname(database);
        let modes: &[SslMode] = match self.url.tls {
            TlsMode::Disable => &[SslMode::Disable],
            TlsMode::Allow => &[SslMode::Disable, SslMode::Require],
            TlsMode::Prefer => &[SslMode::Prefer, SslMode::Disable],
            TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => &[SslMode::Require],
        };
        let mut outcome = DatabaseOutcome::NoConnection("nothing was tried".to_owned());
        for mode in modes {
            config.ssl_mode(*mode);
            let connected = tokio::time::timeout(self.limit, self.connect(&config)).await;
            outcome = match connected {
                Ok(Ok(login)) => return Ok(login),
                Ok(Err(outcome)) => outcome,
                Err(_) => {
                    return Err(DatabaseOutcome::NoConnection(format!(
                        "no answer within {} s",
                        self.limit.as_secs_f64()
                    )));
                }
            };
            // A server that wants the other kind of connection says so before it asks for a password. Where a
            // connection need not be encrypted, it is tried without if that fails.
            let may_be_about_tls = match &outcome {
                DatabaseOutcome::Refused { sqlstate, .. } => sqlstate == "28000",
                DatabaseOutcome::NoConnection(_) | DatabaseOutcome::NotPostgres(_) => self.url.tls == TlsMode::Prefer,
                DatabaseOutcome::Done(_) | DatabaseOutcome::HungUp(_) => false,
            };
            if !may_be_about_tls {
                break;
            }
        }
        Err(outcome)
    }

    async fn connect(&self, config: &Config) -> Result<OpenLogin, DatabaseOutcome> {
        let stream = TcpStream::connect((self.url.host.as_str(), self.url.port)).await;
        let stream = stream.map_err(|error| DatabaseOutcome::NoConnection(error.to_string()))?;
        let name = ServerName::try_from(self.url.host.clone())
            .map_err(|error| DatabaseOutcome::NoConnection(error.to_string()))?;
        let tls = Tls { connector: TlsConnector::from(Arc::clone(&self.tls)), name };
        let (client, connection) = config.connect_raw(stream, tls).await.map_err(|error| outcome_of(&error))?;
        let connection = tokio::spawn(async move { drop(connection.await) });
        Ok(OpenLogin { client, connection, limit: self.limit })
    }
}

impl OpenLogin {
    /// Sends a statement.
    pub async fn query(&self, sql: &str) -> DatabaseOutcome {
        match tokio::time::timeout(self.limit, self.client.simple_query(sql)).await {
            Ok(Ok(messages)) => {
                let first = messages.iter().find_map(|message| match message {
                    SimpleQueryMessage::Row(row) => row.try_get(0).ok().flatten().map(str::to_owned),
                    _ => None,
                });
                DatabaseOutcome::Done(first)
            }
            Ok(Err(error)) => outcome_of(&error),
            Err(_) => DatabaseOutcome::NoConnection(format!("no answer within {} s", self.limit.as_secs_f64())),
        }
    }
}

/// What an error of the library says about the server.
fn outcome_of(error: &tokio_postgres::Error) -> DatabaseOutcome {
    if let Some(refusal) = error.as_db_error() {
        return DatabaseOutcome::Refused {
            sqlstate: refusal.code().code().to_owned(),
            message: refusal.message().to_owned(),
        };
    }
    let source = error.source().map_or_else(String::new, |source| format!(": {source}"));
    let words = format!("{error}{source}");
    let is_io = error.source().and_then(|source| source.downcast_ref::<io::Error>()).is_some_and(|error| {
        // The library reads what it cannot make sense of as invalid input or data.
        !matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)
    });
    // The library has no other sign of it.
    let is_tls = error.to_string().starts_with("error performing TLS handshake");
    if is_io || is_tls || error.is_closed() {
        DatabaseOutcome::NoConnection(words)
    } else {
        DatabaseOutcome::NotPostgres(words)
    }
}

struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl TlsConnect<TcpStream> for Tls {
    type Stream = Encrypted;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Encrypted>> + Send>>;

    fn connect(self, stream: TcpStream) -> Self::Future {
        Box::pin(
            async move { self.connector.connect(self.name, stream).await.map(|stream| Encrypted(Box::new(stream))) },
        )
    }
}

struct Encrypted(Box<client::TlsStream<TcpStream>>);

impl AsyncRead for Encrypted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

impl TlsStream for Encrypted {
    fn channel_binding(&self) -> ChannelBinding {
        // Without it, the log-in is bound to no certificate, as libpq's is where the server offers none.
        ChannelBinding::none()
    }
}
