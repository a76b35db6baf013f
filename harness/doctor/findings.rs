use super::ask::{Answers, Patient};
use super::neighbours::neighbours;
use super::resources;
use super::signature::{Stance, signature};
use super::way::{tls, way};
use super::{Finding, Status, Topic};
use crate::report::{heard, meaning};
use crate::targets::probe;
use crate::verdict::{Class, Probe};

/// How far a clock may be off before a signature is refused, in seconds.
/// Source: AWS General Reference, Signature Version 4: requests are valid for five minutes.
const CLOCK_LIMIT_SECONDS: i64 = 300;

/// How far a clock is off where it is worth a word, in seconds: `Date` has whole ones, and an answer
/// takes its time.
const CLOCK_NOTE_SECONDS: i64 = 5;

/// What the target is, by its answer to the probe.
pub(super) fn probe(patient: Patient<'_>, answers: &Answers) -> Probe {
    let named = patient.resource().is_some_and(|resource| patient.name_of(resource).is_some());
    probe::classify(&answers.probe, patient.asked(named), &answers.hidden)
}

/// Everything that the answers tell, in the order in which it matters. What a missing answer hides is
/// not told at all: the first problem is the one to look at.
pub(super) fn of(patient: Patient<'_>, answers: &Answers, probe: &Probe) -> Vec<Finding> {
    let mut findings = way(patient.target, answers);
    let silent = probe.class == Class::Unreachable && !answers.any();
    if !silent {
        findings.push(tls(patient.target, answers));
        findings.push(credentials(patient, answers, probe));
        findings.extend(signature(patient, answers));
        findings.push(clock(answers, probe));
        findings.push(operation(patient, answers, probe));
        findings.extend(resources::named(patient, answers, probe));
        findings.extend(resources::further(patient, answers));
        findings.extend(neighbours(patient, answers));
    }
    findings
}

/// Whether our credentials are taken.
fn credentials(patient: Patient<'_>, answers: &Answers, probe: &Probe) -> Finding {
    let topic = Topic::Credentials;
    let said = heard(&probe.heard);
    let (status, found) = match (probe.class, patient.target.credentials.is_some()) {
        (Class::RefusedCredentials, true) => {
            let found = format!("they are refused: {said}");
            return Finding::new(topic, Status::Problem, found).fix(
                "give it the ones that it knows in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, and its \
                 region with --region; a clock that is off is refused too",
            );
        }
        (Class::RefusedCredentials, false) => {
            let found = format!("requests go out unsigned and are refused: {said}");
            return Finding::new(topic, Status::Problem, found).fix(
                "leave out --no-sign, and give it credentials that it knows in AWS_ACCESS_KEY_ID and \
                 AWS_SECRET_ACCESS_KEY or AWS_PROFILE",
            );
        }
        (_, signed) if Stance::of(patient, &answers.probe, &answers.hidden).is_accepted() => (
            Status::Ok,
            if signed { "requests signed with ours are accepted" } else { "none are sent, and none are asked for" },
        ),
        _ => (Status::Unknown, "not decided, because no answer tells whether they are accepted"),
    };
    Finding::new(topic, status, found)
}

/// The target's clock beside ours, by the `Date` of its answers.
fn clock(answers: &Answers, probe: &Probe) -> Finding {
    let topic = Topic::Clock;
    let dated = answers.exchanges().find_map(|exchange| Some((exchange, exchange.answer.as_ref().ok()?.date()?)));
    let Some((exchange, date)) = dated else {
        return Finding::new(
            topic,
            Status::Unknown,
            "its answers have no Date that can be read, which nothing asks for",
        );
    };
    let ahead = date.as_second() - exchange.received_at.as_second();
    let behind = exchange.sent_at.as_second() - date.as_second();
    let (off, way) = if ahead >= behind { (ahead, "ahead of") } else { (behind, "behind") };
    if off > CLOCK_LIMIT_SECONDS {
        // A server that takes our requests all the same is not kept from being judged.
        let refused = probe.class == Class::RefusedCredentials;
        let status = if refused { Status::Problem } else { Status::Warning };
        let found = format!("its clock is {off} s {way} ours; signatures are good for {CLOCK_LIMIT_SECONDS} s");
        Finding::new(topic, status, found).fix("set the clock that is wrong, the server's or this machine's")
    } else if off > CLOCK_NOTE_SECONDS {
        Finding::new(topic, Status::Warning, format!("its clock is {off} s {way} ours"))
            .fix("set the clock that is wrong; above 300 s signatures are refused")
    } else {
        Finding::new(topic, Status::Ok, "its clock agrees with ours, by the Date of its answers")
    }
}

/// Whether the operation that is tested is there.
fn operation(patient: Patient<'_>, answers: &Answers, probe: &Probe) -> Finding {
    let topic = Topic::Operation;
    let said = heard(&probe.heard);
    let (name, service) = (&patient.operation.name.is, &patient.contract.service.signing_name.is);
    let found = format!("the target {} ({said})", meaning(probe.class, name, service));
    let named = patient.resource().is_none_or(|resource| patient.name_of(resource).is_some());
    let (status, fix) = match probe.class {
        Class::Answers | Class::NoResource if Stance::of(patient, &answers.probe, &answers.hidden).is_accepted() => {
            let missing = probe.class == Class::NoResource;
            let found = if missing { format!("the target answers {name}") } else { found };
            return Finding::new(topic, Status::Ok, found);
        }
        // The call that a run's first case makes too, and that has to succeed there.
        Class::Answers if named => {
            let found = format!("a plain call of {name} is answered with an error: {said}");
            return Finding::new(topic, Status::Problem, found)
                .fix("see the server's own log; while it is so, the cases that have to succeed fail");
        }
        Class::Answers | Class::NoResource => {
            return Finding::new(topic, Status::Unknown, format!("not decided, because the answer is {said}"));
        }
        Class::RefusedCredentials => (Status::Unknown, Some("see credentials above")),
        Class::Redirect => (Status::Problem, Some("give the address that it redirects to as the endpoint")),
        Class::ServerFault => (Status::Problem, Some("see the server's own log")),
        Class::Unreachable if answers.probe.answer.is_ok() => {
            (Status::Problem, Some("it asks for patience: try again later, or with fewer requests at once"))
        }
        Class::Unreachable => {
            let fix = "other requests were answered: one that takes one connection at a time needs --jobs 1";
            (Status::Problem, Some(fix))
        }
        Class::UnknownOperation
        | Class::UnknownService
        | Class::DeclaredNotImplemented
        | Class::OwnJson
        | Class::NotAws
        | Class::WrongService => {
            let fix = format!(
                "check the endpoint, and that the service {service} is switched on; otherwise the server does not have \
                 the operation, and a run says not-implemented"
            );
            return Finding::new(topic, Status::Problem, found).fix(fix);
        }
    };
    Finding { fix: fix.map(str::to_owned), ..Finding::new(topic, status, found) }
}
