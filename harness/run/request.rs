//! Makes the request of a case's call: fills placeholders, sets headers, signs, and adds the faults that the case asks
//! for.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::random_names::RandomNames;
use crate::contract::{Address, Contract, Service};
use crate::corpus::template::{FillError, Placeholder, fill};
use crate::corpus::{Call, Caller, RawRequest, RequestSpec, SigningDefect};
use crate::targets::Target;
use crate::verdict::Reason;
use crate::wire::sigv4::{Scope, sign};
use crate::wire::{Credentials, Exchange, Headers, Request};

/// Makes the requests of a case to a target.
#[derive(Clone, Copy)]
pub(super) struct RequestMaker<'a> {
    pub(super) contract: &'a Contract,
    pub(super) target: &'a Target,
    pub(super) prefix: &'a str,
    pub(super) earlier: Earlier<'a>,
}

/// The answers to the calls of a case before the next one.
#[derive(Clone, Copy, Default)]
pub(super) struct Earlier<'a> {
    /// The calls of the set-up with their exchanges.
    pub(super) setup: (&'a [Call], &'a [Exchange]),
    /// The calls of the steps with their exchanges.
    pub(super) steps: (&'a [Call], &'a [Exchange]),
}

impl<'a> Earlier<'a> {
    /// The answer to the call of this name, and its place among the steps, from 1; 0 for one of the set-up.
    fn answer(self, name: &str) -> (usize, Option<&'a Exchange>) {
        let place = |calls: &[Call]| calls.iter().position(|call| call.name.as_deref() == Some(name));
        if let Some(index) = place(self.setup.0) {
            return (0, self.setup.1.get(index));
        }
        let index = place(self.steps.0);
        (index.map_or(1, |index| index + 1), index.and_then(|index| self.steps.1.get(index)))
    }
}

impl RequestMaker<'_> {
    /// The request of a call of an operation, signed at `now`, or the reason why it cannot be made.
    pub(super) fn make(
        &self,
        spec: &RequestSpec,
        address: Address<'_>,
        random_names: &mut RandomNames,
        now: Timestamp,
    ) -> Result<Request, Reason> {
        let none = RawRequest::default();
        let raw = spec.raw.as_ref().unwrap_or(&none);
        let mut filled = |text: &str| self.filled(text, random_names);
        let body = filled(&raw.body.clone().unwrap_or_else(|| spec.input.to_json()))?;
        let mut headers = Headers::from_iter([
            ("host", self.target.authority()),
            ("content-type", self.contract.service.content_type.is.clone()),
            ("x-amz-target", address.target()),
        ]);
        for (name, value) in &raw.headers {
            match value {
                Some(value) => headers.set(name, filled(value)?),
                None => headers.remove(name),
            }
        }
        let path = filled(raw.path.as_deref().unwrap_or(address.path))?;
        let base = self.target.endpoint.path().trim_end_matches('/');
        let because = |because| Reason::CannotBeMade { because };
        let not_encodable = || because("its body has a character that its encoding lacks".to_owned());
        let body = match raw.encoding {
            None => body.into_bytes(),
            Some(encoding) => encoding.bytes(&body).ok_or_else(not_encodable)?,
        };
        let method = raw.method.clone().unwrap_or_else(|| address.method.to_owned());
        let mut request = Request { method, target: format!("{base}{}{path}", self.prefix), headers, body };
        let credentials = match spec.caller {
            None => self.target.credentials.as_ref(),
            Some(Caller::Denied) => Some(self.target.denied.as_ref().ok_or_else(|| Reason::Missing {
                noun: "profile whose identity is denied the operation".to_owned(),
                of: None,
                flag: "denied-profile".to_owned(),
            })?),
        };
        if let Some(credentials) = credentials {
            let region = self.target.region.as_str();
            let signer = Signer { contract: self.contract, credentials: credentials.clone(), region, at: now };
            signer.sign(&mut request, address.name, raw.signing, random_names);
        } else if raw.signing.is_some() {
            return Err(Reason::Unsigned);
        }
        // Answers are read as they are, so they must not be compressed. The field is not signed, because a proxy may
        // change it.
        request.headers.push("accept-encoding", "identity");
        Ok(request)
    }

    /// A plain text with its placeholders filled: no part of a JSON text.
    #[cfg(feature = "login")]
    pub(super) fn filled_text(&self, text: &str, random_names: &mut RandomNames) -> Result<String, Reason> {
        let filled = self.filled(&Value::from(text).to_string(), random_names)?;
        serde_json::from_str(&filled).map_err(|error| Reason::CannotBeMade { because: error.to_string() })
    }

    /// A text with its placeholders filled from the target, the run's names and the earlier answers.
    pub(super) fn filled(&self, text: &str, random_names: &mut RandomNames) -> Result<String, Reason> {
        let value = |placeholder: Placeholder<'_>| match placeholder {
            Placeholder::Resource(resource) => {
                let name = self.target.resources.get(&resource.id).or(resource.default.as_ref());
                name.cloned().ok_or_else(|| Reason::Missing {
                    noun: resource.noun.clone(),
                    of: noun_of(&self.contract.service, resource.of.as_deref()),
                    flag: resource.flag.clone(),
                })
            }
            Placeholder::Absent(absent) => Ok(absent.name(|length| random_names.name(length))),
            Placeholder::Answer(name, at) => {
                let (step, answer) = self.earlier.answer(name);
                let body = answer.and_then(|exchange| exchange.answer.as_ref().ok()?.json());
                let text = body.as_ref().and_then(|body| body.pointer(at)).and_then(Value::as_str);
                text.map(str::to_owned).ok_or_else(|| match step {
                    0 => {
                        Reason::CannotBeMade { because: format!("the answer to its setup call \"{name}\" has no {at}") }
                    }
                    step => Reason::NothingToGoOnFrom { step, at: at.to_owned() },
                })
            }
            Placeholder::Name(key) => Ok(random_names.shared_name(key)),
            Placeholder::Random(length) => Ok(random_names.name(length)),
            filler @ Placeholder::Filler(_) => Ok(filler.sample()),
        };
        let filled = fill(text, &self.contract.service.resources, value).map_err(|error| match error {
            FillError::NoValue(reason) => reason,
            FillError::Unknown(because) => Reason::CannotBeMade { because },
        });
        filled.map(Cow::into_owned)
    }
}

pub(super) fn noun_of(service: &Service, id: Option<&str>) -> Option<String> {
    Some(service.resource(id?)?.noun.clone())
}

/// Signs requests, with a deliberate fault if the case has one.
struct Signer<'a> {
    contract: &'a Contract,
    credentials: Credentials,
    region: &'a str,
    at: Timestamp,
}

impl Signer<'_> {
    fn sign(
        mut self,
        request: &mut Request,
        operation: &str,
        defect: Option<SigningDefect>,
        random_names: &mut RandomNames,
    ) {
        use SigningDefect as Defect;
        let Some(defect) = defect else { return self.sign_for(request, self.region) };
        let other_region = if self.region == "eu-west-1" { "us-east-1" } else { "eu-west-1" };
        let region = self.region;
        match defect {
            Defect::Unsigned => {}
            Defect::UnknownKey => {
                self.credentials.access_key_id = format!("AKIA{}", random_names.key(16));
                self.sign_for(request, region);
            }
            Defect::WrongSecret => {
                self.credentials.secret_access_key = random_names.key(40).into();
                self.sign_for(request, region);
            }
            Defect::WrongRegion => self.sign_for(request, other_region),
            Defect::WrongService => self.sign_as(request, region, "redshift"),
            Defect::StaleDate | Defect::FutureDate => {
                self.at += SignedDuration::from_hours(if defect == Defect::StaleDate { -1 } else { 1 });
                self.sign_for(request, region);
            }
            Defect::ChangedTarget => {
                let other = self.contract.operations.values().find(|other| other.name.is != operation);
                let target = request.headers.get("x-amz-target").unwrap_or_default().to_owned();
                let signed = other.map_or_else(|| format!("{target}s"), |other| other.target.is.clone());
                request.headers.set("x-amz-target", signed);
                self.sign_for(request, region);
                request.headers.set("x-amz-target", target);
            }
            Defect::ChangedBody => {
                self.sign_for(request, region);
                request.body.push(b' ');
            }
            Defect::WrongScheme => {
                self.change_header(request, |header| header.replacen("AWS4-HMAC-SHA256", "Bearer", 1));
            }
            Defect::NoSignature => self.change_header(request, |header| header_without(header, "Signature")),
            Defect::NoSignedHeaders => self.change_header(request, |header| header_without(header, "SignedHeaders")),
            Defect::ShortScope => self.change_header(request, |header| header.replacen(&format!("/{region}/"), "/", 1)),
            Defect::ChangedSignature => self.change_header(request, |header| {
                let (beginning, last) = header.split_at(header.len().saturating_sub(1));
                format!("{beginning}{}", if last == "0" { "1" } else { "0" })
            }),
        }
    }

    fn sign_for(&self, request: &mut Request, region: &str) {
        self.sign_as(request, region, &self.contract.service.signing_name.is);
    }

    fn sign_as(&self, request: &mut Request, region: &str, service: &str) {
        sign(request, &self.credentials, Scope { region, service }, self.at);
    }

    /// Signs, and changes the header that holds the signature.
    fn change_header(&self, request: &mut Request, change: impl FnOnce(&str) -> String) {
        self.sign_for(request, self.region);
        let changed = change(request.headers.get("authorization").unwrap_or_default());
        request.headers.set("authorization", changed);
    }
}

/// A header of several fields without one of them.
fn header_without(header: &str, field: &str) -> String {
    let fields_kept: Vec<_> = header.split(", ").filter(|part| !part.contains(&format!("{field}="))).collect();
    fields_kept.join(", ")
}
