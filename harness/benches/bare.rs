//! What a check costs at the least: a driver that does nothing but sign, send, read and look, and a server for it, both
//! without a runtime. `ratio.py` beside it runs Countersign and this driver against this server and compares them.
//!
//! `bare serve PORT` answers for ever; `bare drive PORT COUNT` makes COUNT calls on one connection. `ratio.py` builds
//! it as a package of its own, so that nothing of Countersign is in it.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const TARGET: &str = "RedshiftServerless.GetCredentials";
const MEDIA_TYPE: &str = "application/x-amz-json-1.1";
const SIGNED: &str = "content-type;host;x-amz-date;x-amz-target";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["serve", port] => serve(number(port)).expect("a free port on loopback"),
        ["drive", port, count] => drive(number(port), number(count)).expect("a server that answers"),
        // `cargo bench` runs every benchmark; this one is a part of another.
        _ => println!("bare: run harness/benches/ratio.py"),
    }
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("expected a number, found {text}"))
}

/// Answers every connection in a thread of its own.
fn serve(port: u16) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    println!("{}", listener.local_addr()?.port());
    for stream in listener.incoming() {
        let stream = stream?;
        // The connection ends where the caller leaves.
        thread::spawn(move || answer_all(stream).unwrap_or_default());
    }
    Ok(())
}

fn answer_all(stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    while let Some(message) = Message::read(&mut reader)? {
        let input: Value = serde_json::from_slice(&message.body).unwrap_or_default();
        let is_right =
            message.fields.contains("authorization: AWS4-HMAC-SHA256 ") && input["workgroupName"].is_string();
        let now = Timestamp::now().as_second();
        let expires = now + input["durationSeconds"].as_i64().unwrap_or(900);
        let (status, body) = if is_right {
            (
                "200 OK",
                json!({ "dbUser": "IAM:bare", "dbPassword": "Xk7".repeat(20), "expiration": expires, "nextRefreshTime": expires }),
            )
        } else {
            ("400 Bad Request", json!({ "__type": "ValidationException", "message": "no" }))
        };
        let body = body.to_string();
        let head = format!("HTTP/1.1 {status}\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {}\r\n\r\n", body.len());
        writer.write_all((head + &body).as_bytes())?;
    }
    Ok(())
}

fn drive(port: u16, count: usize) -> io::Result<()> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let host = format!("127.0.0.1:{port}");
    let mut right = 0;
    for index in 0..count {
        let seconds = 900 + index % 2700;
        let body = json!({ "workgroupName": format!("wg-{index}"), "durationSeconds": seconds }).to_string();
        let now = Timestamp::now();
        writer.write_all(signed(&host, &body, now).as_bytes())?;
        let message = Message::read(&mut reader)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let output: Value = serde_json::from_slice(&message.body)?;
        let lives = output["expiration"].as_f64().unwrap_or_default() - now.as_duration().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "some thousand seconds")]
        let is_right = message.start.starts_with("HTTP/1.1 200") && (lives - seconds as f64).abs() < 60.0;
        right += usize::from(is_right && output["dbPassword"].is_string() && output["dbUser"].is_string());
    }
    assert_eq!(right, count, "calls that were answered rightly");
    Ok(())
}

/// The whole request, signed with Signature Version 4.
fn signed(host: &str, body: &str, now: Timestamp) -> String {
    let stamp = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let day = &stamp[..8];
    let scope = format!("{day}/us-east-1/redshift-serverless/aws4_request");
    let fields = format!("content-type:{MEDIA_TYPE}\nhost:{host}\nx-amz-date:{stamp}\nx-amz-target:{TARGET}\n");
    let canonical = format!("POST\n/\n\n{fields}\n{SIGNED}\n{}", hexadecimal(&Sha256::digest(body)));
    let text = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}", hexadecimal(&Sha256::digest(canonical)));
    let key = scope.split('/').fold(b"AWS4secret".to_vec(), |key, part| hmac(&key, part));
    let signature = hexadecimal(&hmac(&key, &text));
    format!(
        "POST / HTTP/1.1\r\nhost: {host}\r\ncontent-type: {MEDIA_TYPE}\r\nx-amz-date: {stamp}\r\nx-amz-target: {TARGET}\r\n\
         authorization: AWS4-HMAC-SHA256 Credential=AKID/{scope}, SignedHeaders={SIGNED}, Signature={signature}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("a key may have any length");
    hmac.update(text.as_bytes());
    hmac.finalize().into_bytes().to_vec()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// An HTTP message with a length.
struct Message {
    start: String,
    /// Its other lines, each with a line end.
    fields: String,
    body: Vec<u8>,
}

impl Message {
    /// The next message; None at the end of the connection.
    fn read(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let (mut start, mut fields, mut length) = (String::new(), String::new(), 0);
        if reader.read_line(&mut start)? == 0 {
            return Ok(None);
        }
        loop {
            let begins = fields.len();
            reader.read_line(&mut fields)?;
            let line = fields[begins..].trim_end();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().map_err(io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        Ok(Some(Self { start, fields, body }))
    }
}
