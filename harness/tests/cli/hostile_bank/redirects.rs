//! Servers that send the program elsewhere.

use super::{Server, server};
use crate::stub_server::Stub;

/// The servers, and the one that some of them lead to.
pub(super) fn servers() -> (Vec<Server>, Stub) {
    let wrong_endpoint = (2, "indeterminate");
    let refused = (6, "indeterminate");
    // A field with control characters is no HTTP.
    let lost = (3, "indeterminate");
    let elsewhere = Stub::answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
    let there = &elsewhere.endpoint;
    let to = |status: &str, fields: &str| {
        Stub::answering(format!("HTTP/1.1 {status}\r\n{fields}content-length: 0\r\nconnection: close\r\n\r\n"))
    };
    let location = |status: &str, place: &str| to(status, &format!("location: {place}\r\n"));
    let own = |status: &'static str| {
        Stub::saying(move |request| {
            let host = request.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default().to_owned();
            format!("HTTP/1.1 {status}\r\nlocation: http://{host}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        })
    };
    let servers = vec![
        server("redirect-to-itself", wrong_endpoint, own("302 Found")),
        server("redirect-to-itself-for-now", wrong_endpoint, own("307 Temporary")),
        server("redirect-elsewhere", wrong_endpoint, location("308 Moved", &format!("{there}/stolen"))),
        server(
            "redirect-elsewhere-by-all-means",
            wrong_endpoint,
            to(
                "301 Moved",
                &format!(
                    "location: {there}/\r\nrefresh: 0;url={there}/\r\nalt-svc: h2=\"{}\"\r\n",
                    there.trim_start_matches("http://")
                ),
            ),
        ),
        server("redirect-to-a-file", wrong_endpoint, location("302 Found", "file:///etc/passwd")),
        server("redirect-to-a-path-above", wrong_endpoint, location("302 Found", "../../../../r.json")),
        server("redirect-to-a-script", wrong_endpoint, location("302 Found", "javascript:alert(document.domain)")),
        server(
            "redirect-to-aws",
            refused,
            location("301 Moved", "https://redshift-serverless.us-east-1.amazonaws.com/"),
        ),
        server(
            "redirect-with-secrets",
            wrong_endpoint,
            location("302 Found", "http://u:CANARYpw@127.0.0.1/?X-Amz-Security-Token=CANARYtoken//91cc+zx=="),
        ),
        server("redirect-with-codes", lost, location("302 Found", "http://a/\u{1b}[31m\u{202e}::error::PWNED<pwned>")),
        server("redirect-to-nowhere", wrong_endpoint, to("302 Found", "")),
        server(
            "redirect-to-a-megabyte",
            wrong_endpoint,
            location("302 Found", &format!("http://a/{}", "a".repeat(60_000))),
        ),
        server("choices", wrong_endpoint, to("300 Multiple", "")),
    ];
    (servers, elsewhere)
}
