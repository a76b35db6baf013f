//! What the answers mean: the way there, the signature, the clock, the operation.

use std::net::SocketAddr;

use super::ask::{Answers, ConnectOutcome, ExaminedTarget, UNKNOWN};
use super::{Diagnosis, Topic};
use crate::contract::{ErrorMeaning, Feature};
use crate::report::{AskedCall, CauseText, answer_text, meaning};
use crate::targets::{CLOCK_LIMIT_SECONDS, probe};
use crate::verdict::{ProbeOutcome, Restrained, TargetClass};
use crate::wire::{Exchange, Response, TransportFault, address, error_type, is_own, quote};

/// How far a clock may be off before it is reported, in seconds: `Date` has whole seconds, and an answer takes time.
const CLOCK_NOTE_SECONDS: i64 = 5;

/// A target, its answers, and how a run's probe classifies it.
pub(super) struct ProbedTarget<'a> {
    pub(super) examined: ExaminedTarget<'a>,
    pub(super) answers: &'a Answers,
    pub(super) probe: ProbeOutcome,
}

/// Whether the credentials and the signature of a call were accepted.
#[derive(PartialEq, Eq)]
enum Acceptance {
    /// They were accepted: the call succeeded, or the resource that it names was looked for.
    Accepted,
    /// They were refused.
    Refused,
    /// The answer, quoted here, does not tell: any other error may come before they are checked.
    Open(String),
}

pub(super) fn is_success(response: &Response) -> bool {
    (200..300).contains(&response.status)
}

impl<'a> ProbedTarget<'a> {
    pub(super) fn new(examined: ExaminedTarget<'a>, answers: &'a Answers) -> Self {
        let asked = examined.probed(examined.is_named());
        let mut probe = probe::classify(&answers.probe, asked, &answers.hidden);
        if probe::may_be_absent(&answers.probe, asked, probe.class)
            && let Some(is_absent) = answers_all_alike(examined, answers)
        {
            probe.class = probe::class_beside(probe.class, is_absent);
        }
        Self { examined, answers, probe }
    }

    /// The findings from all answers, in the order in which they matter. If no call was answered, there are only those
    /// about the way to the target: they are the first problem to solve.
    pub(super) fn findings(&self) -> Vec<Diagnosis> {
        let mut findings = self.way();
        if self.probe.class != TargetClass::Unreachable || self.answers.any() {
            findings.extend([self.tls(), self.credentials()]);
            findings.extend(self.signature());
            findings.extend([self.clock(), self.operation()]);
            findings.extend(self.named_resource());
            findings.extend(self.further_resources());
            findings.extend(self.denied_resources());
            // Real AWS has its operations, and is asked for none that a run does not need.
            findings.extend(self.neighbours().filter(|_| self.examined.target.allowed.is_none()));
        }
        findings
    }

    /// Name and connection, and if no call was answered, why not.
    fn way(&self) -> Vec<Diagnosis> {
        let endpoint = &self.examined.target.endpoint;
        let host = quote(endpoint.host_str().unwrap_or_default());
        let fault = self.answers.probe.answer.as_ref().err().filter(|_| !self.answers.any());
        let by_proxy = || Diagnosis::ok(Topic::Connection, "it answers, by way of a proxy");
        let at = match &self.answers.way {
            ConnectOutcome::Connected(at, _) | ConnectOutcome::Refused(at, _) => at,
            // Behind a proxy, a direct connection may fail although requests arrive.
            ConnectOutcome::NoAddress(_) if self.answers.any() => return vec![by_proxy()],
            ConnectOutcome::NoAddress(reason) => {
                let reason = reason.as_deref().unwrap_or("no answer from the resolver in time");
                let found = format!("{host} cannot be resolved: {}", quote(reason));
                return vec![Diagnosis::problem(Topic::Name, found).fix("check the host in --endpoint")];
            }
        };
        let connection = match (&self.answers.way, fault) {
            (_, Some(fault @ TransportFault::Tls(_))) => certificate(&self.answers.hidden.fault(fault)),
            (ConnectOutcome::Connected(..), Some(fault)) => self.unanswered(*at, fault),
            (ConnectOutcome::Refused(_, reason), Some(_)) => {
                let reason = reason.as_deref().map_or_else(|| "no answer in time".to_owned(), str::to_lowercase);
                Diagnosis::problem(Topic::Connection, format!("cannot connect to {at}: {reason}"))
                    .fix("start the server, or correct host and port in --endpoint")
            }
            (ConnectOutcome::Connected(_, took), None) => {
                let took = took.as_secs_f64() * 1e3;
                Diagnosis::ok(Topic::Connection, format!("{at} answers; connected in {took:.1} ms"))
            }
            (ConnectOutcome::Refused(..) | ConnectOutcome::NoAddress(_), _) => by_proxy(),
        };
        let name = address(endpoint).is_none().then(|| Diagnosis::ok(Topic::Name, format!("{host} is {}", at.ip())));
        name.into_iter().chain([connection]).collect()
    }

    /// A target that accepts connections but gives no usable answer.
    fn unanswered(&self, at: SocketAddr, fault: &TransportFault) -> Diagnosis {
        let fix = match fault {
            TransportFault::NotHttp(words) if words.contains("TLS") => "try https:// in --endpoint, or another port",
            TransportFault::NotHttp(_) => {
                "check the port in --endpoint: something else than an HTTP server listens there"
            }
            TransportFault::Timeout(_) => "see whether the server is busy or stuck; its own log may tell",
            TransportFault::Lost(words) if words.contains("TLS") => {
                "try https:// in --endpoint; if the port speaks plain HTTP, see the server's own log: it ends \
                 connections before it has answered"
            }
            TransportFault::Connect(_)
            | TransportFault::Unsendable(_)
            | TransportFault::Resolve(_)
            | TransportFault::Tls(_)
            | TransportFault::Lost(_)
            | TransportFault::HungUp(_)
            | TransportFault::HeadTooLarge
            | TransportFault::TooLarge(_) => "see the server's own log: it ends connections before it has answered",
        };
        let fault = self.answers.hidden.fault(fault);
        Diagnosis::problem(Topic::Connection, format!("{at} takes connections, but {fault}")).fix(fix)
    }

    /// Whether the connection is encrypted. The caller has made sure that some call was answered.
    fn tls(&self) -> Diagnosis {
        if self.examined.target.endpoint.scheme() == "https" && self.examined.target.client.insecure {
            return Diagnosis::warning(Topic::Tls, "the certificate is not checked, because of --insecure");
        }
        if self.examined.target.endpoint.scheme() == "https" {
            return Diagnosis::ok(Topic::Tls, "the certificate is trusted");
        }
        if matches!(&self.answers.way, ConnectOutcome::Connected(found, _) if is_own(found.ip())) {
            return Diagnosis::ok(Topic::Tls, "none, on this machine");
        }
        Diagnosis::warning(Topic::Tls, "none: the passwords that it hands out cross the network readable")
            .fix("use https:// in --endpoint where the server has it")
    }

    /// Whether our credentials are accepted.
    fn credentials(&self) -> Diagnosis {
        let topic = Topic::Credentials;
        let signed = self.examined.target.credentials.is_some();
        if let Some(text) = self.cause().filter(|_| self.probe.class == TargetClass::RefusedCredentials) {
            let answer = answer_text(&self.probe.answer);
            return Diagnosis::problem(topic, format!("{}: {answer}", text.found)).fix(text.fix);
        }
        match self.is_accepted() {
            true if signed => Diagnosis::ok(topic, "requests signed with ours are accepted"),
            true => Diagnosis::ok(topic, "none are sent, and none are asked for"),
            false => Diagnosis::unknown(topic, "not decided, because no answer tells whether they are accepted"),
        }
    }

    /// Why the target cannot be judged, in the words of a run.
    fn cause(&self) -> Option<CauseText> {
        let ExaminedTarget { target, contract, operation } = self.examined;
        let (service, operation) = (&contract.service.signing_name.is, &operation.name.is);
        let asked =
            AskedCall { service, operation, region: target.region.as_str(), endpoint: target.endpoint.as_str() };
        self.probe.cause.as_ref().map(|cause| CauseText::of(cause, asked))
    }

    /// Whether credentials and signature of the probe were accepted.
    pub(super) fn is_accepted(&self) -> bool {
        self.stance_of_probe() == Acceptance::Accepted
    }

    fn stance_of_probe(&self) -> Acceptance {
        match self.probe.class {
            // A success that any operation has tells nothing about credentials.
            TargetClass::AnswersAllAlike => Acceptance::Open(answer_text(&self.probe.answer)),
            _ => self.stance(&self.answers.probe),
        }
    }

    fn stance(&self, exchange: &Exchange) -> Acceptance {
        let probe = probe::classify(exchange, self.examined.probed(false), &self.answers.hidden);
        let accepts = |response: &Response| is_success(response) || self.misses_resource(exchange, response);
        if probe.class == TargetClass::RefusedCredentials {
            Acceptance::Refused
        } else if probe.class == TargetClass::Answers && exchange.answer.as_ref().is_ok_and(accepts) {
            Acceptance::Accepted
        } else {
            Acceptance::Open(answer_text(&probe.answer))
        }
    }

    /// Whether an error says that the resource of its request does not exist. The answer must have the resource's name
    /// or the noun for it, since a server may give the same error if it does not find something else.
    fn misses_resource(&self, exchange: &Exchange, response: &Response) -> bool {
        let error = self.meaning(response);
        let (Some(ErrorMeaning::NotFound), Some(resource)) = (error, self.examined.resource()) else { return false };
        let request_body = serde_json::from_slice::<serde_json::Value>(&exchange.request.body).ok();
        let name = request_body.as_ref().and_then(|body| body.get(&resource.member)?.as_str());
        let words = String::from_utf8_lossy(&response.body);
        words.to_lowercase().contains(&resource.noun) || name.is_some_and(|name| words.contains(name))
    }

    /// What the service means by the error of an answer.
    pub(super) fn meaning(&self, response: &Response) -> Option<ErrorMeaning> {
        self.examined.contract.service.meaning_of(&error_type(response)?)
    }

    /// Whether wrong and missing signatures are refused; `None` if requests are not signed.
    fn signature(&self) -> Option<Diagnosis> {
        use Acceptance::{Accepted, Open, Refused};

        let target = self.examined.target;
        if target.credentials.is_some() && !target.allows(Restrained::Raw) {
            let found = format!("not tried: real AWS is sent wrong signatures only with --{}", Restrained::Raw.flag());
            return Some(Diagnosis::unknown(Topic::Signature, found));
        }
        let (wrong, unsigned) = (self.answers.wrong.as_ref()?, self.answers.unsigned.as_ref()?);
        let topic = Topic::Signature;
        let undecided = |because: String| {
            Some(Diagnosis::unknown(Topic::Signature, format!("not decided, because a request with {because}")))
        };
        match self.stance_of_probe() {
            Accepted => {}
            Refused => return undecided("a right one is refused too".to_owned()),
            Open(answer) => return undecided(format!("a right one is answered with {answer}")),
        }
        let claimed = self.examined.target.features.contains(&Feature::SIGNATURE);
        let what = match (self.stance(wrong), self.stance(unsigned)) {
            (Accepted, Accepted) => "not checked: a wrong one is accepted, and so is a request without any".to_owned(),
            (Accepted, Refused) => "not checked: a wrong one is accepted; a request without any is refused".to_owned(),
            (Accepted, Open(answer)) => {
                format!("not checked: a wrong one is accepted; a request without any is answered with {answer}")
            }
            (Refused, Accepted) => "checked where there is one, but a request without any is accepted".to_owned(),
            (Open(answer), Accepted) => {
                format!("a request without any is accepted; one with a wrong one is answered with {answer}")
            }
            (Refused, Refused) => {
                let found = "checked: a wrong one is refused, and so is a request without any";
                let finding = Diagnosis::ok(topic, found);
                let claim = "claim it, so that it is tested: --claim signature";
                return Some(if claimed { finding } else { finding.fix(claim) });
            }
            (Open(answer), _) => return undecided(format!("a wrong one is answered with {answer}")),
            (_, Open(answer)) => return undecided(format!("none is answered with {answer}")),
        };
        Some(if claimed {
            Diagnosis::problem(topic, what).fix("have the server refuse them, or leave signature out of --claim")
        } else {
            Diagnosis::ok(topic, format!("{what}; the feature signature is not claimed"))
        })
    }

    /// The target's clock compared with ours, by the `Date` of its answers.
    fn clock(&self) -> Diagnosis {
        let topic = Topic::Clock;
        let date = |exchange: &'a Exchange| Some((exchange, exchange.answer.as_ref().ok()?.date()?));
        let Some((exchange, date)) = self.answers.exchanges().find_map(date) else {
            return Diagnosis::unknown(topic, "its answers have no Date that can be read, which nothing asks for");
        };
        let ahead = date.as_second() - exchange.received_at.as_second();
        let behind = exchange.sent_at.as_second() - date.as_second();
        let (off, way) = if ahead >= behind { (ahead, "ahead of") } else { (behind, "behind") };
        let found = format!("its clock is {off} s {way} ours");
        if off > CLOCK_LIMIT_SECONDS {
            let found = format!("{found}; signatures are good for {CLOCK_LIMIT_SECONDS} s");
            // A server that accepts our requests anyway can be judged, so this is only a warning.
            let refused = self.probe.class == TargetClass::RefusedCredentials;
            let finding = if refused { Diagnosis::problem(topic, found) } else { Diagnosis::warning(topic, found) };
            finding.fix("set the clock that is wrong, the server's or this machine's")
        } else if off > CLOCK_NOTE_SECONDS {
            Diagnosis::warning(topic, found).fix("set the clock that is wrong; above 300 s signatures are refused")
        } else {
            Diagnosis::ok(topic, "its clock agrees with ours, by the Date of its answers")
        }
    }

    /// Whether the operation that is tested is there.
    fn operation(&self) -> Diagnosis {
        let topic = Topic::Operation;
        let answer = answer_text(&self.probe.answer);
        let (name, service) = (&self.examined.operation.name.is, &self.examined.contract.service.signing_name.is);
        let found = format!("the target {} ({answer})", meaning(self.probe.class, name, service));
        if let (TargetClass::Redirect | TargetClass::Unreachable, Some(text)) = (self.probe.class, self.cause()) {
            return Diagnosis::problem(topic, format!("{}: {answer}", text.found)).fix(text.fix);
        }
        match self.probe.class {
            TargetClass::Answers if self.is_accepted() => Diagnosis::ok(topic, found),
            TargetClass::NoResource if self.is_accepted() => Diagnosis::ok(topic, format!("the target answers {name}")),
            // A run's first case makes the same call, and there it has to succeed.
            TargetClass::Answers if self.examined.is_named() || self.examined.resource().is_none() => {
                Diagnosis::problem(topic, format!("a plain call of {name} does not succeed: {answer}"))
                    .fix("see the server's own log; while it is so, the cases that have to succeed fail")
            }
            TargetClass::Answers | TargetClass::NoResource => {
                Diagnosis::unknown(topic, format!("not decided, because the answer is {answer}"))
            }
            TargetClass::RefusedCredentials => Diagnosis::unknown(topic, found).fix("see credentials above"),
            TargetClass::Redirect => Diagnosis::problem(topic, found),
            TargetClass::ServerFault => Diagnosis::problem(topic, found).fix("see the server's own log"),
            TargetClass::Unreachable if self.answers.probe.answer.is_ok() => Diagnosis::problem(topic, found)
                .fix("it asks for patience: try again later, or with fewer requests at once"),
            TargetClass::Unreachable => Diagnosis::problem(topic, found)
                .fix("other requests were answered: one that takes one connection at a time needs --jobs 1"),
            TargetClass::UnknownOperation
            | TargetClass::UnknownService
            | TargetClass::DeclaredNotImplemented
            | TargetClass::AnswersAllAlike
            | TargetClass::OwnJson
            | TargetClass::NotAws
            | TargetClass::WrongService => Diagnosis::problem(topic, found).fix(format!(
                "check the endpoint, and that the service {service} is switched on; otherwise the server does not have \
                 the operation, and a run says not-implemented"
            )),
        }
    }
}

/// Whether each of two requests for the operation is answered as the same request for an operation that nobody has;
/// `None` if one of the four has no answer, or the comparison is not made. A run compares the same.
fn answers_all_alike(examined: ExaminedTarget<'_>, answers: &Answers) -> Option<bool> {
    let (senseless, unknown) = (answers.senseless.as_ref()?, answers.unknown.as_ref()?);
    let pairs = [(&answers.probe, unknown), (&senseless.own, &senseless.unknown)];
    let all_came = pairs.iter().all(|(own, unknown)| own.answer.is_ok() && unknown.answer.is_ok());
    let names = [examined.operation.name.is.as_str(), UNKNOWN];
    all_came.then(|| pairs.iter().all(|(own, unknown)| probe::are_alike(&[own], &[unknown], names)))
}

/// The finding about a TLS handshake that failed. `words` come from the TLS library.
fn certificate(words: &str) -> Diagnosis {
    let fix = if words.contains("plain http") {
        "write http:// in --endpoint"
    } else if words.contains("UnknownIssuer") || words.contains("BadSignature: its issuer") {
        "name the certificate authority that signed it, or the server's own certificate: --ca-file FILE (PEM)"
    } else if words.contains("not valid for name") || words.contains("NotValidForName") {
        "use a name in --endpoint that the certificate is for, or have it made for this one"
    } else if words.contains("expired") {
        "renew the server's certificate; if it is not old, check this machine's clock"
    } else if words.contains("not valid yet") {
        "check this machine's clock, or have the certificate made anew"
    } else if words.contains("CaUsedAsEndEntity") {
        "if it is the server's own certificate, name it: --ca-file FILE (PEM)"
    } else {
        "check the server's certificate; --ca-file FILE adds a private certificate authority"
    };
    // The hints that a run adds are cut off: the fixes above include them.
    let hints = ["; a private certificate authority", "; the server shows"];
    let words = hints.iter().fold(words, |words, hint| words.split(hint).next().unwrap_or_default());
    let words = words.trim_start_matches("TLS failed: ");
    Diagnosis::problem(Topic::Tls, format!("the handshake failed: {words}")).fix(fix)
}
