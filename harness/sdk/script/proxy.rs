//! A forward proxy: it plays the script for requests that name the whole URL, as a server behind it would, and opens
//! tunnels to the endpoint of the case, and to nothing else.

use std::net::SocketAddr;

use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;

use super::{SharedScript, play};
use crate::sdk::record::ReachedServer;

/// Serves a connection until it ends.
pub(super) async fn serve(mut stream: TcpStream, to: SocketAddr, number: usize, shared: &SharedScript) {
    let mut rest = Vec::new();
    let first = match play::read(&mut stream, &mut rest).await {
        Ok(Some((bytes, _))) => bytes,
        Ok(None) => return,
        Err(error) => return tracing::debug!(%error, "a connection to the proxy ended"),
    };
    if !first.starts_with(b"CONNECT ") {
        let read = [first, rest].concat();
        return play::serve_behind(read, stream, ReachedServer::Proxy, number, shared).await;
    }
    let line = String::from_utf8_lossy(first.split(|byte| *byte == b'\r').next().unwrap_or_default()).into_owned();
    let is_endpoint = line.split(' ').nth(1).is_some_and(|authority| authority == to.to_string());
    if !shared.note_tunnel(line) {
        return;
    }
    if let Err(error) = tunnel(stream, is_endpoint.then_some(to), &rest).await {
        tracing::debug!(%error, "a tunnel ended");
    }
}

/// Copies both ways between a client and a server until one of them ends; refuses where there is no server.
async fn tunnel(mut client: TcpStream, to: Option<SocketAddr>, rest: &[u8]) -> std::io::Result<()> {
    let Some(to) = to else {
        client.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").await?;
        return client.shutdown().await;
    };
    let mut server = TcpStream::connect(to).await?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    server.write_all(rest).await?;
    copy_bidirectional(&mut client, &mut server).await.map(|_| ())
}
