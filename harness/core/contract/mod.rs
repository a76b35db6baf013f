//! What the documents say, as data: a service and its operations with their documented shapes, the register of
//! requirements, the JSON Schemas generated from the shapes, and their compiled validators.
//!
//! Of the other modules it uses only [`crate::text`], to show foreign text. Start with [`Contract`], then read
//! [`schema`]; [`Service`] and [`Operation`] are the formats of the files below `fixtures/services`.

mod check;
mod facts;
mod feature;
mod files;
mod names;
mod operation;
mod register;
mod revision;
pub mod schema;
mod service;
mod shapes;
mod status;
mod validators;

pub use facts::{Difference, Document, Documents, Evidence, Fact, PlacesBySource, Prose, Reading, SourcePlace};
pub use feature::Feature;
pub use files::{Fixtures, LoadError, parse, unreadable};
pub use names::ContractNames;
pub use operation::{Lifetime, Operation, Pages};
pub use register::{Confirmation, ConfirmationStatus, Decision, Level, REGISTER_FILE, Register, Requirement, Side};
pub use revision::{Holds, Revision, RevisionRow, no_such_revision};
pub use service::{
    AbsentName, Address, ErrorMeaning, ErrorShape, FeatureRow, Listing, MadeKind, MadeListing, ReservedWords, Resource,
    Service, TagForm, TagListing,
};
pub use shapes::{JsonType, Member, MemberKind, Structure};
pub use status::Status;
pub use validators::{Constraint, JsonKind, ProseBreach, SchemaBreach, Validators, breaches_of};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, OnceLock};

use revision::InRevision;

/// The whole contract: what the fixtures state, ready to check requests and answers against.
#[derive(Debug)]
pub struct Contract {
    /// The revision of the documents that it is of.
    pub revision: Revision,
    /// What holds for every operation.
    pub service: Arc<Service>,
    /// The operations by their names.
    pub operations: Arc<BTreeMap<String, Operation>>,
    /// The register of requirements.
    pub register: Register,
    /// The names of the operations that only other revisions know.
    operations_elsewhere: BTreeSet<String>,
    /// The JSON Schemas of the shapes, generated when the first body is held against one.
    validators: OnceLock<Validators>,
}

/// The operations that a revision of the documents knows.
#[derive(Clone, Debug)]
struct KnownOperations {
    operations: Arc<BTreeMap<String, Operation>>,
    elsewhere: BTreeSet<String>,
}

impl KnownOperations {
    /// Those of `all` that the revision knows, without what does not hold in it.
    fn of(mut all: BTreeMap<String, Operation>, revision: Revision) -> Self {
        let is_known = |_: &String, operation: &mut Operation| operation.holds.contains(revision);
        let mut operations: BTreeMap<_, _> = all.extract_if(.., is_known).collect();
        for operation in operations.values_mut() {
            operation.keep(revision);
        }
        Self { operations: Arc::new(operations), elsewhere: all.into_keys().collect() }
    }
}

/// What a process reads once of the fixtures of this build.
struct Embedded {
    names: ContractNames,
    newest: KnownOperations,
}

impl Embedded {
    /// # Panics
    /// Never: the tests load it.
    fn get() -> &'static Self {
        static EMBEDDED: LazyLock<Embedded> = LazyLock::new(|| {
            let service = Service::embedded();
            let folder = Service::folder(&Fixtures::Embedded).expect("this build has a service");
            let all = Operation::load_all(&Fixtures::Embedded, &folder, service);
            let all = all.expect("the operations of this build are valid");
            let names = ContractNames::of(service, &all);
            Embedded { names, newest: KnownOperations::of(all, service.newest_revision()) }
        });
        &EMBEDDED
    }
}

impl Contract {
    /// Reads and checks service, operations and register, of the newest revision of the documents. Those of this build
    /// were checked before.
    ///
    /// # Errors
    /// The first thing that is wrong, with its file and JSON pointer.
    pub fn load(fixtures: &Fixtures) -> Result<Self, LoadError> {
        Self::load_in(fixtures, None)
    }

    /// The same of any revision; `None` is the newest. What does not hold in the revision is left out.
    ///
    /// # Errors
    /// The same, and a revision that there is none of.
    pub fn load_in(fixtures: &Fixtures, revision: Option<Revision>) -> Result<Self, LoadError> {
        let folder = Service::folder(fixtures)?;
        let mut service = match fixtures {
            Fixtures::Embedded => Arc::clone(Service::embedded()),
            Fixtures::EmbeddedToCheck | Fixtures::Folder(_) | Fixtures::ReadBefore(_) => {
                Arc::new(Service::load(fixtures, &folder)?)
            }
        };
        let newest = service.newest_revision();
        let revision = revision.unwrap_or(newest);
        if !service.revisions.iter().any(|row| row.year == revision) {
            let file = fixtures.name_of(&format!("{folder}/service.json"));
            return Err(LoadError::new(&file, "/revisions", no_such_revision(revision, &service.revisions)));
        }
        let (KnownOperations { operations, elsewhere: operations_elsewhere }, mut register) = match fixtures {
            Fixtures::Embedded if revision == newest => {
                let known = Embedded::get().newest.clone();
                let register = Register::load(fixtures, &known.operations, &service.documents, &service.revisions)?;
                (known, register)
            }
            _ => {
                let all = Operation::load_all(fixtures, &folder, &service)?;
                let register = Register::load(fixtures, &all, &service.documents, &service.revisions)?;
                (KnownOperations::of(all, revision), register)
            }
        };
        register.keep(revision, &operations);
        if revision != newest || !Feature::all().all(|feature| feature.holds_in(revision)) {
            Arc::make_mut(&mut service).keep(revision);
        }
        let validators = OnceLock::new();
        if fixtures.need_checks() {
            let found = validators.get_or_init(|| Validators::new(&service, &operations)).check();
            found.map_err(|error| LoadError::new(&fixtures.name_of(&folder), "", error))?;
        }
        Ok(Self { revision, service, operations, register, operations_elsewhere, validators })
    }

    /// The JSON Schemas of the shapes.
    pub fn validators(&self) -> &Validators {
        self.validators.get_or_init(|| Validators::new(&self.service, &self.operations))
    }

    /// The operation with this name.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations.get(name)
    }

    /// Whether only other revisions know the operation with this name.
    pub fn knows_elsewhere(&self, operation: &str) -> bool {
        self.operations_elsewhere.contains(operation)
    }

    /// Whether it is of the newest revision of the documents.
    pub fn is_newest(&self) -> bool {
        self.revision == self.service.newest_revision()
    }

    /// Its revision, if it is not the newest.
    pub fn older_revision(&self) -> Option<Revision> {
        (!self.is_newest()).then_some(self.revision)
    }

    /// The features that the documents of the revision know, in the order in which reports list them.
    pub fn features(&self) -> impl Iterator<Item = Feature> {
        Feature::all().filter(|feature| feature.holds_in(self.revision))
    }

    /// Where calls of the operation with this name go.
    pub fn address(&self, name: &str) -> Option<Address<'_>> {
        self.operation(name).map(|operation| operation.address(&self.service))
    }

    /// What the operation with this name makes.
    pub fn made_by(&self, name: &str) -> Option<&MadeKind> {
        Some(&self.operation(name)?.makes.as_ref()?.is)
    }

    /// Whether the operation with this name changes something, so that the cases of other operations call it only to
    /// set something up or to undo it.
    pub fn is_for_setup(&self, name: &str) -> bool {
        self.operation(name).is_some_and(|operation| !operation.changes_nothing.is)
    }

    /// The operation of a run that names none.
    ///
    /// # Panics
    /// Never: it was checked when the operations were read.
    pub fn default_operation(&self) -> &Operation {
        self.operation(&self.service.default_operation).expect("the default operation is there")
    }

    /// The operation that a requirement belongs to, by what its id begins with.
    pub fn operation_of(&self, requirement: &str) -> Option<&Operation> {
        self.operations.values().find(|operation| operation.owns(requirement))
    }

    /// The names of the operations.
    pub fn operation_names(&self) -> impl Iterator<Item = &str> {
        self.operations.keys().map(String::as_str)
    }
}
