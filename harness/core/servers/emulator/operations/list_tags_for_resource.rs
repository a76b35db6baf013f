//! `ListTagsForResource`: the tags of a namespace or a workgroup.

use serde_json::{Value, json};

use crate::servers::emulator::errors::ServiceError;
use crate::servers::emulator::input::Input;
use crate::servers::emulator::names;
use crate::servers::emulator::protocol::Members;
use crate::servers::emulator::service::Call;

/// Source: the service model; the ARN is required.
pub(super) fn call(call: &Call<'_>, members: &Members) -> Result<Value, ServiceError> {
    let mut input = Input::of(members);
    let arn = input.required("resourceArn", names::resource)?;
    input.check()?;
    let resource = call.resource("", |realm| realm.resource(&arn))?;
    Ok(json!({ "tags": resource.tags.shown() }))
}
