//! `TagResource`: more tags for a namespace or a workgroup.

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
    let tags = input.tags("tags")?;
    if tags.is_none() {
        input.absent("tags");
    }
    input.check()?;
    let tags = tags.unwrap_or_default();
    let resource = call.giving(&tags).resource("", |realm| realm.resource(&arn))?;
    call.change(|realm| realm.tag(&resource.arn, tags))?;
    Ok(json!({}))
}
