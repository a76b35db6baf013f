//! The commands of a target in `countersign.toml`: set-up and teardown of a run, and the move of its clock.
//!
//! They come from the user's own file alone, never from a target or a fixture. A set-up is written to the journal before
//! it begins, so that `cleanup` repeats the teardown after a crash.

mod command;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf, absolute};
use std::time::Duration;

use serde_json::Value;

use super::Failure;
use super::output::say;
use super::settings::Settings;
use crate::run::{EntryId, Journal, random_seed};
use crate::targets::profile::{Distrust, Hooks, Profiles};
use crate::targets::{ClockFault, Target, TargetClock};
use crate::text::{file_name, foreign, foreign_within};
use crate::verdict::{HookRun, Leftover, Reason};
use crate::wire::{Credentials, Masker};
use command::{CommandFault, ShellCommand};

/// How long a hook may take, where its profile does not say it.
const LIMIT: Duration = Duration::from_mins(5);

/// How long a command that moves a clock may take.
const CLOCK_LIMIT: Duration = Duration::from_secs(60);

/// How long a hook may take before the user is told that the run waits for it.
const SILENT_WAIT: Duration = Duration::from_secs(5);

/// At most this many characters of a command are shown.
const SHOWN: usize = 120;

/// A clock that a command moves, in the folder of the file that names the command.
pub(super) fn clock_by_command(text: &str, file: &Path) -> TargetClock {
    let (folder, command) = (folder_of(file), text.to_owned());
    TargetClock::new(format!("the command {}", foreign_within(text, SHOWN)), move |seconds| {
        let (folder, text) = (folder.clone(), command.clone());
        async move {
            let variables = [("COUNTERSIGN_ADVANCE_SECONDS", seconds.to_string())];
            let command =
                ShellCommand { text: &text, folder: &folder, variables: &variables, stdin: "", limit: CLOCK_LIMIT };
            let moved = command.run().await;
            moved.map(drop).map_err(|CommandFault { words, in_doubt }| ClockFault { words, in_doubt })
        }
    })
}

fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The hooks of a target, with the file that they stand in and the name of the target.
#[derive(Clone, Debug)]
pub(super) struct TargetHooks {
    pub(super) file: PathBuf,
    pub(super) target: String,
    pub(super) hooks: Hooks,
}

/// What the hooks of one run have done.
pub(super) struct HooksOfRun<'a> {
    of: &'a TargetHooks,
    journal: &'a Journal,
    masker: Masker,
    thing: Leftover,
    entry: Option<EntryId>,
}

impl<'a> HooksOfRun<'a> {
    /// The hooks of a target, before any of them has run. `None` if it has none.
    pub(super) fn of(settings: &'a Settings, target: &Target, journal: &'a Journal) -> Option<Self> {
        let of = settings.hooks.as_ref()?;
        let secrets = target.credentials.iter().chain(&target.denied).flat_map(Credentials::secrets);
        let run = HookRun {
            file: absolute(&of.file).unwrap_or_else(|_| of.file.clone()),
            target: of.target.clone(),
            names: BTreeMap::new(),
        };
        let thing = Leftover {
            noun: "set-up".to_owned(),
            name: format!("cs{:08x}{:08x}", random_seed(), random_seed()),
            case: String::new(),
            undone_by: "hooks.teardown".to_owned(),
            input: BTreeMap::new(),
            endpoint: target.endpoint.to_string(),
            region: target.region.to_string(),
            hook: Some(run),
        };
        Some(Self { of, journal, masker: Masker::new(secrets), thing, entry: None })
    }

    /// Runs the set-up. Returns the names of what it made, by the keys of a profile. An interruption does not cut it off:
    /// nobody would know what it made.
    pub(super) async fn set_up(&mut self) -> Result<BTreeMap<String, String>, Reason> {
        if self.of.hooks.teardown.is_some() {
            let entry = self.journal.add(&self.thing);
            self.entry = Some(entry.map_err(|error| Reason::NoJournal { because: error.to_string() })?);
        }
        let Some(text) = &self.of.hooks.setup else { return Ok(BTreeMap::new()) };
        let printed = run_hook(self.of, text, "set-up", &self.thing).await;
        let printed = printed.map_err(|fault| self.failed(&self.masker.quote(&fault.words)))?;
        let names = names(&printed).map_err(|words| self.failed(&words))?;
        if let Some(hook) = &mut self.thing.hook {
            hook.names.clone_from(&names);
        }
        if let Some(entry) = self.entry {
            let written = self.journal.update(entry, &self.thing);
            written.map_err(|error| Reason::NoJournal { because: error.to_string() })?;
        }
        Ok(names)
    }

    /// The reason for cases that are blocked because the set-up failed.
    pub(super) fn failed(&self, because: &str) -> Reason {
        let command = self.of.hooks.setup.as_deref().unwrap_or_default();
        let command = self.masker.mask_escaped(&foreign_within(command, SHOWN));
        Reason::SetUpHook { command, because: because.to_owned() }
    }

    /// Runs the teardown. Returns what is left if it fails.
    pub(super) async fn tear_down(self) -> Option<Leftover> {
        let (Some(text), Some(entry)) = (&self.of.hooks.teardown, self.entry) else { return None };
        match run_hook(self.of, text, "teardown", &self.thing).await {
            Ok(_) => {
                self.journal.remove(entry);
                None
            }
            Err(fault) => {
                say(&format!("error: the teardown hook failed: {}", self.masker.quote(&fault.words)));
                Some(self.thing)
            }
        }
    }
}

/// Runs the teardown for the set-up of an earlier run, by the file that it was written in. Returns in words why it failed.
///
/// # Errors
/// When the file is not the user's own, or has the hook no more.
pub(super) async fn undo(
    thing: &Leftover,
    run: &HookRun,
    config: Option<&Path>,
) -> Result<Result<(), String>, Failure> {
    let place = format!("the target \"{}\" in {}", foreign(&run.target), file_name(&run.file));
    if config != Some(run.file.as_path())
        && let Some(why) = Distrust::of(&run.file, std::env::home_dir().as_deref())
    {
        return Err(Failure::refused(format!(
            "the teardown of {place} is not run, because the file {why}; name it with --config to run it"
        )));
    }
    let profiles = match Profiles::load(&run.file) {
        Ok(profiles) => profiles,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let hooks = profiles.targets.get(&run.target).and_then(|profile| profile.hooks.clone());
    let Some((text, hooks)) = hooks.and_then(|hooks| Some((hooks.teardown.clone()?, hooks))) else {
        return Ok(Err(format!("{place} has no teardown any more")));
    };
    let of = TargetHooks { file: run.file.clone(), target: run.target.clone(), hooks };
    let undone = run_hook(&of, &text, "teardown", thing).await;
    Ok(undone.map(drop).map_err(|fault| Masker::default().quote(&fault.words)))
}

/// Runs one hook. It gets the run's id, the endpoint and the region in its environment, and the names that the set-up
/// printed as its input.
async fn run_hook(of: &TargetHooks, text: &str, word: &str, thing: &Leftover) -> Result<String, CommandFault> {
    let variables = [
        ("COUNTERSIGN_RUN_ID", thing.name.clone()),
        ("COUNTERSIGN_ENDPOINT", thing.endpoint.clone()),
        ("COUNTERSIGN_REGION", thing.region.clone()),
    ];
    let names = thing.hook.as_ref().map(|hook| &hook.names);
    let stdin = serde_json::to_string(&names).unwrap_or_default();
    let limit = of.hooks.timeout.map_or(LIMIT, |limit| limit.0);
    let folder = folder_of(&of.file);
    let command = ShellCommand { text, folder: &folder, variables: &variables, stdin: &stdin, limit };
    let running = command.run();
    tokio::pin!(running);
    tokio::select! {
        done = &mut running => done,
        () = tokio::time::sleep(SILENT_WAIT) => {
            say(&format!("waiting for the {word} hook of the target \"{}\"", foreign(&of.target)));
            running.await
        }
    }
}

/// The names that a set-up printed: a JSON object of texts, or nothing.
fn names(printed: &str) -> Result<BTreeMap<String, String>, String> {
    let wrong = |found: &str| {
        format!("expected a JSON object on its standard output, such as {{\"workgroup\": \"wg-1\"}}, found {found}")
    };
    if printed.trim().is_empty() {
        return Ok(BTreeMap::new());
    }
    let value: Value = serde_json::from_str(printed).map_err(|_| wrong("something else"))?;
    let Value::Object(members) = value else { return Err(wrong("another JSON value")) };
    let name = |(key, value): (String, Value)| match value {
        Value::String(name) => Ok((key, name)),
        _ => Err(wrong(&format!("a value of \"{}\" that is no text", foreign(&key)))),
    };
    members.into_iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nothing("", &[])]
    #[case::blank(" \n", &[])]
    #[case::names("{\"workgroup\": \"wg-1\",\n \"db-name\": \"dev\"}\n", &[("workgroup", "wg-1"), ("db-name", "dev")])]
    fn a_set_up_prints_names(#[case] printed: &str, #[case] expected: &[(&str, &str)]) {
        let expected = expected.iter().map(|(key, name)| ((*key).to_owned(), (*name).to_owned())).collect();
        assert_eq!(names(printed), Ok(expected));
    }

    #[rstest]
    #[case::words("made CANARY")]
    #[case::list("[\"CANARY\"]")]
    #[case::number("{\"workgroup\": 1}")]
    #[case::several("{} {}")]
    fn anything_else_is_refused_and_not_repeated(#[case] printed: &str) {
        let words = names(printed).expect_err("it is wrong");
        assert!(words.starts_with("expected a JSON object") && !words.contains("CANARY"), "{words}");
    }
}
