//! Log-ins to a database that speaks the protocol of `PostgreSQL`, and statements on them: where it is, and what it said.
//!
//! The client is there with the feature `login`.

#[cfg(feature = "login")]
mod client;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::masking::Secret;

#[cfg(feature = "login")]
pub use client::{DatabaseClient, OpenLogin};

/// The port where none is named.
/// Source: `PostgreSQL` documentation, libpq, connection URIs.
const DEFAULT_PORT: u16 = 5432;

/// Where log-ins go: a URL such as `postgres://{user}:{password}@localhost:5439/?sslmode=require`, in which the user and
/// the password of a log-in take the places of `{user}` and `{password}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseUrl {
    /// The host name, or the address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether the connection is encrypted, and what is checked.
    pub tls: TlsMode,
    /// A file with the only certificates that are trusted: `sslrootcert`. Where it is named, the certificate is checked
    /// in every mode, as in libpq.
    pub root_file: Option<PathBuf>,
}

/// Whether a connection is encrypted, and what is checked, by the names of libpq.
/// Source: `PostgreSQL` documentation, libpq, SSL Mode Descriptions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsMode {
    /// Never.
    Disable,
    /// Only if the server refuses a connection without.
    Allow,
    /// If the server can.
    #[default]
    Prefer,
    /// Always. The certificate is not checked.
    Require,
    /// Always, with a certificate that somebody who is trusted has signed.
    VerifyCa,
    /// The same, for the name of the host.
    VerifyFull,
}

impl TlsMode {
    const ALL: [(&str, Self); 6] = [
        ("disable", Self::Disable),
        ("allow", Self::Allow),
        ("prefer", Self::Prefer),
        ("require", Self::Require),
        ("verify-ca", Self::VerifyCa),
        ("verify-full", Self::VerifyFull),
    ];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, mode)| *mode == self).map_or("prefer", |(word, _)| word)
    }
}

/// A text that is no URL of a database. It is not repeated: it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a URL such as postgres://{{user}}:{{password}}@localhost:5439/?sslmode=require, {0}")]
pub struct InvalidDatabaseUrl(String);

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        let wrong = |why: &str| InvalidDatabaseUrl(why.to_owned());
        let rest = ["postgres://", "postgresql://"].iter().find_map(|scheme| text.strip_prefix(scheme));
        let rest = rest.ok_or_else(|| wrong("which begins with postgres:// or postgresql://"))?;
        let rest = rest.strip_prefix("{user}:{password}@").ok_or_else(|| {
            wrong("with {user}:{password}@ before the host, as it stands here: each log-in has its own")
        })?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let authority = place.strip_suffix('/').unwrap_or(place);
        if authority.contains(['/', '#', '@', '{', '}', ',']) || query.contains('#') {
            return Err(wrong(
                "with one host and nothing behind it but a port and a query: each log-in names its database",
            ));
        }
        let (host, port) = host_and_port(authority).ok_or_else(|| wrong("with a host, and a port from 1 to 65535"))?;
        let (mut tls, mut root_file) = (None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            if let Some(file) = pair.strip_prefix("sslrootcert=") {
                let file = percent_decoded(file).filter(|file| !file.is_empty() && file != "system");
                let file = file.ok_or_else(|| wrong("with the name of a file in sslrootcert, percent-encoded"))?;
                if root_file.replace(PathBuf::from(file)).is_some() {
                    return Err(wrong("with sslrootcert once"));
                }
                continue;
            }
            let mode =
                pair.strip_prefix("sslmode=").and_then(|word| TlsMode::ALL.iter().find(|(name, _)| *name == word));
            let names = || TlsMode::ALL.map(|(name, _)| name).join(", ");
            let (_, mode) = mode.ok_or_else(|| {
                wrong(&format!("with nothing in the query but sslrootcert and sslmode, one of {}", names()))
            })?;
            if tls.replace(*mode).is_some() {
                return Err(wrong("with sslmode once"));
            }
        }
        Ok(Self { host, port, tls: tls.unwrap_or_default(), root_file })
    }
}

/// A host and its port: `localhost:5439`, `[::1]`.
fn host_and_port(authority: &str) -> Option<(String, u16)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, behind) = rest.split_once(']')?;
            address.parse::<std::net::Ipv6Addr>().ok()?;
            (address, if behind.is_empty() { None } else { Some(behind.strip_prefix(':')?) })
        }
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    let port = match port {
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => port.parse().ok().filter(|port| *port > 0)?,
        Some(_) => return None,
        None => DEFAULT_PORT,
    };
    (!host.is_empty() && host.bytes().all(is_host)).then(|| (host.to_owned(), port))
}

impl DatabaseUrl {
    /// The URL for a log-in, with everything that could end a part of it percent-encoded.
    pub fn filled(&self, user: &str, password: &Secret, database: &str) -> Secret {
        let [user, password, database] = [user, password.expose(), database].map(percent_encoded);
        format!("postgres://{user}:{password}@{}/{database}?{}", self.authority(), self.query()).into()
    }

    /// The same URL, with the file of certificates looked for from this folder on.
    #[must_use]
    pub fn in_folder(mut self, folder: &Path) -> Self {
        self.root_file = self.root_file.map(|file| folder.join(file));
        self
    }

    fn authority(&self) -> String {
        format!("{}:{}", self.shown_host(), self.port)
    }

    fn query(&self) -> String {
        let mode = self.tls.word();
        let file = self.root_file.as_ref().map(|file| percent_encoded(&file.to_string_lossy()));
        file.map_or_else(|| format!("sslmode={mode}"), |file| format!("sslmode={mode}&sslrootcert={file}"))
    }

    fn shown_host(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres://{{user}}:{{password}}@{}/?{}", self.authority(), self.query())
    }
}

/// A text with every byte that is not unreserved as `%` and two digits.
/// Source: RFC 3986, section 2.
fn percent_encoded(text: &str) -> String {
    let encoded = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encoded).collect()
}

/// A text with every `%` and two digits as the byte that it stands for; `None` if it is not percent-encoded text.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

/// What a database said to a log-in or to a statement. Its words are as they came: they may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseOutcome {
    /// It was accepted. A statement has the text of the first column of the first row, if there is one.
    Done(Option<String>),
    /// It was refused.
    Refused {
        /// The code of the error.
        sqlstate: String,
        /// Its message.
        message: String,
    },
    /// There was no connection, or it was lost, for this reason.
    NoConnection(String),
    /// What answered does not speak the protocol.
    NotPostgres(String),
    /// There was no answer of the protocol for this reason, each time that it was tried; others were answered meanwhile.
    HungUp(String),
}

/// The classes of errors that say nothing of what was asked: the connection, a lack of resources, an operator who
/// stops the server, a fault of the system, an internal error.
/// Source: `PostgreSQL` documentation, appendix A, `PostgreSQL` Error Codes.
const ABOUT_THE_SERVER: [&str; 5] = ["08", "53", "57", "58", "XX"];

impl DatabaseOutcome {
    /// Whether there was no answer of the protocol.
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::NoConnection(_) | Self::NotPostgres(_))
    }

    /// Whether it says nothing of what was asked: there was no answer, or one about the state of the server.
    pub fn says_nothing(&self) -> bool {
        let is_about_the_server = |sqlstate: &str| ABOUT_THE_SERVER.iter().any(|class| sqlstate.starts_with(class));
        self.is_lost() || matches!(self, Self::Refused { sqlstate, .. } if is_about_the_server(sqlstate))
    }
}

/// A step at the database as it was.
#[derive(Clone)]
pub struct DatabaseExchange {
    /// Which one of the steps that are no calls, from 0.
    pub step: usize,
    /// The answer that a statement should have.
    pub expected: Option<String>,
    /// What no report may show.
    pub secrets: Vec<Secret>,
    /// What the database said.
    pub outcome: DatabaseOutcome,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("postgres://{user}:{password}@localhost", "localhost", 5432, TlsMode::Prefer)]
    #[case::all(
        "postgresql://{user}:{password}@db.example.com:5439/?sslmode=verify-full",
        "db.example.com",
        5439,
        TlsMode::VerifyFull
    )]
    #[case::address("postgres://{user}:{password}@[::1]:1/?sslmode=disable", "::1", 1, TlsMode::Disable)]
    fn a_url_says_where_log_ins_go(#[case] text: &str, #[case] host: &str, #[case] port: u16, #[case] tls: TlsMode) {
        assert_eq!(text.parse(), Ok(DatabaseUrl { host: host.to_owned(), port, tls, root_file: None }));
    }

    #[test]
    fn a_url_names_the_certificates_to_trust() {
        let text = "postgres://{user}:{password}@localhost:1/?sslrootcert=my%20ca%2Bb.pem&sslmode=verify-ca";
        let url: DatabaseUrl = text.parse().expect("a URL");
        assert_eq!(url.root_file.as_deref(), Some(Path::new("my ca+b.pem")));
        assert_eq!(url.to_string().parse(), Ok(url.clone()));
        let there = url.in_folder(Path::new("/there")).filled("u", &"p".into(), "d");
        assert!(there.expose().ends_with("?sslmode=verify-ca&sslrootcert=%2Fthere%2Fmy%20ca%2Bb.pem"));
    }

    #[rstest]
    #[case::scheme("http://{user}:{password}@localhost")]
    #[case::own_user("postgres://admin:CANARY@localhost")]
    #[case::no_user("postgres://localhost")]
    #[case::no_host("postgres://{user}:{password}@")]
    #[case::port("postgres://{user}:{password}@localhost:0")]
    #[case::port_sign("postgres://{user}:{password}@localhost:+1")]
    #[case::several("postgres://{user}:{password}@a,b")]
    #[case::path("postgres://{user}:{password}@localhost/dev")]
    #[case::mode("postgres://{user}:{password}@localhost/?sslmode=yes")]
    #[case::twice("postgres://{user}:{password}@localhost/?sslmode=require&sslmode=disable")]
    #[case::other("postgres://{user}:{password}@localhost/?password=CANARY")]
    #[case::address("postgres://{user}:{password}@[localhost]")]
    #[case::no_file("postgres://{user}:{password}@localhost/?sslrootcert=")]
    #[case::half_encoded("postgres://{user}:{password}@localhost/?sslrootcert=a%2")]
    #[case::no_digits("postgres://{user}:{password}@localhost/?sslrootcert=a%+1CANARY")]
    #[case::no_text("postgres://{user}:{password}@localhost/?sslrootcert=a%ff")]
    #[case::two_files("postgres://{user}:{password}@localhost/?sslrootcert=a&sslrootcert=b")]
    #[case::of_the_system("postgres://{user}:{password}@localhost/?sslrootcert=system")]
    fn anything_else_is_refused_and_not_repeated(#[case] text: &str) {
        let error = text.parse::<DatabaseUrl>().expect_err("it is wrong").to_string();
        assert!(error.starts_with("expected a URL such as postgres://{user}") && !error.contains("CANARY"), "{error}");
    }

    #[test]
    fn what_is_filled_in_cannot_end_its_part_of_the_url() {
        let url: DatabaseUrl = "postgres://{user}:{password}@[::1]:5439/?sslmode=require".parse().expect("a URL");
        let filled = url.filled("IAM:a@b/c", &"p?#%é".into(), "d&v");
        let expected = "postgres://IAM%3Aa%40b%2Fc:p%3F%23%25%C3%A9@[::1]:5439/d%26v?sslmode=require";
        assert_eq!(filled.expose(), expected);
        assert_eq!(url.to_string().parse(), Ok(url));
    }
}
