//! What kind of server answers, in words.

use super::super::event::RunEvent;
use super::cause::{AskedCall, CauseText};
use super::reason::answer_text;
use crate::text::escape;
use crate::verdict::{TargetAnswer, TargetClass};

/// What a target is for an operation of a service, as the end of a sentence that begins with "the target".
pub(crate) fn meaning(class: TargetClass, operation: &str, service: &str) -> String {
    match class {
        TargetClass::Answers => format!("answers {operation}"),
        TargetClass::UnknownOperation => format!("does not know the operation {operation}"),
        TargetClass::UnknownService => format!("does not know the service {service}"),
        TargetClass::DeclaredNotImplemented => format!("says that {operation} is not implemented"),
        TargetClass::AnswersAllAlike => {
            format!(
                "answers {operation} as it answers an operation that does not exist, so it does not have {operation}"
            )
        }
        TargetClass::OwnJson => {
            format!("answers with an error of its own instead of one of AWS, so it does not have {operation}")
        }
        TargetClass::NotAws => format!("gives no answer of AWS, so it does not have {operation}"),
        TargetClass::WrongService => format!("answers as another service, so it does not have {operation}"),
        TargetClass::Redirect => "redirects the call elsewhere".to_owned(),
        TargetClass::ServerFault => "fails inside itself".to_owned(),
        TargetClass::RefusedCredentials => "refuses the credentials".to_owned(),
        TargetClass::NoResource => "does not have what was named".to_owned(),
        TargetClass::Unreachable => "gives no usable answer".to_owned(),
    }
}

/// What is the matter with a target that cannot be reached or judged, and what to do about it; `None` where it answers.
fn advice(run: &RunEvent) -> Option<String> {
    let service = run.service();
    if let Some(cause) = &run.target.cause {
        let asked = AskedCall {
            service,
            operation: &run.operation,
            region: &run.target.region,
            endpoint: &run.target.endpoint,
        };
        return Some(CauseText::of(cause, asked).sentences());
    }
    Some(match run.target.class {
        TargetClass::Answers => return None,
        TargetClass::RefusedCredentials => {
            "Give it credentials that it accepts (AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), or send \
             unsigned requests with --no-sign."
                .to_owned()
        }
        TargetClass::Unreachable
            if matches!(run.target.answer, TargetAnswer::Answer { status: 502..=504, .. }) =>
        {
            "The server behind the gateway at this endpoint does not answer. Start it, or wait for it with --wait 30s."
                .to_owned()
        }
        TargetClass::Unreachable => {
            "Check that it runs, that the endpoint is right, and that nothing between here and there stops the call. Wait for a server \
             that starts with --wait 30s."
                .to_owned()
        }
        TargetClass::Redirect => "Give the address that it redirects to as the endpoint.".to_owned(),
        TargetClass::NoResource => "Create it there, or name what it has.".to_owned(),
        TargetClass::ServerFault => "Its own log should tell why; the cases below are judged all the same.".to_owned(),
        TargetClass::UnknownOperation
        | TargetClass::UnknownService
        | TargetClass::DeclaredNotImplemented
        | TargetClass::AnswersAllAlike
        | TargetClass::OwnJson
        | TargetClass::NotAws
        | TargetClass::WrongService => format!(
            "Nothing is held against it: every case is not-implemented. If it should have the operation, check the \
             endpoint, and that its service {service} is switched on."
        ),
    })
}

/// The obstacle that the probe found between the cases and the operation, and what to do about it. Escaped.
pub(crate) struct Obstacle {
    /// What the target is, as a sentence.
    pub(crate) meaning: String,
    /// `It said`, or `The call ended with`.
    pub(crate) met: &'static str,
    pub(crate) said: String,
    pub(crate) advice: String,
}

/// The obstacle that the probe of a run found; `None` where the target answers.
pub(crate) fn obstacle(run: &RunEvent) -> Option<Obstacle> {
    Some(Obstacle {
        meaning: format!("The target {}.", escape(&run.meaning())),
        met: if has_answered(run) { "It said" } else { "The call ended with" },
        said: escape(&answer_text(&run.target.answer)),
        advice: escape(&advice(run)?),
    })
}

/// Whether the target answered the probe. An answer is quoted; of a call without one, the fault is shown.
pub(crate) fn has_answered(run: &RunEvent) -> bool {
    match run.target.answer {
        TargetAnswer::Answer { .. } => true,
        TargetAnswer::Nothing(_) => false,
        TargetAnswer::Told(_) => run.target.class != TargetClass::Unreachable,
    }
}
