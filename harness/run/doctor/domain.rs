//! Whether the custom domain that is named leads to credentials.

use super::ask::Answers;
use super::neighbours::alike;
use super::signature::{Stance, is_success};
use super::{Finding, Status, Topic};
use crate::contract::Feature;
use crate::targets::Target;
use crate::targets::probe::{self, Class};
use crate::wire::{Response, error_type, quote};

/// What there is to say of the custom domain; nothing where none is named or claimed.
pub(super) fn domain(target: &Target, answers: &Answers) -> Option<Finding> {
    let topic = Topic::CustomDomain;
    let Some(name) = target.custom_domain.as_deref().map(quote) else {
        let claimed = target.features.contains(&Feature::CustomDomain);
        let found = "none is named though the feature is claimed, so its cases are blocked";
        let fix = "name one of the workgroup: --custom-domain NAME, or leave custom-domain out of --claim";
        return claimed.then(|| Finding::new(topic, Status::Problem, found).fix(fix));
    };
    let exchange = answers.domain.as_ref()?;
    let probe = probe::classify(exchange, false, &answers.hidden);
    let said = &probe.said;
    let untold = |why: &str| {
        let found = format!("whether {name} is known cannot be told, because {why}");
        Some(Finding::new(topic, Status::Unknown, found))
    };
    let response = match &exchange.answer {
        Ok(response) if probe.class != Class::Unreachable => response,
        _ => return untold(&format!("asking for it gave no usable answer: {said}")),
    };
    if is_success(response) {
        return if has_credentials(response) {
            Some(Finding::new(topic, Status::Ok, format!("{name} is answered with credentials")))
        } else {
            untold(&format!("the answer holds no credentials: {said}"))
        };
    }
    // The same grounds as for everything else: the call without it has to come through.
    if !Stance::of(&answers.probe, &answers.hidden).is_accepted() {
        return untold("the call by workgroup is not accepted either");
    }
    if answers.unknown.answer.as_ref().is_ok_and(|unknown| alike(response, unknown)) {
        return untold(&format!("an operation that nobody has is answered alike: {said}"));
    }
    let missing = probe.class == Class::Answers && error_type(response).as_deref() == Some("ResourceNotFoundException");
    Some(if missing {
        Finding::new(topic, Status::Problem, format!("the target does not have {name}: {said}"))
            .fix("give it to the workgroup there, or name one that it has with --custom-domain")
    } else {
        Finding::new(topic, Status::Problem, format!("a call by {name} alone is not answered with credentials: {said}")).fix(
            "see the server's own log, or leave out --custom-domain; while it is so, the cases of custom-domain fail",
        )
    })
}

/// Whether an answer has the members that a user logs in with.
fn has_credentials(response: &Response) -> bool {
    let body = response.json();
    ["dbUser", "dbPassword"].iter().all(|name| body.as_ref().is_some_and(|body| body.get(*name).is_some()))
}
