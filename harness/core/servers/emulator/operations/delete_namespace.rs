//! `DeleteNamespace`: the end of a namespace that has no workgroup.

use serde_json::{Value, json};

use crate::servers::emulator::errors::ServiceError;
use crate::servers::emulator::input::Input;
use crate::servers::emulator::names;
use crate::servers::emulator::protocol::Members;
use crate::servers::emulator::service::Call;

/// Source: the service model; the name is required. There are no snapshots here, so a final one is made nowhere.
pub(super) fn call(call: &Call<'_>, members: &Members) -> Result<Value, ServiceError> {
    let mut input = Input::of(members);
    let name = input.required("namespaceName", names::workgroup)?;
    input.text("finalSnapshotName", names::any)?;
    input.integer("finalSnapshotRetentionPeriod", |_| None)?;
    input.check()?;
    call.resource("namespace/", |realm| realm.namespace_resource(&name))?;
    let shown = call.change(|realm| realm.delete_namespace(&name, call.at))?;
    Ok(json!({ "namespace": shown }))
}
