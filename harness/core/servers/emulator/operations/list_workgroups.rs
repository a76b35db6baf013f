//! `ListWorkgroups`: all workgroups, page by page, in the order of their names.

use serde_json::Value;

use crate::servers::emulator::errors::ServiceError;
use crate::servers::emulator::input::Input;
use crate::servers::emulator::pages::{Asked, List};
use crate::servers::emulator::protocol::Members;
use crate::servers::emulator::service::Call;
use crate::servers::emulator::validation::{self, BrokenConstraint};

/// Lengths of `ownerAccount`, in characters. Source: the service model.
const OWNER_ACCOUNT_LENGTH: (usize, usize) = (1, 12);

/// The pattern of `ownerAccount`, which has no anchors. Source: the service model.
const OWNER_ACCOUNT_PATTERN: &str = "(\\d{12})";

/// Source: the service model; nothing is required.
pub(super) fn call(call: &Call<'_>, members: &Members) -> Result<Value, ServiceError> {
    let mut input = Input::of(members);
    let asked = Asked::read(&mut input, |_| None)?;
    let owner = input.text("ownerAccount", broken_by_account)?;
    input.check()?;
    call.authorise()?;

    let account = call.caller.account;
    let owner = owner.as_deref().unwrap_or(account);
    let of = ["ListWorkgroups", account, call.region.as_str(), owner];
    let list = List { of: &of, member: "workgroups" };
    let page = call.look(|realm| {
        // Nobody shares a workgroup with the caller, so the caller sees none of another account.
        let names = realm.workgroups().filter(|_| owner == account);
        call.pages().page(list, &asked, names, |name| realm.workgroup_shown(name))
    });
    let mut page = page.map_err(|error| error.refusal(ServiceError::validation))?;
    if let Some(workgroups) = page["workgroups"].as_array_mut() {
        for workgroup in workgroups {
            *workgroup = call.with_door(workgroup.take());
        }
    }
    Ok(page)
}

/// The constraints that an account breaks. The pattern is twelve digits in a row, anywhere.
fn broken_by_account(account: &str) -> [Option<BrokenConstraint>; 2] {
    let matches = account.as_bytes().windows(12).any(|part| part.iter().all(u8::is_ascii_digit));
    [validation::length(account, OWNER_ACCOUNT_LENGTH), validation::pattern(OWNER_ACCOUNT_PATTERN, matches)]
}
