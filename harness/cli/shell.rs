//! `countersign completions` and `countersign man`: shell completions and manual pages, made from the definitions of
//! the commands.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man as Page;
use clap_mangen::roff::{Roff, bold, roman};
use jiff::Zoned;

use super::output::{print, print_bytes};
use super::{Cli, Failure};
use crate::contract::Service;
use crate::files;
use crate::text::file_name;

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Write a page for each command into this folder, which is made where it is not there
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn completions(args: &CompletionsArgs) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "countersign", &mut script);
    print_bytes(&script)
}

pub(super) fn man(args: ManArgs) -> Result<ExitCode, Failure> {
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
        files::write(&dir.join(name), page).map_err(wrong)?;
    }
    print(&format!("wrote {} manual pages to {folder}", pages.len()))
}

/// Adds the pages of a command and of its subcommands, each with the name of its file.
fn collect(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    pages.push(page(command)?);
    command.get_subcommands().try_for_each(|part| collect(part, pages))
}

/// The variables that every command reads.
const EVERYWHERE: [(&str, &str); 3] = [
    ("COUNTERSIGN_LOG", "How much is logged to standard error: error, warn, info, debug or trace. Nothing without it."),
    ("NO_COLOR, TERM=dumb", "No colour."),
    ("CI", "No progress bar."),
];

/// The variables of commands that talk to a target.
const TARGETS: [(&str, &str); 5] = [
    ("COUNTERSIGN_TARGET, COUNTERSIGN_ENDPOINT", "Count as --target and --endpoint where neither is given."),
    ("AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN", "The credentials for an endpoint."),
    ("AWS_PROFILE, AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE", "Where credentials come from otherwise."),
    ("AWS_REGION", "The region, where no flag and no profile names one."),
    ("{service}, AWS_ENDPOINT_URL", "The endpoint, where no target is named at all; never for real AWS."),
];

/// The variables of commands that write reports.
const REPORTS: [(&str, &str); 1] =
    [("GITHUB_STEP_SUMMARY", "A file to which the report is added as Markdown, as GitHub Actions names it.")];

/// The page of a command, and the name of its file.
///
/// # Errors
/// Never: it is written to memory.
fn page(command: &Command) -> io::Result<(String, Vec<u8>)> {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let man = Page::new(command.clone())
        .date(Zoned::now().date().to_string())
        .source(concat!("countersign ", env!("CARGO_PKG_VERSION")))
        .manual("Countersign");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    if command.get_arguments().any(|argument| !argument.is_hide_set()) {
        man.render_options_section(&mut text)?;
    }
    if command.get_subcommands().any(|part| !part.is_hide_set()) {
        man.render_subcommands_section(&mut text)?;
    }
    let mut own = Roff::default();
    section(&mut own, "EXIT STATUS", &exit_codes(command, &help));
    section(&mut own, "ENVIRONMENT", &environment(command));
    section(&mut own, "EXAMPLES", &entries(&help, "Example"));
    own.to_writer(&mut text)?;
    if command.get_version().is_some() {
        man.render_version_section(&mut text)?;
    }
    Ok((man.get_filename(), text))
}

type Entries = Vec<(String, String)>;

fn section(page: &mut Roff, title: &str, entries: &Entries) {
    page.control("SH", [title]);
    for (name, meaning) in entries {
        page.control("TP", []);
        page.text([bold(name.as_str())]);
        page.text([roman(meaning.as_str())]);
    }
}

/// The entries of a help text below the line that begins with `heading`. An entry has its meaning on the same line, as
/// in `  0  nothing broke`, or on the lines below it, as an example of a command line has.
fn entries(help: &str, heading: &str) -> Entries {
    let below = help.lines().skip_while(|line| !line.starts_with(heading)).skip(1);
    let mut entries = Entries::new();
    for line in below.take_while(|line| line.starts_with(' ')) {
        if let (Some(meaning), Some((_, last))) = (line.strip_prefix("      "), entries.last_mut()) {
            let gap = if last.is_empty() { "" } else { " " };
            *last = format!("{last}{gap}{}", meaning.trim());
        } else {
            let (name, meaning) = line.trim().split_once("  ").unwrap_or((line.trim(), ""));
            entries.push((name.to_owned(), meaning.trim().to_owned()));
        }
    }
    entries
}

/// The exit codes of a command: those in its help, or else those that hold for all commands.
fn exit_codes(command: &Command, help: &str) -> Entries {
    let own = entries(help, "Exit codes");
    if !own.is_empty() {
        return own;
    }
    // The program without a command has the exit codes of `run`.
    let run = command.find_subcommand("run").and_then(Command::get_after_help).map(ToString::to_string);
    match run.filter(|_| command.get_version().is_some()) {
        Some(run) => entries(&run, "Exit codes"),
        None => vec![
            ("0".to_owned(), "It is done, and nothing is wrong.".to_owned()),
            (
                "1 to 7, 130".to_owned(),
                "Something is; each means the same everywhere, see countersign-run(1).".to_owned(),
            ),
        ],
    }
}

/// The variables of a command: those of its own flags, then the others that it reads.
fn environment(command: &Command) -> Entries {
    let flags = command.get_arguments().filter(|argument| !argument.is_hide_set());
    let mut entries: Entries = flags
        .filter_map(|argument| {
            let name = argument.get_env()?.to_string_lossy().into_owned();
            let flag = argument.get_long().map_or_else(|| argument.get_id().to_string(), |long| format!("--{long}"));
            Some((name, format!("Counts as {flag} where that is not given.")))
        })
        .collect();
    if command.get_version().is_some() {
        let all = "Every flag of countersign-run(1), and of others, has such a variable; its manual page names it.";
        entries.push(("COUNTERSIGN_FLAG".to_owned(), all.to_owned()));
    }
    let has = |id: &str| command.get_arguments().any(|argument| argument.get_id() == id);
    let beside = [(has("endpoint"), &TARGETS[..]), (has("report-md"), &REPORTS[..]), (true, &EVERYWHERE[..])];
    for (name, meaning) in beside.into_iter().filter(|(reads, _)| *reads).flat_map(|(_, entries)| entries) {
        let name = name.replace("{service}", &Service::embedded().endpoint_variable());
        entries.push((name, (*meaning).to_owned()));
    }
    entries
}
