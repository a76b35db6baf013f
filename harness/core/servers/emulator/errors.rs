//! Every refusal: its name on the wire, its status, its message.

use serde_json::json;

use super::identity::{Denial, PolicyKind};

#[derive(Debug, PartialEq, Eq)]
pub(super) struct ServiceError {
    pub(super) status: u16,
    /// The bare shape name, as it goes into `__type`.
    pub(super) name: &'static str,
    pub(super) message: String,
    resource_name: Option<String>,
}

impl ServiceError {
    fn new(status: u16, name: &'static str, message: impl Into<String>) -> Self {
        Self { status, name, message: message.into(), resource_name: None }
    }

    /// The input breaks documented constraints. Source: the operations' error lists, status 400.
    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationException", message)
    }

    /// A workgroup or custom domain that is not there. Source: the operations' error lists, status
    /// 400; the service model adds the member `resourceName`.
    pub(super) fn not_found(resource_name: &str, message: impl Into<String>) -> Self {
        let refusal = Self::new(400, "ResourceNotFoundException", message);
        Self { resource_name: Some(resource_name.to_owned()), ..refusal }
    }

    /// What is there is in the way: a name that is taken, or an operation that is under way. Source: the operations'
    /// error lists; status 400, as the service has for the errors whose status is known.
    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(400, "ConflictException", message)
    }

    /// A resource would have more tags than it may. Source: the operations' error lists; the service model adds the
    /// member `resourceName`.
    pub(super) fn too_many_tags(resource: &str, most: usize) -> Self {
        let message = format!("The resource {resource} would have more than {most} tags.");
        let refusal = Self::new(400, "TooManyTagsException", message);
        Self { resource_name: Some(resource.to_owned()), ..refusal }
    }

    /// A token of a page that was not given out. Source: the error list of `ListCustomDomainAssociations`, the only
    /// list that has it.
    pub(super) fn invalid_pagination(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidPaginationException", message)
    }

    /// More than is held here. Source: the service has this error, but lists it for other operations; no quota is
    /// documented for these.
    pub(super) fn quota_exceeded(message: impl Into<String>) -> Self {
        Self::new(400, "ServiceQuotaExceededException", message)
    }

    /// A fault of the server. Source: the operations' error lists, status 500.
    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "InternalServerException", message)
    }

    /// The body is not a JSON object, or a member has the wrong type. Source: Smithy's malformed-request tests,
    /// status 400.
    pub(super) fn serialization(message: impl Into<String>) -> Self {
        Self::new(400, "SerializationException", message)
    }

    /// A request of this protocol for something that is not served. Source: 400 is what services of
    /// this protocol were seen to send.
    pub(super) fn unknown_operation(message: impl Into<String>) -> Self {
        Self::new(400, "UnknownOperationException", message)
    }

    /// Not a request of this protocol at all. Source: Athena answers 404 to another media type.
    pub(super) fn unclaimed(message: impl Into<String>) -> Self {
        Self::new(404, "UnknownOperationException", message)
    }

    /// A body beyond the limit. Source: the Common Errors pages, status 413.
    pub(super) fn too_large(limit: usize) -> Self {
        Self::new(413, "RequestEntityTooLargeException", format!("The request body is larger than {limit} bytes."))
    }

    /// A body that does not arrive in time. Source: the Common Errors pages, status 408.
    pub(super) fn timed_out() -> Self {
        Self::new(408, "RequestTimeoutException", "The request body did not arrive in time.")
    }

    /// The bodies of other requests take all the room that there is. Source: `ServiceUnavailable` on the Common Errors
    /// pages, status 503, with the suffix that names have in this protocol.
    pub(super) fn busy() -> Self {
        Self::new(503, "ServiceUnavailableException", "The bodies of other requests take all the room that there is.")
    }

    /// No `Authorization` header. Source: the name and the message were seen on API Gateway, with
    /// 403; services of this protocol send 400 for the other signature errors.
    pub(super) fn missing_authentication_token() -> Self {
        Self::new(400, "MissingAuthenticationTokenException", "Missing Authentication Token")
    }

    /// A signature that cannot be read. Source: `IncompleteSignature` on the service's Common Errors
    /// page, status 400, with the suffix that names have in this protocol.
    pub(super) fn incomplete_signature(message: impl Into<String>) -> Self {
        Self::new(400, "IncompleteSignatureException", message)
    }

    /// An access key id that nobody has, or a wrong session token. Source: name, message and status
    /// were seen on Cognito.
    pub(super) fn unrecognized_client() -> Self {
        let message = "The security token included in the request is invalid.";
        Self::new(400, "UnrecognizedClientException", message)
    }

    /// A session token that has expired. Source: name, message and status were seen on `DynamoDB` (guregu/dynamo #68).
    pub(super) fn expired_token() -> Self {
        Self::new(400, "ExpiredTokenException", "The security token included in the request is expired")
    }

    /// A call that the caller's policies do not allow. Source: the IAM User Guide, "Access denied error message
    /// examples", for the message; Athena for its order and for the status.
    pub(super) fn access_denied(principal: &str, action: &str, resource: &str, denial: Denial) -> Self {
        let (an, kind) = match denial.by {
            PolicyKind::Identity => ("an", "identity-based policy"),
            PolicyKind::Boundary => ("a", "permissions boundary"),
            PolicyKind::Session => ("a", "session policy"),
        };
        let because = if denial.is_explicit {
            format!("with an explicit deny in {an} {kind}")
        } else {
            format!("because no {kind} allows the {action} action")
        };
        let message =
            format!("User: {principal} is not authorized to perform: {action} on resource: {resource} {because}");
        Self::new(400, "AccessDeniedException", message)
    }

    /// A signature that is wrong, too old or for somewhere else. Source: the name was seen on
    /// services of this protocol, without its status.
    pub(super) fn invalid_signature(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidSignatureException", message)
    }

    /// The JSON body: `__type` with the bare name and `message`, as Smithy wants of new AWS JSON 1.1
    /// servers; a member without a value is left out.
    pub(super) fn body(&self) -> Vec<u8> {
        let mut body = json!({ "__type": self.name, "message": self.message });
        if let Some(name) = &self.resource_name {
            body["resourceName"] = name.as_str().into();
        }
        body.to_string().into_bytes()
    }
}
