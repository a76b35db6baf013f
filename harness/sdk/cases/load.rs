use std::collections::HashMap;
use std::sync::Arc;

use super::script::{self, FaultAt, Framing, ScriptedBody, Step};
use super::{CA, ClientCase, ClientRequest, ClientSuite, DECOY, ENDPOINT, Expectation, MaxAttempts, PROXY};
use crate::contract::{Contract, Fixtures, LoadError, REGISTER_FILE, Register, Requirement, Side, unreadable};
use crate::corpus::{Corpus, LoadErrors, SelectError, Selectable, Selection, file_stem, load_folder};
use crate::text::did_you_mean;
use crate::wire::is_password_name;

/// The folder of the suites for SDKs, below the fixtures folder.
const CLIENT_SUITES: &str = "client";

/// Every client case, checked against the register and against the cases of the server side.
#[derive(Clone, Debug, Default)]
pub struct ClientCorpus {
    cases: Vec<Arc<ClientCase>>,
}

impl Selectable for ClientCase {
    fn id(&self) -> &str {
        &self.id
    }

    fn requirements(&self) -> &[String] {
        &self.requirements
    }
}

impl ClientCase {
    /// The suite that it is in: the first part of its id.
    pub fn suite(&self) -> &str {
        self.id.split('/').next().unwrap_or_default()
    }
}

impl ClientCorpus {
    /// Reads and checks all client suites; those of this build were checked before.
    ///
    /// # Errors
    /// Every error that is found, with its file and JSON pointer.
    pub fn load(fixtures: &Fixtures, contract: &Contract, server: &Corpus) -> Result<Self, LoadErrors> {
        let (suites, mut errors) = load_folder::<ClientSuite>(fixtures, CLIENT_SUITES);
        let mut corpus = Self::default();
        let mut places: HashMap<String, String> = HashMap::new();
        for (path, suite) in suites {
            let file = fixtures.name_of(&path);
            if !fixtures.need_checks() {
                corpus.cases.extend(suite.cases.into_iter().map(Arc::new));
                continue;
            }
            check_suite(&file, &suite, contract, &mut errors);
            for (index, case) in suite.cases.into_iter().enumerate() {
                let at = format!("/cases/{index}");
                let mut found = CaseErrors { file: &file, at: &at, found: &mut errors };
                check_case(file_stem(&file), &case, &contract.register, &mut found);
                if server.get(&case.id).is_some() || server.family(&case.id).next().is_some() {
                    let message = format!("the server side has a case {} already; give this one another name", case.id);
                    found.add("/id", message);
                }
                if let Some(first) = places.insert(case.id.clone(), format!("{file} at {at}")) {
                    found.add("/id", format!("the id {} stands twice, first in {first}", case.id));
                }
                corpus.cases.push(Arc::new(case));
            }
        }
        // With suites missing or broken, an uncited requirement would be a second report of the same fault.
        if errors.is_empty() && fixtures.need_checks() {
            errors.extend(corpus.orphans(fixtures, contract));
        }
        if errors.is_empty() { Ok(corpus) } else { Err(LoadErrors(errors)) }
    }

    /// The cases, in the order of the files and of the cases in them.
    pub fn cases(&self) -> &[Arc<ClientCase>] {
        &self.cases
    }

    /// The case with this id.
    pub fn get(&self, id: &str) -> Option<&Arc<ClientCase>> {
        self.cases.iter().find(|case| case.id == id)
    }

    /// The selected cases, in order.
    ///
    /// # Errors
    /// When a pattern or a requirement matches nothing, or no case is left.
    pub fn select(&self, contract: &Contract, selection: &Selection) -> Result<Vec<Arc<ClientCase>>, SelectError> {
        selection.choose(&self.cases, &contract.register, "countersign list cases --side client")
    }

    /// The requirements on clients that no case cites.
    fn orphans(&self, fixtures: &Fixtures, contract: &Contract) -> Vec<LoadError> {
        let file = fixtures.name_of(REGISTER_FILE);
        let cited = |id: &String| self.cases.iter().any(|case| case.requirements.contains(id));
        let rows = contract.register.requirements.iter().enumerate();
        let orphans = rows.filter(|(_, row)| row.side == Side::Client && row.is_tested() && !cited(&row.id));
        let error = |(index, row): (usize, &Requirement)| {
            let advice = "cite it, or say under \"excluded\" or \"pending\" why none can";
            let message = format!("no client case cites {}; {advice}", row.id);
            LoadError::new(&file, format!("/requirements/{index}"), message)
        };
        orphans.map(error).collect()
    }
}

/// The longest wait or deadline, in milliseconds: two minutes.
const LONGEST_MS: u64 = 120_000;

/// Collects the errors of one case; `at` is its JSON pointer.
struct CaseErrors<'a> {
    file: &'a str,
    at: &'a str,
    found: &'a mut Vec<LoadError>,
}

impl CaseErrors<'_> {
    fn add(&mut self, member: &str, message: impl Into<String>) {
        self.found.push(LoadError::new(self.file, format!("{}{member}", self.at), message));
    }
}

fn check_suite(file: &str, suite: &ClientSuite, contract: &Contract, errors: &mut Vec<LoadError>) {
    let mut add = |pointer: &str, message: String| errors.push(LoadError::new(file, pointer, message));
    if suite.version != 1 {
        add("/version", format!("expected version 1, found {}", suite.version));
    }
    let stem = file_stem(file);
    if let Some(name) = suite.suite.as_deref().filter(|name| *name != stem) {
        add("/suite", format!("expected the name of the file, \"{stem}\", or nothing, found \"{name}\""));
    }
    if suite.side.is_some_and(|side| side != Side::Client) {
        add("/side", "expected \"client\" in this folder, or nothing".to_owned());
    }
    let operation = &contract.service.default_operation;
    if suite.operation != *operation {
        add("/operation", format!("expected {operation}, found {}", suite.operation));
    }
}

fn check_case(suite: &str, case: &ClientCase, register: &Register, errors: &mut CaseErrors<'_>) {
    let kebab = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if case.id.split_once('/').is_none_or(|(prefix, name)| prefix != suite || !kebab(name)) {
        errors.add("/id", format!("expected {suite}/<name in kebab-case>, found \"{}\"", case.id));
    }
    if case.title.trim().is_empty() {
        errors.add("/title", "it says nothing");
    }
    for (member, text) in [("/id", &case.id), ("/title", &case.title)] {
        if let Some(message) = unreadable(text) {
            errors.add(member, message);
        }
    }
    check_requirements(case, register, errors);
    check_request(&case.request, errors);
    if case.script.is_empty() {
        errors.add("/script", "expected at least one step; leave it out where every request gets the right answer");
    }
    for (index, step) in case.script.iter().enumerate() {
        check_step(step, &format!("/script/{index}"), errors);
    }
    for (index, expectation) in case.expect.iter().enumerate() {
        check_expectation(case, expectation, &format!("/expect/{index}"), errors);
    }
}

fn check_requirements(case: &ClientCase, register: &Register, errors: &mut CaseErrors<'_>) {
    for (index, id) in case.requirements.iter().enumerate() {
        let place = format!("/requirements/{index}");
        let expected = case.expect.iter().any(|expectation| expectation.requirement == *id);
        match register.get(id) {
            None => errors.add(&place, format!("there is no requirement {id}{}", did_you_mean(id, register.ids()))),
            Some(row) if row.side != Side::Client => {
                errors.add(&place, format!("{id} binds endpoints; a client case cites rows with the side \"client\""));
            }
            Some(row) if !row.is_tested() => {
                errors.add(&place, format!("the requirement {id} is excluded or pending, so no case can cite it"));
            }
            Some(row) if row.is_outcome() && !expected => {
                errors.add(&place, format!("nothing under \"expect\" says what {id} asks for in this case"));
            }
            Some(row) if !row.is_outcome() && expected => {
                errors.add(&place, format!("{id} is decided by a rule on every request; take it out of \"expect\""));
            }
            Some(_) => {}
        }
        if case.requirements[..index].contains(id) {
            errors.add(&place, format!("{id} stands here twice"));
        }
    }
}

fn check_request(request: &ClientRequest, errors: &mut CaseErrors<'_>) {
    if !(1..=50).contains(&request.calls) {
        errors.add("/request/calls", format!("expected 1 to 50, found {}", request.calls));
    }
    if !(100..=LONGEST_MS).contains(&request.deadline_ms) {
        errors.add("/request/deadline_ms", format!("expected 100 to {LONGEST_MS}, found {}", request.deadline_ms));
    }
    if request.config.max_attempts == MaxAttempts::Count(0) {
        errors.add("/request/config/maxAttempts", "expected at least 1, or \"default\", found 0");
    }
    if let Some(endpoint) = &request.endpoint
        && !(endpoint.starts_with(ENDPOINT) || endpoint.starts_with(DECOY))
    {
        errors.add("/request/endpoint", format!("expected {ENDPOINT}, with a path or without, found \"{endpoint}\""));
    }
    let environment = request.environment.iter().map(|(name, text)| (format!("/request/environment/{name}"), text));
    let others = [("/request/profile", &request.profile), ("/request/endpoint", &request.endpoint)];
    let others = others.into_iter().filter_map(|(place, text)| Some((place.to_owned(), text.as_ref()?)));
    for (place, text) in environment.chain(others) {
        let rest = [ENDPOINT, DECOY, PROXY, CA].iter().fold(text.clone(), |text, known| text.replace(known, ""));
        if rest.contains("${") {
            let message =
                format!("expected no placeholder but {ENDPOINT}, {DECOY}, {PROXY} and {CA}, found \"{text}\"");
            errors.add(&place, message);
        }
    }
    for name in request.environment.keys().filter(|name| !is_settable(name)) {
        let others = OTHER_VARIABLES.join(", ");
        let message = format!(
            "expected a variable that begins with AWS_ and is no key, or one of {others}; the runner sets all others"
        );
        errors.add(&format!("/request/environment/{name}"), message);
    }
}

/// The variables that a case may set though they do not begin with `AWS_`. None of them changes which program runs, or
/// what is loaded into it.
const OTHER_VARIABLES: [&str; 11] = [
    "_X_AMZN_TRACE_ID",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "NODE_EXTRA_CA_CERTS",
    "NODE_USE_ENV_PROXY",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
];

fn is_settable(name: &str) -> bool {
    let is_key = name.starts_with("AWS_ACCESS") || name.starts_with("AWS_SECRET");
    (name.starts_with("AWS_") && !is_key) || OTHER_VARIABLES.contains(&name)
}

fn check_step(step: &Step, place: &str, errors: &mut CaseErrors<'_>) {
    let mut add = |member: &str, message: String| errors.add(&format!("{place}{member}"), message);
    if !(200..=599).contains(&step.status) {
        add("/status", format!("expected 200 to 599, found {}; \"raw\" can say anything", step.status));
    }
    for (member, body) in [("/body", &step.body), ("/raw", &step.raw)] {
        if let Some(Err(message)) = body.as_ref().map(ScriptedBody::check) {
            add(member, message);
        }
    }
    if step.raw.is_some() && !step.is_plain_but_raw() {
        add("/raw", "it is the whole answer: nothing but delay_ms, drip and fault stands beside it".to_owned());
    }
    let answers = !step.fault.is_some_and(|fault| matches!(fault.at, FaultAt::Connect | FaultAt::Before));
    if answers && step.status != 200 && step.body.is_none() && step.raw.is_none() {
        add("", format!("say the body of the answer {}; {{\"text\":\"\"}} is none", step.status));
    }
    if step.content_length.is_some() && step.framing != Framing::Length {
        add("/content_length", "expected the framing \"length\" beside it".to_owned());
    }
    for (member, fields) in [("/headers", step.headers.as_ref()), ("/more_headers", Some(&step.more_headers))] {
        for (index, (name, value)) in fields.into_iter().flatten().enumerate() {
            if name.is_empty() || [name, value].into_iter().any(|text| text.contains(['\r', '\n'])) {
                add(
                    &format!("{member}/{index}"),
                    "expected a name, and no line break; \"raw\" can say anything".to_owned(),
                );
            } else if let Err(message) = script::fill_dates(value, 0) {
                add(&format!("{member}/{index}"), message);
            }
        }
    }
    let drip = step.drip.map_or(0, |drip| drip.every_ms);
    if step.delay_ms > LONGEST_MS || drip > LONGEST_MS {
        add("", format!("expected no wait above {LONGEST_MS} ms"));
    }
    if step.drip.is_some_and(|drip| drip.bytes == 0) {
        add("/drip/bytes", "expected at least 1".to_owned());
    }
    if step.fault.is_some_and(|fault| fault.body_bytes.is_some() && fault.at != FaultAt::InBody) {
        add("/fault/body_bytes", "expected \"at\": \"in-body\" beside it".to_owned());
    }
}

fn check_expectation(case: &ClientCase, expectation: &Expectation, place: &str, errors: &mut CaseErrors<'_>) {
    if !case.requirements.contains(&expectation.requirement) {
        let message = format!("the case does not cite {}", expectation.requirement);
        errors.add(&format!("{place}/requirement"), message);
    }
    if expectation.is_empty() {
        errors.add(place, "it asks for nothing");
    }
    for name in expectation.members.keys().filter(|name| is_password_name(name)) {
        errors.add(&format!("{place}/members/{name}"), "a secret is not written out; name it under \"as_sent\"");
    }
    for (index, _) in expectation.as_sent.iter().enumerate().filter(|(_, name)| !is_password_name(name)) {
        errors.add(
            &format!("{place}/as_sent/{index}"),
            "expected a secret member; write the others out under \"members\"",
        );
    }
    if expectation.attempts.is_some_and(|attempts| attempts.least.is_none() && attempts.most.is_none()) {
        errors.add(&format!("{place}/attempts"), "expected least, most or both");
    }
    let results = !expectation.members.is_empty() || !expectation.as_sent.is_empty() || !expectation.absent.is_empty();
    if results && expectation.error.is_some() {
        errors.add(place, "expected members of a result or an error, found both");
    }
}
