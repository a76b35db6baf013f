//! Names of resources that a target does not have. If a case fails because of such a name, the target is not at fault.
//! The name is not blamed if the same call without the resource is refused too.
//!
//! A case may also make up a name that the documents allow. A target that looks such names up need not have it.

use serde_json::json;
use serde_json::value::RawValue;

use super::case::{CaseRun, RunContext};
use super::interrupt::Interrupted;
use super::random_names::RandomNames;
use super::request::noun_of;
use crate::contract::{Contract, ErrorMeaning, Resource};
use crate::corpus::{Call, RequestSpec};
use crate::targets::Target;
use crate::verdict::{Reason, TargetAnswer};
use crate::wire::{Exchange, error_type, quote};

/// Why the failure of a case may be due to a name that was given or assumed; `None` if it is the target's fault.
pub(super) async fn misnamed(
    case_run: &CaseRun<'_>,
    transcript: &[Exchange],
    random_names: &mut RandomNames,
) -> Result<Option<Reason>, Interrupted> {
    let Some((index, exchange)) = transcript.iter().enumerate().next_back() else { return Ok(None) };
    let call = &case_run.case.calls[index];
    // What the case has made is there.
    if case_run.case.is_staged() || !call.is_judged() {
        return Ok(None);
    }
    if let Some(reason) = perhaps_hidden(case_run, call, exchange) {
        return Ok(Some(reason));
    }
    if let Some(resource) = made_up(case_run, call) {
        return looked_up(case_run, call, resource, exchange, random_names).await;
    }
    let Some(refused) = Refused::of(case_run, call, exchange) else { return Ok(None) };
    if refused.is_alone() {
        return Ok(refused.not_there());
    }
    if !case_run.case.calls.iter().all(|call| call.expect.is_positive()) {
        return Ok(None);
    }
    let call = refused.call_without();
    let control = case_run.make(&call, index, random_names).await?.ok();
    Ok(control.and_then(|control| refused.meaning_beside(case_run, &call, &control)))
}

/// Why a target that does not find what the caller is denied has perhaps not refused it: the target may hide it, or
/// there is nothing of that name.
fn perhaps_hidden(case_run: &CaseRun<'_>, call: &Call, exchange: &Exchange) -> Option<Reason> {
    let service = &case_run.context.judge.contract().service;
    let is_named = |of: &&Resource| call.request.input.get(&of.member).is_some_and(|name| is_placeholder(name, of));
    let mut denied = service.resources.iter().filter(|of| of.denied_beside.is_some());
    let resource = denied.find(is_named).filter(|_| !call.expect.is_positive())?;
    let error = error_type(exchange.answer.as_ref().ok()?)?;
    (service.meaning_of(&error) == Some(ErrorMeaning::NotFound)).then(|| Reason::PerhapsHidden {
        noun: noun_of(service, resource.denied_beside.as_deref()).unwrap_or_default(),
        flag: resource.flag.clone(),
        name: case_run.context.target.resources.get(&resource.id).map(|name| quote(name)).unwrap_or_default(),
        error,
    })
}

/// The resource whose name a call makes up, though the call should be accepted: no document says that the target must
/// have it.
fn made_up<'a>(case_run: &CaseRun<'a>, call: &Call) -> Option<&'a Resource> {
    let mut resources = case_run.context.judge.contract().service.usable_resources();
    let is_made_up = |of: &&Resource| {
        let name = call.request.input.get(&of.member);
        of.of.is_some() && name.is_some_and(|name| name.starts_with('"') && !is_placeholder(name, of))
    };
    resources.find(is_made_up).filter(|_| call.expect.is_positive())
}

fn is_placeholder(name: &str, of: &Resource) -> bool {
    name.contains(&format!("${{{}}}", of.placeholder))
}

/// Why the refusal of a made-up name is no fault: the target did not find it, denied it, or refuses a plain name too.
async fn looked_up(
    case_run: &CaseRun<'_>,
    call: &Call,
    resource: &Resource,
    exchange: &Exchange,
    random_names: &mut RandomNames,
) -> Result<Option<Reason>, Interrupted> {
    /// A letter, then letters and digits.
    const PLAIN: &str = "\"${random:12}\"";
    let reason = |exchange: &Exchange, plain: bool| Reason::LookedUp {
        noun: resource.noun.clone(),
        answer: control_answer(case_run, exchange),
        plain,
    };
    let Ok(response) = &exchange.answer else { return Ok(None) };
    let service = &case_run.context.judge.contract().service;
    match error_type(response).and_then(|error| service.meaning_of(&error)) {
        _ if response.is_denial() => Ok(Some(reason(exchange, false))),
        Some(ErrorMeaning::NotFound) => Ok(Some(reason(exchange, false))),
        Some(ErrorMeaning::Invalid) => {
            let mut plain = call.clone();
            plain.request.input.set(&resource.member, RawValue::from_string(PLAIN.to_owned()).expect("it is JSON"));
            let control = case_run.make(&plain, 0, random_names).await?.ok();
            let accepted = |control: &Exchange| control.answer.as_ref().is_ok_and(|of| (200..300).contains(&of.status));
            Ok(control.filter(|control| !accepted(control)).map(|control| reason(&control, true)))
        }
        // It was accepted, and the answer is wrong in another way; or it was answered as no name may be.
        Some(_) | None => Ok(None),
    }
}

/// A call that should be accepted but was refused, perhaps because of a resource that it names.
struct Refused<'a> {
    contract: &'a Contract,
    target: &'a Target,
    call: &'a Call,
    /// The last of the resources that it names: the one that needs the others.
    resource: &'a Resource,
    error: String,
    /// What the error means; `None` if the service gives it no meaning.
    meaning: Option<ErrorMeaning>,
}

impl<'a> Refused<'a> {
    fn of(case_run: &CaseRun<'a>, call: &'a Call, exchange: &Exchange) -> Option<Self> {
        let contract = case_run.context.judge.contract();
        let resource_in_request = |of: &'a Resource| Some((of, call.request.input.get(&of.member)?));
        let (resource, value) = contract.service.usable_resources().filter_map(resource_in_request).last()?;
        let is_ours = is_placeholder(value, resource);
        let response = exchange.answer.as_ref().ok()?;
        let error = error_type(response)?;
        let meaning = contract.service.meaning_of(&error);
        let may_be_about_it =
            matches!(meaning, Some(ErrorMeaning::NotFound | ErrorMeaning::Invalid)) || response.is_denial();
        // The probe has already asked for a resource that belongs to no other.
        let fits = is_ours && resource.of.is_some() && may_be_about_it && call.expect.is_positive();
        let target = &case_run.context.target;
        fits.then_some(Self { contract, target, call, resource, error, meaning })
    }

    fn is_alone(&self) -> bool {
        let mut others = self.contract.service.usable_resources().filter(|other| other.id != self.resource.id);
        !others.any(|other| self.call.request.input.get(&other.member).is_some())
    }

    fn call_without(&self) -> Call {
        let request = &self.call.request;
        let request = RequestSpec { input: request.input.without(&self.resource.member), ..request.clone() };
        Call { request, ..self.call.clone() }
    }

    fn configured_name(&self) -> Option<&'a str> {
        self.target.resources.get(&self.resource.id).map(String::as_str)
    }

    fn not_there(&self) -> Option<Reason> {
        let name = self.configured_name().filter(|_| self.meaning == Some(ErrorMeaning::NotFound))?;
        let Resource { noun, flag, of, .. } = self.resource;
        Some(Reason::NotThere {
            noun: noun.clone(),
            of: noun_of(&self.contract.service, of.as_deref()),
            flag: flag.clone(),
            name: quote(name),
            error: self.error.clone(),
        })
    }

    /// What the refusal means in comparison with `control`, the same call without the resource.
    fn meaning_beside(&self, case_run: &CaseRun<'a>, call: &Call, control: &Exchange) -> Option<Reason> {
        let accepted = control.answer.as_ref().is_ok_and(|response| (200..300).contains(&response.status));
        let Resource { noun, flag, of, default, .. } = self.resource;
        match (accepted, self.configured_name()) {
            (true, Some(name)) => self.not_there().or_else(|| self.doubtful(case_run, name)),
            (true, None) => Some(Reason::PerhapsNotThere {
                noun: noun.clone(),
                of: noun_of(&self.contract.service, of.as_deref()),
                flag: flag.clone(),
                name: default.clone().unwrap_or_default(),
            }),
            (false, name) => {
                let other = Refused::of(case_run, call, control).filter(Refused::is_alone);
                let refused =
                    || Reason::RefusedWithout { noun: noun.clone(), answer: control_answer(case_run, control) };
                other.and_then(|other| other.not_there()).or_else(|| name.is_none().then(refused))
            }
        }
    }

    /// [`Reason::DoubtfulName`] if the documents leave open whether the name is valid: a sentence forbids it, or it has
    /// capital letters, which older documents forbid.
    fn doubtful(&self, case_run: &CaseRun<'_>, name: &str) -> Option<Reason> {
        let Resource { noun, flag, member, .. } = self.resource;
        let request = &case_run.operation_of(self.call).request.name;
        let breaches = self.contract.validators().prose_breaches(request, &json!({ member: name }));
        let at = format!("/{member}");
        let is_doubtful =
            breaches.iter().any(|breach| breach.at == at) || name.contains(|c: char| c.is_ascii_uppercase());
        (self.meaning == Some(ErrorMeaning::Invalid) && is_doubtful).then(|| Reason::DoubtfulName {
            noun: noun.clone(),
            flag: flag.clone(),
            name: quote(name),
            error: self.error.clone(),
        })
    }
}

/// The status and the error of an answer, or why there was no answer.
fn control_answer(case_run: &CaseRun<'_>, exchange: &Exchange) -> TargetAnswer {
    answer_in_short(case_run.context, exchange)
}

/// The same for an answer to any request.
pub(super) fn answer_in_short(context: &RunContext, exchange: &Exchange) -> TargetAnswer {
    let hidden = context.seen.masker();
    match &exchange.answer {
        Ok(response) => {
            let masker = hidden.with_answer(response);
            let error = error_type(response).map(|error| masker.quote(&error));
            TargetAnswer::Answer { status: response.status, media_type: None, error, words: None }
        }
        Err(fault) => TargetAnswer::Nothing(hidden.fault(fault)),
    }
}
