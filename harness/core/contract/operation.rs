//! An operation: the format of `fixtures/services/<service>/operations/<Operation>.json`.
//!
//! The doc comments here become the descriptions in `schemas/operation.schema.json`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::check::{ContractFault, differences, ensure, every_fact, prose, structure, version};
use super::facts::{Difference, Fact, Prose};
use super::files::{Fixtures, LoadError, pointer_below, read_checked};
use super::revision::{Holds, every_holds};
use super::service::{Address, MadeKind, Resource, Service};
use super::shapes::Structure;

/// The documented shapes of one operation: what the documents, the service model and the protocol state about it, each
/// fact with what it rests on and where it stands, and where the sources differ.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// The JSON Schema of this file, for editors.
    #[serde(rename = "$schema")]
    pub schema: String,
    /// The version of this format; 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// Its name, which is also the file's.
    pub name: Fact<String>,
    /// What the ids of its requirements begin with: `GC` for `GC-DUR-02`.
    pub requirements: String,
    /// What it is for, in our own words.
    pub meaning: Fact<String>,
    /// Whether it creates, changes and deletes nothing, so that it may be asked to see whether it is there.
    pub changes_nothing: Fact<bool>,
    /// Of an operation that makes something: what that is, and how it is undone.
    pub makes: Option<Fact<MadeKind>>,
    /// What AWS asks for a call, or for what the call makes, in our own words.
    pub costs: Option<Fact<String>>,
    /// Whether the model marks it as idempotent: the same call again changes nothing more.
    pub idempotent: Option<Fact<bool>>,
    /// The HTTP method.
    pub method: Fact<String>,
    /// The path of the request.
    pub path: Fact<String>,
    /// The value of the header `X-Amz-Target`.
    pub target: Fact<String>,
    /// The HTTP status of success.
    pub status: Fact<u16>,
    /// Of an operation that answers with a list page by page: how requests ask for pages.
    pub pages: Option<Fact<Pages>>,
    /// What is stated about the operation in running text.
    #[serde(default)]
    pub prose: BTreeMap<String, Prose>,
    /// The request.
    pub request: Structure,
    /// The response to a request that succeeds.
    pub response: Structure,
    /// The errors of the service that it lists.
    pub errors: BTreeMap<String, Fact<bool>>,
    /// A right answer whose secrets open nothing: what the scripted server gives an SDK where a case says nothing else.
    #[serde(default)]
    pub example: Option<Value>,
    /// Where the sources differ, and what is made of it.
    #[serde(default)]
    pub differences: Vec<Difference>,
    /// From which to which revision the documents know the operation.
    #[serde(default)]
    pub holds: Holds,
}

/// How requests ask for one page of a list after the other.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pages {
    /// The member of a request that says how many items a page has at most.
    pub size: String,
    /// The member of a request that says where its page begins, and of an answer that says where the next one does.
    pub token: String,
}

impl Operation {
    /// Reads the operations of a service's folder, and checks that they make sense; each by its name.
    ///
    /// # Errors
    /// The first place where a file is not strict JSON or not of this format, or where it contradicts itself or the
    /// service; a folder without the service's default operation.
    pub fn load_all(fixtures: &Fixtures, folder: &str, service: &Service) -> Result<BTreeMap<String, Self>, LoadError> {
        let mut operations = BTreeMap::new();
        let folder = format!("{folder}/operations");
        for path in fixtures.list(&folder)? {
            let stem = path.rsplit('/').next().and_then(|name| name.strip_suffix(".json")).unwrap_or_default();
            let operation = read_checked(fixtures, &path, |operation: &Self, raw| {
                operation.check(stem, service, raw)?;
                has_own_prefix(operation, operations.values())
            })?;
            operations.insert(operation.name.is.clone(), operation);
        }
        for (name, operation) in &operations {
            can_be_undone(operation, &operations).map_err(|(pointer, message)| {
                LoadError::new(&fixtures.name_of(&format!("{folder}/{name}.json")), pointer, message)
            })?;
        }
        if operations.get(&service.default_operation).is_some_and(|operation| operation.holds.is_always()) {
            return Ok(operations);
        }
        let message = format!("expected the operation {} in every revision, found none", service.default_operation);
        Err(LoadError::new(&fixtures.name_of(&folder), "", message))
    }

    /// Checks the operation of the file `stem.json` against itself and its service; `raw` is the same file as plain
    /// JSON.
    fn check(&self, stem: &str, service: &Service, raw: &Value) -> Result<(), ContractFault> {
        version(self.version)?;
        every_fact(raw, &service.documents)?;
        every_holds(raw, &service.revisions)?;
        let (name, found) = (&self.name.is, &self.target.is);
        let wrong = format_args!("expected the name of the file, \"{stem}\", found \"{name}\"");
        ensure(name == stem, "/name/is", wrong)?;
        let target = format!("{}.{name}", service.target_prefix.is);
        ensure(*found == target, "/target/is", format_args!("expected {target}, found {found}"))?;
        let prefix = &self.requirements;
        let is_capitals = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_uppercase());
        ensure(is_capitals, "/requirements", format_args!("expected capitals, such as GC, found \"{prefix}\""))?;
        let status = self.status.is;
        let wrong = format_args!("expected a status of success, 200 to 299, found {status}");
        ensure((200..=299).contains(&status), "/status/is", wrong)?;
        prose("", &self.prose, &self.request.members)?;
        let shapes = service.shape_names();
        structure("/request", &self.request, &shapes)?;
        structure("/response", &self.response, &shapes)?;
        for (member, of) in &self.response.members {
            let Some(asked_by) = of.expires_after.as_ref().map(|fact| &fact.is) else { continue };
            let has_default = self.request.members.get(asked_by).is_some_and(|member| member.default.is_some());
            let at = format!("{}/expires_after/is", pointer_below("/response/members", member));
            let wrong = format_args!("expected a member of the request with a default, found \"{asked_by}\"");
            ensure(has_default, at, wrong)?;
        }
        if let Some(pages) = self.pages.as_ref().map(|fact| &fact.is) {
            let are_requested =
                [&pages.size, &pages.token].into_iter().all(|name| self.request.members.contains_key(name));
            let are_there = are_requested && self.response.members.contains_key(&pages.token);
            let wrong = format_args!("expected members of the request, the token of the response too");
            ensure(are_there, "/pages/is", wrong)?;
        }
        for error in self.errors.keys() {
            let wrong = format_args!("expected an error of the service, found none of this name");
            ensure(service.errors.contains_key(error), pointer_below("/errors", error), wrong)?;
        }
        differences(&self.differences, raw, &service.documents)
    }

    /// Where its calls go.
    pub fn address<'a>(&'a self, service: &'a Service) -> Address<'a> {
        let (name, method, path) = (&self.name.is, &self.method.is, &self.path.is);
        Address { name, method, path, target_prefix: &service.target_prefix.is }
    }

    /// The resources that its requests can name and that the caller may use; a plain call names the first.
    pub fn resources<'s>(&self, service: &'s Service) -> impl Iterator<Item = &'s Resource> {
        service.usable_resources().filter(|of| self.request.members.contains_key(&of.member))
    }

    /// The command line of AWS tools that calls it with what it must have: `get-credentials --workgroup-name a-name`.
    pub fn command(&self, service: &Service) -> String {
        let mut line = hyphenated(&self.name.is);
        for resource in self.resources(service).filter(|of| of.must_be_named) {
            line = format!("{line} --{} {}", hyphenated(&resource.member), resource.sample);
        }
        line
    }

    /// Whether a requirement belongs to this operation, by the prefix of its id.
    pub fn owns(&self, requirement: &str) -> bool {
        requirement.strip_prefix(self.requirements.as_str()).is_some_and(|rest| rest.starts_with('-'))
    }

    /// The members of its answers whose values are secrets.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.response.members.iter().filter(|(_, member)| member.is_sensitive()).map(|(name, _)| name.as_str())
    }

    /// The lifetime of what an answer gives; `None` where the operation has no lifetime.
    #[expect(clippy::cast_precision_loss, reason = "lifetimes are far below what a float holds exactly")]
    pub fn lifetime(&self) -> Option<Lifetime<'_>> {
        self.response.members.iter().find_map(|(name, member)| {
            let asked_by = &member.expires_after.as_ref()?.is;
            let default = self.request.members.get(asked_by)?.default.as_ref()?.is;
            Some(Lifetime { ends_at: name, asked_by, default: default as f64 })
        })
    }
}

/// Checks that what an operation makes can be undone by another one, which has the members that are needed for it.
fn can_be_undone(operation: &Operation, all: &BTreeMap<String, Operation>) -> Result<(), ContractFault> {
    let Some(kind) = operation.makes.as_ref().map(|fact| &fact.is) else { return Ok(()) };
    let undoing = all.get(&kind.undone_by).filter(|other| other.makes.is_none());
    let wrong = format_args!("expected an operation that makes nothing, found \"{}\"", kind.undone_by);
    ensure(undoing.is_some(), "/makes/is/undone_by", wrong)?;
    let has = |of: &Operation| kind.with.iter().all(|member| of.request.members.contains_key(member));
    let wrong = format_args!("expected members that the requests of both operations have");
    ensure(has(operation) && undoing.is_some_and(has), "/makes/is/with", wrong)?;
    let is_named = kind.with.contains(&kind.named_by);
    let wrong = format_args!("expected \"{}\", which names it, and what else is needed", kind.named_by);
    ensure(is_named, "/makes/is/with", wrong)?;
    let wrong = format_args!("expected an error of the operation, found \"{}\"", kind.taken);
    ensure(operation.errors.contains_key(&kind.taken), "/makes/is/taken", wrong)
}

/// Checks that no other operation has the prefix of an operation's requirements.
fn has_own_prefix<'o>(
    operation: &Operation,
    mut others: impl Iterator<Item = &'o Operation>,
) -> Result<(), ContractFault> {
    let prefix = &operation.requirements;
    others.find(|other| other.requirements == *prefix).map_or(Ok(()), |other| {
        let wrong = format!("expected a prefix of its own, found \"{prefix}\", which {} has", other.name.is);
        Err(("/requirements".to_owned(), wrong))
    })
}

/// A name of the contract as AWS tools write it: `get-credentials`.
fn hyphenated(name: &str) -> String {
    let mut out = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.push(character.to_ascii_lowercase());
    }
    out
}

/// How long the contents of an answer are valid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lifetime<'a> {
    /// The member of the answer that says when it ends.
    pub ends_at: &'a str,
    /// The member of the request that asks for a lifetime in seconds.
    pub asked_by: &'a str,
    /// The lifetime in seconds where the request asks for none.
    pub default: f64,
}
