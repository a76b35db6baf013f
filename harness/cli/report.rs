//! `countersign report`: any report from the run streams of earlier runs.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::history::{PastRuns, past_runs};
use super::library::Library;
use super::reports::{ReportArgs, Reports};
use super::rerun::RerunCommands;
use super::revision::AskedRevision;
use super::{Failure, FixtureArgs};
use crate::contract::{Revision, Side};
use crate::files;
use crate::report::{CutShort, Event, Layout, RunEvent, StreamError, conclude, merge_shards, read};
use crate::text::{file_name, foreign};

#[derive(Debug, Args)]
pub(super) struct ReportFromArgs {
    /// A run stream, as --report-jsonl writes it (- is standard input); repeat it to put several runs
    /// side by side, or for all shards of one run, which become that run. Targets of the same name are
    /// told apart by the names of their files
    #[arg(long, value_name = "RUN.jsonl", required_unless_present = "history")]
    from: Vec<PathBuf>,

    /// Put the runs of one target in the order of time, instead of side by side: every run stream and
    /// JSON report in these folders, these files, and the runs of --from
    ///
    /// The report says what was fixed and broken from run to run, and since when each violation stands. Runs of
    /// different targets, operations, services or revisions of the documents are refused. A run that was cut short is
    /// taken as far as it came.
    #[arg(long, value_name = "DIR", num_args = 0..)]
    history: Option<Vec<PathBuf>>,

    /// Take the stream of a run that was killed as far as it came; it is reported as cut short
    #[arg(long)]
    accept_incomplete: bool,

    #[command(flatten)]
    reports: ReportArgs,

    #[command(flatten)]
    fixtures: FixtureArgs,
}

/// Makes the reports. The exit code is 0 where they could be made, whatever they say: `run` has judged.
pub(super) fn run(args: ReportFromArgs) -> Result<ExitCode, Failure> {
    if let Some(folders) = &args.history {
        return over_time(&args, &[folders.as_slice(), &args.from].concat());
    }
    let standard_input = |file: &&PathBuf| file.as_os_str() == "-";
    if args.from.iter().filter(standard_input).count() > 1 {
        return Err(Failure::usage("standard input can be read only once; give the other runs as files"));
    }
    args.reports.check_files(&args.from)?;
    let cut_short = if args.accept_incomplete { CutShort::Accept } else { CutShort::Refuse };
    let mut read = Vec::with_capacity(args.from.len());
    for file in &args.from {
        read.push(stream(file, cut_short)?);
    }
    one_side(&read, &args.from)?;
    let asked = one_revision(&read, &args.from)?;
    let library = Library::load_in(args.fixtures.fixtures, asked.as_ref())?;
    let register = &library.contract.register;
    let mut streams: Vec<_> = read.into_iter().map(|events| conclude(events, register)).collect();
    tell_apart(&mut streams, &args.from);
    // One shard alone is a run of its own; several are parts of one.
    let runs = match streams.len() {
        1 => streams,
        _ => merge_shards(streams, register)
            .map_err(|error| Failure::usage(format!("{error}{}", numbered(&args.from))))?,
    };
    if let Some(flag) = args.reports.for_one_run().filter(|_| runs.len() > 1) {
        return Err(Failure::usage(format!(
            "{flag} has room for one run, found {}; give one --from, or put them side by side with --report-html or --report-md",
            runs.len()
        )));
    }
    let layout = if runs.len() > 1 { Layout::SideBySide } else { Layout::Alone };
    write(&args.reports, &library, &runs, &layout)
}

/// Makes the reports of the runs of one target in the order of time.
fn over_time(args: &ReportFromArgs, places: &[PathBuf]) -> Result<ExitCode, Failure> {
    if places.is_empty() {
        return Err(Failure::usage(
            "--history needs the runs: name a folder with run streams behind it, or their files, or each with --from",
        ));
    }
    if let Some(flag) = args.reports.for_one_run() {
        return Err(Failure::usage(format!(
            "{flag} has room for one run, and --history makes one report of many; write it with --report-html or --report-md"
        )));
    }
    let PastRuns { runs, files, read, library } = past_runs(places, args.fixtures.fixtures.clone())?;
    args.reports.check_files(&read)?;
    write(&args.reports, &library, &runs, &Layout::OverTime(files))
}

/// Writes the reports of runs that are laid out like this.
fn write(args: &ReportArgs, library: &Library, runs: &[Vec<Event>], layout: &Layout) -> Result<ExitCode, Failure> {
    let mut reports = Reports::open_for(args, &library.contract, &RerunCommands::default(), layout)?;
    for event in runs.iter().flatten() {
        reports.hear(event);
    }
    reports.finish()?;
    args.name_files();
    Ok(ExitCode::SUCCESS)
}

pub(super) fn numbered(files: &[PathBuf]) -> String {
    let lines =
        files.iter().enumerate().map(|(index, file)| format!("\n  run stream {}: {}", index + 1, file_name(file)));
    lines.collect()
}

pub(super) fn open(file: &Path) -> Result<impl Read, Failure> {
    let name = file_name(file);
    if file.is_dir() {
        return Err(Failure::usage(format!("expected a run stream, found a folder at {name}; name a file in it")));
    }
    files::open(file).map_err(|error| {
        Failure::usage(format!(
            "cannot read the run stream {name}: {error}; `countersign run --report-jsonl` and `countersign sdk run -o` write one"
        ))
    })
}

pub(super) fn stream(file: &Path, cut_short: CutShort) -> Result<Vec<Event>, Failure> {
    let (name, events) = if file.as_os_str() == "-" {
        ("standard input".to_owned(), read(io::stdin().lock(), cut_short))
    } else {
        let name = file_name(file);
        (name, read(BufReader::new(open(file)?), cut_short))
    };
    events.map_err(|error| stream_error(&name, &error))
}

/// A stream that cannot be read, and what to do.
pub(super) fn stream_error(name: &str, error: &StreamError) -> Failure {
    let advice = if matches!(error, StreamError::NoSummary(_)) {
        "; --accept-incomplete takes it as far as it came"
    } else if matches!(error, StreamError::NotAnEvent(1, _)) {
        "; --from takes what --report-jsonl writes, one object a line, and not the one object of --report-json"
    } else {
        ""
    };
    Failure::usage(format!("{name}: {error}{advice}"))
}

/// Refuses runs against servers beside runs of SDKs: no requirement binds both.
fn one_side(streams: &[Vec<Event>], files: &[PathBuf]) -> Result<(), Failure> {
    let of_side = |side: Side| {
        let runs = streams.iter().zip(files).filter_map(|(stream, file)| Some((stream.first()?.run()?, file)));
        let runs = runs.filter(|(run, _)| run.side == side);
        let description = |(run, file): (&RunEvent, &PathBuf)| match &run.driver {
            Some(driver) => {
                format!("{} (of {} {})", file_name(file), foreign(&driver.sdk), foreign(&driver.sdk_version))
            }
            None => format!("{} (of {})", file_name(file), foreign(&run.target.name)),
        };
        runs.map(description).collect::<Vec<_>>()
    };
    let (servers, sdks) = (of_side(Side::Server), of_side(Side::Client));
    if servers.is_empty() || sdks.is_empty() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "expected runs of one side, since no requirement binds both, found runs against servers: {}; and runs of SDKs: {}. \
         Give `countersign report` those against servers, and compare those of SDKs with `countersign diff OLD NEW`",
        servers.join(", "),
        sdks.join(", "),
    )))
}

/// The revision of the documents by which all runs were judged; `None` for the newest. Runs of several revisions are
/// refused: one could not be read beside the other.
fn one_revision(streams: &[Vec<Event>], files: &[PathBuf]) -> Result<Option<AskedRevision>, Failure> {
    let runs = streams.iter().zip(files).filter_map(|(stream, file)| Some((stream.first()?.run()?.revision, file)));
    let runs: Vec<_> = runs.collect();
    let Some((revision, file)) = runs.first() else { return Ok(None) };
    if let Some((other, other_file)) = runs.iter().find(|(other, _)| other != revision) {
        let word = |of: &Option<Revision>| of.map_or_else(|| "the newest".to_owned(), |year| year.to_string());
        return Err(Failure::usage(format!(
            "expected runs that were judged by one revision of the documents, found {} in {} and {} in {}; report them one by \
             one",
            word(revision),
            file_name(file),
            word(other),
            file_name(other_file),
        )));
    }
    Ok(revision.map(|year| AskedRevision { year, place: file_name(file) }))
}

/// Gives targets of the same name the names of their files, with their folders where those are the same too. Shards
/// keep their names, by which they are grouped.
fn tell_apart(streams: &mut [Vec<Event>], files: &[PathBuf]) {
    fn whole_run(stream: &mut [Event]) -> Option<&mut RunEvent> {
        let Event::Run(run) = stream.first_mut()? else { return None };
        Some(run).filter(|run| run.shard.is_none())
    }
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for run in streams.iter_mut().filter_map(|stream| whole_run(stream)) {
        *names.entry(run.target.name.clone()).or_default() += 1;
    }
    let stems: Vec<_> = files.iter().map(|file| file.file_stem().filter(|stem| *stem != "-")).collect();
    for ((stream, file), stem) in streams.iter_mut().zip(files).zip(&stems) {
        if let Some(run) = whole_run(stream)
            && names.get(&run.target.name).is_some_and(|count| *count > 1)
            && let Some(name) = stem
        {
            let alone = stems.iter().filter(|other| *other == stem).count() == 1;
            let name = if alone { Path::new(name) } else { file };
            run.target.name = name.to_string_lossy().into_owned();
        }
    }
}
