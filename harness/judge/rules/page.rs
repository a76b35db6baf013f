//! Rules for answers that are one page of a longer list.

use serde_json::Value;

use super::success::accepted_schema;
use super::{Finding, Observation, Subject};
use crate::contract::{Kind, Operation};
use crate::verdict::Fault;
use crate::wire::Exchange;

/// The list in the answers of an operation that gives it page by page.
struct Paged<'a> {
    /// The member of a request that says how many items a page has at most.
    most: &'a str,
    /// The member of a request that says where a page begins.
    token: &'a str,
    /// The member of the answer that is the list.
    list: &'a str,
}

impl<'a> Paged<'a> {
    /// Of an operation; nothing where its answers are no pages.
    fn of(operation: &'a Operation) -> Option<Self> {
        let pages = &operation.pages.as_ref()?.is;
        let is_list = |name: &&String| operation.response.members[*name].kind.is == Kind::List;
        let list = operation.response.members.keys().find(is_list)?;
        Some(Self { most: &pages.size, token: &pages.token, list })
    }

    fn items<'b>(&self, body: &'b Value) -> Option<&'b Vec<Value>> {
        body.get(self.list)?.as_array()
    }
}

/// A page has no more items than the request allows.
pub(super) fn size(seen: &Observation<'_>) -> Vec<Finding> {
    let (Some(_), Some(body), Some(paged)) = (accepted_schema(seen), &seen.body, Paged::of(seen.operation)) else {
        return Vec::new();
    };
    let asked = seen.asked(paged.most).and_then(|most| most.as_u64());
    let (Some(most), Some(items)) = (asked, paged.items(body)) else { return Vec::new() };
    let at = format!("/{}", paged.list);
    let found = items.len() as u64;
    Finding::one(Subject::at(at.clone()), found <= most, || Fault::TooMany { at, most, found })
}

/// A page that follows another has other items.
pub(super) fn follows(seen: &Observation<'_>) -> Vec<Finding> {
    let (Some(_), Some(body), Some(paged)) = (accepted_schema(seen), &seen.body, Paged::of(seen.operation)) else {
        return Vec::new();
    };
    let goes_on = !seen.earlier.is_empty() && seen.asked(paged.token).is_some();
    let Some(items) = paged.items(body).filter(|_| goes_on) else { return Vec::new() };
    let before = |exchange: &Exchange| exchange.answer.as_ref().ok()?.json();
    let known = |item: &Value| {
        seen.earlier.iter().filter_map(before).any(|page| paged.items(&page).is_some_and(|items| items.contains(item)))
    };
    let at = format!("/{}", paged.list);
    Finding::one(Subject::at(at.clone()), !items.iter().any(known), || Fault::Again { at })
}
