//! Says in words what is wrong with an answer: the place, what was expected there, and what was found.

use crate::contract::{Constraint, JsonKind};
use crate::verdict::{
    AnswerSummary, DatabaseAct, DatabaseAnswer, Fault, LifetimeLikeness, Markup, MeasuredLifetime, NameSubstitute,
    RightAnswer, RightDatabaseAnswer, StrikingDetail, ValueLikeness, Violation, WrongBody,
};
use crate::wire::NamePlace;

/// The tolerances of the judge, in seconds: how far a lifetime may be from the one that was asked for, and how far a
/// server's clock may be from the harness's.
const TOLERANCES: [i64; 2] = [60, 300];

/// A violation in words. The words are not escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FaultText {
    /// The place in the answer: `status`, `header content-type`, or `body` and a JSON pointer.
    pub(crate) at: String,
    pub(crate) expected: String,
    pub(crate) actual: String,
}

impl FaultText {
    pub(crate) fn of(violation: &Violation) -> Self {
        let text = Self::of_fault(&violation.fault);
        match &violation.step {
            Some(step) => Self { at: format!("{}, in the step {step}", text.at), ..text },
            None => text,
        }
    }

    #[expect(clippy::too_many_lines, reason = "a table with a row for each fault")]
    fn of_fault(fault: &Fault) -> Self {
        match fault {
            Fault::Outcome { status_fits, expected, found, beside } => {
                let at = if *status_fits { "error type" } else { "status" };
                fault_text(at, any_of(expected), outcome(found, beside.as_ref()))
            }
            Fault::HungUp { expected, together: true } => fault_text(
                "status",
                any_of(expected),
                "no answer: the connection was closed while other calls were made at the same time, and again when all \
                 were made again. The server seems to crash on calls at the same time: look at its log. One that takes \
                 one connection at a time needs --jobs 1",
            ),
            Fault::HungUp { expected, together: false } => fault_text(
                "status",
                any_of(expected),
                "no answer: the connection was closed, twice, while other requests were answered. The server seems to \
                 crash on this request: look at its log",
            ),
            Fault::Database { act, expected, found } => {
                let at = match act {
                    DatabaseAct::Login => "log-in",
                    DatabaseAct::Statement => "statement",
                };
                let expected = match expected {
                    RightDatabaseAnswer::Accepted => "accepted".to_owned(),
                    RightDatabaseAnswer::Refused => "refused".to_owned(),
                    RightDatabaseAnswer::Text(text) => format!("the text {text}"),
                };
                fault_text(at, expected, database_answer(found))
            }
            Fault::Status { expected, found, error: None } => {
                fault_text("status", expected.to_string(), found.to_string())
            }
            Fault::Status { expected, found, error: Some(name) } => {
                fault_text("status", format!("{expected} with {name}"), format!("{found} with {name}"))
            }
            Fault::MediaType { expected, found } => {
                fault_text("header content-type", expected, found.as_deref().unwrap_or("no such header"))
            }
            Fault::Encoded { looks_like } => {
                fault_text("body", "plain JSON in UTF-8", format!("bytes that look like {}", markup(*looks_like)))
            }
            Fault::DeclaredEncoding { found } => {
                let expected = "no such header, since no encoding was asked for";
                fault_text("header content-encoding", expected, format!("{found}, while the body is plain"))
            }
            Fault::NoObject { found } => fault_text("body", "a JSON object", body_of(found)),
            Fault::Member { at, expected, found, looks_like } => {
                let name = at.rsplit('/').next().unwrap_or_default();
                let (expected, found) = if *expected == Constraint::Member {
                    (format!("the member {name}"), "no such member".to_owned())
                } else {
                    (expected.to_string(), found.to_string())
                };
                let guess = looks_like.as_ref().map_or_else(String::new, |like| format!(", {}", likeness(like)));
                fault_text(body(at), expected, format!("{found}{guess}"))
            }
            Fault::Empty { at, blanks } => {
                fault_text(body(at), "at least one character that can be seen", without_a_letter(*blanks))
            }
            Fault::Unlike { at, expected, found } => {
                fault_text(body(at), format!("\"{expected}\", as in the request"), format!("\"{found}\""))
            }
            Fault::TooMany { at, most, found } => {
                fault_text(body(at), format!("at most {most} items, as asked for"), format!("{found} items"))
            }
            Fault::Again { at } => {
                fault_text(body(at), "items that no page before it has", "an item of a page before it")
            }
            Fault::Lifetime { at, asked, found, looks_like, asked_by } => {
                let by = match found {
                    MeasuredLifetime::ByUs(_) => "the harness's clock",
                    MeasuredLifetime::ByDate(_) | MeasuredLifetime::Apart { .. } => {
                        "the server's Date or the harness's clock"
                    }
                };
                let expected = format!("{asked} s after the call by {by}, give or take {} s", TOLERANCES[0]);
                let guess = looks_like.map_or_else(String::new, |like| lifetime_likeness(like, asked_by));
                fault_text(body(at), expected, format!("{}{guess}", measured(*found)))
            }
            Fault::Date { off, lifetime_is_right } => {
                let (expected, behind) = if *lifetime_is_right {
                    (", as the lifetime shows it".to_owned(), ", by which the lifetime is right")
                } else {
                    (format!(", give or take {} s", TOLERANCES[1]), "")
                };
                let actual = format!("the Date of its answers is {off} s off the harness's clock{behind}");
                fault_text("header date", format!("the time of the answer{expected}"), actual)
            }
            Fault::PassingFault { first, then } => {
                let actual = format!("{first} at first, and {then} to the same request again");
                fault_text("status", "the same answer whenever it is asked", actual)
            }
            Fault::Nameless { found } => {
                let expected = "the error's name in __type, in code or in the header x-amzn-errortype";
                fault_text(place(NamePlace::Type), expected, nameless(found))
            }
            Fault::NamePlace { expected, found } => fault_text(
                place(NamePlace::Type),
                format!("\"{expected}\""),
                format!("no such text, only {}", place(*found)),
            ),
            Fault::NameForm { expected, found } => {
                fault_text(place(NamePlace::Type), format!("\"{expected}\""), format!("\"{found}\""))
            }
            Fault::CommonName { expected, found } => {
                fault_text("error type", expected, format!("{found}, a name that is common to all actions"))
            }
            Fault::NoMessage { found } => {
                let is_there = *found != JsonKind::Nothing;
                let found = if is_there { found.to_string() } else { "no such member".to_owned() };
                fault_text("body /message", "a string", found)
            }
            Fault::MessageName => fault_text("body /message", "the message under this name", "under the name Message"),
            Fault::MessageWithoutMember { member, found } => {
                fault_text("body /message", format!("a message that names {member}"), format!("\"{found}\""))
            }
            Fault::Value { at, expected, found: actual } | Fault::Told { at, expected, actual } => {
                fault_text(at, expected, actual)
            }
        }
    }
}

/// What a database said.
pub(super) fn database_answer(answer: &DatabaseAnswer) -> String {
    match answer {
        DatabaseAnswer::Accepted => "accepted".to_owned(),
        DatabaseAnswer::Text(text) => format!("the text \"{text}\""),
        DatabaseAnswer::Refused { sqlstate, message } => format!("refused with {sqlstate} \"{message}\""),
        DatabaseAnswer::NoConnection(why) => format!("no connection: {why}"),
        DatabaseAnswer::NotPostgres(why) => format!("no answer of PostgreSQL: {why}"),
        DatabaseAnswer::HungUp(why) => format!("no answer, each time, while another log-in was answered: {why}"),
    }
}

fn fault_text(at: impl Into<String>, expected: impl Into<String>, actual: impl Into<String>) -> FaultText {
    FaultText { at: at.into(), expected: expected.into(), actual: actual.into() }
}

fn body(at: &str) -> String {
    format!("body {at}")
}

/// `400 ValidationException, or 403 with an error type`.
fn any_of(answers: &[RightAnswer]) -> String {
    let word = |answer: &RightAnswer| match answer.error.as_deref() {
        None => answer.status.to_string(),
        Some("*") => format!("{} with an error type", answer.status),
        Some(error) => format!("{} {error}", answer.status),
    };
    answers.iter().map(word).collect::<Vec<_>>().join(", or ")
}

/// `400 ValidationException "its message"`.
pub(super) fn answer_summary(answer: &AnswerSummary) -> String {
    let AnswerSummary { status, error, message } = answer;
    let error = error.as_ref().map_or_else(String::new, |error| format!(" {error}"));
    let message = message.as_ref().map_or_else(String::new, |message| format!(" \"{message}\""));
    format!("{status}{error}{message}")
}

fn outcome(found: &AnswerSummary, beside: Option<&StrikingDetail>) -> String {
    let found = answer_summary(found);
    match beside {
        None => found,
        Some(StrikingDetail::ErrorInSuccess { error, place: at }) => format!("{found} with {error} in {}", place(*at)),
        Some(StrikingDetail::Accepted { lives }) => {
            let lives = match lives {
                None => String::new(),
                Some(seconds) if *seconds < 0 => format!(", with credentials that expired {} s before", -seconds),
                Some(seconds) => format!(", with credentials that live {seconds} s"),
            };
            format!("{found}: the request was accepted{lives}")
        }
        Some(StrikingDetail::CutName { member, characters }) => {
            format!("{found}, which names the first {characters} characters of the {member} that was sent")
        }
    }
}

fn without_a_letter(blanks: usize) -> String {
    match blanks {
        0 => "an empty string".to_owned(),
        1 => "one blank".to_owned(),
        blanks => format!("{blanks} blanks"),
    }
}

fn body_of(body: &WrongBody) -> String {
    match body {
        WrongBody::Empty => "an empty body".to_owned(),
        WrongBody::NotJson { bytes, looks_like } => not_json(*bytes, *looks_like),
        WrongBody::Json(kind) => format!("JSON that is {kind}"),
    }
}

fn not_json(bytes: usize, looks_like: Option<Markup>) -> String {
    let guess = looks_like.map_or_else(String::new, |like| format!(", which look like {}", markup(like)));
    format!("{bytes} bytes that are not JSON{guess}")
}

/// What bytes look like.
pub(super) const fn markup(looks_like: Markup) -> &'static str {
    match looks_like {
        Markup::Html => "HTML",
        Markup::Xml => "XML",
        Markup::CutJson => "JSON that ends too early",
        Markup::JsonAndMore => "JSON with more behind it",
        Markup::ByteOrderMark => "JSON behind a byte order mark",
        Markup::Utf16 => "JSON in UTF-16 instead of UTF-8",
        Markup::NotUtf8 => "text that is not UTF-8",
        Markup::Gzip => "gzip, though none was asked for",
        Markup::Deflate => "deflate, though none was asked for",
        Markup::Brotli => "Brotli, though none was asked for",
        Markup::Zstandard => "Zstandard, though none was asked for",
    }
}

fn likeness(like: &ValueLikeness) -> String {
    match like {
        ValueLikeness::Null => "it is null, which stands for no member".to_owned(),
        ValueLikeness::OtherName(name) => format!("there is {name}, which looks like it under another name"),
        ValueLikeness::Inside(name) => format!("there is one inside {name}, where no client looks"),
        ValueLikeness::QuotedNumber => "which looks like a number in quotes".to_owned(),
        ValueLikeness::Iso8601 => "which looks like an ISO 8601 date instead of epoch seconds".to_owned(),
        ValueLikeness::EpochSeconds => "which looks like epoch seconds instead of an ISO 8601 date".to_owned(),
        ValueLikeness::Milliseconds => "which looks like milliseconds instead of seconds".to_owned(),
        ValueLikeness::Microseconds => "which looks like microseconds instead of seconds".to_owned(),
        ValueLikeness::Nanoseconds => "which looks like nanoseconds instead of seconds".to_owned(),
        ValueLikeness::Unset => "which looks like a time that was never set".to_owned(),
        ValueLikeness::Duration => "which looks like a number of seconds instead of a point in time".to_owned(),
    }
}

fn measured(found: MeasuredLifetime) -> String {
    match found {
        MeasuredLifetime::ByUs(seconds) | MeasuredLifetime::ByDate(seconds) => after_the_call(seconds),
        MeasuredLifetime::Apart { date, ours } => {
            let [date, ours] = [date, ours].map(after_the_call);
            format!("{date} by the server's Date, and {ours} by the harness's clock")
        }
    }
}

fn after_the_call(seconds: i64) -> String {
    if seconds < 0 {
        format!("already expired {} s before the call", seconds.unsigned_abs())
    } else {
        format!("{seconds} s after the call")
    }
}

fn lifetime_likeness(like: LifetimeLikeness, asked_by: &str) -> String {
    let words = match like {
        LifetimeLikeness::RightMilliseconds => "milliseconds: in seconds it would be right",
        LifetimeLikeness::Milliseconds => "milliseconds",
        LifetimeLikeness::Now => "the time of the call itself",
        LifetimeLikeness::Duration => "the lifetime instead of a point in time",
        LifetimeLikeness::Default => return format!(", which looks like the default, with {asked_by} ignored"),
        LifetimeLikeness::Minutes => "minutes taken for seconds",
        LifetimeLikeness::LocalTime => "local time taken for UTC",
    };
    format!(", which looks like {words}")
}

fn nameless(found: &NameSubstitute) -> String {
    match found {
        NameSubstitute::Nothing => "none of them".to_owned(),
        NameSubstitute::Empty => "none of them: the body is empty".to_owned(),
        NameSubstitute::NotJson { bytes, looks_like } => format!("none of them: {}", not_json(*bytes, *looks_like)),
        NameSubstitute::Number(name) => format!("none of them, but {name} is a number"),
        NameSubstitute::Elsewhere(name) => format!("none of them, but a member {name}, where no client looks"),
    }
}

const fn place(place: NamePlace) -> &'static str {
    match place {
        NamePlace::Type => "body /__type",
        NamePlace::Header => "header x-amzn-errortype",
        NamePlace::Code => "body /code",
    }
}
