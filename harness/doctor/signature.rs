//! What an answer says about the signature of its request.

use super::ask::{Answers, Patient};
use super::{Finding, Status, Topic};
use crate::contract::{ErrorMeaning, Feature};
use crate::report::heard;
use crate::targets::probe;
use crate::verdict::Class;
use crate::wire::{Exchange, Masker, Response, error_type};

/// What became of the credentials and the signature of a call.
pub(super) enum Stance {
    /// They were accepted: the call succeeded, or the resource that it names was looked for.
    Accepted,
    /// They were refused.
    Refused,
    /// The answer, quoted here, does not tell: any other error may come before they are looked at.
    Open(String),
}

impl Stance {
    pub(super) fn of(patient: Patient<'_>, exchange: &Exchange, hidden: &Masker) -> Self {
        let probe = probe::classify(exchange, patient.asked(false), hidden);
        match (probe.class, &exchange.answer) {
            (Class::RefusedCredentials, _) => Self::Refused,
            (Class::Answers, Ok(response)) if is_success(response) || misses_resource(patient, exchange, response) => {
                Self::Accepted
            }
            _ => Self::Open(heard(&probe.heard)),
        }
    }

    pub(super) const fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted)
    }
}

pub(super) fn is_success(response: &Response) -> bool {
    (200..300).contains(&response.status)
}

/// Whether an error says that the resource of its request is not there: by its name, or at least with the noun for it.
/// A server may give the same error for something else that it does not find.
fn misses_resource(patient: Patient<'_>, exchange: &Exchange, response: &Response) -> bool {
    let error = error_type(response).and_then(|error| patient.contract.service.meaning_of(&error));
    let (Some(ErrorMeaning::NotFound), Some(resource)) = (error, patient.resource()) else { return false };
    let asked = serde_json::from_slice::<serde_json::Value>(&exchange.request.body).ok();
    let name = asked.as_ref().and_then(|body| body.get(&resource.member)?.as_str());
    let words = String::from_utf8_lossy(&response.body);
    words.to_lowercase().contains(&resource.noun) || name.is_some_and(|name| words.contains(name))
}

/// Whether wrong signatures and missing ones are refused.
pub(super) fn signature(patient: Patient<'_>, answers: &Answers) -> Option<Finding> {
    use Stance::{Accepted, Open, Refused};

    let (wrong, unsigned) = (answers.wrong.as_ref()?, answers.unsigned.as_ref()?);
    let topic = || Topic::Signature;
    let undecided = |because: String| {
        Some(Finding::new(topic(), Status::Unknown, format!("not decided, because a request with {because}")))
    };
    match Stance::of(patient, &answers.probe, &answers.hidden) {
        Accepted => {}
        Refused => return undecided("a right one is refused too".to_owned()),
        Open(said) => return undecided(format!("a right one is answered with {said}")),
    }
    let claimed = patient.target.features.contains(&Feature::SIGNATURE);
    let what = match (Stance::of(patient, wrong, &answers.hidden), Stance::of(patient, unsigned, &answers.hidden)) {
        (Accepted, Accepted) => "not checked: a wrong one is accepted, and so is a request without any".to_owned(),
        (Accepted, Refused) => "not checked: a wrong one is accepted; a request without any is refused".to_owned(),
        (Accepted, Open(said)) => {
            format!("not checked: a wrong one is accepted; a request without any is answered with {said}")
        }
        (Refused, Accepted) => "checked where there is one, but a request without any is accepted".to_owned(),
        (Open(said), Accepted) => {
            format!("a request without any is accepted; one with a wrong one is answered with {said}")
        }
        (Refused, Refused) => {
            let found = "checked: a wrong one is refused, and so is a request without any";
            let finding = Finding::new(topic(), Status::Ok, found);
            let claim = "claim it, so that it is tested: --claim signature";
            return Some(if claimed { finding } else { finding.fix(claim) });
        }
        (Open(said), _) => return undecided(format!("a wrong one is answered with {said}")),
        (_, Open(said)) => return undecided(format!("none is answered with {said}")),
    };
    Some(if claimed {
        let fix = "have the server refuse them, or leave signature out of --claim";
        Finding::new(topic(), Status::Problem, what).fix(fix)
    } else {
        Finding::new(topic(), Status::Ok, format!("{what}; the feature signature is not claimed"))
    })
}
