//! `GetCustomDomainAssociation`: the association of one custom domain with one workgroup.

use serde_json::Value;

use crate::servers::emulator::errors::ServiceError;
use crate::servers::emulator::input::Input;
use crate::servers::emulator::names;
use crate::servers::emulator::protocol::Members;
use crate::servers::emulator::service::Call;
use crate::servers::emulator::state::CustomDomain;

/// Source: the service model; both names are required.
pub(super) fn call(call: &Call<'_>, members: &Members) -> Result<Value, ServiceError> {
    let mut input = Input::of(members);
    let domain = input.required("customDomainName", names::custom_domain)?;
    let workgroup = input.required("workgroupName", names::workgroup)?;
    input.check()?;
    call.resource("workgroup/", |realm| realm.workgroup_resource(&workgroup))?;
    call.look(|realm| realm.association(&domain, &workgroup).map(CustomDomain::shown))
}
