use std::collections::BTreeSet;

use serde_json::Value;

use super::case::{Answer, Call, Case, Expect, RequestSpec, Suite};
use super::cases::Corpus;
use super::expand::{ExpandedCase, differences};
use super::files::file_stem;
use super::template::fill;
use crate::contract::{
    Contract, Evidence, Feature, Fixtures, LoadError, Operation, REGISTER_FILE, Requirement, Resource, Side, unreadable,
};

/// What may stand in `breaks` beside the keywords of JSON Schema: what no schema of the request says.
const BEYOND_THE_SCHEMA: [&str; 3] = ["prose", "protocol", "state"];

/// Holds suites and replies against the contract and against each other.
pub(super) struct Checker<'a> {
    pub(super) contract: &'a Contract,
    pub(super) corpus: &'a Corpus,
    pub(super) fixtures: &'a Fixtures,
}

/// Errors of one case, each at a place below it.
struct Errors<'a> {
    file: &'a str,
    at: String,
    found: Vec<LoadError>,
}

impl Errors<'_> {
    fn add(&mut self, member: &str, message: impl Into<String>) {
        self.found.push(LoadError::new(self.file, format!("{}{member}", self.at), message));
    }
}

impl Checker<'_> {
    pub(super) fn check(&self, suites: &[(String, Suite)]) -> Vec<LoadError> {
        let mut errors = Vec::new();
        for (file, suite) in suites {
            check_suite(file, suite, &mut errors);
            for (index, case) in suite.cases.iter().enumerate() {
                let mut found = Errors { file, at: format!("/cases/{index}"), found: Vec::new() };
                self.check_case(suite, case, &mut found);
                errors.append(&mut found.found);
            }
        }
        self.check_replies(&mut errors);
        // With suites missing or broken, an uncited requirement would be a second report of the same fault.
        if errors.is_empty() {
            self.check_orphans(&mut errors);
        }
        errors
    }

    fn check_case(&self, suite: &Suite, case: &Case, errors: &mut Errors<'_>) {
        check_id(file_stem(errors.file), case, errors);
        check_texts(case, errors);
        self.check_requirements(suite, case, errors);
        check_form(case, errors);
        for (place, expect) in expectations(case) {
            self.check_expectation(suite, &place, expect, errors);
        }
        for (place, reply) in replies(case) {
            match reply {
                None => errors.add(&place, "the mock needs a reply for this case, found none"),
                Some(name) if self.corpus.replies().get(name).is_none_or(|reply| reply.wrong.is_some()) => {
                    errors.add(
                        &place,
                        format!("expected a right reply in fixtures/replies, found none called \"{name}\""),
                    );
                }
                Some(_) => {}
            }
        }
        self.check_control(case, errors);
        for expanded in self.corpus.family(&case.id) {
            self.check_request(expanded, errors);
        }
    }

    fn check_requirements(&self, suite: &Suite, case: &Case, errors: &mut Errors<'_>) {
        let mut decides = false;
        for (index, id) in case.requirements.iter().enumerate() {
            match self.contract.register.get(id) {
                None => errors.add(&format!("/requirements/{index}"), format!("there is no requirement {id}")),
                Some(row) if row.side != Side::Server => {
                    errors.add(
                        &format!("/requirements/{index}"),
                        format!("{id} binds SDKs; a case of this side cites rows with the side \"server\""),
                    );
                }
                Some(row) if row.operation != suite.operation => {
                    errors.add(
                        &format!("/requirements/{index}"),
                        format!("{id} is of the operation {}, and the suite of {}", row.operation, suite.operation),
                    );
                }
                Some(row) if !row.is_tested() => {
                    errors.add(
                        &format!("/requirements/{index}"),
                        format!("the requirement {id} is excluded or pending, so no case can cite it"),
                    );
                }
                Some(row) => {
                    decides |= row.is_outcome();
                    check_bounds(case, row, index, errors);
                    if row.feature != Feature::CORE && !case.needs.contains(&row.feature) {
                        errors.add(
                            "/needs",
                            format!("{id} belongs to the feature {}, which the case does not need", row.feature),
                        );
                    }
                }
            }
        }
        if !decides {
            errors.add("/requirements", "expected at least one requirement that the outcome decides, found none");
        }
    }

    /// Holds what is expected against the schemas; where nothing is said, a success of its operation is expected.
    fn check_expectation(&self, suite: &Suite, place: &str, expect: &Expect, errors: &mut Errors<'_>) {
        let response = self.contract.operation(&suite.operation).map(|operation| operation.response.name.as_str());
        for answer in expect.answers() {
            let success = answer.is_success();
            if success && answer.error.is_some() {
                errors.add(place, format!("expected no error name for a success, found {answer}"));
            }
            if success && answer.schema.as_deref() != response {
                let response = response.unwrap_or_default();
                errors.add(place, format!("expected the schema {response} for a success of {}", suite.operation));
            }
            if let Some(schema) = &answer.schema
                && self.contract.validators.get(schema).is_none()
            {
                errors.add(place, format!("there is no schema {schema}"));
            }
        }
    }

    fn check_control(&self, case: &Case, errors: &mut Errors<'_>) {
        let refusable = case.expect.as_ref().is_some_and(|expect| !expect.is_positive());
        let Some(control) = &case.control else {
            if refusable {
                errors.add(
                    "",
                    "a case that may be refused needs a control: an accepted request that differs in one place",
                );
            }
            return;
        };
        let Some(accepted) = self.corpus.get(&control.case) else {
            return errors.add("/control/case", format!("there is no case {}", control.case));
        };
        let accepted_request = match accepted.calls.as_slice() {
            [call] if call.expect.is_positive() => &call.request,
            _ => {
                return errors.add(
                    "/control/case",
                    format!("the control {} is not one call that must be accepted", control.case),
                );
            }
        };
        if let Some(need) = accepted.case.needs.iter().find(|need| !case.needs.contains(need)) {
            errors.add("/needs", format!("the control needs the feature {need}, so this case does too"));
        }
        for expanded in self.corpus.family(&case.id) {
            let Some(call) = expanded.calls.first() else { continue };
            let places = differences(accepted_request, &call.request);
            if places != [control.differs_at.clone()] {
                let found = if places.is_empty() { "no difference".to_owned() } else { places.join(" and ") };
                let message = format!(
                    "expected {} to differ from {} at {} only, found {found}",
                    expanded.id, control.case, control.differs_at
                );
                errors.add("/control/differs_at", message);
            }
        }
    }

    /// Holds the input against the schema of the request: it breaks what the case says, and nothing else.
    fn check_request(&self, expanded: &ExpandedCase, errors: &mut Errors<'_>) {
        let case = &expanded.case;
        let refusable = expanded.calls.iter().any(|call| !call.expect.is_positive());
        match (&case.breaks, refusable) {
            (None, true) => errors.add(
                "/breaks",
                "a case that may be refused names the keyword it breaks, \"prose\", \"protocol\" or \"state\"",
            ),
            (Some(_), false) => errors.add("/breaks", "a case that must be accepted breaks nothing"),
            _ => {}
        }
        let expected: Vec<&str> =
            case.breaks.iter().map(String::as_str).filter(|word| !BEYOND_THE_SCHEMA.contains(word)).collect();
        for call in &expanded.calls {
            let resources = &self.contract.service.resources;
            let Some(operation) = self.operation_of(expanded, call) else { continue };
            let schema = &operation.request.name;
            let input = match sample_input(&call.request, resources) {
                Ok(input) => input,
                Err(message) => {
                    errors.add("/request", message);
                    continue;
                }
            };
            let breaches = self.contract.validators.breaches(schema, &input);
            let found: Vec<&str> = breaches.iter().map(|breach| breach.keyword.as_str()).collect();
            if found != expected {
                let list = |words: &[&str]| if words.is_empty() { "nothing".to_owned() } else { words.join(" and ") };
                let message = format!(
                    "expected the input of {} to break {} of {schema}, found {}",
                    expanded.id,
                    list(&expected),
                    list(&found)
                );
                errors.add("/breaks", message);
            }
            self.check_prose(expanded, call, &input, errors);
        }
    }

    /// The operation that a call is of.
    fn operation_of(&self, expanded: &ExpandedCase, call: &Call) -> Option<&Operation> {
        self.contract.operation(call.request.operation.as_deref().unwrap_or(&expanded.operation))
    }

    /// Holds the input against what the documents say in prose: a case that must be refused as
    /// `prose` breaks it in one place, and any other breaks none of it.
    fn check_prose(&self, expanded: &ExpandedCase, call: &Call, input: &Value, errors: &mut Errors<'_>) {
        if call.request.raw.as_ref().is_some_and(|raw| raw.body.is_some()) {
            return;
        }
        let Some(operation) = self.operation_of(expanded, call) else { return };
        let mut plain = self.contract.validators.prose_breaches(&operation.request.name, input);
        plain.retain(|breach| breach.evidence != Evidence::Conflict);
        let forbidden =
            expanded.case.breaks.as_deref() == Some("prose") && !call.expect.answers().iter().any(Answer::is_success);
        // Some sentences say the same twice: a colon is no letter, and an empty name begins with none.
        let one_place = plain.first().is_some_and(|first| plain.iter().all(|breach| breach.at == first.at));
        if forbidden != one_place {
            let expected =
                if forbidden { "one place of the input to break the prose" } else { "the input to break no prose" };
            let found: Vec<_> = plain.iter().map(|breach| breach.id.as_str()).collect();
            let message = format!("expected {expected} for {}, found {found:?}", expanded.id);
            errors.add("/breaks", message);
        }
    }

    fn check_replies(&self, errors: &mut Vec<LoadError>) {
        for (name, reply) in self.corpus.replies() {
            let file = self.fixtures.name_of(&format!("replies/{name}.json"));
            let mut add = |pointer: &str, message: String| errors.push(LoadError::new(&file, pointer, message));
            for (pointer, text) in [("", name), ("/title", &reply.title)] {
                if let Some(message) = unreadable(text) {
                    add(pointer, message);
                }
            }
            if reply.version != 1 {
                add("/version", format!("expected version 1, found {}", reply.version));
            }
            if reply.body.is_some() && reply.body_text.is_some() {
                add("/body_text", "expected either body or body_text, found both".to_owned());
            }
            if let Some(wrong) = &reply.wrong {
                if self.corpus.get(&wrong.case).is_none() {
                    add("/wrong/case", format!("there is no case {}", wrong.case));
                }
                if wrong.violates.is_empty() {
                    add("/wrong/violates", "a wrong reply violates at least one requirement".to_owned());
                }
                for (index, id) in wrong.violates.iter().enumerate() {
                    if self.contract.register.get(id).is_none() {
                        add(&format!("/wrong/violates/{index}"), format!("there is no requirement {id}"));
                    }
                }
                continue;
            }
            let body: Value = serde_json::from_slice(&reply.body_at(1_700_000_000.0, 900.0)).unwrap_or(Value::Null);
            let error = || body[&self.contract.service.error_name_member.is].as_str().map(str::to_owned);
            let schemas: Vec<String> = match reply.status {
                200..300 => self.responses_of(name),
                _ => error().filter(|error| self.contract.validators.get(error).is_some()).into_iter().collect(),
            };
            for breach in schemas.iter().flat_map(|schema| self.contract.validators.breaches(schema, &body)) {
                add(&format!("/body{}", breach.at), format!("expected {}, found {}", breach.expected, breach.actual));
            }
        }
    }

    /// The schemas of the responses that a reply stands for: those of the operations whose calls get it.
    fn responses_of(&self, reply: &str) -> Vec<String> {
        let calls = self.corpus.cases().iter().flat_map(|case| {
            [&case.setup, &case.calls, &case.teardown].into_iter().flatten().map(move |call| (case, call))
        });
        let given = calls.filter(|(_, call)| call.reply.as_deref() == Some(reply));
        let names = given.filter_map(|(case, call)| Some(self.operation_of(case, call)?.response.name.clone()));
        names.collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn check_orphans(&self, errors: &mut Vec<LoadError>) {
        let cases = self.corpus.cases();
        let given: BTreeSet<&str> =
            cases.iter().flat_map(|case| replies(&case.case)).filter_map(|(_, name)| name).collect();
        for (name, reply) in self.corpus.replies() {
            if reply.wrong.is_none() && !given.contains(name.as_str()) {
                let file = self.fixtures.name_of(&format!("replies/{name}.json"));
                let message = "no case is answered with it; name it as the reply of one, or take it out".to_owned();
                errors.push(LoadError::new(&file, "", message));
            }
        }
        let cited: BTreeSet<&str> =
            self.corpus.cases().iter().flat_map(|case| &case.case.requirements).map(String::as_str).collect();
        let file = self.fixtures.name_of(REGISTER_FILE);
        for (index, row) in self.contract.register.requirements.iter().enumerate() {
            if row.side == Side::Server && row.is_tested() && !cited.contains(row.id.as_str()) {
                let message =
                    format!("no case cites {}; cite it, or say under \"excluded\" or \"pending\" why none can", row.id);
                errors.push(LoadError::new(&file, format!("/requirements/{index}"), message));
            }
        }
    }
}

fn check_suite(file: &str, suite: &Suite, errors: &mut Vec<LoadError>) {
    let mut add = |pointer: &str, message: String| errors.push(LoadError::new(file, pointer, message));
    if suite.version != 1 {
        add("/version", format!("expected version 1, found {}", suite.version));
    }
    let stem = file_stem(file);
    if let Some(name) = suite.suite.as_deref().filter(|name| *name != stem) {
        add("/suite", format!("expected the name of the file, \"{stem}\", or nothing, found \"{name}\""));
    }
    if suite.side.is_some_and(|side| side != Side::Server) {
        add("/side", "expected \"server\" in this folder, or nothing".to_owned());
    }
}

/// The texts of a case that people read in lists. Requests and replies may hold anything.
fn check_texts(case: &Case, errors: &mut Errors<'_>) {
    let breaks = case.breaks.iter().map(|word| ("/breaks".to_owned(), word));
    let answers = expectations(case).flat_map(|(place, expect)| {
        let names = expect.answers().iter().flat_map(|answer| answer.error.iter().chain(&answer.schema));
        names.map(move |name| (place.clone(), name))
    });
    let control = case.control.iter().flat_map(|control| {
        [("/control/case".to_owned(), &control.case), ("/control/differs_at".to_owned(), &control.differs_at)]
    });
    let names = [("/id".to_owned(), &case.id), ("/title".to_owned(), &case.title)];
    for (place, text) in names.into_iter().chain(breaks).chain(answers).chain(control) {
        if let Some(message) = unreadable(text) {
            errors.add(&place, message);
        }
    }
}

fn check_id(suite: &str, case: &Case, errors: &mut Errors<'_>) {
    let kebab = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if case.id.split_once('/').is_none_or(|(prefix, name)| prefix != suite || !kebab(name)) {
        errors.add("/id", format!("expected {suite}/<name in kebab-case>, found \"{}\"", case.id));
    }
}

/// A case is one call, or several under `steps`.
fn check_form(case: &Case, errors: &mut Errors<'_>) {
    if case.request.is_some() != case.steps.is_empty() {
        errors.add("/request", "expected a request, or steps instead of it");
    }
    if case.expect.is_some() && !case.steps.is_empty() {
        errors.add("/expect", "expected what is expected of each step beside it");
    }
    if !case.steps.is_empty() && (case.family.is_some() || case.control.is_some()) {
        errors.add("/steps", "a case with steps has neither family nor control");
    }
    if case.together && case.steps.len() < 2 {
        errors.add("/together", "expected several steps to be made at the same time");
    }
    if let Some(family) = &case.family
        && family.values.is_empty()
        && family.named.is_empty()
    {
        errors.add("/family", "expected at least one value");
    }
}

/// A conflict bounds the answer: the case expects exactly what the row accepts.
fn check_bounds(case: &Case, row: &Requirement, index: usize, errors: &mut Errors<'_>) {
    if row.accepts.is_empty() {
        return;
    }
    let expected: BTreeSet<String> = case.expect.iter().flat_map(Expect::answers).map(ToString::to_string).collect();
    let accepted: BTreeSet<String> = row.accepts.iter().cloned().collect();
    if expected != accepted {
        let list = |answers: &BTreeSet<String>| answers.iter().cloned().collect::<Vec<_>>().join(", ");
        let message = format!("{} accepts {}, but the case expects {}", row.id, list(&accepted), list(&expected));
        errors.add(&format!("/requirements/{index}"), message);
    }
}

/// Every expectation of a case, with its place.
fn expectations(case: &Case) -> impl Iterator<Item = (String, &Expect)> {
    let single = case.expect.iter().map(|expect| ("/expect".to_owned(), expect));
    let calls = [("setup", &case.setup), ("steps", &case.steps), ("teardown", &case.teardown)];
    let several = calls.into_iter().flat_map(|(part, calls)| {
        calls.iter().enumerate().map(move |(index, call)| (format!("/{part}/{index}/expect"), &call.expect))
    });
    single.chain(several)
}

/// Every place for the mock's reply, with the reply's name.
fn replies(case: &Case) -> impl Iterator<Item = (String, Option<&str>)> {
    let single = case.request.iter().map(|_| ("/reply".to_owned(), case.reply.as_deref()));
    let calls = [("setup", &case.setup), ("steps", &case.steps), ("teardown", &case.teardown)];
    let several = calls.into_iter().flat_map(|(part, calls)| {
        calls.iter().enumerate().map(move |(index, call)| (format!("/{part}/{index}/reply"), call.reply.as_deref()))
    });
    single.chain(several)
}

/// Whether a header field of this name can be sent as it is spelled.
fn is_sendable(name: &str) -> bool {
    const FRAMING: [&str; 4] = ["connection", "content-length", "expect", "transfer-encoding"];
    !name.bytes().any(|byte| byte.is_ascii_uppercase()) && !FRAMING.contains(&name)
}

/// The input of a request with its placeholders filled with samples, as the service reads it.
fn sample_input(request: &RequestSpec, resources: &[Resource]) -> Result<Value, String> {
    let raw_texts =
        request.raw.iter().flat_map(|raw| raw.body.iter().chain(&raw.path).chain(raw.headers.values().flatten()));
    let sample = |text: &str| {
        fill(text, resources, |placeholder| Ok::<_, std::convert::Infallible>(placeholder.sample()))
            .map(std::borrow::Cow::into_owned)
            .map_err(|error| error.to_string())
    };
    for text in raw_texts {
        sample(text)?;
    }
    if let Some(name) = request.raw.iter().flat_map(|raw| raw.headers.keys()).find(|name| !is_sendable(name)) {
        let expected = "expected header fields in small letters that do not frame the body";
        return Err(format!("{expected}, as HTTP sends them, found {name}"));
    }
    let filled = sample(&request.input.to_json())?;
    if let Some(raw) = &request.raw
        && let Some(encoding) = raw.encoding
        && encoding.bytes(raw.body.as_deref().unwrap_or(&filled)).is_none()
    {
        return Err("the body has a character that its encoding lacks".to_owned());
    }
    let mut input: Value = serde_json::from_str(&filled).map_err(|error| error.to_string())?;
    // In the protocol a null member is an absent one.
    if let Some(members) = input.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    Ok(input)
}
