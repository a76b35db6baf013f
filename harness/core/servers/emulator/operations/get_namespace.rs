//! `GetNamespace`: the description of one namespace.

use serde_json::{Value, json};

use crate::servers::emulator::errors::ServiceError;
use crate::servers::emulator::input::Input;
use crate::servers::emulator::names;
use crate::servers::emulator::protocol::Members;
use crate::servers::emulator::service::Call;

/// Source: the service model; the name is required.
pub(super) fn call(call: &Call<'_>, members: &Members) -> Result<Value, ServiceError> {
    let mut input = Input::of(members);
    let name = input.required("namespaceName", names::workgroup)?;
    input.check()?;
    call.resource("namespace/", |realm| realm.namespace_resource(&name))?;
    let shown = call.look(|realm| realm.namespace_shown(&name))?;
    Ok(json!({ "namespace": shown }))
}
