//! What to type instead of an argument that this program does not have, where another one is meant.

use std::ffi::OsString;

use clap::Command;
use clap::error::{ContextKind, ErrorKind};

use crate::report::{FORMATS, ReportFormat};
use crate::text::{did_you_mean, foreign};

/// Flags of other programs, and what serves their purpose here.
const FLAGS: &[(&[&str], &str)] = &[
    (
        &["--header", "--headers", "-H"],
        "requests hold what an AWS SDK sends and nothing else; let a proxy before the server add what it wants to have",
    ),
    (
        &["--host", "--hostname", "--server", "--port", "-p", "--address", "--base-url", "--uri"],
        "the server is named by its URL: --endpoint http://localhost:4566",
    ),
    (&["--profile"], "the AWS profile is named by the environment: AWS_PROFILE=NAME, before the command"),
    (
        &["--user", "-u", "--access-key", "--access-key-id", "--secret-key", "--session-token", "--aws-sigv4"],
        "credentials come from the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN",
    ),
    (
        &["--case", "--cases", "--filter", "--grep", "--only", "--pattern", "--suite", "--test", "--tests", "-k"],
        "cases are selected by a pattern alone: countersign run 'parameters/*'",
    ),
    (&["--debug", "--log-level", "--log", "--trace"], "the log is asked for by the environment: COUNTERSIGN_LOG=debug"),
    (&["--fail", "--no-fail-fast", "--keep-going"], "a run goes on after a failure, unless --fail-fast stops it"),
];

/// Endings and names of formats that have another name here.
const FORMAT_NAMES: [(&str, &str); 6] = [
    ("xml", "junit"),
    ("markdown", "md"),
    ("svg", "badge"),
    ("htm", "html"),
    ("ndjson", "jsonl"),
    ("shields", "badge"),
];

/// What to type instead of what a command line has wrong; `None` where nothing is known.
pub(super) fn tip(error: &clap::Error, words: &[OsString], command: &Command) -> Option<String> {
    let value = |kind| error.get(kind).map(ToString::to_string);
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let found = value(ContextKind::InvalidArg)?;
            let flag = found.split('=').next().unwrap_or_default();
            let asks_for = |flag: &str| FLAGS.iter().find(|(flags, _)| flags.contains(&flag));
            let tip = asks_for(flag).map(|(_, tip)| (*tip).to_owned());
            tip.or_else(|| Some(of_report(flag.trim_start_matches('-'), words, command)?.1))
        }
        ErrorKind::InvalidValue => {
            let argument = value(ContextKind::InvalidArg)?;
            let is_format = argument == "--format" || argument.starts_with("--format ");
            let (format, tip) = of_report(&value(ContextKind::InvalidValue)?, words, command).filter(|_| is_format)?;
            Some(format!("{} is a report that is written into a file: {tip}", name_of(format)))
        }
        ErrorKind::InvalidSubcommand => {
            let word = value(ContextKind::InvalidSubcommand)?;
            if is_url(&word) {
                let url = if word.contains('@') { "URL".to_owned() } else { foreign(&word) };
                return Some(format!("to test the server at a URL: countersign run --endpoint {url}"));
            }
            let commands = called(command, words).get_subcommands().map(Command::get_name);
            let near = did_you_mean(&word, commands);
            let is_suggested = error.get(ContextKind::SuggestedSubcommand).is_some();
            (!near.is_empty() && !is_suggested).then(|| near.trim_matches([' ', '(', ')']).to_owned())
        }
        _ => None,
    }
}

/// Whether a word is a URL of HTTP, which no name in this program is.
pub(super) fn is_url(word: &str) -> bool {
    let starts = |scheme: &str| word.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    starts("http://") || starts("https://")
}

/// The format of reports with this name, and the flag to type for it, if the command that is called writes reports.
fn of_report(name: &str, words: &[OsString], command: &Command) -> Option<(&'static ReportFormat, String)> {
    let name = name.to_ascii_lowercase();
    let name = FORMAT_NAMES.iter().find(|(other, _)| *other == name).map_or(&*name, |(_, own)| own);
    let format = FORMATS.iter().find(|format| name_of(format) == name)?;
    let has_flag = called(command, words).get_arguments().any(|argument| argument.get_long() == Some(format.flag));
    let ending = format.endings.last().copied().unwrap_or(if name == "junit" { "xml" } else { name });
    has_flag.then(|| (format, format!("--{} report.{ending}", format.flag)))
}

fn name_of(format: &ReportFormat) -> &'static str {
    format.flag.trim_start_matches("report-")
}

/// The command that the words call.
fn called<'c>(command: &'c Command, words: &[OsString]) -> &'c Command {
    let words = words.iter().skip(1).filter_map(|word| word.to_str());
    words.fold(command, |command, word| command.find_subcommand(word).unwrap_or(command))
}
