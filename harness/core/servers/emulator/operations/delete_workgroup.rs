//! `DeleteWorkgroup`: the end of a workgroup, and of the custom domains that stand for it.

use serde_json::{Value, json};

use crate::servers::emulator::errors::ServiceError;
use crate::servers::emulator::input::Input;
use crate::servers::emulator::names;
use crate::servers::emulator::protocol::Members;
use crate::servers::emulator::service::Call;

/// Source: the service model; the name is required.
pub(super) fn call(call: &Call<'_>, members: &Members) -> Result<Value, ServiceError> {
    let mut input = Input::of(members);
    let name = input.required("workgroupName", names::workgroup)?;
    input.check()?;
    call.resource("workgroup/", |realm| realm.workgroup_resource(&name))?;
    let shown = call.change(|realm| realm.delete_workgroup(&name, call.at))?;
    Ok(json!({ "workgroup": call.with_door(shown) }))
}
