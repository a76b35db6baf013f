//! What a run made whose journal is lost: it has the tag of the run, and a name of the form that cases give.
//!
//! Both must be so before something counts as a run's. What can have no tag counts where it belongs to something that has
//! one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use jiff::Timestamp;
use regex::Regex;
use serde_json::Value;

use super::budget::Purpose;
use super::case::RunContext;
use super::random_names::RandomNames;
use super::request::{Earlier, RequestMaker};
use super::resources::answer_in_short;
use super::session::Session;
use super::tags;
use crate::contract::{Contract, ErrorMeaning, MadeKind, MadeListing, Operation, TagForm};
use crate::corpus::template::{NAME_LENGTH, pieces};
use crate::corpus::{Corpus, RequestSpec};
use crate::verdict::{Leftover, TargetAnswer};
use crate::wire::{Response, error_type};

/// The most pages of a list that are read.
const MOST_PAGES: usize = 1_000;

/// What was found, and of which run it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The thing.
    pub thing: Leftover,
    /// The seed of the run.
    pub run: u64,
}

/// A list that the target does not give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoList {
    /// The operation that was asked.
    pub operation: String,
    /// What came back.
    pub answer: TargetAnswer,
}

impl Session {
    /// Looks for what runs made whose journals are lost: those of the run with this seed, or of any run. What depends on
    /// something else comes before it.
    ///
    /// # Errors
    /// The list that the target does not give.
    pub async fn find_tagged(&self, run: Option<u64>) -> Result<Vec<Found>, NoList> {
        let search = Search { context: self.context(), contract: self.contract(), corpus: self.corpus() };
        search.all(run).await
    }
}

struct Search<'a> {
    context: &'a RunContext,
    contract: &'a Contract,
    corpus: &'a Corpus,
}

/// A kind of thing, and the operation that makes it.
type Kind<'a> = (&'a Operation, &'a MadeKind, &'a MadeListing);

impl Search<'_> {
    async fn all(&self, run: Option<u64>) -> Result<Vec<Found>, NoList> {
        let mut kinds: Vec<Kind<'_>> = self.kinds();
        // What others depend on is looked for first: what has no tag of its own belongs to it.
        kinds.sort_by_key(|kind| depth(kind, &self.kinds()));
        let mut found: Vec<Found> = Vec::new();
        for (operation, kind, listing) in kinds {
            let name_forms = self.name_forms(&operation.name.is, kind);
            let is_ours = |name: &str| name_forms.iter().any(|form| form.is_match(name));
            for item in self.items(listing).await? {
                let text = |member: &String| item.get(member).and_then(Value::as_str).map(str::to_owned);
                let Some(name) = text(&kind.named_by).filter(|name| is_ours(name)) else { continue };
                let input: BTreeMap<_, _> =
                    kind.with.iter().filter_map(|member| Some((member.clone(), text(member)?))).collect();
                if input.len() < kind.with.len() {
                    continue;
                }
                let of_run = match (&listing.tags, &kind.tagged_by) {
                    (Some(_), Some(form)) => self.run_of(listing, form, &item).await?,
                    // It belongs to what another member names.
                    _ => found
                        .iter()
                        .find(|other| {
                            let named = other.thing.input.iter();
                            let is_same = |(member, name): (&String, &String)| input.get(member) == Some(name);
                            named.into_iter().any(is_same)
                        })
                        .map(|other| other.run),
                };
                let Some(of_run) = of_run.filter(|of_run| run.is_none_or(|run| run == *of_run)) else { continue };
                let target = &self.context.target;
                let thing = Leftover {
                    noun: kind.noun.clone(),
                    name,
                    case: String::new(),
                    undone_by: kind.undone_by.clone(),
                    input,
                    endpoint: target.endpoint.to_string(),
                    region: target.region.to_string(),
                    hook: None,
                };
                found.push(Found { thing, run: of_run });
            }
        }
        found.reverse();
        Ok(found)
    }

    fn kinds(&self) -> Vec<Kind<'_>> {
        let makers = self.contract.operations.values();
        let kinds = makers.filter_map(|operation| Some((operation, &operation.makes.as_ref()?.is)));
        kinds.filter_map(|(operation, kind)| Some((operation, kind, kind.listed_by.as_ref()?))).collect()
    }

    /// The forms of the names that cases give to what an operation makes.
    fn name_forms(&self, operation: &str, kind: &MadeKind) -> Vec<Regex> {
        let cases = self.corpus.cases().iter();
        let calls = cases.flat_map(|case| case.every_call().map(move |call| (case, call)));
        let of_operation =
            calls.filter(|(case, call)| call.request.operation.as_deref().unwrap_or(&case.operation) == operation);
        let names: BTreeSet<String> = of_operation
            .filter_map(|(_, call)| serde_json::from_str(call.request.input.get(&kind.named_by)?).ok())
            .collect();
        names.iter().filter_map(|name| form_of(name)).collect()
    }

    /// What the target lists of a kind, all pages of it.
    async fn items(&self, listing: &MadeListing) -> Result<Vec<Value>, NoList> {
        let Some(operation) = self.contract.operation(&listing.operation) else { return Ok(Vec::new()) };
        let pages = operation.pages.as_ref().map(|fact| &fact.is);
        let (mut items, mut token): (Vec<Value>, Option<String>) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let spec = match (pages, &token) {
                (Some(pages), Some(token)) => RequestSpec::with(&pages.token, token),
                _ => RequestSpec::default(),
            };
            let body = self.ask(operation, &spec).await?.map_err(|answer| no_list(operation, answer))?;
            items.extend(body.pointer(&listing.at).and_then(Value::as_array).into_iter().flatten().cloned());
            let next = pages.and_then(|pages| body.get(&pages.token)?.as_str().map(str::to_owned));
            if next.is_none() || next == token {
                break;
            }
            token = next;
        }
        Ok(items)
    }

    /// The seed of the run whose tag an item has.
    async fn run_of(&self, listing: &MadeListing, form: &TagForm, item: &Value) -> Result<Option<u64>, NoList> {
        let Some(asked) = &listing.tags else { return Ok(None) };
        let Some(operation) = self.contract.operation(&asked.operation) else { return Ok(None) };
        let Some(id) = item.get(&asked.of).and_then(Value::as_str) else { return Ok(None) };
        let body = self.ask(operation, &RequestSpec::with(&asked.member, id)).await?;
        // What was listed may be gone by now: a deletion that the run asked for is carried out.
        Ok(body.ok().and_then(|body| tags::run_of(body.pointer(&asked.at)?, form)))
    }

    /// Asks for a list. The inner error is the answer that what the list belongs to is not there.
    async fn ask(&self, operation: &Operation, spec: &RequestSpec) -> Result<Result<Value, TargetAnswer>, NoList> {
        let RunContext { target, sender, seen, .. } = self.context;
        let maker = RequestMaker { contract: self.contract, target, prefix: "", earlier: Earlier::default() };
        let address = operation.address(&self.contract.service);
        let make = || maker.make(spec, address, &mut RandomNames::new(0, "", 0), Timestamp::now());
        let sent = Box::pin(sender.send(seen, (false, Purpose::Undoing), make)).await;
        let exchange = sent.map_err(|reason| no_list(operation, TargetAnswer::Nothing(format!("{reason:?}"))))?;
        let response = exchange.answer.as_ref().ok();
        let success = response.filter(|response| (200..300).contains(&response.status));
        if let Some(body) = success.and_then(Response::json) {
            return Ok(Ok(body));
        }
        let answer = answer_in_short(self.context, &exchange);
        let meaning = response.and_then(error_type).and_then(|error| self.contract.service.meaning_of(&error));
        if meaning == Some(ErrorMeaning::NotFound) { Ok(Err(answer)) } else { Err(no_list(operation, answer)) }
    }
}

fn no_list(operation: &Operation, answer: TargetAnswer) -> NoList {
    NoList { operation: operation.name.is.clone(), answer }
}

/// How many other kinds of things must be there before one of this kind can be.
fn depth((operation, kind, _): &Kind<'_>, all: &[Kind<'_>]) -> usize {
    let needs = |(_, other, _): &&Kind<'_>| {
        other.named_by != kind.named_by && operation.request.members.contains_key(&other.named_by)
    };
    all.iter().filter(needs).count()
}

/// The form of the names that a template gives; `None` if it gives none that is new in each run.
fn form_of(template: &str) -> Option<Regex> {
    let mut form = String::from("^");
    let mut is_new = false;
    for (text, placeholder) in pieces(template) {
        form.push_str(&regex::escape(text));
        match placeholder {
            Some(name) if name.starts_with("name:") => {
                is_new = true;
                let _ = write!(form, "[a-z][a-z0-9]{{{}}}", NAME_LENGTH - 1);
            }
            Some(_) => return None,
            None => {}
        }
    }
    form.push('$');
    Regex::new(&form).ok().filter(|_| is_new)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_name("${name:space}", "abcdefghij0123456789", true)]
    #[case::with_an_end("${name:group}-main", "abcdefghij0123456789-main", true)]
    #[case::with_another_end("${name:group}-main", "abcdefghij0123456789-prod", false)]
    #[case::of_a_domain("${name:domain}.example.com", "abcdefghij0123456789.example.com", true)]
    #[case::a_dot_is_a_dot("${name:domain}.example.com", "abcdefghij0123456789xexample.com", false)]
    #[case::too_short("${name:space}", "abcdefghij012345678", false)]
    #[case::longer("${name:space}", "abcdefghij0123456789a", false)]
    #[case::of_somebody("${name:space}", "the-production-space", false)]
    fn a_name_has_the_form_that_its_template_gives(#[case] template: &str, #[case] name: &str, #[case] fits: bool) {
        assert_eq!(form_of(template).map(|form| form.is_match(name)), Some(fits));
    }

    #[rstest]
    #[case::fixed("a-workgroup")]
    #[case::of_the_target("${workgroup}")]
    fn what_is_not_new_in_each_run_has_no_form(#[case] template: &str) {
        assert!(form_of(template).is_none());
    }
}
