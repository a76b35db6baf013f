//! Changes of requests and answers.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{Upstream, encode, sign_anew};
use crate::corpus::defect::{Assignment, CastTo, HeaderChange, RequestChange, ResponseChange};
use crate::wire::{Credentials, Headers, Request, Response};

/// The request that the right server gets instead; `None` if it gets the same. `signer` is who signed it rightly.
pub(super) fn changed_request(
    request: &Request,
    changes: &[RequestChange],
    upstream: &Upstream,
    signer: Option<&Credentials>,
) -> Option<ChangedRequest> {
    let mut new = request.clone();
    for change in changes {
        change_request(&mut new, change, upstream);
    }
    let takes_any_signature = changes.iter().any(|change| matches!(change, RequestChange::TakeAnySignature));
    let is_own = signer.is_some_and(|signer| signer.access_key_id == upstream.credentials.access_key_id);
    if new == *request && (is_own || !takes_any_signature) {
        return None;
    }
    let signer = if takes_any_signature { Some(&upstream.credentials) } else { signer };
    Some(ChangedRequest { request: new, signer: signer.cloned() })
}

/// A changed request, before it is signed.
pub(super) struct ChangedRequest {
    request: Request,
    /// Who must sign it anew; nobody if its signature stays as it is.
    signer: Option<Credentials>,
}

impl ChangedRequest {
    /// The request, signed anew if it must be.
    pub(super) fn sign(mut self, upstream: &Upstream, now: Timestamp) -> Request {
        if let Some(signer) = &self.signer {
            sign_anew(&mut self.request, signer, upstream, now);
        }
        self.request
    }
}

fn change_request(request: &mut Request, change: &RequestChange, upstream: &Upstream) {
    let mut message = Message { headers: &mut request.headers, body: &mut request.body, upstream };
    match change {
        RequestChange::Set(set) => message.set(set),
        RequestChange::Remove(gone) => message.remove(gone),
        RequestChange::Clamp(range) => {
            message.value(&range.member, |value| Some(value.as_i64()?.clamp(range.from, range.to).into()));
        }
        RequestChange::Round(member) => message.value(member, whole),
        RequestChange::Truncate(cut) => message
            .value(&cut.member, |value| Some(value.as_str()?.chars().take(cut.length).collect::<String>().into())),
        RequestChange::Replace(replace) => message.value(&replace.member, |value| {
            let text = replace.pattern.regex().replace_all(value.as_str()?, replace.with.as_str());
            Some(text.into_owned().into())
        }),
        RequestChange::Header(header) => message.header(header),
        RequestChange::Method(method) => request.method.clone_from(method),
        RequestChange::Path(path) => request.target.clone_from(path),
        RequestChange::Body(text) => message.set_body(upstream.fill(text)),
        RequestChange::TakeAnySignature => {}
    }
}

/// An answer with one change made; `None` if the connection is closed without it. `earlier` is the answer that is
/// replayed.
pub(super) fn changed_answer(
    mut answer: Response,
    change: &ResponseChange,
    upstream: &Upstream,
    earlier: &Mutex<Option<Response>>,
) -> Option<Response> {
    let mut message = Message { headers: &mut answer.headers, body: &mut answer.body, upstream };
    match change {
        ResponseChange::Set(set) => message.set(set),
        ResponseChange::Remove(gone) => message.remove(gone),
        ResponseChange::Rename(renaming) => message.member(&renaming.member, |parent, name| {
            if let Some(value) = parent.remove(name) {
                parent.insert(renaming.to.clone(), value);
            }
        }),
        ResponseChange::Scale(scale) => {
            message.value(&scale.member, |value| Some((value.as_f64()? * scale.by).into()));
        }
        ResponseChange::Add(add) => message.value(&add.member, |value| Some((value.as_f64()? + add.by).into())),
        ResponseChange::Cast(to) => message.value(&to.member, |value| cast(value, to.to)),
        ResponseChange::Affix(affix) => message
            .value(&affix.member, |value| Some(format!("{}{}{}", affix.before, value.as_str()?, affix.behind).into())),
        ResponseChange::CopyToHeader(copy) => {
            let body = answer.json();
            if let Some(text) = body.as_ref().and_then(|body| body.get(&copy.member)?.as_str()) {
                answer.headers.set(&copy.name, text);
            }
        }
        ResponseChange::Wrap(member) => message.edit(|body| {
            let inner = std::mem::take(body);
            *body = json!({ member: inner });
        }),
        ResponseChange::Status(status) => answer.status = *status,
        ResponseChange::Header(header) => message.header(header),
        ResponseChange::Body(text) => message.set_body(upstream.fill(text)),
        ResponseChange::Append(text) => {
            let body = [message.body.as_slice(), text.as_bytes()].concat();
            message.set_body(body);
        }
        ResponseChange::Encode(encoding) => encode::encode(&mut answer, *encoding),
        ResponseChange::Replay => {
            let mut earlier = earlier.lock().unwrap_or_else(PoisonError::into_inner);
            match &*earlier {
                Some(earlier) => answer.clone_from(earlier),
                None => *earlier = Some(answer.clone()),
            }
        }
        ResponseChange::Close => return None,
    }
    Some(answer)
}

fn whole(value: &Value) -> Option<Value> {
    serde_json::from_str(&format!("{:.0}", value.as_f64()?.trunc())).ok()
}

fn cast(value: &Value, to: CastTo) -> Option<Value> {
    Some(match to {
        CastTo::Text => value.to_string().into(),
        CastTo::IsoText => {
            let time = SignedDuration::try_from_secs_f64(value.as_f64()?).ok()?;
            Timestamp::from_duration(time).ok()?.to_string().into()
        }
        CastTo::Integer => whole(value)?,
        CastTo::List => vec![value.clone()].into(),
    })
}

struct Message<'a> {
    headers: &'a mut Headers,
    body: &'a mut Vec<u8>,
    upstream: &'a Upstream,
}

impl Message<'_> {
    fn set(&mut self, set: &Assignment) {
        let value = self.upstream.fill_value(&set.to);
        self.member(&set.member, |parent, name| {
            parent.insert(name.to_owned(), value);
        });
    }

    fn remove(&mut self, member: &str) {
        self.member(member, |parent, name| {
            parent.remove(name);
        });
    }

    fn header(&mut self, header: &HeaderChange) {
        match &header.value {
            Some(value) => self.headers.set(&header.name, value.as_str()),
            None => self.headers.remove(&header.name),
        }
    }

    /// Changes the value of a member, if there is such a member.
    fn value(&mut self, place: &str, new: impl FnOnce(&Value) -> Option<Value>) {
        self.member(place, |parent, name| {
            if let Some(value) = parent.get_mut(name)
                && let Some(new) = new(value)
            {
                *value = new;
            }
        });
    }

    /// Changes a member in the object that it belongs to. `place` is its name or a JSON pointer.
    fn member(&mut self, place: &str, change: impl FnOnce(&mut Map<String, Value>, &str)) {
        let (parent, name) =
            if place.starts_with('/') { place.rsplit_once('/').unwrap_or(("", place)) } else { ("", place) };
        self.edit(|body| {
            if let Some(Value::Object(parent)) = body.pointer_mut(parent) {
                change(parent, name);
            }
        });
    }

    /// Changes the body if it is an object. An unchanged body keeps its bytes.
    fn edit(&mut self, change: impl FnOnce(&mut Value)) {
        let Ok(old @ Value::Object(_)) = serde_json::from_slice::<Value>(self.body) else { return };
        let mut new = old.clone();
        change(&mut new);
        if new != old {
            self.set_body(new.to_string());
        }
    }

    fn set_body(&mut self, body: impl Into<Vec<u8>>) {
        set_body(self.headers, self.body, body.into());
    }
}

/// Sets a body, and its length where it is said.
pub(super) fn set_body(headers: &mut Headers, body: &mut Vec<u8>, new: Vec<u8>) {
    if headers.get("content-length").is_some() {
        headers.set("content-length", new.len().to_string());
    }
    *body = new;
}
