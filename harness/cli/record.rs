//! `countersign record`: writes down what a target answers, without its secrets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::library::Library;
use super::origin::TracedArgs;
use super::output::{print, print_prose, say};
use super::restraint::restrained;
use super::run::{Execution, LeftoversArg, SelectionArgs, can_be_run};
use super::settings::{Settings, TargetArgs, TargetChoice};
use super::{Failure, FixtureArgs};
use crate::corpus::{Corpus, LeftOut, Plan};
use crate::recording::{Capture, Drift, Recording, RecordingFolder, Unrecordable, VERSION, drifts, path_of};
use crate::report::{Event, Exit};
use crate::run::{JudgedCase, Observer};
use crate::text::{LINE_SHOWN, escape, file_name, foreign, foreign_within};
use crate::verdict::{Reason, RecordedTarget, Verdict};

/// At most this many differences of one case are shown.
const MOST_SHOWN: usize = 20;

/// How old a recording may be in the command that goes on with those that are missing.
const DAYS: u16 = 180;

#[derive(Debug, Args)]
pub(super) struct RecordArgs {
    /// The folder of the recordings: DIR/<suite>/<case>.json
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    #[command(flatten)]
    selection: SelectionArgs,

    /// Record only cases whose recording is older than this, such as 180d, or missing
    #[arg(long, env = "COUNTERSIGN_STALE", value_name = "DAYS", value_parser = days)]
    stale: Option<u16>,

    /// Write nothing; say what is answered otherwise now, and fail if anything is
    #[arg(long, env = "COUNTERSIGN_CHECK")]
    check: bool,

    #[command(flatten)]
    target: TracedArgs<TargetArgs>,

    #[command(flatten)]
    leftovers: LeftoversArg,

    #[command(flatten)]
    fixtures: FixtureArgs,
}

fn days(text: &str) -> Result<u16, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse().ok());
    days.ok_or_else(|| "expected a number of days such as 180d".to_owned())
}

pub(super) fn run(args: RecordArgs) -> Result<ExitCode, Failure> {
    let settings = Settings::resolve(args.target.at_urls(args.selection.urls())?)?;
    let library = Library::load_in(args.fixtures.fixtures, settings.revision.as_ref())?;
    let (operation, mut plan) = args.selection.plan(&library)?;
    can_be_run(&settings, &library.contract)?;
    let folder = if args.check {
        RecordingFolder::load(&args.folder, &library.corpus)
    } else {
        RecordingFolder::load_or_new(&args.folder, &library.corpus)
    };
    let folder = folder.map_err(|error| Failure::usage(error.to_string()))?;
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let of = target_of(&settings.choice);
    if let Some(days) = args.stale {
        only_stale(&mut plan, &folder, today, days);
        if plan.cases.is_empty() {
            let name = file_name(&args.folder);
            return print(&format!(
                "nothing to record: no selected case in {name} is older than {days} days or missing"
            ));
        }
    }
    refuse_mixture(&folder, of)?;
    let plan = restrained(&settings, &library, plan, args.selection.names_cases())?;
    let selected = plan.cases.iter().map(|case| case.id.clone()).collect();
    let recorder = Arc::new(Recorder {
        folder,
        selected,
        left_out: plan.left_out.clone().unwrap_or_default(),
        stale: args.stale,
        check: args.check,
        stamp: Stamp {
            of,
            region: settings.region.to_string(),
            date: today,
            suite_version: library.contract.register.suite_version,
        },
        library: Library {
            contract: Arc::clone(&library.contract),
            corpus: Arc::clone(&library.corpus),
            judge: library.judge.clone(),
        },
        came: Mutex::default(),
    });
    let hearing = Arc::clone(&recorder);
    let execution = Execution {
        leftovers: args.leftovers,
        observer: Some(Observer::new(move |judged| hearing.hear(judged))),
        ..Execution::unreported(&settings, &library, operation, &plan)
    };
    let mut verdicts: BTreeMap<Verdict, usize> = BTreeMap::new();
    let mut cut_short = 0;
    let ended = super::block_on(execution.run(|event| {
        if let Event::Case(case) = event {
            *verdicts.entry(case.verdict).or_default() += 1;
            cut_short += usize::from(matches!(case.reason, Some(Reason::OutOfCalls { .. })));
        }
    }))??;
    let drifted = recorder.tell(&verdicts, cut_short)?;
    if ended.interrupted {
        say("interrupted: what was recorded by then stays, and each file of it is whole");
        return Ok(ended.into());
    }
    if let Some(rejection) = ended.rejection {
        return Err(rejection);
    }
    if let Some(answer) = &ended.unreachable {
        say(&format!("error: nothing was recorded, since no case could be run: {}", escape(answer)));
        return Ok(ended.into());
    }
    // A case that cannot be recorded is missing each time, beside those that are.
    let failed = drifted || (recorder.is_empty() && (args.check || recorder.folder.recordings().is_empty()));
    // A recording is evidence, no verdict: whether the answers are right is no matter here.
    let exit = if ended.exit == Exit::Failed { Exit::Fine } else { ended.exit };
    Ok(Exit::first_of([(exit, exit != Exit::Fine), (Exit::Failed, failed), (Exit::Fine, true)]).into())
}

/// Reads the recordings of a folder that must be there and have some.
pub(super) fn load_recordings(folder: &Path, corpus: &Corpus) -> Result<RecordingFolder, Failure> {
    let loaded = RecordingFolder::load(folder, corpus).map_err(|error| Failure::usage(error.to_string()))?;
    if loaded.recordings().is_empty() && !loaded.elsewhere().is_empty() {
        return Err(Failure::usage(format!(
            "{} has only recordings of cases that hold in other revisions of the documents",
            file_name(folder)
        )));
    }
    if loaded.recordings().is_empty() {
        return Err(Failure::usage(format!(
            "{} has no recordings; `countersign record` writes them",
            file_name(folder)
        )));
    }
    Ok(loaded)
}

/// What a target is in its recordings.
const fn target_of(choice: &TargetChoice) -> RecordedTarget {
    match choice {
        TargetChoice::Aws { .. } => RecordedTarget::Aws,
        TargetChoice::Emulator => RecordedTarget::Emulator,
        TargetChoice::Mock => RecordedTarget::Mock,
        TargetChoice::Endpoint { .. } => RecordedTarget::Endpoint,
    }
}

/// Leaves in a plan only the cases whose recording is missing or older than a number of days.
fn only_stale(plan: &mut Plan, folder: &RecordingFolder, today: Date, days: u16) {
    let limit = today.checked_sub(i64::from(days).days()).unwrap_or(Date::MIN);
    plan.cases.retain(|case| folder.get(&case.id).is_none_or(|recording| recording.date < limit));
}

/// Refuses to record one kind of target over the recordings of another: what AWS said must not be lost.
fn refuse_mixture(folder: &RecordingFolder, of: RecordedTarget) -> Result<(), Failure> {
    let mut all = folder.recordings().values().chain(folder.elsewhere().values());
    let Some(other) = all.find(|recording| recording.of != of) else { return Ok(()) };
    Err(Failure::usage(format!(
        "{} has recordings of {}, such as {}, and the target is {of}; give each target a folder of its own",
        file_name(&folder.root),
        other.of,
        foreign(&other.case)
    )))
}

/// What each recording of a run has in common.
struct Stamp {
    of: RecordedTarget,
    region: String,
    date: Date,
    suite_version: u32,
}

/// Records cases while they are run.
struct Recorder {
    folder: RecordingFolder,
    selected: BTreeSet<String>,
    left_out: LeftOut,
    stale: Option<u16>,
    check: bool,
    stamp: Stamp,
    library: Library,
    came: Mutex<CameTo>,
}

/// What recording came to.
#[derive(Default)]
struct CameTo {
    new: usize,
    same: usize,
    drifted: BTreeMap<String, Vec<Drift>>,
    unrecordable: BTreeMap<String, Unrecordable>,
    unwritable: Option<String>,
}

impl Recorder {
    fn hear(&self, judged: &JudgedCase<'_>) {
        let id = &judged.case.id;
        let earlier = self.folder.get(id);
        // A control that was not selected is recorded where its case could not be judged without it.
        if !self.selected.contains(id) && (self.check || earlier.is_some()) {
            return;
        }
        let contract = &self.library.contract;
        let names = &judged.target.resources;
        let capture = Capture { contract, case: judged.case, hidden: &judged.hidden, names };
        let answers = capture.answers(judged.transcript);
        let mut came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = match answers {
            Ok(answers) => answers,
            Err(why) => {
                came.unrecordable.insert(id.clone(), why);
                return;
            }
        };
        let Stamp { of, region, date, suite_version } = &self.stamp;
        let mut recording = Recording {
            schema: None,
            version: VERSION,
            case: id.clone(),
            of: *of,
            region: region.clone(),
            date: *date,
            suite_version: *suite_version,
            answers,
        };
        match earlier.map(|earlier| (earlier, drifts(earlier, &recording))) {
            None => came.new += 1,
            Some((earlier, drifts)) if drifts.is_empty() => {
                came.same += 1;
                // Rounded times stay as they are.
                recording.answers.clone_from(&earlier.answers);
            }
            Some((_, drifts)) => {
                came.drifted.insert(id.clone(), drifts);
            }
        }
        if !self.check
            && let Err(error) = self.folder.write(&recording)
        {
            came.unwritable.get_or_insert_with(|| format!("{}: {error}", file_name(&self.folder.file_of(id))));
        }
    }

    fn is_empty(&self) -> bool {
        let came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        came.new + came.same + came.drifted.len() == 0
    }

    /// How to go on where there were too few calls for all cases. So many were recorded, and so many others were begun.
    fn goes_on(&self, recorded: usize, cut_short: usize) -> Option<String> {
        let missing = self.left_out.cases + cut_short;
        let missing = (missing > 0).then(|| cases(missing))?;
        Some(match self.stale {
            _ if self.check => format!("not looked at: {missing}; a higher --max-calls looks at all"),
            // The same calls would be made again.
            Some(_) if recorded == 0 => format!("still missing: {missing}; they need a higher --max-calls"),
            Some(_) => format!("still missing: {missing}; the same command again records more of them"),
            None => format!("still missing: {missing}; the same command with --stale {DAYS}d goes on with them"),
        })
    }

    /// Says what recording came to, with `cut_short` cases for which no call was left. Returns whether a check found
    /// something.
    fn tell(&self, verdicts: &BTreeMap<Verdict, usize>, cut_short: usize) -> Result<bool, Failure> {
        let came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = file_name(&self.folder.root);
        if let Some(file) = &came.unwritable {
            return Err(Failure::usage(format!("cannot write the recording {file}")));
        }
        let Stamp { of, region, date, .. } = &self.stamp;
        let (new, same, drifted) = (came.new, came.same, came.drifted.len());
        let mut lines = Vec::new();
        for (case, drifts) in &came.drifted {
            lines.push(format!("{case} in {}:", file_name(&self.folder.root.join(path_of(case)))));
            lines.extend(drifts.iter().take(MOST_SHOWN).map(|drift| format!("  {}", drift_text(drift))));
            if drifts.len() > MOST_SHOWN {
                lines.push(format!("  and {} more", drifts.len() - MOST_SHOWN));
            }
        }
        let marked = of.meaning();
        lines.push(if self.check {
            format!("{folder}: {same} recordings of {marked} hold in {region} on {date}, {drifted} drifted, {new} are missing")
        } else {
            let total = cases(new + same + drifted);
            format!("recorded {total} of {marked} in {region} on {date} into {folder}: {new} new, {same} as before, {drifted} changed")
        });
        let unjudged = verdicts.iter().filter(|(verdict, _)| !matches!(verdict, Verdict::Pass | Verdict::Fail));
        let unjudged: Vec<_> = unjudged.map(|(verdict, count)| format!("{count} {}", verdict.word())).collect();
        if !unjudged.is_empty() {
            lines.push(format!("not recorded, since no answer of theirs was judged: {}", unjudged.join(", ")));
        }
        lines.extend(self.goes_on(new + same + drifted, cut_short));
        print_prose(&lines.join("\n"))?;
        for (case, why) in &came.unrecordable {
            say(&format!("warning: {case} is not recorded: {why}"));
        }
        Ok(self.check && drifted > 0)
    }
}

/// A difference as a line: where it is, what was recorded, and what is answered now.
fn drift_text(drift: &Drift) -> String {
    let value = |value: &Option<serde_json::Value>| {
        value.as_ref().map_or_else(|| "nothing".to_owned(), |value| foreign_within(&value.to_string(), LINE_SHOWN))
    };
    format!("{}: recorded {}, found {}", foreign(&drift.at), value(&drift.recorded), value(&drift.found))
}

/// `1 case`, `2 cases`.
fn cases(count: usize) -> String {
    if count == 1 { "1 case".to_owned() } else { format!("{count} cases") }
}
