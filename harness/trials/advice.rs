//! What to do about a target that cannot be judged, in words.

use std::fmt::Write as _;

use crate::contract::{Contract, Operation};
use crate::report::{AskedCall, CauseText, answer_text, meaning};
use crate::run::{Interrupt, Session};
use crate::targets::Target;
use crate::verdict::{CaseResult, ProbeOutcome, Reason, TargetClass, Verdict};

/// What to do, for the first of these results that is not judged, as lines; empty if all are judged.
pub(super) async fn advice(results: &[CaseResult], operation: &Operation, session: &Session) -> String {
    let is_turned_away = |result: &CaseResult| matches!(result.reason, Some(Reason::TurnedAway { .. }));
    let is_absent = |result: &CaseResult| result.verdict == Verdict::NotImplemented || is_turned_away(result);
    if results.iter().any(is_absent) {
        return about_absence(operation, session).await;
    }
    if results.iter().any(|result| result.verdict == Verdict::Indeterminate) {
        return format!("  to do: see whether the server at {} runs and answers\n", session.target().authority());
    }
    String::new()
}

async fn about_absence(operation: &Operation, session: &Session) -> String {
    let ProbeOutcome { class, answer, cause } = session.probe(operation, &Interrupt::never()).await;
    let (contract, Target { region, endpoint, .. }) = (session.contract(), session.target());
    let (service, name) = (&contract.service.signing_name.is, &operation.name.is);
    let mut lines = format!("  the target {}: {}\n", meaning(class, name, service), answer_text(&answer));
    let asked = AskedCall { service, operation: name, region: region.as_str(), endpoint: endpoint.as_str() };
    if let Some(cause) = cause {
        let _ = writeln!(lines, "  {}", CauseText::of(&cause, asked).sentences());
    }
    let _ = writeln!(lines, "  to do: {}", what_to_do(class, operation, contract));
    lines
}

fn what_to_do(class: TargetClass, operation: &Operation, contract: &Contract) -> String {
    match class {
        TargetClass::RefusedCredentials => {
            "sign with credentials that it knows and for its region: Target::signed_by, or for a target that the \
             environment names AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, and COUNTERSIGN_REGION"
                .to_owned()
        }
        TargetClass::NoResource => {
            let resource = operation.resources(&contract.service).next();
            let (noun, name) = resource.map_or(("resource", "resource"), |of| (&*of.noun, &*of.placeholder));
            format!(
                "create the {noun} there, or name one that it has: Target::with_{name}(NAME), or for a target that \
                 the environment names COUNTERSIGN_{}",
                resource.map(|of| of.flag.to_uppercase().replace('-', "_")).unwrap_or_default()
            )
        }
        TargetClass::Answers
        | TargetClass::UnknownOperation
        | TargetClass::UnknownService
        | TargetClass::DeclaredNotImplemented
        | TargetClass::AnswersAllAlike
        | TargetClass::OwnJson
        | TargetClass::NotAws
        | TargetClass::WrongService
        | TargetClass::Redirect
        | TargetClass::ServerFault
        | TargetClass::Unreachable => format!(
            "check the endpoint, and that the service {} is switched on; otherwise the server does not have the operation",
            contract.service.signing_name.is
        ),
    }
}
