//! `GetWorkgroup`: the description of one workgroup.

use serde_json::{Value, json};

use crate::servers::emulator::errors::ServiceError;
use crate::servers::emulator::protocol::Members;
use crate::servers::emulator::validation::Breaches;
use crate::servers::emulator::{EmulatedService, names};

/// Source: the service model; the name is required.
pub(super) fn call(service: &EmulatedService, members: &Members) -> Result<Value, ServiceError> {
    let name = members.string("workgroupName")?;
    let mut breaches = Breaches::default();
    match &name {
        Some(name) => breaches.at("workgroupName", names::workgroup(name)),
        None => breaches.absent("workgroupName"),
    }
    breaches.refuse()?;
    let workgroup = service.workgroups().by_name(&name.unwrap_or_default())?;
    Ok(json!({ "workgroup": workgroup.shown }))
}
