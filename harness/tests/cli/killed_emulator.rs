//! An emulator that is killed at any moment leaves a state file that loads and has every change that was answered.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use countersign::servers::emulator::{EmulatedService, EmulatorOptions};
use countersign::wire::sigv4::{self, Scope};
use countersign::wire::{Credentials, Request};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::program::Program;

const KEY: &str = "AKIDEXAMPLE";
const SECRET: &str = "a-secret";

/// How many emulators are killed, and the time after which that is enough.
const ROUNDS: u32 = 100;
const ENOUGH: Duration = Duration::from_secs(6);

/// Each of two callers creates so many namespaces, if nobody stops it.
const EACH: u32 = 8;

fn start(path: &Path) -> Child {
    let mut program = Program::line("serve emulator --listen 127.0.0.1:0 --format json --access-key-id AKIDEXAMPLE");
    program = program.env("COUNTERSIGN_SECRET_ACCESS_KEY", SECRET);
    let command = program.command().arg("--state").arg(path).current_dir("/");
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts")
}

/// The address in the ready line; `None` if it was killed before that.
fn address(emulator: &mut Child) -> Option<SocketAddr> {
    let mut line = String::new();
    BufReader::new(emulator.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    let ready: Value = serde_json::from_str(&line).ok()?;
    ready["endpoint"].as_str()?.strip_prefix("http://")?.parse().ok()
}

/// Creates a namespace; whether the answer came and was a success.
fn create(stream: &mut TcpStream, name: &str) -> bool {
    let body = json!({ "namespaceName": name }).to_string().into_bytes();
    let fields = [
        ("host", "127.0.0.1"),
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-target", "RedshiftServerless.CreateNamespace"),
    ];
    let mut request =
        Request { method: "POST".into(), target: "/".into(), headers: fields.into_iter().collect(), body };
    let scope = Scope { region: "us-east-1", service: "redshift-serverless" };
    sigv4::sign(&mut request, &Credentials::new(KEY, SECRET), scope, Timestamp::now());
    let mut text = format!("POST / HTTP/1.1\r\ncontent-length: {}\r\n", request.body.len());
    for (name, value) in request.headers.iter() {
        let _ = write!(text, "{name}: {value}\r\n");
    }
    text += "\r\n";
    let mut bytes = text.into_bytes();
    bytes.extend(&request.body);
    let mut answer = [0; 4096];
    let read = stream.write_all(&bytes).and_then(|()| stream.read(&mut answer)).unwrap_or(0);
    answer[..read].starts_with(b"HTTP/1.1 200 ")
}

/// Creates namespaces until there are enough or the emulator is gone. Returns those that were answered.
fn create_many(address: SocketAddr, prefix: &str) -> Vec<String> {
    let Ok(mut stream) = TcpStream::connect(address) else { return Vec::new() };
    let names = (0..EACH).map(|number| format!("{prefix}-{number}"));
    names.take_while(|name| create(&mut stream, name)).collect()
}

/// A time up to so many milliseconds, of which nobody knows which.
fn some_time(most: u32) -> Duration {
    Duration::from_micros(u64::from(Timestamp::now().subsec_nanosecond().unsigned_abs() / 1000 % (most * 1000)))
}

#[test]
fn a_killed_emulator_leaves_a_state_that_loads_and_has_every_change_that_was_answered() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("state.json");
    let begin = Instant::now();
    let (mut answered, mut rounds) = (Vec::new(), 0);
    while rounds < ROUNDS && begin.elapsed() < ENOUGH {
        let mut emulator = start(&path);
        if rounds % 4 == 0 {
            // Some are killed while they start.
            thread::sleep(some_time(50));
            emulator.kill().expect("it can be killed");
        } else if let Some(address) = address(&mut emulator) {
            let callers = ["a", "b"].map(|caller| {
                let prefix = format!("ns-{rounds}-{caller}");
                thread::spawn(move || create_many(address, &prefix))
            });
            thread::sleep(some_time(50));
            emulator.kill().expect("it can be killed");
            answered.extend(callers.into_iter().flat_map(|caller| caller.join().expect("no panic")));
        }
        emulator.wait().expect("it ends");
        rounds += 1;

        let Ok(text) = fs::read_to_string(&path) else {
            assert!(answered.is_empty(), "the file is gone in round {rounds}");
            continue;
        };
        let options = EmulatorOptions { state: Some(path.clone()), ..EmulatorOptions::default() };
        EmulatedService::new(options).unwrap_or_else(|error| panic!("round {rounds}: {error}\n{text}"));
        let saved: Value = serde_json::from_str(&text).expect("JSON");
        let namespaces = saved["realms"][0]["namespaces"].as_object().expect("an object");
        let lost: Vec<_> = answered.iter().filter(|name| !namespaces.contains_key(*name)).collect();
        assert!(lost.is_empty(), "round {rounds}: {lost:?} were answered and are not saved");
    }
    assert!(rounds >= 5 && !answered.is_empty(), "{rounds} rounds, {} changes", answered.len());
    println!("{rounds} emulators killed, {} changes answered and saved", answered.len());
}
