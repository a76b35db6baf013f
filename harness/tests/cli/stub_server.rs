use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, OnceLock};
use std::thread;

use tokio::net::TcpSocket;

/// The media type of the protocol of AWS.
pub(crate) const AWS: &str = "application/x-amz-json-1.1";

/// Credentials, as the operation gives them.
pub(crate) const RIGHT: &str = r#"{"dbPassword":"p","dbUser":"u","expiration":4e9,"nextRefreshTime":4e9}"#;

/// The operations of the contract that change nothing.
const OPERATIONS: [&str; 8] = [
    "GetCredentials",
    "GetCustomDomainAssociation",
    "GetNamespace",
    "GetWorkgroup",
    "ListCustomDomainAssociations",
    "ListNamespaces",
    "ListTagsForResource",
    "ListWorkgroups",
];

/// A server on loopback that treats every connection the same way, whatever is asked.
pub(crate) struct Stub {
    pub(crate) endpoint: String,
    connections: Arc<AtomicUsize>,
}

impl Stub {
    /// A server that does this with each connection, once it has read a request's head and body.
    pub(crate) fn new(serve: impl Fn(&mut TcpStream, &str) + Send + Sync + 'static) -> Self {
        Self::with(move |stream| {
            let request = read_request(stream);
            serve(stream, &request);
        })
    }

    /// A server that does this with each connection at once.
    pub(crate) fn with(serve: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("it is bound"));
        let connections = Arc::new(AtomicUsize::new(0));
        let (counter, serve) = (Arc::clone(&connections), Arc::new(serve));
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                counter.fetch_add(1, Ordering::Relaxed);
                let serve = Arc::clone(&serve);
                thread::spawn(move || {
                    serve(&mut stream);
                    let _ = stream.shutdown(Shutdown::Both);
                });
            }
        });
        Self { endpoint, connections }
    }

    /// A server that says this to everyone who connects, without waiting for a request.
    pub(crate) fn greeting(bytes: &'static str) -> Self {
        Self::with(move |stream| {
            let _ = stream.write_all(bytes.as_bytes());
        })
    }

    /// A server that answers each request with these bytes, and closes.
    pub(crate) fn answering(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::saying(move |_| bytes.clone())
    }

    /// A server that answers each request for an operation of the contract with these bytes, any other operation with
    /// the error for an unknown one, and closes.
    pub(crate) fn of_operations(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        let unknown = refusal("400 Bad Request", "UnknownOperationException", "There is no such operation.");
        let is_known =
            |request: &str| OPERATIONS.iter().any(|name| request.contains(&format!("Serverless.{name}\r\n")));
        Self::saying(move |request| if is_known(request) { bytes.clone() } else { unknown.clone().into_bytes() })
    }

    /// A server that answers each request with what this makes of it, and closes.
    pub(crate) fn saying<B: AsRef<[u8]>>(answer: impl Fn(&str) -> B + Send + Sync + 'static) -> Self {
        Self::new(move |stream, request| {
            let _ = stream.write_all(answer(request).as_ref());
        })
    }

    /// A server that takes requests and never answers.
    pub(crate) fn hanging() -> Self {
        Self::stuck_after(0).0
    }

    /// A server that answers this number of requests rightly and none after them, and tells of the first of those.
    pub(crate) fn stuck_after(answered: usize) -> (Self, Receiver<()>) {
        let (stuck, wait) = mpsc::sync_channel(1);
        let count = AtomicUsize::new(0);
        let stub = Self::saying(move |_| {
            if count.fetch_add(1, Ordering::Relaxed) >= answered {
                let _ = stuck.try_send(());
                loop {
                    thread::park();
                }
            }
            aws("200 OK", RIGHT)
        });
        (stub, wait)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

/// Where every connection is refused. The port is taken by a socket that never listens, so that no
/// other server of these tests can come to listen there.
pub(crate) fn closed_port() -> String {
    static TAKEN: OnceLock<TcpSocket> = OnceLock::new();
    let socket = TAKEN.get_or_init(|| {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
        socket
    });
    format!("http://{}", socket.local_addr().expect("it is bound"))
}

/// An answer with a length, as bytes.
pub(crate) fn answer(status: &str, media: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {media}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// An answer of the protocol of AWS.
pub(crate) fn aws(status: &str, body: &str) -> String {
    answer(status, AWS, body)
}

/// A refusal of the protocol of AWS, by the error of this name.
pub(crate) fn refusal(status: &str, error: &str, message: &str) -> String {
    aws(status, &format!(r#"{{"__type":"{error}","message":"{message}"}}"#))
}

/// The next request of a connection; empty at its end.
pub(crate) fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 65_536];
    let mut end = None;
    while end.is_none_or(|end| bytes.len() < end) {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
        end = end.or_else(|| end_of_request(&bytes));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Where a request ends; `None` until its whole head is there.
fn end_of_request(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let fields = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let mut lengths =
        fields.lines().filter_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    Some(head + lengths.next().unwrap_or(0))
}
