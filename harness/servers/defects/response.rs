//! Changes of an answer.

use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{Upstream, replay};
use crate::corpus::defect::{CastTo, ResponseChange};
use crate::wire::Response;

/// Makes one change.
pub(super) fn change(
    answer: &mut Response,
    change: &ResponseChange,
    upstream: &Upstream,
    earlier: &Mutex<Option<Response>>,
) {
    match change {
        ResponseChange::Set(set) => member(answer, &set.member, |parent, name| {
            parent.insert(name.to_owned(), upstream.fill_value(&set.to));
        }),
        ResponseChange::Remove(gone) => member(answer, gone, |parent, name| {
            parent.remove(name);
        }),
        ResponseChange::Rename(renaming) => member(answer, &renaming.member, |parent, name| {
            if let Some(value) = parent.remove(name) {
                parent.insert(renaming.to.clone(), value);
            }
        }),
        ResponseChange::Scale(scale) => value(answer, &scale.member, |value| Some((value.as_f64()? * scale.by).into())),
        ResponseChange::Add(add) => value(answer, &add.member, |value| Some((value.as_f64()? + add.by).into())),
        ResponseChange::Cast(to) => value(answer, &to.member, |value| cast(value, to.to)),
        ResponseChange::Affix(affix) => value(answer, &affix.member, |value| {
            Some(format!("{}{}{}", affix.before, value.as_str()?, affix.behind).into())
        }),
        ResponseChange::CopyToHeader(copy) => {
            let body = answer.json();
            if let Some(text) = body.as_ref().and_then(|body| body.get(&copy.member)?.as_str()) {
                answer.headers.set(&copy.name, text);
            }
        }
        ResponseChange::Wrap(member) => edit(answer, |body| {
            let inner = std::mem::take(body);
            *body = json!({ member: inner });
        }),
        ResponseChange::Status(status) => answer.status = *status,
        ResponseChange::Header(header) => match &header.value {
            Some(value) => answer.headers.set(&header.name, value.as_str()),
            None => answer.headers.remove(&header.name),
        },
        ResponseChange::Body(text) => set_body(answer, upstream.fill(text).into_bytes()),
        ResponseChange::Replay => replay(answer, earlier),
    }
}

/// A value in another JSON type.
fn cast(value: &Value, to: CastTo) -> Option<Value> {
    Some(match to {
        CastTo::Text => value.to_string().into(),
        CastTo::IsoText => {
            let time = SignedDuration::try_from_secs_f64(value.as_f64()?).ok()?;
            Timestamp::from_duration(time).ok()?.to_string().into()
        }
        CastTo::Integer => serde_json::from_str(&format!("{:.0}", value.as_f64()?.trunc())).ok()?,
        CastTo::List => vec![value.clone()].into(),
    })
}

/// Changes a member that is there.
fn value(answer: &mut Response, place: &str, new: impl FnOnce(&Value) -> Option<Value>) {
    member(answer, place, |parent, name| {
        if let Some(value) = parent.get_mut(name)
            && let Some(new) = new(value)
        {
            *value = new;
        }
    });
}

/// Changes something about a member, given as its name or as a JSON pointer, in the object that it belongs to.
fn member(answer: &mut Response, place: &str, change: impl FnOnce(&mut Map<String, Value>, &str)) {
    let (parent, name) =
        if place.starts_with('/') { place.rsplit_once('/').unwrap_or(("", place)) } else { ("", place) };
    edit(answer, |body| {
        if let Some(Value::Object(parent)) = body.pointer_mut(parent) {
            change(parent, name);
        }
    });
}

/// Changes the body where it is an object; one that stays the same keeps its bytes.
fn edit(answer: &mut Response, change: impl FnOnce(&mut Value)) {
    let Ok(old @ Value::Object(_)) = serde_json::from_slice::<Value>(&answer.body) else { return };
    let mut new = old.clone();
    change(&mut new);
    if new != old {
        set_body(answer, new.to_string().into_bytes());
    }
}

fn set_body(answer: &mut Response, body: Vec<u8>) {
    if answer.headers.get("content-length").is_some() {
        answer.headers.set("content-length", body.len().to_string());
    }
    answer.body = body;
}
