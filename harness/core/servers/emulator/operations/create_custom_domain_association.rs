//! `CreateCustomDomainAssociation`: a custom domain that stands for a workgroup.

use serde_json::Value;

use crate::servers::emulator::errors::ServiceError;
use crate::servers::emulator::input::Input;
use crate::servers::emulator::names;
use crate::servers::emulator::protocol::Members;
use crate::servers::emulator::service::Call;
use crate::servers::emulator::state::CustomDomain;

/// Source: the service model; all three are required.
pub(super) fn call(call: &Call<'_>, members: &Members) -> Result<Value, ServiceError> {
    let mut input = Input::of(members);
    let certificate = input.required("customDomainCertificateArn", names::certificate)?;
    let domain = input.required("customDomainName", names::custom_domain)?;
    let workgroup = input.required("workgroupName", names::workgroup)?;
    input.check()?;
    call.resource("workgroup/", |realm| realm.workgroup_resource(&workgroup))?;
    let association = CustomDomain::new(domain, workgroup, certificate, call.at);
    call.change(|realm| realm.create_association(association))
}
