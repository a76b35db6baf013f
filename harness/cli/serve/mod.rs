//! `countersign serve`: servers that stand in for AWS until interrupted.

mod emulator;
mod identities;
mod mock;

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use serde::Serialize;

pub(super) use emulator::Ready;

use super::interrupt;
use super::library::Library;
use super::output::harmless;
use super::{Failure, FixtureArgs};
use crate::report::visible_json;
use crate::run::runtime::{multi_threaded, single_threaded};

#[derive(Debug, Subcommand)]
pub(super) enum ServeCommand {
    /// Serve the reference emulator on a loopback address, until Ctrl-C
    ///
    /// It answers get-credentials as the API reference says, checks signatures and every documented constraint, and
    /// prints the endpoint and the throw-away credentials that an AWS client needs to call it. Clients can also create,
    /// show, list, change and delete namespaces, workgroups, custom domains and tags.
    #[command(after_help = super::examples::SERVE_EMULATOR)]
    Emulator(Box<emulator::EmulatorArgs>),
    /// Serve the replaying mock on a loopback address, until Ctrl-C
    ///
    /// It answers with replies written by hand, right ones and wrong ones: the path of the URL says which. It checks
    /// nothing, neither signatures nor parameters.
    #[command(after_help = super::examples::SERVE_MOCK)]
    Mock(mock::MockArgs),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ReadyFormat {
    Text,
    Json,
}

impl ReadyFormat {
    /// The one of these two that this format prints.
    fn ready(self, json: &impl Serialize, text: &str) -> io::Result<String> {
        match self {
            Self::Text => Ok(harmless(text.trim_end(), false)),
            Self::Json => Ok(visible_json(&serde_json::to_string(json)?)),
        }
    }
}

/// Serves until interrupted, which is exit code 0; 2 where the server cannot start, 5 where the fixtures are invalid.
pub(super) fn run(serve: ServeCommand) -> Result<ExitCode, Failure> {
    // What waits for the disk must not hold up the other answers.
    let saves = matches!(&serve, ServeCommand::Emulator(args) if args.saves());
    let runtime = if saves { multi_threaded() } else { single_threaded() };
    let runtime = runtime.map_err(|error| Failure::usage(format!("cannot start: {error}")))?;
    runtime.block_on(async {
        match serve {
            ServeCommand::Emulator(args) => emulator::serve(*args).await,
            ServeCommand::Mock(args) => mock::serve(args).await,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Starts a server, prints what its callers need, and returns the server when interrupted.
async fn until_interrupted<S>(
    listen: SocketAddr,
    start: impl Future<Output = io::Result<S>>,
    ready: impl FnOnce(&S) -> io::Result<String>,
) -> Result<S, Failure> {
    // Before the ready line, so that whoever reads it may stop the server at once.
    let mut interrupted = interrupt::watch(None);
    let server = start.await.map_err(|error| cannot_start(listen, &error))?;
    let printed = ready(&server).and_then(|ready| {
        let mut out = io::stdout().lock();
        writeln!(out, "{ready}")?;
        out.flush()
    });
    printed.map_err(|error| Failure::usage(format!("cannot print where the server listens: {error}")))?;
    // The sender is never dropped.
    let _ = interrupted.wait_for(|interrupted| *interrupted).await;
    Ok(server)
}

fn cannot_start(listen: SocketAddr, error: &io::Error) -> Failure {
    Failure::usage(match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "{listen} is in use: stop what listens there, or take any free port with --listen {}",
            SocketAddr::new(listen.ip(), 0)
        ),
        io::ErrorKind::PermissionDenied => {
            format!("cannot listen on {listen}: {error}; ports below 1024 may need privileges, take another one")
        }
        // These say themselves what is wrong: with the options, or with the fixtures.
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => error.to_string(),
        _ => format!("cannot listen on {listen}: {error}; take another address with --listen ADDR:PORT"),
    })
}

/// An address to listen on; `localhost` is 127.0.0.1, and so is no address at all.
fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix("localhost:").or_else(|| text.strip_prefix(':')).unwrap_or(text).parse().ok();
    port.map_or_else(|| text.parse(), |port| Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port))))
        .map_err(|_| "expected an address and a port, such as 127.0.0.1:4567".to_owned())
}

fn shell(word: &str) -> String {
    let needs_no_quotes = |c: char| c.is_ascii_alphanumeric() || "+/=._:-".contains(c);
    if word.chars().all(needs_no_quotes) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("127.0.0.1:0", Some("127.0.0.1:0"))]
    #[case("localhost:4567", Some("127.0.0.1:4567"))]
    #[case("[::1]:4567", Some("[::1]:4567"))]
    #[case("4567", Some("127.0.0.1:4567"))]
    #[case(":4567", Some("127.0.0.1:4567"))]
    #[case("127.0.0.1", None)]
    #[case("localhost:http", None)]
    fn addresses_are_read(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(address(text).ok(), expected.map(|address| address.parse().unwrap()));
    }

    #[rstest]
    #[case("AKIA2/+=", "AKIA2/+=")]
    #[case("a b", "'a b'")]
    #[case("it's", r"'it'\''s'")]
    fn words_are_quoted_for_the_shell(#[case] word: &str, #[case] quoted: &str) {
        assert_eq!(shell(word), quoted);
    }
}
