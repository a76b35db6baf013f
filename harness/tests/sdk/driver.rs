//! A driver without any SDK: it sends one plain request and gives back what the answer says, or does
//! one of the things that no driver should do.

use std::io::{BufRead, Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

/// Speaks the protocol in a manner: `honest`, or with one fault in everything.
pub(crate) fn serve(manner: &str) {
    for line in std::io::stdin().lock().lines() {
        let said: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        if said["type"] == "hello" {
            say(&hello(manner));
        } else {
            answer(manner, &said);
        }
    }
}

fn say(line: &Value) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("the harness listens");
}

/// Says something that ends no line, and waits to be ended.
fn say_raw(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).expect("the harness listens");
}

fn hello(manner: &str) -> Value {
    let mut hello = json!({ "type": "hello", "protocol": 1, "driver": "none", "language": "rust", "runtime": "native",
        "sdk": "none", "sdkVersion": "0.0.1", "deps": {}, "operations": ["GetCredentials"], "config": ["maxAttempts"],
        "inputs": { "workgroupName": "string", "durationSeconds": "int32", "*": "inexpressible" }, "reports": [] });
    match manner {
        "mute" => {
            eprintln!("no SDK here");
            std::process::exit(3);
        }
        "old" => hello["protocol"] = json!(7),
        "no-hello" => return json!({ "type": "outcome", "id": "a", "outcome": "unsupported", "reason": "b" }),
        "unknown-field" => hello["colour"] = json!("red"),
        "no-star" => {
            hello["inputs"].as_object_mut().expect("an object").remove("*");
        }
        "odd-setting" => hello["config"] = json!(["maxAttempts", "colour"]),
        _ => {}
    }
    hello
}

fn answer(manner: &str, call: &Value) {
    let asked = call["input"]["workgroupName"]["string"].as_str().unwrap_or("honest");
    let outcome = |more: Value| {
        let mut outcome = json!({ "type": "outcome", "id": call["id"], "meta": {} });
        outcome.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        outcome
    };
    let result = |result: Value| outcome(json!({ "outcome": "result", "result": result }));
    match (manner, asked) {
        ("always-garbage", _) | (_, "garbage") => say_raw(b"Traceback (most recent call last):\n"),
        (_, "die") => std::process::exit(1),
        (_, "half-line") => {
            say_raw(br#"{"type":"outc"#);
            std::process::exit(0);
        }
        (_, "endless-line") => loop {
            // Until the harness has had enough and closes its end.
            let sent = std::io::stdout().lock().write_all(&[b'a'; 1 << 12]);
            if sent.is_err() {
                std::process::exit(0);
            }
        },
        (_, "other-id") => say(&json!({ "type": "outcome", "id": "other", "outcome": "unsupported", "reason": "x" })),
        (_, "second-hello") => say(&hello("honest")),
        (_, "unsupported") => {
            say(&json!({ "type": "outcome", "id": call["id"], "outcome": "unsupported", "reason": "not today" }));
        }
        (_, "hang") => {
            send(call);
            std::thread::park();
        }
        (_, "environment") => {
            let names: Vec<String> = std::env::vars().map(|(name, _)| name).collect();
            let home = std::env::var("HOME").unwrap_or_default();
            say(&result(json!({ "names": { "string": names.join(" ") }, "home": { "string": home } })));
        }
        ("never-sends", _) => say(&result(json!({ "dbUser": { "string": "IAM:alice" } }))),
        _ => {
            let Some((status, body)) = send(call) else {
                let error = json!({ "phase": "transport", "class": "Broken", "message": "the connection broke" });
                return say(&outcome(json!({ "outcome": "error", "error": error })));
            };
            if status >= 400 {
                let phase = if manner == "wrong-phase" { "parse" } else { "service" };
                let error = json!({ "phase": phase, "class": "ServiceError", "code": body["__type"], "message": body["message"] });
                return say(&outcome(json!({ "outcome": "error", "error": error })));
            }
            let password = body["dbPassword"].as_str().unwrap_or_default();
            let (user, password) = match asked {
                "truncate" => ("IAM:alice".to_owned(), &password[..12]),
                "truncate-more" => ("IAM:alice".to_owned(), &password[..3]),
                "say-password" => (format!("IAM:alice {password}"), password),
                _ => ("IAM:alice".to_owned(), password),
            };
            say(&result(json!({ "dbUser": { "string": user }, "dbPassword": { "string": password } })));
        }
    }
}

/// Sends the input as one request on a new connection; nothing where no whole answer comes.
fn send(call: &Value) -> Option<(u16, Value)> {
    let endpoint = call["endpoint"].as_str().map(str::to_owned).or_else(|| std::env::var("AWS_ENDPOINT_URL").ok())?;
    let address = endpoint.strip_prefix("http://")?;
    let members = call["input"].as_object()?.iter().map(|(name, tagged)| {
        let plain = tagged["integer"]
            .as_str()
            .map_or_else(|| tagged["string"].clone(), |digits| json!(digits.parse::<i64>().ok()));
        (name.clone(), plain)
    });
    let body = Value::Object(members.collect()).to_string();
    let mut stream = TcpStream::connect(address).ok()?;
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).ok()?;
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        answer.push(byte[0]);
    }
    let head = String::from_utf8(answer).ok()?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "))?.parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((status, serde_json::from_slice(&body).ok()?))
}
