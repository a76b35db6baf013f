//! The last look at a request before it is sent: whether it is the one that was meant.

use super::Request;

/// What in a request would make it another one on the wire, such as a line break in a header field, through which a
/// value would become a field of its own.
pub(super) fn flaw(request: &Request) -> Option<&'static str> {
    let is_plain = |byte: u8| byte == b'\t' || (byte >= b' ' && byte != 0x7f);
    if !is_token(&request.method) {
        Some("its method is no word")
    } else if request.target.is_empty() || !request.target.bytes().all(|byte| byte > b' ' && byte != 0x7f) {
        Some("its path is empty, or holds a blank or a control character")
    } else if !request.headers.iter().all(|(name, _)| is_token(name)) {
        Some("the name of a header field is no word")
    } else if !request.headers.iter().all(|(_, value)| value.bytes().all(is_plain)) {
        Some("the value of a header field holds a line break or another control character")
    } else {
        None
    }
}

/// Whether a text is what HTTP calls a token: at least one of the characters that separate nothing.
/// Source: RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::wire::Headers;

    #[rstest]
    #[case::right("POST", "/", "x-a", "a b\tc", None)]
    #[case::letters_beyond_ascii("POST", "/\u{e9}", "x-a", "\u{e9}", None)]
    #[case::line_in_a_method("POST / HTTP/1.1\r\nx:", "/", "x-a", "a", Some("method"))]
    #[case::line_in_a_path("POST", "/ HTTP/1.1\r\nx: y", "x-a", "a", Some("path"))]
    #[case::no_path("POST", "", "x-a", "a", Some("path"))]
    #[case::line_in_a_name("POST", "/", "x\r\ny", "a", Some("name"))]
    #[case::colon_in_a_name("POST", "/", "x: y", "a", Some("name"))]
    #[case::line_in_a_value("POST", "/", "x-a", "a\r\nx-b: c", Some("line break"))]
    #[case::line_feed_in_a_value("POST", "/", "x-a", "a\nx-b: c", Some("line break"))]
    #[case::nul_in_a_value("POST", "/", "x-a", "a\0", Some("control"))]
    fn a_request_that_would_be_another_one_on_the_wire_has_a_flaw(
        #[case] method: &str,
        #[case] target: &str,
        #[case] name: &str,
        #[case] value: &str,
        #[case] said: Option<&str>,
    ) {
        let headers = Headers::from_iter([(name, value)]);
        let request = Request { method: method.to_owned(), target: target.to_owned(), headers, body: Vec::new() };
        match said {
            None => assert_eq!(flaw(&request), None),
            Some(said) => assert!(flaw(&request).is_some_and(|flaw| flaw.contains(said)), "{:?}", flaw(&request)),
        }
    }
}
