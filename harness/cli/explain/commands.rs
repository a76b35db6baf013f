//! The commands in explanations.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Url;

use crate::cli::library::{Catalogue, Library};
use crate::cli::settings::{Settings, TargetChoice};
use crate::contract::{Contract, Feature, Operation, Resource};
use crate::corpus::ExpandedCase;
use crate::run::{example_line, shell_word};
use crate::targets::Target;
use crate::wire::{Credentials, Region};

/// Where emulators usually listen.
const USUAL: &str = "http://localhost:4566";

/// Where the credentials of an emulator at its usual port may log in.
const DATABASE: &str = "postgres://{user}:{password}@localhost:5439/";

/// What may move the clock of such an emulator.
const CLOCK: &str = "POST http://localhost:4566/_countersign/clock";

/// The server that the commands are for.
#[derive(Debug)]
pub(in crate::cli) struct CommandTarget {
    /// Where it listens.
    pub(super) url: Url,
    region: Region,
    is_signed: bool,
    /// The names of its resources, by the resources' ids.
    names: BTreeMap<String, String>,
}

impl CommandTarget {
    /// The server that `run` tests without flags: the one that a variable or a file names. An emulator at its usual
    /// port if none is named, or if what is named is wrong, which `run` says.
    pub(in crate::cli) fn set() -> Self {
        match Settings::without_flags() {
            Ok(Settings { choice: TargetChoice::Endpoint { url, .. }, region, sign, resources, .. }) => {
                Self { url, region, is_signed: sign, names: resources }
            }
            Ok(_) | Err(_) => Self::usual(),
        }
    }

    /// An emulator at its usual port, with the names of the examples.
    pub(super) fn usual() -> Self {
        Self::at(USUAL, BTreeMap::new())
    }

    /// A server at a URL of ours, with resources of these names.
    pub(super) fn at(url: &str, names: BTreeMap<String, String>) -> Self {
        let url = Url::parse(url).expect("the example's URL is valid");
        Self { url, region: Region::us_east_1(), is_signed: true, names }
    }

    pub(super) fn name_of(&self, resource: &Resource) -> String {
        self.names.get(&resource.id).unwrap_or(&resource.example).clone()
    }

    /// The URL as a word of a command.
    pub(super) fn url_word(&self) -> String {
        shell_word(self.url.as_str().trim_end_matches('/'))
    }
}

/// The command that runs an operation and claims these features. It names the resources that the operation's requests
/// can name, where a feature needs them or cases would be blocked without them.
pub(super) fn run_line(
    server: &CommandTarget,
    operation: &Operation,
    features: &BTreeSet<Feature>,
    contract: &Contract,
) -> String {
    let mut line =
        format!("countersign run --endpoint {}{}", server.url_word(), for_operation(&operation.name.is, contract));
    let mut claims: Vec<&str> = features.iter().filter(|of| **of != Feature::CORE).map(|of| of.word()).collect();
    for resource in &contract.service.resources {
        let place = resource.feature.as_ref().and_then(|word| claims.iter().position(|claim| claim == word));
        let is_member = operation.request.members.contains_key(&resource.member);
        if is_member && (resource.must_be_named || place.is_some()) {
            line = format!("{line} --{} {}", resource.flag, shell_word(&server.name_of(resource)));
            // A name claims its feature too.
            place.map(|place| claims.remove(place));
        }
    }
    if features.contains(&Feature::LOGIN) {
        line = format!("{line} --database {}", shell_word(DATABASE));
    }
    if features.contains(&Feature::CLOCK) {
        line = format!("{line} --clock {}", shell_word(CLOCK));
    }
    if claims.is_empty() { line } else { format!("{line} --claim {}", claims.join(",")) }
}

/// The flag that selects this operation; empty for the default operation.
pub(super) fn for_operation(operation: &str, contract: &Contract) -> String {
    let is_default = *operation == contract.service.default_operation;
    if is_default { String::new() } else { format!(" --operation {operation}") }
}

/// The request of a case as a command, for a server that has only what the case and its control need.
pub(super) fn example(case: &ExpandedCase, catalogue: &Catalogue, server: &CommandTarget) -> Option<String> {
    let Library { contract, corpus, .. } = &catalogue.library;
    let control = case.case.control.as_ref().and_then(|control| corpus.get(&control.case));
    let is_named = |of: &&Resource| case.uses_resource(of) || control.is_some_and(|control| control.uses_resource(of));
    let mut target = Target::at(server.url.clone());
    target.region = server.region.clone();
    if server.is_signed {
        target = target.signed_by(Credentials::new("AKIDEXAMPLE", "never printed"));
    }
    let named_resources = contract.service.resources.iter().filter(is_named);
    let target = named_resources.fold(target, |target, of| target.having(&of.id, server.name_of(of)));
    example_line(case, &target, contract)
}
