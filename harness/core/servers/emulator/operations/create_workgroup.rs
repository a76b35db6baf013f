//! `CreateWorkgroup`: the workgroup of a namespace.

use serde_json::{Value, json};

use crate::servers::emulator::errors::ServiceError;
use crate::servers::emulator::input::Input;
use crate::servers::emulator::names;
use crate::servers::emulator::protocol::Members;
use crate::servers::emulator::service::Call;
use crate::servers::emulator::state::{Settings, WORKGROUP_SETTINGS, Workgroup};

/// Source: the service model; the two names are required.
pub(super) fn call(call: &Call<'_>, members: &Members) -> Result<Value, ServiceError> {
    let mut input = Input::of(members);
    let namespace = input.required("namespaceName", names::workgroup)?;
    let name = input.required("workgroupName", names::workgroup)?;
    let settings = Settings::read(&mut input, WORKGROUP_SETTINGS)?;
    let tags = input.tags("tags")?.unwrap_or_default();
    input.check()?;
    call.giving(&tags).resource("namespace/", |realm| realm.namespace_resource(&namespace))?;
    let workgroup = Workgroup::new(namespace, settings, tags, call.at);
    let shown = call.change(|realm| realm.create_workgroup(&name, workgroup))?;
    Ok(json!({ "workgroup": call.with_door(shown) }))
}
