//! The operations that are served, one file each.
//!
//! A further operation is a further file with one function, and a further row of [`TABLE`]. The function reads the
//! input, checks it against every documented constraint, looks up what it names, and returns the body of the answer.

mod get_credentials;
mod get_workgroup;
mod list_workgroups;

use serde_json::Value;

use super::errors::ServiceError;
use super::protocol::Members;
use super::service::Call;

/// Every operation that is served, by its name in `X-Amz-Target`. Source: the service model.
const TABLE: [(&str, OperationFunction); 3] = [
    ("GetCredentials", get_credentials::call),
    ("GetWorkgroup", get_workgroup::call),
    ("ListWorkgroups", list_workgroups::call),
];

/// Makes the body of an answer from the members of a call.
pub(super) type OperationFunction = fn(&Call<'_>, &Members) -> Result<Value, ServiceError>;

pub(super) fn operation_named(name: &str) -> Result<OperationFunction, ServiceError> {
    TABLE.iter().find(|(known_name, _)| *known_name == name).map(|(_, call)| *call).ok_or_else(|| {
        let names = TABLE.map(|(known_name, _)| known_name).join(", ");
        ServiceError::unknown_operation(format!("Only these operations are here: {names}."))
    })
}
