//! AWS Signature Version 4: signing what is sent, and checking what was received.
//!
//! Both sides use the `aws-sigv4` crate. Checking is signing again what arrived, with exactly the
//! headers that the sender says it signed, and comparing the two in constant time.

use std::time::SystemTime;

use aws_credential_types::Credentials as AwsCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign as aws_sign};
use aws_sigv4::sign::v4::SigningParams;
use jiff::Timestamp;

use super::{Credentials, Request};

mod verify;

pub use verify::{SignatureError, verify};

/// Where and for what a signature holds: `<date>/<region>/<service>/aws4_request`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope<'a> {
    /// The region, such as `us-east-1`.
    pub region: &'a str,
    /// The service's signing name.
    pub service: &'a str,
}

/// A request that cannot be signed: its target or a header is not valid HTTP.
#[derive(Debug, thiserror::Error)]
#[error("the request cannot be signed: {0}")]
pub struct SigningError(String);

/// Signs a request in place: sets `X-Amz-Date`, `X-Amz-Security-Token` where there is a session
/// token, and `Authorization`. Signed are the headers that the request has when it gets here.
///
/// # Errors
/// When the request's target or a header cannot stand in an HTTP request.
pub fn sign(
    request: &mut Request,
    credentials: &Credentials,
    scope: Scope<'_>,
    at: Timestamp,
) -> Result<(), SigningError> {
    let fields = signature_fields(request, credentials, scope, at, SigningSettings::default())?;
    for (name, value) in fields {
        request.headers.set(name, value);
    }
    Ok(())
}

/// The header fields that sign a request, name and value.
fn signature_fields(
    request: &Request,
    credentials: &Credentials,
    scope: Scope<'_>,
    at: Timestamp,
    settings: SigningSettings,
) -> Result<Vec<(&'static str, String)>, SigningError> {
    let refuse = |error: &dyn std::fmt::Display| SigningError(error.to_string());
    let identity = AwsCredentials::new(
        credentials.access_key_id.as_str(),
        credentials.secret_access_key.expose(),
        credentials.session_token.as_ref().map(|token| token.expose().to_owned()),
        None,
        "countersign",
    )
    .into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(scope.region)
        .name(scope.service)
        .time(SystemTime::from(at))
        .settings(settings)
        .build()
        .map_err(|error| refuse(&error))?
        .into();
    // Path and query are read from the URL and the host from the header; the scheme is not signed.
    let url = format!("http://{}{}", request.headers.get("host").unwrap_or_default(), request.target);
    let signable =
        SignableRequest::new(&request.method, url.as_str(), request.headers.iter(), SignableBody::Bytes(&request.body))
            .map_err(|error| refuse(&error))?;
    let (instructions, _) = aws_sign(signable, &params).map_err(|error| refuse(&error))?.into_parts();
    let (fields, _) = instructions.into_parts();
    Ok(fields.iter().map(|field| (field.name(), field.value().to_owned())).collect())
}
