//! Whether a driver obeys the protocol: a handful of calls, each with what must come of it whatever
//! the SDK is. Nothing here judges the SDK.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::process::DriverCommand;
use super::protocol::Hello;
use super::run::{Options, Runner};
use crate::contract::{ErrorMeaning, Service};
use crate::report::reason;
use crate::run::Interrupt;
use crate::sdk::cases::{Body, ClientCase, ClientRequest, Fault, FaultAt, FaultHow, Step, standard_body};
use crate::sdk::judge::ClientJudge;
use crate::sdk::record::{OutcomeRecord, Phase, Record, Value};
use crate::text::foreign;
use crate::verdict::Verdict;
use crate::wire::is_password_name;

/// One thing that was checked of a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is claimed.
    pub claim: &'static str,
    /// What is wrong; nothing where the claim holds.
    pub fault: Option<String>,
}

/// Checks a driver; one finding for each claim.
pub async fn check(command: DriverCommand, judge: ClientJudge, isolated: bool) -> Vec<Finding> {
    let options = Options { jobs: 1, max_attempts: None, isolated };
    let runner = match Runner::start(command, judge, options).await {
        Ok(runner) => runner,
        Err(error) => {
            return vec![Finding { claim: "it says hello in the protocol's words", fault: Some(error.to_string()) }];
        }
    };
    let mut findings = vec![
        Finding { claim: "it says hello in the protocol's words", fault: None },
        Finding { claim: "its hello names what it can do", fault: fault_of_hello(runner.hello()) },
    ];
    for probe in PROBES {
        let case = Arc::new(probe.case());
        let mut fault = Some("it gave no result".to_owned());
        runner
            .run(&[case], &Interrupt::never(), |result| {
                fault = match (result.verdict, &result.record) {
                    (Verdict::NotApplicable, _) => None,
                    (Verdict::HarnessError | Verdict::Indeterminate, _) | (_, None) => {
                        Some(result.reason.as_ref().map_or_else(|| "there is no record".to_owned(), reason))
                    }
                    (_, Some(record)) => (probe.fault)(record),
                };
            })
            .await;
        findings.push(Finding { claim: probe.claim, fault });
    }
    findings
}

/// What is wrong with a hello that can be read.
fn fault_of_hello(hello: &Hello) -> Option<String> {
    let known = ["maxAttempts", "retryMode", "readTimeoutMs", "connectTimeoutMs", "validate"];
    if let Some(setting) = hello.config.iter().find(|name| !known.contains(&name.as_str())) {
        return Some(format!("expected settings among {}, found {setting}", known.join(", ")));
    }
    let known = ["requestId", "httpStatus", "sdkAttempts"];
    if let Some(report) = hello.reports.iter().find(|name| !known.contains(&name.as_str())) {
        return Some(format!("expected reports among {}, found {report}", known.join(", ")));
    }
    if !hello.inputs.contains_key("*") {
        return Some("expected an input \"*\", which says what becomes of unknown members".to_owned());
    }
    if hello.operations.is_empty() {
        return Some("expected at least one operation".to_owned());
    }
    let named = [&hello.driver, &hello.language, &hello.runtime, &hello.sdk, &hello.sdk_version];
    named.into_iter().any(String::is_empty).then(|| "expected a name and a version, found an empty text".to_owned())
}

/// A call and what must come of it in any driver.
struct Probe {
    claim: &'static str,
    calls: u32,
    same_client: bool,
    step: fn() -> Step,
    fault: fn(&Record) -> Option<String>,
}

impl Probe {
    fn case(&self) -> ClientCase {
        let resource = &Service::embedded().resources[0];
        let input = json!({ &resource.member: { "string": resource.sample } });
        let input = serde_json::from_value(input).expect("an input");
        let (calls, same_client) = (self.calls, self.same_client);
        let request =
            ClientRequest { input, calls, same_client, environment: BTreeMap::new(), ..ClientRequest::default() };
        ClientCase {
            id: "protocol/probe".to_owned(),
            title: self.claim.to_owned(),
            requirements: Vec::new(),
            request,
            script: vec![(self.step)()],
            expect: Vec::new(),
        }
    }
}

/// The name of an error that the service has.
fn error_name() -> &'static str {
    Service::embedded().error_that_means(ErrorMeaning::Invalid).map_or("", |(name, _)| name)
}

const PROBES: &[Probe] = &[
    Probe {
        claim: "an answer is a result, and the SDK asked the endpoint that it was given",
        calls: 1,
        same_client: false,
        step: Step::default,
        fault: |record| match record.outcomes.first() {
            _ if record.attempts != 1 => Some(format!("expected one request, {} arrived", record.attempts)),
            Some(OutcomeRecord::Result { result, .. }) => {
                let answered = serde_json::from_str::<BTreeMap<String, serde_json::Value>>(standard_body());
                let answered = answered.expect("the standard body is an object");
                let plain = answered.iter().find(|(name, value)| value.is_string() && !is_password_name(name));
                let (name, text) = plain.expect("the standard body has a text that is no secret");
                let found = result.get(name).map(|shown| &shown.value.value);
                let right = found == text.as_str().map(|text| Value::String(text.to_owned())).as_ref();
                (!right).then(|| format!("expected {name} in the result as it was answered"))
            }
            other => Some(format!("expected a result, found {}", other.map_or("nothing", OutcomeRecord::word))),
        },
    },
    Probe {
        claim: "an error of the service is an error of the phase service, with its code and message",
        calls: 1,
        same_client: false,
        step: || Step {
            status: 400,
            body: Some(Body::of_text(format!(r#"{{"__type":"{}","message":"boom"}}"#, error_name()))),
            ..Step::default()
        },
        fault: |record| match record.outcomes.first() {
            Some(OutcomeRecord::Error { error, .. }) if error.phase != Phase::Service => {
                Some(format!("expected the phase service, found {}", error.phase.word()))
            }
            Some(OutcomeRecord::Error { error, .. }) => {
                let code = error.code.as_deref();
                let expected = error_name();
                (code != Some(expected))
                    .then(|| format!("expected the code {expected}, found \"{}\"", foreign(code.unwrap_or_default())))
            }
            other => Some(format!("expected an error, found {}", other.map_or("nothing", OutcomeRecord::word))),
        },
    },
    Probe {
        claim: "a connection that breaks is an error, and no error of the service",
        calls: 1,
        same_client: false,
        step: || Step {
            fault: Some(Fault { at: FaultAt::Before, how: FaultHow::Reset, body_bytes: None }),
            ..Step::default()
        },
        fault: |record| match record.outcomes.first() {
            Some(OutcomeRecord::Error { error, .. }) => matches!(error.phase, Phase::Service | Phase::Client)
                .then(|| format!("expected the phase transport or connect, found {}", error.phase.word())),
            other => Some(format!("expected an error, found {}", other.map_or("nothing", OutcomeRecord::word))),
        },
    },
    Probe {
        claim: "several calls of one client are answered one after the other",
        calls: 3,
        same_client: true,
        step: Step::default,
        fault: |record| {
            let results =
                record.outcomes.iter().filter(|outcome| matches!(outcome, OutcomeRecord::Result { .. })).count();
            (results != 3).then(|| format!("expected three results, found {results}"))
        },
    },
];
