//! What the servers of the bank are made of.

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::stub_server::{AWS, Stub, aws, read_request, refusal};

/// A refusal in order, as JSON.
pub(super) const REFUSAL: &str = r#"{"__type":"ValidationException","message":"framed"}"#;

/// The start of an answer in order, without what says where it ends.
pub(super) const START: &str = "HTTP/1.1 400 Bad\r\ncontent-type: application/x-amz-json-1.1\r\n";

/// Longer than any connection of a run lasts.
const FOREVER: Duration = Duration::from_mins(1);

/// A server that answers a request with these bytes, and then keeps the connection without a word.
pub(super) fn stalling(bytes: impl Into<Vec<u8>>) -> Stub {
    let bytes = bytes.into();
    Stub::new(move |stream, _| {
        let _ = stream.write_all(&bytes);
        wait(stream);
    })
}

/// A server that answers a request with a start, and then with the same bytes without end.
pub(super) fn flooding(start: &'static str, repeated: &str) -> Stub {
    let repeated = repeated.repeat((16 << 10) / repeated.len() + 1);
    Stub::new(move |stream, _| {
        let _ = stream.write_all(start.as_bytes());
        while stream.write_all(repeated.as_bytes()).is_ok() {}
    })
}

/// The same, one piece every few milliseconds.
pub(super) fn dripping(start: &'static str, repeated: &'static str) -> Stub {
    Stub::new(move |stream, _| {
        let _ = stream.write_all(start.as_bytes());
        while stream.write_all(repeated.as_bytes()).is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    })
}

/// A server that answers every request of a connection with what this makes of it and of its number on the connection,
/// as long as the client comes.
pub(super) fn keeping(answer: impl Fn(&str, usize) -> Vec<u8> + Send + Sync + 'static) -> Stub {
    Stub::with(move |stream| {
        for number in 0.. {
            let request = read_request(stream);
            if request.is_empty() || stream.write_all(&answer(&request, number)).is_err() {
                break;
            }
        }
    })
}

/// A server that has the operations, and refuses each call with this body.
pub(super) fn refusing(body: impl Into<Vec<u8>>) -> Stub {
    Stub::of_operations(bytes("400 Bad Request", AWS, "", &body.into()))
}

/// A server that has the operations, and calls this the result of each call.
pub(super) fn granting(body: impl Into<Vec<u8>>) -> Stub {
    Stub::of_operations(bytes("200 OK", AWS, "", &body.into()))
}

/// An answer with a body of any bytes, and with other fields before the usual ones.
pub(super) fn bytes(status: &str, media: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{fields}content-type: {media}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// An answer in chunks that are given with their lengths.
pub(super) fn chunked(chunks: &str) -> String {
    format!("{START}transfer-encoding: chunked\r\n\r\n{chunks}")
}

/// A chunk with its length.
pub(super) fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

/// What a server in order answers: credentials for a plain call, a refusal for any other, on a connection that stays.
pub(super) fn right(request: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later").as_secs();
    let answer = if !request.contains("RedshiftServerless.GetCredentials\r\n") {
        refusal("400 Bad Request", "UnknownOperationException", "no such operation")
    } else if request.ends_with(r#"{"workgroupName":"wg-1"}"#) {
        let ends = now + 900;
        let members = format!(r#""dbUser":"IAM:alice","expiration":{ends},"nextRefreshTime":{ends}"#);
        aws("200 OK", &format!(r#"{{"dbPassword":"CANARY-p4ss-{now}",{members}}}"#))
    } else {
        refusal("400 Bad Request", "ValidationException", "no")
    };
    answer.replace("connection: close\r\n", "")
}

/// Keeps a connection until the client or the test ends.
pub(super) fn wait(stream: &mut TcpStream) {
    let _ = stream.set_read_timeout(Some(FOREVER));
    read_request(stream);
}
