//! `countersign diff`: two runs side by side.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::accepted::AcceptedArgs;
use super::library::Library;
use super::output::{print, print_bytes, print_prose};
use super::revision::AskedRevision;
use super::{Failure, FixtureArgs};
use crate::contract::Side;
use crate::report::{Comparison, CutShort, Event, Exit, read};
use crate::sdk::diff::{ChangeClass, DiffDetail, SdkDiff};
use crate::text::{LINE_SHOWN, cut, file_name, foreign};

#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    /// The run stream of the old run, which `run --report-jsonl` or `sdk run -o` writes
    #[arg(value_name = "OLD")]
    old: PathBuf,

    /// The run stream of the new run
    #[arg(value_name = "NEW")]
    new: PathBuf,

    /// Text for people, a table in Markdown, one JSON object; for SDKs also one HTML file
    #[arg(long, value_enum, default_value = "text")]
    format: DiffFormat,

    /// For SDKs: exit code 1 where something of this class or a worse one changed [default: caller]
    ///
    /// The classes, the worst first: caller (what your code is given), attempts (how often a request is sent), wire (what
    /// it says), bytes (how the same JSON is written), warnings, agent (User-Agent), timing; or none.
    #[arg(long, env = "COUNTERSIGN_FAIL_ON", value_name = "CLASS")]
    fail_on: Option<FailOn>,

    /// For SDKs: name every case and every change in it
    #[arg(long, short)]
    verbose: bool,

    #[command(flatten)]
    accepted: AcceptedArgs,

    #[command(flatten)]
    fixtures: FixtureArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DiffFormat {
    Text,
    Md,
    Html,
    Json,
}

impl DiffFormat {
    /// A comparison in this format; only text depends on how much it is to tell.
    pub(super) fn of(self, diff: &SdkDiff, detail: DiffDetail) -> String {
        match self {
            Self::Text => diff.text_with(detail),
            Self::Md => diff.markdown(),
            Self::Html => diff.html(),
            Self::Json => diff.json(),
        }
    }

    pub(super) fn print(self, comparison: &str) -> Result<ExitCode, Failure> {
        match self {
            Self::Text => {
                print_prose(&comparison.lines().map(|line| cut(line, LINE_SHOWN)).collect::<Vec<_>>().join("\n"))
            }
            Self::Md => print(comparison),
            Self::Html | Self::Json => print_bytes(format!("{comparison}\n").as_bytes()),
        }
    }
}

/// The mildest class of change that is a failure; `None` where no change is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FailOn(Option<ChangeClass>);

impl std::str::FromStr for FailOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(None));
        }
        let class = ChangeClass::ALL.into_iter().find(|class| class.word() == text);
        class.map(|class| Self(Some(class))).ok_or_else(|| {
            let words: Vec<_> = ChangeClass::ALL.into_iter().map(ChangeClass::word).collect();
            format!("expected {} or none, found \"{}\"", words.join(", "), foreign(text))
        })
    }
}

impl FailOn {
    /// Whether a check with this passes, and why.
    pub(super) fn conclusion(self, diff: &SdkDiff, accept: &str) -> String {
        diff.conclusion(self.0, accept)
    }

    pub(super) fn exit(self, diff: &SdkDiff) -> Exit {
        if self.0.is_some_and(|class| diff.has(class)) || diff.has_stale() { Exit::Failed } else { Exit::Fine }
    }
}

pub(super) fn run(args: DiffArgs) -> Result<ExitCode, Failure> {
    let (old, new) = (stream(&args.old)?, stream(&args.new)?);
    if is_of_sdk(&old) && is_of_sdk(&new) {
        let mut diff = SdkDiff::new(&old, &new).map_err(|error| Failure::usage(error.to_string()))?;
        args.accepted.apply(&mut diff)?;
        args.format.print(&args.format.of(&diff, detail(args.verbose)))?;
        return Ok(args.fail_on.unwrap_or(FailOn(Some(ChangeClass::Caller))).exit(&diff).into());
    }
    if is_of_sdk(&old) != is_of_sdk(&new) {
        let kind_of_run = |file: &Path, events: &[Event]| {
            let kind = if is_of_sdk(events) { "of an SDK" } else { "against a server" };
            format!("{} is a run {kind}", file_name(file))
        };
        return Err(Failure::usage(format!(
            "expected two runs of the same side, found that {}, and {}; compare runs of SDKs with each other, and runs \
             against servers with each other",
            kind_of_run(&args.old, &old),
            kind_of_run(&args.new, &new),
        )));
    }
    if args.accepted.is_used() {
        return Err(Failure::usage(
            "--accepted is for runs of SDKs; `countersign run --baseline FILE` takes known failures of a server",
        ));
    }
    let comparison = Comparison::new(&old, &new).map_err(|error| Failure::usage(error.to_string()))?;
    let asked = comparison.to.revision.map(|year| AskedRevision { year, place: file_name(&args.new) });
    let library = Library::load_in(args.fixtures.fixtures, asked.as_ref())?;
    let register = &library.contract.register;
    let comparison = comparison.of_files([&args.old, &args.new].map(|file| file_name(file)));
    args.format.print(&match args.format {
        DiffFormat::Text => comparison.text(register),
        DiffFormat::Json => comparison.json(),
        DiffFormat::Md => comparison.markdown(register),
        DiffFormat::Html => {
            return Err(Failure::usage(
                "--format html compares runs of SDKs; `countersign report --from OLD --from NEW --report-html F` puts runs \
                 against servers side by side",
            ));
        }
    })?;
    Ok(if comparison.broken.is_empty() { ExitCode::SUCCESS } else { Exit::Failed.into() })
}

/// How much a comparison is to tell.
pub(super) const fn detail(verbose: bool) -> DiffDetail {
    if verbose { DiffDetail::Full } else { DiffDetail::Short }
}

fn is_of_sdk(events: &[Event]) -> bool {
    events.first().and_then(Event::run).is_some_and(|run| run.side == Side::Client && run.driver.is_some())
}

/// Reads a complete run stream.
pub(super) fn stream(path: &Path) -> Result<Vec<Event>, Failure> {
    let name = file_name(path);
    read(BufReader::new(super::report::open(path)?), CutShort::Refuse)
        .map_err(|error| Failure::usage(format!("{name}: {error}")))
}
