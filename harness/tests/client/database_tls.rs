//! Log-ins to a database by each TLS mode of libpq, beside what psql itself does.
//! Source: `PostgreSQL` documentation, libpq, SSL Mode Descriptions; the outcomes were seen with psql 15.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use countersign::servers::emulator::{Emulator, EmulatorOptions};
use countersign::wire::database::{DatabaseClient, DatabaseOutcome, DatabaseUrl};
use countersign::wire::{Client, ClientOptions, Headers, Request, Secret};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rstest::rstest;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// What a server does about encryption, and the certificate that it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It has no TLS.
    Plain,
    /// It takes both kinds of connection.
    Both,
    /// It refuses a connection without TLS.
    TlsOnly,
    /// It has TLS, and refuses who uses it.
    PlainOnly,
    /// Both; its certificate is for another name.
    OtherName,
    /// Both; its certificate has expired.
    Expired,
    /// TLS only; its certificate is for another name.
    OtherNameTlsOnly,
    /// TLS only; its certificate has expired.
    ExpiredTlsOnly,
}

/// The file of certificates that a client trusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Root {
    None,
    Right,
    /// That of another authority.
    Other,
}

/// How a log-in ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Plain,
    Encrypted,
    Refused,
}

use Ended::{Encrypted as E, Plain as P, Refused as R};

/// One who logged in: the user, the password and the database.
type Seen = Arc<Mutex<Vec<[String; 3]>>>;

struct Server {
    port: u16,
    folder: tempfile::TempDir,
    seen: Seen,
}

/// An authority: its certificate as PEM, and what signs with it.
fn authority(name: &str) -> (String, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).unwrap().pem();
    (pem, Issuer::new(params, key))
}

impl Server {
    fn start(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (right, issuer) = authority("the right one");
        std::fs::write(folder.path().join("right.pem"), right).unwrap();
        std::fs::write(folder.path().join("other.pem"), authority("another one").0).unwrap();
        let is_other = matches!(kind, Kind::OtherName | Kind::OtherNameTlsOnly);
        let name = if is_other { "elsewhere.example" } else { "127.0.0.1" };
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        if matches!(kind, Kind::Expired | Kind::ExpiredTlsOnly) {
            (params.not_before, params.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.into()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
            .unwrap();
        let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
        let (port, seen) = (listener.local_addr().unwrap().port(), Seen::default());
        let noted = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, noted) = (Arc::clone(&config), Arc::clone(&noted));
                thread::spawn(move || serve(stream, kind, config, &noted));
            }
        });
        Self { port, folder, seen }
    }

    fn root(&self, root: Root) -> Option<String> {
        let name = match root {
            Root::None => return None,
            Root::Right => "right.pem",
            Root::Other => "other.pem",
        };
        Some(self.folder.path().join(name).to_str().unwrap().to_owned())
    }

    fn url(&self, mode: &str, root: Root) -> DatabaseUrl {
        let root = self.root(root).map_or_else(String::new, |file| format!("&sslrootcert={file}"));
        format!("postgres://{{user}}:{{password}}@127.0.0.1:{}/?sslmode={mode}{root}", self.port).parse().unwrap()
    }
}

/// Answers one connection by the protocol. Source: `PostgreSQL` documentation, frontend/backend protocol.
fn serve(mut stream: TcpStream, kind: Kind, config: Arc<ServerConfig>, seen: &Seen) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    loop {
        let start = read(&mut stream, false)?;
        match u32::from_be_bytes(start.get(..4)?.try_into().ok()?) {
            // Asks for encryption by GSSAPI, and by TLS.
            80_877_104 => stream.write_all(b"N").ok()?,
            80_877_103 if kind == Kind::Plain => stream.write_all(b"N").ok()?,
            80_877_103 => {
                stream.write_all(b"S").ok()?;
                let mut encrypted = StreamOwned::new(ServerConnection::new(config).ok()?, stream);
                let start = read(&mut encrypted, false)?;
                return log_in(&mut encrypted, &start, kind != Kind::PlainOnly, "encrypted", seen);
            }
            _ => {
                let accepts = !matches!(kind, Kind::TlsOnly | Kind::OtherNameTlsOnly | Kind::ExpiredTlsOnly);
                return log_in(&mut stream, &start, accepts, "plain", seen);
            }
        }
    }
}

fn log_in(stream: &mut (impl Read + Write), start: &[u8], accepts: bool, how: &str, seen: &Seen) -> Option<()> {
    if !accepts {
        return send(stream, b'E', b"SFATAL\0VFATAL\0C28000\0Mno pg_hba.conf entry for this kind of connection\0\0");
    }
    let mut parts = start[4..].split(|byte| *byte == 0).map(|part| String::from_utf8_lossy(part).into_owned());
    let (mut user, mut database) = (String::new(), String::new());
    while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
        match name.as_str() {
            "user" => user = value,
            "database" => database = value,
            _ => {}
        }
    }
    send(stream, b'R', &3_u32.to_be_bytes())?;
    let password = read(stream, true)?;
    let password = String::from_utf8_lossy(password.strip_suffix(&[0])?).into_owned();
    seen.lock().unwrap_or_else(PoisonError::into_inner).push([user, password, database]);
    send(stream, b'R', &0_u32.to_be_bytes())?;
    loop {
        send(stream, b'Z', b"I")?;
        read(stream, true)?;
        let mut column = b"\0\x01how\0".to_vec();
        column.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 25, 255, 255, 255, 255, 255, 255, 0, 0]);
        send(stream, b'T', &column)?;
        let length = u32::try_from(how.len()).ok()?.to_be_bytes();
        send(stream, b'D', &[&[0, 1], &length[..], how.as_bytes()].concat())?;
        send(stream, b'C', b"SELECT 1\0")?;
    }
}

/// The next message, without its kind and its length.
fn read(stream: &mut impl Read, with_kind: bool) -> Option<Vec<u8>> {
    let mut head = [0; 5];
    stream.read_exact(&mut head[usize::from(!with_kind)..]).ok()?;
    let length = u32::from_be_bytes(head[1..].try_into().ok()?).checked_sub(4)?;
    let mut body = vec![0; usize::try_from(length).ok()?.min(65_536)];
    stream.read_exact(&mut body).ok()?;
    (!with_kind || head[0] != b'X').then_some(body)
}

fn send(stream: &mut impl Write, kind: u8, body: &[u8]) -> Option<()> {
    let length = u32::try_from(body.len() + 4).ok()?.to_be_bytes();
    stream.write_all(&[&[kind], &length[..], body].concat()).ok()?;
    stream.flush().ok()
}

/// How a log-in by us ends.
async fn ours(url: &DatabaseUrl, options: &ClientOptions) -> Ended {
    let client = DatabaseClient::new(url, options).unwrap();
    let login = match client.log_in("u", &"p".into(), "d").await {
        Ok(login) => login,
        Err(DatabaseOutcome::NotPostgres(words)) => panic!("it speaks the protocol: {words}"),
        Err(_) => return R,
    };
    match login.query("select how").await {
        DatabaseOutcome::Done(Some(how)) if how == "encrypted" => E,
        DatabaseOutcome::Done(Some(how)) if how == "plain" => P,
        _ => panic!("it says how"),
    }
}

/// The psql of this machine; `None` if there is none and none is required.
fn psql(url: &str) -> Option<Command> {
    let is_there = Command::new("psql").arg("--version").output().is_ok();
    assert!(is_there || std::env::var_os("COUNTERSIGN_REQUIRE_POSTGRES").is_none(), "psql is required");
    let mut command = Command::new("psql");
    command.args(["-X", "-A", "-t", "-c", "select how", url]);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
        command.env_remove(name);
    }
    // No file of certificates in the home folder counts.
    command.env("HOME", Path::new("/nowhere")).env("PGCONNECT_TIMEOUT", "20").env("PGGSSENCMODE", "disable");
    is_there.then_some(command)
}

fn of_psql(url: &DatabaseUrl) -> Option<Ended> {
    let output = psql(url.filled("u", &"p".into(), "d").expose())?.output().unwrap();
    Some(match String::from_utf8_lossy(&output.stdout).trim() {
        "encrypted" => E,
        "plain" => P,
        _ => R,
    })
}

/// The outcomes by mode, in the order of [`MODES`].
#[rstest]
#[case::no_tls(Kind::Plain, Root::None, [P, P, P, R, R, R])]
#[case::no_tls_with_a_root(Kind::Plain, Root::Right, [P, P, P, R, R, R])]
#[case::right(Kind::Both, Root::Right, [P, P, E, E, E, E])]
#[case::nobody_is_trusted(Kind::Both, Root::None, [P, P, E, E, R, R])]
#[case::another_authority(Kind::Both, Root::Other, [P, P, P, R, R, R])]
#[case::tls_only(Kind::TlsOnly, Root::Right, [R, E, E, E, E, E])]
#[case::tls_only_and_nobody_is_trusted(Kind::TlsOnly, Root::None, [R, E, E, E, R, R])]
#[case::tls_only_and_another_authority(Kind::TlsOnly, Root::Other, [R, R, R, R, R, R])]
#[case::plain_only(Kind::PlainOnly, Root::Right, [P, P, P, R, R, R])]
#[case::other_name(Kind::OtherName, Root::Right, [P, P, E, E, E, R])]
#[case::other_name_unchecked(Kind::OtherName, Root::None, [P, P, E, E, R, R])]
#[case::other_name_tls_only(Kind::OtherNameTlsOnly, Root::Right, [R, E, E, E, E, R])]
#[case::expired(Kind::Expired, Root::Right, [P, P, P, R, R, R])]
#[case::expired_unchecked(Kind::Expired, Root::None, [P, P, E, E, R, R])]
#[case::expired_tls_only(Kind::ExpiredTlsOnly, Root::Right, [R, R, R, R, R, R])]
#[tokio::test]
async fn each_mode_ends_as_in_libpq(#[case] kind: Kind, #[case] root: Root, #[case] expected: [Ended; 6]) {
    let server = Server::start(kind);
    for (mode, expected) in MODES.into_iter().zip(expected) {
        let url = server.url(mode, root);
        assert_eq!(ours(&url, &ClientOptions::default()).await, expected, "{kind:?} {root:?} {mode}");
        if let Some(of_psql) = of_psql(&url) {
            assert_eq!(of_psql, expected, "psql: {kind:?} {root:?} {mode}");
        }
    }
}

/// Without `sslrootcert`, the certificates of `--ca-file` are trusted, and psql has no such thing.
#[rstest]
#[case::right(Kind::Both, [P, P, E, E, E, E])]
#[case::other_name(Kind::OtherName, [P, P, E, E, E, R])]
#[case::expired(Kind::Expired, [P, P, E, E, R, R])]
#[tokio::test]
async fn the_file_that_the_target_trusts_counts_for_log_ins_too(#[case] kind: Kind, #[case] expected: [Ended; 6]) {
    let server = Server::start(kind);
    let options = ClientOptions { ca_file: server.root(Root::Right).map(Into::into), ..ClientOptions::default() };
    for (mode, expected) in MODES.into_iter().zip(expected) {
        assert_eq!(ours(&server.url(mode, Root::None), &options).await, expected, "{kind:?} {mode}");
        // A file in the URL is then the only one.
        let checked = !matches!(mode, "disable" | "allow" | "prefer");
        let pinned = ours(&server.url(mode, Root::Other), &options).await;
        assert_eq!(pinned, if checked { R } else { P }, "{kind:?} {mode}");
    }
}

#[rstest]
#[case::stranger(Kind::Both, "verify-ca", Root::Other, &["invalid peer certificate: ", "other.pem (sslrootcert)"])]
#[case::other_name(Kind::OtherName, "verify-full", Root::Right, &["not valid for name"])]
#[case::expired(Kind::Expired, "verify-ca", Root::Right, &["expired"])]
#[case::no_tls(Kind::Plain, "require", Root::None, &["server does not support TLS"])]
#[tokio::test]
async fn a_connection_that_may_not_be_made_is_no_answer_and_says_why(
    #[case] kind: Kind,
    #[case] mode: &str,
    #[case] root: Root,
    #[case] words: &[&str],
) {
    let server = Server::start(kind);
    let client = DatabaseClient::new(&server.url(mode, root), &ClientOptions::default()).unwrap();
    let outcome = client.log_in("u", &"p".into(), "d").await.err();
    let Some(DatabaseOutcome::NoConnection(said)) = outcome else { panic!("it is no answer") };
    assert!(words.iter().all(|words| said.contains(words)), "{said}");
    assert!(server.seen.lock().unwrap().is_empty(), "no password was sent");
}

#[test]
fn a_root_file_that_cannot_be_used_is_named() {
    let server = Server::start(Kind::Both);
    let url =
        "postgres://{user}:{password}@127.0.0.1/?sslmode=verify-full&sslrootcert=/nowhere/ca.pem".parse().unwrap();
    let error = DatabaseClient::new(&url, &ClientOptions::default()).err().expect("there is no file").to_string();
    assert!(error.contains("/nowhere/ca.pem (sslrootcert)"), "{error}");
    std::fs::write(server.folder.path().join("right.pem"), "no PEM").unwrap();
    let error = DatabaseClient::new(&server.url("require", Root::Right), &ClientOptions::default()).err();
    assert!(error.expect("it is no certificate").to_string().contains("it holds no PEM certificate"));
}

#[rstest]
#[case("IAM:na/me@x", "p/a?s#s%w@o:r d&=+é\"'\\")]
#[case("IAMR:role", "{password}")]
#[case("%41", "%2F")]
#[tokio::test]
async fn a_user_and_a_password_arrive_as_they_are(#[case] user: &str, #[case] password: &str) {
    let server = Server::start(Kind::Both);
    let (url, secret) = (server.url("verify-full", Root::Right), Secret::from(password.to_owned()));
    let client = DatabaseClient::new(&url, &ClientOptions::default()).unwrap();
    drop(client.log_in(user, &secret, "d/e v").await.ok().expect("it is let in"));
    let by_psql = psql(url.filled(user, &secret, "d/e v").expose()).map(|mut psql| psql.output().unwrap());
    let seen = server.seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 1 + usize::from(by_psql.is_some()), "{by_psql:?}");
    assert!(seen.iter().all(|seen| *seen == [user, password, "d/e v"]), "{seen:?}");
}

/// The emulator's door, which has TLS and takes plain connections too, with credentials that the emulator gave out.
#[rstest]
#[case::trusted(true, [true, true, true, true, true, true])]
#[case::not_trusted(false, [true, true, true, true, false, false])]
#[tokio::test]
async fn the_door_lets_in_by_each_mode(#[case] trusted: bool, #[case] expected: [bool; 6]) {
    let mut options = EmulatorOptions::default().with_door();
    options.user = "IAM:na/me@x".to_owned();
    let emulator = Emulator::start(options).await.unwrap();
    let workgroup = emulator.options().workgroups[0].clone();
    let door = emulator.door(&workgroup).expect("it has a door");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), emulator.authority().expect("it has an authority")).unwrap();
    let (user, password) = credentials(&emulator, &workgroup).await;
    for (mode, expected) in MODES.into_iter().zip(expected) {
        let root = if trusted { format!("&sslrootcert={}", file.path().display()) } else { String::new() };
        let url = format!("postgres://{{user}}:{{password}}@{door}/?sslmode={mode}{root}");
        let url: DatabaseUrl = url.parse().unwrap();
        let client = DatabaseClient::new(&url, &ClientOptions::default()).unwrap();
        let login = client.log_in(&user, &password, "dev").await;
        assert_eq!(login.is_ok(), expected, "{mode}");
        let mut psql = psql(url.filled(&user, &password, "dev").expose());
        if let Some(psql) = &mut psql {
            let output = psql.args(["-c", "select current_user"]).output().unwrap();
            let says = String::from_utf8_lossy(&output.stdout).contains("IAM:na/me@x");
            assert_eq!(says, expected, "psql: {mode}: {output:?}");
        }
        if let Ok(login) = login {
            let user = login.query("select current_user").await;
            assert!(matches!(user, DatabaseOutcome::Done(Some(user)) if user == "IAM:na/me@x"));
        }
    }
}

/// A user and a password of the emulator.
async fn credentials(emulator: &Emulator, workgroup: &str) -> (String, Secret) {
    use countersign::wire::sigv4::{Scope, sign};

    let url: reqwest::Url = emulator.endpoint().parse().unwrap();
    let host = url.authority().to_owned();
    let headers = Headers::from_iter([
        ("host", host.as_str()),
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-target", "RedshiftServerless.GetCredentials"),
    ]);
    let body = format!(r#"{{"workgroupName":"{workgroup}"}}"#).into_bytes();
    let mut request = Request { method: "POST".to_owned(), target: "/".to_owned(), headers, body };
    let scope = Scope { region: emulator.options().region.as_str(), service: "redshift-serverless" };
    sign(&mut request, &emulator.options().credentials, scope, jiff::Timestamp::now());
    let client = Client::new(url, &ClientOptions::default()).unwrap();
    let body = client.send(request).await.answer.unwrap().json().unwrap();
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (text("dbUser"), text("dbPassword").into())
}
