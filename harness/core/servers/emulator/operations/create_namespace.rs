//! `CreateNamespace`: a namespace, in which a workgroup can be created.

use serde_json::{Value, json};

use crate::servers::emulator::errors::ServiceError;
use crate::servers::emulator::input::Input;
use crate::servers::emulator::protocol::Members;
use crate::servers::emulator::service::Call;
use crate::servers::emulator::state::{NAMESPACE_SETTINGS, Namespace, Settings};
use crate::servers::emulator::{names, random};

/// Source: the service model; the name is required.
pub(super) fn call(call: &Call<'_>, members: &Members) -> Result<Value, ServiceError> {
    let mut input = Input::of(members);
    let name = input.required("namespaceName", names::workgroup)?;
    let settings = Settings::read(&mut input, NAMESPACE_SETTINGS)?;
    // The password is read for the rules about it, and kept nowhere.
    let has_password = input.secret("adminUserPassword")?.is_some();
    let is_managed = input.boolean("manageAdminPassword")?.unwrap_or(false);
    input.text("redshiftIdcApplicationArn", names::application)?;
    let tags = input.tags("tags")?.unwrap_or_default();
    input.check()?;

    let has_user = settings.has("adminUsername");
    if is_managed && has_password {
        // Source: the service model, `adminUserPassword`.
        let message = "You can't use adminUserPassword if manageAdminPassword is true.";
        return Err(ServiceError::validation(message));
    }
    if !is_managed && has_user != has_password {
        // Source of the wording: terraform-provider-aws #39333.
        return Err(ServiceError::validation("Specify both the user name and password, or neither."));
    }
    if !is_managed && settings.has("adminPasswordSecretKmsKeyId") {
        // Source: the service model, `adminPasswordSecretKmsKeyId`.
        let message = "You can only use adminPasswordSecretKmsKeyId if manageAdminPassword is true.";
        return Err(ServiceError::validation(message));
    }
    let secret_name = is_managed.then(|| format!("redshift!{name}-{}", random::secret_suffix()));
    call.giving(&tags).authorise_any("namespace/")?;
    let namespace = Namespace::new(settings, secret_name, tags, call.at);
    let shown = call.change(|realm| realm.create_namespace(&name, namespace))?;
    Ok(json!({ "namespace": shown }))
}
