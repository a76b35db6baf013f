//! A step as the bytes that are sent.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;

use crate::sdk::cases::{FaultAt, Framing, Step};

/// An answer, ready to be sent: the head, and the body in the pieces in which it goes out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) head: Vec<u8>,
    pub(super) pieces: Vec<Vec<u8>>,
    /// How long it asks to wait, in milliseconds.
    pub(super) told_ms: Option<u64>,
}

/// The answer of a step that has one.
///
/// # Errors
/// What loading refuses: a body that cannot be made, an unknown placeholder.
pub(super) fn of(step: &Step, now: Timestamp) -> Result<Answer, String> {
    if let Some(raw) = &step.raw {
        let bytes = raw.bytes()?;
        // Faults and drips speak of head and body: the first empty line parts them, as in any answer.
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
        let (head, body) = bytes.split_at(end);
        return Ok(Answer { head: head.to_vec(), pieces: pieces(step, body), told_ms: None });
    }
    let mut body = step.body_bytes()?;
    let mut fields = step.header_fields(now.as_second())?;
    if step.gzip {
        body = gzip(&body).map_err(|error| error.to_string())?;
        fields.push(("Content-Encoding".to_owned(), "gzip".to_owned()));
    }
    match step.framing {
        Framing::Length => {
            let length = step.content_length.unwrap_or(body.len() as u64);
            fields.push(("Content-Length".to_owned(), length.to_string()));
        }
        Framing::Chunked => fields.push(("Transfer-Encoding".to_owned(), "chunked".to_owned())),
        Framing::Close => fields.push(("Connection".to_owned(), "close".to_owned())),
        Framing::None => {}
    }
    let reason = step.reason.as_deref().unwrap_or_else(|| reason(step.status));
    let mut head = format!("HTTP/1.1 {} {reason}\r\n", step.status);
    for (name, value) in &fields {
        head.extend([name.as_str(), ": ", value, "\r\n"]);
    }
    head.push_str("\r\n");
    Ok(Answer { head: head.into_bytes(), pieces: pieces(step, &body), told_ms: told(&fields) })
}

/// How long an answer asks to wait, in milliseconds: `Retry-After` in seconds (RFC 9110, section 10.2.3), or
/// `x-amz-retry-after` in milliseconds (AWS SDKs and Tools Reference Guide, retry behavior).
fn told(fields: &[(String, String)]) -> Option<u64> {
    let value = |name: &str| {
        let (_, value) = fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name))?;
        value.trim().parse::<u64>().ok()
    };
    value("x-amz-retry-after").or_else(|| value("retry-after")?.checked_mul(1000))
}

/// The pieces of a body: one, or several where it drips; in chunks where they are asked for; cut where the
/// step breaks off in it.
fn pieces(step: &Step, body: &[u8]) -> Vec<Vec<u8>> {
    let chunked = step.raw.is_none() && step.framing == Framing::Chunked;
    let cut = step.fault.filter(|fault| fault.at == FaultAt::InBody);
    let cut = cut.map(|fault| fault.body_bytes.unwrap_or(body.len() / 2).min(body.len()));
    let size = step.drip.map_or(body.len(), |drip| drip.bytes).max(1);
    let mut pieces = Vec::new();
    let mut sent = 0;
    for chunk in body.chunks(size) {
        let here = cut.map_or(chunk.len(), |cut| chunk.len().min(cut - sent));
        if here == 0 {
            break;
        }
        let mut piece = Vec::with_capacity(here + 16);
        if chunked {
            piece.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        }
        piece.extend_from_slice(&chunk[..here]);
        if chunked && here == chunk.len() {
            piece.extend_from_slice(b"\r\n");
        }
        pieces.push(piece);
        sent += here;
    }
    if chunked && cut.is_none() {
        pieces.push(b"0\r\n\r\n".to_vec());
    }
    pieces
}

fn gzip(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body)?;
    encoder.finish()
}

/// The usual words behind a status code (RFC 9110, section 15; RFC 6585 for 429).
const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        408 => "Request Timeout",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}
