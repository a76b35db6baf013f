//! Changes of a request.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Upstream, sign_anew};
use crate::corpus::defect::RequestChange;
use crate::wire::Request;

/// The request that the right server gets instead; nothing where it gets the same.
pub(super) fn changed(
    request: &Request,
    changes: &[RequestChange],
    upstream: &Upstream,
    signed: bool,
    now: Timestamp,
) -> Option<Request> {
    let mut new = request.clone();
    let mut taken = false;
    for change in changes {
        taken |= matches!(change, RequestChange::TakeAnySignature);
        apply(&mut new, change, upstream);
    }
    let same = new.body == request.body
        && new.headers == request.headers
        && new.method == request.method
        && new.target == request.target;
    if same && (signed || !taken) {
        return None;
    }
    if signed || taken {
        sign_anew(&mut new, upstream, now);
    }
    Some(new)
}

fn apply(request: &mut Request, change: &RequestChange, upstream: &Upstream) {
    match change {
        RequestChange::Set(set) => edit(request, |body| {
            body.insert(set.member.clone(), upstream.fill_value(&set.to));
        }),
        RequestChange::Remove(member) => edit(request, |body| {
            body.remove(member);
        }),
        RequestChange::Clamp(range) => {
            value(request, &range.member, |value| Some(value.as_i64()?.clamp(range.from, range.to).into()));
        }
        RequestChange::Round(member) => {
            value(request, member, |value| serde_json::from_str(&format!("{:.0}", value.as_f64()?.trunc())).ok());
        }
        RequestChange::Truncate(cut) => value(request, &cut.member, |value| {
            Some(value.as_str()?.chars().take(cut.length).collect::<String>().into())
        }),
        RequestChange::Replace(replace) => value(request, &replace.member, |value| {
            let text = replace.pattern.regex().replace_all(value.as_str()?, replace.with.as_str());
            Some(text.into_owned().into())
        }),
        RequestChange::Header(header) => match &header.value {
            Some(value) => request.headers.set(&header.name, value.as_str()),
            None => request.headers.remove(&header.name),
        },
        RequestChange::Method(method) => request.method.clone_from(method),
        RequestChange::Path(path) => request.target.clone_from(path),
        RequestChange::Body(text) => set_body(request, upstream.fill(text).into_bytes()),
        RequestChange::TakeAnySignature => {}
    }
}

/// Changes a member that is there.
fn value(request: &mut Request, member: &str, new: impl FnOnce(&Value) -> Option<Value>) {
    edit(request, |body| {
        if let Some(value) = body.get_mut(member)
            && let Some(new) = new(value)
        {
            *value = new;
        }
    });
}

/// Changes the body where it is an object; one that stays the same keeps its bytes.
fn edit(request: &mut Request, change: impl FnOnce(&mut Map<String, Value>)) {
    let Ok(old) = serde_json::from_slice::<Map<String, Value>>(&request.body) else { return };
    let mut new = old.clone();
    change(&mut new);
    if new != old {
        set_body(request, Value::Object(new).to_string().into_bytes());
    }
}

fn set_body(request: &mut Request, body: Vec<u8>) {
    if request.headers.get("content-length").is_some() {
        request.headers.set("content-length", body.len().to_string());
    }
    request.body = body;
}
