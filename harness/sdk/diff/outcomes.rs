//! What a caller is given: outcomes, errors, members, by value and type.

use std::collections::{BTreeMap, BTreeSet};

use super::Class;
use super::finding::Finding;
use super::show::{self, ABSENT};
use crate::sdk::record::{ErrorRecord, Likeness, Meta, OutcomeRecord, Phase, Record, Shown, Value};
use crate::wire::is_password_name;

/// Compares what the caller was given, call by call; the same difference in several calls is told once.
pub(super) fn compare(old: &Record, new: &Record) -> Vec<Finding> {
    let same_attempts = old.attempts == new.attempts;
    // What an SDK makes of a connection that is reset before any request is read is up to chance.
    let unread = |record: &Record| record.attempts > 0 && record.requests.is_empty();
    let by_chance = unread(old) && unread(new);
    let mut found = Vec::new();
    for (old, new) in old.outcomes.iter().zip(&new.outcomes) {
        if by_chance && is_broken_off(old) && is_broken_off(new) {
            continue;
        }
        for finding in outcomes(old, new, same_attempts) {
            if !found.contains(&finding) {
                found.push(finding);
            }
        }
    }
    if old.outcomes.len() != new.outcomes.len() {
        let (old, new) = (old.outcomes.len().to_string(), new.outcomes.len().to_string());
        let meaning = "Another number of the case's calls was made: the SDK or its process did not come so far.";
        found.push(Finding::new(Class::Caller, "calls", old, new, meaning));
    }
    found
}

/// Whether a call ended because there was no connection, or no longer one.
fn is_broken_off(outcome: &OutcomeRecord) -> bool {
    matches!(outcome, OutcomeRecord::Error { error, .. } if matches!(error.phase, Phase::Connect | Phase::Transport))
}

fn outcomes(old: &OutcomeRecord, new: &OutcomeRecord, same_attempts: bool) -> Vec<Finding> {
    match (old, new) {
        (
            OutcomeRecord::Result { result: old, meta: old_meta },
            OutcomeRecord::Result { result: new, meta: new_meta },
        ) => {
            if old.is_empty() != new.is_empty() {
                return vec![emptied(old, new)];
            }
            let mut found = members("result member", old, new);
            found.extend(told(old_meta, new_meta, same_attempts, true));
            found
        }
        (OutcomeRecord::Error { error: was, .. }, OutcomeRecord::Error { error: is, .. })
            if was.class != is.class && was.phase != is.phase =>
        {
            // Another kind of error altogether: that its code, message and status are others goes without saying.
            let group = format!("error {} -> {}", show::name(was), show::name(is));
            let (from, to) = (show::outcome_in_full(old), show::outcome_in_full(new));
            vec![Finding::new(Class::Caller, "error", from, to, reclassed(was, is)).grouped(group)]
        }
        (OutcomeRecord::Error { error: old, meta: old_meta }, OutcomeRecord::Error { error: new, meta: new_meta }) => {
            let mut found = errors(old, new);
            // What an error carries by itself is compared there.
            let apart = |error: &ErrorRecord| error.request_id.is_none() && error.http_status.is_none();
            found.extend(told(old_meta, new_meta, same_attempts, apart(old) && apart(new)));
            found
        }
        (old, new) if old == new => Vec::new(),
        (old, new) => {
            let group = format!("outcome {} -> {}", show::outcome(old), show::outcome(new));
            let (was, is) = (show::outcome_in_full(old), show::outcome_in_full(new));
            vec![Finding::new(Class::Caller, "outcome", was, is, turned(old, new)).grouped(group)]
        }
    }
}

/// What it means that a call comes to something else altogether.
fn turned(old: &OutcomeRecord, new: &OutcomeRecord) -> String {
    let has_password = |outcome: &OutcomeRecord| {
        let OutcomeRecord::Result { result, .. } = outcome else { return false };
        result.iter().any(|(name, shown)| is_password_name(name) && !shown.value.value.is_absent())
    };
    match (old, new) {
        (OutcomeRecord::Error { .. }, OutcomeRecord::Result { .. }) if !has_password(new) => {
            "What was an error is now a silent success without a password: code that relied on the error goes on with nothing.".to_owned()
        }
        (OutcomeRecord::Error { .. }, _) if matches!(new, OutcomeRecord::Result { .. }) => {
            "The call succeeds where it was an error: code that handles that error is no longer reached.".to_owned()
        }
        (OutcomeRecord::Result { .. }, OutcomeRecord::Error { error, .. }) => {
            format!("The call fails where it succeeded: code has to handle {}.", show::name(error))
        }
        (_, OutcomeRecord::Lost { .. }) => "The call no longer comes back to its caller.".to_owned(),
        (OutcomeRecord::Lost { .. }, _) => "The call comes back to its caller, which it did not.".to_owned(),
        _ => "The call comes to something else.".to_owned(),
    }
}

/// What it means that an error is of another class.
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

/// A result that has no member any more, or has some where it had none.
fn emptied(old: &BTreeMap<String, Shown>, new: &BTreeMap<String, Shown>) -> Finding {
    let list = |members: &BTreeMap<String, Shown>| match members.len() {
        0 => "empty".to_owned(),
        _ => {
            members.iter().map(|(name, value)| format!("{name}: {}", show::shown(value))).collect::<Vec<_>>().join(", ")
        }
    };
    let (meaning, group) = if new.is_empty() {
        ("The call still succeeds, and gives nothing: code goes on without a password.", "result emptied")
    } else {
        ("The call gives something where it gave nothing.", "result filled")
    };
    Finding::new(Class::Caller, "result", show::cut(&list(old)), show::cut(&list(new)), meaning).grouped(group)
}

fn errors(old: &ErrorRecord, new: &ErrorRecord) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |finding: Finding| found.push(finding);
    let same_class = old.class == new.class;
    if !same_class {
        let (was, is) = (show::cut(&old.class), show::cut(&new.class));
        add(Finding::new(Class::Caller, "error class", was, is, reclassed(old, new)));
    } else if old.bases != new.bases {
        let missing: Vec<_> = old.bases.iter().filter(|base| !new.bases.contains(base)).map(String::as_str).collect();
        let meaning = if missing.is_empty() {
            "The error belongs to further classes, or in another order: code that catches one of those now sees it."
                .to_owned()
        } else {
            format!("Code that catches {} no longer catches this error.", missing.join(" or "))
        };
        let list = |bases: &[String]| format!("[{}]", show::cut(&bases.join(", ")));
        add(Finding::new(Class::Caller, "error base classes", list(&old.bases), list(&new.bases), meaning));
    }
    if same_class && old.phase != new.phase {
        let meaning = "The SDK sorts the error under another kind: code that tells kinds apart takes another way.";
        add(Finding::new(Class::Caller, "error kind", old.phase.word(), new.phase.word(), meaning));
    }
    let status = |error: &ErrorRecord| error.http_status.map(|status| status.to_string());
    let mut text = |what: &str, was: &Option<String>, is: &Option<String>, meaning: &str| {
        if was != is {
            let (shown_was, shown_is) = (show::optional(was.as_deref()), show::optional(is.as_deref()));
            let finding = Finding::new(Class::Caller, what, &shown_was, &shown_is, meaning);
            // What is the same but for the status code, or but for some words at one end, is told together.
            let word = |code: &Option<String>, error: &ErrorRecord, shown: &str| {
                if code.is_some() && *code == status(error) { "the status code".to_owned() } else { shown.to_owned() }
            };
            let group = match added(was.as_deref(), is.as_deref()) {
                Some(added) => format!("{what} {added}"),
                None => format!("{what} {} -> {}", word(was, old, &shown_was), word(is, new, &shown_is)),
            };
            add(finding.grouped(group));
        }
    };
    text("error code", &old.code, &new.code, "Code that compares the error's code takes another way.");
    if message(old) != message(new) {
        let meaning = "Logs show another text, and code that matches it no longer does.";
        text("error message", &old.message, &new.message, meaning);
    }
    text("error request id", &old.request_id, &new.request_id, "What is quoted to AWS support is another id, or none.");
    text("error fault", &old.fault, &new.fault, "Code that asks whose fault it was is told something else.");
    if old.http_status != new.http_status {
        let (old, new) = (show::number(old.http_status), show::number(new.http_status));
        let meaning = "Code that looks at the error's status code takes another way.";
        found.push(Finding::new(Class::Caller, "error status", old, new, meaning));
    }
    found.extend(members("error member", &old.members, &new.members));
    found
}

/// What one and the same reset of a connection is called, by how far the system had come when it was noticed.
const RESET: [&str; 5] =
    ["socket hang up", "read ECONNRESET", "write ECONNRESET", "write EPIPE", "Connection reset by peer"];

/// The message of an error; where the connection broke off, without what is up to chance.
fn message(error: &ErrorRecord) -> Option<String> {
    let message = error.message.as_ref()?;
    if error.phase != Phase::Transport {
        return Some(message.clone());
    }
    Some(RESET.iter().fold(message.clone(), |message, words| message.replace(words, "connection reset")))
}

/// That one text is the other with some words before or behind it: `+ "…"` or `- "…"`.
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
fn members(what: &str, old: &BTreeMap<String, Shown>, new: &BTreeMap<String, Shown>) -> Vec<Finding> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut found = Vec::new();
    for name in names {
        let what = format!("{what} {}", show::cut(name));
        match (old.get(name), new.get(name)) {
            (Some(old), Some(new)) => found.extend(values(&what, name, old, new)),
            (Some(old), None) if old.value.value == Value::Undefined => {
                let finding = Finding::new(Class::Caller, &what, "undefined", ABSENT, no_key(name));
                found.push(finding.grouped(format!("{what} undefined -> absent")));
            }
            (None, Some(new)) if new.value.value == Value::Undefined => {
                let finding = Finding::new(Class::Caller, &what, ABSENT, "undefined", no_key(name));
                found.push(finding.grouped(format!("{what} absent -> undefined")));
            }
            (Some(old), None) => {
                let meaning = format!("Code that reads {name} finds nothing.");
                let finding = Finding::new(Class::Caller, &what, show::shown(old), ABSENT, meaning);
                found.push(finding.grouped(format!("{what} lost")));
            }
            (None, Some(new)) => {
                let meaning = format!("The caller is given {name}, which it was not.");
                let finding = Finding::new(Class::Caller, &what, ABSENT, show::shown(new), meaning);
                found.push(finding.grouped(format!("{what} given")));
            }
            (None, None) => {}
        }
    }
    found
}

/// What it means that a member without a value is a key of the result, or no longer one.
fn no_key(name: &str) -> String {
    format!(
        "Reading {name} gives undefined as before; only what lists or compares the result's keys sees a difference."
    )
}

fn values(what: &str, name: &str, old: &Shown, new: &Shown) -> Vec<Finding> {
    let (was, is) = (show::shown(old), show::shown(new));
    let mut found = Vec::new();
    let (old_kind, new_kind) = (show::kind(&old.value), show::kind(&new.value));
    if old_kind != new_kind {
        let meaning = retyped(name, old, new);
        let typed = |shown: &Shown, kind: &str| match shown.equals {
            Some(_) => format!("{kind}: ***"),
            None => format!("{kind}: {}", show::bare(&shown.value)),
        };
        let finding =
            Finding::new(Class::Caller, format!("{what} type"), typed(old, &old_kind), typed(new, &new_kind), meaning);
        found.push(finding.grouped(format!("{what} type {old_kind} -> {new_kind}")));
    }
    if old.equals != new.equals || old.characters != new.characters {
        let meaning = match new.equals {
            Some(Likeness::Sent) => format!("The caller is given {name} as the service sent it, which it was not."),
            _ => format!("The caller is given a {name} that the service did not send: a login with it fails."),
        };
        let (old, new) = (show::likeness(old), show::likeness(new));
        found.push(Finding::new(Class::Caller, what, old, new, meaning));
    } else if old.value.value.kind() == new.value.value.kind() && !old.value.value.means_same(&new.value.value) {
        let meaning = match new.value.value {
            Value::Timestamp(_) => format!("The caller is given another time as {name}."),
            Value::String(_)
            | Value::Bytes(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Null
            | Value::Undefined
            | Value::List(_)
            | Value::Map(_) => format!("The caller is given another {name}."),
        };
        found.push(Finding::new(Class::Caller, what, was, is, meaning));
    }
    found
}

/// What it means that a value is of another type.
fn retyped(name: &str, old: &Shown, new: &Shown) -> String {
    let is_time = |shown: &Shown| matches!(shown.value.value, Value::Timestamp(_));
    let is_naive = |shown: &Shown| shown.value.native.as_deref().is_some_and(|native| native.contains("naive"));
    match (&old.value.value, &new.value.value) {
        _ if is_time(old) && is_time(new) && is_naive(new) => {
            format!("{name} has no time zone any more: comparing it with times that have one fails, or is hours off.")
        }
        _ if is_time(old) && is_time(new) => {
            format!("{name} is a time of another type: code that computes with it may fail.")
        }
        _ if is_time(old) => format!("{name} is no time any more: code that computes with it fails or goes wrong."),
        _ if is_time(new) => format!("{name} is a time now, which it was not."),
        (old, new) if old.is_absent() && new.is_absent() => {
            format!("{name} is still empty, but of another kind: strict comparisons and `in` see a difference.")
        }
        (old, _) if old.is_absent() => format!("{name} is given where it was empty."),
        (_, new) if new.is_absent() => format!("{name} is empty where it was given."),
        _ => format!("Code that takes {name} for what it was fails or goes wrong."),
    }
}

/// What the SDK tells about the answer.
fn told(old: &Meta, new: &Meta, same_attempts: bool, ids: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    if ids && old.request_id != new.request_id {
        let (old, new) = (show::optional(old.request_id.as_deref()), show::optional(new.request_id.as_deref()));
        let meaning = "What is quoted to AWS support is another id, or none.";
        found.push(Finding::new(Class::Caller, "request id", old, new, meaning));
    }
    if ids && old.http_status != new.http_status {
        let (old, new) = (show::number(old.http_status), show::number(new.http_status));
        let meaning = "Code that looks at the status code takes another way.";
        found.push(Finding::new(Class::Caller, "status", old, new, meaning));
    }
    if same_attempts && old.sdk_attempts != new.sdk_attempts {
        let (old, new) = (show::number(old.sdk_attempts), show::number(new.sdk_attempts));
        let meaning = "The SDK counts its attempts otherwise; as many requests as before are sent.";
        found.push(Finding::new(Class::Attempts, "attempts that the SDK tells", old, new, meaning));
    }
    found
}
