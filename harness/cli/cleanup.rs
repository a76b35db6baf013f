//! `countersign cleanup`: deletes what earlier runs made at their targets and left behind.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::hooks;
use super::library::Library;
use super::origin::{Origin, TracedArgs};
use super::output::{print, say};
use super::run::LeftoversArg;
use super::settings::{Settings, TargetArgs, TargetChoice};
use super::target::Prepared;
use super::{Failure, FixtureArgs};
use crate::corpus::Plan;
use crate::report::{Exit, answer_text, leftover_text};
use crate::run::{Deletion, Entries, Entry, Found, FoundThing, JournalError, NoList, Session};
use crate::targets::{Target, TargetPlace, gate};
use crate::text::{file_name, foreign};
use crate::verdict::{HookRun, Leftover, TargetAnswer};

#[derive(Debug, Args)]
pub(super) struct CleanupArgs {
    #[command(flatten)]
    target: TracedArgs<TargetArgs>,

    #[command(flatten)]
    leftovers: LeftoversArg,

    /// Delete what a run with this seed may have made, where its journal is lost; needs a target
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// How often that run ran each case
    #[arg(long, value_name = "N", default_value_t = 1, requires = "seed", value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,

    /// Delete what has the tag of the run with this seed, where its journal is lost, or of any run if no seed is given: also
    /// of runs that go on elsewhere; needs a target
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = Tagged::ANY, conflicts_with = "seed")]
    tagged: Option<Tagged>,

    #[command(flatten)]
    fixtures: FixtureArgs,
}

/// Of which runs the tags are looked for.
#[derive(Clone, Copy, Debug)]
enum Tagged {
    Any,
    Run(u64),
}

impl Tagged {
    const ANY: &str = "any";
}

impl std::str::FromStr for Tagged {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected the seed of a run, or nothing for any run, found \"{}\"", foreign(text));
        if text == Self::ANY { Ok(Self::Any) } else { text.parse().map(Self::Run).map_err(|_| wrong()) }
    }
}

/// What a clean-up found.
#[derive(Debug, Default)]
struct Tally {
    deleted: usize,
    left: usize,
    lines: Vec<String>,
}

pub(super) fn run(args: &CleanupArgs) -> Result<ExitCode, Failure> {
    let library = Library::load(args.fixtures.fixtures.clone())?;
    let named = Settings::resolve(args.target.clone())?;
    let is_named = named.from.get("target") != Origin::Default;
    let named = is_named.then_some(named);
    for (flag, is_given) in [("--seed", args.seed.is_some()), ("--tagged", args.tagged.is_some())] {
        if is_given && named.is_none() {
            return Err(Failure::usage(format!("{flag} needs the target of that run: add --endpoint URL")));
        }
    }
    let mut tally = Tally::default();
    let found = Entries::find(args.leftovers.leftovers.as_deref()).map_err(|error| failure(&error))?;
    let cleaner = Cleaner { args, library: &library, named: named.as_ref() };
    super::block_on(async {
        for journal in found {
            match journal {
                Found::Taken(path) => {
                    say(&format!("{}: the run that writes it goes on; it is left alone", file_name(&path)));
                }
                Found::Entries(entries) => cleaner.work_off(entries, &mut tally).await?,
            }
        }
        if let (Some(seed), Some(settings)) = (args.seed, &named) {
            cleaner.by_seed(seed, settings, &mut tally).await?;
        }
        if let (Some(tagged), Some(settings)) = (args.tagged, &named) {
            cleaner.by_tag(tagged, settings, &mut tally).await?;
        }
        Ok(())
    })??;
    if tally.lines.is_empty() {
        tally.lines.push("nothing is left behind".to_owned());
    }
    print(&tally.lines.join("\n"))?;
    Ok(Exit::first_of([(Exit::Leftovers, tally.left > 0), (Exit::Fine, true)]).into())
}

fn failure(error: &JournalError) -> Failure {
    Failure::usage(error.to_string())
}

/// Things in the order in which they are deleted, each once.
#[derive(Default)]
struct Things {
    /// The places of each thing in the journal.
    ids: Vec<Vec<u64>>,
    entries: Vec<Entry>,
}

impl Things {
    /// Adds an entry; the last that was made comes first. A thing that a run made, and asked for once more later, is
    /// deleted in its first place: what was made in it must go before.
    fn add(&mut self, id: u64, entry: &Entry) {
        let (mut ids, mut entry) = (vec![id], entry.clone());
        if let Some(place) = self.entries.iter().position(|of| of.thing == entry.thing) {
            ids.append(&mut self.ids.remove(place));
            entry.in_doubt |= self.entries.remove(place).in_doubt;
        }
        self.ids.push(ids);
        self.entries.push(entry);
    }
}

struct Cleaner<'a> {
    args: &'a CleanupArgs,
    library: &'a Library,
    /// The target that is named; every one in the journals where none is.
    named: Option<&'a Settings>,
}

impl Cleaner<'_> {
    async fn work_off(&self, mut entries: Entries, tally: &mut Tally) -> Result<(), Failure> {
        let place = |entry: &Entry| (entry.thing.endpoint.clone(), entry.thing.region.clone());
        for of_one in entries.left().chunk_by(|(_, one), (_, other)| place(one) == place(other)) {
            let mut things = Things::default();
            for (id, entry) in of_one {
                let Entry { thing, .. } = entry;
                match &thing.hook {
                    Some(run) if self.is_wanted(thing) => {
                        if tally.undo(thing, run, self.args.target.args.config()).await? {
                            entries.remove(*id).map_err(|error| failure(&error))?;
                        }
                    }
                    Some(_) => {}
                    None if self.is_closed_aws(thing) => tally.keep_at_aws(thing),
                    None => things.add(*id, entry),
                }
            }
            let Some(first) = things.entries.first() else { continue };
            let Some(session) = self.session_of(&first.thing).await? else { continue };
            let deletions = session.delete_all(&things.entries).await;
            for ((ids, entry), deletion) in things.ids.into_iter().zip(&things.entries).zip(deletions) {
                if tally.book(&entry.thing, deletion, true) {
                    ids.into_iter().try_for_each(|id| entries.remove(id)).map_err(|error| failure(&error))?;
                }
            }
        }
        entries.close().map_err(|error| failure(&error))
    }

    /// Whether a thing was made at the target that is named; true where none is.
    fn is_wanted(&self, thing: &Leftover) -> bool {
        self.named.is_none_or(|settings| match &settings.choice {
            TargetChoice::Endpoint { url, .. } | TargetChoice::Aws { endpoint: url, .. } => {
                url.as_str() == thing.endpoint
            }
            TargetChoice::Mock | TargetChoice::Emulator => false,
        })
    }

    /// Whether a thing was made at real AWS, and nobody has said that it may be asked.
    fn is_closed_aws(&self, thing: &Leftover) -> bool {
        let is_aws = thing.endpoint.parse().is_ok_and(|url| TargetPlace::of(&url) == TargetPlace::Aws);
        is_aws && self.named.is_none()
    }

    /// A session with the target at which a thing was made; `None` where another target is named.
    async fn session_of(&self, thing: &Leftover) -> Result<Option<Session>, Failure> {
        if let Some(settings) = self.named {
            let prepared = Prepared::new(settings, self.library).await?;
            let is_same = prepared.target.endpoint.as_str() == thing.endpoint;
            return if is_same { self.session(prepared.target, 0).map(Some) } else { Ok(None) };
        }
        let target = self.args.target.clone().at_server(thing.endpoint.clone(), thing.region.clone())?;
        let settings = Settings::resolve(target)?;
        let prepared = Prepared::new(&settings, self.library).await?;
        self.session(prepared.target, 0).map(Some)
    }

    fn session(&self, mut target: Target, seed: u64) -> Result<Session, Failure> {
        // What a run left costs more than the calls that delete it.
        let is_asked = self.named.is_some_and(|settings| settings.from.get("max-calls") != Origin::Default);
        target.max_calls = target.max_calls.filter(|_| is_asked);
        let (corpus, judge) = (Arc::clone(&self.library.corpus), self.library.judge.clone());
        Session::new(corpus, judge, target, seed, 1).map_err(Failure::of_target)
    }

    /// Deletes what has the tag of a run.
    async fn by_tag(&self, tagged: Tagged, settings: &Settings, tally: &mut Tally) -> Result<(), Failure> {
        let prepared = Prepared::new(settings, self.library).await?;
        let session = self.session(prepared.target, 0)?;
        let run = match tagged {
            Tagged::Any => None,
            Tagged::Run(seed) => Some(seed),
        };
        let found = session.find_tagged(run).await.map_err(|NoList { operation, answer }| {
            let answer = foreign(&answer_text(&answer));
            Failure::usage(format!(
                "--tagged: {operation} gives no list of what is there, so nothing was looked for: {answer}"
            ))
        })?;
        for FoundThing { thing, .. } in found {
            tally.delete(&session, &thing).await;
        }
        Ok(())
    }

    /// Deletes what the cases of a run with this seed have made.
    async fn by_seed(&self, seed: u64, settings: &Settings, tally: &mut Tally) -> Result<(), Failure> {
        let prepared = Prepared::new(settings, self.library).await?;
        let session = self.session(prepared.target, seed)?;
        let plan = Plan { cases: self.library.corpus.cases().to_vec(), repeat: self.args.repeat, left_out: None };
        for thing in session.made_by_seed(&plan) {
            tally.delete_if_there(&session, &thing).await;
        }
        Ok(())
    }
}

impl Tally {
    /// Says that a thing stays, because real AWS is not asked.
    fn keep_at_aws(&mut self, thing: &Leftover) {
        self.left += 1;
        let allowed = gate::form();
        let thing = leftover_text(thing);
        self.lines.push(format!("still there: {thing}: real AWS is off; add --target aws --allow-aws {allowed}"));
    }

    /// Deletes a thing, and says what became of it. Returns whether it is gone.
    async fn delete(&mut self, session: &Session, thing: &Leftover) -> bool {
        self.book(thing, session.delete(thing).await, true)
    }

    /// The same for a thing of which nobody knows whether it was made: where it was not, nothing is said.
    async fn delete_if_there(&mut self, session: &Session, thing: &Leftover) {
        self.book(thing, session.delete(thing).await, false);
    }

    /// Runs the teardown of a hook's set-up, and says what became of it. Returns whether it is undone.
    async fn undo(&mut self, thing: &Leftover, run: &HookRun, config: Option<&Path>) -> Result<bool, Failure> {
        let undone = hooks::undo(thing, run, config).await?;
        let failed = |words| Deletion::Failed(TargetAnswer::Told(words));
        Ok(self.book(thing, undone.map_or_else(failed, |()| Deletion::Done), true))
    }

    fn book(&mut self, thing: &Leftover, deletion: Deletion, is_known: bool) -> bool {
        let thing = leftover_text(thing);
        match deletion {
            Deletion::Done => {
                self.deleted += 1;
                self.lines.push(format!("deleted: {thing}"));
            }
            Deletion::NotThere if is_known => self.lines.push(format!("gone already: {thing}")),
            Deletion::NotThere => {}
            Deletion::Failed(answer) => {
                self.left += 1;
                self.lines.push(format!("still there: {thing}: {}", foreign(&answer_text(&answer))));
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_asked_for_twice_is_deleted_once_after_what_was_made_in_it() {
        let entry = |noun: &str, in_doubt| {
            let thing = serde_json::json!({ "noun": noun, "name": "n", "case": "a/b", "undone_by": "Delete", "input": {},
                "endpoint": "http://127.0.0.1:1/", "region": "us-east-1" });
            Entry { thing: serde_json::from_value(thing).expect("a thing"), in_doubt }
        };
        let mut things = Things::default();
        // The last that was made comes first: the namespace was asked for once more at the end.
        for (id, of) in [(3, entry("namespace", true)), (2, entry("workgroup", false)), (1, entry("namespace", false))]
        {
            things.add(id, &of);
        }
        assert_eq!(things.ids, [vec![2], vec![1, 3]]);
        assert_eq!(things.entries, [entry("workgroup", false), entry("namespace", true)]);
    }
}
