//! From a case's call to the request that is sent: placeholders filled, headers set, signed, and
//! whatever the case wants wrong made wrong.

use jiff::{Span, Timestamp};

use super::names::Names;
use crate::corpus::template::{self, FillError, Placeholder, fill};
use crate::corpus::{Raw, RequestSpec, SigningDefect};
use crate::targets::Target;
use crate::wire::sigv4::{Scope, sign};
use crate::wire::{Credentials, Headers, MEDIA_TYPE, Request, SIGNING_NAME, TARGET_PREFIX};

/// The database of a workgroup that nothing else is said of.
/// Source: a public record of real AWS: a namespace made without a database has `dev`.
pub const DEFAULT_DATABASE: &str = "dev";

/// Something that the request needs and the target does not have, in words with what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Missing(pub(super) String);

/// A request that is ready to be sent.
pub(super) struct Built {
    pub(super) request: Request,
    /// The body before signing defects, for the line that repeats it.
    pub(super) body: String,
}

/// Makes the request of a call. `prefix` stands in front of the path.
pub(super) fn build(
    spec: &RequestSpec,
    operation: &str,
    target: &Target,
    prefix: &str,
    names: &mut Names,
    now: Timestamp,
) -> Result<Built, Missing> {
    let none = Raw::default();
    let raw = spec.raw.as_ref().unwrap_or(&none);
    let mut filled = |text: &str| filled(text, target, names);
    let body = match &raw.body {
        Some(text) => filled(text)?,
        None => filled(&spec.input.to_json())?,
    };
    let operation = spec.operation.as_deref().unwrap_or(operation);
    let mut headers: Headers = [
        ("host".to_owned(), target.authority()),
        ("content-type".to_owned(), MEDIA_TYPE.to_owned()),
        ("x-amz-target".to_owned(), format!("{TARGET_PREFIX}.{operation}")),
    ]
    .into_iter()
    .collect();
    for (name, value) in &raw.headers {
        match value {
            Some(value) => headers.set(name, filled(value)?),
            None => headers.remove(name),
        }
    }
    let path = filled(raw.path.as_deref().unwrap_or("/"))?;
    let base = target.endpoint.path().trim_end_matches('/');
    let mut request = Request {
        method: raw.method.clone().unwrap_or_else(|| "POST".to_owned()),
        target: format!("{base}{prefix}{path}"),
        headers,
        body: match raw.encoding {
            None => body.clone().into_bytes(),
            Some(encoding) => encoding
                .bytes(&body)
                .ok_or_else(|| Missing("its body has a character that its encoding lacks".to_owned()))?,
        },
    };
    // Not signed, for what stands between may change it: an answer is read as it is, so none may be compressed.
    let identity = ("accept-encoding", "identity");
    if let Some(credentials) = &target.credentials {
        sign_with(&mut request, raw.signing, credentials, target.region.as_str(), names, now).map_err(Missing)?;
    } else if raw.signing.is_some() {
        return Err(Missing("it is about signatures, and requests go out unsigned".to_owned()));
    }
    request.headers.push(identity.0, identity.1);
    Ok(Built { request, body })
}

/// A text with its placeholders filled from the target and the run's names.
fn filled(text: &str, target: &Target, names: &mut Names) -> Result<String, Missing> {
    let value = |placeholder| match placeholder {
        Placeholder::Workgroup => {
            target.workgroup.clone().ok_or("it needs a workgroup that the target has; name one with --workgroup")
        }
        Placeholder::CustomDomain => target
            .custom_domain
            .clone()
            .ok_or("it needs a custom domain of the workgroup; name one with --custom-domain"),
        Placeholder::Database => Ok(target.database.clone().unwrap_or_else(|| DEFAULT_DATABASE.to_owned())),
        Placeholder::Random(length) => Ok(names.name(length)),
        Placeholder::Filler(length) => Ok(template::filler(length)),
        Placeholder::AbsentDomain => Ok(format!("{}.example.com", names.name(16))),
    };
    fill(text, value).map(std::borrow::Cow::into_owned).map_err(|error| match error {
        FillError::NoValue(words) => Missing(words.to_owned()),
        FillError::Unknown(_) => Missing(error.to_string()),
    })
}

/// Signs a request, with a deliberate fault where the case has one.
fn sign_with(
    request: &mut Request,
    defect: Option<SigningDefect>,
    credentials: &Credentials,
    region: &str,
    names: &mut Names,
    now: Timestamp,
) -> Result<(), String> {
    use SigningDefect as Defect;
    let mut credentials = credentials.clone();
    let mut scope = Scope { region, service: SIGNING_NAME };
    let mut at = now;
    let hour = Span::new().hours(1);
    let target = request.headers.get("x-amz-target").unwrap_or_default().to_owned();
    match defect {
        Some(Defect::Unsigned) => return Ok(()),
        Some(Defect::UnknownKey) => credentials.access_key_id = format!("AKIA{}", names.key(16)),
        Some(Defect::WrongSecret) => credentials.secret_access_key = names.key(40).into(),
        Some(Defect::WrongRegion) => scope.region = if region == "eu-west-1" { "us-east-1" } else { "eu-west-1" },
        Some(Defect::WrongService) => scope.service = "redshift",
        Some(Defect::StaleDate) => at = now.checked_sub(hour).map_err(|error| error.to_string())?,
        Some(Defect::FutureDate) => at = now.checked_add(hour).map_err(|error| error.to_string())?,
        Some(Defect::ChangedTarget) => request.headers.set("x-amz-target", format!("{TARGET_PREFIX}.ListWorkgroups")),
        _ => {}
    }
    sign(request, &credentials, scope, at).map_err(|error| error.to_string())?;
    let header = request.headers.get("authorization").unwrap_or_default().to_owned();
    let without = |field: &str| {
        let kept: Vec<_> = header.split(", ").filter(|part| !part.contains(&format!("{field}="))).collect();
        kept.join(", ")
    };
    let changed = match defect {
        Some(Defect::ChangedBody) => {
            request.body.push(b' ');
            return Ok(());
        }
        Some(Defect::ChangedTarget) => {
            request.headers.set("x-amz-target", target);
            return Ok(());
        }
        Some(Defect::WrongScheme) => header.replacen("AWS4-HMAC-SHA256", "Bearer", 1),
        Some(Defect::NoSignature) => without("Signature"),
        Some(Defect::NoSignedHeaders) => without("SignedHeaders"),
        Some(Defect::ShortScope) => header.replacen(&format!("/{region}/"), "/", 1),
        Some(Defect::ChangedSignature) => {
            let (kept, last) = header.split_at(header.len().saturating_sub(1));
            format!("{kept}{}", if last == "0" { "1" } else { "0" })
        }
        _ => return Ok(()),
    };
    request.headers.set("authorization", changed);
    Ok(())
}
