//! The command line: argument parsing, one file a command, exit codes.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod serve;

/// The command line of the `countersign` binary.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the reference emulator until interrupted.
    Serve(serve::Serve),
}

/// Runs the program: reads the arguments, does the command, gives the exit code.
pub fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(serve) => serve::run(serve),
    }
}
