//! Bodies in encodings that were not asked for. What is called compressed is stored, which every reader takes.

use super::change::set_body;
use crate::corpus::Encoding;
use crate::corpus::defect::BodyEncoding;
use crate::wire::Response;

/// Puts the body of an answer into an encoding.
pub(super) fn encode(answer: &mut Response, encoding: BodyEncoding) {
    let body = std::mem::take(&mut answer.body);
    let text = |encoding: Encoding| encoding.bytes(&String::from_utf8_lossy(&body));
    let (encoded, coding) = match encoding {
        BodyEncoding::ByteOrderMark => ([b"\xef\xbb\xbf", body.as_slice()].concat(), None),
        BodyEncoding::Utf16 => (text(Encoding::Utf16).unwrap_or(body), None),
        BodyEncoding::Latin1 => (text(Encoding::Latin1).unwrap_or(body), None),
        BodyEncoding::Gzip => (gzip(&body), Some("gzip")),
        BodyEncoding::Deflate => (zlib(&body), Some("deflate")),
    };
    set_body(&mut answer.headers, &mut answer.body, encoded);
    if let Some(coding) = coding {
        answer.headers.set("content-encoding", coding);
    }
}

/// The format of RFC 1952.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let mut out = HEADER.to_vec();
    store(bytes, &mut out);
    out.extend(crc32(bytes).to_le_bytes());
    out.extend(low_bits(bytes.len()).to_le_bytes());
    out
}

/// The format of RFC 1950.
fn zlib(bytes: &[u8]) -> Vec<u8> {
    const MODULUS: u32 = 65_521;
    let mut out = vec![0x78, 0x01];
    store(bytes, &mut out);
    let (mut one, mut two) = (1_u32, 0);
    for byte in bytes {
        one = (one + u32::from(*byte)) % MODULUS;
        two = (two + one) % MODULUS;
    }
    out.extend((two << 16 | one).to_be_bytes());
    out
}

/// Stored blocks of RFC 1951.
fn store(bytes: &[u8], out: &mut Vec<u8>) {
    let mut blocks = bytes.chunks(usize::from(u16::MAX)).peekable();
    if blocks.peek().is_none() {
        out.extend([1, 0, 0, 0xff, 0xff]);
    }
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 })
    })
}

fn low_bits(length: usize) -> u32 {
    u32::try_from(length & 0xffff_ffff).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Headers;

    // The check value of CRC-32, and an Adler-32 of Wikipedia's article on it.
    #[test]
    fn sums_are_those_of_the_formats() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(zlib(b"Wikipedia")[16..], 0x11e6_0398_u32.to_be_bytes());
    }

    #[test]
    fn a_compressed_body_is_whole_behind_its_head() {
        let mut answer =
            Response { status: 200, headers: Headers::from_iter([("content-length", "2")]), body: "{}".into() };
        encode(&mut answer, BodyEncoding::Gzip);
        assert_eq!(answer.body[10..17], [1, 2, 0, 0xfd, 0xff, b'{', b'}']);
        assert_eq!(answer.headers.get("content-encoding"), Some("gzip"));
        assert_eq!(answer.headers.get("content-length"), Some("25"));
    }
}
