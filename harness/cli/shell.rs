//! `countersign completions` and `countersign man`: what a shell and a reader of manuals want, made
//! from the command line itself.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::output::{print, print_bytes};
use super::{Cli, Failure, manual};
use crate::text::file_name;

/// The arguments of `completions`.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// The arguments of `man`.
#[derive(Debug, Args)]
pub(super) struct Man {
    /// Write a page for each command into this folder, which is made where it is not there
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn completions(args: &Completions) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "countersign", &mut script);
    print_bytes(&script)
}

pub(super) fn man(args: Man) -> Result<ExitCode, Failure> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    collect(&command, &mut pages).map_err(|error| Failure::harness(format!("cannot make a manual page: {error}")))?;
    let Some(dir) = args.dir else { return print_bytes(&pages[0].1) };
    let folder = file_name(&dir);
    let wrong = |error: io::Error| Failure::usage(format!("cannot write the manual pages to {folder}: {error}"));
    if dir.exists() && !dir.is_dir() {
        return Err(Failure::usage(format!(
            "expected a folder to write the manual pages to, found {folder}, which is none; name another one"
        )));
    }
    std::fs::create_dir_all(&dir).map_err(wrong)?;
    for (name, page) in &pages {
        std::fs::write(dir.join(name), page).map_err(wrong)?;
    }
    print(&format!("wrote {} manual pages to {folder}", pages.len()))
}

/// The pages of a command and of those below it, each with the name of its file.
fn collect(command: &clap::Command, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    pages.push(manual::page(command)?);
    command.get_subcommands().try_for_each(|part| collect(part, pages))
}
