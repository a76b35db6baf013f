//! The names that the contract of this build has: what everybody may see, and whose values nobody may.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::files::Fixtures;
use super::operation::Operation;
use super::service::Service;
use super::shapes::{Kind, Structure};

/// The names of the contract of this build. What hides secrets is led by them.
#[derive(Debug, Default)]
pub struct Names {
    /// The members of all shapes.
    pub members: BTreeSet<String>,
    /// Those of them whose values are secrets.
    pub sensitive: BTreeSet<String>,
    /// Those of them that are points in time.
    pub times: BTreeSet<String>,
    /// Those whose values are texts that lead to the next page: tokens that nobody logs in with.
    pub page_tokens: BTreeSet<String>,
    /// The ids of what a target must have.
    pub resources: BTreeSet<String>,
    /// The errors of the service.
    pub errors: BTreeSet<String>,
    /// A right answer of the default operation, as JSON text.
    pub example: String,
    /// The service by its other names, and its operations.
    pub service: BTreeSet<String>,
}

impl Names {
    /// Those of the fixtures that this build was made with.
    ///
    /// # Panics
    /// Never: the tests load them.
    pub fn embedded() -> &'static Self {
        static NAMES: LazyLock<Names> = LazyLock::new(|| {
            let service = Service::embedded();
            let folder = Service::folder(&Fixtures::Embedded).expect("this build has a service");
            let operations = Operation::load_all(&Fixtures::Embedded, &folder, service);
            Names::of(service, operations.expect("the operations of this build are valid").values())
        });
        &NAMES
    }

    fn of<'a>(service: &Service, operations: impl Iterator<Item = &'a Operation>) -> Self {
        let mut names = Self::default();
        names.service.extend([&service.signing_name.is, &service.target_prefix.is].map(String::clone));
        names.service.extend(service.not_tried.iter().flat_map(|fact| fact.is.clone()));
        names.errors.extend(service.errors.keys().chain(service.unlisted_errors.keys()).cloned());
        names.resources.extend(service.resources.iter().map(|resource| resource.id.clone()));
        for operation in operations {
            names.service.insert(operation.name.is.clone());
            if operation.name.is == service.default_operation {
                names.example = operation.example.as_ref().map(ToString::to_string).unwrap_or_default();
            }
            names.page_tokens.extend(operation.pages.iter().map(|fact| fact.is.token.clone()));
            names.add(&operation.request);
            names.add(&operation.response);
        }
        service.shapes.values().for_each(|shape| names.add(shape));
        names.members.extend(service.errors.values().flat_map(|error| error.members.keys().cloned()));
        names
    }

    fn add(&mut self, structure: &Structure) {
        for (name, member) in &structure.members {
            self.members.insert(name.clone());
            if member.is_sensitive() {
                self.sensitive.insert(name.clone());
            }
            if member.kind.is == Kind::Timestamp {
                self.times.insert(name.clone());
            }
        }
    }
}
