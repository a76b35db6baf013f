//! What is listed, as `list --format json` writes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::explain::counts;
use crate::cli::library::{Catalogue, CitationIndex, Library, NamedItem};
use crate::contract::{ConfirmationStatus, Evidence, Feature, Holds, Level, Operation, Revision, RevisionRow, Side};
use crate::corpus::{Defect, DefectKind, Defects, ExpandedCase, Reply};
use crate::report::source;
use crate::sdk::cases::ClientCase;

/// A listing: an array of things of one kind.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(in crate::cli) enum Listing {
    /// `list requirements`.
    Requirements(Vec<RequirementEntry>),
    /// `list cases`.
    Cases(Vec<CaseEntry>),
    /// `list cases --side client`.
    ClientCases(Vec<ClientCaseEntry>),
    /// `list suites`.
    Suites(Vec<SuiteEntry>),
    /// `list operations`.
    Operations(Vec<OperationEntry>),
    /// `list features`.
    Features(Vec<FeatureEntry>),
    /// `list revisions`.
    Revisions(Vec<RevisionEntry>),
    /// `list defects`.
    Defects(Vec<DefectEntry>),
    /// `list drivers`.
    Drivers(Vec<DriverEntry>),
    /// `list replies`.
    Replies(Vec<ReplyEntry>),
}

/// One thing that is listed, as text.
pub(super) struct TextEntry {
    /// Its name.
    pub(super) name: String,
    /// The text beside the name.
    pub(super) about: String,
    /// The lines below it: a label and a text each.
    pub(super) below: Vec<(&'static str, String)>,
}

impl TextEntry {
    fn new(name: &str, about: impl Into<String>) -> Self {
        Self { name: name.to_owned(), about: about.into(), below: Vec::new() }
    }
}

impl Listing {
    /// The columns of its table: all members of the entries, in this order.
    pub(super) fn columns(&self) -> impl Iterator<Item = &'static str> {
        let columns = match self {
            Self::Requirements(_) => {
                "id level evidence text cases defects accepts excluded pending side feature confirmation holds_in holds source"
            }
            Self::Cases(_) => "id case suite operation title requirements needs",
            Self::ClientCases(_) => "id suite title requirements",
            Self::Suites(_) => "id operation cases",
            Self::Operations(_) => "id meaning default requirements cases",
            Self::Features(_) => "id meaning must operations",
            Self::Revisions(_) => "id newest pages changes source",
            Self::Defects(_) => "id kind title requirements also revision",
            Self::Drivers(_) => "id about package obstacle",
            Self::Replies(_) => "id status title violates",
        };
        columns.split(' ')
    }

    /// The entries as text.
    pub(super) fn entries(&self) -> Vec<TextEntry> {
        match self {
            Self::Requirements(things) => things.iter().map(RequirementEntry::as_text).collect(),
            Self::Cases(things) => things.iter().map(|case| TextEntry::new(&case.id, &case.title)).collect(),
            Self::ClientCases(things) => things.iter().map(|case| TextEntry::new(&case.id, &case.title)).collect(),
            Self::Suites(things) => things.iter().map(SuiteEntry::as_text).collect(),
            Self::Operations(things) => things.iter().map(OperationEntry::as_text).collect(),
            Self::Features(things) => things.iter().map(FeatureEntry::as_text).collect(),
            Self::Revisions(things) => things.iter().map(RevisionEntry::as_text).collect(),
            Self::Defects(things) => {
                let about = |of: &DefectEntry| TextEntry::new(&of.id, format!("{:6} {}", of.kind, of.title));
                things.iter().map(about).collect()
            }
            Self::Drivers(things) => things.iter().map(DriverEntry::as_text).collect(),
            Self::Replies(things) => things.iter().map(ReplyEntry::as_text).collect(),
        }
    }
}

/// A case on endpoints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct CaseEntry {
    /// Its id.
    id: String,
    /// The case as it is written: the id of its family, or its own.
    case: String,
    /// Its suite.
    suite: String,
    /// The operation that it calls.
    operation: String,
    /// What it claims.
    title: String,
    /// The requirements that it cites.
    requirements: Vec<String>,
    /// The features that a target must claim, beside `core`.
    needs: Vec<Feature>,
}

impl CaseEntry {
    pub(super) fn of(case: &ExpandedCase) -> Self {
        Self {
            id: case.id.clone(),
            case: case.case.id.clone(),
            suite: case.suite.clone(),
            operation: case.operation.clone(),
            title: case.case.title.clone(),
            requirements: case.case.requirements.clone(),
            needs: case.case.needs.clone(),
        }
    }
}

/// A case on SDKs.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct ClientCaseEntry {
    /// Its id.
    id: String,
    /// Its suite.
    suite: String,
    /// What it claims.
    title: String,
    /// The requirements that it cites.
    requirements: Vec<String>,
}

impl ClientCaseEntry {
    pub(super) fn of(case: &ClientCase) -> Self {
        Self {
            id: case.id.clone(),
            suite: case.suite().to_owned(),
            title: case.title.clone(),
            requirements: case.requirements.clone(),
        }
    }
}

/// A requirement.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct RequirementEntry {
    /// Its id.
    id: String,
    /// How binding it is.
    level: Level,
    /// What it rests on.
    evidence: Evidence,
    /// The requirement, in our words.
    text: String,
    /// The cases that cite it, those on endpoints first, a family as one.
    cases: Vec<String>,
    /// The defects that break it.
    defects: Vec<String>,
    /// Every accepted answer, where the sources contradict each other or are silent.
    accepts: Vec<String>,
    /// Why it is not counted, where it is not.
    excluded: Option<String>,
    /// What is missing before a case can decide it, where something is.
    pending: Option<String>,
    /// Whom it binds.
    side: Side,
    /// The feature it belongs to.
    feature: Feature,
    /// Whether recordings of real AWS bear it out.
    confirmation: ConfirmationStatus,
    /// The documents that say it.
    holds_in: Vec<String>,
    /// From which to which revision of the documents it holds; in all where nothing is said.
    holds: Holds,
    /// Where it is said.
    source: String,
}

impl RequirementEntry {
    /// All requirements of the register, or those of one side.
    pub(super) fn all(catalogue: &Catalogue, side: Option<Side>) -> Vec<Self> {
        let rows = catalogue.library.contract.register.requirements.iter();
        let rows = rows.filter(|row| side.is_none_or(|side| row.side == side));
        let entry = |row: &crate::contract::Requirement| {
            let CitationIndex { cases, client_cases, defects } = catalogue.citing(&row.id);
            let ids = |named: Vec<NamedItem>| named.into_iter().map(|named| named.id);
            Self {
                id: row.id.clone(),
                level: row.level,
                evidence: row.evidence,
                text: row.text.clone(),
                cases: ids(cases).chain(ids(client_cases)).collect(),
                defects: ids(defects).collect(),
                accepts: row.accepts.clone(),
                excluded: row.excluded.clone(),
                pending: row.pending.clone(),
                side: row.side,
                feature: row.feature,
                confirmation: row.confirmation.status,
                holds_in: row.holds_in.clone(),
                holds: row.holds,
                source: source(row),
            }
        };
        rows.map(entry).collect()
    }

    fn as_text(&self) -> TextEntry {
        let state = match (&self.excluded, &self.pending) {
            (Some(reason), _) => Some(("excluded:", reason.clone())),
            (None, Some(missing)) => Some(("pending:", missing.clone())),
            (None, None) => None,
        };
        let lists = [("cases:", &self.cases), ("defects:", &self.defects)];
        let lists = lists.into_iter().filter(|(_, ids)| !ids.is_empty()).map(|(label, ids)| (label, ids.join(", ")));
        let about = format!("{:6} {}", format!("{:?}", self.level).to_lowercase(), self.text);
        TextEntry { below: state.into_iter().chain(lists).collect(), ..TextEntry::new(&self.id, about) }
    }
}

/// A suite of cases on endpoints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct SuiteEntry {
    /// Its name.
    pub(in crate::cli) id: String,
    /// The operation that its cases are about.
    operation: String,
    /// How many cases it has, each member of a family as one.
    pub(in crate::cli) cases: usize,
}

impl SuiteEntry {
    pub(in crate::cli) fn all(library: &Library) -> Vec<Self> {
        let suites = library.corpus.cases().chunk_by(|one, other| one.suite == other.suite);
        let entry = |cases: &[Arc<ExpandedCase>]| {
            let (id, operation) = (cases[0].suite.clone(), cases[0].operation.clone());
            Self { id, operation, cases: cases.len() }
        };
        suites.map(entry).collect()
    }

    /// The suites of one operation.
    pub(in crate::cli) fn of(operation: &str, library: &Library) -> Vec<Self> {
        let mut suites = Self::all(library);
        suites.retain(|suite| suite.operation == operation);
        suites
    }

    fn as_text(&self) -> TextEntry {
        TextEntry::new(&self.id, format!("{}: {} cases", self.operation, self.cases))
    }
}

/// An operation that a run can be about.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct OperationEntry {
    /// Its name.
    id: String,
    /// What it is for.
    meaning: String,
    /// Whether a run that names no operation is about it.
    default: bool,
    /// What the ids of its requirements begin with.
    requirements: String,
    /// How many cases are about it, each member of a family as one.
    cases: usize,
}

impl OperationEntry {
    pub(super) fn all(library: &Library) -> Vec<Self> {
        let entry = |operation: &Operation| {
            let id = operation.name.is.clone();
            Self {
                meaning: operation.meaning.is.clone(),
                default: id == library.contract.service.default_operation,
                requirements: operation.requirements.clone(),
                cases: SuiteEntry::of(&id, library).iter().map(|suite| suite.cases).sum(),
                id,
            }
        };
        library.contract.operations.values().map(entry).collect()
    }

    fn as_text(&self) -> TextEntry {
        let Self { id, meaning, default, requirements, cases } = self;
        let default = if *default { "; the default" } else { "" };
        let cases = if *cases == 0 { "no case".to_owned() } else { format!("{cases} cases") };
        TextEntry::new(id, format!("{meaning} ({cases} on {requirements}-*{default})"))
    }
}

/// What a target may lack.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct FeatureEntry {
    /// Its name.
    id: Feature,
    /// What claiming it says about a target.
    meaning: String,
    /// How many must-requirements it has that count, of all operations together.
    must: usize,
    /// How many of them each operation has.
    operations: BTreeMap<String, usize>,
}

impl FeatureEntry {
    pub(super) fn all(library: &Library) -> Vec<Self> {
        let entry = |id: Feature| {
            let operations = library.contract.register.counts(id);
            Self { id, meaning: id.meaning().to_owned(), must: operations.values().sum(), operations }
        };
        library.contract.features().map(entry).collect()
    }

    fn as_text(&self) -> TextEntry {
        let yet = if self.must == 0 { "; not judged yet" } else { "" };
        TextEntry::new(self.id.word(), format!("{}: {}{yet}", counts(&self.operations), self.meaning))
    }
}

/// A revision of the documents.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct RevisionEntry {
    /// The year by which `--revision` names it.
    id: String,
    /// Whether it is the newest, by which a run judges unless it is told otherwise.
    newest: bool,
    /// From when to when the documents were these.
    pages: String,
    /// What changed since the revision before it.
    changes: String,
    /// Where that stands.
    source: Vec<String>,
}

impl RevisionEntry {
    /// The revisions, the newest first.
    pub(super) fn all(library: &Library) -> Vec<Self> {
        let service = &library.contract.service;
        let entry = |row: &RevisionRow| Self {
            id: row.year.to_string(),
            newest: row.year == service.newest_revision(),
            pages: row.pages.clone(),
            changes: row.changes.clone(),
            source: row.source.iter().map(|(document, place)| format!("{document}: {place}")).collect(),
        };
        service.revisions.iter().rev().map(entry).collect()
    }

    fn as_text(&self) -> TextEntry {
        let newest = if self.newest { " (the newest)" } else { "" };
        TextEntry::new(&self.id, format!("{}{newest}: {}", self.pages, self.changes))
    }
}

/// A defect, or a legal variant.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct DefectEntry {
    /// Its id.
    id: String,
    /// What it is.
    kind: DefectKind,
    /// What such a server does.
    title: String,
    /// The requirements that it breaks.
    requirements: Vec<String>,
    /// Requirements that fall with those, as ids or globs.
    also: Vec<String>,
    /// The revision of the documents by which such a server is judged; null for the newest.
    revision: Option<Revision>,
}

impl DefectEntry {
    /// The defects, and behind them the legal variants.
    pub(super) fn all(banks: &Defects) -> Vec<Self> {
        let mut entries: Vec<&Defect> = banks.entries().iter().collect();
        entries.sort_by_key(|entry| entry.kind == DefectKind::Legal);
        let entry = |entry: &Defect| Self {
            id: entry.id.clone(),
            kind: entry.kind,
            title: entry.title.clone(),
            requirements: entry.requirements.clone(),
            also: entry.also.iter().map(ToString::to_string).collect(),
            revision: entry.revision,
        };
        entries.into_iter().map(entry).collect()
    }
}

/// A driver.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct DriverEntry {
    /// Its name, as in `--driver`.
    pub(in crate::cli) id: String,
    /// What it runs.
    pub(in crate::cli) about: String,
    /// The SDK's name in its registry.
    pub(in crate::cli) package: String,
    /// Why its SDK cannot be installed here, where it cannot.
    pub(in crate::cli) obstacle: Option<String>,
}

impl DriverEntry {
    fn as_text(&self) -> TextEntry {
        let Self { id, about, package, obstacle } = self;
        let obstacle = obstacle.as_ref().map(|obstacle| format!("; cannot be installed here: {obstacle}"));
        TextEntry::new(id, format!("{about} ({package}){}", obstacle.unwrap_or_default()))
    }
}

/// A reply of the mock.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct ReplyEntry {
    /// Its name, as in the path `/replies/<name>`.
    id: String,
    /// Its status.
    status: u16,
    /// What it is.
    title: String,
    /// The requirements that it violates; none where it is right.
    violates: Vec<String>,
}

impl ReplyEntry {
    /// The right replies, and behind them the wrong ones.
    pub(super) fn all(library: &Library) -> Vec<Self> {
        let entry = |(name, reply): (&String, &Reply)| Self {
            id: name.clone(),
            status: reply.status,
            title: reply.title.clone(),
            violates: reply.wrong.as_ref().map(|wrong| wrong.violates.clone()).unwrap_or_default(),
        };
        let mut entries: Vec<_> = library.corpus.replies().iter().map(entry).collect();
        entries.sort_by_key(|entry| !entry.violates.is_empty());
        entries
    }

    fn as_text(&self) -> TextEntry {
        let Self { id, status, title, violates } = self;
        let kind = if violates.is_empty() { "right" } else { "wrong" };
        let violates = (!violates.is_empty()).then(|| ("violates:", violates.join(", ")));
        TextEntry { below: violates.into_iter().collect(), ..TextEntry::new(id, format!("{kind} {status} {title}")) }
    }
}
