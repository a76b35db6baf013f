//! `UpdateWorkgroup`: another value for one member of a workgroup.

use serde_json::{Value, json};

use crate::servers::emulator::errors::ServiceError;
use crate::servers::emulator::input::Input;
use crate::servers::emulator::names;
use crate::servers::emulator::protocol::Members;
use crate::servers::emulator::service::Call;
use crate::servers::emulator::state::{Settings, WORKGROUP_SETTINGS};

/// Source: the service model; the name is required, and "You can't update multiple parameters in one request".
pub(super) fn call(call: &Call<'_>, members: &Members) -> Result<Value, ServiceError> {
    let mut input = Input::of(members);
    let name = input.required("workgroupName", names::workgroup)?;
    let settings = Settings::read(&mut input, WORKGROUP_SETTINGS)?;
    input.check()?;
    call.resource("workgroup/", |realm| realm.workgroup_resource(&name))?;
    let shown = call.change(|realm| realm.update_workgroup(&name, settings, call.at))?;
    Ok(json!({ "workgroup": call.with_door(shown) }))
}
