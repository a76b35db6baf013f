//! The runs of a history: found in folders, read, checked to be of one target, and put in the order of time.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;

use super::Failure;
use super::library::Library;
use super::output::say;
use super::report::{numbered, stream, stream_error};
use super::revision::AskedRevision;
use crate::files;
use crate::report::{CutShort, Event, Misfit, RunEvent, RunReport, conclude, merge_shards, misfit, read};
use crate::text::{file_name, foreign};

/// The most runs of a history: two years of one a day.
const RUNS_LIMIT: usize = 750;

/// The most entries of a folder that are looked at.
const ENTRIES_LIMIT: usize = 20_000;

/// How many files an error names for each value.
const FILES_NAMED: usize = 3;

/// A run and the file that it was read from.
struct FoundRun {
    file: PathBuf,
    events: Vec<Event>,
}

impl FoundRun {
    fn run(&self) -> Option<&RunEvent> {
        self.events.first()?.run()
    }

    fn is_shard(&self) -> bool {
        self.run().is_some_and(|run| run.shard.is_some())
    }

    fn is_complete(&self) -> bool {
        matches!(self.events.last(), Some(Event::Summary(summary)) if summary.complete)
    }
}

/// Runs of one target in the order of time, each with the name of its file.
pub(super) struct PastRuns {
    pub(super) runs: Vec<Vec<Event>>,
    pub(super) files: Vec<String>,
    /// Every file that holds one of the runs.
    pub(super) read: Vec<PathBuf>,
    pub(super) library: Library,
}

/// Every run of these files and folders. Of a folder, each run stream (`.jsonl`) and each run as one object (`.json`) is
/// taken; folders in it are not.
pub(super) fn past_runs(places: &[PathBuf], fixtures: Option<PathBuf>) -> Result<PastRuns, Failure> {
    let mut found = Vec::new();
    for place in places {
        let files = if place.is_dir() { run_files(place)? } else { vec![place.clone()] };
        for file in files {
            found.extend(run_of(&file, place.is_dir())?.map(|events| FoundRun { file, events }));
            if found.len() > RUNS_LIMIT {
                return Err(Failure::usage(format!(
                    "expected at most {RUNS_LIMIT} runs, found more in {}; move the oldest into a folder of their own",
                    named(places)
                )));
            }
        }
    }
    let found = without_copies(found);
    if found.is_empty() {
        return Err(Failure::usage(format!(
            "expected the runs of a target, found none in {}; `countersign run --report-jsonl {}` puts one there",
            named(places),
            places.first().map_or_else(|| "runs/1.jsonl".to_owned(), |place| file_name(&place.join("1.jsonl"))),
        )));
    }
    let events: Vec<&RunEvent> = found.iter().filter_map(FoundRun::run).collect();
    if let Some(misfit) = misfit(&events) {
        return Err(refused(&misfit, &found));
    }
    let read = found.iter().map(|run| run.file.clone()).collect();
    let asked = events[0].revision.map(|year| AskedRevision { year, place: file_name(&found[0].file) });
    let library = Library::load_in(fixtures, asked.as_ref())?;
    let register = &library.contract.register;
    let (shards, whole): (Vec<FoundRun>, Vec<FoundRun>) = found.into_iter().partition(FoundRun::is_shard);
    let names = Names::of(whole.iter().chain(&shards));
    let mut runs: Vec<(String, Vec<Event>)> =
        whole.into_iter().map(|FoundRun { file, events }| (names.short(&file), conclude(events, register))).collect();
    let (files, streams): (Vec<PathBuf>, Vec<Vec<Event>>) =
        shards.into_iter().map(|FoundRun { file, events }| (file, conclude(events, register))).unzip();
    let seeds: Vec<Option<u64>> = streams.iter().map(|stream| Some(stream.first()?.run()?.seed)).collect();
    for run in
        merge_shards(streams, register).map_err(|error| Failure::usage(format!("{error}{}", numbered(&files))))?
    {
        let seed = run.first().and_then(Event::run).map(|run| run.seed);
        let mut parts = files.iter().zip(&seeds).filter(|(_, of)| **of == seed).map(|(file, _)| names.short(file));
        let first = parts.next().unwrap_or_default();
        runs.push((format!("{first} and {} more", parts.count()), run));
    }
    let mut timed = Vec::with_capacity(runs.len());
    for (file, run) in runs {
        timed.push((began(&file, &run)?, file, run));
    }
    timed.sort_by(|(one, file, _), (other, of, _)| (one, file).cmp(&(other, of)));
    let (files, runs) = timed.into_iter().map(|(_, file, run)| (file, run)).unzip();
    Ok(PastRuns { runs, files, read, library })
}

/// The files of a folder that may hold runs, by name.
fn run_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error| {
        let name = file_name(folder);
        Failure::usage(format!("cannot read the folder {name}: {error}; --history takes a folder with run streams"))
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)?.take(ENTRIES_LIMIT) {
        let file = entry.map_err(unreadable)?.path();
        let ending = file.extension().map(OsStr::to_ascii_lowercase);
        let holds_run = ending.is_some_and(|ending| ending == "jsonl" || ending == "json");
        let hidden = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if holds_run && !hidden && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// The run in a file, without what no history shows; as far as it came, where it was killed. `None` where a JSON file
/// of a folder is no run, which is told.
fn run_of(file: &Path, is_of_folder: bool) -> Result<Option<Vec<Event>>, Failure> {
    let name = file_name(file);
    let is_object = file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
    let mut events = if is_object {
        let wrong = |problem: String| {
            Failure::usage(format!("{name}: {problem}; --history takes what --report-jsonl and --report-json write"))
        };
        let bytes = files::read_bytes(file).map_err(|error| wrong(format!("it cannot be read: {error}")))?;
        let value: Value = serde_json::from_slice(&bytes)
            .map_err(|error| wrong(format!("expected a run as one JSON object: {}", foreign(&error.to_string()))))?;
        if is_of_folder && !(value.get("run").is_some() && value.get("requirements").is_some()) {
            say(&format!("left out {name}: it is no run; --history takes what --report-jsonl and --report-json write"));
            return Ok(None);
        }
        let report: RunReport = serde_json::from_value(value)
            .map_err(|error| wrong(format!("expected a run as one JSON object: {}", foreign(&error.to_string()))))?;
        let lines = report.stream().map_err(|error| wrong(error.to_string()))?;
        read(&lines[..], CutShort::Accept).map_err(|error| stream_error(&name, &error))?
    } else {
        stream(file, CutShort::Accept)?
    };
    for event in &mut events {
        if let Event::Case(case) = event {
            (case.exchange, case.record, case.timing, case.repro, case.body) = (None, None, None, None, None);
            case.expected = Vec::new();
        }
    }
    Ok(Some(events))
}

/// The runs without those that two files hold, such as the stream and the JSON report of a run; the one that goes
/// further stays.
fn without_copies(found: Vec<FoundRun>) -> Vec<FoundRun> {
    let mut kept: Vec<FoundRun> = Vec::with_capacity(found.len());
    for run in found {
        let Some(same) = kept.iter_mut().find(|other| other.run() == run.run()) else {
            kept.push(run);
            continue;
        };
        let (stays, goes) = if run.is_complete() && !same.is_complete() {
            let goes = std::mem::replace(same, run);
            (&*same, goes)
        } else {
            (&*same, run)
        };
        say(&format!("left out {}: it holds the same run as {}", file_name(&goes.file), file_name(&stays.file)));
    }
    kept
}

/// The error for runs that are not of one target.
fn refused(misfit: &Misfit, found: &[FoundRun]) -> Failure {
    let values = misfit.values.iter().map(|(value, places)| {
        let named: Vec<_> = places.iter().take(FILES_NAMED).map(|place| file_name(&found[*place].file)).collect();
        let more = match places.len() - named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("\n  {} in {}{more}", foreign(value), named.join(", "))
    });
    Failure::usage(format!(
        "expected the runs of one {}, found:{}\nput the runs of each into a folder of their own, or name the files behind --history; \
         without --history, --from puts runs side by side",
        misfit.what,
        values.collect::<String>(),
    ))
}

/// When a run began.
fn began(file: &str, run: &[Event]) -> Result<Timestamp, Failure> {
    let text = run.first().and_then(Event::run).map_or("", |run| run.started_at.as_str());
    text.parse().map_err(|_| {
        Failure::usage(format!(
            "{file}: expected `started_at` as a time such as 2026-11-03T10:00:00Z, found \"{}\"; without it, the run has no \
             place in time",
            foreign(text)
        ))
    })
}

fn named(places: &[PathBuf]) -> String {
    places.iter().take(FILES_NAMED).map(|place| file_name(place)).collect::<Vec<_>>().join(", ")
}

/// Short names of files: without the folder, where no other file has the same name.
struct Names {
    twice: BTreeSet<PathBuf>,
}

impl Names {
    fn of<'f>(runs: impl Iterator<Item = &'f FoundRun>) -> Self {
        let mut seen = BTreeSet::new();
        let mut twice = BTreeSet::new();
        for name in runs.filter_map(|run| run.file.file_name()) {
            if !seen.insert(name) {
                twice.insert(PathBuf::from(name));
            }
        }
        Self { twice }
    }

    fn short(&self, file: &Path) -> String {
        let name = file.file_name().map(Path::new).filter(|name| !self.twice.contains(*name));
        file_name(name.unwrap_or(file))
    }
}
