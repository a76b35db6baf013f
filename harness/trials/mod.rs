//! Every case as one trial of `cargo test`, for this project and for adopters.
//!
//! May use everything; nothing uses it. An adopter's whole test file, with `harness = false` in
//! `Cargo.toml`:
//!
//! ```no_run
//! use countersign::targets::Target;
//! use countersign::trials::Trials;
//! use countersign::wire::Credentials;
//!
//! fn main() -> std::process::ExitCode {
//!     let endpoint = "http://127.0.0.1:4566".parse().expect("a valid URL");
//!     let credentials = Credentials::new("test", "test");
//!     let target = Target::at(endpoint).signed_by(credentials).with_workgroup("my-workgroup");
//!     Trials::new(target).main()
//! }
//! ```

mod advice;
mod context;
mod prepare;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use tokio::runtime::Runtime;

pub use prepare::TrialsError;

use crate::contract::{Feature, Revision};
use crate::run::runtime::multi_threaded;
use crate::targets::Target;

/// The trials of one target.
pub struct Trials {
    name: String,
    features: BTreeSet<Feature>,
    start: Box<dyn Fn() -> Target + Send + Sync>,
    observe: Option<Observer>,
    /// Whether there are trials of every operation, and not of the default one alone.
    every_operation: bool,
    /// The revision of the documents by which the target is judged; the newest if there is none.
    revision: Option<Revision>,
    baseline: Option<PathBuf>,
    /// How long to wait until the target answers, if the target does not say it.
    wait: Option<Duration>,
    /// The words of features that are claimed too.
    claims: Vec<String>,
    /// The patterns that select the cases; all cases if there is none.
    patterns: Vec<String>,
}

/// What an adopter does with a trial's record, such as comparing it with a snapshot.
type Observer = Arc<dyn Fn(&TrialRecord) + Send + Sync>;

/// What a trial saw, without times, names, hosts or secrets, so that it can be compared with a snapshot.
#[derive(Clone, Debug)]
pub struct TrialRecord {
    /// The target's name.
    pub target: String,
    /// The case's id.
    pub case: String,
    /// A line for each member of a family, or the one line of the case: status, error type, media
    /// type and the shape of the body.
    pub lines: String,
}

impl Trials {
    /// The trials of a target that already runs.
    pub fn new(target: Target) -> Self {
        let (name, features) = (target.name.clone(), target.features.clone());
        Self::starting(name, features, move || target.clone())
    }

    /// The trials of a target that `start` starts when the first trial runs, inside a Tokio runtime. A test runner that
    /// only lists the trials therefore starts no target.
    pub fn starting(
        name: impl Into<String>,
        features: impl IntoIterator<Item = Feature>,
        start: impl Fn() -> Target + Send + Sync + 'static,
    ) -> Self {
        let mut features: BTreeSet<_> = features.into_iter().collect();
        features.insert(Feature::CORE);
        Self {
            name: name.into(),
            features,
            start: Box::new(start),
            observe: None,
            every_operation: false,
            revision: None,
            baseline: None,
            wait: None,
            claims: Vec::new(),
            patterns: Vec::new(),
        }
    }

    /// The same trials, plus those of every other operation of the contract.
    #[must_use]
    pub fn of_every_operation(mut self) -> Self {
        self.every_operation = true;
        self
    }

    /// The same trials by an older revision of the documents, such as `Revision::of_year(2022)`. The trials of cases that
    /// it does not know are left out.
    #[must_use]
    pub fn by_revision(mut self, revision: Revision) -> Self {
        self.revision = Some(revision);
        self
    }

    /// The same trials with the known failures in the file at `path`, which is the one of `countersign run --baseline`.
    /// A relative path leads from the folder of the package. The trial of a case that is in the baseline and fails is
    /// ignored, with the reason; that of one that passes fails until the entry is removed. So the trials of an
    /// unfinished server pass, and what works once must go on working.
    #[must_use]
    pub fn with_baseline(mut self, path: impl Into<PathBuf>) -> Self {
        self.baseline = Some(path.into());
        self
    }

    /// The same trials, which wait this long until the target answers at all.
    #[must_use]
    pub fn wait(mut self, duration: Duration) -> Self {
        self.wait = Some(duration);
        self
    }

    /// The same trials of a target that claims these features too, by their words: `["signature", "custom-domain"]`.
    #[must_use]
    pub fn claim<W: Into<String>>(mut self, features: impl IntoIterator<Item = W>) -> Self {
        self.claims.extend(features.into_iter().map(Into::into));
        self
    }

    /// Only the trials of the cases that this pattern selects, or one given before: `*` is one part of an id, `**` any,
    /// and what it matches is selected with everything below it. `parameters` is a whole suite.
    #[must_use]
    pub fn only(mut self, pattern: impl Into<String>) -> Self {
        self.patterns.push(pattern.into());
        self
    }

    /// The same trials, with an observer. Each trial calls `observe` with its record before it passes or fails. A trial
    /// that does not run its case makes no record, for example if the target does not have the operation or did not
    /// accept the control. A panic in `observe` fails the trial.
    #[must_use]
    pub fn observed_by(mut self, observe: impl Fn(&TrialRecord) + Send + Sync + 'static) -> Self {
        self.observe = Some(Arc::new(observe));
        self
    }

    /// Runs the trials that the command line selects, and returns the exit code of the test program: 101 if a trial
    /// fails, 2 if there are no trials because something is wrong with the baseline, a pattern or a feature.
    pub fn main(self) -> ExitCode {
        let mut arguments = Arguments::from_args();
        match self.trials_for(&arguments) {
            Ok(trials) => {
                // One trial needs no threads of its own.
                arguments.test_threads = if trials.len() == 1 { Some(1) } else { arguments.test_threads };
                libtest_mimic::run(&arguments, trials).exit_code()
            }
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::from(2)
            }
        }
    }

    /// One trial for each case, called `<target>::<suite>::<case>`. A case that needs a feature that the target does
    /// not claim is ignored.
    ///
    /// # Panics
    /// When the baseline, a pattern or a feature is wrong, or this build has no such revision.
    pub fn trials(self) -> Vec<Trial> {
        self.trials_for(&Arguments::default()).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The trials that [`libtest_mimic::run`] needs for these arguments. If they name one trial exactly, as a test
    /// runner does that starts a process for each trial, nothing is loaded that this trial does not need.
    ///
    /// # Errors
    /// What is wrong with the baseline, a pattern, a feature or the revision.
    pub fn trials_for(self, arguments: &Arguments) -> Result<Vec<Trial>, TrialsError> {
        prepare::trials(self, arguments)
    }
}

/// The Tokio runtime of every trial, and of every server that is started for a trial.
///
/// # Panics
/// When the system does not allow the files or the threads that it needs.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| multi_threaded().unwrap_or_else(|error| panic!("cannot start: {error}")))
}
