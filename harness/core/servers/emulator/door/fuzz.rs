//! Whatever a client sends: the parsers, a session, and the whole door get messages that are almost right.
//!
//! The tests try the same few thousand inputs each time. To try others, give them time:
//! `COUNTERSIGN_FUZZ_SECONDS=600 cargo test --features login --lib door::fuzz -- --nocapture`. A failure names its seed,
//! with which `COUNTERSIGN_FUZZ_SEED` begins.

use std::env;
use std::fs;
use std::panic;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, ScramSha256};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::io::{AsyncReadExt, duplex};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::messages::{Fields, Message, Opening, Startup, put_text, read_message, read_opening};
use super::tests::{USER, clock, doors_at, issue_later};
use super::*;
use crate::servers::emulator::proof::ScramStart;

/// How long a client waits for an answer. What it sent may not be whole.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(400);

/// How long one conversation may take, on a machine that does other things too.
const LONGEST: Duration = Duration::from_secs(20);

/// Words that a mutation puts somewhere.
const WORDS: [&[u8]; 24] = [
    b"user\0",
    b"database\0",
    b"driver_version\0",
    b"_pq_.x\0",
    b"options\0",
    b"n,,n=,r=",
    b"y,,",
    b"p=tls-unique,,",
    b"c=biws",
    b",r=",
    b",p=",
    b",m=",
    b"SCRAM-SHA-256\0",
    b"SCRAM-SHA-256-PLUS\0",
    b"md5",
    b"\0",
    b"\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\0\0\0\x04",
    b"\xf0\x9f\x92\xa9",
    b"\xc3",
    b"=",
];

/// Statements, whole and broken.
const STATEMENTS: [&str; 16] = [
    "select 1",
    "select current_user, version(), null, true",
    "show server_version",
    "set query_group to 'x'",
    "begin",
    "commit",
    "rollback",
    "reset all",
    "discard all",
    "deallocate \"s\"",
    "select 'é''",
    "/* /* */",
    ";;--\n;",
    "select -99999999999",
    "set session time zone to",
    "drop table t",
];

/// The seeds that are tried: so many, or as many as there is time for.
struct Seeds {
    next: AtomicU64,
    count: u64,
    until: Option<Instant>,
}

impl Seeds {
    fn new(count: u64) -> Self {
        let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
        let until = number("COUNTERSIGN_FUZZ_SECONDS").map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let fresh = until.map(|_| u64::from_be_bytes(random::bytes()) >> 1);
        let first = number("COUNTERSIGN_FUZZ_SEED").or(fresh).unwrap_or(0);
        Self { next: AtomicU64::new(first), count: first + count, until }
    }

    fn next(&self) -> Option<u64> {
        let seed = self.next.fetch_add(1, Ordering::Relaxed);
        let goes_on = self.until.map_or(seed < self.count, |until| Instant::now() < until);
        goes_on.then_some(seed)
    }

    /// Whether this is more than the short test.
    fn are_many(&self) -> bool {
        self.until.is_some()
    }
}

/// How much memory this process takes, in kB, where the system says it.
fn memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().trim_end_matches(" kB").parse().ok()
}

/// Changes a few bytes, or more often none.
fn mutate(rng: &mut StdRng, bytes: &mut Vec<u8>) {
    if rng.random_bool(0.6) {
        return;
    }
    for _ in 0..rng.random_range(1..4) {
        let at = rng.random_range(0..=bytes.len());
        let end = rng.random_range(at..=bytes.len().min(at + 16));
        match rng.random_range(0..7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
            1 if at < bytes.len() => bytes[at] = rng.random(),
            2 => drop(bytes.drain(at..end)),
            3 => bytes.truncate(at),
            4 => {
                let again = bytes[at..end].repeat(rng.random_range(1..50));
                bytes.splice(at..at, again);
            }
            5 if at + 4 <= bytes.len() => {
                let length: u32 = if rng.random() { rng.random_range(0..100) } else { rng.random() };
                bytes[at..at + 4].copy_from_slice(&length.to_be_bytes());
            }
            _ => drop(bytes.splice(at..at, WORDS[rng.random_range(0..WORDS.len())].iter().copied())),
        }
    }
}

/// A start-up message of this user, for MD5 or SCRAM.
fn startup(rng: &mut StdRng, by_md5: bool) -> Vec<u8> {
    let minor = if rng.random_bool(0.1) { 2 } else { 0 };
    let mut body = (0x0003_0000_u32 + minor).to_be_bytes().to_vec();
    let mut pairs = vec![("user", USER), ("database", "dev")];
    if by_md5 {
        pairs.push(("driver_version", "Redshift Python Driver 2.2.0"));
    }
    for pair in [("application_name", "é"), ("_pq_.x", "1"), ("options", "-c a=b"), ("user", "IAM:bob")] {
        if rng.random_bool(0.1) {
            pairs.push(pair);
        }
    }
    for text in pairs.into_iter().flat_map(|(name, value)| [name, value]) {
        put_text(&mut body, text);
    }
    body.push(0);
    mutate(rng, &mut body);
    framed(None, &body)
}

fn framed(kind: Option<u8>, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [kind.as_slice(), &length, body].concat()
}

/// A message of a session.
fn of_session(rng: &mut StdRng) -> (u8, Vec<u8>) {
    let statement = STATEMENTS[rng.random_range(0..STATEMENTS.len())];
    let name = ["", "s", "p"][rng.random_range(0..3)];
    let mut body = Vec::new();
    let kind = b"QPBDECHSXfz"[rng.random_range(0..11)];
    match kind {
        b'Q' => put_text(&mut body, &[statement; 3][..rng.random_range(0..=3)].join(";")),
        b'P' => {
            put_text(&mut body, name);
            put_text(&mut body, statement);
            body.extend_from_slice(&[0; 2]);
        }
        b'B' => {
            put_text(&mut body, name);
            put_text(&mut body, ["", "s"][rng.random_range(0..2)]);
            body.extend_from_slice(&[0; 4]);
            let formats = rng.random_range(0..3_u16);
            body.extend_from_slice(&formats.to_be_bytes());
            (0..formats).for_each(|_| body.extend_from_slice(&rng.random_range(0..2_u16).to_be_bytes()));
        }
        b'D' | b'C' => {
            body.push(b"SP"[rng.random_range(0..2)]);
            put_text(&mut body, name);
        }
        b'E' => {
            put_text(&mut body, name);
            body.extend_from_slice(&[0; 4]);
        }
        _ => {}
    }
    mutate(rng, &mut body);
    (kind, body)
}

/// The whole messages in what a server said, and what is left behind them.
fn messages_in(mut bytes: &[u8]) -> (Vec<Message>, &[u8]) {
    let mut messages = Vec::new();
    loop {
        let mut fields = Fields(bytes);
        let Some(kind) = fields.u8() else { return (messages, bytes) };
        let length = fields.u32().and_then(|length| usize::try_from(length).ok()?.checked_sub(4));
        let Some(body) = length.and_then(|length| fields.bytes(length)) else { return (messages, bytes) };
        messages.push(Message { kind, body: body.to_vec() });
        bytes = fields.0;
    }
}

#[tokio::test]
async fn whatever_comes_before_a_log_in_is_read_or_refused() {
    let seeds = Seeds::new(20_000);
    let (mut tried, mut openings) = (0_u64, 0_u64);
    while let Some(seed) = seeds.next() {
        tried += 1;
        let mut rng = StdRng::seed_from_u64(seed);
        let by_md5 = rng.random();
        let mut bytes = startup(&mut rng, by_md5);
        mutate(&mut rng, &mut bytes);
        if let Ok(Opening::Startup(startup)) = read_opening(&mut &bytes[..]).await {
            openings += 1;
            assert!(startup.parameters.len() <= bytes.len() / 2, "seed {seed}");
            let _ = (startup.user(), startup.database(), startup.is_of_redshift(), session::reported(&startup));
        }
        let mut first = b"n,,n=,r=abcdefgh".to_vec();
        mutate(&mut rng, &mut first);
        if let Ok(start) = ScramStart::read(&first, b"0123456789abcdef", "server") {
            let mut last = format!("c=biws,r=abcdefghserver,p={}", "A".repeat(43) + "=").into_bytes();
            mutate(&mut rng, &mut last);
            let _ = start.finish(&last);
        }
        let mut message = framed(Some(b'p'), &first)[1..].to_vec();
        mutate(&mut rng, &mut message);
        if let Ok(message) = read_message(&mut &message[..], b'p', 2048).await {
            assert!(message.body.len() <= 2048, "seed {seed}");
        }
    }
    assert!(openings > 1000, "{openings}");
    println!("{tried} inputs, {openings} of them start-up messages");
}

#[test]
fn a_session_answers_whatever_it_is_sent_in_bounded_memory() {
    let seeds = Seeds::new(2000);
    let mut tried = 0_u64;
    while let Some(seed) = seeds.next() {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut session = Session::new(&Startup::default());
        for _ in 0..rng.random_range(1..40) {
            let (kind, body) = of_session(&mut rng);
            let mut out = Outgoing::default();
            let goes_on = session.answer(&Message { kind, body }, &mut out);
            tried += 1;
            assert!(messages_in(&out.0).1.is_empty(), "seed {seed}: {:?}", out.0);
            assert!(session.kept() <= session::KEPT_LIMIT, "seed {seed}");
            assert!(out.0.len() <= session::ANSWER_LIMIT + 10 * session::MESSAGE_LIMIT, "seed {seed}");
            if !matches!(goes_on, Ok(true)) {
                break;
            }
        }
    }
    println!("{tried} messages of sessions");
}

/// What became of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It was let in, as it had the right proof.
    In,
    Refused,
    /// It ended without a word, as what was sent was not whole.
    Silent,
}

/// Says something to the door that is almost a log-in with this password, and checks what the door says.
async fn converse(mut stream: impl Stream, rng: &mut StdRng, password: &str) -> Result<End, String> {
    let mut said = Vec::new();
    let proof_was_right = talk(&mut stream, rng, password, &mut said).await.unwrap_or(false);
    let _ = stream.shutdown().await;
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    said.extend_from_slice(&rest);
    if said.windows(password.len()).any(|part| part == password.as_bytes()) {
        return Err("the door says the password".to_owned());
    }
    // `S` and `N` alone answer requests for encryption. What follows in TLS is not looked at.
    let after_gss = said.strip_prefix(b"N").unwrap_or(&said);
    if after_gss.starts_with(b"S") && !after_gss.starts_with(b"S\0\0") {
        return Ok(End::Silent);
    }
    let (messages, rest) = messages_in(after_gss);
    if !rest.is_empty() {
        return Err(format!("no whole messages: {said:?}"));
    }
    let is_in = messages.iter().any(|message| message.kind == b'R' && message.body == [0; 4]);
    if is_in && !proof_was_right {
        return Err(format!("let in without the right proof: {messages:?}"));
    }
    let last = messages.last().map(|message| message.kind);
    Ok(if is_in {
        End::In
    } else if last == Some(b'E') {
        End::Refused
    } else {
        End::Silent
    })
}

/// Says it. Returns whether the proof was right; `None` if the door ended the conversation.
async fn talk(stream: &mut impl Stream, rng: &mut StdRng, password: &str, said: &mut Vec<u8>) -> Option<bool> {
    let by_md5 = rng.random();
    if rng.random_bool(0.1) {
        let code = [80_877_102_u32, 80_877_103, 80_877_104][rng.random_range(0..3)];
        let mut request =
            framed(None, &[&code.to_be_bytes()[..], &[7; 8][..usize::from(code == 80_877_102) * 8]].concat());
        mutate(rng, &mut request);
        stream.write_all(&request).await.ok()?;
    }
    let mut begin = startup(rng, by_md5);
    mutate(rng, &mut begin);
    stream.write_all(&begin).await.ok()?;
    let request = heard(stream, said, 0).await?;
    let (proof, right) = if request.starts_with(&5_u32.to_be_bytes()) {
        let salt = request[4..].try_into().ok()?;
        let mut body = Vec::new();
        put_text(&mut body, &md5_hash(USER.as_bytes(), password.as_bytes(), salt));
        let right = framed(Some(b'p'), &body);
        (changed(rng, body), right)
    } else {
        let mut scram = ScramSha256::new(password.as_bytes(), ChannelBinding::unsupported());
        let mut first = b"SCRAM-SHA-256\0".to_vec();
        first.extend_from_slice(&u32::try_from(scram.message().len()).unwrap().to_be_bytes());
        first.extend_from_slice(scram.message());
        stream.write_all(&changed(rng, first)).await.ok()?;
        let challenge = heard(stream, said, 1).await?;
        scram.update(challenge.get(4..)?).ok()?;
        (changed(rng, scram.message().to_vec()), framed(Some(b'p'), scram.message()))
    };
    stream.write_all(&proof).await.ok()?;
    // What stands behind it belongs to the session.
    let is_right = proof.starts_with(&right);
    for _ in 0..rng.random_range(0..5) {
        let (kind, body) = of_session(rng);
        let mut message = framed(Some(kind), &body);
        mutate(rng, &mut message);
        if stream.write_all(&message).await.is_err() {
            break;
        }
    }
    Some(is_right)
}

/// A message with a proof, whose body or whole may be changed.
fn changed(rng: &mut StdRng, mut body: Vec<u8>) -> Vec<u8> {
    mutate(rng, &mut body);
    let mut message = framed(Some(b'p'), &body);
    mutate(rng, &mut message);
    message
}

/// The body of a request of authentication, by its number.
async fn heard(stream: &mut impl Stream, said: &mut Vec<u8>, number: usize) -> Option<Vec<u8>> {
    loop {
        let after_gss = said.strip_prefix(b"N").unwrap_or(said);
        if after_gss == b"S" {
            return None;
        }
        let (messages, _) = messages_in(after_gss);
        if messages.iter().any(|message| message.kind == b'E') {
            return None;
        }
        if let Some(request) = messages.into_iter().filter(|message| message.kind == b'R').nth(number) {
            return Some(request.body);
        }
        timeout(ANSWER_TIMEOUT, stream.read_buf(said)).await.ok()?.ok().filter(|count| *count > 0)?;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_said_to_the_door_it_answers_in_whole_messages_and_lets_nobody_in_without_the_password() {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        // Not those of other tests.
        if info.location().is_some_and(|place| place.file().contains("emulator")) {
            PANICS.fetch_add(1, Ordering::Relaxed);
        }
        usual(info);
    }));
    let doors = Arc::new(doors_at(&clock()).await);
    let (password, _) = issue_later(&doors, USER, "wg", None, 900);
    let address = doors.address_of("wg").unwrap();
    let seeds = Arc::new(Seeds::new(1000));
    let ends = Arc::new(Mutex::new(BTreeMap::<String, u64>::new()));
    let started = Instant::now();
    let before = memory();
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let (doors, seeds, ends, password) =
            (Arc::clone(&doors), Arc::clone(&seeds), Arc::clone(&ends), password.clone());
        callers.spawn(async move {
            while let Some(seed) = seeds.next() {
                let mut rng = StdRng::seed_from_u64(seed);
                let spoken = async {
                    if seed % 4 == 0 {
                        let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
                        return converse(stream, &mut rng, &password).await;
                    }
                    // Without a socket: a panic is seen, and the end of the task.
                    let (client, server) = duplex(4096);
                    let (_open, closing) = watch::channel(());
                    doors.door.opening.acquire().await.unwrap().forget();
                    let door = tokio::spawn(Arc::clone(&doors.door).converse(server, "wg", Closing(closing)));
                    let end = converse(client, &mut rng, &password).await;
                    door.await.map_err(|error| error.to_string())?;
                    end
                };
                let end = timeout(LONGEST, spoken).await.unwrap_or_else(|_| Err("it does not end".to_owned()));
                let end = end.unwrap_or_else(|fault| panic!("seed {seed}: {fault}"));
                *ends.lock().unwrap().entry(format!("{end:?}")).or_default() += 1;
            }
        });
    }
    let mut reported = Instant::now();
    let mut honest = 0_u32;
    while !callers.is_empty() {
        tokio::select! {
            ended = callers.join_next() => ended.unwrap().unwrap(),
            () = sleep(Duration::from_millis(500)) => {
                // Meanwhile, somebody logs in.
                let config = tests::config(&doors, "wg", USER, &password);
                timeout(LONGEST, tests::connect(&config)).await.expect("in time").unwrap();
                honest += 1;
            }
        }
        if reported.elapsed() > Duration::from_mins(1) {
            reported = Instant::now();
            println!("{:?}: {:?}, {:?} kB", started.elapsed(), ends.lock().unwrap(), memory());
        }
    }
    let (ends, after) = (ends.lock().unwrap().clone(), memory());
    println!(
        "{} conversations in {:?}: {ends:?}; {honest} honest log-ins meanwhile; memory {before:?} to {after:?} kB",
        ends.values().sum::<u64>(),
        started.elapsed()
    );
    assert_eq!(PANICS.load(Ordering::Relaxed), 0);
    assert!(["In", "Refused", "Silent"].iter().all(|end| ends.contains_key(*end)), "{ends:?}");
    if let (true, Some(before), Some(after)) = (seeds.are_many(), before, after) {
        assert!(after < before + 50_000, "{before} kB became {after} kB");
    }
    assert_eq!(doors.door.opening.available_permits(), MOST_OPENING);
    assert_eq!(doors.door.sessions.available_permits(), MOST_SESSIONS);
}
