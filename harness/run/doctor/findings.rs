use std::net::SocketAddr;

use serde_json::Value;

use super::ask::{Answers, Way, is_address};
use super::{Finding, Status, Topic};
use crate::contract::Feature;
use crate::targets::Target;
use crate::targets::probe::{self, Class, Probe};
use crate::wire::{Credentials, Exchange, Fault, Response, error_type, mask_known, quote};

/// How far a clock may be off before a signature is refused, in seconds.
/// Source: AWS General Reference, Signature Version 4: requests are valid for five minutes.
const CLOCK_LIMIT_SECONDS: i64 = 300;

/// How far a clock is off where it is worth a word, in seconds: `Date` has whole ones, and an answer
/// takes its time.
const CLOCK_NOTE_SECONDS: i64 = 5;

/// At most so many names of workgroups are told.
const NAMES_LIMIT: usize = 5;

/// What the target is, by its answer to the probe, without our own secrets in its words.
pub(super) fn probe(target: &Target, answers: &Answers) -> Probe {
    let mut probe = probe::classify(&answers.probe, target.workgroup.is_some());
    probe.said = masked(target, &probe.said);
    probe
}

fn masked(target: &Target, text: &str) -> String {
    mask_known(text, &target.credentials.as_ref().map(Credentials::secrets).unwrap_or_default())
}

/// Everything that the answers tell, in the order in which it matters. What a missing answer hides is
/// not told at all: the first problem is the one to look at.
pub(super) fn of(target: &Target, answers: &Answers, probe: &Probe) -> Vec<Finding> {
    let mut findings = way(target, answers);
    let silent = probe.class == Class::Unreachable && !answers.any();
    if !silent {
        findings.push(tls(target, answers));
        findings.push(credentials(target, probe));
        findings.extend(signature(target, answers, probe));
        findings.push(clock(answers));
        findings.push(operation(answers, probe));
        findings.push(workgroup(target, answers, probe));
        findings.extend(neighbours(answers));
    }
    for finding in &mut findings {
        finding.found = masked(target, &finding.found);
    }
    findings
}

/// Name and connection, and why nothing came back where nothing did.
fn way(target: &Target, answers: &Answers) -> Vec<Finding> {
    let mut findings = Vec::new();
    let host = quote(target.endpoint.host_str().unwrap_or_default());
    let fault = answers.probe.answer.as_ref().err().filter(|_| !answers.any());
    // Behind a proxy the way by oneself may be barred, and the requests arrive all the same.
    if let Way::NoAddress(reason) = &answers.way {
        if answers.any() {
            return vec![Finding::new(Topic::Connection, Status::Ok, "it answers, by way of a proxy")];
        }
        let reason = reason.as_deref().unwrap_or("no answer from the resolver in time");
        let found = format!("{host} cannot be resolved: {}", quote(reason));
        return vec![Finding::new(Topic::Name, Status::Problem, found).fix("check the host in --endpoint")];
    }
    if let (false, Way::Connected(address, _) | Way::Refused(address, _)) = (is_address(target), &answers.way) {
        findings.push(Finding::new(Topic::Name, Status::Ok, format!("{host} is {}", address.ip())));
    }
    findings.push(match (&answers.way, fault) {
        (_, Some(Fault::Tls(words))) => certificate(words),
        (Way::Connected(address, _), Some(fault)) => unanswered(*address, fault),
        (Way::Refused(address, reason), Some(_)) => {
            let reason = reason.as_deref().map_or_else(|| "no answer in time".to_owned(), str::to_lowercase);
            Finding::new(Topic::Connection, Status::Problem, format!("cannot connect to {address}: {reason}"))
                .fix("start the server, or correct host and port in --endpoint")
        }
        (Way::Connected(address, took), None) => {
            let took = took.as_secs_f64() * 1e3;
            Finding::new(Topic::Connection, Status::Ok, format!("{address} answers; connected in {took:.1} ms"))
        }
        (_, _) => Finding::new(Topic::Connection, Status::Ok, "it answers, by way of a proxy"),
    });
    findings
}

/// A target that takes connections and gives no usable answer.
fn unanswered(address: SocketAddr, fault: &Fault) -> Finding {
    let fix = match fault {
        Fault::NotHttp(words) if words.contains("TLS") => "try https:// in --endpoint, or another port",
        Fault::NotHttp(_) => "check the port in --endpoint: something else than an HTTP server listens there",
        Fault::Timeout(_) => "see whether the server is busy or stuck; its own log may tell",
        _ => "see the server's own log: it ends connections before it has answered",
    };
    let found = format!("{address} takes connections, but {fault}");
    Finding::new(Topic::Connection, Status::Problem, found).fix(fix)
}

/// A handshake that failed. The words come from the TLS library.
fn certificate(words: &str) -> Finding {
    let fix = if words.contains("plain http") {
        "write http:// in --endpoint"
    } else if words.contains("UnknownIssuer") {
        "name the certificate authority that signed it: --ca-file FILE (PEM)"
    } else if words.contains("not valid for name") || words.contains("NotValidForName") {
        "use a name in --endpoint that the certificate is for, or have it made for this one"
    } else if words.contains("expired") {
        "renew the server's certificate; if it is not old, check this machine's clock"
    } else if words.contains("not valid yet") {
        "check this machine's clock, or have the certificate made anew"
    } else {
        "check the server's certificate; --ca-file FILE adds a private certificate authority"
    };
    // The library's own hint is one of those above.
    let words = words.split("; a private certificate authority").next().unwrap_or_default();
    Finding::new(Topic::Tls, Status::Problem, format!("the handshake failed: {words}")).fix(fix)
}

/// What encrypts the way, where something came back.
fn tls(target: &Target, answers: &Answers) -> Finding {
    if target.endpoint.scheme() == "https" {
        return Finding::new(Topic::Tls, Status::Ok, "the certificate is trusted");
    }
    let local = matches!(&answers.way, Way::Connected(address, _) if address.ip().is_loopback());
    if local {
        Finding::new(Topic::Tls, Status::Ok, "none, on this machine")
    } else {
        Finding::new(Topic::Tls, Status::Warning, "none: the passwords that it hands out cross the network readable")
            .fix("use https:// in --endpoint where the server has it")
    }
}

/// Whether our credentials are taken.
fn credentials(target: &Target, probe: &Probe) -> Finding {
    let topic = Topic::Credentials;
    let (status, found) = match (probe.class, target.credentials.is_some()) {
        (Class::RefusedCredentials, true) => {
            let found = format!("they are refused: {}", probe.said);
            return Finding::new(topic, Status::Problem, found).fix(
                "give it the ones that it knows in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, and its \
                 region with --region; a clock that is off is refused too",
            );
        }
        (Class::RefusedCredentials, false) => {
            let found = format!("requests go out unsigned and are refused: {}", probe.said);
            return Finding::new(topic, Status::Problem, found).fix(
                "leave out --no-sign, and give it credentials that it knows in AWS_ACCESS_KEY_ID and \
                 AWS_SECRET_ACCESS_KEY or AWS_PROFILE",
            );
        }
        (Class::Answers | Class::NoWorkgroup, true) => (Status::Ok, "requests signed with ours are accepted"),
        (Class::Answers | Class::NoWorkgroup, false) => (Status::Ok, "none are sent, and none are asked for"),
        _ => (Status::Unknown, "not decided: the answer says nothing about them"),
    };
    Finding::new(topic, status, found)
}

/// Whether wrong signatures and missing ones are refused.
fn signature(target: &Target, answers: &Answers, probe: &Probe) -> Option<Finding> {
    let (wrong, unsigned) = (answers.wrong.as_ref()?, answers.unsigned.as_ref()?);
    let topic = Topic::Signature;
    if !matches!(probe.class, Class::Answers | Class::NoWorkgroup) {
        return Some(Finding::new(topic, Status::Unknown, "not decided: a right one is not accepted either"));
    }
    let claimed = target.features.contains(&Feature::Signature);
    let taken = |exchange: &Exchange| same_answer(exchange, &answers.probe);
    let refused = |exchange: &Exchange| probe::classify(exchange, false).class == Class::RefusedCredentials;
    let what = match (taken(wrong), taken(unsigned)) {
        (true, true) => "not checked: a wrong one is accepted, and so is a request without any",
        (true, false) => "not checked: a wrong one is accepted; a request without any is not",
        (false, true) => "checked where there is one, but a request without any is accepted",
        (false, false) if refused(wrong) && refused(unsigned) => {
            let found = "checked: a wrong one is refused, and so is a request without any";
            let claim = "claim it, so that it is tested: --claim signature";
            let finding = Finding::new(topic, Status::Ok, found);
            return Some(if claimed { finding } else { finding.fix(claim) });
        }
        (false, false) => {
            let found = format!("not decided: a wrong one is answered with {}", probe::classify(wrong, false).said);
            return Some(Finding::new(topic, Status::Unknown, found));
        }
    };
    Some(if claimed {
        let fix = "have the server refuse them, or leave signature out of --claim";
        Finding::new(topic, Status::Problem, what).fix(fix)
    } else {
        Finding::new(topic, Status::Ok, format!("{what}; the feature signature is not claimed"))
    })
}

/// Whether two answers are alike in all that a client looks at first.
fn same_answer(one: &Exchange, other: &Exchange) -> bool {
    match (&one.answer, &other.answer) {
        (Ok(one), Ok(other)) => one.status == other.status && error_type(one) == error_type(other),
        _ => false,
    }
}

/// The target's clock beside ours, by the `Date` of its answers.
fn clock(answers: &Answers) -> Finding {
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
        let found = format!("its clock is {off} s {way} ours; signatures are good for {CLOCK_LIMIT_SECONDS} s");
        Finding::new(topic, Status::Problem, found).fix("set the clock that is wrong, the server's or this machine's")
    } else if off > CLOCK_NOTE_SECONDS {
        Finding::new(topic, Status::Warning, format!("its clock is {off} s {way} ours"))
            .fix("set the clock that is wrong; above 300 s signatures are refused")
    } else {
        Finding::new(topic, Status::Ok, "its clock agrees with ours, by the Date of its answers")
    }
}

/// Whether the operation that is tested is there.
fn operation(answers: &Answers, probe: &Probe) -> Finding {
    let found = format!("the target {} ({})", probe.class.meaning(), probe.said);
    let (status, fix) = match probe.class {
        Class::Answers => (Status::Ok, None),
        Class::NoWorkgroup => {
            return Finding::new(Topic::Operation, Status::Ok, "the target answers GetCredentials");
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
        _ => {
            let fix = "check the endpoint, and that the service redshift-serverless is switched on; otherwise the server \
                       does not have the operation, and a run says not-implemented";
            (Status::Problem, Some(fix))
        }
    };
    Finding { fix: fix.map(str::to_owned), ..Finding::new(Topic::Operation, status, found) }
}

/// Whether the workgroup that was named is there.
fn workgroup(target: &Target, answers: &Answers, probe: &Probe) -> Finding {
    let topic = Topic::Workgroup;
    let names = names(target, answers);
    let has = if names.is_empty() { String::new() } else { format!(" (it has {})", names.join(", ")) };
    let Some(name) = target.workgroup.as_deref().map(quote) else {
        return Finding::new(topic, Status::Warning, "none is named, so the cases that need one are blocked")
            .fix(format!("name one that the server has with --workgroup{has}"));
    };
    let answered = answers.probe.answer.as_ref().is_ok_and(|response| response.status == 200);
    match probe.class {
        Class::NoWorkgroup => {
            Finding::new(topic, Status::Problem, format!("the target does not have {name}: {}", probe.said))
                .fix(format!("create it there, or name one that it has with --workgroup{has}"))
        }
        Class::Answers if answered => Finding::new(topic, Status::Ok, format!("{name} is known")),
        _ => Finding::new(topic, Status::Unknown, format!("whether {name} is known cannot be told")),
    }
}

/// The names of the workgroups that the target lists.
fn names(target: &Target, answers: &Answers) -> Vec<String> {
    let listed = || {
        let body = answers.list.answer.as_ref().ok().filter(|response| response.status == 200)?.json()?;
        let names = body.get("workgroups")?.as_array()?.iter().filter_map(|row| row.get("workgroupName")?.as_str());
        Some(names.take(NAMES_LIMIT).map(|name| masked(target, &quote(name))).collect())
    };
    listed().unwrap_or_default()
}

/// Operations that a run does not need, and that tell what kind of server this is.
fn neighbours(answers: &Answers) -> Vec<Finding> {
    let topic = Topic::Neighbours;
    let told = |name: &str, exchange: &Exchange| match &exchange.answer {
        Ok(response) if is_there(response) => Finding::new(topic, Status::Ok, format!("{name}: it is there")),
        Ok(_) => {
            let probe = probe::classify(exchange, false);
            let words = match probe.class {
                Class::RefusedCredentials => "refused",
                Class::UnknownOperation | Class::UnknownService | Class::DeclaredNotImplemented => "it is not there",
                _ => "no telling by the answer",
            };
            Finding::new(topic, Status::Unknown, format!("{name}: {words} ({})", probe.said))
        }
        Err(fault) => Finding::new(topic, Status::Unknown, format!("{name}: {fault}")),
    };
    vec![
        told("ListWorkgroups", &answers.list),
        told("GetWorkgroup", &answers.get),
        Finding::new(
            topic,
            Status::Unknown,
            "CreateNamespace, CreateWorkgroup: not tried, since they could create something",
        ),
    ]
}

/// Whether an operation answers: with a success in JSON, or with one of the service's own errors.
fn is_there(response: &Response) -> bool {
    let own = ["ResourceNotFoundException", "ValidationException"];
    match response.status {
        200..300 => response.json().as_ref().is_some_and(Value::is_object),
        _ => error_type(response).is_some_and(|error| own.contains(&error.as_str())),
    }
}
