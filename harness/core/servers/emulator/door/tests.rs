//! The embedded door, asked by tokio-postgres and byte by byte.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use postgres_protocol::authentication::md5_hash;
use rstest::rstest;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};
use tokio_rustls::TlsConnector;

use super::*;

pub(super) const USER: &str = "IAM:alice";
const NOW: i64 = 1_700_000_000;

pub(super) fn clock() -> Clock {
    Clock::new(|| Timestamp::from_second(NOW).unwrap())
}

pub(super) async fn doors_at(clock: &Clock) -> Doors {
    Doors::new(&DoorOptions::default(), clock.clone(), Vec::new()).await.unwrap()
}

/// A new password of a user for a workgroup.
fn issue(doors: &Doors, user: &str, workgroup: &str, database: Option<&str>, seconds: i64) -> String {
    issue_later(doors, user, workgroup, database, seconds).0
}

/// The same, and what must be done before it holds.
pub(super) fn issue_later(
    doors: &Doors,
    user: &str,
    workgroup: &str,
    database: Option<&str>,
    seconds: i64,
) -> (String, Option<Work>) {
    static COUNT: AtomicI64 = AtomicI64::new(0);
    let password = format!("password-{}/+==", COUNT.fetch_add(1, Ordering::Relaxed));
    let expires = doors.door.clock.now() + SignedDuration::from_secs(seconds);
    let login = Login::new(user, workgroup, database.map(str::to_owned), password.as_str().into(), expires);
    (password, doors.issue(login))
}

pub(super) fn config(doors: &Doors, workgroup: &str, user: &str, password: &str) -> Config {
    let address = doors.address_of(workgroup).unwrap();
    let mut config = Config::new();
    config.host(address.ip().to_string()).port(address.port()).user(user).password(password).dbname("dev");
    config
}

pub(super) async fn connect(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn log_in(doors: &Doors, user: &str, password: &str) -> Result<Client, tokio_postgres::Error> {
    connect(&config(doors, "wg", user, password)).await
}

/// The SQLSTATE and the words of a refusal.
pub(super) fn refusal(result: Result<Client, tokio_postgres::Error>) -> (String, String) {
    let error = result.err().unwrap();
    let error = error.as_db_error().unwrap_or_else(|| panic!("{error}"));
    assert_eq!(error.severity(), "FATAL");
    (error.code().code().to_owned(), error.message().to_owned())
}

pub(super) async fn first_row(client: &Client, text: &str) -> Vec<Option<String>> {
    let messages = client.simple_query(text).await.unwrap();
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let row = row.unwrap();
    (0..row.len()).map(|index| row.get(index).map(str::to_owned)).collect()
}

async fn code_of(client: &Client, text: &str) -> String {
    let error = client.simple_query(text).await.err().unwrap_or_else(|| panic!("{text}"));
    error.code().unwrap().code().to_owned()
}

#[tokio::test]
async fn the_right_password_logs_in_as_the_user_to_the_database() {
    let doors = doors_at(&clock()).await;
    let password = issue(&doors, USER, "wg", Some("dev"), 900);
    let client = log_in(&doors, USER, &password).await.unwrap();
    let row = first_row(&client, "select current_user, current_database(), 1, null").await;
    assert_eq!(row, [Some(USER.to_owned()), Some("dev".to_owned()), Some("1".to_owned()), None]);
    assert_eq!(first_row(&client, "show server_version").await, [Some("8.0.2".to_owned())]);
    assert!(first_row(&client, "select version()").await[0].as_ref().unwrap().starts_with("PostgreSQL 8.0.2"));
}

#[tokio::test]
async fn the_extended_protocol_gives_typed_values() {
    let doors = doors_at(&clock()).await;
    let client = log_in(&doors, USER, &issue(&doors, USER, "wg", None, 900)).await.unwrap();
    let row = client.query_one("select 7 as n, 'it''s' as t, true, current_user, null", &[]).await.unwrap();
    assert_eq!((row.get::<_, i32>("n"), row.get::<_, &str>("t"), row.get::<_, bool>(2)), (7, "it's", true));
    assert_eq!((row.get::<_, &str>(3), row.get::<_, Option<&str>>(4)), (USER, None));
    assert_eq!(client.execute("set query_group to 'x'", &[]).await.unwrap(), 0);
    assert_eq!(client.query_one("show query_group", &[]).await.unwrap().get::<_, &str>(0), "x");
    let error = client.prepare("select * from t").await.unwrap_err();
    let error = error.as_db_error().unwrap();
    assert_eq!(error.code().code(), "0A000");
    assert!(error.hint().unwrap().contains("--database"), "{error:?}");
    // After the error, the session goes on.
    assert_eq!(client.query_one("select 1", &[]).await.unwrap().get::<_, i32>(0), 1);
}

#[tokio::test]
async fn a_failed_transaction_takes_nothing_until_it_ends() {
    let doors = doors_at(&clock()).await;
    let client = log_in(&doors, USER, &issue(&doors, USER, "wg", None, 900)).await.unwrap();
    client.batch_execute("begin; select 1; commit").await.unwrap();
    client.batch_execute("begin").await.unwrap();
    assert_eq!(code_of(&client, "create table t (a int)").await, "0A000");
    assert_eq!(code_of(&client, "select 1").await, "25P02");
    client.batch_execute("rollback; select 1").await.unwrap();
    assert_eq!(code_of(&client, "show no_such_setting").await, "42704");
}

#[tokio::test]
async fn a_session_keeps_a_bounded_number_of_statements() {
    let doors = doors_at(&clock()).await;
    let client = log_in(&doors, USER, &issue(&doors, USER, "wg", None, 900)).await.unwrap();
    let mut kept = Vec::new();
    let error = loop {
        match client.prepare("select 1").await {
            Ok(statement) => kept.push(statement),
            Err(error) => break error,
        }
        assert!(kept.len() < 2000);
    };
    assert_eq!(error.code().unwrap().code(), "54000");
    assert!(kept.len() > 500, "{}", kept.len());
    drop(kept);
    client.simple_query("discard all").await.unwrap();
    client.prepare("select 1").await.unwrap();
}

#[tokio::test]
async fn a_setting_that_is_set_again_takes_the_place_of_the_old_one() {
    let doors = doors_at(&clock()).await;
    let client = log_in(&doors, USER, &issue(&doors, USER, "wg", None, 900)).await.unwrap();
    for number in 0..100 {
        let text: String =
            (0..50).map(|more| format!("set query_group to '{number}-{more}'")).collect::<Vec<_>>().join(";");
        client.batch_execute(&text).await.unwrap();
    }
    assert_eq!(first_row(&client, "show query_group").await, [Some("99-49".to_owned())]);
    let many =
        |range: std::ops::Range<u32>| range.map(|number| format!("set s{number} to 1")).collect::<Vec<_>>().join(";");
    client.batch_execute(&many(0..500)).await.unwrap();
    assert_eq!(code_of(&client, &many(500..1500)).await, "54000");
    client.batch_execute("reset query_group; reset all").await.unwrap();
    assert_eq!(first_row(&client, "show query_group").await, [Some("default".to_owned())]);
    assert_eq!(code_of(&client, "show s1").await, "42704");
    client.batch_execute(&many(0..500)).await.unwrap();
    client.batch_execute("discard all").await.unwrap();
    assert_eq!(code_of(&client, "show s1").await, "42704");
}

#[tokio::test]
async fn portals_end_with_their_transaction_and_are_bounded_with_what_they_hold() {
    let doors = doors_at(&clock()).await;
    let (_, mut session) = log_in_by_md5(&doors, &issue(&doors, USER, "wg", None, 900)).await;
    while message(&mut session).await.kind != b'Z' {}
    // Each portal holds a statement that the next one replaces.
    let open = |number: usize, length: usize, out: &mut Outgoing| {
        let text = format!("select '{}'", "x".repeat(length));
        out.message(b'P', |body| {
            messages::put_text(body, "");
            messages::put_text(body, &text);
            body.extend_from_slice(&[0; 2]);
        });
        out.message(b'B', |body| {
            messages::put_text(body, &format!("p{number}"));
            messages::put_text(body, "");
            body.extend_from_slice(&[0; 6]);
        });
    };
    let mut out = Outgoing::default();
    for number in 0..20 {
        open(number, 1000, &mut out);
        open(number + 100, 1000, &mut out);
        out.bare(b'S');
    }
    session.write_all(&out.0).await.unwrap();
    for _ in 0..20 {
        for kind in [b'1', b'2', b'1', b'2', b'Z'] {
            assert_eq!(message(&mut session).await.kind, kind);
        }
    }
    let mut out = Outgoing::default();
    for number in 0..20 {
        open(number, 4000, &mut out);
    }
    out.bare(b'S');
    session.write_all(&out.0).await.unwrap();
    let mut last = message(&mut session).await;
    while last.kind != b'E' {
        assert!(matches!(last.kind, b'1' | b'2'), "{last:?}");
        last = message(&mut session).await;
    }
    assert!(String::from_utf8_lossy(&last.body).contains("C54000\0"), "{last:?}");
}

#[tokio::test]
async fn an_answer_and_a_row_have_a_bound() {
    let doors = doors_at(&clock()).await;
    let client = log_in(&doors, USER, &issue(&doors, USER, "wg", None, 900)).await.unwrap();
    client.batch_execute(&format!("set query_group to '{}'", "x".repeat(30_000))).await.unwrap();
    assert_eq!(code_of(&client, &"show query_group;".repeat(1000)).await, "54000");
    assert_eq!(code_of(&client, &format!("select 1{}", ", 1".repeat(1664))).await, "54011");
    first_row(&client, &format!("select 1{}", ", 1".repeat(1663))).await;
}

#[tokio::test]
async fn tls_shows_a_certificate_of_the_authority_for_loopback() {
    let doors = doors_at(&clock()).await;
    let password = issue(&doors, USER, "wg", None, 900);
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(doors.authority().as_bytes()).unwrap()).unwrap();
    let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(tls));
    for name in ["127.0.0.1", "localhost"] {
        let mut stream = TcpStream::connect(doors.address_of("wg").unwrap()).await.unwrap();
        stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'S');
        let stream = connector.connect(ServerName::try_from(name).unwrap(), stream).await.unwrap();
        let config = config(&doors, "wg", USER, &password);
        let (client, connection) = config.connect_raw(stream, NoTls).await.unwrap();
        tokio::spawn(connection);
        assert_eq!(first_row(&client, "select 1").await, [Some("1".to_owned())]);
    }
}

#[tokio::test]
async fn wrong_expired_and_unknown_are_refused_alike_in_the_same_time() {
    let clock = clock();
    let doors = doors_at(&clock).await;
    let old = issue(&doors, "IAM:old", "wg", None, 900);
    clock.advance(SignedDuration::from_secs(901)).unwrap();
    issue(&doors, USER, "wg", None, 900);
    let wrong = |user| format!("password authentication failed for user \"{user}\"");
    for (user, password, message) in [
        (USER, "wrong", wrong(USER)),
        (USER, &old[..old.len() - 1], wrong(USER)),
        ("IAM:bob", "wrong", wrong("IAM:bob")),
        ("IAM:old", "wrong", wrong("IAM:old")),
        ("IAM:old", &old, "IAM Authentication token has expired".to_owned()),
    ] {
        // A machine that is busy makes some slower, so the fastest of some counts.
        let mut fastest = Duration::MAX;
        for _ in 0..20 {
            let started = Instant::now();
            assert_eq!(refusal(log_in(&doors, user, password).await), ("28P01".to_owned(), message.clone()), "{user}");
            fastest = fastest.min(started.elapsed());
            assert!(fastest >= Duration::from_millis(100), "{user}: {fastest:?}");
            if fastest < Duration::from_millis(190) {
                break;
            }
        }
        assert!(fastest < Duration::from_millis(190), "{user}: {fastest:?}");
    }
}

#[tokio::test]
async fn a_password_is_refused_where_it_is_not_for() {
    let doors = doors_at(&clock()).await;
    let password = issue(&doors, USER, "wg-2", Some("sales"), 900);
    let elsewhere = log_in(&doors, USER, &password).await;
    assert_eq!(refusal(elsewhere).0, "28P01");
    let mut config = config(&doors, "wg-2", USER, &password);
    assert_eq!(refusal(connect(&config).await).0, "28000");
    connect(config.dbname("sales")).await.unwrap();
    let others = issue(&doors, "IAM:bob", "wg", None, 900);
    assert_eq!(refusal(log_in(&doors, USER, &others).await).0, "28P01");
}

#[tokio::test]
async fn two_passwords_log_in_until_each_expires_and_an_open_session_lives_on() {
    let clock = clock();
    let doors = doors_at(&clock).await;
    let (long, short) = (issue(&doors, USER, "wg", None, 3600), issue(&doors, USER, "wg", None, 900));
    let open = log_in(&doors, USER, &short).await.unwrap();
    log_in(&doors, USER, &long).await.unwrap();
    clock.advance(SignedDuration::from_secs(900)).unwrap();
    assert_eq!(refusal(log_in(&doors, USER, &short).await).1, "IAM Authentication token has expired");
    log_in(&doors, USER, &long).await.unwrap();
    clock.advance(SignedDuration::from_secs(2700)).unwrap();
    assert_eq!(refusal(log_in(&doors, USER, &long).await).0, "28P01");
    assert_eq!(first_row(&open, "select current_user").await, [Some(USER.to_owned())]);
}

/// A start-up message with these parameters.
fn startup(parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = 0x0003_0000_u32.to_be_bytes().to_vec();
    for text in parameters.iter().flat_map(|(name, value)| [name, value]) {
        messages::put_text(&mut body, text);
    }
    body.push(0);
    [&u32::try_from(body.len() + 4).unwrap().to_be_bytes(), &body[..]].concat()
}

async fn message(stream: &mut TcpStream) -> messages::Message {
    let kind = stream.read_u8().await.unwrap();
    messages::read_message(stream, kind, 4096).await.unwrap()
}

/// What the door says to a driver of Redshift that shows this password, and the connection.
async fn log_in_by_md5(doors: &Doors, password: &str) -> (messages::Message, TcpStream) {
    let mut stream = TcpStream::connect(doors.address_of("wg").unwrap()).await.unwrap();
    let parameters = [("user", USER), ("database", "dev"), ("driver_version", "Redshift Python Driver 2.2.0")];
    stream.write_all(&startup(&parameters)).await.unwrap();
    let request = message(&mut stream).await;
    assert_eq!((request.kind, &request.body[..4]), (b'R', &[0, 0, 0, 5][..]));
    let salt = request.body[4..].try_into().unwrap();
    let mut out = Outgoing::default();
    out.message(b'p', |body| messages::put_text(body, &md5_hash(USER.as_bytes(), password.as_bytes(), salt)));
    stream.write_all(&out.0).await.unwrap();
    (message(&mut stream).await, stream)
}

#[tokio::test]
async fn a_driver_of_redshift_is_asked_for_md5() {
    let doors = doors_at(&clock()).await;
    let password = issue(&doors, USER, "wg", None, 900);
    let (answer, _) = log_in_by_md5(&doors, &password).await;
    assert_eq!((answer.kind, &answer.body[..]), (b'R', &[0; 4][..]));
    let (answer, _) = log_in_by_md5(&doors, "wrong").await;
    assert_eq!(answer.kind, b'E');
    assert!(String::from_utf8_lossy(&answer.body).contains("C28P01\0"), "{answer:?}");
}

#[tokio::test]
async fn a_port_that_is_closed_takes_nobody_and_tells_its_sessions() {
    let doors = doors_at(&clock()).await;
    let (password, other) = (issue(&doors, USER, "wg", None, 900), issue(&doors, USER, "wg-2", None, 900));
    let (_, mut session) = log_in_by_md5(&doors, &password).await;
    while message(&mut session).await.kind != b'Z' {}
    let address = doors.address_of("wg").unwrap();
    let mut idle = TcpStream::connect(address).await.unwrap();
    let elsewhere = connect(&config(&doors, "wg-2", USER, &other)).await.unwrap();
    doors.close_port("wg");
    let end = message(&mut session).await;
    assert_eq!(end.kind, b'E');
    assert!(String::from_utf8_lossy(&end.body).contains("SFATAL\0VFATAL\0C57P01\0"), "{end:?}");
    assert_eq!(session.read(&mut [0; 1]).await.unwrap(), 0);
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap(), 0);
    assert!(TcpStream::connect(address).await.is_err());
    assert_eq!(first_row(&elsewhere, "select 1").await, [Some("1".to_owned())]);
}

#[tokio::test]
async fn there_is_a_bound_for_ports_and_a_closed_one_makes_room() {
    let doors = doors_at(&clock()).await;
    let open: Vec<_> = (0..=MOST_PORTS).map(|number| doors.address_of(&number.to_string()).is_ok()).collect();
    assert_eq!(open.iter().filter(|is_open| **is_open).count(), MOST_PORTS);
    doors.close_port("7");
    doors.address_of("more").unwrap();
}

#[tokio::test]
async fn an_option_of_a_newer_protocol_is_declined() {
    let doors = doors_at(&clock()).await;
    let mut stream = TcpStream::connect(doors.address_of("wg").unwrap()).await.unwrap();
    stream.write_all(&startup(&[("user", USER), ("_pq_.x", "1")])).await.unwrap();
    let answer = message(&mut stream).await;
    assert_eq!((answer.kind, &answer.body[..]), (b'v', &b"\0\0\0\0\0\0\0\x01_pq_.x\0"[..]));
}

/// What the door sends back for these bytes, up to the end of the connection.
async fn exchange(doors: &Doors, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(doors.address_of("wg").unwrap()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await.unwrap();
    answer
}

#[rstest]
#[case::http(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec())]
#[case::long(vec![0, 1, 0, 0])]
#[case::no_user(startup(&[("database", "dev")]))]
#[case::gss_twice([&[0, 0, 0, 8, 4, 210, 22, 48][..], &[0, 0, 0, 8, 4, 210, 22, 48]].concat())]
#[case::no_proof([startup(&[("user", "a")]), b"Q\0\0\0\x04".to_vec()].concat())]
#[case::long_proof([startup(&[("user", "a")]), b"p\x7f\xff\xff\xff".to_vec()].concat())]
#[case::no_mechanism([startup(&[("user", "a")]), b"p\0\0\0\x05\0".to_vec()].concat())]
#[tokio::test]
async fn garbage_gets_an_error_and_the_connection_ends(#[case] bytes: Vec<u8>) {
    let doors = doors_at(&clock()).await;
    let answer = exchange(&doors, &bytes).await;
    let text = String::from_utf8_lossy(&answer).into_owned();
    assert!(text.contains("SFATAL\0VFATAL\0C"), "{text:?}");
    assert!(text.contains("08P01") || text.contains("28000"), "{text:?}");
}

#[tokio::test]
async fn idle_connections_do_not_keep_others_out() {
    let doors = doors_at(&clock()).await;
    let password = issue(&doors, USER, "wg", None, 900);
    let address = doors.address_of("wg").unwrap();
    let mut idle = Vec::new();
    for _ in 0..2 * MOST_OPENING {
        idle.push(TcpStream::connect(address).await.unwrap());
    }
    let started = Instant::now();
    log_in(&doors, USER, &password).await.unwrap();
    assert!(started.elapsed() < LOGIN_TIMEOUT + Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test]
async fn dropping_the_doors_ends_their_sessions() {
    let doors = doors_at(&clock()).await;
    let client = log_in(&doors, USER, &issue(&doors, USER, "wg", None, 900)).await.unwrap();
    let address = doors.address_of("wg").unwrap();
    drop(doors);
    assert!(client.simple_query("select 1").await.is_err());
    assert!(TcpStream::connect(address).await.is_err());
}
