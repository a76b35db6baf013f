//! `GetWorkgroup`: the description of one workgroup.

use serde_json::{Value, json};

use crate::servers::emulator::errors::ServiceError;
use crate::servers::emulator::names;
use crate::servers::emulator::protocol::Members;
use crate::servers::emulator::service::Call;
use crate::servers::emulator::validation::Breaches;

/// Source: the service model; the name is required.
pub(super) fn call(call: &Call<'_>, members: &Members) -> Result<Value, ServiceError> {
    let name = members.string("workgroupName")?;
    let mut breaches = Breaches::default();
    match &name {
        Some(name) => breaches.at("workgroupName", names::workgroup(name)),
        None => breaches.absent("workgroupName"),
    }
    breaches.refuse()?;
    let workgroup = call.service.workgroups().by_name(&name.unwrap_or_default())?;
    Ok(json!({ "workgroup": workgroup.shown_by(call.service) }))
}
