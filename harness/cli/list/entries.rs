//! What is listed, as `list --format json` writes it.

use schemars::JsonSchema;
use serde::Serialize;

use super::Entry;
use crate::cli::catalogue::{Catalogue, Citing, Named};
use crate::cli::library::Library;
use crate::contract::{ConfirmationStatus, Evidence, Feature, Level, Side};
use crate::corpus::{Defect, DefectKind, Defects, ExpandedCase};
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
    /// `list features`.
    Features(Vec<FeatureEntry>),
    /// `list defects`.
    Defects(Vec<DefectEntry>),
    /// `list drivers`.
    Drivers(Vec<DriverEntry>),
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

impl Entry for CaseEntry {
    const COLUMNS: &'static [&'static str] = &["id", "case", "suite", "operation", "title", "requirements", "needs"];

    fn name(&self) -> String {
        self.id.clone()
    }

    fn about(&self) -> String {
        self.title.clone()
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

impl Entry for ClientCaseEntry {
    const COLUMNS: &'static [&'static str] = &["id", "suite", "title", "requirements"];

    fn name(&self) -> String {
        self.id.clone()
    }

    fn about(&self) -> String {
        self.title.clone()
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
    /// Where it is said.
    source: String,
}

impl RequirementEntry {
    /// All of the register, or those of one side.
    pub(super) fn all(catalogue: &Catalogue, side: Option<Side>) -> Vec<Self> {
        let mut citing = catalogue.citing();
        let rows = catalogue.library.contract.register.requirements.iter();
        let rows = rows.filter(|row| side.is_none_or(|side| row.side == side));
        let entry = |row: &crate::contract::Requirement| {
            let Citing { cases, client_cases, defects } = citing.remove(row.id.as_str()).unwrap_or_default();
            let ids = |named: Vec<Named>| named.into_iter().map(|named| named.id);
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
                source: source(row),
            }
        };
        rows.map(entry).collect()
    }
}

impl Entry for RequirementEntry {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "level",
        "evidence",
        "text",
        "cases",
        "defects",
        "accepts",
        "excluded",
        "pending",
        "side",
        "feature",
        "confirmation",
        "holds_in",
        "source",
    ];

    fn name(&self) -> String {
        self.id.clone()
    }

    fn about(&self) -> String {
        format!("{:6} {}", format!("{:?}", self.level).to_lowercase(), self.text)
    }

    fn below(&self) -> Vec<(&'static str, String)> {
        let state = match (&self.excluded, &self.pending) {
            (Some(reason), _) => Some(("excluded:", reason.clone())),
            (None, Some(missing)) => Some(("pending:", missing.clone())),
            (None, None) => None,
        };
        let lists = [("cases:", &self.cases), ("defects:", &self.defects)];
        let lists = lists.into_iter().filter(|(_, ids)| !ids.is_empty()).map(|(label, ids)| (label, ids.join(", ")));
        state.into_iter().chain(lists).collect()
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
    /// How many must-requirements it has that count.
    must: usize,
}

impl FeatureEntry {
    pub(super) fn all(library: &Library) -> Vec<Self> {
        let counted = |feature: Feature| {
            let rows = library.contract.register.requirements.iter();
            rows.filter(|row| row.side == Side::Server && row.feature == feature && row.counts()).count()
        };
        let entry = |id: Feature| Self { id, meaning: id.meaning().to_owned(), must: counted(id) };
        Feature::all().map(entry).collect()
    }
}

impl Entry for FeatureEntry {
    const COLUMNS: &'static [&'static str] = &["id", "meaning", "must"];

    fn name(&self) -> String {
        self.id.word().to_owned()
    }

    fn about(&self) -> String {
        let yet = if self.must == 0 { "; not judged yet" } else { "" };
        format!("{:3} must-requirements: {}{yet}", self.must, self.meaning)
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
        };
        entries.into_iter().map(entry).collect()
    }
}

impl Entry for DefectEntry {
    const COLUMNS: &'static [&'static str] = &["id", "kind", "title", "requirements", "also"];

    fn name(&self) -> String {
        self.id.clone()
    }

    fn about(&self) -> String {
        format!("{:6} {}", self.kind, self.title)
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

impl Entry for DriverEntry {
    const COLUMNS: &'static [&'static str] = &["id", "about", "package", "obstacle"];

    fn name(&self) -> String {
        self.id.clone()
    }

    fn about(&self) -> String {
        let Self { about, package, .. } = self;
        match &self.obstacle {
            None => format!("{about} ({package})"),
            Some(obstacle) => format!("{about} ({package}); cannot be installed here: {obstacle}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    /// The members of an entry, by its JSON and by the columns of its table.
    fn members<E: Entry>(entries: &[E]) -> [BTreeSet<String>; 2] {
        let Ok(Value::Object(members)) = serde_json::to_value(&entries[0]) else { panic!("an object") };
        [members.keys().cloned().collect(), E::COLUMNS.iter().map(|name| (*name).to_owned()).collect()]
    }

    #[test]
    fn a_table_has_a_column_for_every_member() {
        let catalogue = Catalogue::load(None).unwrap_or_else(|_| panic!("the fixtures"));
        let case = CaseEntry::of(&catalogue.library.corpus.cases()[0]);
        let client_case = ClientCaseEntry::of(&catalogue.clients.cases()[0]);
        for [members, columns] in [
            members(&[case]),
            members(&[client_case]),
            members(&RequirementEntry::all(&catalogue, None)),
            members(&FeatureEntry::all(&catalogue.library)),
            members(&DefectEntry::all(&catalogue.banks)),
            members(&crate::cli::sdk::drivers()),
        ] {
            assert_eq!(members, columns);
        }
    }
}
