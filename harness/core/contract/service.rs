//! A service: the format of `fixtures/services/<service>/service.json`.
//!
//! The doc comments here become the descriptions in `schemas/service.schema.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::check::{ContractFault, differences, ensure, every_fact, members, reserved_words, structure, version};
use super::facts::{Difference, Documents, Fact};
use super::files::{Fixtures, LoadError, pointer_below, read_checked};
use super::revision::{Holds, Revision, RevisionRow, every_holds, revisions};
use super::shapes::{Member, Structure};

/// What holds for every operation of one service: what the documents, the service model and the protocol state about
/// it, each fact with what it rests on and where it stands, and where the sources differ.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The JSON Schema of this file, for editors.
    #[serde(rename = "$schema")]
    pub schema: String,
    /// The version of this format; 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// The sources. Every source that a fact or a requirement names must be here.
    pub documents: Documents,
    /// The revisions of the documents, from the oldest to the newest.
    pub revisions: Vec<RevisionRow>,
    /// The name by which SDKs know the service.
    pub service_id: Fact<String>,
    /// The service name in a signature's credential scope.
    pub signing_name: Fact<String>,
    /// The first label of the service's host names.
    pub endpoint_prefix: Fact<String>,
    /// What stands before the dot in the header `X-Amz-Target`.
    pub target_prefix: Fact<String>,
    /// The name of the protocol in the service model.
    pub protocol: Fact<String>,
    /// The version of AWS JSON.
    pub json_version: Fact<String>,
    /// The version of the API. It is never sent.
    pub api_version: Fact<String>,
    /// The version of the signature.
    pub signature_version: Fact<String>,
    /// The media type of requests and responses.
    pub content_type: Fact<String>,
    /// The member of an error's body that names the error.
    pub error_name_member: Fact<String>,
    /// The operation that a run is about where nobody says.
    pub default_operation: String,
    /// What a target may lack, and what claiming it says about a target; `core` and `signature` come first.
    pub features: Vec<FeatureRow>,
    /// What a target must have before it can be asked, in the order in which they are told.
    pub resources: Vec<Resource>,
    /// The errors that operations list, by the name of their shape.
    pub errors: BTreeMap<String, ErrorShape>,
    /// The shapes that members of several operations have, by name.
    #[serde(default)]
    pub shapes: BTreeMap<String, Structure>,
    /// The words that a database must not be called.
    pub reserved_words: ReservedWords,
    /// Where the sources differ, and what is made of it.
    #[serde(default)]
    pub differences: Vec<Difference>,
}

/// The features that the code knows by name; they come first.
const KNOWN_FEATURES: [&str; 2] = ["core", "signature"];

/// Something that a target may lack.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeatureRow {
    /// The word for it, as in fixtures and on the command line.
    pub name: String,
    /// What claiming it says about a target.
    pub meaning: String,
    /// From which to which revision the documents know it. What needs it holds in the same ones.
    #[serde(default)]
    pub holds: Holds,
}

/// Something that a target must have before it can be asked: a thing with a name, by which requests call it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// Its id, and its key in `countersign.toml`.
    pub id: String,
    /// What people call it.
    pub noun: String,
    /// The placeholder in requests that stands for its name.
    pub placeholder: String,
    /// The flag that names it, without its hyphens.
    pub flag: String,
    /// What the flag is for.
    pub help: String,
    /// The member of requests that its name is the value of.
    pub member: String,
    /// The id of the resource that this is one more of, which the caller may not use: both names are values of the same
    /// member.
    #[serde(default)]
    pub denied_beside: Option<String>,
    /// The id of the resource that it belongs to: a request may name both.
    #[serde(default)]
    pub of: Option<String>,
    /// The feature that a target claims by having one.
    #[serde(default)]
    pub feature: Option<String>,
    /// Its name where nobody gives one, which nothing says that a target has.
    #[serde(default)]
    pub default: Option<String>,
    /// Whether cases are blocked where nobody names one.
    #[serde(default)]
    pub must_be_named: bool,
    /// Whether the list of what may be asked of real AWS names it.
    #[serde(default)]
    pub is_allowed_by_name: bool,
    /// What its name looks like, in words.
    pub expected: String,
    /// A name of the right form, for checking fixtures without a target.
    pub sample: String,
    /// A name for examples.
    pub example: String,
    /// A name that no target has, new in each run.
    pub absent: Option<AbsentName>,
    /// Where a target lists the ones that it has.
    pub listed_by: Option<Listing>,
}

impl Resource {
    /// The placeholder as the text of a request: `"${workgroup}"`.
    pub fn quoted_placeholder(&self) -> String {
        format!("\"${{{}}}\"", self.placeholder)
    }
}

/// A name that no target has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[serde(rename = "Absent")]
pub struct AbsentName {
    /// The placeholder in requests that stands for it.
    pub placeholder: String,
    /// What it is made of: text with `${random:N}` in it.
    pub form: String,
}

impl AbsentName {
    /// A new name; `random` makes its random parts, each of the length that the form asks for.
    pub fn name(&self, mut random: impl FnMut(usize) -> String) -> String {
        let mut parts = self.form.split("${random:");
        let mut name = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (length, rest) = part.split_once('}').unwrap_or(("", part));
            name.push_str(&random(length.parse().unwrap_or_default()));
            name.push_str(rest);
        }
        name
    }
}

/// Where a target lists the names of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    /// The operation that lists them.
    pub operation: String,
    /// The JSON pointer of the list in its answer.
    pub at: String,
    /// The member of each item that is the name.
    pub member: String,
}

/// A kind of thing that an operation makes, and how it is undone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MadeKind {
    /// What people call it.
    pub noun: String,
    /// The member of the request that names it.
    pub named_by: String,
    /// The operation that undoes it.
    pub undone_by: String,
    /// The members of the request that the request of that operation has too.
    pub with: Vec<String>,
    /// The error that says that there is one of this name already, or that something still depends on it.
    pub taken: String,
    /// How a request gives it tags; absent where it takes none.
    #[serde(default)]
    pub tagged_by: Option<TagForm>,
    /// Where a target lists the ones that it has.
    #[serde(default)]
    pub listed_by: Option<MadeListing>,
}

/// How tags are written: a list of objects, each with a key and a value.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TagForm {
    /// The member of the request that has the list.
    pub member: String,
    /// The member of each item that is the key.
    pub key: String,
    /// The member of each item that is the value.
    pub value: String,
}

/// Where a target lists what it has of a kind of thing. The members by which the thing is undone have the same names in
/// each item as in requests.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MadeListing {
    /// The operation that lists them.
    pub operation: String,
    /// The JSON pointer of the list in its answer.
    pub at: String,
    /// How the tags of an item are asked for; absent where items have none.
    #[serde(default)]
    pub tags: Option<TagListing>,
}

/// How the tags of something are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TagListing {
    /// The operation that lists them.
    pub operation: String,
    /// The member of the item in its list that names it there.
    pub of: String,
    /// The member of the request that names it.
    pub member: String,
    /// The JSON pointer of the tags in the answer.
    pub at: String,
}

/// Where calls of an operation go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address<'a> {
    /// The operation's name.
    pub name: &'a str,
    /// The HTTP method.
    pub method: &'a str,
    /// The path of the request.
    pub path: &'a str,
    /// What stands before the dot in the header `X-Amz-Target`.
    pub target_prefix: &'a str,
}

impl Address<'_> {
    /// The value of the header `X-Amz-Target`.
    pub fn target(&self) -> String {
        format!("{}.{}", self.target_prefix, self.name)
    }
}

/// An error that operations list.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorShape {
    /// What it tells the caller, in our own words.
    pub meaning: Fact<String>,
    /// What the harness knows it as.
    #[serde(default)]
    pub means: Option<ErrorMeaning>,
    /// Names that are common to all services and say the same.
    pub common_names: Option<Fact<Vec<String>>>,
    /// Its HTTP status, 400 to 599.
    pub status: Fact<u16>,
    /// Whether the service is at fault rather than the caller.
    pub fault: Option<Fact<bool>>,
    /// Whether trying again may help.
    pub retryable: Option<Fact<bool>>,
    /// The members of its body.
    pub members: BTreeMap<String, Member>,
}

/// What an error says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorMeaning {
    /// The request is not valid.
    Invalid,
    /// What the request names does not exist.
    NotFound,
    /// The service failed.
    Fault,
}

/// The words that a database must not be called.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReservedWords {
    /// Those of the current list, in capitals.
    pub words: Fact<Vec<String>>,
    /// Those on which revisions of the list disagree: neither reserved nor free.
    pub undecided: Fact<Vec<String>>,
}

impl ReservedWords {
    /// Whether a name is on the current list, in any letter case.
    ///
    /// The documents do not say whether case counts; in the database it does not.
    pub fn contains(&self, name: &str) -> bool {
        self.words.is.iter().any(|word| word.eq_ignore_ascii_case(name))
    }
}

impl Service {
    /// The service in the fixtures of this build. The command line's flags and the features come from it.
    ///
    /// # Panics
    /// Never: the tests load it.
    pub fn embedded() -> &'static Arc<Self> {
        static SERVICE: LazyLock<Arc<Service>> = LazyLock::new(|| {
            let folder = Service::folder(&Fixtures::Embedded).expect("this build has a service");
            Arc::new(Service::load(&Fixtures::Embedded, &folder).expect("the service of this build is valid"))
        });
        &SERVICE
    }

    /// The folder of the service, such as `services/redshift-serverless`.
    ///
    /// # Errors
    /// Where there is none, or more than one.
    pub fn folder(fixtures: &Fixtures) -> Result<String, LoadError> {
        const SERVICES: &str = "services";
        <[String; 1]>::try_from(fixtures.folders(SERVICES)?).map(|[folder]| folder).map_err(|folders| {
            let message = format!("expected the folder of one service, found {}", folders.len());
            LoadError::new(&fixtures.name_of(SERVICES), "", message)
        })
    }

    /// Reads the service of a folder such as `services/redshift-serverless`, and checks that it makes sense.
    ///
    /// # Errors
    /// The first place where the file is not strict JSON or not of this format, or where it contradicts itself: an
    /// error with a status outside 400 to 599, a pattern that does not compile, a minimum above its maximum, a repeated
    /// name, a source that is not described, a difference that points nowhere or on which the sources agree.
    pub fn load(fixtures: &Fixtures, folder: &str) -> Result<Self, LoadError> {
        read_checked(fixtures, &format!("{folder}/service.json"), Self::check)
    }

    /// Checks the service against itself; `raw` is the same file as plain JSON.
    fn check(&self, raw: &Value) -> Result<(), ContractFault> {
        version(self.version)?;
        revisions(&self.revisions)?;
        every_fact(raw, &self.documents)?;
        every_holds(raw, &self.revisions)?;
        let features: Vec<&str> = self.features.iter().map(|row| row.name.as_str()).collect();
        let known_first = features.starts_with(&KNOWN_FEATURES);
        ensure(known_first, "/features", format_args!("expected {} first", KNOWN_FEATURES.join(" and ")))?;
        resources(&self.resources, &features)?;
        let shapes = self.shape_names();
        for (name, shape) in &self.shapes {
            let at = pointer_below("/shapes", name);
            let wrong = format_args!("expected \"{name}\", found \"{}\"", shape.name);
            ensure(shape.name == *name, format!("{at}/name"), wrong)?;
            structure(&at, shape, &shapes)?;
        }
        for (name, error) in &self.errors {
            let at = pointer_below("/errors", name);
            let status = error.status.is;
            let wrong = format_args!("expected a status of an error, 400 to 599, found {status}");
            ensure((400..=599).contains(&status), format!("{at}/status/is"), wrong)?;
            members(&at, &error.members, &shapes)?;
        }
        let undecided = &self.reserved_words.undecided.is;
        reserved_words("/reserved_words/undecided/is", undecided, &[])?;
        reserved_words("/reserved_words/words/is", &self.reserved_words.words.is, undecided)?;
        differences(&self.differences, raw, &self.documents)
    }

    /// The newest revision of the documents.
    ///
    /// # Panics
    /// Never: a service without revisions is not valid.
    pub fn newest_revision(&self) -> Revision {
        self.revisions.last().expect("a service has revisions").year
    }

    /// The names of the shapes that several operations share.
    pub(super) fn shape_names(&self) -> Vec<&str> {
        self.shapes.keys().map(String::as_str).collect()
    }

    /// The error with this meaning, and its name.
    pub fn error_that_means(&self, meaning: ErrorMeaning) -> Option<(&str, &ErrorShape)> {
        let mut errors = self.errors.iter();
        errors.find(|(_, error)| error.means == Some(meaning)).map(|(name, error)| (name.as_str(), error))
    }

    /// The meaning of the error with this name.
    pub fn meaning_of(&self, error: &str) -> Option<ErrorMeaning> {
        self.errors.get(error)?.means
    }

    /// The error that has `name` among its common names, and the error's own name.
    pub fn error_with_common_name(&self, name: &str) -> Option<(&str, &ErrorShape)> {
        let says =
            |error: &ErrorShape| error.common_names.as_ref().is_some_and(|names| names.is.iter().any(|is| is == name));
        self.errors.iter().find(|(_, error)| says(error)).map(|(name, error)| (name.as_str(), error))
    }

    /// The name by which AWS tools call the service: `redshift-serverless`.
    pub fn command(&self) -> String {
        self.service_id.is.to_lowercase().replace(' ', "-")
    }

    /// The environment variable in which AWS tools look for its endpoint: `AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS`.
    pub fn endpoint_variable(&self) -> String {
        format!("AWS_ENDPOINT_URL_{}", self.service_id.is.to_uppercase().replace(' ', "_"))
    }

    /// The key of its own settings in the shared configuration file of AWS tools: `redshift_serverless`.
    /// Source: AWS SDKs and Tools Reference Guide, service-specific endpoints.
    pub fn configuration_key(&self) -> String {
        self.service_id.is.to_lowercase().replace(' ', "_")
    }

    /// The resources that the caller may use: one for each member of requests that names a resource.
    pub fn usable_resources(&self) -> impl Iterator<Item = &Resource> {
        self.resources.iter().filter(|resource| resource.denied_beside.is_none())
    }

    /// The resource with this id.
    pub fn resource(&self, id: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.id == id)
    }
}

/// Checks that no two resources share an id, a flag or a placeholder, that none that the caller may use shares a member,
/// and that the resources and features that they refer to exist.
fn resources(resources: &[Resource], features: &[&str]) -> Result<(), ContractFault> {
    let mut names_taken = BTreeSet::new();
    for (index, resource) in resources.iter().enumerate() {
        let at = |member: &str| format!("/resources/{index}/{member}");
        let Resource { id, flag, placeholder, member, .. } = resource;
        let own_member = resource.denied_beside.is_none().then_some(("member", member));
        for (kind, name) in [("id", id), ("flag", flag), ("placeholder", placeholder)].into_iter().chain(own_member) {
            let wrong = format_args!("expected a new {kind}, found \"{name}\" again");
            ensure(names_taken.insert((kind, name)), at(kind), wrong)?;
        }
        if let Some(beside) = &resource.denied_beside {
            let is_alike = |other: &Resource| other.id == *beside && other.member == *member;
            let wrong =
                format_args!("expected a resource before this one with the member {member}, found \"{beside}\"");
            ensure(resources[..index].iter().any(is_alike), at("denied_beside"), wrong)?;
        }
        if let Some(of) = &resource.of {
            let is_before = resources[..index].iter().any(|other| other.id == *of);
            ensure(is_before, at("of"), format_args!("expected a resource before this one, found \"{of}\""))?;
        }
        if let Some(feature) = resource.feature.as_deref() {
            let wrong = format_args!("expected a feature of the service, found \"{feature}\"");
            ensure(features.contains(&feature), at("feature"), wrong)?;
        }
    }
    Ok(())
}
