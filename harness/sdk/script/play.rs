//! Playing: one connection of a scripted server, from its first request to its end.

use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{self, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::answer::{self, Answer};
use super::{Shared, request};
use crate::sdk::cases::{Fault, FaultAt, FaultHow, Framing, Step};
use crate::sdk::record::Server;

/// Serves the requests of a connection until it ends.
pub(super) async fn serve(mut stream: TcpStream, server: Server, number: usize, shared: &Shared) {
    // Small pieces are the point of a drip; without this the system would gather them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "pieces may be gathered");
    }
    let mut rest = Vec::new();
    loop {
        let (bytes, at) = match request::read(&mut stream, &mut rest).await {
            Ok(Some(read)) => read,
            Ok(None) => return,
            Err(error) => return tracing::debug!(%error, "a connection ended"),
        };
        let Some((place, step)) = shared.arrive(server, number, at, bytes) else { return };
        let answer = match answer::of(step, Timestamp::now()) {
            Ok(answer) => answer,
            Err(error) => return tracing::error!(%error, "the step cannot be played"),
        };
        let told_ms = answer.told_ms.map(|told| Duration::from_millis(told).as_secs_f64() * 1000.0);
        let sent = play(&mut stream, step, answer).await;
        shared.answered(place, told_ms);
        match (sent, step.fault) {
            (Err(error), _) => return tracing::debug!(%error, "the client was gone before the answer was"),
            (Ok(()), Some(fault)) => return end(stream, Some(fault)).await,
            (Ok(()), None) if step.framing == Framing::Close && step.raw.is_none() => {
                return end(stream, Some(Fault { at: FaultAt::After, how: FaultHow::Close, body_bytes: None })).await;
            }
            (Ok(()), None) => {}
        }
    }
}

/// Sends an answer, as far as the step goes.
async fn play(stream: &mut TcpStream, step: &Step, answer: Answer) -> io::Result<()> {
    sleep(Duration::from_millis(step.delay_ms)).await;
    let Answer { head, pieces, .. } = answer;
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
pub(super) async fn end(mut stream: TcpStream, fault: Option<Fault>) {
    match fault.map(|fault| fault.how) {
        Some(FaultHow::Reset) => {
            // What was sent has to be on its way before the reset, which would throw it away.
            if let Err(error) = stream.set_zero_linger() {
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

/// Reads until the client has closed its side, so that closing ours is no reset.
async fn drain(stream: &mut TcpStream) {
    let mut nothing = vec![0; 4096];
    while stream.read(&mut nothing).await.is_ok_and(|count| count > 0) {}
}
