//! Servers that tell secrets, theirs and ours, in places where nobody looks for them.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use super::behaviour::{REFUSAL, START, bytes, chunk, chunked, refusing};
use super::{KEYS, Server, server};
use crate::stub_server::{AWS, Stub, aws};

const PASSWORD: &str = "CANARY-9xK2pQ!";

fn refusal(message: &str) -> Value {
    json!({ "__type": "ValidationException", "message": message })
}

/// What a field of a request says.
fn field<'a>(request: &'a str, name: &str) -> &'a str {
    request.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default()
}

/// A server that refuses each call with a message made of the request, on which it has the operations.
fn telling(message: impl Fn(&str) -> String + Send + Sync + 'static) -> Stub {
    Stub::saying(move |request| {
        let is_known = request.contains("RedshiftServerless.GetCredentials\r\n");
        let told = refusal(&message(request)).to_string();
        aws("400 Bad", if is_known { &told } else { r#"{"__type":"UnknownOperationException"}"# })
    })
}

pub(super) fn servers() -> Vec<Server> {
    let failed = (1, "fail");
    let lost = (3, "indeterminate");
    let [(_, id), (_, key), (_, token)] = KEYS;
    let saying = |text: String| refusing(refusal(&text).to_string());
    let in_fields = |fields: String| Stub::of_operations(bytes("400 Bad", AWS, &fields, REFUSAL.as_bytes()));
    let given = |body: Value| refusing(body.to_string());
    vec![
        server("our-keys-in-a-message", failed, saying(format!("{id} and {key} and {token}"))),
        server("our-keys-in-quotation-marks", failed, saying(format!("\"{key}\" '{token}' <{id}> ({key})"))),
        server("our-keys-in-pieces", failed, saying(format!("{} {}", &key[..14], &key[14..]))),
        server("our-keys-in-base64", failed, saying(BASE64_STANDARD.encode(format!("a:{key}")))),
        server("our-keys-in-a-json-text", failed, saying(json!([["x-amz-security-token", token]]).to_string())),
        server("our-keys-as-members", failed, given(json!({ "__type": "ValidationException", key: { token: id } }))),
        server("our-keys-as-the-type", failed, given(json!({ "__type": key, "message": token }))),
        server(
            "our-keys-in-fields",
            failed,
            in_fields(format!("x-note: {key}\r\nset-cookie: s={token}\r\nwww-authenticate: Basic realm=\"{key}\"\r\n")),
        ),
        server(
            "our-keys-in-the-reason",
            failed,
            Stub::of_operations(bytes(&format!("400 {key}"), AWS, "", REFUSAL.as_bytes())),
        ),
        server(
            "our-keys-in-the-media-type",
            failed,
            Stub::of_operations(bytes("400 Bad", &format!("application/json; a={key}"), "", REFUSAL.as_bytes())),
        ),
        server("our-keys-instead-of-http", lost, Stub::answering(format!("{key} {token}\r\n\r\n"))),
        server("our-keys-as-the-status", lost, Stub::answering(format!("HTTP/1.1 {key}\r\n\r\n"))),
        server("our-keys-as-a-chunk", lost, Stub::answering(chunked(&format!("{key}\r\n{token}\r\n")))),
        server(
            "our-keys-behind-a-chunk",
            failed,
            Stub::of_operations(chunked(&format!(
                "{}0\r\nx-note: {key}\r\n\r\n",
                chunk(REFUSAL).replacen("\r\n", &format!(";{token}\r\n"), 1)
            ))),
        ),
        server(
            "our-keys-in-a-cut-body",
            lost,
            Stub::answering(format!("{START}content-length: 5000\r\n\r\n{{\"message\":\"{key}")),
        ),
        server("the-request-as-it-came", failed, telling(|request| format!("you sent {request}"))),
        server(
            "the-token-as-it-came",
            failed,
            telling(|request| format!("bad {}", field(request, "x-amz-security-token"))),
        ),
        server(
            "the-token-in-a-url",
            failed,
            telling(|request| {
                format!(
                    "bad https://x/?t={}",
                    field(request, "x-amz-security-token").replace('/', "%2F").replace('+', "%2B").replace('=', "%3D")
                )
            }),
        ),
        server(
            "a-password-in-a-date",
            failed,
            in_fields(format!("date: Sun, 22 Nov 2026 05:02:41 GMT ({PASSWORD})\r\nx-db-password: {PASSWORD}\r\n")),
        ),
        server(
            "a-password-in-a-cookie",
            failed,
            in_fields(format!(
                "set-cookie: password={PASSWORD}; Path=/\r\nauthorization: Basic {}\r\n",
                BASE64_STANDARD.encode(format!("u:{PASSWORD}"))
            )),
        ),
        server("a-password-in-a-url", failed, saying(format!("redshift://alice:{PASSWORD}@host/dev"))),
        server(
            "a-password-in-utf-16",
            failed,
            refusing(
                json!({ "dbPassword": PASSWORD, "message": PASSWORD })
                    .to_string()
                    .encode_utf16()
                    .flat_map(u16::to_le_bytes)
                    .collect::<Vec<_>>(),
            ),
        ),
        server(
            "a-password-in-an-own-form",
            failed,
            given(json!({ "error": { "password": PASSWORD }, "hint": format!("with {PASSWORD}") })),
        ),
    ]
}
