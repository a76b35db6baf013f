//! Why a case has its verdict, in words.

use std::time::Duration;

use super::class::meaning;
use super::fault::{FaultText, answer_summary, database_answer, markup};
use crate::text::foreign;
use crate::verdict::{Excuse, Reason, Restrained, TargetAnswer, Verdict, Violation};

/// A reason in words, as the end of a sentence. Not escaped.
#[expect(clippy::too_many_lines, reason = "a table with a row for each reason")]
pub fn reason(reason: &Reason) -> String {
    match reason {
        Reason::BlockedBy { control, verdict, violation, reason: why } => {
            let why = match (why, violation) {
                (Some(why), _) => format!(": {}", self::reason(why)),
                (None, Some(violation)) => format!(": {}", in_a_line(violation)),
                (None, None) => String::new(),
            };
            format!("its control {control} is {verdict}{why}")
        }
        Reason::SetUpHook { command, because } => format!("the set-up hook `{command}` failed: {because}"),
        Reason::Setup { call, operation, answer } => {
            let operation = operation.as_ref().map_or_else(String::new, |name| format!(", {name},"));
            let answer = answer.as_ref().map_or_else(String::new, |answer| format!(": {}", answer_text(answer)));
            format!("its setup call {call}{operation} failed{answer}")
        }
        Reason::Step { call, operation, answer } => {
            format!("its call {call}, {operation}, which only leads to the next step, failed: {}", answer_text(answer))
        }
        Reason::Database { step, answer } => {
            let step = step.as_ref().map_or_else(|| "a step".to_owned(), |name| format!("the step {name}"));
            format!("{step} at the database did not go as expected: {}", database_answer(answer))
        }
        Reason::NoClock => "it moves the target's clock, and nothing says how that is done".to_owned(),
        Reason::Clock { by, seconds, because } => {
            let (back, seconds) = (if *seconds < 0 { "back " } else { "" }, seconds.unsigned_abs());
            format!("the target's clock was not moved {back}by {seconds} s: {by}: {because}")
        }
        Reason::NoLoginClient => {
            "it logs in to a database, and this build cannot: it was built without the Cargo feature login".to_owned()
        }
        Reason::Waited { operation, at, is, seconds } => {
            format!("{operation} did not give {at} the value {is} within {seconds} s")
        }
        Reason::NotAllowed { does } => {
            let does_it = match does {
                Restrained::Create => "it creates, changes or deletes something",
                Restrained::Raw => "it sends a request that is malformed, or not rightly signed",
            };
            format!("{does_it}, which real AWS is asked only with --{}", does.flag())
        }
        Reason::NoJournal { because } => format!(
            "it makes something, and what is made cannot be written down first: {because}; --leftovers names another file"
        ),
        Reason::Missing { noun, of, flag } => {
            let of = of.as_ref().map_or_else(|| "that the target has".to_owned(), |of| format!("of the {of}"));
            format!("it needs a {noun} {of}; name one with --{flag}")
        }
        Reason::Unsigned => "it is about signatures, and requests go out unsigned".to_owned(),
        Reason::NothingToGoOnFrom { step, at } => {
            let ordinal = match step {
                1 => "first call".to_owned(),
                step => format!("call {step}"),
            };
            format!(
                "the answer to its {ordinal} has no {at}, so there is no next page to ask for: give the server more of what it lists"
            )
        }
        Reason::CannotBeMade { because } => because.clone(),
        Reason::NotClaimed { feature } => format!("the target does not claim {feature}"),
        Reason::NoAnswer { answer } => answer_text(answer),
        Reason::TurnedAway { class, answer } => {
            format!(
                "not asked: the target {} ({})",
                meaning(*class, "the operation", "the service"),
                answer_text(answer)
            )
        }
        Reason::GivenUp { requests, together } => {
            let hint = if *together { "; one that takes one connection at a time needs --jobs 1" } else { "" };
            format!("not asked: the target left {requests} requests in a row without an answer{hint}")
        }
        Reason::Away { from, to } => format!(
            "the target was away from {from} to {to}: it did not answer what it answered before; --patience gives it more time to come back"
        ),
        Reason::RightOnNewConnection { violation } => format!(
            "its first answer was wrong ({}), and the answer on a new connection was right: the server sends answers late or twice, or it answers one request differently each time",
            in_a_line(violation)
        ),
        Reason::AsRecorded { violation } => {
            format!("accepted, since a recording shows the same answer ({})", in_a_line(violation))
        }
        Reason::OutOfTime { limit_ms } => format!(
            "the run ended at its limit of {} s; --max-time gives it more",
            Duration::from_millis(*limit_ms).as_secs_f64()
        ),
        Reason::OutOfCalls { limit } => {
            format!("the run has made its {limit} calls, with those that were repeated; --max-calls gives it more")
        }
        Reason::Throttled(answer) => format!("the target throttled the request ({})", answer_summary(answer)),
        Reason::NotInTime(answer) => format!("the target did not get the request in time ({})", answer_summary(answer)),
        Reason::Denied { answer, member } => format!(
            "access was denied ({}): this identity may be allowed no other {member} than the case's control has, so nothing is said of the requirement; a wider policy lets the case be judged",
            answer_summary(answer)
        ),
        Reason::JsonBeyondReading(answer) => format!(
            "its answer ({}) is JSON beyond what is read here: it has a number, a depth, an escape or a number of values that JSON allows and this program cannot read, so nothing is said of the requirement",
            answer_summary(answer)
        ),
        Reason::EncodedError { answer, looks_like } => format!(
            "its error ({}) cannot be read: its body looks like {}",
            answer_summary(answer),
            markup(*looks_like)
        ),
        Reason::LookedUp { noun, answer, plain: false } => format!(
            "the target looks up the name of a {noun} ({}), so nothing is said of the form of names",
            answer_text(answer)
        ),
        Reason::LookedUp { noun, answer, plain: true } => format!(
            "a plain name of a {noun} that nobody need have is refused too ({}), so nothing is said of the form of names",
            answer_text(answer)
        ),
        Reason::Expired(answer) => format!(
            "the credentials or the signature expired meanwhile ({}), which says nothing about the request",
            answer_summary(answer)
        ),
        Reason::Aged => AGE.to_owned(),
        Reason::AgedToDefault => format!(
            "{AGE}: they have just the default left, as if the duration were ignored; run this again in a minute"
        ),
        Reason::ClockOff { seconds } => format!(
            "its answers have no Date, and expire about {} s {} by the harness's clock whatever is asked for: one of the clocks is off, which hides how long credentials live",
            seconds.unsigned_abs(),
            if *seconds < 0 { "early" } else { "late" }
        ),
        Reason::NotThere { noun, of, flag, name, error } => {
            let mend = match of {
                Some(of) => format!("give it to the {of} there"),
                None => "create it there".to_owned(),
            };
            format!(
                "the target does not have the {noun} {name} ({error}); {mend}, or name one that it has with --{flag}"
            )
        }
        Reason::PerhapsHidden { noun, flag, name, error } => format!(
            "the target finds no {noun} {name} ({error}), which a server may say to hide it from a caller whom it is \
             denied: if the name is wrong, correct --{flag}; if the server hides it, leave out --{flag}, for no answer \
             tells the two apart"
        ),
        Reason::DoubtfulName { noun, flag, name, error } => format!(
            "the documents leave open whether {name} can be the name of a {noun}, so that it may be refused ({error}); name one of small letters, digits and hyphens with --{flag}"
        ),
        Reason::PerhapsNotThere { noun, of, flag, name } => {
            let of = of.as_ref().map_or_else(|| "that it has".to_owned(), |of| format!("of the {of}'s"));
            format!("the target may have no {noun} {name}, which nothing says it must; name one {of} with --{flag}")
        }
        Reason::RefusedWithout { noun, answer } => format!(
            "the same call without its {noun} is not accepted either ({}), so nothing is said of the {noun}",
            answer_text(answer)
        ),
        Reason::Stale { pattern, file } => format!(
            "it passes, and the entry \"{}\" of {file} still says that it fails; remove the entry, or run `countersign baseline write`",
            foreign(pattern)
        ),
        Reason::ExpiredExcuse { excuse: of, last, own } => {
            format!("the baseline's excuse \"{}\" expired on {last}{}", excuse(of), behind(own.as_deref()))
        }
        Reason::Known { excuse: of, was, own } => {
            let was = if *was == Verdict::Fail { String::new() } else { format!("; it is {was}") };
            format!("{}{was}{}", excuse(of), behind(own.as_deref()))
        }
        Reason::Told { words } => words.clone(),
    }
}

const AGE: &str = "it gives earlier credentials again, whose age hides how long they live";

fn behind(own: Option<&Reason>) -> String {
    own.map_or_else(String::new, |own| format!(": {}", reason(own)))
}

/// An excuse of a baseline, made safe for a report: the reason, and the issue if there is one.
pub(crate) fn excuse(excuse: &Excuse) -> String {
    let reason = foreign(&excuse.reason);
    excuse.issue.as_ref().map_or_else(|| reason.clone(), |issue| format!("{reason} ({})", foreign(issue)))
}

pub(crate) fn in_a_line(violation: &Violation) -> String {
    let FaultText { at, expected, actual } = FaultText::of(violation);
    format!("{}, {at}: expected {expected}, found {actual}", violation.requirement)
}

/// What came back from a target: status, media type, error and first words, or why there was no answer.
pub(crate) fn answer_text(answer: &TargetAnswer) -> String {
    match answer {
        TargetAnswer::Answer { status, media_type, error, words } => {
            let part = |text: &Option<String>| text.as_ref().map_or_else(String::new, |text| format!(" {text}"));
            let words = words.as_ref().map_or_else(String::new, |words| format!(": \"{words}\""));
            format!("{status}{}{}{words}", part(media_type), part(error))
        }
        TargetAnswer::Nothing(why) | TargetAnswer::Told(why) => why.clone(),
    }
}
