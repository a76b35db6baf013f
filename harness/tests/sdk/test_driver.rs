//! A driver without any SDK: it sends one plain request and gives back what the answer says, or does
//! one of the things that no driver should do.

use std::io::{BufRead, Read, Write};
use std::net::TcpStream;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

/// The key of every call, as AWS's documentation has it.
pub(crate) const SECRET_ACCESS_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// The forms in which a secret is said.
pub(crate) const FORMS: [&str; 6] = ["plain", "json", "url", "base64", "hex", "html"];

/// A secret in a form.
pub(crate) fn in_form(secret: &str, form: &str) -> String {
    let each = |shape: &dyn Fn(u8) -> String| secret.bytes().map(shape).collect();
    match form {
        "json" => each(&|byte| format!("\\u{byte:04x}")),
        "url" => each(&|byte| format!("%{byte:02X}")),
        "html" => each(&|byte| format!("&#{byte};")),
        "hex" => each(&|byte| format!("{byte:02x}")),
        "base64" => BASE64_STANDARD.encode(secret),
        _ => secret.to_owned(),
    }
}

/// Speaks the protocol in a manner: `honest`, or with one fault in everything; behind `NAME=` as the driver of that name.
pub(crate) fn serve(manner: &str) {
    let (name, manner) = manner.split_once('=').unwrap_or(("none", manner));
    for line in std::io::stdin().lock().lines() {
        let message: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        if message["type"] == "hello" {
            let mut hello = hello(manner);
            if name != "none" {
                hello["driver"] = json!(name);
            }
            say(&hello);
        } else {
            answer(manner, &message);
        }
    }
}

fn say(line: &Value) {
    say_raw(format!("{line}\n").as_bytes());
}

fn say_raw(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).expect("the harness listens");
}

fn hello(manner: &str) -> Value {
    let mut hello = json!({ "type": "hello", "protocol": 1, "driver": "none", "language": "rust", "runtime": "native",
        "sdk": "none", "sdkVersion": "0.0.1", "deps": {}, "operations": ["GetCredentials"], "config": ["maxAttempts"],
        "inputs": { "workgroupName": "string", "durationSeconds": "int32", "*": "inexpressible" }, "reports": [], "tls": false });
    if let Some((place, form)) = manner.strip_prefix("hello-canary/").and_then(|canary| canary.split_once('/')) {
        let secret = in_form(SECRET_ACCESS_KEY, form);
        match place {
            "names" => {
                for name in ["driver", "language", "runtime", "sdk", "sdkVersion"] {
                    hello[name] = json!(format!("is {secret}"));
                }
                hello["deps"] = json!({ &secret: &secret });
                for name in ["operations", "config", "reports", "outputs"] {
                    hello[name] = json!([&secret]);
                }
                hello["inputs"] = json!({ &secret: "string", "*": "dynamic" });
            }
            "type" => hello["type"] = json!(secret),
            "protocol" => hello["protocol"] = json!(secret),
            "unknown" => hello[&secret] = json!(1),
            "input" => hello["inputs"]["a"] = json!(secret),
            _ => {
                eprintln!("Traceback: {secret} is a key\n  {secret}");
                std::process::exit(3);
            }
        }
    }
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
    let workgroup = call["input"]["workgroupName"]["string"].as_str().unwrap_or("honest");
    let result = |result: Value| outcome(&call["id"], "result", &result);
    if let Some(canary) = workgroup.strip_prefix("canary/") {
        return say_secrets(call, canary);
    }
    match (manner, workgroup) {
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
        (_, "warn") => {
            let home = std::env::var("HOME").unwrap_or_default();
            eprintln!("(node:{}) Old: /opt/lib/a.py:12: Python 3.9 ends on 2026-04-29.\n", std::process::id());
            eprintln!("at {home}/x\nat {home}/x");
            say(&result(json!({})));
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
                return say(&outcome(&call["id"], "error", &error));
            };
            if status >= 400 {
                let phase = if manner == "wrong-phase" { "parse" } else { "service" };
                let error = json!({ "phase": phase, "class": "ServiceError", "code": body["__type"], "message": body["message"] });
                return say(&outcome(&call["id"], "error", &error));
            }
            let password = body["dbPassword"].as_str().unwrap_or_default();
            let (user, password) = match workgroup {
                "truncate" => ("IAM:alice".to_owned(), &password[..12]),
                "truncate-more" => ("IAM:alice".to_owned(), &password[..3]),
                "say-password" => (format!("IAM:alice {password}"), password),
                _ => ("IAM:alice".to_owned(), password),
            };
            say(&result(json!({ "dbUser": { "string": user }, "dbPassword": { "string": password } })));
        }
    }
}

/// What a call came to: a result or an error.
fn outcome(id: &Value, kind: &str, what: &Value) -> Value {
    json!({ "type": "outcome", "id": id, "outcome": kind, kind: what, "meta": {} })
}

/// Says the password, the key and the token of a call at a place, in a form.
fn say_secrets(call: &Value, canary: &str) {
    let (place, form) = canary.split_once('/').expect("a place and a form");
    let id = call["id"].as_str().expect("an id");
    let number: usize = id.split_once('#').map_or(Ok(1), |(_, number)| number.parse()).expect("a number");
    let form = if form == "each" { FORMS[number - 1] } else { form };
    let credentials = &call["credentials"];
    let [key, token] =
        ["secretAccessKey", "sessionToken"].map(|name| in_form(credentials[name].as_str().unwrap_or_default(), form));
    let before = format!("{key} {token}");
    let (more, body) = match place {
        "header" => (format!("X-Said: {before}\r\nX-Amz-Date: {key}\r\nUser-Agent: a/{token}\r\n"), None),
        "body" => (String::new(), Some(json!({ "said": &before, &key: [&token] }).to_string())),
        _ => (String::new(), None),
    };
    let path = if place == "path" { format!("/{key}/{token}") } else { "/".to_owned() };
    let answer = send_more(call, &path, &more, body).map(|(_, body)| body).unwrap_or_default();
    let password = in_form(answer["dbPassword"].as_str().unwrap_or_default(), form);
    let secret_text = format!("{password} {before}");
    let result = |result: Value| outcome(&call["id"], "result", &result);
    let error = |error: Value| outcome(&call["id"], "error", &error);
    let text = json!({ "string": &secret_text });
    say(&match place {
        "member" => result(json!({ &secret_text: { "string": "a" } })),
        "secret-member" => {
            result(json!({ "dbPassword": text, "token": { "map": { &secret_text: text }, "native": &secret_text } }))
        }
        "native" => result(json!({ "dbUser": { "string": "a", "native": &secret_text } })),
        "list" => result(json!({ "a": { "list": [text, { "list": [text] }] } })),
        "map" => result(json!({ "a": { "map": { &secret_text: text, "password": text } } })),
        "bytes" => {
            result(json!({ "a": { "bytes": BASE64_STANDARD.encode(&secret_text) }, "b": { "bytes": &secret_text } }))
        }
        "class" => error(
            json!({ "phase": "service", "class": &secret_text, "bases": [&secret_text], "code": &secret_text, "fault": &secret_text }),
        ),
        "message" => {
            error(json!({ "phase": "service", "class": "A", "message": &secret_text, "requestId": &secret_text }))
        }
        "error-member" => {
            error(json!({ "phase": "service", "class": "A", "members": { &secret_text: text, "secret": text } }))
        }
        "meta" => {
            let mut outcome = result(json!({}));
            outcome["meta"]["requestId"] = json!(&secret_text);
            outcome
        }
        "type" => json!({ "type": &secret_text, "id": id }),
        "unknown-field" => {
            let mut outcome = result(json!({}));
            outcome[&secret_text] = json!(1);
            outcome
        }
        "unknown-variant" => error(json!({ "phase": &secret_text, "class": "A" })),
        "wrong-value" => result(json!({ "a": &secret_text })),
        "wrong-secret" => result(json!({ "dbPassword": &secret_text })),
        "id" => json!({ "type": "outcome", "id": &secret_text, "outcome": "unsupported", "reason": "a" }),
        "reason" => json!({ "type": "outcome", "id": id, "outcome": "unsupported", "reason": &secret_text }),
        "garbled" => return say_raw(format!("Traceback: {secret_text}\n").as_bytes()),
        "warning" => {
            eprintln!("Warning: {secret_text}");
            result(json!({}))
        }
        "log" => {
            eprintln!("Traceback:\n  {secret_text}\n  at the end {secret_text}");
            std::process::exit(1);
        }
        "long-log" => {
            eprint!("{}", format!("{secret_text} ").repeat(4096));
            std::process::exit(1);
        }
        "long-line" => {
            return say_raw((format!("{secret_text} ").repeat((10 << 20) / secret_text.len()) + "\n").as_bytes());
        }
        _ => result(json!({ "dbUser": text })),
    });
}

/// Sends the input as one request on a new connection; nothing where no whole answer comes.
fn send(call: &Value) -> Option<(u16, Value)> {
    send_more(call, "/", "", None)
}

/// The same with another path, more header fields, or another body.
fn send_more(call: &Value, path: &str, more: &str, body: Option<String>) -> Option<(u16, Value)> {
    let endpoint = call["endpoint"].as_str().map(str::to_owned).or_else(|| std::env::var("AWS_ENDPOINT_URL").ok())?;
    let address = endpoint.strip_prefix("http://")?;
    let members = call["input"].as_object()?.iter().map(|(name, tagged)| {
        let value = tagged["integer"]
            .as_str()
            .map_or_else(|| tagged["string"].clone(), |digits| json!(digits.parse::<i64>().ok()));
        (name.clone(), value)
    });
    let body = body.unwrap_or_else(|| Value::Object(members.collect()).to_string());
    let mut stream = TcpStream::connect(address).ok()?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\n{more}Content-Type: application/x-amz-json-1.1\r\nContent-Length: {}\r\n\r\n",
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
