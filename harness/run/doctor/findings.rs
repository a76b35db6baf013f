use super::ask::Answers;
use super::domain::domain;
use super::neighbours::neighbours;
use super::signature::{Stance, signature};
use super::way::{tls, way};
use super::{Finding, Status, Topic};
use crate::targets::Target;
use crate::targets::probe::{self, Class, Probe};
use crate::wire::quote;

/// How far a clock may be off before a signature is refused, in seconds.
/// Source: AWS General Reference, Signature Version 4: requests are valid for five minutes.
const CLOCK_LIMIT_SECONDS: i64 = 300;

/// How far a clock is off where it is worth a word, in seconds: `Date` has whole ones, and an answer
/// takes its time.
const CLOCK_NOTE_SECONDS: i64 = 5;

/// At most so many names of workgroups are told.
const NAMES_LIMIT: usize = 5;

/// What the target is, by its answer to the probe.
pub(super) fn probe(target: &Target, answers: &Answers) -> Probe {
    probe::classify(&answers.probe, target.workgroup.is_some(), &answers.hidden)
}

/// Everything that the answers tell, in the order in which it matters. What a missing answer hides is
/// not told at all: the first problem is the one to look at.
pub(super) fn of(target: &Target, answers: &Answers, probe: &Probe) -> Vec<Finding> {
    let mut findings = way(target, answers);
    let silent = probe.class == Class::Unreachable && !answers.any();
    if !silent {
        findings.push(tls(target, answers));
        findings.push(credentials(target, answers, probe));
        findings.extend(signature(target, answers));
        findings.push(clock(answers, probe));
        findings.push(operation(target, answers, probe));
        findings.push(workgroup(target, answers, probe));
        findings.extend(domain(target, answers));
        findings.extend(neighbours(answers));
    }
    findings
}

/// Whether our credentials are taken.
fn credentials(target: &Target, answers: &Answers, probe: &Probe) -> Finding {
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
        (_, signed) if Stance::of(&answers.probe, &answers.hidden).is_accepted() => (
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
fn operation(target: &Target, answers: &Answers, probe: &Probe) -> Finding {
    let topic = Topic::Operation;
    let said = &probe.said;
    let found = format!("the target {} ({said})", probe.class.meaning());
    let (status, fix) = match probe.class {
        Class::Answers | Class::NoWorkgroup if Stance::of(&answers.probe, &answers.hidden).is_accepted() => {
            let missing = probe.class == Class::NoWorkgroup;
            let found = if missing { "the target answers GetCredentials".to_owned() } else { found };
            return Finding::new(topic, Status::Ok, found);
        }
        // The call that a run's first case makes too, and that has to succeed there.
        Class::Answers if target.workgroup.is_some() => {
            let found = format!("a plain call of GetCredentials is answered with an error: {said}");
            return Finding::new(topic, Status::Problem, found)
                .fix("see the server's own log; while it is so, the cases that have to succeed fail");
        }
        Class::Answers | Class::NoWorkgroup => {
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
        _ => {
            let fix = "check the endpoint, and that the service redshift-serverless is switched on; otherwise the server \
                       does not have the operation, and a run says not-implemented";
            (Status::Problem, Some(fix))
        }
    };
    Finding { fix: fix.map(str::to_owned), ..Finding::new(topic, status, found) }
}

/// Whether the workgroup that was named is there.
fn workgroup(target: &Target, answers: &Answers, probe: &Probe) -> Finding {
    let topic = Topic::Workgroup;
    let names = names(answers);
    let has = if names.is_empty() { String::new() } else { format!(" (it has {})", names.join(", ")) };
    let Some(name) = target.workgroup.as_deref().map(quote) else {
        return Finding::new(topic, Status::Problem, "none is named, so the cases that need one are blocked")
            .fix(format!("name one that the server has: --workgroup NAME{has}"));
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
fn names(answers: &Answers) -> Vec<String> {
    let listed = || {
        let body = answers.list.answer.as_ref().ok().filter(|response| response.status == 200)?.json()?;
        let names = body.get("workgroups")?.as_array()?.iter().filter_map(|row| row.get("workgroupName")?.as_str());
        Some(names.take(NAMES_LIMIT).map(|name| answers.hidden.quote(name)).collect())
    };
    listed().unwrap_or_default()
}
