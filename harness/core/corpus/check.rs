use std::collections::BTreeSet;
use std::convert::Infallible;

use serde_json::Value;

use super::case::{
    AcceptedAnswer, Act, Call, Case, Control, Expect, Family, OtherStep, RequestSpec, Shown, ShownValue, Step, Suite,
};
use super::cases::Corpus;
use super::expand::{ExpandedCase, differences};
use super::files::{FileErrors, file_stem};
use super::reply::{Reply, WrongReply};
use super::template::{Placeholder, fill, is_key};
use crate::contract::{
    Contract, Evidence, Feature, Fixtures, Level, LoadError, REGISTER_FILE, Requirement, Resource, Service, Side,
};
use crate::text::did_you_mean;

/// The values of `breaks` beside the keywords of JSON Schema: breaches that no schema of the request states.
const BEYOND_THE_SCHEMA: [&str; 3] = ["prose", "protocol", "state"];

/// Checks suites and replies against the contract and against each other.
pub(super) struct Checker<'a> {
    pub(super) contract: &'a Contract,
    pub(super) corpus: &'a Corpus,
    pub(super) fixtures: &'a Fixtures,
}

impl Checker<'_> {
    pub(super) fn check(&self, suites: &[(String, Suite)]) -> Vec<LoadError> {
        let mut found = Vec::new();
        for (file, suite) in suites {
            check_suite(suite, &mut FileErrors { file, at: String::new(), found: &mut found });
            for case in &suite.cases {
                self.check_case(
                    suite,
                    case,
                    &mut FileErrors { file, at: format!("/cases/{}", case.place), found: &mut found },
                );
            }
        }
        for (name, reply) in self.corpus.replies() {
            let file = &self.file_of(name);
            self.check_reply(name, reply, &mut FileErrors { file, at: String::new(), found: &mut found });
        }
        // With suites missing or broken, an uncited requirement would be a second report of the same fault.
        if found.is_empty() {
            self.check_orphans(suites, &mut found);
        }
        found
    }

    fn file_of(&self, reply: &str) -> String {
        self.fixtures.name_of(&format!("replies/{reply}.json"))
    }

    fn check_case(&self, suite: &Suite, case: &Case, errors: &mut FileErrors<'_>) {
        check_id(file_stem(errors.file), case, errors);
        check_texts(case, errors);
        if let Some(flaw) = case.holds.flaw(&self.contract.service.revisions) {
            errors.add("/holds", flaw);
        }
        self.check_requirements(suite, case, errors);
        check_form(case, errors);
        for (place, operation, expect) in expectations(case) {
            self.check_expectation(operation.unwrap_or(&suite.operation), &place, expect, errors);
        }
        // The mock has no state, no database and no clock.
        let needs_replies = case.setup.is_empty() && case.teardown.is_empty() && !case.steps.iter().any(is_no_call);
        for (place, reply) in replies(case) {
            let Some(name) = reply else {
                errors.check(!needs_replies, &place, format_args!("the mock needs a reply for this case, found none"));
                continue;
            };
            let is_right = self.corpus.replies().get(name).is_some_and(|reply| reply.wrong.is_none());
            let near = if is_right { String::new() } else { self.right_replies_near(name) };
            let wrong = format_args!("expected a right reply in fixtures/replies, found none called \"{name}\"{near}");
            errors.check(is_right, &place, wrong);
        }
        self.check_control(case, errors);
        self.check_steps(case, errors);
        for expanded in self.corpus.family(&case.id) {
            self.check_request(expanded, errors);
        }
    }

    /// Checks the names of steps, what later steps take from them, and which requirements steps decide.
    fn check_steps(&self, case: &Case, errors: &mut FileErrors<'_>) {
        let resources = &self.contract.service.resources;
        let (mut answers, mut logins, mut has_logged_in) = (BTreeSet::new(), BTreeSet::new(), false);
        for (place, step) in parts(case) {
            for text in step.texts() {
                let mut unknown = None;
                let filled = fill(&text, resources, |placeholder| {
                    if let Placeholder::Answer(name, _) = placeholder
                        && !answers.contains(name)
                    {
                        unknown = Some(name.to_owned());
                    }
                    Ok::<_, Infallible>(placeholder.sample())
                });
                // The requests of steps are checked with their input.
                if let (Part::Other(_), Err(error)) = (&step, &filled) {
                    errors.add(&place, error.to_string());
                }
                if let Some(name) = unknown {
                    errors.add(&place, format!("there is no earlier call with the name \"{name}\""));
                }
            }
            if let Part::Other(OtherStep { act: Act::Query(query), .. }) = &step {
                let wrong = format_args!("there is no earlier log-in with the name \"{}\"", query.on);
                errors.check(logins.contains(query.on.as_str()), &format!("{place}/query/on"), wrong);
            }
            if let Part::Other(OtherStep { act: Act::Login(login), .. }) = &step {
                let wrong = format_args!(
                    "a log-in that must be refused needs an earlier one that must be accepted: else nothing shows that \
                     the password is why"
                );
                errors.check(!login.refused || has_logged_in, &format!("{place}/login/refused"), wrong);
                has_logged_in |= !login.refused;
            }
            for (index, id) in step.decides().into_iter().flatten().enumerate() {
                let wrong = format_args!("expected a requirement of the case, found {id}");
                errors.check(case.requirements.contains(id), &format!("{place}/decides/{index}"), wrong);
            }
            let Some(name) = step.name() else { continue };
            let wrong = format_args!("expected small letters, digits and hyphens, found \"{name}\"");
            errors.check(is_key(name), &format!("{place}/name"), wrong);
            let is_new = match step {
                Part::Other(step) => {
                    let is_open = matches!(&step.act, Act::Login(login) if !login.refused);
                    !answers.contains(name) && (!is_open || logins.insert(name))
                }
                Part::Call(_) => !logins.contains(name) && answers.insert(name),
            };
            errors.check(is_new, &format!("{place}/name"), format_args!("the name \"{name}\" stands twice"));
        }
        let judged: Vec<_> =
            parts(case).filter(|(place, step)| place.starts_with("/steps") && step.is_judged()).collect();
        check_shown(case, errors);
        let shown: BTreeSet<&String> = calls(case).flat_map(|(_, call)| &call.shows).map(|of| &of.decides).collect();
        for (index, id) in case.requirements.iter().enumerate() {
            let is_outcome = self.contract.register.get(id).is_some_and(Requirement::is_outcome);
            let decides = |step: &Part<'_>| step.decides().is_none_or(|decides| decides.contains(id));
            let is_decided =
                case.request.is_some() || shown.contains(id) || judged.iter().any(|(_, step)| decides(step));
            let wrong = format_args!("no step decides {id}");
            errors.check(!is_outcome || is_decided, &format!("/requirements/{index}"), wrong);
        }
        let makes = |call: &Call| {
            let operation = call.request.operation.as_deref();
            operation.is_some_and(|name| self.contract.is_for_setup(name))
        };
        let is_staged = calls(case).any(|(_, call)| makes(call));
        let wrong = format_args!("a case that makes something needs a feature, so that no target is surprised by it");
        errors.check(!is_staged || case.needs.iter().any(|need| *need != Feature::CORE), "/needs", wrong);
    }

    fn check_requirements(&self, suite: &Suite, case: &Case, errors: &mut FileErrors<'_>) {
        let mut decides = false;
        for (index, id) in case.requirements.iter().enumerate() {
            let place = format!("/requirements/{index}");
            let Some(row) = self.contract.register.get(id) else {
                let near = did_you_mean(id, self.contract.register.ids());
                errors.add(&place, format!("there is no requirement {id}{near}"));
                continue;
            };
            let Requirement { operation, feature, .. } = row;
            if row.side != Side::Server {
                errors.add(&place, format!("{id} binds SDKs; a case of this side cites rows with the side \"server\""));
            } else if *operation != suite.operation {
                errors
                    .add(&place, format!("{id} is of the operation {operation}, and the suite of {}", suite.operation));
            } else if !row.is_tested() {
                errors.add(&place, format!("the requirement {id} is excluded or pending, so no case can cite it"));
            } else {
                decides |= row.is_outcome();
                check_bounds(case, row, &place, errors);
                let is_needed = *feature == Feature::CORE || case.needs.contains(feature);
                let wrong = format_args!("{id} belongs to the feature {feature}, which the case does not need");
                errors.check(is_needed, "/needs", wrong);
            }
        }
        let wrong = format_args!("expected at least one requirement that the outcome decides, found none");
        errors.check(decides, "/requirements", wrong);
    }

    fn check_expectation(&self, operation: &str, place: &str, expect: &Expect, errors: &mut FileErrors<'_>) {
        let response = self.contract.operation(operation).map(|operation| operation.response.name.as_str());
        for answer in expect.answers() {
            let refused = !answer.is_success();
            let wrong = format_args!("expected no error name for a success, found {answer}");
            errors.check(refused || answer.error.is_none(), place, wrong);
            let expected = response.unwrap_or("nothing");
            let wrong = format_args!("expected the schema {expected} for a success of {operation}");
            errors.check(refused || answer.schema.as_deref() == response, place, wrong);
            if let Some(schema) = &answer.schema {
                let is_there = self.contract.validators().get(schema).is_some();
                errors.check(is_there, place, format_args!("there is no schema {schema}"));
            }
        }
    }

    fn check_control(&self, case: &Case, errors: &mut FileErrors<'_>) {
        let Some(control) = &case.control else {
            let must_be_accepted = case.expect.as_ref().is_none_or(Expect::is_positive);
            let wrong = format_args!(
                "a case that may be refused needs a control: an accepted request that differs in one place"
            );
            return errors.check(must_be_accepted, "", wrong);
        };
        let Some(accepted) = self.corpus.get(&control.case) else {
            let near = did_you_mean(&control.case, self.corpus.ids());
            return errors.add("/control/case", format!("there is no case {}{near}", control.case));
        };
        let Some(accepted_request) = only_accepted(accepted) else {
            let message = format!("the control {} is not one call that must be accepted", control.case);
            return errors.add("/control/case", message);
        };
        if let Some(need) = accepted.case.needs.iter().find(|need| !case.needs.contains(need)) {
            errors.add("/needs", format!("the control needs the feature {need}, so this case does too"));
        }
        for expanded in self.corpus.family(&case.id) {
            let Some(call) = expanded.calls.first() else { continue };
            let places = differences(accepted_request, &call.request);
            let found = if places.is_empty() { "no difference".to_owned() } else { places.join(" and ") };
            let (id, Control { case, differs_at }) = (&expanded.id, control);
            let wrong = format_args!("expected {id} to differ from {case} at {differs_at} only, found {found}");
            errors.check(places == [differs_at.as_str()], "/control/differs_at", wrong);
        }
    }

    /// Checks that the input breaks the keyword of the request's schema that the case names, and no other.
    fn check_request(&self, expanded: &ExpandedCase, errors: &mut FileErrors<'_>) {
        let case = &expanded.case;
        let refusable = expanded.calls.iter().any(|call| !call.expect.is_positive());
        let wrong = format_args!(
            "a case that may be refused names the keyword it breaks, \"prose\", \"protocol\" or \"state\""
        );
        errors.check(!refusable || case.breaks.is_some(), "/breaks", wrong);
        let wrong = format_args!("a case that must be accepted breaks nothing");
        errors.check(refusable || case.breaks.is_none(), "/breaks", wrong);
        let mut expected: Vec<&str> = case.breaks.as_deref().into_iter().collect();
        expected.retain(|word| !BEYOND_THE_SCHEMA.contains(word));
        let resources = &self.contract.service.resources;
        for call in expanded.setup.iter().chain(&expanded.teardown) {
            let Err(message) = sample_input(&call.request, resources) else { continue };
            errors.add("/setup", message);
        }
        for call in &expanded.calls {
            let sample = sample_input(&call.request, resources);
            let Ok(input) = sample.map_err(|message| errors.add("/request", message)) else { continue };
            let Some(operation) = expanded.operation_of(call, self.contract) else { continue };
            let schema = &operation.request.name;
            let breaches = self.contract.validators().breaches(schema, &input);
            let found: Vec<&str> = breaches.iter().map(|breach| breach.keyword.as_str()).collect();
            let list = |words: &[&str]| if words.is_empty() { "nothing".to_owned() } else { words.join(" and ") };
            let (id, wanted, broken) = (&expanded.id, list(&expected), list(&found));
            let wrong = format_args!("expected the input of {id} to break {wanted} of {schema}, found {broken}");
            errors.check(found == expected, "/breaks", wrong);
            self.check_prose(expanded, call, &input, errors);
        }
    }

    /// Checks the input against the prose of the documents: a case that must be refused as `prose` breaks it in one
    /// place, and any other case breaks none of it.
    fn check_prose(&self, expanded: &ExpandedCase, call: &Call, input: &Value, errors: &mut FileErrors<'_>) {
        if call.request.raw.as_ref().is_some_and(|raw| raw.body.is_some()) {
            return;
        }
        let Some(operation) = expanded.operation_of(call, self.contract) else { return };
        let mut breaches = self.contract.validators().prose_breaches(&operation.request.name, input);
        breaches.retain(|breach| breach.evidence != Evidence::Conflict);
        let forbidden = expanded.case.breaks.as_deref() == Some("prose")
            && !call.expect.answers().iter().any(AcceptedAnswer::is_success);
        // Two sentences can forbid the same value: a colon is not a letter, and an empty name does not begin with one.
        let one_place = breaches.first().is_some_and(|first| breaches.iter().all(|breach| breach.at == first.at));
        let expected =
            if forbidden { "one place of the input to break the prose" } else { "the input to break no prose" };
        let found: Vec<_> = breaches.iter().map(|breach| breach.id.as_str()).collect();
        let wrong = format_args!("expected {expected} for {}, found {found:?}", expanded.id);
        errors.check(forbidden == one_place, "/breaks", wrong);
    }

    fn right_replies_near(&self, name: &str) -> String {
        let replies = self.corpus.replies().iter();
        did_you_mean(name, replies.filter(|(_, reply)| reply.wrong.is_none()).map(|(name, _)| name.as_str()))
    }

    fn check_reply(&self, name: &str, reply: &Reply, errors: &mut FileErrors<'_>) {
        errors.check_readable("", name);
        errors.check_readable("/title", &reply.title);
        errors.check(reply.version == 1, "/version", format_args!("expected version 1, found {}", reply.version));
        if let Some((at, message)) = reply.flaw() {
            errors.add(&at, message);
        }
        let is_one = reply.body.is_none() || reply.body_text.is_none();
        errors.check(is_one, "/body_text", format_args!("expected either body or body_text, found both"));
        if let Some(WrongReply { case, violates }) = &reply.wrong {
            if self.corpus.get(case).is_none() {
                let near = did_you_mean(case, self.corpus.ids());
                errors.add("/wrong/case", format!("there is no case {case}{near}"));
            }
            let wrong = format_args!("a wrong reply violates at least one requirement");
            errors.check(!violates.is_empty(), "/wrong/violates", wrong);
            for (index, id) in violates.iter().enumerate() {
                if self.contract.register.get(id).is_none() {
                    let near = did_you_mean(id, self.contract.register.ids());
                    errors.add(&format!("/wrong/violates/{index}"), format!("there is no requirement {id}{near}"));
                }
            }
            return;
        }
        let body: Value = serde_json::from_slice(&reply.body_at(1_700_000_000.0, 900.0)).unwrap_or(Value::Null);
        let error = || body[&self.contract.service.error_name_member.is].as_str();
        let schemas: BTreeSet<&str> = match reply.status {
            200..300 => self.responses_of(name),
            _ => error().filter(|error| self.contract.validators().get(error).is_some()).into_iter().collect(),
        };
        for breach in schemas.into_iter().flat_map(|schema| self.contract.validators().breaches(schema, &body)) {
            let message = format!("expected {}, found {}", breach.expected, breach.actual);
            errors.add(&format!("/body{}", breach.at), message);
        }
    }

    /// The schemas that a reply must match: those of the responses of the operations whose calls get this reply.
    fn responses_of(&self, reply: &str) -> BTreeSet<&str> {
        let calls = self.corpus.cases().iter().flat_map(|case| {
            [&case.setup, &case.calls, &case.teardown].into_iter().flatten().map(move |call| (case, call))
        });
        let answered_with = calls.filter(|(_, call)| call.reply.as_deref() == Some(reply));
        answered_with
            .filter_map(|(case, call)| Some(case.operation_of(call, self.contract)?.response.name.as_str()))
            .collect()
    }

    /// Finds what nothing uses yet, in the order in which an operation is added: operations without a requirement or a
    /// suite, suites without a case, replies, requirements.
    fn check_orphans(&self, suites: &[(String, Suite)], errors: &mut Vec<LoadError>) {
        let cases = self.corpus.cases();
        let folder = Service::folder(self.fixtures).unwrap_or_default();
        // An operation that changes something may be there for the steps of other suites alone.
        for (name, operation) in self.contract.operations.iter().filter(|(_, of)| of.changes_nothing.is) {
            let message = if self.contract.register.of(Side::Server, name).next().is_none() {
                format!("it has no requirement; add rows whose ids begin with {}-", operation.requirements)
            } else if !suites.iter().any(|(_, suite)| suite.operation == *name) {
                format!("it has no suite; add one in fixtures/server that begins with \"operation\": \"{name}\"")
            } else {
                continue;
            };
            let file = self.fixtures.name_of(&format!("{folder}/operations/{name}.json"));
            errors.push(LoadError::new(&file, "", message));
        }
        for (file, suite) in suites.iter().filter(|(_, suite)| suite.cases.is_empty()) {
            let message = format!("the suite of {} has no case; add one", suite.operation);
            errors.push(LoadError::new(file, "/cases", message));
        }
        let given_replies: BTreeSet<&str> =
            cases.iter().flat_map(|case| replies(&case.case)).filter_map(|(_, name)| name).collect();
        for (name, reply) in self.corpus.replies() {
            if reply.wrong.is_none() && !given_replies.contains(name.as_str()) {
                let message = "no case is answered with it; name it as the reply of one, or take it out";
                errors.push(LoadError::new(&self.file_of(name), "", message));
            }
        }
        let cited: BTreeSet<&String> = cases.iter().flat_map(|case| &case.case.requirements).collect();
        let file = self.fixtures.name_of(REGISTER_FILE);
        for row in &self.contract.register.requirements {
            // What does not decide conformance may be tried in a newer revision only.
            let is_idle = row.level != Level::Must && !self.contract.is_newest();
            if row.side == Side::Server && row.is_tested() && !is_idle && !cited.contains(&row.id) {
                let message =
                    format!("no case cites {}; cite it, or say under \"excluded\" or \"pending\" why none can", row.id);
                errors.push(LoadError::new(&file, format!("/requirements/{}", row.place), message));
            }
        }
    }
}

fn check_suite(suite: &Suite, errors: &mut FileErrors<'_>) {
    errors.check(suite.version == 1, "/version", format_args!("expected version 1, found {}", suite.version));
    let stem = file_stem(errors.file);
    let name = suite.suite.as_deref().unwrap_or(stem);
    let wrong = format_args!("expected the name of the file, \"{stem}\", or nothing, found \"{name}\"");
    errors.check(name == stem, "/suite", wrong);
    let wrong = format_args!("expected \"server\" in this folder, or nothing");
    errors.check(suite.side.is_none_or(|side| side == Side::Server), "/side", wrong);
}

/// Checks the texts of a case that people read in lists. Requests and replies may hold anything.
fn check_texts(case: &Case, errors: &mut FileErrors<'_>) {
    errors.check_readable("/id", &case.id);
    errors.check_readable("/title", &case.title);
    if let Some(breaks) = &case.breaks {
        errors.check_readable("/breaks", breaks);
    }
    for (place, _, expect) in expectations(case) {
        let names = expect.answers().iter().flat_map(|answer| answer.error.iter().chain(&answer.schema));
        names.for_each(|name| errors.check_readable(&place, name));
    }
    if let Some(Control { case, differs_at }) = &case.control {
        errors.check_readable("/control/case", case);
        errors.check_readable("/control/differs_at", differs_at);
    }
}

fn check_id(suite: &str, case: &Case, errors: &mut FileErrors<'_>) {
    let kebab = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let fits = case.id.split_once('/').is_some_and(|(prefix, name)| prefix == suite && kebab(name));
    errors.check(fits, "/id", format_args!("expected {suite}/<name in kebab-case>, found \"{}\"", case.id));
}

/// Checks that a case is one call, or several under `steps`.
fn check_form(case: &Case, errors: &mut FileErrors<'_>) {
    let one_call = case.steps.is_empty();
    let wrong = format_args!("expected a request, or steps instead of it");
    errors.check(case.request.is_some() == one_call, "/request", wrong);
    let wrong = format_args!("expected what is expected of each step beside it");
    errors.check(case.expect.is_none() || one_call, "/expect", wrong);
    let is_single = case.family.is_none() && case.control.is_none();
    errors.check(one_call || is_single, "/steps", format_args!("a case with steps has neither family nor control"));
    let wrong = format_args!("expected several steps to be made at the same time, each a call without \"until\"");
    let is_plain = |step: &Step| matches!(step, Step::Call(call) if call.until.is_none());
    let fits = case.steps.len() > 1 && case.steps.iter().all(is_plain);
    errors.check(!case.together || fits, "/together", wrong);
    let wrong = format_args!("expected at least one step that is a call");
    errors.check(one_call || !case.steps.iter().all(is_no_call), "/steps", wrong);
    let has_values = |family: &Family| !family.values.is_empty() || !family.named.is_empty();
    errors.check(case.family.as_ref().is_none_or(has_values), "/family", format_args!("expected at least one value"));
}

/// Checks what the answers to calls must show: each item decides a requirement of the case that no outcome decides.
fn check_shown(case: &Case, errors: &mut FileErrors<'_>) {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for (place, call) in calls(case) {
        for (index, Shown { decides, at, has }) in call.shows.iter().enumerate() {
            let place = format!("{place}/shows/{index}");
            let wrong = format_args!("only steps are judged, and this is a call of the set-up or of the teardown");
            errors.check(place.starts_with("/steps"), &place, wrong);
            let wrong = format_args!("expected a requirement of the case, found {decides}");
            errors.check(case.requirements.contains(decides), &format!("{place}/decides"), wrong);
            let by_outcome = calls(case).any(|(place, call)| {
                place.starts_with("/steps") && call.decides.as_ref().is_none_or(|ids| ids.contains(decides))
            });
            let wrong = format_args!(
                "the outcome of a step decides {decides}, so no value can: say under \"decides\" what each step decides"
            );
            errors.check(!by_outcome, &format!("{place}/decides"), wrong);
            let wrong = |found: &str| format!("expected a JSON pointer such as /member, found \"{found}\"");
            let pointer = match has {
                ShownValue::Sent(pointer) | ShownValue::NotSent(pointer) => Some(pointer.as_str()),
                ShownValue::Answered(text) => {
                    let (name, _) = text.split_once('/').unwrap_or((text, ""));
                    let wrong = format_args!("there is no earlier step with the name \"{name}\"");
                    errors.check(names.contains(name), &format!("{place}/answered"), wrong);
                    text.strip_prefix(name)
                }
                ShownValue::Is(_) | ShownValue::Begins(_) => None,
            };
            for pointer in pointer.into_iter().chain([at.as_str()]).filter(|pointer| !pointer.starts_with('/')) {
                errors.add(&place, wrong(pointer));
            }
        }
        names.extend(call.name.as_deref().filter(|_| place.starts_with("/steps")));
    }
}

/// Checks a requirement that rests on a conflict: the case, and each step that decides it, must expect exactly the
/// answers that it accepts.
fn check_bounds(case: &Case, row: &Requirement, place: &str, errors: &mut FileErrors<'_>) {
    let decides = |call: &Call| call.decides.as_ref().is_none_or(|decides| decides.contains(&row.id));
    let steps = case.steps.iter().filter_map(|step| match step {
        Step::Call(call) if decides(call) => Some(&call.expect),
        Step::Call(_) | Step::Other(_) => None,
    });
    let answers = case.expect.iter().chain(steps).flat_map(Expect::answers);
    let expected: BTreeSet<String> = answers.map(ToString::to_string).collect();
    let accepted: BTreeSet<String> = row.accepts.iter().cloned().collect();
    let list = |answers: &BTreeSet<String>| answers.iter().cloned().collect::<Vec<_>>().join(", ");
    let (id, accepts, expects) = (&row.id, list(&accepted), list(&expected));
    let wrong = format_args!("{id} accepts {accepts}, but the case expects {expects}");
    errors.check(accepted.is_empty() || expected == accepted, place, wrong);
}

/// Every expectation of an answer, with its place and the operation, where it is not the suite's.
fn expectations(case: &Case) -> impl Iterator<Item = (String, Option<&str>, &Expect)> {
    let request = case.request.as_ref().and_then(|request| request.operation.as_deref());
    let single = case.expect.iter().map(move |expect| ("/expect".to_owned(), request, expect));
    let of_calls =
        calls(case).map(|(place, call)| (format!("{place}/expect"), call.request.operation.as_deref(), &call.expect));
    single.chain(of_calls)
}

/// Every place for the mock's reply, with the reply's name.
fn replies(case: &Case) -> impl Iterator<Item = (String, Option<&str>)> {
    let single = case.request.iter().map(|_| ("/reply".to_owned(), case.reply.as_deref()));
    single.chain(calls(case).map(|(place, call)| (format!("{place}/reply"), call.reply.as_deref())))
}

fn is_no_call(step: &Step) -> bool {
    matches!(step, Step::Other(_))
}

/// A part of a case that makes several calls: a call, or another step.
#[derive(Clone, Copy)]
enum Part<'a> {
    Call(&'a Call),
    Other(&'a OtherStep),
}

impl<'a> Part<'a> {
    fn name(self) -> Option<&'a str> {
        match self {
            Self::Call(call) => call.name.as_deref(),
            Self::Other(step) => step.name.as_deref(),
        }
    }

    fn decides(self) -> Option<&'a Vec<String>> {
        match self {
            Self::Call(call) => call.decides.as_ref(),
            Self::Other(step) => step.decides.as_ref(),
        }
    }

    fn is_judged(self) -> bool {
        match self {
            Self::Call(call) => call.is_judged(),
            Self::Other(step) => step.is_judged(),
        }
    }

    fn texts(self) -> Vec<String> {
        match self {
            Self::Call(call) => call.request.texts().collect(),
            Self::Other(step) => step.texts().map(str::to_owned).collect(),
        }
    }
}

/// The parts of a case that makes several calls, in order, with their places.
fn parts(case: &Case) -> impl Iterator<Item = (String, Part<'_>)> {
    let setup = case.setup.iter().map(Part::Call).enumerate().map(|(index, of)| (format!("/setup/{index}"), of));
    let steps = case.steps.iter().enumerate().map(|(index, step)| {
        let part = match step {
            Step::Call(call) => Part::Call(call),
            Step::Other(step) => Part::Other(step),
        };
        (format!("/steps/{index}"), part)
    });
    let teardown = case.teardown.iter().map(Part::Call).enumerate();
    setup.chain(steps).chain(teardown.map(|(index, of)| (format!("/teardown/{index}"), of)))
}

/// The calls of a case that makes several, with their places.
fn calls(case: &Case) -> impl Iterator<Item = (String, &Call)> {
    parts(case).filter_map(|(place, part)| match part {
        Part::Call(call) => Some((place, call)),
        Part::Other(_) => None,
    })
}

fn only_accepted(case: &ExpandedCase) -> Option<&RequestSpec> {
    let [call] = case.calls.as_slice() else { return None };
    call.expect.is_positive().then_some(&call.request)
}

/// Whether a header field of this name can be sent as it is spelled.
fn is_sendable(name: &str) -> bool {
    const FRAMING: [&str; 4] = ["connection", "content-length", "expect", "transfer-encoding"];
    !name.bytes().any(|byte| byte.is_ascii_uppercase()) && !FRAMING.contains(&name)
}

/// The input of a request with its placeholders filled with samples, as the service reads it.
fn sample_input(request: &RequestSpec, resources: &[Resource]) -> Result<Value, String> {
    let sample = |text: &str| {
        fill(text, resources, |placeholder| Ok::<_, Infallible>(placeholder.sample()))
            .map(std::borrow::Cow::into_owned)
            .map_err(|error| error.to_string())
    };
    for text in request.texts() {
        sample(&text)?;
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
    // In the protocol, a member that is null counts as absent.
    if let Some(members) = input.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    Ok(input)
}
