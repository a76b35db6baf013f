//! `UntagResource`: fewer tags for a namespace or a workgroup.

use serde_json::{Value, json};

use crate::servers::emulator::errors::ServiceError;
use crate::servers::emulator::input::Input;
use crate::servers::emulator::names;
use crate::servers::emulator::protocol::Members;
use crate::servers::emulator::service::Call;

/// Source: the service model; both are required.
pub(super) fn call(call: &Call<'_>, members: &Members) -> Result<Value, ServiceError> {
    let mut input = Input::of(members);
    let arn = input.required("resourceArn", names::resource)?;
    let keys = input.tag_keys("tagKeys")?;
    if keys.is_none() {
        input.absent("tagKeys");
    }
    input.check()?;
    let resource = call.resource("", |realm| realm.resource(&arn))?;
    call.change(|realm| realm.untag(&resource.arn, &keys.unwrap_or_default()))?;
    Ok(json!({}))
}
