use std::process::ExitCode;

/// `serve`
#[derive(Debug, clap::Args)]
pub(super) struct Serve {}

pub(super) fn run(_serve: Serve) -> ExitCode {
    ExitCode::SUCCESS
}
