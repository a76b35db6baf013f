//! Running client cases: several processes of one driver side by side, a scripted server for each
//! case, a record and a verdict for each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use futures_util::{StreamExt, stream};

use super::normalise::Normaliser;
use super::planted_secrets::{ACCESS_KEY_ID, Planted, SECRET_ACCESS_KEY};
use super::process::{DriverCommand, DriverError, DriverProcess, StartedWith};
use super::protocol::{CallCredentials, CallOutcome, DriverCall, Hello, InputKind};
use super::{observe, warnings};
use crate::contract::Side;
use crate::judge::Judgement;
use crate::report::DriverEvent;
use crate::run::Interrupt;
use crate::sdk::cases::{CA, ClientCase, DECOY, EndpointKind, MaxAttempts, PROXY, Places, SdkClientConfig};
use crate::sdk::judge::ClientJudge;
use crate::sdk::record::{Loss, OutcomeRecord, Record, Timing, Value};
use crate::sdk::script::{Certificates, ScriptServer, ScriptSetup};
use crate::verdict::{CaseResult, Reason, Verdict};

/// How client cases are run.
#[derive(Clone, Copy, Debug)]
pub struct RunnerOptions {
    /// How many cases run at a time, each with a process of the driver.
    pub jobs: usize,
    /// The number of attempts for every case, instead of the case's own; the expectations of a case that wants another
    /// number are then ignored.
    pub max_attempts: Option<u32>,
    /// Whether this process, and so the driver's, has no network device but loopback.
    pub isolated: bool,
    /// Whether cases that ask the scripted server over HTTP ask it over TLS instead.
    pub tls: bool,
}

/// Runs client cases on one SDK.
pub struct Runner {
    command: DriverCommand,
    judge: ClientJudge,
    options: RunnerOptions,
    hello: Hello,
    driver: DriverEvent,
    idle: Mutex<Vec<DriverProcess>>,
    certificates: Certificates,
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The drivers hold secrets.
        f.debug_struct("Runner").field("command", &self.command).finish_non_exhaustive()
    }
}

/// What is known of a case that was run, before it is judged.
struct Observed {
    record: Record,
    timing: Timing,
    /// Why an outcome is lost.
    loss: Option<String>,
}

impl Runner {
    /// Starts the driver for the first time and reads its hello.
    ///
    /// # Errors
    /// When it cannot be started or does not say hello.
    pub async fn start(
        command: DriverCommand,
        judge: ClientJudge,
        options: RunnerOptions,
    ) -> Result<Self, DriverError> {
        let certificates = Certificates::new().map_err(|error| DriverError::Start {
            command: command.to_string(),
            problem: format!("no certificates can be made for the servers: {error}"),
        })?;
        let with = StartedWith {
            environment: trust(options.tls),
            profile: None,
            authority: options.tls.then_some(&certificates.authority),
        };
        let first = DriverProcess::start(&command, &with, Arc::new(Planted::of([]))).await?;
        let hello = first.hello.clone();
        let driver = describe(hello.clone(), &options);
        Ok(Self { command, judge, options, hello, driver, idle: Mutex::new(vec![first]), certificates })
    }

    pub(super) fn hello(&self) -> &Hello {
        &self.hello
    }

    /// The SDK that is run.
    pub fn driver(&self) -> &DriverEvent {
        &self.driver
    }

    /// Runs cases and reports the results in the order of the cases, each as soon as it and all before it are known.
    /// Returns whether all were run.
    ///
    /// An interruption ends the drivers and their cases.
    pub async fn run(
        &self,
        cases: &[Arc<ClientCase>],
        interrupt: &Interrupt,
        mut report: impl FnMut(CaseResult),
    ) -> bool {
        let planted = &Arc::new(Planted::of(cases.iter().map(Arc::as_ref)));
        // Cases that wait for a long time begin first, so that the others run meanwhile.
        let mut order: Vec<(usize, &Arc<ClientCase>)> = cases.iter().enumerate().collect();
        order.sort_by_key(|(_, case)| std::cmp::Reverse(self.expected_wait(case)));
        let mut results = stream::iter(order)
            .map(|(place, case)| async move { (place, self.run_case(case, planted).await) })
            .buffer_unordered(self.options.jobs.max(1));
        let mut early: BTreeMap<usize, CaseResult> = BTreeMap::new();
        let mut next = 0;
        loop {
            let result = tokio::select! {
                result = results.next() => result,
                () = interrupt.wait() => return false,
            };
            let Some((place, result)) = result else { return next == cases.len() };
            early.insert(place, result);
            while let Some(result) = early.remove(&next) {
                next += 1;
                report(result);
            }
        }
    }

    /// A rough measure of how long a case takes, without a unit: more attempts wait longer.
    fn expected_wait(&self, case: &ClientCase) -> u64 {
        let config = self.config_of(case);
        let attempts = u64::from(config.max_attempts.count().unwrap_or(5).saturating_sub(1));
        let scripted: u64 = case.script.iter().map(|step| step.delay_ms).sum();
        attempts * 1000 * u64::from(case.request.calls) + scripted + config.read_timeout_ms.unwrap_or_default()
    }

    /// The settings that a case is run with.
    fn config_of(&self, case: &ClientCase) -> SdkClientConfig {
        let mut config = case.request.config.clone();
        if let Some(count) = self.options.max_attempts {
            config.max_attempts = MaxAttempts::Count(count);
        }
        // If the driver cannot set the number of attempts that a case has by default, the SDK's own number is used.
        if config.max_attempts == MaxAttempts::default() && !self.hello.config.iter().any(|name| name == "maxAttempts")
        {
            config.max_attempts = MaxAttempts::Default(crate::sdk::cases::DefaultWord::Default);
        }
        config
    }

    /// What stands at the endpoint of a case in this run.
    fn kind_of(&self, case: &ClientCase) -> EndpointKind {
        if self.options.tls && case.server == EndpointKind::Http { EndpointKind::Https } else { case.server }
    }

    /// Whether the driver of a case is told to trust the authority of the run. A case that is about TLS says for itself
    /// whom it trusts.
    fn trusts(&self, case: &ClientCase) -> bool {
        self.options.tls && !case.server.is_tls()
    }

    /// Whether the driver has to be started for a case alone.
    fn needs_own_process(&self, case: &ClientCase) -> bool {
        case.request.needs_own_process() || self.trusts(case) != self.options.tls
    }

    async fn run_case(&self, case: &ClientCase, planted: &Arc<Planted>) -> CaseResult {
        let start = Instant::now();
        let mut result = CaseResult::blank(&case.id, case.suite(), Side::Client, &case.title, &case.requirements);
        let ran = match self.refusal(case) {
            Some(words) => Err((Verdict::NotApplicable, words)),
            None => self.observe(case, planted).await,
        };
        match ran {
            Ok(Observed { record, timing, loss }) => {
                self.conclude(case, &record, loss, &mut result);
                result.record = Some(Box::new(record));
                result.timing = Some(Box::new(timing));
            }
            Err((verdict, words)) => {
                result.verdict = verdict;
                result.reason = Some(Reason::Told { words });
                result.runs = u32::from(verdict != Verdict::NotApplicable);
            }
        }
        result.duration_ms = start.elapsed().as_secs_f64() * 1000.0;
        result
    }

    /// Puts the judgement of a record into the result.
    fn conclude(&self, case: &ClientCase, record: &Record, loss: Option<String>, result: &mut CaseResult) {
        // With another number of attempts the expectations do not apply; only the rules on requests do.
        let changed = self.options.max_attempts.is_some() && self.config_of(case) != case.request.config;
        let expect = if changed { Vec::new() } else { case.expect.clone() };
        let judgement = self.judge.judge(&ClientCase { expect, ..case.clone() }, record, &self.driver);
        let Judgement { verdict, reason, violations, warnings, decided, undecided } = judgement;
        (result.verdict, result.violations, result.warnings) = (verdict, violations, warnings);
        result.decided = decided.into_iter().collect();
        result.undecided = undecided.into_iter().collect();
        result.reason = loss.map(|words| Reason::Told { words }).or(reason);
        match record.outcomes.last() {
            Some(OutcomeRecord::Result { meta, .. }) => result.status = meta.http_status,
            Some(OutcomeRecord::Error { error, meta }) => {
                result.status = error.http_status.or(meta.http_status);
                result.error = error.code.clone().or_else(|| Some(error.class.clone()));
            }
            Some(OutcomeRecord::Lost { .. }) | None => {}
        }
    }

    /// Why this driver cannot run a case; `None` if it can.
    fn refusal(&self, case: &ClientCase) -> Option<String> {
        let driver = &self.hello.driver;
        let operation = &self.judge.contract().default_operation().name.is;
        if !self.hello.operations.contains(operation) {
            return Some(format!("the driver {driver} cannot call {operation}"));
        }
        if case.request.endpoint.is_none() && !self.options.isolated {
            let why = "an SDK that finds no endpoint would call AWS, and no network of its own can be made for it here";
            return Some(why.to_owned());
        }
        if case.server == EndpointKind::Unresolvable && !self.options.isolated {
            let why =
                "the name would be asked for outside this machine, and no network of its own can be made for it here";
            return Some(why.to_owned());
        }
        if self.kind_of(case).is_tls() && !self.hello.tls {
            return Some(format!("the driver {driver} cannot speak TLS"));
        }
        let config = serde_json::to_value(self.config_of(case)).unwrap_or_default();
        let mut settings = config.as_object().into_iter().flat_map(serde_json::Map::keys);
        if let Some(setting) = settings.find(|setting| !self.hello.config.contains(setting)) {
            return Some(format!("the driver {driver} cannot set {setting}"));
        }
        for (name, value) in case.request.input.iter() {
            let kind = self.hello.inputs.get(name).or_else(|| self.hello.inputs.get("*"));
            if let Some(kind) = kind.filter(|kind| !expresses(**kind, &value.value)) {
                let found = value.value.kind();
                return Some(format!("{driver} cannot express this {found} in {name}, which is {}", kind.word()));
            }
        }
        None
    }

    /// Makes the calls of a case against its scripted server. An error is the verdict on a case that was not run, and
    /// the reason.
    async fn observe(&self, case: &ClientCase, planted: &Arc<Planted>) -> Result<Observed, (Verdict, String)> {
        let request = &case.request;
        let kind = self.kind_of(case);
        let setup = ScriptSetup {
            tls: self.certificates.acceptor(kind),
            closed: matches!(kind, EndpointKind::Closed | EndpointKind::Unresolvable),
            decoy: request.mentions(DECOY),
            proxy: request.mentions(PROXY),
        };
        let server = ScriptServer::start(case.script.clone(), setup)
            .await
            .map_err(|error| (Verdict::Indeterminate, format!("the scripted server cannot listen: {error}")))?;
        let port = |address: std::net::SocketAddr| address.port();
        let (decoy, proxy) = (server.decoy.map(port), server.proxy.map(port));
        let places = Places { kind, endpoint: port(server.endpoint), decoy, proxy };
        let trusts = self.trusts(case);
        let mut environment = trust(trusts);
        environment.extend(request.environment.iter().map(|(name, text)| (name.clone(), places.fill(text))));
        let with = StartedWith {
            environment,
            profile: request.profile.as_deref().map(|text| places.fill(text)),
            authority: (trusts || request.mentions(CA)).then_some(&self.certificates.authority),
        };
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop_if(|_| !self.needs_own_process(case));
        let mut process = match idle {
            Some(process) => Ok(process),
            None => DriverProcess::start(&self.command, &with, Arc::clone(planted)).await,
        }
        .map_err(|error| (Verdict::Indeterminate, error.to_string()))?;
        process.planted = Arc::clone(planted);

        let normaliser = Normaliser::new(case, &places, process.home.path(), planted);
        let mut outcomes = Vec::new();
        let mut calls_ms = Vec::new();
        let mut loss = None;
        for number in 1..=request.calls {
            server.begin_call(outcomes.len() + 1);
            let call = self.call(case, number, request.endpoint.as_deref().map(|text| places.fill(text)));
            let start = Instant::now();
            match process.call(&call).await {
                Ok(CallOutcome::Unsupported { reason, .. }) => {
                    self.give_back(case, process);
                    let reason = planted.masker.quote(&reason);
                    return Err((Verdict::NotApplicable, format!("the driver {}: {reason}", self.hello.driver)));
                }
                Ok(CallOutcome::Result { result, meta, .. }) => {
                    let (result, meta) = (normaliser.members(result), normaliser.meta(meta));
                    outcomes.push(OutcomeRecord::Result { result, meta });
                }
                Ok(CallOutcome::Error { error, meta, .. }) => {
                    let (error, meta) = (normaliser.error(error), normaliser.meta(meta));
                    outcomes.push(OutcomeRecord::Error { error, meta });
                }
                Err(error) => {
                    loss = Some(error.to_string());
                    let reason = match error {
                        DriverError::Broken { loss, .. } => loss,
                        DriverError::Start { .. } => Loss::Died,
                    };
                    outcomes.push(OutcomeRecord::Lost { reason });
                }
            }
            calls_ms.push((start.elapsed().as_secs_f64() * 1_000_000.0).round() / 1000.0);
            if loss.is_some() {
                break;
            }
        }
        // A driver that lost a call is ended; the next case gets a fresh one.
        let warnings = match loss {
            Some(_) => Vec::new(),
            None if request.needs_own_process() => warnings::of(&process.finish().await, &normaliser),
            None => {
                self.give_back(case, process);
                Vec::new()
            }
        };
        let arrivals = server.arrivals();
        let record = Record {
            outcomes,
            attempts: arrivals.len(),
            invocation_ids: observe::invocation_ids(&arrivals),
            requests: observe::requests(&arrivals, &normaliser),
            tunnels: server.tunnels().iter().map(|line| normaliser.text(line)).collect(),
            warnings,
        };
        let timing = observe::timing(&arrivals, server.connections(), calls_ms);
        Ok(Observed { record, timing, loss })
    }

    fn call(&self, case: &ClientCase, number: u32, endpoint: Option<String>) -> DriverCall {
        let request = &case.request;
        DriverCall {
            id: if number == 1 { case.id.clone() } else { format!("{}#{number}", case.id) },
            operation: self.judge.contract().default_operation().name.is.clone(),
            endpoint,
            region: request.region.clone(),
            credentials: CallCredentials {
                access_key_id: ACCESS_KEY_ID.to_owned(),
                secret_access_key: SECRET_ACCESS_KEY.to_owned(),
                session_token: request.session_token.clone(),
            },
            input: request.input.clone(),
            config: self.config_of(case),
            deadline_ms: request.deadline_ms,
            reuse: (request.same_client && request.calls > 1).then(|| case.id.clone()),
        }
    }

    /// Keeps a process for the next case, unless it was started for this case alone.
    fn give_back(&self, case: &ClientCase, process: DriverProcess) {
        if !self.needs_own_process(case) {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(process);
        }
    }
}

/// The variables by which SDKs are told to trust the authority of a run, each in its language; none if the run is not
/// over TLS.
fn trust(tls: bool) -> BTreeMap<String, String> {
    let names = ["AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"];
    names.into_iter().filter(|_| tls).map(|name| (name.to_owned(), CA.to_owned())).collect()
}

/// Whether a language can express a value of a member that has this type.
fn expresses(kind: InputKind, value: &Value) -> bool {
    match (kind, value) {
        (InputKind::String, value) => matches!(value, Value::String(_)),
        (InputKind::Int32, Value::Integer(text)) => text.parse::<i32>().is_ok(),
        (InputKind::Int64, Value::Integer(text)) => text.parse::<i64>().is_ok(),
        (InputKind::Int32 | InputKind::Int64 | InputKind::Inexpressible, _) => false,
        (InputKind::Dynamic | InputKind::Pass | InputKind::Drop | InputKind::Reject, _) => true,
    }
}

fn describe(hello: Hello, options: &RunnerOptions) -> DriverEvent {
    let RunnerOptions { isolated, tls, .. } = *options;
    let Hello { driver, language, runtime, sdk, sdk_version, deps, config, inputs, reports, outputs, typed, .. } =
        hello;
    let inputs = inputs.into_iter().map(|(name, kind)| (name, kind.word())).collect();
    DriverEvent {
        driver,
        language,
        runtime,
        sdk,
        sdk_version,
        deps,
        config,
        inputs,
        reports,
        outputs,
        typed,
        isolated,
        tls,
    }
}
