//! Which exchanges a defect applies to.

use std::sync::OnceLock;

use jiff::Timestamp;
use serde_json::Value;

use super::Upstream;
use crate::corpus::defect::{BodyKind, Condition, SignatureState, ValueKind, When};
use crate::wire::sigv4::{SignatureError, verify};
use crate::wire::{Credentials, Request, Response, error_type};

/// A request, with the facts that conditions ask for. Each is found out when a condition asks for it.
pub(super) struct ExaminedRequest<'a> {
    pub(super) request: &'a Request,
    pub(super) upstream: &'a Upstream,
    now: Timestamp,
    body: OnceLock<Option<Value>>,
    /// The access key id of the rightful signer.
    verdict: OnceLock<Result<String, SignatureError>>,
}

impl<'a> ExaminedRequest<'a> {
    pub(super) fn new(request: &'a Request, upstream: &'a Upstream, now: Timestamp) -> Self {
        Self { request, upstream, now, body: OnceLock::new(), verdict: OnceLock::new() }
    }

    fn body(&self) -> Option<&Value> {
        self.body.get_or_init(|| serde_json::from_slice(&self.request.body).ok()).as_ref()
    }

    fn signature(&self) -> SignatureState {
        match self.verdict() {
            Ok(_) => SignatureState::Valid,
            Err(SignatureError::Missing) => SignatureState::Missing,
            Err(SignatureError::Malformed(_)) => SignatureState::Malformed,
            Err(SignatureError::UnknownKey) => SignatureState::UnknownKey,
            Err(SignatureError::Scope { .. }) => SignatureState::Scope,
            Err(SignatureError::Expired) => SignatureState::Expired,
            Err(SignatureError::Mismatch) => SignatureState::Mismatch,
        }
    }

    fn verdict(&self) -> &Result<String, SignatureError> {
        let secret_of = |id: &str| self.upstream.caller(id).map(|caller| caller.secret_access_key.clone());
        self.verdict.get_or_init(|| verify(self.request, self.upstream.scope(), self.now, secret_of))
    }

    /// Whose credentials signed it rightly.
    pub(super) fn signer(&self) -> Option<&'a Credentials> {
        self.upstream.caller(self.verdict().as_ref().ok()?)
    }

    /// Whether the defect applies, as far as the request tells.
    pub(super) fn fits(&self, when: &When) -> bool {
        let field = |name: &str| self.request.headers.get(name).unwrap_or_default();
        when.signature.is_none_or(|state| state == self.signature())
            && when.method.as_ref().is_none_or(|pattern| pattern.regex().is_match(&self.request.method))
            && when.path.as_ref().is_none_or(|pattern| pattern.regex().is_match(&self.request.target))
            && when.json.is_none_or(|kind| kind == self.kind())
            && when.headers.iter().all(|(name, pattern)| pattern.regex().is_match(field(name)))
            && when
                .body
                .as_ref()
                .is_none_or(|pattern| pattern.regex().is_match(&String::from_utf8_lossy(&self.request.body)))
            && when.members.iter().all(|(name, condition)| holds(condition, self.member(name)))
    }

    fn member(&self, name: &str) -> Option<&Value> {
        self.body()?.get(name)
    }

    fn kind(&self) -> BodyKind {
        match self.body() {
            Some(Value::Object(_)) => BodyKind::Object,
            Some(_) => BodyKind::Other,
            None if self.request.body.is_empty() => BodyKind::Empty,
            None => BodyKind::Malformed,
        }
    }
}

/// Whether the defect applies, as far as the right server's answer tells.
pub(super) fn answer_fits(when: &When, answer: &Response) -> bool {
    when.status.is_none_or(|status| status == answer.status)
        && when.error.as_ref().is_none_or(|error| error_type(answer).as_ref() == Some(error))
}

fn holds(condition: &Condition, member: Option<&Value>) -> bool {
    let Condition { present, types, from, to, fraction, min_length, max_length, matches, lacks } = condition;
    let Some(value) = member else { return *present == Some(false) };
    let number = value.as_f64();
    let text = value.as_str();
    let length = text.map(|text| text.chars().count());
    *present != Some(false)
        && (types.is_empty() || types.contains(&ValueKind::of(value)))
        && from.is_none_or(|from| number.is_some_and(|number| number >= from))
        && to.is_none_or(|to| number.is_some_and(|number| number <= to))
        && fraction.is_none_or(|fraction| number.is_some_and(|number| (number.fract() != 0.0) == fraction))
        && min_length.is_none_or(|least| length.is_some_and(|length| length >= least))
        && max_length.is_none_or(|most| length.is_some_and(|length| length <= most))
        && matches.as_ref().is_none_or(|pattern| text.is_some_and(|text| pattern.regex().is_match(text)))
        && lacks.as_ref().is_none_or(|pattern| text.is_some_and(|text| !pattern.regex().is_match(text)))
}
