//! The messages of the PostgreSQL protocol, version 3, as a server reads and writes them, and who may log in.
//!
//! Source: the PostgreSQL documentation, "Frontend/Backend Protocol".

use std::io;

use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use crate::wire::Secret;

/// A connection of any kind.
pub(in crate::servers) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// The longest message that begins a connection, in bytes. Source: PostgreSQL, `MAX_STARTUP_PACKET_LENGTH`.
const STARTUP_LIMIT: usize = 10_000;

const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;

/// A log-in that was given out, as it is at one door. Printing it masks the password.
#[derive(Clone, Debug)]
pub struct GivenOut {
    /// Whether it is for the workgroup of the door.
    pub is_here: bool,
    /// The database user.
    pub user: String,
    /// The database that it is for; any if there is none.
    pub database: Option<String>,
    /// The password.
    pub password: Secret,
    /// When it expires, by the clock of the server that gave it out.
    pub expires: Timestamp,
}

/// What a client may send first.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::servers) enum Opening {
    /// It wants TLS.
    Tls,
    /// It wants encryption by GSSAPI.
    Gss,
    /// It wants a statement of another connection to be cancelled, which these bytes name.
    Cancel(Vec<u8>),
    Startup(Startup),
}

/// The message that begins a session.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::servers) struct Startup {
    /// The minor version of the protocol.
    pub(in crate::servers) minor: u16,
    pub(in crate::servers) parameters: Vec<(String, String)>,
}

impl Startup {
    pub(in crate::servers) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(in crate::servers) fn user(&self) -> &str {
        self.get("user").unwrap_or_default()
    }

    /// The database. Source: "Defaults to the user name".
    pub(in crate::servers) fn database(&self) -> &str {
        self.get("database").filter(|name| !name.is_empty()).unwrap_or_else(|| self.user())
    }

    /// Whether a driver of Redshift sent it. They parse the server's version and have a SCRAM of their own.
    pub(in crate::servers) fn is_of_redshift(&self) -> bool {
        self.get("driver_version").is_some()
    }
}

/// Why what a client sent first cannot be answered in the usual way.
#[derive(Debug)]
pub(in crate::servers) enum Unopened {
    /// The connection ended or broke.
    Lost,
    /// It is not a message of this protocol.
    Malformed(&'static str),
}

impl From<io::Error> for Unopened {
    fn from(_: io::Error) -> Self {
        Self::Lost
    }
}

/// Reads what a client sends first, and not a byte more: what follows may be TLS.
pub(in crate::servers) async fn read_opening(stream: &mut (impl AsyncRead + Unpin)) -> Result<Opening, Unopened> {
    let length = stream.read_u32().await?;
    let length = usize::try_from(length).ok().and_then(|length| length.checked_sub(4));
    let Some(length) = length.filter(|length| (4..=STARTUP_LIMIT).contains(length)) else {
        return Err(Unopened::Malformed("invalid length of startup packet"));
    };
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let mut fields = Fields(&body);
    match fields.u32() {
        Some(SSL_REQUEST) => Ok(Opening::Tls),
        Some(GSS_REQUEST) => Ok(Opening::Gss),
        Some(CANCEL_REQUEST) => Ok(Opening::Cancel(body)),
        Some(version) if version >> 16 == 3 => {
            let minor = u16::try_from(version & 0xffff).unwrap_or(u16::MAX);
            let parameters = parameters(fields).ok_or(Unopened::Malformed("invalid startup packet layout"))?;
            Ok(Opening::Startup(Startup { minor, parameters }))
        }
        _ => Err(Unopened::Malformed("unsupported frontend protocol: the server supports 3.0")),
    }
}

fn parameters(mut fields: Fields<'_>) -> Option<Vec<(String, String)>> {
    let mut parameters = Vec::new();
    loop {
        let name = fields.text()?;
        if name.is_empty() {
            return fields.0.is_empty().then_some(parameters);
        }
        parameters.push((name.to_owned(), fields.text()?.to_owned()));
    }
}

/// One message of a session.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::servers) struct Message {
    pub(in crate::servers) kind: u8,
    pub(in crate::servers) body: Vec<u8>,
}

/// Reads the rest of a message whose kind was read. A longer body than the limit is an error.
pub(in crate::servers) async fn read_message(
    stream: &mut (impl AsyncRead + Unpin + ?Sized),
    kind: u8,
    limit: usize,
) -> io::Result<Message> {
    let length = usize::try_from(stream.read_u32().await?).ok().and_then(|length| length.checked_sub(4));
    let Some(length) = length.filter(|length| *length <= limit) else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "invalid message length"));
    };
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Message { kind, body })
}

/// The fields of a message, read one after the other. Each is `None` where it is not there.
#[derive(Clone, Copy, Debug)]
pub(in crate::servers) struct Fields<'a>(pub(in crate::servers) &'a [u8]);

impl<'a> Fields<'a> {
    pub(in crate::servers) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(in crate::servers) fn u8(&mut self) -> Option<u8> {
        self.bytes(1).map(|bytes| bytes[0])
    }

    pub(in crate::servers) fn u16(&mut self) -> Option<u16> {
        self.bytes(2)?.try_into().ok().map(u16::from_be_bytes)
    }

    pub(in crate::servers) fn u32(&mut self) -> Option<u32> {
        self.bytes(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// A text that ends with a zero byte.
    pub(in crate::servers) fn text(&mut self) -> Option<&'a str> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let text = str::from_utf8(self.bytes(end)?).ok()?;
        self.bytes(1)?;
        Some(text)
    }
}

/// Messages to send.
#[derive(Debug, Default)]
pub(in crate::servers) struct Outgoing(pub(in crate::servers) Vec<u8>);

impl Outgoing {
    /// Adds a message whose body a function writes.
    pub(in crate::servers) fn message(&mut self, kind: u8, body: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        self.0.push(kind);
        let start = self.0.len();
        self.0.extend_from_slice(&[0; 4]);
        body(&mut self.0);
        let length = u32::try_from(self.0.len() - start).unwrap_or(u32::MAX);
        self.0[start..start + 4].copy_from_slice(&length.to_be_bytes());
        self
    }

    /// Adds a message that has no body.
    pub(in crate::servers) fn bare(&mut self, kind: u8) -> &mut Self {
        self.message(kind, |_| {})
    }

    /// Adds a request of authentication.
    pub(in crate::servers) fn authentication(&mut self, kind: u32, data: &[u8]) -> &mut Self {
        self.message(b'R', |body| {
            body.extend_from_slice(&kind.to_be_bytes());
            body.extend_from_slice(data);
        })
    }

    pub(in crate::servers) fn parameter(&mut self, name: &str, value: &str) -> &mut Self {
        self.message(b'S', |body| {
            put_text(body, name);
            put_text(body, value);
        })
    }

    pub(in crate::servers) fn complete(&mut self, tag: &str) -> &mut Self {
        self.message(b'C', |body| put_text(body, tag))
    }

    pub(in crate::servers) fn ready(&mut self, transaction: u8) -> &mut Self {
        self.message(b'Z', |body| body.push(transaction))
    }

    pub(in crate::servers) fn error(&mut self, error: &SqlError) -> &mut Self {
        let SqlError { severity, code, message, hint } = error;
        self.message(b'E', |body| {
            let fields = [(b'S', *severity), (b'V', *severity), (b'C', *code), (b'M', message), (b'H', hint)];
            for (kind, text) in fields.into_iter().filter(|(_, text)| !text.is_empty()) {
                body.push(kind);
                put_text(body, text);
            }
            body.push(0);
        })
    }
}

/// Writes a text and the zero byte that ends it. A zero byte inside would end it early, so it is left out.
pub(in crate::servers) fn put_text(body: &mut Vec<u8>, text: &str) {
    body.extend(text.bytes().filter(|byte| *byte != 0));
    body.push(0);
}

/// An error as clients get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::servers) struct SqlError {
    severity: &'static str,
    pub(in crate::servers) code: &'static str,
    pub(in crate::servers) message: String,
    /// Empty if there is none.
    hint: &'static str,
}

impl SqlError {
    /// An error after which the session goes on.
    pub(in crate::servers) fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: "ERROR", code, message: message.into(), hint: "" }
    }

    /// An error after which the connection ends.
    pub(in crate::servers) fn fatal(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: "FATAL", ..Self::error(code, message) }
    }

    pub(in crate::servers) fn with_hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    /// The port of the connection is closed. Source: PostgreSQL, the words of `57P01`.
    pub(in crate::servers) fn shutdown() -> Self {
        Self::fatal("57P01", "terminating connection due to administrator command")
    }

    pub(in crate::servers) fn malformed(what: &str) -> Self {
        Self::fatal("08P01", what)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn opening(bytes: &[u8]) -> Result<Opening, Unopened> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(read_opening(&mut &bytes[..]))
    }

    fn startup(version: u32, parameters: &[u8]) -> Vec<u8> {
        let length = u32::try_from(parameters.len() + 8).unwrap();
        [&length.to_be_bytes(), &version.to_be_bytes(), parameters].concat()
    }

    #[test]
    fn a_startup_message_names_user_and_database() {
        let bytes = startup(3 << 16, b"user\0IAM:a\0database\0dev\0\0");
        let Ok(Opening::Startup(startup)) = opening(&bytes) else { panic!("{bytes:?}") };
        assert_eq!((startup.user(), startup.database(), startup.minor), ("IAM:a", "dev", 0));
    }

    #[test]
    fn the_database_is_that_of_the_users_name_if_none_is_named() {
        let bytes = startup((3 << 16) + 2, b"user\0IAM:a\0\0");
        let Ok(Opening::Startup(startup)) = opening(&bytes) else { panic!("{bytes:?}") };
        assert_eq!((startup.database(), startup.minor), ("IAM:a", 2));
    }

    #[rstest]
    #[case::tls(SSL_REQUEST, Opening::Tls)]
    #[case::gss(GSS_REQUEST, Opening::Gss)]
    fn a_request_for_encryption_is_seen(#[case] code: u32, #[case] expected: Opening) {
        assert_eq!(opening(&startup(code, b"")).unwrap(), expected);
    }

    #[rstest]
    #[case::http(b"GET / HTTP/1.1\r\n\r\n".to_vec())]
    #[case::too_short(vec![0, 0, 0, 4])]
    #[case::too_long(vec![0, 0, 0x40, 0, 0, 3, 0, 0])]
    #[case::version_2(startup(2 << 16, b"user\0a\0\0"))]
    #[case::no_end(startup(3 << 16, b"user\0a\0"))]
    #[case::no_value(startup(3 << 16, b"user\0"))]
    #[case::behind_the_end(startup(3 << 16, b"user\0a\0\0x"))]
    #[case::no_text(startup(3 << 16, b"user\0\xff\0\0"))]
    fn what_is_no_opening_is_malformed(#[case] bytes: Vec<u8>) {
        assert!(matches!(opening(&bytes), Err(Unopened::Malformed(_))), "{bytes:?}");
    }

    #[test]
    fn an_opening_that_breaks_off_is_lost() {
        let whole = startup(3 << 16, b"user\0a\0\0");
        for end in 0..whole.len() {
            assert!(matches!(opening(&whole[..end]), Err(Unopened::Lost)), "{end}");
        }
    }
}
