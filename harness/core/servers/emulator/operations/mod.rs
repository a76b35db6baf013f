//! The operations that are served, one file each.
//!
//! A further operation is a further file with one function, and a further row of [`TABLE`]. The function reads the
//! input, checks it against every documented constraint, looks up what it names, and returns the body of the answer.

mod create_custom_domain_association;
mod create_namespace;
mod create_workgroup;
mod delete_custom_domain_association;
mod delete_namespace;
mod delete_workgroup;
mod get_credentials;
mod get_custom_domain_association;
mod get_namespace;
mod get_workgroup;
mod list_custom_domain_associations;
mod list_namespaces;
mod list_tags_for_resource;
mod list_workgroups;
mod tag_resource;
mod untag_resource;
mod update_workgroup;

use serde_json::Value;

use super::errors::ServiceError;
use super::protocol::Members;
use super::revision::Revision;
use super::service::Call;

/// Every operation that is served, by its name in `X-Amz-Target`. Source: the service model.
const TABLE: [(&str, OperationFunction); 17] = [
    ("CreateCustomDomainAssociation", create_custom_domain_association::call),
    ("CreateNamespace", create_namespace::call),
    ("CreateWorkgroup", create_workgroup::call),
    ("DeleteCustomDomainAssociation", delete_custom_domain_association::call),
    ("DeleteNamespace", delete_namespace::call),
    ("DeleteWorkgroup", delete_workgroup::call),
    ("GetCredentials", get_credentials::call),
    ("GetCustomDomainAssociation", get_custom_domain_association::call),
    ("GetNamespace", get_namespace::call),
    ("GetWorkgroup", get_workgroup::call),
    ("ListCustomDomainAssociations", list_custom_domain_associations::call),
    ("ListNamespaces", list_namespaces::call),
    ("ListTagsForResource", list_tags_for_resource::call),
    ("ListWorkgroups", list_workgroups::call),
    ("TagResource", tag_resource::call),
    ("UntagResource", untag_resource::call),
    ("UpdateWorkgroup", update_workgroup::call),
];

/// Makes the body of an answer from the members of a call.
pub(super) type OperationFunction = fn(&Call<'_>, &Members) -> Result<Value, ServiceError>;

pub(super) fn operation_named(
    name: &str,
    revision: Revision,
) -> Result<(&'static str, OperationFunction), ServiceError> {
    let mut served = TABLE.into_iter().filter(|(known_name, _)| revision.has_operation(known_name));
    served.clone().find(|(known_name, _)| *known_name == name).ok_or_else(|| {
        let names = served.by_ref().map(|(known_name, _)| known_name).collect::<Vec<_>>().join(", ");
        ServiceError::unknown_operation(format!("Only these operations are here: {names}."))
    })
}
