//! `sdk check --from REV`: the SDK of the lock file here against that of the lock file at another revision of git.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use futures_util::future::join;

use super::project::{ChosenSdk, choose_lock, in_folder, installed};
use super::{CheckRun, SdkCheckArgs, usage};
use crate::cli::Failure;
use crate::cli::library::Library;
use crate::cli::output::say;
use crate::cli::progress::Progress;
use crate::files::SIZE_LIMIT;
use crate::report::ReportFile;
use crate::report::words::count;
use crate::sdk::diff::SdkDiff;
use crate::sdk::lock::{Lock, LockError};
use crate::sdk::project;
use crate::text::{file_name, foreign};

pub(super) fn run(args: &SdkCheckArgs, revision: &str) -> Result<ExitCode, Failure> {
    let (file, new) = choose_lock(args)?;
    let name = in_folder(&file);
    let at = foreign(revision);
    let text = text_at(&file, revision)?;
    let old = project::lock_of(&file, &text).map_err(|error| match error {
        LockError::WithoutSdk(package) => Failure::usage(format!(
            "at {at}, {name} does not name {package}: there is nothing to compare with; a run that is recorded with \
             --baseline FILE --update can be compared with later"
        )),
        error => Failure::usage(format!("{name} at {at}: {error}")),
    })?;
    let markdown = args.report_md.as_deref().map(ReportFile::open).transpose().map_err(usage)?;
    if old.spec() == new.spec() {
        let others = match new.packages().len().saturating_sub(1) {
            0 => String::new(),
            others => format!(", with the same {}", count(others, "other package")),
        };
        let verdict = format!("passed: {name} names {} here and at {at}{others}; nothing was run", described(&new));
        args.show(None, &verdict, markdown)?;
        return Ok(ExitCode::SUCCESS);
    }
    // Both are downloaded at a time: most of it is waiting for registries.
    let sides = std::thread::scope(|scope| {
        [&old, &new].map(|lock| scope.spawn(|| installed(lock))).map(|side| side.join().expect("no panic of its own"))
    });
    let [old_side, new_side] = sides.map(|side| side.map(|installed| ChosenSdk::of_cache(&installed, None)));
    let (old_side, new_side) = (old_side?, new_side?);
    let (library, clients) = Library::load_with_clients(args.fixtures.fixtures.clone())?;
    let cases = super::super::select(&library, &clients, &args.patterns, &[])?;
    // All downloads are done.
    let isolated = super::super::isolate();
    say(&format!("comparing {} of {name} at {at} with {} of {name} here", described(&old), described(&new)));
    // Both run at a time: most of a run is waiting for SDKs that wait before they try again.
    let progress = Progress::new(2 * cases.len());
    let run = CheckRun { args, library: &library, cases: &cases, isolated, progress: &progress };
    let runs = crate::cli::block_on(join(run.record(old_side), run.record(new_side)))?;
    progress.clear();
    let ((old_run, old_ended), (new_run, new_ended)) = (runs.0?, runs.1?);
    let (Some(old_run), Some(new_run)) = (&old_run, new_run) else {
        say("the run was cut short: nothing is compared");
        return Ok(if old_run.is_none() { old_ended } else { new_ended });
    };
    let mut diff = SdkDiff::new(old_run, &new_run).map_err(usage)?;
    args.accepted.apply(&mut diff)?;
    let verdict = args.fail_on.conclusion(
        &diff,
        "--accepted FILE --accept ID --reason TEXT accepts a change, by the id that stands behind it",
    );
    args.show(Some(&diff), &verdict, markdown)?;
    Ok(args.exit(&diff).into())
}

fn described(lock: &Lock) -> String {
    format!("{} {}", lock.package(), lock.spec().version.unwrap_or_default())
}

/// The text of a file at a revision. Nothing is checked out.
fn text_at(file: &Path, revision: &str) -> Result<String, Failure> {
    let (at, name) = (foreign(revision), in_folder(file));
    let (Some(folder), Some(last)) = (file.parent(), file.file_name().and_then(|name| name.to_str())) else {
        return Err(Failure::usage(format!("--from: {name} has no folder")));
    };
    if revision.starts_with('-') || revision.contains(':') || revision.is_empty() {
        return Err(Failure::usage(format!("--from: expected a revision such as origin/main, found \"{at}\"")));
    }
    let git = |words: &[&str]| {
        let output = Command::new("git").arg("-C").arg(folder).args(words).stdin(Stdio::null()).output();
        output.map_err(|error| Failure::usage(format!("--from: git cannot be run: {error}")))
    };
    if !git(&["rev-parse", "--is-inside-work-tree"])?.status.success() {
        let folder = file_name(folder);
        return Err(Failure::usage(format!("--from: {folder} is in no work tree of git, or git refuses to read it")));
    }
    if !git(&["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")])?.status.success() {
        return Err(Failure::usage(format!(
            "--from: there is no revision {at} here; fetch it first: `git fetch origin main`, or `fetch-depth: 0` for \
             actions/checkout"
        )));
    }
    let blob = format!("{revision}:./{last}");
    // The size is asked first, since what a repository holds has any.
    let size = git(&["cat-file", "-s", &blob])?;
    if !size.status.success() {
        return Err(Failure::usage(format!(
            "--from: there is no {last} at {at}; name another lock file with --lock, or record a run with --baseline FILE \
             --update"
        )));
    }
    let is_small = String::from_utf8_lossy(&size.stdout).trim().parse::<u64>().is_ok_and(|size| size <= SIZE_LIMIT);
    let shown = is_small.then(|| git(&["cat-file", "blob", &blob])).transpose()?.filter(|shown| shown.status.success());
    let text = shown.and_then(|shown| String::from_utf8(shown.stdout).ok());
    text.ok_or_else(|| Failure::usage(format!("--from: {last} at {at} is no text of at most {SIZE_LIMIT} bytes")))
}
