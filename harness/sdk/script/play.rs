//! Playing: one connection of a scripted server, from its first request to its end. It parses only enough HTTP to find
//! the end of a request; each step is sent as exactly the bytes that it gives.

use std::io::Write as _;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use tokio::io::{self, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_rustls::server::TlsStream;

use super::{FIELDS_LIMIT, REQUEST_LIMIT, SharedScript};
use crate::sdk::cases::{FaultAt, FaultHow, Framing, ScriptedFault, Step};
use crate::sdk::record::ReachedServer;

/// A connection of a client, over HTTP or TLS.
pub(super) trait Connection: AsyncRead + AsyncWrite + Unpin {
    /// The socket below it.
    fn socket(&self) -> &TcpStream;
}

impl Connection for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Connection for TlsStream<TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// Serves the requests of a connection until it ends.
pub(super) async fn serve(stream: impl Connection, server: ReachedServer, number: usize, shared: &SharedScript) {
    serve_behind(Vec::new(), stream, server, number, shared).await;
}

/// The same where the first bytes were read already.
pub(super) async fn serve_behind(
    mut rest: Vec<u8>,
    mut stream: impl Connection,
    server: ReachedServer,
    number: usize,
    shared: &SharedScript,
) {
    // Small pieces are the point of a drip; without this the system would gather them.
    if let Err(error) = stream.socket().set_nodelay(true) {
        tracing::debug!(%error, "pieces may be gathered");
    }
    loop {
        let (bytes, at) = match read(&mut stream, &mut rest).await {
            Ok(Some(read)) => read,
            Ok(None) => return,
            Err(error) => return tracing::debug!(%error, "a connection ended"),
        };
        let Some((place, step)) = shared.arrive(server, number, at, bytes) else { return };
        let answer = match answer(step, Timestamp::now()) {
            Ok(answer) => answer,
            Err(error) => return tracing::error!(%error, "the step cannot be played"),
        };
        let told_ms = answer.told_ms.map(|milliseconds| Duration::from_millis(milliseconds).as_secs_f64() * 1000.0);
        let sent = play(&mut stream, step, answer).await;
        shared.note_answer(place, told_ms);
        match (sent, step.fault) {
            (Err(error), _) => return tracing::debug!(%error, "the client was gone before the answer was"),
            (Ok(()), Some(fault)) => return end(stream, Some(fault)).await,
            (Ok(()), None) if step.framing == Framing::Close && step.raw.is_none() => {
                return end(stream, Some(ScriptedFault { at: FaultAt::After, how: FaultHow::Close, body_bytes: None }))
                    .await;
            }
            (Ok(()), None) => {}
        }
    }
}

/// Reads one request to its end: its bytes, and when the first of them arrived. `None` if the connection ended first.
/// Bytes beyond the end of the request stay in `rest`.
pub(super) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    rest: &mut Vec<u8>,
) -> io::Result<Option<(Vec<u8>, Instant)>> {
    let mut first = (!rest.is_empty()).then(Instant::now);
    let mut chunk = vec![0; 16 * 1024];
    loop {
        let length = length(rest).map_err(|wrong| io::Error::new(io::ErrorKind::InvalidData, wrong))?;
        if let Some(length) = length.filter(|length| rest.len() >= *length) {
            let behind = rest.split_off(length);
            let bytes = std::mem::replace(rest, behind);
            return Ok(Some((bytes, first.unwrap_or_else(Instant::now))));
        }
        if rest.len() > REQUEST_LIMIT {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the request is too large"));
        }
        let count = stream.read(&mut chunk).await?;
        if count == 0 {
            return Ok(None);
        }
        first.get_or_insert_with(Instant::now);
        rest.extend_from_slice(&chunk[..count]);
    }
}

/// The length of the request that begins with these bytes; `None` if it is not known yet.
fn length(bytes: &[u8]) -> Result<Option<usize>, &'static str> {
    const BROKEN: &str = "it is no request";
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_LIMIT];
    let mut request = httparse::Request::new(&mut fields);
    let head = match request.parse(bytes) {
        Ok(httparse::Status::Complete(head)) => head,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(BROKEN),
    };
    let value = |name: &str| {
        let field = request.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(field.value).ok()
    };
    if value("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        return Ok(chunked(&bytes[head..]).map(|body| head + body));
    }
    match value("content-length").map(|text| text.trim().parse::<usize>()) {
        None => Ok(Some(head)),
        Some(Ok(body)) if body <= REQUEST_LIMIT => Ok(Some(head + body)),
        Some(_) => Err(BROKEN),
    }
}

/// The length of a body in chunks; `None` if its end is missing.
fn chunked(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let Ok(httparse::Status::Complete((start, size))) = httparse::parse_chunk_size(bytes.get(at..)?) else {
            return None;
        };
        let size = usize::try_from(size).ok()?;
        at = at.checked_add(start)?.checked_add(size)?.checked_add(2)?;
        if at > bytes.len() {
            return None;
        }
        if size == 0 {
            return Some(at);
        }
    }
}

/// Sends an answer, up to the fault of the step if it has one.
async fn play(stream: &mut (impl AsyncWrite + Unpin), step: &Step, answer: PreparedAnswer) -> io::Result<()> {
    sleep(Duration::from_millis(step.delay_ms)).await;
    let PreparedAnswer { head, pieces, .. } = answer;
    match step.fault.map(|fault| fault.at) {
        Some(FaultAt::Connect | FaultAt::Before) => return Ok(()),
        Some(FaultAt::InHead) => {
            stream.write_all(&head[..head.len() / 2]).await?;
            return stream.flush().await;
        }
        Some(FaultAt::InBody | FaultAt::After) | None => {}
    }
    let Some(drip) = step.drip else {
        // In one go, so that a client never sees a head without its body by chance.
        let mut whole = head;
        whole.extend(pieces.concat());
        stream.write_all(&whole).await?;
        return stream.flush().await;
    };
    stream.write_all(&head).await?;
    for piece in pieces {
        stream.write_all(&piece).await?;
        stream.flush().await?;
        sleep(Duration::from_millis(drip.every_ms)).await;
    }
    Ok(())
}

/// Ends a connection as a fault says.
pub(super) async fn end(mut stream: impl Connection, fault: Option<ScriptedFault>) {
    match fault.map(|fault| fault.how) {
        Some(FaultHow::Reset) => {
            // The reset discards data that is not on its way yet.
            if let Err(error) = stream.socket().set_zero_linger() {
                tracing::debug!(%error, "the connection is closed instead of reset");
            }
        }
        Some(FaultHow::Hang) => drain(&mut stream).await,
        Some(FaultHow::Close) | None => {
            if stream.shutdown().await.is_ok() {
                drain(&mut stream).await;
            }
        }
    }
}

/// Reads until the client has closed its side, so that closing ours does not reset the connection.
async fn drain(stream: &mut (impl AsyncRead + Unpin)) {
    let mut nothing = vec![0; 4096];
    while stream.read(&mut nothing).await.is_ok_and(|count| count > 0) {}
}

/// An answer, ready to be sent: the head, and the body in pieces.
struct PreparedAnswer {
    head: Vec<u8>,
    pieces: Vec<Vec<u8>>,
    /// How long it asks to wait, in milliseconds.
    told_ms: Option<u64>,
}

/// The answer of a step. An error is one that loading refuses: a body that cannot be made, or an unknown placeholder.
fn answer(step: &Step, now: Timestamp) -> Result<PreparedAnswer, String> {
    if let Some(raw) = &step.raw {
        let bytes = raw.bytes()?;
        // Faults and drips distinguish head and body. The first empty line separates them, as in any answer.
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
        let (head, body) = bytes.split_at(end);
        return Ok(PreparedAnswer { head: head.to_vec(), pieces: pieces(step, body), told_ms: None });
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
    Ok(PreparedAnswer { head: head.into_bytes(), pieces: pieces(step, &body), told_ms: requested_wait_ms(&fields) })
}

/// How long an answer asks to wait, in milliseconds: `Retry-After` in seconds (RFC 9110, section 10.2.3), or
/// `x-amz-retry-after` in milliseconds (AWS SDKs and Tools Reference Guide, retry behavior).
fn requested_wait_ms(fields: &[(String, String)]) -> Option<u64> {
    let value = |name: &str| {
        let (_, value) = fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name))?;
        value.trim().parse::<u64>().ok()
    };
    value("x-amz-retry-after").or_else(|| value("retry-after")?.checked_mul(1000))
}

/// The pieces of a body: one, or several if it drips; as chunks if the step asks for them; cut if the step has a fault
/// in the body.
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

/// The usual reason phrase of a status code (RFC 9110, section 15; RFC 6585 for 429).
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
