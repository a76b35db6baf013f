//! Compares what a caller is given: outcomes, errors, members, by value and type.

use std::collections::{BTreeMap, BTreeSet};

use super::show::{self, ABSENT};
use super::{ChangeClass, ChangeKind, SdkChange};
use crate::sdk::record::{ErrorRecord, Meta, OutcomeRecord, Phase, Record, SecretLikeness, ShownValue, Value};
use crate::wire::is_password_name;

/// Compares what the caller was given, call by call; the same difference in several calls is reported once.
pub(super) fn compare(old: &Record, new: &Record) -> Vec<SdkChange> {
    let same_attempts = (old.attempts == new.attempts).then_some(old.attempts);
    // How an SDK reports a connection that is reset before any request is read depends on chance.
    let unread = |record: &Record| record.attempts > 0 && record.requests.is_empty();
    let by_chance = unread(old) && unread(new);
    let mut found = Vec::new();
    for (old, new) in old.outcomes.iter().zip(&new.outcomes) {
        if by_chance && is_broken_off(old) && is_broken_off(new) {
            continue;
        }
        for change in outcomes(old, new, same_attempts) {
            if !found.contains(&change) {
                found.push(change);
            }
        }
    }
    let calls = [old.outcomes.len(), new.outcomes.len()];
    let meaning = "Another number of the case's calls was made: the SDK or its process did not come so far.";
    found.extend(caller_change("calls", calls, |calls| calls.to_string(), meaning));
    found
}

fn caller_change<T: PartialEq>(
    what: &str,
    values: [T; 2],
    show: impl Fn(T) -> String,
    meaning: &str,
) -> Option<SdkChange> {
    SdkChange::between(ChangeClass::Caller, what, values, show, meaning)
}

/// Whether a call ended because there was no connection or it was lost.
fn is_broken_off(outcome: &OutcomeRecord) -> bool {
    matches!(outcome, OutcomeRecord::Error { error, .. } if matches!(error.phase, Phase::Connect | Phase::Transport))
}

/// Compares the outcomes of one call. `same_attempts` is how many requests of the case arrived, where it is the same
/// number in both runs.
fn outcomes(old: &OutcomeRecord, new: &OutcomeRecord, same_attempts: Option<usize>) -> Vec<SdkChange> {
    match (old, new) {
        (
            OutcomeRecord::Result { result: old, meta: old_meta },
            OutcomeRecord::Result { result: new, meta: new_meta },
        ) => {
            if old.is_empty() != new.is_empty() && (gives_something(old) || gives_something(new)) {
                return vec![emptied(old, new)];
            }
            let mut found = members("result member", old, new);
            found.extend(meta_changes([old_meta, new_meta], same_attempts, true));
            found
        }
        (OutcomeRecord::Error { error: was, .. }, OutcomeRecord::Error { error: is, .. })
            if was.class != is.class && was.phase != is.phase =>
        {
            // A different kind of error: its code, message and status are not compared.
            let group = format!("error {} -> {}", show::name(was), show::name(is));
            let (from, to) = (show::outcome_in_full(old), show::outcome_in_full(new));
            let change = SdkChange::new(ChangeClass::Caller, "error", from, to, reclassed(was, is)).grouped(group);
            vec![broken_off(change.of(ChangeKind::Error), old, new)]
        }
        (OutcomeRecord::Error { error: old, meta: old_meta }, OutcomeRecord::Error { error: new, meta: new_meta }) => {
            let mut found = errors(old, new);
            // `errors` compares the values that an error itself carries.
            let apart = |error: &ErrorRecord| error.request_id.is_none() && error.http_status.is_none();
            found.extend(meta_changes([old_meta, new_meta], same_attempts, apart(old) && apart(new)));
            found
        }
        (old, new) if old == new => Vec::new(),
        (old, new) => {
            let group = format!("outcome {} -> {}", show::outcome(old), show::outcome(new));
            let (was, is) = (show::outcome_in_full(old), show::outcome_in_full(new));
            let change = SdkChange::new(ChangeClass::Caller, "outcome", was, is, turn_meaning(old, new));
            vec![broken_off(change.grouped(group).of(ChangeKind::Outcome), old, new)]
        }
    }
}

/// The same change with its cause where one run takes an answer that breaks off for an error of the connection, and the
/// other does not: what the call comes to then depends on what the answer has of itself.
fn broken_off(change: SdkChange, old: &OutcomeRecord, new: &OutcomeRecord) -> SdkChange {
    let class = |outcome: &OutcomeRecord| match outcome {
        OutcomeRecord::Error { error, .. } if error.phase == Phase::Transport => Some(show::cut(&error.class)),
        OutcomeRecord::Error { .. } | OutcomeRecord::Result { .. } | OutcomeRecord::Lost { .. } => None,
    };
    let cause = match (class(old), class(new)) {
        (Some(was), None) => format!("what breaks off is no longer {was}"),
        (None, Some(is)) => format!("what breaks off is {is} now"),
        (Some(_), Some(_)) | (None, None) => return change,
    };
    change.of(ChangeKind::Outcome).caused_by(cause)
}

/// What another kind of outcome means for the caller.
fn turn_meaning(old: &OutcomeRecord, new: &OutcomeRecord) -> String {
    match (old, new) {
        (OutcomeRecord::Error { .. }, OutcomeRecord::Result { result, .. }) if !has_password(result) => {
            "What was an error is now a silent success without a password: code that relied on the error goes on with nothing.".to_owned()
        }
        (OutcomeRecord::Error { .. }, OutcomeRecord::Result { .. }) => {
            "The call succeeds where it was an error: code that handles that error is no longer reached.".to_owned()
        }
        (OutcomeRecord::Result { .. }, OutcomeRecord::Error { error, .. }) => {
            format!("The call fails where it succeeded: code has to handle {}.", show::name(error))
        }
        (_, OutcomeRecord::Lost { .. }) => "The call no longer comes back to its caller.".to_owned(),
        (OutcomeRecord::Lost { .. }, OutcomeRecord::Result { .. } | OutcomeRecord::Error { .. }) => {
            "The call comes back to its caller, which it did not.".to_owned()
        }
        (OutcomeRecord::Result { .. }, OutcomeRecord::Result { .. })
        | (OutcomeRecord::Error { .. }, OutcomeRecord::Error { .. }) => "The call comes to something else.".to_owned(),
    }
}

/// Whether a result has a password.
fn has_password(members: &BTreeMap<String, ShownValue>) -> bool {
    members.iter().any(|(name, value)| is_password_name(name) && !value.value.value.is_absent())
}

/// Whether a result has a member with a value.
fn gives_something(members: &BTreeMap<String, ShownValue>) -> bool {
    members.values().any(|value| !value.value.value.is_absent())
}

/// What another class of error means for the caller.
fn reclassed(old: &ErrorRecord, new: &ErrorRecord) -> String {
    let (was, is) = (show::cut(&old.class), show::cut(&new.class));
    if new.bases.contains(&old.class) {
        format!("Code that catches {was} still does: the new class is one of them.")
    } else if old.bases.contains(&new.class) {
        format!("Code that catches {was} no longer catches this error; only {is} does.")
    } else {
        format!("Code that catches {was} no longer catches this error; it is {is} now.")
    }
}

/// The change from a result that gives something to one without members, or the reverse.
fn emptied(old: &BTreeMap<String, ShownValue>, new: &BTreeMap<String, ShownValue>) -> SdkChange {
    let list = |members: &BTreeMap<String, ShownValue>| match members.len() {
        0 => "empty".to_owned(),
        _ => show::cut(&show::members(members)),
    };
    let (meaning, group) = if new.is_empty() && has_password(old) {
        ("The call still succeeds, and gives nothing: code goes on without a password.", "result emptied")
    } else if new.is_empty() {
        ("The call still succeeds, and gives nothing: code goes on without what it read.", "result emptied")
    } else {
        ("The call gives something where it gave nothing.", "result filled")
    };
    SdkChange::new(ChangeClass::Caller, "result", list(old), list(new), meaning).grouped(group)
}

fn errors(old: &ErrorRecord, new: &ErrorRecord) -> Vec<SdkChange> {
    let both = [old, new];
    let mut found = Vec::new();
    if old.class == new.class {
        let missing: Vec<_> = old.bases.iter().filter(|base| !new.bases.contains(base)).map(String::as_str).collect();
        let meaning = if missing.is_empty() {
            "The error belongs to further classes, or in another order: code that catches one of those now sees it."
                .to_owned()
        } else {
            format!("Code that catches {} no longer catches this error.", missing.join(" or "))
        };
        let list = |bases: &[String]| format!("[{}]", show::cut(&bases.join(", ")));
        let bases = caller_change("error base classes", both.map(|error| error.bases.as_slice()), list, &meaning);
        found.extend(bases.map(detail));
        let meaning = "The SDK sorts the error under another kind: code that tells kinds apart takes another way.";
        let kind = caller_change("error kind", both.map(|error| error.phase), Phase::word, meaning);
        found.extend(kind.map(|change| change.of(ChangeKind::Error)));
    } else {
        let class = caller_change("error class", both.map(|error| &*error.class), show::cut, &reclassed(old, new));
        found.extend(class.map(|change| change.of(ChangeKind::Error).caused_by(class_cause(old, new))));
    }
    let meaning = "Code that compares the error's code takes another way.";
    found.extend(text(both, "error code", |error| &error.code, meaning).map(|change| change.of(ChangeKind::Error)));
    if message(old) != message(new) {
        let meaning = "Logs show another text, and code that matches it no longer does.";
        found.extend(text(both, "error message", |error| &error.message, meaning).map(detail));
    }
    let meaning = "What is quoted to AWS support is another id, or none.";
    found.extend(text(both, "error request id", |error| &error.request_id, meaning).map(detail));
    let meaning = "Code that asks whose fault it was is told something else.";
    found.extend(text(both, "error fault", |error| &error.fault, meaning).map(detail));
    let meaning = "Code that looks at the error's status code takes another way.";
    let status = caller_change("error status", both.map(|error| error.http_status), show::number, meaning);
    found.extend(status.map(detail));
    found.extend(members("error member", &old.members, &new.members).into_iter().map(detail));
    found
}

fn detail(change: SdkChange) -> SdkChange {
    change.of(ChangeKind::ErrorDetail)
}

/// What the cause of another error class is called. Errors that got classes of their own, below or above the one that
/// they share, got them together.
fn class_cause(old: &ErrorRecord, new: &ErrorRecord) -> String {
    let (was, is) = (show::cut(&old.class), show::cut(&new.class));
    if new.bases.contains(&old.class) {
        format!("error class {was} -> a class of its own below it")
    } else if old.bases.contains(&new.class) {
        format!("error class of its own -> {is}")
    } else {
        format!("error class {was} -> {is}")
    }
}

/// The change of a text of an error; `None` if there is none. Changes have the same group if they differ only in the
/// status code, or add or remove the same words at one end.
fn text(
    errors: [&ErrorRecord; 2],
    what: &str,
    text: impl Fn(&ErrorRecord) -> &Option<String>,
    meaning: &str,
) -> Option<SdkChange> {
    let [old, new] = errors.map(|error| text(error).as_deref());
    let change = caller_change(what, [old, new], show::optional, meaning)?;
    let [was, is] = errors.map(|error| {
        let status = error.http_status.map(|status| status.to_string());
        let is_status = text(error).is_some() && *text(error) == status;
        if is_status { "the status code".to_owned() } else { show::optional(text(error).as_deref()) }
    });
    let group = match added(old, new) {
        Some(added) => format!("{what} {added}"),
        None => format!("{what} {was} -> {is}"),
    };
    let cause = match (old, new) {
        _ if added(old, new).is_some() => group.clone(),
        (Some(_), Some(_)) => format!("another {what}"),
        (None, _) => format!("{what} given"),
        (Some(_), None) => format!("{what} lost"),
    };
    Some(change.grouped(group).caused_by(cause))
}

/// The messages for the reset of a connection. Which one appears depends on when the system notices the reset.
const RESET: [&str; 5] =
    ["socket hang up", "read ECONNRESET", "write ECONNRESET", "write EPIPE", "Connection reset by peer"];

/// The message of an error. If the connection was lost, the words that depend on chance are replaced.
fn message(error: &ErrorRecord) -> Option<String> {
    let message = error.message.clone()?;
    if error.phase != Phase::Transport {
        return Some(message);
    }
    Some(RESET.iter().fold(message, |message, words| message.replace(words, "connection reset")))
}

/// The words by which one text is longer than the other at one end: `with "…" added` or `without "…"`. `None` if the
/// texts differ otherwise.
fn added(old: Option<&str>, new: Option<&str>) -> Option<String> {
    let (old, new) = (old?, new?);
    let more = |short: &str, long: &str| {
        let rest = long.strip_prefix(short).or_else(|| long.strip_suffix(short)).filter(|_| !short.is_empty())?;
        Some(show::text(rest))
    };
    let longer = more(old, new).map(|words| format!("with {words} added"));
    longer.or_else(|| more(new, old).map(|words| format!("without {words}")))
}

/// Compares members by presence, type and value.
fn members(what: &str, old: &BTreeMap<String, ShownValue>, new: &BTreeMap<String, ShownValue>) -> Vec<SdkChange> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut found = keys_without_value(what, old, new);
    for name in names {
        let of_any = what;
        let what = format!("{what} {}", show::cut(name));
        found.extend(match (old.get(name), new.get(name)) {
            (Some(old), Some(new)) => values(of_any, name, old, new),
            (Some(old), None) if is_undefined(old) => Vec::new(),
            (None, Some(new)) if is_undefined(new) => Vec::new(),
            (Some(old), None) => {
                let meaning = format!("Code that reads {name} finds nothing.");
                let change = SdkChange::new(ChangeClass::Caller, &what, show::value_with_type(old), ABSENT, meaning);
                vec![change.grouped(format!("{what} lost")).caused_by(format!("{of_any} lost"))]
            }
            (None, Some(new)) => {
                let meaning = format!("The caller is given {name}, which it was not.");
                let change = SdkChange::new(ChangeClass::Caller, &what, ABSENT, show::value_with_type(new), meaning);
                vec![change.grouped(format!("{what} given")).caused_by(format!("{of_any} given"))]
            }
            (None, None) => Vec::new(),
        });
    }
    found
}

fn is_undefined(value: &ShownValue) -> bool {
    value.value.value == Value::Undefined
}

/// The change of the keys that only one of two results has, and that have no value there: nobody reads a difference.
fn keys_without_value(
    what: &str,
    old: &BTreeMap<String, ShownValue>,
    new: &BTreeMap<String, ShownValue>,
) -> Vec<SdkChange> {
    let only_in = |one: &BTreeMap<String, ShownValue>, other: &BTreeMap<String, ShownValue>| {
        let names = one.iter().filter(|(name, value)| is_undefined(value) && !other.contains_key(*name));
        names.map(|(name, _)| show::cut(name)).collect::<Vec<_>>().join(", ")
    };
    let what = format!("{what}s without a value");
    let change = |names: &str, [was, is]: [&str; 2], group: &str| {
        let meaning = format!(
            "Reading {names} gives undefined as before; only what lists or compares the keys sees a difference."
        );
        let change =
            SdkChange::new(ChangeClass::Caller, &what, format!("{names}: {was}"), format!("{names}: {is}"), meaning);
        (!names.is_empty()).then(|| change.grouped(group))
    };
    let lost = change(&only_in(old, new), ["undefined", ABSENT], &format!("{what} are no keys any more"));
    let given = change(&only_in(new, old), [ABSENT, "undefined"], &format!("{what} are keys now"));
    lost.into_iter().chain(given).collect()
}

/// Compares the values of a member that both have. `of_any` says whose members they are.
fn values(of_any: &str, name: &str, old: &ShownValue, new: &ShownValue) -> Vec<SdkChange> {
    let what = &format!("{of_any} {}", show::cut(name));
    let mut found = Vec::new();
    let (old_kind, new_kind) = (show::kind(&old.value), show::kind(&new.value));
    if old_kind != new_kind {
        let typed = |value: &ShownValue, kind: &str| match value.equals {
            Some(_) => format!("{kind}: ***"),
            None => format!("{kind}: {}", show::bare(&value.value)),
        };
        let (was, is) = (typed(old, &old_kind), typed(new, &new_kind));
        let change = SdkChange::new(ChangeClass::Caller, format!("{what} type"), was, is, retyped(name, old, new));
        let cause = format!("{of_any} type {old_kind} -> {new_kind}");
        found.push(change.grouped(format!("{what} type {old_kind} -> {new_kind}")).caused_by(cause));
    }
    let (was, is) = (&old.value.value, &new.value.value);
    if old.equals != new.equals || old.characters != new.characters {
        let meaning = if new.equals == Some(SecretLikeness::Sent) {
            format!("The caller is given {name} as the service sent it, which it was not.")
        } else {
            format!("The caller is given a {name} that the service did not send: a login with it fails.")
        };
        let change = SdkChange::new(ChangeClass::Caller, what, show::likeness(old), show::likeness(new), meaning);
        let cause = format!("another value of {what}");
        found.push(change.caused_by(cause));
    } else if was.kind() == is.kind() && !was.means_same(is) {
        let time = if matches!(is, Value::Timestamp(_)) { "time as " } else { "" };
        let meaning = format!("The caller is given another {time}{name}.");
        let [was, is] = [old, new].map(show::value_with_type);
        let change = SdkChange::new(ChangeClass::Caller, what, was, is, meaning);
        found.push(change.caused_by(format!("another value of {what}")));
    }
    found
}

/// What another type of a value means for the caller.
fn retyped(name: &str, old: &ShownValue, new: &ShownValue) -> String {
    let is_naive = new.value.native.as_deref().is_some_and(|native| native.contains("naive"));
    let is_time = |value: &ShownValue| matches!(value.value.value, Value::Timestamp(_));
    let (was_absent, is_absent) = (old.value.value.is_absent(), new.value.value.is_absent());
    match (is_time(old), is_time(new)) {
        (true, true) if is_naive => {
            format!("{name} has no time zone any more: comparing it with times that have one fails, or is hours off.")
        }
        (true, true) => {
            format!("{name} is a time of another type: code that computes with it may fail.")
        }
        (true, false) => {
            format!("{name} is no time any more: code that computes with it fails or goes wrong.")
        }
        (false, true) => format!("{name} is a time now, which it was not."),
        (false, false) if was_absent && is_absent => {
            format!("{name} is still empty, but of another kind: strict comparisons and `in` see a difference.")
        }
        (false, false) if was_absent => format!("{name} is given where it was empty."),
        (false, false) if is_absent => format!("{name} is empty where it was given."),
        (false, false) => format!("Code that takes {name} for what it was fails or goes wrong."),
    }
}

/// Compares what the SDK tells about the answer.
fn meta_changes(metas: [&Meta; 2], same_attempts: Option<usize>, ids: bool) -> Vec<SdkChange> {
    let mut found = Vec::new();
    if ids {
        let meaning = "What is quoted to AWS support is another id, or none.";
        found.extend(caller_change(
            "request id",
            metas.map(|meta| meta.request_id.as_deref()),
            show::optional,
            meaning,
        ));
        let meaning = "Code that looks at the status code takes another way.";
        found.extend(caller_change("status", metas.map(|meta| meta.http_status), show::number, meaning));
    }
    if let Some(arrived) = same_attempts {
        let attempts = metas.map(|meta| meta.sdk_attempts);
        let meaning = match attempts {
            [Some(old), Some(new)] if arrived == 0 && old < new => {
                "Where no request arrives, the SDK tries more often: the error comes later."
            }
            [Some(_), Some(_)] if arrived == 0 => {
                "Where no request arrives, the SDK tries less often: the error comes sooner."
            }
            _ => "The SDK counts its attempts otherwise; as many requests as before arrive.",
        };
        let what = "attempts that the SDK tells";
        let change = SdkChange::between(ChangeClass::Attempts, what, attempts, show::number, meaning);
        found.extend(change.map(|change| change.of(ChangeKind::CountedAttempts)));
    }
    found
}
