//! `ListNamespaces`: all namespaces, page by page, in the order of their names.

use serde_json::Value;

use crate::servers::emulator::errors::ServiceError;
use crate::servers::emulator::input::Input;
use crate::servers::emulator::pages::{Asked, List};
use crate::servers::emulator::protocol::Members;
use crate::servers::emulator::service::Call;

/// Source: the service model; nothing is required.
pub(super) fn call(call: &Call<'_>, members: &Members) -> Result<Value, ServiceError> {
    let mut input = Input::of(members);
    let asked = Asked::read(&mut input, |_| None)?;
    input.check()?;
    call.authorise()?;
    let of = ["ListNamespaces", call.caller.account, call.region.as_str()];
    let list = List { of: &of, member: "namespaces" };
    call.look(|realm| call.pages().page(list, &asked, realm.namespaces(), |name| realm.namespace_shown(name)))
        .map_err(|error| error.refusal(ServiceError::validation))
}
