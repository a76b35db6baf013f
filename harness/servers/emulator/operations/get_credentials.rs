//! `GetCredentials`: a database user and a password that soon expires.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::servers::emulator::errors::ServiceError;
use crate::servers::emulator::protocol::Members;
use crate::servers::emulator::service::Call;
use crate::servers::emulator::validation::{self, Breaches};
use crate::servers::emulator::workgroups::Workgroup;
use crate::servers::emulator::{EmulatedService, names, random};

/// Values of `durationSeconds`. Source: the API reference, "minimum is 900 seconds, and the maximum
/// is 3600 seconds".
const DURATION_SECONDS: (i32, i32) = (900, 3600);

/// How long a password holds when the caller does not say, in seconds. Source: the API reference.
const DEFAULT_DURATION_SECONDS: i32 = 900;

/// From a call to its `nextRefreshTime`, in seconds. Source: the one public record of a real answer,
/// in the readme of mashiike/redshift-credentials.
const REFRESH_SECONDS: i32 = 7200;

/// Source: the documents' request parameters; none is marked as required.
pub(super) fn call(call: &Call<'_>, members: &Members) -> Result<Value, ServiceError> {
    let custom_domain = members.string("customDomainName")?;
    let database = members.string("dbName")?;
    let duration = members.integer("durationSeconds")?;
    let workgroup = members.string("workgroupName")?;
    let (custom_domain, workgroup) = (custom_domain.as_deref(), workgroup.as_deref());

    let mut breaches = Breaches::default();
    breaches.at("customDomainName", custom_domain.into_iter().flat_map(names::custom_domain));
    breaches.at("dbName", database.as_deref().into_iter().flat_map(names::database));
    breaches.at("durationSeconds", duration.map(|seconds| validation::range(seconds, DURATION_SECONDS)));
    breaches.at("workgroupName", workgroup.into_iter().flat_map(names::workgroup));
    if custom_domain.is_none() && workgroup.is_none() {
        // Source: the API reference, `customDomainName`.
        breaches.whole("The custom domain name or the workgroup name must be included in the request");
    }
    breaches.refuse()?;

    let found = look_up(call.service, workgroup, custom_domain)?;
    let seconds = duration.unwrap_or(DEFAULT_DURATION_SECONDS);
    let now = call.service.options().clock.now().as_millisecond();
    let after = |seconds: i32| now + i64::from(seconds) * 1000;
    let password = random::password();
    call.issue(found.id(), database, &password, after(seconds));
    Ok(json!({
        "dbPassword": password.expose(),
        "dbUser": call.caller.database_user,
        "expiration": timestamp(after(seconds)),
        "nextRefreshTime": timestamp(after(REFRESH_SECONDS)),
    }))
}

/// Seconds since 1970, with milliseconds: the protocol's form of a timestamp.
fn timestamp(milliseconds: i64) -> f64 {
    SignedDuration::from_millis(milliseconds).as_secs_f64()
}

/// Finds the workgroup. If both names are given, they must mean the same one.
fn look_up<'a>(
    service: &'a EmulatedService,
    workgroup: Option<&str>,
    custom_domain: Option<&str>,
) -> Result<&'a Workgroup, ServiceError> {
    let named = workgroup.map(|name| service.workgroups().by_name(name)).transpose()?;
    let Some(domain) = custom_domain else { return service.workgroups().by_name(workgroup.unwrap_or_default()) };
    let custom_domains = &service.options().custom_domains;
    let (_, meant) = custom_domains
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(domain))
        .ok_or_else(|| ServiceError::not_found(domain, format!("Custom domain {domain} not found.")))?;
    match workgroup {
        Some(name) if name != meant => Err(ServiceError::validation(format!(
            "The custom domain {domain} is not associated with the workgroup {name}."
        ))),
        _ => named.map_or_else(|| service.workgroups().by_name(meant), Ok),
    }
}
