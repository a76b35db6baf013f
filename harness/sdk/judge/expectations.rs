//! Checks the record against the expectations of its case.

use std::collections::BTreeMap;

use super::{ClientBreach, ClientBreaches};
use crate::report::DriverEvent;
use crate::sdk::cases::{
    Attempts, ClientCase, Expectation, ExpectedError, ExpectedOutcome, ExpectedServer, HeaderExpectation,
};
use crate::sdk::record::{ErrorRecord, OutcomeRecord, ReachedServer, Record, SecretLikeness, ShownValue, Tagged};

/// The finding on a case's expectations for one requirement; `None` if the case has none, or if the driver cannot show
/// what they ask for.
pub(super) fn of(requirement: &str, case: &ClientCase, record: &Record, driver: &DriverEvent) -> ClientBreaches {
    let mut found = Checks { driver, made: 0, breaches: Vec::new() };
    for expectation in case.expect.iter().filter(|expectation| expectation.requirement == requirement) {
        found.check(expectation, record);
    }
    (found.made > 0).then_some(found.breaches)
}

struct Checks<'a> {
    driver: &'a DriverEvent,
    /// How many checks were made.
    made: usize,
    breaches: Vec<ClientBreach>,
}

impl Checks<'_> {
    fn check(&mut self, expectation: &Expectation, record: &Record) {
        let Expectation { outcome, error, attempts, reached, members, as_sent, absent, .. } = expectation;
        let results = !members.is_empty() || !as_sent.is_empty() || !absent.is_empty();
        for outcome_record in &record.outcomes {
            if let Some(expected) = outcome {
                let wanted = match expected {
                    ExpectedOutcome::Result => "result",
                    ExpectedOutcome::Error => "error",
                };
                self.expect(
                    outcome_record.word() == wanted,
                    "outcome",
                    &format!("a call that ends with {wanted}"),
                    || outcome_text(outcome_record),
                );
            }
            match (error, outcome_record) {
                (Some(expected), OutcomeRecord::Error { error, .. }) => self.error(expected, error),
                (Some(_), _) => self.expect(false, "outcome", "an error", || outcome_text(outcome_record)),
                (None, _) => {}
            }
            match outcome_record {
                OutcomeRecord::Result { result, .. } => self.result(expectation, result),
                _ if results => self.expect(false, "outcome", "a result", || outcome_text(outcome_record)),
                OutcomeRecord::Error { .. } | OutcomeRecord::Lost { .. } => {}
            }
        }
        if let Some(Attempts { least, most }) = attempts {
            let fits =
                least.is_none_or(|least| record.attempts >= least) && most.is_none_or(|most| record.attempts <= most);
            let bound = |word: &str, bound: &Option<usize>| bound.map(|bound| format!("{word} {bound}"));
            let bounds: Vec<_> = bound("at least", least).into_iter().chain(bound("at most", most)).collect();
            self.expect(fits, "attempts", &bounds.join(" and "), || record.attempts.to_string());
        }
        if let Some(reached) = reached {
            let count =
                |server: ReachedServer| record.requests.iter().filter(|request| request.server == server).count();
            let (endpoint, decoy) = (count(ReachedServer::Endpoint), count(ReachedServer::Decoy));
            let (fits, expected) = match reached {
                ExpectedServer::Endpoint => (endpoint > 0 && decoy == 0, "requests to the endpoint, none to the decoy"),
                ExpectedServer::Nobody => (endpoint == 0 && decoy == 0, "no request"),
            };
            self.expect(fits, "server", expected, || format!("{endpoint} to the endpoint, {decoy} to the decoy"));
        }
        self.requests(expectation, record);
    }

    fn expect(&mut self, holds: bool, at: &str, expected: &str, actual: impl FnOnce() -> String) {
        self.made += 1;
        if !holds {
            let breach = ClientBreach { at: at.to_owned(), expected: expected.to_owned(), actual: actual() };
            if !self.breaches.contains(&breach) {
                self.breaches.push(breach);
            }
        }
    }

    fn error(&mut self, expected: &ExpectedError, error: &ErrorRecord) {
        let ExpectedError { code, typed, message, http_status, request_id, phase, members } = expected;
        let texts = [("code", code, &error.code), ("message", message, &error.message)];
        // An error without a class is a line of text, which has only a name and a message.
        let whole = self.driver.typed;
        let request_id = whole.then_some(("request id", request_id, &error.request_id));
        for (what, wanted, found) in texts.into_iter().chain(request_id) {
            if let Some(wanted) = wanted {
                let actual = || found.clone().unwrap_or_else(|| format!("none: {}", summary(error)));
                self.expect(found.as_ref() == Some(wanted), &format!("error {what}"), wanted, actual);
            }
        }
        if let Some(wanted) = http_status.filter(|_| whole) {
            let actual = || error.http_status.map_or_else(|| "none".to_owned(), |status| status.to_string());
            self.expect(error.http_status == Some(wanted), "error status", &wanted.to_string(), actual);
        }
        if let Some(typed) = typed.filter(|_| whole) {
            let is = error.code.as_ref() == Some(&error.class);
            let expected = if typed { "a class called like the error" } else { "no class of its own" };
            self.expect(is == typed, "error class", expected, || summary(error));
        }
        if !phase.is_empty() {
            let words: Vec<_> = phase.iter().map(|phase| phase.word()).collect();
            self.expect(phase.contains(&error.phase), "error phase", &words.join(" or "), || error.phase.word());
        }
        for (name, wanted) in members.iter().filter(|_| whole) {
            self.member(&format!("error /{name}"), wanted, error.members.get(name));
        }
    }

    fn result(&mut self, expectation: &Expectation, result: &BTreeMap<String, ShownValue>) {
        let outputs = self.driver.outputs.as_ref();
        let handed = |name: &String| outputs.is_none_or(|names| names.contains(name));
        for (name, wanted) in expectation.members.iter().filter(|(name, _)| handed(name)) {
            self.member(&format!("result /{name}"), wanted, result.get(name));
        }
        for name in expectation.as_sent.iter().filter(|name| handed(name)) {
            let found = result.get(name);
            let same = found.is_some_and(|value| value.equals == Some(SecretLikeness::Sent));
            self.expect(same, &format!("result /{name}"), "the value that was sent", || value_text(found));
        }
        for name in expectation.absent.iter().filter(|name| handed(name)) {
            let found = result.get(name);
            let gone = found.is_none_or(|value| value.value.value.is_absent());
            self.expect(gone, &format!("result /{name}"), "nothing", || value_text(found));
        }
    }

    fn member(&mut self, at: &str, wanted: &Tagged, found: Option<&ShownValue>) {
        let same = found.is_some_and(|value| {
            let native = wanted.native.is_none() || wanted.native == value.value.native;
            native && value.value.value.means_same(&wanted.value)
        });
        self.expect(same, at, &json(wanted), || value_text(found));
    }

    fn requests(&mut self, expectation: &Expectation, record: &Record) {
        let Expectation { body, body_has, headers, path, region, .. } = expectation;
        if body.is_none() && body_has.is_empty() && headers.is_empty() && path.is_none() && region.is_none() {
            return;
        }
        if record.requests.is_empty() {
            let actual = || record.outcomes.first().map_or_else(|| "none".to_owned(), outcome_text);
            return self.expect(false, "requests", "at least one", actual);
        }
        for request in &record.requests {
            if let Some(wanted) = body {
                let same = request.body.json.as_ref() == Some(wanted);
                let actual = || request.body.text.clone().unwrap_or_else(|| "no text".to_owned());
                self.expect(same, "request body", &wanted.to_string(), actual);
            }
            for (name, wanted) in body_has {
                let found = request.body.json.as_ref().and_then(|json| json.get(name));
                let actual = || found.map_or_else(|| "none".to_owned(), ToString::to_string);
                self.expect(found == Some(wanted), &format!("request body /{name}"), &wanted.to_string(), actual);
            }
            for (name, HeaderExpectation { is, signed, there }) in headers {
                let at = format!("request header {name}");
                let found = request.headers.get(name);
                let actual = || found.cloned().unwrap_or_else(|| "none".to_owned());
                if let Some(wanted) = is {
                    self.expect(found == Some(wanted), &at, wanted, actual);
                }
                if let Some(wanted) = there {
                    let expected = if *wanted { "a value" } else { "none" };
                    self.expect(found.is_some() == *wanted, &at, expected, actual);
                }
                if let Some(wanted) = signed {
                    let expected = if *wanted { "covered by the signature" } else { "not covered by the signature" };
                    let covered = request.signed_headers.contains(name);
                    self.expect(covered == *wanted, &at, expected, || {
                        format!("the signature covers {}", request.signed_headers.join(", "))
                    });
                }
            }
            if let Some(wanted) = path {
                let target = request.line.split(' ').nth(1).unwrap_or_default();
                self.expect(target.split('?').next() == Some(wanted), "request line", wanted, || request.line.clone());
            }
            if let Some(wanted) = region {
                let scope = request.scope.as_deref().unwrap_or("no scope");
                let found = scope.split('/').next();
                self.expect(found == Some(wanted), "request header authorization", wanted, || scope.to_owned());
            }
        }
    }
}

/// An outcome in a few words.
fn outcome_text(outcome: &OutcomeRecord) -> String {
    match outcome {
        OutcomeRecord::Result { result, .. } => {
            let names: Vec<_> = result.keys().map(String::as_str).collect();
            format!("a result with {}", if names.is_empty() { "no members".to_owned() } else { names.join(", ") })
        }
        OutcomeRecord::Error { error, .. } => format!("an error: {}", summary(error)),
        OutcomeRecord::Lost { .. } => "nothing".to_owned(),
    }
}

/// An error in a few words.
fn summary(error: &ErrorRecord) -> String {
    let code = error.code.as_ref().filter(|code| **code != error.class).map(|code| format!(", code {code}"));
    let message = error.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
    format!("{} ({}{}){message}", error.class, error.phase.word(), code.unwrap_or_default())
}

fn value_text(found: Option<&ShownValue>) -> String {
    found.map_or_else(|| "nothing".to_owned(), json)
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
