//! `ListWorkgroups`: all workgroups, page by page, in the order of their names.

use serde_json::{Value, json};

use crate::servers::emulator::errors::ServiceError;
use crate::servers::emulator::protocol::Members;
use crate::servers::emulator::service::Call;
use crate::servers::emulator::validation::{self, Breaches, BrokenConstraint};

/// Values of `maxResults`. Source: the service model.
const MAX_RESULTS: (i32, i32) = (1, 100);

/// The most workgroups on a page if the caller does not say. The documents give no default; 100 is that of
/// `ListUsageLimits`, the only list of the service that documents one.
const DEFAULT_MAX_RESULTS: usize = 100;

/// Lengths of `ownerAccount`, in characters. Source: the service model.
const OWNER_ACCOUNT_LENGTH: (usize, usize) = (1, 12);

/// The pattern of `ownerAccount`, which has no anchors. Source: the service model.
const OWNER_ACCOUNT_PATTERN: &str = "(\\d{12})";

/// Source: the service model; nothing is required.
pub(super) fn call(call: &Call<'_>, members: &Members) -> Result<Value, ServiceError> {
    let max_results = members.integer("maxResults")?;
    let next_token = members.string("nextToken")?;
    let owner_account = members.string("ownerAccount")?;

    let mut breaches = Breaches::default();
    breaches.at("maxResults", max_results.map(|most| validation::range(most, MAX_RESULTS)));
    breaches.at("ownerAccount", owner_account.as_deref().into_iter().flat_map(broken_by_account));
    breaches.refuse()?;

    // Nobody shares a workgroup with the caller, so the caller sees none of another account.
    let is_own = owner_account.is_none_or(|account| account == call.caller.account);
    let workgroups = if is_own { call.service.workgroups().all() } else { &[] };
    let start =
        next_token.map_or(Some(0), |token| workgroups.iter().position(|workgroup| workgroup.page_token == token));
    let start = start.ok_or_else(|| ServiceError::validation("The nextToken was not given out for this list."))?;
    let most = max_results.and_then(|most| usize::try_from(most).ok()).unwrap_or(DEFAULT_MAX_RESULTS);
    let end = workgroups.len().min(start + most);
    let page: Vec<_> = workgroups[start..end].iter().map(|workgroup| workgroup.shown_by(call.service)).collect();
    let mut output = json!({ "workgroups": page });
    if let Some(next) = workgroups.get(end) {
        output["nextToken"] = next.page_token.as_str().into();
    }
    Ok(output)
}

/// The constraints that an account breaks. The pattern is twelve digits in a row, anywhere.
fn broken_by_account(account: &str) -> [Option<BrokenConstraint>; 2] {
    let matches = account.as_bytes().windows(12).any(|part| part.iter().all(u8::is_ascii_digit));
    [validation::length(account, OWNER_ACCOUNT_LENGTH), validation::pattern(OWNER_ACCOUNT_PATTERN, matches)]
}
