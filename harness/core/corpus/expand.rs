use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::case::{Act, Call, Case, Family, OtherStep, RawRequest, RequestSpec, Step};
use super::files::unknown_operation;
use crate::contract::{Address, Contract, LoadError, MadeKind, Operation, Resource};

/// One case as it is run: a plain case, or one member of a family.
#[derive(Clone, Debug)]
pub struct ExpandedCase {
    /// The id in reports: the case's id, for a member of a family followed by the member's name.
    pub id: String,
    /// The suite.
    pub suite: String,
    /// The operation that the suite calls.
    pub operation: String,
    /// The case as it was written.
    pub case: Arc<Case>,
    /// The member's name, for a family.
    pub member: Option<String>,
    /// Calls that must succeed first.
    pub setup: Vec<Call>,
    /// The calls that are judged: one, or several for a case with steps.
    pub calls: Vec<Call>,
    /// The steps that are no calls, each with the number of calls that are made before it.
    pub others: Vec<(usize, OtherStep)>,
    /// Calls that are made afterwards in any case.
    pub teardown: Vec<Call>,
}

impl ExpandedCase {
    /// The operation of one of its calls; `None` where the contract has no operation of this name.
    pub fn operation_of<'c>(&self, call: &Call, contract: &'c Contract) -> Option<&'c Operation> {
        contract.operation(call.request.operation.as_deref().unwrap_or(&self.operation))
    }

    /// Where a call goes; `None` where the contract has no operation of this name.
    pub fn address_of<'c>(&'c self, call: &'c Call, contract: &'c Contract) -> Option<Address<'c>> {
        contract.address(call.request.operation.as_deref().unwrap_or(&self.operation))
    }

    /// What a call makes; `None` if it makes nothing that has to be deleted.
    pub fn made_by<'c>(&self, call: &Call, contract: &'c Contract) -> Option<&'c MadeKind> {
        contract.made_by(call.request.operation.as_deref().unwrap_or(&self.operation))
    }

    /// Whether it sets something up at the target, or undoes something.
    pub fn is_staged(&self) -> bool {
        let is_staged = |call: &Call| call.until.is_some() || !call.is_judged();
        !self.setup.is_empty() || !self.teardown.is_empty() || self.calls.iter().any(is_staged)
    }

    /// All of its calls, with those before and behind the judged ones.
    pub fn every_call(&self) -> impl Iterator<Item = &Call> {
        self.setup.iter().chain(&self.calls).chain(&self.teardown)
    }

    /// Whether one of its calls is of an operation that changes something at the target.
    pub fn changes_something(&self, contract: &Contract) -> bool {
        let mut calls = self.every_call();
        calls.any(|call| self.operation_of(call, contract).is_none_or(|operation| !operation.changes_nothing.is))
    }

    /// Whether one of its requests departs from the documented form, or is not rightly signed.
    pub fn is_raw(&self) -> bool {
        self.every_call().any(|call| call.request.raw.is_some())
    }

    /// Whether it logs in to a database.
    pub fn needs_database(&self) -> bool {
        self.others.iter().any(|(_, step)| !matches!(step.act, Act::Clock(_)))
    }

    /// Whether it moves the target's clock.
    pub fn needs_clock(&self) -> bool {
        self.others.iter().any(|(_, step)| matches!(step.act, Act::Clock(_)))
    }

    /// Whether it has moved the target's clock before the call at `index`.
    pub fn is_clock_moved(&self, index: usize) -> bool {
        self.others.iter().any(|(before, step)| *before <= index && matches!(step.act, Act::Clock(_)))
    }

    /// Whether the mock has a reply to each of its calls.
    pub fn is_replayed(&self) -> bool {
        let mut calls = self.setup.iter().chain(&self.calls).chain(&self.teardown);
        self.others.is_empty() && calls.all(|call| call.reply.is_some())
    }

    /// Whether one of its requests has the placeholder of this resource.
    pub fn uses_resource(&self, resource: &Resource) -> bool {
        let calls = self.setup.iter().chain(&self.calls).chain(&self.teardown);
        let placeholders = ["", "escaped:"].map(|form| format!("${{{form}{}}}", resource.placeholder));
        let others = self.others.iter().flat_map(|(_, step)| step.texts().map(str::to_owned));
        let mut texts = calls.flat_map(|call| call.request.texts()).chain(others);
        texts.any(|text| placeholders.iter().any(|name| text.contains(name)))
    }

    /// The member of the input at which the case differs from its control; `None` without a control, or in a raw
    /// request.
    pub fn member_at_fault(&self) -> Option<&str> {
        let control = self.case.control.as_ref()?;
        let raw = self.calls.first()?.request.raw.is_some();
        if raw { None } else { control.differs_at.strip_prefix('/') }
    }
}

/// The calls among the steps of a case, and the other steps, each with the number of calls before it.
type Steps = (Vec<Call>, Vec<(usize, OtherStep)>);

/// Expands the written cases into the cases that run.
pub(super) struct Expander<'a> {
    pub(super) suite: &'a str,
    pub(super) operation: &'a Operation,
    pub(super) contract: &'a Contract,
    pub(super) file: &'a str,
    pub(super) at: &'a str,
}

impl Expander<'_> {
    pub(super) fn expand(&self, case: &Case) -> Result<Vec<ExpandedCase>, LoadError> {
        let case = Arc::new(case.clone());
        let (setup, teardown) = (self.calls("setup", &case.setup)?, self.calls("teardown", &case.teardown)?);
        let expanded = |member: Option<String>, calls, others| ExpandedCase {
            id: member.as_ref().map_or_else(|| case.id.clone(), |member| format!("{}/{member}", case.id)),
            suite: self.suite.to_owned(),
            operation: self.operation.name.is.clone(),
            case: Arc::clone(&case),
            member,
            setup: setup.clone(),
            calls,
            others,
            teardown: teardown.clone(),
        };
        let Some(request) = &case.request else {
            let (calls, others) = self.steps(&case.steps)?;
            return Ok(vec![expanded(None, calls, others)]);
        };
        let expect = case.expect.clone().unwrap_or_default();
        let call = |request| self.call("", &Call { reply: case.reply.clone(), ..Call::of(request, expect.clone()) });
        let Some(family) = &case.family else {
            return Ok(vec![expanded(None, vec![call(request.clone())?], Vec::new())]);
        };
        let member = |(name, value)| {
            let request =
                with_value(request, &family.at, value).map_err(|message| self.error("/family/at", message))?;
            Ok(expanded(Some(name), vec![call(request)?], Vec::new()))
        };
        self.members(family)?.into_iter().map(member).collect()
    }

    fn calls(&self, part: &str, calls: &[Call]) -> Result<Vec<Call>, LoadError> {
        calls.iter().enumerate().map(|(index, call)| self.call(&format!("/{part}/{index}"), call)).collect()
    }

    /// The calls among steps, and the other steps with their places among the calls.
    fn steps(&self, steps: &[Step]) -> Result<Steps, LoadError> {
        let (mut calls, mut others) = (Vec::new(), Vec::new());
        for (index, step) in steps.iter().enumerate() {
            match step {
                Step::Call(call) => calls.push(self.call(&format!("/steps/{index}"), call)?),
                Step::Other(step) => others.push((calls.len(), OtherStep::clone(step))),
            }
        }
        Ok((calls, others))
    }

    fn call(&self, place: &str, call: &Call) -> Result<Call, LoadError> {
        let operation_name = call.request.operation.as_deref();
        let is_own = |name: &str| *name == self.operation.name.is;
        if operation_name.is_some_and(|name| !is_own(name) && self.contract.is_for_setup(name)) {
            // It only leads to the next call, unless it says what it decides.
            let decides = call.decides.clone().or(Some(Vec::new()));
            return Ok(Call { expect: call.expect.or_any_success(), decides, ..call.clone() });
        }
        let operation =
            operation_name.map_or(Some(self.operation), |name| self.contract.operation(name)).ok_or_else(|| {
                let place = format!("{}{place}/request/operation", self.at);
                unknown_operation(self.file, &place, operation_name.unwrap_or_default(), self.contract)
            })?;
        Ok(Call { expect: call.expect.or_success_of(operation), ..call.clone() })
    }

    fn members<'f>(&self, family: &'f Family) -> Result<Vec<(String, &'f RawValue)>, LoadError> {
        let own = family.values.iter().enumerate().map(|(index, value)| {
            let text = value.get();
            let name = serde_json::from_str::<String>(text).unwrap_or_else(|_| text.to_owned());
            let message = || format!("the value {text} cannot be part of a case id; give it a name under \"named\"");
            let error = || self.error(&format!("/family/values/{index}"), message());
            is_member_name(&name).then_some((name, value.as_ref())).ok_or_else(error)
        });
        let named_values = family.named.iter().map(|(name, value)| {
            let message = || format!("expected a name of letters, digits and -._+@, found \"{name}\"");
            let error = || self.error("/family/named", message());
            is_member_name(name).then(|| (name.clone(), value.as_ref())).ok_or_else(error)
        });
        own.chain(named_values).collect()
    }

    fn error(&self, place: &str, message: String) -> LoadError {
        LoadError::new(self.file, format!("{}{place}", self.at), message)
    }
}

fn is_member_name(name: &str) -> bool {
    (1..=40).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._+@".contains(&byte))
}

/// A request with a value at a place: a member of the input, or a part of `raw` where there is one.
fn with_value(request: &RequestSpec, at: &str, value: &RawValue) -> Result<RequestSpec, String> {
    let mut request = request.clone();
    let place = at.strip_prefix('/').filter(|place| !place.is_empty());
    let place = place.ok_or_else(|| format!("expected a JSON pointer such as /member, found \"{at}\""))?;
    match &mut request.raw {
        None if place.contains('/') => return Err(format!("the input has no members inside members, found \"{at}\"")),
        None => request.input.set(place, value.to_owned()),
        Some(raw) => set_raw(raw, place, value)?,
    }
    Ok(request)
}

fn set_raw(raw: &mut RawRequest, place: &str, value: &RawValue) -> Result<(), String> {
    let text =
        || serde_json::from_str::<String>(value.get()).map_err(|_| format!("expected a text, found {}", value.get()));
    match place {
        "method" => raw.method = Some(text()?),
        "path" => raw.path = Some(text()?),
        "body" => raw.body = Some(text()?),
        "signing" => raw.signing = Some(serde_json::from_str(value.get()).map_err(|error| error.to_string())?),
        _ => {
            let wrong = || format!("expected /method, /path, /headers/NAME, /body or /signing, found \"/{place}\"");
            let name = place.strip_prefix("headers/").ok_or_else(wrong)?;
            let field = serde_json::from_str(value.get())
                .map_err(|_| format!("expected a text or null, found {}", value.get()))?;
            raw.headers.insert(name.to_owned(), field);
        }
    }
    Ok(())
}

/// The places at which two requests differ, as JSON pointers into the input and into `raw`.
pub(super) fn differences(one: &RequestSpec, other: &RequestSpec) -> Vec<String> {
    let none = RawRequest::default();
    let (a, b) = (one.raw.as_ref().unwrap_or(&none), other.raw.as_ref().unwrap_or(&none));
    let members: BTreeSet<_> = one.input.iter().chain(other.input.iter()).map(|(name, _)| name).collect();
    let members = members.into_iter().map(|name| (format!("/{name}"), one.input.get(name) != other.input.get(name)));
    let parts = [
        ("/method", a.method != b.method),
        ("/path", a.path != b.path),
        ("/body", a.body != b.body || a.encoding != b.encoding),
        ("/signing", a.signing != b.signing),
    ];
    let headers: BTreeSet<_> = a.headers.keys().chain(b.headers.keys()).collect();
    let headers =
        headers.into_iter().map(|name| (format!("/headers/{name}"), a.headers.get(name) != b.headers.get(name)));
    let operation = ("operation".to_owned(), one.operation != other.operation);
    let caller = ("/caller".to_owned(), one.caller != other.caller);
    let parts = parts.map(|(part, differs)| (part.to_owned(), differs));
    let all = [operation, caller].into_iter().chain(members).chain(parts).chain(headers);
    all.filter(|(_, differs)| *differs).map(|(place, _)| place).collect()
}
