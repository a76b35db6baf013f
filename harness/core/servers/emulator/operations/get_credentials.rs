//! `GetCredentials`: a database user and a password that soon expires.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::servers::emulator::errors::ServiceError;
use crate::servers::emulator::protocol::Members;
use crate::servers::emulator::service::Call;
use crate::servers::emulator::validation::{self, Breaches};
use crate::servers::emulator::{names, random};

/// Values of `durationSeconds`. Source: the API reference, "minimum is 900 seconds, and the maximum
/// is 3600 seconds".
const DURATION_SECONDS: (i32, i32) = (900, 3600);

/// How long a password holds when the caller does not say, in seconds. Source: the API reference.
const DEFAULT_DURATION_SECONDS: i32 = 900;

/// From a call to its `nextRefreshTime`, in seconds. Source: the one public record of a real answer,
/// in the readme of mashiike/redshift-credentials.
const REFRESH_SECONDS: i32 = 7200;

/// Source: the documents' request parameters; none is marked as required. Before there were custom domains, the
/// workgroup was.
pub(super) fn call(call: &Call<'_>, members: &Members) -> Result<Value, ServiceError> {
    let custom_domain = members.string("customDomainName")?;
    let database = members.string("dbName")?;
    let duration = members.integer("durationSeconds")?;
    let workgroup = members.string("workgroupName")?;
    let (custom_domain, workgroup) = (custom_domain.as_deref(), workgroup.as_deref());

    let mut breaches = Breaches::default();
    breaches.at("customDomainName", custom_domain.into_iter().flat_map(names::custom_domain));
    let revision = call.revision();
    let broken_by_database = |name| names::database(name, revision);
    breaches.at("dbName", database.as_deref().into_iter().flat_map(broken_by_database));
    breaches.at("durationSeconds", duration.map(|seconds| validation::range(seconds, DURATION_SECONDS)));
    breaches.at("workgroupName", workgroup.into_iter().flat_map(names::workgroup));
    if workgroup.is_none() && !revision.has_custom_domains() {
        // Source: the older copy of the API reference, `workgroupName`, "Required: Yes".
        breaches.absent("workgroupName");
    } else if custom_domain.is_none() && workgroup.is_none() {
        // Source: the API reference, `customDomainName`.
        breaches.whole("The custom domain name or the workgroup name must be included in the request");
    }
    breaches.refuse()?;

    let resource = call.resource("workgroup/", |realm| realm.workgroup_meant(workgroup, custom_domain))?;
    let seconds = duration.unwrap_or(DEFAULT_DURATION_SECONDS);
    let now = call.at.now.as_millisecond();
    let after = |seconds: i32| now + i64::from(seconds) * 1000;
    let password = random::password();
    call.issue(resource.id(), database, &password, after(seconds));
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
