//! The way to a target: its name, the connection, the certificate.

use std::net::SocketAddr;

use super::ask::{Answers, Way};
use super::{Finding, Status, Topic};
use crate::targets::Target;
use crate::wire::{Fault, Masker, address, is_own, quote};

/// Name and connection, and why nothing came back where nothing did.
pub(super) fn way(target: &Target, answers: &Answers) -> Vec<Finding> {
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
    if let (None, Way::Connected(found, _) | Way::Refused(found, _)) = (address(&target.endpoint), &answers.way) {
        findings.push(Finding::new(Topic::Name, Status::Ok, format!("{host} is {}", found.ip())));
    }
    findings.push(match (&answers.way, fault) {
        (_, Some(fault @ Fault::Tls(_))) => certificate(&answers.hidden.fault(fault)),
        (Way::Connected(address, _), Some(fault)) => unanswered(*address, fault, &answers.hidden),
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
fn unanswered(address: SocketAddr, fault: &Fault, hidden: &Masker) -> Finding {
    let fix = match fault {
        Fault::NotHttp(words) if words.contains("TLS") => "try https:// in --endpoint, or another port",
        Fault::NotHttp(_) => "check the port in --endpoint: something else than an HTTP server listens there",
        Fault::Timeout(_) => "see whether the server is busy or stuck; its own log may tell",
        Fault::Connect(_)
        | Fault::Unsendable(_)
        | Fault::Resolve(_)
        | Fault::Tls(_)
        | Fault::Lost(_)
        | Fault::HeadTooLarge
        | Fault::TooLarge(_) => "see the server's own log: it ends connections before it has answered",
    };
    let found = format!("{address} takes connections, but {}", hidden.fault(fault));
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
    } else if words.contains("CaUsedAsEndEntity") {
        "make the server a certificate of its own, with basicConstraints=CA:FALSE (openssl req -x509 -addext basicConstraints=critical,CA:FALSE), and name it with --ca-file"
    } else {
        "check the server's certificate; --ca-file FILE adds a private certificate authority"
    };
    // The hints of a run are among those above.
    let hints = ["; a private certificate authority", "; the server shows"];
    let words = hints.iter().fold(words, |words, hint| words.split(hint).next().unwrap_or_default());
    Finding::new(
        Topic::Tls,
        Status::Problem,
        format!("the handshake failed: {}", words.trim_start_matches("TLS failed: ")),
    )
    .fix(fix)
}

/// What encrypts the way, where something came back.
pub(super) fn tls(target: &Target, answers: &Answers) -> Finding {
    if target.endpoint.scheme() == "https" {
        return Finding::new(Topic::Tls, Status::Ok, "the certificate is trusted");
    }
    let local = matches!(&answers.way, Way::Connected(found, _) if is_own(found.ip()));
    if local {
        Finding::new(Topic::Tls, Status::Ok, "none, on this machine")
    } else {
        Finding::new(Topic::Tls, Status::Warning, "none: the passwords that it hands out cross the network readable")
            .fix("use https:// in --endpoint where the server has it")
    }
}
