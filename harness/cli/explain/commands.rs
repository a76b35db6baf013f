//! The commands in explanations.

use std::collections::BTreeSet;

use reqwest::Url;

use crate::cli::library::{Catalogue, Library};
use crate::contract::{Contract, Feature, Operation, Resource};
use crate::corpus::ExpandedCase;
use crate::run::example_line;
use crate::targets::Target;
use crate::wire::Credentials;

/// Where emulators usually listen.
pub(super) const USUAL: &str = "http://localhost:4566";

/// The command that runs an operation and claims these features. It names the resources that the operation's requests
/// can name, where a feature needs them or cases would be blocked without them.
pub(super) fn run_line(
    url: &str,
    operation: &Operation,
    features: &BTreeSet<Feature>,
    (contract, name_of): (&Contract, &dyn Fn(&Resource) -> String),
) -> String {
    let mut line = format!("countersign run --endpoint {url}{}", for_operation(&operation.name.is, contract));
    let mut claims: Vec<&str> = features.iter().filter(|of| **of != Feature::CORE).map(|of| of.word()).collect();
    for resource in &contract.service.resources {
        let place = resource.feature.as_ref().and_then(|word| claims.iter().position(|claim| claim == word));
        let is_member = operation.request.members.contains_key(&resource.member);
        if is_member && (resource.must_be_named || place.is_some()) {
            line = format!("{line} --{} {}", resource.flag, name_of(resource));
            // A name claims its feature too.
            place.map(|place| claims.remove(place));
        }
    }
    if claims.is_empty() { line } else { format!("{line} --claim {}", claims.join(",")) }
}

/// The flag that selects this operation; empty for the default operation.
pub(super) fn for_operation(operation: &str, contract: &Contract) -> String {
    let is_default = *operation == contract.service.default_operation;
    if is_default { String::new() } else { format!(" --operation {operation}") }
}

/// The request of a case as a command, for an emulator at its usual port.
pub(super) fn example(case: &ExpandedCase, catalogue: &Catalogue) -> Option<String> {
    example_at(USUAL, case, catalogue, &|resource| resource.example.clone())
}

/// The same for the server at a URL, which has only what the case and its control need.
pub(super) fn example_at(
    url: &str,
    case: &ExpandedCase,
    catalogue: &Catalogue,
    name_of: &dyn Fn(&Resource) -> String,
) -> Option<String> {
    let Library { contract, corpus, .. } = &catalogue.library;
    let control = case.case.control.as_ref().and_then(|control| corpus.get(&control.case));
    let is_named = |of: &&Resource| case.uses_resource(of) || control.is_some_and(|control| control.uses_resource(of));
    let url = Url::parse(url).expect("the example's URL is valid");
    let target = Target::at(url).signed_by(Credentials::new("AKIDEXAMPLE", "never printed"));
    let named_resources = contract.service.resources.iter().filter(is_named);
    let target = named_resources.fold(target, |target, resource| target.having(&resource.id, name_of(resource)));
    example_line(case, &target, contract)
}
