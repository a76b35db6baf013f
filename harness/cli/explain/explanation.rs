//! The explanation of one thing, as `explain --format json` writes it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::commands::{CommandTarget, example, for_operation, run_line};
use crate::cli::library::{Catalogue, CitationIndex, CitedRequirement, Library, NamedItem};
use crate::cli::list::entries::SuiteEntry;
use crate::contract::{self, ConfirmationStatus, Evidence, Feature, Holds, Level, Operation, Revision, Side};
use crate::corpus::{self, AcceptedAnswer, DefectKind, ExpandedCase};
use crate::report::{SourceEvent, source};
use crate::sdk::cases::{self, ClientInput};
use crate::servers::emulator::EmulatorOptions;

/// The version of these objects.
const VERSION: u32 = 1;

/// Where `serve emulator` listens unless it is told otherwise.
const EMULATOR: &str = "http://127.0.0.1:4567";

/// One thing in full.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::cli) struct Explained {
    /// The version of this format: 1.
    version: u32,
    /// What it is, and all about it.
    #[serde(flatten)]
    about: About,
}

impl Explained {
    pub(super) fn new(about: About) -> Self {
        Self { version: VERSION, about }
    }
}

/// What can be explained.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(in crate::cli) enum About {
    /// One sentence of the contract.
    Requirement(Box<Requirement>),
    /// A case on endpoints.
    Case(Box<Case>),
    /// A case on SDKs.
    ClientCase(Box<ClientCase>),
    /// A deliberate fault, which the cases must find.
    Defect(Defect),
    /// A legal variant of a right server, which the cases must not accuse.
    Legal(Defect),
    /// The cases on one topic.
    Suite(Suite),
    /// What a target may lack.
    Feature(AboutFeature),
    /// What a run can be about.
    Operation(AboutOperation),
}

/// One sentence of the contract.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::cli) struct Requirement {
    /// Its id.
    pub(super) id: String,
    /// The requirement, in our words.
    pub(super) text: String,
    /// How binding it is.
    pub(super) level: Level,
    /// What it rests on.
    pub(super) evidence: Evidence,
    /// What that means.
    pub(super) evidence_meaning: &'static str,
    /// Where it is said.
    pub(super) source: String,
    /// The same, each place with its address.
    pub(super) sources: Vec<SourceEvent>,
    /// Whether recordings of real AWS bear it out.
    pub(super) confirmation: ConfirmationStatus,
    /// Whom it binds.
    pub(super) side: Side,
    /// The feature it belongs to.
    pub(super) feature: Feature,
    /// Every accepted answer, where the sources contradict each other or are silent.
    pub(super) accepts: Vec<String>,
    /// Why it is not counted, where it is not.
    pub(super) excluded: Option<String>,
    /// What is missing before a case can decide it, where something is.
    pub(super) pending: Option<String>,
    /// The documents that say it.
    pub(super) holds_in: Vec<String>,
    /// From which to which revision of the documents it holds; in all where nothing is said.
    pub(super) holds: Holds,
    /// The rule of the judge that decides it; null where the outcome of its cases does.
    pub(super) rule: Option<String>,
    /// The cases on endpoints that cite it, a family as one.
    pub(super) cases: Vec<NamedItem>,
    /// The cases on SDKs that cite it.
    pub(super) client_cases: Vec<NamedItem>,
    /// The defects that break it.
    pub(super) defects: Vec<NamedItem>,
    /// The request of its first case as a command, with the id of that case.
    pub(super) example: Option<String>,
    /// Whose request that is.
    pub(super) example_of: Option<String>,
}

/// A case on endpoints.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::cli) struct Case {
    /// Its id; of a family, the family's.
    pub(super) id: String,
    /// Its suite.
    pub(super) suite: String,
    /// The operation that it is about.
    pub(super) operation: String,
    /// What it claims.
    pub(super) title: String,
    /// The requirements that it cites.
    pub(super) requirements: Vec<String>,
    /// The same, each with its level and its text.
    pub(super) requirement_texts: Vec<CitedRequirement>,
    /// The features that a target must claim, beside `core`.
    pub(super) needs: Vec<Feature>,
    /// The accepted answers of each call.
    pub(super) expects: Vec<Vec<String>>,
    /// Whether its calls are made at the same time.
    pub(super) together: bool,
    /// The accepted request from which it differs in one place.
    pub(super) control: Option<Control>,
    /// What its request breaks, in one word.
    pub(super) breaks: Option<String>,
    /// The same as a sentence.
    pub(super) breaks_meaning: Option<String>,
    /// What it runs as: itself, or the members of the family.
    pub(super) members: Vec<String>,
    /// The command that runs it, or all members: on the emulator, if that of this build has what it needs.
    pub(super) run: String,
    /// Whether it does.
    #[serde(skip)]
    pub(super) is_run_on_the_emulator: bool,
    /// The request of the first of them as a command.
    pub(super) example: Option<String>,
}

/// The control of a case.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::cli) struct Control {
    /// Its id.
    pub(super) case: String,
    /// The one place that differs, as a JSON pointer.
    pub(super) differs_at: String,
}

/// A case on SDKs.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::cli) struct ClientCase {
    /// Its id.
    pub(super) id: String,
    /// Its suite.
    pub(super) suite: String,
    /// What it claims.
    pub(super) title: String,
    /// The requirements that it cites; none where it is only observed.
    pub(super) requirements: Vec<String>,
    /// The same, each with its level and its text.
    pub(super) requirement_texts: Vec<CitedRequirement>,
    /// The members of the input.
    #[schemars(with = "BTreeMap<String, Value>")]
    pub(super) input: ClientInput,
    /// The settings of the client, in code.
    pub(super) config: cases::SdkClientConfig,
    /// The endpoint that the caller gives in code.
    pub(super) endpoint: Option<String>,
    /// How often the call is made.
    pub(super) calls: u32,
    /// How many steps the script of the server has.
    pub(super) steps: usize,
    /// The command that runs it.
    pub(super) example: String,
}

/// A deliberate fault, or a legal variant.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::cli) struct Defect {
    /// Its id.
    pub(super) id: String,
    /// What such a server does.
    pub(super) title: String,
    /// The requirements that it breaks.
    pub(super) requirements: Vec<String>,
    /// The same, each with its level and its text.
    pub(super) requirement_texts: Vec<CitedRequirement>,
    /// Requirements that fall with those, as ids or globs.
    pub(super) also: Vec<String>,
    /// The revision of the documents by which such a server is judged; null for the newest.
    pub(super) revision: Option<Revision>,
    /// The command that serves the emulator behind it; none for one that changes log-ins.
    pub(super) serve: Option<String>,
    /// The command that runs the cases on what it breaks against that.
    pub(super) run: Option<String>,
    /// A request on what it breaks as a command, for that server.
    pub(super) example: Option<String>,
    /// The command that tries the suite on it.
    pub(super) selftest: String,
}

/// The cases on one topic.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::cli) struct Suite {
    /// Its name.
    pub(super) id: String,
    /// Its cases on endpoints, a family as one.
    pub(super) cases: Vec<NamedItem>,
    /// Its cases on SDKs.
    pub(super) client_cases: Vec<NamedItem>,
    /// The commands that run it.
    pub(super) examples: Vec<String>,
    /// The feature of the same name, where there is one.
    pub(super) feature: Option<AboutFeature>,
}

/// What a target may lack.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::cli) struct AboutFeature {
    /// Its name.
    pub(super) id: Feature,
    /// What claiming it says about a target.
    pub(super) meaning: &'static str,
    /// How many must-requirements it has that count, of all operations together.
    pub(super) must: usize,
    /// How many of them each operation has.
    pub(super) operations: BTreeMap<String, usize>,
    /// All its requirements, each with its text.
    pub(super) requirements: Vec<NamedItem>,
    /// Those that are not judged: what is missing before they can be, or why they never are.
    pub(super) not_judged: Vec<NamedItem>,
    /// Whether a target can claim it: one that has nothing to be judged by ends a run at once, with exit code 2.
    pub(super) claimable: bool,
    /// The run that claims it, where one can.
    pub(super) example: Option<String>,
}

/// What a run can be about.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::cli) struct AboutOperation {
    /// Its name.
    pub(super) id: String,
    /// What it is for.
    pub(super) meaning: String,
    /// Whether a run that names no operation is about it.
    pub(super) default: bool,
    /// What the ids of its requirements begin with.
    pub(super) requirements: String,
    /// How many must-requirements of it count, by feature.
    pub(super) must: BTreeMap<String, usize>,
    /// The suites that are about it.
    pub(super) suites: Vec<SuiteEntry>,
    /// The command that judges a server by it; `null` if no case is about it.
    pub(super) example: Option<String>,
}

impl About {
    /// Finds the thing with this id. The commands in its explanation are for `server`, except those for a defect.
    pub(super) fn find(id: &str, catalogue: &Catalogue, server: &CommandTarget) -> Option<Self> {
        let Catalogue { library, clients, banks } = catalogue;
        if let Some(row) = library.contract.register.meant(id) {
            return Some(Self::Requirement(Box::new(requirement(row, catalogue, server))));
        }
        if let Some(operation) = library.contract.operations.values().find(|of| of.name.is.eq_ignore_ascii_case(id)) {
            return Some(Self::Operation(about_operation(operation, library, server)));
        }
        if let Some(case) = clients.get(id) {
            return Some(Self::ClientCase(Box::new(client_case(case, catalogue))));
        }
        if let Some(entry) = banks.get(id) {
            let about = defect(entry, catalogue);
            return Some(if entry.kind == DefectKind::Legal { Self::Legal(about) } else { Self::Defect(about) });
        }
        let members: Vec<_> = match library.corpus.get(id) {
            Some(case) => vec![case],
            None => library.corpus.family(id).collect(),
        };
        if let Some(first) = members.first() {
            let members = members.iter().map(|case| case.id.clone()).collect();
            return Some(Self::Case(Box::new(case(first, members, catalogue, server))));
        }
        suite(id, catalogue, server).map(Self::Suite).or_else(|| feature(id, catalogue, server).map(Self::Feature))
    }
}

fn requirement(row: &contract::Requirement, catalogue: &Catalogue, server: &CommandTarget) -> Requirement {
    let CitationIndex { cases, client_cases, defects } = catalogue.citing(&row.id);
    let first = catalogue.first_case(&row.id);
    let example = first.and_then(|case| example(case, catalogue, server));
    Requirement {
        id: row.id.clone(),
        text: row.text.clone(),
        level: row.level,
        evidence: row.evidence,
        evidence_meaning: meaning(row.evidence),
        source: source(row),
        sources: SourceEvent::all(row),
        confirmation: row.confirmation.status,
        side: row.side,
        feature: row.feature,
        accepts: row.accepts.clone(),
        excluded: row.excluded.clone(),
        pending: row.pending.clone(),
        holds_in: row.holds_in.clone(),
        holds: row.holds,
        rule: row.decided_by.as_ref().map(|by| by.rule.clone()),
        cases,
        client_cases,
        defects,
        example_of: first.filter(|_| example.is_some()).map(|case| case.id.clone()),
        example,
    }
}

fn case(case: &ExpandedCase, members: Vec<String>, catalogue: &Catalogue, server: &CommandTarget) -> Case {
    let answers = |call: &corpus::Call| call.expect.answers().iter().map(AcceptedAnswer::to_string).collect();
    let control = case.case.control.as_ref();
    let id = if members.len() == 1 { &members[0] } else { &case.case.id };
    Case {
        id: case.case.id.clone(),
        suite: case.suite.clone(),
        operation: case.operation.clone(),
        title: case.case.title.clone(),
        requirements: case.case.requirements.clone(),
        requirement_texts: catalogue.requirements(&case.case.requirements),
        needs: case.case.needs.clone(),
        expects: case.calls.iter().map(answers).collect(),
        together: case.case.together,
        control: control.map(|control| Control { case: control.case.clone(), differs_at: control.differs_at.clone() }),
        breaks: case.case.breaks.clone(),
        breaks_meaning: case.case.breaks.as_deref().map(breaks_text),
        run: run_of(case, id, catalogue, server),
        is_run_on_the_emulator: is_run_on_the_emulator(case),
        members,
        example: example(case, catalogue, server),
    }
}

/// Whether the emulator of this build has what a case needs.
fn is_run_on_the_emulator(case: &ExpandedCase) -> bool {
    case.case.needs.iter().all(|need| EmulatorOptions::FEATURES.contains(&need.word()))
}

/// The command that runs what an id or a suite selects: on the emulator, or on a server that has what the case needs.
fn run_of(case: &ExpandedCase, selected: &str, catalogue: &Catalogue, server: &CommandTarget) -> String {
    let contract = &catalogue.library.contract;
    match contract.operation(&case.operation).filter(|_| !is_run_on_the_emulator(case)) {
        None => format!("countersign run{} {selected}", for_operation(&case.operation, contract)),
        Some(operation) => {
            let features = case.case.needs.iter().copied().collect();
            format!("{} {selected}", run_line(server, operation, &features, contract))
        }
    }
}

/// What a request breaks, in words.
fn breaks_text(word: &str) -> String {
    match word {
        "prose" => "what only the prose of the documents says; no schema forbids it".to_owned(),
        "protocol" => "what the protocol says of every request, whatever the operation".to_owned(),
        "state" => "nothing by itself; what it names is not there, or is in another state".to_owned(),
        keyword => format!("the keyword {keyword} of the JSON Schema of the request"),
    }
}

fn client_case(case: &cases::ClientCase, catalogue: &Catalogue) -> ClientCase {
    let request = &case.request;
    ClientCase {
        id: case.id.clone(),
        suite: case.suite().to_owned(),
        title: case.title.clone(),
        requirements: case.requirements.clone(),
        requirement_texts: catalogue.requirements(&case.requirements),
        input: request.input.clone(),
        config: request.config.clone(),
        endpoint: request.endpoint.clone(),
        calls: request.calls,
        steps: case.script.len(),
        example: format!("countersign sdk run --driver boto3 {}", case.id),
    }
}

fn defect(entry: &corpus::Defect, catalogue: &Catalogue) -> Defect {
    let contract = &catalogue.library.contract;
    let names = EmulatorOptions::default().names().into_iter().map(|(id, name)| (id.to_owned(), name)).collect();
    let server = CommandTarget::at(EMULATOR, names);
    let rows: Vec<_> = entry.requirements.iter().filter_map(|id| contract.register.get(id)).collect();
    let run = rows.first().and_then(|first| contract.operation(&first.operation)).map(|operation| {
        // A run is about one operation.
        let features_asked: Vec<_> = rows.iter().filter(|row| row.operation == operation.name.is).collect();
        // A case may need more than the feature of its requirement.
        let first_cases = features_asked.iter().filter_map(|row| catalogue.first_case(&row.id));
        let needs = first_cases.flat_map(|case| case.case.needs.iter().copied());
        let features = features_asked.iter().map(|row| row.feature).chain(needs).collect();
        let mut run = run_line(&server, operation, &features, contract);
        // `--requirement` selects cases. A requirement that no case cites selects none: it is judged wherever it is
        // seen.
        for row in features_asked.iter().filter(|row| catalogue.first_case(&row.id).is_some()) {
            run = format!("{run} --requirement {}", row.id);
        }
        run
    });
    let first = entry.requirements.iter().find_map(|id| catalogue.first_case(id));
    // One that changes log-ins stands before the door of a self-test only.
    let is_served = entry.door.is_none();
    Defect {
        id: entry.id.clone(),
        title: entry.title.clone(),
        requirements: entry.requirements.clone(),
        requirement_texts: catalogue.requirements(&entry.requirements),
        also: entry.also.iter().map(ToString::to_string).collect(),
        revision: entry.revision,
        serve: is_served.then(|| format!("countersign serve emulator --defect {}", entry.id)),
        run: run.filter(|_| is_served),
        example: first.filter(|_| is_served).and_then(|case| example(case, catalogue, &server)),
        selftest: format!("countersign selftest {}", entry.id),
    }
}

fn suite(name: &str, catalogue: &Catalogue, server: &CommandTarget) -> Option<Suite> {
    let cases = catalogue.cases(|case| case.suite == name);
    let on_clients = catalogue.clients.cases().iter().filter(|case| case.suite() == name);
    let client_cases: Vec<_> = on_clients.map(|case| NamedItem::new(&case.id, &case.title)).collect();
    let library = &catalogue.library;
    let first = library.corpus.cases().iter().find(|case| case.suite == name);
    let examples = [
        first.map(|first| run_of(first, name, catalogue, server)),
        (!client_cases.is_empty()).then(|| format!("countersign sdk run --driver boto3 {name}")),
    ];
    let examples: Vec<String> = examples.into_iter().flatten().collect();
    let feature = feature(name, catalogue, server);
    (!examples.is_empty()).then(|| Suite { id: name.to_owned(), cases, client_cases, examples, feature })
}

fn feature(name: &str, catalogue: &Catalogue, server: &CommandTarget) -> Option<AboutFeature> {
    let feature: Feature = name.to_ascii_lowercase().parse().ok()?;
    let contract = &catalogue.library.contract;
    let rows =
        || contract.register.requirements.iter().filter(|row| row.side == Side::Server && row.feature == feature);
    let counts = contract.register.counts(feature);
    let why_not = |row: &contract::Requirement| row.pending.clone().or_else(|| row.excluded.clone());
    let default = contract.default_operation();
    let counted = || counts.keys().find_map(|name| contract.operation(name));
    let operation = if counts.contains_key(&default.name.is) { Some(default) } else { counted() };
    // Its cases may need another feature too.
    let first = rows().find_map(|row| catalogue.first_case(&row.id));
    let needs = first.into_iter().flat_map(|case| case.case.needs.iter().copied());
    let claims = needs.chain([feature]).collect();
    let example = operation.map(|of| run_line(server, of, &claims, contract));
    Some(AboutFeature {
        id: feature,
        meaning: feature.meaning(),
        must: counts.values().sum(),
        operations: counts,
        requirements: rows().map(|row| NamedItem::new(&row.id, &row.text)).collect(),
        not_judged: rows().filter_map(|row| Some(NamedItem::new(&row.id, &why_not(row)?))).collect(),
        claimable: example.is_some(),
        example,
    })
}

fn about_operation(operation: &Operation, library: &Library, server: &CommandTarget) -> AboutOperation {
    let (contract, id) = (&library.contract, operation.name.is.clone());
    let must = |feature: Feature| Some((feature.word().to_owned(), contract.register.counts(feature).remove(&id)?));
    let suites = SuiteEntry::of(&id, library);
    let line = || run_line(server, operation, &[Feature::CORE].into(), contract);
    AboutOperation {
        meaning: operation.meaning.is.clone(),
        default: id == contract.service.default_operation,
        requirements: operation.requirements.clone(),
        must: Feature::all().filter_map(must).collect(),
        example: (!suites.is_empty()).then(line),
        suites,
        id,
    }
}

const fn meaning(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Documented => "stated plainly in the documents",
        Evidence::Modelled => "in AWS's model of the service",
        Evidence::Protocol => "in the definition of the protocol",
        Evidence::Observed => "seen in a public record of real AWS",
        Evidence::Sibling => "seen on another service with the same protocol",
        Evidence::Inferred => "concluded, not stated",
        Evidence::Conflict => "the sources disagree or are silent",
    }
}
