//! Runs of installed SDKs that are kept in the cache folder, so that a version is run once for the same cases.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use crate::cli::Failure;
use crate::cli::diff::stream;
use crate::cli::interrupt::INTERRUPTED;
use crate::cli::library::Library;
use crate::cli::output::say;
use crate::report::Event;
use crate::sdk::cases::ClientCase;
use crate::sdk::diff::digest;
use crate::sdk::install::{Cache, Installed};
use crate::text::{escape, file_name};

/// How many characters are shown of what a failed run said.
const SAID: usize = 1_000;

/// The variables that say where the installed SDKs are, and what is logged.
const KEPT: [&str; 2] = ["COUNTERSIGN_SDK_CACHE", "COUNTERSIGN_LOG"];

/// How cases are run: the words of `sdk run`.
pub(super) struct RunWords<'a> {
    /// What selects the cases.
    pub(super) patterns: &'a [String],
    /// The folder of the fixtures, if they are not those that were compiled in.
    pub(super) fixtures: Option<&'a Path>,
    /// How many cases run at a time.
    pub(super) jobs: u16,
}

/// The runs of some cases.
pub(super) struct RunRecords<'a> {
    folder: PathBuf,
    /// Eight digits that stand for the cases and for the program that runs them.
    cases: String,
    words: RunWords<'a>,
}

impl<'a> RunRecords<'a> {
    /// The runs of these cases, which the words select.
    pub(super) fn new(cache: &Cache, library: &Library, cases: &[Arc<ClientCase>], words: RunWords<'a>) -> Self {
        let suite = library.contract.register.suite_version;
        let made_of = format!("{} {suite} {cases:?}", env!("CARGO_PKG_VERSION"));
        Self { folder: cache.root().join("records"), cases: digest(&made_of), words }
    }

    /// The run of an installed version: the one that is kept, or else a new one. A process of its own makes it, for it
    /// may give up its network, and an installation needs one.
    pub(super) fn of(&self, installed: &Installed) -> Result<Vec<Event>, Failure> {
        let id = installed.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let file = self.folder.join(format!("{id}-{}.jsonl", self.cases));
        if let Some(kept) = file.exists().then(|| stream(&file).ok()).flatten().filter(|events| is_whole(events)) {
            return Ok(kept);
        }
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            Failure::usage(format!("cannot {what} {}: {error}", file_name(&file)))
        };
        std::fs::create_dir_all(&self.folder).map_err(|error| failed("make the folder of", &error))?;
        say(&format!("running {}", escape(&id)));
        let program = std::env::current_exe().map_err(|error| failed("find the program that makes", &error))?;
        let mut command = Command::new(program);
        let RunWords { patterns, fixtures, jobs } = &self.words;
        command.args(["sdk", "run"]).args(*patterns).arg("--driver").arg(&id);
        command.args(["--format", "quiet", "--jobs", &jobs.to_string(), "--output"]).arg(&file);
        if let Some(fixtures) = fixtures {
            command.arg("--fixtures").arg(fixtures);
        }
        // A variable for a flag, such as that of --tls, would make another run than the name of its file says.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("COUNTERSIGN_") && !KEPT.iter().any(|kept| name == *kept) {
                command.env_remove(name);
            }
        }
        let output = command.stdin(Stdio::null()).output().map_err(|error| failed("run what makes", &error))?;
        match output.status.code() {
            // The exit codes of a run that came to its end, whatever its cases came to.
            Some(0 | 1 | 3) => {}
            Some(code) if code == i32::from(INTERRUPTED) => {
                return Err(Failure::usage("interrupted; what was run is kept"));
            }
            _ => {
                let said: String = String::from_utf8_lossy(&output.stderr).chars().take(SAID).collect();
                let said: Vec<_> = said.lines().map(escape).collect();
                return Err(Failure::usage(format!("the run of {} failed:\n{}", escape(&id), said.join("\n"))));
            }
        }
        let events = stream(&file)?;
        if is_whole(&events) { Ok(events) } else { Err(failed("use", &"the run was cut short")) }
    }
}

/// Whether a run came to its end.
fn is_whole(events: &[Event]) -> bool {
    matches!(events.last(), Some(Event::Summary(summary)) if summary.complete)
}
