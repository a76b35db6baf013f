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

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;

use crate::contract::{Contract, Feature, Fixtures, Operation, Revision};
use crate::corpus::{Corpus, ExpandedCase};
use crate::judge::Judge;
use crate::report::{AskedCall, CauseText, FaultText, answer_text, meaning, reason};
use crate::run::runtime::multi_threaded;
use crate::run::{Interrupt, Session, random_seed};
use crate::targets::Target;
use crate::verdict::{CaseResult, ProbeOutcome, Reason, TargetClass, Verdict};

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

    /// The same trials, with an observer. Each trial calls `observe` with its record before it passes or fails. A trial
    /// that does not run its case makes no record, for example if the target does not have the operation or did not
    /// accept the control. A panic in `observe` fails the trial.
    #[must_use]
    pub fn observed_by(mut self, observe: impl Fn(&TrialRecord) + Send + Sync + 'static) -> Self {
        self.observe = Some(Arc::new(observe));
        self
    }

    /// Runs the trials that the command line selects, and returns the exit code of the test program.
    pub fn main(self) -> ExitCode {
        let arguments = Arguments::from_args();
        libtest_mimic::run(&arguments, self.trials()).exit_code()
    }

    /// One trial for each case, called `<target>::<suite>::<case>`. A case that needs a feature that
    /// the target does not claim is ignored.
    ///
    /// # Panics
    /// When the fixtures of this build are not valid, or have no such revision.
    pub fn trials(self) -> Vec<Trial> {
        let contract = Contract::load_in(&Fixtures::Embedded, self.revision);
        let contract = Arc::new(contract.unwrap_or_else(|error| panic!("{error}")));
        let corpus = Arc::new(Corpus::load(&Fixtures::Embedded, &contract).unwrap_or_else(|errors| panic!("{errors}")));
        let mut families: Vec<Vec<Arc<ExpandedCase>>> = Vec::new();
        let is_tried =
            |case: &&Arc<ExpandedCase>| self.every_operation || case.operation == contract.service.default_operation;
        for case in corpus.cases().iter().filter(is_tried) {
            match families.last_mut().filter(|family| family[0].case.id == case.case.id) {
                Some(family) => family.push(Arc::clone(case)),
                None => families.push(vec![Arc::clone(case)]),
            }
        }
        let shared = Arc::new(TrialContext {
            contract,
            corpus,
            start: self.start,
            observe: self.observe,
            session: OnceLock::new(),
        });
        let trial = |family: Vec<Arc<ExpandedCase>>| {
            let claimed = family[0].case.needs.iter().all(|need| self.features.contains(need));
            let name = format!("{}::{}", self.name, family[0].case.id.replace('/', "::"));
            let shared = Arc::clone(&shared);
            Trial::test(name, move || shared.run(&family)).with_ignored_flag(!claimed)
        };
        families.into_iter().map(trial).collect()
    }
}

struct TrialContext {
    contract: Arc<Contract>,
    corpus: Arc<Corpus>,
    start: Box<dyn Fn() -> Target + Send + Sync>,
    observe: Option<Observer>,
    session: OnceLock<Result<Session, String>>,
}

impl TrialContext {
    fn run(&self, family: &[Arc<ExpandedCase>]) -> Result<(), Failed> {
        let _entered = runtime().enter();
        let session = self.session.get_or_init(|| self.connect()).as_ref().map_err(Failed::from)?;
        let mut lines = String::new();
        let mut faults = String::new();
        let mut any_ran = false;
        for case in family {
            let result = runtime().block_on(session.run_case(Arc::clone(case), 0, &Interrupt::never()));
            let result = result.map_err(|interrupted| interrupted.to_string())?;
            any_ran |= result.runs > 0;
            record(&mut lines, case, &result);
            if result.verdict != Verdict::Pass {
                blame(&mut faults, case, &result, session);
            }
        }
        if let Some(observe) = self.observe.as_ref().filter(|_| any_ran) {
            let target = session.target().name.clone();
            let record = TrialRecord { target, case: family[0].case.id.clone(), lines };
            match catch_unwind(AssertUnwindSafe(|| observe(&record))) {
                Err(panic) if faults.is_empty() => resume_unwind(panic),
                // The panic has already printed its message; the faults of the case are reported beside it.
                Err(_) => faults.push_str("  besides, what was seen is not what it was compared with: see above\n"),
                Ok(()) => {}
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(faults.into()) }
    }

    fn connect(&self) -> Result<Session, String> {
        let target = (self.start)();
        let judge = Judge::new(Arc::clone(&self.contract)).map_err(|error| error.to_string())?;
        let jobs = target.jobs;
        Session::new(Arc::clone(&self.corpus), judge, target, random_seed(), jobs).map_err(|error| error.to_string())
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

fn record(lines: &mut String, case: &ExpandedCase, result: &CaseResult) {
    if let Some(member) = &case.member {
        let _ = write!(lines, "{member}: ");
    }
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let status = result.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let (error, media, body) = (or_dash(&result.error), or_dash(&result.media_type), or_dash(&result.body));
    let _ = writeln!(lines, "{status} {error} {media} {body}");
}

/// Writes why a case did not pass.
fn blame(faults: &mut String, case: &ExpandedCase, result: &CaseResult, session: &Session) {
    let _ = writeln!(faults, "{} is {}: {}", result.id, result.verdict, result.title);
    if let Some(because) = &result.reason {
        let _ = writeln!(faults, "  {}", reason(because));
    }
    let contract = session.contract();
    let is_turned_away = matches!(result.reason, Some(Reason::TurnedAway { .. }));
    if (result.verdict == Verdict::NotImplemented || is_turned_away)
        && let Some(operation) = contract.operation(&case.operation)
    {
        let ProbeOutcome { class, answer: target_answer, cause } =
            runtime().block_on(session.probe(operation, &Interrupt::never()));
        let service = &contract.service.signing_name.is;
        let _ = writeln!(
            faults,
            "  the target {}: {}",
            meaning(class, &operation.name.is, service),
            answer_text(&target_answer)
        );
        let Target { region, endpoint, .. } = session.target();
        let (region, endpoint) = (region.as_str(), endpoint.as_str());
        let asked = AskedCall { service, operation: &operation.name.is, region, endpoint };
        if let Some(cause) = cause {
            let _ = writeln!(faults, "  {}", CauseText::of(&cause, asked).sentences());
        }
        let _ = writeln!(faults, "  to do: {}", advice(class, operation, contract));
    }
    if result.verdict == Verdict::Indeterminate && !is_turned_away {
        let _ =
            writeln!(faults, "  to do: see whether the server at {} runs and answers", session.target().authority());
    }
    for violation in &result.violations {
        let text = contract.register.get(&violation.requirement).map_or("", |row| row.text.as_str());
        let _ = writeln!(faults, "  {} {text}", violation.requirement);
        let FaultText { at, expected, actual } = FaultText::of(violation);
        let _ = writeln!(faults, "    at {at}: expected {expected}, found {actual}");
    }
    if let Some(repro) = &result.repro {
        let _ = writeln!(faults, "  again: {repro}");
    }
}

/// What to do about a target whose answers cannot be judged.
fn advice(class: TargetClass, operation: &Operation, contract: &Contract) -> String {
    match class {
        TargetClass::RefusedCredentials => {
            "sign with credentials that it knows and for its region: Target::signed_by, or for a target that the \
             environment names AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, and COUNTERSIGN_REGION"
                .to_owned()
        }
        TargetClass::NoResource => {
            let resource = operation.resources(&contract.service).next();
            let (noun, name) = resource.map_or(("resource", "resource"), |of| (&*of.noun, &*of.placeholder));
            format!(
                "create the {noun} there, or name one that it has: Target::with_{name}(NAME), or for a target that \
                 the environment names COUNTERSIGN_{}",
                resource.map(|of| of.flag.to_uppercase().replace('-', "_")).unwrap_or_default()
            )
        }
        TargetClass::Answers
        | TargetClass::UnknownOperation
        | TargetClass::UnknownService
        | TargetClass::DeclaredNotImplemented
        | TargetClass::AnswersAllAlike
        | TargetClass::OwnJson
        | TargetClass::NotAws
        | TargetClass::WrongService
        | TargetClass::Redirect
        | TargetClass::ServerFault
        | TargetClass::Unreachable => format!(
            "check the endpoint, and that the service {} is switched on; otherwise the server does not have the operation",
            contract.service.signing_name.is
        ),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use wiremock::matchers::header;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;
    use crate::wire::Credentials;

    fn shared(target: Target) -> TrialContext {
        let contract = Arc::new(Contract::load(&Fixtures::Embedded).expect("the contract is valid"));
        let corpus = Arc::new(Corpus::load(&Fixtures::Embedded, &contract).expect("the corpus is valid"));
        let start = Box::new(move || target.clone());
        TrialContext { contract, corpus, start, observe: None, session: OnceLock::new() }
    }

    fn target(url: &str) -> Target {
        let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", "CANARY-secret");
        Target::at(url.parse().expect("a URL")).signed_by(credentials).having("workgroup", "wg-1")
    }

    fn aws(allowed: Option<&str>) -> Target {
        let target = target("https://redshift-serverless.eu-central-1.amazonaws.com")
            .in_region("eu-central-1".parse().expect("a region"));
        match allowed {
            Some(text) => target.allowing(text.parse().expect("what is allowed")),
            None => target,
        }
    }

    #[rstest]
    #[case::nothing_allowed(aws(None))]
    #[case::another_workgroup(aws(Some("123456789012/eu-central-1/wg-2")))]
    fn real_aws_is_refused_unless_it_is_allowed(#[case] target: Target) {
        let refusal = shared(target).connect().expect_err("nothing may be sent");
        assert!(refusal.contains("--allow-aws"), "{refusal}");
    }

    #[rstest]
    #[case::aws(aws(Some("123456789012/eu-central-1/wg-1")), 1)]
    #[case::elsewhere(target("http://localhost:4566"), 4)]
    #[case::said(target("http://localhost:4566").with_jobs(7), 7)]
    fn trials_ask_a_target_as_much_at_once_as_a_run_does(#[case] target: Target, #[case] jobs: usize) {
        let _entered = runtime().enter();
        assert_eq!(shared(target).connect().expect("a session").jobs(), jobs);
    }

    /// The message of a trial that fails against a server and whose observer panics too.
    fn failure(url: &str) -> String {
        let mut shared = shared(target(url));
        shared.observe = Some(Arc::new(|_| panic!("not the snapshot")));
        let case = Arc::clone(shared.corpus.get("success/workgroup-only").expect("there is this case"));
        let failed = shared.run(&[case]).expect_err("it cannot pass");
        failed.message().expect("it says why").to_owned()
    }

    const BESIDES: &str = "besides, what was seen is not what it was compared with";

    #[rstest]
    #[case::not_implemented(
        (501, "InternalFailure"),
        &["the target says that GetCredentials is not implemented: 501", "check the endpoint", "its own words about "]
    )]
    #[case::refused(
        (403, "UnrecognizedClientException"),
        &["the target refuses the credentials: 403", "sign with credentials that it knows", "its own words about "]
    )]
    #[case::no_workgroup(
        (400, "ResourceNotFoundException"),
        &["the target does not have what was named: 400", "create the workgroup there", "its own words about "]
    )]
    #[case::fault_beside_an_observer_that_fails((500, "InternalServerException"), &["found 500 ", BESIDES])]
    fn a_trial_that_fails_says_why_and_what_to_do(#[case] answer: (u16, &str), #[case] words: &[&str]) {
        let (status, error) = answer;
        let body = format!(r#"{{"__type":"{error}","message":"its own words about CANARY-secret"}}"#);
        let answer = ResponseTemplate::new(status).set_body_raw(body, "application/x-amz-json-1.1");
        let server = runtime().block_on(MockServer::start());
        let operation = header("x-amz-target", "RedshiftServerless.GetCredentials");
        runtime().block_on(Mock::given(operation).respond_with(answer).mount(&server));
        let message = failure(&server.uri());
        for words in words.iter().chain([&error]) {
            assert!(message.contains(words), "no \"{words}\" in {message}");
        }
        assert!(!message.contains("CANARY"), "{message}");
        // If the case did not run, the observer is not called.
        assert_eq!(message.contains(BESIDES), words.contains(&BESIDES), "{message}");
    }

    #[test]
    fn a_trial_that_got_no_answer_says_which_server_to_look_at() {
        // A port that was free a moment ago.
        let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port");
        let message = failure(&format!("http://{closed}"));
        let advice = format!("to do: see whether the server at {closed} runs and answers");
        assert!(message.contains("cannot connect") && message.contains(&advice), "{message}");
    }
}
