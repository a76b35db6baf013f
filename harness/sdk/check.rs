//! Whether a driver obeys the protocol: a few calls, each with a result that must hold for any SDK. Nothing here judges
//! the SDK.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::process::DriverCommand;
use super::protocol::Hello;
use super::run::{Runner, RunnerOptions};
use crate::contract::{ErrorMeaning, Service};
use crate::report::reason;
use crate::run::Interrupt;
use crate::sdk::cases::{
    ClientCase, ClientRequest, EndpointKind, FaultAt, FaultHow, ScriptedBody, ScriptedFault, Step, standard_body,
};
use crate::sdk::judge::ClientJudge;
use crate::sdk::record::{ErrorRecord, OutcomeRecord, Phase, Record, Value};
use crate::text::foreign;
use crate::verdict::Verdict;
use crate::wire::is_password_name;

/// One check of a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriverCheck {
    /// What is claimed.
    pub claim: &'static str,
    /// What is wrong; `None` if the claim holds.
    pub fault: Option<String>,
}

/// Checks a driver; one finding for each claim.
pub async fn check(command: DriverCommand, judge: ClientJudge, isolated: bool) -> Vec<DriverCheck> {
    let options = RunnerOptions { jobs: 1, max_attempts: None, isolated, tls: false };
    let runner = match Runner::start(command, judge, options).await {
        Ok(runner) => runner,
        Err(error) => {
            return vec![DriverCheck {
                claim: "it says hello in the protocol's words",
                fault: Some(error.to_string()),
            }];
        }
    };
    let mut findings = vec![
        DriverCheck { claim: "it says hello in the protocol's words", fault: None },
        DriverCheck { claim: "its hello names what it can do", fault: fault_of_hello(runner.hello()) },
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
                    (_, Some(record)) => (probe.check)(record).err(),
                };
            })
            .await;
        findings.push(DriverCheck { claim: probe.claim, fault });
    }
    findings
}

/// What is wrong with a readable hello; `None` if nothing is.
fn fault_of_hello(hello: &Hello) -> Option<String> {
    let settings = &[
        "maxAttempts",
        "retryMode",
        "readTimeoutMs",
        "connectTimeoutMs",
        "requestTimeoutMs",
        "throwOnRequestTimeout",
        "validate",
    ][..];
    let reports = &["requestId", "httpStatus", "sdkAttempts"][..];
    for (what, known_names, claimed) in [("settings", settings, &hello.config), ("reports", reports, &hello.reports)] {
        if let Some(name) = claimed.iter().find(|name| !known_names.contains(&name.as_str())) {
            return Some(format!("expected {what} among {}, found {name}", known_names.join(", ")));
        }
    }
    if !hello.inputs.contains_key("*") {
        return Some("expected an input \"*\", which says what becomes of unknown members".to_owned());
    }
    if hello.operations.is_empty() {
        return Some("expected at least one operation".to_owned());
    }
    let texts = [&hello.driver, &hello.language, &hello.runtime, &hello.sdk, &hello.sdk_version];
    texts.into_iter().any(String::is_empty).then(|| "expected a name and a version, found an empty text".to_owned())
}

/// Calls of one client, and what their record must show with any driver.
struct ProtocolProbe {
    claim: &'static str,
    calls: u32,
    step: fn() -> Step,
    check: fn(&Record) -> Result<(), String>,
}

impl ProtocolProbe {
    fn case(&self) -> ClientCase {
        let resource = &Service::embedded().resources[0];
        let input = json!({ &resource.member: { "string": resource.sample } });
        let input = serde_json::from_value(input).expect("an input");
        let (calls, same_client) = (self.calls, self.calls > 1);
        ClientCase {
            id: "protocol/probe".to_owned(),
            title: self.claim.to_owned(),
            requirements: Vec::new(),
            request: ClientRequest { input, calls, same_client, ..ClientRequest::default() },
            server: EndpointKind::default(),
            script: vec![(self.step)()],
            expect: Vec::new(),
        }
    }
}

fn error_name() -> &'static str {
    Service::embedded().error_that_means(ErrorMeaning::Invalid).map_or("", |(name, _)| name)
}

fn error(record: &Record) -> Result<&ErrorRecord, String> {
    match record.outcomes.first() {
        Some(OutcomeRecord::Error { error, .. }) => Ok(error),
        other => Err(format!("expected an error, found {}", other.map_or("nothing", OutcomeRecord::word))),
    }
}

fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

const PROBES: &[ProtocolProbe] = &[
    ProtocolProbe {
        claim: "an answer is a result, and the SDK asked the endpoint that it was given",
        calls: 1,
        step: Step::default,
        check: |record| match record.outcomes.first() {
            _ if record.attempts != 1 => Err(format!("expected one request, {} arrived", record.attempts)),
            Some(OutcomeRecord::Result { result, .. }) => {
                let answered = serde_json::from_str::<BTreeMap<String, serde_json::Value>>(standard_body());
                let answered = answered.expect("the standard body is an object");
                let plain = answered.iter().find(|(name, value)| value.is_string() && !is_password_name(name));
                let (name, text) = plain.expect("the standard body has a text that is no secret");
                let found = result.get(name).map(|shown| &shown.value.value);
                let right = found == text.as_str().map(|text| Value::String(text.to_owned())).as_ref();
                expect(right, || format!("expected {name} in the result as it was answered"))
            }
            other => Err(format!("expected a result, found {}", other.map_or("nothing", OutcomeRecord::word))),
        },
    },
    ProtocolProbe {
        claim: "an error of the service is an error of the phase service, with its code and message",
        calls: 1,
        step: || Step {
            status: 400,
            body: Some(ScriptedBody::of_text(format!(r#"{{"__type":"{}","message":"boom"}}"#, error_name()))),
            ..Step::default()
        },
        check: |record| {
            let ErrorRecord { phase, code, .. } = error(record)?;
            expect(*phase == Phase::Service, || format!("expected the phase service, found {}", phase.word()))?;
            let (code, expected) = (code.as_deref().unwrap_or_default(), error_name());
            expect(code == expected, || format!("expected the code {expected}, found \"{}\"", foreign(code)))
        },
    },
    ProtocolProbe {
        claim: "a connection that breaks is an error, and no error of the service",
        calls: 1,
        step: || Step {
            fault: Some(ScriptedFault { at: FaultAt::Before, how: FaultHow::Reset, body_bytes: None }),
            ..Step::default()
        },
        check: |record| {
            let phase = error(record)?.phase;
            let broken = !matches!(phase, Phase::Service | Phase::Client);
            expect(broken, || format!("expected the phase transport or connect, found {}", phase.word()))
        },
    },
    ProtocolProbe {
        claim: "several calls of one client are answered one after the other",
        calls: 3,
        step: Step::default,
        check: |record| {
            let is_result = |outcome: &&OutcomeRecord| matches!(outcome, OutcomeRecord::Result { .. });
            let results = record.outcomes.iter().filter(is_result).count();
            expect(results == 3, || format!("expected three results, found {results}"))
        },
    },
];
