//! Changes of an answer.

use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

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
        ResponseChange::Set(set) => edit(answer, |body| {
            body.insert(set.member.clone(), upstream.fill_value(&set.to));
        }),
        ResponseChange::Remove(member) => edit(answer, |body| {
            body.remove(member);
        }),
        ResponseChange::Rename(renaming) => edit(answer, |body| {
            if let Some(value) = body.remove(&renaming.member) {
                body.insert(renaming.to.clone(), value);
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
            body.insert(member.clone(), inner.into());
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
fn value(answer: &mut Response, member: &str, new: impl FnOnce(&Value) -> Option<Value>) {
    edit(answer, |body| {
        if let Some(value) = body.get_mut(member)
            && let Some(new) = new(value)
        {
            *value = new;
        }
    });
}

/// Changes the body where it is an object; one that stays the same keeps its bytes.
fn edit(answer: &mut Response, change: impl FnOnce(&mut Map<String, Value>)) {
    let Ok(old) = serde_json::from_slice::<Map<String, Value>>(&answer.body) else { return };
    let mut new = old.clone();
    change(&mut new);
    if new != old {
        set_body(answer, Value::Object(new).to_string().into_bytes());
    }
}

fn set_body(answer: &mut Response, body: Vec<u8>) {
    if answer.headers.get("content-length").is_some() {
        answer.headers.set("content-length", body.len().to_string());
    }
    answer.body = body;
}
