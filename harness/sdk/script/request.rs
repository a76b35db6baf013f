//! Reading a request: only as much of HTTP as it takes to know where one ends.

use std::io;
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::{FIELDS_LIMIT, REQUEST_LIMIT};

/// Reads one request to its end: its bytes, and when the first of them arrived. Nothing where the
/// connection ended between two requests. What was read beyond the end stays in `rest`.
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

/// How long the request is that some bytes begin; nothing where that is not known yet.
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

/// The length of a body in chunks, where its end is there.
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
