//! Asks STS which account credentials belong to, and asks it for the credentials of a role.
//! Source: the AWS Security Token Service API Reference, `GetCallerIdentity` and `AssumeRole`.

use std::path::Path;

use jiff::Timestamp;
use reqwest::Url;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::guard::{Guard, Reach, Unanswered, request};
use super::profile::AskedRole;
use super::{FoundCredentials, NoCredentials, SESSION_NAME};
use crate::targets::partition::Partition;
use crate::text::foreign;
use crate::wire::sigv4::{self, Scope};
use crate::wire::{Credentials, Region, Secret};

/// The account that credentials belong to. Only the STS of the region is asked, even if settings name an emulator.
pub(super) async fn account(
    credentials: &Credentials,
    partition: &Partition,
    region: &Region,
    ca_file: Option<&Path>,
) -> Result<String, NoCredentials> {
    let [host, ..] = partition.hosts("sts", region);
    let guard = Guard::new(Reach::Host(host.clone()), ca_file);
    let sts = Sts { host, region, guard: &guard };
    let identity: Result<CallerIdentity, Refusal> = sts.ask(credentials, &[("Action", "GetCallerIdentity")]).await;
    identity.map(|identity| identity.result.account).map_err(|refusal| match refusal {
        Refusal::Unanswered(why) => NoCredentials::Unreachable(format!(
            "cannot reach STS at https://{} to ask whose account this is: {why}. Check the network",
            sts.host
        )),
        Refusal::Said(said) => NoCredentials::Missing(format!(
            "STS, asked at https://{}, does not say whose credentials these are: {said}; they must be credentials of AWS",
            sts.host
        )),
    })
}

/// Credentials for a role.
pub(super) async fn role(
    role: &AskedRole,
    credentials: &Credentials,
    region: &Region,
    guard: &Guard,
) -> Result<FoundCredentials, String> {
    let partition = Partition::of(region).ok_or_else(|| format!("AWS has no region {region}"))?;
    let [host, ..] = partition.hosts("sts", region);
    let sts = Sts { host, region, guard };
    let seconds = role.seconds.map(|seconds| seconds.to_string());
    let mut parameters = vec![
        ("Action", "AssumeRole"),
        ("RoleArn", role.arn.as_str()),
        ("RoleSessionName", role.session_name.as_deref().unwrap_or(SESSION_NAME)),
    ];
    parameters.extend(role.external_id.as_deref().map(|id| ("ExternalId", id)));
    parameters.extend(seconds.as_deref().map(|seconds| ("DurationSeconds", seconds)));
    let assumed: Result<AssumedRole, Refusal> = sts.ask(credentials, &parameters).await;
    let of_role = assumed.map(|assumed| assumed.result.credentials).map_err(|refusal| {
        let (Refusal::Unanswered(why) | Refusal::Said(why)) = refusal;
        format!("STS, asked at https://{}, does not give the role {}: {why}", sts.host, foreign(&role.arn))
    })?;
    let credentials = Credentials::new(of_role.access_key_id, of_role.secret_access_key);
    let credentials = credentials.with_session_token(Some(of_role.session_token));
    Ok(FoundCredentials { credentials, expires: Some(of_role.expiration) })
}

struct Sts<'a> {
    host: String,
    region: &'a Region,
    guard: &'a Guard,
}

/// Why STS does not give what it was asked for.
enum Refusal {
    Unanswered(String),
    Said(String),
}

impl Sts<'_> {
    /// Sends one signed request and reads the answer.
    async fn ask<T: DeserializeOwned>(
        &self,
        credentials: &Credentials,
        parameters: &[(&str, &str)],
    ) -> Result<T, Refusal> {
        let url: Url = format!("https://{}/", self.host).parse().expect("the host of a region is a host");
        // The body is encoded as the query of a URL is.
        let mut form = url.clone();
        form.query_pairs_mut().append_pair("Version", "2011-06-15").extend_pairs(parameters);
        let body = form.query().unwrap_or_default().as_bytes().to_vec();
        let mut asked = request("POST", &url, [("content-type", "application/x-www-form-urlencoded")], body);
        let scope = Scope { region: self.region.as_str(), service: "sts" };
        sigv4::sign(&mut asked, credentials, scope, Timestamp::now());
        let answer = self.guard.send(&url, asked).await.map_err(|error| match error {
            Unanswered::Denied(_) => Refusal::Said(error.to_string()),
            Unanswered::Unreachable(why) => Refusal::Unanswered(why),
        })?;
        let text = String::from_utf8_lossy(&answer.body);
        if answer.status == 200 {
            return quick_xml::de::from_str(&text)
                .map_err(|_| Refusal::Said("it gives an answer of another form".into()));
        }
        let said = match quick_xml::de::from_str::<ErrorResponse>(&text) {
            Ok(ErrorResponse { error }) => format!("{}: {}", foreign(&error.code), foreign(&error.message)),
            Err(_) => format!("it answers {}", answer.status),
        };
        Err(Refusal::Said(said))
    }
}

#[derive(Deserialize)]
struct CallerIdentity {
    #[serde(rename = "GetCallerIdentityResult")]
    result: Identity,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Identity {
    account: String,
}

#[derive(Deserialize)]
struct AssumedRole {
    #[serde(rename = "AssumeRoleResult")]
    result: RoleResult,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RoleResult {
    credentials: RoleCredentials,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RoleCredentials {
    access_key_id: String,
    secret_access_key: Secret,
    session_token: Secret,
    expiration: Timestamp,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ErrorResponse {
    error: ErrorBody,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ErrorBody {
    code: String,
    #[serde(default)]
    message: String,
}
