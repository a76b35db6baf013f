//! What there is to say about one thing, as `explain --format json` writes it.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Url;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::cli::library::{Catalogue, Citing, Named};
use crate::contract::{self, ConfirmationStatus, Contract, Evidence, Feature, Level, Resource, Side};
use crate::corpus::{self, Answer, DefectKind, ExpandedCase};
use crate::report::source;
use crate::run::example_line;
use crate::sdk::cases::{self, ClientInput};
use crate::servers::emulator::Options;
use crate::targets::Target;
use crate::wire::Credentials;

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
    /// A deliberate fault, which the suite must find.
    Defect(Defect),
    /// A legal variant of a right server, which the suite must not accuse.
    Legal(Defect),
    /// The cases on one topic.
    Suite(Suite),
    /// What a target may lack.
    Feature(AboutFeature),
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
    /// The rule of the judge that decides it; null where the outcome of its cases does.
    pub(super) rule: Option<String>,
    /// The cases on endpoints that cite it, a family as one.
    pub(super) cases: Vec<Named>,
    /// The cases on SDKs that cite it.
    pub(super) client_cases: Vec<Named>,
    /// The defects that break it.
    pub(super) defects: Vec<Named>,
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
    /// What it claims.
    pub(super) title: String,
    /// The requirements that it cites.
    pub(super) requirements: Vec<String>,
    /// The same, each with its text.
    pub(super) requirement_texts: Vec<Named>,
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
    /// The same, each with its text.
    pub(super) requirement_texts: Vec<Named>,
    /// The members of the input.
    #[schemars(with = "BTreeMap<String, Value>")]
    pub(super) input: ClientInput,
    /// The settings of the client, in code.
    pub(super) config: cases::Config,
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
    /// The same, each with its text.
    pub(super) requirement_texts: Vec<Named>,
    /// Requirements that fall with those, as ids or globs.
    pub(super) also: Vec<String>,
    /// The command that serves the emulator behind it.
    pub(super) serve: String,
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
    pub(super) cases: Vec<Named>,
    /// Its cases on SDKs.
    pub(super) client_cases: Vec<Named>,
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
    /// How many must-requirements it has that count.
    pub(super) must: usize,
    /// All its requirements, each with its text.
    pub(super) requirements: Vec<Named>,
    /// Those that are not judged: what is missing before they can be, or why they never are.
    pub(super) not_judged: Vec<Named>,
    /// Whether a target can claim it: one that has nothing to be judged by ends a run at once, with exit code 2.
    pub(super) claimable: bool,
    /// The run that claims it, where one can.
    pub(super) example: Option<String>,
}

impl About {
    /// What has this id.
    pub(super) fn find(id: &str, catalogue: &Catalogue) -> Option<Self> {
        let Catalogue { library, clients, banks } = catalogue;
        if let Some(row) = library.contract.register.get(&id.to_ascii_uppercase()) {
            return Some(Self::Requirement(Box::new(requirement(row, catalogue))));
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
            return Some(Self::Case(Box::new(case(first, members, catalogue))));
        }
        suite(id, catalogue).map(Self::Suite).or_else(|| feature(id, catalogue).map(Self::Feature))
    }
}

fn requirement(row: &contract::Requirement, catalogue: &Catalogue) -> Requirement {
    let Citing { cases, client_cases, defects } = catalogue.citing(&row.id);
    let first = catalogue.first_case(&row.id);
    let example = first.and_then(|case| example(case, &catalogue.library.contract));
    Requirement {
        id: row.id.clone(),
        text: row.text.clone(),
        level: row.level,
        evidence: row.evidence,
        evidence_meaning: meaning(row.evidence),
        source: source(row),
        confirmation: row.confirmation.status,
        side: row.side,
        feature: row.feature,
        accepts: row.accepts.clone(),
        excluded: row.excluded.clone(),
        pending: row.pending.clone(),
        holds_in: row.holds_in.clone(),
        rule: row.decided_by.as_ref().map(|by| by.rule.clone()),
        cases,
        client_cases,
        defects,
        example_of: first.filter(|_| example.is_some()).map(|case| case.id.clone()),
        example,
    }
}

fn case(case: &ExpandedCase, members: Vec<String>, catalogue: &Catalogue) -> Case {
    let answers = |call: &corpus::Call| call.expect.answers().iter().map(Answer::to_string).collect();
    let control = case.case.control.as_ref();
    Case {
        id: case.case.id.clone(),
        suite: case.suite.clone(),
        title: case.case.title.clone(),
        requirements: case.case.requirements.clone(),
        requirement_texts: catalogue.requirements(&case.case.requirements),
        needs: case.case.needs.clone(),
        expects: case.calls.iter().map(answers).collect(),
        together: case.case.together,
        control: control.map(|control| Control { case: control.case.clone(), differs_at: control.differs_at.clone() }),
        breaks: case.case.breaks.clone(),
        breaks_meaning: case.case.breaks.as_deref().map(broken),
        members,
        example: example(case, &catalogue.library.contract),
    }
}

/// What a request breaks, in words.
fn broken(word: &str) -> String {
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
    let names: BTreeMap<_, _> = Options::default().names().into_iter().collect();
    let rows: Vec<_> = entry.requirements.iter().filter_map(|id| contract.register.get(id)).collect();
    let features: BTreeSet<Feature> = rows.iter().map(|row| row.feature).collect();
    let mut run = format!("countersign run --endpoint {EMULATOR}");
    for Resource { id, flag, .. } in contract.service.resources.iter().filter(|of| is_named(of, &features)) {
        run = format!("{run} --{flag} {}", names.get(id.as_str()).map_or("", String::as_str));
    }
    if features.iter().any(|feature| *feature != Feature::CORE) {
        let words: Vec<_> = features.iter().map(|feature| feature.word()).collect();
        run = format!("{run} --claim {}", words.join(","));
    }
    let operation = rows.first().map_or(&contract.service.default_operation, |row| &row.operation);
    if *operation != contract.service.default_operation {
        run = format!("{run} --operation {operation}");
    }
    // One run is of one operation.
    let asked = rows.iter().filter(|row| row.operation == *operation);
    let asked: Vec<String> = asked.map(|row| format!(" --requirement {}", row.id)).collect();
    let target = names.iter().fold(at(EMULATOR), |target, (id, name)| target.having(id, name));
    let first = entry.requirements.iter().find_map(|id| catalogue.first_case(id));
    Defect {
        id: entry.id.clone(),
        title: entry.title.clone(),
        requirements: entry.requirements.clone(),
        requirement_texts: catalogue.requirements(&entry.requirements),
        also: entry.also.iter().map(ToString::to_string).collect(),
        serve: format!("countersign serve emulator --defect {}", entry.id),
        run: (!asked.is_empty()).then(|| run + &asked.concat()),
        example: first.and_then(|case| example_line(case, &target, contract)),
        selftest: format!("countersign selftest {}", entry.id),
    }
}

fn suite(name: &str, catalogue: &Catalogue) -> Option<Suite> {
    let cases = catalogue.cases(|case| case.suite == name);
    let on_clients = catalogue.clients.cases().iter().filter(|case| case.suite() == name);
    let client_cases: Vec<_> = on_clients.map(|case| Named::new(&case.id, &case.title)).collect();
    let examples = [
        (!cases.is_empty()).then(|| format!("countersign run {name}")),
        (!client_cases.is_empty()).then(|| format!("countersign sdk run --driver boto3 {name}")),
    ];
    let examples: Vec<String> = examples.into_iter().flatten().collect();
    let feature = feature(name, catalogue);
    (!examples.is_empty()).then(|| Suite { id: name.to_owned(), cases, client_cases, examples, feature })
}

fn feature(name: &str, catalogue: &Catalogue) -> Option<AboutFeature> {
    let feature: Feature = name.to_ascii_lowercase().parse().ok()?;
    let contract = &catalogue.library.contract;
    let rows =
        || contract.register.requirements.iter().filter(|row| row.side == Side::Server && row.feature == feature);
    let must = rows().filter(|row| row.counts()).count();
    let why_not = |row: &contract::Requirement| row.pending.clone().or_else(|| row.excluded.clone());
    let mut example = "countersign run --endpoint http://localhost:4566".to_owned();
    let named: Vec<_> = contract.service.resources.iter().filter(|of| is_named(of, &[feature].into())).collect();
    for Resource { flag, example: name, .. } in &named {
        example = format!("{example} --{flag} {name}");
    }
    // A name claims its feature too.
    if feature != Feature::CORE && !named.iter().any(|of| of.feature.as_deref() == Some(feature.word())) {
        example = format!("{example} --claim {feature}");
    }
    Some(AboutFeature {
        id: feature,
        meaning: feature.meaning(),
        must,
        requirements: rows().map(|row| Named::new(&row.id, &row.text)).collect(),
        not_judged: rows().filter_map(|row| Some(Named::new(&row.id, &why_not(row)?))).collect(),
        claimable: must > 0,
        example: (must > 0).then_some(example),
    })
}

/// Whether a run that claims these features names a resource: without its name, cases would be blocked.
fn is_named(resource: &Resource, features: &BTreeSet<Feature>) -> bool {
    let is_claimed = |word: &String| features.iter().any(|feature| feature.word() == word);
    resource.must_be_named || resource.feature.as_ref().is_some_and(is_claimed)
}

/// The request of a case as a command, for an emulator at its usual port.
fn example(case: &ExpandedCase, contract: &Contract) -> Option<String> {
    let resources = contract.service.resources.iter();
    let target = at("http://localhost:4566");
    let target = resources.fold(target, |target, resource| target.having(&resource.id, &resource.example));
    example_line(case, &target, contract)
}

fn at(url: &str) -> Target {
    let url = Url::parse(url).expect("the example's URL is valid");
    Target::at(url).signed_by(Credentials::new("AKIDEXAMPLE", "never printed"))
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
