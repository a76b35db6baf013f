//! Rules for answers that are one page of a longer list.

use serde_json::Value;

use super::success::accepted_schema;
use super::{Finding, Findings, Observation, Subject};
use crate::contract::{MemberKind, Operation};
use crate::verdict::Fault;
use crate::wire::{Exchange, Response};

/// The list in the answers of an operation that gives it page by page.
struct PagedList<'a> {
    /// The member of a request that says how many items a page has at most.
    most: &'a str,
    /// The member of a request that says where a page begins.
    token: &'a str,
    list: &'a str,
}

impl<'a> PagedList<'a> {
    fn of(operation: &'a Operation) -> Option<Self> {
        let pages = &operation.pages.as_ref()?.is;
        let is_list = |name: &&String| operation.response.members[*name].kind.is == MemberKind::List;
        let list = operation.response.members.keys().find(is_list)?;
        Some(Self { most: &pages.size, token: &pages.token, list })
    }

    /// The pages that led to the answer of an exchange, the nearest first: each gave the token of the next page.
    fn earlier_pages(&self, exchange: &Exchange, earlier: &[Exchange]) -> Vec<Value> {
        let (mut pages, mut token_sent) = (Vec::new(), self.token_of(&exchange.request.body));
        for exchange in earlier.iter().rev() {
            let Some(page) = exchange.answer.as_ref().ok().and_then(Response::json) else { continue };
            if token_sent.is_some() && page.get(self.token) == token_sent.as_ref() {
                token_sent = self.token_of(&exchange.request.body);
                pages.push(page);
            }
        }
        pages
    }

    fn token_of(&self, body: &[u8]) -> Option<Value> {
        let sent: Value = serde_json::from_slice(body).ok()?;
        sent.get(self.token).filter(|token| !token.is_null()).cloned()
    }

    fn items<'b>(&self, body: &'b Value) -> Option<&'b Vec<Value>> {
        body.get(self.list)?.as_array()
    }
}

/// A page has no more items than the request allows.
pub(super) fn size(observation: &Observation<'_>) -> Findings {
    accepted_schema(observation)?;
    let paged = PagedList::of(observation.operation)?;
    let (most, items) = (observation.requested_value(paged.most)?.as_u64()?, paged.items(observation.body.as_ref()?)?);
    let at = format!("/{}", paged.list);
    let found = items.len() as u64;
    Finding::one(Subject::at(at.clone()), found <= most, || Fault::TooMany { at, most, found })
}

/// A page repeats no item of the pages that led to it.
pub(super) fn follows(observation: &Observation<'_>) -> Findings {
    accepted_schema(observation)?;
    let paged = PagedList::of(observation.operation)?;
    let before = paged.earlier_pages(observation.exchange, observation.earlier);
    let items = paged.items(observation.body.as_ref()?).filter(|_| !before.is_empty())?;
    let is_known = |item| before.iter().any(|page| paged.items(page).is_some_and(|items| items.contains(item)));
    let at = format!("/{}", paged.list);
    Finding::one(Subject::at(at.clone()), !items.iter().any(is_known), || Fault::Again { at })
}
