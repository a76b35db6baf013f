//! Runs a trial: the members of its family at the target, judged, and held against the baseline.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::civil::Date;
use libtest_mimic::{Completion, Failed};

use super::advice::advice;
use super::{Observer, TrialRecord, runtime};
use crate::contract::{Contract, Feature};
use crate::corpus::{Corpus, ExpandedCase};
use crate::judge::Judge;
use crate::report::{Baseline, is_problem, reason, trial_failure};
use crate::run::{Described, Interrupt, Session, random_seed};
use crate::targets::Target;
use crate::text::escape;
use crate::verdict::{CaseResult, Verdict};

const NOT_AS_COMPARED: &str = "  besides, what was seen is not what it was compared with: see above\n";

/// What the trials of a target share.
pub(super) struct TrialContext {
    pub(super) contract: Arc<Contract>,
    pub(super) corpus: Arc<Corpus>,
    pub(super) start: Box<dyn Fn() -> Target + Send + Sync>,
    pub(super) features: BTreeSet<Feature>,
    pub(super) wait: Option<Duration>,
    /// The known failures, and the day on which their entries must not have expired.
    pub(super) baseline: Option<(Baseline, Date)>,
    pub(super) observe: Option<Observer>,
    /// The session; made when the first trial runs.
    pub(super) session: OnceLock<Result<Session, String>>,
}

impl TrialContext {
    /// Runs the cases of a family. The trial completes if all of them pass; it is ignored if some of them fail as the
    /// baseline says, or if the target turns out not to have what they are about.
    pub(super) fn run(&self, family: &[Arc<ExpandedCase>]) -> Result<Completion, Failed> {
        let _entered = runtime().enter();
        let session = self.session.get_or_init(|| self.connect()).as_ref().map_err(Failed::from)?;
        let mut lines = String::new();
        let mut results = Vec::with_capacity(family.len());
        for case in family {
            let result = runtime().block_on(session.run_case(Arc::clone(case), 0, &Interrupt::never()));
            let mut result = result.map_err(|interrupted| interrupted.to_string())?;
            record(&mut lines, case, &result);
            if let Some((baseline, today)) = &self.baseline {
                baseline.apply(&mut result, *today);
            }
            results.push(result);
        }
        let mut failure = self.failure(&results, &family[0].operation, session);
        let any_ran = results.iter().any(|result| result.runs > 0);
        if let Some(observe) = self.observe.as_ref().filter(|_| any_ran) {
            let target = session.target().name.clone();
            let record = TrialRecord { target, case: family[0].case.id.clone(), lines };
            match catch_unwind(AssertUnwindSafe(|| observe(&record))) {
                Ok(()) => {}
                // The panic has already printed its message; the faults of the case are reported beside it.
                Err(panic) => match &mut failure {
                    Some(failure) => failure.push_str(NOT_AS_COMPARED),
                    None => resume_unwind(panic),
                },
            }
        }
        failure.map_or_else(|| Ok(completion(&results)), |failure| Err(failure.into()))
    }

    /// Why a trial fails; `None` if it does not.
    fn failure(&self, results: &[CaseResult], operation: &str, session: &Session) -> Option<String> {
        if !results.iter().any(|result| is_problem(result.verdict)) {
            return None;
        }
        let mut failure = trial_failure(results.to_vec(), &self.contract.register);
        let operation = self.contract.operation(operation).unwrap_or(self.contract.default_operation());
        failure.push_str(&runtime().block_on(advice(results, operation, session)));
        Some(failure)
    }

    pub(super) fn connect(&self) -> Result<Session, String> {
        let mut target = (self.start)();
        target.features.extend(&self.features);
        target.wait = self.wait.unwrap_or(target.wait);
        let judge = Judge::new(Arc::clone(&self.contract)).map_err(|error| error.to_string())?;
        let jobs = target.jobs;
        let session = Session::new(Arc::clone(&self.corpus), judge, target, random_seed(), jobs);
        // An observer hears of every answer, and the report of a failure shows those that are wrong.
        let described = if self.observe.is_some() { Described::All } else { Described::Findings };
        session.map(|session| session.describing(described)).map_err(|error| error.to_string())
    }
}

/// What a trial that does not fail comes to.
fn completion(results: &[CaseResult]) -> Completion {
    let of = |verdict: Verdict| results.iter().filter(move |result| result.verdict == verdict);
    let because = |result: &CaseResult| result.reason.as_ref().map_or_else(String::new, |of| escape(&reason(of)));
    let known = of(Verdict::KnownFail).count();
    if let Some(first) = of(Verdict::KnownFail).next() {
        let some =
            if known < results.len() { format!(" of {known} of {} cases", results.len()) } else { String::new() };
        return Completion::ignored_with(format!("known failure{some}: {}", because(first)));
    }
    match of(Verdict::NotApplicable).next() {
        Some(first) if of(Verdict::NotApplicable).count() == results.len() => Completion::ignored_with(because(first)),
        _ => Completion::Completed,
    }
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

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use wiremock::matchers::{any, header};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;
    use crate::contract::Fixtures;
    use crate::wire::Credentials;

    fn context(target: Target) -> TrialContext {
        let contract = Arc::new(Contract::load(&Fixtures::Embedded).expect("the contract is valid"));
        let corpus = Arc::new(Corpus::load(&Fixtures::Embedded, &contract).expect("the corpus is valid"));
        let start = Box::new(move || target.clone());
        let (features, session) = (BTreeSet::from([Feature::CORE]), OnceLock::new());
        TrialContext { contract, corpus, start, features, wait: None, baseline: None, observe: None, session }
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
        let refusal = context(target).connect().expect_err("nothing may be sent");
        assert!(refusal.contains("--allow-aws"), "{refusal}");
    }

    #[rstest]
    #[case::aws(aws(Some("123456789012/eu-central-1/wg-1")), 1)]
    #[case::elsewhere(target("http://localhost:4566"), 4)]
    #[case::said(target("http://localhost:4566").with_jobs(7), 7)]
    fn trials_ask_a_target_as_much_at_once_as_a_run_does(#[case] target: Target, #[case] jobs: usize) {
        let _entered = runtime().enter();
        assert_eq!(context(target).connect().expect("a session").jobs(), jobs);
    }

    /// The message of a trial that fails against a server and whose observer panics too.
    fn failure(url: &str) -> String {
        let mut context = context(target(url));
        context.observe = Some(Arc::new(|_| panic!("not the snapshot")));
        let case = Arc::clone(context.corpus.get("success/workgroup-only").expect("there is this case"));
        let failed = context.run(&[case]).err().expect("it cannot pass");
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

    /// A server that gives this answer to everything.
    fn server(status: u16, body: &str) -> MockServer {
        let server = runtime().block_on(MockServer::start());
        let answer = ResponseTemplate::new(status).set_body_raw(body, "application/x-amz-json-1.1");
        runtime().block_on(Mock::given(any()).respond_with(answer).mount(&server));
        server
    }

    /// A right success, whatever was asked for.
    fn success() -> String {
        let now = jiff::Timestamp::now().as_second();
        let (expiration, refresh) = (now + 900, now + 800);
        format!(
            r#"{{"dbUser":"IAM:CANARY","dbPassword":"CANARY-password","expiration":{expiration},"nextRefreshTime":{refresh}}}"#
        )
    }

    /// What the trial of a case comes to at a server that takes everything, with these entries in the baseline.
    fn with_baseline(case: &str, entries: &[serde_json::Value]) -> Result<Option<String>, String> {
        let server = server(200, &success());
        let mut context = context(target(&server.uri()));
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let baseline = serde_json::json!({ "version": 1, "entries": entries });
        std::fs::write(file.path(), baseline.to_string()).expect("it can be written");
        let baseline = Baseline::load(file.path()).expect("a good baseline");
        context.baseline = Some((baseline, jiff::civil::date(2026, 11, 27)));
        let family: Vec<_> = context.corpus.family(case).map(Arc::clone).collect();
        match context.run(&family) {
            Ok(Completion::Completed) => Ok(None),
            Ok(Completion::Ignored { reason }) => Ok(reason),
            Err(failed) => Err(failed.message().expect("it says why").to_owned()),
        }
    }

    fn entry(pattern: &str, expires: &str) -> serde_json::Value {
        serde_json::json!({ "pattern": pattern, "reason": "takes everything", "issue": "#7", "expires": expires })
    }

    const FAILS: &str = "errors/unknown-workgroup";

    #[rstest]
    #[case::a_case(FAILS, "errors", "known failure: takes everything (#7)")]
    #[case::a_family(
        "parameters/duration-outside",
        "parameters/duration-outside",
        "known failure: takes everything (#7)"
    )]
    fn a_known_failure_fails_nothing_and_says_why(#[case] case: &str, #[case] pattern: &str, #[case] reason: &str) {
        assert_eq!(with_baseline(case, &[entry(pattern, "2026-11-27")]), Ok(Some(reason.to_owned())));
    }

    #[test]
    fn an_expired_excuse_excuses_nothing() {
        let message = with_baseline(FAILS, &[entry("errors", "2026-11-26")]).expect_err("it fails");
        let expected = "the baseline's excuse \"takes everything (#7)\" expired on 2026-11-26";
        assert!(message.contains(expected), "{message}");
    }

    #[test]
    fn stale_baseline_entry_fails_the_trial() {
        let message = with_baseline("success/workgroup-only", &[entry("success", "2026-11-27")]).expect_err("stale");
        for words in ["it passes, and the entry \"success\" of ", "still says that it fails; remove the entry"] {
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn the_excuse_of_one_member_does_not_excuse_the_others() {
        let case = "parameters/duration-outside";
        let message = with_baseline(case, &[entry("parameters/duration-outside/899", "2026-11-27")]);
        let message = message.expect_err("the others fail");
        assert!(message.contains("; in 5 of 6 cases: -1, 0, 3601, "), "{message}");
    }

    #[test]
    fn a_failure_says_what_a_run_says_with_the_request_in_place_of_a_command() {
        let message = with_baseline("parameters/duration-outside", &[]).expect_err("it fails");
        let expected = [
            "fail GC-DUR-02 (must, documented): ",
            "  source: ",
            "  expected 400 ValidationException",
            "; in all 6 cases: -1, 0, 899, 3601, 86400, 2147483647",
            "  the request was (-1): POST / {\"workgroupName\":\"wg-1\",\"durationSeconds\":-1}",
        ];
        for words in expected {
            assert!(message.contains(words), "no \"{words}\" in {message}");
        }
        assert!(!message.contains("curl") && !message.contains("CANARY"), "{message}");
        // A name, two empty lines and a line in the list of failures come with it: eleven are at most 120 lines.
        assert!(message.lines().count() <= 6, "{message}");
    }

    #[test]
    fn a_feature_that_trials_claim_and_a_wait_are_the_targets() {
        let mut context = context(target("http://localhost:4566"));
        context.features.insert(Feature::SIGNATURE);
        context.wait = Some(Duration::from_secs(7));
        let _entered = runtime().enter();
        let session = context.connect().expect("a session");
        assert!(session.target().features.contains(&Feature::SIGNATURE));
        assert_eq!(session.target().wait, Duration::from_secs(7));
    }
}
